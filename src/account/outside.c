/* outside.c -- a request with a token that another issuer signed. Who it is here, the settings say:
 * the account that a claim names, or nobody in particular; and which roles, a claim, or else the
 * account. Nothing of the token counts that the settings do not name.
 * A token in use costs no statement and no fetch: what came of it is kept for half a minute.
 * Invariants: (1) Without an account there is no subject: ids of others' people never meet ids of
 * ours. (2) An e-mail address names an account only when the issuer says that it is verified.
 * SPDX: Apache-2.0 */
#include "account/account_priv.h"

enum { CLAIM_ROLES_MOST = 100, LEEWAY = 30 };

static int refuse(struct err *err, const char *why)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""), "%s", why);
}

/* ---- the account ---- */

static bool verified_mail(const struct value *claims)
{
    const struct value *v = value_get(claims, LIT("email_verified"));
    return v && ((v->kind == V_BOOL && v->truth) || (v->kind == V_TEXT && str_is(v->text, "true")));
}

WAITS static int account_of(struct request *rq, const struct accounts *x,
                            const struct issuer_config *c, const struct value *claims,
                            struct account *who, struct err *err)
{
    const struct column *by = c->column.len ? table_column(x->table, c->column) : x->login;
    const struct value *said = value_get(claims, c->account);
    struct value name;
    struct value_fault fault = {0};
    *who = (struct account){0};
    if (!said || (said->kind != V_TEXT && said->kind != V_INT))
        return refuse(err, "the token does not name an account");
    if (str_is(c->account, "email") && !verified_mail(claims))
        return refuse(err, "the issuer does not say that the e-mail address is verified");
    if (column_take(by, &rq->arena, said, true, &name, &fault))
        TRY(account__find(rq, x, by, name, who, err));
    if (!who->cells || !account__verified(x, who))
        return refuse(err, "the token's account is not known here");
    return 0;
}

/* ---- roles ---- */

/* "realm_access.roles"; a name with dots in it (a URL) is first looked for as a whole. */
static const struct value *claim_at(const struct value *claims, str path)
{
    const struct value *v = value_get(claims, path);
    if (v)
        return v;
    v = claims;
    for (str rest = path; v && rest.ptr;)
        v = v->kind == V_OBJECT ? value_get(v, str_cut(&rest, '.')) : NULL;
    return v;
}

/* A list of texts, or one with blanks between (as `scope`). Names that are no roles here grant
 * nothing. */
static void take_roles(struct arena *a, const struct value *v, struct principal *p)
{
    str *roles = ARENA_ARRAY(a, str, CLAIM_ROLES_MOST);
    p->roles = roles;
    p->role_count = 0;
    for (size_t i = 0; v && v->kind == V_ARRAY && i < v->count && p->role_count < CLAIM_ROLES_MOST;
         i++) {
        if (v->items[i].kind == V_TEXT)
            roles[p->role_count++] = v->items[i].text;
    }
    str rest = v && v->kind == V_TEXT ? v->text : (str){0};
    while (rest.ptr && p->role_count < CLAIM_ROLES_MOST) {
        str name = str_cut(&rest, ' ');
        if (name.len)
            roles[p->role_count++] = name;
    }
}

/* ---- who ---- */

/* Known by issuer and subject: what limits, and kept answers, are counted under. */
static str name_of(struct request *rq, const struct accounts *x, const struct issuer_config *c,
                   const struct value *claims)
{
    char digest[DIGEST_TEXT + 1];
    str sub = value_get_text(claims, "sub");
    identity_digest(
        x->identity,
        arena_printf(&rq->arena, "%zu %.*s %.*s", c->issuer.len, STR_ARG(c->issuer), STR_ARG(sub)),
        digest);
    return arena_printf(&rq->arena, "outside %s", digest);
}

WAITS static int principal_of(struct request *rq, const struct accounts *x,
                              const struct issuer_config *c, const struct value *claims,
                              struct principal *p, struct err *err)
{
    struct account who;
    *p = (struct principal){.claims = {.kind = V_OBJECT}};
    if (c->account.len) {
        TRY(account_of(rq, x, c, claims, &who, err));
        TRY(account__principal(rq, x, &who, p, err));
    }
    if (c->roles.len)
        take_roles(&rq->arena, claim_at(claims, c->roles), p);
    p->key = name_of(rq, x, c, claims);
    return 0;
}

WAITS static int check(struct request *rq, const struct accounts *x, struct issuer *issuer,
                       str token, int64_t now, struct identity_stamp stamp, struct signed_in **out,
                       struct err *err)
{
    struct value claims;
    struct principal p;
    TRY(issuer_check(issuer, &rq->arena, token, now, &claims, err));
    TRY(principal_of(rq, x, issuer_config_of(issuer), &claims, &p, err));
    int64_t end = value_get(&claims, LIT("exp"))->i, pause = now + KEPT_SECONDS;
    if (end < pause)
        end += LEEWAY;
    *out =
        identity_keep(x->identity, BY_ISSUER, token, p.key, &p, end < pause ? end : pause, stamp);
    return 0;
}

int outside__who(struct request *rq, const struct accounts *x, str token, int64_t now,
                 struct signed_in **out, struct err *err)
{
    struct identity_stamp stamp;
    struct value head, claims;
    if (identity_holds(x->identity, token))
        return app__who(rq, x, token, now, out, err);
    *out = identity_kept(x->identity, BY_ISSUER, token, now, &stamp);
    if (*out)
        return 0;
    TRY(jwt_peek(&rq->arena, token, &head, &claims, err));
    struct issuer *issuer = identity_issuer(x->identity, value_get_text(&claims, "iss"));
    if (!issuer)
        return app__who(rq, x, token, now, out, err);
    return check(rq, x, issuer, token, now, stamp, out, err);
}
