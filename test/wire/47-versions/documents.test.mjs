// The document of each version, what `cairn api diff` says of two, and what cairn.yaml may say. SPDX: Apache-2.0
import fs from 'node:fs';
import path from 'node:path';
import { assert, ok as fine, play, problem } from '../lib.mjs';

const ok = (r, status) => { fine(r, status); return r; };
const migrations = `CREATE TABLE users (id bigserial PRIMARY KEY, full_name text NOT NULL, email text NOT NULL, phone text, age integer, active boolean NOT NULL DEFAULT true);
CREATE TABLE audits (id bigserial PRIMARY KEY, text text);`;
const V1 = `  v1:
    deprecated: 2026-01-01
    tables:
      users:
        full_name: { as: name, deprecated: { use: full_name, removed_in: v3 } }
        phone: hidden
        active: { type: integer }
        mail: { from: email }
      audits: hidden
`;
const config = `versions:\n${V1}  v2: {}\n`;

play('each version has its document', { migrations, config }, async (s, p) => {
  const one = ok(await s.get('/v1/openapi.json')).body, two = ok(await s.get('/v2/openapi.json')).body;
  assert.deepEqual(ok(await s.get('/openapi.json?version=1')).body, one);
  assert.deepEqual(ok(await s.get('/openapi.json')).body, one, 'the default');
  assert.deepEqual(ok(await s.get('/openapi.json', { 'API-Version': '2' })).body, two);
  assert.deepEqual(JSON.parse(p.do('openapi').out), one);
  assert.deepEqual(JSON.parse(p.do('openapi', '--api', 'v2').out), two);
  problem(await s.get('/openapi.json?version=7'), 400, 'unknown_version');
  ok(await s.get('/v2/openapi.yaml'));
  ok(await s.get('/v2/postman.json'));
  assert.equal(one.info.version, 'v1');
  assert.equal(two.info.version, 'v2');
  assert.ok(one.paths['/v1/users'] && !one.paths['/v2/users'] && !one.paths['/v1/audits']);
  assert.ok(two.paths['/v2/users'] && !two.paths['/v1/users'] && two.paths['/v2/audits']);
  assert.ok(one.paths['/livez'] && two.paths['/livez'], 'what has no version is in both');
  assert.equal(one.paths['/v1/users'].get.deprecated, true);
  assert.equal(two.paths['/v2/users'].get.deprecated, undefined);
  const user = one.components.schemas.User.properties;
  assert.deepEqual(Object.keys(user), ['id', 'name', 'email', 'age', 'active', 'mail', '_warnings']);
  assert.equal(user.name.deprecated, true);
  assert.deepEqual(user.active, { type: 'integer', format: 'int32', enum: [0, 1] });
  assert.deepEqual(one.components.schemas.UserCreate.required, ['name', 'email']);
  assert.deepEqual(Object.keys(two.components.schemas.User.properties), ['id', 'full_name', 'email', 'phone', 'age', 'active']);
});

play('cairn api diff: versions of the project', { serve: false, migrations, config: `versions:\n${V1}  v2: {}\n  v3: { tables: { users: { since: { value: 2026 } } } }\n` }, async (s, p) => {
  const r = p.cairn('api', 'diff', 'v1', 'v2');
  assert.equal(r.code, 1, 'fails a CI job');
  assert.match(r.all, /breaking {2}GET \/users 200 data\[\]\.name: field 'name' was removed \(renamed to 'full_name'\?\)/);
  assert.match(r.all, /breaking {2}GET \/users 200 data\[\]\.active: was integer, is boolean/);
  assert.match(r.all, /breaking {2}POST \/users body full_name: required field 'full_name' was added/);
  assert.match(r.all, /safe {6}GET \/users 200 data\[\]\.phone: field 'phone' was added/);
  assert.match(r.all, /safe {6}GET \/audits: the operation was added/);
  assert.doesNotMatch(r.all, /_warnings/);
  const added = p.cairn('api', 'diff', 'v2', 'v3');
  assert.equal(added.code, 0, "the guide's added field is safe");
  assert.match(added.all, /0 breaking, 0 warnings/);
  assert.match(added.all, /field 'since' was added/);
  assert.match(p.do('api', 'diff', 'v2', '2').out, /no changes/);
  const json = JSON.parse(p.cairn('api', 'diff', 'v1', 'v2', '--format=json').out);
  assert.equal(json.breaking, true);
  assert.ok(json.changes.some((c) => c.level === 'breaking' && c.code === 'field_renamed' && c.place === 'GET /users 200 data[].name'));
  const unknown = p.cairn('api', 'diff', 'v1', 'v22');
  assert.equal(unknown.code, 2);
  assert.match(unknown.all, /did you mean 'v2'/);
});

