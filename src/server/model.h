/* model.h -- the model out of a database, however it is asked. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_MODEL_H
#define CAIRN_SERVER_MODEL_H

#include "server/server.h"

/* Runs one statement; rows live in a. */
typedef int model_ask(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                      struct err *err);
/* Gives: schema_free. Waits when ask does. */
int model_build(model_ask *ask, void *ctx, const struct config *config, struct schema **out,
                struct err *err);

#endif
