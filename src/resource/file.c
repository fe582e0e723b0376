/* file.c -- GET, PUT and DELETE of the file in a column of one row, and GET of a column's bytes.
 * SPDX: Apache-2.0
 * A file is read by who may read its row and column. PUT and DELETE are changes of the row that
 * write this one column: rules, preconditions and what the database refuses are those of PATCH.
 * Preconditions are held against the file, whose tag is its checksum. */
#include "resource/guard.h"

/* ---- what is there ---- */

void resource__file_places(struct row_shape *shape, struct arena *a, const struct resource_set *s,
                           const struct table *t, const struct shape_cells *cells)
{
    bool any = false;
    for (size_t i = 0; i < shape->count && !any; i++)
        any = shape->columns[i]->file != NULL;
    if (!any || !t->primary.count)
        return;
    str prefix = s->config->prefix, url = s->config->public_url;
    size_t room = url.len + prefix.len + t->name.len * 3 + 2;
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    buf_str(&b, url);
    buf_str(&b, prefix);
    buf_char(&b, '/');
    url_encode(&b, t->name);
    row_shape_key(shape, a, buf_view(&b), &t->primary, cells);
}

static bool file_of(const struct value *v, struct file_value *out)
{
    return v->kind == V_TEXT && file_value_get(v->text, out);
}

static str tag_of(struct request *rq, const struct file_value *f)
{
    return arena_str(&rq->arena, f->sha256); /* with its quotes it is one */
}

str resource__file_tag(struct request *rq, const struct resource *r, const struct value *cells)
{
    struct file_value f;
    return file_of(&cells[r->file->index], &f) ? tag_of(rq, &f) : (str){"", 0};
}

static int none(struct request *rq, const struct resource *r, struct err *err)
{
    str noun = resource__noun(r->set, r->table);
    (void)rq;
    return fail(err, E_NOTFOUND, "there is no file; this %.*s has none as its '%.*s'",
                STR_ARG(noun), STR_ARG(r->file->name));
}

/* ---- GET ---- */

/* The cell of r->file, as far as the caller may read it. */
WAITS static int cell_of(struct request *rq, const void *data, struct resource *copy,
                         const struct resource **out, const struct value **cell, struct err *err)
{
    const struct resource *r;
    struct rows rows = {0};
    struct value *id;
    TRY(resource__no_params(rq, err));
    TRY(resource__as(rq, data, ACTION_READ, copy, &r, err));
    if (table_closed(r->table, r->file->index))
        return none(rq, r, err);
    TRY(resource__id(rq, r->set, r->table, &id, err));
    const struct column *wanted = r->file;
    struct select sel = {.table = r->table, .limit = 1};
    sel.columns = &wanted;
    sel.column_count = sel.shown = 1;
    sel.where = resource__key_cond(&rq->arena, &r->table->primary, id);
    TRY(resource__guard(rq, r->set, &sel, err));
    TRY(resource__select(rq, r->set, &sel, 1, &rows, err));
    if (!rows.count)
        return resource__missing(rq, r->set, r->table, err);
    *out = r;
    *cell = rows.cells;
    return 0;
}

int resource__file_get(struct request *rq, const void *data, struct err *err)
{
    struct resource copy;
    const struct resource *r;
    const struct value *cell;
    struct file_value f;
    TRY(cell_of(rq, data, &copy, &r, &cell, err));
    return file_of(cell, &f) ? resource__file_send(rq, r, &f, err) : none(rq, r, err);
}

int resource__bytes_get(struct request *rq, const void *data, struct err *err)
{
    struct resource copy;
    const struct resource *r;
    const struct value *cell;
    TRY(cell_of(rq, data, &copy, &r, &cell, err));
    bool there = cell->kind == V_BYTES || cell->kind == V_TEXT;
    return there ? resource__bytes_send(rq, r, cell->text, err) : none(rq, r, err);
}

/* ---- PUT and DELETE ---- */

/* The answer tells of the file, not of the row. */
static void answer(struct request *rq, const struct resource *r, struct value *id, size_t headers)
{
    struct upload *u = rq->uploads;
    struct reply *reply = rq->reply;
    size_t count = r->table->primary.count;
    const struct column **columns = ARENA_ARRAY(&rq->arena, const struct column *, count + 1);
    struct value *cells = ARENA_ARRAY(&rq->arena, struct value, count + 1);
    struct row_shape shape;
    reply->header_count = headers;
    buf_clear(&reply->body);
    columns[0] = r->file;
    cells[0] = value_text(upload_text(&rq->arena, u));
    for (size_t i = 0; i < count; i++) {
        columns[i + 1] = r->table->primary.columns[i];
        cells[i + 1] = id[i];
    }
    row_shape_init(&shape, &rq->arena, columns, 1);
    shape.leads = ARENA_ARRAY(&rq->arena, str, 1); /* the object alone, not as a member */
    shape.close = LIT("");
    resource__file_places(&shape, &rq->arena, r->set, r->table,
                          &(struct shape_cells){columns, count + 1});
    render_shape(&reply->body, &shape, cells);
    reply->type = LIT("application/json");
    reply->status = u->replaces ? 200 : 201;
    reply_header(reply, LIT("ETag"), arena_printf(&rq->arena, "\"%s\"", u->sha256));
}

int resource__file_put(struct request *rq, const void *data, struct err *err)
{
    const struct resource *r = data;
    size_t headers = rq->reply->header_count;
    struct value *id;
    TRY(resource__patch(rq, data, err));
    TRY(resource__id(rq, r->set, r->table, &id, err));
    answer(rq, r, id, headers);
    return 0;
}

int resource__file_remove(struct request *rq, const void *data, struct err *err)
{
    const struct resource *r = data;
    struct value *v = ARENA_NEW(&rq->arena, struct value);
    size_t headers = rq->reply->header_count;
    *v = (struct value){.kind = V_OBJECT, .count = 1};
    v->fields = ARENA_NEW(&rq->arena, struct member);
    v->fields[0] = (struct member){r->file->name, value_null()};
    rq->plain = LIT("null");
    resource__formed(rq, v);
    TRY(resource__patch(rq, data, err));
    rq->reply->header_count = headers;
    buf_clear(&rq->reply->body);
    rq->reply->type = (str){NULL, 0};
    rq->reply->status = 204;
    return 0;
}
