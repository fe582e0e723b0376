// Files in an S3-compatible store. SPDX: Apache-2.0
import assert from 'node:assert/strict';
import { ok, play, problem } from '../lib.mjs';
import { ask, config, kept, migrations, png, send, sha256, until } from './files.mjs';
import { S3 } from './s3.mjs';

const on = ['sqlite', 'postgres'];
const what = { migrations, on, serve: false, config };
const at = '/v1/products/1/photo';

async function begin(s, p, store, more = '') {
  p.config(`${config}uploads: { store: s3, keep_unused: 0s }
s3: { endpoint: 'http://127.0.0.1:${store.port}', bucket: shop, prefix: files/, region: eu-north-1, access_key: AKIDEXAMPLE, timeout: 3s }
${more}`);
  await s.start([], { CAIRN_S3_SECRET_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', CAIRN_S3_SESSION_TOKEN: store.token ?? '' });
}

play('files go to the bucket, come from there, and go away', what, async (s, p) => {
  const store = await new S3().start();
  try {
    await begin(s, p, store);
    const bytes = png(290000), big = png(3500000, 5);
    const row = ok(await send(s, '/v1/products', { name: 'Lamp', photo: { bytes, type: 'image/png' } }), 201);
    assert.equal(row.photo.sha256, sha256(bytes));
    assert.equal(store.objects.size, 1);
    assert.match([...store.objects.keys()][0], /^files\/[0-9a-f]{32}$/);
    assert.ok([...store.objects.values()][0].equals(bytes));
    assert.deepEqual(kept(s), []); // nothing stays here
    assert.ok((await ask(s, at)).bytes.equals(bytes));
    ok(await s.fetch('/v1/products/1/manual', { method: 'PUT', body: big, headers: { 'Content-Type': 'image/png' } }), 201);
    assert.ok((await ask(s, '/v1/products/1/manual')).bytes.equals(big));
    store.log.length = 0;
    const part = await ask(s, '/v1/products/1/manual', { headers: { Range: 'bytes=2000000-2000099' } });
    assert.ok(part.status === 206 && part.bytes.equals(big.subarray(2000000, 2000100)));
    assert.deepEqual(store.log, ['GET 206']);
    const parts = await ask(s, '/v1/products/1/manual', { headers: { Range: 'bytes=0-9,3000000-3499999' } });
    assert.equal(parts.status, 206);
    assert.ok(parts.bytes.includes(big.subarray(3000000)));
    ok(await send(s, '/v1/products/1', { photo: { bytes: png(100), type: 'image/png' } }, { method: 'PATCH' }));
    problem(await send(s, '/v1/products', { name: 'Lamp', photo: { bytes, type: 'image/png' } }), 409, 'unique');
    assert.equal(store.objects.size <= 3, true); // what failed is gone at once
    assert.equal((await s.delete('/v1/products/1')).status, 204);
    await until(() => store.objects.size === 0, 'objects stay that no row has');
    assert.deepEqual(store.faults, []);
  } finally { await store.stop(); }
});

play('a store that is away, or refuses, is 503, and nothing is changed', what, async (s, p) => {
  const store = await new S3().start();
  const { port } = store;
  let up = true;
  try {
    await begin(s, p, store);
    const bytes = png(5000), put = (b) => s.fetch(at, { method: 'PUT', body: b, headers: { 'Content-Type': 'image/png' } });
    ok(await s.post('/v1/products', { name: 'Lamp' }), 201);
    ok(await put(bytes), 201);
    store.broken = 503;
    problem(await put(png(6000)), 503, 'busy');
    problem(await s.get(at), 503, 'busy');
    store.broken = 0;
    assert.ok((await ask(s, at)).bytes.equals(bytes));
    await store.stop();
    up = false;
    const r = await put(png(7000));
    problem(r, 503, 'busy');
    assert.ok(r.header('retry-after'));
    problem(await s.get(at), 503, 'busy');
    assert.equal((await s.get('/v1/products/1')).body.photo.size, 5000);
    assert.ok(s.lines.some((l) => /store of files/.test(l.msg) && l.error));
    assert.doesNotMatch(s.log, /wJalrXUtn/);
    await store.start(port);
    up = true;
    ok(await put(png(8000)));
    await until(() => store.objects.size === 1 && kept(s).length === 0, 'what failed stays');
    store.objects.clear();
    problem(await s.get(at), 404);
  } finally { if (up) await store.stop(); }
});

play('temporary credentials are signed, wrong ones get nothing', { ...what, on: ['sqlite'] }, async (s, p) => {
  const store = await new S3().start();
  try {
    store.token = 'a/session+token==';
    await begin(s, p, store);
    ok(await send(s, '/v1/products', { name: 'Lamp', photo: { bytes: png(), type: 'image/png' } }), 201);
    assert.deepEqual(store.faults, []);
    store.who.secret = 'another';
    problem(await s.get(at), 503, 'busy');
    assert.equal(store.faults.length, 1);
    assert.ok(s.lines.some((l) => l.status === 403 && /SignatureDoesNotMatch/.test(l.answer)));
  } finally { await store.stop(); }
});

play('settings of the store are checked at the start', { ...what, on: ['sqlite'] }, async (s, p) => {
  for (const [s3, key] of [['{ bucket: "a b", access_key: k }', 's3.bucket'], ['{ access_key: k }', 's3.bucket'], ['{ bucket: b }', 's3.access_key'], ['{ bucket: b, access_key: k, endpoint: "ftp://x" }', 's3.endpoint'],
    ['{ bucket: b, access_key: k, endpoint: "https://h/path" }', 's3.endpoint'], ['{ bucket: b, access_key: k, prefix: /x }', 's3.prefix'], ['{ bucket: b, access_key: k }', 's3.secret_key']]) {
    p.config(`${config}uploads: { store: s3 }\ns3: ${s3}\n`);
    const r = p.cairn('check', { env: key === 's3.secret_key' ? {} : { CAIRN_S3_SECRET_KEY: 'x' } });
    assert.notEqual(r.code, 0, s3);
    assert.match(r.all, new RegExp(`${key.replace('.', '\\.')}: expected`));
  }
});
