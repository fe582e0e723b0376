/* password.h -- password hashes: argon2id (RFC 9106), and bcrypt that came from elsewhere.
 * A hash takes tens of milliseconds of a core and megabytes: threads of their own make them, few,
 * in a bounded queue, at a lower priority than the loops. SPDX: Apache-2.0 */
#ifndef CAIRN_AUTH_PASSWORD_H
#define CAIRN_AUTH_PASSWORD_H

#include "fiber/fiber.h"

struct passwords;

struct password_config {
    unsigned memory_kib, passes; /* of argon2id; parallelism is 1 */
    unsigned threads, queue;     /* hashes at a time; waiting at most */
};

enum { PASSWORD_HASH_MOST = 128, PASSWORD_BYTES_MOST = 1024 };

/* Any thread. Makes one hash, to answer for accounts that are not there. Fails with CONFIG (a cost
 * that libsodium refuses), INTERNAL. */
int passwords_new(const struct password_config *c, struct passwords **out, struct err *err);
void passwords_free(struct passwords **p); /* when no fiber waits for it any more */

/* The text to store, NUL-terminated. From a fiber. Fails with BUSY (the queue is full), TOOBIG. */
WAITS int passwords_hash(struct passwords *p, str password, char out[PASSWORD_HASH_MOST + 1],
                         struct err *err);

/* The same at once, on the calling thread: for commands. */
int password_hash_now(const struct password_config *c, str password,
                      char out[PASSWORD_HASH_MOST + 1], struct err *err);

struct password_verdict {
    bool good;
    bool stale; /* good, but made with another cost or algorithm: hash it again */
};
/* hash with ptr NULL: there is no such account; takes the same time and is never good. From a
 * fiber. Fails with BUSY. */
WAITS int passwords_check(struct passwords *p, str password, str hash, struct password_verdict *out,
                          struct err *err);

/* Whether a file of SHA-1 digests in hex, one a line and sorted, each perhaps with ":COUNT" behind
 * it (the form of Have I Been Pwned), has this password. Reads a few blocks; blocks the thread.
 * Fails with IO. */
int password_listed(const char *file, str password, bool *out, struct err *err);

#endif
