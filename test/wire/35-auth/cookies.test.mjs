// Sessions in cookies: signing in and out, what a write under a cookie needs, expiry, other processes. SPDX: Apache-2.0
import { Server, play, ok, problem, assert, sleep } from '../lib.mjs';
import { Redis } from '../redis.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL,
  password_hash TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'viewer');
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, title TEXT NOT NULL);`;
const config = `
auth:
  table: users
  roles: role
  hash_memory: 64K
  hash_passes: 1
access:
  users: [{ roles: signed_in, can: read }, { roles: signed_in, can: update, where: id == me.id }]
  posts: [{ roles: anyone, can: read }, { roles: signed_in, can: [create, update, delete], where: user_id == me.id, set: { user_id: me.id } }]
`;
const what = { migrations, config, on };
const ada = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' };

// "session=crs_...; Path=/; ..." taken apart.
function parse(line) {
  const [pair, ...rest] = line.split('; ');
  const at = pair.indexOf('=');
  return { name: pair.slice(0, at), value: pair.slice(at + 1), flags: Object.fromEntries(rest.map((r) => { const [k, v] = r.split('='); return [k.toLowerCase(), v ?? true]; })) };
}
const cookieOf = (r) => { const list = r.headers.getSetCookie(); assert.equal(list.length, 1, r.text); return parse(list[0]); };
const pair = (c) => `${c.name}=${c.value}`;
// A session: headers that a browser, or the page in it, would send with a write.
function session(r, status = 200) {
  const body = ok(r, status);
  const cookie = cookieOf(r);
  return { body, cookie, read: { Cookie: pair(cookie) }, write: { Cookie: pair(cookie), 'X-CSRF-Token': body.csrf_token, 'Sec-Fetch-Site': 'same-origin' } };
}
const login = async (s, more = {}, headers = {}) => session(await s.post('/v1/auth/login?session=cookie', { email: ada.email, password: ada.password, ...more }, headers));
const register = async (s, more = {}) => session(await s.post('/v1/auth/register?session=cookie', { ...ada, ...more }), 201);

play('sign in by cookie, read, write, sign out', what, async (s) => {
  const a = await register(s);
  assert.deepEqual(Object.keys(a.body).sort(), ['csrf_token', 'expires_at', 'user'], 'no token for script to lose');
  assert.equal(a.body.user.email, ada.email);
  assert.equal(a.cookie.name, 'session', 'development, on the loopback');
  assert.deepEqual(a.cookie.flags, { path: '/', 'max-age': '2592000', httponly: true, samesite: 'Lax' });
  const b = await s.post('/v1/auth/login?session=cookie', { email: ada.email, password: ada.password });
  assert.equal(b.header('cache-control'), 'no-store');
  assert.equal(b.header('x-csrf-token'), b.body.csrf_token);
  const c = session(b);
  assert.notEqual(c.cookie.value, a.cookie.value);
  assert.equal(ok(await s.get('/v1/auth/me', c.read)).name, 'Ada');
  const made = ok(await s.post('/v1/posts', { title: 'one' }, c.write), 201);
  assert.equal(made.user_id, 1);
  const list = ok(await s.get('/v1/auth/sessions', c.read)).data;
  assert.equal(list.length, 2);
  assert.deepEqual(list.map((x) => x.kind), ['cookie', 'cookie']);
  const out = await s.post('/v1/auth/logout', undefined, c.write);
  ok(out, 204);
  const gone = cookieOf(out);
  assert.equal(gone.name, 'session');
  assert.equal(gone.value, '');
  assert.equal(gone.flags['max-age'], '0');
  problem(await s.get('/v1/auth/me', c.read), 401, 'sign_in_required');
  ok(await s.get('/v1/auth/me', a.read));
  ok(await s.get('/v1/posts', c.read), 200); // as anybody
});

play('answers to cookies are private and vary by them', what, async (s) => {
  const a = await register(s);
  const r = await s.get('/v1/posts', a.read);
  assert.match(r.header('cache-control'), /private/);
  assert.match(r.header('vary'), /\bCookie\b/);
  assert.equal(r.headers.getSetCookie().length, 0);
});

play('a cookie is __Host- and Secure where it goes over a network', { ...what, on: ['sqlite'], serve: false }, async (s, p) => {
  p.do('migrate', 'up');
  await s.start(['--set', 'mode=production']);
  const r = await s.post('/v1/auth/register?session=cookie', ada);
  const c = cookieOf(r);
  assert.equal(c.name, '__Host-session');
  assert.deepEqual(c.flags, { path: '/', 'max-age': '2592000', httponly: true, samesite: 'Lax', secure: true });
  const a = session(r, 201);
  ok(await s.get('/v1/auth/me', a.read));
  problem(await s.get('/v1/auth/me', { Cookie: `session=${c.value}` }), 401, 'sign_in_required');
  const out = await s.post('/v1/auth/logout', undefined, a.write);
  ok(out, 204);
  assert.equal(out.header('clear-site-data'), '"cache", "storage"');
  assert.match(out.headers.getSetCookie()[0], /^__Host-session=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/);
});

play('in development, too, unless host and client are here', { ...what, on: ['sqlite'] }, async (s) => {
  const body = JSON.stringify(ada);
  const r = await s.raw(`POST /v1/auth/register?session=cookie HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
  assert.match(r.text, /^HTTP\/1\.1 201 /);
  assert.match(r.text, /\r\nSet-Cookie: __Host-session=crs_[\w-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure\r\n/);
});

