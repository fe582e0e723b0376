// What a client gets instead of JSON as it is, and what it may send: codings and formats. SPDX: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import zlib from 'node:zlib';
import { play } from '../lib.mjs';

const migrations = `CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price NUMERIC(10,2), note TEXT, live BOOLEAN NOT NULL DEFAULT TRUE);`;
const what = { config: 'name: t\n', migrations, on: ['sqlite', 'postgres'] };

// fetch undoes codings; this does not.
function ask(s, target, headers = {}, { method = 'GET', body } = {}) {
  return new Promise((done, fail) => {
    const rq = http.request(s.base + target, { method, headers }, (r) => {
      const parts = [];
      r.on('data', (d) => parts.push(d));
      r.on('end', () => done({ status: r.statusCode, headers: r.headers, bytes: Buffer.concat(parts) }));
    });
    rq.on('error', fail);
    rq.end(body);
  });
}

async function fill(s, count) {
  const rows = Array.from({ length: count }, (_, i) => ({ id: i + 1, name: `thing ${i}`, price: '19.90', note: i % 2 ? null : 'a, "b"\n<c>' }));
  assert.equal((await s.post('/v1/products', rows)).status, 201);
}

play('answers are compressed as Accept-Encoding weighs it', what, async (s) => {
  await fill(s, 60);
  const plain = await ask(s, '/v1/products?limit=50');
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.match(plain.headers.vary, /Accept-Encoding/);
  const undo = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync };
  for (const [accept, want] of [['gzip', 'gzip'], ['br', 'br'], ['gzip, br', 'br'], ['gzip;q=1, br;q=0.5', 'gzip'],
    ['identity, gzip;q=0.5', undefined], ['br;q=0, *', 'zstd'], ['zstd, br, gzip', 'zstd'], ['gzip;q=0', undefined], ['deflate', undefined], ['gzip;q=2', undefined], ['', undefined]]) {
    const r = await ask(s, '/v1/products?limit=50', { 'Accept-Encoding': accept });
    assert.equal(r.status, 200, accept);
    assert.equal(r.headers['content-encoding'], want, accept);
    assert.equal(Number(r.headers['content-length']), r.bytes.length, accept);
    if (undo[want]) assert.deepEqual(undo[want](r.bytes), plain.bytes);
    if (want === 'zstd') assert.equal(r.bytes.readUInt32LE(0), 0xfd2fb528);
    if (want) assert.ok(r.bytes.length < plain.bytes.length / 3);
    const head = await ask(s, '/v1/products?limit=50', { 'Accept-Encoding': accept }, { method: 'HEAD' });
    assert.equal(head.headers['content-length'], r.headers['content-length'], accept);
    assert.equal(head.headers.etag, r.headers.etag);
  }
});

play('what is small, secret or refused', what, async (s) => {
  await fill(s, 60);
  const small = await ask(s, '/v1/products/1', { 'Accept-Encoding': 'gzip' });
  assert.equal(small.headers['content-encoding'], undefined);
  const forced = await ask(s, '/v1/products/1', { 'Accept-Encoding': 'gzip, identity;q=0' });
  assert.equal(forced.headers['content-encoding'], 'gzip');
  for (const accept of ['identity;q=0', '*;q=0', 'deflate, *;q=0']) {
    const r = await ask(s, '/v1/products/1', { 'Accept-Encoding': accept });
    assert.equal(r.status, 406, accept);
    assert.equal(JSON.parse(r.bytes).code, 'not_acceptable');
  }
});

