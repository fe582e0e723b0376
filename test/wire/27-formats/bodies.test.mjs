// Bodies that are forms or XML: typed by the catalog, refused by field, and read back as they were answered. SPDX: Apache-2.0
import assert from 'node:assert/strict';
import { ok, play, problem } from '../lib.mjs';

const migrations = `CREATE TABLE things (id SERIAL PRIMARY KEY, name TEXT NOT NULL, age INTEGER CHECK (age >= 0), big BIGINT, price NUMERIC(10,2), live BOOLEAN NOT NULL DEFAULT TRUE,
  born DATE, seen TIMESTAMPTZ, code UUID, kind TEXT NOT NULL DEFAULT 'a' CHECK (kind IN ('a', 'b')), data BYTEA, extra JSONB, tags TEXT[], sizes INTEGER[], note TEXT, rank INTEGER DEFAULT 7);`;
const on = ['sqlite', 'postgres'];
const what = { config: 'name: t\ncollections: {notes: {}}\n', migrations, on };
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const XML = { 'Content-Type': 'application/xml' };
const SOME = { name: 'Zoë & <co>', age: 18, big: '9007199254740993', price: '19.90', live: 'on', born: '2020-02-29', seen: '2026-01-31T23:59:59Z', code: '6f9619ff-8b86-d011-b42d-00cf4fc964ff', kind: 'b', data: 'AQID', extra: '{"a":[1,true,null]}', note: ' as it is ' };

const form = (s, fields, method = 'POST', path = '/v1/things') => s.fetch(path, { method, headers: FORM, body: typeof fields === 'string' ? fields : String(new URLSearchParams(fields)) });
const xml = (s, text, method = 'POST', path = '/v1/things') => s.fetch(path, { method, headers: XML, body: text });

play('a form is taken by the columns that its fields name', what, async (s) => {
  const made = ok(await form(s, [...Object.entries(SOME), ['tags[]', 'a,b'], ['tags[]', '5'], ['sizes', '1'], ['sizes', '2']]), 201);
  assert.deepEqual(made, { id: 1, name: 'Zoë & <co>', age: 18, big: made.big, price: 19.9, live: true, born: '2020-02-29', seen: '2026-01-31T23:59:59Z', code: SOME.code, kind: 'b', data: 'AQID',
    extra: { a: [1, true, null] }, tags: ['a,b', '5'], sizes: made.sizes, note: ' as it is ', rank: 7 });
  assert.deepEqual(made.sizes.map(Number), [1, 2]);
  assert.match((await s.get('/v1/things/1')).text, /"big":9007199254740993,"price":19.90,/);
  const nested = ok(await form(s, 'name=n&extra[city]=Oslo&extra[at][0][x]=1&extra[at][1][x]=2&extra[deep][a]=b'), 201);
  assert.deepEqual(nested.extra, { city: 'Oslo', at: [{ x: '1' }, { x: '2' }], deep: { a: 'b' } });
  assert.deepEqual(ok(await form(s, 'name=plain&extra=red'), 201).extra, 'red');
});

play('an empty field is the empty text, else as good as not sent; in a PATCH it is null', what, async (s) => {
  const made = ok(await form(s, 'name=&age=&live=&note=&kind=&rank=&born='), 201);
  assert.deepEqual([made.name, made.age, made.live, made.note, made.kind, made.rank, made.born], ['', null, true, '', 'a', 7, null]);
  ok(await form(s, 'age=+5+&rank=9&born=2020-01-01', 'PATCH', '/v1/things/1'));
  const cleared = ok(await form(s, 'age=&rank=', 'PATCH', '/v1/things/1'));
  assert.deepEqual([cleared.age, cleared.rank, cleared.born], [null, null, '2020-01-01']);
  problem(await form(s, 'live=', 'PATCH', '/v1/things/1'), 422, 'invalid', ['live']);
  const replaced = ok(await form(s, 'name=x&live=0', 'PUT', '/v1/things/1'));
  assert.deepEqual([replaced.name, replaced.live, replaced.born, replaced.rank], ['x', false, null, 7]);
});

