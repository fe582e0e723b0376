/* provider_read.c -- bytes of a provider: its document, tokens, and what it says of a person. What
 * is odd is refused; what is not asked for is not read. SPDX: Apache-2.0 */
#include "auth/provider_read.h"
#include "auth/issuer_keys.h"

#include "base/buf.h"

#include <sodium.h>

enum { SUBJECT_MOST = 255, ERROR_MOST = 60, EMAIL_MOST = 254 };

#define refuse(err, ...) fail_field(err, E_SIGNIN, LIT("provider_refused"), LIT(""), __VA_ARGS__)

static const struct json_limits small = {.depth = 16, .nodes = 20000};

static bool truth_of(const struct value *v, const char *name)
{
    const struct value *x = value_get(v, str_of(name));
    return x && ((x->kind == V_BOOL && x->truth) || (x->kind == V_INT && x->i == 1) ||
                 (x->kind == V_TEXT && (str_is(x->text, "true") || str_is(x->text, "1"))));
}

int provider_object(struct arena *a, str json, struct value *out, struct err *err)
{
    struct err inner = {0};
    if (json_parse(a, json, &small, out, &inner) < 0 || out->kind != V_OBJECT)
        return fail(err, E_BAD, "the answer is no JSON object");
    return 0;
}

/* ---- its document ---- */

/* Printable, without what is read in more than one way; https, or as the issuer itself. */
static bool url_good(str url, str issuer)
{
    for (size_t i = 0; i < url.len; i++) {
        char c = url.ptr[i];
        if (c <= ' ' || c > '~' || c == '\\' || c == '#' || c == '"' || c == '<' || c == '>')
            return false;
    }
    str rest = str_from(url, 8);
    size_t slash = str_find(rest, '/');
    bool safe = str_starts(url, LIT("https://")) && rest.len && rest.ptr[0] != '/';
    return url.len <= PROVIDER_URL_MOST &&
           str_find(str_upto(rest, slash == STR_NONE ? rest.len : slash), '@') == STR_NONE &&
           (safe || (str_starts(url, LIT("http://")) && issuer_same_origin(url, issuer)));
}

static int take_url(const struct value *v, const char *name, str issuer, bool needed, str *out,
                    struct err *err)
{
    *out = value_get_text(v, name);
    if (!out->len && !needed)
        return 0;
    if (out->len && url_good(*out, issuer))
        return 0;
    return fail(err, E_BAD, "the document's %s is no address that can be used", name);
}

/* Without the list the secret goes into Authorization (RFC 8414, 2). */
static bool takes_basic(const struct value *v)
{
    const struct value *list = value_get(v, LIT("token_endpoint_auth_methods_supported"));
    bool basic = !list || list->kind != V_ARRAY;
    for (size_t i = 0; !basic && i < list->count; i++)
        basic = list->items[i].kind == V_TEXT && str_is(list->items[i].text, "client_secret_basic");
    return basic;
}

int provider_endpoints_read(struct arena *a, str json, str issuer, struct provider_endpoints *out,
                            struct err *err)
{
    struct value v;
    TRY(provider_object(a, json, &v, err));
    if (!str_eq(value_get_text(&v, "issuer"), issuer))
        return fail(err, E_BAD, "the document is of another issuer");
    TRY(take_url(&v, "authorization_endpoint", issuer, true, &out->authorize, err));
    TRY(take_url(&v, "token_endpoint", issuer, true, &out->token, err));
    TRY(take_url(&v, "userinfo_endpoint", issuer, false, &out->user, err));
    const struct value *iss = value_get(&v, LIT("authorization_response_iss_parameter_supported"));
    out->says_iss = iss && iss->kind == V_BOOL && iss->truth;
    out->basic = takes_basic(&v);
    return 0;
}

/* ---- tokens ---- */

str provider_error(str word)
{
    bool good = word.len && word.len <= ERROR_MOST;
    for (size_t i = 0; good && i < word.len; i++) {
        char c = word.ptr[i];
        good = ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '-' || c == '.';
    }
    return good ? word : LIT("unknown");
}

static bool token_good(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    }
    return s.len && s.len <= PROVIDER_TOKEN_MOST;
}

int provider_tokens_read(struct arena *a, str json, str *access, str *id, struct err *err)
{
    struct value v;
    struct err inner = {0};
    if (provider_object(a, json, &v, &inner) < 0)
        return refuse(err, "the provider's answer to the code is no JSON object");
    if (value_get(&v, LIT("error")))
        return refuse(err, "the provider does not take the code: %.*s",
                      STR_ARG(provider_error(value_get_text(&v, "error"))));
    *access = value_get_text(&v, "access_token");
    *id = value_get_text(&v, "id_token");
    if (!token_good(*access) || (id->len && !token_good(*id)))
        return refuse(err, "the provider's answer has no token that can be used");
    if (!str_eqi(value_get_text(&v, "token_type"), LIT("Bearer")))
        return refuse(err, "the provider's token is of a kind that is not known");
    return 0;
}

/* ---- claims ---- */

bool provider_iss_fits(const struct provider_config *c, str iss, str tid)
{
    static const str hole = STR_INIT("{tenantid}");
    size_t at = 0;
    if (!c->tenants)
        return str_eq(iss, c->issuer);
    while (at < c->issuer.len && !str_starts(str_from(c->issuer, at), hole))
        at++;
    str tail = str_from(c->issuer, at + hole.len);
    return tid.len && iss.len == at + tid.len + tail.len &&
           str_eq(str_upto(iss, at), str_upto(c->issuer, at)) &&
           str_eq(str_upto(str_from(iss, at), tid.len), tid) && str_ends(iss, tail);
}

