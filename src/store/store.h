/* store.h -- what requests share: rate limits in the process's own memory, or in a Redis that
 * several processes ask. SPDX: Apache-2.0
 * Nothing above knows which of the two runs (decision 9): struct store_ops is all there is. */
#ifndef CAIRN_STORE_H
#define CAIRN_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "data/data.h"
#include "fiber/fiber.h"

/* ---- one limit: pure ---- */

enum limit_algorithm {
    LIMIT_FIXED,   /* a window from the first request on; then a new one */
    LIMIT_SLIDING, /* two counters, the older one weighed by how much of it is still in sight */
    LIMIT_LOG,     /* every request by its time: exact */
    LIMIT_BUCKET,  /* tokens that come back at an even pace */
    LIMIT_GCRA     /* the same, told by the time at which the bucket is full again */
};

/* At most `rate` in a window; capacity: what may come at once (a bucket's size), or for windows
 * the rate and what is allowed on top of it. */
struct limit_rule {
    enum limit_algorithm algorithm;
    uint32_t capacity, rate;
    uint64_t window_ms;
};

struct limit_verdict {
    bool allowed;
    uint32_t left;     /* what could still come now */
    uint64_t reset_ms; /* until all of it is there again; for LIMIT_FIXED until the window ends */
    uint64_t retry_ms; /* refused: until the same request can be allowed, at the earliest */
};

enum {
    LIMIT_CAPACITY_MOST = 10000000,
    LIMIT_SLIDING_MOST = 1000000, /* its two counters share a word */
    LIMIT_LOG_MOST = 10000        /* it remembers as many times for each key */
};

/* Why a rule cannot be kept, or NULL. */
const char *limit_unsound(const struct limit_rule *r);
/* One request of `cost` at now_ns (any steady clock) on a state of one word; a new key's is 0.
 * Gives the next state: the same when it is refused. Not for LIMIT_LOG. */
uint64_t limit_step(const struct limit_rule *r, uint64_t state, uint64_t now_ns, uint32_t cost,
                    struct limit_verdict *v);
/* How much of a state is used up at now; 0: as good as a new one. */
uint64_t limit_used(const struct limit_rule *r, uint64_t state, uint64_t now_ns);

/* ---- the table: states by key, of one rule ---- */

/* Shared by all threads without a lock, and of a size that is fixed at the start. A new key takes
 * the place of one whose state is idle, else of the one of eight that has used the least: who
 * floods the table with new keys drives out others who do the same. */
struct limit_table;
/* keys: room for at least so many (LIMIT_LOG: fewer when they would not fit into log_bytes). */
struct limit_table *limit_table_new(const struct limit_rule *r, size_t keys, size_t log_bytes);
/* The same one for one more owner: each of them frees it. */
struct limit_table *limit_table_share(struct limit_table *t);
void limit_table_free(struct limit_table **t);
const struct limit_rule *limit_table_rule(const struct limit_table *t);
size_t limit_table_bytes(const struct limit_table *t);     /* of memory, at most */
uint64_t limit_table_evicted(const struct limit_table *t); /* keys that were not idle */
void limit_take(struct limit_table *t, uint64_t hash, uint64_t now_ns, uint32_t cost,
                struct limit_verdict *v);

/* ---- where it is kept ---- */

struct store_take {
    struct limit_table *table; /* its rule; the state too, in the local store */
    str name;                  /* of the limit, plan and kind of state, in the shared one */
    str key;
    uint64_t hash; /* of key */
    uint32_t cost;
};
enum { STORE_TAKES_MOST = 8 };

struct store;
struct store_ops {
    const char *name;
    /* Asks for all of them in order, in one step, and stops behind the first that is refused: gives
     * how many verdicts there are. Waits. Fails with BUSY (the store is away: at once, or after
     * its time limit), CANCELLED. */
    WAITS int (*take)(struct store *s, const struct store_take *list, size_t count, uint64_t now_ns,
                      struct limit_verdict *out, struct err *err);
};
struct store {
    const struct store_ops *ops;
};

struct store *store_local(void); /* of the process; never waits, never fails */

/* ---- Redis: one connection a worker, requests pipelined ---- */

struct redis_config {
    str url; /* redis://HOST:PORT/DB or unix:PATH; empty: there is none */
    str user, password;
    str prefix; /* before every key */
    unsigned timeout_ms, connect_ms, queue;
};

struct redis_target {
    str host, path; /* one of them */
    uint16_t port;
    unsigned db;
};
/* Fails with CONFIG. */
int redis_target(str url, struct redis_target *out, struct err *err);

/* The calling thread's connection; made at the first need, and again when it broke. cfg's texts
 * are borrowed until store_thread_end. Nothing when the url is empty. */
void store_thread_begin(const struct redis_config *cfg);
void store_thread_end(void);
/* Copied; connections that are made from now on use it. */
void store_thread_password(str password);
struct store *store_shared(void); /* of the calling thread, or NULL: no Redis is configured */

/* One command to the calling thread's Redis, args being bytes. *out: V_NULL, V_INT, V_TEXT or a
 * V_ARRAY of such, in a; ten levels and STORE_ANSWER_MOST values at most. Fails with BUSY (no Redis
 * answers; also when it answers with an error, which is logged), TOOBIG, CANCELLED. */
enum { STORE_ARGS_MOST = 64, STORE_ANSWER_MOST = 200000 };
WAITS int store_command(struct arena *a, const str *args, size_t count, struct value *out,
                        struct err *err);
str store_prefix(void); /* of every key in it */

struct redis_stats {
    uint64_t commands, failures, connects, lost, up; /* up: connections that answer now */
};
void redis_stats(struct redis_stats *out);

#endif
