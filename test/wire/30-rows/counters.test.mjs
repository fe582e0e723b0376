// Columns that count: exact whatever writes, a request, many at once, a cascade, another program;
// read-only to clients; made, counted anew and taken away as cairn.yaml says.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { play, assert, ok, problem } from '../lib.mjs';

const tables = `
CREATE TABLE users (id SERIAL PRIMARY KEY, name TEXT NOT NULL, posts_count INTEGER NOT NULL DEFAULT 0, drafts BIGINT);
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE,
  editor_id INTEGER REFERENCES users (id) ON DELETE SET NULL, title TEXT NOT NULL, comments_count INTEGER NOT NULL DEFAULT 0, tags_count INTEGER NOT NULL DEFAULT 0);
CREATE INDEX posts_user ON posts (user_id);
CREATE INDEX posts_editor ON posts (editor_id);
CREATE TABLE comments (id SERIAL PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE, text TEXT NOT NULL);
CREATE INDEX comments_post ON comments (post_id);
CREATE TABLE tags (id SERIAL PRIMARY KEY, name TEXT NOT NULL, posts_count INTEGER NOT NULL DEFAULT 0);
CREATE TABLE post_tags (post_id INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE, tag_id INTEGER NOT NULL REFERENCES tags (id), PRIMARY KEY (post_id, tag_id));
CREATE TABLE people (id SERIAL PRIMARY KEY, boss_id INTEGER REFERENCES people (id) ON DELETE CASCADE, reports INTEGER NOT NULL DEFAULT 0);
CREATE INDEX people_boss ON people (boss_id);`;

const config = `
tables:
  posts:
    relations: { author: user_id, editor: editor_id }
    reverse: { articles: user_id, edited: editor_id }
    counters: { comments_count: comments, tags_count: tags }
  users:
    counters:
      posts_count: articles
      drafts: edited
  tags:
    counters: { posts_count: posts }
  people:
    reverse: { team: boss_id }
    counters: { reports: team }
`;
const what = { migrations: tables, config };

const exact = (p) => {
  const r = p.cairn('counters', 'check');
  assert.equal(r.code, 0, r.all);
  assert.equal(r.out.match(/exact$/gm)?.length, 6, r.all);
};
const counts = async (s, table, column) => (await s.list(`/v1/${table}?sort=id&fields=id,${column}&limit=1000`)).map((x) => x[column]);

play('every kind of write, and cascades', what, async (s, p) => {
  ok(await s.post('/v1/users', [{ name: 'a' }, { name: 'b' }, { name: 'c' }]), 201);
  assert.equal(ok(await s.post('/v1/users', { name: 'd' }), 201).posts_count, 0);
  ok(await s.post('/v1/posts', { user_id: 1, title: 'x' }), 201);
  ok(await s.post('/v1/posts', [{ user_id: 1, title: 'x' }, { user_id: 2, title: 'y', editor_id: 1 }, { title: 'z' }, { user_id: 2, title: 'y', editor_id: 1 }]), 201);
  ok(await s.post('/v1/users/3/articles', { title: 'w' }), 201);
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [2, 2, 1, 0]);
  assert.deepEqual(await counts(s, 'users', 'drafts'), [2, 0, 0, 0]);
  problem(await s.post('/v1/posts', [{ user_id: 3, title: 'x' }, { user_id: 99, title: 'nobody' }]), 422);
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [2, 2, 1, 0], 'a refused write counts nothing');

  ok(await s.patch('/v1/posts/1', { user_id: 3 })); // a move
  ok(await s.patch('/v1/posts/2', { title: 'same author' }));
  ok(await s.put('/v1/posts/3', { user_id: 3, title: 'y' })); // a move, and the editor goes
  ok(await s.patch('/v1/posts/4', { user_id: 4 })); // from nobody
  ok(await s.patch('/v1/posts/5', { user_id: null })); // to nobody
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [1, 0, 3, 1]);
  assert.deepEqual(await counts(s, 'users', 'drafts'), [1, 0, 0, 0]);
  exact(p);

  ok(await s.post('/v1/comments', Array.from({ length: 7 }, (_, i) => ({ post_id: 1 + i % 2, text: 'c' }))), 201);
  ok(await s.post('/v1/tags', [{ name: 'red' }, { name: 'blue' }]), 201);
  ok(await s.post('/v1/post_tags', [{ post_id: 1, tag_id: 1 }, { post_id: 1, tag_id: 2 }, { post_id: 2, tag_id: 1 }]), 201);
  assert.deepEqual(await s.list('/v1/posts?fields=comments_count,tags_count&sort=id&limit=2'), [{ comments_count: 4, tags_count: 2 }, { comments_count: 3, tags_count: 1 }]);
  assert.deepEqual(await counts(s, 'tags', 'posts_count'), [2, 1]);
  assert.equal((await s.delete('/v1/comments/1')).status, 204);
  assert.equal((await s.delete('/v1/posts/2')).status, 204); // takes comments and tags along
  assert.deepEqual(await counts(s, 'tags', 'posts_count'), [1, 1]);
  assert.equal((await s.delete('/v1/users/3')).status, 204); // takes posts along, and what hangs on them
  assert.deepEqual(await counts(s, 'tags', 'posts_count'), [0, 0]);
  assert.equal((await s.delete('/v1/users/1')).status, 204); // an editor: its posts lose it
  assert.deepEqual(await s.list('/v1/posts?fields=id,editor_id'), [{ id: 4, editor_id: null }, { id: 5, editor_id: null }]);
  exact(p);
});

