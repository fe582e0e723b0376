/* Private to src/admin: two documents of an API, side by side. SPDX: Apache-2.0 */
#ifndef CAIRN_ADMIN_COMPARE_PRIV_H
#define CAIRN_ADMIN_COMPARE_PRIV_H

#include "admin/compare.h"
#include "base/map.h"

/* Which way a value goes: a request's body or parameter, or an answer. */
enum way { WAY_REQUEST, WAY_ANSWER };

struct compare {
    struct arena *arena;
    const struct value *was, *now; /* the documents */
    struct api_changes *out;
    struct map seen; /* pairs of schemas that were compared */
};

/* A pair of places; either may be NULL. */
struct pair {
    const struct value *was, *now;
};

void compare__tell(struct compare *c, enum api_level level, const char *code, str place,
                   const char *fmt, ...) ATTR_PRINTF(5, 6);
/* Follows $ref inside the document; NULL for NULL and for what leads nowhere. */
const struct value *compare__follow(const struct value *document, const struct value *v);
/* compare_schema.c */
void compare__schema(struct compare *c, struct pair p, enum way way, str place);
/* A member that is a text; or empty. */
str compare__text(const struct value *v, const char *name);
bool compare__true(const struct value *v, const char *name);
const struct value *compare__member(const struct value *v, const char *name);
bool compare__lists(const struct value *list, str text); /* an array of texts has it */

#endif
