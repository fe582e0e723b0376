/* negotiate.c -- an answer on its way out: converted and compressed as the client asked.
 * SPDX: Apache-2.0
 * Not here: what the client wants (accept.c), how it is done (encode.c, format_*.c).
 * Invariants: (1) Answers with Cache-Control: no-store or no-transform are not compressed. Those
 * of sign-in are among them: the length of a compressed secret beside text that somebody else chose
 * gives the secret away (BREACH). (2) What has a Content-Encoding keeps it. (3) The tail of the
 * ETag is known before the bytes are: a 304 costs no compression. */
#include "render/negotiate.h"

static str header_of(const struct reply *r, str name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eqi(r->headers[i].name, name))
            return r->headers[i].value;
    return (str){NULL, 0};
}

static bool holds(str text, str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++)
        if (str_eqi(str_upto(str_from(text, i), word.len), word))
            return true;
    return false;
}

/* May the body be compressed at all, whatever the client says? */
static bool may_shrink(const struct coding_config *c, const struct reply *r)
{
    str cache = header_of(r, LIT("Cache-Control"));
    return c->count && r->type.len && r->status != 206 && coding_shrinks(c, r->type) &&
           !header_of(r, LIT("Content-Encoding")).ptr && !holds(cache, LIT("no-store")) &&
           !holds(cache, LIT("no-transform"));
}

static bool is_json(str type)
{
    return str_is(type, "application/json");
}

/* The type that names the version of the API, of the same bytes. */
static void take_vendor(struct reply *r)
{
    if (UNLIKELY(r->vendor.len) && is_json(r->type))
        r->type = r->vendor;
}

/* ---- streams ---- */

struct streamed {
    const struct coding_config *config;
    struct coder *coder;
    struct buf out;
};

static void stream_end(void *arg)
{
    struct streamed *s = arg;
    coder_free(&s->coder);
    buf_fini(&s->out);
}

static void stream_begin(struct request *rq)
{
    struct reply *r = rq->reply;
    const struct coding_config *c = r->coder->config;
    bool shrinks = may_shrink(c, r);
    r->coder_state = NULL;
    take_vendor(r);
    if (!shrinks)
        return;
    reply_vary_on(r, LIT("Accept-Encoding"));
    struct coding_choice k = coding_choose(c, request_header(rq, LIT("Accept-Encoding")));
    if (k.coding == CODING_NONE || rq->method == METHOD_HEAD)
        return;
    struct streamed *s = ARENA_NEW(&rq->arena, struct streamed);
    s->coder = coder_new(k.coding, c->level[k.coding], 0);
    if (!s->coder)
        return;
    buf_init(&s->out, r->body.limit * 2);
    fiber_defer(stream_end, s);
    reply_header(r, LIT("Content-Encoding"), coding_name(k.coding));
    r->coder_state = s;
}

static bool stream_run(struct request *rq, enum coder_end end)
{
    struct reply *r = rq->reply;
    struct streamed *s = r->coder_state;
    buf_clear(&s->out);
    bool fine = coder_run(s->coder, buf_view(&r->body), &s->out, end);
    buf_clear(&r->body);
    buf_str(&r->body, buf_view(&s->out));
    return fine && !r->body.full;
}

static int stream_chunk(struct request *rq)
{
    return stream_run(rq, CODER_FLUSH) ? 0 : E_INTERNAL;
}

void negotiate_streams(struct reply_coder *out, const struct coding_config *c)
{
    *out = (struct reply_coder){.begin = stream_begin, .chunk = stream_chunk, .config = c};
}

/* ---- begin ---- */

/* 406 only for who says that the body as it is will not do either. */
static int coding_possible(const struct coding_config *c, const struct request *rq, struct err *err)
{
    str header = request_header(rq, LIT("Accept-Encoding"));
    struct coding_choice k = {.plain = true};
    if (header.ptr)
        k = coding_choose(c, header);
    if (k.plain || k.coding != CODING_NONE)
        return 0;
    return fail_field(err, E_ACCEPT, LIT("not_acceptable"), LIT("Accept-Encoding"),
                      "the answer can be had encoded with gzip, br or zstd, or as it is");
}

