/* Any text as the body of each kind of write: what is refused is told soundly, and a row that is
 * taken, shown as JSON and taken again is the same row. */
#include "../unit/resource/thing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_faults(const struct err *err, int code)
{
    BUG_ON(err->code != code || code != E_INVALID || !err->text[0]);
    BUG_ON(err->item_count > 100);
    for (size_t i = 0; i < err->item_count; i++) {
        const struct err_item *e = &err->items[i];
        BUG_ON(!e->code.len || !e->message.len || !str_utf8(e->message) || !str_utf8(e->field));
        BUG_ON(!e->pointer.len && e->field.len);
        BUG_ON(e->pointer.len && e->pointer.ptr[0] != '/');
    }
}

static void check_row(const struct body_row *row, enum body_kind kind)
{
    for (size_t i = 0; i < THING_COLUMNS; i++) {
        const struct column *c = &thing_columns[i];
        BUG_ON(row->given[i] && c->generated);
        BUG_ON(row->given[i] && !c->nullable && row->cells[i].kind == V_NULL);
        BUG_ON(kind != BODY_PATCH && !row->given[i] && !c->nullable && !c->has_default);
        BUG_ON(row->cells[i].kind >= V_ARRAY);
    }
}

static void show(struct buf *b, const struct body_row *row)
{
    const char *lead = "{";
    for (size_t i = 0; i < THING_COLUMNS; i++) {
        if (!row->given[i])
            continue;
        buf_str(b, str_of(lead));
        json_text(b, thing_columns[i].name);
        buf_char(b, ':');
        render_cell(b, &thing_columns[i], &row->cells[i]);
        lead = ",";
    }
    buf_str(b, lead[0] == '{' ? LIT("{}") : LIT("}"));
}

static void check_again(struct arena *a, const struct table *t, const struct body_row *row)
{
    struct buf b;
    struct value json;
    struct body again;
    struct err err = {0};
    buf_init(&b, 1 << 24);
    show(&b, row);
    BUG_ON(b.full);
    BUG_ON(json_parse(a, buf_view(&b), &json_limits_default, &json, &err) < 0);
    BUG_ON(resource__take(a, t, &json, BODY_PATCH, NULL, &again, &err) < 0);
    for (size_t i = 0; i < THING_COLUMNS; i++) {
        BUG_ON(again.rows[0].given[i] != row->given[i]);
        BUG_ON(row->given[i] && !value_eq(&again.rows[0].cells[i], &row->cells[i]));
    }
    buf_fini(&b);
}

static void try_kind(struct arena *a, const struct table *t, const struct value *json,
                     enum body_kind kind)
{
    struct body body;
    struct err err = {0};
    int code = resource__take(a, t, json, kind, NULL, &body, &err);
    if (code < 0) {
        check_faults(&err, code);
        return;
    }
    BUG_ON(err.code != 0 || (!body.array && body.count != 1));
    for (size_t i = 0; i < body.count; i++)
        check_row(&body.rows[i], kind);
    if (body.count)
        check_again(a, t, &body.rows[body.count - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct table things;
    struct arena a;
    struct value json;
    struct err err = {0};
    if (!things.columns)
        things = thing_new();
    arena_init(&a, 1 << 28);
    if (json_parse(&a, str_make((const char *)data, size), &json_limits_default, &json, &err) == 0)
        for (int kind = BODY_CREATE; kind <= BODY_PATCH; kind++)
            try_kind(&a, &things, &json, (enum body_kind)kind);
    arena_reset(&a);
    return 0;
}
