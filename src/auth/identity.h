/* identity.h -- the keys of this installation, and the tokens made with them. One a process, all
 * workers share it. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_IDENTITY_H
#define CAIRN_AUTH_IDENTITY_H

#include "auth/issuer.h"
#include "auth/password.h"
#include "auth/provider.h"
#include "data/principal.h"

struct identity;

struct identity_config {
    const char *file; /* of the keys, mode 0600; made when it is missing */
    str issuer, audience;
    enum jwt_alg alg;       /* of new keys */
    int64_t access_seconds; /* how long an access token is good */
    struct password_config passwords;
    const struct issuer_config *issuers; /* others whose tokens are taken */
    size_t issuer_count;
    struct issuer_times issuer_times;
    const struct provider_config *providers; /* where people may sign in, too */
    size_t provider_count;
    struct client *client; /* for their keys */
};

/* *made: there were no keys, and they were made. Blocks. Fails with IO, CONFIG (a damaged file).
 * Texts of c live as long as *out. */
int identity_open(const struct identity_config *c, struct identity **out, bool *made,
                  struct err *err);
void identity_close(struct identity **i);
struct passwords *identity_passwords(struct identity *i);
const struct identity_config *identity_config_of(const struct identity *i);
/* Takes the file of keys anew when it has changed: 1, else 0. Reads one small file at most. Any
 * thread. Fails with IO, CONFIG: the keys in force stay. */
int identity_refresh(struct identity *i, struct err *err);

/* ---- the file, by hand. Blocks. Fails with NOTFOUND, IO, CONFIG, CONFLICT. ---- */

/* Adds a new signing key; those that were there still check tokens. */
int identity_rotate(const char *file, enum jwt_alg alg, struct err *err);
/* Takes a key away: what it signed is refused. The one that signs stays (CONFLICT). */
int identity_retire(const char *file, str kid, struct err *err);
/* A line a key: algorithm, kid, what it does. */
int identity_list(const char *file, struct buf *out, struct err *err);

/* {"keys":[...]}: the public keys (RFC 7517, 5). */
void identity_jwks(const struct identity *i, struct buf *out);

/* ---- access tokens (RFC 9068) ---- */

enum { SID_TEXT = 36 }; /* a UUID */

struct ticket {
    str sid, subject;
    const struct value *claims; /* V_OBJECT: what rules read as me.NAME */
    const str *roles;
    size_t role_count;
    int64_t now;    /* seconds since 1970 */
    str app, scope; /* of an app (OAuth 2.0): it has no roles and claims; app empty: of our own */
    int64_t end;    /* when it is over at the latest; 0: after access_seconds */
};
int64_t identity_token_end(const struct identity *i, const struct ticket *t); /* its `exp` */
int identity_token(struct arena *a, const struct identity *i, const struct ticket *t, str *out,
                   struct err *err);
/* Signs other claims than those of an access token: `typ` JWT. */
int identity_sign(struct arena *a, const struct identity *i, str claims, str *out, struct err *err);
enum jwt_alg identity_alg(const struct identity *i); /* of what is signed now */

struct signed_in; /* a token that was checked, kept for the next time; of one thread */

/* Checks a token, or finds it among those checked before on this thread. *out is valid until
 * identity_release. Fails with SIGNIN, word "invalid_token". */
int identity_check(struct identity *i, str token, int64_t now, struct signed_in **out,
                   struct err *err);
const struct principal *signed_in_principal(const struct signed_in *s);
str signed_in_sid(const struct signed_in *s); /* the session's id, or the API key's */
int64_t signed_in_until(const struct signed_in *s);
/* BY_TOKEN: an access token. When its principal has an app, that is not all: see account/app.c,
 * which makes BY_APP of it. */
enum signed_by { BY_TOKEN, BY_COOKIE, BY_KEY, BY_PASSWORD, BY_ISSUER, BY_APP };
enum signed_by signed_in_by(const struct signed_in *s);
void identity_release(struct signed_in **s);
void identity_thread_end(void); /* drops what the calling thread keeps */

