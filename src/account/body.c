/* body.c -- what goes in and out of the sign-in endpoints. SPDX: Apache-2.0 */
#include "account/account_priv.h"
#include "render/negotiate.h"

int account__body(struct request *rq, struct value *out, struct err *err)
{
    static const struct json_limits few = {.depth = 16, .nodes = 2000};
    TRY(body_read(rq, TAKES_FIELDS, &few, out, err));
    return out->kind == V_OBJECT ? 0 : fail(err, E_BAD, "a JSON object is expected");
}

int account__text(const struct value *body, str name, str *out, struct err *err)
{
    const struct value *v = value_get(body, name);
    if (v && v->kind == V_TEXT && v->text.len) {
        *out = v->text;
        return 0;
    }
    return fail_field(err, E_INVALID, v ? LIT("type") : LIT("required"), name, "'%.*s' %s",
                      STR_ARG(name), v ? "must be a text" : "is required");
}

void account__answer(struct request *rq, const struct accounts *x, const struct tokens *t,
                     const struct account *who)
{
    struct buf *b = &rq->reply->body;
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_lit(b, "{\"access_token\":");
    json_text(b, t->access);
    buf_lit(b, ",\"token\":"); /* the guide's name for it */
    json_text(b, t->access);
    buf_printf(b, ",\"token_type\":\"Bearer\",\"expires_in\":%lld,\"refresh_token\":",
               (long long)identity_config_of(x->identity)->access_seconds);
    json_text(b, t->refresh);
    if (who) {
        buf_lit(b, ",\"user\":");
        account__put(b, x, who);
    }
    buf_char(b, '}');
}

int account__me(const struct request *rq, str *key, struct err *err)
{
    const struct principal *p = rq->principal;
    if (p && p->key.len)
        return fail_field(
            err, E_DENIED, LIT("not_for_keys"), LIT(""),
            "an API key, or a token of another issuer, cannot do this: sign in for it");
    if (p && p->subject.len) {
        *key = p->subject;
        return 0;
    }
    return fail_field(err, E_SIGNIN, LIT("sign_in_required"), LIT(""),
                      "sign in first: Authorization: Bearer TOKEN");
}
