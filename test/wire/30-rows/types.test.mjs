// Types are kept exactly, in both directions.
import { play, assert, ok, problem } from '../lib.mjs';

const migrations = `
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE things (
  id BIGSERIAL PRIMARY KEY, small SMALLINT, i INTEGER, big BIGINT,
  price NUMERIC(10, 2), wide NUMERIC(30, 10), free NUMERIC, r REAL, d DOUBLE PRECISION, yes BOOLEAN,
  short VARCHAR(5), t TEXT, u UUID, day DATE, clock TIME, stamp TIMESTAMP, stamptz TIMESTAMPTZ,
  j JSONB, raw BYTEA, feeling mood, size TEXT CHECK (size IN ('s', 'm', 'l')));`;
const base = { migrations };

// Sends `"column": <json>` as it is written and answers the text that comes back for it.
async function there(s, column, json, status = 201) {
  const r = await s.post('/v1/things', `{"${column}":${json}}`);
  assert.equal(r.status, status, `${column} ${json}: ${r.status} ${r.text}`);
  if (status !== 201) return r.body.errors?.[0]?.code ?? r.body.code;
  const again = await s.get(`/v1/things/${r.body.id}?fields=${column}`);
  const m = new RegExp(`^\\{"${column}":(.*)\\}$`, 's').exec(again.text.trim());
  assert.ok(m, again.text);
  assert.ok(r.text.includes(`"${column}":${m[1]}`), `POST and GET differ: ${r.text}`);
  return m[1];
}

async function table(s, column, good, bad = []) {
  for (const [json, want] of good) assert.equal(await there(s, column, json), want ?? json, `${column} ${json}`);
  for (const [json, code] of bad) assert.equal(await there(s, column, json, 422), code, `${column} ${json}`);
}

play('integers of every width, to their last value', base, async (s) => {
  await table(s, 'big', [['9223372036854775807'], ['-9223372036854775808'], ['9007199254740993'], ['0'], ['-0', '0'], ['1.0', '1'], ['1e3', '1000'], ['"9223372036854775807"', '9223372036854775807']],
    [['9223372036854775808', 'range'], ['-9223372036854775809', 'range'], ['1e30', 'range'], ['1.5', 'type'], ['"one"', 'type'], ['true', 'type'], ['[]', 'type']]);
  await table(s, 'i', [['2147483647'], ['-2147483648']], [['2147483648', 'range'], ['-2147483649', 'range'], ['"1"', 'type']]);
  await table(s, 'small', [['32767'], ['-32768']], [['32768', 'range']]);
});

play('decimals without loss', base, async (s) => {
  await table(s, 'price', [['19.90', '19.90'], ['19.9', '19.90'], ['0.1', '0.10'], ['5', '5.00'], ['99999999.99'], ['-0.01'], ['1e2', '100.00'], ['"19.90"', '19.90']],
    [['100000000', 'range'], ['1.005', 'range'], ['"x"', 'type']]);
  await table(s, 'wide', [['12345678901234567890.0123456789'], ['0.0000000001']], [['123456789012345678901', 'range']]);
  await table(s, 'free', [['3.14159265358979323846264338327950288']]);
});

play('floats read back the same', base, async (s) => {
  for (const n of [0.1, 1 / 3, 1e300, -2.5e-300, 123456789.123456789, 5e-324]) assert.equal(Number(await there(s, 'd', JSON.stringify(n))), n);
  assert.equal(Math.fround(Number(await there(s, 'r', '0.1'))), Math.fround(0.1));
  assert.ok(['range', 'type'].includes(await there(s, 'd', '1e999', 422)));
});

play('booleans are booleans', base, async (s) => {
  await table(s, 'yes', [['true'], ['false'], ['null']], [['1', 'type'], ['"true"', 'type']]);
});

play('text: any character, counted as characters', base, async (s) => {
  await table(s, 't', [['"æøå 日本語 🎉"'], ['""'], ['"\\"\\\\\\n\\t"'], ['"\\u00e9"', '"é"']], [['5', 'type'], ['{}', 'type']]);
  await table(s, 'short', [['"日本語🎉x"'], ['"abcde"']], [['"abcdef"', 'length'], ['"日本語🎉xy"', 'length']]);
  assert.notEqual((await s.post('/v1/things', '{"t":"a\\u0000b"}')).status, 500);
});

play('uuid, date, time, timestamps', base, async (s) => {
  await table(s, 'u', [['"6F9619FF-8B86-D011-B42D-00CF4FC964FF"', '"6f9619ff-8b86-d011-b42d-00cf4fc964ff"']], [['"6f9619ff"', 'format'], ['5', 'type']]);
  await table(s, 'day', [['"2024-02-29"']], [['"2023-02-29"', 'format'], ['"2024-13-01"', 'format'], ['"yesterday"', 'format']]);
  assert.match(await there(s, 'clock', '"23:59:59"'), /^"23:59:59/);
  await table(s, 'stamptz', [['"2026-01-01T00:00:00Z"'], ['"2026-01-01T02:30:00+02:30"', '"2026-01-01T00:00:00Z"'], ['"2026-01-01T00:00:00.123456Z"'],
    ['"2026-01-01T00:00:00.5Z"'], ['"1969-12-31T23:59:59Z"']], [['"2026-02-30T00:00:00Z"', 'format'], ['"2026-01-01T25:00:00Z"', 'format'], ['1700000000', 'type']]);
  await table(s, 'stamp', [['"2026-01-01T00:00:00Z"']]);
});

play('JSON is kept as JSON', base, async (s) => {
  await table(s, 'j', [['{"a":"é","b":[1,2.50,{"c":null}]}', undefined], ['[]'], ['"text"'], ['5'], ['true'], ['null']].map(([a, b]) => [a, b]));
  const big = await there(s, 'j', '{"n":9223372036854775807}');
  assert.equal(big, '{"n":9223372036854775807}');
});

play('bytes travel as base64', base, async (s) => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('base64');
  await table(s, 'raw', [[`"${all}"`], ['""'], ['"AA=="']], [['"###"', 'format'], ['"AA"', 'format'], ['7', 'type']]);
});

