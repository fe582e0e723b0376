/* roles.c -- roles that stand in tables: read at the start, each second, and behind every request
 * that may have changed them, before it is answered. What has changed becomes the next world, as by
 * a reload but of the same settings; so no request sees two states of it. Who has which role is no
 * part of that: it is asked for each account (account/who.c). SPDX: Apache-2.0 */
#include "server/roles.h"

#include "observe/log.h"
#include "resource/resource.h"

enum { READ_MEMORY = 32 << 20, WAIT_NS = 1000000, WAITS_MOST = 3000 };

int roles_find(const struct config *c, const struct schema *s, struct arena *a,
               struct role_tables **out, struct err *err)
{
    struct role_names n = {.roles = c->auth_role_table,
                           .role_name = c->auth_role_name,
                           .permissions = c->auth_permission_table,
                           .permission_name = c->auth_permission_name,
                           .grants = c->auth_role_permission_table,
                           .members = c->auth_user_role_table,
                           .includes = c->auth_role_include_table,
                           .accounts = c->auth_table};
    *out = NULL;
    return n.roles.len ? role_tables_find(a, s, &n, out, err) : 0;
}

/* ---- reading ---- */

static int read_rows(model_ask *ask, void *ctx, const struct config *c, const struct schema *s,
                     struct role_rows **out, struct err *err)
{
    struct arena a;
    struct role_tables *x;
    struct stmt st[ROLE_READS] = {0};
    struct rows answers[ROLE_READS] = {0};
    *out = NULL;
    arena_init(&a, READ_MEMORY);
    int code = roles_find(c, s, &a, &x, err);
    if (code == 0 && x)
        code = role_tables_reads(config_dialect(c), &a, x, st, err);
    for (size_t i = 0; code == 0 && x && i < ROLE_READS; i++)
        code = ask(ctx, &st[i], &a, &answers[i], err);
    if (code == 0 && x)
        *out = role_rows_new(answers);
    arena_reset(&a);
    return code;
}

int roles_read(model_ask *ask, void *ctx, const struct config *c, const struct schema *s,
               struct cairn_app *app, struct err *err)
{
    struct role_rows *rows;
    TRY(read_rows(ask, ctx, c, s, &rows, err));
    role_rows_free(&app->role_rows);
    app->role_rows = rows;
    return 0;
}

static int ask_admin(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                     struct err *err)
{
    return db_admin_run(ctx, st, a, out, err);
}

int roles_first(struct db_admin *a, const struct config *c, const struct schema *s,
                struct cairn_app *app, struct err *err)
{
    return roles_read(ask_admin, a, c, s, app, err);
}

int signin_roles(struct db_admin *a, const struct config *c, const struct schema *s,
                 struct role_rows **out, struct err *err)
{
    return read_rows(ask_admin, a, c, s, out, err);
}

/* ---- while it serves ---- */

WAITS static int ask_fiber(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                           struct err *err)
{
    return db_rows(ctx, st, a, ROLE_ROWS_MOST + 1, out, err);
}

/* *mine: it looked at what the present world was made of. */
static int look_once(struct serve *s, bool *mine, struct err *err)
{
    struct world *w = world_get(s->world), *next = NULL;
    struct role_rows *rows = NULL;
    int code = read_rows(ask_fiber, s->db, w->config, w->schema, &rows, err);
    *mine = !s->reloading && w == s->world; /* else the next look is at the new world's */
    if (code == 0 && rows && *mine && !role_rows_same(rows, s->app->role_rows)) {
        struct role_rows *before = s->app->role_rows;
        s->app->role_rows = rows;
        rows = before;
        code = world_again(s->world, s->app, &next, err); /* waits for nothing */
        if (code < 0)
            role_rows_free(
                &s->app->role_rows); /* these do not count yet: the next look tries again */
    }
    if (next) {
        next->roles_number = atomic_fetch_add(&s->roles_number, 1) + 1;
        serve_hand_out(s, next);
        log_event(LOG_INFO, "the roles in the tables have changed");
    }
    role_rows_free(&rows);
    world_put(&w);
    return code;
}

/* What was asked for is done when it was read, and by nothing else: who waits for it waits on, and
 * the next look is within a second, or at the end of the reload that came between. */
