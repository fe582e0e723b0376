// What people read is run: every block marked http in docs/reference/*.md is played against the
// shop, page by page, in order (CONTRIBUTING.md says what a block may hold), and the commands of
// docs/guide.md; words, proofs and files that the pages must name are looked for.
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { play, assert, test, top, BIN } from '../lib.mjs';
import { blocks, playBlocks, within } from '../blocks.mjs';
import { accounts, apps } from './accounts.mjs';

const folder = path.join(top, 'docs/reference');

test('what is shown is part of what came', () => {
  assert.ok(within({ a: [{ b: 1 }] }, { a: [{ b: 1, c: 2 }, 3], d: 4 }));
  assert.ok(within({ a: '...' }, { a: 'x' }) && !within({ a: '...' }, { a: null }) && !within({ a: '...' }, {}));
  const vars = { B: 'b' };
  assert.ok(within({ a: '$A', b: '$B' }, { a: 'x', b: 'b' }, vars) && vars.A === 'x');
  assert.ok(!within('$A', 'y', vars) && !within('$C', 7, vars) && !within('$C', '', vars));
  assert.ok(!within({ a: null }, {}) && !within([1, 2], [1]) && !within({ a: 1 }, { a: '1' }) && !within({ a: {} }, { a: null }));
});

test('a block is read as it is meant', () => {
  const [b] = blocks('x\n```http\nPOST /v1/a\nX-A: b\n\n{"c": "d: e"}\n\n# 201\n# Location: /v1/a/1\n{"id": 1}\n```\n');
  assert.deepEqual(b, { line: 3, method: 'POST', target: '/v1/a', headers: { 'X-A': 'b', 'Content-Type': 'application/json' }, body: '{"c": "d: e"}', status: 201, want: { Location: '/v1/a/1' }, answer: '{"id": 1}' });
});

