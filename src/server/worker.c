/* worker.c -- one thread: its loop, its listening sockets, its database connection, its world.
 * SPDX: Apache-2.0
 * Invariants: (1) A seat and its count belong to the thread. (2) A request stays in the world it
 * began in; the seat of a world that was left ends with its last request. */
#include "base/clock.h"
#include "base/mem.h"
#include "oauth/oauth.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "render/render.h"
#include "server/roles.h"
#include "server/server_priv.h"

#include <time.h>

/* ---- worlds ---- */

static void seat_end(struct seat *seat)
{
    world_put(&seat->world);
    mem_free(seat);
}

void worker_adopt(struct worker *w, struct world *world)
{
    struct seat *old = w->seat;
    w->seat = mem_zero(1, sizeof *w->seat);
    w->seat->world = world;
    if (!old)
        return;
    old->left = true;
    if (!old->active)
        seat_end(old);
}

struct http_limits worker_limits(const struct serve *s, const struct config *c)
{
    const uint64_t ms = 1000000;
    unsigned each = ((unsigned)c->max_connections + s->worker_count - 1) / s->worker_count;
    return (struct http_limits){.header_ns = c->header_timeout * ms,
                                .body_ns = c->body_timeout * ms,
                                .idle_ns = c->idle_timeout * ms,
                                .write_ns = c->write_timeout * ms,
                                .request_ns = c->request_timeout * ms,
                                .max_head = c->max_head,
                                .max_target = c->max_target,
                                .max_body = c->max_body,
                                .request_memory = c->request_memory,
                                .max_headers = (unsigned)c->max_headers,
                                .max_connections = each,
                                .max_keepalive = (uint64_t)c->max_keepalive};
}

/* ---- a request ---- */

static void walk(void *arg)
{
    pipeline_walk(arg);
}

enum { LINES_MOST = 8192, VARY_MOST = 1024 };

/* The request was ended on the spot, and what it stood on in its arena is not to be trusted. */
static void over_budget(struct request *rq)
{
    enum { ID_MOST = 64 };
    struct err err = {0};
    char id[ID_MOST];
    str kept = {id, rq->id.len < ID_MOST ? rq->id.len : ID_MOST};
    memcpy(id, rq->id.ptr, kept.len);
    char room[LINES_MOST];
    struct buf lines = {.ptr = room, .cap = sizeof room, .limit = sizeof room};
    for (unsigned i = 0; i < rq->reply->more_count; i++)
        buf_str(&lines, rq->reply->more[i]); /* CORS, or the page cannot read what went wrong */
    char names[VARY_MOST];
    struct buf vary = {.ptr = names, .cap = sizeof names, .limit = sizeof names};
    for (unsigned i = 0; i < rq->reply->vary_count; i++)
        buf_printf(&vary, "%s%.*s", i ? "," : "", STR_ARG(rq->reply->vary[i]));
    fail(&err, E_TOOBIG, "the request needs more memory than http.request_memory allows");
    arena_reset(&rq->arena);
    rq->id = arena_str(&rq->arena, kept); /* the head is written when this has returned */
    rq->headers = NULL;
    rq->header_count = rq->param_count = rq->reply->header_count = 0;
    rq->path = str_upto(rq->target, str_find(rq->target, '?'));
    rq->reply->more_count = rq->reply->vary_count = 0;
    reply_more(rq->reply, arena_str(&rq->arena, buf_view(&lines)));
    reply_vary(rq->reply, arena_str(&rq->arena, buf_view(&vary)));
    if (rq->reply->started)
        rq->reply->failed = true;
    else
        render_problem(rq, 0, &err);
}

static uint64_t body_bytes(const struct request *rq)
{
    const struct reply *r = rq->reply;
    if (r->started)
        return r->bytes + r->body.len;
    if (rq->method == METHOD_HEAD)
        return 0;
    return r->fixed.ptr ? r->fixed.len : r->body.len;
}

static void account(const struct request *rq)
{
    const struct world *w = rq->world;
    const struct endpoint *e = rq->endpoint;
    uint64_t ns = clock_ns() - rq->started_ns;
    metrics_request(e ? w->metric_of[e->number] : METRICS_NO_ROUTE, (unsigned)rq->method,
                    rq->reply->status, ns);
    bool logged = w->log_requests && log_on(e && e->quiet ? LOG_DEBUG : LOG_INFO);
    bool tapped = log_tapped() && !(e && e->quiet);
    if (!logged && !tapped)
        return;
    struct log_request line = {.id = rq->id,
                               .method = rq->method_text,
                               .path = rq->path,
                               .route = str_of(e ? e->pattern : NULL),
                               .status = rq->reply->status,
                               .duration_us = ns / 1000,
                               .bytes = body_bytes(rq)};
    if (logged)
        log_request(&line);
    if (tapped)
        log_tap(&line);
}

/* The answer still stands on the world while it is being sent. */
static void leave(void *arg)
{
    struct seat *seat = arg;
    if (--seat->active == 0 && seat->left)
        seat_end(seat);
}

