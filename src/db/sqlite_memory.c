/* sqlite_memory.c -- small blocks for SQLite out of lists of the thread. SPDX: Apache-2.0
 * Why: a statement takes a cursor and the texts of a row from the heap at every run and gives them
 * back at its end. SQLite's own remedy, lookaside, is compiled out of Debian's library; so what it
 * frees is kept here and handed out again: a read makes no heap call.
 * Invariants: (1) A block knows its room; the list it goes to follows from that, and the thread
 * that frees it keeps it. (2) What a thread keeps is bounded, and ends with the thread. */
#include "db/sqlite_priv.h"

#include <pthread.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "base/sanitizer.h"

enum { STEP = 64, CLASSES = 128, LARGEST = STEP * CLASSES, KEEP_MOST = 256 * 1024 };

/* Before each block; SQLite asks for 8-byte alignment. */
struct head {
    uint64_t room;
};

struct spare {
    struct spare *next;
};

static _Thread_local struct {
    struct spare *list[CLASSES];
    size_t bytes; /* in the lists */
    int64_t live; /* handed out by this thread, less what it took back */
    bool known;   /* the end of the thread has been told of */
} mine;

static pthread_key_t at_end;

static size_t class_of(size_t room)
{
    return room / STEP - 1;
}

static void *head_of(void *block)
{
    return (char *)block - sizeof(struct head);
}

static void *make(size_t room)
{
    struct head *h = mem_new(sizeof *h + room);
    h->room = room;
    mine.live += (int64_t)room;
    return h + 1;
}

static int room_for(int size)
{
    return size <= 0 ? STEP : (size + STEP - 1) / STEP * STEP;
}

static void *take(int size)
{
    size_t room = (size_t)room_for(size), at = class_of(room);
    if (at >= CLASSES || !mine.list[at])
        return make(room);
    struct spare *s = mine.list[at];
    mine.list[at] = s->next;
    mine.bytes -= room;
    mine.live += (int64_t)room;
    return s;
}

static void give(void *block)
{
    struct head *h = head_of(block);
    size_t at = class_of(h->room);
    mine.live -= (int64_t)h->room;
    if (at >= CLASSES || mine.bytes + h->room > KEEP_MOST) {
        mem_free(h);
        return;
    }
    if (!mine.known) {
        mine.known = true;
        pthread_setspecific(at_end, &mine);
    }
    struct spare *s = block;
    s->next = mine.list[at];
    mine.list[at] = s;
    mine.bytes += h->room;
}

static int room_of(void *block)
{
    const struct head *h = head_of(block);
    return (int)h->room;
}

static void *resize(void *block, int size)
{
    int have = room_of(block);
    if (size <= have && size > have / 2)
        return block;
    if (size > LARGEST && have > LARGEST) {
        struct head *h = mem_grow(head_of(block), sizeof *h + (size_t)room_for(size));
        mine.live += room_for(size) - have;
        h->room = (uint64_t)room_for(size);
        return h + 1;
    }
    void *more = take(size);
    memcpy(more, block, (size_t)(size < have ? size : have));
    give(block);
    return more;
}

static int begin(void *arg)
{
    (void)arg;
    return SQLITE_OK;
}

static void end(void *arg)
{
    (void)arg;
}

static void thread_end(void *arg)
{
    (void)arg;
    for (size_t at = 0; at < CLASSES; at++) {
        while (mine.list[at]) {
            struct spare *s = mine.list[at];
            mine.list[at] = s->next;
            mem_free(head_of(s));
        }
    }
    mine.bytes = 0;
    mine.known = false; /* another end of the thread may still free something */
}

int64_t sqlite__memory_live(void)
{
    return mine.live;
}

void sqlite__memory(void)
{
    static const sqlite3_mem_methods methods = {.xMalloc = take,
                                                .xFree = give,
                                                .xRealloc = resize,
                                                .xSize = room_of,
                                                .xRoundup = room_for,
                                                .xInit = begin,
                                                .xShutdown = end};
#ifdef HAS_ASAN
    const bool on = false; /* the sanitizer is to see every block */
#else
    const bool on = true;
#endif
    if (on && pthread_key_create(&at_end, thread_end) == 0)
        sqlite3_config(SQLITE_CONFIG_MALLOC, &methods); /* refused when SQLite runs already */
}
