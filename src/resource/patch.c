/* patch.c -- PATCH whose outcome depends on what is there: a merge patch that reaches into JSON, a
 * JSON Patch, any PATCH of a document. SPDX: Apache-2.0
 * The row is read and locked, changed here, and written back, all in one transaction: two patches
 * of different places in one JSON value both stay. The row is patched as the JSON object that a GET
 * shows; what differs afterwards is held to the columns as the body of a plain PATCH is.
 * Invariant: what is shown but cannot be set (the id, computed columns) may be tested and copied
 * from, and is refused where a patch changes it. */
#include "resource/guard.h"

struct patching {
    struct request *rq;
    const struct resource *r;
    const struct fixed *key;
    const struct patch_body *patch;
    struct rows rows; /* the row as it is then */
};

/* ---- which way ---- */

static bool is_media(struct request *rq, const char *media)
{
    str rest = request_header(rq, LIT("Content-Type"));
    return rest.ptr && str_eqi(str_trim(str_cut(&rest, ';')), str_of(media));
}

/* An object for a JSON column, which a merge patch goes into. */
static bool reaches_in(const struct table *t, const struct value *json)
{
    for (uint32_t i = 0; json->kind == V_OBJECT && i < json->count; i++) {
        const struct column *c = table_column(t, json->fields[i].name);
        if (c && c->type == TYPE_JSON && json->fields[i].value.kind == V_OBJECT)
            return true;
    }
    return false;
}

enum patch_form resource__patch_form(struct request *rq, const struct resource *r,
                                     const struct value *json)
{
    /* An operation of a batch has no media type of its own; an array can only be operations. */
    bool list = rq->given && json->kind == V_ARRAY;
    if (list || (!rq->given && is_media(rq, "application/json-patch+json")))
        return PATCH_OPERATIONS;
    if (r->table->document)
        return PATCH_MERGE;
    bool merge = !rq->given && is_media(rq, "application/merge-patch+json");
    return merge && reaches_in(r->table, json) ? PATCH_MERGE : PATCH_PLAIN;
}

/* ---- the row as JSON, before and after ---- */

static size_t room_of(const struct table *t, const struct value *cells)
{
    size_t room = 64;
    for (size_t i = 0; i < t->column_count; i++) {
        bool text = cells[i].kind == V_TEXT || cells[i].kind == V_BYTES || cells[i].kind == V_NUM;
        room += (t->columns[i].name.len + 64) * 6 + (text ? cells[i].text.len * 6 : 0);
    }
    return room;
}

static int shown(struct patching *p, const struct value *cells, struct value *out, struct err *err)
{
    struct arena *a = &p->rq->arena;
    const struct table *t = p->r->table;
    size_t room = room_of(t, cells);
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    size_t count;
    const struct column **columns = resource__visible(a, t, &count);
    render_row(&b, columns, count, resource__open_cells(a, t, cells));
    if (b.full)
        return fail(err, E_TOOBIG, "the row is too large to be patched");
    return json_parse(a, buf_view(&b), &json_limits_default, out, err);
}

/* A merge patch reaches into JSON columns; other columns hold one value. */
static struct value merged(struct patching *p, const struct value *row)
{
    const struct table *t = p->r->table;
    struct arena *a = &p->rq->arena;
    const struct value *patch = p->patch->json;
    if (t->document || patch->kind != V_OBJECT)
        return json_merge(a, row, patch);
    struct value out = *patch;
    out.fields = ARENA_ARRAY(a, struct member, patch->count);
    for (uint32_t i = 0; i < patch->count; i++) {
        const struct member *m = &patch->fields[i];
        const struct column *c = table_column(t, m->name);
        const struct value *old = value_get(row, m->name);
        bool inner = c && old && c->type == TYPE_JSON && m->value.kind == V_OBJECT;
        out.fields[i] = *m;
        if (inner)
            out.fields[i].value = json_merge(a, old, &m->value);
    }
    return out;
}

/* ---- what a JSON Patch made of a table's row ---- */

static bool set_by_column(const struct table *t, const struct value *next, const struct member *was)
{
    const struct value *now = value_get(next, was->name);
    return table_column(t, was->name) && !(now && json_same(now, &was->value));
}

