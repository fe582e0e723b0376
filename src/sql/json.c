/* json.c -- tests on a place inside a JSON column.
 * `->>` is the text of the value: a string's characters, else its JSON form, as PostgreSQL. `->` is
 * the value itself: numbers compare with numbers, texts with texts, and with nothing else.
 * SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

static struct inside at(const struct cond *c)
{
    return (struct inside){.column = c->column, .path = c->path, .path_count = c->path_count};
}

/* ---- ->> ---- */

/* On SQLite ->> gives a number for a number. What of that may have this text? V_NULL: nothing. */
static struct value native(str text)
{
    int64_t i;
    char first = text.len ? text.ptr[0] : 'x';
    if (str_is(text, "true") || str_is(text, "false"))
        return value_int(text.len == 4);
    if (str_to_i64(text, &i))
        return value_int(i);
    if (!ascii_digit(first) && first != '-')
        return value_null();
    return value_num(text);
}

/* The text equals one of the values. First what an index over the ->> itself can find, then, on
 * SQLite, whether its text is the right one: 1 is found for true. */
static void text_among(struct sql *b, const struct cond *c, unsigned alias)
{
    struct inside in = at(c);
    struct value *all = arena_new(b->arena, 2 * c->value_count * sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < c->value_count; i++) {
        struct value other = native(c->values[i].text);
        all[count++] = c->values[i];
        if (other.kind != V_NULL && b->dialect == DIALECT_SQLITE)
            all[count++] = other;
    }
    bool exact = count == c->value_count;
    if (!exact)
        text__char(&b->text, '(');
    inside__arrow(b, alias, &in);
    if (count == 1) {
        sql__text(b, " = ");
        sql__bind(b, NULL, &all[0]);
    } else {
        sql__in_list(b, NULL, all, count);
    }
    if (exact)
        return;
    sql__text(b, " AND ");
    inside__text(b, alias, &in);
    sql__in_list(b, NULL, c->values, c->value_count);
    text__char(&b->text, ')');
}

static void text_pattern(struct sql *b, const struct cond *c)
{
    struct text t;
    bool lite = b->dialect == DIALECT_SQLITE;
    text__init(&t, b->arena, c->values[0].text.len + 16);
    if (lite && c->op == OP_LIKE) {
        sql__glob_pattern(b, c->values[0].text, &t);
        sql__text(b, " GLOB +");
    } else {
        sql__like_pattern(b, c->values[0].text, &t);
        if (lite)
            sql__text(b, " LIKE +");
        else if (c->op == OP_LIKE)
            sql__text(b, " LIKE ");
        else
            sql__text(b, " ILIKE ");
    }
    sql__place(b, sql__add(b, value_text(text__done(&t))));
    if (lite && c->op == OP_ILIKE)
        sql__text(b, " ESCAPE '\\'");
}

static void text_test(struct sql *b, const struct cond *c, unsigned alias)
{
    struct inside in = at(c);
    if (c->op == OP_EQ || c->op == OP_IN) {
        text_among(b, c, alias);
        return;
    }
    if (c->op == OP_IS)
        inside__arrow(b, alias, &in);
    else
        inside__text(b, alias, &in);
    switch (c->op) {
    case OP_IS:
        sql__text(b, " IS NULL");
        break;
    case OP_LIKE:
    case OP_ILIKE:
        text_pattern(b, c);
        break;
    case OP_ISDISTINCT:
        if (b->dialect == DIALECT_SQLITE)
            sql__text(b, " IS NOT ");
        else
            sql__text(b, " IS DISTINCT FROM ");
        sql__bind(b, NULL, &c->values[0]);
        break;
    case OP_MATCH:
        if (b->dialect == DIALECT_SQLITE)
            sql__fail(b,
                      "the operator 'match' is not available on this database; use like or ilike");
        sql__text(b, " ~ ");
        sql__bind(b, NULL, &c->values[0]);
        break;
    default:
        sql__operator(b, c->op);
        sql__bind(b, NULL, &c->values[0]);
    }
}

