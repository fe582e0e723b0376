// Keys that are no counters: text, uuid, several columns, none.
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 5 };

play('a text key, with characters that a path must escape', shop, async (s) => {
  const id = 'a/b c,d?é%';
  const r = await s.post('/v1/accounts', { id, balance: 1.5 });
  ok(r, 201);
  const at = r.header('location');
  assert.deepEqual(ok(await s.get(at)), { id, user_id: null, balance: 1.5 });
  assert.deepEqual(ok(await s.get(`/v1/accounts/${encodeURIComponent(id)}`)).id, id);
  ok(await s.patch(at, { balance: 2 }));
  assert.equal((await s.delete(at)).status, 204);
  assert.equal(ok(await s.get('/v1/accounts/A')).balance, 500);
  problem(await s.post('/v1/accounts', { id: 'A' }), 409, 'unique', ['id']);
  problem(await s.post('/v1/accounts', {}), 422, undefined, ['id']);
});

play('a composite key is its values with commas', shop, async (s) => {
  assert.deepEqual(ok(await s.get('/v1/product_tags/1,3')), { product_id: 1, tag_id: 3 });
  problem(await s.get('/v1/product_tags/1,99'), 404, 'not_found');
  for (const bad of ['1', '1,', ',1', '1,2,3', 'x,y']) assert.equal((await s.get(`/v1/product_tags/${bad}`)).status, 404, bad);
  const r = await s.post('/v1/product_tags', { product_id: 1, tag_id: 7 });
  ok(r, 201);
  assert.match(decodeURIComponent(r.header('location')), /^\/v1\/product_tags\/1,7$/);
  problem(await s.post('/v1/product_tags', { product_id: 1, tag_id: 7 }), 409, 'unique', ['product_id', 'tag_id']);
  assert.equal((await s.delete('/v1/product_tags/1,7')).status, 204);
});

play('uuid keys are made by the database', { migrations: 'CREATE TABLE docs (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), title TEXT);' }, async (s) => {
  const made = [ok(await s.post('/v1/docs', { title: 'a' }), 201), ok(await s.post('/v1/docs', { title: 'b' }), 201)];
  for (const d of made) assert.match(d.id, /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(made[0].id, made[1].id);
  assert.equal(ok(await s.get(`/v1/docs/${made[0].id.toUpperCase()}`)).title, 'a');
  problem(await s.get('/v1/docs/1'), 404);
  const own = '01890a5d-ac96-774b-bcce-b302099a8057';
  assert.equal((await s.post('/v1/docs', { id: own, title: 'c' })).header('location'), `/v1/docs/${own}`);
});

play('ids that are none are 404', shop, async (s) => {
  for (const id of ['0', '-1', 'abc', '1.5', '01', '+1', '1e0', '9223372036854775808', '%31%32%33%34%35', '1%20', '%EF%BC%91']) {
    const r = await s.get(`/v1/users/${id}`);
    assert.ok(r.status === 404, `${id}: ${r.status}`);
  }
});

play('a table without a key has a list and no rows of its own', { migrations: 'CREATE TABLE logs (at TIMESTAMPTZ DEFAULT now(), text TEXT);' }, async (s) => {
  const r = await s.post('/v1/logs', { text: 'Starting' });
  ok(r, 201);
  assert.equal(r.header('location'), null);
  assert.equal((await s.list('/v1/logs'))[0].text, 'Starting');
  assert.equal((await s.get('/v1/logs/1')).status, 404);
});

play('a view is read only', { migrations: `CREATE TABLE a (id SERIAL PRIMARY KEY, n INTEGER);
  CREATE VIEW big AS SELECT id, n FROM a WHERE n > 10;` }, async (s) => {
  ok(await s.post('/v1/a', [{ n: 5 }, { n: 50 }]), 201);
  assert.deepEqual((await s.list('/v1/big')).map((r) => r.n), [50]);
  problem(await s.post('/v1/big', { n: 1 }), 405, 'method_not_allowed');
});

play('words of SQL and odd names are names', { migrations: `CREATE TABLE "order" (id SERIAL PRIMARY KEY, "from" TEXT, "select" INTEGER, "limit" INTEGER, "Größe" TEXT);` }, async (s) => {
  const row = ok(await s.post('/v1/order', { from: 'a', select: 1, limit: 2, 'Größe': 'L' }), 201);
  assert.deepEqual(row, { id: 1, from: 'a', select: 1, limit: 2, 'Größe': 'L' });
  assert.deepEqual(await s.ids('/v1/order?filter[limit]=eq.2&from=eq.a&sort=-select'), [1]);
});
