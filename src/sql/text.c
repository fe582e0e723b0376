/* text.c -- the bytes of a statement while it is written, inside an arena.
 * Why not struct buf: that lives on the heap, and a GET may not allocate there.
 * SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

void text__init(struct text *t, struct arena *a, size_t cap)
{
    *t = (struct text){.arena = a, .ptr = arena_new(a, cap), .cap = cap};
}

void text__more(struct text *t, size_t n)
{
    size_t cap = t->cap * 2;
    while (cap - t->len < n)
        cap *= 2;
    char *ptr = arena_new(t->arena, cap);
    if (t->len)
        memcpy(ptr, t->ptr, t->len);
    t->ptr = ptr;
    t->cap = cap;
}

void text__u64(struct text *t, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    text__add(t, digits + at, sizeof digits - at);
}

void text__i64(struct text *t, int64_t n)
{
    if (n < 0)
        text__char(t, '-');
    text__u64(t, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

static void json_escape(struct text *t, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    text__add(t, code, sizeof code);
}

void text__json(struct text *t, str s)
{
    text__char(t, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (LIKELY(c >= 0x20 && c != '"' && c != '\\'))
            continue;
        text__add(t, s.ptr + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            text__char(t, '\\');
            text__char(t, (char)c);
        } else {
            json_escape(t, c);
        }
    }
    text__add(t, s.ptr + from, s.len - from);
    text__char(t, '"');
}

str text__done(struct text *t)
{
    size_t reserved = (t->cap + 15) & ~(size_t)15, kept = (t->len + 15) & ~(size_t)15;
    if (t->arena->at == t->ptr + reserved)
        t->arena->at = t->ptr + kept;
    t->cap = kept;
    return (str){t->ptr, t->len};
}
