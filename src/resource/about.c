/* about.c -- what the endpoints of tables do: for those who write documents of it, and for those
 * who decide by it what a request's write makes stale: kept callers and roles (server/roles.c).
 * What is no endpoint of a table may have changed everything. SPDX: Apache-2.0 */
#include "resource/resource_priv.h"

enum { NOUN_MOST = 128 };

bool resource_about(const struct endpoint *e, struct resource_about *out)
{
    static const struct {
        endpoint_fn *run;
        enum resource_does does;
    } list[] = {{resource__list, RESOURCE_LIST},
                {resource__create, RESOURCE_CREATE},
                {resource__one, RESOURCE_READ},
                {resource__put, RESOURCE_REPLACE},
                {resource__patch, RESOURCE_CHANGE},
                {resource__remove, RESOURCE_REMOVE},
                {resource__related_one, RESOURCE_RELATED},
                {resource__file_get, RESOURCE_FILE},
                {resource__bytes_get, RESOURCE_FILE},
                {resource__file_put, RESOURCE_FILE},
                {resource__file_remove, RESOURCE_FILE}};
    *out = (struct resource_about){.does = RESOURCE_BATCH};
    if (e->run == resource__batch)
        return true;
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        const struct resource *r = e->data;
        if (list[i].run != e->run)
            continue;
        *out = (struct resource_about){list[i].does, r->table, r->up, r->relation, r->file};
        return true;
    }
    return false;
}

str resource_noun(struct arena *a, const struct table *t)
{
    char noun[NOUN_MOST];
    resource__singular(t->name, noun, sizeof noun);
    return arena_str(a, str_of(noun));
}
