/* disk.c -- a disk that fails: no acknowledged write is lost, nothing hangs, and it works again.
 * SPDX: Apache-2.0
 * A layer between SQLite and its files fails the n-th operation on the database and its log. */
#include "rig.h"

#include <pthread.h>
#include <sqlite3.h>

/* ---- the layer ---- */

static atomic_int fuse;  /* operations until one fails; below 0: none does */
static atomic_bool away; /* all fail */
enum { WRITES = 1, SYNCS = 2, READS = 4 };
static atomic_int counted; /* those that count */
static atomic_int burnt;   /* how many failed */

static bool fails(int kind)
{
    bool now = atomic_load(&away) && kind != READS;
    if (kind & atomic_load(&counted))
        now = now || (atomic_load(&fuse) >= 0 && atomic_fetch_sub(&fuse, 1) == 0);
    if (now)
        atomic_fetch_add(&burnt, 1);
    return now;
}

struct layer {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct layer *)f)->real;
}

#define PASS(call, args, ...)                                                                      \
    static int layer_##call args                                                                   \
    {                                                                                              \
        return real(f)->pMethods->call(real(f), ##__VA_ARGS__);                                    \
    }
PASS(xClose, (sqlite3_file * f))
PASS(xFileSize, (sqlite3_file * f, sqlite3_int64 *size), size)
PASS(xLock, (sqlite3_file * f, int lock), lock)
PASS(xUnlock, (sqlite3_file * f, int lock), lock)
PASS(xCheckReservedLock, (sqlite3_file * f, int *out), out)
PASS(xFileControl, (sqlite3_file * f, int op, void *arg), op, arg)
PASS(xSectorSize, (sqlite3_file * f))
PASS(xDeviceCharacteristics, (sqlite3_file * f))
PASS(xShmMap, (sqlite3_file * f, int page, int size, int extend, void volatile **out), page, size,
     extend, out)
PASS(xShmLock, (sqlite3_file * f, int at, int n, int flags), at, n, flags)
PASS(xShmUnmap, (sqlite3_file * f, int drop), drop)
PASS(xFetch, (sqlite3_file * f, sqlite3_int64 at, int n, void **out), at, n, out)
PASS(xUnfetch, (sqlite3_file * f, sqlite3_int64 at, void *p), at, p)

static void layer_xShmBarrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int layer_xRead(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return fails(READS) ? SQLITE_IOERR_READ : real(f)->pMethods->xRead(real(f), to, n, at);
}

static int layer_xWrite(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    if (fails(WRITES)) {
        real(f)->pMethods->xWrite(real(f), from, n / 2, at); /* a torn one */
        return SQLITE_IOERR_WRITE;
    }
    return real(f)->pMethods->xWrite(real(f), from, n, at);
}

static int layer_xTruncate(sqlite3_file *f, sqlite3_int64 size)
{
    return fails(WRITES) ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), size);
}

static int layer_xSync(sqlite3_file *f, int flags)
{
    return fails(SYNCS) ? SQLITE_IOERR_FSYNC : real(f)->pMethods->xSync(real(f), flags);
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = layer_xClose,
    .xRead = layer_xRead,
    .xWrite = layer_xWrite,
    .xTruncate = layer_xTruncate,
    .xSync = layer_xSync,
    .xFileSize = layer_xFileSize,
    .xLock = layer_xLock,
    .xUnlock = layer_xUnlock,
    .xCheckReservedLock = layer_xCheckReservedLock,
    .xFileControl = layer_xFileControl,
    .xSectorSize = layer_xSectorSize,
    .xDeviceCharacteristics = layer_xDeviceCharacteristics,
    .xShmMap = layer_xShmMap,
    .xShmLock = layer_xShmLock,
    .xShmBarrier = layer_xShmBarrier,
    .xShmUnmap = layer_xShmUnmap,
    .xFetch = layer_xFetch,
    .xUnfetch = layer_xUnfetch,
};

static sqlite3_vfs *below;
static sqlite3_vfs vfs;

