// Letters and the pages that their links lead to, in a real Chromium, under the policies that are sent with them. SPDX: Apache-2.0
import { after } from 'node:test';
import { play, ok, assert, sleep, slow } from '../lib.mjs';
import { Browser } from '../browser.mjs';

let browser;
const started = async () => (browser ??= await Browser.start());
after(() => browser?.stop());

const what = {
  timeout: 120000,
  migrations: 'CREATE TABLE users (id SERIAL PRIMARY KEY, email TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, verified BOOLEAN NOT NULL DEFAULT false);',
  config: 'mail: { from: "Shop <shop@example.com>" }\nauth: { table: users, verified: verified, hash_memory: 64K, hash_passes: 1 }\n',
};
const ada = { email: 'ada@example.com', password: 'correct horse battery' };
async function until(page, fn, ...args) {
  for (const end = Date.now() + 15000 * slow; Date.now() < end; await sleep(30)) {
    const got = await page.run(fn, ...args).catch(() => null);
    if (got) return got;
  }
  assert.fail(`the page never got there: ${fn}\n${await page.run(() => document.documentElement.outerHTML)}`);
}
const click = (page, words) => page.run((w) => [...document.querySelectorAll('a, button')].find((e) => e.innerText.includes(w)).click(), words);
const says = (page, words) => until(page, (w) => document.readyState === 'complete' && document.body.innerText.includes(w), words);

play('from the inbox to a proved address, by hand', what, async (s) => {
  ok(await s.post('/v1/auth/register', ada), 201);
  const page = await (await started()).open(`${s.base}/dev/mail`);
  assert.ok(await page.run(() => document.styleSheets[0].cssRules.length) > 2, 'its style was refused');
  await click(page, 'Confirm your e-mail address');
  await says(page, 'Please confirm that ada@example.com');
  await click(page, 'As HTML');
  await until(page, () => document.title === 'Confirm your e-mail address' && document.readyState === 'complete');
  assert.equal(await page.run(() => getComputedStyle(document.querySelector('a')).backgroundColor), 'rgb(29, 43, 54)');
  await click(page, 'Confirm');
  await until(page, () => location.pathname === '/v1/auth/pages/verify' && document.querySelector('form'));
  assert.equal(await page.run(() => document.referrer), '');
  await click(page, 'Confirm');
  await says(page, 'Your address is confirmed.');
  ok(await s.post('/v1/auth/login', ada));
});

play('a new password and signing in, on the pages', what, async (s) => {
  ok(await s.post('/v1/auth/register', ada), 201);
  const link = async (kind) => /http\S+/.exec(ok(await s.get('/dev/mail.json')).data.find((l) => l.kind === kind).plain)[0];
  ok(await s.post('/v1/auth/reset/send', { email: ada.email }), 202);
  const page = await (await started()).open(await link('reset'));
  await page.run(() => { document.querySelector('[type=password]').value = 'a new & longer one'; });
  await click(page, 'Set the password');
  await says(page, 'The new password is set.');
  ok(await s.post('/v1/auth/login', { ...ada, password: 'a new & longer one' }));
  ok(await s.post('/v1/auth/magic/send', { email: ada.email }), 202);
  const other = await (await started()).open(await link('magic'));
  await click(other, 'Sign in');
  await says(other, 'You are signed in.');
  assert.equal(await other.run(async () => (await (await fetch('/v1/auth/me')).json()).email), ada.email);
});
