// Many at once: writes share commits, a client that goes away frees what it held, queues are bounded.
import net from 'node:net';
import { play, assert, ok, sleep, slow } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const notes = { on, migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL);' };

play('many writers at once: each is answered after its commit, and they share commits', notes, async (s) => {
  const commits = await s.metric('cairn_db_commits_total');
  const all = await Promise.all(Array.from({ length: 500 }, (_, i) => s.post('/v1/notes', { text: `${i}` })));
  for (const r of all) ok(r, 201);
  assert.equal(new Set(all.map((r) => r.body.id)).size, 500);
  assert.equal(ok(await s.get('/v1/notes?limit=1')).total, 500);
  if (s.engine === 'sqlite') assert.ok(await s.metric('cairn_db_commits_total') - commits < 500);
});

play('a bad write in a group does not take the others with it', { on, migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL UNIQUE);' }, async (s) => {
  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => s.post('/v1/notes', { text: `${i % 100}` })));
  assert.equal(all.filter((r) => r.status === 201).length, 100);
  assert.equal(all.filter((r) => r.status === 409).length, 100);
});

play('what a gone client held is freed', { ...notes, workers: 1 }, async (s) => {
  const all = Array.from({ length: 50 }, () => net.connect(s.port, '127.0.0.1').on('error', () => {}));
  for (const c of all) c.write('POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  await sleep(300 * slow);
  for (const c of all) c.destroy();
  for (let i = 0; i < 100 && await s.metric('cairn_requests_in_progress') > 1; i++) await sleep(50);
  assert.ok(await s.metric('cairn_requests_in_progress') <= 1);
});

play('a client that does not read does not stop the others', { on, app: 'shop', users: 2000, workers: 1 }, async (s) => {
  const all = Array.from({ length: 10 }, () => net.connect(s.port, '127.0.0.1').on('error', () => {}));
  for (const c of all) { c.pause(); c.write('GET /v1/comments?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(30)); }
  await sleep(300 * slow);
  const began = Date.now();
  ok(await s.get('/v1/users/1'));
  assert.ok(Date.now() - began < 2000 * slow);
  for (const c of all) c.destroy();
});

play('scans and point reads at once all answer', { on, app: 'shop', users: 3000, timeout: 90000 }, async (s) => {
  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => s.get(i % 4 ? `/v1/users/${1 + i}` : '/v1/posts?content=ilike.*happened*&limit=1')));
  for (const r of all) ok(r);
});
