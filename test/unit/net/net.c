/* Addresses, listeners, descriptors that run out, peers that leave. SPDX: Apache-2.0 */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

static struct err err;
static int fd, port;

static int bind_to(const char *addr, bool again)
{
    err = (struct err){0};
    fd = -1;
    port = -1;
    return net_bind(str_of(addr), again, &fd, &port, &err);
}

/* ---- addresses ---- */

static void bad_address_test(void **state)
{
    static const char *const bad[] = {"",
                                      "8080",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:x",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:+80",
                                      "127.0.0.1:65536",
                                      "::1:80",
                                      "[::1]",
                                      "[::1:80",
                                      "unix:"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (bind_to(bad[i], false) != E_CONFIG)
            fail_msg("taken: '%s'", bad[i]);
        assert_true(err.text[0] != '\0');
    }
    char longer[200] = "unix:/tmp/";
    memset(longer + 10, 'a', 150);
    assert_int_equal(bind_to(longer, false), E_CONFIG);
    assert_int_equal(bind_to("unix:/no/such/folder/s", false), E_IO);
    assert_int_equal(bind_to("192.0.2.1:0", false), E_IO); /* not an address of ours */
    assert_non_null(strstr(err.text, "192.0.2.1:0"));
}

static int dial4(int to)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)to),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&in, sizeof in) == 0)
        return s;
    close(s);
    return -1;
}

static int dial6(int to)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)to),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int s = socket(AF_INET6, SOCK_STREAM, 0);
    if (s >= 0 && connect(s, (struct sockaddr *)&in, sizeof in) == 0)
        return s;
    close(s);
    return -1;
}

static void port_test(void **state)
{
    char addr[40];
    (void)state;
    assert_int_equal(bind_to("127.0.0.1:0", false), 0);
    assert_true(port > 0);
    int first = fd, other = port;
    snprintf(addr, sizeof addr, "127.0.0.1:%d", other);
    assert_int_equal(bind_to(addr, true), 0); /* the next worker */
    assert_int_equal(port, other);
    close(fd);
    assert_int_equal(bind_to(addr, false), E_IO); /* as another process would */
    assert_non_null(strstr(err.text, "in use"));
    close(first);
    assert_int_equal(bind_to(addr, false), 0);
    close(fd);
}

/* A second process on a port of ours is refused, although the port is shared by our own workers. */
static void second_process_test(void **state)
{
    char addr[40];
    int status;
    (void)state;
    assert_int_equal(bind_to("127.0.0.1:0", false), 0);
    int first = fd;
    snprintf(addr, sizeof addr, "127.0.0.1:%d", port);
    pid_t child = fork();
    if (child == 0)
        _exit(bind_to(addr, false) == E_IO ? 7 : 8);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    close(first);
}

static void families_test(void **state)
{
    (void)state;
    assert_int_equal(bind_to("localhost:0", false), 0); /* IPv4, when there is a choice */
    int c = dial4(port);
    assert_true(c >= 0);
    close(c);
    close(fd);
    assert_int_equal(bind_to(":0", false), 0);
    c = dial4(port);
    assert_true(c >= 0);
    close(c);
    bool v6 = bind_to("[::1]:0", false) == 0;
    if (v6)
        close(fd);
    assert_int_equal(bind_to("*:0", false), 0);
    if (v6) {
        c = dial6(port);
        assert_true(c >= 0);
        close(c);
    }
    close(fd);
    if (v6) { /* both can be named side by side */
        char addr[40];
        assert_int_equal(bind_to("[::]:0", false), 0);
        int six = fd;
        assert_int_equal(dial4(port), -1);
        snprintf(addr, sizeof addr, "0.0.0.0:%d", port);
        assert_int_equal(bind_to(addr, false), 0);
        close(fd);
        close(six);
    }
}

static void unix_test(void **state)
{
    char path[60], addr[80];
    (void)state;
    snprintf(path, sizeof path, "/tmp/cairn-net-%d.sock", (int)getpid());
    snprintf(addr, sizeof addr, "unix:%s", path);
    assert_int_equal(bind_to(addr, false), 0);
    int first = fd;
    assert_int_equal(bind_to(addr, false), E_IO); /* somebody is there */
    close(first);                                 /* as a process that was killed leaves it */
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(bind_to(addr, false), 0);
    close(fd);
    unlink(path);
    FILE *f = fopen(path, "w"); /* a file that is no socket stays */
    assert_non_null(f);
    fputs("mine", f);
    fclose(f);
    assert_int_equal(bind_to(addr, false), E_IO);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 4);
    unlink(path);
}

/* ---- a loop ---- */

enum { SEEN_MOST = 64 };

static struct {
    struct loop *loop;
    struct net_listener *listener;
    struct net_sock *socks[SEEN_MOST];
    int opened, closed, eofs, gone, resets, turns;
    bool refuse, paused;
} seen;

static void stop(void)
{
    net_unlisten(&seen.listener);
    for (int i = 0; i < seen.opened; i++) {
        if (seen.socks[i])
            net_close(&seen.socks[i]);
    }
    loop_stop(seen.loop);
}

static bool opened(struct net_sock *s, void *ctx)
{
    assert_ptr_equal(ctx, &seen);
    if (seen.refuse || seen.opened == SEEN_MOST)
        return false;
    seen.socks[seen.opened] = s;
    net_set_data(s, &seen.socks[seen.opened++]);
    return true;
}

