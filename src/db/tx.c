/* tx.c -- a transaction that a fiber drives while the writer's thread serves it alone.
 * SPDX: Apache-2.0
 * The fiber hands over one command at a time and parks; the writer waits for the next command at
 * most until the transaction's time is up, then rolls back, so that no handler can hold up the
 * other writers for longer.
 *
 * QUEUED --BEGIN [tx__serve]--> OPEN --commit--> ENDED
 *    |                           |--rollback, end of the fiber's scope [over]--> ENDED
 *    '--refused--> ENDED         '--time is up, the engine rolled back [why]--> ENDED
 * Two hold the memory: the fiber's scope, through a defer, and the writer. */
#include "db/lite_priv.h"

#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

enum command_kind { CMD_RUN, CMD_SAVE, CMD_KEEP, CMD_UNDO, CMD_COMMIT };

struct command {
    struct waiter waiter;
    enum command_kind kind;
    struct db_write *write;
    int code;
    struct err *err;
};

struct lite_tx {
    struct db_tx base;
    struct write_job job;
    atomic_uint refs;
    unsigned depth;       /* fiber's thread: savepoints */
    uint64_t deadline_ns; /* writer's thread */

    pthread_cond_t more; /* with the writer's lock: cmd or over; the lock also guards the rest */
    struct command *cmd;
    bool over, ended;
    struct err why; /* of the end, for later commands; code 0: a plain one */
};

static struct lite_tx *tx_of(struct db_tx *base)
{
    return OUTER(base, struct lite_tx, base);
}

static void unref(struct lite_tx *tx)
{
    if (atomic_fetch_sub(&tx->refs, 1) != 1)
        return;
    pthread_cond_destroy(&tx->more);
    mem_free(tx);
}

/* ---- on the writer's thread ---- */

static struct timespec at(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

/* NULL: the fiber has given up, or the time is up (then why is set). */
static struct command *next_command(struct lite *l, struct lite_tx *tx)
{
    struct timespec until = at(tx->deadline_ns);
    int rc = 0;
    pthread_mutex_lock(&l->writer.lock);
    while (!tx->cmd && !tx->over && rc == 0)
        rc = pthread_cond_timedwait(&tx->more, &l->writer.lock, &until);
    struct command *cmd = tx->cmd;
    tx->cmd = NULL;
    if (!cmd && !tx->over)
        fail(&tx->why, E_TIMEOUT, "the transaction took longer than its time limit of %u ms",
             l->cfg.tx_timeout_ms);
    pthread_mutex_unlock(&l->writer.lock);
    return cmd;
}

static uint64_t time_left(const struct lite *l, const struct lite_tx *tx)
{
    uint64_t now = clock_ns(), limit = lite_timeout_ns(l);
    uint64_t left = now < tx->deadline_ns ? tx->deadline_ns - now : 1;
    return limit && limit < left ? limit : left;
}

/* A statement that promises a number of changes is undone by itself when it breaks the promise. */
static int run_guarded(struct lite *l, struct lite_tx *tx, struct db_write *w, struct err *err)
{
    struct conn *c = l->writer.conn;
    struct err ignored = {0};
    if (w->expect < 0 && !w->st.writes)
        return writer__run(l, w, time_left(l, tx), err);
    TRY(conn__fixed(c, FIX_SAVE, err));
    int code = writer__run(l, w, time_left(l, tx), err);
    if (code < 0 && conn__in_tx(c))
        conn__fixed(c, FIX_UNDO, &ignored);
    if (!conn__in_tx(c))
        return code < 0 ? code : fail(err, E_DB, "a write must not end its transaction");
    return conn__fixed(c, FIX_KEEP, &ignored) < 0 && code == 0 ? fail(err, E_DB, "lost savepoint")
                                                               : code;
}

/* Whatever a reading transaction does is undone at once; what did change something is refused. */
static int run_reading(struct lite *l, struct lite_tx *tx, struct db_write *w, struct err *err)
{
    struct conn *c = l->writer.conn;
    int64_t before = conn__total_changes(c);
    TRY(conn__fixed(c, FIX_SAVE, err));
    int code = writer__run(l, w, time_left(l, tx), err);
    bool wrote = conn__total_changes(c) != before;
    struct err ignored = {0};
    if (conn__in_tx(c) &&
        (conn__fixed(c, FIX_UNDO, &ignored) < 0 || conn__fixed(c, FIX_KEEP, &ignored) < 0))
        return fail(err, E_DB, "lost savepoint");
    return wrote && code == 0 ? db__fail_read_only(err) : code;
}

static int obey(struct lite *l, struct lite_tx *tx, const struct command *cmd)
{
    struct conn *c = l->writer.conn;
    switch (cmd->kind) {
    case CMD_RUN:
        return tx->base.options.read_only ? run_reading(l, tx, cmd->write, cmd->err)
                                          : run_guarded(l, tx, cmd->write, cmd->err);
    case CMD_SAVE:
        return conn__fixed(c, FIX_SAVE, cmd->err);
    case CMD_KEEP:
        return conn__fixed(c, FIX_KEEP, cmd->err);
    case CMD_UNDO:
        TRY(conn__fixed(c, FIX_UNDO, cmd->err));
        return conn__fixed(c, FIX_KEEP, cmd->err);
    case CMD_COMMIT:
        return writer__commit(l, cmd->err);
    }
    return E_INTERNAL;
}

static void end(struct lite *l, struct lite_tx *tx, const struct err *why)
{
    pthread_mutex_lock(&l->writer.lock);
    tx->ended = true;
    if (why)
        tx->why = *why;
    pthread_mutex_unlock(&l->writer.lock);
}

static void serve_commands(struct lite *l, struct lite_tx *tx)
{
    bool open = true;
    while (open) {
        struct command *cmd = next_command(l, tx);
        if (!cmd)
            break;
        cmd->code = obey(l, tx, cmd);
        if (l->writer.conn->broken)
            writer__rollback(l);
        writer__ail(l);
        open = conn__in_tx(l->writer.conn);
        if (!open)
            end(l, tx, cmd->code < 0 ? cmd->err : NULL);
        writer__wake(&cmd->waiter);
    }
    if (open) {
        writer__rollback(l);
        end(l, tx, NULL);
    }
}

void tx__refuse(struct write_job *j, const struct err *err)
{
    struct lite_tx *tx = j->tx;
    j->code = err->code;
    *j->err = *err;
    tx->ended = true; /* the fiber looks after the wake */
    tx->why = *err;
    writer__wake(&j->waiter);
    unref(tx);
}

void tx__serve(struct lite *l, struct write_job *j)
{
    struct lite_tx *tx = j->tx;
    struct err err = {0};
    int code = writer__late(l, j)
                   ? fail(&err, E_TIMEOUT, "the transaction waited longer than its time limit")
                   : conn__fixed(l->writer.conn, FIX_BEGIN_NOW, &err);
    if (code < 0) {
        writer__ail(l);
        tx__refuse(j, &err);
        return;
    }
    tx->deadline_ns = clock_ns() + (uint64_t)l->cfg.tx_timeout_ms * 1000000u;
    writer__wake(&j->waiter);
    serve_commands(l, tx);
    atomic_fetch_add_explicit(&l->writer.writes, 1, memory_order_relaxed);
    unref(tx);
}

/* ---- on the fiber's ---- */

static void give_up(struct lite_tx *tx)
{
    struct writer *w = &lite_of(tx->base.db)->writer;
    pthread_mutex_lock(&w->lock);
    if (!tx->ended) {
        tx->over = true;
        pthread_cond_signal(&tx->more);
    }
    pthread_mutex_unlock(&w->lock);
}

static void at_scope_end(void *arg)
{
    give_up(arg);
    unref(arg);
}

int lite__tx_begin(struct db *db, const struct db_tx_options *options, struct db_tx **out,
                   struct err *err)
{
    struct lite *l = lite_of(db);
    pthread_condattr_t attr;
    struct lite_tx *tx = mem_zero(1, sizeof *tx);
    tx->base = (struct db_tx){.db = db, .options = *options};
    tx->base.options.isolation = DB_SERIALIZABLE; /* one writer, one transaction at a time */
    tx->job = (struct write_job){.kind = JOB_TX, .tx = tx};
    atomic_init(&tx->refs, 2);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&tx->more, &attr);
    pthread_condattr_destroy(&attr);
    fiber_defer(at_scope_end, tx);
    int code = writer__push(l, &tx->job, err);
    if (code < 0) {
        tx->ended = true;
        unref(tx);
        return code;
    }
    TRY(writer__await(&tx->job));
    *out = &tx->base;
    return 0;
}

