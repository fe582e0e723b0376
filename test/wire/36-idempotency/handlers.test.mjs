// Keys of handlers in C and of named queries. SPDX: Apache-2.0
import { play, ok, problem, assert } from '../lib.mjs';

const shop = { app: 'shop', program: 'shop-c', users: 5, on: ['sqlite', 'postgres'] };
const key = (k) => ({ 'Idempotency-Key': k });
const same = (a, b) => assert.deepEqual({ status: b.status, text: b.text, type: b.header('content-type'), x: b.header('x-shop') }, { status: a.status, text: a.text, type: a.header('content-type'), x: a.header('x-shop') });

play('a handler in C happens once, with all its statements', shop, async (s) => {
  const balance = async () => ok(await s.get('/bank/accounts/A')).balance;
  const before = await balance();
  const pay = { from: 'A', to: 'B', amount: 10 };
  const first = await s.post('/bank/transfers', pay, key('k'));
  ok(first, 201);
  assert.equal(first.header('x-shop'), 'shop-c', 'what middleware sets is kept, too');
  for (let i = 0; i < 3; i++) same(first, await s.post('/bank/transfers', pay, key('k')));
  assert.equal(await balance(), before - 10);
  problem(await s.post('/bank/transfers', { ...pay, amount: 11 }, key('k')), 422, 'idempotency_key_reused');
  problem(await s.post('/bank/transfers', { ...pay, amount: 1e6 }, key('k2')), 422);
  ok(await s.post('/bank/transfers', pay, key('k2')), 201);
  assert.equal(await balance(), before - 20);
  problem(await s.post('/bank/transfers', { ...pay, to: 'nobody' }, key('k3')), 404);
  assert.equal(await balance(), before - 20);
});

play('a handler that asks for a stricter or a reading transaction gets it', shop, async (s) => {
  const books = await s.post('/bank/books', {}, key('k'));
  ok(books);
  ok(await s.post('/bank/transfers', { from: 'A', to: 'B', amount: 10 }), 201);
  same(books, await s.post('/bank/books', {}, key('k')));
  assert.notEqual((await s.post('/bank/books', {}, key('k2'))).text, books.text);
  problem(await s.post('/bank/frozen', {}, key('k')), 403, 'read_only');
});

play('what a handler would stream is sent whole, once it is kept', shop, async (s) => {
  const first = await s.post('/office/names', {}, { ...key('k'), 'X-Api-Key': 'open-sesame' });
  ok(first);
  assert.equal(first.header('content-length'), String(first.text.length));
  assert.equal(first.text.trim().split('\n').length, 5);
  same(first, await s.post('/office/names', {}, { ...key('k'), 'X-Api-Key': 'open-sesame' }));
});

play('a named query', { ...shop, program: undefined }, async (s) => {
  const follow = { follower_id: 1, followed_id: 3 };
  const first = await s.post('/v1/q/follow', follow, key('k'));
  ok(first);
  same(first, await s.post('/v1/q/follow', follow, key('k')));
});
