/* query.c -- the parameters of a list or of one row, understood.
 * Reserved words are read here; every other name is a filter. Nothing is ignored: what nobody knows
 * is refused with the nearest valid name. SPDX: Apache-2.0 */
#include "sql/query_priv.h"

/* Parameters that may stand once. */
enum slot { SLOT_SORT, SLOT_LIMIT, SLOT_PAGE, SLOT_OFFSET, SLOT_CURSOR, SLOT_COUNT, SLOT__COUNT };

static const char *const slot_names[SLOT__COUNT] = {"sort",   "limit",  "page",
                                                    "offset", "cursor", "count"};

struct listing {
    struct query q;
    const struct table *table;
    struct pick root;
    str slots[SLOT__COUNT];
    bool given[SLOT__COUNT];
    struct cond **filters;
    size_t filter_count;
    struct summary *summary; /* the list is one of groups; else NULL */
};

static bool find_slot(str name, enum slot *out)
{
    for (int i = 0; i < SLOT__COUNT; i++) {
        if (str_is(name, slot_names[i])) {
            *out = (enum slot)i;
            return true;
        }
    }
    return false;
}

static int take_param(struct listing *l, const struct query_param *p)
{
    enum slot slot;
    l->q.field = p->name;
    if (l->summary && str_is(p->name, "fields"))
        return 0; /* they were read first */
    if (l->summary && str_is(p->name, "include"))
        return query__bad(&l->q, "bad_include", "groups of rows include no others");
    if (l->summary && str_starts(p->name, LIT("having[")) && str_ends(p->name, LIT("]")))
        return summary__having(&l->q, l->summary, p->name, p->value);
    if (str_is(p->name, "fields"))
        return pick__fields(&l->q, &l->root, p->value);
    if (str_is(p->name, "include"))
        return pick__include(&l->q, &l->root, p->value);
    if (!find_slot(p->name, &slot)) {
        TRY(query__filter(&l->q, l->table, p->name, p->value, &l->filters[l->filter_count]));
        l->filter_count++;
        return 0;
    }
    if (l->given[slot])
        return query__bad(&l->q, "bad_parameter", "'%s' is given twice", slot_names[slot]);
    l->given[slot] = true;
    l->slots[slot] = p->value;
    return 0;
}

/* ---- paging ---- */

/* A whole number of at least `least`; `fallback` when the parameter is missing. */
static int number(struct listing *l, enum slot slot, int64_t least, int64_t fallback, int64_t *out)
{
    *out = fallback;
    if (!l->given[slot])
        return 0;
    l->q.field = str_of(slot_names[slot]);
    if (!str_to_i64(l->slots[slot], out) || *out < least)
        return query__bad(&l->q, "bad_page", "'%s': %s is a whole number from %lld",
                          query__show(&l->q, l->slots[slot]), slot_names[slot], (long long)least);
    return 0;
}

static int take_limit(struct listing *l, struct list_query *out)
{
    const struct sql_limits *limits = l->q.limits;
    int64_t usual =
        limits->default_limit < limits->max_limit ? limits->default_limit : limits->max_limit;
    TRY(number(l, SLOT_LIMIT, 1, usual, &out->limit));
    if (out->limit > limits->max_limit)
        return query__bad(&l->q, "bad_page", "limit is %lld at most", (long long)limits->max_limit);
    out->select.limit = out->limit;
    return 0;
}

static int take_offset(struct listing *l, struct list_query *out)
{
    int64_t most = l->q.limits->max_offset, *offset = &out->select.offset;
    TRY(number(l, SLOT_PAGE, 1, 1, &out->page));
    if (l->given[SLOT_OFFSET]) {
        TRY(number(l, SLOT_OFFSET, 0, 0, offset));
        out->page = 0;
    } else if (__builtin_mul_overflow(out->page - 1, out->limit, offset)) {
        *offset = INT64_MAX;
    }
    if (*offset > most)
        return query__bad(&l->q, "bad_page", "pages skip %lld rows at most; use cursor= to go on",
                          (long long)most);
    return 0;
}

static int take_paging(struct listing *l, const struct list_rules *rules, struct list_query *out)
{
    TRY(take_limit(l, out));
    if (l->given[SLOT_PAGE] && l->given[SLOT_OFFSET]) {
        l->q.field = LIT("offset");
        return query__bad(&l->q, "bad_page", "page and offset exclude each other");
    }
    if (!l->given[SLOT_CURSOR])
        return take_offset(l, out);
    l->q.field = LIT("cursor");
    if (l->summary)
        return query__bad(&l->q, "bad_page", "groups have no cursors; use page or offset");
    if (l->given[SLOT_PAGE] || l->given[SLOT_OFFSET])
        return query__bad(&l->q, "bad_page", "cursor excludes page and offset");
    out->paging = PAGE_CURSOR;
    out->select.limit = out->limit + 1;
    TRY(cursor__fingerprint(&l->q, out));
    out->explicit_cursor = l->slots[SLOT_CURSOR].len > 0;
    if (!out->explicit_cursor)
        return 0;
    return cursor__read(&l->q, l->slots[SLOT_CURSOR], rules, out);
}

