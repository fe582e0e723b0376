/* map.c -- text to pointer: linear probing, backward-shift deletion, load at most 3/4.
 * SPDX: Apache-2.0 */
#include "base/map.h"

#include "base/bug.h"
#include "base/mem.h"

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_fini(struct map *m)
{
    mem_free(m->slots);
    map_init(m);
}

void map_within(struct map *m, struct arena *a, size_t count)
{
    map_init(m);
    if (!count)
        return;
    for (m->cap = 4; 4 * (count + 1) > 3 * m->cap;)
        m->cap *= 2;
    m->slots = ARENA_ARRAY(a, struct map_slot, m->cap);
}

static struct map_slot *probe(const struct map *m, str key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    while (m->slots[i].key.ptr) {
        if (m->slots[i].hash == hash && str_eq(m->slots[i].key, key))
            break;
        i = (i + 1) & (m->cap - 1);
    }
    return &m->slots[i];
}

static void grow(struct map *m)
{
    struct map old = *m;
    m->cap = old.cap ? old.cap * 2 : 16;
    m->slots = mem_zero(m->cap, sizeof *m->slots);
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i].key.ptr)
            *probe(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    }
    mem_free(old.slots);
}

void *map_set(struct map *m, str key, void *value)
{
    BUG_ON(!value || !key.ptr);
    if (4 * (m->count + 1) > 3 * m->cap)
        grow(m);
    uint64_t hash = str_hash(key);
    struct map_slot *slot = probe(m, key, hash);
    void *before = slot->key.ptr ? slot->value : NULL;
    if (!slot->key.ptr) {
        *slot = (struct map_slot){.key = key, .hash = hash};
        m->count++;
    }
    slot->value = value;
    return before;
}

void *map_get(const struct map *m, str key)
{
    if (!m->count || !key.ptr)
        return NULL;
    const struct map_slot *slot = probe(m, key, str_hash(key));
    return slot->key.ptr ? slot->value : NULL;
}

void *map_cut(struct map *m, str key)
{
    if (!m->count)
        return NULL;
    struct map_slot *slot = probe(m, key, str_hash(key));
    if (!slot->key.ptr)
        return NULL;
    void *value = slot->value;
    size_t hole = (size_t)(slot - m->slots), mask = m->cap - 1;
    for (size_t i = (hole + 1) & mask; m->slots[i].key.ptr; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct map_slot){0};
    m->count--;
    return value;
}

bool map_next(const struct map *m, size_t *at, const struct map_slot **slot)
{
    while (*at < m->cap) {
        *slot = &m->slots[(*at)++];
        if ((*slot)->key.ptr)
            return true;
    }
    return false;
}
