/* relations.c -- foreign keys to relations, and their names. SPDX: Apache-2.0
 * Each foreign key gives REL_ONE on its table and REL_MANY on its target; a table that only joins
 * two others gives REL_THROUGH on both (through.c). Names, where no wish says otherwise:
 *   REL_ONE   over `user_id` (or `userId`): user. Over any other column or several: as below.
 *   REL_MANY  the table at the other end: posts.
 *   Where the two tables have several keys between them in that direction, or the name is taken:
 *             the other table and the columns, posts_by_editor_id, accounts_by_from_account.
 * Only a key's own table and target decide about its name, never whether a table is exposed, so
 * hiding one table renames nothing. A name is taken by a column of the table, by a wish, or by a
 * relation earlier in the order: all REL_ONE, then REL_MANY, then REL_THROUGH. */
#include "schema/schema_priv.h"

size_t schema__relation_add(struct schema__build *b, struct schema__work *w, struct relation r)
{
    if (w->relation_count == w->relation_cap) {
        size_t cap = w->relation_cap ? w->relation_cap * 2 : 8;
        struct relation *more = ARENA_ARRAY(b->arena, struct relation, cap);
        if (w->relation_count)
            memcpy(more, w->relations, w->relation_count * sizeof *more);
        w->relations = more;
        w->relation_cap = cap;
    }
    r.from = w->table;
    w->relations[w->relation_count] = r;
    return w->relation_count++;
}

bool schema__name_taken(const struct schema__work *w, str name)
{
    if (table_column(w->table, name))
        return true;
    for (size_t i = 0; i < w->relation_count; i++) {
        if (str_eq(w->relations[i].name, name))
            return true;
    }
    return false;
}

/* ---- both ends of every key ---- */

static bool required(const struct key *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (from->columns[i]->nullable)
            return false;
    }
    return true;
}

static struct relation one_of(const struct foreign_key *k)
{
    return (struct relation){.name = LIT(""),
                             .kind = REL_ONE,
                             .target = k->target,
                             .local = k->from,
                             .remote = k->to,
                             .required = required(&k->from)};
}

static struct relation many_of(const struct table *t, const struct foreign_key *k)
{
    return (struct relation){
        .name = LIT(""), .kind = REL_MANY, .target = t, .local = k->to, .remote = k->from};
}

static struct schema__link *links_make(struct schema__build *b, size_t *count)
{
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        n += b->works[i].table->foreign_key_count;
    struct schema__link *links = ARENA_ARRAY(b->arena, struct schema__link, n);
    *count = n;
    n = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct schema__work *w = &b->works[i];
        for (size_t k = 0; k < w->table->foreign_key_count; k++) {
            const struct foreign_key *key = &w->foreign_keys[k];
            struct schema__work *to = schema__work_of(b, key->target->name);
            links[n++] = (struct schema__link){
                .from = w, .to = to, .key = key, .one = schema__relation_add(b, w, one_of(key))};
        }
    }
    for (size_t i = 0; i < n; i++)
        links[i].many =
            schema__relation_add(b, links[i].to, many_of(links[i].from->table, links[i].key));
    return links;
}

/* ---- names ---- */

/* The column's name without its ending; empty when it has none. */
static str without_id(str name)
{
    static const str endings[] = {STR_INIT("_id"), STR_INIT("_ID"), STR_INIT("Id")};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        if (name.len > endings[i].len && str_ends(name, endings[i]))
            return str_upto(name, name.len - endings[i].len);
    }
    return LIT("");
}

static str by_columns(struct arena *a, str table, const struct key *k)
{
    str name = arena_printf(a, "%.*s_by", STR_ARG(table));
    for (size_t i = 0; i < k->count; i++)
        name = arena_printf(a, "%.*s_%.*s", STR_ARG(name), STR_ARG(k->columns[i]->name));
    return name;
}

/* The first name of those that is free; at worst a numbered one. */
static str free_name(struct arena *a, const struct schema__work *w, const str *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (wanted[i].len && !schema__name_taken(w, wanted[i]))
            return arena_str(a, wanted[i]);
    }
    for (unsigned n = 2;; n++) {
        str name = arena_printf(a, "%.*s_%u", STR_ARG(wanted[count - 1]), n);
        if (!schema__name_taken(w, name))
            return name;
    }
}

static bool only_key(const struct schema__link *link)
{
    size_t same = 0;
    for (size_t i = 0; i < link->from->table->foreign_key_count; i++)
        same += link->from->foreign_keys[i].target == link->key->target;
    return same == 1;
}

