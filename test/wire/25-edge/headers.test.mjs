// The headers of every answer: pages and data, failures, what the settings and handlers change. SPDX: Apache-2.0
import { assert, play, problem } from '../lib.mjs';

const migrations = 'CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL);';
const USUAL = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-site',
};
const NEVER = ['server', 'x-powered-by', 'strict-transport-security', 'permissions-policy', 'cross-origin-opener-policy', 'x-xss-protection', 'access-control-allow-origin'];

function usual(r) {
  for (const [name, value] of Object.entries(USUAL)) assert.equal(r.header(name), value, `${name} of ${r.status}`);
  for (const name of NEVER) assert.equal(r.header(name), null, `${name} of ${r.status}`);
}

play('every answer has the security headers, failures too', { migrations, on: ['sqlite', 'postgres'] }, async (s) => {
  usual(await s.post('/v1/users', { name: 'a' }));
  const list = await s.get('/v1/users');
  usual(list);
  assert.equal(list.header('x-api-version'), 'v1');
  usual(await s.get('/v1/users/1'));
  usual(await s.delete('/v1/users/1'));
  usual(await s.get('/v1/users/9'));
  usual(await s.get('/nowhere'));
  usual(await s.post('/v1/users', '{'));
  usual(await s.fetch('/v1/users', { method: 'OPTIONS' }));
  const live = await s.get('/livez');
  usual(live);
  assert.equal(live.header('x-api-version'), null, 'no part of the API');
  problem(await s.get('/v1/nothing'), 404);
});

play('a long list that streams has them as well', { migrations, on: ['sqlite', 'postgres'] }, async (s, p) => {
  for (let i = 0; i < 3; i++) await s.post('/v1/users', Array.from({ length: 1000 }, () => ({ name: 'x'.repeat(200) })));
  const r = await s.get('/v1/users?limit=1000');
  assert.equal(r.body.data.length, 1000);
  usual(r);
  assert.ok(p);
});

play('the settings change and remove them', {
  migrations,
  config: `headers:
  content_security_policy: "default-src 'none'; frame-ancestors https://portal.example.com"
  frame_options: ""
  cross_origin_resource_policy: cross-origin
  server: Shop
  api_version: "2026-01"
`,
}, async (s) => {
  const r = await s.get('/v1/users');
  assert.equal(r.header('content-security-policy'), "default-src 'none'; frame-ancestors https://portal.example.com");
  assert.equal(r.header('x-frame-options'), null);
  assert.equal(r.header('cross-origin-resource-policy'), 'cross-origin');
  assert.equal(r.header('server'), 'Shop');
  assert.equal(r.header('x-api-version'), '2026-01');
});

play('headers.security: false leaves them out', { migrations, config: 'headers: { security: false, api_version: "" }\n' }, async (s) => {
  const r = await s.get('/v1/users');
  for (const name of [...Object.keys(USUAL), 'x-api-version']) assert.equal(r.header(name), null, name);
  assert.ok(r.header('x-request-id'));
});

play('HSTS only when a trusted proxy received the request by https', { migrations, config: 'server: { trusted_proxies: [loopback] }\n' }, async (s) => {
  const at = async (headers) => (await s.get('/livez', headers)).header('strict-transport-security');
  assert.equal(await at({}), null);
  assert.equal(await at({ 'X-Forwarded-Proto': 'http' }), null);
  assert.equal(await at({ 'X-Forwarded-Proto': 'https' }), 'max-age=31536000; includeSubDomains');
  assert.equal(await at({ Forwarded: 'for=1.2.3.4;proto=https' }), 'max-age=31536000; includeSubDomains');
});

play('HSTS not on the word of somebody else', { migrations }, async (s) => {
  const r = await s.get('/livez', { 'X-Forwarded-Proto': 'https' });
  assert.equal(r.header('strict-transport-security'), null);
});

play('a setting that would break a header stops the start', { serve: false }, async (_s, p) => {
  for (const [text, place, words] of [
    ['headers: { referrer_policy: "a\\nb" }\n', 'cairn.yaml:1:29', /control characters/],
    ['headers:\n  hsts: 1d\n  hsts_preload: true\n', 'cairn.yaml:3:17', /365d/],
    ['headers: { frame_option: DENY }\n', 'cairn.yaml:1:12', /did you mean `headers.frame_options`/],
  ]) {
    p.config(text);
    const r = p.cairn('check', { noData: true });
    assert.notEqual(r.code, 0, text);
    assert.ok(r.all.includes(place), r.all);
    assert.match(r.all, words);
  }
});
