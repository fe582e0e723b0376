/* counters.c -- columns that count the rows of a relation, as the project's config wants them:
 *   tables: { users: { counters: { posts_count: posts } } }
 * SPDX: Apache-2.0
 * A relation's name says which foreign key is meant. The database keeps the numbers, by triggers
 * (sql/counter.c): to the API such a column is one that the database computes. */
#include "schema/schema_priv.h"

enum { SHOWN = 60 };

struct counting {
    struct schema__build *b;
    const struct schema_counter_wish *wish;
};

static str shown(str s)
{
    return str_upto(s, SHOWN);
}

/* "FILE:LINE:COLUMN: tables.users.counters.posts_count: " before the sentence. */
static int wrong(const struct counting *c, str sentence)
{
    const struct schema_counter_wish *w = c->wish;
    return fail(c->b->err, E_CONFIG, "%.*s: tables.%.*s.counters.%.*s: %.*s", STR_ARG(w->place),
                STR_ARG(shown(w->table)), STR_ARG(shown(w->column)), STR_ARG(sentence));
}

/* "; did you mean 'x'?", or nothing. */
static str hint(const struct counting *c, str name, const char *const *names, size_t count)
{
    const char *near = str_nearest(name, names, count);
    return near ? arena_printf(c->b->arena, "; did you mean '%.*s'?", STR_ARG(shown(str_of(near))))
                : LIT("");
}

static int no_table(const struct counting *c)
{
    struct schema__build *b = c->b;
    const char **names = ARENA_ARRAY(b->arena, const char *, b->count);
    for (size_t i = 0; i < b->count; i++)
        names[i] = b->works[i].table->name.ptr;
    str near = hint(c, c->wish->table, names, b->count);
    return wrong(c, arena_printf(b->arena, "there is no table '%.*s'%.*s",
                                 STR_ARG(shown(c->wish->table)), STR_ARG(near)));
}

static bool whole(const struct column *c)
{
    return c->type == TYPE_INT4 || c->type == TYPE_INT8;
}

/* Only whole numbers can be meant. */
static int no_column(const struct counting *c, const struct table *t)
{
    struct arena *a = c->b->arena;
    const char **names = ARENA_ARRAY(a, const char *, t->column_count);
    size_t count = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        if (whole(&t->columns[i]))
            names[count++] = t->columns[i].name.ptr;
    }
    str column = shown(c->wish->column), near = hint(c, c->wish->column, names, count);
    return wrong(c, arena_printf(a,
                                 "there is no such column%.*s; a migration adds it: ALTER TABLE "
                                 "%.*s ADD COLUMN %.*s INTEGER NOT NULL DEFAULT 0;",
                                 STR_ARG(near), STR_ARG(shown(t->name)), STR_ARG(column)));
}

static int check_column(const struct counting *c, const struct column *column)
{
    struct arena *a = c->b->arena;
    if (!whole(column))
        return wrong(c, arena_printf(a, "the column is %s; a counter is INTEGER or BIGINT",
                                     type_name(column->type)));
    if (column->generated)
        return wrong(c, LIT("the column is computed or counts already"));
    if (!column->nullable && !column->has_default)
        return wrong(c, LIT("new rows leave the column out: it needs DEFAULT 0"));
    return 0;
}

static int no_relation(const struct counting *c, const struct schema__work *w)
{
    struct arena *a = c->b->arena;
    const char **names = ARENA_ARRAY(a, const char *, w->relation_count);
    size_t count = 0;
    for (size_t i = 0; i < w->relation_count; i++) {
        if (w->relations[i].kind != REL_ONE)
            names[count++] = w->relations[i].name.ptr;
    }
    str near = hint(c, c->wish->relation, names, count);
    return wrong(c, arena_printf(a, "'%.*s' has no relation '%.*s' to many rows%.*s",
                                 STR_ARG(shown(w->table->name)), STR_ARG(shown(c->wish->relation)),
                                 STR_ARG(near)));
}

static const struct relation *relation_of(const struct schema__work *w, str name)
{
    for (size_t i = 0; i < w->relation_count; i++) {
        if (str_eq(w->relations[i].name, name) && w->relations[i].kind != REL_ONE)
            return &w->relations[i];
    }
    return NULL;
}

/* Of a relation through a table between, the rows of that table count: one each. */
static void keep(struct schema__build *b, struct schema__work *w, const struct relation *r,
                 struct column *column)
{
    bool through = r->kind == REL_THROUGH;
    struct counter *list = ARENA_ARRAY(b->arena, struct counter, w->table->counter_count + 1);
    if (w->table->counter_count)
        memcpy(list, w->table->counters, w->table->counter_count * sizeof *list);
    list[w->table->counter_count++] = (struct counter){.column = column,
                                                       .source = through ? r->through : r->target,
                                                       .from = through ? r->near : r->remote,
                                                       .to = r->local};
    w->table->counters = list;
    column->generated = column->has_default = true;
}

static int one(const struct counting *c)
{
    struct schema__work *w = schema__work_of(c->b, c->wish->table);
    if (!w)
        return no_table(c);
    const struct column *found = table_column(w->table, c->wish->column);
    if (!found)
        return no_column(c, w->table);
    struct column *column = &w->columns[found->index];
    TRY(check_column(c, column));
    const struct relation *r = relation_of(w, c->wish->relation);
    if (!r)
        return no_relation(c, w);
    keep(c->b, w, r, column);
    return 0;
}

int schema__counters(struct schema__build *b, const struct schema_wishes *wishes)
{
    for (size_t i = 0; i < wishes->counter_count; i++)
        TRY(one(&(struct counting){b, &wishes->counters[i]}));
    return 0;
}
