/* object.c -- indexes, views, enums, comments, and what goes away. SPDX: Apache-2.0 */
#include "ddl/ddl_priv.h"

/* ---- indexes ---- */

static str default_index_name(struct ddl__tr *t, node *body, str table)
{
    size_t mark = t->b.len, count = ddl__count(body, "indexParams");
    buf_str(&t->b, table);
    for (size_t i = 0; i < count; i++) {
        str name = ddl__text(ddl__body(ddl__item(body, "indexParams", i)), "name");
        buf_char(&t->b, '_');
        buf_str(&t->b, name.len ? name : LIT("expr"));
    }
    buf_lit(&t->b, "_idx");
    return ddl__cut(t, mark);
}

/* What a GIN index finds on PostgreSQL is found on SQLite by reading the rows. The index is made
 * under its name all the same, so that it can be dropped, but of no row. */
static bool is_gin(node *body)
{
    return str_is(ddl__text(body, "accessMethod"), "gin");
}

static int refuse_index_forms(struct ddl__tr *t, node *body, int64_t place)
{
    str method = ddl__text(body, "accessMethod");
    if (method.len && !str_is(method, "btree") && !str_is(method, "hash") && !is_gin(body))
        return ddl__refuse(t, place,
                           "an index USING %s; SQLite has B-trees only: index a single "
                           "expression, or leave the index out",
                           ddl__dup(t, str_upto(method, 40)));
    if (ddl__flag(body, "nulls_not_distinct"))
        return ddl__refuse(t, place, "NULLS NOT DISTINCT; index coalesce(column, '') instead");
    return 0;
}

static int known_column(struct ddl__tr *t, str table, str name, int64_t place)
{
    struct ddl__table m;
    const char *names[200];
    size_t count = 0;
    if (!ddl__table_known(t, table, &m) || ddl__table_column(&m, name))
        return 0;
    for (size_t i = 0; i < m.count && count < COUNT_OF(names); i++)
        names[count++] = ddl__dup(t, m.columns[i].name);
    const char *near = str_nearest(name, names, count);
    return ddl__refuse(t, place, "table '%s' has no column '%s'%s%s", ddl__dup(t, table),
                       ddl__dup(t, name), near ? "; did you mean " : "", near ? near : "");
}

static int index_element(struct ddl__tr *t, node *element, str table, int64_t place)
{
    str name = ddl__text(element, "name");
    if (ddl__count(element, "opclass") || ddl__get(element, "collation")) {
        str what = ddl__last_name(element, "opclass");
        if (!str_ends(what, LIT("_pattern_ops")) && !str_is(what, "jsonb_path_ops") &&
            !str_is(what, "jsonb_ops"))
            return ddl__refuse(t, place,
                               "an operator class or collation in an index; leave it out");
    }
    if (name.len) {
        TRY(known_column(t, table, name, place));
        ddl__ident(t, name);
    } else {
        TRY(ddl__expr(t, ddl__get(element, "expr")));
    }
    /* Where NULLs stand in an index changes no answer, and SQLite cannot say it. */
    if (str_is(ddl__text(element, "ordering"), "SORTBY_DESC"))
        buf_lit(&t->b, " DESC");
    return 0;
}

static int index_text(struct ddl__tr *t, node *body, str name, str table)
{
    node *where = ddl__get(body, "whereClause");
    int64_t place = ddl__num(ddl__get(body, "relation"), "location", -1);
    buf_printf(&t->b, "CREATE %sINDEX ", ddl__flag(body, "unique") ? "UNIQUE " : "");
    ddl__ident(t, name);
    buf_lit(&t->b, " ON ");
    ddl__ident(t, table);
    for (size_t i = 0; i < ddl__count(body, "indexParams"); i++) {
        buf_str(&t->b, i ? LIT(", ") : LIT(" ("));
        TRY(index_element(t, ddl__body(ddl__item(body, "indexParams", i)), table, place));
    }
    buf_char(&t->b, ')');
    if (is_gin(body)) {
        buf_lit(&t->b, " WHERE 0");
    } else if (where) {
        buf_lit(&t->b, " WHERE ");
        TRY(ddl__expr(t, where));
    }
    return 0;
}

