/* sum.c -- exact sums and means of decimals. SPDX: Apache-2.0 */
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char text[SUM_TEXT + 1];

static const char *total(const char *list, int scale)
{
    struct decimal_sum s = {.pending = 0};
    for (str rest = str_of(list); rest.ptr;)
        assert_true(decimal_sum_add(&s, str_cut(&rest, ' '), scale));
    assert_false(s.full);
    text[decimal_sum_text(&s, text)] = '\0';
    return text;
}

static const char *mean(const char *list, int scale)
{
    struct decimal_sum s = {.pending = 0};
    uint64_t count = 0;
    for (str rest = str_of(list); rest.ptr; count++)
        assert_true(decimal_sum_add(&s, str_cut(&rest, ' '), -1));
    text[decimal_sum_mean(&s, count, scale, text)] = '\0';
    return text;
}

static void test_sums(void **state)
{
    (void)state;
    static const struct {
        const char *list, *want;
        int scale;
    } cases[] = {
        {"0", "0", -1},
        {"-0", "0", -1},
        {"1", "1", -1},
        {"0.1 0.2", "0.3", -1},
        {"0.1 0.2 -0.3", "0", -1},
        {"1 -2", "-1", -1},
        {"0.5 -1", "-0.5", -1},
        {"-0.000000001 -0.999999999", "-1", -1},
        {"999999999 1", "1000000000", -1},
        {"1000000000 -1", "999999999", -1},
        {"9223372036854775807 9223372036854775807", "18446744073709551614", -1},
        {"123456789012345678901234567890.0000000001 0.0000000009",
         "123456789012345678901234567890.000000001", -1},
        {"1e20 1e-20", "100000000000000000000.00000000000000000001", -1},
        {"10 20 30", "60", -1},
        {"1.005 1.005", "2.02", 2},
        {"1.004 -1.006", "-0.01", 2},
        {"0.5 0.5", "2", 0},
        {"9.995", "10", 2},
        {"19.9 0.10", "20", 2},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(total(cases[i].list, cases[i].scale), cases[i].want);
}

static void test_means(void **state)
{
    (void)state;
    static const struct {
        const char *list, *want;
        int scale;
    } cases[] = {
        {"1 2", "1.5", 6},
        {"1 1 2", "1.333333", 6},
        {"1 2 2", "1.666667", 6},
        {"-1 -2 -2", "-1.666667", 6},
        {"0", "0", 6},
        {"1 0", "1", 0},
        {"-1 0", "-1", 0},
        {"1 0 0", "0", 0},
        {"10 20", "15", 6},
        {"0.001 0.002", "0.0015", 9},
        {"999999999 1000000000", "999999999.5", 1},
        {"9.9999995", "10", 6},
        {"9.9999994", "9.999999", 6},
        {"1 0 0 0 0 0 0", "0.1428571428571428571429", 22},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(mean(cases[i].list, cases[i].scale), cases[i].want);
}

static void test_refused(void **state)
{
    (void)state;
    struct decimal_sum s = {.pending = 0};
    assert_false(decimal_sum_add(&s, LIT("x"), -1));
    assert_false(decimal_sum_add(&s, LIT(""), -1));
    assert_false(decimal_sum_add(&s, LIT("NaN"), -1));
    assert_true(decimal_sum_add(&s, LIT("1e999"), -1));
    assert_false(s.full);
    char wide[2000];
    memset(wide, '9', sizeof wide);
    assert_true(decimal_sum_add(&s, str_make(wide, sizeof wide), -1));
    assert_true(s.full);
}

/* Against the machine's own integers: any order, any signs, as whole numbers and as hundredths. */
static void test_random(void **state)
{
    (void)state;
    srandom(7);
    for (int round = 0; round < 200; round++) {
        struct decimal_sum whole = {.pending = 0}, cents = {.pending = 0};
        int64_t want = 0;
        for (int i = 0; i < 50; i++) {
            int64_t n = (random() - RAND_MAX / 2) * (round % 2 ? 1000003 : 1);
            char digits[40];
            snprintf(digits, sizeof digits, "%lld", (long long)n);
            decimal_sum_scaled(&cents, n, 2);
            if (i % 2)
                decimal_sum_scaled(&whole, n, 0);
            else
                assert_true(decimal_sum_add(&whole, str_of(digits), -1));
            want += n;
        }
        char expect[40];
        snprintf(expect, sizeof expect, "%lld", (long long)want);
        text[decimal_sum_text(&whole, text)] = '\0';
        assert_string_equal(text, expect);
        text[decimal_sum_text(&cents, text)] = '\0';
        snprintf(expect, sizeof expect, "%s%lld.%02lld", want < 0 ? "-" : "",
                 (long long)llabs(want) / 100, (long long)llabs(want) % 100);
        assert_int_equal(decimal_cmp(str_of(text), str_of(expect)), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_means),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
