/* webauthn.c -- passkeys: registration and sign-in (Web Authentication level 2, 7.1 and 7.2).
 * Attestation says which make an authenticator is of; nobody here asks for it, so it is not looked
 * at. Keys are ES256, EdDSA and RS256; the algorithm is the key's own. SPDX: Apache-2.0 */
#include "auth/webauthn.h"

#include "auth/jwk.h"
#include "data/data.h"

#include <sodium.h>

enum { HASH = 32, FLAGS_AT = 32, COUNTER_AT = 33, HEAD = 37, AAGUID = 16, DEPTH = 8, NODES = 100 };
enum { USER_PRESENT = 1, USER_VERIFIED = 4, HAS_KEY = 0x40 };
enum {
    COSE_KTY = 1,
    COSE_ALG = 3,
    COSE_CRV = -1,
    COSE_X = -2,
    COSE_Y = -3,
    COSE_N = -1,
    COSE_E = -2
};

static int bad(struct err *err, const char *why)
{
    return fail_field(err, E_INVALID, LIT("bad_passkey"), LIT("credential"),
                      "the passkey is refused: %s", why);
}

/* ---- what the browser says (5.8.1) ---- */

static bool is_text(const struct value *json, const char *name, str want)
{
    const struct value *v = value_get(json, str_of(name));
    return v && v->kind == V_TEXT && str_eq(v->text, want);
}

static int check_client(struct arena *a, const struct webauthn_wish *w, str client_data,
                        const char *type, struct err *err)
{
    static const struct json_limits few = {.depth = DEPTH, .nodes = NODES};
    struct value v;
    struct err ignored = {0};
    bool known = false;
    if (json_parse(a, client_data, &few, &v, &ignored) < 0 || v.kind != V_OBJECT)
        return bad(err, "clientDataJSON is no JSON object");
    if (!is_text(&v, "type", str_of(type)))
        return bad(err, "it is for something else");
    if (!is_text(&v, "challenge", w->challenge))
        return bad(err, "it answers another challenge");
    for (size_t i = 0; i < w->origin_count; i++)
        known |= is_text(&v, "origin", w->origins[i]);
    const struct value *cross = value_get(&v, LIT("crossOrigin"));
    if (!known || (cross && cross->kind == V_BOOL && cross->truth))
        return bad(err, "it was made on a page of another origin");
    return 0;
}

/* ---- what the authenticator says (6.1) ---- */

static int check_data(const struct webauthn_wish *w, str data, uint32_t *counter, struct err *err)
{
    unsigned char hash[HASH];
    if (data.len < HEAD)
        return bad(err, "the authenticator's data are too short");
    crypto_hash_sha256(hash, (const unsigned char *)w->rp_id.ptr, w->rp_id.len);
    if (memcmp(hash, data.ptr, HASH) != 0)
        return bad(err, "it is for another site");
    if ((data.ptr[FLAGS_AT] & (USER_PRESENT | USER_VERIFIED)) != (USER_PRESENT | USER_VERIFIED))
        return bad(err, "the authenticator did not verify its user");
    *counter = 0;
    for (int i = 0; i < 4; i++)
        *counter = *counter << 8 | (unsigned char)data.ptr[COUNTER_AT + i];
    return 0;
}

/* ---- keys (RFC 9052, 9053) ---- */

struct cose {
    int64_t kty, alg, crv;
    str n, e, x, y; /* crv and n, x and e share a label */
};

static bool read_cose(str text, struct cose *out)
{
    struct cbor map, label, c;
    *out = (struct cose){0};
    if (!cbor_next(&text, &map) || map.kind != CBOR_MAP || map.count > 16)
        return false;
    for (size_t i = 0; i < map.count; i++) {
        str at;
        if (!cbor_next(&text, &label) || label.kind != CBOR_INT)
            return false;
        at = text;
        if (!cbor_skip(&text) || !cbor_next(&at, &c))
            return false;
        if (label.i == COSE_KTY && c.kind == CBOR_INT)
            out->kty = c.i;
        else if (label.i == COSE_ALG && c.kind == CBOR_INT)
            out->alg = c.i;
        else if (label.i == COSE_CRV && c.kind == CBOR_INT)
            out->crv = c.i;
        else if (label.i == COSE_N && c.kind == CBOR_BYTES)
            out->n = c.bytes;
        else if (label.i == COSE_X && c.kind == CBOR_BYTES)
            out->x = out->e = c.bytes;
        else if (label.i == COSE_Y && c.kind == CBOR_BYTES)
            out->y = c.bytes;
    }
    return text.len == 0;
}

static str coded(struct arena *a, str bytes)
{
    size_t room = bytes.len * 2 + 4;
    struct buf b = {.ptr = arena_new(a, room), .cap = room, .limit = room};
    base64url_put(&b, bytes);
    return buf_view(&b);
}