int ddl__index(struct ddl__tr *t, node *body)
{
    str table, name = ddl__text(body, "idxname");
    int64_t place = ddl__num(ddl__get(body, "relation"), "location", -1);
    size_t mark = t->b.len;
    TRY(ddl__relation(t, ddl__get(body, "relation"), &table));
    TRY(refuse_index_forms(t, body, place));
    name = name.len ? name : default_index_name(t, body, table);
    if (ddl_catalog_get(t->cat, DDL_INDEX, name)) {
        if (ddl__flag(body, "if_not_exists"))
            return 0;
        return ddl__refuse(t, place, "index '%s' exists already", ddl__dup(t, name));
    }
    t->in_schema = true;
    TRY(index_text(t, body, name, table));
    t->in_schema = false;
    struct ddl_object o = {.kind = DDL_INDEX, .name = name, .table = table};
    o.text = arena_str(t->a, str_from(buf_view(&t->b), mark));
    TRY(ddl__emit(t, mark));
    ddl_catalog_put(t->cat, &o);
    return 0;
}

/* ---- views ---- */

int ddl__view(struct ddl__tr *t, node *body)
{
    str name;
    size_t mark = t->b.len;
    node *aliases = ddl__get(body, "aliases");
    TRY(ddl__relation(t, ddl__get(body, "view"), &name));
    if (ddl_catalog_get(t->cat, DDL_VIEW, name) && ddl__flag(body, "replace")) {
        buf_lit(&t->b, "DROP VIEW ");
        ddl__ident(t, name);
        TRY(ddl__emit(t, mark));
    }
    buf_lit(&t->b, "CREATE VIEW ");
    ddl__ident(t, name);
    for (size_t i = 0; aliases && i < aliases->count; i++) {
        buf_str(&t->b, i ? LIT(", ") : LIT(" ("));
        ddl__ident(t, ddl__string(&aliases->items[i]));
    }
    buf_str(&t->b, aliases ? LIT(") AS ") : LIT(" AS "));
    TRY(ddl__select(t, ddl__as(ddl__get(body, "query"), "SelectStmt")));
    struct ddl_object o = {.kind = DDL_VIEW, .name = name};
    o.text = arena_str(t->a, str_from(buf_view(&t->b), mark));
    TRY(ddl__emit(t, mark));
    ddl_catalog_put(t->cat, &o);
    return 0;
}

/* ---- DROP ---- */

/* The name of the i-th object, a list of strings or a type. */
static int drop_name(struct ddl__tr *t, node *body, size_t i, str *name)
{
    node *object = ddl__body(ddl__item(body, "objects", i));
    const char *member = ddl__get(object, "items") ? "items" : "names";
    size_t count = ddl__count(object, member);
    if (count > 1 && !str_is(ddl__string(ddl__item(object, member, 0)), "public"))
        return ddl__refuse(t, -1, "schema '%s': SQLite has one schema only",
                           ddl__dup(t, ddl__string(ddl__item(object, member, 0))));
    *name = ddl__last_name(object, member);
    return name->len ? 0 : ddl__refuse(t, -1, "a name is missing");
}

static bool dropped_too(struct ddl__tr *t, node *body, str name)
{
    for (size_t i = 0; i < ddl__count(body, "objects"); i++) {
        str other = {"", 0};
        if (drop_name(t, body, i, &other) == 0 && str_eqi(other, name))
            return true;
    }
    return false;
}

static bool has_reference(const struct ddl__clauses *c, str name)
{
    for (size_t i = 0; i < c->count; i++)
        if (ddl__refers_to(&c->list[i], name))
            return true;
    return false;
}

/* A table that refers to `name` and stays; NULL when there is none. */
static const char *child_of(struct ddl__tr *t, node *body, str name)
{
    for (size_t i = 0; i < t->cat->count; i++) {
        const struct ddl_object *o = &t->cat->list[i];
        struct ddl__table m;
        if (o->kind != DDL_TABLE || dropped_too(t, body, o->name) ||
            !ddl__table_read(t->a, o->text, &m))
            continue;
        bool refers = has_reference(&m.constraints, name);
        for (size_t c = 0; c < m.count; c++)
            refers |= has_reference(&m.columns[c].clauses, name);
        if (refers)
            return ddl__dup(t, o->name);
    }
    return NULL;
}

