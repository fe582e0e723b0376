/* check.c -- cairn check: everything that can be known without starting. SPDX: Apache-2.0
 * The settings are loaded; then the migrations are run, all of them, on an empty database (in a
 * temporary directory; on PostgreSQL one of its own on the same server), and the model is built
 * from it with the wishes of `tables:`. So what passes here starts on a new machine. The project's
 * own database is not touched. */
#include "cli/advice.h"

#include "server/mailer.h"
#include "server/server.h"
#include "server/signin.h"
#include "server/versions.h"

#include <stdio.h>

int cli_check(struct cli *c)
{
    struct err err = {0};
    struct schema *schema = NULL;
    if (cli_flag(c, "--database"))
        return advice_command(c);
    int code = cli_expect(c, 0, 0);
    if (code)
        return code;
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    code = model_dry_run(config, &schema, &err);
    if (code == 0)
        code = signin_check(config, schema, &err);
    if (code == 0)
        code = versions_check(config, schema, &err);
    if (code == 0)
        code = mailer_check(config, &err);
    code = code < 0 ? cli_error(&err) : CLI_OK;
    if (schema)
        schema_free(&schema);
    config_free(&config);
    if (code == CLI_OK)
        puts("ok");
    return code;
}
