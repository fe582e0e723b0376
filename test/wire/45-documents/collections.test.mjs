// collections: a resource without columns, made and kept by Cairn.
import { play, assert, ok, problem } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const config = `collections:
  events: {}
  people:
    indexes: [address.city, age]
    unique: [email, card.number]
    max_size: 1K
`;
const base = { on, config };
const ada = { name: 'Ada', email: 'ada@example.com', age: 36, address: { city: 'London', zip: '0150' }, tags: ['a', 'b'], ok: true };
const people = [
  { id: 'p1', ...ada },
  { id: 'p2', name: 'Bob', email: 'bob@example.com', age: '36', address: { city: 'Oslo', zip: 150 }, tags: ['b'] },
  { id: 'p3', name: 'Cid', age: 5.5, address: { city: null } },
  { id: 'p4', name: 'Dee', age: 100, doc: 'a member of this name' },
];
const MERGE = { 'Content-Type': 'application/merge-patch+json' };
const OPS = { 'Content-Type': 'application/json-patch+json' };

play('POST, GET, PUT, PATCH, DELETE', base, async (s) => {
  const made = await s.post('/v1/events', { kind: 'click', at: { x: 1, y: [1, { z: null }] } });
  const { id, created_at, updated_at, ...rest } = ok(made, 201);
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/, 'a uuid of version 7');
  assert.equal(made.header('location'), `/v1/events/${id}`);
  assert.deepEqual(rest, { kind: 'click', at: { x: 1, y: [1, { z: null }] } });
  assert.match(created_at, /^\d{4}-\d\d-\d\dT/);
  assert.equal(updated_at, created_at);
  assert.deepEqual(ok(await s.get(`/v1/events/${id}`)), made.body);

  const put = ok(await s.put(`/v1/events/${id}`, { ...made.body, kind: 'key' }));
  assert.equal(put.kind, 'key');
  assert.equal(put.created_at, created_at, 'what was read can be sent back');
  assert.ok(put.updated_at > updated_at);
  assert.deepEqual(Object.keys(ok(await s.put(`/v1/events/${id}`, { a: 1 }))).sort(), ['a', 'created_at', 'id', 'updated_at']);
  assert.equal(ok(await s.put('/v1/events/of%2Fmine', { a: 2 }), 201).id, 'of/mine');

  assert.deepEqual(ok(await s.patch(`/v1/events/${id}`, { a: null, b: { c: 1, d: null } })).b, { c: 1 });
  const patched = ok(await s.patch(`/v1/events/${id}`, { b: { e: 2 } }, MERGE));
  assert.deepEqual([patched.a, patched.b], [undefined, { c: 1, e: 2 }]);
  const ops = ok(await s.patch(`/v1/events/${id}`, [{ op: 'test', path: '/b/c', value: 1 }, { op: 'add', path: '/list', value: [] }, { op: 'add', path: '/list/-', value: 'x' }], OPS));
  assert.deepEqual(ops.list, ['x']);
  assert.deepEqual((await s.ids('/v1/events')).sort(), [id, 'of/mine'].sort());
  assert.equal((await s.delete(`/v1/events/${id}`)).status, 204);
  problem(await s.get(`/v1/events/${id}`), 404, 'not_found');
  problem(await s.patch(`/v1/events/${id}`, { a: 1 }), 404, 'not_found');
});

play('ids and times are the server\'s, the rest is free', base, async (s) => {
  assert.equal(ok(await s.post('/v1/events', { id: 'mine' }), 201).id, 'mine');
  problem(await s.post('/v1/events', { id: 'mine' }), 409, 'unique', ['id']);
  for (const id of [5, '', 'x'.repeat(256), null]) problem(await s.post('/v1/events', { id }), 422, 'invalid', ['id']);
  problem(await s.post('/v1/events', { created_at: '2026-01-01T00:00:00Z' }), 422, 'invalid', ['created_at']);
  problem(await s.put('/v1/events/mine', { id: 'other' }), 422, 'invalid', ['id']);
  problem(await s.patch('/v1/events/mine', { id: 'other' }), 422, 'invalid', ['id']);
  problem(await s.patch('/v1/events/mine', [{ op: 'remove', path: '/created_at' }], OPS), 422, 'invalid', ['created_at']);
  for (const body of [5, 'x', null]) problem(await s.post('/v1/events', JSON.stringify(body)), 422, 'invalid');
  assert.equal(ok(await s.post('/v1/events', [{ n: 1 }, { n: 2 }]), 201).data.length, 2);
  assert.deepEqual(Object.keys(ok(await s.post('/v1/events', {}), 201)), ['id', 'created_at', 'updated_at']);
  const odd = { 'a.b': 1, 'a b': 2, 'ü"\\': 3, '': 4, __proto: 5, doc: 6, big: 12345678901234567 };
  assert.deepEqual({ ...ok(await s.post('/v1/events', odd), 201), id: 0, created_at: 0, updated_at: 0 }, { ...odd, id: 0, created_at: 0, updated_at: 0 });
});

