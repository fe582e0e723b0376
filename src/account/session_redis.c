/* session_redis.c -- sessions in Redis: a hash for each, which expires with it; a sorted set of
 * those of each account; and one of those that ended lately, from which other processes learn of
 * them. What changes more than one key is a script, so that all of it happens. Times are our
 * clocks', as in rows. While Redis is away nobody signs in or refreshes (503); access tokens go on.
 * SPDX: Apache-2.0 */
#include "account/account_priv.h"

enum { FIELDS = 8, NUMBER_ROOM = 24, ENDED_SECONDS = 90000 };

struct call {
    struct arena *a;
    str args[STORE_ARGS_MOST];
    size_t count;
};

static void arg(struct call *c, str s)
{
    c->args[c->count++] = s.ptr ? s : (str){"", 0};
}

static void number(struct call *c, int64_t n)
{
    arg(c, arena_printf(c->a, "%lld", (long long)n));
}

static void key(struct call *c, const char *kind, str rest)
{
    arg(c, arena_printf(c->a, "%.*s%s%.*s", STR_ARG(store_prefix()), kind, STR_ARG(rest)));
}

static struct call script(struct arena *a, str text, int64_t keys)
{
    struct call c = {.a = a};
    arg(&c, LIT("EVAL"));
    arg(&c, text);
    number(&c, keys);
    return c;
}

WAITS static int run(struct call *c, struct value *out, struct err *err)
{
    return store_command(c->a, c->args, c->count, out, err);
}

/* ---- values ---- */

static int64_t int_of(const struct value *v)
{
    int64_t n = 0;
    return v->kind == V_TEXT && str_to_i64(v->text, &n) ? n : 0;
}

static str text_of(const struct value *v)
{
    return v->kind == V_TEXT ? v->text : LIT("");
}

/* What HMGET of the fields gives; all null: there is none. */
static struct session session_of(str id, const struct value *v)
{
    if (v->kind != V_ARRAY || v->count != FIELDS || v->items[0].kind != V_TEXT)
        return (struct session){0};
    return (struct session){.id = id,
                            .account = text_of(&v->items[0]),
                            .address = text_of(&v->items[1]),
                            .agent = text_of(&v->items[2]),
                            .counter = int_of(&v->items[3]),
                            .created = int_of(&v->items[4]),
                            .used = int_of(&v->items[5]),
                            .rotated = int_of(&v->items[6]),
                            .expires = int_of(&v->items[7])};
}

#define FIELD_NAMES "'account','address','agent','counter','created','used','rotated','expires'"

/* ---- the calls ---- */

WAITS static int redis_add(struct request *rq, const struct accounts *x, const struct session *s,
                           const struct audit_note *note, struct err *err)
{
    struct call c = script(
        &rq->arena,
        LIT("redis.call('HSET', KEYS[1], 'account', ARGV[1], 'address', ARGV[2], 'agent', ARGV[3],"
            " 'counter', ARGV[4], 'created', ARGV[5], 'used', ARGV[5], 'rotated', ARGV[5],"
            " 'expires', ARGV[6])\n"
            "redis.call('EXPIRE', KEYS[1], ARGV[6] - ARGV[5])\n"
            "redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[5])\n"
            "redis.call('ZADD', KEYS[2], ARGV[6], ARGV[7])\n"
            "redis.call('EXPIRE', KEYS[2], ARGV[6] - ARGV[5])\n"
            "return 1"),
        2);
    struct value v;
    key(&c, "session:", s->id);
    key(&c, "sessions:", s->account);
    arg(&c, s->account);
    arg(&c, s->address);
    arg(&c, s->agent);
    number(&c, s->counter);
    number(&c, s->created);
    number(&c, s->expires);
    arg(&c, s->id);
    TRY(run(&c, &v, err));
    audit__alone(rq, x, note);
    return 0;
}

WAITS static int redis_find(struct request *rq, const struct accounts *x, str sid,
                            struct session *out, struct err *err)
{
    struct call c =
        script(&rq->arena, LIT("return redis.call('HMGET', KEYS[1], " FIELD_NAMES ")"), 1);
    struct value v;
    (void)x;
    key(&c, "session:", sid);
    TRY(run(&c, &v, err));
    *out = session_of(sid, &v);
    return 0;
}

WAITS static int redis_rotate(struct request *rq, const struct accounts *x,
                              const struct session *next, bool *won, struct err *err)
{
    struct call c =
        script(&rq->arena,
               LIT("if redis.call('HGET', KEYS[1], 'counter') ~= ARGV[1] then return 0 end\n"
                   "redis.call('HSET', KEYS[1], 'counter', ARGV[2], 'used', ARGV[3], 'rotated',"
                   " ARGV[3], 'address', ARGV[4], 'agent', ARGV[5])\n"
                   "return 1"),
               1);
    struct value v;
    (void)x;
    key(&c, "session:", next->id);
    number(&c, next->counter - 1);
    number(&c, next->counter);
    number(&c, next->used);
    arg(&c, next->address);
    arg(&c, next->agent);
    TRY(run(&c, &v, err));
    *won = v.kind == V_INT && v.i == 1;
    return 0;
}

