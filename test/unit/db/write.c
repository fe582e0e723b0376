/* write.c -- writes: groups, what undoes what, constraints and their fields. SPDX: Apache-2.0 */
#include "rig.h"

#include <pthread.h>

static const char shop[] =
    "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, age INTEGER "
    "CHECK (age >= 0), city TEXT, score INTEGER CONSTRAINT low_score CHECK (score < 100)) STRICT;"
    "CREATE TABLE posts(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), "
    "title TEXT, UNIQUE (user_id, title));"
    "CREATE UNIQUE INDEX lower_city ON users(lower(city));"
    "CREATE TABLE late(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id) "
    "DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE guarded(id INTEGER PRIMARY KEY, n INTEGER);"
    "CREATE TRIGGER no_seven BEFORE INSERT ON guarded WHEN new.n = 7 "
    "BEGIN SELECT RAISE(ABORT, 'seven is not liked'); END;"
    "CREATE TRIGGER no_eight BEFORE INSERT ON guarded WHEN new.n = 8 "
    "BEGIN SELECT RAISE(ROLLBACK, 'eight undoes all'); END;"
    "INSERT INTO users(id, email, city) VALUES (1, 'a@x', 'Oslo'), (2, 'b@x', 'Rome');"
    "INSERT INTO posts(id, user_id, title) VALUES (1, 1, 'first');";

/* ---- constraints ---- */

static void constraints(void *arg)
{
    (void)arg;
    struct err err = {0};
    rig_refused(WRITE("INSERT INTO users(email) VALUES(?1)", TEXT("a@x")), E_UNIQUE, "email");
    rig_refused(WRITE("INSERT INTO users(id, email) VALUES(1, 'q')"), E_UNIQUE, "id");
    rig_refused(WRITE("INSERT INTO posts(user_id, title) VALUES(1, 'first')"), E_UNIQUE,
                "user_id,title");
    rig_refused(WRITE("INSERT INTO users(email, city) VALUES('q', 'OSLO')"), E_UNIQUE,
                "lower_city");
    rig_refused(WRITE("INSERT INTO users(email) VALUES(NULL)"), E_CHECK, "email");
    rig_refused(WRITE("UPDATE users SET age = -1 WHERE id = 1"), E_CHECK, "age");
    rig_refused(WRITE("UPDATE users SET score = 100 WHERE id = 1"), E_CHECK, "low_score");
    rig_refused(WRITE("UPDATE users SET age = 'old' WHERE id = 1"), E_CHECK, "age");
    rig_refused(WRITE("INSERT INTO posts(user_id) VALUES(9)"), E_PARENT, "");
    rig_refused(WRITE("UPDATE posts SET user_id = 9"), E_PARENT, "");
    rig_refused(WRITE("DELETE FROM users WHERE id = 1"), E_CHILDREN, "");
    rig_refused(WRITE("WITH a(i) AS (SELECT 1) DELETE FROM users WHERE id IN (SELECT i FROM a)"),
                E_CHILDREN, "");
    rig_refused(WRITE("INSERT INTO late(user_id) VALUES(9)"), E_PARENT, "");
    rig_refused(WRITE("INSERT INTO guarded(n) VALUES(7)"), E_CHECK, "");
    rig_refused(WRITE("INSERT INTO guarded(n) VALUES(8)"), E_CHECK, "");
    rig_refused(WRITE("INSERT INTO nowhere(n) VALUES(8)"), E_DB, "");
    rig_refused(WRITE("INSERT INTO guarded(id) VALUES('x')"), E_CHECK, "");
    rig_refused(WRITE("COMMIT"), E_DB, "");
    rig_refused(WRITE("SAVEPOINT s"), E_DB, "");
    rig_refused(WRITE("BEGIN IMMEDIATE"), E_DB, "");
    rig_refused(WRITE("ATTACH '/tmp/x' AS x"), E_DB, "");
    struct db_write null = WRITE("INSERT INTO users(email) VALUES(NULL)");
    MUST_INT(db_write(rig.db, &null, 1, NULL, &err), E_CHECK);
    MUST_TEXT(err.word, "required");
    MUST_INT(NUMBER("SELECT count(*) FROM users"), 2);
    MUST_INT(NUMBER("SELECT count(*) FROM guarded"), 0);
    MUST_INT(NUMBER("SELECT count(*) FROM late"), 0);
}

