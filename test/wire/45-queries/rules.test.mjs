// Queries marked `-- rules: read`: what one caller may read, in SQL that somebody wrote. SPDX: Apache-2.0
import { play, assert, ok, problem } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const password = 'correct horse battery';
const migrations = `
CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL, phone TEXT, password_hash TEXT, role TEXT NOT NULL DEFAULT 'member', manager_id INTEGER REFERENCES users(id));
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), title TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'draft', note JSONB, price NUMERIC(10,2));
CREATE TABLE comments (id SERIAL PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts(id), body TEXT NOT NULL);
CREATE TABLE secrets (id SERIAL PRIMARY KEY, word TEXT);`;
const config = `
auth: { table: users, roles: role, hash_memory: 64K, hash_passes: 1 }
roles: { member: {}, editor: { includes: [member] } }
access:
  posts:
    - { roles: editor, can: all }
    - { roles: member, can: read, where: 'user_id == me.id or status == "public"' }
    - { roles: anyone, can: read, where: 'status == "public"', hide: [note] }
  users:
    - { roles: member, can: read, where: 'some(posts)', hide: [phone] }
    - { roles: editor, can: read }
  comments:
    - { roles: anyone, can: read, where: 'post.status == "public"' }
    - { roles: editor, can: read }
  secrets: [{ roles: editor, can: read }]
`;
const queries = `
-- name: feed
-- rules: read
-- param: like text = %
-- param: most integer = 100
SELECT p.id, p.title, p.note, p.price FROM posts p WHERE p.title LIKE :like ORDER BY p.id DESC LIMIT :most -- newest first
;
-- name: authors
-- rules: read
SELECT p.title, u.name, u.phone, u.password_hash FROM posts AS p LEFT JOIN users u ON u.id = p.user_id ORDER BY p.id;
-- name: talk
-- rules: read
SELECT c.id, c.body, p.title FROM comments c LEFT JOIN posts p ON p.id = c.post_id AND p.status = 'draft' ORDER BY c.id;
-- name: counted
-- rules: read
WITH mine AS (SELECT * FROM posts), twice AS (SELECT * FROM mine UNION ALL SELECT * FROM mine)
SELECT count(*) AS n, (SELECT count(*) FROM posts WHERE status = 'draft') AS drafts FROM twice;
-- name: chain
-- rules: read
-- param: id integer
WITH RECURSIVE up AS (SELECT id, name, manager_id, 0 AS depth FROM users WHERE id = :id
  UNION ALL SELECT u.id, u.name, u.manager_id, up.depth + 1 FROM users u JOIN up ON u.id = up.manager_id WHERE up.depth < 9)
SELECT name, depth FROM up ORDER BY depth;
-- name: both
-- rules: read
SELECT title AS word FROM posts UNION SELECT body FROM comments ORDER BY word;
-- name: words
-- rules: read
SELECT s.word FROM secrets s JOIN posts p ON p.id = s.id;
-- name: first
-- rules: read
-- result: one
-- cache: 60s
SELECT title FROM posts ORDER BY id;
-- name: restricted
-- rules: read
-- roles: editor
SELECT count(*) AS n FROM posts;
-- name: unmarked
-- roles: public
SELECT count(*) AS n FROM posts;
`;
const setUp = { on, migrations, config, serve: false };
const as = (token) => ({ Authorization: `Bearer ${token}` });

async function filled(s, p) {
  p.write('queries/q.sql', queries);
  p.do('migrate', 'up');
  const tokens = {};
  for (const [name, role] of [['ed', 'editor'], ['ann', 'member'], ['bob', 'member']]) p.do('account', 'add', `${name}@x.io`, '--column', `name=${name}`, '--role', role, { input: `${password}\n` });
  await s.start();
  for (const name of ['ed', 'ann', 'bob']) tokens[name] = ok(await s.post('/v1/auth/login', { email: `${name}@x.io`, password })).access_token;
  const ed = as(tokens.ed);
  const make = async (what, row) => ok(await s.post(`/v1/${what}`, row, ed), 201);
  await make('posts', { user_id: 2, title: 'ann public', status: 'public', note: { k: 1 }, price: 1.5 });
  await make('posts', { user_id: 2, title: 'ann draft', note: { k: 2 } });
  await make('posts', { user_id: 3, title: 'bob draft', note: { k: 3 } });
  return tokens;
}

