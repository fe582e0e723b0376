/* language.c -- rows in the client's language: names of members and texts, as tables.T.languages
 * has them. SPDX: Apache-2.0
 * Languages are for reading. The columns' own names stay those of filters, bodies and faults, and
 * what has no text in a language is told in the default one. Summaries (GROUP BY) are not
 * translated: what is counted are the columns.
 * Invariant: a row's tag in a language ends in "-@LANGUAGE", so that If-Match can be held against
 * the same representation (precondition.c). */
#include "resource/guard.h"

#include "render/locale.h"

enum { LANGUAGES_MOST = 64 };

static const struct tongue *tongue_of(const struct table *t, str language)
{
    for (size_t i = 0; i < t->tongue_count; i++)
        if (str_eqi(t->tongues[i].language, language))
            return &t->tongues[i];
    return NULL;
}

/* The first table of the plan that speaks several languages. */
static const struct table *speaker(const struct select *sel)
{
    const struct table *t = sel->table->tongue_count && !sel->summary ? sel->table : NULL;
    for (size_t i = 0; i < sel->include_count && !t; i++)
        t = speaker(&sel->includes[i].select);
    return t;
}

static bool fetched(const struct select *sel, const struct column *c)
{
    for (size_t i = 0; i < sel->column_count; i++)
        if (sel->columns[i] == c)
            return true;
    return false;
}

/* What is shown instead of the column, when it is not null. */
static const struct column *instead(const struct table *t, const struct tongue *g,
                                    const struct column *c)
{
    const struct column *v = c->inside || c != &t->columns[c->index] ? NULL : g->values[c->index];
    return v && !table_closed(t, v->index) ? v : NULL;
}

/* The plan fetches the texts of that language, too. */
static void speak(struct arena *a, struct select *sel, str language)
{
    const struct tongue *g = sel->summary ? NULL : tongue_of(sel->table, language);
    if (g) {
        const struct column **list =
            ARENA_ARRAY(a, const struct column *, sel->column_count + sel->shown);
        memcpy(list, sel->columns, sel->column_count * sizeof(*list));
        sel->columns = list;
        for (size_t i = 0; i < sel->shown; i++) {
            const struct column *v = instead(sel->table, g, sel->columns[i]);
            if (v && !fetched(sel, v))
                list[sel->column_count++] = v;
        }
        sel->tongue = g;
    }
    for (size_t i = 0; i < sel->include_count; i++)
        speak(a, &sel->includes[i].select, language);
}

void resource__speak(struct request *rq, const struct resource_set *s, struct select *sel)
{
    const struct table *t = speaker(sel);
    str offers[LANGUAGES_MOST], header = request_header(rq, LIT("Accept-Language"));
    size_t count = 0;
    if (LIKELY(!t))
        return;
    offers[count++] = s->config->language;
    for (size_t i = 0; i < t->tongue_count && count < LANGUAGES_MOST; i++)
        offers[count++] = t->tongues[i].language;
    size_t at = header.len ? language_choose(header, offers, count) : 0;
    if (at == STR_NONE)
        at = 0;
    reply_vary(rq->reply, LIT("Accept-Language"));
    reply_header(rq->reply, LIT("Content-Language"), offers[at]);
    if (!at)
        return;
    rq->reply->language = offers[at];
    speak(&rq->arena, sel, offers[at]);
}

/* Whole rows leave out the columns that only translate others. */
static bool is_whole(const struct select *sel)
{
    size_t open = 0;
    for (size_t i = 0; i < sel->table->column_count; i++)
        open += !table_closed(sel->table, i);
    return sel->shown == open;
}

static uint32_t position(const struct select *sel, const struct column *c)
{
    return (uint32_t)resource__position(sel, c);
}

const struct row_shape *resource__spoken_shape(struct arena *a, const struct resource_set *s,
                                               const struct select *sel)
{
    const struct table *t = sel->table;
    const struct tongue *g = sel->tongue;
    struct row_shape *shape = ARENA_NEW(a, struct row_shape);
    const struct column **columns = ARENA_ARRAY(a, const struct column *, sel->shown);
    str *names = ARENA_ARRAY(a, str, sel->shown);
    struct shape_cell *from = ARENA_ARRAY(a, struct shape_cell, sel->shown);
    bool whole = is_whole(sel);
    size_t count = 0;
    for (size_t i = 0; i < sel->shown; i++) {
        const struct column *c = sel->columns[i];
        bool own = !c->inside && c == &t->columns[c->index];
        if (whole && own && t->translations[c->index])
            continue;
        const struct column *v = instead(t, g, c);
        columns[count] = c;
        names[count] = own && g->names[c->index].len ? g->names[c->index] : c->name;
        from[count].at = (uint32_t)i;
        from[count++].instead = v ? position(sel, v) : (uint32_t)i;
    }
    row_shape_named(shape, a, columns, names, count);
    shape->from = from;
    struct shape_cells cells = {sel->columns, sel->column_count};
    resource__file_places(shape, a, s, t, &cells);
    return shape;
}

/* ---- tags ---- */

/* Does a list of tags hold one that ends in "-@LANGUAGE", perhaps with a coding behind? */
static bool names_language(str list, str language)
{
    for (size_t i = 0; i + language.len + 1 < list.len; i++) {
        str rest = str_from(list, i + 1);
        char behind = rest.len > language.len ? rest.ptr[language.len] : '\0';
        if (list.ptr[i] == '@' && (behind == '"' || behind == '-') &&
            str_eqi(str_upto(rest, language.len), language))
            return true;
    }
    return false;
}

const struct row_shape *resource__tagged_shape(struct request *rq, const struct resource *r)
{
    const struct table *t = r->table;
    str list = request_header(rq, LIT("If-Match"));
    struct select sel = {.table = t};
    if (!list.ptr)
        list = request_header(rq, LIT("If-None-Match"));
    for (size_t i = 0; list.ptr && i < t->tongue_count; i++) { /* pt-BR before pt */
        bool longer = !sel.tongue || t->tongues[i].language.len > sel.tongue->language.len;
        if (longer && names_language(list, t->tongues[i].language))
            sel.tongue = &t->tongues[i];
    }
    if (!sel.tongue)
        return &r->set->shapes[t - r->set->schema->tables];
    sel.columns = resource__visible(&rq->arena, t, &sel.shown);
    sel.column_count = sel.shown;
    return resource__spoken_shape(&rq->arena, r->set, &sel);
}
