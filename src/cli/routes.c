/* routes.c -- routes as lines for people. SPDX: Apache-2.0 */
#include "cli/cli.h"

#include "route/route.h"
#include "server/server.h"

static size_t widest(const struct router *r)
{
    size_t most = 0;
    const struct endpoint *e;
    for (size_t i = 0; (e = router_at(r, i)); i++)
        most = strlen(e->pattern) > most ? strlen(e->pattern) : most;
    return most < 60 ? most : 60;
}

static int print(const struct router *r)
{
    struct buf b;
    const struct endpoint *e;
    int width = (int)widest(r);
    buf_init(&b, 64 << 20);
    for (size_t i = 0; (e = router_at(r, i)); i++)
        buf_printf(&b, "%-7s %-*s  %s\n", method_name(e->method), width, e->pattern,
                   e->what ? e->what : "");
    return cli_print(&b);
}

int cli_routes(struct cli *c)
{
    struct err err = {0};
    struct world *world = NULL;
    int code = cli_expect(c, 0, 0);
    if (code)
        return code;
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    if (world_preview(config, &world, &err) < 0)
        return cli_error(&err);
    code = print(world_router(world));
    world_put(&world);
    return code;
}
