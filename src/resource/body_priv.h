/* Private to src/resource: a body while it is held to its table's columns. SPDX: Apache-2.0 */
#ifndef CAIRN_RESOURCE_BODY_PRIV_H
#define CAIRN_RESOURCE_BODY_PRIV_H

#include "resource/resource_priv.h"

struct taker {
    struct arena *arena;
    const struct table *table;
    enum body_kind kind;
    const struct fixed *fixed; /* or NULL */
    size_t row;                /* ROW_NONE: the body is one object */
    struct err_item *items;
    size_t count;
    bool too_big; /* a document */
};

void body__fault(struct taker *k, str field, str code, str message);
/* What the path gives the column, or a rule; or NULL. */
const struct value *body__fixed(const struct fixed *f, const struct column *c);
const struct value *body__preset(const struct taker *k, const struct column *c);
/* Also when one of them comes from the engine, which has fewer kinds of values. */
bool body__same(struct arena *a, const struct column *c, const struct value *x,
                const struct value *y);

/* ---- made.c: fields that only a version of the API has ---- */

/* v of the field c: to the columns that it is made of. */
void body__made(struct taker *k, const struct column *c, const struct value *v,
                struct body_row *row);
/* The column has a value already, of a field that is made of it: is m's the same? */
bool body__agrees(struct taker *k, const struct column *c, const struct member *m,
                  const struct body_row *row);
/* Behind all members: parts of one text are put together. */
void body__parts(struct taker *k, struct body_row *row);
/* The name by which t shows the column, perhaps as part of another field. */
str body__name(const struct table *t, const struct column *c);

#endif
