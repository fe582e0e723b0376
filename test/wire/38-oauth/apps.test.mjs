// Apps that log in here, with the library that apps use: discovery, code and PKCE, what the tokens are good for, refreshing, giving up. SPDX: Apache-2.0
import crypto from 'node:crypto';
import { Server, play, ok, problem, assert, sleep, slow } from '../lib.mjs';
import { Person, ada, app, back, basic, bearer, begin, claims, config, finish, formPost, oidc, secret, server, shop, tokens, what } from './oauth.mjs';

play('an app signs somebody in: discovery, code with PKCE, ID token, userinfo, and only what was granted', what, async (s) => {
  const person = await new Person(s).register();
  const c = await app(s);
  assert.equal(c.serverMetadata().issuer, s.base);
  assert.deepEqual(c.serverMetadata().code_challenge_methods_supported, ['S256']);
  assert.deepEqual(ok(await s.get('/.well-known/oauth-authorization-server')), ok(await s.get('/.well-known/openid-configuration')));

  const b = await begin(c, { scope: 'openid profile email posts.read' });
  const page = await person.fetch(String(b.url));
  assert.match(page.text, /<h1>Sign in/);
  const posted = await person.fetch('/oauth/authorize', { method: 'POST', body: b.url.search.slice(1), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  assert.equal(posted.text, page.text, 'a form does as well as an address');
  const question = await person.signIn(posted);
  assert.match(question.text, /<strong>The Shop<\/strong> wants to use your account ada@example.com/);
  assert.match(question.text, /<li>Read your posts<\/li>/);
  const answer = await person.allow(question);
  assert.equal(answer.status, 303);
  const at = new URL(answer.header('location'));
  assert.equal(at.origin + at.pathname, back);
  assert.equal(at.searchParams.get('iss'), s.base); // RFC 9207
  const t = await finish(c, b, at); // checks state, iss, the ID token's signature, nonce
  assert.equal(t.token_type, 'bearer');
  assert.equal(t.refresh_token, undefined, 'without offline_access');
  const id = t.claims();
  assert.equal(id.sub, '1');
  assert.equal(id.aud, 'shop');
  assert.equal(id.email, ada.email);
  assert.equal(id.name, ada.name);
  assert.ok(Math.abs(id.auth_time - Date.now() / 1000) < 60);
  assert.equal(id.at_hash, crypto.createHash('sha512').update(t.access_token).digest().subarray(0, 32).toString('base64url'));
  const info = await oidc.fetchUserInfo(c, t.access_token, '1');
  assert.deepEqual(info, { sub: '1', name: ada.name, email: ada.email, email_verified: false });

  const access = claims(t.access_token);
  assert.deepEqual([access.iss, access.client_id, access.scope], [s.base, 'shop', 'openid profile email posts.read']);
  assert.deepEqual(Object.keys(access).sort(), ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'scope', 'sid', 'sub'], 'and nothing about the person');
  assert.equal(JSON.parse(Buffer.from(t.access_token.split('.')[0], 'base64url')).typ, 'at+jwt');
  for (let i = 0; i < 3; i++) assert.equal(ok(await s.get('/v1/posts', bearer(t))).data.length, 2);
  problem(await s.post('/v1/posts', { title: 'x' }, bearer(t)), 403);
  problem(await s.get('/v1/notes', bearer(t)), 403);
  for (const [method, path] of [['GET', '/v1/auth/me'], ['POST', '/v1/auth/keys'], ['GET', '/v1/auth/sessions'], ['GET', '/v1/auth/apps'], ['DELETE', '/v1/auth/me']]) {
    problem(await s.fetch(path, { method, headers: bearer(t) }), 403, 'not_for_keys');
  }
  problem(await s.get('/v1/posts', bearer(t.id_token)), 401, 'invalid_token'); // an ID token opens nothing
  problem(await s.get('/oauth/userinfo', bearer(person.tokens)), 401, 'invalid_token'); // a session's token is no app's
  problem(await s.get('/oauth/userinfo'), 401);

  // agreed once: no page the next time, until more is asked for
  const again = await begin(c, { scope: 'openid email' });
  const fast = await person.fetch(String(again.url));
  assert.equal(fast.status, 303);
  assert.equal((await finish(c, again, new URL(fast.header('location')))).claims().email, ada.email);
  assert.match((await person.fetch(String((await begin(c, { scope: 'openid posts.write' })).url))).text, /<li>Write posts/);
  assert.match((await person.fetch(String((await begin(c, { prompt: 'consent' })).url))).text, /Let this app in/);
});

play('prompt, max_age, saying no, another account', what, async (s) => {
  const person = await new Person(s).register();
  const c = await app(s);
  const error = async (more) => new URL((await person.fetch(String((await begin(c, more)).url))).header('location')).searchParams.get('error');
  assert.equal(await error({ prompt: 'none' }), 'login_required');
  const b = await begin(c);
  const question = await person.signIn(await person.fetch(String(b.url)));
  assert.equal(await error({ prompt: 'none' }), 'consent_required');
  const no = await person.send(question, { answer: 'deny' });
  const at = new URL(no.header('location'));
  assert.deepEqual([at.searchParams.get('error'), at.searchParams.get('state'), at.searchParams.get('iss')], ['access_denied', b.state, s.base]);
  assert.match((await person.send(question, { answer: 'other' })).text, /<h1>Sign in/);
  await tokens(s, person, c);
  assert.equal(await error({ prompt: 'none' }), null);
  assert.equal(await error({ prompt: 'none login' }), 'invalid_request');
  assert.match((await person.fetch(String((await begin(c, { prompt: 'login' })).url))).text, /<h1>Sign in/);
  assert.equal((await tokens(s, person, c, { prompt: 'login' })).token_type, 'bearer');
  await sleep(1100);
  assert.equal(await error({ prompt: 'none', max_age: '0' }), 'login_required');
  assert.equal(await error({ prompt: 'none', max_age: '1000' }), null);
  assert.equal(await error({ max_age: 'x' }), 'invalid_request');
  const wrong = await person.signIn(await person.fetch(String((await begin(c, { prompt: 'login' })).url)), { ...ada, password: 'wrong' });
  assert.equal(wrong.status, 401);
  assert.match(wrong.text, /role="alert">the name or the password is wrong/i);
});

play('refresh tokens: new ones each time, less scope, never more; an old one ends all', { ...what, args: ['--set', 'auth.refresh_reuse=0'] }, async (s, p) => {
  const person = await new Person(s).register();
  const c = await app(s);
  const first = await tokens(s, person, c, { scope: 'openid offline_access posts.read' });
  const second = await oidc.refreshTokenGrant(c, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal(second.scope, 'openid offline_access posts.read');
  assert.equal(second.claims().sub, '1');
  const less = await oidc.refreshTokenGrant(c, second.refresh_token, { scope: 'posts.read' });
  assert.equal(less.scope, 'posts.read');
  ok(await s.get('/v1/posts', bearer(less)));
  problem(await s.get('/oauth/userinfo', bearer(less)), 403, 'insufficient_scope');
  await assert.rejects(oidc.refreshTokenGrant(c, less.refresh_token, { scope: 'posts.read posts.write' }), { error: 'invalid_scope' });
  await assert.rejects(oidc.refreshTokenGrant(c, less.refresh_token, { scope: 'email' }), { error: 'invalid_scope' });
  const third = await oidc.refreshTokenGrant(c, less.refresh_token); // what was refused used nothing up, and the grant is as wide as before
  assert.equal(third.scope, 'openid offline_access posts.read');
  await assert.rejects(oidc.refreshTokenGrant(await app(s, 'spa'), third.refresh_token), { error: 'invalid_grant' }); // another app's
  ok(await s.get('/v1/posts', bearer(third)));

  await assert.rejects(oidc.refreshTokenGrant(c, first.refresh_token), { error: 'invalid_grant' });
  problem(await s.get('/v1/posts', bearer(third)), 401, 'invalid_token');
  await assert.rejects(oidc.refreshTokenGrant(c, third.refresh_token), { error: 'invalid_grant' });
  assert.match(p.do('audit', '--json').out, /app_reused/);
});

play('a refresh whose answer was lost may be sent again at once', what, async (s) => {
  const c = await app(s);
  const first = await tokens(s, await new Person(s).register(), c, { scope: 'openid offline_access' });
  const both = await Promise.all([1, 2].map(() => oidc.refreshTokenGrant(c, first.refresh_token)));
  assert.equal(both[0].refresh_token, both[1].refresh_token);
  assert.ok((await oidc.refreshTokenGrant(c, both[0].refresh_token)).access_token);
});

play('an access token does not outlive its grant', { ...what, on: ['sqlite'], config: config().replace('oauth:', 'oauth:\n  refresh_ttl: 1m') }, async (s) => {
  const c = await app(s);
  const t = await tokens(s, await new Person(s).register(), c, { scope: 'openid offline_access posts.read' });
  const next = await oidc.refreshTokenGrant(c, t.refresh_token);
  for (const x of [t, next]) {
    const { exp, iat } = claims(x.access_token);
    assert.ok(x.expires_in <= 60 && exp - iat <= 60, `${x.expires_in} ${exp - iat}`);
  }
  assert.equal((await oidc.clientCredentialsGrant(await app(s, 'robot'))).expires_in, 600);
});

play('an app for itself; revocation; introspection', what, async (s) => {
  const person = await new Person(s).register();
  const robot = await app(s, 'robot');
  const t = await oidc.clientCredentialsGrant(robot, { scope: 'posts.read' });
  assert.equal(ok(await s.get('/v1/posts', bearer(t))).data.length, 2);
  problem(await s.post('/v1/posts', { title: 'x' }, bearer(t)), 403);
  assert.equal((await oidc.clientCredentialsGrant(robot)).scope, 'posts.read posts.write');
  ok(await s.post('/v1/posts', { title: 'of a robot' }, bearer(await oidc.clientCredentialsGrant(robot, { scope: 'posts.write posts.read' }))), 201);
  await assert.rejects(oidc.clientCredentialsGrant(robot, { scope: 'openid' }), { error: 'invalid_scope' });
  problem(await s.get('/oauth/userinfo', bearer(t)), 403, 'insufficient_scope');
  await assert.rejects(oidc.clientCredentialsGrant(await app(s, 'shop')), { error: 'unauthorized_client' });
  await assert.rejects(oidc.clientCredentialsGrant(await app(s, 'robot', oidc.ClientSecretPost('wrong'.repeat(9)))), { error: 'invalid_client' });
  assert.ok((await oidc.clientCredentialsGrant(await app(s, 'robot', oidc.ClientSecretPost(secret)))).access_token);

  const own = await oidc.tokenIntrospection(robot, t.access_token);
  assert.deepEqual([own.active, own.client_id, own.scope, own.sub, own.iss, own.token_type], [true, 'robot', 'posts.read', 'robot', s.base, 'Bearer']);
  const c = await app(s);
  const of = await tokens(s, person, c, { scope: 'openid offline_access posts.read' });
  assert.deepEqual(await oidc.tokenIntrospection(robot, of.access_token), { active: false });
  const served = await oidc.tokenIntrospection(await app(s, 'server'), of.access_token);
  assert.deepEqual([served.active, served.client_id, served.sub], [true, 'shop', '1']);
  assert.deepEqual(await oidc.tokenIntrospection(await app(s, 'server'), of.refresh_token), { active: false });
  assert.equal((await oidc.tokenIntrospection(c, of.refresh_token)).active, true);
  assert.equal((await oidc.tokenIntrospection(await app(s, 'server'), person.tokens.access_token)).client_id, 'cairn');
  assert.deepEqual(await oidc.tokenIntrospection(c, 'nonsense'), { active: false });
  assert.equal((await formPost(s, '/oauth/introspect', { token: of.access_token, client_id: 'spa' })).status, 401);

  await oidc.tokenRevocation(robot, of.refresh_token); // another app's: nothing happens
  ok(await s.get('/v1/posts', bearer(of)));
  await oidc.tokenRevocation(c, of.refresh_token);
  problem(await s.get('/v1/posts', bearer(of)), 401, 'invalid_token');
  await assert.rejects(oidc.refreshTokenGrant(c, of.refresh_token), { error: 'invalid_grant' });
  assert.deepEqual(await oidc.tokenIntrospection(c, of.access_token), { active: false });
  await oidc.tokenRevocation(c, of.refresh_token); // again is fine
  await oidc.tokenRevocation(robot, t.access_token);
  problem(await s.get('/v1/posts', bearer(t)), 401, 'invalid_token');
  assert.equal((await formPost(s, '/oauth/revoke', { token: 'x' }, basic('robot', 'wrong'))).status, 401);
});

play('what people take away: the app, the role, the account', what, async (s, p) => {
  const person = await new Person(s).register();
  const c = await app(s);
  const t = await tokens(s, person, c, { scope: 'openid offline_access posts.read' });
  const list = ok(await s.get('/v1/auth/apps', bearer(person.tokens))).data;
  assert.deepEqual(list.map((a) => [a.client_id, a.name, a.scope]), [['shop', 'The Shop', 'openid offline_access posts.read']]);
  const b = await begin(c);
  const waiting = new URL((await person.fetch(String(b.url))).header('location')); // a code that was not used yet
  assert.equal((await s.delete('/v1/auth/apps/shop', bearer(person.tokens))).status, 204);
  problem(await s.delete('/v1/auth/apps/shop', bearer(person.tokens)), 404);
  problem(await s.get('/v1/posts', bearer(t)), 401, 'invalid_token');
  await assert.rejects(oidc.refreshTokenGrant(c, t.refresh_token), { error: 'invalid_grant' });
  await assert.rejects(finish(c, b, waiting), { error: 'invalid_grant' });
  assert.match((await person.fetch(String((await begin(c)).url))).text, /Let this app in/);

  const again = await tokens(s, person, c, { scope: 'openid offline_access posts.read' });
  ok(await s.get('/v1/posts', bearer(again)));
  assert.equal((await s.fetch('/v1/auth/me', { method: 'DELETE', headers: { ...bearer(person.tokens), 'Content-Type': 'application/json' }, body: JSON.stringify({ password: ada.password }) })).status, 204);
  await assert.rejects(oidc.refreshTokenGrant(c, again.refresh_token), { error: 'invalid_grant' });
  assert.match(p.do('audit', '--json').out, /app_let_in/);
});

play('the document of the API has what apps call, and not what people see', what, async (s) => {
  const d = ok(await s.get('/openapi.json'));
  const told = Object.entries(d.paths).flatMap(([at, methods]) => Object.keys(methods).map((m) => `${m} ${at}`)).filter((x) => /oauth|apps|openid/.test(x)).sort();
  assert.deepEqual(told, ['delete /v1/auth/apps/{client}', 'get /.well-known/oauth-authorization-server', 'get /.well-known/openid-configuration', 'get /oauth/userinfo', 'get /v1/auth/apps',
    'post /oauth/introspect', 'post /oauth/revoke', 'post /oauth/token', 'post /oauth/userinfo']);
  assert.ok(d.paths['/oauth/token'].post.requestBody.content['application/x-www-form-urlencoded'].schema.properties.code_verifier);
  assert.ok(d.paths['/oauth/token'].post.responses['401']);
  assert.equal(d.paths['/oauth/token'].post.operationId, 'oauthToken');
});

play('an app that is taken out of the settings is nobody any more', { ...what, on: ['sqlite'] }, async (s, p) => {
  const person = await new Person(s).register();
  const t = await tokens(s, person, await app(s, 'shop'), { scope: 'openid posts.read' });
  ok(await s.get('/v1/posts', bearer(t)));
  p.config(config('', `    - { id: other, scopes: [posts.read], redirect_uris: [https://o.example.com/] }\n`));
  await s.restart();
  problem(await s.get('/v1/posts', bearer(t)), 401, 'invalid_token');
});

const people = (clients) => config('', clients).replace('users: [{ roles: admin,', 'users: [{ roles: editor,');
play('scopes, apps and accounts that are taken away: what introspection says, and what a refresh gives', { ...what, config: people(shop + server) }, async (s, p) => {
  const person = await new Person(s).register();
  const c = await app(s), asker = await app(s, 'server');
  const t = await tokens(s, person, c, { scope: 'openid offline_access posts.read posts.write' });
  const told = await oidc.tokenIntrospection(asker, t.access_token);
  assert.deepEqual([told.active, told.scope], [true, 'openid offline_access posts.read posts.write']);
  const reload = async (clients) => {
    const before = s.lines.length;
    p.config(people(clients));
    s.signal('SIGHUP');
    await s.waitLog((l) => l.msg === 'reloaded' && s.lines.indexOf(l) >= before);
  };
  await reload(shop.replace(', posts.write', '') + server);
  assert.equal((await oidc.tokenIntrospection(asker, t.access_token)).scope, 'openid offline_access posts.read');
  assert.equal((await oidc.tokenIntrospection(c, t.refresh_token)).scope, 'openid offline_access posts.read');
  const next = await oidc.refreshTokenGrant(c, t.refresh_token);
  assert.equal(next.scope, 'openid offline_access posts.read');
  assert.equal(JSON.parse(Buffer.from(next.access_token.split('.')[1], 'base64url')).scope, 'openid offline_access posts.read');
  await reload(server);
  assert.deepEqual(await oidc.tokenIntrospection(asker, next.access_token), { active: false });
  await reload(shop + server);
  assert.equal((await oidc.tokenIntrospection(asker, next.access_token)).active, true);
  ok(await s.get('/v1/posts', bearer(next)));
  assert.equal((await s.delete('/v1/users/1', bearer(person.tokens))).status, 204); // its grants stay
  assert.deepEqual(await oidc.tokenIntrospection(asker, next.access_token), { active: false });
  assert.deepEqual(await oidc.tokenIntrospection(c, next.refresh_token), { active: false });
});

play('the first app takes a restart', { ...what, on: ['sqlite'] }, async (s, p) => {
  const none = config().replace(/^oauth:[\s\S]*?(?=^roles:)/m, '');
  p.config(none);
  await s.restart();
  assert.equal((await s.get('/.well-known/openid-configuration')).status, 404);
  p.config(config());
  s.signal('SIGHUP');
  await s.waitLog((l) => /first app takes a restart/.test(JSON.stringify(l)));
  assert.equal((await s.get('/.well-known/openid-configuration')).status, 404);
  await s.restart();
  assert.equal(ok(await s.get('/.well-known/openid-configuration')).issuer, s.base);
});

play('another process hears of it', { ...what, on: ['postgres'] }, async (s, p) => {
  const other = new Server(p);
  await other.start(['--set', `auth.issuer=${s.base}`], s.project.env);
  try {
    const person = await new Person(s).register();
    const c = await app(s);
    const t = await tokens(s, person, c, { scope: 'openid posts.read' });
    ok(await other.get('/v1/posts', bearer(t)));
    await oidc.tokenRevocation(c, t.access_token);
    let status = 200;
    for (const until = Date.now() + 5000 * slow; status === 200 && Date.now() < until; await sleep(200)) status = (await other.get('/v1/posts', bearer(t))).status;
    assert.equal(status, 401);
  } finally {
    await other.stop();
  }
});
