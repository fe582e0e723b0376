/* provider_read.c -- what providers answer, read with suspicion. SPDX: Apache-2.0 */
#include "auth/provider_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena a;

static int start(void **state)
{
    (void)state;
    arena_init(&a, 1 << 22);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_reset(&a);
    return 0;
}

static struct value parse(const char *json)
{
    struct value v;
    struct err err = {0};
    assert_int_equal(json_parse(&a, str_of(json), &json_limits_default, &v, &err), 0);
    return v;
}

static int document(const char *authorize, const char *more, struct provider_endpoints *out)
{
    struct err err = {0};
    str json = arena_printf(&a,
                            "{\"issuer\":\"https://i.io\",\"authorization_endpoint\":\"%s\","
                            "\"token_endpoint\":\"https://i.io/t\"%s}",
                            authorize, more);
    return provider_endpoints_read(&a, json, LIT("https://i.io"), out, &err);
}

static void takes_documents(void **state)
{
    struct provider_endpoints e;
    struct err err = {0};
    (void)state;
    assert_int_equal(document("https://j.io/a?b=c", "", &e), 0);
    assert_true(str_is(e.authorize, "https://j.io/a?b=c") && str_is(e.token, "https://i.io/t"));
    assert_true(e.basic && !e.says_iss && !e.user.len);
    assert_int_equal(
        document("https://i.io/a",
                 ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\",7],"
                 "\"authorization_response_iss_parameter_supported\":true",
                 &e),
        0);
    assert_true(!e.basic && e.says_iss);
    static const char *const bad[] = {"",
                                      "http://i.io/a",
                                      "httPs://i.io/a",
                                      "HTTP://i.io/a",
                                      "https:///a",
                                      "https://",
                                      "https://u@i.io/a",
                                      "https://i.io/a b",
                                      "https://i.io/a#b",
                                      "https://i.io\\\\@j.io/",
                                      "javascript:alert(1)",
                                      "//i.io/a",
                                      "https://i.io/\\u000a",
                                      "https://i.io/\\u00e9"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(document(bad[i], "", &e), E_BAD);
    assert_int_equal(document("https://i.io/a", ",\"userinfo_endpoint\":\"http://x.io\"", &e),
                     E_BAD);
    assert_int_equal(provider_endpoints_read(&a, LIT("[]"), LIT("https://i.io"), &e, &err), E_BAD);
    /* what is not https may be where the issuer itself is */
    str json = LIT("{\"issuer\":\"http://127.0.0.1:1\",\"authorization_endpoint\":"
                   "\"http://127.0.0.1:1/a\",\"token_endpoint\":\"http://127.0.0.1:2/t\"}");
    err = (struct err){0};
    assert_int_equal(provider_endpoints_read(&a, json, LIT("http://127.0.0.1:1"), &e, &err), E_BAD);
}

static int tokens(const char *json)
{
    str access, id;
    struct err err = {0};
    return provider_tokens_read(&a, str_of(json), &access, &id, &err);
}

static void takes_tokens(void **state)
{
    (void)state;
    assert_int_equal(tokens("{\"access_token\":\"a\",\"token_type\":\"bearer\"}"), 0);
    assert_int_equal(
        tokens("{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"id_token\":\"b\"}"), 0);
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"access_token\":\"a\"}",
        "{\"access_token\":\"\",\"token_type\":\"Bearer\"}",
        "{\"access_token\":\"a\\n\",\"token_type\":\"Bearer\"}",
        "{\"access_token\":\"a\",\"token_type\":\"DPoP\"}",
        "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"id_token\":\"b c\"}",
        "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"error\":\"x\"}"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(tokens(bad[i]), E_SIGNIN);
    assert_true(str_is(provider_error(LIT("invalid_grant")), "invalid_grant"));
    assert_true(str_is(provider_error(LIT("a b")), "unknown"));
    assert_true(str_is(provider_error(LIT("")), "unknown"));
}

static int claims(const struct provider_config *c, const char *json)
{
    struct value v = parse(json);
    struct err err = {0};
    return provider_claims_check(c, &v, LIT("n"), &err);
}

static void checks_claims(void **state)
{
    const struct provider_config c = {.issuer = LIT("https://i.io"), .client_id = LIT("me")};
    (void)state;
    assert_int_equal(claims(&c, "{\"sub\":\"s\",\"nonce\":\"n\",\"iat\":1,\"aud\":\"me\"}"), 0);
    assert_int_equal(
        claims(&c,
               "{\"sub\":\"s\",\"nonce\":\"n\",\"iat\":1,\"aud\":[\"me\",\"x\"],\"azp\":\"me\"}"),
        0);
    static const char *const bad[] = {
        "{\"sub\":\"s\",\"iat\":1}",
        "{\"sub\":\"s\",\"nonce\":\"m\",\"iat\":1}",
        "{\"sub\":\"s\",\"nonce\":\"nn\",\"iat\":1}",
        "{\"sub\":\"s\",\"nonce\":[\"n\"],\"iat\":1}",
        "{\"sub\":\"s\",\"nonce\":\"n\"}",
        "{\"nonce\":\"n\",\"iat\":1}",
        "{\"sub\":\"a\\u0000\",\"nonce\":\"n\",\"iat\":1}",
        "{\"sub\":\"s\",\"nonce\":\"n\",\"iat\":1,\"azp\":\"x\"}",
        "{\"sub\":\"s\",\"nonce\":\"n\",\"iat\":1,\"azp\":7}",
        "{\"sub\":\"s\",\"nonce\":\"n\",\"iat\":1,\"aud\":[\"me\",\"x\"]}"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(claims(&c, bad[i]), E_SIGNIN);
}

#define TID "5e0a1b2c-0000-4000-8000-000000000001"

static void keeps_tenants_apart(void **state)
{
    const struct provider_config c = {
        .issuer = LIT("https://m.io/{tenantid}/v2.0"), .tenants = true, .client_id = LIT("me")};
    struct provider_person p;
    (void)state;
    assert_true(provider_iss_fits(&c, LIT("https://m.io/" TID "/v2.0"), LIT(TID)));
    assert_false(provider_iss_fits(&c, LIT("https://m.io/" TID "/v2.1"), LIT(TID)));
    assert_false(provider_iss_fits(&c, LIT("https://m.io/x/v2.0"), LIT(TID)));
    assert_false(provider_iss_fits(&c, LIT("https://m.io//v2.0"), LIT("")));
    assert_false(provider_iss_fits(&c, LIT(""), LIT(TID)));
    assert_int_equal(claims(&c, "{\"sub\":\"s\",\"nonce\":\"n\",\"iat\":1,\"tid\":\"" TID
                                "\",\"iss\":\"https://m.io/" TID "/v2.0\"}"),
                     0);
    assert_int_equal(claims(&c, "{\"sub\":\"s\",\"nonce\":\"n\",\"iat\":1,\"tid\":\"../x\","
                                "\"iss\":\"https://m.io/../x/v2.0\"}"),
                     E_SIGNIN);
    struct value v = parse("{\"sub\":\"s\",\"tid\":\"" TID "\"}");
    provider_take(&a, &c, &v, &p);
    assert_true(str_is(p.subject, TID "/s"));
}

static bool verified_by(const struct provider_config *c, const char *json)
{
    struct provider_person p;
    struct value v = parse(json);
    provider_take(&a, c, &v, &p);
    return p.verified;
}

static bool verified(bool trust, const char *json)
{
    const struct provider_config c = {.issuer = LIT("https://i.io"), .trust_email = trust};
    return verified_by(&c, json);
}

static void believes_little(void **state)
{
    (void)state;
    assert_true(verified(false, "{\"email\":\"a@b\",\"email_verified\":true}"));
    assert_true(verified(false, "{\"email\":\"a@b\",\"email_verified\":\"true\"}"));
    assert_true(verified(true, "{\"email\":\"a@b\"}"));
    assert_true(verified(true, "{\"email\":\"a@b\",\"email_verified\":null}"));
    assert_false(verified(true, "{\"email\":\"a@b\",\"email_verified\":false}"));
    assert_false(verified(false, "{\"email\":\"a@b\",\"xms_edov\":true}"));
    assert_false(verified(false, "{\"email\":\"a@b\"}"));
    assert_false(verified(false, "{\"email\":\"a@b\",\"email_verified\":\"false\"}"));
    assert_false(verified(false, "{\"email\":\"a@b\",\"email_verified\":[true]}"));
    assert_false(verified(false, "{\"email_verified\":true}"));
    assert_false(verified(true, "{\"email\":\"a\\nb@c\"}"));
    assert_false(verified(true, "{\"email\":\"\"}"));
}

static void believes_microsoft_less(void **state)
{
    const struct provider_config any = {.issuer = LIT("https://m.io/{tenantid}/v2.0"),
                                        .tenants = true,
                                        .edov = true,
                                        .trust_email = true};
    const struct provider_config own = {.issuer = LIT("https://m.io/x/v2.0"), .edov = true};
    const struct provider_config trusted = {
        .issuer = LIT("https://m.io/x/v2.0"), .edov = true, .trust_email = true};
    (void)state;
    assert_false(verified_by(&any, "{\"email\":\"a@b\",\"email_verified\":true}"));
    assert_true(verified_by(&any, "{\"email\":\"a@b\",\"xms_edov\":\"1\"}"));
    assert_false(verified_by(&own, "{\"email\":\"a@b\",\"email_verified\":true}"));
    assert_true(verified_by(&own, "{\"email\":\"a@b\",\"xms_edov\":1}"));
    assert_false(verified_by(&own, "{\"email\":\"a@b\",\"xms_edov\":1,\"email_verified\":false}"));
    assert_false(verified_by(&any, "{\"email\":\"a@b\"}"));
    assert_true(verified_by(&trusted, "{\"email\":\"a@b\"}"));
}

static void takes_github(void **state)
{
    struct provider_person p;
    struct err err = {0};
    (void)state;
    assert_int_equal(
        provider_take_user(&a, LIT("{\"id\":42,\"login\":\"e\",\"name\":null}"), &p, &err), 0);
    assert_true(str_is(p.subject, "42"));
    assert_int_equal(p.claims.count, 1);
    assert_int_equal(
        provider_take_emails(&a,
                             LIT("[1,{\"email\":\"x@y\",\"verified\":true},{\"email\":\"a@b\","
                                 "\"primary\":true,\"verified\":true}]"),
                             &p, &err),
        0);
    assert_true(str_is(p.email, "a@b") && p.verified);
    assert_int_equal(provider_take_user(&a, LIT("{\"id\":\"42\"}"), &p, &err), E_BAD);
    assert_int_equal(provider_take_emails(&a, LIT("{}"), &p, &err), E_BAD);
}

static void escapes(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 100);
    provider_put(&b, "a", LIT("b c&=\xC3\xA9~"));
    provider_put(&b, "d", LIT(""));
    assert_true(str_is(buf_view(&b), "a=b%20c%26%3D%C3%A9~&d="));
    buf_fini(&b);
}

static void takes_keys(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(
        provider_key_check(LIT("-----BEGIN PRIVATE KEY-----\n"
                               "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
                               "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
                               "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
                               "-----END PRIVATE KEY-----\n"),
                           LIT("k"), &err),
        0);
    static const char *const bad[] = {
        "", "x", "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        err = (struct err){0};
        assert_int_equal(provider_key_check(str_of(bad[i]), LIT("k"), &err), E_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_documents, start, stop),
        cmocka_unit_test_setup_teardown(takes_tokens, start, stop),
        cmocka_unit_test_setup_teardown(checks_claims, start, stop),
        cmocka_unit_test_setup_teardown(keeps_tenants_apart, start, stop),
        cmocka_unit_test_setup_teardown(believes_little, start, stop),
        cmocka_unit_test_setup_teardown(believes_microsoft_less, start, stop),
        cmocka_unit_test_setup_teardown(takes_github, start, stop),
        cmocka_unit_test_setup_teardown(escapes, start, stop),
        cmocka_unit_test_setup_teardown(takes_keys, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
