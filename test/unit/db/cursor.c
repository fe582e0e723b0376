/* cursor.c -- statements that stand still: pages, where they go on, time, the writer's log.
 * SPDX: Apache-2.0 */
#include "rig.h"

#include "db/lite_priv.h"

#include <sys/stat.h>

static const char table[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, text TEXT);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
    "INSERT INTO t SELECT i, i % 4, 'text of row number ' || i FROM n;"
    "CREATE INDEX by_k ON t(k);";

#define IN_ORDER "SELECT id FROM t WHERE id > ?1 ORDER BY id"
#define SCANNED "SELECT id FROM t WHERE id > ?1 AND text LIKE 'text%' ORDER BY text || id"

struct page {
    size_t most, rows;
    int64_t last, sum;
};

static int take(void *ctx, const struct value *c, size_t n)
{
    struct page *p = ctx;
    MUST_INT(n, 1);
    p->rows++;
    p->last = c[0].i;
    p->sum += c[0].i;
    return p->rows % p->most == 0 ? DB_PAUSE : 0;
}

/* ---- pages ---- */

static void read_all(struct stmt st, size_t most, size_t rows)
{
    struct err err = {0};
    struct db_cursor *c = NULL;
    struct page p = {.most = most};
    int code = db_query(rig.db, &st, take, &p, &c, &err);
    while (code == DB_PAUSE) {
        MUST(c);
        MUST_INT(NUMBER("SELECT id FROM t WHERE id = 3"), 3); /* the worker reads meanwhile */
        code = db_next(c, take, &p, &err);
    }
    MUST_INT(code, 0);
    MUST_INT(p.rows, rows);
    MUST_INT(p.sum, (int64_t)rows * (2 * 20000 - (int64_t)rows + 1) / 2);
    if (c)
        MUST_INT(db_next(c, take, &p, &err), 0); /* past the end */
    db_cursor_end(&c);
    MUST(!c);
    db_cursor_end(&c);
}

static void pages(void *arg)
{
    (void)arg;
    read_all(READ(IN_ORDER, INT(0)), 1000, 20000);
    read_all(READ(IN_ORDER, INT(19990)), 1, 10);
    read_all(READ(IN_ORDER, INT(19990)), 100, 10);
    read_all(READ(SCANNED, INT(0)), 3000, 20000);
    struct stmt once = READ(IN_ORDER " ", INT(19980));
    once.once = true;
    read_all(once, 7, 20);
}

static void pages_test(void **state)
{
    (void)state;
    rig_play(table, pages, NULL);
}

/* A cursor sees the database as it was, and can be left at any point. */
static void leave_open(void *arg)
{
    struct err err = {0};
    struct db_cursor *c = NULL;
    struct page p = {.most = 10};
    struct stmt st = arg ? READ(SCANNED, INT(0)) : READ(IN_ORDER, INT(0));
    MUST_INT(db_query(rig.db, &st, take, &p, &c, &err), DB_PAUSE);
}

static void snapshot(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct db_cursor *c = NULL;
    struct page p = {.most = 10000};
    struct stmt st = READ(IN_ORDER, INT(0));
    MUST_INT(db_query(rig.db, &st, take, &p, &c, &err), DB_PAUSE);
    rig_write(WRITE("DELETE FROM t WHERE id > 15000"));
    MUST_INT(NUMBER("SELECT max(id) FROM t"), 15000);
    int code = DB_PAUSE;
    while (code == DB_PAUSE)
        code = db_next(c, take, &p, &err);
    MUST_INT(code, 0);
    MUST_INT(p.rows, 20000);
    for (intptr_t i = 0; i < 200; i++) /* far more than may be open at once */
        MUST_INT(fiber_scope(leave_open, (void *)(i % 2)), 0);
    struct db_cursor *many[70] = {0};
    int busy = 0;
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        struct page q = {.most = 1};
        code = db_query(rig.db, &st, take, &q, &many[i], &err);
        MUST(code == DB_PAUSE || code == E_BUSY);
        busy += code == E_BUSY;
    }
    MUST_INT(busy, 70 - 64);
    for (size_t i = 0; i < COUNT_OF(many); i++)
        db_cursor_end(&many[i]);
    MUST_INT(fiber_scope(leave_open, NULL), 0);
}

