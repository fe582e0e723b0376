/* view.c -- the model as the roles of a caller see it. Columns that they may not know of have no
 * name in it: what is not there cannot be shown, filtered, sorted by or written. A view is made
 * when somebody of those roles comes for the first time; then it is const, but for the statements
 * that are made when a table is first read by its id.
 * Columns and keys are those of the model itself; only the tables are copies.
 * Who may make keys with some of its roles comes with as many combinations as it likes. Hence
 * (1) only roles that rules tell apart make another view, (2) the views that stay are bounded in
 * number and size, (3) past that a request makes its own in its own memory. SPDX: Apache-2.0 */
#include "resource/guard.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

enum { VIEW_MEMORY = 64 << 20 };

struct view {
    uint64_t roles; /* access_ruled */
    struct schema schema;
    struct resource_set set;
    /* Of one that stays: by position in schema.tables; NULL: not yet, &never: there is none. */
    _Atomic(const struct ready *) *ready;
    pthread_mutex_t lock; /* over arena, once the view is const */
    struct arena arena;
};

static const struct ready never;

static struct table *view_table(struct view *v, const struct schema *base, const struct table *t)
{
    return &((struct table *)(uintptr_t)v->schema.tables)[t - base->tables];
}

static void copy_relations(struct view *v, struct arena *a, const struct schema *base,
                           struct table *t)
{
    struct relation *list = ARENA_ARRAY(a, struct relation, t->relation_count);
    map_within(&t->rel_by_name, a, t->relation_count);
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

static void copy_foreign_keys(struct view *v, struct arena *a, const struct schema *base,
                              struct table *t)
{
    struct foreign_key *list = ARENA_ARRAY(a, struct foreign_key, t->foreign_key_count);
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        list[i] = t->foreign_keys[i];
        if (list[i].target)
            list[i].target = view_table(v, base, list[i].target);
    }
    t->foreign_keys = list;
}

