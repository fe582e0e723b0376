// The document of the API: what it holds, for whom, and how it is served. SPDX: Apache-2.0
import fs from 'node:fs';
import path from 'node:path';
import { assert, ok, play, problem } from '../lib.mjs';
import { file, missing, use } from './npm.mjs';

const on = ['sqlite', 'postgres'];
const document = async (s, headers) => ok(await s.get('/openapi.json', headers));
const operations = (d) => Object.entries(d.paths).flatMap(([where, methods]) => Object.entries(methods).map(([method, o]) => ({ where, method, ...o })));

// Every "$ref" leads somewhere, and every component is referred to.
function references(d) {
  const seen = new Set();
  const visit = (v) => {
    if (Array.isArray(v)) return v.forEach(visit);
    if (v === null || typeof v !== 'object') return undefined;
    if (typeof v.$ref === 'string') {
      seen.add(v.$ref);
      assert.ok(v.$ref.slice(2).split('/').reduce((at, key) => at?.[key], d), v.$ref);
    }
    return Object.values(v).forEach(visit);
  };
  visit(d);
  for (const section of ['schemas', 'parameters', 'responses']) {
    for (const name of Object.keys(d.components[section])) assert.ok(seen.has(`#/components/${section}/${name}`), `${section}/${name} is not used`);
  }
}

play('it is OpenAPI 3.1, and says the same as YAML', { app: 'shop', users: 10, on, skip: missing, timeout: 120000 }, async (s) => {
  const dir = file('@stoplight/spectral-rulesets/dist/oas/schemas/oas/v3.1');
  const Ajv = use('ajv/dist/2020').default;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const load = (name) => JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8').replaceAll('https://stoplight.io/json-schema/draft/2020-12', 'https://json-schema.org/draft/2020-12/schema'));
  for (const name of ['meta.schema.json', 'dialect.schema.json']) ajv.addSchema(load(name));
  const valid = ajv.compile(load('index.json'));
  const d = await document(s);
  assert.equal(d.openapi, '3.1.0');
  assert.ok(valid(d), JSON.stringify(valid.errors));
  assert.ok(!valid({ ...d, paths: { 'no-slash': {} } }), 'the schema finds faults');
  references(d);
  const yaml = await s.get('/openapi.yaml');
  assert.match(yaml.header('content-type'), /^application\/yaml/);
  assert.deepEqual(use('js-yaml').load(yaml.text, { schema: use('js-yaml').CORE_SCHEMA }), d);
});

play('every route is in it, under an id of its own', { app: 'shop', users: 10, on }, async (s) => {
  const d = await document(s);
  const all = operations(d);
  assert.equal(new Set(all.map((o) => o.operationId)).size, all.length);
  const told = all.map((o) => `${o.method.toUpperCase()} ${o.where}`).sort();
  const pages = /^\/(docs\b|openapi\b|postman\b|v1$|$)/;
  const routes = s.project.do('routes').out.trim().split('\n').map((line) => line.split(/\s+/)).filter(([, p]) => !pages.test(p))
    .map(([method, p]) => `${method} ${p.replace(/[:*](\w+)/g, '{$1}')}`).sort();
  assert.deepEqual(told, routes);
  for (const o of all) {
    assert.ok(o.summary && o.description && o.tags.every((t) => d.tags.some((x) => x.name === t)), o.operationId);
    assert.ok(Object.keys(o.responses).some((code) => /^2/.test(code)), o.operationId);
  }
  assert.deepEqual(['listUsers', 'createUser', 'getUser', 'replaceUser', 'updateUser', 'deleteUser', 'listPostsOfUser', 'getAuthorOfPost', 'queryFriendsOfFriends', 'runBatch']
    .filter((id) => !all.some((o) => o.operationId === id)), []);
});

