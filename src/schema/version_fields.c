/* version_fields.c -- the fields of a table as a version of the API wants them. SPDX: Apache-2.0
 * Every wish is held to the catalog here, so that a version that starts can be served. */
#include "schema/version_priv.h"

#include <stdarg.h>
#include <stdio.h>

enum { SHOWN = 60, NAME_MOST = 128, PARTS_MOST = 4, SEPARATOR_MOST = 8 };

struct naming {
    struct version *v;
    struct table *table;
    struct column *columns; /* those of table */
    const struct schema_version_table *wish;
    bool *closed;
};

/* ---- words ---- */

int version__bad(struct version *v, str place, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fail(v->err, E_CONFIG, "%.*s: %s", STR_ARG(str_upto(place, 200)), text);
}

const char *version__hint(struct version *v, str name, const char *const *names, size_t count)
{
    const char *near = str_nearest(name, names, count);
    return near ? arena_printf(v->arena, "; did you mean '%s'?", near).ptr : "";
}

str version__place(const struct version *v, const struct table *t, str shown)
{
    const struct schema_version_table *w = version__wish(v, t->name);
    for (size_t i = 0; w && i < w->field_count; i++) {
        const struct schema_field_wish *f = &w->fields[i];
        if (str_eq(f->shown.len ? f->shown : f->name, shown))
            return f->place;
    }
    return w ? w->place : t->name;
}

static int unknown(struct naming *f, str place, str name)
{
    const struct table *t = f->table;
    size_t count = 0;
    const char **names =
        ARENA_ARRAY(f->v->arena, const char *, t->column_count + t->relation_count);
    for (size_t i = 0; i < t->model->column_count; i++)
        names[count++] = t->model->columns[i].name.ptr;
    for (size_t i = 0; i < t->model->relation_count; i++)
        names[count++] = t->model->relations[i].name.ptr;
    return version__bad(f->v, place, "'%.*s' has no column '%.*s'%s", STR_ARG(t->name),
                        STR_ARG(str_upto(name, SHOWN)), version__hint(f->v, name, names, count));
}

/* ---- another type ---- */

static bool whole(enum type t)
{
    return t == TYPE_INT2 || t == TYPE_INT4 || t == TYPE_INT8;
}

static bool number(enum type t)
{
    return whole(t) || t == TYPE_FLOAT4 || t == TYPE_FLOAT8 || t == TYPE_NUMERIC;
}

static enum recast recast_to(const struct column *c, str type)
{
    if (str_is(type, "string") && (number(c->type) || c->type == TYPE_BOOL))
        return RECAST_STRING;
    if (str_is(type, "integer") && c->type == TYPE_BOOL)
        return RECAST_INTEGER;
    if (str_is(type, "boolean") && whole(c->type))
        return RECAST_BOOLEAN;
    if (str_is(type, "number") && c->type == TYPE_TEXT)
        return RECAST_NUMBER;
    return str_is(type, "unix") && c->type == TYPE_TIMESTAMP ? RECAST_UNIX : RECAST_NONE;
}

static int retype(struct naming *f, const struct schema_field_wish *w, struct column *c)
{
    if (!w->type.len)
        return 0;
    c->recast = recast_to(c, w->type);
    if (c->recast)
        return 0;
    return version__bad(f->v, w->place,
                        "'%.*s' is of the type %s, which cannot be shown as %.*s; possible are "
                        "string (of a number or boolean), integer (of a boolean), boolean (of a "
                        "whole number), number (of a text) and unix (of a timestamp)",
                        STR_ARG(w->name), type_name(c->type), STR_ARG(str_upto(w->type, 20)));
}

/* ---- names, values, warnings ---- */

static bool good_name(str name)
{
    bool fine = name.len > 0 && name.len <= NAME_MOST && str_utf8(name);
    for (size_t i = 0; fine && i < name.len; i++)
        fine = (unsigned char)name.ptr[i] > ' ' && name.ptr[i] != 0x7f &&
               !strchr(".,:()[]&=\"/", name.ptr[i]);
    return fine && name.ptr[0] != '-' && name.ptr[0] != '_';
}