play('each form has a tag of its own, and all tell the same state', what, async (s) => {
  await fill(s, 60);
  const tags = new Set();
  for (const headers of [{}, { 'Accept-Encoding': 'gzip' }, { 'Accept-Encoding': 'br' }, { Accept: 'text/csv' }, { Accept: 'application/xml', 'Accept-Encoding': 'gzip' }]) {
    const r = await ask(s, '/v1/products?limit=50', headers);
    tags.add(r.headers.etag);
    const again = await ask(s, '/v1/products?limit=50', { ...headers, 'If-None-Match': r.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.headers['content-encoding'], undefined);
    assert.equal(again.bytes.length, 0);
  }
  assert.equal(tags.size, 5);
  const one = await ask(s, '/v1/products/1', { Accept: 'application/xml' });
  const change = (tag) => s.patch('/v1/products/1', { name: 'new' }, { 'If-Match': tag });
  assert.equal((await change(one.headers.etag)).status, 200);
  assert.equal((await change(one.headers.etag)).status, 412);
});

play('long lists stream compressed', { ...what, config: 'name: t\nrest:\n  max_limit: 20000\n  max_bulk: 20000\n' }, async (s) => {
  await fill(s, 9000);
  const plain = await ask(s, '/v1/products?limit=9000');
  for (const [coding, undo] of [['gzip', zlib.gunzipSync], ['br', zlib.brotliDecompressSync]]) {
    const r = await ask(s, '/v1/products?limit=9000', { 'Accept-Encoding': coding });
    assert.equal(r.headers['transfer-encoding'], 'chunked');
    assert.equal(r.headers['content-encoding'], coding);
    assert.match(r.headers.vary, /Accept-Encoding/);
    assert.deepEqual(undo(r.bytes), plain.bytes);
  }
});

play('lists and rows as NDJSON, CSV, MessagePack and XML', what, async (s) => {
  await fill(s, 2);
  const as = async (target, accept) => ask(s, target, { Accept: accept });
  const nd = await as('/v1/products', 'application/x-ndjson');
  assert.equal(nd.headers['content-type'], 'application/x-ndjson');
  const lines = nd.bytes.toString().split('\n');
  assert.equal(lines.length, 3);
  assert.deepEqual(lines.slice(0, 2).map(JSON.parse), (await s.get('/v1/products')).body.data);
  const csv = await as('/v1/products', 'text/csv');
  assert.match(csv.headers['content-type'], /^text\/csv; charset=utf-8/);
  assert.equal(csv.bytes.toString(), 'id,name,price,note,live\r\n1,thing 0,19.90,"a, ""b""\n<c>",true\r\n2,thing 1,19.90,,true\r\n');
  const xml = await as('/v1/products/1', 'application/xml');
  assert.equal(xml.bytes.toString().trim(), '<?xml version="1.0" encoding="UTF-8"?>\n<row><id>1</id><name>thing 0</name><price>19.90</price><note>a, "b"\n&lt;c&gt;</note><live>true</live></row>'.replace(/"b"/, '&quot;b&quot;'));
  assert.match((await as('/v1/products', 'text/xml')).bytes.toString(), /<list><data><item><id>1<\/id>.*<note nil="true"\/>/s);
  const packed = await as('/v1/products/2', 'application/msgpack');
  assert.equal(packed.headers['content-type'], 'application/msgpack');
  assert.equal(packed.bytes.toString('hex').slice(0, 10), '85a2696402'); // five members, "id", 2
  assert.match(packed.bytes.toString('hex'), /a57072696365cb4033e66666666666/); // "price", 19.9
  const missing = await as('/v1/products/77', 'application/xml');
  assert.equal(missing.status, 404);
  assert.equal(missing.headers['content-type'], 'application/problem+xml');
  assert.match(missing.bytes.toString(), /<problem xmlns="urn:ietf:rfc:7807">.*<status>404<\/status>/);
  assert.equal((await as('/v1/products/77', 'text/csv')).headers['content-type'], 'application/problem+json');
});

play('Accept is weighed; what is not on offer is 406 and says what is', what, async (s) => {
  await fill(s, 1);
  for (const [accept, want] of [['*/*', 'application/json'], ['text/csv;q=0.5, application/xml;q=0.8', 'application/xml'], ['application/*;q=0.2, text/csv;q=0.1', 'application/json'],
    ['application/json;q=0, */*', 'application/x-ndjson'], ['text/*', 'text/csv'], ['application/vnd.shop+json', 'application/json'], ['text/csv, application/json', 'text/csv'], ['?!', 'application/json']]) {
    const r = await ask(s, '/v1/products', { Accept: accept });
    assert.equal(r.status, 200, accept);
    assert.equal(r.headers['content-type'].split(';')[0], want, accept);
    assert.match(r.headers.vary, /\bAccept\b/);
  }
  const no = await ask(s, '/v1/products', { Accept: 'image/png' });
  assert.equal(no.status, 406);
  assert.match(JSON.parse(no.bytes).detail, /application\/json.*text\/csv.*application\/xml/);
  assert.ok(JSON.parse(no.bytes).offers.includes('application/msgpack'));
  const refused = await ask(s, '/v1/products', { Accept: 'image/png', 'Content-Type': 'application/json' }, { method: 'POST', body: '{"name":"x"}' });
  assert.equal(refused.status, 406);
  assert.equal((await s.list('/v1/products')).length, 1);
});

play('a browser gets JSON, who asks for XML gets XML', what, async (s) => {
  await fill(s, 1);
  const page = 'text/html,application/xhtml+xml';
  for (const [accept, want] of [[`${page},application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7`, 'application/json'], // Chrome
    [`${page},application/xml;q=0.9,*/*;q=0.8`, 'application/json'], ['text/html, */*;q=0.1, text/xml;q=0.5', 'application/json'], // Firefox, Safari
    [`${page};q=0.9,application/xml`, 'application/xml'], ['text/html,application/xml', 'application/xml'], ['application/xml;q=0.9,*/*;q=0.8', 'application/xml'],
    ['text/html,application/xml;q=0.9', 'application/xml'], ['text/html,text/csv;q=0.5,text/xml;q=0.7', 'text/csv']]) {
    for (const path of ['/v1/products/1', '/v1/products']) {
      const r = await ask(s, path, { Accept: accept });
      assert.equal(r.headers['content-type'].split(';')[0], want, accept);
    }
  }
  assert.equal((await ask(s, '/v1/products/9', { Accept: `${page},application/xml;q=0.9,*/*;q=0.8` })).headers['content-type'], 'application/problem+json');
});

play('Vary is one line, each name once', { ...what, config: `name: t
cors:
  origins: ["https://a.example", "https://b.example"]
cache_control:
  - { path: "/v1/*", value: "public, max-age=60", vary: "Accept-Language, accept" }
` }, async (s) => {
  await fill(s, 60);
  for (const path of ['/v1/products?limit=50', '/v1/products/1', '/v1/products/99']) {
    const { text } = await s.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`);
    const lines = text.match(/^vary: .*$/gim);
    assert.equal(lines.length, 1, text.slice(0, 900));
    const names = lines[0].trim().slice(6).toLowerCase().split(', ').sort();
    assert.deepEqual(names, [...new Set(names)]);
    for (const n of ['origin', 'accept', 'accept-language']) assert.ok(names.includes(n), `${path}: ${names}`);
  }
});

play('bodies come compressed, and a bomb does not', { ...what, on: ['sqlite'] }, // its ids are made by SQLite alone
   async (s) => {
  const send = (body, coding) => ask(s, '/v1/products', { 'Content-Type': 'application/json', 'Content-Encoding': coding }, { method: 'POST', body });
  const json = JSON.stringify({ name: 'packed' });
  assert.equal((await send(zlib.gzipSync(json), 'gzip')).status, 201);
  assert.equal((await send(zlib.brotliCompressSync(json), 'br')).status, 201);
  assert.equal((await send(json, 'identity')).status, 201);
  const unknown = await send(json, 'deflate');
  assert.equal(unknown.status, 415);
  assert.equal(unknown.headers['accept-encoding'], 'gzip, br, zstd');
  assert.equal((await send(json, 'gzip')).status, 400);
  assert.equal((await send(zlib.gzipSync(json).subarray(0, 20), 'gzip')).status, 400);
  assert.equal((await send(zlib.gzipSync(Buffer.alloc(200 << 20, ' ')), 'gzip')).status, 413);
  assert.equal((await send(zlib.gzipSync(Buffer.alloc(900 << 10, ' ')), 'gzip')).status, 413); // the ratio
  assert.equal((await s.list('/v1/products')).length, 3);
});
