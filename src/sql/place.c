/* place.c -- the left side of a test: `age`, `author.city`, `meta->color->>name`, `comments.or`.
 * A name may be double-quoted. Where a column and a relation share a name, the column is meant
 * when nothing follows it, or an operator does. SPDX: Apache-2.0 */
#include "sql/query_priv.h"

static bool at_arrow(const struct scan *s)
{
    return str_starts(scan_rest(s), LIT("->"));
}

static int read_name(struct query *q, struct scan *s, str *out)
{
    if (scan_peek(s) == '"')
        return query__quoted(q, s, out);
    size_t from = s->at;
    while (!scan_end(s) && !memchr(".(),", scan_peek(s), 4) && !at_arrow(s))
        s->at++;
    *out = (str){s->text.ptr + from, s->at - from};
    return 0;
}

/* and, or, not.and, not.or: at the end of a parameter's name, or before a parenthesis. */
static bool group(struct scan *s, enum place_style style, struct place *p)
{
    struct scan at = *s;
    bool negated = str_starts(scan_rest(&at), LIT("not."));
    if (negated)
        at.at += 4;
    str rest = scan_rest(&at);
    bool both = str_starts(rest, LIT("and")), either = str_starts(rest, LIT("or"));
    if (style == PLACE_BRACKET || (!both && !either))
        return false;
    at.at += both ? 3 : 2;
    if (style == PLACE_NAME ? !scan_end(&at) : scan_peek(&at) != '(')
        return false;
    *s = at;
    p->kind = both ? PLACE_AND : PLACE_OR;
    p->negated = negated;
    return true;
}

static int json_step(struct query *q, struct scan *s, enum place_style style, struct place *p)
{
    s->at += 2;
    p->path_text = scan_take(s, '>');
    if (p->path_count == PLACE_PATH)
        return query__bad(q, "bad_filter", "a JSON path has %d steps at most", PLACE_PATH);
    str *key = &p->path[p->path_count++];
    if (scan_peek(s) == '"') {
        TRY(query__quoted(q, s, key));
    } else {
        size_t from = s->at;
        while (!scan_end(s) && !at_arrow(s) &&
               (style != PLACE_ITEM || !memchr(".(),", scan_peek(s), 4)))
            s->at++;
        *key = (str){s->text.ptr + from, s->at - from};
    }
    if (!str_utf8(*key) || str_find(*key, '\0') != STR_NONE)
        return query__bad(q, "bad_filter", "'%s': a JSON key must be UTF-8 without NUL",
                          query__show(q, s->text));
    if (!key->len)
        return query__bad(q, "bad_filter", "'%s': a JSON key is missing behind the arrow",
                          query__show(q, s->text));
    if (p->path_text && at_arrow(s))
        return query__bad(q, "bad_filter", "'%s': ->> gives text, so it must be the last step",
                          query__show(q, s->text));
    return 0;
}

/* Behind a name: does the left side end here? */
static bool ends(const struct scan *s, enum place_style style)
{
    if (style != PLACE_ITEM || scan_peek(s) != '.')
        return scan_end(s) || style == PLACE_ITEM;
    struct scan next = {s->text, s->at + 1};
    return query__at_operator(&next);
}

/* ---- members of a document: address.city, tags.0, address->city->>name ---- */

static int member_step(struct query *q, struct scan *s, enum place_style style, struct place *p)
{
    if (p->path_count == PLACE_PATH)
        return query__bad(q, "bad_filter", "a JSON path has %d steps at most", PLACE_PATH);
    str *key = &p->path[p->path_count++];
    TRY(read_name(q, s, key));
    bool more = !scan_end(s) && scan_peek(s) != '.' && !at_arrow(s);
    if (more && style != PLACE_ITEM)
        return query__bad(q, "unknown_parameter", "'%s': '.' expected at '%s'",
                          query__show(q, s->text), query__show(q, scan_rest(s)));
    if (!key->len || !str_utf8(*key) || str_find(*key, '\0') != STR_NONE)
        return query__bad(q, "bad_filter", "'%s': a key of the document is missing or no text",
                          query__show(q, s->text));
    return 0;
}

static int document_place(struct query *q, struct scan *s, enum place_style style, struct place *p)
{
    p->kind = PLACE_COLUMN;
    p->column = p->table->document;
    p->loose = true;
    do {
        TRY(member_step(q, s, style, p));
        if (!at_arrow(s) && ends(s, style))
            return 0;
    } while (scan_take(s, '.'));
    while (at_arrow(s))
        TRY(json_step(q, s, style, p));
    p->loose = !p->path_text;
    return 0;
}

static int column_place(struct query *q, struct scan *s, enum place_style style, struct place *p)
{
    p->kind = PLACE_COLUMN;
    if (at_arrow(s) && p->column->type != TYPE_JSON)
        return query__bad(q, "bad_filter", "'%s' is %s: an arrow needs a JSON column",
                          query__show(q, p->column->name), type_name(p->column->type));
    while (at_arrow(s))
        TRY(json_step(q, s, style, p));
    if (style != PLACE_ITEM && !scan_end(s))
        return query__bad(q, "unknown_parameter", "'%s': '%s' is a column, nothing can follow it",
                          query__show(q, s->text), query__show(q, p->column->name));
    return 0;
}

