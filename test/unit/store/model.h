/* Plain models of the limits: a list of what was allowed, looked through each time. */
#ifndef CAIRN_TEST_MODEL_H
#define CAIRN_TEST_MODEL_H

#include "store/store.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { MODEL_MOST = 4000 };

struct model {
    struct limit_rule rule;
    uint64_t at[MODEL_MOST]; /* nanoseconds */
    uint32_t cost[MODEL_MOST];
    size_t count;
};

static uint64_t model_sum(const struct model *m, uint64_t from, uint64_t until)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->count; i++)
        sum += m->at[i] >= from && m->at[i] < until ? m->cost[i] : 0;
    return sum;
}

/* Windows that begin with the first request after the one before: all over again each time. */
static uint64_t model_fixed(const struct model *m, uint64_t now, uint64_t window)
{
    uint64_t start = 0, used = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (i == 0 || m->at[i] - start >= window) {
            start = m->at[i];
            used = 0;
        }
        used += m->cost[i];
    }
    return m->count && now - start < window ? used : 0;
}

/* What is used up of the capacity, times `unit` (for the exact comparison of fractions). */
static uint64_t model_used(const struct model *m, uint64_t now, uint64_t *unit)
{
    uint64_t window = m->rule.window_ms * 1000000, here = now / window * window;
    *unit = 1;
    if (m->rule.algorithm == LIMIT_FIXED)
        return model_fixed(m, now, window);
    if (m->rule.algorithm == LIMIT_LOG)
        return model_sum(m, now >= window ? now - window + 1 : 0, UINT64_MAX);
    if (m->rule.algorithm == LIMIT_SLIDING) {
        *unit = m->rule.window_ms;
        uint64_t before = here >= window ? model_sum(m, here - window, here) : 0;
        return before * (window - (now - here)) / 1000000 + model_sum(m, here, UINT64_MAX) * *unit;
    }
    /* The level of a bucket that leaks one in `step`. */
    uint64_t step = window / m->rule.rate, level = 0, last = 0;
    for (size_t i = 0; i < m->count; i++) {
        level -= level < m->at[i] - last ? level : m->at[i] - last;
        level += m->cost[i] * step;
        last = m->at[i];
    }
    *unit = step;
    return level < now - last ? 0 : level - (now - last);
}

static bool model_fits(const struct model *m, uint64_t now, uint32_t cost)
{
    uint64_t unit, used = model_used(m, now, &unit);
    return used + cost * unit <= m->rule.capacity * unit;
}

static uint32_t model_left(const struct model *m, uint64_t now)
{
    uint64_t unit, used = model_used(m, now, &unit), all = m->rule.capacity * unit;
    return used < all ? (uint32_t)((all - used) / unit) : 0;
}

static uint64_t model_seed;

static uint64_t model_random(uint64_t below)
{
    model_seed = model_seed * 6364136223846793005u + 1442695040888963407u;
    return (model_seed >> 33) % below;
}

/* Holds a verdict to the model, which then takes the request too. The model's clock is in
 * nanoseconds, what a verdict tells in milliseconds. */
static void model_hold(struct model *m, uint64_t now, uint32_t cost, const struct limit_verdict *v)
{
    const uint64_t ms = 1000000;
    assert_int_equal(v->allowed, model_fits(m, now, cost));
    if (v->allowed && m->count < MODEL_MOST) {
        m->at[m->count] = now;
        m->cost[m->count++] = cost;
    }
    assert_int_equal(v->left, model_left(m, now));
    assert_int_equal(model_left(m, now + v->reset_ms * ms), m->rule.capacity);
    if (v->allowed) {
        assert_int_equal(v->retry_ms, 0);
    } else if (cost <= m->rule.capacity) {
        assert_true(v->retry_ms > 0);
        assert_false(model_fits(m, now + (v->retry_ms - 1) * ms, cost));
        assert_true(model_fits(m, now + v->retry_ms * ms, cost));
    }
}

#endif
