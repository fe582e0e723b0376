// Passkeys: registration and sign-in, by an authenticator written anew. SPDX: Apache-2.0
import crypto from 'node:crypto';
import { play, ok, problem, assert } from '../lib.mjs';

const migrations = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT);
CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT);`;
const config = 'server: { public_url: "https://shop.example" }\nauth: { table: users, hash_memory: 64K, hash_passes: 1, issuer: "My shop", attempts: 1000 }\n';
const what = { migrations, config, on: ['sqlite', 'postgres'] };
const ada = { email: 'ada@example.com', password: 'correct horse battery' };
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token ?? t}` });
const events = (p, ...args) => p.do('audit', '--json', '--limit', '100', ...args).out.split('\n').filter(Boolean).map((l) => JSON.parse(l)).reverse();
const sha = (x) => crypto.createHash('sha256').update(x).digest();
const b64 = (x) => Buffer.from(x).toString('base64url');
const bin = (x) => Buffer.from(x, 'base64url');

function cbor(v) {
  const head = (major, n) => n < 24 ? Buffer.from([major << 5 | n]) : n < 256 ? Buffer.from([major << 5 | 24, n]) : Buffer.from([major << 5 | 25, n >> 8, n & 255]);
  if (typeof v === 'number') return v < 0 ? head(1, -1 - v) : head(0, v);
  if (typeof v === 'string') return Buffer.concat([head(3, Buffer.byteLength(v)), Buffer.from(v)]);
  if (Buffer.isBuffer(v)) return Buffer.concat([head(2, v.length), v]);
  if (v instanceof Map) return Buffer.concat([head(5, v.size), ...[...v].flatMap(([k, x]) => [cbor(k), cbor(x)])]);
  throw new Error(`cbor: ${v}`);
}

class Authenticator {
  constructor(kind = 'ES256', counts = true) {
    this.kind = kind;
    this.id = crypto.randomBytes(20);
    this.counter = counts ? 1 : 0;
    this.counts = counts;
    const make = { ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}], RS256: ['rsa', { modulusLength: 2048 }], ES384: ['ec', { namedCurve: 'P-384' }], RS1024: ['rsa', { modulusLength: 1024 }] }[kind];
    Object.assign(this, crypto.generateKeyPairSync(...make));
    const j = this.publicKey.export({ format: 'jwk' });
    this.cose = new Map(j.kty === 'EC' ? [[1, 2], [3, kind === 'ES384' ? -35 : -7], [-1, kind === 'ES384' ? 2 : 1], [-2, bin(j.x)], [-3, bin(j.y)]]
      : j.kty === 'OKP' ? [[1, 1], [3, -8], [-1, 6], [-2, bin(j.x)]] : [[1, 3], [3, -257], [-1, bin(j.n)], [-2, bin(j.e)]]);
  }
  client(type, options, more) { return Buffer.from(JSON.stringify({ type, challenge: options.challenge, origin: 'https://shop.example', crossOrigin: false, ...more })); }
  data(rp, flags, tail = Buffer.alloc(0)) {
    const n = Buffer.alloc(4);
    n.writeUInt32BE(this.counter);
    if (this.counts) this.counter++;
    return Buffer.concat([sha(rp), Buffer.from([flags]), n, tail]);
  }
  create(options, how = {}) {
    this.user = how.user ?? options.user.id;
    const len = Buffer.from([this.id.length >> 8, this.id.length & 255]);
    const key = how.key ?? cbor(this.cose);
    const authData = this.data(how.rp ?? options.rp.id, how.flags ?? 0x45, how.tail ?? Buffer.concat([Buffer.alloc(16), len, this.id, key]));
    const attestation = how.attestation ?? cbor(new Map([['fmt', 'none'], ['attStmt', new Map()], ['authData', authData]]));
    return { id: b64(this.id), type: 'public-key', response: { clientDataJSON: b64(this.client('webauthn.create', options, how.client)), attestationObject: b64(attestation) } };
  }
  get(options, how = {}) {
    const client = this.client('webauthn.get', options, how.client);
    const authData = this.data(how.rp ?? options.rpId, how.flags ?? 5);
    const text = Buffer.concat([authData, sha(client)]);
    const signature = crypto.sign(this.kind === 'EdDSA' ? null : 'sha256', text, how.by ?? this.privateKey);
    return { id: b64(how.id ?? this.id), type: 'public-key', response: { clientDataJSON: b64(client), authenticatorData: b64(how.authData ?? authData), signature: b64(how.signature ?? signature), userHandle: how.user ?? this.user } };
  }
}

