/* jwt.c -- tokens: the vectors of the RFCs, every algorithm both ways, and the known attacks.
 * SPDX: Apache-2.0 */
#include "auth/jwk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CLAIMS(more) "{\"iss\":\"me\",\"aud\":[\"a\",\"api\"],\"sub\":\"7\"" more "}"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct jwk *key_of(const char *json)
{
    struct value v;
    struct err err = {0};
    struct jwk *k = NULL;
    assert_int_equal(json_parse(&arena, str_of(json), &json_limits_default, &v, &err), 0);
    if (jwk_read(&v, &k, &err) < 0)
        fail_msg("%s: %s", json, err.text);
    return k;
}

static str sign(const struct jwk *k, const char *claims)
{
    str out;
    struct err err = {0};
    assert_int_equal(jwt_sign(&arena, k, LIT("at+jwt"), str_of(claims), &out, &err), 0);
    return out;
}

static int check(const struct jwk *k, str token, struct err *err)
{
    struct value claims;
    const struct jwk *keys[] = {k};
    struct jwt_rules rules = {.keys = keys,
                              .key_count = 1,
                              .typ = LIT("at+jwt"),
                              .issuer = LIT("me"),
                              .audience = LIT("api"),
                              .now = 1000,
                              .leeway = 5};
    *err = (struct err){0};
    return jwt_check(&arena, token, &rules, &claims, err);
}

