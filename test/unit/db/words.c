/* words.c -- what is read out of SQLite's words: plans, constraints, verbs. SPDX: Apache-2.0 */
#include "db/sqlite_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

/* ---- plans, of a real engine: its words may change with its version ---- */

static sqlite3 *engine;

static const char tables[] =
    "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, city TEXT, age);"
    "CREATE INDEX by_city ON users(city);"
    "CREATE INDEX by_age ON users(age, id);"
    "CREATE TABLE posts(id INTEGER PRIMARY KEY, user_id INT, title TEXT);"
    "CREATE INDEX by_user ON posts(user_id, id);"
    "CREATE TABLE tags(post_id INT, tag TEXT);";

static bool heavy(const char *sql, bool bounded)
{
    struct plan plan = {0};
    sqlite3_stmt *s = NULL;
    char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_prepare_v2(engine, text, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW)
        plan__line(&plan, str_of((const char *)sqlite3_column_text(s, 3)));
    sqlite3_finalize(s);
    sqlite3_free(text);
    return plan__heavy(&plan, bounded);
}

static void plans_test(void **state)
{
    static const char *const light[] = {
        "SELECT * FROM users WHERE id = ?1",
        "SELECT * FROM users WHERE id IN (SELECT value FROM json_each(?1))",
        "SELECT * FROM users WHERE city = ?1 ORDER BY id LIMIT 20",
        "SELECT * FROM users WHERE city = ?1 ORDER BY name",
        "SELECT * FROM users WHERE id > ?1 ORDER BY id LIMIT 20",
        "SELECT * FROM users WHERE age > ?1 ORDER BY age, id LIMIT 20",
        "SELECT * FROM users LEFT JOIN posts ON user_id = users.id WHERE users.id = ?1",
        "SELECT * FROM users u WHERE id = ?1 AND EXISTS (SELECT 1 FROM posts WHERE user_id = u.id)",
        "SELECT max(id) FROM users",
        "SELECT 1",
        "VALUES (1), (2)",
        "SELECT * FROM (SELECT row_number() OVER (ORDER BY id) FROM users WHERE city = ?1)",
        "WITH k AS MATERIALIZED (SELECT id FROM users WHERE id = ?1) SELECT * FROM k",
    };
    static const char *const dear[] = {
        "SELECT * FROM users",
        "SELECT count(*) FROM users",
        "SELECT * FROM users ORDER BY id LIMIT 20",
        "SELECT * FROM users WHERE name = ?1",
        "SELECT * FROM users ORDER BY name LIMIT 20",
        "SELECT * FROM users WHERE age > ?1 ORDER BY name LIMIT 20",
        "SELECT * FROM users WHERE id = ?1 AND EXISTS (SELECT 1 FROM tags WHERE tag = ?2)",
        "SELECT * FROM users u JOIN tags ON post_id = u.id WHERE u.city = ?1",
        "SELECT city, count(*) FROM users GROUP BY city",
        "SELECT name FROM users UNION SELECT title FROM posts",
        "SELECT * FROM users AS c WHERE c.name > ?1",
    };
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &engine), SQLITE_OK);
    assert_int_equal(sqlite3_exec(engine, tables, NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < COUNT_OF(light); i++) {
        if (heavy(light[i], false))
            fail_msg("heavy: %s", light[i]);
    }
    for (size_t i = 0; i < COUNT_OF(dear); i++) {
        if (!heavy(dear[i], false))
            fail_msg("light: %s", dear[i]);
    }
    assert_false(heavy("SELECT * FROM users ORDER BY id LIMIT 20", true));
    assert_false(heavy("SELECT * FROM users ORDER BY age LIMIT 20", true));
    assert_true(heavy("SELECT * FROM users ORDER BY name LIMIT 20", true));
    assert_int_equal(sqlite3_close(engine), SQLITE_OK);
}

static void many_parts_test(void **state)
{
    struct plan plan = {0};
    (void)state;
    for (int i = 0; i < 9; i++)
        plan__line(&plan, LIT("CO-ROUTINE part"));
    assert_true(plan__heavy(&plan, true)); /* not understood: on the safe side */
}

/* ---- constraints ---- */

