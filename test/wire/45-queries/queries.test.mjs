// Named queries: headers, parameters, answers, refusals at start, reload. The examples are in
// examples.test.mjs.
import { play, assert, ok, problem } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `CREATE TABLE things (
  id SERIAL PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, price NUMERIC(10,2), big BIGINT, ok BOOLEAN, wide NUMERIC(30,4),
  day DATE, at TIMESTAMPTZ, doc JSONB, uid UUID, part DOUBLE PRECISION, hour TIME);
INSERT INTO things (name, price, big, ok, wide, day, at, doc, uid, part, hour) VALUES
  ('a', 10.50, 9007199254740993, true, 12345678901234567890.1234, '2026-01-31', '2026-01-31T10:00:00Z', '{"k":[1,2]}', '6ba7b810-9dad-41d1-80b4-00c04fd430c8', 0.5, '10:30'),
  ('b', 20.00, -1, false, 0.5000, '2026-02-28', '2026-02-28T23:59:59.5Z', NULL, NULL, 1e20, NULL),
  ('c', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);`;

// A project with these queries; text: of queries/q.sql.
const with_ = (text, more = {}) => ({ on, migrations, serve: false, ...more, text });
async function serving(s, p, text) {
  p.write('queries/q.sql', text);
  await s.start();
}
const fails = (name, text, pattern) => play(`refused: ${name}`, with_(text), async (s, p) => {
  p.write('queries/q.sql', text);
  const r = p.cairn('serve', '--listen', '127.0.0.1:0');
  assert.notEqual(r.code, 0, r.all);
  assert.match(r.all, pattern);
  assert.match(p.cairn('check').all, pattern, 'cairn check says the same');
});

play('values are shown as resources show them', with_(), async (s, p) => {
  await serving(s, p, `-- name: all_of_it
-- roles: public
SELECT * FROM things ORDER BY id;
-- name: computed
-- roles: public
SELECT id, price * 2 AS twice, ok AND true AS both, big + 0 AS big, at AT TIME ZONE 'UTC' AS at, doc -> 'k' AS k, doc ->> 'k' AS t,
  coalesce(price, 0) AS price, CASE WHEN ok THEN at END AS maybe, name LIKE 'a%' AS like_a, price > 15 AS dear FROM things ORDER BY id`);
  const rows = ok(await s.get('/v1/q/all_of_it'));
  const same = ok(await s.get('/v1/things'));
  assert.deepEqual(rows.data, same.data);
  const text = (await s.get('/v1/q/all_of_it')).text;
  const list = (await s.get('/v1/things')).text;
  assert.equal(text, `${list.slice(0, list.indexOf(']}}') > 0 ? undefined : list.indexOf('],"page"'))}]}`, 'byte for byte');
  assert.match(text, /"big":9007199254740993,.*"wide":12345678901234567890\.1234/);
  const [a, b, c] = ok(await s.get('/v1/q/computed')).data;
  assert.deepEqual(a, { id: 1, twice: 21, both: true, big: 9007199254740992, at: '2026-01-31T10:00:00Z', k: [1, 2], t: a.t, price: 10.5, maybe: '2026-01-31T10:00:00Z', like_a: true, dear: false });
  assert.deepEqual(JSON.parse(a.t), [1, 2]);
  assert.deepEqual([b.both, b.maybe, b.dear, c.both, c.dear, c.price], [false, null, true, null, null, 0]);
});

