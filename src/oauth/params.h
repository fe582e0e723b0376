/* Private to src/oauth: the parameters of its requests, a query string or a form. SPDX: Apache-2.0
 */
#ifndef CAIRN_OAUTH_PARAMS_H
#define CAIRN_OAUTH_PARAMS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum param_name {
#define X(id, name) PARAM_##id,
#include "oauth/params.def"
#undef X
    PARAMS
};

enum { PARAMS_TEXT_MOST = 16384, PARAM_PIECES_MOST = 100 };

/* One that is not there, or empty, has len 0 (RFC 6749, 3.1). */
struct params {
    str of[PARAMS];
};

/* Reads application/x-www-form-urlencoded. What it does not know is passed over. Fails with BAD,
 * word invalid_request: one comes twice, bad encoding, control characters (but in a password). */
int params_read(struct arena *a, str text, struct params *out, struct err *err);

/* NAME and SECRET of Basic, each encoded as a form's value (RFC 6749, 2.3.1). Fails with BAD. */
int params_basic(struct arena *a, str coded, str *name, str *secret, struct err *err);

#endif
