// POST: one row and many, what is refused and how it is told.
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 5 };

play('201 with Location and the row', shop, async (s) => {
  const r = await s.post('/v1/users', { name: 'Ada', email: 'ada@example.com', age: 36, city: 'London' });
  const row = ok(r, 201);
  assert.equal(row.id, 6);
  assert.match(row.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  assert.ok(Math.abs(Date.parse(row.created_at) - Date.now()) < 60000);
  assert.equal(r.header('location'), '/v1/users/6');
  assert.deepEqual(ok(await s.get(r.header('location'))), row);
});

play('missing fields that may be missing take their defaults', shop, async (s) => {
  const user = ok(await s.post('/v1/users', { name: 'A', email: 'a@b.c' }), 201);
  assert.equal(user.age, null);
  const order = ok(await s.post('/v1/orders', { user_id: 1 }), 201);
  assert.equal(order.status, 'pending');
  assert.equal(order.total, 0);
});

play('an array creates all in one transaction', shop, async (s) => {
  const rows = ok(await s.post('/v1/users', [{ name: 'A', email: 'a@x.y' }, { name: 'B', email: 'b@x.y', age: 3 }]), 201);
  const list = Array.isArray(rows) ? rows : rows.data;
  assert.deepEqual(list.map((u) => [u.id, u.name, u.age]), [[6, 'A', null], [7, 'B', 3]]);
});

play('an array with a bad row creates none', shop, async (s) => {
  const taken = await s.post('/v1/users', [{ name: 'A', email: 'a@x.y' }, { name: 'B', email: 'john@example.com' }]);
  const p = problem(taken, 409, 'unique');
  assert.match(JSON.stringify(p.errors), /\/1\/email/);
  const invalid = await s.post('/v1/users', [{ name: 'A', email: 'a@x.y' }, { name: 5 }, { email: 'c@x.y' }]);
  const e = problem(invalid, 422).errors.map((x) => [x.pointer, x.code]);
  assert.deepEqual(e.sort(), [['/1/email', 'required'], ['/1/name', 'type'], ['/2/name', 'required']]);
  const parent = await s.post('/v1/posts', [{ user_id: 1, title: 'x' }, { user_id: 99, title: 'y' }]);
  problem(parent, 422, 'parent');
  assert.equal(ok(await s.get('/v1/users')).total, 5);
  assert.equal(ok(await s.get('/v1/posts')).total, 5);
});

play('an empty array, and more rows than allowed', { ...shop, args: ['--set', 'rest.max_bulk=3'] }, async (s) => {
  const none = await s.post('/v1/tags', []);
  assert.ok([201, 422, 400].includes(none.status), none.text);
  const many = await s.post('/v1/tags', [1, 2, 3, 4].map((i) => ({ name: `t${i}` })));
  assert.ok([413, 422, 400].includes(many.status), many.text);
  ok(await s.post('/v1/tags', [1, 2, 3].map((i) => ({ name: `t${i}` }))), 201);
});

play('422 lists every faulty field at once', shop, async (s) => {
  const r = await s.post('/v1/users', { name: 'x'.repeat(101), age: -1, city: 7, nick: 'z' });
  const p = problem(r, 422, undefined, ['name', 'email', 'age', 'city', 'nick']);
  const code = Object.fromEntries(p.errors.map((e) => [e.field, e.code]));
  assert.deepEqual(code, { name: 'length', email: 'required', age: 'range', city: 'type', nick: 'unknown_field' });
  for (const e of p.errors) assert.equal(e.pointer, `/${e.field}`);
  assert.equal(ok(await s.get('/v1/users')).total, 5);
});

play('an unknown field is told with the nearest name', shop, async (s) => {
  const p = problem(await s.post('/v1/users', { name: 'A', emial: 'a@b.c' }), 422);
  assert.match(JSON.stringify(p.errors.find((e) => e.field === 'emial')), /email/);
});

play('null where it may not be, and numbers that are none', shop, async (s) => {
  const p = problem(await s.post('/v1/products', { name: null, price: 'cheap', stock: 1.5, category_id: 99999999999, attributes: 1 }), 422);
  const code = Object.fromEntries(p.errors.map((e) => [e.field, e.code]));
  assert.equal(code.name, 'required');
  assert.equal(code.price, 'type');
  assert.equal(code.stock, 'type');
  assert.equal(code.category_id, 'range');
  assert.equal(code.attributes, undefined);
});

play('checks become 422: ranges, lists of words, between columns', shop, async (s) => {
  for (const rating of [0, 6]) problem(await s.post('/v1/reviews', { product_id: 1, user_id: 4, rating }), 422, undefined, ['rating']);
  const word = problem(await s.post('/v1/orders', { user_id: 1, status: 'lost' }), 422, undefined, ['status']);
  assert.equal(word.errors[0].code, 'enum');
  assert.match(JSON.stringify(word.errors), /pending/);
  problem(await s.post('/v1/transactions', { from_account: 'A', to_account: 'A', amount: 1 }), 422, 'check');
  problem(await s.post('/v1/transactions', { from_account: 'A', to_account: 'B', amount: 0 }), 422, undefined, ['amount']);
  problem(await s.post('/v1/products', { name: 'p', price: 1.999, category_id: 1 }), 422, undefined, ['price']);
  problem(await s.post('/v1/products', { name: 'p', price: 100000000, category_id: 1 }), 422, undefined, ['price']);
});

play('a value that is taken is 409 and names the field', shop, async (s) => {
  const p = problem(await s.post('/v1/users', { name: 'John', email: 'john@example.com' }), 409, 'unique', ['email']);
  assert.match(p.error, /email/i);
  assert.doesNotMatch(JSON.stringify(p), /users\.email|idx_|_key/);
  problem(await s.post('/v1/reviews', { product_id: 1, user_id: 2, rating: 5 }), 409, 'unique', ['product_id', 'user_id']);
});

play('a parent that is not there is 422 and names the field', shop, async (s) => {
  problem(await s.post('/v1/posts', { user_id: 999, title: 'x' }), 422, 'parent', ['user_id']);
  problem(await s.post('/v1/comments', { user_id: 1, post_id: 999, text: 'x' }), 422, 'parent', ['post_id']);
});

play('malformed JSON is 400 with its place', shop, async (s) => {
  for (const [text, place] of [['{"name": }', /line 1, column 10|1:10/i], ['{"name": "a",\n "email"}', /line 2|2:/i], ['{"a":1', null], ['', null], ['{"a":01}', null],
    ['{"a":NaN}', null], ['[1,]', null], ['{"a":1}{', null], ["{'a':1}", null], ['"\ud800"'.replace('\ud800', '\\ud800'), null], ['{"a":"\t"}', null]]) {
    const p = problem(await s.post('/v1/users', text), 400);
    if (place) assert.match(p.detail, place);
  }
});

play('a member twice, a body that is no object, bad UTF-8', shop, async (s) => {
  problem(await s.post('/v1/users', '{"name":"a","name":"b","email":"x@y.z"}'), 400);
  for (const text of ['5', '"x"', 'null', 'true', '[1]', '[[]]']) assert.ok([400, 422].includes((await s.post('/v1/users', text)).status), text);
  const r = await s.fetch('/v1/users', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: Buffer.from('7b226e616d65223a22ff227d', 'hex') });
  problem(r, 400);
});

