// Lists that do not fit the answer's buffer: sent as they are read, cut short when reading fails.
import fs from 'node:fs';
import net from 'node:net';
import { play, assert, ok, problem, sleep, slow } from '../lib.mjs';

const many = { app: 'shop', users: 30000, timeout: 120000, args: ['--set', 'rest.max_limit=100000'] };

// Sends a request and reads nothing for `pause` ms; then the rest, to the end.
function late(port, head, pause) {
  return new Promise((done, fail) => {
    const s = net.connect(port, '127.0.0.1');
    let text = '';
    s.setEncoding('latin1');
    s.pause();
    s.write(head);
    s.on('data', (d) => { text += d; });
    s.on('error', () => {});
    s.on('close', () => done(text));
    setTimeout(() => s.resume(), pause);
    setTimeout(() => { s.destroy(); fail(new Error('the connection stays open')); }, 30000 * slow).unref();
  });
}

play('a large list is chunked, whole, and takes little memory', many, async (s) => {
  ok(await s.get('/v1/comments?limit=90000&fields=id'));
  const before = await s.metric('process_resident_memory_bytes');
  const r = await s.get('/v1/comments?limit=90000&sort=id');
  assert.deepEqual(ok(r).data.map((c) => c.id), Array.from({ length: r.body.total }, (_, i) => i + 1));
  assert.equal(r.header('transfer-encoding'), 'chunked');
  assert.ok(r.text.length > 4e6);
  if (slow === 1) assert.ok(await s.metric('process_resident_memory_bytes') - before < r.text.length / 2);
});

// The most that it ever had, not what is left at the end: a client that stops reading stops the reading of rows.
const peak = (s) => Number(/^VmHWM:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${s.child.pid}/status`, 'latin1'))[1]) * 1024;

play('the server holds a piece of a long list at a time, also for a client that reads slowly', { ...many, skip: slow > 1 ? 'a sanitizer\'s memory tells nothing' : undefined }, async (s) => {
  const get = 'GET /v1/comments?limit=90000&count=none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  ok(await s.get('/v1/comments?limit=2000&count=none'));
  const before = peak(s);
  for (const pause of [0, 1500]) {
    const text = await late(s.port, get, pause);
    assert.ok(text.endsWith('0\r\n\r\n'), 'it is whole');
    assert.ok(text.length > 6e6, `${text.length} bytes`);
  }
  const more = peak(s) - before;
  assert.ok(more < 3e6, `${more} bytes more at most`);
});

play('long lists for slow clients do not keep others from the database', { ...many, workers: 1, on: ['postgres'], args: [...many.args, '--set', 'database.pool_size=2'] }, async (s) => {
  const get = 'GET /v1/comments?limit=90000&count=none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  const slowly = Array.from({ length: 3 }, () => late(s.port, get, 2500));
  await sleep(500);
  for (let i = 1; i <= 20; i++) assert.equal(ok(await s.get(`/v1/users/${i}`)).id, i);
  assert.ok(await s.metric('cairn_db_pool_open') <= 2);
  const whole = (await Promise.all(slowly)).filter((text) => text.endsWith('0\r\n\r\n'));
  assert.ok(whole.length >= 1, 'one at least is read to its end');
  ok(await s.get('/v1/users/1'));
  assert.equal(await s.metric('cairn_db_pool_taken'), 0);
});

play('a small one has its length', many, async (s) => {
  const r = await s.get('/v1/users?limit=10', { 'Accept-Encoding': 'identity' });
  assert.equal(r.header('content-length'), String(Buffer.byteLength(r.text)));
});

play('a large cursor page leads on, in its last member', many, async (s) => {
  const first = ok(await s.get('/v1/users?limit=20000&sort=-id&cursor='));
  assert.deepEqual([first.data.length, first.has_more], [20000, true]);
  const rest = ok(await s.get(`/v1/users?limit=20000&sort=-id&cursor=${first.next_cursor}`));
  assert.deepEqual(rest.data.map((u) => u.id), Array.from({ length: 10000 }, (_, i) => 10000 - i));
  const back = ok(await s.get(`/v1/users?limit=20000&sort=-id&cursor=${rest.prev_cursor}&fields=id`));
  assert.deepEqual(back.data.map((u) => u.id), first.data.map((u) => u.id));
});

play('HEAD of a large list, and the connection goes on', many, async (s) => {
  const r = await s.raw('HEAD /v1/users?limit=30000 HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/users/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.deepEqual(r.statuses, [200, 200]);
  assert.match(r.text, /\r\n\r\nHTTP\/1\.1 200 OK\r\n/, 'nothing stands between the two heads');
});

play('with related rows too', many, async (s) => {
  const r = await s.get('/v1/posts?limit=5000&sort=id&include=author&count=none');
  assert.equal(r.header('transfer-encoding'), 'chunked');
  assert.ok(ok(r).data.every((p) => p.author.id === p.user_id));
  assert.match(r.header('link'), /rel="next"/);
});

play('a list whose reading fails half way is cut, so that nobody takes it for whole', { ...many, args: [...many.args, '--set', `database.statement_timeout=${1000 * slow}ms`] }, async (s) => {
  const get = 'GET /v1/comments?limit=90000&count=none HTTP/1.1\r\nHost: x\r\n\r\n';
  const text = await late(s.port, get, 3000 * slow);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(!text.endsWith('0\r\n\r\n'), 'a cut answer must not end as a whole one does');
  assert.ok(!text.includes('"has_more"'));
  ok(await s.get('/v1/users/1'));
});

play('a failure before the head is sent is a problem as any other', many, async (s) => {
  problem(await s.get('/v1/users/999999/posts?limit=90000'), 404, 'not_found');
});
