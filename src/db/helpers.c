/* helpers.c -- threads for statements that scan, so that they never stall a loop.
 * SPDX: Apache-2.0
 * Not uv's pool: its queue has no bound and is shared with DNS and files. Connections belong to
 * the pool, not to a thread, because a paused statement keeps one while its thread goes on; they
 * change hands under the lock.
 * Invariant: a scan is either in the queue, or with exactly one thread, or done; its fiber leaves
 * only when it has cut it from the queue or seen it done.
 * The hold: each scan pins a snapshot and with it the writer's log. Where scans overlap without
 * end the log could never begin anew, so when it is too long the writer keeps new ones waiting
 * until those that run are over; they are within their time limit. */
#include "db/lite_priv.h"

#include "base/clock.h"
#include "base/mem.h"

static struct conn *pop_idle(struct helpers *h)
{
    if (list_empty(&h->idle))
        return NULL;
    struct conn *c = OUTER(h->idle.prev, struct conn, idle); /* newest: its cache is warm */
    list_cut(&c->idle);
    h->idle_count--;
    return c;
}

static int conn_take(struct lite *l, struct conn **out, struct err *err)
{
    pthread_mutex_lock(&l->helpers.lock);
    *out = pop_idle(&l->helpers);
    pthread_mutex_unlock(&l->helpers.lock);
    return *out ? 0 : lite__conn_open(l, CONN_READ, out, err);
}

void helpers__give(struct lite *l, struct conn **c)
{
    struct helpers *h = &l->helpers;
    pthread_mutex_lock(&h->lock);
    bool keep = h->idle_count < h->thread_count && !(*c)->broken;
    if (keep) {
        list_push(&h->idle, &(*c)->idle);
        h->idle_count++;
    }
    pthread_mutex_unlock(&h->lock);
    if (!keep)
        lite__conn_close(l, c);
    *c = NULL;
}

/* ---- on the helper's thread ---- */

static int start(struct scan *s)
{
    if (!s->st)
        return 0;
    TRY(conn_take(s->lite, &s->conn, s->err));
    TRY(stmts__get(s->conn, s->st, &s->p, s->err));
    if (s->sink->names)
        TRY(conn__names(s->p, s->sink, s->err));
    return conn__bind(s->conn, s->p, s->st, s->err);
}

static int run(struct scan *s)
{
    TRY(start(s));
    conn__count(s->conn, TALLY_HELPER);
    if (!s->lent) /* a lent one was counted where it began */
        conn__count(s->conn, TALLY_STATEMENTS);
    s->conn->limits = (struct limits){
        .start_ns = s->start_ns, .timeout_ns = lite_timeout_ns(s->lite), .stop = &s->stop};
    int code = conn__run(s->conn, s->p, s->sink, s->err);
    BUG_ON(code == DB_PAUSE && !s->pausable);
    s->conn->limits.stop = NULL;
    return code;
}

static void wake(void *arg)
{
    struct scan *s = arg;
    s->done = true;
    fiber_wake(s->fiber);
}

static void serve(struct scan *s)
{
    s->code = run(s);
    if (s->code != DB_PAUSE && s->conn && !s->lent) {
        stmts__put(&s->p);
        helpers__give(s->lite, &s->conn);
    }
    loop_post(s->loop, wake, s);
}

/* NULL: none that may run now. */
static struct scan *next_scan(struct helpers *h)
{
    bool hold = atomic_load_explicit(&h->hold, memory_order_relaxed);
    LIST_EACH(&h->queue, it)
    {
        struct scan *s = OUTER(it, struct scan, link);
        if (hold && s->st)
            continue;
        list_cut(&s->link);
        h->queued--;
        return s;
    }
    return NULL;
}

/* NULL: all is over. */
static struct scan *take(struct helpers *h)
{
    pthread_mutex_lock(&h->lock);
    struct scan *s = next_scan(h);
    while (!s && !h->closing) {
        h->sleeping++;
        pthread_cond_wait(&h->more, &h->lock);
        h->sleeping--;
        s = next_scan(h);
    }
    pthread_mutex_unlock(&h->lock);
    return s;
}

