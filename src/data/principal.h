/* principal.h -- who asks. SPDX: Apache-2.0 */
#ifndef CAIRN_DATA_PRINCIPAL_H
#define CAIRN_DATA_PRINCIPAL_H

#include "data/data.h"

/* Made by sign-in, once per request; const from then on. A request without one is anonymous. */
struct principal {
    str subject; /* the account's key as text; empty: a machine without an account */
    /* What rules read as me.NAME: "id", "email", ...; V_OBJECT. */
    struct value claims;
    const str *roles; /* with all that they imply */
    size_t role_count;
    str key;        /* id of the API key, or of the app's grant, that it came with; empty: none */
    str app, scope; /* the app that asks for its account (OAuth 2.0), and what it was given */
    /* What a key was narrowed to: "posts:read", "posts:*", "*:read", "*". NULL: all that roles
     * allow. */
    const str *can;
    size_t can_count;
};

/* Whether a scope like "posts:read" covers an action on something. */
static inline bool scope_covers(str scope, str what, str action)
{
    str name = str_cut(&scope, ':');
    return (str_is(name, "*") || str_eq(name, what)) &&
           (!scope.ptr ? str_is(name, "*") : str_is(scope, "*") || str_eq(scope, action));
}

/* Whether it is narrowed to less than that. Says nothing of roles and rules. */
static inline bool principal_barred(const struct principal *p, str what, str action)
{
    for (size_t i = 0; p && p->can && i < p->can_count; i++) {
        if (scope_covers(p->can[i], what, action))
            return false;
    }
    return p && p->can;
}

static inline bool principal_is(const struct principal *p, str role)
{
    for (size_t i = 0; p && i < p->role_count; i++) {
        if (str_eq(p->roles[i], role))
            return true;
    }
    return false;
}

#endif
