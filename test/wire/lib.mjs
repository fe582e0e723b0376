// lib.mjs -- play(name, what, fn): one test against the real binary. SPDX: Apache-2.0
// Each play has a project and a data directory of its own, and a server on a port of its own; it is
// stopped by pid, must end with 0 and must have written no sanitizer report.
import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Postgres, dropHome, dropSpace, psql, space } from './postgres.mjs';

export const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BIN = process.env.CAIRN_BIN ?? path.join(top, 'build/cairn');
export const slow = process.env.CAIRN_SLOW ? 6 : 1;
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const REPORT = /ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:/;

// A port that nobody listens on now. Two plays may be told the same one: start() then tries again.
function freePort() {
  return new Promise((done, fail) => {
    const s = net.createServer().once('error', fail);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });
}

// An environment without what would override the project's settings.
function cleanEnv(more) {
  const env = { ...process.env };
  for (const k of Object.keys(env)) if (/^(CAIRN_|PORT$|DATABASE_URL$|NODE_)/.test(k)) delete env[k];
  return { ...env, ...more };
}

export class Project {
  constructor(what = {}, engine = 'sqlite') {
    this.engine = engine;
    this.env = {};
    if (engine === 'postgres') this.env.DATABASE_URL = space(process.env.CAIRN_TEST_POSTGRES, what.own);
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), 'cairn-wire-'));
    this.dir = path.join(this.root, 'app');
    this.data = path.join(this.root, 'data');
    fs.mkdirSync(this.dir);
    this.what = what;
    if (what.app) fs.cpSync(path.join(top, 'examples', what.app), this.dir, { recursive: true, filter: (f) => path.basename(f) !== 'data' });
    if (what.config !== undefined) this.config(what.config);
    if (what.migrations) this.migrations(what.migrations);
  }

  write(name, text) {
    const file = path.join(this.dir, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    return file;
  }

  config(text) { return this.write('cairn.yaml', text); }

  // A string is one migration; an object is name -> text. Without a mark a text is `migrate:up`.
  migrations(what) {
    const list = typeof what === 'string' ? { '20260101000000_first.sql': what } : what;
    for (const [name, text] of Object.entries(list)) {
      this.write(`migrations/${name}`, /^-- migrate:up/m.test(text) ? text : `-- migrate:up\n${text}\n-- migrate:down\n`);
    }
  }

  // Runs a command to its end: cairn('migrate', 'status').
  cairn(...args) {
    const more = typeof args.at(-1) === 'object' ? args.pop() : {};
    const all = ['-C', this.dir, ...args];
    if (!more.noData) all.push('--data', this.data);
    const r = spawnSync(BIN, all, { encoding: 'utf8', env: cleanEnv({ ...this.env, ...more.env }), timeout: 60000 * slow, input: more.input ?? '', cwd: more.cwd ?? this.root });
    assert.equal(r.error, undefined, `cairn ${args.join(' ')}: ${r.error}`);
    assert.doesNotMatch(r.stderr, REPORT);
    return { code: r.status, out: r.stdout, err: r.stderr, all: r.stdout + r.stderr };
  }

  // The same, expecting success.
  do(...args) {
    const r = this.cairn(...args);
    assert.equal(r.code, 0, `cairn ${args.filter((a) => typeof a === 'string').join(' ')} answered ${r.code}:\n${r.all}`);
    return r;
  }

  // One statement past Cairn, on PostgreSQL; what it prints.
  psql(sql) { return psql(this.env.DATABASE_URL, sql); }

  remove() {
    fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
    if (this.engine === 'postgres') dropSpace(this.env.DATABASE_URL);
  }
}

// An answer, read whole. text is what was sent; body is parsed when it is JSON.
class Answer {
  constructor(response, text) {
    this.status = response.status;
    this.headers = response.headers;
    this.text = text;
    this.body = /json/.test(response.headers.get('content-type') ?? '') && text ? JSON.parse(text) : undefined;
  }
  header(name) { return this.headers.get(name); }
}

export class Server {
  constructor(project) {
    this.project = project;
    this.log = '';
    this.child = null;
    this.lines = [];
  }

  async start(args = [], env = {}) {
    for (let tries = 0; ; tries++) {
      const port = await freePort();
      try {
        await this.#launch(port, args, env);
        return this;
      } catch (e) {
        if (tries === 3 || !/EADDRINUSE|address already in use/.test(e.message)) throw e;
      }
    }
  }

