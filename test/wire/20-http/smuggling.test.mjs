// What two servers could read in two ways is refused by ours, whole or cut into pieces, and the
// request hidden behind it never runs: it would leave a row.
import net from 'node:net';
import { play, assert, sleep, slow } from '../lib.mjs';

const notes = { migrations: 'CREATE TABLE notes (id SERIAL PRIMARY KEY, text TEXT NOT NULL);', workers: 1, timeout: 120000 };
const body = '{"text":"smuggled"}';
const hidden = `POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const get = (...lines) => `GET /livez HTTP/1.1\r\n${['Host: x', ...lines].join('\r\n')}\r\n\r\n`;
const post = (...lines) => `POST /v1/nothing HTTP/1.1\r\n${['Host: x', ...lines].join('\r\n')}\r\n\r\n`;
const chunked = (text) => post('Transfer-Encoding: chunked') + text;

const refused = {
  // Content-Length against Transfer-Encoding, in every dress
  'CL.TE': `${post(`Content-Length: ${hidden.length + 5}`, 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  'TE.CL': `${post('Transfer-Encoding: chunked', 'Content-Length: 4')}5c\r\n`,
  'TE.0': post('Transfer-Encoding: identity'),
  'CL with identity': post('Content-Length: 3', 'Transfer-Encoding: identity') + 'abc',
  'CL.CL': `${post('Content-Length: 0', `Content-Length: ${hidden.length}`)}`,
  'CL, CL': post(`Content-Length: 0, ${hidden.length}`),
  'CL with a trailing comma': post('Content-Length: 0,'),
  'CL in quotes': post('Content-Length: "0"'),
  'CL with a point': post('Content-Length: 0.0'),
  'CL with an exponent': post('Content-Length: 1e0'),
  'CL with an underscore': post('Content-Length: 1_0'),
  'CL below zero': post('Content-Length: -1'),
  'CL of minus zero': post('Content-Length: -0'),
  'CL of 2^63': post('Content-Length: 9223372036854775808'),
  'CL of 2^64': post('Content-Length: 18446744073709551616'),
  'CL with vertical tab': post('Content-Length: \x0b0'),
  'CL with a Unicode digit': post('Content-Length: \xd9\xa1'),
  'CL folded': post('Content-Length: 1', ' 0') + 'a',
  'TE folded': post('Transfer-Encoding:', ' chunked'),
  'TE with a tab before': post('Transfer-Encoding:\tchunked'),
  'TE with a tab behind': post('Transfer-Encoding: chunked\t'),
  'TE with a blank behind': post('Transfer-Encoding: chunked '),
  'TE with vertical tab': post('Transfer-Encoding: \x0bchunked'),
  'TE with form feed': post('Transfer-Encoding: chunked\x0c'),
  'TE with NUL': post('Transfer-Encoding: chunked\0'),
  'TE with a no-break space': post('Transfer-Encoding: \xa0chunked'),
  'TE in quotes': post('Transfer-Encoding: "chunked"'),
  'TE with a parameter': post('Transfer-Encoding: chunked;a=b'),
  'TE with a comma behind': post('Transfer-Encoding: chunked,'),
  'TE chunked, identity': post('Transfer-Encoding: chunked, identity'),
  'TE gzip': post('Transfer-Encoding: gzip'),
  'TE twice, one unknown': post('Transfer-Encoding: x', 'Transfer-Encoding: chunked'),
  'TE with a line feed before': post('X: a\nTransfer-Encoding: chunked'),
  'TE with a carriage return before': post('X: a\rTransfer-Encoding: chunked'),
  'TE with a blank line start': post(' Transfer-Encoding: chunked'),
  'TE in 1.0 with keep-alive': 'POST /v1/nothing HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  // chunks
  'a chunk size of 16 digits': chunked('0000000000000000\r\n\r\n'),
  'a chunk size over 32 bits': chunked('100000000000000000\r\n\r\n'),
  'a chunk size with an underscore': chunked('0_0\r\n\r\n'),
  'a negative chunk size': chunked('-1\r\n\r\n'),
  'a chunk size with a tab': chunked('0\t\r\n\r\n'),
  'a chunk size with a form feed': chunked('0\x0c\r\n\r\n'),
  'a chunk size with CR alone': chunked('0\r\r\n\r\n'),
  'a chunk size and LF': chunked('0\n\r\n'),
  'a chunk size, LF, end': chunked('0\r\n\n'),
  'CR CR LF at the end': chunked('0\r\n\r\r\n'),
  'an extension without a name': chunked('0;\r\n\r\n'),
  'an extension with blanks': chunked('0 ; a\r\n\r\n'),
  'an extension with a blank in it': chunked('0;a b\r\n\r\n'),
  'an extension with CR': chunked('0;a\rb\r\n\r\n'),
  'an extension with LF': chunked('0;a\nb\r\n\r\n'),
  'an extension in an open quote': chunked('0;a="b\r\n\r\n'),
  'an extension with an escape': chunked('0;a="\\""\r\n\r\n'),
  'an extension with NUL': chunked('0;a\0\r\n\r\n'),
  'an extension of many bytes': chunked(`0;${'a'.repeat(300)}\r\n\r\n`),
  'a chunk without its CRLF': chunked('1\r\na0\r\n\r\n'),
  'a chunk with two bytes more': chunked('1\r\naXX0\r\n\r\n'),
  'a chunk with LF for CRLF': chunked('1\r\na\n0\r\n\r\n'),
  'a trailer that frames': chunked(`0\r\nContent-Length: ${hidden.length}\r\n\r\n`),
  'a trailer that encodes': chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  'a trailer that routes': chunked('0\r\nHost: y\r\n\r\n'),
  'a trailer that signs in': chunked('0\r\nAuthorization: Basic YTpi\r\n\r\n'),
  'a trailer that is folded': chunked('0\r\nA: b\r\n c\r\n\r\n'),
  'a trailer that is a request': chunked('0\r\nGET /livez HTTP/1.1\r\n\r\n'),
  // lines
  'LF before the request': `\n${get()}`,
  'CR before the request': `\r${get()}`,
  'two empty lines before the request': `\r\n\r\n${get()}`,
  'LF behind the last header': 'GET /livez HTTP/1.1\r\nHost: x\n\r\n',
  'LF for the empty line': 'GET /livez HTTP/1.1\r\nHost: x\r\n\n',
  'CR CR LF': 'GET /livez HTTP/1.1\r\nHost: x\r\r\n\r\n',
  'CR for a line end': 'GET /livez HTTP/1.1\rHost: x\r\n\r\n',
  'CR in the target': 'GET /livez\rX HTTP/1.1\r\nHost: x\r\n\r\n',
  'CR behind the version': 'GET /livez HTTP/1.1\r\r\nHost: x\r\n\r\n',
  'CR at the end of a value': get('A: b\r'),
  'CR at the start of a value': get('A:\rb'),
  'CR in a name': get('A\rB: c'),
  'NUL in the target': 'GET /livez\0 HTTP/1.1\r\nHost: x\r\n\r\n',
  'NUL in the method': 'G\0ET /livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'vertical tab for a blank': 'GET\x0b/livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'form feed for a blank': 'GET /livez\x0cHTTP/1.1\r\nHost: x\r\n\r\n',
  'a blank behind the version': 'GET /livez HTTP/1.1 \r\nHost: x\r\n\r\n',
  'a blank before the method': ' GET /livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'a blank in the target': 'GET /livez a HTTP/1.1\r\nHost: x\r\n\r\n',
  'DEL in the target': 'GET /livez\x7f HTTP/1.1\r\nHost: x\r\n\r\n',
  'a version without a point': 'GET /livez HTTP/11\r\nHost: x\r\n\r\n',
  'a version with a sign': 'GET /livez HTTP/+1.1\r\nHost: x\r\n\r\n',
  'a version of another protocol': 'GET /livez ICAP/1.1\r\nHost: x\r\n\r\n',
  'a name with a blank': get('A B: c'),
  'a name with brackets': get('A[]: c'),
  'a name over 127': get('A\xe9: c'),
  'a control character in a value': get('A: \x01'),
  'DEL in a value': get('A: \x7f'),
  'a fold with nothing in it': get('A: b', ' '),
  'a fold by tab': get('A: b', '\tc'),
  // hosts
  'Host with userinfo and port': 'GET /livez HTTP/1.1\r\nHost: a:b@x:80\r\n\r\n',
  'Host that is empty': 'GET /livez HTTP/1.1\r\nHost:\r\n\r\n',
  'Host that is blank': 'GET /livez HTTP/1.1\r\nHost:   \r\n\r\n',
  'Host with a comma': 'GET /livez HTTP/1.1\r\nHost: x,y\r\n\r\n',
  'Host as a list': 'GET /livez HTTP/1.1\r\nHost: x, y\r\n\r\n',
  'Host with a backslash': 'GET /livez HTTP/1.1\r\nHost: x\\y\r\n\r\n',
  'Host with a question mark': 'GET /livez HTTP/1.1\r\nHost: x?y\r\n\r\n',
  'Host with a fragment': 'GET /livez HTTP/1.1\r\nHost: x#y\r\n\r\n',
  'Host with a scheme': 'GET /livez HTTP/1.1\r\nHost: http://x\r\n\r\n',
  'Host with two ports': 'GET /livez HTTP/1.1\r\nHost: x:80:80\r\n\r\n',
  'Host with a port of letters': 'GET /livez HTTP/1.1\r\nHost: x:http\r\n\r\n',
  'Host with a port over 65535': 'GET /livez HTTP/1.1\r\nHost: x:65536\r\n\r\n',
  'Host with an open bracket': 'GET /livez HTTP/1.1\r\nHost: [::1\r\n\r\n',
  'Host with text behind the bracket': 'GET /livez HTTP/1.1\r\nHost: [::1]x\r\n\r\n',
  'Host with a zone': 'GET /livez HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n',
  'Host with a bad escape': 'GET /livez HTTP/1.1\r\nHost: x%zz\r\n\r\n',
  'Hosts of two cases': 'GET /livez HTTP/1.1\r\nHost: x\r\nHOST: y\r\n\r\n',
  'Host with a blank before the colon': 'GET /livez HTTP/1.1\r\nHost : x\r\n\r\n',
  'two Hosts in 1.0': 'GET /livez HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n',
  'an absolute target with another host': 'GET http://y/livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'an absolute target with another port': 'GET http://x:81/livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'an absolute target with userinfo': 'GET http://x@y/livez HTTP/1.1\r\nHost: y\r\n\r\n',
  'an absolute target without a host': 'GET http:///livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'an absolute target without Host': 'GET http://x/livez HTTP/1.1\r\n\r\n',
  'an absolute target with one slash': 'GET http:/x/livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'an absolute target of another scheme': 'GET ftp://x/livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'a target without a slash': 'GET livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'a target of a query': 'GET ?a HTTP/1.1\r\nHost: x\r\n\r\n',
  '* for GET': 'GET * HTTP/1.1\r\nHost: x\r\n\r\n',
  // paths
  'a bad escape': 'GET /livez%2 HTTP/1.1\r\nHost: x\r\n\r\n',
  'an escaped NUL': 'GET /livez%00 HTTP/1.1\r\nHost: x\r\n\r\n',
  'an escaped line feed': 'GET /livez%0a HTTP/1.1\r\nHost: x\r\n\r\n',
  'dot segments': 'GET /v1/../livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'escaped dot segments': 'GET /v1/%2e%2e/livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'an overlong escape': 'GET /v1/%c0%ae%c0%ae/livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'an empty segment': 'GET //livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'a backslash': 'GET /v1\\livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'a malformed Connection': get('Connection: close x'),
};
const others = {
  'another expectation': [417, post('Content-Length: 1', 'Expect: 100-continue, x')],
  'a method of lower case': [501, 'get /livez HTTP/1.1\r\nHost: x\r\n\r\n'],
  CONNECT: [501, 'CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n'],
  'the preface of HTTP/2': [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'HTTP/1.2': [505, 'GET /livez HTTP/1.2\r\nHost: x\r\n\r\n'],
  'an https target on a plain port': [421, 'GET https://x/livez HTTP/1.1\r\nHost: x\r\n\r\n'],
  'a chunk over the limit': [413, chunked('fffffff\r\n')],
};
const all = Object.entries(refused).map(([what, text]) => [what, 400, text])
  .concat(Object.entries(others).map(([what, [status, text]]) => [what, status, text]));

async function refuses(s, send) {
  const wrong = [];
  for (const [what, status, text] of all) {
    const r = await send(s, Buffer.from(text + hidden, 'latin1'));
    if (r.statuses.join() !== String(status) || !r.closed) wrong.push(`${what}: ${r.statuses} ${r.closed ? 'closed' : 'open'}`);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(await s.list('/v1/notes'), []);
}

play('an ambiguous request is refused, and what hides behind it never runs', notes, (s) => refuses(s, (to, bytes) => to.raw(bytes, { quiet: 2000 * slow })));

// Sends in two pieces, cut where it hurts most: before the last byte of the ambiguity.
function inPieces(s, bytes) {
  return new Promise((done) => {
    const c = net.connect(s.port, '127.0.0.1').setNoDelay();
    let text = '';
    const late = setTimeout(() => c.destroy(), 10000 * slow);
    const cut = bytes.length - hidden.length - 1;
    c.on('connect', async () => { c.write(bytes.subarray(0, cut)); await sleep(2); c.write(bytes.subarray(cut)); });
    c.on('data', (d) => { text += d.toString('latin1'); });
    c.on('error', () => {});
    c.on('close', () => { clearTimeout(late); done({ closed: true, statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1])) }); });
  });
}
play('the verdict is the same when the bytes come in pieces', notes, (s) => refuses(s, inPieces));

