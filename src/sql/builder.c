/* builder.c -- the only hand that writes SQL text.
 * Invariants: (1) SQL words come from literals, names from the catalog and always quoted, values
 * only as numbered places. (2) Sticky: the first failure is kept, the writer asks once, in
 * sql__done. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

enum { TEXT_FIRST = 512, BINDS_FIRST = 8, BINDS_MOST = 32000 };

void sql__begin(struct sql *b, enum dialect d, struct arena *a, struct err *err)
{
    *b = (struct sql){.arena = a, .dialect = d, .err = err};
    text__init(&b->text, a, TEXT_FIRST);
}

int sql__done(struct sql *b, struct stmt *out)
{
    if (UNLIKELY(b->code < 0))
        return b->code;
    *out = (struct stmt){.text = text__done(&b->text),
                         .binds = b->binds,
                         .bind_count = b->bind_count,
                         .keys = b->keys};
    return 0;
}

void sql__fail(struct sql *b, const char *sentence)
{
    if (b->code == 0)
        b->code = fail_field(b->err, E_BAD, LIT("bad_filter"),
                             b->tested ? b->tested->name : LIT(""), "%s", sentence);
}

/* Doubles every `mark` inside s. */
static void doubled(struct text *t, str s, char mark)
{
    text__char(t, mark);
    if (LIKELY(!s.len || !memchr(s.ptr, mark, s.len))) {
        text__str(t, s);
    } else {
        for (size_t i = 0; i < s.len; i++) {
            if (s.ptr[i] == mark)
                text__char(t, mark);
            text__char(t, s.ptr[i]);
        }
    }
    text__char(t, mark);
}

void sql__ident(struct sql *b, str name)
{
    doubled(&b->text, name, '"');
}

void sql__quoted(struct sql *b, str text)
{
    doubled(&b->text, text, '\'');
}

void sql__alias(struct sql *b, unsigned alias)
{
    text__char(&b->text, 't');
    text__u64(&b->text, alias);
}

void sql__table(struct sql *b, const struct table *t, unsigned alias)
{
    if (UNLIKELY(b->in_main))
        sql__text(b, "\"main\".");
    sql__ident(b, t->name);
    if (!b->bare) {
        sql__text(b, " AS ");
        sql__alias(b, alias);
    }
}

void sql__column(struct sql *b, unsigned alias, const struct column *c)
{
    if (UNLIKELY(c->inside != NULL)) {
        if (column_made(c))
            sql__made(b, alias, c);
        else
            sql__inside(b, alias, c->inside);
        return;
    }
    if (c->array.len)
        sql__text(b, "to_jsonb(");
    if (!b->bare) {
        sql__alias(b, alias);
        text__char(&b->text, '.');
    }
    sql__ident(b, column_stored(c));
    if (c->array.len)
        text__char(&b->text, ')');
}

void sql__columns(struct sql *b, unsigned alias, const struct column *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            text__char(&b->text, ',');
        sql__column(b, alias, list[i]);
    }
}

size_t sql__add(struct sql *b, struct value v)
{
    if (UNLIKELY(b->bind_count == b->bind_cap)) {
        size_t cap = b->bind_cap ? b->bind_cap * 2 : BINDS_FIRST;
        struct value *list = arena_new(b->arena, cap * sizeof *list);
        if (b->bind_count)
            memcpy(list, b->binds, b->bind_count * sizeof *list);
        b->binds = list;
        b->bind_cap = cap;
    }
    if (UNLIKELY(b->bind_count >= BINDS_MOST)) {
        if (b->code == 0)
            b->code = fail(b->err, E_TOOBIG, "more than %d values in one statement", BINDS_MOST);
        return 1;
    }
    b->binds[b->bind_count++] = v;
    return b->bind_count;
}

void sql__place(struct sql *b, size_t number)
{
    text__char(&b->text, b->dialect == DIALECT_SQLITE ? '?' : '$');
    text__u64(&b->text, number);
}

/* A list that is stored as an array comes as JSON: the elements take the type that the catalog
 * names. */
static void array_bind(struct sql *b, const struct column *c, const struct value *v)
{
    sql__text(b, "CAST(ARRAY(SELECT e.value FROM jsonb_array_elements_text(CAST(");
    sql__place(b, sql__add(b, *v));
    sql__text(b, " AS jsonb)) WITH ORDINALITY AS e(value,place) ORDER BY e.place) AS ");
    text__str(&b->text, c->array);
    sql__text(b, "[])");
}

void sql__bind(struct sql *b, const struct column *c, const struct value *v)
{
    if (c && c->array.len && v->kind == V_TEXT) {
        array_bind(b, c, v);
        return;
    }
    sql__place(b, sql__add(b, sql__store(b, c, v)));
}
