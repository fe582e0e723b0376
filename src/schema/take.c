/* take.c -- a value of a body, a query string or a path against a column. SPDX: Apache-2.0
 * Every way in goes through here, so what the engine stores has one form a type, and texts, indexes
 * and answers agree on it. A message is what stands behind the field's name: "must be ...".
 * JSON is strict: "1" is no number. Text has no types, so there the column's type decides. */
#include "schema/schema_priv.h"

bool schema__fault(struct value_fault *fault, str code, str message)
{
    *fault = (struct value_fault){.code = code, .message = message};
    return false;
}

bool schema__not_a(const struct value *in, bool from_text, struct arena *a, const char *what,
                   struct value_fault *fault)
{
    static const char *const kinds[] = {
        [V_NULL] = "null",      [V_BOOL] = "a boolean", [V_INT] = "a number",
        [V_FLOAT] = "a number", [V_NUM] = "a number",   [V_TEXT] = "a string",
        [V_BYTES] = "a string", [V_ARRAY] = "an array", [V_OBJECT] = "an object",
    };
    bool same = in->kind == V_INT || in->kind == V_NUM || in->kind == V_FLOAT;
    same = from_text || (same && strstr(what, "number"));
    str message = same ? arena_printf(a, "must be %s", what)
                       : arena_printf(a, "must be %s, not %s", what, kinds[in->kind]);
    return schema__fault(fault, LIT("type"), message);
}

static bool take_bool(const struct column *c, struct arena *a, const struct value *in,
                      bool from_text, struct value *out, struct value_fault *fault)
{
    (void)c;
    *out = *in;
    if (from_text && (str_is(in->text, "true") || str_is(in->text, "false"))) {
        *out = value_bool(str_is(in->text, "true"));
        return true;
    }
    if (!from_text && in->kind == V_BOOL)
        return true;
    return schema__not_a(in, from_text, a, "true or false", fault);
}

/* ---- JSON ---- */

enum { JSON_MOST = 1 << 30 };

/* The text goes through a buf on the heap: it is freed before a full arena ends the request. */
static bool take_json(const struct column *c, struct arena *a, const struct value *in,
                      bool from_text, struct value *out, struct value_fault *fault)
{
    struct value parsed = *in;
    struct err err = {0};
    struct buf b;
    if (from_text && json_parse(a, in->text, &json_limits_default, &parsed, &err) < 0)
        return schema__fault(fault, LIT("format"), arena_printf(a, "must be JSON: %s", err.text));
    if (c->array.len && parsed.kind != V_ARRAY)
        return schema__fault(fault, LIT("type"), LIT("must be a list"));
    buf_init(&b, JSON_MOST);
    json_value(&b, &parsed);
    if (b.full) {
        buf_fini(&b);
        return schema__fault(fault, LIT("length"), LIT("must be shorter"));
    }
    size_t len = b.len;
    char *to = arena_try(a, len + 1);
    if (to) {
        memcpy(to, b.ptr, len);
        to[len] = '\0';
    }
    buf_fini(&b);
    if (!to)
        to = arena_new(a, len + 1); /* ends the request */
    *out = value_text(str_make(to, len));
    return true;
}

/* ---- texts without a type: of forms and XML ---- */

static bool is_text(const struct column *c)
{
    return c->type == TYPE_TEXT && !c->label_count;
}

bool column_blank(const struct column *c, const struct value *in)
{
    return value_is_loose(in) && !in->text.len && !is_text(c);
}

/* What a JSON column makes of a text: JSON if it looks like that, else the text itself. */
static bool looks_like_json(str s)
{
    bool word = str_is(s, "true") || str_is(s, "false") || str_is(s, "null");
    return word || schema__is_number(s) || (s.len && memchr("{[\"", s.ptr[0], 3));
}

