/* zlib.h -- zlib, for gzip. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_ZLIB_H
#define CAIRN_LIB_ZLIB_H

#include "lib/lib.h"

#include <zlib.h>

extern struct zlib {
#define X(name) __typeof__(name) *name;
#include "lib/zlib.def"
#undef X
} zlib;
extern struct lib lib_zlib;

#endif
