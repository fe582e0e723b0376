/* scope.c -- what names mean inside a named query: tables, subqueries, WITH, and their columns.
 * SPDX: Apache-2.0
 * Why: SQLite tells no types of expressions, and it says "no such column" without a place. So the
 * names are looked up here, against the tables that the caller knows, and a wrong one is refused
 * where it stands, with the nearest right one.
 * Invariant: what is not understood makes a scope open, and in an open scope no name is refused. */
#include "ddl/ddl_priv.h"

enum { NAMES_MOST = 512 };

static void add(struct ddl__tr *t, struct ddl__fields *f, str name, struct ddl__type type)
{
    if (f->count == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 8;
        struct ddl__field *list = ARENA_ARRAY(t->a, struct ddl__field, cap);
        if (f->count)
            memcpy(list, f->list, f->count * sizeof *list);
        f->list = list;
        f->cap = cap;
    }
    f->list[f->count++] = (struct ddl__field){name, type};
}

static void keep_failure(struct ddl__tr *t, int code)
{
    if (t->failed == 0)
        t->failed = code;
}

/* ---- tables ---- */

static const struct ddl_relation *relation_of(const struct ddl__tr *t, str name)
{
    for (size_t i = 0; i < t->query->relation_count; i++)
        if (str_eq(t->query->relations[i].name, name))
            return &t->query->relations[i];
    return NULL;
}

static void unknown_table(struct ddl__tr *t, str name, int64_t place)
{
    const char *names[NAMES_MOST];
    size_t count = 0;
    for (size_t i = 0; i < t->query->relation_count && count < NAMES_MOST; i++)
        names[count++] = ddl__dup(t, t->query->relations[i].name);
    for (struct ddl__rel *r = t->ctes; r && count < NAMES_MOST; r = r->next)
        names[count++] = ddl__dup(t, r->name);
    const char *near = str_nearest(name, names, count);
    if (t->failed == 0)
        keep_failure(t, ddl__refuse(t, place, "there is no table '%.*s'%s%s%s",
                                    STR_ARG(str_upto(name, 80)), near ? "; did you mean '" : "",
                                    near ? near : "", near ? "'?" : ""));
}

/* Tables of the engine and of Cairn itself are not in the model. */
static bool outside(node *range_var, str name)
{
    return ddl__text(range_var, "schemaname").len || str_starts(name, LIT("pg_")) ||
           str_starts(name, LIT("cairn_")) || str_is(name, "schema_migrations");
}

static struct ddl__fields table_fields(struct ddl__tr *t, node *range_var)
{
    str name = ddl__text(range_var, "relname");
    struct ddl__fields out = {0};
    for (struct ddl__rel *r = t->ctes; r; r = r->next)
        if (str_eq(r->name, name) && !ddl__text(range_var, "schemaname").len)
            return r->fields;
    const struct ddl_relation *known = relation_of(t, name);
    out.open = !known;
    if (!known && !outside(range_var, name))
        unknown_table(t, name, ddl__num(range_var, "location", -1));
    for (size_t i = 0; known && i < known->count; i++) {
        struct ddl__type type = ddl__type_of_name(known->fields[i].type);
        if (type.class == CLASS_NUMERIC && known->fields[i].decimal_text)
            type.class = CLASS_DECIMAL;
        add(t, &out, known->fields[i].name, type);
    }
    return out;
}

/* ---- FROM ---- */

static void put(struct ddl__tr *t, struct ddl__scope *s, str name, struct ddl__fields fields)
{
    struct ddl__rel *r = ARENA_NEW(t->a, struct ddl__rel), **end = &s->rels;
    *r = (struct ddl__rel){.name = name, .fields = fields};
    while (*end)
        end = &(*end)->next;
    *end = r;
}

static void rename_fields(struct ddl__tr *t, struct ddl__fields *f, node *alias)
{
    size_t count = ddl__count(alias, "colnames");
    struct ddl__fields copy = {.open = f->open};
    for (size_t i = 0; i < f->count || i < count; i++) {
        struct ddl__type type = i < f->count ? f->list[i].type : (struct ddl__type){.scale = -1};
        str name = i < count ? ddl__string(ddl__item(alias, "colnames", i)) : f->list[i].name;
        add(t, &copy, name, type);
    }
    if (count)
        *f = copy;
}

