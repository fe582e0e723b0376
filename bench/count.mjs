// What a request costs, counted and not timed, so that a busy machine gives the same numbers: the
// instructions of the whole process outside of the kernel (callgrind) and its calls to the kernel
// (strace), per request. For work on the hot paths; the bounds are judged by run.mjs.
// usage: count.mjs [--users=N] [--only=floor,hello,user,page,post,edge,auth] [--keep=DIR]
// --keep: callgrind's files stay in DIR, for callgrind_annotate.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BIN, ORIGIN, TMP, authProjects, compile, copyOf, edgeProject, say, seeded, startCairn, startFloor, startHello } from './contestants.mjs';
import { end, tool } from './machine.mjs';

process.chdir(new URL('..', import.meta.url).pathname);
const option = (name) =>
  process.argv.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3);
const only = option('only')?.split(',');
const keep = option('keep');
const USERS = Number(option('users') ?? 100000);
const WARM = 2000;
const FEW = 4000; // requests counted
const PAGES = 50;

const body = '{"name":"Bench Mark","email":"bench{sequence}@example.com","age":42,"city":"Oslo"}';
const requests = {
  floor: 'GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n',
  hello: 'GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n',
  user: 'GET /v1/users/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n',
  page: 'GET /v1/posts?limit=20&include=author,comments&count=none&page={id} HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'user, edge off': `GET /v1/users/{id} HTTP/1.1\r\nHost: localhost\r\n${ORIGIN}\r\n`,
  'user, edge on': `GET /v1/users/{id} HTTP/1.1\r\nHost: localhost\r\n${ORIGIN}\r\n`,
  'page, edge off': `GET /v1/posts?limit=20&include=author,comments&count=none&page={id} HTTP/1.1\r\nHost: localhost\r\n${ORIGIN}\r\n`,
  'page, edge on': `GET /v1/posts?limit=20&include=author,comments&count=none&page={id} HTTP/1.1\r\nHost: localhost\r\n${ORIGIN}\r\n`,
  'user, auth open': 'GET /v1/users/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'user, auth three rules': 'GET /v1/users/{id} HTTP/1.1\r\nHost: localhost\r\nAUTH\r\n',
  post:
    'POST /v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body}`,
};
const connections = { post: 64 };
const high = (name) => (name.startsWith('user') ? USERS : name.startsWith('page') ? PAGES : 1);
const file = (name) => name.replace(/\W+/g, '-');
let sequence = 0;
let auth;

async function load(name, server, most) {
  const what = `${TMP}/count-${file(name)}.request`;
  writeFileSync(what, requests[name].replace('AUTH', auth?.header));
  const argv = [server.port, connections[name] ?? 32, 120000, what, 1, high(name), 1, sequence, most];
  const run = JSON.parse(await tool([`${BIN}/load`, ...argv.map(String)], { core: null }));
  sequence = run.next_seq;
  return run.answered;
}

async function start(name, options) {
  if (name === 'floor') return startFloor(null, options);
  if (name === 'hello') return startHello(options);
  const data = await seeded(USERS), edge = /edge (\w+)$/.exec(name)?.[1];
  if (/auth/.test(name)) {
    auth ??= await authProjects(USERS);
    return startCairn(auth.data, { ...options, project: /open/.test(name) ? auth.open : auth.authorised });
  }
  if (edge) return startCairn(data, { ...options, project: edgeProject(edge) });
  return startCairn(name === 'post' ? copyOf(data, 'count') : data, options);
}

// Instructions per request: the server runs under callgrind, whose count begins after a warm-up.
async function instructions(name) {
  const dir = `${TMP}/callgrind-${file(name)}`;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const under = ['valgrind', '-q', '--tool=callgrind', '--dump-instr=no', `--callgrind-out-file=${resolve(dir)}/out`];
  const env = { LD_PRELOAD: resolve(`${BIN}/clock.so`) };
  const server = await start(name, { under, core: null, env });
  const control = (what) => tool(['callgrind_control', what, String(server.pid)], { core: null });
  await load(name, server, WARM);
  await control('--zero');
  const answered = await load(name, server, FEW);
  await control('--dump');
  await end(server);
  let sum = 0;
  for (const f of readdirSync(dir)) {
    if (!f.startsWith('out.1')) continue;
    const text = readFileSync(`${dir}/${f}`, 'utf8');
    sum += Number(/^(?:totals|summary): (\d+)/m.exec(text)[1]);
    if (keep) {
      mkdirSync(keep, { recursive: true });
      cpSync(`${dir}/${f}`, `${keep}/${file(name)}.callgrind`);
    }
  }
  return sum / answered;
}

// Calls to the kernel per request, by name. Those of opening the connections are in it.
async function calls(name) {
  const traced = `${TMP}/strace-${file(name)}`;
  const server = await start(name, { core: null });
  await load(name, server, WARM);
  const tracer = spawn('strace', ['-f', '-q', '-c', '-o', traced, '-p', String(server.pid)], { stdio: 'ignore' });
  await sleep(500);
  const answered = await load(name, server, FEW);
  tracer.kill('SIGINT');
  await once(tracer, 'exit');
  await end(server);
  const by = {};
  for (const line of readFileSync(traced, 'latin1').split('\n')) {
    const cells = line.trim().split(/\s+/);
    const count = Number(cells[3]);
    if (/^[a-z]/.test(cells.at(-1)) && cells.at(-1) !== 'total' && count) by[cells.at(-1)] = count / answered;
  }
  return by;
}

compile();
const rows = [];
const counted = {};
for (const name of Object.keys(requests)) {
  if (only && ![name, file(name), /edge|auth/.exec(name)?.[0]].some((x) => only.includes(x))) continue;
  say(`counting ${name}`);
  const each = await instructions(name);
  counted[name] = each;
  const by = await calls(name);
  const shown = Object.entries(by).filter(([, n]) => n >= 0.01).sort((a, b) => b[1] - a[1]);
  const all = Object.values(by).reduce((a, b) => a + b, 0);
  rows.push(`| ${name} | ${Math.round(each)} | ${all.toFixed(2)} | ${shown.map(([n, x]) => `${n} ${x.toFixed(2)}`).join(', ')} |`);
}
console.log('| request | instructions | system calls | of these |\n|---|---|---|---|');
console.log(rows.join('\n'));
for (const what of ['user', 'page']) {
  const [on, off] = ['on', 'off'].map((edge) => counted[`${what}, edge ${edge}`]);
  if (on && off) console.log(`\n${what}: all of the edge on costs ${(on / off).toFixed(3)} times the instructions of all off (at most 1.10)`);
}
const [open, ruled] = ['open', 'three rules'].map((x) => counted[`user, auth ${x}`]);
if (open && ruled) console.log(`\nuser: a token and three row rules cost ${(ruled / open).toFixed(3)} times the instructions of the open one (at most 1.15 of the CPU)`);
if (existsSync(`${TMP}/copy-count`)) rmSync(`${TMP}/copy-count`, { recursive: true });
