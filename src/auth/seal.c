/* seal.c -- what is made with the MAC key of this installation: texts with a session and a counter
 * that nobody else can make, tokens against cross-site requests, digests, and keys for one use.
 * Each use has a word of its own in front, so that what is made for one says nothing in another.
 * SPDX: Apache-2.0 */
#include "auth/identity_priv.h"

#include <sodium.h>

enum { SEALED_BODY = SID_TEXT + 8, SEALED_RAW = SEALED_BODY + crypto_auth_hmacsha256_BYTES };

static void mac_of(const struct identity *i, const char *use, const void *body, size_t len,
                   unsigned char *out)
{
    crypto_auth_hmacsha256_state state;
    const struct keyring *ring = keys_now(&i->keys);
    crypto_auth_hmacsha256_init(&state, ring->mac, sizeof ring->mac);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)use, strlen(use) + 1);
    crypto_auth_hmacsha256_update(&state, body, len);
    crypto_auth_hmacsha256_final(&state, out);
}

static const struct {
    str prefix;
    const char *use;
} seals[] = {[SEALED_REFRESH] = {STR_INIT("crt_"), "refresh"},
             [SEALED_COOKIE] = {STR_INIT("crs_"), "cookie"},
             [SEALED_APP] = {STR_INIT("cra_"), "app"}};

str identity_seal(struct arena *a, const struct identity *i, enum sealed what, str sid,
                  uint64_t counter)
{
    unsigned char raw[SEALED_RAW];
    struct buf b = {.ptr = arena_new(a, 256), .cap = 256, .limit = 256};
    BUG_ON(sid.len != SID_TEXT);
    memcpy(raw, sid.ptr, SID_TEXT);
    for (int k = 0; k < 8; k++)
        raw[SID_TEXT + k] = (unsigned char)(counter >> (8 * k));
    mac_of(i, seals[what].use, raw, SEALED_BODY, raw + SEALED_BODY);
    buf_str(&b, seals[what].prefix);
    base64url_put(&b, str_make((char *)raw, sizeof raw));
    return buf_view(&b);
}

bool identity_unseal(struct arena *a, const struct identity *i, enum sealed what, str token,
                     str *sid, uint64_t *counter)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    str raw;
    if (!str_starts(token, seals[what].prefix) ||
        !base64url_get(a, str_from(token, seals[what].prefix.len), &raw) || raw.len != SEALED_RAW)
        return false;
    const unsigned char *bytes = (const unsigned char *)raw.ptr;
    mac_of(i, seals[what].use, bytes, SEALED_BODY, mac);
    if (sodium_memcmp(mac, bytes + SEALED_BODY, sizeof mac) != 0)
        return false;
    *sid = str_upto(raw, SID_TEXT);
    *counter = 0;
    for (int k = 0; k < 8; k++)
        *counter |= (uint64_t)bytes[SID_TEXT + k] << (8 * k);
    return true;
}

void identity_csrf(const struct identity *i, str sid, char out[CSRF_TEXT])
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char room[CSRF_TEXT + 1];
    struct buf b = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    mac_of(i, "csrf", sid.ptr, sid.len, mac);
    base64url_put(&b, str_make((char *)mac, sizeof mac));
    BUG_ON(b.len != CSRF_TEXT);
    memcpy(out, room, CSRF_TEXT);
}

void identity_digest(const struct identity *i, str text, char out[DIGEST_TEXT + 1])
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    mac_of(i, "digest", text.ptr, text.len, mac);
    sodium_bin2hex(out, DIGEST_TEXT + 1, mac, DIGEST_TEXT / 2);
}

void identity_key(const struct identity *i, const char *use, unsigned char out[IDENTITY_KEY])
{
    mac_of(i, "key", use, strlen(use), out);
}
