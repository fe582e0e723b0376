/* Private to src/account. SPDX: Apache-2.0 */
#ifndef CAIRN_ACCOUNT_PRIV_H
#define CAIRN_ACCOUNT_PRIV_H

#include "account/account.h"
#include "auth/totp.h"
#include "render/render.h"

enum { CLAIMS_MOST = 32, ADDRESS_FACTOR = 10 };

struct accounts {
    const struct account_config *config;
    struct arena *arena; /* of the start: only there */
    const struct schema *schema;
    const struct table *table;
    struct db *db;
    struct identity *identity;
    const struct column *id, *login, *password, *roles, *verified; /* the last two may be NULL */
    const struct column *email;
    const struct column *claims[CLAIMS_MOST];
    size_t claim_count;
    const struct column **all; /* every column, in order; the row of an account */
    bool *hidden;              /* by column->index: never shown */
    struct limit_table *by_account, *by_address;
    struct limit_table *mails_to, *mails_by; /* letters that were asked for; NULL: there are none */
    struct limit_table *by_factor;           /* codes, by account */
    struct limit_table *told; /* whether a limited name is in the audit log already */
};

/* An account as it was read. */
struct account {
    const struct value *cells; /* by column->index; NULL: there is none */
    str key;                   /* its id as text */
};

int64_t account__now(void); /* seconds since 1970 */
/* The client's address; network: that part of it that counts as one client. */
str account__client(const struct accounts *x, struct request *rq, bool network);

/* ---- audit.c ---- */
enum audit_event {
#define X(id, name, what) AUDIT_##id,
#include "account/audit.def"
#undef X
};
struct audit_note {
    enum audit_event event;
    str account, login, detail; /* ptr NULL: none; the account's key */
};
str audit__agent(const struct request *rq); /* User-Agent, cut and clean */
/* The statement of a note, for a list of writes; false: nothing is to be written. */
bool audit__add(struct request *rq, const struct accounts *x, const struct audit_note *n,
                struct db_write *out);
/* A change with its note (NULL: none) in one transaction; change->rows, changes as of db_write. */
WAITS int audit__write(struct request *rq, const struct accounts *x, struct db_write *change,
                       const struct audit_note *n, struct err *err);
/* A note of what changed nothing. A failure only goes to the log. */
WAITS void audit__alone(struct request *rq, const struct accounts *x, const struct audit_note *n);

/* ---- several statements, all or nothing ---- */
enum { WRITES_MOST = 12 };
struct writes {
    struct db_write list[WRITES_MOST];
    size_t count;
};
void writes__note(struct writes *w, struct request *rq, const struct accounts *x,
                  const struct audit_note *n);
WAITS int writes__run(struct writes *w, struct request *rq, const struct accounts *x,
                      struct err *err);

/* ---- account_rows.c ---- */
str account__key(struct arena *a, const struct value *v); /* an id as text */
WAITS int account__find(struct request *rq, const struct accounts *x, const struct column *by,
                        struct value v, struct account *out, struct err *err);
WAITS int account__by_key(struct request *rq, const struct accounts *x, str key,
                          struct account *out, struct err *err);
/* note may be NULL. */
WAITS int account__set_password(struct request *rq, const struct accounts *x,
                                const struct account *who, const char *hash,
                                const struct audit_note *note, struct err *err);
/* Sets columns of the account's row. */
int account__assign(struct request *rq, const struct accounts *x, const struct account *who,
                    const struct assignment *set, size_t count, struct db_write *out,
                    struct err *err);
/* What makes it verified; false: there is no such column. */
bool account__verify(struct request *rq, const struct accounts *x, struct assignment *out);
/* The answer's body: the row, without what is hidden. */
void account__put(struct buf *b, const struct accounts *x, const struct account *who);
/* Who it is: with the roles that tables give it. In the request's arena. */
WAITS int account__principal(struct request *rq, const struct accounts *x,
                             const struct account *who, struct principal *out, struct err *err);
/* Roles and claims for a token, in the request's arena. */
WAITS int account__ticket(struct request *rq, const struct accounts *x, const struct account *who,
                          struct ticket *out, struct err *err);
bool account__verified(const struct accounts *x, const struct account *who);

