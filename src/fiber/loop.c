/* loop.c -- one uv loop a thread: turns, posts, timers, deadlines. SPDX: Apache-2.0
 * A turn: timers, fibers that are ready, the hooks before sleep, poll (sockets and posts).
 * Deadlines of parked fibers stand in a binary heap behind one uv timer. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/sanitizer.h"
#include "fiber/fiber_priv.h"

static _Thread_local struct loop *mine;

struct loop *loop_self(void)
{
    return mine;
}

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}

unsigned loop_fibers(const struct loop *l)
{
    return l->alive;
}

uint64_t loop_now(void)
{
    return mine ? uv_now(&mine->uv) * 1000000u : clock_ns();
}

/* ---- deadlines ---- */

static void heap_set(struct loop *l, size_t at, struct fiber *f)
{
    l->heap[at] = f;
    f->heap_at = at + 1;
}

static void heap_up(struct loop *l, size_t at)
{
    struct fiber *f = l->heap[at];
    while (at && l->heap[(at - 1) / 2]->deadline > f->deadline) {
        heap_set(l, at, l->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(l, at, f);
}

static void heap_down(struct loop *l, size_t at)
{
    struct fiber *f = l->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= l->heap_count)
            break;
        if (child + 1 < l->heap_count && l->heap[child + 1]->deadline < l->heap[child]->deadline)
            child++;
        if (l->heap[child]->deadline >= f->deadline)
            break;
        heap_set(l, at, l->heap[child]);
        at = child;
    }
    heap_set(l, at, f);
}

static void on_deadline(uv_timer_t *timer);

static void aim_timer(struct loop *l)
{
    if (!l->heap_count) {
        uv_timer_stop(&l->timer);
        return;
    }
    uint64_t due = l->heap[0]->deadline / 1000000u + 1, now = uv_now(&l->uv);
    uv_timer_start(&l->timer, on_deadline, due > now ? due - now : 0, 0);
}

void heap__add(struct loop *l, struct fiber *f)
{
    if (l->heap_count == l->heap_cap) {
        l->heap_cap = l->heap_cap ? 2 * l->heap_cap : 64;
        l->heap = mem_grow(l->heap, l->heap_cap * sizeof(struct fiber *));
    }
    heap_set(l, l->heap_count++, f);
    heap_up(l, l->heap_count - 1);
    if (l->heap[0] == f)
        aim_timer(l);
}

void heap__cut(struct loop *l, struct fiber *f)
{
    size_t at = f->heap_at - 1;
    struct fiber *last = l->heap[--l->heap_count];
    f->heap_at = 0;
    if (last == f)
        return; /* the timer may fire for nothing; that is cheaper than to aim it again */
    heap_set(l, at, last);
    heap_up(l, at);
    heap_down(l, last->heap_at - 1);
}

static void on_deadline(uv_timer_t *timer)
{
    struct loop *l = OUTER(timer, struct loop, timer);
    uint64_t now = loop_now();
    while (l->heap_count && l->heap[0]->deadline <= now) {
        struct fiber *f = l->heap[0];
        heap__cut(l, f);
        f->result = E_TIMEOUT;
        fiber__resume(f);
    }
    aim_timer(l);
}

/* ---- turns ---- */

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* its being there keeps the poll from sleeping */
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *l = OUTER(prepare, struct loop, prepare);
    struct link now;
    list_init(&now);
    if (!list_empty(&l->ready)) { /* those that get ready meanwhile wait for the next turn */
        now = l->ready;
        now.next->prev = now.prev->next = &now;
        list_init(&l->ready);
    }
    while (!list_empty(&now)) {
        struct fiber *f = OUTER(now.next, struct fiber, link);
        list_cut(&f->link);
        fiber__resume(f);
    }
    for (unsigned i = 0; i < l->hook_count; i++)
        l->hooks[i].fn(l->hooks[i].arg);
    if (list_empty(&l->ready))
        uv_idle_stop(&l->idle);
    else
        uv_idle_start(&l->idle, on_idle);
}

