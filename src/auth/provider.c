/* provider.c -- a provider: its document, kept and fetched anew, and the calls of a sign-in.
 * Invariants: (1) One fetch of the document at a time, and after a failure none for PAUSE_MS,
 * whoever asks. (2) Nothing of an ID token counts before its signature, issuer, audience, times and
 * nonce were checked. (3) Redirects of a provider's endpoints are not followed, answers have a
 * ceiling and a deadline. (4) A sign-in fails for good only by what the provider said: when it
 * cannot be asked, the answer is "later". The lock is held for no wait. SPDX: Apache-2.0 */
#include "auth/provider_read.h"

#include "auth/issuer_keys.h"
#include "base/clock.h"
#include "base/mem.h"
#include "fiber/fiber.h"
#include "observe/log.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

enum {
    MS = 1000000,
    LOOK_MS = 10,
    WAIT_MS = 15000,
    PAUSE_MS = 2000,
    CALL_MS = 10000,
    FETCH_MEMORY = 8 << 20,
    SECRET_S = 300,
    LEEWAY_S = 30,
    HEADERS_MOST = 4
};

/* Endpoints as they are kept: the texts of a fetch end with it. */
struct kept {
    char authorize[PROVIDER_URL_MOST + 1], token[PROVIDER_URL_MOST + 1],
        user[PROVIDER_URL_MOST + 1];
    bool says_iss, basic;
};

struct provider {
    struct provider_config config;
    struct issuer_config ids; /* of its ID tokens */
    struct issuer_times times;
    struct client *client;
    struct issuer *issuer; /* NULL: it has no ID tokens */
    struct jwk *key;       /* NULL: the secret is a text */
    pthread_mutex_t lock;  /* of all below */
    struct kept kept;
    uint64_t fetched, fresh_until, tried; /* clock_ns; 0: never */
    bool fetching;
};

#define refuse(err, ...) fail_field(err, E_SIGNIN, LIT("provider_refused"), LIT(""), __VA_ARGS__)

int provider_key_check(str pem, str key_id, struct err *err)
{
    struct jwk *key;
    TRY(jwk_pem(pem, key_id, &key, err));
    jwk_free(&key);
    return 0;
}

int provider_new(const struct provider_config *c, const struct issuer_times *t,
                 struct client *client, struct provider **out, struct err *err)
{
    struct jwk *key = NULL;
    if (c->key.len)
        TRY(jwk_pem(c->key, c->key_id, &key, err));
    struct provider *p = mem_zero(1, sizeof *p);
    p->config = *c;
    p->times = *t;
    p->client = client;
    p->key = key;
    p->ids = (struct issuer_config){.issuer = c->tenants ? LIT("") : c->issuer,
                                    .jwks = c->jwks,
                                    .audience = c->client_id,
                                    .algs = 1u << JWT_EDDSA | 1u << JWT_ES256 | 1u << JWT_RS256};
    if (c->issuer.len)
        p->issuer = issuer_new(&p->ids, t, client);
    pthread_mutex_init(&p->lock, NULL);
    *out = p;
    return 0;
}

void provider_free(struct provider **p)
{
    if (!*p)
        return;
    issuer_free(&(*p)->issuer);
    jwk_free(&(*p)->key);
    pthread_mutex_destroy(&(*p)->lock);
    mem_free(*p);
    *p = NULL;
}

const struct provider_config *provider_config_of(const struct provider *p)
{
    return &p->config;
}

/* ---- calls ---- */

static int away(const struct provider *p, const char *what, struct err *inner, struct err *err)
{
    struct log l;
    if (inner->code == E_CANCELLED) {
        *err = *inner;
        return err->code;
    }
    log_begin(&l, LOG_WARN, "a provider of sign-ins cannot be asked");
    log_str(&l, "provider", p->config.name);
    log_str(&l, "what", str_of(what));
    log_str(&l, "error", str_of(inner->text));
    log_end(&l);
    return fail_field(err, E_BUSY, LIT("provider_away"), LIT(""),
                      "'%.*s' cannot be asked now; come again", STR_ARG(p->config.name));
}

