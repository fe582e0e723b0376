/* Private to src/auth: what an issuer publishes, as it is read. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_ISSUER_KEYS_H
#define CAIRN_AUTH_ISSUER_KEYS_H

#include "auth/issuer.h"

enum { ISSUER_KEYS_MOST = 32, ISSUER_URL_MOST = 1024, ISSUER_ANSWER_MOST = 256 * 1024 };

/* Counted under the issuer's lock, or not shared yet. */
struct issuer_keys {
    unsigned refs;
    size_t count;
    struct jwk *list[ISSUER_KEYS_MOST];
};

/* The public keys of a JWK set (RFC 7517, 5) that sign with one of algs; others are left out.
 * Fails with BAD: no JWK set, or none of its keys will do. */
int issuer_keys_read(str json, unsigned algs, struct issuer_keys **out, struct err *err);
void issuer_keys_free(struct issuer_keys **k);
/* The address of the keys in a document of discovery (OpenID Connect Discovery 1.0, 3 and 4.3).
 * Lives in a. Fails with BAD: no such document, of another issuer, or without the address. */
int issuer_jwks_uri(struct arena *a, str json, str issuer, str *out, struct err *err);
/* Seconds of max-age in a Cache-Control; -1: it says nothing. no-store and no-cache: 0. */
int64_t issuer_max_age(str cache_control);
/* Scheme, host and port are the same. */
bool issuer_same_origin(str url, str other);

#endif
