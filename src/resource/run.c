/* run.c -- statements of a request, counted, and the parts of the request that handlers share.
 * SPDX: Apache-2.0 */
#include "resource/resource_priv.h"

/* In a transaction rows are held in memory: its session, or the writer, is there for one statement
 * after the other. */
WAITS static int rows_in_tx(struct request *rq, const struct stmt *st, struct rows *out,
                            struct err *err)
{
    struct db_write w = {.st = *st, .arena = &rq->arena, .expect = -1};
    TRY(db_tx_run(rq->tx, &w, err));
    *out = w.rows;
    return 0;
}

int resource__query(struct request *rq, const struct resource_set *s, const struct stmt *st,
                    const struct row_taker *to, struct db_cursor **cursor, struct err *err)
{
    struct rows rows = {0};
    rq->statements++;
    if (!rq->tx)
        return db_query(s->db, st, to->fn, to->ctx, cursor, err);
    TRY(rows_in_tx(rq, st, &rows, err));
    for (size_t i = 0; i < rows.count; i++)
        TRY(to->fn(to->ctx, rows_at(&rows, i, 0), rows.cols));
    return 0;
}

int resource__rows(struct request *rq, const struct resource_set *s, const struct stmt *st,
                   size_t most, struct rows *out, struct err *err)
{
    rq->statements++;
    if (!rq->tx)
        return db_rows(s->db, st, &rq->arena, most, out, err);
    TRY(rows_in_tx(rq, st, out, err));
    return out->count <= most ? 0 : fail(err, E_TOOBIG, "more than %zu rows", most);
}

int resource__rows_each(struct request *rq, const struct resource_set *s, struct db_read *list,
                        size_t count, struct err *err)
{
    if (!rq->tx) {
        rq->statements += (unsigned)count;
        return db_rows_each(s->db, list, count, &rq->arena, err);
    }
    for (size_t i = 0; i < count; i++)
        TRY(resource__rows(rq, s, &list[i].st, list[i].most, &list[i].rows, err));
    return 0;
}

int resource__select(struct request *rq, const struct resource_set *s, const struct select *sel,
                     size_t most, struct rows *out, struct err *err)
{
    struct stmt st = {0};
    TRY(sql_select(s->config->dialect, &rq->arena, sel, &st, err));
    return resource__rows(rq, s, &st, most, out, err);
}

/* All of the list or nothing of it, and the transaction goes on. */
WAITS static int write_in_tx(struct db_tx *tx, struct db_write *list, size_t count, size_t *failed,
                             struct err *err)
{
    struct err ignored = {0};
    int code = 0;
    if (count == 1)
        return db_tx_run(tx, list, err);
    TRY(db_tx_savepoint(tx, err));
    for (size_t i = 0; i < count && code == 0; i++) {
        code = db_tx_run(tx, &list[i], err);
        if (code < 0 && failed)
            *failed = i;
    }
    int released = db_tx_release(tx, code == 0, code == 0 ? err : &ignored);
    return code < 0 ? code : released;
}

int resource__write(struct request *rq, const struct resource_set *s, struct db_write *list,
                    size_t count, size_t *failed, struct err *err)
{
    rq->statements += (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        list[i].arena = &rq->arena;
        list[i].expect = -1;
    }
    if (rq->tx)
        return write_in_tx(rq->tx, list, count, failed, err);
    return db_write(s->db, list, count, failed, err);
}

int resource__params(struct request *rq, const struct query_param **list, size_t *count,
                     struct err *err)
{
    const struct param *in;
    *list = NULL;
    *count = 0;
    if (!rq->query.len)
        return 0;
    TRY(request_query(rq, &in, count, err));
    struct query_param *copy = ARENA_ARRAY(&rq->arena, struct query_param, *count);
    for (size_t i = 0; i < *count; i++)
        copy[i] = (struct query_param){in[i].name, in[i].value};
    *list = copy;
    return 0;
}

int resource__no_params(struct request *rq, struct err *err)
{
    const struct query_param *list;
    size_t count;
    TRY(resource__params(rq, &list, &count, err));
    if (!count)
        return 0;
    return fail_field(err, E_BAD, LIT("unknown_parameter"), list[0].name,
                      "'%.*s' is no parameter here; this request takes none",
                      STR_ARG(str_upto(list[0].name, 60)));
}

int resource__shown(struct request *rq, const struct resource *r, struct select *out,
                    struct err *err)
{
    const struct query_param *list;
    size_t count;
    TRY(resource__params(rq, &list, &count, err));
    return query_one(&rq->arena, r->table, list, count, &r->set->config->limits, out, err);
}

int resource__full(struct err *err)
{
    return fail(err, E_TOOBIG,
                "the answer is larger than http.request_memory allows; ask for fewer "
                "rows with limit=, or fewer columns with fields=");
}
