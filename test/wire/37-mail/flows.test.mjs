// What accounts get by letter: proofs of addresses, new passwords, links to sign in. Read in the inbox of development. SPDX: Apache-2.0
import { play, ok, problem, assert } from '../lib.mjs';

const on = ['sqlite', 'postgres'];
const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL DEFAULT 'x',
  password_hash TEXT NOT NULL, verified_at TIMESTAMPTZ);`;
const config = `
name: Shop & Sons
mail:
  from: Shop <shop@example.com>
auth:
  table: users
  verified: verified_at
  hash_memory: 64K
  hash_passes: 1
`;
const what = { migrations, config, on };
const ada = { email: 'ada@example.com', password: 'correct horse battery' };
const bearer = (t) => ({ Authorization: `Bearer ${t.access_token ?? t}` });
const letters = async (s, to) => ok(await s.get('/dev/mail.json')).data.filter((l) => !to || l.to === to);
const newest = async (s, to, kind) => (await letters(s, to)).find((l) => l.kind === kind);
const parts = (l) => ({ link: /https?:\S+/.exec(l.plain)[0], token: /token=(\S+)/.exec(l.plain)[1], code: /^ {2}(\d{8})$/m.exec(l.plain)[1] });
async function verified(s, who = ada) {
  ok(await s.post('/v1/auth/register', who), 201);
  ok(await s.post('/v1/auth/verify', { token: parts(await newest(s, who.email, 'verify')).token }), 204);
}
const login = (s, who = ada) => s.post('/v1/auth/login', { email: who.email, password: who.password });

play('an address is proved by the link of a letter', what, async (s) => {
  const made = ok(await s.post('/v1/auth/register', ada), 201);
  assert.equal('access_token' in made, false);
  problem(await login(s), 403, 'not_verified');
  const l = await newest(s, ada.email, 'verify');
  assert.equal(l.subject, 'Confirm your e-mail address');
  const { token } = parts(l);
  assert.ok(l.html.includes(`token=${token}"`));
  assert.ok(l.html.includes('Shop &amp; Sons') && l.plain.includes('Shop & Sons'));
  problem(await s.post('/v1/auth/verify', { token: `${token.slice(0, -1)}_` }), 422, 'invalid_link');
  ok(await s.post('/v1/auth/verify', { token }), 204);
  problem(await s.post('/v1/auth/verify', { token }), 422, 'invalid_link');
  const t = ok(await login(s));
  assert.match(ok(await s.get('/v1/auth/me', bearer(t))).verified_at, /^\d{4}-/);
});

play('or by its code, which counts only with the answer to who asked', what, async (s) => {
  const made = ok(await s.post('/v1/auth/register', ada), 201);
  const { code } = parts(await newest(s, ada.email, 'verify'));
  problem(await s.post('/v1/auth/verify', { request: 'x', code }), 422, 'invalid_link');
  ok(await s.post('/v1/auth/verify', { request: made.verification.request, code }), 204);
  ok(await login(s));
});

play('five wrong codes end it; a new letter is another one', what, async (s) => {
  const made = ok(await s.post('/v1/auth/register', ada), 201);
  const first = parts(await newest(s, ada.email, 'verify'));
  const wrong = first.code === '00000000' ? '00000001' : '00000000';
  const tries = await Promise.all(Array.from({ length: 8 }, () => s.post('/v1/auth/verify', { request: made.verification.request, code: wrong })));
  for (const r of tries) problem(r, 422, 'invalid_link');
  problem(await s.post('/v1/auth/verify', { request: made.verification.request, code: first.code }), 422, 'invalid_link');
  const again = ok(await s.post('/v1/auth/verify/send', { email: ada.email }), 202);
  const second = parts(await newest(s, ada.email, 'verify'));
  assert.notEqual(second.token, first.token);
  problem(await s.post('/v1/auth/verify', { token: first.token }), 422, 'invalid_link'); // only the newest is good
  ok(await s.post('/v1/auth/verify', { request: again.request, code: second.code }), 204);
});

