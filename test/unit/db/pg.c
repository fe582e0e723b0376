/* pg.c -- the PostgreSQL engine against a server of its own: rows, writes, failures, transactions,
 * the pool. SPDX: Apache-2.0 */
#include "rig.h"

#include <signal.h>
#include <sys/wait.h>

static pid_t helper;
static int helper_in;
static char server[80];
static unsigned databases;
static struct err err;

static const char table[] =
    "CREATE TABLE t(id SERIAL PRIMARY KEY, n INTEGER UNIQUE, s TEXT CONSTRAINT s_short CHECK "
    "(length(s) < 5), must INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE late(id SERIAL PRIMARY KEY, t_id INTEGER REFERENCES t(id) "
    "DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE child(id SERIAL PRIMARY KEY, t_id INTEGER REFERENCES t(id));"
    "CREATE TABLE pair(a INTEGER, b INTEGER, PRIMARY KEY (a, b));"
    "CREATE UNIQUE INDEX t_lower ON t (lower(s));";

/* ---- the server ---- */

/* Its URL comes down one pipe; it ends with the other one. */
static int group_begin(void **state)
{
    int in[2], out[2];
    size_t len = 0;
    (void)state;
    MUST(pipe(in) == 0 && pipe(out) == 0);
    helper = fork();
    MUST(helper >= 0);
    if (helper == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl("tools/test-postgres", "test-postgres", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    helper_in = in[1];
    while (len < sizeof server - 1 && read(out[0], server + len, 1) == 1 && server[len] != '\n')
        len++;
    server[len] = '\0';
    close(out[0]);
    MUST(len > 0);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    close(helper_in);
    waitpid(helper, NULL, 0);
    return 0;
}

static int begin_test(void **state)
{
    static char name[160], text[60];
    rig_begin(state);
    rig.cfg.prepared = true;
    rig.cfg.workers = 1;
    rig.cfg.pool_size = 2;
    rig.cfg.pool_queue = 100;
    rig.cfg.pool_wait_ms = 10000;
    rig.cfg.pool_check_ms = 30000;
    snprintf(name, sizeof name, "%s/postgres", server);
    rig.cfg.url = str_of(name);
    snprintf(text, sizeof text, "CREATE DATABASE t%u", ++databases);
    rig_script(text);
    snprintf(name, sizeof name, "%s/t%u", server, databases);
    return 0;
}

#define TEST(body)                                                                                 \
    static void body##_test(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        rig_play(table, body, NULL);                                                               \
    }

static int64_t total(void)
{
    return NUMBER("SELECT coalesce(sum(n), 0)::bigint FROM t");
}

/* The last word on a session is not waited for by who gave it back. */
static void all_given_back(void)
{
    for (int i = 0; i < 5000 && rig_stats().pool_taken; i++)
        fiber_sleep(1000000);
    MUST_INT(rig_stats().pool_taken, 0);
    MUST_INT(rig_stats().pool_streams, 0);
}

/* ---- values ---- */

#define CELL(kind_, sql, ...)                                                                      \
    struct arena a;                                                                                \
    struct rows rows;                                                                              \
    struct stmt st = READ(sql, __VA_ARGS__);                                                       \
    arena_init(&a, 1 << 20);                                                                       \
    err = (struct err){0};                                                                         \
    if (db_rows(rig.db, &st, &a, 10, &rows, &err) < 0)                                             \
        fprintf(stderr, "%s\n", err.text);                                                         \
    MUST_INT(rows.count, 1);                                                                       \
    struct value v = *rows_at(&rows, 0, 0);                                                        \
    MUST_INT(v.kind, kind_);

#define IS_TEXT(sql, want, ...)                                                                    \
    do {                                                                                           \
        CELL(V_TEXT, sql, __VA_ARGS__)                                                             \
        MUST_TEXT(v.text, want);                                                                   \
        arena_reset(&a);                                                                           \
    } while (0)
#define IS_INT(sql, want, ...)                                                                     \
    do {                                                                                           \
        CELL(V_INT, sql, __VA_ARGS__)                                                              \
        MUST_INT(v.i, want);                                                                       \
        arena_reset(&a);                                                                           \
    } while (0)
#define IS_FLOAT(sql, want, ...)                                                                   \
    do {                                                                                           \
        CELL(V_FLOAT, sql, __VA_ARGS__)                                                            \
        double got = v.f, wanted = (want);                                                         \
        MUST(memcmp(&got, &wanted, sizeof got) == 0);                                              \
        arena_reset(&a);                                                                           \
    } while (0)
#define NONE value_null()

static void numbers(void)
{
    IS_INT("SELECT 9223372036854775807", INT64_MAX, );
    IS_INT("SELECT $1::bigint", INT64_MIN, INT(INT64_MIN));
    IS_INT("SELECT $1::smallint", -5, INT(-5));
    IS_FLOAT("SELECT $1::double precision", 0.1, value_float(0.1));
    IS_FLOAT("SELECT $1::double precision", 5e-324, value_float(5e-324));
    IS_FLOAT("SELECT $1::real", 0.5, value_float(0.5));
    IS_FLOAT("SELECT 10.50::numeric(10,2)", 10.5, );
    IS_INT("SELECT 10.00::numeric(10,2)", 10, );
    IS_INT("SELECT $1::numeric", 7, value_num(LIT("7.0")));
    IS_TEXT("SELECT 12345678901234567890.5", "12345678901234567890.5", );
    IS_TEXT("SELECT 'NaN'::numeric", "NaN", );
    IS_FLOAT("SELECT -0.001", -0.001, );
}

static void texts(void)
{
    IS_TEXT("SELECT $1::text", "a'b\"\\", TEXT("a'b\"\\"));
    IS_TEXT("SELECT $1::char(5)", "ab", TEXT("ab"));
    IS_TEXT("SELECT $1::uuid", "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
            TEXT("6F9619FF-8B86-D011-B42D-00CF4FC964FF"));
    IS_TEXT("SELECT $1::jsonb", "{\"a\":[1,\"x : y, z\",{\"q\":\"\\\" , \"}]}",
            TEXT("{\"a\": [1, \"x : y, z\", {\"q\": \"\\\" , \"}]}"));
    IS_TEXT("SELECT $1::json", "{\"b\": 1}", TEXT("{\"b\": 1}"));
    IS_TEXT("SELECT $1::date", "2024-02-29", TEXT("2024-02-29"));
    IS_TEXT("SELECT $1::timestamptz", "2024-02-29T21:00:00.000000Z",
            TEXT("2024-02-29T23:00:00+02:00"));
    IS_TEXT("SELECT $1::timestamp", "2024-02-29T23:00:00.500000Z", TEXT("2024-02-29 23:00:00.5"));
    IS_TEXT("SELECT $1::time", "23:59:59.000000", TEXT("23:59:59"));
    IS_TEXT("SELECT 'infinity'::timestamptz", "infinity", );
}

static void values(void *arg)
{
    (void)arg;
    numbers();
    texts();
    {
        CELL(V_BOOL, "SELECT $1::boolean", value_bool(true))
        MUST(v.truth);
        arena_reset(&a);
    }
    {
        CELL(V_BYTES, "SELECT $1::bytea", value_bytes(str_make("\0\xff\\x", 4)))
        MUST(str_eq(v.text, str_make("\0\xff\\x", 4)));
        arena_reset(&a);
    }
    CELL(V_NULL, "SELECT $1::text", NONE)
    arena_reset(&a);
}
TEST(values)

/* ---- reading ---- */

static int pausing(void *ctx, const struct value *cells, size_t count)
{
    int64_t *sum = ctx;
    MUST_INT(count, 1);
    *sum += cells[0].i;
    return cells[0].i % 10 == 0 ? DB_PAUSE : 0;
}

static void reading(void *arg)
{
    (void)arg;
    int64_t sum = 0;
    struct db_cursor *k = NULL;
    struct stmt st = READ("SELECT generate_series(1, $1::integer)", INT(95));
    int code = db_query(rig.db, &st, pausing, &sum, &k, &err);
    for (int64_t want = 55; code == DB_PAUSE; code = db_next(k, pausing, &sum, &err))
        MUST(sum >= want);
    MUST_INT(code, 0);
    MUST_INT(sum, 95 * 96 / 2);
    db_cursor_end(&k);
    code = db_query(rig.db, &st, pausing, &sum, &k, &err);
    MUST_INT(code, DB_PAUSE); /* left alone: the scope's end frees it */
    struct arena a;
    struct rows rows;
    arena_init(&a, 1 << 20);
    MUST_INT(db_rows(rig.db, &st, &a, 10, &rows, &err), E_TOOBIG);
    err = (struct err){0};
    st = READ("SELECT 1 AS one, 'x' AS two WHERE false", );
    MUST_INT(db_rows(rig.db, &st, &a, 10, &rows, &err), 0);
    MUST_INT(rows.cols, 2);
    MUST_TEXT(rows.names[1], "two");
    arena_reset(&a);
}
TEST(reading)

/* ---- cursors of the server ---- */

static int counting(void *ctx, const struct value *cells, size_t count)
{
    int64_t *n = ctx;
    (void)count;
    MUST_INT(cells[0].i, ++*n);
    return *n % 1000 == 0 ? DB_PAUSE : 0;
}

static void pieces(void *arg)
{
    (void)arg;
    int64_t n = 0;
    unsigned pauses = 0;
    struct db_cursor *k = NULL;
    struct stmt st =
        READ("SELECT i, repeat('x', 500) FROM generate_series(1, $1::int) AS i", INT(20000));
    int code = db_query(rig.db, &st, counting, &n, &k, &err);
    for (; code == DB_PAUSE; pauses++) {
        MUST(n == 20000 || rig_stats().pool_streams == 1);
        code = db_next(k, counting, &n, &err);
    }
    MUST_INT(code, 0);
    MUST_INT(n, 20000);
    MUST_INT(pauses, 20);
    MUST_INT(db_next(k, counting, &n, &err), 0);
    db_cursor_end(&k);
    MUST_INT(NUMBER("SELECT count(*) FROM pg_cursors WHERE name = 'c'"), 0);
    all_given_back();
}
TEST(pieces)

/* What an answer needs decides, once it has been seen. */
static void learns(void *arg)
{
    (void)arg;
    struct db_cursor *k = NULL;
    struct stmt st =
        READ("SELECT i, repeat('x', 10000) FROM generate_series(1, $1::int) AS i", INT(200));
    st.most = 200;
    for (unsigned i = 0; i < 3; i++) {
        int64_t n = 0;
        uint64_t before = rig_stats().statements;
        MUST_INT(db_query(rig.db, &st, counting, &n, &k, &err), 0);
        MUST_INT(n, 200);
        MUST(i ? rig_stats().statements - before > 2 : rig_stats().statements - before == 1);
    }
}
TEST(learns)

/* A failure after rows were handed out; then the session serves others. */
static void breaks(void *arg)
{
    (void)arg;
    int64_t n = 0;
    struct db_cursor *k = NULL;
    struct stmt st =
        READ("SELECT i, 1 / (5000 - i) FROM generate_series(1, $1::int) AS i", INT(9000));
    int code = db_query(rig.db, &st, counting, &n, &k, &err);
    while (code == DB_PAUSE)
        code = db_next(k, counting, &n, &err);
    MUST_INT(code, E_INVALID);
    MUST(n >= 1000 && n < 5000);
    err = (struct err){0};
    MUST_INT(NUMBER("SELECT 5"), 5);
    st = (struct stmt)READ("SELECT nonsense", );
    MUST_INT(db_query(rig.db, &st, counting, &n, &k, &err), E_DB);
    err = (struct err){0};
    MUST_INT(NUMBER("SELECT 6"), 6);
    all_given_back();
}
TEST(breaks)

/* What changes something although it reads, lasts. */
static void effects(void *arg)
{
    (void)arg;
    int64_t n = 0;
    struct db_cursor *k = NULL;
    rig_write(WRITE("CREATE FUNCTION note(i integer) RETURNS integer LANGUAGE sql AS 'INSERT INTO "
                    "t(n) VALUES ($1) RETURNING n'"));
    struct stmt st = READ("SELECT note(i) FROM generate_series(1, $1::int) AS i", INT(70));
    MUST_INT(db_query(rig.db, &st, counting, &n, &k, &err), 0);
    all_given_back();
    MUST_INT(total(), 70 * 71 / 2);
}
TEST(effects)

static void stands(void *arg)
{
    (void)arg;
    int64_t n = 0;
    struct db_cursor *k = NULL, *other = NULL;
    struct stmt st = READ("SELECT i FROM generate_series(1, $1::int) AS i", INT(100000));
    MUST_INT(db_query(rig.db, &st, counting, &n, &k, &err), DB_PAUSE);
    fiber_sleep(700000000);
    all_given_back(); /* its session serves others */
    MUST_INT(db_next(k, counting, &n, &err), E_TIMEOUT);
    MUST_INT(n, 1000);
    err = (struct err){0};
    n = 0;
    MUST_INT(db_query(rig.db, &st, counting, &n, &other, &err),
             DB_PAUSE); /* left to the scope's end */
}

static void stands_test(void **state)
{
    (void)state;
    rig.cfg.statement_timeout_ms = 300;
    rig_play(table, stands, NULL);
}

/* With a single session there are no cursors: a reader that stands still cannot keep it. */
static void single(void *arg)
{
    (void)arg;
    int64_t n = 0;
    struct db_cursor *k = NULL;
    struct stmt st = READ("SELECT i FROM generate_series(1, $1::int) AS i", INT(5000));
    MUST_INT(db_query(rig.db, &st, counting, &n, &k, &err), DB_PAUSE);
    MUST_INT(NUMBER("SELECT 5"), 5);
    all_given_back();
}

static void single_test(void **state)
{
    (void)state;
    rig.cfg.pool_size = 1;
    rig_play(table, single, NULL);
}

/* ---- writing ---- */

static void failures(void *arg)
{
    (void)arg;
    rig_write(WRITE("INSERT INTO t(n, s) VALUES (1, 'a')"));
    rig_refused(WRITE("INSERT INTO t(n) VALUES ($1)", INT(1)), E_UNIQUE, "n");
    rig_refused(WRITE("INSERT INTO t(s) VALUES ('A')"), E_UNIQUE, "t_lower");
    rig_refused(WRITE("INSERT INTO pair(a, b) VALUES (1, 2), (1, 2)"), E_UNIQUE, "a,b");
    rig_refused(WRITE("INSERT INTO t(s) VALUES ('too long')"), E_CHECK, "s_short");
    rig_refused(WRITE("INSERT INTO t(must) VALUES (NULL)"), E_CHECK, "must");
    rig_refused(WRITE("INSERT INTO child(t_id) VALUES (99)"), E_PARENT, "");
    rig_refused(WRITE("INSERT INTO late(t_id) VALUES (99)"), E_PARENT, "");
    rig_write(WRITE("INSERT INTO child(t_id) SELECT id FROM t"));
    rig_refused(WRITE("DELETE FROM t"), E_CHILDREN, "");
    rig_refused(WRITE("INSERT INTO t(n) VALUES ($1)", TEXT("x")), E_INVALID, "");
    rig_refused(WRITE("INSERT INTO t(n) VALUES (1/0)"), E_INVALID, "");
    rig_refused(WRITE("INSERT INTO t(s) VALUES ($1)", value_text(str_make("a\0b", 3))), E_INVALID,
                "");
    rig_refused(WRITE("no statement"), E_DB, "");
    rig_refused(WRITE("INSERT INTO nowhere VALUES (1)"), E_DB, "");
    rig_refused(WRITE("BEGIN"), E_DB, "");
    rig_refused(WRITE(" -- x\n commit"), E_DB, "");
    MUST_INT(total(), 1);
}
TEST(failures)

static void all_or_nothing(void *arg)
{
    (void)arg;
    size_t failed = 9;
    struct db_write list[] = {
        WRITE("INSERT INTO t(n) VALUES (1)"), WRITE("INSERT INTO t(n) VALUES (2)"),
        WRITE("INSERT INTO t(n) VALUES (1)"), WRITE("INSERT INTO t(n) VALUES (3)")};
    MUST_INT(db_write(rig.db, list, 4, &failed, &err), E_UNIQUE);
    MUST_INT(failed, 2);
    MUST_INT(total(), 0);
    err = (struct err){0};
    MUST_INT(db_write(rig.db, list, 2, &failed, &err), 0);
    MUST_INT(total(), 3);
    /* A promise that is not kept. */
    struct db_write two[] = {WRITE("INSERT INTO t(n) VALUES (10)"),
                             WRITE("UPDATE t SET must = 1 WHERE n < $1", INT(5))};
    two[1].expect = 3;
    MUST_INT(db_write(rig.db, two, 2, &failed, &err), E_NOTFOUND);
    MUST_INT(failed, 1);
    MUST_INT(total(), 3);
    err = (struct err){0};
    two[1].expect = 2;
    MUST_INT(db_write(rig.db, two, 2, &failed, &err), 0);
    MUST_INT(two[1].changes, 2);
    MUST_INT(total(), 13);
}
TEST(all_or_nothing)

static void returning(void *arg)
{
    (void)arg;
    struct arena a;
    arena_init(&a, 1 << 20);
    struct db_write w = WRITE("INSERT INTO t(n, s) VALUES ($1, $2), (6, NULL) RETURNING n, s",
                              INT(5), TEXT("five"));
    w.arena = &a;
    w.names = true;
    MUST_INT(db_write(rig.db, &w, 1, NULL, &err), 0);
    MUST_INT(w.changes, 2);
    MUST_INT(w.rows.count, 2);
    MUST_TEXT(w.rows.names[1], "s");
    MUST_TEXT(rows_at(&w.rows, 0, 1)->text, "five");
    MUST_INT(rows_at(&w.rows, 1, 1)->kind, V_NULL);
    arena_reset(&a);
}
TEST(returning)

/* ---- transactions ---- */

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

#define PUT(tx, n) MUST_INT(run(tx, WRITE("INSERT INTO t(n) VALUES($1)", INT(n))), 0)

static int64_t inside(struct db_tx *tx)
{
    struct arena a;
    arena_init(&a, 100000);
    struct db_write w = WRITE("SELECT coalesce(sum(n), 0)::bigint AS sum FROM t");
    w.st.writes = false;
    w.arena = &a;
    MUST_INT(db_tx_run(tx, &w, &err), 0);
    MUST_TEXT(w.rows.names[0], "sum");
    int64_t sum = rows_at(&w.rows, 0, 0)->i;
    arena_reset(&a);
    return sum;
}

static void left_alone(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 1000);
}

