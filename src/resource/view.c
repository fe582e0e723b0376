/* view.c -- the model as the roles of a caller see it. Columns that they may not know of have no
 * name in it: what is not there cannot be shown, filtered, sorted by or written. A view is made
 * when somebody of those roles comes for the first time; then it is const.
 * Columns and keys are those of the model itself; only the tables are copies. SPDX: Apache-2.0 */
#include "resource/guard.h"

#include "base/mem.h"

#include <stdatomic.h>

enum { VIEW_MEMORY = 64 << 20 };

struct view {
    struct view *next;
    uint64_t roles;
    struct schema schema;
    struct resource_set set;
    struct ready **ready; /* by position in schema.tables; NULL: none */
    struct arena arena;
};

static struct table *view_table(struct view *v, const struct schema *base, const struct table *t)
{
    return &((struct table *)(uintptr_t)v->schema.tables)[t - base->tables];
}

static void copy_relations(struct view *v, const struct schema *base, struct table *t)
{
    struct relation *list = ARENA_ARRAY(&v->arena, struct relation, t->relation_count);
    map_init(&t->rel_by_name);
    for (size_t i = 0; i < t->relation_count; i++) {
        list[i] = t->relations[i];
        list[i].from = t;
        list[i].target = view_table(v, base, list[i].target);
        if (list[i].through)
            list[i].through = view_table(v, base, list[i].through);
        map_set(&t->rel_by_name, list[i].name, &list[i]);
    }
    t->relations = list;
}

static void copy_foreign_keys(struct view *v, const struct schema *base, struct table *t)
{
    struct foreign_key *list = ARENA_ARRAY(&v->arena, struct foreign_key, t->foreign_key_count);
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        list[i] = t->foreign_keys[i];
        if (list[i].target)
            list[i].target = view_table(v, base, list[i].target);
    }
    t->foreign_keys = list;
}

static void copy_names(struct table *t)
{
    map_init(&t->by_name);
    for (size_t i = 0; i < t->column_count; i++) {
        if (!table_closed(t, i))
            map_set(&t->by_name, t->columns[i].name, (void *)(uintptr_t)&t->columns[i]);
    }
}

const struct column **resource__visible(struct arena *a, const struct table *t, size_t *count)
{
    const struct column **list = all_columns(a, t);
    *count = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        if (!table_closed(t, i))
            list[(*count)++] = &t->columns[i];
    }
    return list;
}

const struct value *resource__open_cells(struct arena *a, const struct table *t,
                                         const struct value *cells)
{
    size_t count = 0;
    if (!t->closed)
        return cells;
    struct value *list = ARENA_ARRAY(a, struct value, t->column_count);
    for (size_t i = 0; i < t->column_count; i++) {
        if (!t->closed[i])
            list[count++] = cells[i];
    }
    return list;
}

/* A version of the API hides columns from everybody. */
static const bool *either(struct arena *a, const struct table *t, const bool *closed)
{
    if (!closed || !t->closed)
        return closed ? closed : t->closed;
    bool *list = ARENA_ARRAY(a, bool, t->column_count);
    for (size_t i = 0; i < t->column_count; i++)
        list[i] = closed[i] || t->closed[i];
    return list;
}

static void shapes(struct view *v)
{
    size_t count = v->schema.table_count;
    struct row_shape *list = ARENA_ARRAY(&v->arena, struct row_shape, count);
    for (size_t i = 0; i < count; i++) {
        size_t shown;
        const struct column **columns = resource__visible(&v->arena, &v->schema.tables[i], &shown);
        row_shape_init(&list[i], &v->arena, columns, shown);
        resource__file_places(&list[i], &v->arena, v->set.base, &v->schema.tables[i],
                              &(struct shape_cells){columns, shown});
    }
    v->set.shapes = list;
    v->set.warnings = v->set.warnings ? resource__warnings(&v->arena, &v->schema) : NULL;
}

static void prepare(struct view *v)
{
    v->ready = ARENA_ARRAY(&v->arena, struct ready *, v->schema.table_count);
    for (size_t i = 0; i < v->schema.table_count; i++) {
        struct ready *r = ARENA_NEW(&v->arena, struct ready);
        if (resource__prepare_ruled(&v->arena, &v->set, &v->schema.tables[i], r))
            v->ready[i] = r;
    }
}

