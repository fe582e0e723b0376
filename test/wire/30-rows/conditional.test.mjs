// ETags, preconditions, PUT that makes rows, Cache-Control and Vary (guide 12 and 14; RFC 9110, 13).
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 5 };
const john = { name: 'John Smith', email: 'john@example.com', age: 25, city: 'New York' };
const TAG = /^"[A-Za-z0-9_-]{11}"$/;

const keys = `
  CREATE TABLE pages (slug text PRIMARY KEY, title text NOT NULL, body text, hits integer NOT NULL DEFAULT 0);
  CREATE TABLE devices (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, serial text UNIQUE);
  CREATE TABLE seats (flight integer NOT NULL, seat text NOT NULL, guest text, PRIMARY KEY (flight, seat));
  CREATE TABLE people (id bigserial PRIMARY KEY, name text NOT NULL);
  CREATE TABLE notes (id bigserial PRIMARY KEY, text text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
  INSERT INTO people (name) VALUES ('A'), ('B');
`;
const app = (config = '') => ({ migrations: keys, config });

// ---- ETag, 304 ----

play('a GET of one row has a strong ETag; with If-None-Match it is 304 without a body', shop, async (s) => {
  const r = await s.get('/v1/users/1');
  const tag = r.header('etag');
  assert.match(tag, TAG);
  for (const list of [tag, `W/${tag}`, `"x", ${tag}`, '*', `"x" , W/"a,b",${tag}`]) {
    const n = await s.get('/v1/users/1', { 'if-none-match': list });
    assert.equal(n.status, 304, list);
    assert.equal(n.text, '');
    assert.equal(n.header('etag'), tag);
    assert.equal(n.header('cache-control'), r.header('cache-control'));
    assert.ok(n.header('date'));
    assert.equal(n.header('content-type'), null);
    assert.equal(n.header('content-length'), null);
  }
  for (const list of ['"x"', tag.slice(1, -1), `${tag} ${tag}`, '""', 'W/']) {
    const n = await s.get('/v1/users/1', { 'if-none-match': list });
    assert.equal(n.status, 200, list);
    assert.equal(n.text, r.text);
  }
});

play('HEAD is as GET', shop, async (s) => {
  const tag = (await s.get('/v1/users/1')).header('etag');
  const head = await s.fetch('/v1/users/1', { method: 'HEAD' });
  assert.equal(head.header('etag'), tag);
  assert.equal((await s.fetch('/v1/users/1', { method: 'HEAD', headers: { 'if-none-match': tag } })).status, 304);
});

play('lists, includes, sub-resources and fields have tags of their own, which change with what they show', shop, async (s) => {
  const paths = ['/v1/users', '/v1/users?limit=2', '/v1/users/1?fields=id,name', '/v1/posts/1?include=author', '/v1/posts/1/author',
    '/v1/users/1/posts', '/v1/users?cursor=&limit=2', '/v1/users?age=gt.100'];
  const before = {};
  for (const path of paths) {
    const r = await s.get(path);
    assert.match(r.header('etag'), TAG, path);
    assert.equal((await s.get(path)).header('etag'), r.header('etag'), path);
    assert.equal((await s.get(path, { 'if-none-match': r.header('etag') })).status, 304, path);
    before[path] = r.header('etag');
  }
  assert.equal(new Set(Object.values(before)).size, paths.length);
  ok(await s.patch('/v1/users/1', { name: 'Another' }));
  const changed = [];
  for (const path of paths) if ((await s.get(path)).header('etag') !== before[path]) changed.push(path);
  assert.ok(changed.includes('/v1/users') && changed.includes('/v1/users/1?fields=id,name'));
  assert.ok(!changed.includes('/v1/users?age=gt.100'));
  assert.equal((await s.get('/v1/users/99')).header('etag'), null);
});

play('a tag is the same after a restart, and for two servers with one secret', shop, async (s) => {
  const tag = (await s.get('/v1/users/1')).header('etag');
  await s.stop();
  await s.start();
  assert.equal((await s.get('/v1/users/1')).header('etag'), tag);
});

play('the answers of POST, PUT and PATCH tell the tag that a GET gives', shop, async (s) => {
  const made = await s.post('/v1/users', { ...john, email: 'new@example.com' });
  const id = made.body.id;
  const same = async (r) => assert.equal(r.header('etag'), (await s.get(`/v1/users/${id}`)).header('etag'));
  assert.match(made.header('etag'), TAG);
  await same(made);
  await same(await s.patch(`/v1/users/${id}`, { age: 30 }));
  await same(await s.put(`/v1/users/${id}`, { ...john, email: 'new@example.com' }));
  await same(await s.patch(`/v1/users/${id}`, {}));
});

