/* alter.c -- ALTER TABLE: in place where SQLite can, else one rebuild for the whole statement.
 * SPDX: Apache-2.0
 * Every command is applied to a model of the table; if one of them needs it, the statement is a
 * rebuild from the model before to the model after, else the statements gathered on the way. */
#include "ddl/ddl_priv.h"

struct alter {
    struct ddl__table from, to;
    str texts[64];
    size_t count;
    bool rebuild;
    int64_t place;
};

static int in_place(struct ddl__tr *t, struct alter *al, size_t mark)
{
    if (al->count == COUNT_OF(al->texts))
        return ddl__refuse(t, al->place, "more than %zu changes in one ALTER TABLE; split it",
                           COUNT_OF(al->texts));
    al->texts[al->count++] = ddl__cut(t, mark);
    return 0;
}

static int column_of(struct ddl__tr *t, struct alter *al, str name, struct ddl__column **out)
{
    *out = ddl__table_column(&al->to, name);
    if (*out)
        return 0;
    return ddl__refuse(t, al->place, "table '%s' has no column '%s'", ddl__dup(t, al->to.name),
                       ddl__dup(t, name));
}

static size_t clause_index(const struct ddl__clauses *c, enum ddl__clause_kind kind)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].kind == kind)
            return i;
    return c->count;
}

static void cut_kind(struct ddl__clauses *c, enum ddl__clause_kind kind)
{
    size_t i = clause_index(c, kind);
    if (i < c->count)
        ddl__clause_cut(c, i);
}

/* ---- ADD COLUMN ---- */

/* What SQLite's own ADD COLUMN takes: no key, a constant default where rows need one. */
static bool addable(const struct ddl__column *c)
{
    const struct ddl__clause *d = ddl__clause_of(&c->clauses, C_DEFAULT);
    bool null = !d || str_is(d->text, "DEFAULT NULL");
    if (ddl__clause_of(&c->clauses, C_PRIMARY) || ddl__clause_of(&c->clauses, C_UNIQUE) ||
        ddl__clause_of(&c->clauses, C_GENERATED))
        return false;
    if (d && str_starts(d->text, LIT("DEFAULT (")))
        return false;
    if (null && ddl__clause_of(&c->clauses, C_NOTNULL))
        return false;
    return null || !ddl__clause_of(&c->clauses, C_FOREIGN);
}

static int add_column(struct ddl__tr *t, node *cmd, struct alter *al)
{
    node *def = ddl__body(ddl__get(cmd, "def"));
    size_t mark = t->b.len;
    if (ddl__table_column(&al->to, ddl__text(def, "colname")) && ddl__flag(cmd, "missing_ok"))
        return 0;
    TRY(ddl__column_def(t, def, &al->to));
    const struct ddl__column *c = &al->to.columns[al->to.count - 1];
    al->rebuild |= !addable(c);
    buf_lit(&t->b, "ALTER TABLE ");
    ddl__ident(t, al->to.name);
    buf_lit(&t->b, " ADD COLUMN ");
    ddl__column_write(&t->b, c);
    return in_place(t, al, mark);
}

/* ---- DROP COLUMN ---- */

/* The indexes over the column go with it, as in PostgreSQL. */
static int drop_indexes_over(struct ddl__tr *t, struct alter *al, str column)
{
    for (size_t i = t->cat->count; i > 0; i--) {
        struct ddl_object o = t->cat->list[i - 1];
        size_t mark = t->b.len, on = 0;
        if (o.kind != DDL_INDEX || !str_eqi(o.table, al->to.name) || !o.text.len)
            continue;
        on = str_find(o.text, '(');
        if (on == STR_NONE || !ddl__mentions(str_from(o.text, on), column))
            continue;
        buf_lit(&t->b, "DROP INDEX ");
        ddl__ident(t, o.name);
        ddl__catalog_cut(t->cat, DDL_INDEX, o.name);
        TRY(in_place(t, al, mark));
    }
    return 0;
}

