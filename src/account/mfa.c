/* mfa.c -- signing in with two factors: after the password no session begins, but the client gets
 * a token that says for five minutes that the password was right; with a code of the account's
 * app, or a recovery code, it becomes a session. Invariants: (1) Whatever begins a session goes
 * through mfa__gate or has proved a code. (2) Codes are counted per account before they are looked
 * at. (3) The token opens nothing alone, and is no access token. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include <sodium.h>

enum {
    TOKEN_SECONDS = 300,
    TOKEN_KIND = 8,
    TOKEN_STAMP = 9,
    TOKEN_HEAD = TOKEN_STAMP + DIGEST_TEXT
};

static const char use_token[] = "mfa token", prefix[] = "cmt_";

/* ---- the token between the password and the code ---- */

/* A digest of the password's hash: a new password makes what stands on the old one void. */
WAITS static int stamp_of(struct request *rq, const struct accounts *x, str account,
                          char out[DIGEST_TEXT + 1], struct err *err)
{
    struct account who;
    TRY(account__by_key(rq, x, account, &who, err));
    const struct value *v = who.cells ? &who.cells[x->password->index] : NULL;
    identity_digest(x->identity, v && v->kind == V_TEXT ? v->text : LIT(""), out);
    return 0;
}

static str token_make(struct request *rq, const struct accounts *x, enum mfa_kind kind, str account,
                      const char *stamp)
{
    char *raw = arena_new(&rq->arena, TOKEN_HEAD + account.len);
    uint64_t until = (uint64_t)(account__now() + TOKEN_SECONDS);
    for (int i = 0; i < 8; i++)
        raw[i] = (char)(until >> (8 * i));
    raw[TOKEN_KIND] = (char)kind;
    memcpy(raw + TOKEN_STAMP, stamp, DIGEST_TEXT);
    memcpy(raw + TOKEN_HEAD, account.ptr, account.len);
    str text = str_make(raw, TOKEN_HEAD + account.len);
    text = identity_wrap(&rq->arena, x->identity, use_token, LIT(""), text);
    return arena_printf(&rq->arena, "%s%.*s", prefix, STR_ARG(text));
}

int mfa__token(struct request *rq, const struct accounts *x, enum mfa_kind kind, str token,
               str *account, struct err *err)
{
    char stamp[DIGEST_TEXT + 1];
    str raw = {0};
    uint64_t until = 0;
    bool good = str_starts(token, LIT("cmt_")) &&
                identity_unwrap(&rq->arena, x->identity, use_token, LIT(""),
                                str_from(token, sizeof prefix - 1), &raw) &&
                raw.len > TOKEN_HEAD && raw.ptr[TOKEN_KIND] == (char)kind;
    for (int i = 0; good && i < 8; i++)
        until |= (uint64_t)(unsigned char)raw.ptr[i] << (8 * i);
    good = good && (int64_t)until > account__now();
    if (good)
        TRY(stamp_of(rq, x, str_from(raw, TOKEN_HEAD), stamp, err));
    if (!good || sodium_memcmp(stamp, raw.ptr + TOKEN_STAMP, DIGEST_TEXT) != 0)
        return fail_field(err, E_SIGNIN, LIT("invalid_mfa_token"), LIT("mfa_token"),
                          "the mfa_token is not good any more; sign in again");
    *account = str_from(raw, TOKEN_HEAD);
    return 0;
}

/* ---- whether a second factor is wanted ---- */

static int setup_wanted(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("mfa_setup_required"), LIT(""),
                      "a second factor is required here, and the account has none yet");
}

static int code_wanted(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("mfa_required"), LIT(""),
                      "the account has a second factor: its code is needed, too");
}

WAITS static int give_token(struct request *rq, const struct accounts *x, enum mfa_kind kind,
                            str account, struct err *err)
{
    char stamp[DIGEST_TEXT + 1];
    struct err why = {0};
    if (stamp_of(rq, x, account, stamp, &why) < 0) {
        *err = why;
        return err->code;
    }
    err->more = arena_printf(&rq->arena, "\"mfa_token\":\"%.*s\",\"expires_in\":%d",
                             STR_ARG(token_make(rq, x, kind, account, stamp)), TOKEN_SECONDS);
    return err->code;
}

static int passkey_wanted(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("mfa_required"), LIT(""),
                      "the account has a passkey: sign in with that");
}

int mfa__page_token(struct request *rq, const struct accounts *x, str account, str *token,
                    struct err *err)
{
    struct factor f;
    char stamp[DIGEST_TEXT + 1];
    TRY(factor__find(rq, x, account, &f, err));
    if (!f.secret.len)
        return passkey_wanted(err);
    TRY(stamp_of(rq, x, account, stamp, err));
    *token = token_make(rq, x, MFA_VERIFY, account, stamp);
    return 0;
}

