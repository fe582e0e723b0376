/* Metrics: what is counted comes out, once, in the text format. SPDX: Apache-2.0 */
#include "observe/metrics.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const methods[] = {"GET", "HEAD", "POST", "OTHER"};
static const struct metrics_route routes[] = {
    {0, "/v1/users"}, {2, "/v1/users"}, {0, "/v1/users/:id"}, {0, "/odd\"\\\n"}};
static struct buf page;

static const char *render(metrics_more_fn *more)
{
    buf_clear(&page);
    metrics_render(&page, more, NULL);
    buf_char(&page, 0);
    assert_false(page.full);
    return page.ptr;
}

static void assert_line(const char *line)
{
    size_t len = strlen(line);
    for (const char *p = page.ptr; (p = strstr(p, line)); p += len)
        if ((p == page.ptr || p[-1] == '\n') && p[len] == '\n')
            return;
    print_error("missing: %s\n%s\n", line, page.ptr);
    assert_true(false);
}

static void *work(void *arg)
{
    metrics_thread_begin();
    for (int i = 0; i < 1000; i++)
        metrics_request(0, 0, 200, 2000000);
    metrics_request(0, 1, 200, 99);
    metrics_request(1, 2, 201, 100000);
    metrics_request(2, 0, 404, 700000000);
    metrics_request(3, 0, 299, 20000000000);
    metrics_request(METRICS_NO_ROUTE, 77, 404, 1);
    metrics_request(METRICS_NO_ROUTE, 0, -5, 1);
    metrics_add(METRICS_CONNECTIONS, 3);
    metrics_add(METRICS_CONN_ACTIVE, 2);
    metrics_add(METRICS_CONN_ACTIVE, -1);
    metrics_add(METRICS_FIBERS, -4);
    metrics_thread_end();
    return arg;
}

static void more(struct buf *out, void *ctx)
{
    (void)ctx;
    metrics_put(out, "cairn_db_reads_total", true, 12, "Reads.");
}

static void test_sums(void **state)
{
    (void)state;
    pthread_t threads[2];
    metrics_setup("1.2.3", methods, 4, routes, 4);
    metrics_request(0, 0, 200, 1); /* not a counting thread: nothing happens */
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 100; i++)
        render(NULL); /* at the same time */
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    render(more);
    assert_line("cairn_build_info{version=\"1.2.3\"} 1");
    assert_line(
        "cairn_http_requests_total{method=\"GET\",route=\"/v1/users\",status=\"200\"} 2000");
    assert_line("cairn_http_requests_total{method=\"HEAD\",route=\"/v1/users\",status=\"200\"} 2");
    assert_line("cairn_http_requests_total{method=\"POST\",route=\"/v1/users\",status=\"201\"} 2");
    assert_line(
        "cairn_http_requests_total{method=\"GET\",route=\"/v1/users/:id\",status=\"404\"} 2");
    assert_line("cairn_http_requests_total{method=\"GET\",route=\"/odd\\\"\\\\\\n\",status="
                "\"other\"} 2");
    assert_line("cairn_http_requests_total{method=\"OTHER\",route=\"\",status=\"404\"} 2");
    assert_line("cairn_http_requests_total{method=\"GET\",route=\"\",status=\"other\"} 2");
    /* one histogram for both methods of a path */
    assert_line("cairn_http_request_duration_seconds_bucket{route=\"/v1/users\",le=\"0.0001\"} 4");
    assert_line("cairn_http_request_duration_seconds_bucket{route=\"/v1/users\",le=\"0.001\"} 4");
    assert_line("cairn_http_request_duration_seconds_bucket{route=\"/v1/users\",le=\"0.0025\"} "
                "2004");
    assert_line("cairn_http_request_duration_seconds_bucket{route=\"/v1/users\",le=\"+Inf\"} 2004");
    assert_line("cairn_http_request_duration_seconds_sum{route=\"/v1/users\"} 4.000200198");
    assert_line("cairn_http_request_duration_seconds_count{route=\"/v1/users\"} 2004");
    assert_line(
        "cairn_http_request_duration_seconds_bucket{route=\"/odd\\\"\\\\\\n\",le=\"10\"} 0");
    assert_line("cairn_http_request_duration_seconds_bucket{route=\"/odd\\\"\\\\\\n\",le=\"+Inf\"} "
                "2");
    assert_line("cairn_http_request_duration_seconds_count{route=\"\"} 4");
    assert_line("cairn_connections_total 6");
    assert_line("cairn_connections{state=\"active\"} 2");
    assert_line("cairn_connections{state=\"idle\"} 0");
    assert_line("cairn_fibers -8");
    assert_line("cairn_log_dropped_total 0");
    assert_line("cairn_db_reads_total 12");
    assert_line("# TYPE cairn_db_reads_total counter");
}

/* Each family is announced once and before its samples, and each series comes once. */
static void test_form(void **state)
{
    (void)state;
    static char lines[4096][256];
    size_t count = 0;
    char family[128] = "";
    for (char *p = page.ptr, *end; (end = strchr(p, '\n')); p = end + 1) {
        assert_true((size_t)(end - p) < sizeof lines[0]);
        char *line = lines[count];
        memcpy(line, p, (size_t)(end - p));
        line[end - p] = 0;
        if (sscanf(line, "# TYPE %127s", family) == 1 || line[0] == '#') {
            assert_true(line[1] == ' ');
        } else {
            assert_int_equal(strncmp(line, family, strlen(family)), 0);
            *strrchr(line, ' ') = 0;
        }
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(lines[i], line);
        assert_true(++count < 4096);
    }
    assert_true(count > 80);
    for (const char *const *name =
             (const char *const[]){"process_resident_memory_bytes", "process_cpu_seconds_total",
                                   "process_open_fds", "process_start_time_seconds", NULL};
         *name; name++)
        assert_non_null(strstr(page.ptr, *name));
}

static void test_cost(void **state)
{
    (void)state;
    enum { ROUNDS = 100000 };
    metrics_thread_begin();
    uint64_t calls = mem_calls(), start = clock_ns();
    for (int i = 0; i < ROUNDS; i++)
        metrics_request(0, 0, 200, 900000);
    print_message("counting a request takes %llu ns\n",
                  (unsigned long long)((clock_ns() - start) / ROUNDS));
    assert_int_equal(mem_calls(), calls);
    metrics_thread_end();
}

static int end(void **state)
{
    (void)state;
    metrics_fini();
    metrics_fini(); /* twice does no harm */
    buf_fini(&page);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_form),
                                       cmocka_unit_test(test_cost)};
    buf_init(&page, 1 << 20);
    return cmocka_run_group_tests(tests, NULL, end);
}
