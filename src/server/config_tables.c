/* config_tables.c -- the section tables: to schema_wishes. SPDX: Apache-2.0
 *   tables:
 *     posts:
 *       expose: true
 *       relations: { author: user_id }    # posts.author over posts.user_id
 *       reverse: { articles: user_id }    # users.articles, the other way
 *       counters: { comments_count: comments } # posts.comments_count, kept by the database
 *       aggregates: false
 *       put_creates: true                 # PUT of an id that is free makes the row
 *       modified: updated_at              # the column of Last-Modified
 *       languages: { es: { title: titulo, body: { as: texto, from: body_spanish } } }
 * Whether these tables and columns are there is for schema_build to say. */
#include "server/config_priv.h"

enum { NAME_MOST = 128 };

struct wishes {
    struct config_load *l;
    struct schema_table_wish *tables;
    struct schema_relation_wish *relations;
    struct schema_counter_wish *counters;
    struct schema_tongue_wish *tongues;
    size_t table_count, relation_count, counter_count, tongue_count;
};

static str path_of(struct config_load *l, str table, const char *part)
{
    return arena_printf(&l->c->arena, "tables.%.*s%s%s", STR_ARG(str_upto(table, NAME_MOST)),
                        part ? "." : "", part ? part : "");
}

static void fault(struct config_load *l, const struct config_node *n, str table, const char *part,
                  const char *what)
{
    config__fault(l, config__place(l, n), path_of(l, table, part), "%s", what);
}

