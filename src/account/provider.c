/* provider.c -- signing in at a provider: the browser goes there, and comes back. SPDX: Apache-2.0
 *   GET .../oauth/NAME --302--> the provider --GET or POST--> .../oauth/NAME/callback --303--> back
 * RFC 6749 and 7636, OpenID Connect Core 1.0; RFC 9700 says what goes wrong. Invariants: (1) An
 * answer counts once, in the browser that asked, at the provider that was asked, which has a
 * callback of its own (no mix-up). (2) A browser is led to places of the settings only. (3) Tokens
 * never stand in an address: a page gets a ticket for them, which is good for that page alone. */
#include "account/account_priv.h"
#include "auth/clients.h"

#include "observe/log.h"

#define REFUSED LIT("provider_refused")

static int of_path(struct request *rq, const struct accounts *x, struct provider **out,
                   struct err *err)
{
    *out = identity_provider(x->identity, request_param(rq, LIT("provider")));
    return *out ? 0 : fail(err, E_NOTFOUND, "there is no such provider");
}

static str redirect_uri(struct request *rq, const struct accounts *x,
                        const struct provider_config *c)
{
    return arena_printf(&rq->arena, "%.*s%.*s/auth/oauth/%.*s/callback",
                        STR_ARG(x->config->page_url), STR_ARG(x->config->prefix), STR_ARG(c->name));
}

/* A place to go to, with what a page there is told. Without that, what the browser has behind `#`
 * would go along to another origin (RFC 9110, 10.2.2): an empty one says that there is none. */
static str ending(struct request *rq, str place, str words)
{
    bool own = place.len && place.ptr[0] == '/';
    return arena_printf(&rq->arena, "%.*s%s%.*s", STR_ARG(place), own && !words.len ? "" : "#",
                        STR_ARG(words));
}

/* ---- beginning ---- */

/* secret: a page is given what opens a session, so it has to be one of the settings. */
static int check_back(struct request *rq, const struct accounts *x, const struct flow *f,
                      bool secret, struct err *err)
{
    if (!f->back.len || flow__back_good(rq, x, f->back, secret))
        return 0;
    return fail_field(err, E_BAD, LIT("bad_parameter"), LIT("return_to"),
                      "'return_to' is %san address of auth.return_urls, or below one, and no "
                      "endpoint",
                      secret ? "" : "a path of this server, or ");
}

/* A page that gets a ticket has to prove later that it is the one that began: else one could be
 * talked into somebody else's session, or the ticket be used by who sees the address. */
static int check_challenge(const struct flow *f, struct err *err)
{
    bool needed = f->back.len && !f->cookie;
    if (f->challenge.len ? pkce_challenge_good(f->challenge) : !needed)
        return 0;
    return fail_field(err, E_BAD, LIT("bad_parameter"), LIT("challenge"),
                      "'challenge' is%s the SHA-256 of a verifier in base64url: 43 characters",
                      needed ? " needed for a ticket:" : "");
}