/* Its own places may be in a private network; others must be public. */
static bool of_settings(const struct provider *p, str url)
{
    const struct provider_config *c = &p->config;
    if (!c->issuer.len)
        return true;
    return issuer_same_origin(url, c->issuer) || issuer_same_origin(url, c->discovery);
}

WAITS static int ask(struct provider *p, struct arena *a, struct client_call *call, struct err *err)
{
    call->trusted = of_settings(p, call->url);
    call->tls = str_starts(call->url, LIT("https://"));
    call->timeout_ms = CALL_MS;
    call->answer_most = PROVIDER_ANSWER_MOST;
    TRY(client_http(p->client, a, call, err));
    bool down = call->status >= 500 || call->status == 429;
    return down ? fail(err, E_BUSY, "it answers with status %d", call->status) : 0;
}

/* ---- its document ---- */

struct job {
    struct provider *p;
    struct arena arena;
    int code;
    struct err err;
};

static void fetched(void *arg)
{
    struct job *j = arg;
    pthread_mutex_lock(&j->p->lock);
    j->p->fetching = false;
    j->p->tried = clock_ns();
    pthread_mutex_unlock(&j->p->lock);
    arena_reset(&j->arena);
}

static void keep(struct provider *p, const struct provider_endpoints *e)
{
    pthread_mutex_lock(&p->lock);
    snprintf(p->kept.authorize, sizeof p->kept.authorize, "%.*s", STR_ARG(e->authorize));
    snprintf(p->kept.token, sizeof p->kept.token, "%.*s", STR_ARG(e->token));
    snprintf(p->kept.user, sizeof p->kept.user, "%.*s", STR_ARG(e->user));
    p->kept.says_iss = e->says_iss;
    p->kept.basic = e->basic;
    p->fetched = clock_ns();
    p->fresh_until = p->fetched + (uint64_t)p->times.keys * MS;
    pthread_mutex_unlock(&p->lock);
}

WAITS static int fetch(struct provider *p, struct arena *a, struct err *err)
{
    static const str headers[] = {STR_INIT("Accept: application/json")};
    const struct provider_config *c = &p->config;
    struct provider_endpoints e;
    str base = c->discovery.len ? c->discovery : c->issuer;
    if (str_ends(base, LIT("/")))
        base.len--;
    struct client_call call = {
        .url = arena_printf(a, "%.*s/.well-known/openid-configuration", STR_ARG(base)),
        .headers = headers,
        .header_count = COUNT_OF(headers)};
    TRY(ask(p, a, &call, err));
    if (call.status != 200)
        return fail(err, E_BAD, "its document is answered with status %d", call.status);
    TRY(provider_endpoints_read(a, call.answer, c->issuer, &e, err));
    keep(p, &e);
    return 0;
}

static void fetch_scope(void *arg)
{
    struct job *j = arg;
    arena_init(&j->arena, FETCH_MEMORY);
    fiber_defer(fetched, j);
    j->code = fetch(j->p, &j->arena, &j->err);
}

enum look { LOOK_TAKE, LOOK_FETCH, LOOK_WAIT, LOOK_AWAY };

/* Under the lock. FETCH has taken the right to fetch. */
static enum look choose(struct provider *p, struct kept *out)
{
    uint64_t now = clock_ns();
    bool live = p->fetched && now < p->fetched + (uint64_t)p->times.stale * MS;
    int64_t pause = p->times.refresh < PAUSE_MS ? p->times.refresh : PAUSE_MS;
    bool may = !p->fetching && (!p->tried || now >= p->tried + (uint64_t)pause * MS);
    if ((!live || now >= p->fresh_until) && may) {
        p->fetching = true;
        return LOOK_FETCH;
    }
    if (live)
        *out = p->kept;
    return live ? LOOK_TAKE : p->fetching ? LOOK_WAIT : LOOK_AWAY;
}

