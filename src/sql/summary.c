/* summary.c -- groups of rows, and numbers over them. SPDX: Apache-2.0
 * The groups are a table of their own, made in FROM:
 *     SELECT t0."c0",t0."c1" FROM (SELECT t1."status" AS "c0",count(*) AS "c1" FROM "orders" AS t1
 *     WHERE ... GROUP BY 1) AS t0 WHERE t0."c1" > $1 ORDER BY t0."c1" DESC LIMIT $2
 * so what is asked of groups is a condition over columns like any other. Both engines give the
 * same digits: sums and means of whole numbers and decimals are exact, on SQLite by functions of
 * our own (db/sqlite_sums.c), whose texts are compared as decimals. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

enum { JOINS_MOST = 32, BASE = 1 };

/* A row that belongs to each row: it never multiplies them, because REL_ONE leads to a key. */
struct join {
    const struct relation *relation;
    unsigned from, alias;
};

struct joins {
    struct join list[JOINS_MOST];
    size_t count;
};

/* ---- related rows ---- */

static unsigned joined(struct sql *b, struct joins *js, unsigned from, const struct relation *r)
{
    for (size_t i = 0; i < js->count; i++) {
        if (js->list[i].from == from && js->list[i].relation == r)
            return js->list[i].alias;
    }
    BUG_ON(js->count == JOINS_MOST || r->kind != REL_ONE);
    js->list[js->count++] = (struct join){r, from, b->aliases};
    return b->aliases++;
}

static unsigned alias_of(struct sql *b, struct joins *js, const struct summary_item *item)
{
    unsigned alias = BASE;
    for (size_t i = 0; i < item->path_count; i++)
        alias = joined(b, js, alias, item->path[i]);
    return alias;
}

static void join_put(struct sql *b, const struct join *j)
{
    const struct relation *r = j->relation;
    sql__text(b, " LEFT JOIN ");
    sql__table(b, r->target, j->alias);
    sql__text(b, " ON ");
    for (size_t i = 0; i < r->local.count; i++) {
        if (i)
            sql__text(b, " AND ");
        sql__column(b, j->alias, r->remote.columns[i]);
        sql__text(b, " = ");
        sql__column(b, j->from, r->local.columns[i]);
    }
}

/* ---- what is the same in a group ---- */

/* A stored time begins with its date on SQLite; PostgreSQL would show it in the session's zone. */
static void unit_lite(struct sql *b, const struct summary_item *item, unsigned alias)
{
    static const int lengths[] = {
        [MEASURE_YEAR] = 4, [MEASURE_MONTH] = 7, [MEASURE_DAY] = 10, [MEASURE_HOUR] = 13};
    bool hour = item->measure == MEASURE_HOUR;
    if (hour)
        sql__text(b, "replace(");
    sql__text(b, "substr(");
    sql__column(b, alias, item->column);
    sql__text(b, ",1,");
    text__i64(&b->text, lengths[item->measure]);
    text__char(&b->text, ')');
    if (hour)
        sql__text(b, ",' ','T')");
}

static void unit_postgres(struct sql *b, const struct summary_item *item, unsigned alias)
{
    static const char *const forms[] = {[MEASURE_YEAR] = "'YYYY'",
                                        [MEASURE_MONTH] = "'YYYY-MM'",
                                        [MEASURE_DAY] = "'YYYY-MM-DD'",
                                        [MEASURE_HOUR] = "'YYYY-MM-DD\"T\"HH24'"};
    sql__text(b, "to_char(to_timestamp(extract(epoch FROM ");
    sql__column(b, alias, item->column);
    sql__text(b, ")) AT TIME ZONE 'UTC',");
    text__str(&b->text, str_of(forms[item->measure]));
    text__char(&b->text, ')');
}

/* ---- numbers over a group ---- */

static bool exact(const struct column *c)
{
    return c->type == TYPE_NUMERIC || c->type == TYPE_INT2 || c->type == TYPE_INT4 ||
           c->type == TYPE_INT8;
}

/* Digits behind the point, -1: any number. */
static int scale_of(const struct column *c)
{
    if (c->type != TYPE_NUMERIC)
        return 0;
    return c->precision ? c->scale : -1;
}

