/* read.c -- reads: values, rows, where they run, what they cost, how they end. SPDX: Apache-2.0 */
#include "rig.h"

#include <pthread.h>

static const char users[] =
    "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, city TEXT);"
    "CREATE INDEX by_city ON users(city);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    "INSERT INTO users SELECT i, 'name ' || i, 'city ' || (i % 10) FROM n;";

/* More steps than any time limit of a test allows. */
#define ENDLESS                                                                                    \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "                             \
    "SELECT count(*) FROM n"

/* ---- values and rows ---- */

struct kinds {
    int rows;
};

static int see_kinds(void *ctx, const struct value *c, size_t n)
{
    ((struct kinds *)ctx)->rows++;
    MUST_INT(n, 10);
    MUST(c[0].kind == V_NULL);
    MUST(c[1].kind == V_INT && c[1].i == 1);
    MUST(c[2].kind == V_INT && c[2].i == INT64_MIN);
    MUST(c[3].kind == V_FLOAT && c[3].f == 0.5);
    MUST(c[4].kind == V_TEXT && str_eq(c[4].text, LIT("12345678901234567890.5")));
    MUST(c[5].kind == V_TEXT && str_eq(c[5].text, LIT("a\0b")));
    MUST(c[6].kind == V_BYTES && str_eq(c[6].text, LIT("\0\xff")));
    MUST(c[7].kind == V_TEXT && c[7].text.len == 0 && c[7].text.ptr);
    MUST(c[8].kind == V_BYTES && c[8].text.len == 0);
    MUST(c[9].kind == V_TEXT && str_eq(c[9].text, LIT("[1,\"x\",null]")));
    return 0;
}

static void kinds(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct kinds k = {0};
    struct value items[] = {value_int(1), TEXT("x"), value_null()};
    struct value list = {.kind = V_ARRAY, .count = 3, .items = items};
    struct stmt st =
        READ("SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10", value_null(), value_bool(true),
             value_int(INT64_MIN), value_float(0.5), value_num(LIT("12345678901234567890.5")),
             TEXT("a\0b"), value_bytes(LIT("\0\xff")), value_text((str){0}), value_bytes((str){0}),
             list);
    MUST_INT(db_query(rig.db, &st, see_kinds, &k, NULL, &err), 0);
    MUST_INT(k.rows, 1);
}

static void kinds_test(void **state)
{
    (void)state;
    rig_play("", kinds, NULL);
}

static void rows(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct arena a;
    struct rows r;
    arena_init(&a, 1 << 20);
    struct stmt st = READ("SELECT id, name AS who FROM users WHERE city = ?1", TEXT("city 3"));
    MUST_INT(db_rows(rig.db, &st, &a, 1000, &r, &err), 0);
    MUST_INT(r.count, 500);
    MUST_INT(r.cols, 2);
    MUST_TEXT(r.names[1], "who");
    MUST_INT(rows_at(&r, 499, 0)->i, 4993);
    MUST_TEXT(rows_at(&r, 499, 1)->text, "name 4993");
    MUST_INT(db_rows(rig.db, &st, &a, 499, &r, &err), E_TOOBIG);
    arena_reset(&a);
    arena_init(&a, 20000); /* not enough for the cells */
    MUST_INT(db_rows(rig.db, &st, &a, 1000, &r, &err), E_TOOBIG);
    arena_reset(&a);
    arena_init(&a, 1 << 20);
    struct stmt none = READ("SELECT id, name FROM users WHERE id = ?1", INT(0));
    MUST_INT(db_rows(rig.db, &none, &a, 1, &r, &err), 0);
    MUST_INT(r.count, 0);
    MUST_INT(r.cols, 2);
    MUST_TEXT(r.names[0], "id");
    arena_reset(&a);
}

static void rows_test(void **state)
{
    (void)state;
    rig_play(users, rows, NULL);
}

/* ---- failures ---- */

static int stop_at_two(void *ctx, const struct value *c, size_t n)
{
    (void)n;
    *(int64_t *)ctx = c[0].i;
    return c[0].i == 2 ? E_DENIED : 0;
}

