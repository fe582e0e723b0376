/* counters.c -- cairn counters check|repair: do the columns that count tell the truth?
 * SPDX: Apache-2.0 */
#include "server/counters.h"

#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>

struct told {
    bool repair;
    size_t counters;
    int64_t wrong;
};

static void say(void *ctx, const struct table *t, const struct counter *c, int64_t wrong)
{
    struct told *told = ctx;
    told->counters++;
    told->wrong += wrong;
    printf("%.*s.%.*s  counts %.*s  ", STR_ARG(t->name), STR_ARG(c->column->name),
           STR_ARG(c->source->name));
    if (!wrong)
        puts("exact");
    else
        printf("%" PRId64 " row%s %s\n", wrong, wrong == 1 ? "" : "s",
               told->repair ? "set right" : "wrong");
}

static int run(const struct config *config, struct db_admin *db, struct told *told)
{
    struct err err = {0};
    struct schema *schema = NULL;
    enum dialect d = config_dialect(config);
    int code = model_read(db, config, &schema, &err);
    if (code == 0 && told->repair)
        code = counters_keep(db, config, schema, &err);
    if (code == 0)
        code = counters_check(db, d, schema, told->repair, say, told, &err);
    if (schema)
        schema_free(&schema);
    if (code < 0)
        return cli_error(&err);
    if (!told->counters)
        puts("no counters: tables.NAME.counters names them");
    return told->wrong && !told->repair ? CLI_FAILED : CLI_OK;
}

int cli_counters(struct cli *c)
{
    struct db_config db;
    struct err err = {0};
    struct db_admin *admin;
    struct told told = {.repair = c->arg_count > 0 && str_is(str_of(c->args[0]), "repair")};
    int code = cli_expect(c, 0, 1);
    if (code != CLI_OK)
        return code;
    if (c->arg_count && !told.repair && !str_is(str_of(c->args[0]), "check"))
        return cli_usage(c, "say what: check or repair");
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    config_db(config, &db);
    code = db_admin_open(&db, &admin, &err) < 0 ? cli_error(&err) : CLI_OK;
    if (code == CLI_OK) {
        code = run(config, admin, &told);
        db_admin_close(&admin);
    }
    config_free(&config);
    return code;
}
