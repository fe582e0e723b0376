/* headers.c -- security headers, put together at the start. SPDX: Apache-2.0
 * An answer of the API is data: its policy lets a browser do nothing with it. Pages (text/html) get
 * one that lets them use what comes from here. */
#include "edge/edge_priv.h"

enum { BLOCK_MOST = 16384 };

static void line(struct buf *b, const char *name, str value)
{
    if (value.len)
        buf_printf(b, "\r\n%s: %.*s", name, STR_ARG(value));
}

static str block(struct edge *e, const struct cache_rule *cache, bool page, bool versioned)
{
    const struct edge_headers *h = &e->config.headers;
    struct buf b;
    buf_init(&b, BLOCK_MOST);
    if (h->on) {
        line(&b, "X-Content-Type-Options", LIT("nosniff"));
        line(&b, "Content-Security-Policy", page ? h->page_policy : h->policy);
        line(&b, "X-Frame-Options", h->frame);
        line(&b, "Referrer-Policy", h->referrer);
        line(&b, "Cross-Origin-Resource-Policy", h->resource);
        line(&b, "Cross-Origin-Opener-Policy", page ? h->opener : (str){"", 0});
        line(&b, "Permissions-Policy", page ? h->permissions : (str){"", 0});
    }
    line(&b, "Cache-Control", cache->value);
    line(&b, "Server", h->server);
    line(&b, "X-API-Version", versioned ? h->version : (str){"", 0});
    str out = arena_str(&e->arena, buf_view(&b));
    buf_fini(&b);
    return out;
}

void headers__make(struct edge *e)
{
    const struct edge_headers *h = &e->config.headers;
    static const struct cache_rule none = {.path = {"", 0}};
    size_t count = e->config.cache_count ? e->config.cache_count : 1;
    e->lines = arena_new(&e->arena, count * sizeof *e->lines);
    for (size_t i = 0; i < count; i++) {
        const struct cache_rule *c = e->config.cache_count ? &e->config.caches[i] : &none;
        e->lines[i][0] = (struct reply_lines){block(e, c, false, false), block(e, c, true, false)};
        e->lines[i][1] = (struct reply_lines){block(e, c, false, true), block(e, c, true, true)};
    }
    if (h->on && h->hsts_s)
        e->hsts = arena_printf(&e->arena, "\r\nStrict-Transport-Security: max-age=%llu%s%s",
                               (unsigned long long)h->hsts_s,
                               h->hsts_subdomains ? "; includeSubDomains" : "",
                               h->hsts_preload ? "; preload" : "");
}

/* The rule of the path; only what a GET gives may be kept. */
static size_t cache_of(const struct edge *e, const struct request *rq)
{
    size_t last = e->config.cache_count ? e->config.cache_count - 1 : 0;
    if (rq->method != METHOD_GET && rq->method != METHOD_HEAD)
        return last;
    for (size_t i = 0; i < last; i++)
        if (edge_path(e->config.caches[i].path, rq->path))
            return i;
    return last;
}

void edge_set_headers(const struct edge *e, struct request *rq)
{
    str prefix = e->config.headers.version_prefix;
    bool below = str_starts(rq->path, prefix) &&
                 (rq->path.len == prefix.len || rq->path.ptr[prefix.len] == '/');
    size_t cache = cache_of(e, rq);
    rq->reply->lines = &e->lines[cache][below];
    if (e->config.cache_count && e->config.caches[cache].vary.len)
        reply_vary(rq->reply, e->config.caches[cache].vary);
    if (e->hsts.len && e->config.proxies.count + e->config.proxies.unix_socket &&
        edge_secure(e, rq))
        reply_more(rq->reply, e->hsts);
}
