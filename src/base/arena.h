/* arena.h -- memory that is freed in one step. SPDX: Apache-2.0
 * A request owns one; everything made for the request lives in it. Chunks come from a free list
 * of the thread, so that a request on the hot path allocates nothing. */
#ifndef CAIRN_BASE_ARENA_H
#define CAIRN_BASE_ARENA_H

#include "base/bug.h"
#include "base/str.h"

struct arena_chunk;

struct arena {
    char *at, *end;                /* the free part of the newest chunk */
    struct arena_chunk *chunks;    /* newest first */
    size_t used, limit;            /* bytes of all chunks; the budget */
    void (*over)(struct arena *a); /* past the budget; NULL stops the process */
};

/* limit: the budget in bytes, never 0. Takes no memory until first use. */
void arena_init(struct arena *a, size_t limit);
/* Gives everything back; the arena can be used again. */
void arena_reset(struct arena *a);
/* Gives back the chunks that the calling thread keeps for its next arenas. */
void arena_thread_end(void);

void *arena_more(struct arena *a, size_t size); /* the slow half of arena_new */

/* Aligned to 16, not zeroed. Never NULL, also for no bytes: past the budget a->over ends the
 * request. */
static inline void *arena_new(struct arena *a, size_t size)
{
    size_t whole = (size + 15) & ~(size_t)15;
    if (UNLIKELY(whole - 1 >= (size_t)(a->end - a->at))) /* 0 goes there too */
        return arena_more(a, size);
    void *ptr = a->at;
    a->at += whole;
    return ptr;
}

/* As arena_new, but answers NULL past the budget: for code that runs on a helper thread or below
 * a foreign library, where a request cannot be ended on the spot. */
void *arena_try(struct arena *a, size_t size);

void *arena_zero(struct arena *a, size_t count, size_t size);
/* A copy of s in a, NUL-terminated behind its length. */
str arena_str(struct arena *a, str s);
str arena_printf(struct arena *a, const char *fmt, ...) ATTR_PRINTF(2, 3);

#define ARENA_NEW(a, type) ((type *)arena_zero((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_zero((a), (n), sizeof(type)))

#endif
