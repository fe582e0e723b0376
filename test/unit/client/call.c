/* call.c -- calls to a small server of our own: bodies both ways, bounds, the guard, redirects, a
 * cancel, a full queue; and a mail. SPDX: Apache-2.0 */
#include "client/client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "fiber/fiber.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { ROOM = 1 << 20, MB = 1 << 20 };

/* ---- the server: one connection at a time, one request each; what came is kept ---- */

static int listener;
static unsigned port;
static char came[ROOM + 1];
static size_t came_len;
static atomic_uint connections;

static void say(int fd, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
}

/* Until the head and `Content-Length` bytes are there. */
static void hear_request(int fd)
{
    came_len = 0;
    size_t need = SIZE_MAX;
    while (came_len < need && came_len < ROOM) {
        ssize_t n = read(fd, came + came_len, ROOM - came_len);
        if (n <= 0)
            break;
        came_len += (size_t)n;
        came[came_len] = '\0';
        char *end = strstr(came, "\r\n\r\n"), *length = strstr(came, "Content-Length: ");
        if (end)
            need = (size_t)(end - came) + 4 + (length ? strtoul(length + 16, NULL, 10) : 0);
    }
}

static void hear_mail(int fd)
{
    static const char *const answers[] = {"220 here\r\n", "250 mail.test\r\n", "250 ok\r\n",
                                          "250 ok\r\n", "354 go\r\n"};
    size_t at = 0;
    came_len = 0;
    say(fd, answers[at++]);
    while (came_len < ROOM) {
        ssize_t n = read(fd, came + came_len, ROOM - came_len);
        if (n <= 0)
            return;
        came_len += (size_t)n;
        came[came_len] = '\0';
        if (strstr(came, "RCPT TO:<nobody@") && at == 3) {
            say(fd, "550 no such user\r\n");
            at = COUNT_OF(answers) + 1;
        } else if (at < COUNT_OF(answers)) {
            say(fd, answers[at++]);
        } else if (strstr(came, "\r\n.\r\n") && !strstr(came, "QUIT")) {
            say(fd, "250 queued\r\n");
        }
    }
}

static void answer(int fd)
{
    char line[200];
    if (strstr(came, "GET /slow")) {
        usleep(1500000);
    } else if (strstr(came, "GET /big")) {
        say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        char *bytes = mem_zero(1, MB);
        for (int i = 0; i < 3; i++) {
            if (send(fd, bytes, MB, MSG_NOSIGNAL) < 0)
                break;
        }
        mem_free(bytes);
    } else if (strstr(came, "GET /away")) {
        snprintf(line, sizeof line,
                 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/ok\r\n"
                 "Content-Length: 0\r\nConnection: close\r\n\r\n",
                 port);
        say(fd, line);
    } else if (strstr(came, " /fails")) {
        say(fd, "HTTP/1.1 500 No\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad");
    } else {
        say(fd, "HTTP/1.1 200 OK\r\nETag:  \"x\" \r\nContent-Length: 5\r\nConnection: close\r\n"
                "\r\nhello");
    }
}

static void *serve(void *arg)
{
    int fd;
    (void)arg;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        connections++;
        struct timeval soon = {.tv_usec = 200000};
        char first;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
        if (recv(fd, &first, 1, MSG_PEEK) == 1) {
            hear_request(fd);
            answer(fd);
        } else {
            hear_mail(fd);
        }
        close(fd);
    }
    return NULL;
}

static void listen_here(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 16), 0);
    getsockname(listener, (struct sockaddr *)&at, &len);
    port = ntohs(at.sin_port);
}

/* ---- fibers that call ---- */

static struct client_config config = {
    .threads = 2, .queue = 2, .connect_ms = 2000, .timeout_ms = 4000, .answer_most = MB};
static struct client *client;
static unsigned running;

static void ended(void)
{
    if (--running == 0)
        loop_stop(loop_self());
}

static void with_client(fiber_fn *fn, unsigned fibers)
{
    struct loop *l = loop_new(131072, 100);
    client = client_new(&config);
    running = fibers;
    for (unsigned i = 0; i < fibers; i++)
        assert_true(fiber_start(l, fn, (void *)(uintptr_t)i));
    loop_run(l);
    loop_free(&l);
    client_free(&client);
}

static struct arena arena;

static str url(const char *host, const char *path)
{
    return arena_printf(&arena, "http://%s:%u%s", host, port, path);
}

static int call(struct client_call *c, struct err *err)
{
    *err = (struct err){0};
    return client_http(client, &arena, c, err);
}

