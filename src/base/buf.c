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

/* Two digits for each division: every answer is full of numbers. */
void buf_u64(struct buf *b, uint64_t n)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char digits[20];
    size_t at = sizeof digits;
    for (; n >= 100; n /= 100)
        memcpy(digits + (at -= 2), pairs + n % 100 * 2, 2);
    if (n >= 10)
        memcpy(digits + (at -= 2), pairs + n * 2, 2);
    else
        digits[--at] = (char)('0' + n);
    buf_add(b, digits + at, sizeof digits - at);
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
