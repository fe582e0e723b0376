/* migrate.c -- runs migrations up and down. SPDX: Apache-2.0
 * Invariants: (1) A file is applied whole or not at all, and its row in schema_migrations is
 * written in the same transaction. (2) What is pending is planned before anything runs: a file
 * that cannot be translated or destroys data without leave stops all of them. (3) With the lock
 * held the state is read again, so two starters apply each file once.
 * Not here: translating (ddl/), what files hold (migrate_files.c), tables (migrate_state.c). */
#include "db/migrate_priv.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"

/* ---- life ---- */

static int fill(struct migrate *m, const struct db_config *c, unsigned lock_ms, struct err *err)
{
    TRY(migrate__read_dir(m, err));
    TRY(db_admin_open(c, &m->db, err));
    m->postgres = db_engine(c) == DB_POSTGRES;
    if (lock_ms)
        TRY(db_admin_lock(m->db, lock_ms, err));
    m->locked = lock_ms > 0;
    return migrate__read_state(m, err);
}

int migrate_open(const struct db_config *c, str dir, unsigned lock_ms, struct migrate **out,
                 struct err *err)
{
    struct migrate *m = mem_zero(1, sizeof *m);
    arena_init(&m->arena, MIGRATE__ARENA_MOST);
    m->dir = arena_str(&m->arena, dir);
    int code = fill(m, c, lock_ms, err);
    if (code < 0)
        migrate_close(&m);
    *out = m;
    return code;
}

void migrate_close(struct migrate **m)
{
    if (!*m)
        return;
    if ((*m)->locked)
        db_admin_unlock((*m)->db);
    if ((*m)->db)
        db_admin_close(&(*m)->db);
    arena_reset(&(*m)->arena);
    mem_free(*m);
    *m = NULL;
}

const struct migration *migrate_list(const struct migrate *m, size_t *count)
{
    *count = m->count;
    return m->list;
}

size_t migrate_pending(const struct migrate *m)
{
    size_t pending = 0;
    for (size_t i = 0; i < m->count; i++)
        pending += m->list[i].state == MIGRATION_PENDING;
    return pending;
}

static void say(const struct migrate_wish *w, enum migrate_event event, const struct migration *x,
                str text)
{
    if (w->say)
        w->say(w->ctx, event, x, text);
}

/* ---- one section ---- */

static int translate(const struct migrate *m, struct arena *a, const struct migration *x, bool up,
                     struct ddl_catalog *cat, struct ddl_script *script, struct err *err)
{
    struct ddl_source source = {
        .text = up ? x->up : x->down,
        .file = x->path,
        .first_line = up ? x->up_line : x->down_line,
    };
    return m->postgres ? ddl_split(a, &source, script, err)
                       : ddl_to_sqlite(a, &source, cat, script, err);
}

/* The engine's words, behind FILE:LINE. */
static int failed_at(const struct migration *x, unsigned line, int code, struct err *err)
{
    struct err inner = *err;
    fail(err, code, "%.*s:%u: %s", STR_ARG(x->path), line, inner.text);
    return code;
}

static int run_statements(struct migrate *m, const struct migration *x,
                          const struct ddl_script *script, struct err *err)
{
    for (size_t i = 0; i < script->count; i++) {
        int code = migrate__run_text(m, script->list[i].text, err);
        if (code < 0)
            return failed_at(x, script->list[i].line, code, err);
    }
    return 0;
}

static int inside_transaction(struct migrate *m, struct arena *a, const struct migration *x,
                              bool up, struct err *err)
{
    struct ddl_catalog cat;
    struct ddl_script script;
    unsigned line = up ? x->up_line : x->down_line;
    TRY(migrate__free_counters(m, a, err));
    TRY(migrate__catalog(m, a, &cat, err));
    TRY(translate(m, a, x, up, &cat, &script, err));
    TRY(run_statements(m, x, &script, err));
    if (script.rebuilds) {
        int code = migrate__check_keys(m, a, err);
        if (code < 0)
            return failed_at(x, line, code, err);
    }
    TRY(up ? migrate__record(m, x, err) : migrate__forget(m, x, err));
    int code = migrate__run_text(m, LIT("COMMIT"), err);
    return code < 0 ? failed_at(x, line, code, err) : 0;
}

