/* live.h -- a real http_server on a loop in a thread, a handler that does what the path says, and
 * raw sockets to talk to it. SPDX: Apache-2.0 */
#ifndef CAIRN_TEST_LIVE_H
#define CAIRN_TEST_LIVE_H

#include "base/mem.h"
#include "http/http_priv.h"
#include "observe/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { FIBERS = 40 };

static const struct http_limits usual = {.header_ns = 20000000000u,
                                         .body_ns = 20000000000u,
                                         .idle_ns = 20000000000u,
                                         .write_ns = 20000000000u,
                                         .request_ns = 20000000000u,
                                         .max_head = 4096,
                                         .max_target = 1024,
                                         .max_body = 2 << 20,
                                         .request_memory = 8 << 20,
                                         .max_headers = 20,
                                         .max_connections = 100};

static struct {
    pthread_t thread;
    pthread_barrier_t ready;
    struct loop *loop;
    struct http_server *server;
    struct http_limits limits;
    const char *addr;
    int fd, port;
    atomic_int waiting, cancelled, refusals, last_refused;
    struct fiber *parked; /* of the loop's thread */
    struct http_stats stats;
    size_t kept_out, own_in;
    unsigned lent_in;
} live;

/* ---- the handler ---- */

static inline uint64_t number_in(str s)
{
    uint64_t n = 0;
    str_to_u64(s, &n);
    return n;
}

static inline void put_many(struct buf *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        buf_char(b, (char)('a' + i % 26));
}

static inline void answer_error(struct request *rq, const struct err *err)
{
    rq->reply->status = err_status(err->code);
    buf_clear(&rq->reply->body);
    buf_str(&rq->reply->body, str_of(err->text));
}

static inline void answer_echo(struct request *rq)
{
    struct err err = {0};
    str body;
    if (request_body(rq, &body, &err) < 0)
        answer_error(rq, &err);
    else
        buf_str(&rq->reply->body, body);
    reply_header(rq->reply, LIT("X-Method"), rq->method_text);
}

static inline void answer_wait(struct request *rq)
{
    atomic_fetch_add(&live.waiting, 1);
    live.parked = fiber_self();
    int rc = fiber_park("test", 0);
    if (rc == E_CANCELLED)
        atomic_fetch_add(&live.cancelled, 1);
    if (rc == E_CANCELLED && request_timed_out(rq))
        rq->reply->status = 504;
    buf_lit(&rq->reply->body, "waited");
}

static inline void answer_stream(struct request *rq, uint64_t pieces)
{
    struct err err = {0};
    int rc = reply_begin(rq, &err);
    for (uint64_t i = 0; rc == 0 && i < pieces; i++) {
        put_many(&rq->reply->body, 5000);
        rc = i + 1 < pieces ? reply_flush(rq, &err) : 0;
    }
    if (rc < 0)
        atomic_fetch_add(&live.cancelled, 1);
}

static inline void answer_headers(struct request *rq, uint64_t bytes)
{
    char *text = arena_new(&rq->arena, bytes);
    memset(text, 'x', bytes);
    reply_header(rq->reply, LIT("X-Long"), (str){text, bytes});
    reply_header(rq->reply, LIT("X-Bad"), LIT("a\r\nX-Injected: b\0c"));
    buf_lit(&rq->reply->body, "body");
}

static inline void handle(struct request *rq, void *ctx)
{
    str path = rq->path;
    (void)ctx;
    rq->reply->type = LIT("text/plain");
    if (str_is(path, "/hello"))
        rq->reply->fixed = LIT("hello\n");
    else if (str_is(path, "/echo"))
        answer_echo(rq);
    else if (str_is(path, "/wait"))
        answer_wait(rq);
    else if (str_is(path, "/big"))
        put_many(&rq->reply->body, number_in(rq->query));
    else if (str_is(path, "/stream"))
        answer_stream(rq, number_in(rq->query));
    else if (str_is(path, "/headers"))
        answer_headers(rq, number_in(rq->query));
    else if (str_is(path, "/calls"))
        buf_u64(&rq->reply->body, mem_calls());
    else if (str_is(path, "/status"))
        rq->reply->status = (int)number_in(rq->query);
    else
        rq->reply->status = 404;
}

static inline void on_refused(void *ctx, const struct refusal *r)
{
    (void)ctx;
    atomic_store(&live.last_refused, r->peer.len && r->id.len && r->why[0] ? r->status : 0);
    atomic_fetch_add(&live.refusals, 1);
}

/* ---- its thread ---- */

static inline void *serve(void *arg)
{
    static const struct http_hooks hooks = {.handle = handle, .refused = on_refused};
    (void)arg;
    live.loop = loop_new(65536, FIBERS);
    live.server = http_server_new(live.loop, &live.limits, &hooks, NULL);
    http_server_listen(live.server, live.fd);
    pthread_barrier_wait(&live.ready);
    loop_run(live.loop);
    live.stats = live.server->stats;
    live.kept_out = live.server->kept_out;
    live.own_in = live.server->own_in;
    live.lent_in = live.server->lent_in;
    http_server_free(&live.server);
    loop_free(&live.loop);
    log_thread_end();
    return NULL;
}

