/* reply.c -- `struct reply` to bytes. SPDX: Apache-2.0
 * An answer that fits the socket goes out in one system call: head and body as two pieces. What
 * does not fit is handed to the connection, so that a slow client holds no fiber. */
#include "http/http_priv.h"
#include "observe/log.h"

#include <stdio.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { CHUNK_HEAD_MOST = 20 };

const char *status_text(int status)
{
    switch (status) {
#define X(code, text)                                                                              \
    case code:                                                                                     \
        return text;
#include "http/status.def"
#undef X
    default:
        return "Unknown";
    }
}

/* One text may stand for several names (edge/headers.c). */
static bool stands_in(str names, str name)
{
    if (LIKELY(names.len <= name.len))
        return str_eqi(names, name);
    while (names.ptr) {
        if (str_eqi(str_trim(str_cut(&names, ',')), name))
            return true;
    }
    return false;
}

static bool varies(const struct reply *r, str name)
{
    for (unsigned i = 0; i < r->vary_count; i++)
        if (stands_in(r->vary[i], name) || str_is(r->vary[i], "*"))
            return true;
    return false;
}

void reply_vary_on(struct reply *r, str name)
{
    if (varies(r, name))
        return;
    if (r->vary_count == REPLY_VARY_MOST ||
        str_is(name, "*")) { /* rather no cache than a wrong one */
        r->vary_count = 0;
        name = LIT("*"); /* says it all, and alone */
    }
    r->vary[r->vary_count++] = name;
}

/* It goes into a line as it is, so it is one word. */
static bool named(str s)
{
    bool good = s.len > 0;
    for (size_t i = 0; good && i < s.len; i++)
        good = (unsigned char)s.ptr[i] > ' ';
    return good;
}

void reply_vary(struct reply *r, str names)
{
    while (names.ptr) {
        str name = str_trim(str_cut(&names, ','));
        if (named(name))
            reply_vary_on(r, name);
    }
}

void reply_header(struct reply *r, str name, str value)
{
    if (name.len == 4 && str_eqi(name, LIT("Vary"))) {
        reply_vary(r, value);
        return;
    }
    if (r->header_count == REPLY_HEADERS_MOST) {
        log_event_str(LOG_ERROR, "too many headers in an answer", "dropped", name);
        return;
    }
    r->headers[r->header_count++] = (struct header){name, value};
}

void reply_more(struct reply *r, str lines)
{
    BUG_ON(r->more_count == REPLY_MORE_MOST);
    r->more[r->more_count++] = lines;
}

/* ---- the head ---- */

/* Length of a head of s that has no control character: a multiple of 16, or all of s. `room` bytes
 * from s.ptr on may be read. */
static size_t harmless(str s, size_t room)
{
    size_t i = 0;
    (void)room;
#ifdef __SSE2__
    const __m128i last = _mm_set1_epi8(0x1f);
    for (; i < s.len && i + 16 <= room; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.ptr + i));
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, last), v));
        if (s.len - i < 16)
            found &= (1u << (s.len - i)) - 1;
        if (found)
            return i;
    }
#endif
    return i < s.len ? i : s.len;
}

static void put(struct buf *b, str s)
{
    size_t at = b->len;
    buf_str(b, s);
    at += harmless(str_make(b->ptr + at, b->len - at), b->cap - at);
    for (; at < b->len; at++) {
        char c = b->ptr[at];
        if (c == '\r' || c == '\n' || c == '\0') /* no header injection, whatever the caller did */
            b->ptr[at] = ' ';
    }
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

enum framing { FRAME_NONE, FRAME_LENGTH, FRAME_CHUNKED, FRAME_CLOSE };

static void put_status(struct buf *b, int status)
{
    buf_lit(b, "HTTP/1.1 ");
    buf_u64(b, (uint64_t)status);
    buf_char(b, ' ');
    buf_str(b, str_of(status_text(status)));
    buf_lit(b, "\r\n");
}

/* The first two lines of an answer, but for the end of the second. Of most they are one piece that
 * lasts for a second. */
static void put_first(struct http_server *s, struct buf *b, int status)
{
    int64_t now = clock_wall_s();
    if (UNLIKELY(now != s->date_s)) {
        s->date_s = now;
        memcpy(s->first, FIRST_LINES, FIRST_DATE);
        clock_http(now, s->first + FIRST_DATE);
    }
    if (LIKELY(status == 200)) {
        buf_add(b, s->first, sizeof s->first);
        return;
    }
    put_status(b, status);
    buf_add(b, s->first + FIRST_STATUS, sizeof s->first - FIRST_STATUS);
}

static bool has_header(const struct reply *r, str name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eqi(r->headers[i].name, name))
            return true;
    return false;
}

