/* Private to src/auth: the file of keys. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_KEYRING_H
#define CAIRN_AUTH_KEYRING_H

#include "auth/jwt.h"

enum { KEYRING_MOST = 16, MAC_BYTES = 32 };

struct keyring {
    struct jwk *keys[KEYRING_MOST]; /* the first one signs */
    size_t count;
    unsigned char mac[MAC_BYTES];
};

int keyring_make(enum jwt_alg alg, struct keyring *out, struct err *err);
int keyring_read(const char *file, struct keyring *out, struct err *err);
/* Replaces the file, or (anew) fails with CONFLICT when there is one. */
int keyring_write(const char *file, const struct keyring *k, bool anew, struct err *err);
void keyring_free(struct keyring *k);

#endif
