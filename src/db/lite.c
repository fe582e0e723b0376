/* lite.c -- the embedded engine as one object: its parts' lives, its connections, its counters.
 * SPDX: Apache-2.0 */
#include "db/lite_priv.h"

#include <unistd.h>

#include "base/mem.h"

/* A server that takes over from another waits for it to finish. */
enum { SERVE_WAIT_MS = 5000 };

/* ---- connections ---- */

int lite__conn_open(struct lite *l, enum conn_use use, struct conn **out, struct err *err)
{
    TRY(conn__open(l->path, use, &l->cfg, out, err));
    pthread_mutex_lock(&l->lock);
    list_push(&l->conns, &(*out)->all);
    pthread_mutex_unlock(&l->lock);
    return 0;
}

void lite__conn_close(struct lite *l, struct conn **c)
{
    pthread_mutex_lock(&l->lock);
    list_cut(&(*c)->all);
    for (int i = 0; i < TALLY_COUNT; i++)
        l->past[i] += atomic_load_explicit(&(*c)->tally[i], memory_order_relaxed);
    pthread_mutex_unlock(&l->lock);
    conn__close(c);
}

/* ---- life ---- */

static void lite_close(struct db *db)
{
    struct lite *l = lite_of(db);
    helpers__close(l); /* readers first: the last connection to go is the writer's */
    writer__close(l);
    if (l->lock_fd >= 0)
        close(l->lock_fd);
    if (l->serve_fd >= 0)
        close(l->serve_fd);
    pthread_mutex_destroy(&l->lock);
    mem_free(l->path);
    mem_free(l);
}

static int open_files(struct lite *l, const struct db_config *c, struct err *err)
{
    TRY(lite__path(c, &l->path, err));
    TRY(lite__make(l->path, err));
    TRY(lite__lock_open(l->path, LITE_SERVE, &l->serve_fd, err));
    TRY(lite__lock_open(l->path, LITE_LOCK, &l->lock_fd, err));
    if (lite__lock(l->serve_fd, SERVE_WAIT_MS) < 0)
        return fail(err, E_BUSY, "another server works on database '%s'", l->path);
    return 0;
}

static int lite_open(const struct db_config *c, struct db **out, struct err *err)
{
    struct lite *l = mem_zero(1, sizeof *l);
    l->base.driver = &db_sqlite;
    l->cfg = *c;
    l->cfg.url = l->cfg.data_dir = (str){0};
    l->serve_fd = l->lock_fd = -1;
    atomic_init(&l->healthy, true);
    pthread_mutex_init(&l->lock, NULL);
    list_init(&l->conns);
    list_init(&l->readers);
    int code = open_files(l, c, err);
    if (code < 0)
        goto undo_files;
    code = writer__open(l, err);
    if (code < 0)
        goto undo_writer;
    code = helpers__open(l, err);
    if (code < 0) {
        lite_close(&l->base);
        return code;
    }
    *out = &l->base;
    return 0;
undo_writer:
    writer__close(l);
undo_files:
    if (l->lock_fd >= 0)
        close(l->lock_fd);
    if (l->serve_fd >= 0)
        close(l->serve_fd);
    pthread_mutex_destroy(&l->lock);
    mem_free(l->path);
    mem_free(l);
    return code;
}

/* ---- what to show ---- */

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void lite_stats(struct db *db, struct db_stats *out)
{
    struct lite *l = lite_of(db);
    struct writer *w = &l->writer;
    uint64_t sum[TALLY_COUNT];
    pthread_mutex_lock(&l->lock);
    memcpy(sum, l->past, sizeof sum);
    LIST_EACH(&l->conns, it)
    {
        struct conn *c = OUTER(it, struct conn, all);
        for (int i = 0; i < TALLY_COUNT; i++)
            sum[i] += load(&c->tally[i]);
    }
    pthread_mutex_unlock(&l->lock);
    *out = (struct db_stats){.reads_inline = sum[TALLY_INLINE],
                             .reads_helper = sum[TALLY_HELPER],
                             .rows = sum[TALLY_ROWS],
                             .timeouts = sum[TALLY_TIMEOUTS],
                             .statements = sum[TALLY_STATEMENTS],
                             .prepared = sum[TALLY_PREPARED],
                             .writes = load(&w->writes),
                             .commits = load(&w->commits),
                             .write_failures = load(&w->failures),
                             .group_max = load(&w->group_max),
                             .syncs = load(&w->syncs)};
    pthread_mutex_lock(&w->lock);
    out->write_queue = w->queued;
    out->write_queue_max = w->queued_max;
    pthread_mutex_unlock(&w->lock);
}

static bool lite_healthy(struct db *db)
{
    return atomic_load(&lite_of(db)->healthy);
}

const struct db_driver db_sqlite = {
    .name = "sqlite",
    .open = lite_open,
    .close = lite_close,
    .worker_begin = lite__worker_begin,
    .worker_end = lite__worker_end,
    .query = lite__query,
    .next = lite__next,
    .cursor_end = lite__cursor_end,
    .write = lite__write,
    .tx_begin = lite__tx_begin,
    .tx_run = lite__tx_run,
    .tx_savepoint = lite__tx_savepoint,
    .tx_release = lite__tx_release,
    .tx_commit = lite__tx_commit,
    .tx_rollback = lite__tx_rollback,
    .admin_open = lite__admin_open,
    .admin_close = lite__admin_close,
    .admin_run = lite__admin_run,
    .admin_script = lite__admin_script,
    .admin_lock = lite__admin_lock,
    .admin_unlock = lite__admin_unlock,
    .admin_check = lite__admin_check,
    .admin_backup = lite__admin_backup,
    .admin_restore = lite__admin_restore,
    .exists = lite__exists,
    .stats = lite_stats,
    .healthy = lite_healthy,
};
