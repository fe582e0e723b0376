/* api_key.h -- the text of an API key: ck_live_ and 43 random digits of base 62 (256 bits), then
 * six of their CRC-32, by which scanners of source code know a key from other words. SPDX:
 * Apache-2.0 */
#ifndef CAIRN_AUTH_API_KEY_H
#define CAIRN_AUTH_API_KEY_H

#include "base/str.h"

enum { API_KEY_DIGITS = 43, API_KEY_CHECK = 6, API_KEY_ROOM = 64, API_KEY_HASH = 64 };

/* kind: a word of small letters, "live" or "test". NUL-terminated. */
void api_key_make(const char *kind, char out[API_KEY_ROOM]);
/* Whether it has the form, and its check digits fit. Tells nothing of whether the key is known. */
bool api_key_good(str text);
/* SHA-256 in hex, NUL-terminated: what is stored. A random key needs no slow hash. */
void api_key_hash(str text, char out[API_KEY_HASH + 1]);

#endif
