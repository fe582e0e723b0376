// Rate limits that several processes share through Redis; what happens when it is away. SPDX: Apache-2.0
import fs from 'node:fs';
import { Project, Server, assert, play, problem, sleep, slow } from '../lib.mjs';
import { Redis } from '../redis.mjs';

const migrations = 'CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL);';
const statuses = (list) => list.map((r) => r.status).join(' ');

async function withRedis(fn) {
  const redis = await Redis.start();
  try { return await fn(redis); } finally { await redis.stop(); }
}

// Two processes, each with a project of its own, on one Redis.
async function two(redis, config, fn) {
  const projects = [0, 1].map(() => new Project({ migrations, config }));
  const servers = projects.map((p) => new Server(p));
  try {
    for (const s of servers) await s.start([], { CAIRN_REDIS_URL: redis.url, CAIRN_REDIS_TIMEOUT: `${200 * slow}ms` });
    await fn(...servers);
    for (const s of servers) await s.stop();
  } finally {
    for (const s of servers) if (s.child) { s.child.kill('SIGKILL'); await s.ended; }
    for (const p of projects) p.remove();
  }
}

const alone = (redis) => ({ CAIRN_REDIS_URL: redis.url, CAIRN_REDIS_TIMEOUT: `${200 * slow}ms` });

// Until a request is answered by Redis again.
async function returned(s, redis) {
  for (let i = 0; i < 200; i++) {
    await s.get('/v1/none');
    if (await s.metric('cairn_redis_up') > 0) return;
    await sleep(50);
  }
  assert.fail(`Redis on ${redis.port} is not found again:\n${s.log.slice(-2000)}`);
}

for (const algorithm of ['fixed_window', 'sliding_window', 'sliding_log', 'token_bucket', 'gcra']) {
  play(`${algorithm}: two processes share one count`, { serve: false }, () => withRedis((redis) => two(redis, `limits: [{ name: api, algorithm: ${algorithm}, rate: 20/h }]\n`, async (a, b) => {
    const list = await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 ? a : b).get('/v1/users')));
    assert.equal(list.filter((r) => r.status === 200).length, 20);
    assert.equal(list.filter((r) => r.status === 429).length, 40);
    const refused = list.find((r) => r.status === 429);
    problem(refused, 429, 'rate_limited');
    assert.ok(Number(refused.header('retry-after')) > 0);
    assert.equal(refused.header('ratelimit-policy'), '"api";q=20;w=3600');
    assert.match(redis.do('KEYS', 'cairn:limit:api:default:*'), /^cairn:limit:api:default:[fslb]3600000(\/20)?:[0-9a-f]{32}$/);
    assert.ok(Number(redis.do('PTTL', redis.do('KEYS', '*'))) > 0, 'every key ends by itself');
  })));
}

play('several limits are one round trip', { serve: false }, () => withRedis((redis) => two(redis, `limits:
  - { name: a, rate: 50/h }
  - { name: b, algorithm: gcra, rate: 30/h }
  - { name: c, algorithm: sliding_log, rate: 40/h, store: local }
`, async (s) => {
  await s.get('/v1/users');
  const before = await s.metric('cairn_redis_commands_total');
  for (let i = 0; i < 10; i++) {
    const r = await s.get('/v1/users');
    assert.match(r.header('ratelimit'), /^"c";r=\d+;t=\d+, "a";r=\d+;t=\d+, "b";r=\d+;t=\d+$/);
  }
  assert.equal(await s.metric('cairn_redis_commands_total') - before, 10);
  assert.equal(redis.do('DBSIZE'), '2');
})));

for (const [fail, want] of [['open', '200 200 200 200'], ['closed', '503 503 503 503'], ['local', '200 200 429 429']]) {
  play(`away, fail: ${fail}; and back`, { serve: false }, () => withRedis((redis) => two(redis, `limits: [{ name: api, match: { path: /v1/users }, rate: 2/h, fail: ${fail} }, { name: probe, match: { path: /v1/none }, rate: 1000/h, fail: open }]\n`, async (s) => {
    assert.equal(statuses([await s.get('/v1/users'), await s.get('/v1/users'), await s.get('/v1/users')]), '200 200 429');
    await redis.kill();
    const list = [];
    for (let i = 0; i < 4; i++) list.push(await s.get('/v1/users'));
    assert.equal(statuses(list), want);
    if (fail === 'closed') {
      problem(list[0], 503, 'busy');
      assert.ok(list[0].header('retry-after'));
    }
    assert.equal(list[0].header('x-ratelimit-limit'), fail === 'local' ? '2' : null);
    assert.ok(await s.metric('cairn_rate_limit_decisions_total', 'limit="api",result="failed"') >= 4);
    await s.waitLog((l) => l.msg === 'Redis cannot be reached');
    await redis.launch();
    await returned(s, redis);
    await s.waitLog((l) => l.msg === 'Redis is back');
    const again = [];
    for (let i = 0; i < 12; i++) again.push(await s.get('/v1/users')); // both workers find it again
    assert.equal(again.at(-1).status, 429, 'counted in the new Redis');
  })));
}

