/* writer.c -- the one thread that changes the database: many requests in one commit.
 * SPDX: Apache-2.0
 * Why: a durable commit costs one sync of the disk whatever it holds. While one group is synced
 * the next one gathers, so the size of a group follows the load by itself.
 * The queue is a list under a mutex: it is bounded, the writer must sleep when it is empty, and a
 * lock taken for a few instructions is small beside a sync. Producers signal only a sleeper.
 * Invariants: (1) A fiber is answered with 0 only after the commit that holds its write is
 * durable and lite->commits has moved. (2) A write of one statement needs no savepoint, because
 * the engine undoes a failed statement by itself; when one leaves a change behind all the same
 * (wrong count, a deferred key, rows that do not fit) the group is run again with savepoints.
 * (3) After an I/O error nothing is synced again: the connection is closed, everybody who waits
 * is told, and a new connection recovers what was durable. (4) Only this thread checkpoints, and
 * not while migrations hold their lock. (5) The log is bounded: it begins anew once all of it was
 * moved and no snapshot needs it, and that is brought about in three steps: workers are asked to
 * let go of idle snapshots; readers are waited for a little; past HOLD_PAGES new scans wait. */
#include "db/lite_priv.h"

#include <sys/file.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    CHECKPOINT_PAGES = 1000,
    RESTART_STEP = 4000, /* pages until readers are waited for again, when that was in vain */
    HOLD_PAGES = 64000,
    LOOPS_MOST = 64,
    REOPEN_MS = 100,
};

enum outcome { GROUP_RUN, GROUP_AGAIN, GROUP_GUARD };

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* ---- answers ---- */

void writer__ail(struct lite *l)
{
    if (UNLIKELY(l->writer.conn->broken))
        atomic_store(&l->healthy, false);
}

static void wake_chain(void *arg)
{
    for (struct waiter *w = arg, *next; w; w = next) {
        next = w->next; /* w lives on the stack of the fiber that goes on now */
        w->done = true;
        fiber_wake(w->fiber);
    }
}

void writer__wake(struct waiter *w)
{
    w->next = NULL;
    loop_post(w->loop, wake_chain, w);
}

void writer__answer(struct write_job *jobs)
{
    struct waiter *first[LOOPS_MOST], *last[LOOPS_MOST];
    size_t loops = 0;
    for (struct write_job *j = jobs, *next; j; j = next) {
        struct waiter *w = &j->waiter;
        size_t i = 0;
        next = j->next;
        w->next = NULL;
        while (i < loops && first[i]->loop != w->loop)
            i++;
        if (i < loops) {
            last[i]->next = w;
            last[i] = w;
        } else if (loops < LOOPS_MOST) {
            first[loops] = last[loops] = w;
            loops++;
        } else {
            writer__wake(w);
        }
    }
    for (size_t i = 0; i < loops; i++)
        loop_post(first[i]->loop, wake_chain, first[i]);
}

/* ---- one statement ---- */

/* Reads the row that w has just made. A trigger may have refused it, or taken it away. */
static int read_back(struct conn *c, struct db_write *w, struct row_sink *sink, struct err *err)
{
    const struct stmt st = {.text = w->st.then};
    struct prepared *p = NULL;
    if (w->changes == 1) {
        TRY(stmts__get(c, &st, &p, err));
        int code = w->names ? conn__names(p, sink, err) : 0;
        if (code == 0)
            code = conn__run(c, p, sink, err);
        stmts__put(&p);
        if (code < 0)
            return code;
    }
    return w->rows.count ? 0 : fail(err, E_CONFLICT, "a trigger of the table kept the row out");
}

int writer__run(struct lite *l, struct db_write *w, uint64_t timeout_ns, struct err *err)
{
    struct conn *c = l->writer.conn;
    struct prepared *p = NULL;
    struct collect k;
    struct row_sink sink = {.fn = collect__row, .ctx = &k, .names = &w->rows, .names_in = w->arena};
    collect__init(&k, w->arena, &w->rows, SIZE_MAX);
    w->changes = 0;
    TRY(stmts__get(c, &w->st, &p, err));
    bool rows = w->arena && p->columns;
    int code = conn__bind(c, p, &w->st, err);
    if (code == 0 && rows && (w->names || p->verb == VERB_READ))
        code = conn__names(p, &sink, err);
    c->limits = (struct limits){.timeout_ns = timeout_ns};
    conn__count(c, TALLY_STATEMENTS);
    if (code == 0)
        code = conn__run(c, p, rows ? &sink : NULL, err);
    if (code == 0 && p->verb != VERB_READ && p->verb != VERB_OTHER)
        w->changes = conn__changes(c);
    stmts__put(&p);
    if (code == 0 && w->st.then.len && w->arena)
        code = read_back(c, w, &sink, err);
    if (code == 0 && w->expect >= 0 && w->changes != w->expect)
        return fail(err, E_NOTFOUND, "there is no such row");
    return code;
}

