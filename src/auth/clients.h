/* clients.h -- other apps that people let in with their account here (OAuth 2.0): which ones there
 * are, what each may ask for, and what that allows. Of the settings, const; pure. SPDX: Apache-2.0
 */
#ifndef CAIRN_AUTH_CLIENTS_H
#define CAIRN_AUTH_CLIENTS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    CLIENTS_MOST = 64,
    SCOPES_MOST = 64,
    CLIENT_LISTS_MOST = 64, /* redirect URIs, scopes, permissions of one */
    CLIENT_URI_MOST = 1000,
    CLIENT_ID_MOST = 100,
    SECRET_LEAST = 32, /* characters: it is random, so no slow hash is needed */
    SECRET_DIGEST = 32
};

/* What somebody may ask for; openid, profile, email and offline_access are always there. */
struct client_scope {
    str name, text; /* text: for the person who is asked */
    const str *can; /* as of an API key: "posts:read" */
    size_t can_count;
};

enum client_grant { GRANT_CODE = 1, GRANT_REFRESH = 2, GRANT_ITSELF = 4 };

struct app_client {
    str id, name;
    bool has_secret; /* it can prove itself, by a secret or a key; else it is public */
    unsigned char secret[SECRET_DIGEST]; /* its SHA-256 */
    str jwks;                            /* instead: its public keys, a JWK set */
    const str *redirects;
    size_t redirect_count;
    const str *scopes;
    size_t scope_count;
    unsigned grants;  /* enum client_grant */
    const str *roles; /* of what it does for itself: client_credentials */
    size_t role_count;
    bool inspects; /* a server that serves others' tokens: it may ask about all of them */
};

struct clients {
    str issuer; /* "https://id.example.com", without a slash at its end */
    const struct app_client *list;
    size_t count; /* 0: there is no such thing here */
    const struct client_scope *scopes;
    size_t scope_count;
    int64_t refresh_s; /* how long somebody stays signed in in an app */
};

/* NULL: there is none. */
const struct app_client *client_find(const struct clients *c, str id);
const struct client_scope *scope_find(const struct clients *c, str name);

/* Whether uri is one of those of the client: the same, byte by byte; of http://127.0.0.1 and
 * http://[::1] any port will do (RFC 8252, 7.3). */
bool client_redirects(const struct app_client *c, str uri);
/* Whether it may stand in the settings: https, http on the loopback, or an app's own scheme with a
 * dot in it; no fragment, and nothing that could end a header or a policy. */
bool client_redirect_good(str uri);
/* It can be taken by any program of the device: whoever asks is not proved by it. */
bool client_is_native(const struct app_client *c, str uri);
/* What a JWT for authentication says (RFC 7523, 3), when one of the client's keys signed it for
 * audience. Fails with SIGNIN. */
struct client_assertion {
    str jti;
    int64_t expires;
};
int client_assertion(struct arena *a, const struct app_client *c, str token, str audience,
                     int64_t now, struct client_assertion *out, struct err *err);
/* In the settings: it holds keys, and none that is private. */
bool client_keys_good(str jwks);
/* In a time that tells nothing. */
bool client_secret_is(const struct app_client *c, str secret);
void client_secret_hash(str secret, unsigned char out[SECRET_DIGEST]);

/* One word of a list with blanks between; false at the end. */
bool scope_next(str *rest, str *out);
bool scope_has(str list, str name);
bool scope_within(str list, str all); /* each of list is in all */
/* Whether each is known and the client's. *out: without those that came twice. False: *out is the
 * first that is not. */
bool scope_allowed(struct arena *a, const struct clients *c, const struct app_client *client,
                   str list, str *out);
/* Those of list that the client may still have: settings can have taken some away. */
str scope_kept(struct arena *a, const struct clients *c, const struct app_client *client, str list);
/* What a list of scopes allows; never NULL. */
const str *scope_can(struct arena *a, const struct clients *c, str list, size_t *count);

/* RFC 7636: the verifier of a challenge by S256. False also when either has no such form. */
bool pkce_challenge_good(str challenge);
bool pkce_is(str challenge, str verifier);

#endif
