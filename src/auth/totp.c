/* totp.c -- codes of authenticator apps (RFC 6238, over RFC 4226). SPDX: Apache-2.0 */
#include "auth/totp.h"

#include "http/http.h"
#include "lib/crypto.h"

#include <sodium.h>

enum { BLOCK = 64, COUNTER = 8 };

int totp_ready(struct err *err)
{
    return lib_load(&lib_crypto, E_BUSY, err);
}

/* HMAC-SHA-1 (RFC 2104); the secret is shorter than a block. */
static void hmac(const unsigned char secret[TOTP_SECRET], const unsigned char counter[COUNTER],
                 unsigned char out[SHA_DIGEST_LENGTH])
{
    unsigned char inner[BLOCK + COUNTER], outer[BLOCK + SHA_DIGEST_LENGTH];
    memset(inner, 0x36, BLOCK);
    memset(outer, 0x5c, BLOCK);
    for (int i = 0; i < TOTP_SECRET; i++) {
        inner[i] ^= secret[i];
        outer[i] ^= secret[i];
    }
    memcpy(inner + BLOCK, counter, COUNTER);
    crypto.SHA1(inner, sizeof inner, outer + BLOCK);
    crypto.SHA1(outer, sizeof outer, out);
    sodium_memzero(inner, sizeof inner);
    sodium_memzero(outer, sizeof outer);
}

void totp_at(const unsigned char secret[TOTP_SECRET], int64_t step, char out[TOTP_DIGITS + 1])
{
    unsigned char counter[COUNTER], mac[SHA_DIGEST_LENGTH];
    for (int i = 0; i < COUNTER; i++)
        counter[i] = (unsigned char)((uint64_t)step >> (8 * (COUNTER - 1 - i)));
    hmac(secret, counter, mac);
    const unsigned char *p = mac + (mac[SHA_DIGEST_LENGTH - 1] & 15);
    uint32_t n = (uint32_t)(p[0] & 0x7f) << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = TOTP_DIGITS - 1; i >= 0; i--, n /= 10)
        out[i] = (char)('0' + n % 10);
    out[TOTP_DIGITS] = '\0';
}

bool totp_find(const unsigned char secret[TOTP_SECRET], int64_t now, int64_t used, str code,
               int64_t *step)
{
    char right[TOTP_DIGITS + 1];
    bool found = false;
    if (code.len != TOTP_DIGITS)
        return false;
    for (int64_t at = now / TOTP_SECONDS - TOTP_WINDOW; at <= now / TOTP_SECONDS + TOTP_WINDOW;
         at++) {
        totp_at(secret, at, right);
        if (sodium_memcmp(right, code.ptr, TOTP_DIGITS) == 0 && at > used && !found) {
            found = true;
            *step = at;
        }
    }
    sodium_memzero(right, sizeof right);
    return found;
}

void totp_uri(struct buf *b, str issuer, str name, str secret)
{
    buf_lit(b, "otpauth://totp/");
    url_encode(b, issuer);
    buf_char(b, ':');
    url_encode(b, name);
    buf_lit(b, "?secret=");
    buf_str(b, secret);
    buf_lit(b, "&issuer=");
    url_encode(b, issuer);
    buf_printf(b, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, TOTP_SECONDS);
}
