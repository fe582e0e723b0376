/* log_tap.c -- who follows the requests, beside the log. SPDX: Apache-2.0
 * A listener is a socket that keeps messages apart (SOCK_SEQPACKET): a line is one message, so none
 * is ever torn. Nothing here waits: what a listener's socket does not take is counted, and told to
 * it when it takes something again. Without a listener a request pays for one load.
 * Invariant: taps are touched under the lock. */
#include "observe/log_priv.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct tap {
    int fd;
    uint64_t lost;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tap taps[LOG_TAPS_MOST];
static size_t count;
static _Atomic bool some;

bool log_tapped(void)
{
    return atomic_load_explicit(&some, memory_order_relaxed);
}

static void drop(size_t i)
{
    close(taps[i].fd);
    taps[i] = taps[--count];
    atomic_store(&some, count > 0);
}

/* Those that have gone without a request to notice it. */
static void prune(void)
{
    for (size_t i = count; i-- > 0;) {
        struct pollfd p = {.fd = taps[i].fd, .events = POLLIN};
        if (poll(&p, 1, 0) > 0) /* nobody says anything here: it is the end */
            drop(i);
    }
}

bool log_tap_add(int fd)
{
    pthread_mutex_lock(&lock);
    prune();
    bool room = count < LOG_TAPS_MOST;
    if (room) {
        taps[count++] = (struct tap){.fd = fd};
        atomic_store(&some, true);
    }
    pthread_mutex_unlock(&lock);
    return room;
}

void log_tap_close(void)
{
    pthread_mutex_lock(&lock);
    while (count)
        drop(count - 1);
    pthread_mutex_unlock(&lock);
}

/* 1: taken, 0: not now, -1: gone. */
static int put(int fd, str text)
{
    ssize_t n;
    do
        n = send(fd, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return 1;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM ? 0 : -1;
}

static int put_lost(struct tap *t)
{
    char text[64];
    int len = snprintf(text, sizeof text, "{\"lost\":%llu}\n", (unsigned long long)t->lost);
    int code = t->lost ? put(t->fd, str_make(text, (size_t)len)) : 1;
    if (code == 1)
        t->lost = 0;
    return code;
}

void log__tap(str line)
{
    pthread_mutex_lock(&lock);
    for (size_t i = count; i-- > 0;) {
        int code = put_lost(&taps[i]);
        if (code == 1)
            code = put(taps[i].fd, line);
        taps[i].lost += code == 0;
        if (code < 0)
            drop(i);
    }
    pthread_mutex_unlock(&lock);
}
