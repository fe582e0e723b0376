/* tx.c -- transactions that a fiber drives: savepoints, ends of every kind, time. SPDX: Apache-2.0
 */
#include "rig.h"

static const char table[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER UNIQUE);"
    "CREATE TABLE late(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id) "
    "DEFERRABLE INITIALLY DEFERRED);";

static struct err err;

static struct db_tx *begin(void)
{
    struct db_tx *tx = NULL;
    err = (struct err){0};
    MUST_INT(db_tx_begin(rig.db, NULL, &tx, &err), 0);
    return tx;
}

static int run(struct db_tx *tx, struct db_write w)
{
    err = (struct err){0};
    return db_tx_run(tx, &w, &err);
}

#define PUT(tx, n) MUST_INT(run(tx, WRITE("INSERT INTO t(n) VALUES(?1)", INT(n))), 0)

static int64_t sum_inside(struct db_tx *tx)
{
    struct arena a;
    arena_init(&a, 100000);
    struct db_write w = WRITE("SELECT coalesce(sum(n), 0) AS sum FROM t");
    w.st.writes = false;
    w.arena = &a;
    MUST_INT(db_tx_run(tx, &w, &err), 0);
    MUST_INT(w.rows.count, 1);
    MUST_TEXT(w.rows.names[0], "sum");
    int64_t sum = rows_at(&w.rows, 0, 0)->i;
    arena_reset(&a);
    return sum;
}

static int64_t sum_outside(void)
{
    return NUMBER("SELECT coalesce(sum(n), 0) FROM t");
}

/* ---- ends ---- */

static void ends(void *arg)
{
    (void)arg;
    struct db_stats before = rig_stats();
    struct db_tx *tx = begin();
    PUT(tx, 1);
    PUT(tx, 2);
    MUST_INT(sum_inside(tx), 3);
    MUST_INT(sum_outside(), 0);
    MUST_INT(db_tx_commit(&tx, &err), 0);
    MUST(!tx);
    MUST_INT(sum_outside(), 3);
    MUST_INT(rig_stats().commits - before.commits, 1);
    tx = begin();
    PUT(tx, 10);
    db_tx_rollback(&tx);
    MUST(!tx);
    MUST_INT(sum_outside(), 3);
    rig_write(WRITE("INSERT INTO t(n) VALUES(100)")); /* the writer is free */
    MUST_INT(sum_outside(), 103);
    tx = begin(); /* nothing in it */
    MUST_INT(db_tx_commit(&tx, &err), 0);
    db_tx_rollback(&tx); /* on NULL */
}

static void ends_test(void **state)
{
    (void)state;
    rig_play(table, ends, NULL);
}

static void left_alone(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 5);
}

static void ended_on_the_spot(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 5);
    fiber_end();
}

static void scopes(void *arg)
{
    (void)arg;
    MUST_INT(fiber_scope(left_alone, NULL), 0);
    rig_write(WRITE("INSERT INTO t(n) VALUES(1)"));
    MUST_INT(sum_outside(), 1);
    MUST_INT(fiber_scope(ended_on_the_spot, NULL), E_TOOBIG);
    rig_write(WRITE("INSERT INTO t(n) VALUES(2)"));
    MUST_INT(sum_outside(), 3);
}

static void scopes_test(void **state)
{
    (void)state;
    rig_play(table, scopes, NULL);
}

/* ---- failures ---- */

static void failures(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 1);
    MUST_INT(run(tx, WRITE("INSERT INTO t(n) VALUES(2), (1)")), E_UNIQUE);
    MUST_TEXT(str_of(err.field), "n");
    struct db_write w = WRITE("UPDATE t SET n = 50");
    w.expect = 2;
    MUST_INT(run(tx, w), E_NOTFOUND);
    MUST_INT(run(tx, WRITE("COMMIT")), E_DB);
    MUST_INT(run(tx, WRITE("no statement")), E_DB);
    PUT(tx, 3); /* it goes on, without what failed */
    MUST_INT(sum_inside(tx), 4);
    MUST_INT(db_tx_commit(&tx, &err), 0);
    MUST_INT(sum_outside(), 4);
    /* A deferred key that is open fails the commit, which ends the transaction. */
    tx = begin();
    PUT(tx, 7);
    MUST_INT(run(tx, WRITE("INSERT INTO late(t_id) VALUES(99)")), 0);
    MUST_INT(db_tx_commit(&tx, &err), E_PARENT);
    MUST(!tx);
    MUST_INT(sum_outside(), 4);
    /* A statement that takes the transaction with it. */
    tx = begin();
    PUT(tx, 8);
    MUST_INT(run(tx, WRITE("INSERT OR ROLLBACK INTO t(n) VALUES(8)")), E_UNIQUE);
    MUST_INT(run(tx, WRITE("INSERT INTO t(n) VALUES(9)")), E_UNIQUE);
    MUST_INT(db_tx_commit(&tx, &err), E_UNIQUE);
    MUST_INT(sum_outside(), 4);
}

