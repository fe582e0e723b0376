/* talk.c -- one request to a server over TCP or a unix socket. SPDX: Apache-2.0
 * HTTP/1.0: the answer ends with the connection. */
#include "cli/talk.h"

#include "client/client.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- where ---- */

static int unix_place(struct arena *a, str path, struct place *out, struct err *err)
{
    struct sockaddr_un u;
    if (!path.len || path.len >= sizeof u.sun_path)
        return fail(err, E_BAD, "'%.*s' is no path of a unix socket", STR_ARG(str_upto(path, 60)));
    *out = (struct place){.path = arena_str(a, path), .base = LIT("")};
    return 0;
}

/* HOST, HOST:PORT, [IPV6]:PORT */
static int tcp_place(struct arena *a, str text, const char *port, struct place *out,
                     struct err *err)
{
    uint64_t n;
    size_t colon = str_rfind(text, ':');
    if (colon != STR_NONE && str_ends(text, LIT("]")))
        colon = STR_NONE;
    str host = str_upto(text, colon), digits = str_of(port);
    if (colon != STR_NONE)
        digits = str_from(text, colon + 1);
    if (str_starts(host, LIT("[")) && str_ends(host, LIT("]")))
        host = str_upto(str_from(host, 1), host.len - 2);
    if (!str_to_u64(digits, &n) || !n || n > 65535 || host.len > 255)
        return fail(err, E_BAD, "'%.*s' is no HOST:PORT", STR_ARG(str_upto(text, 60)));
    if (!host.len || str_is(host, "0.0.0.0") || str_is(host, "*"))
        host = LIT("127.0.0.1");
    if (str_is(host, "::"))
        host = LIT("::1");
    *out =
        (struct place){.host = arena_str(a, host), .port = arena_str(a, digits), .base = LIT("")};
    return 0;
}

int place_of_url(struct arena *a, str url, struct place *out, struct err *err)
{
    if (str_starts(url, LIT("unix:")))
        return unix_place(a, str_from(url, 5), out, err);
    bool tls = str_starts(url, LIT("https://"));
    if (!tls && !str_starts(url, LIT("http://")))
        return fail(err, E_BAD, "expected http://HOST:PORT, https://HOST:PORT or unix:PATH");
    str rest = str_from(url, tls ? 8 : 7);
    size_t slash = str_find(rest, '/');
    TRY(tcp_place(a, str_upto(rest, slash), tls ? "443" : "80", out, err));
    out->tls = tls;
    str base = str_from(rest, slash < rest.len ? slash : rest.len);
    while (str_ends(base, LIT("/")))
        base.len--;
    out->base = arena_str(a, base);
    return 0;
}

int place_of_listen(struct arena *a, str listen, struct place *out, struct err *err)
{
    str first = str_trim(str_cut(&listen, ','));
    if (str_starts(first, LIT("unix:")))
        return unix_place(a, str_from(first, 5), out, err);
    if (str_ends(first, LIT(":0")))
        return fail(err, E_BAD, "server.listen leaves the port open: say --url");
    return tcp_place(a, first, "80", out, err);
}

/* ---- the connection ---- */

static int unreached(const struct place *p, const char *why, struct err *err)
{
    if (p->path.len)
        return fail(err, E_BUSY, "no server answers at unix:%.*s: %s", STR_ARG(p->path), why);
    return fail(err, E_BUSY, "no server answers at %.*s:%.*s: %s", STR_ARG(p->host),
                STR_ARG(p->port), why);
}

static int dial_unix(const struct place *p, int *out, struct err *err)
{
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    memcpy(u.sun_path, p->path.ptr, p->path.len);
    *out = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*out < 0 || connect(*out, (struct sockaddr *)&u, sizeof u) < 0)
        return unreached(p, strerror(errno), err);
    return 0;
}

static int dial_tcp(const struct place *p, int *out, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int code = getaddrinfo(p->host.ptr, p->port.ptr, &hints, &list), why = 0;
    if (code != 0)
        return unreached(p, gai_strerror(code), err);
    for (struct addrinfo *at = list; at && *out < 0; at = at->ai_next) {
        *out = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (*out >= 0 && connect(*out, at->ai_addr, at->ai_addrlen) < 0) {
            why = errno;
            close(*out);
            *out = -1;
        }
    }
    freeaddrinfo(list);
    return *out < 0 ? unreached(p, strerror(why), err) : 0;
}