static void ended_on_the_spot(void *arg)
{
    left_alone(arg);
    fiber_end();
}

static void ends(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 1);
    MUST_INT(inside(tx), 1);
    MUST_INT(total(), 0);
    MUST_INT(db_tx_commit(&tx, &err), 0);
    MUST(!tx);
    MUST_INT(total(), 1);
    tx = begin();
    PUT(tx, 10);
    db_tx_rollback(&tx);
    MUST_INT(total(), 1);
    for (int i = 0; i < 5; i++) { /* more often than there are connections */
        MUST_INT(fiber_scope(left_alone, NULL), 0);
        MUST_INT(fiber_scope(ended_on_the_spot, NULL), E_TOOBIG);
    }
    MUST_INT(total(), 1);
    tx = begin();
    MUST_INT(db_tx_commit(&tx, &err), 0);
    all_given_back();
}
TEST(ends)

static void tx_failures(void *arg)
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
    MUST_INT(inside(tx), 4);
    MUST_INT(db_tx_commit(&tx, &err), 0);
    MUST_INT(total(), 4);
    tx = begin();
    PUT(tx, 7);
    MUST_INT(run(tx, WRITE("INSERT INTO late(t_id) VALUES(99)")), 0);
    MUST_INT(db_tx_commit(&tx, &err), E_PARENT);
    MUST(!tx);
    MUST_INT(total(), 4);
}
TEST(tx_failures)

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
    MUST_INT(inside(tx), 11);
    MUST_INT(db_tx_savepoint(tx, &err), 0);
    PUT(tx, 1000);
    MUST_INT(run(tx, WRITE("INSERT INTO t(n) VALUES(1)")), E_UNIQUE);
    MUST_INT(db_tx_release(tx, true, &err), 0);
    MUST_INT(inside(tx), 1011);
    MUST_INT(db_tx_release(tx, false, &err), 0);
    MUST_INT(inside(tx), 1);
    for (int i = 0; i < 16; i++)
        MUST_INT(db_tx_savepoint(tx, &err), 0);
    MUST_INT(db_tx_savepoint(tx, &err), E_TOOBIG);
    PUT(tx, 2);
    MUST_INT(db_tx_commit(&tx, &err), 0);
    MUST_INT(total(), 3);
}
TEST(savepoints)

