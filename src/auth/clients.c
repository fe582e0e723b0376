/* clients.c -- what is said of apps in the settings, held against what comes. All of it is
 * compared whole: a redirect URI that is nearly right is wrong (RFC 9700, 2.1). SPDX: Apache-2.0 */
#include "auth/clients.h"

#include "data/data.h"

#include <sodium.h>

enum { VERIFIER_LEAST = 43, VERIFIER_MOST = 128, PKCE_DIGEST_TEXT = 43 };

const struct app_client *client_find(const struct clients *c, str id)
{
    for (size_t i = 0; i < c->count; i++) {
        if (str_eq(c->list[i].id, id))
            return &c->list[i];
    }
    return NULL;
}

static const struct client_scope usual[] = {
    {.name = STR_INIT("openid"), .text = STR_INIT("Know who you are")},
    {.name = STR_INIT("profile"), .text = STR_INIT("See your name and profile")},
    {.name = STR_INIT("email"), .text = STR_INIT("See your e-mail address")},
    {.name = STR_INIT("offline_access"), .text = STR_INIT("Stay connected while you are away")},
};

const struct client_scope *scope_find(const struct clients *c, str name)
{
    for (size_t i = 0; i < c->scope_count; i++) {
        if (str_eq(c->scopes[i].name, name))
            return &c->scopes[i];
    }
    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (str_eq(usual[i].name, name))
            return &usual[i];
    }
    return NULL;
}

/* ---- redirect URIs ---- */

/* The length of "http://127.0.0.1" or "http://[::1]" in front of a port, a path or the end; 0: it
 * is no such address. */
static size_t loopback_head(str uri)
{
    static const str heads[] = {STR_INIT("http://127.0.0.1"), STR_INIT("http://[::1]")};
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        str rest = str_starts(uri, heads[i]) ? str_from(uri, heads[i].len) : (str){NULL, 0};
        if (rest.ptr &&
            (!rest.len || rest.ptr[0] == ':' || rest.ptr[0] == '/' || rest.ptr[0] == '?'))
            return heads[i].len;
    }
    return 0;
}

/* What stands behind the port; false: the port is none. */
static bool behind_port(str rest, str *out)
{
    size_t digits = 0;
    uint64_t port;
    *out = rest;
    if (!rest.len || rest.ptr[0] != ':')
        return true;
    while (1 + digits < rest.len && ascii_digit(rest.ptr[1 + digits]))
        digits++;
    *out = str_from(rest, 1 + digits);
    return digits && digits <= 5 && str_to_u64(str_upto(str_from(rest, 1), digits), &port) &&
           port > 0 && port <= 65535 && (!out->len || out->ptr[0] == '/' || out->ptr[0] == '?');
}

static bool same_redirect(str registered, str uri)
{
    size_t head = loopback_head(registered);
    str ours, theirs;
    if (str_eq(registered, uri))
        return true;
    if (!head || loopback_head(uri) != head ||
        !str_eq(str_upto(uri, head), str_upto(registered, head)))
        return false;
    return behind_port(str_from(registered, head), &ours) &&
           behind_port(str_from(uri, head), &theirs) && str_eq(ours, theirs);
}

bool client_redirects(const struct app_client *c, str uri)
{
    if (!uri.len || uri.len > CLIENT_URI_MOST)
        return false;
    for (size_t i = 0; i < c->redirect_count; i++) {
        if (same_redirect(c->redirects[i], uri))
            return true;
    }
    return false;
}

static bool scheme_good(str scheme)
{
    bool dot = false;
    for (size_t i = 0; i < scheme.len; i++) {
        char ch = ascii_lower(scheme.ptr[i]);
        dot |= ch == '.';
        if (!(ch >= 'a' && ch <= 'z') && (!i || (!ascii_digit(ch) && ch != '.' && ch != '-')))
            return false;
    }
    return dot && scheme.len <= 100;
}

/* The host of what stands behind "https://": letters, digits, dots, a port, or brackets. */
static bool host_good(str rest)
{
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    for (size_t i = 0; i < end; i++) {
        char ch = ascii_lower(rest.ptr[i]);
        if (!(ch >= 'a' && ch <= 'z') && !ascii_digit(ch) && ch != '.' && ch != '-' && ch != ':' &&
            ch != '[' && ch != ']')
            return false;
    }
    return end > 0;
}

