/* fsync_insert.c -- what SQLite gives when every insert is its own durable commit.
 * SPDX: Apache-2.0
 * Each thread has its own connection (WAL, synchronous=FULL, busy_timeout) and inserts rows into
 * users, each in its own transaction, with a statement prepared once.
 * usage: fsync_insert DATABASE THREADS MILLISECONDS FIRST: FIRST makes the e-mails unique. */
#include "histogram.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS_MOST = 256, BUSY_MS = 10000 };

struct worker {
    pthread_t thread;
    sqlite3 *db;
    uint64_t next, end_us, inserted, failed;
    struct histogram latency;
};

static const char *path;
static const char insert[] = "INSERT INTO users (name, email, age, city) "
                             "VALUES ('Bench Mark', ?1, 42, 'Oslo') RETURNING *";

static void must(int rc, sqlite3 *db)
{
    if (rc == SQLITE_OK)
        return;
    fprintf(stderr, "fsync_insert: %s\n", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    exit(1);
}

static sqlite3 *open_db(void)
{
    sqlite3 *db = NULL;

    must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), db);
    sqlite3_busy_timeout(db, BUSY_MS);
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                      "PRAGMA cache_size=-64000; PRAGMA mmap_size=1073741824",
                      NULL, NULL, NULL),
         db);
    return db;
}

static void insert_one(struct worker *w, sqlite3_stmt *st)
{
    char email[64];
    uint64_t begun = now_us();
    int rc, len = snprintf(email, sizeof email, "fsync%lu@example.com", w->next++);

    sqlite3_bind_text(st, 1, email, len, SQLITE_STATIC);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        ;
    sqlite3_reset(st);
    if (rc == SQLITE_DONE) {
        w->inserted++;
        histogram_add(&w->latency, now_us() - begun);
    } else {
        w->failed++;
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    sqlite3_stmt *st = NULL;

    must(sqlite3_prepare_v2(w->db, insert, -1, &st, NULL), w->db);
    while (now_us() < w->end_us)
        insert_one(w, st);
    sqlite3_finalize(st);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS_MOST];
    static struct histogram all;
    uint64_t inserted = 0, failed = 0, begun, took;
    unsigned count;

    if (argc < 5 || (count = (unsigned)strtoul(argv[2], NULL, 10)) > THREADS_MOST)
        return fprintf(stderr, "usage: fsync_insert DATABASE THREADS MS FIRST\n"), 2;
    path = argv[1];
    for (unsigned i = 0; i < count; i++) {
        workers[i].db = open_db();
        workers[i].next = strtoull(argv[4], NULL, 10) + i * 100000000ull;
    }
    begun = now_us();
    for (unsigned i = 0; i < count; i++) {
        workers[i].end_us = begun + strtoull(argv[3], NULL, 10) * 1000;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    took = now_us() - begun;
    for (unsigned i = 0; i < count; i++) {
        inserted += workers[i].inserted;
        failed += workers[i].failed;
        histogram_join(&all, &workers[i].latency);
        sqlite3_close(workers[i].db);
    }
    printf("{\"answered\":%lu,\"broken\":%lu,\"us\":%lu,\"per_second\":%.1f,", inserted, failed,
           took, (double)inserted * 1e6 / (double)took);
    printf("\"p50_us\":%lu,\"p99_us\":%lu,\"max_us\":%lu,\"sqlite\":\"%s\"}\n",
           histogram_at(&all, 0.5), histogram_at(&all, 0.99), all.most, sqlite3_libversion());
    return 0;
}
