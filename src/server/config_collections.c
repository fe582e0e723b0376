/* config_collections.c -- the section collections: to schema_wishes. SPDX: Apache-2.0
 *   collections:
 *     events: {}
 *     products:
 *       indexes: [brand.name, price]
 *       unique: [sku]
 *       max_size: 64K
 * Whether a table of that name is in the way is for schema_build to say. */
#include "server/config_priv.h"

enum { NAME_MOST = 40, PATHS_MOST = 32, PATH_BYTES = 200, STEPS_MOST = 16 };

#define SIZE_USUAL ((uint64_t)1 << 20)
#define SIZE_MOST ((uint64_t)64 << 20)

struct wish {
    struct config_load *l;
    struct schema_collection_wish *w;
};

static str path_of(const struct wish *k, const char *part)
{
    return arena_printf(&k->l->c->arena, "collections.%.*s%s%s", STR_ARG(k->w->name),
                        part ? "." : "", part ? part : "");
}

static void fault(const struct wish *k, const struct config_node *n, const char *part,
                  const char *what)
{
    config__fault(k->l, config__place(k->l, n), path_of(k, part), "%s", what);
}

static bool empty(const struct config_node *n)
{
    return n->kind == NODE_SCALAR && n->plain &&
           (n->text.len == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

/* A name that is a path, a table and part of an index's name in both engines. */
static bool good_name(str s)
{
    bool fine = s.len > 0 && s.len <= NAME_MOST && s.ptr[0] >= 'a' && s.ptr[0] <= 'z';
    for (size_t i = 0; i < s.len; i++)
        fine = fine &&
               ((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || ascii_digit(s.ptr[i]) || s.ptr[i] == '_');
    return fine && !str_starts(s, LIT("cairn_")) && !str_starts(s, LIT("sqlite_")) &&
           !str_starts(s, LIT("pg_"));
}

/* Keys with dots between them, none of them empty. */
static bool good_path(str s)
{
    size_t steps = 0;
    bool fine = s.len > 0 && s.len <= PATH_BYTES && str_utf8(s);
    for (size_t i = 0; i < s.len; i++)
        fine = fine && (unsigned char)s.ptr[i] >= ' ' && s.ptr[i] != '"';
    for (str rest = s; fine && rest.ptr; steps++)
        fine = str_cut(&rest, '.').len > 0;
    return fine && steps <= STEPS_MOST;
}

static bool own_member(str s)
{
    return str_is(s, "id") || str_is(s, "created_at") || str_is(s, "updated_at");
}

/* One name, or a list of them. */
static void take_paths(const struct wish *k, const char *part, const struct config_node *n,
                       const str **out, size_t *count)
{
    const struct config_node *first = n->kind == NODE_LIST ? n->child : n;
    str *list = ARENA_ARRAY(&k->l->c->arena, str, PATHS_MOST);
    *count = 0;
    *out = list;
    if (n->kind == NODE_MAP) {
        fault(k, n, part, "expected a list of paths: [sku, address.city]");
        return;
    }
    for (n = empty(first) ? NULL : first; n; n = n == first && first->key ? NULL : n->next) {
        if (n->kind != NODE_SCALAR || !good_path(n->text) || own_member(n->text))
            fault(k, n, part, "expected a path into the document, such as `address.city`");
        else if (*count == PATHS_MOST)
            fault(k, n, part, "32 paths at most");
        else
            list[(*count)++] = n->text;
    }
}

static void take_size(const struct wish *k, const struct config_node *n)
{
    uint64_t size;
    if (n->kind != NODE_SCALAR || !config__size(n->text, &size) || size < 2 || size > SIZE_MOST)
        fault(k, n, "max_size", "expected a size from 2 to 64M, such as `64K`");
    else
        k->w->max_size = size;
}

static void take_part(const struct wish *k, const struct config_node *n)
{
    static const char *const parts[] = {"indexes", "unique", "max_size"};
    str part = n->key->text;
    if (str_is(part, "indexes")) {
        take_paths(k, parts[0], n, &k->w->indexes, &k->w->index_count);
    } else if (str_is(part, "unique")) {
        take_paths(k, parts[1], n, &k->w->uniques, &k->w->unique_count);
    } else if (str_is(part, "max_size")) {
        take_size(k, n);
    } else {
        const char *near = str_nearest(part, parts, COUNT_OF(parts));
        config__fault(k->l, config__place(k->l, n->key),
                      path_of(k, arena_str(&k->l->c->arena, str_upto(part, 60)).ptr),
                      "unknown key%s%s%s", near ? " (did you mean `" : "", near ? near : "",
                      near ? "`?)" : "");
    }
}

static void take_collection(const struct wish *k, const struct config_node *n)
{
    k->w->name = str_upto(n->key->text, 80);
    k->w->place = config__place(k->l, n->key);
    k->w->max_size = SIZE_USUAL;
    if (!good_name(n->key->text))
        fault(k, n->key, NULL,
              "a collection's name has small letters, digits and `_`, at most 40, and begins with "
              "a letter");
    if (n->kind != NODE_MAP && !empty(n))
        fault(k, n, NULL, "expected `{}`, `indexes:`, `unique:` or `max_size:`");
    for (n = n->kind == NODE_MAP ? n->child : NULL; n; n = n->next)
        take_part(k, n);
}

void config__collections(struct config_load *l, const struct config_node *n)
{
    size_t count = 0;
    if (empty(n))
        return;
    if (n->kind != NODE_MAP) {
        config__fault(l, config__place(l, n), LIT("collections"), "expected names of collections");
        return;
    }
    for (const struct config_node *at = n->child; at; at = at->next)
        count++;
    struct schema_collection_wish *list =
        ARENA_ARRAY(&l->c->arena, struct schema_collection_wish, count);
    l->c->tables.collections = list;
    for (n = n->child; n; n = n->next) {
        struct wish k = {l, &list[l->c->tables.collection_count++]};
        take_collection(&k, n);
    }
}
