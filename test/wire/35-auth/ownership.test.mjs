// Whose an account is stays so: nobody leaves a way in behind for its owner to come, nobody inherits one. SPDX: Apache-2.0
import { play, ok, problem, assert, sleep } from '../lib.mjs';
import { Jar, Provider, back, dance } from './provider.mjs';

const on = ['sqlite', 'postgres'];
const users = (verified = 'verified BOOLEAN NOT NULL DEFAULT false') => `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL DEFAULT 'x', picture TEXT,
  password_hash TEXT, role TEXT NOT NULL DEFAULT 'viewer', ${verified});`;
const settings = (providers, more) => `
${more.mail ?? 'mail: { from: Shop <shop@example.com> }'}
auth:
  table: users
  roles: role
  ${more.proved ?? 'verified: verified'}
  hash_memory: 64K
  hash_passes: 1
${more.auth ?? ''}
  providers:
${providers}
roles: { viewer: {}, admin: { can: ["*"] } }
access: { users: [{ roles: signed_in, can: [read, update], where: 'id == me.id' }] }
${more.config ?? ''}
`;
const corp = (p) => `    - { name: corp, issuer: "${p.url}", client_id: cairn, client_secret: "\${CORP_SECRET}" }`;

// fn(s, provider), the server started once the provider's address is known
function world(name, more, fn) {
  play(name, { migrations: more.migrations ?? users(more.verified), config: '', on: more.on ?? on, serve: false }, async (s) => {
    const p = await new Provider().start();
    s.project.env.CORP_SECRET = 'hush & +';
    try {
      s.project.write('queries/q.sql', '-- name: drop\n-- roles: admin\n-- method: POST\n-- param: id int\nDELETE FROM users WHERE id = :id;\n');
      s.project.config(settings((more.providers ?? corp)(p), more));
      await s.start();
      await fn(s, p);
    } finally {
      await p.stop();
    }
  });
}
const password = 'correct horse battery';
const victim = 'victim@x.io';
const theirs = { sub: 'v1', email: victim, email_verified: true, name: 'Victim' };
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token ?? t}` });
const letters = async (s, to, kind) => ok(await s.get('/dev/mail.json')).data.filter((l) => l.to === to && (!kind || l.kind === kind));
const token = async (s, to, kind) => /token=(\S+)/.exec((await letters(s, to, kind))[0].plain)[1];
const register = async (s, email = victim) => ok(await s.post('/v1/auth/register', { email, password }), 201);
const token_of = (s, p, claims) => dance(s, p, claims, { query: '?session=token' });

for (const type of ['INTEGER', 'BIGINT']) {
  world(`0 in a column of ${type} is not verified: a provider's sign-in is not led into that account`, { verified: `verified ${type} DEFAULT 0` }, async (s, p) => {
    await register(s);
    problem(await s.post('/v1/auth/login', { email: victim, password }), 403, 'not_verified');
    problem(await token_of(s, p, theirs), 409, 'account_exists');
    ok(await s.post('/v1/auth/verify', { token: await token(s, victim, 'verify') }), 204);
    const { user } = ok(await s.post('/v1/auth/login', { email: victim, password }));
    assert.ok(user.verified > 1e9, 'the time of the proof');
    assert.equal(ok(await token_of(s, p, theirs)).user.id, user.id);
  });
}

const refused = ['INTEGER NOT NULL DEFAULT 0', 'BIGINT NOT NULL DEFAULT 0', 'SMALLINT', 'TEXT', "VARCHAR(10) NOT NULL DEFAULT ''", 'TIMESTAMPTZ NOT NULL DEFAULT now()', 'DATE', 'NUMERIC', 'JSONB'];
const taken = ['BOOLEAN', 'BOOLEAN NOT NULL DEFAULT false', 'TIMESTAMPTZ', 'TIMESTAMP', 'INTEGER', 'BIGINT DEFAULT 0'];
const each = [...refused, ...taken].map((column, i) => users(`verified ${column}`).replace('TABLE users', `TABLE users${i}`)).join('\n');
play('a column that cannot say no is no auth.verified', { config: '', migrations: each, on, serve: false }, async ({ project }) => {
  project.do('migrate', 'up');
  [...refused, ...taken].forEach((column, i) => {
    project.config(`auth: { table: users${i}, verified: verified }\n`);
    const r = project.cairn('check');
    const fault = /auth\.verified: the column 'verified' must be a boolean, or a time or integer that may be null/;
    if (i < refused.length) {
      assert.notEqual(r.code, 0, column);
      assert.match(r.all, fault, column);
    } else assert.equal(r.code, 0, `${column}: ${r.all}`);
  });
});

