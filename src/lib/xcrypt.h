/* xcrypt.h -- libcrypt, for bcrypt. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_XCRYPT_H
#define CAIRN_LIB_XCRYPT_H

#include "lib/lib.h"

#include <crypt.h>

extern struct xcrypt {
#define X(name) __typeof__(name) *name;
#include "lib/xcrypt.def"
#undef X
} xcrypt;
extern struct lib lib_xcrypt;

#endif
