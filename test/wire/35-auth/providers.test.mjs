// Signing in at providers: the way there and back, accounts found, linked and made; and every hostile turn of it. SPDX: Apache-2.0
import crypto from 'node:crypto';
import { play, ok, problem, assert, sleep, slow } from '../lib.mjs';
import { makeKey } from './issuer.mjs';
import { Jar, Provider, back, dance, s256, seconds } from './provider.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL, picture TEXT,
  password_hash TEXT, role TEXT NOT NULL DEFAULT 'viewer', verified BOOLEAN NOT NULL DEFAULT false);
INSERT INTO users (email, name, verified) VALUES ('ada@x.io', 'Ada', true), ('bob@x.io', 'Bob', false);`;
const auth = (providers, more = '') => `
auth:
  table: users
  roles: role
  verified: verified
  default_role: editor
  hash_memory: 64K
  hash_passes: 1
  return_urls: ["https://app.example.com/in/", "https://app.example.com/exact", "https://all.example.com/"]
${more}
  providers:
${providers}
roles: { viewer: {}, editor: {}, admin: {} }
access: { users: [{ roles: admin, can: read }] }
`;
const corp = (p, more = '') => `    - { name: corp, issuer: "${p.url}", client_id: cairn, client_secret: "\${CORP_SECRET}"${more} }`;
const env = { CORP_SECRET: 'hush & +', EMPTY: '' };

// The server is started once the provider's address is known. fn(s, provider)
function world(name, more, fn, providers = corp, engines = on) {
  play(name, { migrations, config: '', on: engines, serve: false }, async (s) => {
    const p = await new Provider().start();
    Object.assign(s.project.env, env);
    try {
      s.apple = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
      s.project.write('apple.p8', s.apple.privateKey.export({ type: 'pkcs8', format: 'pem' }));
      s.project.config(auth(providers(p), more));
      await s.start();
      await fn(s, p);
    } finally {
      await p.stop();
    }
  });
}
const eve = { sub: 'e1', email: 'eve@x.io', email_verified: true, name: 'Eve', picture: 'https://x.io/e.png' };
const audit = (s, event) => JSON.parse(`[${s.project.do('audit', '--event', event, '--json').out.trim().split('\n').filter(Boolean).join(',')}]`);
const bearer = (r) => ({ Authorization: `Bearer ${ok(r).access_token}` });
const verifier = 'a'.repeat(43);
const challenge = `challenge=${s256(verifier)}`;
const fragment = (r) => Object.fromEntries(new URLSearchParams(r.header('location').split('#')[1] ?? ''));

world('a new account comes of a sign-in, and is found again', '', async (s, p) => {
  assert.deepEqual(ok(await s.get('/v1/auth/oauth')).data, [{ name: 'corp', url: '/v1/auth/oauth/corp' }]);
  let seen;
  const jar = new Jar();
  const r = await dance(s, p, eve, { jar, query: '?session=token', seen: (x) => { seen = x; } });
  const { user } = ok(r);
  assert.deepEqual([user.email, user.name, user.picture, user.role, user.verified], ['eve@x.io', 'Eve', 'https://x.io/e.png', 'editor', true]);
  const q = new URL(seen.url).searchParams;
  assert.equal(q.get('redirect_uri'), `${s.base}/v1/auth/oauth/corp/callback`);
  assert.equal(q.get('scope'), 'openid email profile');
  assert.equal(p.form.get('redirect_uri'), q.get('redirect_uri'));
  assert.equal(jar.list.size, 0, 'the cookie of the flow is gone');
  assert.match(r.header('cache-control'), /no-store/);
  const again = ok(await dance(s, p, { ...eve, email: 'other@x.io' }, { query: '?session=token' }));
  assert.equal(again.user.id, user.id, 'by its subject, whatever address it has now');
  assert.deepEqual([p.asked['/.well-known/openid-configuration'], p.asked['/keys']], [2, 1], 'fetched once each: by the provider, and for its keys');
  const list = ok(await s.get('/v1/auth/identities', { Authorization: `Bearer ${again.access_token}` })).data;
  assert.deepEqual(list.map((i) => [i.provider, i.subject, i.email]), [['corp', 'e1', 'eve@x.io']]);
  assert.ok(list[0].used_at);
  problem(await s.post('/v1/auth/login', { email: 'eve@x.io', password: '!' }), 401, 'bad_credentials');
  assert.equal(audit(s, 'identity_linked').length, 1);
  assert.equal(audit(s, 'identity_used').length, 2);
  assert.equal(audit(s, 'registered')[0].detail, 'corp');
  assert.doesNotMatch(s.log, new RegExp(`${q.get('state')}|${seen.q.get('code')}`), 'no state and no code in the log');
});

world('a session in a cookie, and back to a page', '', async (s, p) => {
  const jar = new Jar();
  const r = await dance(s, p, eve, { jar, query: `?return_to=${encodeURIComponent('/app?x=1')}` });
  assert.equal(r.status, 303, r.text);
  assert.equal(r.header('location'), '/app?x=1');
  assert.equal(r.text, '');
  assert.deepEqual([...jar.list.keys()], ['session']);
  assert.equal(ok(await s.get('/v1/auth/me', jar.headers)).name, 'Eve');
  const before = { ...jar.headers };
  const again = await dance(s, p, eve, { jar });
  assert.ok(ok(again).csrf_token, 'without a page the answer is that of signing in');
  problem(await s.get('/v1/auth/me', before), 401);
});

world('tokens for a page elsewhere: a ticket, once', '', async (s, p) => {
  const r = await dance(s, p, eve, { query: `?session=token&${challenge}&return_to=${encodeURIComponent('https://app.example.com/in/here?a=b')}` });
  assert.equal(r.status, 303);
  assert.match(r.header('location'), /^https:\/\/app\.example\.com\/in\/here\?a=b#ticket=cot_[\w-]+$/);
  const { ticket } = fragment(r);
  // another page that has it, or one that somebody else's is given to: no verifier, or that of another sign-in
  problem(await s.post('/v1/auth/oauth/ticket', { ticket }), 422);
  problem(await s.post('/v1/auth/oauth/ticket', { ticket, verifier: 7 }), 422);
  for (const bad of ['b'.repeat(43), verifier.slice(1), `${verifier}a`, s256(verifier), 'a'.repeat(500)]) {
    assert.equal(problem(await s.post('/v1/auth/oauth/ticket', { ticket, verifier: bad }), 401, 'invalid_ticket').errors[0].field, 'verifier');
  }
  const t = ok(await s.post('/v1/auth/oauth/ticket', { ticket, verifier }));
  assert.equal(ok(await s.get('/v1/auth/me', { Authorization: `Bearer ${t.access_token}` })).name, 'Eve');
  problem(await s.post('/v1/auth/oauth/ticket', { ticket, verifier }), 401, 'invalid_ticket');
  for (const bad of ['', 'cot_', 'cot_AAAA', ticket.slice(0, -2), `crt_${ticket.slice(4)}`]) problem(await s.post('/v1/auth/oauth/ticket', { ticket: bad, verifier }), bad ? 401 : 422);
});

world('a ticket needs a challenge before anybody is sent anywhere', '', async (s) => {
  const start = (query) => s.get(`/v1/auth/oauth/corp?return_to=${encodeURIComponent('https://app.example.com/exact')}${query}`);
  for (const bad of ['&session=token', '&session=token&challenge=', `&session=token&${challenge}A`, `&session=token&challenge=${verifier.slice(1)}`, `&session=token&challenge=${verifier.slice(1)}.`, '&challenge=x', `&challenge=${verifier.slice(1)}%0a`]) {
    assert.equal(problem(await start(bad), 400, 'bad_parameter').errors[0].field, 'challenge', bad);
  }
  for (const good of ['', `&${challenge}`, `&session=token&${challenge}`]) assert.equal((await start(good)).status, 302, good);
});

world('it leads back to allowed places only', '', async (s) => {
  const start = (to, more = '') => s.get(`/v1/auth/oauth/corp?return_to=${encodeURIComponent(to)}${more}`);
  for (const good of ['/', '/a/b?c=d', '/v1x/y', '/oauthx', '/auth/done', '/a%20b/c.d', 'https://app.example.com/in/', 'https://app.example.com/in/x', 'https://app.example.com/in/v1/x?y=/oauth/', 'https://app.example.com/exact']) {
    const r = await start(good);
    assert.equal(r.status, 302, good);
    assert.match(r.header('location'), /#$/, 'what stands behind # here does not go along');
    assert.equal((await start(good, `&session=token&${challenge}`)).status, good[0] === '/' ? 400 : 302, `a ticket goes to pages of the settings only: ${good}`);
  }
  // endpoints, of which one could send the browser on with what stands behind #
  for (const bad of ['/oauth/authorize?client_id=evil&redirect_uri=https://evil.test/cb', '/oauth', '/oauth/', '/%6fauth/authorize', '/./oauth/authorize', '/a%2f..%2foauth', '/%2foauth/authorize', '/a//b', '/v1', '/v1?x', '/v1/auth/oauth/other', '/auth/oauth/other', '/%76%31/auth/oauth/other', '/.', '/a%zz',
    'https://app.example.com/all/../oauth/authorize', 'https://all.example.com/oauth/authorize?client_id=evil', 'https://all.example.com/%6Fauth/authorize', 'https://all.example.com/v1/auth/oauth/other', 'https://all.example.com//oauth/authorize']) {
    for (const more of ['', `&session=token&${challenge}`, '&session=cookie']) problem(await start(bad, more), 400, 'bad_parameter');
  }
  for (const bad of ['//evil.test', '/\\evil.test', '\\\\evil.test', 'https://evil.test/', 'https://app.example.com.evil.test/in/', 'https://app.example.com@evil.test/in/', 'https://app.example.com/in/../out', 'https://app.example.com/in/%2E%2e/out',
    'https://app.example.com/exactly', 'https://app.example.com/exact/', 'http://app.example.com/in/', 'javascript:alert(1)', 'in', '/a#b', '/a\r\nSet-Cookie: x=y', '/\t/evil.test', `/${'a'.repeat(2000)}`]) {
    problem(await s.get(`/v1/auth/oauth/corp?return_to=${encodeURIComponent(bad)}`), 400, 'bad_parameter');
  }
  problem(await s.get('/v1/auth/oauth/corp?session=both'), 400, 'bad_parameter');
  problem(await s.get('/v1/auth/oauth/nobody'), 404);
  problem(await s.get('/v1/auth/oauth/nobody/callback?state=x&code=y'), 404);
});

world('an answer counts in the browser that asked, once, at its provider', '', async (s, p) => {
  // the state: another one, none, of another browser, twice
  problem(await dance(s, p, eve, { change: (b) => ({ ...b, state: `${b.state.slice(1)}A` }) }), 400, 'invalid_state');
  problem(await dance(s, p, eve, { change: (b) => ({ code: b.code }) }), 400, 'invalid_state');
  let seen;
  await dance(s, p, eve, { seen: (x) => { seen = x; }, change: (b) => b });
  problem(await s.get(`${seen.path}?${seen.q}`), 400, 'invalid_state');
  const jar = new Jar();
  const start = jar.take(await s.get('/v1/auth/oauth/corp?session=token'));
  const kept = { ...jar.headers };
  const url = start.header('location');
  const first = p.code(url, eve);
  ok(await s.get(`/v1/auth/oauth/corp/callback?${new URLSearchParams(first)}`, kept));
  problem(await s.get(`/v1/auth/oauth/corp/callback?${new URLSearchParams(first)}`, kept), 400, 'invalid_state');
  problem(await s.get(`/v1/auth/oauth/corp/callback?${new URLSearchParams(p.code(url, eve))}`, kept), 400, 'invalid_state');
  // of two at once one is first
  const jar2 = new Jar();
  const twice = p.code(jar2.take(await s.get('/v1/auth/oauth/corp?session=token')).header('location'), eve);
  const both = await Promise.all([1, 2].map(() => s.get(`/v1/auth/oauth/corp/callback?${new URLSearchParams(twice)}`, jar2.headers)));
  assert.deepEqual(both.map((r) => r.status).sort(), [200, 400]);
  // a cookie that was changed, or stands there twice
  const jar3 = new Jar();
  const third = new URLSearchParams(p.code(jar3.take(await s.get('/v1/auth/oauth/corp')).header('location'), eve));
  const value = jar3.headers.Cookie;
  problem(await s.get(`/v1/auth/oauth/corp/callback?${third}`, { Cookie: value.slice(0, -3) }), 400, 'invalid_state');
  problem(await s.get(`/v1/auth/oauth/corp/callback?${third}`, { Cookie: `${value}; ${value}` }), 400, 'invalid_state');
  problem(await s.get(`/v1/auth/oauth/other/callback?${third}`, { Cookie: value.replace('corp', 'other') }), 400, 'invalid_state');
  problem(await s.get(`/v1/auth/oauth/corp/callback?${third}&code=x`, { Cookie: value }), 401, 'provider_refused');
  // a code that was used, and PKCE: one of another sign-in
  problem(await dance(s, p, eve, { change: (b) => ({ ...b, code: first.code }) }), 401, 'provider_refused');
  const other = p.code((await s.get('/v1/auth/oauth/corp')).header('location'), eve);
  problem(await dance(s, p, eve, { change: (b) => ({ ...b, code: other.code }) }), 401, 'provider_refused');
  problem(await dance(s, p, eve, { change: (b) => ({ state: b.state }) }), 401, 'provider_refused');
  problem(await dance(s, p, eve, { change: (b) => ({ ...b, code: 'a'.repeat(3000) }) }), 401, 'provider_refused');
}, (p) => `${corp(p)}\n${corp(p).replace('name: corp', 'name: other')}`);

world('a wrong ID token is nobody', '', async (s, p) => {
  const now = seconds();
  const refused = async (claims, grant) => problem(await dance(s, p, { ...eve, ...claims }, { grant }), 401, 'provider_refused');
  await refused({ nonce: 'other' });
  await refused({ nonce: undefined });
  await refused({ iss: 'https://evil.test' });
  await refused({ iss: undefined });
  await refused({ iss: `${p.url}/` });
  await refused({ aud: 'somebody' });
  await refused({ aud: ['somebody', 'else'] });
  await refused({ aud: ['cairn', 'else'] });
  await refused({ aud: ['cairn', 'else'], azp: 'else' });
  await refused({ azp: 'else' });
  await refused({ exp: now - 3600, iat: now - 7200 });
  await refused({ exp: undefined });
  await refused({ iat: undefined });
  await refused({ iat: now + 3600 });
  await refused({ nbf: now + 3600 });
  await refused({ sub: undefined });
  await refused({ sub: '' });
  await refused({ sub: 7 });
  await refused({ sub: 'x'.repeat(256) });
  await refused({ sub: 'a\0b' });
  await refused({}, { key: makeKey('RS256', 'k1') });
  await refused({}, { key: makeKey('ES256', 'zz') });
  await refused({}, { head: { alg: 'none' } });
  await refused({}, { id_token: 'a.b.c' });
  await refused({}, { id_token: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ ...eve, aud: 'cairn' })).toString('base64url')}.` });
  // a shared secret made of the client's own, or of the public key
  const mac = `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.${Buffer.from(JSON.stringify({ ...eve, iss: p.url, aud: 'cairn', iat: now, exp: now + 60 })).toString('base64url')}`;
  await refused({}, { id_token: `${mac}.${crypto.createHmac('sha256', 'hush & +').update(mac).digest('base64url')}` });
  ok(await dance(s, p, { ...eve, aud: ['cairn', 'else'], azp: 'cairn' }));
  assert.equal(audit(s, 'identity_refused').length, 26);
  assert.equal(audit(s, 'identity_refused')[0].detail, 'corp: provider_refused');
}, corp);

