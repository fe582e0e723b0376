/* counter.c -- the triggers that keep a counter, and the statement that counts anew.
 * SPDX: Apache-2.0
 * Why triggers: whatever writes, a request, a handler in C, another program, a cascade, the number
 * changes in the same transaction (docs/decisions/0007-counter-caches.md).
 * On SQLite a trigger runs for each row. On PostgreSQL it runs once a statement, over all rows of
 * it: a thousand posts of one user are one change of that user's row. It locks the rows it will
 * change in the order of their keys, so that two statements do not wait for each other. */
#include "sql/sql_priv.h"

struct counting {
    struct sql sql; /* text only: a trigger takes no values */
    struct arena *arena;
    const struct table *table;
    const struct counter *counter;
    struct counter_plan *plan;
    str base;
};

/* ---- names ---- */

static str part_name(const struct counting *k, const char *kind)
{
    return arena_printf(k->arena, "%.*s_%s", STR_ARG(k->base), kind);
}

/* ---- pieces of text ---- */

static void put(struct counting *k, const char *text)
{
    text__str(&k->sql.text, str_of(text));
}

static void ident(struct counting *k, str name)
{
    sql__ident(&k->sql, name);
}

/* alias."column" */
static void column(struct counting *k, const char *alias, const struct column *c)
{
    put(k, alias);
    put(k, ".");
    ident(k, c->name);
}

/* left."a" = right."b" AND ... */
static void matched(struct counting *k, const char *left, const struct key *x, const char *right,
                    const struct key *y)
{
    for (size_t i = 0; i < x->count; i++) {
        if (i)
            put(k, " AND ");
        column(k, left, x->columns[i]);
        put(k, " = ");
        column(k, right, y->columns[i]);
    }
}

static void columns(struct counting *k, const char *alias, const struct key *key)
{
    for (size_t i = 0; i < key->count; i++) {
        if (i)
            put(k, ",");
        column(k, alias, key->columns[i]);
    }
}

/* a IS DISTINCT FROM b OR ... */
static void differs(struct counting *k, const struct key *key)
{
    bool lite = k->sql.dialect == DIALECT_SQLITE;
    for (size_t i = 0; i < key->count; i++) {
        if (i)
            put(k, " OR ");
        column(k, "OLD", key->columns[i]);
        put(k, lite ? " IS NOT " : " IS DISTINCT FROM ");
        column(k, "NEW", key->columns[i]);
    }
}

/* (SELECT count(*) FROM source WHERE it points to `row`) */
static void number_of(struct counting *k, const char *row)
{
    const struct counter *c = k->counter;
    put(k, "(SELECT count(*) FROM ");
    ident(k, c->source->name);
    put(k, " AS c WHERE ");
    matched(k, "c", &c->from, row, &c->to);
    put(k, ")");
}

static str taken(struct counting *k)
{
    str text = text__done(&k->sql.text);
    text__init(&k->sql.text, k->arena, 512);
    return text;
}

static void keep(struct counting *k)
{
    k->plan->make[k->plan->make_count++] = taken(k);
}

static void part(struct counting *k, str name, const struct table *on, str stamp)
{
    k->plan->parts[k->plan->part_count++] = (struct counter_part){name, on, stamp};
}

/* ---- SQLite ---- */

/* UPDATE users SET posts_count = ... + 1 WHERE id = NEW.user_id; */
static void step_lite(struct counting *k, const char *row, const char *by)
{
    const struct counter *c = k->counter;
    put(k, " UPDATE ");
    ident(k, k->table->name);
    put(k, " SET ");
    ident(k, c->column->name);
    put(k, " = coalesce(");
    ident(k, c->column->name);
    put(k, ",0) ");
    put(k, by);
    put(k, " WHERE ");
    for (size_t i = 0; i < c->to.count; i++) {
        if (i)
            put(k, " AND ");
        ident(k, c->to.columns[i]->name);
        put(k, " = ");
        column(k, row, c->from.columns[i]);
    }
    put(k, ";");
}

