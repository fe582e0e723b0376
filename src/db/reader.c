/* reader.c -- inline reads: one connection a worker thread. SPDX: Apache-2.0
 * Why: a read by key takes a few microseconds; a helper thread would cost several times that.
 * Each read transaction of SQLite costs three calls to the kernel, more than such a read itself,
 * so one is kept open over many reads.
 * Invariants: (1) A snapshot is never older than the last commit answered in this process: the
 * writer moves lite->commits before it answers, and a snapshot that began at another count is
 * ended. A commit of another process shows after SNAPSHOT_NS at the latest. (2) An idle snapshot
 * does not hold up the writer's log: it goes at the next tick, or when the writer asks. (3) No
 * statement is open on the reader's connection between two calls: a paused one takes the
 * connection with it, and the reader goes on with another. (4) A statement that outgrows its
 * budget goes on elsewhere: between two rows if they flow, else started anew on a helper thread;
 * and starts there for a while. */
#include "db/lite_priv.h"

#include "base/clock.h"
#include "base/mem.h"

enum {
    INLINE_BUDGET_NS = 2000000,
    SNAPSHOT_NS = 2000000,
    TICK_MS = 250,
    SPARE_MOST = 2,
    AWAY_PLAN = 1000, /* runs elsewhere until the plan is asked for anew */
    AWAY_FIRST = 8,   /* the same for a statement that was slow; doubles each time */
    AWAY_MOST = 1024,
};

struct reader {
    struct link link; /* in lite->readers */
    struct lite *lite;
    struct loop *loop; /* NULL: each read is a transaction of its own */
    struct conn *conn; /* NULL: a cursor took it */
    struct conn *spare[SPARE_MOST];
    unsigned spare_count;
    bool open;      /* a read transaction */
    uint64_t seen;  /* lite->commits before it began */
    uint64_t since; /* when it began, on the clock of loop_now */
};

static _Thread_local struct reader *mine;

/* ---- the snapshot ---- */

static void snapshot_end(struct reader *r)
{
    struct err ignored = {0};
    if (r->open && conn__fixed(r->conn, FIX_COMMIT, &ignored) < 0)
        conn__fixed(r->conn, FIX_ROLLBACK, &ignored);
    r->open = false;
}

static int snapshot_fresh(struct reader *r, struct err *err)
{
    uint64_t commits = atomic_load_explicit(&r->lite->commits, memory_order_acquire);
    if (!r->loop)
        return 0;
    uint64_t now = loop_now();
    if (LIKELY(r->open && r->seen == commits && now - r->since < SNAPSHOT_NS))
        return 0;
    snapshot_end(r);
    TRY(conn__fixed(r->conn, FIX_BEGIN, err));
    r->seen = commits;
    r->since = now;
    r->open = true;
    return 0;
}

/* Both run between fibers, when no statement is open on the reader's connection; mine is NULL or
 * another engine's when they come late. */
static void on_let_go(void *lite)
{
    if (mine && mine->lite == lite)
        snapshot_end(mine);
}

static void on_tick(void *lite)
{
    if (!mine || mine->lite != lite)
        return;
    cursor__sweep();
    if (loop_now() - mine->since > SNAPSHOT_NS)
        snapshot_end(mine);
}

void reader__let_go(struct lite *l)
{
    pthread_mutex_lock(&l->lock); /* while it is held no reader, hence no loop, ends */
    LIST_EACH(&l->readers, it)
    {
        struct reader *r = OUTER(it, struct reader, link);
        if (r->loop)
            loop_post(r->loop, on_let_go, l);
    }
    pthread_mutex_unlock(&l->lock);
}

/* ---- connections ---- */

static int conn_ready(struct reader *r, struct err *err)
{
    if (LIKELY(r->conn && !r->conn->broken))
        return 0;
    if (r->conn) {
        snapshot_end(r);
        lite__conn_close(r->lite, &r->conn);
    }
    if (r->spare_count) {
        r->conn = r->spare[--r->spare_count];
        return 0;
    }
    return lite__conn_open(r->lite, CONN_READ, &r->conn, err);
}

void reader__give(struct lite *l, struct conn **c)
{
    struct reader *r = mine;
    struct err ignored = {0};
    if (conn__in_tx(*c))
        conn__fixed(*c, FIX_COMMIT, &ignored);
    if (!r || r->lite != l || r->spare_count == SPARE_MOST || (*c)->broken) {
        lite__conn_close(l, c);
        return;
    }
    r->spare[r->spare_count++] = *c;
    *c = NULL;
}

int lite__worker_begin(struct db *db, struct err *err)
{
    struct lite *l = lite_of(db);
    BUG_ON(mine);
    struct reader *r = mem_zero(1, sizeof *r);
    r->lite = l;
    int code = lite__conn_open(l, CONN_READ, &r->conn, err);
    if (code < 0) {
        mem_free(r);
        return code;
    }
    r->loop = loop_self();
    if (r->loop)
        loop_every(r->loop, TICK_MS, on_tick, l);
    pthread_mutex_lock(&l->lock);
    list_push(&l->readers, &r->link);
    pthread_mutex_unlock(&l->lock);
    mine = r;
    return 0;
}

void lite__worker_end(struct db *db)
{
    struct reader *r = mine;
    BUG_ON(!r || r->lite != lite_of(db));
    mine = NULL;
    pthread_mutex_lock(&r->lite->lock);
    list_cut(&r->link);
    pthread_mutex_unlock(&r->lite->lock);
    if (r->conn) {
        snapshot_end(r);
        lite__conn_close(r->lite, &r->conn);
    }
    while (r->spare_count)
        lite__conn_close(r->lite, &r->spare[--r->spare_count]);
    mem_free(r);
}