static void from_item(struct ddl__tr *t, struct ddl__scope *s, node *n)
{
    node *body = ddl__body(n), *alias = ddl__get(body, "alias");
    str name = ddl__text(alias, "aliasname");
    struct ddl__fields fields = {0};
    if (ddl__is(n, "JoinExpr")) {
        from_item(t, s, ddl__get(body, "larg"));
        from_item(t, s, ddl__get(body, "rarg"));
        return;
    }
    if (ddl__is(n, "RangeVar")) {
        fields = table_fields(t, body);
        name = name.len ? name : ddl__text(body, "relname");
    } else if (ddl__is(n, "RangeSubselect")) {
        ddl__fields_of(t, ddl__as(ddl__get(body, "subquery"), "SelectStmt"), &fields);
    } else {
        fields.open = true;
    }
    rename_fields(t, &fields, alias);
    put(t, s, name, fields);
}

/* The conditions of joins, once all tables are there. */
static void join_conditions(struct ddl__tr *t, node *n)
{
    node *join = ddl__as(n, "JoinExpr");
    if (!join)
        return;
    join_conditions(t, ddl__get(join, "larg"));
    join_conditions(t, ddl__get(join, "rarg"));
    ddl__infer(t, ddl__get(join, "quals"));
}

void ddl__scope_enter(struct ddl__tr *t, node *stmt, struct ddl__scope *scope)
{
    static const char *const lists[] = {"fromClause", "usingClause"};
    *scope = (struct ddl__scope){.outer = t->scope};
    if (!t->query)
        return;
    node *target = ddl__get(stmt, "relation");
    if (target) {
        str alias = ddl__text(ddl__get(target, "alias"), "aliasname");
        put(t, scope, alias.len ? alias : ddl__text(target, "relname"), table_fields(t, target));
    }
    if (target && ddl__get(stmt, "onConflictClause"))
        put(t, scope, LIT("excluded"), table_fields(t, target));
    for (size_t k = 0; k < COUNT_OF(lists); k++)
        for (size_t i = 0; i < ddl__count(stmt, lists[k]); i++)
            from_item(t, scope, ddl__item(stmt, lists[k], i));
    t->scope = scope;
}

/* ---- WITH ---- */

struct ddl__rel *ddl__cte(struct ddl__tr *t, node *cte, bool recursive)
{
    struct ddl__rel *rel = ARENA_NEW(t->a, struct ddl__rel), *before = t->ctes;
    node *query = ddl__get(cte, "ctequery"), *select = ddl__as(query, "SelectStmt");
    node *compound = ddl__get(select, "larg");
    node names = {.kind = V_OBJECT};
    rel->name = ddl__text(cte, "ctename");
    if (recursive && compound) /* its first part does not speak of it */
        ddl__fields_of(t, compound, &rel->fields);
    else if (select)
        ddl__fields_of(t, select, &rel->fields);
    else
        ddl__fields_of_stmt(t, query, &rel->fields);
    struct member colnames = {LIT("colnames"), names};
    if (ddl__count(cte, "aliascolnames")) {
        colnames.value = *ddl__get(cte, "aliascolnames");
        struct value alias = {.kind = V_OBJECT, .count = 1, .fields = &colnames};
        rename_fields(t, &rel->fields, &alias);
    }
    if (recursive && compound) { /* now the rest */
        struct ddl__fields ignored = {0};
        ddl__cte_push(t, rel);
        ddl__fields_of(t, ddl__get(select, "rarg"), &ignored);
        t->ctes = before;
    }
    return rel;
}

void ddl__cte_push(struct ddl__tr *t, struct ddl__rel *rel)
{
    rel->next = t->ctes;
    t->ctes = rel;
}

static void enter_with(struct ddl__tr *t, node *stmt)
{
    node *with = ddl__get(stmt, "withClause");
    for (size_t i = 0; i < ddl__count(with, "ctes"); i++)
        ddl__cte_push(
            t, ddl__cte(t, ddl__body(ddl__item(with, "ctes", i)), ddl__flag(with, "recursive")));
}

/* ---- a column's name ---- */

static const struct ddl__field *field_of(const struct ddl__rel *r, str name)
{
    for (size_t i = 0; i < r->fields.count; i++)
        if (str_eq(r->fields.list[i].name, name))
            return &r->fields.list[i];
    return NULL;
}