/* ---- where sessions are kept: session_rows.c, session_redis.c ---- */
struct session {
    str id, account, address, agent;
    int64_t counter; /* of refresh tokens; 0: the session is a cookie's */
    int64_t created, used, rotated, expires;
};
enum { SESSIONS_SHOWN = 100, SESSIONS_ENDED = 10000 };
/* Those of an account: sid, or (empty) all but keep. */
struct session_end {
    str account, sid, keep;
    enum audit_event why;
};
/* What such an end is called in the audit log. */
struct audit_note session__note(const struct session_end *e);
struct session_ops {
    const char *name;
    /* note: in the same transaction, where there is one. */
    WAITS int (*add)(struct request *rq, const struct accounts *x, const struct session *s,
                     const struct audit_note *note, struct err *err);
    /* out->id is empty when there is none that has not ended. */
    WAITS int (*find)(struct request *rq, const struct accounts *x, str sid, struct session *out,
                      struct err *err);
    /* To next, when the counter still stands one before it. */
    WAITS int (*rotate)(struct request *rq, const struct accounts *x, const struct session *next,
                        bool *won, struct err *err);
    WAITS int (*touch)(struct request *rq, const struct accounts *x, str sid, int64_t now,
                       struct err *err);
    /* Of an account, SESSIONS_SHOWN at most, the one used last first. */
    WAITS int (*list)(struct request *rq, const struct accounts *x, str account,
                      struct session **out, size_t *count, struct err *err);
    /* Gives the ids of those that it ended. */
    WAITS int (*end)(struct request *rq, const struct accounts *x, const struct session_end *e,
                     int64_t now, str **ids, size_t *count, struct err *err);
    /* Revokes here those that ended since. */
    WAITS int (*sync)(const struct accounts *x, int64_t since, int64_t now, struct err *err);
};
extern const struct session_ops session_rows, session_redis;

/* note may be NULL. */
WAITS int account__write(struct request *rq, const struct accounts *x, struct stmt st,
                         int64_t *changes, const struct audit_note *note, struct err *err);
#define STATEMENT(text_, ...)                                                                      \
    (struct stmt)                                                                                  \
    {                                                                                              \
        .text = LIT(text_), .binds = (const struct value[]){__VA_ARGS__},                          \
        .bind_count = sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)           \
    }

/* ---- sessions.c ---- */
struct tokens {
    str access, refresh;
};
WAITS int session__begin(struct request *rq, const struct accounts *x, const struct account *who,
                         struct tokens *out, struct err *err);
/* The next tokens for a refresh token. Fails with SIGNIN, word invalid_refresh_token. */
WAITS int session__refresh(struct request *rq, const struct accounts *x, str token,
                           struct tokens *out, struct err *err);
/* Ends sessions of the account: all but `keep` (empty: all) when sid is empty, else that one.
 * *count: how many there were. */
WAITS int session__end(struct request *rq, const struct accounts *x, const struct session_end *e,
                       size_t *count, struct err *err);
/* A session without tokens, for a cookie. */
WAITS int session__begin_cookie(struct request *rq, const struct accounts *x,
                                const struct account *who, struct session *out, struct err *err);
/* A session that is neither over nor unused for too long; out->id empty: there is none. */
WAITS int session__live(struct request *rq, const struct accounts *x, str sid, int64_t now,
                        struct session *out, struct err *err);
/* How long, in seconds, use is not written down again, and nothing is looked at again. */
int64_t session__pause(const struct accounts *x, int64_t most);
endpoint_fn session__list, session__remove;
void account__time(struct buf *b, int64_t seconds); /* JSON; null for 0 */

/* ---- cookies.c ---- */
/* Whether the client of login or register wants a cookie: `?session=cookie`. Fails with BAD; DENIED
 * when the page that asks is another's. */
int cookie__wanted(struct request *rq, const struct accounts *x, bool *out, struct err *err);
/* Signs in by cookie: a new session in the place of the one that the request came with; the answer
 * is the account and the token for writes. */
WAITS int cookie__begin(struct request *rq, const struct accounts *x, const struct account *who,
                        struct err *err);
