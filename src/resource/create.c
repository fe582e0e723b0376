/* create.c -- POST: one row or many, also below a parent whose key the path gives.
 * SPDX: Apache-2.0
 * Rows that follow each other share one INSERT as long as they leave out the same columns with a
 * default; any other column that a row leaves out is null for it, which is what leaving out means.
 * So rows are made, and numbered by a counter, in the order of the body. Both engines give the rows
 * of RETURNING in the order of VALUES.
 * When an INSERT of several rows is refused, all are tried again with a statement for each: the
 * database then tells the row; and if it has nothing against them any more, they are made.
 * Invariants: (1) All rows or none. (2) Once they are made, the answer is a 2xx. */
#include "resource/guard.h"

enum { VALUES_MOST = 30000 }; /* of one statement */

struct batch {
    struct db_write *list;
    size_t *first; /* position in the body of a statement's first row */
    size_t count, failed;
    bool each; /* a statement for each row */
};

/* ---- rows to statements ---- */

static bool same_defaults(const struct table *t, const struct body_row *a, const struct body_row *b)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].has_default && a->given[i] != b->given[i])
            return false;
    }
    return true;
}

static bool any_given(const struct table *t, const struct body_row *row)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (row->given[i])
            return true;
    }
    return false;
}

/* The end of the rows from `first` on that go into one statement. A row without any value needs
 * one of its own (DEFAULT VALUES). */
static size_t group_end(const struct table *t, const struct body *body, size_t first, bool each)
{
    size_t end = first + 1, most = VALUES_MOST / (t->column_count ? t->column_count : 1);
    const struct body_row *rows = body->rows;
    if (each || !any_given(t, &rows[first]))
        return end;
    while (end < body->count && end - first < most && any_given(t, &rows[end]) &&
           same_defaults(t, &rows[first], &rows[end]))
        end++;
    return end;
}

/* The columns that any of the rows gives. */
static size_t columns_of(struct arena *a, const struct table *t, const struct body_row *rows,
                         size_t count, const struct column ***out)
{
    size_t used = 0;
    *out = arena_new(a, t->column_count * sizeof **out);
    for (size_t c = 0; c < t->column_count; c++) {
        bool given = false;
        for (size_t i = 0; i < count && !given; i++)
            given = rows[i].given[c];
        if (given)
            (*out)[used++] = &t->columns[c];
    }
    return used;
}

static int insert(struct request *rq, const struct resource *r, const struct body_row *rows,
                  size_t count, struct stmt *out, struct err *err)
{
    struct arena *a = &rq->arena;
    struct insert in = {.table = r->table, .row_count = count};
    in.column_count = columns_of(a, r->table, rows, count, &in.columns);
    struct value *values = arena_new(a, in.column_count * count * sizeof *values);
    in.values = values;
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < in.column_count; c++) /* a cell that is not given is null */
            *values++ = rows[i].cells[in.columns[c]->index];
    }
    in.returning = all_columns(a, r->table);
    in.returning_count = r->table->column_count;
    return sql_insert(r->set->config->dialect, a, &in, out, err);
}

WAITS static int insert_all(struct request *rq, const struct resource *r, const struct body *body,
                            struct batch *b, struct err *err)
{
    b->list = ARENA_ARRAY(&rq->arena, struct db_write, body->count);
    b->first = ARENA_ARRAY(&rq->arena, size_t, body->count);
    b->count = b->failed = 0;
    for (size_t at = 0; at < body->count;) {
        size_t end = group_end(r->table, body, at, b->each);
        TRY(insert(rq, r, &body->rows[at], end - at, &b->list[b->count].st, err));
        b->first[b->count++] = at;
        at = end;
    }
    return b->count ? resource__write(rq, r->set, b->list, b->count, &b->failed, err) : 0;
}

/* ---- failures ---- */

static bool violated(int code)
{
    return code == E_UNIQUE || code == E_CHECK || code == E_PARENT;
}

/* Makes the rows; fails with what the database has against which of them. */
WAITS static int make(struct request *rq, const struct resource *r, const struct body *body,
                      struct batch *b, struct err *err)
{
    struct err refused = {0};
    int code = insert_all(rq, r, body, b, &refused);
    if (violated(code) && b->count < body->count) {
        b->each = true;
        refused = (struct err){0};
        code = insert_all(rq, r, body, b, &refused);
    }
    if (code == 0)
        return 0;
    *err = refused;
    return violated(code) ? resource__refused(rq, r, body, b->first[b->failed], err) : code;
}