/* "Field 'name' is deprecated. Use 'full_name' instead. This field will be removed in v3." */
static str warning(struct arena *a, const struct schema_field_wish *w, str name)
{
    if (w->message.len)
        return w->message;
    str text = arena_printf(a, "Field '%.*s' is deprecated.", STR_ARG(name));
    if (w->use.len)
        text = arena_printf(a, "%.*s Use '%.*s' instead.", STR_ARG(text), STR_ARG(w->use));
    if (w->removed.len)
        text = arena_printf(a, "%.*s This field will be removed in %.*s.", STR_ARG(text),
                            STR_ARG(w->removed));
    return text;
}

static int fill(struct naming *f, const struct schema_field_wish *w, struct column *c)
{
    struct value in = value_text(w->fill), *out = ARENA_NEW(f->v->arena, struct value);
    struct value_fault fault = {0};
    struct column plain = *c;
    if (!w->filled)
        return 0;
    plain.recast = RECAST_NONE;
    if (c->generated || column_made(c))
        return version__bad(f->v, w->place, "'%.*s' cannot be written, so that it has no default",
                            STR_ARG(w->name));
    if (!column_take(&plain, f->v->arena, &in, true, out, &fault))
        return version__bad(f->v, w->place, "default: '%.*s' %.*s", STR_ARG(w->name),
                            STR_ARG(fault.message));
    c->filled = out;
    c->has_default = true;
    return 0;
}

/* What every field may have, also one that is made. */
static int dress(struct naming *f, const struct schema_field_wish *w, struct column *c)
{
    str name = w->shown.len ? w->shown : c->name;
    if (w->shown.len && !good_name(name))
        return version__bad(f->v, w->place, "'%.*s' cannot be the name of a field",
                            STR_ARG(str_upto(name, SHOWN)));
    TRY(fill(f, w, c));
    TRY(retype(f, w, c));
    c->name = arena_str(f->v->arena, name);
    if (w->deprecated) {
        c->warning = warning(f->v->arena, w, c->name);
        f->table->warns = true;
    }
    return 0;
}

/* ---- fields that the table has ---- */

static bool needed(const struct column *c)
{
    return !c->nullable && !c->has_default && !c->generated;
}

static bool in_key(const struct key *k, const struct column *c)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i] == c)
            return true;
    }
    return false;
}

static int own(struct naming *f, const struct schema_field_wish *w, const struct column *found)
{
    struct column *c = &f->columns[found->index];
    TRY(dress(f, w, c));
    if (w->hidden && in_key(&f->table->primary, c))
        return version__bad(f->v, w->place,
                            "'%.*s' is the row's id, which cannot be hidden; give it another name",
                            STR_ARG(w->name));
    if (c->recast && c->recast != RECAST_STRING && in_key(&f->table->primary, c))
        return version__bad(f->v, w->place,
                            "'%.*s' is the row's id, which is shown as it is or as "
                            "a string",
                            STR_ARG(w->name));
    f->closed[c->index] = w->hidden;
    return 0;
}

static int relation(struct naming *f, const struct schema_field_wish *w, const struct relation *m)
{
    struct relation *list = (struct relation *)(uintptr_t)f->table->relations;
    struct relation *r = &list[m - f->table->model->relations];
    if (w->type.len || w->filled || w->deprecated)
        return version__bad(f->v, w->place,
                            "'%.*s' is a relation: it can have another name or be hidden",
                            STR_ARG(w->name));
    if (w->shown.len && !good_name(w->shown))
        return version__bad(f->v, w->place, "'%.*s' cannot be the name of a relation",
                            STR_ARG(str_upto(w->shown, SHOWN)));
    if (w->shown.len)
        r->name = arena_str(f->v->arena, w->shown);
    if (w->hidden)
        r->name = LIT("");
    return 0;
}

