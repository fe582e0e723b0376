/* device.c -- names of devices, of what browsers and programs say. SPDX: Apache-2.0 */
#include "account/account_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_names(void **state)
{
    static const struct {
        const char *agent, *name;
    } list[] = {
        {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
         "Firefox on Linux"},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/126.0.0.0 Safari/537.36",
         "Chrome on Windows"},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
         "Edge on Windows"},
        {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/17.5 Safari/605.1.15",
         "Safari on macOS"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko) CriOS/126.0 Mobile/15E148 Safari/604.1",
         "Chrome on iPhone"},
        {"Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
         "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
         "Samsung Internet on Android"},
        {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "HeadlessChrome/126.0.0.0 Safari/537.36",
         "Chrome on Linux"},
        {"curl/8.5.0", "curl"},
        {"python-requests/2.32.3", "python-requests"},
        {"Dalvik/2.1.0 (Linux; U; Android 14)", "Android"},
        {"node", "node"},
        {"", "unknown"},
        {"<script>alert(1)</script>", "unknown"},
        {"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee",
         "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"},
    };
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        str name = arena_str(&a, device_name(&a, str_of(list[i].agent)));
        assert_string_equal(name.ptr, list[i].name);
    }
    arena_reset(&a);
}

static void test_scopes(void **state)
{
    (void)state;
    static const struct {
        const char *scope, *what, *action;
        bool covers;
    } list[] = {{"posts:read", "posts", "read", true},   {"posts:read", "posts", "update", false},
                {"posts:read", "post", "read", false},   {"posts:*", "posts", "delete", true},
                {"*:read", "users", "read", true},       {"*:read", "users", "create", false},
                {"*", "anything", "delete", true},       {"*:*", "anything", "delete", true},
                {"posts", "posts", "read", false},       {"", "posts", "read", false},
                {"posts:", "posts", "read", false},      {":", "", "", true},
                {"queries:top", "queries", "top", true}, {"queries:*", "queries", "top", true}};
    for (size_t i = 0; i < COUNT_OF(list); i++)
        assert_true(scope_covers(str_of(list[i].scope), str_of(list[i].what),
                                 str_of(list[i].action)) == list[i].covers);
    struct principal p = {.can = (const str[]){STR_INIT("x:y")}, .can_count = 0};
    assert_true(principal_barred(&p, LIT("x"), LIT("y"))); /* narrowed to nothing */
    p.can = NULL;
    assert_false(principal_barred(&p, LIT("x"), LIT("y")));
    assert_false(principal_barred(NULL, LIT("x"), LIT("y")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_scopes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
