/* rows.c -- codes, grants and consents as rows. A grant is what somebody let an app have, from the
 * code to its last refresh token; its id is the `sid` of all its access tokens. SPDX: Apache-2.0
 * Invariants: (1) A code stands there as its SHA-256, a refresh token not at all (it is the grant's
 * id and counter under a MAC): nothing that is stored opens anything. (2) A code is used up in the
 * transaction that begins its grant, so of two at once one wins. */
#include "oauth/oauth_priv.h"

#include <sodium.h>

#define STATEMENT(text_, ...)                                                                      \
    (struct stmt)                                                                                  \
    {                                                                                              \
        .text = LIT(text_), .binds = (const struct value[]){__VA_ARGS__},                          \
        .bind_count = sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)           \
    }

static const char tables_lite[] =
    "CREATE TABLE IF NOT EXISTS cairn_oauth_codes (hash TEXT PRIMARY KEY NOT NULL, grant_id TEXT"
    " NOT NULL, client TEXT NOT NULL, account TEXT NOT NULL, redirect TEXT NOT NULL, scope TEXT NOT"
    " NULL, challenge TEXT NOT NULL, nonce TEXT NOT NULL, auth_time INTEGER NOT NULL, expires_at"
    " INTEGER NOT NULL, used_at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_oauth_codes_expires ON cairn_oauth_codes (expires_at);"
    "CREATE TABLE IF NOT EXISTS cairn_oauth_grants (id TEXT PRIMARY KEY NOT NULL, client TEXT NOT"
    " NULL, account TEXT NOT NULL, scope TEXT NOT NULL, auth_time INTEGER NOT NULL, counter INTEGER"
    " NOT NULL, rotated_at INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT"
    " NULL, revoked_at INTEGER) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_oauth_grants_account ON cairn_oauth_grants (account, client);"
    "CREATE INDEX IF NOT EXISTS cairn_oauth_grants_expires ON cairn_oauth_grants (expires_at);"
    "CREATE INDEX IF NOT EXISTS cairn_oauth_grants_revoked ON cairn_oauth_grants (revoked_at)"
    " WHERE revoked_at IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS cairn_oauth_consents (account TEXT NOT NULL, client TEXT NOT NULL,"
    " scope TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (account, client)) WITHOUT"
    " ROWID;";
static const char tables_postgres[] =
    "CREATE TABLE IF NOT EXISTS cairn_oauth_codes (hash text PRIMARY KEY, grant_id text NOT NULL,"
    " client text NOT NULL, account text NOT NULL, redirect text NOT NULL, scope text NOT NULL,"
    " challenge text NOT NULL, nonce text NOT NULL, auth_time bigint NOT NULL, expires_at bigint"
    " NOT NULL, used_at bigint NOT NULL);"
    "CREATE INDEX IF NOT EXISTS cairn_oauth_codes_expires ON cairn_oauth_codes (expires_at);"
    "CREATE TABLE IF NOT EXISTS cairn_oauth_grants (id text PRIMARY KEY, client text NOT NULL,"
    " account text NOT NULL, scope text NOT NULL, auth_time bigint NOT NULL, counter bigint NOT"
    " NULL, rotated_at bigint NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL,"
    " revoked_at bigint);"
    "CREATE INDEX IF NOT EXISTS cairn_oauth_grants_account ON cairn_oauth_grants (account, client);"
    "CREATE INDEX IF NOT EXISTS cairn_oauth_grants_expires ON cairn_oauth_grants (expires_at);"
    "CREATE INDEX IF NOT EXISTS cairn_oauth_grants_revoked ON cairn_oauth_grants (revoked_at)"
    " WHERE revoked_at IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS cairn_oauth_consents (account text NOT NULL, client text NOT NULL,"
    " scope text NOT NULL, created_at bigint NOT NULL, PRIMARY KEY (account, client));";

const char *oauth_tables(enum dialect d)
{
    return d == DIALECT_SQLITE ? tables_lite : tables_postgres;
}

WAITS static int read_one(struct request *rq, const struct oauth *o, struct stmt st,
                          struct rows *out, struct err *err)
{
    rq->statements++;
    return db_rows(account_db(o->accounts), &st, &rq->arena, 1, out, err);
}

WAITS static int write_all(struct request *rq, const struct oauth *o, struct db_write *list,
                           size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        list[i].arena = &rq->arena;
        list[i].st.writes = true;
    }
    rq->statements += (unsigned)count;
    return db_write(account_db(o->accounts), list, count, NULL, err);
}

/* ---- codes ---- */

