/* file_send.c -- a file, or the bytes of a column, on their way out: whole, a range of it, or
 * several (RFC 9110, 14). SPDX: Apache-2.0 A file's ETag is its checksum: the same bytes have the
 * same tag for ever, so it is strong, and If-Range holds over restarts. Sent in pieces, each when
 * the one before is taken: a slow client costs one piece of memory. Never compressed: a range is of
 * these bytes. Whatever it is, a browser gets it without the right to run anything (nosniff, CSP
 * sandbox), and what could be a page or script as a download. */
#include "resource/guard.h"

#include "base/clock.h"

enum { PIECE = 65536, PART_HEAD_MOST = 512 };

struct sending {
    struct request *rq;
    struct files *files; /* where it is; NULL: it is `bytes` */
    struct file_which which;
    struct file_reader *reader;
    str bytes, name, type, digest, boundary;
    uint64_t size;
    struct byte_range ranges[RANGES_MOST];
    size_t count;
};

/* ---- what is told of it ---- */

static str unquoted(str s)
{
    return s.len >= 2 ? str_make(s.ptr + 1, s.len - 2) : s;
}

static str text_of(struct arena *a, str json)
{
    struct value v;
    struct err err = {0};
    bool fine = json_parse(a, json, &json_limits_default, &v, &err) == 0 && v.kind == V_TEXT;
    return fine ? v.text : LIT("file");
}

/* RFC 9530: of the whole, also when a part of it is sent. */
static str repr_digest(struct arena *a, str hex)
{
    char bytes[32], room[96];
    struct buf b = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    for (size_t i = 0; i < sizeof bytes; i++) {
        char hi = hex.ptr[2 * i], lo = hex.ptr[2 * i + 1];
        int high = ascii_digit(hi) ? hi - '0' : hi - 'a' + 10;
        int low = ascii_digit(lo) ? lo - '0' : lo - 'a' + 10;
        bytes[i] = (char)(high << 4 | low);
    }
    buf_lit(&b, "sha-256=:");
    base64_put(&b, str_make(bytes, sizeof bytes));
    buf_char(&b, ':');
    return arena_str(a, buf_view(&b));
}

static void set_headers(const struct sending *s, const struct validators *v)
{
    struct arena *a = &s->rq->arena;
    struct reply *reply = s->rq->reply;
    reply_header(reply, LIT("ETag"), v->etag);
    reply_header(reply, LIT("Accept-Ranges"), LIT("bytes"));
    reply_header(reply, LIT("Content-Disposition"),
                 file_disposition(a, media_harmless(s->type), s->name));
    reply_header(reply, LIT("X-Content-Type-Options"), LIT("nosniff"));
    reply_header(reply, LIT("Content-Security-Policy"), LIT("default-src 'none'; sandbox"));
    if (s->digest.len)
        reply_header(reply, LIT("Repr-Digest"), s->digest);
    if (v->changed_s) {
        char *date = arena_new(a, CLOCK_HTTP_LEN);
        clock_http(v->changed_s, date);
        reply_header(reply, LIT("Last-Modified"), str_make(date, CLOCK_HTTP_LEN));
    }
}

/* ---- bytes ---- */

/* The head waits for the first bytes: a store that is away can still be told. */
WAITS static int flush(struct request *rq, struct err *err)
{
    if (!rq->reply->started)
        TRY(reply_begin(rq, err));
    return reply_flush(rq, err);
}

WAITS static int send_bytes(struct sending *s, uint64_t at, uint64_t len, struct err *err)
{
    struct reply *reply = s->rq->reply;
    if (s->files)
        file_until(s->reader, at + len);
    while (len) {
        size_t n = len < PIECE ? (size_t)len : PIECE;
        if (s->files)
            TRY(file_read(s->reader, at, n, &reply->body, err));
        else
            buf_str(&reply->body, str_upto(str_from(s->bytes, (size_t)at), n));
        at += n;
        len -= n;
        if (reply->body.len >= PIECE / 2)
            TRY(flush(s->rq, err));
    }
    return 0;
}

static str part_head(const struct sending *s, size_t i, char room[PART_HEAD_MOST])
{
    struct buf b = {.ptr = room, .cap = PART_HEAD_MOST, .limit = PART_HEAD_MOST};
    const struct byte_range *r = &s->ranges[i];
    buf_printf(&b, "%s--%.*s\r\nContent-Type: %.*s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
               i ? "\r\n" : "", STR_ARG(s->boundary), STR_ARG(s->type), (unsigned long long)r->at,
               (unsigned long long)(r->at + r->len - 1), (unsigned long long)s->size);
    return buf_view(&b);
}

static str last_head(const struct sending *s, char room[PART_HEAD_MOST])
{
    struct buf b = {.ptr = room, .cap = PART_HEAD_MOST, .limit = PART_HEAD_MOST};
    buf_printf(&b, "\r\n--%.*s--\r\n", STR_ARG(s->boundary));
    return buf_view(&b);
}

