/* Private to src/auth: the keys in force. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_KEYS_H
#define CAIRN_AUTH_KEYS_H

#include "auth/keyring.h"

#include <pthread.h>
#include <stdatomic.h>

struct keys_ring {
    struct keyring ring;
    struct keys_ring *older;
};

/* What tells one version of a file from the next. */
struct keys_look {
    uint64_t inode;
    int64_t size, seconds, nanoseconds;
};

struct keys {
    const char *file; /* borrowed */
    _Atomic(struct keys_ring *) now;
    pthread_mutex_t lock; /* of look, and of changing now */
    struct keys_look look;
};

/* *made: there was no file, and it was made. Blocks. Fails with IO, CONFIG. */
int keys_open(struct keys *k, const char *file, enum jwt_alg alg, bool *made, struct err *err);
void keys_close(struct keys *k);
/* Good until keys_close, but not the newest for ever. Any thread, no lock. */
const struct keyring *keys_now(const struct keys *k);
/* 1: the file had changed and is in force now; 0: it had not. Reads one small file at most. Any
 * thread. Fails with IO, CONFIG: what was in force stays. */
int keys_refresh(struct keys *k, struct err *err);

#endif
