/* admin.c -- one blocking connection for migrations, checks and copies. SPDX: Apache-2.0
 * It works beside a running server: it writes under the migrations' lock, during which the server
 * does not checkpoint, and never checkpoints itself but when it closes as the last one. */
#include "db/lite_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"

struct lite_admin {
    struct db_admin base;
    char *path;
    struct conn *conn;
    int lock_fd;
};

static struct lite_admin *admin_of(struct db_admin *a)
{
    BUG_ON(a->driver != &db_sqlite);
    return OUTER(a, struct lite_admin, base);
}

int lite__admin_open(const struct db_config *c, struct db_admin **out, struct err *err)
{
    struct lite_admin *a = mem_zero(1, sizeof *a);
    a->base.driver = &db_sqlite;
    a->lock_fd = -1;
    int code = lite__path(c, &a->path, err);
    if (code == 0)
        code = lite__make(a->path, err);
    if (code == 0)
        code = lite__lock_open(a->path, LITE_LOCK, &a->lock_fd, err);
    if (code == 0)
        code = conn__open(a->path, CONN_ADMIN, c, &a->conn, err);
    if (code < 0) {
        lite__admin_close(&a->base);
        return code;
    }
    *out = &a->base;
    return 0;
}

void lite__admin_close(struct db_admin *base)
{
    struct lite_admin *a = admin_of(base);
    conn__close(&a->conn);
    if (a->lock_fd >= 0)
        close(a->lock_fd);
    mem_free(a->path);
    mem_free(a);
}

int lite__admin_run(struct db_admin *base, const struct stmt *st, struct arena *arena,
                    struct rows *out, struct err *err)
{
    struct conn *c = admin_of(base)->conn;
    struct prepared *p = NULL;
    struct collect k;
    struct row_sink sink = {.fn = collect__row, .ctx = &k, .names = out, .names_in = arena};
    if (out)
        collect__init(&k, arena, out, SIZE_MAX);
    TRY(stmts__get(c, st, &p, err));
    int code = conn__bind(c, p, st, err);
    if (code == 0 && out && p->columns)
        code = conn__names(p, &sink, err);
    c->limits = (struct limits){.timeout_ns = (uint64_t)base->timeout_ms * 1000000u};
    if (code == 0)
        code = conn__run(c, p, out ? &sink : NULL, err);
    stmts__put(&p);
    return code;
}

int lite__admin_script(struct db_admin *base, str text, size_t *at, struct err *err)
{
    return conn__script(admin_of(base)->conn, text, at, err);
}

int lite__admin_lock(struct db_admin *base, unsigned ms, struct err *err)
{
    struct lite_admin *a = admin_of(base);
    if (lite__lock(a->lock_fd, ms) < 0)
        return fail(err, E_BUSY, "another process migrates or restores database '%s'", a->path);
    return 0;
}

void lite__admin_unlock(struct db_admin *base)
{
    flock(admin_of(base)->lock_fd, LOCK_UN);
}

int lite__admin_check(struct db_admin *base, struct err *err)
{
    return conn__integrity(admin_of(base)->conn, err);
}

/* ---- copies ---- */

static int sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    int why = errno;
    if (fd >= 0)
        close(fd);
    return rc == 0 ? 0 : fail(err, E_IO, "cannot sync '%s': %s", path, strerror(why));
}

/* Under a name of its own until it is whole and durable: `to` is an old copy or the new one. */
int lite__admin_backup(struct db_admin *base, const char *to, struct err *err)
{
    struct lite_admin *a = admin_of(base);
    char part[PATH_MAX];
    int n = snprintf(part, sizeof part, "%s.part", to);
    if (n < 0 || (size_t)n >= sizeof part)
        return fail(err, E_IO, "the path of the backup is too long");
    unlink(part);
    int fd = open(part, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(err, E_IO, "cannot make '%s': %s", part, strerror(errno));
    close(fd);
    int code = conn__copy(a->conn, part, err);
    if (code == 0)
        code = sync_file(part, err);
    if (code == 0 && rename(part, to) != 0)
        code = fail(err, E_IO, "cannot rename '%s': %s", part, strerror(errno));
    if (code == 0 && lite__sync_dir(to) < 0)
        code = fail(err, E_IO, "cannot sync the directory of '%s'", to);
    if (code < 0)
        unlink(part);
    return code;
}