play('asking says the same for an address that nobody has', what, async (s) => {
  await verified(s);
  const before = (await letters(s)).length;
  for (const flow of ['reset', 'magic', 'verify']) {
    const known = await s.post(`/v1/auth/${flow}/send`, { email: ada.email });
    const nobody = await s.post(`/v1/auth/${flow}/send`, { email: 'nobody@example.com' });
    assert.deepEqual(Object.keys(ok(known, 202)), Object.keys(ok(nobody, 202)));
    assert.equal(known.body.expires_in, nobody.body.expires_in);
    assert.equal(known.body.request.length, nobody.body.request.length);
    problem(await s.post(`/v1/auth/${flow}`, { request: nobody.body.request, code: '12345678', password: 'long enough' }), 422, 'invalid_link');
  }
  assert.equal((await letters(s)).length, before + 2); // reset and magic; she is verified already
  assert.equal((await letters(s, 'nobody@example.com')).length, 0);
  problem(await s.post('/v1/auth/reset/send', { email: 'no address' }), 422, 'format');
  problem(await s.post('/v1/auth/reset/send', { email: 'a@x.test\r\nBcc: b@x.test' }), 422, 'format');
  problem(await s.post('/v1/auth/reset/send', {}), 422, 'required');
});

play('a new password by letter: once, and every session ends', what, async (s) => {
  await verified(s);
  const t = ok(await login(s));
  const other = ok(await login(s));
  ok(await s.post('/v1/auth/reset/send', { email: ada.email }), 202);
  const { token } = parts(await newest(s, ada.email, 'reset'));
  problem(await s.post('/v1/auth/reset', { token, password: 'short' }), 422, 'length');
  problem(await s.post('/v1/auth/verify', { token }), 422, 'invalid_link'); // it is for something else
  const next = { ...ada, password: 'another long password' };
  const both = await Promise.all([1, 2].map(() => s.post('/v1/auth/reset', { token, password: next.password })));
  assert.deepEqual(both.map((r) => r.status).sort(), [204, 422]);
  for (const x of [t, other]) {
    problem(await s.get('/v1/auth/me', bearer(x)), 401);
    problem(await s.post('/v1/auth/refresh', { refresh_token: x.refresh_token }), 401);
  }
  problem(await login(s), 401);
  ok(await login(s, next));
  const notice = await newest(s, ada.email, 'password');
  assert.match(notice.plain, /changed \(\d{4}-\d\d-\d\d \d\d:\d\d UTC, from 127\.0\.0\.1\)/);
});

play('a changed password is told', what, async (s) => {
  await verified(s);
  const t = ok(await login(s));
  ok(await s.post('/v1/auth/password', { current: ada.password, password: 'another long one' }, bearer(t)), 204);
  assert.ok(await newest(s, ada.email, 'password'));
  ok(await s.get('/v1/auth/me', bearer(t)));
});

play('another address: proved by a letter to it, told to the old one', what, async (s) => {
  await verified(s);
  await verified(s, { ...ada, email: 'bob@example.com' });
  const t = ok(await login(s));
  const ask = (email, password = ada.password) => s.post('/v1/auth/email/send', { email, password }, bearer(t));
  problem(await s.post('/v1/auth/email/send', { email: 'new@example.com', password: ada.password }), 401);
  problem(await ask('new@example.com', 'wrong'), 401, 'bad_credentials');
  ok(await ask('bob@example.com'), 202); // taken: the same answer, and no letter
  assert.equal(await newest(s, 'bob@example.com', 'change'), undefined);
  ok(await ask('new@example.com'), 202);
  assert.equal(ok(await s.get('/v1/auth/me', bearer(t))).email, ada.email);
  ok(await s.post('/v1/auth/email', { token: parts(await newest(s, 'new@example.com', 'change')).token }), 204);
  assert.equal(ok(await s.get('/v1/auth/me', bearer(t))).email, 'new@example.com');
  assert.match((await newest(s, ada.email, 'changed')).plain, /from ada@example\.com to new@example\.com/);
  problem(await login(s), 401);
  ok(await login(s, { ...ada, email: 'new@example.com' }));
});

play('a change of address that was begun ends with the password it was begun with', what, async (s) => {
  await verified(s);
  const thief = ok(await login(s));
  ok(await s.post('/v1/auth/email/send', { email: 'thief@example.com', password: ada.password }, bearer(thief)), 202);
  const { token } = parts(await newest(s, 'thief@example.com', 'change'));
  ok(await s.post('/v1/auth/reset/send', { email: ada.email }), 202);
  ok(await s.post('/v1/auth/reset', { token: parts(await newest(s, ada.email, 'reset')).token, password: 'another long one' }), 204);
  problem(await s.post('/v1/auth/email', { token }), 422, 'invalid_link');
  ok(await login(s, { ...ada, password: 'another long one' }));
});

