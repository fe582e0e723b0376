/* access.c -- who may call a query: those who have one of its roles, themselves or through another
 * role that includes it. `public`, as `anyone`, is everybody. SPDX: Apache-2.0 */
#include "query/query_priv.h"

void query_guard(struct query_set *set, query_access_fn *of, bool strict)
{
    set->access_of = of;
    set->strict = strict;
}

bool query__open(const struct query *q)
{
    return q->open || (!q->roles_told && (q->ruled || !q->set->strict));
}

bool query__has_role(const struct query *q, const struct access *x, uint64_t roles)
{
    str names[ROLES_MOST + 2];
    size_t count = x ? access_role_names(x, roles, names) : 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < q->role_count; k++) {
            if (str_eq(names[i], q->roles[k]))
                return true;
        }
    }
    return false;
}

int query__allowed(struct request *rq, const struct query *q, struct err *err)
{
    const struct access *x = q->set->access_of ? q->set->access_of(rq) : NULL;
    if (principal_barred(rq->principal, LIT("queries"), q->name))
        return fail_field(err, E_DENIED, LIT("forbidden"), LIT(""),
                          "the API key is not for 'queries:%.*s'", STR_ARG(q->name));
    if (query__open(q) || (x && query__has_role(q, x, access_roles(x, rq->principal))))
        return 0;
    if (!rq->principal)
        return fail_field(err, E_SIGNIN, LIT("sign_in_required"), LIT(""),
                          "'%.*s' is for those who signed in", STR_ARG(q->name));
    return fail_field(err, E_DENIED, LIT("forbidden"), LIT(""), "you may not call '%.*s'",
                      STR_ARG(q->name));
}