play('words out of a list: an enum type and a CHECK', base, async (s) => {
  await table(s, 'feeling', [['"happy"'], ['null']], [['"angry"', 'enum'], ['""', 'enum']]);
  await table(s, 'size', [['"m"']], [['"xl"', 'enum']]);
});

play('null everywhere it may be', base, async (s) => {
  const row = ok(await s.post('/v1/things', {}), 201);
  assert.deepEqual(Object.entries(row).filter(([k, v]) => k !== 'id' && v !== null), []);
});

play('filters compare each type as what it is', base, async (s) => {
  ok(await s.post('/v1/things', '[{"big":9007199254740993,"price":9.5,"yes":true,"day":"2026-01-02","stamptz":"2026-01-01T12:00:00Z","u":"6f9619ff-8b86-d011-b42d-00cf4fc964ff","wide":9.5,"d":0.1},'
    + '{"big":9007199254740992,"price":10.25,"yes":false,"day":"2025-12-31","stamptz":"2026-01-01T11:00:00Z","wide":10.25,"d":0.2}]'), 201);
  for (const [filter, want] of [['big=eq.9007199254740993', [1]], ['big=gt.9007199254740992', [1]], ['price=lt.10', [1]], ['price=eq.10.250', [2]], ['wide=lt.10', [1]], ['wide=gt.9.50', [2]],
    ['yes=is.true', [1]], ['yes=eq.false', [2]], ['day=gte.2026-01-01', [1]], ['stamptz=eq.2026-01-01T14:00:00%2B02:00', [1]], ['stamptz=lt.2026-01-01T11:30:00Z', [2]],
    ['u=eq.6F9619FF-8B86-D011-B42D-00CF4FC964FF', [1]], ['d=eq.0.1', [1]]]) {
    assert.deepEqual(await s.ids(`/v1/things?${filter}&sort=id`), want, filter);
  }
  for (const bad of ['big=eq.x', 'big=eq.1.5', 'day=eq.today', 'u=eq.1', 'yes=eq.maybe', 'price=gt.a']) problem(await s.get(`/v1/things?${bad}`), 400);
  assert.deepEqual((await s.list('/v1/things?sort=wide')).map((r) => r.id), [1, 2]);
});

const bags = { migrations: `
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE bags (id BIGSERIAL PRIMARY KEY, tags TEXT[], numbers INTEGER[] NOT NULL, shades colour[], prices NUMERIC(8, 2)[]);
CREATE TABLE boxes (id BIGSERIAL PRIMARY KEY, bag_id BIGINT NOT NULL REFERENCES bags (id), marks BIGINT[]);` };

play('arrays are lists of JSON, in both directions', bags, async (s) => {
  const tags = ['a', 'b c', '"quoted"', 'back\\slash', '{x,y}', '', null, 'null', 'é😀'];
  const made = ok(await s.post('/v1/bags', { tags, numbers: [3, -1, 2], shades: ['red', 'green'], prices: [1.5, 20] }), 201);
  assert.deepEqual([made.tags, made.numbers, made.shades, made.prices], [tags, [3, -1, 2], ['red', 'green'], [1.5, 20]]);
  assert.deepEqual(ok(await s.get(`/v1/bags/${made.id}`)), made);
  const two = ok(await s.post('/v1/bags', [{ tags: null, numbers: [] }, { tags: ['z'], numbers: [9223] }]), 201);
  assert.deepEqual((two.data ?? two).map((b) => [b.tags, b.numbers]), [[null, []], [['z'], [9223]]]);
  const changed = ok(await s.patch(`/v1/bags/${made.id}`, { tags: [], numbers: [7] }));
  assert.deepEqual([changed.tags, changed.numbers], [[], [7]]);
  ok(await s.post('/v1/boxes', { bag_id: made.id, marks: [1, 9007199254740993] }), 201);
  assert.deepEqual((await s.list('/v1/boxes?include=bag'))[0].bag.numbers, [7]);
  assert.deepEqual((await s.list('/v1/bags?include=boxes&sort=id&fields=id,tags'))[0].tags, []);
  problem(await s.post('/v1/bags', { numbers: 5 }), 422, undefined, ['numbers']);
  problem(await s.post('/v1/bags', { numbers: null }), 422, undefined, ['numbers']);
  if (s.engine === 'postgres') problem(await s.post('/v1/bags', { numbers: ['x'] }), 422);
});

play('lists are found by what they hold', bags, async (s) => {
  for (const [tags, numbers] of [[['a', 'b'], [1, 2, 3]], [['b'], [3]], [[], []], [null, [4]]]) ok(await s.post('/v1/bags', { tags, numbers }), 201);
  const ids = (filter) => s.ids(`/v1/bags?sort=id&${filter}`);
  assert.deepEqual(await ids('tags=cs.["b"]'), [1, 2]);
  assert.deepEqual(await ids('tags=cs.["b","a"]'), [1]);
  assert.deepEqual(await ids('numbers=cs.[3]'), [1, 2]);
  assert.deepEqual(await ids('numbers=cd.[3,4]'), [2, 3, 4]);
  assert.deepEqual(await ids('tags=not.cs.["b"]'), [3]);
  assert.deepEqual(await ids('tags=is.null'), [4]);
  assert.deepEqual(await ids('tags->>0=eq.a'), [1]);
});
