/* wishes.c -- names and tables as the project's config wants them. SPDX: Apache-2.0
 * A wish that cannot be met stops the start: a misspelt name must not quietly serve another API. */
#include "schema/schema_priv.h"

enum { SHOWN = 80 };

static str shown(str s)
{
    return str_upto(s, SHOWN);
}

/* "; did you mean 'x'?", or nothing. */
static const char *suggestion(struct schema__build *b, str name, const char *const *candidates,
                              size_t count)
{
    const char *near = str_nearest(name, candidates, count);
    return near ? arena_printf(b->arena, "; did you mean '%.*s'?", STR_ARG(shown(str_of(near)))).ptr
                : "";
}

int schema__wish_table(struct schema__build *b, str table, struct schema__work **w)
{
    *w = schema__work_of(b, table);
    if (*w)
        return 0;
    const char **names = ARENA_ARRAY(b->arena, const char *, b->count);
    for (size_t i = 0; i < b->count; i++)
        names[i] = b->works[i].table->name.ptr;
    return fail(b->err, E_CONFIG, "tables: there is no table '%.*s'%s", STR_ARG(shown(table)),
                suggestion(b, table, names, b->count));
}

int schema__wish_column(struct schema__build *b, const struct schema_relation_wish *wish,
                        struct schema__work **w, const struct column **column)
{
    TRY(schema__wish_table(b, wish->table, w));
    const struct table *t = (*w)->table;
    *column = table_column(t, wish->column);
    if (*column)
        return 0;
    const char **names = ARENA_ARRAY(b->arena, const char *, t->column_count);
    for (size_t i = 0; i < t->column_count; i++)
        names[i] = t->columns[i].name.ptr;
    return fail(b->err, E_CONFIG, "tables.%.*s: there is no column '%.*s'%s",
                STR_ARG(shown(t->name)), STR_ARG(shown(wish->column)),
                suggestion(b, wish->column, names, t->column_count));
}

/* ---- relations ---- */

static int no_key(struct schema__build *b, const struct table *t, const struct column *c)
{
    size_t count = 0;
    const char **names = ARENA_ARRAY(b->arena, const char *, t->column_count);
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const struct key *from = &t->foreign_keys[i].from;
        for (size_t k = 0; k < from->count && count < t->column_count; k++)
            names[count++] = from->columns[k]->name.ptr;
    }
    return fail(b->err, E_CONFIG, "tables.%.*s: column '%.*s' is no foreign key%s",
                STR_ARG(shown(t->name)), STR_ARG(shown(c->name)),
                count == 1 ? arena_printf(b->arena, "; '%s' is", names[0]).ptr
                           : suggestion(b, c->name, names, count));
}

/* The key over that column alone, else the first one that has it among others. */
static struct schema__link *link_of(struct schema__link *links, size_t count,
                                    const struct schema__work *w, const struct column *c)
{
    struct schema__link *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct key *from = &links[i].key->from;
        if (links[i].from != w || !schema__key_has(from, c))
            continue;
        if (from->count == 1)
            return &links[i];
        if (!found)
            found = &links[i];
    }
    return found;
}

static int name_set(struct schema__build *b, struct schema__work *w, size_t at, str name)
{
    struct relation *r = &w->relations[at];
    str table = shown(w->table->name);
    if (!name.len)
        return 0;
    if (r->name.len)
        return fail(b->err, E_CONFIG,
                    "tables: relation '%.*s' of '%.*s' is named twice, also '%.*s'",
                    STR_ARG(shown(r->name)), STR_ARG(table), STR_ARG(shown(name)));
    if (table_column(w->table, name))
        return fail(b->err, E_CONFIG,
                    "tables: relation '%.*s' of '%.*s' has the name of a column; take another",
                    STR_ARG(shown(name)), STR_ARG(table));
    if (schema__name_taken(w, name))
        return fail(b->err, E_CONFIG, "tables: two relations of '%.*s' are named '%.*s'",
                    STR_ARG(table), STR_ARG(shown(name)));
    r->name = arena_str(b->arena, name);
    return 0;
}

int schema__wished(struct schema__build *b, const struct schema_wishes *wishes,
                   struct schema__link *links, size_t count)
{
    for (size_t i = 0; i < wishes->relation_count; i++) {
        const struct schema_relation_wish *wish = &wishes->relations[i];
        struct schema__work *w;
        const struct column *c;
        TRY(schema__wish_column(b, wish, &w, &c));
        struct schema__link *link = link_of(links, count, w, c);
        if (!link)
            return no_key(b, w->table, c);
        TRY(name_set(b, link->from, link->one, wish->name));
        TRY(name_set(b, link->to, link->many, wish->reverse));
    }
    return 0;
}
