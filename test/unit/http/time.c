/* Deadlines and departures: who is slow, who goes away, who stays at the end. SPDX: Apache-2.0 */
#include "live.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"

static const uint64_t MS = 1000000;

/* ---- the client goes away ---- */

static void fin_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, GET("/wait"));
    until(&live.waiting, 1);
    close(s);
    until(&live.cancelled, 1);
}

/* More requests behind the one that runs must not hide that nobody is there. */
static void pipelined_fin_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, GET("/wait"));
    until(&live.waiting, 1);
    say(s, GET("/hello"));
    usleep(50000);
    close(s);
    until(&live.cancelled, 1);
}

static void reset(int s)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(s);
}

static void reset_test(void **state)
{
    (void)state;
    int s = dial(), second = dial();
    say(s, GET("/wait"));
    say(second, GET("/wait"));
    until(&live.waiting, 2);
    say(second, GET("/hello"));
    usleep(50000);
    reset(s);
    reset(second);
    until(&live.cancelled, 2);
}

/* Half-closed is not gone: who asks and sends FIN hears the answer. */
static void half_closed_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, GET("/hello") GET("/big?3000000"));
    shutdown(s, SHUT_WR);
    hear(s, NULL);
    assert_int_equal(answers_in(heard), 2);
    assert_true(heard_len > 3000000);
    close(s);
    s = dial();
    say(s, GET("/wait"));
    shutdown(s, SHUT_WR);
    until(&live.waiting, 1);
    loop_post(live.loop, wake, NULL);
    hear(s, NULL);
    has("\r\n\r\nwaited");
    close(s);
}

static void gone_reader_test(void **state)
{
    (void)state;
    int s = dial_sized(32768), big = dial_sized(32768);
    say(s, GET("/stream?1000000"));
    say(big, GET("/big?6000000"));
    char some[1000];
    assert_true(recv(s, some, sizeof some, 0) > 0);
    assert_true(recv(big, some, sizeof some, 0) > 0);
    close(s); /* unread bytes: a reset */
    close(big);
    until(&live.cancelled, 1);
}

static void gone_sender_test(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "", "GET / HT", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        int s = dial();
        say(s, parts[i]);
        usleep(20000);
        close(s);
        s = dial();
        say(s, parts[i]);
        shutdown(s, SHUT_WR);
        hear(s, NULL);
        assert_int_equal(heard_len, 0);
        close(s);
    }
    int s = dial();
    say(s, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    assert_true(hear(s, "HTTP/1.1 100 Continue\r\n\r\n"));
    say(s, "abc");
    close(s);
}

/* ---- deadlines ---- */

static void head_time_test(void **state)
{
    struct http_limits l = usual;
    (void)state;
    l.header_ns = 300 * MS;
    live_start("127.0.0.1:0", &l);
    talk("GET / HTTP/1.1\r\nHos");
    begins("HTTP/1.1 408 ");
    talk("");
    assert_int_equal(heard_len, 0);
    int s = dial(); /* the time for a head is not the time between two requests */
    say(s, GET("/hello"));
    assert_true(hear(s, "hello\n"));
    usleep(1500000);
    say(s, GET("/hello"));
    assert_true(hear(s, "hello\n"));
    say(s, "G");
    hear(s, NULL);
    begins("HTTP/1.1 408 ");
    close(s);
    live_stop();
}

static void idle_time_test(void **state)
{
    struct http_limits l = usual;
    (void)state;
    l.idle_ns = 300 * MS;
    live_start("127.0.0.1:0", &l);
    talk(GET("/hello"));
    assert_true(str_ends(str_of(heard), LIT("hello\n")));
    live_stop();
}

