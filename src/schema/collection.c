/* collection.c -- which tables are collections: tables of Cairn's own making that keep JSON objects
 * as they come. SPDX: Apache-2.0
 * Such a table is known by the name of a constraint on it, so that a copy of the database, of
 * either engine, says by itself what it holds. Invariant: a collection that the config does not
 * name keeps its rows and has no routes; a table of another making is never taken for one. */
#include "schema/schema_priv.h"

#include <inttypes.h>

enum { ID_MOST = 255 };

size_t collection_path(str path, str steps[COLLECTION_STEPS])
{
    size_t count = 0;
    for (str rest = path; rest.ptr && count < COLLECTION_STEPS;)
        steps[count++] = str_cut(&rest, '.');
    return count;
}

str collection_index(struct arena *a, str collection, str path, char kind)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a: the same for ever */
    for (size_t i = 0; i < path.len; i++)
        hash = (hash ^ (unsigned char)path.ptr[i]) * 0x100000001b3u;
    return arena_printf(a, "cairn_%.*s_%c%012" PRIx64, STR_ARG(collection), kind, hash >> 16);
}

static bool made_here(const struct table *t)
{
    static const char *const names[COLLECTION_COLUMNS] = {
        [COLLECTION_ID] = "id",
        [COLLECTION_DOC] = "doc",
        [COLLECTION_CREATED] = "created_at",
        [COLLECTION_UPDATED] = "updated_at",
    };
    bool marked = false;
    for (size_t i = 0; i < t->check_count; i++)
        marked = marked || str_is(t->checks[i].name, COLLECTION_CHECK);
    if (!marked || t->column_count != COLLECTION_COLUMNS)
        return false;
    for (size_t i = 0; i < COLLECTION_COLUMNS; i++) {
        if (!str_is(t->columns[i].name, names[i]))
            return false;
    }
    return true;
}

/* What the catalog does not tell: ids may be left out, times are the server's. */
static void adopt(struct schema__work *w, const struct schema_collection_wish *wish)
{
    struct column *id = &w->columns[COLLECTION_ID];
    id->has_default = true;
    id->min_length = 1;
    id->length = ID_MOST;
    w->columns[COLLECTION_DOC].spread = true;
    w->columns[COLLECTION_CREATED].generated = w->columns[COLLECTION_UPDATED].generated = true;
    w->table->exposed = true;
    w->table->document = &w->columns[COLLECTION_DOC];
    w->table->collection = wish;
}

int schema__collections(struct schema__build *b, const struct schema_wishes *wishes)
{
    for (size_t i = 0; i < b->count; i++) {
        if (made_here(b->works[i].table))
            b->works[i].table->exposed = false;
    }
    for (size_t i = 0; i < wishes->collection_count; i++) {
        const struct schema_collection_wish *wish = &wishes->collections[i];
        struct schema__work *w = schema__work_of(b, wish->name);
        if (w && !made_here(w->table))
            return fail(b->err, E_CONFIG,
                        "%.*s: collections.%.*s: there is a table of this name already, which a "
                        "migration made; give the collection another name",
                        STR_ARG(wish->place), STR_ARG(wish->name));
        if (w) /* else not made yet: a look at a project that never started */
            adopt(w, wish);
    }
    return 0;
}
