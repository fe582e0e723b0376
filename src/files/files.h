/* files.h -- files that belong to rows: taken in, kept, handed out. SPDX: Apache-2.0
 * A file is known by a random id. Its bytes never change; another upload is another file. Which
 * rows point to it is kept by triggers (sql/file.c) in the table cairn_files, within the row's own
 * transaction; what nobody points to is swept away after a while. */
#ifndef CAIRN_FILES_H
#define CAIRN_FILES_H

#include "client/client.h"
#include "data/data.h"
#include "db/db.h"
#include "fiber/fiber.h"
#include "http/http.h"

#include <stdatomic.h>

/* ---- multipart/form-data (RFC 7578), piece by piece ---- */

enum { MULTIPART_BOUNDARY_MOST = 70, MULTIPART_HEAD_MOST = 4096, MULTIPART_LINES_MOST = 16 };

struct multipart_part {
    str name;                        /* of the field */
    str filename;                    /* as sent; ptr NULL: none, the part is a text */
    str type;                        /* its Content-Type; ptr NULL: none */
    str content_digest, repr_digest; /* ptr NULL: none */
};

enum multipart_event {
    MULTIPART_MORE, /* all is taken in: bring more */
    MULTIPART_PART, /* a part begins: m->part, valid until its end */
    MULTIPART_DATA, /* some of its bytes: m->data */
    MULTIPART_LAST, /* the part is over */
};

/* The same events and bytes come out however the body was cut into pieces. */
struct multipart {
    enum { FORM_START, FORM_DELIMITER, FORM_HEAD, FORM_DATA, FORM_EPILOGUE } state;
    char delimiter[MULTIPART_BOUNDARY_MOST + 5]; /* CRLF -- boundary */
    size_t delimiter_len;
    size_t matched; /* of the delimiter; behind it, bytes of what follows */
    char tail;      /* the first byte behind a delimiter */
    char head[MULTIPART_HEAD_MOST];
    size_t head_len;
    struct multipart_part part;
    str data;
};

bool multipart_is(str content_type); /* multipart/form-data, whatever its parameters */
/* Fails with BAD: no boundary, or none of RFC 2046. */
int multipart_init(struct multipart *m, str content_type, struct err *err);
/* Takes from the front of *in as far as the next event. Fails with BAD; TOOBIG: a part's head. */
int multipart_next(struct multipart *m, str *in, enum multipart_event *event, struct err *err);
/* The body is over: was the form, too? */
int multipart_done(const struct multipart *m, struct err *err);

/* ---- what a file is ---- */

/* The media type that the first bytes show; a literal. application/octet-stream: they show none. */
enum { SNIFF_MOST = 1024 };
str sniff_type(str bytes);
/* Whether bytes that show `found` may be of the type that a client declared. */
bool sniff_agrees(str declared, str found);
/* "image/png; x=y" to "image/png", in lower case. False: it is no media type. */
bool media_clean(struct arena *a, str type, str *out);
/* Does one of the patterns ("image/png", "image/" and a star) fit? */
bool media_allowed(const str *patterns, size_t count, str type);
bool media_pattern(str pattern); /* is it one? */
/* May a browser show it where it is? What could run as a page or script may not. */
bool media_harmless(str type);

/* A name without path, control characters and what file systems refuse; "file" if nothing is left.
 * In a. */
enum { FILE_NAME_MOST = 200 };
str file_name_clean(struct arena *a, str sent);
/* Content-Disposition (RFC 6266) for that name. In a. */
str file_disposition(struct arena *a, bool shown, str name);

/* Digests of RFC 9530 that a client sent, and that are computed: bits of algorithms. */
enum { DIGEST_SHA256 = 1, DIGEST_SHA512 = 2 };
struct digests {
    unsigned has;
    uint8_t sha256[32], sha512[64];
};
/* Fails with BAD: no dictionary of byte sequences, or of another length. */
int digests_parse(str header, struct digests *out, struct err *err);

