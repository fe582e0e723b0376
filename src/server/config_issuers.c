/* config_issuers.c -- auth.issuers: others whose access tokens are taken. SPDX: Apache-2.0
 *   auth:
 *     issuers:
 *       - issuer: https://login.example.com/
 *         jwks: https://login.example.com/keys   # else from its openid-configuration
 *         audience: https://api.example.com
 *         algorithms: [RS256]
 *         account: email                         # claim
 *         column: email                          # of auth.table
 *         roles: realm_access.roles              # claim
 * Whether the column is there is for accounts_new to say. */
#include "server/config_edge.h"

#include "auth/issuer.h"

struct reader {
    struct config_load *l;
    const struct config_node *node;
    struct issuer_config *out;
};

#define PATH LIT("auth.issuers")
#define FAULT(r, n, ...) config__fault((r)->l, config__place((r)->l, n), PATH, __VA_ARGS__)

static bool take_text(const struct reader *r, const char *name, size_t most, str *out)
{
    const struct config_node *n = config__member(r->node, name);
    if (!n || !config__text(r->l, n, PATH, out))
        return false;
    if (out->len && out->len <= most && config__value_good(*out))
        return true;
    FAULT(r, n, "expected 1 to %zu bytes for `%s`, without line ends", most, name);
    return false;
}

/* What comes over plain http could be anybody's keys. */
static void take_url(const struct reader *r, const char *name, str *out)
{
    enum { URL_MOST = 900 };
    if (!take_text(r, name, URL_MOST, out))
        return;
    bool plain;
    str rest;
    if (!config__web(*out, &plain, &rest) || str_find(*out, '@') != STR_NONE ||
        str_find(*out, ' ') != STR_NONE)
        FAULT(r, config__member(r->node, name),
              "`%s` is an https:// URL without a name in it, not '%.*s'", name,
              STR_ARG(str_upto(*out, 60)));
}

static void take_algorithms(const struct reader *r)
{
    static const char *const words[] = {"EdDSA", "ES256", "RS256"};
    const struct config_node *n = config__member(r->node, "algorithms");
    enum jwt_alg alg;
    str *list;
    size_t count;
    r->out->algs = 1u << JWT_EDDSA | 1u << JWT_ES256 | 1u << JWT_RS256;
    if (!n || !config__texts(r->l, n, PATH, &list, &count))
        return;
    r->out->algs = 0;
    for (size_t i = 0; i < count; i++) {
        if (jwt_alg_find(list[i], &alg) && alg != JWT_HS256) {
            r->out->algs |= 1u << alg;
            continue;
        }
        const char *near = str_nearest(list[i], words, COUNT_OF(words));
        FAULT(r, n, "expected EdDSA, ES256 or RS256 in `algorithms`, not '%.*s'%s%s%s",
              STR_ARG(str_upto(list[i], 40)), near ? " (did you mean `" : "", near ? near : "",
              near ? "`?)" : "");
    }
    if (!count)
        FAULT(r, n, "expected EdDSA, ES256 or RS256 in `algorithms`");
}

static void check_names(const struct reader *r)
{
    const struct config *c = r->l->c;
    const struct issuer_config *o = r->out;
    if (!o->issuer.len && !config__member(r->node, "issuer"))
        FAULT(r, r->node, "an issuer needs `issuer`: the `iss` of its tokens");
    if (!o->audience.len && !config__member(r->node, "audience"))
        FAULT(r, r->node, "an issuer needs `audience`: else tokens for others are taken, too");
    if (str_eq(o->issuer, c->auth_issuer))
        FAULT(r, r->node, "'%.*s' is this server's own name (auth.issuer)", STR_ARG(o->issuer));
    for (size_t i = 0; i < c->issuer_count; i++)
        if (&c->issuers[i] < o && o->issuer.len && str_eq(c->issuers[i].issuer, o->issuer))
            FAULT(r, r->node, "'%.*s' is there twice", STR_ARG(o->issuer));
    if (o->column.len && !o->account.len)
        FAULT(r, r->node, "`column` needs `account`: the claim that is looked for in it");
}

static void take(struct config_load *l, const struct config_node *n, struct issuer_config *out)
{
    static const char *const names[] = {"issuer", "jwks",    "audience", "algorithms",
                                        "typ",    "account", "column",   "roles"};
    enum { NAME_MOST = 200, AUDIENCE_MOST = 900 };
    struct reader r = {l, n, out};
    if (!config__members(l, n, PATH, names, COUNT_OF(names)))
        return;
    take_url(&r, "issuer", &out->issuer);
    take_url(&r, "jwks", &out->jwks);
    take_text(&r, "audience", AUDIENCE_MOST, &out->audience);
    take_text(&r, "typ", NAME_MOST, &out->typ);
    take_text(&r, "account", NAME_MOST, &out->account);
    take_text(&r, "column", NAME_MOST, &out->column);
    take_text(&r, "roles", NAME_MOST, &out->roles);
    take_algorithms(&r);
    check_names(&r);
}

void config__issuers(struct config_load *l)
{
    struct config *c = l->c;
    const struct config_node *n = l->issuers;
    struct issuer_config *list = ARENA_ARRAY(&c->arena, struct issuer_config, ISSUERS_MOST);
    c->issuers = list;
    if (!n)
        return;
    if (n->kind != NODE_LIST) {
        config__fault(l, config__place(l, n), PATH,
                      "expected a list: [{ issuer: https://..., audience: ... }]");
        return;
    }
    if (!c->auth_table.len)
        config__fault(l, config__place(l, n), PATH, "needs auth.table");
    for (n = n->child; n; n = n->next) {
        if (c->issuer_count == ISSUERS_MOST) {
            config__fault(l, config__place(l, n), PATH, "more than %d issuers", ISSUERS_MOST);
            break;
        }
        list[c->issuer_count] = (struct issuer_config){0};
        take(l, n, &list[c->issuer_count++]);
    }
}
