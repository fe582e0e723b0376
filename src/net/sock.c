/* sock.c -- accepted sockets on a uv loop. SPDX: Apache-2.0
 * Why uv_poll and not uv_tcp: reads go straight into the owner's buffer, a write is one system
 * call that the owner sees the result of, and an idle socket costs this struct alone.
 * Invariants: (1) The uv handle is in the struct, which is freed in the close callback only. (2)
 * `watched` is what libuv watches, which is nothing after it has told of an error.
 * Out of descriptors, a listener rests: the kernel keeps the queue, and the process sleeps instead
 * of being told of it without end. */
#include "base/mem.h"
#include "base/sanitizer.h"
#include "net/net.h"
#include "observe/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

enum { ACCEPT_MOST = 64, REST_MS = 200, SOCK_MAGIC = 0x534f434b };

struct net_listener {
    uv_poll_t poll;
    uv_timer_t rest; /* ends the wait for descriptors */
    int fd, handles; /* handles: that are not closed yet */
    struct loop *loop;
    const struct net_ops *ops;
    void *ctx;
};

struct net_sock {
    uint32_t magic;
    int fd;
    uv_poll_t poll;
    const struct net_ops *ops;
    void *data;
    struct fiber *reader, *writer; /* parked in net_wait_* */
    int watched;                   /* UV_READABLE | UV_WRITABLE | UV_DISCONNECT */
    char peer[INET6_ADDRSTRLEN];   /* filled when asked for, as the two below */
    enum { PEER_NEW, PEER_IP, PEER_UNIX, PEER_UNKNOWN } kind;
    uint8_t ip[16];
};

static void watch(struct net_sock *s, int events);

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct net_sock *s = poll->data;
    BUG_ON(s->magic != SOCK_MAGIC);
    if (status < 0) { /* libuv has stopped; the error shows itself at the next read or write */
        events = s->watched;
        s->watched = 0;
    } else {
        events &= s->watched;
    }
    if (events & UV_WRITABLE) {
        if (s->writer)
            fiber_wake(s->writer);
        else
            s->ops->writable(s);
        return; /* s may be gone; what is readable comes again */
    }
    if (events & UV_READABLE) {
        if (s->reader)
            fiber_wake(s->reader);
        else
            s->ops->readable(s);
        return;
    }
    if (events & UV_DISCONNECT) {
        watch(s, s->watched & ~UV_DISCONNECT);
        s->ops->gone(s, status < 0);
    }
}

static void watch(struct net_sock *s, int events)
{
    if (s->watched == events)
        return;
    s->watched = events;
    if (events)
        BUG_ON(uv_poll_start(&s->poll, events, on_poll) != 0);
    else
        uv_poll_stop(&s->poll);
}

static void accept_one(struct net_listener *ls, int fd)
{
    struct net_sock *s = mem_zero(1, sizeof *s);
    int on = 1;
    s->magic = SOCK_MAGIC;
    s->fd = fd;
    s->ops = ls->ops;
    s->poll.data = s;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* refused by unix sockets */
    if (uv_poll_init(loop_uv(ls->loop), &s->poll, fd) != 0) {
        close(fd);
        mem_free(s);
        return;
    }
    if (!s->ops->opened(s, ls->ctx)) {
        net_close(&s);
        return;
    }
    watch(s, UV_READABLE);
}

static void on_accept(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *timer)
{
    struct net_listener *ls = timer->data;
    BUG_ON(uv_poll_start(&ls->poll, UV_READABLE, on_accept) != 0);
}

/* No descriptor or memory for another socket. */
static void rest(struct net_listener *ls, int why)
{
    log_event_str(LOG_WARN, "cannot accept connections", "error", str_of(strerror(why)));
    uv_poll_stop(&ls->poll);
    uv_timer_start(&ls->rest, on_rested, REST_MS, 0);
}

/* False: there is nothing more to accept, for now. */
static bool accept_next(struct net_listener *ls)
{
    int fd = accept4(ls->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        accept_one(ls, fd);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        rest(ls, errno);
        return false;
    }
    return errno != EAGAIN && errno != EWOULDBLOCK; /* else one connection failed, not the next */
}

static void on_accept(uv_poll_t *poll, int status, int events)
{
    struct net_listener *ls = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_MOST && accept_next(ls); i++)
        ;
}

struct net_listener *net_listen(struct loop *l, int fd, const struct net_ops *ops, void *ctx)
{
    struct net_listener *ls = mem_zero(1, sizeof *ls);
    *ls = (struct net_listener){.fd = fd, .loop = l, .ops = ops, .ctx = ctx, .handles = 2};
    ls->poll.data = ls->rest.data = ls;
    BUG_ON(uv_timer_init(loop_uv(l), &ls->rest) != 0);
    BUG_ON(uv_poll_init(loop_uv(l), &ls->poll, fd) != 0);
    BUG_ON(uv_poll_start(&ls->poll, UV_READABLE, on_accept) != 0);
    return ls;
}

static void free_listener(uv_handle_t *handle)
{
    struct net_listener *ls = handle->data;
    if (--ls->handles == 0)
        mem_free(ls);
}

/* The file of a unix socket has no use once nobody listens. */
static void remove_file(int fd)
{
    struct sockaddr_un un = {0};
    socklen_t len = sizeof un;
    if (getsockname(fd, (struct sockaddr *)&un, &len) == 0 && un.sun_family == AF_UNIX &&
        un.sun_path[0])
        unlink(un.sun_path);
}

