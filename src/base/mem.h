/* mem.h -- the only heap. SPDX: Apache-2.0
 * Never answers NULL: a machine out of memory stops the process. Counts every allocation of the
 * calling thread, so that a test can hold the hot path to zero. */
#ifndef CAIRN_BASE_MEM_H
#define CAIRN_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

void *mem_new(size_t size);                  /* uninitialised; free with mem_free */
void *mem_zero(size_t count, size_t size);   /* zeroed; overflow of count * size is a bug */
void *mem_grow(void *ptr, size_t size);      /* as realloc; ptr may be NULL */
char *mem_text(const char *ptr, size_t len); /* a NUL-terminated copy */
void mem_free(void *ptr);                    /* NULL is allowed */

/* Heap calls (new, zero, grow) made by this thread since it started. */
uint64_t mem_calls(void);

#endif
