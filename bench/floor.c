/* floor.c -- the least an HTTP answer can cost on this machine. SPDX: Apache-2.0
 * Why: CPU microseconds mean little across machines; a ratio to this program means the same on all
 * of them. It reads a request, looks for its end, and writes fixed bytes: no parser, no timers, no
 * limits. Nothing that serves HTTP over epoll can do less.
 * usage: floor PORT [FILE]: FILE holds the bytes to answer, by default a short hello. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 512, REPLY_MOST = 65536 };

static char reply[REPLY_MOST] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                                "Content-Length: 13\r\n\r\nHello, World!";
static size_t reply_len;

static int stop(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    return 1;
}

static int listen_on(unsigned short port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 1024) != 0)
        return -1;
    return fd;
}

static void welcome(int loop, int listener)
{
    struct epoll_event ev = {.events = EPOLLIN};
    int one = 1;

    for (;;) {
        ev.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (ev.data.fd < 0)
            return;
        setsockopt(ev.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(loop, EPOLL_CTL_ADD, ev.data.fd, &ev);
    }
}

/* One read is one request: the load sends the next only after the answer. */
static void answer(int fd)
{
    char in[16384];
    ssize_t n = read(fd, in, sizeof in);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 4 || memcmp(in + n - 4, "\r\n\r\n", 4) != 0 ||
        write(fd, reply, reply_len) != (ssize_t)reply_len)
        close(fd);
}

static void take_reply(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (!f)
        exit(stop(path));
    reply_len = fread(reply, 1, sizeof reply, f);
    fclose(f);
}

int main(int argc, char **argv)
{
    struct epoll_event ev = {.events = EPOLLIN}, got[EVENTS];
    int loop = epoll_create1(EPOLL_CLOEXEC), listener;

    if (argc < 2)
        return fprintf(stderr, "usage: floor PORT [FILE]\n"), 2;
    reply_len = strlen(reply);
    if (argc > 2)
        take_reply(argv[2]);
    listener = listen_on((unsigned short)strtol(argv[1], NULL, 10));
    if (listener < 0)
        return stop("listen");
    ev.data.fd = listener;
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        int n = epoll_wait(loop, got, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (got[i].data.fd == listener)
                welcome(loop, listener);
            else
                answer(got[i].data.fd);
        }
    }
}
