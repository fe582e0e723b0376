/* http.h -- bytes to `struct request`, `struct reply` to bytes. SPDX: Apache-2.0
 * RFC 9110 (semantics), RFC 9112 (HTTP/1.1). */
#ifndef CAIRN_HTTP_H
#define CAIRN_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "fiber/fiber.h"

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER, /* well-formed, unknown: 501 */
    METHOD__COUNT
};
const char *method_name(enum method m);

struct header {
    str name, value; /* name as sent; value without outer blanks */
};

struct path_param {
    str name, value; /* value percent-decoded */
};

struct param {
    str name, value; /* of the query string, percent-decoded, + is a blank; in order */
};

enum { PATH_PARAMS_MOST = 8, PATH_SLASH = 1 };
#define VERSION_UNKNOWN (~0u)

struct conn;
struct reply;
struct principal;
struct signed_in;
struct locales;
struct db_tx;
struct value;
struct upload;

/* One request. All texts live in its arena or in the connection's buffer, and as long as the
 * handler runs. */
struct request {
    struct arena arena;
    struct fiber *fiber;
    struct conn *conn;
    enum method method;
    str method_text;
    str target;   /* as sent */
    str path;     /* decoded and checked: no dot segments, no empty segments but the last, no NUL */
    str segments; /* the same, but PATH_SLASH for a slash that was percent-encoded: for routing */
    str query;    /* raw, without the question mark */
    str host;     /* from Host or the absolute target; lower case not forced */
    unsigned minor; /* HTTP/1.minor: 0 or 1 */
    const struct header *headers;
    size_t header_count;
    uint64_t absent; /* header_bit of names that no header has; 0: that is not known */
    size_t param_count;
    str id;               /* X-Request-ID, taken or made */
    const char *route;    /* template of the matched route, for logs and metrics, or NULL */
    const void *endpoint; /* const struct endpoint *, see route/ */
    void *world;          /* struct world of server/: what this request was started on */
    const struct principal *principal;
    struct signed_in *signed_in;   /* the token behind it; NULL: none */
    const struct locales *locales; /* what problems say in other languages: render/ */
    void *limits;                  /* what rate limits have said of it so far: edge/ */
    unsigned version; /* of the API, by its place from 1: that of the path; 0: of none */
    unsigned asked;   /* elsewhere, the one it asks for; VERSION_UNKNOWN */
    str before;       /* put before the path that was sent: links begin with it, too */
    uint64_t started_ns;
    struct reply *reply;
    unsigned statements; /* database statements run for it */
    struct db_tx *tx;    /* its statements belong to this transaction; NULL: to none */
    /* An operation of a batch: its body, parsed already. NULL: the connection has the body. */
    const struct value *given;
    str plain;   /* the body without its Content-Encoding; ptr NULL: it came as it is */
    bool formed; /* given was made of a body of another form: multipart/form-data, one file */
    bool read;   /* request_read has handed out a body that came as a whole */
    struct upload *uploads;                     /* the files that came with it: files/ */
    struct view *view;                          /* of the model, made for it alone: resource/ */
    struct path_param params[PATH_PARAMS_MOST]; /* the last: not zeroed for a request */
};

/* Text of the address that is connected: "127.0.0.1", "::1", "unix". */
str request_peer(const struct request *rq);
/* The same as 16 bytes, IPv4 as ::ffff:a.b.c.d. NULL: it has none. */
const uint8_t *request_peer_ip(const struct request *rq);
/* One of 64 bits by length and first letter, case ignored. Most requests lack most headers that
 * are looked for: where the name is a literal this is a number, and the look is one test. */
static inline uint64_t header_bit(str name)
{
    unsigned first = name.len ? (unsigned char)name.ptr[0] & 31u : 0;
    return UINT64_C(1) << ((name.len * 5 + first) & 63);
}
str request__header(const struct request *rq, str name);
/* The first header of that name (case ignored), or a str with ptr NULL. */
static inline str request_header(const struct request *rq, str name)
{
    return rq->absent & header_bit(name) ? (str){NULL, 0} : request__header(rq, name);
}
/* The next cookie of a Cookie header's value, from *rest on; what is malformed is passed over.
 * False at the end. Texts point into the value. */
bool cookie_next(str *rest, str *name, str *value);
/* How often the request has a cookie of that name (case matters): only 1 can be relied on. *out:
 * the last one's value, or ptr NULL. */
size_t request_cookie(const struct request *rq, str name, str *out);
/* A path parameter by name, or ptr NULL. */
str request_param(const struct request *rq, str name);
/* The parameters of the query string. Fails with BAD (bad percent-encoding, bad UTF-8, too many:
 * over 256). */
int request_query(struct request *rq, const struct param **list, size_t *count, struct err *err);
/* Makes rq ask for another target, as if it had been sent: fills target, path, segments and query.
 * Fails with BAD. */
