/* list.c -- GET of many rows: /v1/users, /v1/users/123/posts. SPDX: Apache-2.0
 * Rows go from the engine's memory into the answer's buffer, one by one. A list that fits there is
 * sent whole, with its length; past a bound the answer streams: the statement stands still while
 * what is there is sent, so that a list of any length takes no more memory than the bound.
 * Two kinds of list are held in memory instead, as rows: those with related rows, which are
 * fetched for all rows at once, and those read towards the start, which come in the wrong order.
 * Invariants: (1) What the Link header says is known before the head is sent, or not said. (2) A
 * failure after the head cuts the connection: the client can tell that rows are missing. */
#include "base/clock.h"
#include "resource/guard.h"

/* Bytes past which the answer streams. The Link header of a cursor page names the page's last row,
 * hence that page is held longer; one that is larger still tells its next cursor at its end only.
 */
enum { STREAM_AT = 64 * 1024, CURSOR_STREAM_AT = 1024 * 1024 };

struct listing {
    struct request *rq;
    const struct resource *r;
    struct list_query q;
    struct page page;
    const struct row_shape *shape;
    size_t stream_at;
    const struct value *first, *last; /* rows that cursors will name, or NULL */
    bool parent;                      /* a sub-resource's parent is known to be there */
    bool settled;                     /* page is filled in */
};

/* ---- what is known of the page ---- */

/* The number of all rows, when this page tells it. */
static bool total_told(const struct listing *l, int64_t *out)
{
    int64_t rows = (int64_t)l->page.rows, offset = l->q.select.offset;
    bool cut = l->page.open || l->page.more || l->q.explicit_cursor;
    *out = offset + rows;
    return !cut && rows < l->q.limit && (rows > 0 || offset == 0);
}

/* Rows may come in between list and count. */
static void total_least(struct listing *l)
{
    int64_t seen = l->q.select.offset + (int64_t)l->page.rows;
    if (l->page.rows && l->page.total >= 0 && l->page.total < seen)
        l->page.total = seen;
}

WAITS static int take_total(struct listing *l, struct err *err)
{
    struct request *rq = l->rq;
    struct stmt st = {0};
    struct rows rows;
    l->page.total = -1;
    if (l->q.count == COUNT_NONE || total_told(l, &l->page.total))
        return 0;
    l->page.total = -1;
    if (l->q.count == COUNT_ESTIMATED)
        TRY(resource__estimate(rq, l->r->set, &l->q.select, &l->page.total, err));
    l->page.estimated = l->page.total >= 0;
    if (l->page.estimated) {
        total_least(l);
        return 0;
    }
    TRY(sql_count(l->r->set->config->dialect, &rq->arena, &l->q.select, &st, err));
    TRY(resource__rows(rq, l->r->set, &st, 1, &rows, err));
    l->page.total = rows.count ? rows_at(&rows, 0, 0)->i : 0;
    total_least(l);
    return 0;
}

static str cursor_at(const struct listing *l, const struct value *cells, bool backwards)
{
    return cursor_make(&l->rq->arena, &l->q, cells, backwards, l->r->set->config->cursor_secret);
}

/* There is a way on where rows were left over, and a way back to where the client came from. */
static void take_cursors(struct listing *l)
{
    bool back = l->q.select.backwards;
    bool forth = back || l->page.more;
    bool before = back ? l->page.more : l->q.explicit_cursor;
    if (l->q.paging != PAGE_CURSOR)
        return;
    if (forth && l->last)
        l->page.next = cursor_at(l, l->last, false);
    if (before && l->first)
        l->page.prev = cursor_at(l, l->first, true);
}

/* Fills in the page. An empty list may be empty because its parent is not there. */
WAITS static int settle(struct listing *l, struct err *err)
{
    const struct resource *r = l->r;
    if (l->settled)
        return 0;
    bool proved = l->page.rows > 0 && !l->q.select.summary; /* numbers over no rows are a row too */
    if (r->relation && !l->parent && !proved)
        TRY(resource__parent(l->rq, r, err));
    TRY(take_total(l, err));
    if (!l->page.open)
        take_cursors(l);
    l->settled = true;
    resource__links(l->rq, r->set, &l->q, &l->page);
    return 0;
}

