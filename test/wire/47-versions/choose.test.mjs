// Which version a request gets: by path, header, Accept, parameter, in that order; what answers say of it. SPDX: Apache-2.0
import { assert, ok as fine, play, problem } from '../lib.mjs';

const ok = (r, status) => { fine(r, status); return r; };

const migrations = 'CREATE TABLE users (id bigserial PRIMARY KEY, full_name text NOT NULL, email text NOT NULL);';
const config = `name: Shop
api: { vendors: [api, myapi] }
versions:
  v1:
    deprecated: 2026-01-01
    sunset: 2027-01-01T12:00:00Z
    documentation: https://example.com/v2
    policy: https://example.com/sunset
    tables:
      users:
        full_name: { as: name, deprecated: { use: full_name, removed_in: v3 } }
  v2: {}
`;
const what = { migrations, config, on: ['sqlite', 'postgres'] };
const both = what;
const JOHN = { name: 'John Doe', email: 'john@example.com' };

async function john(s) {
  ok(await s.post('/v1/users', JOHN), 201);
}

play("the guide's ways to name a version", both, async (s) => {
  await john(s);
  const one = async (target, headers) => {
    const r = ok(await s.get(target, headers));
    return [r.header('x-api-version'), Object.keys(r.body.data[0])[1]];
  };
  const V1 = ['v1', 'name'], V2 = ['v2', 'full_name'];
  assert.deepEqual(await one('/v1/users'), V1);
  assert.deepEqual(await one('/v2/users'), V2);
  assert.deepEqual(await one('/users'), V1, 'none named: the first');
  for (const text of ['1', 'v1', 'V1']) assert.deepEqual(await one('/users', { 'API-Version': text }), V1);
  assert.deepEqual(await one('/users', { 'API-Version': '2' }), V2);
  assert.deepEqual(await one('/users', { Accept: 'application/vnd.api.v1+json' }), V1);
  assert.deepEqual(await one('/users', { Accept: 'application/vnd.myapi.v2+json' }), V2);
  assert.deepEqual(await one('/users', { Accept: 'application/vnd.shop.v2+json' }), V2, "the project's name");
  assert.deepEqual(await one('/users?version=1'), V1);
  assert.deepEqual(await one('/users?v=2'), V2);
  assert.deepEqual(await one('/users?limit=1&version=2&sort=-id'), V2);
});

play('path before header before Accept before parameter', what, async (s) => {
  await john(s);
  const version = async (...args) => (await s.get(...args)).header('x-api-version');
  const accept = (n) => `application/vnd.api.v${n}+json`;
  assert.equal(await version('/v2/users?version=1', { 'API-Version': '1', Accept: accept(1) }), 'v2');
  assert.equal(await version('/users?version=1', { 'API-Version': '2', Accept: accept(1) }), 'v2');
  assert.equal(await version('/users?version=1', { Accept: accept(2) }), 'v2');
  assert.equal(await version('/users', { Accept: `${accept(1)};q=0.5, ${accept(2)}` }), 'v2', 'weights');
  assert.equal(await version('/users', { Accept: `text/html, application/vnd.other.v2+json` }), 'v1', "another's type");
});

play('a version that there is not is 400, as in the guide', what, async (s) => {
  for (const [target, headers, words] of [
    ['/users', { 'API-Version': '3' }, 'Invalid API version'],
    ['/users', { 'API-Version': '' }, 'Invalid API version'],
    ['/users?version=9', {}, 'Invalid API version'],
    ['/users', { Accept: 'application/vnd.api.v9+json' }, 'Invalid API version'],
    ['/v9/users', {}, 'Invalid version'],
    ['/v9/users', { 'API-Version': '1' }, 'Invalid version'],
  ]) {
    const r = await s.get(target, headers);
    problem(r, 400, 'unknown_version');
    assert.equal(r.body.error, words, target);
    assert.match(r.body.detail, /v1, v2/);
    assert.equal(r.header('x-api-version'), null);
    assert.equal(r.header('deprecation'), null);
  }
  problem(await s.get('/nothing'), 404);
  problem(await s.get('/v2/nothing'), 404);
  ok(await s.get('/livez', { 'API-Version': '77' }));
});

