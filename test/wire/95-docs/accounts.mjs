// accounts.mjs -- the shop with accounts: what docs/auth.md and docs/oauth.md add to it. SPDX: Apache-2.0
import fs from 'node:fs';
import path from 'node:path';

export function accounts(p, more = '') {
  p.migrations({ '20270101000000_accounts.sql': 'ALTER TABLE users ADD COLUMN password_hash TEXT; ALTER TABLE users ADD COLUMN role TEXT;' });
  fs.appendFileSync(path.join(p.dir, 'cairn.yaml'), `
auth: { table: users, roles: role, default_role: editor, hash_memory: 64K, hash_passes: 1${more} }
roles: { viewer: { can: ["*:read"] }, editor: { includes: [viewer], can: ["*"] } }
`);
}

export function apps(p) {
  fs.appendFileSync(path.join(p.dir, 'cairn.yaml'), `
oauth:
  scopes: { posts.read: { text: Read your posts, can: ["posts:read"] } }
  clients: [{ id: spa, redirect_uris: [https://spa.example.com/cb], scopes: [openid, posts.read] }]
`);
}