async function add(s, t, a = new Authenticator(), how = {}, more = {}) {
  const { state, publicKey } = ok(await s.post('/v1/auth/passkeys/options', {}, bearer(t)));
  return s.post('/v1/auth/passkeys', { state, credential: a.create(publicKey, how), ...more }, bearer(t));
}
async function login(s, a, how = {}, tail = '') {
  const { state, publicKey } = ok(await s.post('/v1/auth/passkeys/login/options', {}));
  return s.post(`/v1/auth/passkeys/login${tail}`, { state, credential: a.get(publicKey, how) });
}
const register = async (s) => ok(await s.post('/v1/auth/register', ada), 201);

play('add one, sign in with it, remove it', what, async (s, p) => {
  const t = await register(s);
  const { publicKey: o } = ok(await s.post('/v1/auth/passkeys/options', {}, bearer(t)));
  assert.deepEqual(o.rp, { id: 'shop.example', name: 'My shop' });
  assert.deepEqual(o.user, { id: b64('1'), name: ada.email, displayName: ada.email });
  assert.deepEqual(o.pubKeyCredParams.map((x) => x.alg), [-8, -7, -257]);
  assert.equal(bin(o.challenge).length, 32);
  const all = [];
  for (const [kind, counts] of [['ES256', true], ['EdDSA', true], ['RS256', true], ['ES256', false]]) {
    const a = new Authenticator(kind, counts);
    all.push(a);
    const made = ok(await add(s, t, a, {}, { name: `my ${kind}` }), 201);
    assert.deepEqual([made.id, made.name, made.used_at], [b64(a.id), `my ${kind}`, null]);
    for (let i = 0; i < 3; i++) {
      const u = ok(await login(s, a));
      assert.equal(u.user.email, ada.email);
      ok(await s.get('/v1/auth/me', bearer(u)));
    }
  }
  const list = ok(await s.get('/v1/auth/passkeys', bearer(t))).data;
  assert.equal(list.length, 4);
  for (const k of list) assert.ok(Math.abs(Date.parse(k.used_at) - Date.now()) < 60000);
  assert.equal(ok(await s.post('/v1/auth/passkeys/options', {}, bearer(t))).publicKey.excludeCredentials.length, 4);
  problem(await add(s, t, all[0]), 409, 'unique', ['credential']);
  const r = await login(s, all[0], {}, '?session=cookie');
  assert.ok(ok(r).csrf_token);
  assert.equal(r.headers.getSetCookie().length, 1);
  ok(await s.delete(`/v1/auth/passkeys/${b64(all[0].id)}`, bearer(t)), 204);
  problem(await s.delete(`/v1/auth/passkeys/${b64(all[0].id)}`, bearer(t)), 404);
  problem(await login(s, all[0]), 401, 'bad_passkey', ['credential']);
  const seen = events(p).map((e) => e.event);
  assert.equal(seen.filter((e) => e === 'passkey_added').length, 4);
  for (const e of ['passkey_removed', 'passkey_refused']) assert.ok(seen.includes(e), seen.join());
});

