/* load.c -- HTTP/1.1 load from one thread over epoll, one request in flight per connection.
 * SPDX: Apache-2.0
 * Why not wrk: its Lua and its parser cost more than the servers measured here, so that on one
 * core the load, not the server, would be the limit. Every answer is still checked: status 2xx,
 * framing, nothing after its end. Anything else counts as an error, and run.mjs refuses the run.
 * usage: load PORT CONNECTIONS MILLISECONDS FILE [LOW HIGH SEED SEQ MOST]
 * FILE holds one request. {id} in it becomes a random number in LOW..HIGH, {sequence} a number of
 * ten digits that counts up from SEQ. MOST: stop after so many requests (0: only by time).
 * Prints one JSON object; next_seq is the SEQ of a next run. */
#include "histogram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { OUT_MOST = 8192, IN_MOST = 1 << 20, EVENTS = 512, SEQ_DIGITS = 10 };

struct conn {
    int fd;
    uint64_t sent_us;
    size_t in_len;
    char *in;
};

/* The request: pieces of text with a number between them. */
enum piece_kind { PIECE_TEXT, PIECE_ID, PIECE_SEQ };
struct piece {
    enum piece_kind kind;
    const char *text;
    size_t len;
};

static struct piece pieces[16];
static unsigned piece_count;
static uint64_t id_low = 1, id_high = 1, dice = 1, seq, sent, most;
static uint64_t answered, bad_status, broken, body_bytes;
static struct histogram latency;
static char first_bad[400];
static struct conn *conns;

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- what is sent ---- */

static void piece_add(enum piece_kind kind, const char *text, size_t len)
{
    if (piece_count == sizeof pieces / sizeof pieces[0])
        stop("too many numbers in the request");
    pieces[piece_count++] = (struct piece){kind, text, len};
}

static void template_read(const char *path)
{
    static char text[OUT_MOST / 2];
    FILE *f = fopen(path, "rb");
    char *at = text;

    if (!f || fread(text, 1, sizeof text - 1, f) == 0)
        stop(path);
    fclose(f);
    for (;;) {
        char *id = strstr(at, "{id}"), *count = strstr(at, "{sequence}");
        bool is_id = id && (!count || id < count);
        char *mark = is_id ? id : count;

        piece_add(PIECE_TEXT, at, mark ? (size_t)(mark - at) : strlen(at));
        if (!mark)
            return;
        piece_add(is_id ? PIECE_ID : PIECE_SEQ, NULL, 0);
        at = mark + (is_id ? sizeof "{id}" : sizeof "{sequence}") - 1;
    }
}

static uint64_t dice_throw(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return id_low + dice % (id_high - id_low + 1);
}

static size_t digits(char *out, uint64_t n, size_t width)
{
    char back[24];
    size_t len = 0;

    do
        back[len++] = (char)('0' + n % 10);
    while ((n /= 10) > 0 || len < width);
    for (size_t i = 0; i < len; i++)
        out[i] = back[len - 1 - i];
    return len;
}

static size_t request_write(char *out)
{
    size_t len = 0;

    for (unsigned i = 0; i < piece_count; i++) {
        if (pieces[i].kind == PIECE_ID) {
            len += digits(out + len, dice_throw(), 1);
        } else if (pieces[i].kind == PIECE_SEQ) {
            len += digits(out + len, seq++, SEQ_DIGITS);
        } else {
            memcpy(out + len, pieces[i].text, pieces[i].len);
            len += pieces[i].len;
        }
    }
    return len;
}

static void conn_send(struct conn *c, uint64_t now)
{
    char out[OUT_MOST];
    size_t len = request_write(out);

    c->sent_us = now;
    c->in_len = 0;
    sent++;
    if (write(c->fd, out, len) != (ssize_t)len)
        broken++;
}

/* ---- what comes back ---- */

/* The value of a header in the head, or NULL. */
static const char *header(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = memchr(head, '\n', (size_t)(end - head)); p && p < end;
         p = memchr(p, '\n', (size_t)(end - p))) {
        p++;
        if ((size_t)(end - p) > len && (*p | 0x20) == (*name | 0x20) &&
            strncasecmp(p, name, len) == 0)
            return p + len;
    }
    return NULL;
}

/* Length of a chunked body, 0 when it is not complete, -1 when it is none. */
static ssize_t chunked_len(const char *body, size_t have)
{
    const char *p = body, *end = body + have;

    for (;;) {
        const char *line = memmem(p, (size_t)(end - p), "\r\n", 2);
        char *after;
        if (!line)
            return 0;
        unsigned long size = strtoul(p, &after, 16);
        if (after != line || size > IN_MOST)
            return -1;
        if ((size_t)(end - line) < size + 4)
            return 0;
        p = line + 2 + size;
        if (memcmp(p, "\r\n", 2) != 0)
            return -1;
        p += 2;
        if (size == 0)
            return p - body;
    }
}

