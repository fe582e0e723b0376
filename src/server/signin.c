/* signin.c -- what signing in and access rules need of the settings. SPDX: Apache-2.0
 * Without roles: and access: every table is open, as it was before there were accounts; but the
 * column of password hashes is closed in any case. */
#include "server/signin.h"

#include "oauth/oauth.h"
#include "observe/log.h"
#include "server/config_priv.h"
#include "server/roles.h"
#include "server/server_priv.h"

#include <stdio.h>
#include <time.h>

enum { MS = 1000 };

static void say_made(const char *path)
{
    log_event_str(LOG_INFO, "keys made: keep them, and keep them secret", "file", str_of(path));
}

/* Its path is the project's, as all in the settings. */
static str breached(struct world *w)
{
    const struct config *c = w->config;
    return c->auth_breached.len ? config__join(&w->arena, c->dir, c->auth_breached) : LIT("");
}

struct password_config signin_passwords(const struct config *c)
{
    return (struct password_config){.memory_kib = (unsigned)(c->auth_hash_memory / 1024),
                                    .passes = (unsigned)c->auth_hash_passes,
                                    .threads = (unsigned)c->auth_hash_threads,
                                    .queue = (unsigned)c->auth_hash_queue};
}

void signin_keys_file(const struct config *c, char *out, size_t room)
{
    snprintf(out, room, "%.*s/auth.keys", STR_ARG(c->data_path));
}

/* Scheme and host of our own pages. In development the address that it listens on will do. */
static str page_url(const struct config *c, struct arena *a)
{
    str first = c->listen;
    first = str_trim(str_cut(&first, ','));
    if (c->public_url.len || c->mode != MODE_DEVELOPMENT || str_starts(first, LIT("unix:")))
        return str_ends(c->public_url, LIT("/")) ? str_upto(c->public_url, c->public_url.len - 1)
                                                 : c->public_url;
    if (str_starts(first, LIT("0.0.0.0:")))
        return arena_printf(a, "http://127.0.0.1%.*s", STR_ARG(str_from(first, 7)));
    return arena_printf(a, "http://%.*s", STR_ARG(first));
}

/* The name that tokens bear: what apps find us by must be an address. Kept as long as the identity.
 */
static str issuer_name(const struct config *c)
{
    enum { MEMORY = 1 << 16, NAME_MOST = 1024 };
    static char kept[NAME_MOST];
    struct arena a;
    str name = c->auth_issuer;
    if (!c->clients.count)
        return name;
    arena_init(&a, MEMORY);
    if (!str_starts(name, LIT("http")))
        name = page_url(c, &a);
    if (str_ends(name, LIT("/")))
        name.len--;
    snprintf(kept, sizeof kept, "%.*s", STR_ARG(name));
    arena_reset(&a);
    return str_of(kept);
}

int signin_open(const struct config *c, struct client *client, struct identity **out,
                struct err *err)
{
    static char path[KEYS_PATH_MOST]; /* as long as the identity; one a process */
    bool made;
    *out = NULL;
    if (!c->auth_table.len)
        return 0;
    signin_keys_file(c, path, sizeof path);
    struct identity_config i = {.file = path,
                                .issuer = issuer_name(c),
                                .audience = c->auth_audience,
                                .alg = (enum jwt_alg)c->auth_algorithm, /* the words' order */
                                .access_seconds = (int64_t)c->auth_access_ttl / MS,
                                .passwords = signin_passwords(c),
                                .issuers = c->issuers,
                                .issuer_count = c->issuer_count,
                                .providers = c->providers,
                                .provider_count = c->provider_count,
                                .issuer_times = {(int64_t)c->auth_issuer_refresh,
                                                 (int64_t)c->auth_issuer_keys,
                                                 (int64_t)c->auth_issuer_stale},
                                .client = client};
    secret_dirs(c);
    TRY(identity_open(&i, out, &made, err));
    if (made)
        say_made(path);
    return 0;
}

