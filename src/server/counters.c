/* counters.c -- makes, checks and takes away the triggers that keep counters, those that count
 * which files the rows point to, and those that clear what an account leaves. SPDX: Apache-2.0
 * Invariant: triggers and numbers come in one transaction, which nobody who writes to the tables
 * can get between: so from the first commit on the numbers are exact. The triggers of a counter are
 * there all together and as wanted, or they are made anew.
 * Not here: what they say (sql/counter.c, sql/file.c, sql/account.c). */
#include "server/counters.h"

#include "sql/sql.h"

enum { MEMORY = 64 << 20, LOCK_MS = 60000 };

struct keeper {
    struct db_admin *db;
    enum dialect dialect;
    const struct schema *schema;
    str accounts; /* the table of accounts; empty: none, or none that matters here */
    struct arena arena;
    struct counter_plan *plans;
    size_t count;
    struct rows there; /* cells: trigger, table, stamp, function */
    struct err *err;
};

static int run(struct keeper *k, str text, struct rows *out)
{
    struct stmt st = {.text = text, .writes = !out, .once = true};
    return db_admin_run(k->db, &st, &k->arena, out, k->err);
}

/* ---- what is wanted, what is there ---- */

static size_t files_of(const struct table *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->column_count; i++)
        count += t->columns[i].file != NULL;
    return count;
}

/* Behind the counters, which check_all counts on. */
static int plan_files(struct keeper *k)
{
    for (size_t i = 0; i < k->schema->table_count; i++) {
        const struct table *t = &k->schema->tables[i];
        for (size_t c = 0; c < t->column_count; c++) {
            struct sql_file_of of = {t, &t->columns[c]};
            if (of.column->file)
                TRY(sql_file(k->dialect, &k->arena, k->schema, &of, &k->plans[k->count++], k->err));
        }
    }
    return 0;
}

/* Whether the tables that hang on accounts are there: the first start makes them. */
static int owned_there(struct keeper *k, bool *out)
{
    enum { MOST = 16, TEXT_MOST = 2048 };
    str names[MOST];
    size_t count = sql_account_tables(NULL);
    struct buf b = {.ptr = arena_new(&k->arena, TEXT_MOST), .cap = TEXT_MOST, .limit = TEXT_MOST};
    struct rows rows;
    BUG_ON(count > MOST);
    sql_account_tables(names);
    buf_lit(&b, "SELECT count(*) FROM ");
    if (k->dialect == DIALECT_SQLITE)
        buf_lit(&b, "sqlite_schema WHERE type = 'table' AND name IN (");
    else
        buf_lit(&b, "unnest(ARRAY[");
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s'%.*s'", i ? "," : "", STR_ARG(names[i]));
    buf_str(&b, k->dialect == DIALECT_SQLITE ? LIT(")")
                                             : LIT("]) AS n WHERE to_regclass(n) IS NOT NULL"));
    TRY(run(k, buf_view(&b), &rows));
    *out = rows_at(&rows, 0, 0)->i == (int64_t)count;
    return 0;
}

static int plan_accounts(struct keeper *k)
{
    const struct table *t = k->accounts.len ? schema_table(k->schema, k->accounts) : NULL;
    bool there = false;
    if (!t || t->view || t->primary.count != 1) /* whoever uses it says so */
        return 0;
    TRY(owned_there(k, &there));
    return there ? sql_account(k->dialect, &k->arena, t, &k->plans[k->count++], k->err) : 0;
}

static int plan(struct keeper *k)
{
    size_t most = 1;
    for (size_t i = 0; i < k->schema->table_count; i++)
        most += k->schema->tables[i].counter_count + files_of(&k->schema->tables[i]);
    k->plans = ARENA_ARRAY(&k->arena, struct counter_plan, most);
    for (size_t i = 0; i < k->schema->table_count; i++) {
        const struct table *t = &k->schema->tables[i];
        for (size_t c = 0; c < t->counter_count; c++)
            TRY(sql_counter(k->dialect, &k->arena, t, &t->counters[c], &k->plans[k->count++],
                            k->err));
    }
    TRY(plan_files(k));
    return plan_accounts(k);
}

