/* mailer.h -- letters, for commands. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_MAILER_H
#define CAIRN_SERVER_MAILER_H

#include "server/config.h"

/* Whether the templates of these settings can be used. Blocks on files. Fails with CONFIG. */
int mailer_check(const struct config *config, struct err *err);

/* Threads for calls to others: letters never take the last one. */
unsigned mailer_threads(const struct config *config);

#endif
