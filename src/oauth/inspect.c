/* inspect.c -- what a token is, giving it up, and who is behind it. SPDX: Apache-2.0
 * RFC 7662: an app may ask about its own tokens; a server that serves them (`introspect: true`)
 * about all. RFC 7009: giving up any token of a grant ends the whole of it. */
#include "oauth/oauth_priv.h"

/* What was asked about. */
struct asked {
    str grant, client, scope; /* scope: what of it still counts */
    bool access;
    struct value claims; /* of an access token */
    struct oauth_grant g;
};

/* What a grant is worth today: its app may be gone from the settings, or have lost scopes there,
 * and its account may be gone. */
WAITS static int still(struct request *rq, const struct oauth *o, str scope, struct asked *out,
                       bool *good, struct err *err)
{
    const struct app_client *client = client_find(o->clients, out->client);
    struct account_person who;
    *good = client != NULL;
    if (!client)
        return 0;
    out->scope = scope_kept(&rq->arena, o->clients, client, scope);
    if (!out->g.account.len)
        return 0;
    TRY(account_person_by(o->accounts, rq, out->g.account, &who, err));
    *good = who.key.len != 0;
    return 0;
}

/* *good false: it is none of ours, or is over. */
WAITS static int look_at(struct request *rq, const struct oauth *o, str token, struct asked *out,
                         bool *good, struct err *err)
{
    struct identity *id = account_identity(o->accounts);
    struct err ignored = {0};
    struct signed_in *s = NULL;
    struct value head;
    uint64_t counter;
    *out = (struct asked){0};
    *good = false;
    if (identity_unseal(&rq->arena, id, SEALED_APP, token, &out->grant, &counter)) {
        TRY(grant__find(rq, o, out->grant, &out->g, err));
        out->client = out->g.client;
        if (!out->g.id.len || counter != (uint64_t)out->g.counter)
            return 0;
        return still(rq, o, out->g.scope, out, good, err);
    }
    if (identity_check(id, token, oauth__now(), &s, &ignored) < 0)
        return 0;
    identity_release(&s);
    TRY(jwt_peek(&rq->arena, token, &head, &out->claims, err));
    out->access = true;
    out->grant = value_get_text(&out->claims, "sid");
    out->client = value_get_text(&out->claims, "client_id");
    *good = true;
    if (str_is(out->client, "cairn")) /* of a session: it would be revoked */
        return 0;
    TRY(grant__find(rq, o, out->grant, &out->g, err));
    return out->g.id.len ? still(rq, o, value_get_text(&out->claims, "scope"), out, good, err)
                         : (*good = false, 0);
}

/* ---- introspection ---- */

static void copy_claims(struct buf *b, const struct value *claims)
{
    static const char *const names[] = {"iss", "aud", "sub", "client_id", "exp", "iat", "jti"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct value *v = value_get(claims, str_of(names[i]));
        if (!v)
            continue;
        buf_printf(b, ",\"%s\":", names[i]);
        json_value(b, v);
    }
    buf_lit(b, ",\"token_type\":\"Bearer\"");
}

static void put_refresh(struct buf *b, const struct oauth *o, const struct oauth_grant *g)
{
    buf_lit(b, ",\"iss\":");
    json_text(b, o->clients->issuer);
    buf_lit(b, ",\"sub\":");
    json_text(b, g->account);
    buf_lit(b, ",\"client_id\":");
    json_text(b, g->client);
    buf_printf(b, ",\"exp\":%lld,\"iat\":%lld", (long long)g->expires, (long long)g->created);
}

WAITS static int introspect(struct request *rq, const struct oauth *o, struct err *err)
{
    const struct app_client *client;
    struct buf *b = &rq->reply->body;
    struct asked asked;
    struct params p;
    bool good;
    TRY(caller__form(rq, &p, err));
    TRY(caller__find(rq, o, &p, &client, err));
    if (!client->has_secret)
        return oauth__refuse(err, "invalid_client", "only an app with a secret may ask");
    if (!p.of[PARAM_TOKEN].len)
        return oauth__refuse(err, "invalid_request", "token is needed");
    TRY(look_at(rq, o, p.of[PARAM_TOKEN], &asked, &good, err));
    bool own = good && str_eq(asked.client, client->id);
    rq->reply->type = LIT("application/json");
    if (!good || (!own && !(client->inspects && asked.access))) {
        buf_lit(b, "{\"active\":false}");
        return 0;
    }
    buf_lit(b, "{\"active\":true");
    if (asked.access)
        copy_claims(b, &asked.claims);
    else
        put_refresh(b, o, &asked.g);
    if (asked.scope.len) {
        buf_lit(b, ",\"scope\":");
        json_text(b, asked.scope);
    }
    buf_char(b, '}');
    return 0;
}

int oauth__introspect(struct request *rq, const void *data, struct err *err)
{
    struct err why = {0};
    return oauth__answered(rq, introspect(rq, data, &why), &why, err);
}

/* ---- revocation ---- */

/* A token that is not known, or another app's, is as one that is void already: 200. */
WAITS static int revoke(struct request *rq, const struct oauth *o, struct err *err)
{
    const struct app_client *client;
    struct asked asked;
    struct params p;
    bool good;
    TRY(caller__form(rq, &p, err));
    TRY(caller__find(rq, o, &p, &client, err));
    if (!p.of[PARAM_TOKEN].len)
        return oauth__refuse(err, "invalid_request", "token is needed");
    TRY(look_at(rq, o, p.of[PARAM_TOKEN], &asked, &good, err));
    if (asked.g.id.len && str_eq(asked.client, client->id))
        TRY(grant__end(rq, o, asked.g.id, asked.g.account, ACCOUNT_APP_ENDED, err));
    rq->reply->status = 200;
    return 0;
}

int oauth__revoke(struct request *rq, const void *data, struct err *err)
{
    struct err why = {0};
    return oauth__answered(rq, revoke(rq, data, &why), &why, err);
}

/* ---- GET /oauth/userinfo (OpenID Connect Core, 5.3) ---- */

int oauth__userinfo(struct request *rq, const void *data, struct err *err)
{
    const struct oauth *o = data;
    const struct principal *p = rq->principal;
    struct account_person who;
    struct buf *b = &rq->reply->body;
    if (!p || !p->app.len)
        return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""),
                          "an app's access token is needed");
    if (!p->subject.len || !scope_has(p->scope, LIT("openid"))) {
        reply_header(rq->reply, LIT("WWW-Authenticate"),
                     LIT("Bearer error=\"insufficient_scope\", scope=\"openid\""));
        return fail_field(err, E_DENIED, LIT("insufficient_scope"), LIT(""),
                          "the token does not have the scope openid");
    }
    TRY(account_person_by(o->accounts, rq, p->subject, &who, err));
    if (!who.key.len)
        return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""), "the account is gone");
    rq->reply->type = LIT("application/json");
    oauth__no_store(rq->reply);
    buf_lit(b, "{\"sub\":");
    json_text(b, who.key);
    issue__claims(rq, o, &who, p->scope, b);
    buf_char(b, '}');
    return 0;
}
