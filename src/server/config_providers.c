/* config_providers.c -- auth.providers: where people may sign in, too. SPDX: Apache-2.0
 *   auth:
 *     providers:
 *       - preset: google                       # google, github, microsoft, apple, gitlab
 *         client_id: 1234.apps.googleusercontent.com
 *         client_secret: ${GOOGLE_SECRET}
 *       - name: corp                           # any other that speaks OpenID Connect
 *         issuer: https://login.example.com
 *         client_id: cairn
 *         client_secret: file:corp.secret
 */
#include "server/config_edge.h"

#include "auth/provider.h"

enum { NAME_MOST = 40, URL_MOST = 500, ID_MOST = 500, SCOPE_MOST = 500 };

enum preset_kind { PRESET_OIDC, PRESET_MICROSOFT, PRESET_APPLE, PRESET_GITHUB };
static const struct provider_preset {
    const char *name;
    enum preset_kind kind;
    const char *base, *scope;
} presets[] = {
#define X(name, kind, base, scope) {name, kind, base, scope},
#include "server/provider_presets.def"
#undef X
};
static const char *const preset_names[] = {
#define X(name, kind, base, scope) name,
#include "server/provider_presets.def"
#undef X
};

struct reader {
    struct config_load *l;
    const struct config_node *node;
    struct provider_config *out;
    const struct provider_preset *preset; /* NULL: none */
};

#define PATH LIT("auth.providers")
#define CONSUMERS "9188040d-6c67-4c5b-b112-36a304b66dad" /* Microsoft's accounts of anybody */
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

static void take_secret(const struct reader *r, const char *name, str *out)
{
    const struct config_key key = {.path = "auth.providers"};
    const struct config_node *n = config__member(r->node, name);
    if (n && n->kind != NODE_SCALAR)
        FAULT(r, n, "expected a secret for `%s`", name);
    else if (n && config__secret(r->l, &key, n->text, config__place(r->l, n), true, out) &&
             !out->len)
        FAULT(r, n, "`%s` is empty: leave it out where there is no secret", name);
}

/* What comes over plain http could be from anybody. */
static void take_url(const struct reader *r, const char *name, str *out)
{
    if (!take_text(r, name, URL_MOST, out))
        return;
    bool plain;
    str rest;
    if (!config__web(*out, &plain, &rest) || str_find(*out, '@') != STR_NONE ||
        str_find(*out, ' ') != STR_NONE || str_find(*out, '?') != STR_NONE ||
        str_find(*out, '#') != STR_NONE)
        FAULT(r, config__member(r->node, name),
              "`%s` is an https:// URL without a name or a query in it, not '%.*s'", name,
              STR_ARG(str_upto(*out, 60)));
}

/* ---- the members ---- */

static void take_preset(struct reader *r)
{
    str name;
    if (!take_text(r, "preset", NAME_MOST, &name))
        return;
    for (size_t i = 0; i < COUNT_OF(presets); i++) {
        if (str_is(name, presets[i].name))
            r->preset = &presets[i];
    }
    const char *near = str_nearest(name, preset_names, COUNT_OF(preset_names));
    if (!r->preset)
        FAULT(
            r, config__member(r->node, "preset"),
            "there is no preset '%.*s': expected google, github, microsoft, apple or gitlab%s%s%s",
            STR_ARG(name), near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
}

/* It stands in addresses and in a cookie's name. */
static void take_name(const struct reader *r)
{
    const struct config *c = r->l->c;
    str *out = &r->out->name;
    bool given = take_text(r, "name", NAME_MOST, out), good = true;
    if (!given)
        *out = r->preset ? str_of(r->preset->name) : LIT("");
    for (size_t i = 0; i < out->len; i++) {
        char ch = out->ptr[i];
        good = good && ((ch >= 'a' && ch <= 'z') || ascii_digit(ch) || ch == '-');
    }
    if (given && (!good || str_is(*out, "ticket")))
        FAULT(r, config__member(r->node, "name"),
              "a provider's `name` has a-z, 0-9 and - in it, and is not ticket");
    for (size_t i = 0; i < c->provider_count; i++)
        if (&c->providers[i] < r->out && out->len && str_eq(c->providers[i].name, *out))
            FAULT(r, r->node, "a provider of the name '%.*s' is there twice", STR_ARG(*out));
}

static bool uuid(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.ptr[i] != '-' : !ascii_digit(s.ptr[i]) && !strchr("abcdef", s.ptr[i]))
            return false;
    }
    return s.len == 36;
}