static void constraints_test(void **state)
{
    (void)state;
    rig_play(shop, constraints, NULL);
}

/* ---- what comes back ---- */

static void returning(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct arena a;
    arena_init(&a, 1 << 20);
    struct db_write w =
        WRITE("INSERT INTO users(email) VALUES('c@x'), ('d@x') RETURNING id, email");
    w.arena = &a;
    w.expect = 2;
    MUST_INT(db_write(rig.db, &w, 1, NULL, &err), 0);
    MUST_INT(w.changes, 2);
    MUST_INT(w.rows.count, 2);
    MUST_TEXT(rows_at(&w.rows, 1, 1)->text, "d@x");
    struct db_write u = WRITE("UPDATE users SET age = 3 WHERE id > 2");
    MUST_INT(db_write(rig.db, &u, 1, NULL, &err), 0);
    MUST_INT(u.changes, 2);
    arena_reset(&a);
    arena_init(&a, 10000); /* rows that do not fit undo the write */
    struct db_write big = WRITE("UPDATE users SET age = 4 RETURNING hex(randomblob(9000))");
    big.arena = &a;
    MUST_INT(db_write(rig.db, &big, 1, NULL, &err), E_TOOBIG);
    MUST_INT(NUMBER("SELECT count(*) FROM users WHERE age = 4"), 0);
    arena_reset(&a);
}

static void returning_test(void **state)
{
    (void)state;
    rig_play(shop, returning, NULL);
}

static void expect(void *arg)
{
    (void)arg;
    struct err err = {0};
    size_t failed = 9;
    struct db_write w = WRITE("UPDATE users SET age = 5 WHERE id = 99");
    w.expect = 1;
    MUST_INT(db_write(rig.db, &w, 1, NULL, &err), E_NOTFOUND);
    w = WRITE("UPDATE users SET age = 5");
    w.expect = 1; /* two rows change: one too many, so none does */
    MUST_INT(db_write(rig.db, &w, 1, NULL, &err), E_NOTFOUND);
    MUST_INT(NUMBER("SELECT count(*) FROM users WHERE age = 5"), 0);
    struct db_write list[] = {WRITE("INSERT INTO users(id, email) VALUES(7, 'x')"),
                              WRITE("INSERT INTO posts(user_id) VALUES(7)"),
                              WRITE("UPDATE users SET age = 6 WHERE id = 99"),
                              WRITE("UPDATE users SET age = 6 WHERE id = 1")};
    list[2].expect = 1;
    MUST_INT(db_write(rig.db, list, 4, &failed, &err), E_NOTFOUND);
    MUST_INT(failed, 2);
    MUST_INT(NUMBER("SELECT count(*) FROM users WHERE id = 7 OR age = 6"), 0);
    list[2].expect = 0;
    MUST_INT(db_write(rig.db, list, 4, &failed, &err), 0);
    MUST_INT(NUMBER("SELECT count(*) FROM users WHERE id = 7 OR age = 6"), 2);
    /* In one request the order of parent and child does not matter where the key is deferred. */
    struct db_write turned[] = {WRITE("INSERT INTO late(user_id) VALUES(8)"),
                                WRITE("INSERT INTO users(id, email) VALUES(8, 'y')")};
    MUST_INT(db_write(rig.db, turned, 2, NULL, &err), 0);
    MUST_INT(NUMBER("SELECT count(*) FROM late"), 1);
}

static void expect_test(void **state)
{
    (void)state;
    rig_play(shop, expect, NULL);
}

/* ---- groups ---- */

enum { FIBERS = 60 };

struct crowd {
    fiber_fn *fn;
};