/* ---- the answer ---- */

/* An answer too big for its room goes out without a body: what was written stays written. */
static void fit(struct reply *reply)
{
    if (!reply->body.full)
        return;
    buf_clear(&reply->body);
    reply->type = (str){0};
    if (reply->status == 200)
        reply->status = 204;
}

void resource__shown_row(struct request *rq, const struct resource *r, const struct value *cells)
{
    struct reply *reply = rq->reply;
    if (r->file) /* the answer tells of the file: file.c */
        return;
    reply->type = LIT("application/json");
    render_shape(&reply->body, &r->set->shapes[r->table - r->set->schema->tables],
                 resource__open_cells(&rq->arena, r->table, cells));
    resource__warn(&reply->body, resource__warned_row(r->set, r->table));
    fit(reply);
    resource__tag(rq, r, cells);
}

static void show_many(struct request *rq, const struct resource *r, const struct batch *b)
{
    struct buf *out = &rq->reply->body;
    const struct row_shape *shape = &r->set->shapes[r->table - r->set->schema->tables];
    const char *lead = "{\"data\":[";
    for (size_t i = 0; i < b->count; i++) {
        const struct rows *rows = &b->list[i].rows;
        for (size_t row = 0; row < rows->count; row++) {
            buf_str(out, str_of(lead));
            render_shape(out, shape,
                         resource__open_cells(&rq->arena, r->table, rows_at(rows, row, 0)));
            lead = ",";
        }
    }
    buf_str(out, b->count ? LIT("]}") : LIT("{\"data\":[]}"));
    resource__warn(out, resource__warned_row(r->set, r->table));
    rq->reply->type = LIT("application/json");
    fit(rq->reply);
}

static void show_one(struct request *rq, const struct resource *r, const struct value *cells)
{
    const struct key *key = &r->table->primary;
    struct value *id = ARENA_ARRAY(&rq->arena, struct value, key->count);
    for (size_t i = 0; i < key->count; i++)
        id[i] = cells[key->columns[i]->index];
    if (key->count)
        reply_header(rq->reply, LIT("Location"), resource__location(rq, r->set, r->table, id));
    resource__shown_row(rq, r, cells);
}

/* ---- the endpoint ---- */

/* The foreign key of a sub-resource's rows. */
WAITS static int below(struct request *rq, const struct resource *r, struct fixed *out,
                       struct err *err)
{
    struct value *values = NULL;
    bool asked;
    TRY(resource__local(rq, r, &values, &asked, err));
    *out = (struct fixed){&r->relation->remote, values, r->grant};
    for (size_t i = 0; i < out->key->count; i++) {
        str column = r->relation->local.columns[i]->name;
        if (values[i].kind == V_NULL)
            return fail_field(err, E_CONFLICT, LIT("conflict"), column,
                              "nothing can point to this row; its '%.*s' is null", STR_ARG(column));
    }
    return 0;
}

int resource__make(struct request *rq, const struct resource *r, const struct body *body,
                   struct rows *out, struct err *err)
{
    struct batch batch = {0};
    TRY(make(rq, r, body, &batch, err));
    *out = batch.list[0].rows;
    rq->reply->status = 201;
    show_one(rq, r, batch.list[0].rows.cells);
    return 0;
}

WAITS static int create(struct request *rq, const struct resource *r, struct err *err)
{
    struct fixed fixed = {.grant = r->grant};
    struct body body;
    struct batch batch = {0};
    TRY(resource__no_params(rq, err));
    if (r->relation)
        TRY(below(rq, r, &fixed, err));
    TRY(resource__body(rq, r, BODY_CREATE, &fixed, &body, err));
    TRY(make(rq, r, &body, &batch, err));
    for (size_t i = 0; i < batch.count; i++)
        TRY(resource__verify(rq, r, &batch.list[i].rows, ACTION_CREATE, err));
    rq->reply->status = 201;
    if (body.array)
        show_many(rq, r, &batch);
    else
        show_one(rq, r, batch.list[0].rows.cells);
    return 0;
}

int resource__create(struct request *rq, const void *data, struct err *err)
{
    struct resource copy;
    const struct resource *r;
    TRY(resource__as(rq, data, ACTION_CREATE, &copy, &r, err));
    return resource__guarded(rq, r, create, err);
}