static void copy_names(struct arena *a, struct table *t)
{
    map_within(&t->by_name, a, t->column_count);
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

static void shapes(struct view *v, struct arena *a)
{
    size_t count = v->schema.table_count;
    struct row_shape *list = ARENA_ARRAY(a, struct row_shape, count);
    for (size_t i = 0; i < count; i++) {
        size_t shown;
        const struct column **columns = resource__visible(a, &v->schema.tables[i], &shown);
        row_shape_init(&list[i], a, columns, shown);
        resource__file_places(&list[i], a, v->set.base, &v->schema.tables[i],
                              &(struct shape_cells){columns, shown});
    }
    v->set.shapes = list;
    v->set.warnings = v->set.warnings ? resource__warnings(a, &v->schema) : NULL;
}

static void fill(struct view *v, struct arena *a, const struct resource_set *set, uint64_t roles)
{
    const struct schema *base = set->schema;
    struct table *tables = ARENA_ARRAY(a, struct table, base->table_count);
    memcpy(tables, base->tables, base->table_count * sizeof *tables);
    v->roles = roles;
    v->schema.tables = tables;
    v->schema.table_count = base->table_count;
    map_within(&v->schema.by_name, a, base->table_count);
    for (size_t i = 0; i < base->table_count; i++) {
        tables[i].closed =
            either(a, &base->tables[i],
                   access_closed(a, set->config->access, &base->tables[i], ACTION_READ, roles));
        copy_names(a, &tables[i]);
        copy_relations(v, a, base, &tables[i]);
        copy_foreign_keys(v, a, base, &tables[i]);
        map_set(&v->schema.by_name, tables[i].name, &tables[i]);
    }
    v->set = *set;
    v->set.schema = &v->schema;
    v->set.base = set;
    v->set.roles = roles;
    shapes(v, a);
}

static struct view *make(const struct resource_set *set, uint64_t roles)
{
    struct view *v = mem_zero(1, sizeof *v);
    pthread_mutex_init(&v->lock, NULL);
    arena_init(&v->arena, VIEW_MEMORY);
    fill(v, &v->arena, set, roles);
    v->ready = arena_zero(&v->arena, set->schema->table_count, sizeof *v->ready);
    return v;
}

static void view_free(struct view *v)
{
    pthread_mutex_destroy(&v->lock);
    arena_reset(&v->arena);
    mem_free(v);
}

void resource_views_free(struct resource_views *views)
{
    for (size_t i = 0; i < VIEWS_SLOTS; i++) {
        struct view *v = atomic_exchange(&views->slots[i], NULL);
        if (v)
            view_free(v);
    }
    atomic_store(&views->count, 0);
    atomic_store(&views->bytes, 0);
}

static size_t place(uint64_t roles)
{
    return (roles * 0x9e3779b97f4a7c15u >> 32) % VIEWS_SLOTS;
}

static struct view *find(struct resource_views *views, uint64_t roles)
{
    for (size_t i = place(roles);; i = (i + 1) % VIEWS_SLOTS) {
        struct view *v = atomic_load_explicit(&views->slots[i], memory_order_acquire);
        if (!v || v->roles == roles)
            return v;
    }
}

/* Two threads may make the same one: the first to add it wins. */
static struct view *keep(struct resource_views *views, struct view *made)
{
    for (size_t i = place(made->roles);; i = (i + 1) % VIEWS_SLOTS) {
        struct view *there = NULL;
        if (atomic_compare_exchange_strong(&views->slots[i], &there, made)) {
            atomic_fetch_add(&views->count, 1);
            atomic_fetch_add(&views->bytes, made->arena.used);
            return made;
        }
        if (there->roles == made->roles) {
            view_free(made);
            return there;
        }
    }
}

/* Threads that see the last free place at once may all take one: there are slots for that. */
static bool is_full(struct resource_views *views)
{
    return atomic_load(&views->count) >= VIEWS_MOST || atomic_load(&views->bytes) >= VIEWS_MEMORY;
}

static struct view *view_of(struct request *rq, const struct resource_set *set, uint64_t roles)
{
    struct resource_views *views = set->config->views;
    struct view *v = find(views, roles);
    if (LIKELY(v))
        return v;
    if (!is_full(views))
        return keep(views, make(set, roles));
    if (!rq->view || rq->view->roles != roles || rq->view->set.base != set) {
        rq->view = ARENA_NEW(&rq->arena, struct view);
        fill(rq->view, &rq->arena, set, roles);
    }
    return rq->view;
}

static const struct ready *prepare(struct view *v, size_t at)
{
    pthread_mutex_lock(&v->lock);
    size_t before = v->arena.used;
    const struct ready *r = atomic_load(&v->ready[at]);
    if (!r) {
        struct ready *made = ARENA_NEW(&v->arena, struct ready);
        bool some = resource__prepare_ruled(&v->arena, &v->set, &v->schema.tables[at], made);
        r = some ? made : &never;
        atomic_store_explicit(&v->ready[at], r, memory_order_release);
        atomic_fetch_add(&v->set.config->views->bytes, v->arena.used - before);
    }
    pthread_mutex_unlock(&v->lock);
    return r;
}

/* NULL: there is none. Past the memory for views no more are made. */
static const struct ready *ready_of(struct view *v, size_t at)
{
    if (!v->ready)
        return NULL;
    const struct ready *r = atomic_load_explicit(&v->ready[at], memory_order_acquire);
    if (UNLIKELY(!r)) {
        if (atomic_load(&v->set.config->views->bytes) >= VIEWS_MEMORY)
            return NULL;
        r = prepare(v, at);
    }
    return r == &never ? NULL : r;
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
    struct view *v = view_of(rq, r->set, access_ruled(x, roles));
    const struct ready *ready = ready_of(v, (size_t)(r->table - r->set->schema->tables));
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
    look_through(view_of(rq, r->set, access_ruled(x, roles)), copy);
    copy->grant = g;
    copy->one_ready = false; /* resource__as_ready would have found it */
    *out = copy;
    return 0;
}
