/* identity.c -- tokens made and checked. A signature takes a tenth of a millisecond to check: what
 * a thread has checked it keeps until it expires or a session is revoked. A token is found by a
 * hash of its text and then compared as a whole, since each request pays for it; a digest under a
 * key stands for credentials that live longer. SPDX: Apache-2.0 */
#include "auth/identity_priv.h"

#include "base/mem.h"

#include <sodium.h>
#include <time.h>

enum { DIGEST = 16, KEPT_MOST = 1024, TOKEN_MEMORY = 1 << 19, LEEWAY = 5 };

struct signed_in {
    unsigned refs;
    enum signed_by by;
    const struct identity *of;
    unsigned char digest[DIGEST];
    int64_t expires;
    const struct keyring *ring; /* that it was checked with */
    unsigned stamp;             /* of the revocations it was last compared with */
    unsigned changed;           /* of the changes, from before its roles were read */
    int64_t roles_s;            /* when they were; of a token 0: not yet */
    str sid, token;             /* token: of BY_TOKEN */
    struct principal principal;
    struct arena arena;
};

static _Thread_local struct signed_in *kept[KEPT_MOST];

/* ---- life ---- */

int identity_open(const struct identity_config *c, struct identity **out, bool *made,
                  struct err *err)
{
    struct identity *i = mem_zero(1, sizeof *i);
    i->config = *c;
    int code = sodium_init() < 0 ? fail(err, E_INTERNAL, "no random numbers")
                                 : keys_open(&i->keys, i->config.file, c->alg, made, err);
    if (code == 0)
        code = passwords_new(&c->passwords, &i->passwords, err);
    if (code < 0) {
        keys_close(&i->keys);
        mem_free(i);
        return code;
    }
    revoked_init(&i->revoked);
    BUG_ON(c->issuer_count > ISSUERS_MOST);
    for (size_t k = 0; k < c->issuer_count; k++)
        i->issuers[k] = issuer_new(&c->issuers[k], &c->issuer_times, c->client);
    BUG_ON(c->provider_count > PROVIDERS_MOST);
    for (size_t k = 0; code == 0 && k < c->provider_count; k++)
        code = provider_new(&c->providers[k], &c->issuer_times, c->client, &i->providers[k], err);
    if (code < 0)
        identity_close(&i);
    *out = i;
    return code;
}

void identity_close(struct identity **i)
{
    if (!*i)
        return;
    for (size_t k = 0; k < ISSUERS_MOST; k++)
        issuer_free(&(*i)->issuers[k]);
    for (size_t k = 0; k < PROVIDERS_MOST; k++)
        provider_free(&(*i)->providers[k]);
    passwords_free(&(*i)->passwords);
    keys_close(&(*i)->keys);
    revoked_fini(&(*i)->revoked);
    mem_free(*i);
    *i = NULL;
}

struct passwords *identity_passwords(struct identity *i)
{
    return i->passwords;
}

int identity_refresh(struct identity *i, struct err *err)
{
    return keys_refresh(&i->keys, err);
}

const struct identity_config *identity_config_of(const struct identity *i)
{
    return &i->config;
}

void identity_jwks(const struct identity *i, struct buf *out)
{
    bool first = true;
    const struct keyring *ring = keys_now(&i->keys);
    buf_lit(out, "{\"keys\":[");
    for (size_t k = 0; k < ring->count; k++) {
        if (jwk_alg(ring->keys[k]) == JWT_HS256)
            continue;
        if (!first)
            buf_lit(out, ",");
        jwk_write(out, ring->keys[k], false);
        first = false;
    }
    buf_lit(out, "]}");
}

/* ---- access tokens ---- */

#define OWN LIT("cairn") /* client_id of tokens that are for no app */

static void put_roles(struct buf *b, const struct ticket *t)
{
    buf_lit(b, ",\"roles\":[");
    for (size_t i = 0; i < t->role_count; i++) {
        if (i)
            buf_lit(b, ",");
        json_text(b, t->roles[i]);
    }
    buf_lit(b, "]");
}

static bool reserved(str name)
{
    static const char *const names[] = {"iss", "aud", "sub", "sid",   "iat",
                                        "exp", "nbf", "jti", "roles", "client_id"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_is(name, names[i]))
            return true;
    }
    return false;
}

int64_t identity_token_end(const struct identity *i, const struct ticket *t)
{
    int64_t end = t->now + i->config.access_seconds;
    return t->end && t->end < end ? t->end : end;
}

