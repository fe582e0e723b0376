/* Origins of the settings, and what matches them; paths of the settings. */
#include "edge/edge.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool matches(const char *setting, const char *origin)
{
    struct cors_origin o;
    const char *why = cors_origin_parse(str_of(setting), &o);
    if (why)
        print_error("%s: %s\n", setting, why);
    assert_null(why);
    return cors_origin_match(&o, str_of(origin));
}

static void test_exact(void **state)
{
    (void)state;
    assert_true(matches("https://app.example.com", "https://app.example.com"));
    assert_true(matches("http://localhost:3000", "http://localhost:3000"));
    assert_true(matches("http://[::1]:3000", "http://[::1]:3000"));
    assert_true(matches("capacitor://localhost", "capacitor://localhost"));
    assert_false(matches("https://app.example.com", "http://app.example.com"));
    assert_false(matches("https://app.example.com", "https://app.example.com.evil.com"));
    assert_false(matches("https://app.example.com", "https://app.example.com:8443"));
    assert_false(matches("https://app.example.com", "https://APP.example.com"));
    assert_false(matches("https://app.example.com", "null"));
    assert_false(matches("https://app.example.com", ""));
}

static void test_star(void **state)
{
    static const char *const no[] = {
        "https://example.com",           "http://a.example.com",
        "https://aexample.com",          "https://a.example.com.evil.com",
        "https://evil.com/.example.com", "https://evil.com#.example.com",
        "https://a@b.example.com",       "https://.example.com",
        "https://a..example.com",        "https://a:1.example.com",
        "https://a.example.com:8443",    "https://a%00.example.com",
        "https://A.example.com",         "null",
        "https://evil.com?.example.com", "https://a b.example.com",
    };
    (void)state;
    assert_true(matches("https://*.example.com", "https://a.example.com"));
    assert_true(matches("https://*.example.com", "https://a.b-c.example.com"));
    assert_true(matches("https://*.example.com:8443", "https://a.example.com:8443"));
    assert_true(matches("http://localhost:*", "http://localhost:5173"));
    assert_false(matches("http://localhost:*", "http://localhost"));
    assert_false(matches("http://localhost:*", "http://localhost:"));
    assert_false(matches("http://localhost:*", "http://localhost:80.evil.com"));
    assert_false(matches("http://localhost:*", "http://localhost:123456"));
    for (size_t i = 0; i < COUNT_OF(no); i++)
        assert_false(matches("https://*.example.com", no[i]));
    assert_true(matches("*", "https://whoever.example"));
    assert_true(matches("*", "null"));
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "example.com",
        "https://",
        "https://Example.com",
        "HTTPS://example.com",
        "https://example.com/",
        "https://example.com/path",
        "https://example.com:443",
        "http://example.com:80",
        "https://example.com:0",
        "https://example.com:99999",
        "https://example.com:x",
        "https://*",
        "https://*.com",
        "https://*.",
        "https://a.*.com",
        "https://app*.example.com",
        "https://*.example.com:*",
        "https://*.*.example.com",
        "*://example.com",
        "https://ex ample.com",
        "https://user@example.com",
        "https://.example.com",
        "https://a..b",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct cors_origin o;
        assert_non_null(cors_origin_parse(str_of(bad[i]), &o));
    }
}

static bool path(const char *pattern, const char *text)
{
    return edge_path(str_of(pattern), str_of(text));
}

static void test_path(void **state)
{
    (void)state;
    assert_true(path("/v1/users", "/v1/users"));
    assert_true(path("/v1/users", "/v1/users/"));
    assert_true(path("/v1/users/", "/v1/users"));
    assert_false(path("/v1/users", "/v1/users/1"));
    assert_false(path("/v1/users", "/v1/user"));
    assert_true(path("/v1/*", "/v1"));
    assert_true(path("/v1/*", "/v1/"));
    assert_true(path("/v1/*", "/v1/a/b/c"));
    assert_false(path("/v1/*", "/v11"));
    assert_false(path("/v1/*", "/"));
    assert_true(path("/v1/users/*/posts", "/v1/users/5/posts"));
    assert_false(path("/v1/users/*/posts", "/v1/users//posts"));
    assert_false(path("/v1/users/*/posts", "/v1/users/5/6/posts"));
    assert_false(path("/v1/users/*/posts", "/v1/users/5"));
    assert_true(path("/v1/users/*/posts/*", "/v1/users/5/posts/6"));
    assert_true(path("/*", "/"));
    assert_true(path("/*", "/a"));
    assert_true(path("*", "/a/b"));
    assert_true(path("/", "/"));
    assert_false(path("/", "/a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_star),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
