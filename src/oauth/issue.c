/* issue.c -- the answer of the token endpoint: access token, refresh token, ID token. SPDX:
 * Apache-2.0 */
#include "oauth/oauth_priv.h"

#include <sodium.h>

enum { CLAIMS_BYTES = 3500 };

static void member(struct buf *b, const char *name, str value)
{
    if (!value.len)
        return;
    buf_printf(b, ",\"%s\":", name);
    json_text(b, value);
}

/* OpenID Connect Core, 5.1 and 5.4: columns of those names. */
void issue__claims(struct request *rq, const struct oauth *o, const struct account_person *who,
                   str scope, struct buf *b)
{
    static const char *const profile[] = {
        "name",    "given_name", "family_name", "middle_name", "nickname", "preferred_username",
        "profile", "picture",    "website",     "gender",      "zoneinfo", "locale"};
    bool verified;
    for (size_t i = 0; scope_has(scope, LIT("profile")) && i < COUNT_OF(profile); i++)
        member(b, profile[i],
               account_column_text(o->accounts, &rq->arena, who, str_of(profile[i])));
    if (!scope_has(scope, LIT("email")))
        return;
    str email = account_email(o->accounts, who, &verified);
    member(b, "email", email);
    if (email.len)
        buf_printf(b, ",\"email_verified\":%s", verified ? "true" : "false");
}

/* The left half of the hash that goes with the signature (OpenID Connect Core, 3.1.3.6). */
static str at_hash(struct arena *a, enum jwt_alg alg, str token)
{
    unsigned char raw[crypto_hash_sha512_BYTES];
    struct buf b = {.ptr = arena_new(a, 64), .cap = 64, .limit = 64};
    const unsigned char *text = (const unsigned char *)token.ptr;
    bool ed = alg == JWT_EDDSA;
    if (ed)
        crypto_hash_sha512(raw, text, token.len);
    else
        crypto_hash_sha256(raw, text, token.len);
    base64url_put(&b, str_make((const char *)raw, ed ? 32 : 16));
    return buf_view(&b);
}

static int id_token(struct request *rq, const struct oauth *o, const struct issue *i, str access,
                    str *out, struct err *err)
{
    struct identity *id = account_identity(o->accounts);
    int64_t now = oauth__now(), seconds = identity_config_of(id)->access_seconds;
    struct buf b;
    buf_init(&b, CLAIMS_BYTES);
    buf_lit(&b, "{\"iss\":");
    json_text(&b, o->clients->issuer);
    member(&b, "sub", i->grant.account);
    member(&b, "aud", i->grant.client);
    buf_printf(&b, ",\"iat\":%lld,\"exp\":%lld,\"auth_time\":%lld", (long long)now,
               (long long)now + seconds, (long long)i->grant.auth_time);
    member(&b, "nonce", i->nonce);
    member(&b, "at_hash", at_hash(&rq->arena, identity_alg(id), access));
    member(&b, "sid", i->grant.id);
    issue__claims(rq, o, i->who, i->scope, &b);
    buf_char(&b, '}');
    int code = b.full ? fail(err, E_TOOBIG, "the claims of the token are too long")
                      : identity_sign(&rq->arena, id, buf_view(&b), out, err);
    buf_fini(&b);
    return code;
}

int issue__answer(struct request *rq, const struct oauth *o, const struct issue *i, struct err *err)
{
    struct identity *id = account_identity(o->accounts);
    struct buf *b = &rq->reply->body;
    struct ticket t = {.sid = i->grant.id,
                       .subject = i->who ? i->grant.account : i->grant.client,
                       .now = oauth__now(),
                       .app = i->grant.client,
                       .scope = i->scope,
                       .end = i->grant.expires};
    str access, ours = LIT(""), refresh = LIT("");
    TRY(identity_token(&rq->arena, id, &t, &access, err));
    if (i->who && scope_has(i->scope, LIT("openid")))
        TRY(id_token(rq, o, i, access, &ours, err));
    if (i->refresh)
        refresh =
            identity_seal(&rq->arena, id, SEALED_APP, i->grant.id, (uint64_t)i->grant.counter);
    rq->reply->type = LIT("application/json");
    buf_lit(b, "{\"access_token\":");
    json_text(b, access);
    buf_printf(b, ",\"token_type\":\"Bearer\",\"expires_in\":%lld",
               (long long)(identity_token_end(id, &t) - t.now));
    member(b, "refresh_token", refresh);
    member(b, "id_token", ours);
    buf_lit(b, ",\"scope\":");
    json_text(b, i->scope);
    buf_char(b, '}');
    return 0;
}
