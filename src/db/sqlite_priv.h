/* Private to src/db. The thin wrapper round SQLite: connections, statements, cells, failures.
 * SPDX: Apache-2.0
 * A connection belongs to one thread at a time; handing it on needs a lock in between. Only
 * sqlite.c and sqlite_tools.c see sqlite3.h. */
#ifndef CAIRN_DB_SQLITE_PRIV_H
#define CAIRN_DB_SQLITE_PRIV_H

#include "db/db_priv.h"

#include <stdatomic.h>

#include "base/list.h"
#include "base/map.h"

struct sqlite3;
struct sqlite3_stmt;

/* ---- counters: written by the connection's thread alone, read by anyone ---- */

enum tally {
    TALLY_INLINE,
    TALLY_HELPER,
    TALLY_ROWS,
    TALLY_TIMEOUTS,
    TALLY_STATEMENTS,
    TALLY_PREPARED,
    TALLY_COUNT
};

/* ---- a prepared statement ---- */

enum verb { VERB_READ, VERB_INSERT, VERB_UPDATE, VERB_DELETE, VERB_OTHER };

struct prepared {
    struct link lru; /* in the cache; alone when made for once */
    str text;        /* its own copy when kept */
    struct sqlite3_stmt *handle;
    int places, columns;
    enum verb verb;
    bool kept;
    bool classified, heavy; /* heavy: belongs on a helper thread (see plan.c) */
    unsigned away;          /* runs until that is asked anew: an index may have been made */
    unsigned sentence;      /* the length of its last stay there, when it was sent for its time */
};

/* The statements kept prepared on one connection, least recently used first to go. */
struct stmts {
    struct map by_text;
    struct link lru; /* oldest first */
    unsigned count, most;
    struct prepared *quick[64]; /* by a guess at the text; cheaper than the map when it is right */
};

/* ---- a connection ---- */

enum conn_use { CONN_READ, CONN_WRITE, CONN_ADMIN };

/* How long a connection waits for a lock of another process, by its use; and for readers at a
 * checkpoint. A reader meets a lock only while another process recovers the log. */
enum { BUSY_READ_MS = 250, BUSY_WRITE_MS = 5000, BUSY_CHECKPOINT_MS = 10 };

/* Statements without parameters that every connection knows. */
enum fixed {
    FIX_BEGIN,
    FIX_BEGIN_NOW,
    FIX_COMMIT,
    FIX_ROLLBACK,
    FIX_SAVE,
    FIX_KEEP, /* releases the innermost savepoint */
    FIX_UNDO, /* rolls back to it */
    FIX_COUNT
};

/* What the running statement may use. The clock is not read before the first thousand steps of
 * the engine, so that a cheap statement does not pay for it. */
struct limits {
    uint64_t start_ns;       /* 0: from the first look at the clock on */
    uint64_t timeout_ns;     /* then TIMEOUT; 0: none */
    uint64_t budget_ns;      /* then `slow`, and RUN_SHIFT or RUN_MOVE; 0: none */
    const atomic_bool *stop; /* set: CANCELLED; may be NULL */
    bool movable;            /* it may be started again: no row that cannot be forgotten is out */
    bool rows;               /* out: a row was handed out */
    bool slow;               /* out: the budget is spent */
    int why;                 /* out: the reason of an interrupt */
};

/* The statement is dearer than its budget. MOVE: it was reset and may be started again
 * elsewhere. SHIFT: it stands between two rows and may go on elsewhere. */
enum { RUN_MOVE = 2, RUN_SHIFT = 3 };

struct conn {
    struct link all;  /* in the register of its engine */
    struct link idle; /* in a pool */
    struct sqlite3 *handle;
    enum conn_use use;
    struct stmts stmts;
    struct sqlite3_stmt *fixed[FIX_COUNT];
    struct limits limits;
    int64_t memory_most; /* that one run of a statement may take; then TOOBIG; 0: any */
    int64_t memory_base; /* of this thread before the run */
    struct value *cells;
    size_t cell_room;
    struct buf scratch; /* arrays on their way to json_each */
    int64_t wal_pages;  /* in the log after the last commit of this connection */
    uint64_t logged;    /* commits of this connection that wrote to the log */
    bool broken;        /* an I/O error happened: close it */
    _Atomic uint64_t tally[TALLY_COUNT];
};

/* Opens path, which must exist. Gives: conn__close. Fails with DB, IO, BUSY. */
int conn__open(const char *path, enum conn_use use, const struct db_config *cfg, struct conn **out,
               struct err *err);
