/* Chunked bodies: decoded the same however they are cut, refused when doubtful. SPDX: Apache-2.0 */
#include "http/http_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { BODY_MOST = 1000, ROOM = 32768 };

static char room[ROOM];
static size_t room_len;
static struct chunks chunks;
static struct fault fault;

/* Feeds text in pieces of `step` bytes, as a connection does. */
static int feed(str text, size_t step)
{
    int rc = 0;
    chunks = (struct chunks){0};
    fault = (struct fault){0};
    room_len = 0;
    for (size_t at = 0; rc == 0 && at < text.len;) {
        size_t n = text.len - at < step ? text.len - at : step;
        assert_true(room_len + n <= sizeof room);
        memcpy(room + room_len, text.ptr + at, n);
        room_len += n;
        at += n;
        rc = chunks_feed(&chunks, room, &room_len, BODY_MOST, &fault);
        assert_true(chunks.decoded <= room_len);
        if (rc == 1)
            assert_true(chunks.raw <= room_len);
    }
    return rc;
}

static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 7};

static void decodes(str text, const char *body, const char *rest)
{
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_int_equal(feed(text, steps[i]), 1);
        assert_true(str_is((str){room, chunks.decoded}, body));
        if (steps[i] == SIZE_MAX)
            assert_true(str_is((str){room + chunks.raw, room_len - chunks.raw}, rest));
    }
}

