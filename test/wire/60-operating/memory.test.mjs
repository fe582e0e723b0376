// What a server holds at rest: few libraries, little memory; and what happens when one of the others is not there. SPDX: Apache-2.0
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { play, assert, ok, problem } from '../lib.mjs';

const MOST_MB = 10; // of the 12 that are promised
const SELDOM = ['libxml2', 'libicuuc', 'libhiredis', 'libpq', 'libcrypto', 'libssl', 'libcrypt', 'libz', 'libbrotlicommon', 'libzstd', 'libcurl', 'libldap'];

const mapped = (s) => {
  const maps = fs.readFileSync(`/proc/${s.child.pid}/maps`, 'latin1');
  return new Set([...maps.matchAll(/\/(lib[\w+]+?)(?:-[\d.]+)?\.so[.\d]*$/gm)].map((m) => m[1]));
};
const resident = (s) => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${s.child.pid}/status`, 'latin1'))[1]) / 1024;
const sanitized = (libraries) => [...libraries].some((l) => /san$/.test(l));

// fetch would undo codings, and asks for them unasked.
const ask = (s, target, headers) => new Promise((done, fail) => {
  http.get(s.base + target, { headers }, (r) => {
    const parts = [];
    r.on('data', (d) => parts.push(d)).on('end', () => done({ status: r.statusCode, headers: r.headers, text: Buffer.concat(parts).toString('latin1') }));
  }).on('error', fail);
});

play('a server at rest has not loaded what few requests need', { app: 'shop', users: 300 }, async (s) => {
  const rest = mapped(s);
  assert.ok(rest.has('libsqlite3') && rest.has('libuv'), [...rest].join(' '));
  assert.deepEqual(SELDOM.filter((l) => rest.has(l)), []);
  if (!sanitized(rest)) assert.ok(resident(s) <= MOST_MB, `${resident(s)} MB at rest`);
  ok(await ask(s, '/v1/users?limit=50').then((r) => ({ ...r, body: {} })));
  assert.deepEqual(SELDOM.filter((l) => mapped(s).has(l)), [], 'JSON needs none of them');
  assert.equal((await ask(s, '/v1/users?limit=50', { 'Accept-Encoding': 'gzip' })).headers['content-encoding'], 'gzip');
  assert.match((await ask(s, '/v1/users/1', { Accept: 'application/xml' })).text, /^<\?xml .*<row>/s);
  assert.deepEqual(SELDOM.filter((l) => mapped(s).has(l)), ['libxml2', 'libicuuc', 'libz'], 'each at its first use');
});

play('reloads leave nothing behind, whatever their number', { app: 'shop', users: 30 }, async (s) => {
  const sizes = [];
  for (let i = 0; i < 30; i++) { // the first ones bring a helper thread each to work
    s.signal('SIGHUP');
    await s.waitLog((l) => l.msg === 'reloaded' && !l.seen && (l.seen = true));
    ok(await s.get('/v1/users/1'));
    sizes.push(resident(s));
  }
  if (!sanitized(mapped(s))) assert.ok(sizes[29] - sizes[14] < 1, `MB: ${sizes.map((n) => n.toFixed(1)).join(' ')}`);
});

// A file of that name that is no library, where the loader looks first.
function without(p, ...names) {
  const dir = fs.mkdtempSync(path.join(p.root, 'lib-'));
  for (const n of names) fs.writeFileSync(path.join(dir, n), 'this is no library\n'.repeat(100));
  return { LD_LIBRARY_PATH: dir };
}

const notes = { serve: false, config: 'name: t\n', migrations: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);' };

play('a form whose library is missing is 503; all else goes on', notes, async (s, p) => {
  await s.start([], without(p, 'libxml2.so.2', 'libz.so.1'));
  ok(await s.post('/v1/notes', Array.from({ length: 50 }, (_, i) => ({ text: `note ${i}` }))), 201);
  const xml = problem(await s.get('/v1/notes/1', { Accept: 'application/xml' }), 503, 'busy');
  assert.match(xml.detail, /XML cannot be had at present/);
  assert.doesNotMatch(JSON.stringify(xml), /\.so|apt-get/);
  const told = await s.waitLog((l) => l.msg === 'a library is missing' && /libxml2/.test(l.error));
  assert.match(told.error, /XML needs the library libxml2\.so\.2, which cannot be loaded; .*apt-get install libxml2/);
  const plain = await ask(s, '/v1/notes?limit=50', { 'Accept-Encoding': 'gzip' });
  assert.equal(plain.status, 200);
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.doesNotMatch(plain.headers.etag ?? '', /-gz/, 'a tag of other bytes');
  assert.equal(JSON.parse(plain.text).data.length, 50);
  assert.equal((await ask(s, '/v1/notes?limit=50', { 'Accept-Encoding': 'br' })).headers['content-encoding'], 'br');
  problem(await s.post('/v1/notes', 'x', { 'Content-Encoding': 'gzip' }), 503, 'busy');
  ok(await s.get('/v1/notes/1'));
});

play('what the start needs and lacks is said with the package', notes, async (s, p) => {
  let r = p.cairn('serve', { env: without(p, 'libfyaml.so.0') });
  assert.equal(r.code, 1);
  assert.match(r.all, /cairn\.yaml needs the library libfyaml\.so\.0, which cannot be loaded; .*apt-get install libfyaml0/);
  r = p.cairn('migrate', 'up', { env: without(p, 'libpg_query.so.1504.0') });
  assert.equal(r.code, 1);
  assert.match(r.all, /needs the library libpg_query\.so[.\d]+.*apt-get install libpg-query/);
});