/* ---- -> ---- */

static void type_test(struct sql *b, const struct cond *c, unsigned alias, const struct value *v)
{
    struct inside in = at(c);
    bool lite = b->dialect == DIALECT_SQLITE;
    inside__kind(b, alias, &in);
    if (v->kind == V_TEXT && lite)
        sql__text(b, " = 'text'");
    else if (v->kind == V_TEXT)
        sql__text(b, " = 'string'");
    else if (lite)
        sql__text(b, " IN ('integer','real')");
    else
        sql__text(b, " = 'number'");
}

/* A JSON literal that has one form only. */
static void literal_test(struct sql *b, const struct cond *c, unsigned alias, const struct value *v,
                         enum op op)
{
    struct inside in = at(c);
    inside__json(b, alias, &in);
    if (b->dialect == DIALECT_POSTGRES)
        sql__text(b, "::jsonb");
    sql__operator(b, op);
    if (v->kind == V_NULL)
        sql__text(b, "'null'");
    else if (v->truth)
        sql__text(b, "'true'");
    else
        sql__text(b, "'false'");
}

static void value_test(struct sql *b, const struct cond *c, unsigned alias, const struct value *v,
                       enum op op)
{
    if (v->kind == V_NULL || v->kind == V_BOOL) {
        if (op != OP_EQ && op != OP_NEQ)
            sql__fail(b, "true, false and null have no order: use eq or neq");
        literal_test(b, c, alias, v, op);
        return;
    }
    if (op == OP_NEQ) { /* a value of another type is unequal too */
        sql__text(b, "NOT (");
        value_test(b, c, alias, v, OP_EQ);
        text__char(&b->text, ')');
        return;
    }
    struct inside in = at(c);
    text__char(&b->text, '(');
    type_test(b, c, alias, v);
    sql__text(b, " AND ");
    if (b->dialect == DIALECT_POSTGRES && v->kind != V_TEXT)
        inside__number(b, alias, &in);
    else
        inside__arrow(b, alias, &in);
    sql__operator(b, op);
    sql__bind(b, NULL, v);
    text__char(&b->text, ')');
}

static void value_among(struct sql *b, const struct cond *c, unsigned alias)
{
    text__char(&b->text, '(');
    for (size_t i = 0; i < c->value_count; i++) {
        if (i)
            sql__text(b, " OR ");
        value_test(b, c, alias, &c->values[i], OP_EQ);
    }
    text__char(&b->text, ')');
}

/* ---- cs, cd ---- */

/* cs: what stands there contains the value; cd: it is contained in the value. */
static void contains_test(struct sql *b, const struct cond *c, unsigned alias)
{
    struct inside in = at(c);
    bool lite = b->dialect == DIALECT_SQLITE;
    if (lite && c->op == OP_CS)
        sql__text(b, "cairn_json_contains(");
    else if (lite)
        sql__text(b, "cairn_json_contained(");
    inside__json(b, alias, &in);
    if (lite)
        text__char(&b->text, ',');
    else if (c->op == OP_CS)
        sql__text(b, "::jsonb @> CAST(");
    else
        sql__text(b, "::jsonb <@ CAST(");
    sql__bind(b, NULL, &c->values[0]);
    if (lite)
        text__char(&b->text, ')');
    else
        sql__text(b, " AS jsonb)");
}

void sql__json_test(struct sql *b, const struct cond *c, unsigned alias)
{
    struct inside in = at(c);
    if (c->op == OP_CS || c->op == OP_CD) {
        contains_test(b, c, alias);
    } else if (c->path_text) {
        text_test(b, c, alias);
    } else if (c->op == OP_IS) {
        inside__json(b, alias, &in);
        sql__text(b, " IS NULL");
    } else if (c->op <= OP_LTE) {
        value_test(b, c, alias, &c->values[0], c->op);
    } else if (c->op == OP_IN) {
        value_among(b, c, alias);
    } else {
        sql__fail(b, "this operator needs a text: write ->> before the last key");
    }
}
