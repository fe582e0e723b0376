/* version.c -- the model as one version of the API shows it: a whole copy, whose columns have other
 * names, other types or none, and beside them some that are made of others. SPDX: Apache-2.0
 * Why a copy: all that reads or writes names (filters, bodies, answers, documents) takes them from
 * the model, so that a version costs nothing while a request runs, and no request needs to know of
 * versions. Only statements speak of the database's own names (column_stored).
 * Invariants: (1) A column of the model has the same place in the copy. (2) Nothing in the copy
 * points into the model but `model` and texts. */
#include "schema/version_priv.h"

#include "base/mem.h"

enum { VERSION_MEMORY = 1 << 30 };

/* ---- pointers into the model, to those into the copy ---- */

static size_t place_of(const struct version *v, const struct table *t)
{
    return (size_t)(t - v->model->tables);
}

static const struct table *table_of(const struct version *v, const struct table *t)
{
    return t ? &v->tables[place_of(v, t)] : NULL;
}

static const struct column *column_of(const struct version *v, const struct table *t,
                                      const struct column *c)
{
    return c ? &v->tables[place_of(v, t)].columns[c->index] : NULL;
}

static const struct column **columns_of(const struct version *v, const struct table *t,
                                        const struct column *const *list, size_t count)
{
    const struct column **out = ARENA_ARRAY(v->arena, const struct column *, count);
    for (size_t i = 0; i < count; i++)
        out[i] = column_of(v, t, list[i]);
    return out;
}

/* k holds columns of t, a table of the model; t may be NULL where k is empty. */
static struct key key_of(const struct version *v, const struct table *t, const struct key *k)
{
    struct key out = *k;
    if (t && k->count)
        out.columns = columns_of(v, t, k->columns, k->count);
    return out;
}

static const struct key *keys_of(const struct version *v, const struct table *t,
                                 const struct key *list, size_t count)
{
    struct key *out = ARENA_ARRAY(v->arena, struct key, count);
    for (size_t i = 0; i < count; i++)
        out[i] = key_of(v, t, &list[i]);
    return out;
}

/* ---- a table ---- */

static void copy_foreign_keys(struct version *v, const struct table *from, struct table *t)
{
    struct foreign_key *list = ARENA_ARRAY(v->arena, struct foreign_key, t->foreign_key_count);
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const struct foreign_key *f = &from->foreign_keys[i];
        list[i] = *f;
        list[i].from = key_of(v, from, &f->from);
        list[i].target = table_of(v, f->target);
        list[i].to = key_of(v, f->target, &f->to);
    }
    t->foreign_keys = list;
}

static void copy_checks(struct version *v, const struct table *from, struct table *t)
{
    struct check *list = ARENA_ARRAY(v->arena, struct check, t->check_count);
    for (size_t i = 0; i < t->check_count; i++) {
        list[i] = from->checks[i];
        list[i].columns = columns_of(v, from, list[i].columns, list[i].count);
    }
    t->checks = list;
}

static void copy_relations(struct version *v, const struct table *from, struct table *t)
{
    struct relation *list = ARENA_ARRAY(v->arena, struct relation, t->relation_count);
    for (size_t i = 0; i < t->relation_count; i++) {
        const struct relation *r = &from->relations[i];
        list[i] = *r;
        list[i].from = t;
        list[i].target = table_of(v, r->target);
        list[i].through = table_of(v, r->through);
        list[i].local = key_of(v, from, &r->local);
        list[i].remote = key_of(v, r->target, &r->remote);
        list[i].near = key_of(v, r->through, &r->near);
        list[i].far = key_of(v, r->through, &r->far);
    }
    t->relations = list;
}

static void copy_counters(struct version *v, const struct table *from, struct table *t)
{
    struct counter *list = ARENA_ARRAY(v->arena, struct counter, t->counter_count);
    for (size_t i = 0; i < t->counter_count; i++) {
        const struct counter *c = &from->counters[i];
        list[i].column = column_of(v, from, c->column);
        list[i].source = table_of(v, c->source);
        list[i].from = key_of(v, c->source, &c->from);
        list[i].to = key_of(v, from, &c->to);
    }
    t->counters = list;
}

/* By the places of columns, those too that only the version has. */
static void copy_tongues(struct version *v, const struct table *from, struct table *t, size_t more)
{
    size_t own = from->column_count, all = own + more;
    struct tongue *list = ARENA_ARRAY(v->arena, struct tongue, from->tongue_count);
    bool *translations = ARENA_ARRAY(v->arena, bool, all);
    for (size_t i = 0; i < from->tongue_count; i++) {
        const struct tongue *g = &from->tongues[i];
        list[i] = *g;
        list[i].names = ARENA_ARRAY(v->arena, str, all);
        list[i].values = ARENA_ARRAY(v->arena, const struct column *, all);
        memcpy(list[i].names, g->names, own * sizeof *g->names);
        for (size_t k = 0; k < own; k++)
            list[i].values[k] = column_of(v, from, g->values[k]);
    }
    if (from->translations)
        memcpy(translations, from->translations, own * sizeof *translations);
    t->tongues = list;
    t->translations = from->translations ? translations : NULL;
}

/* The columns, with room for those that only the version has. Names keep what they are in the
 * database. */
static void copy_columns(struct version *v, const struct table *from, struct table *t, size_t more)
{
    struct column *list = ARENA_ARRAY(v->arena, struct column, from->column_count + more);
    for (size_t i = 0; i < from->column_count; i++) {
        list[i] = from->columns[i];
        list[i].stored = list[i].name;
    }
    t->columns = list;
    t->model = from;
    map_init(&t->by_name);
    map_init(&t->rel_by_name);
}

