/* Time: civil days over eight centuries, both texts, and times before 1970. */
#include "base/clock.h" /* before cmocka.h, which has a macro fail() */

#include "base/bug.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static unsigned days_of(int64_t year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Counting day by day, as a calendar on the wall does. */
static void every_day_of_eight_centuries(void **state)
{
    (void)state;
    int64_t n = clock_days(1600, 1, 1);
    for (int64_t year = 1600; year < 2400; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            for (unsigned day = 1; day <= days_of(year, month); day++, n++) {
                int64_t y;
                unsigned m, d;
                clock_civil(n, &y, &m, &d);
                if (clock_days(year, month, day) != n || y != year || m != month || d != day)
                    fail_msg("%lld-%u-%u", (long long)year, month, day);
            }
        }
    }
}

static void known_days(void **state)
{
    (void)state;
    assert_int_equal(clock_days(1970, 1, 1), 0);
    assert_int_equal(clock_days(2000, 2, 29), 11016);
    assert_int_equal(clock_days(1969, 12, 31), -1);
    assert_int_equal(clock_days(0, 1, 1), -719528);
    assert_int_equal(clock_days(9999, 12, 31), 2932896);
}

static void rfc3339(int64_t us, const char *want)
{
    char text[CLOCK_RFC3339_MAX];
    size_t len = clock_rfc3339(us, text);
    assert_int_equal(len, strlen(want));
    assert_string_equal(text, want);
}

static void rfc3339_texts(void **state)
{
    (void)state;
    rfc3339(0, "1970-01-01T00:00:00.000000Z");
    rfc3339(1, "1970-01-01T00:00:00.000001Z");
    rfc3339(-1, "1969-12-31T23:59:59.999999Z");
    rfc3339(-1000000, "1969-12-31T23:59:59.000000Z");
    rfc3339(784111777000000, "1994-11-06T08:49:37.000000Z");
    rfc3339(951827696789012, "2000-02-29T12:34:56.789012Z");
    rfc3339(253402300799999999, "9999-12-31T23:59:59.999999Z");
    rfc3339(-62167219200000000, "0000-01-01T00:00:00.000000Z");
}

static void http(int64_t s, const char *want)
{
    char text[CLOCK_HTTP_LEN + 1];
    text[CLOCK_HTTP_LEN] = '#'; /* no NUL is written */
    clock_http(s, text);
    assert_int_equal(text[CLOCK_HTTP_LEN], '#');
    text[CLOCK_HTTP_LEN] = '\0';
    assert_string_equal(text, want);
}

static void http_texts(void **state)
{
    (void)state;
    http(784111777, "Sun, 06 Nov 1994 08:49:37 GMT"); /* the example of RFC 9110 */
    http(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    http(-1, "Wed, 31 Dec 1969 23:59:59 GMT");
    http(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    http(1704067199, "Sun, 31 Dec 2023 23:59:59 GMT");
    http(253402300799, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void clocks_agree(void **state)
{
    (void)state;
    uint64_t a = clock_ns(), b = clock_ns();
    assert_true(b >= a);
    int64_t us = clock_wall_us(), s = clock_wall_s();
    assert_true(us > 1700000000000000);
    assert_true(s - us / 1000000 <= 1 && us / 1000000 - s <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_eight_centuries),
        cmocka_unit_test(known_days),
        cmocka_unit_test(rfc3339_texts),
        cmocka_unit_test(http_texts),
        cmocka_unit_test(clocks_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
