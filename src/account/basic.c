/* basic.c -- Authorization: Basic (RFC 7617), for machines that know nothing else: an API key as
 * the password, its id or nothing as the name (or the key as the name and no password); and, where
 * the settings allow it, an account's name and password. A password takes tens of milliseconds to
 * check, so what came of it is kept for half a minute. Only wrong ones count as attempts. SPDX:
 * Apache-2.0 */
#include "account/account_priv.h"

enum { CODED_MOST = 2048 };

static int malformed(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""),
                      "Authorization: Basic holds NAME:PASSWORD in base64");
}

static int wrong(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("bad_credentials"), LIT(""),
                      "the name or the password is wrong");
}

static str hash_of(const struct accounts *x, const struct account *who)
{
    const struct value *v = who->cells ? &who->cells[x->password->index] : NULL;
    return v && v->kind == V_TEXT ? v->text : (str){NULL, 0};
}

/* In the place of a session's id: what a changed password makes void. */
static void name_hash(const struct accounts *x, const struct account *who,
                      char out[DIGEST_TEXT + 1])
{
    identity_digest(x->identity, hash_of(x, who), out);
}

void basic__forget(const struct accounts *x, const struct account *who)
{
    char sid[DIGEST_TEXT + 1];
    name_hash(x, who, sid);
    identity_revoke(x->identity, str_of(sid), account__now());
}

WAITS static int by_password(struct request *rq, const struct accounts *x, str login, str password,
                             struct account *who, struct err *err)
{
    struct password_verdict v;
    struct value in = value_text(login), name;
    struct value_fault fault = {0};
    TRY(account__may_attempt(rq, x, login, err));
    *who = (struct account){0};
    if (column_take(x->login, &rq->arena, &in, true, &name, &fault))
        TRY(account__find(rq, x, x->login, name, who, err));
    TRY(passwords_check(identity_passwords(x->identity), password, hash_of(x, who), &v, err));
    TRY(account__may_attempt(rq, x, login, err)); /* many may have come at once */
    if (v.good && account__verified(x, who))
        return 0;
    account__note_failure(rq, x, AUDIT_SIGNIN_FAILED, who->key, login);
    TRY(account__attempt(rq, x, login, err));
    return wrong(err);
}

int basic__who(struct request *rq, const struct accounts *x, str coded, int64_t now,
               struct signed_in **out, struct err *err)
{
    str pair, login;
    char sid[DIGEST_TEXT + 1];
    struct account who;
    struct principal p;
    struct identity_stamp stamp;
    *out = NULL;
    if (coded.len > CODED_MOST || !base64_get(&rq->arena, coded, &pair) || !str_utf8(pair) ||
        str_find(pair, '\0') != STR_NONE || str_find(pair, ':') == STR_NONE)
        return malformed(err);
    login = str_cut(&pair, ':');
    if (x->config->keys && str_starts(login, LIT("ck_")) && !pair.len)
        return key__who(rq, x, login, LIT(""), now, out, err);
    if (x->config->keys && str_starts(pair, LIT("ck_")))
        return key__who(rq, x, pair, login, now, out, err);
    if (!x->config->basic)
        return fail_field(err, E_SIGNIN, LIT("bad_credentials"), LIT(""),
                          "Basic takes an API key here, not a password: auth.basic is off");
    *out = identity_kept(x->identity, BY_PASSWORD, coded, now, &stamp);
    if (*out)
        return 0;
    TRY(by_password(rq, x, login, pair, &who, err));
    TRY(mfa__alone(rq, x, who.key, err));
    TRY(account__principal(rq, x, &who, &p, err));
    name_hash(x, &who, sid);
    *out =
        identity_keep(x->identity, BY_PASSWORD, coded, str_of(sid), &p, now + KEPT_SECONDS, stamp);
    return 0;
}
