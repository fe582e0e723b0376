/* facts.c -- what the engines are asked for advice: indexes, declared types, uses, and a sample of
 * each table. SPDX: Apache-2.0
 * Bounds: rows are counted up to FACT_ROWS_MOST, a sample has FACT_SAMPLE rows, each of its texts
 * FACT_TEXT bytes. A sample is spread over the table, because the first rows are often not like
 * the others, and is the same one each time. */
#include "advise/advise_priv.h"

#define QUESTION(sql)                                                                              \
    {                                                                                              \
        .text = STR_INIT(sql), .bounded = true, .once = true                                       \
    }

enum { ASK_INDEXES, ASK_TYPES, ASK_USES, ASK_SINCE, ASKS };

/* Indexes: table, index, unique, origin (pk, u, c), condition, column, descends, own order, valid,
 * scans. Uses: table, rows by the engine's own estimate, reads. */
static const struct stmt lite[] = {
    [ASK_INDEXES] =
        QUESTION("SELECT s.name, i.name, i.\"unique\", i.origin,"
                 " CASE WHEN i.partial THEN d.sql ELSE '' END, x.name, x.\"desc\","
                 " x.coll = 'BINARY', 1, -1 FROM sqlite_schema s JOIN pragma_index_list(s.name) i"
                 " LEFT JOIN sqlite_schema d ON d.type = 'index' AND d.name = i.name"
                 " JOIN pragma_index_xinfo(i.name) x WHERE s.type = 'table' AND x.key"
                 " ORDER BY s.name, i.seq DESC, x.seqno"),
    [ASK_TYPES] = QUESTION("SELECT s.name, c.name, c.type FROM sqlite_schema s"
                           " JOIN pragma_table_xinfo(s.name) c WHERE s.type = 'table'"),
    [ASK_USES] = QUESTION("SELECT '', -1, -1 WHERE false"),
    [ASK_SINCE] = QUESTION("SELECT ''"),
};

#define VISIBLE " c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)"

static const struct stmt postgres[] = {
    [ASK_INDEXES] = QUESTION(
        "SELECT c.relname::text, x.relname::text, i.indisunique::int::bigint,"
        " CASE WHEN i.indisprimary THEN 'pk' WHEN k.oid IS NULL THEN 'c' ELSE 'u' END,"
        " coalesce(pg_get_expr(i.indpred, i.indrelid), ''), a.attname::text,"
        " (i.indoption[u.place - 1] & 1)::bigint,"
        " (m.amname = 'btree' AND o.opcdefault AND i.indcollation[u.place - 1]"
        " = coalesce(a.attcollation, 0))::int::bigint, i.indisvalid::int::bigint,"
        " coalesce(s.idx_scan, -1)::bigint"
        " FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid"
        " JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam"
        " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS u(attnum, place)"
        " JOIN pg_opclass o ON o.oid = i.indclass[u.place - 1]"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum AND u.attnum > 0"
        " LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')"
        " LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid"
        " WHERE" VISIBLE " AND u.place <= i.indnkeyatts"
        " ORDER BY c.relname COLLATE \"C\", i.indexrelid, u.place"),
    [ASK_TYPES] = QUESTION("SELECT c.relname::text, a.attname::text,"
                           " format_type(a.atttypid, a.atttypmod) FROM pg_class c"
                           " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
                           " AND NOT a.attisdropped WHERE" VISIBLE),
    [ASK_USES] =
        QUESTION("SELECT c.relname::text, greatest(c.reltuples, 0)::bigint,"
                 " (coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0))::bigint FROM pg_class c"
                 " LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE" VISIBLE),
    [ASK_SINCE] = QUESTION(
        "SELECT CASE WHEN stats_reset IS NULL THEN 'since the database was made' ELSE"
        " 'since ' || to_char(stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC (' ||"
        " extract(day FROM now() - stats_reset)::int || ' days)' END"
        " FROM pg_stat_database WHERE datname = current_database()"),
};

struct gather {
    struct facts *facts;
    advise_ask *ask;
    void *ctx;
    struct arena *arena;
};

static str cell(const struct rows *r, size_t row, size_t col)
{
    const struct value *v = rows_at(r, row, col);
    return v->kind == V_TEXT ? v->text : LIT("");
}

static int64_t number(const struct rows *r, size_t row, size_t col)
{
    const struct value *v = rows_at(r, row, col);
    return v->kind == V_INT ? v->i : v->kind == V_BOOL ? v->truth : 0;
}

static struct fact_table *table_of(struct facts *f, str name)
{
    const struct table *t = schema_table(f->schema, name);
    return t && !t->view ? &f->tables[t - f->schema->tables] : NULL;
}

/* ---- indexes ---- */

