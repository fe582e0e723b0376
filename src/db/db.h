/* db.h -- the database behind one table of functions. SPDX: Apache-2.0
 * One `struct db` a process, shared by all workers. Every call is made from a fiber of a worker
 * loop unless it says otherwise. */
#ifndef CAIRN_DB_H
#define CAIRN_DB_H

#include "data/data.h"
#include "fiber/fiber.h"

struct db;
struct db_cursor;
struct db_tx;

/* What a transaction sees of others. SQLite has one writer: there each is SERIALIZABLE. */
enum db_isolation { DB_USUAL, DB_READ_COMMITTED, DB_REPEATABLE_READ, DB_SERIALIZABLE };

struct db_config {
    str url;      /* "sqlite:PATH" or a path; "postgres://...", "postgres:service=..." */
    str password; /* PostgreSQL: beside the url, or empty */
    str database; /* PostgreSQL: another one of the same server than the url's, or empty */
    str data_dir; /* made when missing */
    unsigned statement_timeout_ms, tx_timeout_ms;
    unsigned tx_retries;         /* of a block that clashed with another */
    enum db_isolation isolation; /* of transactions that ask for none; USUAL: read committed */
    unsigned write_queue;        /* writes waiting at most, then BUSY */
    unsigned group_most;         /* writes in one commit at most */
    unsigned scan_threads;       /* helper connections */
    unsigned scan_queue;
    unsigned statements; /* prepared statements kept per connection */
    unsigned cache_kib;  /* page cache per connection */
    uint64_t mmap_bytes;
    uint64_t statement_memory; /* bytes a reading statement may take; 0: any */
    /* PostgreSQL: */
    unsigned workers;               /* that share the pool; 0: one per core */
    unsigned pool_size, pool_least; /* connections in all; 0: two per core */
    unsigned pool_queue;            /* waiting for one, per worker; then BUSY */
    unsigned pool_wait_ms, pool_idle_ms, pool_lifetime_ms;
    unsigned pool_check_ms; /* idle for so long, a connection is asked before it is used */
    unsigned pool_leak_ms;  /* held for so long, it is told who holds it; 0: never */
    bool prepared;          /* false behind a pooler that hands out connections by transaction */
};

enum db_engine { DB_SQLITE, DB_POSTGRES };
enum db_engine db_engine(const struct db_config *c); /* by the url */

/* ---- life ---- */

/* Any thread, no fiber needed. Opens, recovers, starts the writer. Fails with DB, IO, CONFIG. */
int db_open(const struct db_config *c, struct db **out, struct err *err);
/* Any thread: connections that are made from now on use it. */
void db_password(struct db *db, str password);
/* Any thread, after the workers ended: finishes queued writes, checkpoints, closes. */
void db_close(struct db **db);
/* On each worker thread, once: its own read connection. */
int db_worker_begin(struct db *db, struct err *err);
void db_worker_end(struct db *db);

/* ---- reading ---- */

/* cells live until the function returns. May run on a helper thread: no waits, no arena_new
 * (arena_try is fine), no thread-locals. 0 go on, DB_PAUSE stop here for now (the row was
 * taken), negative stop with that code. */
enum { DB_PAUSE = 1 };
typedef int db_row_fn(void *ctx, const struct value *cells, size_t count);

/* Runs st and hands each row to fn. Inline when the statement is known to be cheap, else on a
 * helper thread. Cell kinds are the engine's: V_NULL V_INT V_FLOAT V_TEXT V_BYTES (the renderer
 * knows the column types). Fails with TIMEOUT, BUSY, DB, CANCELLED, or fn's code. When a cursor
 * is given and fn pauses, the answer is DB_PAUSE and the cursor is open: db_next goes on,
 * db_cursor_end ends it (also safe on a NULL). An open cursor pins what it reads from: it ends by
 * itself, with TIMEOUT for the next db_next, when nobody went on for a statement's time limit or
 * it took six times that in all. Reads see every write answered before in this process, and what
 * other processes committed a few milliseconds ago. */
