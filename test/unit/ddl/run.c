/* run.c -- what translated scripts do in a real SQLite. SPDX: Apache-2.0 */
#include "case_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct place {
    struct arena a;
    sqlite3 *db;
    struct ddl_script script;
    struct err err;
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    arena_init(&p->a, 256 << 20);
    p->db = open_memory();
    sqlite3_db_config(p->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(p->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    sqlite3_close(p->db);
    arena_reset(&p->a);
    free(p);
    return 0;
}

static int translated(struct place *p, const char *text)
{
    struct ddl_source source = {.text = str_of(text), .first_line = 1};
    struct ddl_catalog cat;
    p->err = (struct err){0};
    load_catalog(p->db, &p->a, &cat);
    return ddl_to_sqlite(&p->a, &source, &cat, &p->script, &p->err);
}

static void must(struct place *p, const char *text)
{
    if (translated(p, text) < 0)
        fail_msg("%s", p->err.text);
    const char *why = run_in(p->db, &p->a, &p->script);
    if (why)
        fail_msg("%s", why);
}

static const char *ask(struct place *p, const char *sql)
{
    sqlite3_stmt *st = NULL;
    const char *out = "(nothing)";
    if (sqlite3_prepare_v2(p->db, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(p->db));
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0))
        out = arena_str(&p->a, str_of((const char *)sqlite3_column_text(st, 0))).ptr;
    sqlite3_finalize(st);
    return out;
}

static void test_forms_of_defaults(void **state)
{
    struct place *p = *state;
    must(p, "CREATE TABLE t (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), at TIMESTAMP DEFAULT "
            "NOW(), day DATE DEFAULT CURRENT_DATE, tm TIME DEFAULT CURRENT_TIME, n INT DEFAULT -5);"
            "INSERT INTO t (n) SELECT i FROM generate_series(1, 300) AS g(i);");
    assert_string_equal(ask(p, "SELECT count(DISTINCT id) FROM t"), "300");
    for (size_t i = 0; i < 300; i++) {
        char out[36], sql[80];
        snprintf(sql, sizeof sql, "SELECT id FROM t LIMIT 1 OFFSET %zu", i);
        const char *id = ask(p, sql);
        assert_true(uuid_canon(str_of(id), out));
        assert_memory_equal(id, out, 36);
        assert_int_equal(id[14], '4');
        assert_non_null(strchr("89ab", id[19]));
    }
    char time[TIME_CANON_LEN], date[10], clock[15];
    const char *at = ask(p, "SELECT at FROM t"), *tm = ask(p, "SELECT tm FROM t");
    assert_int_equal(strlen(at), TIME_CANON_LEN);
    assert_true(time_canon(str_of(at), time));
    assert_memory_equal(at, time, TIME_CANON_LEN);
    assert_true(date_canon(str_of(ask(p, "SELECT day FROM t")), date));
    assert_true(clocktime_canon(str_of(tm), clock));
    assert_memory_equal(tm, clock, 15);
}

static void test_ids_are_never_reused(void **state)
{
    struct place *p = *state;
    must(p, "CREATE TABLE t (id SERIAL PRIMARY KEY, a TEXT); INSERT INTO t (a) VALUES ('x'), ('y');"
            "DELETE FROM t WHERE id = 2; ALTER TABLE t ALTER a SET NOT NULL;"
            "INSERT INTO t (a) VALUES ('z');");
    assert_string_equal(ask(p, "SELECT max(id) FROM t"), "3");
}