static const char *const words[] = {"sort",   "fields", "include", "limit", "page", "offset",
                                    "cursor", "count",  "or",      "and",   NULL};

static int unknown(struct query *q, const struct place *p, str name, enum place_style style)
{
    bool root = p->relation_count == 0 && style == PLACE_NAME;
    const char *hint = query__hint(q, name, p->table, root ? words : NULL);
    const char *shown = query__show(q, name), *table = query__show(q, p->table->name);
    if (!name.len)
        return query__bad(q, "bad_filter", "the name of a column or relation is missing");
    if (style == PLACE_ITEM)
        return query__bad(q, "bad_filter", "'%s' has no column or relation '%s'%s", table, shown,
                          hint);
    if (root)
        return query__bad(q, "unknown_parameter", "unknown parameter '%s'%s", shown, hint);
    return query__bad(q, "unknown_parameter", "'%s' has no column or relation '%s'%s", table, shown,
                      hint);
}

static int step_into(struct query *q, const struct relation *r, struct place *p)
{
    unsigned most = q->limits->include_depth;
    if (p->relation_count >= most || p->relation_count == PLACE_RELATIONS)
        return query__bad(q, "bad_filter", "a filter crosses %u relations at most", most);
    p->relations[p->relation_count++] = r;
    p->table = r->target;
    return 0;
}

/* A column's name may hold dots: then it is the whole name of the parameter. */
static const struct column *whole_name(const struct scan *s, enum place_style style,
                                       const struct table *t)
{
    if (style == PLACE_ITEM || s->at > 0 || str_find(s->text, '.') == STR_NONE)
        return NULL;
    return query__column(t, s->text);
}

const struct column *query__column(const struct table *t, str name)
{
    const struct column *c = table_column(t, name);
    return c && c == t->document ? NULL : c;
}

int query__place(struct query *q, const struct table *t, struct scan *s, enum place_style style,
                 struct place *out)
{
    out->table = t;
    out->column = whole_name(s, style, t);
    if (out->column) {
        s->at = s->text.len;
        return 0;
    }
    for (;;) {
        str name;
        struct scan begin = *s;
        if (group(s, style, out))
            return 0;
        TRY(read_name(q, s, &name));
        const struct column *column = query__column(out->table, name);
        const struct relation *relation = table_relation(out->table, name);
        if (column && (!relation || ends(s, style) || at_arrow(s))) {
            out->column = column;
            return column_place(q, s, style, out);
        }
        if (!relation && out->table->document) {
            *s = begin;
            return document_place(q, s, style, out);
        }
        if (!relation)
            return unknown(q, out, name, style);
        bool last = ends(s, style);
        TRY(step_into(q, relation, out));
        if (last) {
            out->kind = PLACE_ROW;
            return 0;
        }
        if (!scan_take(s, '.'))
            return query__bad(q, "bad_filter", "'%s': a column must follow the relation '%s'",
                              query__show(q, s->text), query__show(q, name));
    }
}

/* ---- places that are shown or sorted by ---- */

static size_t arrow_in(str name)
{
    for (size_t i = 0; i + 1 < name.len; i++) {
        if (name.ptr[i] == '-' && name.ptr[i + 1] == '>')
            return i;
    }
    return STR_NONE;
}

bool query__leads_inside(const struct table *t, str name)
{
    size_t arrow = arrow_in(name);
    if (t->document)
        return !query__column(t, name);
    return arrow != STR_NONE && query__column(t, str_upto(name, arrow)) != NULL;
}

int query__inside(struct query *q, const struct table *t, str name, struct place *out)
{
    struct scan s = {name, 0};
    TRY(query__place(q, t, &s, PLACE_BRACKET, out));
    BUG_ON(out->kind != PLACE_COLUMN || !out->path_count);
    return 0;
}

struct column *query__virtual(struct query *q, const struct place *p, enum place_form form,
                              str name)
{
    static const enum type types[] = {[FORM_JSON] = TYPE_JSON,
                                      [FORM_TEXT] = TYPE_TEXT,
                                      [FORM_SORT_NUMBER] = TYPE_NUMERIC,
                                      [FORM_SORT_TEXT] = TYPE_TEXT,
                                      [FORM_OBJECT] = TYPE_JSON};
    struct inside *in = ARENA_NEW(q->arena, struct inside);
    struct column *c = ARENA_NEW(q->arena, struct column);
    str *path = arena_new(q->arena, p->path_count * sizeof *path + 1);
    memcpy(path, p->path, p->path_count * sizeof *path);
    *in = (struct inside){
        .form = form, .column = p->column, .path = path, .path_count = p->path_count};
    *c = (struct column){.name = name,
                         .type = types[form],
                         .nullable = true,
                         .scale = -1,
                         .min_length = -1,
                         .max_length = -1,
                         .inside = in};
    return c;
}
