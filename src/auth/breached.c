/* breached.c -- is a password on a list: a binary search over the lines of a sorted file, which
 * may be tens of gigabytes long. SPDX: Apache-2.0 */
#include "auth/password.h"

#include "lib/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEX = 2 * SHA_DIGEST_LENGTH, LINE_MOST = 80 };

/* Reads the first line that begins at or behind `at` (at the start of the file or behind a line's
 * end). 0: there is none; its digest is in line. *start: where it begins. */
static ssize_t line_at(int fd, off_t at, char line[LINE_MOST], off_t *start)
{
    char block[2 * LINE_MOST];
    ssize_t got = pread(fd, block, sizeof block, at ? at - 1 : 0);
    size_t skip = 0;
    if (got <= 0)
        return got;
    if (at) {
        const char *end = memchr(block, '\n', (size_t)got);
        if (!end)
            return 0;
        skip = (size_t)(end - block) + 1;
    }
    *start = (at ? at - 1 : 0) + (off_t)skip;
    if ((size_t)got < skip + HEX)
        return 0;
    memcpy(line, block + skip, HEX);
    return 1;
}

static int search(int fd, off_t size, const char *want, bool *out)
{
    off_t low = 0, high = size, start = 0;
    char line[LINE_MOST];
    while (low < high) {
        off_t middle = low + (high - low) / 2;
        ssize_t got = line_at(fd, middle, line, &start);
        if (got < 0)
            return -errno;
        int order = got == 0 ? 1 : strncasecmp(line, want, HEX);
        if (order == 0) {
            *out = true;
            return 0;
        }
        if (order < 0)
            low = start + HEX;
        else
            high = middle;
    }
    return 0;
}

int password_listed(const char *file, str password, bool *out, struct err *err)
{
    unsigned char digest[SHA_DIGEST_LENGTH];
    char want[HEX + 1];
    struct stat st;
    *out = false;
    TRY(lib_load(&lib_crypto, E_BUSY, err));
    crypto.SHA1((const unsigned char *)password.ptr, password.len, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(want + 2 * i, 3, "%02X", digest[i]);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, E_IO, "'%s' cannot be read: %s", file, strerror(errno));
    int code = fstat(fd, &st) < 0 ? -errno : search(fd, st.st_size, want, out);
    close(fd);
    return code < 0 ? fail(err, E_IO, "'%s' cannot be read: %s", file, strerror(-code)) : 0;
}
