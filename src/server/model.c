/* model.c -- asks a database for its catalog and builds the model from the answers.
 * SPDX: Apache-2.0 */
#include "server/collections.h"

#include "db/migrate.h"
#include "server/queries.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANSWERS_MOST = 16, ANSWER_MEMORY = 1 << 30, SCRATCH_PATH = 1024, LOCK_MS = 5000 };

static int build(enum dialect d, model_ask *ask, void *ctx, const struct schema_wishes *wishes,
                 struct schema **out, struct err *err)
{
    struct arena arena;
    struct rows answers[ANSWERS_MOST];
    struct err none = {0};
    const struct stmt *questions, *comments = schema_question_comments(d);
    size_t count = schema_questions(d, &questions);
    int code = 0;
    BUG_ON(count + 1 > COUNT_OF(answers));
    arena_init(&arena, ANSWER_MEMORY);
    for (size_t i = 0; i < count && code == 0; i++)
        code = ask(ctx, &questions[i], &arena, &answers[i], err);
    /* There are none in a database that migrations never touched. */
    if (code == 0 && comments && ask(ctx, comments, &arena, &answers[count], &none) == 0)
        count++;
    if (code == 0)
        code = schema_build(d, answers, count, wishes, out, err);
    arena_reset(&arena);
    return code;
}

int model_build(model_ask *ask, void *ctx, const struct config *config, struct schema **out,
                struct err *err)
{
    return build(config_dialect(config), ask, ctx, &config->tables, out, err);
}

static int ask_admin(void *ctx, const struct stmt *st, struct arena *a, struct rows *out,
                     struct err *err)
{
    return db_admin_run(ctx, st, a, out, err);
}

int model_read(struct db_admin *a, const struct config *config, struct schema **out,
               struct err *err)
{
    return model_build(ask_admin, a, config, out, err);
}

/* ---- on an empty database that is gone afterwards ---- */

static int scratch_new(char *path, size_t size, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    int len = snprintf(path, size, "%s/cairn-check-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (len < 0 || (size_t)len >= size || !mkdtemp(path))
        return fail(err, E_IO, "cannot make a temporary directory '%s': %s", path, strerror(errno));
    return 0;
}

/* Only files of its own: SQLite makes no directories. */
static void scratch_free(const char *path)
{
    char file[SCRATCH_PATH + 300];
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%.1023s/%s", path, e->d_name);
        unlink(file);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

static int migrations(const struct db_config *db, str dir, struct err *err)
{
    struct migrate *m = NULL;
    struct migrate_wish wish = {.destructive = true};
    size_t done;
    TRY(migrate_open(db, dir, LOCK_MS, &m, err));
    int code = migrate_up(m, &wish, &done, err);
    migrate_close(&m);
    return code;
}

/* They are asked here, where all of their tables are. */
static int check_queries(const struct config *config, struct schema **schema, struct db_admin *a,
                         struct err *err)
{
    struct query_set *set = NULL;
    int code = queries_load(config, *schema, &set, err);
    if (code == 0)
        code = query_verify(set, ask_admin, a, err);
    query_free(&set);
    if (code < 0)
        schema_free(schema);
    return code;
}

static int migrate_and_read(const struct db_config *db, const struct config *config, enum dialect d,
                            struct schema **out, struct err *err)
{
    struct db_admin *a;
    TRY(migrations(db, config->migrations_path, err));
    TRY(db_admin_open(db, &a, err));
    int code = collections_make(config, a, err);
    if (code == 0)
        code = build(d, ask_admin, a, &config->tables, out, err);
    if (code == 0)
        code = check_queries(config, out, a, err);
    db_admin_close(&a);
    return code;
}

/* The schemas of the search path, which a new database lacks; `from` is the project's. */
static int same_schemas(struct db_admin *from, const struct db_config *scratch, struct err *err)
{
    static const struct stmt ask = {
        .text = STR_INIT("SELECT string_agg('CREATE SCHEMA IF NOT EXISTS ' || quote_ident(s), ';') "
                         "FROM unnest(current_schemas(false)) AS s"),
        .once = true};
    struct arena arena;
    struct rows rows;
    struct db_admin *to = NULL;
    arena_init(&arena, 1 << 20);
    int code = db_admin_run(from, &ask, &arena, &rows, err);
    if (code == 0)
        code = db_admin_open(scratch, &to, err);
    if (code == 0 && rows.count && rows_at(&rows, 0, 0)->kind == V_TEXT)
        code = db_admin_script(to, rows_at(&rows, 0, 0)->text, NULL, err);
    db_admin_close(&to);
    arena_reset(&arena);
    return code;
}

/* On the project's server, beside its database. */
static int dry_run_postgres(const struct config *config, struct schema **out, struct err *err)
{
    char name[40], make[80], drop[100];
    struct db_config db, scratch;
    struct db_admin *a;
    struct err ignored = {0};
    config_db(config, &db);
    snprintf(name, sizeof name, "cairn_check_%ld", (long)getpid());
    snprintf(make, sizeof make, "CREATE DATABASE %s", name);
    snprintf(drop, sizeof drop, "DROP DATABASE %s", name);
    TRY(db_admin_open(&db, &a, err));
    int code = db_admin_script(a, str_of(make), NULL, err);
    if (code == 0) {
        scratch = db;
        scratch.database = str_of(name);
        code = same_schemas(a, &scratch, err);
        if (code == 0)
            code = migrate_and_read(&scratch, config, DIALECT_POSTGRES, out, err);
        db_admin_script(a, str_of(drop), NULL, &ignored);
    }
    db_admin_close(&a);
    return code;
}

int model_dry_run(const struct config *config, struct schema **out, struct err *err)
{
    char path[SCRATCH_PATH];
    struct db_config db;
    if (config_dialect(config) == DIALECT_POSTGRES)
        return dry_run_postgres(config, out, err);
    TRY(scratch_new(path, sizeof path, err));
    config_db(config, &db);
    db.url = LIT("sqlite:check.db");
    db.data_dir = str_of(path);
    int code = migrate_and_read(&db, config, DIALECT_SQLITE, out, err);
    scratch_free(path);
    return code;
}
