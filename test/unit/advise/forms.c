/* Normal forms: what rows show, and what they must not be taken for. SPDX: Apache-2.0 */
#include "table.h"

#include <stdio.h>

static const char *text(const char *format, int n)
{
    return arena_printf(&arena, format, n).ptr;
}

static void a_list_in_a_column_that_says_it_is_many(void **state)
{
    (void)state;
    table_of("users", "id phones");
    ROW("123-456, 789-012");
    assert_string_equal(advised(false), "list_in_text phones");
}

static void one_value_in_such_a_column_is_no_list(void **state)
{
    (void)state;
    table_of("users", "id phones");
    ROW("123-456");
    assert_string_equal(advised(false), "");
}

static void a_name_before_a_comma_is_no_list(void **state)
{
    (void)state;
    table_of("users", "id name");
    for (int i = 0; i < 200; i++)
        ROW(text("Doe%d, John", i));
    assert_string_equal(advised(false), "");
}

static void sentences_are_no_lists(void **state)
{
    (void)state;
    table_of("posts", "id comments");
    for (int i = 0; i < 200; i++)
        ROW(text("Well, I am not so sure, but number %d may be right", i));
    assert_string_equal(advised(false), "");
}

static void lists_of_different_lengths_are_seen_under_any_name(void **state)
{
    static const char *const lists[] = {"red", "red;green", "red;green;blue"};
    (void)state;
    table_of("shirts", "id paint");
    for (int i = 0; i < 60; i++)
        ROW(lists[i % 3]);
    assert_string_equal(advised(false), "list_in_text paint");
}

static void numbered_columns_are_a_group(void **state)
{
    (void)state;
    table_of("users", "id phone_1 phone_2 phone_3");
    assert_string_equal(advised(false), "repeating_group phone_1, phone_2, phone_3");
}

static void two_lines_of_an_address_are_none(void **state)
{
    (void)state;
    table_of("users", "id address1 address2 x1 x2 sha1 sha256");
    assert_string_equal(advised(false), "");
}

static void names_that_belong_together_need_few_rows(void **state)
{
    (void)state;
    table_of("employees", "id department department_location");
    ROW("Sales", "Building A");
    ROW("Sales", "Building A");
    assert_string_equal(advised(false), "transitive_dependency department_location");
}

static void one_row_that_differs_is_enough_against_it(void **state)
{
    (void)state;
    table_of("employees", "id department department_location");
    ROW("Sales", "Building A");
    ROW("Sales", "Building A");
    ROW("Sales", "Building B");
    assert_string_equal(advised(false), "");
}

static void a_city_by_its_zip(void **state)
{
    (void)state;
    table_of("users", "id city zip");
    for (int i = 0; i < 400; i++)
        ROW(text("City %d", i * 7 % 40 / 2), text("%d", i * 7 % 40));
    assert_string_equal(advised(false), "transitive_dependency city");
}

static void two_that_mean_the_same_are_told_once(void **state)
{
    (void)state;
    table_of("users", "id country country_code");
    for (int i = 0; i < 400; i++)
        ROW(text("Land %d", i % 9), text("L%d", i % 9));
    assert_string_equal(advised(false), "transitive_dependency country_code");
}

static void values_that_seldom_come_again_prove_nothing(void **state)
{
    (void)state;
    table_of("users", "id street city");
    for (int i = 0; i < 400; i++)
        ROW(text("Street %d", i * 10 / 11), text("City %d", i % 7));
    assert_string_equal(advised(false), "");
}

static void independent_columns_are_left_alone(void **state)
{
    (void)state;
    table_of("users", "id city color");
    for (int i = 0; i < 400; i++)
        ROW(text("City %d", i % 7), text("Color %d", i % 5));
    assert_string_equal(advised(false), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_list_in_a_column_that_says_it_is_many),
        T(one_value_in_such_a_column_is_no_list),
        T(a_name_before_a_comma_is_no_list),
        T(sentences_are_no_lists),
        T(lists_of_different_lengths_are_seen_under_any_name),
        T(numbered_columns_are_a_group),
        T(two_lines_of_an_address_are_none),
        T(names_that_belong_together_need_few_rows),
        T(one_row_that_differs_is_enough_against_it),
        T(a_city_by_its_zip),
        T(two_that_mean_the_same_are_told_once),
        T(values_that_seldom_come_again_prove_nothing),
        T(independent_columns_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