// The account that a database gives an id to that was another's.
async function heir(s, id) {
  s.project.do('account', 'add', 'heir@x.io', '--column', `id=${id},verified=true`, { input: `${password}\n` });
  return ok(await s.post('/v1/auth/login', { email: 'heir@x.io', password })).user;
}
const ways = {
  'a row that is deleted': (s, id, boss) => s.delete(`/v1/users/${id}`, boss),
  'a batch': (s, id, boss) => s.post('/v1/batch', { operations: [{ method: 'DELETE', path: `/v1/users/${id}` }] }, boss),
  'a query': (s, id, boss) => s.post('/v1/q/drop', { id }, boss),
  'its owner': (s, id, boss, own) => s.fetch('/v1/auth/me', { method: 'DELETE', headers: { ...own, 'Content-Type': 'application/json' }, body: '{}' }),
  'another program': (s, id) => s.project.psql(`DELETE FROM users WHERE id = ${id}`),
  'another id': (s, id) => s.project.psql(`UPDATE users SET id = 1000 WHERE id = ${id}`),
  'a table that is emptied': (s) => s.project.psql('TRUNCATE users'),
};
for (const [way, remove] of Object.entries(ways)) {
  const engines = /psql/.test(remove) ? ['postgres'] : on;
  world(`an account goes, by ${way}, and nothing of it opens the next one of its id`, { on: engines }, async (s, p) => {
    s.project.do('account', 'add', 'boss@x.io', '--role', 'admin', '--column', 'verified=true', { input: `${password}\n` });
    const boss = bearer(ok(await s.post('/v1/auth/login', { email: 'boss@x.io', password })));
    const t = ok(await token_of(s, p, theirs));
    const key = ok(await s.post('/v1/auth/keys', { name: 'mine' }, bearer(t)), 201).key;
    ok(await s.get('/v1/auth/me', { 'X-API-Key': key }));
    const gone = await remove(s, t.user.id, boss, bearer(t));
    if (gone.status) assert.ok(gone.status < 300, gone.text);
    const next = await heir(s, t.user.id);
    assert.equal(next.id, t.user.id, 'the id is given again');
    problem(await s.post('/v1/auth/refresh', { refresh_token: t.refresh_token }), 401);
    for (let i = 0; i < 60 && (await s.get('/v1/auth/me', bearer(t))).status !== 401; i++) await sleep(50); // told every second
    problem(await s.get('/v1/auth/me', bearer(t)), 401);
    problem(await s.get('/v1/auth/me', { 'X-API-Key': key }), 401);
    assert.notEqual(ok(await token_of(s, p, theirs)).user.id, next.id, 'the provider speaks of somebody else');
    const own = ok(await s.post('/v1/auth/login', { email: 'heir@x.io', password }));
    assert.deepEqual(ok(await s.get('/v1/auth/identities', bearer(own))).data, []);
    assert.deepEqual(ok(await s.get('/v1/auth/keys', bearer(own))).data, []);
  });
}

const link = async (s, p, headers, claims, name = 'corp') => {
  const jar = new Jar();
  const r = jar.take(await s.post(`/v1/auth/oauth/${name}/link`, {}, headers));
  const led = await back(s, p, ok(r).url, claims, { jar, name });
  assert.equal(led.status, 204, led.text);
};
const mallory = { sub: 'm1', email: 'mallory@x.io', email_verified: true };

world('whoever made an account for a foreign address is out when its owner sets a password by letter', { proved: '' }, async (s, p) => {
  const made = ok(await s.post('/v1/auth/register', { email: victim, password }), 201);
  await link(s, p, bearer(made), mallory);
  const key = ok(await s.post('/v1/auth/keys', { name: 'kept' }, bearer(made)), 201).key;
  if (s.project.engine === 'postgres') s.project.psql(`INSERT INTO cairn_passkeys VALUES ('pk', '${made.user.id}', 'n', 'k', 0, 1, 0, 0)`);
  assert.equal(ok(await token_of(s, p, mallory)).user.id, made.user.id);
  ok(await s.post('/v1/auth/reset/send', { email: victim }), 202);
  ok(await s.post('/v1/auth/reset', { token: await token(s, victim, 'reset'), password: 'another horse battery' }), 204);
  assert.notEqual(ok(await token_of(s, p, mallory)).user.id, made.user.id);
  problem(await s.get('/v1/auth/me', { 'X-API-Key': key }), 401);
  const own = bearer(ok(await s.post('/v1/auth/login', { email: victim, password: 'another horse battery' })));
  assert.deepEqual(ok(await s.get('/v1/auth/identities', own)).data, []);
  assert.deepEqual(ok(await s.get('/v1/auth/passkeys', own)).data, []);
});

