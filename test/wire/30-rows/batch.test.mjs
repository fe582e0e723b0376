// POST /v1/batch: several operations, all of them or none.
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 20 };
const batch = (s, operations, more) => s.post('/v1/batch', { operations, ...more });

play('later operations refer to earlier ones', shop, async (s) => {
  const r = ok(await batch(s, [
    { method: 'POST', path: '/v1/users', body: { name: 'Ada', email: 'ada@x.org' }, name: 'u' },
    { method: 'POST', path: '/v1/posts', body: { user_id: { $ref: 'u.id' }, title: 'First' } },
    { method: 'POST', path: '/v1/users/{$ref:u.id}/posts', body: { title: { $ref: '1.title' } } },
    { method: 'GET', path: '/v1/users/{$ref:u.id}/posts?sort=id&fields=title' },
    { method: 'PATCH', path: '/v1/users/{$ref:0.id}', body: { city: 'London' } },
    { method: 'DELETE', path: '/v1/posts/{$ref:1.id}' },
  ]));
  assert.deepEqual(r.results.map((x) => x.status), [201, 201, 201, 200, 200, 204]);
  const id = r.results[0].body.id;
  assert.equal(r.results[0].headers.Location, `/v1/users/${id}`);
  assert.equal(r.results[0].name, 'u');
  assert.equal(r.results[1].body.user_id, id);
  assert.deepEqual(r.results[3].body.data, [{ title: 'First' }, { title: 'First' }]);
  assert.ok(!('body' in r.results[5]));
  assert.equal(r.isolation, s.engine === 'sqlite' ? 'serializable' : 'read_committed');
  assert.equal(ok(await s.get(`/v1/users/${id}`)).city, 'London');
  assert.equal((await s.list(`/v1/users/${id}/posts`)).length, 1);
});

play('all or nothing: the failure is that of the operation, and says which', shop, async (s) => {
  const before = (await s.list('/v1/tags?limit=100')).length;
  const tag = { method: 'POST', path: '/v1/tags', body: { name: 'brand new' } };
  let p = problem(await batch(s, [tag, { method: 'POST', path: '/v1/users', body: { name: 'x', email: 'john@example.com' } }]), 409, 'unique');
  assert.equal(p.operation, 1);
  assert.equal(p.pointer, '/operations/1');
  assert.equal(p.instance, '/v1/batch');
  assert.deepEqual(p.errors.map((e) => [e.field, e.pointer]), [['email', '/operations/1/body/email']]);
  p = problem(await batch(s, [tag, { method: 'POST', path: '/v1/tags', body: [{ name: 'ok' }, { nam: 'x' }] }]), 422, 'invalid');
  assert.deepEqual(p.errors.map((e) => e.pointer), ['/operations/1/body/1/nam', '/operations/1/body/1/name']);
  p = problem(await batch(s, [tag, { method: 'GET', path: '/v1/users?nme=eq.x' }]), 400, 'unknown_parameter');
  assert.equal(p.errors[0].pointer, '/operations/1/path');
  p = problem(await batch(s, [tag, { method: 'GET', path: '/v1/users/9999' }]), 404, 'not_found');
  assert.equal(p.operation, 1);
  p = problem(await batch(s, [tag, { method: 'POST', path: '/v1/posts', body: { user_id: 9999, title: 'x' } }]), 422, 'parent');
  assert.equal(p.errors[0].pointer, '/operations/1/body/user_id');
  p = problem(await batch(s, [tag, { method: 'DELETE', path: '/v1/users/1' }]), 409, 'children');
  problem(await batch(s, [tag, { method: 'GET', path: '/v1/nothing' }]), 404, 'not_found');
  const r = await batch(s, [tag, { method: 'POST', path: '/v1/users/1', body: {} }]);
  problem(r, 405, 'method_not_allowed');
  assert.match(r.header('allow'), /PATCH/);
  problem(await batch(s, [tag, { method: 'PATCH', path: '/v1/users/1', body: { name: 'x' }, headers: { 'Content-Type': 'text/plain' } }]), 415);
  assert.equal((await s.list('/v1/tags?limit=100')).length, before);
});

