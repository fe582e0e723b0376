/* Private to src/db. The PostgreSQL engine: sessions, the pool of a worker, operations.
 * SPDX: Apache-2.0
 * Called a session here is one connection: libpq has taken the name struct pg_conn. */
#ifndef CAIRN_PG_PRIV_H
#define CAIRN_PG_PRIV_H

#include "base/map.h"
#include "db/db_priv.h"
#include "net/net.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>

struct pg_pool;
struct pg_session;

/* ---- libpq (pg_lib.c) ---- */

/* Its functions by pointer: pq.clear is PQclear. Filled in by pg_lib__load. */
extern struct pg_lib {
#define X(name) __typeof__(PQ##name) *name;
#include "db/pg_lib.def"
#undef X
} pq;
/* Any thread, again and again. Fails with CONFIG: the library is not there, or too old. */
int pg_lib__load(struct err *err);

/* ---- where the server is (pg_target.c) ---- */

enum { PG_KEYWORDS = 16 };

/* Arguments of PQconnectStartParams, on the heap. */
struct pg_target {
    char *keywords[PG_KEYWORDS], *values[PG_KEYWORDS];
    unsigned count;
};
/* admin: no time limits. Fails with CONFIG. */
int target__init(struct pg_target *t, const struct db_config *c, bool admin, struct err *err);
/* Why raw is not connected: one line, without secrets. Lives as long as raw. */
str target__why(const PGconn *raw);
void target__fini(struct pg_target *t);
void target__copy(struct pg_target *to, const struct pg_target *from);
/* Empty: that of the URL, or of libpq's own places. */
void target__password(struct pg_target *t, str password);

/* ---- the engine ---- */

struct pg {
    struct db base;
    struct db_config cfg;       /* without its texts */
    struct pg_target target;    /* lock; its password may change */
    _Atomic unsigned passwords; /* how often it did */
    unsigned size, least;       /* sessions per worker */
    unsigned whole;             /* size of all workers */
    pthread_mutex_t lock;
    struct link pools; /* lock */
    _Atomic uint64_t statements, prepared, rows, reads, writes, commits, failures, timeouts;
    _Atomic uint64_t waits, wait_us, refused, late, connects, lost, clashes;
    _Atomic uint64_t unused, old, checks, sick, leaks;
    _Atomic int open, taken, waiting, streams; /* now */
    _Atomic unsigned down;                     /* pools that reach no server */
};

static inline struct pg *pg_of(struct db *db)
{
    BUG_ON(db->driver->name[0] != 'p');
    return OUTER(db, struct pg, base);
}

static inline void pg__count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline void pg__gauge(_Atomic int *gauge, int by)
{
    atomic_fetch_add_explicit(gauge, by, memory_order_relaxed);
}

/* ---- an operation: statements that are sent together, with one sync behind them ---- */

/* Reads of few rows share a sync, and so a system call here and several there: the server hands out
 * all their answers at once. One that fails takes those behind it along: they are sent again.
 * Outside of a transaction block the server commits them all or none. */
struct pg_step {
    const struct stmt *st;
    unsigned name;    /* of the prepared statement; 0: none */
    bool prepares;    /* the answer to its Prepare is due first */
    bool looks;       /* nothing is known yet of the types of its answer */
    PGresult *result; /* when it went well */
};

/* NEW --no session is free--> WAITING --[pool feeds]--> SENT --sync came, session lost--> DONE
 * A waiting one may be given up; one that was sent is waited for, whatever happens. */
enum pg_op_state { OP_NEW, OP_WAITING, OP_SENT, OP_DONE };

struct pg_op {
    struct link link; /* in the pool's waiting, then in the session's ops */
    enum pg_op_state state;
    struct pg_step *steps;
    size_t count, at; /* at: the step whose answer comes next */
    unsigned weight;  /* requests that wait for it */
    bool at_prepare;
    bool writes; /* its outcome matters when the session is lost */
    bool shares; /* its sync with those that are sent in the same turn of the loop */
    bool syncs;  /* it is the last one of these, or has its own */
    bool whole;  /* wants a session for itself, instead of running steps */
    bool stream; /* that, for a cursor: they may not have all sessions */
    bool again;  /* failed for its prepared statement only: nothing was done */
    bool clash;  /* undone because of another change at the same time */
    struct pg_session *session;
    struct fiber *fiber;            /* that waits */
    struct fiber *owner;            /* of what whole asks for */
    void (*done)(struct pg_op *op); /* instead of a fiber */
    int code;
    size_t failed; /* the step at fault */
    struct err *err;
};

void op__init(struct pg_op *op, struct pg_step *steps, size_t count, struct err *err);
void op__fini(struct pg_op *op);   /* its results */
void op__finish(struct pg_op *op); /* DONE: tells who waits */

/* ---- a session (pg_session.c) ---- */

struct pg_prepared {
    struct link lru;
    str text; /* NUL-terminated */
    unsigned name;
    bool seen;   /* an answer, which told its types */
    bool binary; /* they can be had so */
};

