// JSON columns: filtered, sorted and shown by what is inside, and the indexes that serve it.
import { play, assert, ok, problem } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `CREATE TABLE products (id SERIAL PRIMARY KEY, name TEXT NOT NULL, price NUMERIC(10,2), attributes JSONB, plain JSON);
CREATE INDEX products_color ON products ((attributes->>'color'));
CREATE INDEX products_zip ON products ((attributes->'maker'->>'zip'));
CREATE INDEX products_all ON products USING gin (attributes);
INSERT INTO products (name, price, attributes, plain) VALUES
 ('a', 1, '{"color":"red","price":100,"tags":["x","y"],"maker":{"zip":"0150"}}', '{"n":1}'),
 ('b', 2, '{"color":"blue","price":20,"tags":["y"],"ok":true}', '{"n":"1"}'),
 ('c', 3, '{"color":5,"price":"cheap","size":{"w":1}}', NULL),
 ('d', 4, NULL, '[1,2]'),
 ('e', 5, '{"color":null,"price":3.5,"tags":[],"ok":false}', NULL);`;
const base = { on, migrations };

async function all(s, table) {
  const wrong = [];
  for (const [query, want] of table) {
    const got = (await s.list(`/v1/products?${query}`)).map((r) => r.id).join('');
    if (got !== want) wrong.push(`${query}: ${got}, not ${want}`);
  }
  assert.equal(wrong.join('\n'), '');
}

play('filters by path: text, value, nested, position, null', base, (s) => all(s, [
  ['attributes->>color=eq.red', '1'],
  ['attributes->>color=eq.5', '3'],
  ['attributes->color=eq.5', '3'],
  ['attributes->color=eq."5"', ''],
  ['attributes->>color=in.(red,blue,5)', '123'],
  ['attributes->>color=neq.red', '23'],
  ['attributes->>color=like.*e*', '12'],
  ['attributes->>color=ilike.RED', '1'],
  ['attributes->>color=is.null', '45'],
  ['attributes->color=is.null', '4'],
  ['attributes->color=eq.null', '5'],
  ['attributes->>color=isdistinct.red', '2345'],
  ['attributes->>ok=eq.true', '2'],
  ['attributes->>ok=eq.1', ''],
  ['attributes->ok=eq.false', '5'],
  ['attributes->price=gt.20', '1'],
  ['attributes->price=gte.3.5', '125'],
  ['attributes->price=eq.3.5', '5'],
  ['attributes->>price=eq.3.5', '5'],
  ['attributes->price=gt.a', '3'],
  ['attributes->maker->>zip=eq.0150', '1'],
  ['attributes->tags->>0=eq.y', '2'],
  ['attributes->size->w=lte.1', '3'],
  ['plain->>n=eq.1', '12'],
  ['plain->n=eq.1', '1'],
  ['plain->>1=eq.2', '4'],
  ['or=(attributes->>color.eq.red,attributes->price.lt.10)', '15'],
  ['not.and=(attributes->>color.eq.red,id.gt.0)', '23'],
]));

play('cs contains and cd is contained in', base, async (s) => {
  await all(s, [
    ['attributes=cs.{"color":"red"}', '1'],
    ['attributes=cs.{"tags":["y"]}', '12'],
    ['attributes=cs.{"tags":["x","y"],"price":100.0}', '1'],
    ['attributes=cs.{"maker":{"zip":"0150"}}', '1'],
    ['attributes=cs.{"color":null}', '5'],
    ['attributes->tags=cs.y', '12'],
    ['attributes->tags=cs."x"', '1'],
    ['attributes->tags=cs.[]', '125'],
    ['attributes->tags=cd.["x","y","z"]', '125'],
    ['attributes->size=cd.{"w":1,"h":2}', '3'],
    ['attributes=not.cs.{"color":"red"}', '235'],
    ['or=(attributes->tags.cs.["x","y"],attributes.cs.{"color":"blue","price":20},id.eq.4)', '124'],
  ]);
  problem(await s.get('/v1/products?attributes=cs.{"a"'), 400, 'bad_value');
  problem(await s.get('/v1/products?name=cs.a'), 400, 'bad_filter');
});