static int mean_scale(const struct column *c)
{
    int scale = scale_of(c);
    return scale < 0 ? AVG_ANY : scale + AVG_DIGITS;
}

static void exact_lite(struct sql *b, const struct summary_item *item, unsigned alias)
{
    bool mean = item->measure == MEASURE_AVG;
    if (mean)
        sql__text(b, "cairn_avg(");
    else
        sql__text(b, "cairn_sum(");
    sql__column(b, alias, item->column);
    text__char(&b->text, ',');
    text__i64(&b->text, scale_of(item->column));
    if (mean) {
        text__char(&b->text, ',');
        text__i64(&b->text, mean_scale(item->column));
    }
    sql__text(b, ") COLLATE decimal");
}

/* numeric / numeric keeps as many digits as its left side has: far more than are shown, so that
 * rounding twice is rounding once. */
static void exact_postgres(struct sql *b, const struct summary_item *item, unsigned alias)
{
    enum { GUARD = 24 };
    int scale = mean_scale(item->column);
    if (item->measure == MEASURE_SUM) {
        sql__text(b, "sum(");
        sql__column(b, alias, item->column);
        sql__text(b, ")::numeric");
        return;
    }
    sql__text(b, "trim_scale(round(sum(");
    sql__column(b, alias, item->column);
    sql__text(b, ")*1.");
    for (int i = 0; i < scale + GUARD; i++)
        text__char(&b->text, '0');
    sql__text(b, "/count(");
    sql__column(b, alias, item->column);
    sql__text(b, "),");
    text__i64(&b->text, scale);
    sql__text(b, "))");
}

static void plain(struct sql *b, const struct summary_item *item, unsigned alias)
{
    static const char *const names[] = {[MEASURE_COUNT] = "count(",
                                        [MEASURE_SUM] = "sum(",
                                        [MEASURE_AVG] = "avg(",
                                        [MEASURE_MIN] = "min(",
                                        [MEASURE_MAX] = "max("};
    text__str(&b->text, str_of(names[item->measure]));
    if (item->column)
        sql__column(b, alias, item->column);
    else
        text__char(&b->text, '*');
    text__char(&b->text, ')');
}

static void item_put(struct sql *b, const struct summary_item *item, unsigned alias)
{
    bool lite = b->dialect == DIALECT_SQLITE;
    bool adds = item->measure == MEASURE_SUM || item->measure == MEASURE_AVG;
    if (item->measure == MEASURE_VALUE)
        sql__column(b, alias, item->column);
    else if (item->measure <= MEASURE_HOUR)
        (lite ? unit_lite : unit_postgres)(b, item, alias);
    else if (adds && exact(item->column))
        (lite ? exact_lite : exact_postgres)(b, item, alias);
    else
        plain(b, item, alias);
    sql__text(b, " AS ");
    sql__ident(b, item->shown.name);
}

/* ---- the whole ---- */

/* By position: an expression need not be written twice. */
static void group_by(struct sql *b, const struct summary *sum)
{
    bool some = false;
    for (size_t i = 0; i < sum->item_count; i++) {
        if (sum->items[i].measure > MEASURE_HOUR)
            continue;
        if (some)
            text__char(&b->text, ',');
        else
            sql__text(b, " GROUP BY ");
        text__u64(&b->text, i + 1);
        some = true;
    }
}

void sql__groups(struct sql *b, const struct select *s)
{
    const struct summary *sum = s->summary;
    struct joins js = {.count = 0};
    b->aliases = BASE + 1;
    sql__text(b, "(SELECT ");
    for (size_t i = 0; i < sum->item_count; i++) {
        if (i)
            text__char(&b->text, ',');
        item_put(b, &sum->items[i], alias_of(b, &js, &sum->items[i]));
    }
    sql__text(b, " FROM ");
    sql__table(b, s->table, BASE);
    for (size_t i = 0; i < js.count; i++)
        join_put(b, &js.list[i]);
    if (s->where) {
        sql__text(b, " WHERE ");
        sql__cond(b, s->where, BASE);
    }
    group_by(b, sum);
    sql__text(b, ") AS t0");
    if (!sum->having)
        return;
    sql__text(b, " WHERE ");
    sql__cond(b, sum->having, 0);
}
