/* totp.h -- codes of authenticator apps: TOTP (RFC 6238) with SHA-1, 30 seconds and six digits, the
 * one form that all of them know. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_TOTP_H
#define CAIRN_AUTH_TOTP_H

#include "base/buf.h"
#include "base/err.h"

enum { TOTP_SECRET = 20, TOTP_SECONDS = 30, TOTP_DIGITS = 6, TOTP_WINDOW = 1 };

/* Before any code: loads what makes them. Fails with BUSY. */
int totp_ready(struct err *err);
/* The code of a step (seconds since 1970 / TOTP_SECONDS), NUL-terminated. */
void totp_at(const unsigned char secret[TOTP_SECRET], int64_t step, char out[TOTP_DIGITS + 1]);
/* Whether it is the code of now, or of TOTP_WINDOW steps before or after (clocks differ), and of a
 * step behind `used`: *step. Takes the same time whichever it is, or none. */
bool totp_find(const unsigned char secret[TOTP_SECRET], int64_t now, int64_t used, str code,
               int64_t *step);
/* otpauth://totp/ISSUER:NAME?..., as apps read it from a QR code; secret: in base 32. */
void totp_uri(struct buf *b, str issuer, str name, str secret);

#endif
