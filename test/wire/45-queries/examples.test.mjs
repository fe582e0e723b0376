// examples/shop/queries: every query runs, and both engines answer what plain code finds in the rows.
import fs from 'node:fs';
import path from 'node:path';
import { play, assert, ok, problem, top } from '../lib.mjs';

const shop = { app: 'shop', users: 60, on: ['sqlite', 'postgres'] };
const most = '?limit=1000';

async function rows(s, name) {
  const all = [];
  for (let page = 1, got; (got = await s.list(`/v1/${name}?limit=500&page=${page}&sort=id`)).length; page++) all.push(...got);
  return all;
}
const by = (list) => new Map(list.map((x) => [x.id, x]));

play('joins: inner, left, right, full, cross, self, several', shop, async (s) => {
  const [users, orders, brands, products, tags, employees, items] = await Promise.all(['users', 'orders', 'brands', 'products', 'tags', 'employees', 'order_items'].map((t) => rows(s, t)));
  const user = by(users);
  const product = by(products);
  const brand = by(brands);
  const inner = orders.toSorted((x, y) => x.user_id - y.user_id || x.id - y.id).map((o) => ({ name: user.get(o.user_id).name, total: o.total }));
  assert.deepEqual(await s.list(`/v1/q/user_orders${most}`), inner);

  const left = users.flatMap((u) => {
    const own = orders.filter((o) => o.user_id === u.id);
    return own.length ? own.map((o) => ({ id: u.id, name: u.name, total: o.total })) : [{ id: u.id, name: u.name, total: null }];
  });
  assert.ok(left.some((r) => r.total === null) && left.length > inner.length);
  assert.deepEqual(await s.list(`/v1/q/all_users_orders${most}`), left);

  const right = products.map((x) => ({ brand: brand.get(x.brand_id)?.name ?? null, product: x.name }));
  assert.ok(right.some((r) => r.brand === null));
  assert.deepEqual(await s.list(`/v1/q/products_of_brands${most}`), right);

  await s.post('/v1/brands', { name: 'Zz without products' });
  const full = await s.list('/v1/q/brands_and_products');
  const sorted = (list) => list.map((r) => `${r.brand} ${r.product}`).sort();
  assert.deepEqual(sorted(full), sorted([...right, { brand: 'Zz without products', product: null }]));
  assert.deepEqual([full.at(-1).brand, full.some((r) => r.product === null)], [null, true]);

  const cross = await s.list('/v1/q/tags_for_brands');
  assert.equal(cross.length, (brands.length + 1) * tags.length);
  assert.deepEqual(cross[1], { brand: brands[0].name, tag: tags[1].name });

  const employee = by(employees);
  const self = await s.list('/v1/q/managers');
  assert.deepEqual(self, employees.map((e) => ({ employee: e.name, manager: employee.get(e.manager_id)?.name ?? null })));

  const of = orders.find((o) => items.filter((i) => i.order_id === o.id).length > 1);
  const several = items.filter((i) => orders.find((o) => o.id === i.order_id).user_id === of.user_id)
    .map((i) => ({ name: user.get(of.user_id).name, total: orders.find((o) => o.id === i.order_id).total, product_name: product.get(i.product_id).name, quantity: i.quantity }));
  assert.deepEqual(await s.list(`/v1/q/ordered_products?user_id=${of.user_id}`), several);
});

play('one statement for users and their posts, however many', { ...shop, workers: 1 }, async (s) => {
  const list = await s.list('/v1/q/users_with_posts?ids=1,2,3,4');
  assert.deepEqual([...new Set(list.map((r) => r.id))], [1, 2, 3, 4]);
  assert.deepEqual(await s.list('/v1/q/users_with_posts?ids=1&ids=2'), list.filter((r) => r.id < 3));
  assert.deepEqual(await s.list('/v1/q/users_with_posts?ids='), []);
  const count = (ids) => s.statements(() => s.list(`/v1/q/users_with_posts?ids=${ids}`));
  assert.equal(await count('1,2,3,4'), await count('1'));
  assert.equal(await s.statements(() => s.list('/v1/q/all_users_orders?limit=10')), 1);
  assert.equal(await s.statements(() => s.get('/v1/q/order_summary?id=1')), 1);
});

