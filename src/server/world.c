/* world.c -- everything that a request is answered from: settings, model, routes. SPDX: Apache-2.0
 * Why: a reload must not change what a running request stands on. A world is const; a reload makes
 * another one, each worker goes over to it between two requests, and the old one ends with the
 * last request that began in it. */
#include "base/clock.h"
#include "base/mem.h"
#include "observe/metrics.h"
#include "server/queries.h"
#include "server/server_priv.h"

enum { WORLD_MEMORY = 256 << 20 };

/* ---- routes ---- */

static int c_route_add(struct router *r, const struct c_route *route, struct err *err)
{
    struct endpoint e = {.run = api_run,
                         .data = route,
                         .pattern = route->pattern,
                         .what = "a handler in C",
                         .keyed = true};
    for (e.method = METHOD_GET; e.method < METHOD_OTHER; e.method++) {
        if (strcmp(route->method, method_name(e.method)) == 0)
            return router_add(r, &e, err);
    }
    return fail(err, E_BAD, "route '%s %s' has an unknown method", route->method, route->pattern);
}

/* In production a document of what everybody may do is still more than a stranger has to know. */
static enum docs_for docs_for(const struct config *c)
{
    static const enum docs_for said[] = {[DOCS_ANYONE] = DOCS_FOR_ANYONE,
                                         [DOCS_SIGNED_IN] = DOCS_FOR_SIGNED_IN,
                                         [DOCS_NOBODY] = DOCS_FOR_NOBODY};
    if (c->docs != DOCS_AUTO)
        return said[c->docs];
    if (c->mode == MODE_DEVELOPMENT)
        return DOCS_FOR_ANYONE;
    return c->auth_table.len ? DOCS_FOR_SIGNED_IN : DOCS_FOR_NOBODY;
}

static int documents(struct world *w, struct err *err)
{
    const struct config *c = w->config;
    w->docs.who = docs_for(c);
    w->docs.source = (struct docs_source){.title = c->name,
                                          .version = c->edge.headers.version,
                                          .description = c->docs_description,
                                          .contact = c->docs_contact,
                                          .licence = c->docs_licence,
                                          .prefix = c->prefix,
                                          .public_url = c->public_url,
                                          .schema = w->schema,
                                          .router = w->router,
                                          .access = w->access,
                                          .accounts = w->accounts,
                                          .default_limit = w->rest.limits.default_limit,
                                          .max_limit = c->max_limit,
                                          .max_offset = c->max_offset,
                                          .max_bulk = c->max_bulk};
    if (w->version_count)
        return versions_documents(w, &w->docs.source, err);
    return docs_routes(w->router, &w->docs, &w->arena, err);
}

/* A set of queries outlives worlds that differ in their roles: each request asks its own. */
static const struct access *access_of(const struct request *rq)
{
    const struct world *w = rq->world;
    return w ? w->access : NULL;
}

static int routes_add(struct world *w, struct cairn_app *app, struct err *err)
{
    TRY(health_routes(w->router, w, err));
    TRY(mailer_world(w, app, err));
    TRY(signin_world(w, app ? app->identity : NULL, err));
    for (size_t i = 0; app && i < app->route_count; i++)
        TRY(c_route_add(w->router, &app->routes[i], err));
    if (w->queries && !w->base)
        query_guard(w->queries, access_of, w->config->access_given);
    if (w->queries) {
        TRY(query_routes(w->router, w->queries, w->db, w->config->prefixes, w->config->prefix_count,
                         err));
    }
    TRY(versions_routes(w, err));
    return documents(w, err);
}

/* ---- metrics: numbered once, for the worlds to come too ---- */

static struct {
    struct metrics_route *list;
    size_t count;
} counted;

static const char *copy(const char *text)
{
    return mem_text(text, strlen(text));
}

void world_metrics(const struct world *w)
{
    const char *methods[METHOD__COUNT];
    const struct endpoint *e;
    size_t count = 0;
    while (router_at(w->router, count))
        count++;
    for (int m = 0; m < METHOD__COUNT; m++)
        methods[m] = method_name((enum method)m);
    counted.list = mem_zero(count, sizeof *counted.list);
    counted.count = count;
    for (size_t i = 0; (e = router_at(w->router, i)); i++)
        counted.list[i] = (struct metrics_route){(unsigned)e->method, copy(e->pattern)};
    metrics_setup(cairn_version(), methods, COUNT_OF(methods), counted.list, counted.count);
}

