/* index.c -- what the model's indexes promise about the cost of a statement.
 * Cautious: "yes" must be true of SQLite's planner, "no" costs only a look by EXPLAIN.
 * SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

static bool has(const struct key *k, const struct column *c)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i] == c)
            return true;
    }
    return false;
}

static bool all_in(const struct key *inner, const struct key *outer)
{
    for (size_t i = 0; i < inner->count; i++) {
        if (!has(outer, inner->columns[i]))
            return false;
    }
    return inner->count > 0;
}

bool sql__unique(const struct table *t, const struct key *key)
{
    if (all_in(&t->primary, key))
        return true;
    for (size_t i = 0; i < t->unique_count; i++) {
        if (!t->uniques[i].partial && all_in(&t->uniques[i], key))
            return true;
    }
    return false;
}

/* May this order be read off an index whose columns ascend, forwards or backwards? */
static bool readable(const struct order *o, const struct order *first)
{
    return o->descending == first->descending &&
           (!o->column->nullable || o->nulls_first == !o->descending);
}

static bool never_null(const struct key *k)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i]->nullable)
            return false;
    }
    return true;
}

static bool serves(const struct table *t, const struct key *index, const struct key *equal,
                   const struct order *list, size_t count)
{
    size_t at = equal ? equal->count : 0, i = 0;
    if (index->partial || index->count < at)
        return false;
    for (size_t j = 0; j < at; j++) {
        if (!has(equal, index->columns[j]))
            return false;
    }
    for (; at < index->count && i < count; at++, i++) {
        if (index->columns[at] != list[i].column || !readable(&list[i], &list[0]))
            return false;
    }
    if (i == count)
        return true;
    if (index->unique && never_null(index))
        return true;
    return t->rowid && i + 1 == count && list[i].column == t->primary.columns[0] &&
           readable(&list[i], &list[0]);
}

bool sql__order_indexed(const struct table *t, const struct key *equal, const struct order *list,
                        size_t count)
{
    struct key primary = t->primary;
    primary.unique = true;
    if (t->view)
        return false;
    if (primary.count && serves(t, &primary, equal, list, count))
        return true;
    for (size_t i = 0; i < t->index_count; i++) {
        if (serves(t, &t->indexes[i], equal, list, count))
            return true;
    }
    return false;
}