play('same site as configured', { ...what, on: ['sqlite'], args: ['--set', 'auth.cookie_same_site=strict', '--set', 'auth.cookie_name=shop'] }, async (s) => {
  const a = await register(s);
  assert.equal(a.cookie.name, 'shop');
  assert.equal(a.cookie.flags.samesite, 'Strict');
});

play('a write under a cookie: from where, and with the token', what, async (s) => {
  const a = await register(s);
  const post = (headers) => s.post('/v1/posts', { title: 'x' }, { Cookie: a.read.Cookie, ...headers });
  const token = { 'X-CSRF-Token': a.body.csrf_token };
  const host = `127.0.0.1:${s.port}`;
  problem(await post({}), 403, 'csrf_token');
  problem(await post({ 'Sec-Fetch-Site': 'same-origin' }), 403, 'csrf_token');
  problem(await post({ 'X-CSRF-Token': 'x' }), 403, 'csrf_token');
  problem(await post({ 'X-CSRF-Token': a.body.csrf_token.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }), 403, 'csrf_token');
  for (const from of [{ 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }, { Origin: 'http://evil.test' }, { Origin: 'null' }, { Origin: `http://evil.test/${host}` },
    { Origin: `http://${host}.evil.test` }, { Referer: 'http://evil.test/page' }, { Referer: 'x' }, { 'Sec-Fetch-Site': 'cross-site', Origin: `http://${host}` }]) {
    problem(await post({ ...token, ...from }), 403, 'cross_site');
  }
  for (const from of [{}, { 'Sec-Fetch-Site': 'same-origin' }, { 'Sec-Fetch-Site': 'none' }, { Origin: `http://${host}` }, { Referer: `http://${host}/page?x` }]) ok(await post({ ...token, ...from }), 201);
  for (const [method, path] of [['PATCH', '/v1/posts/1'], ['PUT', '/v1/posts/1'], ['DELETE', '/v1/posts/1'], ['POST', '/v1/batch'], ['POST', '/v1/auth/logout'], ['DELETE', '/v1/auth/me'], ['POST', '/v1/auth/password']]) {
    problem(await s.fetch(path, { method, headers: { Cookie: a.read.Cookie, 'Sec-Fetch-Site': 'cross-site' } }), 403, 'cross_site');
    problem(await s.fetch(path, { method, headers: { Cookie: a.read.Cookie } }), 403, 'csrf_token');
  }
  assert.equal(ok(await s.get('/v1/posts')).total, 5);
  assert.equal(ok(await s.get('/v1/auth/csrf', a.read)).csrf_token, a.body.csrf_token);
  problem(await s.get('/v1/auth/csrf'), 401, 'sign_in_required');
  const b = await login(s);
  problem(await post({ ...b.write, Cookie: a.read.Cookie }), 403, 'csrf_token');
});

