/* names.c -- what one row of a table is called. SPDX: Apache-2.0 */
#include "resource/resource_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void singular(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"users", "user"},
        {"posts", "post"},
        {"categories", "category"},
        {"product_tags", "product tag"},
        {"order_items", "order item"},
        {"people", "person"},
        {"addresses", "address"},
        {"boxes", "box"},
        {"wishes", "wish"},
        {"branches", "branch"},
        {"heroes", "hero"},
        {"analyses", "analysis"},
        {"statuses", "status"},
        {"status", "status"},
        {"news", "news"},
        {"series", "series"},
        {"movies", "movie"},
        {"order", "order"},
        {"a", "a"},
        {"s", "s"},
        {"Users", "User"},
        {"Größen", "Größen"},
        {"work_orders", "work order"},
        {"children", "child"},
        {"salesmen", "salesmen"},
        {"", ""},
        {"_", " "},
        {"us", "us"},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        char out[64];
        resource__singular(str_of(table[i][0]), out, sizeof out);
        assert_string_equal(out, table[i][1]);
    }
}

static void cut(void **state)
{
    (void)state;
    char out[8];
    memset(out, 'x', sizeof out);
    resource__singular(LIT("a_very_long_name_of_tables"), out, sizeof out);
    assert_true(memchr(out, '\0', sizeof out) != NULL);
    assert_memory_equal(out, "a very", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(singular),
        cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
