/* jwk.c -- signing keys and their JSON form (RFC 7517, 7518, 8037); OpenSSL does the arithmetic.
 * SPDX: Apache-2.0 */
#include "auth/jwk.h"

#include "base/mem.h"

#include <sodium.h>

enum { BYTES_MOST = 1024, COORDINATE = 32, KEY_BYTES = 16384 };

static const char *const names[JWT_ALGS] = {
    [JWT_EDDSA] = "EdDSA", [JWT_ES256] = "ES256", [JWT_RS256] = "RS256", [JWT_HS256] = "HS256"};

/* Members of an RSA key, and what OpenSSL calls them. */
static const struct {
    const char *member, *param;
} rsa_members[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};
enum { RSA_PUBLIC = 2 };

const char *jwt_alg_name(enum jwt_alg alg)
{
    return names[alg];
}

bool jwt_alg_find(str name, enum jwt_alg *out)
{
    for (size_t i = 0; i < JWT_ALGS; i++) {
        if (str_is(name, names[i])) {
            *out = (enum jwt_alg)i;
            return true;
        }
    }
    return false;
}

static struct jwk *blank(enum jwt_alg alg, bool private)
{
    struct jwk *k = mem_zero(1, sizeof *k);
    k->alg = alg;
    k->private = private;
    buf_init(&k->secret, KEY_BYTES);
    return k;
}

void jwk_free(struct jwk **k)
{
    if (!*k)
        return;
    if ((*k)->pkey)
        crypto.EVP_PKEY_free((*k)->pkey);
    if ((*k)->secret.len)
        sodium_memzero((*k)->secret.ptr, (*k)->secret.len);
    buf_fini(&(*k)->secret);
    mem_free(*k);
    *k = NULL;
}

str jwk_kid(const struct jwk *k)
{
    return str_of(k->kid);
}

enum jwt_alg jwk_alg(const struct jwk *k)
{
    return k->alg;
}

bool jwk_private(const struct jwk *k)
{
    return k->private;
}

/* ---- to JSON ---- */

static void put_member(struct buf *b, const char *name, str bytes)
{
    buf_printf(b, "\"%s\":\"", name);
    base64url_put(b, bytes);
    buf_lit(b, "\"");
}

static bool put_number(struct buf *b, const struct jwk *k, const char *member, const char *param,
                       size_t width)
{
    unsigned char bytes[BYTES_MOST];
    BIGNUM *n = NULL;
    if (!crypto.EVP_PKEY_get_bn_param(k->pkey, param, &n))
        return false;
    size_t len = (size_t)(crypto.BN_num_bits(n) + 7) / 8;
    width = width ? width : len;
    bool fits = width <= sizeof bytes && crypto.BN_bn2binpad(n, bytes, (int)width) >= 0;
    crypto.BN_clear_free(n);
    if (fits) {
        put_member(b, member, str_make((char *)bytes, width));
        sodium_memzero(bytes, sizeof bytes);
    }
    return fits;
}

static void put_okp(struct buf *b, const struct jwk *k, bool private)
{
    unsigned char bytes[COORDINATE];
    size_t len = sizeof bytes;
    buf_lit(b, "\"crv\":\"Ed25519\",\"kty\":\"OKP\",");
    crypto.EVP_PKEY_get_raw_public_key(k->pkey, bytes, &len);
    put_member(b, "x", str_make((char *)bytes, len));
    if (!private)
        return;
    buf_lit(b, ",");
    crypto.EVP_PKEY_get_raw_private_key(k->pkey, bytes, &len);
    put_member(b, "d", str_make((char *)bytes, len));
    sodium_memzero(bytes, sizeof bytes);
}

static void put_ec(struct buf *b, const struct jwk *k, bool private)
{
    buf_lit(b, "\"crv\":\"P-256\",\"kty\":\"EC\",");
    put_number(b, k, "x", OSSL_PKEY_PARAM_EC_PUB_X, COORDINATE);
    buf_lit(b, ",");
    put_number(b, k, "y", OSSL_PKEY_PARAM_EC_PUB_Y, COORDINATE);
    if (private) {
        buf_lit(b, ",");
        put_number(b, k, "d", OSSL_PKEY_PARAM_PRIV_KEY, COORDINATE);
    }
}

static void put_rsa(struct buf *b, const struct jwk *k, bool private)
{
    put_number(b, k, "e", OSSL_PKEY_PARAM_RSA_E, 0);
    buf_lit(b, ",\"kty\":\"RSA\",");
    put_number(b, k, "n", OSSL_PKEY_PARAM_RSA_N, 0);
    for (size_t i = RSA_PUBLIC; private && i < COUNT_OF(rsa_members); i++) {
        buf_lit(b, ",");
        put_number(b, k, rsa_members[i].member, rsa_members[i].param, 0);
    }
}

