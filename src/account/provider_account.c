/* provider_account.c -- whose account it is that a provider speaks of. SPDX: Apache-2.0
 * By the provider's own id of a person, never by an address alone: an address counts once, when an
 * account is first found, and only if both sides have seen it proved. Otherwise whoever enters a
 * foreign address at a careless provider, or registers one here before its owner comes, would share
 * an account with him. */
#include "account/account_priv.h"

static int refused(struct err *err, int code, str word, const char *text)
{
    return fail_field(err, code, word, LIT(""), "%s", text);
}

static int taken(struct err *err)
{
    return refused(err, E_CONFLICT, LIT("identity_taken"),
                   "this identity belongs to another account");
}

/* ---- a new account ---- */

/* Claims that a column of the same name takes (OpenID Connect Core 1.0, 5.1). */
static bool profile_claim(str name)
{
    static const char *const names[] = {"name",        "given_name", "family_name",
                                        "middle_name", "nickname",   "preferred_username",
                                        "picture",     "locale",     "zoneinfo"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_is(name, names[i]))
            return true;
    }
    return false;
}

/* A picture is an address that a page will fetch: nothing but https. */
static str claim_of(const struct provider_person *p, str name)
{
    const struct value *v = value_get(&p->claims, name);
    bool good = v && v->kind == V_TEXT &&
                (!str_is(name, "picture") || str_starts(v->text, LIT("https://")));
    return good ? v->text : (str){0};
}

struct made {
    struct request *rq;
    const struct accounts *x;
    const struct provider_config *c;
    const struct provider_person *p;
    const struct column **columns;
    struct value *values;
    size_t count;
    bool by_address; /* the login is the address, whatever name the provider tells */
    struct account *who;
};

static bool put_in(struct made *m, const struct column *c, str text)
{
    struct value in = value_text(text);
    struct value_fault fault = {0};
    if (!text.len || !column_take(c, &m->rq->arena, &in, false, &m->values[m->count], &fault))
        return false;
    m->columns[m->count++] = c;
    return true;
}

static bool put_column(struct made *m, const struct column *c)
{
    const struct accounts *x = m->x;
    str local = str_upto(m->p->email, str_find(m->p->email, '@'));
    if (c == x->email)
        return put_in(m, c, m->p->email);
    if (c == x->login)
        return (!m->by_address && put_in(m, c, claim_of(m->p, LIT("preferred_username")))) ||
               put_in(m, c, m->p->email);
    if (!account_takes(x, c))
        return true;
    bool put = profile_claim(c->name) && put_in(m, c, claim_of(m->p, c->name));
    bool needed = !c->nullable && !c->has_default;
    return put || !needed || (str_is(c->name, "name") && put_in(m, c, local));
}

/* "!" is no hash: no password opens it, until a letter or its owner sets one. */
static int columns_of(struct made *m, struct err *err)
{
    const struct accounts *x = m->x;
    struct assignment set;
    for (size_t i = 0; i < x->table->column_count; i++) {
        if (!put_column(m, x->all[i]))
            return fail_field(err, E_CONFLICT, LIT("account_incomplete"), x->all[i]->name,
                              "an account needs '%.*s', which '%.*s' does not tell: register, and "
                              "link it then",
                              STR_ARG(x->all[i]->name), STR_ARG(m->c->name));
    }
    m->columns[m->count] = x->password;
    m->values[m->count++] = value_text(LIT("!"));
    if (x->roles && x->config->default_role.len) {
        m->columns[m->count] = x->roles;
        m->values[m->count++] = value_text(x->config->default_role);
    }
    if (account__verify(m->rq, x, &set)) {
        m->columns[m->count] = set.column;
        m->values[m->count++] = set.value;
    }
    return 0;
}

WAITS static int run(struct db_tx *tx, struct request *rq, struct db_write *w, struct err *err)
{
    rq->statements++;
    return db_tx_run(tx, w, err);
}

