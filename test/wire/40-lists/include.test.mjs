// Relations: nested answers, one statement for each, whatever the number of rows (guide 7).
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 120 };

play('one, many, and through a join table', shop, async (s) => {
  const post = ok(await s.get('/v1/posts/1?include=author,comments'));
  assert.equal(post.author.name, 'John Doe');
  assert.equal(post.comments.length, 3);
  assert.ok(post.comments.every((c) => c.post_id === 1));
  const laptop = ok(await s.get('/v1/products/1?include=tags,category,brand,reviews'));
  assert.deepEqual(laptop.tags.map((t) => t.name).sort(), ['business', 'portable', 'windows']);
  assert.equal(laptop.category.name, 'Electronics');
  assert.equal(laptop.brand.name, 'Dell');
  assert.equal(laptop.reviews.length, 2);
});

play('what is not there is null or an empty list', shop, async (s) => {
  const boss = ok(await s.get('/v1/employees/1?include=manager,reports'));
  assert.equal(boss.manager, null);
  assert.deepEqual(boss.reports.map((e) => e.id), [2, 3]);
  assert.deepEqual(ok(await s.get('/v1/employees/9?include=reports')).reports, []);
  assert.equal(ok(await s.get('/v1/employees/9?include=manager')).manager.name, 'Lars Lund');
  const unbranded = (await s.list('/v1/products?brand_id=is.null&include=brand&limit=1'))[0];
  assert.equal(unbranded.brand, null);
});

play('nested: as the guide\'s GraphQL example', shop, async (s) => {
  const user = ok(await s.get('/v1/users/1?include=posts.comments'));
  assert.equal(user.posts.length, 1);
  assert.equal(user.posts[0].comments.length, 3);
  const order = (await s.list('/v1/orders?limit=1&include=items.product.category,user'))[0];
  assert.ok(order.items[0].product.category.name);
  assert.equal(order.user.id, order.user_id);
  const chain = ok(await s.get('/v1/employees/9?include=manager.manager.manager'));
  assert.equal(chain.manager.manager.manager.name, 'Ingrid Berg');
});

play('limit and order of each relation, per parent', shop, async (s) => {
  const posts = await s.list('/v1/posts?limit=20&sort=id&include=comments(limit:2,sort:-id).author');
  for (const p of posts) {
    assert.equal(p.comments.length, 2, `post ${p.id}`);
    assert.ok(p.comments[0].id > p.comments[1].id);
    assert.equal(p.comments[0].author.id, p.comments[0].user_id);
    assert.equal(p.comments[0].id, p.id * 3);
  }
  const one = ok(await s.get('/v1/posts/1?include=comments(limit:1,sort:id)'));
  assert.deepEqual(one.comments.map((c) => c.id), [1]);
});

play('a page of 1, 10 and 100 rows costs the same number of statements', shop, async (s) => {
  for (const include of ['author', 'comments', 'author,comments.author', 'comments(limit:2,sort:-id).author']) {
    const counts = [];
    for (const limit of [1, 10, 100]) {
      counts.push(await s.statements(async () => {
        const r = ok(await s.get(`/v1/posts?limit=${limit}&include=${include}&count=none`));
        assert.equal(r.data.length, limit);
        assert.ok(r.data.every((p) => include.startsWith('author') ? p.author : p.comments.length > 0));
      }));
    }
    assert.equal(counts[0], counts[1], include);
    assert.equal(counts[1], counts[2], include);
    assert.equal(counts[2], 1 + include.split(/[,.](?![^(]*\))/).length, `${include}: one statement a relation`);
  }
});

