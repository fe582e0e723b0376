/* text.c -- decimals, base64, hex, uuids. SPDX: Apache-2.0 */
#include "base/clock.h"
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static void test_decimal_canon(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int precision, scale;
        const char *want; /* NULL: refused */
    } list[] = {
        {"0", 0, -1, "0"},
        {"-0", 0, -1, "0"},
        {"-0.00", 0, 2, "0.00"},
        {"+1.50", 0, -1, "1.5"},
        {"0.1000", 0, -1, "0.1"},
        {"007", 0, -1, "7"},
        {"1e3", 0, -1, "1000"},
        {"1.25E2", 0, -1, "125"},
        {"1.25e1", 0, -1, "12.5"},
        {"125e-2", 0, -1, "1.25"},
        {"-125e-5", 0, -1, "-0.00125"},
        {"1e-0", 0, -1, "1"},
        {"0e999", 0, -1, "0"},
        {"100", 0, 0, "100"},
        {"100.0", 3, 0, "100"},
        {"100.5", 3, 0, NULL},
        {"12.3", 5, 2, "12.30"},
        {"12.340", 5, 2, "12.34"},
        {"12.345", 5, 2, NULL},
        {"999.99", 5, 2, "999.99"},
        {"1000", 5, 2, NULL},
        {"1e3", 5, 2, NULL},
        {"0001", 3, 2, "1.00"},
        {"0.05", 2, 2, "0.05"},
        {"1", 2, 2, NULL},
        {"12345678901234567890123456789.123456789", 0, -1,
         "12345678901234567890123456789.123456789"},
        {"1e1000", 0, -1, NULL},
        {"1e-1000", 0, -1, NULL},
        {"", 0, -1, NULL},
        {"-", 0, -1, NULL},
        {"+", 0, -1, NULL},
        {".5", 0, -1, NULL},
        {"5.", 0, -1, NULL},
        {"1e", 0, -1, NULL},
        {"1e+", 0, -1, NULL},
        {"1e--1", 0, -1, NULL},
        {"--1", 0, -1, NULL},
        {" 1", 0, -1, NULL},
        {"1 ", 0, -1, NULL},
        {"1,5", 0, -1, NULL},
        {"NaN", 0, -1, NULL},
        {"0x1", 0, -1, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        str out = LIT("?");
        bool ok = decimal_canon(&arena, str_of(list[i].in), list[i].precision, list[i].scale, &out);
        if (ok != (list[i].want != NULL) || (ok && !str_is(out, list[i].want)))
            fail_msg("'%s' gave %d '%.*s'", list[i].in, ok, STR_ARG(out));
    }
    str out;
    assert_true(decimal_canon(&arena, LIT("1e400"), 0, -1, &out));
    assert_int_equal(out.len, 401);
    assert_false(decimal_canon(&arena, str_make("1\0002", 3), 0, -1, &out));
}

static void test_decimal_cmp(void **state)
{
    (void)state;
    /* In order; equal ones share a rank. */
    static const struct {
        const char *text;
        int rank;
    } list[] = {
        {"-1e500", 0}, {"-1000", 1},  {"-1e3", 1},   {"-999.9", 2}, {"-0.001", 3}, {"0", 4},
        {"-0", 4},     {"0e5", 4},    {"0.0001", 5}, {"0.001", 6},  {"1e-3", 6},   {"0.01", 7},
        {"0.1", 8},    {"0.1000", 8}, {"0.11", 9},   {"1", 10},     {"+1.0", 10},  {"1.0001", 11},
        {"2", 12},     {"10", 13},    {"010", 13},   {"1e400", 14}, {"2e400", 15}, {"", 16},
        {"abc", 17},   {"abd", 18},
    };
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        for (size_t j = 0; j < COUNT_OF(list); j++) {
            int want = (list[i].rank > list[j].rank) - (list[i].rank < list[j].rank);
            int got = decimal_cmp(str_of(list[i].text), str_of(list[j].text));
            got = (got > 0) - (got < 0);
            if (got != want)
                fail_msg("'%s' against '%s': %d", list[i].text, list[j].text, got);
        }
    }
}

static void test_base64(void **state)
{
    (void)state;
    static const char *const pairs[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        str back;
        buf_clear(&b);
        base64_put(&b, str_of(pairs[i][0]));
        assert_true(str_is(buf_view(&b), pairs[i][1]));
        assert_true(base64_get(&arena, buf_view(&b), &back) && str_is(back, pairs[i][0]));
        buf_clear(&b);
        base64url_put(&b, str_of(pairs[i][0]));
        assert_true(str_is(buf_view(&b), pairs[i][2]));
        assert_true(base64url_get(&arena, buf_view(&b), &back) && str_is(back, pairs[i][0]));
    }
    buf_fini(&b);
}

