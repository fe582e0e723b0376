/* ddl.c -- any script to the translator, and what it says is SQLite to SQLite. SPDX: Apache-2.0
 * Never crashes; and where it claims success on DDL alone, SQLite at least parses the texts. */
#include "../unit/ddl/case_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name that nobody knows is SQLite's to tell; what it cannot read is a fault of ours. */
static void must_parse(sqlite3 *db, struct arena *a, str text)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, text.ptr, (int)text.len, &st, NULL);
    const char *why = rc == SQLITE_OK ? "" : sqlite3_errmsg(db);
    sqlite3_finalize(st);
    bool unread =
        str_starts(str_of(why), LIT("near \"")) && str_ends(str_of(why), LIT("syntax error"));
    if (unread || str_starts(str_of(why), LIT("unrecognized token"))) {
        fprintf(stderr, "%s in: %s\n", why, arena_str(a, text).ptr);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ddl_source source = {.text = {(const char *)data, size}, .first_line = 1};
    struct ddl_script script;
    struct ddl_catalog cat;
    struct arena a;
    struct err err = {0};
    static sqlite3 *db;
    if (!db)
        db = open_memory();
    arena_init(&a, (size_t)1 << 30);
    ddl_catalog_init(&cat, &a);
    if (size < 65536 && ddl_to_sqlite(&a, &source, &cat, &script, &err) == 0)
        for (size_t i = 0; i < script.count; i++)
            must_parse(db, &a, script.list[i].text);
    arena_reset(&a);
    return 0;
}
