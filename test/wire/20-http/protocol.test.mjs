// Bytes on the socket: what must be served, and every ambiguity that must not.
import { play, assert, ok, slow, sleep } from '../lib.mjs';

const notes = { migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL);', workers: 1 };
const crlf = (...lines) => `${lines.join('\r\n')}\r\n\r\n`;
const get = (...more) => crlf('GET /livez HTTP/1.1', 'Host: x', ...more);

play('keep-alive and pipelining keep the order', notes, async (s) => {
  const r = await s.raw(get() + crlf('GET /v1/nothing HTTP/1.1', 'Host: x') + get('Connection: close'));
  assert.deepEqual(r.statuses, [200, 404, 200]);
  assert.ok(r.closed);
});

play('HTTP/1.0 closes unless asked, and 1.1 does not', notes, async (s) => {
  assert.ok((await s.raw('GET /livez HTTP/1.0\r\n\r\n')).closed);
  assert.ok(!(await s.raw(get())).closed);
  const kept = await s.raw('GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  assert.match(kept.text, /connection: keep-alive/i);
});

play('a head that comes a byte at a time', notes, async (s) => {
  const net = await import('node:net');
  const socket = net.connect(s.port, '127.0.0.1').setNoDelay();
  let text = '';
  socket.on('data', (d) => { text += d; });
  const closed = new Promise((done) => socket.on('close', done));
  for (const c of get('Connection: close')) { socket.write(c); await sleep(1); }
  await closed;
  assert.match(text, /^HTTP\/1\.1 200/);
});

play('chunked bodies, extensions, trailers, and 100-continue', notes, async (s) => {
  const body = '{"text":"chunked"}';
  const head = ['POST /v1/notes HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Connection: close'];
  const chunked = `${crlf(...head, 'Transfer-Encoding: chunked')}5\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)};a=b\r\n${body.slice(5)}\r\n0\r\nX-Sum: 1\r\n\r\n`;
  assert.deepEqual((await s.raw(chunked)).statuses, [201]);
  const r = await s.raw(`${crlf(...head, `Content-Length: ${body.length}`, 'Expect: 100-continue')}${body}`);
  assert.ok([[100, 201].join(), '201'].includes(r.statuses.join()), r.text);
  assert.deepEqual((await s.raw(crlf(...head, 'Content-Length: 3', 'Expect: 200-maybe'))).statuses, [417]);
  assert.equal((await s.list('/v1/notes')).length, 2);
});

play('100-continue comes only when the body is wanted', notes, async (s) => {
  const r = await s.raw(crlf('POST /v1/nothing HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Length: 10', 'Expect: 100-continue'));
  assert.deepEqual(r.statuses, [404]);
});

play('an absolute target, and a host that disagrees', notes, async (s) => {
  assert.deepEqual((await s.raw(crlf('GET http://x/livez HTTP/1.1', 'Host: x', 'Connection: close'))).statuses, [200]);
  assert.deepEqual((await s.raw(crlf('GET http://y/livez HTTP/1.1', 'Host: x', 'Connection: close'))).statuses, [400]);
});

// Each must be refused with 400 and the connection closed: nothing behind it may be read as a request.
const smuggled = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
const post = (...lines) => `POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${lines.join('\r\n')}\r\n\r\n`;
const refused = {
  'Content-Length and Transfer-Encoding': `${post('Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  'differing lengths': `${post('Content-Length: 2', 'Content-Length: 3')}{} `,
  'the same length twice': `${post('Content-Length: 2', 'Content-Length: 2')}{}`,
  'a list of lengths': `${post('Content-Length: 2, 2')}{}`,
  'a signed length': `${post('Content-Length: +2')}{}`,
  'a hexadecimal length': `${post('Content-Length: 0x2')}{}`,
  'an empty length': post('Content-Length: '),
  'a huge length': post('Content-Length: 99999999999999999999999'),
  'a blank before the colon': post('Content-Length : 2'),
  'a tab before the colon': post('Transfer-Encoding\t: chunked'),
  'a folded header': post('X-A: b', ' c'),
  'a line that begins with a blank': 'GET /livez HTTP/1.1\r\n Host: x\r\n\r\n',
  'a bare LF': 'GET /livez HTTP/1.1\nHost: x\n\n',
  'a bare CR in a value': 'GET /livez HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n',
  'NUL in a value': 'GET /livez HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n',
  'NUL in a name': 'GET /livez HTTP/1.1\r\nHost: x\r\nX\0A: b\r\n\r\n',
  'Transfer-Encoding of another kind': post('Transfer-Encoding: gzip, chunked'),
  'chunked twice': post('Transfer-Encoding: chunked, chunked'),
  'two Transfer-Encoding lines': post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  'a comma before chunked': post('Transfer-Encoding: ,chunked'),
  'xchunked': post('Transfer-Encoding: xchunked'),
  'an empty Transfer-Encoding': post('Transfer-Encoding: '),
  'Transfer-Encoding in HTTP/1.0': 'POST /v1/notes HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'no chunk size': `${post('Transfer-Encoding: chunked')}\r\n\r\n`,
  'a chunk size with 0x': `${post('Transfer-Encoding: chunked')}0x2\r\n{}\r\n0\r\n\r\n`,
  'a chunk size with a sign': `${post('Transfer-Encoding: chunked')}+2\r\n{}\r\n0\r\n\r\n`,
  'a blank before the chunk size': `${post('Transfer-Encoding: chunked')} 2\r\n{}\r\n0\r\n\r\n`,
  'a blank behind the chunk size': `${post('Transfer-Encoding: chunked')}2 \r\n{}\r\n0\r\n\r\n`,
  'a chunk size over 64 bits': `${post('Transfer-Encoding: chunked')}fffffffffffffffff2\r\n{}\r\n0\r\n\r\n`,
  'LF behind a chunk size': `${post('Transfer-Encoding: chunked')}2\n{}\r\n0\r\n\r\n`,
  'LF in a chunk extension': `${post('Transfer-Encoding: chunked')}2;a\n{}\r\n0\r\n\r\n`,
  'more bytes than the chunk says': `${post('Transfer-Encoding: chunked')}2\r\n{}{}\r\n0\r\n\r\n`,
  'no Host': 'GET /livez HTTP/1.1\r\n\r\n',
  'two Hosts': 'GET /livez HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n',
  'a Host with userinfo': 'GET /livez HTTP/1.1\r\nHost: a@x\r\n\r\n',
  'a Host with a path': 'GET /livez HTTP/1.1\r\nHost: x/y\r\n\r\n',
  'a Host with a blank': 'GET /livez HTTP/1.1\r\nHost: x y\r\n\r\n',
  'a header without a name': 'GET /livez HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n',
  'a header without a colon': 'GET /livez HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n',
  'two blanks in the request line': 'GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'a tab in the request line': 'GET\t/livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'no version': 'GET /livez\r\nHost: x\r\n\r\n',
  'a lower-case version': 'GET /livez http/1.1\r\nHost: x\r\n\r\n',
  'a version with two digits': 'GET /livez HTTP/1.10\r\nHost: x\r\n\r\n',
  'a fragment in the target': 'GET /livez#a HTTP/1.1\r\nHost: x\r\n\r\n',
  'a byte over 127 in the target': 'GET /liv\xe9z HTTP/1.1\r\nHost: x\r\n\r\n',
  'TLS on the plain port': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaa\r\n\r\n',
};

play('every ambiguity that smuggling uses is 400 and close', { ...notes, timeout: 120000 }, async (s) => {
  const wrong = [];
  for (const [what, bytes] of Object.entries(refused)) {
    const r = await s.raw(Buffer.from(bytes + smuggled, 'latin1'), { quiet: 1500 * slow });
    if (r.statuses.length !== 1 || r.statuses[0] !== 400 || !r.closed) wrong.push(`${what}: ${r.statuses} ${r.closed ? 'closed' : 'open'}`);
  }
  assert.deepEqual(wrong, []);
  assert.equal((await s.list('/v1/notes')).length, 0);
});

play('a version that is not spoken is 505', notes, async (s) => {
  assert.deepEqual((await s.raw('GET /livez HTTP/2.0\r\nHost: x\r\n\r\n')).statuses, [505]);
});

play('a body that nobody read does not become the next request', notes, async (s) => {
  const body = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
  const r = await s.raw(crlf('POST /v1/nothing HTTP/1.1', 'Host: x', `Content-Length: ${body.length}`) + body + get('Connection: close'));
  assert.equal(r.statuses[0], 404);
  assert.ok(r.statuses.length === 1 ? r.closed : r.statuses.join() === '404,200', r.text);
  assert.doesNotMatch(r.text, /cairn_/);
});
