/* sqlite_tools.c -- what is asked of SQLite seldom: plans, checkpoints, scripts, checks, copies.
 * SPDX: Apache-2.0
 * Apart from sqlite.c, which every request runs through, so that each stays one page of thought. */
#include "db/sqlite_priv.h"

#include <sqlite3.h>
#include <time.h>

#include "base/mem.h"

enum { COPY_PAGES = 256, COPY_NAP_MS = 2, DETAIL_COLUMN = 3, SHOWN_TEXT = 200 };

static int read_plan(struct conn *c, sqlite3_stmt *s, struct plan *plan, struct err *err)
{
    for (;;) {
        int rc = sqlite3_step(s);
        if (rc == SQLITE_DONE)
            return 0;
        if (rc != SQLITE_ROW)
            return conn__fail(c, NULL, rc, err);
        plan__line(plan, str_of((const char *)sqlite3_column_text(s, DETAIL_COLUMN)));
    }
}

int conn__explain(struct conn *c, const struct stmt *st, bool *heavy, struct err *err)
{
    struct plan plan = {0};
    struct buf text;
    sqlite3_stmt *s = NULL;
    c->limits = (struct limits){0};
    *heavy = false;
    if (str_starts(st->text, LIT("EXPLAIN "))) /* of a write that is only planned */
        return 0;
    buf_init(&text, st->text.len + 64);
    buf_lit(&text, "EXPLAIN QUERY PLAN ");
    buf_str(&text, st->text);
    conn__count(c, TALLY_PREPARED);
    int rc = sqlite3_prepare_v2(c->handle, text.ptr, (int)text.len, &s, NULL);
    int code = rc == SQLITE_OK ? read_plan(c, s, &plan, err) : conn__fail(c, NULL, rc, err);
    sqlite3_finalize(s);
    buf_fini(&text);
    *heavy = plan__heavy(&plan, st->bounded);
    return code;
}

int conn__checkpoint(struct conn *c, enum checkpoint mode, int *left, struct err *err)
{
    static const int modes[] = {[CHECKPOINT_PASSIVE] = SQLITE_CHECKPOINT_PASSIVE,
                                [CHECKPOINT_RESTART] = SQLITE_CHECKPOINT_RESTART,
                                [CHECKPOINT_TRUNCATE] = SQLITE_CHECKPOINT_TRUNCATE};
    int pages = 0, moved = 0;
    c->limits = (struct limits){0};
    if (mode != CHECKPOINT_PASSIVE)
        sqlite3_busy_timeout(c->handle, BUSY_CHECKPOINT_MS);
    int rc = sqlite3_wal_checkpoint_v2(c->handle, "main", modes[mode], &pages, &moved);
    if (mode != CHECKPOINT_PASSIVE)
        sqlite3_busy_timeout(c->handle, BUSY_WRITE_MS);
    *left = pages - moved;
    return rc == SQLITE_OK ? 0 : conn__fail(c, NULL, rc, err);
}

static int run_all_rows(sqlite3_stmt *s)
{
    int rc = SQLITE_ROW;
    while (rc == SQLITE_ROW)
        rc = sqlite3_step(s);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int conn__script(struct conn *c, str text, size_t *at, struct err *err)
{
    const char *next = text.ptr, *end = text.ptr + text.len;
    if (text.len > INT32_MAX / 2)
        return fail(err, E_TOOBIG, "a script of %zu bytes is too long", text.len);
    c->limits = (struct limits){0};
    while (next < end) {
        sqlite3_stmt *s = NULL;
        const char *tail = NULL;
        int rc = sqlite3_prepare_v2(c->handle, next, (int)(end - next), &s, &tail);
        if (rc == SQLITE_OK && s)
            rc = run_all_rows(s);
        int code = rc == SQLITE_OK ? 0 : conn__fail(c, NULL, rc, err);
        sqlite3_finalize(s);
        if (code < 0) {
            if (at)
                *at = (size_t)(next - text.ptr);
            return code;
        }
        next = tail;
    }
    return 0;
}

/* ---- checks ---- */

/* The first cell of the first row as text into out, "" without a row. */
static int first_text(struct conn *c, const char *sql, char *out, size_t size, struct err *err)
{
    sqlite3_stmt *s = NULL;
    out[0] = '\0';
    int rc = sqlite3_prepare_v2(c->handle, sql, -1, &s, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(s);
        if (rc == SQLITE_ROW) {
            sqlite3_snprintf((int)size, out, "%s", sqlite3_column_text(s, 0));
            rc = SQLITE_DONE;
        }
    }
    int code = rc == SQLITE_DONE ? 0 : conn__fail(c, NULL, rc, err);
    sqlite3_finalize(s);
    return code;
}

int conn__integrity(struct conn *c, struct err *err)
{
    char found[SHOWN_TEXT];
    c->limits = (struct limits){0};
    TRY(first_text(c, "PRAGMA integrity_check(1)", found, sizeof found, err));
    if (!str_is(str_of(found), "ok"))
        return fail(err, E_DB, "the database is damaged: %s", found);
    TRY(first_text(c, "PRAGMA foreign_key_check", found, sizeof found, err));
    if (found[0])
        return fail(err, E_DB, "a row of table '%s' points to a row that does not exist", found);
    return 0;
}

/* ---- copies ---- */

static void nap(void)
{
    struct timespec ts = {.tv_nsec = COPY_NAP_MS * 1000000L};
    nanosleep(&ts, NULL);
}

/* In steps, with naps between, so that a server at work keeps the disk. */
static int copy_steps(struct conn *from, sqlite3 *to, struct err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from->handle, "main");
    if (!b)
        return fail(err, E_IO, "cannot start the copy: %s", sqlite3_errmsg(to));
    int rc;
    do {
        rc = sqlite3_backup_step(b, COPY_PAGES);
        if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
            nap();
    } while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
    sqlite3_backup_finish(b);
    if (rc != SQLITE_DONE)
        return fail(err, E_IO, "the copy stopped: %s", sqlite3_errstr(rc));
    return 0;
}

/* One read transaction over all steps: without it every commit of the server would start the
 * copy anew. */
int conn__copy(struct conn *c, const char *to, struct err *err)
{
    char unused[8];
    sqlite3 *target = NULL;
    TRY(conn__fixed(c, FIX_BEGIN, err));
    int code = first_text(c, "SELECT 1 FROM sqlite_schema", unused, sizeof unused, err);
    int rc = sqlite3_open_v2(to, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == 0 && rc != SQLITE_OK)
        code = fail(err, E_IO, "cannot open '%s': %s", to, sqlite3_errstr(rc));
    if (code == 0)
        code = copy_steps(c, target, err);
    if (sqlite3_close(target) != SQLITE_OK && code == 0)
        code = fail(err, E_IO, "cannot close '%s'", to);
    struct err ignored = {0};
    conn__fixed(c, FIX_COMMIT, &ignored);
    return code;
}
