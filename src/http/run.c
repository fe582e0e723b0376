/* run.c -- a request in its fiber: from a parsed head to an answer that is sent or kept.
 * SPDX: Apache-2.0
 * Why a fiber only here: an idle or slow connection costs its struct and the bytes it sent, not a
 * stack. A request with a body is started when the body is whole, so a slow sender holds no fiber
 * either; the exceptions are one that waits for 100 Continue, and one whose handler reads the body
 * piece by piece. */
#include "base/mem.h"
#include "http/http_priv.h"

/* ---- the request ---- */

/* The client's id when it is harmless. */
static bool id_fine(str id)
{
    bool fine = id.len >= 1 && id.len <= ID_MOST;
    for (size_t i = 0; fine && i < id.len; i++) {
        char x = id.ptr[i];
        fine = ascii_alpha(x) || ascii_digit(x) || x == '.' || x == '_' || x == '-';
    }
    return fine;
}

/* Past its budget a request ends at its handler's scope. */
static void arena_over(struct arena *a)
{
    (void)a;
    fiber_end();
}

/* Headers and id in the arena: the scratch array is for the next head, on whatever connection. */
static bool take_headers(struct conn *c, struct request *rq, struct fault *fault)
{
    size_t bytes = c->head.header_count * sizeof(struct header);
    char *block = arena_try(&rq->arena, bytes + ID_LEN);
    if (!block) {
        *fault = (struct fault){431, "the headers need more memory than a request may use"};
        return false;
    }
    if (bytes)
        memcpy(block, c->head.headers, bytes);
    rq->headers = (const struct header *)(const void *)block;
    rq->id = request_header(rq, LIT("X-Request-ID"));
    if (id_fine(rq->id))
        return true;
    rq->id = (str){block + bytes, ID_LEN};
    request__make_id(c->server, block + bytes);
    return true;
}

static void fill_request(struct conn *c, struct request *rq, struct reply *reply)
{
    const struct head *h = &c->head;
    memset(rq, 0, offsetof(struct request, params));
    rq->fiber = fiber_self();
    rq->conn = c;
    rq->method = h->method;
    rq->method_text = h->method_text;
    rq->target = h->target;
    rq->path = h->path;
    rq->query = h->query;
    rq->host = h->host;
    rq->minor = h->minor;
    rq->header_count = h->header_count;
    rq->absent = ~h->names;
    rq->started_ns = clock_ns();
    rq->reply = reply;
    arena_init(&rq->arena, c->server->limits.request_memory);
    rq->arena.over = arena_over;
    reply->status = 200;
    reply->type = (str){NULL, 0};
    reply->header_count = 0;
    reply->lines = NULL;
    reply->more_count = reply->vary_count = 0;
    reply->fixed = (str){NULL, 0};
    reply->held = reply->started = reply->failed = false;
    reply->bytes = 0;
    reply->changed_s = 0;
    reply->length = -1;
    reply->coder = NULL;
    reply->coder_state = NULL;
    reply->format = reply->coding = 0;
    reply->vary_accept = reply->settled = reply->documents = false;
    reply->tag_tail = reply->language = reply->vendor = (str){NULL, 0};
    reply->body = conn__buf_get(c->server, c->server->limits.request_memory);
}

/* The path is cleaned here and not before: it may need memory, which the request has. */
static bool clean_path(struct request *rq, struct fault *fault)
{
    str raw = rq->path;
    return path_clean(&rq->arena, raw, &rq->path, &rq->segments, fault);
}

/* ---- its life ---- */

/* On the main stack, after the request's fiber has ended. One that never parked ended within
 * conn__begin(), whose caller goes on by itself. */
static void after_run(void *arg)
{
    struct conn *c = arg;
    BUG_ON(c->fiber); /* handle() let a fiber_end through */
    if (c->parked && c->sock && c->state == CONN_HEAD)
        conn__advance(c);
}

/* 0: sent, or kept for later. Negative: the connection is of no more use. fault: nothing was sent.
 */
WAITS static int answer(struct conn *c, struct request *rq, struct fault *fault)
{
    struct http_server *s = c->server;
    if (!take_headers(c, rq, fault) || !clean_path(rq, fault))
        return 0;
    s->stats.requests++;
    s->hooks.handle(rq, s->ctx);
    c->closing = c->closing || s->draining || !c->body_whole;
    return reply__finish(c, rq);
}

static void run(void *arg)
{
    struct conn *c = arg;
    struct request rq;
    struct reply reply;
    struct fault fault = {0};
    char kept[ID_MOST];
    str id = {kept, 0};
    c->fiber = fiber_self();
    fiber_after(after_run, c);
    fill_request(c, &rq, &reply);
    c->server->stats.active++;
    int sent = answer(c, &rq, &fault);
    c->server->stats.active--;
    if (fault.status && rq.id.len) {
        memcpy(kept, rq.id.ptr, rq.id.len);
        id.len = rq.id.len;
    }
    conn__buf_put(c->server, &reply.body);
    arena_reset(&rq.arena);
    mem_free(c->held);
    c->held = NULL;
    c->fiber = NULL;
    if (fault.status)
        conn__refuse(c, &fault, id);
    else
        conn__end_run(c, sent);
}

bool conn__begin(struct conn *c)
{
    c->parked = false;
    if (!fiber_start(c->server->loop, run, c))
        return false;
    c->parked = c->fiber != NULL;
    return true;
}

bool request_timed_out(const struct request *rq)
{
    return rq->conn->timed_out;
}

/* ---- a body that is read by the handler ---- */

