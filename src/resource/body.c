/* body.c -- a body (JSON, a form, XML) to the columns of a table, checked against the catalog
 * before the database sees it. SPDX: Apache-2.0 Invariants: (1) All faulty fields are told at once,
 * at most FAULTS_MOST of them. (2) A row that is taken holds for each given column the value as the
 * engine stores it. What a client read may be sent back: a PUT may hold the key of the path and
 * computed columns, whatever these say (they follow from the others). POST and PATCH, which name
 * only what is meant, may not hold a computed column. A JSON column is one value: a PATCH replaces
 * it as a whole. (3) An empty field of a form or of XML is the empty text where the column holds
 * texts; for other columns it was not sent, but in a PATCH it is null. */
#include "render/negotiate.h"
#include "resource/body_priv.h"

enum { FAULTS_MOST = 100, NAME_SHOWN = 100 };

/* ---- faults ---- */

/* At most `most` bytes of s, whole characters. */
static str clip(str s, size_t most)
{
    if (s.len <= most)
        return s;
    while (most && ((unsigned char)s.ptr[most] & 0xC0) == 0x80)
        most--;
    return str_upto(s, most);
}

str resource__pointer(struct arena *a, size_t row, str field)
{
    size_t room = field.len * 2 + 32;
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    if (row != ROW_NONE) {
        buf_char(&b, '/');
        buf_u64(&b, row);
    }
    if (field.ptr)
        buf_char(&b, '/');
    for (size_t i = 0; i < field.len; i++) {
        if (field.ptr[i] == '~')
            buf_lit(&b, "~0");
        else if (field.ptr[i] == '/')
            buf_lit(&b, "~1");
        else
            buf_char(&b, field.ptr[i]);
    }
    return buf_view(&b);
}

void body__fault(struct taker *k, str field, str code, str message)
{
    if (k->count == FAULTS_MOST)
        return;
    if (!k->items)
        k->items = ARENA_ARRAY(k->arena, struct err_item, FAULTS_MOST);
    k->items[k->count++] = (struct err_item){.field = field,
                                             .pointer = resource__pointer(k->arena, k->row, field),
                                             .code = code,
                                             .message = message};
}

static const char *nearest(const struct taker *k, str name)
{
    const struct table *t = k->table;
    const char **names = ARENA_ARRAY(k->arena, const char *, t->column_count);
    size_t count = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        if (!table_closed(t, i))
            names[count++] = arena_str(k->arena, t->columns[i].name).ptr;
    }
    return str_nearest(name, names, count);
}

