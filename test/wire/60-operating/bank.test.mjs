// The bank transfer of guide 6 and 10: two hundred clients move money while the server, and on PostgreSQL the database,
// are killed at random. The total stays what it was, and each transfer that was answered 201 is there.
// CAIRN_TEST_LONG=1 plays the full minute.
import { play, assert, ok, sleep, slow, Postgres, psql } from '../lib.mjs';

const CLIENTS = 200;
const ACCOUNTS = 20;
const SECONDS = process.env.CAIRN_TEST_LONG ? 60 : 10;

const account = (n) => `acc-${String(n).padStart(2, '0')}`;
const pick = (n) => Math.floor(Math.random() * n);

// The account that comes first is changed first, so that transfers wait for each other and do not lock each other out;
// one in fifty does not care, and may.
function transfer(key) {
  const from = pick(ACCOUNTS);
  const to = (from + 1 + pick(ACCOUNTS - 1)) % ACCOUNTS;
  const amount = 1 + pick(500) / 100;
  const moves = [[from, -amount], [to, amount]];
  if (from > to !== (pick(50) === 0)) moves.reverse();
  return { operations: [
    ...moves.map(([n, by]) => ({ method: 'PATCH', path: `/v1/accounts/${account(n)}`, body: { balance: { $inc: Number(by.toFixed(2)) } } })),
    { method: 'POST', path: '/v1/transfers', body: { key, from_account: account(from), to_account: account(to), amount } },
  ] };
}

async function client(s, number, until, done) {
  for (let n = 0; Date.now() < until; n++) {
    const key = `${number}-${n}`;
    try {
      const r = await s.post('/v1/batch', transfer(key));
      done.statuses[r.status] = (done.statuses[r.status] ?? 0) + 1;
      if (r.status === 200) done.keys.push(key);
      else if (r.status >= 500) await sleep(50 + pick(100));
      assert.ok([200, 422, 500, 503, 504].includes(r.status), `${r.status} ${r.text}`);
    } catch (e) {
      if (e instanceof assert.AssertionError) throw e;
      done.broken++; // the connection: nobody knows
      await sleep(50 + pick(100));
    }
  }
}

const migrations = `
  CREATE TABLE accounts (id TEXT PRIMARY KEY, balance NUMERIC(12, 2) NOT NULL CHECK (balance >= 0));
  CREATE TABLE transfers (key TEXT PRIMARY KEY, from_account TEXT NOT NULL REFERENCES accounts (id),
    to_account TEXT NOT NULL REFERENCES accounts (id), amount NUMERIC(12, 2) NOT NULL CHECK (amount > 0));`;

const cents = (x) => Math.round(Number(x) * 100);

// Money and transfers, held against each other: every account is what its transfers made of it.
async function audit(s, done) {
  const late = Date.now() + 20000 * slow;
  const get = async (path) => { // one worker may still be on its way back to the database
    for (;; await sleep(100)) {
      const r = await s.get(path);
      if (r.status !== 503 || Date.now() > late) return ok(r);
    }
  };
  const accounts = (await get('/v1/accounts?limit=100')).data;
  const rows = [];
  for (let cursor = ''; cursor !== null;) {
    const page = await get(`/v1/transfers?limit=1000&sort=key&cursor=${cursor}`);
    rows.push(...page.data);
    cursor = page.has_more ? page.next_cursor : null;
  }
  const want = new Map(accounts.map((a) => [a.id, 100000]));
  for (const t of rows) {
    want.set(t.from_account, want.get(t.from_account) - cents(t.amount));
    want.set(t.to_account, want.get(t.to_account) + cents(t.amount));
  }
  assert.equal(accounts.reduce((sum, a) => sum + cents(a.balance), 0), ACCOUNTS * 100000, 'the total');
  assert.deepEqual(accounts.map((a) => [a.id, cents(a.balance)]), accounts.map((a) => [a.id, want.get(a.id)]));
  const there = new Set(rows.map((t) => t.key));
  assert.deepEqual(done.keys.filter((k) => !there.has(k)), [], 'answered 200, and not there');
  return rows.length;
}

async function storm(s, kill) {
  ok(await s.post('/v1/accounts', Array.from({ length: ACCOUNTS }, (_, n) => ({ id: account(n), balance: 1000 }))), 201);
  const done = { keys: [], statuses: {}, broken: 0 };
  const until = Date.now() + SECONDS * 1000;
  const clients = Array.from({ length: CLIENTS }, (_, i) => client(s, i, until, done));
  const kills = { n: 0 };
  const killer = (async () => {
    for (;;) {
      await sleep(1000 + pick(1500));
      if (Date.now() + 1500 > until) return;
      await kill(kills.n++);
    }
  })();
  await Promise.all([...clients, killer]);
  for (const late = Date.now() + 20000 * slow; (await s.get('/v1/accounts?limit=1')).status !== 200; await sleep(100)) assert.ok(Date.now() < late, 'the database did not come back');
  const rows = await audit(s, done);
  s.t.diagnostic(`${rows} transfers, ${done.keys.length} of them answered; ${kills.n} kills; statuses ${JSON.stringify(done.statuses)}; ${done.broken} connections broken`);
  assert.ok(done.keys.length > 20, `only ${done.keys.length} transfers`);
  assert.ok(kills.n > 0, 'nothing was killed');
}

const restart = async (s) => { await s.kill9(); await s.start(); };

play('two hundred clients move money, the server is killed, the total stays', { migrations, on: ['sqlite'], timeout: 60000 + SECONDS * 2000 }, async (s) => {
  await storm(s, () => restart(s));
});

play('two hundred clients move money, server and database are killed, the total stays', { migrations, on: ['postgres'], serve: false, timeout: 120000 + SECONDS * 2000 }, async (s, p) => {
  const pg = await Postgres.start({ durable: true });
  const own = p.env.DATABASE_URL;
  try {
    psql(`${pg.url}/postgres`, 'CREATE DATABASE bank');
    p.env.DATABASE_URL = `${pg.url}/bank`;
    await s.start();
    await storm(s, async (n) => {
      if (n % 2) return restart(s);
      await pg.down('SIGQUIT'); // as a crash: it recovers from its log
      await pg.up();
    });
    await s.stop();
  } finally {
    if (s.child) await s.kill9();
    p.env.DATABASE_URL = own;
    await pg.stop();
  }
});
