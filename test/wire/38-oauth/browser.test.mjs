// Letting an app in with a real browser: forms, second factor, where form-action lets a redirect go, and no frame. SPDX: Apache-2.0
import crypto from 'node:crypto';
import http from 'node:http';
import { after } from 'node:test';
import { play, ok, assert, sleep } from '../lib.mjs';
import { Browser } from '../browser.mjs';
import { Person, ada, app, begin, bearer, client, config, finish, hash, oidc, what } from './oauth.mjs';

let chromium = null;
const started = () => (chromium ??= Browser.start(['--host-resolver-rules=MAP *.test 127.0.0.1']));
after(async () => { if (chromium) await (await chromium).stop(); });

function codeAt(secret, step) {
  let bits = '';
  for (const c of secret) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0');
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = crypto.createHmac('sha1', Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

// Until the page has what fn looks for.
async function until(page, fn, ...args) {
  for (let i = 0; i < 300; i++) {
    const r = await page.run(fn, ...args).catch(() => null);
    if (r) return r;
    await sleep(50);
  }
  assert.fail(`not reached: ${await page.run(() => `${location.href} ${document.body?.innerText}`).catch(() => '')}`);
}
const heading = (page, text) => until(page, (t) => document.readyState === 'complete' && document.querySelector('h1')?.textContent === t, text);
async function fill(page, values, button = 'button') {
  await page.run((v, b) => {
    for (const [name, value] of Object.entries(v)) document.querySelector(`[name=${name}]`).value = value;
    setTimeout(() => document.querySelector(b).click(), 0);
  }, values, button);
}

play('sign in, second factor, agree, and on to the app; the next time without a page', { ...what, serve: false }, async (s, p) => {
  const seen = [];
  const behind = (page) => page.run(() => location.hash);
  const shop = http.createServer((rq, rs) => { if (rq.url.startsWith('/cb')) seen.push(rq); rs.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>shop</title><h1>The app</h1>'); });
  await new Promise((done) => shop.listen(0, '127.0.0.1', done));
  const port = shop.address().port;
  try {
    p.config(config('', client(['id: web', 'name: Web & Co', `secret_hash: ${hash}`, `redirect_uris: ["http://127.0.0.1:${port}/cb"]`, 'scopes: [openid, email, posts.read]'])));
    await s.start();
    const person = await new Person(s).register();
    const { secret } = ok(await s.post('/v1/auth/mfa/totp', {}, bearer(person.tokens)));
    const step = Math.floor(Date.now() / 30000);
    ok(await s.post('/v1/auth/mfa/totp/confirm', { code: codeAt(secret, step - 1) }, bearer(person.tokens)));

    const c = await app(s, 'web');
    const at = `http://127.0.0.1:${port}/cb`;
    const b = await begin(c, { redirect_uri: at, scope: 'openid email posts.read' });
    const page = await (await started()).open(String(b.url));
    await heading(page, 'Sign in');
    assert.equal(await page.run(() => document.querySelector('strong').textContent), 'Web & Co');
    await fill(page, { login: ada.email, password: 'wrong' });
    await until(page, () => document.querySelector('[role=alert]'));
    await fill(page, { login: ada.email, password: ada.password });
    await heading(page, 'Second factor');
    await fill(page, { otp: '000000' });
    await until(page, () => document.querySelector('[role=alert]'));
    await fill(page, { otp: codeAt(secret, step) });
    await heading(page, 'Let this app in?');
    assert.equal(await page.run(() => document.querySelectorAll('li').length), 3);
    await fill(page, {}, 'button[value=allow]');
    await heading(page, 'The app');
    assert.equal(seen.length, 1);
    assert.equal(seen[0].headers.referer, undefined);
    const t = await finish(c, b, new URL(seen[0].url, at));
    assert.equal(t.claims().email, ada.email);
    assert.equal((await oidc.fetchUserInfo(c, t.access_token, '1')).email, ada.email);
    assert.equal(ok(await s.get('/v1/posts', bearer(t))).data.length, 2);

    const again = await begin(c, { redirect_uri: at });
    await page.run((u) => { setTimeout(() => { location.href = `${u}#ticket=secret`; }, 0); }, String(again.url));
    await heading(page, 'The app');
    for (let i = 0; i < 100 && seen.length < 2; i++) await sleep(50);
    assert.ok((await finish(c, again, new URL(seen[1].url, at))).access_token);
    await until(page, (u) => location.href.includes(u), seen[1].url);
    assert.equal(await behind(page), '', 'the app does not see what stood behind #');
    const faulty = new URL(String((await begin(c, { redirect_uri: at })).url));
    faulty.searchParams.delete('response_type');
    const stranger = await (await started()).open(`${faulty}#ticket=secret`);
    await heading(stranger, 'The app');
    assert.deepEqual([await behind(stranger), new URL(await stranger.run(() => location.href)).searchParams.get('error')], ['', 'invalid_request']);

    // saying no, and a frame of another page
    const no = await begin(c, { redirect_uri: at, prompt: 'consent' });
    const other = await (await started()).open(String(no.url));
    await heading(other, 'Let this app in?');
    await fill(other, {}, 'button[value=deny]');
    await heading(other, 'The app');
    assert.equal(new URL(seen.at(-1).url, at).searchParams.get('error'), 'access_denied');
    const framing = await (await started()).open(`${s.base}/docs`); // our own page: what it frames it could read
    const framed = await framing.run((u) => new Promise((done) => {
      const f = document.createElement('iframe');
      f.onload = () => { let inside = null; try { inside = f.contentDocument?.body?.innerText ?? null; } catch { inside = null; } done({ href: (() => { try { return f.contentWindow.location.href; } catch { return 'error page'; } })(), inside }); };
      f.src = u;
      document.body.append(f);
    }), String(no.url));
    assert.equal(framed.inside, null);
    assert.equal(framed.href, 'error page');
  } finally {
    shop.closeAllConnections();
    shop.close();
  }
});