static str digest(struct arena *a, str text)
{
    unsigned char raw[crypto_hash_sha256_BYTES];
    char *hex = arena_new(a, DIGEST_HEX + 1);
    crypto_hash_sha256(raw, (const unsigned char *)text.ptr, text.len);
    sodium_bin2hex(hex, DIGEST_HEX + 1, raw, sizeof raw);
    return str_make(hex, DIGEST_HEX);
}

static str random_text(struct arena *a)
{
    unsigned char raw[32];
    struct buf b = {.ptr = arena_new(a, 64), .cap = 64, .limit = 64};
    randombytes_buf(raw, sizeof raw);
    base64url_put(&b, str_make((const char *)raw, sizeof raw));
    return buf_view(&b);
}

int code__add(struct request *rq, const struct oauth *o, struct oauth_code *c, const str *consent,
              str *text, struct err *err)
{
    struct db_write list[3] = {{.expect = -1}, {.expect = -1}};
    size_t count = 1;
    char *grant = arena_new(&rq->arena, SID_TEXT);
    int64_t now = oauth__now();
    uuid_v4(grant);
    c->grant = str_make(grant, SID_TEXT);
    *text = random_text(&rq->arena);
    list[0].st = STATEMENT(
        "INSERT INTO cairn_oauth_codes (hash, grant_id, client, account, redirect, scope,"
        " challenge, nonce, auth_time, expires_at, used_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)",
        value_text(digest(&rq->arena, *text)), value_text(c->grant), value_text(c->client),
        value_text(c->account), value_text(c->redirect), value_text(c->scope),
        value_text(c->challenge), value_text(c->nonce.ptr ? c->nonce : LIT("")),
        value_int(c->auth_time), value_int(now + CODE_SECONDS));
    struct stmt keep = STATEMENT(
        "INSERT INTO cairn_oauth_consents (account, client, scope, created_at) VALUES ($1, $2, $3,"
        " $4) ON CONFLICT (account, client) DO UPDATE SET scope = $3, created_at = $4",
        value_text(c->account), value_text(c->client), value_text(consent ? *consent : LIT("")),
        value_int(now));
    if (consent) {
        list[count++].st = keep;
        account_audit(o->accounts, rq, ACCOUNT_APP_LET_IN, c->account, c->client, list, &count);
    }
    return write_all(rq, o, list, count, err);
}

int code__find(struct request *rq, const struct oauth *o, str text, struct oauth_code *out,
               struct err *err)
{
    struct rows rows;
    str hash = digest(&rq->arena, text);
    *out = (struct oauth_code){0};
    TRY(read_one(rq, o,
                 STATEMENT("SELECT grant_id, client, account, redirect, scope, challenge, nonce,"
                           " auth_time, expires_at, used_at FROM cairn_oauth_codes WHERE hash = $1",
                           value_text(hash)),
                 &rows, err));
    const struct value *v = rows.cells;
    if (rows.count)
        *out = (struct oauth_code){.hash = hash,
                                   .grant = v[0].text,
                                   .client = v[1].text,
                                   .account = v[2].text,
                                   .redirect = v[3].text,
                                   .scope = v[4].text,
                                   .challenge = v[5].text,
                                   .nonce = v[6].text,
                                   .auth_time = v[7].i,
                                   .expires = v[8].i,
                                   .used = v[9].i};
    return 0;
}

/* What was used once, as a code that was: the same sweep takes it. No code has its text. */
int assertion__use(struct request *rq, const struct oauth *o, str client, str jti, int64_t expires,
                   bool *fresh, struct err *err)
{
    struct err why = {0};
    str text = arena_printf(&rq->arena, "assertion %.*s %.*s", STR_ARG(client), STR_ARG(jti));
    struct db_write w = {
        .st = STATEMENT("INSERT INTO cairn_oauth_codes (hash, grant_id, client, account, redirect,"
                        " scope, challenge, nonce, auth_time, expires_at, used_at)"
                        " VALUES ($1, '', $2, '', '', '', '', '', 0, $3, $4)",
                        value_text(digest(&rq->arena, text)), value_text(client),
                        value_int(expires), value_int(oauth__now())),
        .expect = -1};
    int code = write_all(rq, o, &w, 1, &why);
    *fresh = code == 0;
    if (code == 0 || code == E_UNIQUE)
        return 0;
    *err = why;
    return code;
}

/* ---- grants ---- */