play('groups and aggregates', shop, async (s) => {
  const users = await rows(s, 'users');
  const cities = [...new Set(users.map((u) => u.city))].map((city) => {
    const of = users.filter((u) => u.city === city);
    const ages = of.map((u) => u.age).filter((a) => a !== null);
    return { city, users: of.length, seniors: ages.filter((a) => a >= 65).length, youngest: Math.min(...ages), oldest: Math.max(...ages), average_age: Math.round(ages.reduce((n, a) => n + a, 0) / ages.length * 10) / 10 };
  }).sort((x, y) => y.users - x.users || (x.city < y.city ? -1 : 1));
  const r = await s.get('/v1/q/city_stats');
  assert.deepEqual(ok(r).data, cities);
  assert.equal(r.header('cache-control'), 'public, max-age=300');
  assert.deepEqual(await s.list('/v1/q/city_stats?least=100'), []);

  const oslo = users.filter((u) => u.city === 'Oslo').toSorted((x, y) => (x.created_at < y.created_at ? 1 : -1)).map(({ id, name, age, created_at }) => ({ id, name, age, created_at }));
  assert.deepEqual(await s.list('/v1/q/users_by_city?city=Oslo'), oslo.slice(0, 20));
  problem(await s.get('/v1/q/users_by_city?cty=Oslo'), 400, 'unknown_parameter', ['city', 'cty']);

  const [laptop, ...others] = await s.list('/v1/q/catalogue?limit=200');
  const reviews = (await rows(s, 'reviews')).filter((x) => x.product_id === 1);
  assert.deepEqual(laptop, { id: 1, name: 'Laptop', price: 1000, category: 'Electronics', brand: 'Dell', tags: 'business,portable,windows', avg_rating: reviews.reduce((n, x) => n + x.rating, 0) / reviews.length, reviews: reviews.length });
  assert.equal(others.length, (await rows(s, 'products')).length - 1);
  assert.ok((await s.list('/v1/q/catalogue?category=Books&limit=3&offset=1')).every((x) => x.category === 'Books'));

  const months = await s.list('/v1/q/sales_by_month');
  const orders = (await rows(s, 'orders')).filter((o) => o.status !== 'cancelled');
  const cents = (list) => list.reduce((n, o) => n + Math.round(o.total * 100), 0);
  assert.deepEqual(months.map((m) => m.month), [...new Set(orders.map((o) => o.created_at.slice(0, 7)))].sort());
  assert.equal(Math.round(months.at(-1).sales_so_far * 100), cents(orders));
  assert.equal(months[0].change, null);
  assert.equal(Math.round(months[1].change * 100), Math.round(months[1].sales * 100) - Math.round(months[0].sales * 100));
  assert.deepEqual(await s.list('/v1/q/sales_by_month?since=2030-01-01'), []);

  const best = await s.list('/v1/q/best_sellers?places=1');
  assert.equal(new Set(best.map((x) => x.category)).size, best.length);
  assert.ok(best.length > 2 && best.every((x) => x.place === 1 && x.pieces > 0));
});

play('one order with its items; restocking', shop, async (s) => {
  const items = await rows(s, 'order_items');
  const order = ok(await s.get('/v1/q/order_summary?id=1'));
  assert.deepEqual(order.items.map((i) => i.quantity), items.filter((i) => i.order_id === 1).map((i) => i.quantity));
  problem(await s.get('/v1/q/order_summary?id=4711'), 404, 'not_found');
  const short = (await rows(s, 'products')).filter((x) => x.stock < 30);
  const changed = ok(await s.post('/v1/q/restock', { below: 30, pieces: 7 })).data;
  assert.deepEqual(changed.toSorted((x, y) => x.id - y.id), short.map((x) => ({ id: x.id, name: x.name, stock: x.stock + 7 })));
  problem(await s.post('/v1/q/restock', { pieces: 0 }), 422, 'invalid', ['pieces']);
});

// Whom `from` reaches within so many steps, by the rows of follows.
function reach(follows, from, depth) {
  const steps = new Map();
  for (let n = 1, edge = [from]; n <= depth; n++) {
    edge = follows.filter((f) => edge.includes(f.follower_id)).map((f) => f.followed_id);
    for (const id of edge) if (!steps.has(id)) steps.set(id, n);
  }
  steps.delete(from);
  return [...steps].sort((x, y) => x[1] - y[1] || x[0] - y[0]);
}

play('friends of friends, and who reports to whom', shop, async (s) => {
  const users = await rows(s, 'users');
  assert.deepEqual(ok(await s.post('/v1/q/follow', { follower_id: 1, followed_id: 30 })), { changes: 1 });
  assert.deepEqual(ok(await s.post('/v1/q/follow', { follower_id: 1, followed_id: 30 })), { changes: 0 }, 'twice is once');
  assert.deepEqual(ok(await s.post('/v1/q/follow', { follower_id: 30, followed_id: 1 })), { changes: 1 }, 'a circle');
  problem(await s.post('/v1/q/follow', { follower_id: 1, followed_id: 1 }), 422);
  problem(await s.post('/v1/q/follow', { follower_id: 1, followed_id: 99999 }), 422, 'parent');
  const follows = await s.list('/v1/follows?limit=1000');
  const name = encodeURIComponent(users[0].name);
  for (const depth of [1, 2, 3, 6]) {
    const found = await s.list(`/v1/q/friends_of_friends?name=${name}&depth=${depth}`);
    assert.deepEqual(found.map((r) => [r.id, r.steps]), reach(follows, 1, depth));
    assert.ok(found.every((r) => r.name === users[r.id - 1].name));
  }
  assert.deepEqual(await s.list(`/v1/q/friends_of_friends?name=${name}`), await s.list(`/v1/q/friends_of_friends?name=${name}&depth=2`));
  assert.ok(reach(follows, 1, 6).length > reach(follows, 1, 2).length);
  problem(await s.get('/v1/q/friends_of_friends?name=x&depth=7'), 400, 'bad_value', ['depth']);
  const below = await s.list('/v1/q/reports_to?id=1');
  assert.equal(below.length, 8);
  assert.deepEqual(below.at(-1), { id: 9, name: 'Jon Moe', title: 'Apprentice', level: 3 });
});

play('every example query is served, and described', shop, async (s, p) => {
  const folder = path.join(top, 'examples/shop/queries');
  const names = fs.readdirSync(folder).flatMap((f) => [...fs.readFileSync(path.join(folder, f), 'utf8').matchAll(/^-- name: (\w+)$/gm)].map((m) => m[1]));
  assert.ok(names.length > 10);
  const routes = p.do('routes').out;
  for (const n of names) assert.match(routes, new RegExp(`^(GET|POST) +/v1/q/${n} +query: `, 'm'));
});