/* As a JWK, which jwk_read checks: the point is on the curve, the modulus is long enough. */
static int key_of(struct arena *a, str text, struct jwk **out, struct err *err)
{
    struct cose k;
    struct value json;
    struct err ignored = {0};
    str made = {0};
    *out = NULL;
    if (text.len > WEBAUTHN_KEY_MOST || !read_cose(text, &k))
        return bad(err, "its key cannot be read");
    if (k.kty == 2 && k.alg == -7 && k.crv == 1)
        made = arena_printf(a, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
                            STR_ARG(coded(a, k.x)), STR_ARG(coded(a, k.y)));
    else if (k.kty == 1 && k.alg == -8 && k.crv == 6)
        made = arena_printf(a, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%.*s\"}",
                            STR_ARG(coded(a, k.x)));
    else if (k.kty == 3 && k.alg == -257)
        made = arena_printf(a, "{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%.*s\"}",
                            STR_ARG(coded(a, k.n)), STR_ARG(coded(a, k.e)));
    if (!made.len || json_parse(a, made, &json_limits_default, &json, &ignored) < 0 ||
        jwk_read(&json, out, &ignored) < 0)
        return bad(err, "its key is none of ES256, EdDSA and RS256");
    return 0;
}

/* ---- registration ---- */

/* The member of the attestation object's map. */
static bool auth_data_of(str object, str *out)
{
    struct cbor map, name, c;
    *out = (str){0};
    if (!cbor_next(&object, &map) || map.kind != CBOR_MAP)
        return false;
    for (size_t i = 0; i < map.count; i++) {
        str at;
        if (!cbor_next(&object, &name) || name.kind != CBOR_TEXT)
            return false;
        at = object;
        if (!cbor_skip(&object))
            return false;
        if (str_is(name.bytes, "authData") && cbor_next(&at, &c) && c.kind == CBOR_BYTES)
            *out = c.bytes;
    }
    return out->len > 0 && object.len == 0;
}

int webauthn_register(struct arena *a, const struct webauthn_wish *w, str client_data,
                      str attestation, struct webauthn_made *out, struct err *err)
{
    str data, rest;
    struct jwk *key;
    TRY(check_client(a, w, client_data, "webauthn.create", err));
    if (!auth_data_of(attestation, &data))
        return bad(err, "attestationObject cannot be read");
    TRY(check_data(w, data, &out->counter, err));
    if (!(data.ptr[FLAGS_AT] & HAS_KEY) || data.len < HEAD + AAGUID + 2)
        return bad(err, "it holds no key");
    rest = str_from(data, HEAD + AAGUID);
    size_t len = (size_t)(unsigned char)rest.ptr[0] << 8 | (unsigned char)rest.ptr[1];
    rest = str_from(rest, 2);
    if (!len || len > WEBAUTHN_ID_MOST || len > rest.len)
        return bad(err, "its id is too long");
    out->id = str_upto(rest, len);
    rest = str_from(rest, len);
    out->key = rest;
    if (!cbor_skip(&rest))
        return bad(err, "its key cannot be read");
    out->key.len -= rest.len; /* extensions may follow */
    TRY(key_of(a, out->key, &key, err));
    jwk_free(&key);
    return 0;
}

/* ---- sign-in ---- */

/* ES256 is a DER sequence here, and two numbers side by side in JOSE. */
static bool two_numbers(str der, unsigned char out[2 * HASH])
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    ECDSA_SIG *sig = crypto.d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    bool good = sig && at == (const unsigned char *)der.ptr + der.len &&
                crypto.BN_bn2binpad(crypto.ECDSA_SIG_get0_r(sig), out, HASH) >= 0 &&
                crypto.BN_bn2binpad(crypto.ECDSA_SIG_get0_s(sig), out + HASH, HASH) >= 0;
    crypto.ECDSA_SIG_free(sig);
    return good;
}

static bool verify(const struct jwk *key, str text, str signature)
{
    unsigned char numbers[2 * HASH];
    if (jwk_alg(key) != JWT_ES256)
        return jwk__verify(key, text, signature);
    return two_numbers(signature, numbers) &&
           jwk__verify(key, text, str_make((const char *)numbers, sizeof numbers));
}

int webauthn_check(struct arena *a, const struct webauthn_wish *w, str cose, str client_data,
                   str auth_data, str signature, uint32_t *counter, struct err *err)
{
    struct jwk *key;
    TRY(check_client(a, w, client_data, "webauthn.get", err));
    TRY(check_data(w, auth_data, counter, err));
    TRY(key_of(a, cose, &key, err));
    char *text = arena_new(a, auth_data.len + HASH);
    memcpy(text, auth_data.ptr, auth_data.len);
    crypto_hash_sha256((unsigned char *)text + auth_data.len,
                       (const unsigned char *)client_data.ptr, client_data.len);
    bool good = verify(key, str_make(text, auth_data.len + HASH), signature);
    jwk_free(&key);
    return good ? 0 : bad(err, "the signature is wrong");
}