play('named queries have tags', { ...app(), serve: false }, async (s, p) => {
  p.write('queries/q.sql', '-- name: all_people\n-- roles: public\n-- cache: 60s\nSELECT id, name FROM people ORDER BY id;\n');
  await s.start();
  const r = await s.get('/v1/q/all_people');
  assert.match(r.header('etag'), TAG);
  assert.match(r.header('cache-control'), /max-age=60/);
  const n = await s.get('/v1/q/all_people', { 'if-none-match': r.header('etag') });
  assert.equal(n.status, 304);
  assert.equal(n.header('cache-control'), r.header('cache-control'));
});

play('http.etag: false sends none', { app: 'shop', users: 2, args: ['--set', 'http.etag=false'] }, async (s) => {
  assert.equal((await s.get('/v1/users/1')).header('etag'), null);
  assert.equal((await s.patch('/v1/users/1', { age: 3 })).header('etag'), null);
  assert.equal((await s.get('/v1/users/1', { 'if-none-match': '"x"' })).status, 200);
});

// ---- If-Match ----

play('If-Match: a change of what was read goes through, of what has changed since it is 412', shop, async (s) => {
  for (const change of [(h) => s.patch('/v1/users/1', { age: 40 }, h), (h) => s.put('/v1/users/1', { ...john, age: 41 }, h)]) {
    const tag = (await s.get('/v1/users/1')).header('etag');
    const r = await change({ 'if-match': tag });
    assert.equal(r.status, 200, r.text);
    const p = problem(await change({ 'if-match': tag }), 412, 'precondition_failed', ['If-Match']);
    assert.match(p.detail, /changed since it was read/);
    assert.equal((await change({ 'if-match': `"x", ${r.header('etag')}` })).status, 200);
    assert.equal((await change({ 'if-match': '*' })).status, 200);
    const now = (await s.get('/v1/users/1')).header('etag');
    problem(await change({ 'if-match': `W/${now}` }), 412, 'precondition_failed');
    problem(await change({ 'if-match': now.slice(1, -1) }), 400, undefined, ['If-Match']);
    problem(await change({ 'if-none-match': now }), 412, 'precondition_failed', ['If-None-Match']);
    assert.equal((await change({ 'if-none-match': '"x"' })).status, 200);
  }
});

play('DELETE with If-Match; GET with If-Match', shop, async (s) => {
  const id = ok(await s.post('/v1/users', { name: 'A', email: 'a@b.c' }), 201).id;
  const old = (await s.get(`/v1/users/${id}`)).header('etag');
  const now = (await s.patch(`/v1/users/${id}`, { age: 7 })).header('etag');
  problem(await s.get(`/v1/users/${id}`, { 'if-match': old }), 412, 'precondition_failed');
  assert.equal((await s.get(`/v1/users/${id}`, { 'if-match': now })).status, 200);
  problem(await s.fetch(`/v1/users/${id}`, { method: 'DELETE', headers: { 'if-match': old } }), 412, 'precondition_failed');
  ok(await s.get(`/v1/users/${id}`));
  assert.equal((await s.fetch(`/v1/users/${id}`, { method: 'DELETE', headers: { 'if-match': now } })).status, 204);
  problem(await s.fetch(`/v1/users/${id}`, { method: 'DELETE', headers: { 'if-match': now } }), 404, 'not_found');
});

play('what would fail anyway fails so, and a 412 changes nothing', shop, async (s) => {
  const stale = { 'if-match': '"AAAAAAAAAAA"' };
  problem(await s.patch('/v1/users/99', { age: 3 }, stale), 404, 'not_found');
  problem(await s.put('/v1/users/99', john, stale), 404, 'not_found');
  const before = ok(await s.get('/v1/users/1'));
  problem(await s.patch('/v1/users/1', { age: -5, nick: 1 }, stale), 412, 'precondition_failed');
  problem(await s.patch('/v1/users/1', [{ op: 'remove', path: '/city' }], { 'if-match': '"AAAAAAAAAAA"', 'content-type': 'application/json-patch+json' }), 412);
  assert.deepEqual(ok(await s.get('/v1/users/1')), before);
});

