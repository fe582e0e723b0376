/* A connection on the wire: keep-alive, pipelining, bodies, 100-continue, refusals.
 * SPDX: Apache-2.0 */
#include "live.h"

#define HELLO "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
#define LAST "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define POST(lines) "POST /echo HTTP/1.1\r\nHost: x\r\n" lines "\r\n\r\n"

static void keep_alive_test(void **state)
{
    (void)state;
    int s = dial();
    for (int i = 0; i < 3; i++) {
        say(s, HELLO);
        assert_true(hear(s, "\r\n\r\nhello\n"));
        begins("HTTP/1.1 200 OK\r\nDate: ");
        has("\r\nContent-Length: 6\r\n");
        has("\r\nContent-Type: text/plain\r\n");
        has_not("Connection:");
    }
    say(s, LAST);
    hear(s, NULL);
    has("\r\nConnection: close\r\n");
    close(s);
    live_stop();
    assert_int_equal(live.stats.requests, 4);
    assert_int_equal(live.stats.accepted, 1);
    live_start("127.0.0.1:0", &usual);
}

static void http10_test(void **state)
{
    (void)state;
    talk("GET /hello HTTP/1.0\r\n\r\n");
    has("\r\nConnection: close\r\n");
    talk("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /hello HTTP/1.0\r\n\r\n");
    assert_int_equal(answers_in(heard), 2);
    has("\r\nConnection: keep-alive\r\n");
}

/* The order of the answers, however the requests are cut. */
static void pipeline_test(void **state)
{
    static const char text[] =
        HELLO "GET /none HTTP/1.1\r\nHost: x\r\n\r\n" POST("Content-Length: 3") "abc" POST(
            "Transfer-Encoding: chunked") "2\r\nde\r\n0\r\n\r\n\r\n" LAST HELLO;
    (void)state;
    for (size_t step = 1; step < sizeof text; step = step * 3 + 1) {
        int s = dial();
        for (size_t at = 0; at < sizeof text - 1; at += step) {
            size_t n = sizeof text - 1 - at < step ? sizeof text - 1 - at : step;
            say_bytes(s, text + at, n);
        }
        hear(s, NULL);
        assert_int_equal(answers_in(heard), 5);
        const char *at = heard;
        static const char *const order[] = {"hello\nHTTP",       " 404 ",
                                            "\r\nabcHTTP",       "\r\ndeHTTP",
                                            "Connection: close", "\r\n\r\nhello\n"};
        for (size_t i = 0; i < COUNT_OF(order); i++) {
            at = strstr(at, order[i]);
            assert_non_null(at);
        }
        assert_true(str_ends(str_of(heard), LIT("hello\n")));
        close(s);
    }
}

/* More requests at once than a buffer holds. */
static void long_pipeline_test(void **state)
{
    (void)state;
    int s = dial();
    for (int i = 0; i < 2000; i++)
        say(s, HELLO);
    say(s, LAST);
    hear(s, NULL);
    assert_int_equal(answers_in(heard), 2001);
    close(s);
}

/* Requests behind one that waits are answered after it. */
static void parked_pipeline_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" HELLO);
    until(&live.waiting, 1);
    say(s, LAST);
    loop_post(live.loop, wake, NULL);
    hear(s, NULL);
    assert_int_equal(answers_in(heard), 3);
    has("waitedHTTP/1.1 200");
    close(s);
}

static void body_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, POST("Content-Length: 5"));
    usleep(20000);
    say(s, "he");
    usleep(20000);
    say(s, "llo");
    assert_true(hear(s, "\r\n\r\nhello"));
    say(s, POST("Content-Length: 0"));
    assert_true(hear(s, "\r\n\r\n"));
    has("\r\nContent-Length: 0\r\n");
    say(s, POST("Transfer-Encoding: chunked") "3;a=b\r\nabc\r\n");
    usleep(20000);
    say(s, "00a\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r");
    usleep(20000);
    say(s, "\n");
    assert_true(hear(s, "\r\n\r\nabc0123456789"));
    close(s);
}

enum { LARGE = 1500000 };

