/* Log lines: form, escaping, bounds, and a reader that does not read. SPDX: Apache-2.0 */
#include "observe/log.h"

#include "base/clock.h"
#include "base/mem.h"
#include "data/data.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/cairn-log-XXXXXX";
static char text[1 << 20];

/* What was written since the last call. */
static const char *written(int fd)
{
    static off_t at;
    log_flush();
    ssize_t n = pread(fd, text, sizeof text - 1, at);
    assert_true(n >= 0);
    text[n] = 0;
    at += n;
    return text;
}

static int file;

static const struct value *parsed(const char *line, struct value *v, struct arena *a)
{
    struct err err = {0};
    int code = json_parse(a, str_trim(str_upto(str_of(line), strcspn(line, "\n"))),
                          &json_limits_default, v, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, 0);
    return v;
}

static void assert_member(const struct value *v, const char *name, const char *want)
{
    const struct value *m = value_get(v, str_of(name));
    assert_non_null(m);
    assert_true(str_is(m->text, want));
}

static void test_json(void **state)
{
    (void)state;
    struct arena a;
    struct value v;
    struct log l;
    arena_init(&a, 1 << 20);
    log_setup(file, LOG_INFO, LOG_FORMAT_AUTO);
    log_begin(&l, LOG_INFO, "listening");
    log_str(&l, "url", LIT("http://127.0.0.1:8080"));
    log_int(&l, "workers", -4);
    log_int(&l, "least", INT64_MIN);
    log_bool(&l, "ok", true);
    log_end(&l);
    parsed(written(file), &v, &a);
    assert_member(&v, "level", "info");
    assert_member(&v, "msg", "listening");
    assert_member(&v, "url", "http://127.0.0.1:8080");
    assert_int_equal(value_get(&v, LIT("workers"))->i, -4);
    assert_true(value_get(&v, LIT("least"))->i == INT64_MIN);
    assert_true(value_get(&v, LIT("ok"))->truth);
    str ts = value_get(&v, LIT("ts"))->text;
    assert_int_equal(ts.len, 24);
    assert_int_equal(ts.ptr[23], 'Z');
    char canon[TIME_CANON_LEN];
    assert_true(time_canon(ts, canon));
    arena_reset(&a);
}

static void test_levels(void **state)
{
    (void)state;
    log_event(LOG_DEBUG, "hidden");
    assert_string_equal(written(file), "");
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "shown");
    assert_non_null(strstr(written(file), "\"level\":\"debug\",\"msg\":\"shown\"}\n"));
    log_set_level(LOG_ERROR);
    log_event(LOG_WARN, "hidden");
    log_request(&(struct log_request){.path = LIT("/hidden")});
    assert_string_equal(written(file), "");
    log_set_level(LOG_INFO);
}