/* ---- where a statement runs ---- */

static int classify(struct conn *c, const struct stmt *st, struct prepared *p, struct err *err)
{
    if (LIKELY(p->classified && (!p->heavy || p->away-- > 1)))
        return 0;
    TRY(conn__explain(c, st, &p->heavy, err));
    p->classified = true;
    p->away = AWAY_PLAN;
    return 0;
}

/* A thread that lost its core for a moment looks slow as well: the first sentence is short. */
static void judge(struct prepared *p, bool slow)
{
    if (LIKELY(!slow)) {
        p->sentence -= p->sentence != 0;
        return;
    }
    p->sentence = p->sentence ? 2 * p->sentence : AWAY_FIRST;
    p->sentence = p->sentence < AWAY_MOST ? p->sentence : AWAY_MOST;
    p->away = p->sentence;
    p->heavy = true;
}

/* ---- reading ---- */

static void drop(struct lite *l, struct conn *c, struct prepared *p)
{
    conn__reset(p);
    stmts__put(&p);
    reader__give(l, &c);
}

/* An open statement leaves with the connection it stands on. */
static struct conn *part(struct reader *r)
{
    struct conn *c = r->conn;
    r->conn = NULL;
    r->open = false;
    return c;
}

static int pause_inline(struct reader *r, struct prepared *p, struct db_cursor **out,
                        struct err *err)
{
    struct lite_cursor *k = NULL;
    BUG_ON(!out); /* fn may pause only when the caller has a cursor for it */
    struct conn *c = part(r);
    int code = cursor__open(r->lite, c, p, &k, err);
    if (code < 0) {
        drop(r->lite, c, p);
        return code;
    }
    k->inlined = true;
    *out = &k->base;
    return DB_PAUSE;
}

/* The statement stands between two rows: a helper goes on from there. */
WAITS static int shift(struct reader *r, struct prepared *p, const struct row_sink *sink,
                       struct db_cursor **out, struct err *err)
{
    struct lite *l = r->lite;
    struct lite_cursor *k = NULL;
    struct scan s = {.lite = l,
                     .sink = sink,
                     .p = p,
                     .lent = true,
                     .pausable = out != NULL,
                     .start_ns = r->conn->limits.start_ns,
                     .err = err};
    s.conn = part(r);
    int code = helpers__run(&s);
    if (code == DB_PAUSE)
        code = cursor__open(l, s.conn, p, &k, err);
    if (!k) {
        drop(l, s.conn, p);
        return code;
    }
    k->inlined = k->moved = true;
    *out = &k->base;
    return DB_PAUSE;
}

static int run_inline(struct reader *r, struct prepared *p, const struct stmt *st,
                      const struct row_sink *sink, struct err *err)
{
    struct conn *c = r->conn;
    if (sink->names)
        TRY(conn__names(p, sink, err));
    TRY(conn__bind(c, p, st, err));
    TRY(snapshot_fresh(r, err));
    c->limits = (struct limits){
        .timeout_ns = lite_timeout_ns(r->lite), .budget_ns = INLINE_BUDGET_NS, .movable = true};
    conn__count(c, TALLY_INLINE);
    int code = conn__run(c, p, sink, err);
    if (code != RUN_MOVE) /* begun again by a helper, it counts there: one statement, once */
        conn__count(c, TALLY_STATEMENTS);
    judge(p, c->limits.slow);
    return code;
}

/* Decides where st runs, and runs it when that is here. */
WAITS static int try_inline(struct reader *r, const struct stmt *st, const struct row_sink *sink,
                            struct db_cursor **cursor, struct err *err)
{
    struct prepared *p;
    TRY(conn_ready(r, err));
    TRY(stmts__get(r->conn, st, &p, err));
    int code = classify(r->conn, st, p, err);
    if (code == 0)
        code = p->heavy ? RUN_MOVE : run_inline(r, p, st, sink, err);
    if (code == DB_PAUSE)
        return pause_inline(r, p, cursor, err);
    if (code == RUN_SHIFT)
        return shift(r, p, sink, cursor, err);
    stmts__put(&p);
    return code;
}

WAITS static int run_on_helper(struct lite *l, const struct stmt *st, const struct row_sink *sink,
                               struct db_cursor **out, struct err *err)
{
    struct scan s = {.lite = l, .st = st, .sink = sink, .pausable = out != NULL, .err = err};
    struct lite_cursor *k = NULL;
    int code = helpers__run(&s);
    if (code != DB_PAUSE)
        return code;
    code = cursor__open(l, s.conn, s.p, &k, err);
    if (code < 0) {
        conn__reset(s.p);
        stmts__put(&s.p);
        helpers__give(l, &s.conn);
        return code;
    }
    k->moved = true;
    *out = &k->base;
    return DB_PAUSE;
}

int lite__query(struct db *db, const struct stmt *st, const struct row_sink *sink,
                struct db_cursor **cursor, struct err *err)
{
    struct lite *l = lite_of(db);
    struct reader *r = mine;
    BUG_ON(!r || r->lite != l); /* db_worker_begin was not called on this thread */
    /* While the log is too long, what may pin it for long waits at the helpers' door. */
    bool wait = cursor && helpers__held(l);
    int code = wait ? RUN_MOVE : try_inline(r, st, sink, cursor, err);
    if (code != RUN_MOVE)
        return code;
    if (sink->again)
        sink->again(sink->ctx);
    return run_on_helper(l, st, sink, cursor, err);
}
