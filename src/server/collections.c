/* collections.c -- makes and keeps the tables of `collections:`. SPDX: Apache-2.0
 * Why not a migration: a collection has no columns to think about, so there is nothing to write
 * down but its name. What is made is the same on both engines: id, document, two times, and an
 * index for each place that the settings name, over the expression that a filter compares.
 * Invariants: (1) A table of another making is never touched: model building complains about it.
 * (2) Nothing here drops a table or a row; of the indexes, only those of this file's own making. */
#include "server/collections.h"

#include "sql/sql.h"

enum { MEMORY = 16 << 20, LOCK_MS = 60000 };

struct keeper {
    enum dialect dialect;
    const struct schema_collection_wish *wish;
    model_ask *run;
    void *ctx;
    struct arena *arena;
    struct err *err;
};

static int run(const struct keeper *k, str text, struct rows *out)
{
    struct rows unused;
    struct stmt st = {.text = text, .writes = !out, .once = true};
    return k->run(k->ctx, &st, k->arena, out ? out : &unused, k->err);
}

/* ---- the table ---- */

static const char look_lite[] =
    "SELECT name, instr(sql, '" COLLECTION_CHECK "') > 0 FROM sqlite_schema"
    " WHERE type IN ('table', 'view') AND name = '%.*s'"
    " UNION ALL SELECT name, 2 FROM sqlite_schema WHERE type = 'index' AND tbl_name = '%.*s'"
    " AND name LIKE 'cairn\\_%%' ESCAPE '\\'";
static const char look_postgres[] =
    "SELECT c.relname, (EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid"
    " AND k.conname = '" COLLECTION_CHECK
    "'))::int FROM pg_class c WHERE c.oid = to_regclass('%.*s')"
    " UNION ALL SELECT x.relname, 2 FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid"
    " WHERE i.indrelid = to_regclass('%.*s') AND x.relname LIKE 'cairn\\_%%'";

static const char make_lite[] =
    "CREATE TABLE IF NOT EXISTS \"%.*s\" (\"id\" TEXT PRIMARY KEY NOT NULL, \"doc\" JSONB_TEXT NOT "
    "NULL CONSTRAINT " COLLECTION_CHECK " CHECK (json_type(\"doc\") = 'object'), "
    "\"created_at\" TIMESTAMPTZ NOT NULL DEFAULT (strftime('%%Y-%%m-%%dT%%H:%%M:%%f000Z','now')), "
    "\"updated_at\" TIMESTAMPTZ NOT NULL DEFAULT (strftime('%%Y-%%m-%%dT%%H:%%M:%%f000Z','now')))";
static const char make_postgres[] =
    "CREATE TABLE IF NOT EXISTS \"%.*s\" (\"id\" text COLLATE \"C\" PRIMARY KEY, \"doc\" jsonb NOT "
    "NULL CONSTRAINT " COLLECTION_CHECK " CHECK (jsonb_typeof(\"doc\") = 'object'), "
    "\"created_at\" timestamptz NOT NULL DEFAULT now(), "
    "\"updated_at\" timestamptz NOT NULL DEFAULT now())";

/* The names in these texts have letters, digits and `_` only: config_collections.c saw to it. */
static str with_name(const struct keeper *k, const char *lite, const char *postgres)
{
    str name = k->wish->name;
    const char *text = k->dialect == DIALECT_SQLITE ? lite : postgres;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
    return arena_printf(k->arena, text, STR_ARG(name), STR_ARG(name));
#pragma GCC diagnostic pop
}

/* ---- its indexes ---- */

/* What must be there, one by one: false past the last. */
struct wanted {
    str path;
    char kind;
};

static bool wanted_at(const struct keeper *k, size_t i, struct wanted *out)
{
    const struct schema_collection_wish *w = k->wish;
    size_t kinds = k->dialect == DIALECT_SQLITE ? 1 : 2; /* SQLite's texts and numbers share one */
    if (i < w->unique_count) {
        *out = (struct wanted){w->uniques[i], 'u'};
        return true;
    }
    i -= w->unique_count;
    if (i >= w->index_count * kinds)
        return false;
    *out = (struct wanted){w->indexes[i / kinds], i % kinds ? 'n' : 't'};
    return true;
}

