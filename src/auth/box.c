/* box.c -- texts that only this installation can read: XChaCha20-Poly1305 under a key derived from
 * the MAC of its file of keys, one for each use. SPDX: Apache-2.0 */
#include "auth/identity.h"

#include <sodium.h>

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    TEXT_MOST = 4096
};

str identity_wrap(struct arena *a, const struct identity *i, const char *use, str with, str text)
{
    unsigned char key[IDENTITY_KEY];
    size_t len = NONCE + text.len + TAG, room = (len + 2) / 3 * 4 + 1;
    unsigned char *raw = arena_new(a, len);
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    BUG_ON(text.len > TEXT_MOST);
    identity_key(i, use, key);
    randombytes_buf(raw, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw + NONCE, NULL, (const unsigned char *)text.ptr,
                                               text.len, (const unsigned char *)with.ptr, with.len,
                                               NULL, raw, key);
    sodium_memzero(key, sizeof key);
    base64url_put(&b, str_make((const char *)raw, len));
    return buf_view(&b);
}

bool identity_unwrap(struct arena *a, const struct identity *i, const char *use, str with,
                     str wrapped, str *out)
{
    unsigned char key[IDENTITY_KEY];
    str raw;
    if (wrapped.len > 2 * TEXT_MOST || !base64url_get(a, wrapped, &raw) || raw.len < NONCE + TAG)
        return false;
    const unsigned char *bytes = (const unsigned char *)raw.ptr;
    size_t len = raw.len - NONCE - TAG;
    unsigned char *text = arena_new(a, len + 1);
    identity_key(i, use, key);
    int code = crypto_aead_xchacha20poly1305_ietf_decrypt(
        text, NULL, NULL, bytes + NONCE, raw.len - NONCE, (const unsigned char *)with.ptr, with.len,
        bytes, key);
    sodium_memzero(key, sizeof key);
    *out = str_make((const char *)text, len);
    return code == 0;
}