// A page whose parents have few children is read without looking up the limit of each: who has many is asked for again.
const crowd = { migrations: 'CREATE TABLE a (id SERIAL PRIMARY KEY); CREATE TABLE b (id SERIAL PRIMARY KEY, a_id INTEGER NOT NULL REFERENCES a (id)); CREATE INDEX b_a ON b (a_id);' };
play('the limit of a relation holds on pages of few and of many', crowd, async (s) => {
  ok(await s.post('/v1/a', Array.from({ length: 5 }, () => ({}))), 201);
  const some = async (a_id, n) => { for (let left = n; left > 0; left -= 100) ok(await s.post('/v1/b', Array.from({ length: Math.min(left, 100) }, () => ({ a_id }))), 201); };
  const counts = async (q) => (await s.list(`/v1/a?sort=id&count=none&include=b${q}`)).map((x) => x.b.length);
  const cost = (q = '') => s.statements(() => counts(q));
  await some(2, 3); await some(4, 20);
  assert.deepEqual(await counts(''), [0, 3, 0, 20, 0]);
  assert.equal(await cost(), 2);
  await some(3, 100);
  assert.equal(await cost(), s.engine === 'sqlite' ? 3 : 2, 'more than a page expects: asked again');
  assert.equal(await cost(), 2, 'and not supposed any more');
  assert.deepEqual(await counts(''), [0, 3, 100, 20, 0]);
  await some(3, 1); await some(5, 250);
  for (const sort of ['id', '-id']) {
    assert.deepEqual(await counts(`(sort:${sort})`), [0, 3, 100, 20, 100]);
    const rows = (await s.list(`/v1/a?sort=id&include=b(sort:${sort})`))[2].b.map((x) => x.id);
    const all = (await s.list(`/v1/b?a_id=eq.3&limit=100&sort=${sort}&fields=id`)).map((x) => x.id);
    assert.deepEqual(rows, all, `the first hundred by ${sort}`);
  }
  assert.deepEqual(await counts('(limit:2)'), [0, 2, 2, 2, 2]);
});
play('a hundred of one parent, the rest have none: the limit is found by counting', crowd, async (s) => {
  ok(await s.post('/v1/a', Array.from({ length: 14 }, () => ({}))), 201);
  ok(await s.post('/v1/b', Array.from({ length: 51 }, () => ({ a_id: 9 }))), 201);
  assert.deepEqual((await s.list('/v1/a?sort=id&limit=14&include=b(limit:50)')).map((x) => x.b.length), Array.from({ length: 14 }, (_, i) => (i === 8 ? 50 : 0)));
});

play('parents of few and of many children get the same rows, cut per parent', shop, async (s) => {
  // Post 2 has 60 comments more, all others have three.
  const more = Array.from({ length: 60 }, (_, i) => ({ post_id: 2, user_id: 1, text: `more ${i % 7}` }));
  ok(await s.post('/v1/batch', { operations: [{ method: 'POST', path: '/v1/comments', body: more }] }));
  const all = await s.list('/v1/comments?post_id=in.(1,2,3,4,5,6,7,8)&sort=id&limit=100');
  assert.equal(all.length, 84);
  const orders = { id: (a, b) => a.id - b.id, '-id': (a, b) => b.id - a.id, 'text,-id': (a, b) => a.text < b.text ? -1 : a.text > b.text ? 1 : b.id - a.id };
  for (const [sort, by] of Object.entries(orders)) {
    for (const limit of [1, 2, 4, 50, 100, 2]) {
      const posts = await s.list(`/v1/posts?limit=8&sort=id&count=none&include=comments(sort:${sort},limit:${limit}).author`);
      for (const p of posts) {
        const want = all.filter((c) => c.post_id === p.id).sort(by).slice(0, limit).map((c) => c.id);
        assert.deepEqual(p.comments.map((c) => c.id), want, `post ${p.id}, ${sort}, ${limit}`);
        assert.ok(p.comments.every((c) => c.author.id === c.user_id));
      }
    }
  }
  const most = await s.statements(async () => ok(await s.get('/v1/posts?limit=8&sort=id&count=none&include=comments(limit:3)')));
  assert.ok(most <= 3, `${most} statements: a relation costs two at most`);
});