/* ---- fields that are made ---- */

static int sources(struct naming *f, const struct schema_field_wish *w, const struct column ***out)
{
    *out = ARENA_ARRAY(f->v->arena, const struct column *, w->of_count);
    for (size_t i = 0; i < w->of_count; i++) {
        const struct column *c = table_column(f->table->model, w->of[i]);
        if (!c)
            return unknown(f, w->place, w->of[i]);
        (*out)[i] = &f->columns[c->index];
        if (w->source != FIELD_SAME && c->type != TYPE_TEXT)
            return version__bad(f->v, w->place,
                                "'%.*s' is of the type %s; only texts are joined "
                                "and split",
                                STR_ARG(c->name), type_name(c->type));
    }
    return 0;
}

static const enum place_form forms[] = {[FIELD_SAME] = FORM_SAME,
                                        [FIELD_VALUE] = FORM_VALUE,
                                        [FIELD_JOIN] = FORM_JOIN,
                                        [FIELD_FIRST] = FORM_FIRST,
                                        [FIELD_REST] = FORM_REST};

/* The column that the sources give. */
static struct column made(struct naming *f, const struct schema_field_wish *w,
                          const struct column **list, struct inside *in)
{
    struct column c = {.type = TYPE_TEXT, .scale = -1, .min_length = -1, .max_length = -1};
    in->members = list;
    in->member_count = w->of_count;
    in->form = forms[w->source];
    str *path = ARENA_ARRAY(f->v->arena, str, 1);
    path[0] = w->source == FIELD_VALUE ? w->value : w->with;
    in->path = path;
    in->path_count = 1;
    if (w->source == FIELD_SAME)
        c = *list[0];
    c.nullable = c.has_default = true;
    for (size_t i = 0; i < w->of_count; i++) {
        c.nullable &= list[i]->nullable;
        c.has_default &= list[i]->has_default;
        c.generated |= list[i]->generated;
    }
    if (w->source == FIELD_REST)
        c.nullable = true;
    if (w->source == FIELD_VALUE) {
        c.type = w->value_type;
        c.nullable = false;
        c.generated = true;
    }
    c.comment = LIT("");
    c.default_sql = c.min = c.max = LIT("");
    c.filled = NULL;
    c.inside = in;
    return c;
}

static int check_made(struct naming *f, const struct schema_field_wish *w)
{
    bool parts = w->source >= FIELD_JOIN;
    if (f->table->document)
        return version__bad(f->v, w->place, "a collection's documents have no fields of a version");
    if (!good_name(w->name))
        return version__bad(f->v, w->place, "'%.*s' cannot be the name of a field",
                            STR_ARG(str_upto(w->name, SHOWN)));
    if (w->hidden || w->shown.len || w->filled)
        return version__bad(f->v, w->place,
                            "'%.*s' is made by this version: it is not hidden or renamed, and has "
                            "no default",
                            STR_ARG(w->name));
    if (parts && (!w->with.len || w->with.len > SEPARATOR_MOST))
        return version__bad(f->v, w->place, "with: expected 1 to %d bytes", SEPARATOR_MOST);
    if (w->source == FIELD_JOIN && (w->of_count < 2 || w->of_count > PARTS_MOST))
        return version__bad(f->v, w->place, "join: expected 2 to %d columns", PARTS_MOST);
    return 0;
}

static int add(struct naming *f, const struct schema_field_wish *w)
{
    struct inside *in = ARENA_NEW(f->v->arena, struct inside);
    const struct column **list;
    TRY(check_made(f, w));
    TRY(sources(f, w, &list));
    struct column *c = &f->columns[f->table->column_count];
    *c = made(f, w, list, in);
    c->index = f->table->column_count++;
    c->name = c->stored = arena_str(f->v->arena, w->name);
    return dress(f, w, c);
}

