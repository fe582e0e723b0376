// npm.mjs -- the npm packages of these plays, which `./dev setup test` puts into build/npm/auth. SPDX: Apache-2.0
// CAIRN_TEST_NPM: another place for build/npm.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { top } from '../lib.mjs';

const home = path.join(process.env.CAIRN_TEST_NPM ?? path.join(top, 'build/npm'), 'auth');
export const missing = fs.existsSync(path.join(home, 'node_modules')) ? undefined : 'its npm packages are not there: ./dev setup test';
export const use = (file) => import(pathToFileURL(path.join(home, 'node_modules', file)).href);
