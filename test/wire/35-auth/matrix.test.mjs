// Every resource, action and role against every row, under rules made by chance: what the server allows
// is what a plain model of the rules allows, by whatever way one asks (OWASP API1, API3, API5).
// A row that may not be read answers as one that is not there. SPDX: Apache-2.0
import { play, ok, assert } from '../lib.mjs';

const migrations = `
CREATE TABLE users (id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT, roles JSONB NOT NULL DEFAULT '[]');
CREATE TABLE boxes (id TEXT PRIMARY KEY);
CREATE TABLE docs (
  id TEXT PRIMARY KEY, box_id TEXT NOT NULL REFERENCES boxes(id), owner_id INTEGER NOT NULL REFERENCES users(id),
  status TEXT NOT NULL, n INTEGER NOT NULL DEFAULT 1, secret TEXT);
CREATE INDEX docs_box ON docs (box_id);
CREATE INDEX docs_owner ON docs (owner_id);
CREATE INDEX users_email ON users (email, id);
INSERT INTO boxes VALUES ('b');`;
const password = 'correct horse battery';
const wheres = {
  all: () => true,
  'owner_id == me.id': (row, me) => row.owner_id === me.id,
  'status == "public"': (row) => row.status === 'public',
  'owner_id == me.id or status == "public"': (row, me) => row.owner_id === me.id || row.status === 'public',
  'status != "public" and owner_id != me.id': (row, me) => me.id !== undefined && row.status !== 'public' && row.owner_id !== me.id,
};
const actions = ['read', 'create', 'update', 'delete'];