/* Whether the section rebuilds a table: that wants foreign_keys off, which SQLite takes before a
 * transaction only. */
static int look_ahead(struct migrate *m, struct arena *a, const struct migration *x, bool up,
                      bool *rebuilds, struct err *err)
{
    struct ddl_catalog cat;
    struct ddl_script script;
    TRY(migrate__catalog(m, a, &cat, err));
    TRY(translate(m, a, x, up, &cat, &script, err));
    *rebuilds = script.rebuilds;
    return 0;
}

static int run_section(struct migrate *m, struct arena *a, const struct migration *x, bool up,
                       struct err *err)
{
    struct err ignored = {0};
    bool rebuilds = false;
    if (!m->postgres)
        TRY(look_ahead(m, a, x, up, &rebuilds, err));
    if (rebuilds)
        TRY(migrate__run_text(m, LIT("PRAGMA foreign_keys = OFF"), err));
    int code = migrate__run_text(m, m->postgres ? LIT("BEGIN") : LIT("BEGIN IMMEDIATE"), err);
    if (code == 0)
        code = inside_transaction(m, a, x, up, err);
    if (code < 0)
        migrate__run_text(m, LIT("ROLLBACK"), &ignored);
    if (rebuilds)
        migrate__run_text(m, LIT("PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON"),
                          &ignored);
    return code;
}

static int run_one(struct migrate *m, struct migration *x, bool up, const struct migrate_wish *wish,
                   struct err *err)
{
    struct arena a;
    char took[40];
    uint64_t began = clock_ns();
    arena_init(&a, MIGRATE__ARENA_MOST);
    int code = run_section(m, &a, x, up, err);
    arena_reset(&a);
    if (code < 0)
        return code;
    x->state = up ? MIGRATION_APPLIED : MIGRATION_PENDING;
    int len = snprintf(took, sizeof took, "%.1f ms", (double)(clock_ns() - began) / 1e6);
    say(wish, up ? MIGRATE_APPLIED : MIGRATE_REVERTED, x, str_make(took, (size_t)len));
    return 0;
}

/* ---- the plan ---- */

struct plan {
    struct migration **steps;
    size_t count;
    bool up;
};

static void say_script(const struct migrate_wish *wish, const struct migration *x,
                       const struct ddl_script *script, size_t *destroys)
{
    for (size_t i = 0; i < script->count; i++) {
        const struct ddl_statement *s = &script->list[i];
        if (s->destructive && !wish->destructive)
            say(wish, MIGRATE_DESTROYS, x, s->what);
        *destroys += s->destructive;
        if (wish->dry_run)
            say(wish, MIGRATE_SQL, x, s->text);
    }
}

/* Translates all steps one after the other, each on what the earlier ones would leave. */
static int plan_steps(struct migrate *m, const struct plan *plan, const struct migrate_wish *wish,
                      size_t *destroys, struct err *err)
{
    struct arena a;
    struct ddl_catalog cat;
    arena_init(&a, MIGRATE__ARENA_MOST);
    int code = migrate__catalog(m, &a, &cat, err);
    for (size_t i = 0; i < plan->count && code == 0; i++) {
        struct ddl_script script;
        code = translate(m, &a, plan->steps[i], plan->up, &cat, &script, err);
        if (code == 0)
            say_script(wish, plan->steps[i], &script, destroys);
    }
    arena_reset(&a);
    return code;
}