/* A tenant's name stands in the issuer: it must not make another one of it. */
static bool tenant_good(str tid)
{
    enum { UUID = 36 };
    bool good = tid.len == UUID;
    for (size_t i = 0; good && i < tid.len; i++)
        good = ascii_alpha(tid.ptr[i]) || ascii_digit(tid.ptr[i]) || tid.ptr[i] == '-';
    return good;
}

/* Among several it was made for, it must say for whom it was issued. */
static int check_party(const struct provider_config *c, const struct value *claims, struct err *err)
{
    const struct value *aud = value_get(claims, LIT("aud")), *azp = value_get(claims, LIT("azp"));
    bool many = aud && aud->kind == V_ARRAY && aud->count > 1;
    if ((many && !azp) || (azp && (azp->kind != V_TEXT || !str_eq(azp->text, c->client_id))))
        return refuse(err, "the ID token was issued to somebody else (azp)");
    return 0;
}

int provider_claims_check(const struct provider_config *c, const struct value *claims, str nonce,
                          struct err *err)
{
    str said = value_get_text(claims, "nonce"), sub = value_get_text(claims, "sub"),
        tid = value_get_text(claims, "tid");
    if (c->tenants &&
        (!tenant_good(tid) || !provider_iss_fits(c, value_get_text(claims, "iss"), tid)))
        return refuse(err, "the ID token comes from another issuer");
    if (said.len != nonce.len || sodium_memcmp(said.ptr, nonce.ptr, nonce.len) != 0)
        return refuse(err, "the ID token belongs to another sign-in (nonce)");
    if (!value_get(claims, LIT("iat")))
        return refuse(err, "the ID token does not say when it was made");
    if (!sub.len || sub.len > SUBJECT_MOST || !str_utf8(sub) || str_find(sub, '\0') != STR_NONE)
        return refuse(err, "the ID token names nobody");
    return check_party(c, claims, err);
}

static str email_good(str s)
{
    bool good = s.len && s.len <= EMAIL_MOST && str_utf8(s);
    for (size_t i = 0; good && i < s.len; i++)
        good = s.ptr[i] > ' ' || (unsigned char)s.ptr[i] >= 0x80;
    return good ? s : (str){0};
}

/* Whose word counts: a no always, then the settings', then that of the one claim by which such a
 * provider says it. xms_edov: the owner of the address's domain is the tenant; Microsoft's
 * email_verified may be any directory's. */
static bool is_verified(const struct provider_config *c, const struct value *claims)
{
    const struct value *said = value_get(claims, LIT("email_verified"));
    if (said && said->kind != V_NULL && !truth_of(claims, "email_verified"))
        return false;
    if (c->trust_email && !c->tenants)
        return true;
    return truth_of(claims, c->edov || c->tenants ? "xms_edov" : "email_verified");
}

void provider_take(struct arena *a, const struct provider_config *c, const struct value *claims,
                   struct provider_person *out)
{
    *out = (struct provider_person){.subject = value_get_text(claims, "sub"),
                                    .email = email_good(value_get_text(claims, "email")),
                                    .claims = *claims};
    if (c->tenants) /* two tenants could have one subject */
        out->subject = arena_printf(a, "%.*s/%.*s", STR_ARG(value_get_text(claims, "tid")),
                                    STR_ARG(out->subject));
    out->verified = out->email.len && is_verified(c, claims);
}

/* ---- GitHub ---- */

static const struct {
    const char *theirs, *claim;
} github_members[] = {{"name", "name"}, {"login", "preferred_username"}, {"avatar_url", "picture"}};

int provider_take_user(struct arena *a, str json, struct provider_person *out, struct err *err)
{
    struct value v;
    struct member *m = ARENA_ARRAY(a, struct member, COUNT_OF(github_members));
    TRY(provider_object(a, json, &v, err));
    const struct value *id = value_get(&v, LIT("id"));
    if (!id || id->kind != V_INT || id->i <= 0)
        return fail(err, E_BAD, "the answer names nobody");
    *out = (struct provider_person){.subject = arena_printf(a, "%lld", (long long)id->i),
                                    .claims = {.kind = V_OBJECT, .fields = m}};
    for (size_t i = 0; i < COUNT_OF(github_members); i++) {
        str text = value_get_text(&v, github_members[i].theirs);
        if (text.len)
            m[out->claims.count++] =
                (struct member){str_of(github_members[i].claim), value_text(text)};
    }
    return 0;
}

/* The first one is the one that counts; the others may be of times past. */
int provider_take_emails(struct arena *a, str json, struct provider_person *out, struct err *err)
{
    struct value v;
    struct err inner = {0};
    if (json_parse(a, json, &small, &v, &inner) < 0 || v.kind != V_ARRAY)
        return fail(err, E_BAD, "the answer is no list of addresses");
    for (size_t i = 0; i < v.count; i++) {
        if (v.items[i].kind != V_OBJECT || !truth_of(&v.items[i], "primary"))
            continue;
        out->email = email_good(value_get_text(&v.items[i], "email"));
        out->verified = out->email.len && truth_of(&v.items[i], "verified");
        return 0;
    }
    return 0;
}

/* ---- what is sent ---- */

void provider_escape(struct buf *b, str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '.' || c == '_' || c == '~')
            buf_char(b, c);
        else
            buf_printf(b, "%%%02X", (unsigned char)c);
    }
}

void provider_put(struct buf *b, const char *name, str value)
{
    buf_printf(b, "%s%s=", b->len ? "&" : "", name);
    provider_escape(b, value);
}
