/* params.c -- parameters of OAuth requests: forms, query strings, Basic. SPDX: Apache-2.0 */
#include "oauth/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

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

static int read_it(const char *text, struct params *out)
{
    struct err err = {0};
    int code = params_read(&arena, str_of(text), out, &err);
    if (code < 0)
        assert_true(str_is(err.word, "invalid_request"));
    return code;
}

static void test_read(void **state)
{
    struct params p;
    (void)state;
    assert_int_equal(read_it("", &p), 0);
    assert_int_equal(read_it("client_id=a+b%26&state=&other=1&other=2&&scope", &p), 0);
    assert_true(str_is(p.of[PARAM_CLIENT], "a b&"));
    assert_int_equal(p.of[PARAM_STATE].len, 0);
    assert_int_equal(p.of[PARAM_SCOPE].len, 0);
    assert_null(p.of[PARAM_CODE].ptr);
    assert_int_equal(read_it("password=a%0Ab", &p), 0);
    assert_true(str_is(p.of[PARAM_PASSWORD], "a\nb"));
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"state=a&state=a",   "state&state=b", "s%74ate=a&state=b",
                                      "state=%",           "state=%ff",     "state=a%0d%0aX:%20y",
                                      "redirect_uri=a%7F", "%=1",           "state=%00"};
    struct params p;
    char many[1024];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_true(read_it(bad[i], &p) < 0);
    memset(many, '&', sizeof many);
    many[sizeof many - 1] = '\0';
    assert_true(read_it(many, &p) < 0);
}

static int basic(const char *coded, str *name, str *secret)
{
    struct err err = {0};
    return params_basic(&arena, str_of(coded), name, secret, &err);
}

static void test_basic(void **state)
{
    str name, secret;
    (void)state;
    assert_int_equal(basic("YSUzQWI6YyUyMGQ6ZQ==", &name, &secret), 0); /* a%3Ab:c%20d:e */
    assert_true(str_is(name, "a:b"));
    assert_true(str_is(secret, "c d:e"));
    assert_true(basic("YWI=", &name, &secret) < 0);     /* no colon */
    assert_true(basic("YTpiCg==", &name, &secret) < 0); /* a line end */
    assert_true(basic("YTolMEE=", &name, &secret) < 0); /* one that is encoded */
    assert_true(basic("YTo%", &name, &secret) < 0);
    assert_true(basic("", &name, &secret) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_basic)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
