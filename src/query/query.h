/* query.h -- named queries: the project's queries/FILE.sql, served at PREFIX/q/NAME and callable
 * from handlers. SPDX: Apache-2.0 */
#ifndef CAIRN_QUERY_H
#define CAIRN_QUERY_H

#include "db/db.h"
#include "policy/access.h"
#include "route/route.h"
#include "schema/schema.h"

struct query;
struct query_set;

struct query_config {
    str dir; /* where the files lie, NUL-terminated */
    enum dialect dialect;
    size_t rows_most; /* of one answer; the rest is cut off, and the answer says so */
};

/* Reads, parses and translates the .sql files of c->dir, in the order of their names; without that
 * directory there are no queries. Copies what it keeps of s. Blocks on files and needs the stack of
 * a thread: never in a fiber. Gives: query_free. Fails with CONFIG (FILE:LINE:COLUMN: what, and
 * what was meant), IO. */
int query_load(const struct query_config *c, const struct schema *s, struct query_set **out,
               struct err *err);
void query_free(struct query_set **set); /* *set may be NULL */

/* Runs one statement; rows live in a. */
typedef int query_ask(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                      struct err *err);
/* Lets the database check every query without running it, and take from it the names of their
 * columns. Before the set is used. Waits when ask does. Fails with CONFIG. */
int query_verify(struct query_set *set, query_ask *ask, void *ctx, struct err *err);

/* Adds METHOD PREFIX/q/NAME of every query and prefix. Borrows set and db, which live as long as r.
 */
int query_routes(struct router *r, struct query_set *set, struct db *db, const str *prefixes,
                 size_t count, struct err *err);
/* The roles that a request's caller can have, as its world has them; NULL: nobody signs in. */
typedef const struct access *query_access_fn(const struct request *rq);

/* strict: a query without a roles line is for nobody. Before the set is used. */
void query_guard(struct query_set *set, query_access_fn *of, bool strict);
size_t query_count(const struct query_set *set);
/* Queries without a roles line: anybody may call them. */
size_t query_unguarded(const struct query_set *set);

/* ---- for documents ---- */

enum query_answer { QUERY_ANSWERS_ROWS, QUERY_ANSWERS_ONE, QUERY_ANSWERS_CHANGES };

struct query_param_about {
    str name;
    const struct column *column; /* what a value is held to */
    bool list, required;
    const struct value *preset; /* NULL: none, or null */
};
struct query_about {
    str name, description;
    enum query_answer answer;
    bool open; /* anybody may call it */
    bool cached, writes;
    const struct query_param_about *params;
    size_t param_count;
    const struct column *const *columns; /* of a row of the answer */
    size_t column_count;
};
/* What an endpoint of query_routes takes and answers; in a. False: e is none of them. */
bool query_about(const struct endpoint *e, struct arena *a, struct query_about *out);
/* May callers with those roles call it? e is an endpoint of query_routes. */
bool query_may(const struct endpoint *e, const struct access *x, uint64_t roles);

/* ---- for handlers ---- */

/* Fails with INTERNAL: there is no such query (the nearest name is told). */
int query_find(const struct query_set *set, str name, const struct query **out, struct err *err);
/* The statement for parameters given by name, as of a JSON body: checked, defaults filled in. Lives
 * in the request's arena; a query marked `-- rules: read` sees what its caller may. Fails with
 * INVALID, the faults in err->items; SIGNIN; DENIED. */
int query_statement(const struct query *q, struct request *rq, const struct member *given,
                    size_t count, struct stmt *out, struct err *err);
bool query_writes(const struct query *q);
/* Turns the cells as the engine tells them into what an answer shows: booleans, times, JSON; an
 * exact decimal becomes V_NUM. */
void query_show(const struct query *q, struct arena *a, struct rows *rows);

#endif
