/* idempotency_key.c -- the header's value, and what a request is known by. SPDX: Apache-2.0
 * The draft wants a string of structured fields ("8e03978e-40d5"); most clients send it bare. Both
 * are read, and mean the same key.
 * Invariant: texts go into a digest with their lengths, so that no two lists of texts are alike. */
#include "edge/idempotency_priv.h"

#include "data/principal.h"

#include <arpa/inet.h>

enum { KEY_MOST = 255 };

/* ---- the header ---- */

static const char *quoted(struct arena *a, str in, str *out)
{
    char *text = arena_new(a, in.len);
    size_t len = 0, i = 1;
    for (; i < in.len && in.ptr[i] != '"'; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        if (c == '\\') {
            if (i + 1 == in.len || (in.ptr[i + 1] != '"' && in.ptr[i + 1] != '\\'))
                return "a backslash stands before a quote or another backslash only";
            c = (unsigned char)in.ptr[++i];
        }
        if (c < 0x20 || c > 0x7e)
            return "it may hold printable ASCII only";
        text[len++] = (char)c;
    }
    if (i + 1 != in.len)
        return i < in.len ? "something stands behind its closing quote"
                          : "its closing quote is "
                            "missing";
    *out = str_make(text, len);
    return NULL;
}

static const char *bare(str in, str *out)
{
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        if (c <= 0x20 || c > 0x7e || c == '"')
            return "without quotes it may hold no blank and no quote, and ASCII only";
    }
    *out = in;
    return NULL;
}

const char *idempotency_key_parse(struct arena *a, str value, str *out)
{
    str in = str_trim(value);
    const char *why = in.len && in.ptr[0] == '"' ? quoted(a, in, out) : bare(in, out);
    if (why)
        return why;
    return out->len >= 1 && out->len <= KEY_MOST ? NULL : "it has 1 to 255 characters";
}

int idempotency__key(struct request *rq, str *out, struct err *err)
{
    const str name = LIT("Idempotency-Key");
    const char *why = NULL;
    *out = (str){NULL, 0};
    for (size_t i = 0; i < rq->header_count && !why; i++) {
        if (!str_eqi(rq->headers[i].name, name))
            continue;
        why = out->ptr ? "it stands there twice"
                       : idempotency_key_parse(&rq->arena, rq->headers[i].value, out);
    }
    if (!why)
        return 0;
    return fail_field(err, E_BAD, LIT("bad_idempotency_key"), name,
                      "the Idempotency-Key cannot be read: %s", why);
}

/* ---- digests ---- */

typedef struct crypto_hash_sha256_state digest;

static void add(digest *d, str s)
{
    uint64_t len = s.len;
    crypto_hash_sha256_update(d, (const uint8_t *)&len, sizeof len);
    if (s.len)
        crypto_hash_sha256_update(d, (const uint8_t *)s.ptr, s.len);
}

static str hex(struct arena *a, const uint8_t *bytes, size_t count)
{
    char *text = arena_new(a, 2 * count + 1);
    sodium_bin2hex(text, 2 * count + 1, bytes, count);
    return str_make(text, 2 * count);
}

/* ---- who asks ---- */

/* An API key is a secret, and never stands in a table. */
static str by_api_key(struct arena *a, str key)
{
    uint8_t out[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(out, (const uint8_t *)key.ptr, key.len);
    return arena_printf(a, "key:%.*s", STR_ARG(hex(a, out, sizeof out)));
}

/* Callers that nobody knows share nothing but their address. */
static str caller_of(const struct edge *e, struct request *rq)
{
    edge_caller_fn *who = e->config.caller ? e->config.caller : who__caller;
    char text[INET6_ADDRSTRLEN];
    struct edge_caller c;
    struct address from;
    who(e, rq, &c);
    if (rq->principal && rq->principal->key.len) /* may see less than its owner */
        return arena_printf(&rq->arena, "user:%.*s key:%.*s", STR_ARG(c.user), STR_ARG(c.key));
    if (c.user.len)
        return arena_printf(&rq->arena, "user:%.*s", STR_ARG(c.user));
    if (c.key.len)
        return by_api_key(&rq->arena, c.key);
    if (!edge_client(e, rq, &from) || !inet_ntop(AF_INET6, from.bytes, text, sizeof text))
        return LIT("unix");
    return arena_printf(&rq->arena, "address:%s", text);
}

/* ---- the record ---- */

void idempotency__record(const struct edge *e, struct request *rq, str key, str body,
                         struct record *out)
{
    uint8_t print[crypto_hash_sha256_BYTES];
    digest d;
    *out = (struct record){.caller = caller_of(e, rq), .key = key};
    crypto_hash_sha256_init(&d);
    add(&d, out->caller);
    add(&d, rq->method_text);
    add(&d, str_of(rq->route));
    add(&d, key);
    crypto_hash_sha256_final(&d, out->id);
    out->name = hex(&rq->arena, out->id, sizeof out->id);
    crypto_hash_sha256_init(&d);
    add(&d, rq->method_text);
    add(&d, rq->target);
    str type = request_header(rq, LIT("Content-Type"));
    add(&d, rq->formed ? str_upto(type, str_find(type, ';')) : type); /* boundaries differ */
    add(&d, body);
    crypto_hash_sha256_final(&d, print);
    out->fingerprint = hex(&rq->arena, print, sizeof print);
}
