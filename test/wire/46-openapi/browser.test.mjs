// /docs in a real browser: what it shows, and a request sent from it. SPDX: Apache-2.0
import { after } from 'node:test';
import { assert, ok, play, sleep } from '../lib.mjs';
import { Browser } from '../browser.mjs';

let chromium = null;
const started = () => (chromium ??= Browser.start());
after(async () => { if (chromium) await (await chromium).stop(); });

// Asks in the page until it says yes.
async function until(page, fn, ...args) {
  for (let i = 0; i < 400; i++) {
    const said = await page.run(fn, ...args);
    if (said) return said;
    await sleep(50);
  }
  assert.fail(`never: ${fn}\n${await page.run(() => document.body.innerText.slice(0, 2000))}`);
}

// The policy lets nothing of another host in, and says so in the page.
const watch = () => {
  globalThis.refused = [];
  document.addEventListener('securitypolicyviolation', (e) => refused.push(`${e.violatedDirective} ${e.blockedURI}`));
};
const loaded = () => performance.getEntriesByType('resource').map((r) => r.name);

play('Swagger UI shows the API, and a request goes out from it', { app: 'shop', users: 5, timeout: 120000 }, async (s) => {
  if (!(await s.get('/docs/swagger-ui-bundle.js')).text) {
    s.t.skip('this build has no Swagger UI: ./dev setup');
    return;
  }
  const page = await (await started()).open(`${s.base}/docs`);
  await page.run(watch);
  await until(page, () => document.querySelector('#operations-tag-users') !== null);
  await page.run(() => document.querySelector('#operations-tag-users').click());
  await until(page, () => document.querySelector('#operations-users-getUser') !== null);
  assert.equal(await page.run(() => document.querySelector('.info .title').innerText.startsWith('shop')), true);
  await page.run(() => document.querySelector('#operations-users-getUser .opblock-summary-control').click());
  await until(page, () => document.querySelector('#operations-users-getUser input[placeholder="id"]') !== null);
  await page.run(() => {
    const input = document.querySelector('#operations-users-getUser input[placeholder="id"]');
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, '1');
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await until(page, () => { document.querySelector('#operations-users-getUser .execute').click(); return document.querySelector('#operations-users-getUser .live-responses-table') !== null; });
  const answer = await until(page, () => document.querySelector('#operations-users-getUser .live-responses-table')?.innerText);
  assert.match(answer, /200/);
  assert.match(answer, /john@example\.com/);
  for (const name of await page.run(loaded)) assert.ok(name.startsWith(s.base), `from another host: ${name}`);
  assert.deepEqual(await page.run(() => refused), [], 'the policy of the page is enough for it');
});

const evil = '"><img src=x onerror="globalThis.hit=1"><script>globalThis.hit=2</script>[x](javascript:globalThis.hit=3)';
play('markup in names, descriptions and comments is shown, not run', { timeout: 120000, on: ['sqlite', 'postgres'],
  config: `name: ${JSON.stringify(evil.slice(0, 90))}\ndocs:\n  description: ${JSON.stringify(evil)}\n`,
  migrations: `CREATE TABLE notes (id SERIAL PRIMARY KEY, body TEXT); COMMENT ON COLUMN notes.body IS '${evil}'; COMMENT ON TABLE notes IS '${evil}';` }, async (s) => {
  const page = await (await started()).open(`${s.base}/docs`);
  await page.run(watch);
  await until(page, () => document.querySelector('#api .list, #operations-tag-notes') !== null);
  assert.ok((await page.run(() => document.body.innerHTML)).length > 500);
  assert.equal(await page.run(() => globalThis.hit), undefined);
  assert.equal(await page.run(() => document.querySelectorAll('a[href^="javascript:"], img[onerror], script:not([src])').length), 0);
});

play('without it the page lists the operations, and sends too', { app: 'shop', users: 5, timeout: 120000 }, async (s) => {
  const page = await (await started()).open(`${s.base}/docs`);
  await page.run(watch);
  // Swagger UI, where it is, looks for its place when it first draws: only then may the place go.
  await until(page, () => document.querySelector(typeof SwaggerUIBundle === 'undefined' ? '#api .list' : '#operations-tag-users') !== null);
  await page.run(() => document.getElementById('api').replaceWith(Object.assign(document.createElement('main'), { id: 'api' })));
  await page.run(async () => list(await (await fetch('openapi.json')).json()));
  assert.ok(await page.run(() => document.querySelectorAll('.list details').length) > 100);
  await page.run(() => {
    const one = [...document.querySelectorAll('.list details')].find((d) => d.innerText.startsWith('POST /v1/tags '));
    one.open = true;
    one.querySelector('textarea').value = '{"name": "from the page"}';
    one.querySelector('button').click();
  });
  const said = await until(page, () => [...document.querySelectorAll('.list pre')].map((p) => p.textContent).find(Boolean));
  assert.match(said, /^201\n\{"id":\d+,"name":"from the page"\}/);
  assert.equal(ok(await s.get('/v1/tags?name=eq.from the page')).total, 1);
  assert.deepEqual(await page.run(() => refused), []);
});

play('who may see it only signed in brings a token along', { migrations: 'CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE, password_hash text); CREATE TABLE notes (id serial PRIMARY KEY);',
  config: 'auth: { table: users, hash_memory: 64K, hash_passes: 1 }\ndocs: { serve: signed_in }\n', timeout: 120000 }, async (s) => {
  const { access_token: token } = ok(await s.post('/v1/auth/register', { email: 'a@x.io', password: 'correct horse battery' }), 201);
  const page = await (await started()).open(`${s.base}/docs`);
  await until(page, () => !document.querySelector('#token').hidden);
  assert.match(await until(page, () => document.querySelector('#token output').textContent), /signed in/);
  await page.run((t) => { document.querySelector('#token input').value = t; document.querySelector('#token button').click(); }, token);
  await until(page, () => document.querySelector('#api').innerText.includes('/v1/notes') || document.querySelector('#api').innerText.includes('notes'));
});
