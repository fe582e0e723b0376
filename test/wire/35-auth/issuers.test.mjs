// Tokens that other issuers sign: keys found, kept, changed and away; and what is refused. SPDX: Apache-2.0
import crypto from 'node:crypto';
import { play, ok, problem, assert, sleep, slow } from '../lib.mjs';
import { Issuer, makeKey } from './issuer.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL, badge TEXT UNIQUE,
  password_hash TEXT, role TEXT NOT NULL DEFAULT 'viewer', verified BOOLEAN NOT NULL DEFAULT true);
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER REFERENCES users(id), title TEXT NOT NULL);
INSERT INTO users (email, name, badge, verified) VALUES ('ada@x.io', 'Ada', 'b-1', true), ('bob@x.io', 'Bob', 'b-2', false);
INSERT INTO posts (user_id, title) VALUES (1, 'of ada'), (2, 'of bob');`;
const rules = `
roles: { viewer: {}, editor: { includes: [viewer] }, admin: { includes: [editor] } }
access:
  users: [{ roles: admin, can: read }]
  posts:
    - { roles: signed_in, can: read, where: 'user_id == me.id' }
    - { roles: editor, can: [read, create] }
`;
const auth = (lines, more = '') => `
auth:
  table: users
  roles: role
  verified: verified
  hash_memory: 64K
  hash_passes: 1
${more}
  issuers:
    - ${lines.join('\n      ')}
