/* identities.c -- who an account is at providers: rows of cairn_identities. SPDX: Apache-2.0
 * Invariants: (1) A subject of a provider is one account's, or nobody's: the primary key says so.
 * (2) A row counts only for the issuer that it was made with: a name that leads to another one
 * since opens nothing. (3) The last way into an account is not taken away. */
#include "account/account_priv.h"

enum { SHOWN_MOST = 1000 };

static str issuer_of(const struct provider_config *c)
{
    return c->issuer.len ? c->issuer : c->authorize;
}

int link__find(struct request *rq, const struct accounts *x, const struct provider_config *c,
               str subject, str *account, struct err *err)
{
    struct rows rows;
    struct stmt st = STATEMENT("SELECT account FROM cairn_identities WHERE provider = $1"
                               " AND subject = $2 AND issuer = $3",
                               value_text(c->name), value_text(subject), value_text(issuer_of(c)));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, &rows, err));
    *account = rows.count ? rows.cells[0].text : LIT("");
    return 0;
}

struct db_write link__add(struct request *rq, const struct provider_config *c,
                          const struct provider_person *p, str account)
{
    enum { BINDS = 8 };
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, BINDS);
    char *id = arena_new(&rq->arena, SID_TEXT);
    uuid_v4(id);
    v[0] = value_text(str_make(id, SID_TEXT));
    v[1] = value_text(c->name);
    v[2] = value_text(p->subject);
    v[3] = value_text(issuer_of(c));
    v[4] = value_text(account);
    v[5] = value_text(p->email.ptr ? p->email : LIT(""));
    v[6] = value_int(account__now());
    v[7] = value_int(0);
    return (struct db_write){
        .st = {.text = LIT("INSERT INTO cairn_identities (id, provider, subject, issuer, account,"
                           " email, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                           " ON CONFLICT (provider, subject) DO UPDATE SET id = excluded.id,"
                           " issuer = excluded.issuer, account = excluded.account,"
                           " email = excluded.email, created_at = excluded.created_at,"
                           " used_at = 0 WHERE cairn_identities.issuer <> excluded.issuer"),
               .binds = v,
               .bind_count = BINDS,
               .writes = true},
        .arena = &rq->arena,
        .expect = 1};
}

struct db_write link__use(struct request *rq, const struct provider_config *c, str subject)
{
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 3);
    v[0] = value_int(account__now());
    v[1] = value_text(c->name);
    v[2] = value_text(subject);
    return (struct db_write){
        .st = {.text = LIT("UPDATE cairn_identities SET used_at = $1 WHERE provider = $2"
                           " AND subject = $3"),
               .binds = v,
               .bind_count = 3,
               .writes = true},
        .arena = &rq->arena,
        .expect = 1};
}

struct db_write link__end(struct request *rq, str account)
{
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 1);
    v[0] = value_text(account);
    return (struct db_write){.st = {.text = LIT("DELETE FROM cairn_identities WHERE account = $1"),
                                    .binds = v,
                                    .bind_count = 1,
                                    .writes = true},
                             .arena = &rq->arena,
                             .expect = -1};
}

/* ---- GET .../auth/identities ---- */

static void put_identity(struct buf *b, const struct value *row)
{
    buf_lit(b, "{\"id\":");
    json_text(b, row[0].text);
    buf_lit(b, ",\"provider\":");
    json_text(b, row[1].text);
    buf_lit(b, ",\"subject\":");
    json_text(b, row[2].text);
    buf_lit(b, ",\"email\":");
    if (row[3].text.len)
        json_text(b, row[3].text);
    else
        buf_lit(b, "null");
    buf_lit(b, ",\"created_at\":");
    account__time(b, row[4].i);
    buf_lit(b, ",\"used_at\":");
    account__time(b, row[5].i);
    buf_char(b, '}');
}

int identities__list(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct buf *b = &rq->reply->body;
    struct rows rows;
    str key;
    TRY(account__me(rq, &key, err));
    struct stmt st = STATEMENT("SELECT id, provider, subject, email, created_at, used_at FROM"
                               " cairn_identities WHERE account = $1 ORDER BY created_at, id"
                               " LIMIT 1000",
                               value_text(key));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, SHOWN_MOST, &rows, err));
    rq->reply->type = LIT("application/json");
    buf_lit(b, "{\"data\":[");
    for (size_t i = 0; i < rows.count; i++) {
        if (i)
            buf_char(b, ',');
        put_identity(b, rows_at(&rows, i, 0));
    }
    buf_lit(b, "]}");
    return 0;
}

/* ---- DELETE .../auth/identities/:id ---- */

