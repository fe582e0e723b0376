/* cond.c -- conditions as SQL. A relation becomes EXISTS, so that a filter never multiplies rows.
 * Long lists are halved with parentheses: SQLite reads "a AND b AND c" as a tree as deep as the
 * list is long, and refuses a thousand levels. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

enum { DEPTH_MOST = 100, FLAT_MOST = 100 };

bool sql__crosses(const struct cond *c)
{
    if (!c || c->kind == COND_TEST)
        return false;
    if (c->kind == COND_EXISTS)
        return true;
    for (size_t i = 0; i < c->part_count; i++) {
        if (sql__crosses(c->parts[i]))
            return true;
    }
    return false;
}

void sql__operator(struct sql *b, enum op op)
{
    static const char *const texts[] = {
        [OP_EQ] = " = ",   [OP_NEQ] = " <> ", [OP_GT] = " > ",
        [OP_GTE] = " >= ", [OP_LT] = " < ",   [OP_LTE] = " <= ",
    };
    CHECK(op <= OP_LTE);
    text__str(&b->text, str_of(texts[op]));
}

static void is_test(struct sql *b, const struct value *v, bool negated)
{
    if (negated)
        sql__text(b, " IS NOT ");
    else
        sql__text(b, " IS ");
    if (v->kind != V_BOOL)
        sql__text(b, "NULL");
    else if (b->dialect == DIALECT_SQLITE) /* IS 1 can use an index, IS TRUE cannot */
        text__char(&b->text, v->truth ? '1' : '0');
    else if (v->truth)
        sql__text(b, "TRUE");
    else
        sql__text(b, "FALSE");
}

/* "x" = TRUE finds what "x" IS TRUE finds, as no row is found by null either; and it is what the
 * engines know again in an index ... WHERE x = true. */
static void bool_test(struct sql *b, const struct value *v)
{
    sql__text(b, " = ");
    if (b->dialect == DIALECT_SQLITE)
        text__char(&b->text, v->truth ? '1' : '0');
    else if (v->truth)
        sql__text(b, "TRUE");
    else
        sql__text(b, "FALSE");
}

static void distinct_test(struct sql *b, const struct cond *c)
{
    if (b->dialect == DIALECT_SQLITE)
        sql__text(b, " IS NOT ");
    else
        sql__text(b, " IS DISTINCT FROM ");
    sql__bind(b, c->column, &c->values[0]);
}

static void match_test(struct sql *b, const struct cond *c)
{
    if (b->dialect == DIALECT_SQLITE) {
        sql__fail(b, "the operator 'match' is not available on this database; use like or ilike");
        return;
    }
    sql__text(b, " ~ ");
    sql__bind(b, c->column, &c->values[0]);
}

static void column_test(struct sql *b, const struct cond *c, unsigned alias)
{
    sql__column(b, alias, c->column);
    switch (c->op) {
    case OP_IN:
        sql__in_list(b, c->column, c->values, c->value_count);
        break;
    case OP_IS:
        if (c->values[0].kind == V_BOOL && !b->nots)
            bool_test(b, &c->values[0]);
        else
            is_test(b, &c->values[0], false);
        break;
    case OP_ISDISTINCT:
        distinct_test(b, c);
        break;
    case OP_MATCH:
        match_test(b, c);
        break;
    default:
        sql__operator(b, c->op);
        sql__bind(b, c->column, &c->values[0]);
    }
}

static void test(struct sql *b, const struct cond *c, unsigned alias)
{
    b->tested = c->column;
    if (c->op == OP_IN && c->value_count == 0)
        sql__text(b, "FALSE");
    else if (c->op == OP_FTS)
        sql__fail(b, "the operator fts is not available on this database");
    else if (c->path_count || c->op == OP_CS || c->op == OP_CD)
        sql__json_test(b, c, alias);
    else if (c->op == OP_LIKE || c->op == OP_ILIKE)
        sql__like(b, c, alias);
    else
        column_test(b, c, alias);
    b->tested = NULL;
}

