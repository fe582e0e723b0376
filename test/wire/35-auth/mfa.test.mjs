// Second factors: an authenticator app, recovery codes, and what they keep out. SPDX: Apache-2.0
import crypto from 'node:crypto';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { play, ok, problem, assert, sleep } from '../lib.mjs';

const migrations = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT);
CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT);`;
const config = 'auth: { table: users, hash_memory: 64K, hash_passes: 1, issuer: "My shop" }\n';
const what = { migrations, config, on: ['sqlite', 'postgres'] };
const set = (...list) => ['--set', 'auth.attempts=1000', ...list.flatMap((x) => ['--set', x])];
const ada = { email: 'ada@example.com', password: 'correct horse battery' };
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token ?? t}` });
const basic = { Authorization: `Basic ${Buffer.from(`${ada.email}:${ada.password}`).toString('base64')}` };
function sql(s, text) {
  if (s.engine === 'postgres') return s.project.psql(text);
  const r = spawnSync('sqlite3', [path.join(s.project.data, 'cairn.db'), `PRAGMA busy_timeout=5000; ${text}`], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
  return r.stdout.replace(/^5000\n/, '');
}
const remove = (s, target, headers, body) => s.fetch(target, { method: 'DELETE', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) });
const events = (p, ...args) => p.do('audit', '--json', '--limit', '100', ...args).out.split('\n').filter(Boolean).map((l) => JSON.parse(l)).reverse();

// ---- an authenticator app, written anew ----

function base32(text) {
  let bits = '';
  for (const c of text) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0');
  return Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
}

function codeAt(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = crypto.createHmac('sha1', base32(secret)).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

// Codes of an app: each call gives one that was not given yet, of the step before this one first.
class App {
  constructor(secret) { this.secret = secret; this.last = 0; }
  at(off = 0) { return codeAt(this.secret, Math.floor(Date.now() / 30000) + off); }
  async next() {
    while (Math.floor(Date.now() / 30000) + 1 <= this.last || Date.now() % 30000 > 27000) await sleep(200);
    const now = Math.floor(Date.now() / 30000);
    this.last = Math.max(now - 1, this.last + 1);
    return codeAt(this.secret, this.last);
  }
  async wrong() { for (let i = 0; ; i++) { const c = String(i).padStart(6, '0'); if (![-2, -1, 0, 1, 2].some((off) => this.at(off) === c)) return c; } }
}

const login = (s, tail = '', more = {}) => s.post(`/v1/auth/login${tail}`, { ...ada, ...more });

// Registers ada, with an app.
async function withApp(s) {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const made = ok(await s.post('/v1/auth/mfa/totp', {}, bearer(t)));
  const app = new App(made.secret);
  const { recovery_codes: codes } = ok(await s.post('/v1/auth/mfa/totp/confirm', { code: await app.next() }, bearer(t)));
  return { t, app, codes, made };
}

async function signIn(s, proof, tail = '') {
  const { mfa_token } = problem(await login(s), 401, 'mfa_required');
  return s.post(`/v1/auth/mfa/verify${tail}`, { mfa_token, ...proof });
}

play('add an app, sign in with it', { ...what, timeout: 120000 }, async (s, p) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  const other = ok(await login(s));
  assert.deepEqual(ok(await s.get('/v1/auth/mfa', bearer(t))), { required: false, totp: null, recovery_codes: 0 });
  const begun = await s.post('/v1/auth/mfa/totp', {}, bearer(t));
  const made = ok(begun);
  assert.equal(begun.header('cache-control'), 'no-store');
  assert.match(made.secret, /^[A-Z2-7]{32}$/);
  assert.equal(made.uri, `otpauth://totp/My%20shop:ada%40example.com?secret=${made.secret}&issuer=My%20shop&algorithm=SHA1&digits=6&period=30`);
  ok(await login(s)); // it counts when it is confirmed
  const app = new App(made.secret);
  problem(await s.post('/v1/auth/mfa/totp/confirm', { code: await app.wrong() }, bearer(t)), 403, 'wrong_code', ['code']);
  const { recovery_codes: codes } = ok(await s.post('/v1/auth/mfa/totp/confirm', { code: await app.next() }, bearer(t)));
  assert.equal(new Set(codes).size, 10);
  for (const c of codes) assert.match(c, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
  problem(await s.get('/v1/auth/me', bearer(other)), 401); // a session without it is over
  problem(await s.post('/v1/auth/refresh', { refresh_token: other.refresh_token }), 401);
  ok(await s.get('/v1/auth/me', bearer(t)));
  const state = ok(await s.get('/v1/auth/mfa', bearer(t)));
  assert.equal(state.recovery_codes, 10);
  assert.ok(Math.abs(Date.parse(state.totp.created_at) - Date.now()) < 60000);

  const asked = await login(s);
  const { mfa_token, access_token } = problem(asked, 401, 'mfa_required');
  assert.equal(access_token, undefined);
  assert.equal(asked.headers.getSetCookie().length, 0);
  problem(await s.get('/v1/auth/me', bearer(mfa_token)), 401, 'invalid_token');
  problem(await s.post('/v1/auth/refresh', { refresh_token: mfa_token }), 401, 'invalid_refresh_token');
  problem(await s.post('/v1/auth/mfa/totp', { mfa_token }), 401, 'invalid_mfa_token'); // it sets nothing up
  problem(await s.post('/v1/auth/mfa/verify', { mfa_token, code: await app.wrong() }), 403, 'wrong_code', ['code']);
  const code = await app.next();
  const u = ok(await s.post('/v1/auth/mfa/verify', { mfa_token, code }));
  assert.equal(u.user.email, ada.email);
  ok(await s.get('/v1/auth/me', bearer(u)));
  ok(await s.post('/v1/auth/refresh', { refresh_token: u.refresh_token }));
  problem(await s.post('/v1/auth/mfa/verify', { mfa_token, code }), 403, 'wrong_code'); // a step is used once
  problem(await login(s, '', { password: 'wrong password' }), 401, 'bad_credentials');

  const seen = events(p).map((e) => e.event);
  for (const e of ['mfa_added', 'mfa_failed', 'sessions_ended']) assert.ok(seen.includes(e), seen.join());
  const kept = JSON.stringify(events(p)) + s.log;
  for (const secret of [made.secret, code, mfa_token, ...codes]) assert.ok(!kept.includes(secret), 'no secret in log or audit');
});

play('with keys of a shared secret, too', { ...what, config: config.replace('{ table', '{ algorithm: HS256, table') }, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  ok(await s.post('/v1/auth/mfa/totp', {}, bearer(t)));
  problem(await s.post('/v1/auth/mfa/totp/confirm', { code: '000000' }, bearer(t)), 403, 'wrong_code');
});

