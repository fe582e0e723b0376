/* create.c -- CREATE TABLE: columns and constraints. SPDX: Apache-2.0
 * The tree becomes a table model (table.c), which is also what ALTER TABLE works on.
 * A SERIAL or IDENTITY key is INTEGER PRIMARY KEY AUTOINCREMENT: PostgreSQL never gives an id
 * twice, and neither do we. A key that is none is NOT NULL by name, as SQLite would not say so. */
#include "ddl/ddl_priv.h"

/* ---- constraints ---- */

static void name_list(struct ddl__tr *t, node *body, const char *member)
{
    buf_char(&t->b, '(');
    for (size_t i = 0; i < ddl__count(body, member); i++) {
        if (i)
            buf_lit(&t->b, ", ");
        ddl__ident(t, ddl__string(ddl__item(body, member, i)));
    }
    buf_char(&t->b, ')');
}

static void action(struct ddl__tr *t, const char *on, str code)
{
    char c = code.len ? code.ptr[0] : 'a';
    if (c == 'a')
        return;
    buf_printf(&t->b, " ON %s %s", on,
               c == 'c'   ? "CASCADE"
               : c == 'n' ? "SET NULL"
               : c == 'd' ? "SET DEFAULT"
                          : "RESTRICT");
}

static int references(struct ddl__tr *t, node *body)
{
    str target, match = ddl__text(body, "fk_matchtype");
    int64_t place = ddl__num(body, "location", -1);
    TRY(ddl__relation(t, ddl__get(body, "pktable"), &target));
    if (match.len && !str_is(match, "s"))
        return ddl__refuse(t, place, "MATCH FULL; SQLite has MATCH SIMPLE only");
    if (ddl__count(body, "fk_del_set_cols"))
        return ddl__refuse(t, place, "ON DELETE SET NULL with a list of columns");
    buf_lit(&t->b, "REFERENCES ");
    ddl__ident(t, target);
    if (ddl__count(body, "pk_attrs")) {
        buf_char(&t->b, ' ');
        name_list(t, body, "pk_attrs");
    }
    action(t, "DELETE", ddl__text(body, "fk_del_action"));
    action(t, "UPDATE", ddl__text(body, "fk_upd_action"));
    if (ddl__flag(body, "deferrable"))
        buf_str(&t->b, ddl__flag(body, "initdeferred") ? LIT(" DEFERRABLE INITIALLY DEFERRED")
                                                       : LIT(" DEFERRABLE INITIALLY IMMEDIATE"));
    return 0;
}

static int check(struct ddl__tr *t, node *body, str *text)
{
    size_t mark = t->b.len;
    bool outer = t->in_schema;
    t->in_schema = true;
    buf_lit(&t->b, "CHECK (");
    TRY(ddl__expr(t, ddl__get(body, "raw_expr")));
    buf_char(&t->b, ')');
    t->in_schema = outer;
    *text = ddl__cut(t, mark);
    return 0;
}

static int only_plain_unique(struct ddl__tr *t, node *body)
{
    int64_t place = ddl__num(body, "location", -1);
    if (ddl__flag(body, "nulls_not_distinct"))
        return ddl__refuse(t, place,
                           "NULLS NOT DISTINCT; make the columns NOT NULL, or use a "
                           "unique index over coalesce(column, '')");
    if (ddl__flag(body, "deferrable"))
        return ddl__refuse(t, place, "a deferrable UNIQUE; SQLite checks it at once");
    return 0;
}

