// `cairn config schema` in the hands of a validator: it takes what the examples and the docs show, and refuses what the start refuses. SPDX: Apache-2.0
import fs from 'node:fs';
import { play, assert, top } from '../lib.mjs';
import { missing, use } from '../46-openapi/npm.mjs';

const read = (name) => fs.readFileSync(`${top}/${name}`, 'utf8');
const pages = () => ['README.md', ...['docs', 'docs/reference'].flatMap((d) => fs.readdirSync(`${top}/${d}`).filter((f) => f.endsWith('.md')).map((f) => `${d}/${f}`))];

// The blocks of settings of a page, with the line of each.
function blocks(page) {
  const text = read(page);
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((m) => [`${page}:${text.slice(0, m.index).split('\n').length}`, m[1]]);
}

play('every cairn.yaml of the examples and the docs fits the schema', { serve: false, skip: missing }, async (s, p) => {
  const Ajv = use('ajv/dist/2020.js').default;
  const yaml = use('js-yaml');
  const load = (text) => yaml.load(text, { schema: yaml.CORE_SCHEMA }); // a date is a text, as for editors
  const fits = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true, strictTypes: false, strictRequired: false }).compile(JSON.parse(p.do('config', 'schema').out));
  const wrong = [];
  const hold = (place, text) => { if (!fits(load(text) ?? null)) wrong.push(`${place}: ${fits.errors.map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`).join('; ')}`); };
  const texts = pages().flatMap(blocks);
  assert.ok(texts.length > 30, `${texts.length} blocks`);
  const others = [/^titles:/m, /^- /m]; // a file of a language; a piece of an operation
  for (const [place, text] of texts) if (!others.some((o) => o.test(text))) hold(place, text);
  for (const name of fs.readdirSync(`${top}/examples`)) if (fs.existsSync(`${top}/examples/${name}/cairn.yaml`)) hold(name, read(`examples/${name}/cairn.yaml`));
  const example = read('cairn.example.yaml');
  hold('cairn.example.yaml', example);
  // What stands there as comments: everything from the first commented section on.
  const comments = example.slice(example.indexOf('\n# roles:')).split('\n').filter((l) => /^# ( |[a-z_]+:)/.test(l)).map((l) => l.slice(2)).join('\n');
  for (const part of comments.split(/^(?=[a-z])/m)) hold(`the comment "${part.slice(0, 20)}"`, part);
  assert.deepEqual([...comments.matchAll(/^([a-z_]+):/gm)].map((m) => m[1]).sort(), ['access', 'auth', 'cache_control', 'collections', 'cors', 'files', 'limits', 'oauth', 'rate_limit', 'roles', 'tables', 'versions']);
  hold('secrets', 'database: { password: "credential:db" }\nredis: { password: "exec:vault read x" }\ns3: { secret_key: "file:x", session_token: "${TOKEN}" }\n');
  hold('nothing', '');
  assert.deepEqual(wrong, []);
  // It does refuse what is wrong.
  for (const text of ['rols: {}', 'roles: { a: { cann: [x] } }', 'roles: []', 'access: { posts: [{ roles: a }] }', 'access: { posts: [{ can: read }] }', 'access: { posts: [{ roles: a, can: read, were: x }] }',
    'access: { posts: read }', 'database: { password: hello }', 'server: { workers: -1 }', 'server: { worker: 1 }', 'tables: { posts: { exposed: true } }']) {
    assert.ok(!fits(load(text)), text);
    p.config(`${text}\n`);
    assert.notEqual(p.cairn('config', 'show').code, 0, `the schema refuses what is good: ${text}`);
  }
});

play('the page of accounts names every event of the audit log, and no other', { serve: false }, async () => {
  const have = [...read('src/account/audit.def').matchAll(/^X\(\w+, "(\w+)"/gm)].map((m) => m[1]);
  const text = read('docs/auth.md');
  const table = /^\| event \| what happened \|\n\|---\|---\|\n((?:\|.*\n)+)/m.exec(text)[1];
  const told = table.split('\n').flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map((m) => m[1]));
  assert.ok(have.length > 20);
  assert.deepEqual([...told].sort(), [...have].sort());
});

play('keys that the pages of security name are there', { serve: false }, async (s, p) => {
  const keys = new Set([...read('src/server/config.def').matchAll(/^X\(\w+, "([a-z0-9_.]+)"/gm)].map((m) => m[1]));
  const sections = new Set([...keys].map((k) => k.split('.')[0]));
  const lists = new Set(['auth.issuers', 'auth.providers', 'oauth.clients', 'oauth.scopes', 'cors.routes', 'rate_limit.clients']);
  const files = /\.(c|h|md|mjs|js|yaml|yml|keys?|def|sql|json|secret|sock|log)$/;
  for (const page of ['SECURITY.md', 'docs/security.md', 'docs/operating.md', 'docs/auth.md', 'docs/rate-limits.md', 'docs/oauth.md'])
    for (const m of read(page).matchAll(/`([a-z0-9_]+\.[a-z0-9_]+)`/g))
      if (sections.has(m[1].split('.')[0]) && !files.test(m[1])) assert.ok(keys.has(m[1]) || m[1] === 'log.dropped' || lists.has(m[1]), `${page} names ${m[1]}`);
});