int grant__begin(struct request *rq, const struct oauth *o, const struct oauth_code *c,
                 const struct oauth_grant *g, bool *won, struct err *err)
{
    struct err why = {0};
    struct db_write list[2] = {{.expect = 1}, {.expect = -1}};
    struct stmt use =
        STATEMENT("UPDATE cairn_oauth_codes SET used_at = $1 WHERE hash = $2 AND used_at = 0",
                  value_int(oauth__now()), value_text(c ? c->hash : LIT("")));
    list[0].st = use;
    list[1].st =
        STATEMENT("INSERT INTO cairn_oauth_grants (id, client, account, scope, auth_time, counter,"
                  " rotated_at, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7)",
                  value_text(g->id), value_text(g->client),
                  value_text(g->account.ptr ? g->account : LIT("")), value_text(g->scope),
                  value_int(g->auth_time), value_int(g->created), value_int(g->expires));
    int code = write_all(rq, o, c ? list : list + 1, c ? 2 : 1, &why);
    *won = code == 0;
    if (code < 0 && code != E_NOTFOUND) {
        *err = why;
        return code;
    }
    return 0;
}

int grant__find(struct request *rq, const struct oauth *o, str id, struct oauth_grant *out,
                struct err *err)
{
    struct rows rows;
    *out = (struct oauth_grant){0};
    TRY(read_one(rq, o,
                 STATEMENT("SELECT id, client, account, scope, auth_time, counter, rotated_at,"
                           " created_at, expires_at FROM cairn_oauth_grants WHERE id = $1 AND"
                           " revoked_at IS NULL AND expires_at > $2",
                           value_text(id), value_int(oauth__now())),
                 &rows, err));
    const struct value *v = rows.cells;
    if (rows.count)
        *out = (struct oauth_grant){.id = v[0].text,
                                    .client = v[1].text,
                                    .account = v[2].text,
                                    .scope = v[3].text,
                                    .auth_time = v[4].i,
                                    .counter = v[5].i,
                                    .rotated = v[6].i,
                                    .created = v[7].i,
                                    .expires = v[8].i};
    return 0;
}

int grant__rotate(struct request *rq, const struct oauth *o, const struct oauth_grant *g, bool *won,
                  struct err *err)
{
    struct db_write w = {
        .st = STATEMENT("UPDATE cairn_oauth_grants SET counter = counter + 1, rotated_at = $1"
                        " WHERE id = $2 AND counter = $3 AND revoked_at IS NULL",
                        value_int(oauth__now()), value_text(g->id), value_int(g->counter)),
        .expect = -1};
    TRY(write_all(rq, o, &w, 1, err));
    *won = w.changes == 1;
    return 0;
}

int grant__end(struct request *rq, const struct oauth *o, str id, str account,
               enum account_event why, struct err *err)
{
    int64_t now = oauth__now();
    size_t count = 1;
    struct db_write list[2] = {
        {.st = STATEMENT("UPDATE cairn_oauth_grants SET revoked_at = $1 WHERE id = $2 AND"
                         " revoked_at IS NULL",
                         value_int(now), value_text(id)),
         .expect = -1}};
    if (account.len)
        account_audit(o->accounts, rq, why, account, id, list, &count);
    TRY(write_all(rq, o, list, count, err));
    identity_revoke(account_identity(o->accounts), id, now);
    return 0;
}

int consent__find(struct request *rq, const struct oauth *o, str account, str client, str *scope,
                  struct err *err)
{
    struct rows rows;
    *scope = LIT("");
    TRY(read_one(
        rq, o,
        STATEMENT("SELECT scope FROM cairn_oauth_consents WHERE account = $1 AND client = $2",
                  value_text(account), value_text(client)),
        &rows, err));
    if (rows.count)
        *scope = rows.cells[0].text;
    return 0;
}

/* ---- in the background ---- */

int oauth_sync(const struct accounts *x, int64_t now, struct err *err)
{
    enum { SLACK = 5 };
    int64_t since = identity_synced(account_identity(x), now) - SLACK;
    return account_sync_rows(x, LIT("SELECT id, revoked_at FROM cairn_oauth_grants" ACCOUNT_ENDED),
                             since, now, err);
}

int oauth_sweep(const struct accounts *x, int64_t now, struct err *err)
{
    enum { KEEP_SECONDS = 86400 };
    struct arena a;
    struct value before = value_int(now - KEEP_SECONDS);
    arena_init(&a, 1 << 16);
    struct db_write list[] = {
        {.st = STATEMENT("DELETE FROM cairn_oauth_codes WHERE hash IN (SELECT hash FROM"
                         " cairn_oauth_codes WHERE expires_at < $1 LIMIT 1000)",
                         before)},
        {.st = STATEMENT("DELETE FROM cairn_oauth_grants WHERE id IN (SELECT id FROM"
                         " cairn_oauth_grants WHERE expires_at < $1 LIMIT 1000)",
                         before)}};
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        list[i].st.writes = true;
        list[i].arena = &a;
        list[i].expect = -1;
    }
    int code = db_write(account_db(x), list, COUNT_OF(list), NULL, err);
    arena_reset(&a);
    return code;
}
