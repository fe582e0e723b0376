/* time.c -- dates and times as text. SPDX: Apache-2.0 */
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_times(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"},
        {"2026-01-02t03:04:05z", "2026-01-02T03:04:05.000000Z"},
        {"2026-01-02 03:04:05", "2026-01-02T03:04:05.000000Z"},
        {"2026-01-02", "2026-01-02T00:00:00.000000Z"},
        {"2026-01-02T03:04:05.6+00:00", "2026-01-02T03:04:05.600000Z"},
        {"2026-01-02T03:04:05.6789012345Z", "2026-01-02T03:04:05.678901Z"},
        {"2026-01-02T03:04:05.9999999Z", "2026-01-02T03:04:05.999999Z"},
        {"2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000000Z"},
        {"2024-02-28T23:30:00-01:00", "2024-02-29T00:30:00.000000Z"},
        {"2023-02-28T23:30:00-0100", "2023-03-01T00:30:00.000000Z"},
        {"2026-01-02 03:04:05.123+05", "2026-01-01T22:04:05.123000Z"},
        {"2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05.000000Z"},
        {"2026-01-02T03:04:05+23:59", "2026-01-01T03:05:05.000000Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"},
        {"0000-02-29T00:00:00Z", "0000-02-29T00:00:00.000000Z"},
        {"1969-12-31T23:59:59-00:30", "1970-01-01T00:29:59.000000Z"},
        {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
        {"2016-12-31T23:59:60.25Z", "2017-01-01T00:00:00.250000Z"},
        {"2015-07-01T01:59:60+02:00", "2015-07-01T00:00:00.000000Z"},
    };
    char out[TIME_CANON_LEN];
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        if (!time_canon(str_of(pairs[i][0]), out) || memcmp(out, pairs[i][1], sizeof out) != 0)
            fail_msg("'%s' gave '%.*s'", pairs[i][0], TIME_CANON_LEN, out);
    }
}

static void test_no_times(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "now",
                                      "2026-02-30",
                                      "2026-02-29T00:00:00Z",
                                      "1900-02-29T00:00:00Z",
                                      "2026-00-01",
                                      "2026-13-01",
                                      "2026-01-00",
                                      "2026-04-31",
                                      "26-01-02",
                                      "2026-1-2",
                                      "2026/01/02",
                                      "20260102",
                                      "+2026-01-02",
                                      "-001-01-02",
                                      "2026-01-02T",
                                      "2026-01-02T03:04Z",
                                      "2026-01-02T24:00:00Z",
                                      "2026-01-02T03:60:00Z",
                                      "2026-01-02T03:04:61Z",
                                      "2026-01-02T23:59:60Z",
                                      "2016-12-31T22:59:60Z",
                                      "2016-12-31T23:59:60+01:00",
                                      "2026-01-02T03:04:05.Z",
                                      "2026-01-02T03:04:05,5Z",
                                      "2026-01-02T03:04:05+24:00",
                                      "2026-01-02T03:04:05+01:60",
                                      "2026-01-02T03:04:05+1",
                                      "2026-01-02T03:04:05+01:",
                                      "2026-01-02T03:04:05+01:0",
                                      "2026-01-02T03:04:05ZZ",
                                      "2026-01-02T03:04:05 Z",
                                      "2026-01-02  03:04:05Z",
                                      "2026-01-02T03:04:05Z ",
                                      "0000-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01",
                                      "9999-12-31T23:59:60Z"};
    char out[TIME_CANON_LEN];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (time_canon(str_of(bad[i]), out))
            fail_msg("'%s' gave '%.*s'", bad[i], TIME_CANON_LEN, out);
    }
    assert_false(time_canon(str_make("2026-01-02\0", 11), out));
}

/* Every prefix, in a block of its exact size: only the date alone and whole seconds are times. */
static void test_truncated(void **state)
{
    (void)state;
    static const char text[] = "2026-01-02T03:04:05.25+01:00";
    char out[TIME_CANON_LEN];
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = test_malloc(n + 1);
        memcpy(copy + 1, text, n);
        bool want = n == 10 || n == 19 || n == 21 || n == 22 || n == 25 || n == 28;
        assert_int_equal(time_canon(str_make(copy + 1, n), out), want);
        test_free(copy);
    }
}

static void test_dates_and_clocks(void **state)
{
    (void)state;
    char date[10], clock[15];
    assert_true(date_canon(LIT("2024-02-29"), date));
    assert_memory_equal(date, "2024-02-29", 10);
    assert_false(date_canon(LIT("2026-02-30"), date));
    assert_false(date_canon(LIT("2026-02-03T00:00:00Z"), date));
    assert_false(date_canon(LIT("2026-02-3"), date));
    assert_true(clocktime_canon(LIT("23:59:59"), clock));
    assert_memory_equal(clock, "23:59:59.000000", 15);
    assert_true(clocktime_canon(LIT("00:00:00.1234567"), clock));
    assert_memory_equal(clock, "00:00:00.123456", 15);
    static const char *const bad[] = {"",      "24:00:00",  "23:60:00",  "23:59:60", "1:00:00",
                                      "01:00", "01:00:00Z", "01:00:00.", "01:00:00 "};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(clocktime_canon(str_of(bad[i]), clock));
}

static void test_show(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05Z"},
        {"2026-01-02T03:04:05.120000Z", "2026-01-02T03:04:05.12Z"},
        {"2026-01-02T03:04:00.000001Z", "2026-01-02T03:04:00.000001Z"},
        {"2026-01-02 03:04:00", "2026-01-02T03:04:00Z"},
        {"03:04:00.500000", "03:04:00.5"},
        {"03:04:00.000000", "03:04:00"},
        {"2026-01-20", "2026-01-20"},
        {"some 1.500", "some 1.5"},
        {"", ""},
        {"Z", "Z"},
        {".", ""},
    };
    struct buf b;
    buf_init(&b, 64);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        buf_clear(&b);
        time_show(&b, str_of(pairs[i][0]));
        if (!str_is(buf_view(&b), pairs[i][1]))
            fail_msg("'%s' gave '%.*s'", pairs[i][0], STR_ARG(buf_view(&b)));
    }
    buf_fini(&b);
}

static void test_of_numbers(void **state)
{
    char out[TIME_CANON_LEN], day[10];
    (void)state;
    assert_true(time_of_micros(-1, out));
    assert_memory_equal(out, "1969-12-31T23:59:59.999999Z", TIME_CANON_LEN);
    assert_true(time_of_micros(951868799000001, out));
    assert_memory_equal(out, "2000-02-29T23:59:59.000001Z", TIME_CANON_LEN);
    assert_true(time_of_micros(INT64_C(253402300799999999), out));
    assert_memory_equal(out, "9999-12-31T23:59:59.999999Z", TIME_CANON_LEN);
    assert_false(time_of_micros(INT64_C(253402300800000000), out));
    assert_true(time_of_micros(INT64_C(-62135596800000000), out));
    assert_memory_equal(out, "0001-01-01T00:00:00.000000Z", TIME_CANON_LEN);
    assert_false(time_of_micros(INT64_C(-62135596800000001), out));
    assert_false(time_of_micros(INT64_MIN, out) || time_of_micros(INT64_MAX, out));
    assert_true(date_of_days(-1, day));
    assert_memory_equal(day, "1969-12-31", sizeof day);
    assert_false(date_of_days(2932897, day) || date_of_days(-719163, day));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),     cmocka_unit_test(test_no_times),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_dates_and_clocks),
        cmocka_unit_test(test_show),      cmocka_unit_test(test_of_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
