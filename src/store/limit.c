/* limit.c -- the arithmetic of rate limits on a state of one word. SPDX: Apache-2.0
 * Why one word: it is changed by one compare-and-swap, so that no worker ever waits for another.
 * Pure: time comes in as a number, the state goes out as one.
 *   LIMIT_FIXED    start of the window, 40 bits of milliseconds | count, 24 bits
 *   LIMIT_SLIDING  number of the window, 24 bits | count of the one before, 20 bits | count, 20
 *   LIMIT_BUCKET, LIMIT_GCRA  the time in nanoseconds at which the bucket is full again
 * Workers read the clock a little apart: a time before that of the state counts as that of the
 * state. */
#include "store/store.h"

#define MS UINT64_C(1000000)

enum { COUNT_BITS = 24, PART_BITS = 20, START_BITS = 40, NUMBER_BITS = 24 };

static uint64_t mask(unsigned bits)
{
    return (UINT64_C(1) << bits) - 1;
}

/* to - from on a clock of `bits` bits; 0 when to is the earlier. */
static uint64_t since(uint64_t from, uint64_t to, unsigned bits)
{
    uint64_t d = (to - from) & mask(bits);
    return d >> (bits - 1) ? 0 : d;
}

static uint64_t up(uint64_t n, uint64_t by)
{
    return (n + by - 1) / by;
}

static bool is_bucket(const struct limit_rule *r)
{
    return r->algorithm == LIMIT_BUCKET || r->algorithm == LIMIT_GCRA;
}

const char *limit_unsound(const struct limit_rule *r)
{
    enum { YEAR_DAYS = 366 };
    uint64_t all;
    if (r->rate == 0 || r->capacity == 0)
        return "a rate and a burst are at least 1";
    if (r->capacity > LIMIT_CAPACITY_MOST || r->rate > LIMIT_CAPACITY_MOST)
        return "a rate and its burst are at most 10000000";
    if (r->algorithm == LIMIT_SLIDING && r->capacity > LIMIT_SLIDING_MOST)
        return "sliding_window counts to 1000000 (token_bucket goes to 10000000)";
    if (r->algorithm == LIMIT_LOG && r->capacity > LIMIT_LOG_MOST)
        return "sliding_log remembers 10000 requests at most (sliding_window counts to 1000000)";
    if (r->window_ms < 1000 || r->window_ms > YEAR_DAYS * UINT64_C(86400000))
        return "a window lasts from a second to 366 days";
    if (is_bucket(r) &&
        (__builtin_mul_overflow(r->window_ms * MS / r->rate, r->capacity, &all) || all >> 62))
        return "the burst would take centuries to come back";
    return NULL;
}

/* ---- fixed window ---- */

static uint64_t fixed(const struct limit_rule *r, uint64_t state, uint64_t now, uint32_t cost,
                      struct limit_verdict *v)
{
    uint64_t now_ms = (now / MS) & mask(START_BITS), start = state >> COUNT_BITS;
    uint64_t count = state & mask(COUNT_BITS);
    uint64_t age = since(start, now_ms, START_BITS);
    if (count == 0 || age >= r->window_ms) {
        count = age = 0;
        start = now_ms;
    }
    v->allowed = count + cost <= r->capacity;
    count += v->allowed ? cost : 0;
    v->left = (uint32_t)(r->capacity - count);
    v->reset_ms = r->window_ms - age;
    v->retry_ms = v->allowed ? 0 : v->reset_ms;
    return v->allowed ? start << COUNT_BITS | count : state;
}

/* ---- sliding window, two counters ---- */

struct slide {
    uint64_t number, before, count, age; /* age: of the present window, milliseconds */
};

