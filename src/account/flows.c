/* flows.c -- the endpoints of letters: ask for one, bring back what it holds. SPDX: Apache-2.0
 * Asking says the same, in the same time and with the same writes, for an address that nobody has:
 * there the letter is written to nobody. */
#include "account/account_priv.h"

/* ---- asking ---- */

static int may_ask(struct request *rq, const struct accounts *x, str address, struct err *err)
{
    struct limit_verdict v;
    limit_take(x->mails_by, str_hash(account__client(x, rq, true)), loop_now(), 1, &v);
    if (v.allowed)
        limit_take(x->mails_to, account__name_hash(rq, address), loop_now(), 1, &v);
    return v.allowed ? 0 : account__limited(rq, &v, err);
}

static int take_address(const struct value *body, str *out, struct err *err)
{
    TRY(account__text(body, LIT("email"), out, err));
    if (mail_address(*out))
        return 0;
    return fail_field(err, E_INVALID, LIT("format"), LIT("email"),
                      "'email' must be an e-mail address");
}

WAITS static int put_letter(struct request *rq, const struct accounts *x, enum proof_kind kind,
                            str subject, str to, bool nowhere, struct err *err)
{
    struct writes w = {.count = 2};
    struct proof_made made;
    struct buf *b = &rq->reply->body;
    proof__make(rq, x, kind, subject, to, &made, &w.list[0]);
    TRY(letter__proof(rq, x, kind, to, &made, nowhere, &w.list[1], err));
    TRY(writes__run(&w, rq, x, err));
    mail_kick(x->config->mail);
    rq->reply->status = 202;
    rq->reply->type = LIT("application/json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    buf_lit(b, "{\"request\":");
    json_text(b, made.request);
    buf_printf(b, ",\"expires_in\":%lld}", (long long)made.minutes * 60);
    return 0;
}

WAITS static int by_email(struct request *rq, const struct accounts *x, str address,
                          struct account *who, struct err *err)
{
    struct value in = value_text(address), v;
    struct value_fault fault = {0};
    *who = (struct account){0};
    if (!column_take(x->email, &rq->arena, &in, true, &v, &fault))
        return 0;
    return account__find(rq, x, x->email, v, who, err);
}

WAITS static int ask(struct request *rq, const struct accounts *x, enum proof_kind kind,
                     struct err *err)
{
    struct value body;
    struct account who;
    str address;
    TRY(account__body(rq, &body, err));
    TRY(take_address(&body, &address, err));
    TRY(may_ask(rq, x, address, err));
    TRY(by_email(rq, x, address, &who, err));
    bool nobody = !who.cells || (kind == PROOF_VERIFY && account__verified(x, &who));
    /* To the address that the account has: a column that ignores case finds it by others, too. */
    return put_letter(rq, x, kind, address, who.cells ? letter__address(x, &who) : address, nobody,
                      err);
}

int account__verify_ask(struct request *rq, const void *data, struct err *err)
{
    return ask(rq, data, PROOF_VERIFY, err);
}

int account__reset_ask(struct request *rq, const void *data, struct err *err)
{
    return ask(rq, data, PROOF_RESET, err);
}

int account__magic_ask(struct request *rq, const void *data, struct err *err)
{
    return ask(rq, data, PROOF_MAGIC, err);
}

/* {"email":...,"password":...} of who is signed in. That an address is taken is told by nobody but
 * the letter that does not come. */
int account__email_ask(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body;
    struct account who, other;
    str key, address, password;
    TRY(account__me(rq, &key, err));
    TRY(account__body(rq, &body, err));
    TRY(take_address(&body, &address, err));
    TRY(account__text(&body, LIT("password"), &password, err));
    TRY(account__attempt(rq, x, key, err));
    TRY(may_ask(rq, x, address, err));
    TRY(account__by_key(rq, x, key, &who, err));
    TRY(account__prove(rq, x, &who, password, err));
    TRY(by_email(rq, x, address, &other, err));
    return put_letter(rq, x, PROOF_CHANGE, key, address, other.cells != NULL, err);
}

/* ---- bringing back ---- */

/* Of two at once one used it: the other one's list found no row to delete. */
WAITS static int run(struct writes *w, struct request *rq, const struct accounts *x,
                     struct err *err)
{
    int code = writes__run(w, rq, x, err);
    return code == E_NOTFOUND ? proof__invalid(err) : code;
}

WAITS static int owner(struct request *rq, const struct accounts *x, const struct proof *p,
                       struct account *who, struct err *err)
{
    if (p->kind == PROOF_CHANGE)
        TRY(account__by_key(rq, x, p->subject, who, err));
    else
        TRY(by_email(rq, x, p->address, who, err));
    return who->cells ? 0 : proof__invalid(err);
}

WAITS static int verify(struct request *rq, const struct accounts *x, const struct account *who,
                        struct writes *w, struct err *err)
{
    struct assignment set;
    struct audit_note note = {.event = AUDIT_VERIFIED, .account = who->key};
    if (account__verified(x, who) || !account__verify(rq, x, &set))
        return run(w, rq, x, err);
    TRY(account__assign(rq, x, who, &set, 1, &w->list[w->count++], err));
    writes__note(w, rq, x, &note);
    return run(w, rq, x, err);
}

WAITS static int end_sessions(struct request *rq, const struct accounts *x,
                              const struct account *who, struct err *err)
{
    struct session_end e = {.account = who->key, .why = AUDIT_SESSIONS_ENDED};
    size_t ended;
    return session__end(rq, x, &e, &ended, err);
}

/* Who lost his password may have lost what it opened; a key made with it would stay. */
static void end_keys(struct request *rq, const struct account *who, struct writes *w)
{
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 2);
    BUG_ON(w->count == WRITES_MOST);
    v[0] = value_int(account__now());
    v[1] = value_text(who->key);
    w->list[w->count++] = (struct db_write){
        .arena = &rq->arena,
        .expect = -1,
        .st = {.text = LIT("UPDATE cairn_keys SET revoked_at = $1 WHERE account = $2"
                           " AND revoked_at IS NULL"),
               .binds = v,
               .bind_count = 2}};
}

