/* caller.c -- which app calls, at the endpoints that apps call: client_secret_basic,
 * client_secret_post, private_key_jwt, or none for an app that can keep no secret. A wrong secret
 * counts as an attempt of that address on that app: nobody else can be locked out by it. SPDX:
 * Apache-2.0 */
#include "oauth/oauth_priv.h"

static int wrong(struct err *err)
{
    return oauth__refuse(err, "invalid_client", "the app is not known, or did not prove itself");
}

int caller__form(struct request *rq, struct params *out, struct err *err)
{
    str text, rest = request_header(rq, LIT("Content-Type"));
    str media = rest.ptr ? str_trim(str_cut(&rest, ';')) : LIT("");
    if (!str_eqi(media, LIT("application/x-www-form-urlencoded")))
        return oauth__refuse(err, "invalid_request",
                             "the body is a form: application/x-www-form-urlencoded");
    TRY(request_body(rq, &text, err));
    return params_read(&rq->arena, text, out, err);
}

/* What the request says of itself. */
static int said(struct request *rq, const struct params *p, str *id, str *secret, struct err *err)
{
    str head = request_header(rq, LIT("Authorization"));
    *id = p->of[PARAM_CLIENT];
    *secret = p->of[PARAM_SECRET];
    if (!head.ptr)
        return 0;
    if (secret->len)
        return oauth__refuse(err, "invalid_request", "the app proves itself in two ways at once");
    if (head.len < 6 || !str_eqi(str_upto(head, 6), LIT("Basic ")))
        return oauth__refuse(err, "invalid_client", "the scheme of Authorization is Basic here");
    TRY(params_basic(&rq->arena, str_trim(str_from(head, 6)), id, secret, err));
    if (p->of[PARAM_CLIENT].len && !str_eq(p->of[PARAM_CLIENT], *id))
        return oauth__refuse(err, "invalid_request", "client_id is not the one of Authorization");
    return 0;
}

/* The app that says so by a JWT: in its own name, for us, and once. */
WAITS static int by_assertion(struct request *rq, const struct oauth *o, const struct params *p,
                              const struct app_client **out, struct err *err)
{
    struct client_assertion said;
    struct value head, claims;
    struct err why = {0};
    str token = p->of[PARAM_ASSERTION], audience = o->clients->issuer;
    bool fresh;
    if (!str_is(p->of[PARAM_ASSERTION_TYPE],
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
        return oauth__refuse(err, "invalid_request", "client_assertion_type is jwt-bearer");
    if (p->of[PARAM_SECRET].len || request_header(rq, LIT("Authorization")).ptr)
        return oauth__refuse(err, "invalid_request", "the app proves itself in two ways at once");
    if (jwt_peek(&rq->arena, token, &head, &claims, &why) < 0)
        return wrong(err);
    const struct value *iss = value_get(&claims, LIT("iss"));
    *out = iss && iss->kind == V_TEXT ? client_find(o->clients, iss->text) : NULL;
    if (!*out || !(*out)->jwks.len ||
        (p->of[PARAM_CLIENT].len && !str_eq(p->of[PARAM_CLIENT], (*out)->id)))
        return wrong(err);
    int64_t now = oauth__now();
    if (client_assertion(&rq->arena, *out, token, audience, now, &said, &why) < 0) {
        audience = arena_printf(&rq->arena, "%.*s/oauth/token", STR_ARG(audience));
        TRY(client_assertion(&rq->arena, *out, token, audience, now, &said, err));
    }
    TRY(assertion__use(rq, o, (*out)->id, said.jti, said.expires, &fresh, err));
    return fresh ? 0 : oauth__refuse(err, "invalid_client", "the assertion was used already");
}

int caller__find(struct request *rq, const struct oauth *o, const struct params *p,
                 const struct app_client **out, struct err *err)
{
    str id, secret;
    if (p->of[PARAM_ASSERTION].len)
        return by_assertion(rq, o, p, out, err);
    TRY(said(rq, p, &id, &secret, err));
    *out = client_find(o->clients, id);
    if (!*out || (*out)->jwks.len)
        return wrong(err);
    if (!(*out)->has_secret)
        return secret.len ? wrong(err) : 0;
    str name = arena_printf(&rq->arena, "app %.*s of %.*s", STR_ARG(id),
                            STR_ARG(account_client(o->accounts, rq)));
    TRY(account_may_try(o->accounts, rq, name, err));
    if (client_secret_is(*out, secret))
        return 0;
    TRY(account_tried(o->accounts, rq, name, err));
    return wrong(err);
}
