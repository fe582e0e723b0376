/* ready.c -- statements of one row by its id, made before anybody asks: one for all where there are
 * no rules, else one for each set of roles, into which a request only puts its id and what rules
 * want of the caller. Where that cannot be, the request makes its plan as all others do.
 * Whether the places are the right ones is not taken on trust: the statement is made once more for
 * each of them with another value there, and only that value may differ. SPDX: Apache-2.0 */
#include "resource/guard.h"

/* A value that binds as any id's part in this column does. */
static struct value sample(const struct column *c)
{
    switch (c->type) {
    case TYPE_BOOL:
        return value_bool(true);
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        return value_int(1);
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
        return value_float(1);
    case TYPE_BYTES:
        return value_bytes(LIT("x"));
    default:
        return value_text(LIT("x"));
    }
}

static bool by_number(const struct table *t)
{
    enum type type = t->primary.count == 1 ? t->primary.columns[0]->type : TYPE_NUMERIC;
    return type == TYPE_INT2 || type == TYPE_INT4 || type == TYPE_INT8;
}

/* Requests for rows of one table that come at the same time may be answered by one statement. */
static int add_together(struct arena *a, const struct select *sel, struct stmt *out,
                        struct err *err)
{
    size_t at = 0;
    if (!out->by_key || out->bind_count != 1 || !by_number(sel->table))
        return 0;
    while (at < sel->column_count && sel->columns[at] != sel->table->primary.columns[0])
        at++;
    if (at == sel->column_count) /* the key is not shown */
        return 0;
    out->together_key = (uint32_t)at;
    return sql_select_any(a, sel, sel->table->primary.columns[0], &out->together, err);
}

static int compile(struct arena *a, enum dialect d, const struct table *t, struct cond *rows,
                   struct stmt *out, struct err *err)
{
    const struct key *key = &t->primary;
    struct value *values = ARENA_ARRAY(a, struct value, key->count);
    struct select sel = {.table = t, .limit = -1};
    for (size_t i = 0; i < key->count; i++)
        values[i] = sample(key->columns[i]);
    sel.columns = resource__visible(a, t, &sel.column_count);
    sel.shown = sel.column_count;
    sel.where = cond_and(a, resource__key_cond(a, key, values), rows);
    *out = (struct stmt){0};
    TRY(sql_select(d, a, &sel, out, err));
    out->by_key = !t->view && !rows; /* a rule may read more than the row */
    return d == DIALECT_POSTGRES ? add_together(a, &sel, out, err) : 0;
}

/* A numeric key is stored in several forms, by its value; such an id goes through the plan. */
static bool plain_key(const struct table *t)
{
    for (size_t i = 0; i < t->primary.count; i++) {
        if (t->primary.columns[i]->type == TYPE_NUMERIC)
            return false;
    }
    return t->primary.count != 0;
}

int resource__prepare(struct arena *a, enum dialect d, const struct table *t, struct stmt *out,
                      bool *ready, struct err *err)
{
    *ready = false;
    if (!plain_key(t))
        return 0;
    TRY(compile(a, d, t, NULL, out, err));
    *ready = out->bind_count == t->primary.count;
    return 0;
}

/* Where the two differ, when it is in one value only; else STR_NONE. */
static size_t one_differs(const struct stmt *x, const struct stmt *y)
{
    size_t at = STR_NONE;
    if (!str_eq(x->text, y->text) || x->bind_count != y->bind_count)
        return STR_NONE;
    for (size_t i = 0; i < x->bind_count; i++) {
        if (value_eq(&x->binds[i], &y->binds[i]))
            continue;
        if (at != STR_NONE || x->binds[i].kind != y->binds[i].kind)
            return STR_NONE;
        at = i;
    }
    return at;
}

bool resource__prepare_ruled(struct arena *a, const struct resource_set *view,
                             const struct table *t, struct ready *out)
{
    const struct access *x = view->config->access;
    const struct table *own = &view->base->schema->tables[t - view->schema->tables];
    enum dialect d = view->config->dialect;
    struct access_shape again;
    struct stmt st;
    struct err ignored = {0};
    *out = (struct ready){0};
    if (!t->exposed || t->tongue_count || !plain_key(t) ||
        !access_shape(a, x, own, view->roles, SHAPE_SAME, &out->shape) ||
        compile(a, d, t, out->shape.where, &out->st, &ignored) < 0)
        return false;
    out->places = ARENA_ARRAY(a, size_t, out->shape.hole_count);
    for (size_t i = 0; i < out->shape.hole_count; i++) {
        if (!access_shape(a, x, own, view->roles, i, &again) ||
            compile(a, d, t, again.where, &st, &ignored) < 0)
            return false;
        out->places[i] = one_differs(&out->st, &st);
        if (out->places[i] == STR_NONE || out->places[i] < t->primary.count)
            return false;
    }
    return true;
}

/* The statement's values, but for the id. */
bool resource__fill_ready(struct arena *a, const struct resource_set *view, const struct ready *r,
                          const struct asking *q, struct value **out)
{
    struct value *binds = ARENA_ARRAY(a, struct value, r->st.bind_count);
    memcpy(binds, r->st.binds, r->st.bind_count * sizeof *binds);
    for (size_t i = 0; i < r->shape.hole_count; i++) {
        struct value v;
        if (!access_fill(a, &r->shape, i, q, &v))
            return false;
        binds[r->places[i]] = sql_stored(view->config->dialect, &v);
    }
    *out = binds;
    return true;
}
