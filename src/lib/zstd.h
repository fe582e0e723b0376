/* zstd.h -- zstd. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_ZSTD_H
#define CAIRN_LIB_ZSTD_H

#include "lib/lib.h"

#include <zstd.h>

extern struct zstd {
#define X(name) __typeof__(name) *name;
#include "lib/zstd.def"
#undef X
} zstd;
extern struct lib lib_zstd;

#endif
