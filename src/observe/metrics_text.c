/* metrics_text.c -- the sums as Prometheus text 0.0.4. SPDX: Apache-2.0
 * Series that never counted are left out, but those of metrics.def, so that a page stays small with
 * hundreds of routes. */
#include "observe/log.h"
#include "observe/metrics_priv.h"

void metrics__head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics__label(struct buf *out, str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\n')
            buf_lit(out, "\\n");
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else
            buf_char(out, c);
    }
}

void metrics_put(struct buf *out, const char *name, bool counter, uint64_t value, const char *help)
{
    metrics__head(out, name, counter ? "counter" : "gauge", help);
    buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static uint64_t get(const _Atomic uint64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

#define SUM(m, total, field)                                                                       \
    for (const struct metrics_block *b = (m)->blocks; b; b = b->next)                              \
    (total) += get(&b->field)

/* ---- requests by method, route and status ---- */

static void put_requests(struct buf *out, const char *method, str route, size_t slot, uint64_t n)
{
    if (n == 0)
        return;
    buf_printf(out, "cairn_http_requests_total{method=\"%s\",route=\"", method);
    metrics__label(out, route);
    if (metrics__statuses[slot])
        buf_printf(out, "\",status=\"%u\"} ", metrics__statuses[slot]);
    else
        buf_lit(out, "\",status=\"other\"} ");
    buf_u64(out, n);
    buf_char(out, '\n');
}

static void requests(struct buf *out, const struct metrics *m)
{
    metrics__head(out, "cairn_http_requests_total", "counter",
                  "Requests answered; route is empty when none matched.");
    for (size_t i = 0; i < m->route_count; i++) {
        for (unsigned head = 0; head < 2; head++) {
            const char *method = head ? "HEAD" : m->methods[m->routes[i].method];
            for (size_t slot = 0; slot < METRICS_STATUSES; slot++) {
                uint64_t n = 0;
                SUM(m, n, by_route[i].status[head][slot]);
                put_requests(out, method, str_of(m->routes[i].pattern), slot, n);
            }
        }
    }
    for (size_t method = 0; method < m->method_count; method++) {
        for (size_t slot = 0; slot < METRICS_STATUSES; slot++) {
            uint64_t n = 0;
            SUM(m, n, no_route[method][slot]);
            put_requests(out, m->methods[method], LIT(""), slot, n);
        }
    }
}

/* ---- times ---- */

static void put_seconds(struct buf *out, uint64_t ns)
{
    char digits[16];
    size_t len = 9;
    for (uint64_t n = ns % 1000000000, i = 9; i > 0; i--, n /= 10)
        digits[i - 1] = (char)('0' + n % 10);
    while (len > 0 && digits[len - 1] == '0')
        len--;
    buf_u64(out, ns / 1000000000);
    if (len)
        buf_char(out, '.');
    buf_add(out, digits, len);
}

static void put_times(struct buf *out, const struct metrics *m, size_t pattern, str route)
{
    uint64_t count = 0, sum = 0, each[METRICS_BUCKETS] = {0};
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        SUM(m, each[i], by_pattern[pattern].buckets[i]);
        count += each[i];
    }
    if (count == 0)
        return;
    SUM(m, sum, by_pattern[pattern].sum_ns);
    count = 0;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        count += each[i];
        buf_lit(out, "cairn_http_request_duration_seconds_bucket{route=\"");
        metrics__label(out, route);
        buf_lit(out, "\",le=\"");
        if (i < METRICS_BUCKETS - 1)
            put_seconds(out, metrics__bounds[i]);
        else
            buf_lit(out, "+Inf");
        buf_printf(out, "\"} %llu\n", (unsigned long long)count);
    }
    buf_lit(out, "cairn_http_request_duration_seconds_sum{route=\"");
    metrics__label(out, route);
    buf_lit(out, "\"} ");
    put_seconds(out, sum);
    buf_lit(out, "\ncairn_http_request_duration_seconds_count{route=\"");
    metrics__label(out, route);
    buf_printf(out, "\"} %llu\n", (unsigned long long)count);
}

static void times(struct buf *out, const struct metrics *m)
{
    metrics__head(out, "cairn_http_request_duration_seconds", "histogram",
                  "Time from the first byte of a request to the last of its answer.");
    for (size_t i = 0, seen = 0; i < m->route_count; i++) {
        if (m->pattern_of[i] != seen) /* patterns are numbered in the order of their first route */
            continue;
        put_times(out, m, seen++, str_of(m->routes[i].pattern));
    }
    put_times(out, m, m->pattern_count, LIT(""));
}

/* ---- metrics.def ---- */

static const struct {
    const char *name, *labels, *type, *help;
} lines[] = {
#define X(id, name, labels, type, help) {name, labels, type, help},
#include "observe/metrics.def"
#undef X
};

static void counts(struct buf *out, const struct metrics *m)
{
    for (size_t i = 0; i < METRICS__COUNT; i++) {
        uint64_t n = 0;
        SUM(m, n, counts[i]);
        if (i == 0 || strcmp(lines[i].name, lines[i - 1].name) != 0)
            metrics__head(out, lines[i].name, lines[i].type, lines[i].help);
        buf_str(out, str_of(lines[i].name));
        if (lines[i].labels[0])
            buf_printf(out, "{%s}", lines[i].labels);
        buf_printf(out, " %lld\n", (long long)n);
    }
}

void metrics_render(struct buf *out, metrics_more_fn *more, void *ctx)
{
    struct metrics *m = &metrics__all;
    metrics__head(out, "cairn_build_info", "gauge", "The version that runs; always 1.");
    buf_printf(out, "cairn_build_info{version=\"%s\"} 1\n", m->version ? m->version : "");
    pthread_mutex_lock(&m->lock); /* against a thread that begins; counting goes on */
    requests(out, m);
    times(out, m);
    counts(out, m);
    pthread_mutex_unlock(&m->lock);
    metrics_put(out, "cairn_log_dropped_total", true, log_dropped(),
                "Log lines lost because nobody read them in time.");
    if (more)
        more(out, ctx);
    metrics__process(out);
}
