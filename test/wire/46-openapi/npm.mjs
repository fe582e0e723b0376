// npm.mjs -- the npm packages of these tests, which `./dev setup test` puts into build/npm/openapi. SPDX: Apache-2.0
// CAIRN_TEST_NPM: another place for build/npm.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { top } from '../lib.mjs';

const home = path.join(process.env.CAIRN_TEST_NPM ?? path.join(top, 'build/npm'), 'openapi');
export const missing = fs.existsSync(path.join(home, 'node_modules')) ? undefined : 'its npm packages are not there: ./dev setup test';
export const use = createRequire(path.join(home, 'package.json'));
export const file = (name) => path.join(home, 'node_modules', name);