/* The lines but those whose header the handler has set itself. Link is a list: there may be more.
 */
static void put_lines_but(struct buf *b, const struct reply *r, str lines)
{
    for (str rest = lines; rest.len;) {
        size_t next = 2 + str_find(str_from(rest, 2), '\r');
        str line = next < 2 ? rest : str_upto(rest, next); /* STR_NONE + 2 is less */
        rest = str_from(rest, line.len);
        str name = str_from(str_upto(line, str_find(line, ':')), 2);
        if (str_eqi(name, LIT("Link")) || !has_header(r, name))
            buf_str(b, line);
    }
}

/* By the lengths of the names that such lines have (edge/headers.c, edge/version.c); most of the
 * usual headers of an answer are not among them. */
bool reply__replaces(const struct reply *r)
{
    const uint64_t lengths = 1u << 6 | 1u << 11 | 1u << 13 | 1u << 15 | 1u << 18 | 1u << 22 |
                             1u << 23 | 1u << 25 | 1u << 26 | 1u << 28;
    for (size_t i = 0; i < r->header_count; i++) {
        str name = r->headers[i].name;
        if (name.len < 64 && lengths >> name.len & 1 &&
            (name.len != 13 || ascii_lower(name.ptr[0]) == 'x' ||
             ascii_lower(name.ptr[0]) == 'c')) /* X-API-Version, Cache-Control */
            return true;
    }
    return false;
}

static void put_lines(struct buf *b, const struct reply *r)
{
    bool all = LIKELY(!r->header_count || !reply__replaces(r));
    if (r->lines) {
        bool page = r->type.len >= 9 && memcmp(r->type.ptr, "text/html", 9) == 0;
        str lines = page ? r->lines->page : r->lines->plain;
        if (LIKELY(all))
            buf_str(b, lines);
        else
            put_lines_but(b, r, lines);
    }
    for (unsigned i = 0; i < r->more_count; i++) {
        if (LIKELY(all))
            buf_str(b, r->more[i]);
        else
            put_lines_but(b, r, r->more[i]);
    }
}

static void put_headers(struct buf *b, const struct request *rq)
{
    const struct reply *r = rq->reply;
    put_lines(b, r);
    for (unsigned i = 0; i < r->vary_count; i++) {
        if (i)
            buf_lit(b, ", ");
        else
            buf_lit(b, "\r\nVary: ");
        buf_str(b, r->vary[i]);
    }
    for (size_t i = 0; i < r->header_count; i++) {
        buf_lit(b, "\r\n");
        put(b, r->headers[i].name);
        buf_lit(b, ": ");
        put(b, r->headers[i].value);
    }
    if (rq->id.len) {
        buf_lit(b, "\r\nX-Request-ID: ");
        buf_str(b, rq->id); /* made here, or found harmless */
    }
}

/* Puts the head together in the server's head buffer; the view lives until the next head. ptr NULL:
 * the handler's headers do not fit, which is a bug of the handler. */
static str make_head(struct conn *c, const struct request *rq, enum framing framing, size_t length)
{
    struct http_server *s = c->server;
    const struct reply *r = rq->reply;
    struct buf b = {.ptr = s->head_text, .cap = HEAD_TEXT_MOST, .limit = HEAD_TEXT_MOST};
    put_first(s, &b, r->status);
    if (r->type.ptr) {
        buf_lit(&b, "\r\nContent-Type: ");
        put(&b, r->type);
    }
    if (framing == FRAME_CHUNKED) {
        buf_lit(&b, "\r\nTransfer-Encoding: chunked");
    } else if (framing == FRAME_LENGTH) {
        buf_lit(&b, "\r\nContent-Length: ");
        buf_u64(&b, length);
    }
    put_headers(&b, rq);
    if (c->closing)
        buf_lit(&b, "\r\nConnection: close");
    else if (rq->minor == 0)
        buf_lit(&b, "\r\nConnection: keep-alive");
    buf_lit(&b, "\r\n\r\n");
    return b.full ? (str){NULL, 0} : buf_view(&b);
}

static str too_many_headers(struct request *rq)
{
    log_event_str(LOG_ERROR, "the headers of an answer are too large", "request_id", rq->id);
    rq->conn->closing = true;
    rq->reply->status = 500;
    return LIT("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n"
               "Connection: close\r\n\r\n");
}

/* ---- whole answers ---- */

