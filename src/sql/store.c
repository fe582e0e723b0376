/* store.c -- a value in the form in which its column's engine stores it.
 * SQLite has no booleans and no decimals: a boolean is 0 or 1, a numeric of at most 15 digits is
 * a number (integer when it has no fraction, else a double, which holds 15 digits exactly), a
 * wider one is text that the column's collation compares by value. What comes from the engine
 * itself (a cursor's cells, a parent's key) passes through unchanged. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

#include <stdlib.h>

static struct value number_of(struct arena *a, str digits)
{
    str text;
    int64_t i;
    if (str_to_i64(digits, &i))
        return value_int(i);
    if (decimal_canon(a, digits, 0, -1, &text) && str_to_i64(text, &i))
        return value_int(i);
    return value_float(strtod(arena_str(a, digits).ptr, NULL));
}

static struct value int_text(struct arena *a, int64_t i)
{
    struct text t;
    text__init(&t, a, 32);
    text__i64(&t, i);
    return value_text(text__done(&t));
}

static struct value store_lite(struct sql *b, const struct column *c, const struct value *v)
{
    switch (v->kind) {
    case V_BOOL:
        return value_int(v->truth);
    case V_NUM:
        if (c && c->decimal_text)
            return value_text(v->text);
        return number_of(b->arena, v->text);
    case V_INT:
        if (c && c->decimal_text)
            return int_text(b->arena, v->i);
        return *v;
    default:
        return *v;
    }
}

struct value sql__store(struct sql *b, const struct column *c, const struct value *v)
{
    if (v->kind == V_ARRAY || v->kind == V_OBJECT) {
        sql__fail(b, "a list or an object cannot be compared or stored here");
        return value_null();
    }
    if (b->dialect == DIALECT_SQLITE)
        return store_lite(b, c, v);
    return v->kind == V_NUM ? value_text(v->text) : *v;
}

struct value sql_stored(enum dialect d, const struct value *v)
{
    return d == DIALECT_SQLITE && v->kind == V_BOOL ? value_int(v->truth) : *v;
}
