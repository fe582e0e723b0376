/* people.c -- cairn account, cairn can: accounts and what they may do, from the command line.
 * SPDX: Apache-2.0 */
#include "cli/people.h"

#include "server/server.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEMORY = 64 << 20, COLUMNS_MOST = 64, RULES_MOST = 512 };

void people_close(struct people *p)
{
    accounts_free(&p->model.accounts);
    role_rows_free(&p->roles);
    if (p->schema)
        schema_free(&p->schema);
    if (p->admin)
        db_admin_close(&p->admin);
    config_free(&p->config);
    arena_reset(&p->arena);
}

static int people_read(struct people *p)
{
    struct db_config db;
    config_db(p->config, &db);
    if (!db_exists(&db))
        return fail(&p->err, E_NOTFOUND, "there is no database yet: cairn migrate up");
    TRY(db_admin_open(&db, &p->admin, &p->err));
    TRY(signin_tables(p->config, p->admin, &p->err));
    TRY(model_read(p->admin, p->config, &p->schema, &p->err));
    TRY(signin_roles(p->admin, p->config, p->schema, &p->roles, &p->err));
    return signin_model(p->config, p->schema, p->roles, &p->arena, &p->model, &p->err);
}

int people_open(struct cli *c, struct people *p)
{
    *p = (struct people){0};
    arena_init(&p->arena, MEMORY);
    p->config = cli_config_load(c);
    if (!p->config)
        return CLI_FAILED;
    return people_read(p) < 0 ? cli_error(&p->err) : CLI_OK;
}

static int select_one(struct people *p, const struct table *t, struct cond *where, struct rows *out)
{
    struct stmt st = {0};
    struct select s = {.table = t, .limit = 1, .where = where};
    s.columns = all_columns(&p->arena, t);
    s.column_count = s.shown = t->column_count;
    TRY(sql_select(config_dialect(p->config), &p->arena, &s, &st, &p->err));
    return db_admin_run(p->admin, &st, &p->arena, out, &p->err);
}

/* ---- account add ---- */

struct form {
    struct people *p;
    const struct table *table;
    const struct column *columns[COLUMNS_MOST];
    struct value values[COLUMNS_MOST];
    size_t count;
};

static int put(struct form *f, str name, str text)
{
    struct value in = value_text(text);
    struct value_fault fault = {0};
    const struct column *c = table_column(f->table, name);
    if (!c)
        return fail(&f->p->err, E_CONFIG, "'%.*s' has no column '%.*s'", STR_ARG(f->table->name),
                    STR_ARG(name));
    if (f->count == COLUMNS_MOST)
        return fail(&f->p->err, E_BAD, "too many columns");
    if (!column_take(c, &f->p->arena, &in, true, &f->values[f->count], &fault))
        return fail(&f->p->err, E_INVALID, "'%.*s' %.*s", STR_ARG(name), STR_ARG(fault.message));
    f->columns[f->count++] = c;
    return 0;
}

static int put_password(struct form *f, const char *source)
{
    char line[PASSWORD_BYTES_MOST + 2], hash[PASSWORD_HASH_MOST + 1];
    struct password_config c = signin_passwords(f->p->config);
    const char *text = source;
    if (strcmp(source, "-") == 0) {
        text = fgets(line, sizeof line, stdin) ? line : "";
        line[strcspn(line, "\r\n")] = '\0';
    }
    if (strlen(text) < (size_t)f->p->config->auth_password_length)
        return fail(&f->p->err, E_INVALID, "a password has at least %lld characters",
                    (long long)f->p->config->auth_password_length);
    int code = password_hash_now(&c, str_of(text), hash, &f->p->err);
    sodium_memzero(line, sizeof line);
    TRY(code);
    return put(f, f->p->config->auth_password, arena_str(&f->p->arena, str_of(hash)));
}

static int insert(struct form *f)
{
    struct stmt st = {0};
    struct insert in = {.table = f->table,
                        .columns = f->columns,
                        .column_count = f->count,
                        .values = f->values,
                        .row_count = 1};
    TRY(sql_insert(config_dialect(f->p->config), &f->p->arena, &in, &st, &f->p->err));
    return db_admin_run(f->p->admin, &st, &f->p->arena, NULL, &f->p->err);
}

static int account_row(struct people *p, const char *login, struct rows *out);

/* The row of the table that gives it the role. */
static int give_role(struct people *p, const char *login, const char *role)
{
    enum dialect d = config_dialect(p->config);
    struct stmt st = {0};
    struct rows who = {0}, id = {0};
    TRY(account_row(p, login, &who));
    const struct table *t = account_table(p->model.accounts);
    const struct value *key = &who.cells[t->primary.columns[0]->index];
    TRY(role_tables_named(d, &p->arena, p->model.role_tables, str_of(role), &st, &p->err));
    TRY(db_admin_run(p->admin, &st, &p->arena, &id, &p->err));
    if (!id.count)
        return fail(&p->err, E_NOTFOUND, "there is no role '%.60s'", role);
    TRY(role_tables_give(d, &p->arena, p->model.role_tables, key, id.cells, &st, &p->err));
    return db_admin_run(p->admin, &st, &p->arena, NULL, &p->err);
}

