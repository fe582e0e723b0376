/* pg_pool.c -- the sessions of one worker, and who waits for one. SPDX: Apache-2.0
 * A statement shares a session with others; a transaction has one for itself. Who finds none
 * waits in one queue, oldest first, so that neither kind starves the other; the queue and
 * the wait are bounded, and so is everything here by the worker's share of the configured number.
 * A server that cannot be reached is tried again with growing pauses; until then requests are
 * refused at once instead of hanging.
 * Invariant: all of it belongs to the worker's thread. */
#include "db/pg_priv.h"

#include "base/clock.h"
#include "base/mem.h"
#include "observe/log.h"

#define MS UINT64_C(1000000)

enum {
    SHARE_MOST = 32, /* requests whose operations are on their way on one session that has others */
    SWEEP_MS = 100,
    SCRATCH_MOST = 1 << 30
};

static _Thread_local struct pg_pool *first; /* the thread's, one a server */

struct pg_pool *pool__here(void)
{
    return first;
}

struct pg_pool *pool__mine(struct pg *pg)
{
    struct pg_pool *p = first;
    while (p && p->pg != pg)
        p = p->beside;
    BUG_ON(!p);
    return p;
}

/* ---- choosing ---- */

/* Nobody's, up and not suspect. */
static bool usable(struct pg_session *s)
{
    return s->state == SESSION_READY && !s->taken && !s->checking;
}

struct ping {
    struct pg_op op; /* first */
    struct err err;
};

/* The session may be gone by now. */
static void pinged(struct pg_op *op)
{
    mem_free(op);
}

/* The last word on an idle session was long ago: it is asked first. */
static bool suspect(struct pg_session *s, uint64_t now)
{
    if (s->in_flight || now - s->used_ns < s->pool->pg->cfg.pool_check_ms * MS)
        return false;
    struct ping *ping = mem_zero(1, sizeof *ping);
    op__init(&ping->op, NULL, 0, &ping->err);
    ping->op.done = pinged;
    s->checking = true; /* until the answer comes */
    pg__count(&s->pool->pg->checks, 1);
    session__send(s, &ping->op);
    return true;
}

/* The least busy session with fewer than `most` requests on their way; NULL: none. */
static struct pg_session *choose(struct pg_pool *p, unsigned most)
{
    struct pg_session *best = NULL;
    uint64_t now = clock_ns();
    for (struct link *it = p->sessions.next, *next; it != &p->sessions; it = next) {
        struct pg_session *s = OUTER(it, struct pg_session, link);
        next = it->next;
        if (!usable(s) || s->in_flight >= most || (best && s->in_flight >= best->in_flight))
            continue;
        if (suspect(s, now)) {
            next = p->sessions.next; /* it may have died of it */
            best = NULL;
            continue;
        }
        best = s;
    }
    return best;
}

static struct pg_session *choose_shared(struct pg_pool *p, unsigned weight)
{
    struct pg_session *s = choose(p, 1);
    if (s)
        return s;
    pool__connect(p);
    return weight <= SHARE_MOST ? choose(p, SHARE_MOST + 1 - weight) : NULL;
}

/* A cursor waits for the end of another one when they have all that they may have. */
static bool may_be_served(const struct pg_pool *p, const struct pg_op *op)
{
    return !op->stream || p->streams < p->streams_most;
}

static bool serve(struct pg_pool *p, struct pg_op *op)
{
    if (!may_be_served(p, op))
        return false;
    struct pg_session *s = op->whole ? choose(p, 1) : choose_shared(p, op->weight);
    if (!s)
        return false;
    if (!op->whole) {
        session__send(s, op);
        return true;
    }
    s->taken = true;
    s->stream = op->stream;
    s->owner = op->owner;
    s->taken_ns = clock_ns();
    s->told = false;
    p->streams += op->stream;
    pg__gauge(&p->pg->streams, op->stream);
    pg__gauge(&p->pg->taken, 1);
    op->session = s;
    op__finish(op);
    return true;
}

static void leave_queue(struct pg_pool *p, struct pg_op *op)
{
    list_cut(&op->link);
    p->waiting_count--;
    pg__gauge(&p->pg->waiting, -1);
}

static void enter_queue(struct pg_pool *p, struct link *before, struct pg_op *op)
{
    list_push(before, &op->link);
    p->waiting_count++;
    pg__gauge(&p->pg->waiting, 1);
}

