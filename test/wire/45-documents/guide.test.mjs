// docs/documents.md: its settings, and its examples from first to last (guide 4 and 30).
import fs from 'node:fs';
import path from 'node:path';
import { play, assert, top } from '../lib.mjs';
import { blocks, playBlocks } from '../blocks.mjs';

const text = fs.readFileSync(path.join(top, 'docs/documents.md'), 'utf8');
const config = /```yaml\n([^`]*)```/.exec(text)[1];
const list = blocks(text);

play(`docs/documents.md: ${list.length} examples`, { on: ['sqlite', 'postgres'], config }, async (s) => {
  assert.ok(list.length >= 12);
  assert.equal(await playBlocks(s, 'documents.md', list), '');
});