static size_t gather(struct ddl__tr *t, str qualifier, const char **names)
{
    size_t count = 0;
    for (struct ddl__scope *s = t->scope; s; s = s->outer)
        for (struct ddl__rel *r = s->rels; r; r = r->next) {
            if (qualifier.len && !str_eq(r->name, qualifier))
                continue;
            for (size_t i = 0; i < r->fields.count && count < NAMES_MOST; i++)
                names[count++] = ddl__dup(t, r->fields.list[i].name);
        }
    return count;
}

static struct ddl__type unknown_column(struct ddl__tr *t, node *n, str qualifier, str name)
{
    const char *names[NAMES_MOST];
    const char *near = str_nearest(name, names, gather(t, qualifier, names));
    if (t->failed == 0)
        keep_failure(t, ddl__refuse(t, ddl__place(n), "there is no column '%.*s%s%.*s'%s%s%s",
                                    STR_ARG(str_upto(qualifier, 60)), qualifier.len ? "." : "",
                                    STR_ARG(str_upto(name, 60)), near ? "; did you mean '" : "",
                                    near ? near : "", near ? "'?" : ""));
    return (struct ddl__type){.scale = -1};
}

struct ddl__type ddl__infer_column(struct ddl__tr *t, node *n)
{
    node *body = ddl__body(n);
    size_t count = ddl__count(body, "fields");
    str name = ddl__string(ddl__item(body, "fields", count - 1));
    str qualifier = count > 1 ? ddl__string(ddl__item(body, "fields", count - 2)) : LIT("");
    bool open = count > 2 || !name.len;
    for (struct ddl__scope *s = t->scope; s; s = s->outer)
        for (struct ddl__rel *r = s->rels; r; r = r->next) {
            if (qualifier.len && !str_eq(r->name, qualifier))
                continue;
            const struct ddl__field *f = field_of(r, name);
            if (f)
                return f->type;
            open |= r->fields.open || (count == 1 && str_eq(r->name, name)); /* a whole row */
        }
    return open ? (struct ddl__type){.scale = -1} : unknown_column(t, n, qualifier, name);
}

/* ---- what a statement answers ---- */

static void star(struct ddl__tr *t, node *ref, struct ddl__fields *out)
{
    size_t count = ddl__count(ref, "fields");
    str of = count > 1 ? ddl__string(ddl__item(ref, "fields", count - 2)) : LIT("");
    bool hit = false;
    for (struct ddl__rel *r = t->scope ? t->scope->rels : NULL; r; r = r->next) {
        if (of.len && !str_eq(r->name, of))
            continue;
        hit = true;
        out->open |= r->fields.open;
        for (size_t i = 0; i < r->fields.count; i++)
            add(t, out, r->fields.list[i].name, r->fields.list[i].type);
    }
    out->open |= !hit;
}

/* USING and NATURAL merge columns: those of a star are then told by the database. */
static bool merges(node *n)
{
    node *join = ddl__as(n, "JoinExpr");
    return join && (ddl__flag(join, "isNatural") || ddl__count(join, "usingClause") ||
                    merges(ddl__get(join, "larg")) || merges(ddl__get(join, "rarg")));
}

static void drop_doubles(struct ddl__fields *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        bool seen = false;
        for (size_t k = 0; k < kept && !seen; k++)
            seen = str_eq(f->list[k].name, f->list[i].name);
        if (!seen)
            f->list[kept++] = f->list[i];
    }
    f->count = kept;
}

static void targets(struct ddl__tr *t, node *body, const char *list, struct ddl__fields *out)
{
    bool merged = false;
    for (size_t i = 0; i < ddl__count(body, "fromClause"); i++)
        merged |= merges(ddl__item(body, "fromClause", i));
    for (size_t i = 0; i < ddl__count(body, list); i++) {
        node *target = ddl__body(ddl__item(body, list, i)), *value = ddl__get(target, "val");
        node *ref = ddl__as(value, "ColumnRef");
        if (ref && ddl__is(ddl__item(ref, "fields", ddl__count(ref, "fields") - 1), "A_Star")) {
            star(t, ref, out);
            if (merged)
                drop_doubles(out);
        } else {
            add(t, out, ddl__figure(target), ddl__infer(t, value));
        }
    }
}

