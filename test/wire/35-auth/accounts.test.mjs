// Accounts, tokens and sessions through the real binary. SPDX: Apache-2.0
import { play, ok, problem, assert, sleep, slow } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL,
  password_hash TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'viewer', city TEXT);
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), title TEXT NOT NULL);`;
const config = `
auth:
  table: users
  roles: role
  claims: [city]
  registration_claims: [city]
  hash_memory: 64K
  hash_passes: 1
`;
const what = { migrations, config, on };
const ada = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada', city: 'Oslo' };
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token ?? t}` });
const parts = (jwt) => jwt.split('.').slice(0, 2).map((p) => JSON.parse(Buffer.from(p, 'base64url')));

play('register, sign in, see oneself', what, async (s) => {
  const made = ok(await s.post('/v1/auth/register', ada), 201);
  assert.equal(made.token_type, 'Bearer');
  assert.equal(made.user.email, ada.email);
  assert.equal('password_hash' in made.user, false);
  const t = ok(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }));
  assert.equal(t.token, t.access_token);
  assert.equal(t.expires_in, 600);
  const me = ok(await s.get('/v1/auth/me', bearer(t)));
  assert.deepEqual(me, { id: 1, email: ada.email, name: 'Ada', role: 'viewer', city: 'Oslo' });
  const [head, claims] = parts(t.access_token);
  assert.equal(head.alg, 'EdDSA');
  assert.equal(head.typ, 'at+jwt');
  assert.deepEqual({ sub: claims.sub, id: claims.id, city: claims.city, roles: claims.roles }, { sub: '1', id: 1, city: 'Oslo', roles: ['viewer'] });
  assert.equal(claims.exp - claims.iat, 600);
  const keys = ok(await s.get('/.well-known/jwks.json'));
  assert.equal(keys.keys[0].kid, head.kid);
  assert.equal('d' in keys.keys[0], false);
});

play('what registering refuses', what, async (s) => {
  problem(await s.post('/v1/auth/register', { ...ada, password: 'short' }), 422, 'length');
  problem(await s.post('/v1/auth/register', { email: ada.email, password: ada.password }), 422, undefined, ['name']);
  problem(await s.post('/v1/auth/register', { ...ada, role: 'admin', id: 7, password_hash: 'x', hobby: 1 }), 422, undefined, ['role', 'id', 'password_hash', 'hobby']);
  problem(await s.post('/v1/auth/register', { ...ada, email: 5 }), 422, 'type');
  problem(await s.post('/v1/auth/register', 'name=Ada', { 'Content-Type': 'text/plain' }), 415);
  problem(await s.post('/v1/auth/register', '[1]'), 400);
  ok(await s.post('/v1/auth/register', ada), 201);
  problem(await s.post('/v1/auth/register', ada), 409, 'unique');
});

play('an unknown name and a wrong password get the same answer', what, async (s) => {
  ok(await s.post('/v1/auth/register', ada), 201);
  const a = await s.post('/v1/auth/login', { email: ada.email, password: 'wrong password' });
  const b = await s.post('/v1/auth/login', { email: 'nobody@example.com', password: 'wrong password' });
  problem(a, 401, 'bad_credentials');
  problem(b, 401, 'bad_credentials');
  assert.equal(a.body.detail, b.body.detail);
});

play('tokens that are not good', what, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const r = await s.get('/v1/auth/me');
  problem(r, 401, 'sign_in_required');
  assert.match(r.header('www-authenticate'), /^Bearer/);
  const [h, c, sig] = t.access_token.split('.');
  const bent = sig.slice(0, 20) + (sig[20] === 'A' ? 'B' : 'A') + sig.slice(21);
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
  for (const bad of ['x', `${h}.${c}.${bent}`, `${none}.${c}.`, `${h}.${c}`, '']) {
    const p = await s.get('/v1/auth/me', { Authorization: `Bearer ${bad}` });
    problem(p, 401, 'invalid_token');
    assert.match(p.header('www-authenticate'), /error="invalid_token"/);
  }
  problem(await s.get('/v1/posts', { Authorization: 'Bearer x' }), 401, 'invalid_token');
  ok(await s.get('/v1/auth/me', { Authorization: `bearer ${t.access_token}` }));
});

play('an access token expires', { ...what, args: ['--set', 'auth.access_ttl=1s'] }, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  ok(await s.get('/v1/auth/me', bearer(t)));
  await sleep(7500); // one second, and five of leeway
  problem(await s.get('/v1/auth/me', bearer(t)), 401, 'invalid_token');
  ok(await s.get('/v1/auth/me', bearer(ok(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token })))));
});