play('rows of one table count each other, whole trees fall', what, async (s, p) => {
  ok(await s.post('/v1/people', { boss_id: null }), 201);
  for (let i = 2; i <= 30; i++) ok(await s.post('/v1/people', { boss_id: Math.floor(i / 2) }), 201);
  assert.deepEqual((await counts(s, 'people', 'reports')).slice(0, 4), [2, 2, 2, 2]);
  ok(await s.patch('/v1/people/4', { boss_id: 3 }));
  exact(p);
  assert.equal((await s.delete('/v1/people/3')).status, 204);
  exact(p);
  assert.equal(ok(await s.get('/v1/people/1')).reports, 1);
  assert.equal((await s.delete('/v1/people/1')).status, 204);
  assert.deepEqual(await s.list('/v1/people'), []);
});

play('a client reads a counter and cannot write it', what, async (s, p) => {
  ok(await s.post('/v1/users', { name: 'a' }), 201);
  ok(await s.post('/v1/posts', { user_id: 1, title: 'x' }), 201);
  for (const r of [await s.post('/v1/users', { name: 'b', posts_count: 5 }), await s.patch('/v1/users/1', { posts_count: 5 }), await s.patch('/v1/users/1', { posts_count: { $inc: 1 } })]) {
    const body = problem(r, 422, undefined, ['posts_count']);
    assert.equal(body.errors[0].code, 'read_only');
  }
  assert.equal(ok(await s.put('/v1/users/1', { name: 'b' })).posts_count, 1, 'a replaced row keeps its number');
  assert.equal(ok(await s.put('/v1/users/1', { name: 'b', posts_count: 5 })).posts_count, 1, 'as it was read, changed and sent back');
  assert.deepEqual(await s.list('/v1/users?posts_count=gte.1&sort=-posts_count&fields=name,posts_count'), [{ name: 'b', posts_count: 1 }]);
  exact(p);
});