/* The members that make the key, those of its thumbprint (RFC 7638) in its order. */
static void put_material(struct buf *b, const struct jwk *k, bool private)
{
    if (k->alg == JWT_EDDSA)
        put_okp(b, k, private);
    else if (k->alg == JWT_ES256)
        put_ec(b, k, private);
    else if (k->alg == JWT_RS256)
        put_rsa(b, k, private);
    else
        put_member(b, "k", buf_view(&k->secret));
    if (k->alg == JWT_HS256)
        buf_lit(b, ",\"kty\":\"oct\"");
}

void jwk_write(struct buf *b, const struct jwk *k, bool private)
{
    BUG_ON(k->alg == JWT_HS256 && !private);
    buf_lit(b, "{");
    put_material(b, k, private);
    buf_printf(b, ",\"kid\":");
    json_text(b, jwk_kid(k));
    buf_printf(b, ",\"alg\":\"%s\",\"use\":\"sig\"}", names[k->alg]);
}

static void name_it(struct jwk *k)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    struct buf b, name;
    buf_init(&b, KEY_BYTES);
    buf_init(&name, KEY_BYTES);
    buf_lit(&b, "{");
    put_material(&b, k, false);
    buf_lit(&b, "}");
    crypto_hash_sha256(hash, (unsigned char *)b.ptr, b.len);
    base64url_put(&name, str_make((char *)hash, sizeof hash));
    snprintf(k->kid, sizeof k->kid, "%.*s", STR_ARG(buf_view(&name)));
    sodium_memzero(b.ptr, b.len);
    buf_fini(&b);
    buf_fini(&name);
}

/* ---- making ---- */

static EVP_PKEY *generate(enum jwt_alg alg)
{
    if (alg == JWT_EDDSA)
        return crypto.EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (alg == JWT_ES256)
        return crypto.EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    return crypto.EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)JWK_RSA_LEAST);
}

int jwk_make(enum jwt_alg alg, struct jwk **out, struct err *err)
{
    char secret[JWK_SECRET_LEAST];
    if (alg == JWT_HS256) {
        randombytes_buf(secret, sizeof secret);
        int code = jwk_secret(str_make(secret, sizeof secret), out, err);
        sodium_memzero(secret, sizeof secret);
        return code;
    }
    TRY(lib_load(&lib_crypto, E_CONFIG, err));
    struct jwk *k = blank(alg, true);
    k->pkey = generate(alg);
    if (!k->pkey) {
        jwk_free(&k);
        return fail(err, E_INTERNAL, "no %s key could be made", names[alg]);
    }
    name_it(k);
    *out = k;
    return 0;
}

int jwk_secret(str secret, struct jwk **out, struct err *err)
{
    if (secret.len < JWK_SECRET_LEAST)
        return fail(err, E_CONFIG, "a secret of %zu bytes is too short for HS256: %d at least",
                    secret.len, JWK_SECRET_LEAST);
    struct jwk *k = blank(JWT_HS256, true);
    buf_add(&k->secret, secret.ptr, secret.len);
    name_it(k);
    *out = k;
    return 0;
}

/* ---- from JSON ---- */

static str text_member(const struct value *json, const char *name)
{
    const struct value *v = value_get(json, str_of(name));
    return v && v->kind == V_TEXT ? v->text : (str){0};
}

static bool bytes_member(struct arena *a, const struct value *json, const char *name, str *out)
{
    str text = text_member(json, name);
    return text.ptr && text.len && base64url_get(a, text, out);
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build, bool private)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = crypto.EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = crypto.OSSL_PARAM_BLD_to_param(build);
    if (ctx && params && crypto.EVP_PKEY_fromdata_init(ctx) > 0)
        crypto.EVP_PKEY_fromdata(ctx, &key, private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                                 params);
    crypto.OSSL_PARAM_free(params);
    crypto.EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_CTX *check = key ? crypto.EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool good =
        check && (private ? crypto.EVP_PKEY_check(check) : crypto.EVP_PKEY_public_check(check)) > 0;
    crypto.EVP_PKEY_CTX_free(check);
    if (!good) {
        crypto.EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

static EVP_PKEY *read_okp(struct arena *a, const struct value *json, bool private)
{
    str x, d;
    if (!str_is(text_member(json, "crv"), "Ed25519") || !bytes_member(a, json, "x", &x) ||
        x.len != COORDINATE)
        return NULL;
    if (!private)
        return crypto.EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                                  (const unsigned char *)x.ptr, x.len);
    if (!bytes_member(a, json, "d", &d) || d.len != COORDINATE)
        return NULL;
    return crypto.EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)d.ptr,
                                               d.len);
}

