/* tongues.c -- languages of tables, as the project's config wants them:
 *   tables: { products: { languages: { es: { name: nombre, price: precio } } } }
 * SPDX: Apache-2.0
 * A column NAME_es holds what NAME says in es, unless the config names another one. */
#include "schema/schema_priv.h"

enum { SHOWN = 60 };

struct speaking {
    struct schema__build *b;
    const struct schema_tongue_wish *wish;
};

static str shown(str s)
{
    return str_upto(s, SHOWN);
}

/* "FILE:LINE:COLUMN: tables.products.languages.es: " before the sentence. */
static int wrong(const struct speaking *s, str sentence)
{
    const struct schema_tongue_wish *w = s->wish;
    return fail(s->b->err, E_CONFIG, "%.*s: tables.%.*s.languages.%.*s: %.*s", STR_ARG(w->place),
                STR_ARG(shown(w->table)), STR_ARG(shown(w->language)), STR_ARG(sentence));
}

static int find(const struct speaking *s, const struct table *t, str name,
                const struct column **out)
{
    struct arena *a = s->b->arena;
    *out = table_column(t, name);
    if (*out)
        return 0;
    const char **names = ARENA_ARRAY(a, const char *, t->column_count);
    for (size_t i = 0; i < t->column_count; i++)
        names[i] = t->columns[i].name.ptr;
    const char *near = str_nearest(name, names, t->column_count);
    return wrong(s, arena_printf(a, "'%.*s' has no column '%.*s'%s%s%s", STR_ARG(shown(t->name)),
                                 STR_ARG(shown(name)), near ? "; did you mean '" : "",
                                 near ? near : "", near ? "'?" : ""));
}

/* The tongue of that language; made when it is not there, with the columns that say by their names
 * what they are. */
static struct tongue *tongue_of(struct schema__build *b, struct table *t, str language)
{
    struct tongue *list = (struct tongue *)(uintptr_t)t->tongues;
    for (size_t i = 0; i < t->tongue_count; i++)
        if (str_eqi(list[i].language, language))
            return &list[i];
    struct tongue *more = ARENA_ARRAY(b->arena, struct tongue, t->tongue_count + 1);
    if (t->tongue_count)
        memcpy(more, list, t->tongue_count * sizeof *more);
    struct tongue *made = &more[t->tongue_count++];
    made->language = arena_str(b->arena, language);
    made->names = ARENA_ARRAY(b->arena, str, t->column_count);
    made->values = ARENA_ARRAY(b->arena, const struct column *, t->column_count);
    for (size_t i = 0; i < t->column_count; i++) {
        str name =
            arena_printf(b->arena, "%.*s_%.*s", STR_ARG(t->columns[i].name), STR_ARG(language));
        for (size_t k = 0; k < t->column_count; k++)
            if (str_eqi(t->columns[k].name, name) && t->columns[k].type == t->columns[i].type)
                made->values[i] = &t->columns[k];
    }
    t->tongues = more;
    return made;
}

static int take(const struct speaking *s, struct table *t)
{
    const struct schema_tongue_wish *w = s->wish;
    const struct column *c, *value;
    struct tongue *g = tongue_of(s->b, t, w->language);
    if (!w->column.len)
        return 0;
    TRY(find(s, t, w->column, &c));
    if (w->name.len)
        g->names[c->index] = arena_str(s->b->arena, w->name);
    if (!w->value.len)
        return 0;
    TRY(find(s, t, w->value, &value));
    if (value->type != c->type || value == c)
        return wrong(s, arena_printf(s->b->arena,
                                     "'%.*s' cannot stand for '%.*s': it must be "
                                     "another column of the same type",
                                     STR_ARG(shown(w->value)), STR_ARG(shown(w->column))));
    g->values[c->index] = value;
    return 0;
}

/* Columns that only translate others are not shown beside what they say. */
static void find_translations(struct schema__build *b, struct table *t)
{
    bool *list = ARENA_ARRAY(b->arena, bool, t->column_count);
    for (size_t i = 0; i < t->tongue_count; i++)
        for (size_t k = 0; k < t->column_count; k++)
            if (t->tongues[i].values[k])
                list[t->tongues[i].values[k]->index] = true;
    t->translations = list;
}

static str name_in(const struct table *t, const struct tongue *g, size_t i)
{
    return g->names[i].len ? g->names[i] : t->columns[i].name;
}

/* No member of a row may come twice. */
static int check(const struct speaking *s, const struct table *t, const struct tongue *g)
{
    for (size_t i = 0; i < t->column_count; i++) {
        str name = name_in(t, g, i);
        bool taken = g->names[i].len && table_relation(t, name);
        for (size_t k = 0; k < i && !taken && !t->translations[i]; k++)
            taken = !t->translations[k] && str_eq(name, name_in(t, g, k));
        if (taken)
            return wrong(s, arena_printf(s->b->arena, "two members would be named '%.*s'",
                                         STR_ARG(shown(name))));
    }
    return 0;
}

int schema__tongues(struct schema__build *b, const struct schema_wishes *wishes)
{
    struct schema__work *w;
    for (size_t i = 0; i < wishes->tongue_count; i++) {
        struct speaking s = {b, &wishes->tongues[i]};
        TRY(schema__wish_table(b, s.wish->table, &w));
        TRY(take(&s, w->table));
    }
    for (size_t i = 0; i < wishes->tongue_count; i++) {
        struct speaking s = {b, &wishes->tongues[i]};
        TRY(schema__wish_table(b, s.wish->table, &w));
        find_translations(b, w->table);
        TRY(check(&s, w->table, tongue_of(b, w->table, s.wish->language)));
    }
    return 0;
}