/* The id in the request's cookie, live or not; empty: there is none. */
str cookie__sid(struct request *rq, const struct accounts *x);
/* Ends that session, when there is one. */
WAITS int cookie__end(struct request *rq, const struct accounts *x, str sid, struct err *err);
/* A new id for the session, after which the old one is over; Set-Cookie, no body. */
WAITS int cookie__renew(struct request *rq, const struct accounts *x, const struct account *who,
                        str *sid, struct err *err);
void cookie__clear(struct request *rq, const struct accounts *x);
/* *out NULL: no cookie, or one that is not good any more. */
WAITS int cookie__who(struct request *rq, const struct accounts *x, int64_t now,
                      struct signed_in **out, struct err *err);
bool cookie__plain(const struct accounts *x,
                   const struct request *rq); /* over http, in development */
endpoint_fn cookie__csrf;

/* The session of the request's cookie, and its account; who->cells NULL: there is none. */
WAITS int cookie__session(struct request *rq, const struct accounts *x, int64_t now,
                          struct session *s, struct account *who, struct err *err);
/* A new session in the place of the one that the request came with; Set-Cookie, no body. */
WAITS int cookie__enter(struct request *rq, const struct accounts *x, const struct account *who,
                        struct session *s, struct err *err);

/* ---- csrf.c ---- */
str csrf__origin(str url); /* "https://host:port", or empty */
/* Whether a write under this session may be what its owner wants. Fails with DENIED. */
int csrf__check(const struct request *rq, const struct accounts *x, str sid, struct err *err);
/* Where there is no session yet: only what tells that it is from elsewhere is refused. */
int csrf__from_us(const struct request *rq, const struct accounts *x, struct err *err);
/* The same for changes only: of credentials that a browser may remember. */
int csrf__by_browser(const struct request *rq, const struct accounts *x, struct err *err);

/* ---- keys.c, key_rows.c ---- */
WAITS int key__who(struct request *rq, const struct accounts *x, str text, str id, int64_t now,
                   struct signed_in **out, struct err *err);
WAITS int key__all_of(struct request *rq, const struct accounts *x, str account, struct rows *out,
                      struct err *err);
/* Those of the list that the owner has, himself or by a role that includes them. */
size_t key__roles(const struct access *access, const struct principal *owner, const str *list,
                  size_t count, str *out);
endpoint_fn key__add, key__list, key__remove;

/* ---- basic.c ---- */
WAITS int basic__who(struct request *rq, const struct accounts *x, str coded, int64_t now,
                     struct signed_in **out, struct err *err);
/* What was remembered of the password with that hash is not good any more. */
void basic__forget(const struct accounts *x, const struct account *who);

/* ---- app.c ---- */
/* By an access token of ours: of a session, or of an app. Fails as identity_check. */
WAITS int app__who(struct request *rq, const struct accounts *x, str token, int64_t now,
                   struct signed_in **out, struct err *err);

/* ---- outside.c ---- */
/* By a token that another issuer may have signed. Fails as identity_check and issuer_check. */
WAITS int outside__who(struct request *rq, const struct accounts *x, str token, int64_t now,
                       struct signed_in **out, struct err *err);

/* ---- device.c ---- */
/* "Firefox on Linux", of a User-Agent; what it does not know it calls by its first word. Lives in
 * a, or is a literal. */
str device_name(struct arena *a, str agent);

/* ---- proofs.c: what is in a letter, to be brought back ---- */
enum proof_kind { PROOF_VERIFY, PROOF_RESET, PROOF_MAGIC, PROOF_CHANGE, PROOF_KINDS };
struct proof_made {
    str token, request, code; /* the link's; of who asked; of the letter, to be typed */
    int64_t minutes, expires_at;
};
str account__secret(struct request *rq); /* 256 random bits in base64url */
/* A new one takes the place of that before. subject: whose it is, one at a time. */
void proof__make(struct request *rq, const struct accounts *x, enum proof_kind kind, str subject,
                 str address, struct proof_made *made, struct db_write *out);
struct proof {
    enum proof_kind kind;
    str subject, address;
    str request; /* its digest */
};
/* The one that body proves: `token`, or `request` and `code`. Fails with INVALID (invalid_link). */
WAITS int proof__find(struct request *rq, const struct accounts *x, enum proof_kind kind,
                      const struct value *body, struct proof *out, struct err *err);
