/* shadow.c -- tables as one caller may see them, in front of a statement that somebody wrote: a
 * WITH of the tables' own names, found before the tables themselves. SPDX: Apache-2.0
 *   SQLite:     WITH "posts" AS (SELECT .. FROM "main"."posts" WHERE rule), theirs AS (..) SELECT
 *   PostgreSQL: WITH "cairn_0" AS (SELECT .. FROM "posts" WHERE rule),
 *               "posts" AS (SELECT * FROM "cairn_0") SELECT
 *   and there before a WITH of theirs, which may be recursive: .. SELECT * FROM (WITH ..) AS q
 * Invariant: a rule reads the tables themselves. SQLite lets all names of a WITH see each other, so
 * there the schema stands before them; in PostgreSQL a name sees only those in front of it, and the
 * schema depends on the search path. */
#include "sql/sql_priv.h"

/* A closed column is NULL, of its own type. */
static void columns(struct sql *b, const struct sql_shadow *s)
{
    for (size_t i = 0; i < s->table->column_count; i++) {
        const struct column *c = &s->table->columns[i];
        bool shut = s->closed && s->closed[c->index];
        if (i)
            text__char(&b->text, ',');
        if (shut)
            sql__text(b, "CASE WHEN 1=0 THEN ");
        sql__alias(b, 0);
        text__char(&b->text, '.');
        sql__ident(b, column_stored(c));
        if (shut) {
            sql__text(b, " END AS ");
            sql__ident(b, column_stored(c));
        }
    }
}

static void body(struct sql *b, const struct sql_shadow *s)
{
    sql__text(b, " AS NOT MATERIALIZED (SELECT ");
    b->aliases = 1;
    columns(b, s);
    sql__text(b, " FROM ");
    sql__table(b, s->table, 0);
    if (s->where) {
        sql__text(b, " WHERE ");
        sql__cond(b, s->where, 0);
    }
    sql__text(b, ")");
}

static void on_sqlite(struct sql *b, const struct sql_shadow *list, size_t count, str query)
{
    static const str with = STR_INIT("WITH "), recursive = STR_INIT("RECURSIVE ");
    bool theirs = str_starts(query, with);
    str rest = theirs ? str_from(query, with.len) : query;
    b->in_main = true;
    sql__text(b, "WITH ");
    if (theirs && str_starts(rest, recursive)) {
        text__str(&b->text, recursive);
        rest = str_from(rest, recursive.len);
    }
    for (size_t i = 0; i < count; i++) {
        if (i)
            text__char(&b->text, ',');
        sql__ident(b, list[i].table->name);
        body(b, &list[i]);
    }
    text__str(&b->text, theirs ? LIT(", ") : LIT(" "));
    text__str(&b->text, rest);
}

static void on_postgres(struct sql *b, const struct sql_shadow *list, size_t count, str query,
                        bool with)
{
    sql__text(b, "WITH ");
    for (size_t i = 0; i < count; i++) {
        sql__text(b, "\"cairn_");
        text__u64(&b->text, i);
        sql__text(b, "\"");
        body(b, &list[i]);
        text__char(&b->text, ',');
    }
    for (size_t i = 0; i < count; i++) {
        if (i)
            text__char(&b->text, ',');
        sql__ident(b, list[i].table->name);
        sql__text(b, " AS NOT MATERIALIZED (SELECT * FROM \"cairn_");
        text__u64(&b->text, i);
        sql__text(b, "\")");
    }
    if (with)
        sql__text(b, " SELECT * FROM (");
    text__char(&b->text, ' ');
    text__str(&b->text, query);
    if (with) /* on a line of its own: theirs may end in a comment */
        sql__text(b, "\n) AS \"cairn_q\"");
}

int sql_shadows(enum dialect d, struct arena *a, const struct sql_shadow *list, size_t count,
                bool with, struct stmt *st, struct err *err)
{
    struct sql b;
    struct stmt made;
    if (!count)
        return 0;
    sql__begin(&b, d, a, err);
    for (size_t i = 0; i < st->bind_count; i++)
        sql__add(&b, st->binds[i]);
    if (d == DIALECT_SQLITE)
        on_sqlite(&b, list, count, st->text);
    else
        on_postgres(&b, list, count, st->text, with);
    TRY(sql__done(&b, &made));
    st->text = made.text;
    st->binds = made.binds;
    st->bind_count = made.bind_count;
    return 0;
}