WAITS static int make_in(void *ctx, struct db_tx *tx, struct err *err)
{
    struct made *m = ctx;
    const struct accounts *x = m->x;
    struct insert i = {.table = x->table,
                       .columns = m->columns,
                       .column_count = m->count,
                       .values = m->values,
                       .row_count = 1,
                       .returning = x->all,
                       .returning_count = x->table->column_count};
    struct db_write w = {.arena = &m->rq->arena, .expect = -1}, note;
    TRY(sql_insert(x->config->dialect, &m->rq->arena, &i, &w.st, err));
    w.st.writes = true;
    TRY(run(tx, m->rq, &w, err));
    m->who->cells = w.rows.cells;
    m->who->key = account__key(&m->rq->arena, &w.rows.cells[x->id->index]);
    w = link__add(m->rq, m->c, m->p, m->who->key);
    TRY(run(tx, m->rq, &w, err));
    const struct audit_note notes[] = {
        {AUDIT_REGISTERED, m->who->key, m->p->email, m->c->name},
        {AUDIT_IDENTITY_LINKED, m->who->key, m->p->email, m->c->name}};
    for (size_t k = 0; k < COUNT_OF(notes); k++) {
        if (audit__add(m->rq, x, &notes[k], &note))
            TRY(run(tx, m->rq, &note, err));
    }
    return 0;
}

/* Fails with UNIQUE: something of it is another account's. */
WAITS static int make(struct request *rq, const struct accounts *x, const struct provider_config *c,
                      const struct provider_person *p, bool by_address, struct account *who,
                      struct err *err)
{
    size_t most = x->table->column_count + 4;
    struct made m = {.rq = rq,
                     .x = x,
                     .c = c,
                     .p = p,
                     .columns = ARENA_ARRAY(&rq->arena, const struct column *, most),
                     .values = ARENA_ARRAY(&rq->arena, struct value, most),
                     .by_address = by_address,
                     .who = who};
    const struct db_block block = {.body = make_in, .ctx = &m};
    TRY(columns_of(&m, err));
    int code = db_transact(x->db, NULL, &block, err);
    return code == E_NOTFOUND ? taken(err) : code;
}

/* ---- an account that is there ---- */

/* Its owner is told: he may not have made it, nor its password. */
WAITS static int link_to(struct request *rq, const struct accounts *x,
                         const struct provider_config *c, const struct provider_person *p,
                         const struct account *who, struct err *err)
{
    struct audit_note note = {AUDIT_IDENTITY_LINKED, who->key, p->email, c->name};
    struct writes w = {.count = 1};
    w.list[0] = link__add(rq, c, p, who->key);
    writes__note(&w, rq, x, &note);
    TRY(letter__changed(rq, x, MAIL_LINKED, letter__address(x, who), c->name, &w, err));
    int code = writes__run(&w, rq, x, err);
    if (code == E_NOTFOUND)
        return taken(err);
    TRY(code);
    if (x->config->mail)
        mail_kick(x->config->mail);
    return 0;
}

static int exists(struct err *err)
{
    return refused(err, E_CONFLICT, LIT("account_exists"),
                   "an account with this name or address is there already, and nobody has proved "
                   "that it is his: sign in, and link it then");
}

/* A column that folds more than the case of ASCII finds an account by an address that is another's:
 * what was proved there says nothing here. */
static bool same_address(const struct accounts *x, const struct account *who,
                         const struct provider_person *p)
{
    const struct value *v = &who->cells[x->email->index];
    return v->kind == V_TEXT && str_eqi(v->text, p->email);
}

WAITS static int by_email(struct request *rq, const struct accounts *x,
                          const struct provider_person *p, struct account *who, struct err *err)
{
    struct value in = value_text(p->email), v;
    struct value_fault fault = {0};
    *who = (struct account){0};
    if (!p->email.len || !p->verified || !mail_address(p->email))
        return refused(err, E_DENIED, LIT("email_not_verified"),
                       "the provider does not say that the e-mail address is verified: sign in "
                       "otherwise, and link it then");
    if (!column_take(x->email, &rq->arena, &in, true, &v, &fault))
        return 0;
    TRY(account__find(rq, x, x->email, v, who, err));
    return who->cells && !same_address(x, who, p) ? exists(err) : 0;
}

