/* Seed scripts: parameters, statements, quotes, places of faults. SPDX: Apache-2.0 */
#include "cli/seed_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena a;
static struct seed s;
static struct seed_statement x;
static struct err err;

static void begin(const char *text)
{
    err = (struct err){0};
    assert_int_equal(seed_begin(&s, str_of(text), &err), 0);
}

static void assert_next(const char *text, unsigned line)
{
    int code = seed_next(&s, &a, &x, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, 1);
    if (!str_is(x.st.text, text))
        print_error("got <%.*s>\n", STR_ARG(x.st.text));
    assert_true(str_is(x.st.text, text));
    assert_int_equal(x.line, line);
}

static void assert_end(void)
{
    assert_int_equal(seed_next(&s, &a, &x, &err), 0);
    assert_int_equal(seed_next(&s, &a, &x, &err), 0);
}

static void test_params(void **state)
{
    (void)state;
    begin(
        "-- The data.\n-- param users 50\r\n--param  posts -3 \n\nSELECT :posts, :users, :posts;\n"
        "-- param late 1\nSELECT 1");
    assert_int_equal(s.param_count, 2);
    assert_int_equal(seed_param(&s, LIT("users"))->value, 50);
    assert_int_equal(seed_param(&s, LIT("posts"))->value, -3);
    assert_null(seed_param(&s, LIT("late")));
    assert_next("SELECT ?1, ?2, ?1", 5);
    assert_int_equal(x.st.bind_count, 2);
    assert_int_equal(x.st.binds[0].i, -3);
    assert_int_equal(x.st.binds[1].i, 50);
    assert_next("SELECT 1", 7);
    assert_int_equal(x.st.bind_count, 0);
    assert_end();
}

static void test_quotes(void **state)
{
    (void)state;
    begin("-- param n 1\n"
          "INSERT INTO a VALUES (';', 'it''s :n', \";:n\", $$;:n$$, $t$;$$:n$t$, :n); -- x; :n\n"
          "/* ; /* nested */ :n */ ;;\n"
          "INSERT INTO b SELECT n::text, x[1:2], '12:30', $1 -- ;\n FROM c;");
    assert_next("INSERT INTO a VALUES (';', 'it''s :n', \";:n\", $$;:n$$, $t$;$$:n$t$, ?1)", 2);
    assert_next("INSERT INTO b SELECT n::text, x[1:2], '12:30', $1 \n FROM c", 4);
    assert_end();
    begin("");
    assert_end();
    begin("-- nothing\n");
    assert_end();
    begin(" ;\n; ");
    assert_end();
}

static void test_tables(void **state)
{
    (void)state;
    begin("CREATE TEMPORARY TABLE seed_days (k INTEGER);\n"
          "create temp table if not exists x as select 1;\n"
          "WITH RECURSIVE n (i) AS (SELECT 1) INSERT INTO posts (title) SELECT i FROM n;\n"
          "INSERT INTO \"order\" (a) VALUES (1);\n"
          "UPDATE posts SET a = 1");
    assert_int_equal(seed_next(&s, &a, &x, &err), 1);
    assert_true(str_is(x.makes_temp, "seed_days"));
    assert_int_equal(x.table.len, 0);
    assert_int_equal(seed_next(&s, &a, &x, &err), 1);
    assert_true(str_is(x.makes_temp, "x"));
    assert_int_equal(seed_next(&s, &a, &x, &err), 1);
    assert_true(str_is(x.table, "posts"));
    assert_int_equal(x.makes_temp.len, 0);
    assert_int_equal(seed_next(&s, &a, &x, &err), 1);
    assert_true(str_is(x.table, "order"));
    assert_int_equal(seed_next(&s, &a, &x, &err), 1);
    assert_int_equal(x.table.len, 0);
    assert_end();
}

static void assert_fault(const char *text, const char *want)
{
    err = (struct err){0};
    int code = seed_begin(&s, str_of(text), &err);
    for (int i = 0; code >= 0 && i < 10; i++)
        code = seed_next(&s, &a, &x, &err);
    assert_int_equal(code, E_CONFIG);
    assert_string_equal(err.text, want);
}

static void test_faults(void **state)
{
    (void)state;
    assert_fault("-- param users\n", "line 1: expected `-- param NAME NUMBER`");
    assert_fault("--\n-- param 9 9\n", "line 2: expected `-- param NAME NUMBER`");
    assert_fault("-- param a 1\n-- param a 2\n", "line 2: parameter 'a' is there twice");
    assert_fault("SELECT 1;\n\nSELECT\n :user;",
                 "line 4: ':user' is no parameter (declare it: `-- param user 10`)");
    assert_fault("SELECT 'abc;\n", "line 1: a quote or comment without its end");
    assert_fault("SELECT 1 /* abc;\n", "line 1: a quote or comment without its end");
    assert_fault("\n/* abc;\n", "line 2: a comment without its end");
    assert_fault("SELECT $a$ $b$;\n", "line 1: a quote or comment without its end");
}

static int end(void **state)
{
    (void)state;
    arena_reset(&a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_params), cmocka_unit_test(test_quotes),
                                       cmocka_unit_test(test_tables),
                                       cmocka_unit_test(test_faults)};
    arena_init(&a, 1 << 20);
    return cmocka_run_group_tests(tests, NULL, end);
}
