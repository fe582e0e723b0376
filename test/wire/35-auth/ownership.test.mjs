// Whose an account is stays so: nobody leaves a way in behind for its owner to come, nobody inherits one. SPDX: Apache-2.0
import { play, ok, problem, assert, sleep } from '../lib.mjs';
import { Jar, Provider, back, dance } from './provider.mjs';

const on = ['sqlite', 'postgres'];
const users = (verified = 'verified BOOLEAN NOT NULL DEFAULT false') => `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL DEFAULT 'x', picture TEXT,
  password_hash TEXT, role TEXT NOT NULL DEFAULT 'viewer', ${verified});`;
const settings = (providers, more) => `
mail: { from: Shop <shop@example.com> }
auth:
  table: users
  roles: role
  verified: verified
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
const register = async (s, email = victim) => ok(await s.post('/v1/auth/register', { email, password }), 201).user;
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
