/* Arenas: alignment, the budget, what is past it, chunks used again. */
#include "base/arena.h" /* before cmocka.h, which has a macro fail() */

#include "base/mem.h"
#include "base/sanitizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { CHUNK = 8192 };

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a;
    unsigned char *list[300];
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        list[i] = arena_new(&a, i);
        assert_int_equal((uintptr_t)list[i] % 16, 0);
        memset(list[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        for (size_t j = 0; j < i; j++)
            assert_int_equal(list[i][j], i & 0xff);
    }
    arena_reset(&a);
}

static void nothing_is_taken_before_use(void **state)
{
    (void)state;
    struct arena a;
    uint64_t before = mem_calls();
    arena_init(&a, 1 << 20);
    assert_int_equal(a.used, 0);
    arena_reset(&a);
    assert_int_equal(mem_calls(), before);
}

/* A request after another on the same thread finds its chunks on the free list. */
static void reset_keeps_chunks_for_the_next(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    for (int i = 0; i < 100; i++)
        arena_new(&a, 1000);
    arena_reset(&a);
    assert_int_equal(a.used, 0);
    uint64_t before = mem_calls();
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 100; i++)
            memset(arena_new(&a, 1000), 1, 1000);
        arena_reset(&a);
    }
    assert_int_equal(mem_calls(), before);
}

/* The address of nothing must still be one: memcpy of no bytes wants it. */
static void no_bytes_are_never_null(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, CHUNK);
    assert_non_null(arena_new(&a, 0));
    arena_reset(&a);
    assert_non_null(arena_try(&a, 0));
    while (arena_try(&a, 16))
        ;
    assert_null(arena_try(&a, 0)); /* the budget is spent */
    arena_reset(&a);
}

static void a_large_piece_leaves_the_chunk_in_use(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    char *first = arena_new(&a, 16);
    char *large = arena_new(&a, (size_t)CHUNK * 4);
    char *second = arena_new(&a, 16);
    assert_ptr_equal(second, first + 16);
    memset(large, 7, (size_t)CHUNK * 4);
    assert_true(a.used > (size_t)CHUNK * 5 && a.used < (size_t)CHUNK * 6);
    arena_reset(&a);
}

static void try_answers_null_past_the_budget(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, CHUNK + 100);
    assert_non_null(arena_try(&a, 100));
    assert_null(arena_try(&a, CHUNK));
    assert_null(arena_try(&a, SIZE_MAX)); /* rounded up, it would be 0 */
    assert_null(arena_try(&a, SIZE_MAX - 20));
    assert_non_null(arena_try(&a, 100)); /* what still fits is still given */
    assert_int_equal(a.used, CHUNK);
    size_t count = 0;
    while (arena_try(&a, 64))
        count++;
    assert_true(count > 100 && count < CHUNK / 64);
    arena_reset(&a);
    assert_non_null(arena_try(&a, 100)); /* and the whole budget is there again */
    arena_reset(&a);
}

static void a_budget_below_a_chunk_gives_nothing(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, CHUNK - 1);
    assert_null(arena_try(&a, 1));
    assert_int_equal(a.used, 0);
    arena_reset(&a);
}

static jmp_buf request_end;
static const struct arena *ended;

static void end_request(struct arena *a)
{
    ended = a;
    longjmp(request_end, 1);
}

static void over_ends_the_request(void **state)
{
    (void)state;
    static struct arena a; /* static: it is read after longjmp */
    arena_init(&a, (size_t)CHUNK * 2);
    a.over = end_request;
    ended = NULL;
    if (setjmp(request_end) == 0) {
        for (int i = 0; i < 100; i++)
            arena_new(&a, 1000);
        fail_msg("100,000 bytes came out of %d", 2 * CHUNK);
    }
    assert_ptr_equal(ended, &a);
    assert_true(a.used <= (size_t)CHUNK * 2);
    arena_reset(&a);
    ended = NULL;
    assert_non_null(arena_new(&a, 1000));
    assert_null(ended);
    arena_reset(&a);
}

static void texts_end_in_a_nul(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    str s = arena_str(&a, str_make("abcdef", 3));
    assert_int_equal(s.len, 3);
    assert_string_equal(s.ptr, "abc");
    assert_string_equal(arena_str(&a, (str){NULL, 0}).ptr, "");
    assert_string_equal(arena_printf(&a, "%d-%s", 7, "x").ptr, "7-x");
    for (int len = 250; len < 260; len++) { /* around the size tried first */
        s = arena_printf(&a, "%*d", len, 5);
        assert_int_equal(s.len, len);
        assert_int_equal(strlen(s.ptr), len);
        assert_int_equal(s.ptr[len - 1], '5');
    }
    arena_reset(&a);
}

static void zeroed_memory_is_zero(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    memset(arena_new(&a, 4000), 0xff, 4000);
    arena_reset(&a);
    const unsigned char *p = arena_zero(&a, 40, 100);
    for (int i = 0; i < 4000; i++)
        assert_int_equal(p[i], 0);
    arena_reset(&a);
}

/* Under ASan, a pointer kept over the end of its request is found out. */
static void a_freed_arena_is_poisoned(void **state)
{
    (void)state;
#ifdef HAS_ASAN
    struct arena a;
    arena_init(&a, 1 << 20);
    char *kept = arena_new(&a, 100);
    assert_false(__asan_address_is_poisoned(kept));
    arena_reset(&a);
    assert_true(__asan_address_is_poisoned(kept));
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(nothing_is_taken_before_use),
        cmocka_unit_test(reset_keeps_chunks_for_the_next),
        cmocka_unit_test(no_bytes_are_never_null),
        cmocka_unit_test(a_large_piece_leaves_the_chunk_in_use),
        cmocka_unit_test(try_answers_null_past_the_budget),
        cmocka_unit_test(a_budget_below_a_chunk_gives_nothing),
        cmocka_unit_test(over_ends_the_request),
        cmocka_unit_test(texts_end_in_a_nul),
        cmocka_unit_test(zeroed_memory_is_zero),
        cmocka_unit_test(a_freed_arena_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