static void failures(void *arg)
{
    (void)arg;
    struct err err = {0};
    int64_t last = 0;
    struct stmt st = READ("SELECT id FROM users WHERE id < ?1", INT(10));
    MUST_INT(db_query(rig.db, &st, stop_at_two, &last, NULL, &err), E_DENIED);
    MUST_INT(last, 2);
    MUST_INT(err.code, E_DENIED);
    MUST_INT(db_query(rig.db, &st, stop_at_two, &last, NULL, &err), E_DENIED); /* it was reset */
    struct stmt few = {.text = LIT("SELECT ?1")};
    MUST_INT(db_query(rig.db, &few, NULL, NULL, NULL, &err), E_DB);
    struct stmt two = {.text = LIT("SELECT 1; SELECT 2")};
    MUST_INT(db_query(rig.db, &two, NULL, NULL, NULL, &err), E_DB);
    struct stmt nothing = {.text = LIT("  ;")};
    MUST_INT(db_query(rig.db, &nothing, NULL, NULL, NULL, &err), E_DB);
    struct stmt secret = {.text = LIT("SELECT 'secret' FROM users WHERE secret secret")};
    MUST_INT(db_query(rig.db, &secret, NULL, NULL, NULL, &err), E_DB);
    MUST(!strstr(err.text, "secret")); /* no text of the statement in words for a client */
    struct stmt missing = {.text = LIT("SELECT 1 FROM nobody")};
    MUST_INT(db_query(rig.db, &missing, NULL, NULL, NULL, &err), E_DB);
    MUST(strstr(err.text, "no such table"));
    struct stmt write = {.text = LIT("DELETE FROM users")};
    MUST(db_query(rig.db, &write, NULL, NULL, NULL, &err) < 0);
    MUST_INT(NUMBER("SELECT count(*) FROM users"), 5000);
}

static void failures_test(void **state)
{
    (void)state;
    rig_play(users, failures, NULL);
}

/* ---- where and at what cost ---- */

static void where(void *arg)
{
    (void)arg;
    struct db_stats a = rig_stats(), b;
    NUMBER("SELECT id FROM users WHERE id = 7");
    NUMBER("SELECT max(id) FROM users WHERE city = 'city 1'");
    b = rig_stats();
    MUST_INT(b.reads_inline - a.reads_inline, 2);
    MUST_INT(b.reads_helper - a.reads_helper, 0);
    NUMBER("SELECT count(*) FROM users WHERE name > 'x' OR id > 0");
    NUMBER("SELECT id FROM users ORDER BY name LIMIT 1");
    a = rig_stats();
    MUST_INT(a.reads_inline - b.reads_inline, 0);
    MUST_INT(a.reads_helper - b.reads_helper, 2);
    struct stmt bounded = {.text = LIT("SELECT id FROM users LIMIT 1"), .bounded = true};
    rig_number(bounded);
    b = rig_stats();
    MUST_INT(b.reads_inline - a.reads_inline, 1);
    MUST_INT(b.statements - a.statements, 1);
    /* Begun here, too long for here, begun again by a helper: one statement. */
    struct stmt slow = {.text = LIT("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                    " WHERE i < 1000000) SELECT max(i) FROM n"),
                        .bounded = true};
    MUST_INT(rig_number(slow), 1000000);
    a = rig_stats();
    MUST_INT(a.reads_helper - b.reads_helper, 1);
    MUST_INT(a.statements - b.statements, 1);
}

static void where_test(void **state)
{
    (void)state;
    rig_play(users, where, NULL);
}

static int drop_row(void *ctx, const struct value *c, size_t n)
{
    (void)c;
    *(size_t *)ctx += n;
    return 0;
}

static void point_read(int64_t id)
{
    struct err err = {0};
    size_t cells = 0;
    struct stmt st = READ("SELECT id, name, city FROM users WHERE id = ?1", INT(id));
    MUST_INT(db_query(rig.db, &st, drop_row, &cells, NULL, &err), 0);
    MUST_INT(cells, 3);
}