static void put_claims(struct buf *b, const struct identity *i, const struct ticket *t)
{
    char jti[36];
    uuid_v4(jti);
    buf_lit(b, "{\"iss\":");
    json_text(b, i->config.issuer);
    buf_lit(b, ",\"aud\":");
    json_text(b, i->config.audience);
    buf_lit(b, ",\"sub\":");
    json_text(b, t->subject);
    buf_lit(b, ",\"sid\":");
    json_text(b, t->sid);
    buf_lit(b, ",\"client_id\":");
    json_text(b, t->app.len ? t->app : OWN);
    buf_printf(b, ",\"jti\":\"%.36s\",\"iat\":%lld,\"exp\":%lld", jti, (long long)t->now,
               (long long)identity_token_end(i, t));
    if (t->app.len) { /* whose it is, and what it may, is looked up: an app can read its tokens */
        buf_lit(b, ",\"scope\":");
        json_text(b, t->scope);
        buf_lit(b, "}");
        return;
    }
    put_roles(b, t);
    for (size_t k = 0; t->claims && k < t->claims->count; k++) {
        if (reserved(t->claims->fields[k].name))
            continue;
        buf_lit(b, ",");
        json_text(b, t->claims->fields[k].name);
        buf_lit(b, ":");
        json_value(b, &t->claims->fields[k].value);
    }
    buf_lit(b, "}");
}

int identity_token(struct arena *a, const struct identity *i, const struct ticket *t, str *out,
                   struct err *err)
{
    struct buf b;
    buf_init(&b, JWT_LENGTH_MOST / 2);
    put_claims(&b, i, t);
    int code =
        b.full ? fail(err, E_TOOBIG, "the claims of the token are too long")
               : jwt_sign(a, keys_now(&i->keys)->keys[0], LIT("at+jwt"), buf_view(&b), out, err);
    buf_fini(&b);
    return code;
}

int identity_sign(struct arena *a, const struct identity *i, str claims, str *out, struct err *err)
{
    return jwt_sign(a, keys_now(&i->keys)->keys[0], LIT("JWT"), claims, out, err);
}

enum jwt_alg identity_alg(const struct identity *i)
{
    return jwk_alg(keys_now(&i->keys)->keys[0]);
}

/* ---- checking them ---- */

int64_t signed_in_until(const struct signed_in *s)
{
    return s->expires;
}

const struct principal *signed_in_principal(const struct signed_in *s)
{
    return &s->principal;
}

str signed_in_sid(const struct signed_in *s)
{
    return s->sid;
}

enum signed_by signed_in_by(const struct signed_in *s)
{
    return s->by;
}

void identity_release(struct signed_in **s)
{
    if (*s && --(*s)->refs == 0) {
        arena_reset(&(*s)->arena);
        mem_free(*s);
    }
    *s = NULL;
}

void identity_thread_end(void)
{
    for (size_t i = 0; i < KEPT_MOST; i++)
        identity_release(&kept[i]);
}

static void take_roles(struct signed_in *s, const struct value *claims)
{
    const struct value *v = value_get(claims, LIT("roles"));
    size_t count = v && v->kind == V_ARRAY ? v->count : 0;
    str *roles = ARENA_ARRAY(&s->arena, str, count);
    for (size_t i = 0; i < count; i++) {
        if (v->items[i].kind == V_TEXT)
            roles[s->principal.role_count++] = v->items[i].text;
    }
    s->principal.roles = roles;
}

/* A token under a key that is not known may be one of another process, with the newest key. */
static int check_any(struct identity *i, str token, struct jwt_rules *rules, struct signed_in *s,
                     struct value *claims, struct err *err)
{
    int code = jwt_check(&s->arena, token, rules, claims, err);
    struct err none = {0};
    if (code == 0 || keys_refresh(&i->keys, &none) <= 0)
        return code;
    *err = (struct err){0};
    s->ring = keys_now(&i->keys);
    rules->keys = (const struct jwk *const *)s->ring->keys;
    rules->key_count = s->ring->count;
    return jwt_check(&s->arena, token, rules, claims, err);
}

static int refused(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""), "the token is of nobody");
}

static int check(struct identity *i, str token, int64_t now, struct signed_in *s, struct err *err)
{
    struct value claims;
    s->ring = keys_now(&i->keys);
    struct jwt_rules rules = {.keys = (const struct jwk *const *)s->ring->keys,
                              .key_count = s->ring->count,
                              .typ = LIT("at+jwt"),
                              .issuer = i->config.issuer,
                              .audience = i->config.audience,
                              .now = now,
                              .leeway = LEEWAY};
    s->token = arena_str(&s->arena, token);
    TRY(check_any(i, s->token, &rules, s, &claims, err));
    s->expires = value_get(&claims, LIT("exp"))->i + LEEWAY;
    s->sid = value_get_text(&claims, "sid");
    s->principal.subject = value_get_text(&claims, "sub");
    if (!str_eq(value_get_text(&claims, "client_id"), OWN)) {
        s->principal.app = value_get_text(&claims, "client_id");
        s->principal.scope = value_get_text(&claims, "scope");
        static const str nothing[1];
        s->principal.can = nothing; /* until account/app.c says what */
        if (!s->principal.app.len)
            return refused(err);
    }
    s->principal.claims = claims;
    take_roles(s, &claims);
    return 0;
}

