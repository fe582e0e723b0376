// What only the database can know: which row, which column, which table; and what a write costs.
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 5 };
const places = (p) => p.errors.map((e) => [e.pointer, e.code]);

play('of many rows the one at fault is told, wherever it stands', shop, async (s) => {
  const user = (i, more) => ({ name: `n${i}`, email: `n${i}@x.y`, ...more });
  const rows = Array.from({ length: 40 }, (_, i) => user(i));
  for (const at of [0, 17, 39]) {
    const taken = rows.map((r, i) => (i === at ? { ...r, email: 'john@example.com' } : r));
    assert.deepEqual(places(problem(await s.post('/v1/users', taken), 409, 'unique', ['email'])), [[`/${at}/email`, 'unique']]);
    const posts = rows.map((_, i) => ({ user_id: i === at ? 999 : 1, title: `t${i}` }));
    assert.deepEqual(places(problem(await s.post('/v1/posts', posts), 422, 'parent', ['user_id'])), [[`/${at}/user_id`, 'parent']]);
    const moves = rows.map((_, i) => ({ from_account: 'A', to_account: i === at ? 'A' : 'B', amount: 1 }));
    const p = problem(await s.post('/v1/transactions', moves), 422, 'check', ['from_account', 'to_account']);
    assert.deepEqual(places(p), [[`/${at}/from_account`, 'check'], [`/${at}/to_account`, 'check']]);
  }
  const twice = problem(await s.post('/v1/users', [user(1), user(2), user(1)]), 409, 'unique');
  assert.deepEqual(places(twice), [['/2/email', 'unique']]);
  assert.equal(ok(await s.get('/v1/users')).total, 5);
  assert.equal(ok(await s.get('/v1/posts')).total, 5);
});

play('rows with different fields keep the order of the body', shop, async (s) => {
  const rows = Array.from({ length: 30 }, (_, i) => ({ user_id: 1 + (i % 5), ...(i % 3 ? {} : { status: 'paid' }), ...(i % 2 ? { total: i } : {}) }));
  const made = ok(await s.post('/v1/orders', rows), 201).data;
  const first = made[0].id;
  assert.deepEqual(made.map((o) => o.id), rows.map((_, i) => first + i));
  assert.deepEqual(made.map((o) => [o.user_id, o.status, o.total]), rows.map((o) => [o.user_id, o.status ?? 'pending', o.total ?? 0]));
});

play('one statement a write, whatever it holds', shop, async (s) => {
  const many = Array.from({ length: 100 }, (_, i) => ({ name: `n${i}`, email: `n${i}@x.y`, ...(i % 2 ? { age: i } : {}) }));
  for (const write of [
    () => s.post('/v1/users', { name: 'A', email: 'a@x.y' }),
    () => s.post('/v1/users', many),
    () => s.post('/v1/users/1/posts', { title: 'x' }),
    () => s.put('/v1/users/1', { name: 'A', email: 'b@x.y' }),
    () => s.patch('/v1/users/1', { age: 3 }),
    () => s.patch('/v1/users/1', {}),
    () => s.delete('/v1/posts/1'),
  ]) {
    const n = await s.statements(async () => assert.ok([200, 201, 204].includes((await write()).status)));
    assert.equal(n, 1, String(write));
  }
});

play('a row without any field, alone and among others', { migrations: `CREATE TABLE t (id SERIAL PRIMARY KEY, n INTEGER DEFAULT 7, m INTEGER);
  CREATE TABLE u (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), n INTEGER);` }, async (s) => {
  assert.deepEqual(ok(await s.post('/v1/t', {}), 201), { id: 1, n: 7, m: null });
  assert.deepEqual(ok(await s.post('/v1/t', [{}, { n: 1 }, {}, {}, { n: null }]), 201).data.map((r) => [r.id, r.n]), [[2, 7], [3, 1], [4, 7], [5, 7], [6, null]]);
  assert.deepEqual(ok(await s.post('/v1/t', [{ m: 1 }, { n: 1, m: 2 }, { m: 3 }]), 201).data.map((r) => [r.n, r.m]), [[7, 1], [1, 2], [7, 3]]);
  assert.equal(ok(await s.post('/v1/u', [{}, {}]), 201).data.length, 2);
  assert.equal(new Set(ok(await s.post('/v1/u', [{}, {}, { n: 1 }]), 201).data.map((r) => r.id)).size, 3);
});

