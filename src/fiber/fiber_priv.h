/* Private to src/fiber. SPDX: Apache-2.0 */
#ifndef CAIRN_FIBER_PRIV_H
#define CAIRN_FIBER_PRIV_H

#include "fiber/fiber.h"
#include "fiber/switch.h"

#include <pthread.h>
#include <setjmp.h>
#include <uv.h>

/* FREE --start--> RUNNING --park--> PARKED --wake, deadline, cancel--> READY --turn--> RUNNING
 *   ^------------------end-----------'
 * RUNNING: on its stack now. READY: in loop->ready. PARKED: somebody must wake it. */
enum fiber_state { FIBER_FREE, FIBER_RUNNING, FIBER_PARKED, FIBER_READY };

struct deferred {
    struct deferred *next;
    defer_fn *fn;
    void *arg;
};

struct scope {
    struct scope *outer;
    struct deferred *mark; /* defers made before the scope */
    jmp_buf out;
};

struct hook {
    defer_fn *fn;
    void *arg;
};

enum { FIBER_MAGIC = 0x46494252 };

struct fiber {
    uint32_t magic;
    enum fiber_state state;
    struct link link; /* in loop->spare or loop->ready */
    struct loop *loop;
    struct context context;
    void *stack; /* lowest byte, above the guard page */
    size_t stack_size;
    fiber_fn *fn;
    void *arg;
    const char *why;
    int result; /* of the park */
    bool woken; /* a wake came while it was not parked */
    bool cancelled;
    bool made;  /* the stack has been set up */
    bool firm;  /* the present park is not for cancelling */
    int nowait; /* depth of NOWAIT sections */
    uint64_t deadline;
    size_t heap_at; /* 1 + position in loop->heap, 0: not there */
    struct deferred *defers;
    struct scope *scope;
    struct hook after; /* fn NULL: none */
    fiber_tell_fn *tell;
    void *tell_arg;
    void *fake_stack; /* ASan */
    void *tsan;       /* TSan's own notion of this fiber */
};

struct post {
    struct post *next;
    defer_fn *fn;
    void *arg;
};

enum { HOOKS_MOST = 16, EVERY_MOST = 16 };

struct loop {
    uv_loop_t uv;
    uv_async_t async;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_timer_t timer; /* earliest deadline in heap */
    struct every {
        uv_timer_t timer;
        defer_fn *fn;
        void *arg;
    } every[EVERY_MOST];
    unsigned every_count;
    struct hook hooks[HOOKS_MOST];
    unsigned hook_count;
    pthread_mutex_t lock; /* guards posts */
    struct post *posts, **posts_end;
    struct context main;
    struct fiber *running;
    struct link ready, spare;
    unsigned alive, spare_count, most;
    size_t stack_size;
    struct fiber **heap;
    size_t heap_count, heap_cap;
    struct deferred *spare_defers;
    void *main_fake_stack, *main_tsan;
    const void *main_stack; /* ASan: told at the first switch */
    size_t main_stack_size;
    bool stopping;
};

struct fiber *fiber__get(struct loop *l); /* a fiber with a stack, or NULL past the ceiling */
void fiber__free(struct fiber *f);
void fiber__resume(struct fiber *f); /* from the main stack: runs f until it parks or ends */
void fiber__main(void);              /* the bottom of every fiber */
void heap__add(struct loop *l, struct fiber *f);
void heap__cut(struct loop *l, struct fiber *f);

#endif