int request_aim(struct request *rq, str target, struct err *err);
/* The whole body, at most the configured limit: waits for it. Empty when there is none. Fails with
 * TOOBIG, TIMEOUT, BAD (framing), CANCELLED. Sends 100 Continue when the client waits for it. */
WAITS int request_body(struct request *rq, str *out, struct err *err);
/* The next piece of the body, empty at its end: for bodies that may be larger than memory (hooks->
 * pieces said so), and good for all others. Valid until the next call. Fails as request_body. */
WAITS int request_read(struct request *rq, str *out, struct err *err);

/* True when the request was cancelled because its time was over, not because the client left. */
bool request_timed_out(const struct request *rq);

/* ---- the answer ---- */

enum { REPLY_HEADERS_MOST = 32, REPLY_MORE_MOST = 6, REPLY_VARY_MOST = 8 };

/* Header lines put together beforehand, each "\r\nName: value", copied as they are. */
struct reply_lines {
    str plain, page; /* of most answers; of those of type text/html */
};

/* What compresses a stream; see render/negotiate.h. */
struct reply_coder {
    void (*begin)(struct request *rq); /* before the head */
    int (*chunk)(struct request *rq);  /* changes reply->body, when coder_state is there */
    const void *config;
};

/* Headers and status are open until the first byte is sent. Either put the whole body in `body`, or
 * stream with reply_begin / reply_write / (end is automatic). Content-Length, Date, Connection,
 * Transfer-Encoding and X-Request-ID are the server's business. */
struct reply {
    int status; /* 200 unless set */
    str type;   /* Content-Type; ptr NULL: none */
    struct header headers[REPLY_HEADERS_MOST];
    size_t header_count;
    const struct reply_lines *lines; /* NULL: none. A header of the same name replaces a line */
    str more[REPLY_MORE_MOST];       /* such lines of this answer; see reply_more */
    unsigned more_count;
    str vary[REPLY_VARY_MOST]; /* of its one line Vary; see reply_vary */
    unsigned vary_count;
    int64_t changed_s; /* Last-Modified of a GET, since 1970; 0: not known */
    struct buf body;   /* bounded by the request's memory limit; from the worker's pool */
    str fixed;         /* instead of body: bytes that outlive the request (literal or arena) */
    bool held;         /* goes out whole at the end: reply_begin and reply_flush only gather */
    bool started;      /* head is on the wire: streaming */
    bool failed;    /* nothing more is sent: the client is gone or too slow, or the handler set it
                       to cut a stream short (the client can tell by the missing end) */
    uint64_t bytes; /* body bytes sent */
    int64_t length; /* of a stream, when that is known: it goes out as it is, with Content-Length,
                       and is cut off when less comes; -1: not known */
    const struct reply_coder *coder; /* NULL: nothing is negotiated */
    void *coder_state;               /* of a stream that is compressed */
    unsigned char format, coding;    /* what the answer becomes: render/negotiate.h */
    bool vary_accept, settled;
    bool documents; /* the rows it shows have no columns but one */
    str form;       /* its media type */
    str language;   /* of the rows it shows, when it is not the default one */
    str vendor;     /* instead of application/json; empty: that */
    str tag_tail;   /* behind the hash of its ETag: "-gz" */
};

/* Appends; texts must live in the request's arena or longer. A value with CR, LF or NUL is a bug of
 * the caller: such bytes are replaced by blanks. Dropped (and logged) past REPLY_HEADERS_MOST. */
void reply_header(struct reply *r, str name, str value);
/* The answer depends on these headers of the request: names with commas between. One line tells
 * them all, each once; reply_header with the name Vary does the same. */
void reply_vary(struct reply *r, str names);
void reply_vary_on(struct reply *r, str name); /* one, without blanks */
/* Appends lines as those of struct reply_lines; the caller vouches for every byte of them. */
void reply_more(struct reply *r, str lines);
/* Streaming: sends the head with Transfer-Encoding: chunked (HTTP/1.0: close-delimited). */
WAITS int reply_begin(struct request *rq, struct err *err);
/* Sends what is in reply->body as a chunk and clears it; waits while the client is slow. */
WAITS int reply_flush(struct request *rq, struct err *err);

/* ---- validators and preconditions (RFC 9110, 8.8 and 13) ---- */

/* A strong entity-tag is a hash of a representation's bytes and its media type, under a key, so
 * that nobody can choose two representations with one tag. */
struct etag_key {
    uint64_t words[4];
};
enum { ETAG_LEN = 13 }; /* with both quotes */
void etag_make(const struct etag_key *key, str type, str body, char out[ETAG_LEN]);
/* Whose a tag is: made by etag_make, or set by a handler. */
enum etag_kind { ETAG_OWN, ETAG_FOREIGN };
/* What a list of entity-tags (or `*`) says of tag, which is quoted or, when nothing is there, of
 * len 0. strong: a weak one fits nothing. */
enum etag_says { ETAG_FITS, ETAG_DIFFERS, ETAG_MALFORMED };
enum etag_says etag_list(str list, str tag, enum etag_kind kind, bool strong);
/* A date in any of the three forms of HTTP, seconds since 1970; false when it is none. */
bool http_date(str text, int64_t *out);

