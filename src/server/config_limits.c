/* config_limits.c -- the section limits: and the known API keys, to struct edge_config.
 * SPDX: Apache-2.0
 *   limits:
 *     - name: api
 *       match: { path: /v1/..., methods: [GET, POST] }
 *       key: [api_key]               # or address, user, route, any mix; global: one for everybody
 *       algorithm: sliding_window    # fixed_window, sliding_log, token_bucket, gcra
 *       rate: 100/h
 *       plans: { free: 100/h, pro: 1000/h, enterprise: 10000/h }
 *       burst: 20
 *       cost: 1
 *       costs: [{ path: /v1/reports, cost: 10 }]
 *       store: redis                 # local
 *       fail: local                  # open, closed
 *   rate_limit:
 *     clients: [{ sha256: 9f86d0..., plan: pro }]
 */
#include "server/config_edge.h"

#include <sodium.h>

struct limit_reader {
    struct config_load *l;
    struct limit_config *out;
    const struct config_node *node;
    enum limit_algorithm algorithm;
    uint64_t burst; /* 0: not said */
};

static str path_of(const struct limit_reader *r, const char *part)
{
    str name = r->out->name;
    return arena_printf(&r->l->c->arena, "limits.%.*s%s%s", STR_ARG(name.len ? name : LIT("?")),
                        part ? "." : "", part ? part : "");
}

static void fault(const struct limit_reader *r, const struct config_node *n, const char *part,
                  const char *what)
{
    config__fault(r->l, config__place(r->l, n), path_of(r, part), "%s", what);
}

/* The place of a word in names, or -1 with a fault. */
static int word_of(const struct limit_reader *r, const struct config_node *n, const char *part,
                   const char *const *names, size_t count)
{
    str text;
    if (!config__text(r->l, n, path_of(r, part), &text))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (str_is(text, names[i]))
            return (int)i;
    const char *near = str_nearest(text, names, count);
    struct buf b;
    buf_init(&b, 512);
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s`%s`", i ? ", " : "", names[i]);
    config__fault(r->l, config__place(r->l, n), path_of(r, part),
                  "expected one of %.*s, not '%.*s'%s%s%s", STR_ARG(buf_view(&b)),
                  STR_ARG(str_upto(text, 60)), near ? " (did you mean `" : "", near ? near : "",
                  near ? "`?)" : "");
    buf_fini(&b);
    return -1;
}

/* ---- rates ---- */

/* "100/h", "5/10s", "1000/day". */
static bool parse_rate(str text, uint32_t *rate, uint64_t *window_ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"s", 1000},     {"sec", 1000},     {"second", 1000}, {"m", 60000},
                 {"min", 60000},  {"minute", 60000}, {"h", 3600000},   {"hour", 3600000},
                 {"d", 86400000}, {"day", 86400000}};
    uint64_t n, times = 1;
    str rest = text, count = str_trim(str_cut(&rest, '/'));
    if (!rest.ptr || !str_to_u64(count, &n) || n == 0 || n > LIMIT_CAPACITY_MOST)
        return false;
    rest = str_trim(rest);
    size_t digits = 0;
    while (digits < rest.len && ascii_digit(rest.ptr[digits]))
        digits++;
    if (digits && (!str_to_u64(str_upto(rest, digits), &times) || times == 0 || times > 1000000))
        return false;
    *rate = (uint32_t)n;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (!str_is(str_from(rest, digits), units[i].name))
            continue;
        *window_ms = times * units[i].ms;
        return true;
    }
    return false;
}

