/* signin.h -- accounts and access rules out of the settings. SPDX: Apache-2.0 */
#ifndef CAIRN_SERVER_SIGNIN_H
#define CAIRN_SERVER_SIGNIN_H

#include "account/account.h"
#include "server/config.h"

struct world;

/* The keys of this installation; *out NULL when nobody signs in. Blocks. Fails with CONFIG, IO. */
int signin_open(const struct config *config, struct client *client, struct identity **out,
                struct err *err);
enum { KEYS_PATH_MOST = 4200 };
/* The path of their file. */
void signin_keys_file(const struct config *config, char *out, size_t room);
/* What ended lately is over here, too; identity may be NULL. Blocks. */
int signin_recall(struct db_admin *a, struct identity *identity, struct err *err);
/* The tables of sessions and keys, when somebody signs in. Blocks. */
int signin_tables(const struct config *config, struct db_admin *a, struct err *err);
/* For commands: the accounts, and the rules (never NULL), of a model. What they need lives in a. */
struct signin_model {
    struct account_config account;
    struct accounts *accounts; /* NULL: nobody signs in */
    struct access *access;
    struct role_tables *role_tables; /* NULL: no roles come from tables */
};
/* rows: as signin_roles read them; may be NULL. */
int signin_model(const struct config *config, const struct schema *s, const struct role_rows *rows,
                 struct arena *a, struct signin_model *out, struct err *err);
/* Roles as their tables have them, to be freed; NULL: no roles come from tables. Blocks. */
int signin_roles(struct db_admin *a, const struct config *config, const struct schema *s,
                 struct role_rows **out, struct err *err);
/* Whether accounts and rules fit the model. Fails with CONFIG. */
int signin_check(const struct config *config, const struct schema *s, struct err *err);
struct password_config signin_passwords(const struct config *config);

/* Accounts and access of a world, by its settings and model. identity may be NULL in a preview.
 * Fails with CONFIG. */
int signin_world(struct world *w, struct identity *identity, struct err *err);

#endif