/* A representation as preconditions see it. */
struct validators {
    bool there;
    str etag; /* as sent, or len 0 */
    enum etag_kind kind;
    int64_t changed_s; /* 0: not known */
};
/* Does the request have a precondition at all? */
bool request_conditional(const struct request *rq);
/* Evaluates them in the order of RFC 9110, 13.2.2. 0: go on; 304: a GET has it already. Fails with
 * PRECONDITION; BAD when If-Match or, of a change, If-None-Match is no list of entity-tags. */
int request_condition(const struct request *rq, const struct validators *v, struct err *err);

/* ---- parameters of headers (RFC 9110, 5.6.6) ---- */

size_t token_length(str s); /* of the token that s begins with */
/* Cuts `; name=value` off *rest; value with its quotes. 1, 0 at the end, -1: malformed. */
int param_next(str *rest, str *name, str *value);
/* A value without quotes, \" and \\ undone, and the three escapes that browsers use in forms
 * (WHATWG HTML): %22, %0D, %0A. It is put into room, which may be the value itself, when it had
 * quotes. */
str param_plain(str value, char *room);

/* ---- ranges (RFC 9110, 14) ---- */

struct byte_range {
    uint64_t at, len; /* len > 0, within the representation */
};
enum { RANGES_MOST = 16 };
enum range_says {
    RANGE_WHOLE, /* nothing is asked for, or it is not to be taken seriously: 200 */
    RANGE_SOME,  /* 206 */
    RANGE_NONE,  /* they all lie behind the end: 416 */
};
/* What Range and If-Range of a GET say of a representation of `size` bytes. */
enum range_says request_ranges(const struct request *rq, const struct validators *v, uint64_t size,
                               struct byte_range list[RANGES_MOST], size_t *count);

/* ---- the server: one per worker thread ---- */

struct http_limits {
    uint64_t header_ns, body_ns, idle_ns, write_ns, request_ns; /* times, see config.def */
    size_t max_head, max_target, max_body, request_memory;
    unsigned max_headers;
    unsigned max_connections; /* of this server */
    uint64_t max_keepalive;   /* requests per connection, 0: any number */
};

struct refusal {
    str peer, id; /* id: that of the answer */
    int status;
    const char *why;
};

enum { REFUSAL_ARENA = 262144 };

struct http_hooks {
    /* Answers one request by filling rq->reply. Runs in the request's fiber. What may allocate in
     * the arena runs in a fiber_scope of its own: fiber_end must not end handle itself. */
    WAITS void (*handle)(struct request *rq, void *ctx);
    /* A request whose body has not come yet; headers, method, path and query are there, and an
     * arena of eight times the longest target. More than 0: its handler reads the body piece by
     * piece, at most so many bytes. 0: it gets it whole. May be NULL. May not wait. */
    uint64_t (*pieces)(struct request *rq, void *ctx);
    /* Bytes that are no request were answered with r->status. May not wait. */
    void (*refused)(void *ctx, const struct refusal *r);
    /* Fills rq->reply with the problem of such an answer, in the language that is asked for; called
     * where a whole head was read, which is in rq with an arena of REFUSAL_ARENA. What does not fit
     * is told in English. May be NULL. May not wait. */
    void (*problem)(struct request *rq, const struct refusal *r, void *ctx);
};

struct http_stats {
    uint64_t accepted, requests, refused, bytes_in, bytes_out;
    uint64_t turned_away; /* connections past max_connections */
    unsigned connections, active, idle;
};

struct http_server;

/* On the loop's thread. Limits are copied. */
struct http_server *http_server_new(struct loop *l, const struct http_limits *limits,
                                    const struct http_hooks *hooks, void *ctx);
void http_server_listen(struct http_server *s, int fd); /* takes fd */
/* New limits for what comes from now on; open connections stay. */
void http_server_limits(struct http_server *s, const struct http_limits *limits);
/* Stops accepting, closes idle connections, lets the rest finish; then calls done(arg). */
void http_server_drain(struct http_server *s, defer_fn *done, void *arg);
void http_server_cut(struct http_server *s);   /* ends a drain that takes too long: closes all */
void http_server_free(struct http_server **s); /* after the drain is done */
void http_server_stats(const struct http_server *s, struct http_stats *out);

/* ---- urls ---- */

/* Percent-decodes; plus_blank: + is a blank (query strings). Refuses bad escapes, NUL, bad UTF-8.
 * The answer is in itself when nothing had to be decoded, else in a (arena_new). */
int url_decode(struct arena *a, str in, bool plus_blank, str *out, struct err *err);
void url_encode(struct buf *b, str in); /* all but unreserved characters (RFC 3986 2.3) */
/* A part of request->segments for people: each PATH_SLASH is a slash. The copy lives in a. */
str path_show(struct arena *a, str segments);

#endif
