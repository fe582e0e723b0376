/* role_tables.c -- the tables of roles in the model, and what is asked of them. SPDX: Apache-2.0 */
#include "policy/roles.h"

struct role_tables {
    const struct table *roles, *permissions, *grants, *members, *includes; /* includes: or NULL */
    const struct column *role_id, *role_name, *permission_id, *permission_name;
    const struct column *grant_role, *grant_permission; /* of role_permissions */
    const struct column *member_role, *member_account;  /* of user_roles */
    const struct column *include_role, *include_other;  /* the first has all of the other */
    struct relation held;                               /* from a role to its members */
};

struct finder {
    struct arena *arena;
    const struct schema *schema;
    struct err *err;
};

static int no_table(const struct finder *f, const char *key, str name)
{
    const struct schema *s = f->schema;
    const char **names = ARENA_ARRAY(f->arena, const char *, s->table_count);
    for (size_t i = 0; i < s->table_count; i++)
        names[i] = arena_str(f->arena, s->tables[i].name).ptr;
    const char *near = str_nearest(name, names, s->table_count);
    return fail(f->err, E_CONFIG, "auth.%s: there is no table '%.*s'%s%s%s", key, STR_ARG(name),
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int find_table(const struct finder *f, const char *key, str name, const struct table **out)
{
    *out = schema_table(f->schema, name);
    return *out ? 0 : no_table(f, key, name);
}

/* A table that others point to: its key is one column, and its names are texts. */
static int find_named(const struct finder *f, const char *key, const struct table *t, str column,
                      const struct column **id, const struct column **name)
{
    if (t->primary.count != 1)
        return fail(f->err, E_CONFIG, "auth.%s: '%.*s' needs a primary key of one column", key,
                    STR_ARG(t->name));
    *id = t->primary.columns[0];
    *name = table_column(t, column);
    if (*name && ((*name)->type == TYPE_TEXT || (*name)->type == TYPE_ENUM))
        return 0;
    return fail(f->err, E_CONFIG, "auth.%s: '%.*s' has no text column '%.*s'", key,
                STR_ARG(t->name), STR_ARG(column));
}

/* The column of t that points to `to`; behind: the next one after that. */
static int find_link(const struct finder *f, const char *key, const struct table *t,
                     const struct table *to, const struct column *behind, const struct column **out)
{
    *out = NULL;
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const struct foreign_key *k = &t->foreign_keys[i];
        if (k->target != to || k->from.count != 1 || k->to.columns[0] != to->primary.columns[0])
            continue;
        const struct column *c = k->from.columns[0];
        if ((!behind || c->index > behind->index) && (!*out || c->index < (*out)->index))
            *out = c;
    }
    if (*out)
        return 0;
    return fail(f->err, E_CONFIG, "auth.%s: '%.*s' has no %sforeign key to '%.*s'", key,
                STR_ARG(t->name), behind ? "second " : "", STR_ARG(to->name));
}

static struct key key_of(struct arena *a, const struct column *c)
{
    struct key k = {.count = 1};
    k.columns = ARENA_ARRAY(a, const struct column *, 1);
    k.columns[0] = c;
    return k;
}

static int find_members(const struct finder *f, const struct role_names *n, struct role_tables *x)
{
    const struct table *accounts = schema_table(f->schema, n->accounts);
    if (!accounts || accounts->primary.count != 1)
        return fail(f->err, E_CONFIG, "auth.role_table: there are no accounts: set auth.table");
    TRY(find_table(f, "user_role_table", n->members, &x->members));
    TRY(find_link(f, "user_role_table", x->members, x->roles, NULL, &x->member_role));
    TRY(find_link(f, "user_role_table", x->members, accounts, NULL, &x->member_account));
    x->held = (struct relation){.name = x->members->name,
                                .kind = REL_MANY,
                                .from = x->roles,
                                .target = x->members,
                                .local = key_of(f->arena, x->role_id),
                                .remote = key_of(f->arena, x->member_role)};
    return 0;
}

int role_tables_find(struct arena *a, const struct schema *s, const struct role_names *n,
                     struct role_tables **out, struct err *err)
{
    struct finder find = {a, s, err}, *f = &find;
    struct role_tables *x = ARENA_NEW(a, struct role_tables);
    *out = x;
    TRY(find_table(f, "role_table", n->roles, &x->roles));
    TRY(find_named(f, "role_table", x->roles, n->role_name, &x->role_id, &x->role_name));
    TRY(find_table(f, "permission_table", n->permissions, &x->permissions));
    TRY(find_named(f, "permission_table", x->permissions, n->permission_name, &x->permission_id,
                   &x->permission_name));
    TRY(find_table(f, "role_permission_table", n->grants, &x->grants));
    TRY(find_link(f, "role_permission_table", x->grants, x->roles, NULL, &x->grant_role));
    TRY(find_link(f, "role_permission_table", x->grants, x->permissions, NULL,
                  &x->grant_permission));
    TRY(find_members(f, n, x));
    if (!n->includes.len)
        return 0;
    TRY(find_table(f, "role_include_table", n->includes, &x->includes));
    TRY(find_link(f, "role_include_table", x->includes, x->roles, NULL, &x->include_role));
    return find_link(f, "role_include_table", x->includes, x->roles, x->include_role,
                     &x->include_other);
}

bool role_tables_hold(const struct role_tables *x, const struct table *t, bool *members)
{
    *members = t == x->members;
    return *members || t == x->roles || t == x->permissions || t == x->grants ||
           (t == x->includes && t);
}

/* ---- statements ---- */

static int read_all(enum dialect d, struct arena *a, const struct table *t,
                    const struct column *one, const struct column *two, struct cond *where,
                    struct stmt *out, struct err *err)
{
    struct select sel = {.table = t, .limit = ROLE_ROWS_MOST + 1, .where = where};
    sel.columns = ARENA_ARRAY(a, const struct column *, 2);
    sel.columns[0] = one;
    sel.columns[1] = two;
    sel.column_count = sel.shown = two ? 2 : 1;
    return sql_select(d, a, &sel, out, err);
}

int role_tables_of(enum dialect d, struct arena *a, const struct role_tables *x,
                   const struct value *account, struct stmt *out, struct err *err)
{
    struct cond *c = ARENA_NEW(a, struct cond);
    c->kind = COND_EXISTS;
    c->relation = &x->held;
    c->parts = arena_new(a, sizeof *c->parts);
    c->parts[0] = cond_test(a, x->member_account, OP_EQ, *account);
    c->part_count = 1;
    return read_all(d, a, x->roles, x->role_name, NULL, c, out, err);
}

int role_tables_named(enum dialect d, struct arena *a, const struct role_tables *x, str name,
                      struct stmt *out, struct err *err)
{
    return read_all(d, a, x->roles, x->role_id, NULL,
                    cond_test(a, x->role_name, OP_EQ, value_text(name)), out, err);
}

int role_tables_give(enum dialect d, struct arena *a, const struct role_tables *x,
                     const struct value *account, const struct value *role, struct stmt *out,
                     struct err *err)
{
    const struct column *columns[] = {x->member_account, x->member_role};
    struct value values[] = {*account, *role};
    struct insert i = {.table = x->members,
                       .columns = columns,
                       .column_count = 2,
                       .values = values,
                       .row_count = 1};
    return sql_insert(d, a, &i, out, err);
}

int role_tables_reads(enum dialect d, struct arena *a, const struct role_tables *x,
                      struct stmt out[ROLE_READS], struct err *err)
{
    out[3] = (struct stmt){.text = LIT("SELECT 1, 1 WHERE 1 = 0")};
    TRY(read_all(d, a, x->roles, x->role_id, x->role_name, NULL, &out[0], err));
    TRY(read_all(d, a, x->permissions, x->permission_id, x->permission_name, NULL, &out[1], err));
    TRY(read_all(d, a, x->grants, x->grant_role, x->grant_permission, NULL, &out[2], err));
    if (!x->includes)
        return 0;
    return read_all(d, a, x->includes, x->include_role, x->include_other, NULL, &out[3], err);
}
