// A server beside pages of any host name, in one real browser for all plays of a file. SPDX: Apache-2.0
import http from 'node:http';
import { after } from 'node:test';
import { Project, Server } from './lib.mjs';
import { Browser } from './browser.mjs';

let chromium = null; // it takes seconds to start
const started = () => (chromium ??= Browser.start(['--host-resolver-rules=MAP *.test 127.0.0.1']));
after(async () => { if (chromium) await (await chromium).stop(); });

// config(port): cairn.yaml, told the port of the pages. fn gets the server s, the port, open(url) and page(host).
export async function world({ migrations, config, args = [] }, fn) {
  const pages = http.createServer((_rq, rs) => rs.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>page</title>'));
  await new Promise((done) => pages.listen(0, '127.0.0.1', done));
  const port = pages.address().port;
  const browser = await started();
  const project = new Project({ migrations, config: config(port) });
  const s = new Server(project);
  try {
    if (args.length) project.do('migrate', 'up');
    await s.start(args);
    await fn({ s, port, open: (url) => browser.open(url), page: (host) => browser.open(`http://${host}:${port}/`) });
    await s.stop();
  } finally {
    if (s.child) { s.child.kill('SIGKILL'); await s.ended; }
    project.remove();
    pages.closeAllConnections();
    pages.close();
  }
}

// Runs in the page: status, body and the headers that it can read, or the failure's name.
export async function ask(url, options = {}) {
  try {
    const r = await fetch(url, options);
    const text = await r.text();
    return { status: r.status, headers: Object.fromEntries(r.headers), body: text && /json/.test(r.headers.get('content-type') ?? '') ? JSON.parse(text) : text };
  } catch (e) {
    return { failed: e.name };
  }
}
