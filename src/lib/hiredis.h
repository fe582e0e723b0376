/* hiredis.h -- hiredis, the connection to Redis. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_HIREDIS_H
#define CAIRN_LIB_HIREDIS_H

#include "lib/lib.h"

#include <hiredis/async.h>

extern struct hiredis {
#define X(name) __typeof__(name) *name;
#include "lib/hiredis.def"
#undef X
} hiredis;
extern struct lib lib_hiredis;

#endif
