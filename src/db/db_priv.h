/* Private to src/db. The driver table, and what every engine's objects begin with.
 * SPDX: Apache-2.0 */
#ifndef CAIRN_DB_PRIV_H
#define CAIRN_DB_PRIV_H

#include "db/db.h"

struct db {
    const struct db_driver *driver;
    unsigned tx_retries;
    enum db_isolation isolation; /* of transactions that ask for none */
};
struct db_cursor {
    struct db *db;
};
struct db_tx {
    struct db *db;
    struct db_tx_options options; /* in force */
    enum db_isolation wish;       /* that somebody inside wanted; USUAL: nobody */
};
struct db_admin {
    const struct db_driver *driver;
    unsigned timeout_ms; /* of a statement; 0: none */
};

/* Where rows go. */
struct row_sink {
    db_row_fn *fn;
    void *ctx;
    /* Called when the statement is started anew elsewhere: forget the rows so far. NULL: a
     * statement stays where it is once fn has seen a row. */
    void (*again)(void *ctx);
    struct rows *names; /* fill in names from names_in; NULL: nobody asks */
    struct arena *names_in;
};

/* One engine. Each member does what the function of that name in db.h says. */
struct db_driver {
    const char *name; /* of the URL's scheme */

    int (*open)(const struct db_config *c, struct db **out, struct err *err);
    void (*close)(struct db *db);
    void (*password)(struct db *db, str password); /* NULL: the engine has none */
    int (*worker_begin)(struct db *db, struct err *err);
    void (*worker_end)(struct db *db);

    WAITS int (*query)(struct db *db, const struct stmt *st, const struct row_sink *sink,
                       struct db_cursor **cursor, struct err *err);
    WAITS int (*next)(struct db_cursor *c, const struct row_sink *sink, struct err *err);
    void (*cursor_end)(struct db_cursor *c);
    WAITS int (*rows_each)(struct db *db, struct db_read *list, size_t count, struct arena *a,
                           struct err *err); /* NULL: query, one after the other */
    WAITS int (*write)(struct db *db, struct db_write *list, size_t count, size_t *failed,
                       struct err *err);

    WAITS int (*tx_begin)(struct db *db, const struct db_tx_options *options, struct db_tx **out,
                          struct err *err);
    WAITS int (*tx_run)(struct db_tx *tx, struct db_write *w, struct err *err);
    WAITS int (*tx_savepoint)(struct db_tx *tx, struct err *err);
    WAITS int (*tx_release)(struct db_tx *tx, bool keep, struct err *err);
    WAITS int (*tx_commit)(struct db_tx *tx, struct err *err); /* ends tx, also on failure */
    WAITS void (*tx_rollback)(struct db_tx *tx);

    int (*admin_open)(const struct db_config *c, struct db_admin **out, struct err *err);
    void (*admin_close)(struct db_admin *a);
    int (*admin_run)(struct db_admin *a, const struct stmt *st, struct arena *arena,
                     struct rows *out, struct err *err);
    int64_t (*admin_changes)(struct db_admin *a); /* NULL: the engine has changes() */
    int (*admin_script)(struct db_admin *a, str text, size_t *at, struct err *err);
    int (*admin_lock)(struct db_admin *a, unsigned ms, struct err *err);
    void (*admin_unlock)(struct db_admin *a);
    int (*admin_check)(struct db_admin *a, struct err *err);
    int (*admin_backup)(struct db_admin *a, const char *to, struct err *err);
    int (*admin_restore)(const struct db_config *c, const char *from, struct err *err);
    bool (*exists)(const struct db_config *c);

    void (*stats)(struct db *db, struct db_stats *out);
    bool (*healthy)(struct db *db);
};
int db__fail_read_only(struct err *err); /* DENIED: a write in a transaction that only reads */

extern const struct db_driver db_sqlite, db_postgres;

/* ---- rows into an arena (rows.c) ---- */

struct collect {
    struct arena *arena;
    struct rows *rows;
    size_t room, max;
};
void collect__init(struct collect *k, struct arena *a, struct rows *rows, size_t max);
int collect__row(void *ctx, const struct value *cells, size_t count); /* a db_row_fn */
void collect__again(void *ctx);
/* A copy of s in a, without ending the request: ptr NULL when it does not fit. */
str collect__text(struct arena *a, str s);

#endif
