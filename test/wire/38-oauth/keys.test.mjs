// Apps that prove themselves by a key of their own: private_key_jwt (RFC 7523). SPDX: Apache-2.0
import crypto from 'node:crypto';
import { play, ok, assert } from '../lib.mjs';
import { Person, back, bearer, client, config, formPost, oidc, secret, app, tokens, what } from './oauth.mjs';

const pair = (alg) => crypto.subtle.generateKey(alg === 'EdDSA' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const jwk = async (key, kid, alg) => { const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', key.publicKey); return { kty, crv, x, ...(y ? { y } : {}), kid, alg, use: 'sig' }; };
const b64 = (v) => Buffer.from(v).toString('base64url');
const clients = client(['id: bank', 'jwks: keys/bank.json', `redirect_uris: [${back}]`, 'scopes: [openid, offline_access, posts.read]', 'grants: [authorization_code, refresh_token, client_credentials]', 'roles: [editor]'])
  + client(['id: other', 'jwks: keys/bank.json', 'scopes: [posts.read]', 'grants: [client_credentials]']);
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function with_key(name, fn) {
  play(name, { ...what, config: '', serve: false }, async (s, p) => {
    const key = await pair('ES256');
    p.config(config('', clients));
    p.write('keys/bank.json', JSON.stringify({ keys: [await jwk(key, 'k1', 'ES256')] }));
    await s.start();
    await fn(s, p, key);
  });
}

with_key('the whole way with a key instead of a secret', async (s, p, key) => {
  const person = await new Person(s).register();
  const c = await app(s, 'bank', oidc.PrivateKeyJwt({ key: key.privateKey, kid: 'k1' }));
  assert.ok(c.serverMetadata().token_endpoint_auth_methods_supported.includes('private_key_jwt'));
  const t = await tokens(s, person, c, { scope: 'openid offline_access posts.read' });
  assert.equal(t.claims().aud, 'bank');
  const next = await oidc.refreshTokenGrant(c, t.refresh_token);
  assert.equal((await oidc.tokenIntrospection(c, next.access_token)).active, true);
  ok(await s.get('/v1/posts', bearer(await oidc.clientCredentialsGrant(c, { scope: 'posts.read' }))));
  await oidc.tokenRevocation(c, next.refresh_token);
  assert.equal((await oidc.tokenIntrospection(c, next.access_token)).active, false);
});

with_key('an assertion: for us, of the app, by its key, short, and once', async (s, p, key) => {
  const now = Math.floor(Date.now() / 1000);
  const sign = async (claims = {}, head = {}, by = key) => {
    const text = `${b64(JSON.stringify({ alg: 'ES256', kid: 'k1', ...head }))}.${b64(JSON.stringify({ iss: 'bank', sub: 'bank', aud: s.base, iat: now, exp: now + 60, jti: crypto.randomUUID(), ...claims }))}`;
    return `${text}.${b64(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, by.privateKey, Buffer.from(text)))}`;
  };
  const ask = async (assertion, more = {}, headers = {}) => formPost(s, '/oauth/token', { grant_type: 'client_credentials', client_assertion_type: TYPE, client_assertion: assertion, ...more }, headers);
  const refused = async (r, status = 401, word = 'invalid_client') => { const a = await r; assert.equal(a.status, status, a.text); assert.equal(a.body.error, word); };
  ok(await ask(await sign()));
  ok(await ask(await sign({ aud: [`${s.base}/oauth/token`] })));
  ok(await ask(await sign(), { client_id: 'bank' }));
  const once = await sign();
  ok(await ask(once));
  await refused(ask(once));
  const many = await sign();
  assert.deepEqual((await Promise.all([1, 2, 3].map(() => ask(many)))).map((r) => r.status).sort(), [200, 401, 401]);
  await refused(ask(await sign({ aud: 'https://other.example.com' })));
  await refused(ask(await sign({ sub: 'other' })));
  await refused(ask(await sign({ iss: 'other', sub: 'bank' })));
  await refused(ask(await sign({ iss: 'nobody', sub: 'nobody' })));
  await refused(ask(await sign({ exp: now - 60 })));
  await refused(ask(await sign({ exp: now + 86400 })));
  await refused(ask(await sign({ exp: undefined })));
  await refused(ask(await sign({ jti: undefined })));
  await refused(ask(await sign({ jti: 'x'.repeat(300) })));
  await refused(ask(await sign({}, {}, await pair('ES256'))));
  await refused(ask(await sign({}, { alg: 'none' })));
  await refused(ask(await sign({}, { alg: 'HS256' })));
  await refused(ask('a.b.c'));
  await refused(ask(await sign(), { client_id: 'other' }));
  await refused(ask(await sign(), { client_assertion_type: 'x' }), 400, 'invalid_request');
  await refused(ask(await sign(), { client_secret: secret }), 400, 'invalid_request');
  await refused(ask(await sign(), {}, { Authorization: `Basic ${Buffer.from(`bank:${secret}`).toString('base64')}` }), 400, 'invalid_request');
  await refused(formPost(s, '/oauth/token', { grant_type: 'client_credentials', client_id: 'bank' }));
  await refused(formPost(s, '/oauth/token', { grant_type: 'client_credentials', client_id: 'bank', client_secret: '' }));
  // what was used once is no code
  await refused(formPost(s, '/oauth/token', { grant_type: 'authorization_code', code: 'assertion bank x', code_verifier: 'x'.repeat(43), client_assertion_type: TYPE, client_assertion: await sign() }), 400, 'invalid_grant');

  // keys that cannot be
  const full = await crypto.subtle.exportKey('jwk', key.privateKey);
  for (const text of ['', '{', '{"keys":[]}', JSON.stringify({ keys: [full] })]) {
    p.write('keys/bank.json', text);
    const r = p.cairn('check');
    assert.notEqual(r.code, 0);
    assert.match(r.all, /cairn\.yaml:\d+:\d+: oauth\.clients: .*no JWK set of public keys/, text);
  }
});
