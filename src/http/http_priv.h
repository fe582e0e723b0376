/* Private to src/http. SPDX: Apache-2.0 */
#ifndef CAIRN_HTTP_PRIV_H
#define CAIRN_HTTP_PRIV_H

#include "base/clock.h"
#include "http/http.h"
#include "net/net.h"

/* ---- parsing: pure ---- */

/* Why bytes are refused: a status and a sentence (a literal). */
struct fault {
    int status;
    const char *why;
};

/* Where the search for the end of a head stands; zero it for each head. */
struct head_scan {
    size_t at, line; /* searched so far; start of the present line */
    size_t skipped;  /* bytes of the one empty line that may come before a request */
};

/* Goes on with the search. More than 0: length of the whole head with its empty line. 0: more
 * bytes are needed. -1: fault is filled. Refuses bare LF and NUL as soon as they are seen, and a
 * head of more than `most` bytes. */
ssize_t head_find(struct head_scan *scan, str in, size_t most, struct fault *fault);

struct head {
    enum method method;
    str method_text, target, path, query, host;
    unsigned minor;
    const struct header *headers;
    size_t header_count;
    uint64_t names; /* their header_bit */
    int64_t length; /* Content-Length, -1: none */
    bool chunked, close, expect;
};

/* Parses a whole head (as head_find measured it, without the skipped bytes). headers: room for
 * limits->max_headers. Path is still percent-encoded. False: fault is filled. */
bool head_parse(str text, const struct http_limits *limits, struct header *headers,
                struct head *out, struct fault *fault);
/* What each byte may be part of; a path is one without escapes. */
enum { CLASS_TOKEN = 1, CLASS_TARGET = 2, CLASS_HOST = 4, CLASS_PATH = 8 };
extern const unsigned char http__class[256];
/* One header line without its CRLF: false unless it is exactly name ":" OWS value OWS. */
bool header_line(str line, struct header *out);
/* Decodes and checks a path: see struct request. False: fault is filled, also when a has no room.
 */
bool path_clean(struct arena *a, str raw, str *path, str *segments, struct fault *fault);

/* A chunked body is decoded in place: [0, decoded) of the buffer is body, raw bytes follow. */
struct chunks {
    enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER, CHUNK_DONE } state;
    uint64_t left;   /* of the present chunk */
    size_t decoded;  /* body bytes so far */
    size_t raw;      /* position of the next raw byte */
    size_t overhead; /* bytes of trailers and extensions so far */
};

/* Goes on decoding ptr[0, *len). 1: the body is complete, raw is where the next request starts.
 * 0: more bytes are needed; *len was reduced to decoded + what is not yet understood. -1: fault. */
int chunks_feed(struct chunks *c, char *ptr, size_t *len, size_t max_body, struct fault *fault);

/* ---- a connection ---- */

/*  HEAD --whole head, no body or body there [start]--> RUN --answered [end_run]--> HEAD
 *   |  '--body to come--> BODY --whole body [start]--^   '--client is slow--> OUT --sent--> HEAD
 *   '--fault [refuse], close wanted--> LINGER --FIN or time--> closed
 * HEAD: `in` holds what has come of the next request. BODY: its head is whole; no fiber waits.
 * RUN: a fiber has it; `in` does not move. OUT: no fiber; `out` holds the rest of an answer, `in`
 * begins with the next request. LINGER: all is sent, input is thrown away, so that the client gets
 * to read the answer. */
enum conn_state { CONN_HEAD, CONN_BODY, CONN_RUN, CONN_OUT, CONN_LINGER, CONN_LISTS };

struct conn {
    uint32_t magic;
    enum conn_state state;
    struct link link; /* in server->lists[state] */
    uint64_t expires; /* loop_now when the present state has lasted too long */
    struct net_sock *sock;
    struct http_server *server;
    char *in;
    size_t in_cap, in_len;
    struct head_scan scan;
    struct head head; /* its texts point into `in` or `held`; parsed anew after `in` moved */
    size_t head_len;
    char *held; /* copy of the head while its handler may still read the body */
    struct chunks chunks;
    bool body_whole;
    bool streams;       /* its handler reads the body piece by piece: */
    uint64_t most, got; /* bytes it may have; handed out so far */
    size_t lent;        /* of these at the front of `in` still */
    bool sent_continue;
    bool closing;     /* no request after this one */
    bool parked;      /* the fiber has outlived start() */
    bool pooled;      /* `in` is a buffer of the server's pool */
    bool timed_out;   /* the handler's time is over */
    uint64_t gone_at; /* when the peer's FIN was seen, 0: not */
    uint64_t served;
    struct fiber *fiber;
    struct buf out;
    size_t out_at;
};