static EVP_PKEY *read_ec(struct arena *a, const struct value *json, bool private)
{
    unsigned char point[1 + 2 * COORDINATE] = {4}; /* uncompressed */
    str x, y, d = {0};
    EVP_PKEY *key = NULL;
    if (!str_is(text_member(json, "crv"), "P-256") || !bytes_member(a, json, "x", &x) ||
        !bytes_member(a, json, "y", &y) || x.len != COORDINATE || y.len != COORDINATE ||
        (private && (!bytes_member(a, json, "d", &d) || d.len != COORDINATE)))
        return NULL;
    memcpy(point + 1, x.ptr, COORDINATE);
    memcpy(point + 1 + COORDINATE, y.ptr, COORDINATE);
    OSSL_PARAM_BLD *build = crypto.OSSL_PARAM_BLD_new();
    BIGNUM *secret =
        private ? crypto.BN_bin2bn((const unsigned char *)d.ptr, (int)d.len, NULL) : NULL;
    if (crypto.OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
        crypto.OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                                sizeof point) &&
        (!private || crypto.OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret)))
        key = from_params("EC", build, private);
    crypto.OSSL_PARAM_BLD_free(build);
    crypto.BN_clear_free(secret);
    return key;
}

static EVP_PKEY *read_rsa(struct arena *a, const struct value *json, bool private)
{
    BIGNUM *numbers[COUNT_OF(rsa_members)] = {0};
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *build = crypto.OSSL_PARAM_BLD_new();
    bool good = build != NULL;
    for (size_t i = 0; good && i < (private ? COUNT_OF(rsa_members) : RSA_PUBLIC); i++) {
        str bytes;
        good = bytes_member(a, json, rsa_members[i].member, &bytes) && bytes.len <= BYTES_MOST;
        if (good)
            numbers[i] = crypto.BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
        good = good && crypto.OSSL_PARAM_BLD_push_BN(build, rsa_members[i].param, numbers[i]);
    }
    if (good && crypto.BN_num_bits(numbers[0]) >= JWK_RSA_LEAST)
        key = from_params("RSA", build, private);
    crypto.OSSL_PARAM_BLD_free(build);
    for (size_t i = 0; i < COUNT_OF(rsa_members); i++)
        crypto.BN_clear_free(numbers[i]);
    return key;
}

static bool find_alg(const struct value *json, enum jwt_alg *out)
{
    static const struct {
        const char *kty;
        enum jwt_alg alg;
    } types[] = {{"OKP", JWT_EDDSA}, {"EC", JWT_ES256}, {"RSA", JWT_RS256}, {"oct", JWT_HS256}};
    str kty = text_member(json, "kty"), alg = text_member(json, "alg"),
        use = text_member(json, "use");
    if (use.ptr && !str_is(use, "sig"))
        return false;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_is(kty, types[i].kty)) {
            *out = types[i].alg;
            return !alg.ptr || str_is(alg, names[types[i].alg]) ||
                   (*out == JWT_EDDSA && str_is(alg, "Ed25519"));
        }
    }
    return false;
}

static struct jwk *read_key(struct arena *a, const struct value *json, enum jwt_alg alg)
{
    str secret;
    struct jwk *k = blank(alg, alg == JWT_HS256 || value_get(json, LIT("d")) != NULL);
    if (alg == JWT_EDDSA)
        k->pkey = read_okp(a, json, k->private);
    else if (alg == JWT_ES256)
        k->pkey = read_ec(a, json, k->private);
    else if (alg == JWT_RS256)
        k->pkey = read_rsa(a, json, k->private);
    else if (bytes_member(a, json, "k", &secret) && secret.len >= JWK_SECRET_LEAST)
        buf_add(&k->secret, secret.ptr, secret.len);
    if (!k->pkey && !k->secret.len)
        jwk_free(&k);
    return k;
}

