/* Private to src/resource. SPDX: Apache-2.0 */
#ifndef CAIRN_RESOURCE_PRIV_H
#define CAIRN_RESOURCE_PRIV_H

#include "render/negotiate.h"
#include "render/render.h"
#include "resource/resource.h"

/* What all endpoints share; made at start, then const. */
struct resource_set {
    const struct schema *schema;
    struct db *db;
    const struct resource_config *config;
    struct row_shape *shapes; /* of all columns, by position in schema->tables */
    const str *nouns;         /* "product tag", in the same order */
    const str *warnings; /* `_warnings` of whole rows, in the same order; NULL: there are none */
    /* Of a view (view.c): what it is a view of, and of whom. */
    const struct resource_set *base;
    uint64_t roles;
};

/* The data of an endpoint. */
struct resource {
    const struct resource_set *set;
    const struct table *table; /* whose rows are shown */
    /* A sub-resource: along this relation of `up`, whose id is in the path. Else NULL. */
    const struct relation *relation;
    const struct table *up;
    struct relation near; /* REL_THROUGH: from the target to the table between */
    /* GET of one row with all columns: its text is made at start; binds are the key's values. */
    struct stmt one;
    bool one_ready;
    const struct column *file; /* the endpoints of the file in this column; else NULL */
    const struct grant *grant; /* of this request: what the caller may do; NULL: all */
    bool only_new;             /* of this request: a PUT that may only make its row */
};

str resource__noun(const struct resource_set *s, const struct table *t); /* "user" */
/* The singular of a table's name, blanks for underscores; out is NUL-terminated and cut. */
void resource__singular(str name, char *out, size_t room);

/* ---- the endpoints ---- */
endpoint_fn resource__list, resource__create;                                /* of a table */
endpoint_fn resource__one, resource__put, resource__patch, resource__remove; /* of a row */
endpoint_fn resource__related_one;                                           /* REL_ONE */
endpoint_fn resource__batch;                                                 /* of many */

/* ---- ident.c: ids ---- */

/* The values of t's primary key from a path segment. A text that can be no id names no row:
 * fails with NOTFOUND. */
int resource__id(struct request *rq, const struct resource_set *s, const struct table *t,
                 struct value **out, struct err *err);
int resource__missing(struct request *rq, const struct resource_set *s, const struct table *t,
                      struct err *err); /* fails with NOTFOUND: "user not found" */
struct cond *resource__key_cond(struct arena *a, const struct key *k, const struct value *values);
/* PREFIX/T/ID of a row whose key values are given. */
str resource__location(struct request *rq, const struct resource_set *s, const struct table *t,
                       const struct value *id);

/* ---- one.c ---- */

/* Puts the row of sel, with its includes, as an object into the answer. *found: there is one. */
WAITS int resource__show(struct request *rq, const struct resource *r, const struct select *sel,
                         bool *found, struct err *err);

/* ---- related.c: the row that a sub-resource hangs on ---- */

/* The values of relation->local in the parent's row; asks the database unless they are its id.
 * Fails with NOTFOUND. *asked tells whether the row is known to be there. */
WAITS int resource__local(struct request *rq, const struct resource *r, struct value **out,
                          bool *asked, struct err *err);
/* NOTFOUND when the parent of a sub-resource is not there. */
WAITS int resource__parent(struct request *rq, const struct resource *r, struct err *err);
/* The condition on the target's rows. */
struct cond *resource__scope(struct request *rq, const struct resource *r,
                             const struct value *local);

/* ---- run.c: statements, counted; and what a handler reads of the request ---- */

/* All statements of resources go through these three: within rq->tx when there is one, else each
 * by itself. */
struct row_taker {
    db_row_fn *fn;
    void *ctx;
};
/* As db_query. In a transaction fn may not pause. */
WAITS int resource__query(struct request *rq, const struct resource_set *s, const struct stmt *st,
                          const struct row_taker *to, struct db_cursor **cursor, struct err *err);
WAITS int resource__rows(struct request *rq, const struct resource_set *s, const struct stmt *st,
                         size_t most, struct rows *out, struct err *err);
/* Several that do not depend on each other. */
WAITS int resource__rows_each(struct request *rq, const struct resource_set *s,
                              struct db_read *list, size_t count, struct err *err);
WAITS int resource__select(struct request *rq, const struct resource_set *s,
                           const struct select *sel, size_t most, struct rows *out,
                           struct err *err);
WAITS int resource__write(struct request *rq, const struct resource_set *s, struct db_write *list,
                          size_t count, size_t *failed, struct err *err);
int resource__params(struct request *rq, const struct query_param **list, size_t *count,
                     struct err *err);
int resource__no_params(struct request *rq, struct err *err);
/* fields and include of a request for one row of t. */
int resource__shown(struct request *rq, const struct resource *r, struct select *out,
                    struct err *err);

