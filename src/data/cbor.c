/* cbor.c -- CBOR (RFC 8949) as authenticators write it: definite lengths, no floats, no tags. A
 * reader of items, one after the other; nothing is copied. SPDX: Apache-2.0 */
#include "data/data.h"

enum { ITEMS_MOST = 256 };

static bool head(str *rest, unsigned *major, uint64_t *n)
{
    if (!rest->len)
        return false;
    unsigned char first = (unsigned char)rest->ptr[0];
    unsigned more = first & 31, width = more < 24 ? 0 : 1U << (more - 24);
    *major = first >> 5;
    *n = more;
    if (more > 27 || rest->len < 1 + (size_t)width)
        return false;
    if (width)
        *n = 0;
    for (unsigned i = 1; i <= width; i++)
        *n = *n << 8 | (unsigned char)rest->ptr[i];
    *rest = str_from(*rest, 1 + width);
    return true;
}

bool cbor_next(str *rest, struct cbor *out)
{
    unsigned major;
    uint64_t n;
    str at = *rest;
    *out = (struct cbor){.kind = CBOR_OTHER};
    if (!head(&at, &major, &n))
        return false;
    if (major <= 1) {
        if (n > INT64_MAX)
            return false;
        out->kind = CBOR_INT;
        out->i = major ? -1 - (int64_t)n : (int64_t)n;
    } else if (major <= 3) {
        if (n > at.len)
            return false;
        out->kind = major == 2 ? CBOR_BYTES : CBOR_TEXT;
        out->bytes = str_upto(at, (size_t)n);
        at = str_from(at, (size_t)n);
    } else if (major <= 5) {
        if (n > ITEMS_MOST)
            return false;
        out->kind = major == 4 ? CBOR_ARRAY : CBOR_MAP;
        out->count = (size_t)n;
    } else if (major == 6 || rest->len - at.len != 1) { /* a tag, a float */
        return false;
    }
    *rest = at;
    return true;
}

bool cbor_skip(str *rest)
{
    size_t left = 1;
    for (size_t seen = 0; left; seen++) {
        struct cbor c;
        if (seen == ITEMS_MOST || !cbor_next(rest, &c))
            return false;
        left--;
        left += c.kind == CBOR_ARRAY ? c.count : c.kind == CBOR_MAP ? 2 * c.count : 0;
    }
    return true;
}
