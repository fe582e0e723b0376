/* access_told.c -- what the roles of a caller are told of, whoever the caller is: for documents
 * that are made once for all who have the same roles. SPDX: Apache-2.0 */
#include "policy/access_priv.h"

static bool some_rule(const struct access *x, const struct table *t, enum action act,
                      uint64_t roles)
{
    const struct table_access *ta = access__of(x, t);
    for (size_t i = 0; i < ta->rule_count; i++) {
        if (ta->rules[i].actions & ACTION_BIT(act) && ta->rules[i].roles & roles)
            return true;
    }
    return false;
}

/* What may not be read may not be changed or deleted either. */
bool access_may(const struct access *x, const struct table *t, enum action act, uint64_t roles)
{
    bool changes = act == ACTION_UPDATE || act == ACTION_DELETE;
    return some_rule(x, t, act, roles) && (!changes || some_rule(x, t, ACTION_READ, roles));
}

bool access_sets(const struct access *x, const struct column *c, const struct table *t,
                 enum action act, uint64_t roles)
{
    const struct table_access *ta = access__of(x, t);
    for (size_t i = 0; i < ta->rule_count; i++) {
        const struct access_rule *r = &ta->rules[i];
        if (!(r->actions & ACTION_BIT(act) && r->roles & roles))
            continue;
        for (size_t k = 0; k < r->preset_count; k++) {
            if (r->presets[k].column->index == c->index)
                return true;
        }
    }
    return false;
}