static int look(struct keeper *k)
{
    if (k->dialect == DIALECT_SQLITE)
        return run(k,
                   LIT("SELECT name, tbl_name, sql, '' FROM sqlite_schema WHERE type = 'trigger'"
                       " AND name GLOB '" COUNTER_PREFIX "*'"),
                   &k->there);
    return run(k,
               LIT("SELECT t.tgname, c.relname, coalesce(obj_description(t.oid, 'pg_trigger'), ''),"
                   " p.oid::regprocedure::text FROM pg_trigger t JOIN pg_class c ON c.oid = "
                   "t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal AND "
                   "c.relnamespace = ANY (current_schemas(false)::regnamespace[]) AND "
                   "t.tgname LIKE 'cairn\\_count\\_%' AND t.tgenabled IN ('O', 'A')"),
               &k->there);
}

static const struct value *cell(const struct keeper *k, size_t row, size_t col)
{
    return rows_at(&k->there, row, col);
}

static bool part_there(const struct keeper *k, const struct counter_part *p)
{
    for (size_t i = 0; i < k->there.count; i++) {
        if (str_eq(cell(k, i, 0)->text, p->name) && str_eq(cell(k, i, 1)->text, p->on->name) &&
            str_eq(cell(k, i, 2)->text, p->stamp))
            return true;
    }
    return false;
}

static bool kept(const struct keeper *k, const struct counter_plan *p)
{
    for (size_t i = 0; i < p->part_count; i++) {
        if (!part_there(k, &p->parts[i]))
            return false;
    }
    return true;
}

/* The counter whose trigger that is, or NULL: nobody wants it. */
static const struct counter_plan *owner(const struct keeper *k, str trigger)
{
    for (size_t i = 0; i < k->count; i++) {
        for (size_t p = 0; p < k->plans[i].part_count; p++) {
            if (str_eq(k->plans[i].parts[p].name, trigger))
                return &k->plans[i];
        }
    }
    return NULL;
}

static bool to_drop(const struct keeper *k, size_t row)
{
    const struct counter_plan *p = owner(k, cell(k, row, 0)->text);
    return !p || !kept(k, p);
}

static bool all_well(const struct keeper *k)
{
    for (size_t i = 0; i < k->there.count; i++) {
        if (to_drop(k, i))
            return false;
    }
    for (size_t i = 0; i < k->count; i++) {
        if (!kept(k, &k->plans[i]))
            return false;
    }
    return true;
}

/* ---- bringing it about ---- */

/* The name comes from the catalog; a function's with its schema, quoted where it needs that. */
static int drop(struct keeper *k, size_t row)
{
    str name = cell(k, row, 0)->text, function = cell(k, row, 3)->text;
    if (k->dialect == DIALECT_POSTGRES)
        return run(
            k, arena_printf(&k->arena, "DROP FUNCTION IF EXISTS %.*s CASCADE", STR_ARG(function)),
            NULL);
    return run(k, arena_printf(&k->arena, "DROP TRIGGER IF EXISTS \"%.*s\"", STR_ARG(name)), NULL);
}

static int lock(struct keeper *k, const struct counter_plan *p)
{
    return p->lock.len ? run(k, p->lock, NULL) : 0;
}

static int make(struct keeper *k, const struct counter_plan *p)
{
    for (size_t i = 0; i < p->make_count; i++)
        TRY(run(k, p->make[i], NULL));
    return run(k, p->recount, NULL);
}

