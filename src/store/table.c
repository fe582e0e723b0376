/* table.c -- the states of one limit by key, for all threads, of a fixed size. SPDX: Apache-2.0
 * Sets of eight: eight tags in one cache line, their states in the next. A tag is the key's hash.
 * Why no sweep: a state knows from its own words that it is idle, so the place is found again when
 * somebody needs it.
 * LIMIT_LOG has a ring of `capacity` times for each key; its state is generation, 16 bits |
 * requests ever allowed, 48 bits. The n-th request's time stands in slot n % capacity, marked with
 * generation and lap, so that a slot whose writer is late shows as such: it counts as taken now.
 * Invariants: (1) No thread ever waits for another; a compare-and-swap that fails means that
 * another one got on. (2) A tag is BUSY while its state is made new. (3) When a key is driven out
 * at the very moment it is asked about, that request may be counted for the other key or not at
 * all: at most one for each thread. */
#include "base/mem.h"
#include "store/store.h"

#include <stdatomic.h>

enum { WAYS = 8, SET_WORDS = 2 * WAYS, LINE = 64, GEN_BITS = 16, LAP_BITS = 16 };
enum { EMPTY = 0, BUSY = 1 }; /* tags that are no hash */

#define COUNT_MASK ((UINT64_C(1) << 48) - 1)

struct limit_table {
    _Atomic unsigned refs;
    struct limit_rule rule;
    _Atomic uint64_t *words; /* of a set: eight tags, then their states */
    void *block;             /* what words is inside of */
    size_t sets, bytes;
    _Atomic uint64_t *slots; /* LIMIT_LOG: capacity for each way */
    _Atomic uint64_t evicted;
};

/* ---- life ---- */

struct limit_table *limit_table_new(const struct limit_rule *r, size_t keys, size_t log_bytes)
{
    struct limit_table *t = mem_zero(1, sizeof *t);
    bool log = r->algorithm == LIMIT_LOG;
    size_t ring = log ? (size_t)r->capacity * sizeof(uint64_t) : 0;
    atomic_init(&t->refs, 1);
    t->rule = *r;
    t->sets = 1;
    while (t->sets * WAYS < keys && (!log || 2 * t->sets * WAYS * ring <= log_bytes))
        t->sets *= 2;
    t->bytes = t->sets * SET_WORDS * sizeof(uint64_t) + LINE;
    t->block = mem_zero(1, t->bytes); /* pages that no key fell into are never touched */
    uintptr_t at = ((uintptr_t)t->block + LINE - 1) & ~(uintptr_t)(LINE - 1);
    t->words = (_Atomic uint64_t *)at;
    if (log) {
        t->slots = mem_zero(t->sets * WAYS, ring);
        t->bytes += t->sets * WAYS * ring;
    }
    return t;
}

struct limit_table *limit_table_share(struct limit_table *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void limit_table_free(struct limit_table **table)
{
    struct limit_table *t = *table;
    *table = NULL;
    if (!t || atomic_fetch_sub(&t->refs, 1) > 1)
        return;
    mem_free(t->block);
    mem_free((void *)t->slots);
    mem_free(t);
}

const struct limit_rule *limit_table_rule(const struct limit_table *t)
{
    return &t->rule;
}

size_t limit_table_bytes(const struct limit_table *t)
{
    return t->bytes;
}

uint64_t limit_table_evicted(const struct limit_table *t)
{
    return atomic_load_explicit(&t->evicted, memory_order_relaxed);
}

/* ---- the log of a key ---- */

static _Atomic uint64_t *slot_of(struct limit_table *t, size_t way, uint64_t n)
{
    return &t->slots[way * t->rule.capacity + n % t->rule.capacity];
}

/* Generation and lap of the n-th request, as its slot has them; never 0, which a new slot has. */
static uint64_t mark_of(const struct limit_table *t, uint64_t head, uint64_t n)
{
    uint64_t lap = n / t->rule.capacity, gen = head >> 48;
    return ((gen * 31 + lap) % ((UINT64_C(1) << LAP_BITS) - 1) + 1) << 48;
}

/* Milliseconds until the n-th request is out of sight; 0: it is. */
static uint64_t stays(struct limit_table *t, size_t way, uint64_t head, uint64_t n, uint64_t now_us)
{
    uint64_t slot = atomic_load_explicit(slot_of(t, way, n), memory_order_acquire);
    uint64_t window = t->rule.window_ms * 1000, at = slot & COUNT_MASK;
    if ((slot & ~COUNT_MASK) != mark_of(t, head, n))
        return t->rule.window_ms; /* its writer is just at it */
    uint64_t age = now_us > at ? now_us - at : 0;
    return age >= window ? 0 : (window - age + 999) / 1000;
}

/* Requests in sight: they stand in the order of their times, so the first one is searched for. */
static uint32_t in_sight(struct limit_table *t, size_t way, uint64_t head, uint64_t now_us)
{
    uint64_t count = head & COUNT_MASK;
    uint64_t low = count > t->rule.capacity ? count - t->rule.capacity : 0, high = count;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (stays(t, way, head, mid, now_us))
            high = mid;
        else
            low = mid + 1;
    }
    return (uint32_t)(count - low);
}

static void log_verdict(struct limit_table *t, size_t way, uint64_t head, uint64_t now_us,
                        struct limit_verdict *v)
{
    uint64_t count = head & COUNT_MASK;
    uint32_t used = in_sight(t, way, head, now_us);
    v->left = used < t->rule.capacity ? t->rule.capacity - used : 0;
    v->reset_ms = count ? stays(t, way, head, count - 1, now_us) : 0;
}