/* AND or OR of some parts of c. */
static void parts(struct sql *b, const struct cond *c, size_t from, size_t count, unsigned alias)
{
    if (count > FLAT_MOST) {
        text__char(&b->text, '(');
        parts(b, c, from, count / 2, alias);
        if (c->kind == COND_AND)
            sql__text(b, ") AND (");
        else
            sql__text(b, ") OR (");
        parts(b, c, from + count / 2, count - count / 2, alias);
        text__char(&b->text, ')');
        return;
    }
    for (size_t i = from; i < from + count; i++) {
        const struct cond *part = c->parts[i];
        bool inner = (part->kind == COND_AND || part->kind == COND_OR) && part->part_count > 1;
        if (i > from && c->kind == COND_AND)
            sql__text(b, " AND ");
        else if (i > from)
            sql__text(b, " OR ");
        if (inner)
            text__char(&b->text, '(');
        sql__cond(b, part, alias);
        if (inner)
            text__char(&b->text, ')');
    }
}

static void not_cond(struct sql *b, const struct cond *c, unsigned alias)
{
    const struct cond *part = c->parts[0];
    if (part->kind == COND_TEST && part->op == OP_IS && !part->path_count) {
        sql__column(b, alias, part->column);
        is_test(b, &part->values[0], true);
        return;
    }
    sql__text(b, "NOT (");
    b->nots++;
    sql__cond(b, part, alias);
    b->nots--;
    text__char(&b->text, ')');
}

/* x."a" = y."c" AND x."b" = y."d" */
static void joined(struct sql *b, unsigned x, const struct key *left, unsigned y,
                   const struct key *right)
{
    for (size_t i = 0; i < left->count; i++) {
        if (i)
            sql__text(b, " AND ");
        sql__column(b, x, left->columns[i]);
        sql__text(b, " = ");
        sql__column(b, y, right->columns[i]);
    }
}

/* (a,b) IN (SELECT c,d FROM the related rows): reads those rows first, while EXISTS would be asked
 * of every row of the table. */
static void among(struct sql *b, const struct cond *c, unsigned alias)
{
    const struct relation *r = c->relation;
    unsigned target = b->aliases++;
    bool many = r->local.count > 1;
    BUG_ON(r->kind == REL_THROUGH || !c->part_count);
    if (many)
        text__char(&b->text, '(');
    sql__columns(b, alias, r->local.columns, r->local.count);
    if (many)
        text__char(&b->text, ')');
    sql__text(b, " IN (SELECT ");
    sql__columns(b, target, r->remote.columns, r->remote.count);
    sql__text(b, " FROM ");
    sql__table(b, r->target, target);
    sql__text(b, " WHERE ");
    sql__cond(b, c->parts[0], target);
    text__char(&b->text, ')');
}

static void exists(struct sql *b, const struct cond *c, unsigned alias)
{
    const struct relation *r = c->relation;
    unsigned target = b->aliases++;
    sql__text(b, "EXISTS (SELECT 1 FROM ");
    if (r->kind == REL_THROUGH) {
        unsigned link = b->aliases++;
        sql__table(b, r->through, link);
        sql__text(b, " JOIN ");
        sql__table(b, r->target, target);
        sql__text(b, " ON ");
        joined(b, target, &r->remote, link, &r->far);
        sql__text(b, " WHERE ");
        joined(b, link, &r->near, alias, &r->local);
    } else {
        sql__table(b, r->target, target);
        sql__text(b, " WHERE ");
        joined(b, target, &r->remote, alias, &r->local);
    }
    if (c->part_count) {
        bool either = c->parts[0]->kind == COND_OR;
        sql__text(b, " AND ");
        if (either)
            text__char(&b->text, '(');
        sql__cond(b, c->parts[0], target);
        if (either)
            text__char(&b->text, ')');
    }
    text__char(&b->text, ')');
}

void sql__cond(struct sql *b, const struct cond *c, unsigned alias)
{
    if (b->code < 0)
        return;
    if (++b->depth > DEPTH_MOST)
        sql__fail(b, "the filter is nested too deeply");
    else if (c->kind == COND_TEST)
        test(b, c, alias);
    else if (c->kind == COND_NOT)
        not_cond(b, c, alias);
    else if (c->kind == COND_EXISTS && c->few)
        among(b, c, alias);
    else if (c->kind == COND_EXISTS)
        exists(b, c, alias);
    else if (c->kind == COND_TRUE || (c->kind == COND_AND && !c->part_count))
        sql__text(b, "TRUE");
    else if (c->kind == COND_FALSE || !c->part_count)
        sql__text(b, "FALSE");
    else
        parts(b, c, 0, c->part_count, alias);
    b->depth--;
}
