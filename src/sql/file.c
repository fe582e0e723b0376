/* file.c -- the triggers that count which files the rows point to. SPDX: Apache-2.0
 * Why triggers: whatever makes a row point to a file or lets go of it, a request, a cascade,
 * another program, the count changes in the same transaction. A file that nobody points to is swept
 * away (files/upload.c), so a missed count would lose data: the triggers and the true counts come
 * in one transaction that keeps writers out, as those of counters do (sql/counter.c), whose keeper
 * makes these, too. */
#include "sql/sql_priv.h"

struct filing {
    struct sql sql; /* text only */
    struct arena *arena;
    const struct schema *schema;
    const struct table *table;
    const struct column *column;
    struct counter_plan *plan;
    str base;
};

static void put(struct filing *k, const char *text)
{
    text__str(&k->sql.text, str_of(text));
}

static void ident(struct filing *k, str name)
{
    sql__ident(&k->sql, name);
}

/* The id in what a column holds; null when it is no file. */
static void id_of(struct filing *k, const char *row, const struct column *c)
{
    bool lite = k->sql.dialect == DIALECT_SQLITE;
    put(k, lite ? "CASE WHEN json_valid(" : "substring(");
    put(k, row);
    ident(k, c->name);
    if (!lite) {
        put(k, "::text from '\"id\": ?\"([0-9a-f]{32})\"')");
        return;
    }
    put(k, ") THEN json_extract(");
    put(k, row);
    ident(k, c->name);
    put(k, ",'$.id') END");
}

static str taken(struct filing *k)
{
    str text = text__done(&k->sql.text);
    text__init(&k->sql.text, k->arena, 512);
    return text;
}

static void keep(struct filing *k)
{
    k->plan->make[k->plan->make_count++] = taken(k);
}

/* UPDATE cairn_files SET refs = refs + 1 WHERE id = the id in row.column; */
static void step(struct filing *k, const char *by, const char *row)
{
    put(k, " UPDATE cairn_files SET refs = refs ");
    put(k, by);
    put(k, k->sql.dialect == DIALECT_SQLITE ? ", at = CAST(strftime('%s','now') AS INTEGER)"
                                            : ", at = extract(epoch FROM now())::bigint");
    put(k, " WHERE id = ");
    id_of(k, row, k->column);
    put(k, ";");
}

/* ---- SQLite ---- */

static void trigger_lite(struct filing *k, const char *kind, const char *event, bool came,
                         bool went)
{
    str name = arena_printf(k->arena, "%.*s_%s", STR_ARG(k->base), kind);
    bool both = came && went;
    put(k, "CREATE TRIGGER ");
    ident(k, name);
    put(k, event);
    if (both)
        ident(k, k->column->name);
    put(k, " ON ");
    ident(k, k->table->name);
    if (both) {
        put(k, " WHEN OLD.");
        ident(k, k->column->name);
        put(k, " IS NOT NEW.");
        ident(k, k->column->name);
    }
    put(k, " BEGIN");
    if (went)
        step(k, "- 1", "OLD.");
    if (came)
        step(k, "+ 1", "NEW.");
    put(k, " END");
    str text = taken(k);
    k->plan->make[k->plan->make_count++] = text;
    k->plan->parts[k->plan->part_count++] = (struct counter_part){name, k->table, text};
}

static void make_lite(struct filing *k)
{
    put(k, "CREATE TABLE IF NOT EXISTS cairn_files (id TEXT PRIMARY KEY NOT NULL,"
           " refs INTEGER NOT NULL, at INTEGER NOT NULL)");
    keep(k);
    put(k, "CREATE INDEX IF NOT EXISTS cairn_files_free ON cairn_files (at) WHERE refs <= 0");
    keep(k);
    trigger_lite(k, "insert", " AFTER INSERT", true, false);
    trigger_lite(k, "delete", " AFTER DELETE", false, true);
    trigger_lite(k, "update", " AFTER UPDATE OF ", true, true);
}

/* ---- PostgreSQL ---- */

static bool quotable(const struct filing *k)
{
    return str_find(k->table->name, '$') == STR_NONE && str_find(k->column->name, '$') == STR_NONE;
}