play('a row that a statement before refused is not left behind by its try', shop, async (s) => {
  const r = ok(await batch(s, [
    { method: 'POST', path: '/v1/tags', body: [{ name: 'left' }, { name: 'left' }], on_error: 'continue' },
    { method: 'GET', path: '/v1/tags?name=eq.left' },
  ]));
  assert.deepEqual([r.results[0].status, r.results[0].body.code, r.results[0].body.errors[0].pointer], [409, 'unique', '/operations/0/body/1/name']);
  assert.deepEqual(r.results[1].body.data, []);
});

play('references that lead nowhere', shop, async (s) => {
  const user = { method: 'POST', path: '/v1/users', body: { name: 'Ada', email: 'ada@x.org' }, name: 'u' };
  const post = (ref) => ({ method: 'POST', path: '/v1/posts', body: { user_id: { $ref: ref }, title: 't' } });
  for (const ref of ['u.idd', 'v.id', '1.id', '7.id', '', 'u.name.x', 'u.0']) {
    const p = problem(await batch(s, [user, post(ref)]), 422, 'reference');
    assert.deepEqual(p.errors.map((e) => [e.pointer, e.code]), [['/operations/1/body/user_id', 'reference']], ref);
  }
  let p = problem(await batch(s, [user, post({ a: 1 })]), 422, 'reference');
  p = problem(await batch(s, [user, { method: 'GET', path: '/v1/users/{$ref:u.city}' }]), 422, 'reference'); // null
  assert.equal(p.errors[0].pointer, '/operations/1/path');
  p = problem(await batch(s, [user, { method: 'GET', path: '/v1/users/{$ref:u.id' }]), 422, 'reference');
  problem(await batch(s, [post('u.id'), user]), 422, 'reference'); // not an earlier one
  problem(await batch(s, [user, { method: 'POST', path: '/v1/posts', body: { user_id: { $ref: 'u' }, title: 't' } }]), 422, 'invalid');
  assert.deepEqual(await s.list('/v1/users?email=eq.ada@x.org'), []);
});

play('values of any kind are referred to; $literal is not', shop, async (s) => {
  const r = ok(await batch(s, [
    { method: 'POST', path: '/v1/products', name: 'a', body: { name: 'A/b c', price: 12345678.9, category_id: 1, attributes: { colors: ['red', { deep: 1.50 }], $ref: 'x', two: 2 } } },
    { method: 'POST', path: '/v1/products', body: { name: { $ref: 'a.name' }, price: { $ref: 'a.price' }, category_id: { $ref: 'a.category_id' }, attributes: { copy: { $ref: 'a.attributes.colors.1' }, whole: { $ref: 'a.attributes' } } } },
    { method: 'POST', path: '/v1/products', body: { name: 'L', price: 1, category_id: 1, attributes: { schema: { $literal: { $ref: 'u.id' } } } } },
    { method: 'GET', path: '/v1/products?name=eq.{$ref:a.name}&fields=name' },
    { method: 'POST', path: '/v1/tags', body: [{ name: 't1' }, { name: 't2' }], name: 'tags' },
    { method: 'PATCH', path: '/v1/tags/{$ref:tags.data.1.id}', body: { name: 't3' } },
  ]));
  assert.match(JSON.stringify(r.results[1].body), /"price":12345678.9/);
  assert.deepEqual(r.results[1].body.attributes, { copy: { deep: 1.5 }, whole: { colors: ['red', { deep: 1.5 }], $ref: 'x', two: 2 } });
  assert.deepEqual(r.results[2].body.attributes, { schema: { $ref: 'u.id' } });
  assert.equal(r.results[3].body.data.length, 2);
  assert.equal(r.results[5].body.name, 't3');
});

play('a text key with a slash travels through a path', { migrations: 'CREATE TABLE files (name TEXT PRIMARY KEY, size INTEGER);' }, async (s) => {
  const r = ok(await batch(s, [
    { method: 'POST', path: '/v1/files', body: { name: 'a/b ü?.txt', size: 1 }, name: 'f' },
    { method: 'PATCH', path: '/v1/files/{$ref:f.name}', body: { size: { $inc: 4 } } },
  ]));
  assert.deepEqual(r.results[1].body, { name: 'a/b ü?.txt', size: 5 });
});

