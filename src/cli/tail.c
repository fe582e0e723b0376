/* tail.c -- cairn tail: the requests of running servers, as they are answered. SPDX: Apache-2.0
 * Each message of a server's socket (server/tail.c) is one request, as the log would have it in
 * JSON; all servers on the data directory are followed. */
#include "cli/cli.h"
#include "cli/term.h"

#include "server/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVERS_MOST = 64, LINE_MOST = 65536, STATUSES_MOST = 16 };

struct tail_view {
    struct {
        int64_t from, to;
    } status[STATUSES_MOST];
    size_t status_count;
    const char *path, *method;
    int64_t slow_us;
    bool json, colours;
};

struct follow {
    struct pollfd fds[SERVERS_MOST];
    nfds_t count;
    int why; /* of the last that could not be followed */
};

/* ---- what is asked for ---- */

/* "404", "4xx", "400-499" */
static bool read_range(str text, int64_t *from, int64_t *to)
{
    if (text.len == 3 && ascii_digit(text.ptr[0]) && str_eqi(str_from(text, 1), LIT("xx"))) {
        *from = (int64_t)(text.ptr[0] - '0') * 100;
        *to = *from + 99;
        return true;
    }
    str end = text, first = str_cut(&end, '-');
    return str_to_i64(first, from) && str_to_i64(end.ptr ? end : first, to) && *from <= *to;
}

static bool read_status(struct tail_view *v, const char *text)
{
    for (str rest = str_of(text); text && rest.ptr; v->status_count++) {
        str one = str_trim(str_cut(&rest, ','));
        if (v->status_count == STATUSES_MOST ||
            !read_range(one, &v->status[v->status_count].from, &v->status[v->status_count].to))
            return false;
    }
    return true;
}

static bool read_slow(struct tail_view *v, const char *text)
{
    int64_t ms;
    if (!text)
        return true;
    str s = str_of(text);
    if (str_ends(s, LIT("ms")))
        s.len -= 2;
    if (!str_to_i64(s, &ms) || ms < 0 || ms > 86400000)
        return false;
    v->slow_us = ms * 1000;
    return true;
}

static int options(struct cli *c, struct tail_view *v)
{
    const char *status = NULL, *slow = NULL;
    if (!cli_option(c, "--status", &status) || !cli_option(c, "--path", &v->path) ||
        !cli_option(c, "--method", &v->method) || !cli_option(c, "--slow", &slow))
        return CLI_USAGE;
    v->json = cli_flag(c, "--json");
    v->colours = cli_flag(c, "--color") || term_takes_colours(STDOUT_FILENO);
    if (!read_status(v, status))
        return cli_usage(c, "--status wants 404, 4xx or 400-499, several by commas");
    if (!read_slow(v, slow))
        return cli_usage(c, "--slow wants milliseconds");
    return cli_expect(c, 0, 0);
}

/* ---- a request ---- */

static str text_of(const struct value *v, const char *name)
{
    const struct value *m = value_get(v, str_of(name));
    return m && m->kind == V_TEXT ? m->text : LIT("");
}

static int64_t number_of(const struct value *v, const char *name)
{
    const struct value *m = value_get(v, str_of(name));
    return m && m->kind == V_INT ? m->i : 0;
}

/* pattern, whose stars stand for anything, at the beginning of path. */
static bool path_fits(str path, str pattern)
{
    str rest = pattern, part = str_cut(&rest, '*');
    if (!str_starts(path, part))
        return false;
    path = str_from(path, part.len);
    while (rest.ptr) {
        part = str_cut(&rest, '*');
        while (path.len > part.len && !str_starts(path, part))
            path = str_from(path, 1);
        if (!str_starts(path, part))
            return false;
        path = str_from(path, part.len);
    }
    return true;
}

static bool wanted(const struct tail_view *v, const struct value *r)
{
    int64_t status = number_of(r, "status");
    bool fits = v->status_count == 0;
    for (size_t i = 0; i < v->status_count; i++)
        fits = fits || (status >= v->status[i].from && status <= v->status[i].to);
    return fits && number_of(r, "duration_us") >= v->slow_us &&
           (!v->path || path_fits(text_of(r, "path"), str_of(v->path))) &&
           (!v->method || str_eqi(text_of(r, "method"), str_of(v->method)));
}

