// What the examples leave out of include/cairn.h, by every.c: bodies, streams, waits, cells, transactions in each other.
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { play, test, assert, ok, problem, sleep, slow, top, BIN } from '../lib.mjs';

const what = { program: '../wire/every', config: '', migrations: `CREATE TABLE notes (id INTEGER PRIMARY KEY);
CREATE TABLE cells (id SERIAL PRIMARY KEY, i BIGINT, b BOOLEAN, d DOUBLE PRECISION, t TEXT, y BYTEA, n TEXT);` };

test('every function of cairn.h is called by a program that is played', () => {
  const read = (f) => fs.readFileSync(path.join(top, f), 'utf8');
  const header = read('include/cairn.h').replace(/\/\*[^]*?\*\//g, '');
  const names = new Set([...header.matchAll(/^(?:CAIRN_API|static inline) [^;{]*?\b(cairn_\w+)\(/gm)].map((m) => m[1]));
  assert.ok(names.size > 80, `only ${names.size} were found`);
  const programs = ['examples/hello/hello.c', 'examples/shop-c/shop.c', 'test/wire/70-c-api/every.c'].map(read).join('\n');
  assert.deepEqual([...names].filter((n) => !new RegExp(`\\b${n}\\(`).test(programs)), []);
});

play('bytes, nothing, and a body as it came', what, async (s) => {
  const r = await fetch(`${s.base}/bytes`);
  assert.deepEqual([r.status, r.headers.get('content-type'), r.headers.get('content-length')], [201, 'application/x-bytes', '4']);
  assert.deepEqual([...new Uint8Array(await r.arrayBuffer())], [0, 1, 255, 10]);
  const gone = await s.delete('/empty');
  assert.deepEqual([gone.status, gone.text, gone.header('content-type')], [204, '', null]);
  problem(await s.get('/empty'), 405);
  for (const text of ['', 'x', '{"not": parsed', 'é\n'.repeat(50000)]) {
    const back = await s.fetch('/body/a%20b', { method: 'PUT', body: text, headers: { 'Content-Type': 'text/plain', 'X-Request-ID': 'abc-1' } });
    assert.equal(back.text, text);
    assert.deepEqual(['x-method', 'x-path', 'x-id', 'x-length'].map((h) => back.header(h)), ['PUT', '/body/a b', 'abc-1', String(Buffer.byteLength(text))]);
  }
  problem(await s.put('/body/a', 'x'.repeat(3e6)), 413);
});

play('JSON in, JSON out', what, async (s) => {
  const KIND = { null: 0, bool: 1, int: 2, double: 3, number: 4, text: 5, array: 7, object: 8 };
  const sent = '{"n":null,"t":true,"i":-7,"d":0.5,"big":123456789012345678901,"s":"\\u0000é","a":[1,[],{}],"":{"x":{"y":2}}}';
  const r = await s.patch('/json', sent);
  const { as_it_came, none, told, written } = ok(r);
  assert.equal(JSON.stringify(as_it_came), JSON.stringify(JSON.parse(sent)));
  assert.ok(r.text.includes('123456789012345678901'), 'digits as they came');
  assert.equal(none, null);
  assert.deepEqual([told.kind, told.count], [KIND.object, 8]);
  const of = Object.fromEntries(told.members.map((m) => [m.name, m.value]));
  const bare = { count: 0, members: [] };
  assert.deepEqual(of.n, { kind: KIND.null, ...bare });
  assert.deepEqual(of.t, { kind: KIND.bool, bool: true, ...bare });
  assert.deepEqual(of.i, { kind: KIND.int, int: -7, double: -7, ...bare });
  assert.deepEqual(of.d.double, 0.5);
  assert.ok(!('int' in of.d) && !('int' in of.big) && of.big.kind === KIND.number && Math.abs(of.big.double / 123456789012345678901 - 1) < 1e-15);
  assert.deepEqual(of.s, { kind: KIND.text, text: '\0é', ...bare });
  assert.deepEqual([of.a.kind, of.a.count, of.a.members.map((m) => [m.name, m.value.kind, m.value.count])], [KIND.array, 3, [[null, KIND.int, 0], [null, KIND.array, 0], [null, KIND.object, 0]]]);
  assert.equal(of[''].members[0].value.members[0].value.int, 2);
  assert.deepEqual(written, [0.1, -1e300, null, true, null, []]);
  assert.deepEqual(ok(await s.patch('/json', '[]')).told, { kind: KIND.array, ...bare });
  problem(await s.patch('/json', '{"a":'), 400);
  problem(await s.patch('/json', 'a=1', { 'Content-Type': 'application/x-www-form-urlencoded' }), 415);
  problem(await s.patch('/json', '['.repeat(5000) + ']'.repeat(5000)), 413);
});

play('a flushed piece is there before the next; others go on while one sleeps or blocks', { ...what, workers: 1 }, async (s) => {
  const r = await fetch(`${s.base}/stream`);
  const reader = r.body.getReader();
  const read = async () => { const { value, done } = await reader.read(); return [done ? null : Buffer.from(value).toString(), Date.now()]; };
  const [first, at] = await read();
  ok(await s.get('/memory/10'));
  const [last, then] = await read();
  assert.deepEqual([first, last, (await read())[0]], ['first\n', 'last\n', null]);
  assert.ok(then - at > 300, `${then - at} ms between the pieces`);
  const began = Date.now();
  const many = await Promise.all([...Array(20).fill('/sleep/300'), '/blocking/200', '/blocking/200'].map((t) => s.get(t)));
  assert.ok(Date.now() - began < 3000 * slow && Date.now() - began >= 290, `${Date.now() - began} ms`);
  assert.deepEqual(many.map((x) => x.status), [...Array(20).fill(204), 200, 200]);
  assert.deepEqual(many.at(-1).body, { sum: 5050, elsewhere: true });
});

play('memory of a request is aligned and bounded', what, async (s) => {
  for (const n of [1, 7, 4096, 100000]) assert.equal((await s.get(`/memory/${n}`)).text, 'aligned xx');
  for (let i = 0; i < 3; i++) problem(await s.get('/memory/1000000000'), 413);
  assert.equal((await s.get('/memory/3')).text, 'aligned xx');
  problem(await s.get('/memory/x'), 400);
});

play('the log of a handler has the level and the id of the request', what, async (s) => {
  const r = await s.get('/log', { 'X-Request-ID': 'told-1' });
  assert.equal(r.status, 204);
  await s.waitLog((l) => l.text?.includes('no such level'));
  const said = s.lines.filter((l) => l.msg === 'handler');
  assert.deepEqual(said.map((l) => [l.level, l.text, l.request_id]), [['info', 'info'], ['warn', 'warn'], ['error', 'error'], ['info', 'no such level']].map(([level, word]) => [level, `said "${word}"\n7`, 'told-1']));
});

play('cells: every kind goes in and comes back', what, async (s) => {
  const got = ok(await s.post('/cells'));
  const kinds = (row) => row.map((c) => [c.column, c.kind, c.value ?? c.length]);
  const truth = s.engine === 'sqlite' ? ['b', 2, 1] : ['b', 1, true]; // a bare SELECT: what the engine has
  assert.deepEqual(kinds(got.rows[0]), [['i', 2, -5], truth, ['d', 3, 0.25], ['t', 5, '$1 "text"'], ['y', 6, 2], ['n', 0, undefined]]);
  assert.deepEqual(kinds(got.rows[1]), ['i', 'b', 'd', 't', 'y', 'n'].map((c) => [c, 0, undefined]));
  assert.deepEqual(got.made, { id: 1, again: '$1 "text"' });
  const { int, int_of_text, text, text_of_null, json, no_row, no_column } = got;
  assert.deepEqual({ int, int_of_text, text, text_of_null, json, no_row, no_column }, { int: -5, int_of_text: 0, text: '$1 "text"', text_of_null: null, json: -5, no_row: true, no_column: true });
  const [row] = await s.list('/v1/cells?id=eq.1');
  assert.deepEqual([row.i, row.b, row.d, row.t, row.y, row.n], [-5, true, 0.25, '$1 "text"', 'AP8=', null]);
});

const DUP = 100; // is there already
const cases = [
  ['one', [1, 2], 204, [1, 2]],
  ['a transaction', [{ tx: [1, 2], must: true }], 204, [1, 2]],
  ['a transaction that fails', [{ tx: [1, 'fail'], must: true }], 409, []],
  ['inner fails, outer goes on', [{ tx: [1, { tx: [2, 'fail'] }, 3], must: true }], 204, [1, 3]],
  ['inner fails, and that fails the outer', [{ tx: [1, { tx: [2, 'fail'], must: true }, 3], must: true }], 409, []],
  ['inner succeeds, outer fails', [{ tx: [1, { tx: [2], must: true }, 'fail'], must: true }], 409, []],
  ['a statement fails inside and nobody looks: the inner is undone, the outer goes on', [{ tx: [1, { tx: [2, -DUP] }, 3], must: true }], 204, [1, 3]],
  ['... and that counts as a failure of the inner', [{ tx: [1, { tx: [2, -DUP], must: true }, 3], must: true }], 500, []],
  ['a statement of the outer fails and nobody looks', [{ tx: [1, -DUP], must: true }], 500, []],
  ['a doomed outer is not saved by an inner that succeeds', [{ tx: [1, -DUP, { tx: [2] }], must: true }], 500, []],
  ['nor by one that fails', [{ tx: [1, -DUP, { tx: ['fail'] }], must: true }], 500, []],
  ['three deep, the innermost undone', [{ tx: [1, { tx: [2, { tx: [3, 'fail'] }, 4], must: true }, 5], must: true }], 204, [1, 2, 4, 5]],
  ['three deep, the middle undone', [{ tx: [1, { tx: [2, { tx: [3], must: true }, 'fail'] }, 5], must: true }], 204, [1, 5]],
  ['one after the other in one', [{ tx: [{ tx: [1] }, { tx: [2, 'fail'] }, { tx: [3] }], must: true }], 204, [1, 3]],
  ['read only', [{ tx: [1], read_only: true, must: true }], 403, []],
  ['read only goes down', [{ tx: [{ tx: [1], must: true }], read_only: true, must: true }], 403, []],
  ['read only inside ends with it', [{ tx: [1, { tx: [2], read_only: true }, 3], must: true }], 204, [1, 3]],
  ['also after a deeper one', [{ tx: [1, { tx: [{ tx: [2] }, { tx: [4] }], read_only: true }, { tx: [3], must: true }], must: true }], 204, [1, 3]],
  ['an inner one of the same isolation', [{ tx: [{ tx: [1], isolation: 3, must: true }], isolation: 3, must: true }], 204, [1]],
  ['an inner one that asks for less', [{ tx: [{ tx: [1], isolation: 1, must: true }], isolation: 3, must: true }], 204, [1]],
];
const nest = (n, inside) => (n ? [{ tx: nest(n - 1, inside), must: true }] : inside);

play('transactions in each other', what, async (s) => {
  const clear = async () => { for (const { id } of await s.list('/v1/notes?limit=1000')) if (id !== DUP) await s.delete(`/v1/notes/${id}`); };
  ok(await s.post('/v1/notes', { id: DUP }), 201);
  const all = [...cases, ['more isolated than the outer', [{ tx: [1, { tx: [2], isolation: 3, must: true }], isolation: 1, must: true }], ...(s.engine === 'sqlite' ? [204, [1, 2]] : [500, []])],
    ['sixteen deep', nest(16, [1]), 204, [1]], ['too deep: all is undone', [{ tx: [2, ...nest(40, [1])], must: true }], 0, []]];
  for (const [name, steps, status, ids] of all) {
    const r = await s.post('/tx', steps);
    if (status) assert.equal(r.status, status, `${name}: ${r.status} ${r.text}`);
    else assert.ok(r.status >= 400, name);
    if (status >= 400 && status !== 500) problem(r, status);
    else if (status === 500) assert.equal(r.body.code, 'internal');
    assert.deepEqual((await s.ids('/v1/notes?sort=id&limit=100')).filter((id) => id !== DUP), ids, name);
    await clear();
  }
  ok(await s.post('/v1/notes', { id: 5 }), 201); // the writer is free
});

play('groups in groups: middleware from outside in, and back', what, async (s) => {
  const way = async (r) => [r.status, r.body.route, r.body.rest, r.header('x-way'), r.header('x-back')];
  assert.deepEqual(await way(await s.get('/a/before')), [202, 'before', null, null, null]);
  assert.deepEqual(await way(await s.get('/a/one')), [202, 'one', null, 'a', 'a']);
  assert.deepEqual(await way(await s.get('/a/b/two')), [202, 'two', null, 'a, b', 'b, a']);
  assert.deepEqual(await way(await s.post('/a/b/7/three/x/y%20z', '')), [202, 'three', 'x/y z', 'a, b, c', 'c, b, a']);
  problem(await s.get('/a/b/7/three/x'), 405);
  problem(await s.get('/a/two'), 404);
  problem(await s.post('/a/b/7/three/x%2Fy', ''), 404); // a slash that is no separator belongs to no route
});

play('cairn_set wins; cairn_stop ends it as SIGTERM does', what, async (s) => {
  ok(await s.post('/v1/notes', [1, 2, 3, 4, 5].map((id) => ({ id }))), 201);
  assert.equal((await s.list('/v1/notes')).length, 3, 'rest.default_limit');
  const running = s.get('/sleep/100');
  assert.equal((await s.post('/stop')).text, 'stopped');
  assert.equal((await running).status, 204);
  await s.ended;
  assert.equal(s.code, 0, s.log);
  assert.match(s.log, /error: "" of \d+\.\d+\.\d+/);
});

play('cairn_run says why it did not start, and is stopped from another thread', { ...what, serve: false, on: ['sqlite'] }, async (s, p) => {
  const run = (how) => new Promise((done) => {
    const child = spawn(path.join(path.dirname(BIN), 'wire/every'), [p.dir, how], { env: { ...process.env, CAIRN_SERVER_LISTEN: '127.0.0.1:0', CAIRN_DATABASE_DATA_DIR: p.data } });
    let err = '';
    child.stderr.on('data', (d) => { err += d; });
    child.once('close', (code) => done([code, err]));
  });
  const [bad, why] = await run('bad');
  assert.equal(bad, 2);
  assert.match(why, /error: ".*rest\.default_limitt.*did you mean `rest\.default_limit`/s);
  const [taken, route] = await run('taken');
  assert.equal(taken, 2);
  assert.match(route, /error: ".*\/bytes/s);
  const [stopped, log] = await run('stop');
  assert.deepEqual([stopped, /error: "" of/.test(log)], [0, true], log);
  await sleep(1);
});