static void set_rule(const struct limit_reader *r, const struct config_node *n,
                     struct limit_plan *plan, const char *part)
{
    struct limit_rule *rule = &plan->rule;
    bool bucket = r->algorithm == LIMIT_BUCKET || r->algorithm == LIMIT_GCRA;
    str text;
    rule->algorithm = r->algorithm;
    if (!config__text(r->l, n, path_of(r, part), &text))
        return;
    if (!parse_rate(text, &rule->rate, &rule->window_ms)) {
        config__fault(r->l, config__place(r->l, n), path_of(r, part),
                      "expected a number and a time, as `100/h`, `10/s` or `5/10m`, not '%.*s'",
                      STR_ARG(str_upto(text, 60)));
        return;
    }
    rule->capacity =
        bucket ? (r->burst ? (uint32_t)r->burst : rule->rate) : rule->rate + (uint32_t)r->burst;
    const char *why = limit_unsound(rule);
    if (why)
        fault(r, n, part, why);
    if (r->out->cost > rule->capacity)
        fault(r, n, part, "the cost of a request is more than this allows at all");
    for (size_t i = 0; i < r->out->cost_count; i++)
        if (r->out->costs[i].cost > rule->capacity)
            fault(r, n, part, "the cost of a route is more than this allows at all");
}

static void take_plans(struct limit_reader *r, struct limit_plan *list)
{
    const struct config_node *rate = config__member(r->node, "rate");
    const struct config_node *plans = config__member(r->node, "plans");
    size_t count = 1;
    bool preset = rate != NULL;
    list[0].name = LIT("default");
    if (rate)
        set_rule(r, rate, &list[0], "rate");
    if (plans && plans->kind != NODE_MAP)
        fault(r, plans, "plans", "expected names with rates: { free: 100/h, pro: 1000/h }");
    for (const struct config_node *n = plans && plans->kind == NODE_MAP ? plans->child : NULL; n;
         n = n->next) {
        bool usual = str_is(n->key->text, "default");
        if (count == EDGE_PLANS_MOST || n->key->text.len == 0 || n->key->text.len > 40) {
            fault(r, n, "plans", "at most 15 plans, with names of 1 to 40 bytes");
            return;
        }
        struct limit_plan *p = &list[usual ? 0 : count++];
        if (usual && preset)
            fault(r, n, "plans", "`rate` is the default plan already");
        preset |= usual;
        p->name = n->key->text;
        set_rule(r, n, p, "plans");
    }
    if (!preset)
        fault(r, r->node, NULL, "needs a `rate`, for callers without a plan too");
    r->out->plans = list;
    r->out->plan_count = count;
}

/* ---- where it holds ---- */

static void take_path(struct limit_reader *r, const struct config_node *n, const char *part,
                      str *out)
{
    if (!n || !config__text(r->l, n, path_of(r, part), out))
        return;
    bool good = out->len > 0 && out->len <= 256 && (out->ptr[0] == '/' || str_is(*out, "*"));
    if (!good)
        fault(r, n, part, "expected a path such as `/v1/*`");
}

static void take_methods(struct limit_reader *r, const struct config_node *n, const char *part,
                         unsigned *out)
{
    str *list;
    size_t count;
    if (n && config__texts(r->l, n, path_of(r, part), &list, &count))
        config__methods(r->l, list, count, config__place(r->l, n), path_of(r, part), out);
    if (*out & 1u << METHOD_GET)
        *out |= 1u << METHOD_HEAD; /* HEAD does the same work */
}

static void take_match(struct limit_reader *r)
{
    static const char *const names[] = {"path", "methods"};
    const struct config_node *n = config__member(r->node, "match");
    r->out->path = (str){"", 0};
    if (!n || !config__members(r->l, n, path_of(r, "match"), names, COUNT_OF(names)))
        return;
    take_path(r, config__member(n, "path"), "match.path", &r->out->path);
    take_methods(r, config__member(n, "methods"), "match.methods", &r->out->methods);
}

static void take_key(struct limit_reader *r)
{
    static const char *const names[] = {"global", "address", "user", "api_key", "route"};
    static const unsigned parts[] = {0, PART_ADDRESS, PART_USER, PART_KEY, PART_ROUTE};
    const struct config_node *n = config__member(r->node, "key");
    r->out->parts = n ? 0 : PART_ADDRESS;
    if (n && n->kind == NODE_LIST && !n->child)
        fault(r, n, "key",
              "expected at least one of `address`, `user`, `api_key`, `route`, `global`");
    for (const struct config_node *i = n && n->kind == NODE_LIST ? n->child : n; i;
         i = i == n ? NULL : i->next) {
        int at = word_of(r, i, "key", names, COUNT_OF(names));
        r->out->parts |= at > 0 ? parts[at] : 0;
    }
}