/* What it is that failed is said once, by whoever asked. */
WAITS static int fetch_now(struct provider *p, struct err *err)
{
    struct job j = {.p = p};
    struct err ignored = {0};
    int code = fiber_scope(fetch_scope, &j);
    if (code == 0 && j.code < 0)
        code = away(p, "document", &j.err, j.code == E_CANCELLED ? err : &ignored);
    return code == E_CANCELLED ? code : 0;
}

WAITS static int endpoints(struct provider *p, struct kept *out, struct err *err)
{
    uint64_t until = clock_ns() + (uint64_t)WAIT_MS * MS;
    while (clock_ns() < until) {
        pthread_mutex_lock(&p->lock);
        enum look look = choose(p, out);
        pthread_mutex_unlock(&p->lock);
        if (look == LOOK_TAKE)
            return 0;
        if (look == LOOK_AWAY)
            break;
        int code = look == LOOK_FETCH ? fetch_now(p, err) : fiber_sleep((uint64_t)LOOK_MS * MS);
        if (code < 0)
            return err->code ? err->code : fail(err, code, "the request was given up");
    }
    return fail_field(err, E_BUSY, LIT("provider_away"), LIT(""),
                      "'%.*s' cannot be asked now; come again", STR_ARG(p->config.name));
}

/* Where its endpoints are: of the settings, or of its document. Lives in a. */
WAITS static int find(struct provider *p, struct arena *a, struct provider_endpoints *out,
                      struct err *err)
{
    const struct provider_config *c = &p->config;
    *out = (struct provider_endpoints){.authorize = c->authorize, .token = c->token};
    out->user = c->user;
    if (!c->issuer.len)
        return 0;
    struct kept *k = ARENA_NEW(a, struct kept);
    TRY(endpoints(p, k, err));
    *out = (struct provider_endpoints){str_of(k->authorize), str_of(k->token), str_of(k->user),
                                       k->says_iss, k->basic};
    return 0;
}

/* ---- the browser goes there ---- */

static str text_buf(struct buf *b, struct arena *a)
{
    str out = b->full ? LIT("") : arena_str(a, buf_view(b));
    buf_fini(b);
    return out;
}

static str challenge(struct arena *a, str verifier)
{
    enum { ROOM = 44 };
    unsigned char sum[crypto_hash_sha256_BYTES];
    struct buf b = {.ptr = arena_new(a, ROOM), .cap = ROOM, .limit = ROOM};
    crypto_hash_sha256(sum, (const unsigned char *)verifier.ptr, verifier.len);
    base64url_put(&b, str_make((const char *)sum, sizeof sum));
    return buf_view(&b);
}

int provider_url(struct provider *p, struct arena *a, const struct provider_flow *f, str *out,
                 struct err *err)
{
    enum { QUERY_MOST = 8192 };
    const struct provider_config *c = &p->config;
    struct provider_endpoints e;
    struct buf b;
    TRY(find(p, a, &e, err));
    buf_init(&b, QUERY_MOST);
    provider_put(&b, "response_type", LIT("code"));
    provider_put(&b, "client_id", c->client_id);
    provider_put(&b, "redirect_uri", f->redirect);
    provider_put(&b, "scope", c->scope);
    provider_put(&b, "state", f->state);
    if (c->issuer.len)
        provider_put(&b, "nonce", f->nonce);
    provider_put(&b, "code_challenge", challenge(a, f->verifier));
    provider_put(&b, "code_challenge_method", LIT("S256"));
    if (c->form_post)
        provider_put(&b, "response_mode", LIT("form_post"));
    str query = text_buf(&b, a);
    *out = arena_printf(a, "%.*s%s%.*s", STR_ARG(e.authorize),
                        str_find(e.authorize, '?') == STR_NONE ? "?" : "&", STR_ARG(query));
    return 0;
}

