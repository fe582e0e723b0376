/* Secrets in lines, and what .gitignore says. SPDX: Apache-2.0
 * The examples are put together here, so that this file holds none itself. */
#include "cli/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char forty[] = "abcdefghij0123456789ABCDEFGHIJ0123456789";

static void expect_hit(const char *line, bool settings, const char *kind)
{
    struct scan_hit h = {0};
    bool found = scan_line(str_of(line), settings, &h);
    if (!kind) {
        if (found)
            print_error("'%s' is no secret\n", line);
        assert_false(found);
        return;
    }
    if (!found || strcmp(h.kind, kind) != 0)
        print_error("'%s': %s\n", line, found ? h.kind : "nothing");
    assert_true(found);
    assert_string_equal(h.kind, kind);
    assert_true(h.at + h.len <= strlen(line));
}

static void test_shapes(void **state)
{
    (void)state;
    char line[400];
    snprintf(line, sizeof line, "key: AK%s", "IAABCDEFGHIJKLMNOP");
    expect_hit(line, false, "an access key of AWS");
    snprintf(line, sizeof line, "export T=gh%s%s", "p_", forty);
    expect_hit(line, false, "a token of GitHub");
    snprintf(line, sizeof line, "sk_%s%s", "live_", forty);
    expect_hit(line, false, "a secret key of Stripe");
    snprintf(line, sizeof line, "risk_%s%s", "live_", forty);
    expect_hit(line, false, NULL);
    snprintf(line, sizeof line, "sk_%s", "live_short");
    expect_hit(line, false, NULL);
    snprintf(line, sizeof line, "-----BEGIN EC %s-----", "PRIVATE KEY");
    expect_hit(line, false, "a private key");
    expect_hit("-----BEGIN PUBLIC KEY-----", false, NULL);
    snprintf(line, sizeof line, "Bearer ey%s.ey%s.%s", "JhbGciOiJIUzI1NiJ9", "JzdWIiOiIxIn0",
             forty);
    expect_hit(line, false, "a signed token (JWT)");
    expect_hit("eyJ.eyJ.", false, NULL);
    snprintf(line, sizeof line, "gh%s%s # cairn:allow-secret", "p_", forty);
    expect_hit(line, false, NULL);
}

static void test_urls(void **state)
{
    (void)state;
    expect_hit("postgres://shop:h8Fq2!xZ"
               "kk@db/shop",
               false, "a password in a URL");
    expect_hit("postgres://shop:${PASSWORD}@db/shop", false, NULL);
    expect_hit("postgres://shop:secret@db/shop", false, NULL);
    expect_hit("http://a@b/c:d@e", false, NULL);
    expect_hit("see https://example.com/a:b", false, NULL);
    expect_hit("://", false, NULL);
}

static void test_literals(void **state)
{
    (void)state;
    expect_hit("  api_key: 9f8e7d6c5b4a", true, "a literal secret");
    expect_hit("  api_key: 9f8e7d6c5b4a", false, NULL);
    expect_hit("\"client_secret\": \"Zx9kQ2mmB7\",", true, "a literal secret");
    expect_hit("DB_PASSWORD='correct Horse'", true, "a literal secret");
    expect_hit("password: ${DB_PASSWORD}", true, NULL);
    expect_hit("password: file:secrets/db", true, NULL);
    expect_hit("password: password_hash", true, NULL);
    expect_hit("token: changeme123", true, NULL);
    expect_hit("token:", true, NULL);
    expect_hit("breached_file: /etc/passwords9", true, NULL);
    expect_hit("password: xxxxxxxxxx", true, NULL);
    expect_hit("=", true, NULL);
}

static void test_ignored(void **state)
{
    (void)state;
    static const char text[] =
        "# comment\n*.db\n/data/\nbuild/\n!keep.db\ndocs/*.tmp\n**/x.log\r\n";
    static const struct {
        const char *path;
        bool directory;
        int want;
    } list[] = {{"a.db", false, 1},       {"deep/b.db", false, 1},  {"keep.db", false, 0},
                {"data", true, 1},        {"data", false, -1},      {"deep/data", true, -1},
                {"deep/build", true, 1},  {"docs/a.tmp", false, 1}, {"docs/b/a.tmp", false, -1},
                {"deep/x.log", false, 1}, {"main.c", false, -1}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        int got = scan_ignored(str_of(text), list[i].path, list[i].directory);
        if (got != list[i].want)
            print_error("%s: %d\n", list[i].path, got);
        assert_int_equal(got, list[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
