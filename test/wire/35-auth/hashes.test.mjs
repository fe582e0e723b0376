// Hashes from elsewhere and of other costs, known passwords; the keys' file and secrets of the start. SPDX: Apache-2.0
import crypto from 'node:crypto';
import fs from 'node:fs';
import { play, ok, problem, assert } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const word = 'correct horse battery';
const bcrypt = '$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS'; // of that word
const table = 'CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT NOT NULL);\n';
const auth = (more = '') => `auth: { table: users, hash_memory: 64K${more} }\n`;
const login = (s, email, password = word) => s.post('/v1/auth/login', { email, password });

// The project's own SQL sees what no API shows.
const peek = async (s) => ok(await s.get('/v1/q/peek')).data.map((r) => r.hash);
const peeks = (p) => p.write('queries/peek.sql', '-- name: peek\n-- roles: public\nSELECT password_hash AS hash FROM users ORDER BY id;\n');

play('a hash of bcrypt, and a cheaper one of our own, sign in and are made anew', { serve: false, on, config: auth(', hash_passes: 1'), migrations: `${table}INSERT INTO users (email, password_hash) VALUES ('old@example.com', '${bcrypt}');` }, async (s, p) => {
  peeks(p);
  await s.start();
  problem(await login(s, 'old@example.com', 'another'), 401);
  assert.deepEqual(await peek(s), [bcrypt]);
  ok(await login(s, 'old@example.com'));
  const [cheap] = await peek(s);
  assert.match(cheap, /^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
  await s.stop();
  p.config(auth(', hash_passes: 3'));
  await s.start();
  assert.deepEqual(await peek(s), [cheap]);
  problem(await login(s, 'old@example.com', 'another'), 401);
  assert.deepEqual(await peek(s), [cheap]);
  ok(await login(s, 'old@example.com'));
  const [dear] = await peek(s);
  assert.match(dear, /^\$argon2id\$v=19\$m=64,t=3,p=1\$/);
  ok(await login(s, 'old@example.com'));
  assert.deepEqual(await peek(s), [dear]);
});

play('a password of auth.breached_file is refused', { serve: false, on, migrations: table }, async (s, p) => {
  const sha1 = (t) => crypto.createHash('sha1').update(t).digest('hex').toUpperCase();
  p.write('breached.txt', ['password1', 'letmein123', 'qwertyuiop'].map((t) => `${sha1(t)}:42`).sort().map((l) => `${l}\n`).join(''));
  p.config(auth(', breached_file: breached.txt'));
  await s.start();
  problem(await s.post('/v1/auth/register', { email: 'a@example.com', password: 'letmein123' }), 422, 'breached_password', ['password']);
  ok(await s.post('/v1/auth/register', { email: 'a@example.com', password: word }), 201);
  assert.equal((await login(s, 'a@example.com', 'letmein123')).status, 401);
  ok(await login(s, 'a@example.com'));
});

play('the first start makes the file of keys for its owner alone, and says so', { serve: false, migrations: table, config: auth() }, async (s, p) => {
  await s.start();
  const said = s.lines.filter((l) => /^keys made/.test(l.msg));
  assert.equal(said.length, 1);
  assert.equal(fs.realpathSync(said[0].file), fs.realpathSync(`${p.data}/auth.keys`));
  assert.equal(fs.statSync(`${p.data}/auth.keys`).mode & 0o777, 0o600);
  assert.equal(fs.statSync(`${p.data}/cursor.key`).mode & 0o777, 0o600);
  const before = fs.readFileSync(`${p.data}/auth.keys`, 'utf8');
  await s.restart();
  assert.equal(s.lines.filter((l) => /^keys made/.test(l.msg)).length, 1);
  assert.equal(fs.readFileSync(`${p.data}/auth.keys`, 'utf8'), before);
});

// A cursor of one server is good at another that has the same secret, wherever that comes from.
play('secrets come from systemd and from commands', { serve: false, migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY);\nINSERT INTO notes DEFAULT VALUES;\nINSERT INTO notes DEFAULT VALUES;' }, async (s, p) => {
  const secret = 'MARKER-of-cursors';
  p.write('given/cursor', `${secret}\n`);
  p.write('print.sh', `#!/bin/sh\nprintf '%s' "$1-of-cursors"\n`);
  fs.chmodSync(`${p.dir}/print.sh`, 0o755);
  const next = async () => /[?&]cursor=([^&>]+)/.exec((await s.get('/v1/notes?limit=1&sort=id&cursor=')).header('link').match(/<([^>]*)>; rel="next"/)[1])[1];
  const from = async (text, env = {}) => {
    p.config(`rest: { cursor_secret: "${text}" }\n`);
    await s.start([], env);
    const cursor = await next();
    await s.stop();
    return cursor;
  };
  const want = await from('file:given/cursor');
  assert.equal(await from('credential:cursor', { CREDENTIALS_DIRECTORY: `${p.dir}/given` }), want);
  assert.equal(await from(`exec:${p.dir}/print.sh MARKER`), want);
  assert.equal(await from('${WORD}', { WORD: secret }), want);
  assert.notEqual(await from(`exec:${p.dir}/print.sh OTHER`), want);
  assert.ok(!s.log.includes(secret));
  for (const [text, why] of [['credential:none', /cursor_secret/], ['credential:../cursor', /no good name/], [`exec:${p.dir}/none.sh`, /no program/], ['exec:false', /failed/], [secret, /must not stand in this file/]]) {
    p.config(`rest: { cursor_secret: "${text}" }\n`);
    const r = p.cairn('check', { env: { CREDENTIALS_DIRECTORY: `${p.dir}/given` } });
    assert.notEqual(r.code, 0, text);
    assert.match(r.all, why);
    assert.ok(!r.all.includes(secret), r.all);
  }
});

