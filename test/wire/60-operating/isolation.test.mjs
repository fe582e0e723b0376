// Each anomaly of guide 6, 10 and 26: at the level that allows it, it is seen; at the one that forbids it, it is not. A
// batch is stopped between two of its operations by a row lock that psql holds: its operation on the row waits there.
import { spawn } from 'node:child_process';
import { play, assert, ok, problem, sleep, slow } from '../lib.mjs';

const migrations = `
  CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
  CREATE TABLE orders (id SERIAL PRIMARY KEY, status TEXT NOT NULL);
  CREATE TABLE doctors (id INTEGER PRIMARY KEY, on_call BOOLEAN NOT NULL);
  CREATE TABLE gate (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);`;
const what = { migrations, on: ['postgres'], args: ['--set', 'database.transaction_timeout=30s'] };

async function fill(s) {
  ok(await s.post('/v1/accounts', { id: 1, balance: 500 }), 201);
  ok(await s.post('/v1/orders', Array(5).fill({ status: 'pending' })), 201);
  ok(await s.post('/v1/doctors', [{ id: 1, on_call: true }, { id: 2, on_call: true }]), 201);
  ok(await s.post('/v1/gate', { id: 1, n: 0 }), 201);
}

// Holds the row of `gate` until release().
async function shut(project) {
  const child = spawn('psql', ['-X', '-q', '-At', '-d', project.env.DATABASE_URL], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = new Promise((done) => child.stdout.on('data', done));
  child.stdin.write('BEGIN; SELECT n FROM gate WHERE id = 1 FOR UPDATE;\n');
  await said;
  return async () => { child.stdin.end('ROLLBACK;\n'); await new Promise((done) => child.once('close', done)); };
}

const GATE = { method: 'PATCH', path: '/v1/gate/1', body: { n: { $inc: 1 } } };

// Runs `operations`, which hold GATE; `meanwhile` runs while they wait there.
async function around(s, project, isolation, operations, meanwhile) {
  const release = await shut(project);
  const first = s.post('/v1/batch', { isolation, operations });
  for (const until = Date.now() + 20000 * slow; project.psql("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())") === '0'; await sleep(20)) assert.ok(Date.now() < until, 'it never came to the gate');
  try { await meanwhile(); } finally { await release(); }
  return first;
}

play('dirty read: never, at any level', what, async (s, p) => {
  await fill(s);
  const undone = [{ method: 'PATCH', path: '/v1/accounts/1', body: { balance: 1000 } }, GATE, { method: 'GET', path: '/v1/accounts/9999' }];
  const seen = [];
  const r = await around(s, p, 'read_uncommitted', undone, async () => {
    for (const isolation of ['read_uncommitted', 'read_committed', 'repeatable_read', 'serializable']) {
      const b = ok(await s.post('/v1/batch', { isolation, operations: [{ method: 'GET', path: '/v1/accounts/1' }] }));
      seen.push(b.results[0].body.balance);
    }
    seen.push(ok(await s.get('/v1/accounts/1')).balance);
  });
  problem(r, 404);
  assert.deepEqual(seen, [500, 500, 500, 500, 500]);
  assert.equal(ok(await s.get('/v1/accounts/1')).balance, 500);
});

for (const [isolation, second] of [['read_committed', 1000], ['repeatable_read', 500], ['serializable', 500]]) {
  play(`non-repeatable read: ${second === 500 ? 'not' : 'seen'} at ${isolation}`, what, async (s, p) => {
    await fill(s);
    const read = { method: 'GET', path: '/v1/accounts/1' };
    const r = ok(await around(s, p, isolation, [read, GATE, read], async () => ok(await s.patch('/v1/accounts/1', { balance: 1000 }))));
    assert.deepEqual([r.results[0].body.balance, r.results[2].body.balance], [500, second]);
    assert.equal(r.isolation, isolation);
  });
}

for (const [isolation, second] of [['read_committed', 6], ['repeatable_read', 5], ['serializable', 5]]) {
  play(`phantom read: ${second === 5 ? 'not' : 'seen'} at ${isolation}`, what, async (s, p) => {
    await fill(s);
    const read = { method: 'GET', path: '/v1/orders?status=eq.pending' };
    const r = ok(await around(s, p, isolation, [read, GATE, read], async () => ok(await s.post('/v1/orders', { status: 'pending' }), 201)));
    assert.deepEqual([r.results[0].body.data.length, r.results[2].body.data.length], [5, second]);
  });
}

// Two doctors are on call; each goes when another is there. One after the other, the second would see that the first
// has gone.
for (const isolation of ['read_committed', 'repeatable_read', 'serializable']) {
  const forbidden = isolation === 'serializable';
  play(`write skew: ${forbidden ? 'not' : 'seen'} at ${isolation}`, what, async (s, p) => {
    await fill(s);
    const look = { method: 'GET', path: '/v1/doctors?on_call=is.true' };
    const go = (id) => ({ method: 'PATCH', path: `/v1/doctors/${id}`, body: { on_call: false } });
    let other;
    const mine = ok(await around(s, p, isolation, [look, GATE, go(1)], async () => {
      other = ok(await s.post('/v1/batch', { isolation, operations: [look, go(2)] }));
    }));
    assert.equal(other.results[0].body.data.length, 2);
    // The one that would break the order was undone and ran again: it sees what the other did.
    assert.equal(mine.results[0].body.data.length, forbidden ? 1 : 2);
    assert.equal(await s.metric('cairn_db_clashes_total') > 0, forbidden);
  });
}

play('a batch that clashes every time is 503 in the end, with Retry-After', { ...what, args: [...what.args, '--set', 'database.transaction_retries=0'] }, async (s, p) => {
  await fill(s);
  const r = await around(s, p, 'serializable', [{ method: 'GET', path: '/v1/doctors' }, GATE, { method: 'PATCH', path: '/v1/doctors/1', body: { on_call: false } }], async () => {
    ok(await s.post('/v1/batch', { isolation: 'serializable', operations: [{ method: 'GET', path: '/v1/doctors' }, { method: 'PATCH', path: '/v1/doctors/2', body: { on_call: false } }] }));
  });
  problem(r, 503, 'serialization');
  assert.ok(r.header('retry-after'));
  assert.equal(ok(await s.get('/v1/doctors/1')).on_call, true);
});

play('deadlocks are undone and run again', { ...what, args: [...what.args, '--set', 'database.pool_wait=60s'], timeout: 120000 }, async (s) => {
  await fill(s);
  ok(await s.post('/v1/accounts', { id: 2, balance: 500 }), 201);
  const move = (from, to) => s.post('/v1/batch', { operations: [{ method: 'PATCH', path: `/v1/accounts/${from}`, body: { balance: { $inc: -1 } } }, { method: 'PATCH', path: `/v1/accounts/${to}`, body: { balance: { $inc: 1 } } }] });
  for (const r of await Promise.all(Array.from({ length: 20 }, (_, i) => i % 2 ? move(1, 2) : move(2, 1)))) ok(r);
  assert.deepEqual((await s.list('/v1/accounts?sort=id')).map((a) => a.balance), [500, 500]);
});
