/* json.c -- reading and writing JSON. SPDX: Apache-2.0 */
#include "data/data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct buf out;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64u << 20);
    buf_init(&out, 64u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&arena);
    buf_fini(&out);
    return 0;
}

static struct value must(str text)
{
    struct value v = {0};
    struct err err = {0};
    int rc = json_parse(&arena, text, &json_limits_default, &v, &err);
    if (rc != 0)
        print_error("%.*s: %s\n", STR_ARG(text), err.text);
    assert_int_equal(rc, 0);
    return v;
}

static const char *wrong(str text, int code)
{
    static struct err err;
    struct value v = value_int(42);
    err = (struct err){0};
    int rc = json_parse(&arena, text, &json_limits_default, &v, &err);
    if (rc != code)
        print_error("%.*s: %d\n", STR_ARG(text), rc);
    assert_int_equal(rc, code);
    assert_true(v.kind == V_INT && v.i == 42);
    return err.text;
}

static const char *written(const struct value *v)
{
    buf_clear(&out);
    json_value(&out, v);
    buf_char(&out, '\0');
    return out.ptr;
}

static void test_scalars(void **state)
{
    (void)state;
    assert_int_equal(must(LIT("null")).kind, V_NULL);
    assert_true(must(LIT(" true\r\n\t")).truth);
    assert_false(must(LIT("false")).truth);
    assert_int_equal(must(LIT("0")).i, 0);
    assert_int_equal(must(LIT("9223372036854775807")).i, INT64_MAX);
    struct value least = must(LIT("-9223372036854775808"));
    assert_true(least.kind == V_INT && least.i == INT64_MIN);
    assert_string_equal(written(&least), "-9223372036854775808");
    assert_true(str_is(must(LIT("\"\"")).text, ""));
}

static void test_numbers_kept(void **state)
{
    (void)state;
    static const char *const kept[] = {"9223372036854775808",
                                       "-9223372036854775809",
                                       "1e400",
                                       "-0",
                                       "0.1000",
                                       "1.0",
                                       "-0.0",
                                       "1E+5",
                                       "1e-7",
                                       "123456789012345678901234567890.5"};
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        struct value v = must(str_of(kept[i]));
        assert_int_equal(v.kind, V_NUM);
        assert_string_equal(written(&v), kept[i]);
    }
}

static void test_not_json(void **state)
{
    (void)state;
    static const char *const list[] = {"",
                                       " ",
                                       "nul",
                                       "nulll",
                                       "True",
                                       "01",
                                       "-01",
                                       "00",
                                       "+1",
                                       "-",
                                       ".5",
                                       "1.",
                                       "1.e5",
                                       "1e",
                                       "1e+",
                                       "--1",
                                       "0x10",
                                       "NaN",
                                       "Infinity",
                                       "'a'",
                                       "[",
                                       "]",
                                       "[1",
                                       "[1,",
                                       "[1,]",
                                       "[,1]",
                                       "[1 2]",
                                       "{",
                                       "}",
                                       "{\"a\"",
                                       "{\"a\":",
                                       "{\"a\":1",
                                       "{\"a\":1,",
                                       "{\"a\":1,}",
                                       "{a:1}",
                                       "{1:1}",
                                       "{\"a\" 1}",
                                       "{\"a\":1 \"b\":2}",
                                       "[1}",
                                       "{\"a\":1]",
                                       "1 1",
                                       "// x\n1",
                                       "\"",
                                       "\"\\",
                                       "\"\\\"",
                                       "\"\\x\"",
                                       "\"\\u12\"",
                                       "\"\\u12G4\"",
                                       "\"\\ud800\"",
                                       "\"\\udc00\"",
                                       "\"\\ud800\\n\"",
                                       "\"\\ud800\\u0041\"",
                                       "\"\\ud800x\"",
                                       "\"\t\"",
                                       "\"\n\"",
                                       "\"\x01\"",
                                       "\"\xff\"",
                                       "\"\xc0\x80\"",
                                       "\"\xed\xa0\x80\"",
                                       "\"\xf4\x90\x80\x80\"",
                                       "\"\xe2\x82\"",
                                       "\"\\\xc3\xa9\"",
                                       "\xef\xbb\xbf{}",
                                       "[1]\f",
                                       "\xc2\xa0 1",
                                       "tru",
                                       "t",
                                       "[nul]",
                                       "{\"a\":}"};
    for (size_t i = 0; i < COUNT_OF(list); i++)
        wrong(str_of(list[i]), E_BAD);
    wrong(str_make("1\0", 2), E_BAD);
    wrong(str_make("\"a\0b\"", 5), E_BAD);
    wrong(str_make(NULL, 0), E_BAD);
}

