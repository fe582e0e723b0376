/* one.c -- GET of one row. SPDX: Apache-2.0
 * The usual case, all columns of a row by its id, is the hot path: the statement is ready since
 * start, the id is its only value, and the row goes from the engine's memory into the answer's
 * buffer without a stop in between. Nothing is taken from the heap. */
#include "resource/guard.h"

struct sink {
    struct buf *body;
    const struct row_shape *shape;
    bool found;
    const struct column *modified;
    size_t changed_at; /* the cell that tells when the row was changed last, or STR_NONE */
    int64_t changed_s;
};

/* May run on a helper thread. */
static int take_row(void *ctx, const struct value *cells, size_t count)
{
    struct sink *s = ctx;
    (void)count;
    if (s->found) /* a relation onto a column that is not unique: the first row stands for it */
        return 0;
    s->found = true;
    render_shape(s->body, s->shape, cells);
    if (s->changed_at != STR_NONE)
        s->changed_s = resource__time(s->modified, &cells[s->changed_at]);
    return s->body->full ? E_TOOBIG : 0;
}

/* Where the shape shows when a row was changed last. */
static size_t changed_at(const struct resource *r, const struct row_shape *shape)
{
    if (LIKELY(!r->table->modified))
        return STR_NONE;
    for (size_t i = 0; i < shape->count; i++)
        if (shape->columns[i] == r->table->modified)
            return shape->from ? shape->from[i].at : i;
    return STR_NONE;
}

/* Puts the row of st into the answer. */
WAITS static int put_plain(struct request *rq, const struct resource *r, const struct stmt *st,
                           const struct row_shape *shape, bool *found, struct err *err)
{
    struct sink s = {.body = &rq->reply->body,
                     .shape = shape,
                     .modified = r->table->modified,
                     .changed_at = changed_at(r, shape)};
    struct row_taker to = {take_row, &s};
    int code = resource__query(rq, r->set, st, &to, NULL, err);
    if (s.body->full)
        return resource__full(err);
    *found = s.found;
    rq->reply->changed_s = s.changed_s;
    return code;
}

/* The same with related rows in it. */
WAITS static int put_grown(struct request *rq, const struct resource *r, const struct select *sel,
                           bool *found, struct err *err)
{
    struct level level = {.select = sel};
    level.shape = resource__shape(&rq->arena, r->set, sel);
    TRY(resource__select(rq, r->set, sel, 1, &level.rows, err));
    *found = level.rows.count > 0;
    if (!*found)
        return 0;
    TRY(resource__grow(rq, r->set, &level, err));
    resource__put_row(&rq->reply->body, &level, 0);
    resource__warn(&rq->reply->body, resource__warned(&rq->arena, r->set, sel));
    return rq->reply->body.full ? resource__full(err) : 0;
}

int resource__show(struct request *rq, const struct resource *r, const struct select *sel,
                   bool *found, struct err *err)
{
    struct stmt st = {0};
    rq->reply->type = LIT("application/json");
    if (sel->include_count)
        return put_grown(rq, r, sel, found, err);
    TRY(sql_select(r->set->config->dialect, &rq->arena, sel, &st, err));
    TRY(put_plain(rq, r, &st, resource__shape(&rq->arena, r->set, sel), found, err));
    resource__warn(&rq->reply->body, resource__warned(&rq->arena, r->set, sel));
    return 0;
}

/* The whole row, by a statement that was made before. */
WAITS static int put_ready(struct request *rq, const struct resource *r, const struct stmt *st,
                           bool *found, struct err *err)
{
    const struct resource_set *s = r->set;
    rq->reply->type = LIT("application/json");
    TRY(put_plain(rq, r, st, &s->shapes[r->table - s->schema->tables], found, err));
    resource__warn(&rq->reply->body, resource__warned_row(s, r->table));
    return 0;
}

int resource__one(struct request *rq, const void *data, struct err *err)
{
    struct resource copy;
    const struct resource *r = &copy;
    struct value *id, *binds;
    struct stmt st;
    bool found = false;
    bool ready = resource__as_ready(rq, data, &copy, &st, &binds);
    if (!ready)
        TRY(resource__as(rq, data, ACTION_READ, &copy, &r, err));
    const struct resource_set *s = r->set;
    TRY(resource__id(rq, s, r->table, &id, err));
    if (ready) {
        memcpy(binds, id, r->table->primary.count * sizeof *binds);
        TRY(put_ready(rq, r, &st, &found, err));
    } else if (LIKELY(r->one_ready && !rq->query.len && !r->table->tongue_count)) {
        st = r->one;
        st.binds = id;
        TRY(put_ready(rq, r, &st, &found, err));
    } else {
        struct select sel;
        TRY(resource__shown(rq, r, &sel, err));
        sel.where = resource__key_cond(&rq->arena, &r->table->primary, id);
        TRY(resource__guard(rq, s, &sel, err));
        resource__speak(rq, s, &sel);
        TRY(resource__show(rq, r, &sel, &found, err));
    }
    if (!r->table->view)
        reply_header(rq->reply, LIT("Accept-Patch"), LIT(PATCH_TYPES));
    return found ? 0 : resource__missing(rq, s, r->table, err);
}
