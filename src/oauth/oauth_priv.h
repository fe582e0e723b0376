/* Private to src/oauth. SPDX: Apache-2.0 */
#ifndef CAIRN_OAUTH_PRIV_H
#define CAIRN_OAUTH_PRIV_H

#include "oauth/oauth.h"
#include "oauth/params.h"

enum { CODE_SECONDS = 60, DIGEST_HEX = 64, NONCE_MOST = 500 };

struct oauth {
    struct arena *arena; /* of the start: only there */
    const struct accounts *accounts;
    const struct clients *clients;
};

int64_t oauth__now(void); /* seconds since 1970 */

void oauth__no_store(struct reply *r); /* Cache-Control, unless it says so already */

/* ---- failures, in the form of RFC 6749, 5.2 ---- */

/* word: "invalid_grant". The text is for the app's developer. */
int oauth__refuse(struct err *err, const char *word, const char *text);
/* Makes a failure of `code` the answer, in JSON; what the server's operator has to see goes on. */
int oauth__answered(struct request *rq, int code, struct err *why, struct err *err);

/* ---- rows.c ---- */

struct oauth_code {
    str hash, grant, client, account, redirect, scope, challenge, nonce;
    int64_t auth_time, expires, used;
};
struct oauth_grant {
    str id, client, account, scope; /* account empty: the app's own */
    int64_t auth_time, counter, rotated, created, expires;
};
/* A new code for c, with the consent (its scope; NULL: it stays); gives the code's text. */
WAITS int code__add(struct request *rq, const struct oauth *o, struct oauth_code *c,
                    const str *consent, str *text, struct err *err);
/* out->grant is empty when there is none. */
WAITS int code__find(struct request *rq, const struct oauth *o, str text, struct oauth_code *out,
                     struct err *err);
/* Remembers an assertion of the client. *fresh false: it was used before. */
WAITS int assertion__use(struct request *rq, const struct oauth *o, str client, str jti,
                         int64_t expires, bool *fresh, struct err *err);
/* Uses the code (NULL: there is none) up and begins its grant. *won false: it was used before. */
WAITS int grant__begin(struct request *rq, const struct oauth *o, const struct oauth_code *c,
                       const struct oauth_grant *g, bool *won, struct err *err);
/* One that has not ended; out->id empty: there is none. */
WAITS int grant__find(struct request *rq, const struct oauth *o, str id, struct oauth_grant *out,
                      struct err *err);
/* From counter to the next. */
WAITS int grant__rotate(struct request *rq, const struct oauth *o, const struct oauth_grant *g,
                        bool *won, struct err *err);
/* Its tokens are void at once. */
WAITS int grant__end(struct request *rq, const struct oauth *o, str id, str account,
                     enum account_event why, struct err *err);
/* What the account allowed the app before; empty: nothing. */
WAITS int consent__find(struct request *rq, const struct oauth *o, str account, str client,
                        str *scope, struct err *err);

/* ---- issue.c ---- */

struct issue {
    struct oauth_grant grant;
    str scope; /* of the access token: within the grant's */
    str nonce;
    const struct account_person *who; /* NULL: the app itself */
    bool refresh;
};
/* The answer of the token endpoint. */
int issue__answer(struct request *rq, const struct oauth *o, const struct issue *i,
                  struct err *err);
/* ",\"name\":..." of what the scopes let the app know. */
void issue__claims(struct request *rq, const struct oauth *o, const struct account_person *who,
                   str scope, struct buf *b);

/* ---- caller.c: which app calls ---- */

/* By Basic, or by the body. Fails with SIGNIN, word invalid_client; BAD; LIMITED. */
WAITS int caller__find(struct request *rq, const struct oauth *o, const struct params *p,
                       const struct app_client **out, struct err *err);
/* The form of a body. Fails with BAD, MEDIA, TOOBIG. */
WAITS int caller__form(struct request *rq, struct params *out, struct err *err);

/* ---- pages.c: what people see ---- */

struct ask {
    const struct app_client *client;
    str query; /* the request as it came, for the form */
    str redirect, scope, state;
    struct params p;
    bool none, login, consent; /* prompt */
    int64_t max_age;           /* -1: any */
};
void page__fault(struct request *rq, const char *title, str text);
void page__signin(struct request *rq, const struct oauth *o, const struct ask *ask, str login,
                  str wrong);
void page__code(struct request *rq, const struct ask *ask, str mfa_token, str wrong);
void page__consent(struct request *rq, const struct oauth *o, const struct ask *ask,
                   const struct account_person *who);

endpoint_fn oauth__authorize, oauth__signin, oauth__consent;   /* authorize.c */
endpoint_fn oauth__token;                                      /* token.c */
endpoint_fn oauth__revoke, oauth__introspect, oauth__userinfo; /* inspect.c */
endpoint_fn oauth__metadata;                                   /* metadata.c */
endpoint_fn oauth__apps, oauth__app_end;                       /* apps.c */

#endif