// Guide 10: INSERT, SAVEPOINT, UPDATE, ROLLBACK TO: only the UPDATE is undone.
play('savepoints: an operation or a group that may fail', shop, async (s) => {
  const r = ok(await batch(s, [
    { method: 'POST', path: '/v1/tags', body: { name: 'Starting' } },
    { on_error: 'continue', name: 'sp1', operations: [
      { method: 'PATCH', path: '/v1/accounts/A', body: { balance: 100 } },
      { method: 'PATCH', path: '/v1/accounts/B', body: { balance: -1 } },
    ] },
    { on_error: 'continue', operations: [{ method: 'POST', path: '/v1/tags', body: { name: 'in group' }, name: 'g' }] },
    { method: 'GET', path: '/v1/tags/{$ref:g.id}' },
    { method: 'DELETE', path: '/v1/tags/9999', on_error: 'continue', name: 'gone' },
  ]));
  assert.deepEqual(r.results.map((x) => x.status), [201, 422, 200, 200, 404]);
  assert.equal(r.results[1].body.pointer, '/operations/1/operations/1');
  assert.equal(r.results[1].body.operation, 1);
  assert.equal(r.results[1].body.errors[0].pointer, '/operations/1/operations/1/body/balance');
  assert.equal(r.results[2].results[0].status, 201);
  assert.equal(ok(await s.get('/v1/accounts/A')).balance, 500);
  assert.equal((await s.list('/v1/tags?name=eq.Starting')).length, 1);
  // what was undone is not there to refer to, and a failure outside of a savepoint undoes all
  problem(await batch(s, [
    { method: 'POST', path: '/v1/tags', body: { name: 'a' } },
    { on_error: 'continue', operations: [{ method: 'POST', path: '/v1/tags', body: { name: 'b' }, name: 'b' }, { method: 'GET', path: '/v1/tags/9999' }] },
    { method: 'GET', path: '/v1/tags/{$ref:b.id}' },
  ]), 422, 'reference');
  assert.deepEqual(await s.list('/v1/tags?name=in.(a,b)'), []);
});

play('a batch reads what it wrote, others do not before its end', shop, async (s) => {
  const r = ok(await batch(s, [
    { method: 'GET', path: '/v1/users/1?include=posts(limit:1)' },
    { method: 'PATCH', path: '/v1/users/1', body: { name: 'Changed' } },
    { method: 'GET', path: '/v1/users/1' },
    { method: 'GET', path: '/v1/users?limit=2&count=exact' },
    { method: 'GET', path: '/v1/users?cursor=&limit=2' },
    { method: 'PUT', path: '/v1/tags/1', body: { name: 'put' } },
    { method: 'GET', path: '/v1/posts/1/author' },
  ]));
  assert.equal(r.results[0].body.posts.length, 1);
  assert.equal(r.results[2].body.name, 'Changed');
  assert.equal(r.results[3].body.total, 20);
  assert.ok(r.results[4].body.next_cursor);
  assert.match(r.results[3].headers.Link, /rel="next"/);
  assert.equal(r.results[5].body.name, 'put');
  assert.equal(r.results[6].body.name, 'Changed');
});

play('what a batch reads has the tag of a GET, good for a change', shop, async (s) => {
  const list = '/v1/users?limit=2&sort=id';
  const r = ok(await batch(s, [{ method: 'GET', path: '/v1/users/1' }, { method: 'GET', path: list }, { method: 'GET', path: '/v1/users/1' }]));
  const tags = r.results.map((x) => x.headers.ETag);
  assert.deepEqual(tags, [(await s.get('/v1/users/1')).header('etag'), (await s.get(list)).header('etag'), tags[0]]);
  const change = { method: 'PATCH', path: '/v1/users/1', body: { age: 77 }, headers: { 'If-Match': tags[0] } };
  ok(await batch(s, [change]));
  problem(await batch(s, [change]), 412);
});