static void test_places(void **state)
{
    (void)state;
    assert_string_equal(wrong(LIT("{\"a\": 1,\n  \"b\" 2}"), E_BAD),
                        "line 2, column 7: expected ':' after a member name, found '2'");
    assert_string_equal(wrong(LIT("[\"\xc3\xa9\", x]"), E_BAD),
                        "line 1, column 7: expected a value, found 'x'");
    assert_string_equal(wrong(LIT("[1"), E_BAD),
                        "line 1, column 3: expected ',' or ']', found the end of the text");
    assert_string_equal(wrong(LIT("\"abc\xff\""), E_BAD),
                        "line 1, column 5: expected well-formed UTF-8, found byte 0xff");
    assert_string_equal(wrong(LIT("{\"a\":1,\n\"b\":2,\n\"\\u0061\":3}"), E_BAD),
                        "line 3, column 1: member 'a' is given twice");
    assert_string_equal(wrong(LIT("{} x"), E_BAD),
                        "line 1, column 4: expected the end of the text, found 'x'");
}

static void test_strings(void **state)
{
    (void)state;
    str text = LIT("\"plain text of more than sixteen bytes\"");
    struct value v = must(text);
    assert_ptr_equal(v.text.ptr, text.ptr + 1); /* points into the text */
    v = must(LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\\u0041\""));
    assert_true(str_is(v.text, "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
                               "A"));
    v = must(LIT("\"a\\u0000b\""));
    assert_int_equal(v.text.len, 3);
    assert_string_equal(written(&v), "\"a\\u0000b\"");
    v = must(LIT("\"\\uDBFF\\uDFFF\""));
    assert_true(str_is(v.text, "\xf4\x8f\xbf\xbf"));
    v = must(LIT("\"\x7f\xf0\x9f\x98\x80\""));
    assert_int_equal(v.text.len, 5);
}

static void test_containers(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[],\"b\":{},\"c\":[1,[2,[3,{\"d\":[null,true]}]],\"x\"],\"\":{\"\":0}}";
    struct value v = must(str_of(text));
    assert_string_equal(written(&v), text);
    assert_int_equal(v.count, 4);
    assert_int_equal(value_get(&v, LIT("c"))->count, 3);
    assert_null(value_get(&v, LIT("d")));
    assert_null(value_get(value_get(&v, LIT("a")), LIT("a")));
}

/* Every prefix of a document is no document; from a heap block of the exact size, so that a read
 * past the end is seen. */
static void test_truncated(void **state)
{
    (void)state;
    static const char text[] =
        "{\"name\":\"J\\u00f6rg \\ud83d\\ude00 \xc3\xa9\xe2\x82\xac\",\"list\":"
        "[1,-2.5e+10,true,false,null,[]],\"o\":{\"k\":{}}}";
    size_t len = sizeof text - 1;
    must(str_of(text));
    for (size_t n = 0; n < len; n++) {
        char *copy = test_malloc(n + 1);
        memcpy(copy + 1, text, n);
        wrong(str_make(copy + 1, n), E_BAD);
        test_free(copy);
    }
}

static void test_duplicates_many(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_char(&b, '{');
    for (int i = 0; i < 5000; i++)
        buf_printf(&b, "\"k%d\":%d,", i, i);
    size_t mark = b.len;
    buf_lit(&b, "\"k5000\":1}");
    struct value v = must(buf_view(&b));
    assert_int_equal(v.count, 5001);
    assert_int_equal(value_get(&v, LIT("k4999"))->i, 4999);
    b.len = mark;
    buf_lit(&b, "\"k\\u0031234\":1}");
    assert_non_null(strstr(wrong(buf_view(&b), E_BAD), "member 'k1234' is given twice"));
    buf_fini(&b);
}

static void test_limits(void **state)
{
    (void)state;
    struct json_limits limits = {.depth = 3, .nodes = 5};
    struct value v;
    struct err err = {0};
    assert_int_equal(json_parse(&arena, LIT("[[[1]]]"), &limits, &v, &err), 0);
    assert_int_equal(json_parse(&arena, LIT("[[[]],[[]]]"), &limits, &v, &err), 0);
    assert_int_equal(json_parse(&arena, LIT("[[[[]]]]"), &limits, &v, &err), E_TOOBIG);
    assert_int_equal(json_parse(&arena, LIT("[1,2,3,4]"), &limits, &v, &err), 0);
    assert_int_equal(json_parse(&arena, LIT("[1,2,3,4,5]"), &limits, &v, &err), E_TOOBIG);
    char deep[200];
    memset(deep, '[', sizeof deep);
    wrong(str_make(deep, sizeof deep), E_TOOBIG);
}

