/* cursor.c -- a statement that stands still between two pieces of an answer. SPDX: Apache-2.0
 * It pins its connection and, with it, a snapshot. So it is bounded three ways: the engine works
 * on it no longer than a statement may run, it stands still no longer than that at a time, and
 * no longer than WHOLE_TIMES that in all; CURSORS_MOST are open at once.
 * Invariant: the cursor's memory lives until the fiber's scope ends, because a defer watches over
 * it there; its connection goes back at the end of the cursor, which a sweep may bring about
 * while the fiber is busy sending. */
#include "db/lite_priv.h"

#include "base/clock.h"
#include "base/mem.h"

enum { WHOLE_TIMES = 6, CURSOR_BUDGET_NS = 2000000 };

static _Thread_local struct link paused; /* next NULL: not yet used */

static struct link *paused_list(void)
{
    if (!paused.next)
        list_init(&paused);
    return &paused;
}

static void end(struct lite_cursor *k)
{
    struct lite *l = lite_of(k->base.db);
    list_cut(&k->link);
    if (!k->conn)
        return;
    conn__reset(k->p);
    stmts__put(&k->p);
    if (k->inlined)
        reader__give(l, &k->conn);
    else
        helpers__give(l, &k->conn);
    atomic_fetch_sub(&l->cursors, 1);
}

static void at_scope_end(void *arg)
{
    struct lite_cursor *k = arg;
    end(k);
    mem_free(k);
}

static void stand(struct lite_cursor *k)
{
    k->paused_ns = clock_ns();
    list_push(paused_list(), &k->link);
}

int cursor__open(struct lite *l, struct conn *c, struct prepared *p, struct lite_cursor **out,
                 struct err *err)
{
    if (atomic_fetch_add(&l->cursors, 1) >= CURSORS_MOST) {
        atomic_fetch_sub(&l->cursors, 1);
        return fail(err, E_BUSY, "too many long answers are being sent; try again");
    }
    struct lite_cursor *k = mem_zero(1, sizeof *k);
    k->base.db = &l->base;
    k->conn = c;
    k->p = p;
    list_init(&k->link);
    stand(k);
    k->opened_ns = k->paused_ns;
    fiber_defer(at_scope_end, k);
    *out = k;
    return 0;
}

/* ---- time ---- */

static bool overdue(const struct lite_cursor *k, uint64_t now)
{
    uint64_t limit = lite_timeout_ns(lite_of(k->base.db));
    return limit && (now - k->paused_ns > limit || now - k->opened_ns > WHOLE_TIMES * limit);
}

void cursor__sweep(void)
{
    uint64_t now = clock_ns();
    for (struct link *it = paused_list()->next, *next; it != &paused; it = next) {
        struct lite_cursor *k = OUTER(it, struct lite_cursor, link);
        next = it->next;
        if (!overdue(k, now))
            continue;
        k->late = true;
        end(k);
    }
}

static int fail_late(struct lite *l, struct err *err)
{
    return fail(err, E_TIMEOUT, "the answer was not read within the time limit of %u ms",
                l->cfg.statement_timeout_ms);
}

/* ---- going on ---- */

WAITS static int next_on_helper(struct lite_cursor *k, const struct row_sink *sink,
                                uint64_t start_ns, struct err *err)
{
    struct scan s = {.lite = lite_of(k->base.db),
                     .sink = sink,
                     .conn = k->conn,
                     .p = k->p,
                     .pausable = true,
                     .lent = true,
                     .start_ns = start_ns,
                     .err = err};
    return helpers__run(&s);
}

WAITS static int run_on(struct lite_cursor *k, const struct row_sink *sink, uint64_t start_ns,
                        struct err *err)
{
    if (k->moved)
        return next_on_helper(k, sink, start_ns, err);
    k->conn->limits = (struct limits){.start_ns = start_ns,
                                      .timeout_ns = lite_timeout_ns(lite_of(k->base.db)),
                                      .budget_ns = clock_ns() - start_ns + CURSOR_BUDGET_NS};
    int code = conn__run(k->conn, k->p, sink, err);
    k->moved = k->conn->limits.slow;
    return code == RUN_SHIFT ? next_on_helper(k, sink, start_ns, err) : code;
}

int lite__next(struct db_cursor *base, const struct row_sink *sink, struct err *err)
{
    struct lite_cursor *k = OUTER(base, struct lite_cursor, base);
    struct lite *l = lite_of(base->db);
    uint64_t now = clock_ns();
    if (k->conn && overdue(k, now)) {
        k->late = true;
        end(k);
    }
    if (!k->conn)
        return k->late ? fail_late(l, err) : 0;
    list_cut(&k->link);
    int code = run_on(k, sink, now - k->ran_ns, err);
    if (code != DB_PAUSE) {
        end(k);
        return code;
    }
    stand(k);
    k->ran_ns += k->paused_ns - now;
    return DB_PAUSE;
}

void lite__cursor_end(struct db_cursor *base)
{
    end(OUTER(base, struct lite_cursor, base));
}
