/* roles.h -- private to src/server: roles that stand in tables. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_ROLES_H
#define CAIRN_SERVER_ROLES_H

#include "server/collections.h"
#include "server/server_priv.h"

/* *out NULL: the settings name no such tables. Fails with CONFIG. */
int roles_find(const struct config *c, const struct schema *s, struct arena *a,
               struct role_tables **out, struct err *err);
/* Reads them into app->role_rows. Fails with CONFIG, and as ask does. */
int roles_read(model_ask *ask, void *ctx, const struct config *c, const struct schema *s,
               struct cairn_app *app, struct err *err);
int roles_first(struct db_admin *a, const struct config *c, const struct schema *s,
                struct cairn_app *app, struct err *err);
/* Looks whether they have changed, soon, and makes a world of what they say. Worker 0's thread;
 * serve is a struct serve. */
/* Fills w->touches, once its tables of accounts and roles are known. */
void roles_reach(struct world *w);
void roles_soon(void *serve);
/* Behind a request that was answered: when it may have changed them, waits until all workers know.
 */
WAITS void roles_after(const struct world *w, struct request *rq);

#endif
