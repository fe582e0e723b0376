/* config_edge.c -- headers, CORS and trusted proxies: from the settings to struct edge_config.
 * SPDX: Apache-2.0
 *   cors:
 *     origins: [https://app.example.com, "https://....example.com"]
 *     credentials: true
 *     routes:                          # the first whose path fits; what it leaves out is as above
 *       - { path: /v1/public/..., origins: ["*"], credentials: false }
 */
#include "server/config_edge.h"

/* ---- reading nodes ---- */

const struct config_node *config__member(const struct config_node *map, const char *name)
{
    for (const struct config_node *n = map->child; n; n = n->next)
        if (n->key && str_is(n->key->text, name))
            return n;
    return NULL;
}

bool config__members(struct config_load *l, const struct config_node *map, str path,
                     const char *const *names, size_t count)
{
    if (map->kind != NODE_MAP) {
        config__fault(l, config__place(l, map), path, "expected a section with keys below it");
        return false;
    }
    for (const struct config_node *n = map->child; n; n = n->next) {
        size_t i = 0;
        while (i < count && !str_is(n->key->text, names[i]))
            i++;
        if (i < count)
            continue;
        str name = str_upto(n->key->text, 60);
        const char *near = str_nearest(name, names, count);
        config__fault(l, config__place(l, n->key), path, "unknown key `%.*s`%s%s%s", STR_ARG(name),
                      near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    }
    return true;
}

bool config__text(struct config_load *l, const struct config_node *n, str path, str *out)
{
    if (n->kind == NODE_SCALAR)
        return config__expand(l, config__place(l, n), path, n->text, out);
    config__fault(l, config__place(l, n), path, "expected a value, not a %s",
                  n->kind == NODE_MAP ? "section" : "list");
    return false;
}

bool config__texts(struct config_load *l, const struct config_node *n, str path, str **out,
                   size_t *count)
{
    str *list = ARENA_ARRAY(&l->c->arena, str, EDGE_ITEMS_MOST);
    *out = list;
    *count = 0;
    if (n->kind != NODE_LIST)
        return config__text(l, n, path, &list[(*count)++]);
    for (n = n->child; n; n = n->next) {
        if (*count == EDGE_ITEMS_MOST) {
            config__fault(l, config__place(l, n), path, "more than %d items", EDGE_ITEMS_MOST);
            return false;
        }
        if (!config__text(l, n, path, &list[(*count)++]))
            return false;
    }
    return true;
}

bool config__whole(struct config_load *l, const struct config_node *n, str path, uint64_t most,
                   uint64_t *out)
{
    str text;
    if (!config__text(l, n, path, &text))
        return false;
    if (str_to_u64(text, out) && *out <= most)
        return true;
    config__fault(l, config__place(l, n), path, "expected a whole number up to %llu, not '%.*s'",
                  (unsigned long long)most, STR_ARG(str_upto(text, 60)));
    return false;
}

bool config__flag(struct config_load *l, const struct config_node *n, str path, bool *out)
{
    str text;
    if (!config__text(l, n, path, &text))
        return false;
    *out = str_is(text, "true");
    if (*out || str_is(text, "false"))
        return true;
    config__fault(l, config__place(l, n), path, "expected `true` or `false`, not '%.*s'",
                  STR_ARG(str_upto(text, 60)));
    return false;
}

size_t config__items(struct config_load *l, str list, str **out)
{
    size_t count = 0;
    *out = ARENA_ARRAY(&l->c->arena, str, EDGE_ITEMS_MOST);
    for (str rest = list; rest.ptr && rest.len && count < EDGE_ITEMS_MOST;) {
        str item = str_trim(str_cut(&rest, ','));
        if (item.len)
            (*out)[count++] = item;
    }
    return count;
}

bool config__methods(struct config_load *l, const str *list, size_t count, str place, str path,
                     unsigned *out)
{
    const char *names[METHOD_OTHER];
    *out = 0;
    for (unsigned m = 0; m < METHOD_OTHER; m++)
        names[m] = method_name((enum method)m);
    for (size_t i = 0; i < count; i++) {
        unsigned m = 0;
        while (m < METHOD_OTHER && !str_is(list[i], names[m]))
            m++;
        if (m == METHOD_OTHER) {
            config__fault(l, place, path,
                          "expected GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, "
                          "not '%.*s'",
                          STR_ARG(str_upto(list[i], 60)));
            return false;
        }
        *out |= 1u << m;
    }
    return true;
}

/* ---- headers ---- */

static void fault_at(struct config_load *l, int key, const char *why)
{
    config__fault(l, l->c->origin[key], str_of(config_keys[key].path), "%s", why);
}

/* No bytes that would end a header line or begin another. */
bool config__value_good(str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c < ' ' || c == 0x7f)
            return false;
    }
    return true;
}

