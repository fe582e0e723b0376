/* limit.c -- rate limits on a request: which ones, whose, and what comes of it. SPDX: Apache-2.0
 * In two steps: limits that need not know who asks come before sign-in, so that a flood of bad
 * tokens is held off too; those by user, key or plan behind it. In each step those of the process
 * itself are asked first, then all that are shared in one round trip; each group in the order of
 * the settings, and the first one that refuses ends it. Where more meet on a request than one call
 * takes, there are several: none goes unasked. */
#include "edge/edge_priv.h"

#include <sodium.h>

enum { KEY_MOST = 640, TEXT_MOST = 200, DIGEST = 16 };

/* Of one request, in its arena: the second step adds to what the first one has told. */
struct asking {
    const struct edge *e;
    struct request *rq;
    struct edge_caller caller;   /* known in the second step */
    size_t count, told_count;    /* of the lists below */
    unsigned line;               /* where in reply->more it is told, when told_count is not 0 */
    const struct limit **limits; /* that rq falls under: room for all there are, as in each list; */
    const struct limit_level **levels;
    struct store_take *takes; /* and what is asked of each */
    struct limit_told *told;
};

/* ---- keys ---- */

/* Texts of clients may be long: then their digest stands for them. The tag and the length keep
 * different parts from looking alike. */
static void put_part(struct buf *b, char tag, str text)
{
    uint8_t digest[DIGEST];
    buf_char(b, tag);
    if (text.len > TEXT_MOST) {
        crypto_generichash(digest, sizeof digest, (const uint8_t *)text.ptr, text.len, NULL, 0);
        buf_char(b, (char)0xff);
        buf_add(b, digest, sizeof digest);
    } else {
        buf_char(b, (char)text.len);
        buf_str(b, text);
    }
}

static bool is_v4(const struct address *at)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(at->bytes, mapped, sizeof mapped) == 0;
}

static struct address address_of(const struct asking *a)
{
    struct address at;
    unsigned bits = a->e->config.ipv6_bits;
    if (!edge_client(a->e, a->rq, &at))
        at = (struct address){{0}};
    for (unsigned i = is_v4(&at) ? 16 : bits / 8; i < 16; i++) {
        unsigned keep = i == bits / 8 ? 0xff00u >> bits % 8 & 0xff : 0;
        at.bytes[i] = (uint8_t)(at.bytes[i] & keep);
    }
    return at;
}

/* Who is not signed in, or has no key, is told apart by the address. */
static void put_key(struct buf *b, const struct asking *a, const struct limit_config *c)
{
    bool by_address = (c->parts & PART_ADDRESS) != 0;
    if ((c->parts & PART_USER) && a->caller.user.len)
        put_part(b, 'u', a->caller.user);
    else
        by_address |= (c->parts & PART_USER) != 0;
    if ((c->parts & PART_KEY) && a->caller.key.len)
        put_part(b, 'k', a->caller.key);
    else
        by_address |= (c->parts & PART_KEY) != 0;
    if (by_address) {
        struct address at = address_of(a);
        put_part(b, 'a', str_make((const char *)at.bytes, sizeof at.bytes));
    }
    if (c->parts & PART_ROUTE) {
        put_part(b, 'm', a->rq->method_text);
        put_part(b, 'r', str_of(a->rq->route));
    }
}

static str shared_key(const struct asking *a, str key)
{
    enum { HEX = 2 * DIGEST + 1 };
    uint8_t digest[DIGEST];
    char *hex = arena_new(&a->rq->arena, HEX);
    crypto_generichash(digest, sizeof digest, (const uint8_t *)key.ptr, key.len, NULL, 0);
    sodium_bin2hex(hex, HEX, digest, sizeof digest);
    return str_make(hex, HEX - 1);
}

/* ---- which ---- */

static bool fits(const struct request *rq, str path, unsigned methods)
{
    return (!methods || methods >> rq->method & 1) && (!path.len || edge_path(path, rq->path));
}

static uint32_t cost_of(const struct request *rq, const struct limit_config *c)
{
    for (size_t i = 0; i < c->cost_count; i++)
        if (fits(rq, c->costs[i].path, c->costs[i].methods))
            return c->costs[i].cost;
    return c->cost;
}

static const struct limit_level *level_of(const struct limit *l, str plan)
{
    for (size_t i = 1; plan.len && i < l->config->plan_count; i++)
        if (str_eq(l->config->plans[i].name, plan))
            return &l->levels[i];
    return &l->levels[0];
}

static void set_key(const struct asking *a, const struct limit *l, struct store_take *t)
{
    char room[KEY_MOST];
    struct buf b = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    if (LIKELY(l->config->parts == PART_ADDRESS && !l->config->shared)) {
        struct address at = address_of(a);
        t->hash = str_hash(str_make((const char *)at.bytes, sizeof at.bytes));
        return;
    }
    put_key(&b, a, l->config);
    BUG_ON(b.full);
    t->hash = str_hash(buf_view(&b));
    if (l->config->shared)
        t->key = shared_key(a, buf_view(&b));
}