/* Sends what is there, the head before it when this is the first time. */
WAITS static int flush(struct listing *l, struct err *err)
{
    struct request *rq = l->rq;
    if (!rq->reply->started) {
        TRY(settle(l, err));
        TRY(reply_begin(rq, err));
    }
    TRY(reply_flush(rq, err));
    fiber_yield(); /* a fast client must not keep the loop from the others */
    return 0;
}

/* ---- rows straight from the engine ---- */

/* A copy of the row's values that make up its place in the order. On a helper thread too. */
static bool keep(struct listing *l, const struct value *cells, const struct value **out)
{
    const struct select *s = &l->q.select;
    struct arena *a = &l->rq->arena;
    struct value *copy = arena_try(a, s->column_count * sizeof *copy);
    for (size_t i = 0; copy && i < s->column_count; i++)
        copy[i] = value_null();
    for (size_t i = 0; copy && i < s->order_count; i++) {
        size_t at = resource__position(s, s->order[i].column);
        copy[at] = cells[at];
        if (cells[at].kind != V_TEXT && cells[at].kind != V_BYTES)
            continue;
        size_t len = cells[at].text.len;
        char *text = arena_try(a, len + 1);
        if (!text)
            return false;
        memcpy(text, cells[at].text.ptr, len);
        copy[at].text = str_make(text, len);
    }
    *out = copy;
    return copy != NULL;
}

/* Keeps what cursors will need of the row, the page's n-th. */
static bool keep_edge(struct listing *l, const struct value *cells, size_t n)
{
    if (l->q.paging != PAGE_CURSOR)
        return true;
    if (n == 1 && l->q.explicit_cursor && !keep(l, cells, &l->first))
        return false;
    return (int64_t)n != l->q.limit || keep(l, cells, &l->last);
}

static int take_row(void *ctx, const struct value *cells, size_t count)
{
    struct listing *l = ctx;
    struct buf *b = &l->rq->reply->body;
    (void)count;
    if ((int64_t)l->page.rows == l->q.limit) {
        l->page.more = true; /* one row over, which tells that there are more */
        return 0;
    }
    if (!keep_edge(l, cells, ++l->page.rows))
        return E_TOOBIG;
    if (l->page.rows > 1)
        buf_char(b, ',');
    render_shape(b, l->shape, cells);
    if (b->full)
        return E_TOOBIG;
    return b->len >= l->stream_at ? DB_PAUSE : 0;
}

WAITS static int put_plain(struct listing *l, struct err *err)
{
    const struct resource_set *s = l->r->set;
    struct request *rq = l->rq;
    struct stmt st = {0};
    struct db_cursor *cursor = NULL;
    TRY(sql_select(s->config->dialect, &rq->arena, &l->q.select, &st, err));
    struct row_taker to = {take_row, l};
    int code = resource__query(rq, s, &st, &to, &cursor, err);
    while (code == DB_PAUSE) {
        l->page.open = true;
        code = flush(l, err);
        if (code < 0 ||
            (rq->method == METHOD_HEAD && !rq->reply->held)) /* the head is all it asked for */
            break;
        code = db_next(cursor, take_row, l, err);
    }
    db_cursor_end(&cursor);
    /* With a word of its own it is the database that needs too much. */
    return code == E_TOOBIG && !err->word.len ? resource__full(err) : code;
}

/* ---- rows held in memory ---- */

static void turn_round(struct rows *r)
{
    for (size_t i = 0, j = r->count; i + 1 < j; i++) {
        struct value *up = &r->cells[i * r->cols], *down = &r->cells[--j * r->cols];
        for (size_t c = 0; c < r->cols; c++) {
            struct value cell = up[c];
            up[c] = down[c];
            down[c] = cell;
        }
    }
}