/* CONNECTING --[pool]--> READY --broken, retired--> DEAD
 * DEAD: raw is NULL; only who has it for itself may still hold it. */
enum pg_session_state { SESSION_CONNECTING, SESSION_READY, SESSION_DEAD };

struct pg_session {
    struct link link; /* in pool->sessions; alone when dead */
    struct pg_pool *pool;
    PGconn *raw;
    struct net_watch *watch;
    enum pg_session_state state;
    bool taken;    /* somebody has it for himself */
    bool stream;   /* a cursor has it */
    bool checking; /* a ping is under way: it is given nothing to do */
    bool cancelling;
    bool told;           /* that it is held for too long */
    struct fiber *owner; /* who has it, NULL when he has given it back */
    uint64_t taken_ns;
    struct link ops;    /* sent, oldest first */
    unsigned in_flight; /* the weight of ops */
    bool unsynced;      /* the last of ops waits for more, and for their common sync */
    struct map by_text;
    struct link lru;
    unsigned prepared_count, next_name;
    uint64_t born_ns, used_ns, head_ns; /* head_ns: since when the oldest op is the oldest */
    struct fiber *connector;            /* while CONNECTING and waiting */
};

struct pg_session *session__new(struct pg_pool *pool);
/* raw is connected: from now on statements can be sent. False: it is broken already. */
bool session__ready(struct pg_session *s);
/* Fails what is in flight; frees s unless somebody has taken it. */
void session__die(struct pg_session *s);
void session__free(struct pg_session *s); /* one that is dead */
void session__send(struct pg_session *s, struct pg_op *op);
/* What was held back for others to join goes out now. */
void session__sync(struct pg_session *s);
/* Sends op on a session of one's own and waits for the answer. */
WAITS int session__run(struct pg_session *s, struct pg_op *op);
/* Asks the server to stop what s does now. */
void session__cancel(struct pg_session *s);

/* ---- the pool of one worker (pg_pool.c) ---- */

struct pg_pool {
    struct pg *pg;
    struct loop *loop;
    struct link all;        /* pg->pools */
    struct pg_pool *beside; /* of the same thread, to another server */
    struct link sessions;   /* of any state but DEAD */
    unsigned count, connecting, ready;
    struct link mates;   /* reads of this turn of the loop that may go together (pg_together.c) */
    struct link waiting; /* ops, oldest first */
    unsigned waiting_count;
    struct link txs;
    struct link cursors;            /* of the server, that stand still */
    unsigned streams, streams_most; /* sessions that cursors have now, and may have */
    struct map large;               /* texts of statements that gave large answers */
    uint64_t retry_ns;              /* no new session before that */
    unsigned fails;                 /* attempts in a row */
    unsigned passwords;             /* those of pg that were tried */
    bool down, closing;
    unsigned refs; /* the worker and each connecting fiber */
    struct buf scratch;
};

int pool__begin(struct pg *pg, struct err *err);
void pool__end(struct pg *pg);
struct pg_pool *pool__mine(struct pg *pg);
/* Sends op, one with a done, on a session that others use. False: none is free now. */
bool pool__serve(struct pg_pool *p, struct pg_op *op);
/* The weight that an operation may have now: an idle session takes any, up to most. */
unsigned pool__room(struct pg_pool *p, unsigned most);
/* Runs op on a session that others use at the same time. The answer is op->code. */
WAITS int pool__run(struct pg_pool *p, struct pg_op *op);
/* A session for oneself. Fails with BUSY, CANCELLED. */
WAITS int pool__take(struct pg_pool *p, struct pg_session **out, struct err *err);
/* The same for a cursor. */
WAITS int pool__take_stream(struct pg_pool *p, struct pg_session **out, struct err *err);
/* Gives it back; clean false: a transaction may be open on it, and is rolled back. */
void pool__give(struct pg_session **s, bool clean);
/* Gives it back when last, a statement of the engine's own, has run. */
void pool__give_after(struct pg_session **s, const struct stmt *last);
void pool__sweep(void *unused);     /* a few times a second (pg_sweep.c) */
struct pg_pool *pool__here(void);   /* the first of this thread, or NULL; then ->beside */
void pool__feed(struct pg_pool *p); /* a session has room */
void pool__lost(struct pg_pool *p, struct pg_session *s); /* s is dead */
void pool__connect(struct pg_pool *p);    /* one more session, when there may be (pg_connect.c) */
void pool__refuse_all(struct pg_pool *p); /* when no server can be reached */
void pool__unref(struct pg_pool *p);

/* ---- failures (pg_error.c) ---- */

/* What the server said, as our code. text: the statement's. again may be NULL. */
int pg_error__result(const PGresult *r, str text, bool *again, struct err *err);
int pg_error__lost(bool writes, struct err *err); /* the session broke under it */
bool pg_error__in(const char *state, const char *class_or_state);

/* ---- values (pg_value.c, pg_binary.c) ---- */

