/* pg_session.c -- one connection in pipeline mode: operations go out at once, one behind the other,
 * and answers come back in that order. SPDX: Apache-2.0
 * Why always in pipeline mode: a session then serves many requests that wait for it anyhow, and a
 * write of several statements is one round trip. Every operation ends with a sync of its own, so a
 * failure is the affair of that operation alone; only reads by key share one, and are sent again by
 * themselves when one of them fails. Measured with 32 clients: the calls of sendto for a request
 * went from 2 to 1.2.
 * Invariants: (1) No call here waits for the socket; the watch brings answers, outside of fibers.
 * (2) An operation that was sent stays in ops until its sync came or the session died; its memory
 * is its fiber's, which waits for that firmly. (3) A session that is taken is never freed but by
 * who has it. (4) The name of a prepared statement is never used twice. */
#include "db/pg_priv.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"

enum { NAME_ROOM = 16 };

/* ---- operations ---- */

void op__init(struct pg_op *op, struct pg_step *steps, size_t count, struct err *err)
{
    *op = (struct pg_op){.steps = steps, .count = count, .weight = 1, .err = err};
    list_init(&op->link);
    for (size_t i = 0; i < count; i++)
        op->writes |= steps[i].st->writes;
}

void op__fini(struct pg_op *op)
{
    for (size_t i = 0; i < op->count; i++) {
        pq.clear(op->steps[i].result);
        op->steps[i].result = NULL;
    }
}

void op__finish(struct pg_op *op)
{
    struct fiber *f = op->fiber;
    list_cut(&op->link);
    op->state = OP_DONE;
    op->fiber = NULL;
    if (op->done)
        op->done(op);
    else if (f)
        fiber_wake(f);
}

/* ---- prepared statements ---- */

static void prepared_drop(struct pg_session *s, struct pg_prepared *p)
{
    list_cut(&p->lru);
    map_cut(&s->by_text, p->text);
    s->prepared_count--;
    mem_free((void *)(uintptr_t)p->text.ptr);
    mem_free(p);
}

static struct pg_prepared *prepared_new(struct pg_session *s, str text)
{
    struct pg_prepared *p = mem_zero(1, sizeof *p);
    p->text = str_make(mem_text(text.ptr, text.len), text.len);
    p->name = ++s->next_name;
    map_set(&s->by_text, p->text, p);
    list_push(&s->lru, &p->lru);
    s->prepared_count++;
    pg__count(&s->pool->pg->prepared, 1);
    return p;
}

/* A statement whose Prepare failed, or that the server has lost. */
static void forget(struct pg_session *s, const struct pg_step *step)
{
    struct pg_prepared *p = step->name ? map_get(&s->by_text, step->st->text) : NULL;
    if (p && p->name == step->name)
        prepared_drop(s, p);
}

/* The first answer tells the types of all others: when they change, the statement is lost. */
static void look_at(struct pg_session *s, const struct pg_step *step, const PGresult *r)
{
    struct pg_prepared *p = map_get(&s->by_text, step->st->text);
    if (!p || p->name != step->name || p->seen)
        return;
    p->seen = true;
    p->binary = pg_binary__fits(r);
}

static const char *name_of(unsigned number, char *room)
{
    snprintf(room, NAME_ROOM, "c%u", number);
    return room;
}

/* ---- sending ---- */

static bool send_named(struct pg_session *s, struct pg_step *step, const struct pg_params *ps)
{
    char room[NAME_ROOM];
    struct pg_prepared *p = map_get(&s->by_text, step->st->text);
    step->prepares = !p;
    if (p) {
        list_cut(&p->lru);
        list_push(&s->lru, &p->lru);
    } else {
        p = prepared_new(s, step->st->text);
    }
    step->name = p->name;
    step->looks = !p->seen;
    name_of(p->name, room);
    if (step->prepares && !pq.sendPrepare(s->raw, room, p->text.ptr, 0, NULL))
        return false;
    return pq.sendQueryPrepared(s->raw, room, ps->count, ps->values, ps->lengths, ps->formats,
                                p->binary ? PG_BINARY : 0);
}

