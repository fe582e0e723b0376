/* conn.c -- one HTTP/1.1 connection: see the states in http_priv.h. SPDX: Apache-2.0
 * Invariants: (1) `in` does not move in RUN, or the head was copied before (input__hold). (2) After
 * an answer whose request body was not read to its end the connection closes. (3) Whoever closes
 * sends FIN first and drains for a while (RFC 9112 9.6), else the kernel may throw away the answer
 * with a reset. (4) What is refused is refused whole: the verdict does not depend on how the bytes
 * were cut into packets. */
#include "base/mem.h"
#include "http/http_priv.h"

enum { LINGER_S = 2 };

static const uint64_t SECOND = 1000000000u;

/* ---- states ---- */

static uint64_t patience(const struct conn *c, enum conn_state state)
{
    const struct http_limits *l = &c->server->limits;
    switch (state) {
    case CONN_HEAD:
        return c->in_len || !c->served ? l->header_ns : l->idle_ns;
    case CONN_BODY:
        return l->body_ns;
    case CONN_OUT:
        return l->write_ns;
    case CONN_LINGER:
        return LINGER_S * SECOND;
    default:
        return l->request_ns;
    }
}

void conn__move(struct conn *c, enum conn_state state)
{
    c->state = state;
    c->expires = loop_now() + patience(c, state);
    list_cut(&c->link);
    list_push(&c->server->lists[state], &c->link);
}

uint64_t conn__later(uint64_t deadline, size_t n, uint64_t most)
{
    uint64_t later = deadline + n * SECOND / RATE, end = loop_now() + most;
    return later < end ? later : end;
}

/* ---- the end of a connection ---- */

static void drop_out(struct conn *c)
{
    c->server->kept_out -= c->out.len;
    conn__buf_put(c->server, &c->out);
    c->out_at = 0;
}

/* The buffers go back now: on_closed comes only after all other events of this turn. */
static void close_now(struct conn *c)
{
    BUG_ON(c->fiber);
    input__drop(c);
    drop_out(c);
    list_cut(&c->link);
    net_close(&c->sock);
}

/* FIN, then throw away what still comes until the client closes too. */
static void linger(struct conn *c)
{
    input__drop(c);
    net_shut_write(c->sock);
    net_resume(c->sock);
    conn__move(c, CONN_LINGER);
}

/* Fills reply where the head was read: the client's language is known then. `in` may have moved. */
static bool tell_problem(struct conn *c, const struct refusal *r, struct reply *reply)
{
    struct http_server *s = c->server;
    const struct head *h = &c->head;
    struct fault fault;
    if (!s->hooks.problem || !c->head_len || c->in_len < c->head_len || !input__parse(c, &fault))
        return false;
    struct request rq = {.method = h->method,
                         .method_text = h->method_text,
                         .headers = h->headers,
                         .header_count = h->header_count,
                         .id = r->id,
                         .reply = reply};
    arena_init(&rq.arena, REFUSAL_ARENA);
    s->hooks.problem(&rq, r, s->ctx);
    arena_reset(&rq.arena);
    return true;
}

void conn__refuse(struct conn *c, const struct fault *fault, str id)
{
    enum { BODY_MOST = 4096 };
    struct http_server *s = c->server;
    char made[ID_LEN];
    if (!id.len) {
        request__make_id(s, made);
        id = (str){made, ID_LEN};
    }
    struct refusal r = {net_peer(c->sock), id, fault->status, fault->why};
    s->stats.refused++;
    if (s->hooks.refused)
        s->hooks.refused(s->ctx, &r);
    struct reply told = {.body = conn__buf_get(s, BODY_MOST)};
    bool own = tell_problem(c, &r, &told) && told.body.len && !told.body.full;
    str text = reply__refusal(s, fault, id, own ? &told : NULL);
    conn__buf_put(s, &told.body);
    struct iovec iov = {(void *)text.ptr, text.len};
    ssize_t n = net_write(c->sock, &iov, 1); /* a socket that does not take it all gets no more */
    s->stats.bytes_out += n > 0 ? (uint64_t)n : 0;
    linger(c);
}

static void refuse(struct conn *c, const struct fault *fault)
{
    conn__refuse(c, fault, (str){"", 0});
}

static void refuse_status(struct conn *c, int status, const char *why)
{
    struct fault fault = {status, why};
    refuse(c, &fault);
}

/* ---- running a request ---- */

/* Bytes of `in` that the present request takes. */
static size_t message_length(const struct conn *c)
{
    if (c->head.chunked)
        return c->head_len + c->chunks.raw;
    if (c->streams)
        return c->lent;
    return c->head_len + (c->head.length > 0 ? (size_t)c->head.length : 0);
}