static inline void live_start(const char *addr, const struct http_limits *limits)
{
    struct err err = {0};
    atomic_store(&live.waiting, 0);
    atomic_store(&live.cancelled, 0);
    atomic_store(&live.refusals, 0);
    atomic_store(&live.last_refused, 0);
    live.limits = *limits;
    live.addr = addr;
    if (net_bind(str_of(addr), false, &live.fd, &live.port, &err) < 0)
        fail_msg("%s", err.text);
    pthread_barrier_init(&live.ready, NULL, 2);
    assert_int_equal(pthread_create(&live.thread, NULL, serve, NULL), 0);
    pthread_barrier_wait(&live.ready);
}

static inline void on_drained(void *arg)
{
    (void)arg;
    loop_stop(live.loop);
}

static inline void drain(void *arg)
{
    (void)arg;
    http_server_drain(live.server, on_drained, NULL);
}

static inline void wake(void *arg)
{
    (void)arg;
    fiber_wake(live.parked);
}

static inline void cut(void *arg)
{
    (void)arg;
    http_server_cut(live.server);
}

/* Ends it, and proves that no connection, buffer or fiber was lost. */
static inline void live_join(void)
{
    pthread_join(live.thread, NULL);
    pthread_barrier_destroy(&live.ready);
    assert_int_equal(live.stats.connections, 0);
    assert_int_equal(live.stats.active, 0);
    assert_int_equal(live.kept_out, 0);
    assert_int_equal(live.own_in, 0);
    assert_int_equal(live.lent_in, 0);
    assert_int_equal(live.stats.refused, atomic_load(&live.refusals));
}

static inline void live_stop(void)
{
    loop_post(live.loop, drain, NULL);
    loop_post(live.loop, cut, NULL);
    live_join();
}

/* Waits, for a bounded time, until *what is n. */
static inline void until(atomic_int *what, int n)
{
    for (int i = 0; i < 5000 && atomic_load(what) != n; i++)
        usleep(2000);
    assert_int_equal(atomic_load(what), n);
}

/* ---- a client ---- */

static inline int dial_sized(int receive_buffer)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)live.port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = 30};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s >= 0);
    if (receive_buffer)
        setsockopt(s, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(s, (struct sockaddr *)&in, sizeof in), 0);
    return s;
}

static inline int dial(void)
{
    return dial_sized(0);
}

static inline void say_bytes(int s, const char *ptr, size_t len)
{
    while (len) {
        ssize_t n = send(s, ptr, len, MSG_NOSIGNAL);
        if (n < 0)
            return; /* the server has closed: what it said is what counts */
        ptr += n;
        len -= (size_t)n;
    }
}

static inline void say(int s, const char *text)
{
    say_bytes(s, text, strlen(text));
}

/* What was heard, NUL-terminated; whole answers may be large. */
static char heard[12 << 20];
static size_t heard_len;

/* Reads until the text has come, or to the end when it is NULL. False: closed before. */
static inline bool hear(int s, const char *text)
{
    heard_len = 0;
    heard[0] = '\0';
    size_t len = text ? strlen(text) : 0;
    for (;;) {
        ssize_t n = recv(s, heard + heard_len, sizeof heard - 1 - heard_len, 0);
        if (n < 0 && errno == EAGAIN)
            fail_msg("nothing more comes after: %.300s", heard);
        if (n <= 0)
            return !text;
        heard_len += (size_t)n;
        heard[heard_len] = '\0';
        if (text && heard_len >= len && memcmp(heard + heard_len - len, text, len) == 0)
            return true;
    }
}

static inline unsigned answers_in(const char *text)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")); at++)
        n += ascii_digit(at[9]);
    return n;
}

/* Says text on a new connection and hears all until the server closes. */
static inline void talk(const char *text)
{
    int s = dial();
    say(s, text);
    hear(s, NULL);
    close(s);
}

static inline void begins(const char *with)
{
    if (strncmp(heard, with, strlen(with)) != 0)
        fail_msg("not '%s' but: %.300s", with, heard);
}

static inline void has(const char *part)
{
    if (!strstr(heard, part))
        fail_msg("no '%s' in: %.600s", part, heard);
}

static inline void has_not(const char *part)
{
    if (strstr(heard, part))
        fail_msg("'%s' in: %.600s", part, heard);
}

static inline int live_usual(void **state)
{
    (void)state;
    live_start("127.0.0.1:0", &usual);
    return 0;
}

static inline int live_end(void **state)
{
    (void)state;
    live_stop();
    return 0;
}

#define LIVE_TEST(fn) cmocka_unit_test_setup_teardown(fn, live_usual, live_end)

#endif
