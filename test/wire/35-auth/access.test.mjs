// Roles, ownership and row rules: who may see and do what. SPDX: Apache-2.0
import { play, ok, problem, assert } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL,
  password_hash TEXT, role TEXT NOT NULL DEFAULT 'viewer');
CREATE TABLE posts (
  id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, title TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'draft', secret TEXT);
CREATE INDEX posts_user ON posts (user_id);
CREATE TABLE comments (
  id SERIAL PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts(id) ON DELETE CASCADE, user_id INTEGER NOT NULL REFERENCES users(id),
  body TEXT NOT NULL);
CREATE TABLE audit (id SERIAL PRIMARY KEY, line TEXT NOT NULL);
INSERT INTO users (email, name, role) VALUES ('alice@x.io', 'Alice', 'admin'), ('bob@x.io', 'Bob', 'editor'), ('charlie@x.io', 'Charlie', 'viewer');
INSERT INTO posts (user_id, title, status, secret) VALUES (1, 'a1', 'public', 's1'), (2, 'b1', 'public', 's2'), (2, 'b2', 'draft', 's3'), (3, 'c1', 'draft', 's4');
INSERT INTO comments (post_id, user_id, body) VALUES (1, 2, 'on a1'), (3, 3, 'on b2'), (4, 1, 'on c1');
INSERT INTO audit (line) VALUES ('x');`;
const config = `
auth: { table: users, roles: role, hash_memory: 64K, hash_passes: 1 }
roles:
  viewer: {}
  editor: { includes: [viewer], can: ["posts:create", "posts:update:own", "posts:delete:own"] }
  admin: { includes: [editor], can: ["*"] }
access:
  posts:
    - { roles: anyone, can: read, where: 'user_id == me.id or status == "public"', hide: [secret] }
    - { roles: editor, can: create, set: { user_id: me.id } }
  comments:
    - { roles: signed_in, can: read }
    - { roles: signed_in, can: create, check: 'user_id == me.id' }
  users:
    - { roles: anyone, can: read, columns: [id, name] }
    - { roles: signed_in, can: [read, update], where: 'id == me.id', hide: [role] }
