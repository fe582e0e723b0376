/* Private to src/edge, idempotency*.c: the record of a request. SPDX: Apache-2.0 */
#ifndef CAIRN_IDEMPOTENCY_PRIV_H
#define CAIRN_IDEMPOTENCY_PRIV_H

#include "edge/edge_priv.h"
#include "edge/idempotency.h"

#include <pthread.h>
#include <sodium.h>

enum { RECORD_ID = crypto_hash_sha256_BYTES, RECORD_HEX = 2 * RECORD_ID, RUNNING_BUCKETS = 256 };

/* A request that is running now: in its arena, linked until it ends. */
struct running {
    struct running *next;
    uint8_t id[RECORD_ID];
};

struct idempotency {
    struct idempotency_config config;
    pthread_mutex_t lock; /* over buckets */
    struct running *buckets[RUNNING_BUCKETS];
};

/* What a request is known by. */
struct record {
    uint8_t id[RECORD_ID]; /* of caller, method, route and key */
    str name;              /* id, in hex */
    str caller, key;
    str fingerprint; /* of the request itself, in hex */
};

/* An answer that was kept. */
struct kept {
    str fingerprint;
    int status;
    str headers; /* "Name: value\n"..., Content-Type among them */
    str body;
};

/* ---- idempotency_key.c ---- */

/* The key of rq; ptr NULL: it has none. Fails with BAD. */
int idempotency__key(struct request *rq, str *out, struct err *err);
void idempotency__record(const struct edge *e, struct request *rq, str key, str body,
                         struct record *out);

/* ---- idempotency_rows.c ---- */

/* tx NULL: outside of any. *found is false when there is none that has not expired. */
WAITS int idempotency__find(struct idempotency *x, struct request *rq, struct db_tx *tx,
                            const struct record *r, struct kept *out, bool *found, struct err *err);
/* Whether no other process works on r, now and to the end of tx. */
WAITS int idempotency__lock(struct idempotency *x, struct request *rq, struct db_tx *tx,
                            const struct record *r, bool *mine, struct err *err);
/* *mine is false when somebody else's is there. */
WAITS int idempotency__keep(struct idempotency *x, struct request *rq, struct db_tx *tx,
                            const struct record *r, const struct kept *k, bool *mine,
                            struct err *err);

#endif