static int change(struct keeper *k)
{
    for (size_t i = 0; i < k->count; i++) {
        if (!kept(k, &k->plans[i]))
            TRY(lock(k, &k->plans[i]));
    }
    for (size_t i = 0; i < k->there.count; i++) {
        if (to_drop(k, i))
            TRY(drop(k, i));
    }
    for (size_t i = 0; i < k->count; i++) {
        if (!kept(k, &k->plans[i]))
            TRY(make(k, &k->plans[i]));
    }
    return run(k, LIT("COMMIT"), NULL);
}

/* SQLite lets one writer in from the first statement on. On PostgreSQL the lock waits for those who
 * write to the tables and keeps new ones out, and what is counted then is what they left. */
static int in_transaction(struct keeper *k, int (*body)(struct keeper *k))
{
    struct err ignored = {0}, *err = k->err;
    TRY(run(k, k->dialect == DIALECT_SQLITE ? LIT("BEGIN IMMEDIATE") : LIT("BEGIN"), NULL));
    int code = body(k);
    if (code < 0) {
        k->err = &ignored;
        run(k, LIT("ROLLBACK"), NULL);
        k->err = err;
    }
    return code;
}

static int keep_locked(struct keeper *k)
{
    TRY(db_admin_lock(k->db, LOCK_MS, k->err));
    int code = look(k); /* another may just have made them */
    if (code == 0 && !all_well(k))
        code = in_transaction(k, change);
    db_admin_unlock(k->db);
    return code;
}

int counters_keep(struct db_admin *a, const struct config *config, const struct schema *s,
                  struct err *err)
{
    struct keeper k = {.db = a,
                       .dialect = config_dialect(config),
                       .schema = s,
                       .accounts = config->auth_table,
                       .err = err};
    arena_init(&k.arena, MEMORY);
    int code = plan(&k);
    if (code == 0)
        code = look(&k);
    if (code == 0 && !all_well(&k))
        code = keep_locked(&k);
    arena_reset(&k.arena);
    return code;
}

int counters_settle(const struct config *config, struct err *err)
{
    struct db_config db;
    struct db_admin *a;
    struct schema *schema = NULL;
    config_db(config, &db);
    TRY(db_admin_open(&db, &a, err));
    int code = model_read(a, config, &schema, err);
    if (code == 0)
        code = counters_keep(a, config, schema, err);
    if (schema)
        schema_free(&schema);
    db_admin_close(&a);
    return code;
}

/* ---- looking, and setting right ---- */

struct checking {
    struct keeper keeper;
    bool repair;
    counters_say *say;
    void *ctx;
};

static int check_one(struct checking *c, const struct table *t, size_t at, size_t plan_at)
{
    struct keeper *k = &c->keeper;
    struct rows rows;
    if (c->repair) /* no row comes between counting and writing */
        TRY(lock(k, &k->plans[plan_at]));
    TRY(run(k, k->plans[plan_at].wrong, &rows));
    int64_t wrong = rows_at(&rows, 0, 0)->i;
    if (c->repair && wrong)
        TRY(run(k, k->plans[plan_at].recount, NULL));
    c->say(c->ctx, t, &t->counters[at], wrong);
    return 0;
}

static int check_all(struct keeper *k)
{
    struct checking *c = OUTER(k, struct checking, keeper);
    size_t at = 0;
    for (size_t i = 0; i < k->schema->table_count; i++) {
        const struct table *t = &k->schema->tables[i];
        for (size_t n = 0; n < t->counter_count; n++) {
            TRY(check_one(c, t, n, at++));
        }
    }
    return run(k, LIT("COMMIT"), NULL);
}

int counters_check(struct db_admin *a, enum dialect d, const struct schema *s, bool repair,
                   counters_say *say, void *ctx, struct err *err)
{
    struct checking c = {.keeper = {.db = a, .dialect = d, .schema = s, .err = err},
                         .repair = repair,
                         .say = say,
                         .ctx = ctx};
    arena_init(&c.keeper.arena, MEMORY);
    int code = plan(&c.keeper);
    if (code == 0)
        code = in_transaction(&c.keeper, check_all);
    arena_reset(&c.keeper.arena);
    return code;
}
