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

/* version: ptr NULL: of a path that has none. */
static str block(struct edge *e, const struct cache_rule *cache, bool page, str version)
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
    line(&b, "X-API-Version", version);
    str out = arena_str(&e->arena, buf_view(&b));
    buf_fini(&b);
    return out;
}

/* kind 0: of paths without a version; else of that version. */
static struct reply_lines lines_of(struct edge *e, const struct cache_rule *cache, size_t kind)
{
    const struct edge_versions *v = &e->config.versions;
    str name = kind ? e->config.headers.version : (str){"", 0};
    struct reply_lines out;
    if (kind && v->count && name.len)
        name = v->list[kind - 1].name;
    out.plain = block(e, cache, false, name);
    out.page = block(e, cache, true, name);
    if (kind && v->count && v->list[kind - 1].lines.len) {
        str more = v->list[kind - 1].lines;
        out.plain = arena_printf(&e->arena, "%.*s%.*s", STR_ARG(out.plain), STR_ARG(more));
        out.page = arena_printf(&e->arena, "%.*s%.*s", STR_ARG(out.page), STR_ARG(more));
    }
    return out;
}

void headers__make(struct edge *e)
{
    const struct edge_headers *h = &e->config.headers;
    static const struct cache_rule none = {.path = {"", 0}};
    size_t count = e->config.cache_count ? e->config.cache_count : 1;
    e->line_kinds = 1 + (e->config.versions.count ? e->config.versions.count : 1);
    e->lines = arena_new(&e->arena, count * e->line_kinds * sizeof *e->lines);
    for (size_t i = 0; i < count; i++) {
        const struct cache_rule *c = e->config.cache_count ? &e->config.caches[i] : &none;
        for (size_t k = 0; k < e->line_kinds; k++)
            e->lines[i * e->line_kinds + k] = lines_of(e, c, k);
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

static size_t kind_of(const struct edge *e, const struct request *rq)
{
    str prefix = e->config.headers.version_prefix;
    if (UNLIKELY(e->config.versions.count))
        return rq->version;
    return str_starts(rq->path, prefix) &&
           (rq->path.len == prefix.len || rq->path.ptr[prefix.len] == '/');
}

void edge_set_headers(const struct edge *e, struct request *rq)
{
    size_t cache = cache_of(e, rq);
    rq->reply->lines = &e->lines[cache * e->line_kinds + kind_of(e, rq)];
    str vary = e->config.cache_count ? e->config.caches[cache].vary : LIT("");
    if (vary.len && LIKELY(!rq->reply->vary_count))
        rq->reply->vary[rq->reply->vary_count++] = vary; /* one text stands for all its names */
    else if (vary.len)
        reply_vary(rq->reply, vary);
    if (UNLIKELY(rq->version && e->config.versions.list[rq->version - 1].successor.len))
        version__successor(e, rq);
    if (e->hsts.len && e->config.proxies.count + e->config.proxies.unix_socket &&
        edge_secure(e, rq))
        reply_more(rq->reply, e->hsts);
}
