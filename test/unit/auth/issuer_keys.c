/* issuer_keys.c -- what issuers publish, read with suspicion. SPDX: Apache-2.0 */
#include "auth/issuer_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define ED                                                                                         \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define ALL (1u << JWT_EDDSA | 1u << JWT_ES256 | 1u << JWT_RS256)

static int read_all(const char *json, unsigned algs, size_t *count)
{
    struct issuer_keys *k;
    struct err err = {0};
    int code = issuer_keys_read(str_of(json), algs, &k, &err);
    *count = code == 0 ? k->count : 0;
    issuer_keys_free(&k);
    return code;
}

static void takes_public_keys(void **state)
{
    size_t n;
    (void)state;
    assert_int_equal(read_all("{\"keys\":[" ED ",\"kid\":\"a\"}]}", ALL, &n), 0);
    assert_int_equal(n, 1);
    /* what is odd, private, secret, not for signing or not wanted is left out */
    assert_int_equal(
        read_all("{\"keys\":[1,{},null,{\"kty\":7}," ED ",\"use\":\"enc\"}," ED
                 ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"},"
                 "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}," ED
                 "}]}",
                 ALL, &n),
        0);
    assert_int_equal(n, 1);
    assert_int_equal(read_all("{\"keys\":[" ED "}]}", 1u << JWT_RS256, &n), E_BAD);
}

static void refuses_what_is_no_set(void **state)
{
    static const char *const bad[] = {
        "", "[]", "{}", "null", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[" ED "}", "<html>"};
    size_t n;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(read_all(bad[i], ALL, &n), E_BAD);
}

static int find(struct arena *a, const char *json, str *out)
{
    struct err err = {0};
    return issuer_jwks_uri(a, str_of(json), LIT("https://i"), out, &err);
}

static void finds_the_address(void **state)
{
    struct arena a;
    str uri;
    (void)state;
    arena_init(&a, 1 << 20);
    assert_int_equal(find(&a, "{\"issuer\":\"https://i\",\"jwks_uri\":\"https://i/k\"}", &uri), 0);
    assert_true(str_is(uri, "https://i/k"));
    assert_int_equal(find(&a, "{\"issuer\":\"https://i/\",\"jwks_uri\":\"https://i/k\"}", &uri),
                     E_BAD);
    assert_int_equal(find(&a, "{\"jwks_uri\":\"https://i/k\"}", &uri), E_BAD);
    assert_int_equal(find(&a, "{\"issuer\":\"https://i\"}", &uri), E_BAD);
    assert_int_equal(find(&a, "{\"issuer\":\"https://i\",\"jwks_uri\":[]}", &uri), E_BAD);
    arena_reset(&a);
}

static void knows_ages_and_origins(void **state)
{
    (void)state;
    assert_int_equal(issuer_max_age(LIT("")), -1);
    assert_int_equal(issuer_max_age((str){0}), -1);
    assert_int_equal(issuer_max_age(LIT("public, Max-Age = 300 , x")), 300);
    assert_int_equal(issuer_max_age(LIT("max-age=300, no-store")), 0);
    assert_int_equal(issuer_max_age(LIT("max-age=-3")), -1);
    assert_int_equal(issuer_max_age(LIT("max-age=18446744073709551615")), INT32_MAX);
    assert_true(issuer_same_origin(LIT("https://a.b/x"), LIT("HTTPS://A.b")));
    assert_true(issuer_same_origin(LIT("https://a.b?x"), LIT("https://a.b/y")));
    assert_false(issuer_same_origin(LIT("https://a.b:444/x"), LIT("https://a.b")));
    assert_false(issuer_same_origin(LIT("http://a.b/x"), LIT("https://a.b")));
    assert_false(issuer_same_origin(LIT("https://a.b@c/x"), LIT("https://a.b")));
    assert_false(issuer_same_origin(LIT("https://a.b\\@c/x"), LIT("https://a.b\\@c")));
    assert_false(issuer_same_origin(LIT(""), LIT("")));
    assert_false(issuer_same_origin(LIT("a.b/x"), LIT("a.b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_public_keys), cmocka_unit_test(refuses_what_is_no_set),
        cmocka_unit_test(finds_the_address), cmocka_unit_test(knows_ages_and_origins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
