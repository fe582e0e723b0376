// Roles, what each may do and who has which, in tables of the project. SPDX: Apache-2.0
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { play, ok, problem, assert, sleep, slow } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
// The guide's own: what a permission is called there stands in `name`, what it allows in `allows`.
const migrations = `
CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT, password_hash TEXT);
CREATE TABLE posts (
  id SERIAL PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, title TEXT NOT NULL);
CREATE TABLE roles (id SERIAL PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE permissions (id SERIAL PRIMARY KEY, name TEXT NOT NULL UNIQUE, allows TEXT NOT NULL);
CREATE TABLE role_permissions (
  role_id INTEGER NOT NULL REFERENCES roles(id) ON DELETE CASCADE,
  permission_id INTEGER NOT NULL REFERENCES permissions(id) ON DELETE CASCADE, PRIMARY KEY (role_id, permission_id));
CREATE TABLE user_roles (
  user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  role_id INTEGER NOT NULL REFERENCES roles(id) ON DELETE CASCADE, PRIMARY KEY (user_id, role_id));
CREATE TABLE role_includes (
  role_id INTEGER NOT NULL REFERENCES roles(id) ON DELETE CASCADE,
  includes_id INTEGER NOT NULL REFERENCES roles(id) ON DELETE CASCADE, PRIMARY KEY (role_id, includes_id));
INSERT INTO users (email, name) VALUES ('nobody@x.io', 'Nobody');
INSERT INTO posts (author_id, title) VALUES (1, 'first'), (1, 'second'), (1, 'third');
INSERT INTO roles (name) VALUES ('admin'), ('editor'), ('viewer');
INSERT INTO permissions (name, allows) VALUES
  ('create_user', 'users:create'), ('delete_user', 'users:delete'), ('view_all', '*:read'), ('edit_all', '*:update'),
  ('create_post', 'posts:create'), ('edit_post', 'posts:update:own'), ('delete_own_post', 'posts:delete:own'),
  ('view_posts', 'posts:read'), ('delete_post', 'posts:delete');
INSERT INTO role_permissions (role_id, permission_id) VALUES
  (1, 1), (1, 2), (1, 3), (1, 4), (1, 9), (2, 5), (2, 6), (2, 7), (3, 8);
INSERT INTO role_includes (role_id, includes_id) VALUES (1, 2), (2, 3);`;
const config = `
auth:
  table: users
  role_table: roles
  permission_name: allows
  role_include_table: role_includes
  hash_memory: 64K
  hash_passes: 1
roles:
  keeper: { can: ["roles:*", "permissions:*", "role_permissions:*", "user_roles:*", "role_includes:*"] }
`;
const what = { migrations, config, on };
const password = 'correct horse battery';

async function person(s, name, role) {
  s.project.do('account', 'add', `${name}@x.io`, '--column', `name=${name}`, ...(role ? ['--role', role] : []), { input: `${password}\n` });
  const t = ok(await s.post('/v1/auth/login', { email: `${name}@x.io`, password }));
  return { id: t.user.id, as: { Authorization: `Bearer ${t.access_token}` } };
}