world('wrong answers of the token endpoint', '', async (s, p) => {
  for (const body of ['', '{', '[]', '"x"', '{"error":"invalid_grant"}', '{"error":"<script>"}', '{"access_token":"a"}', '{"access_token":"a b","token_type":"Bearer","id_token":"x"}', '{"access_token":"a","token_type":"mac","id_token":"x"}',
    '{"access_token":"a","token_type":"Bearer"}', '{"access_token":7,"token_type":"Bearer"}', `{"access_token":"${'a'.repeat(9000)}","token_type":"Bearer"}`]) {
    p.reply = (send) => send(200, body);
    problem(await dance(s, p, eve), 401, 'provider_refused');
  }
  p.reply = (send) => send(200, ' '.repeat(300000));
  problem(await dance(s, p, eve), 503, 'provider_away');
  let asked = p.asked['/me'];
  p.reply = undefined;
  p.answer = ((own) => (rq, rs, body) => (rq.url === '/token' ? rs.writeHead(307, { Location: `${p.url}/elsewhere` }).end() : own.call(p, rq, rs, body)))(p.answer);
  problem(await dance(s, p, eve), 401, 'provider_refused');
  assert.equal(p.asked['/elsewhere'], undefined, 'a redirect is not followed');
  assert.equal(p.asked['/me'], asked);
});

