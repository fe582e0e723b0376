/* page.c -- what stands round the rows of a list: the members behind them, and the Link header
 * (RFC 8288). SPDX: Apache-2.0
 * Links repeat the request's own path and parameters but for those that say which page; they begin
 * with the configured public URL or, without one, with a slash: never with what the client says
 * the host is. */
#include "resource/resource_priv.h"

/* ---- where a page stands ---- */

static int64_t offset_of(const struct list_query *q)
{
    return q->select.offset;
}

static int64_t pages_of(const struct list_query *q, const struct page *p)
{
    return p->total / q->limit + (p->total % q->limit != 0);
}

/* Where the last page starts, in step with this one. */
static int64_t last_offset(const struct list_query *q, const struct page *p)
{
    int64_t shift = offset_of(q) % q->limit;
    if (p->total <= shift)
        return 0;
    return (p->total - 1 - shift) / q->limit * q->limit + shift;
}

/* Is there, for all that is known, a page behind this one? A page too many is better than one that
 * nobody is led to. */
static bool more_follows(const struct list_query *q, const struct page *p)
{
    if (p->total >= 0 && !p->estimated)
        return offset_of(q) + q->limit < p->total;
    return p->more || p->open;
}

static int64_t prev_offset(const struct list_query *q, const struct page *p)
{
    int64_t before = offset_of(q) > q->limit ? offset_of(q) - q->limit : 0;
    if (p->total >= 0 && !p->estimated && before > last_offset(q, p))
        before = last_offset(q, p);
    return before;
}

/* ---- links ---- */

enum { LINKS_MOST = 6000 }; /* bytes; the whole head of an answer has its bound too */

struct links {
    struct buf text;
    size_t start; /* of the link being written */
    str base;     /* public URL and path */
    const struct param *params;
    size_t count;
};

/* The path as the client wrote it: checked when it was parsed, so that no byte of it ends a link.
 */
static str raw_path(const struct request *rq)
{
    str path = str_upto(rq->target, str_find(rq->target, '?'));
    if (path.len && path.ptr[0] == '/')
        return path;
    for (size_t i = 0; i + 2 < path.len; i++) { /* absolute-form: behind scheme and host */
        if (path.ptr[i] == ':' && path.ptr[i + 1] == '/' && path.ptr[i + 2] == '/') {
            path = str_from(path, i + 3);
            break;
        }
    }
    size_t slash = str_find(path, '/');
    return slash == STR_NONE ? LIT("/") : str_from(path, slash);
}

static bool says_page(str name)
{
    return str_is(name, "page") || str_is(name, "offset") || str_is(name, "cursor");
}

static void link_open(struct links *l, str name)
{
    l->start = l->text.len;
    if (l->start)
        buf_lit(&l->text, ", ");
    buf_char(&l->text, '<');
    buf_str(&l->text, l->base);
    buf_char(&l->text, '?');
    for (size_t i = 0; i < l->count; i++) {
        if (says_page(l->params[i].name))
            continue;
        url_encode(&l->text, l->params[i].name);
        buf_char(&l->text, '=');
        url_encode(&l->text, l->params[i].value);
        buf_char(&l->text, '&');
    }
    buf_str(&l->text, name);
    buf_char(&l->text, '=');
}

static void link_close(struct links *l, str rel)
{
    buf_lit(&l->text, ">; rel=\"");
    buf_str(&l->text, rel);
    buf_char(&l->text, '"');
    if (l->text.full) /* no half of a link; the less useful ones come last */
        l->text.len = l->start;
}

static void link_cursor(struct links *l, str cursor, str rel)
{
    link_open(l, LIT("cursor"));
    buf_str(&l->text, cursor); /* base64url: nothing to encode */
    link_close(l, rel);
}