static bool send_once(struct pg_session *s, const struct pg_step *step, const struct pg_params *ps)
{
    char *text = mem_text(step->st->text.ptr, step->st->text.len);
    int sent =
        pq.sendQueryParams(s->raw, text, ps->count, NULL, ps->values, ps->lengths, ps->formats, 0);
    mem_free(text);
    return sent;
}

static void closed(struct pg_op *op)
{
    op__fini(op);
    mem_free(op);
}

/* An operation that nobody waits for; its text and all else is in one block. */
struct closing {
    struct pg_op op; /* first */
    struct pg_step step;
    struct stmt st;
    struct err err;
    char text[40];
};

/* At the bound the oldest statements go, also at the server. */
static void make_room(struct pg_session *s)
{
    while (s->raw && s->prepared_count >= s->pool->pg->cfg.statements) {
        struct pg_prepared *p = OUTER(s->lru.next, struct pg_prepared, lru);
        struct closing *c = mem_zero(1, sizeof *c);
        int len = snprintf(c->text, sizeof c->text, "DEALLOCATE c%u", p->name);
        c->st = (struct stmt){.text = str_make(c->text, (size_t)len), .once = true};
        c->step.st = &c->st;
        op__init(&c->op, &c->step, 1, &c->err);
        c->op.done = closed;
        prepared_drop(s, p);
        session__send(s, &c->op);
    }
}

static bool send_step(struct pg_session *s, struct pg_op *op, struct pg_step *step)
{
    struct pg_params params;
    if (!pg_value__params(&s->pool->scratch, step->st, &params)) {
        op->code = fail(op->err, E_INVALID, "a text cannot hold a NUL here, or is too long");
        return false;
    }
    pg__count(&s->pool->pg->statements, 1);
    if (step->st->once || !s->pool->pg->cfg.prepared)
        return send_once(s, step, &params);
    return send_named(s, step, &params);
}

static void want(struct pg_session *s)
{
    int rest = s->raw ? pq.flush(s->raw) : 0;
    if (rest < 0)
        session__die(s);
    else if (s->raw)
        net_watch_want(s->watch, true, rest > 0);
}

/* A value that cannot be sent is found before anything of the operation has gone. */
static bool sendable(struct pg_session *s, struct pg_op *op)
{
    struct pg_params params;
    for (size_t i = 0; i < op->count; i++) {
        if (op->count > 1 && !pg_value__params(&s->pool->scratch, op->steps[i].st, &params)) {
            op->code = fail(op->err, E_INVALID, "a text cannot hold a NUL here, or is too long");
            op->failed = i;
            return false;
        }
    }
    return true;
}

static bool wants_name(const struct pg_session *s, const struct pg_op *op)
{
    bool wants = false;
    for (size_t i = 0; i < op->count; i++)
        wants |= !op->steps[i].st->once;
    return wants && s->pool->pg->cfg.prepared;
}

void session__sync(struct pg_session *s)
{
    if (!s->unsynced || s->state != SESSION_READY)
        return;
    s->unsynced = false;
    OUTER(s->ops.prev, struct pg_op, link)->syncs = true;
    if (pq.pipelineSync(s->raw))
        want(s);
    else
        session__die(s);
}

void session__send(struct pg_session *s, struct pg_op *op)
{
    op->session = s;
    op->syncs = !op->shares;
    if (op->syncs)
        session__sync(s);
    if (wants_name(s, op))
        make_room(s);
    if (s->state != SESSION_READY || !sendable(s, op)) {
        if (op->code == 0)
            op->code = pg_error__lost(false, op->err);
        op__finish(op);
        return;
    }
    bool sent = true;
    size_t i = 0;
    for (; i < op->count && sent; i++)
        sent = send_step(s, op, &op->steps[i]);
    if (!sent && i == 1 && op->code < 0) { /* nothing has gone */
        op__finish(op);
        return;
    }
    if (!s->in_flight)
        s->head_ns = clock_ns();
    s->in_flight += op->weight;
    op->at_prepare = op->count && op->steps[0].prepares;
    op->state = OP_SENT;
    list_cut(&op->link);
    list_push(&s->ops, &op->link);
    s->unsynced = sent && op->shares;
    if (!sent || (op->syncs && !pq.pipelineSync(s->raw)))
        session__die(s);
    else if (op->syncs)
        want(s);
}

