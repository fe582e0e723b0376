/* select.c -- one table's rows, and how many there are. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

enum { BOUNDED_MOST = 2000 };

static void scope(struct sql *b, const struct select *s)
{
    b->bare = !s->summary && !sql__crosses(s->where);
    b->aliases = 1;
}

static void where(struct sql *b, const struct select *s, bool keyset)
{
    keyset = keyset && s->after && s->order_count;
    if (!s->where && !keyset)
        return;
    sql__text(b, " WHERE ");
    if (s->where && keyset && s->where->kind == COND_OR) {
        text__char(&b->text, '(');
        sql__cond(b, s->where, 0);
        text__char(&b->text, ')');
    } else if (s->where) {
        sql__cond(b, s->where, 0);
    }
    if (s->where && keyset)
        sql__text(b, " AND ");
    if (keyset)
        sql__keyset(b, s, 0);
}

/* What rows come from; t0. */
static void from(struct sql *b, const struct select *s, bool keyset)
{
    sql__text(b, " FROM ");
    if (s->summary) {
        sql__groups(b, s);
        return;
    }
    sql__table(b, s->table, 0);
    where(b, s, keyset);
}

static bool bounded(const struct select *s)
{
    if (s->summary || s->where || s->limit < 0 || s->limit > BOUNDED_MOST ||
        s->offset > BOUNDED_MOST || s->limit + s->offset > BOUNDED_MOST)
        return false;
    for (size_t i = 0; s->after && i < s->order_count; i++) {
        if (s->order[i].column->nullable) /* the keyset has no bound to start from */
            return false;
    }
    return sql__order_indexed(s->table, NULL, s->order, s->order_count);
}

int sql_select(enum dialect d, struct arena *a, const struct select *s, struct stmt *out,
               struct err *err)
{
    struct sql b;
    sql__begin(&b, d, a, err);
    scope(&b, s);
    sql__text(&b, "SELECT ");
    sql__columns(&b, 0, s->columns, s->column_count);
    if (!s->column_count)
        sql__text(&b, "1");
    from(&b, s, true);
    if (s->order_count) {
        sql__text(&b, " ORDER BY ");
        sql__order(&b, s->order, s->order_count, s->backwards, 0);
    }
    sql__limit(&b, s->limit, s->offset);
    if (s->lock && d == DIALECT_POSTGRES) /* SQLite has one writer */
        sql__text(&b, " FOR UPDATE");
    TRY(sql__done(&b, out));
    out->bounded = bounded(s);
    out->most = s->limit > 0 && s->limit < UINT32_MAX ? (uint32_t)s->limit : 0;
    return 0;
}

int sql_select_any(struct arena *a, const struct select *s, const struct column *key, str *text,
                   struct err *err)
{
    struct sql b;
    struct stmt st = {0};
    sql__begin(&b, DIALECT_POSTGRES, a, err);
    scope(&b, s);
    sql__text(&b, "SELECT ");
    sql__columns(&b, 0, s->columns, s->column_count);
    sql__text(&b, " FROM ");
    sql__table(&b, s->table, 0);
    sql__text(&b, " WHERE ");
    sql__column(&b, 0, key);
    sql__text(&b, " = ANY ($1)");
    TRY(sql__done(&b, &st));
    *text = st.text;
    return 0;
}

int sql_estimate(struct arena *a, const struct select *s, struct stmt *out, struct err *err)
{
    struct sql b;
    sql__begin(&b, DIALECT_POSTGRES, a, err);
    scope(&b, s);
    sql__text(&b, "EXPLAIN (FORMAT JSON) SELECT 1");
    from(&b, s, false);
    return sql__done(&b, out);
}

int sql_count(enum dialect d, struct arena *a, const struct select *s, struct stmt *out,
              struct err *err)
{
    struct sql b;
    sql__begin(&b, d, a, err);
    scope(&b, s);
    sql__text(&b, "SELECT count(*)");
    from(&b, s, false);
    return sql__done(&b, out);
}
