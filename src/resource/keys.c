/* keys.c -- distinct tuples of values, to gather parents and to find them again. SPDX: Apache-2.0
 * Lives in a request's arena and never grows: its room is known from the rows that fill it. */
#include "resource/resource_priv.h"

void keyset_init(struct keyset *k, struct arena *a, size_t width, size_t most)
{
    size_t cap = 8;
    while (cap < most * 2)
        cap *= 2;
    *k = (struct keyset){.width = width, .cap = cap};
    k->list = ARENA_ARRAY(a, const struct value *, most);
    k->slots = ARENA_ARRAY(a, uint32_t, cap);
}

/* SQLite hands out a whole numeric as an integer or as a double, as it pleases. */
static struct value norm(const struct value *v)
{
    if (v->kind == V_FLOAT && v->f >= -9e15 && v->f <= 9e15 && v->f == (double)(int64_t)v->f)
        return value_int((int64_t)v->f);
    return *v;
}

static uint64_t value_hash(const struct value *v)
{
    struct value n = norm(v);
    uint64_t bits = 0;
    if (n.kind == V_INT)
        bits = (uint64_t)n.i;
    else if (n.kind == V_BOOL)
        bits = n.truth;
    else if (n.kind == V_FLOAT)
        memcpy(&bits, &n.f, sizeof bits);
    else
        return str_hash(n.text);
    bits ^= bits >> 32;
    bits *= 0x9E3779B97F4A7C15u;
    return bits ^ bits >> 29;
}

static bool same(const struct keyset *k, const struct value *a, const struct value *b)
{
    for (size_t i = 0; i < k->width; i++) {
        struct value x = norm(&a[i]), y = norm(&b[i]);
        if (!value_eq(&x, &y))
            return false;
    }
    return true;
}

/* The slot of the tuple, or the free one where it belongs; NULL for a tuple with a null. */
static uint32_t *slot_of(const struct keyset *k, const struct value *tuple)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < k->width; i++) {
        if (tuple[i].kind == V_NULL || tuple[i].kind >= V_ARRAY)
            return NULL;
        hash = hash * 31 + value_hash(&tuple[i]);
    }
    size_t at = hash & (k->cap - 1);
    while (k->slots[at] && !same(k, k->list[k->slots[at] - 1], tuple))
        at = (at + 1) & (k->cap - 1);
    return &k->slots[at];
}

size_t keyset_find(const struct keyset *k, const struct value *tuple)
{
    const uint32_t *slot = slot_of(k, tuple);
    return slot && *slot ? *slot - 1 : STR_NONE;
}

size_t keyset_add(struct keyset *k, const struct value *tuple)
{
    uint32_t *slot = slot_of(k, tuple);
    if (!slot)
        return STR_NONE;
    if (!*slot) {
        k->list[k->count++] = tuple;
        *slot = (uint32_t)k->count;
    }
    return *slot - 1;
}

struct value keyset_value(const struct keyset *k, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, k->count);
    for (size_t i = 0; i < k->count; i++) {
        if (k->width == 1) {
            items[i] = k->list[i][0];
            continue;
        }
        items[i] = (struct value){.kind = V_ARRAY, .count = (uint32_t)k->width};
        items[i].items = ARENA_ARRAY(a, struct value, k->width);
        memcpy(items[i].items, k->list[i], k->width * sizeof(struct value));
    }
    return (struct value){.kind = V_ARRAY, .count = (uint32_t)k->count, .items = items};
}