play('rows and columns are those that the caller may read, in every form of SQL', { ...setUp, config: config.replace('comments:', 'comments:\n    - { roles: editor, can: create }').replace('- { roles: editor, can: read }\n  comments', '- { roles: editor, can: [read, update] }\n  comments') }, async (s, p) => {
  const t = await filled(s, p);
  for (const [post_id, body] of [[1, 'on public'], [2, 'on draft']]) ok(await s.post('/v1/comments', { post_id, body }, as(t.ed)), 201);
  ok(await s.patch('/v1/users/2', { manager_id: 3, phone: '1' }, as(t.ed)));
  ok(await s.patch('/v1/users/3', { manager_id: 1 }, as(t.ed)));
  const q = async (name, who) => ok(await s.get(`/v1/q/${name}`, who ? as(t[who]) : {})).data;
  const titles = async (who) => (await q('feed', who)).map((r) => r.title);
  assert.deepEqual(await titles(), ['ann public']);
  assert.deepEqual(await titles('ann'), ['ann draft', 'ann public']);
  assert.deepEqual(await titles('bob'), ['bob draft', 'ann public']);
  assert.deepEqual(await titles('ed'), ['bob draft', 'ann draft', 'ann public']);
  for (const who of [undefined, 'ann', 'bob', 'ed']) { // what a list says, too
    const list = ok(await s.get('/v1/posts?sort=-id&fields=id,title', who ? as(t[who]) : {})).data;
    assert.deepEqual((await q('feed', who)).map(({ id, title }) => ({ id, title })), list);
  }
  problem(await s.get('/v1/posts/1?fields=note', as(t.bob)), 400, 'bad_fields'); // closed to him, as the rule of anyone says
  assert.deepEqual(await q('feed?like=ann%25&most=1', 'bob'), [{ id: 1, title: 'ann public', note: null, price: 1.5 }], 'places of parameters stay theirs');
  assert.deepEqual(await q('feed'), [{ id: 1, title: 'ann public', note: null, price: 1.5 }], 'a closed column is null');
  assert.deepEqual(await q('authors', 'ann'), [{ title: 'ann public', name: 'ann', phone: null, password_hash: null }, { title: 'ann draft', name: 'ann', phone: null, password_hash: null }]);
  assert.deepEqual((await q('authors', 'ed')).map((r) => [r.name, r.phone, r.password_hash]), [['ann', '1', null], ['ann', '1', null], ['bob', null, null]], 'the hash is nobody\'s');
  assert.deepEqual(await q('talk', 'ann'), [{ id: 1, body: 'on public', title: null }], 'a rule reads the tables themselves, whatever the caller sees of them');
  assert.deepEqual((await q('talk', 'ed')).map((r) => r.title), [null, 'ann draft']);
  assert.deepEqual(await q('counted', 'bob'), [{ n: 4, drafts: 1 }]);
  assert.deepEqual(await q('counted', 'ed'), [{ n: 6, drafts: 2 }]);
  assert.deepEqual(await q('chain?id=2', 'ed'), [{ name: 'ann', depth: 0 }, { name: 'bob', depth: 1 }, { name: 'ed', depth: 2 }]);
  assert.deepEqual(await q('chain?id=2', 'ann'), [{ name: 'ann', depth: 0 }, { name: 'bob', depth: 1 }], 'ed has no posts');
  assert.deepEqual((await q('both')).map((r) => r.word), ['ann public', 'on public']);
  assert.equal((await q('unmarked'))[0].n, 3);
});

play('who may read nothing of a table is told as a list tells him; roles hold, too; answers are not for shared caches', setUp, async (s, p) => {
  const t = await filled(s, p);
  problem(await s.get('/v1/q/words'), 401, 'sign_in_required');
  problem(await s.get('/v1/q/words', as(t.ann)), 403, 'forbidden');
  ok(await s.get('/v1/q/words', as(t.ed)));
  problem(await s.get('/v1/q/authors'), 401, 'sign_in_required');
  problem(await s.get('/v1/q/restricted', as(t.ann)), 403, 'forbidden');
  assert.equal(ok(await s.get('/v1/q/restricted', as(t.ed))).data[0].n, 3);
  const one = await s.get('/v1/q/first', as(t.bob));
  assert.equal(ok(one).title, 'ann public');
  assert.match(one.header('cache-control'), /^private/);
  const batch = ok(await s.post('/v1/batch', { operations: [{ method: 'GET', path: '/v1/q/counted' }] }, as(t.ann)));
  assert.equal((batch.results ?? batch.operations ?? batch.data)[0].body.data[0].n, 4);
});

const refused = (name, text, pattern) => play(`refused: ${name}`, setUp, async (s, p) => {
  p.write('queries/q.sql', text);
  const r = p.cairn('serve', '--listen', '127.0.0.1:0');
  assert.notEqual(r.code, 0, r.all);
  assert.match(r.all, pattern);
  assert.match(p.cairn('check').all, pattern);
});
refused('a table with its schema', '-- name: a\n-- rules: read\nSELECT id FROM\n  public.posts', /q\.sql:4:3: where rules hold, a table is named without its schema/);
refused('a WITH of a table\'s name', '-- name: a\n-- rules: read\nWITH posts AS (SELECT 1 AS id) SELECT id FROM posts', /q\.sql:3:6: 'posts' is a table/);
refused('a write', '-- name: a\n-- rules: read\n-- method: POST\nDELETE FROM posts', /rules hold for what reads/);
refused('no table', '-- name: a\n-- rules: read\nSELECT 1 AS one', /reads no table/);
refused('another word', '-- name: a\n-- rules: all\nSELECT id FROM posts', /rules is 'read'/);
