// Counts, sums and groups of rows: `fields` with functions, having, sort and pages of groups. The
// digits are compared as text, so that both engines must write the same ones.
import { play, assert, ok, problem } from '../lib.mjs';

const what = {
  migrations: `
CREATE TABLE cities (id SERIAL PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE buyers (id SERIAL PRIMARY KEY, name TEXT NOT NULL, city_id INTEGER REFERENCES cities (id));
CREATE TABLE sales (id SERIAL PRIMARY KEY, buyer_id INTEGER REFERENCES buyers (id), kind TEXT, paid BOOLEAN NOT NULL DEFAULT false,
  pieces INTEGER, big BIGINT, price NUMERIC(12,2), wide NUMERIC(40,12), free NUMERIC, weight DOUBLE PRECISION, day DATE, at TIMESTAMPTZ, meta JSONB);`,
};

const sales = [
  { buyer_id: 1, kind: 'book', paid: true, pieces: 1, big: '9223372036854775807', price: 0.1, wide: '1234567890123456789012345678.000000000001', free: '0.1', weight: 1.5, day: '2026-01-31', at: '2026-01-31T23:30:00Z', meta: { color: 'red', n: 1 } },
  { buyer_id: 1, kind: 'book', paid: false, pieces: 2, big: '9223372036854775807', price: 0.2, wide: '0.000000000001', free: '0.2', weight: 2.5, day: '2026-01-01', at: '2026-01-31T23:59:59.999Z', meta: { color: 'red', n: 2.5 } },
  { buyer_id: 2, kind: 'toy', paid: true, pieces: 2, big: '1', price: 19.99, wide: null, free: '1000000000000000000000.5', weight: null, day: '2026-02-28', at: '2026-02-01T00:00:00Z', meta: { color: 'blue', n: 'x' } },
  { buyer_id: 3, kind: 'toy', paid: true, pieces: null, big: null, price: 1000000000, wide: null, free: null, weight: 0, day: '2025-12-31', at: '2026-02-01T01:00:00+02:00', meta: null },
  { buyer_id: null, kind: null, paid: false, pieces: 5, big: '-7', price: -0.3, wide: '-1', free: '-0.3', weight: -4, day: null, at: null, meta: {} },
];

async function fill(s) {
  ok(await s.post('/v1/cities', [{ name: 'Oslo' }, { name: 'Bergen' }]), 201);
  ok(await s.post('/v1/buyers', [{ name: 'Ann', city_id: 1 }, { name: 'Bo', city_id: 2 }, { name: 'Cy', city_id: null }]), 201);
  // Digits that a double would lose travel as they are.
  const raw = sales.map((x) => JSON.stringify(x).replace(/"(big|wide|free)":"([^"]*)"/g, '"$1":$2')).join(',');
  ok(await s.post('/v1/sales', `[${raw}]`), 201);
}