WAITS static int command(struct lite_tx *tx, struct command *cmd)
{
    struct writer *w = &lite_of(tx->base.db)->writer;
    if (fiber_cancelled())
        return fail(cmd->err, E_CANCELLED, "the client has gone");
    cmd->waiter.loop = loop_self();
    cmd->waiter.fiber = fiber_self();
    pthread_mutex_lock(&w->lock);
    bool ended = tx->ended || tx->why.code;
    if (!ended) {
        tx->cmd = cmd;
        pthread_cond_signal(&tx->more);
    }
    struct err why = tx->why;
    pthread_mutex_unlock(&w->lock);
    if (ended && why.code)
        return fail(cmd->err, why.code, "%s", why.text);
    if (ended)
        return fail(cmd->err, E_INTERNAL, "the transaction has ended");
    while (!cmd->waiter.done)
        fiber_park_firm("transaction");
    return cmd->code;
}

int lite__tx_run(struct db_tx *base, struct db_write *write, struct err *err)
{
    struct command cmd = {.kind = CMD_RUN, .write = write, .err = err};
    return command(tx_of(base), &cmd);
}

int lite__tx_savepoint(struct db_tx *base, struct err *err)
{
    struct lite_tx *tx = tx_of(base);
    struct command cmd = {.kind = CMD_SAVE, .err = err};
    if (tx->depth >= SAVEPOINTS_MOST)
        return fail(err, E_TOOBIG, "savepoints nest at most %d deep", SAVEPOINTS_MOST);
    TRY(command(tx, &cmd));
    tx->depth++;
    return 0;
}

int lite__tx_release(struct db_tx *base, bool keep, struct err *err)
{
    struct lite_tx *tx = tx_of(base);
    struct command cmd = {.kind = keep ? CMD_KEEP : CMD_UNDO, .err = err};
    BUG_ON(!tx->depth);
    TRY(command(tx, &cmd));
    tx->depth--;
    return 0;
}

int lite__tx_commit(struct db_tx *base, struct err *err)
{
    struct command cmd = {.kind = CMD_COMMIT, .err = err};
    int code = command(tx_of(base), &cmd);
    give_up(tx_of(base)); /* when it failed before it reached the writer */
    return code;
}

void lite__tx_rollback(struct db_tx *base)
{
    give_up(tx_of(base));
}
