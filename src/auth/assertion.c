/* assertion.c -- apps that prove themselves by a key of their own, whose public half stands in the
 * settings: private_key_jwt (RFC 7523, OpenID Connect Core 9). SPDX: Apache-2.0
 * The keys are read anew each time: a signature takes longer, and a reload brings others. */
#include "auth/clients.h"
#include "auth/issuer_keys.h"

enum {
    ALGORITHMS = 1 << JWT_EDDSA | 1 << JWT_ES256 | 1 << JWT_RS256,
    LEEWAY = 30,
    LIFE_MOST = 600, /* seconds: so long its jti is remembered */
    JTI_MOST = 200
};

bool client_keys_good(str jwks)
{
    struct issuer_keys *keys;
    struct err ignored = {0};
    if (issuer_keys_read(jwks, ALGORITHMS, &keys, &ignored) < 0)
        return false;
    issuer_keys_free(&keys);
    return true;
}

static int refuse(struct err *err, const char *why)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_client"), LIT(""), "%s", why);
}

static int take(const struct app_client *c, const struct value *claims, int64_t now,
                struct client_assertion *out, struct err *err)
{
    out->jti = value_get_text(claims, "jti");
    out->expires = value_get(claims, LIT("exp"))->i;
    if (!str_eq(value_get_text(claims, "sub"), c->id))
        return refuse(err, "the sub of the assertion is not the app");
    if (!out->jti.len || out->jti.len > JTI_MOST)
        return refuse(err, "the assertion needs a jti, of 200 bytes at most");
    if (out->expires > now + LIFE_MOST)
        return refuse(err, "the assertion is good for too long: ten minutes at most");
    return 0;
}

int client_assertion(struct arena *a, const struct app_client *c, str token, str audience,
                     int64_t now, struct client_assertion *out, struct err *err)
{
    struct issuer_keys *keys;
    struct value claims;
    struct err why = {0};
    if (issuer_keys_read(c->jwks, ALGORITHMS, &keys, &why) < 0)
        return refuse(err, "the app has no keys");
    struct jwt_rules rules = {.keys = (const struct jwk *const *)keys->list,
                              .key_count = keys->count,
                              .issuer = c->id,
                              .audience = audience,
                              .now = now,
                              .leeway = LEEWAY};
    int code = jwt_check(a, token, &rules, &claims, &why);
    issuer_keys_free(&keys);
    return code < 0 ? refuse(err, why.text) : take(c, &claims, now, out, err);
}