static bool cut_constraints_over(struct ddl__table *m, str column)
{
    size_t before = m->constraints.count;
    for (size_t i = before; i > 0; i--)
        if (ddl__mentions(m->constraints.list[i - 1].text, column))
            ddl__clause_cut(&m->constraints, i - 1);
    return m->constraints.count != before;
}

static int drop_column(struct ddl__tr *t, node *cmd, struct alter *al)
{
    str name = ddl__text(cmd, "name");
    struct ddl__column *c = ddl__table_column(&al->to, name);
    size_t mark = t->b.len;
    if (!c && ddl__flag(cmd, "missing_ok"))
        return 0;
    TRY(column_of(t, al, name, &c));
    if (al->to.count == 1)
        return ddl__refuse(t, al->place, "a table without columns; drop the table");
    ddl__warn(t, "DROP COLUMN %s.%s", ddl__dup(t, al->to.name), ddl__dup(t, name));
    al->rebuild |= ddl__clause_of(&c->clauses, C_PRIMARY) ||
                   ddl__clause_of(&c->clauses, C_UNIQUE) ||
                   ddl__clause_of(&c->clauses, C_FOREIGN) || cut_constraints_over(&al->to, name);
    TRY(drop_indexes_over(t, al, name));
    size_t at = (size_t)(c - al->to.columns);
    memmove(c, c + 1, (al->to.count - at - 1) * sizeof *c);
    al->to.count--;
    buf_lit(&t->b, "ALTER TABLE ");
    ddl__ident(t, al->to.name);
    buf_lit(&t->b, " DROP COLUMN ");
    ddl__ident(t, name);
    return in_place(t, al, mark);
}

/* ---- ALTER COLUMN ---- */

static bool widens(const struct ddl__type *from, const struct ddl__type *to)
{
    if (to->class == CLASS_TEXT && str_is(to->decl, "TEXT"))
        return true;
    if (from->class == CLASS_INT && to->class == CLASS_INT)
        return str_eqi(to->decl, LIT("BIGINT")) || str_eqi(from->decl, LIT("SMALLINT"));
    if (from->class == CLASS_INT)
        return to->class == CLASS_NUMERIC || to->class == CLASS_DECIMAL;
    if (from->class == CLASS_NUMERIC || from->class == CLASS_DECIMAL)
        return to->class == CLASS_DECIMAL && to->scale < 0;
    size_t a = str_find(from->decl, '('), b = str_find(to->decl, '(');
    if (from->class == CLASS_TEXT && to->class == CLASS_TEXT && a != STR_NONE && b != STR_NONE) {
        uint64_t x = 0, y = 0;
        str_to_u64(str_make(from->decl.ptr + a + 1, from->decl.len - a - 2), &x);
        str_to_u64(str_make(to->decl.ptr + b + 1, to->decl.len - b - 2), &y);
        return y >= x;
    }
    return from->class == to->class && from->class != CLASS_TEXT;
}

static void cut_type_clauses(struct ddl__clauses *c)
{
    cut_kind(c, C_COLLATE);
    for (size_t i = c->count; i > 0; i--)
        if (c->list[i - 1].kind == C_CHECK && (str_starts(c->list[i - 1].name, LIT("enum_")) ||
                                               str_starts(c->list[i - 1].name, LIT("array_"))))
            ddl__clause_cut(c, i - 1);
}

/* A constant default in the form of the column's new type. */
static int recast_default(struct ddl__tr *t, struct ddl__column *c, const struct ddl__type *type,
                          int64_t place)
{
    struct ddl__clause *d = ddl__clause_of(&c->clauses, C_DEFAULT);
    str text = d ? str_from(d->text, sizeof "DEFAULT" - 1) : LIT("");
    str rest = text;
    struct ddl__token k = ddl__next(&rest);
    size_t mark = t->b.len;
    if (type->class != CLASS_DECIMAL || (k.kind != 'n' && k.kind != '-'))
        return 0;
    TRY(ddl__literal(t, str_trim(text), type, place));
    d->text = arena_printf(t->a, "DEFAULT %s", ddl__cut(t, mark).ptr);
    return 0;
}