static void tx_time(void *arg)
{
    (void)arg;
    struct db_tx *tx = begin();
    PUT(tx, 5);
    fiber_sleep(UINT64_C(1000000) * 800);
    all_given_back(); /* it was taken from the fiber */
    MUST_INT(run(tx, WRITE("INSERT INTO t(n) VALUES(6)")), E_TIMEOUT);
    MUST_INT(db_tx_savepoint(tx, &err), E_TIMEOUT);
    MUST_INT(db_tx_commit(&tx, &err), E_TIMEOUT);
    tx = begin();
    MUST_INT(run(tx, WRITE("INSERT INTO t(n) SELECT 1 FROM pg_sleep(20)")), E_TIMEOUT);
    MUST(db_tx_commit(&tx, &err) < 0);
    MUST_INT(total(), 0);
}

static void tx_time_test(void **state)
{
    (void)state;
    rig.cfg.tx_timeout_ms = 300;
    rig_play(table, tx_time, NULL);
}

/* ---- two at once ---- */

static int met, clashes;

/* Locks the rows of t in the order given by arg, after both have locked their first. */
static void lock_two(void *arg)
{
    bool turned = arg != NULL;
    struct err e = {0};
    struct db_tx *tx = NULL;
    struct db_write first = WRITE("UPDATE t SET must = must + 1 WHERE n = $1", INT(turned ? 2 : 1));
    struct db_write second =
        WRITE("UPDATE t SET must = must + 1 WHERE n = $1", INT(turned ? 1 : 2));
    MUST_INT(db_tx_begin(rig.db, NULL, &tx, &e), 0);
    MUST_INT(db_tx_run(tx, &first, &e), 0);
    for (met++; met < 2;)
        fiber_sleep(1000000);
    int code = db_tx_run(tx, &second, &e);
    if (code == 0) {
        MUST_INT(db_tx_commit(&tx, &e), 0);
        return;
    }
    MUST_INT(code, E_BUSY);
    MUST_TEXT(e.word, "serialization");
    clashes++;
    db_tx_rollback(&tx);
}

