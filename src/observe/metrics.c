/* metrics.c -- counting without locks, adding up at a scrape. SPDX: Apache-2.0
 * Why blocks: a counter that all workers add to bounces its cache line between cores at every
 * request. Each thread owns a block; only it writes (a plain load and store, relaxed), a scrape
 * reads. Invariants: (1) one writer per block. (2) Blocks stay in the list when their thread ends,
 * so that sums never fall; metrics_fini frees them. (3) The routes do not change once a thread
 * began. */
#include "observe/metrics_priv.h"

#include "base/clock.h"
#include "base/mem.h"

struct metrics metrics__all = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Thread_local struct metrics_block *mine;

const uint16_t metrics__statuses[METRICS_STATUSES] = {
    200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403,
    404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 421, 422,
    425, 428, 429, 431, 499, 500, 501, 502, 503, 504, 505, 507, 0};
const uint64_t metrics__bounds[METRICS_BUCKETS - 1] = {
    100000,   250000,    500000,    1000000,   2500000,    5000000,    10000000,   25000000,
    50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000, 10000000000};

/* Position of a status in metrics__statuses, for 100 to 599; made at setup. */
static uint8_t status_slot[500];

static void fill_status_slots(void)
{
    memset(status_slot, METRICS_STATUSES - 1, sizeof status_slot);
    for (size_t i = 0; i + 1 < METRICS_STATUSES; i++)
        status_slot[metrics__statuses[i] - 100] = (uint8_t)i;
}

/* Routes of one pattern share a histogram: the label is the pattern alone. */
static void number_patterns(struct metrics *m)
{
    struct map seen;
    map_init(&seen);
    for (size_t i = 0; i < m->route_count; i++) {
        str pattern = str_of(m->routes[i].pattern);
        size_t *number = map_get(&seen, pattern);
        if (!number) {
            number = &m->pattern_of[i];
            *number = m->pattern_count++;
            map_set(&seen, pattern, number);
        }
        m->pattern_of[i] = *number;
    }
    map_fini(&seen);
}

void metrics_setup(const char *version, const char *const *methods, size_t method_count,
                   const struct metrics_route *routes, size_t route_count)
{
    struct metrics *m = &metrics__all;
    BUG_ON(m->blocks || m->routes || method_count == 0 || method_count > METRICS_METHODS_MOST);
    m->version = version;
    m->method_count = method_count;
    memcpy(m->methods, methods, method_count * sizeof *methods);
    m->route_count = route_count < METRICS_ROUTES_MOST ? route_count : METRICS_ROUTES_MOST;
    m->routes = mem_zero(m->route_count + 1, sizeof *m->routes);
    m->pattern_of = mem_zero(m->route_count + 1, sizeof *m->pattern_of);
    for (size_t i = 0; i < m->route_count; i++) {
        const char *p = routes[i].pattern;
        m->routes[i] = (struct metrics_route){routes[i].method, mem_text(p, strlen(p))};
    }
    number_patterns(m);
    fill_status_slots();
    m->started_us = clock_wall_us();
}

void metrics_fini(void)
{
    struct metrics *m = &metrics__all;
    while (m->blocks) {
        struct metrics_block *next = m->blocks->next;
        mem_free(m->blocks->by_route);
        mem_free(m->blocks->by_pattern);
        mem_free(m->blocks);
        m->blocks = next;
    }
    for (size_t i = 0; i < m->route_count; i++)
        mem_free((char *)(uintptr_t)m->routes[i].pattern);
    mem_free(m->routes);
    mem_free(m->pattern_of);
    mine = NULL;
    *m = (struct metrics){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void metrics_thread_begin(void)
{
    struct metrics *m = &metrics__all;
    BUG_ON(mine);
    struct metrics_block *b = mem_zero(1, sizeof *b);
    b->by_route = mem_zero(m->route_count + 1, sizeof *b->by_route);
    b->by_pattern = mem_zero(m->pattern_count + 1, sizeof *b->by_pattern);
    pthread_mutex_lock(&m->lock);
    b->next = m->blocks;
    m->blocks = b;
    pthread_mutex_unlock(&m->lock);
    mine = b;
}

void metrics_thread_end(void)
{
    mine = NULL;
}

/* One writer: no need for a locked instruction. */
static void bump(_Atomic uint64_t *at, uint64_t n)
{
    uint64_t now = atomic_load_explicit(at, memory_order_relaxed);
    atomic_store_explicit(at, now + n, memory_order_relaxed);
}

static void observe(struct metrics_times *t, uint64_t ns)
{
    size_t at = 0;
    while (at < METRICS_BUCKETS - 1 && ns > metrics__bounds[at])
        at++;
    bump(&t->buckets[at], 1);
    bump(&t->sum_ns, ns);
}

void metrics_request(size_t route, unsigned method, int status, uint64_t ns)
{
    const struct metrics *m = &metrics__all;
    struct metrics_block *b = mine;
    if (!b)
        return;
    size_t slot = status >= 100 && status < 600 ? status_slot[status - 100] : METRICS_STATUSES - 1;
    if (method >= m->method_count)
        method = (unsigned)m->method_count - 1;
    if (route >= m->route_count) {
        bump(&b->no_route[method][slot], 1);
        observe(&b->by_pattern[m->pattern_count], ns);
        return;
    }
    /* A route answers its own method, and HEAD when that is GET: nothing else finds it. */
    bump(&b->by_route[route].status[method != m->routes[route].method][slot], 1);
    observe(&b->by_pattern[m->pattern_of[route]], ns);
}

void metrics_add(enum metrics_count which, int64_t n)
{
    if (mine)
        bump(&mine->counts[which], (uint64_t)n);
}
