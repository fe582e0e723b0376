// Rate limits in one process: the algorithms, whose they are, what answers say, who cannot cheat. SPDX: Apache-2.0
import { createHash } from 'node:crypto';
import { assert, ok, play, problem, sleep, slow } from '../lib.mjs';

const migrations = 'CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL);';
const times = async (n, fn) => { const all = []; for (let i = 0; i < n; i++) all.push(await fn(i)); return all; };
const statuses = (list) => list.map((r) => r.status).join(' ');
const number = (r, name) => Number(r.header(name));

for (const algorithm of ['fixed_window', 'sliding_window', 'sliding_log', 'token_bucket', 'gcra']) {
  play(`${algorithm}: five pass, the sixth is told when to come again`, { migrations, config: `limits: [{ name: api, match: { path: /v1/* }, algorithm: ${algorithm}, rate: 5/h }]\n` }, async (s) => {
    const list = await times(6, () => s.get('/v1/users'));
    assert.equal(statuses(list), '200 200 200 200 200 429');
    for (const [i, r] of list.entries()) {
      const left = Math.max(0, 4 - i);
      assert.equal(number(r, 'x-ratelimit-limit'), 5);
      assert.equal(number(r, 'x-ratelimit-remaining'), left);
      assert.equal(r.header('ratelimit-policy'), '"api";q=5;w=3600');
      assert.match(r.header('ratelimit'), new RegExp(`^"api";r=${left};t=\\d+$`));
      const now = Date.now() / 1000, reset = number(r, 'x-ratelimit-reset');
      assert.ok(reset > now - 5 && reset <= now + 2 * 3600 + 5, `reset ${reset}, now ${now}`);
    }
    const last = list[5];
    const body = problem(last, 429, 'rate_limited');
    assert.equal(body.error, 'Too many requests');
    assert.equal(body.title, 'Too Many Requests');
    assert.deepEqual(body['violated-policies'], ['api']);
    const retry = number(last, 'retry-after');
    assert.equal(body.retry_after, retry);
    assert.ok(retry > 0 && retry <= 2 * 3600, `retry after ${retry}`);
    assert.equal(retry, Number(/t=(\d+)/.exec(last.header('ratelimit'))[1]), 'the same time in both');
    assert.equal(last.header('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
    assert.equal(await s.metric('cairn_rate_limit_decisions_total', 'limit="api",result="allowed"'), 5);
    assert.equal(await s.metric('cairn_rate_limit_decisions_total', 'limit="api",result="limited"'), 1);
  });

  play(`${algorithm}: after Retry-After the same request passes`, { migrations, config: `limits: [{ name: api, algorithm: ${algorithm}, rate: 2/2s }]\n` }, async (s) => {
    const list = await times(12, () => s.get('/v1/users'));
    const refused = list.find((r) => r.status === 429);
    assert.ok(refused, statuses(list));
    await sleep(number(refused, 'retry-after') * 1000 + 100);
    ok(await s.get('/v1/users'));
  });
}

play('no limits unless they are set, and health checks never', { migrations }, async (s) => {
  const r = await s.get('/v1/users');
  for (const name of ['ratelimit', 'ratelimit-policy', 'x-ratelimit-limit']) assert.equal(r.header(name), null);
});

play('what is not found counts, health checks do not', { migrations, config: 'limits: [{ name: all, rate: 3/h }]\n' }, async (s) => {
  assert.equal(statuses(await times(5, () => s.get('/livez'))), '200 200 200 200 200');
  assert.equal((await s.get('/livez')).header('ratelimit'), null);
  assert.equal(statuses([await s.get('/nowhere'), await s.delete('/v1/users'), await s.get('/v1/users/1')]), '404 405 404');
  problem(await s.get('/nowhere'), 429, 'rate_limited');
  ok(await s.get('/readyz'));
});

play('paths and methods: only what matches', { migrations, config: `limits:
  - { name: writes, match: { path: /v1/*, methods: [POST, DELETE] }, rate: 2/h }
  - { name: one, match: { path: /v1/users/*/x }, rate: 1/h }
` }, async (s) => {
  assert.equal(statuses(await times(3, () => s.post('/v1/users', { name: 'a' }))), '201 201 429');
  assert.equal((await s.delete('/v1/users/1')).status, 429);
  const r = await s.get('/v1/users/1');
  assert.equal(r.status, 200);
  assert.equal(r.header('ratelimit'), null);
  assert.equal(statuses(await times(2, () => s.get('/v1/users/5/x'))), '404 429');
  assert.equal((await s.get('/v1/users/5/y')).status, 404);
});

play('several limits at once: each is told, the tightest refuses', { migrations, config: `limits:
  - { name: second, rate: 2/h }
  - { name: day, rate: 100/d }
` }, async (s) => {
  const [first, , last] = await times(3, () => s.get('/v1/users'));
  assert.equal(first.header('ratelimit-policy'), '"second";q=2;w=3600, "day";q=100;w=86400');
  assert.match(first.header('ratelimit'), /^"second";r=1;t=\d+, "day";r=99;t=\d+$/);
  assert.equal(number(first, 'x-ratelimit-limit'), 2);
  problem(last, 429, 'rate_limited');
  assert.deepEqual(last.body['violated-policies'], ['second']);
});

play('burst: a bucket of its own size, and more on top of a window', { migrations, config: `limits:
  - { name: bucket, match: { path: /v1/users }, algorithm: token_bucket, rate: 2/h, burst: 4 }
  - { name: small, match: { path: /v1/users/* , methods: [PUT] }, algorithm: gcra, rate: 100/h, burst: 1 }
  - { name: window, match: { path: /v1/none }, algorithm: fixed_window, rate: 2/h, burst: 1 }
` }, async (s) => {
  assert.equal(statuses(await times(5, () => s.get('/v1/users'))), '200 200 200 200 429');
  const put = await times(2, () => s.put('/v1/users/1', { name: 'a' }));
  assert.equal(put[1].status, 429);
  assert.equal(number(put[1], 'retry-after'), 36, 'one in 36 s');
  assert.equal(statuses(await times(4, () => s.get('/v1/none'))), '404 404 404 429');
});

play('cost: an expensive route uses more', { migrations, on: ['sqlite', 'postgres'], config: `limits:
  - name: api
    rate: 10/h
    costs:
      - { path: /v1/users, methods: [POST], cost: 4 }
      - { path: /v1/users/1, cost: 0 }
` }, async (s) => {
  ok(await s.post('/v1/users', { name: 'a' }), 201);
  const r = await s.post('/v1/users', { name: 'b' });
  assert.equal(number(r, 'x-ratelimit-remaining'), 2);
  problem(await s.post('/v1/users', { name: 'c' }), 429);
  assert.equal(statuses(await times(3, () => s.get('/v1/users'))), '200 200 429');
  assert.equal((await s.get('/v1/users/1')).header('ratelimit'), null, 'this one is free');
});

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
play('plans: each API key has its own, and an unknown key is nobody', { migrations, config: `limits:
  - { name: api, key: [api_key], rate: 1/h, plans: { free: 2/h, pro: 4/h, enterprise: 10/m } }
rate_limit:
  clients:
    - { sha256: ${sha256('key-free')}, plan: free }
    - { sha256: ${sha256('key-pro')}, plan: pro }
    - { sha256: ${sha256('key-big')}, plan: enterprise }
` }, async (s) => {
  const key = (k) => () => s.get('/v1/users', { 'X-API-Key': k });
  assert.equal(statuses(await times(3, key('key-free'))), '200 200 429');
  assert.equal(statuses(await times(5, key('key-pro'))), '200 200 200 200 429');
  const big = await key('key-big')();
  assert.equal(big.header('ratelimit-policy'), '"api";q=10;w=60');
  assert.equal(statuses([await key('made-up-1')(), await key('made-up-2')(), await s.get('/v1/users')]), '200 429 429', 'made up keys share the address');
});

play('the ninth limit that matches holds too, and so does a quota behind sign-in', { migrations, config: `limits:
${Array.from({ length: 10 }, (_, i) => `  - { name: l${i}, rate: ${i === 9 ? 3 : 50}/h }\n`).join('')}  - { name: keyed, key: [api_key], rate: 2/h }
` }, async (s) => {
  const key = (k) => () => s.get('/v1/users', { 'X-API-Key': k });
  assert.equal(statuses(await times(3, key('a'))), '200 200 429');
  const r = await key('b')();
  assert.deepEqual(r.body['violated-policies'], ['l9']);
  assert.equal(r.header('ratelimit-policy').split(', ').length, 10);
});

play('keys: a mix is counted apart', { migrations, config: `limits:
  - { name: mix, match: { path: /v1/users }, key: [api_key, route], rate: 1/h }
  - { name: whole, match: { path: /v1/a }, key: [global], rate: 1/h }
server: { trusted_proxies: [loopback] }
` }, async (s) => {
  const at = (k) => ({ 'X-API-Key': k, 'X-Forwarded-For': '1.1.1.1' });
  assert.equal(statuses([await s.get('/v1/users', at('a')), await s.get('/v1/users', at('b')), await s.get('/v1/users', at('a'))]), '200 200 429');
  assert.equal((await s.post('/v1/users', { name: 'x' }, at('a'))).status, 201, 'another method is another route');
  assert.equal(statuses([await s.get('/v1/a', { 'X-Forwarded-For': '1.1.1.1' }), await s.get('/v1/a', { 'X-Forwarded-For': '2.2.2.2' })]), '404 429');
});

play('X-Forwarded-For from anybody is not believed', { migrations, config: 'limits: [{ name: api, rate: 2/h }]\n' }, async (s) => {
  const list = await times(4, (i) => s.get('/v1/users', { 'X-Forwarded-For': `9.9.9.${i}`, Forwarded: `for=9.9.9.${i}` }));
  assert.equal(statuses(list), '200 200 429 429');
});

play('behind a trusted proxy the client is the last one it does not trust', { migrations, config: 'server: { trusted_proxies: [127.0.0.1, 10.0.0.0/8] }\nlimits: [{ name: api, rate: 1/h }]\n' }, async (s) => {
  const from = (x, name = 'X-Forwarded-For') => s.get('/v1/users', { [name]: x });
  assert.equal(statuses([await from('1.1.1.1'), await from('1.1.1.1'), await from('2.2.2.2')]), '200 429 200');
  assert.equal(statuses([await from('6.6.6.6, 1.1.1.1'), await from('7.7.7.7, 1.1.1.1, 10.0.0.3')]), '429 429', 'what the client writes in front does not help');
  assert.equal(statuses([await from('for=3.3.3.3;proto=https', 'Forwarded'), await from('for="3.3.3.3:80"', 'Forwarded')]), '200 429');
  assert.equal(statuses([await from('2001:db8:1:2::1'), await from('2001:db8:1:2:ffff::9'), await from('2001:db8:1:3::1')]), '200 429 200', 'a /64 is one client');
  const both = (n) => s.get('/v1/users', { 'X-Forwarded-For': '4.4.4.4', Forwarded: `for=8.8.8.${n}` });
  assert.equal(statuses([await both(1), await both(2)]), '200 429', 'they disagree: the proxy stands for both');
});

play('all workers share a count', { migrations, workers: 4, config: 'limits: [{ name: api, algorithm: gcra, rate: 50/h }]\n' }, async (s) => {
  const list = await Promise.all(Array.from({ length: 200 }, () => s.get('/v1/users', { Connection: 'close' })));
  assert.equal(list.filter((r) => r.status === 200).length, 50);
  assert.equal(list.filter((r) => r.status === 429).length, 150);
});

play('a reload keeps what was used up, and takes new limits', { migrations, config: 'limits: [{ name: api, rate: 2/h }]\n' }, async (s, p) => {
  assert.equal(statuses(await times(3, () => s.get('/v1/users'))), '200 200 429');
  p.config('limits: [{ name: api, rate: 2/h }, { name: more, match: { path: /livez }, rate: 5/h }]\n');
  s.signal('SIGHUP');
  await s.waitLog((l) => l.msg === 'reloaded');
  await sleep(200 * slow);
  assert.equal((await s.get('/v1/users')).status, 429);
  p.config('limits: [{ name: api, rate: 4/h }]\n');
  const before = s.lines.length;
  s.signal('SIGHUP');
  await s.waitLog((l) => l.msg === 'reloaded' && s.lines.indexOf(l) >= before);
  await sleep(200 * slow);
  assert.equal((await s.get('/v1/users')).status, 200);
});

play('a rule that cannot be kept stops the start', { serve: false }, async (_s, p) => {
  for (const [text, place, words] of [
    ['limits: [{ rate: 1/h }]\n', '1:10', /needs a `name`/],
    ['limits: [{ name: a }]\n', '1:10', /needs a `rate`/],
    ['limits: [{ name: a, rate: 100 }]\n', '1:27', /`100\/h`/],
    ['limits: [{ name: a, rate: 0\/h }]\n', '1:27', /`100\/h`/],
    ['limits: [{ name: a, rate: 1/fortnight }]\n', '1:27', /`100\/h`/],
    ['limits: [{ name: a, rate: 1/h, algorithm: sliding }]\n', '1:43', /sliding_window/],
    ['limits: [{ name: a, rate: 1/h, key: [adress] }]\n', '1:38', /did you mean `address`/],
    ['limits: [{ name: a, rate: 1/h, keys: [address] }]\n', '1:32', /did you mean `key`/],
    ['limits: [{ name: a, rate: 1/h, cost: 2 }]\n', '1:27', /cost/],
    ['limits: [{ name: a, rate: 20000/h, algorithm: sliding_log }]\n', '1:27', /10000/],
    ['limits: [{ name: a, rate: 2000000/h }]\n', '1:27', /1000000/],
    ['limits: [{ name: a, rate: 1/h }, { name: a, rate: 2/h }]\n', '1:42', /another limit/],
    ['limits: [{ name: a, rate: 1/h, store: redis }]\n', '1:39', /redis.url/],
    ['limits: [{ name: a, rate: 1/h, match: { methods: [FETCH] } }]\n', '1:50', /FETCH/],
    ['limits: [{ name: a, rate: 1/h, match: { path: v1 } }]\n', '1:47', /\/v1\/\*/],
    ['limits: { name: a }\n', '1:9', /list/],
    ['limit: []\n', '1:1', /did you mean `limits`/],
    ['server: { trusted_proxies: [10.0.0.0/40] }\n', '1:28', /too large/],
    ['server: { trusted_proxies: [0.0.0.0/0] }\n', '1:28', /everybody/],
    ['redis: { url: "redis://:word@localhost" }\n', '1:15', /settings of their own/],
    ['rate_limit:\n  clients: [{ sha256: abc, plan: pro }]\n', '2:23', /sha256sum/],
  ]) {
    p.config(text);
    const r = p.cairn('check', { noData: true });
    assert.notEqual(r.code, 0, text);
    assert.ok(r.all.includes(`cairn.yaml:${place}`), `${text}\n${r.all}`);
    assert.match(r.all, words);
  }
});
