/* collections.h -- the tables of `collections:`, made and kept. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_COLLECTIONS_H
#define CAIRN_SERVER_COLLECTIONS_H

#include "server/model.h"

/* Makes what is missing, takes unwished indexes away; drops no table. ask runs writes too. Waits
 * when ask does. Fails with CONFIG (rows that break `unique`), DB. */
int collections_keep(const struct config *config, model_ask *ask, void *ctx, struct err *err);
/* The same on a connection of its own, under the migrations' lock. Blocks. */
int collections_make(const struct config *config, struct db_admin *a, struct err *err);

#endif