static void fault_unknown(struct taker *k, str name)
{
    const char *near = nearest(k, name);
    str table = k->table->name, field = arena_str(k->arena, clip(name, NAME_SHOWN));
    str text =
        arena_printf(k->arena, "'%.*s' is no field of %.*s%s%s%s", STR_ARG(field), STR_ARG(table),
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    body__fault(k, field, LIT("unknown_field"), text);
}

/* Fills err from what was gathered. */
static int complain(const struct taker *k, struct err *err)
{
    if (!k->count)
        return 0;
    str first = k->items[0].message;
    if (k->count == 1)
        fail(err, E_INVALID, "%.*s", STR_ARG(first));
    else
        fail(err, E_INVALID, "%s%zu values are not valid; the first: %.*s",
             k->count == FAULTS_MOST ? "at least " : "", k->count, STR_ARG(first));
    err->items = k->items;
    err->item_count = k->count;
    return E_INVALID;
}

/* ---- one row ---- */

const struct value *body__fixed(const struct fixed *f, const struct column *c)
{
    for (size_t i = 0; f && f->key && i < f->key->count; i++) {
        if (f->key->columns[i] == c)
            return &f->values[i];
    }
    return NULL;
}

/* Also when one of them comes from the engine, which has fewer kinds of values. */
bool body__same(struct arena *a, const struct column *c, const struct value *x,
                const struct value *y)
{
    str text[2];
    const struct value *both[2] = {x, y};
    if (value_eq(x, y))
        return true;
    for (size_t i = 0; i < 2; i++) {
        bool long_text = both[i]->kind == V_TEXT || both[i]->kind == V_BYTES;
        size_t room = 512 + (long_text || both[i]->kind == V_NUM ? both[i]->text.len * 6 : 0);
        struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
        render_cell(&b, c, both[i]);
        text[i] = buf_view(&b);
    }
    return str_eq(text[0], text[1]);
}

/* ---- {"$inc": n}: what a number becomes depends on what it is ---- */

/* The n of a column that counts, else NULL: elsewhere an object is a value like others. */
static const struct value *step_of(const struct column *c, const struct value *v)
{
    bool counts = c->type == TYPE_INT2 || c->type == TYPE_INT4 || c->type == TYPE_INT8 ||
                  c->type == TYPE_FLOAT4 || c->type == TYPE_FLOAT8 || c->type == TYPE_NUMERIC;
    bool step = counts && v->kind == V_OBJECT && v->count == 1;
    return step && str_is(v->fields[0].name, "$inc") ? &v->fields[0].value : NULL;
}

/* The bounds of the column hold for the sum, which only the database knows. */
static void take_step(struct taker *k, const struct column *c, const struct value *step,
                      struct body_row *row)
{
    struct column any = *c;
    struct value_fault wrong;
    any.has_min = any.has_max = any.nullable = false;
    any.recast = RECAST_NONE;
    if (c->decimal_text)
        body__fault(
            k, c->name, LIT("type"),
            arena_printf(k->arena,
                         "'%.*s' has more digits than the database can add; write the new value",
                         STR_ARG(c->name)));
    else if (!column_take(&any, k->arena, step, false, &row->cells[c->index], &wrong))
        body__fault(
            k, c->name, wrong.code,
            arena_printf(k->arena, "'%.*s' %.*s", STR_ARG(c->name), STR_ARG(wrong.message)));
    row->added[c->index] = true;
}

/* What a rule gives the column, or NULL. */
const struct value *body__preset(const struct taker *k, const struct column *c)
{
    const struct grant *g = k->fixed ? k->fixed->grant : NULL;
    for (size_t i = 0; g && i < g->preset_count; i++) {
        if (g->presets[i].column->index == c->index) /* the model's, of the same table */
            return &g->presets[i].value;
    }
    return NULL;
}

static bool closed(const struct taker *k, const struct column *c)
{
    const struct grant *g = k->fixed ? k->fixed->grant : NULL;
    return g && g->closed && g->closed[c->index];
}

static void take_presets(const struct taker *k, struct body_row *row)
{
    const struct grant *g = k->fixed ? k->fixed->grant : NULL;
    for (size_t i = 0; g && i < g->preset_count; i++) {
        row->cells[g->presets[i].column->index] = g->presets[i].value;
        row->given[g->presets[i].column->index] = true;
    }
}

/* ---- files ---- */

/* A file comes as one, or null takes it away. A PUT may hold what a GET showed: the file stays. */
static void take_file(struct taker *k, const struct column *c, const struct value *v,
                      struct body_row *row)
{
    struct upload *u = upload_given(v);
    if (u) {
        u->used = true;
        row->cells[c->index] = value_text(upload_text(k->arena, u));
    } else if (v->kind == V_OBJECT && k->kind == BODY_REPLACE) {
        row->given[c->index] = false;
        row->added[c->index] = true;
    } else if (v->kind != V_NULL) {
        body__fault(
            k, c->name, LIT("type"),
            arena_printf(k->arena,
                         "'%.*s' is a file; send it in multipart/form-data, or with PUT to the "
                         "address of the row with /%.*s behind it",
                         STR_ARG(c->name), STR_ARG(c->name)));
    } else if (!c->nullable) {
        body__fault(k, c->name, LIT("required"),
                    arena_printf(k->arena, "'%.*s' must not be null", STR_ARG(c->name)));
    }
}

static void take_member(struct taker *k, const struct member *m, struct body_row *row)
{
    const struct column *c = table_column(k->table, m->name);
    struct value cell, null = value_null();
    struct value_fault wrong;
    if (!c && k->table->warns && str_is(m->name, "_warnings"))
        return; /* of an answer that is sent back */
    if (!c) {
        fault_unknown(k, m->name);
        return;
    }
    bool blank = column_blank(c, &m->value);
    if (body__preset(k, c) || (blank && k->kind != BODY_PATCH))
        return;
    const struct value *want = body__fixed(k->fixed, c);
    if (closed(k, c) && !want) {
        body__fault(k, c->name, LIT("read_only"),
                    arena_printf(k->arena, "'%.*s' cannot be set by you", STR_ARG(c->name)));
        return;
    }
    if (c->generated) {
        if (k->kind != BODY_REPLACE)
            body__fault(
                k, c->name, LIT("read_only"),
                arena_printf(k->arena, "'%.*s' is computed and cannot be set", STR_ARG(c->name)));
        return;
    }
    if (UNLIKELY(column_made(c))) {
        body__made(k, c, &m->value, row);
        return;
    }
    if (UNLIKELY(row->given[c->index] && k->table->model && !want && !body__agrees(k, c, m, row)))
        return;
    row->given[c->index] = !want || k->kind == BODY_CREATE; /* a faulty one is not missing */
    if (c->file) {
        take_file(k, c, blank ? &null : &m->value, row);
        return;
    }
    const struct value *step = k->kind == BODY_PATCH && !want ? step_of(c, &m->value) : NULL;
    if (step) {
        take_step(k, c, step, row);
        return;
    }
    if (!column_take(c, k->arena, blank ? &null : &m->value, false, &cell, &wrong))
        body__fault(
            k, c->name, wrong.code,
            arena_printf(k->arena, "'%.*s' %.*s", STR_ARG(c->name), STR_ARG(wrong.message)));
    else if (!want)
        row->cells[c->index] = cell;
    else if (!body__same(k->arena, c, want, &cell))
        body__fault(k, c->name, LIT("read_only"),
                    arena_printf(k->arena, "'%.*s' is given by the path and cannot differ from it",
                                 STR_ARG(c->name)));
}

static void find_missing(struct taker *k, const struct body_row *row)
{
    for (size_t i = 0; i < k->table->column_count; i++) {
        const struct column *c = &k->table->columns[i];
        if (row->given[i] || (c->file && row->added[i]) || c->nullable || c->has_default ||
            c->generated || column_made(c) || body__fixed(k->fixed, c) ||
            (k->kind == BODY_REPLACE && (closed(k, c) || !resource__told(k->table, i))))
            continue;
        str name = body__name(k->table, c);
        body__fault(k, name, LIT("required"),
                    arena_printf(k->arena, "'%.*s' is required", STR_ARG(name)));
    }
}

/* ---- a row of a collection ---- */

static bool own_column(const struct table *t, str name)
{
    const struct column *c = table_column(t, name);
    return c && c != t->document;
}

/* All members but the id and the times are the document. A new one without an id gets one that
 * sorts by time. */
static void take_document(struct taker *k, const struct value *json, struct body_row *row)
{
    const struct table *t = k->table;
    const struct column *id = &t->columns[COLLECTION_ID], *doc = t->document;
    struct value rest = {.kind = V_OBJECT}, text;
    struct value_fault wrong;
    rest.fields = ARENA_ARRAY(k->arena, struct member, json->count);
    for (uint32_t i = 0; i < json->count; i++) {
        if (own_column(t, json->fields[i].name))
            take_member(k, &json->fields[i], row);
        else
            rest.fields[rest.count++] = json->fields[i];
    }
    if (!column_take(doc, k->arena, &rest, false, &text, &wrong))
        body__fault(k, (str){0}, wrong.code, wrong.message);
    else if (text.text.len > t->collection->max_size)
        k->too_big = true;
    row->cells[doc->index] = text;
    row->given[doc->index] = true;
    if (k->kind != BODY_CREATE || row->given[id->index])
        return;
    char *made = arena_new(k->arena, 36);
    uuid_v7(made);
    row->cells[id->index] = value_text(str_make(made, 36));
    row->given[id->index] = true;
}

static void take_row(struct taker *k, const struct value *json, struct body_row *row)
{
    const struct fixed *f = k->fixed;
    if (json->kind != V_OBJECT) {
        body__fault(k, (str){0}, LIT("type"),
                    arena_printf(k->arena, "row %zu is no object; found: %s", k->row,
                                 value_kind_name(json->kind)));
        k->items[k->count - 1].field = str_from(k->items[k->count - 1].pointer, 1);
        return;
    }
    take_presets(k, row);
    for (size_t i = 0; f && f->key && i < f->key->count; i++) {
        row->cells[f->key->columns[i]->index] = f->values[i];
        row->given[f->key->columns[i]->index] = k->kind == BODY_CREATE;
    }
    if (k->table->document) {
        take_document(k, json, row);
        return;
    }
    for (uint32_t i = 0; i < json->count && k->count < FAULTS_MOST; i++)
        take_member(k, &json->fields[i], row);
    if (UNLIKELY(k->table->model != NULL)) {
        body__parts(k, row);
        if (k->kind != BODY_PATCH)
            resource__fill(k->table, k->kind == BODY_CREATE, row);
    }
    if (k->kind != BODY_PATCH)
        find_missing(k, row);
}

/* ---- all of it ---- */

static struct body_row *rows_new(struct arena *a, size_t count, size_t columns)
{
    struct body_row *rows = ARENA_ARRAY(a, struct body_row, count);
    struct value *cells = ARENA_ARRAY(a, struct value, count * columns);
    bool *given = ARENA_ARRAY(a, bool, count *columns), *added = ARENA_ARRAY(a, bool, columns);
    for (size_t i = 0; i < count; i++) /* only a PATCH adds, and that has one row */
        rows[i] = (struct body_row){cells + i * columns, given + i * columns, added};
    return rows;
}

int resource__take(struct arena *a, const struct table *t, const struct value *json,
                   enum body_kind kind, const struct fixed *fixed, struct body *out,
                   struct err *err)
{
    struct taker k = {.arena = a, .table = t, .kind = kind, .fixed = fixed, .row = ROW_NONE};
    bool array = json->kind == V_ARRAY && kind == BODY_CREATE;
    size_t count = array ? json->count : 1;
    if (!array && json->kind != V_OBJECT)
        return fail(err, E_INVALID, "the body must be a JSON object%s; found: %s",
                    kind == BODY_CREATE ? " or an array of objects" : "",
                    value_kind_name(json->kind));
    struct body body = {.rows = rows_new(a, count, t->column_count), .count = count};
    body.array = array;
    for (size_t i = 0; i < count && k.count < FAULTS_MOST; i++) {
        if (array)
            k.row = i;
        take_row(&k, array ? &json->items[i] : json, &body.rows[i]);
    }
    TRY(complain(&k, err));
    if (k.too_big)
        return fail(err, E_TOOBIG, "a document of %.*s has %llu bytes at most", STR_ARG(t->name),
                    (unsigned long long)t->collection->max_size);
    *out = body;
    return 0;
}

/* ---- the request's half ---- */

int resource__json(struct request *rq, enum body_kind kind, struct value *out, struct err *err)
{
    static const unsigned takes[] = {
        [BODY_CREATE] = TAKES_FIELDS | TAKES_MULTIPART | TAKES_KINDS,
        [BODY_REPLACE] = TAKES_FIELDS | TAKES_MULTIPART | TAKES_KINDS,
        [BODY_PATCH] = TAKES_FIELDS | TAKES_MULTIPART | TAKES_PATCHES,
    };
    return body_read(rq, takes[kind], &json_limits_default, out, err);
}

int resource__body(struct request *rq, const struct resource *r, enum body_kind kind,
                   const struct fixed *fixed, struct body *out, struct err *err)
{
    struct value json;
    int64_t most = r->set->config->max_bulk;
    TRY(resource__json(rq, kind, &json, err));
    if (json.kind == V_ARRAY && (int64_t)json.count > most)
        return fail(err, E_TOOBIG, "at most %lld rows at once; the body has %u", (long long)most,
                    json.count);
    return resource__take(&rq->arena, r->table, &json, kind, fixed, out, err);
}
