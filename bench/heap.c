/* heap.c -- counts every call to the heap of the process it is preloaded into. SPDX: Apache-2.0
 * Why: "no allocation on the hot path" is a claim about the whole process, SQLite and libuv
 * included, so it is counted from outside and not by the server itself. The count lives in a
 * shared file, for the bench to read while the server runs.
 * usage: BENCH_HEAP=FILE LD_PRELOAD=heap.so COMMAND; FILE holds one 64-bit number. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

static _Atomic uint64_t before_open;
static _Atomic uint64_t *calls = &before_open;

static void count(void)
{
    atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
}

__attribute__((constructor)) static void open_count(void)
{
    const char *path = getenv("BENCH_HEAP");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    void *at;

    if (fd < 0 || ftruncate(fd, sizeof *calls) != 0)
        return;
    at = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        calls = at;
    close(fd);
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    count();
    return __libc_realloc(old, size);
}

void *memalign(size_t align, size_t size)
{
    count();
    return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    count();
    return __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *at = __libc_memalign(align, size);

    count();
    if (!at)
        return ENOMEM;
    *out = at;
    return 0;
}
