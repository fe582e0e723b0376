/* made.c -- fields that only a version of the API has, as a body tells them: they are written to
 * the columns that they are made of. SPDX: Apache-2.0 What a client read may be sent back: a field
 * and the columns it is made of may all be there, as long as they say the same. */
#include "resource/body_priv.h"

static void contradicts(struct taker *k, const struct column *field)
{
    body__fault(k, field->name, LIT("conflict"),
                arena_printf(k->arena, "'%.*s' contradicts another field of the row",
                             STR_ARG(field->name)));
}

/* cell is as the column stores it. */
static void store(struct taker *k, const struct column *field, const struct column *c,
                  const struct value *cell, struct body_row *row)
{
    const struct value *fixed = body__fixed(k->fixed, c);
    const struct value *want = fixed || !row->given[c->index] ? fixed : &row->cells[c->index];
    if (body__preset(k, c))
        return;
    if (want && !body__same(k->arena, c, want, cell)) {
        contradicts(k, field);
        return;
    }
    if (want)
        return;
    row->cells[c->index] = *cell;
    row->given[c->index] = true;
}

static void take(struct taker *k, const struct column *field, const struct column *c,
                 const struct value *v, struct body_row *row)
{
    struct value cell;
    struct value_fault wrong;
    struct column stored = *c;
    stored.recast = RECAST_NONE;
    if (column_take(&stored, k->arena, v, false, &cell, &wrong)) {
        store(k, field, c, &cell, row);
        return;
    }
    row->given[c->index] = true; /* a faulty one is not missing */
    body__fault(
        k, field->name, wrong.code,
        arena_printf(k->arena, "'%.*s' %.*s", STR_ARG(field->name), STR_ARG(wrong.message)));
}

/* ---- full_name: first_name and last_name ---- */

static size_t find(str s, str what)
{
    for (size_t at = 0; at + what.len <= s.len; at++) {
        if (str_starts(str_from(s, at), what))
            return at;
    }
    return STR_NONE;
}

/* Up to the separator, and on behind it; the last column takes the rest. Columns for which nothing
 * is left are null or, where they cannot be, empty. */
static void take_joined(struct taker *k, const struct column *c, const struct value *v,
                        struct body_row *row)
{
    const struct inside *in = c->inside;
    bool null = v->kind == V_NULL;
    str rest = null ? (str){NULL, 0} : v->text;
    for (size_t i = 0; i < in->member_count; i++) {
        const struct column *source = in->members[i];
        bool last = i + 1 == in->member_count;
        size_t at = rest.ptr && !last ? find(rest, in->path[0]) : STR_NONE;
        struct value part = value_null();
        if (rest.ptr)
            part = value_text(at == STR_NONE ? rest : str_upto(rest, at));
        else if (!null && !source->nullable)
            part = value_text(LIT(""));
        rest = at == STR_NONE ? (str){NULL, 0} : str_from(rest, at + in->path[0].len);
        take(k, c, source, &part, row);
    }
}

/* ---- first_name, last_name: full_name ---- */

static const struct column *sibling(const struct table *t, const struct column *c)
{
    enum place_form other = c->inside->form == FORM_FIRST ? FORM_REST : FORM_FIRST;
    for (size_t i = t->model->column_count; i < t->column_count; i++) {
        const struct inside *in = t->columns[i].inside;
        if (in->form == other && in->members[0] == c->inside->members[0])
            return &t->columns[i];
    }
    return NULL; /* never: schema_version sees to it */
}

/* True: they make no whole, and that is told. */
static bool parts_wrong(struct taker *k, const struct column *first, const struct column *rest,
                        const struct body_row *row)
{
    bool has_first = row->given[first->index], has_rest = row->given[rest->index];
    const struct value *x = &row->cells[first->index];
    str with = first->inside->path[0];
    const struct column *missing = has_first ? rest : first, *there = has_first ? first : rest;
    if (!has_first || (!has_rest && k->kind == BODY_PATCH)) {
        body__fault(k, missing->name, LIT("required"),
                    arena_printf(k->arena, "'%.*s' is required where '%.*s' is given",
                                 STR_ARG(missing->name), STR_ARG(there->name)));
        return true;
    }
    if (x->kind != V_TEXT || find(x->text, with) == STR_NONE)
        return false;
    body__fault(
        k, first->name, LIT("format"),
        arena_printf(k->arena, "'%.*s' must not hold '%.*s'", STR_ARG(first->name), STR_ARG(with)));
    return true;
}