/* ---- the code for tokens ---- */

/* A token about ourselves that we sign, instead of a secret. */
static int make_secret(struct provider *p, struct arena *a, int64_t now, str *out, struct err *err)
{
    enum { CLAIMS_MOST = 2048 };
    const struct provider_config *c = &p->config;
    struct buf b;
    if (!p->key) {
        *out = c->client_secret;
        return 0;
    }
    buf_init(&b, CLAIMS_MOST);
    buf_lit(&b, "{\"iss\":");
    json_text(&b, c->team);
    buf_printf(&b, ",\"iat\":%lld,\"exp\":%lld,\"aud\":", (long long)now,
               (long long)now + SECRET_S);
    json_text(&b, c->issuer);
    buf_lit(&b, ",\"sub\":");
    json_text(&b, c->client_id);
    buf_lit(&b, "}");
    return jwt_sign(a, p->key, LIT("JWT"), text_buf(&b, a), out, err);
}

/* RFC 6749, 2.3.1: both parts are percent-encoded before they are put together. */
static str basic(struct arena *a, str id, str secret)
{
    enum { MOST = 8192 };
    struct buf pair, out;
    buf_init(&pair, MOST);
    buf_init(&out, 2 * MOST);
    provider_escape(&pair, id);
    buf_char(&pair, ':');
    provider_escape(&pair, secret);
    buf_lit(&out, "Authorization: Basic ");
    base64_put(&out, buf_view(&pair));
    buf_fini(&pair);
    return text_buf(&out, a);
}

struct tokens {
    str access, id;
};

WAITS static int trade(struct provider *p, struct arena *a, const struct provider_endpoints *e,
                       const struct provider_flow *f, const struct provider_answer *answer,
                       struct tokens *out, struct err *err)
{
    enum { FORM_MOST = 16384 };
    const struct provider_config *c = &p->config;
    struct err inner = {0};
    str headers[HEADERS_MOST] = {STR_INIT("Accept: application/json"),
                                 STR_INIT("Content-Type: application/x-www-form-urlencoded")};
    size_t count = 2;
    str secret;
    struct buf b;
    TRY(make_secret(p, a, answer->now, &secret, err));
    buf_init(&b, FORM_MOST);
    provider_put(&b, "grant_type", LIT("authorization_code"));
    provider_put(&b, "code", answer->code);
    provider_put(&b, "redirect_uri", f->redirect);
    provider_put(&b, "code_verifier", f->verifier);
    if (secret.len && e->basic && !p->key) {
        headers[count++] = basic(a, c->client_id, secret);
    } else {
        provider_put(&b, "client_id", c->client_id);
        if (secret.len)
            provider_put(&b, "client_secret", secret);
    }
    struct client_call call = {.method = "POST",
                               .url = e->token,
                               .headers = headers,
                               .header_count = count,
                               .body = text_buf(&b, a)};
    if (ask(p, a, &call, &inner) < 0)
        return away(p, "tokens", &inner, err);
    if (call.status >= 300 && call.status < 400)
        return refuse(err, "the provider sends elsewhere for tokens");
    return provider_tokens_read(a, call.answer, &out->access, &out->id, err);
}

/* ---- who it is ---- */

WAITS static int get(struct provider *p, struct arena *a, str url, str access, str *out,
                     struct err *err)
{
    const str headers[] = {LIT("Accept: application/json"),
                           arena_printf(a, "Authorization: Bearer %.*s", STR_ARG(access)),
                           LIT("User-Agent: cairn")};
    struct err inner = {0};
    struct client_call call = {.url = url, .headers = headers, .header_count = COUNT_OF(headers)};
    if (ask(p, a, &call, &inner) < 0)
        return away(p, "user", &inner, err);
    if (call.status != 200)
        return refuse(err, "the provider does not say who it is: status %d", call.status);
    *out = call.answer;
    return 0;
}