int negotiate_begin(const struct reply_coder *coder, struct request *rq, bool strict,
                    struct err *err)
{
    struct reply *r = rq->reply;
    struct format_choice f;
    str accept = request_header(rq, LIT("Accept"));
    r->coder = coder;
    r->vary_accept = strict;
    if (strict)
        TRY(coding_possible(coder->config, rq, err));
    if (!accept.len || str_is(accept, "*/*"))
        return 0;
    bool fits = format_choose(accept, &f);
    r->format = (unsigned char)f.format;
    r->form = f.type;
    r->held = r->held || (strict && f.format != FORMAT_JSON);
    if (fits || !strict)
        return 0;
    fail_field(err, E_ACCEPT, LIT("not_acceptable"), LIT("Accept"), "the answer can be had as %s",
               format_offers);
    err->offers = str_of(format_offers);
    return E_ACCEPT;
}

/* ---- settle ---- */

/* A problem is JSON or XML: a row of CSV that says "not found" would be read as data. */
static bool is_problem(str type)
{
    return str_is(type, "application/problem+json");
}

static bool bodiless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

static size_t length(const struct reply *r)
{
    return r->fixed.ptr ? r->fixed.len : r->body.len;
}

static void settle_format(struct reply *r)
{
    bool problem = is_problem(r->type);
    if (!is_json(r->type) && !(problem && r->format == FORMAT_XML))
        r->format = FORMAT_JSON;
    if (r->vary_accept || r->format != FORMAT_JSON)
        reply_vary_on(r, LIT("Accept"));
    if (r->format != FORMAT_JSON && problem)
        r->form = LIT("application/problem+xml");
}

static void settle_coding(struct request *rq)
{
    struct reply *r = rq->reply;
    const struct coding_config *c = r->coder->config;
    str accept = request_header(rq, LIT("Accept-Encoding"));
    if (length(r) < c->least && !accept.ptr)
        return;
    struct coding_choice k = coding_choose(c, accept);
    if ((length(r) < c->least && k.plain) || !may_shrink(c, r))
        return;
    reply_vary_on(r, LIT("Accept-Encoding"));
    if (k.coding != CODING_NONE && coder_there(k.coding))
        r->coding = (unsigned char)k.coding;
}

static void settle_tag(struct request *rq)
{
    static const char *const forms[FORMAT__COUNT] = {"", "-nd", "-csv", "-mp", "-xml"};
    static const char *const codings[CODING__COUNT] = {"", "-gz", "-br", "-zs"};
    struct reply *r = rq->reply;
    if (r->format != FORMAT_JSON || r->coding != CODING_NONE || r->language.len)
        r->tag_tail = arena_printf(&rq->arena, "%s%.*s%s%s", r->language.len ? "-@" : "",
                                   STR_ARG(r->language), forms[r->format], codings[r->coding]);
}

void negotiate_settle(struct request *rq)
{
    struct reply *r = rq->reply;
    if (r->settled || r->started || !r->coder)
        return;
    r->settled = true;
    settle_format(r);
    if (!bodiless(r->status) && length(r))
        settle_coding(rq);
    settle_tag(rq);
}

/* ---- finish ---- */

static int write_format(struct buf *b, struct request *rq, const struct value *v, struct err *err)
{
    switch ((enum format)rq->reply->format) {
    case FORMAT_NDJSON:
        format_ndjson(b, v);
        return 0;
    case FORMAT_CSV:
        format_csv(b, &rq->arena, v);
        return 0;
    case FORMAT_MSGPACK:
        format_msgpack(b, v);
        return 0;
    default:
        return format_xml(b, v, is_problem(rq->reply->type), rq->reply->documents, err);
    }
}