static void deadlock(void *arg)
{
    (void)arg;
    rig_write(WRITE("INSERT INTO t(n) VALUES (1), (2)"));
    met = clashes = 0;
    rig_start(lock_two, NULL);
    rig_start(lock_two, &met);
}
TEST(deadlock)

/* ---- the pool ---- */

static unsigned answered;

static void count_up(void *arg)
{
    (void)arg;
    struct err e = {0};
    struct db_write w = WRITE("UPDATE t SET must = must + 1 WHERE n = 1");
    MUST_INT(db_write(rig.db, &w, 1, NULL, &e), 0);
    MUST_INT(w.changes, 1);
    MUST_INT(NUMBER("SELECT 5"), 5);
    if (++answered == 100)
        MUST_INT(NUMBER("SELECT must FROM t WHERE n = 1"), 100);
}

static void sharing(void *arg)
{
    (void)arg;
    rig_write(WRITE("INSERT INTO t(n) VALUES (1)"));
    answered = 0;
    for (int i = 0; i < 100; i++)
        rig_start(count_up, NULL);
}

static void sharing_check(void *arg)
{
    sharing(arg);
    MUST(rig_stats().pool_open <= 2);
}
TEST(sharing_check)

/* Reads that share a sync: the one that fails fails alone. */
static void one_of_many(void *arg)
{
    int64_t n = (int64_t)(intptr_t)arg;
    struct arena a;
    struct rows rows;
    struct err e = {0};
    struct stmt st = READ("SELECT 100 / $1::int", INT(n));
    st.by_key = true;
    arena_init(&a, 1 << 20);
    int code = db_rows(rig.db, &st, &a, 1, &rows, &e);
    MUST_INT(code, n ? 0 : E_INVALID);
    MUST_INT(e.code, code);
    if (n)
        MUST_INT(rows_at(&rows, 0, 0)->i, 100 / n);
    arena_reset(&a);
    answered++;
}