static int expired(struct err *err)
{
    return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""), "the token has expired");
}

static bool account_old(const struct identity *i, const struct signed_in *s, int64_t now)
{
    int seconds = atomic_load(&i->follows);
    return seconds && (atomic_load(&i->changed) != s->changed || now > s->roles_s + seconds ||
                       now < s->roles_s);
}

/* Revocations since the token was last looked at. */
static int still_good(struct identity *i, struct signed_in *s, int64_t now, struct err *err)
{
    unsigned stamp = atomic_load(&i->revoked.stamp);
    if (s->expires <= now)
        return expired(err);
    if (s->stamp == stamp)
        return 0;
    if (s->sid.len && revoked_has(&i->revoked, s->sid, now))
        return fail_field(err, E_SIGNIN, LIT("invalid_token"), LIT(""),
                          "the session of the token is over");
    s->stamp = stamp;
    return 0;
}

static struct signed_in *made(struct identity *i, str token, int64_t now, struct err *err)
{
    struct signed_in *s = mem_zero(1, sizeof *s);
    s->refs = 1;
    s->of = i;
    arena_init(&s->arena, TOKEN_MEMORY);
    if (check(i, token, now, s, err) < 0)
        identity_release(&s);
    return s;
}

/* The place of a credential among those that the thread keeps. */
static struct signed_in **slot_of(const struct keyring *ring, str secret, unsigned char *digest)
{
    uint32_t at;
    crypto_generichash(digest, DIGEST, (const unsigned char *)secret.ptr, secret.len, ring->mac,
                       sizeof ring->mac);
    memcpy(&at, digest, sizeof at);
    return &kept[at % KEPT_MOST];
}

static bool is_that(const struct signed_in *s, const struct identity *i, enum signed_by by,
                    const unsigned char *digest)
{
    return s && s->of == i && s->by == by && sodium_memcmp(s->digest, digest, DIGEST) == 0;
}

/* Looks at every byte, whatever the first ones are: how long it takes tells nothing. */
static bool same(str x, str y)
{
    typedef uint64_t lanes __attribute__((vector_size(16)));
    lanes differ = {0, 0}, a, b;
    unsigned char rest = 0;
    size_t at = 0;
    if (x.len != y.len)
        return false;
    for (; at + sizeof a <= x.len; at += sizeof a) {
        memcpy(&a, x.ptr + at, sizeof a);
        memcpy(&b, y.ptr + at, sizeof b);
        differ |= a ^ b;
    }
    for (; at < x.len; at++)
        rest |= (unsigned char)x.ptr[at] ^ (unsigned char)y.ptr[at];
    return (differ[0] | differ[1] | rest) == 0;
}

/* The end of a token is its signature's: that alone tells tokens apart. */
static struct signed_in **slot_of_token(str token)
{
    enum { TAIL = 32 };
    return &kept[str_hash(token.len > TAIL ? str_from(token, token.len - TAIL) : token) %
                 KEPT_MOST];
}

static bool is_token(const struct signed_in *s, const struct identity *i, str token)
{
    return s && s->of == i && s->by == BY_TOKEN && same(s->token, token);
}

int identity_check(struct identity *i, str token, int64_t now, struct signed_in **out,
                   struct err *err)
{
    struct signed_in **slot = slot_of_token(token), *s = *slot;
    if (!is_token(s, i, token) || s->ring != keys_now(&i->keys)) {
        s = made(i, token, now, err);
        if (!s)
            return err->code;
        s->stamp = ~atomic_load(&i->revoked.stamp);
        identity_release(slot);
        *slot = s;
    }
    TRY(still_good(i, s, now, err));
    s->refs++;
    *out = s;
    return 0;
}

bool identity_outside(const struct identity *i)
{
    return i->config.issuer_count != 0;
}

bool identity_holds(struct identity *i, str token)
{
    return is_token(*slot_of_token(token), i, token);
}

struct issuer *identity_issuer(const struct identity *i, str iss)
{
    for (size_t k = 0; k < i->config.issuer_count; k++) {
        if (str_eq(i->config.issuers[k].issuer, iss))
            return i->issuers[k];
    }
    return NULL;
}

