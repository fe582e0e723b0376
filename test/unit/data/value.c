/* value.c -- comparing and copying values. SPDX: Apache-2.0 */
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct value parse(struct arena *a, const char *text)
{
    struct value v;
    struct err err = {0};
    assert_int_equal(json_parse(a, str_of(text), &json_limits_default, &v, &err), 0);
    return v;
}

static void test_eq(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } list[] = {
        {"1", "1", true},
        {"1", "1.0", false},
        {"null", "false", false},
        {"true", "false", false},
        {"\"a\"", "\"a\"", true},
        {"\"a\"", "\"b\"", false},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"c\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{}", "[]", false},
        {"[]", "[]", true},
    };
    struct arena a;
    arena_init(&a, 1u << 20);
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        struct value x = parse(&a, list[i].a), y = parse(&a, list[i].b);
        assert_int_equal(value_eq(&x, &y), list[i].same);
        assert_int_equal(value_eq(&y, &x), list[i].same);
    }
    struct value one = value_int(1), onef = value_float(1), zero = value_float(0),
                 minus = value_float(-0.0), text = value_text(LIT("x")),
                 bytes = value_bytes(LIT("x"));
    assert_false(value_eq(&one, &onef));
    assert_false(value_eq(&zero, &minus));
    assert_false(value_eq(&text, &bytes));
    arena_reset(&a);
}

static void test_copy(void **state)
{
    (void)state;
    struct arena from, to;
    arena_init(&from, 1u << 20);
    arena_init(&to, 1u << 20);
    char text[] = "{\"a\":[1,\"text\",null,1.50,{\"b\":true}],\"c\":\"\\n\"}";
    struct value v = parse(&from, text), copy = value_copy(&to, &v);
    assert_true(value_eq(&v, &copy));
    memset(text, 'x', sizeof text);
    arena_reset(&from);
    const struct value *list = value_get(&copy, LIT("a"));
    assert_true(str_is(list->items[1].text, "text"));
    assert_true(str_is(list->items[3].text, "1.50"));
    assert_true(value_get(&list->items[4], LIT("b"))->truth);
    arena_reset(&to);
}

static void test_kind_names(void **state)
{
    (void)state;
    assert_string_equal(value_kind_name(V_NULL), "null");
    assert_string_equal(value_kind_name(V_BOOL), "boolean");
    assert_string_equal(value_kind_name(V_INT), "number");
    assert_string_equal(value_kind_name(V_NUM), "number");
    assert_string_equal(value_kind_name(V_TEXT), "string");
    assert_string_equal(value_kind_name(V_OBJECT), "object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eq),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
