/* rig.h -- a database in a directory of its own and a loop to use it from. SPDX: Apache-2.0
 * A failed test stops the process: the tests run in fibers and threads, out of which cmocka
 * cannot jump. */
#ifndef CAIRN_TEST_DB_RIG_H
#define CAIRN_TEST_DB_RIG_H

#include "base/clock.h"
#include "base/mem.h"
#include "db/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define MUST_INT(x, y)                                                                             \
    do {                                                                                           \
        long long x_ = (long long)(x), y_ = (long long)(y);                                        \
        if (x_ != y_) {                                                                            \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #x, x_, y_);      \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define MUST_TEXT(x, y)                                                                            \
    do {                                                                                           \
        str x_ = (x);                                                                              \
        if (!str_is(x_, (y))) {                                                                    \
            fprintf(stderr, "%s:%d: %s is '%.*s', not '%s'\n", __FILE__, __LINE__, #x,             \
                    STR_ARG(x_), (y));                                                             \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

struct rig {
    char dir[64], url[96];
    struct db_config cfg;
    struct db *db;
};
static struct rig rig;
static _Thread_local unsigned rig_left; /* fibers at work on this thread */

/* ---- life ---- */

static inline int rig_begin(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    snprintf(rig.dir, sizeof rig.dir, "/tmp/cairn-db-XXXXXX");
    MUST(mkdtemp(rig.dir));
    snprintf(rig.url, sizeof rig.url, "sqlite:%s/cairn.db", rig.dir);
    rig.cfg = (struct db_config){.url = str_of(rig.url),
                                 .statement_timeout_ms = 20000,
                                 .tx_timeout_ms = 20000,
                                 .write_queue = 1000,
                                 .group_most = 100,
                                 .scan_threads = 2,
                                 .scan_queue = 100,
                                 .statements = 16,
                                 .cache_kib = 512};
    return 0;
}

static inline int rig_end(void **state)
{
    char command[100];
    (void)state;
    MUST(!rig.db);
    snprintf(command, sizeof command, "rm -rf '%s'", rig.dir);
    return system(command);
}

static inline void rig_script(const char *text)
{
    struct err err = {0};
    struct db_admin *a = NULL;
    if (db_admin_open(&rig.cfg, &a, &err) < 0 || db_admin_script(a, str_of(text), NULL, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
    MUST(err.code == 0);
    db_admin_close(&a);
}

static inline void rig_open(void)
{
    struct err err = {0};
    if (db_open(&rig.cfg, &rig.db, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
    MUST(rig.db);
}

static inline struct db_stats rig_stats(void)
{
    struct db_stats s;
    db_stats(rig.db, &s);
    return s;
}

/* ---- fibers ---- */

struct rig_task {
    fiber_fn *fn;
    void *arg;
};

static inline void rig_bottom(void *arg)
{
    struct rig_task task = *(struct rig_task *)arg;
    mem_free(arg);
    task.fn(task.arg);
    if (--rig_left == 0)
        loop_stop(loop_self());
}

/* One more fiber on this thread's loop, which ends with the last of them. */
static inline void rig_start(fiber_fn *fn, void *arg)
{
    struct rig_task *t = mem_new(sizeof *t);
    *t = (struct rig_task){fn, arg};
    rig_left++;
    MUST(fiber_soon(loop_self(), rig_bottom, t));
}

/* Runs fn as a fiber of a worker, to the end of all fibers it starts. */
static inline void rig_run(fiber_fn *fn, void *arg)
{
    struct err err = {0};
    struct loop *l = loop_new(65536, 2000);
    MUST_INT(db_worker_begin(rig.db, &err), 0);
    rig_start(fn, arg);
    loop_run(l);
    if (!rig.cfg.pool_size) /* a pool connects in fibers of its own, which see the end later */
        MUST_INT(loop_fibers(l), 0);
    db_worker_end(rig.db);
    loop_free(&l);
}

/* The whole of most tests: a database made by a script, and a fiber on it. */
static inline void rig_play(const char *script, fiber_fn *fn, void *arg)
{
    rig_script(script);
    rig_open();
    rig_run(fn, arg);
    db_close(&rig.db);
}

/* ---- statements ---- */

#define READ(sql, ...)                                                                             \
    ((struct stmt){.text = LIT(sql),                                                               \
                   .binds = (struct value[]){__VA_ARGS__},                                         \
                   .bind_count = sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value)})
#define WRITE(sql, ...)                                                                            \
    ((struct db_write){                                                                            \
        .st = {.text = LIT(sql),                                                                   \
               .binds = (struct value[]){__VA_ARGS__},                                             \
               .bind_count = sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value),         \
               .writes = true},                                                                    \
        .expect = -1})

/* The first cell of the first row as a number. */
static inline int64_t rig_number(struct stmt st)
{
    struct err err = {0};
    struct arena a;
    struct rows rows;
    arena_init(&a, 1 << 20);
    if (db_rows(rig.db, &st, &a, 1, &rows, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
    MUST_INT(rows.count, 1);
    int64_t n = rows_at(&rows, 0, 0)->i;
    arena_reset(&a);
    return n;
}
#define NUMBER(sql) rig_number((struct stmt){.text = LIT(sql)})

/* Writes and wants it to succeed. */
static inline void rig_write(struct db_write w)
{
    struct err err = {0};
    if (db_write(rig.db, &w, 1, NULL, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
    MUST_INT(err.code, 0);
}

/* Writes and wants it to fail with code at field. */
static inline void rig_refused(struct db_write w, int code, const char *field)
{
    struct err err = {0};
    MUST_INT(db_write(rig.db, &w, 1, NULL, &err), code);
    MUST_INT(err.code, code);
    MUST_TEXT(str_of(err.field), field);
}

#define INT(n) value_int(n)
#define TEXT(s) value_text(LIT(s))

#endif