play('signing out ends the session at once', what, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const other = ok(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }));
  const list = ok(await s.get('/v1/auth/sessions', bearer(t))).data;
  assert.equal(list.length, 2);
  assert.equal(list.filter((x) => x.current).length, 1);
  ok(await s.post('/v1/auth/logout', undefined, bearer(t)), 204);
  problem(await s.get('/v1/auth/me', bearer(t)), 401, 'invalid_token');
  problem(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }), 401, 'invalid_refresh_token');
  ok(await s.get('/v1/auth/me', bearer(other)));
  ok(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }));
  ok(await s.post('/v1/auth/logout', { all: true }, bearer(other)), 204);
  assert.deepEqual(ok(await s.get('/v1/auth/sessions', bearer(ok(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }))))).data.length, 1);
});

play('own sessions end one by one, others\' never', what, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const bob = ok(await s.post('/v1/auth/register', { ...ada, email: 'bob@example.com' }), 201);
  const id = ok(await s.get('/v1/auth/sessions', bearer(t))).data[0].id;
  problem(await s.delete(`/v1/auth/sessions/${id}`, bearer(bob)), 404);
  ok(await s.delete(`/v1/auth/sessions/${id}`, bearer(t)), 204);
  problem(await s.get('/v1/auth/me', bearer(t)), 401);
});

play('fifty refreshes at once give one successor', what, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const all = await Promise.all(Array.from({ length: 50 }, () => s.post('/v1/auth/refresh', { refresh_token: t.refresh_token })));
  const next = new Set(all.map((r) => ok(r).refresh_token));
  assert.equal(next.size, 1);
  ok(await s.post('/v1/auth/refresh', { refresh_token: [...next][0] }));
});

play('an old refresh token ends the session', { ...what, args: ['--set', 'auth.refresh_reuse=0s'] }, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const t2 = ok(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }));
  const t3 = ok(await s.post('/v1/auth/refresh', { refresh_token: t2.refresh_token }));
  problem(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }), 401, 'invalid_refresh_token');
  problem(await s.post('/v1/auth/refresh', { refresh_token: t3.refresh_token }), 401, 'invalid_refresh_token');
  problem(await s.get('/v1/auth/me', bearer(t3)), 401, 'invalid_token');
  await s.waitLog((l) => l.msg === 'refresh token used again');
  const bad = t.refresh_token.slice(0, -1) + (t.refresh_token.endsWith('A') ? 'B' : 'A');
  problem(await s.post('/v1/auth/refresh', { refresh_token: bad }), 401, 'invalid_refresh_token');
});

play('a new password ends the other sessions', what, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const other = ok(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }));
  problem(await s.post('/v1/auth/password', { current: 'wrong', password: 'another long one' }, bearer(t)), 401, 'bad_credentials');
  ok(await s.post('/v1/auth/password', { current: ada.password, password: 'another long one' }, bearer(t)), 204);
  ok(await s.get('/v1/auth/me', bearer(t)));
  problem(await s.get('/v1/auth/me', bearer(other)), 401);
  problem(await s.post('/v1/auth/login', { email: ada.email, password: ada.password }), 401);
  ok(await s.post('/v1/auth/login', { email: ada.email, password: 'another long one' }));
});

play('guessing is slowed down', { ...what, args: ['--set', 'auth.attempts=3'] }, async (s) => {
  ok(await s.post('/v1/auth/register', { ...ada, email: 'x@example.com' }), 201);
  for (let i = 0; i < 3; i++) problem(await s.post('/v1/auth/login', { email: 'x@example.com', password: `guess number ${i}` }), i < 2 ? 401 : 429);
  const r = await s.post('/v1/auth/login', { email: 'x@example.com', password: ada.password });
  problem(r, 429, 'too_many_attempts');
  assert.ok(Number(r.header('retry-after')) > 0);
});

play('keys outlive a restart, and so do sessions', what, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  await s.restart();
  ok(await s.get('/v1/auth/me', bearer(t)));
  ok(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }));
});

play('a hash is never shown, sorted by or written', what, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const user = ok(await s.get('/v1/users/1', bearer(t)));
  assert.equal('password_hash' in user, false);
  for (const q of ['?fields=password_hash', '?password_hash=like.*', '?sort=password_hash', '?filter[password_hash]=neq.x', '?or=(password_hash.like.$*,id.eq.1)']) {
    problem(await s.get(`/v1/users${q}`, bearer(t)), 400);
  }
  problem(await s.get('/v1/posts?user.password_hash=like.*', bearer(t)), 400);
  problem(await s.patch('/v1/users/1', { password_hash: 'x' }, bearer(t)), 422);
  problem(await s.post('/v1/users', { email: 'e@example.com', name: 'E', password_hash: 'x' }, bearer(t)), 422);
});

play('wrong settings stop the start', { ...what, on: ['sqlite'], serve: false }, async (s, p) => {
  for (const [text, words] of [
    [config.replace('table: users', 'table: user'), /auth\.table.*no table 'user'/],
    [config.replace('roles: role', 'roles: rule'), /did you mean 'role'/],
    [`${config}  login: name\n`, /not unique/],
    [config.replace('[city]', '[password_hash]'), /no claim/],
  ]) {
    p.config(text);
    const r = p.cairn('check');
    assert.notEqual(r.code, 0);
    assert.match(r.all, words);
  }
});
