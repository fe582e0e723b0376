/* Private to src/account. SPDX: Apache-2.0 */
#ifndef CAIRN_ACCOUNT_PRIV_H
#define CAIRN_ACCOUNT_PRIV_H

#include "account/account.h"
#include "render/render.h"

enum { CLAIMS_MOST = 32, ADDRESS_FACTOR = 10 };

struct accounts {
    const struct account_config *config;
    struct arena *arena; /* of the start: only there */
    const struct table *table;
    struct db *db;
    struct identity *identity;
    const struct column *id, *login, *password, *roles, *verified; /* the last two may be NULL */
    const struct column *claims[CLAIMS_MOST];
    size_t claim_count;
    const struct column **all; /* every column, in order; the row of an account */
    bool *hidden;              /* by column->index: never shown */
    struct limit_table *by_account, *by_address;
    struct limit_table *told; /* whether a limited name is in the audit log already */
};

/* An account as it was read. */
struct account {
    const struct value *cells; /* by column->index; NULL: there is none */
    str key;                   /* its id as text */
};

int64_t account__now(void); /* seconds since 1970 */

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
/* The answer's body: the row, without what is hidden. */
void account__put(struct buf *b, const struct accounts *x, const struct account *who);
/* Roles and claims for a token, in the request's arena. */
void account__ticket(struct request *rq, const struct accounts *x, const struct account *who,
                     struct ticket *out);
bool account__verified(const struct accounts *x, const struct account *who);

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
struct session_end {
    str account, sid, keep;
    enum audit_event why;
};
WAITS int session__end(struct request *rq, const struct accounts *x, const struct session_end *e,
                       size_t *count, struct err *err);
endpoint_fn session__list, session__remove;

/* ---- body.c ---- */
/* The JSON object of a body. Fails with MEDIA, BAD, TOOBIG. */
WAITS int account__body(struct request *rq, struct value *out, struct err *err);
/* A text member that must be there. Fails with INVALID, the field named. */
int account__text(const struct value *body, str name, str *out, struct err *err);
void account__answer(struct request *rq, const struct accounts *x, const struct tokens *t,
                     const struct account *who);
/* Who is signed in: the account's key. Fails with SIGNIN, word sign_in_required. */
int account__me(const struct request *rq, str *key, struct err *err);

/* ---- password rules (credentials.c) ---- */
WAITS int account__acceptable(const struct accounts *x, str password, str field, struct err *err);
/* One more attempt on that name from that address. Fails with LIMITED. */
int account__attempt(struct request *rq, const struct accounts *x, str login, struct err *err);

endpoint_fn account__register, account__login, account__refresh, account__logout, account__change,
    account__show, account__jwks;

#endif
