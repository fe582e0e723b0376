/* brotlienc.h -- makes brotli. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_BROTLIENC_H
#define CAIRN_LIB_BROTLIENC_H

#include "lib/lib.h"

#include <brotli/encode.h>

extern struct brotlienc {
#define X(name) __typeof__(name) *name;
#include "lib/brotlienc.def"
#undef X
} brotlienc;
extern struct lib lib_brotlienc;

#endif
