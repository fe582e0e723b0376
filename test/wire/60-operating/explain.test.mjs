// explain.test.mjs -- cairn explain: the statements of a request with their values and plans, and
// nothing is left behind. SPDX: Apache-2.0
import { assert, play } from '../lib.mjs';

const SHOP = { app: 'shop', serve: false, users: 2000, on: ['sqlite', 'postgres'] };

// "3 statements" and the parts behind it, one a statement.
function statements(text) {
  const parts = text.split(/\n\n(?=\d+\. )/).slice(1);
  assert.equal(parts.length, Number(/^(\d+) statement/m.exec(text)[1]), text);
  return parts;
}

play('a list with an include: the page, its children, its count', SHOP, async (s, project) => {
  const { out } = project.do('explain', 'GET /v1/users?city=eq.Oslo&include=posts');
  const [page, posts, count] = statements(out);
  assert.match(page, /FROM "users".*"city" = .1/);
  assert.match(page, /[?$]1 = "Oslo"/);
  assert.match(page, /plan:\n/);
  assert.match(page, /-> (users by )?index idx_users_city|users_pkey|by its key/);
  assert.match(posts, /"posts"/);
  assert.match(posts, /-> (posts by )?index idx_posts_user_id|scans posts/);
  assert.match(count, /count\(\*\)/);
  assert.match(out, /\nanswer: 200, \d+ bytes\n/);
});

play('one row is found by its key, in one statement', SHOP, async (s, project) => {
  const { out } = project.do('explain', 'GET /v1/users/5');
  const list = statements(out);
  assert.equal(list.length, 1);
  assert.match(list[0], /-> users by its key/);
});

play('a scan is named with its rows, and the index that would spare it', SHOP, async (s, project) => {
  const { out } = project.do('explain', '/v1/users?name=eq.Nobody&count=none');
  const [page] = statements(out);
  assert.match(page, /-> scans users \(2000 rows\)/);
  assert.match(page, /an index would help \(filter_without_index\):\n +CREATE INDEX idx_users_name ON users \(name\);/);
});

play('the index of an advice is the one that explain then names', SHOP, async (s, project) => {
  const sql = /CREATE INDEX[^;]*;/.exec(project.do('explain', '/v1/users?name=eq.Nobody&count=none').out)[0];
  project.write('migrations/20990101000000_name.sql', `-- migrate:up\n${sql}\n-- migrate:down\nDROP INDEX idx_users_name;\n`);
  project.do('migrate', 'up');
  const { out } = project.do('explain', '/v1/users?name=eq.Nobody&count=none');
  assert.match(out, /-> (users by )?index idx_users_name/);
  assert.doesNotMatch(out, /-> scans/);
});

play('a sub-resource and the order of a list', SHOP, async (s, project) => {
  assert.match(project.do('explain', 'GET /v1/users/5/posts').out, /-> (posts by )?index idx_posts_user_id/);
  assert.match(project.do('explain', 'GET /v1/users?sort=name').out, /-> sorts the rows: no index gives this order/);
});

play('a write is planned and not run', SHOP, async (s, project) => {
  const { out } = project.do('explain', 'POST /v1/tags', '--body', '{"name":"zz"}');
  const [insert] = statements(out);
  assert.match(insert, /INSERT INTO "tags"/);
  assert.match(insert, /[?$]1 = "zz"/);
  assert.match(insert, /not run: a write is only planned/);
  assert.match(out, /answer: none, because the write did not run/);
  assert.match(project.do('explain', 'DELETE /v1/users/7').out, /DELETE FROM "users"[^]*not run/);
  assert.match(project.do('explain', 'PATCH /v1/users/7', '--body', '{"name":"x"}').out, /UPDATE "users" SET "name"[^]*not run/);
  assert.match(project.do('explain', 'GET /v1/tags?name=eq.zz').out, /answer: 200/);
});

play('--analyze runs a write, measures it and takes it back', SHOP, async (s, project) => {
  const { out } = project.do('explain', 'POST /v1/tags', '--body', '{"name":"zz"}', '--analyze');
  assert.match(out, /in a transaction taken back/);
  assert.match(out, /took \d+\.\d+ ms, 1 row\n/);
  assert.match(out, /answer: 201/);
  if (s.engine === 'postgres') assert.match(out, /actual time=/);
  const refused = project.do('explain', 'POST /v1/tags', '--body', '{"name":"sale"}', '--analyze').out;
  assert.match(refused, /refused by the database[^]*answer: 409[^]*"code":"unique"/);
  const patch = project.do('explain', 'PATCH /v1/users/7', '--body', '{"name":"Changed"}', '--analyze').out;
  assert.match(patch, /answer: 200/);
  await s.start();
  assert.deepEqual(await s.list('/v1/tags?name=eq.zz'), []);
  assert.notEqual((await s.get('/v1/users/7')).body.name, 'Changed');
});

play('a named query, and a batch with all its statements', SHOP, async (s, project) => {
  const query = project.do('explain', 'GET /v1/q/users_by_city?city=Oslo').out;
  assert.match(query, /^GET .*\n1 statement\n[^]*-> (users by )?index idx_users_city/);
  const operations = [{ method: 'POST', path: '/v1/tags', body: { name: 'a' } }, { method: 'PATCH', path: '/v1/users/1', body: { name: 'b' } }];
  const batch = project.do('explain', 'POST /v1/batch', '--body', JSON.stringify({ operations }), '--analyze').out;
  assert.match(batch, /INSERT INTO "tags"[^]*UPDATE "users"[^]*answer: 200/);
});

