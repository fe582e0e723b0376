/* cases.c -- plays test/case/ddl: translate, compare, run in SQLite. SPDX: Apache-2.0
 * CAIRN_CASES=show prints what comes out instead of comparing (for writing a case). */
#include "case_file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool showing(void)
{
    const char *wish = getenv("CAIRN_CASES");
    return wish && strcmp(wish, "show") == 0;
}

/* 0 when the case holds. */
static int play(sqlite3 *db, struct arena *a, const char *path, const struct ddl_case *c)
{
    struct ddl_source source = {.text = c->source, .first_line = 1};
    struct ddl_script script;
    struct ddl_catalog cat;
    struct err err = {0};
    load_catalog(db, a, &cat);
    int code = ddl_to_sqlite(a, &source, &cat, &script, &err);
    str got = code < 0 ? arena_str(a, str_of(err.text)) : script_text(a, &script);
    const char *why = code < 0 ? NULL : run_in(db, a, &script);
    if (showing())
        printf("=== %.*s\n%.*s--- %s\n%.*s\n%s%s\n", STR_ARG(c->name), STR_ARG(c->source),
               code < 0 ? "error" : "sqlite", STR_ARG(got), why ? "!!! " : "", why ? why : "");
    else if (why)
        fprintf(stderr, "%s: %.*s: SQLite refuses: %s\n", path, STR_ARG(c->name), why);
    else if (c->error != (code < 0) || !str_eq(got, c->expected))
        fprintf(stderr, "%s: %.*s: wanted %s\n%.*s\ngot %s\n%.*s\n", path, STR_ARG(c->name),
                c->error ? "an error" : "SQLite", STR_ARG(c->expected),
                code < 0 ? "an error" : "SQLite", STR_ARG(got));
    else
        return 0;
    return showing() ? why != NULL : 1;
}

static size_t play_file(const char *path, size_t *failed)
{
    struct arena a;
    size_t count = 0;
    struct ddl_case c;
    arena_init(&a, 256 << 20);
    sqlite3 *db = open_memory();
    str rest = read_whole(&a, path);
    while (rest.ptr && next_case(&rest, &c)) {
        *failed += (size_t)play(db, &a, path, &c);
        count++;
    }
    sqlite3_close(db);
    arena_reset(&a);
    return count;
}

static void test_case_files(void **state)
{
    (void)state;
    const char *folder = "test/case/ddl";
    size_t count = 0, failed = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        char path[512];
        if (!str_ends(str_of(e->d_name), LIT(".txt")))
            continue;
        const char *only = getenv("CAIRN_ONLY");
        if (only && !strstr(e->d_name, only))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        count += play_file(path, &failed);
    }
    closedir(d);
    assert_true(count > 0);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_case_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
