/* serve.c -- from a project directory to answers, and back to an orderly end. SPDX: Apache-2.0
 * The calling thread prepares everything, starts the workers and then only waits for signals; it
 * tells the workers through their loops. Order at the start: addresses first, so that a port that
 * is taken is told before the database is touched; then migrations, the database, the model, the
 * workers. At the end backwards. */
#include "base/clock.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "lib/fyaml.h"
#include "lib/pgquery.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/collections.h"
#include "server/counters.h"
#include "server/mailer.h"
#include "server/queries.h"
#include "server/roles.h"
#include "server/server_priv.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { MIGRATE_LOCK_MS = 60000, CUT_MS = 2000, CUTS_MOST = 10 };

/* ---- before the workers ---- */

static void say_migration(void *ctx, enum migrate_event event, const struct migration *m, str text)
{
    struct log l;
    (void)ctx;
    if (event == MIGRATE_SQL)
        return;
    log_begin(&l, event == MIGRATE_DESTROYS ? LOG_WARN : LOG_INFO,
              event == MIGRATE_DESTROYS ? "migration would destroy data" : "migration applied");
    log_str(&l, "migration", m->name);
    log_str(&l, event == MIGRATE_DESTROYS ? "what" : "took", text);
    log_end(&l);
}

/* In development pending migrations are applied; in production they are only told. */
static int migrations(const struct serve *s, const struct db_config *db, struct err *err)
{
    const struct config *c = s->boot;
    struct migrate_wish wish = {.say = say_migration};
    struct migrate *m = NULL;
    size_t done = 0, pending;
    bool apply = c->mode == MODE_DEVELOPMENT;
    TRY(migrate_open(db, c->migrations_path, apply ? MIGRATE_LOCK_MS : 0, &m, err));
    int code = apply ? migrate_up(m, &wish, &done, err) : 0;
    pending = apply ? 0 : migrate_pending(m);
    migrate_close(&m);
    if (pending) {
        struct log l;
        log_begin(&l, LOG_WARN, "migrations are pending: cairn migrate up");
        log_int(&l, "count", (int64_t)pending);
        log_end(&l);
    }
    return code;
}

static int first_model(const struct serve *s, const struct db_config *db, struct schema **out,
                       struct query_set **queries, struct err *err)
{
    struct db_admin *a;
    TRY(db_admin_open(db, &a, err));
    int code = collections_make(s->boot, a, err);
    if (code == 0)
        code = signin_tables(s->boot, a, err);
    if (code == 0)
        code = signin_recall(a, s->app->identity, err);
    if (code == 0)
        code = idempotent_tables(s->boot, a, err);
    if (code == 0)
        code = mailer_tables(s->boot, a, err);
    if (code == 0)
        code = model_read(a, s->boot, out, err);
    if (code == 0)
        code = roles_first(a, s->boot, *out, s->app, err);
    if (code == 0)
        code = counters_keep(a, s->boot, *out, err);
    if (code == 0)
        code = queries_load(s->boot, *out, queries, err);
    if (code == 0)
        code = queries_verify(*queries, a, err);
    db_admin_close(&a);
    return code;
}

static struct files *files_of(const struct serve *s)
{
    const struct config *c = s->boot;
    struct arena a;
    arena_init(&a, 65536);
    struct files_config f = {.db = s->db,
                             .draining = &s->draining,
                             /* nothing commits later than that */
                             .pending_s = (int64_t)(c->uploads_timeout / 1000) +
                                          2 * (int64_t)(c->request_timeout / 1000) + 5,
                             .kept_s = (int64_t)(c->uploads_keep / 1000),
                             .at_once = (unsigned)c->uploads_at_once};
    f.dir = config_files_dir(c, &a);
    f.client = s->app->client;
    config_s3(c, &a, &f.s3);
    struct files *files = files_new(&f);
    arena_reset(&a);
    return files;
}

