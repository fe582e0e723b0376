/* put.c -- PUT of a row that is not there: the key in the path is the new row's. SPDX: Apache-2.0
 * Two that make the same row at once: one makes it, 201, and the other one, which hears of that
 * from the database, replaces it, 200; with If-None-Match it fails. A caller of access rules needs
 * the right to create, and the row is held to the rules for that; who lacks it finds nothing there.
 */
#include "resource/guard.h"

/* The body again, by what may be written into a new row. */
WAITS static int make(struct request *rq, const struct resource *r, struct err *err)
{
    const struct key *primary = &r->table->primary;
    struct value json, *id;
    struct body body;
    struct rows rows = {0};
    TRY(resource__id(rq, r->set, r->table, &id, err));
    TRY(resource__json(rq, BODY_REPLACE, &json, err));
    struct fixed key = {primary, id, r->grant};
    TRY(resource__take(&rq->arena, r->table, &json, BODY_REPLACE, &key, &body, err));
    for (size_t i = 0; i < primary->count; i++) {
        body.rows[0].cells[primary->columns[i]->index] = id[i];
        body.rows[0].given[primary->columns[i]->index] = true;
    }
    resource__fill(r->table, true, &body.rows[0]);
    TRY(resource__make(rq, r, &body, &rows, err));
    return resource__verify(rq, r, &rows, ACTION_CREATE, err);
}

/* In a transaction of many steps a failure leaves it as it was. */
WAITS static int make_inside(struct request *rq, const struct resource *r, struct err *err)
{
    struct err wrong = {0};
    size_t headers = rq->reply->header_count;
    if (!rq->tx)
        return resource__guarded(rq, r, make, err);
    TRY(db_tx_savepoint(rq->tx, err));
    int code = make(rq, r, &wrong);
    if (code >= 0)
        return db_tx_release(rq->tx, true, err);
    rq->reply->header_count = headers;
    if (db_clashed(&wrong)) { /* begins anew as a whole */
        *err = wrong;
        return code;
    }
    TRY(db_tx_release(rq->tx, false, err));
    *err = wrong;
    return code;
}

WAITS static int is_there(struct request *rq, const struct resource *r, const struct fixed *key,
                          bool *out, struct err *err)
{
    struct select sel = {.table = r->table, .limit = 1};
    struct rows rows = {0};
    sel.columns = key->key->columns;
    sel.column_count = sel.shown = key->key->count;
    sel.where = resource__key_cond(&rq->arena, key->key, key->values);
    TRY(resource__select(rq, r->set, &sel, 1, &rows, err));
    *out = rows.count > 0;
    return 0;
}

/* Somebody else made the row meanwhile; or a value of another column is taken, and err stays. */
WAITS static int replace_after_all(struct request *rq, const struct resource *r,
                                   const struct fixed *key, const struct body *body,
                                   struct err *err)
{
    struct err raced = *err;
    struct rows rows = {0};
    bool there;
    *err = (struct err){0};
    rq->reply->status = 200;
    TRY(is_there(rq, r, key, &there, err));
    if (there && request_header(rq, LIT("If-None-Match")).ptr)
        return fail_field(err, E_PRECONDITION, LIT("precondition_failed"), LIT("If-None-Match"),
                          "something is there already, and is left as it is");
    if (there)
        TRY(resource__change_row(rq, r, true, key, body, &rows, err));
    if (!rows.count) {
        *err = raced;
        return raced.code;
    }
    resource__shown_row(rq, r, rows.cells);
    return 0;
}

int resource__put_new(struct request *rq, const struct resource *r, const struct fixed *key,
                      const struct body *body, struct err *err)
{
    struct resource maker;
    struct err hidden = {0};
    if (r->grant && resource__untouched(rq, r, key->values, ACTION_UPDATE, &hidden) == E_DENIED) {
        *err = hidden; /* it is there, and not theirs */
        return E_DENIED;
    }
    if (!resource__also(rq, r, ACTION_CREATE, &maker))
        return resource__missing(rq, r->set, r->table, err);
    int code = make_inside(rq, &maker, err);
    return code == E_UNIQUE ? replace_after_all(rq, r, key, body, err) : code;
}
