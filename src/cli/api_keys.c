/* api_keys.c -- cairn key: API keys of accounts, from the command line. A server that runs learns
 * within a second or two that a key was revoked. SPDX: Apache-2.0 */
#include "cli/people.h"

#include "server/server.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY = 86400, LIST_MOST = 64, KEYS_MOST = 10000 };
enum { K_ID, K_ACCOUNT, K_NAME, K_HINT, K_ROLES, K_CAN, K_CREATED, K_EXPIRES, K_USED };

static int may(struct people *p)
{
    if (!p->model.accounts)
        return fail(&p->err, E_CONFIG, "nobody signs in here: set auth.table");
    return p->config->auth_keys ? 0
                                : fail(&p->err, E_CONFIG, "there are no keys: auth.keys is off");
}

/* "a,b" as a list; NULL when it was not given. */
static const str *split(struct people *p, const char *text, size_t *count)
{
    str *list = ARENA_ARRAY(&p->arena, str, LIST_MOST + 1);
    *count = 0;
    for (str rest = str_of(text); text && rest.ptr && *count <= LIST_MOST;)
        list[(*count)++] = str_trim(str_cut(&rest, ','));
    return text ? list : NULL;
}

static int ends(struct people *p, const char *days, struct key_wish *w)
{
    int64_t most = (int64_t)p->config->auth_key_ttl / 1000, n;
    w->expires = most ? w->now + most : 0;
    if (!days)
        return 0;
    if (!str_to_i64(str_of(days), &n) || n < 1 || n > 36500)
        return fail(&p->err, E_BAD, "--days: expected a number from 1 to 36500");
    if (!most || n * DAY < most)
        w->expires = w->now + n * DAY;
    return 0;
}

struct options {
    const char *name, *role, *can, *days;
};

static int add(struct people *p, const char *login, const struct options *o)
{
    struct principal owner;
    struct key_made made;
    struct key_wish w = {.now = (int64_t)time(NULL),
                         .name = str_of(o->name),
                         .kind = p->config->mode == MODE_DEVELOPMENT ? "test" : "live"};
    TRY(may(p));
    if (!o->name)
        return fail(&p->err, E_BAD, "--name: say what the key is for");
    TRY(people_find(p, login, &owner));
    w.account = owner.subject;
    w.roles = split(p, o->role, &w.role_count);
    w.can = split(p, o->can, &w.can_count);
    TRY(ends(p, o->days, &w));
    TRY(account_key_check(&p->arena, p->schema, p->model.access, &owner, &w, &p->err));
    account_key_make(&p->arena, &w, &made);
    TRY(db_admin_run(p->admin, &made.st, &p->arena, NULL, &p->err));
    fprintf(stderr, "key %.*s of %s; its text is not shown again:\n", STR_ARG(made.id), login);
    printf("%.*s\n", STR_ARG(made.text));
    return 0;
}

/* ---- list ---- */

static const char *when(int64_t seconds, const char *never, char out[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!seconds)
        return never;
    gmtime_r(&t, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M", &tm);
    return out;
}

/* Who an account is to people: its name to sign in with. */
static str login_of(struct people *p, str key)
{
    struct rows rows = {0};
    struct stmt st = {0};
    struct value in = value_text(key), v;
    struct value_fault fault = {0};
    struct err ignored = {0};
    const struct table *t = account_table(p->model.accounts);
    const struct column *login = account_login(p->model.accounts);
    struct select s = {.table = t, .columns = &login, .column_count = 1, .shown = 1, .limit = 1};
    if (!column_take(t->primary.columns[0], &p->arena, &in, true, &v, &fault))
        return key;
    s.where = cond_test(&p->arena, t->primary.columns[0], OP_EQ, v);
    if (sql_select(config_dialect(p->config), &p->arena, &s, &st, &ignored) < 0 ||
        db_admin_run(p->admin, &st, &p->arena, &rows, &ignored) < 0 || !rows.count ||
        rows.cells[0].kind != V_TEXT)
        return key;
    return rows.cells[0].text;
}

static void show(struct people *p, const struct value *row)
{
    char expires[32], used[32];
    str login = login_of(p, row[K_ACCOUNT].text), roles = row[K_ROLES].text, can = row[K_CAN].text;
    printf("%.*s  %.*s  %.*s  \"%.*s\"\n    ends %s, last used %s, roles %.*s, can %.*s\n",
           STR_ARG(row[K_ID].text), STR_ARG(login), STR_ARG(row[K_HINT].text),
           STR_ARG(row[K_NAME].text), when(row[K_EXPIRES].i, "never", expires),
           when(row[K_USED].i, "never", used), STR_ARG(roles.len ? roles : LIT("all")),
           STR_ARG(can.len ? can : LIT("all that they may")));
}

static int list(struct people *p, const char *login)
{
    struct principal owner = {.subject = {"", 0}};
    struct rows rows = {0};
    TRY(may(p));
    if (login)
        TRY(people_find(p, login, &owner));
    struct stmt st = account_keys_list(&p->arena, owner.subject);
    TRY(db_admin_run(p->admin, &st, &p->arena, &rows, &p->err));
    for (size_t i = 0; i < rows.count; i++)
        show(p, rows_at(&rows, i, 0));
    if (!rows.count)
        fprintf(stderr, "no keys\n");
    return 0;
}

static int revoke(struct people *p, const char *id)
{
    TRY(may(p));
    struct stmt st = account_key_end(&p->arena, str_of(id), (int64_t)time(NULL));
    TRY(db_admin_run(p->admin, &st, &p->arena, NULL, &p->err));
    if (!db_admin_changes(p->admin))
        return fail(&p->err, E_NOTFOUND, "there is no key '%.60s' that is good: cairn key list",
                    id);
    printf("revoked %s\n", id);
    return 0;
}

static int act(struct cli *c, struct people *p, const struct options *o)
{
    const char *what = c->args[0], *of = c->arg_count > 1 ? c->args[1] : NULL;
    if (strcmp(what, "list") == 0)
        return list(p, of);
    return strcmp(what, "add") == 0 ? add(p, of, o) : revoke(p, of);
}

int cli_key(struct cli *c)
{
    struct options o = {0};
    struct people p;
    if (!cli_option(c, "--name", &o.name) || !cli_option(c, "--role", &o.role) ||
        !cli_option(c, "--can", &o.can) || !cli_option(c, "--days", &o.days))
        return CLI_USAGE;
    int code = cli_expect(c, 1, 2);
    if (code != CLI_OK)
        return code;
    bool lists = strcmp(c->args[0], "list") == 0;
    if (!lists && strcmp(c->args[0], "add") != 0 && strcmp(c->args[0], "revoke") != 0)
        return cli_usage(c, "'%.60s' is no action: add, list, revoke", c->args[0]);
    if (!lists && c->arg_count < 2)
        return cli_usage(c, "%s: whose, or which?", c->args[0]);
    code = people_open(c, &p);
    if (code == CLI_OK && act(c, &p, &o) < 0)
        code = cli_error(&p.err);
    people_close(&p);
    return code;
}
