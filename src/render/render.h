/* render.h -- rows and errors to bytes. SPDX: Apache-2.0 */
#ifndef CAIRN_RENDER_H
#define CAIRN_RENDER_H

#include "http/http.h"
#include "schema/schema.h"

/* One cell as JSON, exactly, by the column's type: int64 digits, numeric as a number literal with
 * all its digits (at the column's scale), boolean, RFC 3339 UTC times, uuid, embedded JSON, base64
 * bytes. */
void render_cell(struct buf *b, const struct column *c, const struct value *v);
/* {"id":1,...} of the first `count` cells. A collection's document, which stands behind the id, is
 * shown as its members. */
void render_row(struct buf *b, const struct column *const *columns, size_t count,
                const struct value *cells);

/* What is the same in every row of one column list: `{"id":`, `,"name":`, ... Made once, then
 * const; lives in the arena it was made in, and borrows the columns. */
struct shape_key {
    str base; /* "/v1/products" */
    const struct column *const *columns;
    const size_t *at; /* their cells */
    size_t count;
};
struct row_shape {
    const struct column *const *columns;
    const str *leads;          /* what stands before each cell; 16 bytes may be read of each */
    const unsigned char *ways; /* how each cell is written: cell.c; NULL: in the slow way */
    size_t count;
    str close; /* what stands behind the last one */
    /* Which cells these are; NULL: each column's own, in order. */
    const struct shape_cell *from;
    const struct shape_key *key; /* the row's, for the addresses of its files; or NULL */
};
struct shape_cell {
    uint32_t at, instead; /* shown is `instead`, when that is null `at` */
};
void row_shape_init(struct row_shape *s, struct arena *a, const struct column *const *columns,
                    size_t count);
/* The same under other names. */
void row_shape_named(struct row_shape *s, struct arena *a, const struct column *const *columns,
                     const str *names, size_t count);
/* Says whose rows these are: files get their address. cells: the columns whose cells are there.
 * base and key live as long as s. */
struct shape_cells {
    const struct column *const *columns;
    size_t count;
};
void row_shape_key(struct row_shape *s, struct arena *a, str base, const struct key *key,
                   const struct shape_cells *cells);
/* The same bytes as render_row; with the addresses of files, when there is a key. */
void render_shape(struct buf *b, const struct row_shape *s, const struct value *cells);
/* The same without the closing brace, for a caller that adds members; gives whether a member is
 * there already (else the brace is, and no comma is due). */
bool render_shape_open(struct buf *b, const struct row_shape *s, const struct value *cells);

/* Fills rq->reply with application/problem+json (RFC 9457) for err: type, title, status, detail,
 * instance, code, error, request_id, errors. status 0: the one of err->code. `error` is err->text
 * up to the first "; ", `detail` is all of it. Server errors (500) say nothing of the cause; that
 * goes to the log. Sets Retry-After on BUSY. Does nothing once the head is on the wire. */
void render_problem(struct request *rq, int status, const struct err *err);

#endif