static struct fact_index read_index(struct arena *a, const struct table *t, const struct rows *r,
                                    size_t from, size_t to)
{
    const struct column **columns = ARENA_ARRAY(a, const struct column *, to - from);
    bool *descending = ARENA_ARRAY(a, bool, to - from);
    str origin = cell(r, from, 3);
    struct fact_index out = {.name = arena_str(a, cell(r, from, 1)),
                             .columns = columns,
                             .descending = descending,
                             .count = to - from,
                             .unique = number(r, from, 2) != 0,
                             .primary = str_is(origin, "pk"),
                             .constraint = !str_is(origin, "c"),
                             .where = arena_str(a, cell(r, from, 4)),
                             .own = true,
                             .valid = number(r, from, 8) != 0,
                             .scans = number(r, from, 9)};
    for (size_t i = from; i < to; i++) {
        columns[i - from] = table_column(t, cell(r, i, 5));
        descending[i - from] = number(r, i, 6) != 0;
        out.own = out.own && number(r, i, 7) != 0;
    }
    return out;
}

static void read_indexes(struct gather *g, const struct rows *r)
{
    for (size_t at = 0, end; at < r->count; at = end) {
        for (end = at + 1; end < r->count && str_eq(cell(r, end, 0), cell(r, at, 0)) &&
                           str_eq(cell(r, end, 1), cell(r, at, 1));)
            end++;
        struct fact_table *t = table_of(g->facts, cell(r, at, 0));
        if (t)
            t->indexes[t->index_count++] = read_index(g->arena, t->table, r, at, end);
    }
}

/* An INTEGER PRIMARY KEY of SQLite is the table itself: no index of the catalog. */
static void add_rowid(struct arena *a, struct fact_table *t)
{
    if (!t->table->rowid)
        return;
    t->indexes[t->index_count++] = (struct fact_index){.name = LIT(""),
                                                       .columns = t->table->primary.columns,
                                                       .descending = ARENA_NEW(a, bool),
                                                       .count = t->table->primary.count,
                                                       .unique = true,
                                                       .primary = true,
                                                       .constraint = true,
                                                       .own = true,
                                                       .valid = true,
                                                       .where = LIT(""),
                                                       .scans = -1};
}

/* ---- types and uses ---- */

static void read_types(struct gather *g, const struct rows *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct fact_table *t = table_of(g->facts, cell(r, i, 0));
        const struct column *c = t ? table_column(t->table, cell(r, i, 1)) : NULL;
        if (c)
            ((str *)(uintptr_t)t->declared)[c->index] = arena_str(g->arena, cell(r, i, 2));
    }
}

static void read_uses(struct gather *g, const struct rows *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct fact_table *t = table_of(g->facts, cell(r, i, 0));
        if (!t)
            continue;
        t->rows = number(r, i, 1);
        t->reads = number(r, i, 2);
    }
}

static int catalog(struct gather *g, struct err *err)
{
    const struct stmt *list = g->facts->dialect == DIALECT_POSTGRES ? postgres : lite;
    struct rows answers[ASKS];
    for (size_t i = 0; i < ASKS; i++)
        TRY(g->ask(g->ctx, &list[i], g->arena, &answers[i], err));
    for (size_t i = 0; i < g->facts->count; i++) {
        struct fact_table *t = &g->facts->tables[i];
        t->indexes = ARENA_ARRAY(g->arena, struct fact_index, answers[ASK_INDEXES].count + 1);
        add_rowid(g->arena, t);
    }
    read_indexes(g, &answers[ASK_INDEXES]);
    read_types(g, &answers[ASK_TYPES]);
    read_uses(g, &answers[ASK_USES]);
    if (answers[ASK_SINCE].count)
        g->facts->since = arena_str(g->arena, cell(&answers[ASK_SINCE], 0, 0));
    return 0;
}

/* ---- one table's rows ---- */

/* Answers whether the engine did. */
static bool ask(struct gather *g, str text, struct rows *out)
{
    struct err ignored = {0};
    struct stmt st = {.text = text, .once = true};
    return g->ask(g->ctx, &st, g->arena, out, &ignored) == 0;
}

static str quoted(struct arena *a, str name)
{
    str half = advise__name(a, name);
    return half.ptr == name.ptr ? arena_printf(a, "\"%.*s\"", STR_ARG(name)) : half;
}

static void count_rows(struct gather *g, struct fact_table *t)
{
    struct rows r;
    if (t->rows >= FACT_ROWS_MOST) { /* the engine's own estimate */
        t->more = true;
        return;
    }
    str text = arena_printf(g->arena, "SELECT count(*) FROM (SELECT 1 FROM %.*s LIMIT %d) AS t",
                            STR_ARG(quoted(g->arena, t->table->name)), FACT_ROWS_MOST);
    if (!ask(g, text, &r) || !r.count)
        return;
    t->rows = number(&r, 0, 0);
    t->more = t->rows >= FACT_ROWS_MOST;
}