/* So would an app that was let in with it: its grants, codes not yet used, and that it need not
 * ask; and who linked himself at a provider. */
static void end_apps(struct request *rq, const struct account *who, struct writes *w)
{
    static const char *const texts[] = {
        "UPDATE cairn_oauth_grants SET revoked_at = $2 WHERE account = $1 AND revoked_at IS NULL",
        "DELETE FROM cairn_oauth_codes WHERE account = $1",
        "DELETE FROM cairn_oauth_consents WHERE account = $1"};
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 2);
    BUG_ON(w->count + COUNT_OF(texts) + 1 > WRITES_MOST);
    v[0] = value_text(who->key);
    v[1] = value_int(account__now());
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        w->list[w->count++] = (struct db_write){
            .arena = &rq->arena,
            .expect = -1,
            .st = {.text = str_of(texts[i]), .binds = v, .bind_count = i == 0 ? 2 : 1}};
    w->list[w->count++] = link__end(rq, who->key);
}

/* All ways in but the letter that is proved right now. Whoever made the account before its owner
 * came may have left some behind. keys: those that identity_revoke then gets. */
WAITS static int end_ways(struct request *rq, const struct accounts *x, const struct account *who,
                          bool passkeys, struct writes *w, struct rows *keys, struct err *err)
{
    TRY(key__all_of(rq, x, who->key, keys, err));
    end_keys(rq, who, w);
    end_apps(rq, who, w);
    BUG_ON(w->count == WRITES_MOST);
    if (passkeys)
        w->list[w->count++] = passkey__end_all(rq, who->key);
    return 0;
}

static void forget_keys(const struct accounts *x, const struct rows *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        identity_revoke(x->identity, rows_at(keys, i, 0)->text, account__now());
    identity_changed(x->identity); /* what is kept of apps is read again */
}

/* Passkeys go with the rest, unless they are the second factor, which no letter takes away. */
WAITS static int reset(struct request *rq, const struct accounts *x, const struct account *who,
                       const struct value *body, struct writes *w, struct err *err)
{
    str password, hash;
    struct rows keys = {0};
    TRY(account__text(body, LIT("password"), &password, err));
    TRY(account__acceptable(x, password, LIT("password"), err));
    TRY(account__hash(rq, x, password, &hash, err));
    if (x->config->reset_keys)
        TRY(end_ways(rq, x, who, x->config->mfa != MFA_REQUIRED, w, &keys, err));
    int code = account__new_password(rq, x, who, hash, true, w, err);
    if (code == E_NOTFOUND)
        return proof__invalid(err);
    TRY(code);
    if (x->config->reset_keys)
        forget_keys(x, &keys);
    return end_sessions(rq, x, who, err);
}