play('options: isolation and read_only', shop, async (s) => {
  const read = [{ method: 'GET', path: '/v1/users/1' }];
  for (const [asked, got] of [['serializable', 'serializable'], ['repeatable read', 'repeatable_read'], ['READ COMMITTED', 'read_committed'], ['read_uncommitted', 'read_committed']]) {
    const r = ok(await batch(s, read, { isolation: asked, read_only: true }));
    assert.equal(r.isolation, s.engine === 'sqlite' ? 'serializable' : got);
  }
  const wrong = async (more, field, code) => {
    const e = problem(await batch(s, read, more), 422).errors[0];
    assert.deepEqual([e.field, e.code, e.pointer], [field, code, `/${field}`]);
  };
  await wrong({ isolation: 'chaos' }, 'isolation', 'enum');
  await wrong({ isolation: 5 }, 'isolation', 'type');
  await wrong({ read_only: 'yes' }, 'read_only', 'type');
  await wrong({ isolaton: 'serializable' }, 'isolaton', 'unknown_field');
  let deep = read[0];
  for (let i = 0; i < 6; i++) deep = { operations: [deep] };
  assert.equal(problem(await batch(s, [deep]), 422).errors[0].code, 'length');
  const p = problem(await batch(s, [...read, { method: 'DELETE', path: '/v1/users/1' }], { read_only: true }), 422);
  assert.deepEqual(p.errors.map((e) => [e.pointer, e.code]), [['/operations/1/method', 'read_only']]);
});

play('what is no batch', { ...shop, args: ['--set', 'rest.batch_operations=3', '--set', 'database.isolation_allowed=read_committed'] }, async (s) => {
  const get = { method: 'GET', path: '/v1/users/1' };
  const wrong = async (operation, pointer, code) => {
    const p = problem(await batch(s, [get, operation]), 422);
    assert.deepEqual([p.errors[0].pointer, p.errors[0].code], [pointer, code], JSON.stringify(operation));
  };
  await wrong({ path: '/v1/users' }, '/operations/1/method', 'required');
  await wrong({ method: 'HEAD', path: '/v1/users' }, '/operations/1/method', 'enum');
  await wrong({ method: 'get', path: '/v1/users' }, '/operations/1/method', 'enum');
  await wrong({ method: 'GET' }, '/operations/1/path', 'required');
  await wrong({ method: 'GET', path: 'v1/users' }, '/operations/1/path', 'format');
  await wrong({ method: 'GET', path: 7 }, '/operations/1/path', 'type');
  await wrong({ ...get, body: {} }, '/operations/1/body', 'unknown_field');
  await wrong({ method: 'POST', path: '/v1/tags' }, '/operations/1/body', 'required');
  await wrong({ ...get, name: '1a' }, '/operations/1/name', 'format');
  await wrong({ ...get, methd: 'x' }, '/operations/1/methd', 'unknown_field');
  await wrong({ ...get, on_error: 'ignore' }, '/operations/1/on_error', 'enum');
  await wrong({ ...get, headers: [] }, '/operations/1/headers', 'type');
  await wrong({ ...get, headers: { a: 1 } }, '/operations/1/headers', 'type');
  await wrong({ operations: [] }, '/operations/1/operations', 'type');
  await wrong({ operations: [get], path: '/v1/users' }, '/operations/1/path', 'unknown_field');
  await wrong(5, '/operations/1', 'type');
  const two = problem(await batch(s, [{ ...get, name: 'a' }, { ...get, name: 'a' }]), 422);
  assert.equal(two.errors[0].code, 'unique');
  problem(await batch(s, [get, get, get, get]), 413, 'too_big');
  problem(await batch(s, [get, { operations: [get, get] }]), 413, 'too_big');
  ok(await batch(s, [get, get, get]));
  for (const body of [[], '[]', 5, { operations: 5 }, { operations: [] }, {}]) problem(await s.post('/v1/batch', body), 422);
  problem(await s.post('/v1/batch', '{"operations":'), 400, 'malformed_json');
  problem(await s.post('/v1/batch', 'x', { 'Content-Type': 'text/plain' }), 415);
  problem(await s.get('/v1/batch'), 405);
  problem(await batch(s, [{ method: 'POST', path: '/v1/batch', body: { operations: [get] } }]), 422, 'not_in_batch');
  problem(await batch(s, [{ method: 'GET', path: '/livez' }]), 422, 'not_in_batch');
  problem(await batch(s, [{ method: 'GET', path: '/v1/%ff' }]), 400, 'bad_request');
  problem(await batch(s, [{ method: 'GET', path: '/v1/../metrics' }]), 400, 'bad_request');
  const denied = problem(await batch(s, [get], { isolation: 'serializable' }), 422, 'invalid');
  assert.equal(denied.errors[0].code, 'not_allowed');
});

play('batches can be turned off', { ...shop, args: ['--set', 'rest.batch_operations=0'] }, async (s) => {
  problem(await batch(s, []), 404, 'not_found');
});

