/* config_access.c -- the sections roles: and access: to access_wishes. SPDX: Apache-2.0
 *   roles:
 *     viewer: {}
 *     editor: { includes: [viewer], can: ["posts:create", "posts:update:own"] }
 *     admin: { includes: [editor], can: ["*"] }
 *   access:
 *     posts:
 *       - { roles: anyone, can: read, where: 'status == "public"', hide: [secret] }
 *       - { roles: editor, can: [create], set: { user_id: me.id } }
 *     "*":
 *       - { roles: admin, can: all }
 * Whether tables, columns and roles are there is for access_build to say. */
#include "server/config_priv.h"

enum { NAME_MOST = 128, ITEMS_MOST = 64, RULE_BYTES = 4000 };

struct taker {
    struct config_load *l;
    struct access_rule_wish *rules;
    size_t count;
    str path; /* of what is read: "access.posts" */
};

#define bad(t, n, ...) config__fault((t)->l, config__place((t)->l, n), (t)->path, __VA_ARGS__)

static bool empty(const struct config_node *n)
{
    return n->kind == NODE_SCALAR && n->plain &&
           (n->text.len == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

static void unknown(struct taker *t, const struct config_node *key, const char *const *words,
                    size_t count)
{
    const char *near = str_nearest(key->text, words, count);
    bad(t, key, "unknown key '%.*s'%s%s%s", STR_ARG(str_upto(key->text, 60)),
        near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
}

/* One name, or a list of them. */
static size_t take_names(struct taker *t, const struct config_node *n, const str **out)
{
    const struct config_node *at = n->kind == NODE_LIST ? n->child : n;
    str *list = ARENA_ARRAY(&t->l->c->arena, str, ITEMS_MOST);
    size_t count = 0;
    *out = list;
    if (empty(n))
        return 0;
    for (; at; at = n->kind == NODE_LIST ? at->next : NULL) {
        if (at->kind != NODE_SCALAR || !at->text.len || at->text.len > NAME_MOST)
            bad(t, at, "expected a name, or a list of names");
        else if (count == ITEMS_MOST)
            bad(t, at, "%d names at most", ITEMS_MOST);
        else
            list[count++] = at->text;
    }
    return count;
}

/* ---- actions ---- */

static unsigned take_actions(struct taker *t, const struct config_node *n)
{
    const str *words;
    unsigned bits = 0;
    size_t count = take_names(t, n, &words);
    for (size_t i = 0; i < count; i++) {
        if (!access_actions(words[i]))
            bad(t, n, "'%.*s' is no action: read, create, update, delete, write or all",
                STR_ARG(words[i]));
        bits |= access_actions(words[i]);
    }
    return bits;
}

/* ---- access: ---- */

static void take_where(struct taker *t, const struct config_node *n, str *text, str *place)
{
    *place = config__place(t->l, n);
    if (n->kind != NODE_SCALAR || n->text.len > RULE_BYTES)
        bad(t, n, "expected a rule of at most %d bytes, as in 'user_id == me.id'", RULE_BYTES);
    else
        *text = n->text;
}

static void take_presets(struct taker *t, const struct config_node *n, struct access_rule_wish *r)
{
    struct access_preset_wish *list =
        ARENA_ARRAY(&t->l->c->arena, struct access_preset_wish, ITEMS_MOST);
    r->presets = list;
    if (n->kind != NODE_MAP) {
        bad(t, n, "expected columns and their values: { user_id: me.id }");
        return;
    }
    for (n = n->child; n; n = n->next) {
        if (n->kind != NODE_SCALAR || r->preset_count == ITEMS_MOST)
            bad(t, n, "expected a column and its value, as in user_id: me.id");
        else
            list[r->preset_count++] = (struct access_preset_wish){n->key->text, n->text};
    }
}

static void take_member(struct taker *t, const struct config_node *n, struct access_rule_wish *r)
{
    static const char *const words[] = {"roles", "role", "can",  "where",
                                        "check", "set",  "hide", "columns"};
    str key = n->key->text;
    if (str_is(key, "roles") || str_is(key, "role"))
        r->role_count = take_names(t, n, &r->roles);
    else if (str_is(key, "can"))
        r->actions = take_actions(t, n);
    else if (str_is(key, "where"))
        take_where(t, n, &r->where, &r->where_place);
    else if (str_is(key, "check"))
        take_where(t, n, &r->check, &r->check_place);
    else if (str_is(key, "set"))
        take_presets(t, n, r);
    else if (str_is(key, "hide"))
        r->hidden_count = take_names(t, n, &r->hidden);
    else if (str_is(key, "columns"))
        r->column_count = take_names(t, n, &r->columns);
    else
        unknown(t, n->key, words, COUNT_OF(words));
}

static void take_rule(struct taker *t, str table, const struct config_node *n)
{
    size_t before = t->l->fault_count;
    struct access_rule_wish r = {.table = table, .place = config__place(t->l, n)};
    if (n->kind != NODE_MAP) {
        bad(t, n, "expected a rule: { roles: editor, can: [read], where: '...' }");
        return;
    }
    for (const struct config_node *at = n->child; at; at = at->next)
        take_member(t, at, &r);
    if (t->l->fault_count == before && !r.role_count)
        bad(t, n, "the rule does not say for whom: `roles: anyone`, `roles: [editor]`");
    if (t->l->fault_count == before && !r.actions)
        bad(t, n, "the rule does not say what: `can: read`, `can: [create, update]`");
    if (t->l->fault_count == before)
        t->rules[t->count++] = r;
}

static void take_table(struct taker *t, const struct config_node *n)
{
    str table = n->key->text;
    t->path = arena_printf(&t->l->c->arena, "access.%.*s", STR_ARG(str_upto(table, NAME_MOST)));
    if (empty(n))
        return; /* nobody may do anything */
    if (n->kind == NODE_MAP) {
        take_rule(t, table, n);
        return;
    }
    if (n->kind != NODE_LIST)
        bad(t, n, "expected a list of rules");
    for (n = n->kind == NODE_LIST ? n->child : NULL; n; n = n->next)
        take_rule(t, table, n);
}

/* ---- roles: ---- */

/* "posts:create", "posts:*", "posts:update:own", "*" */
static void take_permission(struct taker *t, const struct config_node *n, str role, str text)
{
    str *roles = ARENA_NEW(&t->l->c->arena, str);
    struct access_rule_wish r = {.place = config__place(t->l, n), .roles = roles, .role_count = 1};
    roles[0] = role;
    if (access_permission(text, &r))
        t->rules[t->count++] = r;
    else
        bad(t, n, "'%.*s' is no permission: posts:create, posts:update:own, posts:*, *",
            STR_ARG(str_upto(text, 60)));
}

static void take_role(struct taker *t, const struct config_node *n, struct access_role_wish *r)
{
    static const char *const words[] = {"includes", "can"};
    const str *list;
    t->path =
        arena_printf(&t->l->c->arena, "roles.%.*s", STR_ARG(str_upto(n->key->text, NAME_MOST)));
    *r = (struct access_role_wish){.name = n->key->text, .place = config__place(t->l, n->key)};
    if (n->kind != NODE_MAP && !empty(n))
        bad(t, n, "expected `{}`, `includes:` or `can:`");
    for (n = n->kind == NODE_MAP ? n->child : NULL; n; n = n->next) {
        if (str_is(n->key->text, "includes")) {
            r->include_count = take_names(t, n, &r->includes);
        } else if (str_is(n->key->text, "can")) {
            size_t count = take_names(t, n, &list);
            for (size_t i = 0; i < count; i++)
                take_permission(t, n, r->name, list[i]);
        } else {
            unknown(t, n->key, words, COUNT_OF(words));
        }
    }
}

static size_t count_nodes(const struct config_node *n)
{
    size_t count = 0;
    for (; n; n = n->next)
        count += 1 + count_nodes(n->child);
    return count;
}

static struct taker begin(struct config_load *l, const struct config_node *n)
{
    const struct access_wishes *w = &l->c->access;
    size_t room = w->rule_count + count_nodes(n->child);
    struct taker t = {.l = l, .count = w->rule_count};
    t.rules = ARENA_ARRAY(&l->c->arena, struct access_rule_wish, room);
    if (w->rule_count)
        memcpy(t.rules, w->rules, w->rule_count * sizeof *t.rules);
    return t;
}

static void end(struct config_load *l, const struct taker *t)
{
    l->c->access.rules = t->rules;
    l->c->access.rule_count = t->count;
    l->c->access_given = true;
}

void config__roles(struct config_load *l, const struct config_node *n)
{
    struct taker t = begin(l, n);
    size_t count = 0;
    struct access_role_wish *roles =
        ARENA_ARRAY(&l->c->arena, struct access_role_wish, count_nodes(n->child));
    t.path = LIT("roles");
    if (n->kind != NODE_MAP && !empty(n))
        bad(&t, n, "expected names of roles");
    for (n = n->kind == NODE_MAP ? n->child : NULL; n; n = n->next)
        take_role(&t, n, &roles[count++]);
    l->c->access.roles = roles;
    l->c->access.role_count = count;
    end(l, &t);
}

void config__access(struct config_load *l, const struct config_node *n)
{
    struct taker t = begin(l, n);
    t.path = LIT("access");
    if (n->kind != NODE_MAP && !empty(n))
        bad(&t, n, "expected names of tables, or \"*\"");
    for (n = n->kind == NODE_MAP ? n->child : NULL; n; n = n->next)
        take_table(&t, n);
    end(l, &t);
}
