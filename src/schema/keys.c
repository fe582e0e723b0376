/* keys.c -- primary keys, unique keys and indexes. SPDX: Apache-2.0
 * Answers may only promise what holds: a unique index over an expression says nothing about
 * columns and is left out; one with WHERE is marked; an index that descends, or compares in
 * another collation than its column, is no order to read off. */
#include "schema/schema_priv.h"

static bool by_rowid(const struct schema__work *w)
{
    return w->integer_key && !w->without_rowid && !w->primary_indexed;
}

/* Cell 5 of a column's row: its place in the primary key, from 1. */
void schema__primary(struct schema__build *b, struct schema__work *w, const struct rows *answer,
                     size_t from)
{
    struct table *t = w->table;
    size_t count = 0;
    for (size_t i = 0; i < t->column_count; i++)
        count += schema__number(answer, from + i, 5) > 0;
    t->primary = schema__key_new(b->arena, count);
    t->primary.unique = true;
    for (size_t i = 0; i < t->column_count; i++) {
        int64_t place = schema__number(answer, from + i, 5);
        if (place < 1 || place > (int64_t)count)
            continue;
        t->primary.columns[place - 1] = &w->columns[i];
        w->integer_key = count == 1 && str_eqi(schema__cell(answer, from + i, 2), LIT("INTEGER"));
    }
}

/* ---- indexes ---- */

/* Cells: table, seq, name, unique, origin, partial, column, desc, coll. */
enum { CELL_NAME = 2, CELL_UNIQUE, CELL_ORIGIN, CELL_PARTIAL, CELL_COLUMN, CELL_DESC, CELL_COLL };

struct found {
    struct key key;
    bool plain;   /* columns only */
    bool ordered; /* and all of them ascend in their own collation */
    bool primary;
};

static struct found index_read(struct schema__build *b, const struct schema__work *w,
                               const struct rows *r, size_t from, size_t to)
{
    struct found out = {.key = schema__key_new(b->arena, to - from), .plain = true};
    str origin = schema__cell(r, from, CELL_ORIGIN);
    out.ordered = true;
    out.primary = str_is(origin, "pk");
    if (str_is(origin, "c")) /* the names of the others are SQLite's own */
        out.key.name = arena_str(b->arena, schema__cell(r, from, CELL_NAME));
    out.key.unique = schema__number(r, from, CELL_UNIQUE) != 0;
    out.key.partial = schema__number(r, from, CELL_PARTIAL) != 0;
    for (size_t i = from; i < to; i++) {
        const struct column *c = schema__column_any_case(w, schema__cell(r, i, CELL_COLUMN));
        out.key.columns[i - from] = c;
        out.plain &= c != NULL;
        if (!c)
            continue;
        str own = w->collations[c->index];
        out.ordered &= !schema__number(r, i, CELL_DESC) &&
                       str_eqi(schema__cell(r, i, CELL_COLL), own.len ? own : LIT("BINARY"));
    }
    return out;
}

static void indexes_of(struct schema__build *b, struct schema__work *w, const struct rows *r,
                       size_t from, size_t to)
{
    struct table *t = w->table;
    struct key *indexes = ARENA_ARRAY(b->arena, struct key, to - from);
    struct key *uniques = ARENA_ARRAY(b->arena, struct key, to - from);
    for (size_t at = from, end; at < to; at = end) {
        end = schema__run_end(r, at, 2);
        struct found f = index_read(b, w, r, at, end);
        w->primary_indexed |= f.primary;
        if (f.plain && f.ordered)
            indexes[t->index_count++] = f.key;
        if (f.plain && f.key.unique && !f.primary)
            uniques[t->unique_count++] = f.key;
    }
    t->indexes = indexes;
    t->uniques = uniques;
}

/* An alias of the rowid holds 64 bits, whatever INTEGER means elsewhere, and numbers itself. */
static void rowid_mark(struct schema__work *w)
{
    struct table *t = w->table;
    t->rowid = by_rowid(w);
    if (!t->rowid)
        return;
    struct column *c = &w->columns[t->primary.columns[0]->index];
    c->type = TYPE_INT8;
    c->has_default = true;
}

void schema__keys(struct schema__build *b, const struct rows *answer)
{
    for (size_t at = 0, end; at < answer->count; at = end) {
        end = schema__run_end(answer, at, 1);
        struct schema__work *w = schema__work_of(b, schema__cell(answer, at, 0));
        if (w)
            indexes_of(b, w, answer, at, end);
    }
    for (size_t i = 0; i < b->count; i++)
        rowid_mark(&b->works[i]);
}