/* Keeps what the socket did not take. A large body is taken over and not copied. */
static int keep_rest(struct conn *c, struct reply *r, str head, str body, size_t sent)
{
    struct http_server *s = c->server;
    size_t left = head.len + body.len - sent;
    if (s->kept_out + left > input__ceiling(s))
        return E_BUSY;
    if (sent >= head.len && body.ptr == r->body.ptr) {
        c->out = r->body;
        c->out_at = sent - head.len;
        r->body = (struct buf){0};
    } else {
        c->out = conn__buf_get(s, left);
        c->out_at = 0;
        if (sent < head.len)
            buf_str(&c->out, str_from(head, sent));
        buf_str(&c->out, str_from(body, sent < head.len ? 0 : sent - head.len));
    }
    s->kept_out += c->out.len;
    return 0;
}

/* Copies a small body behind the head: one piece costs the kernel less than two. */
static bool join_small(struct http_server *s, struct iovec *head, str body)
{
    enum { SMALL = 1024 };
    bool ours = head->iov_base == s->head_text && head->iov_len + SMALL <= HEAD_TEXT_MOST;
    if (!body.len || body.len > SMALL || !ours)
        return false;
    memcpy(s->head_text + head->iov_len, body.ptr, body.len);
    head->iov_len += body.len;
    return true;
}

static int send_whole(struct conn *c, struct request *rq)
{
    struct reply *r = rq->reply;
    str body = r->fixed.ptr ? r->fixed : buf_view(&r->body);
    bool none = has_no_body(r->status);
    str head = make_head(c, rq, none ? FRAME_NONE : FRAME_LENGTH, body.len);
    if (!head.ptr) {
        head = too_many_headers(rq);
        none = true;
    }
    if (rq->method == METHOD_HEAD || none)
        body = (str){"", 0};
    struct iovec iov[2] = {{(void *)head.ptr, head.len}, {(void *)body.ptr, body.len}};
    int pieces = join_small(c->server, &iov[0], body) || !body.len ? 1 : 2;
    ssize_t n = net_write(c->sock, iov, pieces);
    if (n < 0)
        return E_CANCELLED;
    r->bytes = body.len;
    c->server->stats.bytes_out += head.len + body.len;
    return (size_t)n < head.len + body.len ? keep_rest(c, r, head, body, (size_t)n) : 0;
}

/* ---- streams ---- */

/* Drops n bytes at the front of *count pieces. */
static struct iovec *iov_after(struct iovec *iov, int *count, size_t n)
{
    for (; *count && n >= iov->iov_len; iov++, (*count)--)
        n -= iov->iov_len;
    if (*count) {
        iov->iov_base = (char *)iov->iov_base + n;
        iov->iov_len -= n;
    }
    return iov;
}

/* Sends all pieces, waiting in the fiber while the client is slow. */
WAITS static int send_all(struct conn *c, struct iovec *iov, int count)
{
    const struct http_limits *l = &c->server->limits;
    uint64_t deadline = loop_now() + l->write_ns;
    while (count) {
        ssize_t n = net_write(c->sock, iov, count);
        if (n < 0)
            return E_CANCELLED;
        c->server->stats.bytes_out += (uint64_t)n;
        deadline = conn__later(deadline, (size_t)n, l->write_ns);
        c->expires = conn__later(c->expires, (size_t)n, l->request_ns);
        iov = iov_after(iov, &count, (size_t)n);
        if (count)
            TRY(net_wait_write(c->sock, deadline));
    }
    return 0;
}

static int lost(struct request *rq, int rc, struct err *err)
{
    rq->reply->failed = true;
    rq->conn->closing = true;
    return fail(err, rc, "the client takes no more of the answer");
}

static enum framing stream_framing(const struct request *rq)
{
    if (has_no_body(rq->reply->status))
        return FRAME_NONE;
    if (rq->reply->length >= 0)
        return FRAME_LENGTH;
    return rq->minor ? FRAME_CHUNKED : FRAME_CLOSE;
}

int reply_begin(struct request *rq, struct err *err)
{
    struct conn *c = rq->conn;
    BUG_ON(rq->reply->started);
    if (rq->reply->held)
        return 0;
    rq->reply->started = true;
    if (rq->reply->coder && rq->reply->length < 0)
        rq->reply->coder->begin(rq);
    if ((rq->minor == 0 && rq->reply->length < 0) || c->server->draining || !c->body_whole)
        c->closing = true;
    size_t length = rq->reply->length >= 0 ? (size_t)rq->reply->length : 0;
    str head = make_head(c, rq, stream_framing(rq), length);
    bool fits = head.ptr != NULL;
    if (!fits)
        head = too_many_headers(rq);
    struct iovec iov = {(void *)head.ptr, head.len};
    int rc = send_all(c, &iov, 1);
    if (rc == 0 && !fits)
        rc = E_INTERNAL;
    return rc < 0 ? lost(rq, rc, err) : 0;
}