${rules}`;

// The server is started once the issuer's address is known.
function with_issuer(name, lines, more, fn) {
  play(name, { migrations, config: '', on, serve: false }, async (s) => {
    const issuer = await new Issuer().start();
    try {
      s.project.config(auth([`issuer: ${issuer.url}`, 'audience: api', ...lines], more));
      await s.start();
      await fn(s, issuer);
    } finally {
      await issuer.stop();
    }
  });
}
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const titles = async (s, token) => ok(await s.get('/v1/posts?sort=id', bearer(token))).data.map((p) => p.title);

with_issuer('an account is the one that a claim names, with its own roles', ['account: email'], '', async (s, issuer) => {
  const ada = issuer.token({ email: 'ada@x.io', email_verified: true, roles: ['admin'] });
  assert.deepEqual(await titles(s, ada), ['of ada']);
  assert.equal(ok(await s.get('/v1/auth/me', bearer(ada))).name, 'Ada');
  problem(await s.get('/v1/users', bearer(ada)), 403); // a claim of roles that no setting names
  problem(await s.get('/v1/posts', bearer(issuer.token({ email: 'ada@x.io' }))), 401, 'invalid_token');
  problem(await s.get('/v1/posts', bearer(issuer.token({ email: 'ada@x.io', email_verified: false }))), 401, 'invalid_token');
  problem(await s.get('/v1/posts', bearer(issuer.token({ email: 'bob@x.io', email_verified: true }))), 401, 'invalid_token');
  problem(await s.get('/v1/posts', bearer(issuer.token({ email: 'eve@x.io', email_verified: true }))), 401, 'invalid_token');
  problem(await s.get('/v1/posts', bearer(issuer.token({}))), 401, 'invalid_token');
  // it signs nobody in here
  for (const [method, path] of [['POST', '/v1/auth/logout'], ['POST', '/v1/auth/keys'], ['GET', '/v1/auth/sessions'], ['DELETE', '/v1/auth/me']]) {
    problem(await s.fetch(path, { method, headers: bearer(ada) }), 403, 'not_for_keys');
  }
  // many requests: the keys were fetched once, and no statement is needed to know who asks
  for (let i = 0; i < 20; i++) ok(await s.get('/v1/posts', bearer(ada)));
  assert.deepEqual(issuer.asked, { keys: 1, discovery: 1 });
});

with_issuer('without an account a token has the roles of its claim and no id', ['roles: realm_access.roles', 'typ: at+jwt', 'algorithms: [ES256]'], '', async (s, issuer) => {
  const editor = issuer.token({ sub: '1', id: 1, realm_access: { roles: ['editor', 'no such role'] } });
  assert.deepEqual(await titles(s, editor), ['of ada', 'of bob']);
  problem(await s.get('/v1/posts', bearer(issuer.token({ sub: '1', id: 1 }))), 403); // '1' is nobody of ours
  problem(await s.get('/v1/auth/me', bearer(editor)), 403, 'not_for_keys');
  problem(await s.get('/v1/posts', bearer(issuer.token({}, { head: { typ: 'JWT' } }))), 401, 'invalid_token');
  // keys sent again by two callers of one issuer are not one another's
  const post = (token, key) => s.post('/v1/posts', { title: 'x' }, { ...bearer(token), 'Idempotency-Key': key });
  const first = ok(await post(editor, 'same'), 201);
  const other = ok(await post(issuer.token({ sub: '2', realm_access: { roles: ['editor'] } }), 'same'), 201);
  assert.notEqual(first.id, other.id);
  assert.equal(ok(await post(editor, 'same'), 201).id, first.id);
});

with_issuer('an account by another column, roles in the words of a scope', ['account: badge', 'column: badge', 'roles: scope'], '', async (s, issuer) => {
  assert.deepEqual(await titles(s, issuer.token({ badge: 'b-1', scope: 'openid editor' })), ['of ada', 'of bob']);
  assert.deepEqual(await titles(s, issuer.token({ badge: 'b-1' })), ['of ada']);
  problem(await s.get('/v1/posts', bearer(issuer.token({ badge: ['b-1'] }))), 401, 'invalid_token');
});

with_issuer('what is refused', ['roles: roles', 'algorithms: [ES256, RS256]'], '', async (s, issuer) => {
  const now = Math.floor(Date.now() / 1000), rsa = makeKey('RS256', 'r1');
  const plain = issuer.token;
  issuer.token = (claims, how) => plain.call(issuer, { roles: ['editor'], ...claims }, how);
  issuer.keys.push(rsa, makeKey('EdDSA', 'e1'));
  const bad = async (token) => problem(await s.get('/v1/posts', bearer(token)), 401, 'invalid_token');
  ok(await s.get('/v1/posts', bearer(issuer.token())));
  ok(await s.get('/v1/posts', bearer(issuer.token({}, { key: rsa }))));
  ok(await s.get('/v1/posts', bearer(issuer.token({ aud: ['other', 'api'] }))));
  ok(await s.get('/v1/posts', bearer(issuer.token({ exp: now - 5, iat: now - 300 })))); // clocks differ
  await bad(issuer.token({ aud: 'other' }));
  await bad(issuer.token({ aud: undefined }));
  await bad(issuer.token({ iss: 'https://elsewhere.example.com' }));
  await bad(issuer.token({ iss: `${issuer.url}/` }));
  await bad(issuer.token({ exp: now - 100 }));
  await bad(issuer.token({ exp: undefined }));
  await bad(issuer.token({ nbf: now + 200 }));
  await bad(issuer.token({}, { key: issuer.keys[2] })); // EdDSA is not among the settings
  await bad(issuer.token({}, { head: { crit: ['x'], x: 1 } }));
  await bad(issuer.token({}, { head: { alg: 'RS256' } })); // not this key's algorithm
  await bad(issuer.token({}, { key: makeKey('ES256', 'k1') })); // signed by somebody else
  const [head, claims] = issuer.token().split('.');
  await bad(`${Buffer.from(JSON.stringify({ alg: 'none', kid: 'k1' })).toString('base64url')}.${claims}.`);
  await bad(`${Buffer.from(JSON.stringify({ alg: 'none', kid: 'k1' })).toString('base64url')}.${claims}.AAAA`);
  await bad(`${head}.${claims}.AAAA`);
  // HS256, with the public key as the secret
  for (const secret of [rsa.public.export({ type: 'spki', format: 'pem' }), JSON.stringify(rsa.jwk)]) {
    const text = `${Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: 'r1' })).toString('base64url')}.${claims}`;
    await bad(`${text}.${crypto.createHmac('sha256', secret).update(text).digest('base64url')}`);
  }
  assert.equal(issuer.asked.keys, 1);
});

with_issuer('a new key is looked for once, and made-up ones make no traffic', ['account: email'], '  issuer_refresh: 300ms', async (s, issuer) => {
  const mail = { email: 'ada@x.io', email_verified: true };
  ok(await s.get('/v1/posts', bearer(issuer.token(mail))));
  await sleep(400);
  issuer.keys.unshift(makeKey('RS256', 'k2'));
  const some = Array.from({ length: 8 }, (_, i) => issuer.token({ ...mail, n: i }));
  for (const r of await Promise.all(some.map((t) => s.get('/v1/posts', bearer(t))))) ok(r);
  assert.equal(issuer.asked.keys, 2);
  const begin = Date.now();
  for (let i = 0; i < 60; i++) problem(await s.get('/v1/posts', bearer(issuer.token(mail, { key: makeKey('EdDSA', `m${i}`) }))), 401, 'invalid_token');
  assert.ok(issuer.asked.keys <= 3 + (Date.now() - begin) / 300, `${issuer.asked.keys} fetches`);
  // a key that is taken away ends with what is kept of it
  issuer.keys.pop();
  await sleep(400);
  problem(await s.get('/v1/posts', bearer(issuer.token(mail, { key: makeKey('EdDSA', 'last') }))), 401, 'invalid_token');
  problem(await s.get('/v1/posts', bearer(issuer.token({ ...mail, n: 99 }, { key: makeKey('ES256', 'k1') }))), 401, 'invalid_token');
});

with_issuer('an issuer that is away: known keys stay good, unknown ones are for later', ['account: email'],
  `  issuer_refresh: 200ms\n  issuer_keys_ttl: 300ms\n  issuer_stale: ${6 * slow}s`, async (s, issuer) => {
    const mail = { email: 'ada@x.io', email_verified: true };
    issuer.broken = true;
    const early = await s.get('/v1/posts', bearer(issuer.token(mail)));
    problem(early, 503, 'issuer_away');
    assert.equal(early.header('retry-after'), '1');
    problem(await s.get('/v1/posts', bearer('a.b.c')), 401, 'invalid_token');
    issuer.broken = false;
    await sleep(300);
    ok(await s.get('/v1/posts', bearer(issuer.token(mail))));
    const { port } = issuer;
    await issuer.stop();
    await sleep(500);
    for (let i = 0; i < 5; i++) ok(await s.get('/v1/posts', bearer(issuer.token({ ...mail, n: i }))));
    const k2 = makeKey('ES256', 'k2');
    problem(await s.get('/v1/posts', bearer(issuer.token(mail, { key: k2 }))), 503, 'issuer_away');
    await sleep(6500 * slow);
    problem(await s.get('/v1/posts', bearer(issuer.token({ ...mail, n: 7 }))), 503, 'issuer_away'); // too old now
    issuer.keys.unshift(k2);
    await issuer.start(port);
    await sleep(300);
    ok(await s.get('/v1/posts', bearer(issuer.token(mail))));
  });

with_issuer('odd key sets and documents', ['account: email'], '  issuer_refresh: 100ms\n  issuer_keys_ttl: 100ms', async (s, issuer) => {
  const mail = { email: 'ada@x.io', email_verified: true };
  const away = async () => { await sleep(150); problem(await s.get('/v1/posts', bearer(issuer.token(mail))), 503, 'issuer_away'); };
  for (const document of [[], {}, { keys: {} }, { keys: [] }, { keys: [1, null, { kty: 'EC' }] }, { keys: [{ kty: 'oct', k: 'A'.repeat(64), kid: 'k1', alg: 'HS256' }] },
    { keys: [{ ...issuer.keys[0].private.export({ format: 'jwk' }), kid: 'k1' }] }]) {
    issuer.document = document;
    await away();
  }
  issuer.document = undefined;
  issuer.says = 'http://127.0.0.1:1';
  await away();
  issuer.says = undefined;
  issuer.jwks = 'http://169.254.169.254/keys'; // no https, and not for servers
  await away();
  issuer.jwks = 'https://10.0.0.1/keys';
  await away();
  issuer.jwks = undefined;
  await sleep(150);
  ok(await s.get('/v1/posts', bearer(issuer.token(mail))));
});

play('faults of the settings', { migrations, config: '', on: ['sqlite'], serve: false }, async (s) => {
  const fault = (lines, what) => {
    s.project.config(auth(lines));
    const r = s.project.cairn('serve', '--listen', '127.0.0.1:0');
    assert.notEqual(r.code, 0, r.all);
    assert.match(r.all, what);
  };
  const good = ['issuer: https://a.example.com', 'audience: api'];
  fault(['issuer: http://a.example.com', 'audience: api'], /cairn\.yaml:10:\d+.*https:\/\/ URL/);
  fault(['issuer: https://a.example.com'], /needs `audience`/);
  fault(['audience: api'], /needs `issuer`/);
  fault([...good, 'algorithms: [HS256]'], /expected EdDSA, ES256 or RS256/);
  fault([...good, 'algorithm: [ES256]'], /did you mean `algorithms`/);
  fault([...good, 'column: email'], /`column` needs `account`/);
  fault([...good, 'account: sub', 'column: name'], /'name' is not unique/);
  fault([...good, 'account: sub', 'column: emial'], /did you mean 'email'/);
});
