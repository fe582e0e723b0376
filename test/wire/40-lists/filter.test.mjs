// The filter grammar: every operator, groups, across relations, JSON paths, and what is refused.
import { play, assert, ok, problem } from '../lib.mjs';

const people = [
  { name: 'John Doe', age: 17, city: 'Oslo', left_at: null, meta: { color: 'red', n: 1, deep: { a: [10, 20] } } },
  { name: 'jane doe', age: 18, city: 'Oslo', left_at: '2026-01-01T00:00:00Z', meta: { color: 'blue', n: 2 } },
  { name: 'Bob, Jr. (2)', age: 40, city: 'New York', left_at: null, meta: null },
  { name: 'O\'Hara "x"', age: 65, city: null, left_at: null, meta: { color: null } },
  { name: '100% *sure_', age: 66, city: 'Bergen', left_at: '2026-02-01T00:00:00Z', meta: {} },
];
const what = {
  migrations: `
CREATE TABLE teams (id SERIAL PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE people (id SERIAL PRIMARY KEY, name TEXT NOT NULL, age INTEGER, city TEXT, left_at TIMESTAMPTZ, meta JSONB,
  team_id INTEGER REFERENCES teams (id));
CREATE TABLE tasks (id SERIAL PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES people (id), title TEXT, done BOOLEAN NOT NULL DEFAULT false);`,
  args: ['--set', 'rest.filter_nodes=20', '--set', 'rest.in_values=50'],
};

async function fill(s) {
  ok(await s.post('/v1/teams', [{ name: 'red' }, { name: 'blue' }]), 201);
  ok(await s.post('/v1/people', people.map((p, i) => ({ ...p, team_id: i < 2 ? 1 : i < 4 ? 2 : null }))), 201);
  ok(await s.post('/v1/tasks', [{ person_id: 1, title: 'a', done: true }, { person_id: 1, title: 'b' }, { person_id: 3, title: 'c' }, { person_id: 5, title: 'd', done: true }]), 201);
}

const q = encodeURIComponent;
const table = [
  ['age=eq.18', [2]], ['age=neq.18', [1, 3, 4, 5]], ['age=gt.18', [3, 4, 5]], ['age=gte.18', [2, 3, 4, 5]], ['age=lt.18', [1]], ['age=lte.18', [1, 2]],
  ['age=gte.18&age=lt.65', [2, 3]], ['city=eq.Oslo&age=gte.18', [2]], ['city=eq.New%20York', [3]], ['city=eq.New+York', [3]],
  ['id=in.(1,2,3)', [1, 2, 3]], ['id=in.(3)', [3]], ['id=in.()', []], ['city=in.("New York",Bergen)', [3, 5]], [`name=in.(${q('"Bob, Jr. (2)"')})`, [3]],
  ['id=not.in.(1,2)', [3, 4, 5]], ['age=not.eq.18', [1, 3, 4, 5]], ['age=not.gt.18', [1, 2]],
  ['city=is.null', [4]], ['city=not.is.null', [1, 2, 3, 5]], ['left_at=is.null', [1, 3, 4]], ['city=is.not_null', [1, 2, 3, 5]],
  ['city=isdistinct.Oslo', [3, 4, 5]], ['city=neq.Oslo', [3, 5]],
  ['name=like.John*', [1]], ['name=like.*doe', [2]], ['name=ilike.*doe*', [1, 2]], ['name=ilike.JOHN*', [1]], ['name=like.john*', []], ['name=not.like.*o*', [4, 5]],
  [`name=eq.${q('"Bob, Jr. (2)"')}`, [3]], [`name=eq.${q('Bob, Jr. (2)')}`, [3]], [`name=eq.${q('"O\'Hara \\"x\\""')}`, [4]],
  ['left_at=gte.2026-01-15T00:00:00Z', [5]], ['left_at=lt.2026-01-15T00:00:00Z', [2]],
  ['or=(age.lt.18,age.gt.65)', [1, 5]], ['or=(age.lt.18,and(city.eq.Bergen,age.gt.60))', [1, 5]], ['and=(age.gt.17,age.lt.66)', [2, 3, 4]],
  ['not.or=(age.lt.18,age.gt.65)', [2, 3, 4]], ['not.and=(city.eq.Oslo,age.lt.18)', [2, 3, 4, 5]], ['or=(city.is.null,city.in.(Bergen,Oslo))', [1, 2, 4, 5]],
  ['or=(age.not.lt.66,not.and(age.gt.0,age.lt.66))', [5]], ['city=eq.Oslo&or=(age.eq.17,age.eq.40)', [1]], ['or=(name.like.J*,name.like.B*)&age=gt.17', [3]],
  [`or=(name.eq.${q('"Bob, Jr. (2)"')},age.eq.17)`, [1, 3]],
  ['filter[age]=gte.65', [4, 5]], ['filter[city]=eq.Oslo&filter[age]=eq.17', [1]], ['filter%5Bage%5D=gte.65', [4, 5]],
  ['team.name=eq.red', [1, 2]], ['team.name=not.eq.red', [3, 4]], ['tasks.done=is.true', [1, 5]], ['tasks.title=eq.b', [1]], ['tasks.title=in.(b,c)', [1, 3]],
  ['or=(team.name.eq.blue,age.lt.18)', [1, 3, 4]],
  ['meta->>color=eq.red', [1]], ['meta->>color=in.(red,blue)', [1, 2]], ['meta->deep->a->>1=eq.20', [1]], ['meta->>color=is.null', [3, 4, 5]], ['meta->>n=eq.2', [2]],
];

