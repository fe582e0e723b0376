/* The manual page names every command and option. SPDX: Apache-2.0 */
#include "cli/cli.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char *page; /* docs/cairn.1 without its backslashes */

static void assert_says(const char *text)
{
    if (!strstr(page, text))
        print_error("docs/cairn.1 does not say '%s'\n", text);
    assert_non_null(strstr(page, text));
}

static void test_commands(void **state)
{
    (void)state;
    size_t count;
    const struct command *list = cli_commands(&count);
    assert_true(count >= 10);
    for (size_t i = 0; i < count; i++) {
        char line[64];
        snprintf(line, sizeof line, ".TP\n.B %s", list[i].name);
        assert_says(line);
        assert_true(strlen(list[i].help) < 70);
        assert_int_not_equal(list[i].help[strlen(list[i].help) - 1], '.');
    }
    for (const char *const *o = (const char *const[]){"-C", "--data", "--listen", "--set", "--help",
                                                      "--version", "--yes", "--dry-run", NULL};
         *o; o++)
        assert_says(*o);
}

static int begin(void **state)
{
    (void)state;
    FILE *f = fopen("docs/cairn.1", "r"); /* tests run in the top directory */
    if (!f)
        return -1;
    page = mem_zero(1, 1 << 16);
    size_t len = 0;
    for (int c; (c = getc(f)) != EOF && len < (1 << 16) - 1;)
        if (c != '\\')
            page[len++] = (char)c;
    fclose(f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    mem_free(page);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_commands)};
    return cmocka_run_group_tests(tests, begin, end);
}