static void take_parts(struct taker *k, const struct column *first, const struct column *rest,
                       struct body_row *row)
{
    const struct value *x = &row->cells[first->index], *y = &row->cells[rest->index];
    const struct column *source = first->inside->members[0];
    str with = first->inside->path[0];
    struct value whole = x->kind == V_TEXT ? *x : value_null();
    bool wrong = parts_wrong(k, first, rest, row);
    row->given[first->index] = row->given[rest->index] = false;
    if (wrong) {
        row->given[source->index] = true; /* a faulty one is not missing */
        return;
    }
    if (y->kind == V_TEXT)
        whole = value_text(arena_printf(k->arena, "%.*s%.*s%.*s",
                                        STR_ARG(x->kind == V_TEXT ? x->text : LIT("")),
                                        STR_ARG(with), STR_ARG(y->text)));
    take(k, first, source, &whole, row);
}

void body__parts(struct taker *k, struct body_row *row)
{
    const struct table *t = k->table;
    for (size_t i = t->model->column_count; i < t->column_count; i++) {
        const struct column *c = &t->columns[i], *other;
        if (c->inside->form != FORM_FIRST || c->generated)
            continue;
        other = sibling(t, c);
        if (row->given[i] || row->given[other->index])
            take_parts(k, c, other, row);
    }
}

/* ---- all of them ---- */

void body__made(struct taker *k, const struct column *c, const struct value *v,
                struct body_row *row)
{
    struct value cell;
    struct value_fault wrong;
    if (!column_take(c, k->arena, v, false, &cell, &wrong)) {
        for (size_t i = 0; i < c->inside->member_count; i++)
            row->given[c->inside->members[i]->index] = true;
        body__fault(
            k, c->name, wrong.code,
            arena_printf(k->arena, "'%.*s' %.*s", STR_ARG(c->name), STR_ARG(wrong.message)));
        return;
    }
    switch (c->inside->form) {
    case FORM_SAME:
        store(k, c, c->inside->members[0], &cell, row);
        break;
    case FORM_JOIN:
        take_joined(k, c, &cell, row);
        break;
    default: /* a part: together with the other one, behind all members */
        row->cells[c->index] = cell;
        row->given[c->index] = true;
        break;
    }
}

bool body__agrees(struct taker *k, const struct column *c, const struct member *m,
                  const struct body_row *row)
{
    struct value cell;
    struct value_fault wrong;
    if (!column_take(c, k->arena, &m->value, false, &cell, &wrong))
        return true; /* the fault is told of the column */
    if (!body__same(k->arena, c, &row->cells[c->index], &cell))
        contradicts(k, c);
    return false;
}

void resource__fill(const struct table *t, bool hidden, struct body_row *row)
{
    for (size_t i = 0; i < t->column_count; i++) {
        const struct column *c = &t->columns[i];
        if (!c->filled || row->given[i] || (!hidden && !resource__told(t, i)))
            continue;
        row->cells[i] = *c->filled;
        row->given[i] = true;
    }
}

/* The field by which t tells of the column; NULL: it hides it. */
static const struct column *teller(const struct table *t, const struct column *c)
{
    if (!table_closed(t, c->index))
        return c;
    for (size_t i = t->model ? t->model->column_count : t->column_count; i < t->column_count; i++) {
        if (column_made_of(&t->columns[i], c) && !table_closed(t, i))
            return &t->columns[i];
    }
    return NULL;
}

bool resource__told(const struct table *t, size_t column)
{
    return teller(t, &t->columns[column]) != NULL;
}

str body__name(const struct table *t, const struct column *c)
{
    const struct column *field = teller(t, c);
    return field ? field->name : c->name;
}
