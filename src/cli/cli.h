/* cli.h -- the commands of `cairn`. SPDX: Apache-2.0
 * One file a command. Results go to stdout, messages to stderr. */
#ifndef CAIRN_CLI_H
#define CAIRN_CLI_H

#include "base/err.h"
#include "server/config.h"

enum cli_exit { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

enum { CLI_OVERRIDES_MOST = 64 };

struct cli {
    const char *dir;                                 /* -C DIR, else "." */
    struct config_override over[CLI_OVERRIDES_MOST]; /* --set, --listen, --data, in their order */
    size_t over_count;
    char **args; /* behind the command, without the options above; args[arg_count] is NULL */
    int arg_count;
    const struct command *command;
};

/* Answers an exit code. */
typedef int command_fn(struct cli *c);

struct command {
    const char *name;
    command_fn *run;
    const char *usage; /* arguments and own options: "[--users N]" */
    const char *help;  /* one line */
    const char *more;  /* paragraphs for `cairn NAME --help`; may be NULL */
};

/* The whole command line: what main answers. */
int cli_main(int argc, char **argv);

command_fn cli_serve, cli_migrate, cli_routes, cli_seed, cli_check, cli_config, cli_init,
    cli_backup, cli_restore, cli_integrity, cli_counters, cli_explain, cli_account, cli_key,
    cli_can, cli_openapi, cli_keys, cli_audit, cli_secrets, cli_api, cli_call, cli_tail;

/* ---- what commands share (cli.c) ---- */

/* Loads the project's settings; on failure prints every fault and answers NULL. Warnings go to
 * stderr. Gives: config_free. */
struct config *cli_config_load(struct cli *c);
/* The triggers of counters, after migrations let them go. What is in the way is told to stderr: the
 * server will say so too when it starts. */
void cli_keep_counters(const struct config *config);
/* "cairn: text" to stderr; answers CLI_FAILED, or CLI_USAGE with a hint at the command's --help. */
int cli_fail(const char *fmt, ...) ATTR_PRINTF(1, 2);
int cli_usage(const struct cli *c, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* err and its items to stderr; answers CLI_FAILED. */
int cli_error(const struct err *err);
/* Takes an option out of args: `--NAME VALUE` or `--NAME=VALUE`; *value stays as it is when it is
 * not there. False after printing when its value is missing. */
bool cli_option(struct cli *c, const char *name, const char **value);
/* Takes `--NAME` out of args; whether it was there. */
bool cli_flag(struct cli *c, const char *name);
/* CLI_OK, or CLI_USAGE after printing, unless min to max arguments are left and none is an option.
 */
int cli_expect(const struct cli *c, int min, int max);
/* Writes a result to stdout, ends its life; CLI_FAILED after printing when it cannot be written. */
int cli_print(struct buf *b);
/* The commands, in the order of --help; count is theirs. */
const struct command *cli_commands(size_t *count);

#endif
