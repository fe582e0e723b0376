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

/* ---- a condition for all callers with the same roles: rule_cond.c, access_shape.c ---- */

/* A place in it where a value of the caller's, or the time, is compared with a column. */
struct rule_hole {
    const struct term *term;
    struct column column; /* its type alone */
    struct value sample;  /* what stands there */
};
enum { HOLES_MOST = 16 };
struct rule_holes {
    struct rule_hole list[HOLES_MOST];
    size_t count;
    size_t other; /* this one gets another sample than the rest */
    bool failed;  /* it depends on the caller in other ways, or has too many */
};

/* rule_cond with samples in the holes. Without meaning once h->failed. */
struct cond *rule__shape(struct arena *a, const struct rule *r, struct rule_holes *h);
/* What belongs into the hole; false: the caller does not have it, or not of that kind. */
bool rule__fill(struct arena *a, const struct rule_hole *h, const struct principal *me,
                int64_t now_ns, struct value *out);

#endif