/* A session, or an API key, is over: what was kept of it is refused from now on. Any thread. */
void identity_revoke(struct identity *i, str sid, int64_t now);

/* ---- accounts change: what tokens say of them is looked at again ---- */

enum { ROLES_SECONDS = 1 }; /* where roles are in tables; else KEPT_SECONDS */

/* After so many seconds, and at once after identity_changed. Before the first request. */
void identity_follow(struct identity *i, int seconds);
/* What was kept says no more who somebody is. Any thread. */
void identity_changed(struct identity *i);
/* Of a token of an account: that has to be read before it is used. */
bool identity_stale(const struct identity *i, const struct signed_in *s, int64_t now);
/* How often sessions were revoked, and accounts changed, so far. */
struct identity_stamp {
    unsigned revoked, changed;
};
struct identity_stamp
identity_stamp(const struct identity *i); /* before that; for identity_renew */
/* The same token with another principal, in the place of *s. Copies p. */
void identity_renew(struct identity *i, struct signed_in **s, const struct principal *p,
                    int64_t now, struct identity_stamp stamp);

/* Since when revocations of other processes have to be looked for; sync_done says that they were,
 * up to now. At first: as long as anything from before could still be good. Of one thread. */
int64_t identity_synced(const struct identity *i, int64_t now);
void identity_sync_done(struct identity *i, int64_t now);

/* ---- tokens of others ---- */

/* Whether tokens of others are taken at all. */
bool identity_outside(const struct identity *i);
/* Whether the thread keeps this very token as one of ours: then it is nobody else's. */
bool identity_holds(struct identity *i, str token);
/* The one whose `iss` that is, or NULL. */
struct issuer *identity_issuer(const struct identity *i, str iss);

/* The provider of that name, or NULL. */
struct provider *identity_provider(const struct identity *i, str name);

/* ---- other credentials: checked by whoever calls, kept here like tokens ---- */

enum { KEPT_SECONDS = 30 }; /* at most, until they are looked at again */

/* What was kept of that credential on this thread and is still good, held as by identity_check; or
 * NULL: check it, and keep what comes of it. *stamp goes to identity_keep: what is revoked while it
 * is being checked is not missed. */
struct signed_in *identity_kept(struct identity *i, enum signed_by by, str secret, int64_t now,
                                struct identity_stamp *stamp);
/* Copies sid and the principal. Gives the same as identity_kept would. expires: seconds since 1970.
 */
struct signed_in *identity_keep(struct identity *i, enum signed_by by, str secret, str sid,
                                const struct principal *p, int64_t expires,
                                struct identity_stamp stamp);

/* ---- a session and a counter under a MAC: refresh tokens, and the cookies of sessions ---- */

enum sealed { SEALED_REFRESH, SEALED_COOKIE, SEALED_APP }; /* APP: an app's refresh token */
str identity_seal(struct arena *a, const struct identity *i, enum sealed what, str sid,
                  uint64_t counter);
bool identity_unseal(struct arena *a, const struct identity *i, enum sealed what, str token,
                     str *sid, uint64_t *counter);

/* The token against cross-site requests of a session: a MAC of its id. */
enum { CSRF_TEXT = 43 };
void identity_csrf(const struct identity *i, str sid, char out[CSRF_TEXT]);
/* A digest of a text under a key of this installation, in hex: to name what must not be told. */
enum { DIGEST_TEXT = 32 };
void identity_digest(const struct identity *i, str text, char out[DIGEST_TEXT + 1]);
/* A key of this installation for one use. */
enum { IDENTITY_KEY = 32 };
void identity_key(const struct identity *i, const char *use, unsigned char out[IDENTITY_KEY]);

/* ---- texts that nobody else can read or make (box.c) ---- */

/* At most 4096 bytes. with: what it belongs to, needed again to open it. In base64url. */
str identity_wrap(struct arena *a, const struct identity *i, const char *use, str with, str text);
/* False: it is not of this installation, this use, or this `with`. */
bool identity_unwrap(struct arena *a, const struct identity *i, const char *use, str with,
                     str wrapped, str *out);

#endif