static int alter_type(struct ddl__tr *t, node *cmd, struct alter *al)
{
    node *def = ddl__body(ddl__get(cmd, "def")), *using = ddl__get(def, "raw_default");
    struct ddl__column *c;
    struct ddl__type type;
    size_t mark = t->b.len;
    TRY(column_of(t, al, ddl__text(cmd, "name"), &c));
    TRY(ddl__type(t, ddl__get(def, "typeName"), &type));
    if (type.serial)
        return ddl__refuse(t, al->place, "a column cannot become SERIAL; make a new table");
    struct ddl__type before = ddl__column_type(t, c);
    const struct ddl__clause *key = ddl__clause_of(&c->clauses, C_PRIMARY);
    if (key && type.class == CLASS_INT && str_is(c->type, "INTEGER"))
        return 0; /* the rowid holds 64 bits already */
    if (!widens(&before, &type))
        ddl__warn(t, "change of %s.%s from %s to %s", ddl__dup(t, al->to.name),
                  ddl__dup(t, c->name), ddl__dup(t, before.decl), ddl__dup(t, type.decl));
    if (using)
        TRY(ddl__expr(t, using));
    else if (before.class != type.class)
        TRY(ddl__cast_column(t, c->name, &type));
    c->fill = ddl__cut(t, mark);
    c->type = type.decl;
    TRY(recast_default(t, c, &type, al->place));
    cut_type_clauses(&c->clauses);
    ddl__type_clauses(t, &type, c);
    al->rebuild = true;
    return 0;
}

static int alter_default(struct ddl__tr *t, node *cmd, struct alter *al)
{
    node *expr = ddl__get(cmd, "def");
    struct ddl__column *c;
    str text;
    TRY(column_of(t, al, ddl__text(cmd, "name"), &c));
    cut_kind(&c->clauses, C_DEFAULT);
    if (expr) {
        struct ddl__type type = ddl__column_type(t, c);
        TRY(ddl__default(t, expr, &type, &text));
        ddl__clause_add(t->a, &c->clauses, C_DEFAULT, LIT(""), text);
    }
    al->rebuild = true;
    return 0;
}

static int alter_not_null(struct ddl__tr *t, node *cmd, struct alter *al, bool set)
{
    struct ddl__column *c;
    TRY(column_of(t, al, ddl__text(cmd, "name"), &c));
    bool is_set = ddl__clause_of(&c->clauses, C_NOTNULL) != NULL;
    if (!set && ddl__clause_of(&c->clauses, C_PRIMARY))
        return ddl__refuse(t, al->place, "column '%s' is the primary key", ddl__dup(t, c->name));
    if (is_set == set)
        return 0;
    cut_kind(&c->clauses, C_NOTNULL);
    cut_kind(&c->clauses, C_NULL);
    if (set)
        ddl__clause_add(t->a, &c->clauses, C_NOTNULL, LIT(""), LIT("NOT NULL"));
    al->rebuild = true;
    return 0;
}

/* ---- constraints ---- */

/* PostgreSQL's own name for a constraint that was given none. */
static str default_name(struct ddl__tr *t, const struct ddl__table *m, const struct ddl__clause *c,
                        str column)
{
    static const char *const ends[] = {
        [C_PRIMARY] = "pkey", [C_UNIQUE] = "key", [C_CHECK] = "check", [C_FOREIGN] = "fkey"};
    size_t mark = t->b.len;
    if (c->kind != C_PRIMARY && c->kind != C_UNIQUE && c->kind != C_CHECK && c->kind != C_FOREIGN)
        return LIT("");
    buf_str(&t->b, m->name);
    buf_char(&t->b, '_');
    str rest = str_from(c->text, str_find(c->text, '('));
    if (c->kind == C_PRIMARY)
        column = LIT("");
    else if (!column.len && c->kind != C_CHECK)
        for (struct ddl__token k = ddl__next(&rest); k.kind && k.kind != ')'; k = ddl__next(&rest))
            if (k.ident.len)
                buf_printf(&t->b, "%.*s_", STR_ARG(k.ident));
    if (column.len)
        buf_printf(&t->b, "%.*s_", STR_ARG(column));
    buf_str(&t->b, str_of(ends[c->kind]));
    return ddl__cut(t, mark);
}