struct digester;
/* On the heap; kinds: bits. Fails with INTERNAL: libcrypto is missing. */
int digester_new(unsigned kinds, struct digester **out, struct err *err);
void digester_add(struct digester *d, str bytes);
void digester_done(struct digester *d, struct digests *out);
void digester_free(struct digester **d);
/* Fails with BAD, word digest_mismatch: want has one that is not the same in got. */
int digests_check(const struct digests *want, const struct digests *got, const char *header,
                  struct err *err);

/* ---- where they are kept ---- */

/* An S3-compatible store. */
struct files_s3 {
    str base; /* where objects are, with all in front of the id: "https://s3.example.com/bucket/x/";
                 empty: files are kept in a directory */
    str region, key, secret;
    str token; /* of temporary credentials, or empty */
    uint64_t timeout_ms;
};

struct files_config {
    str dir; /* of the local store, and of what is being taken in */
    struct db *db;
    int64_t pending_s;            /* an upload lasts no longer */
    int64_t kept_s;               /* a file that no row points to any more stays for so long */
    unsigned at_once;             /* uploads of this process */
    const _Atomic bool *draining; /* the sweep ends early */
    struct files_s3 s3;
    struct client *client; /* with s3 */
};

struct files;
/* Copies texts. Makes no directory before the first upload. */
struct files *files_new(const struct files_config *c);
void files_free(struct files **f);
/* Any thread: requests to the store that begin from now on are signed with these. Copies texts. */
void files_sign_with(struct files *f, const struct files_s3 *s3);

/* One that is being taken in. Lives in the arena; what it holds of the system ends with the
 * fiber's scope. */
struct upload {
    struct upload *next; /* of the same request */
    struct files *files;
    struct arena *arena;
    char id[33];
    int fd;
    struct buf buf; /* bytes that are not written yet */
    uint64_t size;
    struct digester *digester;
    char start[SNIFF_MOST];
    size_t start_len;
    str name, type;
    char sha256[65]; /* once upload_digest was asked */
    bool used;       /* it became the value of a column */
    bool replaces;   /* PUT: there was one before */
};

/* Begins one; rq->uploads has it from then on. kinds: digests to compute, beside sha-256. Fails
 * with BUSY (too many at once; the database), DB, IO. */
WAITS int upload_begin(struct files *f, struct request *rq, unsigned kinds, struct upload **out,
                       struct err *err);
WAITS int upload_write(struct upload *u, str bytes, struct err *err);
/* All its bytes were written: what they make. Once. */
void upload_digest(struct upload *u, struct digests *got);
/* Hands it to the store; then it will be there after a crash. Fails with IO, BUSY (no room, or the
 * store is away). */
WAITS int upload_end(struct upload *u, struct err *err);
/* When the request is over: takes away those that became no part of a row. failed: nothing of it
 * was committed as far as is known. */
WAITS void uploads_settle(struct request *rq, bool failed);

/* As a member of a body that was made of a form, and back; NULL: v is none. No JSON can be taken
 * for one. */
struct value upload_value(struct arena *a, struct upload *u);
struct upload *upload_given(const struct value *v);
/* As its column holds it (data/data.h). In a. */
str upload_text(struct arena *a, const struct upload *u);

/* One that is read. */
struct file_which {
    str id;
    uint64_t size;
};
struct file_reader;
/* Ends with the fiber's scope; lives in a. Fails with NOTFOUND, BUSY, IO. */
WAITS int file_open(struct files *f, struct arena *a, const struct file_which *which,
                    struct file_reader **out, struct err *err);
/* What lies behind `end` will not be read next: it need not be fetched. */
void file_until(struct file_reader *r, uint64_t end);
/* len bytes from `at` on, all of them, appended to b. Fails with IO, BUSY. */
WAITS int file_read(struct file_reader *r, uint64_t at, size_t len, struct buf *b, struct err *err);

/* Takes away what nobody points to. Fails with DB, BUSY, IO. */
WAITS int files_sweep(struct files *f, struct arena *a, struct err *err);

/* ---- without fibers ---- */

/* Copies what is kept in directory `from` into `to` (made when missing) as far as it is not there;
 * nothing when there is no `from`. Blocks. Fails with IO. */
int files_copy(const char *from, const char *to, uint64_t *count, struct err *err);

#endif
