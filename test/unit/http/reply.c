/* Answers on the wire: heads without bodies, streams, slow readers, limits. SPDX: Apache-2.0 */
#include "live.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD(target) "HEAD " target " HTTP/1.1\r\nHost: x\r\n\r\n"

/* What was heard is exactly `count` answers, the last of which is of /hello. */
static void then_hello(int s, unsigned count)
{
    say(s, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    hear(s, NULL);
    assert_int_equal(answers_in(heard), count);
    assert_true(str_ends(str_of(heard), LIT("\r\n\r\nhello\n")));
}

static void head_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, HEAD("/hello") HEAD("/big?70000") HEAD("/stream?3") HEAD("/none"));
    then_hello(s, 5);
    has("\r\nContent-Length: 6\r\n");
    has("\r\nContent-Length: 70000\r\n");
    has("\r\nTransfer-Encoding: chunked\r\n");
    has_not("abcdef");
    close(s);
}

static void no_body_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, GET("/status?204") GET("/status?304"));
    then_hello(s, 3);
    close(s);
    talk("GET /status?204 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    has_not("Content-Length");
    has_not("Transfer-Encoding");
    talk("GET /status?304 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    has_not("Content-Length");
    talk("GET /status?404 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    has("\r\nContent-Length: 0\r\n");
    begins("HTTP/1.1 404 Not Found\r\n");
    talk("GET /status?599 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    begins("HTTP/1.1 599 Unknown\r\n");
}

static void stream_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, GET("/stream?2"));
    assert_true(hear(s, "\r\n0\r\n\r\n"));
    has("\r\nTransfer-Encoding: chunked\r\n");
    has_not("Content-Length");
    has("\r\n\r\n1388\r\nabcdef");
    say(s, GET("/stream?0"));
    assert_true(hear(s, "\r\n\r\n0\r\n\r\n"));
    then_hello(s, 1);
    close(s);
    talk("GET /stream?2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    has_not("Transfer-Encoding");
    has("\r\nConnection: close\r\n");
    const char *body = strstr(heard, "\r\n\r\n") + 4;
    assert_int_equal(heard_len - (size_t)(body - heard), 10000);
}

static void headers_test(void **state)
{
    (void)state;
    int s = dial();
    say(s, GET("/headers?10"));
    assert_true(hear(s, "body"));
    has("\r\nX-Long: xxxxxxxxxx\r\nX-Bad: a  X-Injected: b c\r\n"); /* made blanks */
    say(s, GET("/headers?20000") GET("/hello"));
    hear(s, NULL);
    begins("HTTP/1.1 500 ");
    assert_true(str_ends(str_of(heard), LIT("\r\n\r\n")));
    assert_int_equal(answers_in(heard), 1);
    close(s);
}

static void id_test(void **state)
{
    (void)state;
    talk("GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-ID: Ab-1._\r\nConnection: close\r\n\r\n");
    has("\r\nX-Request-ID: Ab-1._\r\n");
    talk("GET /%0a HTTP/1.1\r\nHost: x\r\nX-Request-ID: refused-1\r\n\r\n");
    begins("HTTP/1.1 400 ");
    has("\r\nX-Request-ID: refused-1\r\n");
    has("\"request_id\":\"refused-1\"");
    talk("GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-ID: a b\r\nConnection: close\r\n\r\n");
    has("\r\nX-Request-ID: ");
    has_not("a b");
    static char text[400];
    snprintf(text, sizeof text,
             "GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-ID: %0*d\r\nConnection: close\r\n\r\n",
             65, 7);
    talk(text);
    has_not("0000007");
}

/* The whole body, in order, after the last head. */
static void is_big(size_t len)
{
    const char *body = strstr(heard, "\r\n\r\n");
    assert_non_null(body);
    body += 4;
    assert_int_equal(heard_len - (size_t)(body - heard), len);
    for (size_t i = 0; i < len; i += i + 5 < len ? 5 : 1)
        assert_int_equal(body[i], 'a' + i % 26);
}

/* An answer that the socket does not take at once; the requests behind it come after it. */
static void slow_reader_test(void **state)
{
    enum { BIG = 6000000 };
    (void)state;
    int s = dial_sized(32768);
    say(s, GET("/big?6000000"));
    usleep(100000);
    say(s, GET("/hello") "GET /big?6000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    usleep(100000);
    hear(s, NULL);
    assert_int_equal(answers_in(heard), 3);
    char *hello = strstr(heard + 1, "HTTP/1.1 200");
    char *last = strstr(hello + 1, "HTTP/1.1 200");
    size_t all = heard_len;
    assert_true(str_ends((str){hello, (size_t)(last - hello)}, LIT("\r\n\r\nhello\n")));
    heard_len = (size_t)(hello - heard);
    is_big(BIG);
    heard_len = all - (size_t)(last - heard);
    memmove(heard, last, heard_len + 1);
    has("\r\nConnection: close\r\n");
    is_big(BIG);
    close(s);
}

static void slow_stream_test(void **state)
{
    (void)state;
    int s = dial_sized(32768);
    say(s, GET("/stream?1600"));
    usleep(200000);
    assert_true(hear(s, "\r\n0\r\n\r\n"));
    assert_true(heard_len > 1600 * 5000);
    then_hello(s, 1);
    close(s);
}

/* What clients that do not read hold together has a ceiling: past it the answer is cut. */
static void kept_test(void **state)
{
    enum { MANY = 40 };
    struct http_limits small = usual;
    int s[MANY];
    unsigned whole = 0, cut_short = 0;
    (void)state;
    small.request_memory = 6 << 20; /* and so 96 MiB together */
    live_start("127.0.0.1:0", &small);
    for (int i = 0; i < MANY; i++) {
        s[i] = dial_sized(32768);
        say(s[i], "GET /big?6000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        char one;
        assert_int_equal(recv(s[i], &one, 1, MSG_PEEK), 1);
    }
    for (int i = 0; i < MANY; i++) {
        hear(s[i], NULL);
        whole += heard_len > 6000000;
        cut_short += heard_len < 6000000;
        close(s[i]);
    }
    assert_true(whole >= 12);
    assert_true(cut_short > 0);
    live_stop();
}

/* More names than there is room for: then it depends on everything, and says nothing else. */
static void vary_test(void **state)
{
    static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J"};
    struct reply r = {.status = 200};
    (void)state;
    for (size_t i = 0; i < 8; i++)
        reply_vary_on(&r, str_of(names[i]));
    reply_vary_on(&r, LIT("a"));
    assert_int_equal(r.vary_count, 8);
    for (size_t i = 8; i < COUNT_OF(names); i++) {
        reply_vary_on(&r, str_of(names[i]));
        assert_int_equal(r.vary_count, 1);
        assert_true(str_is(r.vary[0], "*"));
    }
    reply_vary(&r, LIT("Accept, Accept-Encoding"));
    assert_int_equal(r.vary_count, 1);
    r.vary_count = 0;
    reply_vary(&r, LIT("Accept, *, Cookie"));
    assert_int_equal(r.vary_count, 1);
    assert_true(str_is(r.vary[0], "*"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(head_test),        LIVE_TEST(no_body_test),     LIVE_TEST(stream_test),
        LIVE_TEST(headers_test),     LIVE_TEST(id_test),          LIVE_TEST(slow_reader_test),
        LIVE_TEST(slow_stream_test), cmocka_unit_test(kept_test), cmocka_unit_test(vary_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