static bool cut_named(struct ddl__tr *t, struct ddl__table *m, struct ddl__clauses *list,
                      str column, str name)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ddl__clause *c = &list->list[i];
        str own = c->name.len ? c->name : default_name(t, m, c, column);
        if (!own.len || !str_eqi(own, name))
            continue;
        ddl__clause_cut(list, i);
        return true;
    }
    return false;
}

static int drop_constraint(struct ddl__tr *t, node *cmd, struct alter *al)
{
    str name = ddl__text(cmd, "name");
    size_t mark = t->b.len;
    const struct ddl_object *index = ddl_catalog_get(t->cat, DDL_INDEX, name);
    bool cut = cut_named(t, &al->to, &al->to.constraints, LIT(""), name);
    for (size_t i = 0; i < al->to.count && !cut; i++)
        cut = cut_named(t, &al->to, &al->to.columns[i].clauses, al->to.columns[i].name, name);
    al->rebuild |= cut;
    if (cut || (!index && ddl__flag(cmd, "missing_ok")))
        return 0;
    if (!index || !str_eqi(index->table, al->to.name))
        return ddl__refuse(t, al->place, "table '%s' has no constraint '%s'",
                           ddl__dup(t, al->to.name), ddl__dup(t, name));
    buf_lit(&t->b, "DROP INDEX ");
    ddl__ident(t, index->name);
    ddl__catalog_cut(t->cat, DDL_INDEX, name);
    return in_place(t, al, mark);
}

/* ADD UNIQUE is a unique index, which needs no rebuild. */
static int add_unique(struct ddl__tr *t, node *body, struct alter *al)
{
    str name = ddl__text(body, "conname");
    size_t mark = t->b.len, count = ddl__count(body, "keys");
    struct ddl__column *c;
    if (!name.len) {
        buf_str(&t->b, al->to.name);
        for (size_t i = 0; i < count; i++)
            buf_printf(&t->b, "_%.*s", STR_ARG(ddl__string(ddl__item(body, "keys", i))));
        buf_lit(&t->b, "_key");
        name = ddl__cut(t, mark);
    }
    if (!count || ddl__flag(body, "nulls_not_distinct") || ddl__flag(body, "deferrable"))
        return ddl__refuse(t, al->place,
                           "UNIQUE with USING INDEX, NULLS NOT DISTINCT or "
                           "DEFERRABLE; name the columns only");
    if (ddl_catalog_get(t->cat, DDL_INDEX, name))
        return ddl__refuse(t, al->place, "index '%s' exists already", ddl__dup(t, name));
    buf_lit(&t->b, "CREATE UNIQUE INDEX ");
    ddl__ident(t, name);
    buf_lit(&t->b, " ON ");
    ddl__ident(t, al->to.name);
    for (size_t i = 0; i < count; i++) {
        TRY(column_of(t, al, ddl__string(ddl__item(body, "keys", i)), &c));
        buf_str(&t->b, i ? LIT(", ") : LIT(" ("));
        ddl__ident(t, c->name);
    }
    buf_char(&t->b, ')');
    struct ddl_object o = {.kind = DDL_INDEX, .name = name, .table = al->to.name};
    o.text = arena_str(t->a, str_from(buf_view(&t->b), mark));
    ddl_catalog_put(t->cat, &o);
    return in_place(t, al, mark);
}

