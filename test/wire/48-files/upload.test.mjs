// Files in: forms, single files, what is refused, and what becomes of it. SPDX: Apache-2.0
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { ok, play, problem } from '../lib.mjs';
import { ask, config, digest, form, kept, migrations, png, send, sha256, until } from './files.mjs';

const on = ['sqlite', 'postgres'];
const what = { config, migrations, on };

play('a form makes a row, with its file', what, async (s) => {
  const bytes = png(200000);
  const r = await send(s, '/v1/products', { name: 'Lamp', price: '19.90', live: 'false', photo: { bytes, type: 'image/png', name: 'lamp ö.png' } });
  const row = ok(r, 201);
  assert.deepEqual(row.photo, { name: 'lamp ö.png', type: 'image/png', size: 200000, sha256: sha256(bytes), url: '/v1/products/1/photo' });
  assert.deepEqual([row.name, row.price, row.live, row.manual], ['Lamp', 19.9, false, null]);
  const down = await ask(s, row.photo.url);
  assert.equal(down.status, 200);
  assert.ok(down.bytes.equals(bytes));
  assert.equal(down.headers['content-type'], 'image/png');
  assert.equal(down.headers['content-length'], '200000');
  assert.equal(down.headers.etag, `"${sha256(bytes)}"`);
  assert.equal(down.headers['repr-digest'], `sha-256=:${digest(bytes)}:`);
  assert.equal(down.headers['content-disposition'], "inline; filename=\"lamp __.png\"; filename*=UTF-8''lamp%20%C3%B6.png");
  assert.equal(down.headers['x-content-type-options'], 'nosniff');
  assert.equal(down.headers['content-security-policy'], "default-src 'none'; sandbox");
  assert.deepEqual((await s.get('/v1/products?fields=photo')).body.data, [{ photo: row.photo }]);
  assert.deepEqual((await s.get('/v1/products/1?fields=name,photo')).body, { name: 'Lamp', photo: row.photo });
  assert.equal((await s.get('/v1/products?photo=is.not_null&fields=id')).body.data.length, 1);
});

play('a form without files is a body like others', what, async (s) => {
  ok(await send(s, '/v1/products', { name: 'Chair', price: '5' }), 201);
  problem(await send(s, '/v1/products', { name: 'x', price: 'much', nme: '1' }), 422, 'invalid', ['price', 'nme']);
  problem(await send(s, '/v1/products', { name: 'Chair' }), 409, 'unique');
  ok(await send(s, '/v1/products/1', { price: '6' }, { method: 'PATCH' }));
  assert.equal((await s.get('/v1/products/1')).body.price, 6);
  const f = form({ name: 'Table' });
  f.append('tags', 'a');
  f.append('tags', 'b');
  if (s.engine === 'postgres') assert.deepEqual(ok(await s.fetch('/v1/products', { method: 'POST', body: f }), 201).tags, ['a', 'b']);
  const empty = '--XX\r\nContent-Disposition: form-data; name="name"\r\n\r\nStool\r\n--XX\r\nContent-Disposition: form-data; name="photo"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--XX--\r\n';
  assert.equal(ok(await s.post('/v1/products', empty, { 'Content-Type': 'multipart/form-data; boundary=XX' }), 201).photo, null); // nothing was chosen
});