bool client_redirect_good(str uri)
{
    str rest;
    if (!uri.len || uri.len > CLIENT_URI_MOST)
        return false;
    for (size_t i = 0; i < uri.len; i++) {
        unsigned char ch = (unsigned char)uri.ptr[i];
        if (ch <= ' ' || ch >= 127 || strchr("\"'<>\\^`{|}#;,*", ch))
            return false;
    }
    if (str_starts(uri, LIT("https://")))
        return host_good(str_from(uri, 8));
    if (str_starts(uri, LIT("http://localhost")))
        return behind_port(str_from(uri, 16), &rest) &&
               (!rest.len || rest.ptr[0] == '/' || rest.ptr[0] == '?');
    size_t head = loopback_head(uri), colon = str_find(uri, ':');
    if (head)
        return behind_port(str_from(uri, head), &rest);
    return colon != STR_NONE && scheme_good(str_upto(uri, colon));
}

bool client_is_native(const struct app_client *c, str uri)
{
    return !c->has_secret && !str_starts(uri, LIT("https://"));
}

/* ---- secrets ---- */

void client_secret_hash(str secret, unsigned char out[SECRET_DIGEST])
{
    crypto_hash_sha256(out, (const unsigned char *)secret.ptr, secret.len);
}

bool client_secret_is(const struct app_client *c, str secret)
{
    unsigned char digest[SECRET_DIGEST];
    client_secret_hash(secret, digest);
    return sodium_memcmp(digest, c->secret, sizeof digest) == 0 && c->has_secret && !c->jwks.len;
}

/* ---- scopes ---- */

bool scope_next(str *rest, str *out)
{
    while (rest->ptr) {
        *out = str_cut(rest, ' ');
        if (out->len)
            return true;
    }
    return false;
}

bool scope_has(str list, str name)
{
    str one;
    while (scope_next(&list, &one)) {
        if (str_eq(one, name))
            return true;
    }
    return false;
}

bool scope_within(str list, str all)
{
    str one;
    while (scope_next(&list, &one)) {
        if (!scope_has(all, one))
            return false;
    }
    return true;
}

static bool asks(const struct app_client *c, str name)
{
    for (size_t i = 0; i < c->scope_count; i++) {
        if (str_eq(c->scopes[i], name))
            return true;
    }
    return false;
}

bool scope_allowed(struct arena *a, const struct clients *c, const struct app_client *client,
                   str list, str *out)
{
    str one, kept = LIT("");
    while (scope_next(&list, &one)) {
        if (!scope_find(c, one) || !asks(client, one)) {
            *out = one;
            return false;
        }
        if (!scope_has(kept, one))
            kept = arena_printf(a, "%.*s%s%.*s", STR_ARG(kept), kept.len ? " " : "", STR_ARG(one));
    }
    *out = kept;
    return true;
}

str scope_kept(struct arena *a, const struct clients *c, const struct app_client *client, str list)
{
    str one, good, kept = LIT("");
    while (scope_next(&list, &one)) {
        if (scope_allowed(a, c, client, one, &good))
            kept = arena_printf(a, "%.*s%s%.*s", STR_ARG(kept), kept.len ? " " : "", STR_ARG(good));
    }
    return kept;
}

const str *scope_can(struct arena *a, const struct clients *c, str list, size_t *count)
{
    size_t room = 1;
    str one;
    for (str rest = list; scope_next(&rest, &one);) {
        const struct client_scope *s = scope_find(c, one);
        room += s ? s->can_count : 0;
    }
    str *out = ARENA_ARRAY(a, str, room);
    *count = 0;
    while (scope_next(&list, &one)) {
        const struct client_scope *s = scope_find(c, one);
        for (size_t i = 0; s && i < s->can_count; i++)
            out[(*count)++] = s->can[i];
    }
    return out;
}

/* ---- PKCE ---- */

static bool unreserved(char ch)
{
    char low = ascii_lower(ch);
    return (low >= 'a' && low <= 'z') || ascii_digit(ch) || ch == '-' || ch == '.' || ch == '_' ||
           ch == '~';
}

bool pkce_challenge_good(str challenge)
{
    for (size_t i = 0; i < challenge.len; i++) {
        if (!unreserved(challenge.ptr[i]) || challenge.ptr[i] == '.' || challenge.ptr[i] == '~')
            return false;
    }
    return challenge.len == PKCE_DIGEST_TEXT;
}

bool pkce_is(str challenge, str verifier)
{
    unsigned char digest[SECRET_DIGEST];
    char room[PKCE_DIGEST_TEXT + 2];
    struct buf b = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    for (size_t i = 0; i < verifier.len; i++) {
        if (!unreserved(verifier.ptr[i]))
            return false;
    }
    if (verifier.len < VERIFIER_LEAST || verifier.len > VERIFIER_MOST ||
        !pkce_challenge_good(challenge))
        return false;
    crypto_hash_sha256(digest, (const unsigned char *)verifier.ptr, verifier.len);
    base64url_put(&b, str_make((const char *)digest, sizeof digest));
    return b.len == challenge.len && sodium_memcmp(b.ptr, challenge.ptr, b.len) == 0;
}