enum { CONN_MAGIC = 0x434f4e4e, IN_POOLED = 16384, POOL_MOST = 32 };
enum { RATE = 4096 /* bytes a second, the slowest client that is not timed out */ };

#define FIRST_LINES "HTTP/1.1 200 OK\r\nDate: "
enum { FIRST_STATUS = sizeof "HTTP/1.1 200 OK\r\n" - 1, FIRST_DATE = sizeof FIRST_LINES - 1 };

struct http_server {
    struct loop *loop;
    struct http_limits limits;
    struct http_hooks hooks;
    void *ctx;
    struct net_listener *listeners[16];
    unsigned listener_count;
    struct link lists[CONN_LISTS];
    struct http_stats stats;
    struct header *scratch; /* limits.max_headers of them */
    char *spare_in[POOL_MOST];
    unsigned spare_in_count, lent_in;
    size_t own_in; /* bytes of the connections' own `in` */
    struct buf spare_out[POOL_MOST];
    unsigned spare_out_count;
    size_t kept_out; /* bytes that wait in `out` of all connections */
    char *head_text; /* where heads of answers are put together */
    int64_t date_s;
    char first[FIRST_DATE + CLOCK_HTTP_LEN];
    uint64_t random; /* of request ids */
    defer_fn *drained;
    void *drained_arg;
    bool draining;
};

enum { HEAD_TEXT_MOST = 16384 };
/* Whether a header of r may stand in place of a line put together beforehand. */
bool reply__replaces(const struct reply *r);

/* conn.c: states and events */
extern const struct net_ops conn__ops;
void conn__tick(struct conn *c, uint64_t now);
void conn__drain(struct conn *c, bool now); /* closes when idle; now: whatever it does */
void conn__move(struct conn *c, enum conn_state state); /* to a state, with its deadline */
/* A deadline after n bytes have moved: who keeps to RATE is never late, and who stops is late after
 * `most` nanoseconds, whatever went before. */
uint64_t conn__later(uint64_t deadline, size_t n, uint64_t most);
/* Feeds the body with what is in `in`. 1: it is whole, 0: more to come, -1: fault. */
int conn__body_progress(struct conn *c, struct fault *fault);
/* The request is answered, or sent is an error. */
void conn__end_run(struct conn *c, int sent);
/* Answers with a fault instead, and closes. id: of the request, may be empty. */
void conn__refuse(struct conn *c, const struct fault *fault, str id);
void conn__advance(struct conn *c); /* goes as far as `in` allows; c may be closed afterwards */

/* run.c: a request in its fiber */
bool conn__begin(struct conn *c); /* false: too many fibers */
/* Reads more of a body into c->in, waiting in the fiber. Used when the client expects 100. */
WAITS int conn__read_body(struct conn *c, struct err *err);
/* The next piece of a body that streams, lent until the next call; empty at its end. */
WAITS int conn__read_piece(struct conn *c, str *out, struct err *err);
/* How much of its body the request in c->head may read piece by piece; 0: it gets it whole. */
uint64_t conn__pieces(struct conn *c);
str conn__body(const struct conn *c); /* what is there of the body, decoded */

/* input.c: buffers */
void input__drop(struct conn *c);            /* gives `in` back, with all that is in it */
void input__cut(struct conn *c, size_t len); /* removes len bytes at the front */
/* Room for at least one byte more; false: it is as large as it may get, or all together are. */
bool input__room(struct conn *c, struct fault *fault);
/* Bytes that requests, and on the other side answers, may hold for slow clients, all together. */
size_t input__ceiling(const struct http_server *s);
void input__rest(struct conn *c); /* before a wait: an idle connection has no buffer */
void input__trim(struct conn *c); /* after a wait: only as large as it needs */
bool input__parse(struct conn *c, struct fault *fault); /* c->head from the first bytes of `in` */
void input__hold(struct conn *c); /* c->head's texts stay where they are though `in` moves */
struct buf conn__buf_get(struct http_server *s, size_t limit);
void conn__buf_put(struct http_server *s, struct buf *b);

/* ---- answers ---- */

/* Sends the answer that rq->reply holds. 0: sent, or the rest is in c->out. Negative: the
 * connection is of no more use. */
WAITS int reply__finish(struct conn *c, struct request *rq);
/* The text of a refusal; lives until the next head. */
str reply__refusal(struct http_server *s, const struct fault *fault, str id, const struct reply *r);
const char *status_text(int status);
enum { ID_LEN = 16, ID_MOST = 64 };
void request__make_id(struct http_server *s, char *out); /* ID_LEN bytes */

#endif
