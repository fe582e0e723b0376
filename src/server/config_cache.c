/* config_cache.c -- Cache-Control and Vary of each path, and where changes need If-Match: to struct
 * edge_config. SPDX: Apache-2.0
 *   cache_control:                     # of GETs; the first whose path fits
 *     - { path: /v1/products/..., value: "public, max-age=60" }
 *     - { path: /v1/news, value: "public, max-age=10", vary: Accept-Language }
 * Where people sign in, every answer varies with all that may say who asks (Authorization, Cookie,
 * X-API-Key): what one may see another may not. */
#include "server/config_edge.h"

static const char PATH[] = "cache_control";

static bool signs_in(const struct config *c)
{
    return c->auth_table.len || c->access_given;
}

/* All that may say who asks. */
static str who_headers(const struct config *c)
{
    static const char *const texts[] = {"Authorization", "Authorization, Cookie",
                                        "Authorization, X-API-Key",
                                        "Authorization, Cookie, X-API-Key"};
    return str_of(texts[c->auth_table.len ? c->auth_cookies + 2 * c->auth_keys : 0]);
}

static void member(struct config_load *l, const struct config_node *n, struct cache_rule *rule)
{
    str name = n->key->text;
    str path = arena_printf(&l->c->arena, "%s.%.*s", PATH, STR_ARG(name));
    str *out = str_is(name, "path")    ? &rule->path
               : str_is(name, "value") ? &rule->value
                                       : &rule->vary;
    if (!config__text(l, n, path, out))
        return;
    if (out == &rule->path && !config__path_good(*out))
        config__fault(l, config__place(l, n), path, "expected a path such as `/v1/products/*`");
    else if (!config__value_good(*out) || out->len > 1000)
        config__fault(
            l, config__place(l, n), path,
            "expected a header's value of at most 1000 bytes, without control characters");
}

static void take_rule(struct config_load *l, const struct config_node *n, struct cache_rule *rule)
{
    static const char *const names[] = {"path", "value", "vary"};
    size_t before = l->fault_count;
    *rule = (struct cache_rule){.path = {"", 0}};
    if (!config__members(l, n, str_of(PATH), names, COUNT_OF(names)) || l->fault_count != before)
        return;
    for (const struct config_node *m = n->child; m; m = m->next)
        member(l, m, rule);
    if (!rule->path.len || !rule->value.len)
        config__fault(l, config__place(l, n), str_of(PATH), "a rule needs a `path` and a `value`");
    if (signs_in(l->c))
        rule->vary = rule->vary.len ? arena_printf(&l->c->arena, "%.*s, %.*s", STR_ARG(rule->vary),
                                                   STR_ARG(who_headers(l->c)))
                                    : who_headers(l->c);
}

static struct cache_rule usual(struct config_load *l)
{
    const struct config *c = l->c;
    bool closed = signs_in(c);
    struct cache_rule r = {.value = c->cache_control, .vary = closed ? who_headers(c) : LIT("")};
    if (str_is(r.value, "auto"))
        r.value = closed ? LIT("private, no-cache") : LIT("no-cache");
    if (!config__value_good(r.value) || r.value.len > 1000)
        config__fault(
            l, c->origin[CONFIG_KEY_cache_control], LIT("http.cache_control"),
            "expected a header's value of at most 1000 bytes, without control characters");
    return r;
}

static void make_must_match(struct config_load *l)
{
    struct edge_config *e = &l->c->edge;
    str *items;
    e->must_match_count = config__items(l, l->c->must_match, &items);
    e->must_match = items;
    for (size_t i = 0; i < e->must_match_count; i++) {
        if (!config__path_good(items[i]))
            config__fault(l, l->c->origin[CONFIG_KEY_must_match], LIT("http.require_if_match"),
                          "'%.*s': expected a path such as `/v1/products/*`",
                          STR_ARG(str_upto(items[i], 60)));
    }
}

void config__caches(struct config_load *l)
{
    const struct config_node *n = l->caches;
    struct cache_rule *rules = ARENA_ARRAY(&l->c->arena, struct cache_rule, EDGE_ITEMS_MOST + 1);
    size_t count = 0;
    bool nothing = n && n->kind == NODE_SCALAR && n->plain && !n->text.len;
    if (n && n->kind != NODE_LIST && !nothing)
        config__fault(l, config__place(l, n), str_of(PATH), "expected a list of rules");
    for (n = n && n->kind == NODE_LIST ? n->child : NULL; n; n = n->next) {
        if (count == EDGE_ITEMS_MOST) {
            config__fault(l, config__place(l, n), str_of(PATH), "more than %d rules",
                          EDGE_ITEMS_MOST);
            break;
        }
        take_rule(l, n, &rules[count++]);
    }
    rules[count++] = usual(l);
    l->c->edge.caches = rules;
    l->c->edge.cache_count = count;
    l->c->edge.etag = l->c->etag;
    make_must_match(l);
}