play('what was read can be sent back; computed columns follow', { migrations: `CREATE TABLE people (id SERIAL PRIMARY KEY,
  first TEXT NOT NULL, last TEXT NOT NULL, whole TEXT GENERATED ALWAYS AS (first || ' ' || last) STORED, at TIMESTAMPTZ NOT NULL DEFAULT now());` }, async (s) => {
  const row = ok(await s.post('/v1/people', { first: 'Ada', last: 'King' }), 201);
  assert.equal(row.whole, 'Ada King');
  assert.deepEqual(ok(await s.put('/v1/people/1', ok(await s.get('/v1/people/1')))), row);
  assert.equal(ok(await s.put('/v1/people/1', { ...row, last: 'Lovelace' })).whole, 'Ada Lovelace');
  for (const r of [await s.post('/v1/people', row), await s.patch('/v1/people/1', { whole: 'x' })]) {
    assert.deepEqual(places(problem(r, 422, 'invalid', ['whole'])), [['/whole', 'read_only']]);
  }
});

play('an unnamed rule over columns, a named one, an index over some rows', { migrations: `CREATE TABLE stays (id SERIAL PRIMARY KEY, room INTEGER NOT NULL,
    since INTEGER NOT NULL, until INTEGER NOT NULL, guests INTEGER NOT NULL DEFAULT 1, state TEXT NOT NULL DEFAULT 'open',
    CHECK (since < until), CONSTRAINT enough_room CHECK (guests <= room * 2));
  CREATE UNIQUE INDEX one_open ON stays (room) WHERE state = 'open';
  CREATE TABLE names (id SERIAL PRIMARY KEY, name TEXT);
  CREATE UNIQUE INDEX names_folded ON names (lower(name));` }, async (s) => {
  const stay = { room: 1, since: 1, until: 2 };
  ok(await s.post('/v1/stays', stay), 201);
  problem(await s.post('/v1/stays', { ...stay, room: 2, until: 1 }), 422, 'check', ['since', 'until']);
  const named = problem(await s.post('/v1/stays', { ...stay, room: 2, guests: 5 }), 422, 'check', ['guests', 'room']);
  assert.match(named.detail, /enough_room/);
  problem(await s.post('/v1/stays', stay), 409, 'unique', ['room']);
  ok(await s.post('/v1/stays', { ...stay, state: 'done' }), 201);
  ok(await s.post('/v1/names', { name: 'Ada' }), 201);
  assert.doesNotMatch(JSON.stringify(problem(await s.post('/v1/names', { name: 'ADA' }), 409, 'unique')), /names_folded/);
});

play('parents: of several columns, of the same table, looked at when the transaction ends', { migrations: `CREATE TABLE halls (house TEXT, nr INTEGER, PRIMARY KEY (house, nr));
  CREATE TABLE seats (id SERIAL PRIMARY KEY, house TEXT, nr INTEGER, label TEXT, FOREIGN KEY (house, nr) REFERENCES halls (house, nr));
  CREATE TABLE nodes (id INTEGER PRIMARY KEY, up INTEGER REFERENCES nodes (id), twin INTEGER REFERENCES nodes (id));
  CREATE TABLE late (id SERIAL PRIMARY KEY, node INTEGER NOT NULL REFERENCES nodes (id) DEFERRABLE INITIALLY DEFERRED);` }, async (s) => {
  ok(await s.post('/v1/halls', { house: 'a', nr: 1 }), 201);
  const seat = ok(await s.post('/v1/seats', { house: 'a', nr: 1 }), 201);
  problem(await s.post('/v1/seats', { house: 'a', nr: 2 }), 422, 'parent', ['house', 'nr']);
  ok(await s.post('/v1/seats', { house: 'b' }), 201);
  problem(await s.patch(`/v1/seats/${seat.id}`, { nr: 2 }), 422, 'parent', ['house', 'nr']);
  ok(await s.post('/v1/nodes', [{ id: 1 }, { id: 2, up: 1 }, { id: 4, up: 4 }]), 201);
  assert.deepEqual(places(problem(await s.post('/v1/nodes', [{ id: 5 }, { id: 6, up: 5 }, { id: 7, up: 8 }]), 422, 'parent')), [['/2/up', 'parent']]);
  assert.deepEqual(places(problem(await s.post('/v1/nodes', [{ id: 5 }, { id: 6, up: 5, twin: 77 }]), 422, 'parent')), [['/1/twin', 'parent']]);
  problem(await s.post('/v1/late', { node: 99 }), 422, 'parent', ['node']);
  assert.deepEqual(places(problem(await s.post('/v1/late', [{ node: 1 }, { node: 99 }, { node: 2 }]), 422, 'parent')), [['/1/node', 'parent']]);
});

