/* arena.c -- memory that is freed in one step. SPDX: Apache-2.0
 * Chunks of the standard size are kept on a free list of the thread (at most SPARE_MOST), larger
 * ones go back to the heap at once. Chunks that are not in use are poisoned for ASan. */
#include "base/arena.h"

#include "base/mem.h"
#include "base/sanitizer.h"

#include <stdarg.h>
#include <stdio.h>

#ifdef HAS_ASAN
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { CHUNK = 8192, SPARE_MOST = 64 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of the whole chunk, head included */
};

enum { HEAD = (sizeof(struct arena_chunk) + 15) & ~15u };

static _Thread_local struct arena_chunk *spare;
static _Thread_local unsigned spare_count;

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

static struct arena_chunk *chunk_get(size_t size)
{
    struct arena_chunk *c = spare;
    if (size == CHUNK && c) {
        UNPOISON(c, CHUNK);
        spare = c->next;
        spare_count--;
        return c;
    }
    c = mem_new(size);
    c->size = size;
    return c;
}

static void chunk_put(struct arena_chunk *c)
{
    if (c->size != CHUNK || spare_count >= SPARE_MOST) {
        mem_free(c);
        return;
    }
    c->next = spare;
    spare = c;
    spare_count++;
    POISON((char *)c + HEAD, CHUNK - HEAD);
}

void arena_reset(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;
        chunk_put(a->chunks);
        a->chunks = next;
    }
    a->at = a->end = NULL;
    a->used = 0;
}

void arena_thread_end(void)
{
    while (spare) {
        struct arena_chunk *next = spare->next;
        UNPOISON(spare, CHUNK);
        mem_free(spare);
        spare = next;
    }
    spare_count = 0;
}

void *arena_try(struct arena *a, size_t size)
{
    if (size > a->limit)
        return NULL;
    size = size ? (size + 15) & ~(size_t)15 : 16;
    if (size <= (size_t)(a->end - a->at)) {
        void *ptr = a->at;
        a->at += size;
        return ptr;
    }
    size_t whole = size + HEAD > CHUNK ? size + HEAD : CHUNK;
    if (whole < size || whole > a->limit - a->used || a->used > a->limit)
        return NULL;
    struct arena_chunk *c = chunk_get(whole);
    a->used += whole;
    char *body = (char *)c + HEAD;
    /* A large piece gets a chunk of its own; the rest of the current chunk stays in use. */
    if (whole > CHUNK && a->chunks) {
        c->next = a->chunks->next;
        a->chunks->next = c;
        return body;
    }
    c->next = a->chunks;
    a->chunks = c;
    a->at = body + size;
    a->end = (char *)c + whole;
    return body;
}

void *arena_more(struct arena *a, size_t size)
{
    void *ptr = arena_try(a, size);
    if (LIKELY(ptr))
        return ptr;
    BUG_ON(!a->over);
    a->over(a);
    bug_stop(__FILE__, __LINE__, "an arena's over() returned");
}

void *arena_zero(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    BUG_ON(__builtin_mul_overflow(count, size, &bytes));
    void *ptr = arena_new(a, bytes);
    memset(ptr, 0, bytes);
    return ptr;
}

str arena_str(struct arena *a, str s)
{
    char *copy = arena_new(a, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return (str){copy, s.len};
}

str arena_printf(struct arena *a, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    BUG_ON(len < 0);
    if ((size_t)len < sizeof small)
        return arena_str(a, (str){small, (size_t)len});
    char *text = arena_new(a, (size_t)len + 1);
    va_start(ap, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, ap);
    va_end(ap);
    return (str){text, (size_t)len};
}
