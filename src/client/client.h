/* client.h -- calls to other servers: HTTP, HTTPS and SMTP. SPDX: Apache-2.0
 * A call runs on a helper thread while its fiber is parked. Where it may go is guarded: an address
 * in a private or special network is refused when the connection is made, whatever the name said
 * before, unless the settings name the destination. */
#ifndef CAIRN_CLIENT_H
#define CAIRN_CLIENT_H

#include "base/arena.h"
#include "base/err.h"

#include <stdatomic.h>
#include <sys/types.h>

struct client;

struct client_config {
    str allow;   /* where private networks may be reached, by commas; see client_allow_fault */
    str proxy;   /* http://HOST:PORT for HTTP calls; empty: none, whatever the environment says */
    str ca_file; /* certificates that are trusted, PEM; empty: those of the system */
    unsigned threads, queue;         /* calls at a time; waiting */
    uint64_t connect_ms, timeout_ms; /* of a call: to connect, in all */
    size_t answer_most;              /* bytes */
};

/* One of a process. No thread and no library is there before the first call. Borrows the texts. */
struct client *client_new(const struct client_config *c);
void client_free(struct client **c); /* no call may be running */

/* Why item cannot stand in `allow`, or NULL: HOST, HOST:PORT, an address, a network as 10.0.0.0/8,
 * `loopback`, `private`. */
const char *client_allow_fault(str item);
/* An address (4 bytes, or 16) that only a destination named in the settings may have: loopback,
 * private, link-local, shared, metadata services, multicast, reserved, and what embeds those. */
bool client_special(const uint8_t *address, size_t len);

/* ---- HTTP ---- */

/* Takes bytes of an answer, on the helper thread: it may block, and never waits. False: enough. */
typedef bool client_sink(void *arg, const void *bytes, size_t len);
client_sink client_to_fd; /* arg: int *, where the bytes are written */

struct client_call {
    /* Asked for. Everything is borrowed until the call ends. */
    const char *method; /* NULL: GET */
    str url;            /* http:// or https:// */
    const str *headers; /* "Name: value" */
    size_t header_count;
    str body;
    bool from_file; /* instead of body: length bytes of fd, from offset on */
    int fd;
    uint64_t offset, length;
    bool trusted;              /* url is of the settings: it may be in a private network */
    bool tls;                  /* https only */
    unsigned redirects;        /* followed; 0: a redirect is the answer. Never when trusted */
    uint64_t timeout_ms;       /* 0: as the client's */
    size_t answer_most;        /* 0: as the client's; bodies for `sink` have no bound but this */
    str ca_file;               /* empty: as the client's */
    str sigv4, user, password; /* AWS signature: "aws:amz:REGION:s3", key id and secret; without
                                * sigv4: Basic, when there is a user */
    client_sink *sink;         /* takes the body of a 2xx; NULL: it comes as `answer` */
    void *sink_arg;

    /* What came. head: the last one's lines as they came. */
    int status;
    str head, answer;
    uint64_t received; /* bytes of the body */
};

/* The answer lives in a; any status is success. Waits. Fails with DENIED (the guard), BAD (url or
 * headers), BUSY (not reached, or the queue is full), TIMEOUT, TOOBIG, CANCELLED, CONFIG. */
WAITS int client_http(struct client *c, struct arena *a, struct client_call *call, struct err *err);
/* A header of the answer, or ptr NULL. */
str client_header(const struct client_call *call, str name);

/* ---- bytes over TLS, for commands ---- */

struct client_stream;
/* A connection to host (an address without brackets, or a name that the certificate must have).
 * ca_file: PEM, what is trusted instead of the system's; or NULL. Blocks; `seconds` without a byte.
 * Fails with BUSY (not reached, or not trusted), TIMEOUT, CONFIG (no libcurl), BAD. */
int client_stream_open(struct client_stream **out, str host, str port, const char *ca_file,
                       unsigned seconds, struct err *err);
/* All of bytes. Blocks. Fails with BUSY, TIMEOUT. */
int client_stream_put(struct client_stream *s, str bytes, struct err *err);
/* Some bytes, 0 at the end. Blocks. Fails with BUSY, TIMEOUT. */
ssize_t client_stream_get(struct client_stream *s, void *room, size_t size, struct err *err);
void client_stream_close(struct client_stream **s);

/* ---- SMTP ---- */

enum client_starttls { STARTTLS_REQUIRED, STARTTLS_TRY, STARTTLS_NEVER };

struct client_mail {
    str url; /* smtp://HOST:PORT, smtps://HOST:PORT; of the settings, so it may be anywhere */
    str user, password;            /* empty: none */
    enum client_starttls starttls; /* of smtp:// */
    str ca_file;                   /* empty: as the client's */
    str helo;                      /* our name */
    str from;                      /* of the envelope: an address */
    const str *to;
    size_t to_count;
    str message;             /* with CRLF */
    uint64_t timeout_ms;     /* 0: as the client's */
    const atomic_bool *stop; /* once true the call is given up; may be NULL */
    int status;              /* the server's last reply; 0: none came */
};
/* Success: the server has taken it. Waits. Fails as client_http, and with DENIED when the server
 * refused (status says what). */
WAITS int client_mail(struct client *c, struct client_mail *m, struct err *err);

#endif