int signin_tables(const struct config *c, struct db_admin *a, struct err *err)
{
    if (!c->auth_table.len)
        return 0;
    TRY(db_admin_script(a, str_of(account_tables(config_dialect(c))), NULL, err));
    return db_admin_script(a, str_of(oauth_tables(config_dialect(c))), NULL, err);
}

int signin_recall(struct db_admin *a, struct identity *identity, struct err *err)
{
    return identity ? account_recall(a, identity, (int64_t)time(NULL), err) : 0;
}

static bool trusts(const struct request *rq)
{
    const struct world *w = rq->world;
    return edge_trusts(w->edge, rq);
}

static str client(struct request *rq, bool network)
{
    const struct world *w = rq->world;
    return edge_client_text(w->edge, rq, network);
}

static struct account_config account_settings(const struct config *c)
{
    static const char *const same_site[] = {"Lax", "Strict", "None"}; /* the words' order */
    return (struct account_config){.prefix = c->prefixes[c->edge.versions.fallback],
                                   .prefixes = c->prefixes,
                                   .prefix_count = c->prefix_count,
                                   .dialect = config_dialect(c),
                                   .table = c->auth_table,
                                   .issuers = c->issuers,
                                   .issuer_count = c->issuer_count,
                                   .providers = c->providers,
                                   .provider_count = c->provider_count,
                                   .return_urls = c->auth_return,
                                   .login = c->auth_login,
                                   .password = c->auth_password,
                                   .roles = c->auth_roles,
                                   .email = c->auth_email,
                                   .verified = c->auth_verified,
                                   .claims = c->auth_claims,
                                   .registration_claims = c->auth_registration_claims,
                                   .reset_keys = c->auth_reset_keys,
                                   .default_role = c->auth_default_role,
                                   .registration = c->auth_registration,
                                   .refresh_s = (int64_t)c->auth_refresh_ttl / MS,
                                   .idle_s = (int64_t)c->auth_idle_ttl / MS,
                                   .reuse_s = (int64_t)c->auth_reuse / MS,
                                   .password_least = c->auth_password_length,
                                   .breached = c->auth_breached,
                                   .audit = c->auth_audit,
                                   .audit_keep_ms = (int64_t)c->auth_audit_keep,
                                   .link_url = c->auth_link,
                                   .link_s = (int64_t)c->auth_link_ttl / MS,
                                   .mails = c->auth_mails,
                                   .attempts = c->auth_attempts,
                                   .cookies = c->auth_cookies,
                                   .cookie_name = c->auth_cookie_name,
                                   .same_site = str_of(same_site[c->auth_cookie_same_site]),
                                   .development = c->mode == MODE_DEVELOPMENT,
                                   .csrf_token = c->auth_csrf_token,
                                   .public_url = c->public_url,
                                   .trusts = trusts,
                                   .client = client,
                                   .redis = c->auth_session_store == 1,
                                   .keys = c->auth_keys,
                                   .basic = c->auth_basic,
                                   .passkeys = c->auth_passkeys,
                                   .mfa = (enum mfa_rule)c->auth_mfa, /* the words' order */
                                   .key_s = (int64_t)c->auth_key_ttl / MS};
}

static void tell_faults(const struct access *x)
{
    const str *list;
    size_t count = access_faults(x, &list);
    for (size_t i = 0; i < count; i++)
        log_event_str(LOG_WARN, "left out of roles and rules", "why", list[i]);
}

static int access_rules(const struct config *c, const struct schema *schema,
                        const struct role_rows *rows, struct arena *a, struct access **out,
                        struct err *err)
{
    static const str anyone[] = {STR_INIT(ROLE_ANYONE)};
    static const struct access_rule_wish open = {.table = STR_INIT("*"),
                                                 .place = STR_INIT("no access: in cairn.yaml"),
                                                 .roles = anyone,
                                                 .role_count = 1,
                                                 .actions = ACTION_ALL};
    struct access_wishes *wishes = ARENA_NEW(a, struct access_wishes);
    str *secret = ARENA_NEW(a, str);
    *wishes = c->access;
    wishes->accounts = c->auth_table;
    *secret = arena_printf(a, "%.*s.%.*s", STR_ARG(c->auth_table), STR_ARG(c->auth_password));
    wishes->secret = secret;
    wishes->secret_count = c->auth_table.len ? 1 : 0;
    if (!c->access_given) {
        wishes->rules = &open;
        wishes->rule_count = 1;
    }
    wishes->soft = c->auth_role_table.len != 0;
    if (rows)
        role_rows_wish(a, rows, wishes);
    return access_build(a, wishes, schema, out, err);
}