/* ---- a table ---- */

/* What was said of the table, held together. */
static int check_writes(struct naming *f)
{
    const struct table *t = f->table;
    for (size_t i = 0; i < t->model->column_count && f->v->strict && !t->view; i++) {
        bool given = !f->closed[i] || !needed(&t->columns[i]);
        for (size_t k = t->model->column_count; k < t->column_count && !given; k++)
            given = column_made_of(&t->columns[k], &t->columns[i]);
        if (!given)
            return version__bad(f->v, version__place(f->v, t, t->columns[i].name),
                                "'%.*s' is hidden, and a new row needs it; give it a `default:`",
                                STR_ARG(t->columns[i].name));
    }
    return 0;
}

/* A part without the other one can be read only. */
static void pair_parts(struct naming *f)
{
    const struct table *t = f->table;
    for (size_t i = t->model->column_count; i < t->column_count; i++) {
        struct column *c = &f->columns[i];
        bool pair = c->inside->form != FORM_FIRST && c->inside->form != FORM_REST;
        for (size_t k = t->model->column_count; k < t->column_count && !pair; k++) {
            const struct inside *in = t->columns[k].inside;
            pair = in->form >= FORM_FIRST && in->form <= FORM_REST && in->form != c->inside->form &&
                   in->members[0] == c->inside->members[0] &&
                   str_eq(in->path[0], c->inside->path[0]);
        }
        c->generated |= !pair;
    }
}

static int field(struct naming *f, const struct schema_field_wish *w)
{
    const struct column *c = table_column(f->table->model, w->name);
    const struct relation *r = table_relation(f->table->model, w->name);
    if (w->source != FIELD_OWN && c)
        return version__bad(f->v, w->place, "'%.*s' has a column '%.*s' already",
                            STR_ARG(f->table->name), STR_ARG(w->name));
    if (w->source != FIELD_OWN)
        return 0; /* in a second round, when the others have their types */
    if (f->table->document && c)
        return version__bad(f->v, w->place, "a collection's documents have no fields of a version");
    if (c)
        return own(f, w, c);
    return r ? relation(f, w, r) : unknown(f, w->place, w->name);
}

/* A field that is made is required when a row needs one of its columns, which the version hides,
 * and no field in front of it gives that. */
static void require_made(struct naming *f)
{
    const struct table *t = f->table;
    for (size_t i = t->model->column_count; i < t->column_count; i++) {
        struct column *c = &f->columns[i];
        bool must = false;
        for (size_t k = 0; k < c->inside->member_count; k++) {
            const struct column *source = c->inside->members[k];
            bool given = !f->closed[source->index] || !needed(source) || c->generated;
            for (size_t n = t->model->column_count; n < i; n++)
                given |= column_made_of(&t->columns[n], source) && !t->columns[n].generated;
            must |= !given;
        }
        c->has_default = !must;
    }
}

static void close_columns(struct naming *f)
{
    bool any = false;
    for (size_t i = 0; i < f->table->column_count; i++)
        any |= f->closed[i];
    f->table->closed = any ? f->closed : NULL;
}

int version__fields(struct version *v, const struct schema_version_table *w)
{
    struct table *t = (struct table *)(uintptr_t)schema_table(v->schema, w->table);
    struct naming f = {.v = v, .table = t, .wish = w};
    f.columns = (struct column *)(uintptr_t)t->columns;
    f.closed = ARENA_ARRAY(v->arena, bool, t->column_count + w->field_count);
    for (size_t i = 0; i < w->field_count; i++)
        TRY(field(&f, &w->fields[i]));
    for (size_t i = 0; i < w->field_count; i++) {
        if (w->fields[i].source != FIELD_OWN)
            TRY(add(&f, &w->fields[i]));
    }
    close_columns(&f);
    pair_parts(&f);
    require_made(&f);
    return check_writes(&f);
}
