/* value.c -- looking into values, comparing and copying them. SPDX: Apache-2.0
 * Recursion is as deep as the value: json_parse bounds that, and code that builds values itself
 * builds flat ones. */
#include "data/data.h"

const char *value_kind_name(enum value_kind kind)
{
    static const char *const names[] = {
        [V_NULL] = "null",    [V_BOOL] = "boolean", [V_INT] = "number",
        [V_FLOAT] = "number", [V_NUM] = "number",   [V_TEXT] = "string",
        [V_BYTES] = "bytes",  [V_ARRAY] = "array",  [V_OBJECT] = "object",
    };
    return names[kind];
}

const struct value *value_get(const struct value *v, str name)
{
    if (v->kind != V_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < v->count; i++) {
        if (str_eq(v->fields[i].name, name))
            return &v->fields[i].value;
    }
    return NULL;
}

str value_get_text(const struct value *v, const char *name)
{
    const struct value *m = value_get(v, str_of(name));
    return m && m->kind == V_TEXT ? m->text : (str){0};
}

bool value_has_text(const struct value *v)
{
    return v->kind == V_TEXT || v->kind == V_BYTES || v->kind == V_NUM;
}

/* Names are unique, so equal counts and every member of a found in b are enough. */
static bool object_eq(const struct value *a, const struct value *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const struct member *m = &a->fields[i];
        const struct value *other =
            str_eq(b->fields[i].name, m->name) ? &b->fields[i].value : value_get(b, m->name);
        if (!other || !value_eq(&m->value, other))
            return false;
    }
    return true;
}

static bool array_eq(const struct value *a, const struct value *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (!value_eq(&a->items[i], &b->items[i]))
            return false;
    }
    return true;
}

bool value_eq(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case V_NULL:
        return true;
    case V_BOOL:
        return a->truth == b->truth;
    case V_INT:
        return a->i == b->i;
    case V_FLOAT: /* by bits: 0 and -0 differ, a NaN is itself */
        // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
        return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case V_NUM:
    case V_TEXT:
    case V_BYTES:
        return str_eq(a->text, b->text);
    case V_ARRAY:
        return a->count == b->count && array_eq(a, b);
    case V_OBJECT:
        return a->count == b->count && object_eq(a, b);
    }
    return false;
}

struct value value_copy(struct arena *a, const struct value *v)
{
    struct value copy = *v;
    switch (v->kind) {
    case V_NULL:
    case V_BOOL:
    case V_INT:
    case V_FLOAT:
        break;
    case V_NUM:
    case V_TEXT:
    case V_BYTES:
        copy.text = arena_str(a, v->text);
        break;
    case V_ARRAY:
        copy.items = ARENA_ARRAY(a, struct value, v->count);
        for (uint32_t i = 0; i < v->count; i++)
            copy.items[i] = value_copy(a, &v->items[i]);
        break;
    case V_OBJECT:
        copy.fields = ARENA_ARRAY(a, struct member, v->count);
        for (uint32_t i = 0; i < v->count; i++) {
            copy.fields[i].name = arena_str(a, v->fields[i].name);
            copy.fields[i].value = value_copy(a, &v->fields[i].value);
        }
        break;
    }
    return copy;
}
