/* migrate.c -- migrations over a real directory and a real database. SPDX: Apache-2.0 */
#include "db/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/cairn-migrate-XXXXXX";
static char dir[64], data_dir[64], url[80];
static char said[4096];

static void wipe(void)
{
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s' '%s' && mkdir '%s' '%s'", dir, data_dir, dir,
             data_dir);
    assert_int_equal(system(command), 0);
    said[0] = '\0';
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(root))
        return -1;
    snprintf(dir, sizeof dir, "%s/migrations", root);
    snprintf(data_dir, sizeof data_dir, "%s/data", root);
    snprintf(url, sizeof url, "%s/cairn.db", data_dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static void put(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void note(void *ctx, enum migrate_event event, const struct migration *m, str text)
{
    (void)ctx;
    static const char marks[] = "+-!>";
    size_t len = strlen(said);
    bool timing = event == MIGRATE_APPLIED || event == MIGRATE_REVERTED;
    snprintf(said + len, sizeof said - len, "%c%.*s %.*s\n", marks[event], STR_ARG(m->name),
             timing ? 0 : (int)text.len, text.ptr);
}

static struct db_config config(void)
{
    return (struct db_config){.url = str_of(url), .data_dir = str_of(data_dir)};
}

static struct migrate *opened(struct err *err)
{
    struct db_config c = config();
    struct migrate *m = NULL;
    migrate_open(&c, str_of(dir), 5000, &m, err);
    return m;
}

static int up(bool yes, size_t *done, struct err *err)
{
    struct migrate_wish wish = {.destructive = yes, .say = note};
    struct migrate *m = opened(err);
    if (!m)
        return err->code;
    int code = migrate_up(m, &wish, done, err);
    migrate_close(&m);
    return code;
}

static int down(unsigned steps, bool yes, size_t *done, struct err *err)
{
    struct migrate_wish wish = {.destructive = yes, .steps = steps, .say = note};
    struct migrate *m = opened(err);
    if (!m)
        return err->code;
    int code = migrate_down(m, &wish, done, err);
    migrate_close(&m);
    return code;
}

static int verify(struct err *err, char *codes, size_t size)
{
    struct migrate *m = opened(err);
    assert_non_null(m);
    int code = migrate_verify(m, err);
    codes[0] = '\0';
    for (size_t i = 0; i < err->item_count; i++)
        snprintf(codes + strlen(codes), size - strlen(codes), "%.*s ", STR_ARG(err->items[i].code));
    migrate_close(&m);
    return code;
}

/* The first cell of the first row as an integer. */
static int64_t ask(const char *sql)
{
    struct db_config c = config();
    struct db_admin *a = NULL;
    struct arena arena;
    struct err err = {0};
    struct rows rows = {0};
    struct stmt st = {.text = str_of(sql), .once = true};
    arena_init(&arena, 1 << 20);
    assert_int_equal(db_admin_open(&c, &a, &err), 0);
    int code = db_admin_run(a, &st, &arena, &rows, &err);
    int64_t out = code < 0 || !rows.count ? -1 : rows_at(&rows, 0, 0)->i;
    db_admin_close(&a);
    arena_reset(&arena);
    return out;
}

static const char first[] = "-- migrate:up\nCREATE TABLE a (id SERIAL PRIMARY KEY, n INT);\n"
                            "INSERT INTO a (n) VALUES (1), (2);\n-- migrate:down\nDROP TABLE a;\n";
static const char second[] = "-- migrate:up transaction:false\n"
                             "CREATE TABLE b (id SERIAL PRIMARY KEY, "
                             "a_id INT REFERENCES a ON DELETE CASCADE);\n"
                             "INSERT INTO b (a_id) VALUES (1), (2), (2);\n"
                             "-- migrate:down\nDROP TABLE b;\n";

static void test_up_and_down(void **state)
{
    (void)state;
    struct err err = {0};
    size_t done = 9;
    wipe();
    put("20260102000000_b.sql", second);
    put("20260101000000_a.sql", first);
    put("README.md", "not a migration");
    assert_int_equal(up(false, &done, &err), 0);
    assert_int_equal(done, 2);
    assert_string_equal(said, "+20260101000000_a \n+20260102000000_b \n");
    assert_int_equal(ask("SELECT count(*) FROM b"), 3);
    assert_int_equal(ask("SELECT count(*) FROM schema_migrations WHERE length(checksum) = 64 AND "
                         "applied_at LIKE '20%Z'"),
                     2);
    assert_int_equal(up(false, &done, &err), 0);
    assert_int_equal(done, 0);
    said[0] = '\0';
    assert_int_equal(down(1, false, &done, &err), E_CONFLICT);
    assert_string_equal(said, "!20260102000000_b DROP TABLE b\n");
    assert_int_equal(ask("SELECT count(*) FROM b"), 3);
    assert_int_equal(down(5, true, &done, &err), 0);
    assert_int_equal(done, 2);
    assert_int_equal(ask("SELECT count(*) FROM schema_migrations"), 0);
    assert_int_equal(ask("SELECT count(*) FROM sqlite_schema WHERE name IN ('a', 'b')"), 0);
}

static void test_rebuild_keeps_children_and_counter(void **state)
{
    (void)state;
    struct err err = {0};
    size_t done;
    wipe();
    put("20260101000000_a.sql", first);
    put("20260102000000_b.sql", second);
    put("20260103000000_c.sql",
        "-- migrate:up\nINSERT INTO a (n) VALUES (3);\nDELETE FROM a WHERE n = 3;\n"
        "CREATE VIEW v AS SELECT n FROM a;\n"
        "ALTER TABLE a ALTER COLUMN n SET NOT NULL, ADD CONSTRAINT n_pos CHECK (n > 0);\n"
        "CREATE INDEX a_n ON a (n);\nALTER TABLE a ALTER n TYPE BIGINT;\n-- migrate:down\n");
    assert_int_equal(up(false, &done, &err), 0);
    assert_int_equal(ask("SELECT count(*) FROM b"), 3);
    assert_int_equal(ask("SELECT count(*) FROM v"), 2);
    assert_int_equal(ask("SELECT seq FROM sqlite_sequence WHERE name = 'a'"), 3);
    assert_int_equal(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'a_n'"), 1);
    assert_int_equal(ask("SELECT \"notnull\" FROM pragma_table_info('a') WHERE name = 'n' AND "
                         "type = 'BIGINT'"),
                     1);
    assert_int_equal(ask("INSERT INTO a (n) VALUES (-1) RETURNING id"), -1);
    assert_int_equal(ask("INSERT INTO a (n) VALUES (7) RETURNING id"), 4);
    assert_int_equal(ask("PRAGMA foreign_keys"), 1);
}

static void test_failure_leaves_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    size_t done;
    wipe();
    put("20260101000000_a.sql", first);
    put("20260103000000_c.sql", "-- migrate:up\nCREATE TABLE c (id SERIAL PRIMARY KEY);\n\n"
                                "INSERT INTO nowhere (id) VALUES (1);\n-- migrate:down\n");
    assert_true(up(false, &done, &err) < 0);
    assert_int_equal(done, 1);
    assert_non_null(strstr(err.text, "20260103000000_c.sql:4: "));
    assert_non_null(strstr(err.text, "nowhere"));
    assert_int_equal(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'c'"), 0);
    assert_int_equal(ask("SELECT count(*) FROM schema_migrations"), 1);
}

static void test_untranslatable_runs_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    size_t done;
    wipe();
    put("20260101000000_a.sql", first);
    put("20260103000000_c.sql",
        "-- a comment\n-- migrate:up\nCREATE TABLE c (\n  id SERIAL PRIMARY KEY,\n  b polygon\n);");
    assert_int_equal(up(false, &done, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "20260103000000_c.sql:5:5: type 'polygon'"));
    assert_int_equal(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'a'"), 0);
}

static void test_verify(void **state)
{
    (void)state;
    struct err err = {0};
    char codes[200], path[200];
    size_t done;
    wipe();
    put("20260101000000_a.sql", first);
    put("20260102000000_b.sql", second);
    assert_int_equal(up(false, &done, &err), 0);
    assert_int_equal(verify(&err, codes, sizeof codes), 0);
    put("20260101000000_a.sql", "-- migrate:up\n");
    put("20260101000001_late.sql", "-- migrate:up\nCREATE TABLE late (id INT);\n");
    snprintf(path, sizeof path, "%s/20260102000000_b.sql", dir);
    unlink(path);
    assert_int_equal(verify(&err, codes, sizeof codes), E_CONFIG);
    assert_string_equal(codes, "edited out_of_order missing ");
    err = (struct err){0};
    assert_int_equal(up(false, &done, &err), E_CONFLICT);
    assert_non_null(strstr(err.text, "20260101000000_a.sql was changed"));
    put("20260101000000_a.sql", first);
    assert_int_equal(up(false, &done, &err), 0);
    assert_int_equal(done, 1);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *say;
    } bad[] = {
        {"users.sql", "-- migrate:up\n", "20260131120000_what_it_does.sql"},
        {"1_a.sql", "SELECT 1;\n-- migrate:up\n", "1_a.sql:1: "},
        {"1_a.sql", "-- nothing\n", "'-- migrate:up' is missing"},
        {"1_a.sql", "-- migrate:up\n-- migrate:down\n-- migrate:down\n", "1_a.sql:3: "},
        {"1_a.sql", "-- migrate:down\n", "1_a.sql:1: "},
        {"1_a.sql", "-- migrate:up\nSELEC 1;\n", "1_a.sql:2:1: syntax error"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};
        size_t done;
        wipe();
        put(bad[i].name, bad[i].text);
        assert_int_equal(up(false, &done, &err), E_CONFIG);
        if (!strstr(err.text, bad[i].say))
            print_error("%s does not say %s\n", err.text, bad[i].say);
        assert_non_null(strstr(err.text, bad[i].say));
    }
}

static void test_dry_run_and_target(void **state)
{
    (void)state;
    struct err err = {0};
    size_t done;
    wipe();
    put("20260101000000_a.sql", first);
    put("20260102000000_b.sql", second);
    struct migrate *m = opened(&err);
    struct migrate_wish wish = {.dry_run = true, .say = note};
    assert_int_equal(migrate_up(m, &wish, &done, &err), 0);
    assert_int_equal(done, 0);
    assert_non_null(strstr(said, ">20260102000000_b INSERT INTO \"b\" (\"a_id\") VALUES (1)"));
    assert_int_equal(migrate_pending(m), 2);
    wish = (struct migrate_wish){.to = LIT("20260101000000")};
    assert_int_equal(migrate_up(m, &wish, &done, &err), 0);
    assert_int_equal(migrate_pending(m), 1);
    wish.to = LIT("7");
    assert_int_equal(migrate_up(m, &wish, &done, &err), E_NOTFOUND);
    migrate_close(&m);
    assert_int_equal(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
}

static void test_new_and_missing_directory(void **state)
{
    (void)state;
    struct err err = {0};
    struct arena a;
    str path;
    size_t done;
    wipe();
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(up(false, &done, &err), 0);
    arena_init(&a, 1 << 20);
    assert_int_equal(migrate_new(&a, str_of(dir), LIT("Add colors!"), &path, &err), 0);
    assert_true(str_ends(path, LIT("_add_colors.sql")));
    assert_int_equal(migrate_new(&a, str_of(dir), LIT("../.."), &path, &err), E_BAD);
    arena_reset(&a);
    err = (struct err){0};
    assert_int_equal(up(false, &done, &err), 0);
    assert_int_equal(done, 1);
}

static void test_table_of_dbmate(void **state)
{
    (void)state;
    struct err err = {0};
    size_t done;
    wipe();
    ask("CREATE TABLE schema_migrations (version varchar(128) primary key)");
    ask("INSERT INTO schema_migrations VALUES ('20260101000000')");
    put("20260101000000_a.sql", "-- migrate:up\nSELECT 1;\n");
    put("20260102000000_b.sql", "-- migrate:up\nCREATE TABLE c (id INT);\n");
    assert_int_equal(up(false, &done, &err), 0);
    assert_int_equal(done, 1);
    assert_int_equal(ask("SELECT count(*) FROM schema_migrations WHERE checksum IS NULL"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_and_down),
        cmocka_unit_test(test_rebuild_keeps_children_and_counter),
        cmocka_unit_test(test_failure_leaves_nothing),
        cmocka_unit_test(test_untranslatable_runs_nothing),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_dry_run_and_target),
        cmocka_unit_test(test_new_and_missing_directory),
        cmocka_unit_test(test_table_of_dbmate),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
