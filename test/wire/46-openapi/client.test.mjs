// A typed client, made from the document by a generator. SPDX: Apache-2.0
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { assert, ok, play } from '../lib.mjs';
import { file, missing, use } from './npm.mjs';

const program = String.raw`import createClient from 'openapi-fetch';
import type { paths, components } from './api';

// sort, fields and include are lists with commas; a filter that comes twice is two parameters.
const words = new Set(['sort', 'fields', 'include']);
const querySerializer = (query: Record<string, unknown>) => Object.entries(query)
  .flatMap(([name, v]) => (Array.isArray(v) ? (words.has(name) ? [v.join(',')] : v) : [v]).map((one) => encodeURIComponent(name) + '=' + encodeURIComponent(String(one)))).join('&');
const api = createClient<paths>({ baseUrl: process.argv[2] ?? '', querySerializer });

const made = await api.POST('/v1/users', { body: { name: 'Ada', email: 'ada@example.org', age: 36 } });
if (!made.data || !('id' in made.data)) throw new Error('not made: ' + made.error?.code);
const ada: components['schemas']['User'] = made.data;
const age: number | null = ada.age;

const list = await api.GET('/v1/users', { params: { query: { age: ['gte.36', 'lt.37'], name: ['like.A*'], sort: ['-id', 'name'], fields: ['id', 'email'], limit: 1 } } });
const email: string | undefined = list.data?.data[0]?.email;

const post = await api.POST('/v1/users/{id}/posts', { params: { path: { id: ada.id } }, body: { title: 'First' } });
const posts = await api.GET('/v1/posts', { params: { query: { include: ['author'], user_id: ['eq.' + ada.id] } } });
const author: string | undefined = posts.data?.data[0]?.author?.name;

const changed = await api.PATCH('/v1/users/{id}', { params: { path: { id: ada.id } }, body: { age: { $inc: 1 } } });
const missing = await api.GET('/v1/users/{id}', { params: { path: { id: 999999 } } });
const code: string | undefined = missing.error?.code;
const query = await api.GET('/v1/q/friends_of_friends', { params: { query: { name: 'John Doe', depth: 2 } } });
const steps: number | null | undefined = query.data?.data[0]?.steps;

console.log(JSON.stringify({ age, email, made: made.response.status, post: post.response.status, author, grown: changed.data?.age, code, steps: typeof steps }));
`;

// Each of them must not compile.
const faults = [
  "await api.GET('/v1/userz', {});",
  "await api.POST('/v1/users', { body: { name: 'x' } });",
  "await api.POST('/v1/users', { body: { name: 'x', email: 'y', age: 'old' } });",
  "await api.GET('/v1/users', { params: { query: { sort: ['nmae'] } } });",
];

play('a typed client compiles, and calls', { app: 'shop', users: 20, skip: missing, timeout: 180000 }, async (s, project) => {
  const { default: openapi, astToString } = await import(file('openapi-typescript/dist/index.mjs'));
  const ts = use('typescript');
  const d = ok(await s.get('/openapi.json'));
  project.write('client/api.ts', astToString(await openapi(d)));
  project.write('client/package.json', '{ "type": "module" }');
  fs.symlinkSync(file(''), path.join(project.dir, 'client/node_modules'));
  const options = { strict: true, noEmitOnError: false, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, moduleResolution: ts.ModuleResolutionKind.Bundler, types: [], lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'], skipLibCheck: true };
  const compile = (name) => {
    const p = ts.createProgram([name], options);
    const said = ts.getPreEmitDiagnostics(p).map((m) => ({ line: m.file?.getLineAndCharacterOfPosition(m.start).line, text: ts.flattenDiagnosticMessageText(m.messageText, '\n') }));
    p.emit();
    return said;
  };
  const lead = 'declare const process: { argv: string[] };\n';
  assert.deepEqual(compile(project.write('client/main.ts', lead + program)), []);
  const wrong = compile(project.write('client/wrong.ts', `import createClient from 'openapi-fetch'; import type { paths } from './api'; const api = createClient<paths>({});\n${faults.join('\n')}\n`));
  assert.deepEqual([...new Set(wrong.map((m) => m.line))].sort(), faults.map((_, i) => i + 1));
  const child = spawn(process.execPath, [path.join(project.dir, 'client/main.js'), s.base], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (t) => { out += t; });
  assert.equal(await new Promise((done) => child.once('close', done)), 0);
  assert.deepEqual(JSON.parse(out), { age: 36, email: 'ada@example.org', made: 201, post: 201, author: 'Ada', grown: 37, code: 'not_found', steps: 'number' });
  assert.equal(ok(await s.get('/v1/users?email=eq.ada@example.org')).data[0].age, 37);
});