static void *helper_main(void *arg)
{
    struct lite *l = arg;
    for (struct scan *s; (s = take(&l->helpers));)
        serve(s);
    arena_thread_end();
    return NULL;
}

void helpers__hold(struct lite *l, bool hold)
{
    struct helpers *h = &l->helpers;
    if (hold == helpers__held(l))
        return; /* only the writer's thread sets it */
    pthread_mutex_lock(&h->lock);
    atomic_store_explicit(&h->hold, hold, memory_order_relaxed);
    if (!hold)
        pthread_cond_broadcast(&h->more);
    pthread_mutex_unlock(&h->lock);
}

/* ---- on the fiber's ---- */

static bool enqueue(struct helpers *h, struct scan *s, unsigned most)
{
    pthread_mutex_lock(&h->lock);
    bool room = h->queued < most && !h->closing;
    if (room) {
        list_push(&h->queue, &s->link);
        h->queued++;
        if (h->sleeping)
            pthread_cond_signal(&h->more);
    }
    pthread_mutex_unlock(&h->lock);
    return room;
}

/* The client is gone or the time is up: out of the queue, or else told to stop. True when nobody
 * has s any more. */
static bool withdraw(struct helpers *h, struct scan *s)
{
    pthread_mutex_lock(&h->lock);
    bool waiting = !list_empty(&s->link);
    if (waiting) {
        list_cut(&s->link);
        h->queued--;
    }
    pthread_mutex_unlock(&h->lock);
    return waiting;
}

static int fail_waiting(struct scan *s, int code)
{
    struct lite *l = s->lite;
    if (code == E_CANCELLED)
        return fail(s->err, code, "the client has gone");
    pthread_mutex_lock(&l->lock);
    l->past[TALLY_TIMEOUTS]++;
    pthread_mutex_unlock(&l->lock);
    return fail(s->err, code, "the statement waited longer than its time limit of %u ms",
                l->cfg.statement_timeout_ms);
}

int helpers__run(struct scan *s)
{
    struct helpers *h = &s->lite->helpers;
    uint64_t limit = lite_timeout_ns(s->lite);
    bool stopped = false;
    if (fiber_cancelled())
        return fail(s->err, E_CANCELLED, "the client has gone");
    s->loop = loop_self();
    s->fiber = fiber_self();
    if (!s->start_ns)
        s->start_ns = clock_ns();
    list_init(&s->link);
    if (!enqueue(h, s, s->lite->cfg.scan_queue))
        return fail(s->err, E_BUSY, "too many long queries are waiting; try again");
    while (!s->done) {
        uint64_t until = limit ? s->start_ns + limit : 0;
        int code = stopped ? fiber_park_firm("scan") : fiber_park("scan", until);
        if (code == 0)
            continue;
        stopped = true;
        if (withdraw(h, s)) {
            s->done = true;
            s->code = fail_waiting(s, code);
        } else if (code == E_CANCELLED) {
            atomic_store_explicit(&s->stop, true, memory_order_relaxed);
        } /* else it runs, and the engine looks at the clock itself */
    }
    return s->code;
}

/* ---- life ---- */

int helpers__open(struct lite *l, struct err *err)
{
    struct helpers *h = &l->helpers;
    unsigned count = l->cfg.scan_threads ? l->cfg.scan_threads : 1;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->more, NULL);
    list_init(&h->queue);
    list_init(&h->idle);
    h->threads = mem_zero(count, sizeof *h->threads);
    for (; h->thread_count < count; h->thread_count++) {
        if (pthread_create(&h->threads[h->thread_count], NULL, helper_main, l) != 0)
            return fail(err, E_IO, "cannot start a helper thread");
    }
    return 0;
}

void helpers__close(struct lite *l)
{
    struct helpers *h = &l->helpers;
    pthread_mutex_lock(&h->lock);
    h->closing = true;
    pthread_cond_broadcast(&h->more);
    pthread_mutex_unlock(&h->lock);
    for (unsigned i = 0; i < h->thread_count; i++)
        pthread_join(h->threads[i], NULL);
    for (struct conn *c; (c = pop_idle(h));)
        lite__conn_close(l, &c);
    mem_free(h->threads);
    pthread_cond_destroy(&h->more);
    pthread_mutex_destroy(&h->lock);
}