/* ---- one transaction ---- */

int writer__commit(struct lite *l, struct err *err)
{
    struct conn *c = l->writer.conn;
    uint64_t before = c->logged;
    int code = conn__fixed(c, FIX_COMMIT, err);
    if (code < 0) {
        writer__rollback(l);
        return code;
    }
    add(&l->writer.syncs, c->logged - before);
    if (c->logged != before)
        atomic_fetch_add_explicit(&l->commits, 1, memory_order_release);
    add(&l->writer.commits, 1);
    return 0;
}

void writer__rollback(struct lite *l)
{
    struct err ignored = {0};
    if (conn__in_tx(l->writer.conn))
        conn__fixed(l->writer.conn, FIX_ROLLBACK, &ignored);
}

/* ---- a group ---- */

static int run_list(struct lite *l, struct write_job *j, struct err *err)
{
    for (size_t i = 0; i < j->count; i++) {
        j->failed = i;
        TRY(writer__run(l, &j->list[i], lite_timeout_ns(l), err));
    }
    if (!conn__deferred(l->writer.conn))
        return 0;
    /* At the commit it would fail the whole group. */
    return fail(err, E_PARENT, "it points to a row that does not exist");
}

static int run_guarded(struct lite *l, struct write_job *j, bool guard)
{
    struct conn *c = l->writer.conn;
    if (guard)
        TRY(conn__fixed(c, FIX_SAVE, &j->why));
    TRY(run_list(l, j, &j->why));
    if (guard)
        TRY(conn__fixed(c, FIX_KEEP, &j->why));
    if (!conn__in_tx(c))
        return fail(&j->why, E_DB, "a write must not end its transaction");
    return 0;
}

/* Runs j inside the group's transaction, which is as before when j failed and GROUP_RUN is the
 * answer. */
static enum outcome run_job(struct lite *l, struct write_job *j, bool guarded)
{
    struct conn *c = l->writer.conn;
    struct err undone;
    bool guard = guarded || j->count > 1;
    int64_t before = conn__total_changes(c);
    j->code = run_guarded(l, j, guard);
    if (LIKELY(j->code == 0))
        return GROUP_RUN;
    bool gone = !conn__in_tx(c) || c->broken;
    if (!gone && !guard && conn__total_changes(c) != before)
        return GROUP_GUARD;
    if (!gone && guard)
        gone = conn__fixed(c, FIX_UNDO, &undone) < 0 || conn__fixed(c, FIX_KEEP, &undone) < 0;
    j->out = gone;
    return gone ? GROUP_AGAIN : GROUP_RUN;
}

bool writer__late(const struct lite *l, const struct write_job *j)
{
    uint64_t limit = lite_timeout_ns(l), now = clock_ns();
    return limit && now > j->queued_ns && now - j->queued_ns > limit;
}

static void drop_late(struct lite *l, struct write_job *jobs)
{
    for (struct write_job *j = jobs; j; j = j->next) {
        if (!writer__late(l, j))
            continue;
        j->code = fail(&j->why, E_TIMEOUT, "the write waited longer than its time limit");
        j->out = true;
    }
}

static int try_group(struct lite *l, struct write_job *jobs, bool *guarded, struct err *err)
{
    enum outcome out = GROUP_RUN;
    TRY(conn__fixed(l->writer.conn, FIX_BEGIN_NOW, err));
    for (struct write_job *j = jobs; j && out == GROUP_RUN; j = j->next) {
        if (!j->out)
            out = run_job(l, j, *guarded);
    }
    if (out == GROUP_RUN)
        return writer__commit(l, err);
    writer__rollback(l);
    *guarded = *guarded || out == GROUP_GUARD;
    if (l->writer.conn->broken)
        return fail(err, E_IO, "the disk of the database failed");
    return DB_PAUSE; /* again */
}