static uint64_t length_of_parts(const struct sending *s)
{
    char room[PART_HEAD_MOST];
    uint64_t all = last_head(s, room).len;
    for (size_t i = 0; i < s->count; i++)
        all += part_head(s, i, room).len + s->ranges[i].len;
    return all;
}

WAITS static int send_parts(struct sending *s, struct err *err)
{
    char room[PART_HEAD_MOST];
    struct buf *body = &s->rq->reply->body;
    for (size_t i = 0; i < s->count; i++) {
        buf_str(body, part_head(s, i, room));
        TRY(send_bytes(s, s->ranges[i].at, s->ranges[i].len, err));
    }
    buf_str(body, last_head(s, room));
    return 0;
}

/* ---- the answer ---- */

static void set_range(struct sending *s)
{
    struct reply *reply = s->rq->reply;
    const struct byte_range *r = s->ranges;
    reply->status = 206;
    reply->length = (int64_t)r->len;
    if (s->count == 1) {
        reply_header(reply, LIT("Content-Range"),
                     arena_printf(&s->rq->arena, "bytes %llu-%llu/%llu", (unsigned long long)r->at,
                                  (unsigned long long)(r->at + r->len - 1),
                                  (unsigned long long)s->size));
        return;
    }
    char uuid[36];
    uuid_v4(uuid);
    s->boundary = arena_str(&s->rq->arena, str_make(uuid, sizeof uuid));
    reply->type =
        arena_printf(&s->rq->arena, "multipart/byteranges; boundary=%.*s", STR_ARG(s->boundary));
    reply->length = (int64_t)length_of_parts(s);
}

static int none_of_it(struct request *rq, uint64_t size, struct err *err)
{
    reply_header(rq->reply, LIT("Content-Range"),
                 arena_printf(&rq->arena, "bytes */%llu", (unsigned long long)size));
    return fail_field(err, E_RANGE, LIT("range_not_satisfiable"), LIT("Range"),
                      "the range lies behind the end; the file has %llu bytes",
                      (unsigned long long)size);
}

WAITS static int send(struct sending *s, struct err *err)
{
    struct request *rq = s->rq;
    struct byte_range r = s->count ? s->ranges[0] : (struct byte_range){0, s->size};
    if (rq->method != METHOD_HEAD)
        TRY(s->count > 1 ? send_parts(s, err) : send_bytes(s, r.at, r.len, err));
    return flush(rq, err); /* as a stream, whatever its length: it is not to be compressed */
}

/* Conditions, ranges, head, bytes. */
WAITS static int answer(struct sending *s, const struct validators *v, struct err *err)
{
    struct request *rq = s->rq;
    int code = request_condition(rq, v, err);
    if (code < 0)
        return code;
    if (code == 304) {
        reply_header(rq->reply, LIT("ETag"), v->etag);
        rq->reply->status = 304;
        return 0;
    }
    enum range_says says = request_ranges(rq, v, s->size, s->ranges, &s->count);
    if (says == RANGE_NONE)
        return none_of_it(rq, s->size, err);
    if (s->files)
        TRY(file_open(s->files, &rq->arena, &s->which, &s->reader, err));
    size_t headers = rq->reply->header_count;
    set_headers(s, v);
    if (str_is(s->type, "text/plain"))
        s->type = LIT("text/plain; charset=utf-8");
    rq->reply->type = s->type;
    rq->reply->length = (int64_t)s->size;
    if (says == RANGE_SOME)
        set_range(s);
    else
        s->count = 0;
    code = send(s, err);
    if (code < 0 && !rq->reply->started) { /* a problem is no file */
        rq->reply->header_count = headers;
        rq->reply->length = -1;
    }
    return code;
}

int resource__file_send(struct request *rq, const struct resource *r, const struct file_value *f,
                        struct err *err)
{
    struct arena *a = &rq->arena;
    struct sending *s = ARENA_NEW(a, struct sending);
    struct validators v = {.there = true, .etag = arena_str(a, f->sha256), .kind = ETAG_FOREIGN};
    *s = (struct sending){.rq = rq, .files = r->set->config->files, .name = text_of(a, f->name)};
    if (!str_to_u64(f->size, &s->size))
        return fail(err, E_IO, "the size of a file is not known");
    str_to_i64(f->at, &v.changed_s);
    s->which = (struct file_which){unquoted(f->id), s->size};
    s->type = text_of(a, f->type);
    s->digest = repr_digest(a, unquoted(f->sha256));
    return answer(s, &v, err);
}

int resource__bytes_send(struct request *rq, const struct resource *r, str bytes, struct err *err)
{
    struct arena *a = &rq->arena;
    struct sending *s = ARENA_NEW(a, struct sending);
    char *tag = arena_new(a, ETAG_LEN);
    *s = (struct sending){.rq = rq,
                          .bytes = bytes,
                          .size = bytes.len,
                          .name = file_name_clean(a, r->file->name),
                          .type = sniff_type(bytes)};
    etag_make(r->set->config->etag_key, s->type, bytes, tag);
    struct validators v = {.there = true, .etag = {tag, ETAG_LEN}, .kind = ETAG_OWN};
    return answer(s, &v, err);
}
