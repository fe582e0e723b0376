/* who.c -- who asks, of all that a request may bring to say so. What is said by a header counts
 * before a cookie, which browsers send by themselves; two headers that say it are one too many.
 * SPDX: Apache-2.0 */
#include "account/account_priv.h"

WAITS static int by_authorization(const struct accounts *x, struct request *rq, str value,
                                  int64_t now, struct signed_in **out, struct err *err)
{
    size_t blank = str_find(value, ' ');
    str scheme = str_upto(value, blank == STR_NONE ? value.len : blank);
    str rest = blank == STR_NONE ? LIT("") : str_trim(str_from(value, blank));
    if (str_eqi(scheme, LIT("Basic")) && (x->config->basic || x->config->keys)) {
        TRY(csrf__by_browser(rq, x, err));
        return basic__who(rq, x, rest, now, out, err);
    }
    if (!str_eqi(scheme, LIT("Bearer")))
        return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""),
                          "the scheme of Authorization is Bearer%s",
                          x->config->basic || x->config->keys ? " or Basic" : "");
    if (x->config->keys && str_starts(rest, LIT("ck_")))
        return key__who(rq, x, rest, LIT(""), now, out, err);
    if (identity_outside(x->identity))
        return outside__who(rq, x, rest, now, out, err);
    return app__who(rq, x, rest, now, out, err);
}

/* A token says who its account was when it was made; what its row, and tables of roles, say now
 * counts. A token of an account that is gone is over. */
WAITS static int fresh(const struct accounts *x, struct request *rq, int64_t now,
                       struct signed_in **out, struct err *err)
{
    struct account who;
    struct principal p;
    struct identity_stamp stamp = identity_stamp(x->identity);
    TRY(account__by_key(rq, x, signed_in_principal(*out)->subject, &who, err));
    if (!who.cells)
        return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""),
                          "the account of the token is gone");
    TRY(account__principal(rq, x, &who, &p, err));
    identity_renew(x->identity, out, &p, now, stamp);
    return 0;
}

WAITS static int find_who(const struct accounts *x, struct request *rq, int64_t now,
                          struct signed_in **out, struct err *err)
{
    str said = request_header(rq, LIT("Authorization")), key = request_header(rq, LIT("X-API-Key"));
    bool keyed = x->config->keys && str_starts(key, LIT("ck_"));
    *out = NULL;
    if (said.ptr && keyed)
        return fail_field(err, E_BAD, LIT("two_credentials"), LIT("X-API-Key"),
                          "Authorization and X-API-Key both say who asks: send one of them");
    if (said.ptr)
        return by_authorization(x, rq, said, now, out, err);
    if (keyed)
        return key__who(rq, x, key, LIT(""), now, out, err);
    const struct endpoint *e = rq->endpoint;
    if (!x->config->cookies || (e && e->signs_in))
        return 0;
    TRY(cookie__who(rq, x, now, out, err));
    int code = *out ? csrf__check(rq, x, signed_in_sid(*out), err) : 0;
    if (code < 0)
        identity_release(out);
    return code;
}

int account_who(const struct accounts *x, struct request *rq, int64_t now, struct signed_in **out,
                struct err *err)
{
    TRY(find_who(x, rq, now, out, err));
    if (LIKELY(!*out || !identity_stale(x->identity, *out, now)))
        return 0;
    int code = fresh(x, rq, now, out, err);
    if (code < 0)
        identity_release(out);
    return code;
}
