/* door.c -- for pages of ours that people sign in on: who is behind a session's cookie, and signing
 * in by a form. The rules, limits and events are those of POST .../auth/login. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include <sodium.h>

static void person_of(const struct account *who, const struct session *s,
                      struct account_person *out)
{
    *out = (struct account_person){
        .key = who->key, .cells = who->cells, .sid = s->id, .since = s->created};
}

int account_person(const struct accounts *x, struct request *rq, struct account_person *out,
                   struct err *err)
{
    struct session s;
    struct account who;
    *out = (struct account_person){0};
    TRY(cookie__session(rq, x, account__now(), &s, &who, err));
    if (who.cells)
        person_of(&who, &s, out);
    return 0;
}

int account_person_by(const struct accounts *x, struct request *rq, str key,
                      struct account_person *out, struct err *err)
{
    struct account who;
    *out = (struct account_person){0};
    TRY(account__by_key(rq, x, key, &who, err));
    if (!who.cells || !account__verified(x, &who))
        return 0;
    struct err why = {0};
    int code = mfa__has(rq, x, who.key, &why);
    if (code < 0 && code != E_SIGNIN)
        *err = why;
    if (code == 0)
        *out = (struct account_person){.key = who.key, .cells = who.cells};
    return code == E_SIGNIN ? 0 : code;
}

/* ---- signing in ---- */

WAITS static int enter(const struct accounts *x, struct request *rq, const struct account *who,
                       struct account_person *out, struct err *err)
{
    struct session s;
    TRY(cookie__enter(rq, x, who, &s, err));
    person_of(who, &s, out);
    return 0;
}

int account_sign_in(const struct accounts *x, struct request *rq, str login, str password,
                    str *mfa_token, struct account_person *out, struct err *err)
{
    struct account who;
    struct err why = {0};
    *mfa_token = (str){0};
    *out = (struct account_person){0};
    TRY(csrf__from_us(rq, x, err));
    TRY(account__prove_login(rq, x, login, password, &who, err));
    if (!account__verified(x, &who))
        return fail_field(err, E_DENIED, LIT("not_verified"), LIT(""),
                          "the account is not verified yet");
    int code = mfa__alone(rq, x, who.key, &why);
    if (code == E_SIGNIN && str_is(why.word, "mfa_required"))
        TRY(mfa__page_token(rq, x, who.key, mfa_token, err));
    if (code < 0 && !mfa_token->len)
        *err = why;
    if (code < 0)
        return mfa_token->len ? 0 : code;
    return enter(x, rq, &who, out, err);
}

int account_sign_in_code(const struct accounts *x, struct request *rq, str mfa_token, str code,
                         struct account_person *out, struct err *err)
{
    struct account who;
    struct factor f;
    bool recovery = code.len > TOTP_DIGITS;
    struct member m = {recovery ? LIT("recovery_code") : LIT("code"), value_text(code)};
    struct value body = {.kind = V_OBJECT, .fields = &m, .count = 1};
    str key;
    *out = (struct account_person){0};
    TRY(csrf__from_us(rq, x, err));
    TRY(mfa__token(rq, x, MFA_VERIFY, mfa_token, &key, err));
    TRY(mfa__account(rq, x, key, &who, err));
    TRY(factor__find(rq, x, key, &f, err));
    if (!f.secret.len) /* it was taken away since */
        return mfa__token(rq, x, MFA_VERIFY, LIT(""), &key, err);
    TRY(mfa__prove(rq, x, key, &f, &body, err));
    return enter(x, rq, &who, out, err);
}

int account_owner(const struct request *rq, str *key, struct err *err)
{
    return account__me(rq, key, err);
}

/* ---- forms of a page ---- */

void account_form_token(const struct accounts *x, str sid, char out[CSRF_TEXT])
{
    identity_csrf(x->identity, sid, out);
}

bool account_form_good(const struct accounts *x, struct request *rq, str sid, str token)
{
    char want[CSRF_TEXT];
    struct err ignored = {0};
    identity_csrf(x->identity, sid, want);
    return csrf__from_us(rq, x, &ignored) == 0 && token.len == CSRF_TEXT &&
           sodium_memcmp(token.ptr, want, CSRF_TEXT) == 0;
}

/* ---- what else is asked from outside ---- */

str account_column_text(const struct accounts *x, struct arena *a, const struct account_person *who,
                        str name)
{
    const struct column *c = table_column(x->table, name);
    const struct value *v = c && !x->hidden[c->index] ? &who->cells[c->index] : NULL;
    (void)a;
    return v && c->type == TYPE_TEXT && v->kind == V_TEXT ? v->text : (str){0};
}

str account_email(const struct accounts *x, const struct account_person *who, bool *verified)
{
    struct account a = {.cells = who->cells, .key = who->key};
    const struct value *v = &who->cells[x->email->index];
    *verified = x->verified && account__verified(x, &a);
    return v->kind == V_TEXT ? v->text : (str){0};
}

int account_may_try(const struct accounts *x, struct request *rq, str name, struct err *err)
{
    return account__may_attempt(rq, x, name, err);
}

int account_tried(const struct accounts *x, struct request *rq, str name, struct err *err)
{
    return account__attempt(rq, x, name, err);
}

str account_client(const struct accounts *x, struct request *rq)
{
    return account__client(x, rq, true);
}

void account_time(struct buf *b, int64_t seconds)
{
    account__time(b, seconds);
}

struct db *account_db(const struct accounts *x)
{
    return x->db;
}

struct identity *account_identity(const struct accounts *x)
{
    return x->identity;
}

void account_audit(const struct accounts *x, struct request *rq, enum account_event event, str key,
                   str detail, struct db_write *list, size_t *count)
{
    static const enum audit_event events[] = {[ACCOUNT_APP_LET_IN] = AUDIT_APP_LET_IN,
                                              [ACCOUNT_APP_ENDED] = AUDIT_APP_ENDED,
                                              [ACCOUNT_APP_REUSED] = AUDIT_APP_REUSED};
    struct audit_note n = {events[event], key, (str){0}, detail};
    if (audit__add(rq, x, &n, &list[*count]))
        ++*count;
}