play('registrations that are refused', what, async (s) => {
  const t = await register(s);
  const bad = async (how, a = new Authenticator()) => assert.match(problem(await add(s, t, a, how), 422, 'bad_passkey', ['credential']).detail, /^The passkey is refused|in base64url/);
  await bad({ client: { origin: 'https://evil.example' } });
  await bad({ client: { origin: 'http://shop.example' } });
  await bad({ client: { origin: 'https://shop.example:8443' } });
  await bad({ client: { crossOrigin: true } });
  await bad({ client: { challenge: b64(crypto.randomBytes(32)) } });
  await bad({ client: { type: 'webauthn.get' } });
  await bad({ rp: 'evil.example' });
  for (const flags of [0x40, 0x41, 0x44, 0x05]) await bad({ flags });
  await bad({}, new Authenticator('ES384'));
  await bad({}, new Authenticator('RS1024'));
  const a = new Authenticator();
  await bad({ key: cbor(new Map([...a.cose, [-2, Buffer.alloc(32)]])) }, a); // no point of the curve
  await bad({ key: cbor(new Map([[1, 2], [3, -8], [-1, 1]])) });
  await bad({ key: Buffer.from([0xbf, 0xff]) });
  await bad({ tail: Buffer.alloc(10) });
  await bad({ tail: Buffer.concat([Buffer.alloc(16), Buffer.from([0xff, 0xff]), Buffer.alloc(40)]) });
  for (const attestation of [Buffer.from([0xa1]), Buffer.alloc(3), Buffer.from('ff'.repeat(20), 'hex'), cbor(new Map([['fmt', 'none']])), Buffer.concat([cbor(new Map([['authData', Buffer.alloc(40)]])), Buffer.alloc(1)]), Buffer.from('9b7fffffffffffffff', 'hex')]) await bad({ attestation });
  assert.deepEqual(ok(await s.get('/v1/auth/passkeys', bearer(t))).data, []);
});

play('sign-ins that are refused', what, async (s) => {
  const t = await register(s);
  const a = new Authenticator(), other = new Authenticator();
  ok(await add(s, t, a), 201);
  const bad = async (how) => problem(await login(s, a, how), 401, 'bad_passkey', ['credential']);
  await bad({ by: other.privateKey });
  await bad({ id: other.id });
  await bad({ user: b64('2') });
  await bad({ rp: 'evil.example' });
  await bad({ client: { origin: 'https://evil.example' } });
  await bad({ client: { type: 'webauthn.create' } });
  await bad({ client: { challenge: b64(crypto.randomBytes(32)) } });
  for (const flags of [0, 1, 4]) await bad({ flags }); // nobody verified
  for (const signature of [Buffer.alloc(0x40), Buffer.from('3006020100020100', 'hex'), Buffer.from([0x30])]) await bad({ signature });
  ok(await login(s, a));
  // The same answer twice, and at once; a counter that goes back.
  const { state, publicKey } = ok(await s.post('/v1/auth/passkeys/login/options', {}));
  const credential = a.get(publicKey);
  const twice = await Promise.all([1, 2, 3].map(() => s.post('/v1/auth/passkeys/login', { state, credential })));
  assert.deepEqual(twice.map((r) => r.status).sort(), [200, 401, 401]);
  a.counter = 1;
  await bad({});
  a.counter = 100;
  ok(await login(s, a));
  const none = new Authenticator('EdDSA', false);
  ok(await add(s, t, none), 201);
  const o = ok(await s.post('/v1/auth/passkeys/login/options', {}));
  const same = { state: o.state, credential: none.get(o.publicKey) };
  ok(await s.post('/v1/auth/passkeys/login', same));
  problem(await s.post('/v1/auth/passkeys/login', same), 401, 'bad_passkey');
});

