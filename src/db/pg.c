/* pg.c -- the PostgreSQL engine as one object: its life, its counters, its table. SPDX: Apache-2.0
 * The connections are the workers' own (pg_pool.c): between threads there are counters only. */
#include "db/pg_priv.h"

#include <unistd.h>

#include "base/mem.h"

/* A worker's share of the configured number of connections. */
static void share(struct pg *pg, const struct db_config *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = c->workers ? c->workers : cores > 0 ? (unsigned)cores : 1;
    unsigned size = c->pool_size ? c->pool_size : 2 * (cores > 0 ? (unsigned)cores : 1);
    pg->size = size / workers ? size / workers : 1;
    pg->whole = pg->size * workers;
    pg->least = (c->pool_least + workers - 1) / workers;
    pg->least = pg->least < pg->size ? pg->least : pg->size;
}

static void pg_close(struct db *db)
{
    struct pg *pg = pg_of(db);
    target__fini(&pg->target);
    pthread_mutex_destroy(&pg->lock);
    mem_free(pg);
}

static int pg_open(const struct db_config *c, struct db **out, struct err *err)
{
    struct pg *pg = mem_zero(1, sizeof *pg);
    pg->base.driver = &db_postgres;
    pg->cfg = *c;
    pg->cfg.url = pg->cfg.data_dir = pg->cfg.password = pg->cfg.database = (str){0};
    pthread_mutex_init(&pg->lock, NULL);
    list_init(&pg->pools);
    share(pg, c);
    int code = target__init(&pg->target, c, false, err);
    if (code < 0)
        pg_close(&pg->base);
    else
        *out = &pg->base;
    return code;
}

/* Sessions that are there stay; pools without any try again at once (pg_sweep.c). */
static void password(struct db *db, str text)
{
    struct pg *pg = pg_of(db);
    pthread_mutex_lock(&pg->lock);
    target__password(&pg->target, text);
    pthread_mutex_unlock(&pg->lock);
    atomic_fetch_add(&pg->passwords, 1);
}

static int worker_begin(struct db *db, struct err *err)
{
    return pool__begin(pg_of(db), err);
}

static void worker_end(struct db *db)
{
    pool__end(pg_of(db));
}

/* Nothing is opened, and only that could tell. */
static bool exists(const struct db_config *c)
{
    (void)c;
    return true;
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t now(const _Atomic int *gauge)
{
    int n = atomic_load_explicit(gauge, memory_order_relaxed);
    return n > 0 ? (uint64_t)n : 0;
}

static void pg_stats(struct db *db, struct db_stats *out)
{
    struct pg *pg = pg_of(db);
    *out = (struct db_stats){.reads_inline = load(&pg->reads),
                             .rows = load(&pg->rows),
                             .writes = load(&pg->writes),
                             .commits = load(&pg->commits),
                             .write_failures = load(&pg->failures),
                             .timeouts = load(&pg->timeouts),
                             .statements = load(&pg->statements),
                             .prepared = load(&pg->prepared),
                             .pool_open = now(&pg->open),
                             .pool_taken = now(&pg->taken),
                             .pool_waiting = now(&pg->waiting),
                             .pool_waits = load(&pg->waits),
                             .pool_refused = load(&pg->refused),
                             .pool_connects = load(&pg->connects),
                             .pool_lost = load(&pg->lost),
                             .pool_size = pg->whole,
                             .pool_streams = now(&pg->streams),
                             .pool_late = load(&pg->late),
                             .pool_wait_us = load(&pg->wait_us),
                             .pool_unused = load(&pg->unused),
                             .pool_old = load(&pg->old),
                             .pool_checks = load(&pg->checks),
                             .pool_sick = load(&pg->sick),
                             .pool_leaks = load(&pg->leaks),
                             .clashes = load(&pg->clashes)};
}

static bool healthy(struct db *db)
{
    return atomic_load(&pg_of(db)->down) == 0;
}

const struct db_driver db_postgres = {
    .name = "postgres",
    .open = pg_open,
    .close = pg_close,
    .password = password,
    .worker_begin = worker_begin,
    .worker_end = worker_end,
    .query = pg__query,
    .next = pg__next,
    .cursor_end = pg__cursor_end,
    .rows_each = pg__rows_each,
    .write = pg__write,
    .tx_begin = pg__tx_begin,
    .tx_run = pg__tx_run,
    .tx_savepoint = pg__tx_savepoint,
    .tx_release = pg__tx_release,
    .tx_commit = pg__tx_commit,
    .tx_rollback = pg__tx_rollback,
    .admin_open = pg__admin_open,
    .admin_close = pg__admin_close,
    .admin_run = pg__admin_run,
    .admin_changes = pg__admin_changes,
    .admin_script = pg__admin_script,
    .admin_lock = pg__admin_lock,
    .admin_unlock = pg__admin_unlock,
    .admin_check = pg__admin_check,
    .admin_backup = pg__admin_backup,
    .admin_restore = pg__admin_restore,
    .exists = exists,
    .stats = pg_stats,
    .healthy = healthy,
};
