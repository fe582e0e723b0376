/* fiber.c -- parks, wakes, cancels, scopes. SPDX: Apache-2.0
 * Invariants: (1) a fiber belongs to one loop and is touched by its thread only. (2) The main
 * stack switches to fibers, fibers switch only back to the main stack. (3) A wake is never lost:
 * one that finds the fiber not parked is kept for its next park; hence a park may end early and
 * callers look at their condition in a loop. */
#include "base/mem.h"
#include "base/sanitizer.h"
#include "fiber/fiber_priv.h"

enum { SPARE_MOST = 64 };

static _Thread_local struct fiber *self;

struct fiber *fiber_self(void)
{
    return self;
}

/* ---- switching, with the sanitizers told ---- */

static void enter(struct loop *l, struct fiber *f)
{
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(&l->main_fake_stack, f->stack, f->stack_size);
#endif
#ifdef HAS_TSAN
    l->main_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->tsan, 0);
#endif
    context_switch(&l->main, &f->context);
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(l->main_fake_stack, NULL, NULL);
#endif
}

static void leave(struct fiber *f, bool for_good)
{
    struct loop *l = f->loop;
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &f->fake_stack, l->main_stack,
                                   l->main_stack_size);
#endif
#ifdef HAS_TSAN
    __tsan_switch_to_fiber(l->main_tsan, 0);
#endif
    (void)for_good;
    context_switch(&f->context, &l->main);
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(f->fake_stack, &l->main_stack, &l->main_stack_size);
#endif
}

static void run_defers(struct fiber *f, const struct deferred *mark)
{
    while (f->defers != mark) {
        struct deferred *d = f->defers;
        f->defers = d->next;
        d->fn(d->arg);
        d->next = f->loop->spare_defers;
        f->loop->spare_defers = d;
    }
}

static void bottom(void *arg)
{
    struct fiber *f = arg;
    f->fn(f->arg);
}

void fiber__main(void)
{
    struct fiber *f = self;
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(NULL, &f->loop->main_stack, &f->loop->main_stack_size);
#endif
    for (;;) {
        fiber_scope(bottom, f);
        f->state = FIBER_FREE;
        leave(f, false); /* the stack is kept: the next start goes on here */
        f = self;
    }
}

static void put_spare(struct loop *l, struct fiber *f)
{
    if (l->spare_count >= SPARE_MOST) {
        fiber__free(f);
        return;
    }
    l->spare_count++;
    f->link.next = l->spare.next; /* newest first: its stack is warm */
    f->link.prev = &l->spare;
    l->spare.next->prev = &f->link;
    l->spare.next = &f->link;
}

void fiber__resume(struct fiber *f)
{
    struct loop *l = f->loop;
    BUG_ON(self || f->magic != FIBER_MAGIC);
    f->state = FIBER_RUNNING;
    self = l->running = f;
    enter(l, f);
    self = l->running = NULL;
    if (f->state != FIBER_FREE)
        return;
    struct hook after = f->after;
    f->after.fn = NULL;
    l->alive--;
    put_spare(l, f);
    if (after.fn)
        after.fn(after.arg);
}

/* ---- life ---- */

static struct fiber *prepare(struct loop *l, fiber_fn *fn, void *arg)
{
    struct fiber *f = fiber__get(l);
    if (!f)
        return NULL;
    f->fn = fn;
    f->arg = arg;
    f->why = "start";
    f->woken = f->cancelled = f->firm = false;
    f->nowait = 0;
    f->deadline = 0;
    f->tell = NULL;
    if (!f->made) { /* later starts go on where fiber__main left */
        f->made = true;
        context_make(&f->context, f->stack, f->stack_size, fiber__main);
    }
    return f;
}

bool fiber_start(struct loop *l, fiber_fn *fn, void *arg)
{
    BUG_ON(self);
    struct fiber *f = prepare(l, fn, arg);
    if (!f)
        return false;
    fiber__resume(f);
    return true;
}

static void make_ready(struct fiber *f)
{
    f->state = FIBER_READY;
    list_push(&f->loop->ready, &f->link);
}

bool fiber_soon(struct loop *l, fiber_fn *fn, void *arg)
{
    struct fiber *f = prepare(l, fn, arg);
    if (!f)
        return false;
    make_ready(f);
    return true;
}

/* ---- waiting ---- */

static int park(const char *why, uint64_t deadline_ns, bool firm)
{
    struct fiber *f = self;
    BUG_ON(!f || f->nowait);
    if (f->woken) {
        f->woken = false;
        return 0;
    }
    if (f->cancelled && !firm)
        return E_CANCELLED;
    f->why = why;
    f->firm = firm;
    f->state = FIBER_PARKED;
    f->deadline = deadline_ns;
    if (deadline_ns)
        heap__add(f->loop, f);
    leave(f, false);
    f->why = "run";
    return f->result;
}

int fiber_park(const char *why, uint64_t deadline_ns)
{
    return park(why, deadline_ns, false);
}

int fiber_park_firm(const char *why)
{
    return park(why, 0, true);
}

static void unpark(struct fiber *f, int result)
{
    f->result = result;
    if (f->heap_at)
        heap__cut(f->loop, f);
    if (self)
        make_ready(f);
    else
        fiber__resume(f);
}

void fiber_wake(struct fiber *f)
{
    CHECK(f->loop == loop_self());
    if (f->state == FIBER_PARKED)
        unpark(f, 0);
    else
        f->woken = true;
}

void fiber_cancel(struct fiber *f)
{
    f->cancelled = true;
    if (f->state == FIBER_PARKED && !f->firm)
        unpark(f, E_CANCELLED);
}

bool fiber_cancelled(void)
{
    return self && self->cancelled;
}

int fiber_sleep(uint64_t ns)
{
    uint64_t until = loop_now() + ns;
    for (;;) {
        int rc = fiber_park("sleep", until);
        if (rc == E_TIMEOUT)
            return 0;
        if (rc)
            return rc;
    }
}

void fiber_yield(void)
{
    struct fiber *f = self;
    BUG_ON(!f || f->nowait);
    f->why = "yield";
    make_ready(f);
    leave(f, false);
}

void fiber_nowait(int step)
{
    if (self)
        self->nowait += step;
}

/* ---- scopes ---- */

void fiber_defer(defer_fn *fn, void *arg)
{
    struct loop *l = self->loop;
    struct deferred *d = l->spare_defers;
    if (d)
        l->spare_defers = d->next;
    else
        d = mem_new(sizeof *d);
    *d = (struct deferred){.next = self->defers, .fn = fn, .arg = arg};
    self->defers = d;
}

void fiber_tells(fiber_tell_fn *fn, void *arg)
{
    self->tell = fn;
    self->tell_arg = arg;
}

struct fiber_work fiber_work(const struct fiber *f)
{
    struct fiber_work work = {0};
    if (f->tell)
        f->tell(f->tell_arg, &work);
    return work;
}

void fiber_after(defer_fn *fn, void *arg)
{
    self->after = (struct hook){fn, arg};
}

int fiber_scope(fiber_fn *body, void *arg)
{
    struct fiber *f = self;
    struct scope scope;
    scope.outer = f->scope;
    scope.mark = f->defers;
    f->scope = &scope;
    int ended = _setjmp(scope.out);
    if (!ended)
        body(arg);
    f = self;
    run_defers(f, f->scope->mark);
    f->scope = f->scope->outer;
    return ended ? E_TOOBIG : 0;
}

void fiber_end(void)
{
    BUG_ON(!self || !self->scope);
    self->nowait = 0;
    _longjmp(self->scope->out, 1);
}