play('parameters: typed, defaults, lists, every fault at once', with_(), async (s, p) => {
  await serving(s, p, `-- name: typed
-- param: n integer min 1 max 10
-- param: name text = 'it''s'
-- param: ids bigint[] = 1,2
-- param: names text[] optional
-- param: day date optional
-- param: yes boolean = true
-- param: amount numeric(10,2) = 1.5
-- param: when_ timestamptz = 2026-01-01
-- roles: public
SELECT :n AS n, :name || '!' AS name, :yes AS yes, :amount AS amount, :when_ AS when_,
  (SELECT count(*) FROM things WHERE id = ANY(:ids)) AS hits,
  (SELECT count(*) FROM things WHERE name = ANY(:names)) AS named,
  (SELECT count(*) FROM things WHERE day = :day OR :day IS NULL) AS days,
  ':n' AS quoted, '2026-01-01'::date AS cast_`);
  const one = async (q) => ok(await s.get(`/v1/q/typed?${q}`)).data[0];
  assert.deepEqual(await one('n=3'), { n: 3, name: "it's!", yes: true, amount: 1.5, when_: '2026-01-01T00:00:00Z', hits: 2, named: 0, days: 3, quoted: ':n', cast_: '2026-01-01' });
  const all = await one('n=10&name=x%20y&ids=3&ids=1&names=a,c,zz&day=2026-01-31&yes=false&amount=2.25&when_=2026-05-01T10:00:00%2B02:00');
  assert.deepEqual(all, { n: 10, name: 'x y!', yes: false, amount: 2.25, when_: '2026-05-01T08:00:00Z', hits: 2, named: 2, days: 1, quoted: ':n', cast_: '2026-01-01' });
  const bad = problem(await s.get('/v1/q/typed?n=11&day=2026-02-30&yes=maybe&ids=1,x&nam=x'), 400, undefined, ['n', 'day', 'yes', 'ids', 'nam']);
  assert.match(bad.errors.find((e) => e.field === 'nam').message, /did you mean 'name'/);
  problem(await s.get('/v1/q/typed'), 400, 'bad_value', ['n']);
  problem(await s.get('/v1/q/typed?n=3&x=1'), 400, 'unknown_parameter', ['x']);
  problem(await s.get('/v1/q/typed?n=3&n=4'), 400, 'bad_value', ['n']);
  problem(await s.get('/v1/q/typed?n=1e1'), 400, 'bad_value', ['n']);
  problem(await s.get('/v1/q/typed?n=%FF'), 400);
});

