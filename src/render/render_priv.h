/* Private to src/render. SPDX: Apache-2.0 */
#ifndef CAIRN_RENDER_PRIV_H
#define CAIRN_RENDER_PRIV_H

#include "render/render.h"

/* A cell of a numeric column: V_INT, V_FLOAT, V_NUM or V_TEXT. */
void render__numeric(struct buf *b, const struct column *c, const struct value *v);
/* A cell that is not null, as its column is stored; and as a version of the API shows it. */
void render__plain(struct buf *b, const struct column *c, const struct value *v);
void render__recast(struct buf *b, const struct column *c, const struct value *v);

/* file.c: false when the cell is no file. key: NULL, or that of the row with these cells. */
bool render__file(struct buf *b, const struct column *c, const struct value *v,
                  const struct shape_key *key, const struct value *cells);

#endif
