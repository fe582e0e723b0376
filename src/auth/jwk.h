/* Private to src/auth: a key from the inside. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_JWK_H
#define CAIRN_AUTH_JWK_H

#include "auth/jwt.h"
#include "base/buf.h"
#include "lib/crypto.h"

enum { JWK_KID_MOST = 128, JWK_SIGNATURE_MOST = 1024 };

struct jwk {
    enum jwt_alg alg;
    bool private;
    EVP_PKEY *pkey;    /* NULL: a shared secret */
    struct buf secret; /* HS256 */
    char kid[JWK_KID_MOST + 1];
};

int jwk__sign(const struct jwk *k, str text, unsigned char out[JWK_SIGNATURE_MOST], size_t *len);
bool jwk__verify(const struct jwk *k, str text, str signature);

#endif