world('settings may keep what a new password would end', { proved: '', auth: '  reset_ends_keys: false' }, async (s, p) => {
  const made = ok(await s.post('/v1/auth/register', { email: victim, password }), 201);
  await link(s, p, bearer(made), mallory);
  ok(await s.post('/v1/auth/reset/send', { email: victim }), 202);
  ok(await s.post('/v1/auth/reset', { token: await token(s, victim, 'reset'), password: 'another horse battery' }), 204);
  assert.equal(ok(await token_of(s, p, mallory)).user.id, made.user.id);
});

world('and when he first signs in by letter to an account that nobody had proved', { on: ['postgres'] }, async (s, p) => {
  const { id } = await register(s);
  s.project.psql(`INSERT INTO cairn_identities VALUES ('i1', 'corp', 'm1', '${p.url}', '${id}', '', 1, 0); INSERT INTO cairn_passkeys VALUES ('pk', '${id}', 'n', 'k', 0, 1, 0, 0)`);
  problem(await token_of(s, p, mallory), 403, 'not_verified');
  ok(await s.post('/v1/auth/magic/send', { email: victim }), 202);
  const own = ok(await s.post('/v1/auth/magic', { token: await token(s, victim, 'magic') }));
  assert.equal(own.user.id, id);
  assert.deepEqual(ok(await s.get('/v1/auth/identities', bearer(own))).data, []);
  assert.deepEqual(ok(await s.get('/v1/auth/passkeys', bearer(own))).data, []);
  assert.notEqual(ok(await token_of(s, p, mallory)).user.id, id);
});

world('a passkey that is the second factor outlives a new password by letter', { on: ['postgres'], proved: '', auth: '  mfa: required' }, async (s) => {
  s.project.do('account', 'add', victim, '--column', 'verified=true', { input: `${password}\n` });
  s.project.psql("INSERT INTO cairn_passkeys VALUES ('pk', '1', 'n', 'k', 0, 1, 0, 0)");
  ok(await s.post('/v1/auth/reset/send', { email: victim }), 202);
  ok(await s.post('/v1/auth/reset', { token: await token(s, victim, 'reset'), password: 'another horse battery' }), 204);
  problem(await s.post('/v1/auth/login', { email: victim, password: 'another horse battery' }), 401, 'mfa_required');
});

play('an address that only looks like the one that was proved links nothing', { migrations: users(), config: '', on: ['postgres'], serve: false }, async (s) => {
  const p = await new Provider().start();
  try {
    s.project.env.CORP_SECRET = 'hush & +';
    s.project.config(settings(corp(p), {}));
    s.project.do('migrate', 'up');
    s.project.psql("CREATE COLLATION folds (provider = icu, locale = 'und-u-ks-level1', deterministic = false); ALTER TABLE users ALTER email TYPE varchar(200) COLLATE folds");
    await s.start();
    s.project.do('account', 'add', 'víctim@x.io', '--column', 'verified=true', { input: `${password}\n` });
    problem(await token_of(s, p, theirs), 409, 'account_exists');
    s.project.psql("UPDATE users SET email = 'VICTIM@x.io'");
    assert.equal(ok(await token_of(s, p, theirs)).user.id, 1, 'in other letters, which mail does not tell apart');
  } finally {
    await p.stop();
  }
});