static bool empty(const struct config_node *n)
{
    return n->kind == NODE_SCALAR && n->plain &&
           (n->text.len == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

static bool good_name(str name)
{
    return name.len > 0 && name.len <= NAME_MOST;
}

/* `author: user_id`, under relations: or (reversed) reverse:. */
static void take_relation(struct wishes *w, str table, const struct config_node *n, bool reversed)
{
    const char *part = reversed ? "reverse" : "relations";
    str column;
    if (n->kind != NODE_SCALAR || empty(n)) {
        fault(w->l, n, table, part, "expected `relation name: foreign key column`");
        return;
    }
    if (!config__expand(w->l, config__place(w->l, n), path_of(w->l, table, part), n->text, &column))
        return;
    if (!good_name(column) || !good_name(n->key->text)) {
        fault(w->l, n, table, part, "a name must have 1 to 128 bytes");
        return;
    }
    for (size_t i = 0; i < w->relation_count; i++) {
        struct schema_relation_wish *have = &w->relations[i];
        str *slot = reversed ? &have->reverse : &have->name;
        if (!str_eq(have->table, table) || !str_eq(have->column, column) || slot->len)
            continue;
        *slot = n->key->text; /* both directions of one key are one wish */
        return;
    }
    struct schema_relation_wish *wish = &w->relations[w->relation_count++];
    wish->table = table;
    wish->column = column;
    *(reversed ? &wish->reverse : &wish->name) = n->key->text;
}

static void take_relations(struct wishes *w, str table, const struct config_node *n, bool reversed)
{
    if (n->kind != NODE_MAP && !empty(n))
        fault(w->l, n, table, reversed ? "reverse" : "relations",
              "expected `relation name: foreign key column`");
    for (n = n->child; n && n->key; n = n->next)
        take_relation(w, table, n, reversed);
}

/* `posts_count: posts`, under counters:. */
static void take_counter(struct wishes *w, str table, const struct config_node *n)
{
    str relation, place = config__place(w->l, n->key);
    if (n->kind != NODE_SCALAR || empty(n)) {
        fault(w->l, n, table, "counters", "expected `column: relation`");
        return;
    }
    if (!config__expand(w->l, place, path_of(w->l, table, "counters"), n->text, &relation))
        return;
    if (!good_name(relation) || !good_name(n->key->text)) {
        fault(w->l, n, table, "counters", "a name must have 1 to 128 bytes");
        return;
    }
    w->counters[w->counter_count++] = (struct schema_counter_wish){
        .table = table, .column = n->key->text, .relation = relation, .place = place};
}

static void take_counters(struct wishes *w, str table, const struct config_node *n)
{
    if (n->kind != NODE_MAP && !empty(n))
        fault(w->l, n, table, "counters", "expected `column: relation`");
    for (n = n->child; n && n->key; n = n->next)
        take_counter(w, table, n);
}

/* `expose` and `aggregates`. */
static void take_switch(struct wishes *w, str table, const char *part, const struct config_node *n,
                        int *out)
{
    str place = config__place(w->l, n), path = path_of(w->l, table, part), text;
    if (n->kind != NODE_SCALAR)
        config__fault(w->l, place, path, "expected `true` or `false`");
    else if (!config__expand(w->l, place, path, n->text, &text))
        return;
    else if (!str_is(text, "true") && !str_is(text, "false"))
        config__fault(w->l, place, path, "expected `true` or `false`, not '%.*s'",
                      STR_ARG(str_upto(text, 60)));
    else
        *out = str_is(text, "true");
}

/* ---- languages: { es: { name: nombre, text: { as: texto, from: text_spanish } } } ---- */

static void take_translation(struct wishes *w, struct schema_tongue_wish *wish,
                             const struct config_node *n)
{
    bool fine = (n->kind == NODE_SCALAR && !empty(n)) || n->kind == NODE_MAP;
    if (n->kind == NODE_SCALAR)
        wish->name = n->text;
    for (const struct config_node *c = n->child; fine && c; c = c->next) {
        bool as = c->key && str_is(c->key->text, "as");
        fine = c->kind == NODE_SCALAR && good_name(c->text) &&
               (as || (c->key && str_is(c->key->text, "from")));
        *(as ? &wish->name : &wish->value) = c->text;
    }
    if (!fine || (wish->name.len && !good_name(wish->name)))
        fault(w->l, n, wish->table, "languages",
              "expected a name, or `as:` the name and `from:` the column that holds the text");
}

static bool language_fits(str s)
{
    bool fine = s.len >= 2 && s.len <= 35;
    for (size_t i = 0; i < s.len; i++)
        fine = fine &&
               (ascii_alpha(s.ptr[i]) || (i > 1 && (s.ptr[i] == '-' || ascii_digit(s.ptr[i]))));
    return fine;
}

static void take_language(struct wishes *w, str table, const struct config_node *n)
{
    struct schema_tongue_wish wish = {
        .table = table, .language = n->key->text, .place = config__place(w->l, n->key)};
    if (!language_fits(wish.language))
        fault(w->l, n->key, table, "languages", "expected a language, such as es or pt-BR");
    else if (n->kind != NODE_MAP && !empty(n))
        fault(w->l, n, table, "languages", "expected columns, each with its name there");
    w->tongues[w->tongue_count++] = wish;
    for (n = n->kind == NODE_MAP ? n->child : NULL; n; n = n->next) {
        struct schema_tongue_wish one = wish;
        one.column = n->key->text;
        one.place = config__place(w->l, n->key);
        take_translation(w, &one, n);
        w->tongues[w->tongue_count++] = one;
    }
}

static void take_languages(struct wishes *w, str table, const struct config_node *n)
{
    if (n->kind != NODE_MAP && !empty(n))
        fault(w->l, n, table, "languages", "expected languages, each with its columns");
    for (n = n->kind == NODE_MAP ? n->child : NULL; n; n = n->next)
        take_language(w, table, n);
}

static void take_modified(struct wishes *w, str table, const struct config_node *n, str *out)
{
    if (n->kind != NODE_SCALAR || empty(n))
        fault(w->l, n, table, "modified", "expected the name of a timestamp column");
    else
        config__expand(w->l, config__place(w->l, n), path_of(w->l, table, "modified"), n->text,
                       out);
}

static void take_part(struct wishes *w, const struct config_node *n, struct schema_table_wish *wish)
{
    static const char *const parts[] = {"expose",     "relations",   "reverse",  "counters",
                                        "aggregates", "put_creates", "modified", "languages"};
    str part = n->key->text, table = wish->table;
    if (str_is(part, "expose")) {
        take_switch(w, table, "expose", n, &wish->expose);
    } else if (str_is(part, "aggregates")) {
        take_switch(w, table, "aggregates", n, &wish->aggregates);
    } else if (str_is(part, "put_creates")) {
        take_switch(w, table, "put_creates", n, &wish->put_creates);
    } else if (str_is(part, "modified")) {
        take_modified(w, table, n, &wish->modified);
    } else if (str_is(part, "languages")) {
        take_languages(w, table, n);
    } else if (str_is(part, "counters")) {
        take_counters(w, table, n);
    } else if (str_is(part, "relations") || str_is(part, "reverse")) {
        take_relations(w, table, n, str_is(part, "reverse"));
    } else {
        const char *near = str_nearest(part, parts, COUNT_OF(parts));
        config__fault(w->l, config__place(w->l, n->key),
                      path_of(w->l, table, arena_str(&w->l->c->arena, part).ptr),
                      "unknown key%s%s%s", near ? " (did you mean `" : "", near ? near : "",
                      near ? "`?)" : "");
    }
}

static void take_table(struct wishes *w, const struct config_node *n)
{
    str table = n->key->text;
    if (!good_name(table)) {
        fault(w->l, n->key, table, NULL, "a name must have 1 to 128 bytes");
        return;
    }
    if (n->kind != NODE_MAP && !empty(n))
        fault(w->l, n, table, NULL,
              "expected `expose:`, `relations:`, `reverse:`, `counters:`, `aggregates:`, "
              "`put_creates:`, `modified:` or `languages:`");
    struct schema_table_wish *wish = &w->tables[w->table_count++];
    *wish = (struct schema_table_wish){
        .table = table, .expose = -1, .aggregates = -1, .put_creates = -1};
    for (n = n->kind == NODE_MAP ? n->child : NULL; n; n = n->next)
        take_part(w, n, wish);
}

static size_t count_nodes(const struct config_node *n)
{
    size_t count = 0;
    for (; n; n = n->next)
        count += 1 + count_nodes(n->child);
    return count;
}

void config__tables(struct config_load *l, const struct config_node *n)
{
    struct wishes w = {.l = l};
    if (empty(n))
        return;
    if (n->kind != NODE_MAP) {
        config__fault(l, config__place(l, n), LIT("tables"), "expected names of tables");
        return;
    }
    size_t most = count_nodes(n->child);
    w.tables = ARENA_ARRAY(&l->c->arena, struct schema_table_wish, most);
    w.relations = ARENA_ARRAY(&l->c->arena, struct schema_relation_wish, most);
    w.tongues = ARENA_ARRAY(&l->c->arena, struct schema_tongue_wish, most + 1);
    w.counters = ARENA_ARRAY(&l->c->arena, struct schema_counter_wish, most);
    for (n = n->child; n; n = n->next)
        take_table(&w, n);
    l->c->tables.tables = w.tables;
    l->c->tables.table_count = w.table_count;
    l->c->tables.relations = w.relations;
    l->c->tables.relation_count = w.relation_count;
    l->c->tables.tongues = w.tongues;
    l->c->tables.tongue_count = w.tongue_count;
    l->c->tables.counters = w.counters;
    l->c->tables.counter_count = w.counter_count;
}
