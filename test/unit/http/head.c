/* Request heads: what is taken, and what is refused with which status. SPDX: Apache-2.0 */
#include "http/http_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { HEADERS = 8, HEAD_MOST = 600 };

static const struct http_limits limits = {
    .max_head = HEAD_MOST, .max_target = 100, .max_headers = HEADERS};
static struct header headers[HEADERS];
static struct head head;
static struct fault fault;

/* Finds and parses the head at the front of text, given in pieces of `step` bytes. Its length, 0:
 * not whole, -1: refused. */
static ssize_t parse_steps(str text, size_t step)
{
    struct head_scan scan = {0};
    ssize_t n = 0;
    fault = (struct fault){0};
    for (size_t at = 0; n == 0 && at < text.len;) {
        at = text.len - at < step ? text.len : at + step;
        n = head_find(&scan, str_upto(text, at), limits.max_head, &fault);
    }
    if (n <= 0)
        return n;
    str whole = {text.ptr + scan.skipped, (size_t)n - scan.skipped};
    return head_parse(whole, &limits, headers, &head, &fault) ? n : -1;
}

static ssize_t parse(str text)
{
    ssize_t n = parse_steps(text, text.len);
    int status = fault.status;
    for (size_t step = 1; step < 20; step += 3) {
        assert_int_equal(parse_steps(text, step), n);
        assert_int_equal(fault.status, status);
    }
    return n;
}

static void taken(const char *text)
{
    if (parse(str_of(text)) != (ssize_t)strlen(text))
        fail_msg("refused with %d (%s): %s", fault.status, fault.why ? fault.why : "", text);
}

#define HEAD_OF(line) line "\r\nHost: x\r\n\r\n"
#define GET(lines) "GET /a HTTP/1.1\r\nHost: x\r\n" lines "\r\n\r\n"
#define POST(lines) "POST /a HTTP/1.1\r\nHost: x\r\n" lines "\r\n\r\n"

static void is(str have, const char *want)
{
    if (!str_is(have, want))
        fail_msg("'%.*s' is not '%s'", STR_ARG(have), want);
}

static void parts_test(void **state)
{
    (void)state;
    taken(
        "PATCH /v1/a%20b?x=1&y=? HTTP/1.1\r\nHost: Example.com:8080\r\nX-A:  b c\t\r\nX-Empty:\r\n"
        "Content-Length: 12\r\nConnection: foo, close\r\n\r\n");
    assert_int_equal(head.method, METHOD_PATCH);
    is(head.method_text, "PATCH");
    is(head.target, "/v1/a%20b?x=1&y=?");
    is(head.path, "/v1/a%20b");
    is(head.query, "x=1&y=?");
    is(head.host, "Example.com:8080");
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.header_count, 5);
    is(headers[1].name, "X-A");
    is(headers[1].value, "b c");
    is(headers[2].value, "");
    assert_int_equal(head.length, 12);
    assert_true(head.close);
    assert_false(head.chunked || head.expect);
}

static void framing_test(void **state)
{
    (void)state;
    taken(GET("Accept: */*"));
    assert_int_equal(head.length, -1);
    assert_false(head.chunked || head.close || head.expect);
    taken(POST("transfer-encoding:Chunked"));
    assert_true(head.chunked);
    assert_int_equal(head.length, -1);
    taken(POST("Content-Length: 0"));
    assert_int_equal(head.length, 0);
    taken(POST("Content-Length:\t9223372036854775807 "));
    assert_true(head.length == INT64_MAX);
    taken(POST("Expect: 100-Continue\r\nContent-Length: 1"));
    assert_true(head.expect);
}

