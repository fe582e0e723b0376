// CORS as a real browser sees it: pages of other origins, with what they may read and what not. SPDX: Apache-2.0
import { assert, play } from '../lib.mjs';
import { ask, world as inBrowser } from '../pages.mjs';

const migrations = 'CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL);';

const world = (config, fn) => inBrowser({ migrations, config }, fn);
const BLOCKED = { failed: 'TypeError' };
const json = (method, body, headers = {}) => ({ method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });

play('an allowed page reads and writes; others are kept out by the browser', { serve: false, timeout: 120000 }, () => world((port) => `cors:
  origins: [http://shop.test:${port}, "http://*.team.test:${port}"]
  methods: [GET, POST, PATCH, DELETE]
`, async ({ s, page: open }) => {
  const shop = await open('shop.test');
  const made = await shop.run(ask, `${s.base}/v1/users`, json('POST', { name: 'Ann' }, { 'Idempotency-Key': 'k1', Authorization: 'Bearer x' }));
  assert.equal(made.status, 201, JSON.stringify(made));
  assert.match(made.headers.location, /\/v1\/users\/1$/, 'an exposed header');
  assert.match(made.headers['x-request-id'], /./);
  assert.equal(made.headers['content-security-policy'], undefined, 'not exposed');
  assert.equal((await shop.run(ask, `${s.base}/v1/users/1`, json('PATCH', { name: 'Bea' }))).body.name, 'Bea');
  const list = await shop.run(ask, `${s.base}/v1/users`);
  assert.deepEqual(list.body.data.map((u) => u.name), ['Bea']);
  const missing = await shop.run(ask, `${s.base}/v1/users/9`);
  assert.equal(missing.status, 404);
  assert.equal(missing.body.code, 'not_found', 'failures can be read too');
  assert.equal((await shop.run(ask, `${s.base}/v1/users/1`, { method: 'DELETE' })).status, 204);

  assert.deepEqual(await shop.run(ask, `${s.base}/v1/users/1`, json('PUT', { name: 'x' })), BLOCKED, 'PUT is not among the methods');
  assert.deepEqual(await shop.run(ask, `${s.base}/v1/users`, { headers: { 'X-Strange': '1' } }), BLOCKED, 'nor X-Strange among the headers');
  assert.deepEqual(await shop.run(ask, `${s.base}/v1/users`, { credentials: 'include' }), BLOCKED, 'credentials are off');

  const team = await open('a.b.team.test');
  assert.equal((await team.run(ask, `${s.base}/v1/users`)).status, 200);
  for (const host of ['evil.test', 'team.test', 'xteam.test']) {
    const page = await open(host);
    assert.deepEqual(await page.run(ask, `${s.base}/v1/users`), BLOCKED, host);
    assert.deepEqual(await page.run(ask, `${s.base}/v1/users`, json('POST', { name: 'Eve' })), BLOCKED, host);
  }
  assert.deepEqual(await s.list('/v1/users'), [], 'nothing came through a refused preflight');
}));

play('a sandboxed frame has the origin null, and is nobody', { serve: false, timeout: 120000 }, () => world((port) => `cors: { origins: [http://shop.test:${port}] }\n`, async ({ s, page: open }) => {
  const shop = await open('shop.test');
  const inside = (url) => new Promise((done) => {
    addEventListener('message', (m) => done(m.data), { once: true });
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts';
    frame.srcdoc = `<script>fetch(${JSON.stringify(url)}).then((r) => parent.postMessage(r.status, '*'), (e) => parent.postMessage(e.name, '*'))</script>`;
    document.body.append(frame);
  });
  assert.equal(await shop.run(inside, `${s.base}/v1/users`), 'TypeError');
  assert.equal((await shop.run(ask, `${s.base}/v1/users`)).status, 200);
}));

play('a page that everybody may read, without credentials', { serve: false, timeout: 120000 }, () => world(() => 'cors: { origins: ["*"] }\n', async ({ s, page: open }) => {
  const page = await open('any.test');
  assert.equal((await page.run(ask, `${s.base}/v1/users`)).status, 200);
  assert.deepEqual(await page.run(ask, `${s.base}/v1/users`, { credentials: 'include' }), BLOCKED);
}));

// The limit counts by the Cookie header, so its answers show whether the cookie came along.
play('credentials: cookies travel, limits can be read, preflights are kept', { serve: false, timeout: 120000 }, () => world((port) => `cors: { origins: [http://127.0.0.1:${port}], credentials: true, max_age: 10m }
limits: [{ name: cookie, match: { path: /v1/* }, key: [api_key], rate: 2/h }]
rate_limit: { api_key_header: Cookie }
`, async ({ s, page: open }) => {
  const page = await open('127.0.0.1');
  await page.run(() => { document.cookie = 'session=one'; });
  const left = async (options) => Number((await page.run(ask, `${s.base}/v1/users`, options)).headers['x-ratelimit-remaining']);
  assert.equal(await left({ credentials: 'include' }), 1);
  assert.equal(await left({ credentials: 'include' }), 0);
  const over = await page.run(ask, `${s.base}/v1/users`, { credentials: 'include' });
  assert.equal(over.status, 429);
  assert.equal(over.body.code, 'rate_limited');
  assert.ok(Number(over.headers['retry-after']) > 0);
  assert.match(over.headers['ratelimit-policy'], /^"cookie";q=2;w=3600$/);
  assert.equal(await left({ credentials: 'omit' }), 1, 'without the cookie it is somebody else');
  await page.run(() => { document.cookie = 'session=two'; });
  assert.equal(await left({ credentials: 'include' }), 1);
  const change = json('PATCH', { name: 'x' });
  for (let i = 0; i < 3; i++) await page.run(ask, `${s.base}/v1/users/1`, { ...change, credentials: 'include' });
  assert.equal(s.lines.filter((l) => l.method === 'OPTIONS' && l.path === '/v1/users/1').length, 1, 'one preflight for three requests');
}));
