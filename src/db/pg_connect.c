/* pg_connect.c -- one more session, in a fiber of its own. SPDX: Apache-2.0
 * libpq's connecting does not wait for the socket, but it looks up names, reads files and computes
 * keys: so each of its steps runs on a helper thread, and the fiber waits for the socket between.
 */
#include "db/pg_priv.h"

#include "base/clock.h"
#include "base/mem.h"
#include "observe/log.h"

#define MS UINT64_C(1000000)

enum { CONNECT_MS = 5000, PAUSE_FIRST_MS = 100, PAUSE_DOUBLINGS = 5 };

struct attempt {
    struct pg_session *session;
    PGconn *raw;
    PostgresPollingStatusType status;
    uint64_t until;
};

static void start(void *arg)
{
    struct attempt *a = arg;
    struct pg *pg = a->session->pool->pg;
    struct pg_target t;
    pthread_mutex_lock(&pg->lock);
    target__copy(&t, &pg->target);
    pthread_mutex_unlock(&pg->lock);
    a->raw =
        pq.connectStartParams((const char *const *)t.keywords, (const char *const *)t.values, 1);
    target__fini(&t);
    a->status = !a->raw || pq.status(a->raw) == CONNECTION_BAD ? PGRES_POLLING_FAILED
                                                               : PGRES_POLLING_WRITING;
}

static void step(void *arg)
{
    struct attempt *a = arg;
    a->status = pq.connectPoll(a->raw);
}

static void on_socket(void *ctx, bool readable, bool writable)
{
    struct attempt *a = ctx;
    struct fiber *f = a->session->connector;
    (void)readable;
    (void)writable;
    a->session->connector = NULL; /* one wake a wait */
    if (f)
        fiber_wake(f);
}

/* The socket may be another one after each step: it is watched for this wait only. */
WAITS static int wait_socket(struct attempt *a)
{
    struct net_watch *w = net_watch_open(a->session->pool->loop, pq.socket(a->raw), on_socket, a);
    if (!w)
        return E_IO;
    bool reads = a->status == PGRES_POLLING_READING;
    net_watch_want(w, reads, !reads);
    a->session->connector = fiber_self();
    int code = 0;
    while (a->session->connector && code == 0 && !a->session->pool->closing)
        code = fiber_park("database connect", a->until);
    a->session->connector = NULL;
    net_watch_close(&w);
    return code;
}

WAITS static bool connected(struct attempt *a)
{
    if (fiber_blocking(start, a) < 0)
        return false;
    while (a->status == PGRES_POLLING_READING || a->status == PGRES_POLLING_WRITING) {
        if (a->session->pool->closing || wait_socket(a) < 0)
            return false;
        if (a->session->pool->closing || fiber_blocking(step, a) < 0)
            return false;
    }
    return a->status == PGRES_POLLING_OK && !a->session->pool->closing;
}

/* ---- what came of it ---- */

static void set_down(struct pg_pool *p, bool down)
{
    if (p->down == down)
        return;
    p->down = down;
    if (down)
        atomic_fetch_add(&p->pg->down, 1);
    else
        atomic_fetch_sub(&p->pg->down, 1);
    log_event(down ? LOG_ERROR : LOG_INFO,
              down ? "the database cannot be reached" : "the database is back");
}

static void say_why(const struct attempt *a)
{
    str text = target__why(a->raw);
    log_event_str(LOG_WARN, "cannot connect to the database", "error",
                  text.len ? text : LIT("it took too long"));
}

static void failed(struct pg_pool *p, const struct attempt *a)
{
    unsigned doublings = p->fails < PAUSE_DOUBLINGS ? p->fails : PAUSE_DOUBLINGS;
    uint64_t pause = (uint64_t)PAUSE_FIRST_MS << doublings, now = clock_ns();
    if (p->fails++ == 0 || doublings == PAUSE_DOUBLINGS)
        say_why(a);
    p->retry_ns = now + pause * MS + now % (pause * MS / 4);
    if (!p->ready)
        set_down(p, true);
    pool__refuse_all(p);
}

static void succeeded(struct pg_pool *p)
{
    p->ready++;
    pg__gauge(&p->pg->open, 1);
    pg__count(&p->pg->connects, 1);
    p->fails = 0;
    p->retry_ns = 0;
    set_down(p, false);
    pool__feed(p);
}

static void connect_fiber(void *arg)
{
    struct pg_session *s = arg;
    struct pg_pool *p = s->pool;
    struct attempt a = {.session = s, .until = clock_ns() + CONNECT_MS * MS};
    bool good = connected(&a);
    s->raw = a.raw;
    good = good && session__ready(s);
    p->connecting--;
    if (!good) {
        list_cut(&s->link);
        net_watch_close(&s->watch);
        if (!p->closing)
            p->count--;
        s->raw = NULL;
        session__free(s);
        if (!p->closing)
            failed(p, &a);
        pq.finish(a.raw);
    } else {
        succeeded(p);
    }
    pool__unref(p);
}

void pool__connect(struct pg_pool *p)
{
    if (p->closing || p->count >= p->pg->size || p->connecting > 1 || clock_ns() < p->retry_ns)
        return;
    struct pg_session *s = session__new(p);
    if (!fiber_soon(p->loop, connect_fiber, s)) {
        session__free(s);
        return;
    }
    list_push(&p->sessions, &s->link);
    p->count++;
    p->connecting++;
    p->refs++;
}
