/* credentials.c -- registering, signing in and out, changing a password. Signing in says the same
 * in the same time for a name that nobody has and for a wrong password. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include "observe/log.h"

#include <sodium.h>

enum { FAULTS_MOST = 50 };

/* ---- passwords ---- */

struct lookup {
    const char *file;
    str password;
    bool found;
    int code;
    struct err err;
};

static void look_up(void *arg)
{
    struct lookup *l = arg;
    l->code = password_listed(l->file, l->password, &l->found, &l->err);
}

static size_t characters(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

int account__acceptable(const struct accounts *x, str password, str field, struct err *err)
{
    struct lookup l = {.file = x->config->breached.ptr, .password = password};
    if ((int64_t)characters(password) < x->config->password_least)
        return fail_field(err, E_INVALID, LIT("length"), field,
                          "'%.*s' must have at least %lld characters", STR_ARG(field),
                          (long long)x->config->password_least);
    if (password.len > PASSWORD_BYTES_MOST)
        return fail_field(err, E_INVALID, LIT("length"), field, "'%.*s' has %d bytes at most",
                          STR_ARG(field), PASSWORD_BYTES_MOST);
    if (!x->config->breached.len)
        return 0;
    TRY(fiber_blocking(look_up, &l));
    if (l.code < 0) {
        *err = l.err;
        return l.code;
    }
    if (!l.found)
        return 0;
    return fail_field(err, E_INVALID, LIT("breached_password"), field,
                      "this password is on a list of known passwords; choose another one");
}

int account__limited(struct request *rq, const struct limit_verdict *v, struct err *err)
{
    str seconds = arena_printf(&rq->arena, "%llu", (unsigned long long)v->retry_ms / 1000 + 1);
    reply_header(rq->reply, LIT("Retry-After"), seconds);
    return fail_field(err, E_LIMITED, LIT("too_many_attempts"), LIT(""),
                      "too many attempts; come again in %.*s seconds", STR_ARG(seconds));
}

/* A flood of refused attempts must not become a flood of rows: one a window and name, or address.
 */
static bool tell_once(const struct accounts *x, str who)
{
    struct limit_verdict v;
    limit_take(x->told, str_hash(who), loop_now(), 1, &v);
    return v.allowed;
}

uint64_t account__name_hash(struct request *rq, str name)
{
    enum { MOST = 320 };
    str s = str_upto(name, MOST);
    char *lower = arena_new(&rq->arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        lower[i] = ascii_lower(s.ptr[i]);
    return str_hash(str_make(lower, s.len));
}

int account__attempt(struct request *rq, const struct accounts *x, str login, struct err *err)
{
    struct limit_verdict v;
    str client = account__client(x, rq, true), who = client;
    limit_take(x->by_address, str_hash(client), loop_now(), 1, &v);
    if (v.allowed) {
        limit_take(x->by_account, account__name_hash(rq, login), loop_now(), 1, &v);
        who = login;
    }
    if (v.allowed)
        return 0;
    if (tell_once(x, who))
        audit__alone(rq, x, &(struct audit_note){.event = AUDIT_SIGNIN_LIMITED, .login = login});
    return account__limited(rq, &v, err);
}

int account__may_attempt(struct request *rq, const struct accounts *x, str login, struct err *err)
{
    struct limit_verdict v;
    limit_take(x->by_address, str_hash(account__client(x, rq, true)), loop_now(), 0, &v);
    if (v.left)
        limit_take(x->by_account, account__name_hash(rq, login), loop_now(), 0, &v);
    return v.left ? 0 : account__limited(rq, &v, err);
}

int account__hash(struct request *rq, const struct accounts *x, str password, str *out,
                  struct err *err)
{
    char text[PASSWORD_HASH_MOST + 1];
    TRY(passwords_hash(identity_passwords(x->identity), password, text, err));
    *out = arena_str(&rq->arena, str_of(text));
    return 0;
}

/* ---- signing in ---- */

static int wrong(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("bad_credentials"), LIT(""),
                      "the name or the password is wrong");
}

void account__note_failure(struct request *rq, const struct accounts *x, enum audit_event event,
                           str key, str login)
{
    audit__alone(rq, x, &(struct audit_note){event, key, login, (str){0}});

    struct log l;
    log_begin(&l, LOG_INFO, "sign-in failed");
    log_str(&l, "request_id", rq->id);
    log_str(&l, "login", str_upto(login, 100));
    log_str(&l, "client", account__client(x, rq, false));
    log_end(&l);
}

int account__prove_login(struct request *rq, const struct accounts *x, str login, str password,
                         struct account *who, struct err *err)
{
    struct password_verdict v;
    struct value in = value_text(login), name;
    struct value_fault fault = {0};
    TRY(account__attempt(rq, x, login, err));
    *who = (struct account){0};
    if (column_take(x->login, &rq->arena, &in, true, &name, &fault))
        TRY(account__find(rq, x, x->login, name, who, err));
    const struct value *hash = who->cells ? &who->cells[x->password->index] : NULL;
    str stored = hash && hash->kind == V_TEXT ? hash->text : (str){0};
    TRY(passwords_check(identity_passwords(x->identity), password, stored, &v, err));
    if (!v.good) {
        account__note_failure(rq, x, AUDIT_SIGNIN_FAILED, who->key, login);
        return wrong(err);
    }
    if (v.stale) {
        str again;
        TRY(account__hash(rq, x, password, &again, err));
        TRY(account__set_password(rq, x, who, again.ptr, NULL, err));
    }
    return 0;
}

WAITS static int credentials(struct request *rq, const struct accounts *x, struct value *body,
                             str *login, str *password, struct err *err)
{
    TRY(account__body(rq, body, err));
    TRY(account__text(body, x->login->name, login, err));
    return account__text(body, LIT("password"), password, err);
}

int account__enter(struct request *rq, const struct accounts *x, const struct account *who,
                   bool cookie, struct err *err)
{
    struct tokens t;
    if (cookie)
        return cookie__begin(rq, x, who, err);
    TRY(session__begin(rq, x, who, &t, err));
    account__answer(rq, x, &t, who);
    return 0;
}

int account__login(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body;
    struct account who;
    str login, password;
    bool cookie;
    TRY(cookie__wanted(rq, x, &cookie, err));
    TRY(credentials(rq, x, &body, &login, &password, err));
    TRY(account__prove_login(rq, x, login, password, &who, err));
    if (!account__verified(x, &who))
        return fail_field(err, E_DENIED, LIT("not_verified"), LIT(""),
                          "the account is not verified yet");
    return account__begin(rq, x, &who, cookie, err);
}

int account__refresh(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body;
    struct tokens t;
    str token;
    TRY(account__body(rq, &body, err));
    TRY(account__text(&body, LIT("refresh_token"), &token, err));
    TRY(session__refresh(rq, x, token, &t, err));
    account__answer(rq, x, &t, NULL);
    return 0;
}

/* With {"all":true}: every session of the account. */
int account__logout(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body = {0};
    size_t ended;
    str key, sid;
    TRY(account__me(rq, &key, err));
    if (request_header(rq, LIT("Content-Type")).ptr)
        TRY(account__body(rq, &body, err));
    const struct value *all = value_get(&body, LIT("all"));
    bool whole = all && ((all->kind == V_BOOL && all->truth) ||
                         (value_is_loose(all) && str_is(all->text, "true")));
    sid = whole ? LIT("") : signed_in_sid(rq->signed_in);
    struct session_end e = {.account = key, .sid = sid, .why = AUDIT_SESSIONS_ENDED};
    TRY(session__end(rq, x, &e, &ended, err));
    if (signed_in_by(rq->signed_in) == BY_COOKIE)
        cookie__clear(rq, x);
    rq->reply->status = 204;
    return 0;
}

int account__show(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct account who;
    str key = rq->principal ? rq->principal->subject : LIT("");
    if (!key.len || rq->principal->app.len) /* an app asks at /oauth/userinfo */
        TRY(account__me(rq, &key, err));
    TRY(account__by_key(rq, x, key, &who, err));
    if (!who.cells)
        return fail(err, E_NOTFOUND, "the account is gone");
    rq->reply->type = LIT("application/json");
    account__put(&rq->reply->body, x, &who);
    return 0;
}

int account__jwks(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    (void)err;
    rq->reply->type = LIT("application/jwk-set+json");
    reply_header(rq->reply, LIT("Cache-Control"), LIT("public, max-age=300"));
    identity_jwks(x->identity, &rq->reply->body);
    return 0;
}

int account__prove(struct request *rq, const struct accounts *x, const struct account *who,
                   str password, struct err *err)
{
    struct password_verdict v;
    if (!who->cells)
        return fail(err, E_NOTFOUND, "the account is gone");
    const struct value *hash = &who->cells[x->password->index];
    TRY(passwords_check(identity_passwords(x->identity), password,
                        hash->kind == V_TEXT ? hash->text : (str){0}, &v, err));
    if (v.good)
        return 0;
    account__note_failure(rq, x, AUDIT_PASSWORD_REFUSED, who->key, LIT(""));
    return wrong(err);
}

/* {"current":...,"password":...}: the other sessions end; one in a cookie gets another id. */
int account__change(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body;
    struct account who;
    struct writes w = {.count = 0};
    size_t ended;
    str key, current, password, hash, keep;
    TRY(account__me(rq, &key, err));
    keep = signed_in_sid(rq->signed_in);
    TRY(account__body(rq, &body, err));
    TRY(account__text(&body, LIT("current"), &current, err));
    TRY(account__text(&body, LIT("password"), &password, err));
    TRY(account__attempt(rq, x, key, err));
    TRY(account__by_key(rq, x, key, &who, err));
    TRY(account__prove(rq, x, &who, current, err));
    TRY(account__acceptable(x, password, LIT("password"), err));
    TRY(account__hash(rq, x, password, &hash, err));
    TRY(account__new_password(rq, x, &who, hash, false, &w, err));
    if (signed_in_by(rq->signed_in) == BY_COOKIE)
        TRY(cookie__renew(rq, x, &who, &keep, err));
    struct session_end e = {.account = key, .keep = keep, .why = AUDIT_SESSIONS_ENDED};
    TRY(session__end(rq, x, &e, &ended, err));
    rq->reply->status = 204;
    return 0;
}

/* ---- registering ---- */

struct form {
    struct request *rq;
    const struct accounts *x;
    str login;
    const struct column **columns;
    struct value *values;
    size_t count;
    struct err_item *items;
    size_t item_count;
    str email; /* with letters */
    struct proof_made made;
};

static void fault(struct form *f, str field, str code, str message)
{
    if (f->item_count < FAULTS_MOST)
        f->items[f->item_count++] =
            (struct err_item){.field = field,
                              .pointer = arena_printf(&f->rq->arena, "/%.*s", STR_ARG(field)),
                              .code = code,
                              .message = message};
}

static void take_member(struct form *f, const struct member *m)
{
    struct arena *a = &f->rq->arena;
    const struct column *c = table_column(f->x->table, m->name);
    struct value_fault wrong_ = {0};
    if (str_is(m->name, "password") || (c && account_takes(f->x, c) && column_blank(c, &m->value)))
        return;
    if (!c || !account_takes(f->x, c)) {
        str name = arena_str(a, str_upto(m->name, 60));
        fault(f, name, c ? LIT("read_only") : LIT("unknown_field"),
              arena_printf(a, "'%.*s' cannot be given here", STR_ARG(name)));
    } else if (column_take(c, a, &m->value, false, &f->values[f->count], &wrong_)) {
        f->columns[f->count++] = c;
    } else {
        fault(f, c->name, wrong_.code,
              arena_printf(a, "'%.*s' %.*s", STR_ARG(c->name), STR_ARG(wrong_.message)));
    }
}

static bool given(const struct form *f, const struct column *c)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->columns[i] == c)
            return true;
    }
    return false;
}

