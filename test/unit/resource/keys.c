/* keys.c -- distinct tuples: found again, in the order first seen, never one with a null.
 * SPDX: Apache-2.0 */
#include "../arena.h"
#include "resource/resource_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void one_column(void **state)
{
    (void)state;
    struct keyset k;
    struct value list[] = {value_int(7),   value_int(-1),        value_null(),    value_int(7),
                           value_float(7), value_text(LIT("7")), value_float(0.5)};
    const size_t want[] = {0, 1, STR_NONE, 0, 0, 2, 3};
    keyset_init(&k, &arena, 1, COUNT_OF(list));
    for (size_t i = 0; i < COUNT_OF(list); i++)
        assert_true(keyset_add(&k, &list[i]) == want[i]);
    assert_int_equal(k.count, 4);
    struct value other = value_int(8), same = value_float(-1.0);
    assert_true(keyset_find(&k, &other) == STR_NONE);
    assert_int_equal(keyset_find(&k, &same), 1);
    struct value all = keyset_value(&k, &arena);
    assert_int_equal(all.kind, V_ARRAY);
    assert_int_equal(all.count, 4);
    assert_true(value_eq(&all.items[2], &list[5]));
}

static void two_columns(void **state)
{
    (void)state;
    struct keyset k;
    struct value rows[][2] = {{value_int(1), value_text(LIT("a"))},
                              {value_text(LIT("a")), value_int(1)},
                              {value_int(1), value_null()},
                              {value_int(1), value_text(LIT("a"))}};
    keyset_init(&k, &arena, 2, COUNT_OF(rows));
    assert_int_equal(keyset_add(&k, rows[0]), 0);
    assert_int_equal(keyset_add(&k, rows[1]), 1);
    assert_true(keyset_add(&k, rows[2]) == STR_NONE);
    assert_int_equal(keyset_add(&k, rows[3]), 0);
    struct value all = keyset_value(&k, &arena);
    assert_int_equal(all.count, 2);
    assert_int_equal(all.items[1].kind, V_ARRAY);
    assert_int_equal(all.items[1].items[1].i, 1);
}

/* As many as there is room for, all told apart: no chain of full slots runs for ever. */
static void many(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct keyset k;
    struct value *list = ARENA_ARRAY(&arena, struct value, MANY);
    keyset_init(&k, &arena, 1, MANY);
    for (int i = 0; i < MANY; i++) {
        list[i] =
            i % 2 ? value_int((int64_t)i << 20) : value_text(arena_printf(&arena, "key %d", i));
        assert_int_equal(keyset_add(&k, &list[i]), i);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(keyset_find(&k, &list[i]), i);
}

static void none(void **state)
{
    (void)state;
    struct keyset k;
    struct value v = value_int(1);
    keyset_init(&k, &arena, 1, 0);
    assert_true(keyset_find(&k, &v) == STR_NONE);
    assert_int_equal(keyset_value(&k, &arena).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_column, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(two_columns, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(many, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(none, arena_setup, arena_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
