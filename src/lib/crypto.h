/* crypto.h -- OpenSSL's libcrypto. SPDX: Apache-2.0 */
#ifndef CAIRN_LIB_CRYPTO_H
#define CAIRN_LIB_CRYPTO_H

#include "lib/lib.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

extern struct crypto {
#define X(name) __typeof__(name) *name;
#include "lib/crypto.def"
#undef X
} crypto;
extern struct lib lib_crypto;

#endif
