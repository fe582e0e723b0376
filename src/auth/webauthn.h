/* webauthn.h -- passkeys (Web Authentication, level 2): what an authenticator made or signed, as a
 * browser hands it over. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_WEBAUTHN_H
#define CAIRN_AUTH_WEBAUTHN_H

#include "base/arena.h"
#include "base/err.h"

enum { WEBAUTHN_ID_MOST = 1023, WEBAUTHN_KEY_MOST = 1200, WEBAUTHN_BODY_MOST = 16384 };

/* What the answer must be to. */
struct webauthn_wish {
    str challenge; /* as it stands in clientDataJSON: base64url */
    str rp_id;
    const str *origins; /* any of these */
    size_t origin_count;
};
struct webauthn_made {
    str id, key; /* key: COSE, as it came; both point into the input or arena */
    uint32_t counter;
};

/* A registration (7.1), with attestation none or one that is not looked at. The user was verified.
 * Fails with INVALID, word bad_passkey: the text says what is wrong. */
int webauthn_register(struct arena *a, const struct webauthn_wish *w, str client_data,
                      str attestation, struct webauthn_made *out, struct err *err);
/* A sign-in (7.2): signed with that key, by who was verified. *counter: of the authenticator. Fails
 * likewise. */
int webauthn_check(struct arena *a, const struct webauthn_wish *w, str cose, str client_data,
                   str auth_data, str signature, uint32_t *counter, struct err *err);

#endif
