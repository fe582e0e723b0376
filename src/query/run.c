/* run.c -- METHOD PREFIX/q/NAME: a request to rows. SPDX: Apache-2.0
 * A read goes from the engine's memory into the answer, row by row, and streams past a bound, as a
 * list does. A write, and everything inside a transaction, is held in memory. */
#include "query/query_priv.h"

enum { STREAM_AT = 64 * 1024 };

struct answering {
    struct request *rq;
    const struct query *q;
    size_t rows;
    bool more; /* rows were cut off */
};

static int full(struct err *err)
{
    return fail(err, E_TOOBIG,
                "the answer is larger than http.request_memory allows; ask for less with LIMIT");
}

static size_t most(const struct query *q)
{
    return q->result == QUERY_ONE ? 1 : q->set->config.rows_most;
}

static int take_row(void *ctx, const struct value *cells, size_t count)
{
    struct answering *x = ctx;
    struct buf *b = &x->rq->reply->body;
    if (count != x->q->column_count)
        return E_INTERNAL;
    if (x->rows == most(x->q)) {
        x->more = true;
        return DB_PAUSE;
    }
    if (x->rows++)
        buf_char(b, ',');
    render_shape(b, &x->q->shape, cells);
    if (b->full)
        return E_TOOBIG;
    return b->len >= STREAM_AT && x->q->result == QUERY_MANY ? DB_PAUSE : 0;
}

/* Sends what is there, the head before it when this is the first time. */
WAITS static int flush(struct request *rq, struct err *err)
{
    if (!rq->reply->started)
        TRY(reply_begin(rq, err));
    TRY(reply_flush(rq, err));
    fiber_yield(); /* a fast client must not keep the loop from the others */
    return 0;
}

WAITS static int read_rows(struct answering *x, const struct stmt *st, struct err *err)
{
    struct db_cursor *cursor = NULL;
    int code = db_query(x->q->set->db, st, take_row, x, &cursor, err);
    while (code == DB_PAUSE && !x->more) {
        code = flush(x->rq, err);
        if (code < 0 || (x->rq->method == METHOD_HEAD &&
                         !x->rq->reply->held)) /* the head is all it asked for */
            break;
        code = db_next(cursor, take_row, x, err);
    }
    db_cursor_end(&cursor);
    if (code == E_TOOBIG)
        return full(err);
    return code < 0 ? code : 0;
}

/* A write, or a read inside a transaction. */
WAITS static int held_rows(struct answering *x, const struct stmt *st, int64_t *changes,
                           struct err *err)
{
    struct request *rq = x->rq;
    struct db_write w = {.st = *st, .arena = &rq->arena, .expect = -1};
    int code = 0;
    if (rq->tx)
        TRY(db_tx_run(rq->tx, &w, err));
    else
        TRY(db_write(x->q->set->db, &w, 1, NULL, err));
    for (size_t i = 0; i < w.rows.count && code >= 0 && !x->more; i++)
        code = take_row(x, rows_at(&w.rows, i, 0), w.rows.cols);
    *changes = w.changes;
    return code == E_TOOBIG ? full(err) : code < 0 ? code : 0;
}

WAITS static int run(struct answering *x, struct err *err)
{
    struct request *rq = x->rq;
    const struct query *q = x->q;
    struct buf *b = &rq->reply->body;
    struct stmt st;
    int64_t changes = 0;
    TRY(query__read(rq, q, &st, err));
    rq->reply->type = LIT("application/json");
    if (q->cache.len)
        reply_header(rq->reply, LIT("Cache-Control"), q->cache);
    if (q->result == QUERY_MANY)
        buf_lit(b, "{\"data\":[");
    rq->statements++;
    if (q->writes || rq->tx)
        TRY(held_rows(x, &st, &changes, err));
    else
        TRY(read_rows(x, &st, err));
    if (q->result == QUERY_ONE && !x->rows)
        return fail(err, E_NOTFOUND, "there is no such row");
    if (q->result == QUERY_MANY)
        buf_str(b, x->more ? LIT("],\"has_more\":true}") : LIT("]}"));
    if (q->result == QUERY_EXEC)
        buf_printf(b, "{\"changes\":%lld}", (long long)changes);
    return b->full ? full(err) : 0;
}

int query__run(struct request *rq, const void *data, struct err *err)
{
    struct answering x = {.rq = rq, .q = data};
    TRY(query__allowed(rq, x.q, err));
    int code = run(&x, err);
    if (code < 0 && rq->reply->started)
        rq->reply->failed = true;
    return code;
}

/* ---- for handlers: cells as an answer shows them ---- */

static struct value shown(const struct column *c, struct arena *a, const struct value *v)
{
    struct value out = *v;
    struct err ignored = {0};
    struct buf b;
    bool text = v->kind == V_TEXT;
    if (v->kind == V_NULL || (c->type == TYPE_BOOL && v->kind == V_BOOL))
        return out;
    if (c->type == TYPE_BOOL && v->kind == V_INT)
        return value_bool(v->i != 0);
    if (c->type == TYPE_JSON && text)
        return json_parse(a, v->text, &json_limits_default, &out, &ignored) < 0 ? *v : out;
    if (c->type != TYPE_NUMERIC && c->type != TYPE_TIMESTAMP && c->type != TYPE_TIME)
        return out;
    buf_init(&b, 1 << 20);
    render_cell(&b, c, v);
    size_t len = b.len;
    char *copy = arena_try(a, len + 1);
    if (copy && len)
        memcpy(copy, b.ptr, len);
    buf_fini(&b);
    if (!copy)
        copy = arena_new(a, len + 1); /* ends the request */
    if (c->type == TYPE_NUMERIC)
        return copy[0] == '"' || copy[0] == 'n' ? *v : value_num(str_make(copy, len));
    return len > 2 ? value_text(str_make(copy + 1, len - 2)) : *v;
}

void query_show(const struct query *q, struct arena *a, struct rows *rows)
{
    str *names = ARENA_ARRAY(a, str, q->column_count);
    if (rows->cols != q->column_count)
        return;
    for (size_t i = 0; i < q->column_count; i++)
        names[i] = q->columns[i]->name;
    rows->names = names;
    for (size_t i = 0; i < rows->count * rows->cols; i++)
        rows->cells[i] = shown(q->columns[i % rows->cols], a, &rows->cells[i]);
}
