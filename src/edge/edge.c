/* edge.c -- the life of an edge. SPDX: Apache-2.0 */
#include "edge/edge_priv.h"

#include "base/mem.h"

enum { EDGE_MEMORY = 16 << 20 };

struct edge *edge_new(const struct edge_config *c)
{
    struct edge *e = mem_zero(1, sizeof *e);
    e->config = *c;
    arena_init(&e->arena, EDGE_MEMORY);
    headers__make(e);
    cors__make(e);
    limits__make(e);
    return e;
}

void edge_free(struct edge **edge)
{
    struct edge *e = *edge;
    *edge = NULL;
    if (!e)
        return;
    limits__drop(e);
    arena_reset(&e->arena);
    mem_free(e);
}