/* Its row may outlive an account that was deleted past us and the triggers. */
WAITS static int known(struct request *rq, const struct accounts *x,
                       const struct provider_config *c, str subject, struct account *who,
                       struct err *err)
{
    struct writes w = {.count = 1};
    str key;
    *who = (struct account){0};
    TRY(link__find(rq, x, c, subject, &key, err));
    if (!key.len)
        return 0;
    TRY(account__by_key(rq, x, key, who, err));
    if (who->cells)
        return 0;
    w.list[0] = link__end(rq, key);
    return writes__run(&w, rq, x, err);
}

/* The name that the provider tells may be taken here: then his address is the name. */
WAITS static int make_one(struct request *rq, const struct accounts *x,
                          const struct provider_config *c, const struct provider_person *p,
                          struct account *who, struct err *err)
{
    int code = make(rq, x, c, p, false, who, err);
    if (code != E_UNIQUE)
        return code;
    *err = (struct err){0};
    code = make(rq, x, c, p, true, who, err);
    return code == E_UNIQUE ? exists(err) : code;
}

WAITS static int first_time(struct request *rq, const struct accounts *x,
                            const struct provider_config *c, const struct provider_person *p,
                            struct account *who, struct err *err)
{
    TRY(by_email(rq, x, p, who, err));
    if (!who->cells && !x->config->registration)
        return refused(err, E_DENIED, LIT("registration_closed"),
                       "there is no account with this address, and none can be made");
    if (!who->cells)
        return make_one(rq, x, c, p, who, err);
    if (!x->verified || !account__verified(x, who))
        return exists(err);
    return link_to(rq, x, c, p, who, err);
}

/* Of two sign-ins at once one makes the account, and the other one finds it then. */
WAITS static int first_or_known(struct request *rq, const struct accounts *x,
                                const struct provider_config *c, const struct provider_person *p,
                                struct account *who, struct err *err)
{
    struct err again = {0};
    int code = first_time(rq, x, c, p, who, err);
    if (code != E_CONFLICT)
        return code;
    TRY(known(rq, x, c, p->subject, who, &again));
    if (!who->cells)
        return code;
    *err = again;
    return 0;
}

int person__account(struct request *rq, const struct accounts *x, const struct provider_config *c,
                    const struct provider_person *p, struct account *who, struct err *err)
{
    struct writes w = {.count = 1};
    TRY(known(rq, x, c, p->subject, who, err));
    if (!who->cells)
        TRY(first_or_known(rq, x, c, p, who, err));
    if (!account__verified(x, who))
        return refused(err, E_DENIED, LIT("not_verified"), "the account is not verified yet");
    struct audit_note note = {AUDIT_IDENTITY_USED, who->key, p->email, c->name};
    w.list[0] = link__use(rq, c, p->subject);
    writes__note(&w, rq, x, &note);
    int code = writes__run(&w, rq, x, err);
    return code == E_NOTFOUND ? taken(err) : code; /* it was taken away since */
}

int person__link(struct request *rq, const struct accounts *x, const struct provider_config *c,
                 const struct provider_person *p, const struct flow *f, struct err *err)
{
    struct session s;
    struct account who, now;
    TRY(session__live(rq, x, f->sid, account__now(), &s, err));
    if (!s.id.len || !str_eq(s.account, f->account))
        return refused(err, E_SIGNIN, LIT("sign_in_required"),
                       "the session is over; sign in first");
    TRY(mfa__account(rq, x, f->account, &who, err));
    TRY(known(rq, x, c, p->subject, &now, err));
    if (now.cells)
        return str_eq(now.key, who.key) ? 0 : taken(err);
    return link_to(rq, x, c, p, &who, err);
}