/* The names of the answer may be used in ORDER BY and GROUP BY. */
static void check_list(struct ddl__tr *t, node *body, const char *list,
                       const struct ddl__fields *out)
{
    for (size_t i = 0; i < ddl__count(body, list); i++) {
        node *n = ddl__item(body, list, i), *sort = ddl__as(n, "SortBy");
        n = sort ? ddl__get(sort, "node") : n;
        node *ref = ddl__as(n, "ColumnRef");
        bool named = out->open;
        for (size_t k = 0; ref && ddl__count(ref, "fields") == 1 && k < out->count; k++)
            named |= str_eq(out->list[k].name, ddl__string(ddl__item(ref, "fields", 0)));
        if (!ref || !named)
            ddl__infer(t, n);
    }
}

static void values_fields(struct ddl__tr *t, node *s, struct ddl__fields *out)
{
    node *first = ddl__body(ddl__item(s, "valuesLists", 0));
    for (size_t i = 0; i < ddl__count(first, "items"); i++)
        add(t, out, arena_printf(t->a, "column%zu", i + 1),
            ddl__infer(t, ddl__item(first, "items", i)));
}

static void simple_fields(struct ddl__tr *t, node *s, struct ddl__fields *out)
{
    struct ddl__scope scope;
    ddl__scope_enter(t, s, &scope);
    for (size_t i = 0; i < ddl__count(s, "fromClause"); i++)
        join_conditions(t, ddl__item(s, "fromClause", i));
    targets(t, s, "targetList", out);
    ddl__infer(t, ddl__get(s, "whereClause"));
    ddl__infer(t, ddl__get(s, "havingClause"));
    check_list(t, s, "groupClause", out);
    check_list(t, s, "sortClause", out);
}

static bool wider(const struct ddl__type *a, const struct ddl__type *b)
{
    bool numbers = a->class == CLASS_INT && (b->class == CLASS_NUMERIC || b->class == CLASS_FLOAT ||
                                             b->class == CLASS_DECIMAL);
    return a->class == CLASS_OTHER || numbers;
}

static void compound_fields(struct ddl__tr *t, node *s, struct ddl__fields *out)
{
    struct ddl__fields right = {0};
    ddl__fields_of(t, ddl__get(s, "larg"), out);
    ddl__fields_of(t, ddl__get(s, "rarg"), &right);
    for (size_t i = 0; i < out->count && i < right.count; i++) {
        struct ddl__type *a = &out->list[i].type, *b = &right.list[i].type;
        if (wider(a, b))
            *a = *b;
        else if (a->class == CLASS_NUMERIC && b->scale < a->scale)
            a->scale = b->class == CLASS_INT ? a->scale : b->scale;
    }
}

void ddl__fields_of(struct ddl__tr *t, node *s, struct ddl__fields *out)
{
    struct ddl__scope *scope = t->scope;
    struct ddl__rel *ctes = t->ctes;
    if (!s || !t->query) {
        out->open = true;
        return;
    }
    enter_with(t, s);
    if (!str_is(ddl__text(s, "op"), "SETOP_NONE"))
        compound_fields(t, s, out);
    else if (ddl__count(s, "valuesLists"))
        values_fields(t, s, out);
    else
        simple_fields(t, s, out);
    t->scope = scope;
    t->ctes = ctes;
}

void ddl__fields_of_stmt(struct ddl__tr *t, node *stmt, struct ddl__fields *out)
{
    struct ddl__scope scope, *outer = t->scope;
    struct ddl__rel *ctes = t->ctes;
    node *body = ddl__body(stmt), *conflict = ddl__get(body, "onConflictClause");
    struct ddl__fields ignored = {0};
    if (ddl__is(stmt, "SelectStmt")) {
        ddl__fields_of(t, body, out);
        return;
    }
    enter_with(t, body);
    if (ddl__get(body, "selectStmt"))
        ddl__fields_of(t, ddl__as(ddl__get(body, "selectStmt"), "SelectStmt"), &ignored);
    ddl__scope_enter(t, body, &scope);
    for (size_t i = 0; ddl__is(stmt, "UpdateStmt") && i < ddl__count(body, "targetList"); i++)
        ddl__infer(t, ddl__get(ddl__body(ddl__item(body, "targetList", i)), "val"));
    for (size_t i = 0; i < ddl__count(conflict, "targetList"); i++)
        ddl__infer(t, ddl__get(ddl__body(ddl__item(conflict, "targetList", i)), "val"));
    ddl__infer(t, ddl__get(conflict, "whereClause"));
    ddl__infer(t, ddl__get(body, "whereClause"));
    targets(t, body, "returningList", out);
    t->scope = outer;
    t->ctes = ctes;
}
