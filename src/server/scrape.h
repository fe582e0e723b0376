/* scrape.h -- the page /metrics. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_SCRAPE_H
#define CAIRN_SERVER_SCRAPE_H

#include "base/buf.h"

struct db;

/* Everything that is counted, as text of type METRICS_TYPE; db may be NULL. Any thread. */
void scrape_render(struct db *db, struct buf *out);

#endif
