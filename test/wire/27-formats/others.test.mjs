// Named queries and handlers in C answer in the forms that rows have, compressed and conditionally, too. SPDX: Apache-2.0
import http from 'node:http';
import zlib from 'node:zlib';
import { play, assert } from '../lib.mjs';

// fetch undoes codings; this does not.
const ask = (s, target, headers = {}) => new Promise((done, fail) => {
  http.get(s.base + target, { headers }, (r) => {
    const parts = [];
    r.on('data', (d) => parts.push(d)).on('end', () => done({ status: r.statusCode, headers: r.headers, bytes: Buffer.concat(parts), text: Buffer.concat(parts).toString() }));
  }).on('error', fail);
});

// Both give an object or a list of customers or cities, at the target.
for (const [what, program, target, list] of [['a named query', undefined, '/v1/q/city_stats?least=2', 'data'], ['a handler in C', 'shop-c', '/customers/best?orders=1', 'customers']]) {
  play(`${what} as CSV, XML, MessagePack, and compressed`, { app: 'shop', program, users: 120, env: { CAIRN_HTTP_COMPRESS_MIN: '0' }, on: ['sqlite', 'postgres'] }, async (s) => {
    const json = await ask(s, target);
    assert.equal(json.status, 200, json.text);
    const rows = JSON.parse(json.text)[list];
    assert.ok(rows.length > 5);
    const xml = await ask(s, target, { Accept: 'application/xml' });
    assert.equal(xml.status, 200);
    assert.match(xml.headers['content-type'], /^application\/xml/);
    assert.match(xml.text, /^<\?xml /);
    for (const row of rows.slice(0, 3)) assert.ok(xml.text.includes(String(Object.values(row).find((v) => typeof v === 'string'))));
    const pack = await ask(s, target, { Accept: 'application/msgpack' });
    assert.match(pack.headers['content-type'], /msgpack/);
    assert.ok((pack.bytes[0] & 0xf0) === 0x80, 'a map comes first');
    assert.ok(pack.bytes.includes(Buffer.from(list)) && pack.bytes.length < json.bytes.length);
    const csv = await ask(s, target, { Accept: 'text/csv' });
    assert.equal(csv.status, 200, csv.text);
    assert.match(csv.headers['content-type'], /^text\/csv/);
    if (list === 'data') assert.deepEqual([csv.text.split('\r\n')[0].split(','), csv.text.trim().split('\r\n').length], [Object.keys(rows[0]), rows.length + 1]);
    for (const [coding, undo] of [['gzip', zlib.gunzipSync], ['br', zlib.brotliDecompressSync]]) {
      const r = await ask(s, target, { 'Accept-Encoding': coding });
      assert.equal(r.headers['content-encoding'], coding);
      assert.deepEqual(JSON.parse(undo(r.bytes)), JSON.parse(json.text));
    }
    // ETag, and 304 for who has it.
    assert.ok(json.headers.etag, JSON.stringify(json.headers));
    const again = await ask(s, target, { 'If-None-Match': json.headers.etag });
    assert.equal(again.status, 304);
    assert.equal(again.bytes.length, 0);
    assert.equal((await ask(s, target, { 'If-None-Match': '"other"' })).status, 200);
    assert.notEqual(xml.headers.etag, json.headers.etag);
    if (list === 'data') assert.equal((await ask(s, target, { Accept: 'image/png' })).status, 406);
  });
}