static bool has_password(const struct accounts *x, const struct account *who)
{
    const struct value *v = &who->cells[x->password->index];
    return v->kind == V_TEXT && str_starts(v->text, LIT("$"));
}

/* Another way in than providers: a password, a passkey, a letter. */
WAITS static int other_way(struct request *rq, const struct accounts *x, const struct account *who,
                           bool *out, struct err *err)
{
    struct rows rows;
    *out = has_password(x, who) || (x->config->mail && letter__address(x, who).len);
    if (*out)
        return 0;
    TRY(passkey__all_of(rq, x, who->key, &rows, err));
    *out = x->config->passkeys && rows.count;
    return 0;
}

/* Of two at once each would see the other one's identity. SQLite has one writer. */
static void lock_all(struct request *rq, const struct accounts *x, str account, struct writes *w)
{
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, 1);
    v[0] = value_text(account);
    if (x->config->dialect == DIALECT_POSTGRES)
        w->list[w->count++] = (struct db_write){
            .arena = &rq->arena,
            .expect = -1,
            .st = {.text = LIT("SELECT id FROM cairn_identities WHERE account = $1 ORDER BY id"
                               " FOR UPDATE"),
                   .binds = v,
                   .bind_count = 1,
                   .writes = true}};
}

/* Only what the settings still know opens the account: a provider by its name and its issuer. */
static void remove_one(struct request *rq, const struct accounts *x, str id, str account,
                       bool other, struct db_write *out)
{
    enum { FIXED = 3, PAIR_MOST = 64 };
    const struct account_config *c = x->config;
    size_t room = 512 + c->provider_count * PAIR_MOST, count = FIXED;
    struct buf b = {.ptr = arena_new(&rq->arena, room), .cap = room, .limit = room};
    struct value *v = ARENA_ARRAY(&rq->arena, struct value, FIXED + 2 * c->provider_count);
    v[0] = value_text(id);
    v[1] = value_text(account);
    v[2] = value_int(other);
    buf_lit(&b,
            "DELETE FROM cairn_identities WHERE id = $1 AND account = $2 AND ($3 = 1 OR EXISTS"
            " (SELECT 1 FROM cairn_identities o WHERE o.account = $2 AND o.id <> $1 AND (1 = 0");
    for (size_t i = 0; i < c->provider_count; i++) {
        buf_printf(&b, " OR (o.provider = $%zu AND o.issuer = $%zu)", count + 1, count + 2);
        v[count++] = value_text(c->providers[i].name);
        v[count++] = value_text(issuer_of(&c->providers[i]));
    }
    buf_lit(&b, ")))");
    *out = (struct db_write){
        .st = {.text = buf_view(&b), .binds = v, .bind_count = count, .writes = true},
        .arena = &rq->arena,
        .expect = 1};
}

WAITS static int end_one(struct request *rq, const struct accounts *x, const struct account *who,
                         str id, bool *ended, struct err *err)
{
    bool other;
    struct audit_note note = {.event = AUDIT_IDENTITY_UNLINKED, .account = who->key, .detail = id};
    struct writes w = {.count = 0};
    TRY(other_way(rq, x, who, &other, err));
    lock_all(rq, x, who->key, &w);
    remove_one(rq, x, id, who->key, other, &w.list[w.count++]);
    writes__note(&w, rq, x, &note);
    int code = writes__run(&w, rq, x, err);
    *ended = code == 0;
    if (code == E_NOTFOUND)
        *err = (struct err){0};
    return code == E_NOTFOUND ? 0 : code;
}

WAITS static int why_not(struct request *rq, const struct accounts *x, str account, str id,
                         struct err *err)
{
    struct rows rows;
    struct stmt st = STATEMENT("SELECT id FROM cairn_identities WHERE id = $1 AND account = $2",
                               value_text(id), value_text(account));
    rq->statements++;
    TRY(db_rows(x->db, &st, &rq->arena, 1, &rows, err));
    if (!rows.count)
        return fail(err, E_NOTFOUND, "identity not found");
    return fail_field(err, E_CONFLICT, LIT("last_sign_in"), LIT(""),
                      "the account has no other way to sign in: set a password first");
}

int identities__remove(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body = {0};
    struct account who;
    bool ended;
    str key, id = request_param(rq, LIT("id"));
    TRY(account__me(rq, &key, err));
    if (request_header(rq, LIT("Content-Type")).ptr)
        TRY(account__body(rq, &body, err));
    TRY(mfa__account(rq, x, key, &who, err));
    TRY(mfa__fresh(rq, x, &who, &body, err));
    TRY(end_one(rq, x, &who, id, &ended, err));
    if (!ended)
        return why_not(rq, x, key, id, err);
    rq->reply->status = 204;
    return 0;
}