static void name_one(struct schema__build *b, const struct schema__link *link)
{
    struct relation *r = &link->from->relations[link->one];
    const struct key *from = &link->key->from;
    str target = link->key->target->name;
    const str wanted[] = {from->count == 1 ? without_id(from->columns[0]->name) : LIT(""),
                          only_key(link) ? target : LIT(""), by_columns(b->arena, target, from)};
    if (!r->name.len)
        r->name = free_name(b->arena, link->from, wanted, COUNT_OF(wanted));
}

static void name_many(struct schema__build *b, const struct schema__link *link)
{
    struct relation *r = &link->to->relations[link->many];
    str source = link->from->table->name;
    const str wanted[] = {only_key(link) ? source : LIT(""),
                          by_columns(b->arena, source, &link->key->from)};
    if (!r->name.len)
        r->name = free_name(b->arena, link->to, wanted, COUNT_OF(wanted));
}

void schema__named(struct schema__build *b, struct schema__link *links, size_t count)
{
    for (size_t i = 0; i < count; i++)
        name_one(b, &links[i]);
    for (size_t i = 0; i < count; i++)
        name_many(b, &links[i]);
}

/* ---- through a table between ---- */

struct joint {
    const struct foreign_key *near, *far;
};

/* Two keys that share no column and together are the primary key: each pair of rows is there at
 * most once. What else the table holds does not matter. */
static bool joins(const struct schema__work *w, struct joint *out)
{
    const struct table *t = w->table;
    size_t parts = 0;
    for (size_t i = 0; i < t->foreign_key_count; i++) {
        const struct key *from = &w->foreign_keys[i].from;
        size_t inside = 0;
        for (size_t k = 0; k < from->count; k++)
            inside += schema__key_has(&t->primary, from->columns[k]);
        if (!inside)
            continue;
        if (inside < from->count || parts == 2)
            return false;
        *(parts++ ? &out->far : &out->near) = &w->foreign_keys[i];
    }
    if (parts < 2 || out->near->from.count + out->far->from.count != t->primary.count)
        return false;
    for (size_t i = 0; i < out->near->from.count; i++) {
        if (schema__key_has(&out->far->from, out->near->from.columns[i]))
            return false;
    }
    return true;
}

static bool same_pair(const struct joint *a, const struct joint *b)
{
    return (a->near->target == b->near->target && a->far->target == b->far->target) ||
           (a->near->target == b->far->target && a->far->target == b->near->target);
}

/* Whether no other table joins the same two. */
static bool only_joint(const struct schema__build *b, const struct joint *j)
{
    size_t same = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct joint other;
        same += joins(&b->works[i], &other) && same_pair(j, &other);
    }
    return same == 1;
}

/* Names: the target (tags); where that says too little, the target and the table between
 * (tags_through_product_labels), and for a table joined to itself, as followers are, the far
 * columns (users_by_followed_id). */
static void through_add(struct schema__build *b, const struct schema__work *between,
                        const struct joint *j)
{
    struct schema__work *from = schema__work_of(b, j->near->target->name);
    str target = j->far->target->name, table = between->table->name;
    bool other = j->near->target != j->far->target;
    str through = arena_printf(b->arena, "%.*s_through_%.*s", STR_ARG(target), STR_ARG(table));
    const str wanted[] = {other && only_joint(b, j) ? target : LIT(""),
                          other ? through : by_columns(b->arena, target, &j->far->from), through};
    schema__relation_add(
        b, from,
        (struct relation){.name = free_name(b->arena, from, wanted, COUNT_OF(wanted)),
                          .kind = REL_THROUGH,
                          .target = j->far->target,
                          .through = between->table,
                          .local = j->near->to,
                          .remote = j->far->to,
                          .near = j->near->from,
                          .far = j->far->from});
}

void schema__through(struct schema__build *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct joint j = {.near = NULL};
        if (!joins(&b->works[i], &j))
            continue;
        through_add(b, &b->works[i], &j);
        through_add(b, &b->works[i], &(struct joint){.near = j.far, .far = j.near});
    }
}

int schema__relations(struct schema__build *b, const struct schema_wishes *wishes)
{
    size_t count;
    struct schema__link *links = links_make(b, &count);
    TRY(schema__wished(b, wishes, links, count));
    schema__named(b, links, count);
    schema__through(b);
    return 0;
}
