/* account.h -- the endpoints of signing in. SPDX: Apache-2.0
 * Accounts are rows of an ordinary table of the project; sessions are rows of cairn_sessions. */
#ifndef CAIRN_ACCOUNT_H
#define CAIRN_ACCOUNT_H

#include "auth/clients.h"
#include "auth/identity.h"
#include "db/db.h"
#include "mail/mail.h"
#include "policy/roles.h"
#include "route/route.h"
#include "sql/sql.h"
#include "store/store.h"

enum mfa_rule { MFA_OFF, MFA_OPTIONAL, MFA_REQUIRED }; /* the order of auth.mfa's words */

struct account_config {
    str prefix;          /* "/v1": of links in letters, to PREFIX/auth */
    const str *prefixes; /* of all versions */
    size_t prefix_count;
    enum dialect dialect;
    str table;                 /* of accounts; its primary key is one column */
    str login, password;       /* columns: the name to sign in with, and the hash */
    str roles;                 /* column of one role, or a JSON list of them; empty: no roles */
    str email;                 /* unique column of mail addresses; empty: login */
    str verified;              /* boolean column, or a time; empty: everybody may sign in */
    str claims;                /* columns that rules read as me.NAME, separated by commas */
    str registration_claims;   /* those of them that who registers may set */
    bool reset_keys;           /* a password set anew by letter revokes API keys */
    str default_role;          /* of who registers; empty: the column's default */
    bool registration;         /* anybody may make an account */
    int64_t refresh_s, idle_s; /* a session ends: at the latest, and without use */
    int64_t reuse_s;           /* an old refresh token is a retry for so long, then a theft */
    int64_t password_least;    /* characters */
    str breached;              /* file of known passwords; empty: none */
    bool audit;                /* security events are written to cairn_audit */
    int64_t audit_keep_ms;     /* for so long */
    const struct mail *mail;   /* NULL: there are no letters, and no endpoints that need them */
    str link_url;              /* of links in letters, with {token} and perhaps {flow} */
    str page_url;              /* else: scheme and host of our own pages */
    int64_t link_s;            /* links and codes are good for */
    int64_t mails;             /* letters to one address in an hour; ten times that a caller */
    int64_t attempts; /* to sign in, per account and 15 minutes; ten times that an address */
    /* Sessions in cookies: */
    bool cookies;
    str cookie_name, same_site; /* "session"; "Lax" */
    bool development;           /* on the loopback a cookie may go over plain http */
    bool csrf_token;            /* writes need X-CSRF-Token, beside an origin that is ours */
    str public_url;             /* whose origin is ours, too; may be empty */
    bool (*trusts)(const struct request *rq); /* CORS lets the request's origin use credentials */
    bool redis;                               /* sessions are kept there */
    /* Where a client is, behind trusted proxies; for counting attempts as a network. NULL: the
     * peer. */
    str (*client)(struct request *rq, bool network);
    bool passkeys;
    enum mfa_rule mfa; /* second factors */
    /* API keys, and passwords with each request: */
    bool keys, basic;
    int64_t key_s;                       /* how long a key is good at most; 0: for ever */
    const struct issuer_config *issuers; /* others whose tokens are taken */
    size_t issuer_count;
    const struct access *access;           /* whose roles a key may have; NULL in a preview */
    const struct clients *clients;         /* apps that people may let in; NULL: none */
    const struct role_tables *role_tables; /* who has which roles; NULL: the column alone says it */
    const struct provider_config *providers; /* where people may sign in, too */
    size_t provider_count;
    str return_urls; /* where that may lead back to, by commas */
};

struct accounts;

/* The tables of sessions, API keys and second factors, for start-up; safe to run again. */
const char *account_tables(enum dialect d);

/* At the start: what ended in the database so lately that something of it could still be good.
 * Blocks. */
int account_recall(struct db_admin *a, struct identity *i, int64_t now, struct err *err);