play('a deprecated version says so on every answer', what, async (s) => {
  await john(s);
  const told = async (r) => {
    assert.equal(r.header('deprecation'), '@1767225600');
    assert.equal(r.header('sunset'), 'Fri, 01 Jan 2027 12:00:00 GMT');
    return r.header('link');
  };
  const link = await told(await s.get('/v1/users/1?fields=id'));
  assert.match(link, /<https:\/\/example\.com\/v2>; rel="deprecation"/);
  assert.match(link, /<https:\/\/example\.com\/sunset>; rel="sunset"/);
  assert.match(link, /<\/v2\/users\/1>; rel="successor-version"/);
  assert.match(await told(await s.get('/users')), /<\/v2\/users>; rel="successor-version"/);
  await told(await s.get('/v1/users/9'));
  await told(await s.post('/v1/users', '{'));
  await told(await s.delete('/v1/users/1'));
  const v2 = await s.get('/v2/users');
  assert.equal(v2.header('deprecation'), null);
  assert.equal(v2.header('sunset'), null);
  assert.doesNotMatch(v2.header('link') ?? '', /successor/);
});

play('links, Location and the type name the version that was chosen', both, async (s) => {
  for (let i = 0; i < 3; i++) await s.post('/v1/users', { name: `u${i}`, email: `${i}@x` });
  const made = ok(await s.post('/users', { full_name: 'A', email: 'a@x' }, { 'API-Version': '2' }), 201);
  assert.equal(made.header('location'), '/v2/users/4');
  assert.equal(ok(await s.post('/v1/users', JOHN), 201).header('location'), '/v1/users/5');
  const page = ok(await s.get('/users?limit=2&version=2'));
  const next = /<([^>]*)>; rel="next"/.exec(page.header('link'))[1];
  assert.equal(next, '/v2/users?limit=2&page=2');
  assert.equal(Object.keys(ok(await s.get(next)).body.data[0])[1], 'full_name');
  assert.match(page.header('vary'), /API-Version/);
  assert.match(page.header('vary'), /Accept/);
  const typed = ok(await s.get('/users/1', { Accept: 'application/vnd.myapi.v2+json' }));
  assert.equal(typed.header('content-type'), 'application/vnd.myapi.v2+json');
  assert.equal(ok(await s.get('/users/1', { Accept: 'application/json, application/vnd.api.v1+json;q=0.1' })).header('content-type'), 'application/json');
  assert.equal((await s.get('/users/99', { Accept: 'application/vnd.api.v1+json' })).header('content-type'), 'application/problem+json');
  assert.equal(ok(await s.get('/v2/users/1', { Accept: 'application/vnd.api.v2+json' })).header('content-type'), 'application/vnd.api.v2+json');
  assert.equal(ok(await s.get('/v2/users/1', { Accept: 'application/vnd.api.v1+json' })).header('content-type'), 'application/json');
});

play('a column named version can still be filtered by', {
  migrations: 'CREATE TABLE files (id bigserial PRIMARY KEY, version integer NOT NULL);',
  config: 'versions: { v1: {}, v2: {} }\n',
}, async (s) => {
  await s.post('/v1/files', [{ version: 1 }, { version: 2 }]);
  assert.deepEqual(await s.ids('/v1/files?version=eq.2'), [2]);
  assert.deepEqual(await s.ids('/files?version=eq.2&v=2'), [2]);
  assert.deepEqual(await s.ids('/v1/files?version=2'), [1, 2], 'names a version');
  assert.equal((await s.get('/files?version=2')).header('x-api-version'), 'v2');
});