static void together(void *arg)
{
    (void)arg;
    answered = 0;
    MUST_INT(NUMBER("SELECT 5"), 5);
    uint64_t before = rig_stats().statements;
    for (intptr_t i = 0; i < 50; i++)
        rig_start(one_of_many, (void *)(i % 5));
    while (answered < 50)
        fiber_sleep(1000000);
    MUST(rig_stats().statements - before >= 50); /* some went twice */
    MUST_INT(NUMBER("SELECT 6"), 6);
}
TEST(together)

/* A statement's first answer is text, the others binary where that can be: the cells are the same.
 */
static void read_forms(const char *text, struct arena *a, struct rows *rows)
{
    struct stmt st = {.text = str_of(text)};
    struct err e = {0};
    MUST_INT(db_rows(rig.db, &st, a, 100, rows, &e), 0);
}

static void same_cells(const char *text)
{
    struct arena a;
    struct rows first, later;
    arena_init(&a, 1 << 20);
    read_forms(text, &a, &first);
    for (int i = 0; i < 3; i++) { /* two sessions at most, each with a first time */
        read_forms(text, &a, &later);
        MUST(first.count && first.count == later.count && first.cols == later.cols);
        for (size_t c = 0; c < first.count * first.cols; c++) {
            const struct value *x = &first.cells[c], *y = &later.cells[c];
            MUST_INT(x->kind, y->kind);
            if (x->kind == V_FLOAT)
                MUST(memcmp(&x->f, &y->f, sizeof x->f) == 0);
            else if (x->kind == V_TEXT || x->kind == V_BYTES)
                MUST(str_eq(x->text, y->text));
            else
                MUST(value_eq(x, y) || x->kind == V_NULL);
        }
    }
    arena_reset(&a);
}