/* Finds the columns. Borrows all; what it needs lives in a. Fails with CONFIG: the table or a
 * column is not there, or of a type that cannot be it. */
int accounts_new(struct arena *a, const struct schema *s, struct db *db,
                 const struct account_config *c, struct identity *i, struct accounts **out,
                 struct err *err);
/* Attempts and letters that count by the same rule count on from those of the accounts before:
 * neither a reload nor a change of roles gives anybody new ones. Before the first request. */
void accounts_carry(struct accounts *x, const struct accounts *before);
void accounts_free(struct accounts **x); /* what does not live in the arena */

/* For documents. */
const struct table *account_table(const struct accounts *x);
const struct column *account_login(const struct accounts *x);
bool account_shows(const struct accounts *x, const struct column *c); /* to its owner */
bool account_takes(const struct accounts *x, const struct column *c); /* of who registers */
int64_t account_password_least(const struct accounts *x);             /* characters */
const struct account_config *account_settings_of(const struct accounts *x);

/* Who an account is, from its row (a cell for each column of the table): the roles of its column,
 * and its claims. */
void account_principal(struct arena *a, const struct accounts *x, const struct value *cells,
                       struct principal *out);

/* The roles that tables give an account, one text a row, from there into its principal. An account
 * that has none at all has auth.default_role. */
void account_roles(struct arena *a, const struct accounts *x, const struct rows *rows,
                   struct principal *out);

/* POST register, login, refresh, logout, password, keys; GET me, csrf, sessions, keys; DELETE me,
 * sessions/:id, keys/:id; those below mfa; GET /.well-known/jwks.json; all but the last below each
 * prefix. Fails with CONFLICT. */
int account_routes(struct router *r, const struct accounts *x, const str *prefixes, size_t count,
                   struct err *err);

/* Revokes here what was ended since then, by any process. text: a SELECT of ids and revoked_at. */
#define ACCOUNT_ENDED                                                                              \
    " WHERE revoked_at >= $1 AND (revoked_at > $1 OR id > $2) ORDER BY revoked_at, id LIMIT 1000"
WAITS int account_sync_rows(const struct accounts *x, str text, int64_t since, int64_t now,
                            struct err *err);
/* Sessions that other processes ended since the last call; every second or so, from a fiber. */
WAITS int account_sync(const struct accounts *x, int64_t now, struct err *err);

/* Deletes sessions that ended days ago, some at a time; from a fiber. */
WAITS int account_sweep(const struct accounts *x, int64_t now, struct err *err);
/* Deletes rows of cairn_audit that are past their time, some at a time; from a fiber. */
WAITS int audit_sweep(const struct accounts *x, struct err *err);
const char *audit_name(size_t event); /* NULL past the last */

/* Deletes links and codes of letters that are past their time; from a fiber. */
WAITS int account_sweep_proofs(const struct accounts *x, struct err *err);
/* Deletes what says that a sign-in at a provider was used, when it is past its time; from a fiber.
 */
WAITS int account_sweep_flows(const struct accounts *x, struct err *err);
bool account_mails(const struct accounts *x); /* there are letters */

/* Who asks: by Authorization (a token, an API key, or a password where the settings allow that), by
 * X-API-Key, or else by a session's cookie; *out NULL for a request with none of them. Whoever
 * names himself is not looked up by a cookie. A write under a cookie must come from a page of ours.
 * Waits for the database where it is not remembered. Fails with SIGNIN; BAD (two credentials);
 * DENIED (words cross_site, csrf_token); BUSY
 * (word issuer_away: a token of another issuer cannot be checked now). */
WAITS int account_who(const struct accounts *x, struct request *rq, int64_t now,
                      struct signed_in **out, struct err *err);

/* ---- for pages of ours that people sign in on (oauth/; door.c) ---- */

struct account_person {
    str key, sid;  /* the account's; the session's, where there is one */
    int64_t since; /* when he signed in */
    const struct value *cells;
};
/* Whose cookie the request has; out->key empty: nobody's. */
WAITS int account_person(const struct accounts *x, struct request *rq, struct account_person *out,
                         struct err *err);
