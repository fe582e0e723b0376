/* rule.c -- rules against a real table: which rows which caller sees. SPDX: Apache-2.0 */
#include "../sql/fixture.h"
#include "policy/policy.h"

static struct model *model;
static sqlite3 *db;
static struct arena arena;

static int setup(void **state)
{
    (void)state;
    model = model_new();
    db = lite_open();
    lite_exec(db,
              "INSERT INTO users(id, name, email, city, age, active, meta, created_at) VALUES"
              " (1, 'Ada', 'ada@x.io', 'Oslo', 30, 1, '{\"plan\":\"pro\"}', "
              "'2026-01-01T00:00:00.000000Z'),"
              " (2, 'Bob', 'bob@x.io', 'Rome', 17, 0, '{\"plan\":\"free\",\"n\":5}', "
              "'2026-01-02T00:00:00.000000Z'),"
              " (3, 'Cleo', 'cleo@y.io', NULL, NULL, NULL, NULL, '2026-01-03T00:00:00.000000Z');"
              "INSERT INTO posts(id, user_id, title, likes) VALUES"
              " (1, 1, 'public', 5), (2, 1, 'draft', 0), (3, 2, 'draft', 9), (4, NULL, 'lost', 1);"
              "INSERT INTO comments(id, post_id, user_id, body) VALUES (1, 1, 2, 'hi'), (2, 3, 1, "
              "'yo');");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    model_free(model);
    sqlite3_close(db);
    return 0;
}

static struct principal ada, bob, robot;

static void people(void)
{
    static const str staff[] = {STR_INIT("staff"), STR_INIT("user")};
    static struct member of_ada[] = {{STR_INIT("id"), {.kind = V_INT, .i = 1}},
                                     {STR_INIT("city"), {.kind = V_TEXT, .text = STR_INIT("Oslo")}},
                                     {STR_INIT("vip"), {.kind = V_BOOL, .truth = true}}};
    static struct value teams[] = {{.kind = V_INT, .i = 2}, {.kind = V_INT, .i = 3}};
    static struct member of_bob[] = {
        {STR_INIT("id"), {.kind = V_TEXT, .text = STR_INIT("2")}},
        {STR_INIT("teams"), {.kind = V_ARRAY, .count = 2, .items = teams}},
        {STR_INIT("none"), {.kind = V_ARRAY}}};
    ada = (struct principal){.subject = LIT("1"),
                             .claims = {.kind = V_OBJECT, .count = 3, .fields = of_ada},
                             .roles = staff,
                             .role_count = 2};
    bob = (struct principal){.subject = LIT("2"),
                             .claims = {.kind = V_OBJECT, .count = 3, .fields = of_bob}};
    robot = (struct principal){.claims = {.kind = V_OBJECT}};
}