static void test_rebuild_keeps_what_hangs_on_it(void **state)
{
    struct place *p = *state;
    must(p, "CREATE TABLE a (id SERIAL PRIMARY KEY, self INT REFERENCES a, n INT, "
            "twice INT GENERATED ALWAYS AS (n * 2) STORED);"
            "CREATE TABLE b (a_id INT REFERENCES a ON DELETE CASCADE);"
            "CREATE INDEX a_n ON a (n) WHERE n > 0; CREATE VIEW v AS SELECT sum(twice) AS s FROM a;"
            "INSERT INTO a (n) VALUES (1), (2); UPDATE a SET self = 1 WHERE id = 2;"
            "INSERT INTO b VALUES (1), (2);");
    sqlite3_exec(p->db, "CREATE TRIGGER tr AFTER INSERT ON a BEGIN UPDATE a SET n = 9; END", NULL,
                 NULL, NULL);
    must(p, "ALTER TABLE a ALTER n SET DEFAULT 7, ADD CONSTRAINT pos CHECK (a.n > 0)");
    assert_true(p->script.rebuilds);
    assert_string_equal(ask(p, "SELECT s FROM v"), "6");
    assert_string_equal(ask(p, "SELECT count(*) FROM b"), "2");
    assert_string_equal(ask(p, "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema "
                               "WHERE tbl_name = 'a' AND sql NOT NULL ORDER BY name)"),
                        "a,a_n,tr");
    assert_string_equal(ask(p, "SELECT group_concat(\"table\") FROM pragma_foreign_key_list('a')"),
                        "a");
    assert_string_equal(ask(p, "SELECT \"table\" FROM pragma_foreign_key_list('b')"), "a");
    assert_string_equal(ask(p, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
    must(p, "DELETE FROM a WHERE id = 2;");
    assert_string_equal(ask(p, "SELECT count(*) FROM b"), "1");
}

static void test_like_tells_case(void **state)
{
    struct place *p = *state;
    must(p, "CREATE TABLE t (s TEXT); INSERT INTO t VALUES ('abc'), ('ABC'), ('a*c'), ('a_c'), "
            "('a%c');");
    static const struct {
        const char *where, *count;
    } rows[] = {
        {"s LIKE 'a%'", "4"},  {"s LIKE 'A%'", "1"},     {"s ILIKE 'a%'", "5"},
        {"s LIKE 'a*c'", "1"}, {"s LIKE 'a\\_c'", "1"},  {"s LIKE 'a!%c' ESCAPE '!'", "1"},
        {"s LIKE '_b_'", "1"}, {"s NOT LIKE '%c'", "1"}, {"s ILIKE 'a\\_C'", "1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[200];
        snprintf(text, sizeof text, "CREATE VIEW v%zu AS SELECT count(*) FROM t WHERE %s", i,
                 rows[i].where);
        must(p, text);
        snprintf(text, sizeof text, "SELECT * FROM v%zu", i);
        assert_string_equal(ask(p, text), rows[i].count);
    }
}

static void test_any_tables_text_is_read(void **state)
{
    struct place *p = *state;
    sqlite3_exec(
        p->db,
        "create table m(-- a comment, with (\n"
        " Id integer primary key, [odd name] varchar ( 10 , 2 ) default 'a,)' not null,\n"
        " \"q\"\"q\" text constraint c1 check (\"q\"\"q\" <> ',') collate nocase unique,"
        " plain, r int references b(x) on delete set null not deferrable, d default (1+(2)),"
        " g as (Id * 2) stored, unique(Id, plain), constraint fk foreign key (plain)"
        " references b on update set default, check (Id > 0))",
        NULL, NULL, NULL);
    must(p, "ALTER TABLE m ALTER COLUMN plain SET DEFAULT 'x'");
    assert_string_equal(
        ask(p, "SELECT sql FROM sqlite_schema WHERE name = 'm'"),
        "CREATE TABLE \"m\" (\n"
        "  \"Id\" integer primary key,\n"
        "  \"odd name\" varchar ( 10 , 2 ) default 'a,)' not null,\n"
        "  \"q\"\"q\" text CONSTRAINT \"c1\" check (\"q\"\"q\" <> ',') collate nocase unique,\n"
        "  \"plain\" DEFAULT 'x',\n"
        "  \"r\" int references b(x) on delete set null not deferrable,\n"
        "  \"d\" default (1+(2)),\n"
        "  \"g\" as (Id * 2) stored,\n"
        "  unique(Id, plain),\n"
        "  CONSTRAINT \"fk\" foreign key (plain) references b on update set default,\n"
        "  check (Id > 0)\n)");
}

static void test_depth_is_bounded(void **state)
{
    struct place *p = *state;
    struct buf b;
    static const char *const repeats[] = {"1+",         "(",    "NOT ", "f(1,", "1 UNION SELECT ",
                                          "CASE WHEN ", "'x'||"};
    for (size_t i = 0; i < COUNT_OF(repeats); i++) {
        for (size_t times = 100; times <= 1000000; times *= 100) {
            buf_init(&b, 32 << 20);
            buf_lit(&b, "SELECT ");
            for (size_t n = 0; n < times; n++)
                buf_str(&b, str_of(repeats[i]));
            buf_lit(&b, "1");
            buf_char(&b, '\0');
            if (times > 100)
                assert_true(translated(p, b.ptr) < 0);
            else
                translated(p, b.ptr);
            buf_fini(&b);
        }
    }
}

static void test_split_for_postgres(void **state)
{
    struct place *p = *state;
    static const char text[] = "-- first\nSELECT ';';\n/* two */ DROP TABLE t; ALTER TABLE u DROP "
                               "COLUMN x;\n";
    struct ddl_source source = {.text = str_of(text), .file = LIT("a.sql"), .first_line = 4};
    assert_int_equal(ddl_split(&p->a, &source, &p->script, &p->err), 0);
    assert_int_equal(p->script.count, 3);
    assert_true(str_is(p->script.list[0].text, "SELECT ';'"));
    assert_int_equal(p->script.list[0].line, 5);
    assert_false(p->script.list[0].destructive);
    assert_true(str_is(p->script.list[1].text, "DROP TABLE t"));
    assert_true(p->script.list[1].destructive);
    assert_true(p->script.list[2].destructive);
    assert_int_equal(p->script.list[2].line, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forms_of_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids_are_never_reused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rebuild_keeps_what_hangs_on_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_like_tells_case, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_tables_text_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_split_for_postgres, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
