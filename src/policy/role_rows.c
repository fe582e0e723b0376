/* role_rows.c -- roles as their tables tell them, made into wishes as the settings have them.
 * SPDX: Apache-2.0 */
#include "policy/roles.h"

#include "base/map.h"
#include "base/mem.h"

enum { MEMORY = 16 << 20, NAME_MOST = 128 };
enum { ROLES, PERMISSIONS, GRANTS, INCLUDES };

struct role_rows {
    struct rows read[ROLE_READS];
    uint64_t digest;
    bool cut[ROLE_READS]; /* there were more */
    struct arena arena;
};

/* The order of rows says nothing: each counts for itself. */
static uint64_t hash_row(const struct value *cells, size_t table)
{
    struct {
        uint64_t part[2], table;
    } h = {.table = table};
    for (size_t i = 0; i < 2; i++) {
        const struct value *v = &cells[i];
        str bytes = value_has_text(v) ? v->text : str_make((const char *)&v->i, sizeof v->i);
        h.part[i] =
            value_has_text(v) || v->kind == V_INT || v->kind == V_FLOAT ? str_hash(bytes) : 0;
    }
    return str_hash(str_make((const char *)&h, sizeof h));
}

struct role_rows *role_rows_new(const struct rows answers[ROLE_READS])
{
    struct role_rows *r = mem_zero(1, sizeof *r);
    arena_init(&r->arena, MEMORY);
    for (size_t t = 0; t < ROLE_READS; t++) {
        size_t count = answers[t].count;
        r->cut[t] = count > ROLE_ROWS_MOST;
        count = r->cut[t] ? ROLE_ROWS_MOST : count;
        r->read[t] = (struct rows){.cols = 2, .count = count};
        r->read[t].cells = ARENA_ARRAY(&r->arena, struct value, 2 * count);
        for (size_t i = 0; i < 2 * count; i++)
            r->read[t].cells[i] = value_copy(&r->arena, &answers[t].cells[i]);
        for (size_t i = 0; i < count; i++)
            r->digest += hash_row(&r->read[t].cells[2 * i], t);
    }
    return r;
}

void role_rows_free(struct role_rows **r)
{
    if (*r) {
        arena_reset(&(*r)->arena);
        mem_free(*r);
    }
    *r = NULL;
}

bool role_rows_same(const struct role_rows *x, const struct role_rows *y)
{
    for (size_t t = 0; x && y && t < ROLE_READS; t++) {
        if (x->read[t].count != y->read[t].count)
            return false;
    }
    return x && y && x->digest == y->digest;
}

/* ---- wishes ---- */

struct wisher {
    struct arena *arena;
    const struct role_rows *rows;
    struct map names[PERMISSIONS + 1]; /* of ROLES and PERMISSIONS: by key, the text's value */
    struct access_role_wish *roles;
    size_t role_count;
    struct access_rule_wish *rules;
    size_t rule_count;
    str *faults;
    size_t fault_count;
};

enum { FAULTS_MOST = 20 };

static void tell(struct wisher *w, str text)
{
    if (w->fault_count < FAULTS_MOST)
        w->faults[w->fault_count++] = text;
}

/* Borrows from v. Keys of a column are of one kind, but for what SQLite lets in. */
static str key_of(const struct value *v)
{
    if (value_has_text(v))
        return v->text.ptr ? v->text : LIT("");
    return str_make((const char *)&v->i, sizeof v->i);
}

static void read_names(struct wisher *w, size_t table)
{
    const struct rows *r = &w->rows->read[table];
    map_within(&w->names[table], w->arena, r->count);
    for (size_t i = 0; i < r->count; i++) {
        struct value *row = &r->cells[2 * i];
        if (row[0].kind != V_NULL && row[1].kind == V_TEXT)
            map_set(&w->names[table], key_of(&row[0]), row);
    }
}

/* The text of a row whose key that is; ptr NULL: there is none. */
static str name_of(const struct wisher *w, size_t table, const struct value *key)
{
    const struct value *row = map_get(&w->names[table], key_of(key));
    return row && value_eq(&row[0], key) ? row[1].text : (str){0};
}

static struct access_role_wish *role_of(struct wisher *w, str name)
{
    for (size_t i = 0; i < w->role_count; i++) {
        if (str_eq(w->roles[i].name, name))
            return &w->roles[i];
    }
    return NULL;
}

