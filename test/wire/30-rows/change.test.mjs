// PUT replaces, PATCH changes, DELETE removes (guide 2, 11 and 12).
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 5 };
const john = { name: 'John Smith', email: 'john@example.com', age: 25, city: 'New York' };

play('PUT replaces: a missing field becomes null or its default', shop, async (s) => {
  const r = ok(await s.put('/v1/users/1', john));
  assert.deepEqual([r.id, r.name, r.email, r.age, r.city], [1, 'John Smith', 'john@example.com', 25, 'New York']);
  const bare = ok(await s.put('/v1/users/1', { name: 'J', email: 'j@example.com' }));
  assert.deepEqual([bare.age, bare.city], [null, null]);
  assert.deepEqual(ok(await s.get('/v1/users/1')), bare);
  const order = ok(await s.put('/v1/orders/1', { user_id: 2 }));
  assert.equal(order.status, 'pending');
});

play('PUT twice is as PUT once', shop, async (s) => {
  const body = { ...john, created_at: '2026-02-02T02:02:02Z' };
  const first = ok(await s.put('/v1/users/1', body));
  assert.deepEqual(ok(await s.put('/v1/users/1', body)), first);
  assert.equal(ok(await s.get('/v1/users')).total, 5);
});

play('PUT must have what is required, and may repeat its id but not change it', shop, async (s) => {
  problem(await s.put('/v1/users/1', { age: 3 }), 422, undefined, ['name', 'email']);
  ok(await s.put('/v1/users/1', { id: 1, ...john }));
  assert.equal((await s.put('/v1/users/1', { id: 2, ...john })).status, 422);
});

play('PUT of a key that is free: made for keys that clients choose, else 404', shop, async (s) => {
  const made = await s.put('/v1/accounts/C', { balance: 5 });
  assert.ok([201, 404].includes(made.status), made.text);
  if (made.status === 201) assert.equal(ok(await s.get('/v1/accounts/C')).balance, 5);
  const r = await s.put('/v1/users/77', { ...john, email: 'n@x.y' });
  assert.ok([201, 404].includes(r.status), r.text);
});

play('PATCH changes what is named and nothing else', shop, async (s) => {
  const before = ok(await s.get('/v1/users/1'));
  const r = ok(await s.patch('/v1/users/1', { name: 'John Smith' }));
  assert.deepEqual(r, { ...before, name: 'John Smith' });
  assert.deepEqual(ok(await s.get('/v1/users/1')), r);
  assert.equal(ok(await s.patch('/v1/users/1', { age: null })).age, null);
  assert.equal(ok(await s.patch('/v1/users/1', { age: 0 })).age, 0);
  assert.deepEqual(ok(await s.patch('/v1/users/1', {})).name, 'John Smith');
});

play('PATCH with absolute values may be repeated', shop, async (s) => {
  for (let i = 0; i < 2; i++) assert.equal(ok(await s.patch('/v1/users/1', { age: 25 })).age, 25);
});

play('PATCH refuses as POST does', shop, async (s) => {
  problem(await s.patch('/v1/users/1', { name: null, age: -1, nick: 1 }), 422, undefined, ['name', 'age', 'nick']);
  problem(await s.patch('/v1/users/2', { email: 'john@example.com' }), 409, 'unique', ['email']);
  problem(await s.patch('/v1/posts/1', { user_id: 99 }), 422, 'parent', ['user_id']);
  problem(await s.patch('/v1/users/99', { age: 3 }), 404, 'not_found');
  problem(await s.patch('/v1/users/1', '{"age":'), 400);
  assert.ok([400, 422].includes((await s.patch('/v1/users/1', [{ age: 3 }])).status));
  assert.equal((await s.patch('/v1/users/1', { id: 50 })).status, 422);
});

play('DELETE answers 204, then 404; the state is the same', shop, async (s) => {
  const id = ok(await s.post('/v1/users', { name: 'A', email: 'a@b.c' }), 201).id;
  const r = await s.delete(`/v1/users/${id}`);
  assert.equal(r.status, 204);
  assert.equal(r.text, '');
  const p = problem(await s.delete(`/v1/users/${id}`), 404, 'not_found');
  assert.equal(p.error, 'User not found');
  problem(await s.get(`/v1/users/${id}`), 404, 'not_found');
});

play('a DELETE that others forbid is 409 and tells by whom; ON DELETE CASCADE takes them along', shop, async (s) => {
  const p = problem(await s.delete('/v1/users/1'), 409, 'children');
  assert.match(JSON.stringify(p), /posts|comments|orders|reviews|accounts/);
  ok(await s.get('/v1/users/1'));
  assert.ok(ok(await s.get('/v1/comments?post_id=eq.2')).total > 0);
  assert.equal((await s.delete('/v1/posts/2')).status, 204);
  assert.equal(ok(await s.get('/v1/comments?post_id=eq.2')).total, 0);
});

play('a change of a key that others use is refused', shop, async (s) => {
  const r = await s.patch('/v1/accounts/A', { id: 'Z' });
  assert.ok([409, 422].includes(r.status), r.text);
});

play('writes at once on one row: each whole, none lost', shop, async (s) => {
  const all = await Promise.all(Array.from({ length: 60 }, (_, i) => s.patch('/v1/users/1', { age: i, city: `c${i}` })));
  for (const r of all) ok(r);
  const end = ok(await s.get('/v1/users/1'));
  assert.equal(end.city, `c${end.age}`);
});