play('a new password makes void what stands on the old one', { ...what, args: set('auth.mfa=required') }, async (s) => {
  const begun = await s.post('/v1/auth/register', ada), { mfa_token } = begun.body;
  ok(await s.post('/v1/auth/mfa/totp', { mfa_token }));
  sql(s, 'UPDATE users SET password_hash = \'another\'');
  problem(await s.post('/v1/auth/mfa/totp', { mfa_token }), 401, 'invalid_mfa_token');
});

play('in a cookie', { ...what, args: set() }, async (s) => {
  const { app } = await withApp(s);
  const from = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
  const { mfa_token } = problem(await login(s, '?session=cookie'), 401, 'mfa_required');
  const code = await app.next();
  problem(await s.post('/v1/auth/mfa/verify?session=cookie', { mfa_token, code }, from), 403, 'cross_site');
  const r = await s.post('/v1/auth/mfa/verify?session=cookie', { mfa_token, code });
  assert.ok(ok(r).csrf_token);
  const cookie = r.headers.getSetCookie()[0].split(';')[0];
  assert.equal(ok(await s.get('/v1/auth/me', { Cookie: cookie })).email, ada.email);
  problem(await s.post('/v1/auth/mfa/recovery', { code }, { Cookie: cookie }), 403, 'csrf_token');
});

