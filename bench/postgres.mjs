// The same reads on PostgreSQL: Cairn, Fastify with pg, and pgbench with the statements that Cairn sends. The
// server is the bench's own and runs on both cores; contestants have core 0, the load core 1.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Postgres, psql } from '../test/wire/postgres.mjs';
import { CAIRN_SETTINGS, SHOP, TMP, cairnCommand, CAIRN, say } from './contestants.mjs';
import { SERVER_CORE, childrenCpu, freePort, residentKib, serve, tool } from './machine.mjs';
import { median, ratio } from './report.mjs';

const CONNECTIONS = 4; // to the database: two per core
const RIVAL_CONNECTIONS = 10; // pg's default
const CLIENTS = 1000;

// What is handed in are run.mjs's own ways of measuring.
export function postgresGroups({ load, get, interleave, json, sameAnswer, atLeast, atMost, times, report, PAGES, quick }) {
  const USERS = quick ? 5000 : 200000;
  let pg = null;
  let url = null;

  async function database() {
    if (pg) return;
    pg = await Postgres.start({ settings: ['-c', 'shared_buffers=1GB', '-c', 'synchronous_commit=on', '-c', 'max_connections=300'] });
    psql(`${pg.url}/postgres`, 'CREATE DATABASE shop');
    url = `${pg.url}/shop`;
    say(`seeding ${USERS} users on PostgreSQL`);
    await tool([CAIRN, '-C', SHOP, 'seed', '--users', String(USERS)], { core: null, env: { DATABASE_URL: url } });
    psql(url, 'VACUUM ANALYZE');
  }

  async function startCairn(settings = []) {
    const port = await freePort();
    const all = [...CAIRN_SETTINGS, `database.pool_size=${CONNECTIONS}`, ...settings];
    return serve(cairnCommand(port, `${TMP}/pg-data`, all), { port, env: { DATABASE_URL: url } });
  }

  async function startFastify() {
    const port = await freePort();
    return serve(['node', 'bench/rivals/fastify-pg.mjs', String(port), url, String(RIVAL_CONNECTIONS)], { port, env: { NODE_ENV: 'production' } });
  }

  async function statementsOf(cairn, target) {
    const before = await statements(cairn);
    await json(cairn, target);
    return (await statements(cairn)) - before;
  }
  const statements = async (cairn) => Number(/^cairn_db_statements_total (\d+)/m.exec(await (await fetch(`http://127.0.0.1:${cairn.port}/metrics`)).text())[1]);

  // pgbench with scripts that it takes by chance; per_second counts its transactions, one a request.
  const bench = (script, clients) => {
    const files = script.texts.flatMap((text, i) => {
      const file = path.resolve(`${TMP}/${script.name}-${i}.pgbench`);
      writeFileSync(file, text);
      return ['-f', file];
    });
    return async (round, ms) => {
      const seconds = Math.max(4, Math.round(ms / 1000)); // connecting comes out of it
      const out = await tool(['pgbench', '-n', '-M', 'prepared', '-c', String(clients), '-j', '1', '-T', String(seconds), ...files, url], { core: SERVER_CORE });
      const per_second = Number(/^tps = ([\d.]+)/m.exec(out)[1]);
      const average = Number(/latency average = ([\d.]+)/.exec(out)[1]) * 1000;
      return { per_second, p50_us: average, p99_us: average, max_us: average };
    };
  };

  async function against(own, group, { target, high, script, bounds }) {
    await database();
    const cairn = await own(startCairn());
    const fastify = await own(startFastify());
    await sameAnswer(cairn, fastify, [1, 7, high].map(target), (a) => a.data ?? a);
    const count = await statementsOf(cairn, target(7));
    const what = get(group, target('{id}'));
    const each = (server) => async (round, ms) => {
      const before = childrenCpu(pg.child.pid);
      const run = await load(server, what, { ms, high, seed: round + 1 });
      const spent = [...childrenCpu(pg.child.pid)].reduce((sum, [pid, us]) => sum + us - (before.get(pid) ?? 0), 0);
      return { ...run, pg_us: spent / run.answered, load_us: (run.load_busy * run.us) / run.answered };
    };
    const runs = await interleave(group, {
      cairn: each(cairn),
      'fastify + pg': each(fastify),
      [`pgbench, ${CONNECTIONS} connections`]: bench(script, CONNECTIONS),
      'pgbench, 32 connections': bench(script, 32),
    });
    const best = [CONNECTIONS, 32].map((n) => runs[`pgbench, ${n} connections`]);
    const speed = ratio(runs.cairn, runs['fastify + pg'], 'per_second');
    const share = Math.min(...best.map((b) => ratio(runs.cairn, b, 'per_second')));
    atLeast(bounds[0], speed, times(speed));
    atLeast(bounds[1], share, `${times(share)}, CPU of Cairn ${median(runs.cairn.map((r) => r.cpu_us)).toFixed(1)} µs a request`);
    // Server, PostgreSQL and load share two cores that are full: what all three take bounds the speed.
    const of = (runs, key) => median(runs.map((r) => r[key]));
    const [mine, rival] = [runs.cairn, runs['fastify + pg']].map((r) => ({ server: of(r, 'cpu_us'), pg: of(r, 'pg_us'), load: of(r, 'load_us') }));
    const shown = (t) => `${t.server.toFixed(0)} + ${t.pg.toFixed(0)} + ${t.load.toFixed(0)}`;
    const all = (t) => t.server + t.pg + t.load;
    report.note(`${group}: µs of CPU a request, server + PostgreSQL + load: Cairn ${shown(mine)}, Fastify ${shown(rival)}, ${times(all(rival) / all(mine))} as much. ` +
      `A server that takes no CPU and asks PostgreSQL what Cairn asks could have ${times(all(rival) / (mine.pg + mine.load))} the speed of Fastify, no more.`);
    report.note(`${group}: ${count} statements a request; Cairn has ${CONNECTIONS} connections to the database, Fastify ${RIVAL_CONNECTIONS}. pgbench is judged with the number of connections that suits it better; its times are averages.`);
  }

  const names = 'id, name, email, age, city, created_at, posts_count';
  const groups = {
    pguser: (own) => against(own, 'pguser', {
      target: (id) => `/v1/users/${id}`,
      high: USERS,
      script: { name: 'user', texts: [`\\set id random(1, ${USERS})\nSELECT ${names} FROM users WHERE id = :id;\n`] },
      bounds: ['pgUserSpeed', 'pgUserShare'],
    }),
    pgpage: (own) => against(own, 'pgpage', {
      target: (n) => `/v1/posts?limit=20&include=author,comments&count=none&page=${n}`,
      high: PAGES,
      script: { name: 'page', texts: Array.from({ length: PAGES }, (_, i) => pageScript(i * 20)) },
      bounds: ['pgPageSpeed', 'pgPageShare'],
    }),
    async pgclients(own) {
      await database();
      const cairn = await own(startCairn());
      await json(cairn, '/v1/users/1');
      await sleep(500);
      const before = residentKib(cairn.pid);
      const run = await load(cairn, get('pgclients', '/v1/users/{id}'), { connections: CLIENTS, high: USERS, ms: 3000 });
      const after = residentKib(cairn.pid);
      report.note(`pgclients: ${CLIENTS} clients at once on ${CONNECTIONS} connections: ${Math.round(run.per_second)} requests/s, p99 ${(run.p99_us / 1000).toFixed(1)} ms, ${(before / 1024).toFixed(1)} MB before and ${(after / 1024).toFixed(1)} MB after.`);
      atMost('pgClients', after / 1024, `${(after / 1024).toFixed(1)} MB`);
    },
  };
  return { groups, end: () => pg?.stop() };

  // The statements that Cairn sends for a page, in its two round trips; the keys that it would have read are those that
  // the seed gives them.
  function pageScript(from) {
    const keys = `'{${Array.from({ length: 20 }, (_, i) => from + i + 1).join(',')}}'::integer[]`;
    const of = (name) => name.split(', ').map((c) => `t0."${c}"`).join(',');
    return `SELECT "id","user_id","title","content","created_at" FROM "posts" ORDER BY "id" LIMIT 21${from ? ` OFFSET ${from}` : ''};\n` +
      '\\startpipeline\n' +
      `SELECT ${of(names)},t0."id" FROM "users" AS t0 WHERE t0."id" = ANY (${keys}) ORDER BY t0."id";\n` +
      `SELECT ${of('id, post_id, user_id, text, created_at')},t0."post_id" FROM (SELECT t2.* FROM "comments" AS t2 WHERE t2."post_id" = ANY (${keys}) LIMIT 1001) AS t0;\n` +
      '\\endpipeline\n';
  }
}
