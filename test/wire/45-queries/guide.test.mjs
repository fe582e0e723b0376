// The guide's own SQL with the guide's own rows (topics 4, 7, 9, 25, 30): as named queries and as requests, on both engines.
import { play, assert, ok, problem } from '../lib.mjs';

const on = ['sqlite', 'postgres'];

// A project with tables, named queries (name -> SQL, all public) and no settings but these.
const project = (migrations, queries, config = '') => ({
  on, config, migrations, serve: false, queries: Object.entries(queries).map(([name, sql]) => `-- name: ${name}\n-- roles: public\n${sql.trim()};\n`).join('\n'),
});
const begin = async (s, p) => { p.write('queries/guide.sql', p.what.queries); await s.start(); };
const add = async (s, table, rows) => ok(await s.post(`/v1/${table}`, rows), 201);
const sorted = (list) => list.map((x) => JSON.stringify(x)).sort();

const blog = `
CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(100), email VARCHAR(100) UNIQUE);
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER REFERENCES users(id), title VARCHAR(200), content TEXT, created_at TIMESTAMP);
CREATE INDEX idx_posts_user_id ON posts (user_id);`;

play('guide 4: SELECT u.name, p.title FROM users u JOIN posts p ... WHERE u.id = 123', project(blog, {
  titles: 'SELECT u.name, p.title\nFROM users u\nJOIN posts p ON u.id = p.user_id\nWHERE u.id = 123',
  titles_of: '-- param: id bigint\nSELECT u.name, p.title\nFROM users u\nJOIN posts p ON u.id = p.user_id\nWHERE u.id = :id\nORDER BY p.id',
}), async (s, p) => {
  await begin(s, p);
  await add(s, 'users', [{ id: 123, name: 'John Doe', email: 'john@example.com' }, { id: 124, name: 'Jane', email: 'jane@example.com' }]);
  await add(s, 'posts', [{ user_id: 123, title: 'My First Post', content: 'Hello World', created_at: '2026-01-01T00:00:00' }, { user_id: 124, title: 'Other' }, { user_id: 123, title: 'Second' }, { title: 'of nobody' }]);
  const johns = [{ name: 'John Doe', title: 'My First Post' }, { name: 'John Doe', title: 'Second' }];
  assert.deepEqual(sorted(await s.list('/v1/q/titles')), sorted(johns));
  assert.deepEqual(await s.list('/v1/q/titles_of?id=123'), johns);
  assert.deepEqual(await s.list('/v1/q/titles_of?id=125'), []);
  // The same without SQL, in the shape of the guide's document.
  const user = ok(await s.get('/v1/users/123?fields=name&include=posts(fields:title,sort:id)'));
  assert.deepEqual([user.name, user.posts.map((x) => x.title)], ['John Doe', ['My First Post', 'Second']]);
  problem(await s.post('/v1/users', { name: 'Again', email: 'john@example.com' }), 409, 'unique');
});

play('guide 7: 100 users with their posts are 2 statements, not 101', { ...project(blog, {
  joined: 'SELECT users.id, users.name, posts.title\nFROM users\nLEFT JOIN posts ON users.id = posts.user_id\nORDER BY users.id, posts.id\nLIMIT 1000',
}), workers: 1 }, async (s, p) => {
  await begin(s, p);
  await add(s, 'users', Array.from({ length: 100 }, (_, i) => ({ id: i + 1, name: `U${i + 1}`, email: `u${i + 1}@example.com` })));
  await add(s, 'posts', Array.from({ length: 198 }, (_, i) => ({ user_id: 1 + i % 99, title: `P${i}` })));
  let users;
  assert.equal(await s.statements(async () => { users = await s.list('/v1/users?limit=100&include=posts&sort=id&count=none'); }), 2);
  assert.deepEqual(users.map((u) => u.posts.length), [...Array(99).fill(2), 0]);
  assert.ok(users.every((u) => u.posts.every((x) => x.user_id === u.id)));
  let rows;
  assert.equal(await s.statements(async () => { rows = await s.list('/v1/q/joined'); }), 1, 'one with a JOIN');
  assert.deepEqual([rows.length, rows.at(-1)], [199, { id: 100, name: 'U100', title: null }]);
  const loop = await s.statements(async () => { for (const u of users) await s.list(`/v1/users/${u.id}/posts?count=none`); });
  assert.ok(loop >= 100, `a loop over ${users.length} users took ${loop} statements`);
});

