/* account.h -- the endpoints of signing in. SPDX: Apache-2.0
 * Accounts are rows of an ordinary table of the project; sessions are rows of cairn_sessions. */
#ifndef CAIRN_ACCOUNT_H
#define CAIRN_ACCOUNT_H

#include "auth/identity.h"
#include "db/db.h"
#include "route/route.h"
#include "sql/sql.h"
#include "store/store.h"

struct account_config {
    str prefix; /* "/v1": the endpoints are below PREFIX/auth */
    enum dialect dialect;
    str table;                 /* of accounts; its primary key is one column */
    str login, password;       /* columns: the name to sign in with, and the hash */
    str roles;                 /* column of one role, or a JSON list of them; empty: no roles */
    str verified;              /* boolean column, or a time; empty: everybody may sign in */
    str claims;                /* columns that rules read as me.NAME, separated by commas */
    str default_role;          /* of who registers; empty: the column's default */
    bool registration;         /* anybody may make an account */
    int64_t refresh_s, idle_s; /* a session ends: at the latest, and without use */
    int64_t reuse_s;           /* an old refresh token is a retry for so long, then a theft */
    int64_t password_least;    /* characters */
    str breached;              /* file of known passwords; empty: none */
    bool audit;                /* security events are written to cairn_audit */
    int64_t audit_keep_ms;     /* for so long */
    int64_t attempts; /* to sign in, per account and 15 minutes; ten times that an address */
};

struct accounts;

/* The table of sessions, for start-up; safe to run again. */
const char *account_tables(enum dialect d);

/* Finds the columns. Borrows all; what it needs lives in a. Fails with CONFIG: the table or a
 * column is not there, or of a type that cannot be it. */
int accounts_new(struct arena *a, const struct schema *s, struct db *db,
                 const struct account_config *c, struct identity *i, struct accounts **out,
                 struct err *err);
void accounts_free(struct accounts **x); /* what does not live in the arena */

/* For documents. */
const struct table *account_table(const struct accounts *x);
const struct column *account_login(const struct accounts *x);
bool account_shows(const struct accounts *x, const struct column *c); /* to its owner */
bool account_takes(const struct accounts *x, const struct column *c); /* of who registers */
int64_t account_password_least(const struct accounts *x);             /* characters */

/* Who an account is, from its row (a cell for each column of the table): roles and claims. */
void account_principal(struct arena *a, const struct accounts *x, const struct value *cells,
                       struct principal *out);

/* POST register, login, refresh, logout, password; GET me, sessions; DELETE sessions/:id; GET
 * /.well-known/jwks.json. Fails with CONFLICT. */
int account_routes(struct router *r, const struct accounts *x, struct err *err);

/* Sessions that other processes ended since the last call; every second or so, from a fiber. */
WAITS int account_sync(const struct accounts *x, int64_t now, struct err *err);

/* Deletes rows of cairn_audit that are past their time, some at a time; from a fiber. */
WAITS int audit_sweep(const struct accounts *x, struct err *err);
const char *audit_name(size_t event); /* NULL past the last */

/* Signs in who has a token: *out NULL for a request without one. Fails with SIGNIN. */
int account_who(struct identity *i, const struct request *rq, int64_t now, struct signed_in **out,
                struct err *err);

#endif