  #launch(port, args, env) {
    const listen = args.includes('--listen') || env.PORT ? [] : ['--listen', `127.0.0.1:${port}`];
    const workers = this.project.what.workers ?? 2;
    const begin = this.log.length;
    const stdio = { stdio: ['ignore', 'ignore', 'pipe'], cwd: this.project.root };
    if (this.project.what.program) { // a program in C: settings by the environment
      const settings = { CAIRN_SERVER_LISTEN: `127.0.0.1:${port}`, CAIRN_SERVER_WORKERS: `${workers}`, CAIRN_DATABASE_DATA_DIR: this.project.data };
      this.child = spawn(path.join(path.dirname(BIN), 'examples', this.project.what.program), [this.project.dir, ...args], { env: cleanEnv({ ...settings, ...this.project.env, ...env }), ...stdio });
    } else {
      this.child = spawn(BIN, ['-C', this.project.dir, 'serve', ...listen, '--data', this.project.data,
        '--set', `server.workers=${workers}`, ...args], { env: cleanEnv({ ...this.project.env, ...env }), ...stdio });
    }
    const child = this.child;
    this.ended = new Promise((done) => child.once('close', (code, signal) => { this.code = code; this.killedBy = signal; done(); }));
    return new Promise((done, fail) => {
      const late = setTimeout(() => { child.kill('SIGKILL'); fail(new Error(`no listening line in time:\n${this.log.slice(begin)}`)); }, 20000 * slow);
      let rest = '';
      child.stderr.setEncoding('utf8');
      child.stderr.on('data', (text) => {
        this.log += text;
        rest += text;
        for (let at; (at = rest.indexOf('\n')) >= 0; rest = rest.slice(at + 1)) {
          const line = rest.slice(0, at);
          let json;
          try { json = JSON.parse(line); } catch { continue; }
          this.lines.push(json);
          if (json.msg === 'listening') {
            clearTimeout(late);
            this.base = json.url.replace(/\/$/, '');
            this.port = Number(/:(\d+)$/.exec(this.base)?.[1]);
            done(this);
          }
        }
      });
      child.once('close', (code) => { clearTimeout(late); fail(new Error(`cairn serve ended with ${code}:\n${this.log.slice(begin)}`)); });
      child.once('error', (e) => { clearTimeout(late); fail(e); });
    });
  }

  async fetch(target, options = {}) {
    const r = await fetch(target.startsWith('http') ? target : this.base + target, { redirect: 'manual', signal: AbortSignal.timeout(30000 * slow), ...options });
    return new Answer(r, await r.text());
  }
  #send(method, target, body, headers) {
    const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
    return this.fetch(target, { method, body: text, headers: { ...(text === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers } });
  }
  get(target, headers) { return this.fetch(target, { headers }); }
  post(target, body, headers) { return this.#send('POST', target, body, headers); }
  put(target, body, headers) { return this.#send('PUT', target, body, headers); }
  patch(target, body, headers) { return this.#send('PATCH', target, body, headers); }
  delete(target, headers) { return this.#send('DELETE', target, undefined, headers); }

  // The rows of a list, after checking that it is one.
  async list(target) {
    const r = await this.get(target);
    assert.equal(r.status, 200, `${target}: ${r.status} ${r.text}`);
    return r.body.data;
  }
  async ids(target) { return (await this.list(target)).map((row) => row.id); }

  // Bytes out, bytes in, until the server closes or `quiet` ms pass without news.
  raw(bytes, { quiet = 400 * slow, most = 10000 * slow } = {}) {
    return new Promise((done, fail) => {
      const s = net.connect(this.port, '127.0.0.1');
      let text = '';
      let closed = false;
      const end = () => { clearTimeout(timer); clearTimeout(last); s.destroy(); done({ text, closed, statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1])) }); };
      let timer = setTimeout(end, quiet + 600 * slow);
      const last = setTimeout(end, most);
      s.setEncoding('latin1');
      s.on('data', (d) => { text += d; clearTimeout(timer); timer = setTimeout(end, quiet); });
      s.on('end', () => { closed = true; end(); });
      s.on('error', (e) => { if (e.code === 'ECONNRESET' || e.code === 'EPIPE') { closed = true; end(); } else fail(e); });
      s.on('connect', () => s.write(bytes));
    });
  }

  async metrics() { return (await this.get('/metrics')).text; }
  // The sum of the samples of that name whose labels hold `having`.
  async metric(name, having = '') {
    let sum = 0;
    let found = false;
    for (const line of (await this.metrics()).split('\n')) {
      const m = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line);
      if (m && m[1] === name && (m[2] ?? '').includes(having)) { sum += Number(m[3]); found = true; }
    }
    assert.ok(found, `no metric ${name}{${having}}`);
    return sum;
  }
  // Statements that fn's requests ran.
  async statements(fn) {
    const before = await this.metric('cairn_db_statements_total');
    await fn();
    return await this.metric('cairn_db_statements_total') - before;
  }

  async waitLog(test, ms = 10000) {
    for (const until = Date.now() + ms * slow; Date.now() < until; await sleep(20)) {
      const hit = this.lines.find(test);
      if (hit) return hit;
    }
    assert.fail(`no such line in the log:\n${this.log.slice(-4000)}`);
  }

  signal(name) { this.child.kill(name); }

  async stop(name = 'SIGTERM') {
    if (!this.child) return;
    const child = this.child;
    child.kill(name);
    const late = setTimeout(() => child.kill('SIGKILL'), 20000 * slow);
    await this.ended;
    clearTimeout(late);
    this.child = null;
    assert.doesNotMatch(this.log, REPORT, this.log.slice(-6000));
    if (name !== 'SIGKILL') assert.equal(this.code, 0, `ended with ${this.code ?? this.killedBy}:\n${this.log.slice(-4000)}`);
  }
  async kill9() { await this.stop('SIGKILL'); }
  async restart(args, env) {
    await this.stop();
    return this.start(args, env);
  }
}