static int add(struct people *p, const char *login, const char *role, const char *password,
               const char *column)
{
    const struct config *c = p->config;
    struct form f = {.p = p, .table = schema_table(p->schema, c->auth_table)};
    if (!p->model.accounts)
        return fail(&p->err, E_CONFIG, "nobody signs in here: set auth.table");
    bool by_table = p->model.role_tables && !c->auth_roles.len;
    if (role && !by_table && !c->auth_roles.len)
        return fail(&p->err, E_CONFIG, "accounts have no roles here: set auth.roles");
    TRY(put(&f, c->auth_login, str_of(login)));
    if (role && !by_table)
        TRY(put(&f, c->auth_roles, str_of(role)));
    TRY(put_password(&f, password));
    for (str rest = str_of(column); rest.len && rest.ptr;) {
        str value = str_cut(&rest, ','), name = str_cut(&value, '=');
        TRY(put(&f, name, value.ptr ? value : LIT("")));
    }
    TRY(insert(&f));
    return role && by_table ? give_role(p, login, role) : 0;
}

/* ---- account mfa-remove ---- */

static int mfa_remove(struct people *p, const char *login)
{
    struct principal who;
    struct stmt st[MFA_TABLES];
    TRY(people_find(p, login, &who));
    account_mfa_end(&p->arena, who.subject, st);
    for (size_t i = 0; i < COUNT_OF(st); i++)
        TRY(db_admin_run(p->admin, &st[i], &p->arena, NULL, &p->err));
    struct stmt note;
    if (!account_mfa_note(&p->arena, p->model.accounts, who.subject, str_of(login), &note))
        return 0;
    return db_admin_run(p->admin, &note, &p->arena, NULL, &p->err);
}

int cli_account(struct cli *c)
{
    const char *role = NULL, *password = "-", *column = NULL;
    struct people p;
    if (!cli_option(c, "--role", &role) || !cli_option(c, "--password", &password) ||
        !cli_option(c, "--column", &column))
        return CLI_USAGE;
    int code = cli_expect(c, 2, 2);
    if (code != CLI_OK)
        return code;
    bool adds = strcmp(c->args[0], "add") == 0;
    if (!adds && strcmp(c->args[0], "mfa-remove") != 0)
        return cli_usage(c, "'%.60s' is no action: add, mfa-remove", c->args[0]);
    code = people_open(c, &p);
    int done = code != CLI_OK ? 0
               : adds         ? add(&p, c->args[1], role, password, column)
                              : mfa_remove(&p, c->args[1]);
    if (done < 0)
        code = cli_error(&p.err);
    if (code == CLI_OK)
        printf(adds ? "added %s\n" : "%s has no second factor any more\n", c->args[1]);
    people_close(&p);
    return code;
}

/* ---- can ---- */

struct question {
    struct people *p;
    const struct principal *me;
    const struct table *table;
    enum action act;
    uint64_t roles;
    struct value *id; /* NULL: of some row */
    bool row_there;
};

static int account_row(struct people *p, const char *login, struct rows *out)
{
    struct value in = value_text(str_of(login)), v;
    struct value_fault fault = {0};
    const struct table *t = schema_table(p->schema, p->config->auth_table);
    if (!p->model.accounts)
        return fail(&p->err, E_CONFIG, "nobody signs in here: set auth.table, or ask for 'anyone'");
    const struct column *c = table_column(t, p->config->auth_login);
    if (!column_take(c, &p->arena, &in, true, &v, &fault))
        return fail(&p->err, E_NOTFOUND, "there is no account '%.100s'", login);
    TRY(select_one(p, t, cond_test(&p->arena, c, OP_EQ, v), out));
    return out->count ? 0 : fail(&p->err, E_NOTFOUND, "there is no account '%.100s'", login);
}

int people_find(struct people *p, const char *login, struct principal *out)
{
    struct rows rows = {0}, roles = {0};
    struct stmt st = {0};
    TRY(account_row(p, login, &rows));
    account_principal(&p->arena, p->model.accounts, rows.cells, out);
    if (!p->model.role_tables)
        return 0;
    const struct table *t = account_table(p->model.accounts);
    TRY(role_tables_of(config_dialect(p->config), &p->arena, p->model.role_tables,
                       &rows.cells[t->primary.columns[0]->index], &st, &p->err));
    TRY(db_admin_run(p->admin, &st, &p->arena, &roles, &p->err));
    account_roles(&p->arena, p->model.accounts, &roles, out);
    return 0;
}

static int find_action(struct people *p, const char *word, enum action *out)
{
    for (int i = 0; i < ACTIONS; i++) {
        if (strcmp(word, action_name((enum action)i)) == 0) {
            *out = (enum action)i;
            return 0;
        }
    }
    return fail(&p->err, E_BAD, "'%.60s' is no action: read, create, update, delete", word);
}