world('a provider that says no', '', async (s, p) => {
  const no = (error) => ({ change: (b) => ({ state: b.state, error, error_description: '<b>no</b>' }) });
  problem(await dance(s, p, eve, no('access_denied')), 403, 'access_denied');
  problem(await dance(s, p, eve, no('temporarily_unavailable')), 503, 'provider_away');
  const r = problem(await dance(s, p, eve, no('<script>')), 401, 'provider_refused');
  assert.doesNotMatch(JSON.stringify(r), /script|<b>/);
  const led = await dance(s, p, eve, { ...no('access_denied'), query: '?return_to=/in' });
  assert.deepEqual([led.status, led.header('location')], [303, '/in#error=access_denied']);
  problem(await s.get('/v1/auth/oauth/corp/callback?error=access_denied&state=x'), 400, 'invalid_state');
});

world('the answers of several providers are kept apart (RFC 9207)', '', async (s, p) => {
  p.document = { authorization_response_iss_parameter_supported: true };
  problem(await dance(s, p, eve), 401, 'provider_refused');
  problem(await dance(s, p, eve, { more: { iss: 'https://evil.test' } }), 401, 'provider_refused');
  problem(await dance(s, p, eve, { more: { iss: `${p.url}/` } }), 401, 'provider_refused');
  assert.equal(p.asked['/token'], undefined, 'no code goes to a provider that did not give it');
  const no = (more) => ({ change: (b) => ({ state: b.state, error: 'access_denied', ...more }) });
  problem(await dance(s, p, eve, no({})), 401, 'provider_refused');
  problem(await dance(s, p, eve, no({ iss: 'https://evil.test' })), 401, 'provider_refused');
  problem(await dance(s, p, eve, no({ iss: p.url })), 403, 'access_denied');
  ok(await dance(s, p, eve, { more: { iss: p.url } }));
});

