/* Each algorithm against a plain model, in random sequences with a clock of the test's own; the
 * table's bounds, and what it forgets first; threads that all ask at once. */
#include "model.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static const enum limit_algorithm all[] = {LIMIT_FIXED, LIMIT_SLIDING, LIMIT_LOG, LIMIT_BUCKET,
                                           LIMIT_GCRA};

static struct limit_rule random_rule(enum limit_algorithm a)
{
    static const uint64_t windows[] = {1000, 7000, 60000, 3600000};
    struct limit_rule r = {.algorithm = a, .window_ms = windows[model_random(4)]};
    r.rate = (uint32_t)(1 + model_random(12));
    r.capacity = (uint32_t)(1 + model_random(20));
    return r;
}

/* Mostly small steps, now and then a long one: over one window or several. */
static uint64_t random_step(uint64_t window_ms)
{
    uint64_t kind = model_random(10);
    uint64_t most = kind < 5 ? window_ms / 20 : kind < 9 ? window_ms : 5 * window_ms;
    return model_random(most + 1) * 1000000;
}

static void test_model(void **state)
{
    enum { SEQUENCES = 400, REQUESTS = 250 };
    (void)state;
    for (size_t n = 0; n < COUNT_OF(all) * SEQUENCES; n++) {
        model_seed = n;
        struct model m = {.rule = random_rule(all[n % COUNT_OF(all)])};
        struct limit_table *t = limit_table_new(&m.rule, 1, 1 << 20);
        uint64_t now = (1 + model_random(1000000)) * 1000000;
        for (int i = 0; i < REQUESTS; i++) {
            struct limit_verdict v;
            uint32_t cost = model_random(4) ? 1 : (uint32_t)(1 + model_random(6));
            now += random_step(m.rule.window_ms);
            limit_take(t, 12345, now, cost, &v);
            model_hold(&m, now, cost, &v);
        }
        limit_table_free(&t);
    }
}

/* A worker whose clock is a little behind the state changes nothing but its own count; of a bucket
 * that is full to the brim it may get one less. */
static void test_late_clock(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct limit_rule r = {.algorithm = all[i], .capacity = 3, .rate = 3, .window_ms = 60000};
        struct limit_table *t = limit_table_new(&r, 1, 1 << 20);
        uint64_t now = UINT64_C(120000) * 1000000; /* the first moment of a window */
        struct limit_verdict v;
        for (int n = 0; n < 5; n++) {
            limit_take(t, 7, now - (uint64_t)n * 2000000, 1, &v);
            if (n != 2 || all[i] < LIMIT_BUCKET)
                assert_int_equal(v.allowed, n < 3);
        }
        limit_table_free(&t);
    }
}

static void test_unsound(void **state)
{
    struct limit_rule good = {.algorithm = LIMIT_GCRA, .capacity = 5, .rate = 5, .window_ms = 1000};
    struct limit_rule r = good;
    (void)state;
    assert_null(limit_unsound(&r));
    r.rate = 0;
    assert_non_null(limit_unsound(&r));
    r = good;
    r.window_ms = 999;
    assert_non_null(limit_unsound(&r));
    r = (struct limit_rule){LIMIT_SLIDING, LIMIT_SLIDING_MOST + 1, 5, 1000};
    assert_non_null(limit_unsound(&r));
    r = (struct limit_rule){LIMIT_LOG, LIMIT_LOG_MOST + 1, 5, 1000};
    assert_non_null(limit_unsound(&r));
    r = (struct limit_rule){LIMIT_BUCKET, LIMIT_CAPACITY_MOST, 1, 86400000};
    assert_non_null(limit_unsound(&r));
}

static uint64_t mix(uint64_t n)
{
    n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9ULL;
    n = (n ^ (n >> 27)) * 0x94D049BB133111EBULL;
    return n ^ (n >> 31);
}

/* A million addresses: no memory is taken beyond what the table had, and who was refused before the
 * flood is refused after it. */
