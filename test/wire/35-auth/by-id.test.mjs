// A row by its id is answered by a statement that was made before, once for all callers with the same
// roles. It must show the very rows that a list shows, whatever rules want of the caller. SPDX: Apache-2.0
import { play, ok, problem, assert } from '../lib.mjs';

const migrations = `
CREATE TABLE users (
  id SERIAL PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, password_hash TEXT, role TEXT NOT NULL DEFAULT 'viewer',
  city TEXT, vip BOOLEAN, level INTEGER, born DATE, mark UUID);
CREATE TABLE things (
  id SERIAL PRIMARY KEY, user_id INTEGER REFERENCES users(id), city TEXT, vip BOOLEAN NOT NULL DEFAULT FALSE, level INTEGER,
  due TIMESTAMPTZ, born DATE, mark UUID, price NUMERIC(8,2), secret TEXT);
INSERT INTO users (email, city) VALUES ('x@x.io', 'Oslo'), ('y@x.io', 'Bergen'), ('z@x.io', NULL);
INSERT INTO things (user_id, city, vip, level, due, born, mark, price) VALUES
  (1, 'Oslo', TRUE, 1, '2020-01-01T00:00:00Z', '2000-01-02', '11111111-2222-4333-8444-555555555555', 5),
  (NULL, 'Oslo', FALSE, 7, '2999-01-01T00:00:00Z', '2001-01-02', '11111111-2222-4333-8444-666666666666', 7),
  (2, 'Bergen', TRUE, 7, '2021-01-01T00:00:00Z', NULL, NULL, 1.5),
  (3, NULL, FALSE, NULL, NULL, '2000-01-02', '11111111-2222-4333-8444-555555555555', 2),
  (3, 'Paris', TRUE, 3, '2999-01-01T00:00:00Z', '1990-01-02', NULL, NULL);`;
const rules = {
  owner: ['user_id == me.id'],
  text: ['city == me.city'],
  boolean: ['vip == me.vip', 'city == "Paris"'],
  number: ['level <= me.level and not vip'],
  not: ['not (city == me.city or level == 3)'],
  now: ['due <= now()', 'due is null'],
  date: ['born == me.born'],
  uuid: ['mark == me.mark'],
  relation: ['user.email == me.email'],
  some: ['user.city == me.city or level > 5'],
  decimal: ['price < me.level'],
  list: ['city in ("Paris", me.city)'],
  three: ['user_id == me.id', 'city == me.city', 'due <= now()'],
  roles: ['"viewer" in me.roles and vip'],
  constant: ['level == 7', 'id != 1'],
  columns: ['id == 1'],
};
const roles = Object.keys(rules);
const claims = 'city, vip, level, born, mark';
const config = `
auth: { table: users, roles: role, claims: "${claims}", hash_memory: 64K, hash_passes: 1 }
tables: { things: { relations: { user: user_id } } }
roles:
${roles.map((r) => `  ${r}: {}`).join('\n')}
  viewer: {}
access:
  users: { roles: signed_in, can: read }
  things:
${roles.flatMap((r) => rules[r].map((w) => `    - { roles: ${r}, can: read, where: '${w}'${r === 'columns' ? ', hide: [secret, price]' : ''} }`)).join('\n')}
`;
const password = 'correct horse battery';

async function person(s, name, role, columns) {
  s.project.do('account', 'add', `${name}@x.io`, '--role', role, ...(columns ? ['--column', columns] : []), { input: `${password}\n` });
  const t = ok(await s.post('/v1/auth/login', { email: `${name}@x.io`, password }));
  return { Authorization: `Bearer ${t.access_token}` };
}

// The ids of a list; null when the caller may read none at all.
async function listed(s, who) {
  const r = await s.get('/v1/things?sort=id', who);
  if (r.status === 403) return null;
  return ok(r).data;
}

play('by its id a caller sees the rows of the list, and no others', { migrations, config, on: ['sqlite', 'postgres'] }, async (s) => {
  const full = 'city=Oslo,vip=false,level=6,born=2000-01-02,mark=11111111-2222-4333-8444-555555555555';
  let seen = 0;
  for (const role of roles) {
    // Of the same roles, hence by the same statement: one with all the claims, one with others, one with none.
    const people = [
      await person(s, `${role}1`, role, full),
      await person(s, `${role}2`, role, 'city=Bergen,vip=true,level=7'),
      await person(s, `${role}3`, role),
      await person(s, `${role}4`, role, full),
    ];
    for (const who of people) {
      const list = await listed(s, who);
      for (let id = 1; id <= 6; id++) {
        const r = await s.get(`/v1/things/${id}`, who);
        const row = list?.find((x) => x.id === id);
        if (row) assert.deepEqual(ok(r), row, `${role}: ${id}`);
        else problem(r, list ? 404 : 403);
        seen += row ? 1 : 0;
      }
    }
  }
  assert.ok(seen > 60, `only ${seen} rows were seen at all`);
});

play('an API key that may not read, and one that may', { migrations, config, on: ['sqlite'] }, async (s) => {
  const who = await person(s, 'ada', 'three', 'city=Oslo');
  const key = async (can) => ({ 'X-API-Key': ok(await s.post('/v1/auth/keys', { name: 'k', can }, who), 201).key });
  ok(await s.get('/v1/things/1', await key(['things:read'])));
  problem(await s.get('/v1/things/1', await key(['users:read'])), 403, 'forbidden');
  problem(await s.get('/v1/things/1'), 401, 'sign_in_required');
});
