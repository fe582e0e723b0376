/* precondition.c -- If-Match and its like, held against the row that is to be changed.
 * SPDX: Apache-2.0
 * The row is read as a GET shows it to this caller, and locked (SQLite has one writer), in the
 * transaction that changes it: between look and change nobody comes in, and no update is lost.
 * RFC 9110, 13.2.1: a request that would fail anyway fails as it would, not with 412. */
#include "resource/guard.h"

/* The row with all columns; NULL when there is none that the caller may read. */
WAITS static int look(struct request *rq, const struct resource *r, const struct value *id,
                      const struct value **cells, struct err *err)
{
    struct select sel = {.table = r->table, .limit = -1, .lock = true};
    struct resource reader;
    struct rows rows = {0};
    *cells = NULL;
    sel.columns = all_columns(&rq->arena, r->table);
    sel.column_count = sel.shown = r->table->column_count;
    sel.where = resource__key_cond(&rq->arena, &r->table->primary, id);
    if (!resource__also(rq, r, ACTION_READ, &reader))
        return 0;
    sel.where = resource__granted(&rq->arena, &reader, sel.where);
    TRY(resource__select(rq, r->set, &sel, 1, &rows, err));
    *cells = rows.count ? rows.cells : NULL;
    return 0;
}

/* The answer's buffer is lent for what a GET would put into it. */
static int judge(struct request *rq, const struct resource *r, const struct value *cells,
                 struct err *err)
{
    struct buf *b = &rq->reply->body;
    struct validators v = {.there = cells != NULL};
    if (cells && r->file) {
        v.etag = resource__file_tag(rq, r, cells);
        v.there = v.etag.len > 0;
        v.kind = ETAG_FOREIGN;
    } else if (cells) {
        buf_clear(b);
        render_shape(b, resource__tagged_shape(rq, r),
                     resource__open_cells(&rq->arena, r->table, cells));
        resource__warn(b, resource__warned_row(r->set, r->table));
        if (b->full)
            return resource__full(err);
        v.etag = resource__etag(rq, r, buf_view(b));
        v.changed_s = resource__changed(r->table, cells);
        buf_clear(b);
    }
    return request_condition(rq, &v, err);
}

/* Is there a row that the caller may change? */
WAITS static int may_change(struct request *rq, const struct resource *r, const struct value *id,
                            enum action act, struct err *err)
{
    struct select sel = {.table = r->table, .limit = 1};
    struct rows rows = {0};
    sel.columns = r->table->primary.columns;
    sel.column_count = sel.shown = r->table->primary.count;
    sel.where =
        resource__granted(&rq->arena, r, resource__key_cond(&rq->arena, &r->table->primary, id));
    TRY(resource__select(rq, r->set, &sel, 1, &rows, err));
    return rows.count ? 0 : resource__untouched(rq, r, id, act, err);
}

/* What is not there cannot be locked: that a PUT with If-None-Match makes its row, and does not
 * replace one that somebody else made meanwhile, is for put.c to see to. */
int resource__precondition(struct request *rq, const struct resource *r, enum action act,
                           bool *only_new, struct err *err)
{
    struct err failed = {0};
    const struct value *cells;
    struct value *id;
    TRY(resource__id(rq, r->set, r->table, &id, err));
    TRY(look(rq, r, id, &cells, err));
    int code = judge(rq, r, cells, &failed);
    bool makes = rq->method == METHOD_PUT && !r->file && r->table->put_creates && !cells;
    bool limited = code == E_PRECONDITION && r->grant && r->grant->where;
    if (!makes && (!cells || limited))
        TRY(may_change(rq, r, id, act, err));
    *only_new = makes && request_header(rq, LIT("If-None-Match")).ptr;
    if (code < 0)
        *err = failed;
    return code < 0 ? code : 0;
}
