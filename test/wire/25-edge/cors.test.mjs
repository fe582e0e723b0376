// CORS as bytes: what each origin gets, what caches are told, what the settings refuse. SPDX: Apache-2.0
import { assert, play } from '../lib.mjs';

const migrations = 'CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL);';
const config = `cors:
  origins: [https://app.example.com, "https://*.example.org", "http://localhost:*"]
  credentials: true
  max_age: 1h
  routes:
    - { path: /v1/public/*, origins: ["*"], credentials: false, methods: [GET], headers: ["*"] }
    - { path: /v1/closed/*, origins: [] }
    - { path: /v1/lan/*, private_network: true, headers: ["*"] }
limits:
  - { name: tight, match: { path: /v1/tight }, rate: 1/h }
`;
const APP = 'https://app.example.com';
const vary = (r) => (r.header('vary') ?? '').toLowerCase().split(/, */).filter(Boolean);
const preflight = (s, path, origin, headers = {}) => s.fetch(path, { method: 'OPTIONS', headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT', ...headers } });

function granted(r, origin, credentials = true) {
  assert.equal(r.header('access-control-allow-origin'), origin, `${r.status}`);
  assert.equal(r.header('access-control-allow-credentials'), credentials ? 'true' : null);
}
function plain(r) {
  for (const [name] of r.headers) assert.doesNotMatch(name, /^access-control/, `${r.status} ${name}`);
}

play('an allowed origin reads every answer, failures too', { migrations, config, on: ['sqlite', 'postgres'] }, async (s) => {
  const answers = [
    await s.post('/v1/users', { name: 'a' }, { Origin: APP }),
    await s.get('/v1/users', { Origin: APP }),
    await s.get('/v1/users/9', { Origin: APP }),
    await s.get('/nowhere', { Origin: APP }),
    await s.post('/v1/users', '{', { Origin: APP }),
    await s.put('/v1/users', {}, { Origin: APP }),
    await s.get('/v1/tight', { Origin: APP }),
    await s.get('/v1/tight', { Origin: APP }),
    await s.get('/livez', { Origin: APP }),
  ];
  assert.deepEqual(answers.map((r) => r.status), [201, 200, 404, 404, 400, 405, 404, 429, 200]);
  for (const r of answers) {
    granted(r, APP);
    assert.ok(vary(r).includes('origin'));
    const exposed = r.header('access-control-expose-headers').split(', ');
    for (const name of ['ETag', 'Link', 'Location', 'RateLimit', 'Retry-After', 'X-Request-ID']) assert.ok(exposed.includes(name), name);
  }
});

play('origins: exact, subdomains, ports, and no others', { migrations, config }, async (s) => {
  for (const origin of [APP, 'https://a.example.org', 'https://a.b.example.org', 'http://localhost:3000']) granted(await s.get('/v1/users', { Origin: origin }), origin);
  for (const origin of ['null', 'https://example.org', 'https://aexample.org', 'http://app.example.com', 'https://app.example.com.evil.com',
    'https://app.example.com:8443', 'https://evil.com/.example.org', 'https://a.example.org.evil.com', 'http://localhost', '*', 'https://APP.example.com']) {
    const r = await s.get('/v1/users', { Origin: origin });
    assert.equal(r.status, 200, 'a plain answer: the browser refuses it to the page');
    plain(r);
    assert.ok(vary(r).includes('origin'), 'a cache must not give this answer to the allowed one');
  }
  const none = await s.get('/v1/users');
  plain(none);
  assert.ok(vary(none).includes('origin'), 'also without Origin');
});

play('a preflight is answered for any path, before routes and limits', { migrations, config }, async (s) => {
  for (const path of ['/v1/users', '/v1/users/1', '/nowhere', '/v1/tight', '/v1/tight']) {
    const r = await preflight(s, path, APP, { 'Access-Control-Request-Headers': 'authorization,x-anything' });
    assert.equal(r.status, 204);
    assert.equal(r.text, '');
    granted(r, APP);
    assert.equal(r.header('access-control-allow-methods'), 'GET, HEAD, POST, PUT, PATCH, DELETE');
    assert.match(r.header('access-control-allow-headers'), /(^|, )Authorization(,|$)/);
    assert.doesNotMatch(r.header('access-control-allow-headers'), /x-anything/i);
    assert.equal(r.header('access-control-max-age'), '3600');
    assert.equal(r.header('access-control-allow-private-network'), null);
    for (const name of ['access-control-request-headers', 'access-control-request-method', 'access-control-request-private-network', 'origin']) assert.ok(vary(r).includes(name), name);
  }
});

play('a preflight of a stranger says nothing, and is not cached for others', { migrations, config }, async (s) => {
  const r = await preflight(s, '/v1/users', 'https://evil.example');
  assert.equal(r.status, 204);
  plain(r);
  assert.ok(vary(r).includes('origin') && vary(r).includes('access-control-request-method'));
});

play('OPTIONS that is no preflight lists the methods', { migrations, config }, async (s) => {
  const r = await s.fetch('/v1/users', { method: 'OPTIONS', headers: { Origin: APP } });
  assert.equal(r.status, 204);
  assert.match(r.header('allow'), /POST/);
  granted(r, APP);
  const none = await s.fetch('/v1/users', { method: 'OPTIONS', headers: { 'Access-Control-Request-Method': 'PUT' } });
  assert.match(none.header('allow'), /POST/);
});

play('rules of single paths', { migrations, config }, async (s) => {
  const open = await s.get('/v1/public/x', { Origin: 'https://anybody.example' });
  granted(open, '*', false);
  assert.ok(!vary(open).includes('origin'), 'the same for all, so caches may keep it');
  granted(await s.get('/v1/public/x'), '*', false);
  const asked = await preflight(s, '/v1/public/x', 'null', { 'Access-Control-Request-Headers': 'x-a, x-b' });
  granted(asked, '*', false);
  assert.equal(asked.header('access-control-allow-methods'), 'GET');
  assert.equal(asked.header('access-control-allow-headers'), 'x-a, x-b');
  const closed = await s.get('/v1/closed/x', { Origin: APP });
  plain(closed);
  const lan = await preflight(s, '/v1/lan/x', APP, { 'Access-Control-Request-Private-Network': 'true' });
  granted(lan, APP);
  assert.equal(lan.header('access-control-allow-private-network'), 'true');
});

play('without settings there is no CORS at all', { migrations }, async (s) => {
  const r = await s.get('/v1/users', { Origin: APP });
  plain(r);
  assert.ok(!vary(r).includes('origin'));
  const o = await preflight(s, '/v1/users', APP);
  plain(o);
  assert.match(o.header('allow'), /GET/);
});

play('what can never work, or is not safe, stops the start', { serve: false }, async (_s, p) => {
  for (const [text, place, words] of [
    ['cors:\n  origins: ["*"]\n  credentials: true\n', 'cairn.yaml:2:12', /credentials/],
    ['cors: { origins: [null] }\n', 'cairn.yaml:1:', /null/],
    ['cors: { origins: [https://a.example/] }\n', 'cairn.yaml:1:', /no slash/],
    ['cors: { origins: "https://a.example:443" }\n', 'cairn.yaml:1:18', /port/],
    ['cors: { origins: ["https://*.com"] }\n', 'cairn.yaml:1:', /everybody/],
    ['cors: { origins: [app.example.com] }\n', 'cairn.yaml:1:', /scheme:\/\/host/],
    ['cors: { methods: ["GE T"] }\n', 'cairn.yaml:1:', /no name/],
    ['cors:\n  credentials: true\n  routes:\n    - { path: /a, origins: ["*"] }\n', 'cairn.yaml:4:7', /credentials/],
    ['cors:\n  routes:\n    - { path: /a, origin: [x] }\n', 'cairn.yaml:3:19', /did you mean `origins`/],
    ['cors:\n  routes:\n    - { origins: [https://a.example] }\n', 'cairn.yaml:3:7', /path/],
    ['cors: { origin: x }\n', 'cairn.yaml:1:9', /did you mean `cors.origins`/],
  ]) {
    p.config(text);
    const r = p.cairn('check', { noData: true });
    assert.notEqual(r.code, 0, text);
    assert.ok(r.all.includes(place), `${text}\n${r.all}`);
    assert.match(r.all, words);
  }
});

play('origins can come from the environment', { migrations, env: { CAIRN_CORS_ORIGINS: 'https://a.example, https://b.example' } }, async (s) => {
  granted(await s.get('/v1/users', { Origin: 'https://b.example' }), 'https://b.example', false);
});
