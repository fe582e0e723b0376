/* net.h -- listeners and accepted sockets. SPDX: Apache-2.0
 * A socket is watched all the time for input; what it costs to change the watch (two system calls
 * in libuv) is paid only when input comes while nobody wants it. */
#ifndef CAIRN_NET_H
#define CAIRN_NET_H

#include "base/err.h"
#include "base/str.h"
#include "fiber/fiber.h"

#include <sys/uio.h>

struct net_listener;
struct net_sock;

/* What the owner of a socket wants to know. All run on the loop's thread, outside fibers. */
struct net_ops {
    /* A new socket: sets net_data. False: close it at once. */
    bool (*opened)(struct net_sock *s, void *ctx);
    void (*readable)(struct net_sock *s);
    void (*writable)(struct net_sock *s); /* after net_want_write */
    /* While paused, once: the peer has sent its FIN, or (reset) the connection is broken. */
    void (*gone)(struct net_sock *s, bool reset);
    void (*closed)(void *data); /* the last word: data can be freed */
};

/* ---- listening ---- */

/* Binds one address, "HOST:PORT", "[V6]:PORT" (IPv6 alone), ":PORT" or "*:PORT" (every address,
 * IPv4 and IPv6) or "unix:PATH" (a stale socket file is replaced). A name with several addresses:
 * the first IPv4 one. Any thread. again: a further socket on a port that this process has bound
 * already (the first one makes sure that nobody else has it). port: the port that was bound (0 in
 * addr asks for a free one), may be NULL. Gives a descriptor in *fd. Fails with CONFIG, IO. */
int net_bind(str addr, bool again, int *fd, int *port, struct err *err);
/* Accepts on fd (taken) with the loop of the calling thread. */
struct net_listener *net_listen(struct loop *l, int fd, const struct net_ops *ops, void *ctx);
/* Accepts what the kernel has queued, then stops and closes; a unix socket's file is removed. */
void net_unlisten(struct net_listener **ls);

/* ---- an accepted socket ---- */

void net_set_data(struct net_sock *s, void *data);
void *net_data(const struct net_sock *s);

enum { NET_AGAIN = 0, NET_EOF = -1000 };
/* More than 0: bytes read. NET_AGAIN; NET_EOF; E_IO. Never waits. */
ssize_t net_read(struct net_sock *s, void *ptr, size_t len);
/* Bytes written (0: none now) or E_IO. Never waits; one system call. */
ssize_t net_write(struct net_sock *s, const struct iovec *iov, int count);

/* Stops and restarts ops->readable. Meanwhile only ops->gone is told. */
void net_pause(struct net_sock *s);
void net_resume(struct net_sock *s);
void net_want_write(struct net_sock *s, bool yes);

/* Parks the calling fiber until the socket can be read or written; 0, TIMEOUT, CANCELLED. */
WAITS int net_wait_read(struct net_sock *s, uint64_t deadline_ns);
WAITS int net_wait_write(struct net_sock *s, uint64_t deadline_ns);

void net_shut_write(struct net_sock *s); /* FIN: no more from us */
/* Closes; ops->closed comes later. s must not be used afterwards. */
void net_close(struct net_sock **s);
/* Text of the peer's address, for logs: "127.0.0.1", "::1", "unix". Lives as long as s. */
str net_peer(struct net_sock *s);
/* The same as the 16 bytes of an IPv6 address, IPv4 as ::ffff:a.b.c.d. NULL: it has none ("unix").
 */
const uint8_t *net_peer_ip(struct net_sock *s);

/* ---- a descriptor of somebody else's, as of a database library ---- */

struct net_watch;
/* Runs on the loop's thread, outside fibers. */
typedef void net_watch_fn(void *ctx, bool readable, bool writable);
/* Watches fd (borrowed) with the loop of the calling thread, for nothing as yet. NULL: fd cannot be
 * watched. */
struct net_watch *net_watch_open(struct loop *l, int fd, net_watch_fn *fn, void *ctx);
void net_watch_want(struct net_watch *w, bool read, bool write);
void net_watch_close(struct net_watch **w); /* before fd is closed; NULL is allowed */

#endif
