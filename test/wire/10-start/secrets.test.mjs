// Secrets that stand in the files of a project. SPDX: Apache-2.0
import fs from 'node:fs';
import { play, assert } from '../lib.mjs';

const put = (p, name, text) => {
  fs.mkdirSync(`${p.dir}/${name}`.replace(/\/[^/]*$/, ''), { recursive: true });
  fs.writeFileSync(`${p.dir}/${name}`, text);
};
const token = `ghp_${'a1B2'.repeat(9)}`; // put together: this file holds no token

play('a clean project has none', { serve: false, app: 'shop' }, async (s, p) => {
  const r = p.cairn('secrets', 'check');
  assert.deepEqual([r.code, r.out], [0, '']);
  assert.match(r.err, /files read, \d+ left out: 0 secrets/);
});

play('each is told by place and kind, never itself', { serve: false, migrations: 'CREATE TABLE t (id serial PRIMARY KEY);' }, async (s, p) => {
  put(p, 'lib/deploy.sh', `#!/bin/sh\nexport TOKEN=${token}\n`);
  put(p, '.env', 'A=1\nSTRIPE_API_KEY=9f8e7d6c5b4a\n');
  put(p, 'notes/db.txt', 'postgres://shop:h8Fq2xZkk@db/shop\n');
  put(p, 'auth.keys', '{}');
  put(p, 'ignored/deploy.sh', `TOKEN=${token}\n`);
  put(p, '.gitignore', '/ignored/\n');
  put(p, 'node_modules/x/a.js', `"${token}"\n`);
  fs.symlinkSync('/etc/passwd', `${p.dir}/link`);
  const r = p.cairn('secrets', 'check');
  assert.equal(r.code, 1);
  assert.deepEqual(r.out.trim().split('\n').sort(), ['./.env:2:16: a literal secret, 12 characters', './auth.keys:1:1: a file of keys: keep it out of the project, 2 characters',
    './lib/deploy.sh:2:14: a token of GitHub, 40 characters', './notes/db.txt:1:17: a password in a URL, 9 characters']);
  for (const secret of [token, '9f8e7d6c5b4a', 'h8Fq2xZkk']) assert.ok(!r.all.includes(secret));
});

play('a project whose settings do not load here is checked, too', { serve: false }, async (s, p) => {
  put(p, 'cairn.yaml', 'rest: { cursor_secret: "${NOT_SET_HERE}" }\n');
  assert.equal(p.cairn('secrets', 'check').code, 0);
  assert.equal(p.cairn('secrets').code, 2);
  assert.equal(p.cairn('secrets', 'chek').code, 2);
});