static void add(struct asking *a, const struct limit *l)
{
    uint32_t cost = cost_of(a->rq, l->config);
    if (cost == 0)
        return;
    const struct limit_level *level = l->late ? level_of(l, a->caller.plan) : &l->levels[0];
    struct store_take *t = &a->takes[a->count];
    a->limits[a->count] = l;
    a->levels[a->count++] = level;
    *t = (struct store_take){.table = level->table, .name = level->shared_name, .cost = cost};
    set_key(a, l, t);
}

static void gather(struct asking *a, bool late, bool far)
{
    const struct edge *e = a->e;
    for (size_t i = 0; i < e->config.limit_count; i++) {
        const struct limit *l = &e->limits[i];
        bool asks_far = l->config->shared && store_shared();
        bool below = l->below.len && !l->config->methods && str_starts(a->rq->path, l->below);
        if (l->late == late && asks_far == far &&
            (below || fits(a->rq, l->config->path, l->config->methods)))
            add(a, l);
    }
}

/* ---- asking ---- */

/* From the from-th on, in one call. Gives as store_ops.take does. */
WAITS static int ask_some(struct asking *a, struct store *s, size_t from, size_t count,
                          struct err *err)
{
    struct limit_verdict out[STORE_TAKES_MOST];
    int got = s->ops->take(s, a->takes + from, count, a->rq->started_ns, out, err);
    for (int i = 0; i < got; i++) {
        const struct limit *l = a->limits[from + (size_t)i];
        limits__count(l, out[i].allowed ? RESULT_ALLOWED : RESULT_LIMITED);
        a->told[a->told_count++] =
            (struct limit_told){a->levels[from + (size_t)i], l->config, out[i]};
    }
    return got;
}

static bool refused(const struct asking *a)
{
    return a->told_count && !a->told[a->told_count - 1].verdict.allowed;
}

/* Those from *from on, up to the first that refuses. Fails as store_ops.take; *from is then the
 * first that was not decided. */
WAITS static int ask(struct asking *a, struct store *s, size_t *from, struct err *err)
{
    while (*from < a->count && !refused(a)) {
        size_t left = a->count - *from, n = left < STORE_TAKES_MOST ? left : STORE_TAKES_MOST;
        TRY(ask_some(a, s, *from, n, err));
        *from += n;
    }
    return 0;
}

/* The shared store is away: each limit does what its settings say. */
WAITS static int without(struct asking *a, size_t from, struct err *err)
{
    struct err none = {0};
    bool closed = false;
    for (size_t i = from; i < a->count; i++) {
        const struct limit *l = a->limits[i];
        limits__count(l, RESULT_FAILED);
        closed |= l->config->fail == FAIL_CLOSED;
    }
    if (closed)
        return E_BUSY;
    *err = none;
    for (size_t i = from; i < a->count && !refused(a); i++) {
        if (a->limits[i]->config->fail == FAIL_LOCAL)
            TRY(ask_some(a, store_local(), i, 1, err));
    }
    return 0;
}

WAITS static int ask_all(struct asking *a, bool late, struct err *err)
{
    size_t from = a->count;
    gather(a, late, false);
    TRY(ask(a, store_local(), &from, err));
    struct store *shared = a->e->shares ? store_shared() : NULL;
    if (!shared || refused(a))
        return 0;
    from = a->count;
    gather(a, late, true);
    int code = ask(a, shared, &from, err);
    return code == E_BUSY ? without(a, from, err) : code;
}

WAITS static int step(struct asking *a, bool late, struct err *err)
{
    struct reply *reply = a->rq->reply;
    size_t told = a->told_count;
    TRY(ask_all(a, late, err));
    if (a->told_count == told)
        return 0;
    str lines = fields__text(a->rq, a->told, a->told_count);
    if (told) {
        reply->more[a->line] = lines;
    } else {
        a->line = reply->more_count;
        reply_more(reply, lines);
    }
    if (!refused(a))
        return 0;
    fields__refuse(a->rq, &a->told[a->told_count - 1]);
    return 1;
}

static struct asking *asking_of(const struct edge *e, struct request *rq)
{
    if (!rq->limits) {
        struct asking *a = arena_new(&rq->arena, sizeof *a);
        size_t most = e->config.limit_count;
        *a = (struct asking){.e = e, .rq = rq};
        a->limits = arena_new(&rq->arena, most * sizeof *a->limits);
        a->levels = arena_new(&rq->arena, most * sizeof *a->levels);
        a->takes = arena_new(&rq->arena, most * sizeof *a->takes);
        a->told = arena_new(&rq->arena, most * sizeof *a->told);
        rq->limits = a;
    }
    return rq->limits;
}

int edge_limit(const struct edge *e, struct request *rq, struct err *err)
{
    return e->early ? step(asking_of(e, rq), false, err) : 0;
}

int edge_quota(const struct edge *e, struct request *rq, struct err *err)
{
    edge_caller_fn *caller = e->config.caller ? e->config.caller : who__caller;
    if (!e->late)
        return 0;
    struct asking *a = asking_of(e, rq);
    a->caller = (struct edge_caller){.user = {"", 0}};
    caller(e, rq, &a->caller);
    return step(a, true, err);
}