static void begin_lite(struct counting *k, const char *kind, const char *event,
                       const struct key *of, const struct table *on)
{
    put(k, "CREATE TRIGGER ");
    ident(k, part_name(k, kind));
    put(k, " AFTER ");
    put(k, event);
    for (size_t i = 0; of && i < of->count; i++) {
        put(k, i ? "," : " OF ");
        ident(k, of->columns[i]->name);
    }
    put(k, " ON ");
    ident(k, on->name);
}

static void end_lite(struct counting *k, const char *kind, const struct table *on)
{
    put(k, " END");
    str text = taken(k);
    k->plan->make[k->plan->make_count++] = text;
    part(k, part_name(k, kind), on, text);
}

/* A row whose key comes into being, which rows may point to already: deferred or cascading keys. */
static void anew_lite(struct counting *k)
{
    const struct counter *c = k->counter;
    put(k, " BEGIN UPDATE ");
    ident(k, k->table->name);
    put(k, " SET ");
    ident(k, c->column->name);
    put(k, " = ");
    number_of(k, "NEW");
    put(k, " WHERE ");
    for (size_t i = 0; i < c->to.count; i++) {
        if (i)
            put(k, " AND ");
        ident(k, c->to.columns[i]->name);
        put(k, " = ");
        column(k, "NEW", c->to.columns[i]);
    }
    put(k, ";");
}

static void make_lite(struct counting *k)
{
    const struct counter *c = k->counter;
    begin_lite(k, "insert", "INSERT", NULL, c->source);
    put(k, " BEGIN");
    step_lite(k, "NEW", "+ 1");
    end_lite(k, "insert", c->source);
    begin_lite(k, "delete", "DELETE", NULL, c->source);
    put(k, " BEGIN");
    step_lite(k, "OLD", "- 1");
    end_lite(k, "delete", c->source);
    begin_lite(k, "update", "UPDATE", &c->from, c->source);
    put(k, " WHEN ");
    differs(k, &c->from);
    put(k, " BEGIN");
    step_lite(k, "OLD", "- 1");
    step_lite(k, "NEW", "+ 1");
    end_lite(k, "update", c->source);
    begin_lite(k, "key", "UPDATE", &c->to, k->table);
    put(k, " WHEN ");
    differs(k, &c->to);
    anew_lite(k);
    end_lite(k, "key", k->table);
    begin_lite(k, "new", "INSERT", NULL, k->table);
    put(k, " WHEN ");
    column(k, "NEW", c->column);
    put(k, " IS NOT ");
    number_of(k, "NEW");
    anew_lite(k);
    end_lite(k, "new", k->table);
}

/* ---- PostgreSQL ---- */

/* (SELECT k0,.., sum(n) AS n FROM (rows that came and went) GROUP BY ..) */
static void changed(struct counting *k, bool came, bool went)
{
    const struct key *from = &k->counter->from;
    put(k, "(SELECT ");
    columns(k, "r", from);
    put(k, ",sum(r.cairn_n) AS cairn_n FROM (");
    if (came) {
        put(k, "SELECT ");
        columns(k, "a", from);
        put(k, ",1 AS cairn_n FROM cairn_new AS a");
    }
    if (came && went)
        put(k, " UNION ALL ");
    if (went) {
        put(k, "SELECT ");
        columns(k, "z", from);
        put(k, ",-1 AS cairn_n FROM cairn_old AS z");
    }
    put(k, ") AS r GROUP BY ");
    columns(k, "r", from);
    put(k, " HAVING sum(r.cairn_n) <> 0) AS d");
}

/* Asked first whether there is anything to do: the UPDATE in here runs the trigger again where a
 * table counts its own rows, even when it changes none. */