/* It can be used once: the statement for a list of writes, which then fails with NOTFOUND. */
void proof__use(struct request *rq, const struct proof *p, struct db_write *out);
/* A change of address that was begun and not proved ends: the statement for a list of writes. Who
 * knew the old password, or had the account before, must not end it. subject: an account's key. */
struct db_write proof__end(struct request *rq, str subject);
int proof__invalid(struct err *err);

/* ---- letters.c ---- */
/* The letter for a new proof; nowhere: nobody gets it. */
int letter__proof(struct request *rq, const struct accounts *x, enum proof_kind kind, str to,
                  const struct proof_made *made, bool nowhere, struct db_write *out,
                  struct err *err);
/* Something has changed: adds nothing when there are no letters, or `to` is no address. detail: the
 * new address, or the provider. */
int letter__changed(struct request *rq, const struct accounts *x, enum mail_kind kind, str to,
                    str detail, struct writes *w, struct err *err);
str letter__address(const struct accounts *x, const struct account *who); /* or empty */
/* The account's new password and the notice, with what w holds; its sessions are the caller's.
 * by_letter: whoever sets it has proved the address. */
WAITS int account__new_password(struct request *rq, const struct accounts *x,
                                const struct account *who, str hash, bool by_letter,
                                struct writes *w, struct err *err);

/* ---- flows.c, pages.c ---- */
/* A letter that is asked for without signing in: body has `email`. */
WAITS int flow__confirm(struct request *rq, const struct accounts *x, enum proof_kind kind,
                        const struct value *body, struct err *err);
endpoint_fn account__verify_ask, account__verify_do, account__reset_ask, account__reset_do,
    account__magic_ask, account__magic_do, account__email_ask, account__email_do;
endpoint_fn page__show, page__do;

/* ---- body.c ---- */
/* The JSON object of a body. Fails with MEDIA, BAD, TOOBIG. */
WAITS int account__body(struct request *rq, struct value *out, struct err *err);
/* A text member that must be there. Fails with INVALID, the field named. */
int account__text(const struct value *body, str name, str *out, struct err *err);
void account__answer(struct request *rq, const struct accounts *x, const struct tokens *t,
                     const struct account *who);
/* Who is signed in, as a person: the account's key. Fails with SIGNIN, word sign_in_required;
 * DENIED, word not_for_keys. */
int account__me(const struct request *rq, str *key, struct err *err);

/* ---- password rules (credentials.c) ---- */
WAITS int account__hash(struct request *rq, const struct accounts *x, str password, str *out,
                        struct err *err);
/* Signs in, when the second factor lets it: a session and its answer. */
WAITS int account__begin(struct request *rq, const struct accounts *x, const struct account *who,
                         bool cookie, struct err *err);
/* The same when the second factor was proved. */
WAITS int account__enter(struct request *rq, const struct accounts *x, const struct account *who,
                         bool cookie, struct err *err);
int account__limited(struct request *rq, const struct limit_verdict *v, struct err *err);
WAITS int account__acceptable(const struct accounts *x, str password, str field, struct err *err);
/* What a name is counted under: without case, since a column may ignore it. */
uint64_t account__name_hash(struct request *rq, str name);
/* One more attempt on that name from that address. Fails with LIMITED. */
WAITS int account__attempt(struct request *rq, const struct accounts *x, str login,
                           struct err *err);
WAITS void account__note_failure(struct request *rq, const struct accounts *x,
                                 enum audit_event event, str key, str login);
/* Whether there is one left, without taking it. Fails with LIMITED. */
int account__may_attempt(struct request *rq, const struct accounts *x, str login, struct err *err);

/* The account of that name when the password is its own. Fails with SIGNIN, word bad_credentials;
 * LIMITED. */
WAITS int account__prove_login(struct request *rq, const struct accounts *x, str login,
                               str password, struct account *who, struct err *err);
/* Fails with SIGNIN, word bad_credentials, when it is not the account's. */
WAITS int account__prove(struct request *rq, const struct accounts *x, const struct account *who,
                         str password, struct err *err);
endpoint_fn account__register, account__login, account__refresh, account__logout, account__change,
    account__show, account__jwks;