static void check_value(struct config_load *l, int key, str value)
{
    if (!config__value_good(value))
        fault_at(l, key, "a header's value has no control characters");
    else if (value.len > 1000)
        fault_at(l, key, "longer than 1000 bytes");
}

str config__version_of(str prefix)
{
    str last =
        str_from(prefix, str_rfind(prefix, '/') == STR_NONE ? 0 : str_rfind(prefix, '/') + 1);
    bool version = last.len > 1 && last.ptr[0] == 'v';
    for (size_t i = 1; version && i < last.len; i++)
        version = ascii_digit(last.ptr[i]) || last.ptr[i] == '.';
    return version ? last : (str){"", 0};
}

static void make_headers(struct config_load *l)
{
    const struct config *c = l->c;
    static const int keys[] = {
        CONFIG_KEY_headers_policy,      CONFIG_KEY_headers_page_policy, CONFIG_KEY_headers_frame,
        CONFIG_KEY_headers_referrer,    CONFIG_KEY_headers_resource,    CONFIG_KEY_headers_opener,
        CONFIG_KEY_headers_permissions, CONFIG_KEY_headers_server,      CONFIG_KEY_headers_version};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        check_value(l, keys[i],
                    *(const str *)(const void *)((const char *)c + config_keys[keys[i]].offset));
    l->c->edge.headers = (struct edge_headers){.on = c->headers_on,
                                               .policy = c->headers_policy,
                                               .page_policy = c->headers_page_policy,
                                               .frame = c->headers_frame,
                                               .referrer = c->headers_referrer,
                                               .resource = c->headers_resource,
                                               .opener = c->headers_opener,
                                               .permissions = c->headers_permissions,
                                               .server = c->headers_server,
                                               .version = str_is(c->headers_version, "auto")
                                                              ? config__version_of(c->prefix)
                                                              : c->headers_version,
                                               .version_prefix = c->prefix,
                                               .hsts_s = c->hsts / 1000,
                                               .hsts_subdomains = c->hsts_subdomains,
                                               .hsts_preload = c->hsts_preload};
    if (c->hsts_preload && (c->hsts < UINT64_C(31536000000) || !c->hsts_subdomains))
        fault_at(l, CONFIG_KEY_hsts_preload,
                 "preload lists want headers.hsts: 365d and headers.hsts_subdomains");
}

/* ---- proxies, Redis ---- */

static void make_proxies(struct config_load *l)
{
    enum { WORD_MOST = 6 };
    struct edge_proxies *p = &l->c->edge.proxies;
    str *items;
    size_t count = config__items(l, l->c->trusted_proxies, &items);
    struct network *list = ARENA_ARRAY(&l->c->arena, struct network, count * WORD_MOST + WORD_MOST);
    for (size_t i = 0; i < count; i++) {
        const char *why = network_parse(items[i], list, &p->count, &p->unix_socket);
        if (why)
            config__fault(l, l->c->origin[CONFIG_KEY_trusted_proxies],
                          LIT("server.trusted_proxies"), "'%.*s': %s",
                          STR_ARG(str_upto(items[i], 60)), why);
    }
    p->list = list;
    p->header = (enum edge_proxy_header)l->c->proxy_header;
}