int format_too_big(struct err *err)
{
    return fail(err, E_TOOBIG, "the answer is larger than http.request_memory allows");
}

static void take(struct reply *r, struct buf *made)
{
    r->fixed = (str){NULL, 0};
    buf_clear(&r->body);
    buf_str(&r->body, buf_view(made));
}

/* Lines of data have no place for it. */
static void drop_warnings(struct value *v)
{
    uint32_t last = v->kind == V_OBJECT && v->count ? v->count - 1 : 0;
    if (last && str_is(v->fields[last].name, "_warnings"))
        v->count--;
}

static int convert(struct request *rq, struct err *err)
{
    struct reply *r = rq->reply;
    struct value v;
    struct buf made;
    str json = r->fixed.ptr ? r->fixed : buf_view(&r->body);
    if (json_parse(&rq->arena, json, &json_limits_default, &v, err) < 0)
        return format_too_big(err);
    if (r->format == FORMAT_CSV || r->format == FORMAT_NDJSON)
        drop_warnings(&v);
    buf_init(&made, r->body.limit);
    int code = write_format(&made, rq, &v, err);
    if (code == 0 && !made.full)
        take(r, &made);
    bool full = made.full || r->body.full;
    buf_fini(&made);
    TRY(code);
    if (full)
        return format_too_big(err);
    r->type = r->format == FORMAT_CSV ? LIT("text/csv; charset=utf-8; header=present") : r->form;
    r->format = FORMAT_JSON;
    return 0;
}

/* Piece by piece, so that a long answer does not keep the loop from the others. */
WAITS static bool shrink(struct streamed *s, str body)
{
    enum { AT_ONCE = 65536 };
    bool fine = true;
    for (; fine && body.len > AT_ONCE; body = str_from(body, AT_ONCE)) {
        fine = coder_run(s->coder, str_upto(body, AT_ONCE), &s->out, CODER_GO);
        fiber_yield();
    }
    return fine && coder_run(s->coder, body, &s->out, CODER_END);
}

/* The handler's own tag is that of other bytes. Of a change it is the new state's. */
static void weaken(struct request *rq)
{
    struct reply *r = rq->reply;
    bool reads = rq->method == METHOD_GET || rq->method == METHOD_HEAD;
    for (size_t i = 0; i < r->header_count && reads; i++) {
        struct header *h = &r->headers[i];
        if (str_eqi(h->name, LIT("ETag")) && h->value.len && h->value.ptr[0] == '"')
            h->value = arena_printf(&rq->arena, "W/%.*s", STR_ARG(h->value));
    }
}

WAITS static void compress(struct request *rq)
{
    struct reply *r = rq->reply;
    const struct coding_config *c = r->coder->config;
    struct streamed *s = ARENA_NEW(&rq->arena, struct streamed);
    buf_init(&s->out, r->body.limit);
    s->coder = coder_new((enum coding)r->coding, c->level[r->coding], length(r));
    fiber_defer(stream_end, s);
    if (!s->coder || !shrink(s, r->fixed.ptr ? r->fixed : buf_view(&r->body)))
        return;
    take(r, &s->out);
    weaken(rq);
    reply_header(r, LIT("Content-Encoding"), coding_name((enum coding)r->coding));
}

static void end_stream(struct request *rq)
{
    struct reply *r = rq->reply;
    if (!r->coder_state || r->failed)
        return;
    if (!stream_run(rq, CODER_END))
        r->failed = true;
    r->coder = NULL;
    r->coder_state = NULL;
}

int negotiate_finish(struct request *rq, struct err *err)
{
    struct reply *r = rq->reply;
    if (r->started) {
        end_stream(rq);
        return 0;
    }
    negotiate_settle(rq);
    if (bodiless(r->status) || !length(r))
        return 0;
    if (r->format != FORMAT_JSON)
        TRY(convert(rq, err));
    if (r->coding != CODING_NONE)
        compress(rq);
    take_vendor(r);
    return 0;
}
