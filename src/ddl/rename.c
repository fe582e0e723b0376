/* rename.c -- RENAME of tables, columns, indexes and constraints. SPDX: Apache-2.0
 * SQLite changes every text that names the thing by itself; the catalog follows here. */
#include "ddl/ddl_priv.h"

/* The target of a foreign key, renamed; its columns too when column is given. */
static str renamed_reference(struct ddl__tr *t, str text, str from, str to)
{
    str rest = text;
    for (struct ddl__token k = ddl__next(&rest); k.kind; k = ddl__next(&rest)) {
        if (k.kind != 'w' || !str_eqi(k.text, LIT("REFERENCES")))
            continue;
        str head = str_make(text.ptr, (size_t)(rest.ptr - text.ptr));
        str tail = ddl__renamed(t->a, rest, from, to);
        return arena_printf(t->a, "%.*s%.*s", STR_ARG(head), STR_ARG(tail));
    }
    return text;
}

static void references_in(struct ddl__tr *t, struct ddl__clauses *c, str table, str from, str to)
{
    for (size_t i = 0; i < c->count; i++)
        if (ddl__refers_to(&c->list[i], table))
            c->list[i].text = renamed_reference(t, c->list[i].text, from, to);
}

/* In the foreign keys of every table that refer to `table`. */
static void references_everywhere(struct ddl__tr *t, str table, str from, str to)
{
    for (size_t i = 0; i < t->cat->count; i++) {
        struct ddl_object o = t->cat->list[i];
        struct ddl__table m;
        if (o.kind != DDL_TABLE || !ddl__table_read(t->a, o.text, &m))
            continue;
        references_in(t, &m.constraints, table, from, to);
        for (size_t c = 0; c < m.count; c++)
            references_in(t, &m.columns[c].clauses, table, from, to);
        ddl__table_store(t, &m);
    }
}

static int emit_rename(struct ddl__tr *t, str table, const char *what, str column, str to)
{
    size_t mark = t->b.len;
    buf_lit(&t->b, "ALTER TABLE ");
    ddl__ident(t, table);
    buf_printf(&t->b, " RENAME %s", what);
    if (column.len)
        ddl__ident(t, column);
    buf_str(&t->b, column.len ? LIT(" TO ") : LIT(""));
    ddl__ident(t, to);
    return ddl__emit(t, mark);
}

static int rename_table(struct ddl__tr *t, str table, str to, int64_t place)
{
    struct ddl__table m;
    TRY(ddl__table_of(t, table, place, &m));
    if (ddl_catalog_get(t->cat, DDL_TABLE, to))
        return ddl__refuse(t, place, "table '%s' exists already", ddl__dup(t, to));
    TRY(emit_rename(t, table, "TO ", LIT(""), to));
    for (size_t i = 0; i < t->cat->count; i++) {
        struct ddl_object *o = &t->cat->list[i];
        if ((o->kind != DDL_INDEX && o->kind != DDL_TRIGGER) || !str_eqi(o->table, table))
            continue;
        o->text = ddl__renamed(t->cat->arena, o->text, table, to);
        o->table = arena_str(t->cat->arena, to);
    }
    references_everywhere(t, table, table, to);
    TRY(ddl__table_of(t, table, place, &m)); /* it may refer to itself */
    struct ddl_object *o = NULL;
    for (size_t i = 0; i < t->cat->count && !o; i++)
        if (t->cat->list[i].kind == DDL_TABLE && str_eqi(t->cat->list[i].name, table))
            o = &t->cat->list[i];
    o->name = arena_str(t->cat->arena, to);
    m.name = to;
    ddl__table_store(t, &m);
    return 0;
}

static void rename_in(struct ddl__tr *t, struct ddl__clauses *c, str from, str to)
{
    for (size_t i = 0; i < c->count; i++) {
        str text = c->list[i].text, rest = text;
        size_t own = text.len;
        for (struct ddl__token k = ddl__next(&rest); k.kind; k = ddl__next(&rest))
            if (k.kind == 'w' && str_eqi(k.text, LIT("REFERENCES"))) {
                own = (size_t)(k.text.ptr - text.ptr);
                break;
            }
        str head = ddl__renamed(t->a, str_upto(text, own), from, to);
        str tail = str_from(text, own);
        c->list[i].text = arena_printf(t->a, "%.*s%.*s", STR_ARG(head), STR_ARG(tail));
    }
}