/* The ids that the caller sees, as digits. */
static const char *sees(const char *table, const char *text, const struct principal *me)
{
    static char out[64];
    const struct table *t = model_table(model, str_of(table));
    struct err err = {0};
    struct rule *rule;
    struct stmt st;
    arena_init(&arena, 1 << 20);
    if (rule_read(&arena, t, str_of(text), &rule, NULL, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    struct order order = {.column = &t->columns[0]};
    struct select s = {.table = t,
                       .columns = all_columns(&arena, t),
                       .column_count = t->column_count,
                       .shown = t->column_count,
                       .where = rule_cond(&arena, rule, me, 1767312000000000000), /* 2026-01-02 */
                       .order = &order,
                       .order_count = 1,
                       .limit = -1};
    if (sql_select(DIALECT_SQLITE, &arena, &s, &st, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    struct rows rows = lite_run(db, &arena, &st);
    for (size_t i = 0; i < rows.count; i++)
        out[i] = (char)('0' + rows_at(&rows, i, 0)->i);
    out[rows.count] = '\0';
    arena_reset(&arena);
    return out;
}

#define SEES(who, table, text, ids) assert_string_equal(sees(table, text, who), ids)

static void row_test(void **state)
{
    (void)state;
    SEES(NULL, "users", "true", "123");
    SEES(NULL, "users", "false", "");
    SEES(NULL, "users", "active", "1");
    SEES(NULL, "users", "not active", "2");
    SEES(NULL, "users", "age >= 18 and city == 'Oslo'", "1");
    SEES(NULL, "users", "18 <= age && \"Oslo\" = city", "1");
    SEES(NULL, "users", "age < 18 || age == null", "23");
    SEES(NULL, "users", "city is not null", "12");
    SEES(NULL, "users", "city != null and !(age > 20)", "2");
    SEES(NULL, "users", "city in ('Oslo', 'Rome') and city not in ('Rome')", "1");
    SEES(NULL, "users", "email like '*@y.io'", "3");
    SEES(NULL, "users", "meta.plan == 'pro' or meta.n == 5", "12");
    SEES(NULL, "users", "created_at <= now()", "12");
    SEES(NULL, "posts", "author.city == 'Rome'", "3");
    SEES(NULL, "posts", "not author.city == 'Rome'", "12");
    SEES(NULL, "comments", "post.author.name == \"Ada\"", "1");
    SEES(NULL, "posts", "some(comments)", "13");
    SEES(NULL, "posts", "not some(comments, body == 'hi')", "234");
    SEES(NULL, "comments", "some(post.author.posts, likes == 0)", "1");
}

static void caller_test(void **state)
{
    (void)state;
    people();
    SEES(&ada, "posts", "user_id == me.id or title == \"public\"", "12");
    SEES(&bob, "posts", "user_id == me.id or title == \"public\"", "13");
    SEES(NULL, "posts", "user_id == me.id or title == \"public\"", "1");
    SEES(&robot, "posts", "user_id == me.id", "");
    SEES(&ada, "posts", "'staff' in me.roles", "1234");
    SEES(&bob, "posts", "'staff' in me.roles", "");
    SEES(&ada, "posts", "me.vip and likes > 4", "13");
    SEES(&bob, "posts", "me.vip and likes > 4", "");
    SEES(&bob, "posts", "user_id in me.teams", "3");
    SEES(&bob, "posts", "user_id in me.none", "");
    SEES(&bob, "posts", "user_id not in me.none", "1234");
    SEES(&bob, "posts", "user_id not in me.teams", "12");
    SEES(&bob, "posts", "user_id == me.teams", "");
    SEES(&ada, "posts", "some(comments, user_id == me.id)", "3");
    SEES(&ada, "users", "city == me.city", "1");
    SEES(NULL, "users", "me.id is null", "123");
    SEES(&ada, "users", "me.id is null", "");
    SEES(&ada, "users", "me.id == 1 and me.city in ('Oslo', 'Rome')", "123");
    SEES(&ada, "users", "me.id == '1'", ""); /* a text is no number */
}

/* What the caller does not have allows nothing, on either side of a not. */
static void unknown_test(void **state)
{
    (void)state;
    people();
    SEES(NULL, "posts", "user_id != me.id", "");
    SEES(NULL, "posts", "not user_id == me.id", "");
    SEES(NULL, "posts", "not (user_id == me.id and likes > 0)", "2");
    SEES(NULL, "posts", "not (user_id == me.id or likes > 0)", "");
    SEES(NULL, "posts", "not me.vip", "");
    SEES(NULL, "posts", "me.city not in ('Oslo')", "");
    SEES(NULL, "posts", "user_id not in (me.id, 1)", "");
    SEES(&ada, "posts", "user_id not in (me.id, 7)", "3");
    SEES(&ada, "posts", "not not user_id == me.id", "12");
    SEES(&ada, "users", "age == me.city", ""); /* of no use for a number */
    SEES(&ada, "users", "not age == me.city", "");
}

static void refuses(const char *table, const char *text, size_t at, const char *words)
{
    struct err err = {0};
    struct rule *rule;
    size_t where = 0;
    arena_init(&arena, 1 << 20);
    const struct table *t = model_table(model, str_of(table));
    assert_int_equal(rule_read(&arena, t, str_of(text), &rule, &where, &err), E_CONFIG);
    if (!strstr(err.text, words))
        fail_msg("%s: '%s' does not say '%s'", text, err.text, words);
    assert_int_equal(where, at);
    arena_reset(&arena);
}

static void refusals_test(void **state)
{
    (void)state;
    refuses("posts", "usr_id == me.id", 0, "did you mean 'user_id'");
    refuses("posts", "author.cty == 'x'", 7, "did you mean 'city'");
    refuses("posts", "comments.body == 'x'", 0, "some(comments, ...)");
    refuses("posts", "some(title)", 5, "a relation of 'posts' expected");
    refuses("comments", "some(post.title)", 10, "a relation of 'posts' expected");
    refuses("posts", "user_id == ", 11, "a column of 'posts' expected");
    refuses("posts", "user_id == 'abc'", 11, "whole number");
    refuses("posts", "user_id == likes", 11, "one side of a comparison");
    refuses("posts", "likes", 0, "no boolean");
    refuses("posts", "title == 'x", 9, "not closed");
    refuses("posts", "likes > 1 likes < 2", 10, "'and', 'or' or the end");
    refuses("posts", "(likes > 1", 10, "')' expected");
    refuses("posts", "likes > 1 ; drop", 10, "nothing in a rule begins like this");
    refuses("posts", "likes like '1*'", 0, "'like' needs a text column");
    refuses("posts", "me", 2, "'.' expected");
    refuses("posts", "likes is 5", 9, "'null' expected");
    refuses("posts", "now()", 0, "a comparison expected");
    refuses("users", "meta == 'x'", 0, "is JSON");
    refuses("posts", "likes not 5", 10, "'in' expected");
    refuses("posts", "", 0, "a column of 'posts' expected");
    refuses("users", "meta.'a\"b' == 'x'", 5, "may not hold a double quote");
    refuses("users", "name like '*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*'", 10, "16 wildcards at most");
    char deep[200] = {0};
    memset(deep, '(', 60);
    refuses("posts", deep, 24, "24 deep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_test),
        cmocka_unit_test(caller_test),
        cmocka_unit_test(unknown_test),
        cmocka_unit_test(refusals_test),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
