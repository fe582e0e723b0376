// docs/security.md: every item is there, and every test it names. SPDX: Apache-2.0
import fs from 'node:fs';
import { play, assert, top } from '../lib.mjs';

play('the page names every item of both lists, and tests that are there', { serve: false }, async () => {
  const text = fs.readFileSync(`${top}/docs/security.md`, 'utf8');
  const items = [...text.matchAll(/^\| (A\d+|API\d+) /gm)].map((m) => m[1]);
  assert.deepEqual(items, [...Array.from({ length: 10 }, (_, i) => `A${String(i + 1).padStart(2, '0')}`), ...Array.from({ length: 10 }, (_, i) => `API${i + 1}`)]);
  for (const row of text.matchAll(/^\|(.*)\|(.*)\|(.*)\|$/gm)) {
    if (/^-|^ (item|attack) /.test(row[1])) continue;
    const names = [...row[3].matchAll(/`([^`]+)`/g)].map((m) => m[1]);
    assert.ok(names.length, `no test for${row[1]}`);
    for (const name of names) assert.ok(fs.existsSync(`${top}/${name}`) || fs.existsSync(`${top}/test/wire/${name}.test.mjs`), `${name} is not there`);
  }
});

play('links of SECURITY.md lead somewhere', { serve: false }, async () => {
  for (const m of fs.readFileSync(`${top}/SECURITY.md`, 'utf8').matchAll(/\]\(([^)]+)\)|`(test\/[^`]+)`/g)) assert.ok(fs.existsSync(`${top}/${m[1] ?? m[2]}`), m[0]);
});