static void cost(void *arg)
{
    (void)arg;
    for (int i = 1; i <= 5000; i++) /* the pages, too, come from the heap once */
        point_read(i);
    fiber_sleep(20000000); /* so that BEGIN and COMMIT are both known */
    point_read(1);
    struct db_stats a = rig_stats(), b;
    uint64_t heap = mem_calls();
    for (int i = 1; i <= 5000; i++)
        point_read(i);
    MUST_INT(mem_calls() - heap, 0);
    b = rig_stats();
    MUST_INT(b.prepared - a.prepared, 0);
    MUST_INT(b.rows - a.rows, 5000);
    fiber_yield(); /* in another turn */
    heap = mem_calls();
    point_read(1);
    MUST_INT(mem_calls() - heap, 0);
}

static void cost_test(void **state)
{
    (void)state;
    rig_play(users, cost, NULL);
}

/* More shapes than are kept: the oldest go, those in use stay. */
static void shapes(void *arg)
{
    (void)arg;
    char text[64];
    point_read(1);
    fiber_sleep(20000000); /* so that BEGIN and COMMIT are both known */
    point_read(1);
    struct db_stats a = rig_stats();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 40; i++) {
            int n = snprintf(text, sizeof text, "SELECT %d", i);
            MUST_INT(rig_number((struct stmt){.text = {text, (size_t)n}}), i);
            point_read(1);
        }
    }
    struct db_stats b = rig_stats();
    MUST_INT(b.prepared - a.prepared, 2 * 3 * 40); /* each with its plan */
    for (int i = 0; i < 3; i++)
        rig_number((struct stmt){.text = LIT("SELECT 77"), .once = true});
    MUST_INT(rig_stats().prepared - b.prepared, 6);
}

static void shapes_test(void **state)
{
    (void)state;
    rig_play(users, shapes, NULL);
}

/* ---- time ---- */

static void timeout(void *arg)
{
    (void)arg;
    struct err err = {0};
    struct stmt st = {.text = LIT(ENDLESS)};
    MUST_INT(db_query(rig.db, &st, NULL, NULL, NULL, &err), E_TIMEOUT);
    MUST_INT(rig_stats().timeouts, 1);
    MUST_INT(db_query(rig.db, &st, NULL, NULL, NULL, &err), E_TIMEOUT);
    MUST_INT(rig_stats().timeouts, 2);
    MUST_INT(NUMBER("SELECT 5"), 5);
}

static void timeout_test(void **state)
{
    (void)state;
    rig.cfg.statement_timeout_ms = 50;
    rig_play("", timeout, NULL);
}

/* An endless statement on a helper does not keep others of the loop from running. */
static struct fiber *scanner;
static int scan_code;

static void scan(void *arg)
{
    struct err err = {0};
    struct stmt st = {.text = LIT(ENDLESS)};
    (void)arg;
    scanner = fiber_self();
    scan_code = db_query(rig.db, &st, NULL, NULL, NULL, &err);
    MUST_INT(err.code, scan_code);
}

/* Begun inline, it outgrows its budget and moves. */
static void until_helper_runs(void)
{
    while (rig_stats().reads_helper == 0 && !scan_code)
        fiber_sleep(1000000);
}

static void cancelled(void *arg)
{
    (void)arg;
    rig_start(scan, NULL);
    until_helper_runs();
    MUST_INT(NUMBER("SELECT id FROM users WHERE id = 8"), 8);
    fiber_cancel(scanner);
    while (!scan_code)
        fiber_sleep(1000000);
    MUST_INT(scan_code, E_CANCELLED);
    scan_code = 0;
    rig_start(scan, NULL); /* the helper is free again */
    while (rig_stats().reads_helper == 1)
        fiber_sleep(1000000);
    fiber_cancel(scanner);
}

static void cancelled_test(void **state)
{
    (void)state;
    rig.cfg.scan_threads = 1;
    scan_code = 0;
    rig_play(users, cancelled, NULL);
}

/* One helper, one place in its queue: the second waits, the third is refused, and the second can
 * be called off or gives up by itself while it waits. */
struct waiting {
    struct fiber *fiber;
    int code;
};

static void wait_in_queue(void *arg)
{
    struct waiting *w = arg;
    struct err err = {0};
    struct stmt st = {.text = LIT("SELECT count(*) FROM users WHERE name > 'a'")};
    w->fiber = fiber_self();
    w->code = db_query(rig.db, &st, NULL, NULL, NULL, &err);
}

