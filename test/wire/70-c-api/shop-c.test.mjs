// Handlers in C: examples/hello and examples/shop-c, built against the static library.
import fs from 'node:fs';
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', program: 'shop-c', users: 120 };

play('hello', { program: 'hello' }, async (s) => {
  const r = await s.get('/hello');
  assert.equal(ok(r) ?? r.text, 'Hello, World!');
  assert.match(r.header('content-type'), /^text\/plain/);
  assert.deepEqual(ok(await s.get('/hello/Ada%20%22L%22')), { hello: 'Ada "L"' });
  problem(await s.get('/hello/a/b'), 404, 'not_found');
  problem(await s.post('/hello', {}), 405, 'method_not_allowed');
  assert.equal((await s.fetch('/hello', { method: 'HEAD' })).header('content-length'), '13');
  ok(await s.get('/livez'));
});

play('the tables are served beside the handlers, and metrics know both', shop, async (s) => {
  assert.equal(ok(await s.get('/v1/users/1')).name, 'John Doe');
  ok(await s.get('/customers/best'));
  assert.equal(await s.metric('cairn_http_requests_total', 'route="/customers/best"'), 1);
});

play('middleware: on every route, on those of a group, and it can answer', shop, async (s) => {
  assert.equal((await s.get('/customers/best')).header('x-shop'), 'shop-c');
  assert.equal((await s.get('/v1/users/1')).header('x-shop'), null, 'only on routes in C');
  const refused = await s.get('/office/names');
  problem(refused, 403, 'forbidden');
  assert.equal(refused.header('x-shop'), 'shop-c');
  ok(await s.get('/office/names', { 'X-Api-Key': 'open-sesame' }));
});

play('a stream of rows', shop, async (s) => {
  const r = await s.get('/office/names', { 'X-Api-Key': 'open-sesame' });
  const lines = r.text.trim().split('\n');
  assert.equal(lines.length, 120);
  assert.equal(lines[0], '1 John Doe');
  assert.equal(r.header('transfer-encoding'), 'chunked');
});

play('parameters of path and query, and a bad one', shop, async (s) => {
  const all = ok(await s.get('/customers/best?orders=1'));
  assert.ok(all.count > 0 && all.count === all.customers.length);
  assert.ok(all.customers.every((c) => typeof c.orders === 'number' && c.name));
  assert.deepEqual(problem(await s.get('/customers/best?orders=many'), 400, 'bad_value').errors.map((e) => e.field), ['orders']);
});

play('a transaction is all or nothing', shop, async (s) => {
  const money = async () => Promise.all(['A', 'B'].map(async (id) => ok(await s.get(`/bank/accounts/${id}`)).balance));
  const [a, b] = await money();
  const made = ok(await s.post('/bank/transfers', { from: 'A', to: 'B', amount: 100 }), 201);
  assert.equal(made.amount, 100);
  assert.deepEqual(await money(), [a - 100, b + 100]);
  problem(await s.post('/bank/transfers', { from: 'A', to: 'nobody', amount: 5 }), 404);
  problem(await s.post('/bank/transfers', { from: 'A', to: 'B', amount: 100000 }), 422); // CHECK (balance >= 0)
  problem(await s.post('/bank/transfers', { from: 'A', to: 'A', amount: 5 }), 422); // CHECK (from <> to)
  assert.deepEqual(await money(), [a - 100, b + 100]);
  const log = await s.list('/v1/transactions?sort=-id&limit=1');
  assert.equal(log[0].id, made.id);
});

play('options of a transaction: a snapshot, and nothing written while it only reads', shop, async (s) => {
  const before = ok(await s.get('/bank/books'));
  ok(await s.post('/bank/transfers', { from: 'A', to: 'B', amount: 7 }), 201);
  const after = ok(await s.get('/bank/books'));
  assert.equal(Number(after.balances.sum), Number(before.balances.sum));
  assert.equal(Number(after.moved.sum), Number(before.moved.sum) + 7);
  problem(await s.post('/bank/frozen'), 403, 'read_only');
  assert.deepEqual(ok(await s.get('/bank/books')), after);
});

