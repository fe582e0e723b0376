// What a version makes of fields: other names, other types, none, more; read, filtered, written. SPDX: Apache-2.0
import { assert, ok as fine, play, problem } from '../lib.mjs';

const ok = (r, status) => { fine(r, status); return r; };

const migrations = `CREATE TABLE users (
  id bigserial PRIMARY KEY, full_name text NOT NULL, email text NOT NULL UNIQUE, phone text,
  age integer CHECK (age >= 0), active boolean NOT NULL DEFAULT true, country text NOT NULL,
  born timestamptz, code text, level integer NOT NULL DEFAULT 0, price numeric(8,2));
CREATE TABLE posts (id bigserial PRIMARY KEY, title text NOT NULL,
  user_id bigint NOT NULL REFERENCES users(id) ON DELETE CASCADE, views integer NOT NULL DEFAULT 0);
CREATE TABLE audits (id bigserial PRIMARY KEY, text text);`;
const config = `versions:
  v1:
    tables:
      users:
        full_name: { as: name, deprecated: { use: full_name, removed_in: v3 } }
        phone: hidden
        country: { hidden: true, default: NO }
        age: { type: string }
        active: { type: integer }
        born: { type: unix }
        code: { type: number }
        level: { as: vip, type: boolean }
        price: { type: string }
        kind: { value: person }
        answer: { value: 42 }
        sure: { value: true }
        ratio: { value: 0.5 }
        mail: { from: email }
        posts: { as: articles }
      posts:
        user_id: { as: writer_id }
        user: { as: writer }
      audits: hidden
  v2: {}
`;
const both = { migrations, config, on: ['sqlite', 'postgres'] };
const FULL = { full_name: 'John Doe', email: 'john@example.com', phone: '1', age: 25, active: true, country: 'SE', born: '1970-01-02T00:00:00Z', code: '7', level: 3, price: 9.5 };
const V1 = { id: 1, name: 'John Doe', email: 'john@example.com', age: '25', active: 1, born: 86400, code: 7, vip: true, price: '9.50', kind: 'person', answer: 42, sure: true, ratio: 0.5, mail: 'john@example.com' };
const WARNED = { deprecated_fields: ['name'], message: "Field 'name' is deprecated. Use 'full_name' instead. This field will be removed in v3." };

play("the guide's v1 and v2", { migrations: 'CREATE TABLE users (id bigserial PRIMARY KEY, full_name text NOT NULL, email text NOT NULL);', config: `versions:
  v1: { tables: { users: { full_name: { as: name, deprecated: { use: full_name, removed_in: v3 } } } } }
  v2: {}
`, on: ['sqlite', 'postgres'] }, async (s) => {
  const made = ok(await s.post('/v1/users', { name: 'John Doe', email: 'john@example.com' }), 201);
  assert.deepEqual(made.body, { id: 1, name: 'John Doe', email: 'john@example.com', _warnings: WARNED });
  assert.deepEqual(ok(await s.get('/v1/users/1?fields=name,email')).body, { name: 'John Doe', email: 'john@example.com', _warnings: WARNED });
  assert.deepEqual(ok(await s.get('/v2/users/1?fields=full_name,email')).body, { full_name: 'John Doe', email: 'john@example.com' });
  assert.equal(ok(await s.get('/v1/users/1?fields=email')).body._warnings, undefined, 'only of what is shown');
  assert.deepEqual(ok(await s.get('/v1/users')).body._warnings, WARNED, 'of a list once');
});

play('one row, two versions', both, async (s) => {
  ok(await s.post('/v2/users', FULL), 201);
  assert.deepEqual(ok(await s.get('/v1/users/1')).body, { ...V1, _warnings: WARNED });
  assert.deepEqual(ok(await s.get('/v2/users/1')).body, { id: 1, ...FULL });
  assert.deepEqual(ok(await s.get('/v1/users')).body.data, [V1]);
  problem(await s.get('/v1/audits'), 404);
  ok(await s.get('/v2/audits'));
});

