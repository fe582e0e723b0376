/* copy.c -- all files of one directory into another: for backups, and back. SPDX: Apache-2.0
 * A file never changes, so one that is there with its size is the same one, and a backup into the
 * directory of the last one copies only what is new. Each appears under its name when it is whole.
 */
#include "files/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 1400, ID_LEN = 32 };

struct copying {
    const char *from, *to;
    uint64_t count;
    struct err *err;
};

static int io(struct copying *c, const char *what, const char *path)
{
    return fail(c->err, E_IO, "cannot %s '%.200s': %s", what, path, strerror(errno));
}

static bool hex(const char *s, size_t len)
{
    return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

static bool there(const char *path, off_t size)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size == size;
}

static int copy_bytes(int in, int out, off_t size)
{
    for (off_t done = 0; done < size;) {
        ssize_t n = sendfile(out, in, NULL, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        done += n;
    }
    return fsync(out);
}

static int copy_one(struct copying *c, const char *dir, const char *name)
{
    char from[PATH_ROOM], to[PATH_ROOM], part[PATH_ROOM];
    struct stat st;
    snprintf(from, sizeof from, "%.1024s/%.2s/%.64s", c->from, dir, name);
    snprintf(to, sizeof to, "%.1024s/%.2s/%.64s", c->to, dir, name);
    snprintf(part, sizeof part, "%.1024s/%.2s/%.64s.part", c->to, dir, name);
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return errno == ENOENT ? 0 : io(c, "open", from); /* swept away meanwhile */
    int rc = fstat(in, &st);
    if (rc == 0 && there(to, st.st_size)) {
        close(in);
        return 0;
    }
    int out =
        rc == 0 ? open(part, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    rc = out < 0 ? -1 : copy_bytes(in, out, st.st_size);
    close(in);
    if (out >= 0)
        close(out);
    if (rc < 0 || rename(part, to) < 0)
        return io(c, "write", to);
    c->count++;
    return 0;
}

static int sync_dir(struct copying *c, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        close(fd);
    return rc < 0 ? io(c, "sync", path) : 0;
}

static int copy_dir(struct copying *c, const char *name)
{
    char from[PATH_ROOM], to[PATH_ROOM];
    int code = 0;
    snprintf(from, sizeof from, "%.1024s/%.2s", c->from, name);
    snprintf(to, sizeof to, "%.1024s/%.2s", c->to, name);
    DIR *d = opendir(from);
    if (!d)
        return io(c, "read", from);
    if (mkdir(to, 0700) < 0 && errno != EEXIST)
        code = io(c, "make", to);
    for (struct dirent *e; code == 0 && (e = readdir(d));) {
        if (hex(e->d_name, ID_LEN))
            code = copy_one(c, name, e->d_name);
    }
    closedir(d);
    return code < 0 ? code : sync_dir(c, to);
}

int files_copy(const char *from, const char *to, uint64_t *count, struct err *err)
{
    struct copying c = {from, to, 0, err};
    int code = 0;
    DIR *d = opendir(from);
    *count = 0;
    if (!d)
        return errno == ENOENT ? 0 : io(&c, "read", from);
    if (mkdir(to, 0700) < 0 && errno != EEXIST)
        code = io(&c, "make", to);
    for (struct dirent *e; code == 0 && (e = readdir(d));) {
        if (hex(e->d_name, 2))
            code = copy_dir(&c, e->d_name);
    }
    closedir(d);
    *count = c.count;
    return code < 0 ? code : sync_dir(&c, to);
}