play('somebody registers the new address in between', what, async (s) => {
  await verified(s);
  const t = ok(await login(s));
  ok(await s.post('/v1/auth/email/send', { email: 'new@example.com', password: ada.password }, bearer(t)), 202);
  const { token } = parts(await newest(s, 'new@example.com', 'change'));
  ok(await s.post('/v1/auth/register', { ...ada, email: 'new@example.com' }), 201);
  problem(await s.post('/v1/auth/email', { token }), 409, 'unique');
});

play('signing in by letter', what, async (s) => {
  await verified(s);
  const asked = ok(await s.post('/v1/auth/magic/send', { email: ada.email }), 202);
  assert.equal(asked.expires_in, 600);
  const first = parts(await newest(s, ada.email, 'magic'));
  const t = ok(await s.post('/v1/auth/magic', { token: first.token }));
  assert.equal(ok(await s.get('/v1/auth/me', bearer(t))).email, ada.email);
  problem(await s.post('/v1/auth/magic', { token: first.token }), 422, 'invalid_link');
  problem(await s.post('/v1/auth/magic', { request: asked.request, code: first.code }), 422, 'invalid_link');
  const again = ok(await s.post('/v1/auth/magic/send', { email: ada.email }), 202);
  const second = parts(await newest(s, ada.email, 'magic'));
  ok(await s.post('/v1/auth/magic', { request: again.request, code: second.code }));
  ok(await login(s)); // the password is as it was
});

play('who made an account with a foreign address does not keep it', what, async (s) => {
  ok(await s.post('/v1/auth/register', { ...ada, password: "the attacker's own" }), 201);
  ok(await s.post('/v1/auth/magic/send', { email: ada.email }), 202);
  ok(await s.post('/v1/auth/magic', { token: parts(await newest(s, ada.email, 'magic')).token }));
  problem(await login(s, { ...ada, password: "the attacker's own" }), 401);
});

play('letters to one address are counted', { ...what, args: ['--set', 'auth.mails=2'] }, async (s) => {
  const ask = (email) => s.post('/v1/auth/reset/send', { email });
  for (let i = 0; i < 2; i++) ok(await ask(ada.email), 202);
  const r = await ask(ada.email);
  problem(r, 429, 'too_many_attempts');
  assert.ok(Number(r.header('retry-after')) > 0);
  ok(await ask('bob@example.com'), 202);
});

play('links lead to a page that only a form sends', what, async (s) => {
  ok(await s.post('/v1/auth/register', ada), 201);
  const { link } = parts(await newest(s, ada.email, 'verify'));
  for (let i = 0; i < 3; i++) { // a scanner follows links
    const page = await s.get(link);
    assert.equal(page.status, 200);
    assert.match(page.header('content-type'), /^text\/html/);
    assert.match(page.header('content-security-policy'), /default-src 'self'.*form-action 'self'/);
    assert.equal(page.header('referrer-policy'), 'no-referrer');
    assert.equal(page.header('cache-control'), 'no-store');
    assert.doesNotMatch(page.text, /<script|style=/);
  }
  problem(await login(s), 403, 'not_verified');
  const page = (await s.get(link)).text;
  const form = new URLSearchParams({ token: /name="token" value="([^"]*)"/.exec(page)[1] });
  const action = /action="([^"]*)"/.exec(page)[1];
  const send = (body) => s.fetch(action, { method: 'POST', body });
  const done = await send(form);
  assert.equal(done.status, 200);
  assert.match(done.text, /Your address is confirmed/);
  ok(await login(s));
  const again = await send(form);
  assert.equal(again.status, 422);
  assert.match(again.text, /role="alert"/);
  const evil = await s.get('/v1/auth/pages/verify?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E');
  assert.doesNotMatch(evil.text, /<script/);
  assert.equal((await s.get('/v1/auth/pages/nothing')).status, 404);
});

