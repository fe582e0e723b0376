/* Private to src/resource: access rules, where requests meet them. SPDX: Apache-2.0 */
#ifndef CAIRN_RESOURCE_GUARD_H
#define CAIRN_RESOURCE_GUARD_H

#include "resource/resource_priv.h"

/* r as this caller sees it: the tables without the columns that are closed to it, and what it may
 * do with their rows in (*out)->grant (NULL: all). Fails with SIGNIN or DENIED. */
int resource__as(struct request *rq, const struct resource *r, enum action act,
                 struct resource *copy, const struct resource **out, struct err *err);
/* The same for reading a row by its id, as fast as that can be: *st is the statement, whose first
 * values are for the id. False: nothing is known, ask resource__as. */
bool resource__as_ready(struct request *rq, const struct resource *r, struct resource *copy,
                        struct stmt *st, struct value **binds);

/* ---- ready.c ---- */

/* The statement of a row of t by its id; all its values are the key's when it is *ready. */
int resource__prepare(struct arena *a, enum dialect d, const struct table *t, struct stmt *out,
                      bool *ready, struct err *err);
/* The same for the roles of a view. t: of the view. False: it depends on more than values. */
struct ready {
    struct stmt st;
    struct access_shape shape;
    size_t *places; /* by hole: which value of st */
};
bool resource__prepare_ruled(struct arena *a, const struct resource_set *view,
                             const struct table *t, struct ready *out);
/* Its values but for the id, which come first. False: the caller does not have them all. */
bool resource__fill_ready(struct arena *a, const struct resource_set *view, const struct ready *r,
                          const struct asking *q, struct value **out);

/* Says that it may not: word sign_in_required to who is anonymous, else forbidden. */
int resource__denied(const struct request *rq, const struct table *t, enum action act,
                     struct err *err);
int64_t resource__clock(void); /* nanoseconds since 1970 */

/* Columns of t that the caller may know of. */
const struct column **resource__visible(struct arena *a, const struct table *t, size_t *count);

/* Those of a whole row: cells has one for each column of t. */
const struct value *resource__open_cells(struct arena *a, const struct table *t,
                                         const struct value *cells);

/* Holds a read to the rules: its rows, those of its includes, and those that its filter looks at.
 * s: as resource__as gave it. Fails with SIGNIN or DENIED. */
int resource__guard(struct request *rq, const struct resource_set *s, struct select *sel,
                    struct err *err);
/* key AND what the grant says of rows that may be changed. */
struct cond *resource__granted(struct arena *a, const struct resource *r, struct cond *key);
/* Nothing was changed: DENIED when the row is there and the caller may read it, else NOTFOUND. */
WAITS int resource__untouched(struct request *rq, const struct resource *r, const struct value *id,
                              enum action act, struct err *err);

WAITS typedef int guarded_fn(struct request *rq, const struct resource *r, struct err *err);
/* Runs fn, in a transaction when rows must be looked at afterwards. */
WAITS int resource__guarded(struct request *rq, const struct resource *r, guarded_fn *fn,
                            struct err *err);
/* The same for a change of the row in the path; when the request has preconditions, they are held
 * against that row in the same transaction. Fails with PRECONDITION, BAD. */
WAITS int resource__conditioned(struct request *rq, const struct resource *r, enum action act,
                                guarded_fn *fn, struct err *err);
/* precondition.c: its first half, inside the transaction. *only_new: see struct resource. */
WAITS int resource__precondition(struct request *rq, const struct resource *r, enum action act,
                                 bool *only_new, struct err *err);
/* The same endpoint for another action of the same caller. False: it may not do that at all. */
bool resource__also(struct request *rq, const struct resource *r, enum action act,
                    struct resource *copy);
/* The rows just written (all columns each) must be so as the grant says. Fails with DENIED. */
WAITS int resource__verify(struct request *rq, const struct resource *r, const struct rows *rows,
                           enum action act, struct err *err);

#endif
