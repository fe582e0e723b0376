// Requests that the document makes up, and answers held to what it says of them. SPDX: Apache-2.0
// CAIRN_TEST_SEED: another sequence than the usual one; CAIRN_TEST_RUNS: another number of requests.
import { assert, ok, play } from '../lib.mjs';
import { missing, use } from './npm.mjs';

const runs = Number(process.env.CAIRN_TEST_RUNS ?? 400);
const seed = Number(process.env.CAIRN_TEST_SEED ?? 19);

// Values of a schema: most of them good, at its bounds too.
function valuesOf(fc, d) {
  const follow = (s) => (s.$ref ? s.$ref.slice(2).split('/').reduce((at, key) => at[key], d) : s);
  const clamp = (s, n) => Math.min(Math.max(n, s.minimum ?? n), s.maximum ?? (s.exclusiveMaximum !== undefined ? s.exclusiveMaximum - 1 : n));
  const texts = (s) => {
    if (s.format === 'date') return fc.constantFrom('2026-01-31', '1999-12-31');
    if (s.format === 'date-time') return fc.constantFrom('2026-01-31T12:30:00Z', '2020-02-29T23:59:59.123456+02:00');
    if (s.format === 'uuid') return fc.uuid();
    if (s.format === 'byte') return fc.base64String({ maxLength: 40 });
    if (s.pattern) return fc.stringMatching(new RegExp(s.pattern)).map((t) => t.replace(/[\ud800-\udfff]/g, '?'));
    return fc.string({ unit: 'grapheme', minLength: s.minLength ?? 0, maxLength: Math.min(s.maxLength ?? 30, 30) });
  };
  const numbers = (s) => fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 15 }).map((n) => clamp(s, n)) },
    { weight: 1, arbitrary: fc.constantFrom(...[s.minimum, s.maximum].filter((n) => n !== undefined), 0).map((n) => clamp(s, n)) });
  const objects = (s) => {
    const all = Object.fromEntries(Object.entries(s.properties ?? {}).map(([k, v]) => [k, of(v)]));
    return fc.record(all, { requiredKeys: s.required ?? [] });
  };
  const of = (schema) => {
    const s = follow(schema);
    if (s.enum) return fc.constantFrom(...s.enum);
    if (s.anyOf) return fc.oneof(...s.anyOf.map(of));
    const types = [s.type ?? 'any'].flat();
    const one = { string: texts, integer: numbers, number: numbers, boolean: () => fc.boolean(), null: () => fc.constant(null), object: objects,
      array: () => fc.array(of(s.items), { minLength: s.minItems ?? 0, maxLength: 3 }), any: () => fc.jsonValue({ maxDepth: 2 }) };
    return fc.oneof(...types.map((t) => one[t](s)));
  };
  return { of, follow };
}

// A filter's pattern says how it begins; its value is of the column.
const filters = (fc) => fc.oneof(
  fc.tuple(fc.constantFrom('eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'not.eq', 'isdistinct'), fc.constantFrom('1', '12', 'Oslo', 'true', '2026-01-31', '9.5', '%', "it's")).map(([o, v]) => `${o}.${v}`),
  fc.constantFrom('is.null', 'not.is.null', 'is.not_null', 'in.(1,2,3)', 'not.in.(1)', 'like.A*', 'cs.{"a":1}', 'is.true'));

function requestsOf(fc, d) {
  const { of, follow } = valuesOf(fc, d);
  const value = (p) => (/Filter/.test(p.schema.items?.$ref ?? '') ? fc.array(fc.oneof(filters(fc), of(p.schema.items)), { minLength: 1, maxLength: 2 }) : of(p.schema));
  const parts = (o, where) => {
    const list = o.parameters.map(follow).filter((p) => p.in === where);
    // Of many that may be there, a few at a time.
    const few = Object.fromEntries(list.map((p) => [p.name, p.required || where === 'path' ? value(p) : fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value(p) })]));
    return fc.record(few);
  };
  const bodyOf = (o) => {
    const content = Object.entries(o.requestBody?.content ?? {});
    if (!content.length) return fc.constant(undefined);
    return fc.oneof(...content.map(([type, c]) => fc.oneof({ weight: 4, arbitrary: of(c.schema) }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) }).map((json) => ({ type, json }))));
  };
  const all = Object.entries(d.paths).flatMap(([where, methods]) => Object.entries(methods).map(([method, o]) => ({ where, method, o })));
  const weigh = ({ method }) => (method === 'delete' ? 1 : 4);
  return fc.oneof(...all.map((op) => ({ weight: weigh(op), arbitrary: fc.record({ op: fc.constant(op), path: parts(op.o, 'path'), query: parts(op.o, 'query'), header: parts(op.o, 'header'), body: bodyOf(op.o) }) })));
}

