// dbmate's files, applied once, in order, in a transaction each, with a checksum.
import fs from 'node:fs';
import { spawn } from 'node:child_process';
import { play, assert, ok, BIN } from '../lib.mjs';

const first = '-- migrate:up\nCREATE TABLE a (id SERIAL PRIMARY KEY, n INTEGER);\nINSERT INTO a (n) VALUES (1), (2);\n\n-- migrate:down\nDROP TABLE a;\n';
const second = '-- migrate:up\nALTER TABLE a ADD COLUMN text VARCHAR(10) NOT NULL DEFAULT \'x\';\nCREATE INDEX idx_a_n ON a (n);\n\n-- migrate:down\nDROP INDEX idx_a_n;\nALTER TABLE a DROP COLUMN text;\n';
const two = { '20260101000000_a.sql': first, '20260102000000_b.sql': second };

play('up, status, down, redo', { serve: false, migrations: two }, async (s, p) => {
  assert.match(p.do('migrate', 'status').all, /20260101000000[\s\S]*20260102000000/);
  const up = p.do('migrate', 'up').all;
  assert.match(up, /20260101000000_a/);
  assert.match(up, /20260102000000_b/);
  p.do('migrate', 'verify');
  await s.start();
  assert.deepEqual(await s.list('/v1/a?sort=id'), [{ id: 1, n: 1, text: 'x' }, { id: 2, n: 2, text: 'x' }]);
  await s.stop();
  p.do('migrate', 'redo', '--yes');
  p.do('migrate', 'down', '--yes');
  const status = p.do('migrate', 'status').all;
  assert.match(status, /20260101000000_a.*\n[\s\S]*20260102000000_b/);
  await s.start(['--set', 'mode=production']);
  assert.deepEqual(await s.list('/v1/a?sort=id'), [{ id: 1, n: 1 }, { id: 2, n: 2 }]);
});

play('development applies what is pending at start, production does not', { migrations: { '20260101000000_a.sql': first } }, async (s, p) => {
  assert.equal((await s.list('/v1/a')).length, 2);
  p.migrations(two);
  await s.restart(['--set', 'mode=production']);
  assert.ok(!('text' in (await s.list('/v1/a'))[0]));
  await s.restart();
  assert.equal((await s.list('/v1/a'))[0].text, 'x');
});

play('new makes a file of the convention', { serve: false, migrations: two }, async (s, p) => {
  p.do('migrate', 'new', 'add_colors');
  const made = fs.readdirSync(`${p.dir}/migrations`).filter((f) => /^\d{14}_add_colors\.sql$/.test(f));
  assert.equal(made.length, 1);
  const text = fs.readFileSync(`${p.dir}/migrations/${made[0]}`, 'utf8');
  assert.match(text, /^-- migrate:up/m);
  assert.match(text, /^-- migrate:down/m);
  p.do('migrate', 'up');
});

play('an applied file that was edited is told, one that is gone too', { serve: false, migrations: two }, async (s, p) => {
  p.do('migrate', 'up');
  p.write('migrations/20260101000000_a.sql', first.replace('(2)', '(3)'));
  const r = p.cairn('migrate', 'verify');
  assert.equal(r.code, 1);
  assert.match(r.all, /20260101000000_a/);
  assert.notEqual(p.cairn('migrate', 'up').code, 0);
  fs.unlinkSync(`${p.dir}/migrations/20260101000000_a.sql`);
  const gone = p.cairn('migrate', 'verify');
  assert.equal(gone.code, 1);
  assert.match(gone.all, /20260101000000/);
});

play('a file that fails leaves nothing, tells its line, and the earlier ones stay', { serve: false, migrations: {
  ...two, '20260103000000_c.sql': '-- migrate:up\nCREATE TABLE c (id SERIAL PRIMARY KEY);\nINSERT INTO c (id) VALUES (1);\n\nINSERT INTO nowhere (id) VALUES (1);\n-- migrate:down\n' } }, async (s, p) => {
  const r = p.cairn('migrate', 'up');
  assert.equal(r.code, 1);
  assert.match(r.all, /20260103000000_c\.sql:5/);
  assert.match(r.all, /nowhere/);
  assert.equal(p.cairn('serve').code, 1);
  fs.unlinkSync(`${p.dir}/migrations/20260103000000_c.sql`);
  await s.start();
  assert.equal((await s.get('/v1/c')).status, 404);
  assert.equal((await s.list('/v1/a')).length, 2);
});

play('what cannot be translated stops with file, line and the construct', { on: ['sqlite'], serve: false, migrations: {
  '20260101000000_a.sql': '-- migrate:up\nCREATE TABLE a (id SERIAL PRIMARY KEY);\n\nCREATE TABLE b (\n  id SERIAL PRIMARY KEY,\n  box POLYGON\n);\n-- migrate:down\n' } }, async (s, p) => {
  const r = p.cairn('migrate', 'up');
  assert.equal(r.code, 1);
  assert.match(r.all, /20260101000000_a\.sql:[4-7]/);
  assert.match(r.all, /polygon/i);
});

play('broken SQL tells its line', { serve: false, migrations: { '20260101000000_a.sql': '-- migrate:up\nCREATE TABLE a (id SERIAL PRIMARY KEY);\nCREATE TABEL b (id INTEGER);\n-- migrate:down\n' } }, async (s, p) => {
  const r = p.cairn('migrate', 'up');
  assert.equal(r.code, 1);
  assert.match(r.all, /20260101000000_a\.sql:3/);
});

play('destructive steps want --yes', { serve: false, migrations: { ...two, '20260104000000_d.sql': '-- migrate:up\nDROP TABLE a;\n-- migrate:down\nCREATE TABLE a (id SERIAL PRIMARY KEY);\n' } }, async (s, p) => {
  const r = p.cairn('migrate', 'up');
  assert.equal(r.code, 1);
  assert.match(r.all, /DROP TABLE a/);
  assert.match(r.all, /--yes/);
  p.do('migrate', 'up', '--yes');
  assert.notEqual(p.cairn('migrate', 'down', '--yes').code, undefined);
});

play('two starters do not race', { serve: false, migrations: {
  '20260101000000_a.sql': first, '20260102000000_many.sql': `-- migrate:up\n${Array.from({ length: 30 }, (_, i) => `CREATE TABLE t${i} (id SERIAL PRIMARY KEY, n INTEGER);`).join('\n')}\nINSERT INTO a (n) VALUES (7);\n-- migrate:down\n` } }, async (s, p) => {
  const codes = await Promise.all([1, 2, 3, 4].map(() => new Promise((done) => {
    const c = spawn(BIN, ['-C', p.dir, 'migrate', 'up', '--data', p.data], { env: { ...process.env, ...p.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    c.stdout.on('data', (d) => { text += d; });
    c.stderr.on('data', (d) => { text += d; });
    c.on('close', (code) => done({ code, text }));
  })));
  for (const r of codes) assert.equal(r.code, 0, r.text);
  await s.start();
  assert.deepEqual((await s.list('/v1/a?sort=id')).map((r) => r.n), [1, 2, 7]);
});

play('one server, and migrations while it runs, do not break each other', { migrations: { '20260101000000_a.sql': first } }, async (s, p) => {
  p.migrations(two);
  p.do('migrate', 'up');
  ok(await s.post('/v1/a', { n: 9 }), 201);
  await s.restart();
  assert.equal((await s.list('/v1/a?sort=-id'))[0].text, 'x');
});
