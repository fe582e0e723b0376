/* mem.c -- the heap, counted and never NULL. SPDX: Apache-2.0 */
#include "base/mem.h"

#include "base/bug.h"

#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t calls;

static void *sure(void *ptr)
{
    calls++;
    if (UNLIKELY(!ptr))
        bug_stop(__FILE__, __LINE__, "out of memory");
    return ptr;
}

void *mem_new(size_t size)
{
    return sure(malloc(size ? size : 1));
}

void *mem_zero(size_t count, size_t size)
{
    return sure(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *ptr, size_t size)
{
    return sure(realloc(ptr, size ? size : 1));
}

char *mem_text(const char *ptr, size_t len)
{
    char *copy = mem_new(len + 1);
    if (len)
        memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

void mem_free(void *ptr)
{
    free(ptr);
}

uint64_t mem_calls(void)
{
    return calls;
}
