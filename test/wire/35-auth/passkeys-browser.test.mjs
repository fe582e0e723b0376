// Passkeys in a real Chromium, with its virtual authenticator. SPDX: Apache-2.0
import { play, ok, assert } from '../lib.mjs';
import { Browser } from '../browser.mjs';

const migrations = 'CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT);';
const config = 'auth: { table: users, hash_memory: 64K, hash_passes: 1 }\n';

play('add a passkey and sign in with it', { migrations, config, timeout: 120000 }, async (s) => {
  const site = s.base.replace('127.0.0.1', 'localhost');
  const browser = await Browser.start();
  try {
    const page = await browser.open(`${site}/docs`);
    const webauthn = (method, params = {}) => browser.ask(`WebAuthn.${method}`, params, page.session);
    await webauthn('enable');
    const { authenticatorId } = await webauthn('addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
    const answer = await page.run(async () => {
      const post = async (path, body, token) => (await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) }, body: JSON.stringify(body) })).json();
      const { access_token: token } = await post('/v1/auth/register', { email: 'ada@example.com', password: 'correct horse battery' });
      const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
      const text = (bytes_) => btoa(String.fromCharCode(...new Uint8Array(bytes_))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
      const begun = await post('/v1/auth/passkeys/options', {}, token);
      const o = begun.publicKey;
      const c = await navigator.credentials.create({ publicKey: { ...o, challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: [] } });
      const added = await post('/v1/auth/passkeys', { state: begun.state, name: 'virtual', credential: { id: c.id, response: { clientDataJSON: text(c.response.clientDataJSON), attestationObject: text(c.response.attestationObject) } } }, token);
      const asked = await post('/v1/auth/passkeys/login/options', {});
      const g = await navigator.credentials.get({ publicKey: { ...asked.publicKey, challenge: bytes(asked.publicKey.challenge) } });
      const r = g.response;
      const session = await post('/v1/auth/passkeys/login?session=cookie', { state: asked.state, credential: { id: g.id, response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: text(r.userHandle) } } });
      const me = await (await fetch('/v1/auth/me')).json();
      return { added, session, me };
    });
    assert.equal(answer.added.name, 'virtual', JSON.stringify(answer));
    assert.equal(answer.session.user?.email, 'ada@example.com', JSON.stringify(answer));
    assert.ok(answer.session.csrf_token);
    assert.equal(answer.me.email, 'ada@example.com');
    const { credentials } = await webauthn('getCredentials', { authenticatorId });
    assert.equal(credentials[0].rpId, 'localhost');
    assert.ok(credentials[0].signCount >= 2);
    // Who is not verified is not signed in.
    await webauthn('setUserVerified', { authenticatorId, isUserVerified: false });
    const refused = await page.run(async () => {
      const asked = await (await fetch('/v1/auth/passkeys/login/options', { method: 'POST' })).json();
      const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
      return navigator.credentials.get({ publicKey: { ...asked.publicKey, timeout: 1000, challenge: bytes(asked.publicKey.challenge) } }).then(() => 'signed', (e) => e.name);
    });
    assert.equal(refused, 'NotAllowedError');
  } finally {
    await browser.stop();
  }
});
