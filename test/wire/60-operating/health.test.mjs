// /livez, /readyz, /metrics and the log.
import fs from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { BIN, assert, ok, play, sleep, slow } from '../lib.mjs';

const shop = { app: 'shop', users: 5, on: ['sqlite', 'postgres'] };

play('livez and readyz', shop, async (s) => {
  for (const target of ['/livez', '/readyz']) {
    const r = await s.get(target);
    assert.equal(r.status, 200);
    assert.equal((await s.fetch(target, { method: 'HEAD' })).status, 200);
  }
});

play('metrics are sound Prometheus text and count what happened', shop, async (s) => {
  const before = await s.metric('cairn_http_requests_total', '/v1/users/:id').catch(() => 0);
  for (let i = 0; i < 5; i++) await s.get('/v1/users/1');
  await s.get('/v1/users/999');
  const r = await s.get('/metrics');
  assert.match(r.header('content-type'), /^text\/plain; version=0\.0\.4/);
  const types = new Map();
  for (const line of r.text.trim().split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (type) { assert.ok(!types.has(type[1]), `${type[1]} twice`); types.set(type[1], type[2]); } else if (!line.startsWith('#')) {
      assert.match(line, /^[a-zA-Z_:][\w:]*(\{([a-z_]+="(\\.|[^"\\])*",?)*\})? [-+]?(\d+(\.\d+)?(e[-+]?\d+)?|Inf|NaN)$/);
      assert.ok(types.has(/^[\w:]+/.exec(line)[0].replace(/_(bucket|sum|count)$/, '')) || types.has(/^[\w:]+/.exec(line)[0]), line);
    }
  }
  for (const name of ['cairn_connections', 'cairn_db_statements_total', 'cairn_db_write_queue']) assert.ok(types.has(name), `no ${name}`);
  assert.equal(await s.metric('cairn_http_requests_total', '/v1/users/:id') - before, 6);
  assert.doesNotMatch(r.text, /\/v1\/users\/999/);
});

play('metrics can be off', { ...shop, args: ['--set', 'metrics.enabled=false'] }, async (s) => {
  assert.equal((await s.get('/metrics')).status, 404);
});

play('one JSON line per request, with the path but not the query', shop, async (s) => {
  await s.get('/v1/users?email=eq.secret@example.com', { 'X-Request-ID': 'log-test-1' });
  const line = await s.waitLog((l) => l.request_id === 'log-test-1');
  assert.equal(line.level, 'info');
  assert.equal(line.method, 'GET');
  assert.equal(line.path, '/v1/users');
  assert.equal(line.status, 200);
  assert.ok(line.duration_us >= 0 && line.bytes > 0);
  assert.match(line.ts, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.doesNotMatch(s.log, /secret@example\.com/);
});

play('every line of the log is JSON, whatever a client sends', shop, async (s) => {
  await s.raw('GET /v1/a%22%0a%7b"}\x01 HTTP/1.1\r\nHost: x\r\nX-Request-ID: "}\r\nConnection: close\r\n\r\n');
  await s.get('/v1/%0Ainjected', { 'X-Request-ID': 'log-test-2' });
  await s.waitLog((l) => l.request_id === 'log-test-2');
  for (const line of s.log.trim().split('\n')) assert.doesNotThrow(() => JSON.parse(line), line);
});

play('an error inside is 500 without its cause, and the cause is in the log', { migrations: `-- migrate:up
CREATE TABLE a (id SERIAL PRIMARY KEY, n INTEGER);
-- migrate:down
DROP TABLE a;
` }, async (s, p) => {
  ok(await s.post('/v1/a', { n: 1 }), 201);
  p.do('migrate', 'down', '--yes');
  const r = await s.get('/v1/a', { 'X-Request-ID': 'inner-1' });
  assert.equal(r.status, 500);
  assert.equal(r.body.code, 'internal');
  assert.doesNotMatch(r.text, /table/);
  const line = await s.waitLog((l) => l.request_id === 'inner-1' && l.level === 'error');
  assert.match(line.error, /no such table/);
});

const tool = (name) => (spawnSync(name, ['--version']).status === 0 ? false : `no ${name}`);

play('on a terminal the log is for people: short lines, coloured unless NO_COLOR says otherwise', { app: 'shop', serve: false, skip: tool('script') }, async (s, p) => {
  for (const [env, coloured] of [[{ TERM: 'xterm' }, true], [{ TERM: 'xterm', NO_COLOR: '1' }, false]]) {
    const command = `exec "${BIN}" -C "${p.dir}" serve --data "${p.data}" --listen 127.0.0.1:0 --set server.workers=1`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH, HOME: p.root, ...env } });
    let text = '';
    child.stdout.on('data', (d) => { text += d; });
    const ended = new Promise((done) => child.once('close', done));
    for (const end = Date.now() + 20000 * slow; !/listening.*http:[^\s]*:\d+/.test(text); await sleep(50)) assert.ok(Date.now() < end, text);
    const url = /listening.*(http:\/\/127\.0\.0\.1:\d+)/.exec(text)[1];
    assert.equal((await fetch(`${url}/v1/users/1`)).status, 404);
    for (const end = Date.now() + 20000 * slow; !/\/v1\/users\/1/.test(text); await sleep(50)) assert.ok(Date.now() < end, text);
    child.stdin.write('\u0003'); // as a person does
    await ended;
    const plain = text.replace(/\x1b\[[0-9;]*m/g, '');
    assert.equal(plain !== text, coloured, text);
    assert.doesNotMatch(plain, /^\{/m, 'no JSON');
    assert.match(plain, /^\d\d:\d\d:\d\d\.\d+ GET \/v1\/users\/1 404 \d+\.\d+ms \d+B id=\w+\r?$/m);
    assert.match(plain, /stopped/);
  }
});

play('an answer that fits is one system call', { app: 'shop', users: 20, workers: 1, skip: slow > 1 ? 'the sanitizers want no ptrace' : tool('strace') }, async (s, p) => {
  ok(await s.get('/v1/users/1'));
  const file = `${p.root}/calls`;
  const tracer = spawn('strace', ['-f', '-e', 'trace=sendmsg,sendto,write,writev', '-s', '40', '-o', file, '-p', String(s.child.pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((done) => tracer.once('close', done));
  await new Promise((done) => tracer.stderr.once('data', done));
  await sleep(200);
  for (let i = 0; i < 20; i++) ok(await s.get(`/v1/users/${1 + i}?include=posts`));
  for (let i = 0; i < 5; i++) ok(await s.get('/v1/users?limit=20'));
  tracer.kill('SIGINT');
  await ended;
  const calls = fs.readFileSync(file, 'utf8').split('\n').filter((l) => /\b(sendmsg|sendto|write|writev)\((?!2,)/.test(l) && !/\("?\d+, "\\1\\0/.test(l));
  const heads = calls.filter((l) => l.includes('HTTP/1.1 200'));
  const others = calls.filter((l) => !l.includes('HTTP/1.1 200') && /sendmsg|sendto|writev/.test(l));
  assert.equal(heads.length, 25, calls.slice(0, 60).join('\n'));
  assert.deepEqual(others, [], 'nothing of a body is sent by a call of its own');
});