int jwk_read(const struct value *json, struct jwk **out, struct err *err)
{
    enum jwt_alg alg;
    struct arena a;
    str kid = text_member(json, "kid");
    if (!find_alg(json, &alg))
        return fail(err, E_CONFIG, "not a key that signs with EdDSA, ES256, RS256 or HS256");
    if (kid.len > JWK_KID_MOST)
        return fail(err, E_CONFIG, "the kid of a key has %d bytes at most", JWK_KID_MOST);
    if (alg != JWT_HS256)
        TRY(lib_load(&lib_crypto, E_CONFIG, err));
    arena_init(&a, 1 << 16);
    struct jwk *k = read_key(&a, json, alg);
    arena_reset(&a);
    if (!k)
        return fail(err, E_CONFIG, "the %s key is damaged or too weak", names[alg]);
    if (kid.len)
        snprintf(k->kid, sizeof k->kid, "%.*s", STR_ARG(kid));
    else
        name_it(k);
    *out = k;
    return 0;
}

/* ---- signatures ---- */

/* ES256 signs with two numbers of fixed width side by side (RFC 7518, 3.4); OpenSSL speaks DER. */
static bool ec_flat(unsigned char *der, size_t len, unsigned char *out)
{
    const unsigned char *at = der;
    ECDSA_SIG *sig = crypto.d2i_ECDSA_SIG(NULL, &at, (long)len);
    bool good =
        sig && crypto.BN_bn2binpad(crypto.ECDSA_SIG_get0_r(sig), out, COORDINATE) >= 0 &&
        crypto.BN_bn2binpad(crypto.ECDSA_SIG_get0_s(sig), out + COORDINATE, COORDINATE) >= 0;
    crypto.ECDSA_SIG_free(sig);
    return good;
}

static size_t ec_der(str flat, unsigned char out[JWK_SIGNATURE_MOST])
{
    const unsigned char *raw = (const unsigned char *)flat.ptr;
    if (flat.len != (size_t)2 * COORDINATE)
        return 0;
    ECDSA_SIG *sig = crypto.ECDSA_SIG_new();
    BIGNUM *r = crypto.BN_bin2bn(raw, COORDINATE, NULL),
           *s = crypto.BN_bin2bn(raw + COORDINATE, COORDINATE, NULL);
    if (!sig || !r || !s || !crypto.ECDSA_SIG_set0(sig, r, s)) {
        crypto.BN_free(r);
        crypto.BN_free(s);
        crypto.ECDSA_SIG_free(sig);
        return 0;
    }
    int len = crypto.i2d_ECDSA_SIG(sig, &out);
    crypto.ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

static const EVP_MD *digest(const struct jwk *k)
{
    return k->alg == JWT_EDDSA ? NULL : crypto.EVP_sha256();
}

int jwk__sign(const struct jwk *k, str text, unsigned char out[JWK_SIGNATURE_MOST], size_t *len)
{
    const unsigned char *in = (const unsigned char *)text.ptr;
    if (k->alg == JWT_HS256) {
        crypto_auth_hmacsha256_state state;
        crypto_auth_hmacsha256_init(&state, (unsigned char *)k->secret.ptr, k->secret.len);
        crypto_auth_hmacsha256_update(&state, in, text.len);
        crypto_auth_hmacsha256_final(&state, out);
        *len = crypto_auth_hmacsha256_BYTES;
        return 0;
    }
    EVP_MD_CTX *ctx = crypto.EVP_MD_CTX_new();
    *len = JWK_SIGNATURE_MOST;
    bool good = ctx && crypto.EVP_DigestSignInit(ctx, NULL, digest(k), NULL, k->pkey) > 0 &&
                crypto.EVP_DigestSign(ctx, out, len, in, text.len) > 0;
    crypto.EVP_MD_CTX_free(ctx);
    if (good && k->alg == JWT_ES256) {
        unsigned char der[JWK_SIGNATURE_MOST];
        memcpy(der, out, *len);
        good = ec_flat(der, *len, out);
        *len = 2 * COORDINATE;
    }
    return good ? 0 : -1;
}

bool jwk__verify(const struct jwk *k, str text, str signature)
{
    unsigned char bytes[JWK_SIGNATURE_MOST];
    size_t len = 0;
    if (k->alg == JWT_HS256) {
        jwk__sign(k, text, bytes, &len);
        return signature.len == len && sodium_memcmp(bytes, signature.ptr, len) == 0;
    }
    const unsigned char *sig = (const unsigned char *)signature.ptr;
    len = signature.len;
    if (k->alg == JWT_ES256) {
        len = ec_der(signature, bytes);
        sig = bytes;
    }
    EVP_MD_CTX *ctx = crypto.EVP_MD_CTX_new();
    bool good =
        len && ctx && crypto.EVP_DigestVerifyInit(ctx, NULL, digest(k), NULL, k->pkey) > 0 &&
        crypto.EVP_DigestVerify(ctx, sig, len, (const unsigned char *)text.ptr, text.len) == 1;
    crypto.EVP_MD_CTX_free(ctx);
    return good;
}