void net_unlisten(struct net_listener **listener)
{
    struct net_listener *ls = *listener;
    if (!ls)
        return;
    for (int i = 0; i < ACCEPT_MOST && accept_next(ls); i++)
        ;
    uv_close((uv_handle_t *)&ls->rest, free_listener);
    uv_close((uv_handle_t *)&ls->poll, free_listener);
    remove_file(ls->fd);
    close(ls->fd);
    *listener = NULL;
}

void net_set_data(struct net_sock *s, void *data)
{
    s->data = data;
}

void *net_data(const struct net_sock *s)
{
    return s->data;
}

/* The functions of libc are points where a thread can be cancelled, which costs each of them two
 * locked instructions; no thread here ever is. Sanitizers want to see the calls. */
#if defined(SYS_recvfrom) && defined(SYS_sendto) && !defined(HAS_ASAN) && !defined(HAS_TSAN)
static ssize_t take(int fd, void *ptr, size_t len)
{
    return syscall(SYS_recvfrom, fd, ptr, len, 0, NULL, NULL);
}

static ssize_t give(int fd, const void *ptr, size_t len)
{
    return syscall(SYS_sendto, fd, ptr, len, MSG_NOSIGNAL, NULL, 0);
}
#else
static ssize_t take(int fd, void *ptr, size_t len)
{
    return recv(fd, ptr, len, 0);
}

static ssize_t give(int fd, const void *ptr, size_t len)
{
    return send(fd, ptr, len, MSG_NOSIGNAL);
}
#endif

ssize_t net_read(struct net_sock *s, void *ptr, size_t len)
{
    ssize_t n;
    do
        n = take(s->fd, ptr, len);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    if (n == 0)
        return NET_EOF;
    return errno == EAGAIN || errno == EWOULDBLOCK ? NET_AGAIN : E_IO;
}

ssize_t net_write(struct net_sock *s, const struct iovec *iov, int count)
{
    ssize_t n;
    do {
        if (count == 1) {
            n = give(s->fd, iov->iov_base, iov->iov_len);
        } else {
            struct msghdr m = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
            n = sendmsg(s->fd, &m, MSG_NOSIGNAL);
        }
    } while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : E_IO;
}

void net_pause(struct net_sock *s)
{
    watch(s, (s->watched & ~UV_READABLE) | UV_DISCONNECT);
}

void net_resume(struct net_sock *s)
{
    watch(s, (s->watched & ~UV_DISCONNECT) | UV_READABLE);
}

void net_want_write(struct net_sock *s, bool yes)
{
    watch(s, yes ? s->watched | UV_WRITABLE : s->watched & ~UV_WRITABLE);
}

int net_wait_read(struct net_sock *s, uint64_t deadline_ns)
{
    s->reader = fiber_self();
    net_resume(s);
    int rc = fiber_park("read", deadline_ns);
    s->reader = NULL;
    return rc;
}

int net_wait_write(struct net_sock *s, uint64_t deadline_ns)
{
    s->writer = fiber_self();
    net_want_write(s, true);
    int rc = fiber_park("write", deadline_ns);
    net_want_write(s, false);
    s->writer = NULL;
    return rc;
}

void net_shut_write(struct net_sock *s)
{
    shutdown(s->fd, SHUT_WR);
}

static void free_sock(uv_handle_t *handle)
{
    struct net_sock *s = handle->data;
    if (s->data)
        s->ops->closed(s->data);
    s->magic = 0;
    mem_free(s);
}

void net_close(struct net_sock **sock)
{
    struct net_sock *s = *sock;
    BUG_ON(s->magic != SOCK_MAGIC || s->reader || s->writer);
    uv_close((uv_handle_t *)&s->poll, free_sock);
    close(s->fd);
    s->fd = -1;
    *sock = NULL;
}

static void ask_peer(struct net_sock *s)
{
    struct sockaddr_storage ss = {0};
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&ss;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&ss;
    socklen_t len = sizeof ss;
    s->kind = PEER_UNKNOWN;
    if (getpeername(s->fd, (struct sockaddr *)&ss, &len) != 0)
        return;
    s->kind = ss.ss_family == AF_INET || ss.ss_family == AF_INET6 ? PEER_IP : PEER_UNIX;
    if (ss.ss_family == AF_INET) {
        s->ip[10] = s->ip[11] = 0xff;
        memcpy(s->ip + 12, &v4->sin_addr, 4);
    } else if (ss.ss_family == AF_INET6) {
        memcpy(s->ip, &v6->sin6_addr, sizeof s->ip);
    }
}

const uint8_t *net_peer_ip(struct net_sock *s)
{
    if (UNLIKELY(s->kind == PEER_NEW))
        ask_peer(s);
    return s->kind == PEER_IP ? s->ip : NULL;
}

str net_peer(struct net_sock *s)
{
    struct in6_addr at;
    const uint8_t *ip = net_peer_ip(s);
    if (!ip)
        return s->kind == PEER_UNIX ? LIT("unix") : LIT("unknown");
    if (!s->peer[0]) {
        memcpy(&at, ip, sizeof at);
        bool v4 = IN6_IS_ADDR_V4MAPPED(&at);
        inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip + 12 : ip, s->peer, sizeof s->peer);
    }
    return str_of(s->peer);
}