function targetOf({ op, path, query }) {
  const { where, o } = op;
  const words = [];
  for (const [name, v] of Object.entries(query)) {
    if (v === undefined) continue;
    const p = o.parameters.find((x) => x.name === name);
    const many = Array.isArray(v) ? (p?.explode === false ? [v.join(',')] : v) : [v];
    for (const one of many) words.push(`${encodeURIComponent(name)}=${encodeURIComponent(one)}`);
  }
  const to = where.replace(/\{(\w+)\}/g, (_all, name) => encodeURIComponent(path[name]));
  return words.length ? `${to}?${words.join('&')}` : to;
}

// A body in the form of its type: docs/formats.md. What is no object goes out as JSON all the same.
function encoded(type, json) {
  if (!/form|\/xml/.test(type) || !json || typeof json !== 'object' || Array.isArray(json)) return { type, body: JSON.stringify(json) };
  const text = (v) => (v !== null && typeof v === 'object' ? JSON.stringify(v) : String(v ?? ''));
  const pairs = Object.entries(json).flatMap(([k, v]) => [v].flat().map((one) => [k, text(one)]));
  if (/urlencoded/.test(type)) return { type, body: new URLSearchParams(pairs).toString() };
  if (/xml/.test(type)) {
    const safe = (s) => s.replace(/[^\t\n\r -\ud7ff\ue000-\ufffd]/g, '').replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);
    return { type, body: `<row>${pairs.map(([k, v]) => `<member name="${safe(k)}"${json[k] === null ? ' nil="true"/>' : `>${safe(v)}</member>`}`).join('')}</row>` };
  }
  const f = new FormData();
  for (const [k, v] of pairs) f.append(k, v);
  return { body: f };
}

play('answers are as the document says', { app: 'shop', users: 12, on: ['sqlite', 'postgres'], skip: missing, timeout: 180000 }, async (s) => {
  const fc = use('fast-check');
  const Ajv = use('ajv/dist/2020').default;
  const d = ok(await s.get('/openapi.json'));
  const ajv = new Ajv({ strict: false });
  use('ajv-formats').default(ajv);
  ajv.addSchema(d, 'd');
  const compiled = new Map();
  const checker = (schema) => {
    const key = JSON.stringify(schema);
    if (!compiled.has(key)) compiled.set(key, ajv.compile(JSON.parse(key.replaceAll('"#/', '"d#/'))));
    return compiled.get(key);
  };
  const statuses = new Map(), good = new Set();
  await fc.assert(fc.asyncProperty(requestsOf(fc, d), async (r) => {
    const target = targetOf(r);
    const headers = Object.fromEntries(Object.entries(r.header).filter(([, v]) => v !== undefined).map(([k, v]) => [k, k === 'If-Match' || k === 'If-None-Match' ? '"x"' : v]));
    const sent = r.body && encoded(r.body.type, r.body.json);
    if (sent?.type) headers['Content-Type'] = sent.type;
    const a = await s.fetch(target, { method: r.op.method.toUpperCase(), headers, body: sent?.body });
    if (sent && a.status < 300) good.add(r.body.type);
    const told = `${r.op.method} ${target} ${JSON.stringify(headers)} ${JSON.stringify(r.body?.json)}\n-> ${a.status} ${a.text.slice(0, 600)}`;
    let answer = r.op.o.responses[a.status];
    statuses.set(a.status, (statuses.get(a.status) ?? 0) + 1);
    assert.ok(answer, `${a.status} is not documented: ${told}`);
    assert.ok(a.status < 500, told);
    if (answer.$ref) answer = answer.$ref.slice(2).split('/').reduce((at, key) => at[key], d);
    if (!answer.content) return assert.equal(a.text, '', told);
    const type = (a.header('content-type') ?? '').split(';')[0];
    assert.ok(answer.content[type], `${type} is not documented: ${told}`);
    if (!a.body) return undefined;
    const valid = checker(answer.content[type].schema);
    assert.ok(valid(a.body), `${told}\n${JSON.stringify(valid.errors?.slice(0, 3))}`);
    return undefined;
  }), { numRuns: runs, seed, endOnFailure: true });
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data']) assert.ok(good.has(type), `no ${type} was a good one: ${[...good]}`);
  const share = [...statuses].filter(([status]) => status < 300).reduce((n, [, count]) => n + count, 0) / runs;
  if (process.env.CAIRN_TEST_SEED) console.error(JSON.stringify([...statuses].sort()));
  assert.ok(share > 0.25, `too few requests were good ones to say much: ${share}`);
});
