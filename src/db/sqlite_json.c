/* sqlite_json.c -- which JSON contains which, for SQLite: cairn_json_contains(whole, part) and
 * cairn_json_contained(part, whole), as PostgreSQL's @> and <@. SPDX: Apache-2.0
 * The side that the statement binds is the same for every row; parsing it again costs less than the
 * row's own JSON does. Runs on helper threads too, below the engine: an arena of its own that is
 * gone at once, no waits. What is no JSON contains nothing and is contained in nothing. */
#include "db/sqlite_priv.h"

#include <sqlite3.h>

enum { PARSED_MOST = 64 << 20 };

static bool parsed(struct arena *a, sqlite3_value *v, struct value *out)
{
    struct err ignored = {0};
    const char *text = (const char *)sqlite3_value_text(v);
    size_t len = (size_t)sqlite3_value_bytes(v);
    return text && json_parse(a, str_make(text, len), &json_limits_default, out, &ignored) == 0;
}

static void answer(sqlite3_context *ctx, sqlite3_value *whole, sqlite3_value *part)
{
    struct arena a;
    struct value x, y;
    if (sqlite3_value_type(whole) == SQLITE_NULL || sqlite3_value_type(part) == SQLITE_NULL)
        return; /* NULL, as any comparison with NULL */
    arena_init(&a, PARSED_MOST);
    sqlite3_result_int(ctx, parsed(&a, whole, &x) && parsed(&a, part, &y) && json_contains(&x, &y));
    arena_reset(&a);
}

static void contains(sqlite3_context *ctx, int count, sqlite3_value **args)
{
    (void)count;
    answer(ctx, args[0], args[1]);
}

static void contained(sqlite3_context *ctx, int count, sqlite3_value **args)
{
    (void)count;
    answer(ctx, args[1], args[0]);
}

void sqlite__json(struct sqlite3 *handle)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    sqlite3_create_function(handle, "cairn_json_contains", 2, flags, NULL, contains, NULL, NULL);
    sqlite3_create_function(handle, "cairn_json_contained", 2, flags, NULL, contained, NULL, NULL);
}