/* The issuer of ID tokens has the directory's id in it, never its domain. */
static void microsoft(const struct reader *r, str base)
{
    struct arena *a = &r->l->c->arena;
    str tenant = LIT("common");
    bool given = take_text(r, "tenant", NAME_MOST, &tenant);
    r->out->edov = true;
    r->out->tenants = str_is(tenant, "common") || str_is(tenant, "organizations");
    if (given && !r->out->tenants && !str_is(tenant, "consumers") && !uuid(tenant))
        FAULT(r, config__member(r->node, "tenant"),
              "`tenant` is the id of a directory (a UUID in small letters), `common`, "
              "`organizations` or `consumers`");
    r->out->discovery = arena_printf(a, "%.*s/%.*s/v2.0", STR_ARG(base), STR_ARG(tenant));
    r->out->jwks = arena_printf(a, "%.*s/%.*s/discovery/v2.0/keys", STR_ARG(base), STR_ARG(tenant));
    str in = r->out->tenants               ? LIT("{tenantid}")
             : str_is(tenant, "consumers") ? LIT(CONSUMERS)
                                           : tenant;
    r->out->issuer = arena_printf(a, "%.*s/%.*s/v2.0", STR_ARG(base), STR_ARG(in));
}

/* GitHub Enterprise has its API at the same host. */
static void github(const struct reader *r, str base, bool given)
{
    struct arena *a = &r->l->c->arena;
    str api = given ? arena_printf(a, "%.*s/api/v3", STR_ARG(base)) : LIT("https://api.github.com");
    r->out->authorize = arena_printf(a, "%.*s/login/oauth/authorize", STR_ARG(base));
    r->out->token = arena_printf(a, "%.*s/login/oauth/access_token", STR_ARG(base));
    r->out->user = arena_printf(a, "%.*s/user", STR_ARG(api));
    r->out->emails = arena_printf(a, "%.*s/user/emails", STR_ARG(api));
}

static void apple(const struct reader *r)
{
    struct err err = {0};
    r->out->form_post = true;
    take_text(r, "team_id", NAME_MOST, &r->out->team);
    take_text(r, "key_id", NAME_MOST, &r->out->key_id);
    take_secret(r, "key", &r->out->key);
    if (!r->out->team.len || !r->out->key_id.len || !config__member(r->node, "key"))
        FAULT(r, r->node, "apple needs `team_id`, `key_id` and `key`: the file that Apple gave");
    else if (r->out->key.len && provider_key_check(r->out->key, r->out->key_id, &err) < 0)
        FAULT(r, config__member(r->node, "key"), "the key cannot be used: %s", err.text);
}

static void take_place(const struct reader *r)
{
    struct provider_config *o = r->out;
    bool given = config__member(r->node, "issuer") != NULL;
    take_url(r, "issuer", &o->issuer);
    if (!r->preset && !given && !config__member(r->node, "preset"))
        FAULT(r, r->node, "a provider needs `preset`, or `issuer`: the `iss` of its ID tokens");
    if (!r->preset)
        return;
    str base = given ? o->issuer : str_of(r->preset->base);
    if (str_ends(base, LIT("/")) && r->preset->kind != PRESET_OIDC)
        base.len--;
    o->issuer = r->preset->kind == PRESET_GITHUB ? LIT("") : base;
    if (r->preset->kind == PRESET_MICROSOFT)
        microsoft(r, base);
    else if (r->preset->kind == PRESET_GITHUB)
        github(r, base, given);
    else if (r->preset->kind == PRESET_APPLE)
        apple(r);
}

