/* ruled.c -- queries marked `-- rules: read`: their tables hold the rows and columns that the
 * caller may read, as everywhere else. SPDX: Apache-2.0 Invariant: which tables those are is found
 * in the SQL when it is loaded (ddl/ruled.c); what is not found there as a table has no place in
 * such a query. */
#include "query/query_priv.h"

#include <time.h>

int query__tables(struct query *q, const struct schema *s, const bool *reads, struct err *err)
{
    struct query__at at = {q->sql_line, 1};
    size_t count = 0;
    for (size_t i = 0; i < s->table_count; i++)
        count += reads[i];
    if (!count)
        return query__refuse(q->file, at, err, "this reads no table that a rule could hold for");
    q->tables = ARENA_ARRAY(&q->set->arena, const struct table *, count);
    for (size_t i = 0; i < s->table_count; i++) {
        if (reads[i])
            q->tables[q->table_count++] = &s->tables[i];
    }
    return 0;
}

static int denied(const struct request *rq, const struct table *t, struct err *err)
{
    if (!rq->principal)
        return fail_field(err, E_SIGNIN, LIT("sign_in_required"), LIT(""), "sign in to read '%.*s'",
                          STR_ARG(t->name));
    return fail_field(err, E_DENIED, LIT("forbidden"), LIT(""), "you may not read '%.*s'",
                      STR_ARG(t->name));
}

int query__rule(struct request *rq, const struct query *q, struct stmt *st, struct err *err)
{
    const struct access *x = q->ruled && q->set->access_of ? q->set->access_of(rq) : NULL;
    struct timespec now;
    size_t count = 0;
    if (!x)
        return 0;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    struct asking who = {ACTION_READ, access_roles(x, rq->principal), rq->principal,
                         (int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
    struct sql_shadow *list = ARENA_ARRAY(&rq->arena, struct sql_shadow, q->table_count);
    for (size_t i = 0; i < q->table_count; i++) {
        struct grant g;
        access_grant(&rq->arena, x, q->tables[i], &who, &g);
        if (!g.allowed)
            return denied(rq, q->tables[i], err);
        if (g.where || g.closed)
            list[count++] = (struct sql_shadow){q->tables[i], g.where, g.closed};
    }
    return sql_shadows(q->set->config.dialect, &rq->arena, list, count, q->with, st, err);
}

int query__ruled_verify(struct arena *a, const struct query *q, struct stmt *st, struct err *err)
{
    struct sql_shadow *list = ARENA_ARRAY(a, struct sql_shadow, q->table_count);
    for (size_t i = 0; i < q->table_count; i++)
        list[i] = (struct sql_shadow){.table = q->tables[i]};
    return sql_shadows(q->set->config.dialect, a, list, q->ruled ? q->table_count : 0, q->with, st,
                       err);
}