static int rename_column(struct ddl__tr *t, str table, str from, str to, int64_t place)
{
    struct ddl__table m;
    TRY(ddl__table_of(t, table, place, &m));
    if (!ddl__table_column(&m, from) || ddl__table_column(&m, to))
        return ddl__refuse(t, place, "table '%s' has no column '%s', or has '%s' already",
                           ddl__dup(t, table), ddl__dup(t, from), ddl__dup(t, to));
    TRY(emit_rename(t, table, "COLUMN ", from, to));
    ddl__table_column(&m, from)->name = to;
    rename_in(t, &m.constraints, from, to);
    for (size_t i = 0; i < m.count; i++)
        rename_in(t, &m.columns[i].clauses, from, to);
    ddl__table_store(t, &m);
    references_everywhere(t, table, from, to);
    for (size_t i = 0; i < t->cat->count; i++) {
        struct ddl_object *o = &t->cat->list[i];
        size_t on = str_find(o->text, '(');
        if (o->kind != DDL_INDEX || !str_eqi(o->table, table) || on == STR_NONE)
            continue;
        str tail = ddl__renamed(t->a, str_from(o->text, on), from, to);
        o->text =
            arena_printf(t->cat->arena, "%.*s%.*s", STR_ARG(str_upto(o->text, on)), STR_ARG(tail));
    }
    return 0;
}

/* SQLite cannot rename an index: it is made again under its new name. */
static int rename_index(struct ddl__tr *t, str from, str to, int64_t place)
{
    const struct ddl_object *o = ddl_catalog_get(t->cat, DDL_INDEX, from);
    size_t mark = t->b.len, on = o ? str_find(o->text, '(') : STR_NONE;
    if (!o || on == STR_NONE)
        return ddl__refuse(t, place, "index '%s' does not exist", ddl__dup(t, from));
    struct ddl_object made = {.kind = DDL_INDEX, .name = to, .table = o->table};
    str rest = o->text, tail = LIT("");
    for (struct ddl__token k = ddl__next(&rest); k.kind; k = ddl__next(&rest))
        if (k.kind == 'w' && str_eqi(k.text, LIT("ON"))) {
            tail = str_from(o->text, (size_t)(k.text.ptr - o->text.ptr));
            break;
        }
    bool unique = ddl__mentions(str_upto(o->text, on), LIT("UNIQUE"));
    buf_lit(&t->b, "DROP INDEX ");
    ddl__ident(t, from);
    TRY(ddl__emit(t, mark));
    buf_str(&t->b, unique ? LIT("CREATE UNIQUE INDEX ") : LIT("CREATE INDEX "));
    ddl__ident(t, to);
    buf_printf(&t->b, " %.*s", STR_ARG(tail));
    made.text = arena_str(t->a, str_from(buf_view(&t->b), mark));
    TRY(ddl__emit(t, mark));
    ddl__catalog_cut(t->cat, DDL_INDEX, from);
    ddl_catalog_put(t->cat, &made);
    return 0;
}

static bool rename_clause(struct ddl__clauses *c, str from, str to)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].name.len && str_eqi(c->list[i].name, from)) {
            c->list[i].name = to;
            return true;
        }
    return false;
}

static int rename_constraint(struct ddl__tr *t, str table, str from, str to, int64_t place)
{
    struct ddl__table before, after;
    if (ddl_catalog_get(t->cat, DDL_INDEX, from))
        return rename_index(t, from, to, place);
    TRY(ddl__table_of(t, table, place, &before));
    TRY(ddl__table_of(t, table, place, &after));
    bool done = rename_clause(&after.constraints, from, to);
    for (size_t i = 0; i < after.count && !done; i++)
        done = rename_clause(&after.columns[i].clauses, from, to);
    if (!done)
        return ddl__refuse(t, place, "table '%s' has no constraint '%s' of that name",
                           ddl__dup(t, table), ddl__dup(t, from));
    return ddl__rebuild(t, &before, &after);
}

int ddl__rename(struct ddl__tr *t, node *body)
{
    node *relation = ddl__get(body, "relation");
    str kind = ddl__text(body, "renameType"), to = ddl__text(body, "newname"), name;
    str sub = ddl__text(body, "subname");
    int64_t place = ddl__num(relation, "location", -1);
    if (!relation)
        return ddl__refuse(t, -1, "RENAME of a %s; make a new one", ddl__dup(t, str_from(kind, 7)));
    TRY(ddl__relation(t, relation, &name));
    bool index = str_is(kind, "OBJECT_INDEX");
    if (ddl__flag(body, "missing_ok") &&
        !ddl_catalog_get(t->cat, index ? DDL_INDEX : DDL_TABLE, name))
        return 0;
    if (str_is(kind, "OBJECT_TABLE"))
        return rename_table(t, name, to, place);
    if (str_is(kind, "OBJECT_COLUMN"))
        return rename_column(t, name, sub, to, place);
    if (index)
        return rename_index(t, name, to, place);
    if (str_is(kind, "OBJECT_TABCONSTRAINT"))
        return rename_constraint(t, name, sub, to, place);
    return ddl__refuse(t, place, "RENAME of a view; drop it and make it again");
}
