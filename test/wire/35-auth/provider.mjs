// provider.mjs -- a provider of sign-ins on the loopback that does, or gets wrong, what it is told. SPDX: Apache-2.0
import crypto from 'node:crypto';
import http from 'node:http';
import { makeKey, sign } from './issuer.mjs';
import { assert } from '../lib.mjs';

export const seconds = () => Math.floor(Date.now() / 1000);
const random = () => crypto.randomBytes(12).toString('base64url');
export const s256 = (text) => crypto.createHash('sha256').update(text).digest('base64url');

export class Provider {
  constructor(client = { id: 'cairn', secret: 'hush & +' }) {
    this.client = client;
    this.key = makeKey('RS256', 'k1');
    this.codes = new Map();
    this.asked = {};
    this.document = {}; // members of the discovery document to change
    this.down = false;
    this.sockets = new Set();
  }

  async start(port = 0) {
    this.server = http.createServer((rq, rs) => {
      let body = '';
      rq.setEncoding('utf8').on('data', (d) => { body += d; }).on('end', () => this.answer(rq, rs, body));
    });
    this.server.on('connection', (c) => { this.sockets.add(c); c.on('close', () => this.sockets.delete(c)); });
    await new Promise((done, no) => this.server.once('error', no).listen(port, '127.0.0.1', done));
    this.port = this.server.address().port;
    this.url ??= `http://127.0.0.1:${this.port}`;
    return this;
  }

  async stop() {
    for (const c of this.sockets) c.destroy();
    await new Promise((done) => this.server.close(done));
  }

  answer(rq, rs, body) {
    const path = new URL(rq.url, this.url).pathname;
    this.asked[path] = (this.asked[path] ?? 0) + 1;
    this.last = { path, body, headers: rq.headers };
    const send = (status, v) => rs.writeHead(status, { 'Content-Type': 'application/json' }).end(typeof v === 'string' ? v : JSON.stringify(v));
    if (this.down) return send(500, {});
    if (path.endsWith('/.well-known/openid-configuration')) {
      return send(200, { issuer: this.issuer ?? this.url, authorization_endpoint: `${this.url}/authorize`, token_endpoint: `${this.url}/token`,
        userinfo_endpoint: `${this.url}/me`, jwks_uri: `${this.url}/keys`, ...this.document });
    }
    if (path.endsWith('/keys')) return send(200, { keys: [this.key.jwk] });
    if (path === '/token' || path === '/login/oauth/access_token') return this.token(new URLSearchParams(body), rq, send);
    const grant = this.grant_of(rq);
    if (!grant) return send(401, { error: 'invalid_token' });
    if (path === '/me') return send(200, grant.userinfo ?? { sub: grant.claims.sub });
    if (path === '/api/v3/user') return send(200, grant.user);
    if (path === '/api/v3/user/emails') return send(200, grant.emails);
    return send(404, {});
  }

  grant_of(rq) {
    const token = /^Bearer (.+)$/.exec(rq.headers.authorization ?? '')?.[1];
    return [...this.codes.values()].find((g) => g.access === token);
  }

  // RFC 6749, 4.1.3 and RFC 7636, 4.6: whatever does not fit is refused.
  token(form, rq, send) {
    const g = this.codes.get(form.get('code'));
    const secret = Buffer.from(/^Basic (.+)$/.exec(rq.headers.authorization ?? '')?.[1] ?? '', 'base64').toString();
    const basic = secret ? secret.split(':').map((x) => decodeURIComponent(x)) : [form.get('client_id'), form.get('client_secret')];
    this.form = form;
    if (this.reply) return this.reply(send, form);
    if (basic[0] !== this.client.id || (this.client.secret && basic[1] !== this.client.secret)) return send(401, { error: 'invalid_client' });
    if (!g || g.used || g.redirect !== form.get('redirect_uri') || s256(form.get('code_verifier') ?? '') !== g.challenge) return send(400, { error: 'invalid_grant' });
    g.used = true;
    g.access = random();
    const token = { access_token: g.access, token_type: 'Bearer', expires_in: 60 };
    return send(200, g.claims ? { ...token, id_token: g.id_token ?? sign(g.key ?? this.key, g.claims, { typ: 'JWT', ...g.head }) } : token);
  }

  // What /authorize would do, once somebody has signed in there: a code for that request.
  code(url, claims, more = {}) {
    const q = new URL(url).searchParams;
    assert.equal(q.get('response_type'), 'code');
    assert.equal(q.get('client_id'), this.client.id);
    assert.equal(q.get('code_challenge_method'), 'S256');
    assert.match(q.get('state'), /^[\w-]{43}$/);
    const code = random();
    const base = { iss: this.issuer ?? this.url, aud: this.client.id, iat: seconds(), exp: seconds() + 300, nonce: q.get('nonce') };
    this.codes.set(code, { redirect: q.get('redirect_uri'), challenge: q.get('code_challenge'), claims: claims && { ...base, ...claims }, ...more });
    return { code, state: q.get('state') };
  }
}

// A browser's cookies, as far as these plays need them.
export class Jar {
  constructor() { this.list = new Map(); }
  take(r) {
    for (const line of r.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/Max-Age=0/.test(line)) this.list.delete(name);
      else this.list.set(name, value);
      this.last = line;
    }
    return r;
  }
  get headers() { return this.list.size ? { Cookie: [...this.list].map(([k, v]) => `${k}=${v}`).join('; ') } : {}; }
}

// The whole way: gives the answer of the callback. how: provider, query, jar, change(answer) of what the browser brings.
export async function dance(s, provider, claims, how = {}) {
  const jar = how.jar ?? new Jar();
  const name = how.provider ?? 'corp';
  const r = jar.take(await s.get(`/v1/auth/oauth/${name}${how.query ?? ''}`, jar.headers));
  assert.equal(r.status, 302, r.text);
  return back(s, provider, r.header('location'), claims, { ...how, jar, name });
}

export async function back(s, provider, url, claims, how) {
  const brought = { ...provider.code(url, claims, how.grant), ...how.more };
  const q = new URLSearchParams(how.change ? how.change(brought) : brought);
  const path = `/v1/auth/oauth/${how.name ?? how.provider ?? 'corp'}/callback`;
  how.seen?.({ path, q, url });
  return how.jar.take(await (how.post ? s.fetch(path, { method: 'POST', body: q.toString(), headers: { ...how.jar.headers, 'Content-Type': 'application/x-www-form-urlencoded' } })
    : s.get(`${path}?${q}`, how.jar.headers)));
}
