// Accept-Language: what problems say, and what rows show (guide 13). SPDX: Apache-2.0
import assert from 'node:assert/strict';
import { ok, play, problem } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const things = `CREATE TABLE makers (id SERIAL PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE things (id SERIAL PRIMARY KEY, name VARCHAR(5) NOT NULL UNIQUE, age INTEGER CHECK (age BETWEEN 0 AND 9), price NUMERIC(5,2), live BOOLEAN, born DATE, seen TIMESTAMPTZ, code UUID, kind TEXT CHECK (kind IN ('a', 'b')), maker_id INTEGER REFERENCES makers(id));
INSERT INTO makers (name) VALUES ('m'); INSERT INTO things (name, maker_id) VALUES ('one', 1);`;
const accounts = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'viewer');`;
const auth = 'auth:\n  table: users\n  roles: role\n  hash_memory: 64K\n  hash_passes: 1\n';

// Words that no Spanish or German sentence has.
const ENGLISH = /\b(the|must|is|not|there|has|this|with|and|your?|first|already|still|found)\b/i;

play('problems speak Spanish and German', { migrations: `${things}${accounts}`, config: auth, on }, async (s) => {
  const asks = [
    (h) => s.get('/v1/things/99', h), (h) => s.get('/v1/nothing', h), (h) => s.get('/v1/things?nme=eq.x', h), (h) => s.fetch('/v1/things', { method: 'DELETE', headers: h }),
    (h) => s.post('/v1/things', { name: 'toolong', age: 10, price: 1.234, live: 'x', born: 'x', seen: 'x', code: 'x', kind: 'c', maker_id: 'x', agee: 1 }, h),
    (h) => s.post('/v1/things', { name: null }, h), (h) => s.post('/v1/things', {}, h), (h) => s.post('/v1/things', '5', h), (h) => s.post('/v1/things', { name: 'one' }, h),
    (h) => s.post('/v1/things', { name: 'two', maker_id: 77 }, h), (h) => s.delete('/v1/makers/1', h), (h) => s.post('/v1/things', 'x', { ...h, 'Content-Type': 'text/plain' }),
    (h) => s.post('/v1/things', '', h), (h) => s.get('/v1/auth/me', h), (h) => s.post('/v1/auth/login', { email: 'a', password: 'b' }, h), (h) => s.post('/v1/auth/register', { email: 'a', password: 'b' }, h),
    (h) => s.post('/v1/auth/login', {}, h), (h) => s.get('/v1/things', { ...h, Accept: 'image/png' }),
  ];
  for (const [accept, want] of [['es-MX, en;q=0.5', 'es'], ['de', 'de'], ['fr, de-AT;q=0.3', 'de']]) {
    for (const ask of asks) {
      const r = await ask({ 'Accept-Language': accept });
      const plain = await ask({});
      assert.equal(r.header('content-language'), want, r.text);
      assert.match(r.header('vary'), /\bAccept-Language\b/);
      const said = [r.body.title, r.body.detail, r.body.error, ...(r.body.errors ?? []).map((e) => e.message)];
      for (const text of said) assert.doesNotMatch(text.replace(/'[^']*'/g, '').replace(/\b(not_null|application\/\S+)/g, ''), ENGLISH, r.text);
      assert.deepEqual([r.status, r.body.code, (r.body.errors ?? []).map((e) => [e.field, e.pointer, e.code])], [plain.status, plain.body.code, (plain.body.errors ?? []).map((e) => [e.field, e.pointer, e.code])]);
      assert.equal(plain.header('content-language'), 'en');
    }
  }
  const es = problem(await s.get('/v1/things/99', { 'Accept-Language': 'es' }), 404, 'not_found');
  assert.deepEqual([es.title, es.error, es.detail], ['No encontrado', 'No se encontró: thing', "No se encontró: thing; ninguna fila de things tiene el id '99'."]);
  for (const accept of ['en, es;q=0.9', 'fr', 'es;q=0', '?', '*', 'es;q=9']) assert.equal((await s.get('/v1/things/99', { 'Accept-Language': accept })).body.title, 'Not Found', accept);
  const batch = await s.post('/v1/batch', { operations: [{ method: 'GET', path: '/v1/things/99' }] }, { 'Accept-Language': 'es' });
  assert.equal(problem(batch, 404).error, 'No se encontró: thing');
});

play('what is refused before it is handled speaks the language, once its head was read', { migrations: things, config: 'http: { max_body: 1K, body_timeout: 500ms }\n' }, async (s) => {
  const send = (head, body = '') => s.raw(`POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${head}\r\n\r\n${body}`, { quiet: 3000 });
  const heads = { 413: ['Content-Length: 5000'], 411: ['X-A: b'], 408: ['Content-Length: 9', '{'], 400: ['Transfer-Encoding: chunked', 'xyz\r\n'] };
  for (const [status, [head, body]] of Object.entries(heads)) {
    const said = [];
    for (const language of ['en', 'es', 'de-AT']) {
      const r = await send(`Accept-Language: ${language}\r\n${head}`, body);
      assert.deepEqual(r.statuses, [Number(status)], r.text);
      assert.match(r.text, new RegExp(`\r\nContent-Language: ${language.slice(0, 2)}\r\nVary: Accept-Language\r\n`));
      assert.match(r.text, /\r\nContent-Security-Policy: .*\r\nConnection: close\r\n/);
      const text = Buffer.from(r.text.slice(r.text.indexOf('\r\n\r\n') + 4), 'latin1').toString();
      said.push(JSON.parse(text));
      assert.equal(Number(/Content-Length: (\d+)/.exec(r.text)[1]), Buffer.byteLength(text));
    }
    const [en, es, de] = said;
    assert.deepEqual([es.code, es.type, es.status], [en.code, en.type, Number(status)]);
    assert.equal(new Set(said.map((b) => b.title)).size, 3);
    assert.equal(new Set(said.map((b) => b.detail)).size, 3);
    for (const b of [es, de]) assert.doesNotMatch(b.detail, ENGLISH);
  }
  const path = await s.raw('GET /v1/%zz HTTP/1.1\r\nHost: x\r\nAccept-Language: es\r\n\r\n');
  assert.match(path.text, /"title":"Solicitud incorrecta".*"code":"bad_request"/);
  const broken = await s.raw('GET /v1/things HTTP/1.1\r\nHost: x\r\nAccept-Language: es\r\nX A: b\r\n\r\n');
  assert.match(broken.text, /"title":"Bad Request"/);
  assert.doesNotMatch(broken.text, /Content-Language/);
  const next = await s.raw('GET /livez HTTP/1.1\r\nHost: x\r\nAccept-Language: es\r\n\r\nbroken\r\n\r\n'); // the head before is not this one's
  assert.match(next.text, /"title":"Bad Request"/);
});

play('a project brings languages of its own, and better words', { migrations: things, config: 'name: t\n', serve: false }, async (s, p) => {
  p.write('locales/fr.yaml', `titles:\n  404: Introuvable\nmessages:\n  "{noun} not found": "{noun} introuvable"\n  "no row of {table} has the id '{id}'": "{table} n'a pas de ligne '{id}'"\n`);
  p.write('locales/es-AR.yaml', `messages:\n  "'{field}' is required": "che, falta '{field}'"\n`);
  p.write('locales/en.yaml', `titles:\n  404: Nowhere\n`);
  await s.start();
  const said = async (accept) => { const b = (await s.get('/v1/things/99', { 'Accept-Language': accept })).body; return [b.title, b.error]; };
  assert.deepEqual(await said('fr-CA'), ['Introuvable', 'Thing introuvable']);
  assert.deepEqual(await said('en'), ['Nowhere', 'Thing not found']);
  assert.deepEqual(await said('es-AR'), ['No encontrado', 'No se encontró: thing']);
  assert.deepEqual(await said('es'), ['No encontrado', 'No se encontró: thing']);
  assert.equal((await s.post('/v1/things', {}, { 'Accept-Language': 'es-AR' })).body.error, "Che, falta 'name'");
  assert.equal((await s.post('/v1/things', {}, { 'Accept-Language': 'fr' })).body.error, "'name' is required");
  p.write('locales/fr.yaml', 'titles:\n  404: Perdu\n');
  s.signal('SIGHUP');
  for (let i = 0; i < 100 && (await said('fr'))[0] !== 'Perdu'; i++) await new Promise((done) => setTimeout(done, 50));
  assert.equal((await said('fr'))[0], 'Perdu');
  p.write('locales/fr.yaml', 'titles:\n  200: Bien\nmesages: {}\nmessages:\n  "a {b}": "{c}"\n');
  p.write('locales/x.yaml', 'titles: {}\n');
  const bad = p.cairn('check');
  assert.equal(bad.code, 1);
  for (const hint of [/fr\.yaml:2:3: .*400 to 599/, /fr\.yaml:3:1: .*`messages:`/, /fr\.yaml:5:12: .*not in the English text/, /x\.yaml: .*name of the file/]) assert.match(bad.all, hint);
});

// ---- rows ----

const shop = `CREATE TABLE makers (id SERIAL PRIMARY KEY, name TEXT NOT NULL, name_de TEXT);
CREATE TABLE products (id SERIAL PRIMARY KEY, name TEXT NOT NULL, price NUMERIC(10,2) NOT NULL, about TEXT, name_es TEXT, name_de TEXT, about_spanish TEXT, secret TEXT, maker_id INTEGER REFERENCES makers(id), changed_at TIMESTAMPTZ NOT NULL DEFAULT '2026-01-01T00:00:00Z');
CREATE TABLE plain (id SERIAL PRIMARY KEY, name TEXT, name_es TEXT);
INSERT INTO makers (name, name_de) VALUES ('Works', 'Werke');
INSERT INTO plain (name, name_es) VALUES ('a', 'b');
INSERT INTO products (name, price, about, name_es, name_de, about_spanish, secret, maker_id) VALUES ('Computer', 1000, 'It computes', 'Computadora', NULL, 'Computa', 's', 1), ('Mouse', 10, 'It points', NULL, 'Maus', NULL, NULL, 1);`;
const languages = `tables:
  products:
    modified: changed_at
    languages:
      es: { name: nombre, price: precio, about: { as: acerca, from: about_spanish } }
      de:
  makers:
    languages: { de: { name: firma } }
