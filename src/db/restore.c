/* restore.c -- puts a backup in the place of the database. SPDX: Apache-2.0
 * Order: (1) both locks, so that no server and no migration works; (2) the backup is copied beside
 * the database and that copy is checked; (3) the old log is moved into the old database and goes
 * away (a log left behind would be replayed over the new file); (4) rename. A crash before (4)
 * leaves the old database, one after it the new one. */
#include "db/lite_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE = 1 << 16, LOCK_WAIT_MS = 1000 };

struct restore {
    char *path;
    char copy[PATH_MAX];
    int serve_fd, lock_fd;
};

static int copy_bytes(int from, int to)
{
    char *piece = mem_new(PIECE);
    ssize_t n;
    while ((n = read(from, piece, PIECE)) > 0) {
        for (ssize_t done = 0, w; done < n; done += w) {
            w = write(to, piece + done, (size_t)(n - done));
            if (w < 0) {
                n = -1;
                break;
            }
        }
        if (n < 0)
            break;
    }
    mem_free(piece);
    return n == 0 && fsync(to) == 0 ? 0 : -1;
}

static int copy_file(const char *from, const char *to, struct err *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return fail(err, E_IO, "cannot open backup '%s': %s", from, strerror(errno));
    unlink(to);
    int out = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = out < 0 ? -1 : copy_bytes(in, out);
    int why = errno;
    close(in);
    if (out >= 0)
        close(out);
    return rc == 0 ? 0 : fail(err, E_IO, "cannot copy '%s' to '%s': %s", from, to, strerror(why));
}

static bool there(const char *path, const char *suffix)
{
    char text[PATH_MAX + 32];
    struct stat st;
    snprintf(text, sizeof text, "%s%s", path, suffix);
    return stat(text, &st) == 0 && st.st_size > 0;
}

/* Its last connection moves the log of the copy into it when it closes. */
static int check_copy(const char *path, const struct db_config *c, struct err *err)
{
    struct conn *conn = NULL;
    TRY(conn__open(path, CONN_ADMIN, c, &conn, err));
    int code = conn__integrity(conn, err);
    conn__close(&conn);
    return code;
}

/* Leaving the log behind works only while nobody else has the database open: whoever did would
 * write on into a log of that name, which then belongs to the new database. */
static int settle(const char *path, const struct db_config *c, struct err *err)
{
    struct conn *conn = NULL;
    TRY(conn__open(path, CONN_ADMIN, c, &conn, err));
    int code =
        conn__script(conn, LIT("PRAGMA busy_timeout=1000; PRAGMA journal_mode=DELETE"), NULL, err);
    conn__close(&conn);
    return code;
}

static int prepare(struct restore *r, const struct db_config *c, const char *from, struct err *err)
{
    int n = snprintf(r->copy, sizeof r->copy, "%s.restore", r->path);
    if (n < 0 || (size_t)n >= sizeof r->copy)
        return fail(err, E_IO, "the path of the database is too long");
    if (there(from, "-wal"))
        return fail(err, E_BUSY, "'%s' is in use; make a backup of it first", from);
    TRY(copy_file(from, r->copy, err));
    if (!there(r->copy, ""))
        return fail(err, E_DB, "backup '%s' is empty", from);
    return check_copy(r->copy, c, err);
}

static int swap(struct restore *r, const struct db_config *c, struct err *err)
{
    struct err old = {0};
    if (settle(r->path, c, &old) < 0 && old.code == E_BUSY)
        return fail(err, E_BUSY, "another process has database '%s' open", r->path);
    if (there(r->path, "-wal"))
        return fail(err, E_BUSY,
                    "the log '%s-wal' cannot be read: remove it by hand to lose what it holds",
                    r->path);
    if (rename(r->copy, r->path) != 0)
        return fail(err, E_IO, "cannot rename '%s': %s", r->copy, strerror(errno));
    return lite__sync_dir(r->path) < 0 ? fail(err, E_IO, "cannot sync the directory") : 0;
}

static int take_locks(struct restore *r, struct err *err)
{
    TRY(lite__make(r->path, err));
    TRY(lite__lock_open(r->path, LITE_SERVE, &r->serve_fd, err));
    TRY(lite__lock_open(r->path, LITE_LOCK, &r->lock_fd, err));
    if (lite__lock(r->serve_fd, 0) < 0)
        return fail(err, E_BUSY, "a server works on database '%s': stop it first", r->path);
    if (lite__lock(r->lock_fd, LOCK_WAIT_MS) < 0)
        return fail(err, E_BUSY, "another process migrates database '%s'", r->path);
    return 0;
}

int lite__admin_restore(const struct db_config *c, const char *from, struct err *err)
{
    struct restore r = {.serve_fd = -1, .lock_fd = -1};
    int code = lite__path(c, &r.path, err);
    if (code == 0)
        code = take_locks(&r, err);
    if (code == 0)
        code = prepare(&r, c, from, err);
    if (code == 0)
        code = swap(&r, c, err);
    if (code < 0 && r.copy[0])
        unlink(r.copy);
    if (r.lock_fd >= 0)
        close(r.lock_fd);
    if (r.serve_fd >= 0)
        close(r.serve_fd);
    mem_free(r.path);
    return code;
}