/* Items of an array that PostgreSQL keeps as one: numbers and booleans are sent as texts. */
static struct value take_items(const struct column *c, struct arena *a, const struct value *in)
{
    bool texts = str_is(c->array, "text") || str_starts(c->array, LIT("character"));
    struct value out = {.kind = V_ARRAY, .count = in->count};
    out.items = ARENA_ARRAY(a, struct value, in->count);
    for (uint32_t i = 0; i < in->count; i++) {
        const struct value *item = &in->items[i];
        struct err err = {0};
        out.items[i] = *item;
        if (!texts && value_is_loose(item) && looks_like_json(item->text) &&
            json_parse(a, item->text, &json_limits_default, &out.items[i], &err) < 0)
            out.items[i] = *item;
    }
    return out;
}

static bool take_loose_json(const struct column *c, struct arena *a, const struct value *in,
                            struct value *out, struct value_fault *fault)
{
    struct value list;
    if (in->kind == V_TEXT && looks_like_json(in->text) &&
        (!c->array.len || in->text.ptr[0] == '['))
        return take_json(c, a, in, true, out, fault);
    list = *in;
    if (c->array.len && in->kind == V_TEXT)
        list = (struct value){.kind = V_ARRAY, .count = 1, .items = (struct value *)(uintptr_t)in};
    if (c->array.len)
        list = take_items(c, a, &list);
    return take_json(c, a, &list, false, out, fault);
}

/* What a checkbox sends, and blanks round what is no text. */
static struct value plain_text(const struct column *c, const struct value *in)
{
    str s = is_text(c) ? in->text : str_strip(in->text);
    if (c->type == TYPE_BOOL && (str_is(s, "on") || str_is(s, "1")))
        s = LIT("true");
    if (c->type == TYPE_BOOL && (str_is(s, "off") || str_is(s, "0")))
        s = LIT("false");
    return value_text(s);
}

/* ---- all types ---- */

typedef bool take_fn(const struct column *c, struct arena *a, const struct value *in,
                     bool from_text, struct value *out, struct value_fault *fault);

static take_fn *const takers[TYPE__COUNT] = {
    [TYPE_BOOL] = take_bool,
    [TYPE_INT2] = schema__take_int,
    [TYPE_INT4] = schema__take_int,
    [TYPE_INT8] = schema__take_int,
    [TYPE_FLOAT4] = schema__take_float,
    [TYPE_FLOAT8] = schema__take_float,
    [TYPE_NUMERIC] = schema__take_numeric,
    [TYPE_TEXT] = schema__take_string,
    [TYPE_UUID] = schema__take_string,
    [TYPE_DATE] = schema__take_string,
    [TYPE_TIME] = schema__take_string,
    [TYPE_TIMESTAMP] = schema__take_string,
    [TYPE_JSON] = take_json,
    [TYPE_BYTES] = schema__take_string,
    [TYPE_ENUM] = schema__take_string,
};

bool column_take(const struct column *c, struct arena *a, const struct value *in, bool from_text,
                 struct value *out, struct value_fault *fault)
{
    struct value loose;
    if (in->kind == V_NULL) {
        *out = *in;
        return c->nullable || schema__fault(fault, LIT("required"), LIT("must not be null"));
    }
    bool list = in->kind == V_ARRAY && c->array.len && in->count && value_is_loose(in->items);
    if (c->type == TYPE_JSON && (value_is_loose(in) || list))
        return take_loose_json(c, a, in, out, fault);
    if (value_is_loose(in)) {
        loose = plain_text(c, in);
        in = &loose;
        from_text = true;
    }
    if (UNLIKELY(c->recast != RECAST_NONE))
        return schema__take_recast(c, a, in, from_text, out, fault);
    /* JavaScript cannot write every bigint or decimal: a string that holds the number will do. */
    bool exact = c->type == TYPE_INT8 || c->type == TYPE_NUMERIC;
    if (exact && in->kind == V_TEXT && schema__is_number(in->text))
        from_text = true;
    return takers[c->type](c, a, in, from_text, out, fault);
}
