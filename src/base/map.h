/* map.h -- text to pointer, open addressing. SPDX: Apache-2.0
 * Keys are borrowed: they must live as long as the map. */
#ifndef CAIRN_BASE_MAP_H
#define CAIRN_BASE_MAP_H

#include "base/arena.h"

struct map_slot {
    str key; /* key.ptr NULL: free */
    uint64_t hash;
    void *value;
};

struct map {
    struct map_slot *slots;
    size_t cap, count;
};

void map_init(struct map *m); /* takes no memory until first use */
void map_fini(struct map *m);
/* A map in a with room for count entries, and no more; its memory goes with a, not by map_fini. */
void map_within(struct map *m, struct arena *a, size_t count);
/* Sets key to value (never NULL); gives the value that was there, or NULL. */
void *map_set(struct map *m, str key, void *value);
void *map_get(const struct map *m, str key); /* NULL when absent */
void *map_cut(struct map *m, str key);       /* removes; gives what was there, or NULL */

/* Visits every entry in no order: for (size_t i = 0; map_next(m, &i, &slot);) */
bool map_next(const struct map *m, size_t *at, const struct map_slot **slot);

#endif
