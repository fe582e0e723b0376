/* dml.c -- INSERT, UPDATE, DELETE inside migrations. SPDX: Apache-2.0
 * A constant that goes into a column of a known table is brought into that column's form. */
#include "ddl/ddl_priv.h"

/* ---- the columns of an INSERT ---- */

enum { COLUMNS_MOST = 2000 };

struct insert {
    node *body, *select;
    struct ddl__table model;
    bool known;   /* the model is there */
    size_t count; /* columns, or values of the first row when none are named */
    str names[COLUMNS_MOST];
    bool skip[COLUMNS_MOST]; /* DEFAULT in every row: left out */
    struct ddl__type types[COLUMNS_MOST];
};

static bool is_default(node *select, size_t row, size_t col)
{
    node *list = ddl__body(ddl__item(select, "valuesLists", row));
    return ddl__is(ddl__item(list, "items", col), "SetToDefault");
}

/* SQLite has no DEFAULT among values: a column that has it in every row is left out. */
static int find_defaults(struct ddl__tr *t, struct insert *in)
{
    size_t rows = ddl__count(in->select, "valuesLists"), left = in->count;
    for (size_t col = 0; col < in->count; col++) {
        size_t defaults = 0;
        for (size_t row = 0; row < rows; row++)
            defaults += is_default(in->select, row, col);
        if (defaults && defaults < rows)
            return ddl__refuse(t, -1,
                               "DEFAULT among the values of some rows only; use a "
                               "statement of its own for these rows");
        in->skip[col] = rows && defaults == rows;
        left -= in->skip[col];
    }
    if (rows && !left && rows > 1)
        return ddl__refuse(t, -1, "several rows of nothing but DEFAULT; one statement for each");
    return 0;
}

static int insert_columns(struct ddl__tr *t, struct insert *in)
{
    size_t named = ddl__count(in->body, "cols");
    node *first = ddl__body(ddl__item(in->select, "valuesLists", 0));
    size_t targets = ddl__count(in->select, "targetList");
    in->count = named ? named : first ? ddl__count(first, "items") : targets;
    if (in->count > COLUMNS_MOST || (in->known && !named && in->count > in->model.count))
        return ddl__refuse(t, -1, "more values than columns");
    for (size_t i = 0; i < in->count; i++) {
        node *target = ddl__body(ddl__item(in->body, "cols", i));
        if (ddl__count(target, "indirection"))
            return ddl__refuse(t, ddl__num(target, "location", -1), "a part of a column as target");
        in->names[i] = named ? ddl__text(target, "name") : LIT("");
        if (!named && in->known)
            in->names[i] = in->model.columns[i].name;
        struct ddl__column *c = in->known ? ddl__table_column(&in->model, in->names[i]) : NULL;
        in->types[i] = c ? ddl__column_type(t, c) : (struct ddl__type){.scale = -1};
        if (in->known && !c)
            return ddl__refuse(t, ddl__num(target, "location", -1),
                               "table '%.*s' has no column "
                               "'%.*s'",
                               STR_ARG(str_upto(in->model.name, 60)),
                               STR_ARG(str_upto(in->names[i], 60)));
    }
    return find_defaults(t, in);
}

static bool starred(node *select)
{
    for (size_t i = 0; i < ddl__count(select, "targetList"); i++) {
        node *target = ddl__body(ddl__item(select, "targetList", i));
        node *ref = ddl__as(ddl__get(target, "val"), "ColumnRef");
        if (ref && ddl__is(ddl__item(ref, "fields", ddl__count(ref, "fields") - 1), "A_Star"))
            return true;
    }
    return false;
}

static void put_columns(struct ddl__tr *t, const struct insert *in)
{
    bool first = true;
    if (!in->count || !in->names[0].len)
        return;
    for (size_t i = 0; i < in->count; i++) {
        if (in->skip[i])
            continue;
        buf_str(&t->b, first ? LIT(" (") : LIT(", "));
        ddl__ident(t, in->names[i]);
        first = false;
    }
    if (!first)
        buf_char(&t->b, ')');
}

static int put_row(struct ddl__tr *t, const struct insert *in, node *row)
{
    bool first = true;
    if (ddl__count(row, "items") != in->count)
        return ddl__refuse(t, ddl__place(ddl__item(row, "items", 0)),
                           "a row of %zu values for %zu columns", ddl__count(row, "items"),
                           in->count);
    for (size_t i = 0; i < in->count; i++) {
        if (in->skip[i])
            continue;
        buf_str(&t->b, first ? LIT("(") : LIT(", "));
        TRY(ddl__as_type(t, ddl__item(row, "items", i), &in->types[i]));
        first = false;
    }
    buf_char(&t->b, ')');
    return 0;
}

