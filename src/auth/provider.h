/* provider.h -- signing in somewhere else: OpenID Connect and OAuth 2.0, as a client of theirs. One
 * of a process for each provider; all workers share it. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_PROVIDER_H
#define CAIRN_AUTH_PROVIDER_H

#include "auth/issuer.h"

enum { PROVIDERS_MOST = 32, PROVIDER_CODE_MOST = 2048 };

/* Texts are borrowed for as long as the provider lives. */
struct provider_config {
    str name;      /* in addresses: .../auth/oauth/NAME */
    str issuer;    /* `iss` of its ID tokens, byte by byte; empty: it speaks OAuth 2.0 only */
    bool tenants;  /* "{tenantid}" in the issuer stands for the ID token's `tid` */
    str discovery; /* below which /.well-known/openid-configuration lies; empty: the issuer */
    str jwks;      /* URL of its keys; empty: as its openid-configuration says */
    str authorize, token, user, emails; /* URLs; of one without ID tokens, with GitHub's answers */
    str client_id, client_secret;       /* no secret: a public client */
    str team, key_id, key; /* the secret is a token, signed with this key (PEM): Apple */
    str scope;             /* words with blanks between */
    bool form_post;        /* it answers by a form */
    bool trust_email;      /* its addresses count as verified when it does not say */
    bool edov;             /* Microsoft: `xms_edov` says it, and `email_verified` only if not */
};

struct provider;

/* What an `error` of a provider may be shown as: its word when that is one, else "unknown". */
str provider_error(str word);

/* Borrows all. Fetches nothing yet. Fails with CONFIG: the key cannot be read. */
int provider_new(const struct provider_config *c, const struct issuer_times *t,
                 struct client *client, struct provider **out, struct err *err);
void provider_free(struct provider **p);
const struct provider_config *provider_config_of(const struct provider *p);
/* Whether text is a key that provider_new takes. Fails with CONFIG. */
int provider_key_check(str pem, str key_id, struct err *err);

/* What a sign-in begins with, and is asked for again at its end. */
struct provider_flow {
    str redirect;               /* where the provider sends the browser back to, exactly */
    str state, nonce, verifier; /* random texts; verifier: of PKCE (RFC 7636) */
};
/* The address that the browser is sent to. Lives in a. Waits where the provider's document has to
 * be fetched. Fails with BUSY, word provider_away; CANCELLED. */
WAITS int provider_url(struct provider *p, struct arena *a, const struct provider_flow *f, str *out,
                       struct err *err);

/* Whether an answer with that `iss` is the provider's (RFC 9207); ptr NULL: it names none. Waits
 * and fails as provider_person does. */
WAITS int provider_whose(struct provider *p, struct arena *a, str iss, struct err *err);

/* What the browser brought back. */
struct provider_answer {
    str code;
    str iss; /* RFC 9207; ptr NULL: it was not there */
    int64_t now;
};
/* Who somebody is there. Texts live in a; ptr NULL: it does not say. */
struct provider_person {
    str subject, email;
    bool verified;       /* the address */
    struct value claims; /* V_OBJECT: all that it says */
};
/* Trades the code for tokens, and reads who it is from the ID token and the user's data, which are
 * checked. Waits. Fails with SIGNIN, word provider_refused; BUSY, word provider_away; CANCELLED. */
WAITS int provider_person(struct provider *p, struct arena *a, const struct provider_flow *f,
                          const struct provider_answer *answer, struct provider_person *out,
                          struct err *err);

#endif
