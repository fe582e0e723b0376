/* api_reply.c -- cairn.h: what a handler answers. SPDX: Apache-2.0 */
#include "server/api_priv.h"

#include <stdarg.h>
#include <stdio.h>

#define PLAIN "text/plain; charset=utf-8"

void cairn_set_header(struct cairn_request *c, const char *name, cairn_str value)
{
    struct arena *a = &c->rq->arena;
    reply_header(c->rq->reply, arena_str(a, str_of(name)), arena_str(a, api_in(value)));
}

void cairn_set_status(struct cairn_request *c, int status)
{
    c->rq->reply->status = status;
}

int cairn_bytes(struct cairn_request *c, int status, const char *type, const void *ptr, size_t len)
{
    struct reply *r = c->rq->reply;
    r->status = status;
    r->type = arena_str(&c->rq->arena, str_of(type));
    buf_clear(&r->body);
    buf_add(&r->body, ptr, len);
    return 0;
}

int cairn_text(struct cairn_request *c, int status, cairn_str text)
{
    struct reply *r = c->rq->reply;
    r->status = status;
    r->type = LIT(PLAIN);
    buf_clear(&r->body);
    buf_add(&r->body, text.ptr, text.len);
    return 0;
}

int cairn_empty(struct cairn_request *c, int status)
{
    struct reply *r = c->rq->reply;
    r->status = status;
    r->type = (str){NULL, 0};
    buf_clear(&r->body);
    return 0;
}

/* The kind of failure whose status it is, so that the code word fits. */
static int code_of(int status)
{
    static const int codes[] = {E_BAD,    E_DENIED,  E_NOTFOUND, E_METHOD, E_CONFLICT,
                                E_TOOBIG, E_INVALID, E_MEDIA,    E_BUSY,   E_TIMEOUT};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (err_status(codes[i]) == status)
            return codes[i];
    }
    return status >= 500 ? E_INTERNAL : E_BAD;
}

int cairn_fail(struct cairn_request *c, int status, const char *fmt, ...)
{
    char text[sizeof c->err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *c->err = (struct err){0};
    c->status = status;
    int code = fail(c->err, code_of(status), "%s", text);
    c->said = arena_str(&c->rq->arena, str_of(c->err->text));
    return code;
}

/* ---- JSON ---- */

/* What stands before a value: a comma, and the key. */
static struct buf *lead(struct cairn_request *c, const char *key)
{
    struct reply *r = c->rq->reply;
    if (c->depth == 0) {
        r->type = LIT("application/json");
        if (!c->some[0] && !r->started)
            buf_clear(&r->body);
    }
    if (c->some[c->depth])
        buf_char(&r->body, c->depth ? ',' : '\n');
    c->some[c->depth] = true;
    if (c->depth && c->closing[c->depth - 1] == '}') {
        json_text(&r->body, str_of(key ? key : ""));
        buf_char(&r->body, ':');
    }
    return &r->body;
}

static void open_level(struct cairn_request *c, const char *key, char opens, char closes)
{
    BUG_ON(c->depth == API_NESTING_MOST);
    buf_char(lead(c, key), opens);
    c->closing[c->depth++] = closes;
    c->some[c->depth] = false;
}

void cairn_put_object(struct cairn_request *c, const char *key)
{
    open_level(c, key, '{', '}');
}

void cairn_put_array(struct cairn_request *c, const char *key)
{
    open_level(c, key, '[', ']');
}

void cairn_put_end(struct cairn_request *c)
{
    BUG_ON(!c->depth);
    buf_char(&c->rq->reply->body, c->closing[--c->depth]);
}

void cairn_put_text(struct cairn_request *c, const char *key, cairn_str text)
{
    struct buf *b = lead(c, key);
    if (!text.ptr) {
        buf_lit(b, "null");
        return;
    }
    struct value v = value_text(api_in(text));
    if (!str_utf8(v.text))
        v = value_bytes(v.text); /* as base64: an answer is UTF-8 whatever comes in */
    json_value(b, &v);
}

void cairn_put_int(struct cairn_request *c, const char *key, int64_t n)
{
    buf_i64(lead(c, key), n);
}

void cairn_put_double(struct cairn_request *c, const char *key, double n)
{
    struct value v = value_float(n);
    json_value(lead(c, key), &v);
}

void cairn_put_bool(struct cairn_request *c, const char *key, bool truth)
{
    buf_str(lead(c, key), truth ? LIT("true") : LIT("false"));
}

void cairn_put_null(struct cairn_request *c, const char *key)
{
    buf_lit(lead(c, key), "null");
}

void cairn_put_json(struct cairn_request *c, const char *key, const struct cairn_json *v)
{
    static const struct value null = {.kind = V_NULL};
    json_value(lead(c, key), v ? (const struct value *)(const void *)v : &null);
}

/* ---- streams ---- */

int cairn_stream(struct cairn_request *c, int status, const char *type)
{
    struct reply *r = c->rq->reply;
    r->status = status;
    r->type = arena_str(&c->rq->arena, str_of(type));
    buf_clear(&r->body);
    return reply_begin(c->rq, c->err);
}

int cairn_write(struct cairn_request *c, const void *ptr, size_t len)
{
    struct buf *b = &c->rq->reply->body;
    buf_add(b, ptr, len);
    if (b->full)
        return fail(c->err, E_TOOBIG, "a piece of %zu bytes is larger than http.request_memory",
                    len);
    return b->len >= API_STREAM_AT ? reply_flush(c->rq, c->err) : 0;
}

int cairn_flush(struct cairn_request *c)
{
    return reply_flush(c->rq, c->err);
}