static void look(void *arg)
{
    struct serve *s = arg;
    unsigned asked;
    bool mine;
    do {
        struct err err = {0};
        asked = atomic_load(&s->roles_asked);
        int code = look_once(s, &mine, &err);
        if (code < 0 && code != E_BUSY && code != E_CANCELLED)
            log_event_str(LOG_WARN, "the roles stay as they were", "error", str_of(err.text));
        if (code == 0 && mine)
            atomic_store(&s->roles_done, asked);
    } while (!s->reloading && (!mine || asked != atomic_load(&s->roles_asked)));
    s->reading_roles = false;
    worker_rests(&s->workers[0]);
}

void roles_soon(void *serve)
{
    struct serve *s = serve;
    if (!s->reading_roles && !s->workers[0].drained && !s->reloading)
        s->reading_roles = fiber_soon(s->workers[0].loop, look, s);
}

/* ---- behind a request ---- */

enum touch { TOUCH_NONE, TOUCH_PEOPLE, TOUCH_ROLES };

static enum touch touch_of(const struct world *w, const struct table *t)
{
    bool members = false;
    if (w->role_tables && role_tables_hold(w->role_tables, t, &members))
        return members ? TOUCH_PEOPLE : TOUCH_ROLES;
    return w->config->auth_table.len && str_eq(t->name, w->config->auth_table) ? TOUCH_PEOPLE
                                                                               : TOUCH_NONE;
}

/* A row that goes takes others along, or lets them go: those of accounts and roles may be among
 * them. */
void roles_reach(struct world *w)
{
    enum { MEMORY = 64 << 20 };
    const struct schema *s = w->schema;
    struct arena a;
    w->touches = ARENA_ARRAY(&w->arena, unsigned char, s->table_count);
    for (size_t i = 0; i < s->table_count; i++) {
        arena_init(&a, MEMORY);
        const bool *gone = schema_gone_with(&a, s, &s->tables[i]);
        for (size_t k = 0; k < s->table_count; k++) {
            enum touch one = gone[k] ? touch_of(w, &s->tables[k]) : TOUCH_NONE;
            if (one > w->touches[i])
                w->touches[i] = (unsigned char)one;
        }
        arena_reset(&a);
    }
}

/* What a request's write may have changed; whoever writes SQL may have changed everything. */
static enum touch touched(const struct world *w, const struct request *rq)
{
    struct resource_about about;
    bool members;
    const struct endpoint *e = rq->endpoint;
    enum touch all = w->role_tables ? TOUCH_ROLES : TOUCH_PEOPLE;
    if (!e || e->signs_in || e->own_who)
        return TOUCH_NONE;
    if (!resource_about(e, &about)) /* a named query, or a handler */
        return e->data == w->accounts ? TOUCH_NONE : all;
    if (about.does == RESOURCE_BATCH || !about.table)
        return all;
    const struct table *t = about.table->model ? about.table->model : about.table;
    if (about.does == RESOURCE_REMOVE)
        return (enum touch)w->touches[t - w->schema->tables];
    bool own = w->role_tables && role_tables_hold(w->role_tables, t, &members);
    return !own ? TOUCH_NONE : members ? TOUCH_PEOPLE : TOUCH_ROLES;
}

static bool all_know(struct serve *s, unsigned ticket)
{
    if ((int)(atomic_load(&s->roles_done) - ticket) < 0)
        return false;
    unsigned number = atomic_load(&s->roles_number);
    for (unsigned i = 0; i < s->running; i++) {
        if ((int)(atomic_load(&s->workers[i].roles_number) - number) < 0)
            return false;
    }
    return true;
}

void roles_after(const struct world *w, struct request *rq)
{
    struct serve *s = w->serve;
    enum touch what = s ? touched(w, rq) : TOUCH_NONE;
    if (what == TOUCH_NONE)
        return;
    identity_changed(w->identity);
    if (what == TOUCH_PEOPLE)
        return;
    unsigned ticket = atomic_fetch_add(&s->roles_asked, 1) + 1;
    loop_post(s->workers[0].loop, roles_soon, s);
    for (int i = 0; i < WAITS_MOST && !atomic_load(&s->draining) && !all_know(s, ticket); i++) {
        if (fiber_sleep(WAIT_NS) < 0)
            return;
    }
}
