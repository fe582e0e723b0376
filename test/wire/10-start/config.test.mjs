// cairn.yaml: every fault has its place, and nothing starts on a wrong one.
import { play, assert, ok } from '../lib.mjs';

const table = 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT);';

play('a misspelt key: place, key, suggestion', { serve: false, config: 'name: x\nserver:\n  worker: 2\n' }, async (s, p) => {
  for (const command of ['check', 'serve']) {
    const r = p.cairn(command);
    assert.equal(r.code, 1);
    assert.match(r.all, /cairn\.yaml:3:3/);
    assert.match(r.all, /server\.worker\b/);
    assert.match(r.all, /server\.workers/);
  }
});

play('all faults at once', { serve: false, config: 'nam: x\nserver:\n  workers: many\nhttp:\n  max_body: -1\n' }, async (s, p) => {
  const { all } = p.cairn('check');
  for (const place of [/:1:1/, /:3:12/, /:5:13/]) assert.match(all, place);
});

play('broken YAML tells line and column', { serve: false, config: 'name: [x\nserver: {\n' }, async (s, p) => {
  const r = p.cairn('check');
  assert.equal(r.code, 1);
  assert.match(r.all, /cairn\.yaml:\d+:\d+/);
});

play('values out of their bounds', { serve: false, config: 'server:\n  workers: 100000\nlog:\n  level: loud\n' }, async (s, p) => {
  const { all, code } = p.cairn('check');
  assert.equal(code, 1);
  assert.match(all, /server\.workers/);
  assert.match(all, /debug.*info.*warn.*error/);
});

play('a sound project passes the check', { serve: false, app: 'shop' }, async (s, p) => {
  p.do('check');
});

play('a relation over a column that is not there is told with a suggestion', {
  serve: false, migrations: 'CREATE TABLE a (id SERIAL PRIMARY KEY); CREATE TABLE b (id SERIAL PRIMARY KEY, a_id INTEGER REFERENCES a (id));',
  config: 'tables:\n  b:\n    relations: { owner: a_idd }\n',
}, async (s, p) => {
  const r = p.cairn('serve');
  assert.equal(r.code, 1);
  assert.match(r.all, /a_idd/);
  assert.match(r.all, /a_id\b/);
});

play('${VAR} and ${VAR:-default}', { serve: false, config: 'name: ${SHOP_NAME}\nrest:\n  prefix: ${PREFIX_OF_SHOP:-/api}\n', migrations: table }, async (s, p) => {
  const r = p.cairn('check', { env: {} });
  assert.equal(r.code, 1);
  assert.match(r.all, /SHOP_NAME/);
  await s.start([], { SHOP_NAME: 'corner' });
  ok(await s.get('/api/notes'));
});

play('a secret must not stand in the file', { serve: false, config: 'rest:\n  cursor_secret: "hunter2hunter2hunter2"\n' }, async (s, p) => {
  const r = p.cairn('check');
  assert.equal(r.code, 1);
  assert.match(r.all, /cursor_secret/);
  assert.match(r.all, /file:/);
  assert.doesNotMatch(r.all, /hunter2/);
});

play('a secret from a file and from the environment', { serve: false, config: 'rest:\n  cursor_secret: file:secret.txt\n', migrations: table }, async (s, p) => {
  p.write('secret.txt', 'a long enough secret for this test\n');
  p.do('check');
  p.config('rest:\n  cursor_secret: ${CURSOR_SECRET}\n');
  p.do('check', { env: { CURSOR_SECRET: 'another long secret for this test' } });
});

play('the environment wins over the file, the command line over both', { config: 'rest:\n  default_limit: 3\n', migrations: table, args: [] }, async (s) => {
  ok(await s.post('/v1/notes', Array.from({ length: 9 }, (_, i) => ({ text: `${i}` }))), 201);
  assert.equal((await s.list('/v1/notes')).length, 3);
  await s.restart([], { CAIRN_REST_DEFAULT_LIMIT: '4' });
  assert.equal((await s.list('/v1/notes')).length, 4);
  await s.restart(['--set', 'rest.default_limit=5'], { CAIRN_REST_DEFAULT_LIMIT: '4' });
  assert.equal((await s.list('/v1/notes')).length, 5);
});

play('an unknown --set and a wrong value are told', { serve: false }, async (s, p) => {
  const a = p.cairn('serve', '--set', 'rest.default_limi=5');
  assert.notEqual(a.code, 0);
  assert.match(a.all, /rest\.default_limit/);
  assert.notEqual(p.cairn('serve', '--set', 'rest.default_limit=many').code, 0);
});

play('a table can be hidden, all can', { config: 'tables:\n  notes: { expose: false }\n', migrations: `${table} CREATE TABLE open (id SERIAL PRIMARY KEY);` }, async (s, p) => {
  assert.equal((await s.get('/v1/notes')).status, 404);
  ok(await s.get('/v1/open'));
  p.config('rest:\n  expose: none\ntables:\n  notes: { expose: true }\n');
  await s.restart();
  ok(await s.get('/v1/notes'));
  assert.equal((await s.get('/v1/open')).status, 404);
});