play('cairn api diff: directories and files', { serve: false, migrations, config: '' }, async (s, p) => {
  const other = path.join(p.dir, '..', 'next');
  fs.cpSync(p.dir, other, { recursive: true });
  fs.writeFileSync(path.join(other, 'migrations', '9999_more.sql'), '-- migrate:up\nALTER TABLE users ADD COLUMN city text;\n-- migrate:down\nALTER TABLE users DROP COLUMN city;\n');
  assert.equal(p.cairn('api', 'diff', p.dir, other).code, 0);
  const back = p.cairn('api', 'diff', other, p.dir);
  assert.equal(back.code, 1);
  assert.match(back.all, /field 'city' was removed/);
  fs.writeFileSync(path.join(p.dir, 'old.yaml'), p.do('openapi', '--yaml').out);
  fs.writeFileSync(path.join(p.dir, 'old.json'), p.do('openapi').out);
  const files = p.cairn('api', 'diff', path.join(p.dir, 'old.yaml'), path.join(p.dir, 'old.json'));
  assert.match(files.all, /no changes/);
  assert.equal(p.cairn('api', 'diff', path.join(p.dir, 'old.json'), other).code, 0);
  fs.writeFileSync(path.join(p.dir, 'none.json'), '{"a":1}');
  const none = p.cairn('api', 'diff', path.join(p.dir, 'none.json'), other);
  assert.equal(none.code, 2);
  assert.match(none.all, /no OpenAPI 3 document/);
});

// ---- the rules, one by one: [was, now, breaking?] of a body's and an answer's schema ----

const doc = (schema) => ({
  openapi: '3.1.0', info: { title: 'x', version: '1' },
  paths: { '/v1/t': { post: { requestBody: { content: { 'application/json': { schema: schema.body ?? {} } } }, parameters: schema.parameters ?? [], responses: { 200: { description: 'd', content: { 'application/json': { schema: schema.answer ?? {} } } }, ...schema.more } } } },
});
const object = (properties, more) => ({ type: 'object', properties, ...more });
const text = { type: 'string' }, whole = { type: 'integer' };
const RULES = [
  ['answer: a field is removed', { answer: object({ a: text }) }, { answer: object({}) }, true],
  ['answer: a field is added', { answer: object({}) }, { answer: object({ a: text }) }, false],
  ['answer: a field may be null', { answer: object({ a: text }) }, { answer: object({ a: { type: ['string', 'null'] } }) }, true],
  ['answer: a field is never null', { answer: object({ a: { type: ['string', 'null'] } }) }, { answer: object({ a: text }) }, false],
  ['answer: another type', { answer: object({ a: text }) }, { answer: object({ a: whole }) }, true],
  ['answer: a number becomes whole', { answer: { type: 'number' } }, { answer: whole }, false],
  ['answer: whole becomes a number', { answer: whole }, { answer: { type: 'number' } }, true],
  ['answer: no longer always there', { answer: object({ a: text }, { required: ['a'] }) }, { answer: object({ a: text }) }, true],
  ['answer: another value', { answer: { enum: ['a'] } }, { answer: { enum: ['a', 'b'] } }, false],
  ['body: an optional field is added', { body: object({}) }, { body: object({ a: text }) }, false],
  ['body: a required field is added', { body: object({}) }, { body: object({ a: text }, { required: ['a'] }) }, true],
  ['body: a field becomes required', { body: object({ a: text }) }, { body: object({ a: text }, { required: ['a'] }) }, true],
  ['body: a field becomes optional', { body: object({ a: text }, { required: ['a'] }) }, { body: object({ a: text }) }, false],
  ['body: a field is refused', { body: object({ a: text }, { additionalProperties: false }) }, { body: object({}, { additionalProperties: false }) }, true],
  ['body: null is taken', { body: text }, { body: { type: ['string', 'null'] } }, false],
  ['body: null is refused', { body: { type: ['string', 'null'] } }, { body: text }, true],
  ['body: shorter', { body: { ...text, maxLength: 9 } }, { body: { ...text, maxLength: 5 } }, true],
  ['body: longer', { body: { ...text, maxLength: 5 } }, { body: { ...text, maxLength: 9 } }, false],
  ['body: a value is gone', { body: { enum: ['a', 'b'] } }, { body: { enum: ['a'] } }, true],
  ['body: a value more', { body: { enum: ['a'] } }, { body: { enum: ['a', 'b'] } }, false],
  ['a parameter is gone', { parameters: [{ name: 'q', in: 'query', schema: text }] }, {}, true],
  ['an optional parameter more', {}, { parameters: [{ name: 'q', in: 'query', schema: text }] }, false],
  ['a required parameter more', {}, { parameters: [{ name: 'q', in: 'query', required: true, schema: text }] }, true],
  ['an error more', {}, { more: { 409: { description: 'c' } } }, false],
];