/* The members that differ; one that is gone is null. */
static struct value differences(struct arena *a, const struct table *t, const struct value *row,
                                const struct value *next)
{
    struct value out = {.kind = V_OBJECT};
    out.fields = ARENA_ARRAY(a, struct member, (size_t)row->count + next->count);
    for (uint32_t i = 0; i < row->count; i++) {
        const struct value *now = value_get(next, row->fields[i].name);
        if (set_by_column(t, next, &row->fields[i]))
            out.fields[out.count++] =
                (struct member){row->fields[i].name, now ? *now : value_null()};
    }
    for (uint32_t i = 0; i < next->count; i++) {
        if (!value_get(row, next->fields[i].name))
            out.fields[out.count++] = next->fields[i];
    }
    return out;
}

/* The id and the times of a document stay. */
static int same_frame(struct patching *p, const struct value *row, const struct value *next,
                      struct err *err)
{
    const struct table *t = p->r->table;
    for (size_t i = 0; i < t->column_count; i++) {
        str name = t->columns[i].name;
        const struct value *was = value_get(row, name), *now = value_get(next, name);
        if (&t->columns[i] == t->document || (now && json_same(was, now)))
            continue;
        struct err_item *item = ARENA_NEW(&p->rq->arena, struct err_item);
        *item = (struct err_item){.field = name,
                                  .pointer = resource__pointer(&p->rq->arena, ROW_NONE, name),
                                  .code = LIT("read_only")};
        item->message = arena_printf(&p->rq->arena, "'%.*s' cannot be changed", STR_ARG(name));
        fail(err, E_INVALID, "%.*s", STR_ARG(item->message));
        err->items = item;
        err->item_count = 1;
        return E_INVALID;
    }
    return 0;
}

/* ---- one transaction ---- */

WAITS static int read_locked(struct patching *p, struct rows *out, struct err *err)
{
    struct select sel = {.table = p->r->table, .limit = -1, .lock = true};
    sel.columns = all_columns(&p->rq->arena, p->r->table);
    sel.column_count = sel.shown = p->r->table->column_count;
    sel.where = resource__granted(&p->rq->arena, p->r,
                                  resource__key_cond(&p->rq->arena, p->key->key, p->key->values));
    TRY(resource__select(p->rq, p->r->set, &sel, 1, out, err));
    return out->count ? 0 : resource__untouched(p->rq, p->r, p->key->values, ACTION_UPDATE, err);
}

/* What the row becomes, as the body of a write. */
static int next_body(struct patching *p, const struct value *row, struct body *out, struct err *err)
{
    const struct table *t = p->r->table;
    struct arena *a = &p->rq->arena;
    struct value next;
    if (p->patch->form == PATCH_MERGE)
        next = merged(p, row);
    else
        TRY(json_patch(a, row, p->patch->json, &next, err));
    if (next.kind != V_OBJECT)
        return fail(err, E_INVALID, "the patch must leave an object; it leaves: %s",
                    value_kind_name(next.kind));
    if (t->document) {
        TRY(same_frame(p, row, &next, err));
        return resource__take(a, t, &next, BODY_REPLACE, p->key, out, err);
    }
    if (p->patch->form == PATCH_OPERATIONS)
        next = differences(a, t, row, &next);
    return resource__take(a, t, &next, BODY_PATCH, p->key, out, err);
}

WAITS static int read_change_write(struct patching *p, struct err *err)
{
    struct rows before = {0};
    struct value row;
    struct body body;
    TRY(read_locked(p, &before, err));
    TRY(shown(p, before.cells, &row, err));
    TRY(next_body(p, &row, &body, err));
    TRY(resource__change_row(p->rq, p->r, false, p->key, &body, &p->rows, err));
    if (!p->rows.count)
        p->rows = before;
    return 0;
}

WAITS static int in_block(void *ctx, struct db_tx *tx, struct err *err)
{
    struct patching *p = ctx;
    p->rq->tx = tx;
    int code = read_change_write(p, err);
    p->rq->tx = NULL;
    return code;
}

int resource__patch_row(struct request *rq, const struct resource *r, const struct fixed *key,
                        const struct patch_body *patch, struct err *err)
{
    struct patching p = {.rq = rq, .r = r, .key = key, .patch = patch};
    struct db_block block = {.body = in_block, .ctx = &p};
    if (rq->tx)
        TRY(read_change_write(&p, err));
    else
        TRY(db_transact(r->set->db, NULL, &block, err));
    resource__shown_row(rq, r, p.rows.cells);
    return 0;
}
