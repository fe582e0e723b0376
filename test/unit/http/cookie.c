/* cookie.c -- the Cookie header: what is taken, what is passed over, what stands there twice.
 * SPDX: Apache-2.0 */
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* "name=value|name=value" of a header's value. */
static void takes(const char *header, const char *want)
{
    char got[512] = "";
    size_t len = 0;
    str rest = str_of(header), name, value;
    while (cookie_next(&rest, &name, &value))
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%.*s=%.*s", len ? "|" : "",
                                STR_ARG(name), STR_ARG(value));
    assert_string_equal(got, want);
}

static void test_next(void **state)
{
    (void)state;
    takes("a=1", "a=1");
    takes("a=1; b=2", "a=1|b=2");
    takes("a=1;b=2 ;  c=3;", "a=1|b=2|c=3");
    takes("a=; b=x=y", "a=|b=x=y");
    takes("a=\"quoted\"; b=\"\"", "a=quoted|b=");
    takes("a=\"half; b=\"", "");
    takes("a; =1; ;;; c=3", "c=3");
    takes("a=1,2; b=1 2; c=\\; d=\x7f; e=\xc3\xa9; f=1", "f=1");
    takes("", "");
    takes("a=1; a=2", "a=1|a=2");
}

static size_t ask(const struct header *list, size_t count, const char *name, str *out)
{
    struct request rq = {.headers = list, .header_count = count};
    return request_cookie(&rq, str_of(name), out);
}

static void test_of_request(void **state)
{
    (void)state;
    const struct header list[] = {{LIT("Cookie"), LIT("s=1; t=2")},
                                  {LIT("Accept"), LIT("s=3")},
                                  {LIT("cookie"), LIT("u=4; t=5")}};
    str out;
    assert_int_equal(ask(list, COUNT_OF(list), "s", &out), 1);
    assert_true(str_is(out, "1"));
    assert_int_equal(ask(list, COUNT_OF(list), "t", &out), 2); /* nobody can tell whose is whose */
    assert_int_equal(ask(list, COUNT_OF(list), "u", &out), 1);
    assert_int_equal(ask(list, COUNT_OF(list), "S", &out), 0); /* names keep their case */
    assert_null(out.ptr);
    assert_int_equal(ask(list, 0, "s", &out), 0);
}

static void test_bounded(void **state)
{
    (void)state;
    static char many[1000];
    for (size_t i = 0; i < sizeof many; i += 4)
        memcpy(many + i, "x=1;", 4);
    const struct header list[] = {{LIT("Cookie"), str_make(many, sizeof many)},
                                  {LIT("Cookie"), LIT("s=1")}};
    str out;
    assert_int_equal(ask(list, 2, "s", &out), 0); /* behind two hundred others */
    assert_int_equal(ask(list + 1, 1, "s", &out), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_next),
                                       cmocka_unit_test(test_of_request),
                                       cmocka_unit_test(test_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
