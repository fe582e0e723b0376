/* config.c -- cairn config show|example|docs|schema. SPDX: Apache-2.0 */
#include "cli/cli.h"

static int show(struct cli *c)
{
    struct buf b;
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    buf_init(&b, 16 << 20);
    config_show(config, &b);
    config_free(&config);
    return cli_print(&b);
}

static const struct {
    const char *name;
    void (*make)(struct buf *out);
} texts[] = {{"example", config_example}, {"docs", config_docs}, {"schema", config_schema}};

int cli_config(struct cli *c)
{
    struct buf b;
    int code = cli_expect(c, 1, 1);
    if (code)
        return code;
    if (strcmp(c->args[0], "show") == 0)
        return show(c);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (strcmp(c->args[0], texts[i].name) == 0) {
            buf_init(&b, 1 << 20);
            texts[i].make(&b);
            return cli_print(&b);
        }
    }
    return cli_usage(c, "there is nothing called '%.60s'", c->args[0]);
}