/* An account that may be used; out->key empty: there is none. */
WAITS int account_person_by(const struct accounts *x, struct request *rq, str key,
                            struct account_person *out, struct err *err);
/* By a form: a new session, and Set-Cookie. *mfa_token not empty: the code of the account's second
 * factor is wanted, and nobody is signed in yet. Fails with SIGNIN, DENIED, LIMITED. */
WAITS int account_sign_in(const struct accounts *x, struct request *rq, str login, str password,
                          str *mfa_token, struct account_person *out, struct err *err);
/* code: of the app, or a recovery code. */
WAITS int account_sign_in_code(const struct accounts *x, struct request *rq, str mfa_token,
                               str code, struct account_person *out, struct err *err);
/* Who is signed in, as a person and not by a key or an app. Fails with SIGNIN, DENIED. */
int account_owner(const struct request *rq, str *key, struct err *err);
/* What a form has that changes something for whom that session is. */
void account_form_token(const struct accounts *x, str sid, char out[CSRF_TEXT]);
bool account_form_good(const struct accounts *x, struct request *rq, str sid, str token);
/* A text column that its owner may see; or ptr NULL. */
str account_column_text(const struct accounts *x, struct arena *a, const struct account_person *who,
                        str name);
str account_email(const struct accounts *x, const struct account_person *who, bool *verified);
/* Attempts on a name, as on an account's. Fail with LIMITED. */
int account_may_try(const struct accounts *x, struct request *rq, str name, struct err *err);
WAITS int account_tried(const struct accounts *x, struct request *rq, str name, struct err *err);
str account_client(const struct accounts *x, struct request *rq); /* its network */
void account_time(struct buf *b, int64_t seconds);                /* JSON */
struct db *account_db(const struct accounts *x);
struct identity *account_identity(const struct accounts *x);
enum account_event { ACCOUNT_APP_LET_IN, ACCOUNT_APP_ENDED, ACCOUNT_APP_REUSED };
/* Adds an event to a list of writes, where the settings want them. */
void account_audit(const struct accounts *x, struct request *rq, enum account_event event, str key,
                   str detail, struct db_write *list, size_t *count);

/* ---- API keys, for commands ---- */

struct key_wish {
    str account, name; /* its id as text */
    const str *roles;  /* NULL: all of the account's */
    size_t role_count;
    const str *can; /* "posts:read"; NULL: all that the roles allow */
    size_t can_count;
    int64_t now, expires; /* 0: never */
    const char *kind;     /* "live", "test" */
};
struct key_made {
    str id, text; /* text: shown once */
    struct stmt st;
};
/* The statement that keeps a new key. */
void account_key_make(struct arena *a, const struct key_wish *w, struct key_made *out);
/* Roles that the account does not have, scopes that name nothing. Fails with INVALID, the field
 * named. access may be NULL: then roles are not looked at. */
int account_key_check(struct arena *a, const struct schema *s, const struct access *access,
                      const struct principal *owner, const struct key_wish *w, struct err *err);
/* One scope alone, such as "posts:read". Fails with INVALID. */
int account_scope_check(struct arena *a, const struct schema *s, str scope, struct err *err);
/* Live keys of an account (empty: of all): id, account, name, hint, roles, can, created_at,
 * expires_at, used_at. */
struct stmt account_keys_list(struct arena *a, str account);
enum { MFA_TABLES = 3 };
/* The statements that take an account's second factor and recovery codes away. */
void account_mfa_end(struct arena *a, str account, struct stmt out[MFA_TABLES]);
struct stmt account_key_end(struct arena *a, str id, int64_t now);
/* A row of cairn_audit about what a command did: login is who it was done to. False: the settings
 * want none. */
bool account_mfa_note(struct arena *a, const struct accounts *x, str account, str login,
                      struct stmt *out);

#endif
