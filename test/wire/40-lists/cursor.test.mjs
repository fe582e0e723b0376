// Keyset pages: both ways, with any sort, stable while rows come and go, and signed.
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 60 };

// Follows next_cursor from a first request to the end; answers the ids.
async function walk(s, query, { limit = 7, between } = {}) {
  const ids = [];
  let target = `/v1/users?${query}&limit=${limit}&cursor=`;
  for (let i = 0; i < 100; i++) {
    const page = ok(await s.get(target));
    ids.push(...page.data.map((u) => u.id));
    assert.equal(page.has_more, page.next_cursor !== null, 'has_more tells whether next_cursor is there');
    if (!page.has_more) return ids;
    assert.equal(page.data.length, limit);
    if (between) await between(i);
    target = `/v1/users?${query}&limit=${limit}&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
  return assert.fail('the pages do not end');
}

play('the answer as in the guide', shop, async (s) => {
  const first = ok(await s.get('/v1/users?cursor=&limit=10'));
  assert.deepEqual(Object.keys(first).filter((k) => ['data', 'next_cursor', 'has_more', 'total'].includes(k)), ['data', 'next_cursor', 'has_more']);
  assert.equal(first.data.length, 10);
  assert.equal(first.has_more, true);
  const second = ok(await s.get(`/v1/users?cursor=${first.next_cursor}&limit=10`));
  assert.deepEqual(second.data.map((u) => u.id), [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
});

play('with every sort the pages are the whole list, once', { ...shop, timeout: 120000 }, async (s) => {
  for (const sort of ['id', '-id', 'city', '-city', 'age', '-age', 'age.nullsfirst', '-age.nullslast', 'city,-age', '-created_at,name', 'email']) {
    const whole = await s.ids(`/v1/users?sort=${sort}&limit=100&fields=id`);
    assert.equal(whole.length, 60);
    assert.deepEqual(await walk(s, `sort=${sort}&fields=id`), whole, sort);
  }
  const some = await s.ids('/v1/users?sort=-age&age=gte.30&limit=100');
  assert.deepEqual(await walk(s, 'sort=-age&age=gte.30'), some);
});

play('back again', shop, async (s) => {
  for (const sort of ['id', '-age', 'city,-id']) {
    const pages = [];
    let r = ok(await s.get(`/v1/users?sort=${sort}&limit=7&cursor=`));
    assert.ok(!r.prev_cursor, 'nothing is before the first page');
    for (pages.push(r); r.next_cursor; pages.push(r)) r = ok(await s.get(`/v1/users?sort=${sort}&limit=7&cursor=${r.next_cursor}`));
    for (let i = pages.length - 1; i > 0; i--) {
      r = ok(await s.get(`/v1/users?sort=${sort}&limit=7&cursor=${i === pages.length - 1 ? pages[i].prev_cursor : r.prev_cursor}`));
      assert.deepEqual(r.data.map((u) => u.id), pages[i - 1].data.map((u) => u.id), `${sort} page ${i - 1}`);
    }
  }
});

play('rows that come and go do not make others come twice or be missed', shop, async (s) => {
  const ids = await walk(s, 'sort=id', {
    limit: 10,
    between: async (i) => {
      ok(await s.post('/v1/users', { name: 'new', email: `new${i}@x.y` }), 201);
      if (i === 1) {
        const id = ok(await s.post('/v1/users', { name: 'gone', email: 'gone@x.y' }), 201).id;
        assert.equal((await s.delete(`/v1/users/${id}`)).status, 204);
      }
    },
  });
  assert.equal(new Set(ids).size, ids.length);
  for (let i = 1; i <= 60; i++) assert.ok(ids.includes(i));
});

play('the row a cursor stands on may be deleted', { migrations: 'CREATE TABLE n (id SERIAL PRIMARY KEY, v INTEGER);' }, async (s) => {
  ok(await s.post('/v1/n', Array.from({ length: 9 }, (_, i) => ({ v: i % 3 }))), 201);
  const first = ok(await s.get('/v1/n?sort=v&limit=3&cursor='));
  for (const r of first.data) assert.equal((await s.delete(`/v1/n/${r.id}`)).status, 204);
  assert.deepEqual((await s.list(`/v1/n?sort=v&limit=3&cursor=${first.next_cursor}`)).map((r) => r.v), [1, 1, 1]);
});

play('a cursor that was changed, or is of another list, is 400', shop, async (s) => {
  const { next_cursor: c } = ok(await s.get('/v1/users?cursor=&limit=5&sort=-age'));
  ok(await s.get(`/v1/users?cursor=${c}&limit=5&sort=-age`));
  ok(await s.get(`/v1/users?cursor=${c}&limit=9&sort=-age`));
  for (let at = 0; at < c.length; at += 5) {
    const changed = c.slice(0, at) + (c[at] === 'A' ? 'B' : 'A') + c.slice(at + 1);
    problem(await s.get(`/v1/users?cursor=${changed}&limit=5&sort=-age`), 400, 'bad_cursor');
  }
  for (const bad of ['x', 'eyJpZCI6MTAwfQ', c.slice(0, -1), `${c}A`, c.slice(4), `${c}=`]) problem(await s.get(`/v1/users?cursor=${bad}&limit=5&sort=-age`), 400, 'bad_cursor');
  problem(await s.get('/v1/users?cursor=%00&limit=5&sort=-age'), 400);
  problem(await s.get(`/v1/users?cursor=${c}&limit=5&sort=age`), 400, 'bad_cursor');
  problem(await s.get(`/v1/users?cursor=${c}&limit=5&sort=-age&age=gt.3`), 400, 'bad_cursor');
  problem(await s.get(`/v1/posts?cursor=${c}&limit=5`), 400, 'bad_cursor');
  problem(await s.get(`/v1/users?cursor=${c}&page=2&sort=-age`), 400);
});

play('a cursor is good after a restart, and not with another secret', { ...shop, args: [] }, async (s) => {
  const { next_cursor: c } = ok(await s.get('/v1/users?cursor=&limit=5'));
  await s.restart();
  ok(await s.get(`/v1/users?cursor=${c}&limit=5`));
  s.project.config('name: shop\nrest:\n  cursor_secret: ${NEW_SECRET}\n');
  await s.restart([], { NEW_SECRET: 'quite another secret than before' });
  problem(await s.get(`/v1/users?cursor=${c}&limit=5`), 400, 'bad_cursor');
});

play('a deep page costs as much as the first', { ...shop, users: 3000, timeout: 120000 }, async (s) => {
  assert.equal(await s.statements(() => s.get('/v1/users?cursor=&limit=5')), 1);
  let c = '';
  for (let i = 0; i < 3; i++) c = ok(await s.get(`/v1/users?cursor=${c}&limit=1000`)).next_cursor ?? c;
  assert.equal(await s.statements(() => s.get(`/v1/users?cursor=${c}&limit=5`)), 1);
});