/* "posts", or "posts/7". */
static int find_place(struct question *q, str text)
{
    struct people *p = q->p;
    struct value_fault fault = {0};
    str name = str_cut(&text, '/');
    q->table = schema_table(p->schema, name);
    if (!q->table)
        return fail(&p->err, E_NOTFOUND, "there is no table '%.*s'", STR_ARG(name));
    if (!text.ptr)
        return 0;
    if (q->table->primary.count != 1)
        return fail(&p->err, E_BAD, "'%.*s' has no key of one column", STR_ARG(name));
    struct value in = value_text(text);
    q->id = ARENA_NEW(&p->arena, struct value);
    if (!column_take(q->table->primary.columns[0], &p->arena, &in, true, q->id, &fault))
        return fail(&p->err, E_NOTFOUND, "'%.*s' is no id", STR_ARG(text));
    return 0;
}

/* Does the condition hold for the row that is asked for? */
static int holds(struct question *q, struct cond *cond, bool *out)
{
    struct rows rows = {0};
    *out = true;
    if (!q->id || !cond)
        return 0;
    struct cond *key = cond_test(&q->p->arena, q->table->primary.columns[0], OP_EQ, *q->id);
    TRY(select_one(q->p, q->table, cond_and(&q->p->arena, key, cond), &rows));
    *out = rows.count > 0;
    return 0;
}

static const char *verdict(const struct access_opinion *o, bool row, const struct question *q)
{
    if (!o->action)
        return "is about other actions";
    if (!o->role)
        return "is for other roles";
    if (o->cond && o->cond->kind == COND_FALSE)
        return "allows no row";
    if (!row)
        return "does not allow this row";
    return o->cond && !q->id ? "allows some rows" : "allows it";
}

static int explain(struct question *q, bool *yes)
{
    struct access_opinion *list = ARENA_ARRAY(&q->p->arena, struct access_opinion, RULES_MOST);
    struct asking asking = {q->act, q->roles, q->me, (int64_t)time(NULL) * 1000000000};
    size_t count =
        access_opinions(&q->p->arena, q->p->model.access, q->table, &asking, list, RULES_MOST);
    *yes = false;
    for (size_t i = 0; i < count; i++) {
        const struct access_opinion *o = &list[i];
        bool speaks = o->role && o->action, row = true;
        if (speaks)
            TRY(holds(q, o->cond, &row));
        *yes |= speaks && row && !(o->cond && o->cond->kind == COND_FALSE);
        printf("  %.*s  for %.*s%s%.*s: %s\n", STR_ARG(o->place), STR_ARG(o->roles_text),
               o->where.len ? ", where " : "", STR_ARG(o->where), verdict(o, row, q));
    }
    if (!count)
        printf("  no rule speaks of '%.*s'\n", STR_ARG(q->table->name));
    return 0;
}

/* Changing takes reading, too: a row that may not be read does not exist for the caller. */
static int explain_all(struct question *q, bool *yes)
{
    bool read = true;
    enum action act = q->act;
    TRY(explain(q, yes));
    if (act == ACTION_UPDATE || act == ACTION_DELETE) {
        printf(" and to read it, without which nothing can be changed:\n");
        q->act = ACTION_READ;
        TRY(explain(q, &read));
        q->act = act;
    }
    *yes = *yes && read;
    return 0;
}

static int ask(struct people *p, char *const *args, bool *yes)
{
    struct principal me;
    struct question q = {.p = p};
    str names[ROLES_MOST + 2];
    bool there = true;
    if (strcmp(args[0], ROLE_ANYONE) != 0) {
        TRY(people_find(p, args[0], &me));
        q.me = &me;
    }
    TRY(find_action(p, args[1], &q.act));
    TRY(find_place(&q, str_of(args[2])));
    q.roles = access_roles(p->model.access, q.me);
    size_t count = access_role_names(p->model.access, q.roles, names);
    printf("%s has the roles", args[0]);
    for (size_t i = 0; i < count; i++)
        printf("%s %.*s", i ? "," : "", STR_ARG(names[i]));
    printf("\n");
    TRY(explain_all(&q, yes));
    const str *faults;
    count = access_faults(p->model.access, &faults);
    for (size_t i = 0; i < count; i++)
        printf("  left out: %.*s\n", STR_ARG(faults[i]));
    struct cond always = {.kind = COND_TRUE};
    TRY(holds(&q, &always, &there));
    printf("%s: %s may%s %s %s%s\n", *yes && there ? "yes" : "no", args[0],
           *yes && there ? "" : " not", args[1], args[2], there ? "" : " (there is no such row)");
    *yes = *yes && there;
    return 0;
}

int cli_can(struct cli *c)
{
    struct people p;
    bool yes = false;
    int code = cli_expect(c, 3, 3);
    if (code != CLI_OK)
        return code;
    code = people_open(c, &p);
    if (code == CLI_OK && ask(&p, c->args, &yes) < 0)
        code = cli_error(&p.err);
    else if (code == CLI_OK && !yes)
        code = CLI_FAILED;
    people_close(&p);
    return code;
}
