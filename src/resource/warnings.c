/* warnings.c -- `_warnings`: which fields of an answer are deprecated in this version of the API.
 * SPDX: Apache-2.0
 * One member at the end of a row's object, or behind the rows of a list; what stands in related
 * rows is named with its relation. Texts for whole rows are made at the start. */
#include "resource/guard.h"

enum { WARNINGS_MOST = 64 * 1024, WARNED_MOST = 100 };

struct gather {
    struct arena *arena;
    str fields[WARNED_MOST], texts[WARNED_MOST];
    size_t count;
};

static void take(struct gather *g, str before, const struct column *const *columns, size_t count)
{
    for (size_t i = 0; i < count && g->count < WARNED_MOST; i++) {
        if (!columns[i]->warning.ptr)
            continue;
        g->fields[g->count] =
            arena_printf(g->arena, "%.*s%.*s", STR_ARG(before), STR_ARG(columns[i]->name));
        g->texts[g->count++] = columns[i]->warning;
    }
}

static void take_select(struct gather *g, str before, const struct select *sel)
{
    take(g, before, sel->columns, sel->shown);
    for (size_t i = 0; i < sel->include_count; i++) {
        const struct include *inc = &sel->includes[i];
        str path = arena_printf(g->arena, "%.*s%.*s.", STR_ARG(before), STR_ARG(inc->name));
        take_select(g, path, &inc->select);
    }
}

static void take_summary(struct gather *g, const struct summary *sum)
{
    for (size_t i = 0; i < sum->item_count && g->count < WARNED_MOST; i++) {
        const struct column *c = sum->items[i].column;
        if (!c || !c->warning.ptr)
            continue;
        g->fields[g->count] = sum->items[i].written;
        g->texts[g->count++] = c->warning;
    }
}

/* `,"_warnings":{"deprecated_fields":["name"],"message":"..."}`, or nothing. */
static str text_of(const struct gather *g)
{
    struct buf b;
    if (!g->count)
        return LIT("");
    buf_init(&b, WARNINGS_MOST);
    buf_lit(&b, ",\"_warnings\":{\"deprecated_fields\":[");
    for (size_t i = 0; i < g->count; i++) {
        buf_str(&b, i ? LIT(",") : LIT(""));
        json_text(&b, g->fields[i]);
    }
    buf_lit(&b, "],\"message\":");
    str message = g->texts[0];
    for (size_t i = 1; i < g->count; i++)
        message = arena_printf(g->arena, "%.*s %.*s", STR_ARG(message), STR_ARG(g->texts[i]));
    json_text(&b, message);
    buf_char(&b, '}');
    str out = b.full ? LIT("") : arena_str(g->arena, buf_view(&b));
    buf_fini(&b);
    return out;
}

const str *resource__warnings(struct arena *a, const struct schema *s)
{
    str *list = ARENA_ARRAY(a, str, s->table_count);
    bool any = false;
    for (size_t i = 0; i < s->table_count; i++) {
        struct gather g = {.arena = a};
        size_t count;
        if (!s->tables[i].warns)
            continue;
        const struct column **columns = resource__visible(a, &s->tables[i], &count);
        take(&g, LIT(""), columns, count);
        list[i] = text_of(&g);
        any = true;
    }
    return any ? list : NULL;
}

str resource__warned(struct arena *a, const struct resource_set *s, const struct select *sel)
{
    if (LIKELY(!s->warnings))
        return LIT("");
    struct gather *g = ARENA_NEW(a, struct gather);
    g->arena = a;
    if (sel->summary)
        take_summary(g, sel->summary);
    else
        take_select(g, LIT(""), sel);
    return text_of(g);
}

str resource__warned_row(const struct resource_set *s, const struct table *t)
{
    return LIKELY(!s->warnings) ? LIT("") : s->warnings[t - s->schema->tables];
}

void resource__warn(struct buf *b, str warned)
{
    if (LIKELY(!warned.len) || b->full || !b->len || b->ptr[b->len - 1] != '}')
        return;
    b->len--;
    buf_str(b, warned);
    buf_char(b, '}');
}
