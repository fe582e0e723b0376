/* views.c -- views of the model: one for each combination of roles that rules tell apart, and never
 * more of them than there is room for, whoever comes. SPDX: Apache-2.0 */
#include "resource/guard.h"
#include "thing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { NAMED = 12, IDLE = 8 }; /* roles with a rule of their own each, and without any */

static struct table thing;
static struct schema schema;
static struct arena arena;
static struct access *rules;
static struct resource_views views;
static struct resource_config config;
static struct resource_set set;
static str names[NAMED + IDLE];

static void build(void)
{
    static struct access_role_wish roles[NAMED + IDLE];
    static struct access_rule_wish list[NAMED];
    struct access_wishes w = {
        .roles = roles, .role_count = NAMED + IDLE, .rules = list, .rule_count = NAMED};
    struct err err = {0};
    for (size_t i = 0; i < NAMED + IDLE; i++) {
        names[i] = arena_printf(&arena, "role%zu", i);
        roles[i] = (struct access_role_wish){.name = names[i], .place = LIT("c:1:1")};
    }
    for (size_t i = 0; i < NAMED; i++) {
        list[i] = (struct access_rule_wish){.table = LIT("things"),
                                            .place = LIT("c:2:1"),
                                            .roles = &names[i],
                                            .role_count = 1,
                                            .actions = ACTION_BIT(ACTION_READ),
                                            .where = arena_printf(&arena, "age == %zu", i)};
    }
    assert_int_equal(access_build(&arena, &w, &schema, &rules, &err), 0);
    config = (struct resource_config){.access = rules, .views = &views, .dialect = DIALECT_SQLITE};
    set = (struct resource_set){.schema = &schema, .config = &config};
}

static int setup(void **state)
{
    (void)state;
    thing = thing_new();
    thing.exposed = true;
    arena_init(&arena, 8 << 20);
    schema = (struct schema){.tables = &thing, .table_count = 1};
    map_init(&schema.by_name);
    map_set(&schema.by_name, thing.name, &thing);
    build();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    resource_views_free(&views);
    map_fini(&schema.by_name);
    map_fini(&thing.by_name);
    arena_reset(&arena);
    return 0;
}

/* A request of who has the roles whose bits are set; the view that it is given. */
static const struct resource_set *ask(struct request *rq, unsigned bits)
{
    static struct reply reply;
    static struct principal me;
    static str has[NAMED + IDLE];
    const struct resource r = {.set = &set, .table = &thing}, *out;
    struct resource copy;
    struct err err = {0};
    me = (struct principal){.subject = LIT("7"), .roles = has};
    for (size_t i = 0; i < NAMED + IDLE; i++) {
        if (bits >> i & 1)
            has[me.role_count++] = names[i];
    }
    rq->reply = &reply;
    rq->principal = &me;
    assert_int_equal(resource__as(rq, &r, ACTION_READ, &copy, &out, &err), 0);
    assert_ptr_not_equal(out->table, r.table);
    assert_true(str_is(out->table->name, "things"));
    assert_ptr_equal(out->set->base, &set);
    return out->set;
}

static const struct resource_set *ask_once(unsigned bits)
{
    struct request rq = {0};
    arena_init(&rq.arena, 1 << 20);
    const struct resource_set *s = ask(&rq, bits);
    arena_reset(&rq.arena);
    return s;
}

/* Roles that no rule names make no view of their own. */
static void idle_test(void **state)
{
    (void)state;
    const struct resource_set *first = ask_once(1);
    for (unsigned i = 0; i < 1u << IDLE; i++)
        assert_ptr_equal(ask_once(1 | i << NAMED), first);
    assert_int_equal(views.count, 1);
    assert_ptr_not_equal(ask_once(2), first);
    assert_int_equal(views.count, 2);
}

/* More combinations than there is room for: each is right, and those that stay are bounded. */
static void many_test(void **state)
{
    (void)state;
    const struct resource_set *first = ask_once(1);
    for (unsigned bits = 1; bits < 1u << NAMED; bits++)
        ask_once(bits);
    assert_int_equal(views.count, VIEWS_MOST);
    assert_true(views.bytes < VIEWS_MEMORY);
    assert_ptr_equal(ask_once(1), first);
    unsigned last = (1u << NAMED) - 1;
    struct request rq = {0};
    arena_init(&rq.arena, 1 << 20);
    const struct resource_set *own = ask(&rq, last);
    assert_ptr_equal(own,
                     ask(&rq, last)); /* once for a request, as for the operations of a batch */
    const struct resource_set *other = ask(&rq, last - 1);
    assert_ptr_not_equal(own, other);
    assert_int_not_equal(own->roles, other->roles);
    assert_true(rq.arena.used > 0);
    arena_reset(&rq.arena);
    assert_int_equal(views.count, VIEWS_MOST);
}

/* Large ones are bounded in bytes. */
static void bytes_test(void **state)
{
    (void)state;
    ask_once(1);
    views.bytes = VIEWS_MEMORY;
    ask_once(2);
    assert_int_equal(views.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(idle_test, setup, teardown),
        cmocka_unit_test_setup_teardown(many_test, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_test, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
