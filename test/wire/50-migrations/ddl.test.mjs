// PostgreSQL's DDL on SQLite: the guide's own, and what people write.
import { play, assert, ok, problem } from '../lib.mjs';

play('the guide\'s DDL runs unchanged', { migrations: {
  '20260101000000_users.sql': `-- Users table
CREATE TABLE users (
    id SERIAL PRIMARY KEY,
    name VARCHAR(100),
    email VARCHAR(100) UNIQUE
);

-- Posts table
CREATE TABLE posts (
    id SERIAL PRIMARY KEY,
    user_id INTEGER REFERENCES users(id),
    title VARCHAR(200),
    content TEXT,
    created_at TIMESTAMP
);
CREATE TABLE processed_messages (
    message_id VARCHAR(64) PRIMARY KEY,
    processed_at TIMESTAMP
);`,
  '20260102000000_indexes.sql': `ALTER TABLE users ADD COLUMN last_name VARCHAR(100);
ALTER TABLE users ADD COLUMN first_name VARCHAR(100);
ALTER TABLE users ADD COLUMN is_active BOOLEAN DEFAULT true;
CREATE INDEX idx_email ON users(email);
CREATE INDEX idx_name_city ON users(last_name, first_name);
CREATE INDEX idx_active_users ON users(email) WHERE is_active = true;`,
} }, async (s) => {
  const user = ok(await s.post('/v1/users', { name: 'John Doe', email: 'john@example.com' }), 201);
  assert.equal(user.is_active, true);
  const post = ok(await s.post('/v1/posts', { user_id: user.id, title: 'My First Post', content: 'Hello World', created_at: '2026-01-01T00:00:00Z' }), 201);
  assert.equal(post.created_at, '2026-01-01T00:00:00Z');
  ok(await s.post('/v1/processed_messages', { message_id: 'm-1' }), 201);
  problem(await s.post('/v1/processed_messages', { message_id: 'm-1' }), 409, 'unique', ['message_id']);
});

play('what people write in PostgreSQL', { own: true, migrations: `
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE TYPE status AS ENUM ('draft', 'published');
CREATE TABLE IF NOT EXISTS public.articles (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slug TEXT NOT NULL CONSTRAINT articles_slug_key UNIQUE,
  token UUID NOT NULL DEFAULT gen_random_uuid(),
  status status NOT NULL DEFAULT 'draft',
  price NUMERIC(8,2) DEFAULT 0.00 CHECK (price >= 0),
  words INTEGER NOT NULL DEFAULT 0,
  minutes INTEGER GENERATED ALWAYS AS (words / 200) STORED,
  tags JSONB NOT NULL DEFAULT '[]'::jsonb,
  hidden BOOLEAN NOT NULL DEFAULT FALSE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT words_sane CHECK (words BETWEEN 0 AND 100000),
  CHECK (char_length(slug) > 2)
);
CREATE UNIQUE INDEX articles_slug_lower ON articles (lower(slug));
CREATE INDEX articles_open ON articles (created_at DESC) WHERE NOT hidden;
CREATE INDEX ON articles USING btree (status, created_at);
COMMENT ON TABLE articles IS 'What is published';
COMMENT ON COLUMN articles.slug IS 'Part of the address';
INSERT INTO articles (slug, words) VALUES ('hello', 450), ('other', 10);` }, async (s) => {
  const [hello] = await s.list('/v1/articles?slug=eq.hello');
  assert.equal(hello.minutes, 2);
  assert.equal(hello.status, 'draft');
  assert.equal(hello.hidden, false);
  assert.deepEqual(hello.tags, []);
  assert.match(hello.token, /^[0-9a-f-]{36}$/);
  assert.match(hello.created_at, /Z$/);
  problem(await s.post('/v1/articles', { slug: 'HELLO' }), 409, 'unique');
  problem(await s.post('/v1/articles', { slug: 'ab' }), 422);
  problem(await s.post('/v1/articles', { slug: 'abc', status: 'gone' }), 422, undefined, ['status']);
  problem(await s.post('/v1/articles', { slug: 'abc', words: 100001 }), 422, undefined, ['words']);
  problem(await s.post('/v1/articles', { slug: 'abc', minutes: 4 }), 422, undefined, ['minutes']);
  const made = ok(await s.post('/v1/articles', { slug: 'abc', words: 1000, tags: ['x'] }), 201);
  assert.equal(made.minutes, 5);
  assert.equal(ok(await s.patch(`/v1/articles/${made.id}`, { words: 400 })).minutes, 2);
});

play('ALTER TABLE: add, rename, drop, constraints', { migrations: {
  '20260101000000_a.sql': 'CREATE TABLE a (id SERIAL PRIMARY KEY, old_name TEXT, gone TEXT); CREATE TABLE b (id SERIAL PRIMARY KEY);',
  '20260102000000_b.sql': `ALTER TABLE a RENAME COLUMN old_name TO name;
ALTER TABLE a DROP COLUMN gone;
ALTER TABLE a ADD COLUMN b_id INTEGER REFERENCES b (id);
ALTER TABLE a ADD COLUMN n INTEGER NOT NULL DEFAULT 5 CHECK (n > 0);
ALTER TABLE b RENAME TO c;`,
}, serve: false }, async (s, p) => {
  p.do('migrate', 'up', '--yes');
  await s.start();
  assert.deepEqual(ok(await s.post('/v1/a', { name: 'x' }), 201), { id: 1, name: 'x', b_id: null, n: 5 });
  problem(await s.post('/v1/a', { n: 0 }), 422, undefined, ['n']);
  problem(await s.post('/v1/a', { b_id: 7 }), 422, 'parent', ['b_id']);
  ok(await s.post('/v1/c', {}), 201);
});
