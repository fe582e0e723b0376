// Everything side by side in one run: the server on one core, the load on the other, rounds of all
// contestants in turn, medians. The bounds of the issue are judged here and nowhere else.
// usage: run.mjs [--quick] [--only=hello,users,page,post,idle,start,heap,pguser,pgpage,pgclients,edge,limits,compress,auth]
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BIN,
  ORIGIN,
  TMP,
  WHO,
  authProjects,
  cairnCommand,
  compile,
  copyOf,
  databaseIn,
  edgeProject,
  installRivals,
  say,
  seeded,
  startCairn,
  startFastify,
  startFloor,
  startHello,
  startNginx,
} from './contestants.mjs';
import {
  LOAD_CORE,
  SERVER_CORE,
  describe,
  end,
  freePort,
  groupCpu,
  residentKib,
  tool,
} from './machine.mjs';
import { postgresGroups } from './postgres.mjs';
import { Report, median, ratio } from './report.mjs';

process.chdir(new URL('..', import.meta.url).pathname);
const quick = process.argv.includes('--quick');
const only = process.argv
  .find((a) => a.startsWith('--only='))
  ?.slice(7)
  .split(',');
const ROUNDS = quick ? 1 : 5;
const RUN_MS = quick ? 500 : 4000;
const WARM_MS = quick ? 500 : 2500;
const CONNECTIONS = 32;
const USERS = quick ? 20000 : 1000000;
const PAGES = 50;
const report = new Report();

// ---- measuring ----------------------------------------------------------------------------------

function request(name, text) {
  const file = `${TMP}/${name}.request`;
  writeFileSync(file, text);
  return file;
}

const get = (name, target) => request(name, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

// One run of load against a server. Any answer that is not 2xx makes it worthless: it throws.
async function load(
  server,
  what,
  { ms = RUN_MS, connections = CONNECTIONS, low = 1, high = 1, seed = 1, seq = 0 } = {},
) {
  const before = groupCpu(server.pid);
  const out = await tool(
    [`${BIN}/load`, server.port, connections, ms, what, low, high, seed, seq].map(String),
    { check: false },
  );
  const cpu = groupCpu(server.pid) - before;
  const run = out.startsWith('{') ? JSON.parse(out) : { answered: 0 };
  if (run.answered === 0 || run.not_2xx > 0 || run.broken > 0) {
    throw new Error(
      `refused: ${run.not_2xx} not 2xx, ${run.broken} broken of ${run.answered}: ${run.first_bad} ${server.said()}`,
    );
  }
  return { ...run, cpu_us: cpu / run.answered, busy: cpu / run.us };
}

// contestants: name -> round => run. Warm first, then round by round, each in turn.
async function interleave(group, contestants) {
  const rounds = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (const run of Object.values(contestants)) await run(0, WARM_MS);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(contestants))
      rounds[name].push(await run(round, RUN_MS));
  }
  for (const [name, list] of Object.entries(rounds)) {
    report.run(group, name, list);
    say(`${group}: ${name} ${Math.round(median(list.map((r) => r.per_second)))}/s`);
    if (list[0].busy < 0.95 && group !== 'post')
      report.note(`${group}: ${name} did not fill its core; its speed is bounded by the load.`);
    if (median(list.map((r) => r.load_busy ?? 0)) > 0.95)
      report.note(
        `${group}: under ${name} the load fills its core too: its speed could be higher, its CPU per request is what it is.`,
      );
  }
  return rounds;
}

async function json(server, target) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${target}`);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${target}: ${answer.status} ${text.slice(0, 400)}`);
  return JSON.parse(text);
}

// Rivals do the same work only if they give the same answer.
// The rival shows times as they are stored, with six digits; Cairn without the zeros at their end.
const sameTime = (key, x) =>
  typeof x === 'string' ? x.replace(/(T\d\d:\d\d:\d\d)\.0{6}Z$/, '$1Z') : x;

