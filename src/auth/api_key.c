/* api_key.c -- see api_key.h. SPDX: Apache-2.0 */
#include "auth/api_key.h"

#include "base/bug.h"

#include <sodium.h>
#include <stdio.h>

enum { KIND_MOST = 8, TAIL = API_KEY_DIGITS + API_KEY_CHECK };

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* CRC-32 of ISO-HDLC, as zlib's. */
static uint32_t crc32_of(str s)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < s.len; i++) {
        crc ^= (unsigned char)s.ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0xEDB88320) & (0 - (crc & 1)));
    }
    return ~crc;
}

static void check_digits(str body, char out[API_KEY_CHECK])
{
    uint32_t crc = crc32_of(body);
    for (int i = API_KEY_CHECK; i-- > 0; crc /= 62)
        out[i] = digits[crc % 62];
}

void api_key_make(const char *kind, char out[API_KEY_ROOM])
{
    int at = snprintf(out, API_KEY_ROOM, "ck_%s_", kind);
    BUG_ON(at < 4 || at + TAIL >= API_KEY_ROOM || at - 4 > KIND_MOST);
    for (int i = 0; i < API_KEY_DIGITS; i++)
        out[at + i] = digits[randombytes_uniform(62)];
    check_digits(str_make(out, (size_t)at + API_KEY_DIGITS), out + at + API_KEY_DIGITS);
    out[at + TAIL] = '\0';
}

static bool in_form(str text)
{
    size_t kind = text.len - TAIL - 4; /* ck_KIND_ */
    if (!str_starts(text, LIT("ck_")) || text.ptr[3 + kind] != '_')
        return false;
    for (size_t i = 3; i < 3 + kind; i++) {
        if (text.ptr[i] < 'a' || text.ptr[i] > 'z')
            return false;
    }
    for (size_t i = 4 + kind; i < text.len; i++) {
        if (!ascii_alpha(text.ptr[i]) && !ascii_digit(text.ptr[i]))
            return false;
    }
    return true;
}

bool api_key_good(str text)
{
    char want[API_KEY_CHECK];
    if (text.len < TAIL + 5 || text.len > TAIL + 4 + KIND_MOST || !in_form(text))
        return false;
    check_digits(str_upto(text, text.len - API_KEY_CHECK), want);
    return memcmp(text.ptr + text.len - API_KEY_CHECK, want, API_KEY_CHECK) == 0;
}

void api_key_hash(str text, char out[API_KEY_HASH + 1])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)text.ptr, text.len);
    sodium_bin2hex(out, API_KEY_HASH + 1, hash, sizeof hash);
}
