/* Private to src/cli: a project's database, model, accounts and rules, for commands. SPDX:
 * Apache-2.0 */
#ifndef CAIRN_CLI_PEOPLE_H
#define CAIRN_CLI_PEOPLE_H

#include "cli/cli.h"
#include "server/signin.h"

struct people {
    struct config *config;
    struct db_admin *admin;
    struct schema *schema;
    struct signin_model model;
    struct role_rows *roles; /* of tables; may be NULL */
    struct arena arena;
    struct err err;
};

/* CLI_OK, or what to exit with after printing. people_close in any case. */
int people_open(struct cli *c, struct people *p);
void people_close(struct people *p);
/* The account of that name to sign in with; what out points to lives in p->arena. */
int people_find(struct people *p, const char *login, struct principal *out);

#endif
