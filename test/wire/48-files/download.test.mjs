// Files out: ranges, conditions, rules, slow readers. SPDX: Apache-2.0
import assert from 'node:assert/strict';
import net from 'node:net';
import { ok, play, problem, sleep, slow } from '../lib.mjs';
import { ask, config, form, migrations, png, send, sha256 } from './files.mjs';

const on = ['sqlite', 'postgres'];
const what = { config, migrations, on };
const at = '/v1/products/1/manual';

async function filled(s, bytes, type = 'application/octet-stream') {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  ok(await s.fetch(at, { method: 'PUT', body: bytes, headers: { 'Content-Type': type } }), 201);
  return `"${sha256(bytes)}"`;
}

play('ranges: one, several, none, behind the end', what, async (s) => {
  const bytes = png(100000), tag = await filled(s, bytes, 'image/png');
  const get = (range, more) => ask(s, at, { headers: { Range: range, ...more } });
  for (const [range, a, b] of [['bytes=0-0', 0, 0], ['bytes=0-99', 0, 99], ['bytes=99999-', 99999, 99999], ['bytes=-1', 99999, 99999], ['bytes=-200000', 0, 99999],
    ['bytes=500-999999999999999999999', 500, 99999], ['BYTES=10-20', 10, 20], ['bytes= 5-6', 5, 6], ['bytes=5-6,', 5, 6], ['bytes=5-6, 200000-', 5, 6]]) {
    const r = await get(range);
    assert.equal(r.status, 206, range);
    assert.equal(r.headers['content-range'], `bytes ${a}-${b}/100000`, range);
    assert.equal(r.headers['content-length'], String(b - a + 1), range);
    assert.ok(r.bytes.equals(bytes.subarray(a, b + 1)), range);
    assert.deepEqual([r.headers.etag, r.headers['content-type'], r.headers['accept-ranges']], [tag, 'image/png', 'bytes']);
  }
  for (const range of ['bytes=5-4', 'bytes=', 'bytes=a-b', 'bytes=1', 'lines=0-1', 'bytes=0-10,5-20', 'bytes=--1', 'bytes=0-1 2-3',
    `bytes=${Array.from({ length: 17 }, (_, i) => `${i * 10}-${i * 10}`)}`]) {
    const r = await get(range);
    assert.deepEqual([r.status, r.bytes.length, r.headers['content-range']], [200, 100000, undefined], range);
  }
  for (const range of ['bytes=100000-', 'bytes=100000-100001', 'bytes=-0', 'bytes=200000-, 300000-']) {
    const r = await s.get(at, { Range: range });
    problem(r, 416, 'range_not_satisfiable');
    assert.equal(r.header('content-range'), 'bytes */100000', range);
  }
  // Only as long as it is what the client has the rest of.
  const date = (await get('bytes=0-0')).headers['last-modified'];
  for (const [cond, status] of [[tag, 206], ['"other"', 200], [`W/${tag}`, 200], [date, 206], ['Thu, 01 Jan 1970 00:00:00 GMT', 200], ['junk', 200]])
    assert.equal((await get('bytes=1-2', { 'If-Range': cond })).status, status, cond);
  assert.equal((await get('bytes=0-1', { 'If-None-Match': tag })).status, 304);
  assert.equal((await ask(s, at, { method: 'HEAD', headers: { Range: 'bytes=0-1' } })).headers['content-length'], '100000');
});

play('several ranges are multipart/byteranges', what, async (s) => {
  const bytes = png(100000);
  await filled(s, bytes, 'image/png');
  const wants = [[0, 9], [70000, 99999], [500, 999]];
  const r = await ask(s, at, { headers: { Range: `bytes=${wants.map((w) => w.join('-'))}` } });
  assert.equal(r.status, 206);
  assert.equal(Number(r.headers['content-length']), r.bytes.length);
  const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(r.headers['content-type'])[1];
  const parts = r.bytes.toString('latin1').split(`--${boundary}`);
  assert.equal(parts.length, wants.length + 2);
  assert.equal(parts.at(-1), '--\r\n');
  wants.forEach(([a, b], i) => {
    const [head, ...rest] = parts[i + 1].slice(2).split('\r\n\r\n');
    assert.equal(head, `Content-Type: image/png\r\nContent-Range: bytes ${a}-${b}/100000`);
    assert.ok(Buffer.from(rest.join('\r\n\r\n').slice(0, -2), 'latin1').equals(bytes.subarray(a, b + 1)));
  });
});

