/* migrate.c -- cairn migrate new|up|down|redo|status|verify. SPDX: Apache-2.0 */
#include "db/migrate.h"

#include <stdio.h>

#include "cli/cli.h"

enum { LOCK_MS = 60000, LOOK_ONLY = 0, STEPS_MOST = 10000 };

/* What the sub-commands share. */
struct run {
    struct cli *cli;
    struct config *config;
    struct migrate *m;
    struct migrate_wish wish;
    const char *to, *steps; /* --to V, --steps N; or the argument behind up and down */
};

/* ---- saying ---- */

static void on_event(void *ctx, enum migrate_event event, const struct migration *m, str text)
{
    (void)ctx;
    switch (event) {
    case MIGRATE_APPLIED:
        printf("applied   %.*s (%.*s)\n", STR_ARG(m->name), STR_ARG(text));
        break;
    case MIGRATE_REVERTED:
        printf("reverted  %.*s (%.*s)\n", STR_ARG(m->name), STR_ARG(text));
        break;
    case MIGRATE_DESTROYS:
        printf("destroys  %.*s: %.*s\n", STR_ARG(m->name), STR_ARG(text));
        break;
    case MIGRATE_SQL:
        printf("%.*s;\n", STR_ARG(text));
        break;
    }
    fflush(stdout);
}

static const char *state_word(const struct migration *m)
{
    static const char *const words[] = {[MIGRATION_PENDING] = "pending",
                                        [MIGRATION_APPLIED] = "applied",
                                        [MIGRATION_EDITED] = "edited",
                                        [MIGRATION_MISSING] = "missing"};
    return m->out_of_order ? "late" : words[m->state];
}

/* ---- the sub-commands ---- */

static int run_new(struct run *r)
{
    struct arena a;
    struct err err = {0};
    str path = {"", 0};
    if (r->cli->arg_count != 2)
        return cli_usage(r->cli, "migrate new wants a name: cairn migrate new add_colors");
    arena_init(&a, 1 << 20);
    int code = migrate_new(&a, r->config->migrations_path, str_of(r->cli->args[1]), &path, &err);
    if (code == 0)
        printf("%.*s\n", STR_ARG(path));
    arena_reset(&a);
    return code < 0 ? cli_error(&err) : CLI_OK;
}

static int told(struct run *r, int code, size_t done, const char *none, const struct err *err)
{
    if (code < 0)
        return cli_error(err);
    if (done == 0 && !r->wish.dry_run)
        printf("%s\n", none);
    return CLI_OK;
}

static int run_up(struct run *r)
{
    struct err err = {0};
    size_t done = 0;
    r->wish.to = str_of(r->cli->arg_count > 1 ? r->cli->args[1] : r->to);
    int code = migrate_up(r->m, &r->wish, &done, &err);
    return told(r, code, done, "nothing is pending", &err);
}

static int run_down(struct run *r)
{
    struct err err = {0};
    size_t done = 0;
    const char *given = r->cli->arg_count > 1 ? r->cli->args[1] : r->steps;
    uint64_t steps = 1;
    if (given && (!str_to_u64(str_of(given), &steps) || steps < 1 || steps > STEPS_MOST))
        return cli_usage(r->cli, "'%s' is no number of migrations to take back", given);
    r->wish.steps = (unsigned)steps;
    int code = migrate_down(r->m, &r->wish, &done, &err);
    return told(r, code, done, "nothing is applied", &err);
}

static int run_redo(struct run *r)
{
    struct err err = {0};
    size_t done = 0, count;
    const struct migration *list = migrate_list(r->m, &count);
    while (count && list[count - 1].state == MIGRATION_PENDING)
        count--;
    if (!count)
        return told(r, 0, 0, "nothing is applied", &err);
    r->wish.steps = 1;
    r->wish.to = list[count - 1].version;
    int code = migrate_down(r->m, &r->wish, &done, &err);
    if (code == 0 && !r->wish.dry_run)
        code = migrate_up(r->m, &r->wish, &done, &err);
    return told(r, code, done, "nothing is applied", &err);
}

static int run_status(struct run *r)
{
    size_t count;
    const struct migration *list = migrate_list(r->m, &count);
    for (size_t i = 0; i < count; i++)
        printf("%-8s  %.*s%s%.*s\n", state_word(&list[i]), STR_ARG(list[i].name),
               list[i].applied_at.len ? "  " : "", STR_ARG(list[i].applied_at));
    printf("%zu pending\n", migrate_pending(r->m));
    return CLI_OK;
}

static int run_verify(struct run *r)
{
    struct err err = {0};
    size_t count;
    if (migrate_verify(r->m, &err) < 0)
        return cli_error(&err);
    migrate_list(r->m, &count);
    printf("%zu migrations, as applied\n", count - migrate_pending(r->m));
    return CLI_OK;
}

/* ---- the command ---- */

static const struct sub {
    const char *name;
    int (*run)(struct run *r);
    bool opens, locks;
    int args; /* at most, behind the name */
} subs[] = {
    {"new", run_new, false, false, 1},      {"up", run_up, true, true, 1},
    {"down", run_down, true, true, 1},      {"redo", run_redo, true, true, 0},
    {"status", run_status, true, false, 0}, {"verify", run_verify, true, false, 0},
};

static const struct sub *sub_of(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(subs); i++)
        if (strcmp(name, subs[i].name) == 0)
            return &subs[i];
    return NULL;
}

static int wrong_sub(struct cli *c)
{
    const char *names[COUNT_OF(subs)];
    for (size_t i = 0; i < COUNT_OF(subs); i++)
        names[i] = subs[i].name;
    if (c->arg_count == 0)
        return cli_usage(c, "say what: new, up, down, redo, status or verify");
    const char *near = str_nearest(str_of(c->args[0]), names, COUNT_OF(names));
    return cli_usage(c, "migrate has no '%s'%s%s%s", c->args[0], near ? " (did you mean '" : "",
                     near ? near : "", near ? "'?)" : "");
}

static int open_and_run(struct run *r, const struct sub *sub)
{
    struct db_config db = {0};
    struct err err = {0};
    if (!sub->opens)
        return sub->run(r);
    config_db(r->config, &db);
    if (migrate_open(&db, r->config->migrations_path, sub->locks ? LOCK_MS : LOOK_ONLY, &r->m,
                     &err) < 0)
        return cli_error(&err);
    int code = sub->run(r);
    migrate_close(&r->m);
    if (sub->locks && !r->wish.dry_run)
        cli_keep_counters(r->config);
    return code;
}

int cli_migrate(struct cli *c)
{
    struct run r = {.cli = c};
    r.wish.destructive = cli_flag(c, "--yes");
    r.wish.dry_run = cli_flag(c, "--dry-run");
    r.wish.say = on_event;
    if (!cli_option(c, "--to", &r.to) || !cli_option(c, "--steps", &r.steps))
        return CLI_USAGE;
    const struct sub *sub = sub_of(c->arg_count ? c->args[0] : NULL);
    if (!sub)
        return wrong_sub(c);
    int code = cli_expect(c, 1, 1 + sub->args);
    if (code != CLI_OK)
        return code;
    r.config = cli_config_load(c);
    if (!r.config)
        return CLI_FAILED;
    code = open_and_run(&r, sub);
    config_free(&r.config);
    return code;
}
