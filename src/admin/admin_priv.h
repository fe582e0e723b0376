/* Private to src/admin. SPDX: Apache-2.0 */
#ifndef CAIRN_ADMIN_PRIV_H
#define CAIRN_ADMIN_PRIV_H

#include "admin/admin.h"

/* ---- text.c: JSON, put down piece by piece. Commas come by themselves. ---- */

/* A fragment of JSON, written with ' for ". */
void put(struct buf *b, const char *fragment);
void putf(struct buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3); /* no text from outside */
void put_key(struct buf *b, str name);                            /* "name": */
void put_text(struct buf *b, str text);                           /* a string */
void put_member(struct buf *b, const char *name, str text);       /* both; nothing when empty */
void put_ref(struct buf *b, const char *section, str name, const char *tail);

/* ---- a document that is being made ---- */

struct doc {
    const struct docs_source *source;
    uint64_t roles;
    struct buf *out;
    struct arena *arena;
    const str *names;      /* of a table's schema, "OrderItem"; by place in the model */
    const bool *shown;     /* such callers may do something with it */
    struct map operations; /* operationId -> something, each taken once */
};

/* An endpoint with its path as OpenAPI writes it. */
struct operation {
    const struct endpoint *endpoint;
    str id;                         /* made different from all others */
    str tag, summary, description;  /* description may be empty */
    const struct column *id_column; /* of the path's parameter; NULL: a text */
    bool sign_in;                   /* nobody may call it without a token */
    bool open;                      /* a token plays no part */
};

const struct table *doc__table(const struct doc *d, size_t i); /* NULL: past the end */
str doc__name(const struct doc *d, const struct table *t);
/* The schema of what POST makes below a row of `up`: "CreatePostsOfUser". */
str doc__below(struct doc *d, const struct table *up, const struct relation *r);
bool doc__shown(const struct doc *d, const struct table *t);
bool doc__may(const struct doc *d, const struct table *t, enum action act);
bool doc__includes(const struct doc *d, const struct relation *r);
/* Only those who signed in. */
bool doc__guarded(const struct doc *d, const struct table *t, enum action act);
/* "order_items" to "OrderItems": letters and digits of any text. */
str doc__pascal(struct arena *a, str text);
/* Columns closed to the callers, by index; never NULL. */
const bool *doc__closed(const struct doc *d, const struct table *t, enum action act);
const char *doc__method(struct arena *a, enum method m); /* "get" */
/* Opens an operation up to and into its `parameters`; the caller closes both. */
void doc__operation(struct doc *d, const struct operation *o);
/* "404": {"$ref": ...}, of those that occur in many places. */
void doc__problems(struct doc *d, const char *const *codes, size_t count);
/* "200": an answer of a schema. */
void doc__answer(struct doc *d, int status, const char *what, str schema);
void doc__parameter(struct doc *d, const char *shared);

/* ---- columns.c ---- */

enum column_use { USE_READ, USE_WRITE, USE_REPLACE, USE_PATCH, USE_FORM, USE_PARAMETER };
/* The schema of a value of c, an object. */
void doc__column(struct doc *d, const struct column *c, enum column_use use);
/* A value that fits, always the same. */
void doc__example(struct doc *d, const struct column *c);
/* In whose filters' grammar: "FilterValue", "FilterText", "FilterJson", "FilterTruth". */
const char *doc__filter(const struct column *c);

/* ---- files.c ---- */

bool doc__has_files(const struct table *t);
void doc__file_column(struct doc *d, const struct column *c, enum column_use use);
/* The body as multipart/form-data, of the schema whose name has `Form` behind it; nothing without
 * columns of files. */
void doc__form(struct doc *d, const struct table *t, str schema);
void doc__file(struct doc *d, const struct endpoint *e, const struct resource_about *r);

/* ---- schemas.c, parts.c ---- */

void doc__schemas(struct doc *d); /* of all tables, behind those of every project */
void doc__shared(struct doc *d);  /* schemas of every project */
void doc__components(struct doc *d);
void doc__object_row(struct doc *d, const struct column *const *columns, size_t count);

/* ---- endpoints; false: it is none of theirs, or hidden ---- */

bool doc__resource(struct doc *d, const struct endpoint *e);
bool doc__query(struct doc *d, const struct endpoint *e);
bool doc__account(struct doc *d, const struct endpoint *e);
bool doc__app(struct doc *d, const struct endpoint *e); /* of OAuth */
void doc__account_schemas(struct doc *d);
void doc__plain(struct doc *d, const struct endpoint *e); /* health, handlers in C */
/* What the callers may see of it; *own: it belongs to one of the above. */
bool doc__visible(const struct doc *d, const struct endpoint *e);
endpoint_fn docs__endpoint, docs__page;
endpoint_fn docs__front; /* front.c */

/* ---- other forms ---- */

void docs__yaml(struct buf *b, const struct value *document);
void docs__postman(struct buf *b, const struct value *document);

/* ---- assets.c ---- */

struct asset {
    const char *path;
    str type, bytes;
};
/* What /docs is made of; number 0 is the page itself. */
enum { DOCS__ASSETS = 6 };
void docs__asset(size_t i, struct asset *out);

#endif
