// Sub-resources: /v1/users/123/posts, also through a join table (guide 3).
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 130 };

play('posts of a user', shop, async (s) => {
  const page = ok(await s.get('/v1/users/123/posts'));
  assert.equal(page.total, 1);
  assert.deepEqual(page.data.map((p) => p.user_id), [123]);
  problem(await s.get('/v1/users/9999/posts'), 404, 'not_found');
  problem(await s.get('/v1/users/abc/posts'), 404, 'not_found');
});

play('the grammar holds there too', shop, async (s) => {
  const all = await s.ids('/v1/posts/7/comments?sort=-id');
  assert.deepEqual(all, [21, 20, 19]);
  assert.deepEqual(await s.ids('/v1/posts/7/comments?sort=id&limit=2&page=2'), [21]);
  assert.deepEqual(await s.ids('/v1/posts/7/comments?id=gt.19&sort=id&include=author'), [20, 21]);
  const c = ok(await s.get('/v1/posts/7/comments?sort=id&limit=2&cursor='));
  assert.deepEqual(await s.ids(`/v1/posts/7/comments?sort=id&limit=2&cursor=${c.next_cursor}`), [21]);
  problem(await s.get(`/v1/posts/8/comments?sort=id&limit=2&cursor=${c.next_cursor}`), 400, 'bad_cursor');
});

play('many-to-many, both ways', shop, async (s) => {
  assert.deepEqual((await s.list('/v1/products/1/tags?sort=name')).map((t) => t.name), ['business', 'portable', 'windows']);
  assert.ok((await s.ids('/v1/tags/1/products?limit=100')).includes(1));
});

play('to one', shop, async (s) => {
  assert.equal(ok(await s.get('/v1/posts/5/author')).id, 5);
  assert.equal(ok(await s.get('/v1/employees/4/manager')).name, 'Omar Khan');
  problem(await s.get('/v1/employees/1/manager'), 404);
});

play('POST below a parent fills the foreign key', shop, async (s) => {
  const r = await s.post('/v1/users/3/posts', { title: 'mine' });
  const row = ok(r, 201);
  assert.equal(row.user_id, 3);
  assert.equal(r.header('location'), `/v1/posts/${row.id}`);
  assert.equal((await s.post('/v1/users/3/posts', { title: 'x', user_id: 4 })).status, 422);
  ok(await s.post('/v1/users/3/posts', { title: 'x', user_id: 3 }), 201);
  assert.ok([404, 422].includes((await s.post('/v1/users/9999/posts', { title: 'x' })).status));
});

play('big lists stream whole', { app: 'shop', users: 900, args: ['--set', 'rest.max_limit=5000'], timeout: 120000 }, async (s) => {
  const r = await s.get('/v1/comments?limit=2700&sort=id');
  assert.equal(ok(r).data.length, 2700);
  assert.equal(r.body.data.at(-1).id, 2700);
  assert.equal(r.body.total, 2700);
});
