/* resource.h -- the REST endpoints of tables. SPDX: Apache-2.0 */
#ifndef CAIRN_RESOURCE_H
#define CAIRN_RESOURCE_H

#include "db/db.h"
#include "files/files.h"
#include "policy/access.h"
#include "route/route.h"
#include "schema/schema.h"
#include "sql/sql.h"

/* The model as callers see it, for each combination of roles that rules tell apart; zeroed it is
 * empty. Found by a hash of the roles. So many and so much at most: who comes with yet another
 * combination gets a view for the request alone. */
struct view;
enum { VIEWS_MOST = 256, VIEWS_SLOTS = 512, VIEWS_MEMORY = 64 << 20 };
struct resource_views {
    _Atomic(struct view *) slots[VIEWS_SLOTS];
    _Atomic unsigned count;
    _Atomic size_t bytes;
};
void resource_views_free(struct resource_views *v); /* when no request is left */

struct resource_config {
    str prefix;     /* "/v1", or empty */
    str language;   /* of rows as they are: "en" */
    str public_url; /* "https://api.example.com" for absolute links; empty: relative ones */
    str cursor_secret;
    str cursor_former; /* good until cursor_until, of clock_ns; empty: none */
    uint64_t cursor_until;
    const struct etag_key *etag_key;
    bool etag;                    /* answers of changes tell the row's */
    const struct access *access;  /* NULL: everything is open */
    struct resource_views *views; /* with access: */
    enum dialect dialect;
    struct sql_limits limits;
    int64_t max_bulk;     /* rows of one POST */
    int64_t include_rows; /* rows of one answer with includes, in all */
    /* Files: where they are kept (NULL: in a preview), and what one request may bring. */
    struct files *files;
    uint64_t upload_ms;
    size_t upload_fields, upload_parts;
    /* Transactions. Allowed: a bit, 1 << level, for each isolation a batch may ask for. */
    int64_t batch_operations; /* of one batch; 0: no batches */
    unsigned isolation_allowed;
};

/* What an endpoint of resource_routes does, for documents. */
enum resource_does {
    RESOURCE_LIST,
    RESOURCE_CREATE,
    RESOURCE_READ,
    RESOURCE_REPLACE,
    RESOURCE_CHANGE,
    RESOURCE_REMOVE,
    RESOURCE_RELATED, /* the one row that a relation leads to */
    RESOURCE_FILE,    /* GET, PUT, DELETE of the file in a column; GET of a column of bytes */
    RESOURCE_BATCH,
};
struct resource_about {
    enum resource_does does;
    const struct table *table;       /* whose rows they are; NULL: of a batch */
    const struct table *up;          /* below a row of this table */
    const struct relation *relation; /* with up */
    const struct column *file;       /* of RESOURCE_FILE */
};
/* False: e is none of them. */
bool resource_about(const struct endpoint *e, struct resource_about *out);
/* The singular of a table's name, blanks for underscores: "product tag". In a. */
str resource_noun(struct arena *a, const struct table *t);

/* Adds the endpoints of every exposed table of s, and of the relations between such tables:
 *   GET POST               PREFIX/T              (a view: GET)
 *   GET PUT PATCH DELETE   PREFIX/T/:id          (with a primary key; 3,7 when it is composite)
 *   GET [POST]             PREFIX/T/:id/RELATION (POST: rows that hold the foreign key)
 *   GET PUT DELETE         PREFIX/T/:id/COLUMN   (a column of files)
 * and POST PREFIX/batch, which runs several of them in one transaction.
 * Borrows s, db and c, which live as long as r. What the endpoints need lives in a.
 * Any thread, no fiber. Fails with CONFIG (a table whose name cannot be a path), CONFLICT. */
int resource_routes(struct router *r, const struct schema *s, struct db *db,
                    const struct resource_config *c, struct arena *a, struct err *err);

#endif
