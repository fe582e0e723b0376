/* Private to src/policy: the tree of a rule. SPDX: Apache-2.0 */
#ifndef CAIRN_POLICY_PRIV_H
#define CAIRN_POLICY_PRIV_H

#include "policy/policy.h"

enum { RULE_DEPTH = 24, RULE_NODES = 200, RULE_PATH = 8, RULE_LIST = 200 };

enum term_kind { TERM_VALUE, TERM_ME, TERM_NOW, TERM_COLUMN };

/* One side of a comparison. */
struct term {
    enum term_kind kind;
    size_t at;          /* where it stands, for complaints */
    struct value value; /* TERM_VALUE */
    str name;           /* TERM_ME: the claim; "roles" for the roles */
    /* TERM_COLUMN: over to-one relations, and perhaps into JSON. */
    const struct relation *relations[RULE_PATH];
    size_t relation_count;
    const struct column *column;
    str path[RULE_PATH];
    size_t path_count;
};

enum rule_kind { RULE_AND, RULE_OR, RULE_NOT, RULE_TEST, RULE_SOME };

struct rule {
    enum rule_kind kind;
    struct rule **parts; /* AND, OR: any number; NOT: one; SOME: one or none */
    size_t part_count;
    /* TEST: left stands on a column unless both sides are known without the row. OP_IN: any of
     * the right side. OP_IS: null. */
    enum op op;
    struct term left;
    struct term *right;
    size_t right_count;
    const struct relation *relation; /* SOME */
};

#endif