play('what is odd but means one thing only is served', notes, async (s) => {
  const close = 'Connection: close';
  const fine = {
    'an empty line before the request': [200, `\r\n${get(close)}`],
    'names and values in any case': [200, 'GET /livez HTTP/1.1\r\nhOST: X.Example:80\r\ncONNECTION: CLOSE\r\n\r\n'],
    'no blank behind the colon': [200, 'GET /livez HTTP/1.1\r\nHost:x\r\nConnection:close\r\n\r\n'],
    'blanks and tabs round a value': [200, get('A:  \t b \t', close)],
    'an empty value': [200, get('A:', close)],
    'bytes over 127 in a value': [200, get('A: caf\xe9', close)],
    'an IPv6 host': [200, 'GET /livez HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n'],
    'an absolute target with the default port': [200, 'GET http://X:80/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    'no Host in 1.0': [200, 'GET /livez HTTP/1.0\r\n\r\n'],
    'a body on GET': [200, `${get('Content-Length: 3', close)}abc`],
    'an empty chunked body': [404, `${post('Transfer-Encoding: Chunked', close)}0\r\n\r\n`],
    'extensions': [404, `${post('Transfer-Encoding: chunked', close)}1;a;b=c;d="e f"\r\nx\r\n0;z\r\n\r\n`],
    'trailers': [404, `${post('Transfer-Encoding: chunked', close)}0\r\nX-A: b\r\nX-C:\r\n\r\n`],
    'zeros before a chunk size': [404, `${post('Transfer-Encoding: chunked', close)}0001\r\nx\r\n000\r\n\r\n`],
    'a length of zero': [404, post('Content-Length: 0', close)],
    'an unknown Connection option': [200, get('Connection: x, close')],
    'OPTIONS of everything, absolute': [204, 'OPTIONS http://x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  };
  for (const [what, [status, text]] of Object.entries(fine)) {
    const r = await s.raw(Buffer.from(text, 'latin1'), { quiet: 2000 * slow });
    assert.deepEqual(r.statuses, [status], `${what}: ${r.text.slice(0, 300)}`);
    assert.ok(r.closed, what);
  }
});