/* A session in a cookie where there are such, unless the client wants tokens. */
static int wishes(struct request *rq, const struct accounts *x, struct flow *f, struct err *err)
{
    const struct param *list;
    size_t count;
    f->cookie = x->config->cookies;
    TRY(request_query(rq, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        str value = list[i].value;
        if (str_is(list[i].name, "return_to"))
            f->back = value;
        if (str_is(list[i].name, "challenge"))
            f->challenge = value;
        if (!str_is(list[i].name, "session"))
            continue;
        if (!str_is(value, "token") && (!str_is(value, "cookie") || !x->config->cookies))
            return fail_field(err, E_BAD, LIT("bad_parameter"), LIT("session"),
                              "'session' is token%s", x->config->cookies ? " or cookie" : "");
        f->cookie = str_is(value, "cookie");
    }
    TRY(check_back(rq, x, f, !f->cookie, err));
    return check_challenge(f, err);
}

WAITS static int begin(struct request *rq, const struct accounts *x, struct provider *p,
                       struct flow *f, str *url, struct err *err)
{
    const struct provider_config *c = provider_config_of(p);
    flow__begin(rq, x, c, f);
    f->at.redirect = redirect_uri(rq, x, c);
    int code = provider_url(p, &rq->arena, &f->at, url, err);
    if (code == E_BUSY)
        reply_header(rq->reply, LIT("Retry-After"), LIT("3"));
    return code;
}

int provider__start(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct provider *p;
    struct flow f = {0};
    str url;
    TRY(of_path(rq, x, &p, err));
    TRY(wishes(rq, x, &f, err));
    if (f.cookie) /* browsers may not send it along when another site leads them back */
        f.sid = cookie__sid(rq, x);
    TRY(begin(rq, x, p, &f, &url, err));
    rq->reply->status = 302;
    reply_header(rq->reply, LIT("Location"), ending(rq, url, LIT("")));
    return 0;
}

/* {"return_to":...}, signed in: one more way into the own account. */
int provider__link(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct buf *b = &rq->reply->body;
    struct provider *p;
    struct value body = {0};
    struct account who;
    struct flow f = {0};
    str url;
    TRY(of_path(rq, x, &p, err));
    TRY(account__me(rq, &f.account, err));
    if (request_header(rq, LIT("Content-Type")).ptr)
        TRY(account__body(rq, &body, err));
    TRY(mfa__account(rq, x, f.account, &who, err));
    TRY(mfa__fresh(rq, x, &who, &body, err));
    const struct value *back = value_get(&body, LIT("return_to"));
    if (back)
        f.back = back->kind == V_TEXT ? back->text : LIT("?");
    TRY(check_back(rq, x, &f, false, err));
    f.sid = signed_in_sid(rq->signed_in);
    TRY(begin(rq, x, p, &f, &url, err));
    rq->reply->type = LIT("application/json");
    buf_lit(b, "{\"url\":");
    json_text(b, url);
    buf_char(b, '}');
    return 0;
}

int provider__list(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct buf *b = &rq->reply->body;
    (void)err;
    rq->reply->type = LIT("application/json");
    buf_lit(b, "{\"data\":[");
    for (size_t i = 0; i < x->config->provider_count; i++) {
        str name = x->config->providers[i].name;
        buf_printf(b, "%s{\"name\":", i ? "," : "");
        json_text(b, name);
        buf_lit(b, ",\"url\":");
        json_text(b, arena_printf(&rq->arena, "%.*s/auth/oauth/%.*s", STR_ARG(x->config->prefix),
                                  STR_ARG(name)));
        buf_char(b, '}');
    }
    buf_lit(b, "]}");
    return 0;
}

/* ---- what the browser brings back ---- */

struct brought {
    str state, code, iss, error;
    str user; /* Apple's, with a name in it, the first time */
    bool odd; /* something is there twice (RFC 6749, 3.1) */
};

static void take(struct brought *b, str name, const struct value *v)
{
    const struct {
        const char *name;
        str *out;
    } list[] = {{"state", &b->state},
                {"code", &b->code},
                {"iss", &b->iss},
                {"error", &b->error},
                {"user", &b->user}};
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        if (!str_is(name, list[i].name))
            continue;
        b->odd = b->odd || list[i].out->ptr || v->kind != V_TEXT;
        if (v->kind == V_TEXT)
            *list[i].out = v->text;
    }
}