play('one file by itself: PUT, GET, HEAD, DELETE', what, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const at = '/v1/products/1/photo', bytes = png(1000), other = png(2000, 7);
  assert.match(problem(await s.get(at), 404, 'not_found').detail, /no file/i);
  const put = (b, headers, target = at) => s.fetch(target, { method: 'PUT', body: b, headers });
  const first = await put(bytes, { 'Content-Type': 'image/png', 'Content-Disposition': 'attachment; filename="../../a:b.png"' });
  assert.deepEqual(ok(first, 201), { name: 'a_b.png', type: 'image/png', size: 1000, sha256: sha256(bytes), url: at });
  assert.equal(first.header('etag'), `"${sha256(bytes)}"`);
  const second = await put(other, { 'Content-Type': 'application/octet-stream' });
  assert.deepEqual(ok(second), { name: 'photo', type: 'image/png', size: 2000, sha256: sha256(other), url: at });
  assert.ok((await ask(s, at)).bytes.equals(other));
  const head = await ask(s, at, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers['content-length'], head.headers['accept-ranges'], head.bytes.length], [200, '2000', 'bytes', 0]);
  problem(await put(bytes, { 'Content-Type': 'image/png' }, '/v1/products/2/photo'), 404, 'not_found');
  problem(await put(bytes, { 'Content-Type': 'image/png', 'Content-Encoding': 'gzip' }), 400);
  assert.equal((await s.fetch(at, { method: 'DELETE' })).status, 204);
  problem(await s.get(at), 404);
  assert.equal((await s.get('/v1/products/1')).body.photo, null);
  problem(await s.fetch('/v1/products/9/photo', { method: 'DELETE' }), 404);
  problem(await s.post(at, {}), 405);
});

play('PUT and PATCH of a row keep, replace and take away its file', what, async (s) => {
  const photo = { bytes: png(500), type: 'image/png', name: 'a.png' };
  const row = ok(await send(s, '/v1/products', { name: 'Lamp', photo }), 201);
  assert.deepEqual(ok(await s.put('/v1/products/1', { ...row, price: 3 })).photo, row.photo); // what was read may be sent back
  assert.deepEqual(ok(await s.patch('/v1/products/1', { price: 4 })).photo, row.photo);
  assert.equal(problem(await s.patch('/v1/products/1', { photo: row.photo }), 422, 'invalid', ['photo']).errors[0].code, 'type');
  problem(await s.post('/v1/products', { name: 'Thief', photo: { ...row.photo, id: '0'.repeat(32) } }), 422, 'invalid', ['photo']);
  problem(await s.post('/v1/products', { name: 'Thief', photo: 'a.png' }), 422, 'invalid', ['photo']);
  const next = ok(await send(s, '/v1/products/1', { photo: { ...photo, bytes: png(600) } }, { method: 'PATCH' }));
  assert.equal(next.photo.size, 600);
  assert.equal(ok(await s.patch('/v1/products/1', { photo: null })).photo, null);
  ok(await send(s, '/v1/products/1', { name: 'Lamp', photo }, { method: 'PUT' }));
  assert.equal(ok(await s.put('/v1/products/1', { name: 'Lamp' })).photo, null); // PUT replaces: what is left out is gone
  const many = ok(await s.patch('/v1/products/1', [{ op: 'replace', path: '/price', value: 9 }], { 'Content-Type': 'application/json-patch+json' }));
  assert.equal(many.price, 9);
});

play('types: by the bytes, by the column', what, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const put = (bytes, type, column = 'photo') => s.fetch(`/v1/products/1/${column}`, { method: 'PUT', body: bytes, headers: { 'Content-Type': type } });
  const page = '<!DOCTYPE html><script>alert(1)</script>';
  assert.equal(problem(await put(page, 'image/png'), 422, 'invalid', ['photo']).errors[0].code, 'file_type');
  problem(await put(png(), 'image/jpeg'), 422, 'invalid', ['photo']);
  problem(await put('GIF89a..........', 'image/gif'), 422, 'invalid', ['photo']); // not among types:
  problem(await put('some text', 'image/png'), 422, 'invalid', ['photo']);
  problem(await put(page, 'text/plain', 'manual'), 422, 'invalid', ['manual']);
  problem(await send(s, '/v1/products', { name: 'x', photo: { bytes: Buffer.from(page), type: 'image/png' } }), 422, 'invalid', ['photo']);
  // What could run is a download, and may not run.
  const svg = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
  for (const [bytes, type, shown] of [[page, 'text/html', 'attachment'], [svg, 'image/svg+xml', 'attachment'], ['%PDF-1.7 ..', 'application/pdf', 'attachment'],
    ['a,b\n1,2\n', 'text/csv', 'attachment'], ['just text', 'text/plain', 'inline'], ['{"a":1}', 'application/json', 'attachment']]) {
    const r = await put(bytes, type, 'manual');
    assert.ok(r.status === 200 || r.status === 201, `${type} ${r.text}`);
    const d = await ask(s, '/v1/products/1/manual');
    assert.equal(d.headers['content-type'].split(';')[0], type);
    assert.ok(d.headers['content-disposition'].startsWith(`${shown}; filename="manual"`), type);
    assert.deepEqual([d.headers['x-content-type-options'], d.headers['content-security-policy']], ['nosniff', "default-src 'none'; sandbox"]);
    assert.equal(d.bytes.toString(), bytes);
  }
});

