/* issuer.h -- tokens that somebody else signs: where the keys are, and checking with them. One of a
 * process for each issuer; all workers share it. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_ISSUER_H
#define CAIRN_AUTH_ISSUER_H

#include "auth/jwt.h"
#include "client/client.h"

enum { ISSUERS_MOST = 16 };

struct issuer_config {
    str issuer;    /* `iss`, byte by byte */
    str jwks;      /* URL of its keys; empty: as its openid-configuration says */
    str audience;  /* `aud` must name it */
    str typ;       /* of the header; empty: any */
    unsigned algs; /* 1 << enum jwt_alg; never JWT_HS256 */
    str account;   /* claim whose value names an account; empty: none does */
    str column;    /* the unique column it is looked for in; empty: the login */
    str roles;     /* claim of roles, with dots into objects; empty: none */
};

/* Milliseconds. */
struct issuer_times {
    int64_t refresh; /* at least between two fetches */
    int64_t keys;    /* keys are fetched anew at the latest after; a max-age may say earlier */
    int64_t stale;   /* while the issuer is away they stay good for */
};

struct issuer;

/* Borrows all. Fetches nothing yet. */
struct issuer *issuer_new(const struct issuer_config *c, const struct issuer_times *t,
                          struct client *client);
void issuer_free(struct issuer **s);
const struct issuer_config *issuer_config_of(const struct issuer *s);

/* Checks a token that says it is this issuer's. The claims point into a. Waits where the keys have
 * to be fetched. Fails with SIGNIN, word invalid_token; BUSY, word issuer_away: whether it is good
 * cannot be told now; CANCELLED. */
WAITS int issuer_check(struct issuer *s, struct arena *a, str token, int64_t now,
                       struct value *claims, struct err *err);

#endif
