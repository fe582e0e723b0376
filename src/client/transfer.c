/* transfer.c -- one call, on a helper thread, by libcurl. SPDX: Apache-2.0
 * Set for every call: nothing from the environment (proxies, .netrc), no protocol but the one that
 * is meant, certificates verified, TLS 1.2 at least, no signals, no cookies, no decoding. */
#include "client/client_priv.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEXTS_MOST = 512 * 1024, STALL_S = 30, KEPT_S = 30, KEPT_MOST = 4 };
enum { NS_A_MS = 1000000 };

/* What is set up for one call. */
struct transfer {
    struct job *job;
    CURL *curl;
    struct curl_slist *list; /* headers, or recipients */
    struct arena arena;
    char words[CURL_ERROR_SIZE];
};

#define SET(t, option, value) curl.easy_setopt((t)->curl, CURLOPT_##option, (value))

static const char *text(struct transfer *t, str s)
{
    return arena_str(&t->arena, s).ptr;
}

/* ---- what libcurl asks while it runs ---- */

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct job *j = arg;
    bool proxy = j->call && j->config->proxy.len; /* it connects, and is of the settings */
    (void)purpose;
    if (!proxy && !guard__passes(&j->guard, &to->addr)) {
        j->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool given_up(const struct job *j)
{
    return atomic_load(&j->cancelled) || (j->mail && j->mail->stop && atomic_load(j->mail->stop));
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct job *j = arg;
    (void)a, (void)b, (void)c, (void)d;
    return given_up(j);
}

static size_t on_head(char *bytes, size_t size, size_t count, void *arg)
{
    struct job *j = arg;
    size_t len = size * count;
    str line = str_make(bytes, len);
    if (str_starts(line, LIT("HTTP/"))) /* after a redirect, or 100 */
        buf_clear(&j->head);
    buf_str(&j->head, line);
    j->over = j->over || j->head.full;
    return j->over ? 0 : len;
}

static bool good_status(CURL *h)
{
    long status = 0;
    curl.easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    struct job *j = t->job;
    size_t len = size * count;
    bool sink = j->call->sink && good_status(t->curl);
    j->received += len;
    if (j->received > j->answer_most) {
        j->over = true;
        return 0;
    }
    if (!sink)
        buf_add(&j->answer, bytes, len);
    else if (!j->call->sink(j->call->sink_arg, bytes, len))
        j->enough = true;
    return j->enough ? 0 : len;
}

bool client_to_fd(void *arg, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = write(*(int *)arg, at, len);
        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static size_t on_file(char *out, size_t size, size_t count, void *arg)
{
    struct job *j = arg;
    uint64_t left = j->call->length - j->sent;
    size_t room = size * count;
    ssize_t n;
    do
        n = pread(j->call->fd, out, left < room ? (size_t)left : room,
                  (off_t)(j->call->offset + j->sent));
    while (n < 0 && errno == EINTR);
    if (n < 0 || (n == 0 && left))
        return CURL_READFUNC_ABORT;
    j->sent += (uint64_t)n;
    return (size_t)n;
}

static size_t on_message(char *out, size_t size, size_t count, void *arg)
{
    struct job *j = arg;
    str rest = str_upto(str_from(j->mail->message, (size_t)j->sent), size * count);
    if (rest.len)
        memcpy(out, rest.ptr, rest.len);
    j->sent += rest.len;
    return rest.len;
}

/* A kept connection that turned out dead: from the start again. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct job *j = arg;
    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_FAIL;
    j->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- where it goes ---- */

/* No control characters: a line end would begin another header, or another command. */
static bool plain(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static int refused(struct err *err)
{
    return fail_field(err, E_DENIED, LIT("destination_refused"), LIT(""),
                      "the destination is in a private or special network, and client.allow does "
                      "not name it");
}

/* Host and port as libcurl understands them, so that both mean the same place. */
static int look_at_url(struct transfer *t, const struct client_call *call, struct err *err)
{
    enum { URL_MOST = 16384 };
    struct job *j = t->job;
    if (call->url.len > URL_MOST || !plain(call->url))
        return fail(err, E_BAD, "not a URL that can be called");
    CURLU *u = curl.url();
    char *host = NULL, *port = NULL, *user = NULL, *scheme = NULL;
    uint64_t number = 0;
    int code = 0;
    if (!u || curl.url_set(u, CURLUPART_URL, text(t, call->url), 0) != CURLUE_OK ||
        curl.url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl.url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl.url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        !str_to_u64(str_of(port), &number) ||
        curl.url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
        code = fail(err, E_BAD, "not a URL that can be called");
    else if (call->tls && strcmp(scheme, "https") != 0)
        code = fail(err, E_BAD, "a URL that is not https");
    j->guard.named = j->guard.named ||
                     (code == 0 && guard__named(j->guard.allow, str_of(host), (unsigned)number));
    if (code == 0 && guard__refuses_text(&j->guard, str_of(host)))
        code = refused(err);
    curl.free(host);
    curl.free(port);
    curl.free(user);
    curl.free(scheme);
    curl.url_cleanup(u);
    return code;
}

/* ---- how it is set up ---- */

static void set_common(struct transfer *t, uint64_t left_ms, str ca_file)
{
    const struct client_config *c = t->job->config;
    str ca = ca_file.len ? ca_file : c->ca_file;
    SET(t, NOSIGNAL, 1L);
    SET(t, ERRORBUFFER, t->words);
    SET(t, PROXY, t->job->call ? text(t, c->proxy) : "");
    SET(t, NOPROXY, ""); /* else the environment's */
    SET(t, CONNECTTIMEOUT_MS, (long)(c->connect_ms < left_ms ? c->connect_ms : left_ms));
    SET(t, TIMEOUT_MS, (long)left_ms);
    SET(t, LOW_SPEED_LIMIT, 1L);
    SET(t, LOW_SPEED_TIME, (long)STALL_S);
    SET(t, MAXCONNECTS, (long)KEPT_MOST);
    SET(t, MAXAGE_CONN, (long)KEPT_S);
    SET(t, SSL_VERIFYPEER, 1L);
    SET(t, SSL_VERIFYHOST, 2L);
    SET(t, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca.len)
        SET(t, CAINFO, text(t, ca));
    SET(t, OPENSOCKETFUNCTION, on_socket);
    SET(t, OPENSOCKETDATA, t->job);
    SET(t, NOPROGRESS, 0L);
    SET(t, XFERINFOFUNCTION, on_progress);
    SET(t, XFERINFODATA, t->job);
    SET(t, SEEKFUNCTION, on_seek);
    SET(t, SEEKDATA, t->job);
}

static bool add_line(struct transfer *t, const char *line)
{
    struct curl_slist *longer = curl.slist_append(t->list, line);
    if (longer)
        t->list = longer;
    return longer != NULL;
}

static int add_headers(struct transfer *t, const struct client_call *call, struct err *err)
{
    bool typed = false;
    size_t bytes = 0;
    for (size_t i = 0; i < call->header_count; i++) {
        str line = call->headers[i], value = line, name = str_cut(&value, ':');
        bytes += line.len;
        if (!plain(line) || !name.len || !value.ptr || bytes > TEXTS_MOST / 4)
            return fail(err, E_BAD, "header %zu of a call is none", i + 1);
        typed = typed || str_eqi(name, LIT("Content-Type"));
        if (!add_line(t, text(t, line)))
            return fail(err, E_BUSY, "no memory for a call");
    }
    if (!typed && !add_line(t, "Content-Type:"))
        return fail(err, E_BUSY, "no memory for a call");
    if (!add_line(t, "Expect:"))
        return fail(err, E_BUSY, "no memory for a call");
    SET(t, HTTPHEADER, t->list);
    return 0;
}

static void set_body(struct transfer *t, const struct client_call *call)
{
    const char *method = call->method ? call->method : "GET";
    if (call->from_file) {
        SET(t, UPLOAD, 1L);
        SET(t, INFILESIZE_LARGE, (curl_off_t)call->length);
        SET(t, READFUNCTION, on_file);
        SET(t, READDATA, t->job);
        SET(t, CUSTOMREQUEST, method);
    } else if (call->body.len || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
        SET(t, POST, 1L);
        SET(t, POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
        SET(t, POSTFIELDS, call->body.ptr ? call->body.ptr : "");
        SET(t, CUSTOMREQUEST, method);
    } else if (strcmp(method, "HEAD") == 0) {
        SET(t, NOBODY, 1L);
    } else if (strcmp(method, "GET") != 0) {
        SET(t, CUSTOMREQUEST, method);
    }
}

static void set_who(struct transfer *t, const struct client_call *call)
{
    if (call->user.len) {
        SET(t, USERNAME, text(t, call->user));
        SET(t, PASSWORD, text(t, call->password));
    }
    if (call->sigv4.len)
        SET(t, AWS_SIGV4, text(t, call->sigv4));
}

static int set_http(struct transfer *t, const struct client_call *call, struct err *err)
{
    SET(t, PROTOCOLS_STR, call->tls ? "https" : "http,https");
    SET(t, REDIR_PROTOCOLS_STR, call->tls ? "https" : "http,https");
    SET(t, URL, text(t, call->url));
    SET(t, USERAGENT, "cairn/" CAIRN_VERSION);
    /* A redirect of a destination that may be anywhere could lead anywhere. */
    if (call->redirects && !t->job->guard.named) {
        SET(t, FOLLOWLOCATION, 1L);
        SET(t, MAXREDIRS, (long)call->redirects);
    }
    SET(t, HEADERFUNCTION, on_head);
    SET(t, HEADERDATA, t->job);
    SET(t, WRITEFUNCTION, on_body);
    SET(t, WRITEDATA, t);
    TRY(add_headers(t, call, err));
    set_body(t, call);
    set_who(t, call);
    return 0;
}

static int set_mail(struct transfer *t, const struct client_mail *m, struct err *err)
{
    static const long tls[] = {[STARTTLS_REQUIRED] = CURLUSESSL_ALL,
                               [STARTTLS_TRY] = CURLUSESSL_TRY,
                               [STARTTLS_NEVER] = CURLUSESSL_NONE};
    const char *slash = str_ends(m->url, LIT("/")) ? "" : "/";
    if (!plain(m->url) || !plain(m->from) || !plain(m->helo))
        return fail(err, E_BAD, "an address with control characters");
    SET(t, PROTOCOLS_STR, "smtp,smtps");
    SET(t, URL,
        arena_printf(&t->arena, "%.*s%s%.*s", STR_ARG(m->url), slash, STR_ARG(m->helo)).ptr);
    SET(t, USE_SSL, str_starts(m->url, LIT("smtps:")) ? (long)CURLUSESSL_ALL : tls[m->starttls]);
    if (m->user.len) {
        SET(t, USERNAME, text(t, m->user));
        SET(t, PASSWORD, text(t, m->password));
    }
    SET(t, MAIL_FROM, text(t, m->from));
    for (size_t i = 0; i < m->to_count; i++) {
        if (!plain(m->to[i]) || !add_line(t, text(t, m->to[i])))
            return fail(err, E_BAD, "an address with control characters");
    }
    SET(t, MAIL_RCPT, t->list);
    SET(t, FORBID_REUSE, 1L); /* servers end idle connections early */
    SET(t, UPLOAD, 1L);
    SET(t, READFUNCTION, on_message);
    SET(t, READDATA, t->job);
    SET(t, INFILESIZE_LARGE, (curl_off_t)m->message.len);
    return 0;
}

/* ---- how it ended ---- */

static int failure(const struct transfer *t, CURLcode rc, struct err *err)
{
    struct job *j = t->job;
    const char *words = t->words[0] ? t->words : curl.easy_strerror(rc);
    if (j->over)
        return fail(err, E_TOOBIG, "the answer is larger than %llu bytes",
                    (unsigned long long)j->answer_most);
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        return fail(err, E_CANCELLED, "the call was given up");
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return fail(err, E_TIMEOUT, "the other server did not answer in time");
    if (rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL)
        return fail(err, E_BAD, "not a URL that can be called");
    if (j->refused && rc == CURLE_COULDNT_CONNECT)
        return refused(err);
    if (j->mail && j->mail->status >= 500)
        return fail(err, E_DENIED, "the mail server refused: %.200s", words);
    return fail(err, E_BUSY, "the other server cannot be reached: %.200s", words);
}

static int perform(struct transfer *t, struct err *err)
{
    struct job *j = t->job;
    long status = 0;
    CURLcode rc = curl.easy_perform(t->curl);
    curl.easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (j->call)
        j->call->status = (int)status;
    else
        j->mail->status = (int)status;
    if (rc == CURLE_OK || j->enough)
        return 0;
    return failure(t, rc, err);
}

static int set_up_and_run(struct transfer *t, CURL *handles[2], uint64_t left_ms, struct err *err)
{
    struct job *j = t->job;
    if (j->call)
        TRY(look_at_url(t, j->call, err));
    CURL **handle = &handles[j->guard.named];
    if (!*handle)
        *handle = curl.easy_init();
    t->curl = *handle;
    if (!t->curl)
        return fail(err, E_BUSY, "no memory for a call");
    set_common(t, left_ms, j->call ? j->call->ca_file : j->mail->ca_file);
    int code = j->call ? set_http(t, j->call, err) : set_mail(t, j->mail, err);
    if (code == 0)
        code = perform(t, err);
    curl.easy_reset(t->curl); /* keeps the connections */
    curl.slist_free_all(t->list);
    return code;
}

void transfer__run(struct job *j, CURL *handles[2])
{
    struct transfer t = {.job = j};
    uint64_t now = clock_ns(), left = j->until > now ? (j->until - now) / NS_A_MS : 0;
    j->code = client__library(&j->err);
    if (j->code < 0)
        return;
    if (!left || given_up(j)) {
        j->code = fail(&j->err, left ? E_CANCELLED : E_TIMEOUT, "the call waited for too long");
        return;
    }
    arena_init(&t.arena, TEXTS_MOST * 2);
    j->code = set_up_and_run(&t, handles, left, &j->err);
    arena_reset(&t.arena);
}
