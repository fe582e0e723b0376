// Every limit has an answer: 413, 414, 431, 408, 503.
import net from 'node:net';
import { play, assert, ok, problem, sleep, slow } from '../lib.mjs';

const notes = { migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL);', workers: 1 };
const config = `http:
  max_body: 2K
  max_head: 2K
  max_target: 512
  max_headers: 20
  header_timeout: 500ms
  body_timeout: 500ms
  idle_timeout: 700ms
`;

play('413 by length and by chunks, 414, 431', { ...notes, config }, async (s) => {
  const big = JSON.stringify({ text: 'x'.repeat(4000) });
  problem(await s.post('/v1/notes', big), 413, 'too_big');
  const chunked = await s.raw(`POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`);
  assert.deepEqual(chunked.statuses, [413]);
  const target = await s.raw(`GET /v1/notes?text=eq.${'x'.repeat(700)} HTTP/1.1\r\nHost: x\r\n\r\n`);
  assert.deepEqual(target.statuses, [414]);
  assert.deepEqual((await s.raw(`GET /livez HTTP/1.1\r\nHost: x\r\nX-A: ${'x'.repeat(3000)}\r\n\r\n`)).statuses, [431]);
  assert.deepEqual((await s.raw(`GET /livez HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 30 }, (_, i) => `X-${i}: a\r\n`).join('')}\r\n`)).statuses, [431]);
  ok(await s.post('/v1/notes', { text: 'x'.repeat(1000) }), 201);
});

play('a slow head and a slow body end with 408 or a close, an idle connection with a close', { ...notes, config, timeout: 90000 }, async (s) => {
  const wait = (bytes) => new Promise((done) => {
    const began = Date.now();
    const c = net.connect(s.port, '127.0.0.1', () => c.write(bytes));
    let text = '';
    c.on('data', (d) => { text += d; });
    c.on('error', () => {});
    c.on('close', () => done({ text, ms: Date.now() - began }));
    setTimeout(() => c.destroy(), 15000 * slow).unref();
  });
  for (const bytes of ['GET /livez HTTP/1.1\r\nHos', 'POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{']) {
    const r = await wait(bytes);
    assert.ok(r.ms < 10000 * slow, `${bytes}: still open after ${r.ms} ms`);
    assert.match(r.text, /^(HTTP\/1\.1 408|$)/);
  }
  const idle = await wait('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(idle.text, /^HTTP\/1\.1 200/);
  assert.ok(idle.ms >= 500 && idle.ms < 10000 * slow, `${idle.ms} ms`);
});

play('many connections that say nothing do not keep others out', { ...notes, timeout: 90000 }, async (s) => {
  const idle = await Promise.all(Array.from({ length: 300 }, () => new Promise((done, fail) => {
    const c = net.connect(s.port, '127.0.0.1', () => done(c)).on('error', fail);
  })));
  ok(await s.get('/livez'));
  assert.ok(await s.metric('cairn_connections') >= 300);
  for (const c of idle) c.destroy();
  for (let i = 0; i < 100 && await s.metric('cairn_connections') > 20; i++) await sleep(50);
  assert.ok(await s.metric('cairn_connections') <= 20);
});

play('more connections than allowed are refused, the others served', { ...notes, config: 'server:\n  max_connections: 10\n' }, async (s) => {
  const all = Array.from({ length: 30 }, () => net.connect(s.port, '127.0.0.1').on('error', () => {}));
  await sleep(500 * slow);
  const open = all.filter((c) => !c.destroyed && c.readyState === 'open').length;
  for (const c of all) c.destroy();
  await sleep(200 * slow);
  assert.ok(open <= 12, `${open} open`);
  ok(await s.get('/livez'));
});
