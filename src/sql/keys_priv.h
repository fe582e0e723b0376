/* Private to src/sql: the parents' keys inside the statement of an include. SPDX: Apache-2.0 */
#ifndef CAIRN_SQL_KEYS_PRIV_H
#define CAIRN_SQL_KEYS_PRIV_H

#include "sql/sql_priv.h"

struct keys {
    const struct value **list; /* distinct, sorted, no nulls */
    size_t count, parts;
    const struct key *of; /* the parent's columns */
    bool one_place;       /* one place for all */
};

void keys__take(struct sql *b, struct keys *k, const struct value *list, const struct key *of);
void keys__table(struct sql *b, const struct keys *k);          /* cairn_each(?1) AS k */
void keys__array(struct sql *b, const struct keys *k);          /* $1::integer[], of one part */
void keys__part(struct sql *b, const struct keys *k, size_t i); /* k.value */
void keys__parts(struct sql *b, const struct keys *k);          /* all, with commas */
/* Are they whole numbers without a gap? They are sorted: two bounds say it all. */
bool keys__gapless(const struct keys *k);

#endif