play('recovery codes: once each, made anew', { ...what, args: set() }, async (s, p) => {
  const { app, codes, t } = await withApp(s);
  ok(await signIn(s, { recovery_code: codes[0] }));
  problem(await signIn(s, { recovery_code: codes[0] }), 403, 'wrong_code', ['recovery_code']);
  ok(await signIn(s, { recovery_code: ` ${codes[1].toUpperCase().replaceAll('-', ' ')}` })); // as it was typed
  problem(await signIn(s, { recovery_code: 'x'.repeat(5000) }), 403, 'wrong_code');
  problem(await signIn(s, { code: codes[2] }), 403, 'wrong_code');
  problem(await signIn(s, {}), 422, 'required', ['code']);
  problem(await signIn(s, { code: 123456 }), 422, 'type', ['code']);
  assert.equal(ok(await s.get('/v1/auth/mfa', bearer(t))).recovery_codes, 8);
  // Of two at once one wins.
  const tokens = [];
  for (let i = 0; i < 4; i++) tokens.push(problem(await login(s), 401).mfa_token);
  const race = await Promise.all(tokens.map((mfa_token) => s.post('/v1/auth/mfa/verify', { mfa_token, recovery_code: codes[3] })));
  assert.deepEqual(race.map((r) => r.status).sort(), [200, 403, 403, 403]);
  const code = await app.next();
  const same = await Promise.all(tokens.map((mfa_token) => s.post('/v1/auth/mfa/verify', { mfa_token, code })));
  assert.deepEqual(same.map((r) => r.status).sort(), [200, 403, 403, 403]);
  problem(await s.post('/v1/auth/mfa/recovery', {}, bearer(t)), 422, 'required', ['code']);
  const fresh = ok(await s.post('/v1/auth/mfa/recovery', { recovery_code: codes[4] }, bearer(t))).recovery_codes;
  assert.equal(fresh.length, 10);
  problem(await signIn(s, { recovery_code: codes[5] }), 403, 'wrong_code');
  ok(await signIn(s, { recovery_code: fresh[9] }));
  assert.equal(events(p, '--event', 'recovery_used').length, 5);
  assert.equal(events(p, '--event', 'recovery_made').length, 1);
});

play('who may add, replace and remove an app', { ...what, args: set(), timeout: 150000 }, async (s) => {
  const { t, app, codes } = await withApp(s);
  problem(await s.post('/v1/auth/mfa/totp', { password: ada.password }, bearer(t)), 422, 'required', ['code']);
  problem(await s.post('/v1/auth/mfa/totp', { code: await app.wrong() }, bearer(t)), 403, 'wrong_code');
  problem(await remove(s, '/v1/auth/mfa/totp', bearer(t), { code: await app.wrong() }), 403, 'wrong_code');
  const made = ok(await s.post('/v1/auth/mfa/totp', { recovery_code: codes[0] }, bearer(t)));
  const next = new App(made.secret);
  ok(await signIn(s, { code: await app.next() })); // the old one, until then
  const again = ok(await s.post('/v1/auth/mfa/totp/confirm', { code: await next.next() }, bearer(t)));
  problem(await s.post('/v1/auth/mfa/totp/confirm', { code: await next.next() }, bearer(t)), 409, 'mfa_not_begun');
  problem(await signIn(s, { recovery_code: codes[1] }), 403, 'wrong_code');
  problem(await signIn(s, { code: app.at() }), 403, 'wrong_code');
  ok(await signIn(s, { recovery_code: again.recovery_codes[1] }));
  ok(await remove(s, '/v1/auth/mfa/totp', bearer(t), { recovery_code: again.recovery_codes[0] }), 204);
  ok(await login(s));
  problem(await remove(s, '/v1/auth/mfa/totp', bearer(t), { recovery_code: again.recovery_codes[2] }), 404);
  problem(await s.post('/v1/auth/mfa/recovery', { code: '000000' }, bearer(t)), 404);
  problem(await s.post('/v1/auth/mfa/totp', { password: 'wrong password' }, bearer(t)), 401, 'bad_credentials');
  ok(await s.post('/v1/auth/mfa/totp', { password: ada.password }, bearer(t)));
  problem(await s.post('/v1/auth/mfa/totp', {}), 401, 'sign_in_required');
  problem(await s.post('/v1/auth/mfa/totp/confirm', { code: '000000' }), 401, 'sign_in_required');
  problem(await s.get('/v1/auth/mfa'), 401, 'sign_in_required');
});

play('a session that is old gives the password, too', { ...what, args: set() }, async (s, p) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  sql(s, 'UPDATE cairn_sessions SET created_at = created_at - 700');
  problem(await s.post('/v1/auth/mfa/totp', {}, bearer(t)), 403, 'fresh_sign_in_required', ['password']);
  ok(await s.post('/v1/auth/mfa/totp', { password: ada.password }, bearer(t)));
});