str conn__body(const struct conn *c)
{
    if (c->head.chunked)
        return (str){c->in + c->head_len, c->chunks.decoded};
    return (str){c->in + c->head_len, c->head.length > 0 ? (size_t)c->head.length : 0};
}

static int body_fault(struct conn *c, const struct fault *fault, struct err *err)
{
    int code = fault->status == 413 ? E_TOOBIG : fault->status == 503 ? E_BUSY : E_BAD;
    c->closing = true;
    return fail(err, code, "%s", fault->why);
}

static int say_continue(struct conn *c, struct err *err)
{
    static char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {go_on, sizeof go_on - 1};
    if (!c->sent_continue && net_write(c->sock, &iov, 1) != (ssize_t)iov.iov_len)
        return fail(err, E_CANCELLED, "the client takes no answer");
    c->sent_continue = true;
    return 0;
}

/* Bytes of the body that have come now; 0 after a wait for some. */
WAITS static ssize_t read_some(struct conn *c, uint64_t deadline, struct err *err)
{
    struct fault fault;
    if (!input__room(c, &fault))
        return body_fault(c, &fault, err);
    ssize_t n = net_read(c->sock, c->in + c->in_len, c->in_cap - c->in_len);
    if (n > 0)
        return n;
    if (n < 0)
        return fail(err, E_CANCELLED, "the client went away");
    int rc = net_wait_read(c->sock, deadline);
    if (rc == E_TIMEOUT)
        return fail(err, E_SLOW, "the body did not arrive in time");
    return rc < 0 ? fail(err, rc, "the request was ended") : 0;
}

int conn__read_body(struct conn *c, struct err *err)
{
    const struct http_limits *l = &c->server->limits;
    struct fault fault;
    if (c->body_whole)
        return 0;
    TRY(say_continue(c, err));
    uint64_t deadline = loop_now() + l->body_ns;
    while (!c->body_whole) {
        ssize_t n = read_some(c, deadline, err);
        if (n < 0)
            return (int)n;
        if (n == 0)
            continue;
        c->in_len += (size_t)n;
        c->server->stats.bytes_in += (uint64_t)n;
        deadline = conn__later(deadline, (size_t)n, l->body_ns);
        c->expires = conn__later(c->expires, (size_t)n, l->request_ns);
        if (conn__body_progress(c, &fault) < 0)
            return body_fault(c, &fault, err);
    }
    return 0;
}

/* ---- a body that is read piece by piece ---- */

/* Is there a body, and more of it than has come? */
static bool body_to_come(const struct conn *c)
{
    const struct head *h = &c->head;
    bool takes = h->method == METHOD_POST || h->method == METHOD_PUT || h->method == METHOD_PATCH;
    return takes &&
           (h->chunked || (h->length > 0 && (uint64_t)h->length > c->in_len - c->head_len));
}

static uint64_t ask_pieces(struct conn *c)
{
    const struct http_server *s = c->server;
    const struct head *h = &c->head;
    struct fault fault;
    struct request probe = {.method = h->method,
                            .method_text = h->method_text,
                            .target = h->target,
                            .path = h->path,
                            .query = h->query,
                            .headers = h->headers,
                            .header_count = h->header_count};
    arena_init(&probe.arena, 8 * s->limits.max_target + 65536);
    str raw = probe.path;
    uint64_t most = path_clean(&probe.arena, raw, &probe.path, &probe.segments, &fault)
                        ? s->hooks.pieces(&probe, s->ctx)
                        : 0;
    arena_reset(&probe.arena);
    return most;
}

uint64_t conn__pieces(struct conn *c)
{
    return c->server->hooks.pieces && body_to_come(c) ? ask_pieces(c) : 0;
}

/* What was handed out is used up. */
static void take_back(struct conn *c)
{
    input__cut(c, c->lent);
    if (c->head.chunked) {
        c->chunks.decoded -= c->lent;
        c->chunks.raw -= c->lent;
    }
    c->lent = 0;
}

/* Hands out what is in `in`. 0 or a negative code. */
static int lend(struct conn *c, struct err *err)
{
    struct fault fault;
    uint64_t left = c->head.chunked ? 0 : (uint64_t)c->head.length - c->got;
    if (left > c->most) {
        fault = (struct fault){413, "the body is larger than the limit"};
        return body_fault(c, &fault, err);
    }
    if (c->head.chunked) {
        size_t len = c->in_len;
        int rc = chunks_feed(&c->chunks, c->in, &len, c->most - c->got, &fault);
        c->in_len = len;
        if (rc < 0)
            return body_fault(c, &fault, err);
        c->lent = c->chunks.decoded;
        c->body_whole = rc == 1;
    } else {
        c->lent = c->in_len < left ? c->in_len : (size_t)left;
        c->body_whole = c->lent == left;
    }
    c->got += c->lent;
    return 0;
}

int conn__read_piece(struct conn *c, str *out, struct err *err)
{
    const struct http_limits *l = &c->server->limits;
    uint64_t deadline = loop_now() + l->body_ns;
    take_back(c);
    *out = (str){"", 0};
    if (c->body_whole)
        return 0;
    TRY(lend(c, err));
    if (c->head.expect && !c->body_whole)
        TRY(say_continue(c, err));
    while (!c->lent && !c->body_whole) {
        ssize_t n = read_some(c, deadline, err);
        if (n < 0)
            return (int)n;
        if (n == 0)
            continue;
        c->in_len += (size_t)n;
        c->server->stats.bytes_in += (uint64_t)n;
        deadline = conn__later(deadline, (size_t)n, l->body_ns);
        c->expires = conn__later(c->expires, (size_t)n, l->request_ns);
        TRY(lend(c, err));
    }
    *out = (str){c->in, c->lent};
    return 0;
}