/* ---- mfa_rows.c: an account's authenticator app and recovery codes ---- */
enum { RECOVERY_CODES = 10, RECOVERY_TEXT_MOST = 64 };
struct factor {
    str secret, pending; /* wrapped; empty: none, or none to be confirmed */
    int64_t pending_at, created, used_step;
};
/* All empty: there is none. */
WAITS int factor__find(struct request *rq, const struct accounts *x, str account,
                       struct factor *out, struct err *err);
str factor__wrap(struct request *rq, const struct accounts *x, str account,
                 const unsigned char secret[TOTP_SECRET]);
/* Fails with INTERNAL: it was wrapped under other keys, or for another account. */
int factor__unwrap(struct request *rq, const struct accounts *x, str account, str wrapped,
                   unsigned char secret[TOTP_SECRET], struct err *err);
WAITS int factor__pend(struct request *rq, const struct accounts *x, str account, str wrapped,
                       struct err *err);
/* *won: the step was not used before. */
WAITS int factor__use(struct request *rq, const struct accounts *x, str account, str secret,
                      int64_t step, bool *won, struct err *err);
/* The pending secret counts now; gives new recovery codes. Fails with NOTFOUND: it does not stand
 * there any more. */
WAITS int factor__confirm(struct request *rq, const struct accounts *x, str account, str pending,
                          int64_t step, str codes[RECOVERY_CODES], struct err *err);
WAITS int factor__new_codes(struct request *rq, const struct accounts *x, str account,
                            str codes[RECOVERY_CODES], struct err *err);
/* Uses a recovery code up. */
WAITS int factor__recover(struct request *rq, const struct accounts *x, str account, str code,
                          bool *good, struct err *err);
WAITS int factor__codes_left(struct request *rq, const struct accounts *x, str account,
                             int64_t *out, struct err *err);
WAITS int factor__remove(struct request *rq, const struct accounts *x, str account,
                         struct err *err);

/* ---- mfa.c, mfa_setup.c ---- */
enum mfa_kind { MFA_NONE, MFA_VERIFY, MFA_SETUP };
/* The account of a token that mfa__gate gave. Fails with SIGNIN, word invalid_mfa_token. */
WAITS int mfa__token(struct request *rq, const struct accounts *x, enum mfa_kind kind, str token,
                     str *account, struct err *err);
/* Whether the first factor is enough. Fails with SIGNIN, words mfa_required and mfa_setup_required;
 * mfa__gate adds the token for what comes next. */
WAITS int mfa__gate(struct request *rq, const struct accounts *x, str account, struct err *err);
/* For the code of that account, whose password was right. */
WAITS int mfa__page_token(struct request *rq, const struct accounts *x, str account, str *token,
                          struct err *err);
WAITS int mfa__alone(struct request *rq, const struct accounts *x, str account, struct err *err);
/* Where it is required: whether the account has one, as sessions and keys of before need. Fails
 * with SIGNIN, word mfa_setup_required. */
WAITS int mfa__has(struct request *rq, const struct accounts *x, str account, struct err *err);
/* One more code of that account. Fails with LIMITED. */
int mfa__attempt(struct request *rq, const struct accounts *x, str account, struct err *err);
/* Tells of a wrong one. Gives DENIED, word wrong_code. */
WAITS int mfa__wrong(struct request *rq, const struct accounts *x, str account, str field,
                     struct err *err);
/* That body has `code`, or `recovery_code`, and uses it up. Fails with DENIED, LIMITED, INVALID. */
WAITS int mfa__prove(struct request *rq, const struct accounts *x, str account,
                     const struct factor *f, const struct value *body, struct err *err);
/* An account that may sign in. Fails with NOTFOUND, DENIED. */
WAITS int mfa__account(struct request *rq, const struct accounts *x, str key, struct account *who,
                       struct err *err);
/* By the body's password, or a session of minutes. Fails with DENIED, word fresh_sign_in_required;
 * SIGNIN. */
WAITS int mfa__fresh(struct request *rq, const struct accounts *x, const struct account *who,
                     const struct value *body, struct err *err);
endpoint_fn mfa__verify, mfa__add, mfa__confirm, mfa__show, mfa__codes, mfa__remove;

