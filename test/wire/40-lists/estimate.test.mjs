// count=estimated: PostgreSQL's statistics where rows are many, else a count (guide 16).
import { play, assert, ok } from '../lib.mjs';

const what = { migrations: `CREATE TABLE points (id bigserial PRIMARY KEY, n integer NOT NULL);`, serve: false };

play('few rows are counted', what, async (s) => {
  await s.start();
  ok(await s.post('/v1/points', Array.from({ length: 15 }, (_, n) => ({ n }))), 201);
  const r = ok(await s.get('/v1/points?count=estimated'));
  assert.deepEqual([r.total, r.total_pages, r.total_estimated], [15, 2, undefined]);
  assert.equal(ok(await s.get('/v1/points?count=estimated&cursor=')).total, 15);
});

play('many rows are estimated without being read, filtered or not', { ...what, on: ['postgres'] }, async (s, p) => {
  p.do('migrate', 'up');
  p.psql('INSERT INTO points (n) SELECT i % 100 FROM generate_series(1, 50000) i; ANALYZE points');
  await s.start();
  const near = (x, want) => assert.ok(Math.abs(x - want) < want / 4, `${x}, not about ${want}`);
  const all = await s.get('/v1/points?count=estimated&limit=5&offset=10');
  near(all.body.total, 50000);
  assert.equal(all.body.total_estimated, true);
  assert.equal(all.body.has_more, true);
  assert.equal(all.body.data.length, 5);
  assert.match(all.header('link'), /rel="next"/);
  assert.doesNotMatch(all.header('link'), /rel="last"/);
  near(ok(await s.get('/v1/points?count=estimated&n=lt.50')).total, 25000);
  near(ok(await s.get('/v1/points?count=estimated&n=gte.50&cursor=')).total, 25000);
  assert.equal(ok(await s.get('/v1/points?count=estimated&n=eq.7')).total, 500);
  assert.equal(ok(await s.get('/v1/points?n=lt.50')).total, 25000);
  // Where the estimate is wrong the pages still go to the end, and no further.
  p.psql('DELETE FROM points WHERE id > 2003');
  const last = await s.get('/v1/points?count=estimated&limit=1000&offset=2000');
  assert.equal(last.body.data.length, 3);
  assert.doesNotMatch(last.header('link') ?? '', /rel="next"/);
});