WAITS int db_query(struct db *db, const struct stmt *st, db_row_fn *fn, void *ctx,
                   struct db_cursor **cursor, struct err *err);
WAITS int db_next(struct db_cursor *c, db_row_fn *fn, void *ctx, struct err *err);
void db_cursor_end(struct db_cursor **c);

/* All rows into a, at most max_rows (then TOOBIG). names are filled in. */
WAITS int db_rows(struct db *db, const struct stmt *st, struct arena *a, size_t max_rows,
                  struct rows *out, struct err *err);

/* One of several reads that do not depend on each other. */
struct db_read {
    struct stmt st;
    size_t most;      /* rows */
    struct rows rows; /* out */
};

/* As db_rows for each; on PostgreSQL all are sent at once, and wait once. */
WAITS int db_rows_each(struct db *db, struct db_read *list, size_t count, struct arena *a,
                       struct err *err);

/* ---- writing ---- */

/* One statement of a write and what came of it. */
struct db_write {
    struct stmt st;
    struct arena *arena; /* for rows */
    bool names;          /* rows.names are wanted also of RETURNING */
    struct rows rows;    /* out: RETURNING, or st.then */
    int64_t changes;     /* out: rows changed */
    int64_t expect;      /* >= 0: fail with NOTFOUND and undo all when changes differ; -1: any */
};

/* Runs all or nothing, durable when it answers 0. Waits without cancel once it is queued.
 * On failure err->field names the column when the engine told it: UNIQUE (field "email", or
 * "a,b"), CHECK (column or constraint name; word "required" for NOT NULL, else "check"), PARENT or
 * CHILDREN (an immediate FOREIGN KEY failure: PARENT for insert and update, CHILDREN for delete),
 * BUSY, TIMEOUT, DB, IO. *failed (may be NULL): index of the statement at fault. */
WAITS int db_write(struct db *db, struct db_write *list, size_t count, size_t *failed,
                   struct err *err);

/* ---- a transaction that a fiber drives statement by statement ---- */

struct db_tx_options {
    enum db_isolation isolation;
    bool read_only; /* a write fails with DENIED */
};

/* Holds the writer (PostgreSQL: a connection) until commit or rollback, at most tx_timeout_ms.
 * Rolls back when the fiber's scope ends without commit. options may be NULL. */
WAITS int db_tx_begin(struct db *db, const struct db_tx_options *options, struct db_tx **out,
                      struct err *err);
enum db_isolation db_tx_isolation(const struct db_tx *tx); /* that it really has */
/* Whether what wants that isolation may run inside tx. When not, tx notes it: whoever began it can
 * undo it and begin again as db_tx_wish says (USUAL: nobody asked). */
bool db_tx_suits(struct db_tx *tx, enum db_isolation isolation);
enum db_isolation db_tx_wish(const struct db_tx *tx);
/* From now on tx only reads, or writes again. Gives what it was. */
bool db_tx_only_reads(struct db_tx *tx, bool on);
WAITS int db_tx_run(struct db_tx *tx, struct db_write *w, struct err *err); /* reads too */
WAITS int db_tx_savepoint(struct db_tx *tx, struct err *err);               /* nests, at most 16 */
WAITS int db_tx_release(struct db_tx *tx, bool keep, struct err *err); /* the innermost savepoint */
WAITS int db_tx_commit(struct db_tx **tx, struct err *err);            /* durable when 0 */
WAITS void db_tx_rollback(struct db_tx **tx);

/* The same as a block: committed when body answers 0 or more, else undone. A deadlock or
 * serialization failure undoes it, and body runs again after a pause that grows, with chance in it,
 * at most tx_retries times and while again (may be NULL) allows it; then the failure is BUSY with
 * the word "serialization". */
