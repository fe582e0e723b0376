// postgres.mjs -- a PostgreSQL of the tests' own, in a temporary directory. SPDX: Apache-2.0
// run-wire starts one for all files and hands its URL down as CAIRN_TEST_POSTGRES; each play gets a
// database of its own on it. The server is stopped by pid.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Where Debian and others put the binaries; the newest first.
function binaries() {
  const root = '/usr/lib/postgresql';
  const versions = fs.existsSync(root) ? fs.readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const all = [...versions.map((v) => path.join(root, v, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return all.find((dir) => fs.existsSync(path.join(dir, 'initdb')) && fs.existsSync(path.join(dir, 'postgres')));
}

// PostgreSQL refuses to run as root: then as its own user, whom the package makes.
function user() {
  if (process.getuid() !== 0) return {};
  const number = (flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  const [uid, gid] = [number('-u'), number('-g')];
  if (!uid || !gid) throw new Error('no user `postgres` to run PostgreSQL as');
  return { uid, gid };
}

function freePort() {
  return new Promise((done, fail) => {
    const s = net.createServer().once('error', fail);
    s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
  });
}

function psql(url, sql) {
  const r = spawnSync('psql', ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql], { encoding: 'utf8', timeout: 60000 });
  if (r.status !== 0) throw new Error(`psql: ${r.error ?? r.stderr}`);
  return r.stdout.trim();
}

export class Postgres {
  // durable: with fsync, for tests that kill it. prepare(pg): between initdb and the first start; files it puts
  // into pg.root are the server's with pg.own(file).
  static async start({ durable = false, port, settings = [], prepare } = {}) {
    const bin = binaries();
    if (!bin) throw new Error('PostgreSQL is not installed (./dev setup test)');
    const pg = new Postgres();
    pg.bin = bin;
    pg.as = user();
    const fast = !durable && fs.existsSync('/dev/shm') && os.freemem() > 2 ** 30;
    pg.root = fs.mkdtempSync(path.join(fast ? '/dev/shm' : os.tmpdir(), 'cairn-postgres-'));
    pg.data = path.join(pg.root, 'data');
    if (pg.as.uid) fs.chownSync(pg.root, pg.as.uid, pg.as.gid);
    const r = spawnSync(path.join(bin, 'initdb'), ['-D', pg.data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
      { ...pg.as, cwd: pg.root, encoding: 'utf8', timeout: 120000 });
    if (r.status !== 0) throw new Error(`initdb: ${r.error ?? r.stdout + r.stderr}`);
    pg.port = port ?? await freePort();
    pg.settings = ['-c', 'shared_buffers=32MB', '-c', 'max_connections=200', ...(durable ? [] : ['-c', 'fsync=off', '-c', 'full_page_writes=off']), ...settings];
    prepare?.(pg);
    await pg.up();
    return pg;
  }

  // The file is the server's alone.
  own(file) {
    fs.chmodSync(file, 0o600);
    if (this.as.uid) fs.chownSync(file, this.as.uid, this.as.gid);
    return file;
  }

  // PgBouncer in transaction mode in front of it; another child, ended by stop().
  async pooler(size = 4) {
    const port = await freePort();
    const ini = path.join(this.root, 'pgbouncer.ini');
    fs.writeFileSync(ini, `[databases]\n* = host=127.0.0.1 port=${this.port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\n` +
      `auth_type = any\npool_mode = transaction\ndefault_pool_size = ${size}\nmax_client_conn = 100\nunix_socket_dir =\n`);
    this.own(ini);
    const log = fs.openSync(path.join(this.root, 'pgbouncer.log'), 'a');
    this.bouncer = spawn(fs.existsSync('/usr/sbin/pgbouncer') ? '/usr/sbin/pgbouncer' : 'pgbouncer', ['-q', ini], { ...this.as, cwd: this.root, stdio: ['ignore', log, log] });
    fs.closeSync(log);
    const child = this.bouncer;
    this.bouncerEnded = new Promise((done) => child.once('close', done).once('error', done));
    for (const until = Date.now() + 20000; Date.now() < until; await sleep(50)) {
      if (child.exitCode !== null || child.pid === undefined) break;
      if (spawnSync('psql', ['-X', '-q', '-d', `postgres://postgres@127.0.0.1:${port}/postgres`, '-c', 'SELECT 1'], { timeout: 5000 }).status === 0) return port;
    }
    throw new Error(`pgbouncer did not start (./dev setup test):\n${fs.readFileSync(path.join(this.root, 'pgbouncer.log'), 'utf8').slice(-2000)}`);
  }

  get url() { return `postgres://postgres@127.0.0.1:${this.port}`; }

  // Starts the server (again), on the same port, and waits until it answers.
  async up() {
    const log = fs.openSync(path.join(this.root, 'log'), 'a');
    this.child = spawn(path.join(this.bin, 'postgres'), ['-D', this.data, '-p', String(this.port), '-k', this.root,
      '-c', 'listen_addresses=127.0.0.1', ...this.settings], { ...this.as, cwd: this.root, stdio: ['ignore', log, log] });
    fs.closeSync(log);
    const child = this.child;
    this.ended = new Promise((done) => child.once('close', done));
    for (const until = Date.now() + 60000; Date.now() < until; await sleep(50)) {
      if (child.exitCode !== null) break;
      if (spawnSync('psql', ['-X', '-q', '-d', `${this.url}/postgres`, '-c', 'SELECT 1'], { timeout: 5000 }).status === 0) return;
    }
    throw new Error(`PostgreSQL did not start:\n${fs.readFileSync(path.join(this.root, 'log'), 'utf8').slice(-2000)}`);
  }

  // SIGINT: fast; SIGQUIT: as a crash; SIGKILL: only the first process, its children notice.
  async down(signal = 'SIGINT') {
    if (!this.child) return;
    this.child.kill(signal);
    const late = setTimeout(() => this.child?.kill('SIGQUIT'), 20000);
    await this.ended;
    clearTimeout(late);
    this.child = null;
  }

  async stop() {
    if (this.bouncer?.pid) {
      this.bouncer.kill('SIGKILL');
      await this.bouncerEnded;
    }
    await this.down();
    fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

let made = 0;
let home = null; // the database of this process

// A new schema in this process's database on the server at `server`: a URL that finds nothing else.
// (A database each would be cleaner, and costs half a second.)
export function space(server, own) {
  if (own) {
    const name = `wire_${process.pid}_${++made}`;
    psql(`${server}/postgres`, `CREATE DATABASE ${name}`);
    return `${server}/${name}`;
  }
  if (!home) {
    const name = `wire_${process.pid}`;
    psql(`${server}/postgres`, `CREATE DATABASE ${name}`);
    home = { server, name, url: `${server}/${name}` };
  }
  const schema = `play_${++made}`;
  psql(home.url, `CREATE SCHEMA ${schema}`);
  return `${home.url}?options=-c%20search_path%3D${schema}`;
}
export function dropSpace(url) {
  const own = /^(.*)\/(wire_\d+_\d+)$/.exec(url);
  if (own) return psql(`${own[1]}/postgres`, `DROP DATABASE ${own[2]} WITH (FORCE)`);
  psql(home.url, `SET client_min_messages = error; DROP SCHEMA ${url.slice(url.lastIndexOf('3D') + 2)} CASCADE`);
}
export function dropHome() {
  if (home) psql(`${home.server}/postgres`, `DROP DATABASE ${home.name} WITH (FORCE)`);
  home = null;
}
export { psql };
