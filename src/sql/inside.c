/* inside.c -- a place inside a JSON column as an SQL expression.
 * Keys are written into the statement, quoted, so that an index over meta->>'color' serves a filter
 * on it. On SQLite ->> gives a number for a number and 1 for true, on PostgreSQL always text; what
 * is shown or compared as text is therefore made text on SQLite first. `json` (not `jsonb`) columns
 * of PostgreSQL know fewer functions: a cast, which costs nothing on jsonb, makes them alike. SPDX:
 * Apache-2.0 */
#include "sql/sql_priv.h"

static bool is_index(str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (!ascii_digit(key.ptr[i]))
            return false;
    }
    return key.len > 0 && key.len < 10;
}

static bool is_plain(str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        if (!ascii_alpha(c) && c != '_' && (i == 0 || !ascii_digit(c)))
            return false;
    }
    return key.len > 0;
}

static void key(struct sql *b, str name)
{
    if (is_index(name)) {
        text__str(&b->text, name);
    } else if (b->dialect == DIALECT_POSTGRES || is_plain(name)) {
        sql__quoted(b, name);
    } else if (memchr(name.ptr, '"', name.len) || memchr(name.ptr, '\0', name.len)) {
        sql__fail(b, "a JSON key in a filter may not hold a double quote");
    } else { /* SQLite reads any other bare key as a path */
        struct text t;
        text__init(&t, b->arena, name.len + 8);
        text__add(&t, "$.\"", 3);
        text__str(&t, name);
        text__char(&t, '"');
        sql__quoted(b, text__done(&t));
    }
}

/* column -> 'a' -> 'b', the last step ->> when `text`. */
static void chain(struct sql *b, unsigned alias, const struct inside *in, bool text)
{
    sql__column(b, alias, in->column);
    for (size_t i = 0; i < in->path_count; i++) {
        if (text && i + 1 == in->path_count)
            sql__text(b, " ->> ");
        else
            sql__text(b, " -> ");
        key(b, in->path[i]);
    }
}

void inside__json(struct sql *b, unsigned alias, const struct inside *in)
{
    text__char(&b->text, '(');
    chain(b, alias, in, false);
    text__char(&b->text, ')');
}

void inside__arrow(struct sql *b, unsigned alias, const struct inside *in)
{
    text__char(&b->text, '(');
    chain(b, alias, in, true);
    text__char(&b->text, ')');
}

void inside__kind(struct sql *b, unsigned alias, const struct inside *in)
{
    if (b->dialect == DIALECT_SQLITE)
        sql__text(b, "json_type(");
    else
        sql__text(b, "jsonb_typeof(");
    inside__json(b, alias, in);
    if (b->dialect == DIALECT_POSTGRES)
        sql__text(b, "::jsonb");
    text__char(&b->text, ')');
}

void inside__text(struct sql *b, unsigned alias, const struct inside *in)
{
    if (b->dialect == DIALECT_POSTGRES) {
        inside__arrow(b, alias, in);
        return;
    }
    sql__text(b, "(CASE ");
    inside__kind(b, alias, in);
    sql__text(b, " WHEN 'null' THEN NULL WHEN 'text' THEN ");
    inside__arrow(b, alias, in);
    sql__text(b, " ELSE ");
    inside__json(b, alias, in);
    sql__text(b, " END)");
}

/* CASE, and not AND: PostgreSQL may ask the parts of an AND in any order, and no other text is a
 * number. */
void inside__number(struct sql *b, unsigned alias, const struct inside *in)
{
    sql__text(b, "(CASE ");
    inside__kind(b, alias, in);
    if (b->dialect == DIALECT_SQLITE) {
        sql__text(b, " WHEN 'integer' THEN ");
        inside__arrow(b, alias, in);
        sql__text(b, " WHEN 'real' THEN ");
        inside__arrow(b, alias, in);
    } else {
        sql__text(b, " WHEN 'number' THEN ");
        inside__arrow(b, alias, in);
        sql__text(b, "::numeric");
    }
    sql__text(b, " END)");
}

/* Sorted by bytes on both engines. */
static void sort_text(struct sql *b, unsigned alias, const struct inside *in)
{
    sql__text(b, "(CASE ");
    inside__kind(b, alias, in);
    if (b->dialect == DIALECT_SQLITE)
        sql__text(b, " WHEN 'integer' THEN NULL WHEN 'real' THEN NULL WHEN 'true' THEN 'true'"
                     " WHEN 'false' THEN 'false' ELSE ");
    else
        sql__text(b, " WHEN 'number' THEN NULL ELSE ");
    inside__arrow(b, alias, in);
    sql__text(b, " END");
    if (b->dialect == DIALECT_POSTGRES)
        sql__text(b, " COLLATE \"C\"");
    text__char(&b->text, ')');
}

static void object(struct sql *b, unsigned alias, const struct inside *in)
{
    if (b->dialect == DIALECT_SQLITE)
        sql__text(b, "json_object(");
    else
        sql__text(b, "jsonb_build_object(");
    for (size_t i = 0; i < in->member_count; i++) {
        if (i)
            text__char(&b->text, ',');
        sql__quoted(b, in->members[i]->name);
        text__char(&b->text, ',');
        sql__column(b, alias, in->members[i]);
    }
    text__char(&b->text, ')');
}

void sql__inside(struct sql *b, unsigned alias, const struct inside *in)
{
    switch (in->form) {
    case FORM_JSON:
        inside__json(b, alias, in);
        break;
    case FORM_TEXT:
        inside__text(b, alias, in);
        break;
    case FORM_SORT_NUMBER:
        inside__number(b, alias, in);
        break;
    case FORM_SORT_TEXT:
        sort_text(b, alias, in);
        break;
    case FORM_OBJECT:
        object(b, alias, in);
        break;
    default:
        BUG_ON(true);
    }
}

int sql_place(enum dialect d, struct arena *a, const struct inside *in, str *out, struct err *err)
{
    struct sql b;
    struct stmt st;
    sql__begin(&b, d, a, err);
    b.bare = true;
    if (in->form == FORM_SORT_NUMBER)
        inside__number(&b, 0, in);
    else
        inside__arrow(&b, 0, in);
    TRY(sql__done(&b, &st));
    *out = st.text;
    return 0;
}