// The words that an answer may carry, as the sources write them.
function codeWords() {
  const words = new Set();
  const find = (file, pattern) => { for (const m of fs.readFileSync(file, 'utf8').matchAll(pattern)) words.add(m[1]); };
  for (const f of sources()) {
    const file = path.join(top, f);
    find(file, /fail_field\([^;]*?LIT\("([a-z_]+)"\)/g);
    find(file, /query__bad\([^;]*?"([a-z_]+)"/g);
    find(file, /(?:\b|body__)fault\([^;]*?LIT\("([a-z_]+)"\)/g);
    find(file, /schema__fault\([^;]*?LIT\("([a-z_]+)"\)/g);
  }
  find(path.join(top, 'src/render/problem.def'), /^X\(\w+, "([a-z_]+)"\)/gm);
  return words;
}
function sources() {
  return fs.readdirSync(path.join(top, 'src'), { withFileTypes: true }).filter((d) => d.isDirectory())
    .flatMap((d) => fs.readdirSync(path.join(top, 'src', d.name)).filter((f) => f.endsWith('.c')).map((f) => `src/${d.name}/${f}`));
}

test('every code word has its place in problems.md', () => {
  const words = codeWords();
  const text = fs.readFileSync(path.join(folder, 'problems.md'), 'utf8');
  for (const w of ['bad_filter', 'unknown_field', 'length', 'busy', 'malformed_json']) assert.ok(words.has(w), `${w} was not found in the sources`);
  words.delete('cancelled'); // nobody is there to read it
  const missing = [...words].filter((w) => !text.includes(`## ${w}\n`) && !new RegExp(`^\\|[^|]*\`${w}\`[^|]*\\|`, 'm').test(text));
  assert.deepEqual(missing, []);
});

for (const page of [...fs.readdirSync(folder), '../queries.md', '../files.md'].filter((f) => f.endsWith('.md'))) {
  const list = blocks(fs.readFileSync(path.join(folder, page), 'utf8'));
  if (!list.length) continue;
  play(`docs/reference/${page}: ${list.length} examples`, { app: 'shop', users: 200, timeout: 120000 }, async (s) => {
    assert.equal(await playBlocks(s, page, list), '');
  });
}

// ---- docs/guide.md ----

const rows = fs.readFileSync(path.join(top, 'docs/guide.md'), 'utf8').split('\n').filter((l) => /^\| \d+ \|/.test(l))
  .map((l) => l.split('|').slice(1, -1).map((c) => c.trim()));
const ticks = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map((m) => m[1]);

test('the guide has its sixty rows, and every proof is there', () => {
  assert.deepEqual(rows.map((r) => Number(r[0])), Array.from({ length: 60 }, (_, i) => i + 1));
  const wrong = [];
  for (const [number, , , , proof, state] of rows) {
    if (!/^(\*\*done\*\*|\*partly\*|not yet)/.test(state ?? '')) wrong.push(`${number}: state '${state}'`);
    if (/done/.test(state ?? '') && !ticks(proof).length) wrong.push(`${number}: done, but nothing proves it`);
    for (const p of ticks(proof)) {
      const file = path.join(top, p.startsWith('test/') || p.startsWith('.') ? p : `test/wire/${p.replace(/\/\*$/, '')}`);
      if (!fs.existsSync(file) && !fs.existsSync(`${file}.test.mjs`)) wrong.push(`${number}: no ${p}`);
    }
  }
  assert.deepEqual(wrong, []);
});

const curl = spawnSync('curl', ['--version']).status === 0;

// A command of the fourth column is followed by what comes of it, `: 404`, or ` twice: 204, 404`; without a word it is 2xx
// or 3xx, or a command that succeeds. $S is the shop, $A the shop with accounts.
function commands(cell) {
  return [...cell.matchAll(/`((?:curl|cairn) [^`]+)`( twice)?(?:: (\d{3})(?:, (\d{3}))?)?/g)].filter((m) => m[1] !== 'cairn serve')
    .flatMap(([, command, twice, first, second]) => (twice ? [[command, first], [command, second]] : [[command, first]]));
}
const asked = (status, want) => (want ? status === Number(want) : status >= 200 && status < 400);

test('what comes of a command is read as it is meant', () => {
  assert.deepEqual(commands('`curl a`; `curl b` twice: 204, 404; `cairn c`: x, `curl d`: 409, a `e`'), [['curl a', undefined], ['curl b', '204'], ['curl b', '404'], ['cairn c', undefined], ['curl d', '409']]);
  assert.ok(asked(204) && asked(304) && asked(404, '404') && !asked(404) && !asked(500) && !asked(200, '404') && !asked(0) && !asked(101));
});

async function playCommands(s, p, list, base) {
  const shell = (command) => {
    const script = `curl() { command curl -gsS -w '\\n%{http_code}' "$@"; }; cairn() { "$CAIRN" -C "$DIR" --data "$DATA" "$@"; }; cd "$ROOT" && ${command}`;
    const env = { ...process.env, ...base, CAIRN: BIN, DIR: p.dir, DATA: p.data, ROOT: p.root };
    return new Promise((done) => execFile('sh', ['-c', script], { env, timeout: 30000 }, (e, out, err) => done({ code: e ? e.code : 0, out, err })));
  };
  const wrong = [];
  for (const [number, command, want] of list) {
    const r = await shell(command);
    const status = /^curl/.test(command) ? Number(r.out.slice(-3)) : 200;
    if (r.code !== 0 || !asked(status, want)) wrong.push(`${number}: ${command}: ${r.code}, ${status} and not ${want ?? '2xx'}: ${r.out.slice(-300)} ${r.err}`);
  }
  assert.equal(wrong.join('\n'), '');
}
const all = rows.flatMap((r) => commands(r[3] ?? '').map((c) => [r[0], ...c]));
const [signed, open] = [all.filter((c) => c[1].includes('$A')), all.filter((c) => !c[1].includes('$A'))];
const guide = { app: 'shop', users: 200, skip: curl ? false : 'no curl', timeout: 120000 };

play('the guide: its commands work', guide, async (s, p) => {
  assert.ok(open.length > 40, `only ${open.length} commands were found`);
  await playCommands(s, p, open, { S: s.base });
});

play('the guide: its commands about accounts work', { ...guide, serve: false }, async (s, p) => {
  assert.deepEqual([...new Set(signed.map((c) => c[0]))], ['21', '22', '23']);
  accounts(p);
  apps(p);
  await s.start();
  await playCommands(s, p, signed, { A: s.base });
});

test('every source file is on the tour', () => {
  const tour = fs.readFileSync(path.join(top, 'docs/tour.md'), 'utf8');
  assert.deepEqual(sources().filter((f) => !tour.includes(`${path.basename(f)}\``)), []);
});
