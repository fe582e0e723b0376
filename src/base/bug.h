/* bug.h -- a bug is not an error: it stops the process with a trace. SPDX: Apache-2.0 */
#ifndef CAIRN_BASE_BUG_H
#define CAIRN_BASE_BUG_H

#include <stddef.h>

#define ATTR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Marks a function that may switch fibers; its caller is then one too (house rule 14). */
#define WAITS

/* Prints where and what, then a backtrace, then aborts. */
NORETURN void bug_stop(const char *file, int line, const char *what);

#define BUG_ON(cond)                                                                               \
    do {                                                                                           \
        if (UNLIKELY(cond))                                                                        \
            bug_stop(__FILE__, __LINE__, #cond);                                                   \
    } while (0)

#ifdef CAIRN_DEBUG
#define CHECK(cond) BUG_ON(!(cond))
#else
#define CHECK(cond) ((void)sizeof(cond))
#endif

/* The object that contains `member` at `ptr`. */
#define OUTER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
