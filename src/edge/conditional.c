/* conditional.c -- ETag and Last-Modified of answers, and what a GET's preconditions make of them.
 * SPDX: Apache-2.0
 * The tag is made of the bytes that are about to be sent, whatever made them: a row, a list, a
 * named query, a handler in C. A handler that sets ETag or Last-Modified itself is taken at its
 * word. Changes are held to their preconditions where the state is, in resource/, which also tells
 * the new state's tag.
 * Invariant: an answer that streams has no tag, for its head goes out before its bytes are known.
 */
#include "edge/edge_priv.h"

#include "base/clock.h"

static const char LEAD[] = "\r\nETag: ";
enum { LEAD_LEN = sizeof LEAD - 1 };

/* ---- what must say of which state ---- */

static bool changes(const struct request *rq)
{
    return rq->method == METHOD_PUT || rq->method == METHOD_PATCH || rq->method == METHOD_DELETE;
}

int edge_conditional(const struct edge *e, const struct request *rq, struct err *err)
{
    if (LIKELY(!e->config.must_match_count) || !changes(rq))
        return 0;
    bool demanded = false;
    for (size_t i = 0; i < e->config.must_match_count && !demanded; i++)
        demanded = edge_path(e->config.must_match[i], rq->path);
    if (!demanded || request_header(rq, LIT("If-Match")).ptr ||
        (rq->method == METHOD_PUT && request_header(rq, LIT("If-None-Match")).ptr))
        return 0;
    return fail_field(err, E_UNCONDITIONAL, LIT("precondition_required"), LIT("If-Match"),
                      "say in If-Match which state is to be changed: the ETag of a GET%s",
                      rq->method == METHOD_PUT ? "; or If-None-Match: * to make it anew" : "");
}

/* ---- answers ---- */

static str own_header(const struct reply *r, str name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eqi(r->headers[i].name, name))
            return r->headers[i].value;
    return (str){NULL, 0};
}

static bool reads(const struct request *rq)
{
    return rq->method == METHOD_GET || rq->method == METHOD_HEAD;
}

/* The tag, as part of its header's line. */
static str set_tag(struct request *rq, const struct etag_key *key)
{
    struct reply *r = rq->reply;
    str body = r->fixed.ptr ? r->fixed : buf_view(&r->body);
    str tail = r->tag_tail; /* goes before the last quote */
    char *line = arena_new(&rq->arena, LEAD_LEN + ETAG_LEN + tail.len);
    memcpy(line, LEAD, LEAD_LEN);
    etag_make(key, r->type, body, line + LEAD_LEN);
    if (tail.len) {
        memcpy(line + LEAD_LEN + ETAG_LEN - 1, tail.ptr, tail.len);
        line[LEAD_LEN + ETAG_LEN + tail.len - 1] = '"';
    }
    reply_more(r, str_make(line, LEAD_LEN + ETAG_LEN + tail.len));
    return str_make(line + LEAD_LEN, ETAG_LEN + tail.len);
}

static void set_changed(struct request *rq)
{
    char *date = arena_new(&rq->arena, CLOCK_HTTP_LEN);
    clock_http(rq->reply->changed_s, date);
    reply_header(rq->reply, LIT("Last-Modified"), str_make(date, CLOCK_HTTP_LEN));
}

/* What describes the bytes goes with them; what caches go by stays. */
static void not_modified(struct reply *r)
{
    r->status = 304;
    buf_clear(&r->body);
    r->fixed = r->type = (str){NULL, 0};
}

int edge_validate(const struct edge *e, struct request *rq, const struct etag_key *key,
                  struct err *err)
{
    struct reply *r = rq->reply;
    struct validators v = {.there = true, .changed_s = r->changed_s};
    if (!reads(rq) || r->status != 200 || r->started || r->body.full)
        return 0;
    v.etag = r->header_count ? own_header(r, LIT("ETag")) : (str){NULL, 0};
    v.kind = v.etag.ptr ? ETAG_FOREIGN : ETAG_OWN;
    if (!v.etag.ptr && e->config.etag)
        v.etag = set_tag(rq, key);
    if (r->changed_s)
        set_changed(rq);
    else if (r->header_count && own_header(r, LIT("Last-Modified")).ptr)
        http_date(own_header(r, LIT("Last-Modified")), &v.changed_s);
    if (!request_conditional(rq))
        return 0;
    int code = request_condition(rq, &v, err);
    if (code == 304)
        not_modified(r);
    return code < 0 ? code : 0;
}
