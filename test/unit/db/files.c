/* files.c -- the files of a database: locks, backup under load, restore, damage. SPDX: Apache-2.0
 */
#include "rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char table[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, pad TEXT);";

static char copy[128];

static struct db_admin *admin(void)
{
    struct err err = {0};
    struct db_admin *a = NULL;
    if (db_admin_open(&rig.cfg, &a, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
    MUST(a);
    return a;
}

static int64_t admin_number(const char *sql)
{
    struct err err = {0};
    struct arena arena;
    struct rows rows;
    struct stmt st = {.text = str_of(sql)};
    struct db_admin *a = admin();
    arena_init(&arena, 100000);
    MUST_INT(db_admin_run(a, &st, &arena, &rows, &err), 0);
    int64_t n = rows_at(&rows, 0, 0)->i;
    arena_reset(&arena);
    db_admin_close(&a);
    return n;
}

static int check(void)
{
    struct err err = {0};
    struct db_admin *a = admin();
    int code = db_admin_check(a, &err);
    db_admin_close(&a);
    return code;
}

/* ---- backup under load ---- */

static atomic_bool stop;

/* Each write keeps a and b equal over all rows: a copy that mixes two states shows. */
static void write_on(void *arg)
{
    struct db_write two[] = {WRITE("INSERT INTO t(a, b, pad) VALUES(1, 0, hex(randomblob(500)))"),
                             WRITE("UPDATE t SET b = b + 1 WHERE id = ?1", INT(1 + (intptr_t)arg))};
    struct err err = {0};
    while (!atomic_load(&stop))
        MUST_INT(db_write(rig.db, two, 2, NULL, &err), 0);
}

static void writers(void *arg)
{
    (void)arg;
    for (intptr_t i = 0; i < 8; i++)
        rig_start(write_on, (void *)i);
}

static void *writer_thread(void *arg)
{
    rig_run(writers, arg);
    return NULL;
}

#define DIFFERENCE "SELECT sum(a) - sum(b) FROM t"
#define COUNT "SELECT count(*) FROM t"

static void backup_test(void **state)
{
    (void)state;
    struct err err = {0};
    pthread_t thread;
    rig_script(table);
    rig_script("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
               "INSERT INTO t SELECT i, 1, 1, hex(randomblob(500)) FROM n");
    rig_open();
    snprintf(copy, sizeof copy, "%s/copy", rig.dir);
    atomic_store(&stop, false);
    pthread_create(&thread, NULL, writer_thread, NULL);
    int64_t before = 0;
    struct db_admin *a = admin();
    for (int i = 0; i < 3; i++) {
        before = admin_number(COUNT);
        MUST_INT(db_admin_backup(a, copy, &err), 0);
    }
    db_admin_close(&a);
    MUST_INT(db_admin_restore(&rig.cfg, copy, &err), E_BUSY); /* a server works here */
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    db_close(&rig.db);
    int64_t after = admin_number(COUNT);
    MUST_INT(db_admin_restore(&rig.cfg, copy, &err), 0);
    MUST_INT(check(), 0);
    MUST_INT(admin_number(DIFFERENCE), 0);
    MUST(admin_number(COUNT) >= before && admin_number(COUNT) < after);
    rig_open(); /* and it serves */
    db_close(&rig.db);
}

static void refused_backup_test(void **state)
{
    (void)state;
    struct err err = {0};
    rig_script(table);
    struct db_admin *a = admin();
    MUST_INT(db_admin_backup(a, "/nowhere/at/all", &err), E_IO);
    db_admin_close(&a);
}

/* ---- restore ---- */

static void put_file(const char *path, const void *bytes, size_t len, off_t at)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    MUST(fd >= 0);
    MUST_INT(pwrite(fd, bytes, len, at), len);
    close(fd);
}

static void restore_test(void **state)
{
    (void)state;
    struct err err = {0};
    char junk[5000];
    snprintf(copy, sizeof copy, "%s/copy", rig.dir);
    rig_script(table);
    rig_script("INSERT INTO t(a) VALUES (1), (2)");
    struct db_admin *a = admin();
    MUST_INT(db_admin_backup(a, copy, &err), 0);
    MUST_INT(db_admin_restore(&rig.cfg, copy, &err), E_BUSY); /* a is open */
    db_admin_close(&a);
    rig_script("INSERT INTO t(a) VALUES (3)");
    MUST_INT(db_admin_restore(&rig.cfg, copy, &err), 0);
    MUST_INT(admin_number(COUNT), 2);
    MUST_INT(db_admin_restore(&rig.cfg, "/nowhere", &err), E_IO);
    memset(junk, 'x', sizeof junk);
    put_file(copy, junk, sizeof junk, 0);
    MUST_INT(db_admin_restore(&rig.cfg, copy, &err), E_DB);
    MUST_INT(truncate(copy, 0), 0);
    MUST_INT(db_admin_restore(&rig.cfg, copy, &err), E_DB);
    MUST_INT(admin_number(COUNT), 2); /* the old one is still there */
}

/* ---- damage ---- */

static void damage_test(void **state)
{
    (void)state;
    struct err err = {0};
    char path[128], zero[4096] = {0};
    snprintf(path, sizeof path, "%s/cairn.db", rig.dir);
    rig_script(table);
    rig_script("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
               "INSERT INTO t SELECT i, 1, 1, hex(randomblob(500)) FROM n");
    MUST_INT(check(), 0);
    put_file(path, zero, sizeof zero, 40 * 4096);
    MUST_INT(check(), E_DB);
    struct db_admin *a = admin();
    snprintf(copy, sizeof copy, "%s/copy", rig.dir);
    MUST_INT(db_admin_backup(a, copy, &err), 0); /* a copy is a copy */
    db_admin_close(&a);
    MUST_INT(db_admin_restore(&rig.cfg, copy, &err), E_DB); /* but nothing to go back to */
}

static void orphan_test(void **state)
{
    (void)state;
    rig_script("CREATE TABLE p(id INTEGER PRIMARY KEY);"
               "CREATE TABLE c(id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p(id));");
    MUST_INT(check(), 0);
    rig_script("PRAGMA foreign_keys=OFF; INSERT INTO c VALUES (1, 5)");
    MUST_INT(check(), E_DB);
}

/* ---- scripts ---- */

static void script_test(void **state)
{
    (void)state;
    struct err err = {0};
    size_t at = 0;
    struct db_admin *a = admin();
    str text = LIT("CREATE TABLE t(a INTEGER);\n-- a comment\nINSERT INTO t VALUES (1);\n"
                   "INSERT INTO nowhere VALUES (1); INSERT INTO t VALUES (2)");
    MUST_INT(db_admin_script(a, text, &at, &err), E_DB);
    MUST(str_starts(str_trim(str_from(text, at + 1)), LIT("INSERT INTO nowhere")));
    MUST(strstr(err.text, "nowhere")); /* whoever wrote the script reads it */
    db_admin_close(&a);
    MUST_INT(admin_number("SELECT sum(a) FROM t"), 1);
}

/* ---- locks ---- */

/* Runs fn in a process of its own; gives its answer. */
static int elsewhere(int (*fn)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(-fn());
    MUST_INT(waitpid(pid, &status, 0), pid);
    MUST(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

static int take_lock(void)
{
    struct err err = {0};
    struct db_admin *a = NULL;
    int code = db_admin_open(&rig.cfg, &a, &err);
    return code < 0 ? code : db_admin_lock(a, 50, &err);
}

static int open_twice(void)
{
    struct err err = {0};
    struct db *db = NULL;
    return db_open(&rig.cfg, &db, &err);
}

static void locks_test(void **state)
{
    (void)state;
    struct err err = {0};
    rig_script(table);
    struct db_admin *a = admin();
    MUST_INT(elsewhere(take_lock), 0); /* let go by its end */
    MUST_INT(db_admin_lock(a, 50, &err), 0);
    MUST_INT(elsewhere(take_lock), E_BUSY);
    db_admin_unlock(a);
    MUST_INT(elsewhere(take_lock), 0);
    MUST_INT(db_admin_lock(a, 50, &err), 0);
    db_admin_close(&a);
    MUST_INT(elsewhere(take_lock), 0);
    rig_open();
    MUST_INT(elsewhere(open_twice), E_BUSY); /* one server a database */
    db_close(&rig.db);
    MUST_INT(elsewhere(open_twice), 0);
}

static void urls_test(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "sqlite:", "sqlite::memory:", "oracle://x", "sqlite://"};
    struct db *db = NULL;
    struct err err = {0};
    char path[128];
    struct stat st;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        rig.cfg.url = str_of(bad[i]);
        MUST_INT(db_open(&rig.cfg, &db, &err), E_CONFIG);
    }
    snprintf(path, sizeof path, "%s/a/b", rig.dir);
    rig.cfg.data_dir = str_of(path);
    rig.cfg.url = LIT("sqlite:c/my.db");
    MUST(!db_exists(&rig.cfg));
    MUST_INT(db_open(&rig.cfg, &db, &err), 0);
    MUST(db_exists(&rig.cfg));
    db_close(&db);
    snprintf(path, sizeof path, "%s/a/b/c/my.db", rig.dir);
    MUST_INT(stat(path, &st), 0);
    MUST_INT(st.st_mode & 0777, 0600); /* nobody else reads it */
    snprintf(path, sizeof path, "%s/a/b", rig.dir);
    rig.cfg.url = LIT("sqlite:/dev/null/x");
    MUST_INT(db_open(&rig.cfg, &db, &err), E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(backup_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(refused_backup_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(restore_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(damage_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(orphan_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(script_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(locks_test, rig_begin, rig_end),
        cmocka_unit_test_setup_teardown(urls_test, rig_begin, rig_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
