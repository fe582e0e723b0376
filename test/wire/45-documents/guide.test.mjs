// docs/documents.md: its settings, and its examples from first to last (guide 4 and 30).
import fs from 'node:fs';
import path from 'node:path';
import { play, assert, ok, problem, top } from '../lib.mjs';
import { blocks, playBlocks } from '../blocks.mjs';

const text = fs.readFileSync(path.join(top, 'docs/documents.md'), 'utf8');
const config = /```yaml\n([^`]*)```/.exec(text)[1];
const list = blocks(text);

play(`docs/documents.md: ${list.length} examples`, { on: ['sqlite', 'postgres'], config }, async (s) => {
  assert.ok(list.length >= 12);
  assert.equal(await playBlocks(s, 'documents.md', list), '');
});

play('guide 30: column families are objects in a document, read and changed by themselves', { on: ['sqlite', 'postgres'], config: 'collections:\n  wide:\n    indexes: [stats.views]\n' }, async (s) => {
  ok(await s.put('/v1/wide/user_1', { user_info: { name: 'John', email: 'j@ex.com' }, stats: { views: 100, likes: 50 } }), 201);
  ok(await s.put('/v1/wide/user_2', { user_info: { name: 'Jane', email: 'jane@ex.com' }, stats: { views: 200, likes: 75 } }), 201);
  assert.deepEqual(await s.list('/v1/wide?fields=id,stats&sort=id'), [{ id: 'user_1', stats: { views: 100, likes: 50 } }, { id: 'user_2', stats: { views: 200, likes: 75 } }]);
  assert.deepEqual(await s.list('/v1/wide?stats.views=gt.100&fields=user_info.name'), [{ user_info: { name: 'Jane' } }]);
  const r = ok(await s.patch('/v1/wide/user_1', { stats: { views: 101 } }, { 'Content-Type': 'application/merge-patch+json' }));
  assert.deepEqual([r.user_info, r.stats], [{ name: 'John', email: 'j@ex.com' }, { views: 101, likes: 50 }]);
  ok(await s.patch('/v1/wide/user_1', { stats: { shares: 3 } }));
  assert.deepEqual(ok(await s.get('/v1/wide/user_1')).stats, { views: 101, likes: 50, shares: 3 }, 'a row may have columns that others have not');
  assert.deepEqual(await s.ids('/v1/wide?sort=-stats.likes'), ['user_2', 'user_1']);
});

play('guide 30: a key and its value: SET, GET, DEL', { on: ['sqlite', 'postgres'], migrations: 'CREATE TABLE kv (id VARCHAR(200) PRIMARY KEY, value JSONB);' }, async (s) => {
  const key = (k) => `/v1/kv/${encodeURIComponent(k)}`;
  ok(await s.put(key('user:123'), { value: 'John Doe' }), 201);
  assert.deepEqual(ok(await s.get(`${key('user:123')}?fields=value`)), { value: 'John Doe' });
  ok(await s.put(key('user:123'), { value: 'Jane Doe' }));
  assert.equal(ok(await s.get(key('user:123'))).value, 'Jane Doe');
  ok(await s.put(key('session:abc123'), { value: { user_id: 123, expires: 1640000000 } }), 201);
  assert.deepEqual(ok(await s.get(key('session:abc123'))).value, { user_id: 123, expires: 1640000000 });
  for (const [name, value] of [['n', 7], ['f', 0.5], ['t', true], ['a', [1, 'x', null]], ['none', null], ['odd key/\u00e9?&', '']]) {
    ok(await s.put(key(name), { value }), 201);
    assert.deepEqual(ok(await s.get(key(name))).value, value, name);
  }
  assert.deepEqual(await s.ids('/v1/kv?id=like.user:*'), ['user:123']);
  assert.equal((await s.delete(key('user:123'))).status, 204);
  problem(await s.get(key('user:123')), 404);
});