/* PRIMARY KEY (a, b) of the whole table. */
static int table_primary(struct ddl__tr *t, node *body, struct ddl__table *m)
{
    size_t count = ddl__count(body, "keys"), mark = t->b.len;
    struct ddl__column *c = NULL;
    for (size_t i = 0; i < count; i++) {
        str name = ddl__string(ddl__item(body, "keys", i));
        c = ddl__table_column(m, name);
        if (!c)
            return ddl__refuse(t, ddl__num(body, "location", -1),
                               "column '%s' of the primary key does not exist", ddl__dup(t, name));
        struct ddl__clause *p = ddl__clause_of(&c->clauses, C_PRIMARY);
        if (p && count == 1)
            return 0; /* said already by SERIAL */
        if (p)
            return ddl__refuse(t, ddl__num(body, "location", -1),
                               "column '%s' counts up by itself and is a part of a key of several "
                               "columns; make it the primary key alone, and the rest UNIQUE",
                               ddl__dup(t, name));
        if (!ddl__clause_of(&c->clauses, C_NOTNULL) && !(count == 1 && str_is(c->type, "INTEGER")))
            ddl__clause_add(t->a, &c->clauses, C_NOTNULL, LIT(""), LIT("NOT NULL"));
    }
    buf_lit(&t->b, "PRIMARY KEY ");
    name_list(t, body, "keys");
    str text = ddl__cut(t, mark);
    if (count == 1)
        ddl__clause_add(t->a, &c->clauses, C_PRIMARY, ddl__text(body, "conname"),
                        LIT("PRIMARY KEY"));
    else
        ddl__clause_add(t->a, &m->constraints, C_PRIMARY, ddl__text(body, "conname"), text);
    return 0;
}

int ddl__table_constraint(struct ddl__tr *t, node *constraint, struct ddl__table *m)
{
    node *body = ddl__body(constraint);
    str kind = ddl__text(body, "contype"), name = ddl__text(body, "conname"), text;
    size_t mark = t->b.len;
    if (str_is(kind, "CONSTR_PRIMARY"))
        return table_primary(t, body, m);
    if (str_is(kind, "CONSTR_CHECK")) {
        TRY(check(t, body, &text));
        ddl__clause_add(t->a, &m->constraints, C_CHECK, name, text);
        return 0;
    }
    if (str_is(kind, "CONSTR_UNIQUE")) {
        TRY(only_plain_unique(t, body));
        buf_lit(&t->b, "UNIQUE ");
        name_list(t, body, "keys");
        ddl__clause_add(t->a, &m->constraints, C_UNIQUE, name, ddl__cut(t, mark));
        return 0;
    }
    if (str_is(kind, "CONSTR_FOREIGN")) {
        buf_lit(&t->b, "FOREIGN KEY ");
        name_list(t, body, "fk_attrs");
        buf_char(&t->b, ' ');
        TRY(references(t, body));
        ddl__clause_add(t->a, &m->constraints, C_FOREIGN, name, ddl__cut(t, mark));
        return 0;
    }
    return ddl__refuse(t, ddl__num(body, "location", -1),
                       "an EXCLUDE constraint; SQLite has none, "
                       "use UNIQUE or CHECK");
}

/* ---- columns ---- */

/* A default: bare when it is a literal, else in parentheses, as SQLite wants it. */
int ddl__default(struct ddl__tr *t, node *expr, const struct ddl__type *type, str *text)
{
    size_t mark = t->b.len;
    bool outer = t->in_schema;
    t->in_schema = true;
    TRY(ddl__value_for(t, expr, type));
    t->in_schema = outer;
    str value = ddl__cut(t, mark), rest = value;
    struct ddl__token first = ddl__next(&rest);
    if (first.kind == '-')
        first = ddl__next(&rest);
    bool literal = first.kind == 's' || first.kind == 'n' || str_is(first.text, "NULL") ||
                   (str_is(first.text, "X") && rest.len && rest.ptr[0] == '\'');
    if (literal && str_is(first.text, "X"))
        ddl__next(&rest);
    bool wrapped = first.kind == '(' && value.ptr[value.len - 1] == ')';
    literal = literal && ddl__skip_blank(rest, 0) == rest.len;
    size_t depth = 0;
    rest = value;
    for (struct ddl__token k = ddl__next(&rest); wrapped && k.kind; k = ddl__next(&rest)) {
        depth += k.kind == '(';
        depth -= k.kind == ')';
        wrapped = depth > 0 || !rest.len;
    }
    *text = literal || wrapped ? arena_printf(t->a, "DEFAULT %s", value.ptr)
                               : arena_printf(t->a, "DEFAULT (%s)", value.ptr);
    return 0;
}

