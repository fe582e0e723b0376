/* config_oauth.c -- oauth.clients and oauth.scopes: apps that people may let in. SPDX: Apache-2.0
 *   oauth:
 *     scopes:
 *       posts.read: { text: Read your posts, can: [posts:read] }
 *     clients:
 *       - id: shop
 *         name: The Shop
 *         secret: file:secrets/shop          # or secret_hash, or jwks; else a public client
 *         redirect_uris: [https://shop.example.com/callback]
 *         scopes: [openid, email, offline_access, posts.read]
 *         grants: [authorization_code, refresh_token]
 *         roles: [reporter]                  # of client_credentials
 * Whether tables, roles and columns are there is for signin.c to say. */
#include "server/config_edge.h"

#include "auth/clients.h"
#include "auth/jwt.h"

struct reader {
    struct config_load *l;
    const struct config_node *node;
    struct app_client *out;
};

enum { NAME_MOST = 100, TEXT_MOST = 200 };

#define CLIENTS LIT("oauth.clients")
#define SCOPES LIT("oauth.scopes")
#define FAULT(r, n, ...) config__fault((r)->l, config__place((r)->l, n), CLIENTS, __VA_ARGS__)

/* ---- scopes ---- */

static bool scope_name_good(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == '"' || s.ptr[i] == '\\')
            return false;
    }
    return s.len > 0 && s.len <= NAME_MOST;
}

static void take_scope(struct config_load *l, const struct config_node *n, struct clients *c,
                       struct client_scope *out)
{
    static const char *const names[] = {"text", "can"};
    str *list = NULL;
    out->name = n->key->text;
    if (!scope_name_good(out->name) || scope_find(c, out->name))
        config__fault(l, config__place(l, n->key), SCOPES,
                      "a scope's name has visible ASCII without quotes, and is not one that is "
                      "always there (openid, profile, email, offline_access)");
    if (!config__members(l, n, SCOPES, names, COUNT_OF(names)))
        return;
    const struct config_node *text = config__member(n, "text"), *can = config__member(n, "can");
    if (text && config__text(l, text, SCOPES, &out->text) && out->text.len > TEXT_MOST)
        config__fault(l, config__place(l, text), SCOPES, "`text` has 200 bytes at most");
    if (can && config__texts(l, can, SCOPES, &list, &out->can_count))
        out->can = list;
    if (!out->can_count)
        config__fault(l, config__place(l, n), SCOPES,
                      "a scope needs `can`: what it allows, such as [posts:read]");
}

static void take_scopes(struct config_load *l, const struct config_node *n)
{
    struct clients *c = &l->c->clients;
    struct client_scope *list = ARENA_ARRAY(&l->c->arena, struct client_scope, SCOPES_MOST);
    c->scopes = list;
    if (!n)
        return;
    if (n->kind != NODE_MAP) {
        config__fault(l, config__place(l, n), SCOPES,
                      "expected names: { posts.read: { text: ..., can: [posts:read] } }");
        return;
    }
    for (n = n->child; n; n = n->next) {
        if (c->scope_count == SCOPES_MOST) {
            config__fault(l, config__place(l, n), SCOPES, "more than %d scopes", SCOPES_MOST);
            return;
        }
        list[c->scope_count] = (struct client_scope){0};
        take_scope(l, n, c, &list[c->scope_count]);
        c->scope_count++;
    }
}

/* ---- clients ---- */

static bool id_good(str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = ascii_lower(id.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !ascii_digit(c) && c != '-' && c != '_' && c != '.' &&
            c != '~')
            return false;
    }
    return id.len > 0 && id.len <= CLIENT_ID_MOST && !str_is(id, "cairn");
}

static void take_names(const struct reader *r)
{
    const struct config_node *id = config__member(r->node, "id");
    const struct config_node *name = config__member(r->node, "name");
    const struct clients *c = &r->l->c->clients;
    if (!id || !config__text(r->l, id, CLIENTS, &r->out->id) || !id_good(r->out->id))
        FAULT(r, id ? id : r->node,
              "a client needs `id`: 1 to 100 letters, digits and -_.~ (and not `cairn`)");
    for (size_t i = 0; i < c->count; i++)
        if (&c->list[i] < r->out && r->out->id.len && str_eq(c->list[i].id, r->out->id))
            FAULT(r, id, "'%.*s' is there twice", STR_ARG(r->out->id));
    r->out->name = r->out->id;
    if (name && config__text(r->l, name, CLIENTS, &r->out->name) &&
        (!r->out->name.len || r->out->name.len > NAME_MOST))
        FAULT(r, name, "`name` has 1 to 100 bytes");
}

static void take_list(const struct reader *r, const char *name, const str **out, size_t *count)
{
    const struct config_node *n = config__member(r->node, name);
    str *list;
    *count = 0;
    if (!n || !config__texts(r->l, n, CLIENTS, &list, count))
        return;
    *out = list;
    if (*count <= CLIENT_LISTS_MOST)
        return;
    FAULT(r, n, "%d items of `%s` at most", CLIENT_LISTS_MOST, name);
    *count = 0;
}

