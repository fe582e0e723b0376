// Idempotency-Key through the real binary: what is sent twice happens once. SPDX: Apache-2.0
import { play, ok, problem, assert, sleep, slow, Postgres, Server } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE payments (id SERIAL PRIMARY KEY, amount INTEGER NOT NULL CHECK (amount > 0), note TEXT UNIQUE);
CREATE TABLE people (id SERIAL PRIMARY KEY, name TEXT NOT NULL, age INTEGER NOT NULL DEFAULT 0);`;
const what = { migrations, on };
const key = (k) => ({ 'Idempotency-Key': k });
const count = async (s, table = 'payments') => ok(await s.get(`/v1/${table}?fields=count()`)).data[0].count;
const replayed = (r) => r.header('idempotent-replayed');

// The same answer in all that was kept.
function same(a, b) {
  assert.deepEqual({ status: b.status, text: b.text }, { status: a.status, text: a.text });
  for (const name of ['content-type', 'location', 'etag']) assert.equal(b.header(name), a.header(name), name);
}

play('a repeat gets the first answer, and nothing happens twice', what, async (s) => {
  const first = await s.post('/v1/payments', { amount: 5 }, key('k1'));
  ok(first, 201);
  assert.equal(replayed(first), null);
  assert.ok(first.header('location'));
  for (let i = 0; i < 3; i++) {
    const again = await s.post('/v1/payments', { amount: 5 }, key('k1'));
    same(first, again);
    assert.equal(replayed(again), 'true');
  }
  assert.equal(await count(s), 1);
  assert.equal(await s.metric('cairn_idempotency_replayed_total'), 3);
  ok(await s.post('/v1/payments', { amount: 5 }, key('k2')), 201);
  ok(await s.post('/v1/payments', { amount: 5 }), 201);
  assert.equal(await count(s), 3);
  // Answers are kept in the database, so they outlive the process.
  await s.restart();
  same(first, await s.post('/v1/payments', { amount: 5 }, key('k1')));
  assert.equal(await count(s), 3);
});

play('the same key with another request is refused', what, async (s) => {
  ok(await s.post('/v1/payments', { amount: 5 }, key('k')), 201);
  problem(await s.post('/v1/payments', { amount: 6 }, key('k')), 422, 'idempotency_key_reused', ['Idempotency-Key']);
  problem(await s.post('/v1/payments', '{"amount": 5}', key('k')), 422, 'idempotency_key_reused'); // other bytes
  problem(await s.post('/v1/payments?fields=id', { amount: 5 }, key('k')), 422, 'idempotency_key_reused');
  problem(await s.post('/v1/payments', { amount: 5 }, { ...key('k'), 'Content-Type': 'application/json; charset=utf-8' }), 422, 'idempotency_key_reused');
  assert.equal(await count(s), 1);
  // Another route or method is another place for keys.
  ok(await s.post('/v1/people', { name: 'Ada' }, key('k')), 201);
  ok(await s.patch('/v1/people/1', { age: 3 }, key('k')));
  problem(await s.patch('/v1/people/2', { age: 3 }, key('k')), 422, 'idempotency_key_reused'); // the route is that of all people
});

play('a key is a structured string or bare, of 1 to 255 characters', what, async (s) => {
  const first = await s.post('/v1/payments', { amount: 5 }, key('"8e03978e-40d5"'));
  ok(first, 201);
  same(first, await s.post('/v1/payments', { amount: 5 }, key('8e03978e-40d5')));
  ok(await s.post('/v1/payments', { amount: 5 }, key('x'.repeat(255))), 201);
  ok(await s.post('/v1/payments', { amount: 5 }, key('"a \\"b\\" \\\\"')), 201);
  const before = await count(s);
  for (const bad of ['x'.repeat(256), '""', '"open', '"a"b', 'a b', 'a"b', '"a\\b"', 'caf\u00e9', '""; x', '']) {
    problem(await s.post('/v1/payments', { amount: 5 }, key(bad)), 400, 'bad_idempotency_key', ['Idempotency-Key']);
  }
  const twice = await s.raw('POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\nConnection: close\r\n\r\n{"amount":5}');
  assert.deepEqual(twice.statuses, [400]);
  assert.equal(await count(s), before);
});

play('what fails is undone and not kept: put right, it may use its key again', what, async (s) => {
  problem(await s.post('/v1/payments', { amount: -1 }, key('k')), 422);
  problem(await s.post('/v1/payments', '{', key('k')), 400, 'malformed_json');
  ok(await s.post('/v1/payments', { amount: 1, note: 'one' }, key('k')), 201);
  problem(await s.post('/v1/payments', { amount: 2, note: 'one' }, key('k2')), 409, 'unique');
  ok(await s.post('/v1/payments', { amount: 2, note: 'two' }, key('k2')), 201);
  problem(await s.patch('/v1/people/9', { age: 1 }, key('k3')), 404);
  ok(await s.post('/v1/people', { id: 9, name: 'Ada' }), 201);
  ok(await s.patch('/v1/people/9', { age: 1 }, key('k3')));
  assert.equal(await count(s), 2);
});

play('PUT and DELETE need no key, a relative PATCH does', what, async (s) => {
  ok(await s.post('/v1/people', { name: 'Ada', age: 1 }), 201);
  const put = [];
  for (let i = 0; i < 2; i++) put.push(ok(await s.put('/v1/people/1', { name: 'Bob', age: 2 }, key('bad key, ignored'))));
  assert.deepEqual(put[0], put[1]);
  const age = async () => ok(await s.get('/v1/people/1')).age;
  for (let i = 0; i < 2; i++) ok(await s.patch('/v1/people/1', { age: { $inc: 1 } }));
  assert.equal(await age(), 4, 'without a key each repeat adds');
  const first = await s.patch('/v1/people/1', { age: { $inc: 1 } }, key('birthday'));
  for (let i = 0; i < 3; i++) same(first, await s.patch('/v1/people/1', { age: { $inc: 1 } }, key('birthday')));
  assert.equal(await age(), 5, 'with one only the first does');
  ok(await s.delete('/v1/people/1', key('k')), 204);
  problem(await s.delete('/v1/people/1', key('k')), 404);
  problem(await s.get('/v1/people/1', key('k')), 404);
});

play('keys expire, and their answers are deleted', { ...what, serve: false }, async (s, p) => {
  p.write('queries/kept.sql', '-- name: kept\n-- roles: public\nSELECT count(*) AS n FROM cairn_idempotency;');
  await s.start(['--set', 'idempotency.ttl=2s']);
  const kept = async () => ok(await s.get('/v1/q/kept')).data[0].n;
  ok(await s.post('/v1/payments', { amount: 5 }, key('k')), 201);
  assert.equal(replayed(await s.post('/v1/payments', { amount: 5 }, key('k'))), 'true');
  assert.equal(await kept(), 1);
  await sleep(3100);
  const again = await s.post('/v1/payments', { amount: 6 }, key('k'));
  ok(again, 201);
  assert.equal(replayed(again), null);
  assert.equal(replayed(await s.post('/v1/payments', { amount: 6 }, key('k'))), 'true');
  assert.equal(await count(s), 2);
  for (const until = Date.now() + 20000 * slow; await kept() && Date.now() < until;) await sleep(200);
  assert.equal(await kept(), 0);
});

const required = 'idempotency:\n  required: [POST /v1/payments, "/v1/people/:id"]\n';
play('a route can demand a key', { ...what, config: required }, async (s) => {
  problem(await s.post('/v1/payments', { amount: 5 }), 400, 'idempotency_key_missing', ['Idempotency-Key']);
  ok(await s.post('/v1/payments', { amount: 5 }, key('k')), 201);
  ok(await s.patch('/v1/payments/1', { amount: 6 }));
  ok(await s.post('/v1/people', { name: 'Ada' }), 201);
  problem(await s.patch('/v1/people/1', { age: 6 }), 400, 'idempotency_key_missing');
  ok(await s.put('/v1/people/1', { name: 'Bob' }));
  assert.equal(await count(s), 1);
});

play('a route that is not there cannot demand one', { ...what, serve: false }, async (s, p) => {
  for (const [item, near] of [['/v1/payment', '/v1/payments'], ['GET /v1/payments', '/v1/payments'], ['/v1/nothing/at/all', '']]) {
    p.config(`idempotency:\n  required: ["${item}"]\n`);
    const r = p.cairn('serve', '--listen', '127.0.0.1:0');
    assert.notEqual(r.code, 0, item);
    assert.match(r.all, /cairn\.yaml:2:\d+: idempotency\.required: .* is no route that takes an Idempotency-Key/);
    if (near) assert.ok(r.all.includes(`did you mean \`${near}\``), r.all);
  }
});