play('no secret is in the log, in an answer, in a metric or in what commands print', { serve: false, migrations: table }, async (s, p) => {
  const mark = 'MARKER7f3a';
  p.write('marker', `${mark}\n`);
  p.config(`${auth()}database: { password: "file:marker" }
rest: { cursor_secret: "file:marker" }
redis: { url: "redis://127.0.0.1:1", password: "file:marker", timeout: 50ms }
limits: [{ name: api, rate: 1000/h, fail: open }]
s3: { secret_key: "file:marker", session_token: "file:marker" }
mail: { from: "a@example.com", send: always, url: "smtp://127.0.0.1:1", user: u, password: "file:marker" }
log: { level: debug }
`);
  await s.start();
  const seen = [];
  const ask = async (method, target, body, headers) => { const r = await s[method](target, ...(method === 'post' ? [body, headers] : [headers])); seen.push(r.text, JSON.stringify([...r.headers])); return r; };
  const t = await ask('post', '/v1/auth/register', { email: 'a@example.com', password: `${mark}-password` });
  assert.equal(t.status, 201);
  await ask('post', '/v1/auth/login', { email: 'a@example.com', password: `${mark}-wrong` });
  await ask('post', '/v1/auth/login', `{"email":"a@example.com","password":"${mark}`);
  await ask('post', '/v1/auth/reset/send', { email: 'a@example.com' });
  for (const target of ['/v1/users', '/v1/auth/me', '/v1/none', '/metrics', '/openapi.json', '/readyz', '/v1/users?cursor=AAAA', '/dev/mail']) await ask('get', target, undefined, { Authorization: `Bearer ${t.body.access_token}` });
  s.signal('SIGHUP');
  await s.waitLog((l) => l.msg === 'reloaded');
  for (const args of [['config', 'show'], ['check'], ['routes'], ['audit'], ['openapi']]) seen.push(p.cairn(...args).all);
  await s.stop();
  seen.push(s.log);
  for (const text of seen) assert.ok(!text.includes(mark), text.slice(Math.max(0, text.indexOf(mark) - 300), text.indexOf(mark) + 50));
  assert.ok(seen.join('').length > 20000, 'that there was something to look at');
  assert.match(seen.join(''), /Redis cannot be reached/);
});
