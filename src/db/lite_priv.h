/* Private to src/db. The embedded engine: what its workers, helpers and writer share.
 * SPDX: Apache-2.0 */
#ifndef CAIRN_DB_LITE_PRIV_H
#define CAIRN_DB_LITE_PRIV_H

#include "db/sqlite_priv.h"

#include <pthread.h>

/* Streams that stand paused at most; each pins a connection. */
enum { CURSORS_MOST = 64, SAVEPOINTS_MOST = 16 };

/* ---- reading ---- */

struct lite_cursor {
    struct db_cursor base;
    struct link link;  /* in its thread's list while it stands still */
    struct conn *conn; /* NULL: ended */
    struct prepared *p;
    bool inlined;       /* the connection came from this thread's reader */
    bool moved;         /* it goes on on a helper thread */
    bool late;          /* ended because nobody went on in time */
    uint64_t opened_ns; /* the first pause */
    uint64_t paused_ns; /* the latest one */
    uint64_t ran_ns;    /* time in the engine so far */
};

/* A statement on its way through a helper thread. Lives on the stack of the fiber that waits. */
struct scan {
    struct link link;
    struct lite *lite;
    const struct stmt *st; /* NULL: go on with conn and p */
    const struct row_sink *sink;
    struct conn *conn;
    struct prepared *p;
    bool pausable;
    bool lent;         /* conn is the caller's: it does not go to the pool */
    uint64_t start_ns; /* of the time limit */
    atomic_bool stop;
    int code;
    struct err *err;
    struct loop *loop;
    struct fiber *fiber;
    bool done; /* fiber's thread only */
};

struct helpers {
    pthread_mutex_t lock; /* all below */
    pthread_cond_t more;
    struct link queue, idle; /* struct scan; struct conn */
    unsigned queued, idle_count, sleeping;
    bool closing;
    atomic_bool hold; /* nothing new begins: the log has to be emptied; also read without lock */
    pthread_t *threads;
    unsigned thread_count;
};

/* ---- writing ---- */

enum job_kind { JOB_WRITE, JOB_TX };

/* A fiber that waits for the writer. */
struct waiter {
    struct waiter *next; /* those of one loop are answered together */
    struct loop *loop;
    struct fiber *fiber;
    bool done; /* fiber's thread only */
};

/* QUEUED --take--> RUN --commit--> answered with 0
 *                   '--failed--> answered with its code, once the others are committed
 * A group is run again from its start when a job took the transaction with it, without that job
 * [out]. The others start with a clean slate: what they failed by may not happen again. */
struct write_job {
    struct waiter waiter;
    struct write_job *next;
    enum job_kind kind;
    struct db_write *list;
    size_t count, failed;
    struct lite_tx *tx;
    uint64_t queued_ns;
    bool out; /* failed for good: it is not run again */
    int code; /* of this run of the group */
    struct err why;
    struct err *err; /* the caller's: filled at the end only */
};

struct writer {
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* down to the blank line */
    pthread_cond_t more;  /* queue or closing; also a command of the transaction in progress */
    struct write_job *queue, **queue_end;
    unsigned queued, queued_max;
    bool sleeping, closing;

    struct conn *conn; /* the writer's thread only, below too */
    /* Pages in the log: after the last commit; that call for the next checkpoint; from which on
     * readers are waited for. */
    int64_t pages, checkpoint_at, restart_at;
    _Atomic uint64_t writes, commits, failures, group_max, syncs;
};

struct lite {
    struct db base;
    struct db_config cfg; /* the numbers; no texts */
    char *path;
    int serve_fd;             /* the lock that says: a server works here */
    int lock_fd;              /* migrations' lock; taken shared round a checkpoint */
    _Atomic uint64_t commits; /* a reader's snapshot is fresh while this has not moved */
    atomic_bool healthy;
    atomic_uint cursors;
    pthread_mutex_t lock; /* conns, readers, past */
    struct link conns, readers;
    uint64_t past[TALLY_COUNT]; /* of connections that are closed */
    struct helpers helpers;
    struct writer writer;
};

static inline struct lite *lite_of(struct db *db)
{
    BUG_ON(db->driver != &db_sqlite);
    return OUTER(db, struct lite, base);
}

static inline uint64_t lite_timeout_ns(const struct lite *l)
{
    return (uint64_t)l->cfg.statement_timeout_ms * 1000000u;
}

/* ---- lite.c ---- */

/* A registered connection of the engine. */
int lite__conn_open(struct lite *l, enum conn_use use, struct conn **out, struct err *err);
void lite__conn_close(struct lite *l, struct conn **c);

/* ---- lite_file.c: the file and the locks beside it ---- */

