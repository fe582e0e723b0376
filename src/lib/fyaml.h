/* fyaml.h -- libfyaml, for cairn.yaml. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_FYAML_H
#define CAIRN_LIB_FYAML_H

#include "lib/lib.h"

#include <libfyaml.h>

extern struct fyaml {
#define X(name) __typeof__(name) *name;
#include "lib/fyaml.def"
#undef X
} fyaml;
extern struct lib lib_fyaml;

#endif