static void check_redis(struct config_load *l)
{
    struct redis_target t;
    struct err err = {0};
    if (l->c->redis_url.len && redis_target(l->c->redis_url, &t, &err) < 0)
        fault_at(l, CONFIG_KEY_redis_url, err.text);
    if (l->c->redis_prefix.len > 64)
        fault_at(l, CONFIG_KEY_redis_prefix, "longer than 64 bytes");
}

/* ---- CORS ---- */

struct cors_reader {
    struct config_load *l;
    str place, path; /* of the rule, when it has no better place */
};

static void cors_fault(struct cors_reader *r, str place, const char *what, str item,
                       const char *why)
{
    config__fault(r->l, place, arena_printf(&r->l->c->arena, "%.*s%s", STR_ARG(r->path), what),
                  "'%.*s': %s", STR_ARG(str_upto(item, 80)), why);
}

static void take_origins(struct cors_reader *r, struct cors_rule *rule, const str *items,
                         size_t count, str place)
{
    struct cors_origin *list = ARENA_ARRAY(&r->l->c->arena, struct cors_origin, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *why = cors_origin_parse(items[i], &list[i]);
        if (!why && items[i].len > 256)
            why = "longer than 256 bytes";
        if (why)
            cors_fault(r, place, ".origins", items[i], why);
    }
    rule->origins = list;
    rule->origin_count = count;
}

/* Header and method names: what may stand in the list that is sent. */
static str join(struct cors_reader *r, const str *items, size_t count, str place, const char *what)
{
    struct buf b;
    buf_init(&b, CONFIG_TEXT_MOST);
    for (size_t i = 0; i < count; i++) {
        bool token = items[i].len > 0 && items[i].len <= 128;
        for (size_t k = 0; token && k < items[i].len; k++) {
            char c = items[i].ptr[k];
            token = ascii_alpha(c) || ascii_digit(c) || strchr("-_!#$%&'*+.^`|~", c);
        }
        if (!token)
            cors_fault(r, place, what, items[i], "this is no name of a header or method");
        buf_str(&b, i ? LIT(", ") : LIT(""));
        buf_str(&b, items[i]);
    }
    str out = arena_str(&r->l->c->arena, buf_view(&b));
    buf_fini(&b);
    if (out.len > 4000)
        cors_fault(r, place, what, out, "longer than 4000 bytes");
    return out;
}

static void take_names(struct cors_reader *r, struct cors_rule *rule, const char *what,
                       const str *items, size_t count)
{
    str joined = join(r, items, count, r->place, what);
    if (str_is(str_of(what), ".methods"))
        rule->methods = joined;
    else if (str_is(str_of(what), ".expose"))
        rule->expose = joined;
    else {
        rule->headers = joined;
        rule->any_header = str_is(joined, "*");
    }
}

static void check_rule(struct cors_reader *r, const struct cors_rule *rule)
{
    for (size_t i = 0; i < rule->origin_count; i++)
        if (rule->origins[i].any && rule->credentials)
            cors_fault(
                r, r->place, ".origins", LIT("*"),
                "every origin and credentials together would let any page act as its visitor: "
                "name the origins, or set credentials: false");
    if (rule->credentials && str_is(rule->expose, "*"))
        cors_fault(r, r->place, ".expose", LIT("*"),
                   "with credentials browsers take the star as a name: list the headers");
}

static void global_rule(struct config_load *l, struct cors_rule *rule)
{
    const struct config *c = l->c;
    const struct {
        int key;
        const char *what;
        str list;
    } names[] = {{CONFIG_KEY_cors_methods, ".methods", c->cors_methods},
                 {CONFIG_KEY_cors_headers, ".headers", c->cors_headers},
                 {CONFIG_KEY_cors_expose, ".expose", c->cors_expose}};
    struct cors_reader r = {.l = l, .path = LIT("cors")};
    str *items;
    size_t count = config__items(l, c->cors_origins, &items);
    r.place = c->origin[CONFIG_KEY_cors_origins];
    take_origins(&r, rule, items, count, r.place);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        r.place = c->origin[names[i].key];
        count = config__items(l, names[i].list, &items);
        take_names(&r, rule, names[i].what, items, count);
    }
    rule->credentials = c->cors_credentials;
    rule->private_network = c->cors_private;
    rule->max_age_s = c->cors_max_age / 1000;
    r.place = c->origin[CONFIG_KEY_cors_origins];
    check_rule(&r, rule);
}