play('filters, sorting and fields speak the version, too', both, async (s) => {
  ok(await s.post('/v2/users', [FULL, { ...FULL, full_name: 'Ann', email: 'ann@x', age: 7, active: false, born: null, level: 0 }]), 201);
  const ids = (q) => s.ids(`/v1/users?${q}`);
  assert.deepEqual(await ids('name=eq.Ann'), [2]);
  assert.deepEqual(await ids('age=gt.10'), [1], 'compared as stored');
  assert.deepEqual(await ids('active=eq.0'), [2]);
  assert.deepEqual(await ids('vip=eq.false'), [2]);
  assert.deepEqual(await ids('born=lt.90000'), [1]);
  assert.deepEqual(await ids('mail=eq.ann@x'), [2]);
  assert.deepEqual(await ids('kind=eq.person&sort=name'), [2, 1]);
  assert.deepEqual(await ids('answer=eq.41'), []);
  assert.deepEqual(await ids('or=(name.eq.Ann,mail.like.john*)&sort=-mail'), [1, 2]);
  assert.deepEqual(ok(await s.get('/v1/users?fields=name,kind,vip&sort=age')).body.data, [{ name: 'Ann', kind: 'person', vip: false }, { name: 'John Doe', kind: 'person', vip: true }]);
  for (const [q, code] of [['full_name=eq.Ann', 'unknown_parameter'], ['phone=is.null', 'unknown_parameter'], ['sort=country', 'bad_sort'], ['fields=phone', 'bad_fields'], ['active=eq.yes', 'bad_value']]) problem(await s.get(`/v1/users?${q}`), 400, code);
  assert.match((await s.get('/v1/users?fields=nam')).body.detail, /did you mean 'name'/i);
  problem(await s.get('/v2/users?name=eq.Ann'), 400, 'unknown_parameter');
});

play('groups and numbers', both, async (s) => {
  ok(await s.post('/v2/users', [FULL, { ...FULL, email: 'b', active: false, age: 5 }, { ...FULL, email: 'c', full_name: 'Z' }]), 201);
  const groups = ok(await s.get('/v1/users?fields=name,count(),age.sum()&sort=name')).body;
  assert.deepEqual(groups.data, [{ name: 'John Doe', count: 2, age_sum: 30 }, { name: 'Z', count: 1, age_sum: 25 }]);
  assert.deepEqual(groups._warnings, WARNED);
  assert.deepEqual(ok(await s.get('/v1/users?fields=active,age.max(),count()&sort=active')).body.data, [{ active: 0, age_max: '5', count: 1 }, { active: 1, age_max: '25', count: 2 }]);
  problem(await s.get('/v1/users?fields=country,count()'), 400, 'bad_fields');
});

play('related rows', both, async (s) => {
  ok(await s.post('/v2/users', FULL), 201);
  ok(await s.post('/v1/posts', { title: 't', writer_id: 1 }), 201);
  const post = ok(await s.get('/v1/posts/1?include=writer(fields:id,name)')).body;
  assert.deepEqual(post, { id: 1, title: 't', writer_id: 1, views: 0, writer: { id: 1, name: 'John Doe' }, _warnings: { ...WARNED, deprecated_fields: ['writer.name'] } });
  assert.deepEqual(ok(await s.get('/v1/users?fields=id&include=articles')).body.data, [{ id: 1, articles: [{ id: 1, title: 't', writer_id: 1, views: 0 }] }]);
  assert.deepEqual(await s.ids('/v1/posts?writer.name=eq.John Doe'), [1]);
  assert.deepEqual(ok(await s.get('/v1/users/1/articles')).body.data.map((p) => p.writer_id), [1]);
  assert.equal(ok(await s.post('/v1/users/1/articles', { title: 'u' }), 201).body.writer_id, 1);
  assert.deepEqual(ok(await s.get('/v1/posts?fields=writer.name,count()')).body.data, [{ writer: { name: 'John Doe' }, count: 2 }]);
  problem(await s.get('/v1/posts/1?include=user'), 400, 'bad_include');
  problem(await s.get('/v1/users/1/posts'), 404);
  ok(await s.get('/v2/users/1/posts'));
});