async function all(s, table) {
  const wrong = [];
  for (const [query, want] of table) {
    const got = (await s.list(`/v1/people?${query}`)).map((r) => r.id.slice(1)).join('');
    if (got !== want) wrong.push(`${query}: ${got}, not ${want}`);
  }
  assert.equal(wrong.join('\n'), '');
}

play('filters, sort and fields by any path, with dots or arrows', base, async (s) => {
  ok(await s.post('/v1/people', people), 201);
  await all(s, [
    ['address.city=eq.Oslo', '2'],
    ['address->city=eq.Oslo', '2'],
    ['address->>city=eq.Oslo', '2'],
    ['filter[address.city]=eq.Oslo', '2'],
    ['age=eq.36', '12'],
    ['age=eq."36"', '2'],
    ['age=neq.36', '34'],
    ['age=gte.36', '14'],
    ['age=lt.36', '3'],
    ['age=in.(36,100)', '124'],
    ['address.zip=eq.150', '2'],
    ['address.zip=eq.0150', '1'],
    ['ok=eq.true', '1'],
    ['ok=is.null', '234'],
    ['address.city=is.null', '34'],
    ['address.city=is.not_null', '12'],
    ['name=like.A*', '1'],
    ['name=ilike.*B*', '2'],
    ['tags.0=eq.b', '2'],
    ['tags=cs.b', '12'],
    ['tags=cs.["a","b"]', '1'],
    ['doc=like.a*', '4'],
    ['or=(address.city.eq.Oslo,age.gt.50)', '24'],
    ['or=(address->city.eq.Oslo,address->>zip.eq.0150)', '12'],
    ['and=(age.gte.5,not.or(age.eq.100,name.eq.Ada))', '3'],
    ['id=in.(p1,p4)', '14'],
    ['created_at=gt.2020-01-01&sort=-id', '4321'],
    ['sort=age', '3142'],
    ['sort=-address.city,id', '3421'],
    ['sort=name&limit=2&page=2', '34'],
  ]);
  const shown = await s.list('/v1/people?fields=id,name,address.city,address.zip,tags.0&limit=1');
  assert.deepEqual(shown, [{ id: 'p1', name: 'Ada', address: { city: 'London', zip: '0150' }, tags: { 0: 'a' } }]);
  assert.deepEqual(ok(await s.get('/v1/people/p1?fields=town:address.city,name')), { town: 'London', name: 'Ada' });
  assert.deepEqual(await s.list('/v1/people?fields=address.city,address&limit=1'), [{ address: ada.address }]);
  const got = [];
  let cursor = '';
  do {
    const page = ok(await s.get(`/v1/people?sort=-age&limit=1&cursor=${cursor}`));
    got.push(...page.data.map((r) => r.id));
    assert.ok('name' in page.data[0] && !('doc' in page.data[0] && page.data[0].id !== 'p4'), 'whole documents, and no more');
    cursor = page.next_cursor;
  } while (cursor);
  assert.deepEqual(got, ['p2', 'p4', 'p1', 'p3']);
  problem(await s.get('/v1/people?age=36'), 400, 'bad_filter');
  problem(await s.get('/v1/people?address..city=eq.1'), 400, 'bad_filter');
});

play('unique, max_size', base, async (s) => {
  ok(await s.post('/v1/people', { ...ada, card: { number: 7 } }), 201);
  const taken = problem(await s.post('/v1/people', ada), 409, 'unique', ['email']);
  assert.equal(taken.errors[0].pointer, '/email');
  const deep = problem(await s.post('/v1/people', { card: { number: 7 } }), 409, 'unique', ['card.number']);
  assert.equal(deep.errors[0].pointer, '/card/number');
  ok(await s.post('/v1/people', [{ name: 'no email' }, { name: 'none either' }]), 201);
  const { id } = ok(await s.post('/v1/people', { name: 'x' }), 201);
  problem(await s.patch(`/v1/people/${id}`, { email: ada.email }), 409, 'unique', ['email']);
  problem(await s.put(`/v1/people/${id}`, { email: ada.email }), 409, 'unique', ['email']);
  problem(await s.put('/v1/people/new', { email: ada.email }), 409, 'unique', ['email']);
  problem(await s.post('/v1/people', { text: 'x'.repeat(1100) }), 413, 'too_big');
  problem(await s.patch(`/v1/people/${id}`, { text: 'x'.repeat(1100) }), 413, 'too_big');
});