static bool told(const struct value *body, const struct column *c)
{
    const struct value *v = value_get(body, c->name);
    return v && !column_blank(c, v);
}

static void check_required(struct form *f, const struct value *body)
{
    for (size_t i = 0; i < f->x->table->column_count; i++) {
        const struct column *c = f->x->all[i];
        if (!account_takes(f->x, c) || c->nullable || c->has_default || given(f, c) ||
            told(body, c))
            continue;
        fault(f, c->name, LIT("required"),
              arena_printf(&f->rq->arena, "'%.*s' is required", STR_ARG(c->name)));
    }
}

static int complain(const struct form *f, struct err *err)
{
    if (!f->item_count)
        return 0;
    fail(err, E_INVALID, "%.*s", STR_ARG(f->items[0].message));
    err->items = f->items;
    err->item_count = f->item_count;
    return E_INVALID;
}

static void put_in(struct form *f, const struct column *c, struct value v)
{
    f->columns[f->count] = c;
    f->values[f->count++] = v;
}

static bool needs_proof(const struct accounts *x)
{
    return x->verified && x->config->mail;
}

/* The letter that asks for a proof of the address stands in the account's own transaction. */
static int add_letter(struct form *f, struct writes *w, struct err *err)
{
    if (!needs_proof(f->x))
        return 0;
    proof__make(f->rq, f->x, PROOF_VERIFY, f->email, f->email, &f->made, &w->list[w->count++]);
    return letter__proof(f->rq, f->x, PROOF_VERIFY, f->email, &f->made, false, &w->list[w->count++],
                         err);
}