void conn__close(struct conn **c);

static inline void conn__count(struct conn *c, enum tally t)
{
    uint64_t n = atomic_load_explicit(&c->tally[t], memory_order_relaxed);
    atomic_store_explicit(&c->tally[t], n + 1, memory_order_relaxed);
}

/* Prepares text into p. Fails with DB; also when text is not exactly one statement. */
int conn__prepare(struct conn *c, str text, bool keep, struct prepared *p, struct err *err);
void conn__finalize(struct prepared *p);
/* Binds borrowed values: they must live until the run is over. */
int conn__bind(struct conn *c, struct prepared *p, const struct stmt *st, struct err *err);
/* Hands the rows to sink (NULL: drops them). 0 at the end, DB_PAUSE or RUN_SHIFT with the
 * statement open, RUN_MOVE, or negative. Resets p unless it stays open. */
int conn__run(struct conn *c, struct prepared *p, const struct row_sink *sink, struct err *err);
void conn__reset(struct prepared *p);
int conn__fixed(struct conn *c, enum fixed f, struct err *err);
/* Fills in the names that sink asks for. Fails with TOOBIG. */
int conn__names(const struct prepared *p, const struct row_sink *sink, struct err *err);

bool conn__in_tx(const struct conn *c);
bool conn__deferred(const struct conn *c); /* a deferred foreign key is open */
int64_t conn__changes(const struct conn *c);
int64_t conn__total_changes(const struct conn *c);

/* Fills err from the connection's last failure rc while p (may be NULL) ran. */
int conn__fail(struct conn *c, const struct prepared *p, int rc, struct err *err);

/* ---- sqlite_tools.c ---- */

/* Whether the statement belongs on a helper thread, by its EXPLAIN QUERY PLAN. */
int conn__explain(struct conn *c, const struct stmt *st, bool *heavy, struct err *err);
/* RESTART waits for readers a little, so that the log starts again at its beginning. */
enum checkpoint { CHECKPOINT_PASSIVE, CHECKPOINT_RESTART, CHECKPOINT_TRUNCATE };
/* Moves pages from the log into the database. *left: pages of the log not moved. */
int conn__checkpoint(struct conn *c, enum checkpoint mode, int *left, struct err *err);
/* Runs every statement of text; *at: offset of the failing one. */
int conn__script(struct conn *c, str text, size_t *at, struct err *err);
int conn__integrity(struct conn *c, struct err *err);
/* Copies the whole database as of now into the empty file `to`. */
int conn__copy(struct conn *c, const char *to, struct err *err);

/* ---- stmts.c ---- */

void stmts__init(struct stmts *s, unsigned most);
void stmts__fini(struct stmts *s);
/* The prepared form of st, from the cache when it is there. Give back with stmts__put. */
int stmts__get(struct conn *c, const struct stmt *st, struct prepared **out, struct err *err);
void stmts__put(struct prepared **p);

/* ---- plan.c: what the lines of EXPLAIN QUERY PLAN mean; pure ---- */

struct plan {
    bool scan, range, sort, overflow;
    unsigned name_count;
    char names[8][64]; /* co-routines and materialised parts: a scan of those is no table scan */
};
void plan__line(struct plan *p, str line);
bool plan__heavy(const struct plan *p, bool bounded);

/* ---- constraint.c: what a message of the engine means for a kind of write; pure ---- */

enum constraint {
    CONSTRAINT_UNIQUE,
    CONSTRAINT_NOT_NULL,
    CONSTRAINT_CHECK,
    CONSTRAINT_FOREIGN,
    CONSTRAINT_TYPE,
    CONSTRAINT_TRIGGER
};
/* What a statement that writes does. */
enum verb constraint__verb(str text);
int constraint__fail(enum constraint kind, enum verb verb, str message, struct err *err);

/* sqlite_memory.c: where SQLite gets its memory from; before its first use. */
void sqlite__memory(void);
/* What this thread has of it, but for what others gave back or took over: good for differences. */
int64_t sqlite__memory_live(void);
/* Gives the connection its own functions: exact sums (sqlite_sums.c). */
void sqlite__sums(struct sqlite3 *handle);
/* The same: containment of JSON (sqlite_json.c). */
void sqlite__json(struct sqlite3 *handle);
/* The same: the values of a list as rows (sqlite_each.c). */
void sqlite__each(struct sqlite3 *handle);

/* Binds the list that cairn_each reads: borrowed until the statement is done. An SQLITE_ code. */
int sqlite__bind_keys(struct sqlite3_stmt *s, int at, const struct value *list);

#endif