const company = `
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE phones (person_id INTEGER NOT NULL REFERENCES people (id), phone VARCHAR(20) NOT NULL, PRIMARY KEY (person_id, phone));
CREATE TABLE products (id INTEGER PRIMARY KEY, product_name TEXT NOT NULL);
CREATE TABLE orders (order_id INTEGER NOT NULL, product_id INTEGER NOT NULL REFERENCES products (id), quantity INTEGER NOT NULL, PRIMARY KEY (order_id, product_id));
CREATE INDEX idx_orders_product_id ON orders (product_id);
CREATE TABLE departments (name VARCHAR(40) PRIMARY KEY, location TEXT NOT NULL);
CREATE TABLE employees (id INTEGER PRIMARY KEY, department_name VARCHAR(40) NOT NULL REFERENCES departments (name));
CREATE INDEX idx_employees_department ON employees (department_name);`;

play('guide 9: the tables after 1NF, 2NF and 3NF give what stood in those before', project(company, {
  phones_of_all: 'SELECT p.id, p.name, t.phone\nFROM people p\nJOIN phones t ON t.person_id = p.id\nORDER BY p.id, t.phone',
}, 'tables: { employees: { relations: { department: department_name } } }\n'), async (s, p) => {
  await begin(s, p);
  await add(s, 'people', { id: 1, name: 'John' });
  await add(s, 'phones', [{ person_id: 1, phone: '123-456' }, { person_id: 1, phone: '789-012' }]);
  assert.deepEqual(await s.list('/v1/q/phones_of_all'), [{ id: 1, name: 'John', phone: '123-456' }, { id: 1, name: 'John', phone: '789-012' }]);
  assert.deepEqual(ok(await s.get('/v1/people/1?include=phones(sort:phone,fields:phone)')).phones.map((x) => x.phone), ['123-456', '789-012']);
  problem(await s.post('/v1/phones', { person_id: 1, phone: '123-456' }), 409, 'unique');

  await add(s, 'products', { id: 101, product_name: 'Laptop' });
  await add(s, 'orders', [{ order_id: 1, product_id: 101, quantity: 2 }, { order_id: 2, product_id: 101, quantity: 1 }]);
  const before = async () => (await s.list('/v1/orders?sort=order_id&include=product')).map((o) => [o.order_id, o.product_id, o.product.product_name, o.quantity]);
  assert.deepEqual(await before(), [[1, 101, 'Laptop', 2], [2, 101, 'Laptop', 1]]);
  ok(await s.patch('/v1/products/101', { product_name: 'Notebook' }));
  assert.deepEqual((await before()).map((o) => o[2]), ['Notebook', 'Notebook'], 'one place holds the name');

  await add(s, 'departments', { name: 'Sales', location: 'Building A' });
  await add(s, 'employees', [{ id: 1, department_name: 'Sales' }, { id: 2, department_name: 'Sales' }]);
  const staff = async () => (await s.list('/v1/employees?sort=id&include=department')).map((e) => [e.id, e.department.name, e.department.location]);
  assert.deepEqual(await staff(), [[1, 'Sales', 'Building A'], [2, 'Sales', 'Building A']]);
  ok(await s.patch('/v1/departments/Sales', { location: 'Building B' }));
  assert.deepEqual((await staff()).map((e) => e[2]), ['Building B', 'Building B']);
  problem(await s.post('/v1/employees', { id: 3, department_name: 'Lunar' }), 422, 'parent');
});