/* Who made an account that nobody had proved to be his may be somebody else, who waits with its
 * password until its owner comes: that password and those sessions end here, and what else would
 * let him in. */
WAITS static int sign_in(struct request *rq, const struct accounts *x, struct account *who,
                         struct writes *w, struct err *err)
{
    struct assignment set[2] = {{.column = x->password, .value = value_text(LIT("!"))}};
    struct audit_note note = {.event = AUDIT_VERIFIED, .account = who->key};
    struct rows keys = {0};
    bool cookie, first = !account__verified(x, who) && account__verify(rq, x, &set[1]);
    TRY(cookie__wanted(rq, x, &cookie, err));
    if (first) {
        TRY(account__assign(rq, x, who, set, 2, &w->list[w->count++], err));
        writes__note(w, rq, x, &note);
        TRY(end_ways(rq, x, who, true, w, &keys, err));
    }
    TRY(run(w, rq, x, err));
    if (first) {
        basic__forget(x, who);
        forget_keys(x, &keys);
        TRY(end_sessions(rq, x, who, err));
    }
    TRY(account__by_key(rq, x, who->key, who, err));
    if (!who->cells)
        return proof__invalid(err);
    return account__begin(rq, x, who, cookie, err);
}

WAITS static int change(struct request *rq, const struct accounts *x, const struct account *who,
                        str address, struct writes *w, struct err *err)
{
    struct assignment set[2] = {{.column = x->email, .value = value_text(address)}};
    struct audit_note note = {.event = AUDIT_EMAIL_CHANGED, .account = who->key, .login = address};
    size_t count = 1 + account__verify(rq, x, &set[1]);
    TRY(account__assign(rq, x, who, set, count, &w->list[w->count++], err));
    writes__note(w, rq, x, &note);
    TRY(letter__changed(rq, x, MAIL_CHANGED, letter__address(x, who), address, w, err));
    int code = run(w, rq, x, err);
    if (code == E_UNIQUE)
        return fail_field(err, E_UNIQUE, LIT("unique"), x->email->name,
                          "another account has this address now");
    TRY(code);
    mail_kick(x->config->mail);
    return 0;
}

int flow__confirm(struct request *rq, const struct accounts *x, enum proof_kind kind,
                  const struct value *body, struct err *err)
{
    struct writes w = {.count = 1};
    struct proof p;
    struct account who;
    struct limit_verdict v;
    limit_take(x->by_address, str_hash(account__client(x, rq, true)), loop_now(), 1, &v);
    if (!v.allowed)
        return account__limited(rq, &v, err);
    TRY(proof__find(rq, x, kind, body, &p, err));
    TRY(owner(rq, x, &p, &who, err));
    proof__use(rq, &p, &w.list[0]);
    switch (kind) {
    case PROOF_VERIFY:
        return verify(rq, x, &who, &w, err);
    case PROOF_RESET:
        return reset(rq, x, &who, body, &w, err);
    case PROOF_MAGIC:
        return sign_in(rq, x, &who, &w, err);
    default:
        return change(rq, x, &who, p.address, &w, err);
    }
}

WAITS static int confirm(struct request *rq, const struct accounts *x, enum proof_kind kind,
                         struct err *err)
{
    struct value body;
    TRY(account__body(rq, &body, err));
    TRY(flow__confirm(rq, x, kind, &body, err));
    if (kind != PROOF_MAGIC)
        rq->reply->status = 204;
    return 0;
}

int account__verify_do(struct request *rq, const void *data, struct err *err)
{
    return confirm(rq, data, PROOF_VERIFY, err);
}

int account__reset_do(struct request *rq, const void *data, struct err *err)
{
    return confirm(rq, data, PROOF_RESET, err);
}

int account__magic_do(struct request *rq, const void *data, struct err *err)
{
    return confirm(rq, data, PROOF_MAGIC, err);
}

int account__email_do(struct request *rq, const void *data, struct err *err)
{
    return confirm(rq, data, PROOF_CHANGE, err);
}