int session__run(struct pg_session *s, struct pg_op *op)
{
    session__send(s, op);
    if (op->state != OP_DONE)
        op->fiber = fiber_self();
    while (op->state != OP_DONE)
        fiber_park_firm("database");
    return op->code;
}

/* ---- answers ---- */

/* Past the last one: the sync itself failed, as with a key that is checked at the commit. */
static struct pg_step *step_at(struct pg_op *op)
{
    static struct stmt none;
    static _Thread_local struct pg_step nobody;
    nobody = (struct pg_step){.st = &none};
    return op->count ? &op->steps[op->at < op->count ? op->at : op->count - 1] : &nobody;
}

static void take_failure(struct pg_session *s, struct pg_op *op, const PGresult *r)
{
    bool again = false;
    struct pg_step *step = step_at(op);
    const char *state = pq.resultErrorField(r, PG_DIAG_SQLSTATE);
    if (op->code < 0)
        return;
    op->failed = op->at < op->count ? op->at : op->count ? op->count - 1 : 0;
    if (!state || pg_error__in(state, "57P") || pg_error__in(state, "08"))
        op->code = pg_error__lost(op->writes, op->err);
    else
        op->code = pg_error__result(r, step->st->text, &again, op->err);
    op->again = again && step->name;
    op->clash = state && (pg_error__in(state, "40001") || pg_error__in(state, "40P01"));
    if (op->again)
        forget(s, step);
    if (op->clash)
        pg__count(&s->pool->pg->clashes, 1);
    if (op->code == E_TIMEOUT)
        pg__count(&s->pool->pg->timeouts, 1);
}

/* True when the operation is through. */
static bool take_result(struct pg_session *s, struct pg_op *op, PGresult *r)
{
    ExecStatusType status = pq.resultStatus(r);
    bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (status == PGRES_PIPELINE_SYNC) {
        pq.clear(r);
        return true;
    }
    if (op->at_prepare && !fine)
        forget(s, step_at(op));
    if (status == PGRES_PIPELINE_ABORTED && op->shares && op->code == 0) {
        op->code = fail(op->err, E_BUSY, "another read failed; try again");
        op->again = true;
    }
    if (status == PGRES_FATAL_ERROR)
        take_failure(s, op, r);
    else if (!fine && status != PGRES_PIPELINE_ABORTED && op->code == 0)
        op->code = fail(op->err, E_DB, "the database answered in a way that has no use here");
    if (fine && !op->at_prepare && op->at < op->count && !op->steps[op->at].result) {
        if (op->steps[op->at].looks)
            look_at(s, &op->steps[op->at], r);
        op->steps[op->at].result = r;
    } else
        pq.clear(r);
    return false;
}

/* The end of one answer. */
static void next_answer(struct pg_op *op)
{
    if (op->at_prepare) {
        op->at_prepare = false;
    } else if (op->at < op->count) {
        op->at++;
        op->at_prepare = op->at < op->count && op->steps[op->at].prepares;
    }
}

static void through(struct pg_session *s, struct pg_op *op, struct link *done)
{
    s->in_flight -= op->weight;
    s->head_ns = s->used_ns = clock_ns();
    s->cancelling = false;
    s->checking = false;
    list_cut(&op->link);
    list_push(done, &op->link);
}

/* Operations that are through go to done: whoever waits may do anything with s when he runs. */
static void take_answers(struct pg_session *s, struct link *done)
{
    bool ended = false; /* an answer: two ends in a row tell that nothing more is here */
    while (!list_empty(&s->ops) && !pq.isBusy(s->raw)) {
        struct pg_op *op = OUTER(s->ops.next, struct pg_op, link);
        PGresult *r = pq.getResult(s->raw);
        if (!r && ended)
            return;
        ended = !r;
        bool over = r && take_result(s, op, r);
        if (!r) {
            next_answer(op);
            over = !op->syncs && op->at == op->count;
        }
        if (over)
            through(s, op, done);
    }
    if (list_empty(&s->ops)) /* what the server says unasked, before it goes */
        pq.isBusy(s->raw);
}

