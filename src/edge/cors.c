/* cors.c -- which other origins' pages may read answers (the Fetch standard's CORS protocol).
 * SPDX: Apache-2.0
 * A browser asks on behalf of a page and keeps the answer from it unless we say that its origin may
 * have it. Who is not allowed gets a plain answer: the browser does the rest.
 * Invariants: (1) Every answer under a rule that depends on the origin says `Vary: Origin`, also
 * without Origin and when refused, so that no cache hands one origin's answer to another. (2) `*`
 * and credentials never meet: the settings refuse it. (3) `null` matches nothing but `*`. (4) The
 * lines are in the reply before anything can fail: errors carry them too. */
#include "edge/edge_priv.h"

enum { BLOCK_MOST = 32768, ORIGIN_MOST = 512 };

/* ---- at the start ---- */

static str keep(struct edge *e, struct buf *b)
{
    str out = arena_str(&e->arena, buf_view(b));
    BUG_ON(b->full);
    buf_clear(b);
    return out;
}

static bool depends(const struct cors_rule *r)
{
    return r->origin_count > 0 && !(r->origins[0].any && !r->credentials);
}

static void make_rule(struct edge *e, const struct cors_rule *r, struct cors_lines *out)
{
    struct buf b;
    buf_init(&b, BLOCK_MOST);
    if (r->credentials)
        buf_lit(&b, "\r\nAccess-Control-Allow-Credentials: true");
    if (r->expose.len)
        buf_printf(&b, "\r\nAccess-Control-Expose-Headers: %.*s", STR_ARG(r->expose));
    out->behind = keep(e, &b);
    out->exact = ARENA_ARRAY(&e->arena, str, r->origin_count + 1);
    for (size_t i = 0; i < r->origin_count; i++) {
        const struct cors_origin *o = &r->origins[i];
        buf_printf(&b, "\r\nAccess-Control-Allow-Origin: %.*s%.*s",
                   STR_ARG(o->any ? LIT("*") : o->before), STR_ARG(out->behind));
        out->exact[i] = keep(e, &b);
        if (o->any)
            out->any = out->exact[i];
    }
    out->depends = depends(r);
    buf_printf(&b, "\r\nAccess-Control-Allow-Methods: %.*s", STR_ARG(r->methods));
    if (!r->any_header && r->headers.len)
        buf_printf(&b, "\r\nAccess-Control-Allow-Headers: %.*s", STR_ARG(r->headers));
    buf_printf(&b, "\r\nAccess-Control-Max-Age: %llu", (unsigned long long)r->max_age_s);
    out->preflight = keep(e, &b);
    buf_fini(&b);
}

void cors__make(struct edge *e)
{
    e->cors = ARENA_ARRAY(&e->arena, struct cors_lines, e->config.cors_count + 1);
    for (size_t i = 0; i < e->config.cors_count; i++)
        make_rule(e, &e->config.cors[i], &e->cors[i]);
}

/* ---- a request ---- */

/* The block for origin, or ptr NULL: it is not allowed. */
static str allowed(struct request *rq, const struct cors_rule *r, const struct cors_lines *l,
                   str origin)
{
    for (size_t i = 0; i < r->origin_count; i++) {
        const struct cors_origin *o = &r->origins[i];
        if (LIKELY(!o->star)) {
            if (str_eq(o->before, origin))
                return l->exact[i];
            continue;
        }
        if (!cors_origin_match(o, origin))
            continue;
        if (o->any)
            return l->exact[i];
        return arena_printf(&rq->arena, "\r\nAccess-Control-Allow-Origin: %.*s%.*s",
                            STR_ARG(origin), STR_ARG(l->behind));
    }
    return (str){NULL, 0};
}

/* A list of header names, which is sent back: nothing else may be in it. */
static bool names_only(str s)
{
    bool good = s.len > 0 && s.len <= ORIGIN_MOST;
    for (size_t i = 0; good && i < s.len; i++) {
        char c = s.ptr[i];
        good = ascii_alpha(c) || ascii_digit(c) || strchr("-_!#$%&'*+.^`|~, ", c);
    }
    return good;
}

static void answer_preflight(struct request *rq, const struct cors_rule *r,
                             const struct cors_lines *l, bool granted)
{
    struct reply *reply = rq->reply;
    str wanted = request_header(rq, LIT("Access-Control-Request-Headers"));
    reply->status = 204;
    reply_vary(reply, LIT("Access-Control-Request-Method, Access-Control-Request-Headers, "
                          "Access-Control-Request-Private-Network"));
    if (!granted)
        return;
    reply_more(reply, l->preflight);
    if (r->any_header && names_only(wanted))
        reply_header(reply, LIT("Access-Control-Allow-Headers"), wanted);
    if (r->private_network &&
        str_is(request_header(rq, LIT("Access-Control-Request-Private-Network")), "true"))
        reply_header(reply, LIT("Access-Control-Allow-Private-Network"), LIT("true"));
}

static bool is_preflight(const struct request *rq, str origin)
{
    return rq->method == METHOD_OPTIONS && origin.len &&
           request_header(rq, LIT("Access-Control-Request-Method")).len;
}

static const struct cors_rule *rule_of(const struct edge *e, const struct request *rq)
{
    for (size_t i = 0; i < e->config.cors_count; i++) {
        const struct cors_rule *r = &e->config.cors[i];
        if (!r->path.len || edge_path(r->path, rq->path))
            return r;
    }
    return NULL;
}

bool edge_trusts(const struct edge *e, const struct request *rq)
{
    const struct cors_rule *r = rule_of(e, rq);
    str origin = request_header(rq, LIT("Origin"));
    bool found = false;
    for (size_t i = 0; r && r->credentials && i < r->origin_count; i++)
        found |= cors_origin_match(&r->origins[i], origin);
    return found && origin.len && origin.len <= ORIGIN_MOST;
}

bool edge_cors(const struct edge *e, struct request *rq)
{
    const struct cors_rule *r = rule_of(e, rq);
    if (!r || !r->origin_count)
        return false;
    const struct cors_lines *l = &e->cors[r - e->config.cors];
    str origin = request_header(rq, LIT("Origin")), block = {NULL, 0};
    if (l->any.len && !r->credentials)
        block = l->any; /* whoever asks, also without Origin: one answer for all caches */
    else if (origin.len && origin.len <= ORIGIN_MOST)
        block = allowed(rq, r, l, origin);
    if (block.ptr)
        reply_more(rq->reply, block);
    if (l->depends)
        reply_vary_on(rq->reply, LIT("Origin"));
    if (!is_preflight(rq, origin))
        return false;
    answer_preflight(rq, r, l, block.ptr != NULL);
    return true;
}
