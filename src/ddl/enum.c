/* enum.c -- CREATE TYPE ... AS ENUM: a CHECK on each column, the labels in cairn_enums.
 * SPDX: Apache-2.0
 * A new label is a rebuild of every table that uses the type: its CHECK bears the type's name. */
#include "ddl/ddl_priv.h"

static int store(struct ddl__tr *t, const struct ddl_object *o)
{
    size_t mark = t->b.len;
    buf_char(&t->b, '[');
    for (size_t i = 0; i < o->label_count; i++) {
        if (i)
            buf_char(&t->b, ',');
        json_text(&t->b, o->labels[i]);
    }
    buf_char(&t->b, ']');
    str labels = ddl__cut(t, mark);
    buf_lit(&t->b, "INSERT OR REPLACE INTO cairn_enums (name, labels) VALUES (");
    ddl__quote(t, o->name);
    buf_lit(&t->b, ", ");
    ddl__quote(t, labels);
    buf_char(&t->b, ')');
    ddl_catalog_put(t->cat, o);
    return ddl__emit(t, mark);
}

int ddl__create_enum(struct ddl__tr *t, node *body)
{
    size_t count = ddl__count(body, "vals");
    struct ddl_object o = {.kind = DDL_ENUM, .name = ddl__last_name(body, "typeName")};
    str *labels = ARENA_ARRAY(t->a, str, count ? count : 1);
    for (size_t i = 0; i < count; i++)
        labels[i] = ddl__string(ddl__item(body, "vals", i));
    o.labels = labels;
    o.label_count = count;
    if (!count)
        return ddl__refuse(t, -1, "an enum without labels");
    if (ddl_catalog_get(t->cat, DDL_ENUM, o.name))
        return ddl__refuse(t, -1, "type '%s' exists already", ddl__dup(t, o.name));
    return store(t, &o);
}

/* The new CHECK in every column of the type; true when the table has one. */
static bool new_checks(struct ddl__tr *t, struct ddl__table *m, const struct ddl_object *type)
{
    str name = arena_printf(t->a, "enum_%.*s", STR_ARG(type->name));
    size_t mark = t->b.len;
    bool changed = false;
    for (size_t i = 0; i < m->count; i++) {
        struct ddl__clauses *c = &m->columns[i].clauses;
        for (size_t k = 0; k < c->count; k++) {
            if (c->list[k].kind != C_CHECK || !str_eq(c->list[k].name, name))
                continue;
            ddl__enum_check(t, m->columns[i].name, type);
            c->list[k].text = ddl__cut(t, mark);
            changed = true;
        }
    }
    return changed;
}

static int rebuild_users(struct ddl__tr *t, const struct ddl_object *type)
{
    for (size_t i = 0; i < t->cat->count; i++) {
        struct ddl_object o = t->cat->list[i];
        struct ddl__table m;
        if (o.kind == DDL_TABLE && ddl__table_read(t->a, o.text, &m) && new_checks(t, &m, type))
            TRY(ddl__rebuild(t, &m, &m));
    }
    return 0;
}

static size_t label_at(const struct ddl_object *o, str label)
{
    for (size_t i = 0; i < o->label_count; i++)
        if (str_eq(o->labels[i], label))
            return i;
    return o->label_count;
}

/* ADD VALUE x [BEFORE|AFTER y], or RENAME VALUE x TO y. */
int ddl__alter_enum(struct ddl__tr *t, node *body)
{
    str name = ddl__last_name(body, "typeName"), label = ddl__text(body, "newVal");
    str old = ddl__text(body, "oldVal"), near = ddl__text(body, "newValNeighbor");
    const struct ddl_object *known = ddl_catalog_get(t->cat, DDL_ENUM, name);
    if (!known)
        return ddl__refuse(t, -1, "type '%s' does not exist", ddl__dup(t, name));
    struct ddl_object o = *known;
    if (label_at(&o, label) < o.label_count)
        return ddl__flag(body, "skipIfNewValExists")
                   ? 0
                   : ddl__refuse(t, -1, "label '%s' exists already", ddl__dup(t, label));
    if (old.len)
        return ddl__refuse(t, -1, "RENAME VALUE; add the new label, UPDATE the rows to it");
    size_t at = near.len ? label_at(&o, near) : o.label_count;
    if (near.len && at == o.label_count)
        return ddl__refuse(t, -1, "label '%s' does not exist", ddl__dup(t, near));
    at += near.len && ddl__flag(body, "newValIsAfter");
    str *labels = ARENA_ARRAY(t->a, str, o.label_count + 1);
    memcpy(labels, o.labels, at * sizeof *labels);
    labels[at] = label;
    memcpy(labels + at + 1, o.labels + at, (o.label_count - at) * sizeof *labels);
    o.labels = labels;
    o.label_count++;
    TRY(store(t, &o));
    return rebuild_users(t, &o);
}
