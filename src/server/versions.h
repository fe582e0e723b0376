/* versions.h -- the versions of the API, for who only checks. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_VERSIONS_H
#define CAIRN_SERVER_VERSIONS_H

#include "server/config.h"

/* Could each of them be served over s? Fails with CONFIG. */
int versions_check(const struct config *c, const struct schema *s, struct err *err);

#endif
