/* Texts with lengths: search, cutting, UTF-8, numbers at their limits, nearest names. */
#include "base/str.h" /* before cmocka.h, which has a macro fail() */

#include "base/bug.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const str none = {NULL, 0};

static void equal_and_ordered(void **state)
{
    (void)state;
    assert_true(str_eq(LIT(""), none));
    assert_true(str_is(none, NULL));
    assert_true(str_eq(LIT("a\0b"), LIT("a\0b")));
    assert_false(str_eq(LIT("a\0b"), LIT("a\0c")));
    assert_false(str_eq(LIT("a"), LIT("ab")));
    assert_true(str_eqi(LIT("Content-TYPE"), LIT("content-type")));
    assert_true(str_eqi(LIT("content-type"), LIT("Content-Type")));
    assert_true(str_eqi(LIT("Origin"), LIT("Origin")) && str_eqi(LIT(""), none));
    assert_false(str_eqi(LIT("Origin"), LIT("Orisin")) || str_eqi(LIT("@"), LIT("`")));
    assert_false(str_eqi(LIT("a@"), LIT("a`"))); /* differ in the same bit as letters do */
    assert_true(str_cmp(LIT("a"), LIT("b")) < 0);
    assert_true(str_cmp(LIT("ab"), LIT("a")) > 0);
    assert_true(str_cmp(LIT("\x7f"), LIT("\x80")) < 0); /* bytes, not signed chars */
    assert_int_equal(str_cmp(none, LIT("")), 0);
}

static void parts(void **state)
{
    (void)state;
    str s = LIT("hello");
    assert_true(str_is(str_from(s, 2), "llo"));
    assert_int_equal(str_from(s, 9).len, 0);
    assert_true(str_is(str_upto(s, 2), "he"));
    assert_true(str_is(str_upto(s, 9), "hello"));
    assert_true(str_starts(s, LIT("he")) && str_starts(s, none) && !str_starts(none, LIT("a")));
    assert_true(str_ends(s, LIT("lo")) && str_ends(s, s) && !str_ends(LIT("lo"), s));
    assert_int_equal(str_find(s, 'l'), 2);
    assert_int_equal(str_rfind(s, 'l'), 3);
    assert_int_equal(str_find(s, 'x'), STR_NONE);
    assert_int_equal(str_rfind(none, 'x'), STR_NONE);
    assert_true(str_is(str_trim(LIT(" \t a b\t ")), "a b"));
    assert_int_equal(str_trim(LIT(" \t ")).len, 0);
    assert_true(str_is(str_trim(LIT("\na\n")), "\na\n")); /* line ends are no blanks */
    assert_true(str_is(str_strip(LIT(" \r\n a\n b\t\n")), "a\n b"));
}

static void cut(void **state)
{
    (void)state;
    static const char *const want[] = {"a", "", "b", ""};
    str rest = LIT("a,,b,");
    size_t count = 0;
    while (rest.ptr) {
        assert_true(count < COUNT_OF(want));
        assert_true(str_is(str_cut(&rest, ','), want[count++]));
    }
    assert_int_equal(count, 4);
    rest = LIT("whole");
    assert_true(str_is(str_cut(&rest, ','), "whole"));
    assert_null(rest.ptr);
}

/* Every code point, written by hand, is read; every sequence off by one is not. */
static size_t encode(char *to, uint32_t c)
{
    if (c < 0x80)
        return (to[0] = (char)c, 1);
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3F));
        to[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3F));
    to[2] = (char)(0x80 | (c >> 6 & 0x3F));
    to[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static void utf8_every_code_point(void **state)
{
    (void)state;
    char text[4];
    for (uint32_t c = 0; c < 0x110100; c++) {
        bool good = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
        size_t len = encode(text, c);
        if (str_utf8(str_make(text, len)) != good)
            fail_msg("U+%04X is %s", c, good ? "refused" : "taken");
        if (len > 1 && str_utf8(str_make(text, len - 1)))
            fail_msg("half of U+%04X is taken", c);
    }
}

static void utf8_bad_sequences(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xc3(",
        "\xe2\x82(",
        "\xf0\x9f\x98(",
    };
    char text[40];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        for (size_t at = 0; at < 20; at++) { /* at every place against the eight-byte steps */
            size_t len = strlen(bad[i]);
            memset(text, 'a', sizeof text);
            memcpy(text + at, bad[i], len);
            if (str_utf8(str_make(text, 30)))
                fail_msg("sequence %zu at %zu is taken", i, at);
        }
    }
    assert_true(str_utf8(none));
    assert_true(str_utf8(LIT("plain \0 text that is longer than eight bytes \xc3\xa9")));
}

