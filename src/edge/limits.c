/* limits.c -- the limits of an edge, and their states, which outlive it. SPDX: Apache-2.0
 * Why a list of the process: a reload makes a new edge while requests still run on the old one, and
 * nobody gets a new quota because a line of the settings changed. A table is found again by limit,
 * plan and rule, counts by the limit's name.
 * Invariant: the list changes only under its lock, at the start and at reloads. */
#include "edge/edge_priv.h"

#include "base/mem.h"

#include <pthread.h>

struct kept {
    struct kept *next;
    char *name; /* "api:free:s60000", or for counts "api" */
    struct limit_table *table;
    struct limit_counts *counts;
    size_t keys, log_bytes;
    unsigned users;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *list;

static bool same_rule(const struct limit_rule *a, const struct limit_rule *b)
{
    return a->algorithm == b->algorithm && a->capacity == b->capacity && a->rate == b->rate &&
           a->window_ms == b->window_ms;
}

/* rule NULL: counts. */
static struct kept *keep(const struct edge *e, str name, const struct limit_rule *rule)
{
    const struct edge_config *c = &e->config;
    struct kept *k = list;
    while (k && !(str_is(name, k->name) && (rule != NULL) == (k->table != NULL) &&
                  (!rule || (same_rule(rule, limit_table_rule(k->table)) &&
                             k->keys == c->limit_keys && k->log_bytes == c->log_bytes))))
        k = k->next;
    if (!k) {
        k = mem_zero(1, sizeof *k);
        *k = (struct kept){.next = list,
                           .name = mem_text(name.ptr, name.len),
                           .keys = c->limit_keys,
                           .log_bytes = c->log_bytes};
        if (rule)
            k->table = limit_table_new(rule, c->limit_keys, c->log_bytes);
        else
            k->counts = mem_zero(1, sizeof *k->counts);
        list = k;
    }
    k->users++;
    return k;
}

static void drop(const void *table, const void *counts)
{
    struct kept **at = &list;
    while (*at && !(table ? (*at)->table == table : (*at)->counts == counts))
        at = &(*at)->next;
    struct kept *k = *at;
    if (!k || --k->users)
        return;
    *at = k->next;
    limit_table_free(&k->table);
    mem_free(k->counts);
    mem_free(k->name);
    mem_free(k);
}

/* Of the states in Redis: what is kept by one algorithm or pace says nothing to another, and old
 * and new settings meet there at a reload or a deployment. A changed number alone counts on. */
static str shared_name(struct edge *e, str limit, const struct limit_plan *plan)
{
    static const char tags[] = {[LIMIT_FIXED] = 'f',
                                [LIMIT_SLIDING] = 's',
                                [LIMIT_LOG] = 'l',
                                [LIMIT_BUCKET] = 'b',
                                [LIMIT_GCRA] = 'b'}; /* the same state */
    const struct limit_rule *r = &plan->rule;
    char tag = tags[r->algorithm];
    str name = arena_printf(&e->arena, "%.*s:%.*s:%c%llu", STR_ARG(limit), STR_ARG(plan->name), tag,
                            (unsigned long long)r->window_ms);
    return tag == 'b' ? arena_printf(&e->arena, "%.*s/%u", STR_ARG(name), r->rate) : name;
}

static void make_level(struct edge *e, const struct limit_config *c, size_t i,
                       struct limit_level *out)
{
    const struct limit_rule *r = &c->plans[i].rule;
    bool bucket = r->algorithm == LIMIT_BUCKET || r->algorithm == LIMIT_GCRA;
    uint32_t quota = bucket ? r->rate : r->capacity;
    out->shared_name = shared_name(e, c->name, &c->plans[i]);
    out->table = keep(e, out->shared_name, r)->table;
    out->policy = arena_printf(&e->arena, "\"%.*s\";q=%u;w=%llu", STR_ARG(c->name), quota,
                               (unsigned long long)((r->window_ms + 999) / 1000));
    out->alone = arena_printf(&e->arena, "\r\nRateLimit-Policy: %.*s\r\nRateLimit: \"%.*s\";r=",
                              STR_ARG(out->policy), STR_ARG(c->name));
    out->shown = quota > r->capacity ? quota : r->capacity;
    out->then =
        arena_printf(&e->arena, "\r\nX-RateLimit-Limit: %u\r\nX-RateLimit-Remaining: ", out->shown);
}

void limits__make(struct edge *e)
{
    e->limits = ARENA_ARRAY(&e->arena, struct limit, e->config.limit_count + 1);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < e->config.limit_count; i++) {
        const struct limit_config *c = &e->config.limits[i];
        struct limit *l = &e->limits[i];
        l->config = c;
        if (str_ends(c->path, LIT("/*")))
            l->below = str_upto(c->path, c->path.len - 1);
        l->counts = keep(e, c->name, NULL)->counts;
        for (size_t p = 0; p < c->plan_count; p++)
            make_level(e, c, p, &l->levels[p]);
        l->late = c->plan_count > 1 || (c->parts & (PART_USER | PART_KEY));
        e->shares |= c->shared;
        *(l->late ? &e->late : &e->early) = true;
    }
    pthread_mutex_unlock(&lock);
}

