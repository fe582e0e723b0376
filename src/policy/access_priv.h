/* Private to src/policy: rules, ready to be asked. SPDX: Apache-2.0 */
#ifndef CAIRN_POLICY_ACCESS_PRIV_H
#define CAIRN_POLICY_ACCESS_PRIV_H

#include "policy/access.h"

#include <stdarg.h>
#include <stdio.h>

struct role {
    str name;
    uint64_t bits; /* itself and all it includes */
};

struct access_preset {
    const struct column *column;
    str claim; /* of the caller; empty: value */
    struct value value;
};

struct access_rule {
    const struct access_rule_wish *wish;
    uint64_t roles;
    unsigned actions;
    struct rule *where, *check; /* NULL: all rows; as where */
    bool *closed;               /* by column->index; NULL: none */
    struct access_preset *presets;
    size_t preset_count;
};

struct table_access {
    struct access_rule *rules;
    size_t rule_count;
    bool *secret; /* by column->index; NULL: none */
};

struct access {
    const struct schema *schema;
    struct role *roles;
    size_t role_count;
    uint64_t ruled;                   /* roles that some rule names */
    uint64_t shadows[ROLES_MOST + 2]; /* of each: roles with all of its rules, and more */
    struct table_access *tables;      /* in the order of schema->tables */
    str *faults;
    size_t fault_count;
};

/* The rules about t, also as a version of the API has it. */
const struct table_access *access__of(const struct access *x, const struct table *t);

/* access.c: adds a condition to alternatives. NULL is all rows, and swallows the rest. */
void access__or(struct arena *a, struct cond **all, bool first, struct cond *y);

/* rule_cond.c: me.NAME as the column stores it, or V_NULL. */
struct value rule__claim(struct arena *a, const struct column *c, str name,
                         const struct principal *me);

#endif
