/* local.c -- files in a directory: DIR/ab/ab34.. by the head of their id; in DIR/incoming while
 * they are taken in. SPDX: Apache-2.0 Why by id and not by name: a name comes from a stranger, and
 * two may have the same. Invariant: once put answers 0 the file, its name and its directory are on
 * the disk: rename, and fsync of both, before a row can point to it. */
#include "files/files_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int files__error(struct err *err, const char *what, const char *path)
{
    int e = errno;
    if (e == ENOSPC || e == EDQUOT)
        return fail(err, E_BUSY, "there is no room for the file now");
    return fail(err, E_IO, "cannot %s '%.200s': %s", what, path, strerror(e));
}

static int sync_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    int code = rc < 0 ? files__error(err, "sync", path) : 0;
    if (fd >= 0)
        close(fd);
    return code;
}

/* A directory and its parent's entry of it. */
static int make_dir(const char *path, struct err *err)
{
    char parent[PATH_MOST];
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : files__error(err, "make directory", path);
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash || slash == parent)
        return 0;
    *slash = '\0';
    return sync_dir(parent, err);
}

static void dir_of(const struct files *f, const char *id, char path[PATH_MOST])
{
    snprintf(path, PATH_MOST, "%.1024s/%.2s", f->config.dir.ptr, id);
}

static void path_of(const struct files *f, const char *id, char path[PATH_MOST])
{
    snprintf(path, PATH_MOST, "%.1024s/%.2s/%s", f->config.dir.ptr, id, id);
}

int files__incoming(const struct files *f, const char *id, char path[PATH_MOST], struct err *err)
{
    snprintf(path, PATH_MOST, "%.1024s", f->config.dir.ptr);
    TRY(make_dir(path, err));
    snprintf(path, PATH_MOST, "%.1024s/incoming", f->config.dir.ptr);
    TRY(make_dir(path, err));
    snprintf(path, PATH_MOST, "%.1024s/incoming/%s", f->config.dir.ptr, id);
    return 0;
}

/* ---- the store ---- */

static int put_blocking(void *arg, struct err *err)
{
    struct upload *u = arg;
    char from[PATH_MOST], dir[PATH_MOST], to[PATH_MOST];
    TRY(files__write_out(u, err));
    TRY(files__incoming(u->files, u->id, from, err));
    dir_of(u->files, u->id, dir);
    path_of(u->files, u->id, to);
    if (fsync(u->fd) < 0)
        return files__error(err, "sync", from);
    TRY(make_dir(dir, err));
    if (rename(from, to) < 0)
        return files__error(err, "move", from);
    return sync_dir(dir, err);
}

WAITS static int put(struct upload *u, struct err *err)
{
    return files__blocking(put_blocking, u, err);
}

static int open_blocking(void *arg, struct err *err)
{
    struct file_reader *r = arg;
    char path[PATH_MOST];
    struct stat st;
    path_of(r->files, r->id, path);
    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (r->fd < 0 && errno == ENOENT)
        return fail(err, E_NOTFOUND, "the file is gone");
    if (r->fd < 0)
        return files__error(err, "open", path);
    if (fstat(r->fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != r->size)
        return fail(err, E_IO, "'%.200s' is not the file that was kept", path);
    return 0;
}

WAITS static int open_one(struct file_reader *r, struct err *err)
{
    return files__blocking(open_blocking, r, err);
}

struct reading {
    struct file_reader *r;
    uint64_t at;
    char *ptr;
    size_t len;
};

static int read_blocking(void *arg, struct err *err)
{
    const struct reading *d = arg;
    for (size_t done = 0; done < d->len;) {
        ssize_t n = pread(d->r->fd, d->ptr + done, d->len - done, (off_t)(d->at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(err, E_IO, "a file cannot be read: %s",
                        n ? strerror(errno) : "it is short");
        done += (size_t)n;
    }
    return 0;
}

/* What the kernel has in memory needs no helper thread. */
static bool read_at_once(const struct reading *d)
{
#ifdef RWF_NOWAIT
    struct iovec iov = {d->ptr, d->len};
    return preadv2(d->r->fd, &iov, 1, (off_t)d->at, RWF_NOWAIT) == (ssize_t)d->len;
#else
    (void)d;
    return false;
#endif
}

WAITS static int read_some(struct file_reader *r, uint64_t at, char *ptr, size_t len,
                           struct err *err)
{
    struct reading d = {r, at, ptr, len};
    return read_at_once(&d) ? 0 : files__blocking(read_blocking, &d, err);
}

static void close_one(struct file_reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

struct removing {
    struct files *files;
    const char *id;
};

static int remove_blocking(void *arg, struct err *err)
{
    const struct removing *d = arg;
    char path[PATH_MOST];
    path_of(d->files, d->id, path);
    return unlink(path) < 0 && errno != ENOENT ? files__error(err, "remove", path) : 0;
}

WAITS static int remove_one(struct files *f, const char *id, struct err *err)
{
    struct removing d = {f, id};
    return files__blocking(remove_blocking, &d, err);
}

const struct file_store file_store_local = {.name = "local",
                                            .put = put,
                                            .open = open_one,
                                            .read = read_some,
                                            .close = close_one,
                                            .remove = remove_one};
