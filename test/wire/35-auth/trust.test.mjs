// What ends when an account or its password does, what who registers may not say of himself, and that a
// sign-in costs the same whoever is asked for. SPDX: Apache-2.0
import net from 'node:net';
import { play, ok, problem, assert, sleep, slow } from '../lib.mjs';
import { Issuer } from './issuer.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT, tenant INTEGER, city TEXT, password_hash TEXT,
  role TEXT NOT NULL DEFAULT 'viewer');
CREATE TABLE notes (id SERIAL PRIMARY KEY, tenant INTEGER NOT NULL, text TEXT);
INSERT INTO notes (tenant, text) VALUES (1, 'of one'), (2, 'of two');`;
const config = (more = '', mail = '') => `
${mail}
auth: { table: users, roles: role, claims: "tenant, city", hash_memory: 64K, hash_passes: 1${more} }
roles: { viewer: {}, admin: { can: ["*"] } }
access:
  notes: { roles: signed_in, can: read, where: 'tenant == me.tenant' }
  users: { roles: signed_in, can: read, where: 'id == me.id' }
`;
const password = 'correct horse battery';
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token}` });
const login = async (s, email, pass = password) => ok(await s.post('/v1/auth/login', { email, password: pass }));
const add = (s, email, ...more) => s.project.do('account', 'add', email, ...more, { input: `${password}\n` });

play('a name that nobody has costs as many hashes as a wrong password', { migrations, config: config(), on }, async (s) => {
  add(s, 'ada@x.io');
  const count = async (body, status) => {
    const before = await s.metric('cairn_password_hashes_total');
    assert.equal((await s.post('/v1/auth/login', body)).status, status);
    return await s.metric('cairn_password_hashes_total') - before;
  };
  assert.equal(await count({ email: 'ada@x.io', password: 'wrong horse' }, 401), 1);
  assert.equal(await count({ email: 'nobody@x.io', password: 'wrong horse' }, 401), 1);
  assert.equal(await count({ email: 'nobody@x.io', password }, 401), 1);
  assert.equal(await count({ email: 'ada@x.io', password: 'x'.repeat(5000) }, 401), 1);
  assert.equal(await count({ email: 'ada@x.io', password }, 200), 1);
});

play('who registers says nothing that rules trust', { migrations, config: config(), on }, async (s) => {
  const me = { email: 'eve@x.io', name: 'Eve', password };
  problem(await s.post('/v1/auth/register', { ...me, tenant: 2 }), 422, undefined, ['tenant']);
  problem(await s.post('/v1/auth/register', { ...me, city: 'Oslo' }), 422, undefined, ['city']);
  const t = ok(await s.post('/v1/auth/register', me), 201);
  problem(await s.get('/v1/notes', bearer(t)), 403);
});

play('unless the settings let him', { migrations, config: config(', registration_claims: "city"'), on }, async (s) => {
  const me = { email: 'eve@x.io', password, city: 'Oslo' };
  problem(await s.post('/v1/auth/register', { ...me, tenant: 2 }), 422, undefined, ['tenant']);
  assert.equal(ok(await s.post('/v1/auth/register', me), 201).user.city, 'Oslo');
  s.project.config(config(', registration_claims: "name"'));
  assert.match(s.project.cairn('check').all, /auth\.registration_claims: 'name' is not among auth\.claims/);
});

play('an account that is deleted takes its tokens along', { migrations, config: config(), on }, async (s) => {
  for (const name of ['ada', 'bob']) add(s, `${name}@x.io`, '--column', 'tenant=1');
  add(s, 'root@x.io', '--role', 'admin');
  const root = bearer(await login(s, 'root@x.io'));
  for (const [name, end] of [
    ['ada', (id) => s.delete(`/v1/users/${id}`, root)],
    ['bob', (id) => s.post('/v1/batch', { operations: [{ method: 'DELETE', path: `/v1/users/${id}` }] }, root)],
  ]) {
    const t = await login(s, `${name}@x.io`);
    const key = { 'X-API-Key': ok(await s.post('/v1/auth/keys', { name: 'k' }, bearer(t)), 201).key };
    const all = (status) => Promise.all(Array.from({ length: 10 }, async () => assert.equal((await s.get('/v1/notes', bearer(t))).status, status)));
    await all(200);
    ok(await s.get('/v1/notes', key));
    const r = await end(t.user.id);
    assert.ok(r.status < 300, r.text);
    await all(401);
    problem(await s.get('/v1/notes', key), 401);
    problem(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }), 401);
  }
});

