/* Private to src/auth: sessions whose access tokens are refused. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_REVOKED_H
#define CAIRN_AUTH_REVOKED_H

#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>

enum { REVOKED_MOST = 65536 };

/* A ring of hashes in the order revoked: what is older than an access token lives is of no use any
 * more and is overwritten first. Any thread. */
struct revoked {
    pthread_mutex_t lock;
    struct revoked_one {
        uint64_t hash;
        int64_t until;
    } * ring; /* REVOKED_MOST of them, made at the first revocation */
    size_t next;
    atomic_size_t count; /* of the ring's places in use */
    atomic_uint stamp;   /* counts revocations: caches compare it */
};

void revoked_init(struct revoked *r);
void revoked_fini(struct revoked *r);
void revoked_add(struct revoked *r, str sid, int64_t until);
bool revoked_has(struct revoked *r, str sid, int64_t now);

#endif