play('a web socket under a cookie comes from an own page', what, async (s) => {
  const a = await register(s);
  const open = (more) => s.raw(`GET /v1/posts HTTP/1.1\r\nHost: 127.0.0.1:${s.port}\r\nCookie: ${a.read.Cookie}\r\nUpgrade: websocket\r\nConnection: close\r\n${more}\r\n`);
  assert.match((await open('Origin: http://evil.test\r\n')).text, /^HTTP\/1\.1 403 /);
  assert.match((await open('')).text, /^HTTP\/1\.1 403 /);
  assert.match((await open(`Origin: http://127.0.0.1:${s.port}\r\n`)).text, /^HTTP\/1\.1 200 /);
});

play('without the token, a write says where it comes from', { ...what, args: ['--set', 'auth.csrf_token=false'] }, async (s) => {
  const a = await register(s);
  const post = (headers) => s.post('/v1/posts', { title: 'x' }, { Cookie: a.read.Cookie, ...headers });
  problem(await post({}), 403, 'cross_site');
  problem(await post({ 'Sec-Fetch-Site': 'cross-site' }), 403, 'cross_site');
  ok(await post({ 'Sec-Fetch-Site': 'same-origin' }), 201);
  ok(await post({ Origin: `http://127.0.0.1:${s.port}` }), 201);
});

play('pages that CORS allows to use credentials are own pages', { ...what, config: `${config}cors: { origins: ["https://app.test"], credentials: true }\nserver: { public_url: "https://api.test" }\n` }, async (s) => {
  const a = await register(s);
  const post = (origin) => s.post('/v1/posts', { title: 'x' }, { Cookie: a.read.Cookie, 'X-CSRF-Token': a.body.csrf_token, ...origin });
  const r = await post({ Origin: 'https://app.test', 'Sec-Fetch-Site': 'cross-site' });
  ok(r, 201);
  assert.equal(r.header('access-control-allow-origin'), 'https://app.test');
  assert.equal(r.header('access-control-allow-credentials'), 'true');
  ok(await post({ Origin: 'https://api.test' }), 201);
  problem(await post({ Origin: 'https://other.test', 'Sec-Fetch-Site': 'cross-site' }), 403, 'cross_site');
});

play('signing in from another site\'s page is refused', what, async (s) => {
  ok(await s.post('/v1/auth/register', ada), 201);
  const body = { email: ada.email, password: ada.password };
  for (const from of [{ 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'http://evil.test' }]) {
    const r = await s.post('/v1/auth/login?session=cookie', body, from);
    problem(r, 403, 'cross_site');
    assert.equal(r.headers.getSetCookie().length, 0);
  }
  problem(await s.post('/v1/auth/login?session=cooky', body), 400, 'bad_parameter');
  problem(await s.post('/v1/auth/login?session=cookie', { ...body, password: 'wrong password' }), 401, 'bad_credentials');
  assert.ok(ok(await s.post('/v1/auth/login?session=token', body)).access_token);
});

