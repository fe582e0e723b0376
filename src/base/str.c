/* str.c -- text with a length. SPDX: Apache-2.0 */
#include "base/str.h"

#include "base/bug.h"

#include <pthread.h>
#include <sys/random.h>

bool str_eqi_rest(str a, str b)
{
    if (memcmp(a.ptr, b.ptr, a.len) == 0)
        return true; /* most are written in the usual way */
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    }
    return true;
}

int str_cmp(str a, str b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least ? memcmp(a.ptr, b.ptr, least) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t str_find(str s, char c)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : STR_NONE;
}

size_t str_rfind(str s, char c)
{
    const char *hit = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : STR_NONE;
}

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

str str_strip(str s)
{
    while (s.len && space(s.ptr[0]))
        s = str_from(s, 1);
    while (s.len && space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

str str_trim(str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_from(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Bytes of the well-formed sequence at p (at most n available), or 0. Unicode table 3-7. */
static size_t utf8_step(const unsigned char *p, size_t n)
{
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return n >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        unsigned low = p[0] == 0xE0 ? 0xA0 : 0x80;
        unsigned high = p[0] == 0xED ? 0x9F : 0xBF;
        return n >= 3 && p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        unsigned low = p[0] == 0xF0 ? 0x90 : 0x80;
        unsigned high = p[0] == 0xF4 ? 0x8F : 0xBF;
        bool ok =
            n >= 4 && p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 && (p[3] & 0xC0) == 0x80;
        return ok ? 4 : 0;
    }
    return 0;
}

bool str_utf8(str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        uint64_t word;
        if (s.len - i >= 8 && (memcpy(&word, p + i, 8), !(word & 0x8080808080808080ULL))) {
            i += 8;
            continue;
        }
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        size_t step = utf8_step(p + i, s.len - i);
        if (!step)
            return false;
        i += step;
    }
    return true;
}

static uint64_t hash_seed;
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void hash_init(void)
{
    if (getrandom(&hash_seed, sizeof hash_seed, 0) != (ssize_t)sizeof hash_seed)
        hash_seed = 0x9E3779B97F4A7C15ULL;
    hash_seed |= 1;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A multiply-and-fold hash in the manner of wyhash: seeded, so that a client that chooses keys
 * cannot aim them at one bucket. */
uint64_t str_hash(str s)
{
    if (UNLIKELY(!hash_seed))
        pthread_once(&hash_once, hash_init);
    uint64_t h = hash_seed ^ s.len, word, tail = 0;
    size_t at = 0;
    for (; at + 8 <= s.len; at += 8) {
        memcpy(&word, s.ptr + at, 8);
        h = mix(h ^ word, 0xE7037ED1A0B428DBULL);
    }
    if (at && at < s.len)
        memcpy(&tail, s.ptr + s.len - 8, 8); /* some of it twice: cheaper than a piece of a word */
    else if (at < s.len)
        memcpy(&tail, s.ptr, s.len);
    return mix(h ^ tail ^ 0xA0761D6478BD642FULL, 0x8EBC6AF09C88C6E3ULL);
}

str str_cut(str *rest, char sep)
{
    size_t at = str_find(*rest, sep);
    str part = str_upto(*rest, at);
    if (at == STR_NONE)
        *rest = (str){NULL, 0};
    else
        *rest = str_from(*rest, at + 1);
    return part;
}

bool str_to_u64(str s, uint64_t *out)
{
    uint64_t n = 0;
    if (!s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_digit(s.ptr[i]))
            return false;
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(s.ptr[i] - '0'), &n))
            return false;
    }
    *out = n;
    return true;
}

bool str_to_i64(str s, int64_t *out)
{
    bool minus = s.len && s.ptr[0] == '-';
    uint64_t n;
    if (!str_to_u64(minus ? str_from(s, 1) : s, &n))
        return false;
    if (n > (uint64_t)INT64_MAX + (minus ? 1u : 0u))
        return false;
    *out = minus ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

static unsigned least3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned str_distance(str a, str b)
{
    enum { MOST = 64 };
    unsigned rows[3][MOST + 1];
    if (a.len > MOST || b.len > MOST)
        return MOST;
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (unsigned j = 0; j <= b.len; j++)
        last[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            char x = ascii_lower(a.ptr[i - 1]), y = ascii_lower(b.ptr[j - 1]);
            now[j] = least3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
            bool swapped =
                i > 1 && j > 1 && x == ascii_lower(b.ptr[j - 2]) && ascii_lower(a.ptr[i - 2]) == y;
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        unsigned *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.len];
}

const char *str_nearest(str s, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    unsigned least = (unsigned)(s.len <= 3 ? 1 : s.len / 3 + 1) + 1;
    for (size_t i = 0; i < count; i++) {
        unsigned d = str_distance(s, str_of(candidates[i]));
        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}
