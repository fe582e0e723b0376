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
};

static inline bool principal_is(const struct principal *p, str role)
{
    for (size_t i = 0; p && i < p->role_count; i++) {
        if (str_eq(p->roles[i], role))
            return true;
    }
    return false;
}

#endif