play('keys and Basic are no way round', { ...what, args: set('auth.basic=true') }, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  ok(await s.get('/v1/auth/me', basic)); // and is remembered
  const key = ok(await s.post('/v1/auth/keys', { name: 'ci' }, bearer(t)), 201).key;
  const app = new App(ok(await s.post('/v1/auth/mfa/totp', {}, bearer(t))).secret);
  ok(await s.post('/v1/auth/mfa/totp/confirm', { code: await app.next() }, bearer(t)));
  const r = problem(await s.get('/v1/auth/me', basic), 401, 'mfa_required');
  assert.equal(r.mfa_token, undefined);
  problem(await s.get('/v1/auth/me', { Authorization: `Basic ${Buffer.from(`${ada.email}:wrong`).toString('base64')}` }), 401, 'bad_credentials');
  ok(await s.get('/v1/auth/me', bearer(key))); // the key of a person with two factors
  for (const [method, tail, body] of [['GET', ''], ['POST', '/totp', {}], ['POST', '/totp/confirm', { code: '1' }], ['DELETE', '/totp', { code: '1' }], ['POST', '/recovery', { code: '1' }]]) {
    problem(await (method === 'GET' ? s.get(`/v1/auth/mfa${tail}`, bearer(key)) : method === 'POST' ? s.post(`/v1/auth/mfa${tail}`, body, bearer(key)) : remove(s, `/v1/auth/mfa${tail}`, bearer(key), body)), 403, 'not_for_keys');
  }
});

play('required: who has none may only set it up', { ...what, serve: false, timeout: 120000 }, async (s, p) => {
  await s.start(set('auth.basic=true'));
  const old = ok(await s.post('/v1/auth/register', ada), 201);
  const key = ok(await s.post('/v1/auth/keys', { name: 'ci' }, bearer(old)), 201).key;
  const c = (await login(s, '?session=cookie')).headers.getSetCookie()[0].split(';')[0];
  await s.stop();
  await s.start(set('auth.basic=true', 'auth.mfa=required'));
  problem(await s.post('/v1/auth/refresh', { refresh_token: old.refresh_token }), 401, 'mfa_setup_required');
  problem(await s.get('/v1/notes', bearer(key)), 401, 'mfa_setup_required');
  problem(await s.get('/v1/auth/me', { Cookie: c }), 401, 'sign_in_required');
  problem(await s.get('/v1/auth/me', basic), 401, 'mfa_setup_required');
  const { mfa_token } = problem(await login(s), 401, 'mfa_setup_required');
  problem(await s.post('/v1/auth/mfa/verify', { mfa_token, code: '000000' }), 401, 'invalid_mfa_token');
  problem(await s.get('/v1/auth/me', bearer(mfa_token)), 401, 'invalid_token');
  const app = new App(ok(await s.post('/v1/auth/mfa/totp', { mfa_token })).secret);
  problem(await s.post('/v1/auth/mfa/totp/confirm', { mfa_token, code: await app.wrong() }), 403, 'wrong_code');
  const t = ok(await s.post('/v1/auth/mfa/totp/confirm', { mfa_token, code: await app.next() }));
  assert.equal(t.recovery_codes.length, 10);
  assert.equal(t.user.email, ada.email);
  ok(await s.get('/v1/auth/me', bearer(t)));
  ok(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }));
  problem(await s.get('/v1/auth/me', bearer(old)), 401, 'invalid_token');
  problem(await s.post('/v1/auth/mfa/totp', { mfa_token }), 401, 'invalid_mfa_token'); // he has one since
  assert.equal(ok(await s.get('/v1/auth/mfa', bearer(t))).required, true);
  problem(await remove(s, '/v1/auth/mfa/totp', bearer(t), { recovery_code: t.recovery_codes[0] }), 403, 'mfa_is_required');
  ok(await s.get('/v1/notes', bearer(key)));
  // Whoever registers: the account is there, the session is not yet.
  const bob = { email: 'bob@example.com', password: ada.password };
  const made = problem(await s.post('/v1/auth/register', bob), 401, 'mfa_setup_required');
  const bobs = new App(ok(await s.post('/v1/auth/mfa/totp', { mfa_token: made.mfa_token })).secret);
  const r = await s.post('/v1/auth/mfa/totp/confirm?session=cookie', { mfa_token: made.mfa_token, code: await bobs.next() });
  assert.equal(ok(r).recovery_codes.length, 10);
  assert.ok(r.body.csrf_token);
  // An account whose factor is lost.
  p.do('account', 'mfa-remove', ada.email);
  assert.match(p.cairn('account', 'mfa-remove', 'nobody@example.com').err, /nobody@example.com/);
  problem(await login(s), 401, 'mfa_setup_required');
});