/* Those that failed by themselves keep their reason when the group fails. */
static void settle(struct write_job *j, int code, const struct err *err)
{
    if (j->code == 0 && code < 0) {
        j->code = code;
        j->why = *err;
    }
    if (j->code < 0)
        *j->err = j->why;
}

static void run_group(struct lite *l, struct write_job *jobs)
{
    struct err err = {0};
    bool guarded = false;
    int code = DB_PAUSE;
    uint64_t writes = 0, failures = 0;
    drop_late(l, jobs);
    while (code == DB_PAUSE) /* ends: each time one more job is out, or guarded is set */
        code = try_group(l, jobs, &guarded, &err);
    for (struct write_job *j = jobs; j; j = j->next) {
        settle(j, code, &err);
        writes++;
        failures += j->code < 0;
    }
    add(&l->writer.writes, writes);
    add(&l->writer.failures, failures);
    if (writes > atomic_load_explicit(&l->writer.group_max, memory_order_relaxed))
        atomic_store_explicit(&l->writer.group_max, writes, memory_order_relaxed);
    writer__ail(l);
    writer__answer(jobs);
}

/* ---- the log ---- */

/* True: the next commit begins the log anew. Asks for that only when `restart`. */
static bool checkpoint(struct lite *l, bool restart)
{
    struct writer *w = &l->writer;
    struct err err = {0};
    int left = 0;
    if (flock(l->lock_fd, LOCK_SH | LOCK_NB) != 0)
        return false; /* migrations write now: later */
    int code = conn__checkpoint(w->conn, CHECKPOINT_PASSIVE, &left, &err);
    add(&w->syncs, 2); /* the log, then the database */
    reader__let_go(l);
    if (code == 0 && restart)
        code = conn__checkpoint(w->conn, CHECKPOINT_RESTART, &left, &err);
    flock(l->lock_fd, LOCK_UN);
    return code == 0 && restart;
}

static void log_begins(struct lite *l)
{
    l->writer.checkpoint_at = l->writer.restart_at = CHECKPOINT_PAGES;
    helpers__hold(l, false);
}

static void checkpoint_when_due(struct lite *l)
{
    struct writer *w = &l->writer;
    int64_t before = w->pages;
    w->pages = w->conn->wal_pages;
    if (w->pages < before)
        log_begins(l);
    if (w->pages < w->checkpoint_at)
        return;
    w->checkpoint_at = w->pages + CHECKPOINT_PAGES;
    bool restart = w->pages >= w->restart_at;
    if (checkpoint(l, restart))
        return;
    if (restart)
        w->restart_at = w->pages + RESTART_STEP;
    if (w->pages >= HOLD_PAGES)
        helpers__hold(l, true);
}

/* What is left in the log stays there, durable, when somebody else works on the database. */
static void last_checkpoint(struct lite *l)
{
    struct err ignored = {0};
    int left;
    if (flock(l->lock_fd, LOCK_SH | LOCK_NB) != 0)
        return;
    conn__checkpoint(l->writer.conn, CHECKPOINT_TRUNCATE, &left, &ignored);
    flock(l->lock_fd, LOCK_UN);
}

/* ---- after an I/O error ---- */

static void fail_job(struct write_job *j, const struct err *err)
{
    if (j->kind == JOB_TX) {
        tx__refuse(j, err);
        return;
    }
    settle(j, err->code, err);
    j->next = NULL;
    writer__answer(j);
}

static void fail_queue(struct writer *w, const struct err *err)
{
    pthread_mutex_lock(&w->lock);
    struct write_job *list = w->queue;
    w->queue = NULL;
    w->queue_end = &w->queue;
    w->queued = 0;
    pthread_mutex_unlock(&w->lock);
    for (struct write_job *j = list, *next; j; j = next) {
        next = j->next;
        fail_job(j, err);
    }
}

/* A connection that has read the log anew and moved all of it into the database. */
static bool reopen(struct lite *l)
{
    struct err err = {0};
    int left;
    struct conn *c = NULL;
    if (lite__conn_open(l, CONN_WRITE, &c, &err) < 0)
        return false;
    if (conn__checkpoint(c, CHECKPOINT_PASSIVE, &left, &err) < 0) {
        lite__conn_close(l, &c);
        return false;
    }
    l->writer.conn = c;
    l->writer.pages = 0;
    log_begins(l);
    return true;
}

