/* access.h -- roles, and what each may do with the rows of each table. SPDX: Apache-2.0
 * Nothing is allowed that no rule allows. A caller has the union of what its roles have. Made at
 * start from the settings and the catalog, const from then on. */
#ifndef CAIRN_POLICY_ACCESS_H
#define CAIRN_POLICY_ACCESS_H

#include "policy/policy.h"

enum action { ACTION_READ, ACTION_CREATE, ACTION_UPDATE, ACTION_DELETE, ACTIONS };
#define ACTION_BIT(a) (1u << (a))
#define ACTION_ALL ((1u << ACTIONS) - 1)

const char *action_name(enum action a);

/* ---- what the settings say; places are FILE:LINE:COLUMN ---- */

/* Two roles are always there: `anyone`, and `signed_in` for everybody with an account. */
#define ROLE_ANYONE "anyone"
#define ROLE_SIGNED_IN "signed_in"
enum { ROLES_MOST = 60 };

struct access_role_wish {
    str name, place;
    const str *includes; /* it has all that these have */
    size_t include_count;
    bool soft; /* of a table */
};

/* A column that gets a value of the caller's, whatever a body says: "me.id", or a constant. */
struct access_preset_wish {
    str column, value;
};

struct access_rule_wish {
    str table, place; /* "*": every table */
    const str *roles;
    size_t role_count;
    unsigned actions; /* ACTION_BITs */
    bool own;         /* only rows whose one foreign key to `accounts` is the caller */
    str where;        /* over the row as it is; empty: all rows */
    str check;        /* over the row as it will be; empty: as where */
    str where_place, check_place;
    const str *columns; /* only these are shown or written; none: all */
    size_t column_count;
    const str *hidden; /* all but these */
    size_t hidden_count;
    const struct access_preset_wish *presets;
    size_t preset_count;
    bool soft; /* of a table: when it is wrong it is left out */
};

struct access_wishes {
    const struct access_role_wish *roles;
    size_t role_count;
    const struct access_rule_wish *rules;
    size_t rule_count;
    const str *secret; /* "users.password_hash": columns that nobody sees or writes */
    size_t secret_count;
    str accounts; /* the table of accounts; empty: there is none */
    /* Roles are in tables, too: a role that is not there now may come, and rules for it wait. */
    bool soft;
    const str *faults; /* of the tables' rows, to be told */
    size_t fault_count;
};

/* "posts:create", "posts:*", "posts:update:own", "*": table, actions and own of a rule. False: it
 * is none. Borrows text. */
bool access_permission(str text, struct access_rule_wish *out);
/* read, create, update, delete, write, all: ACTION_BITs; 0: none of them. */
unsigned access_actions(str word);

/* ---- the rules, checked ---- */

struct access;
struct rule_holes;

/* Everywhere below, t is a table of the model or of a version of it (schema_version); `closed` then
 * tells of the columns that only the version has, too. Borrows wishes and schema; what it needs
 * lives in a. Fails with CONFIG, the text beginning with the place: an unknown table, column, role
 * or action with the nearest name, roles in a circle, a rule that another one in front of it covers
 * entirely. */
int access_build(struct arena *a, const struct access_wishes *w, const struct schema *s,
                 struct access **out, struct err *err);

/* What was left out of soft wishes, a sentence each; count of them. */
size_t access_faults(const struct access *x, const str **out);

/* The roles of a caller with all they include, as bits. Unknown names count for nothing. */
uint64_t access_roles(const struct access *x, const struct principal *me);
/* Those of the bits that rules tell apart: without roles that no rule names, and without those
 * whose every rule another one of them has. To both sets the same rules apply. */
uint64_t access_ruled(const struct access *x, uint64_t roles);
/* Names of the bits, `anyone` and `signed_in` too; count of them. */
size_t access_role_names(const struct access *x, uint64_t roles, str out[ROLES_MOST + 2]);

struct preset {
    const struct column *column;
    struct value value;
};

/* What a caller may do with the rows of a table. */
struct grant {
    bool allowed;       /* with some row, perhaps */
    struct cond *where; /* with those rows, which it may also read; NULL: all */
    struct cond *check; /* the row must be so afterwards (create, update); NULL: any way */
    const bool *closed; /* by column->index: not shown (read), not written; NULL: all open */
    struct preset *presets;
    size_t preset_count;
};

/* Who wants to do what. */
struct asking {
    enum action act;
    uint64_t roles; /* access_roles of me */
    const struct principal *me;
    int64_t now_ns; /* since 1970 */
};

/* All in arena a. */
void access_grant(struct arena *a, const struct access *x, const struct table *t,
                  const struct asking *q, struct grant *out);

/* Columns that are closed to those roles, by column->index, in a; NULL: none. The same for every
 * caller who has them. */
const bool *access_closed(struct arena *a, const struct access *x, const struct table *t,
                          enum action act, uint64_t roles);

/* The rows that callers with those roles may read, as one condition for all of them: samples stand
 * where the values of one caller belong. */
struct access_shape {
    struct cond *where; /* NULL: all rows */
    struct rule_holes *holes;
    size_t hole_count;
};
enum { SHAPE_SAME = SIZE_MAX };
/* other: the hole that gets another sample than the others, or SHAPE_SAME. False: they may read
 * none, or what they may depends on the caller in other ways. All in a. */
bool access_shape(struct arena *a, const struct access *x, const struct table *t, uint64_t roles,
                  size_t other, struct access_shape *out);
/* The value of a hole as its column stores it; false: ask access_grant. */
bool access_fill(struct arena *a, const struct access_shape *s, size_t hole, const struct asking *q,
                 struct value *out);

/* For documents, in which rows play no part (access_told.c). May callers with those roles do it
 * with some row? Does a rule of theirs give the column its value? */
bool access_may(const struct access *x, const struct table *t, enum action act, uint64_t roles);
bool access_sets(const struct access *x, const struct column *c, const struct table *t,
                 enum action act, uint64_t roles);

/* One rule and what it says to a caller, for `cairn can`. */
struct access_opinion {
    str place, roles_text, where, check;
    bool role, action; /* the caller has the role; the rule is about the action */
    struct cond *cond; /* both: of the rows it allows; NULL: all */
};
/* The rules about t in the order written; count of them, at most `most`. */
size_t access_opinions(struct arena *a, const struct access *x, const struct table *t,
                       const struct asking *q, struct access_opinion *out, size_t most);

#endif
