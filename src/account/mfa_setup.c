/* mfa_setup.c -- an account's authenticator app and recovery codes: added, replaced, removed. A
 * secret counts when a code of it has come back: who scanned nothing locks himself out of nothing.
 * Adding one needs the password or a session that is minutes old; replacing or removing one, and
 * new recovery codes, need a code of it: a session that was stolen is not enough. Where a second
 * factor is required, who has none comes with the token that signing in gave him.
 * SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include <sodium.h>

enum { FRESH_SECONDS = 600, PENDING_SECONDS = 900 };

/* Who sets up: by his session, or by the token of a sign-in that has to. */
struct caller {
    str key, token; /* token empty: signed in */
    struct account who;
    struct factor factor;
    struct value body;
};

WAITS static int caller_of(struct request *rq, const struct accounts *x, struct caller *c,
                           struct err *err)
{
    c->token = LIT("");
    TRY(account__body(rq, &c->body, err));
    if (value_get(&c->body, LIT("mfa_token"))) {
        TRY(account__text(&c->body, LIT("mfa_token"), &c->token, err));
        TRY(mfa__token(rq, x, MFA_SETUP, c->token, &c->key, err));
    } else {
        TRY(account__me(rq, &c->key, err));
    }
    TRY(mfa__account(rq, x, c->key, &c->who, err));
    TRY(factor__find(rq, x, c->key, &c->factor, err));
    if (c->token.len && c->factor.secret.len) /* he has one since */
        return mfa__token(rq, x, MFA_SETUP, LIT(""), &c->key, err);
    return 0;
}

/* ---- adding ---- */

WAITS static int by_password(struct request *rq, const struct accounts *x,
                             const struct account *who, const struct value *body, struct err *err)
{
    str password;
    TRY(account__text(body, LIT("password"), &password, err));
    TRY(account__attempt(rq, x, who->key, err));
    return account__prove(rq, x, who, password, err);
}

int mfa__fresh(struct request *rq, const struct accounts *x, const struct account *who,
               const struct value *body, struct err *err)
{
    struct session s;
    int64_t now = account__now();
    if (value_get(body, LIT("password")))
        return by_password(rq, x, who, body, err);
    TRY(session__live(rq, x, signed_in_sid(rq->signed_in), now, &s, err));
    if (s.id.len && s.created + FRESH_SECONDS > now)
        return 0;
    return fail_field(err, E_DENIED, LIT("fresh_sign_in_required"), LIT("password"),
                      "you signed in a while ago: give the password, too");
}

WAITS static int may_add(struct request *rq, const struct accounts *x, const struct caller *c,
                         struct err *err)
{
    if (c->token.len)
        return 0;
    if (c->factor.secret.len)
        return mfa__prove(rq, x, c->key, &c->factor, &c->body, err);
    return mfa__fresh(rq, x, &c->who, &c->body, err);
}

int mfa__add(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    unsigned char secret[TOTP_SECRET];
    enum { ROOM = 2048, SECRET_ROOM = 64 };
    char coded[SECRET_ROOM];
    struct buf *b = &rq->reply->body,
               text = {.ptr = coded, .cap = SECRET_ROOM, .limit = SECRET_ROOM};
    struct buf uri = {.ptr = arena_new(&rq->arena, ROOM), .cap = ROOM, .limit = ROOM};
    struct caller c;
    TRY(caller_of(rq, x, &c, err));
    TRY(may_add(rq, x, &c, err));
    randombytes_buf(secret, sizeof secret);
    TRY(factor__pend(rq, x, c.key, factor__wrap(rq, x, c.key, secret), err));
    base32_put(&text, str_make((const char *)secret, sizeof secret));
    const struct value *login = &c.who.cells[x->login->index];
    totp_uri(&uri, identity_config_of(x->identity)->issuer,
             str_upto(login->kind == V_TEXT ? login->text : c.key, ROOM / 8), buf_view(&text));
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_lit(b, "{\"secret\":");
    json_text(b, buf_view(&text));
    buf_lit(b, ",\"uri\":");
    json_text(b, buf_view(&uri));
    buf_printf(b, ",\"expires_in\":%d}", PENDING_SECONDS);
    sodium_memzero(secret, sizeof secret);
    return 0;
}

/* ---- confirming ---- */

static void put_codes(struct buf *b, const str codes[RECOVERY_CODES])
{
    buf_lit(b, "\"recovery_codes\":[");
    for (int i = 0; i < RECOVERY_CODES; i++) {
        if (i)
            buf_char(b, ',');
        json_text(b, codes[i]);
    }
    buf_lit(b, "]}");
}