static void failures_test(void **state)
{
    (void)state;
    rig_play(table, failures, NULL);
}

/* ---- savepoints ---- */

static void savepoints(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 1);
    MUST_INT(db_tx_savepoint(tx, &err), 0);
    PUT(tx, 10);
    MUST_INT(db_tx_savepoint(tx, &err), 0);
    PUT(tx, 100);
    MUST_INT(db_tx_release(tx, false, &err), 0);
    MUST_INT(sum_inside(tx), 11);
    MUST_INT(db_tx_savepoint(tx, &err), 0);
    PUT(tx, 1000);
    MUST_INT(run(tx, WRITE("INSERT INTO t(n) VALUES(1)")), E_UNIQUE);
    MUST_INT(db_tx_release(tx, true, &err), 0);
    MUST_INT(sum_inside(tx), 1011);
    MUST_INT(db_tx_release(tx, false, &err), 0); /* and what was kept inside */
    MUST_INT(sum_inside(tx), 1);
    for (int i = 0; i < 16; i++)
        MUST_INT(db_tx_savepoint(tx, &err), 0);
    MUST_INT(db_tx_savepoint(tx, &err), E_TOOBIG);
    PUT(tx, 2);
    MUST_INT(db_tx_commit(&tx, &err), 0); /* with savepoints open */
    MUST_INT(sum_outside(), 3);
}

static void savepoints_test(void **state)
{
    (void)state;
    rig_play(table, savepoints, NULL);
}

/* ---- time ---- */

static int waited = 1;

static void write_behind(void *arg)
{
    (void)arg;
    struct err e = {0};
    struct db_write w = WRITE("INSERT INTO t(n) VALUES(1)");
    waited = db_write(rig.db, &w, 1, NULL, &e);
}

static void timeout(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 5);
    rig_start(write_behind, NULL);
    while (waited == 1) /* the fiber does something else, too long */
        fiber_sleep(5000000);
    MUST_INT(waited, 0);
    MUST_INT(run(tx, WRITE("INSERT INTO t(n) VALUES(6)")), E_TIMEOUT);
    MUST_INT(db_tx_savepoint(tx, &err), E_TIMEOUT);
    MUST_INT(db_tx_commit(&tx, &err), E_TIMEOUT);
    MUST_INT(sum_outside(), 1);
    tx = begin(); /* one that ends in time does not care */
    MUST_INT(db_tx_commit(&tx, &err), 0);
}

static void timeout_test(void **state)
{
    (void)state;
    waited = 1;
    rig.cfg.tx_timeout_ms = 100;
    rig_play(table, timeout, NULL);
}

