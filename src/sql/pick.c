/* pick.c -- the tree of what is shown: tables, their columns, related rows below.
 * Columns that only the machine needs (keys that join parents and children, the columns of the
 * order, which a cursor holds) are fetched behind those for the client. SPDX: Apache-2.0 */
#include "sql/query_priv.h"

void pick__init(struct pick *p, const struct table *t)
{
    *p = (struct pick){.table = t, .asked = true, .limit = -1};
}

static struct pick *find_kid(const struct pick *p, const struct relation *r)
{
    for (size_t i = 0; i < p->kid_count; i++) {
        if (p->kids[i]->relation == r)
            return p->kids[i];
    }
    return NULL;
}

static void add_kid(struct query *q, struct pick *p, struct pick *kid)
{
    if (p->kid_count == p->kid_cap) {
        p->kid_cap = p->kid_cap ? p->kid_cap * 2 : 4;
        struct pick **more = arena_new(q->arena, p->kid_cap * sizeof *more);
        if (p->kid_count)
            memcpy(more, p->kids, p->kid_count * sizeof *more);
        p->kids = more;
    }
    p->kids[p->kid_count++] = kid;
}

int pick__kid(struct query *q, struct pick *p, str name, struct pick **out)
{
    const struct relation *r = table_relation(p->table, name);
    if (!r) {
        struct table only = *p->table; /* suggest relations, not columns */
        only.column_count = 0;
        return query__bad(q, "bad_include", "'%s' has no relation '%s'%s",
                          query__show(q, p->table->name), query__show(q, name),
                          query__hint(q, name, &only, NULL));
    }
    *out = find_kid(p, r);
    if (*out)
        return 0;
    if (p->depth >= q->limits->include_depth)
        return query__bad(q, "bad_include", "related rows are included %u levels deep at most",
                          q->limits->include_depth);
    if (++q->includes > q->limits->include_count)
        return query__bad(q, "bad_include", "a request includes %u relations at most",
                          q->limits->include_count);
    struct pick *kid = ARENA_NEW(q->arena, struct pick);
    pick__init(kid, r->target);
    kid->asked = false;
    kid->relation = r;
    kid->depth = p->depth + 1;
    add_kid(q, p, kid);
    *out = kid;
    return 0;
}

/* ---- to a plan ---- */

static bool fetched(const struct select *s, const struct column *c)
{
    for (size_t i = 0; i < s->column_count; i++) {
        if (s->columns[i] == c)
            return true;
    }
    return false;
}

static void fetch(struct select *s, const struct column *c)
{
    if (!fetched(s, c))
        s->columns[s->column_count++] = c;
}

/* A file is shown with its address, which is that of its row. */
static void fetch_key(struct select *s, const struct table *t)
{
    bool files = false, open = true;
    for (size_t i = 0; i < s->shown; i++)
        files = files || s->columns[i]->file;
    for (size_t i = 0; i < t->primary.count; i++)
        open = open && !table_closed(t, t->primary.columns[i]->index);
    for (size_t i = 0; files && open && i < t->primary.count; i++)
        fetch(s, t->primary.columns[i]);
}

static void columns(struct query *q, const struct pick *p, struct select *s)
{
    const struct table *t = p->table;
    bool all = !p->listed && p->asked;
    size_t most = t->column_count + p->column_count + s->order_count;
    s->columns = arena_new(q->arena, (most + 1) * sizeof(struct column *));
    for (size_t i = 0; all && i < t->column_count; i++) {
        if (!table_closed(t, i))
            s->columns[s->column_count++] = &t->columns[i];
    }
    for (size_t i = 0; !all && i < p->column_count; i++)
        s->columns[s->column_count++] = p->columns[i];
    s->shown = s->column_count;
    fetch_key(s, t);
    for (size_t i = 0; i < s->order_count && !p->relation; i++)
        fetch(s, s->order[i].column);
    for (size_t i = 0; i < p->kid_count; i++) {
        const struct key *local = &p->kids[i]->relation->local;
        for (size_t j = 0; j < local->count; j++)
            fetch(s, local->columns[j]);
    }
}

static int include(struct query *q, const struct pick *kid, struct include *inc)
{
    struct select *s = &inc->select;
    inc->relation = kid->relation;
    inc->name = kid->relation->name;
    s->table = kid->table;
    s->limit = -1;
    if (kid->relation->kind != REL_ONE) {
        s->limit = kid->limit >= 0 ? kid->limit : q->limits->include_limit;
        s->order = kid->order;
        s->order_count = kid->order_count;
        if (!s->order)
            TRY(query__sort(q, kid->table, LIT(""), &s->order, &s->order_count));
    }
    return pick__finish(q, kid, s);
}

int pick__finish(struct query *q, const struct pick *p, struct select *s)
{
    columns(q, p, s);
    if (!p->kid_count)
        return 0;
    s->includes = ARENA_ARRAY(q->arena, struct include, p->kid_count);
    s->include_count = p->kid_count;
    for (size_t i = 0; i < p->kid_count; i++)
        TRY(include(q, p->kids[i], &s->includes[i]));
    return 0;
}