/* Length of the whole answer, 0 when it is not complete, -1 when it is none. */
static ssize_t reply_len(const char *in, size_t have)
{
    const char *end = memmem(in, have, "\r\n\r\n", 4);
    const char *value;

    if (!end)
        return 0;
    end += 4;
    value = header(in, end, "content-length:");
    if (value) {
        size_t whole = (size_t)(end - in) + strtoul(value, NULL, 10);
        return have >= whole ? (ssize_t)whole : 0;
    }
    if (!header(in, end, "transfer-encoding: chunked"))
        return -1;
    ssize_t body = chunked_len(end, have - (size_t)(end - in));
    return body > 0 ? (end - in) + body : body;
}

static void reply_count(struct conn *c, uint64_t now)
{
    histogram_add(&latency, now - c->sent_us);
    answered++;
    body_bytes += c->in_len;
    if (memcmp(c->in, "HTTP/1.1 2", 10) == 0)
        return;
    if (bad_status++ == 0)
        snprintf(first_bad, sizeof first_bad, "%.*s", (int)c->in_len, c->in);
}

/* Reads what is there; true when the answer is whole. */
static bool conn_read(struct conn *c)
{
    ssize_t n = read(c->fd, c->in + c->in_len, IN_MOST - c->in_len), whole;

    if (n < 0 && errno == EAGAIN)
        return false;
    c->in_len += n > 0 ? (size_t)n : 0;
    whole = n > 0 ? reply_len(c->in, c->in_len) : -1;
    if (whole == 0)
        return false;
    if (whole == (ssize_t)c->in_len)
        return true;
    broken++;
    close(c->fd);
    return false;
}

/* ---- the run ---- */

static int conn_open(int loop, unsigned short port, struct conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->in = malloc(IN_MOST);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!c->in || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
        return -1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &ev);
}

/* Until the time is over; then what is in flight may still be answered, for a second. */
static uint64_t run(int loop, unsigned count, uint64_t ms)
{
    struct epoll_event got[EVENTS];
    uint64_t begun = now_us(), end = begun + ms * 1000, last = begun, now;

    for (unsigned i = 0; i < count; i++)
        conn_send(&conns[i], begun);
    while (answered + broken < sent && (now = now_us()) < end + 1000000) {
        int n = epoll_wait(loop, got, EVENTS, 100);
        for (int i = 0; i < n; i++) {
            struct conn *c = got[i].data.ptr;
            if (!conn_read(c))
                continue;
            last = now = now_us();
            reply_count(c, now);
            if (now < end && (most == 0 || sent < most))
                conn_send(c, now);
        }
    }
    broken += sent - answered - broken;
    return last - begun;
}

static void json_text(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 32 || *text == '"' || *text == '\\')
            printf("\\u%04x", (unsigned char)*text);
        else
            putchar(*text);
    }
}

static void report(uint64_t took)
{
    struct rusage use;
    double cpu;

    getrusage(RUSAGE_SELF, &use);
    cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
          (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
    printf("{\"answered\":%lu,\"not_2xx\":%lu,\"broken\":%lu,\"us\":%lu,\"per_second\":%.1f,",
           answered, bad_status, broken, took, (double)answered * 1e6 / (double)took);
    printf("\"bytes\":%lu,\"p50_us\":%lu,\"p99_us\":%lu,\"max_us\":%lu,\"load_busy\":%.3f,",
           answered ? body_bytes / answered : 0, histogram_at(&latency, 0.5),
           histogram_at(&latency, 0.99), latency.most, cpu / (double)took);
    printf("\"next_seq\":%lu,\"first_bad\":\"", seq);
    json_text(first_bad);
    printf("\"}\n");
}

int main(int argc, char **argv)
{
    uint64_t arg[10] = {0};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    unsigned count;

    if (argc < 5)
        return fprintf(stderr, "usage: load PORT CONNECTIONS MS FILE [LOW HIGH SEED SEQ MOST]\n"),
               2;
    for (int i = 1; i < argc && i < 10; i++)
        arg[i] = strtoull(argv[i], NULL, 10);
    count = (unsigned)arg[2];
    template_read(argv[4]);
    id_low = argc > 5 ? arg[5] : 1;
    id_high = argc > 6 && arg[6] >= id_low ? arg[6] : id_low;
    dice = 0x9e3779b97f4a7c15u ^ (argc > 7 ? arg[7] * 0x2545f4914f6cdd1du : 0);
    seq = arg[8];
    most = arg[9];
    conns = calloc(count, sizeof *conns);
    for (unsigned i = 0; i < count; i++)
        if (conn_open(loop, (unsigned short)arg[1], &conns[i]) != 0)
            stop("connect");
    report(run(loop, count, arg[3]));
    return bad_status || broken;
}