play('an empty file is a file', what, async (s) => {
  ok(await send(s, '/v1/products', { name: 'Lamp', manual: { bytes: Buffer.from(''), type: 'text/plain', name: 'empty.txt' } }), 201);
  const r = await ask(s, at);
  assert.deepEqual([r.status, r.headers['content-length'], r.bytes.length], [200, '0', 0]);
  problem(await s.get(at, { Range: 'bytes=0-' }), 416);
});

play('a slow reader gets all of it, one that goes away harms nobody', what, async (s) => {
  const bytes = png(3 << 20);
  await filled(s, bytes);
  const slowly = () => new Promise((done, fail) => {
    const c = net.connect(s.port, '127.0.0.1');
    const parts = [];
    c.on('data', (d) => { parts.push(d); c.pause(); setTimeout(() => c.resume(), 5); });
    c.on('end', () => done(Buffer.concat(parts)));
    c.on('error', fail);
    c.write(`GET ${at} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  });
  const gone = net.connect(s.port, '127.0.0.1');
  gone.write(`GET ${at} HTTP/1.1\r\nHost: x\r\n\r\n`);
  gone.once('data', () => gone.destroy());
  gone.on('error', () => {});
  const all = await Promise.all(Array.from({ length: 5 }, slowly));
  for (const got of all) assert.ok(got.subarray(got.indexOf('\r\n\r\n') + 4).equals(bytes));
  // The connection is good for the next request.
  const both = await s.raw(`GET ${at} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-3\r\n\r\nHEAD ${at} HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/products/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  assert.deepEqual(both.statuses, [206, 200, 200]);
  // HTTP/1.0 knows the length, too.
  assert.match((await s.raw(`GET ${at} HTTP/1.0\r\nRange: bytes=0-3\r\n\r\n`)).text, /206 [\s\S]*Content-Length: 4\r\n/);
});

play('uploads on a kept connection, with and without 100 Continue, cut anywhere', what, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const bytes = png(70000), head = (more) => `PUT ${at} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n${more}\r\n\r\n`;
  const next = Buffer.from('GET /v1/products/1?fields=id HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const chunked = (size) => Buffer.concat([...Array(Math.ceil(bytes.length / size)).keys()].map((i) => {
    const part = bytes.subarray(i * size, (i + 1) * size);
    return Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
  }).concat(Buffer.from('0\r\n\r\n')));
  let status = 201;
  for (const [more, body] of [[`Content-Length: ${bytes.length}`, bytes], ['Transfer-Encoding: chunked', chunked(1000)], ['Transfer-Encoding: chunked', chunked(40000)]]) {
    for (const cut of [0, 1, 37, 20000]) {
      const all = Buffer.concat([Buffer.from(head(more)), body, next]);
      const got = await new Promise((done, fail) => {
        const c = net.connect(s.port, '127.0.0.1');
        let text = '';
        c.setNoDelay(true);
        c.on('data', (d) => { text += d; });
        c.on('end', () => done(text));
        c.on('error', fail);
        const parts = cut ? [all.subarray(0, cut + 60), all.subarray(cut + 60, cut + 9000), all.subarray(cut + 9000)] : [all];
        parts.forEach((p, i) => setTimeout(() => c.write(p), i * 20));
      });
      assert.deepEqual([...got.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => Number(m[1])), [status, 200], `${more} ${cut}`);
      assert.ok(got.includes(sha256(bytes)));
      status = 200;
    }
  }
  const waits = await new Promise((done, fail) => {
    const c = net.connect(s.port, '127.0.0.1');
    let text = '';
    c.on('data', (d) => { text += d; if (/100 Continue/.test(text) && !c.sent) { c.sent = true; c.write(bytes); } if (/HTTP\/1\.1 200/.test(text)) c.destroy(); });
    c.on('close', () => done(text));
    c.on('error', fail);
    c.write(head(`Content-Length: ${bytes.length}\r\nExpect: 100-continue`));
  });
  assert.match(waits, /100 Continue[\s\S]*200 OK/);
  // Who may not hears so before anything is sent.
  assert.match((await s.raw(`PUT /v1/products/9/manual HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 70000\r\nExpect: 100-continue\r\n\r\n`)).text, /^HTTP\/1\.1 404 /);
});