static void refused(const struct jwk *k, str token, const char *words)
{
    struct err err;
    assert_int_equal(check(k, token, &err), E_SIGNIN);
    assert_true(str_is(err.word, "invalid_token"));
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

/* RFC 8037, appendix A. */
static void eddsa_vector(void **state)
{
    (void)state;
    struct jwk *k = key_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                           "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
                           "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
    str text = LIT("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"), want;
    unsigned char out[JWK_SIGNATURE_MOST];
    size_t len;
    assert_true(str_is(jwk_kid(k), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    assert_true(base64url_get(&arena,
                              LIT("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5"
                                  "BhVsPt9g7sVvpAr_MuM0KAg"),
                              &want));
    assert_int_equal(jwk__sign(k, text, out, &len), 0);
    assert_true(str_eq(str_make((char *)out, len), want));
    assert_true(jwk__verify(k, text, want));
    jwk_free(&k);
}

/* RFC 7515, appendix A.1: its times are in the past. */
static void hs256_vector(void **state)
{
    (void)state;
    struct value claims;
    struct err err = {0};
    struct jwk *k = key_of("{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
                           "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}");
    const struct jwk *keys[] = {k};
    struct jwt_rules rules = {
        .keys = keys, .key_count = 1, .issuer = LIT("joe"), .now = 1300819379};
    str token = LIT("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9p"
                    "c19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_int_equal(jwt_check(&arena, token, &rules, &claims, &err), 0);
    rules.now++;
    assert_int_equal(jwt_check(&arena, token, &rules, &claims, &err), E_SIGNIN);
    jwk_free(&k);
}

/* Made, written, read again as a private and as a public key; any changed byte is noticed. */
static void algorithm(enum jwt_alg alg)
{
    struct err err = {0};
    struct jwk *k, *again, *public = NULL;
    struct buf text;
    assert_int_equal(jwk_make(alg, &k, &err), 0);
    buf_init(&text, 1 << 16);
    jwk_write(&text, k, true);
    buf_char(&text, '\0');
    again = key_of(text.ptr);
    assert_true(jwk_private(again) && str_eq(jwk_kid(k), jwk_kid(again)));
    if (alg != JWT_HS256) {
        buf_clear(&text);
        jwk_write(&text, k, false);
        buf_char(&text, '\0');
        assert_null(strstr(text.ptr, "\"d\""));
        public = key_of(text.ptr);
        assert_false(jwk_private(public));
        str out;
        assert_int_equal(jwt_sign(&arena, public, LIT("x"), LIT("{}"), &out, &err), E_INTERNAL);
    }
    str token = sign(again, CLAIMS(",\"exp\":1001"));
    const struct jwk *checker = public ? public : k;
    assert_int_equal(check(checker, token, &err), 0);
    for (size_t i = 0; i < token.len; i += token.len / 50 + 1) {
        str bent = arena_str(&arena, token);
        ((char *)(uintptr_t)bent.ptr)[i] = token.ptr[i] == 'x' ? 'y' : 'x';
        assert_int_equal(check(checker, bent, &err), E_SIGNIN);
    }
    buf_fini(&text);
    jwk_free(&k);
    jwk_free(&again);
    jwk_free(&public);
}

static void algorithms_test(void **state)
{
    (void)state;
    for (int alg = 0; alg < JWT_ALGS; alg++)
        algorithm((enum jwt_alg)alg);
}

static void claims_test(void **state)
{
    (void)state;
    struct err err = {0};
    struct jwk *k;
    assert_int_equal(jwk_make(JWT_EDDSA, &k, &err), 0);
    assert_int_equal(check(k, sign(k, CLAIMS(",\"exp\":996,\"nbf\":1005")), &err), 0);
    refused(k, sign(k, CLAIMS(",\"exp\":995")), "expired");
    refused(k, sign(k, CLAIMS("")), "never expires");
    refused(k, sign(k, CLAIMS(",\"exp\":2000,\"nbf\":1006")), "not valid yet");
    refused(k, sign(k, CLAIMS(",\"exp\":2000,\"iat\":1006")), "not valid yet");
    refused(k, sign(k, CLAIMS(",\"exp\":2000.5")), "whole seconds");
    refused(k, sign(k, CLAIMS(",\"exp\":\"2000\"")), "whole seconds");
    refused(k, sign(k, CLAIMS(",\"exp\":2000,\"exp\":1")), "no JSON object");
    refused(k, sign(k, "{\"iss\":\"you\",\"aud\":\"api\",\"exp\":2000}"), "another issuer");
    refused(k, sign(k, "{\"iss\":\"me\",\"aud\":\"apo\",\"exp\":2000}"), "another audience");
    refused(k, sign(k, "{\"iss\":\"me\",\"exp\":2000}"), "another audience");
    refused(k, sign(k, "[1]"), "no JSON object");
    str out;
    assert_int_equal(jwt_sign(&arena, k, LIT("JWT"), LIT(CLAIMS(",\"exp\":2000")), &out, &err), 0);
    refused(k, out, "another kind");
    jwk_free(&k);
}

/* A token by hand: head and body as given, signed by k when it is not NULL. */
static str forge(const struct jwk *k, const char *head, const char *body)
{
    unsigned char bytes[JWK_SIGNATURE_MOST];
    size_t len = 0;
    struct buf b;
    buf_init(&b, 1 << 16);
    base64url_put(&b, str_of(head));
    buf_char(&b, '.');
    base64url_put(&b, str_of(body));
    if (k)
        jwk__sign(k, buf_view(&b), bytes, &len);
    buf_char(&b, '.');
    base64url_put(&b, str_make((char *)bytes, len));
    str out = arena_str(&arena, buf_view(&b));
    buf_fini(&b);
    return out;
}

static void attacks_test(void **state)
{
    (void)state;
    struct err err = {0};
    struct jwk *rsa, *mac;
    struct buf text;
    const char *body = CLAIMS(",\"exp\":2000");
    assert_int_equal(jwk_make(JWT_RS256, &rsa, &err), 0);
    refused(rsa, forge(NULL, "{\"alg\":\"none\",\"typ\":\"at+jwt\"}", body), "three parts");
    refused(rsa, LIT("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.AA"), "known key");
    /* The public key as the secret of a MAC. */
    buf_init(&text, 1 << 16);
    jwk_write(&text, rsa, false);
    assert_int_equal(jwk_secret(buf_view(&text), &mac, &err), 0);
    refused(rsa, forge(mac, "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", body), "known key");
    buf_clear(&text);
    buf_printf(&text, "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%.*s\"}",
               STR_ARG(jwk_kid(rsa)));
    buf_char(&text, '\0');
    refused(rsa, forge(mac, text.ptr, body), "known key");
    refused(mac, forge(mac, "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"crit\":[\"exp\"]}", body),
            "crit");
    refused(mac, forge(mac, "{\"alg\":\"HS256\",\"alg\":\"none\",\"typ\":\"at+jwt\"}", body),
            "no JSON object");
    refused(mac, forge(mac, "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"../x\"}", body),
            "known key");
    refused(mac, LIT(""), "three parts");
    refused(mac, LIT("a.b"), "three parts");
    refused(mac, LIT("a.b.c.d"), "base64url");
    str good = forge(mac, "{\"alg\":\"HS256\",\"typ\":\"application/at+jwt\"}", body);
    assert_int_equal(check(mac, good, &err), 0);
    refused(mac, arena_printf(&arena, "%.*s=", STR_ARG(good)), "base64url");
    refused(mac, arena_printf(&arena, "%.*s\n", STR_ARG(good)), "base64url");
    buf_fini(&text);
    jwk_free(&rsa);
    jwk_free(&mac);
}

static void unreadable(const char *json)
{
    struct value v;
    struct err err = {0};
    struct jwk *k = NULL;
    assert_int_equal(json_parse(&arena, str_of(json), &json_limits_default, &v, &err), 0);
    assert_int_equal(jwk_read(&v, &k, &err), E_CONFIG);
    assert_null(k);
}

static void keys_test(void **state)
{
    (void)state;
    struct err err = {0};
    struct jwk *k = NULL;
    assert_int_equal(jwk_secret(LIT("short"), &k, &err), E_CONFIG);
    unreadable("{}");
    unreadable("{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}");
    unreadable("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_"
               "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
    unreadable("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}");
    unreadable("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\",\"x\":\"11qYAYKxCrfVS_"
               "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
    unreadable("{\"kty\":\"OKP\",\"alg\":\"RS256\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
               "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
    unreadable("{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AQAB\"}"); /* far too small */
    /* A point that is not on the curve. */
    unreadable(
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eddsa_vector),    cmocka_unit_test(hs256_vector),
        cmocka_unit_test(algorithms_test), cmocka_unit_test(claims_test),
        cmocka_unit_test(attacks_test),    cmocka_unit_test(keys_test),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
