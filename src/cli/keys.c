/* keys.c -- cairn keys: the keys that sign access tokens. SPDX: Apache-2.0 */
#include "cli/cli.h"

#include "auth/identity.h"
#include "server/signin.h"

#include <stdio.h>
#include <string.h>

enum { LIST_MOST = 1 << 16 };

static int list(const char *file, const char *argument, const struct config *c, struct err *err)
{
    struct buf b;
    (void)argument;
    (void)c;
    buf_init(&b, LIST_MOST);
    int code = identity_list(file, &b, err);
    if (code < 0)
        buf_fini(&b);
    else
        code = cli_print(&b) == CLI_OK ? 0 : fail(err, E_IO, "the list cannot be written");
    return code;
}

static int rotate(const char *file, const char *argument, const struct config *c, struct err *err)
{
    (void)argument;
    TRY(identity_rotate(file, (enum jwt_alg)c->auth_algorithm, err));
    fprintf(stderr, "a new key signs; the others still check. Servers notice within two seconds.\n"
                    "Retire the old one when its last token is over (auth.access_ttl).\n");
    return 0;
}

static int retire(const char *file, const char *argument, const struct config *c, struct err *err)
{
    (void)c;
    TRY(identity_retire(file, str_of(argument), err));
    fprintf(stderr, "retired: what it signed is refused\n");
    return 0;
}

static const struct {
    const char *name;
    int (*run)(const char *file, const char *argument, const struct config *c, struct err *err);
    int arguments;
} actions[] = {{"list", list, 1}, {"rotate", rotate, 1}, {"retire", retire, 2}};

int cli_keys(struct cli *c)
{
    struct err err = {0};
    char file[KEYS_PATH_MOST];
    int code = cli_expect(c, 1, 2);
    size_t i = 0;
    if (code != CLI_OK)
        return code;
    while (i < COUNT_OF(actions) && strcmp(actions[i].name, c->args[0]) != 0)
        i++;
    if (i == COUNT_OF(actions))
        return cli_usage(c, "'%.60s' is no action: list, rotate, retire", c->args[0]);
    if (c->arg_count != actions[i].arguments)
        return cli_usage(c, "`%s` takes %s", actions[i].name,
                         actions[i].arguments == 2 ? "the kid of a key" : "no argument");
    struct config *config = cli_config_load(c);
    if (!config)
        return CLI_FAILED;
    signin_keys_file(config, file, sizeof file);
    if (actions[i].run(file, c->args[1], config, &err) < 0)
        code = cli_error(&err);
    config_free(&config);
    return code;
}
