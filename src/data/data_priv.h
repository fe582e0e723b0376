/* Private to src/data: what the reader and the writer of JSON share, and decimals in parts.
 * SPDX: Apache-2.0 */
#ifndef CAIRN_DATA_PRIV_H
#define CAIRN_DATA_PRIV_H

#include "data/data.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* 0 for a byte that stands for itself in a JSON string; else the letter of its escape. */
extern const unsigned char data__escape[256];

/* Whether any of eight bytes needs an escape (exact as a yes or no, not as a position). */
static inline bool data__any_special(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101ULL, highs = ones << 7;
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
    uint64_t hit =
        ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
    return hit & highs;
}

/* Length of the longest prefix of n bytes at p without quote, backslash and control bytes;
 * *high becomes non-zero when that prefix has a byte over 0x7F. */
static inline size_t data__plain(const char *p, size_t n, unsigned *high)
{
    size_t i = 0;
#ifdef __SSE2__
    while (n - i >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
        __m128i mark = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        unsigned stop = (unsigned)_mm_movemask_epi8(_mm_or_si128(low, mark));
        unsigned top = (unsigned)_mm_movemask_epi8(v);
        if (stop) {
            unsigned at = (unsigned)__builtin_ctz(stop);
            *high |= top & ((1u << at) - 1);
            return i + at;
        }
        *high |= top;
        i += 16;
    }
#endif
    uint64_t word;
    while (n - i >= 8 && (memcpy(&word, p + i, 8), !data__any_special(word))) {
        *high |= (word & 0x8080808080808080ULL) != 0;
        i += 8;
    }
    while (i < n && !data__escape[(unsigned char)p[i]])
        *high |= (unsigned char)p[i++] & 0x80u;
    return i;
}

/* Bytes of the well-formed UTF-8 sequence that s begins with; 0 when it begins with none. */
static inline size_t data__utf8_len(str s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++) {
        if (str_utf8(str_upto(s, len)))
            return len;
    }
    return 0;
}

/* ---- a decimal as one row of digits (decimal.c) ---- */

struct decimal {
    bool minus;
    str whole, fraction; /* the digits as written; the row is both, one after the other */
    size_t first, last;  /* the row without zeros on both ends; empty: the number is 0 */
    int64_t point;       /* position of the point in the row; may lie outside of it */
};

bool decimal__read(str s, struct decimal *d); /* false: it is no decimal */

static inline char decimal__digit(const struct decimal *d, size_t i)
{
    return i < d->whole.len ? d->whole.ptr[i] : d->fraction.ptr[i - d->whole.len];
}

#endif
