/* schemas.c -- the tables of a project as schemas: a row, a row of which `fields` and `include`
 * chose some, a page of those, and what POST, PUT and PATCH take. SPDX: Apache-2.0 A row that was
 * just written is whole; a row that was asked for has the members that were asked for, so that none
 * of its members is sure to be there. */
#include "admin/admin_priv.h"

static str named(struct doc *d, const struct table *t, const char *tail)
{
    return arena_printf(d->arena, "%.*s%s", STR_ARG(doc__name(d, t)), tail);
}

static void begin(struct doc *d, str name)
{
    put_key(d->out, name);
    put(d->out, "{'type':'object'");
}

#define WARNINGS                                                                                   \
    "'_warnings':{'type':'object','readOnly':true,'description':'Which fields are deprecated.',"   \
    "'required':['deprecated_fields','message'],'properties':{'deprecated_fields':{'type':"        \
    "'array','items':{'type':'string'}},'message':{'type':'string'}}}"

static void column_members(struct doc *d, const struct table *t, const bool *closed)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (closed[i] || t->columns[i].spread)
            continue;
        put_key(d->out, t->columns[i].name);
        doc__column(d, &t->columns[i], USE_READ);
    }
    if (t->warns)
        put(d->out, WARNINGS);
}

/* ---- what is answered ---- */

static void whole_row(struct doc *d, const struct table *t, const bool *closed)
{
    struct buf *b = d->out;
    begin(d, doc__name(d, t));
    put_member(b, "description", t->comment);
    put(b, "'properties':{");
    column_members(d, t, closed);
    put(b, "},'required':[");
    for (size_t i = 0; i < t->column_count; i++) {
        if (!closed[i] && !t->columns[i].spread)
            put_text(b, t->columns[i].name);
    }
    put(b, "],'examples':[{");
    for (size_t i = 0; i < t->column_count; i++) {
        if (closed[i] || t->columns[i].spread)
            continue;
        put_key(b, t->columns[i].name);
        doc__example(d, &t->columns[i]);
    }
    put(b, "}]}");
}

static void relation_members(struct doc *d, const struct table *t)
{
    struct buf *b = d->out;
    for (size_t i = 0; i < t->relation_count; i++) {
        const struct relation *r = &t->relations[i];
        if (!doc__includes(d, r) || table_column(t, r->name))
            continue;
        put_key(b, r->name);
        put(b, r->kind == REL_ONE ? "{'anyOf':[" : "{'type':'array','items':");
        put_ref(b, "schemas", doc__name(d, r->target), "Part");
        put(b, r->kind == REL_ONE ? "{'type':'null'}],'description':'With `include`.'}"
                                  : "'description':'With `include`.'}");
    }
}

static bool named_before(const struct table *t, size_t tongue, str name)
{
    bool found = table_column(t, name) != NULL;
    for (size_t i = 0; i <= tongue; i++) {
        for (size_t k = 0; k < t->column_count; k++)
            found |= i < tongue && str_eq(t->tongues[i].names[k], name);
    }
    return found;
}

/* What columns are called in other languages; a name that several have is told once. */
static void spoken_members(struct doc *d, const struct table *t, const bool *closed)
{
    for (size_t i = 0; i < t->tongue_count; i++) {
        const struct tongue *g = &t->tongues[i];
        for (size_t k = 0; k < t->column_count; k++) {
            const struct column *c = &t->columns[k];
            if (closed[k] || c->spread || !g->names[k].len || named_before(t, i, g->names[k]))
                continue;
            put_key(d->out, g->names[k]);
            put(d->out, "{'allOf':[");
            doc__column(d, c, USE_READ);
            put(d->out, "]");
            put_member(d->out, "description",
                       arena_printf(d->arena, "What %.*s is called in %.*s (Accept-Language).",
                                    STR_ARG(c->name), STR_ARG(g->language)));
            put(d->out, "}");
        }
    }
}

static void part_of_row(struct doc *d, const struct table *t, const bool *closed)
{
    struct buf *b = d->out;
    begin(d, named(d, t, "Part"));
    put(b, "'description':'The members that `fields` and `include` ask for; without `fields` every "
           "column.','properties':{");
    column_members(d, t, closed);
    spoken_members(d, t, closed);
    relation_members(d, t);
    put(b, "}}");
}

static void page_of_rows(struct doc *d, const struct table *t)
{
    struct buf *b = d->out;
    put_key(b, named(d, t, "List"));
    put(b,
        "{'allOf':[{'$ref':'#/components/schemas/PageInfo'},{'type':'object','required':['data'],"
        "'properties':{'data':{'type':'array','items':");
    put_ref(b, "schemas", doc__name(d, t), "Part");
    put(b, "}}}]}");
}

/* ---- what is taken ---- */

struct taking {
    const bool *closed;      /* by index */
    const struct key *fixed; /* columns that the path gives; NULL: none */
    enum action act;
    bool replaces, patches;
    bool form; /* multipart/form-data */
};

static enum column_use use_of(const struct column *c, const struct taking *k)
{
    if (c->generated)
        return USE_READ;
    if (k->form)
        return c->file ? USE_FORM : USE_WRITE;
    return k->patches ? USE_PATCH : k->replaces ? USE_REPLACE : USE_WRITE;
}

