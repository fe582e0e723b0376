/* related.c -- rows that hang on another: /v1/users/123/posts. SPDX: Apache-2.0
 * Whether the parent is there is asked only when nothing else tells it: a child in the answer
 * proves it, for the foreign key held when it was written. */
#include "resource/guard.h"

/* The position of c in the key, or STR_NONE. */
static size_t key_at(const struct key *k, const struct column *c)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i] == c)
            return i;
    }
    return STR_NONE;
}

/* The local key out of the id alone, when it is the whole id in some order and rows on the other
 * side prove the parent: those that REL_ONE leads to know nothing of it. */
static bool local_of_id(const struct resource *r, const struct value *id, struct value *out)
{
    const struct key *local = &r->relation->local;
    if (r->relation->kind == REL_ONE || local->count != r->up->primary.count)
        return false;
    for (size_t i = 0; i < local->count; i++) {
        size_t at = key_at(&r->up->primary, local->columns[i]);
        if (at == STR_NONE)
            return false;
        out[i] = id[at];
    }
    return true;
}

/* The given columns of the parent's row. */
WAITS static int ask(struct request *rq, const struct resource *r, const struct value *id,
                     const struct key *columns, struct rows *out, struct err *err)
{
    struct select sel = {.table = r->up, .limit = -1};
    sel.columns = columns->columns;
    sel.column_count = sel.shown = columns->count;
    sel.where = resource__key_cond(&rq->arena, &r->up->primary, id);
    TRY(resource__guard(rq, r->set, &sel, err));
    TRY(resource__select(rq, r->set, &sel, 1, out, err));
    return out->count ? 0 : resource__missing(rq, r->set, r->up, err);
}

int resource__local(struct request *rq, const struct resource *r, struct value **out, bool *asked,
                    struct err *err)
{
    const struct key *local = &r->relation->local;
    struct value *id;
    struct rows rows;
    *asked = false;
    TRY(resource__id(rq, r->set, r->up, &id, err));
    *out = ARENA_ARRAY(&rq->arena, struct value, local->count);
    if (local_of_id(r, id, *out))
        return 0;
    TRY(ask(rq, r, id, local, &rows, err));
    memcpy(*out, rows_at(&rows, 0, 0), local->count * sizeof **out);
    *asked = true;
    return 0;
}

int resource__parent(struct request *rq, const struct resource *r, struct err *err)
{
    struct value *id;
    struct rows rows;
    TRY(resource__id(rq, r->set, r->up, &id, err));
    return ask(rq, r, id, &r->up->primary, &rows, err);
}

static bool some_null(const struct value *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].kind == V_NULL)
            return true;
    }
    return false;
}

static bool nullable(const struct key *k)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i]->nullable)
            return true;
    }
    return false;
}

struct cond *resource__scope(struct request *rq, const struct resource *r,
                             const struct value *local)
{
    struct arena *a = &rq->arena;
    const struct relation *rel = r->relation;
    struct cond *c = ARENA_NEW(a, struct cond);
    c->kind = COND_FALSE; /* a key with a null refers to nothing */
    if (some_null(local, rel->local.count))
        return c;
    if (rel->kind != REL_THROUGH)
        return resource__key_cond(a, &rel->remote, local);
    c->kind = COND_EXISTS;
    c->few = !nullable(&r->near.local) && !nullable(&r->near.remote);
    c->relation = &r->near;
    c->parts = arena_new(a, sizeof *c->parts);
    c->parts[0] = resource__key_cond(a, &rel->near, local);
    c->part_count = 1;
    return c;
}

int resource__related_one(struct request *rq, const void *data, struct err *err)
{
    struct resource copy;
    const struct resource *r;
    struct select sel;
    struct value *local;
    bool asked, found = false;
    TRY(resource__as(rq, data, ACTION_READ, &copy, &r, err));
    TRY(resource__shown(rq, r, &sel, err));
    TRY(resource__local(rq, r, &local, &asked, err));
    sel.where = resource__scope(rq, r, local);
    if (sel.where->kind != COND_FALSE)
        TRY(resource__guard(rq, r->set, &sel, err));
    resource__speak(rq, r->set, &sel);
    if (sel.where->kind != COND_FALSE)
        TRY(resource__show(rq, r, &sel, &found, err));
    BUG_ON(!asked); /* of REL_ONE it is */
    if (found)
        return 0;
    str noun = resource__noun(r->set, r->up), id = request_param(rq, LIT("id"));
    return fail(err, E_NOTFOUND, "%.*s not found; the %.*s '%.*s' has none",
                STR_ARG(r->relation->name), STR_ARG(noun), STR_ARG(str_upto(id, 100)));
}