static bool is_wanted(const struct keeper *k, str name)
{
    struct wanted w;
    for (size_t i = 0; wanted_at(k, i, &w); i++) {
        if (str_eq(name, collection_index(k->arena, k->wish->name, w.path, w.kind)))
            return true;
    }
    return false;
}

static int index_make(const struct keeper *k, const struct wanted *w)
{
    static const struct column doc = {.name = STR_INIT("doc"), .type = TYPE_JSON};
    str steps[COLLECTION_STEPS], place,
        name = collection_index(k->arena, k->wish->name, w->path, w->kind);
    struct inside in = {.form = w->kind == 'n' ? FORM_SORT_NUMBER : FORM_TEXT,
                        .column = &doc,
                        .path = steps,
                        .path_count = collection_path(w->path, steps)};
    struct err inner = {0}, *err = k->err;
    TRY(sql_place(k->dialect, k->arena, &in, &place, err));
    struct keeper own = *k;
    own.err = &inner;
    if (run(&own,
            arena_printf(k->arena, "CREATE %sINDEX IF NOT EXISTS \"%.*s\" ON \"%.*s\" (%.*s)",
                         w->kind == 'u' ? "UNIQUE " : "", STR_ARG(name), STR_ARG(k->wish->name),
                         STR_ARG(place)),
            NULL) == 0)
        return 0;
    return fail(err, E_CONFIG, "%.*s: collections.%.*s: cannot make an index over '%.*s'; %s",
                STR_ARG(k->wish->place), STR_ARG(k->wish->name), STR_ARG(w->path),
                inner.code == E_UNIQUE ? "documents there have the same value" : inner.text);
}

static int indexes_keep(const struct keeper *k, const struct rows *there)
{
    struct wanted w;
    for (size_t i = 0; i < there->count; i++) {
        str name = rows_at(there, i, 0)->text;
        if (rows_at(there, i, 1)->i == 2 && !is_wanted(k, name))
            TRY(run(k, arena_printf(k->arena, "DROP INDEX IF EXISTS \"%.*s\"", STR_ARG(name)),
                    NULL));
    }
    for (size_t i = 0; wanted_at(k, i, &w); i++)
        TRY(index_make(k, &w));
    return 0;
}

/* ---- all of it ---- */

static int keep(const struct keeper *k)
{
    struct rows there = {0};
    bool found = false, foreign = false;
    TRY(run(k, with_name(k, look_lite, look_postgres), &there));
    for (size_t i = 0; i < there.count; i++) {
        found = found || rows_at(&there, i, 1)->i < 2;
        foreign = foreign || rows_at(&there, i, 1)->i == 0;
    }
    if (foreign) /* building the model says so, with the place */
        return 0;
    if (!found)
        TRY(run(k, with_name(k, make_lite, make_postgres), NULL));
    return indexes_keep(k, &there);
}

int collections_keep(const struct config *config, model_ask *ask, void *ctx, struct err *err)
{
    const struct schema_wishes *w = &config->tables;
    struct arena arena;
    int code = 0;
    arena_init(&arena, MEMORY);
    for (size_t i = 0; i < w->collection_count && code == 0; i++) {
        struct keeper k = {.dialect = config_dialect(config),
                           .wish = &w->collections[i],
                           .run = ask,
                           .ctx = ctx,
                           .arena = &arena,
                           .err = err};
        code = keep(&k);
    }
    arena_reset(&arena);
    return code;
}

static int run_admin(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                     struct err *err)
{
    return db_admin_run(ctx, st, a, out, err);
}

int collections_make(const struct config *config, struct db_admin *a, struct err *err)
{
    if (!config->tables.collection_count)
        return 0;
    TRY(db_admin_lock(a, LOCK_MS, err));
    int code = collections_keep(config, run_admin, a, err);
    db_admin_unlock(a);
    return code;
}