play('sorts by path: numbers by value, then texts; either arrow; cursors go through', base, async (s) => {
  await all(s, [
    ['sort=attributes->price', '52134'],
    ['sort=attributes->>price', '52134'],
    ['sort=-attributes->>price', '43125'],
    ['sort=attributes->price.desc.nullslast', '12534'],
    ['sort=attributes->>color,-id', '32154'],
  ]);
  for (const sort of ['attributes->price', '-attributes->>price', 'attributes->>color,-id', '-attributes->price.nullslast']) {
    const want = await s.ids(`/v1/products?sort=${sort}&fields=id`);
    const got = [];
    let cursor = '';
    let back = [];
    do {
      const page = ok(await s.get(`/v1/products?sort=${sort}&fields=id&limit=2&cursor=${cursor}`));
      assert.deepEqual(Object.keys(page.data[0]), ['id'], 'what the cursor needs is not shown');
      if (got.length === 2) back = ok(await s.get(`/v1/products?sort=${sort}&fields=id&limit=2&cursor=${page.prev_cursor}`)).data.map((r) => r.id);
      got.push(...page.data.map((r) => r.id));
      cursor = page.next_cursor;
    } while (cursor);
    assert.deepEqual(got, want, sort);
    assert.deepEqual(back, want.slice(0, 2), `${sort}, backwards`);
  }
  problem(await s.get('/v1/products?sort=attributes'), 400, 'bad_sort');
  problem(await s.get('/v1/products?sort=name->a'), 400, 'bad_filter');
  const first = ok(await s.get('/v1/products?sort=attributes->price&limit=2&cursor='));
  problem(await s.get(`/v1/products?sort=attributes->color&limit=2&cursor=${first.next_cursor}`), 400, 'bad_cursor');
});

play('shows places: named by their last key, or as asked', base, async (s) => {
  const rows = await s.list('/v1/products?fields=id,attributes->color,shade:attributes->>color,attributes->tags->0,attributes->maker&sort=id');
  assert.deepEqual(rows, [
    { id: 1, color: 'red', shade: 'red', tags: 'x', maker: { zip: '0150' } },
    { id: 2, color: 'blue', shade: 'blue', tags: 'y', maker: null },
    { id: 3, color: 5, shade: '5', tags: null, maker: null },
    { id: 4, color: null, shade: null, tags: null, maker: null },
    { id: 5, color: null, shade: null, tags: null, maker: null },
  ]);
  assert.deepEqual(ok(await s.get('/v1/products/1?fields=attributes->maker->>zip')), { zip: '0150' });
  problem(await s.get('/v1/products?fields=id,attributes->id'), 400, 'bad_fields');
  problem(await s.get('/v1/products?fields=name->x'), 400, 'bad_filter');
});

play('an index over a path serves the filter', { ...base, timeout: 120000 }, async (s, p) => {
  const rows = Array.from({ length: 1000 }, (_, i) => ({ name: `n${i}`, attributes: { color: `c${i}`, maker: { zip: i } } }));
  for (let i = 0; i < 3; i++) ok(await s.post('/v1/products', rows.map((r) => ({ ...r, attributes: { ...r.attributes, color: `c${i}-${r.name}` } }))), 201);
  await s.stop();
  if (s.engine === 'postgres') p.psql('VACUUM ANALYZE products');
  assert.match(p.do('explain', 'GET /v1/products?attributes->>color=eq.c1-n5&count=none').out, /products_color/);
  assert.match(p.do('explain', 'GET /v1/products?attributes->>color=in.(c1-n5,7)&count=none').out, /products_color/);
  assert.match(p.do('explain', 'GET /v1/products?attributes->maker->>zip=eq.77&count=none').out, /products_zip/);
  if (s.engine === 'postgres') assert.match(p.do('explain', 'GET /v1/products?attributes=cs.{"color":"c1-n5"}&count=none').out, /products_all/);
  await s.start();
});