play('fifty changes of one state at once: one 200, forty-nine 412', shop, async (s) => {
  for (const body of [(i) => ({ age: i + 1 }), () => ({ age: { $inc: 1 } })]) {
    const r = await s.get('/v1/users/1');
    const match = { 'if-match': r.header('etag') };
    const all = await Promise.all(Array.from({ length: 50 }, (_, i) => s.patch('/v1/users/1', body(i), match)));
    const by = all.map((a) => a.status);
    assert.equal(by.filter((x) => x === 200).length, 1, by.join());
    assert.equal(by.filter((x) => x === 412).length, 49, by.join());
    assert.deepEqual(ok(await s.get('/v1/users/1')), all.find((a) => a.status === 200).body);
  }
});

play('read, change, say If-Match, again after a 412: a counter of many clients loses nothing', app(), async (s) => {
  ok(await s.put('/v1/pages/home', { title: 'Home' }), 201);
  const client = async () => {
    for (let n = 0; n < 5;) {
      const r = await s.get('/v1/pages/home');
      const w = await s.patch('/v1/pages/home', { hits: r.body.hits + 1 }, { 'if-match': r.header('etag') });
      assert.ok([200, 412].includes(w.status), w.text);
      if (w.status === 200) n++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  assert.equal(ok(await s.get('/v1/pages/home')).hits, 40);
});

play('an operation of a batch says If-Match among its headers', shop, async (s) => {
  const tag = (await s.get('/v1/users/1')).header('etag');
  const batch = (match) => s.post('/v1/batch', { operations: [{ method: 'PATCH', path: '/v1/users/1', headers: { 'If-Match': match }, body: { age: 50 } }] });
  problem(await batch('"AAAAAAAAAAA"'), 412, 'precondition_failed');
  const r = ok(await batch(tag));
  const now = (await s.get('/v1/users/1')).header('etag');
  assert.equal(r.results[0].headers.ETag, now);
});

// ---- 428 ----

play('http.require_if_match: a change without If-Match is 428', { app: 'shop', users: 2, args: ['--set', 'http.require_if_match=/v1/users/*'] }, async (s) => {
  const p = problem(await s.patch('/v1/users/1', { age: 3 }), 428, 'precondition_required', ['If-Match']);
  assert.match(p.detail, /ETag/);
  problem(await s.put('/v1/users/1', john), 428, 'precondition_required');
  problem(await s.delete('/v1/users/1'), 428, 'precondition_required');
  const tag = (await s.get('/v1/users/1')).header('etag');
  assert.equal((await s.patch('/v1/users/1', { age: 3 }, { 'if-match': tag })).status, 200);
  assert.equal((await s.post('/v1/users', { ...john, email: 'x@y.z' })).status, 201);
  assert.equal((await s.patch('/v1/posts/1', { title: 'T' })).status, 200);
});

// ---- times ----

play('tables.T.modified: Last-Modified, If-Modified-Since, If-Unmodified-Since', app('tables:\n  notes:\n    modified: updated_at\n'), async (s) => {
  const at = '2026-01-02T03:04:05.678Z';
  const date = 'Fri, 02 Jan 2026 03:04:05 GMT';
  const made = await s.post('/v1/notes', { text: 'a', updated_at: at });
  const path = `/v1/notes/${made.body.id}`;
  assert.equal(made.header('last-modified'), date);
  assert.equal((await s.get(path)).header('last-modified'), date);
  assert.equal((await s.get(`${path}?fields=id,text`)).header('last-modified'), null);
  for (const [since, status] of [[date, 304], ['Friday, 02-Jan-26 03:04:05 GMT', 304], ['Fri Jan  2 03:04:05 2026', 304],
    ['Fri, 02 Jan 2026 03:04:04 GMT', 200], ['Sat, 03 Jan 2026 03:04:04 GMT', 304], ['yesterday', 200]])
    assert.equal((await s.get(path, { 'if-modified-since': since })).status, status, since);
  // If-None-Match goes before If-Modified-Since, and If-Match before If-Unmodified-Since.
  assert.equal((await s.get(path, { 'if-none-match': '"x"', 'if-modified-since': date })).status, 200);
  const early = 'Fri, 02 Jan 2026 03:04:04 GMT';
  problem(await s.patch(path, { text: 'b' }, { 'if-unmodified-since': early }), 412, 'precondition_failed', ['If-Unmodified-Since']);
  assert.equal((await s.patch(path, { text: 'b' }, { 'if-unmodified-since': date })).status, 200);
  const tag = (await s.get(path)).header('etag');
  assert.equal((await s.patch(path, { text: 'c' }, { 'if-match': tag, 'if-unmodified-since': early })).status, 200);
});

// ---- PUT that makes ----

play('PUT of a free id makes the row where clients choose ids: 201 with Location, then 200', app(), async (s) => {
  const uuid = '0190a0a0-0000-7000-8000-000000000001';
  for (const [path, body, shown] of [['/v1/pages/a%2Fb', { title: 'T' }, { slug: 'a/b', title: 'T', body: null, hits: 0 }],
    [`/v1/devices/${uuid}`, { name: 'D' }, { id: uuid, name: 'D', serial: null }], ['/v1/seats/7,12A', { guest: 'G' }, { flight: 7, seat: '12A', guest: 'G' }]]) {
    const made = await s.put(path, body);
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(made.body, shown);
    const there = await s.get(made.header('location'));
    assert.deepEqual(there.body, shown);
    assert.equal(made.header('etag'), there.header('etag'));
    const again = await s.put(path, body);
    assert.equal(again.status, 200);
    assert.deepEqual(again.body, shown);
    assert.equal(again.header('location'), null);
  }
  problem(await s.put('/v1/people/77', { name: 'X' }), 404, 'not_found');
  problem(await s.put('/v1/devices/nope', { name: 'X' }), 404, 'not_found');
  problem(await s.put('/v1/pages/c', {}), 422, undefined, ['title']);
  problem(await s.put('/v1/pages/c', { slug: 'd', title: 'T' }), 422, undefined, ['slug']);
  problem(await s.patch('/v1/pages/c', { title: 'T' }), 404, 'not_found');
  ok(await s.post('/v1/devices', { name: 'E', serial: 's' }), 201);
  problem(await s.put('/v1/devices/0190a0a0-0000-7000-8000-000000000002', { name: 'F', serial: 's' }), 409, 'unique', ['serial']);
  problem(await s.put('/v1/devices/0190a0a0-0000-7000-8000-000000000002', { name: 'F', serial: 's' }, { 'if-none-match': '*' }), 409, 'unique', ['serial']);
});

play('rest.put_creates and tables.T.put_creates', app('rest:\n  put_creates: never\ntables:\n  people:\n    put_creates: true\n'), async (s) => {
  problem(await s.put('/v1/pages/a', { title: 'T' }), 404, 'not_found');
  const made = await s.put('/v1/people/77', { name: 'X' });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body, { id: 77, name: 'X' });
});

play('PUT with If-None-Match: * only makes, with If-Match only replaces', app(), async (s) => {
  problem(await s.put('/v1/pages/p', { title: 'T' }, { 'if-match': '*' }), 412, 'precondition_failed');
  problem(await s.put('/v1/pages/p', { title: 'T' }, { 'if-match': '"AAAAAAAAAAA"' }), 412, 'precondition_failed');
  problem(await s.get('/v1/pages/p'), 404);
  ok(await s.put('/v1/pages/p', { title: 'T' }, { 'if-none-match': '*' }), 201);
  problem(await s.put('/v1/pages/p', { title: 'U' }, { 'if-none-match': '*' }), 412, 'precondition_failed', ['If-None-Match']);
  assert.equal(ok(await s.get('/v1/pages/p')).title, 'T');
  assert.equal((await s.put('/v1/pages/p', { title: 'U' }, { 'if-match': '*' })).status, 200);
});

play('many PUTs of one new id at once: one 201, the others 200; with If-None-Match the others 412', app(), async (s) => {
  for (const [name, headers, other] of [['q', {}, 200], ['r', { 'if-none-match': '*' }, 412]]) {
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => s.put(`/v1/pages/${name}`, { title: `T${i}` }, headers)));
    const by = all.map((a) => a.status);
    assert.equal(by.filter((x) => x === 201).length, 1, by.join());
    assert.equal(by.filter((x) => x === other).length, 19, by.join());
  }
});