static int put_rows(struct ddl__tr *t, const struct insert *in)
{
    bool nothing = true;
    for (size_t i = 0; i < in->count; i++)
        nothing &= in->skip[i];
    if (nothing) {
        buf_lit(&t->b, " DEFAULT VALUES");
        return 0;
    }
    buf_lit(&t->b, " VALUES ");
    for (size_t i = 0; i < ddl__count(in->select, "valuesLists"); i++) {
        if (i)
            buf_lit(&t->b, ",\n  ");
        TRY(put_row(t, in, ddl__body(ddl__item(in->select, "valuesLists", i))));
    }
    return 0;
}

/* A SELECT as the source. SQLite reads ON after a FROM as a join's, hence the WHERE. */
static int put_select(struct ddl__tr *t, const struct insert *in)
{
    buf_char(&t->b, ' ');
    if (!ddl__get(in->body, "onConflictClause"))
        return ddl__select(t, in->select);
    buf_lit(&t->b, "SELECT * FROM (");
    TRY(ddl__select(t, in->select));
    buf_lit(&t->b, ") WHERE 1");
    return 0;
}

/* ---- ON CONFLICT, RETURNING, SET ---- */

static int put_set(struct ddl__tr *t, node *list_of, struct ddl__table *model)
{
    size_t count = ddl__count(list_of, "targetList");
    buf_lit(&t->b, " SET ");
    for (size_t i = 0; i < count; i++) {
        node *target = ddl__body(ddl__item(list_of, "targetList", i));
        node *value = ddl__get(target, "val"), *multi = ddl__as(value, "MultiAssignRef");
        node *row = ddl__as(ddl__get(multi, "source"), "RowExpr");
        struct ddl__column *c = model ? ddl__table_column(model, ddl__text(target, "name")) : NULL;
        struct ddl__type type = c ? ddl__column_type(t, c) : (struct ddl__type){.scale = -1};
        if (multi && !row)
            return ddl__refuse(t, ddl__num(target, "location", -1),
                               "(a, b) = (SELECT ...); assign one column at a time");
        if (row)
            value = ddl__item(row, "args", (size_t)ddl__num(multi, "colno", 1) - 1);
        if (i)
            buf_lit(&t->b, ", ");
        ddl__ident(t, ddl__text(target, "name"));
        buf_lit(&t->b, " = ");
        TRY(ddl__as_type(t, value, &type));
    }
    return 0;
}

static int put_where(struct ddl__tr *t, node *body)
{
    node *where = ddl__get(body, "whereClause");
    if (!where)
        return 0;
    buf_lit(&t->b, " WHERE ");
    return ddl__expr(t, where);
}

static int on_conflict(struct ddl__tr *t, node *insert, struct ddl__table *model)
{
    node *body = ddl__get(insert, "onConflictClause"), *infer = ddl__get(body, "infer");
    if (!body)
        return 0;
    if (ddl__text(infer, "conname").len)
        return ddl__refuse(t, ddl__num(infer, "location", -1),
                           "ON CONFLICT ON CONSTRAINT; name its columns: ON CONFLICT (a, b)");
    buf_lit(&t->b, " ON CONFLICT");
    for (size_t i = 0; i < ddl__count(infer, "indexElems"); i++) {
        node *element = ddl__body(ddl__item(infer, "indexElems", i));
        buf_str(&t->b, i ? LIT(", ") : LIT(" ("));
        if (ddl__text(element, "name").len)
            ddl__ident(t, ddl__text(element, "name"));
        else
            TRY(ddl__expr(t, ddl__get(element, "expr")));
    }
    if (ddl__count(infer, "indexElems"))
        buf_char(&t->b, ')');
    TRY(put_where(t, infer));
    if (str_is(ddl__text(body, "action"), "ONCONFLICT_NOTHING")) {
        buf_lit(&t->b, " DO NOTHING");
        return 0;
    }
    buf_lit(&t->b, " DO UPDATE");
    TRY(put_set(t, body, model));
    return put_where(t, body);
}