play('limits: of a file, of parts, of texts; nothing stays behind', { ...what, config: `${config}uploads: { max_parts: 5, max_fields: 2K }\n` }, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const big = png(300 * 1024 + 1);
  const put = (bytes, more = {}) => s.fetch('/v1/products/1/photo', { method: 'PUT', body: bytes, headers: { 'Content-Type': 'image/png' }, ...more });
  problem(await put(big), 413, 'too_big');
  const stream = new ReadableStream({ start(c) { for (let i = 0; i < big.length; i += 50000) c.enqueue(big.subarray(i, i + 50000)); c.close(); } });
  problem(await put(stream, { duplex: 'half' }), 413, 'too_big'); // chunked: not known before
  assert.equal((await put(png(300 * 1024))).status, 201);
  const files = kept(s);
  assert.equal(files.length, 1);
  problem(await send(s, '/v1/products', { name: 'A', photo: { bytes: big, type: 'image/png' } }), 413, 'too_big');
  problem(await send(s, '/v1/products', { name: 'x'.repeat(3000) }), 413, 'too_big');
  problem(await send(s, '/v1/products', { a: '1', b: '2', c: '3', d: '4', e: '5', f: '6' }), 413, 'too_big');
  problem(await send(s, '/v1/products', { photo: { bytes: png(), type: 'image/png' } }), 422, 'invalid', ['name']);
  problem(await send(s, '/v1/products', { name: 'Lamp', photo: { bytes: png(), type: 'image/png' } }), 409, 'unique');
  problem(await send(s, '/v1/products', { name: 'B', foto: { bytes: png(), type: 'image/png' } }), 422, 'invalid', ['foto']);
  problem(await send(s, '/v1/products', { name: { bytes: png(), type: 'image/png' } }), 422, 'invalid', ['name']);
  assert.deepEqual(kept(s), files); // what failed is gone at once
  assert.equal((await s.list('/v1/products')).length, 1);
});