WAITS static int send_chunk(struct request *rq, bool last)
{
    struct reply *r = rq->reply;
    char size[CHUNK_HEAD_MOST];
    struct iovec iov[3];
    int count = 0;
    if (rq->method == METHOD_HEAD || has_no_body(r->status)) {
        buf_clear(&r->body);
        return 0;
    }
    bool chunked = rq->minor && r->length < 0;
    if (r->coder_state)
        TRY(r->coder->chunk(rq));
    if (r->body.len) {
        int n = snprintf(size, sizeof size, "%zx\r\n", r->body.len);
        if (chunked)
            iov[count++] = (struct iovec){size, (size_t)n};
        iov[count++] = (struct iovec){r->body.ptr, r->body.len};
    }
    static char end[] = "\r\n0\r\n\r\n";
    if (chunked && last)
        iov[count++] = r->body.len ? (struct iovec){end, 7} : (struct iovec){end + 2, 5};
    else if (chunked && r->body.len)
        iov[count++] = (struct iovec){end, 2};
    r->bytes += r->body.len;
    int rc = send_all(rq->conn, iov, count);
    buf_clear(&r->body);
    return rc;
}

int reply_flush(struct request *rq, struct err *err)
{
    if (rq->reply->held)
        return rq->reply->body.full ? fail(err, E_TOOBIG,
                                           "the answer is larger than "
                                           "http.request_memory allows")
                                    : 0;
    BUG_ON(!rq->reply->started);
    if (rq->reply->failed)
        return fail(err, E_CANCELLED, "the client takes no more of the answer");
    int rc = rq->reply->body.len ? send_chunk(rq, false) : 0;
    return rc < 0 ? lost(rq, rc, err) : 0;
}

int reply__finish(struct conn *c, struct request *rq)
{
    if (!rq->reply->started)
        return send_whole(c, rq);
    if (rq->reply->failed)
        return E_CANCELLED; /* cut short without the last chunk: the client can tell */
    TRY(send_chunk(rq, true));
    bool none = rq->method == METHOD_HEAD || has_no_body(rq->reply->status);
    bool whole = none || rq->reply->length < 0 || rq->reply->bytes == (uint64_t)rq->reply->length;
    return whole ? 0 : E_CANCELLED;
}

/* ---- refusals ---- */

/* The stable word of a status, as render/ has it: its title with low lines, but for two. */
static void put_word(struct buf *b, int status)
{
    if (status == 413)
        buf_lit(b, "too_big");
    else if (status == 503)
        buf_lit(b, "busy");
    else
        for (const char *c = status_text(status); *c; c++)
            buf_char(b, *c == ' ' ? '_' : ascii_lower(*c));
}

static char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

/* The same members as render/problem.c; `why` is a literal that needs no escapes. */
static void put_problem(struct buf *b, const struct fault *fault, str id)
{
    char first = ascii_upper(fault->why[0]);
    buf_lit(b, "{\"type\":\"/problems/");
    put_word(b, fault->status);
    buf_printf(b, "\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%c%s.\",\"code\":\"",
               status_text(fault->status), fault->status, first, fault->why + 1);
    put_word(b, fault->status);
    buf_printf(b, "\",\"error\":\"%c%s\",\"request_id\":\"%.*s\"}", first, fault->why + 1,
               STR_ARG(id));
}

/* What a problem says of its language. */
static void put_language(struct buf *b, const struct reply *r)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (str_eqi(r->headers[i].name, LIT("Content-Language")))
            buf_printf(b, "\r\nContent-Language: %.*s\r\nVary: Accept-Language",
                       STR_ARG(str_upto(r->headers[i].value, 64)));
}

/* told: the problem, from elsewhere; NULL: it is made here, in English. */
str reply__refusal(struct http_server *s, const struct fault *fault, str id,
                   const struct reply *told)
{
    enum { BODY_MOST = 1024 };
    char text[BODY_MOST];
    struct buf b = {.ptr = s->head_text, .cap = HEAD_TEXT_MOST, .limit = HEAD_TEXT_MOST};
    struct buf body = {.ptr = text, .cap = sizeof text, .limit = sizeof text};
    put_problem(&body, fault, id);
    str whole = told ? buf_view(&told->body) : buf_view(&body);
    put_first(s, &b, fault->status);
    if (told)
        put_language(&b, told);
    if (fault->status == 503)
        buf_lit(&b, "\r\nRetry-After: 1");
    buf_printf(&b,
               "\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
               "X-Request-ID: %.*s\r\nCache-Control: no-store\r\n"
               "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
               "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
               "Connection: close\r\n\r\n",
               whole.len, STR_ARG(id));
    buf_str(&b, whole);
    BUG_ON(b.full || body.full);
    return buf_view(&b);
}