static void constraints_test(void **state)
{
    static const struct {
        enum constraint kind;
        const char *message, *field;
        int code;
    } cases[] = {
        {CONSTRAINT_UNIQUE, "UNIQUE constraint failed: users.email", "email", E_UNIQUE},
        {CONSTRAINT_UNIQUE, "UNIQUE constraint failed: t.a, t.b", "a,b", E_UNIQUE},
        {CONSTRAINT_UNIQUE, "UNIQUE constraint failed: index 'lower_name'", "lower_name", E_UNIQUE},
        {CONSTRAINT_NOT_NULL, "NOT NULL constraint failed: t.c", "c", E_CHECK},
        {CONSTRAINT_CHECK, "CHECK constraint failed: users_age_check", "users_age_check", E_CHECK},
        {CONSTRAINT_CHECK, "CHECK constraint failed: age >= 0", "age", E_CHECK},
        {CONSTRAINT_CHECK, "CHECK constraint failed: \"the age\" >= 0", "the age", E_CHECK},
        {CONSTRAINT_CHECK, "CHECK constraint failed: length(name) > 3", "", E_CHECK},
        {CONSTRAINT_CHECK, "CHECK constraint failed: 0 <= age", "", E_CHECK},
        {CONSTRAINT_CHECK, "CHECK constraint failed: NOT gone", "", E_CHECK},
        {CONSTRAINT_CHECK, "CHECK constraint failed: ", "", E_CHECK},
        {CONSTRAINT_CHECK, "something else", "", E_CHECK},
        {CONSTRAINT_TYPE, "cannot store TEXT value in INTEGER column t.c", "c", E_CHECK},
        {CONSTRAINT_TRIGGER, "no sevens", "", E_CHECK},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        str message = str_of(cases[i].message);
        int code = constraint__fail(cases[i].kind, VERB_INSERT, message, &err);
        assert_int_equal(code, cases[i].code);
        assert_string_equal(err.field, cases[i].field);
    }
}

static void long_names_test(void **state)
{
    struct err err = {0};
    char message[600] = "UNIQUE constraint failed: ";
    (void)state;
    for (int i = 0; i < 40; i++)
        strcat(message, i ? ", t.column" : "t.column");
    assert_int_equal(constraint__fail(CONSTRAINT_UNIQUE, VERB_INSERT, str_of(message), &err),
                     E_UNIQUE);
    assert_true(strlen(err.field) < sizeof err.field);
    assert_true(str_starts(str_of(err.field), LIT("column,column")));
}

static void foreign_test(void **state)
{
    struct err err = {0};
    (void)state;
    str message = LIT("FOREIGN KEY constraint failed");
    assert_int_equal(constraint__fail(CONSTRAINT_FOREIGN, VERB_INSERT, message, &err), E_PARENT);
    assert_int_equal(constraint__fail(CONSTRAINT_FOREIGN, VERB_DELETE, message, &err), E_CHILDREN);
}

static void verbs_test(void **state)
{
    static const struct {
        const char *text;
        enum verb verb;
    } cases[] = {
        {"INSERT INTO t VALUES (1)", VERB_INSERT},
        {"  replace into t values (1)", VERB_INSERT},
        {"-- delete\nUPDATE t SET a = 1", VERB_UPDATE},
        {"DELETE FROM t", VERB_DELETE},
        {"WITH x AS (SELECT 1) DELETE FROM t", VERB_DELETE},
        {"WITH \"update\" AS (VALUES ('delete')) INSERT INTO t SELECT * FROM \"update\"",
         VERB_INSERT},
        {"WITH updates(a) AS (SELECT replace('a', 'b', 'c')) UPDATE t SET a = 1", VERB_UPDATE},
        {"CREATE TABLE inserts(a)", VERB_OTHER},
        {"'", VERB_OTHER},
        {"", VERB_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (constraint__verb(str_of(cases[i].text)) != cases[i].verb)
            fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_test),       cmocka_unit_test(many_parts_test),
        cmocka_unit_test(constraints_test), cmocka_unit_test(long_names_test),
        cmocka_unit_test(foreign_test),     cmocka_unit_test(verbs_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
