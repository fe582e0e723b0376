/* types.c -- types of parameters: their names, their values, and how an engine takes these.
 * SPDX: Apache-2.0
 * A value is held to a struct column as if it were written to one, so it is checked, and put into
 * the engine's form, by the same code as a body of a table. A list goes to SQLite as JSON, to
 * PostgreSQL as an array. */
#include "query/query_priv.h"

#include <stdlib.h>

static const struct {
    const char *name;
    enum type type;
} names[] = {
    {"text", TYPE_TEXT},
    {"varchar", TYPE_TEXT},
    {"character varying", TYPE_TEXT},
    {"char", TYPE_TEXT},
    {"integer", TYPE_INT4},
    {"int", TYPE_INT4},
    {"int4", TYPE_INT4},
    {"bigint", TYPE_INT8},
    {"int8", TYPE_INT8},
    {"smallint", TYPE_INT2},
    {"int2", TYPE_INT2},
    {"boolean", TYPE_BOOL},
    {"bool", TYPE_BOOL},
    {"numeric", TYPE_NUMERIC},
    {"decimal", TYPE_NUMERIC},
    {"double precision", TYPE_FLOAT8},
    {"float8", TYPE_FLOAT8},
    {"real", TYPE_FLOAT4},
    {"float4", TYPE_FLOAT4},
    {"date", TYPE_DATE},
    {"time", TYPE_TIME},
    {"timestamptz", TYPE_TIMESTAMP},
    {"timestamp", TYPE_TIMESTAMP},
    {"timestamp with time zone", TYPE_TIMESTAMP},
    {"timestamp without time zone", TYPE_TIMESTAMP},
    {"uuid", TYPE_UUID},
    {"jsonb", TYPE_JSON},
    {"json", TYPE_JSON},
    {"bytea", TYPE_BYTES},
};

static const char *nearest(str text)
{
    const char *list[COUNT_OF(names)];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        list[i] = names[i].name;
    if (str_is(text, "string") || str_is(text, "str"))
        return "text";
    if (str_is(text, "number") || str_is(text, "money"))
        return "numeric";
    if (str_is(text, "float") || str_is(text, "double"))
        return "double precision";
    if (str_is(text, "datetime"))
        return "timestamptz";
    return str_nearest(text, list, COUNT_OF(names));
}

/* "(10,2)" */
static bool sizes(str text, struct column *out)
{
    int64_t first, second = 0;
    if (text.len < 3 || text.ptr[text.len - 1] != ')')
        return false;
    str rest = str_make(text.ptr + 1, text.len - 2), one = str_cut(&rest, ',');
    if (!str_to_i64(one, &first) || first < 1 || first > 100000 ||
        (rest.ptr && (!str_to_i64(rest, &second) || second < 0 || second > first)))
        return false;
    if (out->type == TYPE_TEXT && !rest.ptr)
        out->length = (int)first;
    else if (out->type == TYPE_NUMERIC && first <= 1000)
        out->precision = (int)first, out->scale = (int)second;
    else
        return false;
    return true;
}

bool query__type(str text, struct column *out, bool *list, const char **near)
{
    *out = (struct column){.scale = -1, .min_length = -1, .max_length = -1};
    *list = str_ends(text, LIT("[]"));
    if (*list)
        text = str_upto(text, text.len - 2);
    size_t paren = str_find(text, '('), i = 0;
    str base = str_upto(text, paren);
    while (i < COUNT_OF(names) && !str_is(base, names[i].name))
        i++;
    *near = i < COUNT_OF(names) ? NULL : nearest(base);
    if (i == COUNT_OF(names))
        return false;
    out->type = names[i].type;
    if (paren != STR_NONE && !sizes(str_from(text, paren), out))
        return false;
    return !*list || (out->type != TYPE_BYTES && out->type != TYPE_JSON);
}

/* ---- values ---- */

static bool take_item(const struct query__param *p, struct arena *a, const struct value *in,
                      bool from_text, struct value *out, struct value_fault *fault)
{
    struct column c = p->column;
    c.nullable = c.nullable && !p->list;
    return column_take(&c, a, in, from_text, out, fault);
}