static void good_test(void **state)
{
    (void)state;
    decodes(LIT("0\r\n\r\n"), "", "");
    decodes(LIT("5\r\nhello\r\n0\r\n\r\n"), "hello", "");
    decodes(LIT("1\r\na\r\n2\r\nbc\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), "abc", "GET / HTTP/1.1\r\n");
    decodes(LIT("0a\r\n0123456789\r\n00\r\n\r\n"), "0123456789", "");
    decodes(LIT("A\r\n01234\r\n789\r\n0\r\n\r\n"), "01234\r\n789", "");
    decodes(LIT("2;a\r\nbc\r\n0;x=y\r\n\r\n"), "bc", "");
    decodes(LIT("2;a=b;c=\"d;e = f\"\r\nbc\r\n0;q=\"\"\r\n\r\n"), "bc", "");
    decodes(LIT("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n", "");
    decodes(LIT("2\r\nbc\r\n0\r\nX-Sum: 1\r\nETag: \"a\"\r\n\r\nrest"), "bc", "rest");
    decodes(LIT("000000000000002\r\nbc\r\n0\r\n\r\n"), "bc", "");
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
    BAD(400, "\r\n\r\n"),
    BAD(400, "x\r\n"),
    BAD(400, "0x2\r\nbc\r\n0\r\n\r\n"),
    BAD(400, "+2\r\nbc\r\n"),
    BAD(400, "-2\r\nbc\r\n"),
    BAD(400, " 2\r\nbc\r\n"),
    BAD(400, "\t2\r\nbc\r\n"),
    BAD(400, "2 \r\nbc\r\n"),
    BAD(400, "2\t\r\nbc\r\n"),
    BAD(400, "2_0\r\nbc\r\n"),
    BAD(400, "2,\r\nbc\r\n"),
    BAD(400, "2\nbc\r\n"),
    BAD(400, "2\rbc\r\n"),
    BAD(400, "2\r\r\nbc\r\n"),
    BAD(400, "\n2\r\nbc\r\n"),
    BAD(400, "2\0\r\nbc\r\n"),
    BAD(400, "2;\r\nbc\r\n"),
    BAD(400, "2;;a\r\nbc\r\n"),
    BAD(400, "2 ;a\r\nbc\r\n"),
    BAD(400, "2; a\r\nbc\r\n"),
    BAD(400, "2;a \r\nbc\r\n"),
    BAD(400, "2;a =b\r\nbc\r\n"),
    BAD(400, "2;a= b\r\nbc\r\n"),
    BAD(400, "2;a=\r\nbc\r\n"),
    BAD(400, "2;=b\r\nbc\r\n"),
    BAD(400, "2;a=b=c\r\nbc\r\n"),
    BAD(400, "2;a=\"b\r\nbc\r\n"),
    BAD(400, "2;a=\"b\"c\r\nbc\r\n"),
    BAD(400, "2;a=\"\\\"\"\r\nbc\r\n"),
    BAD(400, "2;a=\"\r\"\r\nbc\r\n"),
    BAD(400, "2;a\nbc\r\n"),
    BAD(400, "2;a\rb\r\nbc\r\n"),
    BAD(400, "2;a=b\x01\r\nbc\r\n"),
    BAD(400, "2;a=(b)\r\nbc\r\n"),
    BAD(400, "2;\xc3\xa9=b\r\nbc\r\n"),
    BAD(400, "0000000000000002\r\nbc\r\n"),
    BAD(400, "fffffffffffffffff\r\n"),
    BAD(400, "10000000000000002\r\nbc\r\n"),
    BAD(413, "fffffffffffffff\r\n"),
    BAD(413, "3e9\r\n"),
    BAD(413, "2\r\nbc\r\n3e7\r\n"),
    BAD(400, "2\r\nbcd\r\n0\r\n\r\n"),
    BAD(400, "2\r\nbc0\r\n\r\n"),
    BAD(400, "2\r\nb\r\n0\r\n\r\n"),
    BAD(400, "2\r\nbc\n0\r\n\r\n"),
    BAD(400, "2\r\nbc\rx"),
    BAD(400, "2\r\nbc\r\n\r\n"),
    BAD(400, "0\r\nX-A : b\r\n\r\n"),
    BAD(400, "0\r\n X-A: b\r\n\r\n"),
    BAD(400, "0\r\nX-A: b\r\n c\r\n\r\n"),
    BAD(400, "0\r\nX-A: b\n\r\n"),
    BAD(400, "0\r\n\n"),
    BAD(400, "0\r\nX-A\r\n\r\n"),
    BAD(400, "0\r\nX-A: a\rb\r\n\r\n"),
    BAD(400, "0\r\nX-A: a\0b\r\n\r\n"),
    BAD(400, "0\r\nGET / HTTP/1.1\r\n\r\n"),
    BAD(400, "0\r\nContent-Length: 3\r\n\r\n"),
    BAD(400, "0\r\ntransfer-encoding: chunked\r\n\r\n"),
    BAD(400, "0\r\nHost: y\r\n\r\n"),
    BAD(400, "0\r\nAuthorization: a\r\n\r\n"),
};

static void refused_test(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        for (size_t s = 0; s < COUNT_OF(steps); s++) {
            int rc = feed(refused[i].text, steps[s]);
            if (rc != -1 || fault.status != refused[i].status)
                fail_msg("%d %d in steps of %zu: %.*s", rc, fault.status, steps[s],
                         STR_ARG(refused[i].text));
        }
    }
}

static void size_test(void **state)
{
    char text[ROOM];
    (void)state;
    int n = snprintf(text, sizeof text, "%x\r\n%0*d\r\n0\r\n\r\n", BODY_MOST, BODY_MOST, 7);
    assert_int_equal(feed((str){text, (size_t)n}, SIZE_MAX), 1);
    assert_int_equal(chunks.decoded, BODY_MOST);
    for (n = 0; n < 2 * (BODY_MOST + 1) * 3;) /* too much by many small ones */
        n += snprintf(text + n, sizeof text - (size_t)n, "1\r\na\r\n");
    assert_int_equal(feed((str){text, (size_t)n}, 5), -1);
    assert_int_equal(fault.status, 413);
    n = snprintf(text, sizeof text, "1;%0*d\r\na\r\n0\r\n\r\n", 300, 1);
    assert_int_equal(feed((str){text, (size_t)n}, 100), -1);
    assert_int_equal(fault.status, 400);
}

/* Extensions and trailers have a ceiling over the whole body. */
static void overhead_test(void **state)
{
    char text[ROOM];
    int n = 0;
    (void)state;
    while (n < 9000)
        n += snprintf(text + n, sizeof text - (size_t)n, "1;%0*d\r\na\r\n", 200, 1);
    assert_int_equal(feed((str){text, (size_t)n}, 1000), -1);
    assert_int_equal(fault.status, 431);
    n = snprintf(text, sizeof text, "0\r\n");
    while (n < 9000)
        n += snprintf(text + n, sizeof text - (size_t)n, "X: %0*d\r\n", 200, 1);
    assert_int_equal(feed((str){text, (size_t)n}, 1000), -1);
    assert_int_equal(fault.status, 431);
    n = snprintf(text, sizeof text, "0\r\nX: %0*d\r\n\r\n", 9000, 1);
    assert_int_equal(feed((str){text, (size_t)n}, 1000), -1);
    assert_int_equal(fault.status, 431);
}

/* What a slow sender holds is what is not understood yet, not all that came. */
static void compact_test(void **state)
{
    (void)state;
    assert_int_equal(feed(LIT("1;abc=def\r\na\r\n1\r\nb\r\n1\r\nc\r\n3"), 4), 0);
    assert_true(str_is((str){room, room_len}, "abc3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_test),    cmocka_unit_test(refused_test),
        cmocka_unit_test(size_test),    cmocka_unit_test(overhead_test),
        cmocka_unit_test(compact_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