`;
const inShop = { migrations: shop, config: languages, on };
const ask = (s, path, accept, more = {}) => s.get(path, { ...(accept ? { 'Accept-Language': accept } : {}), ...more });

play('rows are shown in the language that is asked for, with what is not translated in the default one', inShop, async (s) => {
  const r = await ask(s, '/v1/products/1?fields=name,price', 'es');
  assert.deepEqual(ok(r), { nombre: 'Computadora', precio: 1000 });
  assert.deepEqual([r.header('content-language'), r.header('last-modified')], ['es', 'Thu, 01 Jan 2026 00:00:00 GMT'].slice(0, 1).concat(r.header('last-modified')));
  const plain = ok(await ask(s, '/v1/products/1'));
  const whole = await ask(s, '/v1/products/1', 'es-MX, en;q=0.4');
  assert.deepEqual(ok(whole), { id: 1, nombre: 'Computadora', precio: 1000, acerca: 'Computa', secret: 's', maker_id: 1, changed_at: plain.changed_at });
  assert.equal(whole.header('last-modified'), 'Thu, 01 Jan 2026 00:00:00 GMT');
  assert.match(whole.text, /"precio":1000.00/);
  assert.deepEqual(ok(await ask(s, '/v1/products/2', 'es')), { id: 2, nombre: 'Mouse', precio: 10, acerca: 'It points', secret: null, maker_id: 1, changed_at: plain.changed_at });
  assert.deepEqual(ok(await ask(s, '/v1/products/2?fields=id,name', 'de')), { id: 2, name: 'Maus' });
  for (const accept of [undefined, 'en', 'en-GB, es;q=0.9', 'fr', 'es;q=0', '*']) {
    const d = await ask(s, '/v1/products/1', accept);
    assert.deepEqual(ok(d), plain, accept);
    assert.deepEqual([d.header('content-language'), /\bAccept-Language\b/.test(d.header('vary'))], ['en', true]);
  }
  assert.deepEqual([plain.name, plain.name_es, plain.about_spanish], ['Computer', 'Computadora', 'Computa'], 'editors see every column');
  const none = await ask(s, '/v1/plain/1', 'es');
  assert.deepEqual([ok(none), none.header('content-language')], [{ id: 1, name: 'a', name_es: 'b' }, null]);
});

play('lists, pages, relations and other forms, too', inShop, async (s) => {
  const list = await ask(s, '/v1/products?sort=-name&name=like.*o*', 'es');
  assert.deepEqual(ok(list).data.map((p) => p.nombre), ['Mouse', 'Computadora']);
  assert.equal(list.header('content-language'), 'es');
  const page = ok(await ask(s, '/v1/products?cursor=&limit=1&fields=name', 'es'));
  assert.deepEqual(page.data, [{ nombre: 'Computadora' }]);
  assert.deepEqual(ok(await ask(s, `/v1/products?cursor=${page.next_cursor}&limit=1&fields=name`, 'es')).data, [{ nombre: 'Mouse' }]);
  assert.deepEqual(ok(await ask(s, '/v1/products?fields=name&include=maker(fields:name)&sort=id', 'de')).data, [{ name: 'Computer', maker: { firma: 'Werke' } }, { name: 'Maus', maker: { firma: 'Werke' } }]);
  assert.deepEqual(ok(await ask(s, '/v1/makers/1?include=products(fields:id,name,sort:id)', 'de')), { id: 1, firma: 'Werke', products: [{ id: 1, name: 'Computer' }, { id: 2, name: 'Maus' }] });
  assert.deepEqual(ok(await ask(s, '/v1/products/1/maker', 'de')), { id: 1, firma: 'Werke' });
  assert.deepEqual(ok(await ask(s, '/v1/makers/1/products?fields=name&sort=id', 'es')).data, [{ nombre: 'Computadora' }, { nombre: 'Mouse' }]);
  assert.equal((await ask(s, '/v1/products?fields=name,price&sort=id', 'es', { Accept: 'text/csv' })).text, 'nombre,precio\r\nComputadora,1000.00\r\nMouse,10.00\r\n');
  assert.match((await ask(s, '/v1/products/1', 'es', { Accept: 'application/xml' })).text, /<nombre>Computadora<\/nombre>/);
  assert.deepEqual(ok(await ask(s, '/v1/products?fields=name,count()&sort=name', 'es')).data, [{ name: 'Computer', count: 1 }, { name: 'Mouse', count: 1 }]);
  const b = ok(await s.post('/v1/batch', { operations: [{ method: 'GET', path: '/v1/products/1?fields=name', headers: { 'Accept-Language': 'es' } }, { method: 'GET', path: '/v1/products/1?fields=name' }] }));
  assert.deepEqual(b.results.map((x) => [x.body, x.headers['Content-Language']]), [[{ nombre: 'Computadora' }, 'es'], [{ name: 'Computer' }, 'en']]);
});

play('each language has a tag of its own, good for a change', inShop, async (s) => {
  const tags = {};
  for (const l of ['en', 'es', 'de']) {
    for (const accept of ['application/json', 'application/xml']) {
      const r = await ask(s, '/v1/products/1', l, { Accept: accept });
      tags[`${l} ${accept}`] = r.header('etag');
      const again = await ask(s, '/v1/products/1', l, { Accept: accept, 'If-None-Match': r.header('etag') });
      assert.equal(again.status, 304, l);
      assert.match(again.header('vary'), /\bAccept-Language\b/);
    }
  }
  assert.equal(new Set(Object.values(tags)).size, 6);
  assert.equal((await ask(s, '/v1/products/1', 'es', { 'If-None-Match': tags['en application/json'] })).status, 200);
  const change = (tag, accept) => s.patch('/v1/products/1', { price: 7 }, { 'If-Match': tag, ...(accept ? { 'Accept-Language': accept } : {}) });
  for (const [tag, accept] of [[tags['es application/json']], [tags['de application/xml'], 'fr'], [tags['en application/json'], 'es']]) {
    ok(await s.patch('/v1/products/1', { price: 1000 }));
    const r = await change(tag, accept);
    assert.equal(ok(r).name, 'Computer', 'writing goes by the columns');
    assert.equal((await change(tag, accept)).status, 412);
  }
  problem(await s.patch('/v1/products/1', { nombre: 'x' }, { 'Accept-Language': 'es' }), 422, 'invalid', ['nombre']);
});

play('a translation that a caller may not see is not shown', { ...inShop, config: `${languages}access:\n  products:\n    - { roles: anyone, can: [read, update], hide: [name_es, secret] }\n  makers:\n    - { roles: anyone, can: read }\n` }, async (s) => {
  const r = await ask(s, '/v1/products/1', 'es');
  assert.deepEqual([ok(r).nombre, r.body.acerca, 'secret' in r.body], ['Computer', 'Computa', false]);
  assert.equal((await s.patch('/v1/products/1', { price: 3 }, { 'If-Match': r.header('etag') })).status, 200);
  assert.equal((await s.patch('/v1/products/1', { price: 4 }, { 'If-Match': r.header('etag') })).status, 412);
  assert.deepEqual(ok(await ask(s, '/v1/products?fields=name&sort=id&include=maker(fields:name)', 'de')).data[1], { name: 'Maus', maker: { firma: 'Werke' } });
});

play('named queries answer in languages, handlers ask for one', { ...inShop, serve: false }, async (s, p) => {
  p.write('queries/q.sql', "-- name: names\n-- roles: public\n-- languages: en, es, pt-BR\nSELECT id, CASE WHEN :language = 'es' THEN coalesce(name_es, name) ELSE name END AS name, :language AS language FROM products ORDER BY id;\n");
  await s.start();
  const said = async (accept, more = '') => { const r = await ask(s, `/v1/q/names${more}`, accept); return [ok(r).data[0].name, r.body.data[0].language, r.header('content-language'), r.header('etag')]; };
  const [en, es, pt] = [await said(), await said('es-MX'), await said('pt-BR, es;q=0.1')];
  assert.deepEqual([en.slice(0, 3), es.slice(0, 3), pt.slice(0, 3)], [['Computer', 'en', 'en'], ['Computadora', 'es', 'es'], ['Computer', 'pt-BR', 'pt-BR']]);
  assert.equal(new Set([en[3], es[3], pt[3]]).size, 3);
  assert.deepEqual((await said('en', '?language=es')).slice(0, 3), ['Computadora', 'es', 'es']);
  assert.deepEqual((await said('fr')).slice(0, 3), ['Computer', 'en', 'en']);
  problem(await s.get('/v1/q/names?language=fr'), 400, 'bad_value', ['language']);
  assert.match((await s.get('/v1/q/names')).header('vary'), /\bAccept-Language\b/);
  await s.stop();
  p.write('queries/q.sql', '-- name: names\n-- languages: en, e\nSELECT 1;\n');
  await assert.rejects(s.start(), /q\.sql:2:\d+: languages are such as/);
  s.child = null;
});

play('languages that cannot be are told at the start', { migrations: shop, serve: false, timeout: 90000 }, async (s, p) => {
  for (const [text, hint] of [['es: { nam: nombre }', /cairn\.yaml:1:\d+: tables\.products\.languages\.es: 'products' has no column 'nam'; did you mean 'name'/], ['es: { name: price }', /two members would be named 'price'/], ['es: { name: maker }', /two members would be named 'maker'/],
    ['es: { name: { from: price } }', /same type/], ['es: { name: { as: x, of: y } }', /expected a name/], ['e: {}', /expected a language/], ['es: nombre', /expected columns/]]) {
    p.config(`tables: { products: { languages: { ${text} } } }\n`);
    await assert.rejects(s.start(), hint, text);
    s.child = null;
  }
});
