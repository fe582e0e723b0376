/* Maps: many keys, deletes in the middle of runs, agreement with a plain list. */
#include "base/map.h" /* before cmocka.h, which has a macro fail() */

#include "base/bug.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { KEYS = 20000 };

static char names[KEYS][16];
static int values[KEYS];

static str key(size_t i)
{
    return str_of(names[i]);
}

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof names[i], "key-%zu", i);
        values[i] = (int)i;
    }
    return 0;
}

static void an_empty_one_has_nothing(void **state)
{
    (void)state;
    struct map m;
    const struct map_slot *slot;
    size_t at = 0;
    uint64_t before = mem_calls();
    map_init(&m);
    assert_null(map_get(&m, LIT("a")));
    assert_null(map_get(&m, (str){NULL, 0}));
    assert_null(map_cut(&m, LIT("a")));
    assert_false(map_next(&m, &at, &slot));
    assert_int_equal(mem_calls(), before);
    map_fini(&m);
}

static void set_gives_what_was_there(void **state)
{
    (void)state;
    struct map m;
    map_init(&m);
    assert_null(map_set(&m, LIT("a"), &values[0]));
    assert_ptr_equal(map_set(&m, LIT("a"), &values[1]), &values[0]);
    assert_ptr_equal(map_get(&m, LIT("a")), &values[1]);
    assert_null(map_set(&m, LIT(""), &values[2])); /* the empty text is a key as any */
    assert_ptr_equal(map_get(&m, LIT("")), &values[2]);
    assert_int_equal(m.count, 2);
    assert_ptr_equal(map_cut(&m, LIT("a")), &values[1]);
    assert_null(map_get(&m, LIT("a")));
    assert_int_equal(m.count, 1);
    map_fini(&m);
}

static void many_keys_and_deletes(void **state)
{
    (void)state;
    struct map m;
    map_init(&m);
    for (size_t i = 0; i < KEYS; i++)
        assert_null(map_set(&m, key(i), &values[i]));
    assert_int_equal(m.count, KEYS);
    assert_true(4 * m.count <= 3 * m.cap);
    for (size_t i = 0; i < KEYS; i += 3)
        assert_ptr_equal(map_cut(&m, key(i)), &values[i]);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&m, key(i)), i % 3 ? &values[i] : NULL);
    for (size_t i = 0; i < KEYS; i += 3)
        assert_null(map_set(&m, key(i), &values[i]));
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_cut(&m, key(i)), &values[i]);
    assert_int_equal(m.count, 0);
    for (size_t i = 0; i < m.cap; i++) /* no tombstones: the table is as new */
        assert_null(m.slots[i].key.ptr);
    map_fini(&m);
}

/* Random sets and cuts over few keys, so that runs wrap round the end of the table. */
static void agrees_with_a_plain_list(void **state)
{
    (void)state;
    struct map m;
    bool there[11] = {false};
    uint64_t seed = 88172645463325252u;
    map_init(&m);
    for (int step = 0; step < 200000; step++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        size_t i = (size_t)(seed >> 20) % COUNT_OF(there);
        void *want = there[i] ? &values[i] : NULL;
        void *had = seed & 1024 ? map_set(&m, key(i), &values[i]) : map_cut(&m, key(i));
        assert_ptr_equal(had, want);
        there[i] = (seed & 1024) != 0;
        size_t j = (size_t)(seed >> 40) % COUNT_OF(there);
        assert_ptr_equal(map_get(&m, key(j)), there[j] ? &values[j] : NULL);
    }
    assert_int_equal(m.cap, 16);
    map_fini(&m);
}

static void next_visits_each_once(void **state)
{
    (void)state;
    struct map m;
    unsigned char seen[500] = {0};
    const struct map_slot *slot;
    size_t count = 0;
    map_init(&m);
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        map_set(&m, key(i), &values[i]);
    for (size_t at = 0; map_next(&m, &at, &slot); count++) {
        size_t i = (size_t)((int *)slot->value - values);
        assert_true(str_eq(slot->key, key(i)));
        assert_int_equal(seen[i]++, 0);
    }
    assert_int_equal(count, COUNT_OF(seen));
    map_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_has_nothing), cmocka_unit_test(set_gives_what_was_there),
        cmocka_unit_test(many_keys_and_deletes),    cmocka_unit_test(agrees_with_a_plain_list),
        cmocka_unit_test(next_visits_each_once),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