// mulberry32: the same numbers on every machine.
function chance(seed) {
  let a = seed;
  return (n) => {
    a = (a + 0x6D2B79F5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

// At most one rule for a role and an action, so that none stands behind another of its own role.
function rulesOf(seed) {
  const pick = chance(seed), rules = [];
  for (const role of ['anyone', 'signed_in', 'a', 'b']) {
    for (const action of actions) {
      if (pick(role === 'anyone' ? 4 : 2)) continue;
      rules.push({ role, action, where: Object.keys(wheres)[pick(Object.keys(wheres).length)], hide: action === 'read' && pick(2) === 0 });
    }
  }
  return rules;
}

const line = (r) => `    - { roles: ${r.role}, can: ${r.action}${r.where === 'all' ? '' : `, where: '${r.where}'`}${r.hide ? ', hide: [secret]' : ''} }\n`;
const configOf = (rules) => `auth: { table: users, roles: roles, hash_memory: 64K, hash_passes: 1 }
roles: { a: {}, b: {}, root: { can: ["*"] } }
access:
  boxes:
    - { roles: anyone, can: read }
  docs:
${rules.map(line).join('')}    - { roles: root, can: all }
`;

const people = { nobody: [], ann: ['a'], bo: ['b'], cy: ['a', 'b'], zed: ['root'] };
const speaks = (rules, me, action) => rules.filter((r) => r.action === action && (r.role === 'anyone' || (me.id !== undefined && (r.role === 'signed_in' || me.roles.includes(r.role)))));
const may = (rules, me, action, row) => speaks(rules, me, action).some((r) => wheres[r.where](row, me));
// Open where a rule without `where` opens it, or where every rule for the caller does.
const secretOpen = (list) => list.some((r) => r.where === 'all' && !r.hide) || (list.length > 0 && list.every((r) => !r.hide));

async function cast(s, p) {
  const all = {};
  for (const [name, roles] of Object.entries(people)) {
    all[name] = { name, roles, head: {} };
    if (name === 'nobody') continue;
    if (!p.cast) p.do('account', 'add', `${name}@x.io`, '--role', JSON.stringify(roles), { input: `${password}\n` });
    const t = ok(await s.post('/v1/auth/login', { email: `${name}@x.io`, password }));
    const head = { Authorization: `Bearer ${t.access_token}` };
    Object.assign(all[name], { id: t.user.id, head, key: { 'X-API-Key': ok(await s.post('/v1/auth/keys', { name: 'all that he may' }, head), 201).key } });
  }
  p.cast = true;
  return all;
}

const word = (r) => [r.status, r.body?.code];

async function reads(s, rules, me, rows) {
  const list = speaks(rules, me, 'read'), seen = rows.filter((r) => may(rules, me, 'read', r)).map((r) => r.id), say = `${me.name} reads`;
  const denied = me.id === undefined ? 401 : 403;
  const get = (path) => s.get(path, me.head);
  if (!list.length) {
    for (const path of ['/v1/docs', '/v1/docs/r1', '/v1/boxes?include=docs', '/v1/boxes/b/docs', '/v1/q/all', '/v1/q/secrets']) assert.equal((await get(path)).status, denied, `${say} ${path}`);
    return;
  }
  const ids = (r) => r.map((x) => x.id).sort();
  assert.deepEqual(ids(ok(await get('/v1/docs?sort=id')).data), seen, `${say} the list`);
  assert.equal(ok(await get('/v1/docs?limit=1')).total, seen.length, `${say} the count`);
  assert.deepEqual(ids(ok(await get('/v1/boxes/b?include=docs')).docs), seen, `${say} an include`);
  assert.deepEqual(ids(ok(await get('/v1/boxes/b/docs')).data), seen, `${say} a sub-resource`);
  const sums = ok(await get('/v1/docs?fields=owner_id,count()')).data;
  assert.equal(sums.reduce((n, g) => n + g.count, 0), seen.length, `${say} groups`);
  if (me.key) assert.deepEqual(ids(ok(await s.get('/v1/docs?sort=id', me.key)).data), seen, `${say} with a key`);
  assert.deepEqual(ids(ok(await get('/v1/q/all')).data), seen, `${say} by a query`);
  assert.equal(ok(await get('/v1/q/secrets')).n, secretOpen(list) ? seen.length : 0, `${say} secrets by a query`);
  const batch = ok(await s.post('/v1/batch', { operations: [{ method: 'GET', path: '/v1/docs' }] }, me.head));
  assert.deepEqual(ids(batch.results[0].body.data), seen, `${say} in a batch`);
  const none = word(await get('/v1/docs/none'));
  for (const row of rows) {
    const r = await get(`/v1/docs/${row.id}`);
    if (!seen.includes(row.id)) assert.deepEqual(word(r), none, `${say} ${row.id}`);
    else assert.equal('secret' in ok(r), secretOpen(list), `${say} the secret of ${row.id}`);
    const crossed = (await get(`/v1/boxes?docs.id=eq.${row.id}`)).body.data;
    assert.equal(crossed.length > 0, seen.includes(row.id), `${say} ${row.id} across a relation`);
  }
  const probe = await get('/v1/docs?secret=eq.s1');
  assert.equal(probe.status, secretOpen(list) ? 200 : 400, `${say} by the secret`);
}

async function writes(s, rules, me, rows, root) {
  const said = (action, id) => `${me.name}: ${action} ${id}`;
  const denied = [401, 403, 404];
  const missing = { patch: word(await s.patch('/v1/docs/none', { n: 2 }, me.head)), delete: word(await s.delete('/v1/docs/none', me.head)) };
  for (const row of rows) {
    const sees = may(rules, me, 'read', row);
    const judge = (action, r, allowed) => {
      if (allowed) return assert.ok(r.status < 300, `${said(action, row.id)} is allowed: ${r.status} ${r.text}`);
      assert.ok(denied.includes(r.status), `${said(action, row.id)} is refused: ${r.status} ${r.text}`);
      if (!sees && missing[action]) assert.deepEqual(word(r), missing[action], `${said(action, row.id)} tells nothing`);
    };
    judge('patch', await s.patch(`/v1/docs/${row.id}`, { n: 2 }, me.head), sees && may(rules, me, 'update', row));
    judge('patch', await s.patch(`/v1/docs/${row.id}`, {}, me.head), sees && may(rules, me, 'update', row));
    judge('patch', await s.patch(`/v1/docs/${row.id}`, { n: { $inc: 1 } }, me.head), sees && may(rules, me, 'update', row));
    const patch = (type, body, head = me.head) => s.fetch(`/v1/docs/${row.id}`, { method: 'PATCH', body: JSON.stringify(body), headers: { ...head, 'Content-Type': type } });
    judge('patch', await patch('application/json-patch+json', [{ op: 'replace', path: '/n', value: 4 }]), sees && may(rules, me, 'update', row));
    judge('patch', await patch('application/merge-patch+json', { n: 5 }), sees && may(rules, me, 'update', row));
    if (me.key) judge('patch', await patch('application/json', { n: 6 }, me.key), sees && may(rules, me, 'update', row));
    const { id, secret: _hidden, ...rest } = row;
    const put = await s.put(`/v1/docs/${id}`, { ...rest, n: 7 }, me.head); // of a row that is not seen it makes one, as POST does: the id is taken
    if (put.status !== 409 || sees || !speaks(rules, me, 'create').length) judge('put', put, sees && may(rules, me, 'update', row));
    if (put.status < 300) ok(await s.patch(`/v1/docs/${id}`, { secret: row.secret }, root.head)); // what PUT is not given is null
    const batch = await s.post('/v1/batch', { operations: [{ method: 'PATCH', path: `/v1/docs/${row.id}`, body: { n: 3 } }] }, me.head);
    judge('batch', batch, sees && may(rules, me, 'update', row));
    const gone = await s.delete(`/v1/docs/${row.id}`, me.head);
    judge('delete', gone, sees && may(rules, me, 'delete', row));
    if (gone.status < 300) ok(await s.post('/v1/docs', row, root.head), 201);
    const { secret, ...open } = row;
    const fresh = { ...open, id: 'new' }, made = await s.post('/v1/docs', fresh, me.head);
    judge('create', made, may(rules, me, 'create', fresh));
    const ways = [['bulk', '/v1/docs', [fresh]], ['sub-resource', '/v1/boxes/b/docs', (({ box_id, ...x }) => x)(fresh)], ['in a batch', '/v1/batch', { operations: [{ method: 'POST', path: '/v1/docs', body: fresh }] }]];
    for (const [way, path, body] of ways) {
      if (made.status < 300) ok(await s.delete('/v1/docs/new', root.head), 204);
      judge(`create, ${way}`, await s.post(path, body, me.head), may(rules, me, 'create', fresh));
    }
    ok(await s.get('/v1/docs?id=eq.new', root.head)).data.length === 1 ? ok(await s.delete('/v1/docs/new', root.head), 204) : assert.ok(made.status >= 400);
  }
}

play('rules made by chance: the server and a model agree', { migrations, config: configOf([]), on: ['sqlite', 'postgres'], timeout: 240000 }, async (s, p) => {
  let played = 0;
  p.write('queries/q.sql', "-- name: all\n-- rules: read\nSELECT id FROM docs ORDER BY id;\n-- name: secrets\n-- rules: read\n-- result: one\nSELECT count(secret) AS n FROM docs;\n");
  await cast(s, p);
  for (let seed = 1; played < 10 && seed < 80; seed++) {
    const rules = rulesOf(seed);
    p.config(configOf(rules));
    if (p.cairn('check').code !== 0) continue; // a rule behind another one: refused at the start
    await s.restart();
    const all = await cast(s, p);
    if (!played) {
      const owners = [all.ann.id, all.bo.id, all.cy.id, all.zed.id];
      for (const [i, status] of ['public', 'draft', 'draft', 'public'].entries()) ok(await s.post('/v1/docs', { id: `r${i + 1}`, box_id: 'b', owner_id: owners[i], status, secret: `s${i + 1}` }, all.zed.head), 201);
    }
    const rows = ok(await s.get('/v1/docs?sort=id', all.zed.head)).data;
    assert.equal(rows.length, 4);
    try {
      for (const name of ['nobody', 'ann', 'bo', 'cy']) {
        await reads(s, rules, all[name], rows);
        await writes(s, rules, all[name], rows, all.zed);
      }
    } catch (e) {
      throw new Error(`seed ${seed}: ${e.message}\n${rules.map(line).join('')}`, { cause: e });
    }
    played++;
  }
  assert.equal(played, 10, 'enough rules were taken');
});
