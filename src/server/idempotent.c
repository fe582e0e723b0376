/* idempotent.c -- Idempotency-Key: the settings, the table, the routes that demand a key.
 * SPDX: Apache-2.0 */
#include "db/db.h"
#include "server/server_priv.h"

enum {
    MS = 1000,
    ROUTES_MOST = 256,
    BOTH = 1u << METHOD_POST | 1u << METHOD_PATCH,
    LOCK_MS = 60000
};

/* Several processes may start at once, and CREATE TABLE IF NOT EXISTS is no lock. */
int idempotent_tables(const struct config *c, struct db_admin *a, struct err *err)
{
    struct db_config db;
    if (!c->idempotency)
        return 0;
    config_db(c, &db);
    TRY(db_admin_lock(a, LOCK_MS, err));
    int code = db_admin_script(a, str_of(idempotency_tables(db_engine(&db))), NULL, err);
    db_admin_unlock(a);
    return code;
}

/* ---- idempotency.required ---- */

static bool takes_key(const struct endpoint *e)
{
    return e->keyed && (BOTH >> e->method & 1);
}

static bool is_there(const struct router *r, const struct idempotency_route *want)
{
    const struct endpoint *e;
    for (size_t i = 0; (e = router_at(r, i)); i++) {
        if (takes_key(e) && (want->methods >> e->method & 1) &&
            edge_path(want->path, str_of(e->pattern)))
            return true;
    }
    return false;
}

static const char *nearest(const struct router *r, struct arena *a, str path)
{
    const struct endpoint *e;
    size_t count = 0;
    while (router_at(r, count))
        count++;
    const char **names = ARENA_ARRAY(a, const char *, count + 1);
    count = 0;
    for (size_t i = 0; (e = router_at(r, i)); i++) {
        if (takes_key(e))
            names[count++] = e->pattern;
    }
    return str_nearest(path, names, count);
}

static int unknown(struct world *w, str item, str path, struct err *err)
{
    const char *near = nearest(w->router, &w->arena, path);
    return fail(err, E_CONFIG,
                "%.*s: idempotency.required: '%.*s' is no route that takes an Idempotency-Key; "
                "expected the path of a POST or PATCH, such as `/v1/orders` or "
                "`POST /v1/orders`%s%s%s",
                STR_ARG(w->config->origin[CONFIG_KEY_idempotency_required]),
                STR_ARG(str_upto(item, 80)), near ? " (did you mean `" : "", near ? near : "",
                near ? "`?)" : "");
}

/* "/v1/orders", "POST /v1/orders" */
static struct idempotency_route route_of(str item)
{
    size_t blank = str_find(item, ' ');
    struct idempotency_route r = {.methods = BOTH, .path = item};
    if (blank == STR_NONE)
        return r;
    str method = str_upto(item, blank);
    r.path = str_trim(str_from(item, blank));
    r.methods = str_is(method, "POST")    ? 1u << METHOD_POST
                : str_is(method, "PATCH") ? 1u << METHOD_PATCH
                                          : 0;
    return r;
}

static int routes_of(struct world *w, struct idempotency_config *out, struct err *err)
{
    struct idempotency_route *list = ARENA_ARRAY(&w->arena, struct idempotency_route, ROUTES_MOST);
    for (str rest = w->config->idempotency_required; rest.ptr && rest.len;) {
        str item = str_trim(str_cut(&rest, ','));
        if (!item.len)
            continue;
        if (out->required_count == ROUTES_MOST)
            return fail(err, E_CONFIG, "idempotency.required: more than %d routes", ROUTES_MOST);
        struct idempotency_route r = route_of(item);
        if (!is_there(w->router, &r))
            return unknown(w, item, r.path, err);
        list[out->required_count++] = r;
    }
    out->required = list;
    return 0;
}

/* Behind all routes. */
int idempotent_world(struct world *w, struct err *err)
{
    const struct config *c = w->config;
    struct db_config db;
    struct idempotency_config i = {.edge = w->edge,
                                   .db = w->db,
                                   .ttl_s = (int64_t)c->idempotency_ttl / MS,
                                   .answer_most = c->idempotency_answer};
    if (!c->idempotency)
        return 0;
    config_db(c, &db);
    i.engine = db_engine(&db);
    TRY(routes_of(w, &i, err));
    w->idempotency = idempotency_new(&i);
    return 0;
}
