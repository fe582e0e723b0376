/* Private to src/auth: what an installation has to say who somebody is. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_IDENTITY_PRIV_H
#define CAIRN_AUTH_IDENTITY_PRIV_H

#include "auth/identity.h"
#include "auth/keys.h"
#include "auth/revoked.h"

struct identity {
    struct identity_config config;
    struct keys keys;
    struct passwords *passwords;
    struct revoked revoked;
    int64_t synced;           /* 0: never yet */
    _Atomic int follows;      /* seconds until an account is read again; 0: never */
    _Atomic unsigned changed; /* counts changes of accounts and of who has which role */
    struct issuer *issuers[ISSUERS_MOST];
    struct provider *providers[PROVIDERS_MOST];
};

#endif
