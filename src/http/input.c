/* input.c -- the buffers of a connection: what came in, and where it is kept. SPDX: Apache-2.0
 * Why three kinds: a connection that waits for its next request has none; while bytes arrive it
 * borrows one of the server's, which holds nearly every request whole; what is larger, or has to
 * wait for a slow sender, gets memory of its own that is as large as it needs. So 10,000 slow
 * senders cost what they sent. Memory follows what has come, not what a Content-Length claims, and
 * all connections together have a ceiling (input__ceiling).
 * Invariants: lent_in counts the borrowed ones, own_in the bytes of the others. */
#include "base/mem.h"
#include "http/http_priv.h"

/* ---- in ---- */

void input__drop(struct conn *c)
{
    struct http_server *s = c->server;
    if (c->pooled)
        s->lent_in--;
    else
        s->own_in -= c->in_cap;
    if (c->pooled && s->spare_in_count < POOL_MOST)
        s->spare_in[s->spare_in_count++] = c->in;
    else
        mem_free(c->in);
    c->in = NULL;
    c->in_cap = c->in_len = 0;
    c->pooled = false;
}

static void borrow(struct conn *c)
{
    struct http_server *s = c->server;
    char *own = c->in;
    s->own_in -= c->in_cap;
    c->in = s->spare_in_count ? s->spare_in[--s->spare_in_count] : mem_new(IN_POOLED);
    c->in_cap = IN_POOLED;
    c->pooled = true;
    s->lent_in++;
    if (own)
        memcpy(c->in, own, c->in_len);
    mem_free(own);
}

/* `in` with room for cap bytes, on the connection's own account. */
static void resize(struct conn *c, size_t cap)
{
    size_t len = c->in_len;
    BUG_ON(!c->in);
    if (c->pooled) {
        char *own = mem_new(cap);
        memcpy(own, c->in, len);
        input__drop(c);
        c->in = own;
    } else {
        c->in = mem_grow(c->in, cap);
    }
    c->server->own_in += cap - c->in_cap;
    c->in_cap = cap;
    c->in_len = len;
}

size_t input__ceiling(const struct http_server *s)
{
    enum { SHARES = 16 };
    const struct http_limits *l = &s->limits;
    return SHARES * (l->request_memory > l->max_body ? l->request_memory : l->max_body);
}

void input__cut(struct conn *c, size_t len)
{
    BUG_ON(len > c->in_len);
    c->in_len -= len;
    if (c->in_len)
        memmove(c->in, c->in + len, c->in_len);
}

/* The ceiling of the present message. */
static size_t most_of(const struct conn *c)
{
    const struct http_limits *l = &c->server->limits;
    if (c->state == CONN_HEAD)
        return l->max_head;
    if (c->head.chunked)
        return c->head_len + l->max_body + IN_POOLED;
    return c->head_len + (size_t)c->head.length;
}

static bool too_large(const struct conn *c, struct fault *fault)
{
    *fault = c->state == CONN_HEAD ? (struct fault){431, "the headers are larger than the limit"}
                                   : (struct fault){413, "the body is larger than the limit"};
    return false;
}

bool input__room(struct conn *c, struct fault *fault)
{
    const struct http_server *s = c->server;
    if (!c->in || (!c->pooled && c->in_cap < IN_POOLED))
        borrow(c);
    if (c->in_len < c->in_cap)
        return true;
    size_t most = most_of(c), cap = c->in_cap * 4, had = c->pooled ? 0 : c->in_cap;
    if (c->in_cap >= most) /* only when the limits have been lowered meanwhile */
        return too_large(c, fault);
    cap = cap < most ? cap : most;
    if (s->own_in - had + cap > input__ceiling(s)) {
        *fault = (struct fault){503, "too many large requests are arriving"};
        return false;
    }
    resize(c, cap);
    return true;
}

void input__trim(struct conn *c)
{
    size_t cap = 256;
    while (cap < c->in_len)
        cap *= 2;
    if (c->pooled ? cap < IN_POOLED : c->state == CONN_HEAD && cap < c->in_cap / 2)
        resize(c, cap);
}

void input__rest(struct conn *c)
{
    if (!c->in_len && c->in)
        input__drop(c);
    else if (c->server->lent_in > POOL_MOST) /* else the next tick is early enough */
        input__trim(c);
}

bool input__parse(struct conn *c, struct fault *fault)
{
    const char *base = c->held ? c->held : c->in;
    str text = {base + c->scan.skipped, c->head_len - c->scan.skipped};
    return head_parse(text, &c->server->limits, c->server->scratch, &c->head, fault);
}

void input__hold(struct conn *c)
{
    struct fault fault;
    c->held = mem_new(c->head_len);
    memcpy(c->held, c->in, c->head_len);
    BUG_ON(!input__parse(c, &fault)); /* it was parsed a moment ago */
}

/* ---- out ---- */

struct buf conn__buf_get(struct http_server *s, size_t limit)
{
    struct buf b = {.limit = limit};
    if (s->spare_out_count)
        b = s->spare_out[--s->spare_out_count];
    b.limit = limit;
    return b;
}

void conn__buf_put(struct http_server *s, struct buf *b)
{
    enum { KEEP_MOST = 128 * 1024 };
    buf_clear(b);
    if (b->ptr && b->cap <= KEEP_MOST && s->spare_out_count < POOL_MOST)
        s->spare_out[s->spare_out_count++] = *b;
    else
        buf_fini(b);
    *b = (struct buf){0};
}
