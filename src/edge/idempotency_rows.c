/* idempotency_rows.c -- the table cairn_idempotency. SPDX: Apache-2.0
 * A row is a request that was answered; one that is running has none yet. An expired row counts as
 * none, and the next request with its key takes its place. */
#include "edge/idempotency_priv.h"

#include <time.h>

enum { SWEEP_ROWS = 500, SWEEP_TURNS = 20 };

const char *idempotency_tables(enum db_engine e)
{
    static const char lite[] =
        "CREATE TABLE IF NOT EXISTS cairn_idempotency (id TEXT PRIMARY KEY NOT NULL,"
        " caller TEXT NOT NULL, method TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL,"
        " fingerprint TEXT NOT NULL, status INTEGER NOT NULL, headers BLOB NOT NULL,"
        " body BLOB NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL);"
        "CREATE INDEX IF NOT EXISTS cairn_idempotency_expires ON cairn_idempotency (expires_at);";
    static const char postgres[] =
        "CREATE TABLE IF NOT EXISTS cairn_idempotency (id text PRIMARY KEY,"
        " caller text NOT NULL, method text NOT NULL, route text NOT NULL, key text NOT NULL,"
        " fingerprint text NOT NULL, status bigint NOT NULL, headers bytea NOT NULL,"
        " body bytea NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL);"
        "CREATE INDEX IF NOT EXISTS cairn_idempotency_expires ON cairn_idempotency (expires_at);";
    return e == DB_POSTGRES ? postgres : lite;
}

#define STATEMENT(text_, ...)                                                                      \
    {                                                                                              \
        .text = STR_INIT(text_), .binds = (const struct value[]){__VA_ARGS__},                     \
        .bind_count = sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)           \
    }

static int64_t now(void)
{
    return (int64_t)time(NULL);
}

WAITS static int in_tx(struct request *rq, struct db_tx *tx, struct db_write *w, struct err *err)
{
    w->arena = &rq->arena;
    w->expect = -1;
    rq->statements++;
    return db_tx_run(tx, w, err);
}

int idempotency__find(struct idempotency *x, struct request *rq, struct db_tx *tx,
                      const struct record *r, struct kept *out, bool *found, struct err *err)
{
    struct db_write w = {.st = STATEMENT("SELECT fingerprint, status, headers, body"
                                         " FROM cairn_idempotency WHERE id = $1 AND"
                                         " expires_at > $2",
                                         value_text(r->name), value_int(now()))};
    if (tx) {
        TRY(in_tx(rq, tx, &w, err));
    } else {
        rq->statements++;
        TRY(db_rows(x->config.db, &w.st, &rq->arena, 1, &w.rows, err));
    }
    *found = w.rows.count > 0;
    if (!*found)
        return 0;
    const struct value *c = w.rows.cells;
    *out = (struct kept){
        .fingerprint = c[0].text, .status = (int)c[1].i, .headers = c[2].text, .body = c[3].text};
    return 0;
}

int idempotency__lock(struct idempotency *x, struct request *rq, struct db_tx *tx,
                      const struct record *r, bool *mine, struct err *err)
{
    int64_t number;
    *mine = true;
    if (x->config.engine != DB_POSTGRES) /* it has one writer, and that is us */
        return 0;
    memcpy(&number, r->id, sizeof number);
    struct db_write w = {
        .st = STATEMENT("SELECT 1 WHERE pg_try_advisory_xact_lock($1)", value_int(number))};
    TRY(in_tx(rq, tx, &w, err));
    *mine = w.rows.count > 0;
    return 0;
}

static struct value bytes_of(str s)
{
    return value_bytes(s.len ? s : LIT(""));
}

int idempotency__keep(struct idempotency *x, struct request *rq, struct db_tx *tx,
                      const struct record *r, const struct kept *k, bool *mine, struct err *err)
{
    int64_t at = now();
    struct db_write w = {
        .st = STATEMENT("INSERT INTO cairn_idempotency (id, caller, method, route, key,"
                        " fingerprint, status, headers, body, created_at, expires_at)"
                        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
                        " ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint,"
                        " status = excluded.status, headers = excluded.headers,"
                        " body = excluded.body, created_at = excluded.created_at,"
                        " expires_at = excluded.expires_at"
                        " WHERE cairn_idempotency.expires_at <= excluded.created_at",
                        value_text(r->name), value_text(r->caller), value_text(rq->method_text),
                        value_text(str_of(rq->route)), value_text(r->key),
                        value_text(r->fingerprint), value_int(k->status), bytes_of(k->headers),
                        bytes_of(k->body), value_int(at), value_int(at + x->config.ttl_s))};
    w.st.writes = true;
    TRY(in_tx(rq, tx, &w, err));
    *mine = w.changes == 1;
    return 0;
}

/* ---- what has expired ---- */

WAITS static int any_expired(struct idempotency *x, struct arena *a, bool *any, struct err *err)
{
    struct rows rows = {0};
    struct stmt st = STATEMENT("SELECT id FROM cairn_idempotency WHERE expires_at <= $1 LIMIT 1",
                               value_int(now()));
    TRY(db_rows(x->config.db, &st, a, 1, &rows, err));
    *any = rows.count > 0;
    return 0;
}

#define EXPIRED "SELECT id FROM cairn_idempotency WHERE expires_at <= $1 LIMIT $2"

/* Several processes may sweep at once. */
WAITS static int delete_some(struct idempotency *x, struct arena *a, int64_t *gone, struct err *err)
{
    struct db_write w = {.st = STATEMENT("DELETE FROM cairn_idempotency WHERE id IN (" EXPIRED ")",
                                         value_int(now()), value_int(SWEEP_ROWS)),
                         .arena = a,
                         .expect = -1};
    if (x->config.engine == DB_POSTGRES)
        w.st.text =
            LIT("DELETE FROM cairn_idempotency WHERE id IN (" EXPIRED " FOR UPDATE SKIP LOCKED)");
    w.st.writes = true;
    TRY(db_write(x->config.db, &w, 1, NULL, err));
    *gone = w.changes;
    return 0;
}

int idempotency_sweep(struct idempotency *x, struct arena *a, struct err *err)
{
    bool any;
    int64_t gone = SWEEP_ROWS;
    TRY(any_expired(x, a, &any, err));
    for (int i = 0; any && i < SWEEP_TURNS && gone == SWEEP_ROWS; i++)
        TRY(delete_some(x, a, &gone, err));
    return 0;
}