play('patches at the same time all stay', { ...base, timeout: 120000 }, async (s) => {
  ok(await s.put('/v1/events/e', { n: {} }), 201);
  for (const r of await Promise.all(Array.from({ length: 30 }, (_, i) => s.patch('/v1/events/e', { n: { [`k${i}`]: i } })))) ok(r);
  assert.equal(Object.keys(ok(await s.get('/v1/events/e')).n).length, 30);
  const puts = await Promise.all(Array.from({ length: 10 }, (_, i) => s.put('/v1/events/new', { i })));
  assert.deepEqual(puts.map((r) => r.status).sort(), [200, 200, 200, 200, 200, 200, 200, 200, 200, 201]);
});

play('what is taken out of the settings keeps its rows; indexes follow the settings', { ...base, timeout: 120000 }, async (s, p) => {
  ok(await s.post('/v1/events', { id: 'kept' }), 201);
  ok(await s.post('/v1/people', people.concat({ id: 'p5', email: 'x', sku: 1 }, { id: 'p6', sku: 1 })), 201);
  await s.stop();
  p.config('collections:\n  people: { indexes: [name] }\n');
  await s.start();
  problem(await s.get('/v1/events'), 404, 'not_found');
  ok(await s.post('/v1/people', { email: 'ada@example.com' }), 201);
  await s.stop();
  assert.doesNotMatch(p.do('explain', 'GET /v1/people?age=eq.5&count=none').out, /cairn_people_[tn]/);
  p.config('collections:\n  people: { unique: [sku] }\n');
  const refused = p.cairn('serve', '--listen', '127.0.0.1:0');
  assert.notEqual(refused.code, 0);
  assert.match(refused.all, /cairn\.yaml:2:3: collections\.people: cannot make an index over 'sku'; documents there have the same value/);
  p.config('collections:\n  people: {}\n');
  await s.start();
  p.config(config.replace(', card.number', '').replace('email', 'nick'));
  s.signal('SIGHUP');
  await s.waitLog((l) => l.msg === 'reloaded');
  assert.deepEqual(await s.ids('/v1/events'), ['kept']);
  assert.equal(ok(await s.get('/v1/people')).total, 7);
});

play('an index over a place serves the filter', { ...base, timeout: 120000 }, async (s, p) => {
  for (let i = 0; i < 3; i++) ok(await s.post('/v1/people', Array.from({ length: 1000 }, (_, n) => ({ address: { city: `c${i}-${n}` }, age: i * 1000 + n }))), 201);
  await s.stop();
  if (s.engine === 'postgres') p.psql('ANALYZE people');
  for (const query of ['address.city=eq.c1-5', 'age=eq.77', 'age=gt.2990&sort=-created_at', 'email=eq.x']) {
    assert.match(p.do('explain', `GET /v1/people?${query}&count=none`).out, /cairn_people_[tnu]/, query);
  }
  await s.start();
});

const bad = (name, text, pattern) => play(`refused at start: ${name}`, { on, config: text, migrations: 'CREATE TABLE users (id SERIAL PRIMARY KEY, doc JSONB);', serve: false }, async (s, p) => {
  for (const r of [p.cairn('serve', '--listen', '127.0.0.1:0'), p.cairn('check')]) {
    assert.notEqual(r.code, 0, r.all);
    assert.match(r.all, pattern);
  }
});
bad('a name that a table has', 'collections:\n  users: {}\n', /cairn\.yaml:2:3: collections\.users: there is a table of this name already/);
bad('a bad name', 'collections:\n  Big-Events: {}\n', /cairn\.yaml:2:3: collections\.Big-Events: a collection's name/);
bad('an unknown key', 'collections:\n  events: { index: [a] }\n', /cairn\.yaml:2:13: collections\.events\.index: unknown key \(did you mean `indexes`\?\)/);
bad('a bad size', 'collections:\n  events: { max_size: big }\n', /collections\.events\.max_size: expected a size/);
bad('a bad path', 'collections:\n  events: { unique: [a..b] }\n', /collections\.events\.unique: expected a path into the document/);