play('hundreds of writers at once', { ...what, timeout: 180000 }, async (s, p) => {
  const users = 5;
  ok(await s.post('/v1/users', Array.from({ length: users }, (_, i) => ({ name: `u${i}` }))), 201);
  const some = await s.post('/v1/posts', Array.from({ length: 100 }, (_, i) => ({ user_id: 1 + i % users, title: 't' })));
  const ids = ok(some, 201).data?.map((x) => x.id) ?? some.body.map((x) => x.id);
  const work = [];
  for (let i = 0; i < 150; i++) work.push(() => s.post('/v1/posts', { user_id: 1 + i % users, title: 'n' }));
  for (let i = 0; i < 50; i++) work.push(() => s.delete(`/v1/posts/${ids[i]}`));
  for (let i = 50; i < 100; i++) for (let n = 0; n < 4; n++) work.push(() => s.patch(`/v1/posts/${ids[i]}`, { user_id: 1 + (i * 7 + n * 3) % users }));
  for (let i = 0; i < 20; i++) work.push(() => s.post('/v1/posts', Array.from({ length: 5 }, (_, n) => ({ user_id: users - (i + n) % users, title: 'm' }))));
  work.sort((a, b) => (String(a).length + work.indexOf(a) * 7919) % 101 - (String(b).length + work.indexOf(b) * 7919) % 101);
  const seen = {};
  await Promise.all(work.map(async (one) => { const { status } = await one(); seen[status] = (seen[status] ?? 0) + 1; }));
  assert.deepEqual(seen, { 200: 200, 201: 170, 204: 50 });
  const totals = await s.list('/v1/posts?fields=user_id,count()&sort=user_id');
  assert.deepEqual(await counts(s, 'users', 'posts_count'), totals.map((x) => x.count));
  assert.equal(totals.reduce((sum, x) => sum + x.count, 0), 100 + 150 - 50 + 100);
  exact(p);
});

play('what other programs write counts as well', { ...what, on: ['postgres'] }, async (s, p) => {
  ok(await s.post('/v1/users', [{ name: 'a' }, { name: 'b' }, { name: 'c' }]), 201);
  p.psql("INSERT INTO posts (user_id, title) SELECT 1 + i % 2, 't' FROM generate_series(1, 1000) AS i");
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [500, 500, 0]);
  p.psql('UPDATE posts SET user_id = 3 WHERE user_id = 1 AND id % 4 = 0; DELETE FROM posts WHERE user_id = 2 AND id % 3 = 0');
  exact(p);
  p.psql('UPDATE users SET id = 50 WHERE id = 2'); // the posts follow their author's new key
  exact(p);
  p.psql("INSERT INTO users (name, posts_count) VALUES ('liar', 7)");
  exact(p);
  p.psql('BEGIN; DELETE FROM posts WHERE user_id = 50; ROLLBACK');
  exact(p);
  p.psql("INSERT INTO post_tags (post_id, tag_id) SELECT 1, 1 WHERE false; TRUNCATE posts CASCADE");
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [0, 0, 0, 0]);
  exact(p);
});

// One statement past Cairn.
function past(s, p, sql) {
  if (s.engine === 'postgres') return p.psql(sql);
  const r = spawnSync('sqlite3', [path.join(p.data, 'cairn.db'), `PRAGMA busy_timeout=5000; ${sql}`], { encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
  return r.stdout;
}

play('counters come, are repaired, and go', { migrations: tables, config: '' }, async (s, p) => {
  ok(await s.post('/v1/users', [{ name: 'a' }, { name: 'b' }]), 201);
  ok(await s.post('/v1/posts', [{ user_id: 1, title: 'x' }, { user_id: 1, title: 'y' }, { user_id: 2, title: 'z' }]), 201);
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [0, 0]);
  assert.match(p.do('counters').out, /no counters/);
  p.config(config);
  s.signal('SIGHUP'); // rows that are there already are counted when a counter comes
  await s.waitLog((l) => l.msg === 'reloaded');
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [2, 1]);
  ok(await s.post('/v1/posts', { user_id: 2, title: 'x' }), 201);
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [2, 2]);

  past(s, p, 'UPDATE users SET posts_count = 40 WHERE id = 1');
  const wrong = p.cairn('counters', 'check');
  assert.equal(wrong.code, 1, wrong.all);
  assert.match(wrong.out, /^users\.posts_count {2}counts posts {2}1 row wrong$/m);
  assert.match(p.do('counters', 'repair').out, /^users\.posts_count {2}counts posts {2}1 row set right$/m);
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [2, 2]);
  exact(p);

  if (s.engine === 'sqlite') past(s, p, 'DROP TRIGGER cairn_count_users_posts_count_delete');
  else past(s, p, 'DROP TRIGGER cairn_count_users_posts_count_delete ON posts');
  ok(await s.post('/v1/posts', { user_id: 1, title: 'x' }), 201);
  assert.equal((await s.delete('/v1/posts/3')).status, 204); // not counted
  await s.restart();
  exact(p);
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [3, 1]);

  p.config('');
  await s.restart();
  ok(await s.post('/v1/posts', { user_id: 2, title: 'x' }), 201);
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [3, 1], 'nobody counts any more');
  ok(await s.patch('/v1/users/1', { posts_count: 9 }), 200);
});

