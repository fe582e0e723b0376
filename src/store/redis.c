/* redis.c -- rate limits in Redis: a connection for each worker, all its requests pipelined.
 * SPDX: Apache-2.0
 * Commands are queued before the connection is even made; hiredis sends what has gathered when the
 * socket takes it, so a turn of the loop is one write.
 *   AWAY --request, pause over [dial]--> OPENING --first answer [on_hello]--> READY
 *    ^--broken, an error, a request over its time [lost]--'-------------------'
 * While it was never lost, requests of OPENING wait for their answers; afterwards only the one that
 * dialled does, and all others fail at once: a Redis that is away costs nothing.
 * Invariants: (1) Nothing here blocks: names are looked up on a helper thread. (2) An ask lives
 * until its answer came or the connection ended, though its fiber may have given up. (3) hiredis
 * frees its context by itself; `cleanup`, which it calls then, is where the link learns of it. */
#include "store/store_priv.h"

#include "base/clock.h"
#include "base/mem.h"
#include "lib/hiredis.h"
#include "net/net.h"
#include "observe/log.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>

#define MS UINT64_C(1000000)

enum { PAUSE_FIRST_MS = 100, PAUSE_DOUBLINGS = 4, SHA_LEN = 40, SPARE_MOST = 64 };
enum { ARGS_MOST = 4 + STORE_TAKES_MOST * (1 + STORE_SCRIPT_ARGS), NUMBER_ROOM = 24 };

enum link_state { LINK_AWAY, LINK_OPENING, LINK_READY };

struct ask {
    struct redis_link *link;
    struct ask *spare;
    struct fiber *fiber; /* NULL: nobody waits any more */
    int code;            /* 0, E_BUSY, or E_NOTFOUND: the server has lost the script */
    bool done;
    size_t count;
    struct limit_verdict out[STORE_TAKES_MOST];
    struct arena *arena; /* of a command's fiber, and where its answer goes */
    struct value *value;
};

struct redis_link {
    struct store base;              /* first */
    const struct redis_config *cfg; /* but for the password: */
    char *password;
    struct redis_target target;
    enum link_state state;
    bool dialling; /* a fiber looks the name up */
    redisAsyncContext *raw;
    struct net_watch *watch;
    bool reads, writes;
    unsigned pending, fails, spare_count;
    uint64_t retry_ns, opened_ns, said_ns; /* said_ns: when it last told of a script error */
    char sha[SHA_LEN + 1];                 /* empty: the script goes along */
    struct ask *spares;
};

static _Thread_local struct redis_link *mine;

static struct {
    _Atomic uint64_t commands, failures, connects, lost, up;
} counts;

static void count(_Atomic uint64_t *at, uint64_t n)
{
    atomic_fetch_add_explicit(at, n, memory_order_relaxed);
}

void redis_stats(struct redis_stats *out)
{
    *out = (struct redis_stats){.commands = atomic_load(&counts.commands),
                                .failures = atomic_load(&counts.failures),
                                .connects = atomic_load(&counts.connects),
                                .lost = atomic_load(&counts.lost),
                                .up = atomic_load(&counts.up)};
}

/* ---- where it is ---- */

static int bad_url(struct err *err)
{
    return fail(err, E_CONFIG,
                "expected redis://HOST:PORT/NUMBER or unix:PATH (user and password are settings of "
                "their own)");
}