play('whoever names himself is not looked up by a cookie', what, async (s) => {
  const a = await register(s);
  const bob = ok(await s.post('/v1/auth/register', { ...ada, email: 'bob@example.com', name: 'Bob' }), 201);
  const both = { ...a.read, Authorization: `Bearer ${bob.access_token}` };
  assert.equal(ok(await s.get('/v1/auth/me', both)).name, 'Bob');
  assert.equal(ok(await s.post('/v1/posts', { title: 'by Bob' }, { ...both, 'Sec-Fetch-Site': 'cross-site' }), 201).user_id, 2);
  problem(await s.get('/v1/auth/me', { ...a.read, Authorization: 'Bearer x' }), 401, 'invalid_token');
  problem(await s.get('/v1/auth/me', { Authorization: `Bearer ${a.cookie.value}` }), 401, 'invalid_token');
  problem(await s.get('/v1/auth/me', { Cookie: `session=${bob.refresh_token}` }), 401, 'sign_in_required');
  problem(await s.post('/v1/auth/refresh', { refresh_token: a.cookie.value }), 401, 'invalid_refresh_token');
});

play('cookies that are not good are as none', what, async (s) => {
  const a = await register(s);
  const v = a.cookie.value;
  const bent = v.slice(0, 40) + (v[40] === 'A' ? 'B' : 'A') + v.slice(41);
  const statements = await s.statements(async () => {
    for (let i = 0; i < 5; i++) for (const cookie of [`session=${bent}`, 'session=', 'session', 'session=crs_AAAA', `Session=${v}`, `session=${v}; session=${v}`, `session="${v}`, `xsession=${v}`, ';;;', `a=${'x'.repeat(4000)}`]) {
      const r = await s.get('/v1/auth/me', { Cookie: cookie });
      problem(r, 401, 'sign_in_required');
      assert.equal(r.headers.getSetCookie().length, 0, 'what is not good is not cleared: it may come late');
    }
  });
  assert.ok(statements < 15, `${statements}: made-up cookies cost no statement`); // but what goes on besides
  ok(await s.get('/v1/auth/me', { Cookie: `a=1; b="2"; session=${v};c` }));
  ok(await s.get('/v1/auth/me', { Cookie: `session="${v}"` }));
});

play('signing in again ends the session that the browser had', what, async (s) => {
  const a = await register(s);
  const b = await login(s, {}, a.read);
  assert.notEqual(a.cookie.value, b.cookie.value);
  problem(await s.get('/v1/auth/me', a.read), 401, 'sign_in_required');
  ok(await s.get('/v1/auth/me', b.read));
  assert.equal(ok(await s.get('/v1/auth/sessions', b.read)).data.length, 1);
});

play('a new password gives the session a new id', what, async (s) => {
  const a = await register(s);
  const other = await login(s);
  const r = await s.post('/v1/auth/password', { current: ada.password, password: 'another long one' }, a.write);
  ok(r, 204);
  const fresh = cookieOf(r);
  assert.notEqual(fresh.value, a.cookie.value);
  problem(await s.get('/v1/auth/me', a.read), 401, 'sign_in_required');
  problem(await s.get('/v1/auth/me', other.read), 401, 'sign_in_required');
  ok(await s.post('/v1/posts', { title: 'x' }, { Cookie: pair(fresh), 'X-CSRF-Token': r.header('x-csrf-token') }), 201);
});

play('a session that is used costs no statement', what, async (s) => {
  const a = await register(s);
  ok(await s.get('/v1/posts', a.read));
  const open = await s.statements(async () => { for (let i = 0; i < 100; i++) ok(await s.get('/v1/posts')); });
  const under = await s.statements(async () => { for (let i = 0; i < 100; i++) ok(await s.get('/v1/posts', a.read)); });
  assert.ok(under - open <= 25, `${under} statements against ${open}`); // once for each worker, and what else goes on
});

play('without use a session ends', { ...what, args: ['--set', 'auth.idle_ttl=3s'] }, async (s) => {
  const a = await register(s);
  for (let i = 0; i < 5; i++) { await sleep(1000); ok(await s.get('/v1/auth/me', a.read)); }
  await sleep(4200);
  problem(await s.get('/v1/auth/me', a.read), 401, 'sign_in_required');
});