/* The settings of the world are a load of their own: boot outlives every world. */
static int first_world(struct serve *s, const struct db_config *db, struct err *err)
{
    struct cairn_app *app = s->app;
    struct config *config = NULL;
    struct schema *schema = NULL;
    struct query_set *queries = NULL;
    int code = config_load(app->dir, app->over, app->over_count, &config, err);
    if (code == 0)
        code = first_model(s, db, &schema, &queries, err);
    if (code == 0)
        code = db_open(db, &s->db, err);
    if (code < 0) {
        query_free(&queries);
        if (schema)
            schema_free(&schema);
        config_free(&config);
        return code;
    }
    s->app->files = files_of(s);
    return world_new(app, config, schema, queries, s->db, &s->draining, &s->world, err);
}

static void raise_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static struct client *client_start(const struct config *c)
{
    struct client_config client = {.allow = c->client_allow,
                                   .proxy = c->client_proxy,
                                   .ca_file = c->client_ca_file,
                                   .threads = mailer_threads(c),
                                   .queue = (unsigned)c->client_queue,
                                   .connect_ms = c->client_connect,
                                   .timeout_ms = c->client_timeout,
                                   .answer_most = c->client_answer};
    return client_new(&client);
}

static int prepare(struct serve *s, struct err *err)
{
    const struct config *c = s->boot;
    struct db_config db;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    s->worker_count = c->workers ? (unsigned)c->workers : cores > 0 ? (unsigned)cores : 1;
    s->workers = mem_zero(s->worker_count, sizeof *s->workers);
    for (unsigned i = 0; i < s->worker_count; i++) {
        s->workers[i].serve = s;
        s->workers[i].index = i;
    }
    config_db(c, &db);
    config_redis(c, &s->redis);
    TRY(listen_all(s, err));
    TRY(migrations(s, &db, err));
    s->app->client = client_start(c);
    TRY(signin_open(c, s->app->client, &s->app->identity, err));
    TRY(first_world(s, &db, err));
    world_metrics(s->world);
    serve_rest();
    return 0;
}

/* The parse trees of migrations and queries, and the code that made them. */
void serve_rest(void)
{
    malloc_trim(0);
    lib_rest(&lib_fyaml);
    lib_rest(&lib_pgquery);
}

/* ---- workers ---- */

static int workers_start(struct serve *s, struct err *err)
{
    int rc = 0;
    while (s->running < s->worker_count && rc == 0) {
        rc = worker_start(&s->workers[s->running]);
        s->running += rc == 0;
    }
    pthread_mutex_lock(&s->lock);
    while (s->ready < s->running)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    if (rc)
        return fail(err, E_IO, "cannot start a thread: %s", strerror(-rc));
    for (unsigned i = 0; i < s->running; i++) {
        struct worker *w = &s->workers[i];
        if (w->started < 0) {
            *err = w->err;
            return w->started;
        }
    }
    return 0;
}

static void drain(void *arg)
{
    struct worker *w = arg;
    http_server_drain(w->http, worker_drained, w);
}

static void cut(void *arg)
{
    struct worker *w = arg;
    if (w->http)
        http_server_cut(w->http);
}

static void tell_workers(struct serve *s, defer_fn *fn)
{
    for (unsigned i = 0; i < s->running; i++) {
        if (s->workers[i].started == 0)
            loop_post(s->workers[i].loop, fn, &s->workers[i]);
    }
}

/* ---- waiting ---- */

struct ears {
    int signals, wake;
    struct tail tail;
};

/* The next signal, SIGTERM for cairn_stop, 0 after ms (-1: no limit). */
static int hear(struct ears *e, int ms)
{
    struct pollfd fds[3] = {{.fd = e->signals, .events = POLLIN},
                            {.fd = e->wake, .events = POLLIN},
                            {.fd = e->tail.fd, .events = POLLIN}};
    struct signalfd_siginfo info;
    uint64_t n;
    if (poll(fds, 3, ms) <= 0)
        return 0;
    if (fds[2].revents)
        tail_accept(&e->tail);
    if (fds[1].revents && read(e->wake, &n, sizeof n) == (ssize_t)sizeof n)
        return SIGTERM;
    if (fds[0].revents && read(e->signals, &info, sizeof info) == (ssize_t)sizeof info)
        return (int)info.ssi_signo;
    return 0;
}

