/* trigger.c -- the names of the triggers that keep counters and files, and the digest by which a
 * start knows that they are the ones it would make. SPDX: Apache-2.0 */
#include "sql/sql_priv.h"

#include <inttypes.h>

enum { NAME_MOST = 54 }; /* of PostgreSQL's 63 bytes; the kind comes behind */

static uint64_t hash_of(str s)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a: the same for ever */
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    return hash;
}

str sql__trigger_name(struct arena *a, const char *prefix, const struct table *t,
                      const struct column *c)
{
    str name = arena_printf(a, "%s%.*s_%.*s", prefix, STR_ARG(t->name), STR_ARG(c->name));
    if (name.len <= NAME_MOST)
        return name;
    size_t keep = NAME_MOST - 14;
    while (keep > 0 && ((unsigned char)name.ptr[keep] & 0xc0) == 0x80)
        keep--;
    return arena_printf(a, "%.*s_%012" PRIx64, STR_ARG(str_upto(name, keep)), hash_of(name) >> 16);
}

str sql__trigger_stamp(struct arena *a, const struct counter_plan *p)
{
    uint64_t all = 0;
    for (size_t i = 0; i < p->make_count; i++)
        all = all * 31 + hash_of(p->make[i]);
    return arena_printf(a, "cairn %016" PRIx64, all);
}
