/* commands.c -- every command with its help: --help and docs/cairn.1 say the same.
 * SPDX: Apache-2.0 */
#include "cli/cli.h"

static const struct command commands[] = {
    {"serve", cli_serve, "", "answer requests until SIGTERM or SIGINT",
     "Applies pending migrations first when mode is development. SIGHUP reads cairn.yaml again.\n"},
    {"migrate", cli_migrate, "new NAME | up | down | redo | status | verify",
     "make, apply and take back migrations",
     "  new NAME          write an empty migration\n"
     "  up [--to V]       apply what is pending\n"
     "  down [--steps N]  take back the newest (1)\n"
     "  redo              down, then up\n"
     "  status            what is applied and what is not\n"
     "  verify            fail when an applied file was edited or is missing\n"
     "\n"
     "  --yes             steps that destroy data may run\n"
     "  --dry-run         only show what would run\n"},
    {"call", cli_call, "[METHOD] TARGET [ITEM]...", "send one request and show the answer",
     "TARGET is a path (/v1/users?limit=3), a table (users), or a URL. The method is GET, or POST\n"
     "when there is a body. An ITEM is a part of it:\n"
     "\n"
     "  NAME=TEXT         a member of a JSON body, a text\n"
     "  NAME:=JSON        a member: 25, true, null, '[1,2]'\n"
     "  NAME==VALUE       of the query string: age==gte.18\n"
     "  Header:VALUE      a header\n"
     "\n"
     "  --as USER         sign in as this account, with the project's keys on this machine\n"
     "  --url URL         http://HOST:PORT, https://HOST or unix:PATH, instead of server.listen\n"
     "  --ca FILE         trusts these certificates (PEM) instead of the system's\n"
     "  --body TEXT       the body as it is; @FILE from a file, - from standard input\n"
     "  -i                the headers of the answer, too (a terminal shows them anyway)\n"
     "  --raw, --pretty   the body as it came, or for people; by default that is what a\n"
     "                    terminal shows\n"
     "  --color           colours though stdout is no terminal\n"
     "  --timeout S       seconds without a byte (60)\n"
     "\n"
     "Exits with 0 for a status below 300, with 3, 4 or 5 for 3xx, 4xx and 5xx, with 1 when no\n"
     "server answers.\n"},
    {"tail", cli_tail, "[--status S] [--path P] [--slow MS]",
     "follow the requests of a running server",
     "Prints a line for each request that is answered from now on, also where log.requests is\n"
     "off. It reads a socket in the data directory, so it runs on the server's machine, as its\n"
     "user or root.\n"
     "\n"
     "  --status S        only these: 404, 4xx, 400-499, several by commas\n"
     "  --path P          only paths that begin with P; a star stands for anything\n"
     "  --method M        only this method\n"
     "  --slow MS         only what took so many milliseconds or more\n"
     "  --json            a JSON object a line\n"
     "  --color           colours though stdout is no terminal\n"},
    {"routes", cli_routes, "", "list every route", NULL},
    {"openapi", cli_openapi, "[--yaml | --postman] [--role R] [--api V]",
     "print the document of the API",
     "OpenAPI 3.1 as JSON, of everything there is; the server answers it at /openapi.json.\n"
     "\n"
     "  --yaml            as YAML\n"
     "  --postman         a Postman collection instead\n"
     "  --api V           of this version of the API; else of that which requests get by default\n"
     "  --role R[,S]      as callers with these roles know it; `anyone`: without an account\n"},
    {"api", cli_api, "diff A B [--strict] [--format json]", "tell whether a change breaks clients",
     "A and B are versions of the project (v1), directories of projects, or files with OpenAPI\n"
     "documents. Exits with 1 when there is a breaking change, 2 when they cannot be compared.\n"
     "\n"
     "  --strict          warnings count, too\n"
     "  --format json     for programs\n"
     "  --api V           the version of directories; else their default\n"
     "  --role R          as callers with this role know them\n"},
    {"seed", cli_seed, "[--NAME N]...", "fill the database from seed.sql",
     "Applies pending migrations, then runs seed.sql of the project in one transaction. Its head\n"
     "declares whole numbers, `-- param users 50`, which `--users 1000` changes and `:users` "
     "stands "
     "for.\n"},
    {"check", cli_check, "[--database]", "validate cairn.yaml and the migrations, start nothing",
     "Prints `ok`, or every fault with file, line and column.\n"
     "\n"
     "  --database        advise about the project's database instead, only reading it: missing,\n"
     "                    redundant and unused indexes, normal forms, types (docs/indexes.md)\n"
     "  --format json     the advice for programs\n"
     "  --sql             the advice as a migration to look through\n"
     "  --all             about small tables too\n"
     "  --strict          exit with 1 when there is advice\n"},
    {"explain", cli_explain, "'GET /v1/...' [--analyze]", "show a request's SQL and plans",
     "Runs the request and takes everything back. A write is only planned.\n"
     "\n"
     "  --analyze         run writes too, and measure; all is taken back\n"
     "  --body JSON       the request's body\n"
     "  -H 'NAME: VALUE'  a header of it, e.g. Authorization; may come several times\n"},
    {"config", cli_config, "show | example | docs | schema", "print settings",
     "  show     the values in force, and where each comes from\n"
     "  example  a cairn.yaml with every setting and its default\n"
     "  docs     the reference page, Markdown\n"
     "  schema   JSON Schema of cairn.yaml, for editors\n"},
    {"init", cli_init, "NAME", "make a new project that starts at once", NULL},
    {"backup", cli_backup, "FILE", "copy the database into FILE, also while it is served",
     "The copy is one consistent state. FILE must not be there yet.\n"},
    {"restore", cli_restore, "FILE [--yes]", "put a copy in the place of the database",
     "Stop the server first. --yes: replace a database that is there.\n"},
    {"counters", cli_counters, "[check | repair]", "check the columns that count rows",
     "  check   how many rows tell a wrong number; exits with 1 when there are any\n"
     "  repair  count them anew\n"},
    {"account", cli_account, "add LOGIN [--role R] | mfa-remove LOGIN",
     "make an account; take a lost second factor away",
     "  add         the password is read from standard input\n"
     "  mfa-remove  its second factor and recovery codes, when both are lost\n"
     "\n"
     "  --role R          its role\n"
     "  --column A=B,C=D  other columns\n"},
    {"key", cli_key, "add LOGIN --name N | list [LOGIN] | revoke ID", "API keys of accounts",
     "  add     make one and print it, once\n"
     "  list    those that are good, with their owners\n"
     "  revoke  end one; a server that runs refuses it within two seconds\n"
     "\n"
     "  --name N          what it is for\n"
     "  --role R[,S]      only these of the account's roles\n"
     "  --can A[,B]       only this: posts:read, posts:*, *:read, queries:NAME, handlers:*\n"
     "  --days N          how long it is good; auth.key_ttl at most\n"},
    {"keys", cli_keys, "list | rotate | retire KID", "the keys that sign access tokens",
     "Servers on these keys notice a change within two seconds, without a restart.\n"
     "\n"
     "  list              algorithm and kid of each\n"
     "  rotate            a new key signs (auth.algorithm); the others still check tokens\n"
     "  retire KID        what that key signed is refused from now on\n"},
    {"audit", cli_audit, "[--event E] [--account ID] [--since 24h]", "show security events",
     "Sign-ins, refused ones, changed passwords, tokens used again: the newest first.\n"
     "\n"
     "  --event E         only these: registered, signed_in, signin_failed, ... (docs/auth.md)\n"
     "  --account ID      of that account\n"
     "  --login NAME      of that name, also when no account has it\n"
     "  --since T         not older than 15m, 24h, 7d\n"
     "  --limit N         so many at most (50)\n"
     "  --json            a JSON object a line\n"},
    {"secrets", cli_secrets, "check", "find secrets in the files of the project",
     "Reads what .gitignore leaves, not the data directory; exits with 1 when it finds any. A "
     "line\n"
     "with `cairn:allow-secret` is passed over.\n"},
    {"can", cli_can, "USER ACTION TABLE[/ID]", "explain what an account may do, rule by rule",
     "USER is a name to sign in with, or `anyone`; ACTION is read, create, update or delete.\n"
     "Exits with 0 for yes, 1 for no.\n"},
    {"integrity", cli_integrity, "", "check the database's files and foreign keys", NULL},
};

const struct command *cli_commands(size_t *count)
{
    *count = COUNT_OF(commands);
    return commands;
}
