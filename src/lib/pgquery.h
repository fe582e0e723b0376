/* pgquery.h -- libpg_query, PostgreSQL's parser. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_PGQUERY_H
#define CAIRN_LIB_PGQUERY_H

#include "lib/lib.h"

#include <pg_query.h>

extern struct pgquery {
#define X(name) __typeof__(name) *name;
#include "lib/pgquery.def"
#undef X
} pgquery;
extern struct lib lib_pgquery;

#endif