play('too many uploads at once are told to come again', { ...what, on: ['sqlite'], config: `${config}uploads: { at_once: 1 }\n` }, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const c = net.connect(s.port, '127.0.0.1');
  c.write(`PUT ${at} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 50000\r\n\r\n`);
  c.write(png(20000));
  await sleep(300 * slow);
  const r = await s.fetch(at, { method: 'PUT', body: png(), headers: { 'Content-Type': 'image/png' } });
  problem(r, 503, 'busy');
  assert.ok(r.header('retry-after'));
  c.destroy();
  await sleep(300 * slow);
  ok(await s.fetch(at, { method: 'PUT', body: png(), headers: { 'Content-Type': 'image/png' } }), 201);
});

play('rules of rows and columns hold for their files', {
  on, config: `name: t
files:
  photos.picture: {}
auth: { table: users, hash_memory: 64K, hash_passes: 1 }
access:
  photos:
    - { roles: anyone, can: read, where: 'public == true' }
    - { roles: signed_in, can: read, where: 'user_id == me.id' }
    - { roles: signed_in, can: create, set: { user_id: me.id } }
    - { roles: signed_in, can: [update, delete], where: 'user_id == me.id' }
`, migrations: `
CREATE TABLE users (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, email TEXT NOT NULL UNIQUE, password_hash TEXT);
CREATE TABLE photos (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, user_id BIGINT NOT NULL REFERENCES users (id), public BOOLEAN NOT NULL DEFAULT FALSE, picture JSONB);`,
}, async (s) => {
  const sign = async (email) => {
    ok(await s.post('/v1/auth/register', { email, password: 'a long password' }), 201);
    return { Authorization: `Bearer ${ok(await s.post('/v1/auth/login', { email, password: 'a long password' })).access_token}` };
  };
  const ann = await sign('ann@example.com'), bob = await sign('bob@example.com');
  const picture = { bytes: png(900), type: 'image/png', name: 'p.png' };
  assert.equal((await send(s, '/v1/photos', { picture })).status, 401);
  const row = ok(await send(s, '/v1/photos', { picture }, { headers: ann }), 201);
  const target = row.picture.url, put = (headers) => s.fetch(target, { method: 'PUT', body: png(901), headers: { 'Content-Type': 'image/png', ...headers } });
  assert.deepEqual([(await s.get(target)).status, (await s.get(target, bob)).status, (await ask(s, target, { headers: ann })).bytes.length], [404, 404, 900]);
  assert.deepEqual([(await put()).status, (await put(bob)).status, (await put(ann)).status], [401, 404, 200]);
  assert.deepEqual([(await s.delete(target)).status, (await s.delete(target, bob)).status], [401, 404]);
  ok(await s.patch(`/v1/photos/${row.id}`, { public: true }, ann));
  assert.deepEqual([(await ask(s, target)).bytes.length, (await ask(s, target, { headers: bob })).bytes.length], [901, 901]);
  assert.deepEqual([(await put(bob)).status, (await s.delete(target, bob)).status], [403, 403]);
  assert.equal((await send(s, `/v1/photos/${row.id}`, { picture }, { method: 'PATCH', headers: bob })).status, 403);
  assert.equal((await s.delete(target, ann)).status, 204);
});

play('a column that no file can be in stops the start', { ...what, on: ['sqlite'], serve: false }, async (s, p) => {
  for (const [files, message] of [
    ['product.photo: {}', /cairn\.yaml:3:3: files\.product\.photo: there is no table 'product'; did you mean 'products'\?/],
    ['products.foto: {}', /files\.products\.foto: there is no such column; did you mean 'photo'\?.*ALTER TABLE/],
    ['products.price: {}', /files\.products\.price: the column is numeric; a file is kept in JSONB or TEXT/],
    ['photo: {}', /cairn\.yaml:3:3: files\.photo: expected `TABLE\.COLUMN`/],
    ['products.photo: { type: [image/png] }', /files\.products\.photo\.type: unknown key \(did you mean `types`\?\)/],
    ['products.photo: { types: [png] }', /files\.products\.photo\.types: expected media types/],
    ['products.photo: { max: lots }', /files\.products\.photo\.max: expected a size/],
  ]) {
    p.config(`name: t\nfiles:\n  ${files}\n`);
    const r = p.cairn('check');
    assert.notEqual(r.code, 0, files);
    assert.match(r.all, message);
  }
});