/* ---- keys.c: distinct tuples of values ---- */
struct keyset {
    size_t width, count;
    const struct value **list; /* in the order first seen */
    uint32_t *slots;           /* position in list plus one; 0: free */
    size_t cap;
};
/* Room for `most` tuples. */
void keyset_init(struct keyset *k, struct arena *a, size_t width, size_t most);
/* The position of the tuple; adds it (borrowed) when it is new. STR_NONE for one with a null. */
size_t keyset_add(struct keyset *k, const struct value *tuple);
size_t keyset_find(const struct keyset *k, const struct value *tuple); /* or STR_NONE */
/* All tuples as sql_include wants them. */
struct value keyset_value(const struct keyset *k, struct arena *a);

/* ---- include.c: rows with what hangs on them ---- */

struct branch;

/* Rows of one select, and per include of it what was fetched for all of them at once. */
struct level {
    const struct select *select;
    struct rows rows;
    const struct row_shape *shape; /* of the shown columns */
    struct branch *branches;
};
/* Fetches the includes of level->rows, one statement per relation. Fails with TOOBIG past
 * config->include_rows. */
WAITS int resource__grow(struct request *rq, const struct resource_set *s, struct level *level,
                         struct err *err);
void resource__put_row(struct buf *b, const struct level *level, size_t row);
/* The shape of a select's shown columns: the table's own when they are all. */
const struct row_shape *resource__shape(struct arena *a, const struct resource_set *s,
                                        const struct select *sel);
/* ---- language.c: rows in the client's language ---- */

/* Chooses the language of a read by Accept-Language, makes the plan fetch what that takes, and says
 * Content-Language and Vary. Nothing where no table of the plan has languages. */
void resource__speak(struct request *rq, const struct resource_set *s, struct select *sel);
/* Of a plan with a tongue. */
const struct row_shape *resource__spoken_shape(struct arena *a, const struct resource_set *s,
                                               const struct select *sel);
/* The whole row in the language that If-Match or If-None-Match name in their tags. */
const struct row_shape *resource__tagged_shape(struct request *rq, const struct resource *r);

/* Of groups: members of related rows stand inside objects. */
const struct row_shape *resource__summary_shape(struct arena *a, const struct summary *sum);
/* Where the column is among those a select fetches; it must be one of them. */
size_t resource__position(const struct select *sel, const struct column *c);
/* Fails with TOOBIG: the answer does not fit the request's memory. */
int resource__full(struct err *err);

/* ---- body.c: a JSON body to columns ---- */

enum body_kind { BODY_CREATE, BODY_REPLACE, BODY_PATCH };

/* Columns whose values the path gives: a body may repeat them, never differ. */
struct fixed {
    const struct key *key; /* NULL: none */
    const struct value *values;
    const struct grant *grant; /* columns that rules set or close; NULL: none */
};

struct body_row {
    struct value *cells; /* by column->index */
    bool *given;
    bool *added; /* the cell is added to what the column holds; of a file not given: it stays */
};

struct body {
    struct body_row *rows;
    size_t count;
    bool array; /* an array was sent */
};

WAITS int resource__body(struct request *rq, const struct resource *r, enum body_kind kind,
                         const struct fixed *fixed, struct body *out, struct err *err);
/* What endpoints take (body_read, form.c), for OPTIONS. */
#define ROW_TYPES                                                                                  \
    "application/json, application/x-www-form-urlencoded, multipart/form-data, application/xml, "  \
    "text/xml"
#define PATCH_TYPES "application/merge-patch+json, application/json-patch+json, " ROW_TYPES
/* The body as a value, of a media type that kind takes. */
WAITS int resource__json(struct request *rq, enum body_kind kind, struct value *out,
                         struct err *err);
/* The pure half: json is the parsed body. */
int resource__take(struct arena *a, const struct table *t, const struct value *json,
                   enum body_kind kind, const struct fixed *fixed, struct body *out,
                   struct err *err);
/* A JSON Pointer: "/email", with a row "/3/email", without a field (ptr NULL) "/3". */
str resource__pointer(struct arena *a, size_t row, str field);
#define ROW_NONE SIZE_MAX

/* made.c: does t show the column, perhaps inside another field? */
bool resource__told(const struct table *t, size_t column);
/* What a version of the API gives fields that row does not tell; to hidden ones, too. */
void resource__fill(const struct table *t, bool hidden, struct body_row *row);

/* ---- change.c, patch.c ---- */

/* Writes what body says into the row; *out is the row as it is then, empty when there is none. */
WAITS int resource__change_row(struct request *rq, const struct resource *r, bool replace,
                               const struct fixed *key, const struct body *body, struct rows *out,
                               struct err *err);

/* What a PATCH says depends on what is there: PLAIN does not. */
enum patch_form { PATCH_PLAIN, PATCH_MERGE, PATCH_OPERATIONS };
struct patch_body {
    enum patch_form form;
    const struct value *json;
};
enum patch_form resource__patch_form(struct request *rq, const struct resource *r,
                                     const struct value *json);