static void measure(struct listing *l, struct rows *rows)
{
    l->page.more = (int64_t)rows->count > l->q.limit;
    if (l->page.more)
        rows->count = (size_t)l->q.limit;
    if (l->q.select.backwards)
        turn_round(rows);
    l->page.rows = rows->count;
    if (!rows->count)
        return;
    l->first = rows_at(rows, 0, 0);
    l->last = rows_at(rows, rows->count - 1, 0);
}

WAITS static int put_held(struct listing *l, struct err *err)
{
    struct request *rq = l->rq;
    struct buf *b = &rq->reply->body;
    struct level level = {.select = &l->q.select, .shape = l->shape};
    size_t most = (size_t)l->q.select.limit;
    int code = resource__select(rq, l->r->set, level.select, most, &level.rows, err);
    if (code < 0)
        return code == E_TOOBIG && !err->word.len ? resource__full(err) : code;
    measure(l, &level.rows);
    TRY(resource__grow(rq, l->r->set, &level, err));
    TRY(settle(l, err));
    for (size_t i = 0; i < level.rows.count; i++) {
        if (i)
            buf_char(b, ',');
        resource__put_row(b, &level, i);
        if (b->full)
            return resource__full(err);
        if (b->len >= l->stream_at)
            TRY(flush(l, err));
    }
    return 0;
}

/* ---- the whole ---- */

/* The request, understood; for a sub-resource only the rows that hang on its parent. */
WAITS static int understand(struct listing *l, struct err *err)
{
    struct request *rq = l->rq;
    const struct resource *r = l->r;
    const struct resource_config *c = r->set->config;
    const struct query_param *params;
    size_t count;
    struct list_rules rules = {.limits = &c->limits, .secret = c->cursor_secret};
    if (c->cursor_former.len && clock_ns() < c->cursor_until)
        rules.former = c->cursor_former;
    TRY(resource__params(rq, &params, &count, err));
    if (r->relation) {
        struct value *local;
        TRY(resource__local(rq, r, &local, &l->parent, err));
        rules.scope = resource__scope(rq, r, local);
    }
    TRY(query_list(&rq->arena, r->table, params, count, &rules, &l->q, err));
    TRY(resource__guard(rq, r->set, &l->q.select, err));
    resource__speak(rq, r->set, &l->q.select);
    if (l->q.count != COUNT_EXACT) /* nothing but a row over can tell that there are more */
        l->q.select.limit = l->q.limit + 1;
    l->shape = resource__shape(&rq->arena, r->set, &l->q.select);
    l->stream_at = l->q.paging == PAGE_CURSOR ? CURSOR_STREAM_AT : STREAM_AT;
    if (rq->tx) /* an operation of a batch: its answer is part of another */
        l->stream_at = SIZE_MAX;
    return 0;
}

/* What came to light while the answer was on its way. */
static void settle_late(struct listing *l)
{
    l->page.open = false;
    total_least(l);
    take_cursors(l);
}

WAITS static int answer(struct listing *l, struct err *err)
{
    struct buf *b = &l->rq->reply->body;
    l->rq->reply->type = LIT("application/json");
    buf_lit(b, "{\"data\":[");
    if (l->q.select.include_count || l->q.select.backwards)
        TRY(put_held(l, err));
    else
        TRY(put_plain(l, err));
    TRY(settle(l, err));
    if (l->page.open)
        settle_late(l);
    resource__tail(b, &l->q, &l->page);
    resource__warn(b, resource__warned(&l->rq->arena, l->r->set, &l->q.select));
    return b->full ? resource__full(err) : 0;
}

int resource__list(struct request *rq, const void *data, struct err *err)
{
    struct resource copy;
    struct listing l = {.rq = rq, .r = data, .page = {.total = -1}};
    int code = resource__as(rq, data, ACTION_READ, &copy, &l.r, err);
    if (code == 0)
        code = understand(&l, err);
    if (code == 0)
        code = answer(&l, err);
    if (code < 0 && rq->reply->started)
        rq->reply->failed = true;
    return code;
}