static void forms(void *arg)
{
    (void)arg;
    same_cells("SELECT x::int2, (x * 65536)::int4, (x * 281474976710656)::int8 FROM "
               "(VALUES (0), (1), (-1), (32767), (-32768), (NULL)) v(x)");
    same_cells("SELECT x::oid, x % 2 = 0 FROM (VALUES (0::int8), (4294967295), (NULL)) v(x)");
    same_cells("SELECT x::float8 FROM (VALUES ('0.1'), ('-0'), ('1e308'), ('5e-324'), ('Infinity'),"
               "('-Infinity'), ('3'), (NULL)) v(x)");
    same_cells("SELECT x::timestamptz, x::timestamp, x::date FROM (VALUES ('2024-02-29 "
               "23:59:59.000001'), ('1999-12-31 23:59:59.5'), ('0001-01-01'), ('9999-12-31 "
               "23:59:59.999999'), ('10000-01-01 00:00:00.120'), ('294276-12-31'), ('1970-01-01'), "
               "('infinity'), ('-infinity'), ('0044-03-15 12:00 BC'), ('4713-01-01 BC'), "
               "('0001-12-31 00:00:00.25 BC'), (NULL)) v(x)");
    same_cells("SELECT '5874897-12-31'::date, '4714-11-24 BC'::date, '0001-01-01 BC'::date");
    same_cells("SELECT 'a\"b: c, é'::text, ''::text, 'x'::varchar, 'x'::char(5), NULL::text, "
               "'{\"b\": [1, 2.50, \"c, d: \\\" \"], \"a\": {}}'::jsonb, '{\"a\":  1}'::json, "
               "'\\x00ff7f'::bytea, ''::bytea, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid");
    same_cells("SELECT 1.50::numeric, '12:30'::time, 1::int4, 0.1::float4, ARRAY[1,2]"); /* text */
}
TEST(forms)