static inline struct slide slide_at(const struct limit_rule *r, uint64_t state, uint64_t now)
{
    uint64_t now_ms = now / MS, number = (now_ms / r->window_ms) & mask(NUMBER_BITS);
    struct slide s = {.number = state >> (2 * PART_BITS),
                      .before = (state >> PART_BITS) & mask(PART_BITS),
                      .count = state & mask(PART_BITS),
                      .age = now_ms % r->window_ms};
    uint64_t gone = (number - s.number) & mask(NUMBER_BITS);
    if (gone >> (NUMBER_BITS - 1)) { /* a little before the window of the state */
        s.age = 0;
        return s;
    }
    if (gone > 0) {
        s.before = gone == 1 ? s.count : 0;
        s.count = 0;
        s.number = number;
    }
    return s;
}

/* What of `before` is still in sight, in requests times window_ms. */
static uint64_t in_sight(const struct limit_rule *r, const struct slide *s)
{
    return s->before * (r->window_ms - s->age);
}

/* Milliseconds until `cost` more fit, when nobody else comes. */
static uint64_t slide_retry(const struct limit_rule *r, const struct slide *s, uint32_t cost)
{
    uint64_t w = r->window_ms, most = r->capacity;
    if (s->count + cost <= most) { /* in this window: before * (w - age) has to shrink */
        uint64_t room = (most - s->count - cost) * w;
        // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): refused all the same, so before is not 0
        return w - room / s->before - s->age;
    }
    uint64_t room = (most - cost) * w; /* in the next one, where count is what was before */
    return (w - s->age) + (w - room / s->count);
}

static uint64_t sliding(const struct limit_rule *r, uint64_t state, uint64_t now, uint32_t cost,
                        struct limit_verdict *v)
{
    struct slide s = slide_at(r, state, now);
    uint64_t w = r->window_ms, most = (uint64_t)r->capacity * w;
    uint64_t seen = in_sight(r, &s);
    v->allowed = seen + (s.count + cost) * w <= most;
    v->retry_ms = v->allowed ? 0 : cost > r->capacity ? 2 * w : slide_retry(r, &s, cost);
    s.count += v->allowed ? cost : 0;
    uint64_t used = seen + s.count * w;
    v->left = used < most ? (uint32_t)((most - used) / w) : 0;
    v->reset_ms = s.count ? 2 * w - s.age : s.before ? w - s.age : 0;
    return v->allowed ? s.number << (2 * PART_BITS) | s.before << PART_BITS | s.count : state;
}

/* ---- bucket ---- */

static uint64_t bucket(const struct limit_rule *r, uint64_t state, uint64_t now, uint32_t cost,
                       struct limit_verdict *v)
{
    uint64_t step = r->window_ms * MS / r->rate, all = step * r->capacity;
    uint64_t full = state > now ? state : now;
    v->allowed = cost <= r->capacity && full - now <= all - step * cost;
    if (v->allowed)
        full += step * cost;
    v->left = full - now < all ? (uint32_t)((all - (full - now)) / step) : 0;
    v->reset_ms = up(full - now, MS);
    uint64_t room = cost <= r->capacity ? all - step * cost : 0;
    v->retry_ms = v->allowed ? 0 : up(full - now - room, MS);
    return v->allowed ? full : state;
}

uint64_t limit_step(const struct limit_rule *r, uint64_t state, uint64_t now_ns, uint32_t cost,
                    struct limit_verdict *v)
{
    BUG_ON(r->algorithm == LIMIT_LOG);
    if (r->algorithm == LIMIT_FIXED)
        return fixed(r, state, now_ns, cost, v);
    if (r->algorithm == LIMIT_SLIDING)
        return sliding(r, state, now_ns, cost, v);
    return bucket(r, state, now_ns, cost, v);
}

uint64_t limit_used(const struct limit_rule *r, uint64_t state, uint64_t now_ns)
{
    if (is_bucket(r))
        return state > now_ns ? state - now_ns : 0;
    if (r->algorithm == LIMIT_SLIDING) {
        struct slide s = slide_at(r, state, now_ns);
        return in_sight(r, &s) + s.count * r->window_ms;
    }
    uint64_t now_ms = (now_ns / MS) & mask(START_BITS);
    bool over = since(state >> COUNT_BITS, now_ms, START_BITS) >= r->window_ms;
    return over ? 0 : state & mask(COUNT_BITS);
}
