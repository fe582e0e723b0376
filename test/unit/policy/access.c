/* access.c -- roles and rules: who has what, what adds up, what stops the start. SPDX: Apache-2.0
 */
#include "policy/access.h"
#include "../sql/fixture.h"

static struct model *model;
static struct schema schema;
static struct arena arena;
static struct access *access_;

#define LIST(...) ((const str[]){__VA_ARGS__})
#define ROLE(name_, ...)                                                                           \
    {                                                                                              \
        .name = STR_INIT(name_), .place = STR_INIT("c:1:1"), __VA_ARGS__                           \
    }

static const str of_editor[] = {STR_INIT("viewer")}, of_admin[] = {STR_INIT("editor")};
static const struct access_role_wish guide_roles[] = {
    ROLE("admin", .includes = of_admin, .include_count = 1),
    ROLE("editor", .includes = of_editor, .include_count = 1),
    ROLE("viewer", .include_count = 0),
};
static const str viewer[] = {STR_INIT("viewer")}, editor[] = {STR_INIT("editor")},
                 admin[] = {STR_INIT("admin")}, anyone[] = {STR_INIT("anyone")},
                 signed_in[] = {STR_INIT("signed_in")};
static const str titles[] = {STR_INIT("id"), STR_INIT("title")}, likes[] = {STR_INIT("likes")};
static const struct access_preset_wish mine[] = {{STR_INIT("user_id"), STR_INIT("me.id")}};

static const struct access_rule_wish guide_rules[] = {
    {.table = STR_INIT("posts"),
     .place = STR_INIT("c:2:1"),
     .roles = anyone,
     .role_count = 1,
     .actions = ACTION_BIT(ACTION_READ),
     .where = STR_INIT("title == 'public'"),
     .columns = titles,
     .column_count = 2},
    {.table = STR_INIT("posts"),
     .place = STR_INIT("c:3:1"),
     .roles = viewer,
     .role_count = 1,
     .actions = ACTION_BIT(ACTION_READ),
     .hidden = likes,
     .hidden_count = 1},
    {.table = STR_INIT("posts"),
     .place = STR_INIT("c:4:1"),
     .roles = editor,
     .role_count = 1,
     .actions = ACTION_BIT(ACTION_CREATE),
     .presets = mine,
     .preset_count = 1},
    {.table = STR_INIT("posts"),
     .place = STR_INIT("c:5:1"),
     .roles = editor,
     .role_count = 1,
     .actions = ACTION_BIT(ACTION_UPDATE) | ACTION_BIT(ACTION_DELETE),
     .where = STR_INIT("user_id == me.id"),
     .check = STR_INIT("likes < 100")},
    {.table = STR_INIT("*"),
     .place = STR_INIT("c:6:1"),
     .roles = admin,
     .role_count = 1,
     .actions = ACTION_ALL},
};
static const str secrets[] = {STR_INIT("users.email"), STR_INIT("nowhere.x")};

static int build(const struct access_role_wish *roles, size_t role_count,
                 const struct access_rule_wish *rules, size_t rule_count, struct err *err)
{
    static struct access_wishes w;
    w = (struct access_wishes){.roles = roles,
                               .role_count = role_count,
                               .rules = rules,
                               .rule_count = rule_count,
                               .secret = secrets,
                               .secret_count = 2};
    *err = (struct err){0};
    return access_build(&arena, &w, &schema, &access_, err);
}