/* Where letters go to: it is held to be one before anything is done. */
static int take_email(struct form *f, const struct value *body, struct err *err)
{
    if (!f->x->config->mail)
        return 0;
    TRY(account__text(body, f->x->email->name, &f->email, err));
    if (mail_address(f->email))
        return 0;
    return fail_field(err, E_INVALID, LIT("format"), f->x->email->name,
                      "'%.*s' must be an e-mail address", STR_ARG(f->x->email->name));
}

WAITS static int insert(struct form *f, struct account *who, struct err *err)
{
    const struct accounts *x = f->x;
    struct insert i = {.table = x->table,
                       .columns = f->columns,
                       .column_count = f->count,
                       .values = f->values,
                       .row_count = 1,
                       .returning = x->all,
                       .returning_count = x->table->column_count};
    struct writes w = {.list = {{.arena = &f->rq->arena, .expect = -1}}, .count = 1};
    TRY(sql_insert(x->config->dialect, &f->rq->arena, &i, &w.list[0].st, err));
    struct audit_note note = {.event = AUDIT_REGISTERED, .login = f->login};
    writes__note(&w, f->rq, x, &note);
    TRY(add_letter(f, &w, err));
    int code = writes__run(&w, f->rq, x, err);
    if (code == E_UNIQUE)
        return fail_field(err, E_UNIQUE, LIT("unique"), x->login->name,
                          "an account with this name is there already");
    TRY(code);
    who->cells = w.list[0].rows.cells;
    who->key = account__key(&f->rq->arena, &who->cells[x->id->index]);
    return 0;
}