play('and at the latest at its end, used or not', { ...what, args: ['--set', 'auth.refresh_ttl=3s'] }, async (s) => {
  const a = await register(s);
  assert.equal(a.cookie.flags['max-age'], '3');
  for (let i = 0; i < 2; i++) { ok(await s.get('/v1/auth/me', a.read)); await sleep(500); }
  await sleep(2800);
  problem(await s.get('/v1/auth/me', a.read), 401, 'sign_in_required');
  assert.deepEqual(ok(await s.get('/v1/auth/sessions', (await login(s)).read)).data.length, 1);
});

play('sessions and devices: kinds, names, ended one by one', what, async (s) => {
  const fox = { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' };
  const phone = { 'User-Agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1' };
  ok(await s.post('/v1/auth/register', ada, { 'User-Agent': 'curl/8.5.0' }), 201);
  const a = await login(s, {}, fox);
  const b = await login(s, {}, phone);
  const list = ok(await s.get('/v1/auth/sessions', a.read)).data;
  assert.deepEqual(list.map((x) => `${x.kind} ${x.device}`).sort(), ['cookie Firefox on Linux', 'cookie Safari on iPhone', 'token curl']);
  assert.equal(list.find((x) => x.current).device, 'Firefox on Linux');
  ok(await s.delete(`/v1/auth/sessions/${list.find((x) => /iPhone/.test(x.device)).id}`, a.write), 204);
  problem(await s.get('/v1/auth/me', b.read), 401, 'sign_in_required');
  const own = await s.delete(`/v1/auth/sessions/${list.find((x) => x.current).id}`, a.write);
  ok(own, 204);
  assert.equal(cookieOf(own).value, '');
  problem(await s.get('/v1/auth/me', a.read), 401);
});

play('behind a trusted proxy the client counts, not the proxy', { ...what, args: ['--set', 'server.trusted_proxies=loopback', '--set', 'auth.attempts=2'] }, async (s) => {
  const from = (address) => ({ 'X-Forwarded-For': address });
  const a = session(await s.post('/v1/auth/register?session=cookie', ada, from('203.0.113.7')), 201);
  assert.equal(ok(await s.get('/v1/auth/sessions', a.read)).data[0].address, '203.0.113.7');
  const guess = async (address, i) => (await s.post('/v1/auth/login', { email: `nobody${i}@example.com`, password: 'wrong password' }, from(address))).status;
  for (let i = 0; i < 20; i++) assert.equal(await guess(`2001:db8::${i + 1}`, i), 401); // ten times auth.attempts
  assert.equal(await guess('2001:db8::ffff', 20), 429, 'one network of IPv6 is one client');
  assert.equal(await guess('203.0.113.8', 21), 401, 'another one is not held off');
});

play('roles are those of now', { ...what, config: config.replace('users: [', 'users: [{ roles: admin, can: update }, ').replace('access:', 'roles: { viewer: {}, admin: {} }\naccess:') }, async (s, p) => {
  const a = await register(s);
  p.do('account', 'add', 'root@example.com', '--role', 'admin', '--password', ada.password, '--column', 'name=Root');
  const root = await login(s, { email: 'root@example.com' });
  ok(await s.patch('/v1/users/1', { name: 'Augusta' }, root.write));
  assert.equal(ok(await s.get('/v1/auth/me', a.read)).name, 'Augusta');
  problem(await s.patch('/v1/users/2', { name: 'x' }, a.write), 403, 'forbidden');
});

// ---- leaving ----

play('delete the own account', what, async (s) => {
  const a = await register(s);
  ok(await s.post('/v1/posts', { title: 'mine' }, a.write), 201);
  const bye = (password, headers = a.write) => s.fetch('/v1/auth/me', { method: 'DELETE', body: JSON.stringify({ password }), headers: { 'Content-Type': 'application/json', ...headers } });
  problem(await bye('wrong password'), 401, 'bad_credentials');
  problem(await s.delete('/v1/auth/me', a.write), 415);
  const b = await login(s);
  const t = ok(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }));
  const r = await bye(ada.password);
  ok(r, 204);
  assert.equal(cookieOf(r).value, '');
  for (const headers of [a.read, b.read]) problem(await s.get('/v1/auth/me', headers), 401);
  problem(await s.get('/v1/auth/me', { Authorization: `Bearer ${t.access_token}` }), 401, 'invalid_token');
  problem(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }), 401);
  problem(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }), 401);
  assert.equal(ok(await s.get('/v1/posts')).total, 0, 'ON DELETE CASCADE');
});