/* 12:34:56.789 GET /v1/users/1 200 1.234ms 345B id=... */
static void show(const struct tail_view *v, const struct value *r, struct buf *out)
{
    struct term t = {out, v->colours};
    char text[64];
    int64_t status = number_of(r, "status"), us = number_of(r, "duration_us");
    term_put(&t, TERM_DIM, str_upto(str_from(text_of(r, "ts"), 11), 12));
    buf_char(out, ' ');
    term_safe(&t, text_of(r, "method"), false);
    buf_char(out, ' ');
    term_safe(&t, text_of(r, "path"), false);
    snprintf(text, sizeof text, " %lld", (long long)status);
    term_put(&t, term_status((int)status), str_of(text));
    snprintf(text, sizeof text, " %lld.%03lldms", (long long)us / 1000, (long long)us % 1000);
    term_put(&t, us >= 1000000 ? TERM_RED : us >= 100000 ? TERM_YELLOW : TERM_PLAIN, str_of(text));
    snprintf(text, sizeof text, " %lldB ", (long long)number_of(r, "bytes"));
    buf_str(out, str_of(text));
    term_put(&t, TERM_DIM, LIT("id="));
    term_put(&t, TERM_DIM, text_of(r, "request_id"));
    buf_char(out, '\n');
}

static void say(const struct value *m)
{
    if (value_get(m, LIT("follows")))
        fprintf(stderr, "cairn tail: following process %lld\n", (long long)number_of(m, "follows"));
    else if (value_get(m, LIT("refused")))
        fprintf(stderr, "cairn tail: process %lld is followed by too many, or is another user's\n",
                (long long)number_of(m, "refused"));
    else if (value_get(m, LIT("lost")))
        fprintf(stderr, "cairn tail: too slow, %lld requests are not shown\n",
                (long long)number_of(m, "lost"));
}

static void take(const struct tail_view *v, struct arena *a, str line, struct buf *out)
{
    struct value m;
    struct err err = {0};
    if (json_parse(a, line, &json_limits_default, &m, &err) < 0)
        return;
    if (!str_is(text_of(&m, "msg"), "request"))
        say(&m);
    else if (wanted(v, &m) && v->json)
        buf_str(out, line);
    else if (wanted(v, &m))
        show(v, &m, out);
}

/* ---- following ---- */

static void found(void *ctx, const char *path)
{
    struct follow *f = ctx;
    int fd = f->count < SERVERS_MOST ? tail_dial(path) : -EMFILE;
    if (fd >= 0)
        f->fds[f->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    else if (fd != -ECONNREFUSED) /* whose server was killed */
        f->why = -fd;
}

/* False when stdout takes no more. */
static bool hear(struct follow *f, nfds_t i, const struct tail_view *v)
{
    static char line[LINE_MOST];
    struct arena a;
    struct buf out;
    ssize_t n = recv(f->fds[i].fd, line, sizeof line, 0);
    if (n <= 0) {
        close(f->fds[i].fd);
        f->fds[i] = f->fds[--f->count];
        return true;
    }
    arena_init(&a, 1 << 20);
    buf_init(&out, 1 << 20);
    take(v, &a, str_make(line, (size_t)n), &out);
    bool fine = !out.len || (fwrite(out.ptr, 1, out.len, stdout) == out.len && fflush(stdout) == 0);
    buf_fini(&out);
    arena_reset(&a);
    return fine;
}

static int follow(struct follow *f, const struct tail_view *v)
{
    while (f->count) {
        if (poll(f->fds, f->count, -1) < 0 && errno != EINTR)
            return cli_fail("cannot follow: %s", strerror(errno));
        for (nfds_t i = f->count; i-- > 0;)
            if (f->fds[i].revents && !hear(f, i, v))
                return CLI_OK;
    }
    fprintf(stderr, "cairn tail: the server has ended\n");
    return CLI_OK;
}

int cli_tail(struct cli *c)
{
    struct tail_view v = {0};
    struct follow f = {.count = 0};
    int code = options(c, &v);
    if (code != CLI_OK)
        return code;
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    tail_sockets(config, found, &f);
    if (!f.count)
        code = cli_fail("no server on %.*s can be followed: %s", STR_ARG(config->data_path),
                        f.why ? strerror(f.why) : "none runs, or log.tail is off");
    config_free(&config);
    return code == CLI_OK ? follow(&f, &v) : code;
}