world('a provider that is away comes back by itself', '  issuer_refresh: 1s', async (s, p) => {
  p.down = true;
  const r = await s.get('/v1/auth/oauth/corp?return_to=/in');
  problem(r, 503, 'provider_away');
  assert.ok(r.header('retry-after'));
  problem(await s.get('/v1/auth/oauth/corp'), 503, 'provider_away');
  assert.equal(p.asked['/.well-known/openid-configuration'], 1, 'not asked again at once');
  p.down = false;
  await sleep(1100 * slow);
  const jar = new Jar();
  const start = jar.take(await s.get('/v1/auth/oauth/corp?return_to=/in'));
  assert.equal(start.status, 302);
  p.down = true;
  const led = await back(s, p, start.header('location'), eve, { jar });
  assert.deepEqual([led.status, led.header('location')], [303, '/in#error=provider_away']);
  const { port } = p;
  await p.stop();
  problem(await dance(s, p, eve), 503, 'provider_away');
  p.down = false;
  await p.start(port);
  assert.equal((await dance(s, p, eve, { query: '?return_to=/in' })).header('location'), '/in');
});

world('a document that is odd is no document', '  issuer_refresh: 100ms', async (s, p) => {
  for (const document of [{ issuer: 'https://evil.test' }, { token_endpoint: 'http://10.0.0.1/token' }, { token_endpoint: undefined }, { authorization_endpoint: 'javascript:alert(1)' }, { authorization_endpoint: 7 },
    { authorization_endpoint: `https://x.io/${'a'.repeat(2000)}` }, { authorization_endpoint: 'https://x.io/a\nb' }]) {
    p.document = document;
    problem(await s.get('/v1/auth/oauth/corp'), 503, 'provider_away');
    await sleep(150 * slow);
  }
  p.document = { token_endpoint: 'https://169.254.169.254/token' }; // past the guard it does not come
  problem(await dance(s, p, eve), 503, 'provider_away');
}, corp, ['sqlite']);

world('an address links an account only when both sides have seen it proved', '', async (s, p) => {
  const who = (email, email_verified, sub = `s-${email}-${email_verified}`) => ({ sub, email, email_verified });
  for (const no of [false, undefined, 'false', 0, null]) problem(await dance(s, p, who('ada@x.io', no)), 403, 'email_not_verified');
  problem(await dance(s, p, { sub: 'x' }), 403, 'email_not_verified');
  problem(await dance(s, p, who('no address', true)), 403, 'email_not_verified');
  problem(await dance(s, p, { sub: 'x', email: 'ada@x.io', xms_edov: true }), 403, 'email_not_verified'); // Microsoft's word alone
  problem(await dance(s, p, who('bob@x.io', true)), 409, 'account_exists'); // not verified here
  const r = ok(await dance(s, p, who('ada@x.io', true, 'a1'), { query: '?session=token' }));
  assert.equal(r.user.name, 'Ada');
  assert.deepEqual(audit(s, 'identity_linked').map((e) => [e.account, e.detail]), [['1', 'corp']]);
  // another subject with the address: the same rules, and both stay
  assert.equal(ok(await dance(s, p, who('ada@x.io', 'true', 'a2'), { query: '?session=token' })).user.id, r.user.id);
  const led = await dance(s, p, who('bob@x.io', true), { query: '?return_to=/in' });
  assert.equal(led.header('location'), '/in#error=account_exists');
});

world('an address that the ID token leaves out is asked for', '', async (s, p) => {
  const { email, email_verified, name } = eve;
  problem(await dance(s, p, { sub: 'e1' }, { grant: { userinfo: { sub: 'other', email, email_verified } } }), 401, 'provider_refused');
  problem(await dance(s, p, { sub: 'e1' }, { grant: { userinfo: { email, email_verified } } }), 401, 'provider_refused');
  problem(await dance(s, p, { sub: 'e1' }, { grant: { userinfo: '[' } }), 401, 'provider_refused');
  problem(await dance(s, p, { sub: 'e1' }, { grant: { userinfo: { sub: 'e1', email } } }), 403, 'email_not_verified');
  assert.equal(ok(await dance(s, p, { sub: 'e1' }, { query: '?session=token', grant: { userinfo: { sub: 'e1', email, email_verified, name } } })).user.name, 'Eve');
});