async function sameAnswer(a, b, targets, pick = (x) => x) {
  const read = async (server, target) =>
    JSON.parse(JSON.stringify(pick(await json(server, target))), sameTime);
  for (const target of targets) {
    const [left, right] = [await read(a, target), await read(b, target)];
    if (!isDeepStrictEqual(left, right)) {
      throw new Error(
        `${target}: the answers differ: ${JSON.stringify(left).slice(0, 600)} and ${JSON.stringify(right).slice(0, 600)}`,
      );
    }
  }
}

// The bytes of one answer as they come over the wire.
function rawAnswer(server, target) {
  return new Promise((done, fail) => {
    const socket = net.connect(server.port, '127.0.0.1', () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
    );
    socket.once('data', (bytes) => {
      socket.destroy();
      done(bytes);
    });
    socket.once('error', fail);
  });
}

// ---- groups: each starts what it needs, judges, and ends it ---------------------------------------

const BOUNDS = {
  helloCpu: ['hello in C: CPU per request, times the floor', 1.15],
  helloSpeed: ['hello in C: requests/s, times nginx return 200', 1.2],
  userCpu: ['GET /v1/users/{id}: CPU per request, times the floor', 1.7],
  userSpeed: ['GET /v1/users/{id}: requests/s, times Fastify', 6],
  pageSpeed: ['20 posts with author and comments: requests/s, times Fastify', 5],
  postSpeed: ['POST /v1/users, 64 clients: times one fsync per insert', 8],
  idle: ['memory at rest, default settings', 12],
  connections: ['memory of 10,000 idle connections', 20],
  start: ['cold start to first answer', 50],
  heap: ['heap calls per GET /v1/users/{id}', 0],
  edge: ['GET /v1/users/{id}: CPU with all of the edge on, times all off', 1.1],
  compress: ['gzip of a page of 100 users: bytes per second of CPU, times nginx', 1],
  limitsLocal: ['decisions of rate limits per second and core, GCRA, a million clients', 1e6],
  auth: ['GET /v1/users/{id}: CPU with a token and three row rules, times the open one', 1.15],
  signIns: ['p99 of other requests while 100 clients sign in, ms', 10],
  limitsRedis: ['requests/s with a limit that is counted in Redis, times one in the process', 0.3],
  pgUserSpeed: ['PostgreSQL, GET /v1/users/{id}: requests/s, times Fastify + pg', 4],
  pgUserShare: ['PostgreSQL, GET /v1/users/{id}: requests/s, times pgbench', 0.6],
  pgPageSpeed: ['PostgreSQL, 20 posts with author and comments: times Fastify + pg', 4],
  pgPageShare: ['PostgreSQL, 20 posts with author and comments: times pgbench', 0.6],
  pgClients: ['PostgreSQL, 1,000 clients: memory', 64],
};
const atMost = (key, value, shown) =>
  report.judge(BOUNDS[key][0], shown, `<= ${BOUNDS[key][1]}`, value <= BOUNDS[key][1]);
const atLeast = (key, value, shown) =>
  report.judge(BOUNDS[key][0], shown, `>= ${BOUNDS[key][1]}`, value >= BOUNDS[key][1]);
const times = (n) => `${n.toFixed(2)} x`;