static void add_role(struct wisher *w, str name)
{
    if (role_of(w, name))
        return; /* of the settings: it gets what the tables give it, too */
    if (!name.len || name.len > NAME_MOST || str_is(name, ROLE_ANYONE) ||
        str_is(name, ROLE_SIGNED_IN))
        tell(w, arena_printf(w->arena, "'%.*s' cannot be the name of a role",
                             STR_ARG(str_upto(name, NAME_MOST))));
    else if (w->role_count == ROLES_MOST)
        tell(w, arena_printf(w->arena, "there are %d roles at most: '%.*s' is one too many",
                             ROLES_MOST, STR_ARG(name)));
    else
        w->roles[w->role_count++] = (struct access_role_wish){
            .name = arena_str(w->arena, name), .place = LIT("the table of roles"), .soft = true};
}

static void add_include(struct wisher *w, const struct value *row)
{
    struct access_role_wish *r = role_of(w, name_of(w, ROLES, &row[0]));
    const struct access_role_wish *other = role_of(w, name_of(w, ROLES, &row[1]));
    if (!r || !other)
        return; /* told of when it was left out */
    for (size_t i = 0; i < r->include_count; i++) {
        if (str_eq(r->includes[i], other->name))
            return;
    }
    str *list = ARENA_ARRAY(w->arena, str, r->include_count + 1);
    if (r->include_count)
        memcpy(list, r->includes, r->include_count * sizeof *list);
    list[r->include_count] = other->name;
    r->includes = list;
    r->include_count++;
}

static void add_grant(struct wisher *w, const struct value *row)
{
    const struct access_role_wish *r = role_of(w, name_of(w, ROLES, &row[0]));
    str text = name_of(w, PERMISSIONS, &row[1]);
    struct access_rule_wish rule = {.soft = true, .role_count = 1};
    if (!r || !text.ptr)
        return;
    if (text.len > NAME_MOST || !access_permission(arena_str(w->arena, text), &rule)) {
        tell(w, arena_printf(w->arena,
                             "'%.*s' of the role '%.*s' is no permission: posts:create, "
                             "posts:update:own, posts:*, *",
                             STR_ARG(str_upto(text, NAME_MOST)), STR_ARG(r->name)));
        return;
    }
    str *roles = ARENA_ARRAY(w->arena, str, 1);
    roles[0] = r->name;
    rule.roles = roles;
    rule.place = arena_printf(w->arena, "the tables: %.*s", STR_ARG(text));
    w->rules[w->rule_count++] = rule;
}

static void tell_cut(struct wisher *w)
{
    static const char *const what[] = {"roles", "permissions", "permissions of roles",
                                       "roles in roles"};
    for (size_t t = 0; t < ROLE_READS; t++) {
        if (w->rows->cut[t])
            tell(w, arena_printf(w->arena, "there are %d %s at most: the rest grants nothing",
                                 ROLE_ROWS_MOST, what[t]));
    }
}

void role_rows_wish(struct arena *a, const struct role_rows *r, struct access_wishes *w)
{
    struct wisher made = {.arena = a, .rows = r};
    made.roles = ARENA_ARRAY(a, struct access_role_wish, w->role_count + ROLES_MOST);
    made.rules = ARENA_ARRAY(a, struct access_rule_wish, w->rule_count + r->read[GRANTS].count);
    made.faults = ARENA_ARRAY(a, str, FAULTS_MOST);
    if (w->role_count)
        memcpy(made.roles, w->roles, w->role_count * sizeof *made.roles);
    if (w->rule_count)
        memcpy(made.rules, w->rules, w->rule_count * sizeof *made.rules);
    made.role_count = w->role_count;
    made.rule_count = w->rule_count;
    read_names(&made, ROLES);
    read_names(&made, PERMISSIONS);
    for (size_t i = 0; i < r->read[ROLES].count; i++)
        add_role(&made, name_of(&made, ROLES, &r->read[ROLES].cells[2 * i]));
    for (size_t i = 0; i < r->read[INCLUDES].count; i++)
        add_include(&made, &r->read[INCLUDES].cells[2 * i]);
    for (size_t i = 0; i < r->read[GRANTS].count; i++)
        add_grant(&made, &r->read[GRANTS].cells[2 * i]);
    tell_cut(&made);
    w->roles = made.roles;
    w->role_count = made.role_count;
    w->rules = made.rules;
    w->rule_count = made.rule_count;
    w->faults = made.faults;
    w->fault_count = made.fault_count;
}