/* The oldest one that is not waiting for something else than a session; or NULL. */
static struct pg_op *next_waiting(struct pg_pool *p)
{
    for (struct link *it = p->waiting.next; it != &p->waiting; it = it->next) {
        struct pg_op *op = OUTER(it, struct pg_op, link);
        if (may_be_served(p, op))
            return op;
    }
    return NULL;
}

/* Nobody who came before waits. */
bool pool__serve(struct pg_pool *p, struct pg_op *op)
{
    return !next_waiting(p) && serve(p, op);
}

unsigned pool__room(struct pg_pool *p, unsigned most)
{
    unsigned room = 0;
    for (struct link *it = p->sessions.next; it != &p->sessions && room < most; it = it->next) {
        struct pg_session *s = OUTER(it, struct pg_session, link);
        unsigned here = most;
        if (s->in_flight)
            here = s->in_flight < SHARE_MOST ? SHARE_MOST - s->in_flight : 0;
        if (usable(s) && here > room)
            room = here;
    }
    return room < most ? room : most;
}

/* Out of the queue while it is served: what is served may die and feed again. */
void pool__feed(struct pg_pool *p)
{
    for (struct pg_op *op; (op = next_waiting(p)) != NULL;) {
        leave_queue(p, op);
        if (serve(p, op))
            continue;
        enter_queue(p, p->waiting.next, op); /* to the front again */
        pool__connect(p);
        return;
    }
}

/* ---- waiting ---- */

static int refuse(struct pg_pool *p, struct err *err)
{
    pg__count(&p->pg->refused, 1);
    if (p->down && !p->ready)
        return fail(err, E_BUSY, "the database cannot be reached; try again");
    return fail(err, E_BUSY, "every connection to the database is taken; try again");
}

static bool hopeless(const struct pg_pool *p)
{
    return p->closing || (p->down && !p->ready);
}

static int enqueue(struct pg_pool *p, struct pg_op *op)
{
    pool__connect(p);
    if (hopeless(p) || p->waiting_count >= p->pg->cfg.pool_queue)
        return refuse(p, op->err);
    op->state = OP_WAITING;
    op->fiber = fiber_self();
    enter_queue(p, &p->waiting, op);
    pg__count(&p->pg->waits, 1);
    return 0;
}

WAITS static int wait_turn(struct pg_pool *p, struct pg_op *op)
{
    uint64_t begun = clock_ns(), until = begun + p->pg->cfg.pool_wait_ms * MS;
    bool queued = op->state == OP_WAITING;
    while (op->state == OP_WAITING) {
        int code = fiber_park("database connection", until);
        if (op->state != OP_WAITING || code == 0)
            continue;
        leave_queue(p, op);
        op->state = OP_DONE;
        op->fiber = NULL;
        op->code = code == E_CANCELLED ? fail(op->err, E_CANCELLED, "the client has gone")
                                       : refuse(p, op->err);
        pg__count(&p->pg->late, code != E_CANCELLED);
    }
    if (queued)
        pg__count(&p->pg->wait_us, (clock_ns() - begun) / 1000);
    while (op->state != OP_DONE)
        fiber_park_firm("database");
    return op->code;
}

WAITS static int run(struct pg_pool *p, struct pg_op *op)
{
    if (fiber_cancelled())
        return op->code = fail(op->err, E_CANCELLED, "the client has gone");
    if (!next_waiting(p) && serve(p, op)) {
        if (op->state == OP_DONE)
            return op->code;
        op->fiber = fiber_self();
    } else {
        op->code = enqueue(p, op);
        if (op->code < 0)
            return op->code;
    }
    return wait_turn(p, op);
}

int pool__run(struct pg_pool *p, struct pg_op *op)
{
    return run(p, op);
}

WAITS static int take(struct pg_pool *p, bool stream, struct pg_session **out, struct err *err)
{
    struct pg_op op;
    op__init(&op, NULL, 0, err);
    op.whole = true;
    op.stream = stream;
    op.owner = fiber_self();
    TRY(run(p, &op));
    *out = op.session;
    return 0;
}

int pool__take(struct pg_pool *p, struct pg_session **out, struct err *err)
{
    return take(p, false, out, err);
}

int pool__take_stream(struct pg_pool *p, struct pg_session **out, struct err *err)
{
    return take(p, true, out, err);
}

/* ---- giving back ---- */

/* The last word on a session before it is given back. */
struct ending {
    struct pg_op op; /* first */
    struct pg_session *session;
    struct pg_step step;
    struct err err;
};

