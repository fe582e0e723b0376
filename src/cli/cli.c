/* cli.c -- the command line: options that all commands have, then the command. SPDX: Apache-2.0
 * `cairn [OPTIONS] COMMAND [ARGUMENTS]`; -C, --data, --listen and --set may stand before or behind
 * the command. What is left is the command's own. */
#include "cli/cli.h"

#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#ifndef CAIRN_VERSION
#define CAIRN_VERSION "0.0.0"
#endif

/* ---- help ---- */

static const char options[] =
    "options:\n"
    "  -C DIR             the project directory (.)\n"
    "  --data DIR         directory of the database, instead of database.data_dir\n"
    "  --listen ADDRESS   HOST:PORT, [IPV6]:PORT or unix:PATH, instead of server.listen\n"
    "  --set KEY=VALUE    any setting, e.g. --set log.level=debug\n"
    "  --help, --version\n";

/* Asked for, it is a result; else it tells what is missing. */
static int help(bool asked)
{
    size_t count;
    const struct command *list = cli_commands(&count);
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_lit(&b, "usage: cairn [OPTIONS] COMMAND [ARGUMENTS]\n\ncommands:\n");
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "  %-10s %s\n", list[i].name, list[i].help);
    buf_printf(&b, "\n%s\n`cairn COMMAND --help` tells more.\n", options);
    if (asked)
        return cli_print(&b);
    fwrite(b.ptr, 1, b.len, stderr);
    buf_fini(&b);
    return CLI_USAGE;
}

static int command_help(const struct command *c)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_printf(&b, "usage: cairn [OPTIONS] %s%s%s\n\n%s\n", c->name, c->usage[0] ? " " : "",
               c->usage, c->help);
    if (c->more)
        buf_printf(&b, "\n%s", c->more);
    buf_printf(&b, "\n%s", options);
    return cli_print(&b);
}

static int version(void)
{
    struct buf b;
    buf_init(&b, 64);
    buf_lit(&b, "cairn " CAIRN_VERSION "\n");
    return cli_print(&b);
}

/* ---- options ---- */

struct parse {
    struct cli *c;
    char **at; /* the next argument */
    bool help, version, failed;
};

static void bad(struct parse *p, const char *fmt, const char *what)
{
    fprintf(stderr, "cairn: ");
    fprintf(stderr, fmt, what);
    fprintf(stderr, "\nsee `cairn --help`\n");
    p->failed = true;
}

/* Is *p->at this option? Then *value is its value, and p->at stands behind it. */
static bool takes(struct parse *p, const char *name, const char **value)
{
    size_t len = strlen(name);
    const char *arg = *p->at;
    if (strncmp(arg, name, len) != 0 || (arg[len] != 0 && arg[len] != '='))
        return false;
    *value = arg[len] ? arg + len + 1 : p->at[1];
    p->at += arg[len] || !p->at[1] ? 1 : 2;
    if (!*value)
        bad(p, "%s wants a value", name);
    return true;
}

static void override(struct parse *p, str key, str value)
{
    struct cli *c = p->c;
    if (c->over_count == CLI_OVERRIDES_MOST)
        bad(p, "too many settings (at most 64)%s", "");
    else
        c->over[c->over_count++] = (struct config_override){key, value};
}

static void take_set(struct parse *p, const char *value)
{
    str text = str_of(value);
    size_t equals = str_find(text, '=');
    if (equals == STR_NONE || equals == 0)
        bad(p, "--set wants KEY=VALUE, not '%s'", value);
    else
        override(p, str_upto(text, equals), str_from(text, equals + 1));
}

/* Relative to where the command was called, while the setting is relative to the project. Lives
 * as long as the process. */
static void take_data(struct parse *p, const char *value)
{
    static char path[4096];
    char here[2048];
    if (value[0] == '/')
        snprintf(path, sizeof path, "%s", value);
    else if (!getcwd(here, sizeof here) || strlen(value) >= sizeof path - sizeof here - 1)
        bad(p, "--data '%s': no such path", value);
    else
        snprintf(path, sizeof path, "%s/%s", here, value);
    override(p, LIT("database.data_dir"), str_of(path));
}

/* Takes the option at p->at when it is one of ours. */
static bool common(struct parse *p)
{
    const char *value = NULL;
    if (strcmp(*p->at, "--help") == 0 || strcmp(*p->at, "-h") == 0) {
        p->help = true;
        p->at++;
    } else if (strcmp(*p->at, "--version") == 0) {
        p->version = true;
        p->at++;
    } else if (takes(p, "-C", &value)) {
        p->c->dir = value;
    } else if (takes(p, "--data", &value)) {
        if (value)
            take_data(p, value);
    } else if (takes(p, "--listen", &value)) {
        if (value)
            override(p, LIT("server.listen"), str_of(value));
    } else if (takes(p, "--set", &value)) {
        if (value)
            take_set(p, value);
    } else {
        return false;
    }
    return true;
}

/* Leaves in args what is not ours; what follows `--` is not looked at. */
static void take_options(struct parse *p)
{
    struct cli *c = p->c;
    while (*p->at && !p->failed) {
        if (strcmp(*p->at, "--") == 0) {
            for (p->at++; *p->at; p->at++)
                c->args[c->arg_count++] = *p->at;
            break;
        }
        if (!common(p))
            c->args[c->arg_count++] = *p->at++;
    }
    c->args[c->arg_count] = NULL;
}

/* ---- the command ---- */

static const struct command *find(const char *name)
{
    size_t count;
    const struct command *list = cli_commands(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    const char *names[32];
    BUG_ON(count > COUNT_OF(names));
    for (size_t i = 0; i < count; i++)
        names[i] = list[i].name;
    const char *near = str_nearest(str_upto(str_of(name), 60), names, count);
    fprintf(stderr, "cairn: there is no %s '%.60s'", name[0] == '-' ? "option" : "command", name);
    if (near && name[0] != '-')
        fprintf(stderr, " (did you mean `%s`?)", near);
    fprintf(stderr, "\nsee `cairn --help`\n");
    return NULL;
}

static int run(struct cli *c, const struct parse *p)
{
    if (p->failed)
        return CLI_USAGE;
    if (p->version)
        return version();
    if (c->arg_count == 0)
        return help(p->help);
    c->command = find(c->args[0]);
    if (!c->command)
        return CLI_USAGE;
    c->args++;
    c->arg_count--;
    return p->help ? command_help(c->command) : c->command->run(c);
}

int cli_main(int argc, char **argv)
{
    struct cli c = {.dir = "."};
    struct parse p = {.c = &c, .at = argv + (argc > 0)};
    char **args = mem_zero((size_t)argc + 1, sizeof *args);
    signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error of write */
    c.args = args;
    take_options(&p);
    int code = run(&c, &p);
    mem_free(args);
    return code;
}
