/* sort.c -- `sort=-created_at,id.nullsfirst`, completed to a total order.
 * What is missing to make the order unique is added behind: the primary key, else a unique key
 * without nulls, else every column. It runs in the direction of the last column asked for, so that
 * one index, read one way, serves both. SPDX: Apache-2.0 */
#include "sql/query_priv.h"

enum { SORT_MOST = 8 };

static bool ordered_by(const struct order *list, size_t count, const struct column *c)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].column == c)
            return true;
    }
    return false;
}

static bool covers(const struct order *list, size_t count, const struct key *k)
{
    if (!k->count || k->partial)
        return false;
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i]->nullable || !ordered_by(list, count, k->columns[i]))
            return false;
    }
    return true;
}

/* The key that ends the order; NULL when there is none. */
static const struct key *tie_breaker(const struct table *t)
{
    if (t->primary.count)
        return &t->primary;
    for (size_t i = 0; i < t->unique_count; i++) {
        const struct key *k = &t->uniques[i];
        bool fit = k->count > 0 && !k->partial;
        for (size_t j = 0; j < k->count; j++)
            fit = fit && !k->columns[j]->nullable;
        if (fit)
            return k;
    }
    return NULL;
}

static bool total(const struct table *t, const struct order *list, size_t count)
{
    if (covers(list, count, &t->primary))
        return true;
    for (size_t i = 0; i < t->unique_count; i++) {
        if (covers(list, count, &t->uniques[i]))
            return true;
    }
    return false;
}

static void complete(const struct table *t, struct order *list, size_t *count)
{
    const struct key *k = tie_breaker(t);
    size_t all = k ? k->count : t->column_count;
    bool down = *count > 0 && list[*count - 1].descending;
    if (total(t, list, *count))
        return;
    for (size_t i = 0; i < all; i++) {
        const struct column *c = k ? k->columns[i] : &t->columns[i];
        if (!ordered_by(list, *count, c))
            list[(*count)++] = (struct order){c, down, down};
    }
}

/* Cuts one ending off the name: true when it was there. */
static bool ending(str *name, const char *text)
{
    str end = str_of(text);
    if (!str_ends(*name, end) || name->len == end.len)
        return false;
    name->len -= end.len;
    return true;
}

static int unknown(struct query *q, const struct table *t, str name)
{
    size_t dot = str_find(name, '.');
    if (dot != STR_NONE && table_relation(t, str_upto(name, dot)))
        return query__bad(q, "bad_sort", "'%s': rows cannot be sorted by a column of another table",
                          query__show(q, name));
    return query__bad(q, "bad_sort", "'%s' has no column '%s'%s", query__show(q, t->name),
                      query__show(q, name), query__hint(q, name, t, NULL));
}

/* Rows with a number there come by the number, then those with something else by its text: two
 * columns of the order, the same on both engines. */
static int place(struct query *q, const struct table *t, str name, const struct order *way,
                 struct order *list, size_t *count)
{
    struct place p = {0};
    if (*count + 2 > SORT_MOST)
        return query__bad(q, "bad_sort",
                          "rows are sorted by %d columns at most, a place inside "
                          "JSON counting twice",
                          SORT_MOST);
    TRY(query__inside(q, t, name, &p));
    list[*count] = list[*count + 1] = *way;
    list[(*count)++].column = query__virtual(q, &p, FORM_SORT_NUMBER, name);
    list[(*count)++].column = query__virtual(q, &p, FORM_SORT_TEXT, name);
    return 0;
}

int query__direction(struct query *q, str *name, struct order *o)
{
    bool minus = str_starts(*name, LIT("-"));
    if (minus)
        *name = str_from(*name, 1);
    bool first = ending(name, ".nullsfirst"), last = !first && ending(name, ".nullslast");
    bool down = ending(name, ".desc"), up = !down && ending(name, ".asc");
    if (minus && (down || up))
        return query__bad(q, "bad_sort", "'%s': write '-' or a direction, not both",
                          query__show(q, *name));
    *o = (struct order){.descending = minus || down};
    o->nulls_first = first || (o->descending && !last);
    return 0;
}

static int one(struct query *q, const struct table *t, str name, struct order *list, size_t *count)
{
    struct order o;
    TRY(query__direction(q, &name, &o));
    if (name.len && query__leads_inside(t, name))
        return place(q, t, name, &o, list, count);
    o.column = query__column(t, name);
    if (!o.column)
        return unknown(q, t, name);
    if (o.column->type == TYPE_JSON)
        return query__bad(q, "bad_sort",
                          "'%s' is JSON, which has no order; name a place inside: %s->key",
                          query__show(q, name), query__show(q, name));
    if (ordered_by(list, *count, o.column))
        return query__bad(q, "bad_sort", "'%s' is named twice", query__show(q, name));
    if (*count == SORT_MOST)
        return query__bad(q, "bad_sort", "rows are sorted by %d columns at most", SORT_MOST);
    list[(*count)++] = o;
    return 0;
}

int query__sort(struct query *q, const struct table *t, str text, struct order **out, size_t *count)
{
    struct order *list = arena_new(q->arena, (SORT_MOST + t->column_count) * sizeof *list);
    *count = 0;
    for (str rest = text; text.len && rest.ptr;)
        TRY(one(q, t, str_cut(&rest, ','), list, count));
    complete(t, list, count);
    *out = list;
    return 0;
}