static int drop_views_over(struct ddl__tr *t, str name)
{
    for (size_t i = t->cat->count; i > 0; i--) {
        struct ddl_object o = t->cat->list[i - 1];
        size_t mark = t->b.len;
        if (o.kind != DDL_VIEW || !ddl__mentions(o.text, name))
            continue;
        buf_lit(&t->b, "DROP VIEW ");
        ddl__ident(t, o.name);
        TRY(ddl__emit(t, mark));
        ddl__catalog_cut(t->cat, DDL_VIEW, o.name);
    }
    return 0;
}

/* Before a table goes: what refers to it, and with CASCADE what hangs on it. */
static int prepare_drop_table(struct ddl__tr *t, node *body, str name)
{
    const char *child = child_of(t, body, name);
    bool cascade = str_is(ddl__text(body, "behavior"), "DROP_CASCADE");
    if (child && !cascade)
        return ddl__refuse(t, -1, "table '%s' refers to '%s'; drop it before, or say CASCADE",
                           child, ddl__dup(t, name));
    if (!ddl__flag(body, "missing_ok") || ddl_catalog_get(t->cat, DDL_TABLE, name))
        ddl__warn(t, "DROP TABLE %s", ddl__dup(t, name));
    if (child)
        TRY(ddl__forget_parent(t, name));
    return cascade ? drop_views_over(t, name) : 0;
}

static int drop_type(struct ddl__tr *t, str name)
{
    size_t mark = t->b.len;
    str clause = arena_printf(t->a, "enum_%.*s", STR_ARG(name));
    for (size_t i = 0; i < t->cat->count; i++)
        if (t->cat->list[i].kind == DDL_TABLE && ddl__mentions(t->cat->list[i].text, clause))
            return ddl__refuse(t, -1, "table '%s' uses type '%s'",
                               ddl__dup(t, t->cat->list[i].name), ddl__dup(t, name));
    ddl__catalog_cut(t->cat, DDL_ENUM, name);
    buf_lit(&t->b, "DELETE FROM cairn_enums WHERE name = ");
    ddl__quote(t, name);
    return ddl__emit(t, mark);
}

static int drop_one(struct ddl__tr *t, node *body, str name, enum ddl_kind kind, const char *word)
{
    size_t mark = t->b.len;
    if (kind == DDL_ENUM)
        return drop_type(t, name);
    if (kind == DDL_TABLE)
        TRY(prepare_drop_table(t, body, name));
    buf_printf(&t->b, "DROP %s %s", word, ddl__flag(body, "missing_ok") ? "IF EXISTS " : "");
    ddl__ident(t, name);
    TRY(ddl__emit(t, mark));
    ddl__catalog_cut(t->cat, kind, name);
    return 0;
}

/* Does a listed table that is still there, other than itself, refer to it? */
static bool awaited(struct ddl__tr *t, node *body, str name)
{
    for (size_t i = 0; i < ddl__count(body, "objects"); i++) {
        str other = {"", 0};
        struct ddl__table m;
        if (drop_name(t, body, i, &other) < 0 || str_eqi(other, name) ||
            !ddl__table_known(t, other, &m))
            continue;
        bool refers = has_reference(&m.constraints, name);
        for (size_t c = 0; c < m.count; c++)
            refers |= has_reference(&m.columns[c].clauses, name);
        if (refers)
            return true;
    }
    return false;
}

/* Children before their parents: SQLite empties a table before it goes, and checks its keys. */
static int drop_tables(struct ddl__tr *t, node *body)
{
    size_t count = ddl__count(body, "objects"), left = count;
    bool *gone = ARENA_ARRAY(t->a, bool, count + 1);
    for (bool any = false; left; any = false) {
        for (size_t i = 0; i < count; i++) {
            str name = {"", 0};
            TRY(drop_name(t, body, i, &name));
            if (gone[i] || awaited(t, body, name))
                continue;
            TRY(drop_one(t, body, name, DDL_TABLE, "TABLE"));
            gone[i] = any = true;
            left--;
        }
        if (left && !any)
            return ddl__refuse(t, -1,
                               "DROP of tables that refer to each other; drop a constraint "
                               "of one before");
    }
    return 0;
}

