/* indexes.c -- indexes that another one stands in for, or whose columns stand in the wrong order,
 * or that hold rows nobody looks for. SPDX: Apache-2.0 */
#include "advise/advise_priv.h"

/* ---- one index and another ---- */

static bool same_start(const struct fact_index *x, const struct fact_index *y)
{
    if (x->count > y->count || !str_eq(x->where, y->where) || !x->own || !y->own)
        return false;
    for (size_t i = 0; i < x->count; i++) {
        if (!x->columns[i] || x->columns[i] != y->columns[i] ||
            x->descending[i] != y->descending[i])
            return false;
    }
    return true;
}

/* Of two alike, the one to keep: what a constraint needs, then the unique one, then the first. */
static bool keeps(const struct fact_index *y, const struct fact_index *x)
{
    if (y->primary != x->primary)
        return y->primary;
    if (y->constraint != x->constraint)
        return y->constraint;
    if (y->unique != x->unique)
        return y->unique;
    return y < x;
}

/* y does all that x does. */
static bool stands_in(const struct fact_index *y, const struct fact_index *x)
{
    if (y == x || !x->valid || !y->valid || x->primary || !same_start(x, y))
        return false;
    if (x->count == y->count)
        return keeps(y, x) && (y->unique || !x->unique);
    return !x->unique;
}

static str called(struct advisor *v, const struct fact_index *i)
{
    str list = advise__columns(v->arena, i->columns, i->count, false);
    if (i->primary)
        return arena_printf(v->arena, "the primary key (%.*s)", STR_ARG(list));
    if (i->constraint)
        return arena_printf(v->arena, "the unique key (%.*s)", STR_ARG(list));
    return arena_printf(v->arena, "%.*s (%.*s)", STR_ARG(i->name), STR_ARG(list));
}

static bool all_columns_known(const struct fact_index *i)
{
    for (size_t k = 0; k < i->count; k++) {
        if (!i->columns[k])
            return false;
    }
    return true;
}

static void redundant(struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    const struct fact_index *y = NULL;
    for (size_t i = 0; i < t->index_count && !y; i++) {
        if (all_columns_known(&t->indexes[i]) && stands_in(&t->indexes[i], x))
            y = &t->indexes[i];
    }
    if (!y)
        return;
    struct advice *to = advise__add(v, t, ADVICE_REDUNDANT, x->columns[0]);
    if (!to)
        return;
    bool same = x->count == y->count;
    if (!same)
        to->level = ADVICE_HINT;
    to->columns = advise__columns(v->arena, x->columns, x->count, false);
    to->reason = arena_printf(
        v->arena, "%.*s %s %.*s, which serves the same reads; every write pays for both.",
        STR_ARG(x->name), same ? "has the same columns as" : "is the beginning of",
        STR_ARG(called(v, y)));
    advise__drop(v, to, t, x);
}

/* ---- order of columns ---- */

static bool is_range(const struct column *c)
{
    return c->type == TYPE_TIMESTAMP || c->type == TYPE_DATE || c->type == TYPE_TIME ||
           c->type == TYPE_NUMERIC || c->type == TYPE_FLOAT4 || c->type == TYPE_FLOAT8;
}

static bool is_equality(const struct table *t, const struct column *c)
{
    return c->type == TYPE_BOOL || c->type == TYPE_ENUM || c->type == TYPE_UUID || c->label_count ||
           advise__foreign(t, c);
}

static void order(struct advisor *v, const struct fact_table *t, const struct fact_index *x)
{
    const struct column **list = ARENA_ARRAY(v->arena, const struct column *, x->count);
    size_t n = 0;
    if (x->constraint || x->unique || x->count < 2 || !all_columns_known(x) ||
        !is_range(x->columns[0]) || advise__foreign(t->table, x->columns[0]))
        return;
    for (size_t i = 0; i < x->count; i++) {
        if (is_equality(t->table, x->columns[i]))
            list[n++] = x->columns[i];
    }
    if (!n || advise__leads(t, list, n))
        return;
    size_t equal = n;
    for (size_t i = 0; i < x->count; i++) {
        if (!is_equality(t->table, x->columns[i]))
            list[n++] = x->columns[i];
    }
    struct advice *to = advise__add(v, t, ADVICE_ORDER, x->columns[0]);
    if (!to)
        return;
    to->columns = advise__columns(v->arena, x->columns, x->count, false);
    to->reason = arena_printf(
        v->arena,
        "%.*s begins with %.*s, which is asked for by range and order, and has %.*s, which is "
        "asked for by equality, behind it: such a read walks the whole range. With the equality in "
        "front it walks only its own rows, in order.",
        STR_ARG(x->name), STR_ARG(x->columns[0]->name),
        STR_ARG(advise__columns(v->arena, list, equal, false)));
    to->lead = list[0];
    advise__drop(v, to, t, x);
    advise__create(v, to, t->table, list, n, "");
}

void advise__indexes(struct advisor *v, const struct fact_table *t)
{
    for (size_t i = 0; i < t->index_count; i++) {
        redundant(v, t, &t->indexes[i]);
        order(v, t, &t->indexes[i]);
    }
}
