/* case_file.h -- the data files of test/case/ddl, and a SQLite to run translations in.
 * SPDX: Apache-2.0
 * A file is a list of cases:
 *     === name
 *     PostgreSQL text
 *     --- sqlite | --- error
 *     the expected text
 * Cases of one file are steps of one database: the catalog goes from one to the next, and each
 * translation is run. A case with "--- error" leaves the database as it was. */
#ifndef TEST_DDL_CASE_FILE_H
#define TEST_DDL_CASE_FILE_H

#include "ddl/ddl.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

struct ddl_case {
    str name, source, expected;
    bool error;
};

static inline str read_whole(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return (str){NULL, 0};
    char *text = arena_new(a, 1 << 20);
    size_t len = fread(text, 1, 1 << 20, f);
    fclose(f);
    return str_make(text, len);
}

static inline str until_line(str *rest, const char *with, str *line)
{
    const char *from = rest->ptr;
    while (rest->ptr) {
        const char *at = rest->ptr;
        *line = str_cut(rest, '\n');
        if (str_starts(*line, str_of(with)))
            return str_make(from, (size_t)(at - from));
    }
    *line = LIT("");
    return str_make(from, 0);
}

/* Takes the next case off rest. False at the end. */
static inline bool next_case(str *rest, struct ddl_case *c)
{
    str line;
    if (!rest->ptr)
        return false;
    if (!str_starts(*rest, LIT("=== "))) {
        until_line(rest, "=== ", &line);
        if (!line.len)
            return false;
    } else {
        line = str_cut(rest, '\n');
    }
    c->name = str_from(line, 4);
    c->source = until_line(rest, "--- ", &line);
    c->error = str_eq(line, LIT("--- error"));
    str look = *rest;
    const char *from = rest->ptr, *end = rest->ptr + rest->len;
    while (look.ptr) {
        const char *at = look.ptr;
        if (str_starts(str_cut(&look, '\n'), LIT("=== "))) {
            end = at;
            break;
        }
    }
    c->expected = str_make(from, (size_t)(end - from));
    while (c->expected.len && c->expected.ptr[c->expected.len - 1] == '\n')
        c->expected.len--;
    *rest = end == rest->ptr + rest->len ? (str){NULL, 0} : str_from(*rest, (size_t)(end - from));
    return true;
}

static inline str script_text(struct arena *a, const struct ddl_script *s)
{
    struct buf b;
    buf_init(&b, 1 << 22);
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].destructive)
            buf_printf(&b, "-- destroys: %.*s\n", STR_ARG(s->list[i].what));
        buf_printf(&b, "%.*s;%s", STR_ARG(s->list[i].text), i + 1 < s->count ? "\n" : "");
    }
    str out = arena_str(a, buf_view(&b));
    buf_fini(&b);
    return out;
}

static inline int by_decimal(void *ctx, int an, const void *a, int bn, const void *b)
{
    (void)ctx;
    return decimal_cmp(str_make(a, (size_t)an), str_make(b, (size_t)bn));
}

static inline sqlite3 *open_memory(void)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        abort();
    sqlite3_create_collation(db, "decimal", SQLITE_UTF8, NULL, by_decimal);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_exec(db, DDL_TABLES_OF_ITS_OWN, NULL, NULL, NULL);
    sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    return db;
}

/* As migrate does it. NULL, or SQLite's words. */
static inline const char *run_in(sqlite3 *db, struct arena *a, const struct ddl_script *s)
{
    char *why = NULL;
    if (s->rebuilds)
        sqlite3_exec(db, "PRAGMA foreign_keys = OFF", NULL, NULL, NULL);
    int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, &why);
    str at = LIT("");
    for (size_t i = 0; rc == SQLITE_OK && i < s->count; i++) {
        at = s->list[i].text;
        rc = sqlite3_exec(db, arena_str(a, at).ptr, NULL, NULL, &why);
    }
    sqlite3_exec(db, rc == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL);
    sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return NULL;
    const char *text = arena_printf(a, "%s in: %.*s", why ? why : "?", STR_ARG(at)).ptr;
    sqlite3_free(why);
    return text;
}

/* What SQLite itself holds, as the translator's catalog (what migrate does). */
static inline void load_catalog(sqlite3 *db, struct arena *a, struct ddl_catalog *cat)
{
    static const char *const kinds[] = {"table", "index", "view", "trigger"};
    sqlite3_stmt *st = NULL;
    struct err err = {0};
    ddl_catalog_init(cat, a);
    sqlite3_prepare_v2(db, "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql NOT NULL",
                       -1, &st, NULL);
    while (sqlite3_step(st) == SQLITE_ROW) {
        struct ddl_object o = {.name = str_of((const char *)sqlite3_column_text(st, 1)),
                               .table = str_of((const char *)sqlite3_column_text(st, 2)),
                               .text = str_of((const char *)sqlite3_column_text(st, 3))};
        for (size_t k = 0; k < COUNT_OF(kinds); k++)
            if (str_is(str_of((const char *)sqlite3_column_text(st, 0)), kinds[k]))
                o.kind = (enum ddl_kind)k;
        ddl_catalog_put(cat, &o);
    }
    sqlite3_finalize(st);
    sqlite3_prepare_v2(db, "SELECT name, labels FROM cairn_enums", -1, &st, NULL);
    while (sqlite3_step(st) == SQLITE_ROW)
        ddl_catalog_put_enum(cat, arena_str(a, str_of((const char *)sqlite3_column_text(st, 0))),
                             arena_str(a, str_of((const char *)sqlite3_column_text(st, 1))), &err);
    sqlite3_finalize(st);
}

#endif