const hostile = '"><img src=x onerror=alert(1)><script>alert(2)</script>';
play('no page and no letter holds markup of the settings or of a stranger', { ...what, config: config.replace('Shop & Sons', JSON.stringify(hostile)) }, async (s) => {
  const who = { email: `"<img/src=x>"@example.com`, password: ada.password };
  const made = await s.post('/v1/auth/register', who); // an address that some take, and some do not
  if (made.status !== 201) ok(await s.post('/v1/auth/register', ada), 201);
  const l = (await letters(s))[0];
  const pages = [l.html, (await s.get('/dev/mail')).text, (await s.get(`/dev/mail/${l.id}`)).text];
  for (const flow of ['verify', 'reset', 'login', 'email']) for (const token of ['x', hostile, `${'a'.repeat(50)}${hostile}`]) {
    pages.push((await s.get(`/v1/auth/pages/${flow}?token=${encodeURIComponent(token)}`)).text);
    pages.push((await s.fetch(`/v1/auth/pages/${flow}`, { method: 'POST', body: new URLSearchParams({ token, password: hostile, email: hostile }) })).text);
  }
  assert.ok(pages.some((x) => x.includes('&lt;img src=x') || x.includes('&#60;img src=x')), 'the name is there, as text');
  for (const page of pages) assert.doesNotMatch(page, /<img src=x|<script>alert|<img\/src/, page.slice(0, 2000));
});

play('a new password on the page', what, async (s) => {
  await verified(s);
  ok(await s.post('/v1/auth/reset/send', { email: ada.email }), 202);
  const { link, token } = parts(await newest(s, ada.email, 'reset'));
  assert.match((await s.get(link)).text, /type="password" name="password"/);
  const send = (password) => s.fetch('/v1/auth/pages/reset', { method: 'POST', body: new URLSearchParams({ token, password }) });
  assert.equal((await send('short')).status, 422);
  assert.equal((await send('another & long=one')).status, 200);
  ok(await login(s, { ...ada, password: 'another & long=one' }));
});

play('links to a page of the project', { ...what, config: `${config}  link_url: "https://app.example.com/{flow}#t={token}"\n` }, async (s) => {
  ok(await s.post('/v1/auth/register', ada), 201);
  const l = await newest(s, ada.email, 'verify');
  const token = /https:\/\/app\.example\.com\/verify#t=([\w-]{43})\s/.exec(l.plain)[1];
  ok(await s.post('/v1/auth/verify', { token }), 204);
});

play('templates of the project', { ...what, serve: false }, async (s, p) => {
  p.write('mail/verify.txt', 'Subject: Grüße an {{email}}\n\nHier: {{link}}\n  {{code}}\n');
  p.write('mail/layout.html', '<p>{{subject}}</p>{{content}}');
  await s.start();
  ok(await s.post('/v1/auth/register', { ...ada, email: "o'neil+<b>@example.com".replace(/[<>]/g, '') }), 201);
  const [l] = await letters(s);
  assert.equal(l.subject, "Grüße an o'neil+b@example.com");
  assert.equal(l.html, ''); // text alone: both forms never say different things
  await s.stop();
  p.write('mail/verify.html', '<b>{{email}}</b>');
  await s.start();
  ok(await s.post('/v1/auth/verify/send', { email: "o'neil+b@example.com" }), 202);
  assert.equal((await letters(s))[0].html, '<p>Grüße an o&#39;neil+b@example.com</p><b>o&#39;neil+b@example.com</b>');
  await s.stop();
  p.write('mail/verify.txt', 'Subject: x\n\nsee {{lnik}}\n');
  const r = p.cairn('check');
  assert.notEqual(r.code, 0);
  assert.match(r.all, /mail\/verify\.txt:3:5: this mail has no variable 'lnik' \(did you mean `link`\?\)/);
  await s.start().then(() => assert.fail('it started'), (e) => assert.match(e.message, /verify\.txt:3:5/));
  s.child = null;
});