play('guide 9: SELECT u.name, COUNT(p.id) ... GROUP BY u.id, and the same out of a kept column', project(`${blog}\nALTER TABLE users ADD COLUMN post_count INTEGER NOT NULL DEFAULT 0;`, {
  counted: 'SELECT u.name, COUNT(p.id)\nFROM users u\nLEFT JOIN posts p ON u.id = p.user_id\nGROUP BY u.id',
  kept: 'SELECT name, post_count FROM users',
}, 'tables: { users: { counters: { post_count: posts } } }\n'), async (s, p) => {
  await begin(s, p);
  await add(s, 'users', ['Alice', 'Bob', 'Charlie'].map((name) => ({ name, email: `${name}@example.com` })));
  await add(s, 'posts', [1, 1, 2].map((user_id) => ({ user_id, title: 'x' })));
  const counts = async () => [await s.list('/v1/q/counted'), await s.list('/v1/q/kept')].map((list) => Object.fromEntries(list.map((r) => [r.name, r.count ?? r.post_count])));
  assert.deepEqual(await counts(), Array(2).fill({ Alice: 2, Bob: 1, Charlie: 0 }));
  assert.equal((await s.delete('/v1/posts/1')).status, 204);
  await add(s, 'posts', { user_id: 3, title: 'y' });
  assert.deepEqual(await counts(), Array(2).fill({ Alice: 1, Bob: 1, Charlie: 1 }));
});

const shop = `
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), total INTEGER NOT NULL);
CREATE INDEX idx_orders_user_id ON orders (user_id);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE order_items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), product_id INTEGER NOT NULL REFERENCES products (id));
CREATE INDEX idx_order_items_order_id ON order_items (order_id);
CREATE INDEX idx_order_items_product_id ON order_items (product_id);`;
const join = (kind) => `SELECT users.name, orders.total\nFROM users\n${kind} JOIN orders ON users.id = orders.user_id`;

play('guide 25: Alice, Bob and Charlie, and every kind of join', project(shop, {
  inner_join: join('INNER'), left_join: join('LEFT'), right_join: join('RIGHT'), full_join: join('FULL OUTER'),
  cross_join: 'SELECT users.name, products.name AS product\nFROM users\nCROSS JOIN products',
  several: `SELECT
    users.name,
    orders.total,
    products.name AS product_name
FROM users
INNER JOIN orders ON users.id = orders.user_id
INNER JOIN order_items ON orders.id = order_items.order_id
INNER JOIN products ON order_items.product_id = products.id`,
}), async (s, p) => {
  await begin(s, p);
  await add(s, 'users', [{ id: 1, name: 'Alice' }, { id: 2, name: 'Bob' }, { id: 3, name: 'Charlie' }]);
  await add(s, 'orders', [{ id: 1, user_id: 1, total: 100 }, { id: 2, user_id: 1, total: 200 }, { id: 3, user_id: 2, total: 150 }]);
  const rows = async (name) => sorted((await s.list(`/v1/q/${name}`)).map(Object.values));
  const inner = [['Alice', 100], ['Alice', 200], ['Bob', 150]];
  assert.deepEqual(await rows('inner_join'), sorted(inner));
  assert.deepEqual(await rows('left_join'), sorted([...inner, ['Charlie', null]]));
  assert.deepEqual(await rows('right_join'), sorted(inner));
  await add(s, 'orders', { id: 4, total: 70 }); // an order without a user
  assert.deepEqual(await rows('right_join'), sorted([...inner, [null, 70]]));
  assert.deepEqual(await rows('full_join'), sorted([...inner, ['Charlie', null], [null, 70]]));
  assert.deepEqual(await rows('inner_join'), sorted(inner));
  assert.deepEqual(await rows('left_join'), sorted([...inner, ['Charlie', null]]));
  // Without SQL: all users with theirs, those who have some, and all orders with theirs.
  const of = (list) => list.map((u) => [u.name, u.orders.map((o) => o.total)]);
  assert.deepEqual(of(await s.list('/v1/users?sort=id&include=orders(sort:id)')), [['Alice', [100, 200]], ['Bob', [150]], ['Charlie', []]]);
  assert.deepEqual(of(await s.list('/v1/users?sort=id&orders=is.not_null&include=orders(sort:id)')), [['Alice', [100, 200]], ['Bob', [150]]]);
  assert.deepEqual((await s.list('/v1/orders?sort=id&include=user')).map((o) => o.user?.name ?? null), ['Alice', 'Alice', 'Bob', null]);

  await add(s, 'products', [{ id: 1, name: 'Laptop' }, { id: 2, name: 'Phone' }]);
  assert.deepEqual(await rows('cross_join'), sorted(['Alice', 'Bob', 'Charlie'].flatMap((u) => [[u, 'Laptop'], [u, 'Phone']])));
  await add(s, 'order_items', [{ id: 1, order_id: 1, product_id: 1 }, { id: 2, order_id: 3, product_id: 2 }, { id: 3, order_id: 4, product_id: 2 }]);
  assert.deepEqual(await rows('several'), sorted([['Alice', 100, 'Laptop'], ['Bob', 150, 'Phone']]));
});

