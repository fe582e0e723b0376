/* issuer.c -- the keys of an issuer, kept and fetched anew, and tokens checked with them.
 *   none --first token [fetch]--> fresh --max-age--> old --a request [fetch]--> fresh
 *                                   ^                 |--fetch failed--> old, good until `stale`
 *                                   '--a token under a key that is not there [fetch]
 * Invariants: (1) One fetch at a time, and none within `refresh` after the last one, whatever
 * tokens come: who makes up kids makes no traffic. (2) Who has a key that fits does not wait for
 * others' fetches. (3) A token is refused only by what the issuer said: when it cannot be asked,
 * the answer is "later". (4) The algorithm is the key's, and one of the settings (RFC 8725, 3.1).
 * The lock is held for no wait and no signature. SPDX: Apache-2.0 */
#include "auth/issuer_keys.h"

#include "auth/jwk.h"
#include "base/clock.h"
#include "base/mem.h"
#include "fiber/fiber.h"
#include "observe/log.h"

#include <pthread.h>

enum {
    LEEWAY = 30,
    MS = 1000000,
    LOOK_MS = 10,
    WAIT_MS = 15000,
    CALL_MS = 5000,
    FETCH_MEMORY = 8 << 20
};

struct issuer {
    struct issuer_config config;
    struct issuer_times times;
    struct client *client;
    pthread_mutex_t lock;                 /* of all below */
    struct issuer_keys *keys;             /* NULL: none were ever there */
    uint64_t tried, fetched, fresh_until; /* clock_ns */
    bool fetching, failed;                /* the last fetch failed */
};

#define refuse(err, ...) fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""), __VA_ARGS__)