play('two hundred transfers at once leave the total as it was', shop, async (s) => {
  const total = async () => (await s.list('/v1/accounts?limit=100')).reduce((n, x) => n + x.balance, 0);
  const before = await total();
  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => s.post('/bank/transfers', { from: i % 2 ? 'A' : 'B', to: i % 2 ? 'B' : 'A', amount: 1 + i % 7 })));
  for (const r of all) assert.ok([201, 422].includes(r.status), r.text);
  assert.equal(await total(), before);
});

play('named queries from a handler, also in a transaction', shop, async (s) => {
  const city = ok(await s.get('/customers/city/Oslo'));
  assert.deepEqual(city, (await s.list('/v1/q/users_by_city?city=Oslo&limit=3')));
  assert.match(city[0].created_at, /^2026-\d\d-\d\dT[0-9:]+Z$/);
  assert.deepEqual(ok(await s.get('/customers/city/Nowhere')), []);
  assert.deepEqual(ok(await s.post('/customers/1/friends/50')), { changes: 2 });
  assert.deepEqual(ok(await s.post('/customers/1/friends/50')), { changes: 0 });
  const follows = async () => (await s.list('/v1/follows?limit=1000')).length;
  const before = await follows();
  problem(await s.post('/customers/2/friends/9999'), 422, 'parent');
  problem(await s.post('/customers/60/friends/60'), 422);
  assert.equal(await follows(), before, 'either both or neither');
});

play('a handler knows who signed in, and their roles', { ...shop, serve: false }, async (s, p) => {
  p.migrations({ '20270101000000_accounts.sql': 'ALTER TABLE users ADD COLUMN password_hash TEXT; ALTER TABLE users ADD COLUMN role TEXT;' });
  const file = `${p.dir}/cairn.yaml`;
  fs.appendFileSync(file, '\nauth: { table: users, roles: role, default_role: chief, hash_memory: 64K, hash_passes: 1 }\n'
    + 'roles: { editor: {}, chief: { includes: [editor], can: ["*"] }, admin: {} }\n');
  await s.start();
  problem(await s.get('/who'), 401);
  problem(await s.get('/v1/users/1'), 401, 'sign_in_required');
  const t = ok(await s.post('/v1/auth/register', { email: 'new@example.com', name: 'New', password: 'correct horse' }), 201);
  const as = { Authorization: `Bearer ${t.access_token}` };
  assert.deepEqual(ok(await s.get('/who', as)), { id: String(t.user.id), email: 'new@example.com', editor: true, admin: false });
  assert.equal(ok(await s.get(`/v1/users/${t.user.id}`, as)).role, 'chief');
});

play('languages, and bodies that are forms or XML', shop, async (s) => {
  for (const [accept, text, language] of [['es-AR', 'Hola', 'es'], ['fr, de;q=0.2', 'Guten Tag', 'de'], ['fr', 'Hello', 'en']]) {
    const r = await s.get('/greeting', { 'Accept-Language': accept });
    assert.deepEqual([r.text, r.header('content-language')], [text, language]);
    assert.match(r.header('vary'), /Accept-Language/);
  }
  const form = await s.post('/bank/transfers', 'from=A&to=B&amount=5', { 'Content-Type': 'application/x-www-form-urlencoded' });
  assert.equal(ok(form, 201).amount, 5);
  const xml = await s.post('/bank/transfers', '<t><from>A</from><to>B</to><amount> 7 </amount></t>', { 'Content-Type': 'application/xml' });
  assert.equal(ok(xml, 201).amount, 7);
  assert.equal(problem(await s.post('/bank/transfers', 'from=A&to=B&amount=five', { 'Content-Type': 'application/x-www-form-urlencoded' }), 422).errors[0].field, 'amount');
});

play('bodies that are wrong', shop, async (s) => {
  problem(await s.post('/bank/transfers', '{"from":'), 400);
  problem(await s.post('/bank/transfers', 'from=A', { 'Content-Type': 'text/plain' }), 415);
  assert.equal(problem(await s.post('/bank/transfers', { from: 'A', to: 'B' }), 422).errors[0].code, 'required');
  assert.equal(problem(await s.post('/bank/transfers', { from: 'A', to: 7, amount: 5 }), 422).errors[0].field, 'to');
  problem(await s.get('/bank/accounts/none'), 404, 'not_found');
});
