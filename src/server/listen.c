/* listen.c -- every address of server.listen, once for each worker. SPDX: Apache-2.0
 * A TCP port is shared by SO_REUSEPORT: each worker has a socket and a queue of its own. A unix
 * socket is one file, so its descriptor is duplicated. */
#include "net/net.h"
#include "server/server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool is_unix(str addr)
{
    return str_starts(addr, LIT("unix:"));
}

/* HOST of HOST:PORT */
static str host_of(str addr)
{
    return str_upto(addr, str_rfind(addr, ':'));
}

static void url_put(struct serve *s, str addr, int port)
{
    char text[400];
    str host = host_of(addr);
    if (is_unix(addr))
        snprintf(text, sizeof text, "%.*s", STR_ARG(addr));
    else
        snprintf(text, sizeof text, "http://%.*s:%d", STR_ARG(host.len ? host : LIT("0.0.0.0")),
                 port);
    if (!s->urls.len)
        buf_str(&s->url, str_of(text));
    else
        buf_char(&s->urls, ' ');
    buf_str(&s->urls, str_of(text));
}

static int take(struct worker *w, int fd)
{
    w->fds[w->fd_count++] = fd;
    return 0;
}

static int listen_one(struct serve *s, str addr, struct err *err)
{
    char again[300];
    int fd, port = 0;
    TRY(net_bind(addr, false, &fd, &port, err));
    take(&s->workers[0], fd);
    url_put(s, addr, port);
    snprintf(again, sizeof again, "%.*s:%d", STR_ARG(host_of(addr)), port);
    for (unsigned i = 1; i < s->worker_count; i++) {
        int next = -1;
        if (!is_unix(addr))
            TRY(net_bind(str_of(again), true, &next, NULL, err));
        else if ((next = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
            return fail(err, E_IO, "cannot share %.*s: %s", STR_ARG(addr), strerror(errno));
        take(&s->workers[i], next);
    }
    return 0;
}

int listen_all(struct serve *s, struct err *err)
{
    str rest = s->boot->listen;
    unsigned count = 0;
    while (rest.ptr) {
        str addr = str_trim(str_cut(&rest, ','));
        if (!addr.len)
            continue;
        if (count++ == ADDRESSES_MOST)
            return fail(err, E_CONFIG, "server.listen has more than %d addresses", ADDRESSES_MOST);
        TRY(listen_one(s, addr, err));
    }
    return count ? 0 : fail(err, E_CONFIG, "server.listen names no address");
}

void listen_close(struct serve *s)
{
    for (unsigned i = 0; i < s->worker_count; i++) {
        struct worker *w = &s->workers[i];
        while (w->fd_count)
            close(w->fds[--w->fd_count]);
    }
}