/* An offset list told by pages goes on in pages, one told by offset in offsets. */
static void link_offset(struct links *l, const struct list_query *q, int64_t offset, str rel)
{
    link_open(l, q->page ? LIT("page") : LIT("offset"));
    buf_i64(&l->text, q->page ? offset / q->limit + 1 : offset);
    link_close(l, rel);
}

static void cursor_links(struct links *l, const struct list_query *q, const struct page *p)
{
    if (p->next.ptr)
        link_cursor(l, p->next, LIT("next"));
    if (p->prev.ptr)
        link_cursor(l, p->prev, LIT("prev"));
    if (q->explicit_cursor)
        link_cursor(l, (str){0}, LIT("first"));
}

static void offset_links(struct links *l, const struct list_query *q, const struct page *p,
                         int64_t most)
{
    int64_t next = offset_of(q) + q->limit;
    if (next <= most && more_follows(q, p))
        link_offset(l, q, next, LIT("next"));
    if (offset_of(q) > 0)
        link_offset(l, q, prev_offset(q, p), LIT("prev"));
    if (p->total == 0)
        return;
    link_offset(l, q, 0, LIT("first"));
    if (p->total > 0 && !p->estimated && last_offset(q, p) <= most)
        link_offset(l, q, last_offset(q, p), LIT("last"));
}

void resource__links(struct request *rq, const struct resource_set *s, const struct list_query *q,
                     const struct page *p)
{
    struct err ignored = {0};
    struct links l = {0};
    if (request_query(rq, &l.params, &l.count, &ignored) < 0)
        return;
    str path = raw_path(rq), host = s->config->public_url;
    if (UNLIKELY(rq->before.ptr)) /* a version was put into the path, which links are to name */
        path = str_from(path, str_rfind(rq->before, '/'));
    l.base =
        arena_printf(&rq->arena, "%.*s%.*s%.*s", STR_ARG(host), STR_ARG(rq->before), STR_ARG(path));
    l.text = (struct buf){
        .ptr = arena_new(&rq->arena, LINKS_MOST), .cap = LINKS_MOST, .limit = LINKS_MOST};
    if (q->paging == PAGE_CURSOR)
        cursor_links(&l, q, p);
    else
        offset_links(&l, q, p, s->config->limits.max_offset);
    if (l.text.len)
        reply_header(rq->reply, LIT("Link"), buf_view(&l.text));
}

/* ---- the members behind the rows ---- */

static void member_i64(struct buf *b, str lead, int64_t n)
{
    buf_str(b, lead);
    buf_i64(b, n);
}

static void member_cursor(struct buf *b, str lead, str cursor)
{
    buf_str(b, lead);
    if (!cursor.ptr) {
        buf_lit(b, "null");
        return;
    }
    buf_char(b, '"');
    buf_str(b, cursor);
    buf_char(b, '"');
}

static void member_more(struct buf *b, bool more)
{
    buf_lit(b, ",\"has_more\":");
    buf_str(b, more ? LIT("true") : LIT("false"));
}

void resource__tail(struct buf *b, const struct list_query *q, const struct page *p)
{
    buf_char(b, ']');
    if (q->paging == PAGE_CURSOR) {
        member_cursor(b, LIT(",\"next_cursor\":"), p->next);
        member_cursor(b, LIT(",\"prev_cursor\":"), p->prev);
        member_more(b, p->next.ptr != NULL);
    } else {
        if (q->page)
            member_i64(b, LIT(",\"page\":"), q->page);
        else
            member_i64(b, LIT(",\"offset\":"), offset_of(q));
        member_i64(b, LIT(",\"limit\":"), q->limit);
        if (p->total < 0 || p->estimated)
            member_more(b, p->more);
    }
    if (p->total >= 0)
        member_i64(b, LIT(",\"total\":"), p->total);
    if (p->estimated)
        buf_lit(b, ",\"total_estimated\":true");
    if (p->total >= 0 && q->paging == PAGE_OFFSET)
        member_i64(b, LIT(",\"total_pages\":"), pages_of(q, p));
    buf_char(b, '}');
}