play('PUT makes rows inside a batch too, and goes on after one that failed', app(), async (s) => {
  const r = ok(await s.post('/v1/batch', { operations: [
    { method: 'PUT', path: '/v1/devices/0190a0a0-0000-7000-8000-000000000001', body: { name: 'A', serial: 's' } },
    { method: 'PUT', path: '/v1/devices/0190a0a0-0000-7000-8000-000000000002', body: { name: 'B', serial: 's' }, on_error: 'continue' },
    { method: 'PUT', path: '/v1/pages/b', body: { title: 'T' } }] }));
  assert.deepEqual(r.results.map((x) => x.status), [201, 409, 201]);
});

// ---- access rules ----

const rules = {
  migrations: `
    CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, password_hash text, role text NOT NULL DEFAULT 'writer');
    CREATE TABLE docs (slug text PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, title text NOT NULL, secret text NOT NULL DEFAULT 'x');`,
  config: `
auth: { table: users, roles: role, hash_memory: 64K, hash_passes: 1 }
roles:
  writer: {}
  editor: {}
access:
  docs:
    - { roles: writer, can: read, where: 'user_id == me.id', hide: [secret] }
    - { roles: writer, can: [create, update], where: 'user_id == me.id', set: { user_id: me.id }, hide: [secret] }
    - { roles: editor, can: read, hide: [secret] }
    - { roles: editor, can: update }
`,
};