static bool sets(const struct doc *d, const struct table *t, const struct column *c,
                 enum action act)
{
    const struct access *x = d->source->access;
    return x && access_sets(x, c, t, act, d->roles);
}

static bool in_key(const struct key *k, const struct column *c)
{
    for (size_t i = 0; k && i < k->count; i++) {
        if (k->columns[i] == c)
            return true;
    }
    return false;
}

static bool taken(const struct column *c, const struct taking *k)
{
    if (c->spread || (c->generated && !k->replaces))
        return false;
    return !k->closed[c->index] || in_key(k->fixed, c);
}

static bool required(const struct doc *d, const struct table *t, const struct column *c,
                     const struct taking *k)
{
    if (k->patches || c->nullable || c->has_default || c->generated || !taken(c, k))
        return false;
    return !in_key(k->fixed, c) && !sets(d, t, c, k->act);
}

static void take_columns(struct doc *d, const struct table *t, const struct taking *k)
{
    struct buf *b = d->out;
    size_t needed = 0;
    put(b, "'properties':{");
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        if (!taken(c, k))
            continue;
        needed += required(d, t, c, k);
        put_key(b, c->name);
        doc__column(d, c, use_of(c, k));
    }
    buf_char(b, '}');
    if (!needed)
        return;
    put(b, "'required':[");
    for (size_t i = 0; i < t->column_count; i++) {
        if (required(d, t, &t->columns[i], k))
            put_text(b, t->columns[i].name);
    }
    buf_char(b, ']');
}

static void take_example(struct doc *d, const struct table *t, const struct taking *k)
{
    put(d->out, "'examples':[{");
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        if (!taken(c, k) || c->generated || in_key(k->fixed, c) || (c->file && k->form) ||
            (in_key(&t->primary, c) && !required(d, t, c, k)))
            continue;
        put_key(d->out, c->name);
        doc__example(d, c);
    }
    put(d->out, "}]");
}

static void write_body(struct doc *d, const struct table *t, str name, const struct taking *k)
{
    begin(d, name);
    take_columns(d, t, k);
    if (!t->document)
        put(d->out, "'additionalProperties':false");
    take_example(d, t, k);
    buf_char(d->out, '}');
}

static void body_of(struct doc *d, const struct table *t, str name, const struct taking *k)
{
    struct taking form = *k;
    form.form = true;
    write_body(d, t, name, k);
    if (doc__has_files(t))
        write_body(d, t, arena_printf(d->arena, "%.*sForm", STR_ARG(name)), &form);
}

/* What is made below a row of t needs no word about that row. */
static void below(struct doc *d, const struct table *t)
{
    for (size_t i = 0; i < t->relation_count; i++) {
        const struct relation *r = &t->relations[i];
        if (r->kind != REL_MANY || r->target->view || !doc__may(d, r->target, ACTION_CREATE))
            continue;
        struct taking k = {.act = ACTION_CREATE,
                           .closed = doc__closed(d, r->target, ACTION_CREATE),
                           .fixed = &r->remote};
        body_of(d, r->target, doc__below(d, t, r), &k);
    }
}

static void bodies(struct doc *d, const struct table *t)
{
    struct taking create = {.act = ACTION_CREATE, .closed = doc__closed(d, t, ACTION_CREATE)};
    struct taking replace = {.act = ACTION_UPDATE,
                             .closed = doc__closed(d, t, ACTION_UPDATE),
                             .fixed = &t->primary,
                             .replaces = true};
    struct taking patch = replace;
    patch.replaces = false;
    patch.patches = true;
    if (t->primary.count && doc__may(d, t, ACTION_READ))
        below(d, t);
    if (t->view)
        return;
    if (doc__may(d, t, ACTION_CREATE))
        body_of(d, t, named(d, t, "Create"), &create);
    if (!t->primary.count || !doc__may(d, t, ACTION_UPDATE))
        return;
    body_of(d, t, named(d, t, "Replace"), &replace);
    body_of(d, t, named(d, t, "Patch"), &patch);
}

void doc__schemas(struct doc *d)
{
    const struct table *t;
    for (size_t i = 0; (t = doc__table(d, i)); i++) {
        if (!doc__shown(d, t))
            continue;
        const bool *closed = doc__closed(d, t, ACTION_READ);
        bool changes = t->primary.count && doc__may(d, t, ACTION_UPDATE);
        if (!t->view && (changes || doc__may(d, t, ACTION_CREATE)))
            whole_row(d, t, closed);
        if (doc__may(d, t, ACTION_READ)) {
            part_of_row(d, t, closed);
            page_of_rows(d, t);
        }
        bodies(d, t);
    }
}

void doc__object_row(struct doc *d, const struct column *const *columns, size_t count)
{
    put(d->out, "{'type':'object','properties':{");
    for (size_t i = 0; i < count; i++) {
        put_key(d->out, columns[i]->name);
        doc__column(d, columns[i], USE_READ);
    }
    put(d->out, "},'required':[");
    for (size_t i = 0; i < count; i++)
        put_text(d->out, columns[i]->name);
    put(d->out, "]}");
}
