/* fields.c -- names and texts of a form to a value. SPDX: Apache-2.0 */
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Pairs as "a=1 b[]=2"; the value as JSON, or the word of the refusal. */
static void becomes(const char *pairs, const char *want)
{
    struct arena a;
    struct fields f;
    struct err err = {0};
    struct buf b;
    str rest = str_of(pairs);
    arena_init(&a, 1 << 20);
    buf_init(&b, 1 << 16);
    fields_init(&f, &a);
    while (rest.ptr && rest.len && !err.code) {
        str value = str_cut(&rest, ' '), name = str_cut(&value, '=');
        fields_add(&f, name, value.ptr ? value : LIT(""), &err);
    }
    struct value v = fields_value(&f);
    if (err.code)
        buf_str(&b, err.word.len ? err.word : LIT("toobig"));
    else
        json_value(&b, &v);
    buf_char(&b, '\0');
    assert_string_equal(b.ptr, want);
    buf_fini(&b);
    arena_reset(&a);
}

static void test_names(void **state)
{
    (void)state;
    becomes("", "{}");
    becomes("a=1", "{\"a\":\"1\"}");
    becomes("a", "{\"a\":\"\"}");
    becomes("a=1 b=2 a=3 a=4", "{\"a\":[\"1\",\"3\",\"4\"],\"b\":\"2\"}");
    becomes("a[]=1", "{\"a\":[\"1\"]}");
    becomes("a[]=1 a[]=2", "{\"a\":[\"1\",\"2\"]}");
    becomes("a[b]=1 a[c][d]=2", "{\"a\":{\"b\":\"1\",\"c\":{\"d\":\"2\"}}}");
    becomes("a[b]=1 a[b]=2", "{\"a\":{\"b\":[\"1\",\"2\"]}}");
    becomes("a[0][x]=1 a[0][y]=2 a[1][x]=3", "{\"a\":[{\"x\":\"1\",\"y\":\"2\"},{\"x\":\"3\"}]}");
    becomes("a[1]=x a[2]=y", "{\"a\":{\"1\":\"x\",\"2\":\"y\"}}"); /* a list begins at 0 */
    becomes("0=a 1=b", "{\"0\":\"a\",\"1\":\"b\"}");               /* a form is an object */
    becomes("a.b=1 c-d=2", "{\"a.b\":\"1\",\"c-d\":\"2\"}");
}

static void test_refused(void **state)
{
    static const char *const list[] = {"=1",        "a[=1",         "a[b=1",
                                       "a[b]c=1",   "a=1 a[b]=2",   "a[b]=2 a=1",
                                       "a[][b]=1",  "a[]=1 a[b]=2", "a[b]=1 a[]=2",
                                       "a[b[c]]=1", "[a]=1",        "a[1][2][3][4][5][6][7][8]=1"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++)
        becomes(list[i], "malformed_form");
}

static void test_bounds(void **state)
{
    struct arena a;
    struct fields f;
    struct err err = {0};
    (void)state;
    arena_init(&a, 1 << 22);
    fields_init(&f, &a);
    for (size_t i = 0; i < FIELDS_MOST; i++)
        assert_int_equal(fields_add(&f, LIT("a"), LIT("x"), &err), 0);
    assert_int_equal(fields_add(&f, LIT("a"), LIT("x"), &err), E_TOOBIG);
    struct value v = fields_value(&f);
    assert_int_equal(v.fields[0].value.count, FIELDS_MOST);
    assert_true(value_is_loose(&v.fields[0].value.items[FIELDS_MOST - 1]));
    arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