bool config__path_good(str path)
{
    bool good = path.len > 0 && path.len <= 256 && path.ptr[0] == '/';
    for (size_t i = 0; good && i < path.len; i++)
        good = path.ptr[i] > ' ' && path.ptr[i] != '?' && path.ptr[i] != '#';
    return good;
}

static void take_age(struct config_load *l, const struct config_node *n, str path, uint64_t *out)
{
    enum { DAY_MS = 86400000 };
    uint64_t ms = 0;
    str text;
    if (!config__text(l, n, path, &text))
        return;
    if ((!config_time(text, &ms) && !str_is(text, "0")) || ms > DAY_MS)
        config__fault(l, config__place(l, n), path, "expected a time up to 24h, such as `10m`");
    *out = ms / 1000;
}

static void route_member(struct cors_reader *r, const struct config_node *n, struct cors_rule *rule)
{
    struct config_load *l = r->l;
    str name = n->key->text, *items;
    str path = arena_printf(&l->c->arena, "%.*s.%.*s", STR_ARG(r->path), STR_ARG(name));
    size_t count;
    r->place = config__place(l, n);
    if (str_is(name, "credentials")) {
        config__flag(l, n, path, &rule->credentials);
    } else if (str_is(name, "private_network")) {
        config__flag(l, n, path, &rule->private_network);
    } else if (str_is(name, "max_age")) {
        take_age(l, n, path, &rule->max_age_s);
    } else if (str_is(name, "path")) {
        if (config__text(l, n, path, &rule->path) && !config__path_good(rule->path))
            config__fault(l, r->place, path, "expected a path such as `/v1/public/*`");
    } else if (config__texts(l, n, path, &items, &count)) {
        if (str_is(name, "origins"))
            take_origins(r, rule, items, count, r->place);
        else
            take_names(r, rule, arena_printf(&l->c->arena, ".%.*s", STR_ARG(name)).ptr, items,
                       count);
    }
}

static void take_route(struct config_load *l, const struct config_node *n, struct cors_rule *rule)
{
    static const char *const names[] = {"path",   "origins",     "methods",         "headers",
                                        "expose", "credentials", "private_network", "max_age"};
    struct cors_reader r = {.l = l, .path = LIT("cors.routes")};
    size_t before = l->fault_count;
    if (!config__members(l, n, r.path, names, COUNT_OF(names)) || l->fault_count != before)
        return;
    for (const struct config_node *m = n->child; m; m = m->next)
        route_member(&r, m, rule);
    r.place = config__place(l, n);
    if (!rule->path.len)
        config__fault(l, r.place, r.path, "a route needs a `path`");
    check_rule(&r, rule);
}

static void make_cors(struct config_load *l)
{
    const struct config_node *n = l->cors_routes;
    struct cors_rule *rules = ARENA_ARRAY(&l->c->arena, struct cors_rule, EDGE_ITEMS_MOST + 1);
    size_t count = 0;
    struct cors_rule global = {.path = {"", 0}};
    global_rule(l, &global);
    if (n && n->kind != NODE_LIST)
        config__fault(l, config__place(l, n), LIT("cors.routes"), "expected a list of rules");
    for (n = n && n->kind == NODE_LIST ? n->child : NULL; n; n = n->next) {
        if (count == EDGE_ITEMS_MOST) {
            config__fault(l, config__place(l, n), LIT("cors.routes"), "more than %d rules",
                          EDGE_ITEMS_MOST);
            break;
        }
        rules[count] = global;
        take_route(l, n, &rules[count++]);
    }
    rules[count++] = global;
    l->c->edge.cors = rules;
    l->c->edge.cors_count = count;
}

void config__edge(struct config_load *l)
{
    make_headers(l);
    make_proxies(l);
    check_redis(l);
    make_cors(l);
    config__caches(l);
    config__codings(l);
    config__limits(l);
}
