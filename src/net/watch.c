/* watch.c -- a descriptor that a library owns, watched on the loop. SPDX: Apache-2.0
 * Input is watched all the time, as with accepted sockets: a library that talks to a server hears
 * at once that the server has gone. Invariants: (1) The uv handle is in the struct, which is freed
 * in the close callback only. (2) The handle does not keep the loop alive. */
#include "base/mem.h"
#include "net/net.h"

#include <uv.h>

struct net_watch {
    uv_poll_t poll;
    net_watch_fn *fn;
    void *ctx;
    int watched;
};

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct net_watch *w = poll->data;
    if (status < 0) { /* libuv has stopped; the error shows itself at the next read */
        events = UV_READABLE | UV_WRITABLE;
        w->watched = 0;
    }
    w->fn(w->ctx, events & (UV_READABLE | UV_DISCONNECT), events & UV_WRITABLE);
}

struct net_watch *net_watch_open(struct loop *l, int fd, net_watch_fn *fn, void *ctx)
{
    struct net_watch *w = mem_zero(1, sizeof *w);
    *w = (struct net_watch){.fn = fn, .ctx = ctx};
    if (uv_poll_init(loop_uv(l), &w->poll, fd) != 0) {
        mem_free(w);
        return NULL;
    }
    w->poll.data = w;
    uv_unref((uv_handle_t *)&w->poll);
    return w;
}

void net_watch_want(struct net_watch *w, bool read, bool write)
{
    int events = (read ? UV_READABLE : 0) | (write ? UV_WRITABLE : 0);
    if (w->watched == events)
        return;
    w->watched = events;
    if (events)
        uv_poll_start(&w->poll, events, on_poll);
    else
        uv_poll_stop(&w->poll);
}

static void free_watch(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void net_watch_close(struct net_watch **watch)
{
    struct net_watch *w = *watch;
    *watch = NULL;
    if (w)
        uv_close((uv_handle_t *)&w->poll, free_watch);
}