const shapes = `CREATE TABLE things (
  id bigserial PRIMARY KEY, name varchar(40) NOT NULL CHECK (length(name) >= 2), small smallint, price numeric(10,2) NOT NULL CHECK (price >= 0),
  stars integer NOT NULL DEFAULT 3 CHECK (stars BETWEEN 1 AND 5), kind text NOT NULL CHECK (kind IN ('a', 'b')), tint text CHECK (tint IN ('red', 'blue')),
  ratio double precision, made timestamptz NOT NULL DEFAULT now(), day date, at time, key uuid, extra jsonb, raw bytea, live boolean NOT NULL DEFAULT true,
  twice integer GENERATED ALWAYS AS (stars * 2) STORED);
COMMENT ON TABLE things IS 'What there is.';
COMMENT ON COLUMN things.price IS 'In crowns.';
CREATE TABLE notes (a integer, b integer, thing_id bigint REFERENCES things(id), PRIMARY KEY (a, b));
CREATE TABLE pages (id serial PRIMARY KEY, "limit" integer, "odd name" text);
CREATE TABLE page_lists (id serial PRIMARY KEY);
CREATE TABLE page_infos (id serial PRIMARY KEY);
CREATE VIEW cheap AS SELECT id, name FROM things WHERE price < 10;`;

play('columns become types, bounds, formats and words', { migrations: shapes, on }, async (s) => {
  const { components: { schemas: all, parameters }, paths } = await document(s);
  const create = all.ThingCreate.properties;
  assert.deepEqual(all.ThingCreate.required.sort(), ['kind', 'name', 'price']);
  assert.equal(all.ThingCreate.additionalProperties, false);
  assert.deepEqual(create.name, { type: 'string', minLength: 2, maxLength: 40 });
  assert.deepEqual([create.small.type, create.small.minimum, create.small.maximum], [['integer', 'null'], -32768, 32767]);
  assert.deepEqual([create.price.type, create.price.minimum, create.price.exclusiveMaximum], ['number', 0, 1e8]);
  assert.match(create.price.description, /^In crowns\.\n\nA decimal of at most 10 digits, 2 of them/);
  assert.deepEqual(create.stars, { type: 'integer', format: 'int32', minimum: 1, maximum: 5 });
  assert.deepEqual(create.kind, { type: 'string', enum: ['a', 'b'] });
  assert.deepEqual(create.tint, { type: ['string', 'null'], enum: ['red', 'blue', null] });
  assert.deepEqual(create.made, { type: 'string', format: 'date-time' });
  assert.deepEqual(create.day, { type: ['string', 'null'], format: 'date' });
  assert.deepEqual(create.key, { type: ['string', 'null'], format: 'uuid' });
  assert.deepEqual(create.extra, {});
  assert.deepEqual(create.raw, { type: ['string', 'null'], format: 'byte', contentEncoding: 'base64' });
  assert.deepEqual(create.live, { type: 'boolean' });
  assert.equal(create.twice, undefined, 'what is computed is not taken');
  assert.equal(all.Thing.properties.twice.readOnly, true);
  assert.equal(all.Thing.description, 'What there is.');
  assert.equal(all.Thing.required.length, 16, 'a whole row has all of them');
  assert.equal(all.ThingPart.required, undefined, 'a row that was asked for, what was asked for');
  assert.deepEqual(all.ThingPatch.properties.stars.anyOf[1], { $ref: '#/components/schemas/Increment' });
  assert.equal(all.ThingPatch.required, undefined);
  assert.deepEqual(all.ThingPart.properties.notes.items, { $ref: '#/components/schemas/NotePart' });

  const query = (where, name) => paths[where].get.parameters.find((p) => p.name === name);
  assert.deepEqual(query('/v1/notes', 'sort').schema.items.enum, ['a', '-a', 'b', '-b', 'thing_id', '-thing_id']);
  assert.deepEqual(query('/v1/notes', 'include').schema.items.enum, ['thing']);
  assert.ok(query('/v1/pages', 'filter[limit]') && query('/v1/pages', '"odd name"'), 'as the query string wants such names');
  assert.equal(parameters.limit.schema.maximum, 1000);
  assert.deepEqual(paths['/v1/notes/{id}'].get.parameters[0].schema, { type: 'string', minLength: 1 });
  assert.equal(paths['/v1/things/{id}'].get.parameters[0].schema.type, 'integer');
  assert.deepEqual(Object.keys(paths['/v1/cheap']), ['get'], 'a view is read');
  assert.equal(all.Cheap, undefined);
  assert.ok(all.PageInfo.properties.next_cursor, 'tables do not take the place of what all documents have');
  const titles = Object.values(paths).flatMap((p) => Object.values(p)).flatMap((o) => o.tags);
  for (const name of ['pages', 'page_lists', 'page_infos']) assert.ok(titles.includes(name), name);
});

