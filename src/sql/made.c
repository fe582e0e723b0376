/* made.c -- a field that only a version of the API has, as an SQL expression over columns of its
 * row: the same on both engines, null for null. SPDX: Apache-2.0
 * Texts of the settings (separators, constants) are written quoted into the statement, so that it
 * stays the same one for all requests. */
#include "sql/sql_priv.h"

/* a with b behind it and the separator between them; when one of them is null, the other. */
static void joined(struct sql *b, unsigned alias, const struct inside *in, size_t count)
{
    const struct column *last = in->members[count - 1];
    if (count == 1) {
        sql__column(b, alias, last);
        return;
    }
    sql__text(b, "coalesce(");
    joined(b, alias, in, count - 1);
    sql__text(b, " || ");
    sql__quoted(b, in->path[0]);
    sql__text(b, " || ");
    sql__column(b, alias, last);
    text__char(&b->text, ',');
    joined(b, alias, in, count - 1);
    text__char(&b->text, ',');
    sql__column(b, alias, last);
    text__char(&b->text, ')');
}

/* Where the separator stands, from 1; 0: nowhere. */
static void position(struct sql *b, unsigned alias, const struct inside *in)
{
    if (b->dialect == DIALECT_SQLITE)
        sql__text(b, "instr(");
    else
        sql__text(b, "strpos(");
    sql__column(b, alias, in->members[0]);
    text__char(&b->text, ',');
    sql__quoted(b, in->path[0]);
    text__char(&b->text, ')');
}

static void first(struct sql *b, unsigned alias, const struct inside *in)
{
    sql__text(b, "(CASE WHEN ");
    position(b, alias, in);
    sql__text(b, " > 0 THEN substr(");
    sql__column(b, alias, in->members[0]);
    sql__text(b, ",1,");
    position(b, alias, in);
    sql__text(b, " - 1) ELSE ");
    sql__column(b, alias, in->members[0]);
    sql__text(b, " END)");
}

/* Characters of UTF-8: those on both engines count. */
static size_t characters(str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count;
}

static void rest(struct sql *b, unsigned alias, const struct inside *in)
{
    sql__text(b, "(CASE WHEN ");
    position(b, alias, in);
    sql__text(b, " > 0 THEN substr(");
    sql__column(b, alias, in->members[0]);
    text__char(&b->text, ',');
    position(b, alias, in);
    sql__text(b, " + ");
    text__u64(&b->text, characters(in->path[0]));
    sql__text(b, ") END)");
}

static void constant(struct sql *b, enum type t, str value)
{
    bool lite = b->dialect == DIALECT_SQLITE;
    if (t == TYPE_BOOL && lite) {
        text__str(&b->text, str_is(value, "true") ? LIT("1") : LIT("0"));
        return;
    }
    sql__text(b, "CAST(");
    sql__quoted(b, value);
    if (t == TYPE_INT8 && lite)
        sql__text(b, " AS INTEGER)");
    else if (t == TYPE_INT8)
        sql__text(b, " AS bigint)");
    else if (t == TYPE_BOOL)
        sql__text(b, " AS boolean)");
    else if (t == TYPE_FLOAT8 && lite)
        sql__text(b, " AS REAL)");
    else if (t == TYPE_FLOAT8)
        sql__text(b, " AS double precision)");
    else
        sql__text(b, " AS text)");
}

void sql__made(struct sql *b, unsigned alias, const struct column *c)
{
    const struct inside *in = c->inside;
    switch (in->form) {
    case FORM_SAME:
        sql__column(b, alias, in->members[0]);
        break;
    case FORM_JOIN:
        joined(b, alias, in, in->member_count);
        break;
    case FORM_FIRST:
        first(b, alias, in);
        break;
    case FORM_REST:
        rest(b, alias, in);
        break;
    case FORM_VALUE:
        constant(b, c->type, in->path[0]);
        break;
    default:
        BUG_ON(true);
    }
}