const two = (p) => `${corp(p)}\n${corp(p).replace('name: corp', 'name: old')}`;
world('the last way in that the settings still know is not taken away', { mail: 'name: Shop', providers: two }, async (s, p) => {
  const session = async () => bearer(ok(await token_of(s, p, theirs)));
  const own = await session();
  await link(s, p, own, { ...theirs, sub: 'o1' }, 'old');
  const list = async () => ok(await s.get('/v1/auth/identities', await session())).data;
  const all = await list();
  const of = (name) => all.find((i) => i.provider === name).id;
  // of two at once one stays
  for (let i = 0; i < 5; i++) {
    const fresh = await session();
    const both = await Promise.all(['corp', 'old'].map((name) => s.delete(`/v1/auth/identities/${of(name)}`, fresh)));
    assert.deepEqual(both.map((r) => r.status).sort(), [204, 409]);
    if (both[0].status === 204) break; // by corp nobody gets in again
    await link(s, p, fresh, { ...theirs, sub: `o${i + 2}` }, 'old');
    all.splice(0, 2, ...await list());
  }
});

world('an identity at a provider that the settings do not know is no way in', { mail: 'name: Shop', providers: two }, async (s, p) => {
  const own = bearer(ok(await token_of(s, p, theirs)));
  await link(s, p, own, { ...theirs, sub: 'o1' }, 'old');
  const { id } = ok(await s.get('/v1/auth/identities', own)).data.find((i) => i.provider === 'corp');
  await s.stop();
  s.project.config(settings(corp(p), { mail: 'name: Shop' }));
  await s.start();
  problem(await s.delete(`/v1/auth/identities/${id}`, bearer(ok(await token_of(s, p, theirs)))), 409, 'last_sign_in');
});

const handles = users().replace('email VARCHAR', 'handle VARCHAR(200) NOT NULL UNIQUE, email VARCHAR');
world('a name of the provider that is taken here: the address is the name', { migrations: handles, auth: '  login: handle\n  email: email' }, async (s, p) => {
  ok(await s.post('/v1/auth/register', { handle: 'ann', email: 'ann@x.io', password }), 201);
  const ann = { sub: 'a2', email: 'ann@y.io', email_verified: true, preferred_username: 'ann' };
  const { user } = ok(await token_of(s, p, ann));
  assert.deepEqual([user.handle, user.email], ['ann@y.io', 'ann@y.io']);
  assert.equal(ok(await token_of(s, p, { ...ann, sub: 'b1', email: 'bea@y.io', preferred_username: 'bea' })).user.handle, 'bea');
});

world('two sign-ins of a new person at once make one account', {}, async (s, p) => {
  for (let i = 0; i < 5; i++) {
    const who = { sub: `n${i}`, email: `n${i}@x.io`, email_verified: true };
    const flows = [];
    for (let k = 0; k < 2; k++) {
      const jar = new Jar();
      const r = jar.take(await s.get('/v1/auth/oauth/corp?session=token', jar.headers));
      flows.push({ jar, url: r.header('location') });
    }
    const both = await Promise.all(flows.map((f) => back(s, p, f.url, who, { jar: f.jar, name: 'corp' })));
    assert.equal(ok(both[0]).user.id, ok(both[1]).user.id);
  }
});

world('a picture is an https address, or none', {}, async (s, p) => {
  for (const [i, bad] of ['javascript:alert(1)', 'http://x.io/a.png', 'data:text/html,x', '//x.io/a', 7].entries()) {
    assert.equal(ok(await token_of(s, p, { sub: `p${i}`, email: `p${i}@x.io`, email_verified: true, picture: bad })).user.picture, null);
  }
  assert.equal(ok(await token_of(s, p, { sub: 'p', email: 'p@x.io', email_verified: true, picture: 'https://x.io/a.png' })).user.picture, 'https://x.io/a.png');
});

world('the owner of an account is told of each new way into it', {}, async (s, p) => {
  await register(s);
  ok(await s.post('/v1/auth/verify', { token: await token(s, victim, 'verify') }), 204); // and its maker's password stays
  ok(await token_of(s, p, theirs));
  const [letter, ...more] = await letters(s, victim, 'linked');
  assert.equal(more.length, 0);
  assert.equal(letter.subject, 'A new way to sign in');
  assert.match(letter.plain, /corp.*from 127\.0\.0\.1/s);
  assert.match(letter.plain, /choose a new password/);
  ok(await token_of(s, p, theirs));
  assert.equal((await letters(s, victim, 'linked')).length, 1, 'not of each use');
  await link(s, p, bearer(ok(await s.post('/v1/auth/login', { email: victim, password }))), { ...theirs, sub: 'v2' });
  assert.equal((await letters(s, victim, 'linked')).length, 2);
});