play('one parent of many children comes once in the database, many times in the answer', shop, async (s) => {
  const r = await s.list('/v1/comments?limit=100&sort=id&include=post.author,author');
  for (const c of r) {
    assert.equal(c.post.id, c.post_id);
    assert.equal(c.author.id, c.user_id);
    assert.equal(c.post.author.id, c.post.user_id);
  }
});

play('includes are bounded', { ...shop, args: ['--set', 'rest.include_depth=2', '--set', 'rest.include_count=3', '--set', 'rest.include_limit=2'] }, async (s) => {
  problem(await s.get('/v1/users?include=posts.comments.author'), 400);
  problem(await s.get('/v1/users?include=posts,comments,orders,reviews'), 400);
  assert.equal(ok(await s.get('/v1/posts/1?include=comments')).comments.length, 2);
  ok(await s.get('/v1/users?include=posts.comments'));
});

play('an answer of too many rows is refused, not swallowed', { ...shop, args: ['--set', 'rest.include_rows=50'] }, async (s) => {
  const r = await s.get('/v1/posts?limit=100&include=comments');
  assert.ok(r.status === 413 || r.status === 400, `${r.status}`);
  ok(await s.get('/v1/posts?limit=10&include=comments'));
});

play('a relation that is not there is 400 with the nearest name', shop, async (s) => {
  assert.match(problem(await s.get('/v1/posts?include=coments'), 400).detail, /comments/);
  for (const bad of ['include=', 'include=author,', 'include=author(', 'include=comments(limit:x)', 'include=comments(limit:0)', 'include=comments(nope:1)', 'include=comments(sort:nope)', 'include=author.nope', 'include=user_id']) {
    problem(await s.get(`/v1/posts?${bad}`), 400);
  }
});

play('includes and fields together', shop, async (s) => {
  const r = await s.list('/v1/posts?fields=id,title,author.name&include=comments(limit:1)&limit=2&sort=id');
  assert.deepEqual(Object.keys(r[0]).sort(), ['author', 'comments', 'id', 'title']);
  assert.deepEqual(Object.keys(r[0].author), ['name']);
});

play('a table that is not exposed cannot be included', { app: 'shop', users: 5, config: 'tables:\n  comments: { expose: false }\n' }, async (s) => {
  problem(await s.get('/v1/posts?include=comments'), 400);
  problem(await s.get('/v1/posts?comments.text=eq.x'), 400);
  assert.equal((await s.get('/v1/posts/1/comments')).status, 404);
});

play('text, uuid and composite keys as parents', { migrations: `
CREATE TABLE a (x INTEGER, y TEXT, PRIMARY KEY (x, y));
CREATE TABLE b (id SERIAL PRIMARY KEY, ax INTEGER, ay TEXT, FOREIGN KEY (ax, ay) REFERENCES a (x, y));
CREATE TABLE u (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), n INTEGER);
CREATE TABLE v (id SERIAL PRIMARY KEY, u_id UUID REFERENCES u (id));` }, async (s) => {
  ok(await s.post('/v1/a', [{ x: 1, y: 'p' }, { x: 1, y: 'q' }, { x: 2, y: 'p' }]), 201);
  ok(await s.post('/v1/b', [{ ax: 1, ay: 'q' }, { ax: 2, ay: 'p' }, { ax: 1, ay: 'q' }, {}]), 201);
  const a = await s.list('/v1/a?include=b&sort=x,y');
  assert.deepEqual(a.map((r) => r.b.map((c) => c.id)), [[], [1, 3], [2]]);
  assert.deepEqual((await s.list('/v1/a/1,q/b')).map((c) => c.id), [1, 3]);
  const us = [ok(await s.post('/v1/u', { n: 1 }), 201), ok(await s.post('/v1/u', { n: 2 }), 201)];
  ok(await s.post('/v1/v', [{ u_id: us[1].id }, { u_id: us[0].id }]), 201);
  assert.deepEqual((await s.list('/v1/v?include=u&sort=id')).map((r) => r.u.n), [2, 1]);
});