/* Reads by key of one turn are one statement: each gets its own row, or its own failure. */
static int by_key(const char *one, const char *any, int64_t id, int64_t *n)
{
    struct arena a;
    struct rows rows;
    struct err e = {0};
    struct value key = INT(id);
    struct stmt st = {.text = str_of(one),
                      .binds = &key,
                      .bind_count = 1,
                      .by_key = true,
                      .together = str_of(any)};
    arena_init(&a, 1 << 20);
    int code = db_rows(rig.db, &st, &a, 1, &rows, &e);
    MUST_INT(e.code, code);
    *n = code == 0 && rows.count ? rows_at(&rows, 0, 1)->i : 0;
    if (code == 0) {
        MUST(rows.names && str_is(rows.names[0], "id") && rows.cols >= 2);
        MUST(!rows.count || rows_at(&rows, 0, 0)->i == id);
    }
    arena_reset(&a);
    answered++;
    return code;
}

static void its_row(void *arg)
{
    int64_t n, id = (int64_t)(intptr_t)arg;
    MUST_INT(by_key("SELECT id, n FROM t WHERE id = $1", "SELECT id, n FROM t WHERE id = ANY ($1)",
                    id, &n),
             0);
    MUST_INT(n, id >= 1 && id <= 80 ? id * 10 : 0);
}

static void its_failure(void *arg)
{
    int64_t n, id = (int64_t)(intptr_t)arg;
    int code = by_key("SELECT id, 100 / (id - 3) AS n FROM t WHERE id = $1",
                      "SELECT id, 100 / (id - 3) AS n FROM t WHERE id = ANY ($1)", id, &n);
    MUST_INT(code, id == 3 ? E_INVALID : 0);
    MUST_INT(n, id == 3 || id < 1 || id > 80 ? 0 : 100 / (id - 3));
}

static void its_large_row(void *arg)
{
    int64_t n, id = (int64_t)(intptr_t)arg;
    MUST_INT(by_key("SELECT id, n, repeat('x', 500000) FROM t WHERE id = $1",
                    "SELECT id, n, repeat('x', 500000) FROM t WHERE id = ANY ($1)", id, &n),
             0);
    MUST_INT(n, id * 10);
}

static uint64_t ask_all(fiber_fn *fn, intptr_t count)
{
    uint64_t before = rig_stats().statements;
    answered = 0;
    for (intptr_t i = 0; i < count; i++)
        rig_start(fn, (void *)(i % 100));
    while ((intptr_t)answered < count)
        fiber_sleep(1000000);
    return rig_stats().statements - before;
}

static void one_for_many(void *arg)
{
    (void)arg;
    rig_write(WRITE("INSERT INTO t(n) SELECT i * 10 FROM generate_series(1, 80) i"));
    MUST_INT(ask_all(its_row, 60), 1);
    MUST(ask_all(its_row, 150) < 75);     /* what no session has room for waits and goes alone */
    MUST_INT(ask_all(its_row, 1), 1);     /* by the statement of one row */
    MUST(ask_all(its_failure, 30) >= 31); /* each again */
    MUST_INT(ask_all(its_row, 10), 1);
    MUST_INT(ask_all(its_large_row, 5), 1);
    MUST_INT(ask_all(its_large_row, 5), 5); /* seen to be large: one by one */
    MUST_INT(NUMBER("SELECT 6"), 6);
}
TEST(one_for_many)

static int want_code;

static void blocked(void *arg)
{
    int64_t n, id = (int64_t)(intptr_t)arg;
    MUST_INT(by_key("SELECT id, n FROM t WHERE id = $1", "SELECT id, n FROM t WHERE id = ANY ($1)",
                    id, &n),
             want_code);
}

