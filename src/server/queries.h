/* queries.h -- the project's named queries, however the database is asked. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_QUERIES_H
#define CAIRN_SERVER_QUERIES_H

#include "query/query.h"
#include "server/config.h"

/* Reads them; the database is not asked. Not in a fiber. Gives: query_free. Fails with CONFIG, IO.
 */
int queries_load(const struct config *c, const struct schema *s, struct query_set **out,
                 struct err *err);
/* Lets the database check them. Not in a fiber. Fails with CONFIG. */
int queries_verify(struct query_set *set, struct db_admin *a, struct err *err);
/* Both, in a fiber. */
WAITS int queries_again(const struct config *c, const struct schema *s, struct db *db,
                        struct query_set **out, struct err *err);

#endif