`;
const what = { migrations, config, on };
const password = 'correct horse battery';

async function signIn(s, name) {
  const t = ok(await s.post('/v1/auth/login', { email: `${name}@x.io`, password }));
  return { id: t.user.id, Authorization: `Bearer ${t.access_token}` };
}
const as = (p) => ({ Authorization: p.Authorization });

// People of each role, made on the command line as the first admin of a project is.
async function cast(s) {
  for (const [name, role] of [['dora', 'viewer'], ['emil', 'editor'], ['anna', 'admin']]) {
    s.project.do('account', 'add', `${name}@x.io`, '--role', role, '--column', `name=${name}`, { input: `${password}\n` });
  }
  return { dora: await signIn(s, 'dora'), emil: await signIn(s, 'emil'), anna: await signIn(s, 'anna') };
}

play('nobody sees what no rule shows', what, async (s) => {
  problem(await s.get('/v1/audit'), 401, 'sign_in_required');
  problem(await s.get('/v1/comments'), 401, 'sign_in_required');
  assert.deepEqual(await s.ids('/v1/posts?sort=id'), [1, 2]);
  problem(await s.get('/v1/posts/3'), 404);
  ok(await s.get('/v1/posts/1'));
  problem(await s.post('/v1/posts', { title: 'x' }), 401, 'sign_in_required');
  problem(await s.delete('/v1/posts/1'), 401, 'sign_in_required');
  assert.deepEqual(Object.keys(ok(await s.get('/v1/users/1'))), ['id', 'name']);
  problem(await s.get('/v1/users?email=eq.alice@x.io'), 400);
});

play('the guide\'s three roles', what, async (s) => {
  const { dora, emil, anna } = await cast(s);
  problem(await s.get('/v1/audit', as(dora)), 403, 'forbidden');
  problem(await s.post('/v1/posts', { title: 'no' }, as(dora)), 403, 'forbidden');
  const made = ok(await s.post('/v1/posts', { title: 'mine' }, as(emil)), 201);
  assert.equal(made.user_id, emil.id);
  assert.equal('secret' in made, false);
  const forged = ok(await s.post('/v1/posts', { title: 'forged', user_id: 1 }, as(emil)), 201);
  assert.equal(forged.user_id, emil.id, 'the rule sets the owner, whatever the body says');
  ok(await s.patch(`/v1/posts/${made.id}`, { title: 'changed' }, as(emil)));
  problem(await s.patch('/v1/posts/1', { title: 'not mine' }, as(emil)), 403, 'forbidden');
  problem(await s.patch('/v1/posts/4', { title: 'unseen' }, as(emil)), 404);
  // A change of nothing shows no row either.
  problem(await s.patch('/v1/posts/1', {}, as(emil)), 403, 'forbidden');
  problem(await s.patch('/v1/posts/4', {}, as(emil)), 404);
  problem(await s.patch('/v1/posts/1', '', { ...as(emil), 'Content-Type': 'application/x-www-form-urlencoded' }), 403, 'forbidden');
  problem(await s.delete('/v1/posts/1', as(emil)), 403, 'forbidden');
  problem(await s.patch(`/v1/posts/${made.id}`, { user_id: 1 }, as(emil)), 403, 'forbidden');
  ok(await s.delete(`/v1/posts/${made.id}`, as(emil)), 204);
  ok(await s.delete('/v1/posts/1', as(anna)), 204);
  assert.equal(ok(await s.get('/v1/audit', as(anna))).data.length, 1);
  assert.ok('secret' in ok(await s.get('/v1/posts/2', as(anna))));
});

play('a rule holds in includes, relations, counts, sums and batches', what, async (s) => {
  const { dora, emil } = await cast(s);
  const mine = ok(await s.post('/v1/posts', { title: 'draft of emil' }, as(emil)), 201);
  assert.deepEqual((await s.list('/v1/users?id=eq.2&include=posts'))[0].posts.map((p) => p.id), [2]);
  assert.equal((await s.list('/v1/posts?include=user&sort=id'))[0].user.email, undefined);
  assert.deepEqual(await s.ids('/v1/users/2/posts'), [2]);
  assert.equal(ok(await s.get('/v1/posts?limit=1')).total, 2);
  assert.deepEqual(await s.ids('/v1/users?posts.title=eq.b2'), [], 'a filter across a relation sees no hidden row');
  assert.deepEqual(await s.ids('/v1/users?posts.status=eq.public&sort=id'), [1, 2]);
  problem(await s.get('/v1/posts?secret=like.s*'), 400);
  problem(await s.get('/v1/users?posts.secret=eq.s1'), 400);
  problem(await s.get('/v1/posts?include=comments'), 401);
  assert.equal(ok(await s.get('/v1/posts/1?include=comments', as(dora))).comments.length, 1);
  const seen = (await s.fetch('/v1/posts?sort=id', { headers: as(emil) })).body.data.map((p) => p.id);
  assert.deepEqual(seen, [1, 2, mine.id]);
  const r = await s.post('/v1/batch', { operations: [{ method: 'GET', path: '/v1/posts?sort=id' }, { method: 'DELETE', path: '/v1/posts/1' }] }, as(emil));
  problem(r, 403, 'forbidden');
  problem(await s.post('/v1/comments', { post_id: 1, user_id: 1, body: 'as somebody else' }, as(dora)), 403, 'forbidden');
  ok(await s.post('/v1/comments', { post_id: 1, user_id: dora.id, body: 'as myself' }, as(dora)), 201);
  problem(await s.post('/v1/comments', [{ post_id: 1, user_id: dora.id, body: 'a' }, { post_id: 1, user_id: 1, body: 'b' }], as(dora)), 403, 'forbidden');
  assert.equal(ok(await s.get('/v1/comments?body=in.(a,b)', as(dora))).data.length, 0);
});

play('own row, with other columns than those of others', what, async (s) => {
  const { dora } = await cast(s);
  ok(await s.patch(`/v1/users/${dora.id}`, { name: 'Dora' }, as(dora)));
  problem(await s.patch(`/v1/users/${dora.id}`, { role: 'admin' }, as(dora)), 422, undefined, ['role']);
  problem(await s.patch('/v1/users/1', { name: 'x' }, as(dora)), 403, 'forbidden');
  problem(await s.put('/v1/users/1', { name: 'x' }, as(dora)), 403, 'forbidden');
});

play('cairn can explains', what, async (s, p) => {
  await cast(s);
  const yes = p.do('can', 'emil@x.io', 'create', 'posts');
  assert.match(yes.out, /^yes/m);
  assert.match(yes.out, /cairn\.yaml:\d+:\d+/);
  const no = p.cairn('can', 'dora@x.io', 'delete', 'posts/1');
  assert.equal(no.code, 1);
  assert.match(no.out, /^no/m);
  assert.match(p.do('can', 'anyone', 'read', 'posts/1').out, /^yes/m);
  assert.match(p.cairn('can', 'anyone', 'read', 'posts/3').out, /^no/m);
});

play('wrong rules stop the start with their place', { ...what, on: ['sqlite'], serve: false }, async (s, p) => {
  for (const [from, to, words] of [
    ['status == "public"', 'statis == "public"', /cairn\.yaml:\d+:\d+.*did you mean 'status'/],
    ['roles: editor, can: create', 'roles: edtor, can: create', /did you mean 'editor'/],
    ['can: [read, update]', 'can: [read, updat]', /'updat' is no action/],
    ['"posts:create"', '"pots:create"', /did you mean 'posts'/],
    ['hide: [role]', 'hide: [rule]', /did you mean 'role'/],
    ['includes: [viewer]', 'includes: [admin]', /include each other/],
    ['check:', 'chek:', /did you mean `check`/],
  ]) {
    assert.ok(config.includes(from), from);
    p.config(config.replace(from, to));
    const r = p.cairn('check');
    assert.notEqual(r.code, 0, `${to} was taken`);
    assert.match(r.all, words);
  }
});

play('a row that goes and takes no account along leaves what is known of callers', { ...what, args: ['--set', 'server.workers=1'] }, async (s) => {
  const { anna } = await cast(s);
  const reads = async () => { for (let i = 0; i < 4; i++) ok(await s.get('/v1/posts/1', as(anna))); };
  const least = async (before) => {
    let most = Infinity;
    for (let i = 0; i < 6; i++) {
      await before(i);
      most = Math.min(most, await s.statements(reads)); // the server's own statements come now and then
    }
    return most;
  };
  await reads();
  const known = await least(() => {});
  const comments = [];
  for (let i = 0; i < 6; i++) comments.push(ok(await s.post('/v1/comments', { post_id: 1, user_id: anna.id, body: `c${i}` }, as(anna)), 201).id);
  assert.equal(await least(async (i) => { ok(await s.delete(`/v1/comments/${comments[i]}`, as(anna)), 204); }), known);
  // An account that goes is another matter
  assert.ok(await least(async (i) => {
    const u = ok(await s.post('/v1/users', { email: `${i}@gone.io`, name: 'g' }, as(anna)), 201);
    ok(await s.delete(`/v1/users/${u.id}`, as(anna)), 204);
  }) > known);
});
