/* versions.c -- the versions of the API: a model and routes for each, over one database.
 * SPDX: Apache-2.0
 * Why models and not translations: see src/schema/version.c. Accounts, named queries and handlers
 * are the same in all versions; they stand below each prefix. */
#include "server/server_priv.h"

#include "server/versions.h"

/* ---- models ---- */

/* A rule may give hidden columns their values, and only it knows. */
static int model(const struct config *c, const struct api_version *v, const struct schema *s,
                 struct schema **out, struct err *err)
{
    return schema_version(s, v->tables, v->table_count, !c->access_given, out, err);
}

int versions_check(const struct config *c, const struct schema *s, struct err *err)
{
    for (size_t i = 0; i < c->version_count; i++) {
        struct schema *made;
        TRY(model(c, &c->versions[i], s, &made, err));
        schema_free(&made);
    }
    return 0;
}

static int make(struct world *w, size_t i, struct err *err)
{
    const struct api_version *v = &w->config->versions[i];
    struct world_version *out = &w->versions[i];
    TRY(model(w->config, v, w->schema, &out->schema, err));
    w->version_count = i + 1; /* what is there is freed at the end */
    out->name = v->name;
    out->prefix = w->config->prefixes[i];
    out->deprecated = v->deprecated_s || v->sunset_s;
    out->rest = w->rest;
    out->rest.prefix = out->prefix;
    out->rest.views = w->rest.views ? &out->views : NULL;
    return resource_routes(w->router, out->schema, w->db, &out->rest, &w->arena, err);
}

int versions_routes(struct world *w, struct err *err)
{
    size_t count = w->config->version_count;
    if (!count)
        return resource_routes(w->router, w->schema, w->db, &w->rest, &w->arena, err);
    w->versions = ARENA_ARRAY(&w->arena, struct world_version, count);
    for (size_t i = 0; i < count; i++)
        TRY(make(w, i, err));
    return 0;
}

void versions_end(struct world *w)
{
    for (size_t i = 0; i < w->version_count; i++) {
        resource_views_free(&w->versions[i].views);
        docs_fini(&w->versions[i].docs);
        schema_free(&w->versions[i].schema);
    }
}

/* ---- documents ---- */

int versions_documents(struct world *w, const struct docs_source *source, struct err *err)
{
    struct docs **list = ARENA_ARRAY(&w->arena, struct docs *, w->version_count);
    for (size_t i = 0; i < w->version_count; i++) {
        struct world_version *v = &w->versions[i];
        v->docs.who = w->docs.who;
        v->docs.source = *source;
        v->docs.source.version = v->name;
        v->docs.source.prefix = v->prefix;
        v->docs.source.schema = v->schema;
        v->docs.source.deprecated = v->deprecated;
        v->docs.source.prefixes = w->config->prefixes;
        v->docs.source.prefix_count = w->version_count;
        list[i] = &v->docs;
    }
    w->docs.versions = list;
    w->docs.version_count = w->version_count;
    return docs_routes(w->router, &w->docs, &w->arena, err);
}

int versions_find(const struct world *w, str name, size_t *out, struct err *err)
{
    const char **names =
        ARENA_ARRAY((struct arena *)(uintptr_t)&w->arena, const char *, w->version_count);
    for (size_t i = 0; i < w->version_count; i++) {
        str own = w->versions[i].name;
        names[i] = own.ptr;
        *out = i;
        if (str_eqi(own, name) || (own.len > 1 && str_eqi(str_from(own, 1), name)))
            return 0;
    }
    const char *near = str_nearest(name, names, w->version_count);
    return fail(err, E_CONFIG, "there is no version '%.*s'%s%s%s", STR_ARG(str_upto(name, 60)),
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