play('a Redis that hangs costs one wait, not one for each request', { serve: false }, () => withRedis((redis) => two(redis, 'limits: [{ name: api, rate: 100000/h, fail: open }]\n', async (s) => {
  await Promise.all(Array.from({ length: 20 }, () => s.get('/v1/users')));
  redis.signal('SIGSTOP');
  // Until every worker has noticed: which of them gets a connection is the kernel's choice, and few connections may all have one.
  for (let i = 0; i < 50 && await s.metric('cairn_redis_up') > 0; i++) {
    for (const r of await Promise.all(Array.from({ length: 24 }, () => s.get('/v1/users')))) assert.equal(r.status, 200);
  }
  assert.equal(await s.metric('cairn_redis_up'), 0);
  const failed = await s.metric('cairn_redis_failures_total'), before = await s.metric('cairn_redis_commands_total');
  const list = await Promise.all(Array.from({ length: 500 }, () => s.get('/v1/users')));
  assert.equal(list.filter((r) => r.status === 200).length, 500);
  assert.ok(await s.metric('cairn_redis_failures_total') - failed >= 490);
  const asked = await s.metric('cairn_redis_commands_total') - before;
  assert.ok(asked < 50, `${asked} commands: nobody may queue up for a dead Redis`);
  redis.signal('SIGCONT');
  await returned(s, redis);
})));

play('Redis is away at the start: the server starts, and finds it later', { serve: false }, async (_s) => {
  const redis = await Redis.start();
  await redis.kill();
  const p = new Project({ migrations, config: 'limits: [{ name: api, rate: 2/h }]\n' });
  const s = new Server(p);
  try {
    await s.start([], alone(redis));
    assert.equal((await s.get('/v1/users')).status, 200);
    await redis.launch();
    await returned(s, redis);
    await s.stop();
  } finally {
    if (s.child) { s.child.kill('SIGKILL'); await s.ended; }
    p.remove();
    await redis.stop();
  }
});

play('a password from a file, a database number, a prefix', { serve: false }, () => withRedis(async (redis) => {
  redis.do('CONFIG', 'SET', 'requirepass', 'secret-word');
  const p = new Project({ migrations, config: `redis:
  url: ${redis.url}/3
  password: file:redis.password
  prefix: "shop:"
limits: [{ name: api, rate: 2/h, fail: closed }]
` });
  fs.writeFileSync(`${p.dir}/redis.password`, 'secret-word\n', { mode: 0o600 });
  const s = new Server(p);
  try {
    await s.start();
    assert.equal(statuses([await s.get('/v1/users'), await s.get('/v1/users'), await s.get('/v1/users')]), '200 200 429');
    assert.doesNotMatch(s.log + p.do('config', 'show').out, /secret-word/);
    assert.match(redis.do('-a', 'secret-word', '--no-auth-warning', '-n', '3', 'KEYS', '*'), /^shop:limit:api:/);
    await s.stop();
  } finally {
    if (s.child) { s.child.kill('SIGKILL'); await s.ended; }
    p.remove();
  }
}));

play('another algorithm or window by SIGHUP begins anew in Redis, another rate counts on', { serve: false }, () => withRedis(async (redis) => {
  const limit = (text) => `limits: [{ name: api, fail: closed, ${text} }]\n`;
  const p = new Project({ migrations, config: limit('algorithm: sliding_window, rate: 5/h') });
  const s = new Server(p);
  const into = async (text) => {
    const before = s.lines.length;
    p.config(limit(text));
    s.signal('SIGHUP');
    await s.waitLog((l) => l.msg === 'reloaded' && s.lines.indexOf(l) >= before);
    await sleep(200 * slow);
  };
  const left = async (want) => {
    const r = await s.get('/v1/users');
    assert.equal(r.status, 200, r.body);
    assert.equal(Number(r.header('x-ratelimit-remaining')), want);
  };
  try {
    await s.start([], alone(redis));
    await left(4);
    await left(3);
    await into('algorithm: sliding_window, rate: 8/h');
    await left(5);
    await into('algorithm: sliding_log, rate: 5/h');
    await left(4);
    await into('algorithm: token_bucket, rate: 5/h');
    await left(4);
    await into('algorithm: sliding_window, rate: 5/d');
    await left(4);
    assert.equal(await s.metric('cairn_redis_failures_total'), 0);
    await s.stop();
  } finally {
    if (s.child) { s.child.kill('SIGKILL'); await s.ended; }
    p.remove();
  }
}));

play('a key of another type in Redis fails its own limit alone', { serve: false }, () => withRedis((redis) => two(redis, `limits:
  - { name: a, match: { path: /v1/users }, rate: 50/h, fail: closed }
  - { name: b, match: { path: /v1/none }, rate: 50/h, fail: closed }
`, async (s) => {
  assert.equal((await s.get('/v1/users')).status, 200);
  const key = redis.do('KEYS', 'cairn:limit:a:*');
  redis.do('DEL', key);
  redis.do('RPUSH', key, 'x');
  const list = await Promise.all(Array.from({ length: 40 }, (_, i) => s.get(i % 2 ? '/v1/users' : '/v1/none')));
  assert.deepEqual([...new Set(list.map((r, i) => `${i % 2} ${r.status}`))].sort(), ['0 404', '1 503']);
  assert.equal(await s.metric('cairn_redis_lost_total'), 0);
  await s.waitLog((l) => /refused a rate limit/.test(l.msg) && /WRONGTYPE/.test(l.error));
})));

play('all limits that match are asked, eight to a round trip', { serve: false }, () => withRedis((redis) => two(redis, `limits:
${Array.from({ length: 18 }, (_, i) => `  - { name: l${i}, rate: ${i === 17 ? 2 : 50}/h }\n`).join('')}`, async (s) => {
  assert.equal(statuses([await s.get('/v1/users'), await s.get('/v1/users'), await s.get('/v1/users')]), '200 200 429');
  assert.equal(await s.metric('cairn_redis_commands_total'), 9);
})));
