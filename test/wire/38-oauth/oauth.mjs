// oauth.mjs -- what the plays of apps that log in here have in common: a project with apps, the library that apps use, a person. SPDX: Apache-2.0
// CAIRN_TEST_NPM: another place for build/npm.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { top, assert } from '../lib.mjs';

const home = path.join(process.env.CAIRN_TEST_NPM ?? path.join(top, 'build/npm'), 'oauth');
export const skip = fs.existsSync(path.join(home, 'node_modules')) ? undefined : 'its npm packages are not there: ./dev setup test';
export const oidc = skip ? null : await import(pathToFileURL(createRequire(path.join(home, 'package.json')).resolve('openid-client')).href);

export const migrations = `
CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, name TEXT NOT NULL, password_hash TEXT, role TEXT NOT NULL DEFAULT 'editor');
CREATE TABLE posts (id SERIAL PRIMARY KEY, user_id INTEGER REFERENCES users(id), title TEXT NOT NULL);
CREATE TABLE notes (id SERIAL PRIMARY KEY, title TEXT NOT NULL);
INSERT INTO posts (title) VALUES ('one'), ('two');
INSERT INTO notes (title) VALUES ('secret');`;

export const secret = 'a-long-random-secret-of-the-shop-app-0123456789';
export const hash = crypto.createHash('sha256').update(secret).digest('hex');
export const back = 'https://shop.example.com/callback'; // nobody listens there: it is read out of Location
export const client = (lines) => `    - ${lines.join('\n      ')}\n`;
export const shop = client(['id: shop', 'name: The Shop', `secret_hash: ${hash}`, `redirect_uris: [${back}, "https://shop.example.com/other?x=1"]`,
  'scopes: [openid, profile, email, offline_access, posts.read, posts.write]', 'grants: [authorization_code, refresh_token]']);
export const spa = client(['id: spa', 'redirect_uris: [https://spa.example.com/cb]', 'scopes: [openid, offline_access, posts.read]', 'grants: [authorization_code, refresh_token]']);
export const cli = client(['id: cli', 'name: The Command', 'redirect_uris: ["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.cli:/cb"]', 'scopes: [openid, posts.read]']);
export const robot = client(['id: robot', `secret_hash: ${hash}`, 'scopes: [posts.read, posts.write, openid]', 'grants: [client_credentials]', 'roles: [editor]']);
export const server = client(['id: server', `secret_hash: ${hash}`, 'scopes: [posts.read]', 'grants: [client_credentials]', 'introspect: true']);
export const config = (more = '', clients = shop + spa + cli + robot + server) => `
auth: { table: users, roles: role, hash_memory: 64K, hash_passes: 1, attempts: 1000 }
oauth:
  scopes:
    posts.read: { text: Read your posts, can: ["posts:read"] }
    posts.write: { text: Write posts, can: ["posts:create", "posts:update"] }
  clients:
${clients}
roles: { editor: {}, admin: { includes: [editor] } }
access:
  posts: [{ roles: editor, can: all }]
  notes: [{ roles: editor, can: all }]
  users: [{ roles: admin, can: all }]
${more}`;
export const what = { migrations, config: config(), on: ['sqlite', 'postgres'], skip, timeout: 120000 };
export const ada = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada <script>' };

// ---- a person with a browser that knows cookies and forms, and no more ----

const entities = (text) => text.replace(/&#(\d+);/g, (_all, n) => String.fromCharCode(n));

export class Person {
  constructor(s, who = ada) { this.s = s; this.who = who; this.cookie = ''; }

  async fetch(target, options = {}) {
    const r = await this.s.fetch(target, { ...options, headers: { ...(this.cookie ? { Cookie: this.cookie } : {}), ...options.headers } });
    for (const line of r.headers.getSetCookie()) this.cookie = line.split(';')[0];
    return r;
  }
  async register() {
    const r = await this.s.post('/v1/auth/register', this.who);
    assert.equal(r.status, 201, r.text);
    this.tokens = r.body;
    return this;
  }

  // The form of a page, with what is typed into it.
  static form(r) {
    const action = /<form method="post" action="([^"]+)"/.exec(r.text)?.[1];
    const fields = {};
    for (const [, name, value] of r.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)) fields[name] = entities(value);
    return { action, fields };
  }
  async send(r, more = {}, headers = {}) {
    const { action, fields } = Person.form(r);
    assert.ok(action, `no form: ${r.status} ${r.text}`);
    return this.fetch(action, { method: 'POST', body: new URLSearchParams({ ...fields, ...more }).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Sec-Fetch-Site': 'same-origin', ...headers } });
  }
  signIn(r, who = this.who) { return this.send(r, { login: who.email, password: who.password }); }
  allow(r) { return this.send(r, { answer: 'allow' }); }

  // From the app's address to the one that the app gets.
  async through(url) {
    let r = await this.fetch(String(url));
    if (r.status === 200 && /<h1>Sign in/.test(r.text)) r = await this.signIn(r);
    if (r.status === 200 && /<h1>Let this app in/.test(r.text)) r = await this.allow(r);
    assert.equal(r.status, 303, `${r.status} ${r.text}`);
    return new URL(r.header('location'));
  }
}

// ---- an app ----

export async function app(s, id = 'shop', auth = undefined) {
  const how = auth ?? (['spa', 'cli'].includes(id) ? oidc.None() : oidc.ClientSecretBasic(secret));
  return oidc.discovery(new URL(s.base), id, undefined, how, { execute: [oidc.allowInsecureRequests] });
}

export async function begin(c, more = {}) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const params = { redirect_uri: back, scope: 'openid', state, nonce, code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more };
  for (const k of Object.keys(params)) if (params[k] === undefined) delete params[k];
  return { url: oidc.buildAuthorizationUrl(c, params), verifier, state, nonce: params.nonce };
}
export const finish = (c, b, at) => oidc.authorizationCodeGrant(c, at, { pkceCodeVerifier: b.verifier, expectedState: b.state, expectedNonce: b.nonce, idTokenExpected: b.nonce !== undefined });

// The whole way, for tokens.
export async function tokens(s, person, c, more = {}) {
  const b = await begin(c, more);
  return finish(c, b, await person.through(b.url));
}
export const bearer = (t) => ({ Authorization: `Bearer ${t.access_token ?? t}` });
export const formPost = (s, target, fields, headers = {}) => s.fetch(target, { method: 'POST', body: new URLSearchParams(fields).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } });
export const basic = (id, word = secret) => ({ Authorization: `Basic ${Buffer.from(`${id}:${word}`).toString('base64')}` });
export const claims = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
