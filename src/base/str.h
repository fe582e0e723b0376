/* str.h -- text with a length; NUL plays no part. SPDX: Apache-2.0 */
#ifndef CAIRN_BASE_STR_H
#define CAIRN_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const char *ptr;
    size_t len;
} str;

/* A str of a string literal, and one of a NUL-terminated text (NULL gives the empty one). */
#define LIT(literal) ((str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline str str_of(const char *text)
{
    return (str){text, text ? strlen(text) : 0};
}

static inline str str_make(const char *ptr, size_t len)
{
    return (str){ptr, len};
}

static inline bool str_eq(str a, str b)
{
    /* by b.len, which is a number where b is a literal: compared in place */
    return a.len == b.len && (b.len == 0 || memcmp(a.ptr, b.ptr, b.len) == 0);
}

static inline bool str_is(str a, const char *text)
{
    return str_eq(a, str_of(text));
}

/* The rest of s from position at (at most the end). */
static inline str str_from(str s, size_t at)
{
    at = at < s.len ? at : s.len;
    return (str){s.ptr + at, s.len - at};
}

/* The first len bytes of s (at most all). */
static inline str str_upto(str s, size_t len)
{
    return (str){s.ptr, len < s.len ? len : s.len};
}

static inline bool str_starts(str s, str with)
{
    return s.len >= with.len && (with.len == 0 || memcmp(s.ptr, with.ptr, with.len) == 0);
}

static inline bool str_ends(str s, str with)
{
    return s.len >= with.len &&
           (with.len == 0 || memcmp(s.ptr + s.len - with.len, with.ptr, with.len) == 0);
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

#define STR_NONE SIZE_MAX

bool str_eqi_rest(str a, str b);
/* ASCII case ignored. Most texts differ in their first letter already. */
static inline bool str_eqi(str a, str b)
{
    return a.len == b.len &&
           (a.len == 0 || (ascii_lower(a.ptr[0]) == ascii_lower(b.ptr[0]) && str_eqi_rest(a, b)));
}

int str_cmp(str a, str b);       /* bytewise order, as memcmp then length */
size_t str_find(str s, char c);  /* position of the first c, or STR_NONE */
size_t str_rfind(str s, char c); /* position of the last c, or STR_NONE */
str str_trim(str s);             /* without blanks and tabs on both ends */
str str_strip(str s);            /* the same, and without line ends */
bool str_utf8(str s);            /* well-formed UTF-8 (RFC 3629), surrogates refused */
uint64_t str_hash(str s);        /* seeded once a process: not for files or the wire */

/* Cuts *rest at the first sep: gives the part before it and moves *rest behind it. When there
 * is no sep, gives all and leaves *rest with ptr NULL. Call while rest->ptr is not NULL. */
str str_cut(str *rest, char sep);

/* Decimal integers, the whole text, no blanks, no plus sign. False on overflow or bad text. */
bool str_to_i64(str s, int64_t *out);
bool str_to_u64(str s, uint64_t *out);

/* The candidate nearest to s by edits, or NULL when none is near enough to suggest. */
const char *str_nearest(str s, const char *const *candidates, size_t count);
/* Edit distance (insert, delete, replace, swap of neighbours); texts over 64 bytes give 64. */
unsigned str_distance(str a, str b);

#endif
