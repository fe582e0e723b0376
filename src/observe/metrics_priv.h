/* Private to src/observe: what is counted, and its rendering. SPDX: Apache-2.0 */
#ifndef CAIRN_METRICS_PRIV_H
#define CAIRN_METRICS_PRIV_H

#include "base/map.h"
#include "observe/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

enum { METRICS_STATUSES = 41, METRICS_BUCKETS = 17 }; /* the last of each: all others */
extern const uint16_t metrics__statuses[METRICS_STATUSES];
extern const uint64_t metrics__bounds[METRICS_BUCKETS - 1]; /* ns */

struct metrics_times {
    _Atomic uint64_t buckets[METRICS_BUCKETS]; /* not cumulated */
    _Atomic uint64_t sum_ns;
};

struct metrics_statuses {
    _Atomic uint64_t status[2][METRICS_STATUSES]; /* the route's own method; HEAD */
};

/* Of one thread. */
struct metrics_block {
    struct metrics_block *next;
    struct metrics_statuses *by_route;
    struct metrics_times *by_pattern; /* the last: no route */
    _Atomic uint64_t no_route[METRICS_METHODS_MOST][METRICS_STATUSES];
    _Atomic uint64_t counts[METRICS__COUNT];
};

struct metrics {
    pthread_mutex_t lock; /* over blocks */
    struct metrics_block *blocks;
    const char *version;
    const char *methods[METRICS_METHODS_MOST];
    size_t method_count;
    struct metrics_route *routes;
    size_t route_count;
    size_t *pattern_of; /* route -> pattern */
    size_t pattern_count;
    int64_t started_us;
};
extern struct metrics metrics__all;

void metrics__process(struct buf *out); /* process_*, from the operating system */
void metrics__head(struct buf *out, const char *name, const char *type, const char *help);
void metrics__label(struct buf *out, str value); /* escaped */

#endif
