/* filter.c -- the filter language: parameters, groups, and conditions over relations.
 * Every parameter stands for itself and all must hold: two parameters over a to-many relation may
 * be met by two different related rows; comments.and=(...) asks for one row that meets all.
 * SPDX: Apache-2.0 */
#include "sql/query_priv.h"

enum { GROUP_DEPTH = 16 };

static int item(struct query *q, const struct table *t, struct scan *s, unsigned depth,
                struct cond **out);

static struct cond *node(struct query *q, enum cond_kind kind, struct cond **parts, size_t count)
{
    struct cond *c = ARENA_NEW(q->arena, struct cond);
    c->kind = kind;
    c->parts = arena_new(q->arena, (count ? count : 1) * sizeof(struct cond *));
    if (count)
        memcpy(c->parts, parts, count * sizeof(struct cond *));
    c->part_count = count;
    return c;
}

/* EXISTS over each relation of the place, the last one innermost. A test of a row (is.null) holds
 * its own EXISTS for the last relation already. */
static struct cond *across(struct query *q, const struct place *p, struct cond *c)
{
    size_t count = p->relation_count - (p->kind == PLACE_ROW);
    while (count-- > 0) {
        c = node(q, COND_EXISTS, &c, 1);
        c->relation = p->relations[count];
    }
    return c;
}

static int count_node(struct query *q)
{
    if (++q->nodes > q->limits->filter_nodes)
        return query__bad(q, "bad_filter", "a filter has %u conditions at most",
                          q->limits->filter_nodes);
    return 0;
}

/* "(item,item,...)" */
static int group(struct query *q, const struct place *p, struct scan *s, unsigned depth,
                 struct cond **out)
{
    struct cond **parts = NULL;
    size_t count = 0, cap = 0;
    if (depth > GROUP_DEPTH)
        return query__bad(q, "bad_filter", "groups are nested %d deep at most", GROUP_DEPTH);
    if (!scan_take(s, '('))
        return query__bad(q, "bad_filter", "a group needs parentheses: or=(age.lt.18,age.gt.65)");
    do {
        if (count == cap) {
            struct cond **more = arena_new(q->arena, (cap = cap ? cap * 2 : 4) * sizeof *more);
            if (count)
                memcpy(more, parts, count * sizeof *more);
            parts = more;
        }
        TRY(item(q, p->table, s, depth + 1, &parts[count]));
        count++;
    } while (scan_take(s, ','));
    if (!scan_take(s, ')'))
        return query__bad(q, "bad_filter",
                          "'%s': ',' or ')' expected at '%s'; values with reserved characters need "
                          "double quotes",
                          query__show(q, s->text), query__show(q, scan_rest(s)));
    struct cond *c = node(q, p->kind == PLACE_AND ? COND_AND : COND_OR, parts, count);
    *out = p->negated ? node(q, COND_NOT, &c, 1) : c;
    return 0;
}

static int item(struct query *q, const struct table *t, struct scan *s, unsigned depth,
                struct cond **out)
{
    struct place p = {0};
    TRY(count_node(q));
    TRY(query__place(q, t, s, PLACE_ITEM, &p));
    if (p.kind == PLACE_AND || p.kind == PLACE_OR) {
        TRY(group(q, &p, s, depth, out));
    } else {
        if (!scan_take(s, '.'))
            return query__bad(q, "bad_filter",
                              "'%s': an operator must follow the column, as in age.gte.18",
                              query__show(q, s->text));
        TRY(query__test(q, &p, s, true, out));
    }
    *out = across(q, &p, *out);
    return 0;
}

static int all_read(struct query *q, const struct scan *s)
{
    if (scan_end(s))
        return 0;
    return query__bad(q, "bad_filter", "'%s': nothing expected at '%s'", query__show(q, s->text),
                      query__show(q, scan_rest(s)));
}

int query__filter(struct query *q, const struct table *t, str name, str value, struct cond **out)
{
    struct place p = {0};
    struct scan left = {name, 0}, right = {value, 0};
    enum place_style style = PLACE_NAME;
    q->field = name;
    if (str_starts(name, LIT("filter[")) && str_ends(name, LIT("]"))) {
        left.text = (str){name.ptr + 7, name.len - 8};
        style = PLACE_BRACKET;
    }
    TRY(count_node(q));
    TRY(query__place(q, t, &left, style, &p));
    if (p.kind == PLACE_AND || p.kind == PLACE_OR)
        TRY(group(q, &p, &right, 1, out));
    else
        TRY(query__test(q, &p, &right, false, out));
    TRY(all_read(q, &right));
    *out = across(q, &p, *out);
    return 0;
}

int query_filter(struct arena *a, const struct table *t, str name, str value,
                 const struct sql_limits *limits, struct cond **out, struct err *err)
{
    struct query q = {.arena = a, .limits = limits, .err = err, .field = name};
    if (name.len)
        return query__filter(&q, t, name, value, out);
    struct scan s = {value, 0};
    TRY(item(&q, t, &s, 0, out));
    return all_read(&q, &s);
}