/* A text is split at its commas. */
static struct value split(struct arena *a, str text)
{
    struct value out = {.kind = V_ARRAY};
    size_t count = text.len ? 1 : 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == ',';
    out.items = ARENA_ARRAY(a, struct value, count);
    for (; count; count--)
        out.items[out.count++] = value_text(str_cut(&text, ','));
    return out;
}

static bool not_a_list(struct value_fault *fault)
{
    *fault = (struct value_fault){LIT("type"), LIT("must be an array")};
    return false;
}

bool query__take(const struct query__param *p, struct arena *a, const struct value *in,
                 bool from_text, struct value *out, struct value_fault *fault)
{
    struct value list = *in;
    if (!p->list || in->kind == V_NULL)
        return column_take(&p->column, a, in, from_text, out, fault);
    from_text = from_text || value_is_loose(in);
    if (from_text && in->kind == V_TEXT)
        list = split(a, in->text);
    if (list.kind != V_ARRAY)
        return not_a_list(fault);
    *out = (struct value){.kind = V_ARRAY, .count = list.count};
    out->items = ARENA_ARRAY(a, struct value, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        if (!take_item(p, a, &list.items[i], from_text, &out->items[i], fault))
            return false;
    return true;
}

/* ---- binding ---- */

/* SQLite compares and computes with numbers: exact up to 15 digits, wider ones as text. */
static struct value number_of(struct arena *a, str digits)
{
    enum { EXACT = 15 };
    size_t count = 0;
    str canon = digits;
    int64_t i;
    decimal_canon(a, digits, 0, -1, &canon);
    if (str_to_i64(canon, &i))
        return value_int(i);
    for (size_t k = 0; k < canon.len; k++)
        count += ascii_digit(canon.ptr[k]) && (count || canon.ptr[k] != '0');
    return count > EXACT ? value_text(canon) : value_float(strtod(arena_str(a, canon).ptr, NULL));
}

static struct value lite(struct arena *a, const struct value *v)
{
    if (v->kind == V_BOOL)
        return value_int(v->truth);
    return v->kind == V_NUM ? number_of(a, v->text) : *v;
}

/* Frees b before an arena that is full ends the request. */
static struct value keep(struct arena *a, struct buf *b)
{
    size_t len = b->len;
    char *copy = arena_try(a, len + 1);
    if (copy && len)
        memcpy(copy, b->ptr, len);
    buf_fini(b);
    if (!copy)
        copy = arena_new(a, len + 1);
    return value_text(str_make(copy, len));
}

static struct value json_list(struct arena *a, const struct value *v)
{
    struct buf b;
    struct value list = *v;
    list.items = ARENA_ARRAY(a, struct value, v->count);
    for (uint32_t i = 0; i < v->count; i++)
        list.items[i] = lite(a, &v->items[i]);
    buf_init(&b, 64 << 20);
    json_value(&b, &list);
    return keep(a, &b);
}

/* {"a","b\"c",NULL} */
static struct value array_text(struct arena *a, const struct value *v)
{
    struct buf b, one;
    buf_init(&b, 64 << 20);
    buf_init(&one, 64 << 20);
    buf_char(&b, '{');
    for (uint32_t i = 0; i < v->count; i++) {
        const struct value *x = &v->items[i];
        buf_clear(&one);
        if (x->kind == V_TEXT || x->kind == V_NUM)
            buf_str(&one, x->text);
        else
            json_value(&one, x);
        buf_str(&b, i ? LIT(",\"") : LIT("\""));
        for (size_t k = 0; k < one.len; k++) {
            if (one.ptr[k] == '"' || one.ptr[k] == '\\')
                buf_char(&b, '\\');
            buf_char(&b, one.ptr[k]);
        }
        buf_char(&b, '"');
    }
    buf_char(&b, '}');
    buf_fini(&one);
    return keep(a, &b);
}

struct value query__bind(enum dialect d, struct arena *a, const struct value *v)
{
    if (v->kind == V_ARRAY)
        return d == DIALECT_SQLITE ? json_list(a, v) : array_text(a, v);
    if (d == DIALECT_SQLITE)
        return lite(a, v);
    return v->kind == V_NUM ? value_text(v->text) : *v;
}
