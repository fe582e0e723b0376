/* account.c -- the triggers that clear what an account leaves: on a real SQLite they do;
 * PostgreSQL's parse as SQL and as PL/pgSQL. SPDX: Apache-2.0 */
#include "fixture.h"

#include <pg_query.h>

static struct model *model;

static int64_t number(sqlite3 *db, struct arena *a, str sql)
{
    struct rows rows = lite_run(db, a, &(struct stmt){.text = sql});
    return rows_at(&rows, 0, 0)->i;
}

/* Their tables, as far as they matter here; rows of the accounts 1, 2 and 99, which is nobody. */
static void hang_on(sqlite3 *db)
{
    str names[16];
    size_t count = sql_account_tables(names);
    assert_true(count > 5 && count <= COUNT_OF(names));
    for (size_t i = 0; i < count; i++) {
        char text[512];
        snprintf(
            text, sizeof text,
            "CREATE TABLE %1$.*2$s (account TEXT, subject TEXT, kind TEXT, revoked_at INTEGER);"
            "INSERT INTO %1$.*2$s VALUES ('1', '1', 'change', NULL), ('2', '2', 'change', NULL),"
            "('99', '99', 'change', NULL)",
            names[i].ptr, (int)names[i].len);
        lite_exec(db, text);
    }
}

/* How many rows, over all tables, an account still has that count. */
static int64_t left_of(sqlite3 *db, struct arena *a, int account)
{
    str names[16];
    size_t count = sql_account_tables(names);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += number(db, a,
                      arena_printf(a,
                                   "SELECT count(*) FROM %.*s WHERE account = '%d' AND revoked_at "
                                   "IS NULL",
                                   STR_ARG(names[i]), account));
    return sum;
}

static void clears_what_is_left(void **state)
{
    (void)state;
    struct arena a;
    struct err err = {0};
    struct counter_plan p;
    sqlite3 *db = lite_open();
    int64_t all = (int64_t)sql_account_tables(NULL);
    arena_init(&a, 1 << 22);
    hang_on(db);
    lite_exec(db, "INSERT INTO users (id, name, email, created_at) VALUES (1, 'a', 'a', ''),"
                  " (2, 'b', 'b', '')");
    assert_int_equal(sql_account(DIALECT_SQLITE, &a, &model->tables[USERS], &p, &err), 0);
    for (size_t i = 0; i < p.make_count; i++)
        lite_exec(db, arena_str(&a, p.make[i]).ptr);
    assert_int_equal(left_of(db, &a, 1), all);
    assert_int_equal(left_of(db, &a, 2), all);
    assert_int_equal(left_of(db, &a, 99), 0);
    lite_exec(db, "UPDATE users SET name = 'c', id = id"); /* nobody went */
    assert_int_equal(left_of(db, &a, 1), all);
    lite_exec(db, "DELETE FROM users WHERE id = 1");
    assert_int_equal(left_of(db, &a, 1), 0);
    assert_int_equal(left_of(db, &a, 2), all);
    lite_exec(db, "UPDATE users SET id = 7 WHERE id = 2");
    assert_int_equal(left_of(db, &a, 2), 0);
    sqlite3_close(db);
    arena_reset(&a);
}

/* Its stamps are the texts in the catalog, by which it is known again. */
static void is_known_again(void **state)
{
    (void)state;
    struct arena a;
    struct err err = {0};
    struct counter_plan p;
    sqlite3 *db = lite_open();
    arena_init(&a, 1 << 22);
    hang_on(db);
    assert_int_equal(sql_account(DIALECT_SQLITE, &a, &model->tables[USERS], &p, &err), 0);
    for (size_t i = 0; i < p.make_count; i++)
        lite_exec(db, arena_str(&a, p.make[i]).ptr);
    assert_int_equal(p.part_count, 2);
    for (size_t i = 0; i < p.part_count; i++) {
        struct value binds[] = {value_text(p.parts[i].name), value_text(p.parts[i].stamp)};
        struct stmt st = {.text = LIT("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' "
                                      "AND name = ?1 AND sql = ?2"),
                          .binds = binds,
                          .bind_count = 2};
        struct rows rows = lite_run(db, &a, &st);
        assert_int_equal(rows_at(&rows, 0, 0)->i, 1);
    }
    sqlite3_close(db);
    arena_reset(&a);
}

static void postgres_parses(void **state)
{
    (void)state;
    struct arena a;
    struct err err = {0};
    struct counter_plan p;
    arena_init(&a, 1 << 22);
    assert_int_equal(sql_account(DIALECT_POSTGRES, &a, &model->tables[USERS], &p, &err), 0);
    assert_true(p.make_count >= 6 && p.part_count == 2 && p.lock.len);
    for (size_t i = 0; i < p.make_count; i++) {
        const char *text = arena_str(&a, p.make[i]).ptr;
        PgQueryParseResult r = pg_query_parse(text);
        if (r.error)
            fail_msg("%s: %s", r.error->message, text);
        pg_query_free_parse_result(r);
        if (!str_starts(p.make[i], LIT("CREATE OR REPLACE FUNCTION")))
            continue;
        PgQueryPlpgsqlParseResult f = pg_query_parse_plpgsql(text);
        if (f.error)
            fail_msg("%s: %s", f.error->message, text);
        pg_query_free_plpgsql_parse_result(f);
    }
    arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clears_what_is_left),
        cmocka_unit_test(is_known_again),
        cmocka_unit_test(postgres_parses),
    };
    model = model_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    model_free(model);
    return failed;
}