play('results: many, one, exec; methods; cache', with_(), async (s, p) => {
  await serving(s, p, `-- name: thing
-- A thing by its id.
-- param: id bigint
-- result: one
-- roles: public
-- cache: 2m
SELECT id, name FROM things WHERE id = :id;

-- name: rename
-- method: POST
-- roles: public
-- param: id bigint
-- param: name varchar(40)
UPDATE things SET name = :name WHERE id = :id;

-- name: add
-- method: PUT
-- result: one
-- roles: public
-- param: name varchar(40)
-- param: price numeric optional
INSERT INTO things (name, price, at) VALUES (:name, :price, '2026-03-01 12:00') RETURNING id, name, price, at;

-- name: drop_thing
-- method: DELETE
-- roles: public
-- param: id bigint
DELETE FROM things WHERE id = :id RETURNING id;

-- name: counted
-- method: POST
-- roles: public
SELECT count(*) FROM things;

-- name: for_members
-- roles: member, admin
-- cache: 1h
SELECT 1 AS a;`);
  const r = await s.get('/v1/q/thing?id=1');
  assert.deepEqual(ok(r), { id: 1, name: 'a' });
  assert.equal(r.header('cache-control'), 'public, max-age=120');
  problem(await s.get('/v1/q/thing?id=99'), 404, 'not_found');
  assert.deepEqual(ok(await s.post('/v1/q/rename', { id: 1, name: 'z' })), { changes: 1 });
  assert.deepEqual(ok(await s.post('/v1/q/rename', { id: 99, name: 'y' })), { changes: 0 });
  problem(await s.post('/v1/q/rename', { id: 'x', nam: 'y' }), 422, 'invalid', ['id', 'nam', 'name']);
  problem(await s.post('/v1/q/rename', { id: 1, name: 'b' }), 409, 'unique');
  problem(await s.post('/v1/q/rename', '{"id":'), 400, 'malformed_json');
  problem(await s.post('/v1/q/rename', '[]'), 422);
  problem(await s.post('/v1/q/rename?id=1', {}), 400, 'unknown_parameter');
  problem(await s.post('/v1/q/rename', 'id=1', { 'Content-Type': 'text/plain' }), 415);
  problem(await s.post('/v1/q/rename', { id: 1, name: 'n'.repeat(41) }), 422, 'invalid', ['name']);
  const made = ok(await s.put('/v1/q/add', { name: 'new', price: 3.999 }));
  assert.deepEqual(made, { id: 4, name: 'new', price: 4, at: '2026-03-01T12:00:00Z' });
  assert.equal(ok(await s.get('/v1/things/4')).price, 4);
  assert.deepEqual(ok(await s.delete('/v1/q/drop_thing?id=4')), { data: [{ id: 4 }] });
  assert.deepEqual(ok(await s.delete('/v1/q/drop_thing?id=4')), { data: [] });
  assert.deepEqual(ok(await s.post('/v1/q/counted')), { data: [{ count: 3 }] });
  const not = await s.get('/v1/q/rename?id=1');
  problem(not, 405, 'method_not_allowed');
  assert.equal(not.header('allow'), 'POST, OPTIONS');
  assert.equal((await s.fetch('/v1/q/thing', { method: 'OPTIONS' })).header('allow'), 'GET, HEAD, OPTIONS');
  const head = await s.fetch('/v1/q/thing?id=1', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
  const member = await s.get('/v1/q/for_members');
  problem(member, 401, 'sign_in_required');
  assert.ok(member.header('www-authenticate'));
  assert.equal(member.header('cache-control'), 'no-store');
  problem(await s.get('/v1/q/nothing'), 404);
  assert.match(p.do('routes').out, /GET +\/v1\/q\/thing +query: A thing by its id\./);
});

play('rows are bounded, and a long answer streams', with_(), async (s, p) => {
  p.config('queries: { max_rows: 5000 }\n');
  await serving(s, p, `-- name: numbers
-- param: n integer
-- roles: public
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :n) SELECT i, 'a text that makes the row longer' AS t FROM n;`);
  const some = await s.get('/v1/q/numbers?n=4999');
  assert.equal(some.header('transfer-encoding'), 'chunked');
  assert.equal(ok(some).data.length, 4999);
  assert.equal(some.body.has_more, undefined);
  const cut = ok(await s.get('/v1/q/numbers?n=6000'));
  assert.deepEqual([cut.data.length, cut.has_more], [5000, true]);
  assert.equal(ok(await s.get('/v1/q/numbers?n=3')).data.length, 3);
});

play('a statement has a time limit', with_(), async (s, p) => {
  p.config('database: { statement_timeout: 300ms }\n');
  await serving(s, p, `-- name: endless
-- roles: public
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;`);
  problem(await s.get('/v1/q/endless'), 504, 'timeout');
});

play('translated: what the engines say in different ways is answered alike', with_(), async (s, p) => {
  await serving(s, p, `-- name: q
-- roles: public
-- param: pattern text = '%A%'
-- param: top integer optional
SELECT id, price / 4 AS quarter, 7 / 2 AS whole, 7 / 2.0 AS half, (price * 1.005)::numeric(10,2) AS cut, 2.5::int AS up,
  date_trunc('month', at) AS month, extract(year FROM at) AS y, extract(quarter FROM at) AS qu, extract(week FROM at) AS wk, extract(isodow FROM day) AS wd,
  to_char(at, 'YYYY-MM-DD HH24:MI') AS text_at, at + interval '1 month' AS next_month, at - interval '1 day 2 hours' AS before, day + 3 AS later, day - '2026-01-01'::date AS days,
  at + 2 * interval '1 day' AS twice, extract(epoch FROM (at - '2026-01-01'::timestamptz)) AS seconds,
  name ILIKE :pattern AS any_case, name LIKE :pattern AS this_case, name LIKE '%' || name AS itself, concat_ws('-', name, NULL, id) AS joined, lpad(name, 3, '.') AS padded, right(name, 1) AS last,
  greatest(price, 15) AS most, at >= '2026-02-01' AS this_year, at = '2026-01-31 10:00:00+00' AS same_time, day BETWEEN '2026-01-01' AND '2026-01-31' AS january, wide > 1 AS wide_, wide = 0.5 AS half_,
  doc IS NOT DISTINCT FROM NULL AS none, string_to
FROM (SELECT *, upper(name) AS string_to FROM things) AS t ORDER BY price DESC NULLS LAST, id LIMIT :top;

-- name: windows
-- roles: public
SELECT name, row_number() OVER w AS n, sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS two,
  lag(name, 1, '-') OVER w AS before, first_value(name) OVER w AS first, ntile(2) OVER (ORDER BY id) AS half
FROM things WINDOW w AS (ORDER BY id) ORDER BY id;

-- name: sets
-- roles: public
-- param: ids int[] = 1
SELECT id, 'in' AS how FROM things WHERE id = ANY(:ids)
UNION ALL SELECT id, 'not in' FROM things WHERE id <> ALL(:ids)
UNION ALL SELECT count(*), 'exists' FROM things t WHERE EXISTS (SELECT 1 FROM things u WHERE u.id > t.id)
UNION ALL SELECT count(*), 'some' FROM things WHERE id = ANY (SELECT id FROM things WHERE id < 3)
UNION ALL (SELECT id, 'first' FROM things ORDER BY id DESC LIMIT 1)
EXCEPT SELECT 2, 'not in'
ORDER BY 2, 1;

-- name: upsert
-- roles: public
-- method: POST
-- param: name text
-- param: price numeric
-- result: one
INSERT INTO things (name, price) VALUES (:name, :price)
ON CONFLICT (name) DO UPDATE SET price = things.price + excluded.price, ok = true
RETURNING name, price, ok;`);
  const [b, a, c] = ok(await s.get('/v1/q/q')).data;
  assert.deepEqual([a.id, b.id, c.id], [1, 2, 3]);
  assert.deepEqual([a.quarter, b.quarter, a.whole, a.half, a.cut, b.cut, a.up], [2.625, 5, 3, 3.5, 10.55, 20.1, 3]);
  assert.deepEqual([a.month, a.y, a.qu, a.wk, a.wd, b.wk], ['2026-01-01T00:00:00Z', 2026, 1, 5, 6, 9]);
  assert.deepEqual([a.text_at, a.next_month, b.next_month, a.before], ['2026-01-31 10:00', '2026-02-28T10:00:00Z', '2026-03-28T23:59:59.5Z', '2026-01-30T08:00:00Z']);
  assert.deepEqual([a.later, a.days, a.twice, a.seconds], ['2026-02-03', 30, '2026-02-02T10:00:00Z', 2628000]);
  assert.deepEqual([a.any_case, a.this_case, a.itself, a.joined, a.padded, a.last], [true, false, true, 'a-1', '..a', 'a']);
  assert.deepEqual([a.most, b.most, c.most], [15, 20, 15]);
  assert.deepEqual([a.this_year, b.this_year, c.this_year, a.same_time, a.january, b.january], [false, true, null, true, true, false]);
  assert.deepEqual([a.wide_, b.wide_, b.half_, a.half_, a.none, b.none, a.string_to], [true, false, true, false, false, true, 'A']);
  assert.equal(ok(await s.get('/v1/q/q?top=1')).data.length, 1);
  problem(await s.get('/v1/q/q?top=-1'), 400, 'bad_value', ['top']);
  assert.deepEqual(ok(await s.get('/v1/q/windows')).data[2], { name: 'c', n: 3, two: 5, before: 'b', first: 'a', half: 2 });
  assert.deepEqual(ok(await s.get('/v1/q/sets')).data.map((r) => `${r.id} ${r.how}`), ['2 exists', '3 first', '1 in', '3 not in', '2 some']);
  assert.deepEqual(ok(await s.post('/v1/q/upsert', { name: 'a', price: 0.25 })), { name: 'a', price: 10.75, ok: true });
  assert.deepEqual(ok(await s.post('/v1/q/upsert', { name: 'd', price: 7 })), { name: 'd', price: 7, ok: null });
});

play('inside a batch: part of its transaction', with_(), async (s, p) => {
  await serving(s, p, `-- name: rename
-- method: POST
-- roles: public
-- param: id bigint
-- param: name varchar(40)
UPDATE things SET name = :name WHERE id = :id;
-- name: named
-- roles: public
-- param: id bigint
-- cache: 60s
SELECT name FROM things WHERE id = :id;`);
  const done = ok(await s.post('/v1/batch', { operations: [
    { method: 'POST', path: '/v1/q/rename', body: { id: 1, name: 'n1' } },
    { method: 'GET', path: '/v1/q/named?id=1' },
    { method: 'POST', path: '/v1/things', body: { name: 'n2' } },
  ] }));
  assert.ok(JSON.stringify(done).includes('"changes":1') && JSON.stringify(done).includes('{"data":[{"name":"n1"}]}'), JSON.stringify(done));
  problem(await s.post('/v1/batch', { operations: [
    { method: 'POST', path: '/v1/q/rename', body: { id: 1, name: 'n3' } },
    { method: 'POST', path: '/v1/q/rename', body: { id: 2, name: 'n2' } },
  ] }), 409, 'unique');
  assert.deepEqual(ok(await s.get('/v1/q/named?id=1')).data, [{ name: 'n1' }], 'all of it was undone');
});

play('SIGHUP reads them again, a bad one keeps the old', with_(), async (s, p) => {
  await serving(s, p, '-- name: a\n-- roles: public\nSELECT 1 AS v;');
  assert.deepEqual(ok(await s.get('/v1/q/a')).data, [{ v: 1 }]);
  p.write('queries/q.sql', '-- name: a\n-- roles: public\nSELECT 2 AS v;\n-- name: b\n-- roles: public\nSELECT 3 AS v;\n'
    + '-- name: c\n-- roles: public\n-- method: POST\n-- param: id bigint\nDELETE FROM things WHERE id = :id;');
  s.signal('SIGHUP');
  await s.waitLog((l) => l.msg === 'reloaded');
  ok(await s.post('/v1/q/c', { id: 99 }));
  assert.deepEqual(ok(await s.get('/v1/q/a')).data, [{ v: 2 }]);
  assert.deepEqual(ok(await s.get('/v1/q/b')).data, [{ v: 3 }]);
  p.write('queries/q.sql', '-- name: a\n-- roles: public\nSELECT v FROM thigns;');
  s.signal('SIGHUP');
  const line = await s.waitLog((l) => /reload failed/.test(l.msg));
  assert.match(JSON.stringify(line), /q\.sql:3:15: there is no table 'thigns'; did you mean 'things'\?/);
  assert.deepEqual(ok(await s.get('/v1/q/b')).data, [{ v: 3 }]);
});

play('a query without roles is open for now, and the log says so', with_(), async (s, p) => {
  await serving(s, p, '-- name: a\nSELECT 1 AS v;');
  ok(await s.get('/v1/q/a'));
  assert.equal((await s.waitLog((l) => /without a roles line/.test(l.msg))).count, 1);
});

const head = '-- name: a\n-- roles: public\n';
fails('a parameter that is not declared', `${head}-- param: city text\nSELECT 1 AS a\nWHERE 'x' = :cty OR 'y' = :city`, /q\.sql:5:13: there is no parameter 'cty'; did you mean ':city'\?/);
fails('a parameter that nothing uses', `${head}-- param: city text\nSELECT 1 AS a`, /q\.sql:3:11: parameter 'city' is not used/);
fails('several statements', `${head}SELECT 1 AS a;\nDELETE FROM things;`, /q\.sql:4:1: a query is one statement/);
fails('a write in a GET', `${head}DELETE FROM things`, /q\.sql:3:1: DELETE in a query that is read with GET; add the line '-- method: POST'/);
fails('a write in a WITH of a GET', `${head}WITH x AS (\n  DELETE FROM things RETURNING id)\nSELECT * FROM x`, /q\.sql:\d:\d+: DELETE in a query that is read with GET/);
fails('a lock in a GET', `${head}SELECT id FROM things FOR UPDATE`, /q\.sql:3:1: FOR UPDATE in a query that is read with GET/);
fails('a call that writes in a GET', `${head}SELECT nextval('things_id_seq') AS n`, /q\.sql:3:8: nextval in a query that is read with GET/);
fails('DDL', `${head}-- method: POST\nDROP TABLE things`, /q\.sql:4:1: a query is one SELECT, INSERT, UPDATE or DELETE, not Drop/);
fails('a header key', '-- name: a\n-- rolls: public\nSELECT 1 AS a', /q\.sql:2:4: 'rolls' is no key of a query; did you mean 'roles'\?/);
fails('a header line behind the SQL', '-- name: a\nSELECT 1 AS a\n-- roles: admin\n', /q\.sql:3:4: 'roles' stands behind the SQL/);
fails('two of one name', `${head}SELECT 1 AS a;\n-- name: a\nSELECT 2 AS a`, /q\.sql:4:10: there is a query 'a' already, at .*q\.sql:1/);
fails('a type', `${head}-- param: n intger\nSELECT :n AS n`, /q\.sql:3:13: 'intger' is no type of a parameter; did you mean 'integer'\?/);
fails('a default', `${head}-- param: n integer = x\nSELECT :n AS n`, /q\.sql:3:23: the default of 'n' must be a whole number/);
fails('a table', `${head}SELECT 1 AS a FROM thing`, /q\.sql:3:20: there is no table 'thing'; did you mean 'things'\?/);
fails('a column', `${head}SELECT id\nFROM things t WHERE t.nme = 'x'`, /q\.sql:4:21: there is no column 't.nme'; did you mean 'name'\?/);
fails('a syntax error', `${head}SELEC 1`, /q\.sql:3:1: syntax error at or near "SELEC"/);
fails('no SQL', '-- name: a\n', /q\.sql:1:10: query 'a' has no SQL/);
fails('SQL without a name', 'SELECT 1', /q\.sql:1:1: a query begins with the line '-- name: \.\.\.'/);
fails('a method', `${head}-- method: FETCH\nSELECT 1 AS a`, /q\.sql:3:12: a method is one of GET, POST/);
fails('a cache time', `${head}-- cache: 60\nSELECT 1 AS a`, /q\.sql:3:11: a cache time is a number and s, m, h or d/);
fails('a cached write', `${head}-- method: POST\n-- cache: 60s\nDELETE FROM things`, /q\.sql:4:11: only what is read with GET is cached/);
fails('two columns of one name', `${head}SELECT t.id, u.id FROM things t, things u`, /q\.sql:3:1: two columns of the answer are called 'id'/);
fails('rows of a write without RETURNING', `${head}-- method: POST\n-- result: one\nDELETE FROM things`, /q\.sql:4:12: this answers no rows; add RETURNING/);
fails('an array in the answer', `${head}SELECT array_agg(id) AS ids FROM things`, /q\.sql:3:1: column 'ids' of the answer is an array/);

play('refused on SQLite: what it has not', { ...with_(), on: ['sqlite'] }, async (s, p) => {
  p.write('queries/q.sql', `${head}SELECT id\nFROM things WHERE name ~ 'a'`);
  assert.match(p.cairn('check').all, /q\.sql:4:24: operator ~: regular expressions are not in SQLite/);
  p.write('queries/q.sql', `${head}SELECT DISTINCT ON (name) id FROM things`);
  assert.match(p.cairn('check').all, /q\.sql:3:\d+: DISTINCT ON/);
});
