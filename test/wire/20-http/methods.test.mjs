// Methods, Allow, HEAD, OPTIONS, unknown paths, content types.
import { play, assert, ok, problem } from '../lib.mjs';

const shop = { app: 'shop', users: 5 };

play('an unknown path is 404 for every method', shop, async (s) => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) problem(await s.fetch('/v1/nothing', { method }), 404, 'not_found');
  problem(await s.get('/v1/users/1/nothing'), 404, 'not_found');
  problem(await s.get('/v2/users'), 404, 'not_found');
  problem(await s.get('/v1/users/1/2/3'), 404, 'not_found');
});

play('405 tells what is allowed', shop, async (s) => {
  for (const [method, target] of [['PATCH', '/v1/users'], ['DELETE', '/v1/users'], ['POST', '/v1/users/1'], ['POST', '/livez'], ['DELETE', '/metrics']]) {
    const r = await s.fetch(target, { method });
    problem(r, 405, 'method_not_allowed');
    assert.ok(r.header('allow').split(/, */).includes('GET'), `${method} ${target}: ${r.header('allow')}`);
    assert.ok(!r.header('allow').split(/, */).includes(method));
  }
});

play('OPTIONS answers Allow', shop, async (s) => {
  const list = await s.fetch('/v1/users', { method: 'OPTIONS' });
  assert.equal(list.status, 204);
  assert.deepEqual(list.header('allow').split(/, */).sort(), ['GET', 'HEAD', 'OPTIONS', 'POST']);
  const one = await s.fetch('/v1/users/1', { method: 'OPTIONS' });
  assert.deepEqual(one.header('allow').split(/, */).sort(), ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'PUT']);
  assert.match((await s.raw('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).text, /^HTTP\/1\.1 20[04]/);
});

play('HEAD is GET without the body', shop, async (s) => {
  for (const target of ['/v1/users/1', '/v1/users?limit=2', '/livez']) {
    const get = await s.get(target);
    const head = await s.fetch(target, { method: 'HEAD' });
    assert.equal(head.status, get.status);
    assert.equal(head.text, '');
    assert.equal(head.header('content-type'), get.header('content-type'));
    assert.equal(head.header('content-length'), String(Buffer.byteLength(get.text)));
  }
  const missing = await s.fetch('/v1/users/9999', { method: 'HEAD' });
  assert.equal(missing.status, 404);
  assert.equal(missing.text, '');
});

play('a method nobody knows is 501, a known one that is not served 405 or 501', shop, async (s) => {
  const r = await s.raw('BREW /v1/users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.deepEqual(r.statuses, [501]);
  const t = await s.raw('TRACE /v1/users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.ok([405, 501].includes(t.statuses[0]));
});

play('a body of another kind is 415', shop, async (s) => {
  for (const type of ['text/plain', 'text/json', 'application/x-www-form-urlencoded; charset=latin1']) {
    problem(await s.post('/v1/users', '{"name":"A","email":"a@b.c"}', { 'Content-Type': type }), 415, 'media_type');
  }
  ok(await s.post('/v1/users', '{"name":"A","email":"a1@b.c"}', { 'Content-Type': 'application/json; charset=utf-8' }), 201);
  ok(await s.patch('/v1/users/1', '{"age":26}', { 'Content-Type': 'application/merge-patch+json' }));
});

play('X-Request-ID is taken when it is sound, else made', shop, async (s) => {
  assert.equal((await s.get('/v1/users/1', { 'X-Request-ID': 'uuid-12345' })).header('x-request-id'), 'uuid-12345');
  const made = [await s.get('/v1/users/1'), await s.get('/v1/users/1')].map((r) => r.header('x-request-id'));
  assert.ok(made[0] && made[1] && made[0] !== made[1]);
  const bad = (await s.get('/v1/users/1', { 'X-Request-ID': 'a b"<script>' })).header('x-request-id');
  assert.ok(bad && !bad.includes('<'));
  const long = (await s.get('/v1/users/1', { 'X-Request-ID': 'x'.repeat(2000) })).header('x-request-id');
  assert.ok(long.length <= 200);
});

play('every answer has Date and its Content-Type', shop, async (s) => {
  const r = await s.get('/v1/users/1');
  assert.match(r.header('content-type'), /^application\/json/);
  assert.ok(Math.abs(Date.parse(r.header('date')) - Date.now()) < 5000);
});

play('a path is decoded and compared strictly', shop, async (s) => {
  ok(await s.get('/v1/%75sers/1'));
  for (const target of ['/v1/users/%00', '/v1/users/%zz', '/v1/%2e%2e/etc', '/v1/users/..%2f..%2fetc', '/v1//users', '/v1/users/%ff%fe']) {
    const r = await s.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.ok([400, 404].includes(r.statuses[0]), `${target}: ${r.text.slice(0, 60)}`);
  }
});