static void keep_alive_test(void **state)
{
    (void)state;
    taken("GET / HTTP/1.0\r\n\r\n");
    assert_true(head.close);
    assert_int_equal(head.minor, 0);
    assert_null(head.host.ptr);
    taken("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_false(head.close);
    taken("GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n");
    assert_true(head.close);
    taken("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    assert_false(head.expect);
    taken("POST / HTTP/1.0\r\nExpect: anything\r\nContent-Length: 1\r\n\r\n");
    taken(GET("Connection: CLOSE"));
    assert_true(head.close);
    taken(GET("Connection: , ,upgrade"));
    assert_false(head.close);
}

/* Target, then the path, query and host that are read. */
static const char *const targets[][4] = {
    {"/", "/", "", "x"},
    {"/?", "/", "", "x"},
    {"/a?b?c=/../", "/a", "b?c=/../", "x"},
    {"//a", "//a", "", "x"}, /* path_clean refuses it */
    {"http://x/a?b", "/a", "b", "x"},
    {"HTTP://X", "/", "", "X"},
    {"http://x?b", "/", "b", "x"},
    {"http://x:80/", "/", "", "x:80"},
    {"http://x:/", "/", "", "x:"},
    {"http://x:0080/", "/", "", "x:0080"},
};

static void target_test(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        char text[200];
        snprintf(text, sizeof text, HEAD_OF("GET %s HTTP/1.1"), targets[i][0]);
        taken(text);
        is(head.path, targets[i][1]);
        is(head.query, targets[i][2]);
        is(head.host, targets[i][3]);
    }
    taken(HEAD_OF("OPTIONS * HTTP/1.1"));
    is(head.path, "*");
    taken(HEAD_OF("OPTIONS http://x HTTP/1.1"));
    is(head.path, "*");
    taken(HEAD_OF("OPTIONS http://x/ HTTP/1.1"));
    is(head.path, "/");
    taken("GET http://x:8080/ HTTP/1.1\r\nHost: X:8080\r\n\r\n");
    taken("GET http://x/ HTTP/1.0\r\n\r\n");
    is(head.host, "x");
}

static const char *const hosts[] = {
    "x",           "X.example:1",     "127.0.0.1:65535",  "[::1]",    "[::1]:80", "x:",
    "a_b-c.d~e!$", "xn--bcher-kva.x", "[::ffff:1.2.3.4]", "a%C3%A9b",
};
static const char *const no_hosts[] = {
    "",     ":80",    "a b",    "a@b",   "a:b@c",    "a/b",     "a?b",      "a#b",      "a\\b",
    "a,b",  "a, b",   "x:80:8", "x:8o",  "x:-1",     "x:65536", "x:000080", "[::1",     "::1",
    "[]",   "[::1]x", "[::g]",  "[1:2]", "[::1%lo]", "[::1]:x", "[v1.a]",   "a%",       "a%4",
    "a%zz", "a[b]",   "a\"b",   "<a>",   "a\x80",    "[::1]::", "[[::1]]",  "http://x",
};

static void host_test(void **state)
{
    char text[400];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        taken(text);
        is(head.host, hosts[i]);
    }
    for (size_t i = 0; i < COUNT_OF(no_hosts); i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", no_hosts[i]);
        if (parse(str_of(text)) != -1 || fault.status != 400)
            fail_msg("taken: Host: %s", no_hosts[i]);
        snprintf(text, sizeof text, "GET http://%s/ HTTP/1.0\r\n\r\n", no_hosts[i]);
        bool path = strpbrk(no_hosts[i], "/?") != NULL; /* there the host ends early */
        if (!path && (parse(str_of(text)) != -1 || fault.status != 400))
            fail_msg("taken: http://%s/", no_hosts[i]);
    }
    char name[300];
    memset(name, 'a', sizeof name);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %.255s\r\n\r\n", name);
    taken(text);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %.256s\r\n\r\n", name);
    assert_int_equal(parse(str_of(text)), -1);
}

struct bad {
    int status;
    str text;
};
#define BAD(status, text)                                                                          \
    {                                                                                              \
        status, STR_INIT(text)                                                                     \
    }