/* One that ended meanwhile does not come back. */
WAITS static int redis_touch(struct request *rq, const struct accounts *x, str sid, int64_t now,
                             struct err *err)
{
    struct call c = script(&rq->arena,
                           LIT("if redis.call('EXISTS', KEYS[1]) == 1 then"
                               " redis.call('HSET', KEYS[1], 'used', ARGV[1]) end\n"
                               "return 1"),
                           1);
    struct value v;
    (void)x;
    key(&c, "session:", sid);
    number(&c, now);
    return run(&c, &v, err);
}

static void by_use(struct session *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct session s = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1].used < s.used; at--)
            list[at] = list[at - 1];
        list[at] = s;
    }
}

/* The keys of the sessions follow from members of the set: no cluster of Redis is meant here. */
WAITS static int redis_list(struct request *rq, const struct accounts *x, str account,
                            struct session **out, size_t *count, struct err *err)
{
    struct call c =
        script(&rq->arena,
               LIT("local all = {}\n"
                   "for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, 999)) do\n"
                   "  all[#all + 1] = {id, redis.call('HMGET', ARGV[1] .. id, " FIELD_NAMES ")}\n"
                   "end\n"
                   "return all"),
               1);
    struct value v;
    (void)x;
    key(&c, "sessions:", account);
    key(&c, "session:", LIT(""));
    TRY(run(&c, &v, err));
    size_t all = v.kind == V_ARRAY ? v.count : 0;
    *out = ARENA_ARRAY(&rq->arena, struct session, all);
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        const struct value *item = &v.items[i];
        if (item->kind != V_ARRAY || item->count != 2)
            continue;
        struct session s = session_of(text_of(&item->items[0]), &item->items[1]);
        if (s.id.len)
            (*out)[(*count)++] = s;
    }
    by_use(*out, *count);
    return 0;
}

static int texts_of(struct arena *a, const struct value *v, str **out, size_t *count)
{
    size_t all = v->kind == V_ARRAY ? v->count : 0;
    *out = ARENA_ARRAY(a, str, all);
    *count = 0;
    for (size_t i = 0; i < all; i++)
        (*out)[(*count)++] = text_of(&v->items[i]);
    return 0;
}

WAITS static int redis_end(struct request *rq, const struct accounts *x,
                           const struct session_end *e, int64_t now, str **ids, size_t *count,
                           struct err *err)
{
    struct call c =
        script(&rq->arena,
               LIT("local ended = {}\n"
                   "for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do\n"
                   "  local this = id ~= ARGV[5]\n"
                   "  if ARGV[4] ~= '' then this = id == ARGV[4] end\n"
                   "  if this then\n"
                   "    redis.call('ZREM', KEYS[1], id)\n"
                   "    redis.call('ZADD', KEYS[2], ARGV[2], id)\n"
                   "    if redis.call('DEL', ARGV[1] .. id) == 1 then ended[#ended + 1] = id end\n"
                   "  end\n"
                   "end\n"
                   "redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2] - ARGV[3])\n"
                   "redis.call('EXPIRE', KEYS[2], ARGV[3])\n"
                   "return ended"),
               2);
    struct value v;
    struct audit_note note = session__note(e);
    key(&c, "sessions:", e->account);
    key(&c, "sessions-ended", LIT(""));
    key(&c, "session:", LIT(""));
    number(&c, now);
    number(&c, ENDED_SECONDS);
    arg(&c, e->sid);
    arg(&c, e->keep);
    TRY(run(&c, &v, err));
    TRY(texts_of(&rq->arena, &v, ids, count));
    if (*count || !e->sid.len)
        audit__alone(rq, x, &note);
    return 0;
}

WAITS static int ended_page(struct arena *a, int64_t since, int64_t skip, str **out, size_t *count,
                            struct err *err)
{
    struct call c = {.a = a};
    struct value v;
    arg(&c, LIT("ZRANGEBYSCORE"));
    key(&c, "sessions-ended", LIT(""));
    number(&c, since);
    arg(&c, LIT("+inf"));
    arg(&c, LIT("LIMIT"));
    number(&c, skip);
    number(&c, SESSIONS_ENDED);
    TRY(run(&c, &v, err));
    return texts_of(a, &v, out, count);
}

WAITS static int redis_sync(const struct accounts *x, int64_t since, int64_t now, struct err *err)
{
    struct arena a;
    size_t count;
    int64_t skip = 0;
    int code;
    do {
        str *list;
        arena_init(&a, 4 << 20);
        count = 0;
        code = ended_page(&a, since, skip, &list, &count, err);
        for (size_t i = 0; code == 0 && i < count; i++)
            identity_revoke(x->identity, list[i], now);
        skip += (int64_t)count;
        arena_reset(&a);
    } while (code == 0 && count == SESSIONS_ENDED);
    return code;
}

const struct session_ops session_redis = {.name = "redis",
                                          .add = redis_add,
                                          .find = redis_find,
                                          .rotate = redis_rotate,
                                          .touch = redis_touch,
                                          .list = redis_list,
                                          .end = redis_end,
                                          .sync = redis_sync};