static void take_cost(struct limit_reader *r, const struct config_node *n, const char *part,
                      uint32_t *out)
{
    uint64_t cost;
    *out = 1;
    if (n && config__whole(r->l, n, path_of(r, part), LIMIT_LOG_MOST, &cost))
        *out = (uint32_t)cost;
}

static void take_costs(struct limit_reader *r)
{
    static const char *const names[] = {"path", "methods", "cost"};
    const struct config_node *n = config__member(r->node, "costs");
    struct limit_cost *list = ARENA_ARRAY(&r->l->c->arena, struct limit_cost, EDGE_ITEMS_MOST);
    r->out->costs = list;
    if (n && n->kind != NODE_LIST)
        fault(r, n, "costs", "expected a list: [{ path: /v1/reports, cost: 10 }]");
    for (n = n && n->kind == NODE_LIST ? n->child : NULL; n; n = n->next) {
        if (r->out->cost_count == EDGE_ITEMS_MOST) {
            fault(r, n, "costs", "more than 256 routes");
            return;
        }
        struct limit_cost *c = &list[r->out->cost_count++];
        if (!config__members(r->l, n, path_of(r, "costs"), names, COUNT_OF(names)))
            return;
        take_path(r, config__member(n, "path"), "costs.path", &c->path);
        take_methods(r, config__member(n, "methods"), "costs.methods", &c->methods);
        take_cost(r, config__member(n, "cost"), "costs.cost", &c->cost);
    }
}

/* ---- where it is kept ---- */

static void take_store(struct limit_reader *r)
{
    static const char *const stores[] = {"local", "redis"}, *const fails[] = {"open", "closed",
                                                                              "local"};
    const struct config *c = r->l->c;
    const struct config_node *store = config__member(r->node, "store");
    const struct config_node *fail = config__member(r->node, "fail");
    int at = store ? word_of(r, store, "store", stores, COUNT_OF(stores)) : -1;
    r->out->shared = at < 0 ? c->limit_store == 2 || (c->limit_store == 0 && c->redis_url.len) : at;
    if (r->out->shared && !c->redis_url.len)
        fault(r, store ? store : r->node, "store", "redis needs redis.url");
    at = fail ? word_of(r, fail, "fail", fails, COUNT_OF(fails)) : -1;
    r->out->fail = (enum limit_fail)(at < 0 ? c->limit_fail : at);
}

static bool take_name(struct limit_reader *r)
{
    const struct config_node *n = config__member(r->node, "name");
    str name = {"", 0};
    if (!n) {
        fault(r, r->node, NULL, "a limit needs a `name`");
        return false;
    }
    if (!config__text(r->l, n, LIT("limits"), &name))
        return false;
    bool good = name.len > 0 && name.len <= 40;
    for (size_t i = 0; good && i < name.len; i++)
        good = ascii_alpha(name.ptr[i]) || ascii_digit(name.ptr[i]) || strchr("_-.", name.ptr[i]);
    if (!good)
        fault(r, n, "name", "expected letters, digits, `_`, `-` and `.`, 40 at most");
    const struct limit_config *first = r->l->c->edge.limits;
    for (const struct limit_config *o = first; good && o < r->out; o++)
        if (str_eq(o->name, name))
            fault(r, n, "name", "another limit has this name");
    r->out->name = name;
    return good;
}