// Past Cairn, as another process would.
function sql(p, text) {
  if (p.engine === 'postgres') return p.psql(text);
  const r = spawnSync('sqlite3', ['-cmd', '.timeout 10000', '-cmd', 'PRAGMA foreign_keys = ON', path.join(p.data, fs.readdirSync(p.data).find((f) => f.endsWith('.db'))), text], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
  return r.stdout;
}

play('the guide\'s three roles, out of tables', what, async (s) => {
  const [alice, bob, charlie, dan] = [await person(s, 'alice', 'admin'), await person(s, 'bob', 'editor'), await person(s, 'charlie', 'viewer'), await person(s, 'dan')];
  // requirePermission('create_post')
  problem(await s.post('/v1/posts', { author_id: charlie.id, title: 'no' }, charlie.as), 403, 'forbidden');
  const mine = ok(await s.post('/v1/posts', { author_id: bob.id, title: 'bob' }, bob.as), 201);
  // requirePermission('delete_user')
  problem(await s.delete('/v1/users/1', bob.as), 403);
  problem(await s.get('/v1/posts/1', dan.as), 403, 'forbidden');
  problem(await s.get('/v1/posts/1'), 401, 'sign_in_required');
  // canDeletePost: an admin any, an editor his own
  problem(await s.delete('/v1/posts/1', bob.as), 403, 'forbidden');
  problem(await s.delete('/v1/posts/1', charlie.as), 403, 'forbidden');
  ok(await s.delete(`/v1/posts/${mine.id}`, bob.as), 204);
  ok(await s.delete('/v1/posts/1', alice.as), 204);
  // The hierarchy: an admin has what editors and viewers have
  ok(await s.post('/v1/posts', { author_id: alice.id, title: 'alice' }, alice.as), 201);
  assert.equal(ok(await s.get('/v1/posts', charlie.as)).data.length, 3);
  ok(await s.delete('/v1/users/1', alice.as), 204);
});

play('what changes in the tables counts at once', what, async (s) => {
  sql(s.project, "INSERT INTO roles (name) VALUES ('keeper')");
  const kay = await person(s, 'kay', 'keeper');
  const [eve, many] = [await person(s, 'eve', 'viewer'), 12];
  const all = (n, who, want) => Promise.all(Array.from({ length: n }, async () => assert.equal((await s.get('/v1/posts/1', who)).status, want)));
  await all(many, eve.as, 200);
  problem(await s.post('/v1/posts', { author_id: eve.id, title: 'x' }, eve.as), 403);
  // A permission more for her role
  ok(await s.post('/v1/role_permissions', { role_id: 3, permission_id: 5 }, kay.as), 201);
  ok(await s.post('/v1/posts', { author_id: eve.id, title: 'x' }, eve.as), 201);
  // and taken away, of all connections
  ok(await s.delete('/v1/role_permissions/3,8', kay.as), 204);
  await all(many, eve.as, 403);
  // A new role with a new permission, given to her in one batch
  const made = await s.post('/v1/batch', { operations: [
    { method: 'POST', path: '/v1/roles', body: { name: 'reader' } },
    { method: 'POST', path: '/v1/permissions', body: { name: 'read', allows: 'posts:read' } },
  ] }, kay.as);
  const [role, permission] = ok(made).results.map((r) => r.body.id);
  ok(await s.post('/v1/role_permissions', { role_id: role, permission_id: permission }, kay.as), 201);
  problem(await s.get('/v1/posts/1', eve.as), 403);
  ok(await s.post('/v1/user_roles', { user_id: eve.id, role_id: role }, kay.as), 201);
  await all(many, eve.as, 200);
  // The old token of somebody who has lost a role is worth nothing more
  ok(await s.delete(`/v1/user_roles/${eve.id},${role}`, kay.as), 204);
  await all(many, eve.as, 403);
  // An API key is narrowed by what its owner has now
  ok(await s.post('/v1/user_roles', { user_id: eve.id, role_id: role }, kay.as), 201);
  const key = { 'X-API-Key': ok(await s.post('/v1/auth/keys', { name: 'k' }, eve.as), 201).key };
  ok(await s.get('/v1/posts/1', key));
  ok(await s.delete(`/v1/user_roles/${eve.id},${role}`, kay.as), 204);
  problem(await s.get('/v1/posts/1', key), 403);
});

play('what another process changes counts within seconds', what, async (s) => {
  const eve = await person(s, 'eve', 'viewer');
  const becomes = async (status) => {
    for (let i = 0; i < 40 * slow; i++) {
      if ((await s.get('/v1/posts/1', eve.as)).status === status) return;
      await sleep(100);
    }
    assert.fail(`it never became ${status}`);
  };
  ok(await s.get('/v1/posts/1', eve.as));
  sql(s.project, 'DELETE FROM role_permissions WHERE role_id = 3');
  await becomes(403);
  sql(s.project, 'INSERT INTO role_permissions (role_id, permission_id) VALUES (3, 8)');
  await becomes(200);
  sql(s.project, `DELETE FROM user_roles WHERE user_id = ${eve.id}`);
  await becomes(403);
  sql(s.project, `INSERT INTO user_roles (user_id, role_id) VALUES (${eve.id}, 2)`);
  await becomes(200);
  sql(s.project, `DELETE FROM users WHERE id = ${eve.id}`);
  await becomes(401);
});

play('rows that say nothing grant nothing, and are told of', { ...what, serve: false }, async (s, p) => {
  p.do('migrate', 'up');
  sql(p, `INSERT INTO permissions (id, name, allows) VALUES (20, 'typo', 'pots:read'), (21, 'odd', 'posts:fly'), (22, 'nobody owns it', 'permissions:update:own');
    INSERT INTO role_permissions (role_id, permission_id) VALUES (3, 20), (3, 21), (3, 22);
    INSERT INTO role_includes (role_id, includes_id) VALUES (3, 2);
    INSERT INTO roles (id, name) VALUES (30, 'anyone');`);
  p.do('account', 'add', 'eve@x.io', '--role', 'viewer', { input: `${password}\n` });
  const said = p.do('can', 'eve@x.io', 'read', 'posts/1').out;
  for (const words of [/left out: .*no table 'pots'; did you mean 'posts'/, /left out: 'posts:fly' of the role 'viewer' is no permission/, /nobody owns it/,
    /'anyone' cannot be the name of a role/, /'viewer' and 'editor' include each other|'editor' and 'viewer' include each other/, /the tables: posts:read {2}for viewer: allows it/, /^yes/m]) assert.match(said, words);
  assert.match(p.cairn('can', 'eve@x.io', 'update', 'permissions/1').out, /^no/m);
  assert.match(p.cairn('account', 'add', 'bad@x.io', '--role', 'vewer', { input: `${password}\n` }).all, /there is no role 'vewer'/);
});

play('tables that are not as they must be stop the start', { ...what, on: ['sqlite'], serve: false }, async (s, p) => {
  for (const [from, to, words] of [
    ['role_table: roles', 'role_table: rolls', /auth\.role_table: there is no table 'rolls'; did you mean 'roles'/],
    ['role_table: roles', 'role_table: roles\n  role_name: title', /'roles' has no text column 'title'/],
    ['permission_name: allows', 'user_role_table: role_permissions', /'role_permissions' has no foreign key to 'users'/],
    ['role_include_table: role_includes', 'role_include_table: user_roles', /'user_roles' has no second foreign key to 'roles'/],
    ['table: users\n', 'table: ""\n', /there are no accounts/],
  ]) {
    assert.ok(config.includes(from), from);
    p.config(config.replace(from, to));
    const r = p.cairn('check');
    assert.notEqual(r.code, 0, `${to} was taken`);
    assert.match(r.all, words);
  }
});

play('who has no role in the tables has the default one', { ...what, config: config.replace('table: users', 'table: users\n  default_role: viewer') }, async (s) => {
  const t = ok(await s.post('/v1/auth/register', { email: 'new@x.io', name: 'New', password }), 201);
  ok(await s.get('/v1/posts/1', { Authorization: `Bearer ${t.access_token}` }));
  problem(await s.post('/v1/posts', { author_id: 1, title: 'x' }, { Authorization: `Bearer ${t.access_token}` }), 403);
});

// Rows of a table that takes grants of roles along, and of one that takes nothing along.
const packs = { ...what, migrations: `${migrations}
CREATE TABLE packs (id SERIAL PRIMARY KEY, name TEXT);
CREATE TABLE boxes (id SERIAL PRIMARY KEY, pack_id INTEGER REFERENCES packs(id) ON DELETE CASCADE);
CREATE TABLE role_boxes (
  id SERIAL PRIMARY KEY, role_id INTEGER NOT NULL REFERENCES roles(id) ON DELETE CASCADE,
  permission_id INTEGER NOT NULL REFERENCES permissions(id) ON DELETE CASCADE,
  box_id INTEGER REFERENCES boxes(id) ON DELETE CASCADE);
INSERT INTO packs (name) VALUES ('one'), ('two'), ('three'), ('four'), ('five');
INSERT INTO boxes (pack_id) VALUES (1), (2), (3), (4), (5);
INSERT INTO role_boxes (role_id, permission_id, box_id) VALUES (3, 8, 1);`,
config: config.replace('permission_name', 'role_permission_table: role_boxes\n  permission_name').replace('"role_permissions:*"', '"role_boxes:*", "packs:*"') };

play('grants that go along with another row are gone at once', packs, async (s) => {
  sql(s.project, "INSERT INTO roles (name) VALUES ('keeper')");
  const [kay, eve] = [await person(s, 'kay', 'keeper'), await person(s, 'eve', 'viewer')];
  for (let id = 1; id <= 5; id++) {
    ok(await s.get('/v1/posts/1', eve.as));
    ok(await s.delete(`/v1/packs/${id}`, kay.as), 204);
    problem(await s.get('/v1/posts/1', eve.as), 403, 'forbidden');
    if (id < 5) ok(await s.post('/v1/role_boxes', { role_id: 3, permission_id: 8, box_id: id + 1 }, kay.as), 201);
  }
});

play('a change of roles, and a reload, give nobody new attempts to sign in', { ...what, args: ['--set', 'auth.attempts=3'] }, async (s) => {
  sql(s.project, "INSERT INTO roles (name) VALUES ('keeper')");
  const [kay, eve] = [await person(s, 'kay', 'keeper'), await person(s, 'eve', 'viewer')];
  const wrong = () => s.post('/v1/auth/login', { email: 'eve@x.io', password: 'wrong horse battery' });
  for (let i = 0; i < 4 && (await wrong()).status !== 429; i++);
  problem(await wrong(), 429, 'too_many_attempts');
  ok(await s.post('/v1/role_permissions', { role_id: 3, permission_id: 5 }, kay.as), 201);
  ok(await s.post('/v1/posts', { author_id: eve.id, title: 'counts' }, eve.as), 201);
  problem(await wrong(), 429, 'too_many_attempts');
  s.signal('SIGHUP');
  await s.waitLog((l) => l.msg === 'reloaded');
  problem(await wrong(), 429, 'too_many_attempts');
});

play('a change of roles that meets a reload counts before it is answered', what, async (s) => {
  sql(s.project, "INSERT INTO roles (name) VALUES ('keeper')");
  const [kay, eve] = [await person(s, 'kay', 'keeper'), await person(s, 'eve', 'viewer')];
  for (let i = 0; i < 20; i++) {
    s.signal('SIGHUP');
    await sleep(i % 7);
    if (i % 2 === 0) ok(await s.delete('/v1/role_permissions/3,8', kay.as), 204);
    else ok(await s.post('/v1/role_permissions', { role_id: 3, permission_id: 8 }, kay.as), 201);
    assert.equal((await s.get('/v1/posts/1', eve.as)).status, i % 2 ? 200 : 403, `round ${i}`);
  }
});

play('"own" of every table is about those that somebody owns', { ...what, serve: false }, async (s, p) => {
  p.do('migrate', 'up');
  sql(p, "INSERT INTO permissions (id, name, allows) VALUES (40, 'mine', '*:update:own'); INSERT INTO role_permissions (role_id, permission_id) VALUES (3, 40);");
  p.do('account', 'add', 'eve@x.io', '--role', 'viewer', { input: `${password}\n` });
  sql(p, "INSERT INTO posts (id, author_id, title) SELECT 77, id, 'mine' FROM users WHERE email = 'eve@x.io'");
  const mine = p.do('can', 'eve@x.io', 'update', 'posts/77').out;
  assert.match(mine, /^yes/m);
  assert.doesNotMatch(mine, /left out/);
  assert.match(p.cairn('can', 'eve@x.io', 'update', 'posts/1').out, /^no/m);
  assert.match(p.cairn('can', 'eve@x.io', 'update', 'permissions/1').out, /^no/m);
});

play('cairn openapi knows the roles of the tables', { ...what, serve: false }, async (s, p) => {
  p.do('migrate', 'up');
  const paths = (role) => JSON.parse(p.do('openapi', '--role', role).out).paths;
  assert.ok(paths('viewer')['/v1/posts'].get && !paths('viewer')['/v1/posts'].post);
  assert.ok(paths('editor')['/v1/posts'].post);
  const r = p.cairn('openapi', '--role', 'vewer');
  assert.notEqual(r.code, 0);
  assert.match(r.all, /there is no role 'vewer'; did you mean 'viewer'/);
});
