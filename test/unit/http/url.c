/* Percent-encoding, paths and query strings. SPDX: Apache-2.0 */
#include "http/http_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;
static struct err err;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static void is(str have, str want)
{
    if (!str_eq(have, want))
        fail_msg("'%.*s' is not '%.*s'", STR_ARG(have), STR_ARG(want));
}

static void decode_test(void **state)
{
    str out, in = LIT("plain");
    (void)state;
    assert_int_equal(url_decode(&arena, in, true, &out, &err), 0);
    assert_ptr_equal(out.ptr, in.ptr);
    assert_int_equal(url_decode(&arena, LIT("a%20b+c%2Bd%2f"), true, &out, &err), 0);
    is(out, LIT("a b c+d/"));
    assert_int_equal(url_decode(&arena, LIT("a+b"), false, &out, &err), 0);
    is(out, LIT("a+b"));
    assert_int_equal(url_decode(&arena, LIT("%C3%a9%e2%82%AC"), false, &out, &err), 0);
    is(out, LIT("\xc3\xa9\xe2\x82\xac"));
    assert_int_equal(url_decode(&arena, LIT(""), true, &out, &err), 0);
    is(out, LIT(""));
    static const char *const bad[] = {"%",     "%2",    "a%zz",         "%2x",    "%%20",
                                      "%00",   "%ff",   "%C3",          "%c0%af", "%ed%a0%80",
                                      "a%0gb", "% 20a", "%F5%80%80%80", "%C3+%A9"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        err = (struct err){0};
        assert_int_equal(url_decode(&arena, str_of(bad[i]), true, &out, &err), E_BAD);
        assert_true(err.text[0] != '\0');
    }
}

static void encode_test(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 200);
    url_encode(&b, LIT("aZ09-._~ /?%+&=\xc3\xa9\0"));
    is(buf_view(&b), LIT("aZ09-._~%20%2F%3F%25%2B%26%3D%C3%A9%00"));
    buf_fini(&b);
}

static void path_test(void **state)
{
    static const char *const good[][2] = {
        {"/", "/"},
        {"/a/b/", "/a/b/"},
        {"/a%20b", "/a b"},
        {"/%75sers/%C3%A9", "/users/\xc3\xa9"},
        {"/a:b@c!$&'()*+,;=-._~", "/a:b@c!$&'()*+,;=-._~"},
        {"/...", "/..."},
        {"/.a/b..", "/.a/b.."},
        {"/%252e%252e", "/%2e%2e"}, /* decoded once */
        {"/a+b", "/a+b"},
        {"*", "*"},
    };
    struct fault fault;
    str out, segments;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(path_clean(&arena, str_of(good[i][0]), &out, &segments, &fault));
        is(out, str_of(good[i][1]));
    }
}

static void slash_test(void **state)
{
    struct fault fault = {0};
    str path, segments;
    (void)state;
    assert_true(path_clean(&arena, LIT("/a%2Fb/c%2f%252F"), &path, &segments, &fault));
    is(path, LIT("/a/b/c/%2F"));
    is(segments, LIT("/a\001b/c\001%2F"));
    is(path_show(&arena, LIT("a\001b")), LIT("a/b"));
}

static void bad_path_test(void **state)
{
    static const char *const bad[] = {
        "",       "a",     "//",       "/a//b", "//a",   "/.",      "/..",   "/a/../b",
        "/a/./b", "/%2e",  "/%2e%2E/", "/.%2e", "/a/..", "/%",      "/%4",   "/%zz",
        "/%00",   "/a%0a", "/%7f",     "/%1F",  "/%ff",  "/%c0%ae", "/a\\b", "/a|b",
        "/a^b",   "/a\"b", "/<a>",     "/a`b",  "/{a}",  "/[a]",    "/a b",  "/\xc3\xa9",
        "/%C3",   "/a#b",  "/a?b",     "/*/..", "**",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct fault fault = {0};
        str out, segments;
        if (path_clean(&arena, str_of(bad[i]), &out, &segments, &fault))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(fault.status, 400);
    }
}

/* A path that the request's budget cannot hold is refused; it does not end the process. */
static void small_arena_test(void **state)
{
    struct fault fault = {0};
    struct arena small;
    char path[20000];
    str out, segments;
    (void)state;
    memset(path, 'a', sizeof path);
    memcpy(path, "/%20", 4);
    arena_init(&small, 8192);
    assert_false(path_clean(&small, str_make(path, sizeof path), &out, &segments, &fault));
    assert_int_equal(fault.status, 400);
    arena_reset(&small);
}

static struct request rq;
static const struct param *list;
static size_t count;

static int query(const char *text)
{
    err = (struct err){0};
    rq.query = str_of(text);
    return request_query(&rq, &list, &count, &err);
}

static void query_test(void **state)
{
    (void)state;
    arena_init(&rq.arena, 1 << 20);
    assert_int_equal(query(""), 0);
    assert_int_equal(count, 0);
    assert_int_equal(query("a=1&b=x+y%26z&a=&c&&d=e=f"), 0);
    assert_int_equal(count, 5);
    is(list[0].name, LIT("a"));
    is(list[1].value, LIT("x y&z"));
    is(list[2].name, LIT("a"));
    is(list[2].value, LIT(""));
    is(list[3].name, LIT("c"));
    is(list[3].value, LIT(""));
    is(list[4].value, LIT("e=f"));
    assert_int_equal(query("a%3Db=c"), 0);
    is(list[0].name, LIT("a=b"));
    assert_int_equal(query("a=%"), E_BAD);
    assert_int_equal(query("%ff=1"), E_BAD);
    char many[600];
    memset(many, '&', sizeof many);
    many[255] = '\0';
    assert_int_equal(query(many), 0);
    many[255] = '&';
    many[256] = '\0';
    assert_int_equal(query(many), E_BAD);
    arena_reset(&rq.arena);
}

static void header_test(void **state)
{
    const struct header headers[] = {{LIT("Accept"), LIT("a")}, {LIT("accept"), LIT("b")}};
    struct request r = {.headers = headers, .header_count = 2};
    (void)state;
    is(request_header(&r, LIT("ACCEPT")), LIT("a"));
    assert_null(request_header(&r, LIT("Accep")).ptr);
    r.params[0] = (struct path_param){LIT("id"), LIT("7")};
    r.param_count = 1;
    is(request_param(&r, LIT("id")), LIT("7"));
    assert_null(request_param(&r, LIT("ID")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decode_test, setup, teardown),
        cmocka_unit_test_setup_teardown(encode_test, setup, teardown),
        cmocka_unit_test_setup_teardown(path_test, setup, teardown),
        cmocka_unit_test_setup_teardown(slash_test, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_path_test, setup, teardown),
        cmocka_unit_test(small_arena_test),
        cmocka_unit_test(query_test),
        cmocka_unit_test(header_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
