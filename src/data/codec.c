/* codec.c -- bytes as text: base64, base64url, base32, hex. SPDX: Apache-2.0
 * Reading is strict: one text per value of the bytes, so that a cursor or a token cannot be
 * written in two ways. Hence no blanks, and the bits that the last digit does not use are 0. */
#include "data/data.h"

static const char digits_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char digits_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void put64(struct buf *b, str bytes, const char *digits, bool padded)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t len = bytes.len;
    if (!len || len > SIZE_MAX / 2 || !buf_room(b, (len + 2) / 3 * 4))
        return;
    char *at = b->ptr + b->len;
    for (; len >= 3; len -= 3, p += 3) {
        *at++ = digits[p[0] >> 2];
        *at++ = digits[(p[0] << 4 & 0x30) | p[1] >> 4];
        *at++ = digits[(p[1] << 2 & 0x3C) | p[2] >> 6];
        *at++ = digits[p[2] & 0x3F];
    }
    if (len) {
        unsigned char second = len == 2 ? p[1] : 0;
        *at++ = digits[p[0] >> 2];
        *at++ = digits[(p[0] << 4 & 0x30) | second >> 4];
        if (len == 2)
            *at++ = digits[second << 2 & 0x3C];
        for (size_t i = len; padded && i < 3; i++)
            *at++ = '=';
    }
    b->len = (size_t)(at - b->ptr);
}

/* 0-63, or 64 for what is no digit. */
static unsigned digit64(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (ascii_digit(c))
        return (unsigned)(c - '0') + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : 64;
}

/* text without padding. */
static bool get64(struct arena *a, str text, bool url, str *out)
{
    if (text.len % 4 == 1)
        return false;
    size_t len = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0);
    unsigned char *to = arena_new(a, len + 1), *at = to;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = digit64(text.ptr[i], url);
        if (digit > 63)
            return false;
        bits = bits << 6 | digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *at++ = (unsigned char)(bits >> have);
        }
    }
    if (bits & ((1u << have) - 1))
        return false;
    *at = '\0';
    *out = str_make((const char *)to, len);
    return true;
}

void base64_put(struct buf *b, str bytes)
{
    put64(b, bytes, digits_std, true);
}

bool base64_get(struct arena *a, str text, str *out)
{
    if (text.len % 4)
        return false;
    for (int i = 0; i < 2 && text.len && text.ptr[text.len - 1] == '='; i++)
        text.len--;
    return get64(a, text, false, out);
}

void base64url_put(struct buf *b, str bytes)
{
    put64(b, bytes, digits_url, false);
}

bool base64url_get(struct arena *a, str text, str *out)
{
    return get64(a, text, true, out);
}

void base32_put(struct buf *b, str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned bits = 0, held = 0;
    if (!bytes.len || bytes.len > SIZE_MAX / 2 || !buf_room(b, bytes.len * 2))
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | (unsigned char)bytes.ptr[i];
        for (held += 8; held >= 5; held -= 5)
            b->ptr[b->len++] = digits[bits >> (held - 5) & 31];
        bits &= 31;
    }
    if (held)
        b->ptr[b->len++] = digits[bits << (5 - held) & 31];
}

void hex_put(struct buf *b, str bytes)
{
    static const char hex[] = "0123456789abcdef";
    if (!bytes.len || bytes.len > SIZE_MAX / 2 || !buf_room(b, bytes.len * 2))
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        b->ptr[b->len++] = hex[c >> 4];
        b->ptr[b->len++] = hex[c & 15];
    }
}
