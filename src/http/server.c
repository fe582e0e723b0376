/* server.c -- the connections of one worker: listeners, limits, time, the drain. SPDX: Apache-2.0
 */
#include "base/mem.h"
#include "http/http_priv.h"

#include <sys/random.h>

enum { TICK_MS = 500 };

static void each(struct http_server *s, void (*fn)(struct conn *, uint64_t), uint64_t arg)
{
    for (int i = 0; i < CONN_LISTS; i++) {
        /* fn may end its own connection, or move it to the end of a list, but no other one */
        struct link *head = &s->lists[i], *last = head->prev, *it = head->next, *next;
        for (bool more = it != head; more; it = next) {
            next = it->next;
            more = it != last;
            fn(OUTER(it, struct conn, link), arg);
        }
    }
}

static void on_tick(void *arg)
{
    each(arg, conn__tick, loop_now());
}

struct http_server *http_server_new(struct loop *l, const struct http_limits *limits,
                                    const struct http_hooks *hooks, void *ctx)
{
    struct http_server *s = mem_zero(1, sizeof *s);
    s->loop = l;
    s->hooks = *hooks;
    s->ctx = ctx;
    s->head_text = mem_new(HEAD_TEXT_MOST);
    for (int i = 0; i < CONN_LISTS; i++)
        list_init(&s->lists[i]);
    if (getrandom(&s->random, sizeof s->random, 0) != (ssize_t)sizeof s->random)
        s->random = clock_ns();
    http_server_limits(s, limits);
    loop_every(l, TICK_MS, on_tick, s);
    return s;
}

void http_server_listen(struct http_server *s, int fd)
{
    BUG_ON(s->listener_count == COUNT_OF(s->listeners));
    s->listeners[s->listener_count++] = net_listen(s->loop, fd, &conn__ops, s);
}

void http_server_limits(struct http_server *s, const struct http_limits *limits)
{
    s->limits = *limits;
    mem_free(s->scratch);
    s->scratch = mem_zero(limits->max_headers, sizeof *s->scratch);
}

static void drain_one(struct conn *c, uint64_t now)
{
    conn__drain(c, now != 0);
}

void http_server_drain(struct http_server *s, defer_fn *done, void *arg)
{
    for (unsigned i = 0; i < s->listener_count; i++)
        net_unlisten(&s->listeners[i]); /* takes in who has been waiting at the door */
    s->listener_count = 0;
    s->draining = true;
    s->drained = done;
    s->drained_arg = arg;
    each(s, drain_one, 0);
    if (!s->stats.connections)
        done(arg);
}

void http_server_cut(struct http_server *s)
{
    each(s, drain_one, 1);
}

void http_server_stats(const struct http_server *s, struct http_stats *out)
{
    *out = s->stats;
    out->idle = s->stats.connections - s->stats.active;
}

void http_server_free(struct http_server **server)
{
    struct http_server *s = *server;
    BUG_ON(s->stats.connections);
    while (s->spare_in_count)
        mem_free(s->spare_in[--s->spare_in_count]);
    while (s->spare_out_count)
        buf_fini(&s->spare_out[--s->spare_out_count]);
    mem_free(s->scratch);
    mem_free(s->head_text);
    mem_free(s);
    *server = NULL;
}
