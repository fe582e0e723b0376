/* cairn call: places, answers taken apart, and foreign text that cannot steer the terminal. */
#include "cli/term.h"
#include "cli/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static void shows(const char *text, bool lines, const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    struct term t = {.out = &out};
    term_safe(&t, str_of(text), lines);
    buf_char(&out, '\0');
    assert_string_equal(out.ptr, want);
    buf_fini(&out);
}

static void what_steers_a_terminal_is_shown(void **state)
{
    (void)state;
    shows("plain, grüße, 日本", false, "plain, grüße, 日本");
    shows("\x1b]0;title\x07", false, "\\u001b]0;title\\u0007");
    shows("a\nb\tc\r", true, "a\nb\tc\\u000d");
    shows("a\nb", false, "a\\u000ab");
    shows("\xc2\x9b"
          "31m",
          true, "\\u009b31m");                                   /* CSI in one character */
    shows("\xe2\x80\xae|\xe2\x81\xa6", true, "\\u202e|\\u2066"); /* turned directions */
    shows("\x9b|\xff|\xed\xa0\x80|\xf0\x9f", true,
          "\\ufffd|\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd"
          "\\ufffd");
}

static void json_keeps_order_and_digits(void **state)
{
    struct buf out;
    struct value v;
    struct err err = {0};
    (void)state;
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 16);
    struct term t = {.out = &out};
    str text = LIT("{\"b\":12345678901234567890.10,\"a\":[],\"c\":{\"d\":[null,\"\\u009b\"]}}");
    assert_int_equal(json_parse(&arena, text, &json_limits_default, &v, &err), 0);
    term_json(&t, &v);
    buf_char(&out, '\0');
    assert_string_equal(out.ptr, "{\n  \"b\": 12345678901234567890.10,\n  \"a\": [],\n  \"c\": {\n"
                                 "    \"d\": [\n      null,\n      \"\\u009b\"\n    ]\n  }\n}\n");
    buf_fini(&out);
    arena_reset(&arena);
}

static void place(bool listen, const char *text, const char *host, const char *port,
                  const char *base)
{
    struct place p;
    struct err err = {0};
    int code = listen ? place_of_listen(&arena, str_of(text), &p, &err)
                      : place_of_url(&arena, str_of(text), &p, &err);
    if (!host) {
        assert_int_equal(code, E_BAD);
        return;
    }
    assert_int_equal(code, 0);
    assert_true(str_is(p.host.len ? p.host : p.path, host));
    assert_true(!port || str_is(p.port, port));
    assert_true(str_is(p.base, base));
}

static void places_are_found(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    place(false, "http://example.com", "example.com", "80", "");
    place(false, "http://[::1]:81/shop/", "::1", "81", "/shop");
    place(false, "unix:/run/x.sock", "/run/x.sock", NULL, "");
    place(false, "ftp://example.com", NULL, NULL, NULL);
    place(false, "https://example.com", "example.com", "443", "");
    place(false, "https://[::1]:8443/shop/", "::1", "8443", "/shop");
    place(false, "example.com", NULL, NULL, NULL);
    place(false, "http://h:0", NULL, NULL, NULL);
    place(false, "http://h:65536", NULL, NULL, NULL);
    place(false, "unix:", NULL, NULL, NULL);
    place(true, "127.0.0.1:8080, [::]:8081", "127.0.0.1", "8080", "");
    place(true, "0.0.0.0:8080", "127.0.0.1", "8080", "");
    place(true, ":8080", "127.0.0.1", "8080", "");
    place(true, "[::]:8080", "::1", "8080", "");
    place(true, "unix:app.sock", "app.sock", NULL, "");
    place(true, "127.0.0.1:0", NULL, NULL, NULL);
    arena_reset(&arena);
}

static void answers_are_taken_apart(void **state)
{
    struct answer r;
    struct err err = {0};
    (void)state;
    assert_int_equal(answer_read(LIT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n"
                                     "content-type:  text/plain \r\nX: 1\r\n\r\na\r\n\r\nb"),
                                 &r, &err),
                     0);
    assert_int_equal(r.status, 404);
    assert_true(str_is(r.line, "HTTP/1.1 404 Not Found"));
    assert_true(str_is(answer_header(&r, LIT("Content-Type")), "text/plain"));
    assert_null(answer_header(&r, LIT("Y")).ptr);
    assert_true(str_is(r.body, "a\r\n\r\nb"));
    assert_int_equal(answer_read(LIT("HTTP/1.1 204 No Content\r\n\r\n"), &r, &err), 0);
    assert_int_equal(r.body.len, 0);
    static const char *const bad[] = {"",
                                      "SSH-2.0\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\n",
                                      "HTTP/1.1\r\n\r\n",
                                      "HTTP/1.1 xxx y\r\n\r\n",
                                      "HTTP/1.1 100 Continue\r\n\r\n"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(answer_read(str_of(bad[i]), &r, &err), E_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_steers_a_terminal_is_shown),
        cmocka_unit_test(json_keeps_order_and_digits),
        cmocka_unit_test(places_are_found),
        cmocka_unit_test(answers_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
