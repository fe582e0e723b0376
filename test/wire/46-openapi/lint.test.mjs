// The document in the hands of linters. SPDX: Apache-2.0
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { assert, play } from '../lib.mjs';
import { file, missing } from './npm.mjs';

const contact = 'docs: { contact: api@example.com, license: Apache-2.0 }\n';

// Runs a package's program; what it printed and its exit code.
function run(program, args, cwd) {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' };
  const child = spawn(process.execPath, [file(program), ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (t) => { out += t; });
  child.stderr.on('data', (t) => { out += t; });
  return new Promise((done, fail) => child.once('error', fail).once('close', (code) => done({ code, out })));
}

async function save(s, project, ...args) {
  fs.appendFileSync(path.join(project.dir, 'cairn.yaml'), contact);
  await s.start(args);
  const text = (await s.get('/openapi.json')).text;
  return project.write('openapi.json', text);
}

play('Spectral and Redocly have nothing to say', { app: 'shop', users: 5, serve: false, skip: missing, timeout: 180000 }, async (s, project) => {
  const name = await save(s, project, '--set', 'rest.expose=none'); // those that cairn.yaml names are enough
  project.write('spectral.yaml', 'extends: ["spectral:oas"]\n');
  const spectral = await run('@stoplight/spectral-cli/dist/index.js', ['lint', '--fail-severity=hint', '-r', 'spectral.yaml', name], project.dir);
  assert.equal(spectral.code, 0, spectral.out.slice(-3000));
  const redocly = await run('@redocly/cli/bin/cli.js', ['lint', '--format=json', '--extends=recommended', name], project.dir);
  const said = JSON.parse(redocly.out.slice(redocly.out.indexOf('{'), redocly.out.lastIndexOf('}') + 1));
  assert.deepEqual(said.problems.map((p) => `${p.ruleId} ${p.location[0]?.pointer} ${p.message}`), []);
  // They do find what is wrong.
  const bad = JSON.parse(fs.readFileSync(name, 'utf8'));
  bad.paths = { '/v1/users': bad.paths['/v1/users'], '/v1/posts': bad.paths['/v1/posts'] };
  bad.paths['/v1/users'].get.operationId = 'listPosts';
  const wrong = project.write('bad.json', JSON.stringify(bad));
  assert.notEqual((await run('@stoplight/spectral-cli/dist/index.js', ['lint', '--fail-severity=hint', '-r', 'spectral.yaml', wrong], project.dir)).code, 0);
  assert.notEqual((await run('@redocly/cli/bin/cli.js', ['lint', '--extends=recommended', wrong], project.dir)).code, 0);
});