play('a form that two readers could read in two ways is refused', what, async (s) => {
  const head = 'Content-Disposition: form-data; name="name"';
  const send_ = (body, type = 'multipart/form-data; boundary=XX') => s.fetch('/v1/products', { method: 'POST', body, headers: { 'Content-Type': type } });
  assert.equal((await send_(`--XX\r\n${head}\r\n\r\nFine\r\n--XX--\r\n`)).status, 201);
  for (const [why, body, type] of [
    ['no boundary', '', 'multipart/form-data'],
    ['two boundaries', `--XX\r\n${head}\r\n\r\nx\r\n--XX--`, 'multipart/form-data; boundary=XX; boundary=YY'],
    ['a preamble', `hello\r\n--XX\r\n${head}\r\n\r\nx\r\n--XX--`],
    ['an epilogue', `--XX\r\n${head}\r\n\r\nx\r\n--XX--\r\nmore`],
    ['no end', `--XX\r\n${head}\r\n\r\nx\r\n--XX`],
    ['no end of the part', `--XX\r\n${head}\r\n\r\nx`],
    ['LF', `--XX\n${head}\n\nx\n--XX--`],
    ['LF in a head', `--XX\r\n${head}\nX: y\r\n\r\nx\r\n--XX--`],
    ['folded', `--XX\r\nContent-Disposition: form-data;\r\n name="name"\r\n\r\nx\r\n--XX--`],
    ['no name', '--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--'],
    ['two names', '--XX\r\nContent-Disposition: form-data; name="name"; name="price"\r\n\r\nx\r\n--XX--'],
    ['two heads', `--XX\r\n${head}\r\n${head}\r\n\r\nx\r\n--XX--`],
    ['another kind', '--XX\r\nContent-Disposition: attachment; name="name"\r\n\r\nx\r\n--XX--'],
    ['base64', `--XX\r\n${head}\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--XX--`],
    ['no UTF-8', Buffer.concat([Buffer.from(`--XX\r\n${head}\r\n\r\n`), Buffer.from([0xff]), Buffer.from('\r\n--XX--')])],
    ['another charset', `--XX\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\nlatin1\r\n--XX--`],
  ]) assert.equal(problem(await send_(body, type), 400, 'malformed_form').status, 400, why);
  problem(await send_(`--XX\r\n${head}\r\nX: ${'y'.repeat(5000)}\r\n\r\nx\r\n--XX--`), 413);
  // A boundary that the data nearly has is data.
  const r = await send_(`--XX\r\n${head}\r\n\r\na\r\n--X\r\n--XY\r\n-\r\r\n--XX--`);
  assert.equal(ok(r, 201).name, 'a\r\n--X\r\n--XY\r\n-\r');
});

play('digests are held against what came', what, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const bytes = png(5000);
  const put = (headers) => s.fetch('/v1/products/1/photo', { method: 'PUT', body: bytes, headers: { 'Content-Type': 'image/png', ...headers } });
  for (const kind of ['Content-Digest', 'Repr-Digest']) {
    assert.ok((await put({ [kind]: `sha-256=:${digest(bytes)}:` })).status < 300);
    assert.ok((await put({ [kind]: `sha-512=:${digest(bytes, 'sha512')}:, unixsum=:AAAA:` })).status < 300);
    assert.match(problem(await put({ [kind]: `sha-256=:${digest(png())}:` }), 400, 'digest_mismatch').detail, new RegExp(kind));
    problem(await put({ [kind]: `sha-512=:${digest(png(), 'sha512')}:` }), 400, 'digest_mismatch');
    problem(await put({ [kind]: 'sha-256=abc' }), 400, 'malformed_digest');
    problem(await put({ [kind]: 'sha-256=:YWJj:' }), 400, 'malformed_digest');
  }
  const part = (d) => Buffer.concat([Buffer.from(`--XX\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n${d}\r\n`), bytes, Buffer.from('\r\n--XX--\r\n')]);
  const patch = (body, more) => s.fetch('/v1/products/1', { method: 'PATCH', body, headers: { 'Content-Type': 'multipart/form-data; boundary=XX', ...more } });
  ok(await patch(part(`Content-Digest: sha-256=:${digest(bytes)}:\r\n`)));
  problem(await patch(part(`Content-Digest: sha-256=:${digest(png())}:\r\n`)), 400, 'digest_mismatch');
  ok(await patch(part(''), { 'Content-Digest': `sha-256=:${digest(part(''))}:` }));
  problem(await patch(part(''), { 'Content-Digest': `sha-256=:${digest(bytes)}:` }), 400, 'digest_mismatch');
});