static int unreadable(struct err *inner, struct err *err)
{
    return refuse(err, "the provider does not say who it is: %s", inner->text);
}

/* What the ID token leaves out (by scope, a provider may tell it here only). Whose it is must be
 * the same (OpenID Connect Core 1.0, 5.3.2). */
WAITS static int add_user(struct provider *p, struct arena *a, str url, str access,
                          struct provider_person *who, struct err *err)
{
    struct value v;
    struct provider_person more;
    struct err inner = {0};
    str json;
    TRY(get(p, a, url, access, &json, err));
    if (provider_object(a, json, &v, &inner) < 0)
        return unreadable(&inner, err);
    const struct value *sub = value_get(&v, LIT("sub")), *own = value_get(&who->claims, LIT("sub"));
    if (!sub || sub->kind != V_TEXT || !str_eq(sub->text, own->text))
        return refuse(err, "the provider tells of somebody else");
    provider_take(a, &p->config, &v, &more);
    who->email = more.email;
    who->verified = more.verified;
    who->claims = v;
    return 0;
}

/* issuer_check has said why; a word of ours goes with it. */
WAITS static int check_id(struct provider *p, struct arena *a, str id, int64_t now,
                          struct value *claims, struct err *err)
{
    struct err inner = {0};
    int code = issuer_check(p->issuer, a, id, now, claims, &inner);
    if (code == E_SIGNIN)
        return refuse(err, "the ID token is not good: %s", inner.text);
    return code < 0 ? away(p, "keys", &inner, err) : 0;
}

WAITS static int by_id_token(struct provider *p, struct arena *a, str id, str nonce, int64_t now,
                             struct provider_person *out, struct err *err)
{
    struct value claims;
    if (!id.len)
        return refuse(err, "the provider gave no ID token");
    TRY(check_id(p, a, id, now, &claims, err));
    TRY(provider_claims_check(&p->config, &claims, nonce, err));
    provider_take(a, &p->config, &claims, out);
    return 0;
}

WAITS static int by_user(struct provider *p, struct arena *a, str access,
                         struct provider_person *out, struct err *err)
{
    struct err inner = {0};
    str json;
    TRY(get(p, a, p->config.user, access, &json, err));
    if (provider_take_user(a, json, out, &inner) < 0)
        return unreadable(&inner, err);
    TRY(get(p, a, p->config.emails, access, &json, err));
    return provider_take_emails(a, json, out, &inner) < 0 ? unreadable(&inner, err) : 0;
}

/* RFC 9207: a provider that says whose its answers are, says it in each of them. */
static int check_iss(const struct provider_config *c, const struct provider_endpoints *e, str iss,
                     struct err *err)
{
    bool wrong = iss.ptr && c->issuer.len && !c->tenants && !provider_iss_fits(c, iss, LIT(""));
    if (wrong || (e->says_iss && !iss.ptr))
        return refuse(err, "the answer comes from another provider (iss)");
    return 0;
}

int provider_whose(struct provider *p, struct arena *a, str iss, struct err *err)
{
    struct provider_endpoints e;
    TRY(find(p, a, &e, err));
    return check_iss(&p->config, &e, iss, err);
}

int provider_person(struct provider *p, struct arena *a, const struct provider_flow *f,
                    const struct provider_answer *answer, struct provider_person *out,
                    struct err *err)
{
    struct provider_endpoints e;
    struct tokens t;
    TRY(find(p, a, &e, err));
    TRY(check_iss(&p->config, &e, answer->iss, err));
    TRY(trade(p, a, &e, f, answer, &t, err));
    if (!p->issuer)
        return by_user(p, a, t.access, out, err);
    TRY(by_id_token(p, a, t.id, f->nonce, answer->now, out, err));
    return !out->email.len && e.user.len ? add_user(p, a, e.user, t.access, out, err) : 0;
}