static int generated_clause(struct ddl__tr *t, node *body, str *text)
{
    size_t mark = t->b.len;
    bool outer = t->in_schema;
    t->in_schema = true;
    buf_lit(&t->b, "GENERATED ALWAYS AS (");
    TRY(ddl__expr(t, ddl__get(body, "raw_expr")));
    buf_lit(&t->b, ") STORED");
    t->in_schema = outer;
    *text = ddl__cut(t, mark);
    return 0;
}

/* What a column says of itself, gathered before it is written in a fixed order. */
struct column_notes {
    struct ddl__type type;
    bool primary, autoincrement;
    str primary_name;
};

static int column_references(struct ddl__tr *t, node *def, size_t i, struct ddl__column *c)
{
    node *body = ddl__body(ddl__item(def, "constraints", i));
    size_t mark = t->b.len;
    bool deferrable = false, deferred = false;
    TRY(references(t, body));
    for (i++; i < ddl__count(def, "constraints"); i++) {
        str kind = ddl__text(ddl__body(ddl__item(def, "constraints", i)), "contype");
        if (!str_starts(kind, LIT("CONSTR_ATTR")))
            break;
        deferrable |= str_is(kind, "CONSTR_ATTR_DEFERRABLE");
        deferred |= str_is(kind, "CONSTR_ATTR_DEFERRED");
    }
    if (deferrable || deferred)
        buf_str(&t->b, deferred ? LIT(" DEFERRABLE INITIALLY DEFERRED")
                                : LIT(" DEFERRABLE INITIALLY IMMEDIATE"));
    ddl__clause_add(t->a, &c->clauses, C_FOREIGN, ddl__text(body, "conname"), ddl__cut(t, mark));
    return 0;
}

static int column_constraint(struct ddl__tr *t, node *def, size_t i, struct column_notes *notes,
                             struct ddl__column *c)
{
    node *body = ddl__body(ddl__item(def, "constraints", i));
    str kind = ddl__text(body, "contype"), name = ddl__text(body, "conname"), text;
    if (str_is(kind, "CONSTR_PRIMARY")) {
        notes->primary = true;
        notes->primary_name = name;
    } else if (str_is(kind, "CONSTR_IDENTITY")) {
        notes->autoincrement = true;
    } else if (str_is(kind, "CONSTR_NOTNULL")) {
        ddl__clause_add(t->a, &c->clauses, C_NOTNULL, LIT(""), LIT("NOT NULL"));
    } else if (str_is(kind, "CONSTR_DEFAULT")) {
        TRY(ddl__default(t, ddl__get(body, "raw_expr"), &notes->type, &text));
        ddl__clause_add(t->a, &c->clauses, C_DEFAULT, LIT(""), text);
    } else if (str_is(kind, "CONSTR_CHECK")) {
        TRY(check(t, body, &text));
        ddl__clause_add(t->a, &c->clauses, C_CHECK, name, text);
    } else if (str_is(kind, "CONSTR_UNIQUE")) {
        TRY(only_plain_unique(t, body));
        ddl__clause_add(t->a, &c->clauses, C_UNIQUE, name, LIT("UNIQUE"));
    } else if (str_is(kind, "CONSTR_FOREIGN")) {
        TRY(column_references(t, def, i, c));
    } else if (str_is(kind, "CONSTR_GENERATED")) {
        TRY(generated_clause(t, body, &text));
        ddl__clause_add(t->a, &c->clauses, C_GENERATED, LIT(""), text);
    }
    return 0;
}

void ddl__enum_check(struct ddl__tr *t, str column, const struct ddl_object *labels)
{
    buf_lit(&t->b, "CHECK (");
    ddl__ident(t, column);
    buf_lit(&t->b, " IN (");
    for (size_t i = 0; i < labels->label_count; i++) {
        if (i)
            buf_lit(&t->b, ", ");
        ddl__quote(t, labels->labels[i]);
    }
    buf_lit(&t->b, "))");
}