static void reads(void *arg)
{
    (void)arg;
    struct err err;
    const str headers[] = {LIT("X-One: 1"), LIT("Content-Type: text/x")};
    struct client_call c = {.url = url("127.0.0.1", "/a?b=c"),
                            .trusted = true,
                            .headers = headers,
                            .header_count = 2,
                            .method = "PUT",
                            .body = LIT("some bytes")};
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.status, 200);
    assert_true(str_is(c.answer, "hello"));
    assert_int_equal(c.received, 5);
    assert_true(str_is(client_header(&c, LIT("etag")), "\"x\""));
    assert_null(client_header(&c, LIT("nothing")).ptr);
    assert_non_null(strstr(came, "PUT /a?b=c HTTP/1.1\r\n"));
    assert_non_null(strstr(came, "X-One: 1\r\n"));
    assert_non_null(strstr(came, "\r\n\r\nsome bytes"));
    assert_null(strstr(came, "Expect"));
    c = (struct client_call){.url = url("127.0.0.1", "/fails"), .trusted = true};
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.status, 500);
    assert_true(str_is(c.answer, "bad"));
    assert_null(strstr(came, "Content-Type"));
    c = (struct client_call){.url = url("127.0.0.1", "/x"),
                             .trusted = true,
                             .sigv4 = LIT("aws:amz:eu-west-1:s3"),
                             .user = LIT("KEY"),
                             .password = LIT("SECRET")};
    assert_int_equal(call(&c, &err), 0);
    assert_non_null(strstr(came, "Authorization: AWS4-HMAC-SHA256 Credential=KEY/"));
    assert_null(strstr(came, "SECRET"));
    ended();
}

static void streams(void *arg)
{
    (void)arg;
    struct err err;
    char name[] = "/tmp/cairn-client-XXXXXX", back[6] = {0};
    int fd = mkstemp(name), out;
    unlink(name);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    struct client_call c = {.url = url("127.0.0.1", "/up"),
                            .method = "PUT",
                            .trusted = true,
                            .from_file = true,
                            .fd = fd,
                            .offset = 3,
                            .length = 4};
    assert_int_equal(call(&c, &err), 0);
    assert_non_null(strstr(came, "\r\n\r\n3456"));
    assert_non_null(strstr(came, "Content-Length: 4\r\n"));
    c.length = 40; /* more than is there */
    assert_true(call(&c, &err) < 0);
    char name2[] = "/tmp/cairn-client-XXXXXX";
    out = mkstemp(name2);
    unlink(name2);
    c = (struct client_call){
        .url = url("127.0.0.1", "/down"), .trusted = true, .sink = client_to_fd, .sink_arg = &out};
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.answer.len, 0);
    assert_int_equal(pread(out, back, 5, 0), 5);
    assert_string_equal(back, "hello");
    c.url = url("127.0.0.1", "/fails"); /* what fails goes not there */
    assert_int_equal(call(&c, &err), 0);
    assert_true(str_is(c.answer, "bad"));
    assert_int_equal(lseek(out, 0, SEEK_END), 5);
    close(fd);
    close(out);
    ended();
}

static void bounds(void *arg)
{
    (void)arg;
    struct err err;
    struct client_call c = {.url = url("127.0.0.1", "/big"), .trusted = true};
    assert_int_equal(call(&c, &err), E_TOOBIG);
    c.answer_most = 4 * MB;
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.answer.len, 3 * MB);
    c = (struct client_call){.url = url("127.0.0.1", "/slow"), .trusted = true, .timeout_ms = 300};
    assert_int_equal(call(&c, &err), E_TIMEOUT);
    const str evil = LIT("X: a\r\nY: b"), none = LIT("no colon");
    c = (struct client_call){
        .url = url("127.0.0.1", "/x"), .trusted = true, .headers = &evil, .header_count = 1};
    assert_int_equal(call(&c, &err), E_BAD);
    c.headers = &none;
    assert_int_equal(call(&c, &err), E_BAD);
    static const char *const bad[] = {"file:///etc/passwd",
                                      "gopher://127.0.0.1/x",
                                      "nonsense:",
                                      "http://",
                                      "http://a:b@127.0.0.1/",
                                      "http://x/\r\nY: 1",
                                      "dict://127.0.0.1/",
                                      "ftp://127.0.0.1/",
                                      ""};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        c = (struct client_call){.url = str_of(bad[i]), .trusted = true};
        if (call(&c, &err) != E_BAD)
            fail_msg("'%s': %d %s", bad[i], err.code, err.text);
    }
    c = (struct client_call){.url = url("127.0.0.1", "/x"), .trusted = true, .tls = true};
    assert_int_equal(call(&c, &err), E_BAD);
    c = (struct client_call){.url = LIT("http://127.0.0.1:1/"), .trusted = true};
    assert_int_equal(call(&c, &err), E_BUSY);
    ended();
}

static void guarded(void *arg)
{
    (void)arg;
    struct err err;
    static const char *const hosts[] = {
        "127.0.0.1", "localhost", "2130706433",         "0x7f.1",      "127.1",
        "0.0.0.0",   "[::1]",     "[::ffff:127.0.0.1]", "017700000001"};
    unsigned before = connections;
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct client_call c = {.url = url(hosts[i], "/x")};
        int code = call(&c, &err);
        if (code != E_DENIED)
            fail_msg("%s: %d %s", hosts[i], code, err.text);
        assert_true(str_is(err.word, "destination_refused"));
    }
    assert_int_equal(connections, before);
    ended();
}

static void redirects(void *arg)
{
    (void)arg;
    struct err err;
    struct client_call c = {.url = url("127.0.0.1", "/away"), .trusted = true};
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.status, 302);
    c.redirects = 3; /* not even then: it may go anywhere */
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.status, 302);
    ended();
}

