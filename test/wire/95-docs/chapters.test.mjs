// Pages of docs/ that need more than the shop as it is: their settings, SQL and commands are taken from the page, their
// blocks played in order. Indented or fenced as console, `$ cairn ...` is run, and what is shown of its output must come.
import crypto from 'node:crypto';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { play, assert, ok, top, BIN } from '../lib.mjs';
import { blocks, playBlocks } from '../blocks.mjs';
import { accounts } from './accounts.mjs';

const page = (name) => fs.readFileSync(path.join(top, 'docs', name), 'utf8');
const fence = (text, kind) => new RegExp('```' + kind + '\n([^`]*)```').exec(text)[1];
const both = ['sqlite', 'postgres'];

// [{ command, lines }] of the text: commands with what is shown behind each.
function consoles(text) {
  const list = [];
  const inside = [...text.matchAll(/```console\n([^`]*)```/g)].map((m) => m[1])
    .concat([...text.matchAll(/(?:^|\n\n)((?: {4}.*\n| *\n)*? {4}\$ cairn .*\n(?: {4}.*\n|\n(?= {4}))*)/g)].map((m) => m[1].replace(/^ {4}/gm, '')));
  for (const line of inside.flatMap((b) => b.split('\n'))) {
    if (line.startsWith('$ ')) list.push({ command: line.slice(2), lines: [] });
    else if (line.trim()) list.at(-1).lines.push(line.trim());
  }
  return list;
}

// Runs them; each line that is shown must come, in order, `...` being anything.
function playConsoles(p, list) {
  const wrong = [];
  for (const { command, lines } of list) {
    const script = `cairn() { "$CAIRN" -C "$DIR" --data "$DATA" "$@"; }; ${command}`;
    const r = spawnSync('sh', ['-c', script], { encoding: 'utf8', env: { ...process.env, ...p.env, CAIRN: BIN, DIR: p.dir, DATA: p.data } });
    let rest = r.stdout.split('\n').map((l) => l.trim());
    if (r.status !== 0) wrong.push(`${command}: ${r.status} ${r.stderr}`);
    for (const line of lines) {
      const like = new RegExp(`^${line.split('...').map((t) => t.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
      const at = rest.findIndex((l) => like.test(l));
      if (at < 0) { wrong.push(`${command}: no line '${line}' in:\n${r.stdout}`); break; }
      rest = rest.slice(at + 1);
    }
  }
  assert.equal(wrong.join('\n'), '');
}

// Somebody to sign in, as the pages know her; her access token.
async function ada(s) {
  return ok(await s.post('/v1/auth/register', { email: 'ada@example.com', name: 'Ada', password: 'correct horse' }), 201).access_token;
}

play('docs/transactions.md', { app: 'shop', users: 50 }, async (s) => {
  const list = blocks(page('transactions.md'));
  assert.equal(list.length, 3);
  ok(await s.patch('/v1/accounts/A', { balance: 500 }));
  assert.equal(await playBlocks(s, 'transactions.md', list), '');
});

play('docs/counters.md', { on: both, config: fence(page('counters.md'), 'yaml'), migrations: {
  '20260101000000_tables.sql': `CREATE TABLE users (id SERIAL PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), title TEXT NOT NULL);
CREATE INDEX posts_user ON posts (user_id);
INSERT INTO users (name) VALUES ('John'), ('Jane'), ('Jim');`,
  '20260102000000_counter.sql': fence(page('counters.md'), 'sql'),
} }, async (s, p) => {
  const list = blocks(page('counters.md'));
  assert.equal(list.length, 3);
  assert.equal(await playBlocks(s, 'counters.md', list), '');
  playConsoles(p, consoles(page('counters.md')));
});

play('docs/migrations.md', { on: both, serve: false, config: '', migrations: { '20260101120000_users.sql': fence(page('migrations.md'), 'sql') } }, async (s, p) => {
  const list = consoles(page('migrations.md'));
  assert.equal(list.length, 4);
  playConsoles(p, list);
  await s.start();
  ok(await s.post('/v1/users', { email: 'john@example.com' }), 201);
});