play('an account that others depend on stays', { ...what, migrations: migrations.replace(' ON DELETE CASCADE', '') }, async (s) => {
  const a = await register(s);
  ok(await s.post('/v1/posts', { title: 'mine' }, a.write), 201);
  const bye = () => s.fetch('/v1/auth/me', { method: 'DELETE', body: JSON.stringify({ password: ada.password }), headers: { 'Content-Type': 'application/json', ...a.write } });
  problem(await bye(), 409, 'children');
  ok(await s.get('/v1/auth/me', a.read));
  ok(await s.delete('/v1/posts/1', a.write), 204);
  ok(await bye(), 204);
});

// ---- several processes ----

async function twoProcesses(s, p, args, env, fn) {
  await s.start(args, env);
  const other = new Server(p);
  try {
    await other.start(args, env);
    await fn(other);
    await other.stop();
  } finally {
    if (other.child) { other.child.kill('SIGKILL'); await other.ended; }
  }
}

async function endsElsewhere(s, other) {
  const a = await register(s);
  ok(await other.get('/v1/auth/me', a.read));
  ok(await s.post('/v1/auth/logout', undefined, a.write), 204);
  for (const until = Date.now() + 5000; Date.now() < until; await sleep(50)) {
    const r = await other.get('/v1/auth/me', a.read);
    if (r.status === 401) return;
    ok(r);
  }
  assert.fail('the other process goes on with a session that is over');
}

play('a session that ends here ends in other processes', { ...what, on: ['postgres'], serve: false }, (s, p) => twoProcesses(s, p, [], {}, (other) => endsElsewhere(s, other)));

play('an access token of a session that ended stays void over a restart', what, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  ok(await s.post('/v1/auth/logout', undefined, { Authorization: `Bearer ${t.access_token}` }), 204);
  await sleep(7000); // longer than a look at what ended lately
  await s.restart();
  problem(await s.get('/v1/auth/me', { Authorization: `Bearer ${t.access_token}` }), 401, 'invalid_token');
});

play('sessions that ended long ago are deleted', { ...what, on: ['postgres'] }, async (s, p) => {
  await register(s);
  const b = await login(s);
  p.psql("UPDATE cairn_sessions SET expires_at = 1 WHERE id NOT IN (SELECT id FROM cairn_sessions ORDER BY id LIMIT 1)");
  await s.restart();
  for (const until = Date.now() + 10000; Number(p.psql('SELECT count(*) FROM cairn_sessions')) !== 1; await sleep(50)) assert.ok(Date.now() < until);
  ok(await s.get('/v1/posts', b.read));
});

// ---- in Redis ----

async function withRedis(fn) {
  const redis = await Redis.start();
  try { await fn(redis, { CAIRN_REDIS_URL: redis.url, CAIRN_AUTH_SESSION_STORE: 'redis' }); } finally { await redis.stop(); }
}

