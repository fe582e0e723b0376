/* guard.c -- access rules in the plan of a request. A rule becomes part of the condition on the
 * rows: of the table asked for, of each include, and of each relation that the client's filter
 * crosses, so that what is not shown cannot be found out either. A rule itself sees all rows.
 * SPDX: Apache-2.0 */
#include "resource/guard.h"

#include <time.h>

struct guard {
    struct request *rq;
    const struct resource_set *set;
    int64_t now;
    struct err *err;
};

int64_t resource__clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int resource__denied(const struct request *rq, const struct table *t, enum action act,
                     struct err *err)
{
    if (!rq->principal)
        return fail_field(err, E_SIGNIN, LIT("sign_in_required"), LIT(""), "sign in to %s '%.*s'",
                          action_name(act), STR_ARG(t->name));
    return fail_field(err, E_DENIED, LIT("forbidden"), LIT(""), "you may not %s '%.*s'",
                      action_name(act), STR_ARG(t->name));
}

/* ---- reading ---- */

/* What the caller may read of t's rows; NULL: all. */
static int grant_of(struct guard *g, const struct table *t, struct cond **out)
{
    const struct resource_set *base = g->set->base;
    const struct table *own = &base->schema->tables[t - g->set->schema->tables];
    struct grant grant;
    struct asking q = {ACTION_READ, g->set->roles, g->rq->principal, g->now};
    access_grant(&g->rq->arena, base->config->access, own, &q, &grant);
    *out = grant.where;
    return grant.allowed ? 0 : resource__denied(g->rq, t, ACTION_READ, g->err);
}

/* A join table says who belongs to whom: it is read as a whole, or not. */
static int whole(struct guard *g, const struct table *t)
{
    struct cond *rows;
    TRY(grant_of(g, t, &rows));
    return rows ? resource__denied(g->rq, t, ACTION_READ, g->err) : 0;
}

static int guard_cond(struct guard *g, struct cond *c)
{
    struct cond *rows = NULL;
    for (size_t i = 0; i < c->part_count; i++)
        TRY(guard_cond(g, c->parts[i]));
    if (c->kind != COND_EXISTS)
        return 0;
    TRY(grant_of(g, c->relation->target, &rows));
    if (c->relation->kind == REL_THROUGH)
        TRY(whole(g, c->relation->through));
    if (!rows)
        return 0;
    struct cond **parts = arena_new(&g->rq->arena, sizeof *parts);
    parts[0] = cond_and(&g->rq->arena, c->part_count ? c->parts[0] : NULL, rows);
    c->parts = parts;
    c->part_count = 1;
    return 0;
}

static int guard_summary(struct guard *g, const struct summary *s)
{
    for (size_t i = 0; i < s->item_count; i++) {
        for (size_t k = 0; k < s->items[i].path_count; k++)
            TRY(whole(g, s->items[i].path[k]->target));
    }
    return 0;
}

static int guard_select(struct guard *g, struct select *sel)
{
    struct cond *rows;
    if (sel->where)
        TRY(guard_cond(g, sel->where));
    TRY(grant_of(g, sel->table, &rows));
    sel->where = cond_and(&g->rq->arena, sel->where, rows);
    if (sel->summary)
        TRY(guard_summary(g, sel->summary));
    for (size_t i = 0; i < sel->include_count; i++) {
        if (sel->includes[i].relation->kind == REL_THROUGH)
            TRY(whole(g, sel->includes[i].relation->through));
        TRY(guard_select(g, &sel->includes[i].select));
    }
    return 0;
}

int resource__guard(struct request *rq, const struct resource_set *s, struct select *sel,
                    struct err *err)
{
    struct guard g = {.rq = rq, .set = s, .now = resource__clock(), .err = err};
    return s->base ? guard_select(&g, sel) : 0;
}

/* ---- writing ---- */

struct cond *resource__granted(struct arena *a, const struct resource *r, struct cond *key)
{
    return r->grant ? cond_and(a, key, r->grant->where) : key;
}