int redis_target(str url, struct redis_target *out, struct err *err)
{
    uint64_t port = 6379, db = 0;
    *out = (struct redis_target){.port = 6379};
    if (str_starts(url, LIT("unix:"))) {
        out->path = str_from(url, 5);
        return out->path.len > 0 && out->path.len < 108 ? 0 : bad_url(err);
    }
    if (str_starts(url, LIT("rediss:")))
        return fail(err, E_CONFIG, "TLS to Redis is not supported: use a tunnel or a unix socket");
    if (!str_starts(url, LIT("redis://")))
        return bad_url(err);
    str rest = str_from(url, 8), place = str_cut(&rest, '/');
    if (rest.ptr && rest.len && (!str_to_u64(rest, &db) || db > 1000000))
        return bad_url(err);
    size_t colon = str_rfind(place, ':');
    if (str_ends(place, LIT("]")))
        colon = STR_NONE;
    if (colon != STR_NONE &&
        (!str_to_u64(str_from(place, colon + 1), &port) || port == 0 || port > 65535))
        return bad_url(err);
    out->host = str_upto(place, colon);
    if (str_starts(out->host, LIT("[")) && str_ends(out->host, LIT("]")))
        out->host = str_upto(str_from(out->host, 1), out->host.len - 2);
    out->port = (uint16_t)port;
    out->db = (unsigned)db;
    bool good = out->host.len > 0 && out->host.len < 256 && str_find(out->host, '@') == STR_NONE;
    return good ? 0 : bad_url(err);
}

/* ---- asks ---- */

static struct ask *ask_get(struct redis_link *l)
{
    struct ask *a = l->spares;
    if (a) {
        l->spares = a->spare;
        l->spare_count--;
    } else {
        a = mem_new(sizeof *a);
    }
    *a = (struct ask){.link = l, .fiber = fiber_self()};
    l->pending++;
    return a;
}

static void ask_put(struct redis_link *l, struct ask *a)
{
    l->pending--;
    if (l->spare_count == SPARE_MOST) {
        mem_free(a);
        return;
    }
    a->spare = l->spares;
    l->spares = a;
    l->spare_count++;
}

static void ask_end(struct ask *a, int code)
{
    a->code = code;
    a->done = true;
    if (a->fiber)
        fiber_wake(a->fiber);
    else
        ask_put(a->link, a);
}

/* ---- the connection's ends ---- */

static void say(const char *event, str why)
{
    log_event_str(LOG_WARN, event, "error", why);
}

static void back(struct redis_link *l)
{
    if (l->fails)
        log_event(LOG_INFO, "Redis is back");
    l->state = LINK_READY;
    l->fails = 0;
    count(&counts.up, 1);
}

/* Ends the connection; all asks that wait for it fail. */
static void lost(struct redis_link *l, str why)
{
    unsigned doublings = l->fails < PAUSE_DOUBLINGS ? l->fails : PAUSE_DOUBLINGS;
    if (l->state == LINK_AWAY)
        return;
    if (l->fails++ == 0)
        say("Redis cannot be reached", why);
    if (l->state == LINK_READY)
        count(&counts.up, UINT64_MAX);
    l->state = LINK_AWAY;
    l->retry_ns = loop_now() + ((uint64_t)PAUSE_FIRST_MS << doublings) * MS;
    count(&counts.lost, 1);
    redisAsyncContext *raw = l->raw;
    l->raw = NULL;
    if (raw)
        hiredis.redisAsyncFree(raw);
}

static void want(struct redis_link *l)
{
    if (l->watch)
        net_watch_want(l->watch, l->reads, l->writes);
}

static void add_read(void *ctx)
{
    struct redis_link *l = ctx;
    l->reads = true;
    want(l);
}

static void del_read(void *ctx)
{
    struct redis_link *l = ctx;
    l->reads = false;
    want(l);
}

static void add_write(void *ctx)
{
    struct redis_link *l = ctx;
    l->writes = true;
    want(l);
}

static void del_write(void *ctx)
{
    struct redis_link *l = ctx;
    l->writes = false;
    want(l);
}

static void cleanup(void *ctx)
{
    struct redis_link *l = ctx;
    net_watch_close(&l->watch);
    l->reads = l->writes = false;
    l->raw = NULL;
    lost(l, LIT("the connection ended"));
}

static void on_socket(void *ctx, bool readable, bool writable)
{
    struct redis_link *l = ctx;
    if (writable && l->raw)
        hiredis.redisAsyncHandleWrite(l->raw);
    if (readable && l->raw)
        hiredis.redisAsyncHandleRead(l->raw);
}

/* ---- its beginning ---- */