static void on_async(uv_async_t *async)
{
    struct loop *l = OUTER(async, struct loop, async);
    pthread_mutex_lock(&l->lock);
    struct post *p = l->posts;
    l->posts = NULL;
    l->posts_end = &l->posts;
    pthread_mutex_unlock(&l->lock);
    while (p) {
        struct post *next = p->next;
        p->fn(p->arg);
        mem_free(p);
        p = next;
    }
    if (l->stopping)
        uv_stop(&l->uv);
}

void loop_post(struct loop *l, defer_fn *fn, void *arg)
{
    struct post *p = mem_new(sizeof *p);
    *p = (struct post){.fn = fn, .arg = arg};
    pthread_mutex_lock(&l->lock);
    bool first = !l->posts;
    *l->posts_end = p;
    l->posts_end = &p->next;
    if (first) /* under the lock: after loop_free has taken it, nobody sends any more */
        uv_async_send(&l->async);
    pthread_mutex_unlock(&l->lock);
}

void loop_before_sleep(struct loop *l, defer_fn *fn, void *arg)
{
    BUG_ON(l->hook_count == HOOKS_MOST);
    l->hooks[l->hook_count++] = (struct hook){fn, arg};
}

static void on_every(uv_timer_t *timer)
{
    struct every *e = OUTER(timer, struct every, timer);
    e->fn(e->arg);
}

void loop_every(struct loop *l, unsigned period_ms, defer_fn *fn, void *arg)
{
    BUG_ON(l->every_count == EVERY_MOST);
    struct every *e = &l->every[l->every_count++];
    e->fn = fn;
    e->arg = arg;
    uv_timer_init(&l->uv, &e->timer);
    uv_timer_start(&e->timer, on_every, period_ms, period_ms);
}

/* ---- life ---- */

static size_t stack_bytes(size_t asked)
{
#if defined(HAS_ASAN) || defined(HAS_TSAN)
    return 8 * asked; /* instrumented frames are several times larger */
#else
    return asked;
#endif
}

struct loop *loop_new(size_t stack_size, unsigned max_fibers)
{
    BUG_ON(mine);
    struct loop *l = mem_zero(1, sizeof *l);
    BUG_ON(uv_loop_init(&l->uv) != 0);
    BUG_ON(uv_async_init(&l->uv, &l->async, on_async) != 0);
    uv_prepare_init(&l->uv, &l->prepare);
    uv_prepare_start(&l->prepare, on_prepare);
    uv_idle_init(&l->uv, &l->idle);
    uv_timer_init(&l->uv, &l->timer);
    pthread_mutex_init(&l->lock, NULL);
    l->posts_end = &l->posts;
    l->stack_size = (stack_bytes(stack_size) + 4095) & ~(size_t)4095;
    l->most = max_fibers;
    list_init(&l->ready);
    list_init(&l->spare);
    mine = l;
    return l;
}

static void set_stop(void *arg)
{
    ((struct loop *)arg)->stopping = true;
}

void loop_stop(struct loop *l)
{
    loop_post(l, set_stop, l);
}

void loop_run(struct loop *l)
{
    BUG_ON(mine != l);
    l->stopping = false;
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_free(struct loop **loop)
{
    struct loop *l = *loop;
    on_async(&l->async);
    uv_walk(&l->uv, close_handle, NULL);
    while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0)
        ;
    BUG_ON(uv_loop_close(&l->uv) != 0);
    while (!list_empty(&l->spare)) {
        struct fiber *f = OUTER(l->spare.next, struct fiber, link);
        list_cut(&f->link);
        fiber__free(f);
    }
    while (l->spare_defers) {
        struct deferred *next = l->spare_defers->next;
        mem_free(l->spare_defers);
        l->spare_defers = next;
    }
    pthread_mutex_destroy(&l->lock);
    mem_free(l->heap);
    mem_free(l);
    arena_thread_end();
    mine = NULL;
    *loop = NULL;
}