static void readable(struct net_sock *s)
{
    char bytes[100];
    struct net_sock **at = net_data(s);
    if (seen.paused) {
        net_pause(s);
        return;
    }
    ssize_t n = net_read(s, bytes, sizeof bytes);
    if (n > 0) {
        struct iovec iov = {bytes, (size_t)n};
        assert_int_equal(net_write(s, &iov, 1), n);
        return;
    }
    assert_int_not_equal(n, NET_AGAIN);
    seen.eofs++;
    net_close(at);
}

static void writable(struct net_sock *s)
{
    (void)s;
    fail_msg("nobody asked");
}

static void gone(struct net_sock *s, bool reset)
{
    struct net_sock **at = net_data(s);
    seen.gone++;
    seen.resets += reset;
    net_close(at);
}

static void closed(void *data)
{
    assert_null(*(struct net_sock **)data);
    seen.closed++;
}

static const struct net_ops ops = {opened, readable, writable, gone, closed};

static void begin(defer_fn *tick)
{
    memset(&seen, 0, sizeof seen);
    assert_int_equal(bind_to("127.0.0.1:0", false), 0);
    seen.loop = loop_new(65536, 4);
    seen.listener = net_listen(seen.loop, fd, &ops, &seen);
    loop_every(seen.loop, 20, tick, NULL);
}

static void end(void)
{
    loop_run(seen.loop);
    loop_free(&seen.loop);
    assert_int_equal(seen.closed, seen.opened);
}

static int client;

static void echo_tick(void *arg)
{
    char bytes[10];
    (void)arg;
    switch (seen.turns++) {
    case 0:
        client = dial4(port);
        assert_int_equal(send(client, "abc", 3, 0), 3);
        return;
    case 2:
        assert_int_equal(recv(client, bytes, sizeof bytes, MSG_DONTWAIT), 3);
        assert_memory_equal(bytes, "abc", 3);
        assert_true(str_is(net_peer(seen.socks[0]), "127.0.0.1"));
        assert_memory_equal(net_peer_ip(seen.socks[0]), "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1",
                            16);
        close(client);
        return;
    case 4:
        stop();
    }
}

static void echo_test(void **state)
{
    (void)state;
    begin(echo_tick);
    end();
    assert_int_equal(seen.opened, 1);
    assert_int_equal(seen.eofs, 1);
}

static void gone_tick(void *arg)
{
    struct linger now = {.l_onoff = 1};
    (void)arg;
    switch (seen.turns++) {
    case 0:
        client = dial4(port);
        assert_int_equal(send(client, "abc", 3, 0), 3);
        return;
    case 2: /* the bytes are not read, so only the end can be seen */
        assert_int_equal(seen.gone, 0);
        close(client);
        return;
    case 4:
        assert_int_equal(seen.gone, 1);
        assert_int_equal(seen.resets, 0);
        client = dial4(port);
        assert_int_equal(send(client, "abc", 3, 0), 3);
        return;
    case 6:
        setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(client);
        return;
    case 8:
        stop();
    }
}

static void gone_test(void **state)
{
    (void)state;
    begin(gone_tick);
    seen.paused = true;
    end();
    assert_int_equal(seen.gone, 2);
    assert_int_equal(seen.resets, 1);
}

static void refuse_tick(void *arg)
{
    char byte;
    (void)arg;
    if (seen.turns++ == 0)
        client = dial4(port);
    if (seen.turns != 3)
        return;
    assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), 0);
    close(client);
    stop();
}

static void refuse_test(void **state)
{
    (void)state;
    begin(refuse_tick);
    seen.refuse = true;
    end();
}

/* Out of descriptors the loop sleeps, and goes on when there are some again. */
enum { DIALS = 3 };
static int dials[DIALS];
static struct rlimit files;
static unsigned polls;

static void count_poll(void *arg)
{
    (void)arg;
    polls++;
}

static void files_tick(void *arg)
{
    struct rlimit none = files;
    (void)arg;
    switch (seen.turns++) {
    case 0:
        for (int i = 0; i < DIALS; i++)
            dials[i] = dial4(port);
        int top = open("/dev/null", O_RDONLY);
        none.rlim_cur = (rlim_t)top; /* the next descriptor would be one too many */
        close(top);
        setrlimit(RLIMIT_NOFILE, &none);
        return;
    case 25:
        setrlimit(RLIMIT_NOFILE, &files);
        assert_int_equal(seen.opened, 0);
        assert_true(polls < 200); /* asleep most of the time, not told of it without end */
        return;
    case 50:
        assert_int_equal(seen.opened, DIALS);
        for (int i = 0; i < DIALS; i++)
            close(dials[i]);
        stop();
    }
}

static void files_test(void **state)
{
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    begin(files_tick);
    loop_before_sleep(seen.loop, count_poll, NULL);
    end();
}

/* Who waits in the kernel's queue when the listener ends is still taken. */
static void queue_tick(void *arg)
{
    (void)arg;
    client = dial4(port);
    stop();
    assert_int_equal(seen.opened, 1);
}

static void queue_test(void **state)
{
    char byte;
    (void)state;
    begin(queue_tick);
    end();
    assert_int_equal(recv(client, &byte, 1, 0), 0);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_address_test),    cmocka_unit_test(port_test),
        cmocka_unit_test(second_process_test), cmocka_unit_test(families_test),
        cmocka_unit_test(unix_test),           cmocka_unit_test(echo_test),
        cmocka_unit_test(gone_test),           cmocka_unit_test(refuse_test),
        cmocka_unit_test(files_test),          cmocka_unit_test(queue_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
