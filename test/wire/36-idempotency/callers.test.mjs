// Whose key it is. SPDX: Apache-2.0
import { play, ok, problem, assert } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL, password_hash TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'viewer');
CREATE TABLE orders (id SERIAL PRIMARY KEY, item TEXT NOT NULL);`;
const config = `
auth: { table: users, roles: role, hash_memory: 64K, hash_passes: 1 }
server: { trusted_proxies: loopback }
`;
const what = { migrations, config, on };
const register = async (s, name) => ok(await s.post('/v1/auth/register', { email: `${name}@example.com`, password: 'correct horse battery', name }), 201);

play('each caller has keys of its own', { ...what, config: config.replace('hash_passes: 1', 'hash_passes: 1, keys: false') }, async (s) => {
  const order = async (who) => ok(await s.post('/v1/orders', { item: 'pen' }, { 'Idempotency-Key': 'k', ...who }), 201).id;
  const as = async (name) => ({ Authorization: `Bearer ${(await register(s, name)).access_token}` });
  const callers = [await as('ada'), await as('bob'), {}, { 'X-Forwarded-For': '192.0.2.1' }, { 'X-Forwarded-For': '192.0.2.2' }, { 'X-API-Key': 'one' }, { 'X-API-Key': 'two' }];
  const ids = [];
  for (const c of callers) ids.push(await order(c));
  assert.equal(new Set(ids).size, callers.length);
  for (let i = 0; i < callers.length; i++) assert.equal(await order(callers[i]), ids[i]);
  // An account is the same one from another place, and so is the owner of an API key.
  assert.equal(await order({ ...callers[0], 'X-Forwarded-For': '192.0.2.9' }), ids[0]);
  assert.equal(await order({ ...callers[5], 'X-Forwarded-For': '192.0.2.9' }), ids[5]);
});

play('where accounts have API keys, one that nobody was given is nobody', what, async (s) => {
  const order = async (who) => ok(await s.post('/v1/orders', { item: 'pen' }, { 'Idempotency-Key': 'k', ...who }), 201).id;
  const { access_token: token } = await register(s, 'ada');
  const { key } = ok(await s.post('/v1/auth/keys', { name: 'orders' }, { Authorization: `Bearer ${token}` }), 201);
  const own = await order({ 'X-API-Key': key }), nobody = await order({});
  assert.notEqual(own, nobody);
  assert.equal(await order({ 'X-API-Key': key, 'X-Forwarded-For': '192.0.2.9' }), own);
  assert.equal(await order({ 'X-API-Key': 'made up' }), nobody);
});

play('signing in and its like keep no answer: those hold secrets', what, async (s) => {
  await register(s, 'ada');
  const login = async () => ok(await s.post('/v1/auth/login', { email: 'ada@example.com', password: 'correct horse battery' }, { 'Idempotency-Key': 'k' }));
  assert.notEqual((await login()).refresh_token, (await login()).refresh_token);
});

play('who is not let in gets no answer of others', { ...what, config: `${config}access:\n  orders:\n    - { roles: signed_in, can: [create, read] }\n` }, async (s) => {
  const ada = { Authorization: `Bearer ${(await register(s, 'ada')).access_token}`, 'Idempotency-Key': 'k' };
  ok(await s.post('/v1/orders', { item: 'pen' }, ada), 201);
  problem(await s.post('/v1/orders', { item: 'pen' }, { 'Idempotency-Key': 'k' }), 401);
  problem(await s.post('/v1/orders', { item: 'pen' }, { ...ada, Authorization: 'Bearer x' }), 401, 'invalid_token');
});
