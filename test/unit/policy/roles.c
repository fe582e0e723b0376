/* roles.c -- roles out of rows: what they become, and what is left out. SPDX: Apache-2.0 */
#include "policy/roles.h"
#include "../arena.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct value text(const char *s)
{
    return value_text(str_of(s));
}

/* roles, permissions, role_permissions, role_includes */
static struct role_rows *rows_of(const char *third)
{
    struct value roles[] = {value_int(1), text("editor"), value_int(2), text("viewer"),
                            value_int(3), text("anyone"), value_int(4), text("")};
    struct value permissions[] = {value_int(1), text("posts:create"),
                                  value_int(2), text("posts:delete:own"),
                                  value_int(3), text(third)};
    struct value grants[] = {value_int(1), value_int(1), value_int(1), value_int(2), value_int(2),
                             value_int(3), value_int(2), value_int(9), value_int(3), value_int(1)};
    struct value includes[] = {value_int(1), value_int(2), value_int(1), value_int(9)};
    struct rows list[ROLE_READS] = {{.cols = 2, .count = 4, .cells = roles},
                                    {.cols = 2, .count = 3, .cells = permissions},
                                    {.cols = 2, .count = 5, .cells = grants},
                                    {.cols = 2, .count = 2, .cells = includes}};
    return role_rows_new(list);
}

static void wishes_test(void **state)
{
    (void)state;
    static const str all[] = {STR_INIT("viewer")};
    static const struct access_role_wish given[] = {
        {.name = STR_INIT("viewer"), .place = STR_INIT("c:1:1")}};
    static const struct access_rule_wish rule = {.table = STR_INIT("users"),
                                                 .place = STR_INIT("c:2:1"),
                                                 .roles = all,
                                                 .role_count = 1,
                                                 .actions = 1};
    struct access_wishes w = {.roles = given, .role_count = 1, .rules = &rule, .rule_count = 1};
    struct role_rows *r = rows_of("posts:fly");
    role_rows_wish(&arena, r, &w);
    role_rows_free(&r);
    assert_int_equal(w.role_count, 2); /* viewer of the settings, and editor */
    assert_true(str_is(w.roles[1].name, "editor") && w.roles[1].soft && !w.roles[0].soft);
    assert_int_equal(w.roles[1].include_count, 1);
    assert_true(str_is(w.roles[1].includes[0], "viewer"));
    assert_int_equal(w.rule_count, 3); /* the settings', and two of editors */
    assert_true(str_is(w.rules[1].table, "posts") && !w.rules[1].own && w.rules[1].soft);
    assert_int_equal(w.rules[2].actions, ACTION_BIT(ACTION_DELETE));
    assert_true(w.rules[2].own);
    assert_int_equal(w.fault_count, 3); /* two names, one permission */
}

static void same_test(void **state)
{
    (void)state;
    struct role_rows *a = rows_of("posts:read"), *b = rows_of("posts:read"),
                     *c = rows_of("posts:update");
    assert_true(role_rows_same(a, b));
    assert_false(role_rows_same(a, c));
    assert_false(role_rows_same(a, NULL));
    role_rows_free(&a);
    role_rows_free(&b);
    role_rows_free(&c);
}

/* Keys of several kinds, twice the same row, and as many as there may be. */
static void many_test(void **state)
{
    (void)state;
    enum { HELD = 50 };
    static struct value roles[2 * ROLE_ROWS_MOST], permissions[2 * ROLE_ROWS_MOST],
        grants[2 * ROLE_ROWS_MOST], includes[2 * ROLE_ROWS_MOST];
    for (int i = 0; i < ROLE_ROWS_MOST; i++) {
        struct value key = i % 2 ? value_int(i) : value_text(arena_printf(&arena, "key %d", i));
        roles[2 * i] = permissions[2 * i] = key;
        roles[2 * i + 1] = value_text(arena_printf(&arena, "role%d", i % HELD));
        permissions[2 * i + 1] = value_text(arena_printf(&arena, "t%d:read", i));
        grants[2 * i] = key;
        grants[2 * i + 1] = permissions[2 * (i / 2 * 2)];
        includes[2 * i] = value_int(1);
        includes[2 * i + 1] = value_int(1 + 2 * (i % 20));
    }
    struct rows list[ROLE_READS] = {{.cols = 2, .count = ROLE_ROWS_MOST, .cells = roles},
                                    {.cols = 2, .count = ROLE_ROWS_MOST, .cells = permissions},
                                    {.cols = 2, .count = ROLE_ROWS_MOST, .cells = grants},
                                    {.cols = 2, .count = ROLE_ROWS_MOST, .cells = includes}};
    struct access_wishes w = {0};
    struct role_rows *r = role_rows_new(list);
    role_rows_wish(&arena, r, &w);
    assert_int_equal(w.role_count, HELD);
    assert_int_equal(w.rule_count, ROLE_ROWS_MOST);
    for (int i = 0; i < ROLE_ROWS_MOST; i++) {
        assert_true(str_eq(w.rules[i].table, arena_printf(&arena, "t%d", i / 2 * 2)));
        assert_true(str_eq(w.rules[i].roles[0], arena_printf(&arena, "role%d", i % HELD)));
    }
    assert_int_equal(w.roles[1].include_count, 20); /* each once */
    role_rows_free(&r);
}

static void permission_test(void **state)
{
    (void)state;
    struct access_rule_wish r = {0};
    static const char *const bad[] = {
        "", ":", "posts:", "posts:fly", "posts:read:all", "posts:read:own:x", ":read"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(access_permission(str_of(bad[i]), &r));
    assert_true(access_permission(LIT("*"), &r));
    assert_int_equal(r.actions, ACTION_ALL);
    assert_true(access_permission(LIT("posts:write"), &r));
    assert_int_equal(r.actions, ACTION_ALL & ~ACTION_BIT(ACTION_READ));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(wishes_test), cmocka_unit_test(same_test),
                                       cmocka_unit_test(many_test),
                                       cmocka_unit_test(permission_test)};
    return cmocka_run_group_tests(tests, arena_setup, arena_teardown);
}
