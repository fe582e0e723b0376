/* expose.c -- which tables have routes, and so which relations there are. SPDX: Apache-2.0
 * A relation to a table that is not exposed is gone, so that no include or filter leads there. The
 * table between two others may be hidden: only its ends are ever shown. */
#include "schema/schema_priv.h"

static void relations_keep(struct schema__work *w)
{
    struct table *t = w->table;
    for (size_t i = 0; i < w->relation_count; i++) {
        if (w->relations[i].target->exposed)
            w->relations[t->relation_count++] = w->relations[i];
    }
    t->relations = w->relations;
    for (size_t i = 0; i < t->relation_count; i++)
        map_set(&t->rel_by_name, w->relations[i].name, &w->relations[i]);
}

/* A key that the database counts up is not the client's to choose. */
static bool clients_choose(const struct table *t)
{
    bool counted = t->rowid;
    for (size_t i = 0; i < t->primary.count; i++) {
        const struct column *c = t->primary.columns[i];
        bool whole = c->type == TYPE_INT2 || c->type == TYPE_INT4 || c->type == TYPE_INT8;
        counted |= c->generated || (whole && c->has_default);
    }
    return t->primary.count && !counted;
}

static bool put_creates(const struct table *t, const struct schema_wishes *wishes)
{
    if (wishes->put_creates == PUT_CREATES_AUTO)
        return clients_choose(t);
    return wishes->put_creates == PUT_CREATES_ALWAYS;
}

static int modified(struct schema__build *b, struct table *t, str name)
{
    const struct schema_relation_wish wish = {.table = t->name, .column = name};
    struct schema__work *w;
    const struct column *c;
    if (!name.len)
        return 0;
    TRY(schema__wish_column(b, &wish, &w, &c));
    if (c->type != TYPE_TIMESTAMP)
        return fail(b->err, E_CONFIG,
                    "tables.%.*s.modified: '%.*s' is no timestamp; it cannot tell when a row was "
                    "changed",
                    STR_ARG(t->name), STR_ARG(name));
    t->modified = c;
    return 0;
}

int schema__expose(struct schema__build *b, const struct schema_wishes *wishes)
{
    for (size_t i = 0; i < b->count; i++) {
        b->works[i].table->exposed = !wishes->only_named;
        b->works[i].table->no_aggregates = wishes->no_aggregates;
        b->works[i].table->put_creates = put_creates(b->works[i].table, wishes);
    }
    for (size_t i = 0; i < wishes->table_count; i++) {
        struct schema__work *w;
        TRY(schema__wish_table(b, wishes->tables[i].table, &w));
        w->table->exposed = wishes->tables[i].expose != 0;
        if (wishes->tables[i].aggregates >= 0)
            w->table->no_aggregates = !wishes->tables[i].aggregates;
        if (wishes->tables[i].put_creates >= 0)
            w->table->put_creates = wishes->tables[i].put_creates;
        TRY(modified(b, w->table, wishes->tables[i].modified));
    }
    TRY(schema__collections(b, wishes));
    for (size_t i = 0; i < b->count; i++)
        relations_keep(&b->works[i]);
    return 0;
}
