/* db.c -- the public calls: finds the engine by the URL and passes on through its table.
 * SPDX: Apache-2.0 */
#include "db/db_priv.h"

#include <stdio.h>

static const struct db_driver *const drivers[] = {&db_sqlite, &db_postgres};

/* A URL without a scheme is the path of an SQLite file. */
static int driver_of(const struct db_config *c, const struct db_driver **out, struct err *err)
{
    size_t colon = str_find(c->url, ':');
    *out = &db_sqlite;
    if (colon == STR_NONE || str_find(str_upto(c->url, colon), '/') != STR_NONE)
        return 0;
    str scheme = str_upto(c->url, colon);
    if (str_is(scheme, "postgresql"))
        scheme = LIT("postgres");
    for (size_t i = 0; i < COUNT_OF(drivers); i++) {
        if (str_is(scheme, drivers[i]->name)) {
            *out = drivers[i];
            return 0;
        }
    }
    return fail(err, E_CONFIG,
                "database url has the unknown scheme '%.*s'; use sqlite:FILE or "
                "postgres://USER@HOST/NAME",
                STR_ARG(scheme));
}

enum db_engine db_engine(const struct db_config *c)
{
    const struct db_driver *d;
    struct err ignored = {0};
    return driver_of(c, &d, &ignored) == 0 && d == &db_postgres ? DB_POSTGRES : DB_SQLITE;
}

/* ---- life ---- */

int db_open(const struct db_config *c, struct db **out, struct err *err)
{
    const struct db_driver *d;
    TRY(driver_of(c, &d, err));
    TRY(d->open(c, out, err));
    (*out)->tx_retries = c->tx_retries;
    (*out)->isolation = c->isolation == DB_USUAL ? DB_READ_COMMITTED : c->isolation;
    return 0;
}

void db_close(struct db **db)
{
    if (*db)
        (*db)->driver->close(*db);
    *db = NULL;
}

int db_worker_begin(struct db *db, struct err *err)
{
    return db->driver->worker_begin(db, err);
}

void db_worker_end(struct db *db)
{
    db->driver->worker_end(db);
}

/* ---- reading ---- */

int db_query(struct db *db, const struct stmt *st, db_row_fn *fn, void *ctx,
             struct db_cursor **cursor, struct err *err)
{
    struct row_sink sink = {.fn = fn, .ctx = ctx};
    if (cursor)
        *cursor = NULL;
    return db->driver->query(db, st, &sink, cursor, err);
}

int db_next(struct db_cursor *c, db_row_fn *fn, void *ctx, struct err *err)
{
    struct row_sink sink = {.fn = fn, .ctx = ctx};
    return c->db->driver->next(c, &sink, err);
}

void db_cursor_end(struct db_cursor **c)
{
    if (*c)
        (*c)->db->driver->cursor_end(*c);
    *c = NULL;
}

int db_rows(struct db *db, const struct stmt *st, struct arena *a, size_t max_rows,
            struct rows *out, struct err *err)
{
    struct collect k;
    struct row_sink sink = {
        .fn = collect__row, .ctx = &k, .again = collect__again, .names = out, .names_in = a};
    collect__init(&k, a, out, max_rows);
    return db->driver->query(db, st, &sink, NULL, err);
}

int db_rows_each(struct db *db, struct db_read *list, size_t count, struct arena *a,
                 struct err *err)
{
    if (db->driver->rows_each)
        return db->driver->rows_each(db, list, count, a, err);
    for (size_t i = 0; i < count; i++)
        TRY(db_rows(db, &list[i].st, a, list[i].most, &list[i].rows, err));
    return 0;
}

/* ---- writing ---- */

int db_write(struct db *db, struct db_write *list, size_t count, size_t *failed, struct err *err)
{
    return db->driver->write(db, list, count, failed, err);
}

int db_tx_begin(struct db *db, const struct db_tx_options *options, struct db_tx **out,
                struct err *err)
{
    struct db_tx_options o = options ? *options : (struct db_tx_options){0};
    if (o.isolation == DB_USUAL)
        o.isolation = db->isolation;
    return db->driver->tx_begin(db, &o, out, err);
}

enum db_isolation db_tx_isolation(const struct db_tx *tx)
{
    return tx->options.isolation;
}

bool db_tx_suits(struct db_tx *tx, enum db_isolation isolation)
{
    if (isolation <= tx->options.isolation)
        return true;
    tx->wish = isolation;
    return false;
}

enum db_isolation db_tx_wish(const struct db_tx *tx)
{
    return tx->wish;
}

