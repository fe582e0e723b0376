// blocks.mjs -- the examples of a page of the docs, and what they say of an answer. SPDX: Apache-2.0
import assert from 'node:assert/strict';

// The blocks of a page: { line, method, target, headers, body, status, answer, want }.
export function blocks(text) {
  const list = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    if (lines[i] !== '```http') continue;
    const line = i + 2;
    const inside = [];
    while (lines[++i] !== '```') {
      assert.ok(i < lines.length, `line ${line}: the block does not end`);
      inside.push(lines[i]);
    }
    list.push(block(inside, line));
  }
  return list;
}

function block(inside, line) {
  const first = /^([A-Z]+) (\/.*)$/.exec(inside[0]);
  assert.ok(first, `line ${line}: not METHOD /TARGET: ${inside[0]}`);
  const at = inside.findIndex((l) => /^# \d{3}$/.test(l));
  assert.ok(at > 0, `line ${line}: no line "# STATUS"`);
  const request = inside.slice(1, at);
  const headers = {};
  for (let m; (m = /^([A-Za-z-]+): (.*)$/.exec(request[0] ?? '')); request.shift()) headers[m[1]] = m[2];
  const answer = inside.slice(at + 1);
  const want = {};
  for (let m; (m = /^# ([A-Za-z-]+): (.*)$/.exec(answer[0] ?? '')); answer.shift()) want[m[1]] = m[2];
  const body = request.join('\n').trim();
  if (body && !('Content-Type' in headers)) headers['Content-Type'] = 'application/json';
  return { line, method: first[1], target: first[2], headers, body, status: Number(inside[at].slice(2)), want, answer: answer.join('\n').trim() };
}

// Is `shown` part of `real`? Objects: the members shown; arrays: the items shown, from the first one
// on; the text "..." is anything but null; "$NAME" is a text that vars keeps under that name, and the
// same one where vars has it already.
export function within(shown, real, vars = {}) {
  if (shown === '...') return real !== null && real !== undefined;
  if (Array.isArray(shown)) return Array.isArray(real) && shown.every((v, i) => within(v, real[i], vars));
  if (shown && typeof shown === 'object') {
    return real && typeof real === 'object' && Object.entries(shown).every(([k, v]) => within(v, real[k], vars));
  }
  return shown === real || (/^\$[A-Z]+$/.test(shown) && keep(vars, shown.slice(1), real));
}
function keep(vars, name, value) {
  if (typeof value !== 'string' || !value) return false;
  vars[name] ??= value;
  return vars[name] === value;
}

// Does a header hold the text that is shown, in which $NAME is anything up to `;`?
function holds(shown, real, vars) {
  const names = [...shown.matchAll(/\$([A-Z]+)/g)].map((m) => m[1]);
  const m = new RegExp(shown.split(/\$[A-Z]+/).map((t) => t.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('([^;,\\s]+)')).exec(real);
  return m !== null && names.every((name, i) => keep(vars, name, m[i + 1]));
}

// Plays the examples of a page one after the other; the text tells what did not come as it is shown. vars: values and
// functions (of vars) for the $NAMEs that no earlier answer gave.
export async function playBlocks(s, page, list, vars = {}) {
  const wrong = [];
  for (const b of list) {
    const place = `${page}:${b.line}: ${b.method} ${b.target}`;
    const known = (text) => text.replace(/\$([A-Z]+)\b/g, (all, name) => (typeof vars[name] === 'function' ? vars[name](vars) : vars[name]) ?? all);
    const headers = Object.fromEntries(Object.entries(b.headers).map(([name, value]) => [name, known(value)]));
    const r = await s.fetch(known(b.target), { method: b.method, headers, body: known(b.body) || undefined });
    if (r.status !== b.status) wrong.push(`${place}: ${r.status}, not ${b.status}: ${r.text.slice(0, 400)}`);
    else if (b.answer && !within(JSON.parse(b.answer), r.body, vars)) wrong.push(`${place}: the answer is ${r.text.slice(0, 1500)}`);
    for (const [name, value] of Object.entries(b.want)) if (!holds(value, r.header(name) ?? '', vars)) wrong.push(`${place}: ${name} is ${r.header(name)}`);
  }
  return wrong.join('\n');
}
