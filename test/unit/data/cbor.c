/* cbor.c -- CBOR read: what is taken, and what is not. SPDX: Apache-2.0 */
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BYTES(literal) str_make("" literal, sizeof(literal) - 1)

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        str text;
        int64_t want;
    } rows[] = {{STR_INIT("\x00"), 0},
                {STR_INIT("\x17"), 23},
                {STR_INIT("\x18\x64"), 100},
                {STR_INIT("\x19\x03\xe8"), 1000},
                {STR_INIT("\x1a\x00\x0f\x42\x40"), 1000000},
                {STR_INIT("\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX},
                {STR_INIT("\x20"), -1},
                {STR_INIT("\x39\x01\x00"), -257},
                {STR_INIT("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MIN}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cbor c;
        str rest = rows[i].text;
        assert_true(cbor_next(&rest, &c) && c.kind == CBOR_INT && rest.len == 0);
        assert_true(c.i == rows[i].want);
        for (size_t cut = 0; cut < rows[i].text.len; cut++) {
            rest = str_upto(rows[i].text, cut);
            assert_false(cbor_next(&rest, &c));
            assert_int_equal(rest.len, cut); /* stays */
        }
    }
}

static void test_others(void **state)
{
    (void)state;
    struct cbor c;
    str rest = BYTES("\x43"
                     "abc"
                     "\x62"
                     "hi"
                     "\x82"
                     "\xa1"
                     "\xf6");
    assert_true(cbor_next(&rest, &c) && c.kind == CBOR_BYTES && str_is(c.bytes, "abc"));
    assert_true(cbor_next(&rest, &c) && c.kind == CBOR_TEXT && str_is(c.bytes, "hi"));
    assert_true(cbor_next(&rest, &c) && c.kind == CBOR_ARRAY && c.count == 2);
    assert_true(cbor_next(&rest, &c) && c.kind == CBOR_MAP && c.count == 1);
    assert_true(cbor_next(&rest, &c) && c.kind == CBOR_OTHER && rest.len == 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const str bad[] = {
        STR_INIT("\x5f\x41"
                 "a\xff"),        /* no length */
        STR_INIT("\x9f\xff"),     /* no length */
        STR_INIT("\xc0\x00"),     /* a tag */
        STR_INIT("\xf9\x00\x00"), /* a float */
        STR_INIT("\x1c"),         /* reserved */
        STR_INIT("\x44"
                 "abc"),                                   /* longer than it is */
        STR_INIT("\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),  /* the same, of 64 bits */
        STR_INIT("\x9b\x00\x00\x00\x01\x00\x00\x00\x00"),  /* too many items */
        STR_INIT("\x1b\x80\x00\x00\x00\x00\x00\x00\x00")}; /* no int64_t */
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct cbor c;
        str rest = bad[i];
        assert_false(cbor_next(&rest, &c));
    }
}

static void test_skip(void **state)
{
    (void)state;
    str rest = BYTES("\xa2\x01\x82\x02\x03\x41"
                     "x"
                     "\xa0"
                     "\x07"),
        deep;
    char nested[400];
    assert_true(cbor_skip(&rest) && rest.len == 1);
    memset(nested, 0x81, sizeof nested);
    nested[sizeof nested - 1] = 0;
    deep = str_make(nested, sizeof nested);
    assert_false(cbor_skip(&deep)); /* without recursion, and not for ever */
    deep = str_make(nested + sizeof nested - 100, 100);
    assert_true(cbor_skip(&deep) && deep.len == 0);
    rest = BYTES("\x82\x01");
    assert_false(cbor_skip(&rest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_integers),
                                       cmocka_unit_test(test_others),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_skip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