static void snapshot_test(void **state)
{
    (void)state;
    rig_play(table, snapshot, NULL);
}

/* ---- where it goes on ---- */

static int take_slowly(void *ctx, const struct value *c, size_t n)
{
    uint64_t until = clock_ns() + 20000; /* rows that are dear: the budget is soon spent */
    while (clock_ns() < until)
        ;
    return take(ctx, c, n);
}

/* Rows flow, the statement is slow: it goes on on a helper from where it stands. */
static void shifted(void *arg)
{
    struct err err = {0};
    struct db_cursor *c = NULL;
    size_t most = arg ? 700 : 1000000;
    struct page p = {.most = most};
    struct stmt st = READ("SELECT id FROM t WHERE k = ?1", INT(2));
    struct db_stats a = rig_stats();
    int code = db_query(rig.db, &st, take_slowly, &p, arg ? &c : NULL, &err);
    while (code == DB_PAUSE)
        code = db_next(c, take_slowly, &p, &err);
    MUST_INT(code, 0);
    MUST_INT(p.rows, 5000);
    MUST_INT(p.sum, 5000LL * 10000);
    struct db_stats b = rig_stats();
    MUST_INT(b.reads_inline - a.reads_inline, 1);
    MUST(b.reads_helper - a.reads_helper >= 1);
    for (int i = 0; i < 3; i++) { /* for a while it begins there */
        p = (struct page){.most = 1000000};
        MUST_INT(db_query(rig.db, &st, take, &p, NULL, &err), 0);
        MUST_INT(p.rows, 5000);
    }
    MUST_INT(rig_stats().reads_inline - b.reads_inline, 0);
    for (int i = 0; i < 3000 && rig_stats().reads_inline == b.reads_inline; i++) {
        p = (struct page){.most = 1000000};
        MUST_INT(db_query(rig.db, &st, take, &p, NULL, &err), 0);
    }
    MUST_INT(rig_stats().reads_inline - b.reads_inline, 1);
}

static void shifted_test(void **state)
{
    (void)state;
    rig_play(table, shifted, NULL);
}

static void shifted_pages_test(void **state)
{
    (void)state;
    rig_play(table, shifted, "");
}

/* ---- time ---- */

static void late(void *arg)
{
    struct err err = {0};
    struct db_cursor *c = NULL;
    struct page p = {.most = 10};
    struct stmt st = arg ? READ(SCANNED, INT(19900)) : READ(IN_ORDER, INT(0));
    MUST_INT(db_query(rig.db, &st, take, &p, &c, &err), DB_PAUSE);
    MUST_INT(db_next(c, take, &p, &err), DB_PAUSE);
    fiber_sleep(400000000);
    MUST_INT(db_next(c, take, &p, &err), E_TIMEOUT);
    MUST_INT(db_next(c, take, &p, &err), E_TIMEOUT); /* never mistaken for the end */
    MUST_INT(p.rows, 20);
    db_cursor_end(&c);
}

static void late_test(void **state)
{
    (void)state;
    rig.cfg.statement_timeout_ms = 100;
    rig_play(table, late, NULL);
}

static void late_scan_test(void **state)
{
    (void)state;
    rig.cfg.statement_timeout_ms = 100;
    rig_play(table, late, "");
}

/* ---- the writer's log ---- */

static int64_t log_bytes(void)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/cairn.db-wal", rig.dir);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static void write_pages(int count)
{
    for (int i = 0; i < 4 * count; i++) /* about 40 pages each */
        rig_write(WRITE("UPDATE t SET k = k + 4, text = text WHERE id <= 2500"));
}

