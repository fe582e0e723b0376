/* idempotency.h -- Idempotency-Key: a request that is sent again is done once. SPDX: Apache-2.0
 * draft-ietf-httpapi-idempotency-key-header-07. The answer is kept in the table cairn_idempotency,
 * written in the transaction of the change itself: both are there, or neither. */
#ifndef CAIRN_IDEMPOTENCY_H
#define CAIRN_IDEMPOTENCY_H

#include "db/db.h"
#include "edge/edge.h"

struct idempotency;

/* A route that demands a key. */
struct idempotency_route {
    unsigned methods; /* bits 1 << enum method */
    str path;         /* see edge_path; held against the route's pattern */
};

/* Texts and lists are borrowed. */
struct idempotency_config {
    const struct edge *edge; /* knows who asks */
    struct db *db;
    enum db_engine engine;
    int64_t ttl_s;      /* how long an answer is kept */
    size_t answer_most; /* bytes of a kept answer */
    const struct idempotency_route *required;
    size_t required_count;
};

/* The table, as a script. */
const char *idempotency_tables(enum db_engine e);

struct idempotency *idempotency_new(const struct idempotency_config *c);
void idempotency_free(struct idempotency **x); /* *x may be NULL */

/* As endpoint_fn of route/. */
WAITS typedef int idempotency_work(struct request *rq, const void *data, struct err *err);

/* Runs work(rq, data), which keeps to rq->tx: plainly when rq has no key, once when it has one. A
 * failure of it, or an answer that is a problem, undoes what it did and is not kept. Fails with BAD
 * (the key's form, or none where one is required), CONFLICT (the first is still running), INVALID
 * (the key was used for another request), TOOBIG (the answer, to be kept), or as work does. */
WAITS int idempotency_run(struct idempotency *x, struct request *rq, idempotency_work *work,
                          const void *data, struct err *err);
/* Deletes expired records, a bounded number at a time, until none is left or many were. */
WAITS int idempotency_sweep(struct idempotency *x, struct arena *a, struct err *err);

/* ---- for tests ---- */

/* The value of the header: a string of structured fields (RFC 8941), or bare; the text it stands
 * for lives in a. NULL, or why it is none. */
const char *idempotency_key_parse(struct arena *a, str value, str *out);

#endif
