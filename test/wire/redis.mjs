// redis.mjs -- a Redis of the tests' own, on a free port of the loopback. SPDX: Apache-2.0
// Stopped by pid; nothing is kept on the disk.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function freePort() {
  return new Promise((done, fail) => {
    const s = net.createServer().once('error', fail);
    s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
  });
}

export class Redis {
  static async start(port) {
    const r = new Redis();
    r.root = fs.mkdtempSync(path.join(os.tmpdir(), 'cairn-redis-'));
    r.port = port ?? await freePort();
    r.url = `redis://127.0.0.1:${r.port}`;
    await r.launch();
    return r;
  }

  async launch() {
    this.child = spawn('redis-server', ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.root], { stdio: 'ignore' });
    const failed = new Promise((_done, fail) => this.child.once('error', () => fail(new Error('redis-server is not installed (./dev setup test)'))));
    this.ended = new Promise((done) => this.child.once('close', done));
    for (let i = 0; i < 200; i++) {
      if (await Promise.race([this.answers(), failed])) return;
      await sleep(50);
    }
    throw new Error('redis-server does not answer');
  }

  answers() {
    return new Promise((done) => {
      const s = net.connect(this.port, '127.0.0.1', () => s.write('PING\r\n'));
      s.once('data', (d) => { s.destroy(); done(String(d).startsWith('+PONG')); });
      s.once('error', () => done(false));
    });
  }

  // What one command answers.
  do(...args) {
    const r = spawnSync('redis-cli', ['-h', '127.0.0.1', '-p', String(this.port), ...args], { encoding: 'utf8', timeout: 10000 });
    if (r.status !== 0) throw new Error(`redis-cli: ${r.error ?? r.stderr}`);
    return r.stdout.trim();
  }

  signal(name) { this.child.kill(name); }

  async kill() {
    this.child.kill('SIGCONT');
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async stop() {
    await this.kill();
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}
