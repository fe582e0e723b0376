// issuer.mjs -- an issuer of tokens on the loopback: keys, discovery, and whatever can go wrong. SPDX: Apache-2.0
import http from 'node:http';
import crypto from 'node:crypto';

const b64 = (v) => Buffer.from(typeof v === 'string' || Buffer.isBuffer(v) ? v : JSON.stringify(v)).toString('base64url');

export function makeKey(alg, kid) {
  const pair = alg === 'RS256' ? crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
    : alg === 'ES256' ? crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }) : crypto.generateKeyPairSync('ed25519');
  return { alg, kid, private: pair.privateKey, public: pair.publicKey, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

// A token of that key; head may say what is not so.
export function sign(key, claims, head = {}) {
  const text = `${b64({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...head })}.${b64(claims)}`;
  const signature = key.alg === 'EdDSA' ? crypto.sign(null, Buffer.from(text), key.private)
    : crypto.sign('sha256', Buffer.from(text), { key: key.private, dsaEncoding: 'ieee-p1363' });
  return `${text}.${b64(signature)}`;
}

export class Issuer {
  constructor() {
    this.keys = [makeKey('ES256', 'k1')];
    this.asked = { keys: 0, discovery: 0 };
    this.headers = {};
    this.broken = false;
    this.sockets = new Set();
  }

  async start(port = 0) {
    this.server = http.createServer((rq, rs) => this.answer(rq, rs));
    this.server.on('connection', (c) => this.sockets.add(c));
    await new Promise((done, no) => this.server.once('error', no).listen(port, '127.0.0.1', done));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  answer(rq, rs) {
    const send = (v) => rs.writeHead(this.broken ? 500 : 200, { 'Content-Type': 'application/json', ...this.headers }).end(this.broken ? '{}' : JSON.stringify(v));
    if (rq.url === '/keys') {
      this.asked.keys++;
      return send(this.document ?? { keys: this.keys.map((k) => k.jwk) });
    }
    if (rq.url !== '/.well-known/openid-configuration') return rs.writeHead(404).end();
    this.asked.discovery++;
    return send({ issuer: this.says ?? this.url, jwks_uri: this.jwks ?? `${this.url}/keys` });
  }

  token(claims = {}, { key = this.keys[0], head } = {}) {
    const now = Math.floor(Date.now() / 1000);
    return sign(key, { iss: this.url, aud: 'api', sub: 'u1', iat: now, exp: now + 300, ...claims }, head);
  }

  async stop() {
    for (const c of this.sockets) c.destroy();
    await new Promise((done) => this.server.close(done));
  }
}