int lite__path(const struct db_config *c, char **out, struct err *err); /* gives: mem_free */
int lite__make(const char *path, struct err *err); /* directory and empty file when missing */
/* "<path><suffix>" opened as a lock file. */
int lite__lock_open(const char *path, const char *suffix, int *fd, struct err *err);
/* Takes the lock alone; polls up to ms. E_BUSY when another process keeps it. */
int lite__lock(int fd, unsigned ms);
int lite__sync_dir(const char *path);
#define LITE_SERVE "-serve"
#define LITE_LOCK "-lock"

/* ---- reader.c, helpers.c, cursor.c ---- */

int lite__worker_begin(struct db *db, struct err *err);
void lite__worker_end(struct db *db);
/* The calling worker's connection with a fresh snapshot / back after a cursor. */
WAITS int lite__query(struct db *db, const struct stmt *st, const struct row_sink *sink,
                      struct db_cursor **cursor, struct err *err);
void reader__give(struct lite *l, struct conn **c);
/* Any thread: asks every worker to end its snapshot soon. */
void reader__let_go(struct lite *l);

int helpers__open(struct lite *l, struct err *err);
void helpers__close(struct lite *l);
WAITS int helpers__run(struct scan *s);
void helpers__give(struct lite *l, struct conn **c);
/* Whether new scans wait; those that have begun go on. */
void helpers__hold(struct lite *l, bool hold);
static inline bool helpers__held(struct lite *l)
{
    return atomic_load_explicit(&l->helpers.hold, memory_order_relaxed);
}

/* Makes a cursor of a paused statement. Fails with BUSY when too many are open; then the caller
 * still has the connection. */
int cursor__open(struct lite *l, struct conn *c, struct prepared *p, struct lite_cursor **out,
                 struct err *err);
/* Ends those of the calling thread that stood still for too long. */
void cursor__sweep(void);
WAITS int lite__next(struct db_cursor *c, const struct row_sink *sink, struct err *err);
void lite__cursor_end(struct db_cursor *c);

/* ---- writer.c, tx.c ---- */

int writer__open(struct lite *l, struct err *err);
void writer__close(struct lite *l);
WAITS int lite__write(struct db *db, struct db_write *list, size_t count, size_t *failed,
                      struct err *err);
/* Queues j for the calling fiber; on failure (BUSY, CANCELLED) j was not queued. */
int writer__push(struct lite *l, struct write_job *j, struct err *err);
WAITS int writer__await(struct write_job *j);
/* Runs one statement on the writer's connection, rows and changes into w. */
int writer__run(struct lite *l, struct db_write *w, uint64_t timeout_ns, struct err *err);
/* After an I/O error: tells it, before anybody is answered. */
void writer__ail(struct lite *l);
/* Commits durably and tells every reader, all before any answer. */
int writer__commit(struct lite *l, struct err *err);
void writer__rollback(struct lite *l);
/* Whether j waited longer than a statement may run: then nobody waits for it any more. */
bool writer__late(const struct lite *l, const struct write_job *j);
/* Answers j; a chain of jobs with one post a loop. */
void writer__answer(struct write_job *chain);
void writer__wake(struct waiter *w);

/* tx.c, on the writer's thread: serves the transaction to its end. */
void tx__serve(struct lite *l, struct write_job *j);
/* Answers a transaction that never began. */
void tx__refuse(struct write_job *j, const struct err *err);
WAITS int lite__tx_begin(struct db *db, const struct db_tx_options *options, struct db_tx **out,
                         struct err *err);
WAITS int lite__tx_run(struct db_tx *tx, struct db_write *w, struct err *err);
WAITS int lite__tx_savepoint(struct db_tx *tx, struct err *err);
WAITS int lite__tx_release(struct db_tx *tx, bool keep, struct err *err);
WAITS int lite__tx_commit(struct db_tx *tx, struct err *err);
void lite__tx_rollback(struct db_tx *tx);

/* ---- admin.c ---- */

int lite__admin_open(const struct db_config *c, struct db_admin **out, struct err *err);
void lite__admin_close(struct db_admin *a);
int lite__admin_run(struct db_admin *a, const struct stmt *st, struct arena *arena,
                    struct rows *out, struct err *err);
int lite__admin_script(struct db_admin *a, str text, size_t *at, struct err *err);
int lite__admin_lock(struct db_admin *a, unsigned ms, struct err *err);
void lite__admin_unlock(struct db_admin *a);
int lite__admin_check(struct db_admin *a, struct err *err);
int lite__admin_backup(struct db_admin *a, const char *to, struct err *err);
bool lite__exists(const struct db_config *c);
int lite__admin_restore(const struct db_config *c, const char *from,
                        struct err *err); /* restore.c */

#endif
