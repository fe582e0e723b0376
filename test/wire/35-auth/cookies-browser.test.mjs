// Sessions in cookies in a real browser: what script cannot read, and what other pages cannot do. SPDX: Apache-2.0
import { assert, play } from '../lib.mjs';
import { ask, world as inBrowser } from '../pages.mjs';

const migrations = `
CREATE TABLE users (id SERIAL PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password_hash TEXT NOT NULL);
CREATE TABLE posts (id SERIAL PRIMARY KEY, title TEXT NOT NULL);`;
const auth = `auth: { table: users, hash_memory: 64K, hash_passes: 1 }
access: { posts: [{ roles: signed_in, can: all }] }
`;

const world = (config, args, fn) => inBrowser({ migrations, config, args }, fn);
const json = (body, headers = {}, more = {}) => ({ method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers }, ...more });
const ada = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' };
const seen = (s, path) => s.lines.filter((l) => l.path === path && l.method === 'POST').map((l) => l.status);

play('an own page signs in, and its script never sees the cookie', { serve: false, timeout: 120000 }, () => world(() => auth, [], async ({ s, open }) => {
  const page = await open(`${s.base}/docs`);
  const r = await page.run(ask, '/v1/auth/register?session=cookie', json(ada));
  assert.equal(r.status, 201, JSON.stringify(r));
  assert.equal(await page.run(() => document.cookie), '', 'HttpOnly');
  assert.equal((await page.run(ask, '/v1/auth/me')).body.name, 'Ada');
  assert.equal((await page.run(ask, '/v1/auth/me', { credentials: 'omit' })).status, 401);
  const without = await page.run(ask, '/v1/posts', json({ title: 'x' }));
  assert.equal(without.body.code, 'csrf_token');
  const token = { 'X-CSRF-Token': (await page.run(ask, '/v1/auth/csrf')).body.csrf_token };
  assert.equal((await page.run(ask, '/v1/posts', json({ title: 'mine' }, token))).status, 201);
  assert.equal((await page.run(ask, '/v1/auth/logout', { method: 'POST', headers: token })).status, 204);
  assert.equal((await page.run(ask, '/v1/auth/me')).status, 401);
}));

play('pages of others: a form, a fetch, a beacon, an image', { serve: false, timeout: 120000 }, () => world(() => `${auth}`, [], async ({ s, open, page }) => {
  const own = await open(`${s.base}/docs`);
  assert.equal((await own.run(ask, '/v1/auth/register?session=cookie', json(ada))).status, 201);
  const url = `${s.base}/v1/posts`;
  // Another port of the same host is the same site: the browser sends the cookie, and the server refuses.
  const near = await page('127.0.0.1');
  const plain = { method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'Content-Type': 'text/plain' }, body: '{"title":"evil"}' };
  await near.run(async (u, o) => { await fetch(u, o).catch(() => {}); }, url, plain);
  await s.waitLog((l) => l.path === '/v1/posts' && l.method === 'POST'); // it comes through a pipe
  assert.deepEqual(seen(s, '/v1/posts'), [403], 'with the cookie: cross_site');
  // Another site: SameSite keeps the cookie back, so nobody asks.
  const far = await page('evil.test');
  await far.run(async (u, o) => { await fetch(u, o).catch(() => {}); }, url, plain);
  await far.run((u) => { navigator.sendBeacon(u, new Blob(['{"title":"evil"}'], { type: 'text/plain' })); }, url);
  for (const host of [near, far]) {
    await host.run((u) => new Promise((done) => {
      const frame = document.createElement('iframe');
      frame.name = 'out';
      frame.onload = done;
      document.body.append(frame);
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action: u, target: 'out', enctype: 'text/plain' });
      form.append(Object.assign(document.createElement('input'), { name: '{"title":"evil', value: '"}' }));
      document.body.append(form);
      form.submit();
      setTimeout(done, 2000);
    }), url);
  }
  for (let i = 0; i < 50 && seen(s, '/v1/posts').length < 5; i++) await new Promise((done) => setTimeout(done, 100));
  assert.equal(seen(s, '/v1/posts').length, 5);
  assert.ok(seen(s, '/v1/posts').every((status) => status === 401 || status === 403), seen(s, '/v1/posts').join(' '));
  assert.deepEqual((await own.run(ask, '/v1/posts')).body.data, []);
  assert.equal((await far.run(ask, url, { credentials: 'include' })).failed, 'TypeError', 'nor can it read');
  await near.run(async (u) => { await fetch(u, { method: 'POST', mode: 'no-cors', credentials: 'include' }).catch(() => {}); }, `${s.base}/v1/auth/logout`);
  assert.equal((await own.run(ask, '/v1/auth/me')).status, 200, 'nor sign the user out');
}));

play('a page of another origin that CORS trusts', { serve: false, timeout: 120000 }, () => world((port) => `${auth}cors: { origins: ["http://127.0.0.1:${port}"], credentials: true }\n`, [], async ({ s, page }) => {
  const app = await page('127.0.0.1');
  const include = { credentials: 'include' };
  const r = await app.run(ask, `${s.base}/v1/auth/register?session=cookie`, json(ada, {}, include));
  assert.equal(r.status, 201, JSON.stringify(r));
  assert.equal((await app.run(ask, `${s.base}/v1/auth/me`, include)).body.name, 'Ada');
  const token = { 'X-CSRF-Token': (await app.run(ask, `${s.base}/v1/auth/csrf`, include)).body.csrf_token };
  assert.equal((await app.run(ask, `${s.base}/v1/posts`, json({ title: 'x' }, token, include))).status, 201);
  assert.equal((await app.run(ask, `${s.base}/v1/posts`, json({ title: 'x' }, {}, include))).body.code, 'csrf_token');
}));

play('in production: __Host-, Secure, and still unreadable', { serve: false, timeout: 120000 }, () => world(() => `${auth}`, ['--set', 'mode=production', '--set', 'docs.serve=anyone'], async ({ s, open }) => {
  const base = s.base.replace('127.0.0.1', 'localhost'); // a secure context without TLS
  const page = await open(`${base}/docs`);
  const r = await page.run(ask, '/v1/auth/register?session=cookie', json(ada));
  assert.equal(r.status, 201, JSON.stringify(r));
  assert.equal(await page.run(() => document.cookie), '');
  assert.equal((await page.run(ask, '/v1/auth/me')).status, 200);
  await page.run(() => { document.cookie = '__Host-session=crs_evil; path=/; secure'; });
  assert.equal((await page.run(ask, '/v1/auth/me')).status, 200, 'script cannot put another one in its place');
  const token = { 'X-CSRF-Token': r.body.csrf_token };
  assert.equal((await page.run(ask, '/v1/posts', json({ title: 'x' }, token))).status, 201);
  assert.equal((await page.run(ask, '/v1/auth/logout', { method: 'POST', headers: token })).status, 204);
  assert.equal((await page.run(ask, '/v1/auth/me')).status, 401);
}));
