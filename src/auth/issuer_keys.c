/* issuer_keys.c -- what an issuer publishes: its keys, where they are, how long they are good.
 * Bytes of another server: a key that is odd is left out, a document that is odd is refused.
 * SPDX: Apache-2.0 */
#include "auth/issuer_keys.h"

#include "auth/jwk.h"
#include "base/mem.h"

static const struct json_limits document = {.depth = 16, .nodes = 20000};

static int object(struct arena *a, str json, struct value *out, struct err *err)
{
    struct err inner = {0};
    if (json_parse(a, json, &document, out, &inner) < 0 || out->kind != V_OBJECT)
        return fail(err, E_BAD, "the answer is no JSON object");
    return 0;
}

/* ---- keys ---- */

void issuer_keys_free(struct issuer_keys **k)
{
    if (!*k)
        return;
    for (size_t i = 0; i < (*k)->count; i++)
        jwk_free(&(*k)->list[i]);
    mem_free(*k);
    *k = NULL;
}

/* Shared secrets and private keys have no place in a public list: whoever reads it could sign. */
static bool is_public(const struct value *json)
{
    const struct value *kty = value_get(json, LIT("kty"));
    return json->kind == V_OBJECT && kty && kty->kind == V_TEXT && !str_is(kty->text, "oct") &&
           !value_get(json, LIT("d"));
}

static void take(struct issuer_keys *k, const struct value *json, unsigned algs)
{
    struct jwk *key;
    struct err ignored = {0};
    if (k->count == ISSUER_KEYS_MOST || !is_public(json) || jwk_read(json, &key, &ignored) < 0)
        return;
    if (algs >> jwk_alg(key) & 1)
        k->list[k->count++] = key;
    else
        jwk_free(&key);
}

static int read_list(struct arena *a, str json, unsigned algs, struct issuer_keys *k,
                     struct err *err)
{
    struct value v;
    TRY(object(a, json, &v, err));
    const struct value *list = value_get(&v, LIT("keys"));
    if (!list || list->kind != V_ARRAY)
        return fail(err, E_BAD, "the answer is no JWK set");
    for (size_t i = 0; i < list->count; i++)
        take(k, &list->items[i], algs);
    return k->count ? 0 : fail(err, E_BAD, "none of the keys can check a token");
}

int issuer_keys_read(str json, unsigned algs, struct issuer_keys **out, struct err *err)
{
    struct issuer_keys *k = mem_zero(1, sizeof *k);
    struct arena a;
    arena_init(&a, 16 * ISSUER_ANSWER_MOST);
    int code = json.len > ISSUER_ANSWER_MOST ? fail(err, E_BAD, "the answer is too long")
                                             : read_list(&a, json, algs, k, err);
    arena_reset(&a);
    k->refs = 1;
    if (code < 0)
        issuer_keys_free(&k);
    *out = k;
    return code;
}

/* ---- where they are ---- */

int issuer_jwks_uri(struct arena *a, str json, str issuer, str *out, struct err *err)
{
    struct value v;
    TRY(object(a, json, &v, err));
    const struct value *iss = value_get(&v, LIT("issuer")), *uri = value_get(&v, LIT("jwks_uri"));
    if (!iss || iss->kind != V_TEXT || !str_eq(iss->text, issuer))
        return fail(err, E_BAD, "the document is of another issuer");
    if (!uri || uri->kind != V_TEXT || !uri->text.len || uri->text.len > ISSUER_URL_MOST)
        return fail(err, E_BAD, "the document has no jwks_uri");
    *out = uri->text;
    return 0;
}

static str origin(str url)
{
    size_t at = str_find(url, ':');
    if (at == STR_NONE || !str_starts(str_from(url, at), LIT("://")))
        return (str){0};
    for (at += 3; at < url.len && url.ptr[at] != '/' && url.ptr[at] != '?' && url.ptr[at] != '#';)
        at++;
    return str_upto(url, at);
}

bool issuer_same_origin(str url, str other)
{
    str a = origin(url), b = origin(other);
    /* '@' and '\\' are read in more than one way: then nothing is the same */
    return a.len && str_eqi(a, b) && str_find(a, '@') == STR_NONE && str_find(a, '\\') == STR_NONE;
}

/* ---- how long they are good ---- */

int64_t issuer_max_age(str cache_control)
{
    int64_t age = -1;
    for (str rest = cache_control; rest.ptr;) {
        str part = str_trim(str_cut(&rest, ','));
        str name = str_trim(str_cut(&part, '='));
        uint64_t n;
        if (str_eqi(name, LIT("no-store")) || str_eqi(name, LIT("no-cache")))
            return 0;
        if (part.ptr && str_eqi(name, LIT("max-age")) && str_to_u64(str_trim(part), &n))
            age = n > INT32_MAX ? INT32_MAX : (int64_t)n;
    }
    return age;
}
