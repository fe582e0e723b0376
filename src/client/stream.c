/* stream.c -- bytes to a server and back over TLS, for commands. SPDX: Apache-2.0
 * libcurl makes the connection and verifies the certificate; what is sent over it is the caller's,
 * as on a plain socket. Blocks: never on a thread of the server. */
#include "client/client_priv.h"

#include "base/mem.h"

#include <poll.h>
#include <stdio.h>

enum { URL_MOST = 320, WORDS_MOST = 256 };

struct client_stream {
    CURL *curl;
    unsigned seconds;
    bool written; /* something has gone out */
    char words[CURL_ERROR_SIZE];
};

#define SET(s, option, value) curl.easy_setopt((s)->curl, CURLOPT_##option, (value))

static int failed(struct client_stream *s, CURLcode code, struct err *err)
{
    const char *why = s->words[0] ? s->words : curl.easy_strerror(code);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return fail(err, E_TIMEOUT, "the server did not answer in time");
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return fail(err, E_BUSY, "the server's certificate is not trusted: %.*s", WORDS_MOST, why);
    return fail(err, E_BUSY, "no server answers there over TLS: %.*s", WORDS_MOST, why);
}

static void set_up(struct client_stream *s, const char *url, const char *ca_file)
{
    SET(s, URL, url);
    SET(s, CONNECT_ONLY, 1L);
    SET(s, ERRORBUFFER, s->words);
    SET(s, NOSIGNAL, 1L);
    SET(s, PROXY, "");
    SET(s, PROTOCOLS_STR, "https");
    SET(s, HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* or HTTP/2 would be agreed on */
    SET(s, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(s, CONNECTTIMEOUT, (long)s->seconds);
    if (ca_file)
        SET(s, CAINFO, ca_file);
}

int client_stream_open(struct client_stream **out, str host, str port, const char *ca_file,
                       unsigned seconds, struct err *err)
{
    char url[URL_MOST];
    bool six = str_find(host, ':') != STR_NONE;
    *out = NULL;
    TRY(client__library(err));
    int len = snprintf(url, sizeof url, "https://%s%.*s%s:%.*s/", six ? "[" : "", STR_ARG(host),
                       six ? "]" : "", STR_ARG(port));
    if (len < 0 || (size_t)len >= sizeof url)
        return fail(err, E_BAD, "the name of the server is too long");
    struct client_stream *s = mem_zero(1, sizeof *s);
    s->seconds = seconds;
    s->curl = curl.easy_init();
    BUG_ON(!s->curl);
    set_up(s, url, ca_file);
    CURLcode code = curl.easy_perform(s->curl);
    if (code == CURLE_OK) {
        *out = s;
        return 0;
    }
    int failure = failed(s, code, err);
    client_stream_close(&s);
    return failure;
}

static int wait_for(struct client_stream *s, short events, struct err *err)
{
    struct pollfd p = {.fd = -1, .events = events};
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl.easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &fd);
    p.fd = (int)fd;
    int n = poll(&p, 1, (int)(s->seconds < 86400 ? s->seconds : 86400) * 1000);
    return n == 0 ? fail(err, E_TIMEOUT, "the server did not answer in time") : 0;
}

/* A server may answer and close before it has read all: then the answer counts. */
int client_stream_put(struct client_stream *s, str bytes, struct err *err)
{
    while (bytes.len) {
        size_t n = 0;
        CURLcode code = curl.easy_send(s->curl, bytes.ptr, bytes.len, &n);
        if (code == CURLE_SEND_ERROR && s->written)
            return 0;
        if (code != CURLE_OK && code != CURLE_AGAIN)
            return failed(s, code, err);
        if (code == CURLE_AGAIN)
            TRY(wait_for(s, POLLOUT, err));
        s->written |= n > 0;
        bytes = str_from(bytes, n);
    }
    return 0;
}

ssize_t client_stream_get(struct client_stream *s, void *room, size_t size, struct err *err)
{
    for (;;) {
        size_t n = 0;
        CURLcode code = curl.easy_recv(s->curl, room, size, &n);
        if (code == CURLE_OK)
            return (ssize_t)n;
        if (code != CURLE_AGAIN)
            return failed(s, code, err);
        TRY(wait_for(s, POLLIN, err));
    }
}

void client_stream_close(struct client_stream **stream)
{
    struct client_stream *s = *stream;
    *stream = NULL;
    if (!s)
        return;
    curl.easy_cleanup(s->curl);
    mem_free(s);
}