static void log_write(struct limit_table *t, size_t way, uint64_t head, uint64_t now_us,
                      uint32_t cost)
{
    for (uint64_t n = head & COUNT_MASK, i = 0; i < cost; i++)
        atomic_store_explicit(slot_of(t, way, n + i), mark_of(t, head, n + i) | now_us,
                              memory_order_release);
}

/* The request after the next `cost` ones has to be out of sight, `capacity` before it. */
static void log_take(struct limit_table *t, size_t way, _Atomic uint64_t *state, uint64_t now_ns,
                     uint32_t cost, struct limit_verdict *v)
{
    uint64_t head = atomic_load_explicit(state, memory_order_acquire);
    uint64_t now_us = (now_ns / 1000) & COUNT_MASK;
    do {
        uint64_t end = (head & COUNT_MASK) + cost;
        v->retry_ms = cost > t->rule.capacity ? t->rule.window_ms : 0;
        if (v->retry_ms == 0 && end > t->rule.capacity)
            v->retry_ms = stays(t, way, head, end - t->rule.capacity - 1, now_us);
        v->allowed = v->retry_ms == 0;
    } while (v->allowed &&
             !atomic_compare_exchange_weak_explicit(state, &head, head + cost, memory_order_acq_rel,
                                                    memory_order_acquire));
    if (v->allowed) {
        log_write(t, way, head, now_us, cost);
        head += cost;
    }
    log_verdict(t, way, head, now_us, v);
}

/* ---- places ---- */

static uint64_t used_at(struct limit_table *t, size_t way, uint64_t now_ns)
{
    uint64_t state = atomic_load_explicit(&t->words[way / WAYS * SET_WORDS + WAYS + way % WAYS],
                                          memory_order_relaxed);
    if (t->rule.algorithm != LIMIT_LOG)
        return limit_used(&t->rule, state, now_ns);
    return in_sight(t, way, state, (now_ns / 1000) & COUNT_MASK);
}

/* The place of a set that is given to a new key. */
static size_t victim(struct limit_table *t, size_t set, uint64_t now_ns, bool *idle)
{
    size_t best = 0;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < WAYS && least; i++) {
        uint64_t tag = atomic_load_explicit(&t->words[set * SET_WORDS + i], memory_order_relaxed);
        uint64_t used = tag == EMPTY  ? 0
                        : tag == BUSY ? UINT64_MAX
                                      : used_at(t, set * WAYS + i, now_ns);
        if (used < least) {
            least = used;
            best = i;
        }
    }
    *idle = least == 0;
    return best;
}

static void renew(struct limit_table *t, _Atomic uint64_t *state)
{
    uint64_t old = atomic_load_explicit(state, memory_order_relaxed);
    bool log = t->rule.algorithm == LIMIT_LOG;
    atomic_store_explicit(state, log ? ((old >> 48) + 1) << 48 : 0, memory_order_relaxed);
}

static size_t seek(const struct limit_table *t, size_t set, uint64_t hash)
{
    for (size_t i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&t->words[set * SET_WORDS + i], memory_order_acquire) == hash)
            return i;
    return WAYS;
}

/* The place of hash, new or not. A few tries: others may be after the same place. */
static size_t place(struct limit_table *t, uint64_t hash, uint64_t now_ns)
{
    enum { TRIES = 4 };
    size_t set = (hash >> 3) & (t->sets - 1), i = seek(t, set, hash);
    for (int tries = 0; i == WAYS && tries < TRIES; tries++) {
        bool idle;
        size_t at = victim(t, set, now_ns, &idle);
        _Atomic uint64_t *tag = &t->words[set * SET_WORDS + at];
        uint64_t old = atomic_load_explicit(tag, memory_order_relaxed);
        if (old != BUSY && atomic_compare_exchange_strong_explicit(
                               tag, &old, BUSY, memory_order_acquire, memory_order_relaxed)) {
            renew(t, tag + WAYS);
            atomic_store_explicit(tag, hash, memory_order_release);
            atomic_fetch_add_explicit(&t->evicted, old != EMPTY && !idle, memory_order_relaxed);
            return set * WAYS + at;
        }
        i = seek(t, set, hash);
    }
    return set * WAYS + (i == WAYS ? hash >> 61 : i); /* crowded: somebody's place, this once */
}

void limit_take(struct limit_table *t, uint64_t hash, uint64_t now_ns, uint32_t cost,
                struct limit_verdict *v)
{
    size_t way = place(t, hash < 2 ? hash + 2 : hash, now_ns);
    _Atomic uint64_t *state = &t->words[way / WAYS * SET_WORDS + WAYS + way % WAYS];
    if (t->rule.algorithm == LIMIT_LOG) {
        log_take(t, way, state, now_ns, cost, v);
        return;
    }
    uint64_t old = atomic_load_explicit(state, memory_order_relaxed), next;
    do
        next = limit_step(&t->rule, old, now_ns, cost, v);
    while (next != old && !atomic_compare_exchange_weak_explicit(
                              state, &old, next, memory_order_relaxed, memory_order_relaxed));
}

/* ---- the local store ---- */

static int local_take(struct store *s, const struct store_take *list, size_t count, uint64_t now_ns,
                      struct limit_verdict *out, struct err *err)
{
    (void)s;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        limit_take(list[i].table, list[i].hash, now_ns, list[i].cost, &out[i]);
        if (!out[i].allowed)
            return (int)i + 1;
    }
    return (int)count;
}

struct store *store_local(void)
{
    static const struct store_ops ops = {.name = "local", .take = local_take};
    static struct store local = {.ops = &ops};
    return &local;
}