struct issuer *issuer_new(const struct issuer_config *c, const struct issuer_times *t,
                          struct client *client)
{
    struct issuer *s = mem_zero(1, sizeof *s);
    s->config = *c;
    s->times = *t;
    s->client = client;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void issuer_free(struct issuer **s)
{
    if (!*s)
        return;
    issuer_keys_free(&(*s)->keys);
    pthread_mutex_destroy(&(*s)->lock);
    mem_free(*s);
    *s = NULL;
}

const struct issuer_config *issuer_config_of(const struct issuer *s)
{
    return &s->config;
}

/* ---- fetching ---- */

WAITS static int get(struct issuer *s, struct arena *a, str url, bool trusted,
                     struct client_call *call, struct err *err)
{
    static const str headers[] = {STR_INIT("Accept: application/json")};
    *call = (struct client_call){.url = url,
                                 .headers = headers,
                                 .header_count = COUNT_OF(headers),
                                 .trusted = trusted,
                                 .tls = str_starts(url, LIT("https://")),
                                 .timeout_ms = CALL_MS,
                                 .answer_most = ISSUER_ANSWER_MOST};
    TRY(client_http(s->client, a, call, err));
    if (call->status != 200)
        return fail(err, E_BAD, "'%.*s' answers with status %d", STR_ARG(url), call->status);
    return 0;
}

/* Its document names a place; one that is not its own must be public, and as safe. */
WAITS static int discover(struct issuer *s, struct arena *a, str *url, bool *trusted,
                          struct err *err)
{
    struct client_call call;
    str base = s->config.issuer;
    if (str_ends(base, LIT("/")))
        base.len--;
    TRY(get(s, a, arena_printf(a, "%.*s/.well-known/openid-configuration", STR_ARG(base)), true,
            &call, err));
    TRY(issuer_jwks_uri(a, call.answer, s->config.issuer, url, err));
    *trusted = issuer_same_origin(*url, s->config.issuer);
    if (!*trusted && !str_starts(*url, LIT("https://")))
        return fail(err, E_BAD, "the jwks_uri of '%.*s' is no https URL", STR_ARG(base));
    return 0;
}

static int64_t lifetime(const struct issuer *s, const struct client_call *call)
{
    int64_t age = issuer_max_age(client_header(call, LIT("Cache-Control"))) * 1000;
    if (age < 0 || age > s->times.keys)
        return s->times.keys;
    return age < s->times.refresh ? s->times.refresh : age;
}

WAITS static int fetch(struct issuer *s, struct arena *a, struct issuer_keys **keys, int64_t *ms,
                       struct err *err)
{
    struct client_call call;
    str url = s->config.jwks;
    bool trusted = true;
    if (!url.len)
        TRY(discover(s, a, &url, &trusted, err));
    TRY(get(s, a, url, trusted, &call, err));
    *ms = lifetime(s, &call);
    return issuer_keys_read(call.answer, s->config.algs, keys, err);
}

static void let_go(struct issuer *s, struct issuer_keys **k)
{
    pthread_mutex_lock(&s->lock);
    bool last = *k && --(*k)->refs == 0;
    pthread_mutex_unlock(&s->lock);
    if (last)
        issuer_keys_free(k);
    *k = NULL;
}

static void put_in(struct issuer *s, struct issuer_keys *keys, int64_t ms)
{
    pthread_mutex_lock(&s->lock);
    struct issuer_keys *old = s->keys;
    s->keys = keys;
    s->failed = false;
    s->fetched = clock_ns();
    s->fresh_until = s->fetched + (uint64_t)ms * MS;
    pthread_mutex_unlock(&s->lock);
    let_go(s, &old);
}

static void say_failed(const struct issuer *s, const struct err *err)
{
    struct log l;
    log_begin(&l, LOG_WARN, "the keys of an issuer cannot be fetched");
    log_str(&l, "issuer", s->config.issuer);
    log_str(&l, "error", str_of(err->text));
    log_end(&l);
}

struct job {
    struct issuer *s;
    struct arena arena;
    int code;
    struct err err;
};

/* Whatever happens in between: the next one may fetch. */
static void fetched(void *arg)
{
    struct job *j = arg;
    pthread_mutex_lock(&j->s->lock);
    j->s->fetching = false;
    j->s->tried = clock_ns();
    pthread_mutex_unlock(&j->s->lock);
    arena_reset(&j->arena);
}

static void fetch_scope(void *arg)
{
    struct job *j = arg;
    struct issuer_keys *keys;
    int64_t ms;
    arena_init(&j->arena, FETCH_MEMORY);
    fiber_defer(fetched, j);
    j->code = fetch(j->s, &j->arena, &keys, &ms, &j->err);
    if (j->code == 0)
        put_in(j->s, keys, ms);
}

/* Fails with CANCELLED alone: else what came of it is seen in s. */
WAITS static int fetch_now(struct issuer *s, struct err *err)
{
    struct job j = {.s = s};
    int code = fiber_scope(fetch_scope, &j);
    code = code < 0 ? code : j.code;
    if (code == E_CANCELLED) {
        *err = j.err;
        return code;
    }
    if (code < 0) {
        pthread_mutex_lock(&s->lock);
        s->failed = true;
        pthread_mutex_unlock(&s->lock);
        say_failed(s, &j.err);
    }
    return 0;
}

/* ---- choosing keys ---- */

static bool fits(const struct issuer_keys *keys, const struct value *head)
{
    str kid = value_get_text(head, "kid"), alg = value_get_text(head, "alg");
    for (size_t i = 0; keys && i < keys->count; i++) {
        const struct jwk *k = keys->list[i];
        if ((!kid.ptr || str_eq(kid, jwk_kid(k))) && str_is(alg, jwt_alg_name(jwk_alg(k))))
            return true;
    }
    return false;
}

enum look { LOOK_TAKE, LOOK_FETCH, LOOK_WAIT, LOOK_AWAY, LOOK_UNKNOWN };

/* Under the lock. TAKE holds *out, FETCH has taken the right to fetch. */
static enum look choose(struct issuer *s, const struct value *head, struct issuer_keys **out)
{
    uint64_t now = clock_ns();
    bool live = s->keys && now < s->fetched + (uint64_t)s->times.stale * MS;
    bool fit = live && fits(s->keys, head);
    bool may = !s->fetching && (!s->tried || now >= s->tried + (uint64_t)s->times.refresh * MS);
    if (may && (!fit || now >= s->fresh_until)) {
        s->fetching = true;
        return LOOK_FETCH;
    }
    if (fit) {
        s->keys->refs++;
        *out = s->keys;
        return LOOK_TAKE;
    }
    if (s->fetching)
        return LOOK_WAIT;
    return !live || s->failed ? LOOK_AWAY : LOOK_UNKNOWN;
}

static int away(const struct issuer *s, struct err *err)
{
    return fail_field(err, E_BUSY, LIT("issuer_away"), LIT(""),
                      "the keys of '%.*s' cannot be had now; come again",
                      STR_ARG(s->config.issuer));
}

WAITS static int keys_for(struct issuer *s, const struct value *head, struct issuer_keys **out,
                          struct err *err)
{
    uint64_t until = clock_ns() + (uint64_t)WAIT_MS * MS;
    while (clock_ns() < until) {
        pthread_mutex_lock(&s->lock);
        enum look look = choose(s, head, out);
        pthread_mutex_unlock(&s->lock);
        if (look == LOOK_TAKE)
            return 0;
        if (look == LOOK_AWAY)
            break;
        if (look == LOOK_UNKNOWN)
            return refuse(err, "the token is not signed by a known key");
        int code = look == LOOK_FETCH ? fetch_now(s, err) : fiber_sleep((uint64_t)LOOK_MS * MS);
        if (code < 0)
            return err->code ? err->code : fail(err, code, "the request was given up");
    }
    return away(s, err);
}

/* ---- checking ---- */

static int allowed(const struct issuer *s, const struct value *head, struct err *err)
{
    enum jwt_alg alg;
    str name = value_get_text(head, "alg");
    if (jwt_alg_find(name, &alg) && s->config.algs >> alg & 1)
        return 0;
    return refuse(err, "'%.*s' is no algorithm that tokens of this issuer may have",
                  STR_ARG(str_upto(name, 20)));
}

int issuer_check(struct issuer *s, struct arena *a, str token, int64_t now, struct value *claims,
                 struct err *err)
{
    struct value head;
    struct issuer_keys *keys = NULL;
    TRY(jwt_peek(a, token, &head, claims, err));
    TRY(allowed(s, &head, err));
    TRY(keys_for(s, &head, &keys, err));
    struct jwt_rules rules = {.keys = (const struct jwk *const *)keys->list,
                              .key_count = keys->count,
                              .typ = s->config.typ,
                              .issuer = s->config.issuer,
                              .audience = s->config.audience,
                              .now = now,
                              .leeway = LEEWAY};
    int code = jwt_check(a, token, &rules, claims, err);
    let_go(s, &keys);
    return code;
}
