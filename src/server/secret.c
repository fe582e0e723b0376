/* secret.c -- the key of cursor signatures, made once when the settings give none.
 * SPDX: Apache-2.0
 * It is kept in the data directory, so that cursors outlive a restart; a file of mode 0600. */
#include "server/server_priv.h"

#include "data/data.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES = 32, SECRET_TEXT = 2 * SECRET_BYTES };

static int read_key(const char *path, struct arena *a, str *out, struct err *err)
{
    char *text = arena_new(a, SECRET_TEXT + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, E_IO, "cannot read '%s': %s", path, strerror(errno));
    ssize_t n = read(fd, text, SECRET_TEXT);
    close(fd);
    if (n != SECRET_TEXT)
        return fail(err, E_IO, "'%s' is damaged: remove it, and a new key is made", path);
    *out = str_make(text, SECRET_TEXT);
    return 0;
}

/* With the directories above it: a database elsewhere makes none. */
void secret_dirs(const struct config *config)
{
    char path[4096];
    str whole = config->data_path;
    if (whole.len >= sizeof path)
        return;
    for (size_t i = 1; i <= whole.len; i++) {
        if (i < whole.len && whole.ptr[i] != '/')
            continue;
        memcpy(path, whole.ptr, i);
        path[i] = '\0';
        mkdir(path, 0777); /* what is wrong shows when the file is made */
    }
}

/* Under a name of its own first: who finds the file finds it whole. */
static int make_key(const char *path, struct err *err)
{
    unsigned char key[SECRET_BYTES];
    char digits[SECRET_TEXT + 1], temporary[4200];
    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        return fail(err, E_IO, "the system gives no random bytes: %s", strerror(errno));
    for (size_t i = 0; i < sizeof key; i++)
        snprintf(digits + 2 * i, 3, "%02x", key[i]);
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(err, E_IO, "cannot make '%s': %s", temporary, strerror(errno));
    bool written = write(fd, digits, SECRET_TEXT) == SECRET_TEXT && fsync(fd) == 0;
    int why = errno;
    close(fd);
    bool kept = written && (link(temporary, path) == 0 || errno == EEXIST);
    why = written && !kept ? errno : why;
    unlink(temporary);
    return kept ? 0 : fail(err, E_IO, "cannot write '%s': %s", path, strerror(why));
}

int secret_cursor(const struct config *config, struct arena *a, str *out, struct err *err)
{
    char path[4096];
    if (config->cursor_secret.len) {
        *out = config->cursor_secret;
        return 0;
    }
    snprintf(path, sizeof path, "%.*s/cursor.key", STR_ARG(config->data_path));
    if (access(path, F_OK) != 0) {
        secret_dirs(config);
        TRY(make_key(path, err));
    }
    return read_key(path, a, out, err);
}

void secret_etag(str cursor, struct etag_key *out)
{
    static const char use[] = "cairn entity-tags";
    crypto_generichash_state state;
    crypto_generichash_init(&state, (const unsigned char *)use, sizeof use - 1, sizeof *out);
    crypto_generichash_update(&state, (const unsigned char *)cursor.ptr, cursor.len);
    crypto_generichash_final(&state, (unsigned char *)out, sizeof *out);
}