static void test_million(void **state)
{
    enum { KEYS = 65536, ADDRESSES = 1000000, GREEDY = 50 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct limit_rule r = {.algorithm = all[i], .capacity = 10, .rate = 10, .window_ms = 60000};
        struct limit_table *t = limit_table_new(&r, KEYS, 8 << 20);
        struct limit_verdict v = {.allowed = false};
        uint64_t now = UINT64_C(600000) * 1000000, calls = mem_calls();
        for (uint64_t g = 0; g < GREEDY; g++)
            for (int n = 0; n < 10; n++)
                limit_take(t, mix(g + 1), now, 1, &v);
        for (uint64_t a = 0; a < ADDRESSES; a++) {
            limit_take(t, mix(1000 + a), now + a, 1, &v);
            assert_true(v.allowed);
        }
        for (uint64_t g = 0; g < GREEDY; g++) {
            limit_take(t, mix(g + 1), now + ADDRESSES, 1, &v);
            assert_false(v.allowed);
        }
        assert_true(mem_calls() == calls);
        assert_true(limit_table_bytes(t) <= 2 * KEYS * 16 + (8 << 20) + 64);
        assert_true(limit_table_evicted(t) > ADDRESSES / 2);
        /* Once all is idle again, keys find places without driving anybody out. */
        uint64_t evicted = limit_table_evicted(t);
        for (uint64_t a = 0; a < KEYS / 8; a++)
            limit_take(t, mix(5000000 + a), now + UINT64_C(200000) * 1000000, 1, &v);
        assert_true(limit_table_evicted(t) - evicted < KEYS / 80);
        limit_table_free(&t);
    }
}

/* ---- threads ---- */

enum { THREADS = 4, ASKS = 20000 };

struct crowd {
    struct limit_table *table;
    uint64_t now;
    _Atomic unsigned allowed;
};

static void *ask(void *arg)
{
    struct crowd *c = arg;
    struct limit_verdict v;
    for (int i = 0; i < ASKS; i++) {
        limit_take(c->table, 99, c->now, 1, &v);
        if (v.allowed)
            atomic_fetch_add(&c->allowed, 1);
    }
    return NULL;
}

static void together(void *(*run)(void *), void *arg)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, arg), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* One key, one moment: exactly the capacity is allowed, whoever asks. */
static void test_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct limit_rule r = {all[i], 1000, 1000, 3600000};
        struct crowd c = {limit_table_new(&r, 64, 1 << 20), UINT64_C(7200000) * 1000000, 0};
        together(ask, &c);
        assert_int_equal(atomic_load(&c.allowed), 1000);
        limit_table_free(&c.table);
    }
}

/* Counted by both owners, and there until the last of them has let go. */
static void test_share(void **state)
{
    (void)state;
    struct limit_rule r = {.algorithm = LIMIT_GCRA, .capacity = 3, .rate = 3, .window_ms = 900000};
    struct limit_table *one = limit_table_new(&r, 8, 0), *two = limit_table_share(one);
    struct limit_verdict v;
    for (int i = 0; i < 3; i++)
        limit_take(i % 2 ? one : two, 7, 1000, 1, &v);
    assert_true(v.allowed);
    limit_table_free(&one);
    limit_take(two, 7, 1000, 1, &v);
    assert_false(v.allowed);
    limit_table_free(&two);
    assert_null(two);
}

static void *churn(void *arg)
{
    struct crowd *c = arg;
    struct limit_verdict v;
    uint64_t seed = (uint64_t)(uintptr_t)&v;
    for (int i = 0; i < ASKS; i++) {
        seed = mix(seed + 1);
        limit_take(c->table, mix(seed % 500), c->now + (uint64_t)i * 1000, 1, &v);
        if (v.left > limit_table_rule(c->table)->capacity)
            abort();
        if (v.allowed)
            atomic_fetch_add(&c->allowed, 1);
    }
    return NULL;
}

/* More keys than places: places change hands all the time, and each request is answered. */
static void test_churn(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct limit_rule r = {all[i], 5, 5, 3600000};
        struct crowd c = {limit_table_new(&r, 64, 1 << 20), UINT64_C(7200000) * 1000000, 0};
        together(churn, &c);
        assert_true(atomic_load(&c.allowed) > 500);
        assert_true(limit_table_evicted(c.table) > 0);
        limit_table_free(&c.table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),   cmocka_unit_test(test_late_clock),
        cmocka_unit_test(test_unsound), cmocka_unit_test(test_million),
        cmocka_unit_test(test_share),   cmocka_unit_test(test_exact),
        cmocka_unit_test(test_churn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