/* kind: of the token for what comes next; MFA_NONE: there is none. */
WAITS static int needed(struct request *rq, const struct accounts *x, str account,
                        enum mfa_kind *kind, struct err *err)
{
    struct factor f;
    struct rows rows;
    *kind = MFA_NONE;
    if (x->config->mfa == MFA_OFF)
        return 0;
    TRY(factor__find(rq, x, account, &f, err));
    *kind = f.secret.len ? MFA_VERIFY : MFA_NONE;
    if (f.secret.len)
        return code_wanted(err);
    if (x->config->mfa != MFA_REQUIRED)
        return 0;
    TRY(passkey__all_of(rq, x, account, &rows, err));
    *kind = rows.count ? MFA_NONE : MFA_SETUP; /* the password alone adds no app beside a passkey */
    return rows.count ? passkey_wanted(err) : setup_wanted(err);
}

int mfa__alone(struct request *rq, const struct accounts *x, str account, struct err *err)
{
    enum mfa_kind kind;
    return needed(rq, x, account, &kind, err);
}

int mfa__gate(struct request *rq, const struct accounts *x, str account, struct err *err)
{
    enum mfa_kind kind;
    int code = needed(rq, x, account, &kind, err);
    if (code == E_SIGNIN && kind != MFA_NONE)
        return give_token(rq, x, kind, account, err);
    return code;
}

int mfa__has(struct request *rq, const struct accounts *x, str account, struct err *err)
{
    struct factor f;
    struct rows rows;
    if (x->config->mfa != MFA_REQUIRED)
        return 0;
    TRY(factor__find(rq, x, account, &f, err));
    if (f.secret.len)
        return 0;
    TRY(passkey__all_of(rq, x, account, &rows, err));
    return rows.count ? 0 : setup_wanted(err);
}

/* ---- codes ---- */

int mfa__attempt(struct request *rq, const struct accounts *x, str account, struct err *err)
{
    struct limit_verdict v;
    limit_take(x->by_factor, str_hash(account), loop_now(), 1, &v);
    return v.allowed ? 0 : account__limited(rq, &v, err);
}

int mfa__wrong(struct request *rq, const struct accounts *x, str account, str field,
               struct err *err)
{
    account__note_failure(rq, x, AUDIT_MFA_FAILED, account, LIT(""));
    return fail_field(err, E_DENIED, LIT("wrong_code"), field,
                      "the code is wrong, or was used already");
}

WAITS static int by_code(struct request *rq, const struct accounts *x, str account,
                         const struct factor *f, str code, bool *good, struct err *err)
{
    unsigned char secret[TOTP_SECRET];
    int64_t step;
    TRY(factor__unwrap(rq, x, account, f->secret, secret, err));
    bool found = totp_find(secret, account__now(), f->used_step, code, &step);
    sodium_memzero(secret, sizeof secret);
    return found ? factor__use(rq, x, account, f->secret, step, good, err) : 0;
}

int mfa__prove(struct request *rq, const struct accounts *x, str account, const struct factor *f,
               const struct value *body, struct err *err)
{
    str code, field = value_get(body, LIT("recovery_code")) ? LIT("recovery_code") : LIT("code");
    bool good = false;
    TRY(account__text(body, field, &code, err));
    TRY(mfa__attempt(rq, x, account, err));
    if (str_is(field, "code"))
        TRY(by_code(rq, x, account, f, code, &good, err));
    else
        TRY(factor__recover(rq, x, account, str_upto(code, RECOVERY_TEXT_MOST), &good, err));
    return good ? 0 : mfa__wrong(rq, x, account, field, err);
}

/* ---- POST .../auth/mfa/verify ---- */

int account__begin(struct request *rq, const struct accounts *x, const struct account *who,
                   bool cookie, struct err *err)
{
    TRY(mfa__gate(rq, x, who->key, err));
    return account__enter(rq, x, who, cookie, err);
}

int mfa__account(struct request *rq, const struct accounts *x, str key, struct account *who,
                 struct err *err)
{
    TRY(account__by_key(rq, x, key, who, err));
    if (!who->cells)
        return fail(err, E_NOTFOUND, "the account is gone");
    if (!account__verified(x, who))
        return fail_field(err, E_DENIED, LIT("not_verified"), LIT(""),
                          "the account is not verified yet");
    return 0;
}

int mfa__verify(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body;
    struct account who;
    struct factor f;
    bool cookie;
    str token, key;
    TRY(cookie__wanted(rq, x, &cookie, err));
    TRY(account__body(rq, &body, err));
    TRY(account__text(&body, LIT("mfa_token"), &token, err));
    TRY(mfa__token(rq, x, MFA_VERIFY, token, &key, err));
    TRY(mfa__account(rq, x, key, &who, err));
    TRY(factor__find(rq, x, key, &f, err));
    if (!f.secret.len) /* it was taken away since */
        return mfa__token(rq, x, MFA_VERIFY, LIT(""), &key, err);
    TRY(mfa__prove(rq, x, key, &f, &body, err));
    return account__enter(rq, x, &who, cookie, err);
}