static void gather_crowd(void *arg)
{
    struct crowd *crowd = arg;
    struct err err = {0};
    struct db_tx *tx = NULL;
    MUST_INT(db_tx_begin(rig.db, NULL, &tx, &err), 0);
    for (intptr_t i = 0; i < FIBERS; i++)
        rig_start(crowd->fn, (void *)i);
    while (rig_stats().write_queue < FIBERS)
        fiber_sleep(1000000);
    db_tx_rollback(&tx);
}

/* Holds the writer until all the fibers of a test stand in the queue. */
static void gather(fiber_fn *fn)
{
    struct crowd crowd = {fn};
    MUST_INT(fiber_scope(gather_crowd, &crowd), 0);
}

static void one_insert(void *arg)
{
    rig_write(WRITE("INSERT INTO guarded(n) VALUES(?1)", INT(100 + (intptr_t)arg)));
}

static void grouped(void *arg)
{
    (void)arg;
    struct db_stats a = rig_stats(), b;
    gather(one_insert);
    while (rig_stats().writes - a.writes < FIBERS + 1)
        fiber_sleep(1000000);
    b = rig_stats();
    MUST_INT(b.writes - a.writes, FIBERS + 1); /* the block that held them up counts */
    MUST_INT(b.commits - a.commits, 1);
    MUST_INT(b.syncs - a.syncs, 1);
    MUST_INT(b.group_max, FIBERS);
    MUST_INT(b.write_queue, 0);
    MUST_INT(b.write_queue_max, FIBERS);
    MUST_INT(NUMBER("SELECT count(*) FROM guarded"), FIBERS);
}

static void grouped_test(void **state)
{
    (void)state;
    rig_play(shop, grouped, NULL);
}

/* Every second of a group fails, each in its own way: the other half is there all the same. */
static void mixed_insert(void *arg)
{
    intptr_t i = (intptr_t)arg;
    struct value n = INT(1000 + i);
    struct db_write two[] = {WRITE("INSERT INTO guarded(n) VALUES(-1)"),
                             WRITE("INSERT INTO guarded(n) VALUES(7)")};
    struct err err = {0};
    struct db_write w;
    switch (i % 10) {
    case 1:
        rig_refused(WRITE("INSERT INTO users(email) VALUES('a@x')"), E_UNIQUE, "email");
        break;
    case 3: /* takes the whole transaction with it */
        rig_refused(WRITE("INSERT INTO guarded(n) VALUES(8)"), E_CHECK, "");
        break;
    case 5: /* changes something before it fails */
        rig_refused(WRITE("INSERT INTO late(user_id) VALUES(99)"), E_PARENT, "");
        break;
    case 7:
        w = WRITE("UPDATE users SET score = 1");
        w.expect = 1;
        MUST_INT(db_write(rig.db, &w, 1, NULL, &err), E_NOTFOUND);
        break;
    case 9:
        MUST_INT(db_write(rig.db, two, 2, NULL, &err), E_CHECK);
        break;
    default:
        rig_write(WRITE("INSERT INTO guarded(n) VALUES(?1)", n));
        break;
    }
}

static void mixed(void *arg)
{
    (void)arg;
    struct db_stats a = rig_stats(), b;
    gather(mixed_insert);
    while (rig_stats().writes - a.writes < FIBERS + 1)
        fiber_sleep(1000000);
    b = rig_stats();
    MUST_INT(b.write_failures - a.write_failures, FIBERS / 2);
    MUST_INT(b.commits - a.commits, 1);
    MUST_INT(NUMBER("SELECT count(*) FROM guarded"), FIBERS / 2);
    MUST_INT(NUMBER("SELECT count(*) FROM guarded WHERE n < 1000"), 0);
    MUST_INT(NUMBER("SELECT count(*) FROM late"), 0);
    MUST_INT(NUMBER("SELECT count(*) FROM users WHERE score = 1"), 0);
}

static void mixed_test(void **state)
{
    (void)state;
    rig_play(shop, mixed, NULL);
}

/* A group run again from its start gives those that had failed another chance: 1 fails on a row
 * that 0 made, but 0 is the one that undoes all (its second statement). err stays untouched. */