play('a form with an Idempotency-Key is done once', what, async (s) => {
  const key = { 'Idempotency-Key': 'k1' }, photo = { bytes: png(3000), type: 'image/png', name: 'a.png' };
  const first = ok(await send(s, '/v1/products', { name: 'Lamp', photo }, { headers: key }), 201);
  const files = kept(s);
  const again = await send(s, '/v1/products', { name: 'Lamp', photo }, { headers: key });
  assert.deepEqual([ok(again, 201), again.header('idempotent-replayed')], [first, 'true']);
  problem(await send(s, '/v1/products', { name: 'Lamp', photo: { ...photo, bytes: png(3001) } }, { headers: key }), 422, 'idempotency_key_reused');
  problem(await send(s, '/v1/products', { name: 'Lamp', manual: photo }, { headers: key }), 422, 'idempotency_key_reused');
  assert.deepEqual(kept(s), files);
});

play('preconditions of a file are of its checksum', what, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const at = '/v1/products/1/photo', bytes = png(700), tag = `"${sha256(bytes)}"`;
  const put = (b, headers) => s.fetch(at, { method: 'PUT', body: b, headers: { 'Content-Type': 'image/png', ...headers } });
  problem(await put(bytes, { 'If-Match': '*' }), 412, 'precondition_failed');
  ok(await put(bytes, { 'If-None-Match': '*' }), 201);
  problem(await put(png(), { 'If-None-Match': '*' }), 412);
  problem(await put(png(), { 'If-Match': '"other"' }), 412);
  ok(await put(bytes, { 'If-Match': tag }));
  problem(await s.fetch(at, { method: 'DELETE', headers: { 'If-Match': '"other"' } }), 412);
  assert.equal((await s.get(at, { 'If-None-Match': tag })).status, 304);
  assert.equal((await s.get(at, { 'If-None-Match': `W/${tag}` })).status, 304);
  assert.equal((await s.get(at, { 'If-Match': '"other"' })).status, 412);
  assert.equal((await s.fetch(at, { method: 'DELETE', headers: { 'If-Match': tag } })).status, 204);
});

play('what no row has goes away', { ...what, config: `${config}uploads: { keep_unused: 0s }\n` }, async (s) => {
  const photo = { bytes: png(400), type: 'image/png' };
  ok(await send(s, '/v1/products', { name: 'A', photo }), 201);
  ok(await send(s, '/v1/products', { name: 'B', photo }), 201);
  ok(await send(s, '/v1/products/1/notes', { body: 'x', scan: { bytes: Buffer.from('text'), type: 'text/plain' } }), 201);
  assert.equal(kept(s).length, 3);
  ok(await send(s, '/v1/products', { name: 'C', photo }), 201);
  ok(await send(s, '/v1/products/2', { photo: { ...photo, bytes: png(401) } }, { method: 'PATCH' }));
  assert.equal((await s.fetch('/v1/products/1', { method: 'DELETE' })).status, 204); // takes its note along
  assert.equal((await s.fetch('/v1/products/3/photo', { method: 'DELETE' })).status, 204);
  await until(() => kept(s).length === 1, 'replaced, deleted and removed files stay');
  assert.equal((await ask(s, '/v1/products/2/photo')).bytes.length, 401);
});