play('letters stand in for the password, not for the second factor', { ...what, config: `mail: { from: shop@example.com }\n${config}`, args: set() }, async (s) => {
  const { codes } = await withApp(s);
  const token = async (kind) => /token=(\S+)/.exec(ok(await s.get('/dev/mail.json')).data.find((l) => l.kind === kind).plain)[1];
  ok(await s.post('/v1/auth/magic/send', { email: ada.email }), 202);
  const asked = await s.post('/v1/auth/magic?session=cookie', { token: await token('magic') });
  const { mfa_token } = problem(asked, 401, 'mfa_required');
  assert.equal(asked.headers.getSetCookie().length, 0);
  ok(await s.post('/v1/auth/mfa/verify', { mfa_token, recovery_code: codes[0] }));
  ok(await s.post('/v1/auth/reset/send', { email: ada.email }), 202);
  ok(await s.post('/v1/auth/reset', { token: await token('reset'), password: 'another long one' }), 204);
  problem(await login(s, '', { password: 'another long one' }), 401, 'mfa_required');
});

play('off: nothing of it is there', { ...what, on: ['sqlite'], args: set('auth.mfa=off') }, async (s) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  problem(await s.get('/v1/auth/mfa', bearer(t)), 404);
  problem(await s.post('/v1/auth/mfa/verify', {}), 404);
});

play('guessing codes is slowed down per account', { ...what, on: ['sqlite'], serve: false }, async (s) => {
  await s.start(set());
  const { app, codes } = await withApp(s);
  await s.stop();
  await s.start(['--set', 'auth.attempts=4', '--set', 'server.workers=1']);
  const { mfa_token } = problem(await login(s), 401, 'mfa_required');
  const wrong = await app.wrong();
  for (let i = 0; i < 4; i++) problem(await s.post('/v1/auth/mfa/verify', { mfa_token, code: wrong }), 403, 'wrong_code');
  for (const proof of [{ code: wrong }, { code: app.at(1) }, { recovery_code: codes[0] }]) {
    const r = await s.post('/v1/auth/mfa/verify', { mfa_token, ...proof });
    problem(r, 429, 'too_many_attempts');
    assert.ok(Number(r.header('retry-after')) > 0);
  }
});

play('tokens that are none', { ...what, on: ['sqlite'], args: set() }, async (s) => {
  const { codes } = await withApp(s);
  const { mfa_token } = problem(await login(s), 401, 'mfa_required');
  const flip = (at) => mfa_token.slice(0, at) + (mfa_token[at] === 'A' ? 'B' : 'A') + mfa_token.slice(at + 1);
  for (const bad of [flip(10), flip(60), flip(mfa_token.length - 1), mfa_token.slice(0, -1), mfa_token.slice(4), 'cmt_', 'x', 'x'.repeat(9000), 'cmt_AAAA']) {
    problem(await s.post('/v1/auth/mfa/verify', { mfa_token: bad, recovery_code: codes[0] }), 401, 'invalid_mfa_token', ['mfa_token']);
  }
  problem(await s.post('/v1/auth/mfa/verify', { recovery_code: codes[0] }), 422, 'required', ['mfa_token']);
  problem(await s.post('/v1/auth/mfa/verify', { mfa_token: 7 }), 422, 'type', ['mfa_token']);
  ok(await s.post('/v1/auth/mfa/verify', { mfa_token, recovery_code: codes[0] }));
});

play('what is stored opens nothing, and leaves with the account', what, async (s, p) => {
  const { t, codes, made, app } = await withApp(s);
  problem(await s.get('/v1/cairn_totp', bearer(t)), 404);
  problem(await s.get('/v1/cairn_recovery', bearer(t)), 404);
  const kept = sql(s, 'SELECT * FROM cairn_totp') + sql(s, 'SELECT * FROM cairn_recovery');
  assert.ok(kept.length > 400);
  for (const secret of [made.secret, base32(made.secret).toString('base64url'), base32(made.secret).toString('hex'), ...codes, ...codes.map((c) => c.replaceAll('-', ''))]) assert.ok(!kept.includes(secret));
  ok(await remove(s, '/v1/auth/me', bearer(t), { password: ada.password }), 204);
  assert.equal(Number(sql(s, 'SELECT count(*) FROM cairn_totp')), 0);
  assert.equal(Number(sql(s, 'SELECT count(*) FROM cairn_recovery')), 0);
});

play('a new password keeps the second factor', { ...what, args: set() }, async (s) => {
  const { t, codes } = await withApp(s);
  ok(await s.post('/v1/auth/password', { current: ada.password, password: 'another long one' }, bearer(t)), 204);
  const { mfa_token } = problem(await login(s, '', { password: 'another long one' }), 401, 'mfa_required');
  ok(await s.post('/v1/auth/mfa/verify', { mfa_token, recovery_code: codes[0] }));
});