int conn__body_progress(struct conn *c, struct fault *fault)
{
    if (!c->head.chunked) {
        c->body_whole = c->in_len >= message_length(c);
        return c->body_whole;
    }
    size_t len = c->in_len - c->head_len;
    int rc = chunks_feed(&c->chunks, c->in + c->head_len, &len, c->server->limits.max_body, fault);
    c->in_len = c->head_len + len;
    c->body_whole = rc == 1;
    return rc;
}

static void start(struct conn *c)
{
    struct http_server *s = c->server;
    c->served++;
    c->timed_out = false;
    c->sent_continue = false;
    c->closing = c->head.close || (s->limits.max_keepalive && c->served >= s->limits.max_keepalive);
    c->gone_at = c->gone_at ? loop_now() : 0;
    conn__move(c, CONN_RUN);
    if (conn__begin(c))
        return;
    mem_free(c->held);
    c->held = NULL;
    refuse_status(c, 503, "too many requests are in progress");
}

/* The handler reads the body, of which `in` holds the beginning. */
static void start_stream(struct conn *c, uint64_t most)
{
    input__hold(c);
    input__cut(c, c->head_len);
    c->head_len = 0;
    c->streams = true;
    c->most = most;
    start(c);
}

/* What follows the answered request moves to the front of `in`. */
static void next_message(struct conn *c)
{
    input__cut(c, message_length(c));
    c->scan = (struct head_scan){0};
    c->head_len = 0;
    c->streams = false;
}

void conn__end_run(struct conn *c, int sent)
{
    if (sent < 0) {
        close_now(c);
        return;
    }
    if (c->closing)
        input__drop(c);
    else
        next_message(c);
    if (c->out.len) {
        conn__move(c, CONN_OUT);
        net_want_write(c->sock, true);
    } else if (c->closing) {
        linger(c);
    } else {
        conn__move(c, CONN_HEAD);
    }
}

/* ---- reading ---- */

/* A body was meant, but there is no length: RFC 9110 15.5.12. */
static bool lacks_length(const struct conn *c)
{
    const struct head *h = &c->head;
    bool takes = h->method == METHOD_POST || h->method == METHOD_PUT || h->method == METHOD_PATCH;
    if (h->length >= 0 || h->chunked || !takes)
        return false;
    for (size_t i = 0; i < h->header_count; i++) {
        if (str_eqi(h->headers[i].name, LIT("Content-Type")))
            return true;
    }
    return false;
}

/* A whole head is there: decides what comes next. */
static void head_done(struct conn *c)
{
    const struct http_limits *l = &c->server->limits;
    struct fault fault = {0};
    c->chunks = (struct chunks){0};
    c->body_whole = c->streams = false;
    c->got = c->lent = 0;
    bool fine = input__parse(c, &fault);
    uint64_t pieces = fine ? conn__pieces(c) : 0;
    if (!fine)
        refuse(c, &fault);
    else if (pieces)
        start_stream(c, pieces);
    else if (c->head.length > 0 && (uint64_t)c->head.length > l->max_body)
        refuse_status(c, 413, "the body is larger than the limit");
    else if (lacks_length(c))
        refuse_status(c, 411, "a body needs a Content-Length");
    else if (conn__body_progress(c, &fault) < 0)
        refuse(c, &fault);
    else if (!c->body_whole && !c->head.expect)
        conn__move(c, CONN_BODY);
    else {
        if (!c->body_whole) /* the handler reads it, if it wants it */
            input__hold(c);
        start(c);
    }
}

/* Both: false when more bytes are needed. */
static bool find_head(struct conn *c)
{
    struct fault fault;
    str in = {c->in, c->in_len};
    ssize_t n = head_find(&c->scan, in, c->server->limits.max_head, &fault);
    if (n < 0)
        refuse(c, &fault);
    if (n <= 0)
        return false;
    c->head_len = (size_t)n;
    head_done(c);
    return true;
}

static bool find_body(struct conn *c)
{
    struct fault fault;
    int rc = conn__body_progress(c, &fault);
    if (rc > 0 && !input__parse(c, &fault)) /* `in` has moved since the head was parsed */
        rc = -1;
    if (rc < 0)
        refuse(c, &fault);
    if (rc <= 0)
        return false;
    start(c);
    return true;
}

/* Between two requests, or within one that has not come whole. */
static bool wants_input(const struct conn *c)
{
    return c->sock && (c->state == CONN_HEAD || c->state == CONN_BODY);
}

void conn__advance(struct conn *c)
{
    bool more = true;
    while (more && wants_input(c))
        more = c->state == CONN_HEAD ? find_head(c) : find_body(c);
    if (!wants_input(c))
        return;
    input__rest(c);
    net_resume(c->sock);
}

/* ---- events ---- */

static void discard(struct conn *c)
{
    char waste[4096];
    for (int i = 0; i < 16; i++) {
        ssize_t n = net_read(c->sock, waste, sizeof waste);
        if (n == NET_AGAIN)
            return;
        if (n < 0) {
            close_now(c);
            return;
        }
    }
}

