/* app.c -- a request of an app that somebody let in (OAuth 2.0), or that asks for itself. Its token
 * says which grant it is of, and its scopes; whose that is, which roles he has today, and what the
 * scopes allow, is looked up and kept for half a minute. So an app never has what its owner, or the
 * settings, have taken away, and its token tells it nothing about him.
 * Invariants: (1) A token of an app is always narrowed: scopes that allow nothing leave nothing.
 * (2) Without an account there is no subject. SPDX: Apache-2.0 */
#include "account/account_priv.h"

static int refuse(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""),
                      "the app's access was withdrawn, or the account is gone");
}

WAITS static int find(struct request *rq, const struct accounts *x, str grant, str app,
                      str *account, struct err *err)
{
    struct rows rows;
    struct stmt st = STATEMENT("SELECT account FROM cairn_oauth_grants WHERE id = $1"
                               " AND client = $2 AND revoked_at IS NULL",
                               value_text(grant), value_text(app));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, &rows, err));
    if (!rows.count)
        return refuse(err);
    *account = rows.cells[0].text;
    return 0;
}

WAITS static int person(struct request *rq, const struct accounts *x, str key, struct principal *p,
                        struct err *err)
{
    struct account who;
    TRY(account__by_key(rq, x, key, &who, err));
    if (!who.cells || !account__verified(x, &who))
        return refuse(err);
    TRY(mfa__has(rq, x, who.key, err));
    TRY(account__principal(rq, x, &who, p, err));
    return 0;
}

WAITS static int look_up(struct request *rq, const struct accounts *x, str grant,
                         struct principal *p, struct err *err)
{
    const struct clients *c = x->config->clients;
    str app = p->app, scope = p->scope, account;
    const struct app_client *client = c ? client_find(c, app) : NULL;
    if (!client)
        return refuse(err);
    TRY(find(rq, x, grant, app, &account, err));
    *p = (struct principal){
        .claims = {.kind = V_OBJECT}, .roles = client->roles, .role_count = client->role_count};
    if (account.len)
        TRY(person(rq, x, account, p, err));
    p->key = grant;
    p->app = app;
    p->scope = scope_kept(&rq->arena, c, client, scope);
    p->can = scope_can(&rq->arena, c, p->scope, &p->can_count);
    return 0;
}

int app__who(struct request *rq, const struct accounts *x, str token, int64_t now,
             struct signed_in **out, struct err *err)
{
    struct identity_stamp stamp;
    TRY(identity_check(x->identity, token, now, out, err));
    const struct principal *said = signed_in_principal(*out);
    if (!said->app.len)
        return 0;
    int64_t end = signed_in_until(*out), until = now + KEPT_SECONDS;
    str grant = arena_str(&rq->arena, signed_in_sid(*out));
    struct principal p = {.app = arena_str(&rq->arena, said->app),
                          .scope = arena_str(&rq->arena, said->scope)};
    identity_release(out);
    *out = identity_kept(x->identity, BY_APP, token, now, &stamp);
    if (*out)
        return 0;
    TRY(look_up(rq, x, grant, &p, err));
    *out = identity_keep(x->identity, BY_APP, token, grant, &p, end < until ? end : until, stamp);
    return 0;
}