static int layer_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct layer *l = (struct layer *)f;
    (void)v;
    l->real = (sqlite3_file *)(l + 1);
    int rc = below->xOpen(below, name, l->real, flags, out);
    f->pMethods = l->real->pMethods ? &methods : NULL;
    return rc;
}

static void insert_layer(void)
{
    below = sqlite3_vfs_find(NULL);
    MUST(below);
    vfs = *below;
    vfs.zName = "layer";
    vfs.szOsFile = below->szOsFile + (int)sizeof(struct layer);
    vfs.xOpen = layer_open;
    MUST_INT(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

static void whole_disk(void)
{
    atomic_store(&fuse, -1);
    atomic_store(&away, false);
    atomic_store(&counted, WRITES | SYNCS);
    atomic_store(&burnt, 0);
}

static int begin(void **state)
{
    whole_disk();
    return rig_begin(state);
}

/* ---- what was promised ---- */

/* Some rows beside those that are promised: more pages than the smallest cache holds. */
static const char table[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, pad TEXT);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
    "INSERT INTO t SELECT -i, hex(randomblob(300)) FROM n";

enum { IDS = 4000, FIBERS = 8 };
static enum { NOT_ASKED, ASKED, PROMISED } asked[IDS];
static atomic_int next_id;

static int promise(void)
{
    int id = atomic_fetch_add(&next_id, 1);
    struct err err = {0};
    struct db_write w = WRITE("INSERT INTO t(id, pad) VALUES(?1, hex(randomblob(300)))", INT(id));
    MUST(id < IDS);
    asked[id] = ASKED;
    int code = db_write(rig.db, &w, 1, NULL, &err);
    MUST(code == 0 || code == E_IO || code == E_BUSY);
    if (code == 0)
        asked[id] = PROMISED;
    return code;
}

static int tick_off(void *ctx, const struct value *c, size_t n)
{
    (void)n;
    MUST(c[0].i >= 0 && c[0].i < IDS && asked[c[0].i] != NOT_ASKED);
    asked[c[0].i] = NOT_ASKED;
    ++*(int *)ctx;
    return 0;
}

/* What is there was asked for, and what was promised is there. */
static void kept(void *arg)
{
    (void)arg;
    struct err err = {0};
    int there = 0;
    struct stmt st = {.text = LIT("SELECT id FROM t WHERE id >= 0 ORDER BY id")};
    MUST_INT(db_query(rig.db, &st, tick_off, &there, NULL, &err), 0);
    for (int i = 0; i < IDS; i++)
        MUST(asked[i] != PROMISED);
}

static void forget(void)
{
    memset(asked, 0, sizeof asked);
    atomic_store(&next_id, 0);
}

static void until_healthy(void)
{
    while (!db_healthy(rig.db))
        fiber_sleep(5000000);
}

/* ---- one failure at every place ---- */

static void some_writes(void *arg)
{
    atomic_store(&fuse, (int)(intptr_t)arg);
    struct err err = {0};
    struct db_tx *tx = NULL;
    struct db_write all = WRITE("UPDATE t SET pad = pad || 'y' WHERE id < 0");
    for (int i = 0; i < 4; i++)
        promise();
    int code = db_write(rig.db, &all, 1, NULL, &err);
    MUST(code == 0 || code == E_IO || code == E_BUSY);
    if (db_tx_begin(rig.db, NULL, &tx, &err) == 0) { /* fails or not, but ends */
        struct db_write w = WRITE("UPDATE t SET pad = 'x'");
        db_tx_run(tx, &w, &err);
        db_tx_commit(&tx, &err);
    }
    until_healthy();
    if (promise() == 0)
        return;
    until_healthy(); /* it came last */
    MUST_INT(promise(), 0);
}

static void fail_at(int n, int kinds)
{
    struct err err = {0};
    forget();
    rig_script(table);
    atomic_store(&counted, kinds);
    rig_open();
    rig_run(some_writes, (void *)(intptr_t)n);
    atomic_store(&fuse, -1);
    db_close(&rig.db);
    rig_open();
    rig_run(kept, NULL);
    db_close(&rig.db);
    struct db_admin *a = NULL;
    MUST_INT(db_admin_open(&rig.cfg, &a, &err), 0);
    MUST_INT(db_admin_check(a, &err), 0);
    db_admin_close(&a);
    rig_script("DROP TABLE t");
}

/* Until a run needs fewer operations than that. */
static void sweep(int kinds, int least, int step)
{
    int n = 0, before;
    do {
        before = atomic_load(&burnt);
        fail_at(n, kinds);
        n += step;
    } while (atomic_load(&burnt) > before);
    MUST(n > least);
}

static void write_sweep_test(void **state)
{
    (void)state;
    sweep(WRITES | SYNCS, 30, 3);
}

static void sync_sweep_test(void **state)
{
    (void)state;
    sweep(SYNCS, 4, 1);
}

static void read_sweep_test(void **state)
{
    (void)state;
    rig.cfg.cache_kib = 16;
    sweep(READS, 20, 2);
}

/* ---- failures under load ---- */

static atomic_bool enough;
static atomic_int promises, refusals;

static void keep_writing(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough) && atomic_load(&next_id) < IDS - 100) {
        int code = promise();
        atomic_fetch_add(code ? &refusals : &promises, 1);
        if (code)
            fiber_sleep(2000000);
    }
}