static int failed(struct err *err)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return fail(err, E_TIMEOUT, "the server did not answer in time");
    return fail(err, E_BUSY, "the connection broke: %s", strerror(errno));
}

/* A server may answer and close before it has read all: then the answer counts. */
static int put(int fd, str request, struct err *err)
{
    while (request.len) {
        ssize_t n = send(fd, request.ptr, request.len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return 0;
        if (n < 0 && errno != EINTR)
            return failed(err);
        request = str_from(request, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

static int get(int fd, struct buf *all, struct err *err)
{
    enum { PIECE = 65536 };
    for (;;) {
        if (!buf_room(all, PIECE))
            return fail(err, E_TOOBIG, "the answer is larger than %d MiB", TALK_ANSWER_MOST >> 20);
        ssize_t n = recv(fd, all->ptr + all->len, PIECE, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET && all->len))
            return 0;
        if (n < 0 && errno != EINTR)
            return failed(err);
        all->len += n > 0 ? (size_t)n : 0;
    }
}

/* ---- the answer ---- */

int answer_read(str all, struct answer *out, struct err *err)
{
    do { /* behind "100 Continue" comes another head */
        size_t at = 0;
        while (at + 4 <= all.len && memcmp(all.ptr + at, "\r\n\r\n", 4) != 0)
            at++;
        if (!str_starts(all, LIT("HTTP/1.")) || at + 4 > all.len || at < 12)
            return fail(err, E_BAD, "what answers is no HTTP server");
        str head = str_upto(all, at);
        all = str_from(all, at + 4);
        size_t end = str_find(head, '\r');
        out->line = str_upto(head, end);
        out->headers = end == STR_NONE ? LIT("") : str_from(head, end + 2);
        uint64_t status = 0;
        if (!str_to_u64(str_upto(str_from(out->line, 9), 3), &status))
            return fail(err, E_BAD, "what answers is no HTTP server");
        out->status = (int)status;
    } while (out->status < 200);
    out->body = all;
    return 0;
}

str answer_header(const struct answer *r, str name)
{
    for (str rest = r->headers; rest.len && rest.ptr;) {
        str value = str_cut(&rest, '\n'), field = str_cut(&value, ':');
        if (value.ptr && str_eqi(field, name))
            return str_trim(str_upto(value, str_find(value, '\r')));
    }
    return (str){NULL, 0};
}

static int talk_tls(const struct place *p, str request, unsigned seconds, struct buf *all,
                    struct err *err)
{
    enum { PIECE = 16384 };
    struct client_stream *s;
    ssize_t n = 1;
    TRY(client_stream_open(&s, p->host, p->port, p->ca, seconds, err));
    int code = client_stream_put(s, request, err);
    while (code == 0 && n > 0) {
        if (!buf_room(all, PIECE))
            code = fail(err, E_TOOBIG, "the answer is larger than %d MiB", TALK_ANSWER_MOST >> 20);
        n = code == 0 ? client_stream_get(s, all->ptr + all->len, PIECE, err) : 0;
        all->len += n > 0 ? (size_t)n : 0;
        code = n < 0 ? (int)n : code;
    }
    client_stream_close(&s);
    return code;
}

int talk(const struct place *p, str request, unsigned seconds, struct buf *all, struct answer *out,
         struct err *err)
{
    struct timeval wait = {.tv_sec = (time_t)seconds};
    int fd = -1;
    if (p->tls) {
        TRY(talk_tls(p, request, seconds, all, err));
        return answer_read(buf_view(all), out, err);
    }
    int code = p->path.len ? dial_unix(p, &fd, err) : dial_tcp(p, &fd, err);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    }
    if (code == 0)
        code = put(fd, request, err);
    if (code == 0)
        code = get(fd, all, err);
    if (fd >= 0)
        close(fd);
    return code < 0 ? code : answer_read(buf_view(all), out, err);
}