play('a large file takes no memory for its size', { ...what, config: config.replace('4MB', '200MB'), timeout: 120000, workers: 1 }, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const rss = () => Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${s.child.pid}/status`, 'utf8'))[1]);
  ok(await s.fetch('/v1/products/1/manual', { method: 'PUT', body: png(1 << 20), headers: { 'Content-Type': 'image/png' } }), 201);
  const before = rss(), piece = png(1 << 20), pieces = 100;
  const body = new ReadableStream({ pull(c) { this.n = (this.n ?? 0) + 1; c.enqueue(piece); if (this.n === pieces) c.close(); } });
  const r = await s.fetch('/v1/products/1/manual', { method: 'PUT', body, duplex: 'half', headers: { 'Content-Type': 'image/png' } });
  assert.equal(ok(r).size, pieces << 20);
  let got = 0;
  const down = await fetch(`${s.base}/v1/products/1/manual`);
  for await (const b of down.body) got += b.length;
  assert.equal(got, pieces << 20);
  const grown = rss() - before;
  assert.ok(process.env.CAIRN_SLOW || grown < 20000, `${grown} KiB for ${pieces} MiB`);
});

play('files survive a crash, and what was on its way does not', { ...what, on: ['sqlite'], config: `${config}uploads: { keep_unused: 0s, timeout: 1s }\nhttp: { request_timeout: 1s }\n` }, async (s) => {
  const bytes = png(100000);
  ok(await send(s, '/v1/products', { name: 'A', photo: { bytes, type: 'image/png' } }), 201);
  // Half of a file, and then the power goes.
  const slowly = new ReadableStream({ async pull(c) { if (this.n) return new Promise(() => {}); this.n = 1; c.enqueue(png(200000)); } });
  fetch(`${s.base}/v1/products/1/manual`, { method: 'PUT', body: slowly, duplex: 'half', headers: { 'Content-Type': 'image/png' } }).catch(() => {});
  await until(() => kept(s).some((f) => f.startsWith('incoming/')), 'nothing is on its way');
  await s.kill9();
  await s.start();
  assert.ok((await ask(s, '/v1/products/1/photo')).bytes.equals(bytes));
  assert.equal(kept(s).length, 2);
  await until(() => kept(s).length === 1, 'half a file stays', 25000);
  assert.ok((await ask(s, '/v1/products/1/photo')).bytes.equals(bytes));
});

play('a backup has the files, and gives them back', { ...what, on: ['sqlite'] }, async (s, p) => {
  const bytes = png(5000), more = png(6000, 9);
  ok(await send(s, '/v1/products', { name: 'A', photo: { bytes, type: 'image/png' } }), 201);
  const copy = `${p.root}/copy.db`;
  assert.match(p.do('backup', copy).err, /1 files copied to .*copy\.db\.files/);
  ok(await send(s, '/v1/products/1', { photo: { bytes: more, type: 'image/png' } }, { method: 'PATCH' }));
  await s.stop();
  fs.rmSync(`${p.data}/files`, { recursive: true });
  p.do('restore', '--yes', copy);
  await s.start();
  assert.ok((await ask(s, '/v1/products/1/photo')).bytes.equals(bytes));
});

play('a large upload whose version is named elsewhere than in its path', { ...what, config: `${config}versions: { v1: { tables: { products: { manual: { as: paper } } } }, v2: {} }\n` }, async (s) => {
  const big = png(3 << 20, 3), type = 'application/octet-stream';
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const put = (target, headers = {}) => ask(s, target, { method: 'PUT', body: big, headers: { 'Content-Type': type, 'Content-Length': big.length, ...headers } });
  for (const [target, headers] of [['/v2/products/1/manual'], ['/products/1/manual', { 'API-Version': '2' }], ['/products/1/manual?version=2'], ['/products/1/paper', { 'API-Version': 'v1' }]]) {
    const r = await put(target, headers);
    assert.ok(r.status === 200 || r.status === 201, `${target} ${JSON.stringify(headers)}: ${r.status} ${r.bytes}`);
    assert.equal(JSON.parse(r.bytes).sha256, sha256(big));
  }
  assert.equal((await put('/products/1/manual', { 'API-Version': '9' })).status >= 400, true);
  ok(await s.get('/readyz'));
});

play('the name of a single file may have a semicolon and a quote in it', what, async (s) => {
  ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
  const put = async (said) => {
    const r = await s.fetch('/v1/products/1/manual', { method: 'PUT', body: 'x', headers: { 'Content-Disposition': said } });
    return ok(r, r.status === 201 ? 201 : 200).name;
  };
  assert.equal(await put('attachment; filename="a;b.txt"'), 'a;b.txt');
  assert.equal(await put('attachment; x="filename=no"; filename=plain.txt'), 'plain.txt');
  assert.equal(await put('attachment; filename="say \\"hi\\".txt"; size=3'), (await put('attachment; filename="say %22hi%22.txt"')));
  assert.equal(await put('attachment; filename'), 'manual', 'what is malformed names nothing');
});