static void copy_rest(struct version *v, const struct table *from, struct table *t)
{
    const struct schema_version_table *w = version__wish(v, from->name);
    copy_tongues(v, from, t, w ? w->field_count : 0);
    t->primary = key_of(v, from, &from->primary);
    t->uniques = keys_of(v, from, from->uniques, from->unique_count);
    t->indexes = keys_of(v, from, from->indexes, from->index_count);
    t->modified = column_of(v, from, from->modified);
    t->document = column_of(v, from, from->document);
    copy_foreign_keys(v, from, t);
    copy_checks(v, from, t);
    copy_relations(v, from, t);
    copy_counters(v, from, t);
}

/* ---- what the version hides ---- */

static void hide_relations(struct table *t)
{
    struct relation *list = (struct relation *)(uintptr_t)t->relations;
    size_t count = 0;
    for (size_t i = 0; i < t->relation_count; i++) {
        if (list[i].target->exposed && list[i].name.len)
            list[count++] = list[i];
    }
    t->relation_count = count;
}

static int name_columns(struct version *v, struct table *t)
{
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        if (!table_closed(t, i) && map_set(&t->by_name, c->name, (void *)(uintptr_t)c))
            return version__bad(v, version__place(v, t, c->name),
                                "'%.*s' would have two fields of the name '%.*s'", STR_ARG(t->name),
                                STR_ARG(c->name));
    }
    return 0;
}

static int name_relations(struct version *v, struct table *t)
{
    for (size_t i = 0; i < t->relation_count; i++) {
        const struct relation *r = &t->relations[i];
        if (map_set(&t->rel_by_name, r->name, (void *)(uintptr_t)r))
            return version__bad(v, version__place(v, t, r->name),
                                "'%.*s' would have two relations of the name '%.*s'",
                                STR_ARG(t->name), STR_ARG(r->name));
    }
    return 0;
}

/* ---- the whole ---- */

const struct schema_version_table *version__wish(const struct version *v, str table)
{
    for (size_t i = 0; i < v->wish_count; i++) {
        if (str_eq(v->wishes[i].table, table))
            return &v->wishes[i];
    }
    return NULL;
}

static int tables_there(struct version *v)
{
    const struct schema *m = v->model;
    const char **names = ARENA_ARRAY(v->arena, const char *, m->table_count);
    for (size_t i = 0; i < m->table_count; i++)
        names[i] = m->tables[i].name.ptr;
    for (size_t i = 0; i < v->wish_count; i++) {
        if (!schema_table(m, v->wishes[i].table))
            return version__bad(v, v->wishes[i].place, "there is no table '%.*s'%s",
                                STR_ARG(str_upto(v->wishes[i].table, 60)),
                                version__hint(v, v->wishes[i].table, names, m->table_count));
    }
    return 0;
}

static int build(struct version *v)
{
    const struct schema *m = v->model;
    TRY(tables_there(v));
    for (size_t i = 0; i < m->table_count; i++) {
        const struct schema_version_table *w = version__wish(v, m->tables[i].name);
        copy_columns(v, &m->tables[i], &v->tables[i], w ? w->field_count : 0);
        v->tables[i].exposed = m->tables[i].exposed && !(w && w->hidden);
        map_set(&v->schema->by_name, v->tables[i].name, &v->tables[i]);
    }
    for (size_t i = 0; i < m->table_count; i++)
        copy_rest(v, &m->tables[i], &v->tables[i]);
    for (size_t i = 0; i < v->wish_count; i++)
        TRY(version__fields(v, &v->wishes[i]));
    for (size_t i = 0; i < m->table_count; i++) {
        hide_relations(&v->tables[i]);
        TRY(name_columns(v, &v->tables[i]));
        TRY(name_relations(v, &v->tables[i]));
    }
    return 0;
}

int schema_version(const struct schema *model, const struct schema_version_table *list,
                   size_t count, bool strict, struct schema **out, struct err *err)
{
    struct schema *s = mem_zero(1, sizeof *s);
    struct version v = {.model = model, .schema = s, .arena = &s->arena, .strict = strict};
    v.wishes = list;
    v.wish_count = count;
    v.err = err;
    arena_init(&s->arena, VERSION_MEMORY);
    map_init(&s->by_name);
    v.tables = ARENA_ARRAY(&s->arena, struct table, model->table_count);
    memcpy(v.tables, model->tables, model->table_count * sizeof *v.tables);
    for (size_t i = 0; i < model->table_count; i++) { /* those are the model's */
        map_init(&v.tables[i].by_name);
        map_init(&v.tables[i].rel_by_name);
    }
    s->tables = v.tables;
    s->table_count = model->table_count;
    int code = build(&v);
    if (code < 0)
        schema_free(&s);
    else
        *out = s;
    return code;
}

/* ---- asking ---- */

const struct column *table_stored(const struct table *t, str stored)
{
    if (!t->model)
        return table_column(t, stored);
    for (size_t i = 0; i < t->model->column_count; i++) {
        if (str_eq(column_stored(&t->columns[i]), stored))
            return table_closed(t, i) ? NULL : &t->columns[i];
    }
    return NULL;
}

bool column_made_of(const struct column *c, const struct column *source)
{
    for (size_t i = 0; column_made(c) && i < c->inside->member_count; i++) {
        if (c->inside->members[i] == source)
            return true;
    }
    return false;
}