static void unlucky(void *arg)
{
    struct err err = {0};
    struct db_write bad[] = {WRITE("INSERT INTO guarded(id, n) VALUES(5, 1)"),
                             WRITE("INSERT INTO guarded(n) VALUES(8)")};
    switch ((intptr_t)arg) {
    case 0:
        rig_write(WRITE("INSERT INTO guarded(id, n) VALUES(4, 1)"));
        break;
    case 1:
        MUST_INT(db_write(rig.db, bad, 2, NULL, &err), E_CHECK);
        break;
    case 2:
        rig_refused(WRITE("INSERT INTO guarded(id, n) VALUES(4, 2)"), E_UNIQUE, "id");
        break;
    default:
        rig_write(WRITE("INSERT INTO guarded(id, n) VALUES(?1, 3)", INT(10 + (intptr_t)arg)));
        break;
    }
}

static void again(void *arg)
{
    (void)arg;
    gather(unlucky);
    while (rig_stats().writes < FIBERS + 1)
        fiber_sleep(1000000);
    MUST_INT(NUMBER("SELECT count(*) FROM guarded"), FIBERS - 2);
    MUST_INT(NUMBER("SELECT count(*) FROM guarded WHERE id = 5"), 0);
}

static void again_test(void **state)
{
    (void)state;
    rig_play(shop, again, NULL);
}

/* More than one commit may hold. */
static void many_groups(void *arg)
{
    (void)arg;
    struct db_stats a = rig_stats();
    gather(one_insert);
    while (rig_stats().writes - a.writes < FIBERS + 1)
        fiber_sleep(1000000);
    MUST_INT(rig_stats().commits - a.commits, FIBERS / 20);
    MUST_INT(rig_stats().group_max, 20);
}

static void many_groups_test(void **state)
{
    (void)state;
    rig.cfg.group_most = 20;
    rig_play(shop, many_groups, NULL);
}

/* ---- the queue ---- */

static unsigned refused;

static void queue_up(void *arg)
{
    struct err err = {0};
    struct db_write w = WRITE("INSERT INTO guarded(n) VALUES(?1)", INT(100 + (intptr_t)arg));
    int code = db_write(rig.db, &w, 1, NULL, &err);
    MUST(code == 0 || code == E_BUSY);
    refused += code == E_BUSY;
}

static void full(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct db_tx *tx = NULL;
    refused = 0;
    MUST_INT(db_tx_begin(rig.db, NULL, &tx, &err), 0);
    for (intptr_t i = 0; i < FIBERS; i++)
        rig_start(queue_up, (void *)i);
    while (refused < FIBERS - 10)
        fiber_sleep(1000000);
    MUST_INT(rig_stats().write_queue, 10);
    db_tx_rollback(&tx);
    while (rig_stats().writes < 11)
        fiber_sleep(1000000);
    MUST_INT(refused, FIBERS - 10);
    MUST_INT(NUMBER("SELECT count(*) FROM guarded"), 10);
}

static void full_test(void **state)
{
    (void)state;
    rig.cfg.write_queue = 10;
    rig_play(shop, full, NULL);
}

/* A fiber whose client has gone does not begin a write; one that waits for its commit goes on. */
static void gone(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct db_write w = WRITE("INSERT INTO guarded(n) VALUES(1)");
    fiber_cancel(fiber_self());
    MUST_INT(db_write(rig.db, &w, 1, NULL, &err), E_CANCELLED);
}

static struct fiber *writing;
static int written;

static void write_and_wait(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct db_write w = WRITE("INSERT INTO guarded(n) VALUES(2)");
    writing = fiber_self();
    written = db_write(rig.db, &w, 1, NULL, &err);
    MUST(fiber_cancelled());
}

static void cancelled(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct db_tx *tx = NULL;
    written = 1;
    rig_start(gone, NULL);
    MUST_INT(db_tx_begin(rig.db, NULL, &tx, &err), 0);
    rig_start(write_and_wait, NULL);
    while (rig_stats().write_queue < 1)
        fiber_sleep(1000000);
    fiber_cancel(writing);
    fiber_sleep(5000000);
    MUST_INT(written, 1);
    db_tx_rollback(&tx);
    while (written == 1)
        fiber_sleep(1000000);
    MUST_INT(written, 0);
    MUST_INT(NUMBER("SELECT sum(n) FROM guarded"), 2);
}

