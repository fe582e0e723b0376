/* log_out.c -- the log's way to stderr, without ever waiting for its reader. SPDX: Apache-2.0
 * The problem: stderr may be a pipe whose reader sleeps. A blocking write would stop a loop with
 * all its requests, and O_NONBLOCK cannot be set on it: the flag belongs to the open file, which we
 * share with the shell, the parent and other programs. So, by what stderr is:
 *   pipe, FIFO, terminal   /proc/self/fd/N is opened anew: the same pipe, an open file of our own,
 *                          non-blocking. (Where that fails: poll before each piece of PIPE_BUF
 * bytes, which a pipe that polls writable takes without waiting.) socket                 send with
 * MSG_DONTWAIT file, /dev/null        plain write: a disk never says "later" What a full pipe does
 * not take stays in the thread's buffer; when that is full too, lines are dropped and counted, and
 * the next flush that gets through writes a line "log.dropped". Invariants: (1) out.lock is held
 * over each write. (2) A torn line's rest is in out.rest, and is written before anything else, so
 * lines of two threads never mix. */
#include "observe/log_priv.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum way { WAY_WRITE, WAY_SEND, WAY_POLL };

static struct {
    pthread_mutex_t lock;
    int fd, own; /* own: opened by us, or -1 */
    enum way way;
    size_t rest_len;
    char rest[LOG_LINE_MOST];
} out = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = 2, .own = -1, .way = WAY_POLL};

static _Atomic int format = LOG_FORMAT_JSON; /* never AUTO */
static _Atomic bool terminal, colours;
static _Atomic uint64_t dropped, told; /* lines not written; of these, those told about */

/* ---- setting up ---- */

void log_set_format(enum log_format f)
{
    if (f == LOG_FORMAT_AUTO)
        f = atomic_load(&terminal) ? LOG_FORMAT_PRETTY : LOG_FORMAT_JSON;
    atomic_store_explicit(&format, (int)f, memory_order_relaxed);
}

bool log__pretty(bool *colour)
{
    bool pretty = atomic_load_explicit(&format, memory_order_relaxed) == LOG_FORMAT_PRETTY;
    *colour = pretty && atomic_load_explicit(&colours, memory_order_relaxed);
    return pretty;
}

static bool wants_colours(void)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR"); /* no-color.org */
    return term && strcmp(term, "dumb") != 0 && !(no && *no);
}

static void find_way(int fd)
{
    struct stat st;
    char path[32];
    out.fd = fd;
    out.way = WAY_POLL;
    if (fstat(fd, &st) < 0)
        return;
    if (S_ISSOCK(st.st_mode)) {
        out.way = WAY_SEND;
    } else if (S_ISREG(st.st_mode)) {
        out.way = WAY_WRITE;
    } else if (S_ISFIFO(st.st_mode) || isatty(fd)) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        out.own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (out.own >= 0) {
            out.fd = out.own;
            out.way = WAY_WRITE;
        }
    }
}

void log_setup(int fd, enum log_level level, enum log_format f)
{
    pthread_mutex_lock(&out.lock);
    if (out.own >= 0)
        close(out.own);
    out.own = -1;
    find_way(fd);
    pthread_mutex_unlock(&out.lock);
    atomic_store(&terminal, isatty(fd) == 1);
    atomic_store(&colours, isatty(fd) == 1 && wants_colours());
    log_set_level(level);
    log_set_format(f);
}

/* ---- writing ---- */

/* Bytes taken; 0 when it would have to wait. A reader that is gone takes everything: there is
 * nobody left to tell. */
static size_t put(const char *ptr, size_t len)
{
    ssize_t n;
    do {
        if (out.way == WAY_SEND) {
            n = send(out.fd, ptr, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else {
            struct pollfd p = {.fd = out.fd, .events = POLLOUT};
            if (out.way == WAY_POLL && poll(&p, 1, 0) == 0)
                return 0;
            n = write(out.fd, ptr, out.way == WAY_POLL && len > PIPE_BUF ? PIPE_BUF : len);
        }
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : len;
    return (size_t)n;
}

static size_t put_all(const char *ptr, size_t len)
{
    size_t done = 0;
    while (done < len) {
        size_t n = put(ptr + done, len - done);
        if (n == 0)
            break;
        done += n;
    }
    return done;
}

static bool put_rest(void)
{
    size_t n = put_all(out.rest, out.rest_len);
    memmove(out.rest, out.rest + n, out.rest_len - n);
    out.rest_len -= n;
    return out.rest_len == 0;
}

/* Keeps what is left of a line that was written in part; gives its length. */
static size_t keep_rest(const char *ptr, size_t done, size_t len)
{
    if (done == 0 || done == len || ptr[done - 1] == '\n')
        return 0;
    const char *end = memchr(ptr + done, '\n', len - done);
    BUG_ON(!end);
    size_t n = (size_t)(end + 1 - (ptr + done));
    BUG_ON(n > sizeof out.rest);
    memcpy(out.rest, ptr + done, n);
    out.rest_len = n;
    return n;
}

void log__drop(void)
{
    atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

/* Under the lock, when the reader reads again. */
static void tell_dropped(void)
{
    uint64_t now = atomic_load(&dropped), before = atomic_load(&told);
    char stamp[CLOCK_RFC3339_MAX], line[256];
    bool unused;
    if (now == before || out.rest_len)
        return;
    clock_rfc3339(clock_wall_us() / 1000 * 1000, stamp);
    memcpy(stamp + 23, "Z", 2); /* milliseconds, as all lines */
    int len = log__pretty(&unused)
                  ? snprintf(line, sizeof line, "%.12s warn  log.dropped lines=%llu\n", stamp + 11,
                             (unsigned long long)(now - before))
                  : snprintf(line, sizeof line,
                             "{\"ts\":\"%s\",\"level\":\"warn\",\"msg\":\"log.dropped\","
                             "\"lines\":%llu}\n",
                             stamp, (unsigned long long)(now - before));
    size_t done = put_all(line, (size_t)len);
    keep_rest(line, done, (size_t)len);
    if (done)
        atomic_store(&told, now);
}

void log_flush(void)
{
    struct log_thread *t = &log__thread;
    if (t->len == 0 && atomic_load_explicit(&dropped, memory_order_relaxed) ==
                           atomic_load_explicit(&told, memory_order_relaxed))
        return;
    pthread_mutex_lock(&out.lock);
    if (put_rest()) {
        size_t done = put_all(t->ptr, t->len);
        done += keep_rest(t->ptr, done, t->len);
        if (done < t->len)
            memmove(t->ptr, t->ptr + done, t->len - done);
        t->len -= done;
        if (t->len == 0)
            tell_dropped();
    }
    pthread_mutex_unlock(&out.lock);
}

/* ---- the end ---- */

static void give_back(struct log_thread *t)
{
    for (size_t i = 0; i < t->len; i++) /* nobody will write these */
        if (t->ptr[i] == '\n')
            log__drop();
    mem_free(t->ptr);
    t->ptr = NULL;
    t->len = 0;
}

void log_thread_end(void)
{
    log_flush();
    give_back(&log__thread);
}

static bool finished(void)
{
    pthread_mutex_lock(&out.lock);
    bool done = log__thread.len == 0 && put_rest();
    pthread_mutex_unlock(&out.lock);
    return done;
}

void log_close(unsigned ms)
{
    uint64_t until = clock_ns() + (uint64_t)ms * 1000000;
    log_flush();
    while (!finished() && clock_ns() < until) {
        struct pollfd p = {.fd = out.fd, .events = POLLOUT};
        poll(&p, 1, 10);
        log_flush();
    }
    give_back(&log__thread);
}