// The indexes page: what explain and check say of its examples (SQLite's words), and which index each example uses.
play('docs/indexes.md: explain and check', { serve: false, config: '', migrations: `
CREATE TABLE users (id SERIAL PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(100) UNIQUE NOT NULL, age INTEGER, city VARCHAR(100), created_at TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id));` }, async (s, p) => {
  p.write('seed.sql', `INSERT INTO users (name, email) VALUES ('John', 'john@example.com');
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO posts (user_id) SELECT 1 FROM n;`);
  p.do('seed');
  const list = consoles(page('indexes.md'));
  assert.deepEqual(list.map((c) => c.command.split(' ').slice(0, 2).join(' ')), ['cairn explain', 'cairn check']);
  playConsoles(p, list);
});

play('docs/indexes.md: the index of each example', { on: both, serve: false, config: '', migrations: [...page('indexes.md').matchAll(/^ {4}(CREATE [^;]*;)/gm)].map((m) => m[1]).filter((c) => /users/.test(c))
  .join('\n').replace(/PRIMARY KEY, \.\.\.\)/, 'PRIMARY KEY, email VARCHAR(100), last_name VARCHAR(50), first_name VARCHAR(50), is_active BOOLEAN)') }, async (s, p) => {
  p.write('seed.sql', `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO users (email, last_name, first_name, is_active) SELECT 'u' || i || '@example.com', CASE WHEN i = 7 THEN 'Doe' ELSE 'L' || i END, CASE WHEN i = 7 THEN 'John' ELSE 'F' || i END, i % 100 = 0 FROM n;`);
  p.do('seed');
  if (s.engine === 'postgres') p.psql('ANALYZE users');
  const list = [...page('indexes.md').matchAll(/^ {4}cairn explain '(.*?)' +-> (.*)$/gm)];
  assert.equal(list.length, 4);
  for (const [, request, says] of list) {
    const out = p.do('explain', `${request}&count=none`).out;
    const index = /index (\w+)/.exec(says)?.[1];
    assert.match(out, index ? new RegExp(`-> .*index ${index}`) : /-> (scans users|users by its key)/, `${request}\n${out}`);
  }
});

play('docs/sessions.md', { app: 'shop', users: 20, serve: false }, async (s, p) => {
  accounts(p);
  p.do('migrate', 'up');
  await s.start(['--set', 'mode=production']);
  const as = { Authorization: `Bearer ${await ada(s)}` };
  ok(await s.post('/v1/auth/logout', undefined, as), 204); // the page begins with nobody signed in
  const list = blocks(page('sessions.md'));
  assert.equal(list.length, 8);
  assert.equal(await playBlocks(s, 'sessions.md', list), '');
});

play('docs/api-keys.md', { app: 'shop', users: 20, serve: false, on: both }, async (s, p) => {
  accounts(p);
  await s.start();
  const list = blocks(page('api-keys.md'));
  assert.equal(list.length, 7);
  const vars = { TOKEN: await ada(s), BASIC: (v) => Buffer.from(`${v.ID}:${v.KEY}`).toString('base64') };
  assert.equal(await playBlocks(s, 'api-keys.md', list, vars), '');
  assert.match(vars.KEY, /^ck_(live|test)_[0-9A-Za-z]{49}$/);
});

// RFC 6238, as an app computes it; steps: so many steps of 30 s from now, since each code is good once.
function totp(secret, steps) {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const mac = crypto.createHmac('sha1', key).update(at).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

play('docs/mfa.md', { app: 'shop', users: 20, serve: false, on: both }, async (s, p) => {
  const settings = [...fence(page('mfa.md'), 'yaml').matchAll(/^ {2}(mfa|issuer): ([^#\n]*)/gm)].map((m) => `, ${m[1]}: ${m[2].trim()}`).join('');
  assert.match(settings, /mfa: optional, issuer: My shop/);
  accounts(p, settings);
  await s.start();
  const list = blocks(page('mfa.md'));
  assert.equal(list.length, 8);
  let used = -1;
  const vars = { TOKEN: await ada(s), CODE: (v) => totp(v.SECRET, ++used) };
  assert.equal(await playBlocks(s, 'mfa.md', list, vars), '');
  assert.ok(vars.URI.startsWith('otpauth://totp/My%20shop:ada%40example.com?secret='), vars.URI);
  assert.ok(vars.URI.endsWith('&issuer=My%20shop&algorithm=SHA1&digits=6&period=30'), vars.URI);
  assert.match(vars.RECOVERY, /^\w{4}-\w{4}-\w{4}-\w{4}$/);
});