struct provider *identity_provider(const struct identity *i, str name)
{
    for (size_t k = 0; k < i->config.provider_count; k++) {
        if (str_eq(i->config.providers[k].name, name))
            return i->providers[k];
    }
    return NULL;
}

/* What is refused here is remembered for longer than anything that was kept of it. */
static int64_t longest(const struct identity *i)
{
    bool token = i->config.access_seconds > KEPT_SECONDS;
    return (token ? i->config.access_seconds : KEPT_SECONDS) + 2 * LEEWAY;
}

void identity_revoke(struct identity *i, str sid, int64_t now)
{
    if (revoked_has(&i->revoked, sid, now))
        return; /* told again by the sync: one place is enough */
    revoked_add(&i->revoked, sid, now + longest(i));
}

int64_t identity_synced(const struct identity *i, int64_t now)
{
    return i->synced ? i->synced : now - longest(i);
}

void identity_sync_done(struct identity *i, int64_t now)
{
    i->synced = now;
}

/* ---- other credentials ---- */

struct signed_in *identity_kept(struct identity *i, enum signed_by by, str secret, int64_t now,
                                struct identity_stamp *stamp)
{
    unsigned char digest[DIGEST];
    struct err ignored = {0};
    struct signed_in *s = *slot_of(keys_now(&i->keys), secret, digest);
    *stamp = identity_stamp(i);
    if (!is_that(s, i, by, digest) || account_old(i, s, now) || still_good(i, s, now, &ignored) < 0)
        return NULL;
    s->refs++;
    return s;
}

static const str *copy_texts(struct arena *a, const str *list, size_t count)
{
    str *out = ARENA_ARRAY(a, str, count);
    for (size_t k = 0; k < count; k++)
        out[k] = arena_str(a, list[k]);
    return out;
}

static void copy_principal(struct arena *a, const struct principal *p, struct principal *out)
{
    *out = (struct principal){.subject = arena_str(a, p->subject),
                              .claims = value_copy(a, &p->claims),
                              .roles = copy_texts(a, p->roles, p->role_count),
                              .role_count = p->role_count,
                              .key = arena_str(a, p->key),
                              .app = arena_str(a, p->app),
                              .scope = arena_str(a, p->scope),
                              .can = p->can ? copy_texts(a, p->can, p->can_count) : NULL,
                              .can_count = p->can_count};
}

struct signed_in *identity_keep(struct identity *i, enum signed_by by, str secret, str sid,
                                const struct principal *p, int64_t expires,
                                struct identity_stamp stamp)
{
    struct signed_in *s = mem_zero(1, sizeof *s);
    struct signed_in **slot = slot_of(keys_now(&i->keys), secret, s->digest);
    arena_init(&s->arena, TOKEN_MEMORY);
    s->refs = 2; /* the slot's, and the caller's */
    s->of = i;
    s->by = by;
    s->expires = expires;
    s->stamp = stamp.revoked;
    s->changed = stamp.changed;
    s->roles_s = (int64_t)time(NULL);
    s->sid = arena_str(&s->arena, sid);
    copy_principal(&s->arena, p, &s->principal);
    identity_release(slot);
    *slot = s;
    return s;
}

/* ---- accounts that change ---- */

void identity_follow(struct identity *i, int seconds)
{
    atomic_store(&i->follows, seconds);
}

void identity_changed(struct identity *i)
{
    atomic_fetch_add(&i->changed, 1);
}

bool identity_stale(const struct identity *i, const struct signed_in *s, int64_t now)
{
    return s->by == BY_TOKEN && s->principal.subject.len && account_old(i, s, now);
}

struct identity_stamp identity_stamp(const struct identity *i)
{
    return (struct identity_stamp){atomic_load(&i->revoked.stamp), atomic_load(&i->changed)};
}

/* Requests that run hold the old one. */
void identity_renew(struct identity *i, struct signed_in **out, const struct principal *p,
                    int64_t now, struct identity_stamp stamp)
{
    struct signed_in *old = *out, *s = mem_zero(1, sizeof *s);
    arena_init(&s->arena, TOKEN_MEMORY);
    s->refs = 1;
    s->of = i;
    s->by = old->by;
    s->expires = old->expires;
    s->ring = old->ring;
    s->stamp = old->stamp;
    s->changed = stamp.changed;
    s->roles_s = now;
    s->sid = arena_str(&s->arena, old->sid);
    s->token = arena_str(&s->arena, old->token);
    copy_principal(&s->arena, p, &s->principal);
    struct signed_in **slot = slot_of_token(s->token);
    if (*slot == old) {
        identity_release(slot);
        *slot = s;
        s->refs++;
    }
    identity_release(out);
    *out = s;
}
