/* policy.h -- who may see and do what. Pure: never sees a database. SPDX: Apache-2.0
 * A rule is an expression over a row and the caller (docs/reference/rules.md):
 *     user_id == me.id or status == "public"
 *     "staff" in me.roles and not archived
 *     some(members, user_id == me.id) and author.city in ("Oslo", "Bergen")
 * It becomes a condition of the query plan, so that what it forbids is never read. */
#ifndef CAIRN_POLICY_H
#define CAIRN_POLICY_H

#include "data/principal.h"
#include "sql/sql.h"

struct rule;

/* Reads a rule over rows of t. What it needs lives in a; it borrows t. *at (may be NULL): where in
 * text the fault is. Fails with CONFIG: a sentence, with the nearest name for an unknown one. */
int rule_read(struct arena *a, const struct table *t, str text, struct rule **out, size_t *at,
              struct err *err);

/* The condition that rows must meet for this caller (NULL: anonymous), made in the request's
 * arena. Never NULL: COND_TRUE or COND_FALSE when the row plays no part. What the caller does not
 * have is unknown, and unknown never allows, also under `not`. now: of the request, nanoseconds
 * since 1970. */
struct cond *rule_cond(struct arena *a, const struct rule *r, const struct principal *me,
                       int64_t now_ns);

#endif