play('sessions in Redis: the same, and shared', { ...what, serve: false }, (s, p) => withRedis(async (redis, env) => {
  await s.start([], env);
  const a = await register(s);
  ok(await s.post('/v1/posts', { title: 'one' }, a.write), 201);
  const key = redis.do('--scan', '--pattern', 'cairn:session:*');
  assert.match(key, /^cairn:session:[0-9a-f-]{36}$/);
  assert.equal(redis.do('HGET', key, 'account'), '1');
  assert.ok(Number(redis.do('TTL', key)) > 2591000);
  const t = ok(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }, { 'User-Agent': 'curl/8.5.0' }));
  const list = ok(await s.get('/v1/auth/sessions', a.read)).data;
  assert.deepEqual(list.map((x) => x.kind).sort(), ['cookie', 'token']);
  const all = await Promise.all(Array.from({ length: 20 }, () => s.post('/v1/auth/refresh', { refresh_token: t.refresh_token })));
  assert.equal(new Set(all.map((r) => ok(r).refresh_token)).size, 1);
  await s.restart([], env);
  ok(await s.get('/v1/auth/me', a.read));
  ok(await s.post('/v1/auth/logout', { all: true }, a.write), 204);
  problem(await s.get('/v1/auth/me', a.read), 401, 'sign_in_required');
  problem(await s.get('/v1/auth/me', { Authorization: `Bearer ${ok(all[0]).access_token}` }), 401, 'invalid_token');
  problem(await s.post('/v1/auth/refresh', { refresh_token: ok(all[0]).refresh_token }), 401, 'invalid_refresh_token');
  assert.equal(redis.do('--scan', '--pattern', 'cairn:session:*'), '');
  assert.equal(redis.do('ZCARD', 'cairn:sessions-ended'), '2');
}));

play('an old refresh token ends a session in Redis', { ...what, on: ['sqlite'], serve: false }, (s) => withRedis(async (_redis, env) => {
  await s.start(['--set', 'auth.refresh_reuse=0s'], env);
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const t2 = ok(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }));
  const t3 = ok(await s.post('/v1/auth/refresh', { refresh_token: t2.refresh_token }));
  problem(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }), 401, 'invalid_refresh_token');
  problem(await s.post('/v1/auth/refresh', { refresh_token: t3.refresh_token }), 401, 'invalid_refresh_token');
}));

play('a session in Redis that ends here ends in other processes', { ...what, on: ['postgres'], serve: false }, (s, p) => withRedis((_redis, env) => twoProcesses(s, p, [], env, (other) => endsElsewhere(s, other))));

play('Redis away: 503 for cookies, tokens go on; back: all is well', { ...what, on: ['sqlite'], serve: false }, (s) => withRedis(async (redis, env) => {
  await s.start(['--set', 'redis.timeout=500ms', '--set', 'server.workers=1'], env);
  const a = await register(s);
  const t = ok(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }));
  redis.signal('SIGSTOP');
  const b = await s.get('/v1/posts', { Cookie: 'session=x' });
  ok(b); // a made-up cookie asks nobody
  problem(await s.post('/v1/auth/login?session=cookie', { email: ada.email, password: ada.password }), 503);
  ok(await s.get('/v1/auth/me', { Authorization: `Bearer ${t.access_token}` }));
  redis.signal('SIGCONT');
  for (let i = 0; i < 100 && (await s.post('/v1/auth/login?session=cookie', { email: ada.email, password: ada.password })).status !== 200; i++) await sleep(100);
  ok(await s.get('/v1/auth/me', a.read));
}));

play('wrong settings of cookies stop the start', { ...what, on: ['sqlite'], serve: false }, async (s, p) => {
  for (const [text, words] of [
    [`${config.replace('auth:', 'auth:\n  cookie_name: "a b"')}`, /auth\.cookie_name.*expected 1 to 64 letters/],
    [`${config.replace('auth:', 'auth:\n  cookie_name: __Host-x')}`, /auth\.cookie_name/],
    [`${config.replace('auth:', 'auth:\n  session_store: redis')}`, /auth\.session_store.*redis\.url/],
    [`${config.replace('auth:', 'auth:\n  cookie_same_site: laxe')}`, /did you mean `?lax/],
  ]) {
    p.config(text);
    const r = p.cairn('check');
    assert.notEqual(r.code, 0);
    assert.match(r.all, words);
  }
});
