/* jwt.h -- signed tokens (RFC 7519, 7515) and their keys (RFC 7517), as RFC 8725 wants them
 * checked. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_JWT_H
#define CAIRN_AUTH_JWT_H

#include "data/data.h"

enum jwt_alg { JWT_EDDSA, JWT_ES256, JWT_RS256, JWT_HS256, JWT_ALGS };

const char *jwt_alg_name(enum jwt_alg alg);
bool jwt_alg_find(str name, enum jwt_alg *out);

/* A key of one algorithm; const once made, any thread. */
struct jwk;

enum { JWK_SECRET_LEAST = 32, JWK_RSA_LEAST = 2048, JWT_LENGTH_MOST = 8192 };

/* Makes a private key. Fails with INTERNAL. */
int jwk_make(enum jwt_alg alg, struct jwk **out, struct err *err);
/* HS256 from a shared secret of at least JWK_SECRET_LEAST bytes. Fails with CONFIG. */
int jwk_secret(str secret, struct jwk **out, struct err *err);
/* From its JSON form, public or private. The algorithm comes from the key ("alg", else its type),
 * never from a token. Fails with CONFIG: not a key that signs, too weak, damaged. */
int jwk_read(const struct value *json, struct jwk **out, struct err *err);
/* A private key of the curve P-256 in PEM (PKCS #8). Fails with CONFIG. */
int jwk_pem(str pem, str kid, struct jwk **out, struct err *err);
/* One JSON object, with kid, alg and use. A shared secret has no public form: `private` only. */
void jwk_write(struct buf *b, const struct jwk *k, bool private);
void jwk_free(struct jwk **k);
str jwk_kid(const struct jwk *k); /* lives as long as k */
enum jwt_alg jwk_alg(const struct jwk *k);
bool jwk_private(const struct jwk *k); /* it can sign */

/* A compact token over claims (the text of a JSON object); typ: "at+jwt". Fails with INTERNAL. */
int jwt_sign(struct arena *a, const struct jwk *k, str typ, str claims, str *out, struct err *err);

struct jwt_rules {
    const struct jwk *const *keys;
    size_t key_count;
    str typ;             /* wanted in the header; empty: any */
    str issuer;          /* empty: any */
    str audience;        /* empty: any */
    int64_t now, leeway; /* seconds */
};

/* Checks signature, header and times; *claims then points into a and token. Fails with SIGNIN,
 * word "invalid_token". The text says what is wrong, for a log as for the client. */
int jwt_check(struct arena *a, str token, const struct jwt_rules *rules, struct value *claims,
              struct err *err);

/* Header and claims of a token that nobody has checked yet: to find out who is to check it, and
 * for nothing else. They point into a. Fails with SIGNIN, word "invalid_token". */
int jwt_peek(struct arena *a, str token, struct value *head, struct value *claims, struct err *err);

#endif