play('a long list is part of the answer, and an answer that does not fit undoes the batch', { ...shop, users: 600, args: ['--set', 'http.request_memory=1M'] }, async (s) => {
  const r = ok(await batch(s, [{ method: 'GET', path: '/v1/users?limit=600&fields=id,name' }]));
  assert.equal(r.results[0].body.data.length, 600);
  const list = { method: 'GET', path: '/v1/users?limit=600' };
  const p = await batch(s, [{ method: 'POST', path: '/v1/tags', body: { name: 'too much' } }, ...Array(60).fill(list)]);
  assert.equal(p.status, 413, p.text);
  assert.deepEqual(await s.list('/v1/tags?name=eq.too%20much'), []);
  ok(await s.get('/v1/users/1'));
});

// ---- {"$inc": n} ----

const numbers = {
  migrations: `CREATE TABLE n (id SERIAL PRIMARY KEY, s SMALLINT, i INTEGER CHECK (i >= 0), b BIGINT, d NUMERIC(6, 2),
    f DOUBLE PRECISION, r REAL, big NUMERIC(30, 10), t TEXT, j JSONB, twice BIGINT GENERATED ALWAYS AS (id * 2) STORED);`,
};

play('a PATCH adds to numbers', numbers, async (s) => {
  ok(await s.post('/v1/n', { s: 1, i: 1, b: '9007199254740993', d: 0.1, f: 0.5, r: 0.25, big: 1, t: 'x', j: {} }), 201);
  const inc = (body) => s.patch('/v1/n/1', body);
  const text = (await inc('{"s":{"$inc":-2},"i":{"$inc":4},"b":{"$inc":"9007199254740993"},"d":{"$inc":0.2},"f":{"$inc":1e3},"r":{"$inc":-0.5}}')).text;
  assert.match(text, /"s":-1,"i":5,"b":18014398509481986,"d":0.30,"f":1000.5,"r":-0.25,/);
  for (let i = 0; i < 10; i++) ok(await inc({ d: { $inc: 0.1 }, t: `${i}` }));
  assert.match((await s.get('/v1/n/1')).text, /"d":1.30,/);
  assert.equal(ok(await inc({ j: { $inc: 5 } })).j.$inc, 5, 'in a JSON column it is a value');
  assert.equal(ok(await inc({ s: null })).s, null);
  assert.equal(ok(await inc({ s: { $inc: 1 } })).s, null, 'null stays null');
});

play('a sum that is out of range or breaks a rule', numbers, async (s) => {
  ok(await s.post('/v1/n', { s: 32767, i: 2147483647, b: '9223372036854775807', d: 9999.99, f: 1e308, r: 1, big: 1 }), 201);
  const inc = async (field, n, status, code) => {
    const p = problem(await s.patch('/v1/n/1', `{"${field}":{"$inc":${n}}}`), status);
    assert.deepEqual(p.errors.map((e) => [e.field, e.pointer, e.code]), [[field, `/${field}`, code]], p.detail);
  };
  await inc('s', 1, 422, 'range');
  await inc('i', 1, 422, 'range');
  await inc('b', 1, 422, 'range');
  await inc('d', 0.01, 422, 'range');
  await inc('f', 1e308, 422, 'range');
  await inc('i', -2147483648, 422, 'check'); // CHECK (i >= 0)
  await inc('d', 0.001, 422, 'range');
  await inc('s', 40000, 422, 'range');
  await inc('s', '"1"', 422, 'type');
  await inc('s', 'null', 422, 'required');
  await inc('t', 1, 422, 'type');
  await inc('twice', 1, 422, 'read_only');
  if (s.engine === 'sqlite') await inc('big', 1, 422, 'type');
  else assert.match((await s.patch('/v1/n/1', { big: { $inc: 1 } })).text, /"big":2.0000000000,/);
  problem(await s.patch('/v1/n/2', { s: { $inc: 1 } }), 404, 'not_found');
  problem(await s.post('/v1/n', { s: { $inc: 1 } }), 422);
  problem(await s.put('/v1/n/1', { s: { $inc: 1 } }), 422);
  problem(await s.patch('/v1/n/1', { s: { $inc: 1, $dec: 1 } }), 422);
  assert.match((await s.get('/v1/n/1')).text, /"s":32767,"i":2147483647,"b":9223372036854775807,"d":9999.99,/);
});
