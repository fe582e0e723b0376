// sort, fields, and the pages of guide 16.
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 100 };

play('a page as in the guide', shop, async (s) => {
  const r = ok(await s.get('/v1/users?page=2&limit=10'));
  assert.deepEqual([r.page, r.limit, r.total, r.total_pages], [2, 10, 100, 10]);
  assert.deepEqual(r.data.map((u) => u.id), [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  const o = ok(await s.get('/v1/users?offset=20&limit=10'));
  assert.deepEqual(o.data.map((u) => u.id), [21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
  assert.equal(o.total, 100);
  const d = ok(await s.get('/v1/users'));
  assert.deepEqual([d.page, d.limit, d.data.length], [1, 10, 10]);
});

play('the last page, pages behind it, and odd totals', shop, async (s) => {
  const last = ok(await s.get('/v1/users?page=15&limit=7'));
  assert.deepEqual([last.data.length, last.total_pages], [2, 15]);
  const beyond = ok(await s.get('/v1/users?page=16&limit=7'));
  assert.deepEqual([beyond.data.length, beyond.total], [0, 100]);
  const none = ok(await s.get('/v1/users?city=eq.Atlantis'));
  assert.deepEqual([none.data, none.total, none.total_pages], [[], 0, 0]);
});

play('Link headers lead through the pages', shop, async (s) => {
  let target = '/v1/users?limit=30&sort=id&city=neq.Nowhere';
  const ids = [];
  for (let i = 0; i < 10 && target; i++) {
    const r = await s.get(target);
    ids.push(...ok(r).data.map((u) => u.id));
    target = /<([^>]+)>; *rel="?next"?/.exec(r.header('link') ?? '')?.[1];
  }
  assert.deepEqual(ids, Array.from({ length: 100 }, (_, i) => i + 1));
});

play('count=none and count=exact', shop, async (s) => {
  const none = ok(await s.get('/v1/users?count=none&limit=3'));
  assert.equal(none.data.length, 3);
  assert.ok(!('total' in none) || none.total === null);
  assert.equal(await s.statements(() => s.get('/v1/users?count=none&limit=3')), 1);
  assert.equal(ok(await s.get('/v1/users?count=exact&limit=3')).total, 100);
});

play('page parameters out of their bounds', shop, async (s) => {
  for (const bad of ['limit=0', 'limit=-1', 'limit=x', 'limit=1.5', 'page=0', 'page=-1', 'page=x', 'offset=-1', 'page=1&offset=3', 'limit=5&limit=6', 'count=maybe', 'limit=99999999999999999999', 'page=9223372036854775807']) {
    problem(await s.get(`/v1/users?${bad}`), 400);
  }
  const most = await s.get('/v1/users?limit=100000');
  assert.ok(most.status === 400 || (most.body.limit === 1000), most.text.slice(0, 200));
});

play('sort: directions, several columns, nulls', shop, async (s) => {
  const rows = await s.list('/v1/users?sort=-city,name,id&limit=100');
  const want = [...rows].sort((a, b) => (a.city < b.city ? 1 : a.city > b.city ? -1 : a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id));
  assert.deepEqual(rows.map((r) => r.id), want.map((r) => r.id));
  const ages = async (sort) => (await s.list(`/v1/users?sort=${sort}&limit=100&fields=age`)).map((r) => r.age);
  const up = await ages('age.nullsfirst');
  assert.equal(up[0], null);
  assert.equal((await ages('age.nullslast')).at(-1), null);
  assert.equal((await ages('-age.nullslast')).at(-1), null);
  assert.equal((await ages('-age.nullsfirst'))[0], null);
  assert.equal((await ages('age')).at(-1), null, 'as PostgreSQL: nulls last ascending');
  assert.equal((await ages('-age'))[0], null, 'and first descending');
});

play('sort by what is not there', shop, async (s) => {
  for (const bad of ['sort=nope', 'sort=', 'sort=id,', 'sort=--id', 'sort=id.up', 'sort=id;drop']) problem(await s.get(`/v1/users?${bad}`), 400);
  assert.match(problem(await s.get('/v1/users?sort=-created'), 400).detail, /created_at/);
});

play('fields: own, of relations, in the order asked', shop, async (s) => {
  assert.deepEqual(ok(await s.get('/v1/users/1?fields=id,name')), { id: 1, name: 'John Doe' });
  assert.equal((await s.get('/v1/users/1?fields=name,id')).text, '{"name":"John Doe","id":1}');
  const post = ok(await s.get('/v1/posts/1?fields=id,title,author.name'));
  assert.deepEqual(post, { id: 1, title: post.title, author: { name: 'John Doe' } });
  for (const bad of ['fields=nope', 'fields=', 'fields=id,,name', 'fields=author.nope', 'fields=password']) problem(await s.get(`/v1/posts?${bad}`), 400);
});
