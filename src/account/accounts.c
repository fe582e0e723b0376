/* accounts.c -- the table of accounts against the settings, and the routes. SPDX: Apache-2.0 */
#include "account/account_priv.h"
#include "render/negotiate.h"

#include <time.h>

enum { WINDOW_MS = 900000, HOUR_MS = 3600000, KEYS = 65536 };

int64_t account__now(void)
{
    return (int64_t)time(NULL);
}

str account__client(const struct accounts *x, struct request *rq, bool network)
{
    return x->config->client ? x->config->client(rq, network) : request_peer(rq);
}

static const char tables_lite[] =
    "CREATE TABLE IF NOT EXISTS cairn_sessions (id TEXT PRIMARY KEY NOT NULL, account TEXT NOT "
    "NULL,"
    " counter INTEGER NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL,"
    " rotated_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER, why TEXT,"
    " address TEXT NOT NULL, agent TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_sessions_account ON cairn_sessions (account);"
    "CREATE INDEX IF NOT EXISTS cairn_sessions_expires ON cairn_sessions (expires_at);"
    "CREATE INDEX IF NOT EXISTS cairn_sessions_revoked ON cairn_sessions (revoked_at)"
    " WHERE revoked_at IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS cairn_audit (id TEXT PRIMARY KEY NOT NULL, at INTEGER NOT NULL,"
    " event TEXT NOT NULL, account TEXT NOT NULL, login TEXT NOT NULL, address TEXT NOT NULL,"
    " agent TEXT NOT NULL, request_id TEXT NOT NULL, detail TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_audit_at ON cairn_audit (at);"
    "CREATE TABLE IF NOT EXISTS cairn_totp (account TEXT PRIMARY KEY NOT NULL, secret TEXT NOT"
    " NULL, pending TEXT NOT NULL, pending_at INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " used_step INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS cairn_recovery (account TEXT NOT NULL, hash TEXT NOT NULL,"
    " PRIMARY KEY (account, hash)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS cairn_passkeys (id TEXT PRIMARY KEY NOT NULL, account TEXT NOT"
    " NULL, name TEXT NOT NULL, key TEXT NOT NULL, counter INTEGER NOT NULL, created_at INTEGER"
    " NOT NULL, used_at INTEGER NOT NULL, used_state INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_passkeys_account ON cairn_passkeys (account);"
    "CREATE TABLE IF NOT EXISTS cairn_keys (id TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL,"
    " name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, hint TEXT NOT NULL, roles TEXT NOT NULL,"
    " can TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
    " used_at INTEGER NOT NULL, revoked_at INTEGER) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_keys_account ON cairn_keys (account);"
    "CREATE INDEX IF NOT EXISTS cairn_keys_revoked ON cairn_keys (revoked_at)"
    " WHERE revoked_at IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS cairn_proofs (kind TEXT NOT NULL, subject TEXT NOT NULL,"
    " address TEXT NOT NULL, token TEXT NOT NULL UNIQUE, request TEXT NOT NULL UNIQUE,"
    " code TEXT NOT NULL, tries INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
    " PRIMARY KEY (kind, subject)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_proofs_expires ON cairn_proofs (expires_at);"
    "CREATE TABLE IF NOT EXISTS cairn_identities (id TEXT NOT NULL UNIQUE, provider TEXT NOT NULL,"
    " subject TEXT NOT NULL, issuer TEXT NOT NULL, account TEXT NOT NULL, email TEXT NOT NULL,"
    " created_at INTEGER NOT NULL, used_at INTEGER NOT NULL, PRIMARY KEY (provider, subject))"
    " WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_identities_account ON cairn_identities (account);"
    "CREATE TABLE IF NOT EXISTS cairn_used (id TEXT PRIMARY KEY NOT NULL, expires_at INTEGER NOT"
    " NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS cairn_used_expires ON cairn_used (expires_at);";
static const char tables_postgres[] =
    "CREATE TABLE IF NOT EXISTS cairn_sessions (id text PRIMARY KEY, account text NOT NULL,"
    " counter bigint NOT NULL, created_at bigint NOT NULL, used_at bigint NOT NULL,"
    " rotated_at bigint NOT NULL, expires_at bigint NOT NULL, revoked_at bigint, why text,"
    " address text NOT NULL, agent text NOT NULL);"
    "CREATE INDEX IF NOT EXISTS cairn_sessions_account ON cairn_sessions (account);"
    "CREATE INDEX IF NOT EXISTS cairn_sessions_expires ON cairn_sessions (expires_at);"
    "CREATE INDEX IF NOT EXISTS cairn_sessions_revoked ON cairn_sessions (revoked_at)"
    " WHERE revoked_at IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS cairn_audit (id text PRIMARY KEY, at bigint NOT NULL,"
    " event text NOT NULL, account text NOT NULL, login text NOT NULL, address text NOT NULL,"
    " agent text NOT NULL, request_id text NOT NULL, detail text NOT NULL);"
    "CREATE INDEX IF NOT EXISTS cairn_audit_at ON cairn_audit (at);"
    "CREATE TABLE IF NOT EXISTS cairn_totp (account text PRIMARY KEY, secret text NOT NULL,"
    " pending text NOT NULL, pending_at bigint NOT NULL, created_at bigint NOT NULL,"
    " used_step bigint NOT NULL);"
    "CREATE TABLE IF NOT EXISTS cairn_recovery (account text NOT NULL, hash text NOT NULL,"
    " PRIMARY KEY (account, hash));"
    "CREATE TABLE IF NOT EXISTS cairn_passkeys (id text PRIMARY KEY, account text NOT"
    " NULL, name text NOT NULL, key text NOT NULL, counter bigint NOT NULL, created_at bigint"
    " NOT NULL, used_at bigint NOT NULL, used_state bigint NOT NULL);"
    "CREATE INDEX IF NOT EXISTS cairn_passkeys_account ON cairn_passkeys (account);"
    "CREATE TABLE IF NOT EXISTS cairn_keys (id text PRIMARY KEY, account text NOT NULL,"
    " name text NOT NULL, hash text NOT NULL UNIQUE, hint text NOT NULL, roles text NOT NULL,"
    " can text NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL,"
    " used_at bigint NOT NULL, revoked_at bigint);"
    "CREATE INDEX IF NOT EXISTS cairn_keys_account ON cairn_keys (account);"
    "CREATE INDEX IF NOT EXISTS cairn_keys_revoked ON cairn_keys (revoked_at)"
    " WHERE revoked_at IS NOT NULL;"
    "CREATE TABLE IF NOT EXISTS cairn_proofs (kind text NOT NULL, subject text NOT NULL,"
    " address text NOT NULL, token text NOT NULL UNIQUE, request text NOT NULL UNIQUE,"
    " code text NOT NULL, tries bigint NOT NULL, expires_at bigint NOT NULL,"
    " PRIMARY KEY (kind, subject));"
    "CREATE INDEX IF NOT EXISTS cairn_proofs_expires ON cairn_proofs (expires_at);"
    "CREATE TABLE IF NOT EXISTS cairn_identities (id text NOT NULL UNIQUE, provider text NOT NULL,"
    " subject text NOT NULL, issuer text NOT NULL, account text NOT NULL, email text NOT NULL,"
    " created_at bigint NOT NULL, used_at bigint NOT NULL, PRIMARY KEY (provider, subject));"
    "CREATE INDEX IF NOT EXISTS cairn_identities_account ON cairn_identities (account);"
    "CREATE TABLE IF NOT EXISTS cairn_used (id text PRIMARY KEY, expires_at bigint NOT NULL);"
    "CREATE INDEX IF NOT EXISTS cairn_used_expires ON cairn_used (expires_at);";

const char *account_tables(enum dialect d)
{
    return d == DIALECT_SQLITE ? tables_lite : tables_postgres;
}

/* ---- columns ---- */

static int column_of(const struct accounts *x, struct arena *a, const char *key, str name,
                     const struct column **out, struct err *err)
{
    const struct table *t = x->table;
    const char **names = ARENA_ARRAY(a, const char *, t->column_count);
    *out = table_column(t, name);
    if (*out)
        return 0;
    for (size_t i = 0; i < t->column_count; i++)
        names[i] = arena_str(a, t->columns[i].name).ptr;
    const char *near = str_nearest(name, names, t->column_count);
    return fail(err, E_CONFIG, "auth.%s: '%.*s' has no column '%.*s'%s%s%s", key, STR_ARG(t->name),
                STR_ARG(name), near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int text_column(const struct accounts *x, struct arena *a, const char *key, str name,
                       const struct column **out, struct err *err)
{
    TRY(column_of(x, a, key, name, out, err));
    if ((*out)->type == TYPE_TEXT)
        return 0;
    return fail(err, E_CONFIG, "auth.%s: the column '%.*s' is no text", key, STR_ARG(name));
}

static int claim_columns(struct accounts *x, struct arena *a, struct err *err)
{
    str rest = x->config->claims;
    while (rest.len && rest.ptr) {
        str name = str_trim(str_cut(&rest, ','));
        if (x->claim_count == CLAIMS_MOST)
            return fail(err, E_CONFIG, "auth.claims: %d columns at most", CLAIMS_MOST);
        TRY(column_of(x, a, "claims", name, &x->claims[x->claim_count], err));
        if (x->claims[x->claim_count] == x->password)
            return fail(err, E_CONFIG, "auth.claims: a password's hash is no claim");
        x->claim_count++;
    }
    return 0;
}

static int open_claims(const struct accounts *x, struct err *err)
{
    for (str rest = x->config->registration_claims; rest.ptr && rest.len;) {
        str name = str_trim(str_cut(&rest, ','));
        bool there = false;
        for (size_t i = 0; i < x->claim_count; i++)
            there |= str_eq(x->claims[i]->name, name);
        if (!there)
            return fail(err, E_CONFIG, "auth.registration_claims: '%.*s' is not among auth.claims",
                        STR_ARG(name));
    }
    return 0;
}

static int is_unique(const struct accounts *x, const struct column *c, const char *key,
                     struct err *err)
{
    for (size_t i = 0; i < x->table->unique_count; i++) {
        const struct key *k = &x->table->uniques[i];
        if (k->count == 1 && k->columns[0] == c && !k->partial)
            return 0;
    }
    return fail(err, E_CONFIG,
                "auth.%s: '%.*s' is not unique: two accounts could have one name; add a UNIQUE "
                "constraint",
                key, STR_ARG(c->name));
}

/* What claims of other issuers are looked for in. */
static int issuer_columns(const struct accounts *x, struct arena *a, struct err *err)
{
    const struct column *c;
    for (size_t i = 0; i < x->config->issuer_count; i++) {
        str name = x->config->issuers[i].column;
        if (!name.len)
            continue;
        TRY(column_of(x, a, "issuers", name, &c, err));
        if (c != x->id)
            TRY(is_unique(x, c, "issuers", err));
    }
    return 0;
}

/* A column that always holds something would make everybody verified, and any text is something. */
static int verified_column(struct accounts *x, struct arena *a, struct err *err)
{
    const struct column *c;
    TRY(column_of(x, a, "verified", x->config->verified, &x->verified, err));
    c = x->verified;
    bool since = c->type == TYPE_TIMESTAMP || c->type == TYPE_INT4 || c->type == TYPE_INT8;
    if (c->type == TYPE_BOOL || (since && c->nullable))
        return 0;
    return fail(err, E_CONFIG,
                "auth.verified: the column '%.*s' must be a boolean, or a time or integer that may "
                "be null: null is an account that is not verified",
                STR_ARG(c->name));
}

static int columns_of(struct accounts *x, struct arena *a, struct err *err)
{
    const struct account_config *c = x->config;
    TRY(text_column(x, a, "login", c->login, &x->login, err));
    TRY(text_column(x, a, "password", c->password, &x->password, err));
    if (c->roles.len)
        TRY(column_of(x, a, "roles", c->roles, &x->roles, err));
    if (c->verified.len)
        TRY(verified_column(x, a, err));
    x->email = x->login;
    if (c->email.len)
        TRY(text_column(x, a, "email", c->email, &x->email, err));
    TRY(claim_columns(x, a, err));
    TRY(open_claims(x, err));
    TRY(issuer_columns(x, a, err));
    TRY(is_unique(x, x->login, "login", err));
    return c->email.len ? is_unique(x, x->email, "email", err) : 0;
}

static struct limit_table *limiter(int64_t attempts, uint32_t window_ms)
{
    uint32_t n = (uint32_t)attempts;
    struct limit_rule r = {
        .algorithm = LIMIT_GCRA, .capacity = n, .rate = n, .window_ms = window_ms};
    return limit_table_new(&r, KEYS, 0);
}

int accounts_new(struct arena *a, const struct schema *s, struct db *db,
                 const struct account_config *c, struct identity *i, struct accounts **out,
                 struct err *err)
{
    struct accounts *x = ARENA_NEW(a, struct accounts);
    *x = (struct accounts){.config = c, .arena = a, .schema = s, .db = db, .identity = i};
    x->table = schema_table(s, c->table);
    if (!x->table)
        return fail(err, E_CONFIG, "auth.table: there is no table '%.*s'", STR_ARG(c->table));
    if (x->table->primary.count != 1)
        return fail(err, E_CONFIG, "auth.table: '%.*s' needs a primary key of one column",
                    STR_ARG(c->table));
    x->id = x->table->primary.columns[0];
    TRY(columns_of(x, a, err));
    x->all = all_columns(a, x->table);
    x->hidden = ARENA_ARRAY(a, bool, x->table->column_count);
    x->hidden[x->password->index] = true;
    x->by_account = limiter(c->attempts, WINDOW_MS);
    x->by_address = limiter(c->attempts * ADDRESS_FACTOR, WINDOW_MS);
    x->by_factor = limiter(c->attempts, WINDOW_MS);
    x->told = limiter(1, WINDOW_MS);
    if (c->mail) {
        x->mails_to = limiter(c->mails, HOUR_MS);
        x->mails_by = limiter(c->mails * ADDRESS_FACTOR, HOUR_MS);
    }
    *out = x;
    return 0;
}

static void carry(struct limit_table **t, struct limit_table *before)
{
    const struct limit_rule *r = before && *t ? limit_table_rule(*t) : NULL,
                            *old = before ? limit_table_rule(before) : NULL;
    if (!r || r->capacity != old->capacity || r->window_ms != old->window_ms)
        return;
    limit_table_free(t);
    *t = limit_table_share(before);
}

void accounts_carry(struct accounts *x, const struct accounts *before)
{
    carry(&x->by_account, before->by_account);
    carry(&x->by_address, before->by_address);
    carry(&x->by_factor, before->by_factor);
    carry(&x->told, before->told);
    carry(&x->mails_to, before->mails_to);
    carry(&x->mails_by, before->mails_by);
}

void accounts_free(struct accounts **x)
{
    if (!*x)
        return;
    limit_table_free(&(*x)->by_account);
    limit_table_free(&(*x)->by_address);
    limit_table_free(&(*x)->by_factor);
    limit_table_free(&(*x)->told);
    limit_table_free(&(*x)->mails_to);
    limit_table_free(&(*x)->mails_by);
    *x = NULL;
}

/* ---- routes ---- */

static bool by_letter(endpoint_fn *run)
{
    static endpoint_fn *const list[] = {account__verify_ask, account__verify_do,
                                        account__reset_ask,  account__reset_do,
                                        account__magic_ask,  account__magic_do,
                                        account__email_ask,  account__email_do,
                                        page__show,          page__do};
    for (size_t i = 0; i < COUNT_OF(list); i++) {
        if (list[i] == run)
            return true;
    }
    return false;
}

static bool by_factor(endpoint_fn *run)
{
    return run == mfa__verify || run == mfa__add || run == mfa__confirm || run == mfa__show ||
           run == mfa__codes || run == mfa__remove;
}

static bool by_passkey(endpoint_fn *run)
{
    return run == passkey__options || run == passkey__make || run == passkey__list ||
           run == passkey__remove || run == passkey__ask || run == passkey__login;
}

static bool by_provider(endpoint_fn *run)
{
    return run == provider__list || run == provider__start || run == provider__callback ||
           run == provider__link || run == provider__ticket;
}

static bool offered(const struct account_config *c, endpoint_fn *run)
{
    if (run == account__register)
        return c->registration;
    if (run == cookie__csrf)
        return c->cookies;
    if (by_letter(run))
        return c->mail != NULL;
    if (by_passkey(run))
        return c->passkeys && (c->public_url.len || c->development);
    if (by_provider(run) || run == identities__list || run == identities__remove)
        return c->provider_count != 0;
    if (by_factor(run))
        return c->mfa != MFA_OFF;
    return c->keys || (run != key__add && run != key__list && run != key__remove);
}

static bool opens(endpoint_fn *run)
{
    return run == account__login || run == account__register || run == account__refresh ||
           run == mfa__verify || run == passkey__ask || run == passkey__login ||
           (by_provider(run) && run != provider__link) ||
           (by_letter(run) && run != account__email_ask);
}

int account_routes(struct router *r, const struct accounts *x, const str *prefixes, size_t count,
                   struct err *err)
{
    static const struct {
        enum method method;
        const char *path, *what;
        endpoint_fn *run;
    } list[] = {
        {METHOD_POST, "/auth/register", "register", account__register},
        {METHOD_POST, "/auth/login", "sign in", account__login},
        {METHOD_POST, "/auth/refresh", "new tokens", account__refresh},
        {METHOD_POST, "/auth/logout", "sign out", account__logout},
        {METHOD_POST, "/auth/password", "change own password", account__change},
        {METHOD_POST, "/auth/verify/send", "ask for a proof of the address", account__verify_ask},
        {METHOD_POST, "/auth/verify", "prove the address", account__verify_do},
        {METHOD_POST, "/auth/reset/send", "ask for a new password", account__reset_ask},
        {METHOD_POST, "/auth/reset", "set a new password", account__reset_do},
        {METHOD_POST, "/auth/magic/send", "ask for a link to sign in", account__magic_ask},
        {METHOD_POST, "/auth/magic", "sign in by a letter", account__magic_do},
        {METHOD_POST, "/auth/email/send", "ask for another address", account__email_ask},
        {METHOD_POST, "/auth/email", "prove the other address", account__email_do},
        {METHOD_GET, "/auth/pages/:flow", "page of a letter's link", page__show},
        {METHOD_POST, "/auth/pages/:flow", "the same, sent", page__do},
        {METHOD_GET, "/auth/me", "own account", account__show},
        {METHOD_DELETE, "/auth/me", "delete own account", account__leave},
        {METHOD_POST, "/auth/mfa/verify", "sign in with a second factor", mfa__verify},
        {METHOD_GET, "/auth/mfa", "own second factor", mfa__show},
        {METHOD_POST, "/auth/mfa/totp", "begin with an authenticator app", mfa__add},
        {METHOD_POST, "/auth/mfa/totp/confirm", "confirm the app by a code", mfa__confirm},
        {METHOD_DELETE, "/auth/mfa/totp", "remove the app", mfa__remove},
        {METHOD_POST, "/auth/mfa/recovery", "new recovery codes", mfa__codes},
        {METHOD_POST, "/auth/passkeys/options", "begin with a passkey", passkey__options},
        {METHOD_POST, "/auth/passkeys", "add a passkey", passkey__make},
        {METHOD_GET, "/auth/passkeys", "own passkeys", passkey__list},
        {METHOD_DELETE, "/auth/passkeys/:id", "remove a passkey", passkey__remove},
        {METHOD_POST, "/auth/passkeys/login/options", "ask to sign in with a passkey",
         passkey__ask},
        {METHOD_POST, "/auth/passkeys/login", "sign in with a passkey", passkey__login},
        {METHOD_GET, "/auth/oauth", "providers to sign in at", provider__list},
        {METHOD_POST, "/auth/oauth/ticket", "session for a ticket", provider__ticket},
        {METHOD_GET, "/auth/oauth/:provider", "sign in at a provider", provider__start},
        {METHOD_GET, "/auth/oauth/:provider/callback", "back from a provider", provider__callback},
        {METHOD_POST, "/auth/oauth/:provider/callback", "the same, as a form", provider__callback},
        {METHOD_POST, "/auth/oauth/:provider/link", "link the own account", provider__link},
        {METHOD_GET, "/auth/identities", "own identities at providers", identities__list},
        {METHOD_DELETE, "/auth/identities/:id", "unlink one", identities__remove},
        {METHOD_GET, "/auth/csrf", "token for writes under a cookie", cookie__csrf},
        {METHOD_GET, "/auth/sessions", "own sessions", session__list},
        {METHOD_DELETE, "/auth/sessions/:id", "end a session", session__remove},
        {METHOD_POST, "/auth/keys", "make an API key", key__add},
        {METHOD_GET, "/auth/keys", "own API keys", key__list},
        {METHOD_DELETE, "/auth/keys/:id", "revoke an API key", key__remove},
    };
    struct endpoint keys = {.run = account__jwks,
                            .data = x,
                            .pattern = "/.well-known/jwks.json",
                            .method = METHOD_GET,
                            .what = "public keys of tokens"};
    for (size_t k = 0; k < COUNT_OF(list) * count; k++) {
        size_t i = k % COUNT_OF(list);
        if (!offered(x->config, list[i].run))
            continue;
        str pattern =
            arena_printf(x->arena, "%.*s%s", STR_ARG(prefixes[k / COUNT_OF(list)]), list[i].path);
        struct endpoint e = {.run = list[i].run,
                             .data = x,
                             .pattern = pattern.ptr,
                             .method = list[i].method,
                             .what = list[i].what,
                             .accepts = list[i].method == METHOD_POST ? FIELD_TYPES : NULL,
                             .page = list[i].run == page__show || list[i].run == page__do,
                             .signs_in = opens(list[i].run)};
        TRY(router_add(r, &e, err));
    }
    return router_add(r, &keys, err);
}
