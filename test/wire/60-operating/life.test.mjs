// Stopping, reloading, backing up, and kill -9 under load.
import fs from 'node:fs';
import path from 'node:path';
import net from 'node:net';
import { play, assert, ok, sleep, slow } from '../lib.mjs';

const both = ['sqlite', 'postgres'];
const notes = { migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL UNIQUE);' };

play('SIGTERM: a running request finishes, nothing new is taken, exit 0', { ...notes, on: both }, async (s) => {
  const body = JSON.stringify({ text: 'late' });
  const c = net.connect(s.port, '127.0.0.1');
  let text = '';
  c.on('data', (d) => { text += d; });
  const closed = new Promise((done) => c.on('close', done));
  c.write(`POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
  await sleep(200 * slow);
  const stopped = s.stop();
  await sleep(200 * slow);
  await assert.rejects(fetch(`${s.base}/livez`), 'nothing new is taken');
  c.write(body.slice(5));
  await closed;
  await stopped;
  assert.match(text, /^HTTP\/1\.1 201/);
  assert.match(text, /connection: close/i);
  await s.start();
  assert.deepEqual((await s.list('/v1/notes')).map((n) => n.text), ['late']);
});

play('SIGTERM does not wait for ever', { ...notes, args: ['--set', 'server.shutdown_timeout=500ms'] }, async (s) => {
  const c = net.connect(s.port, '127.0.0.1').on('error', () => {});
  c.write('POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  await sleep(200 * slow);
  const began = Date.now();
  await s.stop();
  assert.ok(Date.now() - began < 5000 * slow, `${Date.now() - began} ms`);
  c.destroy();
});

play('SIGTERM with idle connections ends at once', { ...notes, on: both }, async (s) => {
  const all = Array.from({ length: 20 }, () => net.connect(s.port, '127.0.0.1').on('error', () => {}));
  await sleep(200 * slow);
  const began = Date.now();
  await s.stop();
  assert.ok(Date.now() - began < 3000 * slow);
  for (const c of all) c.destroy();
});

play('SIGHUP takes the new settings without dropping a connection', { ...notes, on: both, config: 'rest:\n  default_limit: 2\n' }, async (s, p) => {
  ok(await s.post('/v1/notes', [1, 2, 3, 4, 5].map((i) => ({ text: `${i}` }))), 201);
  const c = net.connect(s.port, '127.0.0.1');
  let text = '';
  c.on('data', (d) => { text += d; });
  const ask = async () => { text = ''; c.write('GET /v1/notes HTTP/1.1\r\nHost: x\r\n\r\n'); for (let i = 0; i < 200 && !text.includes('"data"'); i++) await sleep(10); return text; };
  assert.match(await ask(), /"limit":2/);
  p.config('rest:\n  default_limit: 4\n');
  s.signal('SIGHUP');
  for (let i = 0; i < 100 && (await s.list('/v1/notes')).length !== 4; i++) await sleep(20);
  assert.equal((await s.list('/v1/notes')).length, 4);
  assert.match(await ask(), /"limit":4/);
  c.destroy();
});

play('SIGHUP with a bad file keeps the old settings and says why', { ...notes, config: 'rest:\n  default_limit: 2\n' }, async (s, p) => {
  ok(await s.post('/v1/notes', [1, 2, 3].map((i) => ({ text: `${i}` }))), 201);
  p.config('rest:\n  default_limt: 3\n');
  s.signal('SIGHUP');
  await s.waitLog((l) => /cairn\.yaml:2:3/.test(JSON.stringify(l)) && /default_limit/.test(JSON.stringify(l)));
  assert.equal((await s.list('/v1/notes')).length, 2);
});

play('SIGHUP under load loses no request', { ...notes, on: both, config: 'rest:\n  default_limit: 2\n' }, async (s) => {
  let going = true;
  let bad = 0;
  let good = 0;
  const load = Promise.all(Array.from({ length: 8 }, async () => {
    while (going) await s.get('/v1/notes').then((r) => (r.status === 200 ? good++ : bad++), () => bad++);
  }));
  for (let i = 0; i < 5; i++) { s.signal('SIGHUP'); await sleep(100); }
  going = false;
  await load;
  assert.equal(bad, 0);
  assert.ok(good > 50);
});

play('backup while writing, restore', notes, async (s, p) => {
  for (let i = 0; i < 20; i++) ok(await s.post('/v1/notes', { text: `before ${i}` }), 201);
  let going = true;
  const load = (async () => { for (let i = 0; going; i++) ok(await s.post('/v1/notes', { text: `during ${i}` }), 201); })();
  p.do('backup', `${p.root}/copy.db`);
  going = false;
  await load;
  ok(await s.post('/v1/notes', { text: 'after' }), 201);
  assert.ok(fs.statSync(`${p.root}/copy.db`).size > 0);
  await s.stop();
  const refused = p.cairn('restore', `${p.root}/copy.db`);
  if (refused.code !== 0) p.do('restore', `${p.root}/copy.db`, '--yes');
  await s.start();
  const texts = (await s.list('/v1/notes?limit=1000')).map((n) => n.text);
  for (let i = 0; i < 20; i++) assert.ok(texts.includes(`before ${i}`));
  assert.ok(!texts.includes('after'));
});

play('a restore from something that is no backup changes nothing', { ...notes }, async (s, p) => {
  ok(await s.post('/v1/notes', { text: 'kept' }), 201);
  await s.stop();
  fs.writeFileSync(`${p.root}/junk.db`, 'this is no database, but it is long enough to be read as a header of one '.repeat(20));
  assert.notEqual(p.cairn('restore', `${p.root}/junk.db`, '--yes').code, 0);
  assert.notEqual(p.cairn('restore', `${p.root}/absent.db`, '--yes').code, 0);
  await s.start();
  assert.equal((await s.list('/v1/notes'))[0].text, 'kept');
});

play('integrity says where a file is broken', { ...notes, serve: false }, async (s, p) => {
  await s.start();
  ok(await s.post('/v1/notes', Array.from({ length: 1000 }, (_, i) => ({ text: `${i} ${'x'.repeat(200)}` }))), 201);
  await s.stop();
  assert.match(p.do('integrity').all, /sound/);
  const file = path.join(p.data, fs.readdirSync(p.data).find((f) => f.endsWith('.db')));
  const bytes = fs.readFileSync(file);
  const pages = bytes.length / 4096;
  assert.ok(pages > 40);
  for (let at = Math.floor(pages / 2); at < pages / 2 + 4; at++) bytes.fill(0x5a, at * 4096, at * 4096 + 64); // heads of pages
  fs.writeFileSync(file, bytes);
  const r = p.cairn('integrity');
  assert.notEqual(r.code, 0, r.all);
  assert.match(r.err, /page \d+|malformed/i);
  assert.doesNotMatch(r.all, /sound/);
});

const ROUNDS = process.env.CAIRN_SLOW ? 10 : 100;
play(`kill -9 under load, ${ROUNDS} times: no acknowledged write is lost`, { ...notes, timeout: 240000 }, async (s, p) => {
  const acknowledged = new Set();
  let number = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let going = true;
    const load = Promise.all(Array.from({ length: 8 }, async () => {
      while (going) {
        const text = `n${number++}`;
        const r = await s.post('/v1/notes', { text }).catch(() => null);
        if (r?.status === 201) acknowledged.add(text);
      }
    }));
    for (const want = acknowledged.size + 6; acknowledged.size < want;) await sleep(2);
    await sleep((round * 37) % 60);
    await s.kill9();
    going = false;
    await load;
    await s.start();
  }
  const there = new Set();
  for (let cursor = ''; cursor !== null;) {
    const page = ok(await s.get(`/v1/notes?limit=1000&fields=text,id&cursor=${cursor}`));
    for (const n of page.data) there.add(n.text);
    cursor = page.next_cursor;
  }
  assert.ok(acknowledged.size > ROUNDS * 5, `${acknowledged.size} acknowledged`);
  assert.deepEqual([...acknowledged].filter((t) => !there.has(t)), []);
  await s.stop();
  p.do('integrity');
});
