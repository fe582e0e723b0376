/* share.c -- what commands share: messages, their own options, loading the settings.
 * SPDX: Apache-2.0 */
#include "cli/cli.h"

#include "base/mem.h"
#include "server/counters.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int cli_fail(const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "cairn: ");
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    return CLI_FAILED;
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "cairn %s: ", c->command->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: cairn [OPTIONS] %s%s%s\n", c->command->name,
            c->command->usage[0] ? " " : "", c->command->usage);
    return CLI_USAGE;
}

/* No "cairn: " before a fault with a place: editors jump to lines that begin FILE:LINE:COLUMN. */
int cli_error(const struct err *err)
{
    struct buf b;
    if (err->item_count == 0)
        return cli_fail("%s", err->text);
    buf_init(&b, 1 << 16);
    config_faults(err, &b);
    fwrite(b.ptr, 1, b.len, stderr);
    buf_fini(&b);
    return CLI_FAILED;
}

struct config *cli_config_load(struct cli *c)
{
    struct config *config = NULL;
    struct err err = {0};
    int code = config_load(c->dir, c->over, c->over_count, &config, &err);
    if (code < 0) {
        cli_error(&err);
        config_free(&config);
        return NULL;
    }
    for (size_t i = 0; i < config->warning_count; i++) {
        const struct err_item *w = &config->warnings[i];
        fprintf(stderr, "%.*s: %.*s%swarning: %.*s\n", STR_ARG(w->pointer), STR_ARG(w->field),
                w->field.len ? ": " : "", STR_ARG(w->message));
    }
    return config;
}

void cli_keep_counters(const struct config *config)
{
    struct err err = {0};
    if (counters_settle(config, &err) < 0 && config->tables.counter_count)
        fprintf(stderr, "cairn: warning: counters are not kept now: %s\n", err.text);
}

/* Takes n arguments at i out. */
static void cut(struct cli *c, int i, int n)
{
    for (; i + n <= c->arg_count; i++)
        c->args[i] = c->args[i + n];
    c->arg_count -= n;
}

bool cli_option(struct cli *c, const char *name, const char **value)
{
    size_t len = strlen(name);
    for (int i = 0; i < c->arg_count; i++) {
        const char *arg = c->args[i];
        if (strncmp(arg, name, len) != 0 || (arg[len] != 0 && arg[len] != '='))
            continue;
        if (!arg[len] && i + 1 == c->arg_count) {
            cli_usage(c, "%s wants a value", name);
            return false;
        }
        *value = arg[len] ? arg + len + 1 : c->args[i + 1];
        cut(c, i, arg[len] ? 1 : 2);
        i--; /* the last of several counts */
    }
    return true;
}

bool cli_flag(struct cli *c, const char *name)
{
    bool there = false;
    for (int i = 0; i < c->arg_count; i++) {
        if (strcmp(c->args[i], name) == 0) {
            cut(c, i--, 1);
            there = true;
        }
    }
    return there;
}

int cli_expect(const struct cli *c, int min, int max)
{
    for (int i = 0; i < c->arg_count; i++)
        if (c->args[i][0] == '-' && c->args[i][1])
            return cli_usage(c, "there is no option '%.60s'", c->args[i]);
    if (c->arg_count < min)
        return cli_usage(c, "an argument is missing");
    if (c->arg_count > max)
        return cli_usage(c, "'%.60s' is one argument too many", c->args[max]);
    return CLI_OK;
}

int cli_print(struct buf *b)
{
    BUG_ON(b->full);
    bool ok = (!b->len || fwrite(b->ptr, 1, b->len, stdout) == b->len) && fflush(stdout) == 0;
    int code = errno;
    buf_fini(b);
    return ok ? CLI_OK : cli_fail("cannot write the result: %s", strerror(code));
}