static size_t metric_find(const struct endpoint *e)
{
    for (size_t i = 0; i < counted.count; i++) {
        if (counted.list[i].method == (unsigned)e->method &&
            strcmp(counted.list[i].pattern, e->pattern) == 0)
            return i;
    }
    return METRICS_NO_ROUTE;
}

/* The first world numbers the routes itself; a later one finds most at the same place. */
static void metrics_number(struct world *w)
{
    const struct endpoint *e;
    size_t count = 0;
    while (router_at(w->router, count))
        count++;
    w->metric_of = mem_zero(count, sizeof *w->metric_of);
    for (size_t i = 0; (e = router_at(w->router, i)); i++) {
        bool here = i < counted.count && counted.list[i].method == (unsigned)e->method &&
                    strcmp(counted.list[i].pattern, e->pattern) == 0;
        w->metric_of[i] = here || !counted.count ? i : metric_find(e);
    }
}

/* ---- life ---- */

static struct sql_limits limits_of(const struct config *c)
{
    return (struct sql_limits){.default_limit = c->default_limit < c->max_limit ? c->default_limit
                                                                                : c->max_limit,
                               .max_limit = c->max_limit,
                               .max_offset = c->max_offset,
                               .include_depth = (unsigned)c->include_depth,
                               .include_count = (unsigned)c->include_count,
                               .filter_nodes = (unsigned)c->filter_nodes,
                               .in_values = (unsigned)c->in_values,
                               .include_limit = c->include_limit};
}

static void end(struct world *w)
{
    struct world *base = w->base;
    router_free(&w->router);
    accounts_free(&w->accounts);
    resource_views_free(&w->views);
    docs_fini(&w->docs);
    versions_end(w);
    idempotency_free(&w->idempotency);
    edge_free(&w->edge);
    if (!base) {
        query_free(&w->queries);
        if (w->schema)
            schema_free(&w->schema);
        config_free(&w->config);
    }
    role_rows_free(&w->preview_roles);
    arena_reset(&w->arena);
    mem_free(w->metric_of);
    mem_free(w);
    if (base)
        world_put(&base);
}

static int make(struct world *w, struct cairn_app *app, struct err *err);

int world_new(struct cairn_app *app, struct config *config, struct schema *schema,
              struct query_set *queries, struct db *db, const _Atomic bool *draining,
              struct world **out, struct err *err)
{
    struct world *w = mem_zero(1, sizeof *w);
    *w = (struct world){
        .config = config, .schema = schema, .queries = queries, .db = db, .draining = draining};
    *out = w;
    int code = make(w, app, err);
    if (code < 0)
        *out = NULL;
    return code;
}

int world_again(struct world *from, struct cairn_app *app, struct world **out, struct err *err)
{
    struct world *w = mem_zero(1, sizeof *w);
    struct world *base = from->base ? from->base : from;
    *w = (struct world){.base = world_get(base),
                        .config = base->config,
                        .schema = base->schema,
                        .queries = base->queries,
                        .db = base->db,
                        .draining = base->draining};
    *out = w;
    int code = make(w, app, err);
    if (code < 0)
        *out = NULL;
    return code;
}

/* Cursors of before a change of the key are taken for an hour: who reads on is not stopped. */
static void former_secret(struct world *w, const struct resource_config *before)
{
    const uint64_t hour = UINT64_C(3600000000000);
    bool same = str_eq(before->cursor_secret, w->rest.cursor_secret);
    str former = same ? before->cursor_former : before->cursor_secret;
    w->rest.cursor_until = same ? before->cursor_until : clock_ns() + hour;
    w->rest.cursor_former = former.len ? arena_str(&w->arena, former) : former;
}

/* What the world was given is its own also when that fails: it is ended then. */
static int make(struct world *w, struct cairn_app *app, struct err *err)
{
    struct config *config = w->config;
    struct db *db = w->db;
    atomic_init(&w->refs, 1);
    w->serve = app ? app->serve : NULL;
    arena_init(&w->arena, WORLD_MEMORY);
    w->router = router_new();
    w->client = app ? app->client : NULL;
    w->log_requests = config->log_requests;
    w->edge = edge_new(&config->edge);
    negotiate_streams(&w->coder, &config->codings);
    w->rest = (struct resource_config){.prefix = config->prefix,
                                       .public_url = config->public_url,
                                       .language = config->language,
                                       .dialect = config_dialect(config),
                                       .limits = limits_of(config),
                                       .max_bulk = config->max_bulk,
                                       .include_rows = config->include_rows,
                                       .files = app ? app->files : NULL,
                                       .upload_ms = config->uploads_timeout,
                                       .upload_fields = config->uploads_fields,
                                       .upload_parts = (size_t)config->uploads_parts,
                                       .batch_operations = config->batch_operations,
                                       .isolation_allowed = config->isolation_levels};
    int code = db ? secret_cursor(config, &w->arena, &w->rest.cursor_secret, err) : 0;
    if (w->serve && w->serve->world)
        former_secret(w, &w->serve->world->rest);
    secret_etag(w->rest.cursor_secret, &w->etag_key);
    w->rest.etag_key = &w->etag_key;
    w->rest.etag = config->etag;
    if (code == 0)
        code = routes_add(w, app, err);
    if (code == 0)
        code = idempotent_world(w, err);
    if (code < 0) {
        end(w);
        return code;
    }
    metrics_number(w);
    return 0;
}