/* SCRIPT LOAD, behind AUTH and SELECT. */
static void on_hello(redisAsyncContext *raw, void *answer, void *ctx)
{
    struct redis_link *l = ctx;
    const redisReply *r = answer;
    if (l->raw != raw || !r)
        return;
    if (r->type == REDIS_REPLY_STRING && (size_t)r->len == SHA_LEN) {
        memcpy(l->sha, r->str, SHA_LEN);
        back(l);
    } else {
        lost(l, r->type == REDIS_REPLY_ERROR ? str_make(r->str, (size_t)r->len)
                                             : LIT("no Redis answered"));
    }
}

/* AUTH and SELECT: when they fail, nothing behind them can be trusted. */
static void on_login(redisAsyncContext *raw, void *answer, void *ctx)
{
    struct redis_link *l = ctx;
    const redisReply *r = answer;
    if (l->raw == raw && r && r->type == REDIS_REPLY_ERROR)
        lost(l, str_make(r->str, (size_t)r->len));
}

static void hello(struct redis_link *l)
{
    const struct redis_config *c = l->cfg;
    str password = str_of(l->password);
    l->sha[0] = '\0';
    if (password.len && c->user.len)
        hiredis.redisAsyncCommand(l->raw, on_login, l, "AUTH %b %b", c->user.ptr, c->user.len,
                                  password.ptr, password.len);
    else if (password.len)
        hiredis.redisAsyncCommand(l->raw, on_login, l, "AUTH %b", password.ptr, password.len);
    if (l->target.db)
        hiredis.redisAsyncCommand(l->raw, on_login, l, "SELECT %u", l->target.db);
    hiredis.redisAsyncCommand(l->raw, on_hello, l, "SCRIPT LOAD %b", store__script.ptr,
                              store__script.len);
}

struct lookup {
    char host[256], address[INET6_ADDRSTRLEN];
    bool found;
};

static void look_up(void *arg)
{
    struct lookup *k = arg;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    k->found = getaddrinfo(k->host, NULL, &hints, &list) == 0 &&
               getnameinfo(list->ai_addr, list->ai_addrlen, k->address, sizeof k->address, NULL, 0,
                           NI_NUMERICHOST) == 0;
    if (list)
        freeaddrinfo(list);
}

static bool is_number(const char *host)
{
    struct in6_addr a;
    return inet_pton(AF_INET, host, &a) == 1 || inet_pton(AF_INET6, host, &a) == 1;
}

WAITS static redisAsyncContext *connect_raw(struct redis_link *l)
{
    struct lookup k = {.found = false};
    const struct redis_target *t = &l->target;
    struct err err = {0};
    char path[108];
    if (lib_load(&lib_hiredis, E_BUSY, &err) < 0)
        return NULL;
    if (t->path.len) {
        snprintf(path, sizeof path, "%.*s", STR_ARG(t->path));
        return hiredis.redisAsyncConnectUnix(path);
    }
    snprintf(k.host, sizeof k.host, "%.*s", STR_ARG(t->host));
    if (is_number(k.host))
        return hiredis.redisAsyncConnect(k.host, t->port);
    l->dialling = true; /* nobody else dials meanwhile */
    int code = fiber_blocking(look_up, &k);
    l->dialling = false;
    return code == 0 && k.found ? hiredis.redisAsyncConnect(k.address, t->port) : NULL;
}

static void attach(struct redis_link *l)
{
    redisAsyncContext *raw = l->raw;
    raw->ev.data = l;
    raw->ev.addRead = add_read;
    raw->ev.delRead = del_read;
    raw->ev.addWrite = add_write;
    raw->ev.delWrite = del_write;
    raw->ev.cleanup = cleanup;
    add_read(l);
    add_write(l);
}

WAITS static void dial(struct redis_link *l)
{
    redisAsyncContext *raw = connect_raw(l);
    l->state = LINK_OPENING;
    l->opened_ns = loop_now();
    count(&counts.connects, 1);
    if (!raw || raw->err) {
        lost(l, raw ? str_of(raw->errstr) : LIT("no such host, or no hiredis"));
        if (raw)
            hiredis.redisAsyncFree(raw);
        return;
    }
    l->watch = net_watch_open(loop_self(), raw->c.fd, on_socket, l);
    if (!l->watch) {
        hiredis.redisAsyncFree(raw);
        lost(l, LIT("its socket cannot be watched"));
        return;
    }
    l->raw = raw;
    attach(l);
    hello(l);
}