static void take_limit(struct config_load *l, const struct config_node *n, struct limit_config *out)
{
    static const char *const names[] = {"name",  "match", "key",   "algorithm", "rate", "plans",
                                        "burst", "cost",  "costs", "store",     "fail"};
    static const char *const algorithms[] = {[LIMIT_FIXED] = "fixed_window",
                                             [LIMIT_SLIDING] = "sliding_window",
                                             [LIMIT_LOG] = "sliding_log",
                                             [LIMIT_BUCKET] = "token_bucket",
                                             [LIMIT_GCRA] = "gcra"};
    struct limit_reader r = {.l = l, .out = out, .node = n, .algorithm = LIMIT_SLIDING};
    if (!config__members(l, n, LIT("limits"), names, COUNT_OF(names)) || !take_name(&r))
        return;
    const struct config_node *a = config__member(n, "algorithm"), *b = config__member(n, "burst");
    int at = a ? word_of(&r, a, "algorithm", algorithms, COUNT_OF(algorithms)) : -1;
    r.algorithm = at < 0 ? LIMIT_SLIDING : (enum limit_algorithm)at;
    if (b)
        config__whole(l, b, path_of(&r, "burst"), LIMIT_CAPACITY_MOST, &r.burst);
    take_match(&r);
    take_key(&r);
    take_cost(&r, config__member(n, "cost"), "cost", &out->cost);
    take_costs(&r);
    take_store(&r);
    take_plans(&r, ARENA_ARRAY(&l->c->arena, struct limit_plan, EDGE_PLANS_MOST));
}

static void take_client(struct config_load *l, const struct config_node *n, struct edge_key *out)
{
    static const char *const names[] = {"sha256", "plan"};
    const struct config_node *digest, *plan;
    str path = LIT("rate_limit.clients"), text;
    size_t len = 0;
    if (!config__members(l, n, path, names, COUNT_OF(names)))
        return;
    digest = config__member(n, "sha256");
    plan = config__member(n, "plan");
    if (plan)
        config__text(l, plan, path, &out->plan);
    if (!digest || !config__text(l, digest, path, &text) ||
        sodium_hex2bin(out->sha256, sizeof out->sha256, text.ptr, text.len, NULL, &len, NULL) < 0 ||
        len != sizeof out->sha256)
        config__fault(l, config__place(l, digest ? digest : n), path,
                      "expected `sha256:` with the 64 digits that `printf %%s KEY | sha256sum` "
                      "prints");
}

static void make_clients(struct config_load *l)
{
    const struct config_node *n = l->clients;
    struct edge_key *list = ARENA_ARRAY(&l->c->arena, struct edge_key, EDGE_ITEMS_MOST);
    if (n && n->kind != NODE_LIST)
        config__fault(l, config__place(l, n), LIT("rate_limit.clients"), "expected a list");
    for (n = n && n->kind == NODE_LIST ? n->child : NULL; n; n = n->next) {
        if (l->c->edge.key_count == EDGE_ITEMS_MOST) {
            config__fault(l, config__place(l, n), LIT("rate_limit.clients"), "more than %d keys",
                          EDGE_ITEMS_MOST);
            break;
        }
        take_client(l, n, &list[l->c->edge.key_count++]);
    }
    l->c->edge.keys = list;
}

void config__limits(struct config_load *l)
{
    const struct config_node *n = l->limits;
    struct config *c = l->c;
    struct limit_config *list = ARENA_ARRAY(&c->arena, struct limit_config, EDGE_LIMITS_MOST);
    c->edge.limits = list;
    if (n && n->kind != NODE_LIST)
        config__fault(l, config__place(l, n), LIT("limits"), "expected a list of limits");
    for (n = n && n->kind == NODE_LIST ? n->child : NULL; n; n = n->next) {
        if (c->edge.limit_count == EDGE_LIMITS_MOST) {
            config__fault(l, config__place(l, n), LIT("limits"), "more than %d limits",
                          EDGE_LIMITS_MOST);
            break;
        }
        take_limit(l, n, &list[c->edge.limit_count++]);
    }
    make_clients(l);
    c->edge.key_header = c->limit_key_header;
    c->edge.keys_checked =
        c->auth_table.len && c->auth_keys && str_eqi(c->limit_key_header, LIT("X-API-Key"));
    c->edge.limit_keys = (size_t)c->limit_keys;
    c->edge.log_bytes = c->limit_log_memory;
    c->edge.ipv6_bits = (unsigned)c->limit_ipv6;
}
