/* Bufs: growth, the ceiling, and that a full one stays full until cleared. */
#include "base/buf.h" /* before cmocka.h, which has a macro fail() */

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void grows_and_keeps_what_is_in_it(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 100000; i++)
        buf_char(&b, (char)('a' + i % 26));
    assert_false(b.full);
    assert_int_equal(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.ptr[i], 'a' + i % 26);
    buf_fini(&b);
    assert_null(b.ptr);
    assert_int_equal(b.limit, 1 << 20);
}

static void takes_no_memory_before_use(void **state)
{
    (void)state;
    struct buf b;
    uint64_t before = mem_calls();
    buf_init(&b, 100);
    buf_add(&b, NULL, 0);
    buf_str(&b, (str){NULL, 0});
    assert_int_equal(mem_calls(), before);
    assert_int_equal(buf_view(&b).len, 0);
    buf_fini(&b);
}

static void ends_exactly_at_its_ceiling(void **state)
{
    (void)state;
    for (size_t limit = 1; limit < 2000; limit += 37) {
        struct buf b;
        buf_init(&b, limit);
        for (size_t i = 0; i < limit; i++)
            buf_char(&b, 'x');
        assert_false(b.full);
        assert_int_equal(b.len, limit);
        assert_true(b.cap <= limit);
        buf_char(&b, 'y');
        assert_true(b.full);
        assert_int_equal(b.len, limit);
        buf_fini(&b);
    }
}

static void a_full_one_takes_nothing_more(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 600);
    buf_lit(&b, "head");
    char large[1000] = {0};
    buf_add(&b, large, sizeof large);
    assert_true(b.full);
    assert_int_equal(b.len, 4);
    size_t cap = b.cap;
    buf_add(&b, large, cap - 4 + 1); /* more than the capacity: asks again, and hears no again */
    assert_int_equal(b.len, 4);
    assert_int_equal(b.cap, cap);
    buf_clear(&b);
    assert_false(b.full);
    buf_add(&b, large, 600);
    assert_int_equal(b.len, 600);
    buf_fini(&b);
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    buf_lit(&b, "x");
    assert_false(buf_room(&b, SIZE_MAX));
    assert_true(b.full);
    assert_int_equal(b.len, 1);
    buf_fini(&b);
}

static void is(struct buf *b, const char *want)
{
    assert_int_equal(b->len, strlen(want));
    assert_memory_equal(b->ptr, want, b->len);
    buf_clear(b);
}

static void numbers_are_written_whole(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    buf_i64(&b, 0);
    is(&b, "0");
    buf_i64(&b, INT64_MIN);
    is(&b, "-9223372036854775808");
    buf_i64(&b, INT64_MAX);
    is(&b, "9223372036854775807");
    buf_u64(&b, UINT64_MAX);
    is(&b, "18446744073709551615");
    for (uint64_t n = 1; n < UINT64_MAX / 10; n *= 10) { /* around each length */
        for (uint64_t k = n - 1; k <= n + 1; k++) {
            char want[TEXT_U64_MOST + 1];
            snprintf(want, sizeof want, "%llu", (unsigned long long)k);
            buf_u64(&b, k);
            is(&b, want);
        }
    }
    buf_printf(&b, "%s=%d", "a", 1);
    is(&b, "a=1");
    buf_fini(&b);
    char room[4];
    struct buf small = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    buf_u64(&small, 9999);
    is(&small, "9999");
    buf_u64(&small, 10000);
    assert_true(small.full);
    assert_int_equal(small.len, 0);
}

static void printf_fits_or_writes_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    buf_printf(&b, "%s", "1234567"); /* seven and the NUL that vsnprintf needs */
    is(&b, "1234567");
    buf_lit(&b, "abcdef");
    buf_printf(&b, "%s", "123");
    assert_true(b.full);
    assert_int_equal(b.len, 6);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_what_is_in_it),
        cmocka_unit_test(takes_no_memory_before_use),
        cmocka_unit_test(ends_exactly_at_its_ceiling),
        cmocka_unit_test(a_full_one_takes_nothing_more),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(numbers_are_written_whole),
        cmocka_unit_test(printf_fits_or_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