static str cut_columns(struct gather *g, const struct table *t)
{
    bool lite_text = g->facts->dialect == DIALECT_SQLITE;
    str out = LIT("");
    for (size_t i = 0; i < t->column_count; i++) {
        if (!facts_sampled(&t->columns[i]))
            continue;
        str name = quoted(g->arena, t->columns[i].name);
        out = lite_text ? arena_printf(g->arena, "%.*s%ssubstr(CAST(t.%.*s AS TEXT), 1, %d)",
                                       STR_ARG(out), out.len ? ", " : "", STR_ARG(name), FACT_TEXT)
                        : arena_printf(g->arena, "%.*s%sleft(t.%.*s::text, %d)", STR_ARG(out),
                                       out.len ? ", " : "", STR_ARG(name), FACT_TEXT);
    }
    return out;
}

/* The rows behind points that lie evenly spread between the first rowid and the last, in an order
 * that has no step of its own. */
static str spread_lite(struct gather *g, str columns, str name)
{
    return arena_printf(
        g->arena,
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d),"
        " e AS (SELECT min(rowid) AS low, max(rowid) - min(rowid) + 1 AS span FROM %.*s)"
        " SELECT %.*s FROM n, e JOIN %.*s t ON t.rowid = (SELECT rowid FROM %.*s"
        " WHERE rowid >= low + (i * 2654435761) %% span LIMIT 1)",
        FACT_SAMPLE - 1, STR_ARG(name), STR_ARG(columns), STR_ARG(name), STR_ARG(name));
}

/* Whole pages by chance, more of them than needed: a page may hold a few rows only. */
static str spread_postgres(struct gather *g, const struct fact_table *t, str columns, str name)
{
    double percent = 300.0 * FACT_SAMPLE / (double)t->rows;
    return arena_printf(g->arena,
                        "SELECT %.*s FROM (SELECT * FROM %.*s TABLESAMPLE SYSTEM (%.4f)"
                        " REPEATABLE (1) ORDER BY random() LIMIT %d) AS t",
                        STR_ARG(columns), STR_ARG(name), percent < 100 ? percent : 100.0,
                        FACT_SAMPLE);
}

static void sample(struct gather *g, struct fact_table *t)
{
    struct rows r = {0};
    str columns = cut_columns(g, t->table), name = quoted(g->arena, t->table->name);
    bool lite_text = g->facts->dialect == DIALECT_SQLITE;
    str first = arena_printf(g->arena, "SELECT %.*s FROM %.*s AS t LIMIT %d", STR_ARG(columns),
                             STR_ARG(name), FACT_SAMPLE);
    if (!columns.len || !t->rows)
        return;
    bool done =
        t->rows > FACT_SAMPLE &&
        ask(g, lite_text ? spread_lite(g, columns, name) : spread_postgres(g, t, columns, name),
            &r) &&
        r.count;
    if (done || ask(g, first, &r))
        facts_sample(g->arena, t, &r);
}

/* PostgreSQL only: SQLite's integer keys have 64 bits. */
static void largest(struct gather *g, struct fact_table *t)
{
    const struct key *k = &t->table->primary;
    struct rows r;
    if (g->facts->dialect != DIALECT_POSTGRES || k->count != 1 ||
        (k->columns[0]->type != TYPE_INT4 && k->columns[0]->type != TYPE_INT2))
        return;
    str text = arena_printf(g->arena, "SELECT max(%.*s)::bigint FROM %.*s",
                            STR_ARG(quoted(g->arena, k->columns[0]->name)),
                            STR_ARG(quoted(g->arena, t->table->name)));
    if (ask(g, text, &r) && r.count)
        t->largest = number(&r, 0, 0);
}

int facts_gather(enum dialect d, const struct schema *s, advise_ask *fn, void *ctx, struct arena *a,
                 struct facts *out, struct err *err)
{
    struct gather g = {out, fn, ctx, a};
    *out = (struct facts){.dialect = d, .schema = s, .count = s->table_count, .since = LIT("")};
    out->tables = ARENA_ARRAY(a, struct fact_table, s->table_count);
    for (size_t i = 0; i < s->table_count; i++) {
        const struct table *t = &s->tables[i];
        out->tables[i] =
            (struct fact_table){.table = t,
                                .reads = -1,
                                .declared = ARENA_ARRAY(a, str, t->column_count),
                                .values = ARENA_ARRAY(a, struct fact_values, t->column_count)};
    }
    TRY(catalog(&g, err));
    for (size_t i = 0; i < out->count; i++) {
        if (out->tables[i].table->view)
            continue;
        count_rows(&g, &out->tables[i]);
        sample(&g, &out->tables[i]);
        largest(&g, &out->tables[i]);
    }
    return 0;
}
