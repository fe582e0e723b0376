// browser.mjs -- a real Chromium without a window, driven over its debugging pipe. SPDX: Apache-2.0
// page.run(fn, ...args) runs fn in the page and gives what its promise does; a failure there is one here.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { slow } from './lib.mjs';

export class Browser {
  #next = 0;
  #waiting = new Map();

  static async start(flags = []) {
    const b = new Browser();
    b.root = fs.mkdtempSync(path.join(os.tmpdir(), 'cairn-chromium-'));
    b.child = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--remote-debugging-pipe', `--user-data-dir=${b.root}`, ...flags, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    const failed = new Promise((_done, fail) => {
      b.child.once('error', () => fail(new Error('chromium is not installed (./dev setup test)')));
      b.child.once('exit', (code) => fail(new Error(`chromium ended with ${code}`)));
    });
    failed.catch(() => {});
    b.ended = new Promise((done) => b.child.once('close', done));
    let rest = '';
    b.child.stdio[4].setEncoding('utf8');
    b.child.stdio[4].on('data', (text) => {
      rest += text;
      for (let at; (at = rest.indexOf('\0')) >= 0; rest = rest.slice(at + 1)) b.#heard(JSON.parse(rest.slice(0, at)));
    });
    await Promise.race([b.ask('Browser.getVersion'), failed]);
    return b;
  }

  #heard(m) {
    const wait = this.#waiting.get(m.id);
    if (!wait) return;
    this.#waiting.delete(m.id);
    if (m.error) wait.fail(new Error(m.error.message));
    else wait.done(m.result);
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = ++this.#next;
    return new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail });
      this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  async open(url) {
    const { targetId } = await this.ask('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.ask('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId);
    const r = await this.ask('Page.navigate', { url }, sessionId);
    if (r.errorText) throw new Error(`${url}: ${r.errorText}`);
    for (const end = Date.now() + 15000 * slow; Date.now() < end;) {
      if (await page.run(() => location.href !== 'about:blank' && document.readyState === 'complete').catch(() => false)) return page;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`${url} does not load`);
  }

  async stop() {
    await this.ask('Browser.close').catch(() => {});
    const late = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(late);
    fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
  }

  async run(fn, ...args) {
    const expression = `(${fn})(...${JSON.stringify(args)})`;
    const r = await this.browser.ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, this.session);
    if (r.exceptionDetails) throw new Error(r.exceptionDetails.exception?.description ?? r.exceptionDetails.text);
    return r.result.value;
  }
}
