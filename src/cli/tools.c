/* tools.c -- cairn backup, restore, integrity. SPDX: Apache-2.0 */
#include "cli/cli.h"

#include "db/db.h"
#include "files/files.h"

#include <stdio.h>
#include <unistd.h>

typedef int tool_fn(const struct db_config *db, const char *file, struct err *err);

/* The files of rows lie beside the backup, in FILE.files: after the database, so that whatever its
 * rows have is there (what they had before stays for uploads.keep_unused). */
static int copy_files(const struct config *config, const char *file, bool back, struct err *err)
{
    struct arena a;
    uint64_t count = 0;
    arena_init(&a, 1 << 20);
    const char *kept = config_files_dir(config, &a).ptr,
               *copy = arena_printf(&a, "%s.files", file).ptr;
    int code = back ? files_copy(copy, kept, &count, err) : files_copy(kept, copy, &count, err);
    if (code == 0 && count)
        fprintf(stderr, "%llu files copied %s %s\n", (unsigned long long)count,
                back ? "from" : "to", copy);
    arena_reset(&a);
    return code;
}

enum tool_files { FILES_NONE, FILES_OUT, FILES_BACK };

/* Loads the settings, runs the tool, says how it went. */
static int with_db(struct cli *c, tool_fn *run, const char *file, const char *done,
                   enum tool_files files)
{
    struct err err = {0};
    struct db_config db;
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    config_db(config, &db);
    int code = files == FILES_BACK ? copy_files(config, file, true, &err) : 0;
    if (code == 0)
        code = run(&db, file, &err);
    if (code == 0 && files == FILES_OUT)
        code = copy_files(config, file, false, &err);
    code = code < 0 ? cli_error(&err) : CLI_OK;
    config_free(&config);
    if (code == CLI_OK)
        fprintf(stderr, "%s\n", done);
    return code;
}

static int backup(const struct db_config *db, const char *file, struct err *err)
{
    struct db_admin *a;
    if (access(file, F_OK) == 0)
        return fail(err, E_CONFLICT, "'%s' is there already", file);
    TRY(db_admin_open(db, &a, err));
    int code = db_admin_backup(a, file, err);
    db_admin_close(&a);
    return code;
}

static int check(const struct db_config *db, const char *file, struct err *err)
{
    struct db_admin *a;
    (void)file;
    TRY(db_admin_open(db, &a, err));
    int code = db_admin_check(a, err);
    db_admin_close(&a);
    return code;
}

int cli_backup(struct cli *c)
{
    int code = cli_expect(c, 1, 1);
    return code ? code : with_db(c, backup, c->args[0], "backup written", FILES_OUT);
}

int cli_integrity(struct cli *c)
{
    int code = cli_expect(c, 0, 0);
    return code ? code : with_db(c, check, NULL, "the database is sound", FILES_NONE);
}

static bool database_exists(struct cli *c)
{
    struct db_config db;
    struct config *config = cli_config_load(c);
    if (!config)
        return false;
    config_db(config, &db);
    bool there = db_exists(&db);
    config_free(&config);
    return there;
}

int cli_restore(struct cli *c)
{
    bool yes = cli_flag(c, "--yes");
    int code = cli_expect(c, 1, 1);
    if (code)
        return code;
    if (!yes && database_exists(c))
        return cli_fail("there is a database already: stop the server, then `--yes` replaces it");
    return with_db(c, db_admin_restore, c->args[0], "restored", FILES_BACK);
}