play('faults of a form name their fields', what, async (s) => {
  const p = problem(await form(s, 'age=old&price=1.234&live=maybe&born=2021-02-29&kind=c&nam=x'), 422);
  assert.deepEqual(p.errors.map((e) => [e.pointer, e.code]), [['/age', 'type'], ['/price', 'range'], ['/live', 'type'], ['/born', 'format'], ['/kind', 'enum'], ['/nam', 'unknown_field'], ['/name', 'required']]);
  assert.equal(problem(await form(s, 'name=x&extra={"a"'), 422).errors[0].field, 'extra');
  for (const body of ['name=%zz', 'name=%ff', 'a=1&a[b]=2', 'a[]=1&a[b]=2', '=x', 'a[=1', 'a[][b]=1', 'a[b]c=1', `a${'[a]'.repeat(9)}=1`]) problem(await form(s, body), 400, 'malformed_form');
  assert.equal(problem(await form(s, 'name=x&tags[=1'), 400).errors[0].field, 'tags[');
  problem(await form(s, Array.from({ length: 1001 }, (_, i) => `f${i}=1`).join('&')), 413);
  problem(await form(s, ''), 422, 'invalid', ['name']);
  assert.equal(ok(await s.get('/v1/things')).data.length, 0);
});

play('XML is the reverse of what XML answers are', what, async (s) => {
  const first = ok(await s.post('/v1/things', { ...SOME, live: true, price: 19.9, extra: { n: 1, t: '1', yes: true, no: null, none: [], empty: {}, list: [{ item: 1 }, 'x', [[]]], item: 5, 'a b': '', member: { name: 'x' } }, tags: ['a', '<b>', ''], sizes: [1, 2], note: null }), 201);
  const text = (await s.get('/v1/things/1', { Accept: 'application/xml' })).text;
  assert.match(text, /<age>18<\/age>.*<n type="number">1<\/n><t>1<\/t>.*<note nil="true"\/>/s);
  assert.deepEqual(ok(await xml(s, text, 'PUT', '/v1/things/1')), first);
  assert.equal((await s.get('/v1/things/1', { Accept: 'application/xml' })).text, text);
  assert.deepEqual({ ...ok(await xml(s, text.replace('<id>1</id>', '')), 201), id: 1 }, first);
  const list = (await s.get('/v1/things', { Accept: 'text/xml' })).text.replace(/<id>(\d)<\/id>/g, '<id>1$1</id>');
  assert.deepEqual(ok(await xml(s, list), 201).data, [{ ...first, id: 11 }, { ...first, id: 12 }]);
  assert.equal(ok(await xml(s, '<list><item><name>a</name></item><item><name>b</name></item></list>'), 201).data.length, 2);
  const one = ok(await xml(s, '<?xml version="1.0" encoding="UTF-8"?><!-- by hand --><thing xmlns="urn:x">\n <name><![CDATA[a <b>]]> &amp; c</name>\n <age> 7 </age><tags>a</tags><tags>b</tags><live/></thing>'), 201);
  assert.deepEqual([one.name, one.age, one.tags, one.live], ['a <b> & c', 7, ['a', 'b'], true]);
  assert.deepEqual(ok(await xml(s, '<row><rank nil="true"/><note/></row>', 'PATCH', '/v1/things/1')).rank, null);
});

play('documents go through XML with their types', what, async (s) => {
  const doc = { title: 'x', n: 5, big: 1.5, yes: false, no: null, list: [1, 'a', { b: [] }], '5': 'odd' };
  const made = ok(await s.post('/v1/notes', doc), 201);
  const text = (await s.get(`/v1/notes/${made.id}`, { Accept: 'application/xml' })).text;
  assert.match(text, /<n type="number">5<\/n>/);
  const again = ok(await xml(s, text, 'PUT', `/v1/notes/${made.id}`));
  for (const k of Object.keys(doc)) assert.deepEqual(again[k], doc[k], k);
});

