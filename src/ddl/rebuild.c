/* rebuild.c -- the table rebuild of SQLite's documentation (lang_altertable, section 7).
 * SPDX: Apache-2.0
 * The new table gets all rows, the old one goes, the new one takes its name, and indexes and
 * triggers are made again. Invariants: (1) foreign_keys is off (the caller's part), or the DROP
 * would delete the children. (2) legacy_alter_table is on for the one RENAME, or it would turn
 * views over. (3) The counter of AUTOINCREMENT comes along: an id is never given twice. */
#include "ddl/ddl_priv.h"

static bool counts_up(const struct ddl__table *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct ddl__clause *p = ddl__clause_of(&m->columns[i].clauses, C_PRIMARY);
        if (p && ddl__mentions(p->text, LIT("AUTOINCREMENT")))
            return true;
    }
    return false;
}

/* The columns that are copied: not computed, and there before or with an expression. */
static bool copied(const struct ddl__table *from, const struct ddl__column *c)
{
    if (ddl__clause_of(&c->clauses, C_GENERATED))
        return false;
    return c->fill.len || ddl__table_column(from, c->name);
}

static void copy_rows(struct ddl__tr *t, const struct ddl__table *from, const struct ddl__table *to,
                      str temporary)
{
    size_t count = 0;
    buf_lit(&t->b, "INSERT INTO ");
    ddl__ident(t, temporary);
    for (size_t i = 0; i < to->count; i++) {
        if (!copied(from, &to->columns[i]))
            continue;
        buf_str(&t->b, count++ ? LIT(", ") : LIT(" ("));
        ddl__ident(t, to->columns[i].name);
    }
    count = 0;
    for (size_t i = 0; i < to->count; i++) {
        if (!copied(from, &to->columns[i]))
            continue;
        buf_str(&t->b, count++ ? LIT(", ") : LIT(") SELECT "));
        if (to->columns[i].fill.len)
            buf_str(&t->b, to->columns[i].fill);
        else
            ddl__ident(t, to->columns[i].name);
    }
    buf_lit(&t->b, " FROM ");
    ddl__ident(t, from->name);
}

static int keep_counter(struct ddl__tr *t, str temporary, str name)
{
    size_t mark = t->b.len;
    buf_lit(&t->b, "DELETE FROM sqlite_sequence WHERE name = ");
    ddl__quote(t, temporary);
    TRY(ddl__emit(t, mark));
    buf_lit(&t->b, "INSERT INTO sqlite_sequence (name, seq) SELECT ");
    ddl__quote(t, temporary);
    buf_lit(&t->b, ", seq FROM sqlite_sequence WHERE name = ");
    ddl__quote(t, name);
    return ddl__emit(t, mark);
}

static int swap(struct ddl__tr *t, str temporary, str name)
{
    size_t mark = t->b.len;
    buf_lit(&t->b, "DROP TABLE ");
    ddl__ident(t, name);
    TRY(ddl__emit(t, mark));
    TRY(ddl__emit_text(t, LIT("PRAGMA legacy_alter_table = ON")));
    buf_lit(&t->b, "ALTER TABLE ");
    ddl__ident(t, temporary);
    buf_lit(&t->b, " RENAME TO ");
    ddl__ident(t, name);
    TRY(ddl__emit(t, mark));
    return ddl__emit_text(t, LIT("PRAGMA legacy_alter_table = OFF"));
}

int ddl__rebuild(struct ddl__tr *t, const struct ddl__table *from, const struct ddl__table *to)
{
    size_t mark = t->b.len;
    str temporary = arena_printf(t->a, "cairn_new_%.*s", STR_ARG(to->name));
    ddl__table_write(&t->b, to, temporary);
    TRY(ddl__emit(t, mark));
    copy_rows(t, from, to, temporary);
    TRY(ddl__emit(t, mark));
    if (counts_up(from) && counts_up(to))
        TRY(keep_counter(t, temporary, from->name));
    TRY(swap(t, temporary, to->name));
    for (size_t i = 0; i < t->cat->count; i++) {
        const struct ddl_object *o = &t->cat->list[i];
        if ((o->kind == DDL_INDEX || o->kind == DDL_TRIGGER) && o->text.len &&
            str_eqi(o->table, from->name))
            TRY(ddl__emit_text(t, o->text));
    }
    t->out->rebuilds = true;
    ddl__table_store(t, to);
    return 0;
}

bool ddl__refers_to(const struct ddl__clause *c, str name)
{
    str rest = c->text;
    if (c->kind != C_FOREIGN)
        return false;
    for (struct ddl__token k = ddl__next(&rest); k.kind; k = ddl__next(&rest)) {
        if (k.kind != 'w' || !str_eqi(k.text, LIT("REFERENCES")))
            continue;
        k = ddl__next(&rest);
        return str_eqi(k.ident, name);
    }
    return false;
}

static bool cut_references(struct ddl__clauses *c, str name)
{
    size_t before = c->count;
    for (size_t i = c->count; i > 0; i--)
        if (ddl__refers_to(&c->list[i - 1], name))
            ddl__clause_cut(c, i - 1);
    return c->count != before;
}

int ddl__forget_parent(struct ddl__tr *t, str name)
{
    for (size_t i = 0; i < t->cat->count; i++) {
        struct ddl_object o = t->cat->list[i];
        struct ddl__table m;
        if (o.kind != DDL_TABLE || str_eqi(o.name, name) || !ddl__table_read(t->a, o.text, &m))
            continue;
        bool changed = cut_references(&m.constraints, name);
        for (size_t c = 0; c < m.count; c++)
            changed |= cut_references(&m.columns[c].clauses, name);
        if (changed)
            TRY(ddl__rebuild(t, &m, &m));
    }
    return 0;
}
