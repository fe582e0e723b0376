// The same payment from everywhere at once, through kills and from several processes: one charge, and
// everybody hears the same. SPDX: Apache-2.0
import { play, ok, problem, assert, sleep, slow, Server } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = 'CREATE TABLE payments (id SERIAL PRIMARY KEY, amount INTEGER NOT NULL);';
const what = { migrations, on, timeout: 120000 };
const CLIENTS = 500;
const ROUNDS = slow > 1 ? 1 : 2;
const count = async (s) => ok(await s.get('/v1/payments?fields=count()')).data[0].count;

// Asks until there is an answer of the work itself.
async function pay(servers, n, seen, headers) {
  for (const until = Date.now() + 60000 * slow; Date.now() < until;) {
    try {
      const r = await servers[n++ % servers.length].post('/v1/payments', { amount: 7 }, headers);
      seen[r.status] = (seen[r.status] ?? 0) + 1;
      if (r.status === 201) return r;
      assert.ok([409, 500, 503].includes(r.status), `${r.status} ${r.text}`);
      if (r.status === 409) assert.equal(r.body.code, 'idempotency_in_progress');
    } catch (e) {
      if (e instanceof assert.AssertionError) throw e;
      seen.broken = (seen.broken ?? 0) + 1; // the connection: nobody knows
    }
    await sleep(50 + Math.random() * 200);
  }
  assert.fail(`no answer in time: ${JSON.stringify(seen)}`);
}

function all(servers, seen, k) {
  return Promise.all(Array.from({ length: CLIENTS }, (_, n) => pay(servers, n, seen, { 'Idempotency-Key': k })));
}

function equal(answers) {
  assert.equal(answers.length, CLIENTS);
  assert.equal(new Set(answers.map((r) => `${r.status} ${r.header('location')} ${r.text}`)).size, 1);
  assert.ok(answers.filter((r) => r.header('idempotent-replayed') !== 'true').length <= 1);
}

play('five hundred at once: one charge, five hundred equal answers', what, async (s) => {
  for (let i = 1; i <= 2; i++) {
    equal(await all([s], {}, `k${i}`));
    assert.equal(await count(s), i);
  }
});

play('the same through kills of the server', what, async (s) => {
  const seen = {};
  for (let i = 1; i <= 3; i++) {
    const answers = all([s], seen, `k${i}`);
    await sleep(Math.random() * 60);
    await s.kill9();
    await s.start();
    equal(await answers);
    assert.equal(await count(s), i, JSON.stringify(seen));
  }
  assert.ok(seen.broken > 0, `no kill came in between: ${JSON.stringify(seen)}`);
});

play('the same from two processes on one database', { ...what, on: ['postgres'] }, async (s, p) => {
  const other = await new Server(p).start();
  try {
    for (let i = 1; i <= 2; i++) {
      equal(await all([s, other], {}, `k${i}`));
      assert.equal(await count(s), i);
    }
    // One is killed while it works; the other does the work, or finds it done.
    const answers = all([s, other], {}, 'k3');
    await sleep(10);
    await other.kill9();
    await other.start();
    equal(await answers);
    assert.equal(await count(s), 3);
    problem(await other.post('/v1/payments', { amount: 8 }, { 'Idempotency-Key': 'k3' }), 422, 'idempotency_key_reused');
  } finally {
    await other.stop();
  }
});
