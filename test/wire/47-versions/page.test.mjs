// docs/versions.md: its table, its settings, its requests. SPDX: Apache-2.0
import fs from 'node:fs';
import path from 'node:path';
import { assert, play, top } from '../lib.mjs';
import { blocks, playBlocks } from '../blocks.mjs';

const text = fs.readFileSync(path.join(top, 'docs/versions.md'), 'utf8');
const [, migrations] = /```sql\n([^]*?)```/.exec(text);
const [, config] = /```yaml\n([^]*?)```/.exec(text);
const list = blocks(text);

play(`docs/versions.md: ${list.length} examples`, { migrations, config, on: ['sqlite', 'postgres'] }, async (s, p) => {
  assert.ok(list.length >= 8);
  assert.equal(await playBlocks(s, 'versions.md', list), '');
  const r = p.cairn('api', 'diff', 'v1', 'v2');
  assert.equal(r.code, 1);
  const [, shown] = /\$ cairn api diff v1 v2\n(.*)\n/.exec(text);
  assert.ok(r.out.includes(shown), r.out);
});
