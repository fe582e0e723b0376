// Fastify with pg, as fast as it goes: no log, schemas compiled to serializers, a pool, every statement named (so
// the server prepares it once a connection), one statement a request, times made into text by the server.
// usage: fastify-pg.mjs PORT URL CONNECTIONS
import Fastify from 'fastify';
import pg from 'pg';

const [port, url, connections] = process.argv.slice(2);
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
const pool = new pg.Pool({ connectionString: url, max: Number(connections), min: Number(connections) });

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

const time = (column) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const oneUser = {
  name: 'user',
  text: `SELECT id, name, email, age, city, ${time('created_at')} AS created_at, posts_count FROM users WHERE id = $1`,
};
const postsPage = {
  name: 'page',
  text: `SELECT p.id, p.user_id, p.title, p.content, ${time('p.created_at')} AS created_at,
    json_build_object('id', u.id, 'name', u.name, 'email', u.email, 'age', u.age, 'city', u.city, 'created_at', ${time('u.created_at')}, 'posts_count', u.posts_count) AS author,
    c.list AS comments
    FROM (SELECT * FROM posts ORDER BY id LIMIT $1 OFFSET $2) p JOIN users u ON u.id = p.user_id
    CROSS JOIN LATERAL (SELECT coalesce(json_agg(json_build_object('id', c.id, 'post_id', c.post_id, 'user_id', c.user_id, 'text', c.text,
      'created_at', ${time('c.created_at')}) ORDER BY c.id), '[]') AS list FROM comments c WHERE c.post_id = p.id) c
    ORDER BY p.id`,
};

const app = Fastify({ logger: false, keepAliveTimeout: 600000 });
app.get('/v1/users/:id', { schema: { response: { 200: object(user) } } }, async (request, reply) => {
  const { rows } = await pool.query({ ...oneUser, values: [Number(request.params.id)] });
  return rows.length ? rows[0] : reply.code(404).send({ error: 'User not found' });
});
app.get('/v1/posts', { schema: { response: { 200: object(page) } } }, async (request) => {
  const limit = Number(request.query.limit);
  const number = Number(request.query.page);
  const { rows } = await pool.query({ ...postsPage, values: [limit, (number - 1) * limit] });
  return { data: rows, page: number, limit };
});
await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 });
console.log('listening');