WAITS static void handle(struct request *rq, void *ctx)
{
    struct worker *w = ctx;
    struct seat *seat = w->seat;
    seat->active++;
    fiber_defer(leave, seat); /* of the whole request: runs when it was sent */
    rq->world = seat->world;
    if (fiber_scope(walk, rq) < 0)
        over_budget(rq);
    account(rq);
}

/* A route that takes files reads its bodies itself. */
static uint64_t pieces(struct request *rq, void *ctx)
{
    const struct worker *w = ctx;
    struct reply unused = {.status = 200};
    struct err err = {0};
    str allow;
    rq->reply = &unused;
    pipeline_version(w->seat->world, rq);
    if (router_find(w->seat->world->router, rq, &allow, &err) < 0)
        return 0;
    const struct endpoint *e = rq->endpoint;
    return e->pieces ? e->pieces(rq, e->data) : 0;
}

static void refused(void *ctx, const struct refusal *r)
{
    struct log l;
    (void)ctx;
    metrics_add(METRICS_BAD_REQUESTS, 1);
    if (!log_on(LOG_INFO))
        return;
    log_begin(&l, LOG_INFO, "bad request");
    log_str(&l, "request_id", r->id);
    log_str(&l, "peer", r->peer);
    log_int(&l, "status", r->status);
    log_str(&l, "why", str_of(r->why));
    log_end(&l);
}

static void problem(struct request *rq, const struct refusal *r, void *ctx)
{
    static const int codes[] = {E_BAD, E_SLOW, E_TOOBIG, E_BUSY};
    const struct worker *w = ctx;
    struct err err = {0};
    int code = E_BAD; /* of any other status the title is the word */
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (err_status(codes[i]) == r->status)
            code = codes[i];
    fail(&err, code, "%s", r->why);
    rq->locales = &w->seat->world->config->locales;
    render_problem(rq, r->status, &err);
}

/* ---- metrics of the connections ---- */

static void tell(enum metrics_count which, uint64_t now, uint64_t before)
{
    if (now != before)
        metrics_add(which, (int64_t)(now - before));
}

static void tell_stats(struct worker *w)
{
    struct http_stats now, *told = &w->told;
    int64_t fibers = loop_fibers(w->loop);
    http_server_stats(w->http, &now);
    tell(METRICS_CONNECTIONS, now.accepted, told->accepted);
    tell(METRICS_CONN_REFUSED, now.turned_away, told->turned_away);
    tell(METRICS_CONN_ACTIVE, now.active, told->active);
    tell(METRICS_IN_PROGRESS, now.active, told->active);
    tell(METRICS_CONN_IDLE, now.idle, told->idle);
    tell(METRICS_BYTES_IN, now.bytes_in, told->bytes_in);
    tell(METRICS_BYTES_OUT, now.bytes_out, told->bytes_out);
    tell(METRICS_FIBERS, (uint64_t)fibers, (uint64_t)w->told_fibers);
    *told = now;
    w->told_fibers = fibers;
}

static void before_sleep(void *arg)
{
    tell_stats(arg);
    log_flush();
}

/* ---- sessions that other processes ended ---- */

enum { SYNC_MS = 1000, SWEEP_EVERY = 60 };

static void sync_keys(struct identity *i)
{
    struct err err = {0};
    int code = identity_refresh(i, &err);
    if (code > 0)
        log_event(LOG_INFO, "the keys of tokens have changed");
    else if (code < 0)
        log_event_str(LOG_ERROR, "the keys of tokens stay as they were", "error", str_of(err.text));
}

WAITS static void sweep_old(const struct world *world)
{
    struct err err = {0};
    if (account_sweep(world->accounts, (int64_t)time(NULL), &err) < 0 && err.code != E_BUSY &&
        err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "old sessions cannot be deleted", "error", str_of(err.text));
    err = (struct err){0};
    if (!world->config->auth_audit)
        return;
    if (audit_sweep(world->accounts, &err) < 0 && err.code != E_BUSY && err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "old security events cannot be deleted", "error", str_of(err.text));
}

WAITS static void sweep_proofs(const struct world *world)
{
    struct err err = {0};
    if (account_sweep_proofs(world->accounts, &err) < 0 && err.code != E_BUSY &&
        err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "old links cannot be deleted", "error", str_of(err.text));
    err = (struct err){0};
    if (account_sweep_flows(world->accounts, &err) < 0 && err.code != E_BUSY &&
        err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "old sign-ins cannot be deleted", "error", str_of(err.text));
}

WAITS static void sweep_apps(const struct world *world)
{
    struct err err = {0};
    if (oauth_sweep(world->accounts, (int64_t)time(NULL), &err) < 0 && err.code != E_BUSY &&
        err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "old grants of apps cannot be deleted", "error", str_of(err.text));
}

