/* pg_together.c -- reads of one row by its key that come in the same turn of the loop become one
 * statement for an array of keys. SPDX: Apache-2.0
 * Why: what PostgreSQL spends on a row by its key is a twentieth of what it spends on a statement.
 * Only reads outside of transaction blocks, with the same text and nothing but a whole number as
 * their value, and without a rule: they can fail for nothing but the number itself or what befalls
 * all of them. Invariants: (1) A fiber that gathers waits firmly, at most until the end of its turn
 * and then for the answer; when no session is free, or the statement failed, it asks again alone,
 * with the waits and failures of that. (2) Its sink is called from here, outside of its fiber,
 * which a sink allows for. (3) Rows that were seen to be large go alone from then on. */
#include "db/pg_priv.h"

#include <stdio.h>

#include "base/mem.h"

enum {
    MATES_MOST = 64,
    KEY_ROOM = 22,
    /* Of an array that it does not see PostgreSQL expects 10 elements. One that is never shorter
     * than this makes the plan for any array the cheaper one, so that it is kept. */
    KEYS_LEAST = 16
};

/* One read, on the stack of its fiber. */
struct mate {
    struct link link; /* in pool->mates, then alone */
    const struct stmt *st;
    const struct row_sink *sink;
    struct fiber *fiber;
    bool done, alone;
    int code;
    struct err *err;
};

struct party {
    struct pg_op op; /* first */
    struct pg_step step;
    struct stmt st;
    struct value keys;
    struct err err;
    struct pg_pool *pool;
    size_t count;
    struct mate *mates[MATES_MOST];
    char text[KEY_ROOM * MATES_MOST];
};

/* ---- the answer ---- */

static void end_all(struct party *y)
{
    for (size_t i = 0; i < y->count; i++) {
        y->mates[i]->done = true;
        fiber_wake(y->mates[i]->fiber);
    }
    op__fini(&y->op);
    mem_free(y);
}

static void hand_row(struct mate *m, const struct value *cells, size_t cols)
{
    if (m->code < 0)
        return;
    m->code = m->sink->fn(m->sink->ctx, cells, cols);
    if (m->code < 0 && m->err->code == 0)
        fail(m->err, m->code, "the rows do not fit");
}

/* Each row to all who asked for it. A row is decoded once. */
static void hand_out(struct party *y, PGresult *r)
{
    size_t at = y->mates[0]->st->together_key;
    int rows = pq.ntuples(r);
    struct pg_cells cells = {0};
    for (size_t i = 0; i < y->count; i++)
        y->mates[i]->code = pg_value__names(r, y->mates[i]->sink, y->mates[i]->err);
    if (!pg_value__begin(&y->pool->scratch, r, &cells, &y->err)) {
        for (size_t i = 0; i < y->count; i++)
            y->mates[i]->alone =
                true; /* a row that cannot be read is not a row that is not there */
        return;
    }
    for (int row = 0; row < rows; row++) {
        pg_value__row(r, row, &cells);
        for (size_t i = 0; i < y->count; i++) {
            struct mate *m = y->mates[i];
            if (y->count == 1 || cells.list[at].i == m->st->binds[0].i)
                hand_row(m, cells.list, cells.count);
        }
    }
    pg__count(&y->pool->pg->rows, (uint64_t)rows);
    pg_cursor__weigh(y->pool, y->mates[0]->st->together, r);
}

/* Asked again alone: all but what would befall each of them as well, the loss of the session and
 * the time limit, which a row by its key meets when its table is locked. */
static void answered(struct pg_op *op)
{
    struct party *y = OUTER(op, struct party, op);
    bool same = (op->code == E_BUSY && !op->again) || op->code == E_TIMEOUT;
    if (op->code == 0)
        hand_out(y, y->step.result);
    for (size_t i = 0; op->code < 0 && i < y->count; i++) {
        struct mate *m = y->mates[i];
        m->alone = !same;
        m->code = op->code;
        if (same)
            *m->err = y->err;
    }
    end_all(y);
}

/* ---- the statement ---- */

/* {1,2,3,3,3,..} */
static void write_keys(struct party *y)
{
    size_t len = 0, count = y->count < KEYS_LEAST ? KEYS_LEAST : y->count;
    for (size_t i = 0; i < count; i++) {
        const struct mate *m = y->mates[i < y->count ? i : y->count - 1];
        len += (size_t)snprintf(y->text + len, sizeof y->text - len, "%c%lld", i ? ',' : '{',
                                (long long)m->st->binds[0].i);
    }
    y->text[len++] = '}';
    y->keys = value_text(str_make(y->text, len));
    y->st = (struct stmt){
        .text = y->mates[0]->st->together, .binds = &y->keys, .bind_count = 1, .bounded = true};
}

static bool joins(const struct mate *m, const struct mate *first)
{
    const struct stmt *x = m->st, *y = first->st;
    return x == y || (x->together_key == y->together_key && str_eq(x->together, y->together));
}

/* The oldest one and all that can go with it. */
static void gather(struct pg_pool *p, struct party *y)
{
    unsigned most = pool__room(p, MATES_MOST);
    y->count = 0;
    if (!most) /* the first is told that it has to wait */
        most = 1;
    for (struct link *it = p->mates.next, *next; it != &p->mates; it = next) {
        struct mate *m = OUTER(it, struct mate, link);
        next = it->next;
        if (y->count == most || (y->count && !joins(m, y->mates[0])))
            continue;
        list_cut(&m->link);
        y->mates[y->count++] = m;
    }
}

static void send(struct pg_pool *p)
{
    struct party *y = mem_new(sizeof *y);
    y->pool = p;
    y->err = (struct err){0};
    gather(p, y);
    y->step = (struct pg_step){.st = y->mates[0]->st};
    if (y->count > 1) {
        write_keys(y);
        y->step.st = &y->st;
    }
    op__init(&y->op, &y->step, 1, &y->err);
    y->op.weight = (unsigned)y->count;
    y->op.shares = true;
    y->op.done = answered;
    if (pool__serve(p, &y->op))
        return;
    for (size_t i = 0; i < y->count; i++)
        y->mates[i]->alone = true;
    end_all(y);
}

void pg_together__send(struct pg_pool *p)
{
    while (!list_empty(&p->mates))
        send(p);
}

/* ---- a read ---- */

bool pg_together__read(struct pg_pool *p, const struct stmt *st, const struct row_sink *sink,
                       int *code, struct err *err)
{
    if (!st->together.len || st->bind_count != 1 || st->binds[0].kind != V_INT ||
        fiber_cancelled() || p->closing || !p->ready || pg_cursor__large(p, st->together))
        return false;
    struct mate m = {.st = st, .sink = sink, .fiber = fiber_self(), .err = err};
    list_init(&m.link);
    list_push(&p->mates, &m.link);
    while (!m.done)
        fiber_park_firm("database");
    *code = m.code;
    return !m.alone;
}