/* Whether a command may be queued now. */
WAITS static bool can_ask(struct redis_link *l)
{
    uint64_t now = loop_now();
    if (l->state == LINK_OPENING && now - l->opened_ns > l->cfg->connect_ms * MS)
        lost(l, LIT("connecting took too long"));
    bool dials = l->state == LINK_AWAY && now >= l->retry_ns && !l->dialling;
    if (dials)
        dial(l);
    if (l->state == LINK_OPENING && l->fails && !dials)
        return false;
    return l->state != LINK_AWAY && l->pending < l->cfg->queue;
}

/* ---- a command ---- */

struct command {
    const char *argv[ARGS_MOST];
    size_t lens[ARGS_MOST];
    int argc;
    char numbers[STORE_TAKES_MOST * STORE_SCRIPT_ARGS + 1][NUMBER_ROOM];
    size_t number_count;
    char keys[STORE_TAKES_MOST][256];
};

static void arg(struct command *c, str s)
{
    c->argv[c->argc] = s.ptr;
    c->lens[c->argc++] = s.len;
}

static void number(struct command *c, uint64_t n)
{
    char *room = c->numbers[c->number_count++];
    int len = snprintf(room, NUMBER_ROOM, "%llu", (unsigned long long)n);
    arg(c, str_make(room, (size_t)len));
}

static void fill(struct command *c, const struct redis_link *l, const struct store_take *list,
                 size_t n)
{
    c->argc = 0;
    c->number_count = 0;
    bool known = l->sha[0] != '\0';
    arg(c, known ? LIT("EVALSHA") : LIT("EVAL"));
    arg(c, known ? str_make(l->sha, SHA_LEN) : store__script);
    number(c, n);
    for (size_t i = 0; i < n; i++) {
        int len = snprintf(c->keys[i], sizeof c->keys[i], "%.*slimit:%.*s:%.*s",
                           STR_ARG(l->cfg->prefix), STR_ARG(list[i].name), STR_ARG(list[i].key));
        BUG_ON(len < 0 || (size_t)len >= sizeof c->keys[i]);
        arg(c, str_make(c->keys[i], (size_t)len));
    }
    arg(c, LIT("0"));
    for (size_t i = 0; i < n; i++) {
        const struct limit_rule *r = limit_table_rule(list[i].table);
        number(c, (uint64_t)r->algorithm);
        number(c, r->capacity);
        number(c, r->rate);
        number(c, r->window_ms);
        number(c, list[i].cost);
    }
}

static bool verdicts(struct ask *a, const redisReply *r)
{
    if (r->type != REDIS_REPLY_ARRAY || r->elements % STORE_SCRIPT_RESULTS != 0 ||
        r->elements / STORE_SCRIPT_RESULTS > STORE_TAKES_MOST)
        return false;
    a->count = r->elements / STORE_SCRIPT_RESULTS;
    for (size_t i = 0; i < r->elements; i++)
        if (r->element[i]->type != REDIS_REPLY_INTEGER)
            return false;
    for (size_t i = 0; i < a->count; i++) {
        redisReply *const *e = &r->element[i * STORE_SCRIPT_RESULTS];
        a->out[i] = (struct limit_verdict){.allowed = e[0]->integer == 1,
                                           .left = (uint32_t)e[1]->integer,
                                           .reset_ms = (uint64_t)e[2]->integer,
                                           .retry_ms = (uint64_t)e[3]->integer};
    }
    return a->count > 0;
}

