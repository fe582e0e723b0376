/* brotlidec.h -- undoes brotli. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_BROTLIDEC_H
#define CAIRN_LIB_BROTLIDEC_H

#include "lib/lib.h"

#include <brotli/decode.h>

extern struct brotlidec {
#define X(name) __typeof__(name) *name;
#include "lib/brotlidec.def"
#undef X
} brotlidec;
extern struct lib lib_brotlidec;

#endif