static void take_grants(const struct reader *r)
{
    static const char *const words[] = {"authorization_code", "refresh_token",
                                        "client_credentials"};
    const struct config_node *n = config__member(r->node, "grants");
    str *list;
    size_t count, at;
    r->out->grants = GRANT_CODE;
    if (!n || !config__texts(r->l, n, CLIENTS, &list, &count))
        return;
    r->out->grants = 0;
    for (size_t i = 0; i < count; i++) {
        for (at = 0; at < COUNT_OF(words) && !str_is(list[i], words[at]);)
            at++;
        if (at < COUNT_OF(words)) {
            r->out->grants |= 1u << at;
            continue;
        }
        const char *near = str_nearest(list[i], words, COUNT_OF(words));
        FAULT(r, n, "no grant: '%.*s'%s%s%s", STR_ARG(str_upto(list[i], 40)),
              near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    }
}

static bool unhex(str text, unsigned char out[SECRET_DIGEST])
{
    static const char digits[] = "0123456789abcdef";
    if (text.len != 2 * SECRET_DIGEST)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = strchr(digits, ascii_lower(text.ptr[i]));
        if (!at || !*at)
            return false;
        out[i / 2] = (unsigned char)(out[i / 2] << 4 | (at - digits));
    }
    return true;
}

/* A file with a JWK set; its public half is enough, and all that may be there. */
static void take_keys(const struct reader *r, const struct config_node *n)
{
    struct err why = {0};
    unsigned mode;
    str path, text;
    if (!config__text(r->l, n, CLIENTS, &path))
        return;
    path = config__join(&r->l->c->arena, r->l->c->dir, path);
    if (config__read(&r->l->c->arena, path, CONFIG_TEXT_MOST, &text, &mode, &why) < 0)
        FAULT(r, n, "%s", why.text);
    else if (!client_keys_good(text))
        FAULT(r, n, "'%.*s' is no JWK set of public keys for EdDSA, ES256 or RS256", STR_ARG(path));
    else
        r->out->jwks = text;
}

static void take_secret(const struct reader *r)
{
    static const struct config_key key = {.path = "oauth.clients"};
    const struct config_node *plain = config__member(r->node, "secret");
    const struct config_node *hash = config__member(r->node, "secret_hash");
    const struct config_node *keys = config__member(r->node, "jwks");
    str text;
    r->out->has_secret = plain || hash || keys;
    if ((plain && hash) || (keys && (plain || hash)))
        FAULT(r, keys ? keys : hash, "one of `secret`, `secret_hash` and `jwks`");
    if (keys)
        take_keys(r, keys);
    if (plain && plain->kind != NODE_SCALAR)
        FAULT(r, plain, "expected a text");
    else if (plain &&
             config__secret(r->l, &key, plain->text, config__place(r->l, plain), true, &text)) {
        if (text.len < SECRET_LEAST)
            FAULT(r, plain, "a secret is random and has %d characters at least", SECRET_LEAST);
        client_secret_hash(text, r->out->secret);
    }
    if (hash && (!config__text(r->l, hash, CLIENTS, &text) || !unhex(text, r->out->secret)))
        FAULT(r, hash, "`secret_hash` is the SHA-256 of the secret: 64 hexadecimal digits");
}

static void check_redirects(const struct reader *r)
{
    const struct config_node *n = config__member(r->node, "redirect_uris");
    const struct app_client *o = r->out;
    for (size_t i = 0; i < o->redirect_count; i++)
        if (!client_redirect_good(o->redirects[i]))
            FAULT(r, n,
                  "'%.*s': a redirect URI is https://HOST/..., http://127.0.0.1/..., or of an "
                  "app's own scheme with a dot in it (com.example.app:/...); no fragment, no `*`",
                  STR_ARG(str_upto(o->redirects[i], 80)));
    if ((o->grants & GRANT_CODE) && !o->redirect_count)
        FAULT(r, r->node, "authorization_code needs `redirect_uris`");
}

