/* seed.c -- cairn seed: seed.sql of the project into the database. SPDX: Apache-2.0
 * One transaction: a seed that fails leaves nothing behind. Statements run one by one with their
 * parameters bound, so a million rows are one INSERT ... SELECT, not a million statements. */
#include "cli/cli.h"
#include "cli/seed_priv.h"

#include "base/clock.h"
#include "db/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { TABLES_MOST = 200, FILE_MOST = 64 << 20, MEMORY = 256 << 20, LOCK_MS = 10000 };

struct made {
    str table;
    int64_t rows;
    bool temporary;
};

struct seeding {
    struct arena arena;
    struct seed seed;
    struct db_admin *db;
    str path; /* of seed.sql */
    struct made tables[TABLES_MOST];
    size_t table_count;
};

/* ---- the script ---- */

static int read_script(struct seeding *s, str *out, struct err *err)
{
    struct stat st;
    FILE *f = fopen(s->path.ptr, "re");
    if (!f)
        return fail(err, E_IO, "cannot read '%s': %s", s->path.ptr, strerror(errno));
    if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MOST) {
        fclose(f);
        return fail(err, E_CONFIG, "'%s' is no file of at most 64 MiB", s->path.ptr);
    }
    char *text = arena_new(&s->arena, (size_t)st.st_size + 1);
    size_t len = fread(text, 1, (size_t)st.st_size, f);
    fclose(f);
    *out = str_make(text, len);
    return 0;
}

/* "line 3: ..." of the script to "seed.sql:3: ...". */
static int placed(struct seeding *s, int code, unsigned line, struct err *err)
{
    char text[sizeof err->text];
    if (code >= 0)
        return code;
    memcpy(text, err->text, sizeof text);
    if (strncmp(text, "line ", 5) == 0)
        return fail(err, code, "%s:%s", s->path.ptr, text + 5);
    return fail(err, code, "%s:%u: %s", s->path.ptr, line, text);
}

/* --users 1000 for each parameter. CLI_OK or CLI_USAGE. */
static int take_params(struct cli *c, struct seed *seed)
{
    for (size_t i = 0; i < seed->param_count; i++) {
        char name[80];
        const char *text = NULL;
        int64_t n;
        snprintf(name, sizeof name, "--%.*s", STR_ARG(seed->params[i].name));
        if (!cli_option(c, name, &text))
            return CLI_USAGE;
        if (!text)
            continue;
        if (!str_to_i64(str_of(text), &n) || n < 0 || n > 1000000000)
            return cli_usage(c, "%s wants a whole number from 0 to 1000000000, not '%.40s'", name,
                             text);
        seed->params[i].value = n;
    }
    return cli_expect(c, 0, 0);
}

/* ---- running ---- */

static struct made *made_of(struct seeding *s, str table)
{
    for (size_t i = 0; i < s->table_count; i++)
        if (str_eqi(s->tables[i].table, table))
            return &s->tables[i];
    if (s->table_count == TABLES_MOST)
        return &s->tables[TABLES_MOST - 1];
    s->tables[s->table_count] = (struct made){.table = arena_str(&s->arena, table)};
    return &s->tables[s->table_count++];
}

static int run_text(struct seeding *s, str text, struct err *err)
{
    struct stmt st = {.text = text, .writes = true, .once = true};
    return db_admin_run(s->db, &st, &s->arena, NULL, err);
}

/* Counts the rows of the INSERT that just ran. */
static void count_rows(struct seeding *s, const struct seed_statement *x)
{
    if (x->makes_temp.len)
        made_of(s, x->makes_temp)->temporary = true;
    if (x->table.len)
        made_of(s, x->table)->rows += db_admin_changes(s->db);
}

static int run_statements(struct seeding *s, struct err *err)
{
    struct seed_statement x;
    int more;
    while ((more = seed_next(&s->seed, &s->arena, &x, err)) == 1) {
        TRY(placed(s, db_admin_run(s->db, &x.st, &s->arena, NULL, err), x.line, err));
        count_rows(s, &x);
    }
    return placed(s, more, s->seed.line, err);
}

static int run_all(struct seeding *s, struct err *err)
{
    TRY(run_text(s, s->seed.place == '$' ? LIT("BEGIN") : LIT("BEGIN IMMEDIATE"), err));
    int code = run_statements(s, err);
    if (code == 0)
        return run_text(s, LIT("COMMIT"), err);
    struct err ignored = {0};
    run_text(s, LIT("ROLLBACK"), &ignored);
    return code;
}

static int migrate_first(const struct db_config *db, str dir, struct err *err)
{
    struct migrate *m = NULL;
    struct migrate_wish wish = {0};
    size_t done;
    TRY(migrate_open(db, dir, LOCK_MS, &m, err));
    int code = migrate_up(m, &wish, &done, err);
    migrate_close(&m);
    return code;
}

static void tell(const struct seeding *s, uint64_t started_ns)
{
    int64_t rows = 0;
    size_t tables = 0;
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i].temporary || s->tables[i].rows == 0)
            continue;
        printf("%-24.*s %lld\n", STR_ARG(s->tables[i].table), (long long)s->tables[i].rows);
        rows += s->tables[i].rows;
        tables++;
    }
    fprintf(stderr, "made %lld rows in %zu tables in %.1f s\n", (long long)rows, tables,
            (double)(clock_ns() - started_ns) / 1e9);
}

static int seed(struct cli *c, struct seeding *s, const struct config *config)
{
    str text;
    struct err err = {0};
    struct db_config db;
    uint64_t started = clock_ns();
    config_db(config, &db);
    s->path = arena_printf(&s->arena, "%s%sseed.sql", strcmp(c->dir, ".") ? c->dir : "",
                           strcmp(c->dir, ".") ? "/" : "");
    if (read_script(s, &text, &err) < 0 || placed(s, seed_begin(&s->seed, text, &err), 1, &err) < 0)
        return cli_error(&err);
    int code = take_params(c, &s->seed);
    if (code)
        return code;
    s->seed.place = db_engine(&db) == DB_POSTGRES ? '$' : '?';
    if (migrate_first(&db, config->migrations_path, &err) < 0 ||
        db_admin_open(&db, &s->db, &err) < 0)
        return cli_error(&err);
    code = run_all(s, &err) < 0 ? cli_error(&err) : CLI_OK;
    db_admin_close(&s->db);
    if (code == CLI_OK)
        tell(s, started);
    return code;
}

int cli_seed(struct cli *c)
{
    struct seeding s = {0};
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    arena_init(&s.arena, MEMORY);
    int code = seed(c, &s, config);
    arena_reset(&s.arena);
    cli_keep_counters(config);
    config_free(&config);
    return code;
}
