/* buf.c -- bytes that grow up to a ceiling. SPDX: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit};
}

void buf_fini(struct buf *b)
{
    mem_free(b->ptr);
    *b = (struct buf){.limit = b->limit};
}

bool buf_more(struct buf *b, size_t n)
{
    size_t need = b->len + n;
    if (b->full || need < n || need > b->limit) {
        b->full = true;
        return false;
    }
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap * 2 : 512;
    while (cap < need)
        cap *= 2;
    cap = cap < b->limit ? cap : b->limit;
    b->ptr = mem_grow(b->ptr, cap);
    b->cap = cap;
    return true;
}

/* How many digits n has. */
static size_t width(uint64_t n)
{
    static const uint64_t from[] = {0,
                                    10,
                                    100,
                                    1000,
                                    10000,
                                    100000,
                                    1000000,
                                    10000000,
                                    100000000,
                                    1000000000,
                                    10000000000,
                                    100000000000,
                                    1000000000000,
                                    10000000000000,
                                    100000000000000,
                                    1000000000000000,
                                    10000000000000000,
                                    100000000000000000,
                                    1000000000000000000,
                                    10000000000000000000U};
    enum { BITS_MANY = 1233, BITS_SHIFT = 12 }; /* log10(2) */
    size_t least = (size_t)((64 - __builtin_clzll(n | 1)) * BITS_MANY) >> BITS_SHIFT;
    return least + (n >= from[least]);
}

/* Two digits for each division, in their place: every answer is full of numbers. */
char *text_u64(char *at, uint64_t n)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char *end = at + width(n);
    at = end;
    for (; n > UINT32_MAX; n /= 100)
        memcpy(at -= 2, pairs + n % 100 * 2, 2);
    uint32_t rest = (uint32_t)n; /* divided with half the work */
    for (; rest >= 100; rest /= 100)
        memcpy(at -= 2, pairs + (size_t)(rest % 100) * 2, 2);
    if (rest >= 10)
        memcpy(at - 2, pairs + (size_t)rest * 2, 2);
    else
        at[-1] = (char)('0' + rest);
    return end;
}

void buf_u64(struct buf *b, uint64_t n)
{
    if (UNLIKELY(b->cap - b->len < TEXT_U64_MOST) && !buf_room(b, width(n)))
        return;
    b->len = (size_t)(text_u64(b->ptr + b->len, n) - b->ptr);
}

void buf_i64(struct buf *b, int64_t n)
{
    if (n < 0)
        buf_char(b, '-');
    buf_u64(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    BUG_ON(len < 0);
    if (!buf_more(b, (size_t)len + 1))
        return;
    va_start(ap, fmt);
    vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)len;
}
