/* Private to src/auth: what a provider answers, as it is read. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_PROVIDER_READ_H
#define CAIRN_AUTH_PROVIDER_READ_H

#include "auth/provider.h"

enum { PROVIDER_URL_MOST = 1024, PROVIDER_ANSWER_MOST = 256 * 1024, PROVIDER_TOKEN_MOST = 8192 };

struct provider_endpoints {
    str authorize, token, user; /* user: may be empty */
    bool says_iss;              /* its answers have `iss` (RFC 9207) */
    bool basic;                 /* the secret goes into Authorization, not into the body */
};
/* From a document of discovery (OpenID Connect Discovery 1.0, 3; RFC 8414, 2). Texts live in a.
 * Fails with BAD: no such document, of another issuer, addresses that are none or not safe. */
int provider_endpoints_read(struct arena *a, str json, str issuer, struct provider_endpoints *out,
                            struct err *err);
/* An answer of the token endpoint (RFC 6749, 5.1). id may be empty. Fails with SIGNIN, word
 * provider_refused. */
int provider_tokens_read(struct arena *a, str json, str *access, str *id, struct err *err);
/* A JSON object. Fails with BAD. */
int provider_object(struct arena *a, str json, struct value *out, struct err *err);
/* The claims of an ID token that was signed right, against what was asked for (OpenID Connect Core
 * 1.0, 3.1.3.7; 11 and 12). Fails with SIGNIN, word provider_refused. */
int provider_claims_check(const struct provider_config *c, const struct value *claims, str nonce,
                          struct err *err);
/* Who the claims name. */
void provider_take(struct arena *a, const struct provider_config *c, const struct value *claims,
                   struct provider_person *out);
/* GitHub's user, and its list of addresses. Fail with BAD. */
int provider_take_user(struct arena *a, str json, struct provider_person *out, struct err *err);
int provider_take_emails(struct arena *a, str json, struct provider_person *out, struct err *err);
void provider_escape(struct buf *b, str value); /* all but unreserved bytes as %XX */
/* "name=value" of a form or a query, percent-encoded, behind an & when b is not empty. */
void provider_put(struct buf *b, const char *name, str value);
/* `iss` of an answer or of an ID token; tid: the tenant, or empty. */
bool provider_iss_fits(const struct provider_config *c, str iss, str tid);

#endif
