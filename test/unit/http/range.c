/* Range and If-Range against a representation of 1000 bytes. */
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum range_says ask(const char *range, const char *if_range, struct byte_range *list,
                           size_t *count)
{
    struct header headers[] = {{LIT("Range"), str_of(range)}, {LIT("If-Range"), str_of(if_range)}};
    struct request rq = {
        .method = METHOD_GET, .headers = headers, .header_count = if_range ? 2 : 1};
    struct validators v = {.there = true, .etag = LIT("\"tag\""), .changed_s = 784111777};
    return request_ranges(&rq, &v, 1000, list, count);
}

static void single(void **state)
{
    static const struct {
        const char *range;
        enum range_says says;
        uint64_t at, len;
    } list[] = {{"bytes=0-0", RANGE_SOME, 0, 1},
                {"bytes=999-", RANGE_SOME, 999, 1},
                {"bytes=-1", RANGE_SOME, 999, 1},
                {"bytes=-5000", RANGE_SOME, 0, 1000},
                {"Bytes = 1-2", RANGE_SOME, 1, 2},
                {"bytes=10-99999999999999999999999999", RANGE_SOME, 10, 990},
                {"bytes=,,5-6,", RANGE_SOME, 5, 2},
                {"bytes=5-6,2000-", RANGE_SOME, 5, 2},
                {"bytes=1000-", RANGE_NONE, 0, 0},
                {"bytes=-0", RANGE_NONE, 0, 0},
                {"bytes=99999999999999999999999999-", RANGE_NONE, 0, 0},
                {"bytes=2-1", RANGE_WHOLE, 0, 0},
                {"bytes=", RANGE_WHOLE, 0, 0},
                {"bytes", RANGE_WHOLE, 0, 0},
                {"bytes=-", RANGE_WHOLE, 0, 0},
                {"bytes=1", RANGE_WHOLE, 0, 0},
                {"bytes=0x1-2", RANGE_WHOLE, 0, 0},
                {"bytes=1-2;x", RANGE_WHOLE, 0, 0},
                {"rows=0-1", RANGE_WHOLE, 0, 0},
                {"", RANGE_WHOLE, 0, 0}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        struct byte_range got[RANGES_MOST];
        size_t count;
        assert_int_equal(ask(list[i].range, NULL, got, &count), list[i].says);
        if (list[i].says != RANGE_SOME)
            continue;
        assert_int_equal(count, 1);
        assert_int_equal(got[0].at, list[i].at);
        assert_int_equal(got[0].len, list[i].len);
    }
}

static void several(void **state)
{
    struct byte_range got[RANGES_MOST];
    size_t count;
    (void)state;
    assert_int_equal(ask("bytes=0-9, 500-509 ,-10", NULL, got, &count), RANGE_SOME);
    assert_int_equal(count, 3);
    assert_int_equal(got[2].at, 990);
    assert_int_equal(ask("bytes=0-9,5-20", NULL, got, &count), RANGE_WHOLE);
    assert_int_equal(ask("bytes=0-,0-", NULL, got, &count), RANGE_WHOLE);
    assert_int_equal(ask("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,"
                         "24-24,26-26,28-28,30-30,32-32",
                         NULL, got, &count),
                     RANGE_WHOLE);
}

static void conditions(void **state)
{
    static const struct {
        const char *text;
        enum range_says says;
    } list[] = {{"\"tag\"", RANGE_SOME},
                {"W/\"tag\"", RANGE_WHOLE},
                {"\"other\"", RANGE_WHOLE},
                {"Sun, 06 Nov 1994 08:49:37 GMT", RANGE_SOME},
                {"Sun, 06 Nov 1994 08:49:38 GMT", RANGE_WHOLE},
                {"", RANGE_WHOLE}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        struct byte_range got[RANGES_MOST];
        size_t count;
        assert_int_equal(ask("bytes=0-1", list[i].text, got, &count), list[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(single), cmocka_unit_test(several),
                                       cmocka_unit_test(conditions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
