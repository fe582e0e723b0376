/* Fibers, loops, posts, scopes, blocking calls. SPDX: Apache-2.0 */
#include "fiber/fiber.h"
#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char trace[64];

static void note(const char *c)
{
    strcat(trace, c);
}

static struct fiber *parked;

static void waiter(void *arg)
{
    (void)arg;
    parked = fiber_self();
    note("a");
    assert_int_equal(fiber_park("test", 0), 0);
    note("c");
    loop_stop(loop_self());
}

static void with_loop(fiber_fn *fn, void *arg)
{
    trace[0] = '\0';
    struct loop *l = loop_new(65536, 100);
    assert_true(fiber_start(l, fn, arg));
    loop_run(l);
    assert_int_equal(loop_fibers(l), 0);
    loop_free(&l);
    assert_null(l);
}

static void waker(void *arg)
{
    (void)arg;
    assert_true(fiber_soon(loop_self(), waiter, NULL));
    fiber_yield();
    note("b");
    fiber_wake(parked);
}

static void wake_test(void **state)
{
    (void)state;
    with_loop(waker, NULL);
    assert_string_equal(trace, "abc");
}

static void early_wake(void *arg)
{
    (void)arg;
    fiber_wake(fiber_self());
    assert_int_equal(fiber_park("kept wake", 0), 0);
    uint64_t until = loop_now() + 20000000u;
    assert_int_equal(fiber_park("deadline", until), E_TIMEOUT);
    assert_true(clock_ns() >= until);
    fiber_cancel(fiber_self());
    assert_int_equal(fiber_park("cancelled", 0), E_CANCELLED);
    assert_true(fiber_cancelled());
    note("x");
    loop_stop(loop_self());
}

static void early_wake_test(void **state)
{
    (void)state;
    with_loop(early_wake, NULL);
    assert_string_equal(trace, "x");
}

static void note_defer(void *arg)
{
    note(arg);
}

static void inner(void *arg)
{
    (void)arg;
    fiber_defer(note_defer, "1");
    fiber_defer(note_defer, "2");
    fiber_end();
}

static void over(struct arena *a)
{
    (void)a;
    fiber_end();
}

static void greedy(void *arg)
{
    struct arena *a = arg;
    for (;;)
        arena_new(a, 1000);
}

static void scopes(void *arg)
{
    (void)arg;
    struct arena a;
    fiber_defer(note_defer, "z");
    assert_int_equal(fiber_scope(inner, NULL), E_TOOBIG);
    note("-");
    arena_init(&a, 100000);
    a.over = over;
    assert_int_equal(fiber_scope(greedy, &a), E_TOOBIG);
    assert_true(a.used <= 100000);
    arena_reset(&a);
    note("+");
    loop_stop(loop_self());
}

static void scope_test(void **state)
{
    (void)state;
    with_loop(scopes, NULL);
    assert_string_equal(trace, "21-+z");
}

static void slow(void *arg)
{
    usleep(10000);
    *(int *)arg = 7;
}

static void blocker(void *arg)
{
    int *left = arg, got = 0;
    assert_int_equal(fiber_blocking(slow, &got), 0);
    assert_int_equal(got, 7);
    if (--*left == 0)
        loop_stop(loop_self());
}

static void many_blockers(void *arg)
{
    for (int i = 0; i < 20; i++)
        assert_true(fiber_soon(loop_self(), blocker, arg));
}

static void blocking_test(void **state)
{
    (void)state;
    int left = 20;
    with_loop(many_blockers, &left);
    assert_int_equal(left, 0);
}

static void sleeper(void *arg)
{
    unsigned *done = arg;
    fiber_sleep((uint64_t)(rand() % 30) * 1000000u);
    if (++*done == 90)
        loop_stop(loop_self());
}

static void ceiling(void *arg)
{
    struct loop *l = loop_self();
    for (int i = 0; i < 99; i++)
        assert_int_equal(fiber_soon(l, sleeper, arg), 1);
    assert_false(fiber_soon(l, sleeper, arg)); /* 100 with ourselves */
}

static void ceiling_test(void **state)
{
    (void)state;
    unsigned done = 0;
    struct loop *l = loop_new(65536, 100);
    assert_true(fiber_start(l, ceiling, &done));
    loop_run(l);
    while (loop_fibers(l)) /* the stop came at 90 */
        loop_stop(l), loop_run(l);
    assert_int_equal(done, 99);
    loop_free(&l);
}

struct posts {
    struct loop *loop;
    int seen;
};

static void one_post(void *arg)
{
    struct posts *p = arg;
    if (++p->seen == 4000)
        loop_stop(p->loop);
}

static void *poster(void *arg)
{
    struct posts *p = arg;
    for (int i = 0; i < 1000; i++)
        loop_post(p->loop, one_post, p);
    return NULL;
}

static void post_test(void **state)
{
    (void)state;
    struct posts p = {.loop = loop_new(65536, 10)};
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, poster, &p);
    loop_run(p.loop);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(p.seen, 4000);
    loop_free(&p.loop);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void reuse_test(void **state)
{
    (void)state;
    struct loop *l = loop_new(65536, 10);
    fiber_start(l, nothing, NULL);
    uint64_t before = mem_calls();
    for (int i = 0; i < 1000; i++)
        assert_true(fiber_start(l, nothing, NULL));
    assert_int_equal(mem_calls(), before);
    loop_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wake_test),    cmocka_unit_test(early_wake_test),
        cmocka_unit_test(scope_test),   cmocka_unit_test(blocking_test),
        cmocka_unit_test(ceiling_test), cmocka_unit_test(post_test),
        cmocka_unit_test(reuse_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
