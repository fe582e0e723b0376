// API keys and Basic: for machines. SPDX: Apache-2.0
import { Server, play, ok, problem, assert, sleep, slow } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = {
  '1_first.sql': `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL,
  password_hash TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'viewer', plan TEXT);
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), title TEXT NOT NULL);
CREATE TABLE notes (id SERIAL PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts(id), text TEXT NOT NULL);` };
const config = `
auth:
  table: users
  roles: role
  claims: [plan]
  hash_memory: 64K
  hash_passes: 1
roles:
  viewer: {}
  editor: { includes: [viewer] }
  admin: { includes: [editor] }
access:
  users: [{ roles: admin, can: all }]
  posts: [{ roles: viewer, can: read }, { roles: editor, can: write, set: { user_id: me.id } }]
  notes: [{ roles: viewer, can: read }]
`;
const what = { migrations, config, on };
const password = 'correct horse battery';
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token ?? t.key ?? t}` });
const basic = (name, word) => ({ Authorization: `Basic ${Buffer.from(`${name}:${word}`).toString('base64')}` });

// Somebody with a role, signed in.
async function person(s, role = 'editor', email = `${role}@example.com`) {
  s.project.do('account', 'add', email, '--role', role, '--password', password, '--column', `name=${role}`);
  const t = ok(await s.post('/v1/auth/login', { email, password }));
  const key = async (wish) => ok(await s.post('/v1/auth/keys', wish, bearer(t)), 201);
  return { ...t, email, key };
}

play('make a key, use it, see it, revoke it', what, async (s) => {
  const p = await person(s);
  const made = await s.post('/v1/auth/keys', { name: 'ci' }, bearer(p));
  const k = ok(made, 201);
  assert.match(k.key, /^ck_test_[0-9A-Za-z]{49}$/);
  assert.equal(made.header('cache-control'), 'no-store');
  assert.equal(k.hint, `${k.key.slice(0, 12)}...${k.key.slice(-4)}`);
  assert.equal(k.used_at, null);
  for (const headers of [bearer(k), { 'X-API-Key': k.key }, basic(k.id, k.key), basic('', k.key), basic(k.key, '')]) {
    assert.equal(ok(await s.get('/v1/auth/me', headers)).email, p.email);
    assert.equal(ok(await s.post('/v1/posts', { title: 'by key' }, headers), 201).user_id, 1);
  }
  const list = ok(await s.get('/v1/auth/keys', bearer(p))).data;
  assert.equal(list.length, 1);
  assert.equal(list[0].name, 'ci');
  assert.equal('key' in list[0], false, 'shown once');
  assert.doesNotMatch(JSON.stringify(list), new RegExp(k.key.slice(13, 40)));
  assert.ok(Math.abs(Date.parse(list[0].used_at) - Date.now()) < 30000);
  assert.ok(Date.parse(list[0].expires_at) > Date.now() + 360 * 86400e3);
  ok(await s.delete(`/v1/auth/keys/${k.id}`, bearer(p)), 204);
  for (let i = 0; i < 6; i++) problem(await s.get('/v1/posts', bearer(k)), 401, 'invalid_api_key');
  problem(await s.delete(`/v1/auth/keys/${k.id}`, bearer(p)), 404);
  assert.deepEqual(ok(await s.get('/v1/auth/keys', bearer(p))).data, []);
});

play('keys that are none', what, async (s) => {
  const p = await person(s);
  const k = await p.key({ name: 'ci' });
  const flip = (at) => k.key.slice(0, at) + (k.key[at] === 'A' ? 'B' : 'A') + k.key.slice(at + 1);
  const statements = await s.statements(async () => {
    for (let i = 0; i < 3; i++) for (const bad of [flip(20), flip(k.key.length - 1), k.key.slice(0, -1), `${k.key}A`, 'ck_', 'ck_test_', k.key.replace('_test_', '_live_'), `ck_test_${'0'.repeat(49)}`]) {
      const r = await s.get('/v1/auth/me', bearer(bad));
      problem(r, 401, 'invalid_api_key');
      assert.match(r.header('www-authenticate'), /^Bearer error="invalid_token"/);
      problem(await s.get('/v1/auth/me', { 'X-API-Key': bad }), 401, 'invalid_api_key');
    }
  });
  assert.ok(statements < 15, `${statements}: the check digits spare the database`);
  problem(await s.get('/v1/auth/me', basic('another-id', k.key)), 401, 'invalid_api_key');
  problem(await s.get('/v1/auth/me', { ...bearer(p), 'X-API-Key': k.key }), 400, 'two_credentials');
  problem(await s.get('/v1/auth/me', { Authorization: 'Basic ???' }), 401, 'invalid_token');
  problem(await s.get('/v1/auth/me', basic(p.email, password)), 401, 'bad_credentials');
  ok(await s.get('/v1/auth/me', { ...bearer(p), 'X-API-Key': 'another kind of key' }));
  assert.doesNotMatch(s.log, new RegExp(k.key), 'no key in the log');
});

play('a key has some of its owner\'s roles, and never more', what, async (s, project) => {
  const p = await person(s, 'admin');
  const reads = await p.key({ name: 'reader', roles: ['viewer'] });
  const writes = await p.key({ name: 'writer', roles: ['editor'] });
  const all = await p.key({ name: 'all' });
  ok(await s.get('/v1/posts', bearer(reads)));
  problem(await s.post('/v1/posts', { title: 'x' }, bearer(reads)), 403, 'forbidden');
  ok(await s.post('/v1/posts', { title: 'x' }, bearer(writes)), 201);
  problem(await s.get('/v1/users', bearer(writes)), 403, 'forbidden');
  ok(await s.get('/v1/users', bearer(all)));
  const e = await person(s, 'editor');
  problem(await s.post('/v1/auth/keys', { name: 'x', roles: ['admin'] }, bearer(e)), 422, 'not_own_role');
  problem(await s.post('/v1/auth/keys', { name: 'x', roles: ['nobody'] }, bearer(e)), 422, 'not_own_role');
  ok(await s.post('/v1/auth/keys', { name: 'x', roles: ['editor', 'viewer'] }, bearer(e)), 201);
  // The owner loses what the key has: so does the key, at the latest half a minute later, at once after a restart.
  ok(await s.patch('/v1/users/1', { role: 'viewer' }, bearer(all)));
  await s.restart();
  problem(await s.post('/v1/posts', { title: 'x' }, bearer(writes)), 403, 'forbidden');
  problem(await s.get('/v1/users', bearer(all)), 403, 'forbidden');
  ok(await s.get('/v1/posts', bearer(reads)));
});

play('a key is narrowed to tables and actions', { ...what, migrations }, async (s, project) => {
  const p = await person(s, 'admin');
  ok(await s.post('/v1/posts', { title: 'one' }, bearer(p)), 201);
  const k = await p.key({ name: 'narrow', can: ['posts:read', 'notes:create'] });
  assert.deepEqual(k.can, ['posts:read', 'notes:create']);
  ok(await s.get('/v1/posts', bearer(k)));
  problem(await s.post('/v1/posts', { title: 'x' }, bearer(k)), 403, 'forbidden');
  problem(await s.get('/v1/notes', bearer(k)), 403, 'forbidden');
  problem(await s.get('/v1/posts?include=notes', bearer(k)), 403, 'forbidden');
  problem(await s.get('/v1/posts?notes.text=like.*', bearer(k)), 403, 'forbidden');
  problem(await s.post('/v1/notes', { post_id: 1, text: 'x' }, bearer(k)), 403, 'forbidden'); // no rule allows it
  problem(await s.post('/v1/batch', { operations: [{ method: 'POST', path: '/v1/posts', body: { title: 'x' } }] }, bearer(k)), 403);
  const wide = await p.key({ name: 'reads', can: ['*:read'] });
  ok(await s.get('/v1/posts?include=notes', bearer(wide)));
  ok(await s.get('/v1/users', bearer(wide)));
  problem(await s.delete('/v1/posts/1', bearer(wide)), 403, 'forbidden');
  ok(await s.post('/v1/posts', { title: 'x' }, bearer(await p.key({ name: 'star', can: ['*'] }))), 201);
  problem(await s.get('/v1/posts', bearer(await p.key({ name: 'nothing', can: [] }))), 403, 'forbidden');
  for (const [bad, words] of [['post:read', /did you mean 'posts'/], ['posts:reads', /expected TABLE:read/], ['posts', /expected TABLE:read/], ['queries', /queries:NAME/], ['handlers:x', /handlers:\*/]]) {
    const r = await s.post('/v1/auth/keys', { name: 'x', can: [bad] }, bearer(p));
    problem(r, 422, 'bad_scope', ['can']);
    assert.match(r.body.detail, words);
  }
});

play('named queries are within a key\'s scope, too', what, async (s, project) => {
  project.write('queries/titles.sql', '-- name: titles\n-- roles: public\nSELECT title FROM posts;\n');
  await s.restart();
  const p = await person(s);
  ok(await s.get('/v1/q/titles'));
  problem(await s.get('/v1/q/titles', bearer(await p.key({ name: 'a', can: ['posts:read'] }))), 403, 'forbidden');
  ok(await s.get('/v1/q/titles', bearer(await p.key({ name: 'b', can: ['queries:titles'] }))));
  ok(await s.get('/v1/q/titles', bearer(await p.key({ name: 'c' }))));
});

play('what a key cannot do', what, async (s) => {
  const p = await person(s, 'admin');
  const k = await p.key({ name: 'ci' });
  for (const [method, path, body] of [['POST', '/v1/auth/keys', { name: 'another' }], ['GET', '/v1/auth/keys'], ['DELETE', `/v1/auth/keys/${k.id}`], ['GET', '/v1/auth/sessions'],
    ['POST', '/v1/auth/password', { current: password, password: 'another long one' }], ['DELETE', '/v1/auth/me', { password }], ['POST', '/v1/auth/logout']]) {
    problem(await s.fetch(path, { method, body: body && JSON.stringify(body), headers: { ...bearer(k), ...(body ? { 'Content-Type': 'application/json' } : {}) } }), 403, 'not_for_keys');
  }
  const other = await person(s, 'editor');
  problem(await s.delete(`/v1/auth/keys/${k.id}`, bearer(other)), 404);
  ok(await s.get('/v1/posts', bearer(k)));
});

play('what making a key refuses', what, async (s) => {
  const p = await person(s);
  const make = (wish) => s.post('/v1/auth/keys', wish, bearer(p));
  problem(await make({}), 422, 'required');
  problem(await make({ name: '' }), 422);
  problem(await make({ name: 'x'.repeat(101) }), 422, 'length');
  problem(await make({ name: 'x', roles: 'editor' }), 422, 'type');
  problem(await make({ name: 'x', can: [1] }), 422, 'type');
  problem(await make({ name: 'x', expires_at: 'soon' }), 422, 'type');
  problem(await make({ name: 'x', expires_at: '2020-01-01T00:00:00Z' }), 422, 'past');
  problem(await make({ name: 'x', scope: [] }), 422, 'unknown_field');
  problem(await s.post('/v1/auth/keys', { name: 'x' }), 401, 'sign_in_required');
  for (let i = 0; i < 100; i++) ok(await make({ name: `key ${i}` }), 201);
  problem(await make({ name: 'one too many' }), 409, 'too_many_keys');
});

play('a key ends', what, async (s) => {
  const p = await person(s);
  const k = await p.key({ name: 'short', expires_at: new Date(Date.now() + 3000).toISOString() });
  ok(await s.get('/v1/posts', bearer(k)));
  await sleep(3500);
  for (let i = 0; i < 4; i++) problem(await s.get('/v1/posts', bearer(k)), 401, 'invalid_api_key');
  const far = await p.key({ name: 'far', expires_at: '2100-01-01T00:00:00Z' });
  assert.ok(Date.parse(far.expires_at) < Date.now() + 366 * 86400e3, 'auth.key_ttl at most');
});

play('a hot key costs no statement', what, async (s) => {
  const p = await person(s);
  const k = await p.key({ name: 'hot' });
  ok(await s.post('/v1/posts', { title: 'x' }, bearer(k)), 201);
  const with_ = (headers) => s.statements(async () => { for (let i = 0; i < 100; i++) ok(await s.get('/v1/posts/1', headers)); });
  await with_(bearer(k));
  const token = await with_(bearer(p));
  const key = await with_(bearer(k));
  assert.ok(Math.abs(key - token) <= 25, `${key} statements with a key, ${token} with a token`);
});

play('limits by key count the verified key, in either header', { ...what, config: `${config}limits: [{ name: keyed, match: { path: /v1/* }, key: [api_key], rate: 3/h }]\n` }, async (s) => {
  const p = await person(s);
  const a = await p.key({ name: 'a' });
  const b = await p.key({ name: 'b' });
  const left = async (headers) => Number((await s.get('/v1/posts', headers)).header('x-ratelimit-remaining'));
  assert.equal(await left(bearer(a)), 2);
  assert.equal(await left({ 'X-API-Key': a.key }), 1);
  assert.equal(await left(basic(a.id, a.key)), 0);
  problem(await s.get('/v1/posts', bearer(a)), 429, 'rate_limited');
  assert.equal(await left({ 'X-API-Key': b.key }), 2);
  const made = [];
  for (let i = 0; i < 4; i++) made.push((await s.get('/v1/posts', { 'X-API-Key': `x${i}` })).header('x-ratelimit-remaining'));
  assert.equal(made.join(' '), '0 0 0 0', 'made up keys are none: the address stands in, which sign-in has used up');
});

play('cairn key: add, list, revoke', what, async (s, project) => {
  const p = await person(s);
  const text = project.do('key', 'add', p.email, '--name', 'from the shell', '--role', 'viewer', '--can', 'posts:read', '--days', '7').out;
  const key = /^ck_test_\w{49}$/m.exec(text)[0];
  ok(await s.get('/v1/posts', bearer(key)));
  problem(await s.post('/v1/posts', { title: 'x' }, bearer(key)), 403);
  const listed = project.do('key', 'list', p.email).out;
  assert.match(listed, /from the shell/);
  assert.match(listed, /editor@example.com/);
  assert.doesNotMatch(listed, new RegExp(key));
  const id = /[0-9a-f-]{36}/.exec(listed)[0];
  assert.match(project.do('key', 'list').out, new RegExp(id));
  project.do('key', 'revoke', id);
  for (const until = Date.now() + 5000; ; await sleep(50)) {
    const r = await s.get('/v1/posts', bearer(key));
    if (r.status === 401) break;
    assert.ok(Date.now() < until, 'the server goes on with a key that was revoked');
  }
  assert.notEqual(project.cairn('key', 'revoke', id).code, 0);
  assert.match(project.cairn('key', 'add', p.email, '--name', 'x', '--role', 'admin').all, /does not have the role 'admin'/);
  assert.match(project.cairn('key', 'add', 'nobody@example.com', '--name', 'x').all, /no account/);
  assert.match(project.cairn('key', 'ad', p.email).all, /add, list, revoke/);
});

play('a key revoked here is void in other processes', { ...what, on: ['postgres'] }, async (s, project) => {
  const p = await person(s);
  const k = await p.key({ name: 'ci' });
  const other = new Server(project);
  try {
    await other.start();
    ok(await other.get('/v1/posts', bearer(k)));
    ok(await s.delete(`/v1/auth/keys/${k.id}`, bearer(p)), 204);
    for (const until = Date.now() + 4000; ; await sleep(50)) {
      if ((await other.get('/v1/posts', bearer(k))).status === 401) break;
      assert.ok(Date.now() < until);
    }
    await other.stop();
  } finally {
    if (other.child) { other.child.kill('SIGKILL'); await other.ended; }
  }
});

play('however many sessions end at once, every process hears of all', { ...what, on: ['postgres'] }, async (s, project) => {
  const p = await person(s);
  ok(await s.get('/v1/posts', bearer(p)));
  const now = Math.floor(Date.now() / 1000);
  project.psql(`INSERT INTO cairn_sessions (id, account, counter, created_at, used_at, rotated_at, expires_at, revoked_at, address, agent)
    SELECT '00000000-0000-4000-8000-' || lpad(n::text, 12, '0'), '0', 0, ${now}, ${now}, ${now}, ${now + 9999}, ${now}, '', '' FROM generate_series(1, 3500) n;
    UPDATE cairn_sessions SET revoked_at = ${now} WHERE revoked_at IS NULL`); // its id is behind the others
  for (const until = Date.now() + 8000 * slow; (await s.get('/v1/posts', bearer(p))).status !== 401; await sleep(50)) assert.ok(Date.now() < until, 'the last one was never told');
});

play('a deleted account takes its keys with it', what, async (s) => {
  const p = await person(s);
  const k = await p.key({ name: 'ci' });
  ok(await s.get('/v1/posts', bearer(k)));
  ok(await s.fetch('/v1/auth/me', { method: 'DELETE', body: JSON.stringify({ password }), headers: { ...bearer(p), 'Content-Type': 'application/json' } }), 204);
  for (let i = 0; i < 4; i++) problem(await s.get('/v1/posts', bearer(k)), 401, 'invalid_api_key');
});

// ---- Basic ----

play('Basic: name and password with each request, where the settings allow it', { ...what, args: ['--set', 'auth.basic=true'] }, async (s) => {
  const p = await person(s);
  const me = basic(p.email, password);
  assert.equal(ok(await s.get('/v1/auth/me', me)).email, p.email);
  ok(await s.post('/v1/posts', { title: 'x' }, me), 201);
  const t0 = Date.now();
  const statements = await s.statements(async () => { for (let i = 0; i < 50; i++) ok(await s.get('/v1/posts/1', me)); });
  assert.ok(statements <= 60, `${statements}, in ${Date.now() - t0} ms`);
  const r = await s.get('/v1/posts', basic(p.email, 'wrong password'));
  problem(r, 401, 'bad_credentials');
  assert.match(r.header('www-authenticate'), /Basic realm="cairn", charset="UTF-8"/);
  problem(await s.get('/v1/posts', basic('nobody@example.com', password)), 401, 'bad_credentials');
  problem(await s.get('/v1/posts', { Authorization: 'Basic' }), 401, 'invalid_token');
  ok(await s.post('/v1/auth/password', { current: password, password: 'another long one' }, me), 204);
  for (let i = 0; i < 4; i++) problem(await s.get('/v1/posts', me), 401, 'bad_credentials');
  ok(await s.get('/v1/posts', basic(p.email, 'another long one')));
});

play('a browser that remembers a password for Basic sends it for other sites\' pages, too', { ...what, on: ['sqlite'], args: ['--set', 'auth.basic=true'] }, async (s) => {
  const p = await person(s);
  const k = await p.key({ name: 'typed' });
  for (const who of [basic(p.email, password), basic(k.id, k.key)]) {
    const post = (from) => s.post('/v1/posts', { title: 'x' }, { ...who, ...from });
    problem(await post({ 'Sec-Fetch-Site': 'cross-site' }), 403, 'cross_site');
    problem(await post({ Origin: 'http://evil.test' }), 403, 'cross_site');
    ok(await s.get('/v1/posts', { ...who, 'Sec-Fetch-Site': 'cross-site' }));
    ok(await post({ 'Sec-Fetch-Site': 'same-origin' }), 201);
    ok(await post({}), 201);
  }
});

play('guessing by Basic is slowed down, using it is not', { ...what, on: ['sqlite'], args: ['--set', 'auth.basic=true', '--set', 'auth.attempts=4', '--set', 'server.workers=1'] }, async (s) => {
  const p = await person(s);
  for (let i = 0; i < 10; i++) ok(await s.get('/v1/posts', basic(p.email, password)));
  let seen = [];
  for (let i = 0; i < 6; i++) seen.push((await s.get('/v1/posts', basic(p.email, `guess ${i}`))).status);
  assert.equal(seen[0], 401);
  assert.equal(seen.at(-1), 429);
});