static void body_time_test(void **state)
{
    struct http_limits l = usual;
    (void)state;
    l.body_ns = 300 * MS;
    live_start("127.0.0.1:0", &l);
    talk("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc");
    begins("HTTP/1.1 408 ");
    talk("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
    begins("HTTP/1.1 408 ");
    int s = dial();
    say(s, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    assert_true(hear(s, "HTTP/1.1 100 Continue\r\n\r\n"));
    say(s, "abc");
    hear(s, NULL);
    begins("HTTP/1.1 408 ");
    close(s);
    live_stop();
}

static void request_time_test(void **state)
{
    struct http_limits l = usual;
    (void)state;
    l.request_ns = 300 * MS;
    live_start("127.0.0.1:0", &l);
    int s = dial();
    say(s, GET("/wait"));
    assert_true(hear(s, "\r\n\r\nwaited"));
    begins("HTTP/1.1 504 ");
    say(s, GET("/hello")); /* the next one has its own time */
    assert_true(hear(s, "hello\n"));
    close(s);
    assert_int_equal(atomic_load(&live.cancelled), 1);
    live_stop();
}

/* Who takes nothing of an answer is cut off, and the rest is freed. */
static void write_time_test(void **state)
{
    struct http_limits l = usual;
    (void)state;
    l.write_ns = 300 * MS;
    live_start("127.0.0.1:0", &l);
    int s = dial_sized(32768), stream = dial_sized(32768);
    say(s, GET("/big?6000000"));
    say(stream, GET("/stream?1000000"));
    until(&live.cancelled, 1);
    usleep(1200000);
    hear(s, NULL);
    assert_true(heard_len > 0 && heard_len < 6000000);
    close(s);
    close(stream);
    live_stop();
}

/* ---- limits ---- */

static void connections_test(void **state)
{
    struct http_limits l = usual;
    (void)state;
    l.max_connections = 3;
    live_start("127.0.0.1:0", &l);
    int s[3];
    for (int i = 0; i < 3; i++) {
        s[i] = dial();
        say(s[i], GET("/hello"));
        assert_true(hear(s[i], "hello\n"));
    }
    int more = dial();
    hear(more, NULL);
    assert_int_equal(heard_len, 0);
    close(more);
    say(s[0], GET("/hello"));
    assert_true(hear(s[0], "hello\n"));
    for (int i = 0; i < 3; i++)
        close(s[i]);
    live_stop();
    assert_int_equal(live.stats.turned_away, 1);
    assert_int_equal(live.stats.accepted, 3);
}

static void fibers_test(void **state)
{
    int s[FIBERS];
    (void)state;
    for (int i = 0; i < FIBERS; i++) {
        s[i] = dial();
        say(s[i], GET("/wait"));
    }
    until(&live.waiting, FIBERS);
    talk(GET("/hello"));
    begins("HTTP/1.1 503 ");
    has("\r\nRetry-After: ");
    for (int i = 0; i < FIBERS; i++)
        reset(s[i]);
    until(&live.cancelled, FIBERS);
    talk("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    has("hello");
}

/* Large requests that do not end hold memory up to a ceiling, and small ones go on. */
static void own_test(void **state)
{
    enum { MANY = 30, PART = 60000 };
    static char part[PART];
    struct http_limits l = usual;
    int s[MANY];
    (void)state;
    l.max_body = l.request_memory = 65536; /* and so 1 MiB together */
    live_start("127.0.0.1:0", &l);
    for (int i = 0; i < MANY; i++) {
        s[i] = dial();
        say(s[i], "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "Content-Length: 60001\r\n\r\n");
        say_bytes(s[i], part, PART);
    }
    talk("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    has("hello");
    for (int i = 0; i < MANY; i++) {
        say(s[i], "a");
        hear(s[i], NULL);
        close(s[i]);
    }
    live_stop();
    assert_int_equal(atomic_load(&live.last_refused), 503);
    assert_true(live.stats.refused >= MANY - 17 && live.stats.refused < MANY);
    assert_int_equal(live.stats.requests, MANY + 1 - live.stats.refused);
}

static void lower(void *arg)
{
    struct http_limits l = usual;
    (void)arg;
    l.max_head = 200;
    l.max_body = 100;
    l.max_headers = 2;
    http_server_limits(live.server, &l);
}

/* New limits meet requests that are half there. */
static void lowered_test(void **state)
{
    static char line[1024];
    (void)state;
    memset(line, 'a', sizeof line - 1);
    memcpy(line, "GET / HTTP/1.1\r\nX: ", 19);
    int s[3] = {dial(), dial(), dial()};
    say_bytes(s[0], line, 256);
    say(s[1], "POST /echo HTTP/1.1\r\nHost: x\r\nA: b\r\nContent-Length: 500\r\n\r\n");
    say_bytes(s[1], line, 400);
    say(s[2],
        "POST /echo HTTP/1.1\r\nHost: x\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n");
    say_bytes(s[2], line, 400);
    usleep(1200000); /* past a tick: the buffers are as small as can be */
    loop_post(live.loop, lower, NULL);
    usleep(50000);
    for (int i = 0; i < 3; i++) {
        say_bytes(s[i], line, 100);
        hear(s[i], NULL);
        assert_true(heard_len > 0);
        assert_int_equal(answers_in(heard), 1);
        has(i == 0 ? " 431 " : i == 1 ? " 431 " : " 413 ");
        close(s[i]);
    }
}

/* ---- the end ---- */

static void drain_test(void **state)
{
    (void)state;
    live_start("127.0.0.1:0", &usual);
    int idle = dial(), busy = dial(), part = dial();
    say(idle, GET("/hello"));
    assert_true(hear(idle, "hello\n"));
    say(part, "GET /hello HTTP/1.1\r\nHo");
    say(busy, GET("/wait"));
    until(&live.waiting, 1);
    loop_post(live.loop, drain, NULL);
    hear(idle, NULL);
    assert_int_equal(heard_len, 0);
    say(part, "st: x\r\n\r\n");
    hear(part, NULL);
    has("\r\nConnection: close\r\n");
    has("hello");
    loop_post(live.loop, wake, NULL);
    hear(busy, NULL);
    has("\r\nConnection: close\r\n");
    has("waited");
    close(idle);
    close(part);
    close(busy);
    live_join();
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)live.port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_not_equal(connect(s, (struct sockaddr *)&in, sizeof in), 0);
    close(s);
}

static void cut_test(void **state)
{
    (void)state;
    live_start("127.0.0.1:0", &usual);
    int busy = dial(), part = dial(), slow = dial_sized(32768);
    say(busy, GET("/wait"));
    say(part, "GET /hello HTTP/1.1\r\nHo");
    say(slow, GET("/big?6000000"));
    until(&live.waiting, 1);
    loop_post(live.loop, drain, NULL);
    loop_post(live.loop, cut, NULL);
    hear(part, NULL);
    hear(busy, NULL);
    until(&live.cancelled, 1);
    close(busy);
    close(part);
    close(slow);
    live_join();
}

/* ---- other sockets ---- */

static void unix_test(void **state)
{
    char addr[120];
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    (void)state;
    snprintf(un.sun_path, sizeof un.sun_path, "/tmp/cairn-http-%d.sock", (int)getpid());
    snprintf(addr, sizeof addr, "unix:%s", un.sun_path);
    live_start(addr, &usual);
    int s = socket(AF_UNIX, SOCK_STREAM, 0), gone = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(s, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(connect(gone, (struct sockaddr *)&un, sizeof un), 0);
    say(s, GET("/hello"));
    assert_true(hear(s, "hello\n"));
    say(s, "?");
    say(s, "\r\n\r\n");
    hear(s, NULL);
    begins("HTTP/1.1 400 ");
    assert_int_equal(atomic_load(&live.last_refused), 400);
    close(s);
    say(gone, GET("/wait"));
    until(&live.waiting, 1);
    close(gone);
    until(&live.cancelled, 1);
    live_stop();
    assert_int_not_equal(access(un.sun_path, F_OK), 0);
}

static void ipv6_test(void **state)
{
    (void)state;
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (probe < 0 || bind(probe, (struct sockaddr *)&in, sizeof in) != 0)
        skip();
    close(probe);
    live_start("[::1]:0", &usual);
    int s = socket(AF_INET6, SOCK_STREAM, 0);
    in.sin6_port = htons((uint16_t)live.port);
    assert_int_equal(connect(s, (struct sockaddr *)&in, sizeof in), 0);
    say(s, "GET /hello HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n");
    hear(s, NULL);
    has("hello");
    close(s);
    live_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(fin_test),
        LIVE_TEST(pipelined_fin_test),
        LIVE_TEST(reset_test),
        LIVE_TEST(half_closed_test),
        LIVE_TEST(gone_reader_test),
        LIVE_TEST(gone_sender_test),
        cmocka_unit_test(head_time_test),
        cmocka_unit_test(idle_time_test),
        cmocka_unit_test(body_time_test),
        cmocka_unit_test(request_time_test),
        cmocka_unit_test(write_time_test),
        cmocka_unit_test(connections_test),
        LIVE_TEST(fibers_test),
        cmocka_unit_test(own_test),
        LIVE_TEST(lowered_test),
        cmocka_unit_test(drain_test),
        cmocka_unit_test(cut_test),
        cmocka_unit_test(unix_test),
        cmocka_unit_test(ipv6_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
