// Security events: each in the transaction of its change. SPDX: Apache-2.0
import { play, ok, problem, assert } from '../lib.mjs';

const migrations = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT);`;
const config = 'auth: { table: users, hash_memory: 64K, hash_passes: 1, attempts: 3, refresh_reuse: 0 }\n';
const what = { migrations, config, on: ['sqlite', 'postgres'] };
const ada = { email: 'ada@example.com', password: 'correct horse battery' };
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token}` });
const events = (p, ...args) => p.do('audit', '--json', ...args).out.split('\n').filter(Boolean).map((l) => JSON.parse(l)).reverse();

play('what happens to an account is written down', what, async (s, p) => {
  const t = ok(await s.post('/v1/auth/register', ada, { 'X-Request-ID': 'first', 'User-Agent': 'Ada\'s browser' }), 201);
  const next = ok(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }));
  problem(await s.post('/v1/auth/login', { ...ada, password: 'wrong password' }), 401);
  problem(await s.post('/v1/auth/password', { current: 'wrong password', password: 'another long one' }, bearer(next)), 401);
  ok(await s.post('/v1/auth/password', { current: ada.password, password: 'another long one' }, bearer(next)), 204);
  problem(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }), 401);
  const seen = events(p);
  assert.deepEqual(seen.map((e) => e.event), ['registered', 'signed_in', 'signin_failed', 'password_refused', 'password_changed', 'sessions_ended', 'token_reused']);
  assert.deepEqual([seen[0].login, seen[0].request_id, seen[0].agent, seen[0].address], [ada.email, 'first', 'Ada\'s browser', '127.0.0.1']);
  assert.equal(seen[2].login, ada.email);
  for (const e of seen.slice(1)) assert.equal(e.account, '1');
  assert.ok(Math.abs(Date.parse(seen[0].at) - Date.now()) < 60000);
  const text = JSON.stringify(seen);
  for (const secret of [ada.password, 'wrong password', 'another long one', t.refresh_token, t.access_token]) assert.ok(!text.includes(secret));
  assert.deepEqual(events(p, '--event', 'token_reused').map((e) => e.event), ['token_reused']);
  assert.equal(events(p, '--login', ada.email).length, 2);
  assert.equal(events(p, '--account', '2').length, 0);
  assert.equal(events(p, '--limit', '2', '--since', '1h').length, 2);
});

play('a flood of attempts is one row a name', what, async (s, p) => {
  for (let i = 0; i < 12; i++) await s.post('/v1/auth/login', { email: 'nobody@example.com', password: 'wrong password' });
  assert.deepEqual(events(p).map((e) => e.event), ['signin_failed', 'signin_failed', 'signin_failed', 'signin_limited']);
});

play('a session that is not there has not ended', what, async (s, p) => {
  const t = ok(await s.post('/v1/auth/register', ada), 201);
  problem(await s.delete('/v1/auth/sessions/none', bearer(t)), 404);
  assert.deepEqual(events(p).map((e) => e.event), ['registered', 'signed_in']);
});

play('bytes of a client steer no terminal', what, async (s, p) => {
  await s.post('/v1/auth/login', { email: '\u001b[31mred\nnew line', password: 'wrong password' });
  const { out } = p.do('audit');
  assert.match(out, /signin_failed +login=\?\[31mred\?new line/);
  assert.equal(out.split('\n').length, 2);
});

play('no audit: no rows', { ...what, args: ['--set', 'auth.audit=false'] }, async (s, p) => {
  ok(await s.post('/v1/auth/register', ada), 201);
  assert.equal(events(p).length, 0);
});

play('the table is not in the API', what, async (s) => {
  problem(await s.get('/v1/cairn_audit'), 404);
});

play('`cairn audit` and its options', { ...what, on: ['sqlite'] }, async (s, p) => {
  assert.match(p.cairn('audit', '--event', 'signedin').err, /signed_in/);
  assert.equal(p.cairn('audit', '--since', 'yesterday').code, 2);
  assert.equal(p.cairn('audit', '--limit', '0').code, 2);
});