play('switched off, keys are not looked at', { ...what, args: ['--set', 'idempotency.enabled=false'] }, async (s) => {
  for (let i = 0; i < 2; i++) ok(await s.post('/v1/payments', { amount: 5 }, key('not even good')), 201);
  assert.equal(await count(s), 2);
});

play('an answer that is too large to be kept undoes the work', { ...what, args: ['--set', 'idempotency.max_answer=1K'] }, async (s) => {
  const people = (n) => Array.from({ length: n }, (_, i) => ({ name: `Person ${i}` }));
  problem(await s.post('/v1/people', people(100), key('k')), 413, 'idempotency_answer_too_big');
  assert.equal(await count(s, 'people'), 0);
  ok(await s.post('/v1/people', people(3), key('k')), 201);
  assert.equal(await count(s, 'people'), 3);
});

play('a batch with a key happens once, as a whole', what, async (s) => {
  const batch = { operations: [
    { method: 'POST', path: '/v1/payments', body: { amount: 5 } },
    { method: 'POST', path: '/v1/people', body: { name: 'Ada' } }] };
  const first = await s.post('/v1/batch', batch, key('k'));
  ok(first);
  same(first, await s.post('/v1/batch', batch, key('k')));
  assert.deepEqual([await count(s), await count(s, 'people')], [1, 1]);
  const bad = { operations: [...batch.operations, { method: 'PATCH', path: '/v1/people/77', body: { age: 1 } }] };
  problem(await s.post('/v1/batch', bad, key('k2')), 404);
  assert.deepEqual([await count(s), await count(s, 'people')], [1, 1]);
  const levels = { ...batch, isolation: 'serializable' };
  const strict = await s.post('/v1/batch', levels, key('k3'));
  assert.equal(ok(strict).isolation, 'serializable');
  same(strict, await s.post('/v1/batch', levels, key('k3')));
  assert.equal(await count(s), 2);
  const go_on = { operations: [{ method: 'POST', path: '/v1/payments', body: { amount: 0 }, on_error: 'continue' }, batch.operations[0]] };
  const partly = await s.post('/v1/batch', go_on, key('k4'));
  ok(partly);
  same(partly, await s.post('/v1/batch', go_on, key('k4')));
  assert.equal(await count(s), 3);
  const reading = { read_only: true, operations: [{ method: 'GET', path: '/v1/payments' }] };
  const read = await s.post('/v1/batch', reading, key('k5'));
  assert.equal(ok(read).results[0].body.data.length, 3);
  ok(await s.post('/v1/payments', { amount: 5 }), 201);
  same(read, await s.post('/v1/batch', reading, key('k5')));
  problem(await s.post('/v1/batch', { ...batch, read_only: true }, key('k6')), 422);
  assert.equal(await count(s), 4);
});

const slowQuery = `-- name: slowly
-- method: POST
-- roles: public
INSERT INTO payments (amount) SELECT count(*) FROM generate_series(1, 3000000) RETURNING amount;`;
play('while the first still runs, the second is told to come again', { ...what, serve: false }, async (s, p) => {
  p.write('queries/slowly.sql', slowQuery);
  await s.start();
  const all = await Promise.all(Array.from({ length: 6 }, () => s.post('/v1/q/slowly', {}, key('k'))));
  const told = all.filter((r) => r.status === 409);
  assert.ok(told.length > 0, all.map((r) => r.status).join());
  for (const r of told) {
    problem(r, 409, 'idempotency_in_progress', ['Idempotency-Key']);
    assert.equal(r.header('retry-after'), '1');
  }
  const done = all.find((r) => r.status === 200);
  assert.ok(done, 'one of them works');
  same(done, await s.post('/v1/q/slowly', {}, key('k')));
  assert.equal(await count(s), 1);
});