/* The account; and what goes with the code of the letter. */
static void answer_unverified(struct request *rq, const struct form *f, const struct account *who)
{
    struct buf *b = &rq->reply->body;
    rq->reply->type = LIT("application/json");
    account__put(b, f->x, who);
    if (!f->made.request.len)
        return;
    reply_header(rq->reply, LIT("Cache-Control"), LIT("no-store"));
    b->len--; /* the brace */
    buf_lit(b, ",\"verification\":{\"request\":");
    json_text(b, f->made.request);
    buf_printf(b, ",\"expires_in\":%lld}}", (long long)f->made.minutes * 60);
}

int account__register(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    size_t most = x->table->column_count + 4;
    struct form f = {.rq = rq,
                     .x = x,
                     .columns = ARENA_ARRAY(&rq->arena, const struct column *, most),
                     .values = ARENA_ARRAY(&rq->arena, struct value, most),
                     .items = ARENA_ARRAY(&rq->arena, struct err_item, FAULTS_MOST)};
    struct value body;
    struct account who;
    str login, password, hash;
    bool cookie;
    TRY(cookie__wanted(rq, x, &cookie, err));
    TRY(credentials(rq, x, &body, &login, &password, err));
    f.login = login;
    TRY(account__attempt(rq, x, login, err));
    TRY(account__acceptable(x, password, LIT("password"), err));
    TRY(take_email(&f, &body, err));
    for (size_t i = 0; i < body.count && i < most + FAULTS_MOST; i++)
        take_member(&f, &body.fields[i]);
    check_required(&f, &body);
    TRY(complain(&f, err));
    TRY(account__hash(rq, x, password, &hash, err));
    put_in(&f, x->password, value_text(hash));
    if (x->roles && x->config->default_role.len)
        put_in(&f, x->roles, value_text(x->config->default_role));
    TRY(insert(&f, &who, err));
    rq->reply->status = 201;
    if (needs_proof(x))
        mail_kick(x->config->mail);
    if (!account__verified(x, &who)) {
        answer_unverified(rq, &f, &who);
        return 0;
    }
    return account__begin(rq, x, &who, cookie, err);
}