/* A snapshot that nobody uses does not hold up the log, whether readers come or not. */
static void log_bounded(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) {
        NUMBER("SELECT id FROM t WHERE id = 1");
        write_pages(1);
        if (i % 2)
            NUMBER("SELECT id FROM t WHERE id = 1");
    }
    MUST(log_bytes() > 1000 * 4096);
    MUST(log_bytes() < 10 * 1000 * 4096); /* of some 16,000 pages that were written */
}

static void log_bounded_test(void **state)
{
    (void)state;
    rig_play(table, log_bounded, NULL);
}

/* A client that does not read holds a snapshot; once it is swept the log begins anew. */
static void log_pinned(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct db_cursor *c = NULL;
    struct page p = {.most = 10};
    struct stmt st = READ(IN_ORDER, INT(0));
    write_pages(1);
    MUST_INT(db_query(rig.db, &st, take, &p, &c, &err), DB_PAUSE);
    write_pages(5);
    fiber_sleep(1500000000); /* its time and one sweep */
    write_pages(40);
    MUST(log_bytes() < 6 * 1000 * 4096); /* of some 7,000 */
    MUST_INT(db_next(c, take, &p, &err), E_TIMEOUT);
}

static void log_pinned_test(void **state)
{
    (void)state;
    rig.cfg.statement_timeout_ms = 1000;
    rig_play(table, log_pinned, NULL);
}

/* When that does not help, new scans and streams wait until those that run are over. */
static int held_code = 1;

static void scan_held(void *arg)
{
    struct err err = {0};
    struct db_cursor *c = NULL;
    struct page p = {.most = 1000000};
    struct stmt st = arg ? READ(SCANNED, INT(0)) : READ(IN_ORDER, INT(0));
    held_code = db_query(rig.db, &st, take, &p, arg ? NULL : &c, &err);
    MUST_INT(p.rows, held_code == 0 ? 20000 : 0);
}

static void held(void *arg)
{
    struct err err = {0};
    struct db_cursor *c = NULL;
    struct page p = {.most = 100};
    struct stmt st = READ(SCANNED, INT(10000));
    MUST_INT(db_query(rig.db, &st, take, &p, &c, &err), DB_PAUSE);
    helpers__hold(lite_of(rig.db), true);
    held_code = 1;
    rig_start(scan_held, arg);
    fiber_sleep(50000000);
    MUST_INT(held_code, 1);
    MUST_INT(NUMBER("SELECT id FROM t WHERE id = 9"), 9); /* reads by key go on */
    int code = DB_PAUSE;
    while (code == DB_PAUSE) /* so does what has begun */
        code = db_next(c, take, &p, &err);
    MUST_INT(code, 0);
    MUST_INT(p.rows, 10000);
    MUST_INT(held_code, 1);
    helpers__hold(lite_of(rig.db), false);
    while (held_code == 1)
        fiber_sleep(1000000);
    MUST_INT(held_code, 0);
}

static void held_scan_test(void **state)
{
    (void)state;
    rig_play(table, held, "");
}

static void held_stream_test(void **state)
{
    (void)state;
    rig_play(table, held, NULL);
}

static void held_too_long(void *arg)
{
    helpers__hold(lite_of(rig.db), true);
    scan_held(arg);
    MUST_INT(held_code, E_TIMEOUT);
    MUST_INT(rig_stats().timeouts, 1);
    helpers__hold(lite_of(rig.db), false);
}

static void held_too_long_test(void **state)
{
    (void)state;
    rig.cfg.statement_timeout_ms = 50;
    rig_play(table, held_too_long, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(snapshot_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(shifted_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(shifted_pages_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(late_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(late_scan_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(log_bounded_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(log_pinned_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(held_scan_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(held_stream_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(held_too_long_test, rig_begin, rig_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