static void signed_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } table[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        int64_t n = 42;
        if (str_to_i64(str_of(table[i].text), &n) != table[i].good)
            fail_msg("'%s'", table[i].text);
        assert_int_equal(n, table[i].good ? table[i].value : 42); /* untouched when refused */
    }
    int64_t n;
    assert_false(str_to_i64(LIT("1\0"), &n));
}

static void unsigned_numbers(void **state)
{
    (void)state;
    uint64_t n = 42;
    assert_true(str_to_u64(LIT("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_false(str_to_u64(LIT("18446744073709551616"), &n));
    assert_false(str_to_u64(LIT("184467440737095516150"), &n));
    assert_false(str_to_u64(LIT("-1"), &n));
    assert_false(str_to_u64(LIT(""), &n));
    assert_true(n == UINT64_MAX);
}

static void distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned want;
    } table[] = {{"", "", 0},         {"abc", "abc", 0},        {"abc", "ABC", 0},
                 {"", "abc", 3},      {"abc", "abd", 1},        {"abc", "ab", 1},
                 {"abc", "xabc", 1},  {"limit", "limti", 1},    {"ca", "abc", 3},
                 {"nmae", "name", 1}, {"kitten", "sitting", 3}, {"city", "citty", 1},
                 {"sort", "order", 4}};
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        str a = str_of(table[i].a), b = str_of(table[i].b);
        if (str_distance(a, b) != table[i].want || str_distance(b, a) != table[i].want)
            fail_msg("'%s' '%s': %u and %u", table[i].a, table[i].b, str_distance(a, b),
                     str_distance(b, a));
    }
    char longer[65];
    memset(longer, 'x', sizeof longer);
    assert_int_equal(str_distance(str_make(longer, 65), LIT("x")), 64);
    assert_int_equal(str_distance(str_make(longer, 64), LIT("x")), 63);
}

static void nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"id", "name", "email", "created_at"};
    assert_string_equal(str_nearest(LIT("nmae"), names, 4), "name");
    assert_string_equal(str_nearest(LIT("createdat"), names, 4), "created_at");
    assert_string_equal(str_nearest(LIT("Email"), names, 4), "email");
    assert_null(str_nearest(LIT("zzzzzz"), names, 4));
    assert_null(str_nearest(LIT("xy"), names, 4)); /* short words must be near */
    assert_null(str_nearest(LIT("name"), names, 0));
    assert_null(str_nearest(LIT(""), names, 4));
}

static void hashes(void **state)
{
    (void)state;
    assert_true(str_hash(LIT("abc")) == str_hash(str_make("abcd", 3)));
    assert_true(str_hash(LIT("abc")) != str_hash(LIT("abc\0")));
    assert_true(str_hash(LIT("12345678")) != str_hash(LIT("12345679")));
    assert_true(str_hash(LIT("1234567812345678")) != str_hash(LIT("1234567812345679")));
    assert_true(str_hash(none) == str_hash(LIT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_and_ordered),
        cmocka_unit_test(parts),
        cmocka_unit_test(cut),
        cmocka_unit_test(utf8_every_code_point),
        cmocka_unit_test(utf8_bad_sequences),
        cmocka_unit_test(signed_numbers),
        cmocka_unit_test(unsigned_numbers),
        cmocka_unit_test(distance),
        cmocka_unit_test(nearest),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
