/* tail.c -- where `cairn tail` listens: a socket DATA/tail.PID.sock of mode 0600. SPDX: Apache-2.0
 * A name for each process, because several may share a data directory; what a killed one left
 * behind is removed at the next start. Who may open the file is asked again of the kernel: the
 * other side must be our user, or root. Not being able to have the socket is no reason not to
 * serve. */
#include "server/server.h"
#include "server/server_priv.h"

#include "observe/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { QUEUE = 4 };

static bool address(str path, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path.len >= sizeof out->sun_path)
        return false;
    memcpy(out->sun_path, path.ptr, path.len);
    return true;
}

void tail_sockets(const struct config *c, tail_found *fn, void *ctx)
{
    char path[sizeof((struct tail *)0)->path];
    struct dirent *e;
    DIR *dir = opendir(c->data_path.ptr);
    while (dir && (e = readdir(dir))) {
        str name = str_of(e->d_name);
        int n = snprintf(path, sizeof path, "%.*s/%s", STR_ARG(c->data_path), e->d_name);
        if (str_starts(name, LIT("tail.")) && str_ends(name, LIT(".sock")) && n > 0 &&
            (size_t)n < sizeof path)
            fn(ctx, path);
    }
    if (dir)
        closedir(dir);
}

int tail_dial(const char *path)
{
    struct sockaddr_un u;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || !address(str_of(path), &u))
        return -EINVAL;
    int code = connect(fd, (struct sockaddr *)&u, sizeof u) < 0 ? -errno : fd;
    if (code < 0)
        close(fd);
    return code;
}

static void remove_dead(void *ctx, const char *path)
{
    int fd = tail_dial(path);
    (void)ctx;
    if (fd == -ECONNREFUSED)
        unlink(path);
    if (fd >= 0)
        close(fd);
}

static int bind_here(struct tail *t, struct err *err)
{
    struct sockaddr_un u;
    int n = snprintf(t->path, sizeof t->path, "%.*s/tail.%ld.sock", STR_ARG(t->config->data_path),
                     (long)getpid());
    if (n < 0 || (size_t)n >= sizeof t->path || !address(str_of(t->path), &u))
        return fail(err, E_IO, "the path of the data directory is too long for a socket");
    t->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    int code = t->fd < 0 ? -1 : bind(t->fd, (struct sockaddr *)&u, sizeof u);
    umask(before);
    if (code < 0 || listen(t->fd, QUEUE) < 0)
        return fail(err, E_IO, "%s: %s", t->path, strerror(errno));
    t->bound = true;
    return 0;
}

void tail_open(struct tail *t, const struct config *c)
{
    struct err err = {0};
    *t = (struct tail){.fd = -1, .config = c};
    if (!c->log_tail)
        return;
    secret_dirs(c);
    tail_sockets(c, remove_dead, NULL);
    if (bind_here(t, &err) == 0)
        return;
    log_event_err(LOG_WARN, "cairn tail cannot follow this server", &err);
    tail_close(t);
}

static bool ours(int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

void tail_accept(struct tail *t)
{
    char hello[64];
    int fd = accept4(t->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    bool taken = ours(fd) && log_tap_add(fd);
    int len = snprintf(hello, sizeof hello, taken ? "{\"follows\":%ld}\n" : "{\"refused\":%ld}\n",
                       (long)getpid());
    send(fd, hello, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!taken)
        close(fd);
}

void tail_close(struct tail *t)
{
    log_tap_close();
    if (t->fd >= 0)
        close(t->fd);
    if (t->bound)
        unlink(t->path);
    t->fd = -1;
    t->bound = false;
}