int resource__untouched(struct request *rq, const struct resource *r, const struct value *id,
                        enum action act, struct err *err)
{
    struct rows rows = {0};
    struct select sel = {.table = r->table, .limit = 1};
    struct err ignored = {0};
    if (!r->grant || !r->grant->where)
        return resource__missing(rq, r->set, r->table, err);
    sel.columns = r->table->primary.columns;
    sel.column_count = sel.shown = r->table->primary.count;
    sel.where = resource__key_cond(&rq->arena, &r->table->primary, id);
    if (resource__guard(rq, r->set, &sel, &ignored) < 0)
        return resource__missing(rq, r->set, r->table, err);
    TRY(resource__select(rq, r->set, &sel, 1, &rows, err));
    return rows.count ? resource__denied(rq, r->table, act, err)
                      : resource__missing(rq, r->set, r->table, err);
}

struct guarded {
    struct request *rq;
    const struct resource *r;
    guarded_fn *fn;
    unsigned headers; /* that were there before */
    bool conditioned; /* looks at preconditions first, of: */
    enum action act;
};

WAITS static int held(struct request *rq, const struct resource *r, enum action act, guarded_fn *fn,
                      struct err *err)
{
    struct resource copy = *r;
    TRY(resource__precondition(rq, r, act, &copy.only_new, err));
    return fn(rq, &copy, err);
}

/* Once more from the start when the transaction clashed: nothing of the answer stays. */
WAITS static int block(void *ctx, struct db_tx *tx, struct err *err)
{
    struct guarded *g = ctx;
    g->rq->reply->header_count = g->headers;
    g->rq->reply->status = 200;
    buf_clear(&g->rq->reply->body);
    g->rq->tx = tx;
    int code = g->conditioned ? held(g->rq, g->r, g->act, g->fn, err) : g->fn(g->rq, g->r, err);
    g->rq->tx = NULL;
    return code;
}

int resource__guarded(struct request *rq, const struct resource *r, guarded_fn *fn, struct err *err)
{
    struct guarded g = {.rq = rq, .r = r, .fn = fn, .headers = (unsigned)rq->reply->header_count};
    struct db_block b = {.body = block, .ctx = &g};
    if (!r->grant || !r->grant->check || rq->tx)
        return fn(rq, r, err);
    return db_transact(r->set->db, NULL, &b, err);
}

int resource__conditioned(struct request *rq, const struct resource *r, enum action act,
                          guarded_fn *fn, struct err *err)
{
    struct guarded g = {rq, r, fn, (unsigned)rq->reply->header_count, true, act};
    struct db_block b = {.body = block, .ctx = &g};
    str ignored;
    if (LIKELY(!request_conditional(rq)))
        return act == ACTION_DELETE ? fn(rq, r, err) : resource__guarded(rq, r, fn, err);
    if (rq->tx)
        return held(rq, r, act, fn, err);
    TRY(request_body(rq, &ignored, err)); /* a slow client must not hold the row */
    return db_transact(r->set->db, NULL, &b, err);
}

static struct cond *any_of(struct request *rq, const struct resource *r, const struct rows *rows)
{
    const struct key *key = &r->table->primary;
    struct cond *c = ARENA_NEW(&rq->arena, struct cond);
    c->kind = COND_OR;
    c->parts = ARENA_ARRAY(&rq->arena, struct cond *, rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        struct value *id = ARENA_ARRAY(&rq->arena, struct value, key->count);
        for (size_t k = 0; k < key->count; k++)
            id[k] = *rows_at(rows, i, key->columns[k]->index);
        c->parts[c->part_count++] = resource__key_cond(&rq->arena, key, id);
    }
    return c;
}

int resource__verify(struct request *rq, const struct resource *r, const struct rows *rows,
                     enum action act, struct err *err)
{
    struct select sel = {.table = r->table, .limit = -1};
    struct stmt st = {0};
    struct rows count = {0};
    if (!r->grant || !r->grant->check || !rows->count)
        return 0;
    if (!r->table->primary.count)
        return resource__denied(rq, r->table, act, err);
    sel.columns = r->table->primary.columns;
    sel.column_count = sel.shown = r->table->primary.count;
    sel.where = cond_and(&rq->arena, any_of(rq, r, rows), r->grant->check);
    TRY(sql_count(r->set->config->dialect, &rq->arena, &sel, &st, err));
    TRY(resource__rows(rq, r->set, &st, 1, &count, err));
    bool all = count.count && count.cells[0].i == (int64_t)rows->count;
    return all ? 0 : resource__denied(rq, r->table, act, err);
}
