/* change.c -- PUT, PATCH and DELETE of one row: one statement each. SPDX: Apache-2.0
 * PUT replaces: a field that the body leaves out gets its default, else null. PATCH writes what the
 * body names (RFC 7396, each column being one value), or adds to it ({"$inc": 5}). Neither changes
 * the key; a PUT of a row that is not there goes on in put.c. A body that changes nothing reads the
 * row instead. */
#include "resource/guard.h"

static int path_key(struct request *rq, const struct resource *r, struct fixed *out,
                    struct err *err)
{
    struct value *values = NULL;
    TRY(resource__no_params(rq, err));
    TRY(resource__id(rq, r->set, r->table, &values, err));
    *out = (struct fixed){&r->table->primary, values, r->grant};
    return 0;
}

static bool in_key(const struct key *k, const struct column *c)
{
    for (size_t i = 0; i < k->count; i++) {
        if (k->columns[i] == c)
            return true;
    }
    return false;
}

/* A replaced row keeps what the caller may not write. */
static bool closed_to(const struct resource *r, size_t column)
{
    return !resource__told(r->table, column) ||
           (r->grant && r->grant->closed && r->grant->closed[column]);
}

/* What the row's columns become; how many. A counter beside the key has a default that an UPDATE
 * cannot name on SQLite: it keeps its value. */
static size_t assignments(const struct resource *r, const struct body_row *row, bool replace,
                          struct assignment *set)
{
    size_t count = 0;
    bool lite = r->set->config->dialect == DIALECT_SQLITE;
    for (size_t i = 0; i < r->table->column_count; i++) {
        const struct column *c = &r->table->columns[i];
        bool keeps = lite && !c->nullable && !c->default_sql.len;
        if (row->given[i])
            set[count++] =
                (struct assignment){.column = c, .value = row->cells[i], .add = row->added[i]};
        else if (replace && !row->added[i] && !c->generated && !column_made(c) && !keeps &&
                 !in_key(&r->table->primary, c) && !closed_to(r, i))
            set[count++] = (struct assignment){.column = c, .to_default = true};
    }
    if (r->table->document)
        set[count++] = (struct assignment){.column = &r->table->columns[COLLECTION_UPDATED],
                                           .to_default = true};
    return count;
}

/* The row as it is, as if one statement had changed it to that; none when the caller may not change
 * it. */
WAITS static int read_row(struct request *rq, const struct resource *r, const struct fixed *key,
                          struct rows *out, struct err *err)
{
    struct select sel = {.table = r->table, .limit = 1};
    sel.columns = all_columns(&rq->arena, r->table);
    sel.column_count = sel.shown = r->table->column_count;
    sel.where =
        resource__granted(&rq->arena, r, resource__key_cond(&rq->arena, key->key, key->values));
    return resource__select(rq, r->set, &sel, 1, out, err);
}

WAITS static int update_row(struct request *rq, const struct resource *r, const struct update *u,
                            const struct body *body, struct rows *out, struct err *err)
{
    struct db_write w = {0};
    struct err refused = {0};
    TRY(sql_update(r->set->config->dialect, &rq->arena, u, &w.st, err));
    int code = resource__write(rq, r->set, &w, 1, NULL, &refused);
    *out = w.rows;
    if (code == 0)
        return 0;
    *err = refused;
    return resource__refused(rq, r, body, 0, err);
}

/* No row was changed, or a sum did not fit (which SQLite tells by changing none): which of both? */
WAITS static int not_changed(struct request *rq, const struct resource *r, const struct fixed *key,
                             const struct body *body, struct err *err)
{
    struct rows there = {0};
    if (!resource__adds(r, body))
        return resource__untouched(rq, r, key->values, ACTION_UPDATE, err);
    TRY(read_row(rq, r, key, &there, err));
    return there.count ? resource__overflow(rq, r, body, err)
                       : resource__untouched(rq, r, key->values, ACTION_UPDATE, err);
}

int resource__change_row(struct request *rq, const struct resource *r, bool replace,
                         const struct fixed *key, const struct body *body, struct rows *out,
                         struct err *err)
{
    struct assignment *set = ARENA_ARRAY(&rq->arena, struct assignment, r->table->column_count);
    struct update u = {.table = r->table, .set = set};
    u.set_count = assignments(r, &body->rows[0], replace, set);
    u.where =
        resource__granted(&rq->arena, r, resource__key_cond(&rq->arena, key->key, key->values));
    u.returning = all_columns(&rq->arena, r->table);
    u.returning_count = r->table->column_count;
    if (!u.set_count)
        return read_row(rq, r, key, out, err);
    TRY(update_row(rq, r, &u, body, out, err));
    return resource__verify(rq, r, out, ACTION_UPDATE, err);
}

WAITS static int change_as(struct request *rq, const struct resource *r, enum body_kind kind,
                           struct err *err)
{
    struct fixed key;
    struct value json;
    struct body body;
    struct rows rows = {0};
    TRY(path_key(rq, r, &key, err));
    TRY(resource__json(rq, kind, &json, err));
    enum patch_form form = kind == BODY_PATCH ? resource__patch_form(rq, r, &json) : PATCH_PLAIN;
    if (form != PATCH_PLAIN)
        return resource__patch_row(rq, r, &key, &(struct patch_body){form, &json}, err);
    TRY(resource__take(&rq->arena, r->table, &json, kind, &key, &body, err));
    if (!r->only_new)
        TRY(resource__change_row(rq, r, kind == BODY_REPLACE, &key, &body, &rows, err));
    if (!rows.count && kind == BODY_REPLACE && r->table->put_creates)
        return resource__put_new(rq, r, &key, &body, err);
    if (!rows.count)
        return not_changed(rq, r, &key, &body, err);
    resource__shown_row(rq, r, rows.cells);
    return 0;
}

WAITS static int replace(struct request *rq, const struct resource *r, struct err *err)
{
    return change_as(rq, r, BODY_REPLACE, err);
}

WAITS static int patch(struct request *rq, const struct resource *r, struct err *err)
{
    return change_as(rq, r, BODY_PATCH, err);
}

WAITS static int change(struct request *rq, const void *data, enum action act, guarded_fn *fn,
                        struct err *err)
{
    struct resource copy;
    const struct resource *r;
    TRY(resource__as(rq, data, act, &copy, &r, err));
    return resource__conditioned(rq, r, act, fn, err);
}

int resource__put(struct request *rq, const void *data, struct err *err)
{
    return change(rq, data, ACTION_UPDATE, replace, err);
}

int resource__patch(struct request *rq, const void *data, struct err *err)
{
    return change(rq, data, ACTION_UPDATE, patch, err);
}

WAITS static int remove_row(struct request *rq, const struct resource *r, struct err *err)
{
    struct fixed key;
    struct db_write w = {0};
    struct err refused = {0};
    TRY(path_key(rq, r, &key, err));
    struct remove plan = {.table = r->table};
    plan.where =
        resource__granted(&rq->arena, r, resource__key_cond(&rq->arena, key.key, key.values));
    TRY(sql_remove(r->set->config->dialect, &rq->arena, &plan, &w.st, err));
    int code = resource__write(rq, r->set, &w, 1, NULL, &refused);
    if (code == E_CHILDREN)
        return resource__kept(rq, r, key.values, err);
    if (code < 0)
        *err = refused;
    TRY(code);
    if (!w.changes)
        return resource__untouched(rq, r, key.values, ACTION_DELETE, err);
    rq->reply->status = 204;
    return 0;
}

int resource__remove(struct request *rq, const void *data, struct err *err)
{
    return change(rq, data, ACTION_DELETE, remove_row, err);
}
