/* pg_sweep.c -- what has to be seen to now and then in a worker's pool: statements that run for too
 * long, sessions that are idle or old, and who holds one for too long. SPDX: Apache-2.0
 * Why apart from the pool: nothing here is on the way of a request, and all of it is about time. */
#include "db/pg_priv.h"

#include "base/clock.h"
#include "observe/log.h"

#define MS UINT64_C(1000000)

enum {
    PING_MS = 2000,
    GRACE_MS = 1000, /* between the server's own time limit and ours */
    CANCEL_MS = 3000 /* for a cancel to take effect, then the session is given up */
};

/* A handler that holds a session and does not give it back: who it is, once. */
static void tell_leak(struct pg_session *s, uint64_t now)
{
    unsigned limit = s->pool->pg->cfg.pool_leak_ms;
    if (!limit || !s->owner || s->stream || s->told || now - s->taken_ns < limit * MS)
        return;
    struct fiber_work work = fiber_work(s->owner);
    struct log l;
    s->told = true;
    pg__count(&s->pool->pg->leaks, 1);
    log_begin(&l, LOG_WARN, "a database connection is held for long");
    log_str(&l, "method", work.method);
    log_str(&l, "route", work.route);
    log_str(&l, "request_id", work.id);
    log_int(&l, "held_ms", (int64_t)((now - s->taken_ns) / MS));
    log_int(&l, "waiting", s->pool->waiting_count);
    log_end(&l);
}

/* What runs too long is stopped; what cannot be stopped loses its session. */
static bool overdue(struct pg_session *s, uint64_t now)
{
    const struct db_config *c = &s->pool->pg->cfg;
    uint64_t age = s->in_flight ? now - s->head_ns : 0;
    uint64_t limit = (c->statement_timeout_ms + (c->prepared ? GRACE_MS : 0)) * MS;
    if (s->checking) {
        bool sick = age > PING_MS * MS;
        pg__count(&s->pool->pg->sick, sick);
        return sick;
    }
    if (age > limit + CANCEL_MS * MS)
        return true;
    if (age > limit && !s->cancelling) {
        s->cancelling = true;
        session__cancel(s);
    }
    return false;
}

static bool superfluous(struct pg_session *s, uint64_t now)
{
    const struct pg_pool *p = s->pool;
    const struct db_config *c = &p->pg->cfg;
    if (s->in_flight || s->taken)
        return false;
    bool old = c->pool_lifetime_ms && now - s->born_ns > c->pool_lifetime_ms * MS;
    bool unused =
        p->count > p->pg->least && c->pool_idle_ms && now - s->used_ns > c->pool_idle_ms * MS;
    pg__count(old ? &p->pg->old : &p->pg->unused, old || unused);
    return old || unused;
}

/* After a new password the pause behind the last refusal means nothing. */
static void new_password(struct pg_pool *p)
{
    unsigned now = atomic_load_explicit(&p->pg->passwords, memory_order_relaxed);
    if (p->passwords == now)
        return;
    p->passwords = now;
    p->retry_ns = 0;
}

static void sweep(struct pg_pool *p, uint64_t now)
{
    if (p->closing)
        return;
    new_password(p);
    pg_tx__sweep(p, now);
    pg_cursor__sweep(p, now);
    for (struct link *it = p->sessions.next, *next; it != &p->sessions; it = next) {
        struct pg_session *s = OUTER(it, struct pg_session, link);
        next = it->next;
        tell_leak(s, now);
        if (s->state != SESSION_READY || (!overdue(s, now) && !superfluous(s, now)))
            continue;
        session__die(s);
        next = p->sessions.next; /* fibers that were woken may have changed the list */
    }
    if (p->count < p->pg->least || p->down || !list_empty(&p->waiting))
        pool__connect(p);
}

void pool__sweep(void *arg)
{
    uint64_t now = clock_ns();
    (void)arg;
    for (struct pg_pool *p = pool__here(); p; p = p->beside)
        sweep(p, now);
}