for (const [keys, more] of [['end with', ''], ['outlive', ', reset_ends_keys: false']]) {
  play(`API keys ${keys} a password that is set by letter`, { migrations, config: config(more, 'mail: { from: "shop@example.com" }'), on }, async (s) => {
    add(s, 'ada@x.io', '--column', 'tenant=1');
    const key = { 'X-API-Key': ok(await s.post('/v1/auth/keys', { name: 'k' }, bearer(await login(s, 'ada@x.io'))), 201).key };
    ok(await s.get('/v1/notes', key));
    ok(await s.post('/v1/auth/reset/send', { email: 'ada@x.io' }), 202);
    const token = /token=(\S+)/.exec(ok(await s.get('/dev/mail.json')).data.find((l) => l.kind === 'reset').plain)[1];
    ok(await s.post('/v1/auth/reset', { token, password: 'another horse battery' }), 204);
    assert.equal((await s.get('/v1/notes', key)).status, more ? 200 : 401);
    assert.equal(ok(await s.get('/v1/auth/keys', bearer(await login(s, 'ada@x.io', 'another horse battery')))).data.length, more ? 1 : 0);
  });
}

play('taking a second factor away on the machine is told', { migrations, config: config(), on }, async (s, p) => {
  add(s, 'ada@x.io');
  p.do('account', 'mfa-remove', 'ada@x.io');
  const [row] = p.do('audit', '--json', '--event', 'mfa_removed').out.split('\n').filter(Boolean).map((l) => JSON.parse(l));
  assert.deepEqual([row.event, row.login, row.detail], ['mfa_removed', 'ada@x.io', 'by cairn account']);
});

play('what a second factor wants, in other languages', { migrations, config: config() }, async (s) => {
  add(s, 'ada@x.io');
  const t = await login(s, 'ada@x.io');
  const said = async (language) => (await s.post('/v1/auth/mfa/verify', { mfa_token: 'cmt_x', code: '123456' }, { 'Accept-Language': language, ...bearer(t) })).body.detail;
  assert.match(await said('de'), /mfa_token gilt nicht mehr; melden Sie sich wieder an/);
  assert.match(await said('es'), /mfa_token ya no sirve; inicie sesión de nuevo/);
});

// Letters to a mail server that takes the connection and then says nothing, beside a token whose issuer's keys have to be fetched.
for (const threads of [1, 4]) {
  play(`letters that hang leave room for other calls, of ${threads} threads`, { migrations, config: '', serve: false, timeout: 60000 * slow }, async (s) => {
    const held = new Set();
    const mute = net.createServer((socket) => { held.add(socket); socket.on('error', () => {}); });
    await new Promise((done) => mute.listen(0, '127.0.0.1', done));
    const issuer = await new Issuer().start();
    try {
      s.project.config(config(`,\n  issuers: [{ issuer: "${issuer.url}", audience: api, account: email }]`, `client: { threads: ${threads} }
mail: { from: "shop@example.com", send: always, url: "smtp://127.0.0.1:${mute.address().port}", starttls: never, timeout: 60s }`));
      await s.start();
      for (let i = 0; i < 8; i++) add(s, `p${i}@x.io`);
      for (let i = 0; i < 8; i++) ok(await s.post('/v1/auth/reset/send', { email: `p${i}@x.io` }), 202);
      for (let i = 0; i < 100 * slow && held.size < Math.min(threads, 3); i++) await sleep(50);
      assert.equal(held.size, threads === 1 ? 1 : 3, 'the letters never hung');
      const r = await s.fetch('/v1/auth/me', { headers: { Authorization: `Bearer ${issuer.token({ email: 'p1@x.io', email_verified: true })}` }, signal: AbortSignal.timeout(10000 * slow) });
      assert.equal(r.status, 200, r.text);
    } finally {
      for (const socket of held) socket.destroy();
      await issuer.stop();
      mute.close();
    }
  });
}
