/* token.c -- POST /oauth/token: a code, a refresh token, or the app itself, for tokens. What was
 * used once and comes again ends all that came of it (RFC 9700, 4.14): of two who have it, nobody
 * can tell which is the app. SPDX: Apache-2.0 */
#include "oauth/oauth_priv.h"

static int void_grant(struct err *err)
{
    return oauth__refuse(err, "invalid_grant",
                         "the code or token is not known, not this app's, or not good any more");
}

/* It came a second time. */
WAITS static int stolen(struct request *rq, const struct oauth *o, str grant, str account,
                        struct err *err)
{
    TRY(grant__end(rq, o, grant, account, ACCOUNT_APP_REUSED, err));
    return void_grant(err);
}

static bool may(const struct app_client *c, enum client_grant grant)
{
    return c->grants & grant;
}

static int unauthorized(struct err *err)
{
    return oauth__refuse(err, "unauthorized_client", "the app may not use this grant type");
}

/* ---- authorization_code ---- */

static int check_code(const struct oauth_code *c, const struct app_client *client,
                      const struct params *p, struct err *err)
{
    str redirect = p->of[PARAM_REDIRECT];
    if (c->expires <= oauth__now() || (redirect.len && !str_eq(redirect, c->redirect)))
        return void_grant(err);
    if (!str_eq(c->client, client->id) || !pkce_is(c->challenge, p->of[PARAM_VERIFIER]))
        return void_grant(err);
    return 0;
}

WAITS static int by_code(struct request *rq, const struct oauth *o, const struct app_client *client,
                         const struct params *p, struct err *err)
{
    struct oauth_code c;
    struct account_person who;
    int64_t now = oauth__now();
    bool won;
    if (!may(client, GRANT_CODE))
        return unauthorized(err);
    if (!p->of[PARAM_CODE].len || !p->of[PARAM_VERIFIER].len)
        return oauth__refuse(err, "invalid_request", "code and code_verifier are needed");
    TRY(code__find(rq, o, p->of[PARAM_CODE], &c, err));
    if (!c.grant.len)
        return void_grant(err);
    if (c.used)
        return stolen(rq, o, c.grant, c.account, err);
    TRY(check_code(&c, client, p, err));
    TRY(account_person_by(o->accounts, rq, c.account, &who, err));
    if (!who.key.len)
        return void_grant(err);
    struct issue i = {.scope = c.scope,
                      .nonce = c.nonce,
                      .who = &who,
                      .refresh =
                          may(client, GRANT_REFRESH) && scope_has(c.scope, LIT("offline_access"))};
    int64_t last = i.refresh ? o->clients->refresh_s
                             : identity_config_of(account_identity(o->accounts))->access_seconds;
    i.grant = (struct oauth_grant){.id = c.grant,
                                   .client = client->id,
                                   .account = c.account,
                                   .scope = c.scope,
                                   .auth_time = c.auth_time,
                                   .counter = 1,
                                   .created = now,
                                   .expires = now + last};
    TRY(grant__begin(rq, o, &c, &i.grant, &won, err));
    return won ? issue__answer(rq, o, &i, err) : stolen(rq, o, c.grant, c.account, err);
}

/* ---- refresh_token ---- */

/* The token of before is a retry for a moment, whose answer may have been lost; then a theft. */
WAITS static int old_token(struct request *rq, const struct oauth *o, const struct oauth_grant *g,
                           uint64_t counter, struct err *err)
{
    int64_t reuse = account_settings_of(o->accounts)->reuse_s;
    bool parent = counter + 1 == (uint64_t)g->counter;
    if (parent && reuse && oauth__now() - g->rotated <= reuse)
        return 0;
    return stolen(rq, o, g->id, g->account, err);
}

/* wanted: a scope, or empty: all that was granted. What is refused leaves the token as it was. */
WAITS static int rotate(struct request *rq, const struct oauth *o, const struct app_client *client,
                        const struct params *p, str wanted, struct oauth_grant *g, struct err *err)
{
    str token = p->of[PARAM_REFRESH];
    str id;
    uint64_t counter;
    bool won = false;
    if (!identity_unseal(&rq->arena, account_identity(o->accounts), SEALED_APP, token, &id,
                         &counter))
        return void_grant(err);
    TRY(grant__find(rq, o, id, g, err));
    if (!g->id.len || !str_eq(g->client, client->id) || counter > (uint64_t)g->counter)
        return void_grant(err);
    if (!scope_within(wanted, g->scope)) /* RFC 6749, 6 */
        return oauth__refuse(err, "invalid_scope", "more than was granted");
    if (counter == (uint64_t)g->counter)
        TRY(grant__rotate(rq, o, g, &won, err));
    if (!won) {
        TRY(grant__find(rq, o, id, g, err));
        if (!g->id.len)
            return void_grant(err);
        TRY(old_token(rq, o, g, counter, err));
    }
    g->counter = (int64_t)counter + 1;
    return 0;
}

