/* histogram.h -- microseconds into buckets of at most 1/512 error. SPDX: Apache-2.0
 * Small enough to stay in the cache, so that counting a latency costs next to nothing. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>
#include <time.h>

enum { HISTOGRAM_FINE = 512, HISTOGRAM_BUCKETS = HISTOGRAM_FINE * 24 };

struct histogram {
    uint64_t count, most;
    uint64_t bucket[HISTOGRAM_BUCKETS];
};

static inline uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Values below 1024 have their own bucket; above, 512 buckets a power of two. */
static inline void histogram_add(struct histogram *h, uint64_t us)
{
    unsigned shift = us < 2 * HISTOGRAM_FINE ? 0 : 54 - (unsigned)__builtin_clzll(us);
    uint64_t at = shift * (uint64_t)HISTOGRAM_FINE + (us >> shift);

    h->bucket[at < HISTOGRAM_BUCKETS ? at : HISTOGRAM_BUCKETS - 1]++;
    h->count++;
    if (us > h->most)
        h->most = us;
}

/* The value that `share` of all are not above. */
static inline uint64_t histogram_at(const struct histogram *h, double share)
{
    uint64_t want = (uint64_t)(share * (double)h->count), seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen > want) {
            unsigned shift = i < 2 * HISTOGRAM_FINE ? 0 : i / HISTOGRAM_FINE - 1;
            return (uint64_t)(i - shift * HISTOGRAM_FINE) << shift;
        }
    }
    return h->most;
}

static inline void histogram_join(struct histogram *into, const struct histogram *h)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->bucket[i] += h->bucket[i];
    into->count += h->count;
    if (h->most > into->most)
        into->most = h->most;
}

#endif
