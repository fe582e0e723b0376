// What is refused at the endpoints of OAuth: RFC 9700, 4, and RFC 6819, play by play. SPDX: Apache-2.0
import { play, ok, problem, assert } from '../lib.mjs';
import { Person, ada, app, back, basic, begin, client, config, finish, formPost, hash, oidc, secret, shop, tokens, what } from './oauth.mjs';

// What the app would be told: error and whether anything else went along.
async function told(person, url) {
  const r = await person.fetch(String(url));
  assert.equal(r.status, 303, `${r.status} ${r.text}`);
  assert.match(r.header('location'), /^[^#]+#$/, 'what stood behind # does not go along');
  return new URL(r.header('location'));
}
async function stays(person, url) {
  const r = await person.fetch(String(url));
  assert.equal(r.status, 400, `${url}: ${r.status}`);
  assert.equal(r.header('location'), null);
  assert.match(r.header('content-type'), /^text\/html/);
  assert.match(r.text, /This link does not work/);
  return r;
}
function safe(r) {
  const policy = r.header('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.match(policy, /base-uri 'none'/);
  assert.equal(r.header('x-frame-options'), 'DENY');
  assert.equal(r.header('cache-control'), 'no-store');
  assert.equal(r.header('referrer-policy'), 'no-referrer');
  assert.doesNotMatch(r.text, /<script|<img|onerror=|javascript:/i);
}

play('a redirect URI that is not exactly one of the app leads nowhere', what, async (s) => {
  const person = await new Person(s).register();
  const c = await app(s);
  for (const uri of ['https://evil.example.com/callback', `${back}/`, `${back}?x=1`, `${back}#x`, back.toUpperCase(), 'https://shop.example.com/callback/../evil', 'https://shop.example.com:444/callback',
    'https://shop.example.com@evil.example.com/callback', 'http://shop.example.com/callback', 'https://shop.example.com.evil.com/callback', 'javascript:alert(1)', '//evil.example.com', '', `${back}\r\nX: y`, undefined]) {
    safe(await stays(person, (await begin(c, { redirect_uri: uri })).url));
  }
  await stays(person, (await begin(c, { client_id: 'nobody' })).url);
  await stays(person, (await begin(c, { client_id: 'robot' })).url); // which has no such grant
  await stays(person, `${(await begin(c)).url}&redirect_uri=https%3A%2F%2Fevil.example.com%2F`); // twice
  await stays(person, `${(await begin(c)).url}&state=%ff`);
  assert.equal((await told(person, (await begin(c, { redirect_uri: 'https://shop.example.com/other?x=1', response_type: 'token' })).url)).search.startsWith('?x=1&error='), true);
});

play('a request that would not come back through the forms is refused before anybody signs in', { ...what, on: ['sqlite'] }, async (s) => {
  const c = await app(s);
  const person = await new Person(s).register();
  const b = await begin(c, { state: 'é'.repeat(600) }); // 3600 bytes as they are sent, 10800 in the form
  person.cookie = '';
  const at = await person.through(b.url);
  assert.equal(at.searchParams.get('state'), b.url.searchParams.get('state'));
  assert.match((await stays(person, (await begin(c, { state: 'x'.repeat(4000) })).url)).text, /too long/);
});

play('the loopback: any port of 127.0.0.1 and [::1], and nothing that only looks like it', what, async (s) => {
  const person = await new Person(s).register();
  const c = await app(s, 'cli');
  for (const uri of ['http://127.0.0.1:4711/cb', 'http://127.0.0.1/cb', 'http://[::1]:9/cb', 'com.example.cli:/cb']) {
    const b = await begin(c, { redirect_uri: uri });
    const at = await person.through(b.url);
    assert.ok(at.href.startsWith(uri), at.href);
    assert.ok((await finish(c, b, at)).access_token);
  }
  for (const uri of ['http://127.0.0.1:0/cb', 'http://127.0.0.1:70000/cb', 'http://127.0.0.1:/cb', 'http://127.0.0.1:80@evil.com/cb', 'http://127.0.0.1.evil.com/cb', 'http://127.0.0.1:80/other', 'https://127.0.0.1:80/cb',
    'http://localhost:80/cb', 'http://127.0.0.2:80/cb', 'com.example.cli:/other', 'com.example.cli://evil/cb']) {
    await stays(person, (await begin(c, { redirect_uri: uri })).url);
  }
  // any program of the device can say that it is this one: asked each time
  assert.match((await person.fetch(String((await begin(c, { redirect_uri: 'http://127.0.0.1:1/cb' })).url))).text, /Let this app in/);
});

play('no code without PKCE by S256; no token in a redirect; no requests by reference', what, async (s) => {
  const person = await new Person(s).register();
  const c = await app(s);
  const error = async (more) => (await told(person, (await begin(c, more)).url)).searchParams;
  for (const [more, word] of [[{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'], [{ code_challenge_method: 'plain' }, 'invalid_request'], [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'], [{ response_type: 'token' }, 'unsupported_response_type'], [{ response_type: 'code id_token' }, 'unsupported_response_type'], [{ response_type: '' }, 'invalid_request'],
    [{ response_mode: 'fragment' }, 'invalid_request'], [{ request: 'eyJ' }, 'request_not_supported'], [{ request_uri: 'https://evil.example.com' }, 'request_uri_not_supported'],
    [{ scope: 'openid admin' }, 'invalid_scope'], [{ scope: '' }, 'invalid_scope'], [{ nonce: 'n'.repeat(501) }, 'invalid_request']]) {
    const p = await error({ ...more, state: 'a b&c=d' });
    assert.deepEqual([p.get('error'), p.get('state'), p.get('iss'), p.get('code')], [word, 'a b&c=d', s.base, null], JSON.stringify(more));
  }
});

play('a code: once, for its app, its address and its verifier, and a second use ends what came of the first', what, async (s) => {
  const person = await new Person(s).register();
  const c = await app(s);
  const b = await begin(c, { scope: 'openid offline_access posts.read' });
  const at = await person.through(b.url);
  const code = at.searchParams.get('code');
  const ask = (more, headers = basic('shop')) => formPost(s, '/oauth/token', { grant_type: 'authorization_code', code, redirect_uri: back, code_verifier: b.verifier, ...more }, headers);
  const refused = async (r, status, word) => { const a = await r; assert.equal(a.status, status, a.text); assert.equal(a.body.error, word); assert.equal(a.header('cache-control'), 'no-store'); return a; };
  await refused(ask({ code_verifier: 'x'.repeat(43) }), 400, 'invalid_grant');
  await refused(ask({ code_verifier: '' }), 400, 'invalid_request');
  await refused(ask({ redirect_uri: 'https://shop.example.com/other?x=1' }), 400, 'invalid_grant');
  await refused(ask({ client_id: 'spa' }, {}), 400, 'invalid_grant'); // a code of another app
  await refused(ask({}, {}), 401, 'invalid_client');
  await refused(ask({ client_id: 'shop' }, {}), 401, 'invalid_client');
  const basicly = await refused(ask({}, basic('shop', 'wrong')), 401, 'invalid_client');
  assert.match(basicly.header('www-authenticate'), /^Basic/);
  await refused(ask({ client_secret: secret }), 400, 'invalid_request'); // two ways at once
  await refused(ask({ client_id: 'spa' }), 400, 'invalid_request');
  await refused(ask({}, { Authorization: 'Bearer x' }), 401, 'invalid_client');
  await refused(ask({ client_id: 'spa', client_secret: 'x' }, {}), 401, 'invalid_client'); // it has none
  await refused(ask({ grant_type: 'password' }), 400, 'unsupported_grant_type');
  await refused(ask({ grant_type: '' }), 400, 'invalid_request');
  await refused(s.fetch('/oauth/token', { method: 'POST', body: `grant_type=authorization_code&code=${code}&code=x`, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...basic('shop') } }), 400, 'invalid_request');
  await refused(s.post('/oauth/token', { grant_type: 'authorization_code', code }, basic('shop')), 400, 'invalid_request'); // JSON
  const t = ok(await ask({}));
  ok(await s.get('/v1/posts', { Authorization: `Bearer ${t.access_token}` }));
  await refused(ask({}), 400, 'invalid_grant');
  problem(await s.get('/v1/posts', { Authorization: `Bearer ${t.access_token}` }), 401, 'invalid_token');
  await assert.rejects(oidc.refreshTokenGrant(c, t.refresh_token), { error: 'invalid_grant' });
  await refused(ask({ code: 'x'.repeat(43) }), 400, 'invalid_grant');

  // two at once: one wins, and then neither has anything
  const n = await begin(c, { scope: 'openid posts.read' });
  const other = (await person.through(n.url)).searchParams.get('code');
  const both = await Promise.all([1, 2, 3].map(() => ask({ code: other, code_verifier: n.verifier })));
  const good = both.filter((r) => r.status === 200);
  assert.equal(good.length, 1, both.map((r) => r.text).join());
  problem(await s.get('/v1/posts', { Authorization: `Bearer ${good[0].body.access_token}` }), 401, 'invalid_token');
});

play('forms of others: no consent without our form, no sign-in from elsewhere', what, async (s) => {
  const person = await new Person(s).register();
  const eve = await new Person(s, { email: 'eve@example.com', password: 'correct horse battery', name: 'Eve' }).register();
  const c = await app(s);
  const b = await begin(c);
  const page = await person.fetch(String(b.url));
  const cross = await person.send(page, { login: ada.email, password: ada.password }, { 'Sec-Fetch-Site': 'cross-site' });
  assert.equal(cross.status, 403);
  assert.equal(person.cookie, '');
  const question = await person.signIn(page);
  const nothing = (r) => { assert.equal(r.status, 403); assert.equal(r.header('location'), null); assert.match(r.text, /nothing was allowed/); };
  nothing(await person.send(question, { answer: 'allow', form_token: '' }));
  nothing(await person.send(question, { answer: 'allow', form_token: 'x'.repeat(43) }));
  nothing(await person.send(question, { answer: 'allow' }, { 'Sec-Fetch-Site': 'cross-site' }));
  nothing(await person.send(question, { answer: 'allow' }, { 'Sec-Fetch-Site': '', Origin: 'https://evil.example.com' }));
  nothing(await person.send(question, { answer: 'allow' }, { Cookie: '' })); // nobody
  const theirs = await eve.signIn(await eve.fetch(String(b.url)));
  nothing(await person.send(theirs, { answer: 'allow' })); // the token of another session
  assert.equal((await person.fetch('/oauth/consent')).status, 405);
  // the request goes along in the form, and is looked at again
  const evil = new URLSearchParams(b.url.search);
  evil.set('redirect_uri', 'https://evil.example.com/');
  const r = await person.send(question, { answer: 'allow', asked: evil.toString() });
  assert.equal(r.status, 400);
  assert.equal(r.header('location'), null);
  assert.equal((await person.allow(question)).status, 303);
});

const evil = client(['id: evil', `name: '<script>alert(1)</script>"''>&'`, `secret_hash: ${hash}`, `redirect_uris: [${back}]`, 'scopes: [openid, odd]']);
play('names, scopes and what comes from outside are text on every page', { ...what, config: config('', shop + evil).replace('  scopes:\n', `  scopes:\n    odd: { text: '"><img src=x onerror=alert(1)>', can: ["posts:read"] }\n`) }, async (s) => {
  const person = await new Person(s, { ...ada, email: '"><script>alert(1)</script>@x.io' }).register();
  const c = await app(s, 'evil');
  const xss = `'"><script>alert(1)</script>`;
  const page = await person.fetch(String((await begin(c, { scope: 'openid odd', state: xss, nonce: xss, login_hint: xss })).url));
  const seen = (r) => { safe({ ...r, header: (n) => r.header(n), text: r.text.replace(/&#\d+;[^<]*/g, '') }); assert.doesNotMatch(r.text, /<script|<img/i); };
  seen(page);
  assert.match(page.header('content-security-policy'), /form-action 'self' https:\/\/shop\.example\.com;/);
  const wrong = await person.send(page, { login: xss, password: 'x' });
  assert.equal(wrong.status, 401);
  seen(wrong);
  const question = await person.signIn(page);
  assert.match(question.text, /Let this app in/);
  seen(question);
  const at = new URL((await person.allow(question)).header('location'));
  assert.equal(at.searchParams.get('state'), xss);
  seen(await person.fetch(`/oauth/authorize?client_id=${encodeURIComponent(xss)}`));
  for (const path of ['/oauth/authorize?a=%', `/oauth/authorize?${'a=b&'.repeat(200)}`]) await stays(person, path);
});

play('too many wrong passwords, too many wrong secrets', { ...what, args: ['--set', 'auth.attempts=3'] }, async (s) => {
  const person = await new Person(s, { ...ada }).register();
  const c = await app(s);
  const b = await begin(c);
  const page = await person.fetch(String(b.url));
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await person.signIn(page, { ...ada, password: 'wrong' })).status);
  assert.ok(statuses.includes(429), statuses.join());
  const r = await person.signIn(page);
  assert.equal(r.status, 429);
  assert.ok(r.header('retry-after'));
  const tries = [];
  for (let i = 0; i < 5; i++) tries.push(await formPost(s, '/oauth/token', { grant_type: 'client_credentials' }, basic('robot', 'wrong')));
  assert.deepEqual(tries.map((x) => x.status), [401, 401, 401, 429, 429]);
  assert.equal(tries[4].body.error, 'temporarily_unavailable');
  assert.equal((await formPost(s, '/oauth/token', { grant_type: 'client_credentials' }, basic('server'))).status, 200, 'another app is not locked out');
});

play('settings that cannot be', { ...what, serve: false, on: ['sqlite'] }, async (s, p) => {
  const faults = (clients, more = '') => { p.config(config(more, clients)); const r = p.cairn('check'); assert.notEqual(r.code, 0, clients); return r.all; };
  const bad = (line, or = ['id: x', `redirect_uris: [${back}]`, 'scopes: [openid]']) => faults(client([...or, ...(line ? [line] : [])].filter((l, i, all) => !all.slice(i + 1).some((m) => m.split(':')[0] === l.split(':')[0]))));
  assert.match(bad('redirect_uris: ["https://*.example.com/"]'), /cairn\.yaml:\d+:\d+: oauth\.clients: 'https:\/\/\*/);
  for (const uri of ['http://example.com/', 'https://x/#a', 'myapp:/cb', 'javascript:alert(1)', 'data:text/html,x', 'https://x/; script-src *']) assert.match(bad(`redirect_uris: ["${uri}"]`), /a redirect URI is/, uri);
  assert.match(bad('scopes: [openid, posts.raed]'), /no scope 'posts\.raed' \(did you mean `posts\.read`\?\)/);
  assert.match(bad('grants: [password]'), /no grant: 'password'/);
  assert.match(bad('grants: [client_credentials]'), /needs a secret/);
  assert.match(faults(client(['id: x', `secret_hash: ${hash}`, 'scopes: [posts.read]', 'grants: [client_credentials]', 'roles: [editr]'])), /no role 'editr' \(did you mean `editor`\?\)/);
  p.config(config().replace('roles: role,', 'roles: role, default_role: edtor,'));
  assert.match(p.cairn('check').all, /auth\.default_role: there is no role 'edtor' \(did you mean `editor`\?\)/);
  assert.match(bad('secret: short'), /must not stand in this file/);
  assert.match(bad('secret_hash: abc'), /64 hexadecimal digits/);
  assert.match(bad('id: cairn'), /a client needs `id`/);
  assert.match(bad('nmae: x'), /did you mean `name`/);
  p.config(config());
  p.do('migrate', 'up');
  p.config(config().replace('"posts:read"', '"post:read"'));
  const r = p.cairn('routes');
  assert.notEqual(r.code, 0);
  assert.match(r.all, /oauth\.scopes\.posts\.read: 'post:read': there is no such table; did you mean 'posts'/);
});
