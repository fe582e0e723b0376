/* api_query.c -- cairn.h: named queries from a handler. SPDX: Apache-2.0 */
#include "query/query.h"
#include "server/api_priv.h"

static struct member *members(struct arena *a, const struct cairn_named *params, size_t count)
{
    struct member *list = ARENA_ARRAY(a, struct member, count);
    for (size_t i = 0; i < count; i++)
        list[i] = (struct member){str_of(params[i].name), api_value(params[i].value)};
    return list;
}

WAITS static int run(struct cairn_request *c, const struct query *q, const struct stmt *st,
                     struct db_write *out)
{
    const struct world *w = c->rq->world;
    size_t most = (size_t)w->rest.limits.max_limit * API_ROWS_PER_LIMIT;
    *out = (struct db_write){.st = *st, .arena = &c->rq->arena, .expect = -1};
    c->rq->statements++;
    if (c->rq->tx)
        return api_run_in_tx(c, out);
    if (query_writes(q))
        return db_write(w->db, out, 1, NULL, c->err);
    return db_rows(w->db, st, &c->rq->arena, most, &out->rows, c->err);
}

int cairn_call(struct cairn_request *c, const char *query, const struct cairn_named *params,
               size_t count, const struct cairn_rows **rows, int64_t *changes)
{
    const struct world *w = c->rq->world;
    struct arena *a = &c->rq->arena;
    struct rows *out = ARENA_NEW(a, struct rows);
    const struct query *q;
    struct db_write ran;
    struct stmt st;
    TRY(query_find(w->queries, str_of(query), &q, c->err));
    TRY(query_statement(q, c->rq, members(a, params, count), count, &st, c->err));
    TRY(run(c, q, &st, &ran));
    query_show(q, a, &ran.rows);
    *out = ran.rows;
    if (rows)
        *rows = (const struct cairn_rows *)(const void *)out;
    if (changes)
        *changes = ran.changes;
    return 0;
}