static void step_postgres(struct counting *k, const char *event, bool came, bool went)
{
    const struct counter *c = k->counter;
    put(k, " IF TG_OP = '");
    put(k, event);
    put(k, "' THEN IF EXISTS (SELECT 1 FROM ");
    changed(k, came, went);
    put(k, ") THEN PERFORM 1 FROM ");
    ident(k, k->table->name);
    put(k, " AS p JOIN ");
    changed(k, came, went);
    put(k, " ON ");
    matched(k, "p", &c->to, "d", &c->from);
    put(k, " ORDER BY ");
    columns(k, "p", &c->to);
    put(k, " FOR NO KEY UPDATE OF p; UPDATE ");
    ident(k, k->table->name);
    put(k, " AS p SET ");
    ident(k, c->column->name);
    put(k, " = coalesce(");
    column(k, "p", c->column);
    put(k, ",0) + d.cairn_n FROM ");
    changed(k, came, went);
    put(k, " WHERE ");
    matched(k, "p", &c->to, "d", &c->from);
    put(k, "; END IF; RETURN NULL; END IF;");
}

static void function_postgres(struct counting *k)
{
    const struct counter *c = k->counter;
    put(k, "CREATE OR REPLACE FUNCTION ");
    ident(k, k->base);
    put(k, "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT "
           "AS $cairn$ BEGIN IF TG_WHEN = 'BEFORE' THEN ");
    column(k, "NEW", c->column);
    put(k, " := ");
    number_of(k, "NEW");
    put(k, "; RETURN NEW; END IF;");
    step_postgres(k, "INSERT", true, false);
    step_postgres(k, "DELETE", false, true);
    step_postgres(k, "UPDATE", true, true);
    put(k, " UPDATE ");
    ident(k, k->table->name);
    put(k, " AS p SET ");
    ident(k, c->column->name);
    put(k, " = 0 WHERE ");
    column(k, "p", c->column);
    put(k, " IS DISTINCT FROM 0; RETURN NULL; END $cairn$"); /* TRUNCATE */
}

static void trigger_postgres(struct counting *k, const char *kind, const char *event,
                             const struct table *on, const char *rows)
{
    str name = part_name(k, kind);
    put(k, "CREATE TRIGGER ");
    ident(k, name);
    put(k, event);
    put(k, " ON ");
    ident(k, on->name);
    put(k, rows);
    put(k, " EXECUTE FUNCTION ");
    ident(k, k->base);
    put(k, "()");
    keep(k);
    part(k, name, on, LIT(""));
}

/* Behind " BEFORE UPDATE": OF the key, and when it really changes. */
static void key_trigger(struct counting *k)
{
    const struct counter *c = k->counter;
    str name = part_name(k, "key");
    put(k, "CREATE TRIGGER ");
    ident(k, name);
    put(k, " BEFORE UPDATE OF ");
    for (size_t i = 0; i < c->to.count; i++) {
        if (i)
            put(k, ",");
        ident(k, c->to.columns[i]->name);
    }
    put(k, " ON ");
    ident(k, k->table->name);
    put(k, " FOR EACH ROW WHEN (");
    differs(k, &c->to);
    put(k, ") EXECUTE FUNCTION ");
    ident(k, k->base);
    put(k, "()");
    keep(k);
    part(k, name, k->table, LIT(""));
}

/* A dollar quote ends at its own mark only. */
static bool quotable(const struct counting *k)
{
    const struct counter *c = k->counter;
    const str names[] = {k->table->name, c->column->name, c->source->name};
    bool fine = true;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        fine = fine && str_find(names[i], '$') == STR_NONE;
    for (size_t i = 0; i < c->to.count; i++)
        fine = fine && str_find(c->to.columns[i]->name, '$') == STR_NONE &&
               str_find(c->from.columns[i]->name, '$') == STR_NONE;
    return fine;
}

