/* lite_file.c -- the database file, its directory and the locks beside it. SPDX: Apache-2.0
 * Two lock files, both taken with flock and let go by the kernel when a process dies:
 * PATH-serve, by the one server that works on the database (two writers with their own
 * checkpoints are what damages a log, see sqlite.c); PATH-lock, by migrations, and shared by the
 * server round each checkpoint.
 * Never open and close the database file itself here while a connection may be open: closing any
 * descriptor of it drops the locks SQLite holds through another. */
#include "db/lite_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { DIR_MODE = 0700, FILE_MODE = 0600, POLL_MS = 10 };

/* "sqlite:PATH", "sqlite:///PATH" or a path; a relative one lies in the data directory. */
int lite__path(const struct db_config *c, char **out, struct err *err)
{
    str path = c->url;
    char text[PATH_MAX];
    if (str_starts(path, LIT("sqlite:")))
        path = str_from(path, 7);
    if (str_starts(path, LIT("//")))
        path = str_from(path, 2);
    if (!path.len || path.ptr[0] == ':' || memchr(path.ptr, '\0', path.len))
        return fail(err, E_CONFIG, "database url '%.*s' names no file", STR_ARG(c->url));
    bool inside = path.ptr[0] != '/' && c->data_dir.len;
    int n = inside ? snprintf(text, sizeof text, "%.*s/%.*s", STR_ARG(c->data_dir), STR_ARG(path))
                   : snprintf(text, sizeof text, "%s%.*s", path.ptr[0] == '/' ? "" : "./",
                              STR_ARG(path));
    if (n < 0 || (size_t)n >= sizeof text - 32)
        return fail(err, E_CONFIG, "the path of the database is too long");
    *out = mem_text(text, (size_t)n);
    return 0;
}

bool lite__exists(const struct db_config *c)
{
    struct err err = {0};
    char *path;
    if (lite__path(c, &path, &err) < 0)
        return false;
    bool there = access(path, F_OK) == 0;
    mem_free(path);
    return there;
}

static int make_dirs(char *path, struct err *err)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        int rc = mkdir(path, DIR_MODE);
        int why = errno;
        if (rc != 0 && why != EEXIST)
            return fail(err, E_IO, "cannot make directory '%s': %s", path, strerror(why));
        *at = '/';
    }
    return 0;
}

int lite__make(const char *path, struct err *err)
{
    char *copy = mem_text(path, strlen(path));
    int code = make_dirs(copy, err);
    mem_free(copy);
    TRY(code);
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, FILE_MODE);
    if (fd < 0 && errno != EEXIST)
        return fail(err, E_IO, "cannot make database '%s': %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return 0;
}

int lite__lock_open(const char *path, const char *suffix, int *fd, struct err *err)
{
    char text[PATH_MAX + 32];
    snprintf(text, sizeof text, "%s%s", path, suffix);
    *fd = open(text, O_CREAT | O_RDWR | O_CLOEXEC, FILE_MODE);
    return *fd < 0 ? fail(err, E_IO, "cannot open '%s': %s", text, strerror(errno)) : 0;
}

int lite__lock(int fd, unsigned ms)
{
    const struct timespec nap = {.tv_nsec = POLL_MS * 1000000L};
    uint64_t until = clock_ns() + (uint64_t)ms * 1000000u;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_ns() >= until)
            return E_BUSY;
        nanosleep(&nap, NULL);
    }
    return 0;
}

/* Makes a rename in path's directory durable. */
int lite__sync_dir(const char *path)
{
    char text[PATH_MAX];
    snprintf(text, sizeof text, "%s", path);
    char *slash = strrchr(text, '/');
    if (slash)
        slash[slash == text] = '\0';
    int fd = open(slash ? text : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    int rc = fsync(fd);
    close(fd);
    return rc == 0 ? 0 : E_IO;
}