static bool closing(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool yes = w->closing;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

static void recover(struct lite *l)
{
    struct err err = {0};
    const struct timespec nap = {.tv_nsec = REOPEN_MS * 1000000L};
    fail(&err, E_IO, "the disk of the database failed");
    writer__ail(l); /* a checkpoint failed, of which nobody heard yet */
    lite__conn_close(l, &l->writer.conn);
    for (;;) {
        if (reopen(l)) {
            /* Snapshots from before are of the same content, but let them go. */
            atomic_fetch_add_explicit(&l->commits, 1, memory_order_release);
            atomic_store(&l->healthy, true);
            return;
        }
        fail_queue(&l->writer, &err); /* what waits is run only when the disk is back at once */
        if (closing(&l->writer))
            break;
        nanosleep(&nap, NULL);
    }
    fail_queue(&l->writer, &err);
}

/* ---- the queue ---- */

/* The next group: up to group_most writes, or one transaction. NULL when all is done. */
static struct write_job *take(struct lite *l)
{
    struct writer *w = &l->writer;
    unsigned most = l->cfg.group_most ? l->cfg.group_most : 1;
    pthread_mutex_lock(&w->lock);
    while (!w->queue && !w->closing) {
        w->sleeping = true;
        pthread_cond_wait(&w->more, &w->lock);
        w->sleeping = false;
    }
    struct write_job *first = w->queue, *last = first;
    unsigned n = first != NULL;
    while (last && last->next && n < most && first->kind == JOB_WRITE &&
           last->next->kind == JOB_WRITE) {
        last = last->next;
        n++;
    }
    if (last) {
        w->queue = last->next;
        last->next = NULL;
        w->queue_end = w->queue ? w->queue_end : &w->queue;
        w->queued -= n;
    }
    pthread_mutex_unlock(&w->lock);
    return first;
}

static void *writer_main(void *arg)
{
    struct lite *l = arg;
    for (struct write_job *jobs; (jobs = take(l));) {
        if (jobs->kind == JOB_TX)
            tx__serve(l, jobs);
        else
            run_group(l, jobs);
        if (!l->writer.conn->broken)
            checkpoint_when_due(l);
        if (l->writer.conn->broken)
            recover(l);
        if (!l->writer.conn)
            break;
    }
    arena_thread_end();
    return NULL;
}

int writer__push(struct lite *l, struct write_job *j, struct err *err)
{
    struct writer *w = &l->writer;
    if (fiber_cancelled())
        return fail(err, E_CANCELLED, "the client has gone");
    if (!atomic_load_explicit(&l->healthy, memory_order_relaxed))
        return fail(err, E_BUSY, "the database recovers from a failure of its disk; try again");
    j->waiter.loop = loop_self();
    j->waiter.fiber = fiber_self();
    j->queued_ns = clock_ns();
    j->err = err;
    pthread_mutex_lock(&w->lock);
    bool room = w->queued < l->cfg.write_queue && !w->closing;
    if (room) {
        *w->queue_end = j;
        w->queue_end = &j->next;
        w->queued++;
        w->queued_max = w->queued > w->queued_max ? w->queued : w->queued_max;
        if (w->sleeping)
            pthread_cond_signal(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    return room ? 0 : fail(err, E_BUSY, "too many writes are waiting; try again");
}

int writer__await(struct write_job *j)
{
    while (!j->waiter.done)
        fiber_park_firm("write");
    return j->code;
}

int lite__write(struct db *db, struct db_write *list, size_t count, size_t *failed, struct err *err)
{
    struct write_job j = {.kind = JOB_WRITE, .list = list, .count = count};
    if (failed)
        *failed = 0;
    TRY(writer__push(lite_of(db), &j, err));
    writer__await(&j);
    if (failed)
        *failed = j.failed;
    return j.code;
}

/* ---- life ---- */

int writer__open(struct lite *l, struct err *err)
{
    struct writer *w = &l->writer;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    w->queue_end = &w->queue;
    w->checkpoint_at = w->restart_at = CHECKPOINT_PAGES;
    TRY(lite__conn_open(l, CONN_WRITE, &w->conn, err));
    if (pthread_create(&w->thread, NULL, writer_main, l) != 0)
        return fail(err, E_IO, "cannot start the writer thread");
    w->running = true;
    return 0;
}

void writer__close(struct lite *l)
{
    struct writer *w = &l->writer;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    if (w->running)
        pthread_join(w->thread, NULL);
    if (w->conn && !w->conn->broken)
        last_checkpoint(l);
    if (w->conn)
        lite__conn_close(l, &w->conn);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
}