static void test_injection(void **state)
{
    (void)state;
    log_event_str(LOG_INFO, "x", "v", LIT("a\nb\r\"\\\x1b[31m\x7f\0z"));
    assert_non_null(
        strstr(written(file), "\"v\":\"a\\nb\\u000d\\\"\\\\\\u001b[31m\\u007f\\u0000z\"}\n"));
    log_event_str(LOG_INFO, "x", "v",
                  LIT("\xc3\xa4\xff\xc2\x9b\xe2\x80\xa8\xe2\x80\xae\xf0\x9f\x98\x80\xe2\x82"));
    assert_non_null(strstr(written(file), "\"v\":\"\xc3\xa4\\ufffd\\u009b\\u2028\\u202e"
                                          "\xf0\x9f\x98\x80\\ufffd\\ufffd\"}\n"));
    log_set_format(LOG_FORMAT_PRETTY);
    log_event_str(LOG_INFO, "x", "v", LIT("a\n12:00:00 error  forged=1"));
    const char *line = written(file);
    assert_non_null(strstr(line, " info  x v=\"a\\n12:00:00 error  forged=1\"\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    log_set_format(LOG_FORMAT_JSON);
}

static void test_request(void **state)
{
    (void)state;
    struct log_request r = {LIT("id-1"), LIT("GET"), LIT("/v1/a\"b"), LIT("/v1/:x"), 404, 1234, 56};
    log_request(&r);
    assert_non_null(strstr(written(file),
                           "\"level\":\"info\",\"msg\":\"request\",\"request_id\":\"id-1\","
                           "\"method\":\"GET\",\"path\":\"/v1/a\\\"b\",\"status\":404,"
                           "\"duration_us\":1234,\"bytes\":56,\"route\":\"/v1/:x\"}\n"));
    log_set_format(LOG_FORMAT_PRETTY);
    log_request(&r);
    assert_non_null(strstr(written(file), " GET /v1/a\\\"b 404 1.234ms 56B id=id-1\n"));
    log_set_format(LOG_FORMAT_JSON);
}

static void test_bounds(void **state)
{
    (void)state;
    static char big[100000];
    struct arena a;
    struct value v;
    struct log l;
    arena_init(&a, 1 << 20);
    for (int round = 0; round < 3; round++) {
        memset(big, round == 0 ? 'x' : round == 1 ? '\x01' : '\xff', sizeof big);
        log_begin(&l, LOG_INFO, "big");
        for (int i = 0; i < 40; i++)
            log_str(&l, "field", str_make(big, sizeof big - (size_t)i));
        log_end(&l);
        struct log_request r = {str_make(big, 90000),
                                str_make(big, 90000),
                                str_make(big, 90000),
                                str_make(big, 90000),
                                200,
                                UINT64_MAX,
                                UINT64_MAX};
        log_request(&r);
        const char *first = written(file), *end = strchr(first, '\n');
        assert_non_null(end);
        assert_true(end - first > 4096 && end - first < 16384);
        assert_non_null(strstr(first, ",\"cut\":true}\n"));
        assert_true(strlen(end + 1) < 16384 + 1);
        assert_int_equal(text[strlen(text) - 1], '\n');
        parsed(end + 1, &v, &a); /* the request's line is JSON, though cut */
        assert_true(value_get(&v, LIT("cut"))->truth);
    }
    arena_reset(&a);
}

static void test_err(void **state)
{
    (void)state;
    struct err err = {0};
    (fail)(&err, E_CONFIG, "no '%s'", "x"); /* cmocka has a macro of that name */
    log_event_err(LOG_ERROR, "failed", &err);
    assert_non_null(strstr(written(file), "\"code\":\"CONFIG\",\"error\":\"no 'x'\"}\n"));
}

static size_t drain(int fd, char *into, size_t size)
{
    size_t len = 0;
    ssize_t n;
    while (len < size && (n = read(fd, into + len, size - len)) > 0)
        len += (size_t)n;
    return len;
}

/* Nobody reads: we go on at once, whole lines are lost and counted, none is torn. */
static void stuck(int in, int to)
{
    static char all[8 << 20];
    uint64_t before = log_dropped(), start = clock_ns();
    size_t sent = 20000, len = 0, lines = 0;
    fcntl(in, F_SETFL, O_NONBLOCK);
    log_setup(to, LOG_INFO, LOG_FORMAT_JSON);
    for (size_t i = 0; i < sent; i++) {
        struct log_request r = {.path = LIT("/some/path/of/some/length"), .status = 200};
        log_request(&r);
        if (i % 10 == 0)
            log_flush();
    }
    assert_true(clock_ns() - start < 5000000000u);
    uint64_t lost = log_dropped() - before;
    assert_true(lost > 0 && lost < sent);
    assert_int_equal(fcntl(to, F_GETFL) & O_NONBLOCK, 0); /* the shared open file is as it was */
    for (int i = 0; i < 100; i++) {
        len += drain(in, all + len, sizeof all - len - 1);
        log_flush();
    }
    len += drain(in, all + len, sizeof all - len - 1);
    all[len] = 0;
    for (char *p = all, *end; (end = strchr(p, '\n')); p = end + 1, lines++) {
        assert_int_equal(*p, '{');
        assert_int_equal(end[-1], '}');
        *end = 0;
        assert_null(strstr(p + 1, "{\"ts\""));
    }
    assert_int_equal(all[len - 1], 0);
    assert_int_equal(lines, sent - lost + 1);
    char want[64];
    snprintf(want, sizeof want, "\"msg\":\"log.dropped\",\"lines\":%llu}",
             (unsigned long long)lost);
    assert_non_null(memmem(all, len, want, strlen(want)));
}

static void test_stuck_pipe(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    stuck(fds[0], fds[1]);
    log_setup(file, LOG_INFO, LOG_FORMAT_JSON);
    close(fds[0]);
    close(fds[1]);
}

static void test_stuck_socket(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    stuck(fds[0], fds[1]);
    log_setup(file, LOG_INFO, LOG_FORMAT_JSON);
    close(fds[0]);
    close(fds[1]);
}

enum { THREADS = 4, LINES = 5000 };

static void *chatter(void *arg)
{
    for (int i = 0; i < LINES; i++) {
        struct log l;
        log_begin(&l, LOG_INFO, "line");
        log_int(&l, "thread", (int64_t)(intptr_t)arg);
        log_int(&l, "n", i);
        log_end(&l);
        if (i % 100 == 0)
            log_set_level(i % 200 ? LOG_INFO : LOG_DEBUG);
    }
    log_thread_end();
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    written(file);
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, chatter, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int lines = 0, next[THREADS] = {0};
    for (const char *p = NULL; p || *(p = written(file));) {
        for (const char *end; (end = strchr(p, '\n')); p = end + 1) {
            int thread, n;
            const char *at = strstr(p, "\"thread\":");
            assert_non_null(at);
            assert_int_equal(sscanf(at, "\"thread\":%d,\"n\":%d}", &thread, &n), 2);
            assert_int_equal(n, next[thread]++);
            lines++;
        }
        const char *rest = p;
        size_t left = strlen(rest);
        assert_true(left == 0 || lines > 0);
        if (left == 0) {
            p = NULL;
            continue;
        }
        /* the read ended within a line: read that part again */
        char part[4096];
        assert_true(left < sizeof part);
        memcpy(part, rest, left);
        written(file);
        memmove(text + left, text, strlen(text) + 1);
        memcpy(text, part, left);
        p = text;
    }
    assert_int_equal(lines, THREADS * LINES);
}

/* Not a benchmark, but a bound: a line that takes microseconds has grown an allocation or a lock.
 */
static void test_cost(void **state)
{
    (void)state;
    int null = open("/dev/null", O_WRONLY);
    enum { ROUNDS = 20000 };
    struct log_request r = {LIT("0b5e3a1c-7a57-4c56-9a1e-0d6a5a2f9b11"),
                            LIT("GET"),
                            LIT("/v1/users/123/posts"),
                            LIT("/v1/users/:id/posts"),
                            200,
                            321,
                            2048};
    log_setup(null, LOG_INFO, LOG_FORMAT_JSON);
    log_request(&r);
    uint64_t calls = mem_calls(), start = clock_ns();
    for (int i = 0; i < ROUNDS; i++)
        log_request(&r);
    uint64_t each = (clock_ns() - start) / ROUNDS;
    assert_int_equal(mem_calls(), calls);
    print_message("a request line takes %llu ns\n", (unsigned long long)each);
    assert_true(each < 20000); /* sanitizers and busy machines included */
    log_setup(file, LOG_INFO, LOG_FORMAT_JSON);
    close(null);
}

static int begin(void **state)
{
    (void)state;
    file = mkstemp(path);
    return file < 0 ? -1 : unlink(path);
}

static int end(void **state)
{
    (void)state;
    log_close(100);
    return close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),       cmocka_unit_test(test_levels),
        cmocka_unit_test(test_injection),  cmocka_unit_test(test_request),
        cmocka_unit_test(test_bounds),     cmocka_unit_test(test_err),
        cmocka_unit_test(test_stuck_pipe), cmocka_unit_test(test_stuck_socket),
        cmocka_unit_test(test_threads),    cmocka_unit_test(test_cost),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
