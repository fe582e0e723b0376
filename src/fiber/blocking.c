/* blocking.c -- a blocking call on a helper thread, the fiber parked meanwhile. SPDX: Apache-2.0
 * The park is firm: the call uses the fiber's memory, so a cancel is noticed after it ended. */
#include "fiber/fiber_priv.h"

#include <stdatomic.h>

enum { QUEUE_MOST = 1024 };

static atomic_uint queued; /* over all loops: libuv's pool of helper threads is one per process */

struct work {
    uv_work_t req;
    blocking_fn *fn;
    void *arg;
    struct fiber *fiber;
    bool done;
};

static void on_helper(uv_work_t *req)
{
    struct work *w = OUTER(req, struct work, req);
    w->fn(w->arg);
}

static void on_done(uv_work_t *req, int status)
{
    struct work *w = OUTER(req, struct work, req);
    (void)status;
    atomic_fetch_sub(&queued, 1);
    w->done = true;
    fiber_wake(w->fiber);
}

int fiber_blocking(blocking_fn *fn, void *arg)
{
    struct work w = {.fn = fn, .arg = arg, .fiber = fiber_self()};
    BUG_ON(!w.fiber);
    if (atomic_fetch_add(&queued, 1) >= QUEUE_MOST) {
        atomic_fetch_sub(&queued, 1);
        return E_BUSY;
    }
    BUG_ON(uv_queue_work(loop_uv(loop_self()), &w.req, on_helper, on_done) != 0);
    while (!w.done)
        fiber_park_firm("blocking call");
    return fiber_cancelled() ? E_CANCELLED : 0;
}
