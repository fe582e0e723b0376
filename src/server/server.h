/* server.h -- what the command line asks of the server besides cairn.h. SPDX: Apache-2.0
 * All calls block; no fibers. */
#ifndef CAIRN_SERVER_H
#define CAIRN_SERVER_H

#include "admin/admin.h"
#include "db/db.h"
#include "route/route.h"
#include "schema/schema.h"
#include "server/config.h"

/* The model of the database that a is connected to, with the wishes of config. Gives: schema_free.
 * Fails with CONFIG (see schema_build), DB. */
int model_read(struct db_admin *a, const struct config *config, struct schema **out,
               struct err *err);
/* The model that the project's migrations make, all of them, on an empty database in a temporary
 * directory (PostgreSQL: one of its own on the same server, gone afterwards); the project's own
 * database is not touched. Fails also with what is wrong in them, and in the named queries. */
int model_dry_run(const struct config *config, struct schema **out, struct err *err);

struct world;

/* Every route of the project as `cairn serve` would have them, without serving: from its database
 * or, when there is none yet, from its migrations. Gives: world_put. */
int world_preview(struct config *config, struct world **out, struct err *err);
/* The same from its migrations, whatever there is of a database. */
int world_of_files(struct config *config, struct world **out, struct err *err);
const struct router *world_router(const struct world *w);
const struct schema *world_schema(const struct world *w);
/* The document of the API for callers with those roles (none: of everything), in that version
 * (empty: that of requests that name none). Fails with CONFIG (there is no such role or version),
 * TOOBIG. */
int world_document(const struct world *w, str version, const str *roles, size_t count,
                   enum docs_form form, struct buf *out, struct err *err);
void world_put(struct world **w); /* ends it when nobody else holds it */

/* ---- what a request asks of the database (`cairn explain`) ---- */

struct explain_wish {
    str request; /* the bytes of one HTTP/1.1 request with `Connection: close` */
    bool run;    /* run writes too, and take them back */
};

struct explained {
    int status; /* of the answer */
    str answer; /* all of it, head and body */
    const struct db_probed *list;
    size_t count;
    struct world *world; /* ends with it */
    struct db *db;
    struct arena arena;
};

/* Runs the request through the whole pipeline, on the project's database, in a transaction that is
 * taken back. Takes config. Gives *out also when it fails: explain_end. */
int explain_request(struct config *config, const struct explain_wish *wish, struct explained *out,
                    struct err *err);
void explain_end(struct explained *e);

/* The sockets in the data directory that running servers, or killed ones, have for `cairn tail`. */
typedef void tail_found(void *ctx, const char *path);
void tail_sockets(const struct config *c, tail_found *fn, void *ctx);
int tail_dial(const char *path); /* a descriptor, or a negative errno */

#endif