/* What an array holds stands in the name of its CHECK, for the next migration to read. */
static const char *const element_names[] = {
    [CLASS_OTHER] = "other", [CLASS_BOOL] = "boolean",        [CLASS_INT] = "integer",
    [CLASS_FLOAT] = "float", [CLASS_NUMERIC] = "numeric",     [CLASS_DECIMAL] = "decimal",
    [CLASS_TEXT] = "text",   [CLASS_UUID] = "uuid",           [CLASS_DATE] = "date",
    [CLASS_TIME] = "time",   [CLASS_TIMESTAMP] = "timestamp", [CLASS_JSON] = "json",
    [CLASS_ARRAY] = "array", [CLASS_BYTES] = "bytes",         [CLASS_ENUM] = "enum",
};

static void array_of(struct ddl__type *type, str name)
{
    for (size_t i = 0; i < COUNT_OF(element_names); i++) {
        if (!str_is(name, element_names[i]))
            continue;
        type->class = CLASS_ARRAY;
        type->element = (enum ddl__class)i;
    }
}

void ddl__type_clauses(struct ddl__tr *t, const struct ddl__type *type, struct ddl__column *c)
{
    size_t mark = t->b.len;
    if (type->class == CLASS_DECIMAL)
        ddl__clause_add(t->a, &c->clauses, C_COLLATE, LIT(""), LIT("COLLATE decimal"));
    if (type->nocase)
        ddl__clause_add(t->a, &c->clauses, C_COLLATE, LIT(""), LIT("COLLATE NOCASE"));
    if (type->class == CLASS_ENUM) {
        ddl__enum_check(t, c->name, type->labels);
        str name = arena_printf(t->a, "enum_%.*s", STR_ARG(type->labels->name));
        ddl__clause_add(t->a, &c->clauses, C_CHECK, name, ddl__cut(t, mark));
    }
    if (type->class == CLASS_ARRAY) {
        buf_lit(&t->b, "CHECK (json_type(");
        ddl__ident(t, c->name);
        buf_lit(&t->b, ") = 'array')");
        str name = arena_printf(t->a, "array_of_%s", element_names[type->element]);
        ddl__clause_add(t->a, &c->clauses, C_CHECK, name, ddl__cut(t, mark));
    }
}

struct ddl__type ddl__column_type(struct ddl__tr *t, const struct ddl__column *c)
{
    struct ddl__type type = ddl__type_of_decl(c->type);
    for (size_t i = 0; i < c->clauses.count; i++) {
        str name = c->clauses.list[i].name;
        if (type.class == CLASS_ENUM && str_starts(name, LIT("enum_")))
            type.labels = ddl_catalog_get(t->cat, DDL_ENUM, str_from(name, 5));
        if (type.class == CLASS_JSON && str_starts(name, LIT("array_of_")))
            array_of(&type, str_from(name, 9));
    }
    return type;
}

static bool is_key_alone(node *table, str name)
{
    for (size_t i = 0; i < ddl__count(table, "tableElts"); i++) {
        node *body = ddl__as(ddl__item(table, "tableElts", i), "Constraint");
        if (str_is(ddl__text(body, "contype"), "CONSTR_PRIMARY") && ddl__count(body, "keys") == 1)
            return str_eq(ddl__string(ddl__item(body, "keys", 0)), name);
    }
    return false;
}

/* The key comes first, so that "INTEGER PRIMARY KEY AUTOINCREMENT" stands as SQLite wants it. */
static void put_primary(struct ddl__tr *t, const struct column_notes *notes, struct ddl__column *c)
{
    struct ddl__clauses rest = c->clauses;
    bool rowid = str_is(c->type, "INTEGER");
    c->clauses = (struct ddl__clauses){0};
    if (!rowid && !ddl__clause_of(&rest, C_NOTNULL))
        ddl__clause_add(t->a, &c->clauses, C_NOTNULL, LIT(""), LIT("NOT NULL"));
    ddl__clause_add(t->a, &c->clauses, C_PRIMARY, notes->primary_name,
                    notes->autoincrement ? LIT("PRIMARY KEY AUTOINCREMENT") : LIT("PRIMARY KEY"));
    for (size_t i = 0; i < rest.count; i++)
        ddl__clause_add(t->a, &c->clauses, rest.list[i].kind, rest.list[i].name, rest.list[i].text);
}

