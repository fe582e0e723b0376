/* roles.h -- roles, what each may do and who has which, from tables of the project.
 * SPDX: Apache-2.0
 * Pure as the rest of policy: it finds the tables in the model, says what to ask of them, and makes
 * wishes of the answers. Rows are data: what is wrong with one of them is told and grants nothing,
 * and stops neither a start nor a server that runs. */
#ifndef CAIRN_POLICY_ROLES_H
#define CAIRN_POLICY_ROLES_H

#include "policy/access.h"

/* Names of tables and columns, as the settings have them; includes may be empty. */
struct role_names {
    str roles, role_name, permissions, permission_name, grants, members, includes;
    str accounts;
};

struct role_tables;

/* Which columns point where is for the foreign keys to say. Borrows s; lives in a. Fails with
 * CONFIG, the text beginning with the setting. */
int role_tables_find(struct arena *a, const struct schema *s, const struct role_names *n,
                     struct role_tables **out, struct err *err);
/* Does what callers may do depend on t's rows? members: only who has which role. */
bool role_tables_hold(const struct role_tables *x, const struct table *t, bool *members);

/* The names of an account's roles, one text a row. account: its key, as its column stores it. */
int role_tables_of(enum dialect d, struct arena *a, const struct role_tables *x,
                   const struct value *account, struct stmt *out, struct err *err);
/* The row that gives an account a role. Both keys as their columns store them. */
int role_tables_give(enum dialect d, struct arena *a, const struct role_tables *x,
                     const struct value *account, const struct value *role, struct stmt *out,
                     struct err *err);
/* The key of the role of that name. */
int role_tables_named(enum dialect d, struct arena *a, const struct role_tables *x, str name,
                      struct stmt *out, struct err *err);

/* What has to be asked to know all roles; the answers go to role_rows_new in the same order. */
enum { ROLE_READS = 4, ROLE_ROWS_MOST = 2000 };
int role_tables_reads(enum dialect d, struct arena *a, const struct role_tables *x,
                      struct stmt out[ROLE_READS], struct err *err);

/* All roles as they stand in the tables. */
struct role_rows;
struct role_rows *role_rows_new(const struct rows answers[ROLE_READS]); /* copies */
void role_rows_free(struct role_rows **r);
bool role_rows_same(const struct role_rows *x, const struct role_rows *y);
/* Adds them to the wishes; what it adds lives in a. */
void role_rows_wish(struct arena *a, const struct role_rows *r, struct access_wishes *w);

#endif