play('bodies are taken in the version, faults name its fields', both, async (s) => {
  const made = ok(await s.post('/v1/users', { name: 'Ann', mail: 'ann@x', age: '30', active: 0, born: 60, code: 12, vip: true, price: '1.50' }), 201);
  assert.deepEqual(ok(await s.get(made.header('location').replace('v1', 'v2'))).body, { id: 1, full_name: 'Ann', email: 'ann@x', phone: null, age: 30, active: false, country: 'NO', born: '1970-01-01T00:01:00Z', code: '12', level: 1, price: 1.5 });
  const bad = await s.post('/v1/users', { full_name: 'x', name: 5, email: 'e', age: 30, active: 2, born: 'now', code: '12', vip: 1, country: 'SE', answer: 3 });
  problem(bad, 422, 'invalid');
  assert.deepEqual(Object.fromEntries(bad.body.errors.map((e) => [e.field, e.code])), { full_name: 'unknown_field', name: 'type', age: 'type', active: 'type', born: 'type', code: 'type', vip: 'type', country: 'unknown_field', answer: 'read_only' });
  const missing = await s.post('/v1/users', {});
  assert.deepEqual(missing.body.errors.map((e) => [e.field, e.code]), [['name', 'required'], ['email', 'required']]);
  assert.deepEqual((await s.post('/v1/users', { name: 'x', email: 'ann@x' })).body.errors.map((e) => [e.field, e.pointer, e.code]), [['email', '/email', 'unique']]);
  assert.deepEqual((await s.post('/v1/users', { name: 'x', email: 'y', age: '-1' })).body.errors.map((e) => [e.field, e.code]), [['age', 'range']]);
  assert.deepEqual((await s.post('/v1/posts', { title: 't', writer_id: 99 })).body.errors.map((e) => e.field), ['writer_id']);
  assert.deepEqual((await s.post('/v1/users', { name: 'x', email: 'a', mail: 'b' })).body.errors.map((e) => e.code), ['conflict']);
  ok(await s.post('/v1/users', [{ name: 'x', email: 'a', mail: 'a' }, { name: 'y', mail: 'c', age: null }]), 201);
});

play('PUT and PATCH leave hidden columns as they are', both, async (s) => {
  ok(await s.post('/v2/users', FULL), 201);
  const row = ok(await s.get('/v1/users/1')).body;
  assert.deepEqual(ok(await s.put('/v1/users/1', row)).body, row, 'what was read can be sent back, warnings and all');
  assert.deepEqual(ok(await s.get('/v2/users/1')).body, { id: 1, ...FULL, level: 1 });
  ok(await s.put('/v1/users/1', { name: 'New', email: 'n@x' }));
  assert.deepEqual(ok(await s.get('/v2/users/1')).body, { id: 1, full_name: 'New', email: 'n@x', phone: '1', age: null, active: true, country: 'SE', born: null, code: null, level: 0, price: null });
  ok(await s.patch('/v1/users/1', { name: 'P', active: 0, age: '3' }));
  ok(await s.patch('/v1/users/1', { age: { $inc: 2 } }));
  ok(await s.patch('/v1/users/1', [{ op: 'test', path: '/name', value: 'P' }, { op: 'replace', path: '/name', value: 'Q' }], { 'Content-Type': 'application/json-patch+json' }));
  const now = ok(await s.get('/v2/users/1')).body;
  assert.deepEqual([now.full_name, now.active, now.age, now.phone], ['Q', false, 5, '1']);
  problem(await s.patch('/v1/users/1', { full_name: 'x' }), 422, 'invalid');
});

play('ETags are those of the version', both, async (s) => {
  const made = ok(await s.post('/v1/users', { name: 'A', email: 'a' }), 201);
  const one = ok(await s.get('/v1/users/1')), two = ok(await s.get('/v2/users/1'));
  assert.equal(made.header('etag'), one.header('etag'));
  assert.notEqual(one.header('etag'), two.header('etag'));
  assert.equal((await s.get('/v1/users/1', { 'If-None-Match': one.header('etag') })).status, 304);
  assert.equal((await s.get('/v2/users/1', { 'If-None-Match': one.header('etag') })).status, 200);
  problem(await s.patch('/v1/users/1', { name: 'B' }, { 'If-Match': two.header('etag') }), 412);
  const changed = ok(await s.patch('/v1/users/1', { name: 'B' }, { 'If-Match': one.header('etag') }));
  ok(await s.put('/v2/users/1', { ...two.body, full_name: 'C' }, { 'If-Match': ok(await s.get('/v2/users/1')).header('etag') }));
  assert.notEqual(changed.header('etag'), one.header('etag'));
});

