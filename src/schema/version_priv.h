/* Private to src/schema: a version of the API while its model is made. SPDX: Apache-2.0 */
#ifndef CAIRN_SCHEMA_VERSION_PRIV_H
#define CAIRN_SCHEMA_VERSION_PRIV_H

#include "schema/schema.h"

struct version {
    const struct schema *model;
    struct schema *schema;
    struct table *tables; /* those of schema */
    struct arena *arena;
    const struct schema_version_table *wishes;
    size_t wish_count;
    bool strict;
    struct err *err;
};

/* Fails with CONFIG: "PLACE: ...". */
int version__bad(struct version *v, str place, const char *fmt, ...) ATTR_PRINTF(3, 4);
/* "; did you mean 'x'?", or nothing. */
const char *version__hint(struct version *v, str name, const char *const *names, size_t count);
/* NULL: nothing is said of the table. */
const struct schema_version_table *version__wish(const struct version *v, str table);
/* Where the settings speak of a field that t shows under that name, else of t. */
str version__place(const struct version *v, const struct table *t, str shown);
/* version_fields.c: what w says of its table's fields. */
int version__fields(struct version *v, const struct schema_version_table *w);

#endif