const graph = `
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE follows (from_id INTEGER NOT NULL REFERENCES users (id), to_id INTEGER NOT NULL REFERENCES users (id), PRIMARY KEY (from_id, to_id));
CREATE INDEX idx_follows_to ON follows (to_id);
CREATE TABLE edges (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), kind VARCHAR(20) NOT NULL CHECK (kind IN ('LIKES', 'COMMENTED_ON')),
  post_id INTEGER NOT NULL REFERENCES posts (id), UNIQUE (user_id, kind, post_id));
CREATE INDEX idx_edges_post ON edges (post_id);`;

play('guide 30: a graph of FOLLOWS, LIKES and COMMENTED_ON, walked by recursion', project(graph, {
  two_steps: `-- param: name text
SELECT DISTINCT f.name
FROM users u
JOIN follows a ON a.from_id = u.id
JOIN follows b ON b.from_id = a.to_id
JOIN users f ON f.id = b.to_id
WHERE u.name = :name AND f.id <> u.id
ORDER BY f.name`,
  feed: `-- param: name text
-- param: depth integer = 2 min 1 max 6
WITH RECURSIVE reached (id, steps) AS (
    SELECT id, 0 FROM users WHERE name = :name
    UNION
    SELECT f.to_id, r.steps + 1
    FROM reached r
    JOIN follows f ON f.from_id = r.id
    WHERE r.steps < :depth
)
SELECT u.name, e.kind, e.post_id, min(r.steps) AS steps
FROM reached r
JOIN users u ON u.id = r.id
JOIN edges e ON e.user_id = u.id
GROUP BY u.name, e.kind, e.post_id
ORDER BY min(r.steps), u.name, e.kind, e.post_id`,
}), async (s, p) => {
  await begin(s, p);
  await add(s, 'users', [{ id: 1, name: 'John' }, { id: 2, name: 'Jane' }, { id: 3, name: 'Jim' }, { id: 4, name: 'Joan' }]);
  await add(s, 'posts', [{ id: 123, title: 'Hello' }, { id: 124, title: 'Far' }]);
  await add(s, 'follows', [{ from_id: 1, to_id: 2 }, { from_id: 2, to_id: 3 }, { from_id: 2, to_id: 1 }, { from_id: 3, to_id: 4 }, { from_id: 4, to_id: 1 }]);
  await add(s, 'edges', [{ user_id: 2, kind: 'LIKES', post_id: 123 }, { user_id: 1, kind: 'COMMENTED_ON', post_id: 123 }, { user_id: 4, kind: 'LIKES', post_id: 124 }]);
  assert.deepEqual(await s.list('/v1/q/two_steps?name=John'), [{ name: 'Jim' }]);
  const john = { name: 'John', kind: 'COMMENTED_ON', post_id: 123, steps: 0 };
  const jane = { name: 'Jane', kind: 'LIKES', post_id: 123, steps: 1 };
  assert.deepEqual(await s.list('/v1/q/feed?name=John'), [john, jane]);
  assert.deepEqual(await s.list('/v1/q/feed?name=John&depth=6'), [john, jane, { name: 'Joan', kind: 'LIKES', post_id: 124, steps: 3 }]);
  assert.deepEqual(await s.list('/v1/q/feed?name=Nobody'), []);
  const post = ok(await s.get('/v1/posts/123?include=edges(sort:id).user'));
  assert.deepEqual(post.edges.map((e) => [e.user.name, e.kind]), [['Jane', 'LIKES'], ['John', 'COMMENTED_ON']]);
  problem(await s.post('/v1/edges', { user_id: 2, kind: 'LIKES', post_id: 123 }), 409, 'unique');
  problem(await s.post('/v1/edges', { user_id: 2, kind: 'HATES', post_id: 123 }), 422);
});