/* Reads the row, changes it, writes it back, in one transaction, and answers. */
WAITS int resource__patch_row(struct request *rq, const struct resource *r, const struct fixed *key,
                              const struct patch_body *patch, struct err *err);

/* put.c: PUT of a row that is not there: makes it where that is allowed. Fails with NOTFOUND where
 * it is not. */
WAITS int resource__put_new(struct request *rq, const struct resource *r, const struct fixed *key,
                            const struct body *body, struct err *err);

/* ---- tag.c: what is told of a row's state ---- */

/* The ETag of a body of application/json; in rq's arena. */
str resource__etag(struct request *rq, const struct resource *r, str body);
int64_t resource__time(const struct column *c, const struct value *cell); /* seconds, or 0 */
/* When t's row was changed last, in seconds since 1970; 0: not known, or not for this caller. */
int64_t resource__changed(const struct table *t, const struct value *cells);
/* ETag and Last-Modified of the row that the answer's body shows. */
void resource__tag(struct request *rq, const struct resource *r, const struct value *cells);

/* ---- create.c ---- */

/* Makes the one row of body and answers with it, 201; *out is the row. */
WAITS int resource__make(struct request *rq, const struct resource *r, const struct body *body,
                         struct rows *out, struct err *err);

/* Answers with a row that was written: all columns. */
void resource__shown_row(struct request *rq, const struct resource *r, const struct value *cells);

/* ---- violations.c: what the database refused ---- */

/* Puts words to a failed write, whose words are in err. row: the position of the row at fault in
 * the body. Gives err's code. */
WAITS int resource__refused(struct request *rq, const struct resource *r, const struct body *body,
                            size_t row, struct err *err);
/* Does the body add to a column ({"$inc": 5})? Then a sum may not fit: INVALID. */
bool resource__adds(const struct resource *r, const struct body *body);
int resource__overflow(struct request *rq, const struct resource *r, const struct body *body,
                       struct err *err);
WAITS int resource__kept(struct request *rq, const struct resource *r, const struct value *id,
                         struct err *err); /* a DELETE that other rows forbid */

/* ---- warnings.c: `_warnings` ---- */

/* What whole rows say, by position in s->tables, in a; NULL: nothing. */
const str *resource__warnings(struct arena *a, const struct schema *s);
/* The member for what sel shows, with a comma in front, or nothing; and for a whole row of t. */
str resource__warned(struct arena *a, const struct resource_set *s, const struct select *sel);
str resource__warned_row(const struct resource_set *s, const struct table *t);
void resource__warn(struct buf *b, str warned); /* into the object that b ends with */

/* ---- page.c ---- */

struct page {
    int64_t total;  /* -1: not known */
    bool estimated; /* that number may be wrong */
    size_t rows;
    bool more;      /* rows follow */
    bool open;      /* the rows are still coming */
    str next, prev; /* cursors; ptr NULL: none */
};
/* estimate.c: about how many rows sel has, as the engine's statistics say; -1: it keeps none, or
 * they are few enough to be counted. */
WAITS int resource__estimate(struct request *rq, const struct resource_set *s,
                             const struct select *sel, int64_t *out, struct err *err);
void resource__links(struct request *rq, const struct resource_set *s, const struct list_query *q,
                     const struct page *p);
void resource__tail(struct buf *b, const struct list_query *q, const struct page *p);

/* ---- files ---- */

/* file.c: the file in a column. */
endpoint_fn resource__file_get, resource__bytes_get, resource__file_put, resource__file_remove;
/* Says in a shape where the files of t's rows are. */
void resource__file_places(struct row_shape *shape, struct arena *a, const struct resource_set *s,
                           const struct table *t, const struct shape_cells *cells);
/* Its tag in cells, len 0 when there is none; in rq's arena. */
str resource__file_tag(struct request *rq, const struct resource *r, const struct value *cells);
/* file_send.c: answers with it, whole or in parts. Fails with NOTFOUND, RANGE, PRECONDITION. */
/* The same with the bytes of r->file, a column of them. Borrows bytes until it ends. */
WAITS int resource__bytes_send(struct request *rq, const struct resource *r, str bytes,
                               struct err *err);
WAITS int resource__file_send(struct request *rq, const struct resource *r,
                              const struct file_value *f, struct err *err);

/* form.c: bodies of multipart/form-data, and of one file. As struct endpoint has them. */
uint64_t resource__form_pieces(const struct request *rq, const void *data);
uint64_t resource__file_pieces(const struct request *rq, const void *data);
endpoint_fn resource__form_receive, resource__file_receive;
/* The body of the request is v, of another form than JSON. */
void resource__formed(struct request *rq, const struct value *v);

#endif
