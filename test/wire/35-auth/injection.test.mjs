// Hostile text in every parameter, header and member that the API's own document names: what comes
// back is an answer or a problem, never a fault, never another header, never the text as a page. SPDX: Apache-2.0
import { play, ok, assert } from '../lib.mjs';

const hostile = ["'", '"', "x' OR '1'='1", "1; DROP TABLE users; --", '1) UNION SELECT sqlite_version() --', '\\', '%', '\u0000', 'a\r\nX-Evil: 1', '../../../../etc/passwd',
  '..%2f..%2fetc/passwd', '<script>alert(1)</script>', '{{7*7}}${7*7}', '\ud83d\ude00', '\u202e', 'eq.', 'in.(', 'and=(', '9'.repeat(400), '-1', '1e999', 'null'];
const tables = ['users', 'posts', 'comments', 'products', 'orders', 'tags'];

function fill(path, values) {
  return path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? '1'));
}

// Some of the texts in turn for each parameter: all of them over all parameters.
function* requests(document) {
  let turn = 0;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
      const o = item[method];
      if (!o) continue;
      const parameters = [...(item.parameters ?? []), ...(o.parameters ?? [])].map((p) => p.$ref ? document.components.parameters[p.$ref.split('/').pop()] : p);
      for (const p of parameters) {
        for (let i = 0; i < 3; i++) {
          const text = hostile[turn++ % hostile.length];
          const headers = p.in === 'header' ? { [p.name]: encodeURI(text) } : {};
          const target = fill(path, p.in === 'path' ? { [p.name]: text } : {}) + (p.in === 'query' ? `?${encodeURIComponent(p.name)}=${encodeURIComponent(text)}` : '');
          yield { method, target, headers, body: method === 'get' || method === 'delete' ? undefined : {} };
        }
      }
    }
  }
}

function* bodies(document) {
  let turn = 0;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of ['post', 'patch']) {
      let schema = item[method]?.requestBody?.content?.['application/json']?.schema;
      schema = schema?.anyOf?.[0] ?? schema?.oneOf?.[0] ?? schema;
      while (schema?.$ref) schema = document.components.schemas[schema.$ref.split('/').pop()];
      for (const name of [...Object.keys(schema?.properties ?? {}), "na'me", '__proto__']) {
        // Six of them in turn for each member: all of them over all members.
        for (let i = 0; i < 3; i++) yield { method, target: fill(path, {}), headers: {}, body: { [name]: hostile[turn++ % hostile.length] } };
      }
    }
  }
}

async function fire(s, list) {
  let sent = 0, refused = 0;
  const one = async (r) => {
    const a = await s.fetch(r.target, { method: r.method.toUpperCase(), headers: { ...(r.body ? { 'Content-Type': 'application/json' } : {}), ...r.headers }, body: r.body && JSON.stringify(r.body) });
    const say = `${r.method} ${r.target} ${JSON.stringify(r.body ?? r.headers)}: ${a.status} ${a.text.slice(0, 300)}`;
    assert.ok(a.status < 500 || a.status === 501 || a.status === 505, say);
    assert.equal(a.header('x-evil'), null, say);
    assert.doesNotMatch(a.header('content-type') ?? '', /html/, say);
    assert.doesNotMatch(a.text, /root:.*:0:0:|SQLSTATE|syntax error|sqlite_master|near "/, say);
    assert.equal(a.header('x-content-type-options'), 'nosniff', say);
    assert.match(a.header('location') ?? '/v1/', /^\/v1\//, say);
    sent++;
    if (a.status >= 400) refused++;
  };
  const work = [...list];
  await Promise.all(Array.from({ length: 16 }, async () => { while (work.length) await one(work.pop()); }));
  assert.ok(sent > 500, `${sent} requests`);
  assert.ok(refused > sent / 4, `${refused} of ${sent} were refused`);
}

play('hostile text in every parameter', { app: 'shop', users: 10, on: ['sqlite', 'postgres'], timeout: 240000 }, async (s) => {
  const document = ok(await s.get('/openapi.json'));
  // What deletes is aimed at keys that are hostile text: no row has them.
  await fire(s, [...requests(document)].filter((r) => r.method !== 'delete' || !/\/1(\?|$)/.test(r.target)).filter((r) => !/\/(docs|auth)\b/.test(r.target)));
  for (const t of tables) assert.ok(ok(await s.get(`/v1/${t}?limit=1`)).total > 0, `${t} is still there`);
});

play('hostile text in every member of a body', { app: 'shop', users: 10, on: ['sqlite', 'postgres'], timeout: 240000 }, async (s) => {
  const document = ok(await s.get('/openapi.json')), before = {};
  for (const t of tables) before[t] = ok(await s.get(`/v1/${t}?limit=1`)).total;
  await fire(s, [...bodies(document)].filter((r) => !/\/(batch|auth)\b/.test(r.target)));
  for (const t of tables) assert.ok(ok(await s.get(`/v1/${t}?limit=1`)).total >= before[t], `${t} is still there`);
});