static void check_client(const struct reader *r)
{
    if (!r->out->client_id.len && !config__member(r->node, "client_id"))
        FAULT(r, r->node, "a provider needs `client_id`: what it calls this application");
    if (r->preset && r->preset->kind != PRESET_APPLE && !config__member(r->node, "client_secret"))
        FAULT(r, r->node, "%s needs `client_secret`", r->preset->name);
    if (!r->preset && !r->out->name.len && !config__member(r->node, "preset"))
        FAULT(r, r->node, "a provider without a preset needs `name`");
}

/* The directory of those who have none. */
static bool of_anybody(const struct provider_config *c)
{
    return c->edov && str_ends(c->issuer, LIT("/" CONSUMERS "/v2.0"));
}

/* Without openid there is no ID token; Apple gives one always, GitHub never. */
static void check_scopes(const struct reader *r)
{
    enum preset_kind kind = r->preset ? r->preset->kind : PRESET_OIDC;
    const struct config_node *n = config__member(r->node, "scopes");
    str rest = r->out->scope;
    while (rest.ptr && rest.len) {
        if (str_is(str_cut(&rest, ' '), "openid"))
            return;
    }
    if (n && kind != PRESET_APPLE && kind != PRESET_GITHUB)
        FAULT(r, n, "`scopes` needs `openid`, or there is no ID token to tell who signs in");
}

/* Members that only one preset has. */
static void check_only(const struct reader *r, const char *name, enum preset_kind kind)
{
    const struct config_node *n = config__member(r->node, name);
    if (n && (!r->preset || r->preset->kind != kind))
        FAULT(r, n, "`%s` belongs to the preset %s", name,
              kind == PRESET_APPLE ? "apple" : "microsoft");
}

static void take(struct config_load *l, const struct config_node *n, struct provider_config *out)
{
    static const char *const names[] = {"preset",        "name",   "issuer",     "client_id",
                                        "client_secret", "scopes", "team_id",    "key_id",
                                        "key",           "tenant", "trust_email"};
    struct reader r = {l, n, out, NULL};
    if (!config__members(l, n, PATH, names, COUNT_OF(names)))
        return;
    take_preset(&r);
    take_name(&r);
    take_place(&r);
    take_text(&r, "client_id", ID_MOST, &out->client_id);
    take_secret(&r, "client_secret", &out->client_secret);
    out->scope = r.preset ? str_of(r.preset->scope) : LIT("openid email profile");
    take_text(&r, "scopes", SCOPE_MOST, &out->scope);
    const struct config_node *trust = config__member(n, "trust_email");
    if (trust)
        config__flag(l, trust, PATH, &out->trust_email);
    if (trust && out->trust_email && (out->tenants || of_anybody(out)))
        FAULT(&r, trust,
              "`trust_email` needs a `tenant` of your own: any directory, and who has an account "
              "without one, could name any address");
    check_scopes(&r);
    check_client(&r);
    check_only(&r, "tenant", PRESET_MICROSOFT);
    check_only(&r, "team_id", PRESET_APPLE);
    check_only(&r, "key_id", PRESET_APPLE);
    check_only(&r, "key", PRESET_APPLE);
}

void config__providers(struct config_load *l)
{
    struct config *c = l->c;
    const struct config_node *n = l->providers;
    struct provider_config *list = ARENA_ARRAY(&c->arena, struct provider_config, PROVIDERS_MOST);
    c->providers = list;
    if (!n)
        return;
    if (n->kind != NODE_LIST) {
        config__fault(l, config__place(l, n), PATH,
                      "expected a list: [{ preset: google, client_id: ..., client_secret: ... }]");
        return;
    }
    if (!c->auth_table.len)
        config__fault(l, config__place(l, n), PATH, "needs auth.table");
    if (!c->public_url.len && c->mode != MODE_DEVELOPMENT)
        config__fault(l, config__place(l, n), PATH,
                      "needs server.public_url: providers send browsers back to it");
    for (n = n->child; n; n = n->next) {
        if (c->provider_count == PROVIDERS_MOST) {
            config__fault(l, config__place(l, n), PATH, "more than %d providers", PROVIDERS_MOST);
            break;
        }
        list[c->provider_count] = (struct provider_config){0};
        take(l, n, &list[c->provider_count++]);
    }
}
