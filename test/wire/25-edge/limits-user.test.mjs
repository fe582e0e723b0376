// Limits by who is signed in, and plans by a claim. SPDX: Apache-2.0
import { play, assert, ok, problem } from '../lib.mjs';

const migrations = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT NOT NULL, plan TEXT NOT NULL DEFAULT 'free');
CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT);`;
const config = `auth: { table: users, claims: [plan], registration_claims: [plan], hash_memory: 64K, hash_passes: 1 }
limits: [{ name: api, match: { path: /v1/notes }, key: [user], rate: 2/h, plans: { pro: 4/h } }]
`;

play('each user has a count of its own, of the size that the plan in the claim gives', { migrations, config, on: ['sqlite', 'postgres'] }, async (s) => {
  const sign = async (email, plan) => ({ Authorization: `Bearer ${ok(await s.post('/v1/auth/register', { email, password: 'correct horse battery', ...(plan ? { plan } : {}) }), 201).access_token}` });
  const used = async (headers) => {
    let n = 0;
    for (let r; (r = await s.get('/v1/notes', headers)).status === 200; n++) assert.ok(n < 10);
    const last = await s.get('/v1/notes', headers);
    problem(last, 429, 'rate_limited');
    assert.ok(Number(last.header('retry-after')) > 0);
    return n;
  };
  const [free, other, pro, odd] = [await sign('a@example.com'), await sign('b@example.com'), await sign('c@example.com', 'pro'), await sign('d@example.com', 'gold')];
  assert.equal(await used(free), 2);
  assert.equal(await used(other), 2);
  assert.equal(await used(pro), 4);
  assert.equal(await used(odd), 2); // no such plan: the rate for all others
  assert.equal(await used({}), 2); // nobody: the address
  assert.equal((await s.get('/v1/notes', { Authorization: 'Bearer x' })).status === 200, false);
});
