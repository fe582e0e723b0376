// Signing in at a real provider (oidc-provider) in a real browser: login, consent, back, a session. SPDX: Apache-2.0
import http from 'node:http';
import { after } from 'node:test';
import { assert, play, sleep, slow } from '../lib.mjs';
import { Browser } from '../browser.mjs';
import { missing, use } from './npm.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL,
  password_hash TEXT, verified BOOLEAN NOT NULL DEFAULT false);`;

let chromium = null; // one for all plays: it takes seconds to start
const started = () => (chromium ??= Browser.start());
after(async () => { if (chromium) await (await chromium).stop(); });

for (const name of ['warn', 'info']) console[name] = () => {}; // it tells how not to serve people

// It has to know where it is, and where Cairn is, before it can be made.
async function provider(mode) {
  const { default: Provider } = await use('oidc-provider/lib/index.js');
  const server = http.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${server.address().port}`;
  const findAccount = (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@x.io`, email_verified: id !== 'mallory', name: `${id} of the play` }) });
  const callback = (base) => {
    const p = new Provider(url, {
      clients: [{ client_id: 'cairn', client_secret: 'a secret of the play', redirect_uris: [`${base}/v1/auth/oauth/corp/callback`], response_types: ['code'], grant_types: ['authorization_code'], ...mode }],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      cookies: { keys: ['of the play'] },
      pkce: { required: () => true },
      findAccount,
    });
    server.on('request', p.callback());
  };
  return { url, callback, stop: () => { server.closeAllConnections(); return new Promise((done) => server.close(done)); } };
}

async function world(s, mode, fn) {
  const p = await provider(mode);
  try {
    s.project.env.CORP_SECRET = 'a secret of the play';
    s.project.config(`
auth:
  table: users
  verified: verified
  hash_memory: 64K
  hash_passes: 1
  providers: [{ name: corp, issuer: "${p.url}", client_id: cairn, client_secret: "\${CORP_SECRET}" }]
`);
    await s.start();
    p.callback(s.base);
    await fn(p, await started());
  } finally {
    await p.stop();
  }
}

// A page may be gone while it is asked: then it is another one already.
async function until(page, fn, ...args) {
  for (const end = Date.now() + 20000 * slow; Date.now() < end; await sleep(50)) {
    const r = await page.run(fn, ...args).catch(() => undefined);
    if (r) return r;
  }
  assert.fail(`never: ${fn} at ${await page.run(() => `${location.href}\n${document.body.innerText}`)}`);
}
const at = (page, start) => until(page, (u) => location.href.startsWith(u) && document.readyState === 'complete', start);
const send = (page) => page.run(() => { document.querySelector('button[type=submit]').click(); });

async function sign_in(page, p, login) {
  await at(page, `${p.url}/interaction/`);
  await until(page, () => document.querySelector('input[name=login]') !== null);
  await page.run((name) => { document.querySelector('input[name=login]').value = name; document.querySelector('input[name=password]').value = 'any'; }, login);
  await send(page);
  await until(page, () => document.querySelector('input[name=login]') === null && document.querySelector('button[type=submit]') !== null);
  await send(page); // consent
}
const me = (page) => page.run(async () => { const r = await fetch('/v1/auth/me'); return { status: r.status, ...(await r.json()) }; });
const forget = (browser) => browser.ask('Storage.clearCookies');

const modes = [['its answer as a query', {}], ['its secret in the body', { token_endpoint_auth_method: 'client_secret_post' }]];
for (const [what, mode] of modes) {
  play(`a browser signs in at a provider and is led back: ${what}`, { migrations, config: '', on: mode.token_endpoint_auth_method ? ['sqlite'] : on, serve: false, skip: missing, timeout: 120000 }, (s) => world(s, mode, async (p, browser) => {
    await forget(browser);
    const page = await browser.open(`${s.base}/v1/auth/oauth/corp?return_to=/docs`);
    await sign_in(page, p, 'eve');
    await at(page, `${s.base}/docs`);
    const first = await me(page);
    assert.deepEqual([first.status, first.email, first.name, first.verified], [200, 'eve@x.io', 'eve of the play', true]);
    assert.equal(await page.run(() => document.cookie), '', 'script sees no cookie');
    const list = await page.run(async () => (await (await fetch('/v1/auth/identities')).json()).data);
    assert.deepEqual(list.map((i) => [i.provider, i.subject]), [['corp', 'eve']]);
    // once more: the provider knows the browser, and nobody is asked
    const again = await browser.open(`${s.base}/v1/auth/oauth/corp?return_to=/docs`);
    await at(again, `${s.base}/docs`);
    assert.equal((await me(again)).id, first.id);
  }));
}

play('a browser: no consent, an address that is not verified, a state that was used', { migrations, config: '', on, serve: false, skip: missing, timeout: 120000 }, (s) => world(s, {}, async (p, browser) => {
  await forget(browser);
  let page = await browser.open(`${s.base}/v1/auth/oauth/corp?return_to=/docs#ticket=secret`);
  await at(page, `${p.url}/interaction/`);
  assert.equal(await page.run(() => location.hash), '', 'the provider does not see what stood behind #');
  await until(page, () => [...document.querySelectorAll('a')].some((a) => /abort/.test(a.href)));
  await page.run(() => { [...document.querySelectorAll('a')].find((a) => /abort/.test(a.href)).click(); });
  await at(page, `${s.base}/docs`);
  assert.equal(await page.run(() => location.hash), '#error=access_denied');
  assert.equal((await me(page)).status, 401);
  page = await browser.open(`${s.base}/v1/auth/oauth/corp?return_to=/docs`);
  await sign_in(page, p, 'mallory');
  await at(page, `${s.base}/docs`);
  assert.equal(await page.run(() => location.hash), '#error=email_not_verified');
  // the address that the browser came back by is of no use any more
  const line = await s.waitLog((l) => l.path === '/v1/auth/oauth/corp/callback' && l.status === 303);
  assert.ok(line);
  const old = await page.run(async () => (await fetch('/v1/auth/oauth/corp/callback?state=AAAA&code=x')).status);
  assert.equal(old, 400);
}));

play('a browser with a session links a provider to its account', { migrations, config: '', on: ['sqlite'], serve: false, skip: missing, timeout: 120000 }, (s) => world(s, {}, async (p, browser) => {
  await forget(browser);
  const made = s.project.cairn('account', 'add', 'amy@x.io', '--column', 'name=Amy,verified=true', { input: 'correct horse battery\n' });
  assert.equal(made.code, 0, made.all);
  const page = await browser.open(`${s.base}/docs`);
  const url = await page.run(async () => {
    const json = (body, more) => ({ method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...more } });
    const { csrf_token } = await (await fetch('/v1/auth/login?session=cookie', json({ email: 'amy@x.io', password: 'correct horse battery' }))).json();
    return (await (await fetch('/v1/auth/oauth/corp/link', json({ return_to: '/docs' }, { 'X-CSRF-Token': csrf_token }))).json()).url;
  });
  await page.run((u) => { location.href = u; }, url);
  await sign_in(page, p, 'mallory'); // an unverified address: the session says whose it is
  await at(page, `${s.base}/docs`);
  assert.equal(await page.run(() => location.hash), '#linked=corp');
  await forget(browser);
  const other = await browser.open(`${s.base}/v1/auth/oauth/corp?return_to=/docs`);
  await sign_in(other, p, 'mallory');
  await at(other, `${s.base}/docs`);
  assert.equal((await me(other)).email, 'amy@x.io');
}));
