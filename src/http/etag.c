/* etag.c -- entity-tags, as they are made and as clients send them. SPDX: Apache-2.0
 * Invariants: (1) The same bytes of the same media type have the same tag in every process that has
 * the key. (2) What is no entity-tag fits nothing. */
#include "http/http.h"

/* Both halves of a product: each bit of the result depends on all bits of both. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word_at(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* 8 to 16 bytes with zeros behind them, without a copy of a length that the compiler cannot know.
 */
static void tail_of(const char *p, size_t len, uint64_t tail[2])
{
    tail[0] = word_at(p);
    tail[1] = word_at(p + len - 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    tail[1] = len == 8 ? 0 : tail[1] << 8 * (16 - len);
#else
    tail[1] = len == 8 ? 0 : tail[1] >> 8 * (16 - len);
#endif
}

static uint64_t hash(const struct etag_key *k, uint64_t h, str s)
{
    const char *p = s.ptr;
    size_t left = s.len;
    uint64_t other = k->words[2]; /* two chains: the processor multiplies for both at once */
    h ^= k->words[0] + s.len;
    for (; left >= 32; p += 32, left -= 32) {
        h = fold(word_at(p) ^ k->words[1], word_at(p + 8) ^ h);
        other = fold(word_at(p + 16) ^ k->words[3], word_at(p + 24) ^ other);
    }
    h ^= other;
    if (left >= 16) {
        h = fold(word_at(p) ^ k->words[1], word_at(p + 8) ^ h);
        p += 16;
        left -= 16;
    }
    uint64_t tail[2] = {0};
    if (left && s.len > sizeof tail)
        memcpy(tail, p + left - sizeof tail, sizeof tail); /* some of it twice */
    else if (left >= 8)
        tail_of(p, left, tail);
    else if (left)
        memcpy(tail, p, left);
    return fold(tail[0] ^ k->words[1] ^ h, tail[1] ^ k->words[3]);
}

/* A representation in another coding (gzip) is another one: who codes the body says so in the tag,
 * behind the hash, so that it can be told from the tag which one it was. */
void etag_make(const struct etag_key *key, str type, str body, char out[ETAG_LEN])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char usual[] = "application/json";
    enum { USUAL = sizeof usual - 1 };
    uint64_t h = hash(key, 0, body);
    if (type.len && !(type.len == USUAL && memcmp(type.ptr, usual, USUAL) == 0))
        h = hash(key, h, type);
    out[0] = out[ETAG_LEN - 1] = '"';
#define AT(n) out[1 + (n)] = digits[h >> 6 * (n)&63]
    AT(0), AT(1), AT(2), AT(3), AT(4), AT(5), AT(6), AT(7), AT(8), AT(9), AT(10);
#undef AT
}

/* ---- lists ---- */

/* The length of the quoted tag that s begins with, 0: none. */
static size_t quoted(str s)
{
    if (!s.len || s.ptr[0] != '"')
        return 0;
    for (size_t i = 1; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"')
            return i + 1;
        if (c < 0x21 || c == 0x7f)
            return 0;
    }
    return 0;
}

static str skip(str s, bool commas)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t' || (commas && s.ptr[0] == ',')))
        s = str_from(s, 1);
    return s;
}

/* A tag of etag_make is followed by what was made of the representation ("-gz"): it is the same
 * state. Of others nothing is known but that they differ. */
static bool same_state(str x, str y, enum etag_kind kind)
{
    enum { HASH = ETAG_LEN - 1 };
    if (str_eq(x, y) || kind == ETAG_FOREIGN)
        return str_eq(x, y);
    return x.len >= ETAG_LEN && y.len >= ETAG_LEN && memcmp(x.ptr, y.ptr, HASH) == 0 &&
           (x.len == ETAG_LEN || x.ptr[HASH] == '-') && (y.len == ETAG_LEN || y.ptr[HASH] == '-');
}

enum etag_says etag_list(str list, str tag, enum etag_kind kind, bool strong)
{
    enum etag_says says = ETAG_DIFFERS;
    size_t count = 0;
    if (str_is(str_trim(list), "*"))
        return tag.len ? ETAG_FITS : ETAG_DIFFERS;
    for (list = skip(list, true); list.len; list = skip(list, true), count++) {
        bool weak = list.len >= 2 && list.ptr[0] == 'W' && list.ptr[1] == '/';
        list = str_from(list, weak ? 2 : 0);
        size_t len = quoted(list);
        if (!len)
            return ETAG_MALFORMED;
        if (!(weak && strong) && same_state(str_upto(list, len), tag, kind))
            says = ETAG_FITS;
        list = skip(str_from(list, len), false);
        if (list.len && list.ptr[0] != ',')
            return ETAG_MALFORMED;
    }
    return count ? says : ETAG_MALFORMED;
}
