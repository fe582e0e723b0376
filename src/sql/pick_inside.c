/* pick_inside.c -- places inside JSON that are shown: `fields=attributes->color`.
 * Such a place is a member named by its last key, or as it says before a colon:
 * `shade:attributes->color`. Members of a document are shown where they stand in it:
 * `fields=name,address.city` gives {"name":..,"address":{"city":..}}. SPDX: Apache-2.0 */
#include "sql/query_priv.h"

/* ---- names ---- */

/* Cuts `shade:` off; empty when there is none. A quoted key may hold a colon. */
static str cut_name(str *text)
{
    size_t colon = str_find(*text, ':'), quote = str_find(*text, '"');
    if (colon == STR_NONE || quote < colon)
        return (str){0};
    str name = str_upto(*text, colon);
    *text = str_from(*text, colon + 1);
    return name;
}

bool pick__leads_inside(const struct table *t, str text)
{
    cut_name(&text);
    return !str_is(text, "*") && query__leads_inside(t, text);
}

static bool is_position(str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (!ascii_digit(key.ptr[i]))
            return false;
    }
    return key.len > 0;
}

/* The last key that is no position in an array, else the column's name. */
static str last_key(const struct place *p)
{
    for (size_t i = p->path_count; i > 0; i--) {
        if (!is_position(p->path[i - 1]))
            return p->path[i - 1];
    }
    return p->column->name;
}

static int named(struct query *q, struct pick *p, const struct place *place, str name)
{
    if (!name.len || !str_utf8(name) || str_find(name, '\0') != STR_NONE)
        return query__bad(q, "bad_fields", "'%s': the name before the colon is missing or no text",
                          query__show(q, q->field));
    for (size_t i = 0; i < p->column_count; i++) {
        if (str_eq(p->columns[i]->name, name))
            return query__bad(q, "bad_fields",
                              "'%s' would be there twice; name one of both, as in other:%s",
                              query__show(q, name), query__show(q, name));
    }
    enum place_form form = place->path_text ? FORM_TEXT : FORM_JSON;
    pick__column(q, p, query__virtual(q, place, form, name));
    return 0;
}

/* ---- members of a document ---- */

/* Places that are shown side by side, in a pick or in an object below it. */
struct shown {
    const struct column **list;
    size_t count;
};

static struct column *find(const struct shown *s, str name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (str_eq(s->list[i]->name, name))
            return (struct column *)(uintptr_t)s->list[i]; /* made below, for this request */
    }
    return NULL;
}

/* The place as far as its step-th key. */
static struct column *upto(struct query *q, const struct place *p, size_t step,
                           enum place_form form)
{
    struct place part = *p;
    part.path_count = step + 1;
    return query__virtual(q, &part, form, p->path[step]);
}

/* Adds a column to an object's members. */
static void join(struct query *q, struct column *object, const struct column *c)
{
    struct inside *in = (struct inside *)(uintptr_t)object->inside;
    const struct column **more = arena_new(q->arena, (in->member_count + 1) * sizeof *more);
    if (in->member_count)
        memcpy(more, in->members, in->member_count * sizeof *more);
    more[in->member_count++] = c;
    in->members = more;
}

static void nested(struct query *q, struct pick *p, const struct place *place)
{
    struct shown here = {p->columns, p->column_count};
    struct column *above = NULL;
    for (size_t step = 0; step < place->path_count; step++) {
        bool last = step + 1 == place->path_count;
        struct column *c = find(&here, place->path[step]);
        if (c && (last || c->inside->form != FORM_OBJECT)) { /* the whole of it, from now on */
            ((struct inside *)(uintptr_t)c->inside)->form = FORM_JSON;
            return;
        }
        if (!c) {
            c = upto(q, place, step, last ? FORM_JSON : FORM_OBJECT);
            if (above)
                join(q, above, c);
            else
                pick__column(q, p, c);
        }
        above = c;
        here = (struct shown){(const struct column **)(uintptr_t)c->inside->members,
                              c->inside->member_count};
    }
}

/* ---- both ---- */

int pick__inside(struct query *q, struct pick *p, str text)
{
    struct place place = {0};
    str name = cut_name(&text);
    TRY(query__inside(q, p->table, text, &place));
    if (!name.ptr && place.loose && !str_is(place.path[0], "id"))
        nested(q, p, &place);
    else
        return named(q, p, &place, name.ptr ? name : last_key(&place));
    return 0;
}
