// The keys of tokens: rotated and retired while servers run. SPDX: Apache-2.0
import fs from 'node:fs';
import { play, ok, problem, assert, Server, sleep } from '../lib.mjs';

const migrations = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT);`;
const what = { migrations, config: 'auth: { table: users, hash_memory: 64K, hash_passes: 1 }\n', on: ['sqlite', 'postgres'] };
const ada = { email: 'ada@example.com', password: 'correct horse battery' };
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token}` });
const kid = (t) => JSON.parse(Buffer.from(t.access_token.split('.')[0], 'base64url')).kid;
const until = async (what) => {
  for (let i = 0; i < 300; i++) {
    if (await what()) return;
    await sleep(100);
  }
  assert.fail('it did not come about');
};

play('a new key signs, the old one checks until it is retired', what, async (s, p) => {
  const old = ok(await s.post('/v1/auth/register', ada), 201);
  assert.match(p.do('keys', 'list').out, new RegExp(`^EdDSA +${kid(old)} +signs\\n$`));
  p.do('keys', 'rotate', '--set', 'auth.algorithm=ES256');
  await until(async () => ok(await s.get('/.well-known/jwks.json')).keys.length === 2);
  const fresh = ok(await s.post('/v1/auth/login', ada));
  assert.notEqual(kid(fresh), kid(old));
  for (const t of [old, fresh]) ok(await s.get('/v1/auth/me', bearer(t)));
  assert.notEqual(p.cairn('keys', 'retire', kid(fresh)).code, 0, 'the key that signs stays');
  assert.notEqual(p.cairn('keys', 'retire', 'nothing').code, 0);
  p.do('keys', 'retire', kid(old));
  await until(async () => (await s.get('/v1/auth/me', bearer(old))).status === 401);
  ok(await s.get('/v1/auth/me', bearer(fresh)));
  assert.deepEqual(ok(await s.get('/.well-known/jwks.json')).keys.map((k) => k.kid), [kid(fresh)]);
  // The refresh token outlives the key: it is under a MAC of its own.
  ok(await s.post('/v1/auth/refresh', { refresh_token: old.refresh_token }));
});

play('a token of another process with a newer key is good at its first use', { ...what, on: ['postgres'] }, async (s, p) => {
  ok(await s.post('/v1/auth/register', ada), 201);
  const other = new Server(p);
  await other.start();
  try {
    p.do('keys', 'rotate');
    await until(async () => ok(await other.get('/.well-known/jwks.json')).keys.length === 2);
    ok(await s.get('/v1/auth/me', bearer(ok(await other.post('/v1/auth/login', ada)))));
  } finally {
    await other.stop();
  }
});

play('a damaged file of keys is told of, and what was in force stays', what, async (s, p) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const file = `${p.data}/auth.keys`;
  fs.writeFileSync(file, '{}');
  await until(() => s.log.includes('the keys of tokens stay as they were'));
  ok(await s.get('/v1/auth/me', bearer(t)));
  assert.notEqual(p.cairn('keys', 'list').code, 0);
});

play('actions of `cairn keys` and their arguments', { ...what, on: ['sqlite'] }, async (s, p) => {
  assert.equal(p.cairn('keys').code, 2);
  assert.equal(p.cairn('keys', 'retire').code, 2);
  assert.match(p.cairn('keys', 'rotat').err, /list, rotate, retire/);
});