static void cancelled_test(void **state)
{
    (void)state;
    rig_play(shop, cancelled, NULL);
}

/* A write that waited for longer than a statement may run, and one that runs for longer. */
static void too_late(void *arg)
{
    (void)arg;
    rig_refused(WRITE("INSERT INTO guarded(n) VALUES(3)"), E_TIMEOUT, "");
}

static void late(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct db_tx *tx = NULL;
    MUST_INT(db_tx_begin(rig.db, NULL, &tx, &err), 0);
    rig_start(too_late, NULL);
    fiber_sleep(200000000);
    db_tx_rollback(&tx);
    rig_refused(WRITE("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                      "INSERT INTO guarded(n) SELECT count(*) FROM n"),
                E_TIMEOUT, "");
    MUST_INT(NUMBER("SELECT count(*) FROM guarded"), 0);
}

static void late_test(void **state)
{
    (void)state;
    rig.cfg.statement_timeout_ms = 100;
    rig_play(shop, late, NULL);
}

/* ---- the end ---- */

static unsigned ended_well;

static void write_to_the_end(void *arg)
{
    rig_write(WRITE("INSERT INTO guarded(n) VALUES(?1)", INT(100 + (intptr_t)arg)));
    ended_well++;
}

/* The engine closes while writes stand in its queue: all are made and answered. */
static void close_over(void *arg)
{
    (void)arg;
    ended_well = 0;
    gather(write_to_the_end);
    db_worker_end(rig.db);
    db_close(&rig.db);
    while (ended_well < FIBERS)
        fiber_yield();
}

static void all_there(void *arg)
{
    (void)arg;
    MUST_INT(NUMBER("SELECT count(*) FROM guarded"), FIBERS);
}

static void close_test(void **state)
{
    (void)state;
    struct err err = {0};
    rig_script(shop);
    rig_open();
    struct loop *l = loop_new(65536, 2000);
    MUST_INT(db_worker_begin(rig.db, &err), 0);
    rig_start(close_over, NULL);
    loop_run(l);
    loop_free(&l);
    rig_open();
    rig_run(all_there, NULL);
    db_close(&rig.db);
}

/* ---- several workers at once ---- */

enum { THREADS = 4, ROUNDS = 20 };

static void add_up(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        rig_write(WRITE("UPDATE guarded SET n = n + 1 WHERE id = ?1", INT((intptr_t)arg)));
        rig_refused(WRITE("INSERT INTO guarded(id) VALUES(?1)", INT((intptr_t)arg)), E_UNIQUE,
                    "id");
    }
}

static void fan_out(void *arg)
{
    (void)arg;
    for (intptr_t i = 0; i < 16; i++)
        rig_start(add_up, (void *)(1 + i % 4));
}

static void *worker(void *arg)
{
    rig_run(fan_out, arg);
    return NULL;
}

static void none_lost(void *arg)
{
    (void)arg;
    MUST_INT(NUMBER("SELECT min(n) FROM guarded"), THREADS * 4 * ROUNDS);
    MUST_INT(NUMBER("SELECT max(n) FROM guarded"), THREADS * 4 * ROUNDS);
}

static void workers_test(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    rig_script(shop);
    rig_script("INSERT INTO guarded(id, n) VALUES (1,0), (2,0), (3,0), (4,0)");
    rig_open();
    for (int i = 0; i < THREADS; i++)
        MUST_INT(pthread_create(&threads[i], NULL, worker, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct db_stats s = rig_stats();
    MUST_INT(s.writes, 2 * THREADS * 16 * ROUNDS);
    MUST_INT(s.write_failures, THREADS * 16 * ROUNDS);
    MUST(s.commits < s.writes);
    rig_run(none_lost, NULL);
    db_close(&rig.db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(constraints_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(returning_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(expect_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(grouped_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(mixed_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(again_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(many_groups_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(full_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(cancelled_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(late_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(close_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(workers_test, rig_begin, rig_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
