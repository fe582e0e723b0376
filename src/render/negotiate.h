/* negotiate.h -- which form of an answer a client gets, and the forms of bodies. SPDX: Apache-2.0
 * RFC 9110, 12: weights and specificity. Handlers write JSON as they are; what the client gets
 * instead is made of it behind them, once for all endpoints. */
#ifndef CAIRN_NEGOTIATE_H
#define CAIRN_NEGOTIATE_H

#include "data/data.h"
#include "http/http.h"

/* ---- lists with weights ---- */

struct weighted {
    str name, params; /* "text/html"; what stands behind it but the weight: "level=1" */
    unsigned q;       /* thousandths */
};
enum { WEIGHT_ALL = 1000 };
/* Cuts the next element off *rest. False at the end, or with *bad set when this is no such list. */
bool weighted_next(str *rest, struct weighted *out, bool *bad);

/* ---- codings (RFC 9110, 8.4): gzip, br (RFC 7932), zstd (RFC 8878) ---- */

enum coding { CODING_NONE, CODING_GZIP, CODING_BR, CODING_ZSTD, CODING__COUNT };
enum coding coding_of(str name); /* CODING__COUNT: none of them; "" and identity are NONE */
str coding_name(enum coding c);

struct coding_config {
    enum coding order[CODING__COUNT]; /* what is on offer, the best first */
    size_t count;
    size_t least; /* shorter answers go out as they are */
    int level[CODING__COUNT];
    const str *types; /* media types that shrink; one star each at most */
    size_t type_count;
    size_t max_body, ratio; /* of bodies that come in: decoded bytes, and for each sent byte */
};

struct coding_choice {
    enum coding coding;
    bool plain; /* the body may go out as it is */
};
/* The coding of most weight; among equals the first on offer. header: Accept-Encoding, ptr NULL:
 * none. */
struct coding_choice coding_choose(const struct coding_config *c, str header);
bool coding_shrinks(const struct coding_config *c, str type);

struct coder;
/* In the heap; NULL when the library has no memory, or is not here. hint: bytes in all, 0: not
 * known. */
struct coder *coder_new(enum coding coding, int level, size_t hint);
bool coder_there(enum coding coding); /* its library is, too */
void coder_free(struct coder **c);
enum coder_end { CODER_GO, CODER_FLUSH, CODER_END };
/* Appends to out what comes of in. False when out is full, or the library fails. */
bool coder_run(struct coder *c, str in, struct buf *out, enum coder_end end);

/* The body of rq without its Content-Encoding, for request_body. Fails with MEDIA (a coding nobody
 * knows; sets Accept-Encoding), BAD, TOOBIG. */
WAITS int body_decode(struct request *rq, const struct coding_config *c, struct err *err);
/* One coding undone: at most `most` bytes. Fails with BAD, TOOBIG, BUSY (no library for it). */
int coding_undo(enum coding coding, str in, struct buf *out, size_t most, struct err *err);

/* ---- forms of answers ---- */

enum format { FORMAT_JSON, FORMAT_NDJSON, FORMAT_CSV, FORMAT_MSGPACK, FORMAT_XML, FORMAT__COUNT };

struct format_choice {
    enum format format;
    str type; /* media type, as it was asked for */
};
/* By Accept (ptr NULL: all is welcome). False: nothing fits. */
bool format_choose(str header, struct format_choice *out);
extern const char format_offers[]; /* for people: what can be asked for */

void format_ndjson(struct buf *b, const struct value *v);
void format_csv(struct buf *b, struct arena *a, const struct value *v);
void format_msgpack(struct buf *b, const struct value *v);
/* documents: v is of a collection, where no column tells a member's type. */
/* Fails with TOOBIG, BUSY (no libxml2 here). */
int format_xml(struct buf *b, const struct value *v, bool problem, bool documents, struct err *err);
int format_too_big(struct err *err); /* fails with TOOBIG: the answer is larger than its bound */

/* ---- forms of bodies ---- */

/* The reverse of format_xml: a row, or the rows of a <list>. Its texts are loose, but where an
 * attribute tells their type. Fails with BAD (malformed_xml: also a DOCTYPE, attributes, text
 * between elements), MEDIA (another encoding), TOOBIG. */
int xml_read(struct arena *a, str text, const struct json_limits *limits, struct value *out,
             struct err *err);
/* application/x-www-form-urlencoded. Fails with BAD (malformed_form), TOOBIG. */
int form_read(struct arena *a, str text, struct value *out, struct err *err);

/* What an endpoint takes. */
enum {
    TAKES_JSON = 1,    /* application/json */
    TAKES_KINDS = 2,   /* kinds of JSON of the client's own: application/...+json */
    TAKES_PATCHES = 4, /* merge patches and JSON Patch */
    TAKES_FORM = 8,
    TAKES_XML = 16,
    TAKES_MULTIPART = 32, /* only told: what reads it does so before (route/, receive) */
    TAKES_FIELDS = TAKES_JSON | TAKES_FORM | TAKES_XML,
};
/* The media types of TAKES_FIELDS, for OPTIONS. */
#define FIELD_TYPES "application/json, application/x-www-form-urlencoded, application/xml, text/xml"
/* The body by its Content-Type, or what a batch gave (rq->given). Fails with MEDIA (says in Accept,
 * and in Accept-Post or Accept-Patch, what is taken), BAD (also: an empty body), TOOBIG, and as
 * request_body. */
WAITS int body_read(struct request *rq, unsigned takes, const struct json_limits *limits,
                    struct value *out, struct err *err);
/* The media types, for Accept and for people. */
str body_offers(struct arena *a, unsigned takes);

/* ---- an answer's way ---- */

/* How streams are compressed; c is borrowed. */
void negotiate_streams(struct reply_coder *out, const struct coding_config *c);
/* Before the handler: what the client wants. strict: the endpoint writes JSON. Fails (when strict)
 * with ACCEPT: nothing that can be had fits. */
int negotiate_begin(const struct reply_coder *coder, struct request *rq, bool strict,
                    struct err *err);
/* Behind the handler: says in Vary and in the ETag's tail what the answer will be. */
void negotiate_settle(struct request *rq);
/* At the end: makes it so. Fails with TOOBIG. */
WAITS int negotiate_finish(struct request *rq, struct err *err);

#endif