static int returning(struct ddl__tr *t, node *body)
{
    if (!ddl__count(body, "returningList"))
        return 0;
    buf_lit(&t->b, " RETURNING ");
    return ddl__targets(t, body, "returningList");
}

static int put_table(struct ddl__tr *t, node *body, struct ddl__table *model, bool *known)
{
    node *relation = ddl__get(body, "relation"), *alias = ddl__get(relation, "alias");
    str name;
    TRY(ddl__relation(t, relation, &name));
    *known = ddl__table_known(t, name, model);
    ddl__ident(t, name);
    if (alias) {
        buf_lit(&t->b, " AS ");
        ddl__ident(t, ddl__text(alias, "aliasname"));
    }
    return 0;
}

/* ---- the three ---- */

static int insert(struct ddl__tr *t, node *body)
{
    struct insert *in = ARENA_NEW(t->a, struct insert);
    in->body = body;
    in->select = ddl__as(ddl__get(body, "selectStmt"), "SelectStmt");
    struct ddl__scope scope;
    TRY(ddl__with(t, body));
    buf_lit(&t->b, "INSERT INTO ");
    TRY(put_table(t, body, &in->model, &in->known));
    bool rows = ddl__count(in->select, "valuesLists") > 0;
    if (in->select && (ddl__count(body, "cols") || !starred(in->select)) &&
        (rows || str_is(ddl__text(in->select, "op"), "SETOP_NONE") || ddl__count(body, "cols")))
        TRY(insert_columns(t, in));
    put_columns(t, in);
    if (!in->select)
        buf_lit(&t->b, " DEFAULT VALUES");
    else if (rows)
        TRY(put_rows(t, in));
    else
        TRY(put_select(t, in));
    ddl__scope_enter(t, body, &scope);
    TRY(on_conflict(t, body, in->known ? &in->model : NULL));
    return returning(t, body);
}

static int update(struct ddl__tr *t, node *body)
{
    struct ddl__scope scope;
    struct ddl__table model;
    bool known;
    TRY(ddl__with(t, body));
    buf_lit(&t->b, "UPDATE ");
    ddl__scope_enter(t, body, &scope);
    TRY(put_table(t, body, &model, &known));
    TRY(put_set(t, body, known ? &model : NULL));
    TRY(ddl__from(t, body, "fromClause"));
    TRY(put_where(t, body));
    if (!ddl__get(body, "whereClause"))
        ddl__warn(t, "UPDATE %s of every row",
                  ddl__dup(t, ddl__text(ddl__get(body, "relation"), "relname")));
    return returning(t, body);
}

static int delete (struct ddl__tr *t, node *body)
{
    struct ddl__scope scope;
    struct ddl__table model;
    bool known;
    if (ddl__count(body, "usingClause"))
        return ddl__refuse(t, -1, "DELETE ... USING; write WHERE id IN (SELECT ...)");
    TRY(ddl__with(t, body));
    buf_lit(&t->b, "DELETE FROM ");
    ddl__scope_enter(t, body, &scope);
    TRY(put_table(t, body, &model, &known));
    TRY(put_where(t, body));
    if (!ddl__get(body, "whereClause"))
        ddl__warn(t, "DELETE of every row of %s",
                  ddl__dup(t, ddl__text(ddl__get(body, "relation"), "relname")));
    return returning(t, body);
}

/* Runs one of them; the names that it made known are gone afterwards. */
static int scoped(struct ddl__tr *t, node *body, int (*write)(struct ddl__tr *t, node *body))
{
    struct ddl__scope *scope = t->scope;
    struct ddl__rel *ctes = t->ctes;
    TRY(write(t, body));
    t->scope = scope;
    t->ctes = ctes;
    return 0;
}

int ddl__insert(struct ddl__tr *t, node *body)
{
    return scoped(t, body, insert);
}

int ddl__update(struct ddl__tr *t, node *body)
{
    return scoped(t, body, update);
}

int ddl__delete(struct ddl__tr *t, node *body)
{
    return scoped(t, body, delete);
}

int ddl__dml(struct ddl__tr *t, node *stmt)
{
    if (ddl__is(stmt, "InsertStmt"))
        return ddl__insert(t, ddl__body(stmt));
    if (ddl__is(stmt, "UpdateStmt"))
        return ddl__update(t, ddl__body(stmt));
    if (ddl__is(stmt, "DeleteStmt"))
        return ddl__delete(t, ddl__body(stmt));
    return ddl__select(t, ddl__as(stmt, "SelectStmt"));
}