static void answer_codes(struct request *rq, const str codes[RECOVERY_CODES])
{
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_char(&rq->reply->body, '{');
    put_codes(&rq->reply->body, codes);
}

WAITS static int check_pending(struct request *rq, const struct accounts *x, const struct caller *c,
                               int64_t *step, struct err *err)
{
    unsigned char secret[TOTP_SECRET];
    str code;
    int64_t now = account__now();
    TRY(account__text(&c->body, LIT("code"), &code, err));
    if (!c->factor.pending.len || c->factor.pending_at + PENDING_SECONDS <= now)
        return fail_field(err, E_CONFLICT, LIT("mfa_not_begun"), LIT(""),
                          "there is no secret to confirm any more; begin again");
    TRY(mfa__attempt(rq, x, c->key, err));
    TRY(factor__unwrap(rq, x, c->key, c->factor.pending, secret, err));
    bool found = totp_find(secret, now, 0, code, step);
    sodium_memzero(secret, sizeof secret);
    return found ? 0 : mfa__wrong(rq, x, c->key, LIT("code"), err);
}

/* Sessions of before had no second factor: they end, but this one. */
WAITS static int end_others(struct request *rq, const struct accounts *x, const struct caller *c,
                            struct err *err)
{
    size_t ended;
    struct session_end e = {.account = c->key, .why = AUDIT_SESSIONS_ENDED};
    if (!c->token.len)
        e.keep = signed_in_sid(rq->signed_in);
    basic__forget(x, &c->who);
    return session__end(rq, x, &e, &ended, err);
}

int mfa__confirm(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    str codes[RECOVERY_CODES];
    struct caller c;
    int64_t step;
    bool cookie;
    TRY(cookie__wanted(rq, x, &cookie, err));
    TRY(caller_of(rq, x, &c, err));
    TRY(check_pending(rq, x, &c, &step, err));
    TRY(factor__confirm(rq, x, c.key, c.factor.pending, step, codes, err));
    TRY(end_others(rq, x, &c, err));
    if (!c.token.len) {
        answer_codes(rq, codes);
        return 0;
    }
    TRY(account__enter(rq, x, &c.who, cookie, err));
    rq->reply->body.len--; /* into the answer again */
    buf_char(&rq->reply->body, ',');
    put_codes(&rq->reply->body, codes);
    return 0;
}

/* ---- looking, new codes, removing ---- */

WAITS static int owner_of(struct request *rq, const struct accounts *x, str *key, struct factor *f,
                          struct err *err)
{
    TRY(account__me(rq, key, err));
    TRY(factor__find(rq, x, *key, f, err));
    return f->secret.len ? 0 : fail(err, E_NOTFOUND, "the account has no authenticator app");
}

int mfa__show(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct buf *b = &rq->reply->body;
    struct factor f;
    str key;
    int64_t left;
    TRY(account__me(rq, &key, err));
    TRY(factor__find(rq, x, key, &f, err));
    TRY(factor__codes_left(rq, x, key, &left, err));
    rq->reply->type = LIT("application/json");
    buf_printf(b, "{\"required\":%s,\"totp\":", x->config->mfa == MFA_REQUIRED ? "true" : "false");
    if (f.secret.len) {
        buf_lit(b, "{\"created_at\":");
        account__time(b, f.created);
        buf_char(b, '}');
    } else {
        buf_lit(b, "null");
    }
    buf_printf(b, ",\"recovery_codes\":%lld}", (long long)left);
    return 0;
}

int mfa__codes(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    str key, codes[RECOVERY_CODES];
    struct value body;
    struct factor f;
    TRY(owner_of(rq, x, &key, &f, err));
    TRY(account__body(rq, &body, err));
    TRY(mfa__prove(rq, x, key, &f, &body, err));
    TRY(factor__new_codes(rq, x, key, codes, err));
    answer_codes(rq, codes);
    return 0;
}

int mfa__remove(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body;
    struct factor f;
    str key;
    TRY(owner_of(rq, x, &key, &f, err));
    if (x->config->mfa == MFA_REQUIRED)
        return fail_field(err, E_DENIED, LIT("mfa_is_required"), LIT(""),
                          "a second factor is required here: replace it instead");
    TRY(account__body(rq, &body, err));
    TRY(mfa__prove(rq, x, key, &f, &body, err));
    TRY(factor__remove(rq, x, key, err));
    rq->reply->status = 204;
    return 0;
}