static int carry_out(struct migrate *m, const struct plan *plan, const struct migrate_wish *wish,
                     size_t *done, struct err *err)
{
    size_t destroys = 0;
    if (plan->count == 0)
        return 0;
    TRY(plan_steps(m, plan, wish, &destroys, err));
    if (wish->dry_run)
        return 0;
    if (destroys && !wish->destructive)
        return fail(err, E_CONFLICT,
                    "nothing was run: %zu step%s would destroy data; say --yes if "
                    "that is meant",
                    destroys, destroys == 1 ? "" : "s");
    TRY(migrate__prepare(m, err));
    for (; *done < plan->count; (*done)++)
        TRY(run_one(m, plan->steps[*done], plan->up, wish, err));
    return 0;
}

/* ---- up, down, verify ---- */

static int refuse_edited(const struct migrate *m, struct err *err)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->list[i].state == MIGRATION_EDITED)
            return fail(err, E_CONFLICT,
                        "%s was changed after it was applied; put it back and "
                        "write the change as a new migration",
                        m->list[i].path.ptr);
    return 0;
}

static int check_target(struct migrate *m, str to, struct err *err)
{
    if (!to.len || migrate__find(m, to))
        return 0;
    return fail(err, E_NOTFOUND, "there is no migration of version '%.*s'",
                STR_ARG(str_upto(to, 64)));
}

int migrate_up(struct migrate *m, const struct migrate_wish *wish, size_t *done, struct err *err)
{
    struct plan plan = {.up = true};
    *done = 0;
    TRY(refuse_edited(m, err));
    TRY(check_target(m, wish->to, err));
    plan.steps = ARENA_ARRAY(&m->arena, struct migration *, m->count + 1);
    for (size_t i = 0; i < m->count; i++) {
        struct migration *x = &m->list[i];
        if (x->state == MIGRATION_PENDING && (!wish->to.len || str_cmp(x->version, wish->to) <= 0))
            plan.steps[plan.count++] = x;
    }
    return carry_out(m, &plan, wish, done, err);
}

static int check_revertible(const struct migration *x, struct err *err)
{
    if (x->state == MIGRATION_MISSING)
        return fail(err, E_NOTFOUND, "migration '%.*s' cannot be taken back: its file is not there",
                    STR_ARG(x->name));
    if (!x->down_line)
        return fail(err, E_CONFIG, "%s has no '-- migrate:down' section: it cannot be taken back",
                    x->path.ptr);
    return 0;
}

int migrate_down(struct migrate *m, const struct migrate_wish *wish, size_t *done, struct err *err)
{
    struct plan plan = {.up = false};
    size_t wanted = wish->steps ? wish->steps : 1;
    *done = 0;
    plan.steps = ARENA_ARRAY(&m->arena, struct migration *, m->count + 1);
    for (size_t i = m->count; i > 0 && plan.count < wanted; i--) {
        struct migration *x = &m->list[i - 1];
        if (x->state == MIGRATION_PENDING)
            continue;
        TRY(check_revertible(x, err));
        plan.steps[plan.count++] = x;
    }
    return carry_out(m, &plan, wish, done, err);
}

static struct err_item fault_of(struct arena *a, const struct migration *x)
{
    struct err_item item = {.field = x->name};
    if (x->state == MIGRATION_EDITED) {
        item.code = LIT("edited");
        item.message = arena_printf(a, "%s was changed after it was applied", x->path.ptr);
    } else if (x->state == MIGRATION_MISSING) {
        item.code = LIT("missing");
        item.message =
            arena_printf(a, "%.*s was applied, but its file is not there", STR_ARG(x->name));
    } else if (x->out_of_order) {
        item.code = LIT("out_of_order");
        item.message =
            arena_printf(a, "%s is pending, but a newer one was applied before", x->path.ptr);
    }
    return item;
}

int migrate_verify(struct migrate *m, struct err *err)
{
    struct err_item *items = ARENA_ARRAY(&m->arena, struct err_item, m->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        items[count] = fault_of(&m->arena, &m->list[i]);
        count += items[count].code.len > 0;
    }
    if (!count)
        return 0;
    int code =
        fail(err, E_CONFIG, "%zu migration%s not as applied", count, count == 1 ? " is" : "s are");
    err->items = items;
    err->item_count = count;
    return code;
}