/* Of pg_type.dat; they never change. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802
};
enum { PG_BINARY = 1, PG_CELL_ROOM = 40 };

/* Whether all columns of r, an answer in text, have types whose binary form gives the same. */
bool pg_binary__fits(const PGresult *r);
/* A number, time or uuid of that form. A text of it goes to room, PG_CELL_ROOM bytes. */
struct value pg_binary__cell(unsigned oid, str bytes, char *room);

/* Parameters as libpq wants them; valid until the next call with the same scratch. */
struct pg_params {
    int count;
    const char **values;
    int *lengths, *formats;
};
bool pg_value__params(struct buf *scratch, const struct stmt *st, struct pg_params *out);
/* The cells of one row at a time, in the scratch. */
struct column_form;
struct pg_cells {
    struct value *list;
    size_t count;
    struct column_form *forms;
    char *room;
};
bool pg_value__begin(struct buf *scratch, PGresult *r, struct pg_cells *out, struct err *err);
void pg_value__row(PGresult *r, int row, struct pg_cells *to); /* each row once */
/* Hands rows from *at on to the sink: 0 when all are through, DB_PAUSE, or a failure. Each row is
 * handed out once: its cells are rewritten in place. */
int pg_value__rows(struct buf *scratch, PGresult *r, int *at, const struct row_sink *sink,
                   struct err *err);
int pg_value__names(const PGresult *r, const struct row_sink *sink, struct err *err);
int64_t pg_value__changes(PGresult *r);

/* ---- reads that go together (pg_together.c) ---- */

/* True: st was answered along with others of this turn, with *code and err as it would have been
 * alone. False: it has to be asked alone. */
WAITS bool pg_together__read(struct pg_pool *p, const struct stmt *st, const struct row_sink *sink,
                             int *code, struct err *err);
void pg_together__send(struct pg_pool *p); /* what has gathered in this turn */

/* ---- the driver's calls ---- */

WAITS int pg__query(struct db *db, const struct stmt *st, const struct row_sink *sink,
                    struct db_cursor **cursor, struct err *err);
WAITS int pg__rows_each(struct db *db, struct db_read *list, size_t count, struct arena *a,
                        struct err *err);
/* Whether st is worth a cursor of the server. */
bool pg_cursor__wanted(struct pg_pool *p, const struct stmt *st);
WAITS int pg_cursor__query(struct db *db, const struct stmt *st, const struct row_sink *sink,
                           struct db_cursor **out, struct err *err);
/* Takes r, the whole answer to st. */
int pg_cursor__whole(struct db *db, const struct stmt *st, PGresult *r, const struct row_sink *sink,
                     struct db_cursor **out, struct err *err);
void pg_cursor__sweep(struct pg_pool *p, uint64_t now);
/* Remembers text when r, its answer, is large. */
void pg_cursor__weigh(struct pg_pool *p, str text, const PGresult *r);
bool pg_cursor__large(const struct pg_pool *p, str text); /* it was remembered */
void pg_cursor__forget(struct pg_pool *p); /* what it has learned, before the pool ends */
WAITS int pg__next(struct db_cursor *c, const struct row_sink *sink, struct err *err);
void pg__cursor_end(struct db_cursor *c);
WAITS int pg__write(struct db *db, struct db_write *list, size_t count, size_t *failed,
                    struct err *err);
/* A statement of the engine's own. */
#define PG_FIXED(sql)                                                                              \
    {                                                                                              \
        .text = STR_INIT(sql), .once = true                                                        \
    }
WAITS int pg__tx_begin(struct db *db, const struct db_tx_options *options, struct db_tx **out,
                       struct err *err);
WAITS int pg__tx_run(struct db_tx *tx, struct db_write *w, struct err *err);
WAITS int pg__tx_savepoint(struct db_tx *tx, struct err *err);
WAITS int pg__tx_release(struct db_tx *tx, bool keep, struct err *err);
WAITS int pg__tx_commit(struct db_tx *tx, struct err *err);
WAITS void pg__tx_rollback(struct db_tx *tx);
void pg_tx__sweep(struct pg_pool *p, uint64_t now);
/* The first word of a statement, past blanks and line comments. */
str pg__first_word(str text);
/* DB when the statement is BEGIN, COMMIT or the like. */
int pg__refuse_block(const struct stmt *st, struct err *err);
/* The rows and the changes of one statement of a write. */
int pg__taken(struct pg_pool *p, struct pg_step *step, struct db_write *w, struct err *err);

int pg__admin_open(const struct db_config *c, struct db_admin **out, struct err *err);
void pg__admin_close(struct db_admin *a);
int pg__admin_run(struct db_admin *a, const struct stmt *st, struct arena *arena, struct rows *out,
                  struct err *err);
int64_t pg__admin_changes(struct db_admin *a);
int pg__admin_script(struct db_admin *a, str text, size_t *at, struct err *err);
int pg__admin_lock(struct db_admin *a, unsigned ms, struct err *err);
void pg__admin_unlock(struct db_admin *a);
int pg__admin_check(struct db_admin *a, struct err *err);
int pg__admin_backup(struct db_admin *a, const char *to, struct err *err);
int pg__admin_restore(const struct db_config *c, const char *from, struct err *err);

#endif