static int add_constraint(struct ddl__tr *t, node *cmd, struct alter *al)
{
    node *constraint = ddl__get(cmd, "def"), *body = ddl__body(constraint);
    str kind = ddl__text(body, "contype");
    if (str_is(kind, "CONSTR_UNIQUE"))
        return add_unique(t, body, al);
    if (ddl__flag(body, "skip_validation"))
        return ddl__refuse(t, al->place,
                           "NOT VALID; SQLite checks what is there: correct the rows "
                           "before");
    if (str_is(kind, "CONSTR_PRIMARY")) {
        bool has = ddl__clause_of(&al->to.constraints, C_PRIMARY) != NULL;
        for (size_t i = 0; i < al->to.count; i++)
            has |= ddl__clause_of(&al->to.columns[i].clauses, C_PRIMARY) != NULL;
        if (has || !ddl__count(body, "keys"))
            return ddl__refuse(t, al->place,
                               "ADD PRIMARY KEY to a table that has one, or USING "
                               "INDEX");
    }
    al->rebuild = true;
    return ddl__table_constraint(t, constraint, &al->to);
}

/* ---- the statement ---- */

static int command(struct ddl__tr *t, node *cmd, struct alter *al)
{
    static const char *const harmless[] = {
        "AT_ChangeOwner",     "AT_SetStorage",         "AT_SetStatistics", "AT_ClusterOn",
        "AT_ReplicaIdentity", "AT_ValidateConstraint", "AT_SetLogged",     "AT_SetRelOptions"};
    str kind = ddl__text(cmd, "subtype");
    if (str_is(kind, "AT_AddColumn"))
        return add_column(t, cmd, al);
    if (str_is(kind, "AT_DropColumn"))
        return drop_column(t, cmd, al);
    if (str_is(kind, "AT_AlterColumnType"))
        return alter_type(t, cmd, al);
    if (str_is(kind, "AT_ColumnDefault"))
        return alter_default(t, cmd, al);
    if (str_is(kind, "AT_SetNotNull") || str_is(kind, "AT_DropNotNull"))
        return alter_not_null(t, cmd, al, str_is(kind, "AT_SetNotNull"));
    if (str_is(kind, "AT_AddConstraint"))
        return add_constraint(t, cmd, al);
    if (str_is(kind, "AT_DropConstraint"))
        return drop_constraint(t, cmd, al);
    if (str_ends(kind, LIT("RowSecurity")))
        return ddl__refuse(t, al->place, "row policies; access rules are said in cairn.yaml");
    for (size_t i = 0; i < COUNT_OF(harmless); i++)
        if (str_is(kind, harmless[i]))
            return 0;
    return ddl__refuse(t, al->place,
                       "ALTER TABLE with %s; make a new table, copy the rows, drop "
                       "the old one",
                       ddl__dup(t, str_from(kind, 3)));
}

/* A statement of its own for what a rebuild does not make: the dropped and the new indexes. */
static int finish(struct ddl__tr *t, struct alter *al)
{
    if (al->rebuild)
        return ddl__rebuild(t, &al->from, &al->to);
    for (size_t i = 0; i < al->count; i++)
        TRY(ddl__emit_text(t, al->texts[i]));
    if (al->count)
        ddl__table_store(t, &al->to);
    return 0;
}

int ddl__alter(struct ddl__tr *t, node *body)
{
    struct alter *al = ARENA_NEW(t->a, struct alter);
    node *relation = ddl__get(body, "relation");
    str name;
    TRY(ddl__relation(t, relation, &name));
    al->place = ddl__num(relation, "location", -1);
    if (!str_is(ddl__text(body, "objtype"), "OBJECT_TABLE"))
        return ddl__refuse(t, al->place, "ALTER of anything but a table");
    if (ddl__flag(body, "missing_ok") && !ddl_catalog_get(t->cat, DDL_TABLE, name))
        return 0;
    TRY(ddl__table_of(t, name, al->place, &al->from));
    TRY(ddl__table_of(t, name, al->place, &al->to));
    for (size_t i = 0; i < ddl__count(body, "cmds"); i++)
        TRY(command(t, ddl__body(ddl__item(body, "cmds", i)), al));
    return finish(t, al);
}
