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
