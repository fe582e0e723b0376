/* metrics.h -- counters and histograms, as Prometheus text 0.0.4. SPDX: Apache-2.0
 * Each worker counts into a block of its own (relaxed atomics, one writer); a scrape adds the
 * blocks up. Routes are numbered at start, so counting touches no map. */
#ifndef CAIRN_METRICS_H
#define CAIRN_METRICS_H

#include "base/buf.h"
#include "base/str.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* An endpoint: its number is its place in the list given to metrics_setup. */
struct metrics_route {
    unsigned method;     /* as handed to metrics_request */
    const char *pattern; /* "/v1/users/:id"; several methods may share it */
};
enum {
    METRICS_METHODS_MOST = 8,
    METRICS_ROUTES_MOST = 8192, /* routes beyond are counted as METRICS_NO_ROUTE */
    METRICS_NO_ROUTE = UINT16_MAX
};

/* Once, before any thread begins. methods: names by number, at most METRICS_METHODS_MOST. Copies
 * the lists and the patterns; borrows version and method names (literals). */
void metrics_setup(const char *version, const char *const *methods, size_t method_count,
                   const struct metrics_route *routes, size_t route_count);
void metrics_fini(void); /* after all threads ended */

/* On each thread that counts, once. Without it the calls below do nothing. */
void metrics_thread_begin(void);
void metrics_thread_end(void); /* its counts stay in the sums */

/* An answered request: method as in metrics_setup, ns from its first byte to its last. */
void metrics_request(size_t route, unsigned method, int status, uint64_t ns);

enum metrics_count { /* names and help: metrics.def */
#define X(id, name, labels, type, help) METRICS_##id,
#include "observe/metrics.def"
#undef X
                     METRICS__COUNT
};
/* Counters take positive n; gauges go both ways: a thread adds what it takes away later. */
void metrics_add(enum metrics_count which, int64_t n);

/* Values from elsewhere, one sample each: see metrics_put. */
typedef void metrics_more_fn(struct buf *out, void *ctx);
/* Everything; more (may be NULL) is called to add its own. Any thread. */
void metrics_render(struct buf *out, metrics_more_fn *more, void *ctx);
/* One unlabelled metric with HELP and TYPE. */
void metrics_put(struct buf *out, const char *name, bool counter, uint64_t value, const char *help);

#endif