play('the inbox is for a browser on this machine', what, async (s) => {
  ok(await s.post('/v1/auth/register', { ...ada, email: "x'&@example.com" }), 201);
  const page = await s.get('/dev/mail');
  assert.match(page.header('content-security-policy'), /default-src 'self'/);
  assert.match(page.text, /x&#39;&amp;@example\.com/);
  const id = /href="(\/dev\/mail\/[\w-]+)"/.exec(page.text)[1];
  assert.match((await s.get(id)).text, /<pre>Please confirm/);
  const html = await s.get(`${id}/html`);
  assert.match(html.text, /<!doctype html>/);
  assert.match(html.header('content-security-policy'), /default-src 'none'/);
  assert.match((await s.get('/dev/mail/inbox.css')).header('content-type'), /text\/css/);
  for (const [h, v] of [['Host', 'evil.example'], ['X-Forwarded-For', '127.0.0.1'], ['Forwarded', 'for=127.0.0.1']]) {
    const { text } = await s.raw(`GET /dev/mail HTTP/1.1\r\n${h === 'Host' ? '' : 'Host: localhost\r\n'}${h}: ${v}\r\nConnection: close\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 404/);
  }
});

play('without letters there are no such endpoints', { ...what, config: config.replace(/mail:\n.*\n/, '') }, async (s) => {
  problem(await s.post('/v1/auth/reset/send', { email: ada.email }), 404);
  problem(await s.get('/dev/mail'), 404);
});

play('wrong settings stop the start', { ...what, on: ['sqlite'], serve: false }, async (s, p) => {
  for (const [text, words] of [
    [config.replace('Shop <shop@example.com>', 'Shop <shop'), /cairn\.yaml:4:9: mail\.from/],
    [config.replace('mail:', 'mode: production\nmail:'), /mail\.url.*mail server is needed/],
    [config.replace('mail:', 'mail:\n  url: http://x'), /mail\.url: expected smtp/],
    [config.replace('mail:', 'mail:\n  url: smtp://me:secret@x:25'), /mail\.url: expected smtp/],
    [`${config}  link_url: https://x/\n`, /\{token\}/],
    [`${config}  email: name\n`, /auth\.email: 'name' is not unique/],
    [config.replace('mail:', 'mode: production\nmail:\n  url: smtp://x:25'), /links in letters need it/],
  ]) {
    p.config(text);
    const r = p.cairn('check');
    assert.notEqual(r.code, 0, text);
    assert.match(r.all, words);
  }
});

play('signing in on the page, by a cookie', what, async (s) => {
  await verified(s);
  ok(await s.post('/v1/auth/magic/send', { email: ada.email }), 202);
  const { link, token } = parts(await newest(s, ada.email, 'magic'));
  const action = /action="([^"]*)"/.exec((await s.get(link)).text)[1];
  const send = (headers) => s.fetch(action, { method: 'POST', body: new URLSearchParams({ token }), headers });
  const foreign = await send({ Origin: 'https://evil.example' }); // nobody is signed in by a page of others
  assert.equal(foreign.status, 403);
  assert.equal(foreign.header('set-cookie'), null);
  const done = await send({});
  assert.equal(done.status, 200);
  assert.match(done.text, /You are signed in/);
  assert.doesNotMatch(done.text, /csrf_token|access_token/);
  const cookie = done.header('set-cookie').split(';')[0];
  assert.equal(ok(await s.get('/v1/auth/me', { Cookie: cookie })).email, ada.email);
});

play('the document tells of letters where there are some', { ...what, on: ['sqlite'] }, async (s) => {
  const d = ok(await s.get('/openapi.json'));
  const paths = Object.keys(d.paths);
  for (const p of ['/verify/send', '/verify', '/reset/send', '/reset', '/magic/send', '/magic', '/email/send', '/email']) assert.ok(d.paths[`/v1/auth${p}`]?.post, p);
  assert.ok(!paths.some((p) => /dev|pages/.test(p)), 'pages are no part of it');
  assert.deepEqual(Object.keys(d.components.schemas.LetterAsked.properties), ['request', 'expires_in']);
});

play('asking takes as long for an address that nobody has', { ...what, on: ['sqlite'], args: ['--set', 'auth.mails=10000'] }, async (s) => {
  await verified(s);
  const took = { known: [], nobody: [] };
  for (let i = 0; i < 120; i++) {
    for (const [who, email] of i % 2 ? [['known', ada.email], ['nobody', 'nob@example.com']] : [['nobody', 'nob@example.com'], ['known', ada.email]]) {
      const begin = process.hrtime.bigint();
      ok(await s.post('/v1/auth/reset/send', { email }), 202);
      took[who].push(Number(process.hrtime.bigint() - begin) / 1e6);
    }
  }
  const median = (list) => list.sort((a, b) => a - b)[list.length / 2];
  const [known, nobody] = [median(took.known), median(took.nobody)];
  assert.ok(Math.abs(known - nobody) < 0.35 * Math.max(known, nobody), `${known} ms, ${nobody} ms`);
});
