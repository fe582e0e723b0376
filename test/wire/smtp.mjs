// smtp.mjs -- a small mail server on loopback: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA (RFC 5321).
// SPDX: Apache-2.0
import net from 'node:net';
import tls from 'node:tls';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

// A certificate of an authority of our own, for localhost: { key, cert, ca } and the file of ca.
export function certificate(dir) {
  const at = (name) => path.join(dir, name);
  const openssl = (...args) => {
    const r = spawnSync('openssl', args, { encoding: 'utf8' });
    if (r.status !== 0) throw new Error(r.stderr);
  };
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(at('ext'), 'subjectAltName=DNS:localhost\n');
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=test authority', '-days', '2');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key.pem'), '-out', at('req.pem'), '-subj', '/CN=localhost');
  openssl('x509', '-req', '-in', at('req.pem'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-out', at('cert.pem'), '-days', '2', '-extfile', at('ext'));
  return { key: fs.readFileSync(at('key.pem')), cert: fs.readFileSync(at('cert.pem')), ca: at('ca.pem') };
}

// options: tls { key, cert }: offers STARTTLS (implicit: speaks TLS at once); user, password: wanted; answer(verb, line): another reply, or undefined.
export class Smtp {
  constructor(options = {}) {
    this.options = options;
    this.letters = []; // { from, to, text, secure, user }
    this.connections = 0;
    this.sockets = new Set();
  }

  start(port = 0) {
    const secure = this.options.tls && this.options.implicit;
    const on = (socket) => this.#talk(socket, Boolean(secure));
    this.server = secure ? tls.createServer(this.options.tls, on) : net.createServer(on);
    return new Promise((done, fail) => {
      this.server.once('error', fail);
      this.server.listen(port, '127.0.0.1', () => { this.port = this.server.address().port; done(this); });
    });
  }

  stop() {
    for (const s of this.sockets) s.destroy();
    return new Promise((done) => this.server.close(done));
  }

  #talk(socket, secure) {
    this.connections++;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket)).on('error', () => {});
    const state = { secure, user: null, from: null, to: [] };
    socket.write('220 test ESMTP\r\n');
    this.#read(socket, state);
  }

  #read(socket, state) {
    let rest = '';
    let data = null;
    const take = (line) => {
      if (data !== null) {
        if (line !== '.') { data.push(line.startsWith('.') ? line.slice(1) : line); return; }
        const other = this.options.answer?.('DATA-END', '');
        if (!other) this.letters.push({ from: state.from, to: state.to, text: data.join('\r\n'), secure: state.secure, user: state.user });
        data = null;
        socket.write(other ?? '250 queued\r\n');
        return;
      }
      const verb = line.split(' ')[0].toUpperCase();
      const other = this.options.answer?.(verb, line);
      if (other) { socket.write(other); return; }
      if (verb === 'EHLO') {
        const more = [...(this.options.tls && !state.secure ? ['STARTTLS'] : []), ...(this.options.user ? ['AUTH PLAIN'] : []), 'SIZE 10000000'];
        socket.write(`250-test\r\n${more.map((m, i) => `250${i === more.length - 1 ? ' ' : '-'}${m}\r\n`).join('')}`);
        state.helo = line.slice(5);
      } else if (verb === 'STARTTLS') {
        socket.write('220 go\r\n');
        socket.removeAllListeners('data');
        const safe = new tls.TLSSocket(socket, { isServer: true, secureContext: tls.createSecureContext(this.options.tls) });
        safe.on('error', () => {});
        state.secure = true;
        this.#read(safe, state);
      } else if (verb === 'AUTH' && !line.split(' ')[2]) {
        socket.write('334 \r\n');
        state.asked = true;
      } else if (verb === 'AUTH' || state.asked) {
        state.asked = false;
        const [, user, password] = Buffer.from(line.split(' ').at(-1), 'base64').toString().split('\0');
        const good = user === this.options.user && password === this.options.password;
        if (good) state.user = user;
        socket.write(good ? '235 ok\r\n' : '535 no\r\n');
      } else if (verb === 'MAIL') {
        if (this.options.user && !state.user) { socket.write('530 sign in first\r\n'); return; }
        state.from = /<(.*)>/.exec(line)[1];
        state.to = [];
        socket.write('250 ok\r\n');
      } else if (verb === 'RCPT') {
        state.to.push(/<(.*)>/.exec(line)[1]);
        socket.write('250 ok\r\n');
      } else if (verb === 'DATA') {
        data = [];
        socket.write('354 go\r\n');
      } else if (verb === 'QUIT') {
        socket.end('221 bye\r\n');
      } else {
        socket.write('250 ok\r\n');
      }
    };
    socket.on('data', (bytes) => {
      rest += bytes.toString('latin1');
      for (let at; (at = rest.indexOf('\r\n')) >= 0;) {
        const line = rest.slice(0, at);
        rest = rest.slice(at + 2);
        take(line);
        if (line.toUpperCase() === 'STARTTLS') return;
      }
    });
  }
}

// A letter's parts: headers (unfolded, lower case names), plain, html.
export function read(text) {
  const cut = (t) => { const at = t.indexOf('\r\n\r\n'); return [t.slice(0, at), t.slice(at + 4)]; };
  const headers = (t) => Object.fromEntries(t.replace(/\r\n[ \t]+/g, ' ').split('\r\n').map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 1).trim()]));
  const decode = (t) => Buffer.from(t.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, h) => String.fromCharCode(parseInt(h, 16))), 'latin1').toString('utf8');
  const [head, body] = cut(text);
  const h = headers(head);
  const word = (s) => s.replace(/\?= =\?/g, '?==?').replace(/=\?UTF-8\?B\?([^?]*)\?=/g, (_, b) => Buffer.from(b, 'base64').toString('latin1'));
  h.subject = Buffer.from(word(h.subject), 'latin1').toString('utf8');
  const boundary = /boundary="(.*?)"/.exec(h['content-type'])?.[1];
  if (!boundary) return { headers: h, plain: decode(body) };
  const [plain, html] = body.split(`--${boundary}`).slice(1, 3).map((p) => decode(cut(p.slice(2))[1]));
  return { headers: h, plain, html };
}
