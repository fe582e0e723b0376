/* bind.c -- an address text to a listening descriptor. SPDX: Apache-2.0 */
#include "base/mem.h"
#include "net/net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

/* A socket file that nobody answers on is left over from a process that was killed. Any other
 * outcome than a refusal (a full queue, no permission) means that somebody is there. */
static void remove_stale(const struct sockaddr_un *un)
{
    struct stat st;
    if (stat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return;
    if (connect(probe, (const struct sockaddr *)un, sizeof *un) != 0 && errno == ECONNREFUSED)
        unlink(un->sun_path);
    close(probe);
}

static int bind_unix(str path, int *fd, struct err *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (!path.len || path.len >= sizeof un.sun_path)
        return fail(err, E_CONFIG, "unix socket path '%.*s' is empty or too long", STR_ARG(path));
    memcpy(un.sun_path, path.ptr, path.len);
    remove_stale(&un);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0 || bind(s, (const struct sockaddr *)&un, sizeof un) != 0 || listen(s, BACKLOG) != 0) {
        int why = errno;
        if (s >= 0)
            close(s);
        return fail(err, E_IO, "cannot listen on unix:%.*s: %s", STR_ARG(path), strerror(why));
    }
    *fd = s;
    return 0;
}

/* Splits "HOST:PORT" or "[V6]:PORT"; an empty host is every address. */
static bool split(str addr, char *host, size_t host_size, char *port, size_t port_size)
{
    size_t colon = str_rfind(addr, ':');
    if (colon == STR_NONE)
        return false;
    str h = str_upto(addr, colon), p = str_from(addr, colon + 1);
    if (h.len >= 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']')
        h = str_from(str_upto(h, h.len - 1), 1);
    else if (str_find(h, ':') != STR_NONE)
        return false;
    uint64_t number;
    if (!str_to_u64(p, &number) || number > 65535 || h.len >= host_size || p.len >= port_size)
        return false;
    snprintf(host, host_size, "%.*s", STR_ARG(h));
    snprintf(port, port_size, "%.*s", STR_ARG(p));
    return true;
}

enum { OPEN_SHARED = 1, OPEN_LISTENS = 2, OPEN_DUAL = 4 };

static int open_one(const struct addrinfo *ai, int flags)
{
    int on = 1, v6only = !(flags & OPEN_DUAL);
    int s = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
    if (s < 0)
        return -1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (ai->ai_family == AF_INET6)
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
    if (flags & OPEN_SHARED)
        setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(s, ai->ai_addr, ai->ai_addrlen) == 0 &&
        (!(flags & OPEN_LISTENS) || listen(s, BACKLOG) == 0))
        return s;
    int why = errno;
    close(s);
    errno = why;
    return -1;
}

static int bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u = {.v6 = {0}};
    socklen_t len = sizeof u;
    if (getsockname(fd, &u.any, &len) != 0)
        return 0;
    return ntohs(u.any.sa_family == AF_INET6 ? u.v6.sin6_port : u.v4.sin_port);
}

/* A shared port must be shared by ourselves only: with SO_REUSEPORT a second Cairn on the same
 * port would bind without complaint and take half of the connections. */
static bool taken_by_another(const struct addrinfo *ai, int flags)
{
    int s = open_one(ai, flags & OPEN_DUAL);
    if (s >= 0)
        close(s);
    return s < 0 && errno == EADDRINUSE;
}

static int open_listener(const struct addrinfo *ai, bool again, int flags)
{
    return !again && taken_by_another(ai, flags) ? -1
                                                 : open_one(ai, flags | OPEN_SHARED | OPEN_LISTENS);
}

static const struct addrinfo *of_family(const struct addrinfo *list, int family)
{
    while (list && list->ai_family != family)
        list = list->ai_next;
    return list;
}

/* Opens one of the addresses that the host stands for. all: every address of this machine, which
 * is an IPv6 socket that takes IPv4 too, where there is IPv6. Gives -1 with errno. */
static int open_any(const struct addrinfo *list, bool all, bool again)
{
    const struct addrinfo *v4 = of_family(list, AF_INET), *v6 = of_family(list, AF_INET6);
    if (all && v6) {
        int s = open_listener(v6, again, OPEN_DUAL);
        if (s >= 0 || !v4 || errno == EADDRINUSE || errno == EACCES)
            return s;
    }
    errno = EADDRNOTAVAIL;
    return v4 || v6 ? open_listener(v4 ? v4 : v6, again, 0) : -1;
}

int net_bind(str addr, bool again, int *fd, int *port, struct err *err)
{
    char host[256], service[8];
    if (port)
        *port = 0;
    if (str_starts(addr, LIT("unix:")))
        return bind_unix(str_from(addr, 5), fd, err);
    if (!split(addr, host, sizeof host, service, sizeof service))
        return fail(err, E_CONFIG,
                    "'%.*s' is no address: write HOST:PORT, [IPV6]:PORT or unix:PATH",
                    STR_ARG(addr));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    bool all = !host[0] || strcmp(host, "*") == 0;
    int rc = getaddrinfo(all ? NULL : host, service, &hints, &list);
    if (rc != 0)
        return fail(err, E_CONFIG, "cannot resolve '%s': %s", host, gai_strerror(rc));
    int s = open_any(list, all, again);
    int why = errno;
    freeaddrinfo(list);
    if (s < 0)
        return fail(err, E_IO, "cannot listen on %.*s: %s", STR_ARG(addr), strerror(why));
    *fd = s;
    if (port)
        *port = bound_port(s);
    return 0;
}
