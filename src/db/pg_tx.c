/* pg_tx.c -- a transaction block that a fiber drives, on a session of its own. SPDX: Apache-2.0
 * The session is held until the end, at most for the transaction's time limit: then the sweep rolls
 * back, so that no handler can keep a session, or locks, for longer.
 *
 * OPEN --commit, rollback, end of the fiber's scope--> ENDED (session given back)
 *   '----time is up [pg_tx__sweep], late is set------> ENDED
 * A statement that fails undoes itself alone, as on SQLite: each write stands on a savepoint. */
#include "db/pg_priv.h"

#include "base/clock.h"
#include "base/mem.h"

enum { SAVEPOINTS_MOST = 16 };

struct pg_tx {
    struct db_tx base;
    struct link link; /* pool->txs */
    struct pg_pool *pool;
    struct pg_session *session; /* NULL: ended */
    uint64_t deadline_ns;
    unsigned depth;
    bool late;
};

static const struct stmt begin_st[][2] = {
    [DB_READ_COMMITTED] = {PG_FIXED("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"),
                           PG_FIXED("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")},
    [DB_REPEATABLE_READ] = {PG_FIXED("BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"),
                            PG_FIXED("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")},
    [DB_SERIALIZABLE] = {PG_FIXED("BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"),
                         PG_FIXED("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY")}};
static const struct stmt commit_st = PG_FIXED("COMMIT"), rollback_st = PG_FIXED("ROLLBACK"),
                         save_st = PG_FIXED("SAVEPOINT w"), keep_st = PG_FIXED("RELEASE w"),
                         undo_st = PG_FIXED("ROLLBACK TO w"), nest_st = PG_FIXED("SAVEPOINT s"),
                         nest_keep_st = PG_FIXED("RELEASE s"),
                         nest_undo_st = PG_FIXED("ROLLBACK TO s");

static struct pg_tx *tx_of(struct db_tx *base)
{
    return OUTER(base, struct pg_tx, base);
}

/* clean: the server is out of the block. */
static void end(struct pg_tx *tx, bool clean)
{
    list_cut(&tx->link);
    if (tx->session)
        pool__give(&tx->session, clean);
}

static void at_scope_end(void *arg)
{
    end(arg, false);
    mem_free(arg);
}

static int fail_late(struct pg_tx *tx, struct err *err)
{
    return fail(err, E_TIMEOUT, "the transaction took longer than its time limit of %u ms",
                tx->pool->pg->cfg.tx_timeout_ms);
}

void pg_tx__sweep(struct pg_pool *p, uint64_t now)
{
    for (struct link *it = p->txs.next, *next; it != &p->txs; it = next) {
        struct pg_tx *tx = OUTER(it, struct pg_tx, link);
        next = it->next;
        if (tx->late || now < tx->deadline_ns)
            continue;
        tx->late = true;
        if (tx->session->in_flight) {
            session__cancel(tx->session); /* its fiber ends it */
            continue;
        }
        end(tx, false);
        next = p->txs.next; /* fibers that were woken may have changed the list */
    }
}

/* ---- statements ---- */

static int usable(struct pg_tx *tx, struct err *err)
{
    if (tx->late)
        return fail_late(tx, err);
    if (!tx->session)
        return fail(err, E_INTERNAL, "the transaction has ended");
    if (fiber_cancelled())
        return fail(err, E_CANCELLED, "the client has gone");
    return 0;
}

WAITS static int run(struct pg_tx *tx, struct pg_step *steps, size_t count, struct pg_op *op,
                     struct err *err)
{
    op__init(op, steps, count, err);
    int code = session__run(tx->session, op);
    if (tx->late) {
        end(tx, false);
        *err = (struct err){0};
        return fail_late(tx, err);
    }
    if (tx->session->state == SESSION_DEAD)
        end(tx, true);
    return code;
}

WAITS static int run_fixed(struct pg_tx *tx, const struct stmt *a, const struct stmt *b,
                           struct err *err)
{
    struct pg_step steps[] = {{.st = a}, {.st = b}};
    struct pg_op op;
    int code = run(tx, steps, b ? 2 : 1, &op, err);
    op__fini(&op);
    return code;
}

int pg__tx_begin(struct db *db, const struct db_tx_options *options, struct db_tx **out,
                 struct err *err)
{
    struct pg *pg = pg_of(db);
    struct pg_pool *p = pool__mine(pg);
    struct pg_session *s = NULL;
    TRY(pool__take(p, &s, err));
    struct pg_tx *tx = mem_zero(1, sizeof *tx);
    *tx = (struct pg_tx){.base = {.db = db, .options = *options}, .pool = p, .session = s};
    tx->deadline_ns = clock_ns() + (uint64_t)pg->cfg.tx_timeout_ms * 1000000u;
    list_push(&p->txs, &tx->link);
    fiber_defer(at_scope_end, tx);
    int code = run_fixed(tx, &begin_st[options->isolation][options->read_only], NULL, err);
    if (code < 0) {
        end(tx, false);
        return code;
    }
    *out = &tx->base;
    return 0;
}