play('a body nested without end is refused, not followed', shop, async (s) => {
  const deep = 20000;
  const r = await s.post('/v1/products', `{"name":"x","price":1,"category_id":1,"attributes":${'['.repeat(deep)}${']'.repeat(deep)}}`);
  assert.ok([400, 413, 422].includes(r.status), r.text);
  ok(await s.get('/livez'));
});

play('text that looks like SQL is text', shop, async (s) => {
  const name = "Robert'); DROP TABLE users;--";
  const row = ok(await s.post('/v1/users', { name, email: `x'"\\@y.z` }), 201);
  assert.equal(row.name, name);
  assert.deepEqual((await s.list(`/v1/users?name=eq.${encodeURIComponent(`"${name}"`)}`)).map((u) => u.id), [row.id]);
  for (const bad of ["1' OR '1'='1", '1;DROP TABLE users', '1 OR 1=1', '1--']) assert.equal((await s.get(`/v1/users/${encodeURIComponent(bad)}`)).status, 404);
});

play('100 requests at once for one address: one 201, the rest 409', shop, async (s) => {
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) => s.post('/v1/users', { name: `n${i}`, email: 'one@example.com' })));
  const count = (status) => all.filter((r) => r.status === status).length;
  assert.equal(count(201), 1);
  assert.equal(count(409), 99);
});
