/* openapi.c -- the document of the API, without serving. SPDX: Apache-2.0 */
#include "cli/cli.h"

#include "server/server.h"

enum { ROLES_GIVEN_MOST = 64, DOCUMENT_MOST = 256 << 20 };

static size_t roles_of(const char *text, str *out)
{
    str rest = text ? str_of(text) : (str){0};
    size_t count = 0;
    while (rest.ptr && count < ROLES_GIVEN_MOST) {
        str role = str_trim(str_cut(&rest, ','));
        if (role.len)
            out[count++] = role;
    }
    return count;
}

static int print(struct config *config, const char *roles, const char *version, enum docs_form form)
{
    struct err err = {0};
    struct world *world = NULL;
    struct buf b;
    str list[ROLES_GIVEN_MOST];
    if (world_preview(config, &world, &err) < 0)
        return cli_error(&err);
    buf_init(&b, DOCUMENT_MOST);
    int code = world_document(world, str_of(version), list, roles_of(roles, list), form, &b, &err);
    world_put(&world);
    if (code == 0)
        return cli_print(&b);
    buf_fini(&b);
    return cli_error(&err);
}

int cli_openapi(struct cli *c)
{
    const char *roles = NULL, *version = NULL;
    bool yaml = cli_flag(c, "--yaml"), postman = cli_flag(c, "--postman");
    if (!cli_option(c, "--role", &roles) || !cli_option(c, "--api", &version))
        return CLI_USAGE;
    int code = cli_expect(c, 0, 0);
    if (code)
        return code;
    if (yaml && postman)
        return cli_usage(c, "--yaml and --postman exclude each other");
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    return print(config, roles, version, postman ? DOCS_POSTMAN : yaml ? DOCS_YAML : DOCS_JSON);
}