// what: { app: 'shop' } an example | { migrations: text | {name: text} } | { config: text },
// program: examples/NAME in C instead of `cairn serve`; users: seed that many; serve: false starts nothing; args, env: of the server; workers: 2;
// on: the engines it is played on, one after the other; where it is not said, both in the folders about rows, else SQLite; own: on PostgreSQL a database, not only a schema.
after(dropHome);
const BOTH = /\/(30-rows|40-lists|50-migrations|70-c-api)\//;
const usual = BOTH.test(process.argv[1] ?? '') ? ['sqlite', 'postgres'] : ['sqlite'];

export function play(name, what, fn) {
  const only = process.env.CAIRN_TEST_ENGINE;
  for (const engine of what.on ?? usual) if (!only || engine === only) playOn(engine, name, what, fn);
}

function playOn(engine, name, what, fn) {
  const title = engine === 'sqlite' ? name : `${name} [${engine}]`;
  const skip = what.skip ?? (engine === 'postgres' && !process.env.CAIRN_TEST_POSTGRES ? 'no CAIRN_TEST_POSTGRES' : undefined);
  test(title, { timeout: (what.timeout ?? 60000) * slow, skip, todo: what.todo }, async (t) => {
    const project = new Project(what, engine);
    const s = new Server(project);
    s.t = t;
    s.engine = engine;
    s.project = project;
    let failed = true;
    try {
      if (what.users) project.do('seed', '--users', String(what.users));
      if (what.serve !== false) await s.start(what.args ?? [], what.env ?? {});
      await fn(s, project);
      await s.stop();
      failed = false;
    } finally {
      if (failed && s.child) {
        s.child.kill('SIGKILL');
        await s.ended;
        if (REPORT.test(s.log)) console.error(s.log.slice(-8000));
      }
      project.remove();
    }
  });
}

// ---- what is asked again and again ----

const PROBLEM = ['type', 'title', 'status', 'detail', 'error', 'code', 'request_id'];

// The answer is a problem of that status and code word; fields: those named in errors[].
export function problem(r, status, code, fields) {
  assert.equal(r.status, status, `${r.status} ${r.text}`);
  assert.match(r.header('content-type') ?? '', /^application\/problem\+json/);
  for (const k of PROBLEM) assert.ok(k in r.body, `the problem has no ${k}: ${r.text}`);
  assert.equal(r.body.status, status);
  assert.equal(r.body.request_id, r.header('x-request-id'));
  assert.doesNotMatch(r.text, /sqlite|postgres|SELECT |INSERT INTO|constraint failed|violates/i, 'the engine must not show');
  if (code) assert.equal(r.body.code, code, r.text);
  if (fields) assert.deepEqual((r.body.errors ?? []).map((e) => e.field).sort(), [...fields].sort(), r.text);
  for (const e of r.body.errors ?? []) assert.ok(e.field && e.code && e.message, r.text);
  return r.body;
}

export function ok(r, status = 200) {
  assert.equal(r.status, status, `${r.status} ${r.text}`);
  return r.body;
}

export { assert, test, Postgres, psql };