play('cursors go on in their version', both, async (s) => {
  ok(await s.post('/v2/users', Array.from({ length: 5 }, (_, i) => ({ ...FULL, full_name: `n${i}`, email: `${i}` }))), 201);
  const names = [];
  let target = '/v1/users?fields=name&sort=-name&limit=2&cursor=';
  for (let cursor = ''; cursor !== null;) {
    const r = ok(await s.get(target + cursor)).body;
    names.push(...r.data.map((u) => u.name));
    cursor = r.next_cursor;
  }
  assert.deepEqual(names, ['n4', 'n3', 'n2', 'n1', 'n0']);
  const made = ok(await s.get('/v1/users?fields=mail&sort=mail&limit=3&cursor=')).body;
  assert.deepEqual(ok(await s.get(`/v1/users?fields=mail&sort=mail&limit=3&cursor=${made.next_cursor}`)).body.data.map((u) => u.mail), ['3', '4']);
  problem(await s.get(`/v2/users?sort=full_name&cursor=${made.next_cursor}`), 400, 'bad_cursor');
});

play('batches: paths of any version, or of their own', both, async (s) => {
  const r = ok(await s.post('/v1/batch', { operations: [
    { name: 'u', method: 'POST', path: '/users', body: { name: 'A', email: 'a' } },
    { method: 'POST', path: '/v1/posts', body: { title: 't', writer_id: { $ref: 'u.id' } } },
    { method: 'PATCH', path: '/v2/users/1', body: { full_name: 'B' } },
    { method: 'GET', path: '/users/1' },
  ] }));
  assert.deepEqual(r.body.results.map((o) => o.status), [201, 201, 200, 200]);
  assert.equal(r.body.results[3].body.name, 'B');
  assert.equal(r.body.results[2].body.full_name, 'B');
  const failed = await s.post('/v1/batch', { operations: [{ method: 'POST', path: '/users', body: { full_name: 'A' } }] });
  problem(failed, 422);
  assert.ok(failed.body.errors.some((e) => e.pointer === '/operations/0/body/full_name'), JSON.stringify(failed.body));
});

play('other forms have the names of the version, and lines of data no warnings', both, async (s) => {
  ok(await s.post('/v2/users', FULL), 201);
  const get = async (target, type) => ok(await s.get(target, { Accept: type })).text;
  assert.equal(await get('/v1/users?fields=name,age,vip', 'text/csv'), 'name,age,vip\r\nJohn Doe,25,true\r\n');
  assert.equal(await get('/v1/users/1?fields=name', 'text/csv'), 'name\r\nJohn Doe\r\n');
  assert.equal(await get('/v1/users?fields=name,active', 'application/x-ndjson'), '{"name":"John Doe","active":1}\n');
  const xml = await get('/v1/users/1?fields=name', 'application/xml');
  assert.match(xml, /<name>John Doe<\/name>/);
  assert.match(xml, /deprecated_fields/);
});

