// Who takes part: what is built, filled and started for a run.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  lstatSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { end, freePort, serve, tool } from './machine.mjs';

export const TMP = process.env.BENCH_TMP ?? 'bench/tmp';
export const BIN = `${TMP}/bin`;
export const CAIRN = process.env.CAIRN_BIN ?? 'build/cairn';
export const SHOP = 'examples/shop';

export function say(text) {
  process.stderr.write(`bench: ${text}\n`);
}

// What every Cairn of a throughput run gets: no log line per request, as its rivals, and the page
// cache and memory map that the rival has too.
export const CAIRN_SETTINGS = [
  'server.workers=1',
  'log.requests=false',
  'log.level=warn',
  'mode=production',
  'database.page_cache=64M',
  'database.mmap=1G',
];

// ---- what is built and filled -------------------------------------------------------------------

export function compile() {
  mkdirSync(BIN, { recursive: true });
  const cc = (args) =>
    execFileSync('cc', ['-std=c17', '-D_GNU_SOURCE', '-O2', '-Wall', ...args], {
      stdio: 'inherit',
    });
  for (const name of ['floor', 'load', 'idle', 'start'])
    cc([`bench/${name}.c`, '-o', `${BIN}/${name}`]);
  cc(['bench/fsync_insert.c', '-o', `${BIN}/fsync_insert`, '-lsqlite3', '-lpthread']);
  const packages = /^PKGS := (.+)$/m.exec(readFileSync('Makefile', 'utf8'))[1].split(' ');
  const libs = execFileSync('pkg-config', ['--libs', ...packages], { encoding: 'utf8' }).trim().split(/\s+/);
  cc(['-Isrc', 'bench/limits.c', `${dirname(CAIRN)}/inner.a`, ...libs, '-lpthread', '-ldl', '-lm', '-o', `${BIN}/limits`]);
  for (const name of ['heap', 'clock'])
    cc([`bench/${name}.c`, '-fno-builtin', '-shared', '-fPIC', '-o', `${BIN}/${name}.so`]);
}

function compileHello() {
  const dir = 'examples/hello';
  const sources = existsSync(dir) ? readdirSync(dir).filter((f) => f.endsWith('.c')) : [];
  if (sources.length === 0) throw new Error(`${dir} has no C file`);
  const packages = /^PKGS := (.+)$/m.exec(readFileSync('Makefile', 'utf8'))[1].split(' ');
  const libs = execFileSync('pkg-config', ['--libs', ...packages], { encoding: 'utf8' });
  execFileSync(
    'cc',
    [
      '-std=c17',
      '-D_GNU_SOURCE',
      '-O2',
      '-Iinclude',
      ...sources.map((s) => `${dir}/${s}`),
      `${dirname(CAIRN)}/libcairn.a`,
      ...libs.trim().split(/\s+/),
      '-lpthread',
      '-ldl',
      '-lm',
      '-o',
      `${BIN}/hello`,
    ],
    { stdio: 'inherit' },
  );
}

// better-sqlite3 is compiled here; node-gyp wants the headers of this very Node.
export function installRivals() {
  const versions = {};
  const stamp = 'bench/rivals/node_modules/.package-lock.json';
  const lock = 'bench/rivals/package-lock.json';
  if (!existsSync(stamp) || statSync(stamp).mtimeMs < statSync(lock).mtimeMs) {
    const nodedir = ['/usr/include/node/node.h', '/usr/include/nodejs/src/node.h'].findIndex((f) =>
      existsSync(f),
    );
    const env = nodedir < 0 ? {} : { npm_config_nodedir: ['/usr', '/usr/include/nodejs'][nodedir] };
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: 'bench/rivals',
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
  }
  for (const name of ['fastify', 'better-sqlite3', 'pg']) {
    versions[name] = JSON.parse(
      readFileSync(`bench/rivals/node_modules/${name}/package.json`),
    ).version;
  }
  return versions;
}

// The data directory of so many users, made once per state of migrations and seed.
export async function seeded(users) {
  const hash = createHash('sha256').update(String(users));
  const files = [
    `${SHOP}/seed.sql`,
    ...readdirSync(`${SHOP}/migrations`)
      .sort()
      .map((f) => `${SHOP}/migrations/${f}`),
  ];
  for (const f of files) hash.update(readFileSync(f));
  const dir = `${TMP}/shop-${hash.digest('hex').slice(0, 16)}`;
  if (!existsSync(`${dir}/.complete`)) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    say(`seeding ${users} users`);
    await tool([CAIRN, '-C', SHOP, 'seed', '--data', dir, '--users', String(users)], {
      core: null,
    });
    writeFileSync(`${dir}/.complete`, '');
  }
  return dir;
}

// A copy that a contestant may change.
export function copyOf(dir, name) {
  const to = `${TMP}/copy-${name}`;
  rmSync(to, { recursive: true, force: true });
  cpSync(dir, to, { recursive: true, filter: (f) => !lstatSync(f).isSocket() }); // a server's own
  execFileSync('sync');
  return to;
}

export function databaseIn(dir) {
  return `${dir}/${readdirSync(dir).find((f) => f.endsWith('.db'))}`;
}

// ---- contestants --------------------------------------------------------------------------------