/* Reads go on whatever the disk does to writes. */
static void keep_reading(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough)) {
        NUMBER("SELECT count(*) FROM (SELECT id FROM t WHERE id < 10)");
        fiber_sleep(1000000);
    }
}

static void load(void *arg)
{
    for (int i = 0; i < FIBERS; i++)
        rig_start(keep_writing, arg);
    rig_start(keep_reading, arg);
}

static void *load_thread(void *arg)
{
    rig_run(load, arg);
    return NULL;
}

static void until_promised(int count)
{
    int from = atomic_load(&promises);
    while (atomic_load(&promises) < from + count && atomic_load(&next_id) < IDS - 100)
        usleep(1000);
}

static void load_test(void **state)
{
    (void)state;
    pthread_t threads[2];
    forget();
    rig_script(table);
    rig_open();
    atomic_store(&enough, false);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, load_thread, NULL);
    atomic_store(&counted, SYNCS);
    for (int i = 0; i < 3; i++) {
        until_promised(50);
        atomic_store(&fuse, i);
        while (atomic_load(&burnt) <= i)
            usleep(1000);
    }
    until_promised(50);
    atomic_store(&away, true); /* for as long as a few attempts to recover take */
    while (db_healthy(rig.db))
        usleep(1000);
    usleep(350000);
    MUST(!db_healthy(rig.db));
    atomic_store(&away, false);
    while (!db_healthy(rig.db))
        usleep(1000);
    until_promised(50);
    atomic_store(&enough, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    MUST(atomic_load(&refusals) > 0);
    db_close(&rig.db);
    rig_open();
    rig_run(kept, NULL);
    db_close(&rig.db);
}

/* Closing does not wait for a disk that stays away, and what was promised outlives it. */
static void away_at_the_end(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++)
        MUST_INT(promise(), 0);
    atomic_store(&away, true);
    MUST_INT(promise(), E_IO);
    MUST(!db_healthy(rig.db));
    MUST(promise() < 0);
}

static void close_test(void **state)
{
    (void)state;
    forget();
    rig_script(table);
    rig_open();
    rig_run(away_at_the_end, NULL);
    db_close(&rig.db);
    whole_disk();
    rig_open();
    rig_run(kept, NULL);
    db_close(&rig.db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_sweep_test, begin, rig_end),
        cmocka_unit_test_setup_teardown(sync_sweep_test, begin, rig_end),
        cmocka_unit_test_setup_teardown(read_sweep_test, begin, rig_end),
        cmocka_unit_test_setup_teardown(load_test, begin, rig_end),
        cmocka_unit_test_setup_teardown(close_test, begin, rig_end),
    };
    insert_layer();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
