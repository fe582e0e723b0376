/* jwk_pem.c -- a private key as a PEM file has it ("BEGIN PRIVATE KEY", PKCS #8). SPDX: Apache-2.0
 */
#include "auth/jwk.h"

#include <sodium.h>
#include <stdio.h>

enum { DER_MOST = 4096, JSON_MOST = 4096 };

/* The base64 between the first line and the last one, without line ends. */
static bool body_of(struct arena *a, str pem, str *der)
{
    static const str begin = STR_INIT("-----BEGIN PRIVATE KEY-----"),
                     end = STR_INIT("-----END PRIVATE KEY-----");
    pem = str_strip(pem);
    if (pem.len > DER_MOST || !str_starts(pem, begin) || !str_ends(pem, end) ||
        pem.len < begin.len + end.len)
        return false;
    char *text = arena_new(a, pem.len);
    size_t len = 0;
    for (size_t i = begin.len; i < pem.len - end.len; i++) {
        if (pem.ptr[i] != '\n' && pem.ptr[i] != '\r')
            text[len++] = pem.ptr[i];
    }
    return base64_get(a, str_make(text, len), der);
}

/* Written as JSON and read again: so it is held to what every key is held to. */
static int take(struct arena *a, EVP_PKEY *pkey, str kid, struct jwk **out, struct err *err)
{
    struct jwk k = {.alg = JWT_ES256, .private = true, .pkey = pkey};
    struct buf b = {.ptr = arena_new(a, JSON_MOST), .cap = JSON_MOST, .limit = JSON_MOST};
    struct value v;
    struct err ignored = {0};
    snprintf(k.kid, sizeof k.kid, "%.*s", STR_ARG(kid));
    jwk_write(&b, &k, true);
    int code = json_parse(a, buf_view(&b), &json_limits_default, &v, &ignored);
    if (code == 0)
        code = jwk_read(&v, out, &ignored);
    sodium_memzero(b.ptr, b.len);
    return code < 0 ? fail(err, E_CONFIG, "it is no key of the curve P-256") : 0;
}

int jwk_pem(str pem, str kid, struct jwk **out, struct err *err)
{
    struct arena a;
    str der;
    TRY(lib_load(&lib_crypto, E_CONFIG, err));
    arena_init(&a, 1 << 16);
    EVP_PKEY *pkey = NULL;
    if (body_of(&a, pem, &der)) {
        const unsigned char *at = (const unsigned char *)der.ptr;
        pkey = crypto.d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    }
    int code = pkey ? take(&a, pkey, kid, out, err)
                    : fail(err, E_CONFIG, "it is no private key in PEM (BEGIN PRIVATE KEY)");
    crypto.EVP_PKEY_free(pkey);
    arena_reset(&a);
    return code;
}