struct db_block {
    WAITS int (*body)(void *ctx, struct db_tx *tx, struct err *err);
    bool (*again)(void *ctx);
    void *ctx;
};
WAITS int db_transact(struct db *db, const struct db_tx_options *options,
                      const struct db_block *block, struct err *err);
bool db_clashed(const struct err *err); /* a deadlock or serialization failure */

/* ---- without fibers: start-up and command line, any thread, before or without workers ---- */

/* One exclusive connection for migrations and maintenance; the caller's thread blocks. */
struct db_admin;
int db_admin_open(const struct db_config *c, struct db_admin **out, struct err *err);
void db_admin_close(struct db_admin **a);
int db_admin_run(struct db_admin *a, const struct stmt *st, struct arena *arena, struct rows *out,
                 struct err *err); /* out may be NULL */
/* Rows that the last statement changed. */
int64_t db_admin_changes(struct db_admin *a);
/* Runs a script of several statements without parameters, stopping at the first failure;
 * *at (may be NULL): byte offset of the failing statement in text. */
int db_admin_script(struct db_admin *a, str text, size_t *at, struct err *err);
/* An exclusive lock over all processes on this database, for migrations; waits up to ms. */
int db_admin_lock(struct db_admin *a, unsigned ms, struct err *err);
void db_admin_unlock(struct db_admin *a);
int db_admin_check(struct db_admin *a, struct err *err); /* integrity and foreign keys */
int db_admin_backup(struct db_admin *a, const char *to,
                    struct err *err); /* online, while others write */
int db_admin_restore(const struct db_config *c, const char *from, struct err *err);
/* From now on a only reads, and no statement runs longer than ms. */
int db_admin_only_reads(struct db_admin *a, unsigned ms, struct err *err);
/* Whether there is a database already; opens nothing. */
bool db_exists(const struct db_config *c);

/* ---- a database that tells what it is asked (`cairn explain`) ---- */

/* A statement that came by. */
struct db_probed {
    struct stmt st;
    struct rows plan; /* as the engine tells it: the last column is a line of text */
    bool ran;         /* a write of a probe that does not run is only planned */
    bool failed;
    int64_t rows; /* read, returned or changed */
    uint64_t ns;
};

enum { DB_PROBED_MOST = 500 };

/* Answers every call of above as the engine does, over one blocking connection and inside one
 * transaction that is always taken back; beside a running server. run false: a write is planned and
 * fails with CANCELLED, and the transaction only reads. Copies live in a. Fails as db_admin_open.
 */
int db_probe_open(const struct db_config *c, bool run, struct arena *a, struct db **out,
                  struct err *err);
/* In their order, at most DB_PROBED_MOST; valid as long as db is open. */
const struct db_probed *db_probe_list(const struct db *db, size_t *count);

/* ---- what to show ---- */

struct db_stats {
    uint64_t reads_inline, reads_helper, rows, writes, commits, write_failures, timeouts;
    uint64_t statements; /* executed, of any kind */
    uint64_t prepared;   /* sqlite3_prepare calls: a cache that works keeps this flat */
    uint64_t write_queue, write_queue_max, group_max; /* now; most so far; largest group */
    uint64_t syncs;
    /* PostgreSQL: connections now open, held by transactions, connecting; who waits for one. */
    uint64_t pool_open, pool_taken, pool_waiting;
    uint64_t pool_size, pool_streams;                            /* there may be; read lists now */
    uint64_t pool_waits, pool_refused, pool_connects, pool_lost; /* in all */
    uint64_t pool_late, pool_wait_us; /* waits over the limit; all waits */
    uint64_t pool_unused, pool_old, pool_checks, pool_sick, pool_leaks;
    uint64_t clashes; /* deadlocks and serialization failures */
};
void db_stats(struct db *db, struct db_stats *out); /* any thread */
bool db_healthy(struct db *db);                     /* false between an I/O error and recovery */

#endif
