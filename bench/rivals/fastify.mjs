// Fastify with better-sqlite3, as fast as it goes: no log, schemas compiled to serializers, every
// statement prepared once, WAL, and the page cache and memory map that Cairn gets.
// usage: fastify.mjs PORT DATABASE
import Fastify from 'fastify';
import Database from 'better-sqlite3';

const [port, path] = process.argv.slice(2);
const db = new Database(path);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.pragma('foreign_keys = ON');
db.pragma('cache_size = -64000');
db.pragma('mmap_size = 1073741824');

const integer = { type: 'integer' };
const text = { type: 'string' };
const object = (properties) => ({ type: 'object', properties });
const user = {
  id: integer,
  name: text,
  email: text,
  age: { type: 'integer', nullable: true },
  city: { type: 'string', nullable: true },
  created_at: text,
  posts_count: integer,
};
const comment = { id: integer, post_id: integer, user_id: integer, text, created_at: text };
const post = {
  id: integer,
  user_id: integer,
  title: text,
  content: { type: 'string', nullable: true },
  created_at: text,
  author: object(user),
  comments: { type: 'array', items: object(comment) },
};
const page = { data: { type: 'array', items: object(post) }, page: integer, limit: integer };

const oneUser = db.prepare('SELECT id, name, email, age, city, created_at, posts_count FROM users WHERE id = ?');
const postsPage = db.prepare(
  'SELECT id, user_id, title, content, created_at FROM posts ORDER BY id LIMIT ? OFFSET ?',
);

// One statement per number of keys, prepared when first needed.
const prepared = new Map();
function many(name, count, sql) {
  const key = name + count;
  if (!prepared.has(key)) {
    prepared.set(key, db.prepare(sql.replace('(?)', `(${Array(count).fill('?').join(',')})`)));
  }
  return prepared.get(key);
}
const authorsSql = 'SELECT id, name, email, age, city, created_at, posts_count FROM users WHERE id IN (?)';
const commentsSql =
  'SELECT id, post_id, user_id, text, created_at FROM comments ' +
  'WHERE post_id IN (?) ORDER BY post_id, id';

function readPage(number, limit) {
  const posts = postsPage.all(limit, (number - 1) * limit);
  if (posts.length === 0) return posts;
  const byId = new Map();
  const authors = new Map();
  for (const p of posts) {
    p.comments = [];
    byId.set(p.id, p);
    authors.set(p.user_id, null);
  }
  const keys = [...authors.keys()];
  for (const a of many('authors', keys.length, authorsSql).all(keys)) authors.set(a.id, a);
  for (const c of many('comments', posts.length, commentsSql).all([...byId.keys()])) {
    byId.get(c.post_id).comments.push(c);
  }
  for (const p of posts) p.author = authors.get(p.user_id);
  return posts;
}

const app = Fastify({ logger: false, keepAliveTimeout: 600000 });
app.get('/v1/users/:id', { schema: { response: { 200: object(user) } } }, (request, reply) => {
  const row = oneUser.get(Number(request.params.id));
  if (row) reply.send(row);
  else reply.code(404).send({ error: 'User not found' });
});
app.get('/v1/posts', { schema: { response: { 200: object(page) } } }, (request, reply) => {
  const limit = Number(request.query.limit);
  const number = Number(request.query.page);
  reply.send({ data: readPage(number, limit), page: number, limit });
});
await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 });
console.log('listening');