static void read_more(struct conn *c)
{
    struct fault fault;
    bool fresh = c->in_len == 0 && c->state == CONN_HEAD;
    if (!input__room(c, &fault)) {
        refuse(c, &fault);
        return;
    }
    ssize_t n = net_read(c->sock, c->in + c->in_len, c->in_cap - c->in_len);
    if (n < 0) {
        close_now(c);
        return;
    }
    c->in_len += (size_t)n;
    c->server->stats.bytes_in += (uint64_t)n;
    if (c->state == CONN_BODY)
        c->expires = conn__later(c->expires, (size_t)n, c->server->limits.body_ns);
    conn__advance(c);
    if (fresh && c->in_len && c->sock && c->state == CONN_HEAD)
        conn__move(c, CONN_HEAD); /* from idle time to header time */
}

static void on_readable(struct net_sock *sock)
{
    struct conn *c = net_data(sock);
    if (c->state == CONN_LINGER)
        discard(c);
    else if (wants_input(c))
        read_more(c);
    else
        net_pause(sock); /* more requests, or a FIN: on_gone tells which */
}

static void on_gone(struct net_sock *sock, bool reset)
{
    struct conn *c = net_data(sock);
    if (c->state == CONN_RUN && reset)
        fiber_cancel(c->fiber);
    else if (c->state == CONN_RUN)
        c->gone_at = loop_now();
    else if (reset)
        close_now(c);
}

static void on_writable(struct net_sock *sock)
{
    struct conn *c = net_data(sock);
    BUG_ON(c->state != CONN_OUT);
    struct iovec iov = {c->out.ptr + c->out_at, c->out.len - c->out_at};
    ssize_t n = net_write(sock, &iov, 1);
    if (n < 0) {
        close_now(c);
        return;
    }
    c->out_at += (size_t)n;
    c->expires = conn__later(c->expires, (size_t)n, c->server->limits.write_ns);
    if (c->out_at < c->out.len)
        return;
    net_want_write(sock, false);
    drop_out(c);
    if (c->closing || c->server->draining) {
        linger(c);
        return;
    }
    conn__move(c, CONN_HEAD);
    conn__advance(c);
}

/* ---- the connection as the server sees it ---- */

static bool opened(struct net_sock *sock, void *ctx)
{
    struct http_server *s = ctx;
    if (s->draining || s->stats.connections >= s->limits.max_connections) {
        s->stats.turned_away++;
        return false;
    }
    struct conn *c = mem_zero(1, sizeof *c);
    c->magic = CONN_MAGIC;
    c->sock = sock;
    c->server = s;
    list_init(&c->link);
    net_set_data(sock, c);
    conn__move(c, CONN_HEAD);
    s->stats.accepted++;
    s->stats.connections++;
    return true;
}

static void on_closed(void *data)
{
    struct conn *c = data;
    struct http_server *s = c->server;
    BUG_ON(c->magic != CONN_MAGIC || c->held || c->in || c->out.ptr);
    c->magic = 0;
    mem_free(c);
    if (--s->stats.connections == 0 && s->draining && s->drained)
        s->drained(s->drained_arg);
}

const struct net_ops conn__ops = {.opened = opened,
                                  .readable = on_readable,
                                  .writable = on_writable,
                                  .gone = on_gone,
                                  .closed = on_closed};

/* The present state has lasted too long. */
static void overdue(struct conn *c)
{
    switch (c->state) {
    case CONN_HEAD:
        if (c->in_len)
            refuse_status(c, 408, "the request's head did not arrive in time");
        else
            close_now(c);
        return;
    case CONN_BODY:
        refuse_status(c, 408, "the request's body did not arrive in time");
        return;
    case CONN_RUN:
        if (!c->timed_out) {
            c->timed_out = true;
            fiber_cancel(c->fiber);
        }
        return;
    default:
        close_now(c);
    }
}

void conn__tick(struct conn *c, uint64_t now)
{
    if (now >= c->expires)
        overdue(c);
    else if (c->state == CONN_RUN && c->gone_at && now > c->gone_at + SECOND)
        fiber_cancel(c->fiber); /* a half-closed client that only waits has this one second */
    else if (wants_input(c) && c->in_len)
        input__trim(c);
}

void conn__drain(struct conn *c, bool now)
{
    bool idle = c->state == CONN_HEAD && !c->in_len;
    if (c->state == CONN_RUN && now)
        fiber_cancel(c->fiber);
    else if (c->state != CONN_RUN && now)
        close_now(c);
    else if (idle)
        read_more(c); /* a request that has already come is still served */
    if (idle && c->sock && c->state == CONN_HEAD && !c->in_len)
        close_now(c);
}