WAITS static int by_refresh(struct request *rq, const struct oauth *o,
                            const struct app_client *client, const struct params *p,
                            struct err *err)
{
    struct issue i = {.refresh = true};
    struct account_person who;
    str wanted = p->of[PARAM_SCOPE], scope = LIT("");
    if (!may(client, GRANT_REFRESH))
        return unauthorized(err);
    if (!p->of[PARAM_REFRESH].len)
        return oauth__refuse(err, "invalid_request", "refresh_token is needed");
    if (wanted.len && !scope_allowed(&rq->arena, o->clients, client, wanted, &scope))
        return oauth__refuse(err, "invalid_scope", "the app may not ask for this scope");
    TRY(rotate(rq, o, client, p, scope, &i.grant, err));
    i.scope = scope.len ? scope : scope_kept(&rq->arena, o->clients, client, i.grant.scope);
    TRY(account_person_by(o->accounts, rq, i.grant.account, &who, err));
    if (!who.key.len)
        return void_grant(err);
    i.who = &who;
    return issue__answer(rq, o, &i, err);
}

/* ---- client_credentials ---- */

static bool of_people(str scope)
{
    return scope_has(scope, LIT("openid")) || scope_has(scope, LIT("profile")) ||
           scope_has(scope, LIT("email")) || scope_has(scope, LIT("offline_access"));
}

/* Unless it says what, an app gets all of its scopes that are not about a person. */
static str usual_scope(struct arena *a, const struct app_client *c)
{
    str out = LIT("");
    for (size_t i = 0; i < c->scope_count; i++) {
        if (!of_people(c->scopes[i]))
            out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), out.len ? " " : "",
                               STR_ARG(c->scopes[i]));
    }
    return out;
}

WAITS static int by_itself(struct request *rq, const struct oauth *o,
                           const struct app_client *client, const struct params *p, struct err *err)
{
    struct issue i = {.scope = usual_scope(&rq->arena, client)};
    char *id = arena_new(&rq->arena, SID_TEXT);
    int64_t now = oauth__now();
    bool won;
    if (!may(client, GRANT_ITSELF) || !client->has_secret)
        return unauthorized(err);
    str wanted = p->of[PARAM_SCOPE];
    if (wanted.len &&
        (!scope_allowed(&rq->arena, o->clients, client, wanted, &i.scope) || of_people(i.scope)))
        return oauth__refuse(err, "invalid_scope", "the app may not ask for this scope for itself");
    uuid_v4(id);
    i.grant = (struct oauth_grant){
        .id = str_make(id, SID_TEXT),
        .client = client->id,
        .scope = i.scope,
        .auth_time = now,
        .created = now,
        .expires = now + identity_config_of(account_identity(o->accounts))->access_seconds};
    TRY(grant__begin(rq, o, NULL, &i.grant, &won, err));
    return issue__answer(rq, o, &i, err);
}

/* ---- all of them ---- */

WAITS static int run(struct request *rq, const struct oauth *o, struct err *err)
{
    static const struct {
        const char *name;
        int (*run)(struct request *, const struct oauth *, const struct app_client *,
                   const struct params *, struct err *);
    } grants[] = {{"authorization_code", by_code},
                  {"refresh_token", by_refresh},
                  {"client_credentials", by_itself}};
    const struct app_client *client;
    struct params p;
    TRY(caller__form(rq, &p, err));
    TRY(caller__find(rq, o, &p, &client, err));
    if (!p.of[PARAM_GRANT].len)
        return oauth__refuse(err, "invalid_request", "grant_type is needed");
    for (size_t i = 0; i < COUNT_OF(grants); i++) {
        if (str_is(p.of[PARAM_GRANT], grants[i].name))
            return grants[i].run(rq, o, client, &p, err);
    }
    return oauth__refuse(err, "unsupported_grant_type",
                         "authorization_code, refresh_token or client_credentials");
}

int oauth__token(struct request *rq, const void *data, struct err *err)
{
    struct err why = {0};
    return oauth__answered(rq, run(rq, data, &why), &why, err);
}