async function hello(own) {
  const cairn = await own(startHello());
  const bytes = await rawAnswer(cairn, '/hello');
  if (!bytes.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(`/hello: ${bytes}`);
  writeFileSync(`${TMP}/hello.reply`, bytes);
  const floor = await own(startFloor(`${TMP}/hello.reply`));
  const nginx = await own(startNginx());
  const what = get('hello', '/hello');
  const runs = await interleave('hello', {
    floor: (round, ms) => load(floor, what, { ms }),
    cairn: (round, ms) => load(cairn, what, { ms }),
    nginx: (round, ms) => load(nginx, what, { ms }),
  });
  const cpu = ratio(runs.cairn, runs.floor, 'cpu_us');
  const speed = ratio(runs.cairn, runs.nginx, 'per_second');
  atMost('helloCpu', cpu, times(cpu));
  atLeast('helloSpeed', speed, times(speed));
}

async function users(own) {
  const data = await seeded(USERS);
  const floor = await own(
    startFloor(existsSync(`${TMP}/hello.reply`) ? `${TMP}/hello.reply` : null),
  );
  const cairn = await own(startCairn(data));
  const fastify = await own(startFastify(databaseIn(copyOf(data, 'fastify'))));
  await sameAnswer(
    cairn,
    fastify,
    [1, 17, USERS / 2, USERS].map((id) => `/v1/users/${id}`),
  );
  const what = get('user', '/v1/users/{id}');
  const each = (server) => (round, ms) => load(server, what, { ms, high: USERS, seed: round + 1 });
  const runs = await interleave('users', {
    floor: each(floor),
    cairn: each(cairn),
    fastify: each(fastify),
  });
  const cpu = ratio(runs.cairn, runs.floor, 'cpu_us');
  const speed = ratio(runs.cairn, runs.fastify, 'per_second');
  atMost('userCpu', cpu, times(cpu));
  atLeast('userSpeed', speed, times(speed));
  const most = ratio(runs.floor, runs.fastify, 'per_second');
  report.note(
    `users: Fastify takes ${times(ratio(runs.fastify, runs.cairn, 'cpu_us'))} the CPU of Cairn for a request. ` +
      `The floor, which reads no database, has ${times(most)} the requests/s of Fastify: no server over epoll has more here.`,
  );
}

async function page(own) {
  const data = await seeded(USERS);
  const cairn = await own(startCairn(data));
  const fastify = await own(startFastify(databaseIn(copyOf(data, 'fastify'))));
  const target = (n) => `/v1/posts?limit=20&include=author,comments&count=none&page=${n}`;
  await sameAnswer(cairn, fastify, [1, 7, PAGES].map(target), (answer) => answer.data);
  const what = get('page', target('{id}'));
  const each = (server) => (round, ms) => load(server, what, { ms, high: PAGES, seed: round + 1 });
  const runs = await interleave('page', { cairn: each(cairn), fastify: each(fastify) });
  const speed = ratio(runs.cairn, runs.fastify, 'per_second');
  atLeast('pageSpeed', speed, times(speed));
  report.note(
    `page: Fastify takes ${times(ratio(runs.fastify, runs.cairn, 'cpu_us'))} the CPU of Cairn for a request.`,
  );
}

async function post(own) {
  const data = await seeded(USERS);
  const cairn = await own(startCairn(copyOf(data, 'post')));
  const rival = databaseIn(copyOf(data, 'fsync'));
  const body = '{"name":"Bench Mark","email":"bench{sequence}@example.com","age":42,"city":"Oslo"}';
  const what = request(
    'post',
    'POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  const total = async () => (await json(cairn, '/v1/users?limit=1&count=exact')).total;
  const before = await total();
  let seq = 0;
  let answered = 0;
  const insert = (threads) => async (round, ms) =>
    JSON.parse(
      await tool(
        [
          `${BIN}/fsync_insert`,
          rival,
          String(threads),
          String(ms),
          String((threads * 100 + round) * 10 ** 12),
        ],
        { core: SERVER_CORE },
      ),
    );
  const runs = await interleave('post', {
    cairn: async (round, ms) => {
      const run = await load(cairn, what, { ms, connections: 64, seq });
      seq = run.next_seq;
      answered += run.answered;
      return run;
    },
    'one connection, an fsync each': insert(1),
    '64 connections, an fsync each': insert(64),
  });
  const stored = (await total()) - before;
  if (stored !== answered) throw new Error(`${answered} were answered, ${stored} are stored`);
  const one = ratio(runs.cairn, runs['one connection, an fsync each'], 'per_second');
  const many = ratio(runs.cairn, runs['64 connections, an fsync each'], 'per_second');
  atLeast(
    'postSpeed',
    one,
    `${times(one)}, p99 ${(median(runs.cairn.map((r) => r.p99_us)) / 1000).toFixed(1)} ms`,
  );
  report.note(
    `POST: ${times(many)} the inserts of 64 connections with busy_timeout. All ${answered} answered rows are in the table.`,
  );
}

async function idle(own) {
  const cairn = await own(
    startCairn(await seeded(USERS), { settings: ['log.requests=false'], core: null }),
  );
  await json(cairn, '/v1/users/1');
  await sleep(1000);
  const before = residentKib(cairn.pid);
  atMost('idle', before / 1024, `${(before / 1024).toFixed(1)} MB`);
  const count = 10000;
  await own(openIdle(cairn, count));
  await sleep(1000);
  const more = (residentKib(cairn.pid) - before) / 1024;
  atMost('connections', more, `${more.toFixed(1)} MB`);
  await json(cairn, '/v1/users/1');
  const each = Math.round((more * 2 ** 20) / count);
  report.note(
    `${count} idle connections: ${each} bytes of the server each, after one request on each.`,
  );
}

// The opener as a child whose first word says that all are open.
async function openIdle(server, count) {
  const child = spawn(
    'taskset',
    ['-c', LOAD_CORE, `${BIN}/idle`, String(server.port), String(count), '/v1/users/1'],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let failed = '';
  child.stderr.on('data', (d) => {
    failed += d;
  });
  const word = await Promise.race([
    new Promise((done) => child.stdout.once('data', (d) => done(String(d)))),
    new Promise((done) => child.once('exit', () => done(''))),
  ]);
  if (!word.startsWith('ready')) throw new Error(failed);
  return { child, pid: child.pid };
}

async function start() {
  const data = await seeded(USERS);
  const took = [];
  for (let i = 0; i < (quick ? 2 : 5); i++) {
    const port = await freePort();
    const command = cairnCommand(port, data, ['log.requests=false']);
    took.push(
      Number(
        await tool([`${BIN}/start`, String(port), '/v1/users/1', ...command], { core: null }),
      ) / 1000,
    );
  }
  atMost('start', median(took), `${median(took).toFixed(1)} ms`);
  report.note(
    `Cold starts: ${took.map((t) => t.toFixed(1)).join(', ')} ms from exec to the first answer, ${USERS} users in the database.`,
  );
}

// One connection and a thousand ids, so that whatever is made once (statements, buffers, cached
// pages) is made before the counting.
async function heap(own) {
  const file = `${TMP}/heap.count`;
  rmSync(file, { force: true });
  const cairn = await own(
    startCairn(await seeded(USERS), {
      env: { BENCH_HEAP: file, LD_PRELOAD: resolve(`${BIN}/heap.so`) },
    }),
  );
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (target) =>
    new Promise((done, fail) => {
      http
        .get({ port: cairn.port, host: '127.0.0.1', path: target, agent }, (answer) => {
          let text = '';
          answer.on('data', (d) => {
            text += d;
          });
          answer.on('end', () =>
            answer.statusCode === 200
              ? done(text)
              : fail(new Error(`${target}: ${answer.statusCode}`)),
          );
        })
        .on('error', fail);
    });
  const some = async (n) => {
    for (let i = 0; i < n; i++) await ask(`/v1/users/${1 + (i % 1000) * 17}`);
  };
  const counted = () => Number(readFileSync(file).readBigUInt64LE());
  await some(3000);
  const before = counted();
  await some(10000);
  const calls = counted() - before;
  agent.destroy();
  atMost('heap', calls / 10000, `${(calls / 10000).toFixed(4)} (${calls} in 10,000)`);
}

// What CORS, a rate limit, ETags, security headers and the version cost on the cheapest request.
async function edge(own) {
  const data = await seeded(USERS);
  const [on, off] = [
    await own(startCairn(copyOf(data, 'edge-on'), { project: edgeProject('on') })),
    await own(startCairn(copyOf(data, 'edge-off'), { project: edgeProject('off') })),
  ];
  const what = request('edge', `GET /v1/users/{id} HTTP/1.1\r\nHost: localhost\r\n${ORIGIN}\r\n`);
  const each = (server) => (round, ms) => load(server, what, { ms, high: USERS, seed: round + 1 });
  const runs = await interleave('edge', { 'all off': each(off), 'all on': each(on) });
  const cpu = ratio(runs['all on'], runs['all off'], 'cpu_us');
  atMost('edge', cpu, times(cpu));
}

// Not serve(): that asks for an answer over HTTP.
async function startRedis(port) {
  const argv = ['-c', LOAD_CORE, 'redis-server', '--port', String(port), '--save', '', '--appendonly', 'no'];
  const child = spawn('taskset', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const text of child.stdout) if (/Ready to accept/.test(text)) break;
  return { child, pid: child.pid, port };
}

// Of one process: the table alone, then a request with a limit of each kind, one decision each.
async function limits(own) {
  const local = JSON.parse(await tool([`${BIN}/limits`], { core: SERVER_CORE }));
  for (const [name, [few, many]] of Object.entries(local))
    report.note(
      `limits: ${name}: ${(few / 1e6).toFixed(1)} million decisions/s with 1,000 clients, ${(many / 1e6).toFixed(1)} with 1,000,000.`,
    );
  atLeast('limitsLocal', local.gcra[1], `${(local.gcra[1] / 1e6).toFixed(1)} million`);
  const data = await seeded(USERS);
  const port = await freePort();
  const redis = await own(startRedis(port));
  const limit = 'limits: [{ name: api, match: { path: /v1/* }, rate: 1000000/s }]\n';
  const start = (name, text) => own(startCairn(copyOf(data, name), { project: edgeProject(name, text) }));
  const here = await start('limit-local', limit);
  const there = await start('limit-redis', `redis: { url: "redis://127.0.0.1:${redis.port}" }\n${limit}`);
  const what = get('limit', '/v1/users/{id}');
  const each = (server) => (round, ms) => load(server, what, { ms, high: USERS, seed: round + 1 });
  const runs = await interleave('limits', { 'in the process': each(here), 'in Redis': each(there) });
  const speed = ratio(runs['in Redis'], runs['in the process'], 'per_second');
  atLeast('limitsRedis', speed, times(speed));
}

// A token that was checked before and three row rules, against the same tables with nobody to ask. Then
// what one sign-in costs, and what 100 at a time do to the requests of others on the same core.
async function auth(own) {
  const { data, open, authorised, header } = await authProjects(USERS);
  const start = (name, project) => own(startCairn(copyOf(data, `auth-${name}`), { project }));
  const [off, on] = [await start('off', open), await start('on', authorised)];
  const what = (name, lines) => request(name, `GET /v1/users/{id} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`);
  const [plain, signed] = [what('auth-open', ''), what('auth-token', header)];
  const high = USERS;
  const runs = await interleave('auth', {
    open: (round, ms) => load(off, plain, { ms, high, seed: round + 1 }),
    'token, three rules': (round, ms) => load(on, signed, { ms, high, seed: round + 1 }),
  });
  const cpu = ratio(runs['token, three rules'], runs.open, 'cpu_us');
  atMost('auth', cpu, times(cpu));

  const body = JSON.stringify(WHO);
  const signIn = request(
    'auth-sign-in',
    'POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  const one = await load(on, signIn, { ms: RUN_MS, connections: 1 });
  report.note(
    `auth: one sign-in (argon2id, 19 MiB, 2 passes) takes ${(one.cpu_us / 1000).toFixed(1)} ms of CPU, ${Math.round(one.per_second)} a second and thread.`,
  );
  const calm = await load(on, signed, { connections: 8, high });
  // Not load(): those that wait at the end are no fault.
  const many = [`${BIN}/load`, on.port, 100, RUN_MS + 2000, signIn, 1, 1, 1, 0].map(String);
  const flood = tool(many, { check: false });
  await sleep(1000);
  const busy = await load(on, signed, { connections: 8, high });
  const { answered, not_2xx: refused, us } = JSON.parse(await flood);
  if (!answered || refused) throw new Error(`of ${answered} sign-ins ${refused} were refused`);
  const rate = (answered / us) * 1e6;
  atMost('signIns', busy.p99_us / 1000, `${(busy.p99_us / 1000).toFixed(2)} ms, ${(calm.p99_us / 1000).toFixed(2)} without them`);
  report.note(`auth: ${rate.toFixed(0)} sign-ins a second beside ${Math.round(busy.per_second)} other requests a second, worst of those ${(busy.max_us / 1000).toFixed(1)} ms.`);
}

// The same bytes and the same level; what making or reading them costs is taken off: the CPU with gzip
// minus the CPU without.
async function compress(own) {
  const target = '/v1/users?limit=100&count=none';
  const project = edgeProject('gzip', 'http: { gzip_level: 5 }\n');
  const cairn = await own(startCairn(copyOf(await seeded(USERS), 'gzip'), { project }));
  const bytes = await (await fetch(`http://127.0.0.1:${cairn.port}${target}`)).text();
  const nginx = await own(startNginx({ 'users.json': bytes }));
  const ask = (name, path, coding) =>
    request(`gzip-${name}`, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: ${coding}\r\n\r\n`);
  const runs = await interleave('compress', {
    'cairn, plain': (round, ms) => load(cairn, ask('c0', target, 'identity'), { ms }),
    'cairn, gzip': (round, ms) => load(cairn, ask('c1', target, 'gzip'), { ms }),
    'nginx, plain': (round, ms) => load(nginx, ask('n0', '/files/users.json', 'identity'), { ms }),
    'nginx, gzip': (round, ms) => load(nginx, ask('n1', '/files/users.json', 'gzip'), { ms }),
  });
  const cost = (who) => median(runs[`${who}, gzip`].map((r) => r.cpu_us)) - median(runs[`${who}, plain`].map((r) => r.cpu_us));
  const rate = (who) => bytes.length / cost(who);
  atLeast('compress', rate('cairn') / rate('nginx'), `${times(rate('cairn') / rate('nginx'))}: ${rate('cairn').toFixed(0)} MB/s`);
  report.note(`compress: ${bytes.length} bytes of JSON; nginx ${rate('nginx').toFixed(0)} MB/s of CPU.`);
}

// ---- the whole ----------------------------------------------------------------------------------

const postgres = postgresGroups({
  ...{ load, get, interleave, json, sameAnswer, atLeast, atMost, times, report, PAGES, quick },
});
const groups = { hello, users, page, post, idle, start, heap, edge, limits, compress, auth, ...postgres.groups };
const boundsOf = {
  hello: ['helloCpu', 'helloSpeed'],
  users: ['userCpu', 'userSpeed'],
  page: ['pageSpeed'],
  post: ['postSpeed'],
  idle: ['idle', 'connections'],
  start: ['start'],
  heap: ['heap'],
  edge: ['edge'],
  limits: ['limitsLocal', 'limitsRedis'],
  compress: ['compress'],
  auth: ['auth', 'signIns'],
  pguser: ['pgUserSpeed', 'pgUserShare'],
  pgpage: ['pgPageSpeed', 'pgPageShare'],
  pgclients: ['pgClients'],
};

async function runGroup(name) {
  const servers = [];
  const own = async (starting) => {
    const server = await starting;
    servers.push(server);
    return server;
  };
  try {
    await groups[name](own);
  } catch (e) {
    say(`${name}: ${e.message}`);
    const judged = new Set(report.rows.map((r) => r.name));
    for (const key of boundsOf[name]) {
      const [what, bound] = BOUNDS[key];
      if (!judged.has(what)) report.unmeasured(what, String(bound), e.message.slice(0, 500));
    }
  }
  for (const server of servers) await end(server);
}

const begun = Date.now();
let versions = {};
compile();
try {
  versions = installRivals();
} catch (e) {
  say(`rivals: ${e.message}`);
}
const machine = describe(versions);
for (const name of Object.keys(groups)) if (!only || only.includes(name)) await runGroup(name);
await postgres.end();
const how = quick
  ? 'A quick run: a smoke test, not a measurement.'
  : `Server pinned to core ${SERVER_CORE}, load to core ${LOAD_CORE}, ${CONNECTIONS} keep-alive connections, ${ROUNDS} interleaved ` +
    `rounds of ${RUN_MS / 1000} s after a warm-up; medians, and medians of the rounds' ratios. Written by \`./dev bench\` in ${Math.round((Date.now() - begun) / 1000)} s.`;
console.log(report.write(quick || only ? `${TMP}/RESULTS.md` : 'bench/RESULTS.md', machine, how));
process.exit(report.good || quick ? 0 : 1);
