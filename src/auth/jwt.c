/* jwt.c -- compact signed tokens. What a header says is checked against the key, never followed:
 * jku, jwk and x5u are not read, crit is refused, and the algorithm is the key's (RFC 8725).
 * SPDX: Apache-2.0 */
#include "auth/jwk.h"

#define refuse(err, ...) fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""), __VA_ARGS__)

/* ---- making ---- */

int jwt_sign(struct arena *a, const struct jwk *k, str typ, str claims, str *out, struct err *err)
{
    unsigned char signature[JWK_SIGNATURE_MOST];
    size_t len = 0;
    struct buf head, token;
    buf_init(&head, JWT_LENGTH_MOST);
    buf_init(&token, JWT_LENGTH_MOST);
    buf_printf(&head, "{\"alg\":\"%s\",\"typ\":", jwt_alg_name(k->alg));
    json_text(&head, typ);
    buf_lit(&head, ",\"kid\":");
    json_text(&head, jwk_kid(k));
    buf_lit(&head, "}");
    base64url_put(&token, buf_view(&head));
    buf_lit(&token, ".");
    base64url_put(&token, claims);
    int code = k->private && !token.full ? jwk__sign(k, buf_view(&token), signature, &len) : -1;
    buf_lit(&token, ".");
    base64url_put(&token, str_make((char *)signature, len));
    *out = arena_str(a, buf_view(&token));
    buf_fini(&head);
    buf_fini(&token);
    return code < 0 ? fail(err, E_INTERNAL, "the key '%s' cannot sign", k->kid) : 0;
}

/* ---- checking ---- */

struct parts {
    str signed_text; /* header and claims, as they were signed */
    str head, claims, signature;
};

static int decode(struct arena *a, str text, str *out, struct err *err)
{
    if (!text.len || !base64url_get(a, text, out))
        return refuse(err, "the token is no base64url text in three parts");
    return 0;
}

static int cut(struct arena *a, str token, struct parts *out, struct err *err)
{
    size_t last = str_rfind(token, '.'), first = str_find(token, '.');
    if (token.len > JWT_LENGTH_MOST)
        return refuse(err, "the token is longer than %d bytes", JWT_LENGTH_MOST);
    if (first == STR_NONE || first == last)
        return refuse(err, "the token has no three parts");
    out->signed_text = str_upto(token, last);
    TRY(decode(a, str_upto(token, first), &out->head, err));
    TRY(decode(a, (str){token.ptr + first + 1, last - first - 1}, &out->claims, err));
    return decode(a, str_from(token, last + 1), &out->signature, err);
}

static int object(struct arena *a, str text, const char *what, struct value *out, struct err *err)
{
    static const struct json_limits few = {.depth = 16, .nodes = 2000};
    struct err inner = {0};
    if (json_parse(a, text, &few, out, &inner) < 0 || out->kind != V_OBJECT)
        return refuse(err, "the %s of the token is no JSON object", what);
    return 0;
}

static int check_head(const struct value *head, const struct jwt_rules *rules, struct err *err)
{
    str typ = value_get_text(head, "typ");
    if (value_get(head, LIT("crit")))
        return refuse(err, "the token asks for extensions (crit) that nobody here knows");
    if (str_starts(typ, LIT("application/")))
        typ = str_from(typ, 12);
    if (rules->typ.len && !str_eqi(typ, rules->typ))
        return refuse(err, "the token is of another kind than '%.*s'", STR_ARG(rules->typ));
    return 0;
}

static int check_signature(const struct parts *p, const struct value *head,
                           const struct jwt_rules *rules, struct err *err)
{
    str alg = value_get_text(head, "alg"), kid = value_get_text(head, "kid");
    for (size_t i = 0; i < rules->key_count; i++) {
        const struct jwk *k = rules->keys[i];
        if ((kid.ptr && !str_eq(kid, jwk_kid(k))) || !str_is(alg, jwt_alg_name(k->alg)))
            continue;
        if (jwk__verify(k, p->signed_text, p->signature))
            return 0;
    }
    return refuse(err, "the token is not signed by a known key");
}

/* A time in whole seconds; absent: *out stays. */
static int seconds(const struct value *claims, const char *name, int64_t *out, struct err *err)
{
    const struct value *v = value_get(claims, str_of(name));
    if (!v)
        return 0;
    if (v->kind != V_INT || v->i < 0)
        return refuse(err, "'%s' of the token is no time in whole seconds", name);
    *out = v->i;
    return 0;
}

static int check_times(const struct value *claims, const struct jwt_rules *rules, struct err *err)
{
    int64_t exp = -1, nbf = 0, iat = 0;
    TRY(seconds(claims, "exp", &exp, err));
    TRY(seconds(claims, "nbf", &nbf, err));
    TRY(seconds(claims, "iat", &iat, err));
    if (exp < 0)
        return refuse(err, "the token never expires");
    if (exp <= rules->now - rules->leeway)
        return refuse(err, "the token has expired");
    if (nbf > rules->now + rules->leeway || iat > rules->now + rules->leeway)
        return refuse(err, "the token is not valid yet");
    return 0;
}

static bool meant_for(const struct value *aud, str audience)
{
    if (aud && aud->kind == V_TEXT)
        return str_eq(aud->text, audience);
    for (size_t i = 0; aud && aud->kind == V_ARRAY && i < aud->count; i++) {
        if (aud->items[i].kind == V_TEXT && str_eq(aud->items[i].text, audience))
            return true;
    }
    return false;
}

int jwt_check(struct arena *a, str token, const struct jwt_rules *rules, struct value *claims,
              struct err *err)
{
    struct parts p;
    struct value head;
    TRY(cut(a, token, &p, err));
    TRY(object(a, p.head, "header", &head, err));
    TRY(check_head(&head, rules, err));
    TRY(check_signature(&p, &head, rules, err));
    TRY(object(a, p.claims, "body", claims, err));
    if (rules->issuer.len && !str_eq(value_get_text(claims, "iss"), rules->issuer))
        return refuse(err, "the token comes from another issuer");
    if (rules->audience.len && !meant_for(value_get(claims, LIT("aud")), rules->audience))
        return refuse(err, "the token is meant for another audience");
    return check_times(claims, rules, err);
}

int jwt_peek(struct arena *a, str token, struct value *head, struct value *claims, struct err *err)
{
    struct parts p;
    TRY(cut(a, token, &p, err));
    TRY(object(a, p.head, "header", head, err));
    return object(a, p.claims, "body", claims, err);
}
