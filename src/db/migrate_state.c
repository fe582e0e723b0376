/* migrate_state.c -- what the database knows of migrations, and of itself. SPDX: Apache-2.0 */
#include "db/migrate_priv.h"

#include "base/clock.h"

static int ask(struct migrate *m, struct arena *a, str text, struct rows *rows, struct err *err)
{
    struct stmt st = {.text = text, .once = true};
    return db_admin_run(m->db, &st, a, rows, err);
}

int migrate__run_text(struct migrate *m, str text, struct err *err)
{
    return db_admin_script(m->db, text, NULL, err);
}

static int columns_of_table(struct migrate *m, struct rows *rows, struct err *err)
{
    if (m->postgres)
        return ask(m, &m->arena,
                   LIT("SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped "
                       "AND attrelid = to_regclass('schema_migrations') ORDER BY attnum"),
                   rows, err);
    return ask(m, &m->arena,
               LIT("SELECT name FROM pragma_table_info('schema_migrations') ORDER BY cid"), rows,
               err);
}

static bool has_column(const struct rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->count; i++)
        if (str_is(rows_at(rows, i, 0)->text, name))
            return true;
    return false;
}

int migrate__prepare(struct migrate *m, struct err *err)
{
    static const char *const ours[] = {"checksum", "name", "applied_at"};
    struct rows columns;
    TRY(migrate__run_text(m,
                          LIT("CREATE TABLE IF NOT EXISTS schema_migrations ("
                              "version VARCHAR(128) PRIMARY KEY NOT NULL, checksum TEXT, "
                              "name TEXT, applied_at TEXT)"),
                          err));
    if (!m->postgres)
        TRY(migrate__run_text(m, LIT(DDL_TABLES_OF_ITS_OWN), err));
    TRY(columns_of_table(m, &columns, err));
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (!has_column(&columns, ours[i]))
            TRY(migrate__run_text(m,
                                  arena_printf(&m->arena,
                                               "ALTER TABLE schema_migrations ADD COLUMN %s TEXT",
                                               ours[i]),
                                  err));
    return 0;
}

static str text_cell(struct arena *a, const struct rows *rows, size_t row, size_t col)
{
    const struct value *v = rows_at(rows, row, col);
    return v->kind == V_TEXT ? arena_str(a, v->text) : LIT("");
}

/* A row of schema_migrations against the file of its version. */
static void meet(struct migrate *m, const struct rows *rows, size_t i)
{
    str version = text_cell(&m->arena, rows, i, 0), sum = text_cell(&m->arena, rows, i, 1);
    struct migration *x = migrate__find(m, version);
    if (!x) {
        x = migrate__add(m);
        x->version = version;
        x->name = text_cell(&m->arena, rows, i, 2);
        x->name = x->name.len ? x->name : version;
        x->state = MIGRATION_MISSING;
    } else {
        bool edited = sum.len && !str_eq(sum, x->checksum);
        x->state = edited ? MIGRATION_EDITED : MIGRATION_APPLIED;
    }
    x->applied_at = text_cell(&m->arena, rows, i, 3);
}

static void mark_order(struct migrate *m)
{
    bool applied_later = false;
    for (size_t i = m->count; i > 0; i--) {
        struct migration *x = &m->list[i - 1];
        x->out_of_order = x->state == MIGRATION_PENDING && applied_later;
        applied_later |= x->state != MIGRATION_PENDING;
    }
}

int migrate__read_state(struct migrate *m, struct err *err)
{
    struct rows rows, columns;
    TRY(columns_of_table(m, &columns, err));
    if (columns.count == 0)
        return 0;
    bool full = has_column(&columns, "checksum") && has_column(&columns, "name") &&
                has_column(&columns, "applied_at");
    TRY(ask(m, &m->arena,
            full ? LIT("SELECT CAST(version AS TEXT), checksum, name, applied_at "
                       "FROM schema_migrations")
                 : LIT("SELECT CAST(version AS TEXT), NULL, NULL, NULL FROM schema_migrations"),
            &rows, err));
    for (size_t i = 0; i < rows.count; i++)
        meet(m, &rows, i);
    migrate__sort(m);
    mark_order(m);
    return 0;
}

/* ---- what the database holds, for the translator ---- */