int ddl__drop(struct ddl__tr *t, node *body)
{
    static const struct {
        const char *type, *word;
        enum ddl_kind kind;
    } kinds[] = {
        {"OBJECT_INDEX", "INDEX", DDL_INDEX},
        {"OBJECT_VIEW", "VIEW", DDL_VIEW},
        {"OBJECT_TYPE", "TYPE", DDL_ENUM},
    };
    str type = ddl__text(body, "removeType"), name;
    if (str_is(type, "OBJECT_EXTENSION"))
        return 0;
    if (str_is(type, "OBJECT_TABLE"))
        return drop_tables(t, body);
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        if (!str_is(type, kinds[k].type))
            continue;
        for (size_t i = 0; i < ddl__count(body, "objects"); i++) {
            TRY(drop_name(t, body, i, &name));
            TRY(drop_one(t, body, name, kinds[k].kind, kinds[k].word));
        }
        return 0;
    }
    return ddl__refuse(t, -1, "DROP of %s; only tables, indexes, views and types are known",
                       ddl__dup(t, str_from(type, 7)));
}

int ddl__truncate(struct ddl__tr *t, node *body)
{
    for (size_t i = 0; i < ddl__count(body, "relations"); i++) {
        size_t mark = t->b.len;
        str name;
        TRY(ddl__relation(t, ddl__body(ddl__item(body, "relations", i)), &name));
        if (str_is(ddl__text(body, "behavior"), "DROP_CASCADE"))
            return ddl__refuse(t, -1, "TRUNCATE ... CASCADE; name every table, children first");
        ddl__warn(t, "TRUNCATE %s", ddl__dup(t, name));
        buf_lit(&t->b, "DELETE FROM ");
        ddl__ident(t, name);
        TRY(ddl__emit(t, mark));
        const struct ddl_object *o = ddl_catalog_get(t->cat, DDL_TABLE, name);
        if (!ddl__flag(body, "restart_seqs") || !o || !ddl__mentions(o->text, LIT("AUTOINCREMENT")))
            continue;
        buf_lit(&t->b, "DELETE FROM sqlite_sequence WHERE name = ");
        ddl__quote(t, name);
        TRY(ddl__emit(t, mark));
    }
    return 0;
}

/* ---- COMMENT ON ---- */

int ddl__comment(struct ddl__tr *t, node *body)
{
    str kind = ddl__text(body, "objtype"), comment = ddl__text(body, "comment");
    node *object = ddl__body(ddl__get(body, "object"));
    bool column = str_is(kind, "OBJECT_COLUMN");
    size_t count = ddl__count(object, "items"), mark = t->b.len;
    if (!column && !str_is(kind, "OBJECT_TABLE") && !str_is(kind, "OBJECT_VIEW"))
        return 0;
    if (count < (column ? 2u : 1u))
        return ddl__refuse(t, -1, "COMMENT ON COLUMN wants table.column");
    str table = ddl__string(ddl__item(object, "items", count - (column ? 2 : 1)));
    str name = column ? ddl__string(ddl__item(object, "items", count - 1)) : LIT("");
    if (column)
        TRY(known_column(t, table, name, -1));
    buf_str(&t->b, comment.len ? LIT("INSERT OR REPLACE INTO cairn_comments (table_name, "
                                     "column_name, comment) VALUES (")
                               : LIT("DELETE FROM cairn_comments WHERE (table_name, column_name) "
                                     "= ("));
    ddl__quote(t, table);
    buf_lit(&t->b, ", ");
    ddl__quote(t, name);
    if (comment.len) {
        buf_lit(&t->b, ", ");
        ddl__quote(t, comment);
    }
    buf_char(&t->b, ')');
    return ddl__emit(t, mark);
}

/* ---- extensions, and tables made from a query ---- */

int ddl__extension(struct ddl__tr *t, node *body)
{
    static const char *const harmless[] = {"pgcrypto", "uuid-ossp", "citext", "plpgsql"};
    str name = ddl__text(body, "extname");
    for (size_t i = 0; i < COUNT_OF(harmless); i++)
        if (str_is(name, harmless[i]))
            return 0;
    return ddl__refuse(t, -1, "extension '%s'; SQLite has nothing in its place",
                       ddl__dup(t, str_upto(name, 80)));
}

int ddl__create_as(struct ddl__tr *t, node *body)
{
    (void)body;
    return ddl__refuse(t, -1,
                       "CREATE TABLE ... AS and materialized views; the columns would have "
                       "no types: use CREATE TABLE and INSERT ... SELECT, or a view");
}
