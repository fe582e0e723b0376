// /livez, /readyz, /metrics and the log.
import { play, assert, ok } from '../lib.mjs';

const shop = { app: 'shop', users: 5 };

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