static void allowed_by_network(void *arg)
{
    (void)arg;
    struct err err;
    struct client_call c = {.url = url("127.0.0.1", "/away"), .redirects = 3};
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.status, 200);
    assert_true(str_is(c.answer, "hello"));
    assert_null(strstr(c.head.ptr, "302"));
    ended();
}

/* A name that is allowed opens a connection; a redirect elsewhere must not get at it. */
static void allowed_by_name(void *arg)
{
    (void)arg;
    struct err err;
    struct client_call c = {.url = url("localhost", "/ok")};
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.status, 200);
    c = (struct client_call){.url = url("localhost", "/away"), .redirects = 3};
    assert_int_equal(call(&c, &err), 0);
    assert_int_equal(c.status, 302);
    c = (struct client_call){.url = url("127.0.0.1", "/ok")};
    assert_int_equal(call(&c, &err), E_DENIED);
    ended();
}

static struct fiber *victim;
static void cancel_soon(void *arg)
{
    (void)arg;
    fiber_sleep(200000000);
    fiber_cancel(victim);
    ended();
}

static void is_cancelled(void *arg)
{
    struct err err;
    if ((uintptr_t)arg != 0) {
        cancel_soon(NULL);
        return;
    }
    victim = fiber_self();
    uint64_t begin = clock_ns();
    struct client_call c = {.url = url("127.0.0.1", "/slow"), .trusted = true};
    assert_int_equal(call(&c, &err), E_CANCELLED);
    assert_true(clock_ns() - begin < 1400000000u);
    ended();
}

static unsigned busy, good;
static void crowd(void *arg)
{
    (void)arg;
    struct err err;
    struct client_call c = {.url = url("127.0.0.1", "/ok"), .trusted = true};
    int code = call(&c, &err);
    assert_true(code == 0 || code == E_BUSY);
    busy += code == E_BUSY;
    good += code == 0;
    ended();
}

static void mails(void *arg)
{
    (void)arg;
    struct err err = {0};
    const str to[] = {LIT("a@x.test"), LIT("nobody@x.test"), LIT("a@x.test>\r\nRCPT TO:<b@x.test")};
    struct client_mail m = {.url = arena_printf(&arena, "smtp://127.0.0.1:%u", port),
                            .starttls = STARTTLS_NEVER,
                            .helo = LIT("me.test"),
                            .from = LIT("me@x.test"),
                            .to = to,
                            .to_count = 1,
                            .message = LIT("Subject: s\r\n\r\n.dot\r\n")};
    assert_int_equal(client_mail(client, &m, &err), 0);
    assert_int_equal(m.status, 250);
    assert_non_null(strstr(came, "EHLO me.test"));
    assert_non_null(strstr(came, "MAIL FROM:<me@x.test>"));
    assert_non_null(strstr(came, "RCPT TO:<a@x.test>"));
    assert_non_null(strstr(came, "Subject: s\r\n\r\n..dot\r\n.\r\n"));
    m.to = to + 1;
    assert_int_equal(client_mail(client, &m, &err), E_DENIED);
    assert_int_equal(m.status, 550);
    m.to = to + 2;
    assert_int_equal(client_mail(client, &m, &err), E_BAD);
    m.to = to;
    m.starttls = STARTTLS_REQUIRED; /* which this server has not */
    assert_int_equal(client_mail(client, &m, &err), E_BUSY);
    assert_null(strstr(came, "MAIL FROM"));
    ended();
}

#define PLAY(name, fibers)                                                                         \
    static void name##_test(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        with_client(name, fibers);                                                                 \
    }
PLAY(reads, 1)
PLAY(streams, 1)
PLAY(bounds, 1)
PLAY(guarded, 1)
PLAY(redirects, 1)
PLAY(is_cancelled, 2)
PLAY(mails, 1)

static void allowed_test(void **state)
{
    (void)state;
    char name[40];
    config.allow = LIT("127.0.0.0/8");
    with_client(allowed_by_network, 1);
    snprintf(name, sizeof name, "localhost:%u", port);
    config.allow = str_of(name);
    with_client(allowed_by_name, 1);
    config.allow = LIT("");
}

static void crowd_test(void **state)
{
    (void)state;
    busy = good = 0;
    with_client(crowd, 20); /* two wait, the others are refused at once */
    assert_int_equal(busy + good, 20);
    assert_true(good >= 2);
    assert_true(busy >= 10);
}

/* Whatever the environment says. */
static int set_up(void **state)
{
    static pthread_t thread;
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "127.0.0.9", 1);
    arena_init(&arena, 64 * MB);
    listen_here();
    return pthread_create(&thread, NULL, serve, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_test),        cmocka_unit_test(streams_test),
        cmocka_unit_test(bounds_test),       cmocka_unit_test(guarded_test),
        cmocka_unit_test(redirects_test),    cmocka_unit_test(allowed_test),
        cmocka_unit_test(is_cancelled_test), cmocka_unit_test(crowd_test),
        cmocka_unit_test(mails_test)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