/* What scopes allow has to be there. */
static int scopes_check(const struct config *c, const struct schema *s, struct arena *a,
                        struct err *err)
{
    struct err why = {0};
    for (size_t i = 0; i < c->clients.scope_count; i++) {
        const struct client_scope *scope = &c->clients.scopes[i];
        for (size_t k = 0; k < scope->can_count; k++)
            if (account_scope_check(a, s, scope->can[k], &why) < 0)
                return fail(err, E_CONFIG, "oauth.scopes.%.*s: %s", STR_ARG(scope->name), why.text);
    }
    return 0;
}

int signin_model(const struct config *c, const struct schema *s, const struct role_rows *rows,
                 struct arena *a, struct signin_model *out, struct err *err)
{
    *out = (struct signin_model){.account = account_settings(c)};
    TRY(roles_find(c, s, a, &out->role_tables, err));
    out->account.role_tables = out->role_tables;
    if (c->auth_table.len)
        TRY(accounts_new(a, s, NULL, &out->account, NULL, &out->accounts, err));
    TRY(scopes_check(c, s, a, err));
    return access_rules(c, s, rows, a, &out->access, err);
}

int signin_check(const struct config *c, const struct schema *s, struct err *err)
{
    enum { MEMORY = 64 << 20 };
    struct arena a;
    struct signin_model m;
    arena_init(&a, MEMORY);
    int code = signin_model(c, s, NULL, &a, &m, err);
    accounts_free(&m.accounts);
    arena_reset(&a);
    return code;
}

int signin_world(struct world *w, struct identity *identity, struct err *err)
{
    const struct config *c = w->config;
    w->identity = identity;
    w->account = account_settings(c);
    w->account.breached = breached(w);
    w->account.mail = w->mail;
    w->account.page_url = page_url(c, &w->arena);
    w->clients = c->clients;
    if (identity)
        w->clients.issuer = identity_config_of(identity)->issuer;
    w->account.clients = &w->clients;
    TRY(roles_find(c, w->schema, &w->arena, &w->role_tables, err));
    w->account.role_tables = w->role_tables;
    roles_reach(w);
    if (identity)
        identity_follow(identity, w->role_tables ? ROLES_SECONDS : KEPT_SECONDS);
    if (c->auth_table.len) {
        TRY(accounts_new(&w->arena, w->schema, w->db, &w->account, identity, &w->accounts, err));
        const struct world *before =
            w->serve ? w->serve->world : NULL; /* at first it is this one */
        if (before && before != w && before->accounts)
            accounts_carry(w->accounts, before->accounts);
        TRY(account_routes(w->router, w->accounts, c->prefixes, c->prefix_count, err));
        TRY(scopes_check(c, w->schema, &w->arena, err));
    }
    if (w->accounts && w->clients.count) {
        if (identity && !str_starts(w->clients.issuer, LIT("http")))
            return fail(err, E_CONFIG,
                        "oauth.clients: the first app takes a restart, since tokens bear the "
                        "server's address from then on");
        w->oauth = oauth_new(&w->arena, w->accounts, &w->clients);
        TRY(oauth_routes(w->router, w->oauth, c->prefixes, c->prefix_count, err));
    }
    if (!c->auth_table.len && !c->access_given)
        return 0;
    const struct role_rows *rows = w->serve ? w->serve->app->role_rows : w->preview_roles;
    TRY(access_rules(c, w->schema, rows, &w->arena, &w->access, err));
    if (w->serve)
        tell_faults(w->access);
    w->account.access = w->access;
    w->rest.access = w->access;
    w->rest.views = &w->views;
    return 0;
}
