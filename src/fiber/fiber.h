/* fiber.h -- stackful fibers on a uv loop, one loop per thread. SPDX: Apache-2.0
 * A handler reads as straight-line code: it parks, the loop goes on, somebody wakes it. */
#ifndef CAIRN_FIBER_H
#define CAIRN_FIBER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"

struct loop;
struct fiber;
struct uv_loop_s;

typedef void fiber_fn(void *arg);
typedef void defer_fn(void *arg);
typedef void blocking_fn(void *arg);

/* ---- the loop ---- */

/* One per thread. Fibers, parks and timers below always mean the loop of the calling thread. */
struct loop *loop_new(size_t stack_size, unsigned max_fibers);
void loop_free(struct loop **l);
void loop_run(struct loop *l);  /* until loop_stop and nothing is left, or loop_stop twice */
void loop_stop(struct loop *l); /* any thread */
struct loop *loop_self(void);   /* of the calling thread, or NULL */
struct uv_loop_s *loop_uv(struct loop *l);
unsigned loop_fibers(const struct loop *l); /* fibers alive */

/* Runs fn(arg) on the loop's thread, soon. Any thread may call; fn must not wait. */
void loop_post(struct loop *l, defer_fn *fn, void *arg);

/* Nanoseconds, monotonic: taken once per turn of the loop. */
uint64_t loop_now(void);
/* Runs before the loop sleeps, once per turn, in the order added; may not wait. */
void loop_before_sleep(struct loop *l, defer_fn *fn, void *arg);
/* Runs about every period_ms milliseconds. */
void loop_every(struct loop *l, unsigned period_ms, defer_fn *fn, void *arg);

/* ---- fibers ---- */

/* Starts fn(arg) at once on a pooled stack; returns when it parks or ends. False when max_fibers
 * are alive (nothing was started). Own thread only, not from within a fiber. */
bool fiber_start(struct loop *l, fiber_fn *fn, void *arg);
/* The same, from within a fiber or not, at the next turn of the loop. */
bool fiber_soon(struct loop *l, fiber_fn *fn, void *arg);
struct fiber *fiber_self(void); /* NULL outside */

/* Parks until fiber_wake. why: a literal that names the wait. deadline_ns on the clock of
 * loop_now, 0: none. 0 when woken; E_TIMEOUT; E_CANCELLED. A wake that came before the park is
 * not lost. */
WAITS int fiber_park(const char *why, uint64_t deadline_ns);
/* As fiber_park but a cancel does not end it: for waits whose memory another thread still uses. */
WAITS int fiber_park_firm(const char *why);
/* Own thread only. The fiber runs before fiber_wake returns when called from outside fibers,
 * else at the next turn. */
void fiber_wake(struct fiber *f);
/* Every wait of f from now on answers E_CANCELLED, the present one too. */
void fiber_cancel(struct fiber *f);
bool fiber_cancelled(void);

/* What a fiber works on, in the words of whoever started the work: for logs of others. */
struct fiber_work {
    str method, route, id; /* "POST", "/v1/transfers", the request's id */
};
typedef void fiber_tell_fn(void *arg, struct fiber_work *out);
/* For the calling fiber until its end, or the next call; arg must live as long. */
void fiber_tells(fiber_tell_fn *fn, void *arg);
/* Own thread only. All empty when nothing was said. */
struct fiber_work fiber_work(const struct fiber *f);

WAITS int fiber_sleep(uint64_t ns);
WAITS void fiber_yield(void);

/* Runs fn(arg) on a helper thread and parks meanwhile; a cancel is noticed only after it ended.
 * E_BUSY when the helpers' queue is full: fn was not run. */
WAITS int fiber_blocking(blocking_fn *fn, void *arg);

/* Runs fn(arg) when the fiber's scope ends, newest first; also when it is ended on the spot. */
void fiber_defer(defer_fn *fn, void *arg);
/* Runs fn(arg) on the main stack once this fiber has ended: there fibers can be started. */
void fiber_after(defer_fn *fn, void *arg);
/* Runs body(arg) in a scope of its own: defers made inside run at its end. 0, or E_TOOBIG
 * when fiber_end was called inside. */
WAITS int fiber_scope(fiber_fn *body, void *arg);
/* Ends the innermost scope on the spot; defers run. Never below a foreign library's callback. */
NORETURN void fiber_end(void);

/* Debug builds stop the process when a fiber switches in between. */
void fiber_nowait(int step);
#ifdef CAIRN_DEBUG
#define NOWAIT_BEGIN() fiber_nowait(1)
#define NOWAIT_END() fiber_nowait(-1)
#else
#define NOWAIT_BEGIN() ((void)0)
#define NOWAIT_END() ((void)0)
#endif

#endif
