/* order.c -- ORDER BY, and the rows behind (or before) a given one.
 * Nulls are where `struct order` says, in every dialect; the words NULLS FIRST/LAST are written
 * only for a nullable column and only when the dialect's own habit differs (SQLite: nulls are
 * least, PostgreSQL: greatest). On SQLite such an order still reads an index when the column leads
 * it. The keyset predicate says of a row that it comes strictly after the tuple v: all columns not
 * null and one direction, the row value (a,b) > (?1,?2); else
 *     a >= ?1 AND (a > ?1 OR (a = ?1 AND (b < ?2 OR ...)))
 * where the first bound, which repeats what follows, is what an index can start from.
 * SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

enum { LIMIT_WRITTEN = 10000, OFFSET_WRITTEN = 1000 };

/* One column as it is read: direction and nulls turned round when reading backwards. */
struct way {
    const struct column *column;
    bool down, nulls_first;
};

static struct way way_of(const struct order *o, bool backwards)
{
    return (struct way){o->column, o->descending != backwards, o->nulls_first != backwards};
}

static bool native_nulls(enum dialect d, const struct way *w)
{
    bool habit = d == DIALECT_SQLITE ? !w->down : w->down;
    return !w->column->nullable || w->nulls_first == habit;
}

void sql__order(struct sql *b, const struct order *list, size_t count, bool backwards,
                unsigned alias)
{
    for (size_t i = 0; i < count; i++) {
        struct way w = way_of(&list[i], backwards);
        if (i)
            text__char(&b->text, ',');
        sql__column(b, alias, w.column);
        if (w.down)
            sql__text(b, " DESC");
        if (native_nulls(b->dialect, &w))
            continue;
        if (w.nulls_first)
            sql__text(b, " NULLS FIRST");
        else
            sql__text(b, " NULLS LAST");
    }
}

/* A number in a place hides from PostgreSQL how far it reads: of a prepared statement it then
 * thinks that a tenth of the table is wanted, and as that is never the cheaper plan, it plans anew
 * each time (30 us of the 90 that a page of 20 rows takes). Written out, one plan serves all. Pages
 * far behind take a place: they read past so many rows that the plan no longer matters, and there
 * must not be a statement of each of them. */
static void number(struct sql *b, int64_t n, int64_t most)
{
    if (b->dialect == DIALECT_POSTGRES && n >= 0 && n <= most)
        text__i64(&b->text, n);
    else
        sql__place(b, sql__add(b, value_int(n)));
}

void sql__limit(struct sql *b, int64_t limit, int64_t offset)
{
    if (limit >= 0) {
        sql__text(b, " LIMIT ");
        number(b, limit, LIMIT_WRITTEN);
    } else if (offset > 0 && b->dialect == DIALECT_SQLITE) {
        sql__text(b, " LIMIT -1");
    }
    if (offset > 0) {
        sql__text(b, " OFFSET ");
        number(b, offset, OFFSET_WRITTEN);
    }
}

/* ---- keyset ---- */

static bool one_way(const struct select *s)
{
    for (size_t i = 0; i < s->order_count; i++) {
        if (s->order[i].column->nullable || s->order[i].descending != s->order[0].descending ||
            s->after[i].kind == V_NULL)
            return false;
    }
    return true;
}

static void row_value(struct sql *b, const struct select *s, unsigned alias)
{
    bool many = s->order_count > 1, down = s->order[0].descending != s->backwards;
    if (many)
        text__char(&b->text, '(');
    for (size_t i = 0; i < s->order_count; i++) {
        if (i)
            text__char(&b->text, ',');
        sql__column(b, alias, s->order[i].column);
    }
    if (many)
        text__char(&b->text, ')');
    sql__operator(b, down ? OP_LT : OP_GT);
    if (many)
        text__char(&b->text, '(');
    for (size_t i = 0; i < s->order_count; i++) {
        if (i)
            text__char(&b->text, ',');
        sql__bind(b, s->order[i].column, &s->after[i]);
    }
    if (many)
        text__char(&b->text, ')');
}

/* "column = ?" or "column IS NULL"; the place is known already. */
static void same(struct sql *b, const struct way *w, unsigned alias, size_t place)
{
    sql__column(b, alias, w->column);
    if (place) {
        sql__text(b, " = ");
        sql__place(b, place);
    } else {
        sql__text(b, " IS NULL");
    }
}

/* Rows whose column comes after the value. False when there is no such row: nothing is written. */
static bool behind(struct sql *b, const struct way *w, unsigned alias, size_t place)
{
    if (!place) {
        if (!w->nulls_first)
            return false;
        sql__column(b, alias, w->column);
        sql__text(b, " IS NOT NULL");
        return true;
    }
    sql__column(b, alias, w->column);
    sql__operator(b, w->down ? OP_LT : OP_GT);
    sql__place(b, place);
    if (w->column->nullable && !w->nulls_first) {
        sql__text(b, " OR ");
        sql__column(b, alias, w->column);
        sql__text(b, " IS NULL");
    }
    return true;
}

static size_t place_of(struct sql *b, const struct select *s, size_t i)
{
    if (s->after[i].kind == V_NULL)
        return 0;
    return sql__add(b, sql__store(b, s->order[i].column, &s->after[i]));
}

/* behind(i) OR (same(i) AND steps(i + 1)), in parentheses. */
static void steps(struct sql *b, const struct select *s, size_t i, size_t place, unsigned alias)
{
    struct way w = way_of(&s->order[i], s->backwards);
    text__char(&b->text, '(');
    bool some = behind(b, &w, alias, place);
    if (i + 1 < s->order_count) {
        if (some)
            sql__text(b, " OR (");
        same(b, &w, alias, place);
        sql__text(b, " AND ");
        steps(b, s, i + 1, place_of(b, s, i + 1), alias);
        if (some)
            text__char(&b->text, ')');
    } else if (!some) {
        sql__text(b, "FALSE");
    }
    text__char(&b->text, ')');
}

void sql__keyset(struct sql *b, const struct select *s, unsigned alias)
{
    if (one_way(s)) {
        row_value(b, s, alias);
        return;
    }
    struct way first = way_of(&s->order[0], s->backwards);
    size_t place = place_of(b, s, 0);
    if (place && s->order_count > 1 && (!first.column->nullable || first.nulls_first)) {
        sql__column(b, alias, first.column);
        sql__operator(b, first.down ? OP_LTE : OP_GTE);
        sql__place(b, place);
        sql__text(b, " AND ");
    }
    steps(b, s, 0, place, alias);
}