play('the examples fit, and what is sent as told is taken', { migrations: shapes, on, skip: missing }, async (s) => {
  const d = await document(s);
  const Ajv = use('ajv/dist/2020').default;
  const ajv = new Ajv({ strict: false });
  use('ajv-formats').default(ajv);
  ajv.addSchema(d, 'd');
  for (const [name, schema] of Object.entries(d.components.schemas)) {
    for (const example of schema.examples ?? []) assert.ok(ajv.validate(`d#/components/schemas/${name}`, example), `${name} ${JSON.stringify(example)} ${JSON.stringify(ajv.errors)}`);
  }
  const made = ok(await s.post('/v1/things', d.components.schemas.ThingCreate.examples[0]), 201);
  assert.ok(ajv.validate('d#/components/schemas/Thing', made), JSON.stringify(ajv.errors));
  assert.ok(!ajv.validate('d#/components/schemas/Thing', { ...made, stars: 'x' }), 'a wrong one does not fit');
});

play('it has an ETag, and is the same every time', { app: 'shop', users: 10 }, async (s, project) => {
  const first = await s.get('/openapi.json');
  const again = await s.get('/openapi.json', { 'If-None-Match': first.header('etag') });
  assert.equal(again.status, 304);
  assert.equal((await s.get('/openapi.json')).text, first.text);
  assert.equal(project.do('openapi').out, first.text, 'and the command prints it');
  assert.equal(project.do('openapi', '--yaml').out, (await s.get('/openapi.yaml')).text);
  assert.match(project.cairn('openapi', '--yaml', '--postman').err, /exclude each other/);
  assert.match(project.cairn('openapi', '--role', 'x').err, /there are no roles/);
});

play('Postman gets a folder for each tag and a request for each operation', { app: 'shop', users: 10 }, async (s) => {
  const d = await document(s);
  const c = ok(await s.get('/postman.json'));
  assert.match(c.info.schema, /collection\/v2\.1\.0/);
  assert.deepEqual(c.item.map((f) => f.name), d.tags.map((t) => t.name));
  assert.equal(c.item.flatMap((f) => f.item).length, operations(d).length);
  const create = c.item.find((f) => f.name === 'users').item.find((r) => r.request.method === 'POST' && r.request.url.path.join('/') === 'v1/users').request;
  assert.equal(create.url.raw, '{{baseUrl}}/v1/users');
  assert.equal(ok(await s.post('/v1/users', create.body.raw), 201).email, 'ada@example.com', 'its body works as it is');
  const get = c.item.find((f) => f.name === 'users').item.find((r) => r.request.url.path.at(-1) === ':id');
  assert.deepEqual(get.request.url.path, ['v1', 'users', ':id']);
});

const people = `CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text, password_hash text, role text NOT NULL DEFAULT 'viewer');
CREATE TABLE posts (id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users(id), title text NOT NULL, secret text);
CREATE TABLE audit (id serial PRIMARY KEY, line text NOT NULL);`;
const rules = `auth: { table: users, roles: role, hash_memory: 64K, hash_passes: 1 }
roles: { viewer: {}, editor: { includes: [viewer], can: ["posts:create", "posts:update:own"] }, admin: { includes: [editor], can: ["*"] } }
access:
  posts:
    - { roles: anyone, can: read, hide: [secret] }
    - { roles: editor, can: create, set: { user_id: me.id } }
`;
const password = 'correct horse battery';

