/* files.c -- columns that hold files, as the project's config wants them:
 *   files: { products.photo: { types: [image/png], max: 5M } }
 * SPDX: Apache-2.0
 * The column is text or JSON and keeps what is known of the file; the bytes are elsewhere
 * (files/). To the API its type is a file. */
#include "schema/schema_priv.h"

enum { SHOWN = 60, LEAST = 1500 /* characters that the description of a file may need */ };

struct filing {
    struct schema__build *b;
    const struct schema_file_wish *wish;
};

static int wrong(const struct filing *f, str sentence)
{
    const struct schema_file_wish *w = f->wish;
    return fail(f->b->err, E_CONFIG, "%.*s: files.%.*s.%.*s: %.*s", STR_ARG(w->place),
                STR_ARG(str_upto(w->table, SHOWN)), STR_ARG(str_upto(w->column, SHOWN)),
                STR_ARG(sentence));
}

static str hint(const struct filing *f, str name, const char *const *names, size_t count)
{
    const char *near = str_nearest(name, names, count);
    return near ? arena_printf(f->b->arena, "; did you mean '%.60s'?", near) : LIT("");
}

static int no_table(const struct filing *f)
{
    struct schema__build *b = f->b;
    const char **names = ARENA_ARRAY(b->arena, const char *, b->count);
    for (size_t i = 0; i < b->count; i++)
        names[i] = b->works[i].table->name.ptr;
    return wrong(f, arena_printf(b->arena, "there is no table '%.*s'%.*s",
                                 STR_ARG(str_upto(f->wish->table, SHOWN)),
                                 STR_ARG(hint(f, f->wish->table, names, b->count))));
}

static int no_column(const struct filing *f, const struct table *t)
{
    struct arena *a = f->b->arena;
    const char **names = ARENA_ARRAY(a, const char *, t->column_count);
    for (size_t i = 0; i < t->column_count; i++)
        names[i] = t->columns[i].name.ptr;
    str column = str_upto(f->wish->column, SHOWN);
    return wrong(f, arena_printf(a,
                                 "there is no such column%.*s; a migration adds it: ALTER TABLE "
                                 "%.*s ADD COLUMN %.*s JSONB;",
                                 STR_ARG(hint(f, f->wish->column, names, t->column_count)),
                                 STR_ARG(str_upto(t->name, SHOWN)), STR_ARG(column)));
}

static int check(const struct filing *f, const struct table *t, const struct column *c)
{
    bool fits = (c->type == TYPE_JSON && !c->array.len && !c->spread) ||
                (c->type == TYPE_TEXT && (!c->length || c->length >= LEAST) && !c->label_count);
    if (!fits)
        return wrong(f,
                     arena_printf(f->b->arena, "the column is %s; a file is kept in JSONB or TEXT",
                                  type_name(c->type)));
    if (c->generated)
        return wrong(f, LIT("the column is computed"));
    if (t->view || !t->primary.count)
        return wrong(f, LIT("the table needs a primary key: a file has the address of its row"));
    if (c->file)
        return wrong(f, LIT("the column is named twice"));
    return 0;
}

int schema__files(struct schema__build *b, const struct schema_wishes *wishes)
{
    for (size_t i = 0; i < wishes->file_count; i++) {
        struct filing f = {b, &wishes->files[i]};
        struct schema__work *w = schema__work_of(b, f.wish->table);
        if (!w)
            return no_table(&f);
        const struct column *found = table_column(w->table, f.wish->column);
        if (!found)
            return no_column(&f, w->table);
        TRY(check(&f, w->table, found));
        w->columns[found->index].file = f.wish;
    }
    return 0;
}
