/* The writers of documents: JSON put down piece by piece, and the same as YAML. SPDX: Apache-2.0 */
#include "admin/admin_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;
static struct buf out;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_reset(&arena);
    buf_fini(&out);
    return 0;
}

static void holds(const char *want)
{
    buf_char(&out, '\0');
    assert_string_equal(out.ptr, want);
}

static void commas_come_by_themselves(void **state)
{
    (void)state;
    put(&out, "{'a':[");
    put_text(&out, LIT("it's \"one\""));
    put_text(&out, LIT("two"));
    putf(&out, "%d", 3);
    put(&out, "]");
    put_member(&out, "none", LIT(""));
    put_member(&out, "b", LIT("c"));
    put_key(&out, LIT("d"));
    put_ref(&out, "schemas", LIT("User"), "List");
    put(&out, "}");
    holds("{\"a\":[\"it's \\\"one\\\"\",\"two\",3],\"b\":\"c\","
          "\"d\":{\"$ref\":\"#/components/schemas/UserList\"}}");
}

static void yaml(const char *json, const char *want)
{
    struct value v;
    struct err err = {0};
    buf_clear(&out);
    assert_int_equal(json_parse(&arena, str_of(json), &json_limits_default, &v, &err), 0);
    docs__yaml(&out, &v);
    holds(want);
}

static void blocks(void **state)
{
    (void)state;
    yaml("{\"a\":{\"b\":1,\"c\":[]},\"d\":{}}", "a:\n  b: 1\n  c: []\nd: {}\n");
    yaml("{\"a\":[1,{\"b\":2,\"c\":[3]},[4,5]]}",
         "a:\n  - 1\n  - b: 2\n    c:\n      - 3\n  - \n    - 4\n    - 5\n");
}

/* A plain word must be nothing else to a reader of YAML. */
static void strings(void **state)
{
    (void)state;
    yaml("{\"a\":\"word\",\"b\":\"two words\",\"c\":\"true\",\"d\":\"No\",\"e\":\"12\",\"f\":\"\"}",
         "a: word\nb: \"two words\"\nc: \"true\"\nd: \"No\"\ne: \"12\"\nf: \"\"\n");
    yaml("{\"200\":null,\"y\":true,\"a:b\":\"#x\",\"l\":\"a\\nb\",\"n\":1.50}",
         "\"200\": null\n\"y\": true\n\"a:b\": \"#x\"\nl: \"a\\nb\"\n\"n\": 1.50\n");
}

static void names(void **state)
{
    (void)state;
    static const char *const list[][2] = {{"order items", "OrderItems"},
                                          {"a_b-c", "ABC"},
                                          {"x2", "X2"},
                                          {"\xc3\xa9t\xc3\xa9", "T"},
                                          {"__", ""}};
    for (size_t i = 0; i < COUNT_OF(list); i++)
        assert_true(str_is(doc__pascal(&arena, str_of(list[i][0])), list[i][1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commas_come_by_themselves, begin, end),
        cmocka_unit_test_setup_teardown(blocks, begin, end),
        cmocka_unit_test_setup_teardown(strings, begin, end),
        cmocka_unit_test_setup_teardown(names, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
