/* Any answer of an issuer: as keys, as a document of discovery, as a Cache-Control, as a token. */
#include "auth/issuer_keys.h"

#include "base/bug.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_make((const char *)data, size);
    struct issuer_keys *keys;
    struct value head, claims;
    struct arena a;
    str uri;
    struct err err = {0};
    arena_init(&a, 64 << 20);
    if (issuer_keys_read(text, 1u << JWT_ES256 | 1u << JWT_EDDSA, &keys, &err) == 0) {
        for (size_t i = 0; i < keys->count; i++)
            BUG_ON(jwk_private(keys->list[i]) || jwk_alg(keys->list[i]) == JWT_HS256);
        issuer_keys_free(&keys);
    }
    err = (struct err){0};
    if (issuer_jwks_uri(&a, text, LIT("https://i"), &uri, &err) == 0)
        BUG_ON(!uri.len || uri.len > ISSUER_URL_MOST);
    BUG_ON(issuer_max_age(text) < -1);
    err = (struct err){0};
    jwt_peek(&a, text, &head, &claims, &err);
    arena_reset(&a);
    return 0;
}