// The rows as they were sent, numbers with all their digits.
async function rows(s, target) {
  const r = await s.get(target);
  assert.equal(r.status, 200, r.text);
  return /^\{"data":\[(.*)\],"(page|offset)"/.exec(r.text)[1];
}

const table = [
  ['count()', '{"count":5}'],
  ['count()&paid=is.true', '{"count":3}'],
  ['pieces.count(),pieces.sum(),pieces.avg(),pieces.min(),pieces.max()', '{"pieces_count":4,"pieces_sum":10,"pieces_avg":2.5,"pieces_min":1,"pieces_max":5}'],
  ['big.sum(),big.avg(),big.max()', '{"big_sum":18446744073709551608,"big_avg":4611686018427387902,"big_max":9223372036854775807}'],
  ['price.sum(),price.avg(),price.min()', '{"price_sum":1000000019.99,"price_avg":200000003.998,"price_min":-0.30}'],
  ['price.sum(),price.avg()&id=lte.2', '{"price_sum":0.30,"price_avg":0.15}'],
  ['wide.sum(),wide.max()', '{"wide_sum":1234567890123456789012345677.000000000002,"wide_max":1234567890123456789012345678.000000000001}'],
  ['free.sum(),free.avg()', '{"free_sum":1000000000000000000000.5,"free_avg":250000000000000000000.125}'],
  ['pieces.avg()&id=lte.3', '{"pieces_avg":1.666667}'],
  ['weight.sum(),weight.avg()', '{"weight_sum":0,"weight_avg":0}', (x) => x.replaceAll('0.0', '0')],
  ['kind.min(),kind.max(),day.min(),at.max()', '{"kind_min":"book","kind_max":"toy","day_min":"2025-12-31","at_max":"2026-02-01T00:00:00Z"}'],
  ['price.sum(),pieces.avg(),kind.min(),count()&id=gt.99', '{"price_sum":null,"pieces_avg":null,"kind_min":null,"count":0}'],
  ['kind,count()', '{"kind":"book","count":2},{"kind":"toy","count":2},{"kind":null,"count":1}'],
  ['kind,count()&id=gt.99', ''],
  ['kind,pieces.sum()&sort=-pieces_sum', '{"kind":null,"pieces_sum":5},{"kind":"book","pieces_sum":3},{"kind":"toy","pieces_sum":2}'],
  ['kind,price.sum()&sort=price.sum()', '{"kind":null,"price_sum":-0.30},{"kind":"book","price_sum":0.30},{"kind":"toy","price_sum":1000000019.99}'],
  ['kind,free.sum()&sort=-free_sum.nullslast', '{"kind":"toy","free_sum":1000000000000000000000.5},{"kind":"book","free_sum":0.3},{"kind":null,"free_sum":-0.3}'],
  ['paid,kind,count()&sort=-count,kind,paid', '{"paid":true,"kind":"toy","count":2},{"paid":false,"kind":"book","count":1},{"paid":true,"kind":"book","count":1},{"paid":false,"kind":null,"count":1}'],
  ['kind,n:count(),turnover:price.sum()&having[n]=gte.2&having[turnover]=gt.0.5', '{"kind":"toy","n":2,"turnover":1000000019.99}'],
  ['kind,big.sum()&having[big_sum]=gt.9223372036854775807', '{"kind":"book","big_sum":18446744073709551614}'],
  ['kind,count()&having[kind]=not.is.null&having[count()]=in.(1,2)', '{"kind":"book","count":2},{"kind":"toy","count":2}'],
  ['kind,price.avg()&having[price_avg]=eq.0.15', '{"kind":"book","price_avg":0.15}'],
  ['at.month(),count()', '{"at_month":"2026-01","count":3},{"at_month":"2026-02","count":1},{"at_month":null,"count":1}'],
  ['at.hour(),count()&at=not.is.null', '{"at_hour":"2026-01-31T23","count":3},{"at_hour":"2026-02-01T00","count":1}'],
  ['at.day(),at.year(),count()&at=gte.2026-02-01', '{"at_day":"2026-02-01","at_year":"2026","count":1}'],
  ['day.month(),count()&sort=-day_month.nullslast', '{"day_month":"2026-02","count":1},{"day_month":"2026-01","count":2},{"day_month":"2025-12","count":1},{"day_month":null,"count":1}'],
  ['buyer.city.name,count(),price.sum()', '{"buyer":{"city":{"name":"Bergen"}},"count":1,"price_sum":19.99},{"buyer":{"city":{"name":"Oslo"}},"count":2,"price_sum":0.30},{"buyer":{"city":{"name":null}},"count":2,"price_sum":999999999.70}'],
  ['count(),buyer.city.name,kind,buyer.name&sort=-buyer.name.nullslast&limit=2', '{"count":1,"buyer":{"city":{"name":null},"name":"Cy"},"kind":"toy"},{"count":1,"buyer":{"city":{"name":"Bergen"},"name":"Bo"},"kind":"toy"}'],
  ['town:buyer.city.name,count()&having[town]=like.O*', '{"town":"Oslo","count":2}'],
  ['kind,count()&buyer.city.name=eq.Oslo', '{"kind":"book","count":2}'],
  ['count()&or=(pieces.eq.1,buyer.name.eq.Bo)', '{"count":2}'],
  ['count()&meta->>color=eq.red', '{"count":2}'],
  ['meta->>color,count(),meta->n.sum(),high:meta->n.max()', '{"color":"blue","count":1,"n_sum":null,"high":null},{"color":"red","count":2,"n_sum":3.5,"high":2.5},{"color":null,"count":2,"n_sum":null,"high":null}'],
  ['kind&fields=count()', '{"kind":"book","count":2},{"kind":"toy","count":2},{"kind":null,"count":1}'],
];

play('every function, group, filter and order, digit by digit', { ...what, timeout: 120000 }, async (s) => {
  await fill(s);
  const wrong = [];
  for (const [query, want, as = (x) => x] of table) {
    const r = await s.get(`/v1/sales?fields=${query}`);
    const got = r.status === 200 ? as(/^\{"data":\[(.*)\],"(page|offset)"/.exec(r.text)[1]) : `${r.status} ${r.text}`;
    if (got !== want) wrong.push(`${query}:\n  ${got}\n  not\n  ${want}`);
  }
  assert.deepEqual(wrong, []);
});

play('groups come in pages, counted', what, async (s) => {
  await fill(s);
  const first = await s.get('/v1/sales?fields=id,price.sum()&sort=-id&limit=2');
  assert.deepEqual(first.body.data.map((x) => x.id), [5, 4]);
  assert.equal(first.body.total, 5);
  assert.equal(first.body.total_pages, 3);
  assert.match(first.header('link'), /page=2>; rel="next"/);
  const next = ok(await s.get('/v1/sales?fields=id,price.sum()&sort=-id&limit=2&page=2&count=none'), 200);
  assert.deepEqual(next, { data: [{ id: 3, price_sum: 19.99 }, { id: 2, price_sum: 0.2 }], page: 2, limit: 2, has_more: true });
  const filtered = ok(await s.get('/v1/sales?fields=kind,count()&having[count]=gt.1&limit=1'), 200);
  assert.equal(filtered.total, 2);
  const one = ok(await s.get('/v1/sales?fields=count()'), 200);
  assert.equal(one.total, 1);
  assert.equal(await s.statements(() => s.get('/v1/sales?fields=buyer.city.name,count(),price.sum()')), 1);
});

play('a sub-resource sums its own rows up, and its parent must be there', what, async (s) => {
  await fill(s);
  assert.equal(await rows(s, '/v1/buyers/1/sales?fields=count(),price.sum()'), '{"count":2,"price_sum":0.30}');
  assert.equal(await rows(s, '/v1/buyers/3/sales?fields=kind,count()'), '{"kind":"toy","count":1}');
  assert.equal(await rows(s, '/v1/cities/2/buyers?fields=count()&name=eq.Bo'), '{"count":1}');
  assert.equal(await rows(s, '/v1/cities/2/buyers?fields=count()&name=eq.No'), '{"count":0}');
  problem(await s.get('/v1/buyers/99/sales?fields=count()'), 404);
  problem(await s.get('/v1/buyers/99/sales?fields=kind,count()'), 404);
});

play('what is not understood is refused with the reason', what, async (s) => {
  const refused = [
    ['fields=pieces.smu()', 'bad_fields', /sum/], ['fields=kind.sum()', 'bad_fields', /text/], ['fields=pices.sum()', 'bad_fields', /pieces/],
    ['fields=*,count()', 'bad_fields', /\*/], ['fields=sum()', 'bad_fields', /COLUMN/], ['fields=paid.max()', 'bad_fields', /boolean/], ['fields=meta,count()', 'bad_fields', /JSON/],
    ['fields=kind,count()&sort=pieces', 'bad_sort', /fields/], ['fields=kind,count()&having[cont]=gt.1', 'bad_filter', /'count'/],
    ['fields=kind,count()&having[count]=gt.x', 'bad_value', /'count'/], ['fields=kind,count()&cursor=', 'bad_page', /cursor/],
    ['fields=kind,count()&include=buyer', 'bad_include', /include/], ['fields=kind&having[kind]=eq.a', 'unknown_parameter', /having/],
    ['fields=kind,count()&limit=1001', 'bad_page', /1000/], [`fields=${Array.from({ length: 17 }, (_, i) => `a${i}:id.sum()`).join(',')}`, 'bad_fields', /16/],
  ];
  for (const [query, code, detail] of refused) {
    const r = problem(await s.get(`/v1/sales?${query}`), 400, code);
    assert.match(r.detail, detail, query);
  }
  const many = problem(await s.get('/v1/cities?fields=buyers.name,count()'), 400, 'bad_fields');
  assert.match(many.detail, /many rows/);
  problem(await s.get('/v1/sales/1?fields=pieces.sum()'), 400, 'bad_fields');
});

play('a project may keep its rows from being summed up', {
  ...what,
  config: 'rest:\n  aggregates: false\ntables:\n  cities:\n    aggregates: true\n',
}, async (s) => {
  await fill(s);
  assert.equal(await rows(s, '/v1/cities?fields=count()'), '{"count":2}');
  problem(await s.get('/v1/sales?fields=count()'), 403, 'no_aggregates');
  assert.equal((await s.list('/v1/sales?fields=id')).length, 5);
});

play('a table kept back is not summed up through another one either', {
  ...what,
  config: 'tables:\n  buyers:\n    aggregates: false\n',
}, async (s) => {
  await fill(s);
  assert.equal(await rows(s, '/v1/sales?fields=count()'), '{"count":5}');
  problem(await s.get('/v1/sales?fields=buyer.name,count()'), 403, 'no_aggregates');
  problem(await s.get('/v1/buyers?fields=count()'), 403, 'no_aggregates');
});

// Under the sanitizers SQLite takes its memory from them, and nobody counts it.
play('groups that need much memory are refused, and lists go on', {
  ...what, on: ['sqlite'], args: ['--set', 'database.statement_memory=1M'], timeout: 120000, skip: process.env.CAIRN_SLOW ? 'memory is not counted here' : undefined,
}, async (s) => {
  for (let i = 0; i < 20; i++) ok(await s.post('/v1/sales', Array.from({ length: 1000 }, (_, n) => ({ kind: `${i * 1000 + n} ${'x'.repeat(400)}`, pieces: 1 }))), 201);
  const r = problem(await s.get('/v1/sales?fields=kind,count()'), 413, 'too_big');
  assert.match(r.detail, /narrow the filter/);
  assert.equal(await rows(s, '/v1/sales?fields=pieces.sum(),count()'), '{"pieces_sum":20000,"count":20000}');
  assert.equal(await rows(s, '/v1/sales?fields=kind,count()&id=eq.1').then((x) => JSON.parse(x).count), 1);
});