/* ---- passkey_rows.c, passkeys.c ---- */
struct passkey {
    str id, account, name, key; /* id and key in base64url */
    int64_t counter;
};
/* id, name, created_at, used_at */
WAITS int passkey__all_of(struct request *rq, const struct accounts *x, str account,
                          struct rows *out, struct err *err);
/* out->account is empty when there is none. */
WAITS int passkey__find(struct request *rq, const struct accounts *x, str id, struct passkey *out,
                        struct err *err);
WAITS int passkey__add(struct request *rq, const struct accounts *x, const struct passkey *p,
                       struct err *err);
/* *won: the counter went on, and no challenge of `state` or after it was answered before. */
WAITS int passkey__use(struct request *rq, const struct accounts *x, const struct passkey *p,
                       int64_t state, bool *won, struct err *err);
WAITS int passkey__end(struct request *rq, const struct accounts *x, str account, str id,
                       bool *ended, struct err *err);
/* For a list of writes. */
struct db_write passkey__end_all(struct request *rq, str account);
endpoint_fn passkey__options, passkey__make, passkey__list, passkey__remove, passkey__ask,
    passkey__login;

/* ---- identities.c: who an account is at providers ---- */
/* *account empty: nobody here. */
WAITS int link__find(struct request *rq, const struct accounts *x, const struct provider_config *c,
                     str subject, str *account, struct err *err);
/* Statements for a list of writes. The first two fail with NOTFOUND: it is another account's; it is
 * not there any more. */
struct db_write link__add(struct request *rq, const struct provider_config *c,
                          const struct provider_person *p, str account);
struct db_write link__use(struct request *rq, const struct provider_config *c, str subject);
struct db_write link__end(struct request *rq, str account);
endpoint_fn identities__list, identities__remove;

/* ---- provider_flow.c: a sign-in at a provider, between its beginning and its end ---- */
struct flow {
    struct provider_flow at;
    bool cookie;   /* the session it ends with */
    str back;      /* where it leads to; empty: nowhere */
    str challenge; /* of the page that a ticket is for (RFC 7636, S256); empty: there is none */
    str account;   /* who links his account; empty: somebody signs in */
    str sid;       /* his session; of who signs in the one that he had before, or empty */
};
/* No open redirect; secret: what a page is told there opens something, so a place of the settings.
 */
bool flow__back_good(struct request *rq, const struct accounts *x, str back, bool secret);
/* Makes state, nonce and verifier, and the cookie that brings all of f back. */
void flow__begin(struct request *rq, const struct accounts *x, const struct provider_config *c,
                 struct flow *f);
/* Of the request's cookie, when it fits the state. Fails with BAD, word invalid_state. */
int flow__find(struct request *rq, const struct accounts *x, const struct provider_config *c,
               str state, struct flow *f, struct err *err);
/* It is over now. Fails with BAD, word invalid_state: it was before. */
WAITS int flow__use(struct request *rq, const struct accounts *x, const struct provider_config *c,
                    const struct flow *f, struct err *err);
/* What a page trades for tokens, once and soon. */
str flow__ticket(struct request *rq, const struct accounts *x, str account, str challenge);
/* Fails with SIGNIN, word invalid_ticket. */
WAITS int flow__ticket_use(struct request *rq, const struct accounts *x, str ticket, str verifier,
                           str *account, struct err *err);

/* ---- provider_account.c ---- */
/* The account of somebody who a provider says it is: found, linked by his address, or made. Fails
 * with DENIED (email_not_verified, registration_closed, not_verified), CONFLICT (account_exists,
 * account_incomplete, identity_taken). */
WAITS int person__account(struct request *rq, const struct accounts *x,
                          const struct provider_config *c, const struct provider_person *p,
                          struct account *who, struct err *err);
/* Links him to the account that asked for it. Fails with SIGNIN, CONFLICT (identity_taken). */
WAITS int person__link(struct request *rq, const struct accounts *x,
                       const struct provider_config *c, const struct provider_person *p,
                       const struct flow *f, struct err *err);

/* ---- provider.c ---- */
endpoint_fn provider__list, provider__start, provider__callback, provider__link, provider__ticket;

/* ---- leave.c ---- */
endpoint_fn account__leave;

#endif
