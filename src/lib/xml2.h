/* xml2.h -- libxml2, which brings ICU and the C++ library with it. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_XML2_H
#define CAIRN_LIB_XML2_H

#include "lib/lib.h"

#include <libxml/parser.h>
#include <libxml/xmlwriter.h>

extern struct xml2 {
#define X(name) __typeof__(name) *name;
#include "lib/xml2.def"
#undef X
} xml2;
extern struct lib lib_xml2;

#endif