bool db_tx_only_reads(struct db_tx *tx, bool on)
{
    bool was = tx->options.read_only;
    tx->options.read_only = on;
    return was;
}

int db__fail_read_only(struct err *err)
{
    return fail_field(err, E_DENIED, LIT("read_only"), LIT(""),
                      "this transaction only reads; begin one that may write");
}

int db_tx_run(struct db_tx *tx, struct db_write *w, struct err *err)
{
    if (tx->options.read_only && w->st.writes)
        return db__fail_read_only(err);
    return tx->db->driver->tx_run(tx, w, err);
}

int db_tx_savepoint(struct db_tx *tx, struct err *err)
{
    return tx->db->driver->tx_savepoint(tx, err);
}

int db_tx_release(struct db_tx *tx, bool keep, struct err *err)
{
    return tx->db->driver->tx_release(tx, keep, err);
}

int db_tx_commit(struct db_tx **tx, struct err *err)
{
    struct db_tx *t = *tx;
    *tx = NULL;
    return t->db->driver->tx_commit(t, err);
}

void db_tx_rollback(struct db_tx **tx)
{
    if (*tx)
        (*tx)->db->driver->tx_rollback(*tx);
    *tx = NULL;
}

/* ---- without fibers ---- */

int db_admin_open(const struct db_config *c, struct db_admin **out, struct err *err)
{
    const struct db_driver *d;
    TRY(driver_of(c, &d, err));
    return d->admin_open(c, out, err);
}

void db_admin_close(struct db_admin **a)
{
    if (*a)
        (*a)->driver->admin_close(*a);
    *a = NULL;
}

int db_admin_run(struct db_admin *a, const struct stmt *st, struct arena *arena, struct rows *out,
                 struct err *err)
{
    return a->driver->admin_run(a, st, arena, out, err);
}

int64_t db_admin_changes(struct db_admin *a)
{
    static const struct stmt ask = {.text = STR_INIT("SELECT changes()"), .once = true};
    struct arena arena;
    struct rows rows = {0};
    struct err ignored = {0};
    int64_t n = 0;
    if (a->driver->admin_changes)
        return a->driver->admin_changes(a);
    arena_init(&arena, 1 << 20);
    if (db_admin_run(a, &ask, &arena, &rows, &ignored) == 0 && rows.count == 1)
        n = rows_at(&rows, 0, 0)->i;
    arena_reset(&arena);
    return n;
}

int db_admin_script(struct db_admin *a, str text, size_t *at, struct err *err)
{
    return a->driver->admin_script(a, text, at, err);
}

int db_admin_lock(struct db_admin *a, unsigned ms, struct err *err)
{
    return a->driver->admin_lock(a, ms, err);
}

void db_admin_unlock(struct db_admin *a)
{
    a->driver->admin_unlock(a);
}

int db_admin_check(struct db_admin *a, struct err *err)
{
    return a->driver->admin_check(a, err);
}

int db_admin_backup(struct db_admin *a, const char *to, struct err *err)
{
    return a->driver->admin_backup(a, to, err);
}

int db_admin_restore(const struct db_config *c, const char *from, struct err *err)
{
    const struct db_driver *d;
    TRY(driver_of(c, &d, err));
    return d->admin_restore(c, from, err);
}

static int admin_say(struct db_admin *a, str text, struct err *err)
{
    struct stmt st = {.text = text, .once = true};
    struct arena arena;
    struct rows rows;
    arena_init(&arena, 1 << 20);
    int code = db_admin_run(a, &st, &arena, &rows, err);
    arena_reset(&arena);
    return code;
}

int db_admin_only_reads(struct db_admin *a, unsigned ms, struct err *err)
{
    char text[64];
    a->timeout_ms = ms;
    if (a->driver == &db_sqlite)
        return admin_say(a, LIT("PRAGMA query_only = 1"), err);
    snprintf(text, sizeof text, "SET statement_timeout = %u", ms);
    TRY(admin_say(a, str_of(text), err));
    return admin_say(a, LIT("SET default_transaction_read_only = on"), err);
}

bool db_exists(const struct db_config *c)
{
    const struct db_driver *d;
    struct err err = {0};
    return driver_of(c, &d, &err) == 0 && d->exists(c);
}

/* ---- what to show ---- */

void db_stats(struct db *db, struct db_stats *out)
{
    db->driver->stats(db, out);
}

void db_password(struct db *db, str password)
{
    if (db->driver->password)
        db->driver->password(db, password);
}

bool db_healthy(struct db *db)
{
    return db->driver->healthy(db);
}