play('migrations change the tables on both ends of a counter', { ...what, serve: false }, async (s, p) => {
  p.do('migrate', 'up');
  await s.start();
  ok(await s.post('/v1/users', [{ name: 'a' }, { name: 'b' }]), 201);
  ok(await s.post('/v1/posts', [{ user_id: 1, title: 'x' }, { user_id: 1, title: 'y' }]), 201);
  await s.stop();
  p.migrations({
    '20260101000000_first.sql': tables,
    '20260102000000_more.sql': `-- migrate:up
ALTER TABLE posts ALTER COLUMN title TYPE VARCHAR(50);
ALTER TABLE users ALTER COLUMN name TYPE VARCHAR(50);
INSERT INTO posts (user_id, title) VALUES (2, 'by a migration');
-- migrate:down
DELETE FROM posts WHERE title = 'by a migration';
ALTER TABLE users DROP COLUMN posts_count;
`,
  });
  p.do('migrate', 'up', '--yes');
  await s.start();
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [2, 1]);
  ok(await s.post('/v1/posts', { user_id: 2, title: 'z' }), 201);
  assert.equal((await s.delete('/v1/posts/1')).status, 204);
  assert.deepEqual(await counts(s, 'users', 'posts_count'), [1, 2]);
  await s.stop();
  const down = p.do('migrate', 'down', '--yes');
  assert.match(down.err, /counters are not kept now: .*posts_count/);
});

play('a counter that cannot be kept stops the start, with its place and what to do', { migrations: tables, config: '', serve: false }, async (s, p) => {
  const cases = [
    ['users:\n    counters: { post_count: posts_by_user_id }', /cairn\.yaml:3:17: tables\.users\.counters\.post_count: there is no such column; did you mean 'posts_count'\?; a migration adds it: ALTER TABLE users ADD COLUMN post_count INTEGER NOT NULL DEFAULT 0;/],
    ['users:\n    counters: { posts_count: post }', /cairn\.yaml:3:17: tables\.users\.counters\.posts_count: 'users' has no relation 'post' to many rows/],
    ['users:\n    counters: { name: posts_by_user_id }', /cairn\.yaml:3:17: .*the column is text; a counter is INTEGER or BIGINT/],
    ['posts:\n    counters: { comments_count: user }', /'posts' has no relation 'user' to many rows/],
    ['user:\n    counters: { posts_count: posts }', /there is no table 'user'; did you mean 'users'\?/],
    ['users:\n    counters: [posts_count]', /cairn\.yaml:3:1\d: tables\.users\.counters: expected `column: relation`/],
    ['users:\n    counter: { a: b }', /unknown key \(did you mean `counters`\?\)/],
    ['users:\n    aggregates: maybe', /expected `true` or `false`, not 'maybe'/],
  ];
  for (const [text, want] of cases) {
    p.config(`tables:\n  ${text}\n`);
    const r = p.cairn('check');
    assert.equal(r.code, 1, text);
    assert.match(r.err, want, text);
  }
  p.config(`tables:\n  ${cases[0][0]}\n`);
  await assert.rejects(s.start(), /cairn\.yaml:3:17: tables\.users\.counters\.post_count: there is no such column/);
  s.child = null;
});
