// advice.test.mjs -- cairn check --database: each bad pattern is told with its reason, and a well
// made project gets no advice. SPDX: Apache-2.0
import { assert, ok, play } from '../lib.mjs';

const BOTH = ['sqlite', 'postgres'];

// Rows 1..n of a table: `?` stands for the number.
const rows = (table, columns, values, n) => `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n})
INSERT INTO ${table} (${columns}) SELECT ${values} FROM n;\n`;

const BAD = `
CREATE TABLE users (
    id SERIAL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    email VARCHAR(100) NOT NULL UNIQUE,
    nick VARCHAR(40),
    city VARCHAR(60),
    zip VARCHAR(10),
    phone1 VARCHAR(20), phone2 VARCHAR(20), phone3 VARCHAR(20),
    tags TEXT,
    balance DOUBLE PRECISION NOT NULL DEFAULT 0,
    seen_at TIMESTAMP,
    country CHAR(2)
);
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_nick ON users (nick);

CREATE TABLE posts (
    id SERIAL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id),
    state VARCHAR(10) NOT NULL,
    grade VARCHAR(10) NOT NULL,
    title VARCHAR(80) NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_posts_created_user ON posts (created_at, user_id);
CREATE INDEX idx_posts_state ON posts (state);
CREATE INDEX idx_posts_grade ON posts (grade);
CREATE INDEX idx_posts_title ON posts (title);
CREATE INDEX idx_posts_title_state ON posts (title, state);

CREATE TABLE comments (
    id SERIAL PRIMARY KEY,
    post_id INTEGER NOT NULL REFERENCES posts (id),
    user_id INTEGER NOT NULL REFERENCES users (id),
    UNIQUE (post_id, user_id)
);

CREATE TABLE notes (what TEXT);

CREATE TABLE order_items (
    order_id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    product_name VARCHAR(60) NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (order_id, product_id)
);
CREATE TABLE employees (
    id SERIAL PRIMARY KEY,
    department VARCHAR(40) NOT NULL,
    department_location VARCHAR(40) NOT NULL
);
`;
const BAD_ROWS = rows('users', 'name, email, nick, city, zip, phone1, tags, country',
  `'User ' || i, 'u' || i || '@example.com', CASE WHEN i % 20 = 0 THEN 'n' || i END,
   'City ' || (i * 7 % 40 / 2), 'Z' || (i * 7 % 40), '555-' || i, CASE i % 3 WHEN 0 THEN 'red' WHEN 1 THEN 'red, green' ELSE 'red, green, blue' END, 'no'`, 2000)
  + rows('posts', 'user_id, state, grade, title',
    `1 + i % 2000, CASE WHEN i % 100 = 0 THEN 'draft' ELSE 'live' END, 'g' || (i / 7 % 4), 'Title ' || i`, 3000)
  + `INSERT INTO order_items VALUES (1, 101, 'Laptop', 2), (2, 101, 'Laptop', 1);
INSERT INTO employees (department, department_location) VALUES ('Sales', 'Building A'), ('Sales', 'Building A');
`;

const advice = (project, ...args) => JSON.parse(project.do('check', '--database', '--format', 'json', ...args).out).advice;
const places = (list) => list.map((a) => `${a.code} ${a.table}${a.columns ? `.${a.columns}` : ''}`).sort();

