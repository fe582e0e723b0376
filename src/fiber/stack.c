/* stack.c -- stacks with a guard page, kept for reuse. SPDX: Apache-2.0
 * A stack is mapped once and stays on the loop's free list (at most SPARE_MOST), so that a request
 * on the hot path makes no system call for it. An overflow hits the guard page and stops the
 * process rather than running into a neighbour. */
#include "base/mem.h"
#include "base/sanitizer.h"
#include "fiber/fiber_priv.h"

#include <sys/mman.h>
#include <unistd.h>

#ifdef HAS_TSAN
#define TSAN_NEW() __tsan_create_fiber(0)
#define TSAN_FREE(t) __tsan_destroy_fiber(t)
#else
#define TSAN_NEW() NULL
#define TSAN_FREE(t) ((void)(t))
#endif

struct fiber *fiber__get(struct loop *l)
{
    if (l->alive >= l->most)
        return NULL;
    l->alive++;
    if (!list_empty(&l->spare)) {
        struct fiber *f = OUTER(l->spare.next, struct fiber, link);
        list_cut(&f->link);
        l->spare_count--;
        return f;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, l->stack_size + page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED) {
        l->alive--;
        return NULL;
    }
    BUG_ON(mprotect(map, page, PROT_NONE) != 0);
    struct fiber *f = mem_zero(1, sizeof *f);
    f->magic = FIBER_MAGIC;
    f->loop = l;
    f->stack = map + page;
    f->stack_size = l->stack_size;
    f->tsan = TSAN_NEW();
    list_init(&f->link);
    return f;
}

void fiber__free(struct fiber *f)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    TSAN_FREE(f->tsan);
    munmap((char *)f->stack - page, f->stack_size + page);
    mem_free(f);
}
