/* counters.h -- columns that count, and what goes with an account: kept by triggers of the
 * database. SPDX: Apache-2.0 All calls block; no fibers. */
#ifndef CAIRN_SERVER_COUNTERS_H
#define CAIRN_SERVER_COUNTERS_H

#include "server/server.h"

/* Brings the triggers to what the model wants, and counts anew where they were not there or others;
 * takes away those of counters that nobody wants any more. One transaction, under the migrations'
 * lock; nothing is locked when all is well. Fails with BUSY, CONFIG, DB. */
int counters_keep(struct db_admin *a, const struct config *config, const struct schema *s,
                  struct err *err);

/* The same on a connection of its own, to the database of these settings. */
int counters_settle(const struct config *config, struct err *err);

/* One counter, as it was found. */
typedef void counters_say(void *ctx, const struct table *t, const struct counter *c, int64_t wrong);
/* Counts how many rows tell a wrong number; with repair it sets them right. */
int counters_check(struct db_admin *a, enum dialect d, const struct schema *s, bool repair,
                   counters_say *say, void *ctx, struct err *err);

#endif