play('with access rules: the tag is of what this caller sees; making needs the right to create', rules, async (s, p) => {
  const password = 'correct horse battery';
  const sign = async (name, role) => {
    p.do('account', 'add', `${name}@x.io`, '--role', role, { input: `${password}\n` });
    const t = ok(await s.post('/v1/auth/login', { email: `${name}@x.io`, password }));
    return (more = {}) => ({ authorization: `Bearer ${t.access_token}`, ...more });
  };
  const [ann, bob, eve] = [await sign('ann', 'writer'), await sign('bob', 'writer'), await sign('eve', 'editor')];
  const made = await s.put('/v1/docs/a', { title: 'T' }, ann());
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.secret, undefined);
  const r = await s.get('/v1/docs/a', ann());
  const tag = r.header('etag');
  assert.equal(tag, made.header('etag'));
  assert.match(r.header('vary'), /\bAuthorization\b/);
  assert.equal(r.header('cache-control'), 'private, no-cache');
  assert.equal((await s.get('/v1/docs/a', ann({ 'if-none-match': tag }))).status, 304);
  assert.equal((await s.patch('/v1/docs/a', { title: 'U' }, ann({ 'if-match': tag }))).status, 200);
  problem(await s.patch('/v1/docs/a', { title: 'V' }, ann({ 'if-match': tag })), 412, 'precondition_failed');
  for (const match of ['*', tag, (await s.get('/v1/docs/a', ann())).header('etag')])
    problem(await s.patch('/v1/docs/a', { title: 'V' }, bob({ 'if-match': match })), 404, 'not_found');
  // Another's row can be neither taken over nor replaced; who may not create finds nothing there.
  problem(await s.put('/v1/docs/a', { title: 'V' }, bob()), 409);
  problem(await s.put('/v1/docs/b', { title: 'V', user_id: 1 }, eve()), 404, 'not_found');
  assert.equal((await s.put('/v1/docs/b', { title: 'B' }, bob())).body.user_id, 2);
  const seen = await s.get('/v1/docs/a', eve());
  assert.equal((await s.put('/v1/docs/a', { title: 'E', user_id: 1 }, eve({ 'if-match': seen.header('etag') }))).status, 200);
  problem(await s.put('/v1/docs/a', { title: 'F', user_id: 1 }, eve({ 'if-match': seen.header('etag') })), 412, 'precondition_failed');
  problem(await s.get('/v1/docs/a'), 401);
});

// ---- Cache-Control and Vary ----

const caches = `
cache_control:
  - { path: "/v1/pages/*", value: "public, max-age=60", vary: Accept-Language }
`;

play('Cache-Control and Vary by path, of GETs that succeed; failures are not kept', app(caches), async (s) => {
  ok(await s.put('/v1/pages/p', { title: 'T' }), 201);
  const r = await s.get('/v1/pages/p');
  assert.equal(r.header('cache-control'), 'public, max-age=60');
  assert.match(r.header('vary'), /\bAccept-Language\b/);
  const n = await s.get('/v1/pages/p', { 'if-none-match': r.header('etag') });
  assert.equal(n.status, 304);
  assert.equal(n.header('cache-control'), 'public, max-age=60');
  assert.equal(n.header('vary'), r.header('vary'));
  assert.equal((await s.get('/v1/pages/none')).header('cache-control'), 'no-store');
  assert.equal((await s.get('/v1/people/1')).header('cache-control'), 'no-cache');
  assert.doesNotMatch((await s.get('/v1/people/1')).header('vary') ?? '', /Accept-Language|Authorization/);
  assert.equal((await s.put('/v1/pages/p', { title: 'U' })).header('cache-control'), 'no-cache');
  assert.equal((await s.get('/health')).header('cache-control'), 'no-store');
  assert.equal((await s.get('/health')).header('etag'), null);
});