/* A statement may not run beyond its transaction. */
static void long_statement(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    MUST_INT(run(tx, WRITE("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                           "INSERT INTO t(n) SELECT i FROM n")),
             E_TIMEOUT);
    MUST(db_tx_commit(&tx, &err) < 0);
    MUST_INT(sum_outside(), 0);
    rig_write(WRITE("INSERT INTO t(n) VALUES(1)"));
}

static void long_statement_test(void **state)
{
    (void)state;
    rig.cfg.tx_timeout_ms = 100;
    rig_play(table, long_statement, NULL);
}

/* ---- many ---- */

static void count_up(void *arg)
{
    (void)arg;
    struct err e = {0};
    for (int i = 0; i < 10; i++) {
        struct arena a;
        struct db_tx *tx = NULL;
        arena_init(&a, 10000);
        struct db_write get = WRITE("SELECT n FROM t WHERE id = 1");
        get.arena = &a;
        get.st.writes = false;
        MUST_INT(db_tx_begin(rig.db, NULL, &tx, &e), 0);
        MUST_INT(db_tx_run(tx, &get, &e), 0);
        int64_t n = rows_at(&get.rows, 0, 0)->i;
        struct db_write put = WRITE("UPDATE t SET n = ?1 WHERE id = 1", INT(n + 1));
        put.expect = 1;
        fiber_yield();
        MUST_INT(db_tx_run(tx, &put, &e), 0);
        MUST_INT(db_tx_commit(&tx, &e), 0);
        arena_reset(&a);
        rig_write(WRITE("UPDATE t SET n = n + 1 WHERE id = 2"));
    }
}

static void many(void *arg)
{
    (void)arg;
    rig_write(WRITE("INSERT INTO t(id, n) VALUES(1, 0), (2, 1000)"));
    for (int i = 0; i < 10; i++)
        rig_start(count_up, NULL);
    while (NUMBER("SELECT n FROM t WHERE id = 2") < 1100)
        fiber_sleep(1000000);
    MUST_INT(NUMBER("SELECT n FROM t WHERE id = 1"), 100);
}

static void many_test(void **state)
{
    (void)state;
    rig_play(table, many, NULL);
}

/* ---- cancelled ---- */

static struct fiber *driver;
static int cancelled_code;

static void drive(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 5);
    driver = fiber_self();
    while (!fiber_cancelled())
        fiber_sleep(1000000);
    struct err e = {0};
    cancelled_code = db_tx_commit(&tx, &e);
}

static void cancelled(void *arg)
{
    (void)arg;
    rig_start(drive, NULL);
    while (!driver)
        fiber_sleep(1000000);
    fiber_cancel(driver);
    rig_write(WRITE("INSERT INTO t(n) VALUES(1)"));
    MUST_INT(cancelled_code, E_CANCELLED);
    MUST_INT(sum_outside(), 1);
}

static void cancelled_test(void **state)
{
    (void)state;
    driver = NULL;
    rig_play(table, cancelled, NULL);
}

/* ---- full ---- */

static void hold_and_release(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin(), *second = NULL;
    rig_start(write_behind, NULL);
    while (rig_stats().write_queue < 1)
        fiber_sleep(1000000);
    MUST_INT(db_tx_begin(rig.db, NULL, &second, &err), E_BUSY);
    MUST(!second);
    db_tx_rollback(&tx);
    while (waited == 1)
        fiber_sleep(1000000);
    MUST_INT(waited, 0);
}

static void full_test(void **state)
{
    (void)state;
    waited = 1;
    rig.cfg.write_queue = 1;
    rig_play(table, hold_and_release, NULL);
}

/* ---- options ---- */

static void reading(void *arg)
{
    struct db_tx_options o = {.isolation = DB_READ_COMMITTED, .read_only = true};
    struct db_write put = WRITE("INSERT INTO t(n) VALUES(1)");
    struct db_tx *tx = NULL;
    struct arena a;
    (void)arg;
    arena_init(&a, 100000);
    MUST_INT(db_tx_begin(rig.db, &o, &tx, &err), 0);
    MUST_INT(db_tx_isolation(tx), DB_SERIALIZABLE); /* one writer */
    MUST_INT(db_tx_run(tx, &put, &err), E_DENIED);
    MUST_TEXT(err.word, "read_only");
    put = WRITE("INSERT INTO t(n) VALUES(2) RETURNING n"); /* a write that says it is none */
    put.st.writes = false;
    put.arena = &a;
    MUST_INT(db_tx_run(tx, &put, &err), E_DENIED);
    MUST_INT(sum_inside(tx), 0);
    MUST_INT(db_tx_commit(&tx, &err), 0);
    MUST_INT(sum_outside(), 0);
    arena_reset(&a);
}

static void reading_test(void **state)
{
    (void)state;
    rig_play(table, reading, NULL);
}

/* ---- blocks ---- */

struct clashing {
    unsigned runs, clashes; /* it clashes that often, then not */
    unsigned allowed;       /* by again() */
    int code;               /* of the failure */
};

static int clash(void *ctx, struct db_tx *tx, struct err *why)
{
    struct clashing *c = ctx;
    PUT(tx, 7);
    if (++c->runs > c->clashes)
        return 0;
    return c->code ? (fail)(why, c->code, "no clash")
                   : fail_field(why, E_BUSY, LIT("serialization"), LIT(""), "a clash");
}

static bool again(void *ctx)
{
    struct clashing *c = ctx;
    return c->runs <= c->allowed;
}

static int transact(struct clashing *c, bool asks)
{
    struct db_block block = {.body = clash, .again = asks ? again : NULL, .ctx = c};
    err = (struct err){0};
    return db_transact(rig.db, NULL, &block, &err);
}

static void blocks(void *arg)
{
    (void)arg;
    struct clashing c = {.clashes = 2};
    MUST_INT(transact(&c, false), 0);
    MUST_INT(c.runs, 3);
    MUST_INT(sum_outside(), 7); /* what the first two did is undone: n is unique */
    rig_write(WRITE("DELETE FROM t"));
    c = (struct clashing){.clashes = 9}; /* the bound */
    MUST_INT(transact(&c, false), E_BUSY);
    MUST(db_clashed(&err));
    MUST_INT(c.runs, 4);
    c = (struct clashing){.clashes = 9, .allowed = 1};
    MUST_INT(transact(&c, true), E_BUSY);
    MUST_INT(c.runs, 2);
    c = (struct clashing){.clashes = 9, .code = E_CONFLICT}; /* another failure is told at once */
    MUST_INT(transact(&c, false), E_CONFLICT);
    MUST_INT(c.runs, 1);
    MUST_INT(sum_outside(), 0);
}

static void blocks_test(void **state)
{
    (void)state;
    rig.cfg.tx_retries = 3;
    rig_play(table, blocks, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(scopes_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(failures_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(savepoints_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(timeout_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(long_statement_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(many_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(cancelled_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(full_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(reading_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(blocks_test, rig_begin, rig_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
