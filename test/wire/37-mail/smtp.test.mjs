// Letters on their way: a mail server on loopback, TLS, retries, kills, several processes. SPDX: Apache-2.0
import path from 'node:path';
import { play, ok, assert, sleep, slow } from '../lib.mjs';
import { Server } from '../lib.mjs';
import { Smtp, certificate, read } from '../smtp.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT NOT NULL, verified BOOLEAN NOT NULL DEFAULT false);`;
const config = (port, more = '') => `
name: Läden
mail:
  from: Läden <shop@example.com>
  send: always
  url: smtp://localhost:${port}
  retry: 300ms
${more}
auth:
  table: users
  verified: verified
  hash_memory: 64K
  hash_passes: 1
`;
const what = { migrations, on, serve: false };
const plain = '  starttls: never';
const register = (s, name = 'ada') => s.post('/v1/auth/register', { email: `${name}@example.com`, password: 'correct horse battery' });
async function until(test, ms = 15000) {
  for (const end = Date.now() + ms * slow; Date.now() < end; await sleep(20)) if (test()) return;
  assert.fail('it did not happen in time');
}

play('a letter goes out, signed in and over TLS', what, async (s, p) => {
  const tls = certificate(path.join(p.root, 'tls'));
  const smtp = await new Smtp({ tls, user: 'shop', password: 's3cret-word' }).start();
  p.write('word', 's3cret-word');
  p.config(config(smtp.port, `  user: shop\n  password: file:word\n  ca_file: ${tls.ca}`));
  await s.start();
  ok(await register(s), 201);
  await until(() => smtp.letters.length === 1);
  const [l] = smtp.letters;
  assert.deepEqual({ from: l.from, to: l.to, secure: l.secure, user: l.user }, { from: 'shop@example.com', to: ['ada@example.com'], secure: true, user: 'shop' });
  const m = read(l.text);
  assert.equal(m.headers.from, '=?UTF-8?B?TMOkZGVu?= <shop@example.com>');
  assert.equal(m.headers.subject, 'Confirm your e-mail address');
  assert.match(m.headers['message-id'], /^<[\w-]{36}@example\.com>$/);
  assert.equal(m.headers['auto-submitted'], 'auto-generated');
  assert.match(m.plain, /ada@example\.com is your address at Läden/);
  const token = /token=([\w-]{43})/.exec(m.plain)[1];
  assert.ok(m.html.includes(`token=${token}"`));
  ok(await s.post('/v1/auth/verify', { token }), 204);
  await s.waitLog((x) => x.msg === 'mail sent');
  assert.ok(!s.log.includes('s3cret-word') && !s.log.includes(token), 'a secret is in the log');
  assert.equal(await s.metric('cairn_mail_total', 'sent'), 1);
  assert.equal((await s.get('/dev/mail')).status, 404); // where letters are sent there is no inbox
  await smtp.stop();
});

play('TLS from the first byte', what, async (s, p) => {
  const tls = certificate(path.join(p.root, 'tls'));
  const smtp = await new Smtp({ tls, implicit: true }).start();
  p.config(config(smtp.port, `  ca_file: ${tls.ca}`).replace('smtp://', 'smtps://'));
  await s.start();
  ok(await register(s), 201);
  await until(() => smtp.letters.length === 1);
  assert.equal(smtp.letters[0].secure, true);
  await smtp.stop();
});

play('no letter to a server that is not who it should be', { ...what, on: ['sqlite'] }, async (s, p) => {
  const tls = certificate(path.join(p.root, 'tls'));
  const other = certificate(path.join(p.root, 'other'));
  const smtp = await new Smtp({ tls }).start();
  p.config(config(smtp.port, `  ca_file: ${other.ca}`));
  await s.start();
  ok(await register(s), 201);
  const l = await s.waitLog((x) => x.msg === 'mail not sent yet');
  assert.match(l.error, /certificate/i);
  await s.stop();
  const bare = await new Smtp().start(); // STARTTLS is hidden by somebody on the way
  p.config(config(bare.port));
  await s.start();
  await s.waitLog((x) => x.msg === 'mail not sent yet' && x.tries > 1);
  assert.equal(smtp.letters.length + bare.letters.length, 0);
  await smtp.stop();
  await bare.stop();
});

play('a mail server that is away delays letters and nothing else', what, async (s, p) => {
  const probe = await new Smtp().start();
  const { port } = probe;
  await probe.stop();
  p.config(config(port, plain));
  await s.start();
  const begin = Date.now();
  ok(await register(s), 201);
  assert.ok(Date.now() - begin < 2000 * slow);
  await s.waitLog((x) => x.msg === 'mail not sent yet');
  await s.kill9();
  const smtp = await new Smtp().start(port);
  await s.start(); // what was put before the kill goes out after it
  await until(() => smtp.letters.length >= 1, 60000);
  await sleep(500);
  assert.equal(new Set(smtp.letters.map((l) => read(l.text).headers['message-id'])).size, 1);
  await smtp.stop();
});

play('come again, and never', what, async (s, p) => {
  let busy = 2;
  const smtp = await new Smtp({
    answer: (verb, line) => {
      if (verb === 'RCPT' && line.includes('gone@')) return '550 no such user\r\n';
      if (verb === 'RCPT' && line.includes('busy@') && busy-- > 0) return '451 come again\r\n';
      return undefined;
    },
  }).start();
  p.config(config(smtp.port, plain));
  await s.start();
  ok(await register(s, 'gone'), 201);
  ok(await register(s, 'busy'), 201);
  await until(() => smtp.letters.length === 1);
  assert.deepEqual(smtp.letters[0].to, ['busy@example.com']);
  const given = await s.waitLog((x) => x.msg === 'mail given up');
  assert.equal(given.tries, 1);
  assert.equal(s.lines.filter((x) => x.msg === 'mail not sent yet').length, 2);
  await s.stop();
  await smtp.stop();
});

play('two processes send each letter once', { ...what, on: ['postgres'] }, async (s, p) => {
  const smtp = await new Smtp().start();
  p.config(config(smtp.port, plain));
  await s.start();
  const other = new Server(p);
  await other.start(['--set', 'auth.attempts=10000']);
  const all = Array.from({ length: 40 }, (_, i) => register(i % 2 ? s : other, `u${i}`));
  for (const r of await Promise.all(all)) ok(r, 201);
  await until(() => smtp.letters.length >= 40, 30000);
  await sleep(2500);
  assert.equal(smtp.letters.length, 40);
  assert.equal(new Set(smtp.letters.map((l) => l.to[0])).size, 40);
  await other.stop();
  await smtp.stop();
});

play('stopping does not wait for a slow mail server', { ...what, on: ['sqlite'] }, async (s, p) => {
  const smtp = await new Smtp({ answer: (verb) => (verb === 'MAIL' ? ' ' : undefined) }).start(); // never a whole line
  p.config(config(smtp.port, plain));
  await s.start();
  ok(await register(s), 201);
  await until(() => smtp.connections > 0);
  await sleep(200);
  const begin = Date.now();
  await s.stop();
  assert.ok(Date.now() - begin < 5000 * slow);
  await smtp.stop();
});