/* The comment of each trigger is a digest of all that was made. */
static void stamp_all(struct counting *k)
{
    str stamp = sql__trigger_stamp(k->arena, k->plan);
    for (size_t i = 0; i < k->plan->part_count; i++) {
        struct counter_part *p = &k->plan->parts[i];
        p->stamp = stamp;
        put(k, "COMMENT ON TRIGGER ");
        ident(k, p->name);
        put(k, " ON ");
        ident(k, p->on->name);
        put(k, " IS ");
        sql__quoted(&k->sql, stamp);
        keep(k);
    }
}

static int make_postgres(struct counting *k, struct err *err)
{
    const struct counter *c = k->counter;
    if (!quotable(k))
        return fail(err, E_CONFIG,
                    "a counter's tables and columns cannot have a '$' in their name");
    k->plan->function = k->base;
    put(k, "LOCK TABLE ");
    ident(k, c->source->name);
    put(k, ",");
    ident(k, k->table->name);
    put(k, " IN SHARE ROW EXCLUSIVE MODE");
    k->plan->lock = taken(k);
    function_postgres(k);
    keep(k);
    trigger_postgres(k, "insert", " AFTER INSERT", c->source,
                     " REFERENCING NEW TABLE AS cairn_new FOR EACH STATEMENT");
    trigger_postgres(k, "delete", " AFTER DELETE", c->source,
                     " REFERENCING OLD TABLE AS cairn_old FOR EACH STATEMENT");
    trigger_postgres(k, "update", " AFTER UPDATE", c->source,
                     " REFERENCING OLD TABLE AS cairn_old NEW TABLE AS cairn_new FOR EACH "
                     "STATEMENT");
    trigger_postgres(k, "truncate", " AFTER TRUNCATE", c->source, " FOR EACH STATEMENT");
    trigger_postgres(k, "new", " BEFORE INSERT", k->table, " FOR EACH ROW");
    key_trigger(k);
    stamp_all(k);
    return 0;
}

/* ---- counting anew ---- */

/* Each row's key with the true number. */
static void numbers(struct counting *k)
{
    const struct counter *c = k->counter;
    put(k, "(SELECT ");
    columns(k, "q", &c->to);
    put(k, ",count(");
    column(k, "c", c->from.columns[0]);
    put(k, ") AS cairn_n FROM ");
    ident(k, k->table->name);
    put(k, " AS q LEFT JOIN ");
    ident(k, c->source->name);
    put(k, " AS c ON ");
    matched(k, "c", &c->from, "q", &c->to);
    put(k, " GROUP BY ");
    columns(k, "q", &c->to);
    put(k, ") AS d");
}

static void off(struct counting *k)
{
    put(k, " WHERE ");
    matched(k, "p", &k->counter->to, "d", &k->counter->to);
    put(k, " AND ");
    column(k, "p", k->counter->column);
    put(k, k->sql.dialect == DIALECT_SQLITE ? " IS NOT d.cairn_n" : " IS DISTINCT FROM d.cairn_n");
}

static void counts(struct counting *k)
{
    put(k, "UPDATE ");
    ident(k, k->table->name);
    put(k, " AS p SET ");
    ident(k, k->counter->column->name);
    put(k, " = d.cairn_n FROM ");
    numbers(k);
    off(k);
    k->plan->recount = taken(k);
    put(k, "SELECT count(*) FROM ");
    ident(k, k->table->name);
    put(k, " AS p, ");
    numbers(k);
    off(k);
    k->plan->wrong = taken(k);
}

int sql_counter(enum dialect d, struct arena *a, const struct table *t, const struct counter *c,
                struct counter_plan *out, struct err *err)
{
    struct counting k = {.arena = a, .table = t, .counter = c, .plan = out};
    *out = (struct counter_plan){.part_count = 0};
    sql__begin(&k.sql, d, a, err);
    k.base = sql__trigger_name(a, COUNTER_PREFIX, t, c->column);
    if (d == DIALECT_SQLITE)
        make_lite(&k);
    else
        TRY(make_postgres(&k, err));
    counts(&k);
    return 0;
}