/* What befalls all of them: the time limit, the end of their connection. */
static void together_fail(void *arg)
{
    (void)arg;
    struct err e = {0};
    struct db_tx *tx = begin();
    struct db_write w = WRITE("LOCK TABLE t");
    struct db_write kill = WRITE("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                                 "WHERE wait_event_type = 'Lock'");
    while (rig_stats().pool_open < 2)
        fiber_sleep(1000000);
    MUST_INT(db_tx_run(tx, &w, &e), 0);
    want_code = E_TIMEOUT;
    ask_all(blocked, 10);
    want_code = E_BUSY;
    answered = 0;
    for (intptr_t i = 0; i < 10; i++)
        rig_start(blocked, (void *)i);
    fiber_sleep(100000000);
    MUST_INT(db_tx_run(tx, &kill, &e), 0);
    while (answered < 10)
        fiber_sleep(1000000);
    MUST_INT(db_tx_commit(&tx, &e), 0);
    want_code = 0;
    ask_all(blocked, 10);
}

static void together_fail_test(void **state)
{
    (void)state;
    rig.cfg.pool_size = rig.cfg.pool_least = 2;
    rig.cfg.statement_timeout_ms = 400;
    rig_play(table, together_fail, NULL);
}

/* One connection, and a transaction that holds it. */
static void taken(void *arg)
{
    (void)arg;
    struct err e = {0};
    struct db_tx *tx = begin(), *second = NULL;
    MUST_INT(db_tx_begin(rig.db, NULL, &second, &e), E_BUSY);
    e = (struct err){0};
    struct db_write w = WRITE("INSERT INTO t(n) VALUES (1)");
    MUST_INT(db_write(rig.db, &w, 1, NULL, &e), E_BUSY);
    MUST_INT(db_tx_commit(&tx, &err), 0);
    rig_write(WRITE("INSERT INTO t(n) VALUES (2)"));
    MUST_INT(rig_stats().pool_refused, 2);
    MUST_INT(total(), 2);
}

static void taken_test(void **state)
{
    (void)state;
    rig.cfg.pool_size = 1;
    rig.cfg.pool_wait_ms = 200;
    rig_play(table, taken, NULL);
}

static void tell_work(void *arg, struct fiber_work *out)
{
    *out = (struct fiber_work){LIT("GET"), LIT("/held"), str_of(arg)};
}

static void leaks(void *arg)
{
    static char id[] = "r1";
    (void)arg;
    fiber_tells(tell_work, id);
    struct db_tx *tx = begin();
    fiber_sleep(100000000);
    MUST_INT(rig_stats().pool_leaks, 0);
    fiber_sleep(700000000);
    MUST_INT(rig_stats().pool_leaks, 1); /* once */
    MUST_INT(db_tx_commit(&tx, &err), 0);
    MUST_TEXT(fiber_work(fiber_self()).id, "r1");
}

static void leaks_test(void **state)
{
    (void)state;
    rig.cfg.pool_leak_ms = 300;
    rig_play(table, leaks, NULL);
}

static void nobody_there(void *arg)
{
    (void)arg;
    struct err e = {0};
    struct db_write w = WRITE("INSERT INTO t(n) VALUES (1)");
    for (int i = 0; i < 5; i++) {
        e = (struct err){0};
        MUST_INT(db_write(rig.db, &w, 1, NULL, &e), E_BUSY);
        fiber_sleep(20000000);
    }
    MUST(!db_healthy(rig.db));
}

static void nobody_there_test(void **state)
{
    (void)state;
    rig.cfg.url = LIT("postgres://nobody@127.0.0.1:1/nothing");
    rig_open();
    rig_run(nobody_there, NULL);
    db_close(&rig.db);
}

/* A worker with pools to two servers: each is asked, swept and ended for itself. */
static struct db *other;

static void asks_both(void *arg)
{
    struct db *first = rig.db;
    struct db_write w = WRITE("INSERT INTO t(n) VALUES (7)");
    (void)arg;
    for (int i = 0; i < 3; i++) {
        MUST_INT(NUMBER("SELECT count(*) FROM t"), i ? 1 : 0);
        rig.db = other;
        MUST_INT(NUMBER("SELECT n FROM only_there"), 5);
        rig.db = first;
        if (!i)
            rig_write(w);
        fiber_sleep(150000000); /* a sweep */
    }
    MUST(db_healthy(first) && db_healthy(other));
}

static void two_servers_test(void **state)
{
    static char name[160];
    char text[60];
    struct loop *l;
    str url = rig.cfg.url;
    (void)state;
    rig_script(table);
    rig_open();
    snprintf(text, sizeof text, "CREATE DATABASE t%u", ++databases);
    rig_script(text);
    snprintf(name, sizeof name, "%s/t%u", server, databases);
    rig.cfg.url = str_of(name);
    rig_script("CREATE TABLE only_there(n INTEGER); INSERT INTO only_there VALUES (5)");
    MUST_INT(db_open(&rig.cfg, &other, &err), 0);
    rig.cfg.url = url;
    l = loop_new(65536, 2000);
    MUST_INT(db_worker_begin(rig.db, &err), 0);
    MUST_INT(db_worker_begin(other, &err), 0);
    rig_start(asks_both, NULL);
    loop_run(l);
    db_worker_end(rig.db);
    db_worker_end(other);
    loop_free(&l);
    db_close(&other);
    db_close(&rig.db);
}

/* The loop ends while a connection is being made. */
static void leaves_at_once(void *arg)
{
    (void)arg;
}
TEST(leaves_at_once)

int main(void)
{
#define RUN(name) cmocka_unit_test_setup_teardown(name##_test, begin_test, rig_end)
    const struct CMUnitTest tests[] = {
        RUN(values),        RUN(reading),        RUN(failures),      RUN(all_or_nothing),
        RUN(returning),     RUN(ends),           RUN(tx_failures),   RUN(savepoints),
        RUN(tx_time),       RUN(deadlock),       RUN(sharing_check), RUN(taken),
        RUN(nobody_there),  RUN(leaves_at_once), RUN(pieces),        RUN(learns),
        RUN(breaks),        RUN(effects),        RUN(stands),        RUN(single),
        RUN(leaks),         RUN(together),       RUN(one_for_many),  RUN(forms),
        RUN(together_fail), RUN(two_servers),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
