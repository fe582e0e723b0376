// The command line itself.
import { play, assert, ok } from '../lib.mjs';

play('--version, --help, help of each command', { serve: false }, async (s, p) => {
  assert.match(p.do('--version', { noData: true }).out, /^cairn \d+\.\d+\.\d+/);
  const help = p.do('--help', { noData: true }).out;
  for (const c of ['serve', 'migrate', 'routes', 'seed', 'check', 'init', 'backup', 'restore']) {
    assert.match(help, new RegExp(`^ *${c}\\b`, 'm'));
    assert.match(p.do(c, '--help', { noData: true }).out, new RegExp(c));
  }
});

play('an unknown command is a usage error with a suggestion', { serve: false }, async (s, p) => {
  const r = p.cairn('serv', { noData: true });
  assert.equal(r.code, 2);
  assert.match(r.err, /serve/);
});

play('an unknown option is a usage error', { serve: false }, async (s, p) => {
  assert.equal(p.cairn('serve', '--lisen', 'x').code, 2);
});

play('init makes a project that starts at once', { serve: false }, async (s, p) => {
  const r = p.do('init', 'corner', { noData: true });
  assert.match(r.all, /corner/);
  p.dir = `${p.dir}/corner`;
  p.do('check');
  await s.start();
  ok(await s.get('/livez'));
  const routes = p.do('routes').out;
  assert.match(routes, /GET +\/v1\/\w+/);
  p.dir = p.dir.replace(/\/corner$/, '');
  assert.notEqual(p.cairn('init', 'corner', { noData: true }).code, 0, 'init over a project must refuse');
});

play('routes lists every route', { serve: false, app: 'shop' }, async (s, p) => {
  p.do('migrate', 'up');
  const { out } = p.do('routes');
  for (const line of [/GET +\/v1\/users\b/, /POST +\/v1\/users\b/, /GET +\/v1\/users\/:id\b/, /PUT +\/v1\/users\/:id/, /PATCH +\/v1\/users\/:id/,
    /DELETE +\/v1\/users\/:id/, /GET +\/v1\/users\/:id\/posts/, /GET +\/v1\/products\/:id\/tags/, /GET +\/livez/, /GET +\/metrics/]) assert.match(out, line);
});

play('seed fills the demo, --users says how much, twice is refused', { serve: false, app: 'shop' }, async (s, p) => {
  p.do('seed', '--users', '12');
  const again = p.cairn('seed', '--users', '12');
  assert.notEqual(again.code, 0, 'a second seed would collide');
  await s.start();
  assert.equal(ok(await s.get('/v1/users?limit=1')).total, 12);
  assert.equal(ok(await s.get('/v1/comments?limit=1')).total, 36);
});

play('the same seed gives the same rows', { serve: false, app: 'shop' }, async (s, p) => {
  const texts = [];
  for (const round of ['a', 'b']) {
    p.data = `${p.root}/${round}`;
    p.do('seed', '--users', '15');
    await s.start();
    texts.push((await s.get('/v1/posts?limit=15&include=author,comments&sort=id')).text);
    await s.stop();
  }
  assert.equal(texts[0], texts[1]);
});