static void function_postgres(struct filing *k)
{
    put(k, "CREATE OR REPLACE FUNCTION ");
    ident(k, k->base);
    put(k, "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT "
           "AS $cairn$ BEGIN IF TG_OP <> 'INSERT' THEN");
    step(k, "- 1", "OLD.");
    put(k, " END IF; IF TG_OP <> 'DELETE' THEN");
    step(k, "+ 1", "NEW.");
    put(k, " END IF; RETURN NULL; END $cairn$");
    keep(k);
}

static void trigger_postgres(struct filing *k)
{
    struct counter_plan *p = k->plan;
    str name = arena_printf(k->arena, "%.*s_any", STR_ARG(k->base));
    put(k, "CREATE TRIGGER ");
    ident(k, name);
    put(k, " AFTER INSERT OR DELETE OR UPDATE OF ");
    ident(k, k->column->name);
    put(k, " ON ");
    ident(k, k->table->name);
    put(k, " FOR EACH ROW EXECUTE FUNCTION ");
    ident(k, k->base);
    put(k, "()");
    keep(k);
    str stamp = sql__trigger_stamp(k->arena, p);
    p->parts[p->part_count++] = (struct counter_part){name, k->table, stamp};
    put(k, "COMMENT ON TRIGGER ");
    ident(k, name);
    put(k, " ON ");
    ident(k, k->table->name);
    put(k, " IS ");
    sql__quoted(&k->sql, stamp);
    keep(k);
}

/* Every column of files, separated by `between`. */
static void each(struct filing *k, const char *between,
                 void (*fn)(struct filing *k, const struct table *t, const struct column *c))
{
    bool first = true;
    for (size_t i = 0; i < k->schema->table_count; i++) {
        const struct table *t = &k->schema->tables[i];
        for (size_t c = 0; c < t->column_count; c++) {
            if (!t->columns[c].file)
                continue;
            put(k, first ? "" : between);
            fn(k, t, &t->columns[c]);
            first = false;
        }
    }
}

static void table_name(struct filing *k, const struct table *t, const struct column *c)
{
    (void)c;
    ident(k, t->name);
}

static void make_postgres(struct filing *k)
{
    put(k, "LOCK TABLE ");
    each(k, ",", table_name);
    put(k, " IN SHARE ROW EXCLUSIVE MODE");
    k->plan->lock = taken(k);
    k->plan->function = k->base;
    put(k, "CREATE TABLE IF NOT EXISTS cairn_files (id text PRIMARY KEY, refs bigint NOT NULL,"
           " at bigint NOT NULL)");
    keep(k);
    put(k, "CREATE INDEX IF NOT EXISTS cairn_files_free ON cairn_files (at) WHERE refs <= 0");
    keep(k);
    function_postgres(k);
    trigger_postgres(k);
}

/* ---- counting anew ---- */

static void ids(struct filing *k, const struct table *t, const struct column *c)
{
    put(k, "SELECT ");
    id_of(k, "s.", c);
    put(k, " AS id FROM ");
    ident(k, t->name);
    put(k, " AS s");
}

static void counts(struct filing *k)
{
    put(k, "UPDATE cairn_files AS f SET refs = d.n FROM (SELECT i.id AS id, count(x.id) AS n FROM "
           "cairn_files AS i LEFT JOIN (");
    each(k, " UNION ALL ", ids);
    put(k, ") AS x ON x.id = i.id GROUP BY i.id) AS d WHERE d.id = f.id AND f.refs <> d.n");
    k->plan->recount = taken(k);
    k->plan->wrong = LIT("SELECT 0");
}

int sql_file(enum dialect d, struct arena *a, const struct schema *s, const struct sql_file_of *of,
             struct counter_plan *out, struct err *err)
{
    struct filing k = {
        .arena = a, .schema = s, .table = of->table, .column = of->column, .plan = out};
    *out = (struct counter_plan){.part_count = 0};
    sql__begin(&k.sql, d, a, err);
    k.base = sql__trigger_name(a, COUNTER_PREFIX "file_", of->table, of->column);
    if (d == DIALECT_POSTGRES && !quotable(&k))
        return fail(err, E_CONFIG,
                    "a column of files and its table cannot have a '$' in their name");
    if (d == DIALECT_SQLITE)
        make_lite(&k);
    else
        make_postgres(&k);
    counts(&k);
    return 0;
}