static struct view *make(const struct resource_set *set, uint64_t roles)
{
    const struct schema *base = set->schema;
    struct view *v = mem_zero(1, sizeof *v);
    arena_init(&v->arena, VIEW_MEMORY);
    v->roles = roles;
    struct table *tables = ARENA_ARRAY(&v->arena, struct table, base->table_count);
    memcpy(tables, base->tables, base->table_count * sizeof *tables);
    v->schema.tables = tables;
    v->schema.table_count = base->table_count;
    map_init(&v->schema.by_name);
    for (size_t i = 0; i < base->table_count; i++) {
        tables[i].closed = either(
            &v->arena, &base->tables[i],
            access_closed(&v->arena, set->config->access, &base->tables[i], ACTION_READ, roles));
        copy_names(&tables[i]);
        copy_relations(v, base, &tables[i]);
        copy_foreign_keys(v, base, &tables[i]);
        map_set(&v->schema.by_name, tables[i].name, &tables[i]);
    }
    v->set = *set;
    v->set.schema = &v->schema;
    v->set.base = set;
    v->set.roles = roles;
    shapes(v);
    prepare(v);
    return v;
}

static void view_free(struct view *v)
{
    for (size_t i = 0; i < v->schema.table_count; i++) {
        map_fini((struct map *)(uintptr_t)&v->schema.tables[i].by_name);
        map_fini((struct map *)(uintptr_t)&v->schema.tables[i].rel_by_name);
    }
    map_fini(&v->schema.by_name);
    arena_reset(&v->arena);
    mem_free(v);
}

void resource_views_free(struct resource_views *views)
{
    struct view *v = atomic_load(&views->first);
    while (v) {
        struct view *next = v->next;
        view_free(v);
        v = next;
    }
    atomic_store(&views->first, NULL);
}

static struct view *find(struct view *v, uint64_t roles)
{
    while (v && v->roles != roles)
        v = v->next;
    return v;
}

/* Two threads may make the same one: the first to add it wins. */
static struct view *view_of(const struct resource_set *set, uint64_t roles)
{
    struct resource_views *views = set->config->views;
    struct view *first = atomic_load_explicit(&views->first, memory_order_acquire);
    struct view *v = find(first, roles);
    if (LIKELY(v))
        return v;
    struct view *made = make(set, roles);
    do {
        v = find(first, roles);
        if (v) {
            view_free(made);
            return v;
        }
        made->next = first;
    } while (!atomic_compare_exchange_weak(&views->first, &first, made));
    return made;
}

/* The same endpoint over the view's tables. */
static void look_through(struct view *v, struct resource *r)
{
    const struct schema *base = r->set->schema;
    if (r->relation) {
        size_t at = (size_t)(r->relation - r->up->relations);
        r->up = view_table(v, base, r->up);
        r->relation = &r->up->relations[at];
    }
    if (r->near.from) {
        r->near.from = view_table(v, base, r->near.from);
        r->near.target = view_table(v, base, r->near.target);
    }
    r->table = view_table(v, base, r->table);
    r->set = &v->set;
}

bool resource__as_ready(struct request *rq, const struct resource *r, struct resource *copy,
                        struct stmt *st, struct value **binds)
{
    const struct access *x = r->set->config->access;
    const struct principal *me = rq->principal;
    if (!x || rq->query.len || principal_barred(me, r->table->name, LIT("read")))
        return false;
    uint64_t roles = access_roles(x, me);
    struct view *v = view_of(r->set, roles);
    const struct ready *ready = v->ready[r->table - r->set->schema->tables];
    if (!ready)
        return false;
    struct asking q = {ACTION_READ, roles, me, resource__clock()};
    if (!resource__fill_ready(&rq->arena, &v->set, ready, &q, binds))
        return false;
    *copy = *r;
    look_through(v, copy);
    *st = ready->st;
    st->binds = *binds;
    rq->reply->documents = r->table->document != NULL;
    return true;
}

bool resource__also(struct request *rq, const struct resource *r, enum action act,
                    struct resource *copy)
{
    const struct resource_set *s = r->set;
    *copy = *r;
    if (!r->grant)
        return true;
    struct grant *g = ARENA_NEW(&rq->arena, struct grant);
    struct asking q = {act, s->roles, rq->principal, resource__clock()};
    const struct table *own = &s->base->schema->tables[r->table - s->schema->tables];
    access_grant(&rq->arena, s->config->access, own, &q, g);
    copy->grant = g;
    return g->allowed;
}

int resource__as(struct request *rq, const struct resource *r, enum action act,
                 struct resource *copy, const struct resource **out, struct err *err)
{
    const struct access *x = r->set->config->access;
    struct grant *g;
    *out = r;
    rq->reply->documents = r->table->document != NULL;
    if (!x)
        return 0;
    uint64_t roles = access_roles(x, rq->principal);
    g = ARENA_NEW(&rq->arena, struct grant);
    struct asking q = {act, roles, rq->principal, resource__clock()};
    access_grant(&rq->arena, x, r->table, &q, g);
    if (!g->allowed)
        return resource__denied(rq, r->table, act, err);
    *copy = *r;
    look_through(view_of(r->set, roles), copy);
    copy->grant = g;
    copy->one_ready = false; /* resource__as_ready would have found it */
    *out = copy;
    return 0;
}