void limits__drop(struct edge *e)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < e->config.limit_count; i++) {
        drop(NULL, e->limits[i].counts);
        for (size_t p = 0; p < e->config.limits[i].plan_count; p++)
            drop(e->limits[i].levels[p].table, NULL);
    }
    pthread_mutex_unlock(&lock);
}

/* ---- counts ---- */

void limits__count(const struct limit *l, int result)
{
    static _Atomic unsigned threads;
    static _Thread_local unsigned stripe; /* from 1 */
    if (!stripe)
        stripe = 1 + atomic_fetch_add(&threads, 1) % COUNT_STRIPES;
    atomic_fetch_add_explicit(&l->counts->of[stripe - 1][result], 1, memory_order_relaxed);
}

static void put_counts(const struct edge *e, struct buf *out)
{
    static const char *const results[RESULTS] = {"allowed", "limited", "failed"};
    buf_lit(out, "# HELP cairn_rate_limit_decisions_total Requests that a rate limit decided on; "
                 "failed: its store was away.\n"
                 "# TYPE cairn_rate_limit_decisions_total counter\n");
    for (size_t i = 0; i < e->config.limit_count; i++) {
        for (int r = 0; r < RESULTS; r++) {
            uint64_t n = 0;
            for (int s = 0; s < COUNT_STRIPES; s++)
                n += atomic_load_explicit(&e->limits[i].counts->of[s][r], memory_order_relaxed);
            buf_printf(out, "cairn_rate_limit_decisions_total{limit=\"%.*s\",result=\"%s\"} %llu\n",
                       STR_ARG(e->config.limits[i].name), results[r], (unsigned long long)n);
        }
    }
}

static void put_evicted(const struct edge *e, struct buf *out)
{
    buf_lit(out, "# HELP cairn_rate_limit_evicted_total Clients forgotten early because a limit's "
                 "table was full.\n"
                 "# TYPE cairn_rate_limit_evicted_total counter\n");
    for (size_t i = 0; i < e->config.limit_count; i++) {
        uint64_t n = 0;
        for (size_t p = 0; p < e->config.limits[i].plan_count; p++)
            n += limit_table_evicted(e->limits[i].levels[p].table);
        buf_printf(out, "cairn_rate_limit_evicted_total{limit=\"%.*s\"} %llu\n",
                   STR_ARG(e->config.limits[i].name), (unsigned long long)n);
    }
}

static void put_one(struct buf *out, const char *name, const char *type, const char *help,
                    uint64_t n)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
               (unsigned long long)n);
}

void edge_metrics(const struct edge *e, struct buf *out)
{
    struct redis_stats r;
    if (e->config.limit_count) {
        put_counts(e, out);
        put_evicted(e, out);
    }
    if (!store_shared())
        return;
    redis_stats(&r);
    put_one(out, "cairn_redis_commands_total", "counter", "Commands sent to Redis.", r.commands);
    put_one(out, "cairn_redis_failures_total", "counter", "Commands that got no answer.",
            r.failures);
    put_one(out, "cairn_redis_connects_total", "counter", "Connections begun.", r.connects);
    put_one(out, "cairn_redis_lost_total", "counter", "Connections that broke or failed.", r.lost);
    put_one(out, "cairn_redis_up", "gauge", "Connections to Redis that answer now.", r.up);
}