play('a DELETE that others forbid names those, not the ones that go along', shop, async (s) => {
  const id = ok(await s.post('/v1/products', { name: 'p', price: 1, category_id: 1 }), 201).id;
  ok(await s.post('/v1/product_tags', { product_id: id, tag_id: 1 }), 201);
  ok(await s.post('/v1/reviews', { product_id: id, user_id: 1, rating: 5 }), 201);
  const order = ok(await s.post('/v1/orders', { user_id: 1 }), 201).id;
  const item = ok(await s.post('/v1/order_items', { order_id: order, product_id: id, price: 1 }), 201).id;
  const p = problem(await s.delete(`/v1/products/${id}`), 409, 'children');
  assert.match(p.detail, /order_items/);
  assert.doesNotMatch(p.detail, /product_tags|reviews/);
  assert.equal((await s.delete(`/v1/order_items/${item}`)).status, 204);
  assert.equal((await s.delete(`/v1/products/${id}`)).status, 204);
  problem(await s.post('/v1/users/999/posts', { title: 'x' }), 404, 'not_found');
});

play('kinds of bodies', shop, async (s) => {
  const send = (type, method = 'POST', more = {}) => s.fetch(method === 'POST' ? '/v1/tags' : '/v1/tags/1', {
    method, body: `{"name":"${Math.random()}"}`, headers: { 'Content-Type': type, ...more } });
  for (const type of ['application/json', 'Application/JSON ; charset="UTF-8"', 'application/vnd.shop+json']) ok(await send(type), 201);
  for (const type of ['application/merge-patch+json', 'application/json-patch+json', 'application/json; charset=latin1', 'text/json', 'application/+json', 'json']) {
    const r = await send(type), takes = 'application/json, application/x-www-form-urlencoded, multipart/form-data, application/xml, text/xml';
    assert.deepEqual(problem(r, 415, 'media_type').offers, takes.split(', '), type);
    assert.deepEqual([r.header('accept'), r.header('accept-post')], [takes, takes], type);
  }
  ok(await send('application/merge-patch+json', 'PATCH'));
  const no = await send('application/yaml', 'PATCH');
  problem(no, 415, 'media_type');
  assert.match(no.header('accept-patch'), /merge-patch/);
  problem(await send('application/json', 'POST', { 'Content-Encoding': 'deflate' }), 415, 'media_type');
  problem(await s.fetch('/v1/tags?x=1', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }), 400, 'unknown_parameter', ['x']);
  const bare = await s.raw('POST /v1/tags HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
  assert.deepEqual(bare.statuses, [415]);
});

// Such names take six times their length in JSON, in every row of an answer.
const long = Array.from({ length: 12 }, (_, i) => `"${i}${'\x01'.repeat(60)}" INTEGER`);
play('an answer that has no room does not undo the write', { migrations: `CREATE TABLE t (id SERIAL PRIMARY KEY, n INTEGER, ${long});`,
  args: ['--set', 'http.request_memory=64K'] }, async (s) => {
  const r = await s.post('/v1/t', Array.from({ length: 20 }, (_, n) => ({ n })));
  assert.deepEqual([r.status, r.text.slice(0, 200)], [201, '']);
  assert.equal((await s.ids('/v1/t?fields=id&limit=50')).length, 20);
});
