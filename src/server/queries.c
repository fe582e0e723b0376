/* queries.c -- the project's named queries: read, checked, and read again at a reload.
 * SPDX: Apache-2.0 */
#include "server/queries.h"

#include "observe/log.h"

struct loading {
    const struct config *config;
    const struct schema *schema;
    struct query_set *set;
    struct err *err;
    int code;
};

int queries_load(const struct config *c, const struct schema *s, struct query_set **out,
                 struct err *err)
{
    struct query_config config = {
        .dir = c->queries_path, .dialect = config_dialect(c), .rows_most = (size_t)c->queries_rows};
    return query_load(&config, s, out, err);
}

static int ask_admin(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                     struct err *err)
{
    return db_admin_run(ctx, st, a, out, err);
}

WAITS static int ask_fiber(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                           struct err *err)
{
    enum { ROWS_MOST = 10000 }; /* of an EXPLAIN */
    return db_rows(ctx, st, a, ROWS_MOST, out, err);
}

static void say_unguarded(const struct query_set *set)
{
    struct log l;
    size_t count = query_unguarded(set);
    if (!count)
        return;
    log_begin(&l, LOG_WARN, "queries without a roles line: anybody may call them");
    log_int(&l, "count", (int64_t)count);
    log_end(&l);
}

int queries_verify(struct query_set *set, struct db_admin *a, struct err *err)
{
    say_unguarded(set);
    return query_verify(set, ask_admin, a, err);
}

static void load(void *arg)
{
    struct loading *l = arg;
    l->code = queries_load(l->config, l->schema, &l->set, l->err);
}

int queries_again(const struct config *c, const struct schema *s, struct db *db,
                  struct query_set **out, struct err *err)
{
    struct loading l = {.config = c, .schema = s, .err = err};
    if (fiber_blocking(load, &l) < 0 && !l.set)
        return fail(err, E_BUSY, "the helper threads are busy; try again");
    TRY(l.code);
    say_unguarded(l.set);
    int code = query_verify(l.set, ask_fiber, db, err);
    if (code < 0)
        query_free(&l.set);
    *out = l.set;
    return code;
}