/* Lets running requests finish for `ms`; a second signal cuts that short. */
static void wait_drained(struct serve *s, struct ears *e, uint64_t ms)
{
    enum { LOOK_MS = 20 };
    uint64_t until = clock_ns() + ms * 1000000u;
    while (atomic_load(&s->ended) < s->worker_count && clock_ns() < until) {
        int heard = hear(e, LOOK_MS);
        if (heard == SIGTERM || heard == SIGINT)
            return;
    }
}

static void run_until_stopped(struct serve *s, struct ears *e)
{
    for (;;) {
        int heard = hear(e, -1);
        if (heard == SIGHUP)
            loop_post(s->workers[0].loop, reload_begin, s);
        else if (heard)
            break;
    }
    log_event(LOG_INFO, "stopping");
    log_flush();
    atomic_store(&s->draining, true);
    tell_workers(s, drain);
    wait_drained(s, e, s->boot->shutdown_timeout);
    for (int i = 0; i < CUTS_MOST && atomic_load(&s->ended) < s->worker_count; i++) {
        tell_workers(s, cut);
        wait_drained(s, e, CUT_MS);
    }
    if (atomic_load(&s->ended) == s->worker_count)
        return;
    /* Every answered write is durable: leaving is safe, waiting for a stuck handler is not. */
    log_event(LOG_ERROR, "a handler does not end; leaving without it");
    log_close(CUT_MS);
    _exit(EXIT_FAILURE);
}

/* ---- all of it ---- */

static void say_listening(const struct serve *s)
{
    struct log l;
    log_begin(&l, LOG_INFO, "listening");
    log_str(&l, "url", buf_view(&s->url));
    log_str(&l, "addresses", buf_view(&s->urls));
    log_int(&l, "workers", (int64_t)s->worker_count);
    log_str(&l, "project", s->boot->name);
    log_str(&l, "mode", s->boot->mode == MODE_PRODUCTION ? LIT("production") : LIT("development"));
    log_end(&l);
    log_flush();
}

static int ears_open(struct ears *e, const struct cairn_app *app, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    e->wake = app->wake;
    e->signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (e->signals < 0)
        return fail(err, E_IO, "cannot wait for signals: %s", strerror(errno));
    return 0;
}

static void workers_join(struct serve *s)
{
    pthread_mutex_lock(&s->lock);
    s->over = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->running; i++)
        pthread_join(s->workers[i].thread, NULL);
}

static int run(struct serve *s, struct err *err)
{
    struct ears ears;
    TRY(ears_open(&ears, s->app, err));
    int code = prepare(s, err);
    if (code == 0) {
        tail_open(&ears.tail, s->boot);
        code = workers_start(s, err);
        if (code == 0) {
            say_listening(s);
            run_until_stopped(s, &ears);
        } else {
            tell_workers(s, drain);
        }
        workers_join(s);
        tail_close(&ears.tail);
    }
    close(ears.signals);
    listen_close(s);
    return code;
}

int serve_run(struct cairn_app *app, struct err *err)
{
    struct serve s = {
        .app = app, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    int code = config_load(app->dir, app->over, app->over_count, &s.boot, err);
    app->serve = &s;
    buf_init(&s.url, 4096);
    buf_init(&s.urls, 16384);
    if (code == 0) {
        raise_files();
        log_setup(STDERR_FILENO, (enum log_level)s.boot->log_level,
                  (enum log_format)s.boot->log_format);
        code = run(&s, err);
    }
    if (code < 0) { /* the words may lie in the config */
        buf_clear(&app->error);
        config_faults(err, &app->error);
    }
    world_put(&s.world);
    role_rows_free(&app->role_rows);
    app->serve = NULL;
    client_free(&app->client);
    identity_close(&app->identity);
    files_free(&app->files);
    db_close(&s.db);
    config_free(&s.boot);
    metrics_fini();
    if (code == 0)
        log_event(LOG_INFO, "stopped");
    log_close(1000);
    mem_free(s.workers);
    buf_fini(&s.url);
    buf_fini(&s.urls);
    return code;
}
