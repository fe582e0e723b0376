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

// A trigger makes every run clash, and a sequence, which nothing takes back, counts them.
for (const retries of [0, 2]) {
  play(`a transaction that clashes is run ${retries + 1} times with transaction_retries=${retries}, then 503`, { ...what, args: [...what.args, '--set', `database.transaction_retries=${retries}`] }, async (s, p) => {
    await fill(s);
    p.psql(`CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'clash' USING ERRCODE = '40001'; END $$;
      CREATE SEQUENCE runs; CREATE FUNCTION count_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('runs'); RETURN NEW; END $$;
      CREATE TRIGGER runs BEFORE UPDATE ON gate FOR EACH ROW EXECUTE FUNCTION count_run();
      CREATE TRIGGER clash BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION clash()`);
    const r = await s.post('/v1/batch', { operations: [GATE, { method: 'PATCH', path: '/v1/accounts/1', body: { balance: 1 } }] });
    problem(r, 503, 'serialization');
    assert.ok(Number(r.header('retry-after')) >= 1);
    assert.equal(p.psql('SELECT last_value FROM runs'), String(retries + 1));
    assert.equal(await s.metric('cairn_db_clashes_total'), retries + 1);
    assert.deepEqual([ok(await s.get('/v1/gate/1')).n, ok(await s.get('/v1/accounts/1')).balance], [0, 500]);
    p.psql('DROP TRIGGER clash ON accounts');
    ok(await s.post('/v1/batch', { operations: [GATE, { method: 'PATCH', path: '/v1/accounts/1', body: { balance: 1 } }] }));
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

// ---- SQLite: each transaction has the database for itself, so none of it can be seen, whatever is asked for ----

const LEVELS = ['read_uncommitted', 'read_committed', 'repeatable_read', 'serializable'];
const alone = { migrations, on: ['sqlite'] };
// So many batches at once that they would meet; their answers.
const crowd = (n, make) => Promise.all(Array.from({ length: n }, (_, i) => make(i, LEVELS[i % 4])));

play('SQLite: no dirty read', alone, async (s) => {
  await fill(s);
  const seen = await crowd(200, async (i, isolation) => {
    if (i % 2) problem(await s.post('/v1/batch', { isolation, operations: [{ method: 'PATCH', path: '/v1/accounts/1', body: { balance: 1000 } }, GATE, { method: 'GET', path: '/v1/accounts/9999' }] }), 404);
    else if (i % 4) return ok(await s.get('/v1/accounts/1')).balance;
    else return ok(await s.post('/v1/batch', { isolation, operations: [{ method: 'GET', path: '/v1/accounts/1' }] })).results[0].body.balance;
    return 500;
  });
  assert.deepEqual([...new Set(seen)], [500]);
  assert.equal(ok(await s.get('/v1/gate/1')).n, 0);
});

play('SQLite: no non-repeatable read, no phantom', alone, async (s) => {
  await fill(s);
  const row = { method: 'GET', path: '/v1/accounts/1' };
  const list = { method: 'GET', path: '/v1/orders?status=eq.pending&limit=1000' };
  const [before, seen] = [new Set(), new Set()];
  await crowd(300, async (i, isolation) => {
    if (i % 3 === 0) return ok(await s.patch('/v1/accounts/1', { balance: { $inc: 1 } }));
    if (i % 3 === 1) return ok(await s.post('/v1/orders', { status: 'pending' }), 201);
    const r = ok(await s.post('/v1/batch', { isolation, operations: [row, list, GATE, GATE, list, row] }));
    assert.equal(r.isolation, 'serializable');
    const at = (k) => JSON.stringify(r.results[k].body.data ?? r.results[k].body);
    assert.deepEqual([at(5), at(4)], [at(0), at(1)]);
    before.add(r.results[0].body.balance);
    return seen.add(r.results[1].body.data.length);
  });
  assert.ok(before.size > 3 && seen.size > 3, 'the changes came between them');
  assert.equal(ok(await s.get('/v1/gate/1')).n, 200);
});

play('SQLite: no write skew', alone, async (s) => {
  await fill(s);
  const look = { method: 'GET', path: '/v1/doctors?on_call=is.true' };
  for (let round = 0; round < 20; round++) {
    ok(await s.patch('/v1/doctors/1', { on_call: true }));
    ok(await s.patch('/v1/doctors/2', { on_call: true }));
    const go = async (id) => ok(await s.post('/v1/batch', { isolation: LEVELS[round % 4], operations: [look, GATE, { method: 'PATCH', path: `/v1/doctors/${id}`, body: { on_call: false } }] })).results[0].body.data.length;
    assert.deepEqual((await Promise.all([go(1), go(2)])).sort(), [1, 2], 'the second sees that the first has gone');
  }
});
