/* Failures: the code, the words, the place, and that long ones are cut, not overrun. */
#include "base/err.h"

/* cmocka has a macro of that name; ours is meant here. */
static int (*const our_fail)(struct err *, int, const char *, ...) = fail;

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void fail_fills_and_gives_the_code(void **state)
{
    (void)state;
    struct err err = {.word = LIT("old"), .field = "old"};
    assert_int_equal(our_fail(&err, E_CONFLICT, "row '%d' changed", 7), E_CONFLICT);
    assert_int_equal(err.code, E_CONFLICT);
    assert_string_equal(err.text, "row '7' changed");
    assert_string_equal(err.field, ""); /* nothing of an older failure stays */
    assert_int_equal(err.word.len, 0);
}

static void fail_field_names_the_place(void **state)
{
    (void)state;
    struct err err = {0};
    str field = str_make("age,and what follows", 3);
    assert_int_equal(fail_field(&err, E_BAD, LIT("bad_value"), field, "'%s'", "x"), E_BAD);
    assert_string_equal(err.field, "age");
    assert_true(str_is(err.word, "bad_value"));
    assert_string_equal(err.text, "'x'");
    assert_null(err.items);
}

static void long_words_are_cut(void **state)
{
    (void)state;
    struct err err = {0};
    char longer[1000];
    memset(longer, 'x', sizeof longer);
    fail_field(&err, E_BAD, LIT("w"), str_make(longer, sizeof longer), "%.*s", 1000, longer);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(strlen(err.field), sizeof err.field - 1);
}

static int one_fails(int at, int *calls)
{
    for (int i = 0; i < 3; i++) {
        ++*calls;
        TRY(i == at ? E_BUSY : i);
    }
    return 0;
}

static void try_returns_the_first_failure(void **state)
{
    (void)state;
    int calls = 0;
    assert_int_equal(one_fails(1, &calls), E_BUSY);
    assert_int_equal(calls, 2);
    calls = 0;
    assert_int_equal(one_fails(9, &calls), 0); /* what is not negative is no failure */
    assert_int_equal(calls, 3);
}

static void every_code_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(err_status(0), 200);
#define X(name, status, title)                                                                     \
    assert_true(E_##name < 0);                                                                     \
    assert_int_equal(err_status(E_##name), status);                                                \
    assert_string_equal(err_title(E_##name), title);                                               \
    assert_string_equal(err_name(E_##name), #name);
#include "base/err.def"
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_and_gives_the_code),
        cmocka_unit_test(fail_field_names_the_place),
        cmocka_unit_test(long_words_are_cut),
        cmocka_unit_test(try_returns_the_first_failure),
        cmocka_unit_test(every_code_has_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