struct world *world_get(struct world *w)
{
    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    return w;
}

void world_put(struct world **world)
{
    struct world *w = *world;
    *world = NULL;
    if (w && atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) == 1)
        end(w);
}

const struct schema *world_schema(const struct world *w)
{
    return w->schema;
}

const struct router *world_router(const struct world *w)
{
    return w->router;
}

static int role_known(const struct access *x, str role, struct err *err)
{
    str names[ROLES_MOST + 2];
    const char *texts[ROLES_MOST + 2];
    size_t count = access_role_names(x, UINT64_MAX, names);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(names[i], role))
            return 0;
        texts[i] = names[i].ptr; /* in an arena: NUL-terminated */
    }
    const char *near = str_nearest(role, texts, count);
    return fail(err, E_CONFIG, "there is no role '%.*s'%s%s%s", STR_ARG(str_upto(role, 60)),
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Of the version of that name; without a name that of requests that name none. */
static int source_of(const struct world *w, str version, const struct docs_source **out,
                     struct err *err)
{
    size_t i = w->config->edge.versions.fallback;
    *out = &w->docs.source;
    if (!w->version_count && !version.len)
        return 0;
    if (!w->version_count)
        return fail(err, E_CONFIG, "cairn.yaml has no versions:");
    if (version.len)
        TRY(versions_find(w, version, &i, err));
    *out = &w->versions[i].docs.source;
    return 0;
}

int world_document(const struct world *w, str version, const str *roles, size_t count,
                   enum docs_form form, struct buf *out, struct err *err)
{
    const struct docs_source *source;
    const struct access *x = w->access;
    struct principal me = {.roles = roles, .role_count = count};
    uint64_t bits = DOCS_ALL_ROLES;
    if (count && !x)
        return fail(err, E_CONFIG, "there are no roles: cairn.yaml has neither roles: nor access:");
    for (size_t i = 0; i < count; i++)
        TRY(role_known(x, roles[i], err));
    if (count)
        bits = access_roles(x, count == 1 && str_is(roles[0], ROLE_ANYONE) ? NULL : &me);
    TRY(source_of(w, version, &source, err));
    return docs_write(source, bits, form, out, err);
}

/* The database when it is there, else what the migrations would make. */
static int preview_schema(const struct config *config, struct schema **out,
                          struct role_rows **roles, struct err *err)
{
    struct db_config db;
    struct db_admin *a;
    config_db(config, &db);
    if (!db_exists(&db))
        return model_dry_run(config, out, err);
    TRY(db_admin_open(&db, &a, err));
    int code = model_read(a, config, out, err);
    if (code == 0)
        code = signin_roles(a, config, *out, roles, err);
    db_admin_close(&a);
    return code;
}

static int preview(struct config *config, bool files, struct world **out, struct err *err)
{
    struct schema *schema = NULL;
    struct query_set *queries = NULL;
    struct role_rows *roles = NULL;
    int code =
        files ? model_dry_run(config, &schema, err) : preview_schema(config, &schema, &roles, err);
    if (code == 0)
        code = queries_load(config, schema, &queries, err);
    if (code < 0) {
        if (schema)
            schema_free(&schema);
        config_free(&config);
        role_rows_free(&roles);
        return code;
    }
    struct world *w = mem_zero(1, sizeof *w);
    *w = (struct world){
        .config = config, .schema = schema, .queries = queries, .preview_roles = roles};
    code = make(w, NULL, err);
    *out = code < 0 ? NULL : w;
    return code;
}

int world_preview(struct config *config, struct world **out, struct err *err)
{
    return preview(config, false, out, err);
}

int world_of_files(struct config *config, struct world **out, struct err *err)
{
    return preview(config, true, out, err);
}