play('settings name the default, the header and the parameter', {
  migrations,
  config: `rest: { prefix: /api/v1 }
api: { default_version: v2, version_header: X-Version, version_parameters: api, vendors: acme.shop }
versions: { v1: { tables: { users: { full_name: { as: name } } } }, v2: {} }
`,
}, async (s) => {
  ok(await s.post('/api/v1/users', JOHN), 201);
  const version = async (...args) => ok(await s.get(...args)).header('x-api-version');
  assert.equal(await version('/api/users'), 'v2');
  assert.equal(await version('/api/users', { 'X-Version': '1' }), 'v1');
  assert.equal(await version('/api/users', { 'API-Version': '1' }), 'v2');
  assert.equal(await version('/api/users?api=1'), 'v1');
  assert.equal(await version('/api/users', { Accept: 'application/vnd.acme.shop.v1+json' }), 'v1');
  problem(await s.get('/api/users?version=1'), 400, 'unknown_parameter');
  problem(await s.get('/api/v7/users'), 400, 'unknown_version');
  problem(await s.get('/users'), 404);
  assert.deepEqual(Object.keys(ok(await s.get('/api/v2/users/1')).body), ['id', 'full_name', 'email']);
});

play('without versions nothing of that is there', { migrations }, async (s) => {
  problem(await s.get('/users'), 404);
  problem(await s.get('/v2/users'), 404);
  problem(await s.get('/v1/users?version=1'), 400, 'unknown_parameter');
  assert.equal((await s.get('/v1/users')).header('x-api-version'), 'v1');
});

play('accounts and named queries stand below every version, rules hold in each', {
  migrations: `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL, password_hash TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'viewer');
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), title TEXT NOT NULL, note TEXT);`,
  config: `auth: { table: users, roles: role, hash_memory: 64K, hash_passes: 1 }
access:
  posts:
    - { roles: signed_in, can: [read, create], where: user_id == me.id, set: { user_id: me.id }, hide: [note] }
versions:
  v1: { tables: { posts: { title: { as: heading }, user_id: { as: writer }, memo: { from: note } } } }
  v2: {}
`,
  serve: false,
  on: ['sqlite', 'postgres'],
}, async (s, p) => {
  p.write('queries/q.sql', '-- name: twice\n-- roles: public\n-- param: n integer\n-- result: one\nSELECT :n * 2 AS two;\n');
  await s.start();
  const who = async (n) => {
    ok(await s.post(`/v${n}/auth/register`, { email: `u${n}@x.org`, password: 'correct horse battery', name: 'A' }), 201);
    const t = ok(await s.post(`/v${n}/auth/login`, { email: `u${n}@x.org`, password: 'correct horse battery' })).body;
    return { Authorization: `Bearer ${t.access_token}` };
  };
  const [one, two] = [await who(1), await who(2)];
  assert.equal(ok(await s.get('/v2/auth/me', one)).body.email, 'u1@x.org');
  assert.equal(ok(await s.get('/auth/me', two)).body.email, 'u2@x.org');
  assert.equal(ok(await s.get('/v2/q/twice?n=4')).body.two, 8);
  assert.equal(ok(await s.get('/q/twice?n=4', { 'API-Version': '1' })).header('x-api-version'), 'v1');
  const made = ok(await s.post('/v1/posts', { heading: 'mine', writer: 99 }, one), 201).body;
  assert.deepEqual(made, { id: 1, heading: 'mine', writer: 1 }, 'a rule gives the renamed column its value');
  ok(await s.post('/v2/posts', { title: 'theirs' }, two), 201);
  assert.deepEqual(ok(await s.get('/v1/posts?fields=heading', one)).body.data, [{ heading: 'mine' }]);
  assert.deepEqual(ok(await s.get('/posts?version=2&fields=title', two)).body.data, [{ title: 'theirs' }]);
  problem(await s.get('/v1/posts?memo=is.null', one), 400, 'unknown_parameter');
  problem(await s.post('/v1/posts', { heading: 'x', memo: 'y' }, one), 422, 'invalid');
  problem(await s.get('/v1/posts/2', one), 404);
  problem(await s.get('/v2/posts'), 401);
});
