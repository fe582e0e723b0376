// README.md: what stands behind each `$ ` of its console blocks is run, and must print what follows.
// "..." in the printed text stands for anything within a string.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { play, assert, top } from '../lib.mjs';

function blocks(text) {
  const list = [];
  for (const [, block] of text.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) list.push({ command: line.slice(2), lines: [] });
      else list.at(-1).lines.push(line);
    }
  }
  return list;
}

const pattern = (text) => new RegExp(`^${text.split('...').map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^"]*')}$`);

play('the README shows what really happens', { app: 'shop', users: 200 }, async (s, p) => {
  const list = blocks(fs.readFileSync(path.join(top, 'README.md'), 'utf8'));
  assert.ok(list.length >= 5);
  for (const { command, lines } of list) {
    const r = spawnSync('sh', ['-c', command.replaceAll('localhost:8080', `127.0.0.1:${s.port}`)], { encoding: 'utf8', cwd: p.root, timeout: 20000 });
    assert.equal(r.status, 0, `${command}: ${r.stderr}`);
    assert.match(r.stdout.trimEnd(), pattern(lines.join('\n')), command);
  }
});

play('the README\'s own project', { serve: false }, async (s, p) => {
  const readme = fs.readFileSync(path.join(top, 'README.md'), 'utf8');
  for (const c of ['init corner', '-C corner migrate new', '-C corner check', '-C corner routes']) assert.ok(readme.includes(`build/cairn ${c}`), c);
  p.do('init', 'corner', { noData: true });
  p.dir = path.join(p.dir, 'corner');
  p.do('migrate', 'new', 'add_prices');
  p.do('check');
  p.do('routes');
});