play('everybody gets the document of what he may do', { migrations: people, config: rules, on }, async (s, project) => {
  const ids = (d) => operations(d).filter((o) => !['auth', 'operating', 'batch'].includes(o.tags[0])).map((o) => o.operationId).sort();
  const signIn = async (name, role) => {
    project.do('account', 'add', `${name}@x.io`, '--role', role, { input: `${password}\n` });
    return { Authorization: `Bearer ${ok(await s.post('/v1/auth/login', { email: `${name}@x.io`, password })).access_token}` };
  };
  const nobody = await document(s);
  assert.deepEqual(ids(nobody), ['getPost', 'listPosts']);
  assert.equal(nobody.components.schemas.PostPart.properties.secret, undefined);
  const { TotpSecret, ...schemas } = nobody.components.schemas; // of signing in: it has a member of that name
  assert.ok(TotpSecret);
  assert.doesNotMatch(JSON.stringify({ ...nobody, components: { ...nobody.components, schemas } }), /audit|secret"/);
  references(nobody);
  assert.deepEqual(nobody.paths['/v1/posts'].get.security, [{}, { bearer: [] }, { apiKey: [] }, { cookie: [] }]);
  assert.deepEqual(nobody.paths['/v1/auth/me'].get.security, [{ bearer: [] }, { cookie: [] }]);
  assert.deepEqual(nobody.paths['/v1/auth/login'].post.security, []);
  assert.deepEqual(nobody.components.schemas.OwnAccount.required, ['id', 'email', 'name', 'role']);
  assert.deepEqual(Object.keys(nobody.paths['/v1/auth/register'].post.requestBody.content['application/json'].schema.properties).sort(), ['email', 'name', 'password']);

  const emil = await document(s, await signIn('emil', 'editor'));
  assert.deepEqual(ids(emil), ['createPost', 'getPost', 'listPosts', 'replacePost', 'updatePost']);
  assert.deepEqual(emil.components.schemas.PostCreate.required, ['title'], 'user_id is set by a rule');
  assert.deepEqual(emil.paths['/v1/posts'].post.security, [{ bearer: [] }, { apiKey: [] }, { cookie: [] }]);
  references(emil);
  const anna = await document(s, await signIn('anna', 'admin'));
  assert.ok(ids(anna).includes('deletePost') && ids(anna).includes('listAudit'));
  assert.ok(anna.components.schemas.PostPart.properties.secret);
  assert.doesNotMatch(JSON.stringify(anna), /password_hash/);
  assert.deepEqual(JSON.parse(project.do('openapi', '--role', 'anyone').out), nobody);
  assert.deepEqual(JSON.parse(project.do('openapi', '--role', 'editor').out), emil);
  assert.match(project.cairn('openapi', '--role', 'viewer,editr').err, /there is no role 'editr'; did you mean 'editor'\?/);
});

play('in production it is for those who signed in', { migrations: people, config: `mode: production\n${rules}`, serve: false }, async (s, project) => {
  project.do('migrate', 'up');
  project.do('account', 'add', 'anna@x.io', '--role', 'admin', { input: `${password}\n` });
  await s.start();
  for (const name of ['/openapi.json', '/openapi.yaml', '/postman.json']) problem(await s.get(name), 401, 'sign_in_required');
  const { access_token: token } = ok(await s.post('/v1/auth/login', { email: 'anna@x.io', password }));
  ok(await s.get('/openapi.json', { Authorization: `Bearer ${token}` }));
  assert.equal(ok(await s.get('/')).resources, undefined, 'nor does the front');
  assert.equal(ok(await s.get('/v1', { Authorization: `Bearer ${token}` })).resources.users, '/v1/users');
  assert.equal((await s.get('/docs')).status, 200, 'the page itself knows nothing');
});

play('the front: a browser is led to the page, everybody else to what he may read', { migrations: 'CREATE TABLE notes (id serial PRIMARY KEY); CREATE TABLE "odd name" (id serial PRIMARY KEY); CREATE TABLE closed (id serial PRIMARY KEY);', config: 'access:\n  notes: [{ roles: anyone, can: read }]\n  odd name: [{ roles: anyone, can: read }]\n' }, async (s, p) => {
  const told = { docs: '/docs', openapi: '/openapi.json', resources: { notes: '/v1/notes', 'odd name': '/v1/odd%20name' } };
  for (const at of ['/', '/v1']) {
    const { name, ...rest } = ok(await s.get(at));
    assert.deepEqual(rest, told);
    const led = await s.fetch(at, { redirect: 'manual', headers: { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' } });
    assert.deepEqual([led.status, led.header('location')], [303, '/docs']);
    assert.match(led.header('vary'), /Accept\b/);
  }
  for (const url of Object.values(told.resources)) ok(await s.get(url));
  problem(await s.post('/', {}), 405);
  await s.restart(['--set', 'docs.serve=nobody']);
  problem(await s.get('/'), 404);
  p.config('versions:\n  v1: { tables: { notes: {} } }\n  v2: {}\n');
  await s.restart();
  assert.equal(ok(await s.get('/')).resources, undefined);
  assert.equal(ok(await s.get('/v2')).resources.notes, '/v2/notes');
});

play('docs.serve says who gets it; a route of the project goes before', { migrations: 'CREATE TABLE docs (id serial PRIMARY KEY);', config: 'rest: { prefix: "" }\n' }, async (s) => {
  assert.deepEqual(ok(await s.get('/docs')).data, []);
  ok(await s.get('/openapi.json'));
  await s.restart(['--set', 'docs.serve=nobody']);
  problem(await s.get('/openapi.json'), 404, 'not_found');
  await s.restart(['--set', 'mode=production']);
  problem(await s.get('/openapi.json'), 404, 'not_found');
  await s.restart(['--set', 'mode=production', '--set', 'docs.serve=anyone']);
  ok(await s.get('/openapi.json'));
});

play('collections are in it', { config: 'collections: { tickets: {} }\n', on }, async (s) => {
  const d = await document(s);
  references(d);
  assert.ok(d.paths['/v1/tickets/{id}'].put.responses[201]);
  assert.equal(d.components.schemas.TicketCreate.additionalProperties, undefined, 'any member');
  assert.deepEqual(Object.keys(d.components.schemas.Ticket.properties).sort(), ['created_at', 'id', 'updated_at']);
});

play('bodies of every type that is taken, and names in other languages', {
  migrations: 'CREATE TABLE goods (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name TEXT NOT NULL, price NUMERIC(10,2));',
  config: 'tables: { goods: { languages: { es: { name: nombre, price: precio }, de: { name: Name } } } }\n',
  on,
}, async (s) => {
  const d = await document(s);
  for (const [where, method, schema] of [['/v1/goods', 'post', 'GoodCreate'], ['/v1/goods/{id}', 'put', 'GoodReplace'], ['/v1/goods/{id}', 'patch', 'GoodPatch']]) {
    const { content } = d.paths[where][method].requestBody;
    for (const type of ['application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data']) assert.equal(content[type]?.schema.$ref, `#/components/schemas/${schema}`, `${method} ${type}`);
  }
  const part = d.components.schemas.GoodPart.properties;
  assert.match(part.nombre.description, /name .* es/);
  assert.ok(part.precio && part.Name, Object.keys(part).join());
  const spoken = d.paths['/v1/goods'].get.parameters.find((p) => p.name === 'Accept-Language');
  assert.match(spoken.description, /es, de/);
  const row = ok(await s.post('/v1/goods', 'name=Silla&price=9.5', { 'Content-Type': 'application/x-www-form-urlencoded' }), 201);
  const spanish = ok(await s.get(`/v1/goods/${row.id}`, { 'Accept-Language': 'es' }));
  assert.deepEqual(Object.keys(spanish).filter((k) => !part[k]), [], 'what is answered is described');
  assert.equal(spanish.nombre, 'Silla');
});