static void queue(void *arg)
{
    (void)arg;
    struct waiting second = {0}, third = {0};
    rig_start(scan, NULL);
    until_helper_runs();
    rig_start(wait_in_queue, &second);
    while (!second.fiber)
        fiber_yield();
    rig_start(wait_in_queue, &third);
    while (!third.code)
        fiber_yield();
    MUST_INT(third.code, E_BUSY);
    MUST_INT(second.code, 0);
    fiber_cancel(second.fiber);
    while (!second.code)
        fiber_yield();
    MUST_INT(second.code, E_CANCELLED);
    fiber_cancel(scanner);
    while (!scan_code)
        fiber_sleep(1000000);
    third.code = 1;
    wait_in_queue(&third);
    MUST_INT(third.code, 0);
}

static void queue_test(void **state)
{
    (void)state;
    scan_code = 0;
    rig.cfg.scan_threads = rig.cfg.scan_queue = 1;
    rig_play(users, queue, NULL);
}

static void late_in_queue(void *arg)
{
    (void)arg;
    struct waiting second = {0};
    rig_start(scan, NULL);
    until_helper_runs();
    wait_in_queue(&second); /* both times run out at about the same moment, the first one's first */
    MUST(second.code == E_TIMEOUT || second.code == 0);
    while (!scan_code)
        fiber_sleep(1000000);
    MUST_INT(scan_code, E_TIMEOUT);
}

static void late_in_queue_test(void **state)
{
    (void)state;
    scan_code = 0;
    rig.cfg.scan_threads = 1;
    rig.cfg.statement_timeout_ms = 60;
    rig_play(users, late_in_queue, NULL);
}

/* ---- freshness ---- */

static void fresh(void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++) {
        rig_write(WRITE("UPDATE users SET name = ?1 WHERE id = 1", INT(i)));
        MUST_INT(NUMBER("SELECT CAST(name AS INTEGER) FROM users WHERE id = 1"), i);
    }
    /* Another connection, as of another process, within the time a snapshot may last. */
    rig_script("UPDATE users SET name = '77' WHERE id = 1");
    fiber_sleep(20000000);
    MUST_INT(NUMBER("SELECT CAST(name AS INTEGER) FROM users WHERE id = 1"), 77);
    /* The table changes under prepared statements. */
    rig_script("ALTER TABLE users ADD COLUMN age INTEGER; DROP INDEX by_city;");
    fiber_sleep(20000000);
    point_read(3);
    MUST_INT(NUMBER("SELECT count(*) FROM users WHERE age IS NULL"), 5000);
}

static void fresh_test(void **state)
{
    (void)state;
    rig_play(users, fresh, NULL);
}

/* What one worker was told, all workers see. */
enum { THREADS = 4, WRITES = 50 };
static _Atomic int64_t told;

static void follow(void *arg)
{
    (void)arg;
    while (atomic_load(&told) < THREADS * WRITES) {
        int64_t least = atomic_load(&told);
        int64_t seen = NUMBER("SELECT count(*) FROM notes WHERE id > 0");
        MUST(seen >= least);
        fiber_yield();
    }
}

static void tell(void *arg)
{
    (void)arg;
    for (int i = 0; i < WRITES; i++) {
        rig_write(WRITE("INSERT INTO notes(text) VALUES(?1)", INT(i)));
        atomic_fetch_add(&told, 1);
    }
}

static void tell_and_follow(void *arg)
{
    rig_start(tell, NULL);
    follow(arg);
}

static void *worker(void *arg)
{
    rig_run(tell_and_follow, arg);
    return NULL;
}

static void workers_test(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    atomic_store(&told, 0);
    rig_script("CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)");
    rig_open();
    for (int i = 0; i < THREADS; i++)
        MUST_INT(pthread_create(&threads[i], NULL, worker, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct db_stats s = rig_stats();
    MUST_INT(s.writes, THREADS * WRITES);
    MUST_INT(s.write_failures, 0);
    db_close(&rig.db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kinds_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(rows_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(failures_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(where_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(cost_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(shapes_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(timeout_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(cancelled_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(queue_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(late_in_queue_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(fresh_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(workers_test, rig_begin, rig_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