play('states and bodies that are none', { ...what, on: ['sqlite'] }, async (s) => {
  const t = await register(s);
  const a = new Authenticator();
  const { state, publicKey } = ok(await s.post('/v1/auth/passkeys/options', {}, bearer(t)));
  const bob = ok(await s.post('/v1/auth/register', { ...ada, email: 'bob@example.com' }), 201);
  const credential = a.create(publicKey);
  problem(await s.post('/v1/auth/passkeys', { state, credential }, bearer(bob)), 401, 'invalid_state', ['state']);
  problem(await s.post('/v1/auth/passkeys', { state, credential }), 401, 'sign_in_required');
  problem(await s.post('/v1/auth/passkeys/login', { state, credential }), 401, 'invalid_state');
  const asked = ok(await s.post('/v1/auth/passkeys/login/options', {}));
  problem(await s.post('/v1/auth/passkeys', { state: asked.state, credential }, bearer(t)), 401, 'invalid_state');
  for (const bad of ['x', state.slice(1), `${state.slice(0, -2)}AA`, 'x'.repeat(9000)]) problem(await s.post('/v1/auth/passkeys', { state: bad, credential }, bearer(t)), 401, 'invalid_state');
  problem(await s.post('/v1/auth/passkeys', { credential }, bearer(t)), 422, 'required', ['state']);
  for (const c of [undefined, 7, {}, { response: 7 }, { response: {} }, { response: { clientDataJSON: '???', attestationObject: 'AA' } }, { response: { clientDataJSON: 'x'.repeat(30000), attestationObject: 'AA' } }]) {
    problem(await s.post('/v1/auth/passkeys', { state, credential: c }, bearer(t)), 422, 'bad_passkey', ['credential']);
    const r = await s.post('/v1/auth/passkeys/login', { state: asked.state, credential: c });
    problem(r, 422, 'bad_passkey', ['credential']);
  }
  problem(await s.post('/v1/auth/passkeys', { state, credential, name: 'x'.repeat(101) }, bearer(t)), 422, 'length', ['name']);
  const key = ok(await s.post('/v1/auth/keys', { name: 'ci' }, bearer(t)), 201).key;
  problem(await s.post('/v1/auth/passkeys/options', {}, bearer(key)), 403, 'not_for_keys');
  problem(await s.get('/v1/auth/passkeys', bearer(key)), 403, 'not_for_keys');
  ok(await s.post('/v1/auth/passkeys', { state, credential }, bearer(t)), 201);
});

play('with a second factor that is required', { ...what, args: ['--set', 'auth.mfa=optional'] }, async (s, p) => {
  const t = await register(s);
  const a = new Authenticator();
  ok(await add(s, t, a), 201);
  ok(await s.post('/v1/auth/login', ada)); // a passkey is one more way in, as long as nothing is required
  await s.stop();
  await s.start(['--set', 'auth.mfa=required']);
  ok(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }));
  const r = problem(await s.post('/v1/auth/login', ada), 401, 'mfa_required');
  assert.equal(r.mfa_token, undefined, 'the password alone sets up no app');
  const u = ok(await login(s, a));
  problem(await s.delete(`/v1/auth/passkeys/${b64(a.id)}`, bearer(u)), 403, 'mfa_is_required');
  const b = new Authenticator();
  ok(await add(s, u, b), 201);
  ok(await s.delete(`/v1/auth/passkeys/${b64(a.id)}`, bearer(u)), 204);
  p.do('account', 'mfa-remove', ada.email);
  problem(await login(s, b), 401, 'bad_passkey');
  problem(await s.post('/v1/auth/login', ada), 401, 'mfa_setup_required');
});

play('an account that goes takes its passkeys along', { ...what, args: ['--set', 'auth.mfa=off'] }, async (s) => {
  const t = await register(s);
  const a = new Authenticator();
  ok(await add(s, t, a), 201);
  ok(await login(s, a));
  ok(await s.fetch('/v1/auth/me', { method: 'DELETE', headers: { 'Content-Type': 'application/json', ...bearer(t) }, body: JSON.stringify({ password: ada.password }) }), 204);
  problem(await login(s, a), 401, 'bad_passkey');
});

play('where there is no origin, or they are off', { ...what, on: ['sqlite'], serve: false }, async (s) => {
  await s.start(['--set', 'server.public_url=']);
  problem(await s.post('/v1/auth/passkeys/login/options', {}), 409, 'passkeys_need_origin');
  await s.stop();
  await s.start(['--set', 'auth.passkeys=false']);
  problem(await s.post('/v1/auth/passkeys/login/options', {}), 404);
});
