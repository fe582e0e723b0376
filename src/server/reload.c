/* reload.c -- SIGHUP: reads cairn.yaml and the catalog again, and makes the next world of them.
 * SPDX: Apache-2.0
 * Runs in a fiber of worker 0. What is wrong is logged, and the present world stays. Settings that
 * only a restart changes keep the values of the start. */
#include "base/mem.h"
#include "observe/log.h"
#include "server/collections.h"
#include "server/config_priv.h"
#include "server/counters.h"
#include "server/queries.h"
#include "server/roles.h"
#include "server/server_priv.h"

struct loading {
    struct serve *serve;
    struct config *config;
    struct err err;
    int code;
};

static void load(void *arg)
{
    struct loading *l = arg;
    const struct cairn_app *app = l->serve->app;
    l->code = config_load(app->dir, app->over, app->over_count, &l->config, &l->err);
}

static void log_faults(const struct err *err)
{
    struct log l;
    for (size_t i = 0; i < err->item_count || i == 0; i++) {
        log_begin(&l, LOG_ERROR, "reload failed, the settings stay");
        if (i < err->item_count) {
            log_str(&l, "place", err->items[i].pointer);
            log_str(&l, "key", err->items[i].field);
            log_str(&l, "error", err->items[i].message);
        } else {
            log_err(&l, err);
        }
        log_end(&l);
    }
}

static void keep_frozen(const struct serve *s, struct config *next)
{
    const struct config_key *list[CONFIG_KEYS];
    size_t count = config_frozen(s->boot, next, list);
    for (size_t i = 0; i < count; i++)
        log_event_str(LOG_WARN, "a changed setting needs a restart", "key", str_of(list[i]->path));
    config__freeze(next, s->boot);
}

WAITS static int ask_fiber(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                           struct err *err)
{
    enum { ROWS_MOST = 10000000 };
    return db_rows(ctx, st, a, ROWS_MOST, out, err);
}

/* Writes too: a collection that the settings name for the first time is made now. */
WAITS static int run_fiber(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                           struct err *err)
{
    struct db_write w = {.st = *st, .arena = a, .expect = -1};
    if (!st->writes)
        return ask_fiber(ctx, st, a, out, err);
    return db_write(ctx, &w, 1, NULL, err);
}

/* On a connection and a thread of its own: triggers and numbers come in one transaction. */
static void keep_counters(void *arg)
{
    struct loading *l = arg;
    l->code = counters_settle(l->config, &l->err);
}

/* ---- handing out ---- */

struct gift {
    struct worker *worker;
    struct world *world;
};

static void on_gift(void *arg)
{
    struct gift *g = arg;
    if (!g->worker->http) { /* it has ended: what was posted since is run by loop_free */
        world_put(&g->world);
        mem_free(g);
        return;
    }
    struct http_limits limits = worker_limits(g->worker->serve, g->world->config);
    http_server_limits(g->worker->http, &limits);
    store_thread_password(g->world->config->redis_password);
    worker_adopt(g->worker, g->world);
    atomic_store(&g->worker->roles_number, g->world->roles_number);
    mem_free(g);
}

void serve_hand_out(struct serve *s, struct world *next)
{
    for (unsigned i = 0; i < s->worker_count; i++) {
        struct gift *g = mem_new(sizeof *g);
        *g = (struct gift){&s->workers[i], world_get(next)};
        loop_post(s->workers[i].loop, on_gift, g);
    }
    world_put(&s->world);
    s->world = next;
}

/* Before the database is asked: the old password may be what keeps us from it. */
WAITS static void new_password(struct serve *s, const struct config *next)
{
    enum { LOOKS = 50 };
    const uint64_t pause = 100000000u;
    if (str_eq(s->world->config->database_password, next->database_password))
        return;
    db_password(s->db, next->database_password);
    for (int i = 0; i < LOOKS && !db_healthy(s->db); i++)
        fiber_sleep(pause);
}

static void new_keys(const struct serve *s, const struct config *next)
{
    struct files_s3 s3;
    struct arena a;
    arena_init(&a, 65536);
    config_s3(next, &a, &s3);
    if (s3.base.len)
        files_sign_with(s->app->files, &s3);
    arena_reset(&a);
}

WAITS static int next_world(struct loading *l, struct world **out)
{
    struct serve *s = l->serve;
    struct schema *schema = NULL;
    struct config *config;
    if (fiber_blocking(load, l) < 0 && !l->config)
        return fail(&l->err, E_BUSY, "the helper threads are busy; try again");
    config = l->config;
    TRY(l->code);
    keep_frozen(s, config);
    new_password(s, config);
    TRY(collections_keep(config, run_fiber, s->db, &l->err));
    if (fiber_blocking(keep_counters, l) < 0)
        return fail(&l->err, E_BUSY, "the helper threads are busy; try again");
    TRY(l->code);
    TRY(model_build(ask_fiber, s->db, config, &schema, &l->err));
    struct query_set *queries = NULL;
    int code = roles_read(ask_fiber, s->db, config, schema, s->app, &l->err);
    if (code == 0)
        code = queries_again(config, schema, s->db, &queries, &l->err);
    if (code < 0) {
        schema_free(&schema);
        return code;
    }
    l->config = NULL; /* taken */
    return world_new(s->app, config, schema, queries, s->db, &s->draining, out, &l->err);
}

static void reload(void *arg)
{
    struct serve *s = arg;
    struct loading l = {.serve = s};
    struct world *next = NULL;
    if (next_world(&l, &next) < 0) {
        log_faults(&l.err);
        role_rows_free(&s->app->role_rows); /* those of the world that did not come: look again */
    } else {
        log_set_level((enum log_level)next->config->log_level);
        new_keys(s, next->config);
        next->roles_number = atomic_load(&s->roles_number);
        serve_hand_out(s, next);
        log_event(LOG_INFO, "reloaded");
        serve_rest();
    }
    config_free(&l.config);
    s->reloading = false;
    if (s->world->role_tables) /* who asked meanwhile has not been heard */
        roles_soon(s);
    if (s->workers[0].drained)
        worker_drained(&s->workers[0]);
}

void reload_begin(void *serve)
{
    struct serve *s = serve;
    if (s->reloading || atomic_load(&s->draining))
        return;
    s->reloading = fiber_soon(s->workers[0].loop, reload, s);
}
