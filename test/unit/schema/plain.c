/* Expressions as PostgreSQL tells them, made plain. SPDX: Apache-2.0 */
#include "schema/schema_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Left: what pg_get_expr of PostgreSQL 15 answered. */
static const struct {
    const char *told, *plain;
} cases[] = {
    {"((a >= 1) AND (a <= 5))", "((a >= 1) AND (a <= 5))"},
    {"((p >= (0)::numeric) AND (p < 1000.5))", "((p >= 0) AND (p < 1000.5))"},
    {"((length(s) > 2) AND (char_length((s)::text) <= 30))",
     "((length(s) > 2) AND (char_length(s) <= 30))"},
    {"((v)::text = ANY ((ARRAY['a'::character varying, 'b''c'::character varying])::text[]))",
     "(v IN ('a', 'b''c'))"},
    {"(((u)::text = 'q'::text) OR (u IS NULL))", "((u = 'q') OR (u IS NULL))"},
    {"(f > ('-1.5'::numeric)::double precision)", "(f > '-1.5')"},
    {"(\"We ird\" > 0)", "(\"We ird\" > 0)"},
    {"((\"We ird\")::text = '(x)::y'::text)", "(\"We ird\" = '(x)::y')"},
    {"(lower(t) = t)", "(lower(t) = t)"},
    {"(d > '2020-01-01'::date)", "(d > '2020-01-01')"},
    {"(d > '2020-01-01 00:00:00'::timestamp(3) without time zone)", "(d > '2020-01-01 00:00:00')"},
    {"(NOT (n < 0))", "(NOT (n < 0))"},
    {"(w = ('only'::public.\"My Type\"))", "(w = 'only')"},
    {"(ok = ANY (ARRAY[1, 2, 3]))", "(ok IN (1, 2, 3))"},
    {"(x = ANY (y))", "(x = ANY (y))"},
    {"(n > (- 5))", "(n > (- 5))"},
    {"(n > '-5'::integer)", "(n > '-5')"},
    {"(p <> (1.5)::numeric(8,2))", "(p <> 1.5)"},
    {"", ""},
    {"(((", "((("},
    {"'open", "'open"},
    {"a::", "a"},
    {"x = ANY (ARRAY[", "x IN ("},
};

static void plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 16);
        str got = schema__plain_check(&a, str_of(cases[i].told));
        if (!str_is(got, cases[i].plain))
            print_message("case %zu is %.*s\n", i, STR_ARG(got));
        assert_true(str_is(got, cases[i].plain));
        arena_reset(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