static void hear_large(int s)
{
    heard_len = 0;
    while (heard_len < LARGE || !strstr(heard, "\r\n\r\n")) {
        ssize_t n = recv(s, heard + heard_len, sizeof heard - 1 - heard_len, 0);
        assert_true(n > 0);
        heard_len += (size_t)n;
        heard[heard_len] = '\0';
        const char *body = strstr(heard, "\r\n\r\n");
        if (body && heard_len - (size_t)(body + 4 - heard) == LARGE)
            break;
    }
    const char *body = strstr(heard, "\r\n\r\n") + 4;
    for (size_t i = 0; i < LARGE; i++)
        assert_int_equal(body[i], 'a' + i % 26);
}

static void large_body_test(void **state)
{
    static char body[LARGE], chunked[LARGE + LARGE / 1000 * 20];
    size_t len = 0;
    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        body[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < LARGE; i += 1000)
        len +=
            (size_t)snprintf(chunked + len, sizeof chunked - len, "3e8\r\n%.1000s\r\n", body + i);
    int s = dial();
    char head[100];
    snprintf(head, sizeof head, POST("Content-Length: %d"), LARGE);
    for (int i = 0; i < 2; i++) {
        say(s, head);
        say_bytes(s, body, LARGE);
        hear_large(s);
        say(s, POST("Transfer-Encoding: chunked"));
        say_bytes(s, chunked, len);
        say(s, "0\r\n\r\n");
        hear_large(s);
    }
    say(s, LAST);
    hear(s, NULL);
    has("hello");
    close(s);
}

/* The tick takes the large buffer of who is slow; nothing of what was sent is lost. */
static void slow_sender_test(void **state)
{
    static const char *const parts[] = {"POST /ec", "ho HTTP/1.1\r\nHost: x\r\nContent-Len",
                                        "gth: 6\r\nX-A: b\r\n\r\n", "abc", "def"};
    (void)state;
    int s = dial();
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        say(s, parts[i]);
        usleep(650000);
    }
    assert_true(hear(s, "\r\n\r\nabcdef"));
    has("\r\nX-Method: POST\r\n");
    close(s);
}

/* ---- 100-continue ---- */

static void continue_test(void **state)
{
    (void)state;
    int s = dial();
    for (int i = 0; i < 2; i++) {
        say(s, POST("Content-Length: 5\r\nExpect: 100-continue"));
        assert_true(hear(s, "HTTP/1.1 100 Continue\r\n\r\n"));
        say(s, "he");
        usleep(20000);
        say(s, "llo");
        assert_true(hear(s, "\r\n\r\nhello"));
        has("\r\nX-Method: POST\r\n");
        has_not(" 100 ");
        say(s, POST("Transfer-Encoding: chunked\r\nExpect: 100-continue"));
        assert_true(hear(s, "HTTP/1.1 100 Continue\r\n\r\n"));
        say(s, "3\r\nabc\r\n0\r\n\r\n" HELLO); /* with the next request on its heels */
        assert_true(hear(s, "hello\n"));
        has("\r\n\r\nabcHTTP/1.1 200 OK\r\n");
    }
    say(s, POST("Content-Length: 2\r\nExpect: 100-continue") "hi"); /* it did not wait */
    assert_true(hear(s, "\r\n\r\nhi"));
    has_not("100 Continue");
    close(s);
}

static void continue_large_test(void **state)
{
    static char body[LARGE];
    char head[120];
    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        body[i] = (char)('a' + i % 26);
    int s = dial();
    snprintf(head, sizeof head, POST("Content-Length: %d\r\nExpect: 100-continue"), LARGE);
    say(s, head);
    assert_true(hear(s, "HTTP/1.1 100 Continue\r\n\r\n"));
    say_bytes(s, body, LARGE);
    hear_large(s);
    close(s);
}

/* A body that nobody wants is never asked for, and the connection cannot go on. */
static void continue_refused_test(void **state)
{
    (void)state;
    talk("POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    begins("HTTP/1.1 404 ");
    has("\r\nConnection: close\r\n");
    talk(POST("Content-Length: 99999999\r\nExpect: 100-continue"));
    begins("HTTP/1.1 413 ");
    talk(POST("Content-Length: 5\r\nExpect: 200-ok"));
    begins("HTTP/1.1 417 ");
    talk("POST /echo HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi");
    begins("HTTP/1.1 200 ");
}

/* A fault in a body that a handler reads is the handler's answer, and the end. */
static void continue_fault_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, POST("Transfer-Encoding: chunked\r\nExpect: 100-continue"));
    assert_true(hear(s, "HTTP/1.1 100 Continue\r\n\r\n"));
    say(s, "zz\r\n" HELLO);
    hear(s, NULL);
    begins("HTTP/1.1 400 ");
    assert_int_equal(answers_in(heard), 1);
    close(s);
    s = dial();
    say(s, POST("Transfer-Encoding: chunked\r\nExpect: 100-continue"));
    assert_true(hear(s, "HTTP/1.1 100 Continue\r\n\r\n"));
    say(s, "fffffff\r\n");
    hear(s, NULL);
    begins("HTTP/1.1 413 ");
    close(s);
}