play('a name that is joined and split', {
  migrations: `CREATE TABLE people (id bigserial PRIMARY KEY, first_name text NOT NULL, last_name text);
CREATE TABLE firms (id bigserial PRIMARY KEY, full_name text NOT NULL);`,
  config: `versions:
  v1:
    tables:
      people: { first_name: hidden, last_name: hidden, full_name: { join: [first_name, last_name] } }
      firms:
        full_name: hidden
        first: { from: full_name, part: first }
        last: { from: full_name, part: rest }
  v2:
    tables:
      people: { full_name: { join: [first_name, last_name] } }
`,
  on: ['sqlite', 'postgres'],
}, async (s) => {
  assert.deepEqual(ok(await s.post('/v1/people', { full_name: 'Mary Ann Smith' }), 201).body, { id: 1, full_name: 'Mary Ann Smith' });
  assert.deepEqual(ok(await s.post('/v1/people', { full_name: 'Cher' }), 201).body, { id: 2, full_name: 'Cher' });
  assert.deepEqual(ok(await s.get('/v2/people')).body.data, [{ id: 1, first_name: 'Mary', last_name: 'Ann Smith', full_name: 'Mary Ann Smith' }, { id: 2, first_name: 'Cher', last_name: null, full_name: 'Cher' }]);
  assert.deepEqual(await s.ids('/v1/people?full_name=like.Mary*&sort=full_name'), [1]);
  assert.deepEqual((await s.post('/v1/people', {})).body.errors.map((e) => [e.field, e.code]), [['full_name', 'required']]);
  ok(await s.patch('/v1/people/2', { full_name: 'Cher Bono' }));
  const read = ok(await s.get('/v2/people/2')).body;
  assert.equal(read.last_name, 'Bono');
  ok(await s.put('/v2/people/2', read));
  assert.deepEqual((await s.put('/v2/people/2', { ...read, full_name: 'X Y' })).body.errors.map((e) => e.code), ['conflict', 'conflict']);
  assert.deepEqual(ok(await s.post('/v1/firms', { first: 'Acme', last: 'Inc of Oslo' }), 201).body, { id: 1, first: 'Acme', last: 'Inc of Oslo' });
  assert.equal(ok(await s.get('/v2/firms/1')).body.full_name, 'Acme Inc of Oslo');
  assert.deepEqual(ok(await s.post('/v1/firms', { first: 'Solo' }), 201).body, { id: 2, first: 'Solo', last: null });
  assert.deepEqual((await s.patch('/v1/firms/1', { last: 'x' })).body.errors.map((e) => [e.field, e.code]), [['first', 'required']]);
  assert.deepEqual((await s.post('/v1/firms', { first: 'a b' })).body.errors.map((e) => [e.field, e.code]), [['first', 'format']]);
  ok(await s.patch('/v1/firms/1', { first: 'A', last: 'B' }));
  assert.deepEqual(await s.ids('/v1/firms?last=is.null'), [2]);
  assert.deepEqual(ok(await s.get('/v1/firms?sort=-first&fields=first')).body.data, [{ first: 'Solo' }, { first: 'A' }]);
  ok(await s.put('/v1/people/1', { full_name: 'Q R' }));
  assert.deepEqual(ok(await s.get('/v2/people/1')).body, { id: 1, first_name: 'Q', last_name: 'R', full_name: 'Q R' });
});

play('roles hold in every version, whatever fields are called', {
  migrations,
  config: `roles: { staff: {} }
access:
  users:
    - { roles: anyone, can: read, hide: [email] }
versions:
  v1: { tables: { users: { full_name: { as: name }, mail: { from: email }, phone: hidden } } }
  v2: {}
`,
  on: ['sqlite', 'postgres'],
}, async (s, p) => {
  assert.ok(p);
  problem(await s.post('/v1/users', { name: 'x' }), 401);
  problem(await s.get('/v1/users?mail=eq.x'), 400, 'unknown_parameter');
  problem(await s.get('/v1/users?fields=email'), 400, 'bad_fields');
  ok(await s.get('/v1/users?fields=name'));
  problem(await s.get('/v1/users?fields=phone'), 400, 'bad_fields');
  ok(await s.get('/v2/users?fields=phone'));
});

play('languages and forms in a version', {
  migrations: 'CREATE TABLE goods (id bigserial PRIMARY KEY, title text NOT NULL, title_es text, price integer NOT NULL, active boolean NOT NULL DEFAULT false);',
  config: `tables: { goods: { languages: { es: { title: titulo, price: precio } } } }
versions:
  v1: { tables: { goods: { title: { as: name }, price: { type: string }, active: { type: integer }, kind: { value: good } } } }
  v2: {}
`,
  on: ['sqlite', 'postgres'],
}, async (s) => {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  assert.deepEqual(ok(await s.post('/v1/goods', 'name=Bread&price=3&active=1', form), 201).body, { id: 1, name: 'Bread', title_es: null, price: '3', active: 1, kind: 'good' });
  ok(await s.patch('/v2/goods/1', { title_es: 'Pan' }));
  const es = ok(await s.get('/v1/goods/1', { 'Accept-Language': 'es' }));
  assert.deepEqual(es.body, { id: 1, titulo: 'Pan', precio: '3', active: 1, kind: 'good' });
  assert.equal(es.header('content-language'), 'es');
  assert.deepEqual(ok(await s.get('/v2/goods/1', { 'Accept-Language': 'es' })).body, { id: 1, titulo: 'Pan', precio: 3, active: true });
  assert.deepEqual((await s.post('/v1/goods', 'name=x&price=y', form)).body.errors.map((e) => e.field), ['price']);
});
