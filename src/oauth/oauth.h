/* oauth.h -- other apps "log in with" this project: OAuth 2.0 and OpenID Connect, the server's
 * half. SPDX: Apache-2.0
 * RFC 6749 as RFC 9700 narrows it: codes with PKCE, refresh tokens, client credentials; RFC 7009,
 * 7662, 8414, 9068, 9207, 8252; OpenID Connect Core 1.0 and Discovery 1.0. */
#ifndef CAIRN_OAUTH_H
#define CAIRN_OAUTH_H

#include "account/account.h"

struct oauth;

/* The tables of codes, grants and consents, for start-up; safe to run again. They are there
 * wherever there are accounts. */
const char *oauth_tables(enum dialect d);

/* Borrows all; lives in a. c has clients. */
struct oauth *oauth_new(struct arena *a, const struct accounts *x, const struct clients *c);

/* /oauth/authorize, signin, consent, token, revoke, introspect, userinfo, the two documents below
 * /.well-known; below each prefix auth/apps. Fails with CONFLICT. */
int oauth_routes(struct router *r, const struct oauth *o, const str *prefixes, size_t count,
                 struct err *err);

/* Grants that other processes ended: before account_sync, from a fiber. */
WAITS int oauth_sync(const struct accounts *x, int64_t now, struct err *err);
/* Deletes codes and grants that are past their time, some at a time; from a fiber. */
WAITS int oauth_sweep(const struct accounts *x, int64_t now, struct err *err);

#endif