/* ---- refusals ---- */

static const struct {
    int status;
    const char *text;
} refused[] = {
    {400, "GET / HTTP/1.1\nHost: x\n\n"},
    {400, "GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /%2e%2e/a HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, POST("Content-Length: 3\r\nTransfer-Encoding: chunked") "0\r\n\r\n"},
    {400, POST("Transfer-Encoding: chunked") "2 \r\nab\r\n0\r\n\r\n"},
    {400, POST("Transfer-Encoding: chunked") "2\r\nabc\r\n0\r\n\r\n"},
    {411, POST("Content-Type: text/plain")},
    {413, POST("Content-Length: 2097153")},
    {413, POST("Transfer-Encoding: chunked") "200001\r\n"},
    {501, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
};

static void refused_test(void **state)
{
    char status[20], bytes[300];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        snprintf(bytes, sizeof bytes, "%s%s", refused[i].text, HELLO);
        talk(bytes);
        snprintf(status, sizeof status, "HTTP/1.1 %d ", refused[i].status);
        begins(status);
        assert_int_equal(answers_in(heard), 1);
        has("\r\nConnection: close\r\n");
        has("\r\nContent-Type: application/problem+json\r\n");
        has("\"request_id\":\"");
        has_not("hello");
        assert_int_equal(atomic_load(&live.last_refused), refused[i].status);
    }
}

static void long_heads_test(void **state)
{
    static char text[20000];
    (void)state;
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "GET /", 5);
    talk(text);
    begins("HTTP/1.1 414 ");
    memcpy(text, "GET / HTTP/1.1\r\nHost: x\r\nX: ", 28);
    talk(text);
    begins("HTTP/1.1 431 ");
}

/* Who is still sending gets to read why it is not heard. */
static void linger_test(void **state)
{
    static char body[LARGE];
    (void)state;
    int s = dial();
    say(s, POST("Content-Length: 3000000"));
    say_bytes(s, body, LARGE);
    hear(s, NULL);
    begins("HTTP/1.1 413 ");
    close(s);
    s = dial();
    say(s, "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_true(hear(s, "\r\n\r\n"));
    begins("HTTP/1.1 404 ");
    say(s, "abc" HELLO);
    hear(s, NULL);
    assert_int_equal(heard_len, 0);
    close(s);
}

static void keep_most_test(void **state)
{
    struct http_limits few = usual;
    (void)state;
    few.max_keepalive = 2;
    live_start("127.0.0.1:0", &few);
    talk(HELLO HELLO HELLO);
    assert_int_equal(answers_in(heard), 2);
    has("\r\nConnection: close\r\n");
    live_stop();
}

/* Each request on a warm connection takes nothing from the heap. */
static void calls_test(void **state)
{
    static const char ask[] =
        "GET /calls HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nX-Request-ID: a\r\n\r\n";
    char first[40] = "";
    (void)state;
    int s = dial();
    for (int i = 0; i < 20; i++) {
        say(s, ask);
        assert_true(hear(s, "")); /* one piece */
        const char *body = strstr(heard, "\r\n\r\n");
        assert_non_null(body);
        if (i == 3)
            snprintf(first, sizeof first, "%s", body);
        else if (i > 3)
            assert_string_equal(body, first);
    }
    close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(keep_alive_test),
        LIVE_TEST(http10_test),
        LIVE_TEST(pipeline_test),
        LIVE_TEST(long_pipeline_test),
        LIVE_TEST(parked_pipeline_test),
        LIVE_TEST(body_test),
        LIVE_TEST(large_body_test),
        LIVE_TEST(slow_sender_test),
        LIVE_TEST(continue_test),
        LIVE_TEST(continue_large_test),
        LIVE_TEST(continue_refused_test),
        LIVE_TEST(continue_fault_test),
        LIVE_TEST(refused_test),
        LIVE_TEST(long_heads_test),
        LIVE_TEST(linger_test),
        cmocka_unit_test(keep_most_test),
        LIVE_TEST(calls_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