/* An error that says of the whole server that it is of no use for now. */
static bool useless(const redisReply *r)
{
    static const char *const words[] = {"LOADING ", "NOAUTH ", "READONLY ", "MASTERDOWN "};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strncmp(r->str, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* Of this ask alone, such as a key of another type: all others go on. */
static void refused(struct redis_link *l, const redisReply *r)
{
    enum { QUIET_S = 10 };
    uint64_t now = loop_now();
    if (l->said_ns && now - l->said_ns < QUIET_S * 1000 * MS)
        return;
    l->said_ns = now;
    say("Redis refused a rate limit's script", str_make(r->str, (size_t)r->len));
}

static void on_verdicts(redisAsyncContext *raw, void *answer, void *ctx)
{
    struct ask *a = ctx;
    struct redis_link *l = a->link;
    const redisReply *r = answer;
    if (!r) {
        ask_end(a, E_BUSY);
    } else if (verdicts(a, r)) {
        ask_end(a, 0);
    } else if (r->type == REDIS_REPLY_ERROR && strncmp(r->str, "NOSCRIPT", 8) == 0) {
        l->sha[0] = '\0';
        ask_end(a, E_NOTFOUND);
    } else {
        bool error = r->type == REDIS_REPLY_ERROR;
        ask_end(a, E_BUSY);
        if (error && !useless(r))
            refused(l, r);
        else if (l->raw == raw)
            lost(l, error ? str_make(r->str, (size_t)r->len) : LIT("an answer of a strange form"));
    }
}

/* Parks until the ask is done; the time limit is that of one round trip. 0: it is done, with
 * a->code; else a is not ours any more. */
WAITS static int wait_done(struct redis_link *l, struct ask *a)
{
    uint64_t until = loop_now() + l->cfg->timeout_ms * MS;
    int code = 0;
    while (!a->done && code == 0)
        code = fiber_park("redis", until);
    if (!a->done) {
        a->fiber = NULL; /* whose answer comes later, or never */
        if (code == E_TIMEOUT)
            lost(l, LIT("no answer within redis.timeout"));
        return code == E_TIMEOUT ? E_BUSY : code;
    }
    return 0;
}

WAITS static int wait_for(struct redis_link *l, struct ask *a, struct limit_verdict *out)
{
    TRY(wait_done(l, a));
    int code = a->code;
    memcpy(out, a->out, a->count * sizeof *out);
    int got = (int)a->count;
    ask_put(l, a);
    return code < 0 ? code : got;
}

WAITS static int ask_once(struct redis_link *l, const struct store_take *list, size_t n,
                          struct limit_verdict *out)
{
    struct command c;
    if (!can_ask(l))
        return E_BUSY;
    struct ask *a = ask_get(l);
    fill(&c, l, list, n);
    count(&counts.commands, 1);
    if (hiredis.redisAsyncCommandArgv(l->raw, on_verdicts, a, c.argc, c.argv, c.lens) != REDIS_OK) {
        ask_put(l, a);
        return E_BUSY;
    }
    return wait_for(l, a, out);
}

WAITS static int redis_take(struct store *s, const struct store_take *list, size_t n,
                            uint64_t now_ns, struct limit_verdict *out, struct err *err)
{
    struct redis_link *l = (struct redis_link *)(void *)s; /* base is first */
    (void)now_ns;
    BUG_ON(s->ops->take != redis_take || n > STORE_TAKES_MOST);
    int code = ask_once(l, list, n, out);
    if (code == E_NOTFOUND) /* Redis was restarted or flushed: the script goes along */
        code = ask_once(l, list, n, out);
    if (code >= 0)
        return code;
    count(&counts.failures, 1);
    if (code == E_CANCELLED)
        return fail(err, E_CANCELLED, "the request was ended");
    return fail(err, E_BUSY, "the store of the rate limits cannot be reached");
}

/* ---- any other command ---- */

/* Inside hiredis: nothing here may end the fiber, hence arena_try. */
static int value_of(struct arena *a, const redisReply *r, unsigned depth, size_t *left,
                    struct value *out)
{
    *out = value_null();
    if (depth == 0 || (*left)-- == 0)
        return E_TOOBIG;
    if (r->type == REDIS_REPLY_INTEGER) {
        *out = value_int(r->integer);
    } else if (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS) {
        char *text = arena_try(a, (size_t)r->len + 1);
        if (!text)
            return E_TOOBIG;
        memcpy(text, r->str, (size_t)r->len);
        *out = value_text(str_make(text, (size_t)r->len));
    } else if (r->type == REDIS_REPLY_ARRAY) {
        struct value *items = arena_try(a, (r->elements + 1) * sizeof *items);
        if (!items || r->elements > STORE_ANSWER_MOST)
            return E_TOOBIG;
        *out = (struct value){.kind = V_ARRAY, .count = (uint32_t)r->elements, .items = items};
        for (size_t i = 0; i < r->elements; i++)
            TRY(value_of(a, r->element[i], depth - 1, left, &items[i]));
    }
    return 0;
}

static void on_value(redisAsyncContext *raw, void *answer, void *ctx)
{
    enum { DEPTH = 10 };
    struct ask *a = ctx;
    const redisReply *r = answer;
    size_t left = STORE_ANSWER_MOST;
    (void)raw;
    if (r && r->type == REDIS_REPLY_ERROR)
        say("Redis refused a command", str_make(r->str, (size_t)r->len));
    if (!r || r->type == REDIS_REPLY_ERROR)
        ask_end(a, E_BUSY);
    else
        ask_end(a, a->fiber ? value_of(a->arena, r, DEPTH, &left, a->value) : 0);
}

WAITS static int command(struct redis_link *l, struct arena *arena, const str *args, size_t n,
                         struct value *out)
{
    const char *argv[STORE_ARGS_MOST];
    size_t lens[STORE_ARGS_MOST];
    if (!l || !can_ask(l))
        return E_BUSY;
    for (size_t i = 0; i < n; i++) {
        argv[i] = args[i].ptr;
        lens[i] = args[i].len;
    }
    struct ask *a = ask_get(l);
    a->arena = arena;
    a->value = out;
    count(&counts.commands, 1);
    if (hiredis.redisAsyncCommandArgv(l->raw, on_value, a, (int)n, argv, lens) != REDIS_OK) {
        ask_put(l, a);
        return E_BUSY;
    }
    TRY(wait_done(l, a));
    int code = a->code;
    ask_put(l, a);
    return code;
}

int store_command(struct arena *a, const str *args, size_t n, struct value *out, struct err *err)
{
    BUG_ON(n > STORE_ARGS_MOST);
    int code = command(mine, a, args, n, out);
    if (code >= 0)
        return 0;
    count(&counts.failures, 1);
    if (code == E_CANCELLED)
        return fail(err, E_CANCELLED, "the request was ended");
    if (code == E_TOOBIG)
        return fail(err, E_TOOBIG, "the answer of Redis is too long");
    return fail(err, E_BUSY, "Redis cannot be reached");
}

str store_prefix(void)
{
    return mine ? mine->cfg->prefix : (str){"", 0};
}

/* ---- the thread's ---- */

void store_thread_begin(const struct redis_config *cfg)
{
    static const struct store_ops ops = {.name = "redis", .take = redis_take};
    struct err err = {0};
    BUG_ON(mine);
    if (!cfg->url.len)
        return;
    mine = mem_zero(1, sizeof *mine);
    mine->base.ops = &ops;
    mine->cfg = cfg;
    store_thread_password(cfg->password);
    BUG_ON(redis_target(cfg->url, &mine->target, &err) < 0); /* was checked with the settings */
}

void store_thread_end(void)
{
    struct redis_link *l = mine;
    mine = NULL;
    if (!l)
        return;
    l->fails = 1; /* says nothing: this end is wanted */
    lost(l, LIT("the process stops"));
    while (l->spares) {
        struct ask *next = l->spares->spare;
        mem_free(l->spares);
        l->spares = next;
    }
    mem_free(l->password);
    mem_free(l);
}

void store_thread_password(str password)
{
    struct redis_link *l = mine;
    if (!l || (l->password && str_is(password, l->password)))
        return;
    mem_free(l->password);
    l->password = mem_text(password.ptr ? password.ptr : "", password.len);
    l->retry_ns = 0; /* the last refusal may have been of the old one */
}

struct store *store_shared(void)
{
    return mine ? &mine->base : NULL;
}