static int setup(void **state)
{
    (void)state;
    struct err err;
    model = model_new();
    arena_init(&arena, 8 << 20);
    schema = (struct schema){.tables = model->tables, .table_count = TABLES};
    map_init(&schema.by_name);
    for (size_t i = 0; i < TABLES; i++)
        map_set(&schema.by_name, model->tables[i].name, &model->tables[i]);
    assert_int_equal(build(guide_roles, 3, guide_rules, COUNT_OF(guide_rules), &err), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    map_fini(&schema.by_name);
    model_free(model);
    arena_reset(&arena);
    return 0;
}

static struct principal me_as(const str *roles, size_t count)
{
    static struct member claims[] = {{STR_INIT("id"), {.kind = V_INT, .i = 7}}};
    return (struct principal){.subject = LIT("7"),
                              .claims = {.kind = V_OBJECT, .count = 1, .fields = claims},
                              .roles = roles,
                              .role_count = count};
}

static struct grant grant_on(int table, const struct principal *me, enum action act)
{
    struct grant g;
    struct asking q = {act, access_roles(access_, me), me, 0};
    access_grant(&arena, access_, &model->tables[table], &q, &g);
    return g;
}

static void roles_test(void **state)
{
    (void)state;
    str names[ROLES_MOST + 2];
    struct principal a = me_as(admin, 1), none = me_as(NULL, 0);
    assert_int_equal(access_role_names(access_, access_roles(access_, &a), names), 5);
    assert_int_equal(access_role_names(access_, access_roles(access_, &none), names), 2);
    assert_true(str_is(names[1], "signed_in"));
    assert_int_equal(access_role_names(access_, access_roles(access_, NULL), names), 1);
    struct principal odd = me_as(signed_in, 1); /* no name of a role that can be had */
    assert_int_equal(access_roles(access_, &odd), access_roles(access_, &none));
}

/* Includes make a role's rules those of who includes it: of viewer, editor, admin one bit stays. */
static void ruled_test(void **state)
{
    (void)state;
    struct principal v = me_as(viewer, 1), a = me_as(admin, 1), none = me_as(NULL, 0);
    uint64_t anybody = access_roles(access_, NULL), as_viewer = access_roles(access_, &v);
    assert_int_equal(access_ruled(access_, anybody), anybody);
    assert_int_equal(access_ruled(access_, access_roles(access_, &none)), anybody);
    uint64_t ruled = access_ruled(access_, as_viewer);
    assert_int_equal(__builtin_popcountll(ruled), 2);
    assert_int_equal(ruled & as_viewer, ruled);
    uint64_t as_admin = access_roles(access_, &a);
    assert_int_equal(access_ruled(access_, access_ruled(access_, as_admin)),
                     access_ruled(access_, as_admin));
    for (int act = 0; act < ACTIONS; act++) {
        struct asking q = {(enum action)act, access_ruled(access_, as_admin), &a, 0};
        for (int t = 0; t < TABLES; t++) {
            struct grant g, h = grant_on(t, &a, (enum action)act);
            access_grant(&arena, access_, &model->tables[t], &q, &g);
            assert_true(g.allowed == h.allowed && !g.where == !h.where && !g.check == !h.check);
        }
    }
}

static void denied_test(void **state)
{
    (void)state;
    struct principal v = me_as(viewer, 1), e = me_as(editor, 1), a = me_as(admin, 1);
    assert_false(grant_on(USERS, &v, ACTION_READ).allowed); /* no rule speaks of it */
    assert_false(grant_on(POSTS, &v, ACTION_CREATE).allowed);
    assert_false(grant_on(POSTS, NULL, ACTION_DELETE).allowed);
    assert_true(grant_on(POSTS, &e, ACTION_DELETE).allowed);
    for (int act = 0; act < ACTIONS; act++) {
        for (int t = 0; t < TABLES; t++) {
            struct grant g = grant_on(t, &a, (enum action)act);
            assert_true(g.allowed && !g.where && !g.check);
        }
    }
}

static void rows_test(void **state)
{
    (void)state;
    struct principal e = me_as(editor, 1);
    struct grant g = grant_on(POSTS, NULL, ACTION_READ);
    assert_int_equal(g.where->kind, COND_TEST);
    assert_true(str_is(g.where->column->name, "title"));
    g = grant_on(POSTS, &e, ACTION_READ); /* as a viewer: all rows */
    assert_true(g.allowed && !g.where);
    g = grant_on(POSTS, &e, ACTION_UPDATE);
    assert_int_equal(g.where->values[0].i, 7);
    assert_true(str_is(g.check->column->name, "likes"));
    struct principal nobody = {.roles = editor, .role_count = 1}; /* a machine: no id */
    assert_false(grant_on(POSTS, &nobody, ACTION_UPDATE).allowed);
}

static void columns_test(void **state)
{
    (void)state;
    struct principal v = me_as(viewer, 1), a = me_as(admin, 1), e = me_as(editor, 1);
    struct grant g = grant_on(POSTS, NULL, ACTION_READ);
    assert_false(g.closed[0] || g.closed[2]); /* id, title */
    assert_true(g.closed[1] && g.closed[3]);
    g = grant_on(POSTS, &v, ACTION_READ); /* all rows without likes, public ones with two columns */
    assert_true(g.closed[3] && !g.closed[1]);
    assert_null(grant_on(POSTS, &a, ACTION_READ).closed);
    g = grant_on(USERS, &a, ACTION_READ); /* a secret is one for admins too */
    assert_true(g.closed[2] && !g.closed[1]);
    g = grant_on(POSTS, &e, ACTION_CREATE);
    assert_int_equal(g.preset_count, 1);
    assert_true(str_is(g.presets[0].column->name, "user_id") && g.presets[0].value.i == 7);
}

/* What a caller of those roles may read, with a hole where it says who he is. */
static void shape_test(void **state)
{
    (void)state;
    static const struct access_rule_wish list[] = {
        {.table = STR_INIT("posts"),
         .place = STR_INIT("c:1:1"),
         .roles = viewer,
         .role_count = 1,
         .actions = ACTION_BIT(ACTION_READ),
         .where = STR_INIT("user_id == me.id or likes > 10")},
        {.table = STR_INIT("posts"),
         .place = STR_INIT("c:2:1"),
         .roles = editor,
         .role_count = 1,
         .actions = ACTION_BIT(ACTION_READ),
         .where = STR_INIT("'staff' in me.roles")},
    };
    struct err err;
    struct access_shape one, two;
    struct principal v = me_as(viewer, 1), nobody = {.roles = viewer, .role_count = 1};
    struct asking q = {ACTION_READ, 0, &v, 0};
    struct value out;
    assert_int_equal(build(guide_roles, 3, list, 2, &err), 0);
    uint64_t roles = access_roles(access_, &v);
    const struct table *t = &model->tables[POSTS];
    assert_true(access_shape(&arena, access_, t, roles, SHAPE_SAME, &one));
    assert_true(access_shape(&arena, access_, t, roles, 0, &two));
    assert_int_equal(one.hole_count, 1);
    assert_int_equal(one.where->parts[0]->values[0].i, 1);
    assert_int_equal(two.where->parts[0]->values[0].i, 2);
    assert_true(access_fill(&arena, &one, 0, &q, &out));
    assert_int_equal(out.i, 7);
    q.me = &nobody; /* has no id: what that means is for access_grant to say */
    assert_false(access_fill(&arena, &one, 0, &q, &out));
    struct principal e = me_as(editor, 1); /* what roles he has besides is no value of a column */
    assert_false(access_shape(&arena, access_, t, access_roles(access_, &e), SHAPE_SAME, &one));
    assert_false(access_shape(&arena, access_, t, access_roles(access_, NULL), SHAPE_SAME, &one));
    assert_int_equal(build(guide_roles, 3, guide_rules, COUNT_OF(guide_rules), &err), 0);
}

static void opinions_test(void **state)
{
    (void)state;
    struct access_opinion list[10];
    struct principal v = me_as(viewer, 1);
    struct asking q = {ACTION_READ, access_roles(access_, &v), &v, 0};
    size_t n = access_opinions(&arena, access_, &model->tables[POSTS], &q, list, 10);
    assert_int_equal(n, 5);
    assert_true(list[0].role && list[0].action && list[0].cond);
    assert_true(list[1].role && list[1].action && !list[1].cond);
    assert_false(list[2].role || list[2].action);
    assert_false(list[4].role);
    assert_true(list[4].action && str_is(list[4].place, "c:6:1"));
}

static void refused(const struct access_role_wish *roles, size_t role_count,
                    struct access_rule_wish rule, const char *words)
{
    struct err err;
    struct access_rule_wish two[] = {rule, rule};
    assert_int_equal(build(roles, role_count, two, rule.table.len ? 2 : 0, &err), E_CONFIG);
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
    assert_int_equal(strncmp(err.text, "c:", 2), 0);
}

/* words NULL: nothing is wrong with them. */
static void beside(struct access_rule_wish x, struct access_rule_wish y, const char *words)
{
    struct err err = {0};
    struct access_rule_wish two[] = {x, y};
    two[1].place = LIT("c:10:1");
    assert_int_equal(build(guide_roles, 3, two, 2, &err), words ? E_CONFIG : 0);
    if (words && !strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static void refusals_test(void **state)
{
    (void)state;
    static const str x[] = {STR_INIT("x")}, y[] = {STR_INIT("y")}, edtor[] = {STR_INIT("edtor")};
    struct access_rule_wish none = {0};
    struct access_role_wish circle[] = {ROLE("x", .includes = y, .include_count = 1),
                                        ROLE("y", .includes = x, .include_count = 1)};
    refused(circle, 2, none, "include each other");
    refused((struct access_role_wish[]){ROLE("y", .includes = x, .include_count = 1)}, 1, none,
            "no role 'x'");
    refused((struct access_role_wish[]){ROLE("anyone", .include_count = 0)}, 1, none,
            "there already");
#define RULE(...)                                                                                  \
    (struct access_rule_wish){                                                                     \
        .place = LIT("c:9:1"), .where_place = LIT("c:9:8"), .actions = 1, __VA_ARGS__}
    refused(guide_roles, 3, RULE(.table = LIT("post"), .roles = viewer, .role_count = 1),
            "did you mean 'posts'");
    refused(guide_roles, 3, RULE(.table = LIT("posts"), .roles = edtor, .role_count = 1),
            "did you mean 'editor'");
    refused(guide_roles, 3,
            RULE(.table = LIT("posts"), .roles = viewer, .role_count = 1, .where = LIT("a == 1")),
            "c:9:8: at character 1");
    refused(guide_roles, 3,
            RULE(.table = LIT("posts"), .roles = viewer, .role_count = 1, .columns = x,
                 .column_count = 1),
            "no column 'x'");
    refused(guide_roles, 3, RULE(.table = LIT("posts"), .roles = viewer, .role_count = 1),
            "says nothing");
    struct access_rule_wish own = RULE(.table = LIT("comments"), .roles = viewer, .role_count = 1,
                                       .where = LIT("user_id == me.id")),
                            all = RULE(.table = LIT("comments"), .roles = viewer, .role_count = 1),
                            some = RULE(.table = LIT("comments"), .roles = viewer, .role_count = 1,
                                        .columns = titles, .column_count = 1),
                            change = all,
                            other = RULE(.table = LIT("posts"), .roles = viewer, .role_count = 1);
    change.actions = ACTION_BIT(ACTION_UPDATE);
    beside(own, own, "c:10:1: this rule says nothing: the one at c:9:1");
    beside(own, all, "c:9:1: this rule says nothing: the one at c:10:1");
    beside(all, own, "c:10:1: this rule says nothing: the one at c:9:1");
    beside(all, some, NULL); /* it closes columns */
    beside(change, other, "c:9:1: this rule never holds");
    beside(change, all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_test),    cmocka_unit_test(ruled_test),
        cmocka_unit_test(denied_test),   cmocka_unit_test(rows_test),
        cmocka_unit_test(columns_test),  cmocka_unit_test(shape_test),
        cmocka_unit_test(opinions_test), cmocka_unit_test(refusals_test),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
