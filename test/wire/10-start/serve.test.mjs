// The binary starts, answers, and stops.
import { play, assert, ok, problem } from '../lib.mjs';

play('an empty project with one migration answers', {
  migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL);',
}, async (s) => {
  assert.match(s.base, /^http:\/\/127\.0\.0\.1:\d+$/);
  const made = ok(await s.post('/v1/notes', { text: 'first' }), 201);
  assert.deepEqual(made, { id: 1, text: 'first' });
  assert.deepEqual(ok(await s.get('/v1/notes')).data, [{ id: 1, text: 'first' }]);
});

play('a project without migrations and without cairn.yaml starts too', {}, async (s) => {
  ok(await s.get('/livez'));
  problem(await s.get('/v1/anything'), 404, 'not_found');
});

play('the shop starts with its data', { app: 'shop', users: 30 }, async (s) => {
  const page = ok(await s.get('/v1/users'));
  assert.equal(page.total, 30);
  assert.deepEqual(ok(await s.get('/v1/users/1')), {
    id: 1, name: 'John Doe', email: 'john@example.com', age: 25, city: 'New York', created_at: '2026-01-01T00:00:00Z', posts_count: 1,
  });
});

play('data outlives a restart, and a kill -9 right after the answer', {
  migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL);',
}, async (s) => {
  ok(await s.post('/v1/notes', { text: 'one' }), 201);
  await s.restart();
  ok(await s.post('/v1/notes', { text: 'two' }), 201);
  await s.kill9();
  await s.start();
  assert.deepEqual((await s.list('/v1/notes?sort=id')).map((n) => n.text), ['one', 'two']);
});

play('--listen, PORT, and a port that is taken', { serve: false }, async (s, p) => {
  const port = 20000 + (process.pid % 20000);
  await s.start([], { PORT: String(port) });
  assert.equal(s.port, port);
  const second = p.cairn('serve', '--listen', `127.0.0.1:${port}`);
  assert.equal(second.code, 1);
  assert.match(second.all, /in use/i);
  assert.match(second.all, new RegExp(String(port)));
});

play('SIGINT ends it as SIGTERM does', {}, async (s) => {
  ok(await s.get('/livez'));
  await s.stop('SIGINT');
});

play('IPv6 and a unix socket', { serve: false }, async (s, p) => {
  const sock = `${p.root}/s.sock`;
  await s.start(['--listen', `[::1]:0,unix:${sock}`]);
  assert.match(s.base, /\[::1\]:\d+/);
  ok(await s.get('/livez'));
  const { request } = await import('node:http');
  const status = await new Promise((done, fail) => request({ socketPath: sock, path: '/livez' }, (r) => { r.resume(); done(r.statusCode); }).on('error', fail).end());
  assert.equal(status, 200);
});