play('a column of bytes has an address of its own: ranges, conditions, rules', {
  migrations: `CREATE TABLE scans (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, note TEXT, data BYTEA);
CREATE TABLE keys (code BYTEA PRIMARY KEY, owner TEXT);`,
  config: 'name: t\n',
  on,
}, async (s) => {
  const bytes = png(5000), data = bytes.toString('base64'), at = '/v1/scans/1/data';
  ok(await s.post('/v1/scans', { note: 'a', data }), 201);
  const get = (headers, method = 'GET', target = at) => ask(s, target, { method, headers });
  const whole = await get({ 'Accept-Encoding': 'gzip' });
  assert.deepEqual([whole.status, whole.headers['content-type'], whole.headers['content-length'], whole.headers['content-encoding'], whole.headers['accept-ranges']],
    [200, 'image/png', '5000', undefined, 'bytes']);
  assert.ok(whole.bytes.equals(bytes));
  assert.match(whole.headers['content-disposition'], /filename="data"/);
  assert.deepEqual([whole.headers['x-content-type-options'], whole.headers['content-security-policy']], ['nosniff', "default-src 'none'; sandbox"]);
  const { etag } = whole.headers;
  for (const [headers, status, part] of [[{ Range: 'bytes=0-9' }, 206, [0, 10]], [{ Range: 'bytes=-5' }, 206, [4995, 5000]], [{ Range: 'bytes=10-19', 'If-Range': etag }, 206, [10, 20]],
    [{ Range: 'bytes=10-19', 'If-Range': '"x"' }, 200, [0, 5000]], [{ Range: 'bytes=9-1' }, 200, [0, 5000]]]) {
    const r = await get(headers);
    assert.equal(r.status, status, JSON.stringify(headers));
    assert.ok(r.bytes.equals(bytes.subarray(...part)), JSON.stringify(headers));
    assert.equal(r.headers.etag, etag);
    assert.equal(r.headers['content-range'], status === 206 ? `bytes ${part[0]}-${part[1] - 1}/5000` : undefined);
  }
  assert.match((await get({ Range: 'bytes=0-1,4-5' })).headers['content-type'], /^multipart\/byteranges/);
  assert.equal(problem(await s.get(at, { Range: 'bytes=5000-' }), 416, 'range_not_satisfiable').status, 416);
  assert.equal((await get({ 'If-None-Match': etag })).status, 304);
  problem(await s.get(at, { 'If-Match': '"x"' }), 412);
  const head = await get({}, 'HEAD');
  assert.deepEqual([head.status, head.headers['content-length'], head.bytes.length], [200, '5000', 0]);
  ok(await s.patch('/v1/scans/1', { data: Buffer.from('<script>alert(1)</script>').toString('base64') }));
  const page = await get({});
  assert.notEqual(page.headers.etag, etag);
  assert.match(page.headers['content-disposition'], /^attachment/);
  ok(await s.post('/v1/scans', [{ note: 'none' }, { note: 'empty', data: '' }]), 201);
  problem(await s.get('/v1/scans/2/data'), 404, 'not_found');
  const empty = await get({}, 'GET', '/v1/scans/3/data');
  assert.deepEqual([empty.status, empty.bytes.length], [200, 0]);
  problem(await s.get('/v1/scans/9/data'), 404, 'not_found');
  problem(await s.get('/v1/scans/1/note'), 404);
  problem(await s.get(`${at}?fields=id`), 400, 'unknown_parameter');
  problem(await s.fetch(at, { method: 'PUT', body: 'x' }), 405);
  const d = ok(await s.get('/openapi.json'));
  assert.deepEqual(Object.keys(d.paths['/v1/scans/{id}/data']), ['get']);
});

play('the bytes of a row are read by who may read row and column', {
  migrations: `CREATE TABLE users (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, email TEXT NOT NULL UNIQUE, password_hash TEXT);
CREATE TABLE scans (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, open BOOLEAN NOT NULL, data BYTEA, inner_data BYTEA);
INSERT INTO scans (open, data, inner_data) VALUES (TRUE, '\\x616263', '\\x64'), (FALSE, '\\x616263', '\\x64');`,
  config: `name: t
auth: { table: users }
access:
  scans:
    - { roles: anyone, can: read, where: 'open == true', hide: [inner_data] }
`,
  on: ['sqlite'],
}, async (s) => {
  assert.equal((await ask(s, '/v1/scans/1/data')).bytes.toString(), 'abc');
  problem(await s.get('/v1/scans/2/data'), 404);
  problem(await s.get('/v1/scans/1/inner_data'), 404);
});
