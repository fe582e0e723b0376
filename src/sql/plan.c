/* plan.c -- small makers for plans built by hand. SPDX: Apache-2.0 */
#include "sql/sql.h"

struct cond *cond_test(struct arena *a, const struct column *c, enum op op, struct value v)
{
    struct cond *t = ARENA_NEW(a, struct cond);
    t->kind = COND_TEST;
    t->op = op;
    t->column = c;
    t->values = arena_new(a, sizeof v);
    t->values[0] = v;
    t->value_count = 1;
    return t;
}

struct cond *cond_and(struct arena *a, struct cond *x, struct cond *y)
{
    if (!x || !y)
        return x ? x : y;
    struct cond *both = ARENA_NEW(a, struct cond);
    both->kind = COND_AND;
    both->parts = arena_new(a, 2 * sizeof(struct cond *));
    both->parts[0] = x;
    both->parts[1] = y;
    both->part_count = 2;
    return both;
}

const struct column **all_columns(struct arena *a, const struct table *t)
{
    size_t count = t->column_count ? t->column_count : 1;
    const struct column **list = arena_new(a, count * sizeof(struct column *));
    for (size_t i = 0; i < t->column_count; i++)
        list[i] = &t->columns[i];
    return list;
}