const password = 'correct horse battery';
async function adas(s) { // an account with a password, signed in by a token
  const made = s.project.cairn('account', 'add', 'amy@x.io', '--column', 'name=Amy,verified=true', { input: `${password}\n` });
  assert.equal(made.code, 0, made.all);
  return bearer(await s.post('/v1/auth/login', { email: 'amy@x.io', password }));
}
async function link(s, p, headers, claims, how = {}) {
  const jar = new Jar();
  const r = jar.take(await s.post('/v1/auth/oauth/corp/link', how.body ?? {}, headers));
  return back(s, p, ok(r).url, claims, { jar, ...how });
}

world('who is signed in links and unlinks', '', async (s, p) => {
  const amy = await adas(s);
  problem(await s.post('/v1/auth/oauth/corp/link', {}), 401, 'sign_in_required');
  problem(await s.post('/v1/auth/oauth/corp/link', { return_to: '//evil.test' }, amy), 400, 'bad_parameter');
  const claims = { sub: 'z1', email: 'ada@x.io', email_verified: false };
  const led = await link(s, p, amy, claims, { body: { return_to: '/me' } });
  assert.deepEqual([led.status, led.header('location')], [303, '/me#linked=corp']);
  assert.equal((await link(s, p, amy, claims)).status, 204, 'once more is as good');
  assert.equal(ok(await dance(s, p, claims, { query: '?session=token' })).user.email, 'amy@x.io');
  // it is hers: another account cannot have it, by a link or by its address
  ok(await dance(s, p, eve));
  problem(await link(s, p, amy, eve), 409, 'identity_taken');
  const list = ok(await s.get('/v1/auth/identities', amy)).data;
  assert.deepEqual(list.map((i) => i.subject), ['z1']);
  const evens = bearer(await dance(s, p, eve, { query: '?session=token' }));
  problem(await s.delete(`/v1/auth/identities/${list[0].id}`, evens), 404);
  const own = ok(await s.get('/v1/auth/identities', evens)).data[0];
  problem(await s.delete(`/v1/auth/identities/${own.id}`, evens), 409, 'last_sign_in');
  assert.equal((await s.delete(`/v1/auth/identities/${list[0].id}`, amy)).status, 204);
  problem(await s.delete(`/v1/auth/identities/${list[0].id}`, amy), 404);
  assert.deepEqual(ok(await s.get('/v1/auth/identities', amy)).data, []);
  problem(await dance(s, p, claims), 403, 'email_not_verified');
  assert.equal(audit(s, 'identity_unlinked').length, 1);
  // eve has no password: signed in lately she may go, and with her what she was there
  assert.equal((await s.fetch('/v1/auth/me', { method: 'DELETE', headers: { ...evens, 'Content-Type': 'application/json' }, body: '{}' })).status, 204);
  assert.notEqual(ok(await dance(s, p, eve, { query: '?session=token' })).user.id, 0);
});

world('a link belongs to the session that asked', '', async (s, p) => {
  const amy = await adas(s);
  const jar = new Jar();
  const { url } = ok(jar.take(await s.post('/v1/auth/oauth/corp/link', {}, amy)));
  assert.equal((await s.post('/v1/auth/logout', undefined, amy)).status, 204);
  problem(await back(s, p, url, eve, { jar }), 401, 'sign_in_required');
  problem(await back(s, p, url, eve, { jar: new Jar() }), 400, 'invalid_state');
  assert.equal(audit(s, 'identity_linked').length, 0);
});

world('a second factor is asked for as after a password', '  mfa: required', async (s, p) => {
  const r = problem(await dance(s, p, eve, { query: '?session=token' }), 401, 'mfa_setup_required');
  assert.match(r.mfa_token, /^cmt_/);
  const led = await dance(s, p, eve, { query: '?return_to=/in' });
  assert.deepEqual(fragment(led), { error: 'mfa_setup_required' }, 'nothing that opens anything stands in an address');
  assert.doesNotMatch(led.headers.getSetCookie().join(), /session=[^;]/);
  const proved = await dance(s, p, eve, { query: `?return_to=/in&${challenge}` });
  assert.deepEqual(Object.keys(fragment(proved)), ['error', 'ticket']);
  assert.doesNotMatch(proved.headers.getSetCookie().join(), /session=[^;]/);
  const token = await dance(s, p, eve, { query: `?session=token&${challenge}&return_to=https://app.example.com/in/` });
  assert.deepEqual(Object.keys(fragment(token)), ['ticket']);
  for (const { ticket } of [proved, token].map(fragment)) {
    problem(await s.post('/v1/auth/oauth/ticket', { ticket, verifier: 'b'.repeat(43) }), 401, 'invalid_ticket');
    assert.equal(problem(await s.post('/v1/auth/oauth/ticket', { ticket, verifier }), 401, 'mfa_setup_required').mfa_token.slice(0, 4), 'cmt_');
    problem(await s.post('/v1/auth/oauth/ticket', { ticket, verifier }), 401, 'invalid_ticket');
  }
});

world('where nobody may register, nobody is made', '  registration: false', async (s, p) => {
  problem(await dance(s, p, eve), 403, 'registration_closed');
  assert.equal(ok(await dance(s, p, { sub: 'a', email: 'ada@x.io', email_verified: true }, { query: '?session=token' })).user.name, 'Ada');
});