/* Takes back what the statement did, and only that. */
WAITS static void undo(struct pg_tx *tx)
{
    struct err ignored = {0};
    if (tx->session && run_fixed(tx, &undo_st, &keep_st, &ignored) < 0)
        end(tx, false);
}

static int promised(const struct db_write *w, struct err *err)
{
    if (w->expect < 0 || w->changes == w->expect)
        return 0;
    return fail(err, E_NOTFOUND, "the statement changed another number of rows than expected");
}

static int still_open(struct pg_tx *tx, struct err *err)
{
    if (tx->session && pq.transactionStatus(tx->session->raw) == PQTRANS_IDLE) {
        end(tx, true);
        return fail(err, E_DB, "a write must not end its transaction");
    }
    return 0;
}

WAITS static int run_write(struct pg_tx *tx, struct db_write *w, struct err *err)
{
    struct pg_step steps[] = {{.st = &save_st}, {.st = &w->st}, {.st = &keep_st}};
    bool promises = w->expect >= 0;
    struct pg_op op;
    int code = run(tx, steps, promises ? 2 : 3, &op, err);
    if (code == 0)
        code = pg__taken(tx->pool, &steps[1], w, err);
    if (code == 0)
        code = promised(w, err);
    op__fini(&op);
    if (code == 0 && promises)
        return run_fixed(tx, &keep_st, NULL, err);
    if (code < 0 && tx->session && pq.transactionStatus(tx->session->raw) != PQTRANS_IDLE)
        undo(tx);
    int open = still_open(tx, err);
    return code < 0 ? code : open;
}

WAITS static int run_read(struct pg_tx *tx, struct db_write *w, struct err *err)
{
    struct pg_step step = {.st = &w->st};
    struct pg_op op;
    int code = run(tx, &step, 1, &op, err);
    if (code == 0)
        code = pg__taken(tx->pool, &step, w, err);
    op__fini(&op);
    return code;
}

int pg__tx_run(struct db_tx *base, struct db_write *w, struct err *err)
{
    struct pg_tx *tx = tx_of(base);
    TRY(usable(tx, err));
    TRY(pg__refuse_block(&w->st, err));
    return w->st.writes || w->expect >= 0 ? run_write(tx, w, err) : run_read(tx, w, err);
}

/* ---- savepoints ---- */

int pg__tx_savepoint(struct db_tx *base, struct err *err)
{
    struct pg_tx *tx = tx_of(base);
    TRY(usable(tx, err));
    if (tx->depth >= SAVEPOINTS_MOST)
        return fail(err, E_TOOBIG, "savepoints nest at most %d deep", SAVEPOINTS_MOST);
    TRY(run_fixed(tx, &nest_st, NULL, err));
    tx->depth++;
    return 0;
}

int pg__tx_release(struct db_tx *base, bool keep, struct err *err)
{
    struct pg_tx *tx = tx_of(base);
    BUG_ON(!tx->depth);
    TRY(usable(tx, err));
    TRY(keep ? run_fixed(tx, &nest_keep_st, NULL, err)
             : run_fixed(tx, &nest_undo_st, &nest_keep_st, err));
    tx->depth--;
    return 0;
}

/* ---- the end ---- */

/* A block in which a statement failed answers COMMIT with ROLLBACK. */
int pg__tx_commit(struct db_tx *base, struct err *err)
{
    struct pg_tx *tx = tx_of(base);
    struct pg_step step = {.st = &commit_st};
    struct pg_op op;
    TRY(usable(tx, err));
    op__init(&op, &step, 1, err);
    op.writes = true;
    int code = session__run(tx->session, &op);
    if (code == 0 && strcmp(pq.cmdStatus(step.result), "COMMIT") != 0)
        code = fail(err, E_DB, "the transaction was rolled back, because a statement had failed");
    op__fini(&op);
    if (code == 0)
        pg__count(&tx->pool->pg->commits, 1);
    end(tx, tx->session->state == SESSION_DEAD ||
                pq.transactionStatus(tx->session->raw) == PQTRANS_IDLE);
    return code;
}

/* Waits for it: whoever hears of the failure finds nothing locked any more. */
void pg__tx_rollback(struct db_tx *base)
{
    struct pg_tx *tx = tx_of(base);
    struct err ignored = {0};
    if (tx->session)
        run_fixed(tx, &rollback_st, NULL, &ignored);
    end(tx, tx->session && pq.transactionStatus(tx->session->raw) == PQTRANS_IDLE);
}