play('XML that is not read', what, async (s) => {
  const bomb = `<!DOCTYPE r [<!ENTITY a "${'x'.repeat(1000)}">${Array.from({ length: 20 }, (_, i) => `<!ENTITY a${i} "${`&a${i ? i - 1 : ''};`.repeat(10)}">`).join('')}]><r><name>&a19;</name></r>`;
  const before = Date.now();
  for (const [text, hint] of [[bomb, /DOCTYPE/], ['<!DOCTYPE r SYSTEM "file:///etc/passwd"><r><name>x</name></r>', /DOCTYPE/], ['<r><name>&who;</name></r>', /who/], ['<r><name>x</r>', /line 1/],
    ['<r>a<name>x</name></r>', /text between/], ['<r><name>x</name>b</r>', /text between/], ['<r><name id="5">x</name></r>', /attribute/], ['<r><age type="number">x</age></r>', /type says/],
    ['<r><age type="int">5</age></r>', /string, number/], ['<r><age nil="true">5</age></r>', /nil/], ['<r/><r/>', /line 1/], ['{"name":"x"}', /line 1/], ['<r>\xff', /line 1|UTF-8/]]) {
    assert.match(problem(await xml(s, text), 400, 'malformed_xml').detail, hint, text.slice(0, 80));
  }
  assert.ok(Date.now() - before < 5000);
  problem(await xml(s, ''), 400);
  problem(await xml(s, '<?xml version="1.0" encoding="ISO-8859-1"?><r><name>x</name></r>'), 415, 'media_type');
  problem(await xml(s, `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`), 413);
  problem(await xml(s, `<r>${'<a/>'.repeat(240000)}</r>`), 413);
  problem(await xml(s, `<r>${'<a/>'.repeat(40000)}</r>`), 422);
  problem(await xml(s, 'x'.repeat(1 << 21)), 413);
  assert.deepEqual(problem(await xml(s, '<r><age>-1</age></r>'), 422).errors.map((e) => e.pointer), ['/age', '/name']);
  problem(await xml(s, '<r>text</r>'), 422);
  assert.equal(ok(await s.get('/v1/things')).data.length, 0);
});

const accounts = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL, age INTEGER, password_hash TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'viewer');`;
const auth = 'auth:\n  table: users\n  roles: role\n  hash_memory: 64K\n  hash_passes: 1\n';

play('sign-in takes forms and XML', { migrations: accounts, config: auth, on }, async (s) => {
  const made = ok(await form(s, { email: 'a@example.com', name: 'A', age: '36', password: 'correct horse battery' }, 'POST', '/v1/auth/register'), 201);
  assert.deepEqual([made.user.age, made.user.email], [36, 'a@example.com']);
  assert.equal(ok(await form(s, { email: 'b@example.com', name: 'B', age: '', password: 'correct horse battery' }, 'POST', '/v1/auth/register'), 201).user.age, null);
  problem(await form(s, { email: 'c@example.com', name: 'C', age: 'old', password: 'correct horse battery' }, 'POST', '/v1/auth/register'), 422, 'invalid', ['age']);
  ok(await form(s, { email: 'a@example.com', password: 'correct horse battery' }, 'POST', '/v1/auth/login'));
  const t = ok(await xml(s, '<login><email>a@example.com</email><password>correct horse battery</password></login>', 'POST', '/v1/auth/login'));
  problem(await s.post('/v1/auth/login', 'email=a', { 'Content-Type': 'text/plain' }), 415, 'media_type');
  assert.equal((await s.fetch('/v1/auth/logout', { method: 'POST', headers: { ...FORM, Authorization: `Bearer ${t.access_token}` }, body: 'all=true' })).status, 204);
  problem(await s.get('/v1/auth/me', { Authorization: `Bearer ${made.access_token}` }), 401);
});

play('named queries take forms and XML, a batch does not', { migrations, config: 'name: t\n', on, serve: false }, async (s, project) => {
  project.write('queries/sum.sql', '-- name: add\n-- method: POST\n-- roles: public\n-- param: a integer\n-- param: list integer[] = 1\n-- param: b integer = 5\nSELECT CAST(:a AS integer) + CAST(:b AS integer) AS sum, 1 = ANY(:list) AS found;\n');
  await s.start();
  const path = '/v1/q/add';
  assert.deepEqual(ok(await form(s, 'a=2&b=&list=3,1', 'POST', path)).data, [{ sum: 7, found: true }]);
  assert.deepEqual(ok(await form(s, 'a=2&b=1&list=3&list=2', 'POST', path)).data, [{ sum: 3, found: false }]);
  assert.deepEqual(ok(await xml(s, '<q><a>2</a><list><item>1</item></list></q>', 'POST', path)).data, [{ sum: 7, found: true }]);
  problem(await form(s, 'a=two&c=1', 'POST', path), 422, 'invalid', ['a', 'c']);
  problem(await form(s, 'a=', 'POST', path), 422, 'invalid', ['a']);
  const no = await s.post(path, 'a=2', { 'Content-Type': 'text/plain' });
  assert.equal(problem(no, 415).offers.length, 4);
  for (const h of [FORM, XML]) problem(await s.fetch('/v1/batch', { method: 'POST', headers: h, body: 'operations=' }), 415, 'media_type');
});