static void check_scopes(const struct reader *r)
{
    const struct config_node *n = config__member(r->node, "scopes");
    const struct app_client *o = r->out;
    const struct clients *c = &r->l->c->clients;
    const char *names[SCOPES_MOST + 4] = {"openid", "profile", "email", "offline_access"};
    size_t count = 4;
    for (size_t i = 0; i < c->scope_count; i++)
        names[count++] = arena_str(&r->l->c->arena, c->scopes[i].name).ptr;
    for (size_t i = 0; i < o->scope_count; i++) {
        if (scope_find(c, o->scopes[i]))
            continue;
        const char *near = str_nearest(o->scopes[i], names, count);
        FAULT(r, n, "there is no scope '%.*s'%s%s%s", STR_ARG(str_upto(o->scopes[i], 60)),
              near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    }
    if (!o->scope_count)
        FAULT(r, r->node, "a client needs `scopes`: what it may ask for");
}

static void check_grants(const struct reader *r)
{
    const struct app_client *o = r->out;
    if (!o->grants)
        FAULT(r, r->node, "a client needs one of `grants`");
    if ((o->grants & GRANT_REFRESH) && !(o->grants & GRANT_CODE))
        FAULT(r, r->node, "refresh_token needs authorization_code, too");
    if ((o->grants & GRANT_ITSELF) && !o->has_secret)
        FAULT(r, r->node, "client_credentials needs a secret");
    if (o->role_count && !(o->grants & GRANT_ITSELF))
        FAULT(r, config__member(r->node, "roles"),
              "`roles` are those of client_credentials; people have their own");
    if (o->inspects && !o->has_secret)
        FAULT(r, r->node, "`introspect` needs a secret");
}

static void check_roles(const struct reader *r)
{
    const struct config_node *n = config__member(r->node, "roles");
    for (size_t i = 0; i < r->out->role_count; i++) {
        const char *near;
        if (!config__role_known(r->l->c, r->out->roles[i], &near))
            FAULT(r, n, "there is no role '%.*s'%s%s%s", STR_ARG(str_upto(r->out->roles[i], 60)),
                  near ? " (did you mean `" : "", near ? near : "", near ? "`?)" : "");
    }
}

static void take(struct config_load *l, const struct config_node *n, struct app_client *out)
{
    static const char *const names[] = {
        "id",     "name",   "secret", "secret_hash", "redirect_uris",
        "scopes", "grants", "roles",  "introspect",  "jwks"};
    struct reader r = {l, n, out};
    if (!config__members(l, n, CLIENTS, names, COUNT_OF(names)))
        return;
    take_names(&r);
    take_secret(&r);
    take_grants(&r);
    take_list(&r, "redirect_uris", &out->redirects, &out->redirect_count);
    take_list(&r, "scopes", &out->scopes, &out->scope_count);
    take_list(&r, "roles", &out->roles, &out->role_count);
    const struct config_node *inspects = config__member(n, "introspect");
    if (inspects)
        config__flag(l, inspects, CLIENTS, &out->inspects);
    check_redirects(&r);
    check_scopes(&r);
    check_grants(&r);
    check_roles(&r);
}

/* ---- what it needs elsewhere ---- */

/* "https://host", and on the loopback "http://host". */
static bool origin_good(str url)
{
    bool plain;
    str rest;
    return config__web(url, &plain, &rest) && !rest.len;
}

static void check_rest(struct config_load *l, const struct config_node *n)
{
    const struct config *c = l->c;
    str url = str_starts(c->auth_issuer, LIT("http")) ? c->auth_issuer : c->public_url;
    str place = config__place(l, n);
    if (str_ends(url, LIT("/")))
        url.len--;
    if (!c->auth_table.len)
        config__fault(l, place, CLIENTS, "needs auth.table");
    if (!c->auth_cookies)
        config__fault(l, place, CLIENTS, "needs auth.cookies: people sign in on a page");
    if (c->auth_algorithm == JWT_HS256)
        config__fault(l, place, CLIENTS,
                      "auth.algorithm HS256 cannot be checked by others; EdDSA, ES256 or RS256");
    if (!url.len && c->mode == MODE_PRODUCTION)
        config__fault(l, place, CLIENTS,
                      "needs server.public_url (or auth.issuer, an https:// URL): the issuer's "
                      "name");
    else if (url.len && !origin_good(url))
        config__fault(l, place, CLIENTS,
                      "the issuer's name is https://HOST without a path, not '%.*s': set "
                      "auth.issuer, or server.public_url",
                      STR_ARG(str_upto(url, 80)));
}

void config__oauth(struct config_load *l)
{
    struct clients *c = &l->c->clients;
    const struct config_node *n = l->oauth_clients;
    struct app_client *list = ARENA_ARRAY(&l->c->arena, struct app_client, CLIENTS_MOST);
    c->list = list;
    c->refresh_s = (int64_t)l->c->oauth_refresh / 1000;
    take_scopes(l, l->oauth_scopes);
    if (!n)
        return;
    if (n->kind != NODE_LIST) {
        config__fault(l, config__place(l, n), CLIENTS,
                      "expected a list: [{ id: ..., redirect_uris: [...], scopes: [...] }]");
        return;
    }
    const struct config_node *first = n->child;
    for (const struct config_node *at = first; at; at = at->next) {
        if (c->count == CLIENTS_MOST) {
            config__fault(l, config__place(l, at), CLIENTS, "more than %d clients", CLIENTS_MOST);
            break;
        }
        list[c->count] = (struct app_client){0};
        take(l, at, &list[c->count++]);
    }
    if (c->count)
        check_rest(l, n);
}
