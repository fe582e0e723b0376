/* app.c -- cairn.h: the app before it runs. SPDX: Apache-2.0
 * Nothing here fails: what is wrong with a route or a setting is told by cairn_run, with all else
 * that keeps the app from starting. */
#include "base/mem.h"
#include "server/server_priv.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { APP_MEMORY = 64 << 20, ERROR_MOST = 64 * 1024 };

const char *cairn_version(void)
{
    return CAIRN_VERSION;
}

static const char *keep(struct cairn_app *app, const char *text)
{
    return arena_str(&app->arena, str_of(text)).ptr;
}

struct cairn_app *cairn_new(const char *dir)
{
    struct cairn_app *app = mem_zero(1, sizeof *app);
    app->magic = APP_MAGIC;
    arena_init(&app->arena, APP_MEMORY);
    buf_init(&app->error, ERROR_MOST);
    app->dir = keep(app, dir ? dir : ".");
    app->root.app = app;
    app->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return app;
}

void cairn_free(struct cairn_app **pointer)
{
    struct cairn_app *app = *pointer;
    *pointer = NULL;
    if (!app)
        return;
    BUG_ON(app->magic != APP_MAGIC);
    close(app->wake);
    buf_fini(&app->error);
    arena_reset(&app->arena);
    mem_free(app);
}

void cairn_set(struct cairn_app *app, const char *key, const char *value)
{
    BUG_ON(app->over_count == APP_SETTINGS_MOST);
    struct config_override *o = &app->over[app->over_count++];
    o->key = str_of(keep(app, key));
    o->value = str_of(keep(app, value));
}

/* ---- routes ---- */

/* A copy in the arena with one more at its end. */
static struct call_link *longer(struct cairn_app *app, const struct call_link *list, size_t count)
{
    struct call_link *copy = ARENA_ARRAY(&app->arena, struct call_link, count + 1);
    if (count)
        memcpy(copy, list, count * sizeof *copy);
    return copy;
}

static void use(struct cairn_group *g, cairn_handler *run, void *data)
{
    g->uses = longer(g->app, g->uses, g->use_count);
    g->uses[g->use_count++] = (struct call_link){run, data};
}

static size_t chain_length(const struct cairn_group *g)
{
    size_t n = 1;
    for (; g; g = g->parent)
        n += g->use_count;
    return n;
}

static const struct call_link *chain_make(const struct cairn_group *g, struct call_link last,
                                          size_t length)
{
    struct call_link *chain = ARENA_ARRAY(&g->app->arena, struct call_link, length);
    size_t at = length - 1;
    chain[at] = last;
    for (; g; g = g->parent) {
        at -= g->use_count;
        if (g->use_count)
            memcpy(&chain[at], g->uses, g->use_count * sizeof *chain);
    }
    return chain;
}

static void route_keep(struct cairn_app *app, const struct c_route *route)
{
    if (app->route_count == app->route_cap) {
        size_t cap = app->route_cap ? app->route_cap * 2 : 16;
        struct c_route *more = ARENA_ARRAY(&app->arena, struct c_route, cap);
        if (app->route_count)
            memcpy(more, app->routes, app->route_count * sizeof *more);
        app->routes = more;
        app->route_cap = cap;
    }
    app->routes[app->route_count++] = *route;
}

void cairn_group_route(struct cairn_group *g, const char *method, const char *pattern,
                       cairn_handler *run, void *data)
{
    size_t length = chain_length(g);
    struct c_route route = {.method = keep(g->app, method), .length = length};
    route.pattern = arena_printf(&g->app->arena, "%.*s%s", STR_ARG(g->prefix), pattern).ptr;
    route.chain = chain_make(g, (struct call_link){run, data}, length);
    route_keep(g->app, &route);
}

struct cairn_group *cairn_group(struct cairn_app *app, struct cairn_group *parent,
                                const char *prefix)
{
    struct cairn_group *g = ARENA_NEW(&app->arena, struct cairn_group);
    parent = parent ? parent : &app->root;
    g->app = app;
    g->parent = parent;
    g->prefix = arena_printf(&app->arena, "%.*s%s", STR_ARG(parent->prefix), prefix);
    return g;
}

void cairn_use(struct cairn_app *app, cairn_handler *middleware, void *data)
{
    use(&app->root, middleware, data);
}

void cairn_group_use(struct cairn_group *group, cairn_handler *middleware, void *data)
{
    use(group, middleware, data);
}

void cairn_route(struct cairn_app *app, const char *method, const char *pattern, cairn_handler *run,
                 void *data)
{
    cairn_group_route(&app->root, method, pattern, run, data);
}

void cairn_get(struct cairn_app *app, const char *pattern, cairn_handler *run, void *data)
{
    cairn_route(app, "GET", pattern, run, data);
}

void cairn_post(struct cairn_app *app, const char *pattern, cairn_handler *run, void *data)
{
    cairn_route(app, "POST", pattern, run, data);
}

void cairn_put(struct cairn_app *app, const char *pattern, cairn_handler *run, void *data)
{
    cairn_route(app, "PUT", pattern, run, data);
}

void cairn_patch(struct cairn_app *app, const char *pattern, cairn_handler *run, void *data)
{
    cairn_route(app, "PATCH", pattern, run, data);
}

void cairn_delete(struct cairn_app *app, const char *pattern, cairn_handler *run, void *data)
{
    cairn_route(app, "DELETE", pattern, run, data);
}

/* ---- running ---- */

int cairn_run(struct cairn_app *app)
{
    struct err err = {0};
    BUG_ON(app->magic != APP_MAGIC);
    buf_clear(&app->error);
    return serve_run(app, &err);
}

void cairn_stop(struct cairn_app *app)
{
    uint64_t one = 1;
    ssize_t n = write(app->wake, &one, sizeof one);
    (void)n; /* a full counter has been told already */
}

const char *cairn_error(const struct cairn_app *app)
{
    static const char none[] = "";
    if (!app->error.len)
        return none;
    struct buf *b = (struct buf *)(uintptr_t)&app->error;
    if (b->ptr[b->len - 1] != '\0')
        buf_char(b, '\0');
    return b->ptr;
}

int cairn_main(struct cairn_app *app)
{
    int code = cairn_run(app);
    if (code < 0)
        fputs(cairn_error(app), stderr);
    cairn_free(&app);
    return code < 0 ? 1 : 0;
}