export async function startCairn(data, { settings = CAIRN_SETTINGS, project, ...options } = {}) {
  const port = await freePort();
  return serve(cairnCommand(port, data, settings, project), { port, ...options });
}

// The shop with the features of the edge that settings can turn off: all on, or all off. What is left is
// the request id, which every answer has.
const EDGE = {
  on: `
cors: { origins: [https://app.example.com], credentials: true }
limits: [{ name: api, match: { path: /v1/* }, key: [address], rate: 1000000/s }]
`,
  off: `
http: { etag: false }
headers: { security: false, api_version: "" }
`,
};
export const ORIGIN = 'Origin: https://app.example.com\r\n';

export function edgeProject(which, more = EDGE[which]) {
  const dir = `${TMP}/edge-${which}`;
  rmSync(dir, { recursive: true, force: true });
  for (const part of ['migrations', 'queries', 'seed.sql', 'cairn.yaml'])
    cpSync(`${SHOP}/${part}`, `${dir}/${part}`, { recursive: true });
  writeFileSync(`${dir}/cairn.yaml`, readFileSync(`${SHOP}/cairn.yaml`, 'utf8') + more);
  return dir;
}

// The shop with accounts of its own, three row rules over `users`, and a token of somebody whom they let
// read all of it; and the same tables with nobody to ask.
const ACCOUNTS = `-- migrate:up
CREATE TABLE bench_accounts (
    id SERIAL PRIMARY KEY, email VARCHAR(100) UNIQUE NOT NULL, password_hash TEXT,
    role TEXT NOT NULL DEFAULT 'viewer', city TEXT);
`;
const AUTH = `
auth: { table: bench_accounts, roles: role, claims: "city", access_ttl: 24h, attempts: 100000 }
roles: { viewer: {} }
access:
  users:
    - { roles: viewer, can: read, where: 'id == me.id' }
    - { roles: viewer, can: read, where: 'city == me.city' }
    - { roles: viewer, can: read, where: 'created_at <= now()' }
`;
export const WHO = { email: 'bench@example.com', password: 'correct horse battery' };

// Gives { data, open, authorised, header }: the directory of data, two projects over it, and the line of a
// request.
export async function authProjects(users) {
  const data = copyOf(await seeded(users), 'auth');
  const [open, authorised] = ['', AUTH].map((more, i) => edgeProject(i ? 'authorised' : 'open', more));
  for (const dir of [open, authorised]) writeFileSync(`${dir}/migrations/20990101000000_bench_accounts.sql`, ACCOUNTS);
  const run = (...argv) => tool([CAIRN, '-C', authorised, ...argv, '--data', data], { core: null });
  await run('migrate', 'up');
  await run('account', 'add', WHO.email, '--password', WHO.password, '--column', 'city=Oslo');
  const cairn = await startCairn(data, { project: authorised });
  const answer = await fetch(`http://127.0.0.1:${cairn.port}/v1/auth/login`, signInOf(WHO));
  const { access_token: token } = await answer.json();
  await end(cairn);
  return { data, open, authorised, header: `Authorization: Bearer ${token}\r\n` };
}

export const signInOf = (who) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(who),
});

export function cairnCommand(port, data, settings, project = SHOP) {
  return [
    CAIRN,
    '-C',
    project,
    'serve',
    '--listen',
    `127.0.0.1:${port}`,
    '--data',
    data,
    ...settings.flatMap((s) => ['--set', s]),
  ];
}

export async function startHello(options = {}) {
  compileHello();
  const port = await freePort();
  const env = {
    CAIRN_SERVER_LISTEN: `127.0.0.1:${port}`,
    CAIRN_SERVER_WORKERS: '1',
    CAIRN_LOG_REQUESTS: 'false',
    CAIRN_LOG_LEVEL: 'warn',
    CAIRN_DATABASE_DATA_DIR: resolve(`${TMP}/hello-data`),
  };
  return serve([resolve(`${BIN}/hello`)], {
    ...options,
    port,
    env: { ...env, ...options.env },
    cwd: existsSync('examples/hello/cairn.yaml') ? 'examples/hello' : TMP,
  });
}

export async function startFloor(replyFile, options = {}) {
  const port = await freePort();
  return serve([`${BIN}/floor`, String(port), ...(replyFile ? [replyFile] : [])], {
    ...options,
    port,
  });
}

// files: name -> bytes, served below /files/, compressed on the way when the client takes it.
export async function startNginx(files = {}) {
  const port = await freePort();
  const dir = resolve(`${TMP}/nginx`);
  mkdirSync(`${dir}/files`, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(`${dir}/files/${name}`, bytes);
  const conf = readFileSync('bench/nginx.conf', 'utf8')
    .replaceAll('@DIR@', dir)
    .replaceAll('@PORT@', port);
  writeFileSync(`${dir}/nginx.conf`, conf);
  return serve(['nginx', '-p', dir, '-c', `${dir}/nginx.conf`, '-e', `${dir}/error.log`], { port });
}

export async function startFastify(database) {
  const port = await freePort();
  return serve(['node', 'bench/rivals/fastify.mjs', String(port), database], {
    port,
    env: { NODE_ENV: 'production' },
  });
}
