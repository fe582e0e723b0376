/* libs.c -- the table of libraries. What the loader looks for is what the linker found when Cairn
 * was built: sonames.h is made by the Makefile. SPDX: Apache-2.0 */
#include "lib/brotlidec.h"
#include "lib/brotlienc.h"
#include "lib/crypto.h"
#include "lib/fyaml.h"
#include "lib/hiredis.h"
#include "lib/pgquery.h"
#include "lib/xcrypt.h"
#include "lib/xml2.h"
#include "lib/zlib.h"
#include "lib/zstd.h"

#include "sonames.h"

#define X(name) #name,
#define LIB(name, words, soname, debian)                                                           \
    _Static_assert(sizeof(struct name) == sizeof name##_names, "a pointer for each name");         \
    struct name name;                                                                              \
    struct lib lib_##name = {.what = (words),                                                      \
                             .file = (soname),                                                     \
                             .package = (debian),                                                  \
                             .names = name##_names,                                                \
                             .count = COUNT_OF(name##_names),                                      \
                             .table = &name}

static const char *const brotlidec_names[] = {
#include "lib/brotlidec.def"
};
LIB(brotlidec, "brotli", SONAME_brotlidec, "libbrotli1");

static const char *const brotlienc_names[] = {
#include "lib/brotlienc.def"
};
LIB(brotlienc, "brotli", SONAME_brotlienc, "libbrotli1");

static const char *const crypto_names[] = {
#include "lib/crypto.def"
};
LIB(crypto, "a signature", SONAME_crypto, "libssl3");

static const char *const fyaml_names[] = {
#include "lib/fyaml.def"
};
LIB(fyaml, "cairn.yaml", SONAME_fyaml, "libfyaml0");

static const char *const hiredis_names[] = {
#include "lib/hiredis.def"
};
LIB(hiredis, "Redis", SONAME_hiredis, "libhiredis0.14");

static const char *const pgquery_names[] = {
#include "lib/pgquery.def"
};
LIB(pgquery, "SQL in the words of PostgreSQL", SONAME_pg_query, "libpg-query1504.0");

static const char *const xcrypt_names[] = {
#include "lib/xcrypt.def"
};
LIB(xcrypt, "bcrypt", SONAME_crypt, "libcrypt1");

static const char *const xml2_names[] = {
#include "lib/xml2.def"
};
LIB(xml2, "XML", SONAME_xml2, "libxml2");

static const char *const zlib_names[] = {
#include "lib/zlib.def"
};
LIB(zlib, "gzip", SONAME_z, "zlib1g");

static const char *const zstd_names[] = {
#include "lib/zstd.def"
};
LIB(zstd, "zstd", SONAME_zstd, "libzstd1");
