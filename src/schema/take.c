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
    if (in->kind == V_NULL) {
        *out = *in;
        return c->nullable || schema__fault(fault, LIT("required"), LIT("must not be null"));
    }
    /* JavaScript cannot write every bigint or decimal: a string that holds the number will do. */
    bool exact = c->type == TYPE_INT8 || c->type == TYPE_NUMERIC;
    if (exact && in->kind == V_TEXT && schema__is_number(in->text))
        from_text = true;
    return takers[c->type](c, a, in, from_text, out, fault);
}