const KINDS = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(100), last_name VARCHAR(50), first_name VARCHAR(50), is_active BOOLEAN NOT NULL);
CREATE UNIQUE INDEX idx_email ON users (email);
CREATE INDEX idx_name_city ON users (last_name, first_name);
CREATE INDEX idx_active_users ON users (email) WHERE is_active = true;`;

play('the kinds of indexes: primary, unique, composite by its first column, partial', { config: '', migrations: KINDS, serve: false, on: ['sqlite', 'postgres'] }, async (s, project) => {
  project.write('seed.sql', `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO users (email, last_name, first_name, is_active) SELECT 'u' || i || '@example.com', 'L' || i, 'F' || i, i % 2 = 0 FROM n;`);
  project.do('seed');
  if (s.engine === 'postgres') project.psql('ANALYZE users');
  const read = (q) => project.do('explain', `GET /v1/users${q}`).out;
  assert.match(read('/7'), /-> users by its key/);
  assert.match(read('?email=eq.u7@example.com&count=none'), /-> (users by )?index idx_(email|active_users)/);
  assert.match(read('?last_name=eq.L7&count=none'), /-> (users by )?index idx_name_city/);
  assert.match(read('?last_name=eq.L7&first_name=eq.F7&count=none'), /-> (users by )?index idx_name_city/);
  assert.match(read('?first_name=eq.F7&count=none'), /-> (scans users \(5000 rows\)|users by its key)/);
});

play('guide 8: a partial index WHERE is_active = true serves is_active=is.true, and only that', { config: '', migrations: KINDS, serve: false, on: ['sqlite', 'postgres'] }, async (s, project) => {
  project.write('seed.sql', `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO users (email, last_name, first_name, is_active) SELECT 'u' || i || '@example.com', 'L' || i, 'F' || i, i % 100 = 0 FROM n;`);
  project.do('seed');
  if (s.engine === 'postgres') project.psql('ANALYZE users');
  const read = (q) => project.do('explain', `GET /v1/users?count=none&limit=100&${q}`).out;
  for (const q of ['is_active=is.true&sort=email', 'is_active=is.true&email=like.u1*&sort=email', 'and=(is_active.is.true,email.gt.u)']) {
    assert.match(read(`${q}${q.includes('sort') ? '' : '&sort=email'}`), /-> (users by |walks users along )?index idx_active_users/, q);
  }
  for (const q of ['is_active=is.false&sort=email', 'is_active=not.is.true&sort=email', 'sort=email']) assert.doesNotMatch(read(q), /idx_active_users/, q);
  await s.start();
  const all = await s.list('/v1/users?limit=1000&is_active=is.true&sort=email');
  assert.equal(all.length, 50);
  assert.ok(all.every((u) => u.is_active && u.id % 100 === 0));
});

play('guide 8: an e-mail is searched by scan without an index, by the index with it', { config: '', migrations: 'CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(100), name TEXT);', serve: false, on: ['sqlite', 'postgres'] }, async (s, project) => {
  project.write('seed.sql', `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO users (email, name) SELECT 'u' || i || '@example.com', 'N' || i FROM n;
INSERT INTO users (email, name) VALUES ('john@example.com', 'John');`);
  project.do('seed');
  if (s.engine === 'postgres') project.psql('ANALYZE users');
  const look = () => project.do('explain', 'GET /v1/users?email=eq.john@example.com&count=none', '--analyze').out;
  const before = look();
  assert.match(before, /-> scans users \(20001 rows\)/);
  if (s.engine === 'postgres') assert.match(before, /Rows Removed by Filter: 20000/);
  assert.match(before, /CREATE INDEX idx_users_email ON users \(email\);/);
  project.write('migrations/20990101000000_email.sql', '-- migrate:up\nCREATE INDEX idx_email ON users(email);\n-- migrate:down\nDROP INDEX idx_email;\n');
  project.do('migrate', 'up');
  const after = look();
  assert.match(after, /-> (users by )?index idx_email/);
  assert.doesNotMatch(after, /scans users|Rows Removed/);
  if (s.engine === 'sqlite') assert.match(after, /SEARCH users USING INDEX idx_email \(email=\?\)/);
  await s.start();
  assert.deepEqual((await s.list('/v1/users?email=eq.john@example.com')).map((u) => u.name), ['John']);
});

play('a refusal says why, with no statement', SHOP, async (s, project) => {
  const { out } = project.do('explain', 'GET /v1/users?citty=eq.Oslo');
  assert.match(out, /^GET .*\n0 statements\n/);
  assert.match(out, /answer: 400[^]*did you mean 'city'/);
});

play('headers go with the request', SHOP, async (s, project) => {
  const { out } = project.do('explain', 'POST /v1/tags', '--body', 'name=zz', '-H', 'Content-Type: text/plain');
  assert.match(out, /answer: 415/);
});

play('what is no request is a wrong command line', { ...SHOP, on: ['sqlite'] }, async (s, project) => {
  for (const args of [['explain'], ['explain', 'users'], ['explain', 'GET /v1/a b'], ['explain', '/v1/users', '-H', 'x']]) {
    const r = project.cairn(...args);
    assert.equal(r.code, 2, args.join(' '));
    assert.match(r.err, /usage: cairn/);
  }
});

play('it works while the server runs', { app: 'shop', users: 50, on: ['sqlite', 'postgres'] }, async (s, project) => {
  assert.match(project.do('explain', 'POST /v1/tags', '--body', '{"name":"beside"}', '--analyze').out, /answer: 201/);
  assert.equal((await s.post('/v1/tags', { name: 'beside' })).status, 201);
});