play('the rules of what breaks', { serve: false, migrations, config: '' }, async (s, p) => {
  const [a, b] = ['a.json', 'b.json'].map((f) => path.join(p.dir, f));
  for (const [name, was, now, breaks] of RULES) {
    fs.writeFileSync(a, JSON.stringify(doc(was)));
    fs.writeFileSync(b, JSON.stringify(doc(now)));
    const r = p.cairn('api', 'diff', a, b);
    assert.equal(r.code, breaks ? 1 : 0, `${name}: ${r.all}`);
    assert.doesNotMatch(r.all, /no changes/, name);
  }
  fs.writeFileSync(a, JSON.stringify(doc({ answer: { enum: ['a'] } })));
  fs.writeFileSync(b, JSON.stringify(doc({ answer: { enum: ['a', 'b'] } })));
  assert.equal(p.cairn('api', 'diff', a, b, '--strict').code, 1, 'a warning');
});

// ---- faults of the settings ----

const FAULTS = [
  ['versions: { v1: { deprecatd: 2026-01-01 } }', /cairn\.yaml:1:19: versions\.v1: unknown key `deprecatd` \(did you mean `deprecated`\?\)/],
  ['versions: { v1: { deprecated: soon } }', /cairn\.yaml:1:31: .*expected a day such as/],
  ['versions: { v1: { deprecated: 2027-01-01, sunset: 2026-01-01 } }', /sunset comes before/],
  ['versions: { "v 1": {} }', /cairn\.yaml:1:13: .*a name such as v1/],
  ['api: { default_version: v3 }\nversions: { v1: {}, v2: {} }', /cairn\.yaml:1:25: api\.default_version: there is no version 'v3' \(did you mean `v1`\?\)/],
  ['versions: { v1: { tables: { user: {} } } }', /cairn\.yaml:1:29: there is no table 'user'; did you mean 'users'\?/],
  ['versions: { v1: { tables: { users: { full_nam: hidden } } } }', /cairn\.yaml:1:38: 'users' has no column 'full_nam'; did you mean 'full_name'\?/],
  ['versions: { v1: { tables: { users: { age: { typ: string } } } } }', /did you mean `type`/],
  ['versions: { v1: { tables: { users: { age: { type: text } } } } }', /expected string, integer, number, boolean or unix/],
  ['versions: { v1: { tables: { users: { email: { type: integer } } } } }', /cairn\.yaml:1:38: 'email' is of the type text, which cannot be shown as integer/],
  ['versions: { v1: { tables: { users: { full_name: { as: email } } } } }', /two fields of the name 'email'/],
  ['versions: { v1: { tables: { users: { full_name: { as: "a.b" } } } } }', /'a\.b' cannot be the name of a field/],
  ['versions: { v1: { tables: { users: { id: hidden } } } }', /the row's id, which cannot be hidden/],
  ['versions: { v1: { tables: { users: { email: hidden } } } }', /cairn\.yaml:1:38: 'email' is hidden, and a new row needs it; give it a `default:`/],
  ['versions: { v1: { tables: { users: { age: { default: old } } } } }', /default: 'age' must be a whole number/],
  ['versions: { v1: { tables: { users: { x: { from: emial } } } } }', /'users' has no column 'emial'; did you mean 'email'\?/],
  ['versions: { v1: { tables: { users: { x: { from: email, value: 1 } } } } }', /one of `from`, `join` and `value`/],
  ['versions: { v1: { tables: { users: { x: { join: [email, age] } } } } }', /only texts are joined and split/],
  ['versions: { v1: { tables: { users: { x: { from: email, part: half } } } } }', /expected first or rest/],
  ['versions: { v1: { tables: { users: { email: { value: 1 } } } } }', /'users' has a column 'email' already/],
  ['versions: [v1]', /expected names of versions/],
];

play('faults tell their place, at the check and at the start', { serve: false, migrations, config: '' }, async (s, p) => {
  for (const [yaml, words] of FAULTS) {
    p.config(`${yaml}\n`);
    const r = p.cairn('check');
    assert.equal(r.code, 1, yaml);
    assert.match(r.all, words, yaml);
  }
  assert.equal(p.cairn('serve').code, 1);
  p.config(config);
  assert.equal(p.cairn('check').code, 0);
});

play('a reload takes other versions', { migrations, config: 'versions: { v1: {} }\n' }, async (s, p) => {
  problem(await s.get('/v2/users'), 400, 'unknown_version');
  p.config(config);
  const mark = s.log.length;
  s.signal('SIGHUP');
  await s.waitLog((line) => line.msg === 'reloaded');
  assert.ok(mark >= 0);
  ok(await s.get('/v2/users'));
  assert.equal((await s.get('/v1/users')).header('deprecation'), '@1767225600');
});