WAITS static int brought(struct request *rq, struct brought *out, struct err *err)
{
    const struct param *list;
    struct value body = {0};
    size_t count;
    *out = (struct brought){0};
    TRY(request_query(rq, &list, &count, err));
    if (rq->method == METHOD_POST) {
        TRY(account__body(rq, &body, err));
        for (size_t i = 0; i < body.count; i++)
            take(out, body.fields[i].name, &body.fields[i].value);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        take(out, list[i].name, &(struct value){.kind = V_TEXT, .text = list[i].value});
    return 0;
}

/* What Apple tells once, beside the ID token: only a name, nothing that opens anything. */
static void add_name(struct request *rq, str user, struct provider_person *p)
{
    enum { USER_MOST = 2000 };
    static const struct json_limits few = {.depth = 8, .nodes = 50};
    static const char *const parts[][2] = {{"firstName", "given_name"},
                                           {"lastName", "family_name"}};
    struct arena *a = &rq->arena;
    struct value v;
    struct err ignored = {0};
    if (!user.len || user.len > USER_MOST || json_parse(a, user, &few, &v, &ignored) < 0 ||
        v.kind != V_OBJECT)
        return;
    const struct value *name = value_get(&v, LIT("name"));
    struct member *m = ARENA_ARRAY(a, struct member, p->claims.count + COUNT_OF(parts) + 1);
    size_t count = p->claims.count;
    str whole = LIT("");
    if (count)
        memcpy(m, p->claims.fields, count * sizeof *m);
    for (size_t i = 0; name && name->kind == V_OBJECT && i < COUNT_OF(parts); i++) {
        const struct value *part = value_get(name, str_of(parts[i][0]));
        if (!part || part->kind != V_TEXT || !part->text.len)
            continue;
        m[count++] = (struct member){str_of(parts[i][1]), *part};
        whole = arena_printf(a, "%.*s%s%.*s", STR_ARG(whole), whole.len ? " " : "",
                             STR_ARG(part->text));
    }
    if (whole.len)
        m[count++] = (struct member){LIT("name"), value_text(whole)};
    p->claims = (struct value){.kind = V_OBJECT, .count = (uint32_t)count, .fields = m};
}

/* ---- the end ---- */

static int says_no(str error, struct err *err)
{
    if (str_is(error, "access_denied") || str_is(error, "user_cancelled_authorize"))
        return fail_field(err, E_DENIED, LIT("access_denied"), LIT(""),
                          "whoever signed in there did not want to");
    if (str_is(error, "temporarily_unavailable") || str_is(error, "server_error"))
        return fail_field(err, E_BUSY, LIT("provider_away"), LIT(""),
                          "the provider cannot answer now; come again");
    return fail_field(err, E_SIGNIN, REFUSED, LIT(""), "the provider refused: %.*s",
                      STR_ARG(provider_error(error)));
}

WAITS static int person_of(struct request *rq, struct provider *p, const struct flow *f,
                           const struct brought *b, struct provider_person *out, struct err *err)
{
    struct provider_answer answer = {.code = b->code, .iss = b->iss, .now = account__now()};
    if (b->odd || (!b->error.ptr && (!b->code.len || b->code.len > PROVIDER_CODE_MOST)))
        return fail_field(err, E_SIGNIN, REFUSED, LIT(""), "the provider's answer has no code");
    if (b->error.ptr) { /* of whom it is counts for a no, too */
        TRY(provider_whose(p, &rq->arena, b->iss, err));
        return says_no(b->error, err);
    }
    TRY(provider_person(p, &rq->arena, &f->at, &answer, out, err));
    if (provider_config_of(p)->form_post)
        add_name(rq, b->user, out);
    return 0;
}

static void lead(struct request *rq, str back, str words)
{
    struct reply *r = rq->reply;
    buf_clear(&r->body);
    r->type = (str){0};
    r->status = 303;
    reply_header(r, LIT("Cache-Control"), LIT("no-store"));
    reply_header(r, LIT("Location"), ending(rq, back, words));
}

WAITS static int let_in(struct request *rq, const struct accounts *x, const struct flow *f,
                        const struct account *who, struct err *err)
{
    str ticket = LIT("");
    if (f->challenge.len)
        ticket = arena_printf(&rq->arena, "ticket=%.*s",
                              STR_ARG(flow__ticket(rq, x, who->key, f->challenge)));
    if (f->back.len && !f->cookie) {
        lead(rq, f->back, ticket);
        return 0;
    }
    int code = account__begin(rq, x, who, f->cookie, err);
    if (code == 0)
        code = cookie__end(rq, x, f->sid, err);
    bool factor = code < 0 && err->more.len;
    if (!f->back.len || (code < 0 && !factor))
        return code;
    if (factor) /* its mfa_token comes for the ticket, and not in an address */
        ticket = arena_printf(&rq->arena, "error=%.*s%s%.*s", STR_ARG(err->word),
                              ticket.len ? "&" : "", STR_ARG(ticket));
    lead(rq, f->back, factor ? ticket : LIT(""));
    return 0;
}

WAITS static int end(struct request *rq, const struct accounts *x, struct provider *p,
                     const struct flow *f, const struct brought *b, struct err *err)
{
    const struct provider_config *c = provider_config_of(p);
    struct provider_person person;
    struct account who;
    struct limit_verdict v;
    limit_take(x->by_address, str_hash(account__client(x, rq, true)), loop_now(), 1, &v);
    if (!v.allowed)
        return account__limited(rq, &v, err);
    TRY(flow__use(rq, x, c, f, err));
    TRY(person_of(rq, p, f, b, &person, err));
    if (!f->account.len) {
        TRY(person__account(rq, x, c, &person, &who, err));
        return let_in(rq, x, f, &who, err);
    }
    TRY(person__link(rq, x, c, &person, f, err));
    if (f->back.len)
        lead(rq, f->back, arena_printf(&rq->arena, "linked=%.*s", STR_ARG(c->name)));
    else
        rq->reply->status = 204;
    return 0;
}

/* ---- failures ---- */

WAITS static void note(struct request *rq, const struct accounts *x,
                       const struct provider_config *c, const struct err *err)
{
    struct log l;
    log_begin(&l, LOG_INFO, "sign-in at a provider failed");
    log_str(&l, "request_id", rq->id);
    log_str(&l, "provider", c->name);
    log_str(&l, "error", str_of(err->text));
    log_end(&l);
    if (err->code == E_SIGNIN || err->code == E_DENIED || err->code == E_CONFLICT)
        audit__alone(
            rq, x,
            &(struct audit_note){.event = AUDIT_IDENTITY_REFUSED,
                                 .detail = arena_printf(&rq->arena, "%.*s: %.*s", STR_ARG(c->name),
                                                        STR_ARG(err->word))});
}

/* A page that began it learns of it there, as far as it is anything that a page can be told. */
WAITS static int failed(struct request *rq, const struct accounts *x,
                        const struct provider_config *c, const struct flow *f, struct err *why,
                        struct err *err)
{
    bool told = err_status(why->code) < 500 || str_is(why->word, "provider_away");
    bool factor = why->more.len != 0;
    if (why->code != E_CANCELLED && !factor)
        note(rq, x, c, why);
    if (f->back.len && told && why->code != E_CANCELLED) {
        str word = why->word.len ? why->word : LIT("error");
        lead(rq, f->back, arena_printf(&rq->arena, "error=%.*s", STR_ARG(word)));
        return 0;
    }
    if (why->code == E_BUSY)
        reply_header(rq->reply, LIT("Retry-After"), LIT("3"));
    *err = *why;
    return err->code;
}

int provider__callback(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct provider *p;
    struct brought b;
    struct flow f = {0};
    struct err why = {0};
    TRY(of_path(rq, x, &p, err));
    const struct provider_config *c = provider_config_of(p);
    TRY(brought(rq, &b, err));
    TRY(flow__find(rq, x, c, b.state, &f, err));
    f.at.redirect = redirect_uri(rq, x, c);
    int code = end(rq, x, p, &f, &b, &why);
    return code < 0 ? failed(rq, x, c, &f, &why, err) : code;
}

/* ---- POST .../auth/oauth/ticket ---- */

int provider__ticket(struct request *rq, const void *data, struct err *err)
{
    const struct accounts *x = data;
    struct value body;
    struct account who;
    bool cookie;
    str ticket, verifier, key;
    TRY(cookie__wanted(rq, x, &cookie, err));
    TRY(account__body(rq, &body, err));
    TRY(account__text(&body, LIT("ticket"), &ticket, err));
    TRY(account__text(&body, LIT("verifier"), &verifier, err));
    TRY(flow__ticket_use(rq, x, ticket, verifier, &key, err));
    TRY(mfa__account(rq, x, key, &who, err));
    return account__begin(rq, x, &who, cookie, err);
}
