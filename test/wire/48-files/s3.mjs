// A small S3: PUT, GET with Range, DELETE of objects in one bucket, path style. Every request's signature (AWS Signature
// Version 4) is worked out anew and compared. SPDX: Apache-2.0
import crypto from 'node:crypto';
import http from 'node:http';

const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
const hash = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const escape = (s) => encodeURIComponent(s).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

// Why the request is not signed by who has the secret; undefined: it is.
function fault(rq, body, { key, secret, region }) {
  const auth = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(rq.headers.authorization ?? '');
  if (!auth) return `no signature: ${rq.headers.authorization}`;
  const [, credential, signed, signature] = auth;
  const [id, day, where, service, end] = credential.split('/');
  const date = rq.headers['x-amz-date'] ?? '';
  if (id !== key || where !== region || service !== 's3' || end !== 'aws4_request' || !date.startsWith(day)) return `not our scope: ${credential}`;
  const at = Date.UTC(date.slice(0, 4), date.slice(4, 6) - 1, date.slice(6, 8), date.slice(9, 11), date.slice(11, 13), date.slice(13, 15));
  if (!(Math.abs(at - Date.now()) < 15 * 60000)) return `not now: ${date}`;
  const names = signed.split(';');
  for (const must of ['host', 'x-amz-date', 'x-amz-content-sha256']) if (!names.includes(must)) return `${must} is not signed`;
  for (const name of Object.keys(rq.headers)) if (/^x-amz-/.test(name) && !names.includes(name)) return `${name} is not signed`;
  const payload = rq.headers['x-amz-content-sha256'];
  if (payload !== hash(body)) return `the body is another: ${payload}`;
  const url = new URL(rq.url, 'http://x');
  const query = [...url.searchParams].map(([k, v]) => `${escape(k)}=${escape(v)}`).sort().join('&');
  const canonical = [rq.method, url.pathname, query, ...names.map((n) => `${n}:${(rq.headers[n] ?? '').trim().replace(/ +/g, ' ')}`), '', signed, payload].join('\n');
  const scope = `${day}/${where}/s3/aws4_request`;
  const signing = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), where), 's3'), 'aws4_request');
  const want = hmac(signing, ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\n')).toString('hex');
  return want === signature ? undefined : `another signature than of\n${canonical}`;
}

export class S3 {
  constructor(who = {}) {
    this.who = { key: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', region: 'eu-north-1', bucket: 'shop', ...who };
    this.objects = new Map();
    this.log = [];    // "PUT 200"
    this.faults = []; // of signatures
    this.tokens = []; // x-amz-security-token of each request
    this.broken = 0;  // answers this status to all
  }

  start(port = 0) {
    this.server = http.createServer((rq, rs) => {
      const parts = [];
      rq.on('data', (d) => parts.push(d));
      rq.on('end', () => this.#answer(rq, rs, Buffer.concat(parts)));
    });
    return new Promise((done) => this.server.listen(port, '127.0.0.1', () => { this.port = this.server.address().port; done(this); }));
  }
  stop() { this.server.closeAllConnections(); return new Promise((done) => this.server.close(done)); }

  #answer(rq, rs, body) {
    const say = (status, bytes = '', headers = {}) => { this.log.push(`${rq.method} ${status}`); rs.writeHead(status, { 'Content-Length': Buffer.byteLength(bytes), ...headers }).end(bytes); };
    const wrong = fault(rq, body, this.who);
    this.tokens.push(rq.headers['x-amz-security-token']);
    if (this.broken) return say(this.broken, '<Error><Code>SlowDown</Code></Error>');
    if (wrong) { this.faults.push(wrong); return say(403, '<Error><Code>SignatureDoesNotMatch</Code></Error>'); }
    const [, bucket, name] = /^\/([^/]+)\/(.+)$/.exec(rq.url) ?? [];
    if (bucket !== this.who.bucket) return say(404, '<Error><Code>NoSuchBucket</Code></Error>');
    if (rq.method === 'PUT') { this.objects.set(name, body); return say(200); }
    if (rq.method === 'DELETE') { this.objects.delete(name); return say(204); }
    const object = this.objects.get(name);
    if (!object) return say(404, '<Error><Code>NoSuchKey</Code></Error>');
    const range = /^bytes=(\d+)-(\d+)$/.exec(rq.headers.range ?? '');
    if (!range) return say(200, object);
    const part = object.subarray(Number(range[1]), Number(range[2]) + 1);
    return say(206, part, { 'Content-Range': `bytes ${range[1]}-${Number(range[1]) + part.length - 1}/${object.length}` });
  }
}