static void test_base64_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",      "Zg",   "Zg=",  "Zh==",     "Zm9=",
                                      "====",   "=",    "Z===", "Zg==Zg==", "Zm 9",
                                      "Zm9v\n", "Zm9-", "Zm_v", "Z=g=",     "=Zg="};
    static const char *const bad_url[] = {"Z",     "Zh",   "Zg==", "Zm9",
                                          "Zm9v=", "+/+/", "Zg Z", "Zm9vY"};
    str out;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (base64_get(&arena, str_of(bad[i]), &out))
            fail_msg("'%s' was read", bad[i]);
    }
    for (size_t i = 0; i < COUNT_OF(bad_url); i++) {
        if (base64url_get(&arena, str_of(bad_url[i]), &out))
            fail_msg("'%s' was read", bad_url[i]);
    }
    assert_false(base64_get(&arena, str_make("Zg\0=", 4), &out));
}

/* All lengths and octets come back, and a ceiling is kept. */
static void test_base64_round(void **state)
{
    (void)state;
    unsigned char bytes[256];
    struct buf b;
    buf_init(&b, 4096);
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (unsigned char)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        str in = str_make((const char *)bytes, n), back;
        buf_clear(&b);
        base64_put(&b, in);
        assert_true(base64_get(&arena, buf_view(&b), &back) && str_eq(in, back));
        buf_clear(&b);
        base64url_put(&b, in);
        assert_true(base64url_get(&arena, buf_view(&b), &back) && str_eq(in, back));
    }
    buf_fini(&b);
    buf_init(&b, 10);
    base64_put(&b, LIT("123456789"));
    assert_true(b.full && b.len == 0);
    buf_fini(&b);
}

/* RFC 4648, 10; without its padding. */
static void test_base32(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "MY"},
                                           {"fo", "MZXQ"},
                                           {"foo", "MZXW6"},
                                           {"foob", "MZXW6YQ"},
                                           {"fooba", "MZXW6YTB"},
                                           {"foobar", "MZXW6YTBOI"},
                                           {"\xff\xff", "777Q"}};
    struct buf b;
    buf_init(&b, 64);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        buf_clear(&b);
        base32_put(&b, str_of(pairs[i][0]));
        assert_true(str_is(buf_view(&b), pairs[i][1]));
    }
    buf_fini(&b);
}

static void test_hex(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 64);
    hex_put(&b, str_make("\0\x1f\xff", 3));
    assert_true(str_is(buf_view(&b), "001fff"));
    buf_fini(&b);
}

static void test_uuid_canon(void **state)
{
    (void)state;
    char out[36];
    assert_true(uuid_canon(LIT("F81D4FAE-7DEC-11D0-A765-00a0c91e6bf6"), out));
    assert_memory_equal(out, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 36);
    assert_true(uuid_canon(LIT("00000000-0000-0000-0000-000000000000"), out));
    static const char *const bad[] = {"",
                                      "f81d4fae7dec11d0a76500a0c91e6bf6",
                                      "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
                                      "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
                                      "f81d4fae-7dec-11d0-a765-00a0c91e6bf61",
                                      "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
                                      "f81d4faef7dec-11d0-a765-00a0c91e6bf6",
                                      "f81d4fa-e7dec-11d0-a765-00a0c91e6bf6"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(uuid_canon(str_of(bad[i]), out));
}

static void test_uuid_new(void **state)
{
    (void)state;
    char last[36] = {0}, id[36], again[36];
    for (int i = 0; i < 5000; i++) {
        uuid_v7(id);
        assert_true(uuid_canon(str_make(id, 36), again));
        assert_memory_equal(id, again, 36);
        assert_true(id[14] == '7' && strchr("89ab", id[19]));
        assert_true(memcmp(last, id, 36) < 0);
        memcpy(last, id, 36);
        uuid_v4(id);
        assert_true(uuid_canon(str_make(id, 36), again));
        assert_true(id[14] == '4' && strchr("89ab", id[19]));
    }
    uuid_v4(again);
    assert_memory_not_equal(id, again, 36);
    uint64_t ms = 0, now = (uint64_t)clock_wall_us() / 1000;
    for (int i = 0; i < 13; i++) {
        if (i != 8)
            ms = ms << 4 | (uint64_t)(last[i] <= '9' ? last[i] - '0' : last[i] - 'a' + 10);
    }
    assert_true(ms <= now + 5 && ms + 60000 > now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_canon), cmocka_unit_test(test_decimal_cmp),
        cmocka_unit_test(test_base64),        cmocka_unit_test(test_base64_strict),
        cmocka_unit_test(test_base32),        cmocka_unit_test(test_base64_round),
        cmocka_unit_test(test_hex),           cmocka_unit_test(test_uuid_canon),
        cmocka_unit_test(test_uuid_new),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
