// Every status of docs/reference/status.md is reached, and the source knows no other. SPDX: Apache-2.0
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { play, problem, sleep, slow, test, top } from '../lib.mjs';

const read = (name) => fs.readFileSync(path.join(top, name), 'utf8');
const table = [...read('docs/reference/status.md').matchAll(/^\| (\d{3}) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map((m) => ({ status: Number(m[1]), title: m[2].trim() }));

const first = `CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT NOT NULL DEFAULT '', role TEXT NOT NULL DEFAULT 'viewer', age INTEGER);
CREATE TABLE pages (id SERIAL PRIMARY KEY, title TEXT UNIQUE, age INTEGER, scan JSONB);`;
const config = `http: { max_body: 4K, max_head: 3K, max_target: 512, body_timeout: 600ms, request_timeout: 1s, require_if_match: [/v1/pages/2] }
server: { max_requests: 3 }
mail: { from: Shop <shop@example.com> }
auth: { table: users, roles: role, hash_memory: 64K, hash_passes: 1, providers: [{ preset: github, client_id: x, client_secret: "\${HUB}" }] }
oauth: { clients: [{ id: shop, redirect_uris: ["https://shop.example.com/"], scopes: [openid] }] }
files: { pages.scan: {} }
limits: [{ name: few, match: { path: /livez-not/* }, rate: 1/h }]
`;
const queries = `-- name: staff
-- roles: admin
SELECT 1 AS n;

-- name: slow
-- roles: public
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT max(i) AS i FROM n;
`;

const raw = async (s, head, body = '') => (await s.raw(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n${body}`)).statuses[0];
const get = async (s, target, headers) => (await s.get(target, headers)).status;
const post = async (s, body, headers) => (await s.post('/v1/pages', body, headers)).status;

// One way to each status.
const reach = {
  100: async (s) => (await s.raw('POST /v1/pages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n')).statuses[0],
  200: (s) => get(s, '/v1/pages/1'),
  201: (s) => post(s, { title: 'new' }),
  202: async (s) => (await s.post('/v1/auth/reset/send', { email: 'ada@example.com' })).status,
  204: async (s) => (await s.delete('/v1/pages/3')).status,
  206: async (s) => { await s.put('/v1/pages/1/scan', 'some text', { 'Content-Type': 'text/plain' }); return get(s, '/v1/pages/1/scan', { Range: 'bytes=0-3' }); },
  302: (s) => get(s, '/v1/auth/oauth/github'),
  303: (s) => get(s, '/oauth/authorize?client_id=shop&redirect_uri=https%3A%2F%2Fshop.example.com%2F&response_type=token'),
  304: async (s) => get(s, '/v1/pages/1', { 'If-None-Match': (await s.get('/v1/pages/1')).header('etag') }),
  400: (s) => get(s, '/v1/pages?nme=eq.x'),
  401: (s) => get(s, '/v1/auth/me'),
  403: async (s) => {
    const t = (await s.post('/v1/auth/register', { email: 'ada@example.com', password: 'correct horse battery' })).body;
    return get(s, '/v1/q/staff', { Authorization: `Bearer ${t.access_token}` });
  },
  404: (s) => get(s, '/v1/pages/9999'),
  405: async (s) => (await s.delete('/v1/pages')).status,
  406: (s) => get(s, '/v1/pages', { Accept: 'image/png' }),
  408: async (s) => (await s.raw('POST /v1/pages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{', { quiet: 3000 * slow })).statuses[0],
  409: (s) => post(s, { title: 'one' }),
  411: (s) => raw(s, 'POST /v1/pages HTTP/1.0\r\nContent-Type: application/json', '{}'),
  412: async (s) => (await s.patch('/v1/pages/1', { age: 1 }, { 'If-Match': '"old"' })).status,
  413: (s) => post(s, { title: 'x'.repeat(5000) }),
  414: (s) => get(s, `/v1/pages?title=eq.${'x'.repeat(600)}`),
  415: (s) => post(s, 'x', { 'Content-Type': 'text/plain' }),
  416: (s) => get(s, '/v1/pages/1/scan', { Range: 'bytes=100-' }),
  417: (s) => raw(s, 'POST /v1/pages HTTP/1.1\r\nExpect: a-miracle\r\nContent-Length: 0'),
  421: (s) => raw(s, 'GET https://x/v1/pages HTTP/1.1'),
  422: (s) => post(s, { age: 'old' }),
  428: async (s) => (await s.patch('/v1/pages/2', { age: 1 })).status,
  429: async (s) => { await s.get('/livez-not/a'); return get(s, '/livez-not/a'); },
  431: (s) => get(s, '/v1/pages', { 'X-A': 'x'.repeat(4000) }),
  500: async (s, p) => { p.do('migrate', 'down', '--yes'); return get(s, '/v1/gone'); },
  501: (s) => raw(s, 'BREW /v1/pages HTTP/1.1'),
  503: async (s) => {
    const held = Array.from({ length: 3 }, () => s.get('/v1/q/slow'));
    for (let i = 0; i < 100 && await get(s, '/v1/pages/1') !== 503; i++) await sleep(5);
    const status = await get(s, '/v1/pages/1');
    await Promise.all(held);
    return status;
  },
  504: (s) => get(s, '/v1/q/slow'),
  505: (s) => raw(s, 'GET /v1/pages HTTP/2.0'),
};

test('the table, its titles and the source agree', () => {
  const listed = new Set(table.map((r) => r.status));
  assert.deepEqual(table.map((r) => r.status), [...listed].sort((a, b) => a - b), 'in order, each once');
  assert.deepEqual(Object.keys(reach).map(Number), [...listed], 'each row has a way to reach it');
  const titles = Object.fromEntries([...read('src/http/status.def').matchAll(/^X\((\d+), "(.*)"\)/gm)].map((m) => [m[1], m[2]]));
  for (const r of table) assert.equal(r.title, titles[r.status]);
  const known = (n, where) => assert.ok(listed.has(Number(n)) || n === '499', `${where} has ${n}, which the table has not`);
  for (const m of read('src/base/err.def').matchAll(/^X\(\w+, (\d{3})/gm)) known(m[1], 'err.def');
  let seen = 0;
  for (const dir of fs.readdirSync(path.join(top, 'src'))) {
    if (!fs.statSync(path.join(top, 'src', dir)).isDirectory()) continue;
    for (const file of fs.readdirSync(path.join(top, 'src', dir)).filter((f) => f.endsWith('.c'))) {
      for (const m of read(`src/${dir}/${file}`).matchAll(/(?:status = |refuse\(\w+, |refuse_status\(\w+, |\(struct fault\)\{|render_problem\(\w+, )(\d{3})\b/g)) { known(m[1], `src/${dir}/${file}`); seen++; }
    }
  }
  assert.ok(seen > 40, `${seen} places`);
});

play('every status is reached', { config, serve: false, workers: 1, timeout: 120000, migrations: { '20260101000000_first.sql': first, '20260102000000_gone.sql': '-- migrate:up\nCREATE TABLE gone (id SERIAL PRIMARY KEY);\n-- migrate:down\nDROP TABLE gone;\n' } }, async (s, p) => {
  p.write('queries/all.sql', queries);
  p.env.HUB = 'secret';
  await s.start();
  for (const title of ['one', 'two', 'three']) assert.equal(await post(s, { title }), 201);
  for (const { status, title } of table) {
    assert.equal(await reach[status](s, p), status, `${status} ${title}`);
  }
  const p404 = problem(await s.get('/v1/pages/9999'), 404);
  assert.equal(p404.title, 'Not Found');
});