static int read_enums(struct migrate *m, struct arena *a, struct ddl_catalog *out, struct err *err)
{
    struct rows rows;
    TRY(ask(m, a, LIT("SELECT name, labels FROM cairn_enums"), &rows, err));
    for (size_t i = 0; i < rows.count; i++)
        TRY(ddl_catalog_put_enum(out, text_cell(a, &rows, i, 0), text_cell(a, &rows, i, 1), err));
    return 0;
}

int migrate__catalog(struct migrate *m, struct arena *a, struct ddl_catalog *out, struct err *err)
{
    static const char *const kinds[] = {"table", "index", "view", "trigger"};
    struct rows rows;
    bool enums = false;
    ddl_catalog_init(out, a);
    if (m->postgres) /* nothing is translated */
        return 0;
    TRY(ask(m, a,
            LIT("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL "
                "ORDER BY rowid"),
            &rows, err));
    for (size_t i = 0; i < rows.count; i++) {
        struct ddl_object o = {.name = text_cell(a, &rows, i, 1),
                               .table = text_cell(a, &rows, i, 2),
                               .text = text_cell(a, &rows, i, 3)};
        for (size_t k = 0; k < COUNT_OF(kinds); k++)
            if (str_is(rows_at(&rows, i, 0)->text, kinds[k]))
                o.kind = (enum ddl_kind)k;
        enums |= str_is(o.name, "cairn_enums");
        ddl_catalog_put(out, &o);
    }
    return enums ? read_enums(m, a, out, err) : 0;
}

int migrate__check_keys(struct migrate *m, struct arena *a, struct err *err)
{
    struct rows rows;
    TRY(ask(m, a, LIT("SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 1"), &rows,
            err));
    if (rows.count == 0)
        return 0;
    str child = text_cell(a, &rows, 0, 0), parent = text_cell(a, &rows, 0, 1);
    return fail(err, E_CONFIG, "a row of table '%.*s' refers to a row of '%.*s' that is not there",
                STR_ARG(child), STR_ARG(parent));
}

int migrate__free_counters(struct migrate *m, struct arena *a, struct err *err)
{
    struct rows rows;
    TRY(ask(m, a,
            m->postgres
                ? LIT("SELECT DISTINCT 'DROP FUNCTION ' || t.tgfoid::regprocedure || ' CASCADE' "
                      "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT "
                      "t.tgisinternal AND t.tgname LIKE 'cairn\\_count\\_%' AND c.relnamespace = "
                      "ANY (current_schemas(false)::regnamespace[])")
                : LIT("SELECT 'DROP TRIGGER \"' || name || '\"' FROM sqlite_schema WHERE "
                      "type = 'trigger' AND name GLOB 'cairn_count_*'"),
            &rows, err));
    for (size_t i = 0; i < rows.count; i++)
        TRY(migrate__run_text(m, rows_at(&rows, i, 0)->text, err));
    return 0;
}

/* ---- the record ---- */

#define RECORD(places)                                                                             \
    "INSERT INTO schema_migrations (version, checksum, name, applied_at) VALUES (" places ")"

int migrate__record(struct migrate *m, const struct migration *x, struct err *err)
{
    char now[CLOCK_RFC3339_MAX];
    size_t len = clock_rfc3339(clock_wall_us(), now);
    struct value binds[] = {value_text(x->version), value_text(x->checksum), value_text(x->name),
                            value_text(str_make(now, len))};
    struct stmt st = {.text = m->postgres ? LIT(RECORD("$1, $2, $3, $4"))
                                          : LIT(RECORD("?1, ?2, ?3, ?4")),
                      .binds = binds,
                      .bind_count = COUNT_OF(binds),
                      .writes = true,
                      .once = true};
    return db_admin_run(m->db, &st, &m->arena, NULL, err);
}

int migrate__forget(struct migrate *m, const struct migration *x, struct err *err)
{
    struct value binds[] = {value_text(x->version)};
    struct stmt st = {.text = m->postgres ? LIT("DELETE FROM schema_migrations WHERE version = $1")
                                          : LIT("DELETE FROM schema_migrations WHERE version = ?1"),
                      .binds = binds,
                      .bind_count = COUNT_OF(binds),
                      .writes = true,
                      .once = true};
    return db_admin_run(m->db, &st, &m->arena, NULL, err);
}
