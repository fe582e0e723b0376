// PATCH inside JSON: merge patches (RFC 7396), JSON Patch (RFC 6902), and many at once.
import { play, assert, ok, problem } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `CREATE TABLE products (id SERIAL PRIMARY KEY, name VARCHAR(20) NOT NULL, price NUMERIC(10,2), stock INTEGER CHECK (stock >= 0), attributes JSONB, twice NUMERIC GENERATED ALWAYS AS (price * 2) STORED);
INSERT INTO products (name, price, stock, attributes) VALUES ('Lamp', 10, 5, '{"color":"red","size":{"w":1,"h":2},"tags":["a","b"]}'), ('Desk', 20, 1, NULL);`;
const base = { on, migrations };
const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const OPS = { 'Content-Type': 'application/json-patch+json' };

play('a merge patch reaches into a JSON column; plain JSON replaces it', base, async (s) => {
  const merged = ok(await s.patch('/v1/products/1', { name: 'Lamp 2', attributes: { size: { w: 9 }, tags: null, x: { y: 1 } } }, MERGE));
  assert.deepEqual(merged.attributes, { color: 'red', size: { w: 9, h: 2 }, x: { y: 1 } });
  assert.equal(merged.name, 'Lamp 2');
  assert.equal(merged.stock, 5);
  assert.deepEqual(ok(await s.patch('/v1/products/2', { attributes: { a: { b: null, c: 1 } } }, MERGE)).attributes, { a: { c: 1 } });
  assert.deepEqual(ok(await s.patch('/v1/products/1', { attributes: { a: 1 } })).attributes, { a: 1 });
  assert.equal(ok(await s.patch('/v1/products/1', { attributes: null }, MERGE)).attributes, null);
  problem(await s.patch('/v1/products/1', { stock: -1, attributes: { a: 1 } }, MERGE), 422, undefined, ['stock']);
  assert.equal(ok(await s.get('/v1/products/1')).attributes, null, 'all or nothing');
  problem(await s.patch('/v1/products/77', { attributes: { a: 1 } }, MERGE), 404, 'not_found');
});

play('JSON Patch: all six operations, into the row and into its JSON', base, async (s) => {
  const r = ok(await s.patch('/v1/products/1', [
    { op: 'test', path: '/attributes/color', value: 'red' },
    { op: 'add', path: '/attributes/tags/-', value: 'c' },
    { op: 'add', path: '/attributes/tags/0', value: 'first' },
    { op: 'replace', path: '/price', value: 12.5 },
    { op: 'remove', path: '/attributes/size/h' },
    { op: 'move', from: '/attributes/color', path: '/attributes/shade' },
    { op: 'copy', from: '/name', path: '/attributes/label' },
    { op: 'test', path: '/price', value: 12.50 },
  ], OPS));
  assert.deepEqual(r.attributes, { size: { w: 1 }, tags: ['first', 'a', 'b', 'c'], shade: 'red', label: 'Lamp' });
  assert.equal(r.price, 12.5);
  assert.deepEqual(ok(await s.get('/v1/products/1')), r);
  assert.equal(ok(await s.patch('/v1/products/1', [{ op: 'remove', path: '/stock' }], OPS)).stock, null);
  assert.deepEqual(ok(await s.patch('/v1/products/1', [], OPS)).attributes, r.attributes);
});

play('JSON Patch refuses, and then nothing is changed', base, async (s) => {
  const before = ok(await s.get('/v1/products/1'));
  const add = { op: 'add', path: '/attributes/new', value: 1 };
  const fails = [
    [[add, { op: 'test', path: '/name', value: 'x' }], 409, 'patch_test'],
    [[add, { op: 'remove', path: '/attributes/none' }], 409, 'patch_path'],
    [[add, { op: 'replace', path: '/attributes/none/x', value: 1 }], 409, 'patch_path'],
    [[add, { op: 'add', path: '/attributes/tags/9', value: 1 }], 409, 'patch_path'],
    [[add, { op: 'frob', path: '/name' }], 422, 'bad_patch'],
    [[add, { op: 'add', path: '/name' }], 422, 'bad_patch'],
    [[add, { op: 'add', path: 'name', value: 1 }], 422, 'bad_patch'],
    [[add, { op: 'replace', path: '/attributes/tags/01', value: 1 }], 422, 'bad_patch'],
    [[add, { op: 'move', from: '/attributes', path: '/attributes/a' }], 422, 'bad_patch'],
    [{ op: 'add' }, 400, 'bad_patch'],
    [[5], 400, 'bad_patch'],
    [[add, { op: 'replace', path: '/id', value: 9 }], 422, 'invalid'],
    [[add, { op: 'replace', path: '/twice', value: 9 }], 422, 'invalid'],
    [[add, { op: 'add', path: '/nick', value: 9 }], 422, 'invalid'],
    [[add, { op: 'remove', path: '/name' }], 422, 'invalid'],
    [[add, { op: 'replace', path: '/stock', value: -5 }], 422, 'invalid'],
    [[add, { op: 'replace', path: '', value: 5 }], 422, 'invalid'],
  ];
  for (const [ops, status, code] of fails) problem(await s.patch('/v1/products/1', ops, OPS), status, code);
  problem(await s.patch('/v1/products/1', '[{', OPS), 400, 'malformed_json');
  problem(await s.patch('/v1/products/9', [add], OPS), 404, 'not_found');
  assert.deepEqual(ok(await s.get('/v1/products/1')), before);
});

play('what a resource takes is told by OPTIONS, GET and 415', base, async (s) => {
  const fields = 'application/json, application/x-www-form-urlencoded, multipart/form-data, application/xml, text/xml';
  const types = `application/merge-patch+json, application/json-patch+json, ${fields}`;
  const options = await s.fetch('/v1/products/1', { method: 'OPTIONS' });
  assert.deepEqual([options.status, options.header('accept-patch')], [204, types]);
  const list = await s.fetch('/v1/products', { method: 'OPTIONS' });
  assert.deepEqual([list.header('accept-patch'), list.header('accept-post')], [null, fields]);
  assert.equal((await s.get('/v1/products/1')).header('accept-patch'), types);
  const refused = await s.patch('/v1/products/1', 'a: 1', { 'Content-Type': 'application/yaml' });
  assert.deepEqual([refused.status, refused.header('accept-patch')], [415, types]);
});

play('patches of different places at the same time all stay', { ...base, timeout: 120000 }, async (s) => {
  ok(await s.patch('/v1/products/2', { attributes: {} }));
  const one = (i) => (i % 2 ? s.patch('/v1/products/2', { attributes: { [`k${i}`]: i } }, MERGE)
    : s.patch('/v1/products/2', [{ op: 'add', path: `/attributes/k${i}`, value: i }], OPS));
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => one(i)));
  for (const r of answers) ok(r);
  const last = ok(await s.get('/v1/products/2')).attributes;
  assert.deepEqual(Object.keys(last).length, 40, JSON.stringify(last));
});

play('a batch patches inside JSON too', base, async (s) => {
  const r = ok(await s.post('/v1/batch', { operations: [
    { method: 'PATCH', path: '/v1/products/1', body: [{ op: 'add', path: '/attributes/color', value: 'blue' }] },
    { method: 'PATCH', path: '/v1/products/2', body: { price: 1 } }] }));
  assert.ok(JSON.stringify(r).includes('"blue"'), JSON.stringify(r));
  assert.equal(ok(await s.get('/v1/products/1')).attributes.color, 'blue');
});