static void finish_all(struct link *done)
{
    while (!list_empty(done))
        op__finish(OUTER(done->next, struct pg_op, link));
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct pg_session *s = ctx;
    struct pg_pool *pool = s->pool;
    struct link done;
    list_init(&done);
    int rest = writable ? pq.flush(s->raw) : 0;
    bool broken = rest < 0;
    if (writable && !broken)
        net_watch_want(s->watch, true, rest > 0);
    if (readable) {
        broken |= !pq.consumeInput(s->raw);
        take_answers(s, &done);
        broken |= pq.status(s->raw) == CONNECTION_BAD;
    }
    bool room = !list_empty(&done);
    if (room && !s->taken && !s->in_flight && pq.transactionStatus(s->raw) != PQTRANS_IDLE)
        broken = true; /* a statement has left a block open: nobody else may come into it */
    if (broken)
        session__die(s);
    finish_all(&done);
    if (room)
        pool__feed(pool);
}

/* ---- life ---- */

struct pg_session *session__new(struct pg_pool *pool)
{
    struct pg_session *s = mem_zero(1, sizeof *s);
    s->pool = pool;
    s->state = SESSION_CONNECTING;
    list_init(&s->link);
    list_init(&s->ops);
    list_init(&s->lru);
    map_init(&s->by_text);
    return s;
}

static void no_notice(void *arg, const PGresult *r)
{
    (void)arg;
    (void)r;
}

bool session__ready(struct pg_session *s)
{
    pq.setNoticeReceiver(s->raw, no_notice, NULL);
    if (pq.setnonblocking(s->raw, 1) != 0 || !pq.enterPipelineMode(s->raw))
        return false;
    s->watch = net_watch_open(s->pool->loop, pq.socket(s->raw), on_ready, s);
    if (!s->watch)
        return false;
    s->state = SESSION_READY;
    s->born_ns = s->used_ns = clock_ns();
    net_watch_want(s->watch, true, false);
    return true;
}

void session__free(struct pg_session *s)
{
    BUG_ON(s->raw || !list_empty(&s->ops));
    while (!list_empty(&s->lru))
        prepared_drop(s, OUTER(s->lru.next, struct pg_prepared, lru));
    map_fini(&s->by_text);
    mem_free(s);
}

/* One that nobody has is freed before the first waiter runs; one that is taken, by who has it. */
void session__die(struct pg_session *s)
{
    struct pg_pool *pool = s->pool;
    struct link done;
    if (s->state == SESSION_DEAD)
        return;
    list_init(&done);
    net_watch_close(&s->watch);
    pq.finish(s->raw);
    s->raw = NULL;
    s->state = SESSION_DEAD;
    s->in_flight = 0;
    s->unsynced = false;
    while (!list_empty(&s->ops)) {
        struct pg_op *op = OUTER(s->ops.next, struct pg_op, link);
        if (op->code == 0 || op->again)
            op->code = pg_error__lost(op->writes, op->err);
        op->again = false;
        list_cut(&op->link);
        list_push(&done, &op->link);
    }
    pool__lost(pool, s);
    if (!s->taken)
        session__free(s);
    finish_all(&done);
    pool__feed(pool);
}

/* ---- stopping a statement ---- */

struct cancelling {
    PGcancel *cancel;
};

static void cancel_blocking(void *arg)
{
    struct cancelling *c = arg;
    char why[256];
    pq.cancel(c->cancel, why, sizeof why);
}

static void cancel_fiber(void *arg)
{
    struct cancelling *c = arg;
    fiber_blocking(cancel_blocking, c);
    pq.freeCancel(c->cancel);
    mem_free(c);
}

void session__cancel(struct pg_session *s)
{
    struct cancelling *c = mem_new(sizeof *c);
    c->cancel = pq.getCancel(s->raw);
    if (c->cancel && fiber_soon(s->pool->loop, cancel_fiber, c))
        return;
    pq.freeCancel(c->cancel);
    mem_free(c);
}