// What each piece of advice has to say: a word of its reason, and its SQL.
const WANT = {
  'redundant_index users.email': [/has the same columns as the unique key \(email\)/, /^DROP INDEX idx_users_email;/],
  'redundant_index posts.title': [/is the beginning of idx_posts_title_state \(title, state\)/, /^DROP INDEX idx_posts_title;/],
  'partial_index users.nick': [/95 % of users.nick are null/, /CREATE INDEX idx_users_nick_2 ON users \(nick\) WHERE nick IS NOT NULL;/],
  'partial_index posts.state': [/'live' in 99 % of the rows, and 'draft' in 1.0 %/, /WHERE state = 'draft';/],
  'low_cardinality_index posts.grade': [/has 4 values/, /DROP INDEX idx_posts_grade;\nCREATE INDEX \w+ ON posts \(grade, created_at\);/],
  'foreign_key_without_index posts.user_id': [/points to users, and no index begins with it.*\(created_at, user_id\) has it in place 2/, /the index that composite_order makes begins with it/],
  'foreign_key_without_index comments.user_id': [/\(post_id, user_id\) has it in place 2/, /^CREATE INDEX idx_comments_user_id ON comments \(user_id\);/],
  'composite_order posts.created_at, user_id': [/asked for by range.*equality/s, /CREATE INDEX \w+ ON posts \(user_id, created_at\);/],
  'no_primary_key notes': [/no row of notes can be addressed/, /notes/],
  'repeating_group users.phone1, phone2, phone3': [/First normal form/, /CREATE TABLE user_phones \([^;]*user_id INTEGER NOT NULL REFERENCES users \(id\)/i],
  'list_in_text users.tags': [/First normal form/, /CREATE TABLE user_tags/],
  'partial_dependency order_items.product_name': [/depends on product_id, a part of the key.*Second normal form/, /CREATE TABLE products \(\s+product_id/],
  'transitive_dependency employees.department_location': [/depends on department, which is no key.*Third normal form/, /CREATE TABLE departments \(\s+department .*PRIMARY KEY,\s+department_location/],
  'transitive_dependency users.city': [/each zip always goes with the same city/, /CREATE TABLE zips/],
  'money_as_float users.balance': [/0.1 \+ 0.2/, /ALTER TABLE users ALTER COLUMN balance TYPE NUMERIC\(12,2\)/],
  'timestamp_without_zone users.seen_at': [/TIMESTAMPTZ/, /ALTER TABLE users ALTER COLUMN seen_at TYPE TIMESTAMPTZ/],
  'padded_char users.country': [/blanks/, /TYPE VARCHAR\(2\)/],
  'filter_without_index users.name': [/2000 rows/, /^CREATE INDEX idx_users_name ON users \(name\);/],
};

play('each bad pattern is told once, with its reason and its SQL', { config: '', migrations: BAD, serve: false, on: BOTH }, async (s, project) => {
  project.write('seed.sql', BAD_ROWS);
  project.do('seed');
  const list = advice(project);
  assert.deepEqual(places(list).filter((p) => !/^filter_without_index users\.(city|zip|phone1)/.test(p)), Object.keys(WANT).sort());
  for (const a of list) {
    const want = WANT[`${a.code} ${a.table}${a.columns ? `.${a.columns}` : ''}`];
    if (!want) continue;
    assert.match(a.reason, want[0], a.code);
    assert.match(a.sql, want[1], a.code);
    assert.match(a.level, /^(hint|warning)$/);
  }
});

// "Phones: 123-456, 789-012", as the guide has it before 1NF: the name says that it is many, so one row is enough.
const PHONES = 'CREATE TABLE people (id SERIAL PRIMARY KEY, name TEXT NOT NULL, phones TEXT);';
play('guide 9: phones in one text are told, and the table of phones is the SQL', { config: '', migrations: PHONES, on: BOTH }, async (s, project) => {
  ok(await s.post('/v1/people', [{ name: 'John', phones: '123-456, 789-012' }]), 201);
  const list = advice(project);
  assert.deepEqual(places(list).filter((p) => !p.startsWith('filter')), ['list_in_text people.phones']);
  assert.match(list[0].reason, /First normal form/);
  assert.match(list[0].sql, /CREATE TABLE people_phones \([^;]*REFERENCES people \(id\)/);
});

play('what it says goes into a migration as it is, and then it is silent about it', { config: '', migrations: BAD, serve: false, on: BOTH }, async (s, project) => {
  project.write('seed.sql', BAD_ROWS);
  project.do('seed');
  project.write('migrations/20260102000000_advice.sql', project.do('check', '--database', '--sql').out);
  project.do('migrate', 'up', '--yes');
  const left = places(advice(project)).filter((p) => !p.includes('user_phones')).map((p) => p.split(' ')[0]);
  for (const done of ['redundant_index', 'low_cardinality_index', 'foreign_key_without_index', 'composite_order', 'filter_without_index', 'money_as_float', 'timestamp_without_zone', 'padded_char'])
    assert.ok(!left.includes(done), `${done} is still told: ${left}`);
  project.do('migrate', 'down', '--yes');
});

play('a well made project gets no advice', { app: 'shop', serve: false, on: BOTH, users: 200 }, async (s, project) => {
  const r = project.do('check', '--database', '--strict');
  assert.match(r.out, /^note: .*\nok: no advice\n$/);
});

// The demo leaves the price of more indexes to who sees such filters used: these hints are left.
play('with many rows it is told where a filter would scan, and nothing else', { app: 'shop', serve: false, on: BOTH, users: 3000 }, async (s, project) => {
  const list = advice(project);
  assert.ok(places(list).includes('filter_without_index users.name'));
  assert.deepEqual([...new Set(list.map((a) => `${a.level} ${a.code}`))], ['hint filter_without_index']);
  assert.ok(!places(list).some((p) => /users\.(city|email|age)|orders\.status/.test(p)), 'what has an index, or few values');
});

play('advice can be unwanted: by code, table and column', { config: 'advice:\n  ignore: "no_primary_key:notes, money_as_float, padded_char:users.country"\n', migrations: BAD, serve: false, on: BOTH }, async (s, project) => {
  project.do('migrate', 'up');
  const codes = advice(project).map((a) => a.code);
  for (const gone of ['no_primary_key', 'money_as_float', 'padded_char']) assert.ok(!codes.includes(gone), gone);
  assert.ok(codes.includes('timestamp_without_zone'));
  assert.ok(codes.includes('repeating_group'));
});

play('--strict fails when there is advice; small tables are left alone unless --all is said', { config: '', migrations: BAD, serve: false, on: BOTH }, async (s, project) => {
  project.do('migrate', 'up');
  assert.equal(project.cairn('check', '--database').code, 0);
  assert.equal(project.cairn('check', '--database', '--strict').code, 1);
  assert.ok(!places(advice(project)).includes('filter_without_index users.name'));
  assert.ok(places(advice(project, '--all')).includes('filter_without_index users.name'));
  const r = project.cairn('check', '--database', '--format', 'xml');
  assert.equal(r.code, 2);
  assert.match(r.err, /--format is text or json/);
});

play('without a database it says how to get one, and makes none', { config: '', migrations: BAD, serve: false }, async (s, project) => {
  const r = project.cairn('check', '--database');
  assert.equal(r.code, 1);
  assert.match(r.err, /no database yet: `cairn migrate up`/);
  assert.equal(project.cairn('check', '--database').code, 1);
});

play('an index that nothing reads is told with the age of the statistics', { config: '', migrations: BAD, serve: false, on: ['postgres'], own: true }, async (s, project) => {
  project.write('seed.sql', BAD_ROWS);
  project.do('seed');
  const unused = () => advice(project, '--all').filter((a) => a.code === 'unused_index' && a.index === 'idx_posts_title_state');
  for (let i = 0; i < 50 && !unused().length; i++) await new Promise((done) => setTimeout(done, 200));
  assert.equal(unused().length, 1);
  assert.match(unused()[0].reason, /nothing has read idx_posts_title_state since the database was made, while posts was read \d+ times/);
  assert.equal(unused()[0].sql, 'DROP INDEX idx_posts_title_state;\n');
  assert.equal(unused()[0].undo, 'CREATE INDEX idx_posts_title_state ON posts (title, state);\n');
});

play('it only reads, beside a running server', { app: 'shop', users: 50, on: BOTH }, async (s, project) => {
  project.do('check', '--database');
  project.do('explain', 'GET /v1/users');
  const r = await s.post('/v1/tags', { name: 'still writable' });
  assert.equal(r.status, 201);
});