static void give_clean(struct pg_session *s)
{
    struct pg_pool *p = s->pool;
    s->owner = NULL; /* it may end before the next sweep asks who holds the session */
    p->streams -= s->stream;
    pg__gauge(&p->pg->streams, -s->stream);
    s->taken = s->stream = false;
    pg__gauge(&p->pg->taken, -1);
    if (s->state == SESSION_DEAD)
        session__free(s);
    else if (pq.transactionStatus(s->raw) > PQTRANS_ACTIVE)
        session__die(s);
    else
        pool__feed(p);
}

static void ended(struct pg_op *op)
{
    struct ending *u = OUTER(op, struct ending, op);
    struct pg_session *s = u->session;
    op__fini(op);
    mem_free(u);
    give_clean(s);
}

void pool__refuse_all(struct pg_pool *p)
{
    while (p->down && !p->ready && !list_empty(&p->waiting)) {
        struct pg_op *op = OUTER(p->waiting.next, struct pg_op, link);
        leave_queue(p, op);
        op->code = refuse(p, op->err);
        op__finish(op);
    }
}

void pool__give_after(struct pg_session **session, const struct stmt *last)
{
    struct pg_session *s = *session;
    *session = NULL;
    if (s->state == SESSION_DEAD) {
        give_clean(s);
        return;
    }
    s->owner = NULL;
    struct ending *u = mem_zero(1, sizeof *u);
    u->session = s;
    u->step.st = last;
    op__init(&u->op, &u->step, 1, &u->err);
    u->op.done = ended;
    session__send(s, &u->op);
}

void pool__give(struct pg_session **session, bool clean)
{
    static const struct stmt rollback = PG_FIXED("ROLLBACK");
    if (!clean) {
        pool__give_after(session, &rollback);
        return;
    }
    struct pg_session *s = *session;
    *session = NULL;
    give_clean(s);
}

void pool__lost(struct pg_pool *p, struct pg_session *s)
{
    list_cut(&s->link);
    p->count--;
    p->ready--;
    pg__gauge(&p->pg->open, -1);
    pg__count(&p->pg->lost, 1);
}

/* Once a turn of the loop: what its requests ask goes out together. */
static void send_pool(struct pg_pool *p)
{
    pg_together__send(p);
    for (struct link *it = p->sessions.next, *next; it != &p->sessions; it = next) {
        struct pg_session *s = OUTER(it, struct pg_session, link);
        next = it->next;
        if (!s->unsynced)
            continue;
        session__sync(s); /* it may have died of it */
        next = p->sessions.next;
    }
}

static void send_held(void *arg)
{
    (void)arg;
    for (struct pg_pool *p = first; p; p = p->beside)
        send_pool(p);
}

/* ---- life ---- */

int pool__begin(struct pg *pg, struct err *err)
{
    (void)err;
    struct pg_pool *p = mem_zero(1, sizeof *p);
    *p = (struct pg_pool){.pg = pg, .loop = loop_self(), .refs = 1};
    list_init(&p->sessions);
    list_init(&p->mates);
    list_init(&p->waiting);
    list_init(&p->txs);
    list_init(&p->cursors);
    map_init(&p->large);
    p->streams_most = pg->size - 1;
    buf_init(&p->scratch, SCRATCH_MOST);
    pthread_mutex_lock(&pg->lock);
    list_push(&pg->pools, &p->all);
    pthread_mutex_unlock(&pg->lock);
    if (!first) {
        loop_every(p->loop, SWEEP_MS, pool__sweep, NULL);
        loop_before_sleep(p->loop, send_held, NULL);
    }
    p->beside = first;
    first = p;
    pool__connect(p);
    return 0;
}

void pool__unref(struct pg_pool *p)
{
    if (--p->refs)
        return;
    pg_cursor__forget(p);
    buf_fini(&p->scratch);
    mem_free(p);
}

/* The loop has stopped. A fiber that connects is woken and sees that it is over. */
void pool__end(struct pg *pg)
{
    struct pg_pool *p = pool__mine(pg);
    p->closing = true;
    pg_together__send(p); /* what is lost below is told of it */
    struct pg_pool **at = &first;
    while (*at != p)
        at = &(*at)->beside;
    *at = p->beside;
    while (!list_empty(&p->sessions)) {
        struct pg_session *s = OUTER(p->sessions.next, struct pg_session, link);
        list_cut(&s->link);
        if (s->state == SESSION_READY) {
            list_push(&p->sessions, &s->link);
            session__die(s);
        } else if (s->connector) {
            fiber_wake(s->connector);
        }
    }
    pthread_mutex_lock(&pg->lock);
    list_cut(&p->all);
    pthread_mutex_unlock(&pg->lock);
    pool__unref(p);
}
