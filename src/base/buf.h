/* buf.h -- bytes that grow up to a ceiling. SPDX: Apache-2.0
 * Sticky: once the ceiling is passed nothing more is added and `full` stays set; ask it once. */
#ifndef CAIRN_BASE_BUF_H
#define CAIRN_BASE_BUF_H

#include "base/bug.h"
#include "base/str.h"

struct buf {
    char *ptr;
    size_t len, cap, limit;
    bool full; /* something did not fit under limit */
};

void buf_init(struct buf *b, size_t limit); /* takes no memory until first use */
void buf_fini(struct buf *b);
/* Room for n more bytes at b->ptr + b->len; false (and full) when the ceiling forbids it. */
bool buf_more(struct buf *b, size_t n);

static inline bool buf_room(struct buf *b, size_t n)
{
    return LIKELY(n <= b->cap - b->len) || buf_more(b, n);
}

static inline void buf_add(struct buf *b, const void *ptr, size_t len)
{
    if (len && buf_room(b, len)) {
        memcpy(b->ptr + b->len, ptr, len);
        b->len += len;
    }
}

static inline void buf_str(struct buf *b, str s)
{
    buf_add(b, s.ptr, s.len);
}

static inline void buf_char(struct buf *b, char c)
{
    if (buf_room(b, 1))
        b->ptr[b->len++] = c;
}

#define buf_lit(b, literal) buf_add((b), "" literal, sizeof(literal) - 1)

/* The digits of n at `at`, where there is room for as many; gives their end. */
enum { TEXT_U64_MOST = 20 };
char *text_u64(char *at, uint64_t n);

void buf_i64(struct buf *b, int64_t n);
void buf_u64(struct buf *b, uint64_t n);
void buf_printf(struct buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3);

static inline str buf_view(const struct buf *b)
{
    return (str){b->ptr, b->len};
}

static inline void buf_clear(struct buf *b)
{
    b->len = 0;
    b->full = false;
}

#endif