static void sync_sessions(void *arg)
{
    struct worker *w = arg;
    struct world *world = world_get(w->seat->world);
    struct err err = {0};
    int64_t now = (int64_t)time(NULL);
    if ((oauth_sync(world->accounts, now, &err) < 0 ||
         account_sync(world->accounts, now, &err) < 0) &&
        err.code != E_BUSY)
        log_event_str(LOG_WARN, "ended sessions cannot be read", "error", str_of(err.text));
    sync_keys(world->identity);
    if (w->syncs++ % SWEEP_EVERY == 0) {
        sweep_old(world);
        sweep_proofs(world);
        sweep_apps(world);
    }
    world_put(&world);
    w->syncing = false;
    worker_rests(w);
}

static void sync_soon(void *arg)
{
    struct worker *w = arg;
    if (!w->syncing && !w->drained)
        w->syncing = fiber_soon(w->loop, sync_sessions, w);
}

/* ---- kept answers that have expired, files that no row has ---- */

enum { SWEEP_MS = 5000, SWEEP_MEMORY = 1 << 20 };

static void sweep(void *arg)
{
    struct worker *w = arg;
    struct world *world = world_get(w->seat->world);
    struct err err = {0};
    struct arena a;
    arena_init(&a, SWEEP_MEMORY);
    if (world->idempotency && idempotency_sweep(world->idempotency, &a, &err) < 0 &&
        err.code != E_BUSY && err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "expired idempotency keys cannot be deleted", "error",
                      str_of(err.text));
    err = (struct err){0};
    if (world->rest.files && world->config->tables.file_count &&
        files_sweep(world->rest.files, &a, &err) < 0 && err.code != E_BUSY &&
        err.code != E_CANCELLED)
        log_event_str(LOG_WARN, "files that no row has cannot be deleted", "error",
                      str_of(err.text));
    arena_reset(&a);
    world_put(&world);
    w->sweeping = false;
    worker_rests(w);
}

static void sweep_soon(void *arg)
{
    struct worker *w = arg;
    if (!w->sweeping && !w->drained)
        w->sweeping = fiber_soon(w->loop, sweep, w);
}

/* ---- the thread ---- */

static void say_ready(struct worker *w)
{
    struct serve *s = w->serve;
    pthread_mutex_lock(&s->lock);
    s->ready++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static int prepare(struct worker *w)
{
    static const struct http_hooks hooks = {
        .handle = handle, .pieces = pieces, .refused = refused, .problem = problem};
    struct serve *s = w->serve;
    const struct config *c = s->boot;
    metrics_thread_begin();
    w->loop = loop_new((size_t)c->fiber_stack, (unsigned)c->max_requests);
    TRY(db_worker_begin(s->db, &w->err));
    store_thread_begin(&s->redis);
    struct http_limits limits = worker_limits(s, c);
    w->http = http_server_new(w->loop, &limits, &hooks, w);
    loop_before_sleep(w->loop, before_sleep, w);
    if (w->index == 0 && s->app->identity)
        loop_every(w->loop, SYNC_MS, sync_soon, w);
    if (w->index == 0)
        loop_every(w->loop, SWEEP_MS, sweep_soon, w);
    if (w->index == 0 && c->auth_role_table.len)
        loop_every(w->loop, SYNC_MS, roles_soon, s);
    worker_adopt(w, world_get(s->world));
    if (w->index == 0 && c->mail_from.len)
        mailer_begin(w);
    if (w->index == 0 && s->app->identity)
        sync_soon(w); /* what ended before the start */
    for (unsigned i = 0; i < w->fd_count; i++)
        http_server_listen(w->http, w->fds[i]);
    w->fd_count = 0;
    return 0;
}

/* Fibers that no request waits for: other threads may hold pointers into them. */
static bool busy(const struct worker *w)
{
    return w->syncing || w->sweeping || w->serve->reading_roles || mailer_busy(w->serve->app);
}

void worker_rests(struct worker *w)
{
    if (w->drained)
        worker_drained(w);
}

void worker_drained(void *arg)
{
    struct worker *w = arg;
    w->drained = true;
    if (w->index == 0)
        mailer_stop(w->serve->app);
    if (w->index == 0 && (w->serve->reloading || busy(w)))
        return; /* whoever ends last calls again */
    atomic_fetch_add(&w->serve->ended, 1);
    loop_stop(w->loop);
}

/* The loop is posted to by others, until they say that they are through. */
static void wait_over(struct serve *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->over)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static void *thread(void *arg)
{
    struct worker *w = arg;
    w->started = prepare(w);
    say_ready(w);
    if (w->started == 0)
        loop_run(w->loop);
    wait_over(w->serve);
    if (w->started == 0) {
        tell_stats(w);
        http_server_free(&w->http);
        seat_end(w->seat);
        identity_thread_end();
        store_thread_end();
        db_worker_end(w->serve->db);
    }
    loop_free(&w->loop);
    metrics_thread_end();
    log_thread_end();
    return NULL;
}

int worker_start(struct worker *w)
{
    return -pthread_create(&w->thread, NULL, thread, w);
}
