/* kill.c -- the process dies at any moment: what it acknowledged is there. SPDX: Apache-2.0
 * A child writes with several workers and reports each acknowledged row through a pipe; it is
 * killed after a random number of them. */
#include "rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { ROUNDS = 12, THREADS = 2, FIBERS = 8, IDS = 1 << 20 };

static int report;
static int32_t first;
static atomic_int next_id;

static void write_and_report(void *arg)
{
    (void)arg;
    struct err err = {0};
    for (;;) {
        int32_t id = first + atomic_fetch_add(&next_id, 1);
        struct db_write two[] = {
            WRITE("INSERT INTO a(id, pad) VALUES(?1, hex(randomblob(200)))", INT(id)),
            WRITE("INSERT INTO b(a_id) VALUES(?1)", INT(id))};
        MUST_INT(db_write(rig.db, two, 2, NULL, &err), 0);
        MUST_INT(write(report, &id, sizeof id), sizeof id);
    }
}

static void writers(void *arg)
{
    for (int i = 0; i < FIBERS; i++)
        rig_start(write_and_report, arg);
}

static void *worker(void *arg)
{
    rig_run(writers, arg);
    return NULL;
}

static void child(void)
{
    pthread_t threads[THREADS];
    rig_open();
    for (int i = 0; i < THREADS; i++)
        MUST_INT(pthread_create(&threads[i], NULL, worker, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    _exit(1); /* they never end */
}

static unsigned char promised[IDS];

/* Reads what the child acknowledged; kills it after `most`, and takes what is left in the pipe. */
static void hear_and_kill(pid_t pid, int from, int most)
{
    int32_t id;
    int status, heard = 0;
    while (read(from, &id, sizeof id) == (ssize_t)sizeof id) {
        MUST(id >= 0 && id < IDS);
        promised[id] = 1;
        if (++heard == most)
            MUST_INT(kill(pid, SIGKILL), 0);
    }
    MUST(heard >= most);
    MUST_INT(waitpid(pid, &status, 0), pid);
    MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int tick_off(void *ctx, const struct value *c, size_t n)
{
    (void)n;
    MUST(c[0].i >= 0 && c[0].i < IDS);
    promised[c[0].i] &= 2;
    *(int64_t *)ctx = c[0].i;
    return 0;
}

static void look(void *arg)
{
    (void)arg;
    struct err err = {0};
    int64_t last = 0;
    struct stmt st = {.text = LIT("SELECT a.id FROM a JOIN b ON a_id = a.id ORDER BY a.id")};
    MUST_INT(db_query(rig.db, &st, tick_off, &last, NULL, &err), 0);
    for (int i = 0; i < IDS; i++)
        MUST(!promised[i]);
    MUST_INT(NUMBER("SELECT (SELECT count(*) FROM a) - (SELECT count(*) FROM b)"), 0);
    MUST(last < IDS - 100000);
    first = (int32_t)last + 1;
}

static void kill_test(void **state)
{
    (void)state;
    unsigned seed = (unsigned)clock_ns();
    struct err err = {0};
    struct db_admin *a = NULL;
    rig_script("CREATE TABLE a(id INTEGER PRIMARY KEY, pad TEXT);"
               "CREATE TABLE b(id INTEGER PRIMARY KEY, a_id INTEGER NOT NULL UNIQUE);");
    for (int i = 0; i < ROUNDS; i++) {
        int ends[2];
        MUST_INT(pipe2(ends, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            report = ends[1];
            child();
        }
        close(ends[1]);
        hear_and_kill(pid, ends[0], 1 + rand_r(&seed) % 1500);
        close(ends[0]);
        rig_open();
        rig_run(look, NULL);
        db_close(&rig.db);
    }
    MUST_INT(db_admin_open(&rig.cfg, &a, &err), 0);
    MUST_INT(db_admin_check(a, &err), 0);
    db_admin_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kill_test, rig_begin, rig_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