static int take_count(struct listing *l, struct list_query *out)
{
    str word = l->slots[SLOT_COUNT];
    out->count = out->paging == PAGE_OFFSET ? COUNT_EXACT : COUNT_NONE;
    if (!l->given[SLOT_COUNT])
        return 0;
    l->q.field = LIT("count");
    if (str_is(word, "exact"))
        out->count = COUNT_EXACT;
    else if (str_is(word, "estimated"))
        out->count = COUNT_ESTIMATED;
    else if (str_is(word, "none"))
        out->count = COUNT_NONE;
    else
        return query__bad(&l->q, "bad_page", "'%s': count is exact, estimated or none",
                          query__show(&l->q, word));
    return 0;
}

/* ---- the whole ---- */

static struct cond *all_of(struct listing *l)
{
    if (l->filter_count < 2)
        return l->filter_count ? l->filters[0] : NULL;
    struct cond *c = ARENA_NEW(l->q.arena, struct cond);
    c->kind = COND_AND;
    c->parts = l->filters;
    c->part_count = l->filter_count;
    return c;
}

/* Functions in `fields` make the list one of groups; what they are called has to be known before
 * what is asked of them. */
static int take_summary(struct listing *l, const struct query_param *params, size_t count)
{
    bool asked = false;
    for (size_t i = 0; i < count; i++)
        asked = asked || (str_is(params[i].name, "fields") && summary__asked(params[i].value));
    if (!asked)
        return 0;
    l->summary = ARENA_NEW(l->q.arena, struct summary);
    l->q.field = LIT("fields");
    for (size_t i = 0; i < count; i++) {
        if (str_is(params[i].name, "fields"))
            TRY(summary__fields(&l->q, l->table, l->summary, params[i].value));
    }
    summary__gather(l->summary);
    return 0;
}

static int take_sort(struct listing *l, struct select *s)
{
    l->q.field = LIT("sort");
    if (l->given[SLOT_SORT] && !l->slots[SLOT_SORT].len)
        return query__bad(&l->q, "bad_sort", "sort names no column");
    if (l->summary)
        return summary__sort(&l->q, l->summary, l->slots[SLOT_SORT], s);
    return query__sort(&l->q, l->table, l->slots[SLOT_SORT], &s->order, &s->order_count);
}

int query_list(struct arena *a, const struct table *t, const struct query_param *params,
               size_t count, const struct list_rules *rules, struct list_query *out,
               struct err *err)
{
    struct listing l = {.q = {.arena = a, .limits = rules->limits, .err = err}, .table = t};
    *out = (struct list_query){.select = {.table = t}};
    pick__init(&l.root, t);
    l.filters = arena_new(a, (count + 1) * sizeof(struct cond *));
    if (rules->scope)
        l.filters[l.filter_count++] = rules->scope;
    TRY(take_summary(&l, params, count));
    for (size_t i = 0; i < count; i++)
        TRY(take_param(&l, &params[i]));
    out->select.where = all_of(&l);
    TRY(take_sort(&l, &out->select));
    l.q.field = LIT("include");
    if (l.summary)
        summary__finish(&l.q, l.summary, &out->select);
    else
        TRY(pick__finish(&l.q, &l.root, &out->select));
    TRY(take_paging(&l, rules, out));
    return take_count(&l, out);
}

static int one_param(struct query *q, struct pick *root, const struct query_param *p)
{
    static const char *const words[] = {"fields", "include", NULL};
    q->field = p->name;
    if (str_is(p->name, "fields"))
        return pick__fields(q, root, p->value);
    if (str_is(p->name, "include"))
        return pick__include(q, root, p->value);
    return query__bad(q, "unknown_parameter",
                      "unknown parameter '%s': one row takes fields and include%s",
                      query__show(q, p->name), query__hint(q, p->name, NULL, words));
}

int query_one(struct arena *a, const struct table *t, const struct query_param *params,
              size_t count, const struct sql_limits *limits, struct select *out, struct err *err)
{
    struct query q = {.arena = a, .limits = limits, .err = err};
    struct pick root;
    pick__init(&root, t);
    *out = (struct select){.table = t, .limit = -1};
    for (size_t i = 0; i < count; i++)
        TRY(one_param(&q, &root, &params[i]));
    return pick__finish(&q, &root, out);
}