world('the document of the API tells of it', '', async (s) => {
  const d = ok(await s.get('/openapi.json'));
  const told = Object.entries(d.paths).flatMap(([path, item]) => Object.keys(item).filter((m) => /^(get|post|delete)$/.test(m)).map((m) => `${m.toUpperCase()} ${path}`)).filter((x) => /oauth|identities/.test(x)).sort();
  const routes = s.project.do('routes').out.trim().split('\n').map((line) => line.split(/\s+/)).filter(([, path]) => /oauth|identities/.test(path)).map(([m, path]) => `${m} ${path.replace(/:(\w+)/g, '{$1}')}`).sort();
  assert.equal(told.length, 8);
  assert.deepEqual(told, routes);
  for (const name of JSON.stringify(d).matchAll(/#\/components\/schemas\/(\w+)/g)) assert.ok(d.components.schemas[name[1]], name[1]);
  assert.deepEqual(Object.keys(d.paths['/v1/auth/oauth/{provider}'].get.responses).slice(0, 1), ['302']);
}, corp, ['sqlite']);

// What cannot be is said at the start, at its place.
const faults = [
  ['{ preset: gogle, client_id: x, client_secret: "${CORP_SECRET}" }', /cairn\.yaml:\d+:\d+: auth\.providers: there is no preset 'gogle'.*did you mean `google`/],
  ['{ preset: google, client_secret: "${CORP_SECRET}" }', /:\d+:\d+: auth\.providers: a provider needs `client_id`/],
  ['{ preset: google, client_id: x }', /google needs `client_secret`/],
  ['{ preset: google, client_id: x, client_secret: hush }', /:\d+:\d+: auth\.providers: a secret must not stand in this file/],
  ['{ preset: google, client_id: x, client_secret: "file:nowhere" }', /nowhere/],
  ['{ client_id: x, client_secret: "${CORP_SECRET}" }', /needs `preset`, or `issuer`/],
  ['{ issuer: "https://x.io", client_id: x }', /a provider without a preset needs `name`/],
  ['{ name: a, issuer: "http://x.io", client_id: x }', /`issuer` is an https:\/\/ URL/],
  ['{ name: a, issuer: "https://a@x.io", client_id: x }', /`issuer` is an https:\/\/ URL/],
  ['{ name: A/b, issuer: "https://x.io", client_id: x }', /`name` has a-z/],
  ['{ name: ticket, issuer: "https://x.io", client_id: x }', /is not ticket/],
  ['{ name: a, issuer: "https://x.io", client_id: x, tenant: y }', /`tenant` belongs to the preset microsoft/],
  ['{ name: a, issuer: "https://x.io", client_id: x, team_id: y }', /`team_id` belongs to the preset apple/],
  ['{ name: a, issuer: "https://x.io", client_id: x, cleint_id: y }', /unknown key `cleint_id` \(did you mean `client_id`\?\)/],
  ['{ preset: microsoft, client_id: x, client_secret: "${CORP_SECRET}", trust_email: true }', /`trust_email` needs a `tenant`/],
  ...['127.evil.example', '127.0.0.1.evil.example', '127.0.0.256', '127.1', 'localhost.evil.example', '[::1].evil.example', '[::1', 'localhost:0', 'localhost:x', '127.0.0.1:99999'].map((host) => [`{ name: a, issuer: "http://${host}/", client_id: x }`, /`issuer` is an https:\/\/ URL/]),
  ...['https://', 'https:///x', 'https://:443', 'httPs://x.io', 'https://x.io\\\\y', 'https://.x', 'https://a b', 'https://[x'].map((url) => [`{ name: a, issuer: "${url}", client_id: x }`, /`issuer` is an https:\/\/ URL/]),
  ['{ name: a, issuer: "https://x.io", client_id: x, client_secret: "${EMPTY}" }', /:\d+:\d+: auth\.providers: `client_secret` is empty/],
  ['{ preset: google, client_id: x, client_secret: "${EMPTY}" }', /`client_secret` is empty/],
  ['{ name: a, issuer: "https://x.io", client_id: x, scopes: "email profile" }', /:\d+:\d+: auth\.providers: `scopes` needs `openid`/],
  ['{ preset: google, client_id: x, client_secret: "${CORP_SECRET}", scopes: "email openidx" }', /`scopes` needs `openid`/],
  ...['x.onmicrosoft.com', 'a/b?c', '5e0a1b2c-0000-4000-8000-00000000000', '5e0a1b2c00000-4000-8000-000000000001', '5E0A1B2C-0000-4000-8000-000000000001'].map((tenant) => [`{ preset: microsoft, client_id: x, client_secret: "\${CORP_SECRET}", tenant: "${tenant}" }`, /:\d+:\d+: auth\.providers: `tenant` is the id of a directory/]),
  ['{ preset: microsoft, client_id: x, client_secret: "${CORP_SECRET}", tenant: consumers, trust_email: true }', /`trust_email` needs a `tenant` of your own/],
  ['{ preset: microsoft, client_id: x, client_secret: "${CORP_SECRET}", tenant: 9188040d-6c67-4c5b-b112-36a304b66dad, trust_email: true }', /`trust_email` needs a `tenant` of your own/],
  ['{ preset: apple, client_id: x }', /apple needs `team_id`, `key_id` and `key`/],
  ['{ preset: apple, client_id: x, team_id: t, key_id: k, key: "${CORP_SECRET}" }', /the key cannot be used: it is no private key/],
  ['{ preset: apple, client_id: x, team_id: t, key_id: k, key: "file:rsa.pem" }', /the key cannot be used: it is no key of the curve P-256/],
  ['{ preset: apple, client_id: x, team_id: t, key_id: k, key: "file:p384.pem" }', /the key cannot be used: it is no key of the curve P-256/],
  ['{ name: a, issuer: "https://x.io", client_id: x }\n    - { name: a, issuer: "https://y.io", client_id: x }', /a provider of the name 'a' is there twice/],
];
play('settings that cannot be', { migrations, config: '', serve: false }, async (s) => {
  Object.assign(s.project.env, env);
  s.project.write('rsa.pem', crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
  s.project.write('p384.pem', crypto.generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
  for (const [item, want] of faults) {
    s.project.config(auth(`    - ${item}`));
    const r = s.project.cairn('check');
    assert.notEqual(r.code, 0, item);
    assert.match(r.all, want);
    assert.doesNotMatch(r.all, /hush/);
  }
  s.project.config(auth('    - { name: a, issuer: "https://x.io", client_id: x }').replace('"https://app.example.com/exact"', '"app.example.com"'));
  assert.match(s.project.cairn('check').all, /auth\.return_urls: 'app\.example\.com' is no https:\/\/ address/);
  const returns = (url, mode = 'development') => {
    s.project.config(`mode: ${mode}\nserver: { public_url: "https://x.io" }\n${auth('    - { name: a, issuer: "https://x.io", client_id: x }').replace('"https://app.example.com/exact"', JSON.stringify(url))}`);
    return s.project.cairn('check').all;
  };
  for (const url of ['http://app.example.com/in/', 'http://127.evil.example/', 'https://', 'https:///x', 'https://u@x.io/', 'https://x.io', 'https://x.io?y/', 'https://x.io/#', 'ftp://x.io/']) assert.match(returns(url), /auth\.return_urls: '.*' is no https:\/\/ address/, url);
  for (const url of ['http://127.0.0.1:3000/in', 'http://localhost:5173/', 'http://[::1]/']) {
    assert.doesNotMatch(returns(url), /return_urls/, url);
    assert.match(returns(url, 'production'), /auth\.return_urls: .* is no https:\/\/ address/, url);
  }
  s.project.config(`mode: production\n${auth('    - { name: a, issuer: "https://x.io", client_id: x }')}`);
  assert.match(s.project.cairn('check').all, /auth\.providers: needs server\.public_url/);
  for (const good of ['{ name: a, issuer: "https://x.io", client_id: x }', '{ preset: google, client_id: x, client_secret: "${CORP_SECRET}" }', '{ preset: microsoft, tenant: consumers, client_id: x, client_secret: "${CORP_SECRET}" }',
    '{ preset: microsoft, tenant: 5e0a1b2c-0000-4000-8000-000000000001, trust_email: true, client_id: x, client_secret: "${CORP_SECRET}" }', '{ preset: github, client_id: x, client_secret: "${CORP_SECRET}", scopes: "read:user" }',
    '{ name: a, issuer: "http://127.0.0.2:8080/realms/x", client_id: x, scopes: "openid" }', '{ name: a, issuer: "http://[::1]:8080", client_id: x }', '{ name: a, issuer: "http://localhost", client_id: x }', '{ name: a, issuer: "https://[2001:db8::1]:8443/x", client_id: x }']) {
    s.project.config(auth(`    - ${good}`));
    s.project.do('check');
  }
});

play('in production: __Host-, Secure, and the public address', { migrations, config: '', serve: false }, async (s) => {
  const p = await new Provider().start();
  try {
    Object.assign(s.project.env, env);
    s.project.config(`mode: production\nserver: { public_url: "https://api.example.com/" }\n${auth(corp(p))}`);
    s.project.do('migrate', 'up');
    await s.start();
    const jar = new Jar();
    const r = jar.take(await s.get('/v1/auth/oauth/corp?session=token'));
    assert.match(r.headers.getSetCookie()[0], /^__Host-session-oauth-corp=[\w-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/);
    assert.equal(new URL(r.header('location')).searchParams.get('redirect_uri'), 'https://api.example.com/v1/auth/oauth/corp/callback');
    problem(await s.get('/v1/auth/oauth/corp/callback?state=x', { Cookie: jar.headers.Cookie.replace('__Host-', '') }), 400, 'invalid_state');
    ok(await back(s, p, r.header('location'), eve, { jar }));
  } finally {
    await p.stop();
  }
});

world('attempts are counted', '  attempts: 1', async (s, p) => {
  const statuses = [];
  for (let i = 0; i < 12; i++) statuses.push((await dance(s, p, eve)).status);
  assert.deepEqual([statuses[0], statuses.at(-1)], [200, 429]);
});

world('GitHub: no ID token, its own API', '', async (s, p) => {
  const how = (user, emails) => ({ provider: 'github', query: '?session=token', grant: { user, emails } });
  const eves = [{ email: 'old@x.io', primary: false, verified: true }, { email: 'eve@x.io', primary: true, verified: true }];
  let seen;
  const r = ok(await dance(s, p, null, { ...how({ id: 42, login: 'eve', name: 'Eve', avatar_url: 'https://x.io/e.png', email: 'ada@x.io' }, eves), seen: (x) => { seen = x; } }));
  assert.deepEqual([r.user.email, r.user.name, r.user.picture], ['eve@x.io', 'Eve', 'https://x.io/e.png']);
  assert.equal(new URL(seen.url).pathname, '/login/oauth/authorize');
  assert.equal(new URL(seen.url).searchParams.get('scope'), 'read:user user:email');
  assert.equal(new URL(seen.url).searchParams.get('nonce'), null);
  assert.equal(ok(await s.get('/v1/auth/identities', { Authorization: `Bearer ${r.access_token}` })).data[0].subject, '42');
  problem(await dance(s, p, null, how({ id: 43, login: 'x' }, [{ email: 'ada@x.io', primary: true, verified: false }])), 403, 'email_not_verified');
  problem(await dance(s, p, null, how({ id: 43, login: 'x' }, [{ email: 'ada@x.io', primary: false, verified: true }])), 403, 'email_not_verified');
  for (const user of [{}, { id: '42' }, { id: 0 }, { id: -1 }, []]) problem(await dance(s, p, null, how(user, eves)), 401, 'provider_refused');
  problem(await dance(s, p, null, how({ id: 44 }, {})), 401, 'provider_refused');
}, (p) => `    - { preset: github, issuer: "${p.url}", client_id: cairn, client_secret: "\${CORP_SECRET}" }`);

for (const preset of ['google', 'gitlab']) world(`${preset}: OpenID Connect as it is written`, '', async (s, p) => {
  let seen;
  const how = { provider: preset, query: '?session=token', seen: (x) => { seen = new URL(x.url); } };
  const claims = { sub: '1071', email: 'gus@x.io', email_verified: true, name: 'Gus' };
  const r = ok(await dance(s, p, claims, how));
  assert.deepEqual([r.user.email, r.user.name], ['gus@x.io', 'Gus']);
  assert.equal(seen.searchParams.get('scope'), 'openid email profile');
  assert.equal(seen.searchParams.get('code_challenge_method'), 'S256');
  assert.ok(seen.searchParams.get('nonce') && seen.searchParams.get('state'));
  assert.equal(ok(await dance(s, p, claims, how)).user.id, r.user.id, 'the same the next time');
  problem(await dance(s, p, { ...claims, sub: '1072', email: 'new@x.io', email_verified: false }, how), 403, 'email_not_verified');
  problem(await dance(s, p, { ...claims, sub: '1072', email: 'new@x.io', email_verified: undefined, xms_edov: true }, how), 403, 'email_not_verified');
}, (p) => `    - { preset: ${preset}, issuer: "${p.url}", client_id: cairn, client_secret: "\${CORP_SECRET}" }`);

world('Microsoft: any directory, and no address counts that its owner has not proved', '', async (s, p) => {
  const tid = '5e0a1b2c-0000-4000-8000-000000000001';
  p.issuer = `${p.url}/{tenantid}/v2.0`;
  const ms = (claims) => ({ iss: `${p.url}/${tid}/v2.0`, tid, sub: 'm1', name: 'Mo', email: 'mo@x.io', ...claims });
  const how = { provider: 'microsoft', query: '?session=token' };
  problem(await dance(s, p, ms({}), how), 403, 'email_not_verified');
  problem(await dance(s, p, ms({ email: 'ada@x.io' }), how), 403, 'email_not_verified');
  problem(await dance(s, p, ms({ email: 'ada@x.io', email_verified: true }), how), 403, 'email_not_verified');
  problem(await dance(s, p, ms({ email: 'ada@x.io', email_verified: false, xms_edov: true }), how), 403, 'email_not_verified');
  problem(await dance(s, p, ms({ tid: '5e0a1b2c-0000-4000-8000-000000000002' }), how), 401, 'provider_refused');
  problem(await dance(s, p, ms({ tid: undefined }), how), 401, 'provider_refused');
  problem(await dance(s, p, ms({ tid: 'x/../y', iss: `${p.url}/x/../y/v2.0` }), how), 401, 'provider_refused');
  const r = ok(await dance(s, p, ms({ xms_edov: true }), how));
  assert.equal(r.user.email, 'mo@x.io');
  assert.equal(ok(await s.get('/v1/auth/identities', { Authorization: `Bearer ${r.access_token}` })).data[0].subject, `${tid}/m1`);
}, (p) => `    - { preset: microsoft, issuer: "${p.url}", client_id: cairn, client_secret: "\${CORP_SECRET}" }`);

world('Apple: a form, a secret that is signed, a name that comes once', '', async (s, p) => {
  const jar = new Jar();
  const how = { provider: 'apple', query: '?session=token', post: true, jar };
  p.client = { id: 'cairn', secret: undefined };
  const r = ok(await dance(s, p, { sub: '001.ab', email: 'eve@x.io', email_verified: 'true' }, { ...how, more: { user: JSON.stringify({ name: { firstName: 'Eve', lastName: 'Xi' }, email: 'ada@x.io' }) } }));
  assert.deepEqual([r.user.name, r.user.email], ['Eve Xi', 'eve@x.io']);
  const [head, claims, signature] = p.form.get('client_secret').split('.');
  const json = (x) => JSON.parse(Buffer.from(x, 'base64url'));
  assert.deepEqual(json(head), { alg: 'ES256', typ: 'JWT', kid: 'KEY1' });
  assert.deepEqual({ ...json(claims), iat: 0, exp: json(claims).exp - json(claims).iat }, { iss: 'TEAM1', iat: 0, exp: 300, aud: p.url, sub: 'cairn' });
  assert.ok(crypto.verify('sha256', Buffer.from(`${head}.${claims}`), { key: s.apple.publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
  const start = await s.get('/v1/auth/oauth/apple');
  assert.match(start.headers.getSetCookie()[0], /^__Host-session-oauth-apple=.*; Path=\/; Max-Age=600; HttpOnly; SameSite=None; Secure$/);
  assert.equal(new URL(start.header('location')).searchParams.get('response_mode'), 'form_post');
  // the form of another site comes without the session's cookie: the session that was before ends all the same
  ok(await dance(s, p, { sub: '001.ab' }, { ...how, query: '?session=cookie', jar }));
  const before = { Cookie: `session=${jar.list.get('session')}` };
  assert.equal(ok(await s.get('/v1/auth/me', before)).name, 'Eve Xi');
  const url = jar.take(await s.get('/v1/auth/oauth/apple?session=cookie', jar.headers)).header('location');
  const old = jar.list.get('session');
  jar.list.delete('session');
  ok(await back(s, p, url, { sub: '001.ab' }, { ...how, jar }));
  assert.notEqual(jar.list.get('session'), old);
  problem(await s.get('/v1/auth/me', before), 401);
  assert.equal(ok(await s.get('/v1/auth/me', { Cookie: `session=${jar.list.get('session')}` })).name, 'Eve Xi');
  jar.list.delete('session');
  for (const user of ['{', '[]', '{"name":7}', '{"name":{"firstName":7}}', 'x'.repeat(3000)]) ok(await dance(s, p, { sub: '001.ab' }, { ...how, more: { user } }));
  problem(await s.fetch('/v1/auth/oauth/apple/callback', { method: 'POST', body: 'state=x&code=y', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }), 400, 'invalid_state');
}, (p) => `    - { preset: apple, issuer: "${p.url}", client_id: cairn, team_id: TEAM1, key_id: KEY1, key: "file:apple.p8" }`);
