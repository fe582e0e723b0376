/* clients.c -- redirect URIs, secrets, scopes and PKCE of apps. SPDX: Apache-2.0 */
#include "auth/clients.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool takes(const char *registered, const char *uri)
{
    str list[] = {str_of(registered)};
    struct app_client c = {.redirects = list, .redirect_count = 1};
    return client_redirects(&c, str_of(uri));
}

static void test_redirects(void **state)
{
    (void)state;
    assert_true(takes("https://a.example.com/cb", "https://a.example.com/cb"));
    assert_false(takes("https://a.example.com/cb", "https://a.example.com/cb/"));
    assert_false(takes("https://a.example.com/cb", "https://a.example.com/CB"));
    assert_false(takes("https://a.example.com/cb", "https://a.example.com:443/cb"));
    assert_false(takes("https://a.example.com/cb", ""));
    assert_true(takes("http://127.0.0.1/cb", "http://127.0.0.1:4711/cb"));
    assert_true(takes("http://127.0.0.1:1/cb", "http://127.0.0.1/cb"));
    assert_true(takes("http://[::1]/cb?x=1", "http://[::1]:65535/cb?x=1"));
    assert_false(takes("http://127.0.0.1/cb", "http://[::1]/cb"));
    assert_false(takes("http://127.0.0.1/cb", "http://127.0.0.1:/cb"));
    assert_false(takes("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"));
    assert_false(takes("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"));
    assert_false(takes("http://127.0.0.1/cb", "http://127.0.0.1:80@evil/cb"));
    assert_false(takes("http://127.0.0.1/cb", "http://127.0.0.1.evil/cb"));
    assert_false(takes("http://127.0.0.1", "http://127.0.0.1:80evil"));
    assert_false(takes("http://localhost/cb", "http://localhost:80/cb"));
}

static void test_registered(void **state)
{
    static const char *const good[] = {
        "https://a.example.com/cb", "https://a:8443/",        "https://[2001:db8::1]/x",
        "http://127.0.0.1/cb",      "http://127.0.0.1:80/cb", "http://[::1]/",
        "http://localhost:3000/cb", "com.example.app:/cb",    "https://a.example.com/cb?x=%20"};
    static const char *const bad[] = {"",
                                      "http://a.example.com/",
                                      "https://",
                                      "https://user@a/",
                                      "https://a/#x",
                                      "https://*.a/",
                                      "https://a/;x",
                                      "https://a/ x",
                                      "https://a/\"",
                                      "https://a/\x80",
                                      "myapp:/cb",
                                      "javascript:alert(1)",
                                      "http://localhost.evil/",
                                      "http://127.0.0.1.evil/",
                                      "http://127.0.0.1:x/",
                                      "/cb",
                                      "1.a:/"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(client_redirect_good(str_of(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(client_redirect_good(str_of(bad[i])));
}

static void test_secret(void **state)
{
    struct app_client c = {.has_secret = true}, none = {.has_secret = false};
    (void)state;
    client_secret_hash(LIT("s3cret"), c.secret);
    assert_true(client_secret_is(&c, LIT("s3cret")));
    assert_false(client_secret_is(&c, LIT("s3cre")));
    assert_false(client_secret_is(&c, LIT("")));
    client_secret_hash(LIT(""), none.secret);
    assert_false(client_secret_is(&none, LIT("")));
    assert_true(client_is_native(&none, LIT("http://127.0.0.1/cb")));
    assert_false(client_is_native(&none, LIT("https://a/cb")));
    assert_false(client_is_native(&c, LIT("http://127.0.0.1/cb")));
}

static void test_scopes(void **state)
{
    static const str can[] = {STR_INIT("posts:read"), STR_INIT("notes:read")};
    static const struct client_scope scopes[] = {
        {.name = STR_INIT("read"), .can = can, .can_count = 2},
        {.name = STR_INIT("write"), .can = can, .can_count = 1}};
    static const str mine[] = {STR_INIT("openid"), STR_INIT("read")};
    struct clients c = {.scopes = scopes, .scope_count = 2};
    struct app_client client = {.scopes = mine, .scope_count = 2};
    struct arena a;
    size_t count;
    str out;
    (void)state;
    arena_init(&a, 1 << 16);
    assert_true(scope_allowed(&a, &c, &client, LIT(" read  openid read "), &out));
    assert_true(str_is(out, "read openid"));
    assert_false(scope_allowed(&a, &c, &client, LIT("openid write"), &out));
    assert_true(str_is(out, "write"));
    assert_false(scope_allowed(&a, &c, &client, LIT("nothing"), &out));
    assert_true(scope_within(LIT("a b"), LIT("b c a")));
    assert_false(scope_within(LIT("a b"), LIT("ab")));
    assert_true(scope_within(LIT(""), LIT("")));
    assert_non_null(scope_can(&a, &c, LIT("openid"), &count));
    assert_int_equal(count, 0);
    scope_can(&a, &c, LIT("openid read write gone"), &count);
    assert_int_equal(count, 3);
    arena_reset(&a);
}

/* RFC 7636, appendix B. */
static void test_pkce(void **state)
{
    const str verifier = STR_INIT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    const str challenge = STR_INIT("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    (void)state;
    assert_true(pkce_is(challenge, verifier));
    assert_false(pkce_is(challenge, challenge));
    assert_false(pkce_is(verifier, verifier)); /* plain */
    assert_false(pkce_is(challenge, str_upto(verifier, 42)));
    assert_false(pkce_is(LIT(""), LIT("")));
    assert_false(pkce_challenge_good(LIT("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=")));
    assert_false(pkce_challenge_good(str_upto(challenge, 42)));
    assert_true(pkce_challenge_good(challenge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redirects), cmocka_unit_test(test_registered),
        cmocka_unit_test(test_secret),    cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_pkce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
