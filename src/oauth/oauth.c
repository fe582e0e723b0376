/* oauth.c -- the routes, and failures in the form that OAuth wants them. SPDX: Apache-2.0 */
#include "oauth/oauth_priv.h"

#include <time.h>

int64_t oauth__now(void)
{
    return (int64_t)time(NULL);
}

struct oauth *oauth_new(struct arena *a, const struct accounts *x, const struct clients *c)
{
    struct oauth *o = ARENA_NEW(a, struct oauth);
    *o = (struct oauth){.arena = a, .accounts = x, .clients = c};
    return o;
}

void oauth__no_store(struct reply *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (str_eqi(r->headers[i].name, LIT("Cache-Control")))
            return;
    }
    reply_header(r, LIT("Cache-Control"), LIT("no-store"));
}

/* ---- failures ---- */

int oauth__refuse(struct err *err, const char *word, const char *text)
{
    bool client = strcmp(word, "invalid_client") == 0;
    return fail_field(err, client ? E_SIGNIN : E_BAD, str_of(word), LIT(""), "%s", text);
}

static bool is_word(str word)
{
    static const char *const words[] = {
        "invalid_request",        "invalid_client", "invalid_grant",         "unauthorized_client",
        "unsupported_grant_type", "invalid_scope",  "unsupported_token_type"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_is(word, words[i]))
            return true;
    }
    return false;
}

/* What may stand in an error_description (RFC 6749, 5.2). */
static str description(struct arena *a, const char *text)
{
    str copy = arena_str(a, str_of(text));
    char *at = (char *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < copy.len; i++) {
        unsigned char c = (unsigned char)at[i];
        if (c == '"' || c == '\\')
            at[i] = '\'';
        else if (c < ' ' || c > '~')
            at[i] = '?';
    }
    return copy;
}

int oauth__answered(struct request *rq, int code, struct err *why, struct err *err)
{
    struct buf *b = &rq->reply->body;
    if (code >= 0 || err_status(code) < 499 || code == E_BUSY)
        oauth__no_store(rq->reply);
    if (code >= 0)
        return code;
    int status = err_status(code);
    if (status >= 499 && code != E_BUSY) { /* told and logged as all such failures are */
        *err = *why;
        return code;
    }
    str word = is_word(why->word)                    ? why->word
               : code == E_BUSY || code == E_LIMITED ? LIT("temporarily_unavailable")
                                                     : LIT("invalid_request");
    buf_clear(b);
    rq->reply->status = status == 422 ? 400 : status;
    rq->reply->type = LIT("application/json");
    if (code == E_BUSY)
        reply_header(rq->reply, LIT("Retry-After"), LIT("1"));
    /* RFC 6749, 5.2: a challenge to who came with one; others read the body, as clients expect. */
    if (status == 401 && request_header(rq, LIT("Authorization")).ptr)
        reply_header(rq->reply, LIT("WWW-Authenticate"), LIT("Basic realm=\"oauth\""));
    buf_lit(b, "{\"error\":");
    json_text(b, word);
    buf_lit(b, ",\"error_description\":");
    json_text(b, description(&rq->arena, why->text));
    buf_char(b, '}');
    return 0;
}

/* ---- routes ---- */

#define FORM "application/x-www-form-urlencoded"

static int add(struct router *r, const struct oauth *o, const struct endpoint *e, struct err *err)
{
    struct endpoint full = *e;
    full.data = o;
    full.accepts = e->method == METHOD_POST ? FORM : NULL;
    return router_add(r, &full, err);
}

int oauth_routes(struct router *r, const struct oauth *o, const str *prefixes, size_t count,
                 struct err *err)
{
    /* own_who: their credentials are their own affair. */
    static const struct endpoint list[] = {
        {.run = oauth__authorize,
         .pattern = "/oauth/authorize",
         .method = METHOD_GET,
         .what = "let an app in",
         .page = true,
         .own_who = true},
        {.run = oauth__authorize,
         .pattern = "/oauth/authorize",
         .method = METHOD_POST,
         .what = "let an app in",
         .page = true,
         .own_who = true},
        {.run = oauth__signin,
         .pattern = "/oauth/signin",
         .method = METHOD_POST,
         .what = "the same, signing in",
         .page = true,
         .own_who = true},
        {.run = oauth__consent,
         .pattern = "/oauth/consent",
         .method = METHOD_POST,
         .what = "the same, agreeing",
         .page = true,
         .own_who = true},
        {.run = oauth__token,
         .pattern = "/oauth/token",
         .method = METHOD_POST,
         .what = "tokens of an app",
         .own_who = true},
        {.run = oauth__revoke,
         .pattern = "/oauth/revoke",
         .method = METHOD_POST,
         .what = "an app gives its access up",
         .own_who = true},
        {.run = oauth__introspect,
         .pattern = "/oauth/introspect",
         .method = METHOD_POST,
         .what = "what a token is",
         .own_who = true},
        {.run = oauth__userinfo,
         .pattern = "/oauth/userinfo",
         .method = METHOD_GET,
         .what = "who let the app in"},
        {.run = oauth__userinfo,
         .pattern = "/oauth/userinfo",
         .method = METHOD_POST,
         .what = "who let the app in"},
        {.run = oauth__metadata,
         .pattern = "/.well-known/oauth-authorization-server",
         .method = METHOD_GET,
         .what = "what OAuth can do here",
         .own_who = true},
        {.run = oauth__metadata,
         .pattern = "/.well-known/openid-configuration",
         .method = METHOD_GET,
         .what = "what OpenID Connect can do here",
         .own_who = true},
    };
    for (size_t i = 0; i < COUNT_OF(list); i++)
        TRY(add(r, o, &list[i], err));
    for (size_t i = 0; i < count; i++) {
        str all = arena_printf(o->arena, "%.*s/auth/apps", STR_ARG(prefixes[i]));
        str one = arena_printf(o->arena, "%.*s/auth/apps/:client", STR_ARG(prefixes[i]));
        TRY(add(r, o,
                &(struct endpoint){.run = oauth__apps,
                                   .pattern = all.ptr,
                                   .method = METHOD_GET,
                                   .what = "apps that one let in"},
                err));
        TRY(add(r, o,
                &(struct endpoint){.run = oauth__app_end,
                                   .pattern = one.ptr,
                                   .method = METHOD_DELETE,
                                   .what = "shut an app out"},
                err));
    }
    return 0;
}