/* A small budget ends with an answer, not with the process. */
static void test_no_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_char(&b, '[');
    for (int i = 0; i < 20000; i++)
        buf_lit(&b, "\"a\\n\",");
    buf_lit(&b, "1]");
    for (size_t limit = 8192; limit <= 512 * 1024; limit *= 2) {
        struct arena small;
        struct value v;
        struct err err = {0};
        arena_init(&small, limit);
        assert_int_equal(json_parse(&small, buf_view(&b), &json_limits_default, &v, &err),
                         E_TOOBIG);
        arena_reset(&small);
    }
    assert_int_equal(must(buf_view(&b)).count, 20001);
    buf_fini(&b);
}

static void test_escaping(void **state)
{
    (void)state;
    /* Every byte at every place of blocks of several sizes. */
    for (size_t len = 1; len < 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 128; c++) {
                char *text = test_malloc(len);
                memset(text, 'a', len);
                text[at] = (char)c;
                buf_clear(&out);
                json_text(&out, str_make(text, len));
                bool plain = c >= 0x20 && c != '"' && c != '\\';
                assert_int_equal(out.len == len + 2, plain);
                struct value back = must(buf_view(&out));
                assert_true(str_eq(back.text, str_make(text, len)));
                test_free(text);
            }
        }
    }
}

static void test_text_not_utf8(void **state)
{
    (void)state;
    static const struct {
        str in;
        const char *want;
    } list[] = {
        {STR_INIT("\xff"), "\"\xef\xbf\xbd\""},
        {STR_INIT("caf\xe9 \"x\""), "\"caf\xef\xbf\xbd \\\"x\\\"\""},
        {STR_INIT("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {STR_INIT("\xc3\xa9\xff\xc3\xa9"), "\"\xc3\xa9\xef\xbf\xbd\xc3\xa9\""},
        {STR_INIT("a long enough run of text \xc3\xa9"), "\"a long enough run of text \xc3\xa9\""},
    };
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        buf_clear(&out);
        json_text(&out, list[i].in);
        assert_true(str_is(buf_view(&out), list[i].want));
    }
}

static void test_text_ceiling(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    json_text(&b, (str){NULL, 0});
    assert_true(str_is(buf_view(&b), "\"\"") && !b.full);
    json_text(&b, LIT("more than eight"));
    assert_true(b.full && b.len <= 8);
    buf_fini(&b);
}

static void f64_is(double f, const char *want)
{
    buf_clear(&out);
    json_f64(&out, f);
    buf_char(&out, '\0');
    assert_string_equal(out.ptr, want);
}

static void test_f64(void **state)
{
    (void)state;
    f64_is(0, "0");
    f64_is(-0.0, "-0");
    f64_is(19.99, "19.99");
    f64_is(-19.5, "-19.5");
    f64_is(0.1, "0.1");
    f64_is(0.1 + 0.2, "0.30000000000000004");
    f64_is(100, "100");
    f64_is(1e15, "1e+15");
    f64_is(999999999999999, "999999999999999");
    f64_is(0.000001, "0.000001");
    f64_is(1.000005, "1.000005");
    f64_is(5e-324, "5e-324");
    f64_is(1.7976931348623157e308, "1.7976931348623157e+308");
    f64_is((double)NAN, "null");
    f64_is(-(double)INFINITY, "null");
}

static void test_f64_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252ULL;
    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double f;
        memcpy(&f, &seed, sizeof f);
        if (i % 2)
            f = (double)(int64_t)(seed % 2000000000) / (i % 4 == 1 ? 100 : 1e6);
        if (!isfinite(f))
            continue;
        buf_clear(&out);
        json_f64(&out, f);
        buf_char(&out, '\0');
        double back = strtod(out.ptr, NULL);
        assert_memory_equal(&back, &f, sizeof f);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    struct value v = value_bytes(str_make("\0\xff", 2));
    assert_string_equal(written(&v), "\"AP8=\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),        cmocka_unit_test(test_numbers_kept),
        cmocka_unit_test(test_not_json),       cmocka_unit_test(test_places),
        cmocka_unit_test(test_strings),        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_truncated),      cmocka_unit_test(test_duplicates_many),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_escaping),       cmocka_unit_test(test_text_not_utf8),
        cmocka_unit_test(test_text_ceiling),   cmocka_unit_test(test_f64),
        cmocka_unit_test(test_f64_reads_back), cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
