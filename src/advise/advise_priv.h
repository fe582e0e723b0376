/* Private to src/advise. SPDX: Apache-2.0 */
#ifndef CAIRN_ADVISE_PRIV_H
#define CAIRN_ADVISE_PRIV_H

#include "advise/advise.h"

struct advisor {
    const struct facts *facts;
    const struct advise_wish *wish;
    struct arena *arena;
    struct advice *list;
    size_t count;
};

/* One file each; all look at one table. */
void advise__keys(struct advisor *v, const struct fact_table *t);
void advise__indexes(struct advisor *v, const struct fact_table *t);
void advise__uses(struct advisor *v, const struct fact_table *t);
void advise__forms(struct advisor *v, const struct fact_table *t);
void advise__depends(struct advisor *v, const struct fact_table *t);
void advise__types(struct advisor *v, const struct fact_table *t);

/* ---- advise.c: adding ---- */

/* A new piece of advice; NULL when it is to be ignored. The level is its kind's, but that of a hint
 * for a table that is not large. */
struct advice *advise__add(struct advisor *v, const struct fact_table *t, enum advice_kind k,
                           const struct column *c);
bool advise__small(const struct advisor *v, const struct fact_table *t);
str advise__rows(struct arena *a, const struct fact_table *t); /* "1200 rows" */

/* ---- words.c: SQL and lists ---- */

str advise__name(struct arena *a, str name); /* quoted when it has to be */
str advise__columns(struct arena *a, const struct column *const *list, size_t count, bool sql);
/* The two statements of an index; where may be empty. */
void advise__create(struct advisor *v, struct advice *to, const struct table *t,
                    const struct column *const *list, size_t count, const char *where);
void advise__drop(struct advisor *v, struct advice *to, const struct fact_table *t,
                  const struct fact_index *i);
str advise__singular(struct arena *a, str name); /* "users": "user" */

/* ---- values.c ---- */

bool advise__in_key(const struct key *k, const struct column *c);
bool advise__foreign(const struct table *t, const struct column *c); /* a foreign key has it */
/* The foreign key over c alone, or NULL. */
const struct foreign_key *advise__points(const struct table *t, const struct column *c);
bool advise__alone_unique(const struct table *t, const struct column *c);
/* An index over all rows, or all that are not null, that begins with these columns in any order. */
const struct fact_index *advise__leads(const struct fact_table *t, const struct column *const *list,
                                       size_t count);
uint32_t advise__most(const struct fact_values *x);   /* number of the most frequent value */
uint32_t advise__rarest(const struct fact_values *x); /* 0: no value at all */
bool advise__holds(str text, const char *word);       /* ASCII case ignored */
double advise__share(const struct fact_table *t, uint32_t rows);

#endif