static int column(struct ddl__tr *t, node *def, node *table, struct ddl__table *m)
{
    struct column_notes notes = {0};
    str name = ddl__text(def, "colname");
    int64_t place = ddl__num(def, "location", -1);
    TRY(ddl__type(t, ddl__get(def, "typeName"), &notes.type));
    if (ddl__table_column(m, name))
        return ddl__refuse(t, place, "column '%s' is there already", ddl__dup(t, name));
    node *collation = ddl__get(def, "collClause");
    str collate = ddl__last_name(collation, "collname");
    if (collation && !str_is(collate, "C") && !str_is(collate, "POSIX"))
        return ddl__refuse(t, place,
                           "collation '%s'; SQLite sorts text by bytes, which is "
                           "collation \"C\"",
                           ddl__dup(t, collate));
    struct ddl__column *c = ddl__table_add(t->a, m, name, notes.type.decl);
    notes.autoincrement = notes.type.serial;
    ddl__type_clauses(t, &notes.type, c);
    for (size_t i = 0; i < ddl__count(def, "constraints"); i++)
        TRY(column_constraint(t, def, i, &notes, c));
    notes.primary |= notes.autoincrement && is_key_alone(table, name);
    if (notes.autoincrement && !notes.primary)
        return ddl__refuse(t, place,
                           "column '%s' counts up by itself but is not the primary key "
                           "alone; SQLite counts up there only",
                           ddl__dup(t, name));
    if (notes.autoincrement)
        c->type = LIT("INTEGER");
    if (notes.primary)
        put_primary(t, &notes, c);
    return 0;
}

int ddl__column_def(struct ddl__tr *t, node *def, struct ddl__table *m)
{
    return column(t, def, NULL, m);
}

/* ---- the table ---- */

static int refuse_forms(struct ddl__tr *t, node *body)
{
    static const struct {
        const char *member, *what;
    } forms[] = {
        {"inhRelations", "INHERITS and PARTITION OF; make one table"},
        {"partspec", "PARTITION BY; make one table"},
        {"ofTypename", "OF a type; name the columns"},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (ddl__get(body, forms[i].member))
            return ddl__refuse(t, ddl__num(ddl__get(body, "relation"), "location", -1), "%s",
                               forms[i].what);
    return 0;
}

static int table_elements(struct ddl__tr *t, node *body, struct ddl__table *m)
{
    size_t count = ddl__count(body, "tableElts");
    for (size_t i = 0; i < count; i++) {
        node *element = ddl__item(body, "tableElts", i);
        node *def = ddl__as(element, "ColumnDef");
        if (def)
            TRY(column(t, def, body, m));
        else if (!ddl__is(element, "Constraint"))
            return ddl__refuse(t, -1, "LIKE another table; name the columns");
    }
    for (size_t i = 0; i < count; i++)
        if (ddl__is(ddl__item(body, "tableElts", i), "Constraint"))
            TRY(ddl__table_constraint(t, ddl__item(body, "tableElts", i), m));
    return 0;
}

int ddl__create_table(struct ddl__tr *t, node *body)
{
    struct ddl__table m = {0};
    node *relation = ddl__get(body, "relation");
    TRY(ddl__relation(t, relation, &m.name));
    TRY(refuse_forms(t, body));
    if (ddl_catalog_get(t->cat, DDL_TABLE, m.name)) {
        if (ddl__flag(body, "if_not_exists"))
            return 0;
        return ddl__refuse(t, ddl__num(relation, "location", -1), "table '%s' exists already",
                           ddl__dup(t, m.name));
    }
    TRY(table_elements(t, body, &m));
    if (m.count == 0)
        return ddl__refuse(t, ddl__num(relation, "location", -1), "a table without columns");
    size_t mark = t->b.len;
    ddl__table_write(&t->b, &m, m.name);
    TRY(ddl__emit(t, mark));
    ddl__table_store(t, &m);
    return 0;
}