static const struct bad refused[] = {
    /* the request line */
    BAD(400, HEAD_OF("GET  / HTTP/1.1")),
    BAD(400, HEAD_OF(" GET / HTTP/1.1")),
    BAD(400, HEAD_OF("GET / HTTP/1.1 ")),
    BAD(400, HEAD_OF("GET /  HTTP/1.1")),
    BAD(400, HEAD_OF("GET\t/ HTTP/1.1")),
    BAD(400, HEAD_OF("GET /\tHTTP/1.1")),
    BAD(400, HEAD_OF("GET /a b HTTP/1.1")),
    BAD(400, HEAD_OF("GET /")),
    BAD(400, HEAD_OF("GET")),
    BAD(400, HEAD_OF("GET ")),
    BAD(400, HEAD_OF("GET / ")),
    BAD(400, HEAD_OF("/ HTTP/1.1")),
    BAD(400, HEAD_OF("G(T / HTTP/1.1")),
    BAD(400, HEAD_OF("GET\v / HTTP/1.1")),
    BAD(400, HEAD_OF("GET / http/1.1")),
    BAD(400, HEAD_OF("GET / HTTP/1.10")),
    BAD(400, HEAD_OF("GET / HTTP/11")),
    BAD(400, HEAD_OF("GET / HTTP/1,1")),
    BAD(400, HEAD_OF("GET / HTTP/x.1")),
    BAD(400, HEAD_OF("GET / HTTPS/1.1")),
    BAD(400, HEAD_OF("GET / \r HTTP/1.1")),
    BAD(400, HEAD_OF("GET /\r HTTP/1.1")),
    BAD(400, HEAD_OF("GET / HTTP/1.1\r")),
    BAD(400, HEAD_OF("\rGET / HTTP/1.1")),
    BAD(400, "GET / HTTP/1.1\rHost: x\r\n\r\n"),
    BAD(400, "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    BAD(400, "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    BAD(400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    BAD(505, HEAD_OF("GET / HTTP/2.0")),
    BAD(505, HEAD_OF("PRI * HTTP/2.0")),
    BAD(505, HEAD_OF("GET / HTTP/0.9")),
    BAD(505, HEAD_OF("GET / HTTP/1.2")),
    BAD(501, HEAD_OF("BREW / HTTP/1.1")),
    BAD(501, HEAD_OF("get / HTTP/1.1")),
    BAD(501, HEAD_OF("TRACE / HTTP/1.1")),
    BAD(501, HEAD_OF("CONNECT x:80 HTTP/1.1")),
    BAD(501, HEAD_OF("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1")),
    /* the target */
    BAD(400, HEAD_OF("GET * HTTP/1.1")),
    BAD(400, HEAD_OF("OPTIONS *? HTTP/1.1")),
    BAD(400, HEAD_OF("GET a HTTP/1.1")),
    BAD(400, HEAD_OF("GET x:80 HTTP/1.1")),
    BAD(400, HEAD_OF("GET ?a HTTP/1.1")),
    BAD(400, HEAD_OF("GET /a#b HTTP/1.1")),
    BAD(400, HEAD_OF("GET /\x80 HTTP/1.1")),
    BAD(400, HEAD_OF("GET /\x7f HTTP/1.1")),
    BAD(400, HEAD_OF("GET /\x01 HTTP/1.1")),
    BAD(400, HEAD_OF("GET http:/x/ HTTP/1.1")),
    BAD(400, HEAD_OF("GET http:///a HTTP/1.1")),
    BAD(400, HEAD_OF("GET ftp://x/ HTTP/1.1")),
    BAD(400, HEAD_OF("GET http://u@x/ HTTP/1.1")),
    BAD(400, HEAD_OF("GET http://x\\/ HTTP/1.1")),
    BAD(400, HEAD_OF("GET http://y/ HTTP/1.1")),
    BAD(400, HEAD_OF("GET http://x:81/ HTTP/1.1")),
    BAD(400, HEAD_OF("GET http://x./ HTTP/1.1")),
    BAD(400, "GET http://x/ HTTP/1.1\r\n\r\n"),
    BAD(421, HEAD_OF("GET https://x/ HTTP/1.1")),
    BAD(414,
        HEAD_OF("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1")),
    /* lines */
    BAD(400, "GET / HTTP/1.1\nHost: x\n\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: x\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: x\r\n\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: x\n\n"),
    BAD(400, GET("X-A: b\n c")),
    BAD(400, GET("X-A: a\0b")),
    BAD(400, GET("X\0A: b")),
    BAD(400, GET("X-A: a\rb")),
    BAD(400, GET("X-A: a\r")),
    BAD(400, GET("X-A: \ra")),
    BAD(400, GET("X-A\r: a")),
    BAD(400, GET("\rX-A: a")),
    BAD(400, GET("X-A: a\r\r\nX-B: b")),
    BAD(400, GET("X-A: a\x01z")),
    BAD(400, GET("X-A: 0123456789abcdef\x7f")),
    BAD(400, GET("X-A: 0123456789abcdef0123456789abcdef\x1f")),
    BAD(400, GET("X-A: a\x0b")),
    BAD(400, GET("X-A: b\r\n c")),
    BAD(400, GET("X-A: b\r\n\tc")),
    BAD(400, GET("X-A:\r\n c")),
    BAD(400, GET(" X-A: b")),
    BAD(400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
    BAD(400, GET("X-A : b")),
    BAD(400, GET("X-A\t: b")),
    BAD(400, GET("X A: b")),
    BAD(400, GET(": b")),
    BAD(400, GET(":")),
    BAD(400, GET("X-A")),
    BAD(400, GET("X(A): b")),
    BAD(400, GET("X-\xc3\xa9: b")),
    BAD(400, GET("X\"A: b")),
    BAD(400, GET("Connection: a b")),
    BAD(400, GET("Connection: close;")),
    BAD(417, GET("Expect: 200-maybe")),
    BAD(417, GET("Expect: 100-continue, b")),
    BAD(417, GET("Expect:")),
    /* Host */
    BAD(400, "GET / HTTP/1.1\r\n\r\n"),
    BAD(400, GET("Host: x")),
    BAD(400, GET("host: y")),
    BAD(400, "GET / HTTP/1.0\r\nHost: a@b\r\n\r\n"),
    /* framing */
    BAD(400, POST("Content-Length: 6\r\nTransfer-Encoding: chunked")),
    BAD(400, POST("Transfer-Encoding: chunked\r\nContent-Length: 6")),
    BAD(400, POST("Transfer-Encoding: identity\r\nContent-Length: 6")),
    BAD(400, POST("Content-Length: 2\r\nContent-Length: 3")),
    BAD(400, POST("Content-Length: 2\r\nContent-Length: 2")),
    BAD(400, POST("Content-Length: 2\r\ncontent-length: 2")),
    BAD(400, POST("Content-Length: 2, 2")),
    BAD(400, POST("Content-Length: 2,")),
    BAD(400, POST("Content-Length: +2")),
    BAD(400, POST("Content-Length: -2")),
    BAD(400, POST("Content-Length: -0")),
    BAD(400, POST("Content-Length: 0x2")),
    BAD(400, POST("Content-Length: 2 2")),
    BAD(400, POST("Content-Length: 2.0")),
    BAD(400, POST("Content-Length: 1e1")),
    BAD(400, POST("Content-Length: 2a")),
    BAD(400, POST("Content-Length: \"2\"")),
    BAD(400, POST("Content-Length:")),
    BAD(400, POST("Content-Length:  ")),
    BAD(400, POST("Content-Length: 9223372036854775808")),
    BAD(400, POST("Content-Length: 18446744073709551616")),
    BAD(400, POST("Content-Length: 99999999999999999999999")),
    BAD(400, POST("Content-Length : 2")),
    BAD(400, POST("Content-Length\t: 2")),
    BAD(400, POST(" Content-Length: 2")),
    BAD(400, POST("Content-Length: 2\r\n 3")),
    BAD(400, POST("Transfer-Encoding : chunked")),
    BAD(400, POST("Transfer-Encoding\t: chunked")),
    BAD(400, POST("Transfer-Encoding: gzip")),
    BAD(400, POST("Transfer-Encoding: identity")),
    BAD(400, POST("Transfer-Encoding: xchunked")),
    BAD(400, POST("Transfer-Encoding: chunkedx")),
    BAD(400, POST("Transfer-Encoding: \"chunked\"")),
    BAD(400, POST("Transfer-Encoding: chunked;q=1")),
    BAD(400, POST("Transfer-Encoding: gzip, chunked")),
    BAD(400, POST("Transfer-Encoding: chunked, chunked")),
    BAD(400, POST("Transfer-Encoding: chunked, identity")),
    BAD(400, POST("Transfer-Encoding: ,chunked")),
    BAD(400, POST("Transfer-Encoding: chunked,")),
    BAD(400, POST("Transfer-Encoding:")),
    BAD(400, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
    BAD(400, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")),
    BAD(400, POST("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked")),
    BAD(400, POST("Transfer-Encoding: chun\r\n ked")),
    BAD(400, POST("Transfer-Encoding:\r\n chunked")),
    BAD(400, POST("Transfer-Encoding: chunked\t")),
    BAD(400, POST("Transfer-Encoding: chunked ")),
    BAD(400, POST("Transfer-Encoding:\tchunked")),
    BAD(400, POST("Transfer-Encoding:  chunked")),
    BAD(400, POST("Transfer-Encoding: \x0b"
                  "chunked")),
    BAD(400, POST("Transfer-Encoding: chunked\x0c")),
    BAD(400, POST("Transfer-Encoding: chunked\r")),
    BAD(400, POST("X: x\nTransfer-Encoding: chunked")),
    BAD(400, POST("X: x\rTransfer-Encoding: chunked")),
    BAD(400, POST("Transfer-Encoding: chunk\xe9"
                  "d")),
    BAD(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(400, "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"),
    /* limits */
    BAD(431, GET("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\nH: 8")),
};

static void refused_test(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        ssize_t n = parse(refused[i].text);
        if (n != -1 || fault.status != refused[i].status)
            fail_msg("%s: %d, not %d: %.*s", n < 0 ? "refused" : "taken", fault.status,
                     refused[i].status, STR_ARG(refused[i].text));
        assert_non_null(fault.why);
    }
}

/* A head that ends just within the limit, and one byte over it: in the line, in the headers. */
static void size_test(void **state)
{
    char text[HEAD_MOST + 200];
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        int pad = (int)(HEAD_MOST + over - strlen(GET("X-A: ")));
        snprintf(text, sizeof text, GET("X-A: %*s"), pad, "b");
        assert_int_equal(strlen(text), HEAD_MOST + over);
        assert_int_equal(parse(str_of(text)), over ? -1 : HEAD_MOST);
        assert_int_equal(fault.status, over ? 431 : 0);
    }
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    assert_int_equal(parse(str_make(text, sizeof text)), -1);
    assert_int_equal(fault.status, 414);
    assert_int_equal(parse(str_make(text, HEAD_MOST - 1)), 0);
    assert_int_equal(parse(str_make("\r\n", 2)), 0);
    assert_int_equal(parse(str_make("\r\nGET / HTTP/1.0\r\n\r\n", 20)), 20);
    is(head.method_text, "GET");
}

static void pipeline_test(void **state)
{
    (void)state;
    str two = LIT("GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
    assert_int_equal(parse(two), 19);
    is(head.path, "/a");
    assert_int_equal(parse(str_from(two, 19)), 19);
    is(head.path, "/b");
}

static void methods_test(void **state)
{
    (void)state;
    for (int m = METHOD_GET; m < METHOD_OTHER; m++) {
        char text[100];
        snprintf(text, sizeof text, HEAD_OF("%s / HTTP/1.1"), method_name((enum method)m));
        taken(text);
        assert_int_equal(head.method, m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_test),      cmocka_unit_test(framing_test),
        cmocka_unit_test(keep_alive_test), cmocka_unit_test(target_test),
        cmocka_unit_test(host_test),       cmocka_unit_test(refused_test),
        cmocka_unit_test(size_test),       cmocka_unit_test(pipeline_test),
        cmocka_unit_test(methods_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