play('every operator and group', { ...what, timeout: 120000 }, async (s) => {
  await fill(s);
  const wrong = [];
  for (const [query, want] of table) {
    const r = await s.get(`/v1/people?${query}&sort=id&fields=id`);
    const got = r.status === 200 ? r.body.data.map((p) => p.id) : `${r.status} ${r.body?.detail}`;
    if (JSON.stringify(got) !== JSON.stringify(want)) wrong.push(`${query}: ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
    if (r.status === 200) assert.equal(r.body.total, r.body.data.length, query);
  }
  assert.deepEqual(wrong, []);
});

play('patterns take % and _ literally or as SQL does, and * always as any run', what, async (s) => {
  await fill(s);
  assert.deepEqual(await s.ids('/v1/people?name=like.100*&fields=id'), [5]);
  assert.deepEqual(await s.ids(`/v1/people?name=eq.${q('100% *sure_')}&fields=id`), [5]);
});

play('filters through two relations and back', what, async (s) => {
  await fill(s);
  assert.deepEqual(await s.ids('/v1/tasks?person.team.name=eq.red&sort=id'), [1, 2]);
  assert.deepEqual(await s.ids('/v1/teams?people.tasks.title=eq.c'), [2]);
});

play('what cannot be understood is 400 and says why', what, async (s) => {
  await fill(s);
  for (const bad of ['age=18', 'age=foo.18', 'age=gte.', 'age=gte.x', 'age=eq.99999999999999999999', 'id=in.1,2', 'id=in.(1', 'id=in.(1,x)', 'or=(age.lt.18', 'or=age.lt.18',
    'or=(nope.eq.1)', 'or=()', 'age=like.1*', 'city=is.maybe', 'team.nope=eq.1', 'team=eq.1', 'meta->=eq.1', 'filter[]=eq.1', 'filter[nope]=eq.1', `name=eq.${'%00'}`, 'age=not.', 'age=.18',
    'name=eq."open']) {
    const r = await s.get(`/v1/people?${bad}`);
    problem(r, 400);
  }
});

play('an unknown parameter is 400 with the nearest name', what, async (s) => {
  for (const [bad, near] of [['agee=eq.1', 'age'], ['srot=id', 'sort'], ['limt=5', 'limit'], ['inclde=team', 'include'], ['ctiy=eq.x', 'city']]) {
    const p = problem(await s.get(`/v1/people?${bad}`), 400, 'unknown_parameter');
    assert.match(p.detail, new RegExp(`\\b${near}\\b`), p.detail);
  }
});

play('filters are bounded', what, async (s) => {
  problem(await s.get(`/v1/people?or=(${Array.from({ length: 30 }, (_, i) => `age.eq.${i}`).join()})`), 400);
  problem(await s.get(`/v1/people?id=in.(${Array.from({ length: 60 }, (_, i) => i).join()})`), 400);
  problem(await s.get(`/v1/people?${'not.or=('.repeat(1)}${'and('.repeat(200)}age.eq.1${')'.repeat(200)})`), 400);
  ok(await s.get(`/v1/people?id=in.(${Array.from({ length: 50 }, (_, i) => i).join()})`));
});

play('match is a regular expression on PostgreSQL; what an engine does not have says so', what, async (s) => {
  await fill(s);
  problem(await s.get('/v1/people?name=fts.john'), 400);
  if (s.engine === 'sqlite') {
    assert.match(problem(await s.get(`/v1/people?name=${q('match.^J')}`), 400).detail, /like or ilike/);
    return;
  }
  const names = await s.list('/v1/people?fields=id,name&sort=id&limit=1000');
  for (const [op, of] of [['match.^J', /^J/], ['match.a', /a/], ['not.match.[a-m]$', { test: (n) => !/[a-m]$/.test(n) }], ['match.^(?:Ada|ada)$', /^(?:Ada|ada)$/], ['match.\\d', /\d/], ['match.^never$', /^never$/]]) {
    const found = await s.ids(`/v1/people?name=${q(op)}&sort=id&limit=1000`);
    assert.deepEqual(found, names.filter((p) => of.test(p.name)).map((p) => p.id), op);
  }
  assert.match(problem(await s.get(`/v1/people?name=${q('match.(')}`), 400, 'bad_value').detail, /regular expression.*parenthes/);
});
