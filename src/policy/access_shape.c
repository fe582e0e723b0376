/* access_shape.c -- what callers with the same roles may read, made once for all of them. Asked
 * anew for each request, three rules cost more than the row that they are about: so the statement
 * of a row by its id is made once for each set of roles, and only the caller's values are put in.
 * Rules that ask more of the caller than a value to compare with have no shape. SPDX: Apache-2.0 */
#include "policy/access_priv.h"
#include "policy/policy_priv.h"

bool access_shape(struct arena *a, const struct access *x, const struct table *t, uint64_t roles,
                  size_t other, struct access_shape *out)
{
    const struct table_access *ta = access__of(x, t);
    struct rule_holes *h = ARENA_NEW(a, struct rule_holes);
    bool any = false;
    h->other = other;
    *out = (struct access_shape){.holes = h};
    for (size_t i = 0; i < ta->rule_count; i++) {
        const struct access_rule *r = &ta->rules[i];
        if (!(r->actions & ACTION_BIT(ACTION_READ)) || !(r->roles & roles))
            continue;
        struct cond *where = r->where ? rule__shape(a, r->where, h) : NULL;
        if (where && where->kind == COND_FALSE)
            continue;
        access__or(a, &out->where, !any, where);
        any = true;
    }
    out->hole_count = out->where ? h->count : 0;
    return any && !h->failed;
}

bool access_fill(struct arena *a, const struct access_shape *s, size_t hole, const struct asking *q,
                 struct value *out)
{
    return rule__fill(a, &s->holes->list[hole], q->me, q->now_ns, out);
}
