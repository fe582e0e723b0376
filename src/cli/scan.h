/* Private to src/cli: secrets in texts. SPDX: Apache-2.0 */
#ifndef CAIRN_CLI_SCAN_H
#define CAIRN_CLI_SCAN_H

#include "base/str.h"

/* What looks like a secret, in one line. */
struct scan_hit {
    const char *kind; /* for people: "a private key" */
    size_t at, len;   /* of the secret itself, in the line */
};

/* The first secret in a line; settings: the line is of a file of settings (YAML, .env, ...), where
 * `password: literal` is one, too. False: there is none, or the line says cairn:allow-secret. */
bool scan_line(str line, bool settings, struct scan_hit *out);

/* ---- .gitignore (gitignore(5), without brackets across slashes) ---- */

/* What the text of one .gitignore says of a path relative to its folder: 1 ignored, 0 taken back,
 * -1 nothing. path ends with NUL. */
int scan_ignored(str text, const char *path, bool directory);

#endif
